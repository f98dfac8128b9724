//! What must be done now and then, on a thread that no commit waits for: checkpoints, and runs of the finder.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

use crate::store::StoreError;
use crate::store::finder::Finder;

/// Bytes that are committed between two checkpoints.
const CHECKPOINT_BYTES: u64 = 4 << 20;
/// Pages of the write-ahead log from which on the writer itself takes the last step: while it goes on writing, nobody
/// else ever comes to the log's end, and only there it can begin anew.
const LOG_PAGES_MAX: u64 = 16_384;

/// The thread.
#[derive(Debug)]
pub(super) struct Aside {
    /// Bytes that were committed since it was told.
    bytes: u64,
    tell: Option<SyncSender<()>>,
    /// How long the write-ahead log was at the last checkpoint.
    log_pages: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Aside {
    pub(super) fn start(path: &Path, finder: &Arc<Finder>) -> Result<Self, StoreError> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let (tell, told) = sync_channel(1);
        let (finder, log_pages) = (Arc::clone(finder), Arc::<AtomicU64>::default());
        let pages = Arc::clone(&log_pages);
        let work = move || work(&connection, &finder, &told, &pages);
        let thread = thread::Builder::new().name("store".into()).spawn(work).map_err(StoreError::Thread)?;
        Ok(Self { bytes: 0, tell: Some(tell), log_pages, thread: Some(thread) })
    }

    /// So many bytes more are on the disk.
    pub(super) fn committed(&mut self, connection: &Connection, bytes: u64) -> Result<(), StoreError> {
        self.bytes += bytes;
        if self.bytes < CHECKPOINT_BYTES {
            return Ok(());
        }
        self.bytes = 0;
        if let Some(tell) = &self.tell {
            // One that is at work finds the rest when it has done.
            let _ = tell.try_send(());
        }
        if self.log_pages.load(Ordering::Relaxed) > LOG_PAGES_MAX {
            self.log_pages.store(checkpoint(connection)?, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        self.tell = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn work(connection: &Connection, finder: &Finder, told: &Receiver<()>, log_pages: &AtomicU64) {
    while told.recv().is_ok() {
        match checkpoint(connection) {
            Ok(pages) => log_pages.store(pages, Ordering::Relaxed),
            Err(error) => tracing::warn!(%error, "no checkpoint"),
        }
        if finder.is_full()
            && let Err(error) = finder.settle()
        {
            // What is in memory stays there, and the next attempt takes it along.
            tracing::warn!(%error, "no run");
        }
    }
}

/// Moves what is in the log into the tables, as far as nobody is in the way; how long the log is.
fn checkpoint(connection: &Connection) -> Result<u64, rusqlite::Error> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(1)).map(|pages| {
        // Nothing to say of a log is -1.
        u64::try_from(pages).unwrap_or(0)
    })
}
