//! What the issuer last signed, kept outside of its store: so that a store from an older backup is noticed.
//!
//! One line: the size of the log, and its root. It is written after each batch is on the disk, and not synced: it
//! can be behind the store, never ahead of it. It may lie on another disk than the store; a backup of the store
//! leaves it out.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use purser_protocol::id::{Digest, PaperId};
use purser_protocol::receipt::log::{Log, TILE, batch_leaf};

use crate::issuer::paper_id;
use crate::store::{Reader, StoreError};

/// A line is always so long, so that a newer one covers an older one.
const LINE_BYTES: usize = 20 + 1 + 64 + 1;

/// A size of the log, and its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// How many batches.
    pub log_size: u64,
    /// Their root.
    pub log_root: Digest,
}

/// The file.
#[derive(Debug)]
pub struct Head {
    file: File,
    path: PathBuf,
}

/// Why an issuer must not go on.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It holds no such line.
    #[error("{} says nothing of what was last signed; move it away if it is damaged", .0.display())]
    Unreadable(PathBuf),
    /// More was signed than the store holds.
    #[error(
        "the store is older than what was signed: {signed} batches were, and {kept} are in it. Restore the latest \
         store. If the rest is lost for good, move {} away: whoever has a receipt of it will see a second history",
        path.display()
    )]
    Older {
        /// Batches that were signed.
        signed: u64,
        /// Batches in the store.
        kept: u64,
        /// The file.
        path: PathBuf,
    },
    /// Something else was signed than the store holds.
    #[error(
        "the store is of another history: its first {signed} batches are not those that were signed here last. \
         Restore the right store, or move {} away",
        path.display()
    )]
    Other {
        /// Batches that were signed.
        signed: u64,
        /// The file.
        path: PathBuf,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where the mark of a store is, when the configuration does not say.
pub fn beside(store: &Path) -> PathBuf {
    store.with_extension("head")
}

/// What was last signed, if the file says so.
pub fn read(path: &Path) -> Result<Option<Mark>, HeadError> {
    match std::fs::read(path) {
        Ok(bytes) => line(&bytes).map(Some).ok_or_else(|| HeadError::Unreadable(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(HeadError::File { path: path.to_owned(), source }),
    }
}

/// Refuses a log that does not have what was last signed. [OPS-1]
pub fn check(path: &Path, mark: Mark, log: &Log, reader: &mut dyn Reader) -> Result<(), HeadError> {
    let (signed, kept) = (mark.log_size, log.size());
    if signed > kept {
        return Err(HeadError::Older { signed, kept, path: path.to_owned() });
    }
    // Every log begins with the one of nothing.
    if signed == 0 {
        return Ok(());
    }
    let tile_size = TILE as u64;
    let root = log.root(signed, |tile| {
        let roots = reader.tree_roots(tile * tile_size, tile_size)?;
        Ok::<_, StoreError>(roots.iter().map(batch_leaf).collect())
    });
    if root? != mark.log_root.0 {
        return Err(HeadError::Other { signed, path: path.to_owned() });
    }
    Ok(())
}

impl Head {
    /// Opens the file, or makes it, with what the store holds now.
    pub fn open(path: &Path, now: Mark) -> Result<Self, HeadError> {
        let wrong = |source| HeadError::File { path: path.to_owned(), source };
        let file = OpenOptions::new().create(true).write(true).truncate(false).open(path).map_err(wrong)?;
        let head = Self { file, path: path.to_owned() };
        head.write(now)?;
        head.file.sync_all().map_err(wrong)?;
        Ok(head)
    }

    /// Writes what was signed now.
    pub fn write(&self, now: Mark) -> Result<(), HeadError> {
        let line = format!("{:020} {}\n", now.log_size, now.log_root);
        let written = self.file.write_all_at(line.as_bytes(), 0);
        written.map_err(|source| HeadError::File { path: self.path.clone(), source })
    }
}

fn line(bytes: &[u8]) -> Option<Mark> {
    let line = std::str::from_utf8(bytes).ok().filter(|line| line.len() == LINE_BYTES)?;
    let (size, root) = line.strip_suffix('\n')?.split_once(' ')?;
    let PaperId(root) = paper_id(root)?;
    Some(Mark { log_size: size.parse().ok()?, log_root: Digest(root) })
}
