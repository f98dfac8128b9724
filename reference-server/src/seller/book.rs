//! The store: what was offered, and what happened in each session. What is in it is what the seller can claim.

use std::path::Path;

use purser_protocol::code::Code;
use purser_protocol::flow::merchant::{Consumed, OfferMade, OfferState};
use purser_protocol::id::{Digest, Nonce, PaperId, PartyId, Pseudonym, ShortText};
use purser_protocol::paper::meter::UnitCount;
use purser_protocol::paper::offer::Offer;
use purser_protocol::sign::Paper;
use purser_protocol::wire::Reader;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use purser_merchant::StoreError;

mod debts;

pub(super) use debts::Debt;

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
        secret_hash BLOB,
        plan TEXT,
        units INTEGER,
        until_seconds INTEGER,
        coupon TEXT,
        coupon_uses INTEGER,
        payer BLOB
    ) STRICT;
    CREATE INDEX IF NOT EXISTS offers_coupon ON offers (coupon) WHERE coupon IS NOT NULL;
    CREATE INDEX IF NOT EXISTS offers_payer ON offers (payer) WHERE payer IS NOT NULL;
    CREATE INDEX IF NOT EXISTS offers_untaken ON offers (expires_at) WHERE receipt_id IS NULL;
    CREATE TABLE IF NOT EXISTS records (
        kind INTEGER NOT NULL,
        account BLOB NOT NULL,
        number INTEGER NOT NULL,
        record BLOB NOT NULL,
        PRIMARY KEY (kind, account, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS accounts (
        number INTEGER PRIMARY KEY,
        kind INTEGER NOT NULL,
        account BLOB NOT NULL,
        UNIQUE (kind, account)
    ) STRICT;
    INSERT INTO accounts (kind, account) SELECT kind, account FROM records WHERE number = 0 ON CONFLICT DO NOTHING;
    CREATE TABLE IF NOT EXISTS debts (
        issuer TEXT NOT NULL,
        intent BLOB NOT NULL,
        command BLOB NOT NULL,
        signed INTEGER NOT NULL DEFAULT 1,
        ended TEXT,
        PRIMARY KEY (issuer, intent)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS debts_open ON debts (issuer) WHERE ended IS NULL;
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
    /// The payer of a pack, whose purchases are counted.
    pub(super) payer: Option<Pseudonym>,
}

/// What an offer of a pack promises.
#[derive(Clone, Debug)]
pub(super) struct Promised {
    /// The plan, and the version of its price.
    pub(super) plan: ShortText,
    /// How many units.
    pub(super) units: UnitCount,
    /// How long they last.
    pub(super) seconds: u64,
}

/// A coupon that an offer takes, and how often it may be taken.
#[derive(Clone, Debug)]
pub(super) struct Coupon {
    /// Its code.
    pub(super) code: String,
    /// How often.
    pub(super) uses: u64,
    /// For whom a purchase must be the first.
    pub(super) first_of: Option<Pseudonym>,
}

/// What came of taking an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Took {
    /// It is taken.
    Offer,
    /// It is taken, and its coupon was used up by others: what was paid goes back.
    CouponUsed,
    /// It is taken, and its coupon is for a first purchase, which this is not any more: what was paid goes back.
    NotFirst,
    /// Another receipt was quicker.
    Nothing,
}

/// Which records these are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of sessions.
    Session = 1,
    /// Of packs.
    Pack = 2,
    /// Of subscriptions.
    Subscription = 3,
}

impl Book {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let db = Connection::open(path)?;
        // A link that is answered for is on the disk. [TOK-29]
        // Several processes may have it: whoever decides has the one lock for writers, and has read what was kept.
        db.execute_batch("PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
        db.execute_batch(SCHEMA)?;
        Ok(Self(db))
    }

    /// Keeps an offer before it is sent, and forgets some that nobody took in time. [INT-22]
    pub(super) fn offer(&self, made: &Made, now: u64) -> Result<Result<(), Code>, StoreError> {
        if !self.forget(now)? {
            return Ok(Err(Code::Overloaded));
        }
        self.add(made, None).map(Ok)
    }

    /// The same, of an offer of a pack, which takes its coupon in one step: what another offer has taken, and what
    /// another one has taken that can still be paid, counts. [TOK-46] [TOK-47]
    pub(super) fn offer_pack(
        &mut self,
        made: &Made,
        promised: &Promised,
        coupon: Option<&Coupon>,
        now: u64,
    ) -> Result<Result<(), Code>, StoreError> {
        if !self.forget(now)? {
            return Ok(Err(Code::Overloaded));
        }
        self.0.execute_batch("BEGIN IMMEDIATE")?;
        let done = self.within(made, promised, coupon, now);
        self.0.execute_batch(if matches!(done, Ok(Ok(()))) { "COMMIT" } else { "ROLLBACK" })?;
        done
    }

    fn within(
        &self,
        made: &Made,
        promised: &Promised,
        coupon: Option<&Coupon>,
        now: u64,
    ) -> Result<Result<(), Code>, StoreError> {
        if let Some(coupon) = coupon {
            let bought = "SELECT count(*) FROM offers WHERE payer = ?1 AND receipt_id IS NOT NULL";
            let first = coupon.first_of.map(|payer| payer.0);
            let before: u64 = self.0.prepare_cached(bought)?.query_row(params![first], |row| row.get(0))?;
            if before > 0 {
                return Ok(Err(Code::CouponRefused));
            }
            let taken = "SELECT count(*) FROM offers WHERE coupon = ?1
                         AND (receipt_id IS NOT NULL OR expires_at > ?2)";
            let row = params![coupon.code, now];
            let taken: u64 = self.0.prepare_cached(taken)?.query_row(row, |row| row.get(0))?;
            if taken >= coupon.uses {
                return Ok(Err(Code::CouponUsed));
            }
        }
        self.add(made, Some((promised, coupon)))?;
        Ok(Ok(()))
    }

    /// What an offer of a pack promises; `None` of another one.
    pub(super) fn promised(&self, id: &PaperId) -> Result<Option<Promised>, StoreError> {
        let find = "SELECT plan, units, until_seconds FROM offers WHERE id = ?1 AND plan IS NOT NULL";
        let found: Option<(String, u64, u64)> = self
            .0
            .prepare_cached(find)?
            .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let promised = |(plan, units, seconds): (String, u64, u64)| {
            Some(Promised { plan: ShortText::new(&plan)?, units: UnitCount::new(units)?, seconds })
        };
        found.map(|found| promised(found).ok_or_else(damaged)).transpose()
    }

    /// Forgets some offers that nobody took in time, and when there are very many also some that are not old; `false`
    /// where even so there are too many. Who has paid for one that is forgotten gets the money back. [FLW-12] [HTB-26]
    fn forget(&self, now: u64) -> Result<bool, StoreError> {
        let old = "DELETE FROM offers WHERE id IN (SELECT id FROM offers WHERE receipt_id IS NULL
                   AND expires_at < ?1 ORDER BY expires_at LIMIT 2)";
        self.0.prepare_cached(old)?.execute([now.saturating_sub(REMEMBERED_SECONDS)])?;
        let untaken = "SELECT count(*) FROM offers WHERE receipt_id IS NULL";
        let untaken: u64 = self.0.prepare_cached(untaken)?.query_row([], |row| row.get(0))?;
        Ok(untaken < UNTAKEN_MAX || self.0.prepare_cached(old)?.execute([now])? > 0)
    }

    fn add(&self, made: &Made, pack: Option<(&Promised, Option<&Coupon>)>) -> Result<(), StoreError> {
        let add = "INSERT INTO offers (id, payload, salt, expires_at, plan, units, until_seconds, coupon, coupon_uses,
                   payer)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        let OfferMade { id, offer, .. } = &made.offer;
        let promised = pack.map(|(promised, _)| promised);
        let row = params![
            id.0,
            offer.payload(),
            made.salt.0,
            offer.expires_at.get(),
            promised.map(|promised| promised.plan.as_str()),
            promised.map(|promised| promised.units.get()),
            promised.map(|promised| promised.seconds),
            pack.and_then(|(_, coupon)| Some(&coupon?.code)),
            pack.and_then(|(_, coupon)| Some(coupon?.uses)),
            // Whose first purchase it has to be.
            pack.and_then(|(_, coupon)| coupon?.first_of).map(|payer| payer.0),
        ];
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

    /// Has the one lock for writers until what it gives is kept, or dropped.
    pub(super) fn write(&mut self) -> Result<Writing<'_>, StoreError> {
        Ok(Writing(self.0.transaction_with_behavior(TransactionBehavior::Immediate)?))
    }

    /// What was kept of an account from a record on, in order.
    pub(super) fn records(&self, kind: Kind, account: &PaperId, from: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        records(&self.0, kind, account, from)
    }

    /// The accounts of a kind that were begun after a number, and the number of the last.
    pub(super) fn begun(&self, kind: Kind, after: u64) -> Result<(Vec<PaperId>, u64), StoreError> {
        let find = "SELECT number, account FROM accounts WHERE number > ?2 AND kind = ?1 ORDER BY number";
        let mut found = self.0.prepare_cached(find)?;
        let mut rows = found.query(params![kind as u8, after])?;
        let (mut accounts, mut last) = (Vec::new(), after);
        while let Some(row) = rows.next()? {
            last = row.get(0)?;
            accounts.push(PaperId(row.get(1)?));
        }
        Ok((accounts, last))
    }
}

/// A change of the store: all of it is kept, or nothing.
pub(super) struct Writing<'b>(Transaction<'b>);

impl Writing<'_> {
    /// What was kept of an account from a record on, in order.
    pub(super) fn records(&self, kind: Kind, account: &PaperId, from: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        records(&self.0, kind, account, from)
    }

    /// Begins an account; `false` when there is one of this name.
    pub(super) fn begin(&self, kind: Kind, account: &PaperId) -> Result<bool, StoreError> {
        let add = "INSERT INTO accounts (kind, account) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        Ok(self.0.prepare_cached(add)?.execute(params![kind as u8, account.0])? == 1)
    }

    /// Adds a record.
    pub(super) fn add(&self, kind: Kind, account: &PaperId, number: u64, record: &[u8]) -> Result<(), StoreError> {
        let add = "INSERT INTO records (kind, account, number, record) VALUES (?1, ?2, ?3, ?4)";
        self.0.prepare_cached(add)?.execute(params![kind as u8, account.0, number, record])?;
        Ok(())
    }

    /// Consumes an offer; nothing when another receipt was quicker. [FLW-6]
    pub(super) fn take(&self, taking: &Taking) -> Result<Took, StoreError> {
        let all = &self.0;
        // Several offers for a first purchase can be out at once; one of them is the first. [TOK-46]
        let first = "SELECT EXISTS (SELECT 1 FROM offers AS mine JOIN offers AS other USING (payer)
                     WHERE mine.id = ?1 AND other.id <> ?1 AND other.receipt_id IS NOT NULL)";
        let not_first: bool = all.prepare_cached(first)?.query_row([taking.offer.0], |row| row.get(0))?;
        let consume = "UPDATE offers SET receipt_id = ?2, issuer = ?3, intent = ?4, request = ?5, secret_hash = ?6,
                       payer = ?7
                       WHERE id = ?1 AND receipt_id IS NULL";
        let by = &taking.by;
        let row = params![
            taking.offer.0,
            by.receipt.0,
            by.issuer.as_str(),
            by.intent.0,
            by.request.0,
            taking.secret_hash.0,
            taking.payer.map(|payer| payer.0),
        ];
        if all.prepare_cached(consume)?.execute(row)? != 1 {
            return Ok(Took::Nothing);
        }
        // An offer that was paid in time and is shown late meets others that have taken its coupon since. [TOK-47]
        let over = "SELECT count(*) > max(mine.coupon_uses) FROM offers AS mine JOIN offers AS other USING (coupon)
                    WHERE mine.id = ?1 AND other.receipt_id IS NOT NULL";
        let over: Option<bool> = all.prepare_cached(over)?.query_row([taking.offer.0], |row| row.get(0))?;
        Ok(match over {
            _ if not_first => Took::NotFirst,
            Some(true) => Took::CouponUsed,
            _ => Took::Offer,
        })
    }

    /// Keeps it: when this returns, it is on the disk.
    pub(super) fn keep(self) -> Result<(), StoreError> {
        Ok(self.0.commit()?)
    }
}

fn records(db: &Connection, kind: Kind, account: &PaperId, from: u64) -> Result<Vec<Vec<u8>>, StoreError> {
    let find = "SELECT record FROM records WHERE kind = ?1 AND account = ?2 AND number >= ?3 ORDER BY number";
    let mut found = db.prepare_cached(find)?;
    let rows = found.query_map(params![kind as u8, account.0, from], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// So many offers that nobody has taken are kept: anybody may ask for one.
const UNTAKEN_MAX: u64 = if cfg!(test) { 8 } else { 50_000 };

/// How long an offer that nobody took is remembered: who has paid for it and shows that late is served.
const REMEMBERED_SECONDS: u64 = 31 * 86_400;

fn damaged() -> StoreError {
    StoreError::Damaged("what the seller kept cannot be read".into())
}

#[cfg(test)]
mod tests;
