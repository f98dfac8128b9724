//! The offers that were made, and what each was consumed by.
//!
//! An offer that nobody takes is forgotten some time after it has expired, or sooner when there are too many:
//! whoever asks for offers and pays for none fills no disk. One that was consumed stays. [FLW-10] [FLW-13]

use purser_protocol::flow::merchant::{Consumed, OfferMade, OfferState};
use purser_protocol::id::{Digest, Nonce, PaperId, PartyId};
use purser_protocol::limits::SKEW_SECONDS;
use purser_protocol::paper::offer::Offer;
use purser_protocol::sign::Paper;
use purser_protocol::time::UnixSeconds;
use purser_protocol::wire::Reader;

use super::database::{Database, Row, values};
use super::{Bounds, Goods, Made, Offers, Sale, Store};
use crate::error::StoreError;

/// After how many they are counted again: another process may have made some too.
const COUNTED_EVERY: u64 = 256;

/// How many expired offers are forgotten for each that is made: more than one, so that the table shrinks.
const FORGOTTEN_FOR_EACH: u64 = 2;

/// What a shop remembers, in a database.
pub struct Book<D> {
    pub(super) database: D,
    /// How many offers can be made before they must be counted again.
    room: u64,
}

impl<D: Database> Book<D> {
    /// The book in this database.
    pub fn of(database: D) -> Self {
        Self { database, room: 0 }
    }

    /// Forgets at most so many offers that nobody took, of those that expired before; says how many.
    fn forget(&self, expired_before: UnixSeconds, count: u64) -> Result<u64, StoreError> {
        let delete = "DELETE FROM offers WHERE id IN
            (SELECT id FROM offers WHERE receipt_id IS NULL AND expires_at <= ?1 ORDER BY expires_at LIMIT ?2)";
        self.database.execute(delete, values![expired_before.get(), count])
    }

    fn untaken(&self) -> Result<u64, StoreError> {
        let count = self.database.first("SELECT count(*) FROM offers WHERE receipt_id IS NULL", &[])?;
        count.map_or(Ok(0), |row| row.number(0))
    }

    /// The sale of an offer, of a row with the offer's id.
    fn with_offer(&self, row: &Row) -> Result<Option<(Made, Sale)>, StoreError> {
        let Some(made) = self.find(&PaperId(row.exact(0)?))? else { return Ok(None) };
        let OfferState::Consumed(by) = &made.offer.state else { return Ok(None) };
        Ok(self.sale(&made.offer.id, by)?.map(|sale| (made.clone(), sale)))
    }
}

impl<D: Database + 'static> Store for Book<D> {
    fn again(&self) -> Result<Box<dyn Store>, StoreError> {
        Ok(Box::new(Self::of(self.database.again()?)))
    }

    fn receipts(&self, issuer: &PartyId, since: UnixSeconds, until: UnixSeconds) -> Result<Vec<Vec<u8>>, StoreError> {
        let sales = "SELECT receipt FROM offers
            WHERE issuer = ?1 AND intent IS NOT NULL AND decided_at >= ?2 AND decided_at < ?3";
        let orders = "SELECT answer FROM orders
            WHERE issuer = ?1 AND answer IS NOT NULL AND made_at >= ?2 AND made_at < ?3";
        let debts = "SELECT answer FROM debts
            WHERE issuer = ?1 AND answer IS NOT NULL AND made_at >= ?2 AND made_at < ?3";
        let asked = values![issuer.as_str(), since.get(), until.get()];
        let mut receipts = Vec::new();
        for query in [sales, orders, debts] {
            for row in self.database.query(query, asked)? {
                // What was never decided has an answer of no bytes.
                receipts.extend(Some(row.bytes(0)?).filter(|receipt| !receipt.is_empty()));
            }
        }
        Ok(receipts)
    }
}

impl<D: Database> Offers for Book<D> {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.database.begin()
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let committed = self.database.commit();
        if committed.is_err() {
            self.room = 0;
        }
        committed
    }

    fn roll_back(&mut self) {
        self.room = 0;
        self.database.roll_back();
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
        let row = values![id.0, &offer.payload(), made.salt.0, offer.expires_at.get(), made.captured];
        self.database.execute(insert, row)?;
        self.room = left;
        Ok(true)
    }

    fn find(&self, id: &PaperId) -> Result<Option<Made>, StoreError> {
        let query =
            "SELECT payload, salt, withdrawn, receipt_id, issuer, intent, request, captured FROM offers WHERE id = ?1";
        let Some(row) = self.database.first(query, values![id.0])? else { return Ok(None) };
        let state = match consumed(&row)? {
            Some(by) => OfferState::Consumed(by),
            None if row.flag(2)? => OfferState::Withdrawn,
            None => OfferState::Open,
        };
        let offer = Offer::decode(&mut Reader::new(&row.bytes(0)?));
        let offer = offer.map_err(|fault| StoreError::Damaged(fault.to_string()))?;
        let offer = OfferMade { id: *id, offer, state };
        Ok(Some(Made { offer, salt: Nonce(row.exact(1)?), captured: row.flag(7)? }))
    }

    fn withdraw(&self, id: &PaperId) -> Result<bool, StoreError> {
        let update = "UPDATE offers SET withdrawn = 1 WHERE id = ?1 AND receipt_id IS NULL";
        Ok(self.database.execute(update, values![id.0])? == 1)
    }

    fn consume(&self, sale: &Sale) -> Result<bool, StoreError> {
        let update = "UPDATE offers SET receipt_id = ?2, issuer = ?3, intent = ?4, request = ?5,
                decided_at = ?6, receipt = ?7, working_until = ?8
            WHERE id = ?1 AND receipt_id IS NULL AND withdrawn = 0";
        let row = values![
            sale.offer.0,
            sale.by.receipt.0,
            sale.by.issuer.as_str(),
            sale.by.intent.0,
            sale.by.request.0,
            sale.decided_at.get(),
            &sale.receipt,
            sale.working_until.get(),
        ];
        Ok(self.database.execute(update, row)? == 1 && (sale.goods.is_none() || self.deliver(sale)?))
    }

    fn sale(&self, id: &PaperId, by: &Consumed) -> Result<Option<Sale>, StoreError> {
        let query = "SELECT decided_at, receipt, working_until, delivery, body, status, headers FROM offers
            WHERE id = ?1 AND receipt_id = ?2";
        let Some(row) = self.database.first(query, values![id.0, by.receipt.0])? else { return Ok(None) };
        let delivery = row.some(3, Row::bytes)?;
        let goods = delivery.map(|delivery| {
            let headers = serde_json::from_str(&row.text(6)?);
            let headers = headers.map_err(|error| StoreError::Damaged(error.to_string()))?;
            let status = u16::try_from(row.number(5)?).map_err(|error| StoreError::Damaged(error.to_string()))?;
            Ok::<_, StoreError>(Goods { status, headers, body: row.bytes(4)?, delivery })
        });
        Ok(Some(Sale {
            offer: *id,
            by: by.clone(),
            decided_at: time(&row, 0)?,
            receipt: row.bytes(1)?,
            goods: goods.transpose()?,
            working_until: time(&row, 2)?,
        }))
    }

    fn resume(&self, sale: &Sale, until: UnixSeconds) -> Result<bool, StoreError> {
        let update = "UPDATE offers SET working_until = ?4
            WHERE id = ?1 AND receipt_id = ?2 AND working_until = ?3 AND delivery IS NULL";
        let row = values![sale.offer.0, sale.by.receipt.0, sale.working_until.get(), until.get()];
        Ok(self.database.execute(update, row)? == 1)
    }

    fn deliver(&self, sale: &Sale) -> Result<bool, StoreError> {
        let Some(goods) = &sale.goods else { return Ok(false) };
        let headers = serde_json::to_string(&goods.headers).map_err(|error| StoreError::Damaged(error.to_string()))?;
        let update = "UPDATE offers SET delivery = ?3, body = ?4, status = ?5, headers = ?6
            WHERE id = ?1 AND receipt_id = ?2 AND delivery IS NULL";
        let Goods { status, body, delivery, .. } = goods;
        let row = values![sale.offer.0, sale.by.receipt.0, delivery, body, u64::from(*status), headers.as_str()];
        Ok(self.database.execute(update, row)? == 1)
    }

    fn release(&self, sale: &Sale) -> Result<(), StoreError> {
        let update = "UPDATE offers SET working_until = 0
            WHERE id = ?1 AND receipt_id = ?2 AND working_until = ?3 AND delivery IS NULL";
        let row = values![sale.offer.0, sale.by.receipt.0, sale.working_until.get()];
        self.database.execute(update, row).map(drop)
    }

    fn paid(&self, intent: &PaperId) -> Result<Option<(Made, Sale)>, StoreError> {
        let found = self.database.first("SELECT id FROM offers WHERE intent = ?1", values![intent.0])?;
        found.map_or(Ok(None), |row| self.with_offer(&row))
    }

    fn sales(&self, limit: u64) -> Result<Vec<(Made, Sale)>, StoreError> {
        let query = "SELECT id FROM offers WHERE intent IS NOT NULL ORDER BY decided_at DESC, rowid DESC LIMIT ?1";
        let found = self.database.query(query, values![limit])?;
        found.iter().filter_map(|row| self.with_offer(row).transpose()).collect()
    }
}

/// What consumed an offer: all of its columns are there, or none.
fn consumed(row: &Row) -> Result<Option<Consumed>, StoreError> {
    let Some(receipt) = row.some(3, Row::exact)? else { return Ok(None) };
    Ok(Some(Consumed {
        receipt: PaperId(receipt),
        issuer: party(row, 4)?,
        intent: PaperId(row.exact(5)?),
        request: Digest(row.exact(6)?),
    }))
}

pub(super) fn party(row: &Row, column: usize) -> Result<PartyId, StoreError> {
    PartyId::new(&row.text(column)?).ok_or_else(|| StoreError::Damaged("an issuer has no name".into()))
}

pub(super) fn time(row: &Row, column: usize) -> Result<UnixSeconds, StoreError> {
    UnixSeconds::new(row.number(column)?).ok_or_else(|| StoreError::Damaged("a time is none".into()))
}
