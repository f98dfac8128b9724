//! An open mandate of payment, said in rules of Purser: what the ledger of an issuer keeps.
//!
//! Nothing is left out and nothing rounded up. What has no rule is refused by its name; where AP2's words have two
//! readings, the rules keep both.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use purser_protocol::code::Code;
use purser_protocol::field::{List, Set};
use purser_protocol::id::{AccountId, PartyId};
use purser_protocol::limits::MANDATE_SECONDS_MAX;
use purser_protocol::money::{Amount, Currency};
use purser_protocol::paper::mandate::Mode;
use purser_protocol::paper::rules::{Fields, PeriodCount, Rules};
use purser_protocol::period::{Period, RollingSeconds, Unit, Zone};
use purser_protocol::sign::PublicKey;
use purser_protocol::time::{UnixSeconds, Window};

use crate::mandate::{Constraint, Instrument, Merchant, Open};
use crate::refusal::Refusal;

type Result<T> = std::result::Result<T, Refusal>;

const DAY: u32 = 86_400;

/// The account that a mandate is to be paid from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account(pub AccountId);

/// What an open mandate comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// Who may spend.
    pub agent: PublicKey,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// When it holds.
    pub window: Window,
    /// A quota where the person gave a budget; else conditional, with one grant.
    pub mode: Mode,
    /// The caps of the quota, or the one grant.
    pub rules: Rules,
    /// The hash of the open checkout mandate that every payment must be for.
    pub reference: Option<Box<str>>,
}

/// Says an open mandate of payment in rules; `account` is the one to pay from. [BRG-20]
pub fn terms(open: &Open, account: Account) -> Result<Terms> {
    let unmapped = |name: &str| Refusal::of(Code::BridgeUnmapped, name);
    if !open.is_payment {
        return Err(unmapped("mandate.checkout.open.1"));
    }
    let mut rules = Fields::default();
    let mut currencies = BTreeSet::new();
    let mut merchants: Option<BTreeSet<PartyId>> = None;
    let (mut budget, mut recurrence, mut reference) = (false, None, None);
    let end = open.expires_at.ok_or_else(|| unmapped("exp"))?;
    // Whoever reads it later must come to the same beginning.
    let begin = open.issued_at.ok_or_else(|| unmapped("iat"))?;
    let (mut from, mut until) = (begin, end);
    for constraint in &open.constraints {
        match constraint {
            Constraint::AmountRange(least, most) => {
                currencies.insert(most.currency);
                rules.amount_max = Some(most.amount);
                rules.amount_min = Amount::from_minor(*least);
            }
            Constraint::Budget(sum) => {
                currencies.insert(sum.currency);
                rules.total = Some(sum.amount);
                budget = true;
            }
            Constraint::Recurrence(often, most) => recurrence = Some((&**often, *most)),
            Constraint::Merchants(known) => narrow(&mut merchants, known)?,
            Constraint::Instruments(known) => {
                if !known.iter().any(|one| is_account(one, account)) {
                    return Err(unmapped("payment.allowed_payment_instruments"));
                }
            }
            Constraint::Execution(lower, upper) => {
                from = from.max(lower.map_or(0, |at| at.ceil));
                until = until.min(upper.map_or(u64::MAX, |at| at.floor));
            }
            Constraint::Reference(hash) => reference = Some(hash.clone()),
            // There is nobody between the account and the issuer who could be named.
            Constraint::Pisps(_) => return Err(unmapped("payment.allowed_pisps")),
            Constraint::Items(_) => return Err(unmapped("checkout.line_items")),
        }
    }
    preset(open, account, &mut rules, &mut currencies, &mut merchants)?;
    recur(recurrence, budget, &mut rules)?;
    if let Some(merchants) = merchants {
        let set = (!merchants.is_empty()).then(|| Set::new(merchants.into_iter().collect())).flatten();
        rules.merchants_allow = Some(set.ok_or_else(|| unmapped("payee"))?);
    }
    // A mandate has one currency, and says which.
    let mut currencies = currencies.into_iter();
    let (Some(currency), None) = (currencies.next(), currencies.next()) else { return Err(unmapped("currency")) };
    let window = UnixSeconds::new(from).zip(UnixSeconds::new(until)).and_then(|(from, until)| Window::new(from, until));
    let window = window.filter(|window| window.seconds() <= MANDATE_SECONDS_MAX).ok_or_else(|| unmapped("exp"))?;
    let mode = if budget { Mode::Quota } else { Mode::Conditional };
    let rules = Rules::new(rules).ok_or_else(|| unmapped("constraints"))?;
    Ok(Terms { agent: open.agent, currency, window, mode, rules, reference })
}

/// What a closed mandate must repeat is a limit like any other.
fn preset(
    open: &Open,
    account: Account,
    rules: &mut Fields,
    currencies: &mut BTreeSet<Currency>,
    merchants: &mut Option<BTreeSet<PartyId>>,
) -> Result<()> {
    let unmapped = |name: &str| Refusal::of(Code::BridgeUnmapped, name);
    if let Some(payee) = &open.preset.payee {
        narrow(merchants, std::slice::from_ref(payee))?;
    }
    if let Some(money) = open.preset.amount {
        currencies.insert(money.currency);
        let above = rules.amount_max.is_some_and(|most| most < money.amount);
        if above || rules.amount_min.is_some_and(|least| least > money.amount) {
            return Err(unmapped("payment_amount"));
        }
        (rules.amount_min, rules.amount_max) = (Some(money.amount), Some(money.amount));
    }
    if open.preset.instrument.as_ref().is_some_and(|one| !is_account(one, account)) {
        return Err(unmapped("payment_instrument"));
    }
    match (&open.preset.pisp, &open.preset.execution) {
        (Some(_), _) => Err(unmapped("pisp")),
        (None, Some(_)) => Err(unmapped("execution_date")),
        (None, None) => Ok(()),
    }
}

/// How many payments: one, where the person did not say that it may recur. A period of the calendar or any period of
/// that length: AP2 says not which, and so both hold. [BRG-21]
fn recur(recurrence: Option<(&str, Option<u32>)>, budget: bool, rules: &mut Fields) -> Result<()> {
    let unmapped = || Refusal::of(Code::BridgeUnmapped, "payment.agent_recurrence");
    let Some((often, most)) = recurrence else {
        rules.count = Some(NonZeroU32::MIN);
        return Ok(());
    };
    // Payments without end need a sum.
    if !budget && most.is_none() {
        return Err(unmapped());
    }
    rules.count = most.and_then(NonZeroU32::new);
    let (calendar, days) = match often {
        "ON_DEMAND" => return Ok(()),
        "DAILY" => (None, 1),
        "WEEKLY" => (None, 7),
        "BIWEEKLY" => (None, 14),
        "MONTHLY" => (Some(Unit::Month), 28),
        "QUARTERLY" => (None, 92),
        "ANNUALLY" => (Some(Unit::Year), 365),
        _ => return Err(unmapped()),
    };
    let mut periods = Vec::new();
    if let Some(unit) = calendar {
        let zone = Zone::new("UTC").ok_or_else(unmapped)?;
        periods.push(Period::Calendar { unit, zone });
    }
    periods.push(Period::Rolling(RollingSeconds::new(days * DAY).ok_or_else(unmapped)?));
    let counts = periods.into_iter().map(|period| PeriodCount { count: NonZeroU32::MIN, period });
    rules.count_per = Some(List::new(counts.collect()).ok_or_else(unmapped)?);
    Ok(())
}

fn narrow(merchants: &mut Option<BTreeSet<PartyId>>, known: &[Merchant]) -> Result<()> {
    let named: BTreeSet<PartyId> = known.iter().map(party).collect::<Result<_>>()?;
    *merchants = Some(match merchants.take() {
        None => named,
        Some(before) => before.intersection(&named).cloned().collect(),
    });
    Ok(())
}

/// The party that a merchant of AP2 is: by its id, where that is a party id with a dot, or by the host of its
/// website; where it has both, they are one. [BRG-22]
pub(crate) fn party(merchant: &Merchant) -> Result<PartyId> {
    let unmapped = || Refusal::of(Code::BridgeUnmapped, merchant.id.clone());
    let dotted = |name: &str| PartyId::new(name).filter(|_| name.contains('.'));
    let by_id = dotted(&merchant.id);
    let by_host = match &merchant.website {
        None => None,
        Some(website) => {
            let rest = website.strip_prefix("https://").ok_or_else(unmapped)?;
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            Some(dotted(host).ok_or_else(unmapped)?)
        }
    };
    match (by_id, by_host) {
        (Some(id), Some(host)) if id != host => Err(unmapped()),
        (Some(party), _) | (None, Some(party)) => Ok(party),
        (None, None) => Err(unmapped()),
    }
}

/// Whether an instrument is the account: of the type `purser`, with the account's number in hexadecimal as its id.
pub(crate) fn is_account(instrument: &Instrument, account: Account) -> bool {
    instrument.text("type") == Some("purser") && instrument.text("id") == Some(&account.0.to_string())
}
