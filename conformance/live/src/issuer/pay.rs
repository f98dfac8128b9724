//! Payments in each mode, within their bounds and beyond.

use purser_protocol::bind::http::PAYMENT_REQUEST;
use purser_protocol::code::Code;
use purser_protocol::flow::issuer::PaymentRequest;
use purser_protocol::flow::merchant::VerifiedReceipt;
use purser_protocol::paper::mandate::{Mandate, Mode};
use purser_protocol::paper::offer::{CaptureMode, Offer, Payee};
use purser_protocol::paper::rules::Fields;
use purser_protocol::receipt::Outcome;

use super::{MERCHANT, SANDBOX, Scene};
use crate::check::{Check, Must, checks};
use crate::failure::{Done, Failure, ensure};
use crate::line::Answer;
use crate::papers::{Key, amount, given, id, now};

const QUOTA: &str = "live/issuer/pay/quota";
const CONDITIONAL: &str = "live/issuer/pay/conditional";
const SINGLE: &str = "live/issuer/pay/single";

pub(super) const CHECKS: &[Check<Scene>] = checks! { Scene;
    "live/issuer/pay/quota", "A payment under a quota, to its last unit", ["RUL-3", "RCT-19", "HTB-5"], Critical, Must::Accept, [SANDBOX, MERCHANT] => quota;
    "live/issuer/pay/quota-above", "One unit above what the quota has left", ["RUL-3"], Critical, Must::Refuse(Code::RuleTotal, QUOTA), [SANDBOX, MERCHANT] => quota_above;
    "live/issuer/pay/conditional", "A payment at the limit of a grant", ["RUL-1"], Critical, Must::Accept, [SANDBOX, MERCHANT] => conditional;
    "live/issuer/pay/conditional-above", "A payment above the limit of every grant", ["RUL-1"], Critical, Must::Refuse(Code::RuleAmountMax, CONDITIONAL), [SANDBOX, MERCHANT] => conditional_above;
    "live/issuer/pay/single", "The one offer that a single mandate names", ["AUT-38"], Critical, Must::Accept, [SANDBOX, MERCHANT] => single;
    "live/issuer/pay/single-other", "Another offer, of the same merchant and price", ["AUT-38"], Critical, Must::Refuse(Code::OfferMismatch, SINGLE), [SANDBOX, MERCHANT] => single_other;
    "live/issuer/pay/funds", "One unit above what the account holds", ["AUT-61"], Critical, Must::Refuse(Code::InsufficientFunds, "live/issuer/deposit/once"), [SANDBOX, MERCHANT] => funds;
    "live/issuer/pay/amount", "The intent says another amount than the offer", ["AUT-41"], Critical, Must::Refuse(Code::AmountMismatch, QUOTA), [SANDBOX, MERCHANT] => other_amount;
    "live/issuer/pay/other-issuer", "The offer does not accept this issuer", ["AUT-39"], High, Must::Refuse(Code::IssuerNotAccepted, QUOTA), [SANDBOX, MERCHANT] => other_issuer;
    "live/issuer/pay/expired", "The offer's window has closed", ["AUT-23"], High, Must::Refuse(Code::OfferExpired, QUOTA), [SANDBOX, MERCHANT] => expired;
    "live/issuer/pay/agent", "The intent is signed by another key than the holder's", ["SIG-13"], Critical, Must::Refuse(Code::AgentMismatch, QUOTA), [SANDBOX, MERCHANT] => agent;
    "live/issuer/pay/mandate-unknown", "The intent names a mandate that nobody registered", ["AUT-32"], High, Must::Refuse(Code::MandateUnknown, "live/issuer/pay/with-mandate"), [SANDBOX, MERCHANT] => mandate_unknown;
    "live/issuer/pay/with-mandate", "The mandate comes with its first payment", ["HTB-5"], High, Must::Accept, [SANDBOX, MERCHANT] => with_mandate;
    "live/issuer/pay/chain", "What a sub-agent spends is its parent's too", ["RUL-3"], Critical, Must::Accept, [SANDBOX, MERCHANT, "delegation"] => chain;
    "live/issuer/pay/chain-above", "A sub-agent's mandate is wider than its parent's", ["RUL-3"], Critical, Must::Refuse(Code::RuleTotal, "live/issuer/pay/chain"), [SANDBOX, MERCHANT, "delegation"] => chain_above;
};

/// The claims are about this intent.
pub(super) fn about(receipt: &VerifiedReceipt, offer: &[u8], intent: &[u8], minor: u64) -> Done {
    let claims = &receipt.claims;
    ensure(claims.intent == Some(id(intent)?), || "the claims name another intent".to_owned())?;
    ensure(claims.offer == Some(id(offer)?), || "the claims name another offer".to_owned())?;
    ensure(claims.amount == Some(amount(minor)?), || "the claims say another amount".to_owned())
}

async fn quota(scene: &Scene) -> Done {
    let party = scene.party(10_000, 1_000).await?;
    for minor in [999, 1] {
        let (offer, intent) = party.order(scene, minor)?;
        let receipt = scene.pay(&offer, &intent).await?.is(&scene.belief(), Outcome::Settled)?;
        about(&receipt, &offer, &intent, minor)?;
        ensure(receipt.claims.currency == Some(scene.terms.currency), || "another currency".to_owned())?;
    }
    Ok(())
}

async fn quota_above(scene: &Scene) -> Done {
    let party = scene.party(10_000, 1_000).await?;
    party.pay(scene, 640).await?.is(&scene.belief(), Outcome::Settled)?;
    party.pay(scene, 361).await?.refuses(&scene.belief(), Code::RuleTotal).map(drop)
}

/// A payment of so much under a grant of at most 2,000.
async fn granted(scene: &Scene, minor: u64) -> Result<Answer, Failure> {
    let (person, agent) = (scene.person(10_000).await?, Key::new()?);
    let grant = Fields { amount_max: Some(amount(2_000)?), ..Fields::default() };
    let mandate = scene.registered(&person.conditional(&scene.terms, &agent, grant)?).await?;
    let offer = scene.offer(minor)?;
    scene.pay(&offer, &agent.intent(&scene.terms, mandate, &offer, minor)?).await
}

async fn conditional(scene: &Scene) -> Done {
    granted(scene, 2_000).await?.is(&scene.belief(), Outcome::Settled).map(drop)
}

async fn conditional_above(scene: &Scene) -> Done {
    granted(scene, 2_001).await?.refuses(&scene.belief(), Code::RuleAmountMax).map(drop)
}

/// A payment for `taken` under a mandate for one offer.
async fn once(scene: &Scene, takes_another: bool) -> Result<Answer, Failure> {
    let (person, agent) = (scene.person(10_000).await?, Key::new()?);
    let (wanted, other) = (scene.offer(1_280)?, scene.offer(1_280)?);
    let mandate = scene.registered(&person.single(&scene.terms, &agent, &wanted)?).await?;
    let taken = if takes_another { other } else { wanted };
    scene.pay(&taken, &agent.intent(&scene.terms, mandate, &taken, 1_280)?).await
}

async fn single(scene: &Scene) -> Done {
    once(scene, false).await?.is(&scene.belief(), Outcome::Settled).map(drop)
}

async fn single_other(scene: &Scene) -> Done {
    once(scene, true).await?.refuses(&scene.belief(), Code::OfferMismatch).map(drop)
}

async fn funds(scene: &Scene) -> Done {
    let party = scene.party(99, 10_000).await?;
    party.pay(scene, 100).await?.refuses(&scene.belief(), Code::InsufficientFunds).map(drop)
}

async fn other_amount(scene: &Scene) -> Done {
    let party = scene.party(10_000, 10_000).await?;
    let offer = scene.offer(1_280)?;
    let intent = party.agent.intent(&scene.terms, party.mandate, &offer, 128)?;
    scene.pay(&offer, &intent).await?.refuses(&scene.belief(), Code::AmountMismatch).map(drop)
}

/// A payment for an offer that is like the usual ones but for what is changed.
async fn changed(scene: &Scene, change: impl FnOnce(&mut Offer) -> Done) -> Result<Answer, Failure> {
    let party = scene.party(10_000, 10_000).await?;
    let merchant = scene.merchant()?;
    let mut draft = merchant.draft(&scene.terms, 100, CaptureMode::AtOnce)?;
    change(&mut draft)?;
    let offer = merchant.sign(&scene.terms, &draft)?;
    scene.pay(&offer, &party.agent.intent(&scene.terms, party.mandate, &offer, 100)?).await
}

async fn other_issuer(scene: &Scene) -> Done {
    let answer = changed(scene, |offer| {
        let issuer = given(purser_protocol::id::PartyId::new("another-issuer.suite.example"))?;
        let account = given(purser_protocol::id::ShortText::new("suite"))?;
        offer.accepts = given(purser_protocol::field::List::new(vec![Payee { issuer, account }]))?;
        Ok(())
    });
    answer.await?.refuses(&scene.belief(), Code::IssuerNotAccepted).map(drop)
}

async fn expired(scene: &Scene) -> Done {
    let answer = changed(scene, |offer| {
        (offer.issued_at, offer.expires_at) = (now().saturating_sub(600), now().saturating_sub(300));
        Ok(())
    });
    answer.await?.refuses(&scene.belief(), Code::OfferExpired).map(drop)
}

async fn agent(scene: &Scene) -> Done {
    let party = scene.party(10_000, 10_000).await?;
    let offer = scene.offer(100)?;
    let intent = Key::new()?.intent(&scene.terms, party.mandate, &offer, 100)?;
    scene.pay(&offer, &intent).await?.decides_nothing(Code::AgentMismatch)
}

/// A payment under a mandate that is not registered, and that comes along or not.
async fn unregistered(scene: &Scene, comes_along: bool) -> Result<Answer, Failure> {
    let (person, agent) = (scene.person(10_000).await?, Key::new()?);
    let mandate = person.quota(&scene.terms, &agent, 1_000)?;
    let offer = scene.offer(100)?;
    let intent = agent.intent(&scene.terms, id(&mandate)?, &offer, 100)?;
    let mandates = if comes_along { vec![&mandate[..]] } else { Vec::new() };
    let request = PaymentRequest { mandates, offer: &offer, intent: &intent, confirmation: None };
    scene.post("/v1/intents", PAYMENT_REQUEST, &request.write()).await
}

async fn with_mandate(scene: &Scene) -> Done {
    unregistered(scene, true).await?.is(&scene.belief(), Outcome::Settled).map(drop)
}

async fn mandate_unknown(scene: &Scene) -> Done {
    unregistered(scene, false).await?.decides_nothing(Code::MandateUnknown)
}

/// A sub-agent pays so much, under a mandate for 5,000 below one for 1,000, of which 600 are spent.
async fn below(scene: &Scene, minor: u64) -> Result<Answer, Failure> {
    let party = scene.party(10_000, 1_000).await?;
    party.pay(scene, 600).await?.is(&scene.belief(), Outcome::Settled).map_err(|failure| failure.before("to spend"))?;
    let helper = Key::new()?;
    let caps = purser_protocol::paper::rules::Rules::new(Fields { total: Some(amount(5_000)?), ..Fields::default() });
    let draft = party.person.draft(&scene.terms, Mode::Quota, &helper)?;
    let wide = party.agent.sign(&scene.terms, &Mandate { parent: Some(party.mandate), caps, ..draft })?;
    let mandate = scene.registered(&wide).await?;
    let offer = scene.offer(minor)?;
    scene.pay(&offer, &helper.intent(&scene.terms, mandate, &offer, minor)?).await
}

async fn chain(scene: &Scene) -> Done {
    below(scene, 400).await?.is(&scene.belief(), Outcome::Settled).map(drop)
}

async fn chain_above(scene: &Scene) -> Done {
    below(scene, 401).await?.refuses(&scene.belief(), Code::RuleTotal).map(drop)
}
