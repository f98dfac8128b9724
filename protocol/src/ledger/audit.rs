//! What must be true of every state, whatever came before.

use std::collections::HashMap;

use super::books::Purse;
use super::past::Past;
use super::state::{Hold, Lineage, LineageKey, Made, MandateRecord, Payment, State, TAKEN_SECONDS};
use crate::id::{AccountId, PaperId};
use crate::time::UnixSeconds;

/// A sentence that should be true and is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding(pub String);

/// Checks the books, the counters and the limits against all payments that there ever were: those of the state, and
/// those that hold nothing any more. Nothing found means that all of it holds.
pub fn audit(state: &State, past: &Past) -> Vec<Finding> {
    let mut findings = Vec::new();
    let all = || state.payments.iter().chain(&past.payments);
    balance(state, &mut findings);
    holds(state, past, &mut findings);
    disputes(state, &mut findings);
    offers(state, all(), &mut findings);
    let payments = by_lineage(state, all());
    for (key, lineage) in &state.lineages {
        let Some(latest) = state.mandates.get(&lineage.latest) else {
            findings.push(Finding(format!("lineage {}: its mandate is missing", key.1)));
            continue;
        };
        let named = payments.get(key);
        let made = named.map(|named| named.made.as_slice()).unwrap_or_default();
        let audited = Audited { state, key, lineage, latest, made };
        audited.counters(&mut findings);
        audited.numbers(named.map_or(0, |named| named.waiting), &mut findings);
        audited.limits(&mut findings);
        audited.envelope(&mut findings);
    }
    findings
}

/// Debits equal credits: what came in from outside is what all purses hold.
fn balance(state: &State, findings: &mut Vec<Finding>) {
    for currency in state.books.currencies() {
        let (held, given) = (state.books.held(currency), u128::from(state.books.given(currency)));
        if held != given {
            findings.push(Finding(format!("{currency}: purses hold {held}, {given} came in")));
        }
    }
}

/// Every hold's purse holds what its payment says, and no purse is without a payment. What holds nothing is not in the
/// state, and what is there holds something.
fn holds(state: &State, past: &Past, findings: &mut Vec<Finding>) {
    for (intent, payment) in state.payments.iter().chain(&past.payments) {
        let Payment::Made(made) = payment else { continue };
        let held = state.books.balance(&Purse::Hold(*intent), made.currency);
        if held != made.held_minor() {
            findings.push(Finding(format!("payment {intent}: holds {held}, should hold {}", made.held_minor())));
        }
        if made.captured_minor > made.amount.minor() || made.refunded_minor > made.captured_minor {
            findings.push(Finding(format!("payment {intent}: more captured than held, or refunded than captured")));
        }
        if made.hold == Hold::Open && made.held_minor() == 0 {
            findings.push(Finding(format!("payment {intent}: an open hold of nothing")));
        }
    }
    let open = |payment: &Payment| match payment {
        Payment::Pending(_) => true,
        Payment::Closed { .. } => false,
        Payment::Made(made) => made.hold == Hold::Open,
    };
    let astray = |(intent, payment): &(&PaperId, &Payment), here: bool| {
        (open(payment) != here).then(|| Finding(format!("payment {intent}: it is kept where it should not be")))
    };
    findings.extend(state.payments.iter().filter_map(|payment| astray(&payment, true)));
    findings.extend(past.payments.iter().filter_map(|payment| astray(&payment, false)));
    let orphan = |purse: &Purse| match purse {
        Purse::Hold(intent) => !matches!(state.payments.get(intent), Some(Payment::Made(_))),
        _ => false,
    };
    let orphans = state.books.iter().filter(|(purse, _, _)| orphan(purse));
    findings.extend(orphans.map(|(purse, _, minor)| Finding(format!("{purse:?} holds {minor} for no payment"))));
}

/// What is set apart is of a dispute that is open, which claims no more than the payment has.
fn disputes(state: &State, findings: &mut Vec<Finding>) {
    for (intent, open) in &state.disputes {
        let apart = state.books.balance(&Purse::Contested(*intent), open.made.currency);
        let left = open.made.captured_minor.saturating_sub(open.made.refunded_minor);
        if apart != open.apart_minor || apart > open.amount.minor() || open.amount.minor() > left {
            findings.push(Finding(format!("payment {intent}: {apart} is set apart, and {left} can be disputed")));
        }
    }
    let astray = state.books.iter().filter(|(purse, _, _)| match purse {
        Purse::Contested(intent) => !state.disputes.contains_key(intent),
        _ => false,
    });
    findings.extend(astray.map(|(purse, _, minor)| Finding(format!("{purse:?} holds {minor} for no dispute"))));
}

/// An account has one unrefused intent for an offer, and every one whose offer may still be open has it taken.
fn offers<'p>(state: &State, payments: impl Iterator<Item = (&'p PaperId, &'p Payment)>, findings: &mut Vec<Finding>) {
    let mut unrefused: HashMap<(AccountId, PaperId), Vec<PaperId>> = HashMap::new();
    let mut open = 0;
    for (intent, payment) in payments {
        let (offer, may_be_open) = match payment {
            Payment::Pending(asked) => (asked.offer, true),
            Payment::Made(made) => (made.offer, Some(made.decided_at.saturating_add(TAKEN_SECONDS)) > state.clock),
            Payment::Closed { .. } => continue,
        };
        let key = (payment.account(), offer);
        unrefused.entry(key).or_default().push(*intent);
        open += usize::from(may_be_open);
        if may_be_open && state.taken.get(&key) != Some(intent) {
            findings.push(Finding(format!("offer {offer}: it is not taken by payment {intent}")));
        }
    }
    for (key, intents) in unrefused.iter().filter(|(_, intents)| intents.len() > 1) {
        findings.push(Finding(format!("offer {}: {} payments of one account", key.1, intents.len())));
    }
    if state.taken.len() != open {
        findings.push(Finding("an offer is taken by no payment".into()));
    }
}

/// The payments that name a lineage: those that were made, and how many wait.
#[derive(Debug, Default)]
struct Named<'a> {
    made: Vec<&'a Made>,
    waiting: usize,
}

fn by_lineage<'a>(
    state: &State,
    payments: impl Iterator<Item = (&'a PaperId, &'a Payment)>,
) -> HashMap<LineageKey, Named<'a>> {
    let mut named: HashMap<LineageKey, Named<'a>> = HashMap::new();
    for (_, payment) in payments {
        match payment {
            Payment::Made(made) => {
                for (_, lineage, _) in &made.links {
                    named.entry((made.account, *lineage)).or_default().made.push(made);
                }
            }
            Payment::Pending(asked) => {
                for record in asked.links.iter().filter_map(|link| state.mandates.get(link)) {
                    named.entry((asked.account, record.mandate.lineage)).or_default().waiting += 1;
                }
            }
            Payment::Closed { .. } => {}
        }
    }
    named
}

/// A lineage under audit.
struct Audited<'a> {
    state: &'a State,
    key: &'a LineageKey,
    lineage: &'a Lineage,
    latest: &'a MandateRecord,
    made: &'a [&'a Made],
}

impl<'a> Audited<'a> {
    fn payments(&self) -> impl Iterator<Item = &'a Made> {
        self.made.iter().copied()
    }

    fn finds(&self, findings: &mut Vec<Finding>, what: &str) {
        findings.push(Finding(format!("lineage {}: {what}", self.key.1)));
    }

    /// What is counted is what the payments come to, as far as it can count from now on.
    fn counters(&self, findings: &mut Vec<Finding>) {
        let now = self.state.clock.unwrap_or(UnixSeconds::MIN);
        let counted = self.state.counted(&self.latest.mandate, self.payments());
        if counted.from(now) != self.lineage.counters.from(now) {
            self.finds(findings, "its counters are not those of its payments");
        }
    }

    fn numbers(&self, waiting: usize, findings: &mut Vec<Finding>) {
        let open = self.payments().filter(|made| made.hold == Hold::Open).count();
        if usize::try_from(self.lineage.holds_open) != Ok(open) {
            self.finds(findings, "another number of holds is open");
        }
        if self.lineage.pending != waiting {
            self.finds(findings, "another number of payments waits");
        }
    }

    /// The total and the count of the latest mandate's caps are not passed, counted afresh from the payments.
    fn limits(&self, findings: &mut Vec<Finding>) {
        let Some(caps) = &self.latest.mandate.caps else { return };
        let (mut spent, mut payments, mut since) = (0_u64, 0_u64, false);
        for made in self.payments() {
            let Some(link) = made.links.iter().find(|(_, lineage, _)| *lineage == self.key.1) else { continue };
            let returned = if returns(self.state, &link.0) { made.refunded_minor } else { 0 };
            spent += (made.captured_minor + made.held_minor()).saturating_sub(returned);
            payments += 1;
            since |= link.0 == self.lineage.latest;
        }
        // A re-limit may have set a limit below what was spent before it; then nothing was spent since.
        let over_total = caps.total.is_some_and(|total| spent > total.minor());
        let over_count = caps.count.is_some_and(|count| payments > u64::from(count.get()));
        if since && (over_total || over_count) {
            self.finds(findings, &format!("{spent} in {payments} payments pass its limits"));
        }
    }

    /// What was put into the envelope is in it, or was paid from it and has not come back.
    fn envelope(&self, findings: &mut Vec<Finding>) {
        let purse = Purse::Envelope(self.key.0, self.key.1);
        let free = self.state.books.balance(&purse, self.latest.mandate.currency);
        let paid = self.payments().filter(|made| {
            let root = made.links.first().is_some_and(|(_, lineage, _)| *lineage == self.key.1);
            root && made.envelope.is_some() && made.envelope == self.lineage.envelope
        });
        let paid = paid.map(|made| (made.captured_minor + made.held_minor()).saturating_sub(made.refunded_minor));
        let paid: u64 = paid.sum();
        let funded = match self.lineage.envelope {
            Some(_) => self.latest.mandate.funded.map_or(0, |funded| funded.minor()),
            None => 0,
        };
        if free + paid != funded {
            self.finds(findings, &format!("{free} free and {paid} paid of an envelope of {funded}"));
        }
    }
}

fn returns(state: &State, mandate: &PaperId) -> bool {
    state.mandates.get(mandate).is_some_and(|record| record.mandate.refund_returns.is_some())
}
