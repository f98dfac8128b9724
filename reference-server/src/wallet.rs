//! What a wallet reads: the decisions of each account, in an order of its own, in a file beside the store.
//!
//! Nothing rests on it. It is made from the store, goes on from where it stopped, and is made anew where it is
//! missing, of another version or ahead of the store. Payments do not wait for it: it is brought up when nothing else
//! happens, a little now and then while much happens, and before each read.

mod entry;
mod lists;
mod spending;
mod tokens;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use purser_protocol::id::AccountId;
use rusqlite::{Connection, params};

use crate::store::{Reader, StoreError};

pub use lists::{Asked, Page, Papers, Row};
pub use spending::{By, Span, Spent};
pub use tokens::{Pack, Session};

/// The form of the file. One of another form is made anew.
const VERSION: i64 = 4;
/// How long nothing must have been decided before the view is brought up by itself.
const QUIET: Duration = Duration::from_millis(500);
/// How often it is brought up a step while decisions go on.
const BUSY: Duration = Duration::from_secs(2);
/// Decisions in one transaction.
const STEP: usize = 4_096;
/// How long a read waits for a view that is far behind.
const PATIENCE: Duration = Duration::from_secs(5);

const SCHEMA: &str = "
    CREATE TABLE mark (sequence INTEGER NOT NULL) STRICT;
    INSERT INTO mark VALUES (0);
    CREATE TABLE mandates (
        id BLOB PRIMARY KEY,
        account BLOB NOT NULL,
        number INTEGER NOT NULL,
        agent TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX mandates_by_number ON mandates (account, number);
    CREATE TABLE records (
        account BLOB NOT NULL,
        number INTEGER NOT NULL,
        sequence INTEGER NOT NULL,
        receipt BLOB NOT NULL,
        command BLOB NOT NULL,
        kind TEXT NOT NULL,
        outcome TEXT NOT NULL,
        code INTEGER,
        decided_at INTEGER NOT NULL,
        minor INTEGER,
        currency TEXT,
        intent BLOB,
        merchant TEXT,
        mandate BLOB,
        agent TEXT,
        category INTEGER,
        PRIMARY KEY (account, number)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX records_by_receipt ON records (receipt);
    CREATE INDEX records_by_agent ON records (account, agent, number);
    CREATE INDEX records_by_merchant ON records (account, merchant, number);
    CREATE INDEX records_by_kind ON records (account, kind, number);
    CREATE INDEX records_by_mandate ON records (account, mandate, number);
    CREATE TABLE payments (
        intent BLOB PRIMARY KEY,
        account BLOB NOT NULL,
        decided_at INTEGER NOT NULL,
        agent TEXT NOT NULL,
        merchant TEXT NOT NULL,
        category INTEGER,
        mandate BLOB NOT NULL,
        currency TEXT NOT NULL,
        captured INTEGER NOT NULL,
        refunded INTEGER NOT NULL,
        held INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE sums (
        account BLOB NOT NULL,
        quarter INTEGER NOT NULL,
        currency TEXT NOT NULL,
        agent TEXT NOT NULL,
        merchant TEXT NOT NULL,
        category INTEGER NOT NULL,
        spent INTEGER NOT NULL,
        refunded INTEGER NOT NULL,
        held INTEGER NOT NULL,
        payments INTEGER NOT NULL,
        PRIMARY KEY (account, quarter, currency, agent, merchant, category)
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER payment_made AFTER INSERT ON payments BEGIN
        INSERT INTO sums VALUES (new.account, new.decided_at / 900, new.currency, new.agent, new.merchant,
            coalesce(new.category, -1), new.captured - new.refunded, new.refunded, new.held, 1)
        ON CONFLICT DO UPDATE SET spent = spent + excluded.spent, refunded = refunded + excluded.refunded,
            held = held + excluded.held, payments = payments + 1;
    END;
    CREATE TRIGGER payment_changed AFTER UPDATE ON payments BEGIN
        UPDATE sums SET spent = spent + new.captured - new.refunded - old.captured + old.refunded,
            refunded = refunded + new.refunded - old.refunded, held = held + new.held - old.held
        WHERE account = old.account AND quarter = old.decided_at / 900 AND currency = old.currency
            AND agent = old.agent AND merchant = old.merchant AND category = coalesce(old.category, -1);
    END;
    CREATE TABLE sessions (
        account BLOB NOT NULL,
        number INTEGER NOT NULL,
        intent BLOB NOT NULL,
        receipt BLOB NOT NULL,
        PRIMARY KEY (account, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE packs (
        account BLOB NOT NULL,
        number INTEGER NOT NULL,
        intent BLOB NOT NULL,
        receipt BLOB NOT NULL,
        plan TEXT NOT NULL,
        PRIMARY KEY (account, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE waiting (
        intent BLOB PRIMARY KEY,
        account BLOB NOT NULL,
        merchant TEXT,
        mandate BLOB NOT NULL,
        category INTEGER,
        plan TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX payments_by_time ON payments
        (account, decided_at, currency, captured, refunded, held, agent, merchant, category);
";

/// The view, and the store that it is made from.
pub struct Wallet {
    view: Connection,
    store: RefCell<Box<dyn Reader>>,
    sequence: u64,
    /// How many decisions, and how many mandates, each account has had.
    counts: HashMap<AccountId, (u64, u64)>,
}

/// Where the view of a store is.
pub fn beside(store: &Path) -> PathBuf {
    store.with_extension("wallet")
}

impl Wallet {
    /// Opens the view of a store, or makes it.
    pub fn open(path: &Path, mut store: Box<dyn Reader>) -> Result<Self, StoreError> {
        let last = store.last()?;
        let (view, sequence) = match Self::at(path) {
            Ok((view, sequence)) if sequence <= last => (view, sequence),
            _ => {
                Self::remove(path);
                Self::at(path)?
            }
        };
        Ok(Self { view, store: RefCell::new(store), sequence, counts: HashMap::new() })
    }

    fn at(path: &Path) -> Result<(Connection, u64), StoreError> {
        let view = Connection::open(path)?;
        view.pragma_update(None, "journal_mode", "WAL")?;
        // What is lost is made again.
        view.pragma_update(None, "synchronous", "OFF")?;
        view.set_prepared_statement_cache_capacity(64);
        match view.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))? {
            0 => view.execute_batch(&format!("BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT"))?,
            VERSION => {}
            found => return Err(StoreError::Version { found, expected: VERSION }),
        }
        let sequence = view.query_row("SELECT sequence FROM mark", [], |row| row.get(0))?;
        Ok((view, sequence))
    }

    fn remove(path: &Path) {
        for end in ["wallet", "wallet-wal", "wallet-shm"] {
            // What was not there is gone.
            let _ = std::fs::remove_file(path.with_extension(end));
        }
    }

    /// Takes some decisions more; how many.
    fn step(&mut self) -> Result<usize, StoreError> {
        let entries = entry::after(self.store.get_mut().as_mut(), self.sequence, STEP)?;
        let Some(last) = entries.last().map(|entry| entry.sequence) else { return Ok(0) };
        let transaction = self.view.unchecked_transaction()?;
        for entry in &entries {
            entry.apply(&transaction, &mut self.counts)?;
        }
        transaction.prepare_cached("UPDATE mark SET sequence = ?1")?.execute(params![last])?;
        transaction.commit()?;
        self.sequence = last;
        Ok(entries.len())
    }
}

/// The view for whoever asks, and the thread that brings it up when nothing happens.
#[derive(Clone)]
pub struct Desk {
    wallet: Arc<Mutex<Wallet>>,
    decided: Sender<()>,
}

impl Desk {
    /// Opens the view and, where it is brought up when nothing else happens, starts its thread.
    pub fn open(path: &Path, store: Box<dyn Reader>, idle: bool) -> Result<Self, StoreError> {
        let wallet = Arc::new(Mutex::new(Wallet::open(path, store)?));
        let (decided, told) = channel();
        if !idle {
            return Ok(Self { wallet, decided });
        }
        let behind = Arc::clone(&wallet);
        let keep_up = move || {
            let (mut is_behind, mut is_far_behind, mut last) = (true, false, Instant::now());
            loop {
                let mut is_quiet = false;
                match told.recv_timeout(if is_far_behind { Duration::ZERO } else { QUIET }) {
                    Ok(()) => is_behind = true,
                    Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) if !is_behind => continue,
                    Err(RecvTimeoutError::Timeout) => is_quiet = true,
                }
                if !is_quiet && last.elapsed() < BUSY {
                    is_far_behind = false;
                    continue;
                }
                // Somebody may want to read between two steps.
                let stepped = behind.lock().unwrap_or_else(PoisonError::into_inner).step();
                last = Instant::now();
                match stepped {
                    Ok(count) => {
                        is_behind = count == STEP;
                        is_far_behind = is_behind && is_quiet;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the wallet's view is not brought up");
                        (is_behind, is_far_behind) = (false, false);
                    }
                }
            }
        };
        std::thread::Builder::new().name("wallet".into()).spawn(keep_up).map_err(StoreError::Thread)?;
        Ok(Self { wallet, decided })
    }

    /// Says that something was decided.
    pub fn decided(&self) {
        // The thread lives as long as the desk, where there is one.
        let _ = self.decided.send(());
    }

    /// Reads the view, brought up to the store.
    ///
    /// One that is made anew, or that a flood has left behind, is brought up step by step, and whoever asks meanwhile
    /// is told so: an old view is never given for the new one.
    pub fn read<T>(&self, read: impl FnOnce(&Wallet) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let until = Instant::now() + PATIENCE;
        loop {
            let mut wallet = self.wallet.lock().unwrap_or_else(PoisonError::into_inner);
            if wallet.step()? < STEP {
                return read(&wallet);
            }
            if Instant::now() >= until {
                return Err(StoreError::Behind);
            }
        }
    }
}
