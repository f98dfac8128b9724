//! What is sent again, what is sent at once, and answers that are lost.

use std::collections::BTreeSet;

use purser_protocol::bind::http::{PAPER, PAYMENT_REQUEST};
use purser_protocol::code::Code;
use purser_protocol::receipt::Outcome;

use super::{MERCHANT, SANDBOX, Scene};
use crate::check::{Check, Must, checks};
use crate::failure::{Done, ensure, ensure_state};
use crate::line::{Answer, Request};
use crate::papers::{id, payment};

const TWICE: &str = "live/issuer/again/twice";

pub(super) const CHECKS: &[Check<Scene>] = checks! { Scene;
    "live/issuer/again/twice", "The same intent twice has the same answer and is one payment", ["RCT-7", "AUT-12"], Critical, Must::Accept, [SANDBOX, MERCHANT] => twice;
    "live/issuer/again/high-s", "The same intent with its other signature is the same intent", ["SIG-19", "SIG-20"], Critical, Must::Accept, [SANDBOX, MERCHANT] => high_s;
    "live/issuer/again/at-once", "The same intent 64 times at once has one answer and is one payment", ["RCT-7", "AUT-12", "AUT-69"], Critical, Must::Accept, [SANDBOX, MERCHANT] => same_at_once;
    "live/issuer/again/quota-at-once", "64 intents at once under one quota spend exactly what it has", ["RUL-3", "AUT-70"], Critical, Must::Accept, [SANDBOX, MERCHANT] => quota_at_once;
    "live/issuer/again/offer-at-once", "64 intents at once for one offer are one payment", ["AUT-60"], Critical, Must::Accept, [SANDBOX, MERCHANT] => offer_at_once;
    "live/issuer/again/offer-paid", "A second intent for an offer that is paid", ["AUT-60"], Critical, Must::Refuse(Code::OfferPaid, TWICE), [SANDBOX, MERCHANT] => offer_paid;
    "live/issuer/again/lost", "An answer that was lost is there for whoever asks, and for whoever sends again", ["RCT-7", "HTB-5"], Critical, Must::Accept, [SANDBOX, MERCHANT] => lost;
    "live/issuer/again/refused", "A refusal stays one, byte for byte, when the money has come", ["AUT-12", "RCT-7"], High, Must::Accept, [SANDBOX, MERCHANT] => refused;
    "live/issuer/again/forged", "An intent whose signature is another's is not recorded, and decided once it is mended", ["AUT-11", "SIG-15"], Critical, Must::Refuse(Code::SignatureInvalid, TWICE), [SANDBOX, MERCHANT] => forged;
    "live/issuer/cancel/before", "A cancel comes before its intent: there will be no payment", ["CMD-11"], Critical, Must::Refuse(Code::PaymentCancelled, "live/issuer/cancel/after"), [SANDBOX, MERCHANT] => cancel_before;
    "live/issuer/cancel/after", "A cancel that comes too late is answered with the payment's receipt", ["RCT-7"], High, Must::Accept, [SANDBOX, MERCHANT] => cancel_after;
    "live/issuer/cancel/race", "Of a cancel and an intent at once, one wins, for both", ["RCT-7"], Critical, Must::Accept, [SANDBOX, MERCHANT] => cancel_race;
};

const MANY: usize = 64;

fn request(offer: &[u8], intent: &[u8]) -> Request {
    Request::post("/v1/intents", PAYMENT_REQUEST, payment(offer, intent))
}

async fn twice(scene: &Scene) -> Done {
    let party = scene.party(10_000, 1_000).await?;
    let (offer, intent) = party.order(scene, 600)?;
    let first = scene.pay(&offer, &intent).await?;
    first.is(&scene.belief(), Outcome::Settled)?;
    let second = scene.pay(&offer, &intent).await?;
    ensure(second.says_as(&first), || format!("the second answer was {}, and other bytes", second.in_words()))?;
    // Counted twice, the quota would have nothing left.
    party.pay(scene, 400).await?.is(&scene.belief(), Outcome::Settled).map(drop)
}

async fn high_s(scene: &Scene) -> Done {
    let party = scene.party(10_000, 1_000).await?;
    let (offer, intent) = party.order(scene, 600)?;
    let first = scene.pay(&offer, &intent).await?;
    first.is(&scene.belief(), Outcome::Settled)?;
    let second = scene.pay(&offer, &other_signature(&intent)).await?;
    ensure(second.says_as(&first), || format!("the other was {}, and other bytes", second.in_words()))?;
    party.pay(scene, 400).await?.is(&scene.belief(), Outcome::Settled).map(drop)
}

/// The other signature that a signer could have made: s is n - s.
fn other_signature(paper: &[u8]) -> Vec<u8> {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
        0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let (head, s) = paper.split_at(paper.len().saturating_sub(32));
    let mut other = Vec::with_capacity(32);
    let mut borrow = 0_u16;
    for (digit, order) in s.iter().zip(ORDER).rev() {
        let left = 256 + u16::from(order) - u16::from(*digit) - borrow;
        borrow = u16::from(left < 256);
        other.push(left as u8);
    }
    other.reverse();
    [head, &other].concat()
}

async fn same_at_once(scene: &Scene) -> Done {
    let party = scene.party(10_000, 1_000).await?;
    let (offer, intent) = party.order(scene, 600)?;
    let answers = scene.target.at_once(vec![request(&offer, &intent); MANY]).await?;
    let first = scene.pay(&offer, &intent).await?;
    first.is(&scene.belief(), Outcome::Settled)?;
    let others = answers.iter().filter(|answer| !answer.says_as(&first)).count();
    ensure(others == 0, || format!("{others} of {MANY} answers are other bytes"))?;
    party.pay(scene, 400).await?.is(&scene.belief(), Outcome::Settled)?;
    party.pay(scene, 1).await?.refuses(&scene.belief(), Code::RuleTotal).map(drop)
}

async fn quota_at_once(scene: &Scene) -> Done {
    const PRICE: u64 = 30;
    const FITS: usize = 40;
    let party = scene.party(10_000, PRICE * FITS as u64 + PRICE - 1).await?;
    let orders = (0..MANY).map(|_| party.order(scene, PRICE)).collect::<Result<Vec<_>, _>>()?;
    let requests = orders.iter().map(|(offer, intent)| request(offer, intent)).collect();
    let answers = scene.target.at_once(requests).await?;
    let mut paid = 0;
    for answer in &answers {
        if answer.receipt(&scene.belief())?.claims.outcome == Outcome::Settled {
            paid += 1;
        } else {
            answer.refuses(&scene.belief(), Code::RuleTotal)?;
        }
    }
    ensure_state(paid == FITS, || format!("{paid} payments were made; the quota is full with {FITS}"))?;
    party.pay(scene, PRICE - 1).await?.is(&scene.belief(), Outcome::Settled)?;
    party.pay(scene, 1).await?.refuses(&scene.belief(), Code::RuleTotal).map(drop)
}

async fn offer_at_once(scene: &Scene) -> Done {
    let party = scene.party(10_000, 10_000).await?;
    let offer = scene.offer(100)?;
    let intents = (0..MANY).map(|_| party.agent.intent(&scene.terms, party.mandate, &offer, 100));
    let requests =
        intents.map(|intent| intent.map(|intent| request(&offer, &intent))).collect::<Result<Vec<_>, _>>()?;
    let answers = scene.target.at_once(requests).await?;
    let mut paid = 0;
    for answer in &answers {
        if answer.receipt(&scene.belief())?.claims.outcome == Outcome::Settled {
            paid += 1;
        } else {
            answer.refuses(&scene.belief(), Code::OfferPaid)?;
        }
    }
    ensure_state(paid == 1, || format!("one offer was paid {paid} times"))
}

async fn offer_paid(scene: &Scene) -> Done {
    let party = scene.party(10_000, 10_000).await?;
    let (offer, intent) = party.order(scene, 100)?;
    scene.pay(&offer, &intent).await?.is(&scene.belief(), Outcome::Settled)?;
    let another = party.agent.intent(&scene.terms, party.mandate, &offer, 100)?;
    scene.pay(&offer, &another).await?.refuses(&scene.belief(), Code::OfferPaid).map(drop)
}

async fn lost(scene: &Scene) -> Done {
    let party = scene.party(10_000, 1_000).await?;
    let (offer, intent) = party.order(scene, 600)?;
    let path = format!("/v1/intents/{}", id(&intent)?);
    scene.target.drop_answer(&request(&offer, &intent)).await?;
    // The bytes may or may not have come; sending them again is safe either way, and settles it.
    let sent = scene.pay(&offer, &intent).await?;
    sent.is(&scene.belief(), Outcome::Settled)?;
    let asked = scene.get(&path).await?;
    ensure(asked.says_as(&sent), || format!("{path} says {}, and other bytes", asked.in_words()))?;
    party.pay(scene, 400).await?.is(&scene.belief(), Outcome::Settled).map(drop)
}

async fn refused(scene: &Scene) -> Done {
    let party = scene.party(0, 1_000).await?;
    let (offer, intent) = party.order(scene, 600)?;
    let first = scene.pay(&offer, &intent).await?;
    first.refuses(&scene.belief(), Code::InsufficientFunds)?;
    let deposit = party.person.deposit(&scene.terms, 1_000)?;
    scene.command(&deposit).await?.is(&scene.belief(), Outcome::Recorded)?;
    let second = scene.pay(&offer, &intent).await?;
    ensure(second.says_as(&first), || format!("it was {}, and other bytes", second.in_words()))?;
    party.pay(scene, 1_000).await?.is(&scene.belief(), Outcome::Settled).map(drop)
}

async fn forged(scene: &Scene) -> Done {
    let party = scene.party(10_000, 1_000).await?;
    let (offer, intent) = party.order(scene, 600)?;
    let mut forged = intent.clone();
    if let Some(last) = forged.last_mut() {
        *last ^= 1;
    }
    scene.pay(&offer, &forged).await?.decides_nothing(Code::SignatureInvalid)?;
    scene.get(&format!("/v1/intents/{}", id(&intent)?)).await?.decides_nothing(Code::NotFound)?;
    scene.pay(&offer, &intent).await?.is(&scene.belief(), Outcome::Settled).map(drop)
}

async fn cancel_before(scene: &Scene) -> Done {
    let party = scene.party(10_000, 1_000).await?;
    let (offer, intent) = party.order(scene, 600)?;
    let cancelled = scene.command(&party.agent.cancel(&scene.terms, &intent)?).await?;
    cancelled.is(&scene.belief(), Outcome::Cancelled)?;
    for met in [scene.pay(&offer, &intent).await?, scene.get(&format!("/v1/intents/{}", id(&intent)?)).await?] {
        let code = met.receipt(&scene.belief())?.claims.code.and_then(|number| number.code());
        ensure(met.body == cancelled.body, || format!("it was {}, and not the cancel's receipt", met.in_words()))?;
        ensure(code == Some(Code::PaymentCancelled), || "the claims do not say payment-cancelled".to_owned())?;
        ensure(met.status == 409, || format!("an intent that meets a cancel has 409, and not {}", met.status))?;
    }
    party.pay(scene, 1_000).await?.is(&scene.belief(), Outcome::Settled).map(drop)
}

async fn cancel_after(scene: &Scene) -> Done {
    let party = scene.party(10_000, 1_000).await?;
    let (offer, intent) = party.order(scene, 600)?;
    let paid = scene.pay(&offer, &intent).await?;
    paid.is(&scene.belief(), Outcome::Settled)?;
    let late = scene.command(&party.agent.cancel(&scene.terms, &intent)?).await?;
    ensure(late.says_as(&paid), || format!("it was {}, and other bytes", late.in_words()))
}

async fn cancel_race(scene: &Scene) -> Done {
    const ROUNDS: usize = 16;
    let party = scene.party(10_000, ROUNDS as u64 * 10).await?;
    let orders = (0..ROUNDS).map(|_| party.order(scene, 10)).collect::<Result<Vec<_>, _>>()?;
    let mut requests = Vec::new();
    for (offer, intent) in &orders {
        requests.push(request(offer, intent));
        requests.push(Request::post("/v1/commands", PAPER, party.agent.cancel(&scene.terms, intent)?));
    }
    let answers = scene.target.at_once(requests).await?;
    let mut paid = 0;
    for (pair, (offer, intent)) in answers.chunks(2).zip(&orders) {
        let [of_intent, of_cancel] = pair else { continue };
        let kept = scene.pay(offer, intent).await?;
        let bodies: BTreeSet<&[u8]> = [of_intent, of_cancel, &kept].map(|answer: &Answer| &answer.body[..]).into();
        ensure(bodies.len() == 1, || {
            format!("intent: {}; cancel: {}; later: {}", of_intent.in_words(), of_cancel.in_words(), kept.in_words())
        })?;
        let outcome = kept.receipt(&scene.belief())?.claims.outcome;
        let is_end = matches!(outcome, Outcome::Settled | Outcome::Cancelled);
        ensure(is_end, || format!("it came to {}", outcome.name()))?;
        paid += u64::from(outcome == Outcome::Settled);
    }
    // What was cancelled was not counted.
    let left = (ROUNDS as u64 - paid) * 10;
    if left > 0 {
        party.pay(scene, left).await?.is(&scene.belief(), Outcome::Settled)?;
    }
    party.pay(scene, 1).await?.refuses(&scene.belief(), Code::RuleTotal).map(drop)
}
