//! A store read from its first row to its last, beside its writer or without one.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};

use super::{READABLE, SCHEMA_VERSION};
use crate::store::{Archive, KeptBatch, KeptEntry, StoreError};

/// A store opened for reading alone, as it was when it was opened.
#[derive(Debug)]
pub struct SqliteArchive {
    connection: Connection,
}

impl SqliteArchive {
    /// Opens a store that is there. Its writer goes on meanwhile.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        // Everything below is read as of this moment.
        connection.execute_batch("BEGIN")?;
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if !READABLE.contains(&found) {
            return Err(StoreError::Version { found, expected: SCHEMA_VERSION });
        }
        Ok(Self { connection })
    }
}

impl Archive for SqliteArchive {
    fn file_faults(&mut self) -> Result<Vec<String>, StoreError> {
        let mut check = self.connection.prepare("PRAGMA integrity_check(20)")?;
        let lines = check.query_map([], |row| row.get::<_, String>(0))?;
        let lines = lines.collect::<Result<Vec<_>, _>>()?;
        Ok(lines.into_iter().filter(|line| line != "ok").collect())
    }

    fn batches(&mut self, each: &mut dyn FnMut(KeptBatch) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let mut batches =
            self.connection.prepare("SELECT number, decided_at, tree_root, root FROM batches ORDER BY number")?;
        // One walk over both: what stands under a batch that is over, or that there is not, is left out, and counted.
        let mut entries = self.connection.prepare(
            "SELECT sequence, place, command, receipt, event, claims, detail, evidence, made, payment, payer, batch
             FROM entries ORDER BY sequence",
        )?;
        let mut entries = entries.query_map([], |row| Ok((row.get::<_, u64>(11)?, entry(row)?)))?.peekable();
        let mut rows = batches.query([])?;
        while let Some(row) = rows.next()? {
            let number: u64 = row.get(0)?;
            let mut of_batch = Vec::new();
            while let Some(entry) = entries.next_if(|entry| entry.as_ref().map_or(true, |(batch, _)| *batch <= number))
            {
                let (batch, entry) = entry?;
                if batch == number {
                    of_batch.push(entry);
                }
            }
            of_batch.sort_by_key(|entry| (entry.place, entry.sequence));
            each(KeptBatch {
                number,
                decided_at_seconds: row.get(1)?,
                tree_root: row.get(2)?,
                root: row.get(3)?,
                entries: of_batch,
            })?;
        }
        Ok(())
    }

    fn count_entries(&mut self) -> Result<u64, StoreError> {
        Ok(self.connection.query_row("SELECT count(*) FROM entries NOT INDEXED", [], |row| row.get(0))?)
    }

    fn pseudonym_secret(&mut self) -> Result<Option<[u8; 32]>, StoreError> {
        let there = "SELECT count(*) FROM sqlite_schema WHERE name = 'secrets'";
        if self.connection.query_row(there, [], |row| row.get::<_, u64>(0))? == 0 {
            return Ok(None);
        }
        let find = "SELECT secret FROM secrets WHERE name = 'pseudonym'";
        Ok(self.connection.query_row(find, [], |row| row.get(0)).optional()?)
    }
}

pub(super) fn entry(row: &Row<'_>) -> Result<KeptEntry, rusqlite::Error> {
    Ok(KeptEntry {
        sequence: row.get(0)?,
        place: row.get(1)?,
        command: row.get(2)?,
        receipt: row.get(3)?,
        event: row.get(4)?,
        claims: row.get(5)?,
        detail: row.get(6)?,
        evidence: row.get(7)?,
        made: row.get(8)?,
        payment: row.get(9)?,
        payer: row.get(10)?,
    })
}
