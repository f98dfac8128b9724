//! Payments: decided once, for ever, whatever comes again, at once, or in another order.

use purser_protocol::code::Code;
use purser_protocol::field::Bytes;
use purser_protocol::field::{Set, UpTo};
use purser_protocol::paper::command::{Cancel, Suspension};
use purser_protocol::paper::confirmation::{Confirmation, Modality};
use purser_protocol::paper::offer::CaptureMode;
use purser_protocol::receipt::Outcome;

use super::checks;
use super::http::Response;
use super::world::{Payer, Sealed, World, amount, must, now, request, together};

checks! { World;
    "pay/settled", "An honest payment", "AUT-65 HTB-5", "sandbox", settled;
    "pay/again", "The same payment again gets the same bytes", "AUT-1 AUT-12", "sandbox", again;
    "pay/high-s", "The same intent with its other signature is the same intent", "SIG-19 SIG-20", "sandbox", high_s;
    "pay/refused", "A refusal that was decided: its status, and what is told to whom", "HTB-5 RCT-8", "sandbox", refused;
    "pay/refused-again", "A refusal stays what it was when the money has come", "AUT-1", "sandbox", refused_again;
    "pay/tampered", "What does not verify is not decided, and hinders nothing", "AUT-11 SIG-15", "sandbox", tampered;
    "pay/offer-twice", "A second intent for an offer that was paid", "AUT-60", "sandbox", offer_twice;
    "pay/at-once", "Eight times the same payment at the same time: one decision", "AUT-1 AUT-69", "sandbox", at_once;
    "pay/race", "Eight payments at the same time under a total for three", "RUL-3 AUT-64", "sandbox", race;
    "pay/suspended", "A mandate that rests pays nothing", "AUT-36", "sandbox", suspended;
    "cancel/before", "A cancelled intent is never paid", "CMD-11 CMD-25", "sandbox", cancel_before;
    "cancel/after", "A cancel of what was paid brings the receipt to light", "CMD-26", "sandbox", cancel_after;
    "confirm/waits", "A payment that the person must confirm", "CNF-1 CNF-5 HTB-5", "confirmation", waits;
}

fn paid(world: &World, payer: &Payer, minor: u64) -> Result<(Vec<u8>, Sealed, Response), String> {
    let (body, intent) = world.payment(payer, minor, CaptureMode::AtOnce)?;
    let response = world.pay(&body)?;
    Ok((body, intent, response))
}

fn settled(world: &World) -> Result<(), String> {
    let (_, intent, response) = paid(world, &world.payer(1_000)?, 400)?;
    let answer = world.expect(&response, 200, Outcome::Settled)?;
    must(answer.claims.intent == Some(intent.id), || "the receipt names another intent".into())?;
    must(answer.claims.amount == amount(400).ok(), || "the receipt names another amount".into())
}

fn again(world: &World) -> Result<(), String> {
    let (body, _, first) = paid(world, &world.payer(1_000)?, 400)?;
    let second = world.pay(&body)?;
    world.expect(&second, 200, Outcome::Settled)?;
    must(first.body == second.body, || "the second answer is not the first, byte for byte".into())
}

fn high_s(world: &World) -> Result<(), String> {
    let payer = world.payer(1_000)?;
    let offer = world.offer(400, CaptureMode::AtOnce)?;
    let intent = world.intent(&payer, &offer, 400)?;
    let first = world.pay(&request(&offer, &intent))?;
    world.expect(&first, 200, Outcome::Settled)?;
    let twin = Sealed { bytes: other_signature(&intent.bytes), ..intent };
    let second = world.pay(&request(&offer, &twin))?;
    world.expect(&second, 200, Outcome::Settled)?;
    must(first.body == second.body, || "it was decided a second time".into())
}

fn refused(world: &World) -> Result<(), String> {
    let payer = world.payer_with(1_000, |caps| {
        caps.total = amount(1_000).ok();
        caps.amount_max = amount(399).ok();
    })?;
    let (_, _, response) = paid(world, &payer, 400)?;
    world.refusal(&response, Code::RuleAmountMax)?;
    let (_, _, response) = paid(world, &payer, 399)?;
    world.expect(&response, 200, Outcome::Settled).map(drop)
}

fn refused_again(world: &World) -> Result<(), String> {
    let payer = world.payer_with(300, |caps| caps.total = amount(1_000).ok())?;
    let (body, _, first) = paid(world, &payer, 400)?;
    world.refusal(&first, Code::InsufficientFunds)?;
    let deposit = purser_protocol::paper::command::Deposit {
        account: payer.account,
        issuer: world.issuer.clone(),
        issued_at: now(),
        nonce: world.fresh.nonce(),
        amount: amount(500)?,
        currency: world.currency,
    };
    world.expect(&world.command(&world.sign(&deposit, &payer.key)?)?, 200, Outcome::Recorded)?;
    let second = world.pay(&body)?;
    world.refusal(&second, Code::InsufficientFunds)?;
    must(first.body == second.body, || "the second answer is not the first, byte for byte".into())
}

fn tampered(world: &World) -> Result<(), String> {
    let payer = world.payer(1_000)?;
    let offer = world.offer(400, CaptureMode::AtOnce)?;
    let intent = world.intent(&payer, &offer, 400)?;
    let mut broken = intent.clone();
    if let Some(last) = broken.bytes.last_mut() {
        *last ^= 1;
    }
    world.problem(&world.pay(&request(&offer, &broken))?, Code::SignatureInvalid)?;
    world.expect(&world.pay(&request(&offer, &intent))?, 200, Outcome::Settled).map(drop)
}

fn offer_twice(world: &World) -> Result<(), String> {
    let payer = world.payer(1_000)?;
    let offer = world.offer(400, CaptureMode::AtOnce)?;
    let (first, second) = (world.intent(&payer, &offer, 400)?, world.intent(&payer, &offer, 400)?);
    world.expect(&world.pay(&request(&offer, &first))?, 200, Outcome::Settled)?;
    world.refusal(&world.pay(&request(&offer, &second))?, Code::OfferPaid).map(drop)
}

fn at_once(world: &World) -> Result<(), String> {
    let (body, _) = world.payment(&world.payer(1_000)?, 400, CaptureMode::AtOnce)?;
    let answers = together((0..8).map(|_| || world.pay(&body)).collect());
    let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    for answer in &answers {
        world.expect(answer, 200, Outcome::Settled)?;
        must(answer.body == answers[0].body, || "one payment has two receipts".into())?;
    }
    Ok(())
}

fn race(world: &World) -> Result<(), String> {
    let payer = world.payer_with(8_000, |caps| caps.total = amount(1_299).ok())?;
    let bodies = (0..8).map(|_| world.payment(&payer, 400, CaptureMode::AtOnce)).collect::<Result<Vec<_>, _>>()?;
    let answers = together(bodies.iter().map(|(body, _)| || world.pay(body)).collect());
    let mut settled = 0;
    for response in answers {
        let response = response?;
        match world.answer(&response)?.claims.outcome {
            Outcome::Settled => settled += 1,
            _ => drop(world.refusal(&response, Code::RuleTotal)?),
        }
    }
    must(settled == 3, || format!("{settled} payments of 400 were made under a total of 1,299, not 3"))
}

fn suspended(world: &World) -> Result<(), String> {
    let payer = world.payer(1_000)?;
    let suspension = Suspension {
        account: payer.account,
        issuer: world.issuer.clone(),
        issued_at: now(),
        nonce: world.fresh.nonce(),
        mandates: Set::new(vec![payer.mandate]).ok_or("no mandates")?,
        reason: None,
    };
    world.expect(&world.command(&world.sign(&suspension, &payer.key)?)?, 200, Outcome::Recorded)?;
    let (_, _, response) = paid(world, &payer, 400)?;
    world.refusal(&response, Code::MandateSuspended).map(drop)
}

fn cancel(world: &World, intent: &Sealed, payer: &Payer) -> Result<Sealed, String> {
    let cancel = Cancel {
        issuer: world.issuer.clone(),
        issued_at: now(),
        nonce: world.fresh.nonce(),
        intent: Bytes(intent.bytes.clone()),
        offer: None,
    };
    world.sign(&cancel, &payer.agent)
}

fn cancel_before(world: &World) -> Result<(), String> {
    let payer = world.payer(1_000)?;
    let (body, intent) = world.payment(&payer, 400, CaptureMode::AtOnce)?;
    world.expect(&world.command(&cancel(world, &intent, &payer)?)?, 200, Outcome::Cancelled)?;
    let response = world.pay(&body)?;
    world.expect(&response, Code::PaymentCancelled.status(), Outcome::Cancelled).map(drop)
}

fn cancel_after(world: &World) -> Result<(), String> {
    let payer = world.payer(1_000)?;
    let (_, intent, first) = paid(world, &payer, 400)?;
    let answer = world.command(&cancel(world, &intent, &payer)?)?;
    world.expect(&answer, 200, Outcome::Settled)?;
    must(first.body == answer.body, || "it is another receipt than the payment's".into())
}

fn waits(world: &World) -> Result<(), String> {
    let payer = world.payer_with(1_000, |caps| {
        caps.total = amount(1_000).ok();
        caps.ask_above = UpTo::new(100);
    })?;
    let (body, intent, response) = paid(world, &payer, 400)?;
    let pending = world.expect(&response, 202, Outcome::Pending)?;
    must(response.header("location").is_some_and(|place| place.ends_with(&intent.id.to_string())), || {
        "Location does not name the intent".into()
    })?;
    must(response.header("retry-after").is_some(), || "there is no Retry-After".into())?;
    must(pending.claims.user_code.is_some() && pending.claims.answer_by.is_some(), || "nothing to compare".into())?;
    let yes = Confirmation {
        account: payer.account,
        issuer: world.issuer.clone(),
        issued_at: now(),
        intent: intent.id,
        shown: None,
        how: Modality::Screen,
        evidence: None,
        phrase: None,
    };
    let yes = world.sign(&yes, &payer.key)?;
    let confirmed = world.post("/v1/confirmations", purser_protocol::bind::http::PAPER, &yes.bytes)?;
    world.expect(&confirmed, 200, Outcome::Settled)?;
    let after = world.pay(&body)?;
    must(after.body == confirmed.body, || "the payment's answer is not the confirmation's".into())
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
