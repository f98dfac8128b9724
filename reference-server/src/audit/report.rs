//! What an audit comes to, as one JSON object.

use std::collections::BTreeMap;
use std::fmt;

use purser_protocol::id::{Digest, PartyId, Text};
use purser_protocol::ledger::books::Purse;
use purser_protocol::ledger::past::Past;
use purser_protocol::ledger::state::{Hold, Payment, State};
use serde_json::{Value, json};

/// Most findings that are written out; the others are counted.
const FINDINGS_MAX: usize = 100;

/// What is wrong, by where it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The database says that its file is damaged.
    File,
    /// A batch is missing or out of its order.
    Batch,
    /// A root's signature, certificate or fields.
    Root,
    /// Receipts are not the leaves of their root.
    Tree,
    /// A root signs another log than that of the batches.
    Log,
    /// A decision is missing, or in no batch.
    Entry,
    /// A receipt cannot be one.
    Receipt,
    /// A detail is not the one that its receipt binds.
    Detail,
    /// What happened cannot be read, or cannot have happened then.
    Event,
    /// A receipt says something else than what happened, or answers something else.
    Answer,
    /// What was sent is not what was answered.
    Evidence,
    /// Something was decided twice.
    Twice,
    /// The books do not balance, or a limit is passed.
    Books,
    /// More was signed than the store holds, or something else.
    Head,
    /// The snapshot is another state than that of the events. It can be deleted.
    Snapshot,
    /// A receipt that was given out is lost or changed.
    Acknowledged,
}

impl Kind {
    /// Its name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Batch => "batch",
            Self::Root => "root",
            Self::Tree => "tree",
            Self::Log => "log",
            Self::Entry => "entry",
            Self::Receipt => "receipt",
            Self::Detail => "detail",
            Self::Event => "event",
            Self::Answer => "answer",
            Self::Evidence => "evidence",
            Self::Twice => "twice",
            Self::Books => "books",
            Self::Head => "head",
            Self::Snapshot => "snapshot",
            Self::Acknowledged => "acknowledged",
        }
    }
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Of what kind.
    pub kind: Kind,
    /// Where.
    pub place: String,
    /// What.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {}", self.kind.name(), self.place, self.what)
    }
}

/// The sums of one currency, in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// What came in from outside.
    pub came_in_minor: u64,
    /// What payers' accounts hold.
    pub accounts_minor: u128,
    /// What the envelopes of funded mandates hold.
    pub envelopes_minor: u128,
    /// What is held for merchants.
    pub holds_minor: u128,
    /// What merchants' accounts hold.
    pub payees_minor: u128,
    /// What was captured, refunds not taken off.
    pub captured_minor: u128,
    /// What was refunded.
    pub refunded_minor: u128,
}

/// What an audit comes to.
#[derive(Clone, Debug)]
pub struct Report {
    issuer: String,
    network: String,
    /// How many batches.
    pub batches: u64,
    /// How many receipts.
    pub receipts: u64,
    /// When the last batch was decided, in Unix seconds.
    pub decided_until_seconds: u64,
    /// Size and root of the log.
    pub log: Option<(u64, [u8; 32])>,
    /// How many receipts that were given out were looked for.
    pub acknowledged: u64,
    /// How many of what there are, by name.
    pub counts: BTreeMap<&'static str, usize>,
    /// The money, by currency.
    pub sums: BTreeMap<&'static str, Sums>,
    /// What is wrong: the first of it.
    pub findings: Vec<Finding>,
    /// How much more is wrong.
    pub findings_left_out: u64,
}

impl Report {
    pub(super) fn new(issuer: &PartyId, network: &Text<32>) -> Self {
        Self {
            issuer: issuer.to_string(),
            network: network.to_string(),
            batches: 0,
            receipts: 0,
            decided_until_seconds: 0,
            log: None,
            acknowledged: 0,
            counts: BTreeMap::new(),
            sums: BTreeMap::new(),
            findings: Vec::new(),
            findings_left_out: 0,
        }
    }

    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.findings.is_empty()
    }

    pub(super) fn find(&mut self, kind: Kind, place: &str, what: impl Into<String>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { kind, place: place.to_owned(), what: what.into() });
        } else {
            self.findings_left_out += 1;
        }
    }

    /// Counts and sums up what a state holds, and what it holds no more.
    pub(super) fn count(&mut self, state: &State, past: &Past) {
        let mut counts = BTreeMap::from([
            ("accounts", state.accounts.len()),
            ("mandates", state.mandates.len()),
            ("payments_made", 0),
            ("payments_closed", 0),
            ("payments_waiting", 0),
            ("holds_open", 0),
        ]);
        for currency in state.books.currencies() {
            self.sums.entry(currency.code()).or_default().came_in_minor = state.books.given(currency);
        }
        for (purse, currency, minor) in state.books.iter() {
            let sums = self.sums.entry(currency.code()).or_default();
            let sum = match purse {
                Purse::Outside => continue,
                Purse::Account(_) => &mut sums.accounts_minor,
                Purse::Envelope(..) => &mut sums.envelopes_minor,
                Purse::Hold(_) => &mut sums.holds_minor,
                // Set apart of what is a merchant's, until a ruling says whose it is.
                Purse::Payee(..) | Purse::Contested(_) => &mut sums.payees_minor,
            };
            *sum += u128::from(minor);
        }
        for payment in state.payments.values().chain(past.payments.values()) {
            let name = match payment {
                Payment::Pending(_) => "payments_waiting",
                Payment::Closed { .. } => "payments_closed",
                Payment::Made(made) => {
                    let sums = self.sums.entry(made.currency.code()).or_default();
                    sums.captured_minor += u128::from(made.captured_minor);
                    sums.refunded_minor += u128::from(made.refunded_minor);
                    if made.hold == Hold::Open {
                        *counts.entry("holds_open").or_default() += 1;
                    }
                    "payments_made"
                }
            };
            *counts.entry(name).or_default() += 1;
        }
        self.counts = counts;
    }

    /// The report as a program reads it. Money is text, as everywhere in JSON.
    pub fn json(&self) -> Value {
        let sums: Vec<Value> = self.sums.iter().map(|(currency, sums)| sums.json(currency)).collect();
        let findings = self
            .findings
            .iter()
            .map(|finding| json!({ "kind": finding.kind.name(), "where": finding.place, "what": finding.what }));
        json!({
            "verdict": if self.is_good() { "good" } else { "wrong" },
            "issuer": self.issuer,
            "network": self.network,
            "batches": self.batches,
            "receipts": self.receipts,
            "decided_until": self.decided_until_seconds,
            "log": self.log.map(|(size, root)| json!({ "size": size, "root": Digest(root).to_string() })),
            "acknowledged": self.acknowledged,
            "counts": self.counts,
            "sums": sums,
            "findings": findings.collect::<Vec<_>>(),
            "findings_left_out": self.findings_left_out,
        })
    }
}

impl Sums {
    fn json(&self, currency: &str) -> Value {
        json!({
            "currency": currency,
            "came_in_minor": self.came_in_minor.to_string(),
            "accounts_minor": self.accounts_minor.to_string(),
            "envelopes_minor": self.envelopes_minor.to_string(),
            "holds_minor": self.holds_minor.to_string(),
            "payees_minor": self.payees_minor.to_string(),
            "captured_minor": self.captured_minor.to_string(),
            "refunded_minor": self.refunded_minor.to_string(),
        })
    }
}
