//! Where a store is: a file, or a database.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::notes::{Notes, PostgresNotes, SqliteNotes};
use super::postgres::{Postgres, PostgresArchive, PostgresReader};
use super::sqlite::{Sqlite, SqliteArchive, SqliteReader};
use super::{Archive, Batch, Entry, KeptBatch, KeptEntry, Reader, Store, StoreError};

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file of SQLite.
    Sqlite(PathBuf),
    /// A database of PostgreSQL, by its URL.
    Postgres(String),
}

impl Place {
    /// A URL that begins with `postgresql://`, or a file.
    pub fn of(text: &Path) -> Self {
        match text.to_str().filter(|text| text.starts_with("postgresql://")) {
            Some(url) => Self::Postgres(url.to_owned()),
            None => Self::Sqlite(text.to_owned()),
        }
    }

    /// Opens the store for its one owner, or makes it. Of a database that has an owner this waits until its lease is
    /// over.
    pub fn open(&self, lease: Duration) -> Result<Box<dyn Store>, StoreError> {
        Ok(match self {
            Self::Sqlite(path) => Box::new(Sqlite::open(path)?),
            Self::Postgres(url) => Box::new(Postgres::open(url, lease)?),
        })
    }

    /// Reads what is there, beside its owner or without one.
    pub fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        Ok(match self {
            Self::Sqlite(path) => Box::new(SqliteReader::open(path)?),
            Self::Postgres(url) => Box::new(PostgresReader::open(url)?),
        })
    }

    /// What is remembered there beside the decisions.
    pub fn notes(&self) -> Result<Box<dyn Notes>, StoreError> {
        Ok(match self {
            Self::Sqlite(path) => Box::new(SqliteNotes::open(path)?),
            Self::Postgres(url) => Box::new(PostgresNotes::open(url)?),
        })
    }

    /// All of it, as of one moment.
    pub fn archive(&self) -> Result<Box<dyn Archive>, StoreError> {
        Ok(match self {
            Self::Sqlite(path) => Box::new(SqliteArchive::open(path)?),
            Self::Postgres(url) => Box::new(PostgresArchive::open(url)?),
        })
    }
}

/// Does work that waits for a database on a thread of its own: its client cannot wait where tasks run.
pub fn aside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    match std::thread::scope(|scope| scope.spawn(work).join()) {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Copies what is remembered beside the decisions.
pub fn copy_notes(from: &mut dyn Notes, to: &mut dyn Notes) -> Result<(), StoreError> {
    from.find("", 0)?.iter().try_for_each(|note| to.keep(&note.name, &note.note, note.until_seconds))
}

/// Copies a store into an empty one; how many batches. What is copied is not judged: the audit does that.
pub fn copy(from: &mut dyn Archive, to: &mut dyn Store) -> Result<u64, StoreError> {
    if to.reader()?.root(0)?.is_some() {
        return Err(StoreError::Damaged("there is something in the store that should be copied to".into()));
    }
    if let Some(secret) = from.pseudonym_secret()?
        && to.pseudonym_secret(secret)? != secret
    {
        return Err(StoreError::Damaged("the store that should be copied to has a secret of its own".into()));
    }
    let mut batches = 0;
    from.batches(&mut |batch| {
        batches += 1;
        to.commit(&batch_of(batch)?)
    })?;
    Ok(batches)
}

fn batch_of(kept: KeptBatch) -> Result<Batch, StoreError> {
    let KeptBatch { number, decided_at_seconds, tree_root, root, entries } = kept;
    let entries = entries.into_iter().map(|kept: KeptEntry| {
        Ok(Entry {
            command: purser_protocol::id::PaperId(exact(&kept.command)?),
            event: kept.event,
            claims: kept.claims,
            detail: kept.detail,
            evidence: kept.evidence,
            made: kept.made,
            payment: kept.payment.map(|id| exact(&id).map(purser_protocol::id::PaperId)).transpose()?,
            payer: kept.payer.map(|id| exact(&id).map(purser_protocol::id::AccountId)).transpose()?,
        })
    });
    let entries = entries.collect::<Result<_, StoreError>>()?;
    Ok(Batch { number, decided_at_seconds, tree_root: exact(&tree_root)?, root, entries })
}

/// Bytes that must be so many.
pub(crate) fn exact<const LENGTH: usize>(bytes: &[u8]) -> Result<[u8; LENGTH], StoreError> {
    bytes.try_into().map_err(|_| StoreError::Damaged(format!("{} bytes stand where {LENGTH} should", bytes.len())))
}
