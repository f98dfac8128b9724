//! Accounts, mandates, and what a merchant does with held money.

use purser_protocol::bind::http::PAPER;
use purser_protocol::code::Code;
use purser_protocol::paper::command::{Capture, Refund, Void};
use purser_protocol::paper::offer::CaptureMode;
use purser_protocol::receipt::Outcome;

use super::checks;
use super::world::{Sealed, World, amount, must, now};

checks! { World;
    "account/enrol", "A new account: receipt and credential", "SIG-26 CMD-1", "", enrol;
    "account/again", "The same enrolment again opens no second account", "CMD-1", "", enrol_again;
    "account/other-paper", "Another paper where an enrolment is taken", "SIG-9", "", other_paper;
    "command/offer", "An offer is no command", "SIG-9", "", offer_as_command;
    "mandate/stranger", "A mandate over somebody else's account", "SIG-12", "", mandate_of_a_stranger;
    "hold/captured", "Held, captured in part, and the rest", "CMD-19 AUT-65", "holds", captured;
    "hold/above", "More than is held", "CMD-5", "holds", above;
    "hold/voided", "What was voided cannot be captured", "CMD-7 CMD-20", "holds", voided;
    "refund/twice", "A refund in two parts, and one too many", "CMD-9 CMD-21", "sandbox", refunds;
    "refund/same-command", "The same refund twice gives money back once", "CMD-1", "sandbox", refund_again;
}

fn enrol(world: &World) -> Result<(), String> {
    world.account().map(drop)
}

fn enrol_again(world: &World) -> Result<(), String> {
    let paper = world.enrolment(&world.fresh.key())?;
    let first = world.post("/v1/accounts", PAPER, &paper.bytes)?;
    let second = world.post("/v1/accounts", PAPER, &paper.bytes)?;
    must(world.credential(&first)? == world.credential(&second)?, || "there are two accounts".into())?;
    must(first.body == second.body, || "the second answer is not the first, byte for byte".into())
}

fn other_paper(world: &World) -> Result<(), String> {
    let offer = world.offer(400, CaptureMode::AtOnce)?;
    world.problem(&world.post("/v1/accounts", PAPER, &offer.bytes)?, Code::TypeMismatch).map(drop)
}

fn offer_as_command(world: &World) -> Result<(), String> {
    world.problem(&world.command(&world.offer(400, CaptureMode::AtOnce)?)?, Code::TypeMismatch).map(drop)
}

fn mandate_of_a_stranger(world: &World) -> Result<(), String> {
    let ((_, account), (stranger, _)) = (world.account()?, world.account()?);
    let mandate = world.mandate(&stranger, account, &world.fresh.key(), |caps| caps.total = amount(100).ok())?;
    world.problem(&world.command(&mandate)?, Code::MandateSigner).map(drop)
}

/// A hold of this much.
fn held(world: &World, minor: u64) -> Result<Sealed, String> {
    let payer = world.payer(minor)?;
    let (body, intent) = world.payment(&payer, minor, CaptureMode::ByCommand)?;
    let answer = world.expect(&world.pay(&body)?, 200, Outcome::Authorized)?;
    must(answer.claims.hold_until.is_some(), || "the receipt does not say until when".into())?;
    Ok(intent)
}

fn capture(world: &World, intent: &Sealed, minor: u64) -> Result<Sealed, String> {
    world.certify(&Capture {
        merchant: world.merchant(),
        issuer: world.issuer.clone(),
        issued_at: now(),
        nonce: world.fresh.nonce(),
        intent: intent.id,
        amount: amount(minor)?,
        currency: world.currency,
        last: None,
    })
}

fn refund(world: &World, intent: &Sealed, minor: u64) -> Result<Sealed, String> {
    world.certify(&Refund {
        merchant: world.merchant(),
        issuer: world.issuer.clone(),
        issued_at: now(),
        nonce: world.fresh.nonce(),
        intent: intent.id,
        amount: amount(minor)?,
        currency: world.currency,
        reason: None,
    })
}

/// What the merchant is told of a refusal is what everybody is told.
fn refused(world: &World, command: &Sealed, code: Code) -> Result<(), String> {
    let response = world.command(command)?;
    let answer = world.expect(&response, code.status(), Outcome::Refused)?;
    let told = answer.detail.or(answer.claims.code.and_then(|code| code.code()));
    must(told == Some(code), || format!("refused as {}, not as {code}", told.map_or("nothing", Code::slug)))
}

fn captured(world: &World) -> Result<(), String> {
    let intent = held(world, 1_000)?;
    world.expect(&world.command(&capture(world, &intent, 400)?)?, 200, Outcome::Captured)?;
    world.expect(&world.command(&capture(world, &intent, 600)?)?, 200, Outcome::Captured)?;
    refused(world, &capture(world, &intent, 1)?, Code::PaymentCaptured)
}

fn above(world: &World) -> Result<(), String> {
    let intent = held(world, 1_000)?;
    refused(world, &capture(world, &intent, 1_001)?, Code::CaptureExceedsHold)?;
    world.expect(&world.command(&capture(world, &intent, 1_000)?)?, 200, Outcome::Captured).map(drop)
}

fn voided(world: &World) -> Result<(), String> {
    let intent = held(world, 1_000)?;
    let void = world.certify(&Void {
        merchant: world.merchant(),
        issuer: world.issuer.clone(),
        issued_at: now(),
        nonce: world.fresh.nonce(),
        intent: intent.id,
    })?;
    world.expect(&world.command(&void)?, 200, Outcome::Voided)?;
    refused(world, &capture(world, &intent, 1)?, Code::PaymentVoided)
}

/// A payment of this much that is the merchant's.
fn settled(world: &World, minor: u64) -> Result<Sealed, String> {
    let (body, intent) = world.payment(&world.payer(minor)?, minor, CaptureMode::AtOnce)?;
    world.expect(&world.pay(&body)?, 200, Outcome::Settled)?;
    Ok(intent)
}

fn refunds(world: &World) -> Result<(), String> {
    let intent = settled(world, 1_000)?;
    world.expect(&world.command(&refund(world, &intent, 400)?)?, 200, Outcome::Refunded)?;
    refused(world, &refund(world, &intent, 601)?, Code::RefundExceedsCapture)?;
    world.expect(&world.command(&refund(world, &intent, 600)?)?, 200, Outcome::Refunded).map(drop)
}

fn refund_again(world: &World) -> Result<(), String> {
    let intent = settled(world, 1_000)?;
    let paper = refund(world, &intent, 600)?;
    let first = world.command(&paper)?;
    world.expect(&first, 200, Outcome::Refunded)?;
    let second = world.command(&paper)?;
    must(first.body == second.body, || "the second answer is not the first, byte for byte".into())?;
    world.expect(&world.command(&refund(world, &intent, 400)?)?, 200, Outcome::Refunded).map(drop)
}
