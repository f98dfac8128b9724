//! What is paid for use: metered sessions, and packs of units.

use purser_protocol::id::{AccountId, PaperId};
use rusqlite::{Row, params};

use super::Wallet;
use crate::store::StoreError;

/// A metered session: a payment of which the seller takes what was used.
#[derive(Clone, Debug)]
pub struct Session {
    /// The number of the record that opened it.
    pub number: u64,
    /// The receipt of that record.
    pub receipt: PaperId,
    /// The payment.
    pub intent: PaperId,
    /// When it was opened.
    pub decided_at_seconds: u64,
    /// By whom.
    pub agent: String,
    /// Who sells.
    pub merchant: String,
    /// Of what.
    pub currency: String,
    /// What was taken, in minor units.
    pub captured_minor: u64,
    /// What is still held.
    pub held_minor: u64,
}

/// A pack of units, bought of a seller. What is left of it the seller knows alone.
#[derive(Clone, Debug)]
pub struct Pack {
    /// The number of the record that it was bought with.
    pub number: u64,
    /// The receipt of that record.
    pub receipt: PaperId,
    /// The payment.
    pub intent: PaperId,
    /// The seller's name for the plan.
    pub plan: String,
    /// When it was bought.
    pub decided_at_seconds: u64,
    /// By whom.
    pub agent: String,
    /// Who sells.
    pub merchant: String,
    /// Of what.
    pub currency: String,
    /// What was paid, in minor units.
    pub paid_minor: u64,
    /// What was given back.
    pub refunded_minor: u64,
}

impl Wallet {
    /// A page of the metered sessions of an account, the newest first.
    pub fn sessions(
        &self,
        account: &AccountId,
        after: Option<u64>,
        limit: usize,
    ) -> Result<(Vec<Session>, Option<u64>), StoreError> {
        let query = "SELECT number, receipt, intent, decided_at, agent, merchant, currency, captured, held
             FROM sessions JOIN payments USING (account, intent)
             WHERE account = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3";
        let sessions = self.newest(query, account, after, limit, |row| {
            Ok(Session {
                number: row.get(0)?,
                receipt: PaperId(row.get(1)?),
                intent: PaperId(row.get(2)?),
                decided_at_seconds: row.get(3)?,
                agent: row.get(4)?,
                merchant: row.get(5)?,
                currency: row.get(6)?,
                captured_minor: row.get(7)?,
                held_minor: row.get(8)?,
            })
        })?;
        Ok(paged(sessions, limit, |session| session.number))
    }

    /// A page of the packs of an account, the newest first.
    pub fn packs(
        &self,
        account: &AccountId,
        after: Option<u64>,
        limit: usize,
    ) -> Result<(Vec<Pack>, Option<u64>), StoreError> {
        let query = "SELECT number, receipt, intent, plan, decided_at, agent, merchant, currency, captured, refunded
             FROM packs JOIN payments USING (account, intent)
             WHERE account = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3";
        let packs = self.newest(query, account, after, limit, |row| {
            Ok(Pack {
                number: row.get(0)?,
                receipt: PaperId(row.get(1)?),
                intent: PaperId(row.get(2)?),
                plan: row.get(3)?,
                decided_at_seconds: row.get(4)?,
                agent: row.get(5)?,
                merchant: row.get(6)?,
                currency: row.get(7)?,
                paid_minor: row.get(8)?,
                refunded_minor: row.get(9)?,
            })
        })?;
        Ok(paged(packs, limit, |pack| pack.number))
    }

    /// One more than a page of what a query finds of an account before a number.
    fn newest<T>(
        &self,
        query: &str,
        account: &AccountId,
        before: Option<u64>,
        limit: usize,
        read: impl FnMut(&Row<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<Vec<T>, StoreError> {
        let mut find = self.view.prepare_cached(query)?;
        let before = before.and_then(|before| i64::try_from(before).ok()).unwrap_or(i64::MAX);
        let found = find.query_map(params![account.0, before, limit.saturating_add(1)], read)?;
        Ok(found.collect::<Result<_, _>>()?)
    }
}

/// The page, and behind which number the next begins. [WAL-8]
fn paged<T>(mut found: Vec<T>, limit: usize, number: impl Fn(&T) -> u64) -> (Vec<T>, Option<u64>) {
    let is_last = found.len() <= limit;
    found.truncate(limit);
    let next = found.last().map(number).filter(|_| !is_last);
    (found, next)
}
