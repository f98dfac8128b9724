//! Whether a receipt says what happened, and answers what was sent.

use purser_protocol::code::{Code, Public};
use purser_protocol::field::decoded;
use purser_protocol::flow::issuer::{BatchRequest, PaymentRequest};
use purser_protocol::id::{Digest, PaperId};
use purser_protocol::label::{ENCLOSED, INTENT};
use purser_protocol::ledger::event::{Captured, Closed, Event, Paid, Registered};
use purser_protocol::ledger::state::{Payment, State};
use purser_protocol::receipt::{Claims, CodeNumber, Detail, Outcome};
use purser_protocol::sign::paper::{find, id};
use purser_protocol::sign::{Frame, Kind as PaperKind};
use sha2::{Digest as _, Sha256};

use super::Kind;
use crate::store::KeptEntry;

/// What does not fit, one decision looked at; `state` is that of the moment before it.
pub(super) fn faults(
    entry: &KeptEntry,
    event: &Event,
    claims: &Claims,
    command: &PaperId,
    receipt: PaperId,
    state: &State,
) -> Vec<(Kind, String)> {
    let mut faults = Vec::new();
    let detail = entry.detail.as_deref();
    let digest = detail.map(|detail| Digest(Sha256::digest(detail).into()));
    let refused_with = detail.and_then(|detail| decoded::<Detail>(detail).ok()).map(|detail| detail.code);
    if digest != claims.detail || (detail.is_some() && refused_with.is_none()) {
        faults.push((Kind::Detail, "the detail is not the one that the receipt binds".to_owned()));
    }
    if !says(event, claims, refused_with, state) {
        faults.push((Kind::Answer, "the receipt says something else than what happened".to_owned()));
    }
    if answered(event, claims, receipt) != Some(*command) {
        faults.push((Kind::Answer, format!("the receipt does not answer {command}")));
    }
    if !is_evidence(&entry.evidence, event, command, state) {
        faults.push((Kind::Evidence, format!("what was sent is not {command}")));
    }
    faults
}

/// The paper that a decision answers; what came due by itself answers its own receipt.
fn answered(event: &Event, claims: &Claims, receipt: PaperId) -> Option<PaperId> {
    match event {
        Event::Paid(_) | Event::MeteredPaid(_) | Event::Asked(_) | Event::Refused(_) | Event::Cancelled(_) => {
            claims.intent
        }
        Event::HoldExpired(_) | Event::EnvelopeClosed(_) => Some(receipt),
        Event::Ruled(ruled) if ruled.by.0.is_none() => Some(receipt),
        _ => claims.command,
    }
}

/// Whether the receipt says what happened, to the unit.
fn says(event: &Event, claims: &Claims, refused_with: Option<CodeNumber>, state: &State) -> bool {
    let is = |outcome: Outcome| claims.outcome == outcome;
    let money = (claims.amount, claims.currency);
    let refused = |code: CodeNumber| {
        let told = match code.code() {
            Some(code) if code.public() == Public::Same => code,
            _ => Code::Declined,
        };
        is(Outcome::Refused) && refused_with == Some(code) && claims.code == Some(told.into())
    };
    let held = |intent: &PaperId| match state.payments.get(intent) {
        Some(Payment::Made(made)) => {
            let held = claims.amount.map_or(0, |amount| amount.minor());
            claims.intent == Some(*intent) && held == made.held_minor()
        }
        // An event for no payment cannot be applied, and that is said elsewhere.
        _ => true,
    };
    let paid = |paid: &Paid| {
        let outcome = if paid.hold_until.0.is_some() { Outcome::Authorized } else { Outcome::Settled };
        is(outcome)
            && (claims.intent, claims.offer) == (Some(paid.intent), Some(paid.offer))
            && money == (Some(paid.amount), Some(paid.currency))
            && (claims.pseudonym, claims.hold_until) == (Some(paid.pseudonym), paid.hold_until.0)
    };
    let captured = |captured: &Captured| {
        let said = (claims.intent, claims.amount) == (Some(captured.intent), Some(captured.amount));
        is(Outcome::Captured) && said
    };
    match event {
        Event::Paid(made) => paid(made),
        Event::MeteredPaid(metered) => paid(&metered.paid) && claims.chains.as_ref() == Some(&metered.chains),
        Event::Asked(asked) => {
            is(Outcome::Pending)
                && (claims.intent, claims.offer) == (Some(asked.intent), Some(asked.offer))
                && claims.user_code.as_ref() == Some(&asked.user_code)
                && claims.answer_by == Some(asked.answer_by)
        }
        Event::Refused(Closed { intent, code, .. }) => refused(*code) && claims.intent == Some(*intent),
        Event::Cancelled(closed) => is(Outcome::Cancelled) && claims.intent == Some(closed.intent),
        Event::Captured(taken) => captured(taken),
        Event::Claimed(claimed) => captured(&claimed.captured),
        Event::Voided(intent) | Event::HoldExpired(intent) => is(Outcome::Voided) && held(intent),
        Event::Refunded(refunded) => {
            let said = (claims.intent, claims.amount) == (Some(refunded.intent), Some(refunded.amount));
            is(Outcome::Refunded) && said
        }
        Event::Disputed(disputed) => {
            let sum = (Some(disputed.amount), Some(disputed.late.paid.currency));
            is(Outcome::Recorded) && money == sum && claims.command == Some(disputed.dispute)
        }
        Event::DisputeAnswered(_) => is(Outcome::Recorded),
        Event::Ruled(ruled) => {
            let open = state.disputes.get(&ruled.intent).map(|open| open.dispute);
            let by = claims.command == ruled.by.0.or(open);
            let given = claims.amount.map_or(0, |amount| amount.minor()) == ruled.given_minor;
            match ruled.given_minor {
                0 => by && is(Outcome::Recorded) && given,
                _ => by && is(Outcome::Refunded) && given && claims.intent == Some(ruled.intent),
            }
        }
        Event::PaidOut(paid) => is(Outcome::Recorded) && money == (Some(paid.amount), Some(paid.currency)),
        Event::Deposited(deposited) => {
            is(Outcome::Recorded) && money == (Some(deposited.amount), Some(deposited.currency))
        }
        Event::Registered(registered) => is(Outcome::Recorded) && claims.command == Some(registered.mandate),
        Event::Suspended(changed) | Event::Revoked(changed) => {
            is(Outcome::Recorded) && claims.command == Some(changed.by)
        }
        Event::EnvelopeClosed(mandate) => is(Outcome::Recorded) && claims.command == Some(*mandate),
        Event::Enrolled(_) | Event::Resumed(_) | Event::Batched(_) => is(Outcome::Recorded),
        Event::Retired(_) | Event::Frozen(_) | Event::Thawed(_) => is(Outcome::Recorded),
        Event::CommandRefused(code) => refused(*code),
    }
}

/// Whether what was sent is, or encloses, what was answered. What came due by itself was sent by nobody.
fn is_evidence(sent: &[u8], event: &Event, command: &PaperId, state: &State) -> bool {
    let by_itself = match event {
        Event::HoldExpired(_) | Event::EnvelopeClosed(_) => true,
        Event::Ruled(ruled) => ruled.by.0.is_none(),
        Event::Refused(closed) => matches!(state.payments.get(&closed.intent), Some(Payment::Pending(_))),
        _ => false,
    };
    if sent.is_empty() {
        return by_itself;
    }
    if let Ok(request) = BatchRequest::read(sent) {
        return paper_id(request.batch) == Some(*command);
    }
    let Ok(frame) = Frame::read(sent) else {
        let request = PaymentRequest::read(sent).ok();
        return request.and_then(|request| paper_id(request.intent)) == Some(*command);
    };
    let named = |label: purser_protocol::label::Label| find(frame.payload, label.number).map(|(_, value)| value);
    match (PaperKind::of(sent), event) {
        (Some(PaperKind::Confirmation), _) => {
            named(INTENT).and_then(|mut intent| intent.array().ok()).map(PaperId) == Some(*command)
        }
        (Some(PaperKind::Cancel), _) => {
            let enclosed = named(ENCLOSED).and_then(|mut enclosed| enclosed.bytes().ok().and_then(paper_id));
            enclosed == Some(*command)
        }
        (_, Event::Registered(Registered { payload, .. })) => {
            id(frame.protected, frame.payload) == *command && frame.payload == payload.0
        }
        _ => id(frame.protected, frame.payload) == *command,
    }
}

fn paper_id(paper: &[u8]) -> Option<PaperId> {
    Frame::read(paper).ok().map(|frame| id(frame.protected, frame.payload))
}
