//! Mandates: registered, replaced, suspended, resumed, revoked.

use super::books::Purse;
use super::event::{Event, MandatesChanged, Many, Registered};
use super::state::MandateRecord;
use super::{Draft, Ledger, Record};
use crate::code::{Code, Stage};
use crate::fault::{Fault, Part};
use crate::field::{Bytes, List};
use crate::id::{AccountId, Nonce, PaperId, PartyId};
use crate::limits::{CHAIN_MAX, MANDATE_SECONDS_MAX};
use crate::money::Amount;
use crate::paper::command::{Resumption, Revocation, Suspension};
use crate::paper::mandate::{Holder, Mandate};
use crate::sign::{Paper, PublicKey, Verified};
use crate::time::UnixSeconds;

impl Ledger {
    pub(super) fn register(&self, paper: &Verified<Mandate>, now: UnixSeconds, salt: Nonce) -> Result<Draft, Fault> {
        self.register_with(paper, Funds::OfTheAccount, now, salt)
    }

    /// Registers a mandate that comes alone, or as a part of a batch.
    pub(super) fn register_with(
        &self,
        paper: &Verified<Mandate>,
        funds: Funds,
        now: UnixSeconds,
        salt: Nonce,
    ) -> Result<Draft, Fault> {
        let id = paper.id();
        if let Some(answer) = self.answer_to(&id).or_else(|| self.state.mandates.contains_key(&id).then_some(id)) {
            return Ok(Draft::Known(answer));
        }
        self.signed_by_right(paper)?;
        let record = match self.may_register(paper, funds, now) {
            Ok(()) => {
                let payload = Bytes(paper.payload());
                let begun = Many(self.begun(paper, now));
                let event = Event::Registered(Registered { mandate: id, signer: paper.key(), payload, begun });
                Record::done(id, event, now, salt) // [MAN-17]
            }
            Err(code) if code.standing() == crate::code::Standing::NotDecided => {
                return Err(Fault::new(code).within(Part::Mandate(0)));
            }
            Err(code) => Record::command_refused(id, code, now, salt),
        };
        Ok(Draft::Decided(Box::new(record)))
    }

    /// Whether this mandate is new, and is registered as things stand.
    pub(super) fn will_register(&self, paper: &Verified<Mandate>, funds: Funds, now: UnixSeconds) -> bool {
        let id = paper.id();
        let is_new = self.answer_to(&id).is_none() && !self.state.mandates.contains_key(&id);
        is_new && self.signed_by_right(paper).is_ok() && self.may_register(paper, funds, now).is_ok()
    }

    /// A root is signed by a key of its account, any other by the holder of the mandate above. [SIG-12]
    fn signed_by_right(&self, paper: &Verified<Mandate>) -> Result<(), Fault> {
        let by_right = match paper.parent {
            None => self.owns(paper.account, &paper.key()),
            Some(parent) => {
                let parent = self.state.mandates.get(&parent);
                let parent = parent.ok_or_else(|| Fault::new(Code::MandateUnknown).within(Part::Mandate(0)))?;
                parent.mandate.holder == Holder::Agent(paper.key())
            }
        };
        if by_right { Ok(()) } else { Err(Fault::new(Code::MandateSigner).within(Part::Mandate(0))) }
    }

    fn may_register(&self, mandate: &Mandate, funds: Funds, now: UnixSeconds) -> Result<(), Code> {
        let window = mandate.window().ok_or(Code::FieldConflict)?;
        if window.seconds() > MANDATE_SECONDS_MAX {
            return Err(Code::LifetimeExceeded); // [AUT-28]
        }
        if now >= mandate.expires_at {
            return Err(Code::MandateExpired); // [AUT-21]
        }
        if mandate.issued_at.is_future(now) {
            return Err(Code::MandateNotYetValid); // [MAN-15]
        }
        if mandate.issuer != self.settings.issuer {
            return Err(Code::AudienceMismatch); // [AUT-30]
        }
        self.may_stand_below(mandate)?;
        self.continues_lineage(mandate)?;
        if self.is_frozen(mandate.account) {
            return Err(Code::AccountFrozen); // [WAL-41]
        }
        self.can_fund(mandate, funds, now)
    }

    fn may_stand_below(&self, mandate: &Mandate) -> Result<(), Code> {
        let Some(parent) = mandate.parent else { return Ok(()) };
        let chain = self.state.chain(&parent).ok_or(Code::MandateUnknown)?;
        if chain.iter().any(|(_, record)| record.mandate.account != mandate.account) {
            return Err(Code::AccountMismatch); // [AUT-31]
        }
        if chain.len() >= CHAIN_MAX {
            return Err(Code::ChainTooLong); // [AUT-46]
        }
        let revoked = |(id, record): &(PaperId, &MandateRecord)| {
            self.state.standing(id, record) == crate::authorize::Standing::Revoked
        };
        if chain.iter().any(revoked) {
            return Err(Code::MandateRevoked); // [MAN-27]
        }
        match chain.last() {
            Some((_, parent)) if parent.mandate.currency != mandate.currency => Err(Code::CurrencyMismatch), // [MAN-28]
            Some((_, parent)) if parent.mandate.offer.is_some() => Err(Code::DelegationForbidden),           // [AUT-37]
            _ => Ok(()),
        }
    }

    /// The first of its lineage, or the next version of it. [MAN-20] [MAN-21]
    fn continues_lineage(&self, mandate: &Mandate) -> Result<(), Code> {
        let lineage = self.state.lineages.get(&(mandate.account, mandate.lineage));
        let latest = lineage.and_then(|lineage| self.state.mandates.get(&lineage.latest));
        let (Some(lineage), Some(latest)) = (lineage, latest) else {
            return if mandate.serial.get() == 1 { Ok(()) } else { Err(Code::LineageBroken) };
        };
        if lineage.revoked {
            return Err(Code::MandateRevoked); // [MAN-16]
        }
        if mandate.serial <= latest.mandate.serial {
            return Err(Code::MandateConflict);
        }
        // The mandate above may have been replaced since: its lineage must be the same.
        let above = |mandate: &Mandate| {
            mandate.parent.map(|parent| self.state.mandates.get(&parent).map(|record| record.mandate.lineage))
        };
        let continues = mandate.replaces == Some(lineage.latest)
            && Some(mandate.serial) == latest.mandate.serial.checked_add(1)
            && mandate.currency == latest.mandate.currency
            && above(mandate) == above(&latest.mandate);
        if continues { Ok(()) } else { Err(Code::LineageBroken) }
    }

    /// The money for the envelope is there; and what is taken back out of it still is. [QTA-4]
    fn can_fund(&self, mandate: &Mandate, funds: Funds, now: UnixSeconds) -> Result<(), Code> {
        let balance = |purse: &Purse| self.state.books.balance(purse, mandate.currency);
        let (account, envelope) = (Purse::Account(mandate.account), Purse::Envelope(mandate.account, mandate.lineage));
        let (gives, takes) = self.moves(mandate, now);
        let closed = self.closes_envelope(mandate, now);
        let less = closed || gives <= balance(&envelope);
        let back = if closed { gives } else { 0 };
        let more = funds == Funds::OfTheBatch || takes <= balance(&account) + back;
        if less && more { Ok(()) } else { Err(Code::InsufficientFunds) }
    }

    /// What the registration of a mandate gives back to its account, and takes from it, in minor units.
    pub(super) fn moves(&self, mandate: &Mandate, now: UnixSeconds) -> (u64, u64) {
        let has = mandate.funded.map_or(0, Amount::minor);
        if self.closes_envelope(mandate, now) {
            let envelope = Purse::Envelope(mandate.account, mandate.lineage);
            return (self.state.books.balance(&envelope, mandate.currency), has);
        }
        let lineage = self.state.lineages.get(&(mandate.account, mandate.lineage));
        let had = self.state.funded_minor(lineage.map(|lineage| &lineage.latest));
        (had.saturating_sub(has), has.saturating_sub(had))
    }

    /// Whether the version before has expired: its envelope closes with it, whether or not that was seen to yet.
    /// [QTA-6]
    fn closes_envelope(&self, mandate: &Mandate, now: UnixSeconds) -> bool {
        let lineage = self.state.lineages.get(&(mandate.account, mandate.lineage));
        let before = lineage.and_then(|lineage| self.state.mandates.get(&lineage.latest));
        before.is_some_and(|before| before.mandate.expires_at <= now)
    }

    pub(super) fn suspend(&self, paper: &Verified<Suspension>, now: UnixSeconds, salt: Nonce) -> Result<Record, Fault> {
        let (id, key) = (paper.id(), paper.key());
        let levels =
            self.levels(&paper.issuer, paper.issued_at, paper.account, &paper.mandates, &key, now, Holders::No)?;
        let changed = changed(&paper.mandates, id, levels)?;
        Ok(Record::done(id, Event::Suspended(changed), now, salt))
    }

    /// Lifts a suspension by its signer or one above. [CMD-12]
    pub(super) fn resume(&self, paper: &Verified<Resumption>, now: UnixSeconds, salt: Nonce) -> Result<Record, Fault> {
        let (id, key) = (paper.id(), paper.key());
        let levels =
            self.levels(&paper.issuer, paper.issued_at, paper.account, &paper.mandates, &key, now, Holders::No)?;
        let mut stands_on_all = true;
        for (mandate, level) in paper.mandates.iter().zip(&levels) {
            // Whichever version is named, the lineage is meant. [REV-2]
            let (_, record) = self.state.latest(mandate).ok_or_else(|| Fault::new(Code::MandateUnknown))?;
            match record.suspensions.iter().find(|(suspension, _)| *suspension == paper.suspension) {
                Some((_, by)) if by < level => return Err(Fault::new(Code::CommandSigner).within(Part::Command)), // [SIG-14]
                Some(_) => {}
                None => stands_on_all = false,
            }
        }
        if !stands_on_all {
            return Ok(Record::command_refused(id, Code::SuspensionUnknown, now, salt)); // [CMD-12]
        }
        let changed = changed(&paper.mandates, paper.suspension, levels)?;
        Ok(Record::done(id, Event::Resumed(changed), now, salt))
    }

    pub(super) fn revoke(&self, paper: &Verified<Revocation>, now: UnixSeconds, salt: Nonce) -> Result<Record, Fault> {
        let (id, key) = (paper.id(), paper.key());
        let levels =
            self.levels(&paper.issuer, paper.issued_at, paper.account, &paper.mandates, &key, now, Holders::Yes)?;
        let changed = changed(&paper.mandates, id, levels)?;
        Ok(Record::done(id, Event::Revoked(changed), now, salt))
    }

    /// How high above each mandate the signer of a command stands; who stands nowhere may not give it.
    #[expect(clippy::too_many_arguments, reason = "the fields that three commands share")]
    fn levels(
        &self,
        issuer: &PartyId,
        issued_at: UnixSeconds,
        account: AccountId,
        mandates: &[PaperId],
        key: &PublicKey,
        now: UnixSeconds,
        holders: Holders,
    ) -> Result<Vec<u64>, Fault> {
        self.command_in_time(issuer, issued_at, now)?;
        let chain = |mandate: &PaperId| {
            // Who held an earlier version stands above the lineage no more.
            let (latest, _) = self.state.latest(mandate)?;
            let chain = self.state.chain(&latest)?;
            Some(chain).filter(|chain| chain.first().is_some_and(|(_, root)| root.mandate.account == account))
        };
        let chains = mandates.iter().map(chain).collect::<Option<Vec<_>>>();
        // Its signer was found: what is unknown here binds the command to no mandate. [REV-1] [CMD-17]
        let unknown = || Fault::new(Code::MandateUnknown).at_stage(Stage::Mandate).within(Part::Command);
        let chains = chains.ok_or_else(unknown)?;
        let level = |chain: Vec<(PaperId, &MandateRecord)>| {
            // Of the root, its account is above: a key that signed it and is the account's no more is nobody. [WAL-31]
            let below = chain.iter().skip(1).position(|(_, record)| record.signer == *key);
            let above = below.map(|place| place + 1).or_else(|| {
                let holds = |record: &MandateRecord| record.mandate.holder == Holder::Agent(*key);
                chain.last().filter(|(_, record)| holders == Holders::Yes && holds(record)).map(|_| chain.len())
            });
            let level = if self.owns(account, key) { Some(0) } else { above };
            level.map(|level| level as u64).ok_or_else(|| Fault::new(Code::CommandSigner).within(Part::Command)) // [SIG-14]
        };
        chains.into_iter().map(level).collect()
    }

    /// A paper that a key of the account must sign is refused once it is not one any more: its signature was checked
    /// before the command waited for its turn. [CMD-15] [WAL-31]
    pub(super) fn is_still_of(&self, account: AccountId, key: &PublicKey) -> Result<(), Fault> {
        let fault = || Fault::new(Code::AccountUnknown).within(Part::Command);
        if self.owns(account, key) { Ok(()) } else { Err(fault()) }
    }

    pub(super) fn owns(&self, account: AccountId, key: &PublicKey) -> bool {
        self.state.accounts.get(&account).is_some_and(|account| account.keys.contains_key(&key.id()))
    }
}

/// Where the money for an envelope comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Funds {
    /// From what the account has free.
    OfTheAccount,
    /// From that and from what the batch gives back, which is asked of the whole batch. [WAL-25]
    OfTheBatch,
}

/// Whether the holder of a mandate may give a command about it: it may give it up, and nothing else.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holders {
    No,
    Yes,
}

fn changed(mandates: &[PaperId], by: PaperId, levels: Vec<u64>) -> Result<MandatesChanged, Fault> {
    let limit = || Fault::new(Code::CborLimit);
    let mandates = List::new(mandates.to_vec()).ok_or_else(limit)?;
    Ok(MandatesChanged { mandates, by, levels: List::new(levels).ok_or_else(limit)? })
}
