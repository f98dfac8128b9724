//! What moved a merchant's money, out of the store. [STM-1]

use purser_protocol::id::{PaperId, PartyId, ShortText};
use purser_protocol::ledger::event::{Event, Paid};
use purser_protocol::ledger::past::Told;
use purser_protocol::money::Currency;
use serde_json::{Value, json};

use crate::lookup;
use crate::store::place::exact;
use crate::store::{KeptEntry, Reader, StoreError};

/// Decisions that are read at once.
const STEP: usize = 1_024;
/// By how much the issuer's clock may have been set back: decisions are found by their seconds, which then do not only
/// grow.
const SET_BACK_SECONDS: u64 = 3_600;

/// A movement of a merchant's money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When it was decided, in Unix seconds.
    pub at_seconds: u64,
    /// What it was.
    pub what: &'static str,
    /// At which account of the merchant's.
    pub account: ShortText,
    /// In which currency.
    pub currency: Currency,
    /// What came in, in minor units.
    pub in_minor: u64,
    /// What went out, in minor units.
    pub out_minor: u64,
    /// The paper that was answered.
    pub command: PaperId,
    /// The id of the receipt.
    pub receipt: PaperId,
    /// The payment; none of a payout.
    pub intent: Option<PaperId>,
}

impl Line {
    /// As a document has it, under its number.
    pub fn shown(&self, number: u64) -> Value {
        let mut shown = json!({
            "n": number,
            "at": self.at_seconds,
            "what": self.what,
            "account": self.account.as_str(),
            "currency": self.currency.code(),
            "command": self.command.to_string(),
            "receipt": self.receipt.to_string(),
        });
        let (way, minor) = if self.out_minor > 0 { ("out_minor", self.out_minor) } else { ("in_minor", self.in_minor) };
        shown[way] = minor.into();
        if let Some(intent) = self.intent {
            shown["intent"] = intent.to_string().into();
        }
        shown
    }
}

/// What moved a merchant's money from a second to just before another, in the order of the decisions.
pub fn moved(
    reader: &mut dyn Reader,
    merchant: &PartyId,
    from_seconds: u64,
    until_seconds: u64,
) -> Result<Vec<Line>, StoreError> {
    let mut sequence = first_since(reader, from_seconds.saturating_sub(SET_BACK_SECONDS))?;
    let mut lines = Vec::new();
    loop {
        let entries = reader.after(sequence, STEP)?;
        let Some((last_at, last)) = entries.last() else { return Ok(lines) };
        let is_over = *last_at >= until_seconds.saturating_add(SET_BACK_SECONDS);
        sequence = last.sequence;
        for (at, entry) in &entries {
            if (from_seconds..until_seconds).contains(at) {
                lines.extend(line(reader, merchant, *at, entry)?);
            }
        }
        if is_over {
            return Ok(lines);
        }
    }
}

/// The place of the last decision before a second.
fn first_since(reader: &mut dyn Reader, seconds: u64) -> Result<u64, StoreError> {
    let (mut before, mut not_before) = (0, reader.last()?);
    while before < not_before {
        let middle = before + (not_before - before) / 2;
        match reader.after(middle, 1)?.first() {
            Some((at, entry)) if *at < seconds => before = entry.sequence,
            _ => not_before = middle,
        }
    }
    Ok(before)
}

fn line(
    reader: &mut dyn Reader,
    merchant: &PartyId,
    at_seconds: u64,
    entry: &KeptEntry,
) -> Result<Option<Line>, StoreError> {
    let event = Event::read_kept(&entry.event).map_err(|fault| StoreError::Damaged(fault.to_string()))?;
    let Some(moved) = movement(reader, &event)?.filter(|moved| moved.merchant == *merchant) else { return Ok(None) };
    let Movement { what, account, currency, in_minor, out_minor, .. } = moved;
    Ok((in_minor != out_minor).then_some(Line {
        at_seconds,
        what,
        account,
        currency,
        in_minor: in_minor.saturating_sub(out_minor),
        out_minor: out_minor.saturating_sub(in_minor),
        command: PaperId(exact(&entry.command)?),
        receipt: PaperId(exact(&entry.receipt)?),
        intent: event.payment(),
    }))
}

struct Movement {
    merchant: PartyId,
    what: &'static str,
    account: ShortText,
    currency: Currency,
    in_minor: u64,
    out_minor: u64,
}

impl Movement {
    fn of(paid: &Paid, what: &'static str, in_minor: u64, out_minor: u64) -> Self {
        let (merchant, account) = (paid.merchant.clone(), paid.payee.clone());
        Self { merchant, what, account, currency: paid.currency, in_minor, out_minor }
    }
}

/// What a decision did with a merchant's money.
fn movement(reader: &mut dyn Reader, event: &Event) -> Result<Option<Movement>, StoreError> {
    Ok(match event {
        Event::Paid(paid) if paid.hold_until.0.is_none() => Some(Movement::of(paid, "settled", paid.amount.minor(), 0)),
        Event::Captured(captured) => {
            let told = lookup::told(reader, &captured.intent)?;
            Some(Movement::of(paid(&told)?, "captured", captured.amount.minor(), 0))
        }
        Event::Claimed(claimed) => {
            let told = lookup::told(reader, &claimed.captured.intent)?;
            Some(Movement::of(paid(&told)?, "captured", claimed.captured.amount.minor(), 0))
        }
        Event::Refunded(refunded) => {
            let told = lookup::told(reader, &refunded.intent)?;
            Some(Movement::of(paid(&told)?, "refunded", 0, refunded.amount.minor()))
        }
        Event::PaidOut(out) => {
            let (merchant, account) = (out.merchant.clone(), out.payee.clone());
            let (currency, out_minor) = (out.currency, out.amount.minor());
            Some(Movement { merchant, what: "paid-out", account, currency, in_minor: 0, out_minor })
        }
        Event::Disputed(disputed) => Some(Movement::of(&disputed.late.paid, "set-apart", 0, disputed.apart_minor)),
        Event::Ruled(ruled) => {
            let told = lookup::told(reader, &ruled.intent)?;
            let apart = told.iter().find_map(|(event, _)| match event {
                Event::Disputed(disputed) => Some(disputed.apart_minor),
                _ => None,
            });
            Some(Movement::of(paid(&told)?, "ruled", apart.unwrap_or_default(), ruled.given_minor))
        }
        _ => None,
    })
}

/// How a payment was made.
fn paid(told: &Told) -> Result<&Paid, StoreError> {
    let made = told.iter().find_map(|(event, _)| match event {
        Event::Paid(paid) => Some(paid),
        Event::MeteredPaid(metered) => Some(&metered.paid),
        _ => None,
    });
    made.ok_or_else(|| StoreError::Damaged("what moves money of a payment comes before it".into()))
}
