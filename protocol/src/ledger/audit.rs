//! What must be true of every state, whatever came before.

use std::collections::HashSet;

use super::books::Purse;
use super::state::{Hold, Payment, State};
use crate::id::PaperId;
use crate::money::Currency;

/// A sentence that should be true and is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding(pub String);

/// Checks the books against the payments and the limits. Nothing found means that all of it holds.
pub fn audit(state: &State) -> Vec<Finding> {
    let mut findings = Vec::new();
    balance(state, &mut findings);
    holds(state, &mut findings);
    limits(state, &mut findings);
    findings
}

/// Debits equal credits: what came in from outside is what all purses hold.
fn balance(state: &State, findings: &mut Vec<Finding>) {
    let currencies: HashSet<Currency> = state.books.iter().map(|(_, currency, _)| currency).collect();
    for currency in currencies {
        let (held, given) = (state.books.held(currency), u128::from(state.books.given(currency)));
        if held != given {
            findings.push(Finding(format!("{currency}: purses hold {held}, {given} came in")));
        }
    }
}

/// Every hold's purse holds what its payment says, and no purse is without a payment.
fn holds(state: &State, findings: &mut Vec<Finding>) {
    for (intent, payment) in &state.payments {
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
    let orphan = |purse: &Purse| match purse {
        Purse::Hold(intent) => !matches!(state.payments.get(intent), Some(Payment::Made(_))),
        _ => false,
    };
    let orphans = state.books.iter().filter(|(purse, _, _)| orphan(purse));
    findings.extend(orphans.map(|(purse, _, minor)| Finding(format!("{purse:?} holds {minor} for no payment"))));
}

/// No lineage is past the total or the count of its latest mandate, counted afresh from the payments.
fn limits(state: &State, findings: &mut Vec<Finding>) {
    for ((account, lineage), record) in &state.lineages {
        let Some(latest) = state.mandates.get(&record.latest) else {
            findings.push(Finding(format!("lineage {lineage}: its mandate is missing")));
            continue;
        };
        let Some(caps) = &latest.mandate.caps else { continue };
        let (mut spent, mut payments, mut since) = (0_u64, 0_u64, false);
        for payment in state.payments.values() {
            let Payment::Made(made) = payment else { continue };
            let Some(link) = made.links.iter().find(|(_, of, _)| of == lineage).filter(|_| made.account == *account) else {
                continue;
            };
            let returned = if returns(state, &link.0) { made.refunded_minor } else { 0 };
            let counts = (made.captured_minor + made.held_minor()).saturating_sub(returned);
            spent += counts;
            payments += 1;
            since |= link.0 == record.latest;
        }
        // A re-limit may have set a limit below what was spent before it; then nothing was spent since.
        let over_total = caps.total.is_some_and(|total| spent > total.minor());
        let over_count = caps.count.is_some_and(|count| payments > u64::from(count.get()));
        if since && (over_total || over_count) {
            findings.push(Finding(format!("lineage {lineage}: {spent} in {payments} payments pass its limits")));
        }
    }
}

fn returns(state: &State, mandate: &PaperId) -> bool {
    state.mandates.get(mandate).is_some_and(|record| record.mandate.refund_returns.is_some())
}
