//! An issuer's statement of a day, held against the shop's own book: what differs is named.

use std::collections::HashMap;

use purser_protocol::bind::http::PAPER;
use purser_protocol::field::decoded;
use purser_protocol::flow::document::{OpenDocument, Reading};
use purser_protocol::id::{Nonce, PaperId, PartyId, Text};
use purser_protocol::limits::COMMAND_SECONDS_MAX;
use purser_protocol::paper::command::Proof;
use purser_protocol::paper::document::{DailyStatement, Day};
use purser_protocol::receipt::{Claims, Outcome, Receipt};
use purser_protocol::sign::backend::AwsLc;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::random::random;
use crate::shop::{Inner, NotOrdered};

/// Most parts of a day: the issuer says how many there are, and is not believed without end.
const PARTS_MAX: u64 = 10_000;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciled {
    /// The day.
    pub day: Day,
    /// How many lines the statement has.
    pub lines: usize,
    /// What came in and went out, as the issuer sums it.
    pub sums: Value,
    /// How many movements both know, and alike.
    pub agreed: usize,
    /// What differs, in the order of the statement, and then of the book.
    pub differences: Vec<Difference>,
}

/// A difference between a statement and a book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The book holds a receipt of this day that the statement does not have.
    NotStated(Movement),
    /// Both have it, and it says something else in each.
    Other {
        /// In the statement.
        stated: Movement,
        /// In the book.
        kept: Movement,
    },
    /// It was paid, and nobody has come to redeem it.
    NotRedeemed(Movement),
    /// What the issuer does in a dispute, which a book does not hold.
    Disputed(Movement),
    /// The book knows nothing of it: somebody else gave this command in the shop's name, or the book is not whole.
    NotKept(Movement),
}

/// A movement of money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The id of the receipt.
    pub receipt: PaperId,
    /// The payment; none of a payout.
    pub intent: Option<PaperId>,
    /// What it was, by the statement's word.
    pub what: String,
    /// The currency.
    pub currency: String,
    /// What came in, in minor units; below 0 what went out.
    pub minor: i128,
}

impl Reconciled {
    /// Whether both say the same.
    pub fn is_equal(&self) -> bool {
        self.differences.is_empty()
    }

    /// All of it, for programs.
    pub fn json(&self) -> Value {
        json!({
            "day": self.day.to_string(),
            "equal": self.is_equal(),
            "lines": self.lines,
            "agreed": self.agreed,
            "sums": self.sums,
            "differences": self.differences.iter().map(Difference::json).collect::<Vec<_>>(),
        })
    }
}

impl Difference {
    /// The difference's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotStated(_) => "not-stated",
            Self::Other { .. } => "other",
            Self::NotRedeemed(_) => "not-redeemed",
            Self::Disputed(_) => "disputed",
            Self::NotKept(_) => "not-kept",
        }
    }

    fn json(&self) -> Value {
        let (stated, kept) = match self {
            Self::NotStated(kept) => (None, Some(kept)),
            Self::Other { stated, kept } => (Some(stated), Some(kept)),
            Self::NotRedeemed(stated) | Self::Disputed(stated) | Self::NotKept(stated) => (Some(stated), None),
        };
        json!({ "name": self.name(), "stated": stated.map(Movement::json), "kept": kept.map(Movement::json) })
    }
}

impl Movement {
    fn json(&self) -> Value {
        json!({
            "receipt": self.receipt.to_string(),
            "intent": self.intent.map(|intent| intent.to_string()),
            "what": self.what,
            "currency": self.currency,
            "minor": self.minor.to_string(),
        })
    }
}

#[derive(Deserialize)]
struct Document {
    statement: Part,
}

#[derive(Deserialize)]
struct Part {
    issuer: String,
    merchant: String,
    day: String,
    part: u64,
    parts: u64,
    lines: Vec<Line>,
    sums: Value,
}

#[derive(Deserialize)]
struct Line {
    n: u64,
    what: String,
    currency: String,
    #[serde(default)]
    in_minor: u64,
    #[serde(default)]
    out_minor: u64,
    receipt: String,
    intent: Option<String>,
}

/// Asks for a day, part by part, and holds it against the book.
pub(crate) async fn reconcile(shop: &Inner, issuer: &PartyId, day: Day) -> Result<Reconciled, NotOrdered> {
    let mut stated = Vec::new();
    let (mut part, mut sums) = (1, Value::Null);
    loop {
        let read = ask(shop, issuer, day, part).await?;
        let follows = (stated.len() as u64 + 1..).zip(&read.lines).all(|(n, line)| line.n == n);
        if !follows || read.part != part || read.parts > PARTS_MAX || part > 1 && read.sums != sums {
            return Err(odd("its parts do not follow each other"));
        }
        for line in read.lines {
            stated.push(line.movement().ok_or_else(|| odd("a line of it cannot be read"))?);
        }
        sums = read.sums;
        if part >= read.parts {
            break;
        }
        part += 1;
    }
    let kept = kept(shop, issuer, day).await?;
    Ok(compare(day, stated, kept, sums))
}

/// One part, verified: its signature, whose it is, and for which day.
async fn ask(shop: &Inner, issuer: &PartyId, day: Day, part: u64) -> Result<Part, NotOrdered> {
    let post = shop.desks.post(issuer).ok_or(NotOrdered::NoAccount)?;
    let below = format!("/v1/statements/{day}?part={part}");
    let identity = &shop.till.identity;
    let failed = |error: &dyn std::fmt::Display| NotOrdered::Failed(error.to_string());
    let proof = identity.sign_with_chain(&Proof {
        audience: issuer.clone(),
        issued_at: shop.till.clock.now(),
        nonce: Nonce(random().map_err(|error| failed(&error))?),
        target: Text::new(&post.target(&below)).ok_or_else(|| odd("its address is too long"))?,
    });
    let proof = proof.map_err(|error| failed(&error))?;
    let body = post.ask(&below, PAPER, proof).await.map_err(NotOrdered::Failed)?;
    let reading = Reading {
        context: identity.context(),
        crypto: &AwsLc,
        parties: &shop.till.register,
        now: shop.till.clock.now(),
    };
    let opened = reading.daily_statement(&body).map_err(|fault| failed(&fault))?; // [DOC-1]
    let OpenDocument::<DailyStatement> { paper, document, .. } = opened;
    let Document { statement } = serde_json::from_str(&document).map_err(|error| failed(&error))?;
    let names = [statement.issuer.as_str(), statement.merchant.as_str(), statement.day.as_str()];
    let is_ours = paper.issuer == *issuer && paper.merchant == identity.id;
    match is_ours && names == [issuer.as_str(), identity.id.as_str(), &day.to_string()] {
        true => Ok(statement),
        false => Err(odd("it is of another merchant, issuer or day")),
    }
}

/// The movements of the day by the receipts that the shop holds.
async fn kept(shop: &Inner, issuer: &PartyId, day: Day) -> Result<Vec<Movement>, NotOrdered> {
    let (Some(from), Some(until)) = (day.first(), day.end()) else { return Ok(Vec::new()) };
    // A command is answered a day after it was made at the latest, or is made anew.
    let since = from.saturating_sub(2 * COMMAND_SECONDS_MAX);
    let of = issuer.clone();
    let receipts = shop.till.look_aside(move |store| store.receipts(&of, since, until)).await?;
    let mut movements = Vec::new();
    for receipt in receipts {
        let receipt: Receipt = decoded(&receipt).map_err(|fault| NotOrdered::Failed(fault.to_string()))?;
        let claims: Claims = decoded(&receipt.claims).map_err(|fault| NotOrdered::Failed(fault.to_string()))?;
        if (from..until).contains(&claims.decided_at) {
            movements.extend(movement(receipt.id(), &claims));
        }
    }
    Ok(movements)
}

/// What a receipt moved; nothing, where it holds money or refuses.
fn movement(receipt: PaperId, claims: &Claims) -> Option<Movement> {
    let minor = i128::from(claims.amount?.minor());
    let (what, minor) = match claims.outcome {
        Outcome::Settled => ("settled", minor),
        Outcome::Captured => ("captured", minor),
        Outcome::Refunded => ("refunded", -minor),
        // Of what a shop orders, only a payout is recorded with an amount.
        Outcome::Recorded if claims.intent.is_none() => ("paid-out", -minor),
        _ => return None,
    };
    let currency = claims.currency?.code().to_owned();
    Some(Movement { receipt, intent: claims.intent, what: what.to_owned(), currency, minor })
}

fn compare(day: Day, stated: Vec<Movement>, kept: Vec<Movement>, sums: Value) -> Reconciled {
    let lines = stated.len();
    let mut known: HashMap<PaperId, Movement> = kept.into_iter().map(|kept| (kept.receipt, kept)).collect();
    let (mut agreed, mut differences) = (0, Vec::new());
    for stated in stated {
        match known.remove(&stated.receipt) {
            Some(kept) if kept == stated => agreed += 1,
            Some(kept) => differences.push(Difference::Other { stated, kept }),
            None => differences.push(match stated.what.as_str() {
                "settled" => Difference::NotRedeemed(stated),
                "set-apart" | "ruled" => Difference::Disputed(stated),
                _ => Difference::NotKept(stated),
            }),
        }
    }
    let mut rest: Vec<Movement> = known.into_values().collect();
    rest.sort_by_key(|kept| kept.receipt.0);
    differences.extend(rest.into_iter().map(Difference::NotStated));
    Reconciled { day, lines, sums, agreed, differences }
}

impl Line {
    fn movement(self) -> Option<Movement> {
        Some(Movement {
            receipt: paper_id(&self.receipt)?,
            intent: match &self.intent {
                Some(intent) => Some(paper_id(intent)?),
                None => None,
            },
            what: self.what,
            currency: self.currency,
            minor: i128::from(self.in_minor) - i128::from(self.out_minor),
        })
    }
}

fn paper_id(text: &str) -> Option<PaperId> {
    let digits = text.as_bytes().chunks_exact(2).filter(|_| text.len() == 64);
    let bytes = digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    let bytes: Vec<u8> = bytes.collect::<Option<_>>()?;
    bytes.try_into().ok().map(PaperId)
}

fn odd(what: &str) -> NotOrdered {
    NotOrdered::Failed(format!("the issuer's statement: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn movement(receipt: u8, what: &str, minor: i128) -> Movement {
        let currency = "CNY".to_owned();
        Movement { receipt: PaperId([receipt; 32]), intent: None, what: what.to_owned(), currency, minor }
    }

    #[test]
    fn what_differs_is_named() {
        let day = Day::read("2026-11-22").unwrap();
        let stated = vec![
            movement(1, "settled", 100),
            movement(2, "captured", 200),
            movement(3, "settled", 300),
            movement(4, "paid-out", -50),
            movement(5, "set-apart", -10),
        ];
        let kept = vec![movement(1, "settled", 100), movement(2, "captured", 201), movement(6, "refunded", -1)];
        let reconciled = compare(day, stated.clone(), kept, Value::Null);
        let names: Vec<&str> = reconciled.differences.iter().map(Difference::name).collect();
        assert_eq!(names, ["other", "not-redeemed", "not-kept", "disputed", "not-stated"]);
        assert_eq!((reconciled.agreed, reconciled.lines, reconciled.is_equal()), (1, 5, false));
        let equal = compare(day, stated.clone(), stated, Value::Null);
        assert!(equal.is_equal() && equal.agreed == 5);
    }
}
