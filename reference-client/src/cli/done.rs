//! How a command ends: for eyes, or as one JSON object; and its exit code.

use std::io::Write as _;
use std::process::ExitCode;

use purser_client::error::retry_words;
use purser_client::fetch::Delivered;
use purser_client::home::{Home, Kept};
use purser_client::issuer::Decision;
use purser_client::pay::Approval;
use purser_client::{Class, Error, Result};
use purser_protocol::flow::payer::Attempt;
use purser_protocol::money::Currency;
use purser_protocol::receipt::{Claims, Outcome};
use serde_json::{Map, Value, json};

const SCHEMA: &str = "purser.cli/1";

/// Exit codes.
pub(super) mod code {
    pub(crate) const DONE: u8 = 0;
    pub(crate) const FAILED: u8 = 1;
    pub(crate) const USAGE: u8 = 2;
    pub(crate) const CONFIRM: u8 = 3;
    pub(crate) const UNKNOWN: u8 = 4;
    pub(crate) const UNREACHABLE: u8 = 5;
    pub(crate) const FORKED: u8 = 6;
}

/// What a command has to say.
#[derive(Debug)]
pub(crate) struct Done {
    /// For eyes, on stdout.
    pub(super) text: Vec<u8>,
    /// For eyes, on stderr.
    pub(super) notes: Vec<String>,
    /// For programs.
    pub(super) json: Map<String, Value>,
    /// The exit code.
    pub(super) exit: u8,
    /// What was paid for and is among what is said here: it is taken when that has been written.
    pub(super) taken: Option<(Home, Box<Delivered>)>,
}

impl Done {
    /// Done, with these members for programs.
    pub(super) fn new(text: impl Into<String>, json: Value) -> Self {
        let json = match json {
            Value::Object(members) => members,
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        Self { text: text.into().into_bytes(), notes: Vec::new(), json, exit: code::DONE, taken: None }
    }

    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    pub(super) fn exit(mut self, exit: u8) -> Self {
        self.exit = exit;
        self
    }

    /// The decision on a command other than a payment.
    pub(super) fn of_decision(what: &str, decision: &Decision, more: Value) -> Self {
        let refused = decision.outcome() == Outcome::Refused;
        let mut text = format!("{what}: {}\n", decision.outcome().name());
        if let Some(reason) = decision.reason() {
            text.push_str(&format!("  {reason}\n"));
        }
        text.push_str(&format!("  receipt {}\n", decision.verified.id));
        let mut done = Self::new(text, json!({ "receipt": claims_json(&decision.verified.claims) }));
        done.json.insert("receipt_id".into(), decision.verified.id.to_string().into());
        done.json.insert("reason".into(), decision.reason().into());
        if let Value::Object(members) = more {
            done.json.extend(members);
        }
        done.exit(if refused { code::FAILED } else { code::DONE })
    }

    /// How a payment stands.
    pub(super) fn of_payment(kept: &Kept) -> Self {
        let (name, exit) = standing(kept);
        let mut text = format!("payment {}: {name}\n", kept.id);
        if let Ok(intent) = kept.read_intent() {
            text.push_str(&format!("  {}\n", intent.currency.show(intent.amount.minor())));
        }
        if let Some(reason) = &kept.reason {
            text.push_str(&format!("  {reason}\n"));
        }
        let mut done = Self::new(text, json!({ "payment": payment_json(kept) })).exit(exit);
        if let Some(approval) = Approval::of(kept) {
            done = done.note(format!("the person must confirm: {approval}"));
        }
        match exit {
            code::CONFIRM => done.note(format!("then: purser payment status {}", kept.id)),
            code::UNKNOWN => done.note(format!("run the same again, or: purser payment status {}", kept.id)),
            _ => done,
        }
    }
}

/// What stands of a payment, in a word, and the exit code for it.
pub(super) fn standing(kept: &Kept) -> (&'static str, u8) {
    match kept.state {
        Attempt::Signed | Attempt::InDoubt { .. } => ("unknown", code::UNKNOWN),
        Attempt::Waiting => ("confirmation-required", code::CONFIRM),
        Attempt::TurnedAway => ("not-decided", code::UNKNOWN),
        Attempt::Known(outcome) if kept.is_paid() => (outcome.name(), code::DONE),
        Attempt::Known(outcome) => (outcome.name(), code::FAILED),
        Attempt::Dropped => ("not-decided", code::FAILED),
    }
}

/// A payment, for programs.
pub(super) fn payment_json(kept: &Kept) -> Value {
    let (intent, offer) = (kept.read_intent().ok(), kept.read_offer().ok());
    let approval = Approval::of(kept).map(|approval| {
        json!({ "url": approval.url, "user_code": approval.user_code, "answer_by": approval.answer_by_seconds })
    });
    json!({
        "intent": kept.id.to_string(),
        "state": standing(kept).0,
        "amount_minor": intent.as_ref().map(|intent| intent.amount.minor().to_string()),
        "currency": intent.as_ref().map(|intent| intent.currency.code()),
        "mandate": intent.as_ref().map(|intent| intent.mandate.to_string()),
        "offer": intent.as_ref().map(|intent| intent.offer.to_string()),
        "merchant": offer.as_ref().map(|offer| offer.merchant.as_str().to_owned()),
        "receipt_id": kept.receipt_id().map(|id| id.to_string()),
        "reason": kept.reason,
        "approval": approval,
        "url": kept.fetching.as_ref().map(|fetching| &fetching.url),
        "delivered": kept.fetching.as_ref().map(|fetching| fetching.delivered),
    })
}

/// What a receipt says, for programs.
pub(super) fn claims_json(claims: &Claims) -> Value {
    json!({
        "outcome": claims.outcome.name(),
        "decided_at": claims.decided_at.get(),
        "intent": claims.intent.map(|id| id.to_string()),
        "offer": claims.offer.map(|id| id.to_string()),
        "command": claims.command.map(|id| id.to_string()),
        "amount_minor": claims.amount.map(|amount| amount.minor().to_string()),
        "currency": claims.currency.map(Currency::code),
        "code": claims.code.and_then(|code| code.code()).map(|code| code.slug()),
        "hold_until": claims.hold_until.map(|seconds| seconds.get()),
        "answer_by": claims.answer_by.map(|seconds| seconds.get()),
    })
}

/// Prints how a command ended, and gives its exit code.
pub(crate) fn report(mut done: Result<Done>, json: bool) -> ExitCode {
    let taken = done.as_mut().ok().and_then(|done| done.taken.take());
    let exit = match &done {
        Ok(done) => done.exit,
        Err(error) => exit_of(error),
    };
    let written = match (done, json) {
        (Ok(done), true) => object(exit, done.json),
        (Ok(done), false) => {
            done.notes.iter().for_each(|note| eprintln!("{note}"));
            std::io::stdout().write_all(&done.text)
        }
        (Err(error), true) => object(exit, Map::from_iter([("error".to_owned(), error_json(&error))])),
        (Err(error), false) => {
            eprint!("{}", error_text(&error));
            Ok(())
        }
    };
    // Whoever closed stdout wants no more of it; what was done is done.
    match (written.and_then(|()| std::io::stdout().flush()), taken) {
        (Ok(()), None) => ExitCode::from(exit),
        (Ok(()), Some((home, delivered))) => match delivered.taken(&home) {
            Ok(()) => ExitCode::from(exit),
            Err(error) => {
                eprint!("{}", error_text(&not_taken(&delivered, &error.to_string())));
                ExitCode::from(code::UNKNOWN)
            }
        },
        (Err(_), None) => ExitCode::from(exit.max(code::FAILED)),
        // What was paid for is not with them; the payment stays open.
        (Err(error), Some((_, delivered))) => {
            eprint!("{}", error_text(&not_taken(&delivered, &error.to_string())));
            ExitCode::from(code::UNKNOWN)
        }
    }
}

/// Paid, and what came for it was not written where it was wanted.
pub(super) fn not_taken(delivered: &Delivered, what: &str) -> Error {
    let what = format!("payment {} is made, and what it pays for was not written: {what}", delivered.payment.id);
    Error::new(Class::Unknown, what).fix("the same call again shows the same receipt; it never pays twice")
}

fn object(exit: u8, members: Map<String, Value>) -> std::io::Result<()> {
    let mut whole = Map::new();
    whole.insert("schema".into(), SCHEMA.into());
    whole.insert("exit".into(), exit.into());
    whole.extend(members);
    writeln!(std::io::stdout(), "{}", Value::Object(whole))
}

fn exit_of(error: &Error) -> u8 {
    match error.class() {
        Class::Usage => code::USAGE,
        Class::Failed => code::FAILED,
        Class::Unknown => code::UNKNOWN,
        Class::Unreachable => code::UNREACHABLE,
        Class::Forked => code::FORKED,
    }
}

fn error_json(error: &Error) -> Value {
    json!({
        "what": error.what(),
        "where": error.place(),
        "fix": error.remedy(),
        "code": error.code().map(|code| code.slug()),
        "retry": error.retry_class().name(),
    })
}

fn error_text(error: &Error) -> String {
    let mut text = format!("purser: {}\n", error.what());
    if let Some(place) = error.place() {
        text.push_str(&format!("  where: {place}\n"));
    }
    if let Some(remedy) = error.remedy() {
        text.push_str(&format!("  fix:   {remedy}\n"));
    }
    if error.class() != Class::Usage {
        text.push_str(&format!("  again: {}\n", retry_words(error.retry_class())));
    }
    text
}
