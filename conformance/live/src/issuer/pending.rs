//! Payments that wait for the person.

use purser_protocol::bind::http::PAPER;
use purser_protocol::code::Code;
use purser_protocol::id::PaperId;
use purser_protocol::receipt::Outcome;

use super::{MERCHANT, Party, SANDBOX, Scene};
use crate::check::{Check, Must, checks};
use crate::failure::{Done, Failure, ensure};
use crate::line::{Answer, Request, write};
use crate::papers::{Key, asking, given, id};

const CONFIRMED: &str = "live/issuer/pending/confirmed";

pub(super) const CHECKS: &[Check<Scene>] = checks! { Scene;
    "live/issuer/pending/asked", "A payment that asks waits: 202, where to look, when to come again, the same bytes each time", ["CNF-1", "CNF-5", "CNF-7", "HTB-5"], High, Must::Accept, [SANDBOX, MERCHANT, "confirmation"] => asked;
    "live/issuer/pending/confirmed", "The person's yes decides it", ["CNF-13"], Critical, Must::Accept, [SANDBOX, MERCHANT, "confirmation"] => confirmed;
    "live/issuer/pending/wait", "Whoever waits is told what the person decided", ["HTB-6", "RCT-7"], High, Must::Accept, [SANDBOX, MERCHANT, "confirmation"] => wait;
    "live/issuer/pending/refused", "The person's no is for good", ["CNF-3"], Critical, Must::Refuse(Code::ConfirmationRefused, CONFIRMED), [SANDBOX, MERCHANT, "confirmation"] => refused;
    "live/issuer/pending/cancelled", "The agent gives up: nobody can confirm it any more", ["CMD-11"], High, Must::Refuse(Code::PaymentCancelled, CONFIRMED), [SANDBOX, MERCHANT, "confirmation"] => cancelled;
    "live/issuer/pending/revoked", "The mandate is revoked while the payment waits", ["CNF-12", "AUT-34"], Critical, Must::Refuse(Code::MandateRevoked, CONFIRMED), [SANDBOX, MERCHANT, "confirmation"] => revoked;
    "live/issuer/pending/stranger", "A yes of somebody else", ["SIG-14"], Critical, Must::Refuse(Code::CommandSigner, CONFIRMED), [SANDBOX, MERCHANT, "confirmation"] => stranger;
    "live/issuer/pending/unknown", "A yes to what nobody asked", ["CMD-3"], Medium, Must::Refuse(Code::PaymentUnknown, CONFIRMED), [SANDBOX, "confirmation"] => unknown;
    "live/issuer/pending/limit", "A ninth payment that would wait", ["CNF-2"], High, Must::Refuse(Code::PendingLimit, "live/issuer/pending/asked"), [SANDBOX, MERCHANT, "confirmation"] => limit;
};

/// Somebody whose agent has to ask above 1,000, and who has 10,000.
async fn careful(scene: &Scene) -> Result<Party, Failure> {
    let (person, agent) = (scene.person(10_000).await?, Key::new()?);
    let mandate = scene.registered(&person.conditional(&scene.terms, &agent, asking(1_000))?).await?;
    Ok(Party { person, agent, mandate })
}

/// A payment of 2,000 that waits.
async fn waiting(scene: &Scene) -> Result<(Party, Vec<u8>, Vec<u8>, Answer), Failure> {
    let party = careful(scene).await?;
    let (offer, intent) = party.order(scene, 2_000)?;
    let answer = scene.pay(&offer, &intent).await?;
    answer.is(&scene.belief(), Outcome::Pending).map_err(|failure| failure.before("to ask"))?;
    Ok((party, offer, intent, answer))
}

impl Scene {
    async fn confirm(&self, party: &Party, intent: PaperId) -> Result<Answer, Failure> {
        self.post("/v1/confirmations", PAPER, &party.person.confirmation(&self.terms, intent)?).await
    }
}

async fn asked(scene: &Scene) -> Done {
    let party = careful(scene).await?;
    party.pay(scene, 1_000).await?.is(&scene.belief(), Outcome::Settled)?;
    let merchant = scene.merchant()?;
    let draft = merchant.draft(&scene.terms, 2_000, purser_protocol::paper::offer::CaptureMode::AtOnce)?;
    let offer = merchant.sign(&scene.terms, &draft)?;
    let intent = party.agent.intent(&scene.terms, party.mandate, &offer, 2_000)?;
    let answer = scene.pay(&offer, &intent).await?;
    let claims = answer.is(&scene.belief(), Outcome::Pending)?.claims;
    let said = (claims.approval, claims.user_code, claims.answer_by);
    ensure(said.0.is_some() && said.1.is_some(), || "approval or user_code is not there".to_owned())?;
    ensure(given(said.2)? <= draft.expires_at, || "answer_by is after the end of the offer".to_owned())?;
    let path = format!("/v1/intents/{}", id(&intent)?);
    let location = answer.header("location").unwrap_or_default();
    ensure(location.ends_with(&path), || format!("Location is {location:?}, and must be {path}"))?;
    let seconds = answer.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
    ensure(seconds.is_some(), || "Retry-After is not there".to_owned())?;
    for later in [scene.pay(&offer, &intent).await?, scene.get(&path).await?] {
        ensure(later.says_as(&answer), || format!("{}: {}, and other bytes", later.asked, later.in_words()))?;
    }
    Ok(())
}

async fn confirmed(scene: &Scene) -> Done {
    let (party, offer, intent, _) = waiting(scene).await?;
    let yes = scene.confirm(&party, id(&intent)?).await?;
    let receipt = yes.is(&scene.belief(), Outcome::Settled)?;
    super::pay::about(&receipt, &offer, &intent, 2_000)?;
    let kept = scene.pay(&offer, &intent).await?;
    ensure(kept.says_as(&yes), || format!("the intent says {}, and other bytes", kept.in_words()))
}

/// The question is out before the answer is given; whoever does not wait says that nothing is decided.
async fn wait(scene: &Scene) -> Done {
    for _ in 0..3 {
        let (party, _, intent, _) = waiting(scene).await?;
        let request = Request::get(format!("/v1/intents/{}?wait=20", id(&intent)?));
        let asked = format!("GET {}", request.path);
        let mut stream = scene.target.open(&asked).await?;
        write(&mut stream, &request.bytes(&scene.target.authority), &asked).await?;
        // Another request is answered in between, so that the question has come.
        scene.get("/.well-known/purser").await?;
        let yes = scene.confirm(&party, id(&intent)?).await?;
        yes.is(&scene.belief(), Outcome::Settled)?;
        let waited = scene.target.read(&mut stream, &asked).await?;
        ensure(waited.says_as(&yes), || format!("{asked}: {}, and other bytes", waited.in_words()))?;
    }
    Ok(())
}

async fn refused(scene: &Scene) -> Done {
    let (party, offer, intent, _) = waiting(scene).await?;
    let no = scene.command(&party.person.key.cancel(&scene.terms, &intent)?).await?;
    ensure(no.status == 200, || format!("a cancel that did it is answered with 200, and not {}", no.status))?;
    let late = scene.confirm(&party, id(&intent)?).await?;
    late.refuses(&scene.belief(), Code::ConfirmationRefused)?;
    let kept = scene.pay(&offer, &intent).await?;
    kept.refuses(&scene.belief(), Code::ConfirmationRefused)?;
    ensure(kept.body == no.body && late.body == no.body, || "the answers are not the same bytes".to_owned())
}

async fn cancelled(scene: &Scene) -> Done {
    let (party, _, intent, _) = waiting(scene).await?;
    let gone = scene.command(&party.agent.cancel(&scene.terms, &intent)?).await?;
    gone.is(&scene.belief(), Outcome::Cancelled)?;
    let late = scene.confirm(&party, id(&intent)?).await?;
    ensure(late.body == gone.body, || format!("it was {}, and not the cancel's receipt", late.in_words()))
}

async fn revoked(scene: &Scene) -> Done {
    let (party, _, intent, _) = waiting(scene).await?;
    let revocation = party.person.revocation(&scene.terms, party.mandate)?;
    scene.command(&revocation).await?.is(&scene.belief(), Outcome::Recorded)?;
    scene.confirm(&party, id(&intent)?).await?.refuses(&scene.belief(), Code::MandateRevoked).map(drop)
}

async fn stranger(scene: &Scene) -> Done {
    let (party, offer, intent, asked) = waiting(scene).await?;
    let stranger = Party {
        person: crate::papers::Person { key: Key::new()?, account: party.person.account },
        agent: Key::new()?,
        mandate: party.mandate,
    };
    scene.confirm(&stranger, id(&intent)?).await?.decides_nothing(Code::CommandSigner)?;
    let still = scene.pay(&offer, &intent).await?;
    ensure(still.says_as(&asked), || format!("it waits no longer: {}", still.in_words()))
}

async fn unknown(scene: &Scene) -> Done {
    let party = Party { person: scene.person(0).await?, agent: Key::new()?, mandate: PaperId([0; 32]) };
    let nothing = PaperId(crate::random::random()?);
    scene.confirm(&party, nothing).await?.decides_nothing(Code::PaymentUnknown)
}

async fn limit(scene: &Scene) -> Done {
    let party = careful(scene).await?;
    for _ in 0..8 {
        party.pay(scene, 1_001).await?.is(&scene.belief(), Outcome::Pending)?;
    }
    party.pay(scene, 1_001).await?.refuses(&scene.belief(), Code::PendingLimit).map(drop)
}
