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

use super::{Bounds, Goods, Made, Offers, Sale, Store};
use crate::error::StoreError;

const SCHEMA_VERSION: i64 = 3;

/// What the first version had. A store of it is brought up when it is opened.
const FIRST: i64 = 1;
const SECOND_VERSION: i64 = 2;

/// The first version.
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

/// What the second version adds: what takes time to make, and commands of the shop's own.
const SECOND: &str = "
    ALTER TABLE offers ADD COLUMN status INTEGER NOT NULL DEFAULT 200;
    ALTER TABLE offers ADD COLUMN headers TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE offers ADD COLUMN captured INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE offers ADD COLUMN working_until INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX offers_paid ON offers (intent) WHERE intent IS NOT NULL;
    CREATE TABLE orders (
        id BLOB PRIMARY KEY,
        issuer TEXT NOT NULL,
        intent BLOB,
        command BLOB NOT NULL,
        made_at INTEGER NOT NULL,
        end TEXT,
        answer BLOB
    ) STRICT;
    CREATE INDEX orders_open ON orders (issuer) WHERE end IS NULL;
";

/// What the third version adds: how far issuers have told.
const THIRD: &str = "
    CREATE TABLE notices (issuer TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT;
";

/// How long one process waits while another one writes.
const PATIENCE: Duration = Duration::from_secs(5);

/// After how many they are counted again: another process may have made some too.
const COUNTED_EVERY: u64 = 256;

/// How many expired offers are forgotten for each that is made: more than one, so that the table shrinks.
const FORGOTTEN_FOR_EACH: u64 = 2;

/// A store in one file.
pub struct Sqlite {
    pub(super) connection: Connection,
    path: PathBuf,
    /// How many offers can be made before they must be counted again.
    room: u64,
}

impl Sqlite {
    /// Opens the store, or makes it. Several processes may share it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let mut store = Self { connection, path: path.to_owned(), room: 0 };
        store.begin()?;
        let found: i64 = store.connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if !(0..=SCHEMA_VERSION).contains(&found) {
            return Err(StoreError::Version { found, expected: SCHEMA_VERSION });
        }
        if found < FIRST {
            store.connection.execute_batch(SCHEMA)?;
        }
        if found < SECOND_VERSION {
            store.connection.execute_batch(SECOND)?;
        }
        if found < SCHEMA_VERSION {
            store.connection.execute_batch(THIRD)?;
            store.connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        }
        store.commit()?;
        Ok(store)
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

    fn with_offer(&self, found: Option<(PaperId, PaperId)>) -> Result<Option<(Made, Sale)>, StoreError> {
        let Some((offer, _)) = found else { return Ok(None) };
        let Some(made) = self.find(&offer)? else { return Ok(None) };
        let OfferState::Consumed(by) = &made.offer.state else { return Ok(None) };
        Ok(self.sale(&offer, by)?.map(|sale| (made.clone(), sale)))
    }
}

impl Store for Sqlite {
    fn again(&self) -> Result<Box<dyn Store>, StoreError> {
        Ok(Box::new(Self::open(&self.path)?))
    }
}

impl Offers for Sqlite {
    fn begin(&mut self) -> Result<(), StoreError> {
        Ok(self.connection.execute_batch("BEGIN IMMEDIATE")?)
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let committed = self.connection.execute_batch("COMMIT");
        if committed.is_err() {
            self.roll_back();
        }
        Ok(committed?)
    }

    fn roll_back(&mut self) {
        self.room = 0;
        // SQLite has often done so itself.
        let _ = self.connection.execute_batch("ROLLBACK");
    }

    fn keep(&mut self, made: &Made, now: UnixSeconds, bounds: Bounds) -> Result<bool, StoreError> {
        self.forget(now.saturating_sub(bounds.remember_seconds), FORGOTTEN_FOR_EACH)?;
        if self.room == 0 {
            self.room = bounds.offers_max.saturating_sub(self.untaken()?).min(COUNTED_EVERY);
        }
        // Those that have expired go first, and none goes before. [FLW-13]
        if self.room == 0 {
            self.room = self.forget(now.saturating_sub(SKEW_SECONDS), 1)?;
        }
        let Some(left) = self.room.checked_sub(1) else { return Ok(false) };
        let insert = "INSERT INTO offers (id, payload, salt, expires_at, captured) VALUES (?1, ?2, ?3, ?4, ?5)";
        let OfferMade { id, offer, .. } = &made.offer;
        let row = params![id.0, offer.payload(), made.salt.0, offer.expires_at.get(), made.captured];
        self.connection.prepare_cached(insert)?.execute(row)?;
        self.room = left;
        Ok(true)
    }

    fn find(&self, id: &PaperId) -> Result<Option<Made>, StoreError> {
        let query =
            "SELECT payload, salt, withdrawn, receipt_id, issuer, intent, request, captured FROM offers WHERE id = ?1";
        let found = self.connection.prepare_cached(query)?.query_row([id.0], |row| {
            let (payload, salt): (Vec<u8>, [u8; 16]) = (row.get(0)?, row.get(1)?);
            Ok((payload, Nonce(salt), row.get::<_, bool>(2)?, consumed(row)?, row.get::<_, bool>(7)?))
        });
        let Some((payload, salt, withdrawn, consumed, captured)) = found.optional()? else { return Ok(None) };
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
        Ok(Some(Made { offer: OfferMade { id: *id, offer, state }, salt, captured }))
    }

    fn withdraw(&self, id: &PaperId) -> Result<bool, StoreError> {
        let update = "UPDATE offers SET withdrawn = 1 WHERE id = ?1 AND receipt_id IS NULL";
        Ok(self.connection.prepare_cached(update)?.execute([id.0])? == 1)
    }

    fn consume(&self, sale: &Sale) -> Result<bool, StoreError> {
        let update = "UPDATE offers SET receipt_id = ?2, issuer = ?3, intent = ?4, request = ?5,
                decided_at = ?6, receipt = ?7, working_until = ?8
            WHERE id = ?1 AND receipt_id IS NULL AND withdrawn = 0";
        let changed = self.connection.prepare_cached(update)?.execute(params![
            sale.offer.0,
            sale.by.receipt.0,
            sale.by.issuer.as_str(),
            sale.by.intent.0,
            sale.by.request.0,
            sale.decided_at.get(),
            sale.receipt,
            sale.working_until.get(),
        ])?;
        Ok(changed == 1 && (sale.goods.is_none() || self.deliver(sale)?))
    }

    fn sale(&self, id: &PaperId, by: &Consumed) -> Result<Option<Sale>, StoreError> {
        let query = "SELECT decided_at, receipt, working_until, delivery, body, status, headers FROM offers
            WHERE id = ?1 AND receipt_id = ?2";
        let sale = self.connection.prepare_cached(query)?.query_row([id.0, by.receipt.0], |row| {
            let sale = Sale {
                offer: *id,
                by: by.clone(),
                decided_at: UnixSeconds::new(row.get(0)?).unwrap_or(UnixSeconds::MIN),
                receipt: row.get(1)?,
                goods: None,
                working_until: UnixSeconds::new(row.get(2)?).unwrap_or(UnixSeconds::MIN),
            };
            let Some(delivery) = row.get::<_, Option<Vec<u8>>>(3)? else { return Ok((sale, None)) };
            Ok((sale, Some((delivery, row.get(4)?, row.get(5)?, row.get::<_, String>(6)?))))
        });
        let Some((sale, goods)) = sale.optional()? else { return Ok(None) };
        let goods = goods.map(|(delivery, body, status, headers)| {
            let headers = serde_json::from_str(&headers).map_err(|error| StoreError::Damaged(error.to_string()))?;
            Ok::<_, StoreError>(Goods { status, headers, body, delivery })
        });
        Ok(Some(Sale { goods: goods.transpose()?, ..sale }))
    }

    fn resume(&self, sale: &Sale, until: UnixSeconds) -> Result<bool, StoreError> {
        let update = "UPDATE offers SET working_until = ?4
            WHERE id = ?1 AND receipt_id = ?2 AND working_until = ?3 AND delivery IS NULL";
        let row = params![sale.offer.0, sale.by.receipt.0, sale.working_until.get(), until.get()];
        Ok(self.connection.prepare_cached(update)?.execute(row)? == 1)
    }

    fn deliver(&self, sale: &Sale) -> Result<bool, StoreError> {
        let Some(goods) = &sale.goods else { return Ok(false) };
        let headers = serde_json::to_string(&goods.headers).map_err(|error| StoreError::Damaged(error.to_string()))?;
        let update = "UPDATE offers SET delivery = ?3, body = ?4, status = ?5, headers = ?6
            WHERE id = ?1 AND receipt_id = ?2 AND delivery IS NULL";
        let Goods { status, body, delivery, .. } = goods;
        let row = params![sale.offer.0, sale.by.receipt.0, delivery, body, status, headers];
        Ok(self.connection.prepare_cached(update)?.execute(row)? == 1)
    }

    fn release(&self, sale: &Sale) -> Result<(), StoreError> {
        let update = "UPDATE offers SET working_until = 0
            WHERE id = ?1 AND receipt_id = ?2 AND working_until = ?3 AND delivery IS NULL";
        let row = params![sale.offer.0, sale.by.receipt.0, sale.working_until.get()];
        self.connection.prepare_cached(update)?.execute(row)?;
        Ok(())
    }

    fn paid(&self, intent: &PaperId) -> Result<Option<(Made, Sale)>, StoreError> {
        let query = "SELECT id, receipt_id FROM offers WHERE intent = ?1";
        let mut query = self.connection.prepare_cached(query)?;
        let found = query.query_row([intent.0], |row| Ok((PaperId(row.get(0)?), PaperId(row.get(1)?)))).optional()?;
        self.with_offer(found)
    }

    fn sales(&self, limit: u64) -> Result<Vec<(Made, Sale)>, StoreError> {
        let query = "SELECT id, receipt_id FROM offers WHERE intent IS NOT NULL
            ORDER BY decided_at DESC, rowid DESC LIMIT ?1";
        let mut query = self.connection.prepare_cached(query)?;
        let rows = query.query_map([limit], |row| Ok((PaperId(row.get(0)?), PaperId(row.get(1)?))))?;
        let found = rows.collect::<Result<Vec<_>, _>>()?;
        found.into_iter().filter_map(|found| self.with_offer(Some(found)).transpose()).collect()
    }
}

type Columns = (PaperId, String, PaperId, Digest);

/// The columns of what consumed an offer: all of them are there, or none.
fn consumed(row: &Row<'_>) -> rusqlite::Result<Option<Columns>> {
    let Some(receipt) = row.get::<_, Option<[u8; 32]>>(3)? else { return Ok(None) };
    Ok(Some((PaperId(receipt), row.get(4)?, PaperId(row.get(5)?), Digest(row.get(6)?))))
}
