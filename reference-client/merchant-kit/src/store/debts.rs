//! The money that must go back, and what was sent to make it. A debt ends with its issuer's answer. [FLW-7]

use purser_protocol::id::{PaperId, PartyId};
use purser_protocol::money::{Amount, Currency};

use super::book::{Book, party, time};
use super::database::{Database, Row, values};
use super::{Debt, Debts, Owed, Standing};
use crate::error::StoreError;

impl<D: Database> Debts for Book<D> {
    fn debt(&self, issuer: &PartyId, intent: &PaperId) -> Result<Option<Standing>, StoreError> {
        let query = r#"SELECT "end" FROM debts WHERE issuer = ?1 AND intent = ?2"#;
        standing(self.database.first(query, values![issuer.as_str(), intent.0])?)
    }

    fn owe(&self, owed: &Owed) -> Result<(), StoreError> {
        let insert = "INSERT INTO debts (issuer, intent, amount_minor, currency, held, command, made_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
        let Owed { debt, command, made_at } = owed;
        let row = values![
            debt.issuer.as_str(),
            debt.intent.0,
            debt.amount.minor(),
            debt.currency.code(),
            debt.held,
            command,
            made_at.get(),
        ];
        self.database.execute(insert, row).map(drop)
    }

    fn owed_at(&self, issuer: &PartyId) -> Result<Vec<Owed>, StoreError> {
        let query = r#"SELECT issuer, intent, amount_minor, currency, held, command, made_at FROM debts
            WHERE issuer = ?1 AND "end" IS NULL ORDER BY made_at LIMIT 256"#;
        self.database.query(query, values![issuer.as_str()])?.iter().map(owed).collect()
    }

    fn renew(&self, before: &[u8], after: &Owed) -> Result<(), StoreError> {
        let update = r#"UPDATE debts SET command = ?4, made_at = ?5, held = ?6
            WHERE issuer = ?1 AND intent = ?2 AND command = ?3 AND "end" IS NULL"#;
        let Owed { debt, command, made_at } = after;
        let row = values![debt.issuer.as_str(), debt.intent.0, before, command, made_at.get(), debt.held];
        self.database.execute(update, row).map(drop)
    }

    fn end(&self, debt: &Debt, end: &str, answer: &[u8]) -> Result<(), StoreError> {
        let update = r#"UPDATE debts SET "end" = ?3, answer = ?4 WHERE issuer = ?1 AND intent = ?2 AND "end" IS NULL"#;
        let row = values![debt.issuer.as_str(), debt.intent.0, end, answer];
        self.database.execute(update, row).map(drop)
    }
}

/// How something stands, of a row with its end.
pub(super) fn standing(row: Option<Row>) -> Result<Option<Standing>, StoreError> {
    let Some(row) = row else { return Ok(None) };
    Ok(Some(row.some(0, Row::text)?.map_or(Standing::Open, Standing::Ended)))
}

fn owed(row: &Row) -> Result<Owed, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("a debt has no {what}"));
    let debt = Debt {
        issuer: party(row, 0)?,
        intent: PaperId(row.exact(1)?),
        amount: Amount::from_minor(row.number(2)?).ok_or_else(|| damaged("amount"))?,
        currency: Currency::from_code(&row.text(3)?).ok_or_else(|| damaged("currency"))?,
        held: row.flag(4)?,
    };
    Ok(Owed { debt, command: row.bytes(5)?, made_at: time(row, 6)? })
}
