//! PostgreSQL: for those who outgrow one machine's disk, or want another process ready when one dies.
//!
//! The whole ledger has one owner at a time, by a lease in the database and by the database's clock. Whoever takes it
//! raises the epoch, and every batch is written by one statement that writes nothing under another epoch than its
//! owner's: one that was stopped and goes on can commit nothing, whatever it believes. Others wait for the lease.

mod archive;
pub(super) mod line;
mod read;

use std::thread;
use std::time::Duration;

use postgres::types::ToSql;

use super::lease::Lease;
use super::notes::{Notes, PostgresNotes};
use super::{Batch, Reader, Store, StoreError, receipt_id};
use line::{Line, signed};

pub use archive::PostgresArchive;
pub use read::PostgresReader;

const SCHEMA_VERSION: i64 = 2;

/// Rows are only added, but for the one that says who owns them.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS owner (
        one BIGINT PRIMARY KEY,
        schema_version BIGINT NOT NULL,
        epoch BIGINT NOT NULL,
        until TIMESTAMPTZ NOT NULL
    );
    CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, secret BYTEA NOT NULL);
    CREATE TABLE IF NOT EXISTS batches (
        number BIGINT PRIMARY KEY,
        decided_at BIGINT NOT NULL,
        tree_root BYTEA NOT NULL,
        root BYTEA NOT NULL
    );
    CREATE TABLE IF NOT EXISTS entries (
        sequence BIGINT PRIMARY KEY,
        batch BIGINT NOT NULL,
        place BIGINT NOT NULL,
        command BYTEA NOT NULL,
        receipt BYTEA NOT NULL,
        event BYTEA NOT NULL,
        claims BYTEA NOT NULL,
        detail BYTEA,
        evidence BYTEA NOT NULL,
        made BYTEA,
        payment BYTEA,
        payer BYTEA
    );
    CREATE INDEX IF NOT EXISTS entries_by_command ON entries (command);
    CREATE INDEX IF NOT EXISTS entries_by_receipt ON entries (receipt);
    CREATE INDEX IF NOT EXISTS entries_by_batch ON entries (batch, place);
    CREATE INDEX IF NOT EXISTS entries_by_payment ON entries (payment) WHERE payment IS NOT NULL;
    CREATE INDEX IF NOT EXISTS entries_by_payer ON entries (payer, sequence) WHERE payer IS NOT NULL;
    INSERT INTO owner VALUES (1, 2, 0, now()) ON CONFLICT DO NOTHING;
";

/// Takes the lease where it is over.
const TAKE: &str = "
    UPDATE owner SET epoch = epoch + 1, until = now() + make_interval(secs => $1)
    WHERE one = 1 AND until <= now() RETURNING epoch
";
/// Keeps it, where it is still this owner's.
const KEEP: &str = "
    UPDATE owner SET until = now() + make_interval(secs => $2) WHERE one = 1 AND epoch = $1
";
/// Gives it up.
const LEAVE: &str = "UPDATE owner SET until = now() WHERE one = 1 AND epoch = $1";

/// A batch, whole, in one round trip; nothing, where the epoch is another. The row of the owner is locked until it is
/// written, so that nobody takes the lease in between. [OPS-5]
const COMMIT: &str = "
    WITH held AS (
        UPDATE owner SET until = now() + make_interval(secs => $2) WHERE one = 1 AND epoch = $1 RETURNING epoch
    ), batch AS (
        INSERT INTO batches SELECT $3::BIGINT, $4::BIGINT, $5::BYTEA, $6::BYTEA FROM held
    )
    INSERT INTO entries
        (sequence, batch, place, command, receipt, event, claims, detail, evidence, made, payment, payer)
    SELECT sequence, $3::BIGINT, place, command, receipt, event, claims, detail, evidence, made, payment, payer
    FROM held, unnest($7::BIGINT[], $8::BIGINT[], $9::BYTEA[], $10::BYTEA[], $11::BYTEA[], $12::BYTEA[], $13::BYTEA[],
        $14::BYTEA[], $15::BYTEA[], $16::BYTEA[], $17::BYTEA[])
        AS entry (sequence, place, command, receipt, event, claims, detail, evidence, made, payment, payer)
";

/// The one writer, for as long as it holds the lease.
pub struct Postgres {
    line: Line,
    url: String,
    epoch: i64,
    /// How long the lease lasts after each commit.
    seconds: f64,
    sequence: i64,
    lease: Lease,
}

impl Postgres {
    /// Waits for the lease, takes it, and keeps it. Makes the tables where there are none.
    pub fn open(url: &str, lease: Duration) -> Result<Self, StoreError> {
        let mut line = Line::open(url)?;
        make(&mut line)?;
        let seconds = lease.as_secs_f64();
        let (epoch, held) = loop {
            let held = Lease::from_now(lease);
            if let Some(row) = line.one(TAKE, &[&seconds])? {
                break (row.try_get(0)?, held);
            }
            // Another owns it. How long is the database's to say, and it is asked again.
            thread::sleep(lease / 4);
        };
        let last = line.one("SELECT coalesce(max(sequence), 0) FROM entries", &[])?;
        let sequence = last.map(|row| row.try_get(0)).transpose()?.unwrap_or_default();
        keep(url, epoch, held.clone())?;
        Ok(Self { line, url: url.to_owned(), epoch, seconds, sequence, lease: held })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.lease.give_up();
        // Who waits need not wait longer. Where this fails, the lease ends by itself.
        let _ = self.line.execute(LEAVE, &[&self.epoch]);
    }
}

/// Makes the tables, and looks whether they are those of this program.
fn make(line: &mut Line) -> Result<(), StoreError> {
    if line.version()?.is_none() {
        // Two processes may do this at once; one of them finds the other's tables then.
        if let Err(error) = line.batch(SCHEMA) {
            line.version()?.ok_or(error)?;
        }
    }
    line.fits()
}

/// Keeps the lease while nothing is committed, and ends the process when it is lost.
fn keep(url: &str, epoch: i64, lease: Lease) -> Result<(), StoreError> {
    let mut line = Line::open(url)?;
    let keeps = move || loop {
        thread::sleep(lease.length() / 3);
        if lease.is_given_up() {
            return;
        }
        let renewed = Lease::from_now(lease.length());
        match line.execute(KEEP, &[&epoch, &lease.length().as_secs_f64()]) {
            Ok(1) => lease.extend(&renewed),
            Ok(_) => {
                tracing::error!("another process owns the store now; this one ends");
                std::process::exit(70);
            }
            Err(error) if lease.is_held() => tracing::warn!(%error, "the lease is not renewed"),
            Err(error) => {
                tracing::error!(%error, "the lease is over; the process ends");
                std::process::exit(70);
            }
        }
    };
    thread::Builder::new().name("lease".into()).spawn(keeps).map(drop).map_err(StoreError::Thread)
}

impl Store for Postgres {
    /// The database answers when the batch is on its disk.
    fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let count = batch.entries.len() as u64;
        let held = Lease::from_now(self.lease.length());
        let (number, decided_at) = (signed(batch.number)?, signed(batch.decided_at_seconds)?);
        let receipts: Vec<[u8; 32]> = batch.entries.iter().map(|entry| receipt_id(&entry.claims)).collect();
        let sequences: Vec<i64> = (self.sequence + 1..).take(batch.entries.len()).collect();
        let places: Vec<i64> = (0..).take(batch.entries.len()).collect();
        let entries = &batch.entries;
        let parameters: [&(dyn ToSql + Sync); 17] = [
            &self.epoch,
            &self.seconds,
            &number,
            &decided_at,
            &batch.tree_root.as_slice(),
            &batch.root,
            &sequences,
            &places,
            &entries.iter().map(|entry| entry.command.0.as_slice()).collect::<Vec<_>>(),
            &receipts.iter().map(<[u8; 32]>::as_slice).collect::<Vec<_>>(),
            &entries.iter().map(|entry| entry.event.as_slice()).collect::<Vec<_>>(),
            &entries.iter().map(|entry| entry.claims.as_slice()).collect::<Vec<_>>(),
            &entries.iter().map(|entry| entry.detail.as_deref()).collect::<Vec<_>>(),
            &entries.iter().map(|entry| entry.evidence.as_slice()).collect::<Vec<_>>(),
            &entries.iter().map(|entry| entry.made.as_deref()).collect::<Vec<_>>(),
            &entries.iter().map(|entry| entry.payment.as_ref().map(|id| id.0.as_slice())).collect::<Vec<_>>(),
            &entries.iter().map(|entry| entry.payer.as_ref().map(|id| id.0.as_slice())).collect::<Vec<_>>(),
        ];
        if self.line.execute(COMMIT, &parameters)? != count {
            return Err(StoreError::Fenced);
        }
        self.sequence += signed(count)?;
        self.lease.extend(&held);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn pseudonym_secret(&mut self, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        let keep = "INSERT INTO secrets VALUES ('pseudonym', $1) ON CONFLICT DO NOTHING";
        self.line.execute(keep, &[&fresh.as_slice()])?;
        self.line.secret()?.ok_or_else(|| StoreError::Damaged("there is no secret".into()))
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        Ok(Box::new(PostgresReader::open(&self.url)?))
    }

    fn notes(&self) -> Result<Box<dyn Notes>, StoreError> {
        Ok(Box::new(PostgresNotes::open(&self.url)?))
    }

    fn lease(&self) -> Option<Lease> {
        Some(self.lease.clone())
    }
}
