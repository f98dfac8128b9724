//! Holds: captured in parts, voided, refunded.

use purser_protocol::bind::http::PAPER;
use purser_protocol::code::Code;
use purser_protocol::id::PaperId;
use purser_protocol::receipt::Outcome;

use super::pay::about;
use super::{MERCHANT, OTHER_MERCHANT, Party, SANDBOX, Scene};
use crate::check::{Check, Must, checks};
use crate::failure::{Done, Failure, ensure, ensure_state};
use crate::line::{Answer, Request};
use crate::papers::{amount, id};

const PARTS: &str = "live/issuer/hold/parts";
const VOID: &str = "live/issuer/hold/void";
const REFUND: &str = "live/issuer/refund/parts";
const COVERED: &str = "live/issuer/refund/covered";

pub(super) const CHECKS: &[Check<Scene>] = checks! { Scene;
    "live/issuer/hold/authorized", "An offer that is captured by command is held until the second that the receipt says", ["RCT-19", "AUT-61"], High, Must::Accept, [SANDBOX, MERCHANT, "holds"] => authorized;
    "live/issuer/hold/parts", "A hold is captured in parts, and the last gives the rest back", ["CMD-19"], Critical, Must::Accept, [SANDBOX, MERCHANT, "holds"] => parts;
    "live/issuer/hold/above", "A capture of one unit more than the hold still has", ["CMD-5"], Critical, Must::Refuse(Code::CaptureExceedsHold, PARTS), [SANDBOX, MERCHANT, "holds"] => above;
    "live/issuer/hold/captured", "A capture after the last", ["CMD-6"], Critical, Must::Refuse(Code::PaymentCaptured, PARTS), [SANDBOX, MERCHANT, "holds"] => captured;
    "live/issuer/hold/again", "A capture sent twice is one, with the same answer", ["CMD-1"], Critical, Must::Accept, [SANDBOX, MERCHANT, "holds"] => again;
    "live/issuer/hold/at-once", "32 captures of the whole at once: one is made", ["CMD-5", "CMD-6"], Critical, Must::Accept, [SANDBOX, MERCHANT, "holds"] => at_once;
    "live/issuer/hold/void", "A void gives the hold back", ["CMD-20"], High, Must::Accept, [SANDBOX, MERCHANT, "holds"] => void;
    "live/issuer/hold/void-capture", "A capture after a void", ["CMD-7"], Critical, Must::Refuse(Code::PaymentVoided, VOID), [SANDBOX, MERCHANT, "holds"] => void_capture;
    "live/issuer/hold/captured-void", "A void after the last capture", ["CMD-6"], High, Must::Refuse(Code::PaymentCaptured, VOID), [SANDBOX, MERCHANT, "holds"] => captured_void;
    "live/issuer/hold/other-merchant", "A capture by another merchant", ["CMD-4"], Critical, Must::Refuse(Code::CallerMismatch, PARTS), [SANDBOX, MERCHANT, OTHER_MERCHANT, "holds"] => other_merchant;
    "live/issuer/hold/unknown", "A capture of a payment that there is not", ["CMD-3"], Medium, Must::Refuse(Code::PaymentUnknown, PARTS), [SANDBOX, MERCHANT] => unknown;
    "live/issuer/refund/parts", "A payment is refunded in parts, into the account", ["CMD-21"], Critical, Must::Accept, [SANDBOX, MERCHANT] => refund;
    "live/issuer/refund/above", "A refund of one unit more than was paid and not yet refunded", ["CMD-9"], Critical, Must::Refuse(Code::RefundExceedsCapture, REFUND), [SANDBOX, MERCHANT] => refund_above;
    "live/issuer/refund/again", "A refund sent twice is one, with the same answer", ["CMD-1"], Critical, Must::Accept, [SANDBOX, MERCHANT] => refund_again;
    "live/issuer/refund/held", "A refund of what is held and not captured", ["CMD-9"], High, Must::Refuse(Code::RefundExceedsCapture, REFUND), [SANDBOX, MERCHANT, "holds"] => refund_held;
    "live/issuer/refund/covered", "A refund of what the merchant's account still holds after a payout", ["CMD-10", "CMD-30"], High, Must::Accept, [SANDBOX, MERCHANT] => covered;
    "live/issuer/refund/uncovered", "A refund of one unit more than the merchant's account still holds after a payout", ["CMD-10"], Critical, Must::Refuse(Code::MerchantFunds, COVERED), [SANDBOX, MERCHANT] => uncovered;
    "live/issuer/payout/above", "A payout of one unit more than the merchant's account holds", ["CMD-29"], Critical, Must::Refuse(Code::MerchantFunds, COVERED), [SANDBOX, MERCHANT] => payout_above;
    "live/issuer/payout/again", "A payout sent twice is one, with the same answer", ["CMD-1"], Critical, Must::Accept, [SANDBOX, MERCHANT] => payout_again;
    "live/issuer/payout/other-merchant", "A payout by another merchant, from an account of the same name", ["CMD-29"], Critical, Must::Refuse(Code::MerchantFunds, COVERED), [SANDBOX, MERCHANT, OTHER_MERCHANT] => payout_other;
};

/// A hold of 4,500 by somebody who has 5,000.
async fn held(scene: &Scene) -> Result<(Party, PaperId), Failure> {
    let party = scene.party(5_000, 100_000).await?;
    let (offer, intent) = party.held_order(scene, 4_500)?;
    let answer = scene.pay(&offer, &intent).await?;
    answer.is(&scene.belief(), Outcome::Authorized).map_err(|failure| failure.before("to hold"))?;
    Ok((party, id(&intent)?))
}

impl Scene {
    async fn capture(&self, payment: PaperId, minor: u64, last: bool) -> Result<Answer, Failure> {
        self.command(&self.merchant()?.capture(&self.terms, payment, minor, last)?).await
    }

    async fn refund(&self, payment: PaperId, minor: u64) -> Result<Answer, Failure> {
        self.command(&self.merchant()?.refund(&self.terms, payment, minor)?).await
    }

    /// What the account has shows by what it pays: exactly so much, and not a unit more.
    async fn has(&self, party: &Party, minor: u64) -> Done {
        party.pay(self, minor + 1).await?.refuses(&self.belief(), Code::InsufficientFunds)?;
        party.pay(self, minor).await?.is(&self.belief(), Outcome::Settled).map(drop)
    }
}

async fn authorized(scene: &Scene) -> Done {
    let party = scene.party(5_000, 100_000).await?;
    let (offer, intent) = party.held_order(scene, 4_500)?;
    let receipt = scene.pay(&offer, &intent).await?.is(&scene.belief(), Outcome::Authorized)?;
    about(&receipt, &offer, &intent, 4_500)?;
    ensure(receipt.claims.hold_until.is_some(), || "the claims do not say hold_until".to_owned())?;
    scene.has(&party, 500).await
}

async fn parts(scene: &Scene) -> Done {
    let (party, payment) = held(scene).await?;
    for (minor, last) in [(3_000, false), (500, true)] {
        let receipt = scene.capture(payment, minor, last).await?.is(&scene.belief(), Outcome::Captured)?;
        ensure(receipt.claims.amount == Some(amount(minor)?), || "the claims say another amount".to_owned())?;
    }
    scene.has(&party, 1_500).await
}

async fn above(scene: &Scene) -> Done {
    let (party, payment) = held(scene).await?;
    scene.capture(payment, 3_000, false).await?.is(&scene.belief(), Outcome::Captured)?;
    scene.capture(payment, 1_501, false).await?.refuses(&scene.belief(), Code::CaptureExceedsHold)?;
    scene.has(&party, 500).await
}

async fn captured(scene: &Scene) -> Done {
    let (_, payment) = held(scene).await?;
    scene.capture(payment, 3_000, true).await?.is(&scene.belief(), Outcome::Captured)?;
    scene.capture(payment, 1, false).await?.refuses(&scene.belief(), Code::PaymentCaptured).map(drop)
}

async fn again(scene: &Scene) -> Done {
    let (_, payment) = held(scene).await?;
    let capture = scene.merchant()?.capture(&scene.terms, payment, 3_000, false)?;
    let first = scene.command(&capture).await?;
    first.is(&scene.belief(), Outcome::Captured)?;
    let second = scene.command(&capture).await?;
    ensure(second.says_as(&first), || format!("it was {}, and other bytes", second.in_words()))?;
    scene.capture(payment, 1_501, false).await?.refuses(&scene.belief(), Code::CaptureExceedsHold)?;
    scene.capture(payment, 1_500, false).await?.is(&scene.belief(), Outcome::Captured).map(drop)
}

async fn at_once(scene: &Scene) -> Done {
    let (party, payment) = held(scene).await?;
    let captures = (0..32).map(|_| scene.merchant()?.capture(&scene.terms, payment, 4_500, false));
    let requests = captures.map(|paper| paper.map(|paper| Request::post("/v1/commands", PAPER, paper)));
    let answers = scene.target.at_once(requests.collect::<Result<_, _>>()?).await?;
    let mut made = 0;
    for answer in &answers {
        if answer.receipt(&scene.belief())?.claims.outcome == Outcome::Captured {
            made += 1;
        } else {
            answer.refuses(&scene.belief(), Code::PaymentCaptured)?;
        }
    }
    ensure_state(made == 1, || format!("one hold was captured {made} times"))?;
    scene.has(&party, 500).await
}

async fn void(scene: &Scene) -> Done {
    let (party, payment) = held(scene).await?;
    let paper = scene.merchant()?.void(&scene.terms, payment)?;
    let first = scene.command(&paper).await?;
    first.is(&scene.belief(), Outcome::Voided)?;
    let second = scene.command(&paper).await?;
    ensure(second.says_as(&first), || format!("it was {}, and other bytes", second.in_words()))?;
    scene.has(&party, 5_000).await
}

async fn void_capture(scene: &Scene) -> Done {
    let (_, payment) = held(scene).await?;
    scene.command(&scene.merchant()?.void(&scene.terms, payment)?).await?.is(&scene.belief(), Outcome::Voided)?;
    scene.capture(payment, 1, false).await?.refuses(&scene.belief(), Code::PaymentVoided).map(drop)
}

async fn captured_void(scene: &Scene) -> Done {
    let (_, payment) = held(scene).await?;
    scene.capture(payment, 3_000, true).await?.is(&scene.belief(), Outcome::Captured)?;
    let void = scene.merchant()?.void(&scene.terms, payment)?;
    scene.command(&void).await?.refuses(&scene.belief(), Code::PaymentCaptured).map(drop)
}

async fn other_merchant(scene: &Scene) -> Done {
    let (_, payment) = held(scene).await?;
    let theirs = scene.other_merchant()?.capture(&scene.terms, payment, 1_000, false)?;
    scene.command(&theirs).await?.refuses(&scene.belief(), Code::CallerMismatch)?;
    scene.capture(payment, 4_500, false).await?.is(&scene.belief(), Outcome::Captured).map(drop)
}

async fn unknown(scene: &Scene) -> Done {
    let nothing = PaperId(crate::random::random()?);
    scene.capture(nothing, 1, false).await?.decides_nothing(Code::PaymentUnknown)
}

/// Somebody who has paid 4,500 of 5,000.
async fn settled(scene: &Scene) -> Result<(Party, PaperId), Failure> {
    let party = scene.party(5_000, 100_000).await?;
    let (offer, intent) = party.order(scene, 4_500)?;
    let answer = scene.pay(&offer, &intent).await?;
    answer.is(&scene.belief(), Outcome::Settled).map_err(|failure| failure.before("to pay"))?;
    Ok((party, id(&intent)?))
}

async fn refund(scene: &Scene) -> Done {
    let (party, payment) = settled(scene).await?;
    for minor in [2_000, 2_500] {
        let receipt = scene.refund(payment, minor).await?.is(&scene.belief(), Outcome::Refunded)?;
        ensure(receipt.claims.amount == Some(amount(minor)?), || "the claims say another amount".to_owned())?;
    }
    scene.has(&party, 5_000).await
}

async fn refund_above(scene: &Scene) -> Done {
    let (party, payment) = settled(scene).await?;
    scene.refund(payment, 2_000).await?.is(&scene.belief(), Outcome::Refunded)?;
    scene.refund(payment, 2_501).await?.refuses(&scene.belief(), Code::RefundExceedsCapture)?;
    scene.has(&party, 2_500).await
}

async fn refund_again(scene: &Scene) -> Done {
    let (party, payment) = settled(scene).await?;
    let refund = scene.merchant()?.refund(&scene.terms, payment, 2_000)?;
    let first = scene.command(&refund).await?;
    first.is(&scene.belief(), Outcome::Refunded)?;
    let second = scene.command(&refund).await?;
    ensure(second.says_as(&first), || format!("it was {}, and other bytes", second.in_words()))?;
    scene.has(&party, 2_500).await
}

async fn refund_held(scene: &Scene) -> Done {
    let (_, payment) = held(scene).await?;
    scene.refund(payment, 1).await?.refuses(&scene.belief(), Code::RefundExceedsCapture).map(drop)
}

/// 4,500 of somebody's 5,000, paid into an account of the merchant's that nobody else pays into.
async fn earned(scene: &Scene) -> Result<(Party, PaperId, String), Failure> {
    let party = scene.party(5_000, 100_000).await?;
    let account = format!("suite-{}", u64::from_be_bytes(crate::random::random()?));
    let offer = scene.merchant()?.offer_into(&scene.terms, &account, 4_500)?;
    let intent = party.agent.intent(&scene.terms, party.mandate, &offer, 4_500)?;
    let answer = scene.pay(&offer, &intent).await?;
    answer.is(&scene.belief(), Outcome::Settled).map_err(|failure| failure.before("to pay"))?;
    Ok((party, id(&intent)?, account))
}

async fn covered(scene: &Scene) -> Done {
    let (party, payment, account) = earned(scene).await?;
    let payout = scene.merchant()?.payout(&scene.terms, &account, 3_000)?;
    let receipt = scene.command(&payout).await?.is(&scene.belief(), Outcome::Recorded)?;
    ensure(receipt.claims.amount == Some(amount(3_000)?), || "the claims say another amount".to_owned())?;
    scene.refund(payment, 1_500).await?.is(&scene.belief(), Outcome::Refunded)?;
    scene.has(&party, 2_000).await
}

async fn uncovered(scene: &Scene) -> Done {
    let (party, payment, account) = earned(scene).await?;
    let payout = scene.merchant()?.payout(&scene.terms, &account, 3_000)?;
    scene.command(&payout).await?.is(&scene.belief(), Outcome::Recorded)?;
    scene.refund(payment, 1_501).await?.refuses(&scene.belief(), Code::MerchantFunds)?;
    scene.has(&party, 500).await
}

async fn payout_above(scene: &Scene) -> Done {
    let (_, _, account) = earned(scene).await?;
    let above = scene.merchant()?.payout(&scene.terms, &account, 4_501)?;
    scene.command(&above).await?.refuses(&scene.belief(), Code::MerchantFunds)?;
    let all = scene.merchant()?.payout(&scene.terms, &account, 4_500)?;
    scene.command(&all).await?.is(&scene.belief(), Outcome::Recorded).map(drop)
}

async fn payout_again(scene: &Scene) -> Done {
    let (_, payment, account) = earned(scene).await?;
    let payout = scene.merchant()?.payout(&scene.terms, &account, 2_000)?;
    let first = scene.command(&payout).await?;
    first.is(&scene.belief(), Outcome::Recorded)?;
    let second = scene.command(&payout).await?;
    ensure(second.says_as(&first), || format!("it was {}, and other bytes", second.in_words()))?;
    scene.refund(payment, 2_500).await?.is(&scene.belief(), Outcome::Refunded).map(drop)
}

async fn payout_other(scene: &Scene) -> Done {
    let (_, payment, account) = earned(scene).await?;
    let theirs = scene.other_merchant()?.payout(&scene.terms, &account, 1)?;
    scene.command(&theirs).await?.refuses(&scene.belief(), Code::MerchantFunds)?;
    scene.refund(payment, 4_500).await?.is(&scene.belief(), Outcome::Refunded).map(drop)
}
