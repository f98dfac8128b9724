//! The offers that were made, what each was consumed by, and what is owed back.

use std::path::Path;

use purser_protocol::flow::merchant::{Consumed, OfferState, VerifiedReceipt};
use purser_protocol::id::{Digest, Nonce, PaperId, PartyId};
use purser_protocol::paper::offer::Offer;
use purser_protocol::sign::Paper;
use purser_protocol::time::UnixSeconds;
use purser_protocol::wire::Reader;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::store::StoreError;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS offers (
        id BLOB PRIMARY KEY,
        payload BLOB NOT NULL,
        salt BLOB NOT NULL,
        withdrawn INTEGER NOT NULL DEFAULT 0,
        intent BLOB,
        request BLOB,
        served_at INTEGER,
        receipt BLOB,
        issuer TEXT,
        delivery BLOB,
        body BLOB
    ) STRICT;
    CREATE TABLE IF NOT EXISTS owed (
        intent BLOB PRIMARY KEY,
        issuer TEXT NOT NULL,
        refund BLOB NOT NULL,
        answered INTEGER NOT NULL DEFAULT 0
    ) STRICT;
";

/// An offer, and the salt that binds it to its request.
pub(super) struct Made {
    pub(super) id: PaperId,
    pub(super) offer: Offer,
    pub(super) salt: Nonce,
}

/// What was given for an offer.
pub(super) struct Served {
    pub(super) intent: PaperId,
    pub(super) request: Digest,
    pub(super) at: UnixSeconds,
    pub(super) delivery: Vec<u8>,
    pub(super) body: Vec<u8>,
}

/// A refund that has no receipt yet.
pub(super) struct Owed {
    pub(super) intent: PaperId,
    pub(super) issuer: String,
    pub(super) refund: Vec<u8>,
}

/// The merchant's store.
pub(super) struct Offers {
    connection: Connection,
}

impl Offers {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection })
    }

    /// Another handle on the same store.
    pub(super) fn again(&self) -> Result<Self, StoreError> {
        let path = self.connection.path().unwrap_or_default();
        Self::open(Path::new(path))
    }

    /// Keeps an offer before it is shown.
    pub(super) fn keep(&mut self, made: &Made) -> Result<(), StoreError> {
        let insert = "INSERT INTO offers (id, payload, salt) VALUES (?1, ?2, ?3)";
        self.connection.prepare_cached(insert)?.execute(params![made.id.0, made.offer.payload(), made.salt.0])?;
        Ok(())
    }

    /// An offer, and how it stands.
    pub(super) fn find(&mut self, id: &PaperId) -> Result<Option<(Made, OfferState)>, StoreError> {
        let query = "SELECT payload, salt, withdrawn, intent, request, receipt, issuer FROM offers WHERE id = ?1";
        let found = self.connection.prepare_cached(query)?.query_row([id.0], |row: &Row<'_>| {
            let intent: Option<[u8; 32]> = row.get(3)?;
            let state = match (intent, row.get::<_, bool>(2)?) {
                (Some(intent), _) => {
                    let issuer: String = row.get(6)?;
                    let issuer = PartyId::new(&issuer).ok_or(rusqlite::Error::InvalidQuery)?;
                    let (request, receipt) = (Digest(row.get(4)?), PaperId(row.get(5)?));
                    OfferState::Consumed(Consumed { receipt, issuer, intent: PaperId(intent), request })
                }
                (None, true) => OfferState::Withdrawn,
                (None, false) => OfferState::Open,
            };
            Ok((row.get::<_, Vec<u8>>(0)?, Nonce(row.get(1)?), state))
        });
        let Some((payload, salt, state)) = found.optional()? else { return Ok(None) };
        let offer = Offer::decode(&mut Reader::new(&payload)).map_err(|fault| StoreError::Damaged(fault.to_string()))?;
        Ok(Some((Made { id: *id, offer, salt }, state)))
    }

    /// Consumes an offer, unless it is consumed already.
    pub(super) fn consume(&mut self, id: &PaperId, served: &Served, receipt: &VerifiedReceipt) -> Result<bool, StoreError> {
        let update = "UPDATE offers
            SET intent = ?2, request = ?3, served_at = ?4, receipt = ?5, issuer = ?6, delivery = ?7, body = ?8
            WHERE id = ?1 AND intent IS NULL AND withdrawn = 0";
        let changed = self.connection.prepare_cached(update)?.execute(params![
            id.0,
            served.intent.0,
            served.request.0,
            served.at.get(),
            receipt.id.0,
            receipt.issuer.as_str(),
            served.delivery,
            served.body,
        ])?;
        Ok(changed == 1)
    }

    /// What was given for an offer.
    pub(super) fn served(&mut self, id: &PaperId) -> Result<Option<Served>, StoreError> {
        let query = "SELECT intent, request, served_at, delivery, body FROM offers
            WHERE id = ?1 AND intent IS NOT NULL";
        let served = self.connection.prepare_cached(query)?.query_row([id.0], |row| {
            Ok(Served {
                intent: PaperId(row.get(0)?),
                request: Digest(row.get(1)?),
                at: UnixSeconds::new(row.get(2)?).unwrap_or(UnixSeconds::MIN),
                delivery: row.get(3)?,
                body: row.get(4)?,
            })
        });
        Ok(served.optional()?)
    }

    /// Keeps a refund until it has its receipt; the first for a payment stands.
    pub(super) fn owe(&mut self, intent: &PaperId, issuer: &PartyId, refund: &[u8]) -> Result<(), StoreError> {
        let insert = "INSERT OR IGNORE INTO owed (intent, issuer, refund) VALUES (?1, ?2, ?3)";
        self.connection.prepare_cached(insert)?.execute(params![intent.0, issuer.as_str(), refund])?;
        Ok(())
    }

    /// The refunds that have no receipt yet.
    pub(super) fn owed(&mut self) -> Result<Vec<Owed>, StoreError> {
        let mut query = self.connection.prepare_cached("SELECT intent, issuer, refund FROM owed WHERE answered = 0")?;
        let owed = query.query_map([], |row| {
            Ok(Owed { intent: PaperId(row.get(0)?), issuer: row.get(1)?, refund: row.get(2)? })
        })?;
        Ok(owed.collect::<Result<_, _>>()?)
    }

    /// A refund has its receipt.
    pub(super) fn answered(&mut self, intent: &PaperId) -> Result<(), StoreError> {
        self.connection.execute("UPDATE owed SET answered = 1 WHERE intent = ?1", [intent.0])?;
        Ok(())
    }
}
