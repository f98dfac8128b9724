//! Where decisions are kept. The unit is the batch: it is there whole, or not at all.

mod finder;
pub mod lease;
pub mod notes;
pub mod place;
pub mod postgres;
pub mod sqlite;

use std::collections::HashSet;

use lease::Lease;
use notes::Notes;
use purser_protocol::id::{AccountId, PaperId};
use purser_protocol::receipt::Receipt;
use purser_protocol::receipt::tree::{Tree, leaf_hash};

/// A batch that was decided and whose root is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Its number, from 0 without a gap.
    pub number: u64,
    /// When it was decided, in Unix seconds.
    pub decided_at_seconds: u64,
    /// The root of the tree of its claims.
    pub tree_root: [u8; 32],
    /// The signed root.
    pub root: Vec<u8>,
    /// Its decisions, in order.
    pub entries: Vec<Entry>,
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The paper that it answers.
    pub command: PaperId,
    /// What happened, encoded.
    pub event: Vec<u8>,
    /// What the receipt says, encoded.
    pub claims: Vec<u8>,
    /// What only the payer is told, encoded.
    pub detail: Option<Vec<u8>>,
    /// What was sent: the evidence.
    pub evidence: Vec<u8>,
    /// A paper that was made with the answer: the credential of an enrolment.
    pub made: Option<Vec<u8>>,
    /// The payment that it goes on with, under another paper than the intent.
    pub payment: Option<PaperId>,
    /// Who paid, where a payment was made: what an account's payments are found by.
    pub payer: Option<AccountId>,
}

/// An answer as it was decided, ready to be given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The receipt.
    pub receipt: Receipt,
    /// What only the payer is told.
    pub detail: Option<Vec<u8>>,
    /// The paper that was made with it.
    pub made: Option<Vec<u8>>,
}

/// Something of the past, to be applied again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Where it stands among all decisions.
    pub sequence: u64,
    /// The paper that it answered.
    pub command: PaperId,
    /// When, in Unix seconds.
    pub decided_at_seconds: u64,
    /// What happened, encoded.
    pub event: Vec<u8>,
}

/// Keeps batches.
///
/// When `sync` has returned, what was written is there after any crash; when one of the two fails, nothing may be
/// answered and nothing more decided by this process, since nobody knows what is on the disk.
pub trait Store: Send {
    /// Writes a batch. Until it is synced, a crash may leave it there whole, or not at all.
    fn write(&mut self, batch: &Batch) -> Result<(), StoreError>;
    /// Waits until what was written stays, whatever happens.
    fn sync(&mut self) -> Result<(), StoreError>;
    /// Keeps a batch, durably.
    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.write(batch)?;
        self.sync()
    }
    /// The secret that pseudonyms are made with: `fresh` at the first call, and the same ever after. It is no key's,
    /// so that a new key gives nobody a new name. [INT-1]
    fn pseudonym_secret(&mut self, fresh: [u8; 32]) -> Result<[u8; 32], StoreError>;
    /// Another handle on the same store, for reading beside the writer.
    fn reader(&self) -> Result<Box<dyn Reader>, StoreError>;
    /// What is remembered beside the decisions.
    fn notes(&self) -> Result<Box<dyn Notes>, StoreError>;
    /// How long this process owns the store; for as long as it lives, without one.
    fn lease(&self) -> Option<Lease> {
        None
    }
}

/// Reads what was committed.
pub trait Reader: Send {
    /// Gives the past after so many batches and this decision, to the last one as of one moment, and the root of
    /// each batch's tree.
    fn replay(
        &mut self,
        batches: u64,
        sequence: u64,
        past: &mut dyn FnMut(Past) -> Result<(), StoreError>,
        batch: &mut dyn FnMut([u8; 32]),
    ) -> Result<(), StoreError>;
    /// Which of these papers have an answer.
    fn decided(&mut self, papers: &[PaperId]) -> Result<HashSet<PaperId>, StoreError>;
    /// What happened to a payment, in order; nothing, where there is none.
    fn payment(&mut self, intent: &PaperId) -> Result<Vec<Past>, StoreError>;
    /// The payments that an account made then or later, newest first.
    fn payments_of(&mut self, payer: &AccountId, since_seconds: u64) -> Result<Vec<PaperId>, StoreError>;
    /// The latest answer to a paper.
    fn answer(&mut self, command: &PaperId) -> Result<Option<Answered>, StoreError>;
    /// What was first sent for a paper: the bytes of the message that it came in.
    fn evidence(&mut self, command: &PaperId) -> Result<Option<Vec<u8>>, StoreError>;
    /// The signed root of a batch.
    fn root(&mut self, batch: u64) -> Result<Option<Vec<u8>>, StoreError>;
    /// The roots of the trees of so many batches, from this one on.
    fn tree_roots(&mut self, first: u64, count: u64) -> Result<Vec<[u8; 32]>, StoreError>;
    /// The place of the last decision; 0 where there is none.
    fn last(&mut self) -> Result<u64, StoreError>;
    /// The decisions after this one, at most so many, each with the second in which it was decided.
    fn after(&mut self, sequence: u64, count: usize) -> Result<Vec<(u64, KeptEntry)>, StoreError>;
    /// The answer with the receipt of this id.
    fn answer_with(&mut self, receipt: &PaperId) -> Result<Option<Answered>, StoreError>;
    /// The receipt with this id.
    fn receipt(&mut self, id: &PaperId) -> Result<Option<Receipt>, StoreError>;
}

/// A batch as the store holds it, before anything of it is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptBatch {
    /// Its number.
    pub number: u64,
    /// When it was decided, in Unix seconds.
    pub decided_at_seconds: u64,
    /// The root of the tree of its claims.
    pub tree_root: Vec<u8>,
    /// The signed root.
    pub root: Vec<u8>,
    /// Its decisions, by their places.
    pub entries: Vec<KeptEntry>,
}

/// A decision as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptEntry {
    /// Where it stands among all decisions.
    pub sequence: u64,
    /// Which leaf of its batch it is.
    pub place: u64,
    /// The paper that it answers.
    pub command: Vec<u8>,
    /// The id of its receipt.
    pub receipt: Vec<u8>,
    /// What happened.
    pub event: Vec<u8>,
    /// What the receipt says.
    pub claims: Vec<u8>,
    /// What only the payer is told.
    pub detail: Option<Vec<u8>>,
    /// What was sent.
    pub evidence: Vec<u8>,
    /// The paper that was made with it.
    pub made: Option<Vec<u8>>,
    /// The payment that it is found by.
    pub payment: Option<Vec<u8>>,
    /// The payer that it is found by.
    pub payer: Option<Vec<u8>>,
}

/// All that a store holds, as of one moment, for whoever checks it.
pub trait Archive {
    /// What the store's own check of its files says; nothing when all is well.
    fn file_faults(&mut self) -> Result<Vec<String>, StoreError>;
    /// Gives every batch, by their numbers.
    fn batches(&mut self, each: &mut dyn FnMut(KeptBatch) -> Result<(), StoreError>) -> Result<(), StoreError>;
    /// How many decisions there are, of whatever batch.
    fn count_entries(&mut self) -> Result<u64, StoreError>;
    /// The secret that pseudonyms are made with, where there is one.
    fn pseudonym_secret(&mut self) -> Result<Option<[u8; 32]>, StoreError>;
}

/// The store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database says so.
    #[error("the store failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// The other database says so.
    #[error("the store failed: {}", described(.0))]
    Postgres(#[from] ::postgres::Error),
    /// Another process has taken the lease, or the lease is over: nothing was written.
    #[error("another process owns the store, or may")]
    Fenced,
    /// The database is on another machine, and the connection would not be private.
    #[error("the database must be reached by a local socket or on this machine: put a tunnel before another one")]
    Far,
    /// What is in it cannot be.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// It was written by another version.
    #[error(
        "the store has schema version {found}, this program reads {expected}: run the version that wrote it. Nothing \
         was changed"
    )]
    Version {
        /// The version in the store.
        found: i64,
        /// The version that this program reads.
        expected: i64,
    },
    /// Another process has it open.
    #[error("the store is in use by another process")]
    InUse,
    /// The wallet's view is being made of very many decisions.
    #[error("the wallet's view is not brought up yet")]
    Behind,
    /// What decisions are found by cannot be kept.
    #[error("the files beside the store: {0}")]
    Finder(std::io::Error),
    /// The system gave no thread.
    #[error("no thread for the store: {0}")]
    Thread(std::io::Error),
}

/// Only the files of the finder are read without a database.
impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        Self::Finder(error)
    }
}

impl StoreError {
    /// Whether the store could be opened, and what is in it is wrong.
    pub fn is_damage(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, TypeMismatch};
        match self {
            Self::Damaged(_) => true,
            Self::Database(rusqlite::Error::SqliteFailure(error, _)) => {
                matches!(error.code, DatabaseCorrupt | TypeMismatch)
            }
            Self::Database(
                rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::FromSqlConversionFailure(..),
            ) => true,
            _ => false,
        }
    }
}

/// What a database says stands behind its error's own words.
fn described(error: &::postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Puts a receipt together from the claims of its batch.
fn assemble(leaves: Vec<[u8; 32]>, index: usize, claims: Vec<u8>, root: Vec<u8>) -> Receipt {
    let path = Tree::new(leaves).path(index);
    Receipt { claims, index: index as u64, path, root }
}

/// The id of the receipt with these claims.
fn receipt_id(claims: &[u8]) -> [u8; 32] {
    leaf_hash(claims)
}
