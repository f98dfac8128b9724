//! What was committed, read beside the owner or without one.

use std::collections::HashSet;

use postgres::{Row, Transaction};
use purser_protocol::id::{AccountId, PaperId};
use purser_protocol::receipt::Receipt;

use super::archive::entry;
use super::line::{Line, signed, unsigned};
use crate::store::place::exact;
use crate::store::{Answered, KeptEntry, Past, Reader, StoreError, assemble};

/// Rows of one answer of the database, where there may be any number.
const PAGE: i64 = 10_000;

/// Reads beside the writer, or without one.
pub struct PostgresReader {
    line: Line,
}

impl PostgresReader {
    /// Opens a store that is there.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        let mut line = Line::open(url)?;
        line.fits()?;
        Ok(Self { line })
    }

    fn answered(&mut self, sql: &'static str, key: &[u8; 32]) -> Result<Option<Answered>, StoreError> {
        let Some(row) = self.line.one(sql, &[&key.as_slice()])? else { return Ok(None) };
        let (batch, place): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let (claims, root): (Vec<u8>, Vec<u8>) = (row.try_get(2)?, row.try_get(3)?);
        let leaves = self.line.query("SELECT receipt FROM entries WHERE batch = $1 ORDER BY place", &[&batch])?;
        let leaves = leaves.iter().map(|row| exact(row.try_get(0)?)).collect::<Result<Vec<_>, StoreError>>()?;
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        let receipt = assemble(leaves, place, claims, root); // [RCT-7]
        Ok(Some(Answered { receipt, detail: row.try_get(4)?, made: row.try_get(5)? }))
    }
}

impl Reader for PostgresReader {
    fn replay(
        &mut self,
        batches: u64,
        sequence: u64,
        given: &mut dyn FnMut(Past) -> Result<(), StoreError>,
        batch: &mut dyn FnMut([u8; 32]),
    ) -> Result<(), StoreError> {
        let mut moment = self.line.moment()?;
        let mut expected = signed(batches)?;
        pages(&mut moment, NUMBERS, expected - 1, |row| {
            let number: i64 = row.try_get(0)?;
            if number != expected {
                return Err(StoreError::Damaged(format!("batch {expected} is missing")));
            }
            expected += 1;
            batch(exact(row.try_get(1)?)?);
            Ok(number)
        })?;
        pages(&mut moment, EVENTS, signed(sequence)?, |row| {
            let told = past(row)?;
            let sequence = signed(told.sequence)?;
            given(told).map(|()| sequence)
        })?;
        Ok(moment.commit()?)
    }

    fn decided(&mut self, papers: &[PaperId]) -> Result<HashSet<PaperId>, StoreError> {
        if papers.is_empty() {
            return Ok(HashSet::new());
        }
        let papers: Vec<&[u8]> = papers.iter().map(|paper| paper.0.as_slice()).collect();
        let found = self.line.query("SELECT DISTINCT command FROM entries WHERE command = ANY($1)", &[&papers])?;
        found.iter().map(|row| Ok(PaperId(exact(row.try_get(0)?)?))).collect()
    }

    fn payment(&mut self, intent: &PaperId) -> Result<Vec<Past>, StoreError> {
        const TOLD: &str = "
            SELECT sequence, command, decided_at, event FROM entries JOIN batches ON batch = number WHERE command = $1
            UNION ALL
            SELECT sequence, command, decided_at, event FROM entries JOIN batches ON batch = number WHERE payment = $1
            ORDER BY sequence";
        self.line.query(TOLD, &[&intent.0.as_slice()])?.iter().map(past).collect()
    }

    fn payments_of(&mut self, payer: &AccountId, since_seconds: u64) -> Result<Vec<PaperId>, StoreError> {
        const MADE: &str = "
            SELECT command FROM entries JOIN batches ON batch = number
            WHERE payer = $1 AND decided_at >= $2 ORDER BY sequence DESC";
        let made = self.line.query(MADE, &[&payer.0.as_slice(), &signed(since_seconds)?])?;
        made.iter().map(|row| Ok(PaperId(exact(row.try_get(0)?)?))).collect()
    }

    fn answer(&mut self, command: &PaperId) -> Result<Option<Answered>, StoreError> {
        const BY_COMMAND: &str = "
            SELECT batch, place, claims, root, detail, made FROM entries JOIN batches ON batch = number
            WHERE command = $1 ORDER BY sequence DESC LIMIT 1";
        self.answered(BY_COMMAND, &command.0)
    }

    fn evidence(&mut self, command: &PaperId) -> Result<Option<Vec<u8>>, StoreError> {
        const SENT: &str = "SELECT evidence FROM entries WHERE command = $1 ORDER BY sequence LIMIT 1";
        Ok(self.line.one(SENT, &[&command.0.as_slice()])?.map(|row| row.try_get(0)).transpose()?)
    }

    fn root(&mut self, batch: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.line.one("SELECT root FROM batches WHERE number = $1", &[&signed(batch)?])?;
        Ok(found.map(|row| row.try_get(0)).transpose()?)
    }

    fn tree_roots(&mut self, first: u64, count: u64) -> Result<Vec<[u8; 32]>, StoreError> {
        const ROOTS: &str = "SELECT tree_root FROM batches WHERE number >= $1 ORDER BY number LIMIT $2";
        let roots = self.line.query(ROOTS, &[&signed(first)?, &signed(count)?])?;
        roots.iter().map(|row| exact(row.try_get(0)?)).collect()
    }

    fn last(&mut self) -> Result<u64, StoreError> {
        let last = self.line.one("SELECT coalesce(max(sequence), 0) FROM entries", &[])?;
        unsigned(last.map(|row| row.try_get(0)).transpose()?.unwrap_or_default())
    }

    fn after(&mut self, sequence: u64, count: usize) -> Result<Vec<(u64, KeptEntry)>, StoreError> {
        const AFTER: &str = "
            SELECT sequence, place, command, receipt, event, claims, detail, evidence, made, payment, payer, decided_at
            FROM entries JOIN batches ON batch = number WHERE sequence > $1 ORDER BY sequence LIMIT $2";
        let rows = self.line.query(AFTER, &[&signed(sequence)?, &signed(count as u64)?])?;
        rows.iter().map(|row| Ok((unsigned(row.try_get(11)?)?, entry(row)?))).collect()
    }

    fn answer_with(&mut self, receipt: &PaperId) -> Result<Option<Answered>, StoreError> {
        const BY_RECEIPT: &str = "
            SELECT batch, place, claims, root, detail, made FROM entries JOIN batches ON batch = number
            WHERE receipt = $1 ORDER BY sequence DESC LIMIT 1";
        self.answered(BY_RECEIPT, &receipt.0)
    }

    fn receipt(&mut self, id: &PaperId) -> Result<Option<Receipt>, StoreError> {
        Ok(self.answer_with(id)?.map(|answered| answered.receipt))
    }
}

const NUMBERS: &str = "SELECT number, tree_root FROM batches WHERE number > $1 ORDER BY number LIMIT $2";
const EVENTS: &str = "
    SELECT sequence, command, decided_at, event FROM entries JOIN batches ON batch = number
    WHERE sequence > $1 ORDER BY sequence LIMIT $2";

/// Gives every row after a place; each says its own.
pub(super) fn pages(
    moment: &mut Transaction<'_>,
    sql: &str,
    after: i64,
    mut each: impl FnMut(&Row) -> Result<i64, StoreError>,
) -> Result<(), StoreError> {
    let statement = moment.prepare(sql)?;
    let mut last = after;
    loop {
        let rows = moment.query(&statement, &[&last, &PAGE])?;
        for row in &rows {
            last = each(row)?;
        }
        if rows.is_empty() {
            return Ok(());
        }
    }
}

fn past(row: &Row) -> Result<Past, StoreError> {
    Ok(Past {
        sequence: unsigned(row.try_get(0)?)?,
        command: PaperId(exact(row.try_get(1)?)?),
        decided_at_seconds: unsigned(row.try_get(2)?)?,
        event: row.try_get(3)?,
    })
}
