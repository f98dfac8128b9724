//! The offers that were made, and what each was consumed by.
//!
//! An offer that nobody takes is forgotten some time after it has expired, or sooner when there are too many:
//! whoever asks for offers and pays for none fills no disk. One that was consumed stays. [FLW-10] [FLW-13]

use std::path::{Path, PathBuf};
use std::time::Duration;

use purser_protocol::flow::merchant::{Consumed, OfferMade, OfferState};
use purser_protocol::id::{Digest, Nonce, PaperId, PartyId};
use purser_protocol::limits::SKEW_SECONDS;
use purser_protocol::paper::offer::Offer;
use purser_protocol::sign::Paper;
use purser_protocol::time::UnixSeconds;
use purser_protocol::wire::Reader;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::store::StoreError;

const SCHEMA_VERSION: i64 = 1;

const SCHEMA: &str = "
    CREATE TABLE offers (
        id BLOB PRIMARY KEY,
        payload BLOB NOT NULL,
        salt BLOB NOT NULL,
        expires_at INTEGER NOT NULL,
        withdrawn INTEGER NOT NULL DEFAULT 0,
        receipt_id BLOB,
        issuer TEXT,
        intent BLOB,
        request BLOB,
        decided_at INTEGER,
        receipt BLOB,
        delivery BLOB,
        body BLOB
    ) STRICT;
    CREATE INDEX offers_untaken ON offers (expires_at) WHERE receipt_id IS NULL;
    CREATE TABLE debts (
        issuer TEXT NOT NULL,
        intent BLOB NOT NULL,
        amount_minor INTEGER NOT NULL,
        currency TEXT NOT NULL,
        held INTEGER NOT NULL,
        command BLOB NOT NULL,
        made_at INTEGER NOT NULL,
        end TEXT,
        answer BLOB,
        PRIMARY KEY (issuer, intent)
    ) STRICT;
    CREATE INDEX debts_open ON debts (issuer) WHERE end IS NULL;
";

/// How long one process waits while another one writes.
const PATIENCE: Duration = Duration::from_secs(5);

/// After how many they are counted again: another process may have made some too.
const COUNTED_EVERY: u64 = 256;

/// How many expired offers are forgotten for each that is made: more than one, so that the table shrinks.
const FORGOTTEN_FOR_EACH: u64 = 2;

/// An offer, and the salt that binds it to its request.
pub(super) struct Made {
    pub(super) offer: OfferMade,
    pub(super) salt: Nonce,
}

/// What is given for an offer, and for what.
#[derive(Clone)]
pub(super) struct Sale {
    pub(super) offer: PaperId,
    pub(super) by: Consumed,
    pub(super) decided_at: UnixSeconds,
    pub(super) receipt: Vec<u8>,
    pub(super) delivery: Vec<u8>,
    pub(super) body: Vec<u8>,
}

/// How many offers that nobody has taken are remembered, and for how long after their end.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) offers_max: u64,
    pub(super) remember_seconds: u64,
}

/// The merchant's store.
pub(super) struct Offers {
    pub(super) connection: Connection,
    path: PathBuf,
    /// How many offers can be made before they must be counted again.
    room: u64,
}

impl Offers {
    /// Opens the store, or makes it. Several processes may share it.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let mut offers = Self { connection, path: path.to_owned(), room: 0 };
        offers.begin()?;
        match offers.connection.pragma_query_value(None, "user_version", |row| row.get(0))? {
            0 => {
                offers.connection.execute_batch(SCHEMA)?;
                offers.connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            }
            SCHEMA_VERSION => {}
            found => return Err(StoreError::Version { found, expected: SCHEMA_VERSION }),
        }
        offers.commit()?;
        Ok(offers)
    }

    /// Another handle on the same store.
    pub(super) fn again(&self) -> Result<Self, StoreError> {
        Self::open(&self.path)
    }

    /// Begins a transaction that will write: it waits for its turn here, and nowhere later.
    pub(super) fn begin(&self) -> Result<(), StoreError> {
        Ok(self.connection.execute_batch("BEGIN IMMEDIATE")?)
    }

    /// Ends it; when this returns, what was written is on the disk.
    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        let committed = self.connection.execute_batch("COMMIT");
        if committed.is_err() {
            self.roll_back();
        }
        Ok(committed?)
    }

    /// Ends it, and leaves all as it was.
    pub(super) fn roll_back(&mut self) {
        self.room = 0;
        // SQLite has often done so itself.
        let _ = self.connection.execute_batch("ROLLBACK");
    }

    /// Keeps an offer before it is shown; `false` when there are too many. [INT-22]
    pub(super) fn keep(&mut self, made: &Made, now: UnixSeconds, bounds: Bounds) -> Result<bool, StoreError> {
        self.forget(now.saturating_sub(bounds.remember_seconds), FORGOTTEN_FOR_EACH)?;
        if self.room == 0 {
            self.room = bounds.offers_max.saturating_sub(self.untaken()?).min(COUNTED_EVERY);
        }
        // Those that have expired go first, and none goes before. [FLW-13]
        if self.room == 0 {
            self.room = self.forget(now.saturating_sub(SKEW_SECONDS), 1)?;
        }
        let Some(left) = self.room.checked_sub(1) else { return Ok(false) };
        let insert = "INSERT INTO offers (id, payload, salt, expires_at) VALUES (?1, ?2, ?3, ?4)";
        let OfferMade { id, offer, .. } = &made.offer;
        let row = params![id.0, offer.payload(), made.salt.0, offer.expires_at.get()];
        self.connection.prepare_cached(insert)?.execute(row)?;
        self.room = left;
        Ok(true)
    }

    /// An offer, and how it stands.
    pub(super) fn find(&self, id: &PaperId) -> Result<Option<Made>, StoreError> {
        let query = "SELECT payload, salt, withdrawn, receipt_id, issuer, intent, request FROM offers WHERE id = ?1";
        let found = self.connection.prepare_cached(query)?.query_row([id.0], |row| {
            let (payload, salt): (Vec<u8>, [u8; 16]) = (row.get(0)?, row.get(1)?);
            Ok((payload, Nonce(salt), row.get::<_, bool>(2)?, consumed(row)?))
        });
        let Some((payload, salt, withdrawn, consumed)) = found.optional()? else { return Ok(None) };
        let state = match consumed {
            Some((receipt, issuer, intent, request)) => {
                let issuer =
                    PartyId::new(&issuer).ok_or_else(|| StoreError::Damaged("an issuer has no name".into()))?;
                OfferState::Consumed(Consumed { receipt, issuer, intent, request })
            }
            None if withdrawn => OfferState::Withdrawn,
            None => OfferState::Open,
        };
        let offer =
            Offer::decode(&mut Reader::new(&payload)).map_err(|fault| StoreError::Damaged(fault.to_string()))?;
        Ok(Some(Made { offer: OfferMade { id: *id, offer, state }, salt }))
    }

    /// Consumes an offer; `false` when something else has, or when it is gone. [FLW-6]
    pub(super) fn consume(&self, sale: &Sale) -> Result<bool, StoreError> {
        let update = "UPDATE offers SET receipt_id = ?2, issuer = ?3, intent = ?4, request = ?5,
                decided_at = ?6, receipt = ?7, delivery = ?8, body = ?9
            WHERE id = ?1 AND receipt_id IS NULL AND withdrawn = 0";
        let changed = self.connection.prepare_cached(update)?.execute(params![
            sale.offer.0,
            sale.by.receipt.0,
            sale.by.issuer.as_str(),
            sale.by.intent.0,
            sale.by.request.0,
            sale.decided_at.get(),
            sale.receipt,
            sale.delivery,
            sale.body,
        ])?;
        Ok(changed == 1)
    }

    /// What was given for an offer that is consumed.
    pub(super) fn sale(&self, id: &PaperId, by: &Consumed) -> Result<Option<Sale>, StoreError> {
        let query = "SELECT decided_at, receipt, delivery, body FROM offers WHERE id = ?1 AND receipt_id = ?2";
        let sale = self.connection.prepare_cached(query)?.query_row([id.0, by.receipt.0], |row| {
            Ok(Sale {
                offer: *id,
                by: by.clone(),
                decided_at: UnixSeconds::new(row.get(0)?).unwrap_or(UnixSeconds::MIN),
                receipt: row.get(1)?,
                delivery: row.get(2)?,
                body: row.get(3)?,
            })
        });
        Ok(sale.optional()?)
    }

    /// Forgets at most so many offers that nobody took, of those that expired before; says how many.
    fn forget(&self, expired_before: UnixSeconds, count: u64) -> Result<u64, StoreError> {
        let delete = "DELETE FROM offers WHERE id IN
            (SELECT id FROM offers WHERE receipt_id IS NULL AND expires_at <= ?1 ORDER BY expires_at LIMIT ?2)";
        let gone = self.connection.prepare_cached(delete)?.execute(params![expired_before.get(), count])?;
        Ok(gone as u64)
    }

    fn untaken(&self) -> Result<u64, StoreError> {
        let count = "SELECT count(*) FROM offers WHERE receipt_id IS NULL";
        Ok(self.connection.prepare_cached(count)?.query_row([], |row| row.get(0))?)
    }
}

type Columns = (PaperId, String, PaperId, Digest);

/// The columns of what consumed an offer: all of them are there, or none.
fn consumed(row: &Row<'_>) -> rusqlite::Result<Option<Columns>> {
    let Some(receipt) = row.get::<_, Option<[u8; 32]>>(3)? else { return Ok(None) };
    Ok(Some((PaperId(receipt), row.get(4)?, PaperId(row.get(5)?), Digest(row.get(6)?))))
}
