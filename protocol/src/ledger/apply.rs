//! How an event changes the state. It decides nothing: what cannot be applied was not decided here.

use std::fmt;

use super::books::Purse;
use super::event::{Captured, Event, MandatesChanged, Paid, Refunded, Registered};
use super::state::{Due, Hold, Lineage, Made, MandateRecord, Metered, Payment, State, TAKEN_SECONDS};
use crate::authorize::counter::{Counters, Scope};
use crate::id::{AccountId, KeyId, LineageId, PaperId};
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

/// A payment that holds nothing any more, by its intent.
pub type Finished = (PaperId, Payment);

impl State {
    /// Applies what was decided at `at`. What comes back is the payment that this ended: it is decided, holds nothing
    /// any more, and is no part of the state from here on.
    pub fn apply(&mut self, event: &Event, at: UnixSeconds) -> Result<Option<Finished>, Broken> {
        self.clock = self.clock.max(Some(at));
        self.forget_taken();
        let done = match event {
            Event::Paid(paid) => return self.pay(paid, None, at),
            Event::MeteredPaid(paid) => {
                let (meter, chains) = (paid.meter.clone(), paid.chains.clone());
                let metered = Metered { meter, chains, reached: Vec::new(), ends_at: None };
                return self.pay(&paid.paid, Some(Box::new(metered)), at);
            }
            Event::Refused(closed) | Event::Cancelled(closed) => {
                self.wait_no_more(closed.intent);
                let (account, mandate) = (closed.account, closed.mandate);
                return Ok(Some((closed.intent, Payment::Closed { account, mandate })));
            }
            Event::Captured(captured) => return self.capture(captured),
            Event::Claimed(claimed) => {
                let made = self.made(claimed.captured.intent)?;
                made.metered.as_mut().ok_or(Broken("a claim is on no metered hold"))?.reach(&claimed.links);
                return self.capture(&claimed.captured);
            }
            Event::Voided(intent) => return self.release(*intent, Hold::Voided), // [CMD-20]
            Event::HoldExpired(intent) => return self.release(*intent, Hold::Expired),
            Event::Refunded(refunded) => return self.refund(refunded),
            Event::Disputed(disputed) => self.begin_dispute(disputed),
            Event::DisputeAnswered(answered) => self.contest_dispute(answered),
            Event::Ruled(ruled) => return self.end_dispute(ruled),
            Event::Enrolled(enrolled) => {
                let account = self.accounts.entry(enrolled.account).or_default();
                account.keys.insert(enrolled.key.id(), (enrolled.key, enrolled.expires_at));
                account.retired.remove(&enrolled.key.id());
                self.keys.insert(enrolled.key.id(), enrolled.key);
                self.owned(enrolled.key.id(), enrolled.account);
                Ok(())
            }
            Event::Deposited(deposited) => {
                let to = Purse::Account(deposited.account);
                self.transfer(&Purse::Outside, &to, deposited.currency, deposited.amount.minor())
            }
            Event::Registered(registered) => self.register(registered, at),
            // [CNF-6]
            Event::Asked(asked) => {
                self.due.insert((asked.answer_by, Due::Answer(asked.intent)));
                self.taken.insert((asked.account, asked.offer), asked.intent);
                self.count_pending(asked.account, &asked.links, 1);
                self.payments.insert(asked.intent, Payment::Pending(asked.clone()));
                Ok(())
            }
            Event::PaidOut(paid) => {
                let payee = Purse::Payee(paid.merchant.clone(), paid.payee.clone());
                self.transfer(&payee, &Purse::Outside, paid.currency, paid.amount.minor()) // [CMD-30]
            }
            Event::Suspended(changed) => self.each(changed, |record, _, level| {
                match record.suspensions.iter_mut().find(|(suspension, _)| *suspension == changed.by) {
                    Some((_, known)) => *known = level.min(*known),
                    None => record.suspensions.push((changed.by, level)),
                }
            }),
            Event::Resumed(changed) => {
                self.each(changed, |record, _, _| record.suspensions.retain(|(by, _)| *by != changed.by))
            }
            Event::Revoked(changed) => {
                self.each(changed, |_, lineage, _| lineage.revoked = true)?; // [REV-5]
                changed.mandates.iter().for_each(|mandate| self.end_sessions(mandate, at));
                changed.mandates.iter().try_for_each(|mandate| self.close_envelope(mandate))
            }
            Event::EnvelopeClosed(mandate) => self.close_envelope(mandate),
            Event::CommandRefused(_) => Ok(()),
            Event::Batched(batched) => batched.parts.iter().try_for_each(|part| {
                self.batches.insert(part.id, batched.batch);
                self.apply(&part.event, at).map(drop)
            }),
            Event::Retired(retired) => {
                let account = self.accounts.get_mut(&retired.account).ok_or(Broken("a command names no account"))?;
                if let Some((_, expires_at)) = account.keys.remove(&retired.key) {
                    account.retired.insert(retired.key, expires_at); // [WAL-31]
                }
                self.forget_keys(&[retired.key]);
                Ok(())
            }
            Event::Frozen(account) => self.frozen(account, true),
            Event::Thawed(thawed) => {
                if let Some(key) = thawed.key.0 {
                    let account = self.accounts.get_mut(&thawed.account).ok_or(Broken("a command names no account"))?;
                    let lost: Vec<(KeyId, _)> = account.keys.drain().map(|(key, (_, at))| (key, at)).collect();
                    account.retired.extend(lost.iter().copied());
                    account.retired.remove(&key.id());
                    account.keys.insert(key.id(), (key, thawed.expires_at)); // [WAL-44]
                    self.forget_keys(&lost.into_iter().map(|(key, _)| key).collect::<Vec<_>>());
                    self.keys.insert(key.id(), key);
                    self.owned(key.id(), thawed.account);
                }
                self.frozen(&thawed.account, false)
            }
        };
        done.map(|()| None)
    }

    /// An offer whose time is over needs no remembering: its time is looked at before. [AUT-60]
    fn forget_taken(&mut self) {
        while let Some((until, account, offer)) = self.taken_until.first().copied() {
            if Some(until) > self.clock {
                break;
            }
            self.taken_until.pop_first();
            self.taken.remove(&(account, offer));
        }
    }

    fn frozen(&mut self, account: &AccountId, is_frozen: bool) -> Result<(), Broken> {
        self.accounts.get_mut(account).ok_or(Broken("a command names no account"))?.frozen = is_frozen;
        Ok(())
    }

    /// Keys that are no account's any more are known only where they hold a mandate.
    fn forget_keys(&mut self, keys: &[KeyId]) {
        for key in keys {
            let owned = self.accounts.values().any(|account| account.keys.contains_key(key));
            let holds =
                |record: &MandateRecord| matches!(&record.mandate.holder, Holder::Agent(held) if held.id() == *key);
            if !owned && !self.mandates.values().any(holds) {
                self.keys.remove(key);
            }
        }
    }

    fn register(&mut self, registered: &Registered, at: UnixSeconds) -> Result<(), Broken> {
        let payload = &registered.payload.0;
        let mandate = Mandate::decode(&mut Reader::new(payload)).map_err(|_| Broken("a mandate cannot be read"))?;
        let (account, lineage_id) = (mandate.account, mandate.lineage);
        let before = self.lineages.get(&(account, lineage_id)).map(|lineage| lineage.latest);
        if let Some(before) = before {
            self.replace(&before, at)?;
        }
        // Counters carry over: they are what the lineage's payments come to under the new rules. [MAN-22] [MAN-25]
        let counters = self.lineages.get(&(account, lineage_id)).map(|lineage| &lineage.counters);
        let mut counters = counters.map(|counters| counters.carried(rules_of(&mandate))).unwrap_or_default();
        for row in &registered.begun.0 {
            counters.keep(row).ok_or(Broken("a counter cannot be so"))?;
        }
        let had = self.funded_minor(before.as_ref());
        let has = mandate.funded.map_or(0, Amount::minor);
        let (purse, envelope) = (Purse::Account(account), Purse::Envelope(account, lineage_id));
        self.transfer(&purse, &envelope, mandate.currency, has.saturating_sub(had))?; // [QTA-5]
        self.transfer(&envelope, &purse, mandate.currency, had.saturating_sub(has))?;
        // A replacement lifts no suspension: its signer may stand below the one who suspended. [MAN-24]
        let record = before.and_then(|before| self.mandates.get_mut(&before));
        let suspensions = record.map(|record| std::mem::take(&mut record.suspensions)).unwrap_or_default();

        let lineage = self.lineages.entry((account, lineage_id)).or_insert_with(|| Lineage::new(registered.mandate));
        lineage.latest = registered.mandate; // [MAN-18]
        lineage.counters = counters;
        if has > 0 {
            lineage.envelopes += u32::from(lineage.envelope.is_none());
            lineage.envelope = Some(lineage.envelopes);
            self.due.insert((mandate.expires_at, Due::Envelope(registered.mandate)));
        } else {
            lineage.envelope = None;
        }
        if let Holder::Agent(key) = &mandate.holder {
            self.keys.insert(key.id(), *key);
        }
        let (signer, envelope) = (registered.signer, lineage.envelope);
        let record = MandateRecord { mandate, signer, suspensions, registered_at: at, envelope };
        self.mandates.insert(registered.mandate, record);
        Ok(())
    }

    /// The version before goes: its envelope has had its time, or goes on. [QTA-6]
    fn replace(&mut self, before: &PaperId, at: UnixSeconds) -> Result<(), Broken> {
        let record = self.mandates.get(before).ok_or(Broken("a lineage has no mandate"))?;
        let expires_at = record.mandate.expires_at;
        if expires_at <= at {
            self.close_envelope(before)?;
        }
        self.due.remove(&(expires_at, Due::Envelope(*before)));
        Ok(())
    }

    /// Metered sessions under a mandate that has ended go on for their grace and no longer. [TOK-16]
    fn end_sessions(&mut self, mandate: &PaperId, at: UnixSeconds) {
        let Some(record) = self.mandates.get(mandate) else { return };
        let key = (record.mandate.account, record.mandate.lineage);
        if self.lineages.get(&key).is_none_or(|lineage| lineage.holds_open == 0) {
            return;
        }
        for (intent, payment) in &mut self.payments {
            let Payment::Made(made) = payment else { continue };
            let (Some(before), true) = (made.ends_at(), made.links.iter().any(|(_, of, _)| (made.account, *of) == key))
            else {
                continue;
            };
            let Some(metered) = &mut made.metered else { continue };
            let end = before.min(at.saturating_add(metered.meter.grace_seconds.get()));
            metered.ends_at = Some(end);
            self.due.remove(&(before, Due::Hold(*intent)));
            self.due.insert((end, Due::Hold(*intent)));
        }
    }

    fn pay(&mut self, paid: &Paid, metered: Option<Box<Metered>>, at: UnixSeconds) -> Result<Option<Finished>, Broken> {
        self.wait_no_more(paid.intent);
        let mut made = Made::new(paid, self.envelope_of(paid.links.first().map(|root| &root.mandate)), at);
        made.metered = metered;
        let to = match paid.hold_until.0 {
            Some(until) => {
                self.due.insert((until, Due::Hold(paid.intent)));
                Purse::Hold(paid.intent)
            }
            None => Purse::Payee(paid.merchant.clone(), paid.payee.clone()),
        };
        self.transfer(&self.source(&made), &to, paid.currency, paid.amount.minor())?;
        // [AUT-64]
        for (mandate, lineage, grant) in &made.links {
            let record = self.mandates.get(mandate).ok_or(Broken("a payment names no mandate"))?;
            let lineage = self.lineages.get_mut(&(paid.account, *lineage)).ok_or(Broken("a mandate has no lineage"))?;
            for (scope, rules) in scopes(&record.mandate, *grant) {
                lineage.counters.add(scope, rules, at, paid.amount.minor()); // [RUL-21] [RUL-24]
            }
            lineage.holds_open += u32::from(made.hold == Hold::Open);
        }
        if let Some(account) = self.accounts.get_mut(&paid.account) {
            account.merchants.insert(paid.merchant.clone());
        }
        self.taken.insert((paid.account, paid.offer), paid.intent);
        self.taken_until.insert((at.saturating_add(TAKEN_SECONDS), paid.account, paid.offer));
        let (open, payment) = (made.hold == Hold::Open, Payment::Made(Box::new(made)));
        if !open {
            return Ok(Some((paid.intent, payment)));
        }
        self.payments.insert(paid.intent, payment);
        Ok(None)
    }

    fn capture(&mut self, captured: &Captured) -> Result<Option<Finished>, Broken> {
        let made = self.made(captured.intent)?;
        made.captured_minor += captured.amount.minor();
        let (payee, currency) = (Purse::Payee(made.merchant.clone(), made.payee.clone()), made.currency);
        self.transfer(&Purse::Hold(captured.intent), &payee, currency, captured.amount.minor())?; // [CMD-19]
        if captured.last == 1 { self.release(captured.intent, Hold::Captured) } else { Ok(None) }
    }

    fn refund(&mut self, refunded: &Refunded) -> Result<Option<Finished>, Broken> {
        let minor = refunded.amount.minor();
        let (made, is_late) = match &refunded.late.0 {
            None => {
                let made = self.made(refunded.intent)?;
                made.refunded_minor += minor;
                (made.clone(), false)
            }
            Some(late) => {
                let envelope = self.envelope_of(late.paid.links.first().map(|root| &root.mandate));
                let here = self.payments.contains_key(&refunded.intent) || late.paid.intent != refunded.intent;
                let made = Made::of_late(late, envelope).filter(|_| !here);
                let mut made = made.ok_or(Broken("a refund carries another payment"))?;
                made.refunded_minor += minor;
                (made, true)
            }
        };
        let (payee, to) = (Purse::Payee(made.merchant.clone(), made.payee.clone()), self.source(&made));
        self.transfer(&payee, &to, made.currency, minor)?; // [CMD-21]
        self.give_back(&made, minor, Back::Refunded);
        Ok(is_late.then(|| (refunded.intent, Payment::Made(Box::new(made)))))
    }

    /// Ends a hold: what was not captured goes back, to the purse and to the counters. [AUT-68]
    fn release(&mut self, intent: PaperId, hold: Hold) -> Result<Option<Finished>, Broken> {
        let made = self.made(intent)?;
        let (rest, ends_at) = (made.held_minor(), made.ends_at());
        made.hold = hold;
        made.metered = None;
        let made = made.clone();
        self.payments.remove(&intent);
        self.transfer(&Purse::Hold(intent), &self.source(&made), made.currency, rest)?;
        self.give_back(&made, rest, Back::Unspent);
        if let Some(until) = ends_at {
            self.due.remove(&(until, Due::Hold(intent)));
        }
        for (_, lineage, _) in &made.links {
            if let Some(lineage) = self.lineages.get_mut(&(made.account, *lineage)) {
                lineage.holds_open = lineage.holds_open.saturating_sub(1);
            }
        }
        Ok(Some((intent, Payment::Made(Box::new(made)))))
    }

    /// What was never spent counts no more; what was refunded, only where the mandate that admitted the
    /// payment says so. The number of payments stays. [MAN-23]
    fn give_back(&mut self, made: &Made, minor: u64, back: Back) {
        for (mandate, lineage, grant) in &made.links {
            let returns = back == Back::Unspent || self.returns_refunds(mandate);
            let Some(lineage) = self.lineages.get_mut(&(made.account, *lineage)).filter(|_| returns) else { continue };
            let Some(latest) = self.mandates.get(&lineage.latest) else { continue }; // [MAN-26]
            for (scope, rules) in scopes(&latest.mandate, *grant) {
                lineage.counters.give_back(scope, rules, made.decided_at, minor);
            }
        }
    }

    /// What a ruling gave back counts as what a refund did.
    pub(super) fn give_back_refunded(&mut self, made: &Made, minor: u64) {
        self.give_back(made, minor, Back::Refunded);
    }

    /// What payments come to under a mandate's rules.
    pub(super) fn counted<'m>(&self, mandate: &Mandate, payments: impl Iterator<Item = &'m Made>) -> Counters {
        let mut counters = Counters::default();
        for made in payments.filter(|made| made.account == mandate.account) {
            let link = made.links.iter().find(|(_, lineage, _)| *lineage == mandate.lineage);
            let Some((admitted_by, _, grant)) = link else { continue };
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

    /// Where a payment's money came from, and goes back to: the account, or its envelope while that is open.
    /// [AUT-67]
    pub(super) fn source(&self, made: &Made) -> Purse {
        let root = made.links.first().map(|(_, lineage, _)| *lineage);
        match root.and_then(|root| Some((root, self.lineages.get(&(made.account, root))?))) {
            Some((root, lineage)) if made.envelope.is_some() && made.envelope == lineage.envelope => {
                Purse::Envelope(made.account, root)
            }
            _ => Purse::Account(made.account),
        }
    }

    /// The purse that a root mandate spends from. [QTA-3]
    pub(super) fn purse_of(&self, account: AccountId, lineage: LineageId) -> Purse {
        match self.lineages.get(&(account, lineage)) {
            Some(Lineage { envelope: Some(_), .. }) => Purse::Envelope(account, lineage),
            _ => Purse::Account(account),
        }
    }

    /// What the latest version of a lineage has moved into its envelope and has not got back.
    pub(super) fn funded_minor(&self, latest: Option<&PaperId>) -> u64 {
        let record = latest.and_then(|latest| self.mandates.get(latest));
        let open = record.filter(|record| {
            let lineage = self.lineages.get(&(record.mandate.account, record.mandate.lineage));
            lineage.is_some_and(|lineage| lineage.envelope.is_some())
        });
        open.and_then(|record| record.mandate.funded).map_or(0, Amount::minor)
    }

    /// Closes the envelope of a mandate's lineage, where it has one: what is free in it goes back. [QTA-6]
    fn close_envelope(&mut self, mandate: &PaperId) -> Result<(), Broken> {
        let (latest, record) = self.latest(mandate).ok_or(Broken("an envelope has no mandate"))?;
        let (account, lineage, currency) = (record.mandate.account, record.mandate.lineage, record.mandate.currency);
        let due = (record.mandate.expires_at, Due::Envelope(latest));
        self.due.remove(&due);
        if let Some(lineage) = self.lineages.get_mut(&(account, lineage)) {
            lineage.envelope = None;
        }
        let envelope = Purse::Envelope(account, lineage);
        let rest = self.books.balance(&envelope, currency);
        self.transfer(&envelope, &Purse::Account(account), currency, rest)
    }

    /// Changes the lineages of the mandates named, whichever version was named. [REV-2] [REV-3]
    fn each(
        &mut self,
        changed: &MandatesChanged,
        change: impl Fn(&mut MandateRecord, &mut Lineage, u64),
    ) -> Result<(), Broken> {
        for (id, level) in changed.mandates.iter().zip(changed.levels.iter()) {
            let (latest, record) = self.latest(id).ok_or(Broken("a command names no mandate"))?;
            let key = (record.mandate.account, record.mandate.lineage);
            let record = self.mandates.get_mut(&latest).ok_or(Broken("a lineage has no mandate"))?;
            let lineage = self.lineages.get_mut(&key).ok_or(Broken("a mandate has no lineage"))?;
            change(record, lineage, *level);
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

    pub(super) fn transfer(&mut self, from: &Purse, to: &Purse, currency: Currency, minor: u64) -> Result<(), Broken> {
        self.books.transfer(from, to, currency, minor).map_err(|_| Broken("money is missing"))
    }
}

/// Why money comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Back {
    Unspent,
    Refunded,
}

/// The rules of a mandate, by their scope.
pub(super) fn rules_of<'m>(mandate: &'m Mandate) -> impl Fn(Scope) -> Option<&'m Rules> {
    move |scope| match scope {
        None => mandate.caps.as_ref(),
        Some(grant) => mandate.grants().get(usize::from(grant)),
    }
}

/// The caps, and the grant that was used. [CND-4]
fn scopes(mandate: &Mandate, grant: Option<u8>) -> impl Iterator<Item = (Option<u8>, Option<&Rules>)> {
    let used = grant.map(|grant| (Some(grant), mandate.grants().get(usize::from(grant))));
    std::iter::once((None, mandate.caps.as_ref())).chain(used)
}
