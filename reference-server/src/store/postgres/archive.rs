//! A database read from its first row to its last, as of one moment.

use postgres::Row;

use super::line::{Line, unsigned};
use crate::store::{Archive, KeptBatch, KeptEntry, StoreError};

/// A store opened for reading alone.
pub struct PostgresArchive {
    line: Line,
}

impl PostgresArchive {
    /// Opens a store that is there. Its owner goes on meanwhile.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        let mut line = Line::open(url)?;
        line.fits()?;
        // Everything below is read as of one moment.
        line.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        Ok(Self { line })
    }
}

impl Archive for PostgresArchive {
    /// The server checks its own files, when it is told to.
    fn file_faults(&mut self) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    fn batches(&mut self, each: &mut dyn FnMut(KeptBatch) -> Result<(), StoreError>) -> Result<(), StoreError> {
        const BATCHES: &str = "SELECT number, decided_at, tree_root, root FROM batches WHERE number > $1
             ORDER BY number LIMIT 500";
        const ENTRIES: &str =
            "SELECT sequence, place, command, receipt, event, claims, detail, evidence, made, payment,
             payer, batch FROM entries WHERE batch >= $1 AND batch <= $2 ORDER BY batch, place, sequence";
        let mut last = -1_i64;
        loop {
            let rows = self.line.query(BATCHES, &[&last])?;
            let (Some(first), Some(end)) = (rows.first(), rows.last()) else { break };
            let (first, end): (i64, i64) = (first.try_get(0)?, end.try_get(0)?);
            let mut kept = self.line.query(ENTRIES, &[&first, &end])?.into_iter().peekable();
            for row in &rows {
                let number: i64 = row.try_get(0)?;
                let mut of_batch = Vec::new();
                while let Some(row) = kept.next_if(|row| row.try_get::<_, i64>(11).is_ok_and(|of| of <= number)) {
                    if row.try_get::<_, i64>(11)? == number {
                        of_batch.push(entry(&row)?);
                    }
                }
                each(KeptBatch {
                    number: unsigned(number)?,
                    decided_at_seconds: unsigned(row.try_get(1)?)?,
                    tree_root: row.try_get(2)?,
                    root: row.try_get(3)?,
                    entries: of_batch,
                })?;
            }
            last = end;
        }
        Ok(())
    }

    fn count_entries(&mut self) -> Result<u64, StoreError> {
        let counted = self.line.one("SELECT count(*) FROM entries", &[])?;
        unsigned(counted.map(|row| row.try_get(0)).transpose()?.unwrap_or_default())
    }

    fn pseudonym_secret(&mut self) -> Result<Option<[u8; 32]>, StoreError> {
        self.line.secret()
    }
}

pub(super) fn entry(row: &Row) -> Result<KeptEntry, StoreError> {
    Ok(KeptEntry {
        sequence: unsigned(row.try_get(0)?)?,
        place: unsigned(row.try_get(1)?)?,
        command: row.try_get(2)?,
        receipt: row.try_get(3)?,
        event: row.try_get(4)?,
        claims: row.try_get(5)?,
        detail: row.try_get(6)?,
        evidence: row.try_get(7)?,
        made: row.try_get(8)?,
        payment: row.try_get(9)?,
        payer: row.try_get(10)?,
    })
}
