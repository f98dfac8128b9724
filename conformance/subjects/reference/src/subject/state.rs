//! `state.get`: what an issuer remembers, as `shim.md` writes it.

use std::collections::BTreeMap;

use purser_protocol::authorize::Standing;
use purser_protocol::id::PaperId;
use purser_protocol::ledger::books::Purse;
use purser_protocol::ledger::past::Past;
use purser_protocol::ledger::state::{Hold, Made, Payment, State};
use serde_json::{Map, Value, json};

/// All payments, by their ids.
type Payments<'a> = BTreeMap<&'a PaperId, &'a Payment>;

pub(super) fn show(state: &State, past: &Past, was_refused: impl Fn(&PaperId) -> bool) -> Value {
    let all: Payments<'_> = state.payments.iter().chain(&past.payments).collect();
    json!({
        "accounts": accounts(state),
        "merchants": merchants(state),
        "mandates": mandates(state, &all),
        "payments": payments(&all, was_refused),
    })
}

fn accounts(state: &State) -> Vec<Value> {
    let mut sums: BTreeMap<_, (u64, u64)> = BTreeMap::new();
    for (purse, currency, minor) in state.books.iter() {
        match purse {
            Purse::Account(account) => sums.entry((*account, currency.code())).or_default().0 += minor,
            Purse::Hold(intent) => {
                if let Some(Payment::Made(made)) = state.payments.get(intent) {
                    sums.entry((made.account, currency.code())).or_default().1 += minor;
                }
            }
            Purse::Outside | Purse::Envelope(..) | Purse::Payee(..) | Purse::Contested(_) => {}
        }
    }
    let shown = sums.into_iter().map(|((account, currency), (available, held))| {
        entry(
            [("account", json!(account.to_string())), ("currency", json!(currency))],
            [("available_minor", available), ("held_minor", held)],
        )
    });
    shown.collect()
}

fn merchants(state: &State) -> Vec<Value> {
    let mut sums: BTreeMap<_, u64> = BTreeMap::new();
    for (purse, currency, minor) in state.books.iter() {
        // What is set apart is the merchant's until a ruling says otherwise; it cannot spend it.
        let party = match purse {
            Purse::Payee(party, _) => Some(party),
            Purse::Contested(intent) => state.disputes.get(intent).map(|open| &open.made.merchant),
            Purse::Outside | Purse::Account(_) | Purse::Envelope(..) | Purse::Hold(_) => None,
        };
        if let Some(party) = party {
            *sums.entry((party.as_str().to_owned(), currency.code())).or_default() += minor;
        }
    }
    let shown = sums.into_iter().map(|((party, currency), minor)| {
        entry([("party", json!(party)), ("currency", json!(currency))], [("minor", minor)])
    });
    shown.collect()
}

fn mandates(state: &State, payments: &Payments<'_>) -> Vec<Value> {
    let sorted: BTreeMap<_, _> = state.mandates.iter().collect();
    let shown = sorted.into_iter().map(|(id, record)| {
        let key = (record.mandate.account, record.mandate.lineage);
        let made = payments.values().filter_map(|payment| match payment {
            Payment::Made(made) if made.account == key.0 => Some(made.as_ref()),
            _ => None,
        });
        let made: Vec<&Made> = made.filter(|made| made.links.iter().any(|(_, lineage, _)| *lineage == key.1)).collect();
        let returned = |made: &Made| {
            let link = made.links.iter().find(|(_, lineage, _)| *lineage == key.1);
            let returns =
                link.and_then(|(id, _, _)| state.mandates.get(id)).is_some_and(|r| r.mandate.refund_returns.is_some());
            if returns { made.refunded_minor } else { 0 }
        };
        let standing = match state.standing(id, record) {
            Standing::Active => "active",
            Standing::Suspended => "suspended",
            Standing::Revoked => "revoked",
            Standing::Superseded => "replaced",
        };
        let envelope = state.books.balance(&Purse::Envelope(key.0, key.1), record.mandate.currency);
        entry(
            [("mandate", json!(id.to_string())), ("standing", json!(standing))],
            [
                ("spent_minor", made.iter().map(|made| made.captured_minor.saturating_sub(returned(made))).sum()),
                ("held_minor", made.iter().map(|made| made.held_minor()).sum()),
                ("funded_minor", envelope),
            ],
        )
        .with_count("payments", made.len())
    });
    shown.collect()
}

fn payments(payments: &Payments<'_>, was_refused: impl Fn(&PaperId) -> bool) -> Vec<Value> {
    let shown = payments.iter().map(|(id, payment)| {
        let (said, amounts) = match payment {
            Payment::Pending(_) => ("pending", [0; 3]),
            Payment::Closed { .. } if was_refused(id) => ("refused", [0; 3]),
            Payment::Closed { .. } => ("cancelled", [0; 3]),
            Payment::Made(made) => {
                let said = match (made.hold, made.hold_until) {
                    (Hold::Open, _) => "held",
                    (Hold::Captured, None) => "settled",
                    (Hold::Captured, Some(_)) => "captured",
                    (Hold::Voided, _) => "voided",
                    (Hold::Expired, _) => "expired",
                };
                (said, [made.amount.minor(), made.captured_minor, made.refunded_minor])
            }
        };
        let [amount, captured, refunded] = amounts;
        entry(
            [("intent", json!(id.to_string())), ("state", json!(said))],
            [("amount_minor", amount), ("captured_minor", captured), ("refunded_minor", refunded)],
        )
    });
    shown.collect()
}

/// An object; amounts that are zero are left out.
fn entry<const N: usize>(members: [(&str, Value); 2], amounts: [(&str, u64); N]) -> Value {
    let mut entry: Map<String, Value> = members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    for (name, minor) in amounts.into_iter().filter(|(_, minor)| *minor > 0) {
        entry.insert(name.to_owned(), json!(minor.to_string()));
    }
    Value::Object(entry)
}

trait WithCount {
    fn with_count(self, name: &str, count: usize) -> Self;
}

impl WithCount for Value {
    fn with_count(mut self, name: &str, count: usize) -> Self {
        if count > 0 {
            self[name] = json!(count);
        }
        self
    }
}
