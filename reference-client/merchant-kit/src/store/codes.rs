//! Codes, and the offers that they lead to.

use purser_protocol::id::PaperId;

use super::book::Book;
use super::database::{Database, values};
use super::{Coded, Codes};
use crate::error::StoreError;

impl<D: Database> Codes for Book<D> {
    fn keep_code(&self, coded: &Coded) -> Result<(), StoreError> {
        // Those whose offers were forgotten go, too.
        self.database.execute("DELETE FROM codes WHERE offer NOT IN (SELECT id FROM offers)", &[])?;
        let insert = "INSERT INTO codes (short, offer, goods) VALUES (?1, ?2, ?3)";
        let row = values![coded.short.as_str(), coded.offer.0, &coded.goods];
        self.database.execute(insert, row).map(drop)
    }

    fn code(&self, short: &str) -> Result<Option<Coded>, StoreError> {
        let found = self.database.first("SELECT offer, goods FROM codes WHERE short = ?1", values![short])?;
        let coded = |row: super::database::Row| {
            Ok(Coded { short: short.to_owned(), offer: PaperId(row.exact(0)?), goods: row.bytes(1)? })
        };
        found.map(coded).transpose()
    }
}
