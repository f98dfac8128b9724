//! What a shop remembers, as traits: [`book::Book`] keeps it in a file of SQLite or in a PostgreSQL, which several
//! processes share, and another store can take its place.
//!
//! Everything is called between [`Offers::begin`] and [`Offers::commit`] where it writes. What has been committed is
//! there after any crash.

pub mod book;
mod codes;
pub mod database;
mod debts;
mod orders;
pub mod postgres;
pub mod sqlite;

use std::path::Path;

use purser_protocol::flow::merchant::{Consumed, OfferMade};
use purser_protocol::id::{Nonce, PaperId, PartyId};
use purser_protocol::money::{Amount, Currency};
use purser_protocol::time::UnixSeconds;

use crate::error::StoreError;

/// All that a shop remembers.
pub trait Store: Offers + Codes + Debts + Orders + Notices + Send {
    /// Another handle on the same store.
    fn again(&self) -> Result<Box<dyn Store>, StoreError>;
    /// The receipts of an issuer for sales, and its answers to commands, of which the first or the last may be of a
    /// time from `since` to just before `until`.
    fn receipts(&self, issuer: &PartyId, since: UnixSeconds, until: UnixSeconds) -> Result<Vec<Vec<u8>>, StoreError>;
}

/// Opens the book of a shop, or makes it: in the database of a URL that begins with `postgresql://`, or in a file,
/// whose path starts in this folder.
pub fn open(store: &Path, folder: &Path) -> Result<Box<dyn Store>, StoreError> {
    match store.to_str().filter(|text| text.starts_with("postgresql://")) {
        Some(url) => aside(|| Ok(Box::new(book::Book::of(postgres::Postgres::open(url)?)) as Box<dyn Store>)),
        None => Ok(Box::new(book::Book::of(sqlite::Sqlite::open(&folder.join(store))?))),
    }
}

/// Waits for a database on a thread of its own: its client cannot wait where tasks run.
pub(crate) fn aside<T: Send>(work: impl FnOnce() -> Result<T, StoreError> + Send) -> Result<T, StoreError> {
    let done = std::thread::scope(|scope| scope.spawn(work).join());
    done.unwrap_or_else(|_| Err(StoreError::Damaged("a thread died while it opened it".into())))
}

/// An offer, and the salt that binds it to its request.
#[derive(Clone, Debug)]
pub struct Made {
    /// The offer, and how it stands.
    pub offer: OfferMade,
    /// The salt.
    pub salt: Nonce,
    /// Whether it is captured when it has been delivered.
    pub captured: bool,
}

/// What an offer is consumed for, and what is given for it.
#[derive(Clone, Debug)]
pub struct Sale {
    /// The offer.
    pub offer: PaperId,
    /// What consumed it.
    pub by: Consumed,
    /// When the issuer decided.
    pub decided_at: UnixSeconds,
    /// The receipt.
    pub receipt: Vec<u8>,
    /// What was given; none while it is being made.
    pub goods: Option<Goods>,
    /// Until when somebody makes it; meaningless when it is made.
    pub working_until: UnixSeconds,
}

/// What was given: the same bytes each time that somebody asks with the same receipt. [HTB-17]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goods {
    /// The status of the answer.
    pub status: u16,
    /// The fields that are kept of its header.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
    /// The signed delivery.
    pub delivery: Vec<u8>,
}

/// How many offers that nobody has taken are remembered, and for how long after their end.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How many.
    pub offers_max: u64,
    /// How long.
    pub remember_seconds: u64,
}

/// The offers that were made, and what each was consumed by.
pub trait Offers {
    /// Begins a transaction that will write: it waits for its turn here, and nowhere later.
    fn begin(&mut self) -> Result<(), StoreError>;
    /// Ends it; when this returns, what was written is on the disk.
    fn commit(&mut self) -> Result<(), StoreError>;
    /// Ends it, and leaves all as it was.
    fn roll_back(&mut self);
    /// Keeps an offer before it is shown; `false` when there are too many. [INT-22]
    fn keep(&mut self, made: &Made, now: UnixSeconds, bounds: Bounds) -> Result<bool, StoreError>;
    /// An offer, and how it stands.
    fn find(&self, id: &PaperId) -> Result<Option<Made>, StoreError>;
    /// Takes an offer back that nobody has taken; `false` when somebody has, or it is not known.
    fn withdraw(&self, id: &PaperId) -> Result<bool, StoreError>;
    /// Consumes an offer; `false` when something else has, or when it is gone. [FLW-6]
    fn consume(&self, sale: &Sale) -> Result<bool, StoreError>;
    /// What an offer was consumed for.
    fn sale(&self, id: &PaperId, by: &Consumed) -> Result<Option<Sale>, StoreError>;
    /// Begins to make once more what nobody is making any more; `false` when somebody was quicker.
    fn resume(&self, sale: &Sale, until: UnixSeconds) -> Result<bool, StoreError>;
    /// Keeps what was made; `false` when something is there already.
    fn deliver(&self, sale: &Sale) -> Result<bool, StoreError>;
    /// Nobody makes it any more.
    fn release(&self, sale: &Sale) -> Result<(), StoreError>;
    /// The sale of a payment, with its offer.
    fn paid(&self, intent: &PaperId) -> Result<Option<(Made, Sale)>, StoreError>;
    /// The last sales, the latest first.
    fn sales(&self, limit: u64) -> Result<Vec<(Made, Sale)>, StoreError>;
}

/// What a code leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coded {
    /// Its short id.
    pub short: String,
    /// Its offer.
    pub offer: PaperId,
    /// What is given for it.
    pub goods: Vec<u8>,
}

/// The codes that were made. One is forgotten with its offer.
pub trait Codes {
    /// Keeps a code, before it is shown.
    fn keep_code(&self, coded: &Coded) -> Result<(), StoreError>;
    /// The code of a short id.
    fn code(&self, short: &str) -> Result<Option<Coded>, StoreError>;
}

/// A payment for which nothing was given.
#[derive(Clone, Debug)]
pub struct Debt {
    /// Where it was paid.
    pub issuer: PartyId,
    /// The payment.
    pub intent: PaperId,
    /// How much.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
    /// Whether the money is still held: then it is let go, and was never ours.
    pub held: bool,
}

/// A debt, and the signed command by which it is paid: the same bytes are sent until they are answered.
#[derive(Clone, Debug)]
pub struct Owed {
    /// The debt.
    pub debt: Debt,
    /// The command.
    pub command: Vec<u8>,
    /// When it was made.
    pub made_at: UnixSeconds,
}

/// How a debt or an order stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The issuer has not answered.
    Open,
    /// It has: `refunded`, `voided`, `captured`, or the slug of what there was nothing to move for.
    Ended(String),
}

/// The money that must go back. A debt ends with its issuer's answer. [FLW-7]
pub trait Debts {
    /// How the debt of a payment stands; `None` when there is none.
    fn debt(&self, issuer: &PartyId, intent: &PaperId) -> Result<Option<Standing>, StoreError>;
    /// Keeps a debt. A payment has one, and the first command for it stands.
    fn owe(&self, owed: &Owed) -> Result<(), StoreError>;
    /// The debts at an issuer that it has not answered for.
    fn owed_at(&self, issuer: &PartyId) -> Result<Vec<Owed>, StoreError>;
    /// Takes another command in place of one that cannot do any more: to give back what is not held any more, it may be.
    fn renew(&self, before: &[u8], after: &Owed) -> Result<(), StoreError>;
    /// Ends a debt, with the receipt that says how.
    fn end(&self, debt: &Debt, end: &str, answer: &[u8]) -> Result<(), StoreError>;
}

/// A command that the shop gives: capture, void, refund or payout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub id: PaperId,
    /// To whom.
    pub issuer: PartyId,
    /// About which payment; none of a payout.
    pub intent: Option<PaperId>,
    /// Its bytes.
    pub command: Vec<u8>,
    /// When it was made.
    pub made_at: UnixSeconds,
}

/// What issuers have told.
pub trait Notices {
    /// The number of the last notice of an issuer that was taken; 0 for none.
    fn last_notice(&self, issuer: &PartyId) -> Result<u64, StoreError>;
    /// A notice was taken.
    fn take_notice(&self, issuer: &PartyId, number: u64) -> Result<(), StoreError>;
}

/// The commands that the shop gives. Each is kept before it is sent, and sent until it is answered.
pub trait Orders {
    /// Keeps an order.
    fn order(&self, order: &Order) -> Result<(), StoreError>;
    /// How an order stands.
    fn order_standing(&self, id: &PaperId) -> Result<Option<Standing>, StoreError>;
    /// The orders at an issuer that it has not answered.
    fn orders_at(&self, issuer: &PartyId) -> Result<Vec<Order>, StoreError>;
    /// Ends an order, with the receipt that says how.
    fn end_order(&self, id: &PaperId, end: &str, answer: &[u8]) -> Result<(), StoreError>;
}
