//! The store: what was offered, and what happened in each session. What is in it is what the seller can claim.

use std::path::Path;

use purser_protocol::field::{decoded, encoded};
use purser_protocol::flow::merchant::{Consumed, OfferMade, OfferState};
use purser_protocol::id::{Digest, Nonce, PaperId, PartyId};
use purser_protocol::paper::offer::Offer;
use purser_protocol::sign::Paper;
use purser_protocol::token::seller::Record;
use purser_protocol::wire::Reader;
use rusqlite::{Connection, OptionalExtension, params};

use purser_merchant::StoreError;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS offers (
        id BLOB PRIMARY KEY,
        payload BLOB NOT NULL,
        salt BLOB NOT NULL,
        expires_at INTEGER NOT NULL,
        receipt_id BLOB,
        issuer TEXT,
        intent BLOB,
        request BLOB,
        secret_hash BLOB
    ) STRICT;
    CREATE INDEX IF NOT EXISTS offers_untaken ON offers (expires_at) WHERE receipt_id IS NULL;
    CREATE TABLE IF NOT EXISTS records (
        session BLOB NOT NULL,
        number INTEGER NOT NULL,
        record BLOB NOT NULL,
        PRIMARY KEY (session, number)
    ) STRICT, WITHOUT ROWID;
";

pub(super) struct Book(Connection);

/// An offer, and the salt that binds it to its request.
pub(super) struct Made {
    pub(super) offer: OfferMade,
    pub(super) salt: Nonce,
}

/// How a session is begun or continued: by which receipt, and whose secret speaks for it.
pub(super) struct Taking {
    pub(super) offer: PaperId,
    pub(super) by: Consumed,
    pub(super) secret_hash: Digest,
}

impl Book {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let db = Connection::open(path)?;
        // A link that is answered for is on the disk. [TOK-29]
        // One process has it: another one waits for the end of the first, and then knows all that it did.
        db.execute_batch(
            "PRAGMA busy_timeout = 10000; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL; BEGIN IMMEDIATE; COMMIT;",
        )?;
        db.execute_batch(SCHEMA)?;
        Ok(Self(db))
    }

    /// Keeps an offer before it is sent, and forgets some that nobody took in time. [INT-22]
    pub(super) fn offer(&self, made: &Made, now: u64) -> Result<(), StoreError> {
        let old = "DELETE FROM offers WHERE id IN (SELECT id FROM offers WHERE receipt_id IS NULL
                   AND expires_at < ?1 ORDER BY expires_at LIMIT 2)";
        self.0.prepare_cached(old)?.execute([now.saturating_sub(86_400)])?;
        let add = "INSERT INTO offers (id, payload, salt, expires_at) VALUES (?1, ?2, ?3, ?4)";
        let OfferMade { id, offer, .. } = &made.offer;
        let row = params![id.0, offer.payload(), made.salt.0, offer.expires_at.get()];
        self.0.prepare_cached(add)?.execute(row)?;
        Ok(())
    }

    pub(super) fn find(&self, id: &PaperId) -> Result<Option<Made>, StoreError> {
        let find = "SELECT payload, salt, receipt_id, issuer, intent, request FROM offers WHERE id = ?1";
        type Columns = (Vec<u8>, [u8; 16], Option<[u8; 32]>, Option<String>, Option<[u8; 32]>, Option<[u8; 32]>);
        let columns: Option<Columns> = self
            .0
            .prepare_cached(find)?
            .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?)))
            .optional()?;
        let Some((payload, salt, receipt, issuer, intent, request)) = columns else { return Ok(None) };
        let offer = Offer::decode(&mut Reader::new(&payload)).map_err(|_| damaged())?;
        let state = match (receipt, issuer.as_deref().and_then(PartyId::new), intent, request) {
            (Some(receipt), Some(issuer), Some(intent), Some(request)) => OfferState::Consumed(Consumed {
                receipt: PaperId(receipt),
                issuer,
                intent: PaperId(intent),
                request: Digest(request),
            }),
            (None, ..) => OfferState::Open,
            _ => return Err(damaged()),
        };
        Ok(Some(Made { offer: OfferMade { id: *id, offer, state }, salt: Nonce(salt) }))
    }

    /// The hash of the secret that speaks for a session. [INT-21]
    pub(super) fn secret_hash(&self, session: &PaperId) -> Result<Option<Digest>, StoreError> {
        let find = "SELECT secret_hash FROM offers WHERE id = ?1";
        let hash: Option<Option<[u8; 32]>> =
            self.0.prepare_cached(find)?.query_row([session.0], |row| row.get(0)).optional()?;
        Ok(hash.flatten().map(Digest))
    }

    /// Consumes an offer and keeps the record that it begins with, in one step; `false` when another receipt was
    /// quicker. [FLW-6]
    pub(super) fn take(
        &mut self,
        taking: &Taking,
        session: &PaperId,
        number: u64,
        record: &Record,
    ) -> Result<bool, StoreError> {
        let all = self.0.transaction()?;
        let consume = "UPDATE offers SET receipt_id = ?2, issuer = ?3, intent = ?4, request = ?5, secret_hash = ?6
                       WHERE id = ?1 AND receipt_id IS NULL";
        let by = &taking.by;
        let row =
            params![taking.offer.0, by.receipt.0, by.issuer.as_str(), by.intent.0, by.request.0, taking.secret_hash.0];
        if all.prepare_cached(consume)?.execute(row)? != 1 {
            return Ok(false);
        }
        all.prepare_cached(ADD)?.execute(params![session.0, number, encoded(record)])?;
        all.commit()?;
        Ok(true)
    }

    /// Keeps what was decided, all of it or nothing.
    pub(super) fn keep(&mut self, session: &PaperId, first: u64, records: &[Record]) -> Result<(), StoreError> {
        let all = self.0.transaction()?;
        for (number, record) in (first..).zip(records) {
            all.prepare_cached(ADD)?.execute(params![session.0, number, encoded(record)])?;
        }
        all.commit()?;
        Ok(())
    }

    /// What happened in every session, in order.
    pub(super) fn sessions(&self) -> Result<Vec<(PaperId, Vec<Record>)>, StoreError> {
        let mut sessions: Vec<(PaperId, Vec<Record>)> = Vec::new();
        let mut rows = self.0.prepare("SELECT session, record FROM records ORDER BY session, number")?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            let (session, record) = (PaperId(row.get(0)?), row.get::<_, Vec<u8>>(1)?);
            let record = decoded(&record).map_err(|_| damaged())?;
            match sessions.last_mut() {
                Some((last, records)) if *last == session => records.push(record),
                _ => sessions.push((session, vec![record])),
            }
        }
        Ok(sessions)
    }
}

const ADD: &str = "INSERT INTO records (session, number, record) VALUES (?1, ?2, ?3)";

fn damaged() -> StoreError {
    StoreError::Damaged("what the seller kept cannot be read".into())
}
