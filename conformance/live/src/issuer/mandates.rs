//! Mandates rest, resume and end; the status says so.

use purser_protocol::bind::http::{PAPER, PAYMENT_REQUEST};
use purser_protocol::cert::Role;
use purser_protocol::code::Code;
use purser_protocol::flow::Parties as _;
use purser_protocol::id::PaperId;
use purser_protocol::paper::mandate::Mandate;
use purser_protocol::paper::status::{MandateState, Status};
use purser_protocol::receipt::Outcome;
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::sign::{Paper as _, Signed};
use purser_protocol::wire::Reader;

use super::{MERCHANT, SANDBOX, Scene};
use crate::check::{Check, Must, checks};
use crate::failure::{Done, Failure, Fault, ensure, ensure_state};
use crate::line::Request;
use crate::papers::{Key, Person, amount, id, now, payment};

const RESUMED: &str = "live/issuer/mandate/resumed";

pub(super) const CHECKS: &[Check<Scene>] = checks! { Scene;
    "live/issuer/mandate/resumed", "A suspended mandate pays again once it is resumed", ["REV-4"], High, Must::Accept, [SANDBOX, MERCHANT] => resumed;
    "live/issuer/mandate/suspended", "The mandate is suspended between offer and intent", ["AUT-36"], Critical, Must::Refuse(Code::MandateSuspended, RESUMED), [SANDBOX, MERCHANT] => suspended;
    "live/issuer/mandate/revoked", "The mandate is revoked between offer and intent", ["AUT-34"], Critical, Must::Refuse(Code::MandateRevoked, RESUMED), [SANDBOX, MERCHANT] => revoked;
    "live/issuer/mandate/race", "No payment is decided after the revocation, whatever was on its way", ["REV-6"], Critical, Must::Accept, [SANDBOX, MERCHANT] => race;
    "live/issuer/mandate/stranger", "A suspension by a key that may not give it", ["SIG-14"], High, Must::Refuse(Code::CommandSigner, RESUMED), [SANDBOX] => stranger;
    "live/issuer/mandate/not-suspended", "A resumption of a suspension that does not stand", ["CMD-12"], High, Must::Refuse(Code::SuspensionUnknown, RESUMED), [SANDBOX] => not_suspended;
    "live/issuer/mandate/again", "The same mandate registered twice has the same answer", ["CMD-1"], High, Must::Accept, [SANDBOX] => again;
    "live/issuer/mandate/other-account", "A mandate over somebody else's account", ["SIG-12"], Critical, Must::Refuse(Code::MandateSigner, "live/issuer/mandate/again"), [SANDBOX] => other_account;
    "live/issuer/mandate/conflict", "Another mandate at the same lineage and version", ["MAN-20"], Critical, Must::Refuse(Code::MandateConflict, "live/issuer/mandate/again"), [SANDBOX] => conflict;
    "live/issuer/mandate/status", "The status says active, suspended, revoked and exhausted, signed for a minute at most", ["REV-8", "REV-9"], High, Must::Accept, [SANDBOX, MERCHANT] => status;
};

async fn resumed(scene: &Scene) -> Done {
    let party = scene.party(1_000, 1_000).await?;
    let rest = party.person.key.suspension(&scene.terms, party.person.account, party.mandate)?;
    scene.command(&rest).await?.is(&scene.belief(), Outcome::Recorded)?;
    party.pay(scene, 100).await?.refuses(&scene.belief(), Code::MandateSuspended)?;
    let resumption = party.person.resumption(&scene.terms, party.mandate, id(&rest)?)?;
    scene.command(&resumption).await?.is(&scene.belief(), Outcome::Recorded)?;
    party.pay(scene, 100).await?.is(&scene.belief(), Outcome::Settled).map(drop)
}

async fn suspended(scene: &Scene) -> Done {
    let party = scene.party(1_000, 1_000).await?;
    let (offer, intent) = party.order(scene, 100)?;
    let rest = party.person.key.suspension(&scene.terms, party.person.account, party.mandate)?;
    scene.command(&rest).await?.is(&scene.belief(), Outcome::Recorded)?;
    scene.pay(&offer, &intent).await?.refuses(&scene.belief(), Code::MandateSuspended).map(drop)
}

async fn revoked(scene: &Scene) -> Done {
    let party = scene.party(1_000, 1_000).await?;
    let (offer, intent) = party.order(scene, 100)?;
    scene
        .command(&party.person.revocation(&scene.terms, party.mandate)?)
        .await?
        .is(&scene.belief(), Outcome::Recorded)?;
    scene.pay(&offer, &intent).await?.refuses(&scene.belief(), Code::MandateRevoked).map(drop)
}

async fn race(scene: &Scene) -> Done {
    let party = scene.party(1_000, 1_000).await?;
    let orders = (0..32).map(|_| party.order(scene, 10)).collect::<Result<Vec<_>, _>>()?;
    let request =
        |(offer, intent): &(Vec<u8>, Vec<u8>)| Request::post("/v1/intents", PAYMENT_REQUEST, payment(offer, intent));
    let mut requests: Vec<Request> = orders.iter().map(request).collect();
    let revocation = party.person.revocation(&scene.terms, party.mandate)?;
    requests.insert(16, Request::post("/v1/commands", PAPER, revocation));
    let mut answers = scene.target.at_once(requests).await?;
    let ended = answers.remove(16).is(&scene.belief(), Outcome::Recorded)?;
    for answer in &answers {
        let receipt = answer.receipt(&scene.belief())?;
        if receipt.claims.outcome != Outcome::Settled {
            answer.refuses(&scene.belief(), Code::MandateRevoked)?;
            continue;
        }
        ensure_state(receipt.root.batch <= ended.root.batch, || {
            format!("a payment is in batch {}, the revocation in {}", receipt.root.batch, ended.root.batch)
        })?;
    }
    party.pay(scene, 10).await?.refuses(&scene.belief(), Code::MandateRevoked).map(drop)
}

async fn stranger(scene: &Scene) -> Done {
    let party = scene.party(0, 1_000).await?;
    let rest = Key::new()?.suspension(&scene.terms, party.person.account, party.mandate)?;
    scene.command(&rest).await?.decides_nothing(Code::CommandSigner)
}

async fn not_suspended(scene: &Scene) -> Done {
    let party = scene.party(0, 1_000).await?;
    let nothing = PaperId(crate::random::random()?);
    let resumption = party.person.resumption(&scene.terms, party.mandate, nothing)?;
    scene.command(&resumption).await?.refuses(&scene.belief(), Code::SuspensionUnknown).map(drop)
}

async fn again(scene: &Scene) -> Done {
    let (person, agent) = (scene.person(0).await?, Key::new()?);
    let mandate = person.quota(&scene.terms, &agent, 1_000)?;
    let first = scene.post("/v1/mandates", PAPER, &mandate).await?;
    first.is(&scene.belief(), Outcome::Recorded)?;
    let second = scene.post("/v1/mandates", PAPER, &mandate).await?;
    ensure(second.says_as(&first), || format!("it was {}, and other bytes", second.in_words()))
}

async fn other_account(scene: &Scene) -> Done {
    let (person, thief) = (scene.person(0).await?, scene.person(0).await?);
    let theirs = Person { key: thief.key, account: person.account };
    let mandate = theirs.quota(&scene.terms, &Key::new()?, 1_000)?;
    scene.post("/v1/mandates", PAPER, &mandate).await?.decides_nothing(Code::MandateSigner)
}

async fn conflict(scene: &Scene) -> Done {
    let (person, agent) = (scene.person(0).await?, Key::new()?);
    let total = |minor| {
        let fields = purser_protocol::paper::rules::Fields { total: Some(amount(minor)?), ..Default::default() };
        Ok::<_, Failure>(purser_protocol::paper::rules::Rules::new(fields))
    };
    let draft = person.draft(&scene.terms, purser_protocol::paper::mandate::Mode::Quota, &agent)?;
    let narrow = Mandate { caps: total(100)?, ..draft.clone() };
    let wide = Mandate { caps: total(1_000)?, ..draft };
    scene.registered(&person.key.sign(&scene.terms, &narrow)?).await?;
    let answer = scene.post("/v1/mandates", PAPER, &person.key.sign(&scene.terms, &wide)?).await?;
    answer.refuses(&scene.belief(), Code::MandateConflict).map(drop)
}

impl Scene {
    async fn stands(&self, mandate: PaperId, state: MandateState) -> Done {
        let answer = self.get(&format!("/v1/mandates/{mandate}/status")).await?;
        let wrong = |what: String| answer.fails(Fault::WrongAnswer, what);
        ensure(answer.status == 200 && answer.media() == "application/cose", || answer.in_words())?;
        let signed = Signed::<Status>::read(&answer.body).map_err(|fault| wrong(fault.to_string()))?;
        let party = self.register().party(&signed.header, Role::Issuer, now());
        let party = party.map_err(|fault| wrong(fault.to_string()))?;
        let verified = signed.verify(&AwsLc, self.terms.context(), &party.key);
        verified.map_err(|fault| wrong(fault.to_string()))?;
        let said = Status::decode(&mut Reader::new(signed.frame.payload)).map_err(|fault| wrong(fault.to_string()))?;
        said.check_lifetime().map_err(|fault| wrong(fault.to_string()))?;
        let is_so = said.mandate == mandate && said.issuer == self.terms.issuer && party.id == said.issuer;
        ensure(is_so, || "the status is of another mandate or issuer".to_owned())?;
        ensure(said.state == state, || format!("it says {}, and must say {}", said.state.name(), state.name()))
    }
}

async fn status(scene: &Scene) -> Done {
    let party = scene.party(1_000, 1_000).await?;
    scene.stands(party.mandate, MandateState::Active).await?;
    let rest = party.person.key.suspension(&scene.terms, party.person.account, party.mandate)?;
    scene.command(&rest).await?.is(&scene.belief(), Outcome::Recorded)?;
    scene.stands(party.mandate, MandateState::Suspended).await?;
    let resumption = party.person.resumption(&scene.terms, party.mandate, id(&rest)?)?;
    scene.command(&resumption).await?.is(&scene.belief(), Outcome::Recorded)?;
    party.pay(scene, 1_000).await?.is(&scene.belief(), Outcome::Settled)?;
    scene.stands(party.mandate, MandateState::Exhausted).await?;
    scene
        .command(&party.person.revocation(&scene.terms, party.mandate)?)
        .await?
        .is(&scene.belief(), Outcome::Recorded)?;
    scene.stands(party.mandate, MandateState::Revoked).await
}
