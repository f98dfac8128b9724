//! What the ledger remembers.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::books::Books;
use super::event::{Asked, Late, Paid};
use crate::authorize::Standing;
use crate::authorize::counter::Counters;
use crate::field::List;
use crate::id::{AccountId, KeyId, LineageId, PaperId, PartyId, Pseudonym, ShortText};
use crate::limits::{CHAINS_MAX, OFFER_SECONDS_MAX, SKEW_SECONDS};
use crate::money::{Amount, Currency};
use crate::paper::mandate::Mandate;
use crate::paper::meter::{ChainRoot, Meter, Reached};
use crate::sign::PublicKey;
use crate::time::UnixSeconds;

/// A lineage of mandates, within its account.
pub type LineageKey = (AccountId, LineageId);

/// How long after its decision an offer could still be taken again; past that, it has expired whatever it said.
pub const TAKEN_SECONDS: u64 = OFFER_SECONDS_MAX + SKEW_SECONDS;

/// What can still change, or may be asked for by any decision.
///
/// A payment that is decided and holds nothing any more is not here: it stands in [`super::past::Past`], or in the
/// store, and is looked up when a paper names it. So the state grows with accounts and mandates, and not with time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Who owns which keys.
    pub accounts: HashMap<AccountId, AccountRecord>,
    /// Every key of an account, and of every holder of a mandate.
    pub keys: HashMap<KeyId, PublicKey>,
    /// Whose each key is, or was before it was retired. [SIG-28]
    pub owners: HashMap<KeyId, AccountId>,
    /// Where the money is.
    pub books: Books,
    /// Every mandate ever registered.
    pub mandates: HashMap<PaperId, MandateRecord>,
    /// What mandates and their replacements share.
    pub lineages: HashMap<LineageKey, Lineage>,
    /// Payments that wait, and those that hold something.
    pub payments: HashMap<PaperId, Payment>,
    /// The unrefused intent of an account for an offer, as long as the offer can be open. [AUT-60]
    pub taken: HashMap<(AccountId, PaperId), PaperId>,
    /// When what is taken need not be known any more.
    pub taken_until: BTreeSet<(UnixSeconds, AccountId, PaperId)>,
    /// The batch that each part of one came in: its receipt is the part's answer.
    pub batches: HashMap<PaperId, PaperId>,
    /// Disputes that are open, by their payments.
    pub disputes: HashMap<PaperId, Disputing>,
    /// Payments that were disputed, and are not any more: nobody disputes one twice. [DSP-3]
    pub disputed: HashSet<PaperId>,
    /// What has a time: holds that end, answers that come too late, envelopes that close.
    pub due: BTreeSet<(UnixSeconds, Due)>,
    /// The latest time at which something was decided; the clock never runs back.
    pub clock: Option<UnixSeconds>,
}

/// An account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccountRecord {
    /// Its keys, and when their credentials expire.
    pub keys: HashMap<KeyId, (PublicKey, UnixSeconds)>,
    /// Its earlier keys, and when their credentials expire: what they signed stands. [WAL-31]
    pub retired: HashMap<KeyId, UnixSeconds>,
    /// Merchants that it has paid.
    pub merchants: HashSet<PartyId>,
    /// Whether nothing may leave it.
    pub frozen: bool,
}

/// A mandate.
#[derive(Clone, Debug, PartialEq)]
pub struct MandateRecord {
    /// What it says.
    pub mandate: Mandate,
    /// The key that signed it.
    pub signer: PublicKey,
    /// The suspensions that stand, and how low in the chain their signers do. They are at the latest version of
    /// the lineage.
    pub suspensions: Vec<(PaperId, u64)>,
    /// When it was registered.
    pub registered_at: UnixSeconds,
    /// The envelope that this version pays from, by its number. It may have closed since.
    pub envelope: Option<u32>,
}

/// What mandates and their replacements share.
#[derive(Clone, Debug, PartialEq)]
pub struct Lineage {
    /// The latest version.
    pub latest: PaperId,
    /// Whether it has ended.
    pub revoked: bool,
    /// What was spent.
    pub counters: Counters,
    /// Holds that are open.
    pub holds_open: u32,
    /// Payments that wait for the person.
    pub pending: usize,
    /// Its envelope, by number, while one is open. What comes back after it has closed goes to the account, even
    /// when another has been opened since.
    pub envelope: Option<u32>,
    /// How many envelopes it has had.
    pub envelopes: u32,
}

impl Lineage {
    /// One that begins with this mandate.
    pub(super) fn new(first: PaperId) -> Self {
        Self {
            latest: first,
            revoked: false,
            counters: Counters::default(),
            holds_open: 0,
            pending: 0,
            envelope: None,
            envelopes: 0,
        }
    }
}

/// An intent that was decided, or waits.
#[derive(Clone, Debug, PartialEq)]
pub enum Payment {
    /// It waits for the person.
    Pending(Box<Asked>),
    /// It was refused, or cancelled before it was decided.
    Closed {
        /// Who would have paid.
        account: AccountId,
        /// Under which mandate.
        mandate: PaperId,
    },
    /// Money moved.
    Made(Box<Made>),
}

impl Payment {
    /// Who pays, or would have paid.
    pub fn account(&self) -> AccountId {
        match self {
            Self::Pending(asked) => asked.account,
            Self::Closed { account, .. } => *account,
            Self::Made(made) => made.account,
        }
    }
}

/// A payment that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Who paid.
    pub account: AccountId,
    /// The chain, root first: mandate, lineage, grant.
    pub links: Vec<(PaperId, LineageId, Option<u8>)>,
    /// The offer.
    pub offer: PaperId,
    /// Who is paid.
    pub merchant: PartyId,
    /// At which account.
    pub payee: ShortText,
    /// How much was authorized.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
    /// When it was decided.
    pub decided_at: UnixSeconds,
    /// Until when the rest is held.
    pub hold_until: Option<UnixSeconds>,
    /// What the merchant got, in minor units.
    pub captured_minor: u64,
    /// What the merchant gave back, in minor units.
    pub refunded_minor: u64,
    /// How the hold stands.
    pub hold: Hold,
    /// The envelope that it was paid from, by its number.
    pub envelope: Option<u32>,
    /// The payer, as the merchant knows it.
    pub pseudonym: Pseudonym,
    /// What it pays by the link, while something is held.
    pub metered: Option<Box<Metered>>,
}

/// What an issuer remembers of a metered session.
#[derive(Clone, Debug, PartialEq)]
pub struct Metered {
    /// What the offer says.
    pub meter: Meter,
    /// The chains of the intent.
    pub chains: List<ChainRoot, CHAINS_MAX>,
    /// The last link of each chain of which one was claimed.
    pub reached: Vec<Reached>,
    /// When its grace ends, where a mandate of its chain was revoked.
    pub ends_at: Option<UnixSeconds>,
}

impl Made {
    /// A payment as it was made: all of it held, or all of it captured.
    pub(super) fn new(paid: &Paid, envelope: Option<u32>, at: UnixSeconds) -> Self {
        let grant = |grant: &Option<u64>| grant.and_then(|grant| u8::try_from(grant).ok());
        let settled = paid.hold_until.0.is_none();
        Self {
            account: paid.account,
            links: paid.links.iter().map(|link| (link.mandate, link.lineage, grant(&link.grant.0))).collect(),
            offer: paid.offer,
            merchant: paid.merchant.clone(),
            payee: paid.payee.clone(),
            amount: paid.amount,
            currency: paid.currency,
            decided_at: at,
            hold_until: paid.hold_until.0,
            captured_minor: if settled { paid.amount.minor() } else { 0 },
            refunded_minor: 0,
            hold: if settled { Hold::Captured } else { Hold::Open },
            envelope,
            pseudonym: paid.pseudonym,
            metered: None,
        }
    }

    /// The same payment out of a refund that carries it; nothing, where no payment can be so.
    pub(super) fn of_late(late: &Late, envelope: Option<u32>) -> Option<Self> {
        let hold = Hold::from_number(late.hold)?;
        let (captured_minor, refunded_minor) = (late.captured_minor, late.refunded_minor);
        let made = Self { captured_minor, refunded_minor, hold, ..Self::new(&late.paid, envelope, late.decided_at) };
        let fits = hold != Hold::Open && captured_minor <= made.amount.minor() && refunded_minor <= captured_minor;
        fits.then_some(made)
    }

    /// The first second at which nothing is held any more, of a hold.
    pub fn ends_at(&self) -> Option<UnixSeconds> {
        let grace = self.metered.as_ref().and_then(|metered| metered.ends_at);
        self.hold_until.map(|until| grace.map_or(until, |grace| grace.min(until))) // [TOK-16]
    }

    /// What is still held, in minor units.
    pub fn held_minor(&self) -> u64 {
        if self.hold == Hold::Open { self.amount.minor().saturating_sub(self.captured_minor) } else { 0 }
    }
}

/// A dispute that is open. Nothing else happens to its payment meanwhile.
#[derive(Clone, Debug, PartialEq)]
pub struct Disputing {
    /// The dispute.
    pub dispute: PaperId,
    /// The payment.
    pub made: Made,
    /// How much is claimed.
    pub amount: Amount,
    /// How much of it is set apart, in minor units.
    pub apart_minor: u64,
    /// Whether the merchant has answered.
    pub answered: bool,
    /// When it ends by itself.
    pub ends_at: UnixSeconds,
}

/// How a hold stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Something is held.
    Open = 0,
    /// All was captured, or the last capture was made.
    Captured = 1,
    /// The merchant gave the rest up.
    Voided = 2,
    /// Its time came.
    Expired = 3,
}

impl Hold {
    /// As it is kept.
    pub(super) const fn number(self) -> u64 {
        self as u64
    }

    pub(super) const fn from_number(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::Open),
            1 => Some(Self::Captured),
            2 => Some(Self::Voided),
            3 => Some(Self::Expired),
            _ => None,
        }
    }
}

/// What comes due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// The hold of a payment ends.
    Hold(PaperId),
    /// A pending payment lapses.
    Answer(PaperId),
    /// The window of a funded mandate closes.
    Envelope(PaperId),
    /// The answer to a dispute, or its ruling, comes too late.
    Dispute(PaperId),
}

impl State {
    /// A key is an account's from now on. Where a store of before has it in two, it is the lesser's.
    pub(super) fn owned(&mut self, key: KeyId, account: AccountId) {
        self.owners.entry(key).and_modify(|known| *known = account.min(*known)).or_insert(account);
    }

    /// How many things it holds: what its memory, and the reading of a snapshot, grow with.
    pub fn objects(&self) -> usize {
        let accounts = self
            .accounts
            .values()
            .map(|account| 1 + account.keys.len() + account.retired.len() + account.merchants.len());
        let counters = self.lineages.values().map(|lineage| 1 + lineage.counters.size());
        let taken = self.taken.len() + self.taken_until.len() + self.disputes.len() + self.disputed.len();
        let rest =
            self.keys.len() + self.mandates.len() + self.payments.len() + self.due.len() + self.batches.len() + taken;
        accounts.sum::<usize>() + counters.sum::<usize>() + self.books.iter().count() + rest
    }

    /// The envelope that payments of these links are paid from, root first.
    pub(super) fn envelope_of(&self, root: Option<&PaperId>) -> Option<u32> {
        self.mandates.get(root?)?.envelope
    }

    /// Whether a mandate can be spent, its lineage and its suspensions considered; not those above it.
    pub fn standing(&self, id: &PaperId, record: &MandateRecord) -> Standing {
        match self.lineages.get(&(record.mandate.account, record.mandate.lineage)) {
            None => Standing::Revoked,
            Some(lineage) if lineage.revoked => Standing::Revoked,
            Some(lineage) if lineage.latest != *id => Standing::Superseded,
            Some(_) if !record.suspensions.is_empty() => Standing::Suspended, // [REV-4]
            Some(_) => Standing::Active,
        }
    }

    /// The latest version of a mandate's lineage.
    pub fn latest(&self, mandate: &PaperId) -> Option<(PaperId, &MandateRecord)> {
        let record = self.mandates.get(mandate)?;
        let latest = self.lineages.get(&(record.mandate.account, record.mandate.lineage))?.latest;
        Some((latest, self.mandates.get(&latest)?))
    }

    /// The mandates from the root to this one; `None` when one of them is not registered.
    pub fn chain(&self, leaf: &PaperId) -> Option<Vec<(PaperId, &MandateRecord)>> {
        let mut chain = Vec::new();
        let mut next = Some(*leaf);
        while let Some(id) = next {
            let record = self.mandates.get(&id)?;
            chain.push((id, record));
            // A parent is registered before its child, so that this ends.
            next = record.mandate.parent;
        }
        chain.reverse();
        Some(chain)
    }
}
