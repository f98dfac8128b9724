//! How an event changes the state. It decides nothing: what cannot be applied was not decided here.

use std::fmt;

use super::books::Purse;
use super::event::{Event, MandatesChanged, Paid, Registered};
use super::state::{Due, Hold, Lineage, Made, MandateRecord, Payment, State};
use crate::authorize::counter::Counters;
use crate::id::{AccountId, LineageId, PaperId};
use crate::money::{Amount, Currency};
use crate::paper::mandate::{Holder, Mandate};
use crate::paper::rules::Rules;
use crate::sign::Paper;
use crate::time::UnixSeconds;
use crate::wire::Reader;

/// An event does not fit the state: the store is damaged, or the program is wrong. Nothing more may be
/// decided on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken(pub &'static str);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the ledger's events do not fit each other: {}", self.0)
    }
}

impl std::error::Error for Broken {}

impl State {
    /// Applies what was decided at `at` in answer to `command`.
    pub fn apply(&mut self, event: &Event, command: Option<PaperId>, at: UnixSeconds) -> Result<(), Broken> {
        self.clock = self.clock.max(Some(at));
        self.commands.extend(command);
        match event {
            Event::Enrolled(enrolled) => {
                let account = self.accounts.entry(enrolled.account).or_default();
                account.keys.insert(enrolled.key.id(), (enrolled.key, enrolled.expires_at));
                self.keys.insert(enrolled.key.id(), enrolled.key);
                Ok(())
            }
            Event::Deposited(deposited) => {
                let to = Purse::Account(deposited.account);
                self.transfer(&Purse::Outside, &to, deposited.currency, deposited.amount.minor())
            }
            Event::Registered(registered) => self.register(registered, at),
            Event::Paid(paid) => self.pay(paid, at),
            Event::Asked(asked) => {
                self.due.insert((asked.answer_by, Due::Answer(asked.intent)));
                self.taken.insert((asked.account, asked.offer), asked.intent);
                self.count_pending(asked.account, &asked.links, 1);
                self.payments.insert(asked.intent, Payment::Pending(asked.clone()));
                Ok(())
            }
            Event::Refused(closed) | Event::Cancelled(closed) => {
                self.wait_no_more(closed.intent);
                self.payments.insert(closed.intent, Payment::Closed { mandate: closed.mandate });
                Ok(())
            }
            Event::Captured(captured) => {
                let made = self.made(captured.intent)?;
                made.captured_minor += captured.amount.minor();
                let (payee, currency) = (Purse::Payee(made.merchant.clone(), made.payee.clone()), made.currency);
                self.transfer(&Purse::Hold(captured.intent), &payee, currency, captured.amount.minor())?;
                if captured.last == 1 { self.release(captured.intent, Hold::Captured) } else { Ok(()) }
            }
            Event::Voided(intent) => self.release(*intent, Hold::Voided),
            Event::HoldExpired(intent) => self.release(*intent, Hold::Expired),
            Event::Refunded(refunded) => {
                let made = self.made(refunded.intent)?;
                made.refunded_minor += refunded.amount.minor();
                let made = made.clone();
                let (payee, to) = (Purse::Payee(made.merchant.clone(), made.payee.clone()), self.source(&made));
                self.transfer(&payee, &to, made.currency, refunded.amount.minor())?;
                self.give_back(&made, refunded.amount.minor(), Back::Refunded);
                Ok(())
            }
            Event::Suspended(changed) => {
                self.each(changed, |lineage| lineage.suspensions.push((changed.by, changed.level)))
            }
            Event::Resumed(changed) => {
                self.each(changed, |lineage| lineage.suspensions.retain(|(suspension, _)| *suspension != changed.by))
            }
            Event::Revoked(changed) => {
                self.each(changed, |lineage| lineage.revoked = true)?;
                changed.mandates.iter().try_for_each(|mandate| self.close_envelope(mandate))
            }
            Event::EnvelopeClosed(mandate) => self.close_envelope(mandate),
            Event::CommandRefused(_) => Ok(()),
        }
    }

    fn register(&mut self, registered: &Registered, at: UnixSeconds) -> Result<(), Broken> {
        let payload = &registered.payload.0;
        let mandate = Mandate::decode(&mut Reader::new(payload)).map_err(|_| Broken("a mandate cannot be read"))?;
        let (account, lineage_id) = (mandate.account, mandate.lineage);
        // Counters carry over: they are what the lineage's payments come to under the new rules. [MAN-22]
        let counters = self.counted(&mandate);
        let lineage = self.lineages.entry((account, lineage_id)).or_insert_with(|| Lineage {
            latest: registered.mandate,
            revoked: false,
            suspensions: Vec::new(),
            counters: Counters::default(),
            holds_open: 0,
            pending: 0,
            envelope_closed: false,
        });
        lineage.counters = counters;
        let before = std::mem::replace(&mut lineage.latest, registered.mandate);
        let had = funded_minor(self.mandates.get(&before).map(|record| &record.mandate), lineage);
        let has = mandate.funded.map_or(0, Amount::minor);
        lineage.envelope_closed &= has == 0;
        let (purse, envelope) = (Purse::Account(account), Purse::Envelope(account, lineage_id));
        self.transfer(&purse, &envelope, mandate.currency, has.saturating_sub(had))?;
        self.transfer(&envelope, &purse, mandate.currency, had.saturating_sub(has))?;
        if let Some(record) = self.mandates.get(&before) {
            self.due.remove(&(record.mandate.expires_at, Due::Envelope(before)));
        }
        if has > 0 {
            self.due.insert((mandate.expires_at, Due::Envelope(registered.mandate)));
        }
        if let Holder::Agent(key) = &mandate.holder {
            self.keys.insert(key.id(), *key);
        }
        let record = MandateRecord { mandate, signer: registered.signer, registered_at: at };
        self.mandates.insert(registered.mandate, record);
        Ok(())
    }

    fn pay(&mut self, paid: &Paid, at: UnixSeconds) -> Result<(), Broken> {
        self.wait_no_more(paid.intent);
        let grant = |grant: &Option<u64>| grant.and_then(|grant| u8::try_from(grant).ok());
        let mut made = Made {
            account: paid.account,
            links: paid.links.iter().map(|link| (link.mandate, link.lineage, grant(&link.grant.0))).collect(),
            offer: paid.offer,
            merchant: paid.merchant.clone(),
            payee: paid.payee.clone(),
            amount: paid.amount,
            currency: paid.currency,
            decided_at: at,
            hold_until: paid.hold_until.0,
            captured_minor: 0,
            refunded_minor: 0,
            hold: Hold::Open,
            pseudonym: paid.pseudonym,
        };
        let to = match paid.hold_until.0 {
            Some(until) => {
                self.due.insert((until, Due::Hold(paid.intent)));
                Purse::Hold(paid.intent)
            }
            None => {
                made.captured_minor = paid.amount.minor();
                made.hold = Hold::Captured;
                Purse::Payee(paid.merchant.clone(), paid.payee.clone())
            }
        };
        self.transfer(&self.source(&made), &to, paid.currency, paid.amount.minor())?;
        for (mandate, lineage, grant) in &made.links {
            let record = self.mandates.get(mandate).ok_or(Broken("a payment names no mandate"))?;
            let lineage = self.lineages.get_mut(&(paid.account, *lineage)).ok_or(Broken("a mandate has no lineage"))?;
            for (scope, rules) in scopes(&record.mandate, *grant) {
                lineage.counters.add(scope, rules, at, paid.amount.minor());
            }
            lineage.holds_open += u32::from(made.hold == Hold::Open);
        }
        if let Some(account) = self.accounts.get_mut(&paid.account) {
            account.merchants.insert(paid.merchant.clone());
        }
        self.taken.insert((paid.account, paid.offer), paid.intent);
        self.payments.insert(paid.intent, Payment::Made(Box::new(made)));
        Ok(())
    }

    /// Ends a hold: what was not captured goes back, to the purse and to the counters.
    fn release(&mut self, intent: PaperId, hold: Hold) -> Result<(), Broken> {
        let made = self.made(intent)?;
        let rest = made.held_minor();
        made.hold = hold;
        let made = made.clone();
        self.transfer(&Purse::Hold(intent), &self.source(&made), made.currency, rest)?;
        self.give_back(&made, rest, Back::Unspent);
        if let Some(until) = made.hold_until {
            self.due.remove(&(until, Due::Hold(intent)));
        }
        for (_, lineage, _) in &made.links {
            if let Some(lineage) = self.lineages.get_mut(&(made.account, *lineage)) {
                lineage.holds_open = lineage.holds_open.saturating_sub(1);
            }
        }
        Ok(())
    }

    /// What was never spent counts no more; what was refunded, only where the mandate that admitted the
    /// payment says so. The number of payments stays. [MAN-23]
    fn give_back(&mut self, made: &Made, minor: u64, back: Back) {
        for (mandate, lineage, grant) in &made.links {
            let returns = back == Back::Unspent || self.returns_refunds(mandate);
            let Some(lineage) = self.lineages.get_mut(&(made.account, *lineage)).filter(|_| returns) else { continue };
            let Some(latest) = self.mandates.get(&lineage.latest) else { continue };
            for (scope, rules) in scopes(&latest.mandate, *grant) {
                lineage.counters.give_back(scope, rules, made.decided_at, minor);
            }
        }
    }

    /// What the payments of a mandate's lineage come to under its rules.
    fn counted(&self, mandate: &Mandate) -> Counters {
        let made = self.payments.values().filter_map(|payment| match payment {
            Payment::Made(made) if made.account == mandate.account => Some(made),
            _ => None,
        });
        let of_lineage = made.filter_map(|made| {
            let link = made.links.iter().find(|(_, lineage, _)| *lineage == mandate.lineage)?;
            Some((made, link))
        });
        let mut payments: Vec<_> = of_lineage.collect();
        payments.sort_by_key(|(made, _)| made.decided_at);
        let mut counters = Counters::default();
        for (made, (admitted_by, _, grant)) in payments {
            let returned = if self.returns_refunds(admitted_by) { made.refunded_minor } else { 0 };
            let spent = (made.captured_minor + made.held_minor()).saturating_sub(returned);
            for (scope, rules) in scopes(mandate, *grant) {
                counters.add(scope, rules, made.decided_at, spent);
            }
        }
        counters
    }

    fn returns_refunds(&self, mandate: &PaperId) -> bool {
        self.mandates.get(mandate).is_some_and(|record| record.mandate.refund_returns.is_some())
    }

    /// Where a payment's money comes from, and goes back to: the root's envelope while it is open.
    fn source(&self, made: &Made) -> Purse {
        match made.links.first() {
            Some((mandate, lineage, _)) => self.purse_of(made.account, mandate, *lineage),
            None => Purse::Account(made.account),
        }
    }

    /// The purse that a root mandate spends from.
    pub(super) fn purse_of(&self, account: AccountId, mandate: &PaperId, lineage: LineageId) -> Purse {
        let funded = self.mandates.get(mandate).is_some_and(|record| record.mandate.funded.is_some());
        let open = self.lineages.get(&(account, lineage)).is_some_and(|lineage| !lineage.envelope_closed);
        if funded && open { Purse::Envelope(account, lineage) } else { Purse::Account(account) }
    }

    fn close_envelope(&mut self, mandate: &PaperId) -> Result<(), Broken> {
        let record = self.mandates.get(mandate).ok_or(Broken("an envelope has no mandate"))?;
        let (account, lineage, currency) = (record.mandate.account, record.mandate.lineage, record.mandate.currency);
        self.due.remove(&(record.mandate.expires_at, Due::Envelope(*mandate)));
        if let Some(lineage) = self.lineages.get_mut(&(account, lineage)) {
            lineage.envelope_closed = true;
        }
        let envelope = Purse::Envelope(account, lineage);
        let rest = self.books.balance(&envelope, currency);
        self.transfer(&envelope, &Purse::Account(account), currency, rest)
    }

    fn each(
        &mut self,
        changed: &MandatesChanged,
        change: impl Fn(&mut Lineage),
    ) -> Result<(), Broken> {
        for id in changed.mandates.iter() {
            let record = self.mandates.get(id).ok_or(Broken("a command names no mandate"))?;
            let key = (record.mandate.account, record.mandate.lineage);
            let lineage = self.lineages.get_mut(&key).ok_or(Broken("a mandate has no lineage"))?;
            change(lineage);
        }
        Ok(())
    }

    fn made(&mut self, intent: PaperId) -> Result<&mut Made, Broken> {
        match self.payments.get_mut(&intent) {
            Some(Payment::Made(made)) => Ok(made),
            _ => Err(Broken("a command names no payment")),
        }
    }

    /// A payment that waited for the person is decided.
    fn wait_no_more(&mut self, intent: PaperId) {
        let Some(Payment::Pending(asked)) = self.payments.get(&intent) else { return };
        let asked = asked.clone();
        self.due.remove(&(asked.answer_by, Due::Answer(intent)));
        self.taken.remove(&(asked.account, asked.offer));
        self.count_pending(asked.account, &asked.links, -1);
        self.payments.remove(&intent);
    }

    fn count_pending(&mut self, account: AccountId, links: &[PaperId], by: isize) {
        for link in links {
            let Some(record) = self.mandates.get(link) else { continue };
            if let Some(lineage) = self.lineages.get_mut(&(account, record.mandate.lineage)) {
                lineage.pending = lineage.pending.saturating_add_signed(by);
            }
        }
    }

    fn transfer(&mut self, from: &Purse, to: &Purse, currency: Currency, minor: u64) -> Result<(), Broken> {
        self.books.transfer(from, to, currency, minor).map_err(|_| Broken("money is missing"))
    }
}

/// What a mandate has moved into its lineage's envelope and has not got back.
pub(super) fn funded_minor(mandate: Option<&Mandate>, lineage: &Lineage) -> u64 {
    let funded = mandate.and_then(|mandate| mandate.funded).map_or(0, Amount::minor);
    if lineage.envelope_closed { 0 } else { funded }
}

/// Why money comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Back {
    Unspent,
    Refunded,
}

/// The caps, and the grant that was used.
fn scopes(mandate: &Mandate, grant: Option<u8>) -> impl Iterator<Item = (Option<u8>, Option<&Rules>)> {
    let used = grant.map(|grant| (Some(grant), mandate.grants().get(usize::from(grant))));
    std::iter::once((None, mandate.caps.as_ref())).chain(used)
}
