//! Money that is here, and for which nothing can be given: it is owed until its issuer has said that it went back.

use purser_protocol::id::{PaperId, PartyId};
use rusqlite::params;

use purser_merchant::StoreError;

use super::{Book, damaged};

/// Money that goes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Debt {
    /// Where it was paid.
    pub(in super::super) issuer: PartyId,
    /// The payment.
    pub(in super::super) intent: PaperId,
    /// The refund or the void, as it is sent.
    pub(in super::super) command: Vec<u8>,
    /// How many commands were signed for it.
    pub(in super::super) signed: u32,
}

impl Book {
    /// Keeps a debt before its command is sent. One payment is one debt.
    pub(in super::super) fn owe(&self, debt: &Debt) -> Result<(), StoreError> {
        let add = "INSERT INTO debts (issuer, intent, command) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        self.0.prepare_cached(add)?.execute(params![debt.issuer.as_str(), debt.intent.0, debt.command])?;
        Ok(())
    }

    /// What is owed.
    pub(in super::super) fn owed(&self) -> Result<Vec<Debt>, StoreError> {
        let find = "SELECT issuer, intent, command, signed FROM debts WHERE ended IS NULL ORDER BY rowid LIMIT 256";
        let mut found = self.0.prepare_cached(find)?;
        let mut rows = found.query([])?;
        let mut owed = Vec::new();
        while let Some(row) = rows.next()? {
            let issuer = row.get::<_, String>(0)?;
            owed.push(Debt {
                issuer: PartyId::new(&issuer).ok_or_else(damaged)?,
                intent: PaperId(row.get(1)?),
                command: row.get(2)?,
                signed: row.get(3)?,
            });
        }
        Ok(owed)
    }

    /// Another command in the place of one that came to nothing, unless somebody has done that already.
    pub(in super::super) fn renew(&self, debt: &Debt, command: &[u8]) -> Result<(), StoreError> {
        let renew = "UPDATE debts SET command = ?4, signed = signed + 1
                     WHERE issuer = ?1 AND intent = ?2 AND command = ?3 AND ended IS NULL";
        let row = params![debt.issuer.as_str(), debt.intent.0, debt.command, command];
        self.0.prepare_cached(renew)?.execute(row)?;
        Ok(())
    }

    /// It went back, or never was the seller's.
    pub(in super::super) fn end(&self, debt: &Debt, how: &str) -> Result<(), StoreError> {
        let end = "UPDATE debts SET ended = ?3 WHERE issuer = ?1 AND intent = ?2";
        self.0.prepare_cached(end)?.execute(params![debt.issuer.as_str(), debt.intent.0, how])?;
        Ok(())
    }
}
