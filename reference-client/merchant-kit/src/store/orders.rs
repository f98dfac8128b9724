//! Commands that the shop gives, and what the issuer answered; and how far it was told by itself.

use purser_protocol::id::{PaperId, PartyId};

use super::book::{Book, time};
use super::database::{Database, Row, values};
use super::debts::standing;
use super::{Notices, Order, Orders, Standing};
use crate::error::StoreError;

impl<D: Database> Orders for Book<D> {
    fn order(&self, order: &Order) -> Result<(), StoreError> {
        let insert = "INSERT INTO orders (id, issuer, intent, command, made_at) VALUES (?1, ?2, ?3, ?4, ?5)";
        let Order { id, issuer, intent, command, made_at } = order;
        let row = values![id.0, issuer.as_str(), intent.map(|intent| intent.0), command, made_at.get()];
        self.database.execute(insert, row).map(drop)
    }

    fn order_standing(&self, id: &PaperId) -> Result<Option<Standing>, StoreError> {
        standing(self.database.first(r#"SELECT "end" FROM orders WHERE id = ?1"#, values![id.0])?)
    }

    fn orders_at(&self, issuer: &PartyId) -> Result<Vec<Order>, StoreError> {
        let query = r#"SELECT id, intent, command, made_at FROM orders
            WHERE issuer = ?1 AND "end" IS NULL ORDER BY made_at, rowid LIMIT 256"#;
        let rows = self.database.query(query, values![issuer.as_str()])?;
        let order = |row: &Row| {
            Ok(Order {
                id: PaperId(row.exact(0)?),
                issuer: issuer.clone(),
                intent: row.some(1, Row::exact)?.map(PaperId),
                command: row.bytes(2)?,
                made_at: time(row, 3)?,
            })
        };
        rows.iter().map(order).collect()
    }

    fn end_order(&self, id: &PaperId, end: &str, answer: &[u8]) -> Result<(), StoreError> {
        let update = r#"UPDATE orders SET "end" = ?2, answer = ?3 WHERE id = ?1 AND "end" IS NULL"#;
        self.database.execute(update, values![id.0, end, answer]).map(drop)
    }
}

impl<D: Database> Notices for Book<D> {
    fn last_notice(&self, issuer: &PartyId) -> Result<u64, StoreError> {
        let query = "SELECT number FROM notices WHERE issuer = ?1";
        self.database.first(query, values![issuer.as_str()])?.map_or(Ok(0), |row| row.number(0))
    }

    fn take_notice(&self, issuer: &PartyId, number: u64) -> Result<(), StoreError> {
        let upsert = "INSERT INTO notices (issuer, number) VALUES (?1, ?2)
            ON CONFLICT (issuer) DO UPDATE SET number = excluded.number WHERE notices.number < excluded.number";
        self.database.execute(upsert, values![issuer.as_str(), number]).map(drop)
    }
}
