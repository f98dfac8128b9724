//! What merchants are told without asking: every decision about their payments, in the order of the store.
//!
//! What is to be told is read out of the store, and numbered in its order, in a file beside it: an issuer that dies
//! between a commit and a notice finds the same decisions under the same numbers. Where that file is lost it is made
//! anew, and what was told is told again; the numbers are the same, so that a merchant takes nothing twice.

mod send;

use std::path::{Path, PathBuf};

use purser_protocol::field::decoded;
use purser_protocol::id::{PaperId, PartyId};
use purser_protocol::ledger::event::Event;
use purser_protocol::receipt::{Claims, Receipt};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::store::place::exact;
use crate::store::{KeptEntry, Reader, StoreError};

pub use send::{Hook, Sender};

/// The form of the file. One of another form is made anew.
const VERSION: i64 = 1;
/// Decisions in one transaction.
const STEP: usize = 1_024;
/// How often a notice is tried before it is put aside. With [`pause_seconds`] this is about three days.
pub const TRIES_MAX: u32 = 80;

const SCHEMA: &str = "
    CREATE TABLE mark (sequence INTEGER NOT NULL) STRICT;
    INSERT INTO mark VALUES (0);
    CREATE TABLE payments (intent BLOB PRIMARY KEY, merchant TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE merchants (
        name TEXT PRIMARY KEY,
        number INTEGER NOT NULL,
        taken INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE notices (
        merchant TEXT NOT NULL,
        number INTEGER NOT NULL,
        decision INTEGER NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0,
        next_at INTEGER NOT NULL DEFAULT 0,
        aside TEXT,
        PRIMARY KEY (merchant, number)
    ) STRICT, WITHOUT ROWID;
";

/// What waits to be told, and the store that it is read from.
pub struct Hooks {
    view: Connection,
    store: Box<dyn Reader>,
    sequence: u64,
    /// Those who want to be told.
    merchants: Vec<PartyId>,
}

/// The next thing that a merchant is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its number.
    pub number: u64,
    /// The number of the last one that the merchant has taken.
    pub previous: u64,
    /// The decision's place in the store.
    pub decision: u64,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried next, in Unix seconds.
    pub next_at: u64,
}

/// What a notice says.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The receipt.
    pub receipt: Receipt,
    /// The paper that it answers, where the merchant has not sent it.
    pub enclosed: Option<Vec<u8>>,
}

/// A notice that was tried too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// To whom.
    pub merchant: String,
    /// Its number.
    pub number: u64,
    /// The decision's place in the store.
    pub decision: u64,
    /// What the last try came to.
    pub why: String,
}

/// Where the file of a store is.
pub fn beside(store: &Path) -> PathBuf {
    store.with_extension("hooks")
}

/// How long to wait after so many tries: a second, twice as long each time, an hour at most. [NTC-9]
pub fn pause_seconds(tries: u32) -> u64 {
    1_u64.checked_shl(tries.saturating_sub(1)).unwrap_or(u64::MAX).min(3_600)
}

impl Hooks {
    /// Opens the file, or makes it.
    pub fn open(path: &Path, mut store: Box<dyn Reader>, merchants: Vec<PartyId>) -> Result<Self, StoreError> {
        let last = store.last()?;
        let (view, sequence) = match Self::at(path) {
            Ok((view, sequence)) if sequence <= last => (view, sequence),
            _ => {
                for end in ["hooks", "hooks-wal", "hooks-shm"] {
                    // What was not there is gone.
                    let _ = std::fs::remove_file(path.with_extension(end));
                }
                Self::at(path)?
            }
        };
        Ok(Self { view, store, sequence, merchants })
    }

    fn at(path: &Path) -> Result<(Connection, u64), StoreError> {
        let view = Connection::open(path)?;
        view.pragma_update(None, "journal_mode", "WAL")?;
        view.pragma_update(None, "synchronous", "NORMAL")?;
        match view.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))? {
            0 => view.execute_batch(&format!("BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT"))?,
            VERSION => {}
            found => return Err(StoreError::Version { found, expected: VERSION }),
        }
        let sequence = view.query_row("SELECT sequence FROM mark", [], |row| row.get(0))?;
        Ok((view, sequence))
    }

    /// Takes what was decided since, out of the store.
    pub fn catch_up(&mut self) -> Result<(), StoreError> {
        loop {
            let entries = self.store.after(self.sequence, STEP)?;
            let Some(last) = entries.last().map(|(_, entry)| entry.sequence) else { return Ok(()) };
            let transaction = self.view.unchecked_transaction()?;
            for (_, entry) in &entries {
                note(&transaction, entry, &self.merchants)?;
            }
            transaction.execute("UPDATE mark SET sequence = ?1", params![last])?;
            transaction.commit()?;
            self.sequence = last;
        }
    }

    /// What a merchant is told next: one after the other. [NTC-7]
    pub fn next(&self, merchant: &PartyId) -> Result<Option<Waiting>, StoreError> {
        let query = "SELECT number, (SELECT taken FROM merchants WHERE name = ?1), decision, tries, next_at
            FROM notices WHERE merchant = ?1 AND aside IS NULL ORDER BY number LIMIT 1";
        let mut query = self.view.prepare_cached(query)?;
        let found = query.query_row([merchant.as_str()], |row| {
            Ok(Waiting {
                number: row.get(0)?,
                previous: row.get(1)?,
                decision: row.get(2)?,
                tries: row.get(3)?,
                next_at: row.get(4)?,
            })
        });
        Ok(found.optional()?)
    }

    /// The decision itself.
    pub fn decision(&mut self, waiting: &Waiting) -> Result<Option<Decision>, StoreError> {
        let before = waiting.decision.saturating_sub(1);
        let Some((_, entry)) = self.store.after(before, 1)?.pop() else { return Ok(None) };
        let Some(receipt) = self.store.receipt(&PaperId(exact(&entry.receipt)?))? else { return Ok(None) };
        let tells = matches!(event_of(&entry)?, Event::Disputed(_) | Event::Ruled(_)) && !entry.evidence.is_empty();
        Ok(Some(Decision { receipt, enclosed: tells.then_some(entry.evidence) }))
    }

    /// A merchant has taken it.
    pub fn taken(&self, merchant: &PartyId, number: u64) -> Result<(), StoreError> {
        let transaction = self.view.unchecked_transaction()?;
        let name = merchant.as_str();
        transaction.execute("DELETE FROM notices WHERE merchant = ?1 AND number = ?2", params![name, number])?;
        transaction.execute("UPDATE merchants SET taken = ?2 WHERE name = ?1", params![name, number])?;
        Ok(transaction.commit()?)
    }

    /// It was not taken: it is tried again later, or put aside. Says whether it was.
    pub fn failed(&self, merchant: &PartyId, waiting: &Waiting, now: u64, why: &str) -> Result<bool, StoreError> {
        let tries = waiting.tries + 1;
        let aside = (tries >= TRIES_MAX).then_some(why);
        self.view.execute(
            "UPDATE notices SET tries = ?3, next_at = ?4, aside = ?5 WHERE merchant = ?1 AND number = ?2",
            params![merchant.as_str(), waiting.number, tries, now + pause_seconds(tries), aside],
        )?;
        Ok(aside.is_some())
    }

    /// What was put aside, for a person to look at. [NTC-8]
    pub fn aside(&self) -> Result<Vec<Aside>, StoreError> {
        let query = "SELECT merchant, number, decision, aside FROM notices WHERE aside IS NOT NULL
            ORDER BY merchant, number";
        let mut query = self.view.prepare_cached(query)?;
        let rows = query.query_map([], |row| {
            Ok(Aside { merchant: row.get(0)?, number: row.get(1)?, decision: row.get(2)?, why: row.get(3)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Tries again what was put aside.
    pub fn again(&self) -> Result<usize, StoreError> {
        let update = "UPDATE notices SET aside = NULL, tries = 0, next_at = 0 WHERE aside IS NOT NULL";
        Ok(self.view.execute(update, [])?)
    }
}

fn event_of(entry: &KeptEntry) -> Result<Event, StoreError> {
    Event::read_kept(&entry.event).map_err(|fault| StoreError::Damaged(fault.to_string()))
}

/// Numbers a decision, where a merchant is told of it.
fn note(view: &Transaction<'_>, entry: &KeptEntry, merchants: &[PartyId]) -> Result<(), StoreError> {
    let event = event_of(entry)?;
    let paid = match &event {
        Event::Paid(paid) => Some(paid),
        Event::MeteredPaid(metered) => Some(&metered.paid),
        Event::Captured(_) | Event::Claimed(_) | Event::Voided(_) | Event::HoldExpired(_) | Event::Refunded(_) => None,
        Event::Disputed(_) | Event::DisputeAnswered(_) | Event::Ruled(_) => None,
        _ => return Ok(()),
    };
    if let Some(paid) = paid {
        view.prepare_cached("INSERT OR REPLACE INTO payments VALUES (?1, ?2)")?
            .execute(params![paid.intent.0, paid.merchant.as_str()])?;
    }
    let claims: Claims = decoded(&entry.claims).map_err(|fault| StoreError::Damaged(fault.to_string()))?;
    let Some(intent) = event.payment().or(claims.intent) else { return Ok(()) };
    let mut find = view.prepare_cached("SELECT merchant FROM payments WHERE intent = ?1")?;
    let Some(merchant) = find.query_row([intent.0], |row| row.get::<_, String>(0)).optional()? else { return Ok(()) };
    view.prepare_cached(
        "INSERT INTO merchants (name, number) VALUES (?1, 1) ON CONFLICT (name) DO UPDATE SET number = number + 1",
    )?
    .execute([&merchant])?;
    if merchants.iter().any(|wanted| wanted.as_str() == merchant) {
        view.prepare_cached(
            "INSERT INTO notices (merchant, number, decision)
             SELECT name, number, ?2 FROM merchants WHERE name = ?1",
        )?
        .execute(params![merchant, entry.sequence])?;
    }
    Ok(())
}
