//! Accounts and deposits.

use purser_protocol::bind::http::{PAPER, PURSER_CREDENTIAL};
use purser_protocol::cert::Role;
use purser_protocol::code::Code;
use purser_protocol::flow::Parties as _;
use purser_protocol::paper::credential::Credential;
use purser_protocol::receipt::Outcome;
use purser_protocol::sign::Signed;
use purser_protocol::sign::backend::AwsLc;

use super::{MERCHANT, SANDBOX, Scene};
use crate::check::{Check, Must, checks};
use crate::failure::{Done, Fault, ensure, ensure_state};
use crate::papers::{Key, Person, amount, now};

pub(super) const CHECKS: &[Check<Scene>] = checks! { Scene;
    "live/issuer/accounts/enrolment", "An enrolment opens an account; its credential is the issuer's, in one header field", ["HTB-5", "HTB-2", "SIG-17"], High, Must::Accept, [] => enrolment;
    "live/issuer/accounts/no-store", "No credential may be stored on the way", ["HTB-9"], High, Must::Accept, [] => no_store;
    "live/issuer/accounts/again", "The same enrolment again has the same answer and opens nothing", ["CMD-1"], High, Must::Accept, [] => again;
    "live/issuer/accounts/signature", "An enrolment whose signature is another's", ["SIG-15"], Critical, Must::Refuse(Code::SignatureInvalid, "live/issuer/accounts/enrolment"), [] => signature;
    "live/issuer/accounts/other-paper", "Another paper where an enrolment is taken", ["SIG-9"], Medium, Must::Refuse(Code::TypeMismatch, "live/issuer/accounts/enrolment"), [] => other_paper;
    "live/issuer/command/offer", "An offer where a command is taken", ["SIG-9"], Medium, Must::Refuse(Code::TypeMismatch, "live/issuer/deposit/once"), [SANDBOX, MERCHANT] => offer_as_command;
    "live/issuer/deposit/once", "A deposit sent twice is one, and its answer the same", ["CMD-1"], Critical, Must::Accept, [SANDBOX, MERCHANT] => deposit;
    "live/issuer/deposit/stranger", "A deposit by a key that the account does not have", ["CMD-15"], High, Must::Refuse(Code::AccountUnknown, "live/issuer/deposit/once"), [SANDBOX] => stranger;
};

async fn enrolment(scene: &Scene) -> Done {
    let key = Key::new()?;
    let answer = scene.post("/v1/accounts", PAPER, &Person::enrolment(&scene.terms, &key)?).await?;
    answer.is(&scene.belief(), Outcome::Recorded)?;
    let credential = scene.credential(&answer)?;
    ensure(credential.issuer == scene.terms.issuer, || format!("the credential is of {}", credential.issuer))?;
    let value = answer.header(PURSER_CREDENTIAL).unwrap_or_default();
    ensure(value.len() <= 2_048, || format!("a header field of {} bytes", value.len()))?;
    let bytes = purser_protocol::bind::base64url::decode(value).unwrap_or_default();
    let wrong = |what: String| answer.fails(Fault::WrongAnswer, format!("Purser-Credential: {what}"));
    let signed = Signed::<Credential>::read(&bytes).map_err(|fault| wrong(fault.to_string()))?;
    ensure(signed.header.x5chain.count() == 0, || "certificates travel in a header field".to_owned())?;
    let party =
        scene.register().party(&signed.header, Role::Issuer, now()).map_err(|fault| wrong(fault.to_string()))?;
    ensure(party.id == scene.terms.issuer, || format!("the credential is signed by {}", party.id))?;
    let verified = signed.verify(&AwsLc, scene.terms.context(), &party.key);
    verified.map(drop).map_err(|fault| wrong(fault.to_string()))
}

async fn no_store(scene: &Scene) -> Done {
    let answer = scene.post("/v1/accounts", PAPER, &Person::enrolment(&scene.terms, &Key::new()?)?).await?;
    answer.is(&scene.belief(), Outcome::Recorded)?;
    super::reads::not_stored(&answer)
}

async fn again(scene: &Scene) -> Done {
    let key = Key::new()?;
    let paper = Person::enrolment(&scene.terms, &key)?;
    let first = scene.post("/v1/accounts", PAPER, &paper).await?;
    first.is(&scene.belief(), Outcome::Recorded)?;
    let second = scene.post("/v1/accounts", PAPER, &paper).await?;
    ensure(second.says_as(&first), || format!("it was {}, and other bytes", second.in_words()))?;
    let accounts = (scene.credential(&first)?.account, scene.credential(&second)?.account);
    ensure_state(accounts.0 == accounts.1, || "the second credential is for another account".to_owned())
}

async fn signature(scene: &Scene) -> Done {
    let mut paper = Person::enrolment(&scene.terms, &Key::new()?)?;
    if let Some(last) = paper.last_mut() {
        *last ^= 1;
    }
    scene.post("/v1/accounts", PAPER, &paper).await?.decides_nothing(Code::SignatureInvalid)
}

async fn other_paper(scene: &Scene) -> Done {
    let person = scene.person(0).await?;
    let mandate = person.quota(&scene.terms, &person.key, 100)?;
    scene.post("/v1/accounts", PAPER, &mandate).await?.decides_nothing(Code::TypeMismatch)
}

async fn offer_as_command(scene: &Scene) -> Done {
    scene.command(&scene.offer(100)?).await?.decides_nothing(Code::TypeMismatch)
}

/// What is in the account shows by what it pays.
async fn deposit(scene: &Scene) -> Done {
    let party = scene.party(0, 10_000).await?;
    let paper = party.person.deposit(&scene.terms, 100)?;
    let first = scene.command(&paper).await?;
    let receipt = first.is(&scene.belief(), Outcome::Recorded)?;
    ensure(receipt.claims.amount == Some(amount(100)?), || "the receipt does not say the amount".to_owned())?;
    let second = scene.command(&paper).await?;
    ensure(second.says_as(&first), || format!("sent again it was {}, and other bytes", second.in_words()))?;
    party.pay(scene, 60).await?.is(&scene.belief(), Outcome::Settled)?;
    let beyond = party.pay(scene, 41).await?;
    beyond.refuses(&scene.belief(), Code::InsufficientFunds)?;
    party.pay(scene, 40).await?.is(&scene.belief(), Outcome::Settled).map(drop)
}

async fn stranger(scene: &Scene) -> Done {
    let person = scene.person(0).await?;
    let stranger = Person { key: Key::new()?, account: person.account };
    scene.command(&stranger.deposit(&scene.terms, 100)?).await?.decides_nothing(Code::AccountUnknown)
}
