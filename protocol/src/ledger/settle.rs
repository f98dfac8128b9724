//! What a merchant does with a payment: capture, void, refund; and the end of a hold.

use super::books::Purse;
use super::event::{Captured, Claimed, Event, Late, Maybe, Paid, PaidOut, Refunded, UsedLink};
use super::metered;
use super::state::{Hold, Made, Payment};
use super::{Ledger, Record};
use crate::code::Code;
use crate::fault::{Fault, Part};
use crate::field::List;
use crate::id::{Nonce, PaperId, PartyId};
use crate::limits::AMOUNT_MAX;
use crate::money::Amount;
use crate::paper::command::{Capture, Payout, Refund, Void};
use crate::receipt::{Claims, Outcome};
use crate::sign::Verified;
use crate::time::UnixSeconds;

impl Ledger {
    pub(super) fn capture(&self, paper: &Verified<Capture>, now: UnixSeconds, salt: Nonce) -> Result<Record, Fault> {
        self.command_in_time(&paper.issuer, paper.issued_at, now)?;
        // Whether its account is frozen is not asked: a hold is the merchant's. [WAL-42]
        let made = match self.payment_of(paper.intent, &paper.merchant)? {
            Ok(made) => made,
            Err(code) => return Ok(Record::command_refused(paper.id(), code, now, salt)),
        };
        // [CMD-17]
        let checked = || -> Result<(), Code> {
            open(made, now)?;
            if paper.currency != made.currency {
                return Err(Code::CurrencyMismatch); // [CMD-18]
            }
            if paper.amount.minor() > made.held_minor() {
                return Err(Code::CaptureExceedsHold); // [CMD-5]
            }
            metered::covers(made, paper)?;
            self.room_for(made, paper.amount)
        };
        if let Err(code) = checked() {
            return Ok(Record::command_refused(paper.id(), code, now, salt).on(paper.intent, made));
        }
        let all = paper.amount.minor() == made.held_minor();
        let captured =
            Captured { intent: paper.intent, amount: paper.amount, last: u64::from(all || paper.last.is_some()) };
        let event = match &paper.claim {
            Some(claim) => Event::Claimed(Claimed { captured, links: claim.links.clone() }),
            None => Event::Captured(captured),
        };
        Ok(record(paper.id(), Outcome::Captured, event, now, salt)
            .on(paper.intent, made)
            .with_amount(paper.amount, made.currency))
    }

    pub(super) fn void(&self, paper: &Verified<Void>, now: UnixSeconds, salt: Nonce) -> Result<Record, Fault> {
        self.command_in_time(&paper.issuer, paper.issued_at, now)?;
        let made = match self.payment_of(paper.intent, &paper.merchant)? {
            Ok(made) => made,
            Err(code) => return Ok(Record::command_refused(paper.id(), code, now, salt)),
        };
        if let Err(code) = open(made, now) {
            return Ok(Record::command_refused(paper.id(), code, now, salt).on(paper.intent, made));
        }
        let voided = record(paper.id(), Outcome::Voided, Event::Voided(paper.intent), now, salt).on(paper.intent, made);
        Ok(voided.with_rest(made))
    }

    pub(super) fn refund(&self, paper: &Verified<Refund>, now: UnixSeconds, salt: Nonce) -> Result<Record, Fault> {
        self.command_in_time(&paper.issuer, paper.issued_at, now)?;
        let made = match self.payment_of(paper.intent, &paper.merchant)? {
            Ok(made) => made,
            Err(code) => return Ok(Record::command_refused(paper.id(), code, now, salt)),
        };
        let checked = || -> Result<(), Code> {
            if self.state.disputes.contains_key(&paper.intent) {
                return Err(Code::PaymentDisputed); // [DSP-11]
            }
            if paper.currency != made.currency {
                return Err(Code::CurrencyMismatch); // [CMD-18]
            }
            if paper.amount.minor() > made.captured_minor.saturating_sub(made.refunded_minor) {
                return Err(Code::RefundExceedsCapture); // [CMD-9]
            }
            // The merchant's account is debited before the payer's is credited. [CMD-10]
            let payee = Purse::Payee(made.merchant.clone(), made.payee.clone());
            if paper.amount.minor() > self.state.books.balance(&payee, made.currency) {
                return Err(Code::MerchantFunds);
            }
            Ok(())
        };
        if let Err(code) = checked() {
            return Ok(Record::command_refused(paper.id(), code, now, salt).on(paper.intent, made));
        }
        // The state does not have what holds nothing, so that the event brings it along.
        let late = match self.state.payments.contains_key(&paper.intent) {
            true => None,
            false => Some(late(paper.intent, made).ok_or_else(|| Fault::new(Code::Internal))?),
        };
        let event = Event::Refunded(Refunded { intent: paper.intent, amount: paper.amount, late: Maybe(late) });
        Ok(record(paper.id(), Outcome::Refunded, event, now, salt)
            .on(paper.intent, made)
            .with_amount(paper.amount, made.currency))
    }

    pub(super) fn payout(&self, paper: &Verified<Payout>, now: UnixSeconds, salt: Nonce) -> Result<Record, Fault> {
        self.command_in_time(&paper.issuer, paper.issued_at, now)?;
        if !self.settings.sandbox {
            return Err(Fault::new(Code::NotSandbox)); // [CMD-28]
        }
        // The purse is the signer's own, whatever account it names. [SIG-23]
        let purse = Purse::Payee(paper.merchant.clone(), paper.account.clone());
        if paper.amount.minor() > self.state.books.balance(&purse, paper.currency) {
            return Ok(Record::command_refused(paper.id(), Code::MerchantFunds, now, salt)); // [CMD-29]
        }
        let event = Event::PaidOut(PaidOut {
            merchant: paper.merchant.clone(),
            payee: paper.account.clone(),
            amount: paper.amount,
            currency: paper.currency,
        });
        Ok(Record::done(paper.id(), event, now, salt).with_amount(paper.amount, paper.currency))
    }

    /// A hold's time has come. [CMD-8]
    pub(super) fn hold_ends(&self, intent: PaperId, now: UnixSeconds, salt: Nonce) -> Option<Record> {
        let Some(Payment::Made(made)) = self.state.payments.get(&intent) else { return None };
        let claims = Claims::new(Outcome::Voided, now, salt);
        let ended = Record { command: intent, claims, detail: None, event: Event::HoldExpired(intent) };
        Some(ended.on(intent, made).with_rest(made))
    }

    /// The payment that a merchant speaks of. Of somebody else's it learns nothing. [CMD-3] [CMD-4]
    fn payment_of(&self, intent: PaperId, merchant: &PartyId) -> Result<Result<&Made, Code>, Fault> {
        match self.payment(&intent) {
            Some(Payment::Made(made)) if made.merchant == *merchant => Ok(Ok(made)),
            Some(Payment::Made(_)) => Ok(Err(Code::CallerMismatch)),
            Some(Payment::Closed { .. }) => Ok(Err(Code::PaymentRefused)), // [CMD-16]
            // It may still be decided: nothing is recorded against the command.
            Some(Payment::Pending(_)) | None => Err(Fault::new(Code::PaymentUnknown).within(Part::Command)),
        }
    }

    /// The merchant's account can hold that much more. [CMD-14]
    fn room_for(&self, made: &Made, amount: Amount) -> Result<(), Code> {
        let payee = Purse::Payee(made.merchant.clone(), made.payee.clone());
        let sum = self.state.books.balance(&payee, made.currency) + amount.minor();
        if sum > AMOUNT_MAX { Err(Code::AmountOverflow) } else { Ok(()) }
    }
}

/// Whether something is still held. [CMD-6] [CMD-7] [CMD-8] [REV-7]
fn open(made: &Made, now: UnixSeconds) -> Result<(), Code> {
    match made.hold {
        Hold::Captured => Err(Code::PaymentCaptured),
        Hold::Voided => Err(Code::PaymentVoided),
        Hold::Expired => Err(Code::HoldExpired),
        Hold::Open if made.ends_at().is_some_and(|end| end <= now) => Err(Code::HoldExpired), // [FLW-11]
        Hold::Open => Ok(()),
    }
}

/// A payment as an event carries it.
pub(super) fn late(intent: PaperId, made: &Made) -> Option<Late> {
    let links = made.links.iter().map(|(mandate, lineage, grant)| UsedLink {
        mandate: *mandate,
        lineage: *lineage,
        grant: Maybe(grant.map(u64::from)),
    });
    Some(Late {
        paid: Paid {
            intent,
            offer: made.offer,
            account: made.account,
            links: List::new(links.collect())?,
            merchant: made.merchant.clone(),
            payee: made.payee.clone(),
            amount: made.amount,
            currency: made.currency,
            hold_until: Maybe(made.hold_until),
            pseudonym: made.pseudonym,
        },
        decided_at: made.decided_at,
        captured_minor: made.captured_minor,
        refunded_minor: made.refunded_minor,
        hold: made.hold.number(),
    })
}

pub(super) fn record(command: PaperId, outcome: Outcome, event: Event, now: UnixSeconds, salt: Nonce) -> Record {
    Record { command, claims: Claims::new(outcome, now, salt), detail: None, event }.about(command)
}

impl Record {
    pub(super) fn on(mut self, intent: PaperId, made: &Made) -> Self {
        self.claims.intent = Some(intent);
        self.claims.offer = Some(made.offer);
        self.claims.pseudonym = Some(made.pseudonym);
        self
    }

    /// The amount that goes back with the hold.
    fn with_rest(self, made: &Made) -> Self {
        match Amount::from_minor(made.held_minor()) {
            Some(rest) => self.with_amount(rest, made.currency),
            None => self,
        }
    }
}
