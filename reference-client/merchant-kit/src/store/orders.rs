//! Commands that the shop gives, and what the issuer answered; and how far it was told by itself.

use purser_protocol::id::{PaperId, PartyId};
use purser_protocol::time::UnixSeconds;
use rusqlite::{OptionalExtension, params};

use super::sqlite::Sqlite;
use super::{Notices, Order, Orders, Standing};
use crate::error::StoreError;

impl Orders for Sqlite {
    fn order(&self, order: &Order) -> Result<(), StoreError> {
        let insert = "INSERT INTO orders (id, issuer, intent, command, made_at) VALUES (?1, ?2, ?3, ?4, ?5)";
        let Order { id, issuer, intent, command, made_at } = order;
        let row = params![id.0, issuer.as_str(), intent.map(|intent| intent.0), command, made_at.get()];
        self.connection.prepare_cached(insert)?.execute(row)?;
        Ok(())
    }

    fn order_standing(&self, id: &PaperId) -> Result<Option<Standing>, StoreError> {
        let mut query = self.connection.prepare_cached("SELECT end FROM orders WHERE id = ?1")?;
        let end = query.query_row([id.0], |row| row.get::<_, Option<String>>(0)).optional()?;
        Ok(end.map(|end| end.map_or(Standing::Open, Standing::Ended)))
    }

    fn orders_at(&self, issuer: &PartyId) -> Result<Vec<Order>, StoreError> {
        let query = "SELECT id, intent, command, made_at FROM orders
            WHERE issuer = ?1 AND end IS NULL ORDER BY made_at, rowid LIMIT 256";
        let mut query = self.connection.prepare_cached(query)?;
        let rows = query.query_map([issuer.as_str()], |row| {
            Ok(Order {
                id: PaperId(row.get(0)?),
                issuer: issuer.clone(),
                intent: row.get::<_, Option<[u8; 32]>>(1)?.map(PaperId),
                command: row.get(2)?,
                made_at: UnixSeconds::new(row.get(3)?).unwrap_or(UnixSeconds::MIN),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn end_order(&self, id: &PaperId, end: &str, answer: &[u8]) -> Result<(), StoreError> {
        let update = "UPDATE orders SET end = ?2, answer = ?3 WHERE id = ?1 AND end IS NULL";
        self.connection.prepare_cached(update)?.execute(params![id.0, end, answer])?;
        Ok(())
    }
}

impl Notices for Sqlite {
    fn last_notice(&self, issuer: &PartyId) -> Result<u64, StoreError> {
        let mut query = self.connection.prepare_cached("SELECT number FROM notices WHERE issuer = ?1")?;
        Ok(query.query_row([issuer.as_str()], |row| row.get(0)).optional()?.unwrap_or_default())
    }

    fn take_notice(&self, issuer: &PartyId, number: u64) -> Result<(), StoreError> {
        let upsert = "INSERT INTO notices VALUES (?1, ?2)
            ON CONFLICT (issuer) DO UPDATE SET number = max(number, excluded.number)";
        self.connection.prepare_cached(upsert)?.execute(params![issuer.as_str(), number])?;
        Ok(())
    }
}
