//! Batches, and what is done to an account as a whole: a key retired, all frozen, thawed again.

use std::collections::HashSet;

use super::event::{Batched, BatchedPart, Event, Maybe, Retired, Thawed};
use super::mandates::Funds;
use super::{BatchOrder, BatchPart, Draft, Ledger, Record};
use crate::code::Code;
use crate::fault::{Fault, Part};
use crate::field::List;
use crate::id::{KeyId, LineageId, Nonce, PaperId};
use crate::money::{Amount, Currency};
use crate::paper::command::{Freeze, Retirement, Thaw};
use crate::paper::mandate::Mandate;
use crate::sign::Verified;
use crate::time::UnixSeconds;

impl Ledger {
    /// All parts are done, or none is. [WAL-23]
    ///
    /// Each part is decided on the state before the batch. No two of them are about one lineage, so that the order
    /// matters to money alone: what gives money back is done first.
    pub(super) fn batch(&self, order: &BatchOrder, now: UnixSeconds, salt: Nonce) -> Result<Draft, Fault> {
        let (batch, id) = (&order.batch, order.batch.id());
        if let Some(answer) = self.answer_to(&id) {
            return Ok(Draft::Known(answer)); // [CMD-1]
        }
        self.command_in_time(&batch.issuer, batch.issued_at, now)?;
        if !self.owns(batch.account, &batch.key()) {
            return Err(Fault::new(Code::CommandSigner).within(Part::Command)); // [SIG-14]
        }
        let refused = |code| Ok(Draft::Decided(Box::new(Record::command_refused(id, code, now, salt))));
        let mut lineages = HashSet::new();
        let mut purse = Purse::default();
        let mut parts = Vec::with_capacity(order.parts.len());
        for part in &order.parts {
            if part.account() != batch.account {
                return refused(Code::AccountMismatch); // [WAL-27]
            }
            let is_new = self.answer_to(&part.id()).is_none();
            if !is_new || !self.lineages_of(part).into_iter().all(|lineage| lineages.insert(lineage)) {
                return refused(Code::BatchConflict); // [WAL-24]
            }
            let record = match part {
                BatchPart::Mandate(paper) => {
                    purse.count(self, paper, now);
                    match self.register_with(paper, Funds::OfTheBatch, now, salt)? {
                        Draft::Decided(record) => *record,
                        Draft::Known(_) => return refused(Code::BatchConflict),
                    }
                }
                BatchPart::Suspension(paper) => self.suspend(paper, now, salt)?,
                BatchPart::Resumption(paper) => self.resume(paper, now, salt)?,
                BatchPart::Revocation(paper) => self.revoke(paper, now, salt)?,
            };
            match record.event {
                Event::CommandRefused(code) => return refused(code.code().unwrap_or(Code::Internal)),
                event => parts.push((self.gives(part), BatchedPart { id: part.id(), event: Box::new(event) })),
            }
        }
        if !purse.suffices(self, order) {
            return refused(Code::InsufficientFunds); // [WAL-25]
        }
        parts.sort_by_key(|(gives, _)| !gives);
        let parts = List::new(parts.into_iter().map(|(_, part)| part).collect());
        let parts = parts.ok_or_else(|| Fault::new(Code::CborLimit))?;
        let event = Event::Batched(Batched { batch: id, account: batch.account, parts });
        Ok(Draft::Decided(Box::new(Record::done(id, event, now, salt))))
    }

    /// The paper whose receipt answers this one, where one does: itself, or the batch that it came in. [WAL-26]
    pub(super) fn answer_to(&self, command: &PaperId) -> Option<PaperId> {
        let own = || self.beside.past.commands.contains(command).then_some(*command);
        self.state.batches.get(command).copied().or_else(own)
    }

    /// The lineages that a part is about.
    fn lineages_of(&self, part: &BatchPart) -> Vec<LineageId> {
        let of = |mandate: &PaperId| self.state.mandates.get(mandate).map(|record| record.mandate.lineage);
        match part {
            BatchPart::Mandate(mandate) => vec![mandate.lineage],
            BatchPart::Suspension(paper) => paper.mandates.iter().filter_map(of).collect(),
            BatchPart::Resumption(paper) => paper.mandates.iter().filter_map(of).collect(),
            BatchPart::Revocation(paper) => paper.mandates.iter().filter_map(of).collect(),
        }
    }

    /// Whether a part gives money back to the account.
    fn gives(&self, part: &BatchPart) -> bool {
        match part {
            BatchPart::Mandate(mandate) => {
                let lineage = self.state.lineages.get(&(mandate.account, mandate.lineage));
                let had = self.state.funded_minor(lineage.map(|lineage| &lineage.latest));
                mandate.funded.map_or(0, Amount::minor) < had
            }
            BatchPart::Revocation(_) => true,
            BatchPart::Suspension(_) | BatchPart::Resumption(_) => false,
        }
    }

    pub(super) fn retire(&self, paper: &Verified<Retirement>, now: UnixSeconds, salt: Nonce) -> Result<Record, Fault> {
        self.command_in_time(&paper.issuer, paper.issued_at, now)?;
        let refused = |code| Ok(Record::command_refused(paper.id(), code, now, salt));
        let account = self.state.accounts.get(&paper.account);
        let account = account.filter(|account| account.keys.contains_key(&paper.key().id()));
        let account = account.ok_or_else(|| Fault::new(Code::CommandSigner).within(Part::Command))?; // [SIG-14]
        let key = KeyId(paper.retired.0);
        match () {
            () if account.frozen => refused(Code::AccountFrozen), // [WAL-41]
            () if !account.keys.contains_key(&key) => refused(Code::KeyUnknown), // [WAL-32]
            () if account.keys.len() == 1 => refused(Code::LastKey), // [WAL-33]
            () => {
                let event = Event::Retired(Retired { account: paper.account, key });
                Ok(Record::done(paper.id(), event, now, salt))
            }
        }
    }

    pub(super) fn freeze(&self, paper: &Verified<Freeze>, now: UnixSeconds, salt: Nonce) -> Result<Record, Fault> {
        self.command_in_time(&paper.issuer, paper.issued_at, now)?;
        self.is_account(paper.account)?;
        Ok(Record::done(paper.id(), Event::Frozen(paper.account), now, salt)) // [WAL-40]
    }

    pub(super) fn thaw(&self, paper: &Verified<Thaw>, now: UnixSeconds, salt: Nonce) -> Result<Record, Fault> {
        self.command_in_time(&paper.issuer, paper.issued_at, now)?;
        self.is_account(paper.account)?;
        if paper.key.as_ref().is_some_and(|key| self.is_taken(&key.0, paper.account)) {
            return Ok(Record::command_refused(paper.id(), Code::KeyTaken, now, salt)); // [SIG-28]
        }
        let expires_at = now.saturating_add(self.settings.credential_seconds);
        let key = Maybe(paper.key.as_ref().map(|key| key.0));
        let event = Event::Thawed(Thawed { account: paper.account, key, expires_at });
        Ok(Record::done(paper.id(), event, now, salt)) // [WAL-43]
    }

    fn is_account(&self, account: crate::id::AccountId) -> Result<(), Fault> {
        let is_there = self.state.accounts.contains_key(&account);
        if is_there { Ok(()) } else { Err(Fault::new(Code::AccountUnknown).within(Part::Command)) }
    }
}

/// What the mandates of a batch take out of the account and give back to it.
#[derive(Default)]
struct Purse(std::collections::HashMap<Currency, (u64, u64)>);

impl Purse {
    fn count(&mut self, ledger: &Ledger, mandate: &Mandate, now: UnixSeconds) {
        let (gives, takes) = ledger.moves(mandate, now);
        let sums = self.0.entry(mandate.currency).or_default();
        *sums = (sums.0.saturating_add(gives), sums.1.saturating_add(takes));
    }

    fn suffices(&self, ledger: &Ledger, order: &BatchOrder) -> bool {
        let account = super::books::Purse::Account(order.batch.account);
        self.0.iter().all(|(currency, (gives, takes))| {
            ledger.state.books.balance(&account, *currency).saturating_add(*gives) >= *takes
        })
    }
}

impl BatchPart {
    /// Its id.
    pub fn id(&self) -> PaperId {
        match self {
            Self::Mandate(paper) => paper.id(),
            Self::Suspension(paper) => paper.id(),
            Self::Resumption(paper) => paper.id(),
            Self::Revocation(paper) => paper.id(),
        }
    }

    fn account(&self) -> crate::id::AccountId {
        match self {
            Self::Mandate(paper) => paper.account,
            Self::Suspension(paper) => paper.account,
            Self::Resumption(paper) => paper.account,
            Self::Revocation(paper) => paper.account,
        }
    }
}
