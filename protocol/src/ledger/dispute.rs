//! Disputes: the payer claims money back, the merchant answers, the issuer rules, and the money follows.

use super::apply::{Broken, Finished};
use super::books::Purse;
use super::event::{DisputeAnswered, Disputed, Event, Maybe, Ruled};
use super::settle::{late, record};
use super::state::{Disputing, Due, Hold, Made, Payment, State};
use super::{Ledger, Record};
use crate::code::Code;
use crate::fault::{Fault, Part};
use crate::id::{Nonce, PaperId};
use crate::limits::{DISPUTE_ANSWER_SECONDS, DISPUTE_SECONDS_MAX, RULING_SECONDS};
use crate::money::Amount;
use crate::paper::dispute::{Dispute, DisputeAnswer, Ruling, Stance};
use crate::receipt::Outcome;
use crate::sign::Verified;
use crate::time::UnixSeconds;

impl Ledger {
    pub(super) fn dispute(&self, paper: &Verified<Dispute>, now: UnixSeconds, salt: Nonce) -> Result<Record, Fault> {
        self.command_in_time(&paper.issuer, paper.issued_at, now)?;
        self.is_still_of(paper.account, &paper.key())?;
        let made = match self.payment(&paper.intent) {
            Some(Payment::Made(made)) if made.account == paper.account => made,
            Some(Payment::Closed { account, .. }) if *account == paper.account => {
                return Ok(Record::command_refused(paper.id(), Code::PaymentRefused, now, salt)); // [DSP-14]
            }
            // Of somebody else's payment nothing is said. [DSP-2]
            Some(_) | None => return Err(Fault::new(Code::PaymentUnknown).within(Part::Command)),
        };
        if let Err(code) = self.disputable(paper, made, now) {
            return Ok(Record::command_refused(paper.id(), code, now, salt).on(paper.intent, made));
        }
        let event = Event::Disputed(Box::new(Disputed {
            dispute: paper.id(),
            late: late(paper.intent, made).ok_or_else(|| Fault::new(Code::Internal))?,
            amount: paper.amount,
            apart_minor: self.merchant_has(made).min(paper.amount.minor()),
            answer_by: now.saturating_add(DISPUTE_ANSWER_SECONDS),
        }));
        Ok(Record::done(paper.id(), event, now, salt).with_amount(paper.amount, paper.currency))
    }

    fn disputable(&self, paper: &Dispute, made: &Made, now: UnixSeconds) -> Result<(), Code> {
        if self.state.disputes.contains_key(&paper.intent) || self.state.disputed.contains(&paper.intent) {
            return Err(Code::PaymentDisputed); // [DSP-3]
        }
        if made.hold == Hold::Open {
            return Err(Code::PaymentHeld); // [DSP-4]
        }
        if now.since(made.decided_at).unwrap_or_default() > DISPUTE_SECONDS_MAX {
            return Err(Code::DisputeLate); // [DSP-5]
        }
        if paper.currency != made.currency {
            return Err(Code::CurrencyMismatch); // [DSP-15]
        }
        if paper.amount.minor() > made.captured_minor.saturating_sub(made.refunded_minor) {
            return Err(Code::DisputeExceedsPayment); // [DSP-6]
        }
        Ok(())
    }

    pub(super) fn answer_dispute(
        &self,
        paper: &Verified<DisputeAnswer>,
        now: UnixSeconds,
        salt: Nonce,
    ) -> Result<Record, Fault> {
        self.command_in_time(&paper.issuer, paper.issued_at, now)?;
        // Another merchant's dispute is none of this one's. [DSP-7]
        let open = self.state.disputes.get(&paper.intent);
        let Some(open) = open.filter(|open| open.dispute == paper.dispute && open.made.merchant == paper.merchant)
        else {
            return Ok(Record::command_refused(paper.id(), Code::DisputeUnknown, now, salt));
        };
        if open.answered {
            let refused = Record::command_refused(paper.id(), Code::DisputeAnswered, now, salt); // [DSP-9]
            return Ok(refused.on(paper.intent, &open.made));
        }
        Ok(match paper.stance {
            // [DSP-16]
            Stance::Accepts => self.ended(open, paper.intent, Some(paper.id()), open.amount.minor(), now, salt),
            Stance::Contests => {
                let rule_by = now.saturating_add(RULING_SECONDS);
                let event = Event::DisputeAnswered(DisputeAnswered { intent: paper.intent, rule_by });
                Record::done(paper.id(), event, now, salt)
            }
        })
    }

    pub(super) fn rule(&self, paper: &Verified<Ruling>, now: UnixSeconds, salt: Nonce) -> Result<Record, Fault> {
        self.command_in_time(&paper.issuer, paper.issued_at, now)?;
        let open = self.state.disputes.get(&paper.intent);
        let Some(open) = open.filter(|open| open.dispute == paper.dispute && open.made.account == paper.account) else {
            return Ok(Record::command_refused(paper.id(), Code::DisputeUnknown, now, salt)); // [DSP-7]
        };
        let awarded = paper.amount.map_or(0, Amount::minor);
        let refuse = |code| Ok(Record::command_refused(paper.id(), code, now, salt).on(paper.intent, &open.made));
        if paper.currency != open.made.currency {
            return refuse(Code::CurrencyMismatch); // [DSP-15]
        }
        if awarded > open.amount.minor() {
            return refuse(Code::RulingExceedsDispute); // [DSP-10]
        }
        Ok(self.ended(open, paper.intent, Some(paper.id()), awarded, now, salt))
    }

    /// A dispute's time has come: who has said nothing gives way. [DSP-12] [DSP-13]
    pub(super) fn dispute_ends(&self, intent: PaperId, now: UnixSeconds, salt: Nonce) -> Option<Record> {
        let open = self.state.disputes.get(&intent)?;
        let awarded = if open.answered { 0 } else { open.amount.minor() };
        Some(self.ended(open, intent, None, awarded, now, salt))
    }

    /// The end of a dispute: what is awarded goes back, as far as the merchant has it. [DSP-17]
    fn ended(
        &self,
        open: &Disputing,
        intent: PaperId,
        by: Option<PaperId>,
        awarded_minor: u64,
        now: UnixSeconds,
        salt: Nonce,
    ) -> Record {
        let given_minor = awarded_minor.min(open.apart_minor + self.merchant_has(&open.made));
        let event = Event::Ruled(Ruled { intent, by: Maybe(by), given_minor });
        let command = by.unwrap_or(open.dispute);
        match Amount::from_minor(given_minor).filter(|_| given_minor > 0) {
            Some(given) => record(command, Outcome::Refunded, event, now, salt)
                .on(intent, &open.made)
                .with_amount(given, open.made.currency),
            None => Record::done(command, event, now, salt),
        }
    }

    fn merchant_has(&self, made: &Made) -> u64 {
        let payee = Purse::Payee(made.merchant.clone(), made.payee.clone());
        self.state.books.balance(&payee, made.currency)
    }
}

impl State {
    pub(super) fn begin_dispute(&mut self, disputed: &Disputed) -> Result<(), Broken> {
        let intent = disputed.late.paid.intent;
        let envelope = self.envelope_of(disputed.late.paid.links.first().map(|root| &root.mandate));
        let known = self.payments.contains_key(&intent) || self.disputes.contains_key(&intent);
        let made = Made::of_late(&disputed.late, envelope).filter(|_| !known && !self.disputed.contains(&intent));
        let made = made.ok_or(Broken("a dispute carries another payment"))?;
        let payee = Purse::Payee(made.merchant.clone(), made.payee.clone());
        self.transfer(&payee, &Purse::Contested(intent), made.currency, disputed.apart_minor)?; // [DSP-18]
        self.due.insert((disputed.answer_by, Due::Dispute(intent)));
        let open = Disputing {
            dispute: disputed.dispute,
            made,
            amount: disputed.amount,
            apart_minor: disputed.apart_minor,
            answered: false,
            ends_at: disputed.answer_by,
        };
        self.disputes.insert(intent, open);
        Ok(())
    }

    pub(super) fn contest_dispute(&mut self, answered: &DisputeAnswered) -> Result<(), Broken> {
        let open = self.disputes.get_mut(&answered.intent).ok_or(Broken("an answer is to no dispute"))?;
        let before = std::mem::replace(&mut open.ends_at, answered.rule_by);
        open.answered = true;
        self.due.remove(&(before, Due::Dispute(answered.intent)));
        self.due.insert((answered.rule_by, Due::Dispute(answered.intent)));
        Ok(())
    }

    pub(super) fn end_dispute(&mut self, ruled: &Ruled) -> Result<Option<Finished>, Broken> {
        let open = self.disputes.remove(&ruled.intent).ok_or(Broken("a ruling is on no dispute"))?;
        self.due.remove(&(open.ends_at, Due::Dispute(ruled.intent)));
        self.disputed.insert(ruled.intent);
        let mut made = open.made;
        let (contested, to) = (Purse::Contested(ruled.intent), self.source(&made));
        let payee = Purse::Payee(made.merchant.clone(), made.payee.clone());
        let first = ruled.given_minor.min(open.apart_minor);
        self.transfer(&contested, &to, made.currency, first)?;
        self.transfer(&payee, &to, made.currency, ruled.given_minor - first)?;
        self.transfer(&contested, &payee, made.currency, open.apart_minor - first)?;
        made.refunded_minor += ruled.given_minor;
        self.give_back_refunded(&made, ruled.given_minor);
        Ok(Some((ruled.intent, Payment::Made(Box::new(made)))))
    }
}
