//! The money that must go back, and what was sent to make it. A debt ends with its issuer's answer. [FLW-7]

use purser_protocol::id::{PaperId, PartyId};
use purser_protocol::money::{Amount, Currency};
use purser_protocol::time::UnixSeconds;
use rusqlite::{OptionalExtension, Row, params};

use super::sqlite::Sqlite;
use super::{Debt, Debts, Owed, Standing};
use crate::error::StoreError;

impl Debts for Sqlite {
    fn debt(&self, issuer: &PartyId, intent: &PaperId) -> Result<Option<Standing>, StoreError> {
        let query = "SELECT end FROM debts WHERE issuer = ?1 AND intent = ?2";
        let mut query = self.connection.prepare_cached(query)?;
        let end = query.query_row(params![issuer.as_str(), intent.0], |row| row.get::<_, Option<String>>(0));
        Ok(end.optional()?.map(|end| end.map_or(Standing::Open, Standing::Ended)))
    }

    fn owe(&self, owed: &Owed) -> Result<(), StoreError> {
        let insert = "INSERT OR IGNORE INTO debts (issuer, intent, amount_minor, currency, held, command, made_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let Owed { debt, command, made_at } = owed;
        self.connection.prepare_cached(insert)?.execute(params![
            debt.issuer.as_str(),
            debt.intent.0,
            debt.amount.minor(),
            debt.currency.code(),
            debt.held,
            command,
            made_at.get(),
        ])?;
        Ok(())
    }

    fn owed_at(&self, issuer: &PartyId) -> Result<Vec<Owed>, StoreError> {
        let query = "SELECT issuer, intent, amount_minor, currency, held, command, made_at FROM debts
            WHERE issuer = ?1 AND end IS NULL ORDER BY made_at LIMIT 256";
        let mut query = self.connection.prepare_cached(query)?;
        let rows = query.query_map([issuer.as_str()], |row| Ok(owed(row)))?;
        rows.map(|row| row?).collect()
    }

    fn renew(&self, before: &[u8], after: &Owed) -> Result<(), StoreError> {
        let update = "UPDATE debts SET command = ?4, made_at = ?5
            WHERE issuer = ?1 AND intent = ?2 AND command = ?3 AND end IS NULL";
        let Owed { debt, command, made_at } = after;
        let row = params![debt.issuer.as_str(), debt.intent.0, before, command, made_at.get()];
        self.connection.prepare_cached(update)?.execute(row)?;
        Ok(())
    }

    fn end(&self, debt: &Debt, end: &str, answer: &[u8]) -> Result<(), StoreError> {
        let update = "UPDATE debts SET end = ?3, answer = ?4 WHERE issuer = ?1 AND intent = ?2 AND end IS NULL";
        let row = params![debt.issuer.as_str(), debt.intent.0, end, answer];
        self.connection.prepare_cached(update)?.execute(row)?;
        Ok(())
    }
}

fn owed(row: &Row<'_>) -> Result<Owed, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("a debt has no {what}"));
    let (issuer, currency): (String, String) = (row.get(0)?, row.get(3)?);
    let debt = Debt {
        issuer: PartyId::new(&issuer).ok_or_else(|| damaged("issuer"))?,
        intent: PaperId(row.get(1)?),
        amount: Amount::from_minor(row.get(2)?).ok_or_else(|| damaged("amount"))?,
        currency: Currency::from_code(&currency).ok_or_else(|| damaged("currency"))?,
        held: row.get(4)?,
    };
    let made_at = UnixSeconds::new(row.get(6)?).ok_or_else(|| damaged("time"))?;
    Ok(Owed { debt, command: row.get(5)?, made_at })
}
