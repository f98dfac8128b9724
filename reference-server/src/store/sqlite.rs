//! SQLite: a file, nothing to start. Write-ahead log, and every commit synced.

mod archive;

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use purser_protocol::id::{AccountId, PaperId};
use purser_protocol::receipt::Receipt;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use super::notes::{Notes, SqliteNotes};
use super::{Answered, Batch, KeptEntry, Past, Reader, Store, StoreError, assemble, receipt_id};

pub use archive::SqliteArchive;

const SCHEMA_VERSION: i64 = 2;

/// Rows are only added. `command` is not unique: a payment that waits has one answer, and then its last.
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
    CREATE INDEX entries_by_command ON entries (command);
    CREATE INDEX entries_by_receipt ON entries (receipt);
    CREATE INDEX entries_by_batch ON entries (batch, place);
    CREATE INDEX entries_by_payment ON entries (payment) WHERE payment IS NOT NULL;
    CREATE INDEX entries_by_payer ON entries (payer, sequence) WHERE payer IS NOT NULL;
";

/// The one writer.
#[derive(Debug)]
pub struct Sqlite {
    connection: Connection,
    path: PathBuf,
    /// Locked for as long as the writer lives.
    _lock: File,
}

impl Sqlite {
    /// Opens the store, or makes it. One process at a time: a second one gets [`StoreError::InUse`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = File::create(path.with_extension("lock")).map_err(|_| StoreError::InUse)?;
        lock.try_lock().map_err(|_| StoreError::InUse)?;
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        match found {
            0 => {
                let make = format!("BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT");
                connection.execute_batch(&make)?;
            }
            SCHEMA_VERSION => {}
            found => return Err(StoreError::Version { found, expected: SCHEMA_VERSION }),
        }
        Ok(Self { connection, path: path.to_owned(), _lock: lock })
    }
}

impl Store for Sqlite {
    /// One transaction, left open: nobody sees it yet. [AUT-63]
    fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        self.connection
            .prepare_cached("INSERT INTO batches (number, decided_at, tree_root, root) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![batch.number, batch.decided_at_seconds, batch.tree_root, batch.root])?;
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO entries (batch, place, command, receipt, event, claims, detail, evidence, made, payment, payer)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?;
        for (place, entry) in batch.entries.iter().enumerate() {
            insert.execute(params![
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
        }
        Ok(())
    }

    /// The commit writes the log and syncs it, and returns when it is on the disk.
    fn sync(&mut self) -> Result<(), StoreError> {
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
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
        Ok(Box::new(SqliteReader::open(&self.path)?))
    }

    fn notes(&self) -> Result<Box<dyn Notes>, StoreError> {
        Ok(Box::new(SqliteNotes::open(&self.path)?))
    }
}

/// Reads beside the writer, or without one.
#[derive(Debug)]
pub struct SqliteReader {
    connection: Connection,
}

impl SqliteReader {
    /// Opens a store that is there, for reading alone.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if found != SCHEMA_VERSION {
            return Err(StoreError::Version { found, expected: SCHEMA_VERSION });
        }
        Ok(Self { connection })
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
    fn leaves(&self, batch: u64) -> Result<Vec<[u8; 32]>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT receipt FROM entries WHERE batch = ?1 ORDER BY place")?;
        let leaves = statement.query_map([batch], |row| row.get(0))?;
        Ok(leaves.collect::<Result<_, _>>()?)
    }

    fn find(&self, condition: &str, key: &[u8; 32]) -> Result<Option<Answered>, StoreError> {
        let query = format!(
            "SELECT batch, place, claims, root, detail, made FROM entries JOIN batches ON batch = number
             WHERE {condition} = ?1 ORDER BY sequence DESC LIMIT 1"
        );
        let found = self.connection.prepare_cached(&query)?.query_row([key], |row| {
            let (batch, place): (u64, usize) = (row.get(0)?, row.get(1)?);
            let (claims, root): (Vec<u8>, Vec<u8>) = (row.get(2)?, row.get(3)?);
            Ok((batch, place, claims, root, row.get(4)?, row.get(5)?))
        });
        let Some((batch, place, claims, root, detail, made)) = found.optional()? else { return Ok(None) };
        let receipt = assemble(self.leaves(batch)?, place, claims, root); // [RCT-7]
        Ok(Some(Answered { receipt, detail, made }))
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
        let mut find = self.connection.prepare_cached("SELECT 1 FROM entries WHERE command = ?1 LIMIT 1")?;
        let mut decided = HashSet::new();
        for paper in papers {
            if find.exists([paper.0])? {
                decided.insert(*paper);
            }
        }
        Ok(decided)
    }

    fn payment(&mut self, intent: &PaperId) -> Result<Vec<Past>, StoreError> {
        let mut find = self.connection.prepare_cached(
            "SELECT sequence, command, decided_at, event FROM entries JOIN batches ON batch = number WHERE command = ?1
             UNION ALL
             SELECT sequence, command, decided_at, event FROM entries JOIN batches ON batch = number WHERE payment = ?1
             ORDER BY sequence",
        )?;
        let told = find.query_map([intent.0], past)?;
        Ok(told.collect::<Result<_, _>>()?)
    }

    fn payments_of(&mut self, payer: &AccountId, since_seconds: u64) -> Result<Vec<PaperId>, StoreError> {
        let mut find = self.connection.prepare_cached(
            "SELECT command, decided_at FROM entries JOIN batches ON batch = number
             WHERE payer = ?1 ORDER BY sequence DESC",
        )?;
        let mut rows = find.query([payer.0])?;
        let mut intents = Vec::new();
        while let Some(row) = rows.next()? {
            if row.get::<_, u64>(1)? < since_seconds {
                break;
            }
            intents.push(PaperId(row.get(0)?));
        }
        Ok(intents)
    }

    fn answer(&mut self, command: &PaperId) -> Result<Option<Answered>, StoreError> {
        self.find("command", &command.0)
    }

    fn evidence(&mut self, command: &PaperId) -> Result<Option<Vec<u8>>, StoreError> {
        let query = "SELECT evidence FROM entries WHERE command = ?1 ORDER BY sequence LIMIT 1";
        let found = self.connection.prepare_cached(query)?.query_row([command.0], |row| row.get(0));
        Ok(found.optional()?)
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
