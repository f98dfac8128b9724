//! Lists: the records of an account, its mandates in their order, and what was sent for a record.

use purser_protocol::id::{AccountId, PaperId};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, params, params_from_iter};

use super::Wallet;
use crate::store::StoreError;

/// What is asked of a list of records.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Of this agent: the thumbprint of a key, or the name of a merchant that holds a mandate.
    pub agent: Option<String>,
    /// At this merchant.
    pub merchant: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// With this outcome.
    pub outcome: Option<String>,
    /// Under this mandate.
    pub mandate: Option<PaperId>,
    /// In this category.
    pub category: Option<u16>,
    /// Decided then or later.
    pub from_seconds: Option<u64>,
    /// Decided before then.
    pub until_seconds: Option<u64>,
    /// The numbers after this one, or before it where the newest come first.
    pub after: Option<u64>,
    /// The newest first.
    pub is_newest_first: bool,
    /// At most so many.
    pub limit: usize,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page {
    /// The records.
    pub rows: Vec<Row>,
    /// Where the next page begins.
    pub next: Option<u64>,
}

/// A record.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its number among those of its account.
    pub number: u64,
    /// Where it stands among all decisions.
    pub sequence: u64,
    /// Its receipt.
    pub receipt: PaperId,
    /// The paper that it answers.
    pub command: PaperId,
    /// What was sent.
    pub kind: String,
    /// What came of it.
    pub outcome: String,
    /// Why not.
    pub code: Option<u16>,
    /// When.
    pub decided_at_seconds: u64,
    /// How much, in minor units.
    pub amount_minor: Option<u64>,
    /// Of what.
    pub currency: Option<String>,
    /// The payment.
    pub intent: Option<PaperId>,
    /// Who is paid.
    pub merchant: Option<String>,
    /// Under which mandate.
    pub mandate: Option<PaperId>,
    /// By whom.
    pub agent: Option<String>,
    /// The category of what was sold.
    pub category: Option<u16>,
}

/// What a record consists of.
#[derive(Clone, Debug)]
pub struct Papers {
    /// What was sent.
    pub sent: Vec<u8>,
    /// What was made with the answer.
    pub made: Option<Vec<u8>>,
}

const COLUMNS: &str = "number, sequence, receipt, command, kind, outcome, code, decided_at, minor, currency, intent, \
     merchant, mandate, agent, category";

impl Wallet {
    /// How many decisions, and how many mandates, an account has had.
    pub fn counts(&self, account: &AccountId) -> Result<(u64, u64), StoreError> {
        match self.counts.get(account) {
            Some(counts) => Ok(*counts),
            None => {
                let count = |table: &str| -> Result<u64, StoreError> {
                    let query = format!("SELECT coalesce(max(number), 0) FROM {table} WHERE account = ?1");
                    Ok(self.view.prepare_cached(&query)?.query_row([account.0], |row| row.get(0))?)
                };
                Ok((count("records")?, count("mandates")?))
            }
        }
    }

    /// The mandates that an account has had, in the order of their registration.
    pub fn mandates(&self, account: &AccountId) -> Result<Vec<PaperId>, StoreError> {
        let mut find = self.view.prepare_cached("SELECT id FROM mandates WHERE account = ?1 ORDER BY number")?;
        let ids = find.query_map([account.0], |row| row.get(0).map(PaperId))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// A page of the records of an account.
    pub fn records(&self, account: &AccountId, asked: &Asked) -> Result<Page, StoreError> {
        let mut conditions = vec!["account = ?".to_owned()];
        let mut values = vec![Value::Blob(account.0.to_vec())];
        let mut is = |condition: &str, value: Option<Value>| {
            if let Some(value) = value {
                conditions.push(condition.to_owned());
                values.push(value);
            }
        };
        let number = |number: u64| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
        is("agent = ?", asked.agent.clone().map(Value::Text));
        is("merchant = ?", asked.merchant.clone().map(Value::Text));
        is("kind = ?", asked.kind.clone().map(Value::Text));
        is("outcome = ?", asked.outcome.clone().map(Value::Text));
        is("mandate = ?", asked.mandate.map(|mandate| Value::Blob(mandate.0.to_vec())));
        is("category = ?", asked.category.map(|category| Value::Integer(category.into())));
        is("decided_at >= ?", asked.from_seconds.map(number));
        is("decided_at < ?", asked.until_seconds.map(number));
        let (beyond, order) = if asked.is_newest_first { ("number < ?", "DESC") } else { ("number > ?", "ASC") };
        is(beyond, asked.after.map(number));
        let query = format!(
            "SELECT {COLUMNS} FROM records WHERE {} ORDER BY number {order} LIMIT {}",
            conditions.join(" AND "),
            asked.limit.saturating_add(1)
        );
        let mut find = self.view.prepare_cached(&query)?;
        let rows = find.query_map(params_from_iter(values), row)?;
        let mut rows = rows.collect::<Result<Vec<Row>, _>>()?;
        // One more was asked for than is given.
        let is_last = rows.len() <= asked.limit;
        rows.truncate(asked.limit);
        // [WAL-8]
        let next = rows.last().map(|row| row.number).filter(|_| !is_last);
        Ok(Page { rows, next })
    }

    /// One record of an account, by its receipt.
    pub fn record(&self, account: &AccountId, receipt: &PaperId) -> Result<Option<Row>, StoreError> {
        let query = format!("SELECT {COLUMNS} FROM records WHERE account = ?1 AND receipt = ?2");
        let mut find = self.view.prepare_cached(&query)?;
        Ok(find.query_row(params![account.0, receipt.0], row).optional()?)
    }

    /// What was sent for a record, and made with its answer.
    pub fn papers(&self, row: &Row) -> Result<Papers, StoreError> {
        let found = self.store.borrow_mut().after(row.sequence.saturating_sub(1), 1)?.into_iter().next();
        let found = found.filter(|(_, kept)| kept.sequence == row.sequence);
        let (_, kept) = found.ok_or_else(|| StoreError::Damaged("a record is of no decision".into()))?;
        Ok(Papers { sent: kept.evidence, made: kept.made })
    }
}

fn row(row: &rusqlite::Row<'_>) -> Result<Row, rusqlite::Error> {
    Ok(Row {
        number: row.get(0)?,
        sequence: row.get(1)?,
        receipt: PaperId(row.get(2)?),
        command: PaperId(row.get(3)?),
        kind: row.get(4)?,
        outcome: row.get(5)?,
        code: row.get(6)?,
        decided_at_seconds: row.get(7)?,
        amount_minor: row.get(8)?,
        currency: row.get(9)?,
        intent: row.get::<_, Option<[u8; 32]>>(10)?.map(PaperId),
        merchant: row.get(11)?,
        mandate: row.get::<_, Option<[u8; 32]>>(12)?.map(PaperId),
        agent: row.get(13)?,
        category: row.get(14)?,
    })
}
