//! SQLite: a file, nothing to start. Write-ahead log, and every commit synced.
//!
//! A commit appends to two tables and touches nothing else: what decisions are found by is kept beside
//! ([`super::finder`]), and checkpoints are made on a thread that no commit waits for.

mod archive;
mod aside;
mod upgrade;

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use purser_protocol::id::{AccountId, PaperId};
use purser_protocol::receipt::Receipt;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use super::finder::{Finder, Told, key};
use super::notes::{Notes, SqliteNotes};
use super::{Answered, Batch, Entry, KeptEntry, Past, Reader, Store, StoreError, assemble, receipt_id};
use aside::Aside;

pub use archive::SqliteArchive;

const SCHEMA_VERSION: i64 = 3;
/// What is read as it is: the version before had indices, and is otherwise the same.
const READABLE: [i64; 2] = [2, SCHEMA_VERSION];

/// Rows are only added. `command` is not unique: a payment that waits has one answer, and then its last. No index: one
/// over hashes is written to all over, and at ten million payments that costs more than they do.
const SCHEMA: &str = "
    CREATE TABLE batches (
        number INTEGER PRIMARY KEY,
        decided_at INTEGER NOT NULL,
        tree_root BLOB NOT NULL,
        root BLOB NOT NULL
    ) STRICT;
    CREATE TABLE entries (
        sequence INTEGER PRIMARY KEY,
        batch INTEGER NOT NULL REFERENCES batches (number),
        place INTEGER NOT NULL,
        command BLOB NOT NULL,
        receipt BLOB NOT NULL,
        event BLOB NOT NULL,
        claims BLOB NOT NULL,
        detail BLOB,
        evidence BLOB NOT NULL,
        made BLOB,
        payment BLOB,
        payer BLOB
    ) STRICT;
";

/// The one writer.
pub struct Sqlite {
    connection: Connection,
    path: PathBuf,
    sequence: u64,
    finder: Arc<Finder>,
    aside: Aside,
    /// What was written and is not synced: what it is found by, and how long it is.
    written: Vec<Told>,
    bytes: u64,
    /// Locked for as long as the writer lives.
    _lock: File,
}

impl Sqlite {
    /// Opens the store, or makes it. One process at a time: a second one gets [`StoreError::InUse`]. One of the version
    /// before becomes one of this version, whole or not at all.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = File::create(path.with_extension("lock")).map_err(|_| StoreError::InUse)?;
        lock.try_lock().map_err(|_| StoreError::InUse)?;
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // [`Aside`] does it.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        match found {
            0 => {
                let make = format!("BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT");
                connection.execute_batch(&make)?;
            }
            SCHEMA_VERSION => {}
            found => upgrade::from(&connection, found)?,
        }
        let finder = Arc::new(finder(&connection, path, true)?);
        let sequence = catch_up(&connection, &finder, true)?;
        let aside = Aside::start(path, &finder)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            sequence,
            finder,
            aside,
            written: Vec::new(),
            bytes: 0,
            _lock: lock,
        })
    }
}

/// Tells a finder what it does not cover; the last decision.
fn catch_up(connection: &Connection, finder: &Finder, owns: bool) -> Result<u64, StoreError> {
    let mut rest = connection.prepare_cached(
        "SELECT sequence, command, receipt, payment, payer FROM entries WHERE sequence > ?1 ORDER BY sequence",
    )?;
    let mut rows = rest.query([finder.until()])?;
    while let Some(row) = rows.next()? {
        let key_in = |column| Ok::<_, StoreError>(row.get::<_, Option<Vec<u8>>>(column)?.map(|id| key(&id)));
        let keys = [key_in(1)?, key_in(2)?, key_in(3)?, key_in(4)?];
        let mark = keys[1].unwrap_or_default();
        finder.learn([Told { sequence: row.get(0)?, mark, keys: keys.into_iter().flatten().collect() }]);
        if owns && finder.is_full() {
            finder.settle().map_err(StoreError::Finder)?;
        }
    }
    Ok(finder.until())
}

/// What decisions of this store are found by, as far as it is on the disk.
fn finder(connection: &Connection, store: &Path, owns: bool) -> Result<Finder, StoreError> {
    let mut find = connection.prepare_cached("SELECT receipt FROM entries WHERE sequence = ?1")?;
    let has = |sequence: u64, mark: u64| {
        let receipt = find.query_row([sequence], |row| row.get::<_, Vec<u8>>(0));
        receipt.is_ok_and(|receipt| key(&receipt) == mark)
    };
    Finder::open(&Finder::beside(store), owns, has).map_err(StoreError::Finder)
}

fn told(sequence: u64, entry: &Entry) -> Told {
    let mark = key(&receipt_id(&entry.claims));
    let payment = entry.payment.map(|payment| key(&payment.0));
    let payer = entry.payer.map(|payer| key(&payer.0));
    let keys = [Some(key(&entry.command.0)), Some(mark), payment, payer];
    Told { sequence, mark, keys: keys.into_iter().flatten().collect() }
}

impl Store for Sqlite {
    /// One transaction, left open: nobody sees it yet. [AUT-63]
    fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        self.connection
            .prepare_cached("INSERT INTO batches (number, decided_at, tree_root, root) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![batch.number, batch.decided_at_seconds, batch.tree_root, batch.root])?;
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO entries
             (sequence, batch, place, command, receipt, event, claims, detail, evidence, made, payment, payer)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?;
        for (place, (sequence, entry)) in (self.sequence + 1..).zip(&batch.entries).enumerate() {
            insert.execute(params![
                sequence,
                batch.number,
                place,
                entry.command.0,
                receipt_id(&entry.claims),
                entry.event,
                entry.claims,
                entry.detail,
                entry.evidence,
                entry.made,
                entry.payment.map(|payment| payment.0),
                entry.payer.map(|payer| payer.0),
            ])?;
            self.written.push(told(sequence, entry));
            self.bytes += (entry.event.len() + entry.claims.len() + entry.evidence.len()) as u64;
        }
        Ok(())
    }

    /// The commit writes the log and syncs it, and returns when it is on the disk.
    fn sync(&mut self) -> Result<(), StoreError> {
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.sequence = self.written.last().map_or(self.sequence, |told| told.sequence);
        self.finder.learn(self.written.drain(..));
        self.aside.committed(&self.connection, std::mem::take(&mut self.bytes))
    }

    fn pseudonym_secret(&mut self, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        let make = "CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, secret BLOB NOT NULL) STRICT";
        self.connection.execute_batch(make)?;
        let keep = "INSERT OR IGNORE INTO secrets (name, secret) VALUES ('pseudonym', ?1)";
        self.connection.execute(keep, [fresh])?;
        let find = "SELECT secret FROM secrets WHERE name = 'pseudonym'";
        Ok(self.connection.query_row(find, [], |row| row.get(0))?)
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        let mut reader = SqliteReader::open(&self.path)?;
        reader.finder = Some(Arc::clone(&self.finder));
        reader.is_shared = true;
        Ok(Box::new(reader))
    }

    fn notes(&self) -> Result<Box<dyn Notes>, StoreError> {
        Ok(Box::new(SqliteNotes::open(&self.path)?))
    }
}

/// Reads beside the writer, or without one.
#[derive(Debug)]
pub struct SqliteReader {
    connection: Connection,
    path: PathBuf,
    /// Where decisions are found: the writer's, or one of its own from the first time that something is looked for.
    finder: Option<Arc<Finder>>,
    is_shared: bool,
}

impl SqliteReader {
    /// Opens a store that is there, for reading alone.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if !READABLE.contains(&found) {
            return Err(StoreError::Version { found, expected: SCHEMA_VERSION });
        }
        Ok(Self { connection, path: path.to_owned(), finder: None, is_shared: false })
    }

    /// Both tables as of one moment.
    fn past(
        &self,
        batches: u64,
        sequence: u64,
        given: &mut dyn FnMut(Past) -> Result<(), StoreError>,
        batch: &mut dyn FnMut([u8; 32]),
    ) -> Result<(), StoreError> {
        let mut numbers =
            self.connection.prepare("SELECT number, tree_root FROM batches WHERE number >= ?1 ORDER BY number")?;
        let mut rows = numbers.query([batches])?;
        let mut expected = batches;
        while let Some(row) = rows.next()? {
            let number: u64 = row.get(0)?;
            if number != expected {
                return Err(StoreError::Damaged(format!("batch {expected} is missing")));
            }
            expected += 1;
            batch(row.get(1)?);
        }
        let mut entries = self.connection.prepare(
            "SELECT sequence, command, decided_at, event FROM entries JOIN batches ON batch = number
             WHERE sequence > ?1 ORDER BY sequence",
        )?;
        let mut rows = entries.query([sequence])?;
        while let Some(row) = rows.next()? {
            given(past(row)?)?;
        }
        Ok(())
    }
}

impl SqliteReader {
    fn finder(&mut self) -> Result<Arc<Finder>, StoreError> {
        let finder = match &self.finder {
            Some(finder) => Arc::clone(finder),
            None => Arc::new(finder(&self.connection, &self.path, false)?),
        };
        if !self.is_shared {
            catch_up(&self.connection, &finder, false)?;
        }
        self.finder = Some(Arc::clone(&finder));
        Ok(finder)
    }

    /// The leaves of the batch in which a decision stands.
    fn leaves(&self, batch: u64, sequence: u64, place: usize) -> Result<Vec<[u8; 32]>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT receipt, batch FROM entries WHERE sequence >= ?1 ORDER BY sequence")?;
        let mut rows = statement.query([sequence.saturating_sub(place as u64)])?;
        let mut leaves = Vec::new();
        while let Some(row) = rows.next()?.filter(|row| row.get(1) == Ok(batch)) {
            leaves.push(row.get(0)?);
        }
        Ok(leaves)
    }

    /// The latest answer under an id in this column.
    fn find(&mut self, column: &str, id: &[u8; 32]) -> Result<Option<Answered>, StoreError> {
        let finder = self.finder()?;
        let query = format!(
            "SELECT batch, place, claims, root, detail, made FROM entries JOIN batches ON batch = number
             WHERE sequence = ?1 AND {column} = ?2"
        );
        let mut statement = self.connection.prepare_cached(&query)?;
        let mut answered = None;
        finder.latest_first(key(id), &mut |sequence| {
            let found = statement.query_row(params![sequence, id], |row| {
                let (batch, place): (u64, usize) = (row.get(0)?, row.get(1)?);
                let (claims, root): (Vec<u8>, Vec<u8>) = (row.get(2)?, row.get(3)?);
                Ok((batch, place, claims, root, row.get(4)?, row.get(5)?))
            });
            let Some((batch, place, claims, root, detail, made)) = found.optional()? else { return Ok(true) };
            let receipt = assemble(self.leaves(batch, sequence, place)?, place, claims, root); // [RCT-7]
            answered = Some(Answered { receipt, detail, made });
            Ok::<_, StoreError>(false)
        })?;
        Ok(answered)
    }
}

impl Reader for SqliteReader {
    fn replay(
        &mut self,
        batches: u64,
        sequence: u64,
        past: &mut dyn FnMut(Past) -> Result<(), StoreError>,
        batch: &mut dyn FnMut([u8; 32]),
    ) -> Result<(), StoreError> {
        self.connection.execute_batch("BEGIN")?;
        let given = self.past(batches, sequence, past, batch);
        self.connection.execute_batch("COMMIT")?;
        given
    }

    fn decided(&mut self, papers: &[PaperId]) -> Result<HashSet<PaperId>, StoreError> {
        let finder = self.finder()?;
        let mut find = self.connection.prepare_cached("SELECT 1 FROM entries WHERE sequence = ?1 AND command = ?2")?;
        let mut decided = HashSet::new();
        for paper in papers {
            finder.latest_first(key(&paper.0), &mut |sequence| {
                let is_it = find.exists(params![sequence, paper.0])?;
                if is_it {
                    decided.insert(*paper);
                }
                Ok::<_, StoreError>(!is_it)
            })?;
        }
        Ok(decided)
    }

    fn payment(&mut self, intent: &PaperId) -> Result<Vec<Past>, StoreError> {
        let finder = self.finder()?;
        let mut find = self.connection.prepare_cached(
            "SELECT sequence, command, decided_at, event FROM entries JOIN batches ON batch = number
             WHERE sequence = ?1 AND (command = ?2 OR payment = ?2)",
        )?;
        let mut told = Vec::new();
        finder.latest_first(key(&intent.0), &mut |sequence| {
            told.extend(find.query_row(params![sequence, intent.0], past).optional()?);
            Ok::<_, StoreError>(true)
        })?;
        told.reverse();
        Ok(told)
    }

    fn payments_of(&mut self, payer: &AccountId, since_seconds: u64) -> Result<Vec<PaperId>, StoreError> {
        let finder = self.finder()?;
        let mut find = self.connection.prepare_cached(
            "SELECT command, decided_at FROM entries JOIN batches ON batch = number
             WHERE sequence = ?1 AND payer = ?2",
        )?;
        let mut intents = Vec::new();
        finder.latest_first(key(&payer.0), &mut |sequence| {
            let found = find.query_row(params![sequence, payer.0], |row| Ok((row.get(0)?, row.get::<_, u64>(1)?)));
            let Some((intent, decided_at)) = found.optional()? else { return Ok(true) };
            if decided_at >= since_seconds {
                intents.push(PaperId(intent));
            }
            Ok::<_, StoreError>(decided_at >= since_seconds)
        })?;
        Ok(intents)
    }

    fn answer(&mut self, command: &PaperId) -> Result<Option<Answered>, StoreError> {
        self.find("command", &command.0)
    }

    fn evidence(&mut self, command: &PaperId) -> Result<Option<Vec<u8>>, StoreError> {
        let finder = self.finder()?;
        let mut find =
            self.connection.prepare_cached("SELECT evidence FROM entries WHERE sequence = ?1 AND command = ?2")?;
        let mut first = None;
        finder.latest_first(key(&command.0), &mut |sequence| {
            first = find.query_row(params![sequence, command.0], |row| row.get(0)).optional()?.or(first.take());
            Ok::<_, StoreError>(true)
        })?;
        Ok(first)
    }

    fn root(&mut self, batch: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let find = "SELECT root FROM batches WHERE number = ?1";
        Ok(self.connection.prepare_cached(find)?.query_row([batch], |row| row.get(0)).optional()?)
    }

    fn tree_roots(&mut self, first: u64, count: u64) -> Result<Vec<[u8; 32]>, StoreError> {
        let find = "SELECT tree_root FROM batches WHERE number >= ?1 ORDER BY number LIMIT ?2";
        let mut find = self.connection.prepare_cached(find)?;
        let roots = find.query_map([first, count], |row| row.get(0))?;
        Ok(roots.collect::<Result<_, _>>()?)
    }

    fn last(&mut self) -> Result<u64, StoreError> {
        Ok(self.connection.query_row("SELECT coalesce(max(sequence), 0) FROM entries", [], |row| row.get(0))?)
    }

    fn after(&mut self, sequence: u64, count: usize) -> Result<Vec<(u64, KeptEntry)>, StoreError> {
        let mut find = self.connection.prepare_cached(
            "SELECT sequence, place, command, receipt, event, claims, detail, evidence, made, payment, payer, decided_at
             FROM entries JOIN batches ON batch = number WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
        )?;
        let entries = find.query_map(params![sequence, count], |row| Ok((row.get(11)?, archive::entry(row)?)))?;
        Ok(entries.collect::<Result<_, _>>()?)
    }

    fn answer_with(&mut self, receipt: &PaperId) -> Result<Option<Answered>, StoreError> {
        self.find("receipt", &receipt.0)
    }

    fn receipt(&mut self, id: &PaperId) -> Result<Option<Receipt>, StoreError> {
        Ok(self.find("receipt", &id.0)?.map(|answered| answered.receipt))
    }
}

fn past(row: &Row<'_>) -> Result<Past, rusqlite::Error> {
    let command = PaperId(row.get(1)?);
    Ok(Past { sequence: row.get(0)?, command, decided_at_seconds: row.get(2)?, event: row.get(3)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_of_pseudonyms_is_made_once() {
        let folder = std::env::temp_dir().join(format!("purser-store-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("store.sqlite");
        for fresh in [[1; 32], [2; 32]] {
            let mut store = Sqlite::open(&path).unwrap();
            assert_eq!(store.pseudonym_secret(fresh).unwrap(), [1; 32]);
            assert_eq!(store.pseudonym_secret([3; 32]).unwrap(), [1; 32]);
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
