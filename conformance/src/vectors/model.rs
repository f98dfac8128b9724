//! What `state.get` must say, reckoned beside the messages: sums on paper, and no decisions.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::hex;

/// Sums by their owners.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    accounts: BTreeMap<([u8; 16], &'static str), [u64; 2]>,
    merchants: BTreeMap<(&'static str, &'static str), u64>,
    mandates: BTreeMap<[u8; 32], Mandate>,
    lineages: BTreeMap<Vec<u8>, Lineage>,
    payments: BTreeMap<[u8; 32], Payment>,
}

#[derive(Clone, Debug)]
struct Mandate {
    lineage: Vec<u8>,
    standing: &'static str,
}

#[derive(Clone, Debug, Default)]
struct Lineage {
    spent: u64,
    held: u64,
    funded: Option<u64>,
    payments: u64,
}

/// A payment, as the model must know it.
#[derive(Clone, Debug)]
pub(super) struct Payment {
    pub(super) account: [u8; 16],
    pub(super) currency: &'static str,
    pub(super) merchant: &'static str,
    pub(super) amount: u64,
    /// The lineages of its chain, from the root on.
    pub(super) lineages: Vec<Vec<u8>>,
    /// Whether refunds give their amounts back to the mandates.
    pub(super) returns: bool,
    pub(super) state: &'static str,
    pub(super) captured: u64,
    pub(super) refunded: u64,
}

impl Model {
    pub(super) fn deposit(&mut self, account: [u8; 16], currency: &'static str, minor: u64) {
        self.accounts.entry((account, currency)).or_default()[0] += minor;
    }

    /// A mandate stands; the version before does not any more.
    pub(super) fn register(&mut self, id: [u8; 32], lineage: Vec<u8>) {
        for known in self.mandates.values_mut().filter(|known| known.lineage == lineage) {
            known.standing = "replaced";
        }
        self.lineages.entry(lineage.clone()).or_default();
        self.mandates.insert(id, Mandate { lineage, standing: "active" });
    }

    /// Money moves from an account into an envelope, or out of it where the sum is less than before.
    pub(super) fn fund(&mut self, account: [u8; 16], currency: &'static str, lineage: &[u8], free: Option<u64>) {
        let Some(known) = self.lineages.get_mut(lineage) else { return };
        let before = known.funded.unwrap_or_default();
        known.funded = free;
        let sum = self.accounts.entry((account, currency)).or_default();
        sum[0] = sum[0] + before - free.unwrap_or_default();
    }

    pub(super) fn stand(&mut self, id: [u8; 32], standing: &'static str) {
        if let Some(mandate) = self.mandates.get_mut(&id) {
            mandate.standing = standing;
        }
    }

    /// Money is held, or moved at once.
    pub(super) fn pay(&mut self, id: [u8; 32], payment: Payment) {
        let amount = payment.amount;
        let settled = payment.state == "settled";
        self.take(&payment, amount);
        for lineage in &payment.lineages {
            let lineage = self.lineages.entry(lineage.clone()).or_default();
            lineage.payments += 1;
            if settled {
                lineage.spent += amount;
            } else {
                lineage.held += amount;
            }
        }
        if settled {
            *self.merchants.entry((payment.merchant, payment.currency)).or_default() += amount;
        } else {
            self.accounts.entry((payment.account, payment.currency)).or_default()[1] += amount;
        }
        let captured = if settled { amount } else { 0 };
        self.payments.insert(id, Payment { captured, ..payment });
    }

    /// Something is decided that moves nothing.
    pub(super) fn close(&mut self, id: [u8; 32], state: &'static str) {
        let nothing = Payment {
            account: [0; 16],
            currency: "",
            merchant: "",
            amount: 0,
            lineages: Vec::new(),
            returns: false,
            state,
            captured: 0,
            refunded: 0,
        };
        self.payments.insert(id, nothing);
    }

    pub(super) fn capture(&mut self, id: [u8; 32], minor: u64, last: bool) {
        let Some(mut payment) = self.payments.get(&id).cloned() else { return };
        payment.captured += minor;
        self.unhold(&payment, minor);
        for lineage in &payment.lineages {
            self.lineages.entry(lineage.clone()).or_default().spent += minor;
        }
        *self.merchants.entry((payment.merchant, payment.currency)).or_default() += minor;
        let rest = payment.amount - payment.captured;
        if last || rest == 0 {
            payment.state = "captured";
            self.unhold(&payment, rest);
            self.give(&payment, rest);
        }
        self.payments.insert(id, payment);
    }

    /// What is held goes back.
    pub(super) fn release(&mut self, id: [u8; 32], state: &'static str) {
        let Some(mut payment) = self.payments.get(&id).cloned() else { return };
        let rest = payment.amount - payment.captured;
        self.unhold(&payment, rest);
        self.give(&payment, rest);
        payment.state = state;
        self.payments.insert(id, payment);
    }

    pub(super) fn refund(&mut self, id: [u8; 32], minor: u64) {
        let Some(mut payment) = self.payments.get(&id).cloned() else { return };
        payment.refunded += minor;
        *self.merchants.entry((payment.merchant, payment.currency)).or_default() -= minor;
        self.give(&payment, minor);
        for lineage in payment.lineages.iter().filter(|_| payment.returns) {
            self.lineages.entry(lineage.clone()).or_default().spent -= minor;
        }
        self.payments.insert(id, payment);
    }

    /// A merchant's money goes outside.
    pub(super) fn pay_out(&mut self, merchant: &'static str, currency: &'static str, minor: u64) {
        *self.merchants.entry((merchant, currency)).or_default() -= minor;
    }

    fn unhold(&mut self, payment: &Payment, minor: u64) {
        self.accounts.entry((payment.account, payment.currency)).or_default()[1] -= minor;
        for lineage in &payment.lineages {
            self.lineages.entry(lineage.clone()).or_default().held -= minor;
        }
    }

    /// From the envelope of the root, or from the account.
    fn take(&mut self, payment: &Payment, minor: u64) {
        let root = payment.lineages.first().and_then(|root| self.lineages.get_mut(root));
        match root.and_then(|root| root.funded.as_mut()) {
            Some(free) => *free -= minor,
            None => self.accounts.entry((payment.account, payment.currency)).or_default()[0] -= minor,
        }
    }

    fn give(&mut self, payment: &Payment, minor: u64) {
        let root = payment.lineages.first().and_then(|root| self.lineages.get_mut(root));
        match root.and_then(|root| root.funded.as_mut()) {
            Some(free) => *free += minor,
            None => self.accounts.entry((payment.account, payment.currency)).or_default()[0] += minor,
        }
    }

    /// The value of `state.get`, without what is zero.
    pub(super) fn value(&self) -> Value {
        let accounts = self.accounts.iter().filter(|(_, sums)| **sums != [0, 0]);
        let accounts = accounts.map(|((account, currency), [available, held])| {
            let names = [("account", hex(account)), ("currency", (*currency).to_owned())];
            entry(names, [("available_minor", *available), ("held_minor", *held)])
        });
        let merchants = self.merchants.iter().filter(|(_, minor)| **minor > 0).map(|((party, currency), minor)| {
            entry([("party", (*party).to_owned()), ("currency", (*currency).to_owned())], [("minor", *minor)])
        });
        let mandates = self.mandates.iter().map(|(id, mandate)| {
            let lineage = self.lineages.get(&mandate.lineage).cloned().unwrap_or_default();
            let sums = [
                ("spent_minor", lineage.spent),
                ("held_minor", lineage.held),
                ("funded_minor", lineage.funded.unwrap_or_default()),
            ];
            let mut value = entry([("mandate", hex(id)), ("standing", mandate.standing.to_owned())], sums);
            if lineage.payments > 0 {
                value["payments"] = json!(lineage.payments);
            }
            value
        });
        let payments = self.payments.iter().map(|(id, payment)| {
            let sums = [
                ("amount_minor", payment.amount),
                ("captured_minor", payment.captured),
                ("refunded_minor", payment.refunded),
            ];
            entry([("intent", hex(id)), ("state", payment.state.to_owned())], sums)
        });
        json!({
            "accounts": accounts.collect::<Vec<_>>(),
            "merchants": merchants.collect::<Vec<_>>(),
            "mandates": mandates.collect::<Vec<_>>(),
            "payments": payments.collect::<Vec<_>>(),
        })
    }
}

fn entry<const N: usize>(names: [(&str, String); 2], sums: [(&str, u64); N]) -> Value {
    let names = names.into_iter().map(|(name, text)| (name.to_owned(), json!(text)));
    let sums = sums.into_iter().filter(|(_, minor)| *minor > 0);
    let sums = sums.map(|(name, minor)| (name.to_owned(), json!(minor.to_string())));
    Value::Object(names.chain(sums).collect::<Map<_, _>>())
}
