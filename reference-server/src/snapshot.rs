//! The state as of some batch, in a file beside the store: a start then replays only what came after.
//!
//! Nothing rests on it. It is read only when it is whole, of this version, and of the very log that the store holds
//! at that size; else, and when it is deleted, everything is replayed. `purser-server audit` holds its state against
//! that of the events.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use purser_protocol::id::PartyId;
use purser_protocol::ledger::snapshot::{self as rows, Restoring};
use purser_protocol::ledger::state::State;
use purser_protocol::receipt::Root;
use purser_protocol::receipt::log::{Log, batch_leaf};
use purser_protocol::sign::{Paper, Signed};
use purser_protocol::wire::{Field as _, Reader as Cbor, Writer as CborWriter};
use sha2::{Digest as _, Sha256};

use crate::lookup;
use crate::store::place::Place;
use crate::store::{Reader, StoreError};

const MAGIC: &[u8] = b"purser-snapshot\n";
/// Longest row: a mandate, or a payment that waits with its papers.
const ROW_BYTES_MAX: usize = 1 << 20;

/// A state, and how far the store was when it was so.
#[derive(Debug, Default)]
pub struct Point {
    /// The state.
    pub state: State,
    /// The log of its batches.
    pub log: Log,
    /// The last decision in it.
    pub sequence: u64,
    /// How many decisions were replayed to come to it.
    pub replayed: u64,
}

/// Why a snapshot is not read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] io::Error),
    /// It is not whole, or of another version or another store.
    #[error("it is {0}")]
    Unfit(&'static str),
    /// Its rows make no state.
    #[error(transparent)]
    Broken(#[from] purser_protocol::ledger::apply::Broken),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where the snapshot of a store is.
pub fn beside(store: &Path) -> PathBuf {
    store.with_extension("snapshot")
}

/// The latest state: from the snapshot where there is one that fits, and from what came after it.
pub fn latest(path: &Path, issuer: &PartyId, reader: &mut dyn Reader) -> Result<Point, StoreError> {
    let from = read(path, issuer, reader).unwrap_or_else(|error| {
        tracing::warn!(%error, path = %path.display(), "the snapshot is passed over");
        None
    });
    forward(from.unwrap_or_default(), reader)
}

/// Brings the snapshot up to the store as it is now; what is in it.
pub fn renew(path: &Path, issuer: &PartyId, reader: &mut dyn Reader) -> Result<Point, SnapshotError> {
    let point = latest(path, issuer, reader)?;
    write(path, issuer, &point)?;
    Ok(point)
}

/// Renews the snapshot while the issuer goes on: from the last one and the store, on a thread of its own, so that
/// no decision waits for it. It takes as much memory again while it works.
#[derive(Debug)]
pub struct Keeper {
    every: u64,
    since: AtomicU64,
    works: Arc<AtomicBool>,
    paths: Paths,
}

/// Where things are, and whose they are.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The store.
    pub store: Place,
    /// The snapshot.
    pub snapshot: PathBuf,
    /// The issuer.
    pub issuer: PartyId,
}

impl Keeper {
    /// One that renews after so many decisions; never, where that is 0. So many were made since the last one.
    pub fn new(every: u64, since: u64, paths: Paths) -> Self {
        Self { every, since: since.into(), works: Arc::default(), paths }
    }

    /// Says that so many decisions more are on the disk.
    pub fn decided(&self, count: u64) {
        let since = self.since.fetch_add(count, Ordering::Relaxed) + count;
        if self.every == 0 || since < self.every || self.works.swap(true, Ordering::AcqRel) {
            return;
        }
        self.since.store(0, Ordering::Relaxed);
        let (paths, works) = (self.paths.clone(), Arc::clone(&self.works));
        let renews = move || {
            let renewed = paths
                .store
                .reader()
                .map_err(SnapshotError::from)
                .and_then(|mut reader| renew(&paths.snapshot, &paths.issuer, reader.as_mut()));
            if let Err(error) = renewed {
                tracing::warn!(%error, "the snapshot is not renewed");
            }
            works.store(false, Ordering::Release);
        };
        if let Err(error) = std::thread::Builder::new().name("snapshot".into()).spawn(renews) {
            tracing::warn!(%error, "no thread for the snapshot");
            self.works.store(false, Ordering::Release);
        }
    }
}

/// Reads a snapshot, and holds it against the store's own signed root of that size. `None` where there is none.
pub fn read(path: &Path, issuer: &PartyId, reader: &mut dyn Reader) -> Result<Option<Point>, SnapshotError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut file = Hashing { inner: BufReader::with_capacity(1 << 20, file), hash: Sha256::new() };
    let mut magic = [0; MAGIC.len()];
    file.read_exact(&mut magic)?;
    if magic != MAGIC {
        return Err(SnapshotError::Unfit("no snapshot"));
    }
    let mut row = Vec::new();
    if !file.row(&mut row)? {
        return Err(SnapshotError::Unfit("cut off"));
    }
    let (log, sequence) = head(&row, issuer)?;
    let mut restoring = Restoring::default();
    while file.row(&mut row)? {
        restoring.row(&row)?;
    }
    let hash: [u8; 32] = file.hash.finalize().into();
    let mut trailer = [0; 32];
    file.inner.read_exact(&mut trailer)?;
    if trailer != hash || file.inner.read(&mut [0])? != 0 {
        return Err(SnapshotError::Unfit("damaged"));
    }
    is_of_store(&log, reader)?;
    Ok(Some(Point { state: restoring.finish()?, log, sequence, replayed: 0 }))
}

/// The first row: version, whose it is, how far it goes.
fn head(row: &[u8], issuer: &PartyId) -> Result<(Log, u64), SnapshotError> {
    let unreadable = |_| SnapshotError::Unfit("of another form");
    let mut reader = Cbor::new(row);
    if reader.list().map_err(unreadable)? != 4 || reader.unsigned().map_err(unreadable)? != rows::VERSION {
        return Err(SnapshotError::Unfit("of another version"));
    }
    if PartyId::read(&mut reader).map_err(unreadable)? != *issuer {
        return Err(SnapshotError::Unfit("another issuer's"));
    }
    let sequence = reader.unsigned().map_err(unreadable)?;
    Ok((Log::read(&mut reader).map_err(unreadable)?, sequence))
}

/// The log of the snapshot is the one that the store's root of that size signs.
fn is_of_store(log: &Log, reader: &mut dyn Reader) -> Result<(), SnapshotError> {
    let Some(last) = log.size().checked_sub(1) else { return Ok(()) };
    let signed = reader.root(last)?.ok_or(SnapshotError::Unfit("newer than the store"))?;
    let root = Signed::<Root>::read(&signed).and_then(|signed| Root::decode(&mut Cbor::new(signed.frame.payload)));
    match root {
        Ok(root) if (root.log_size, root.log_root.0) == (log.size(), log.edge().root()) => Ok(()),
        _ => Err(SnapshotError::Unfit("of another history")),
    }
}

/// Applies what came after.
fn forward(mut point: Point, reader: &mut dyn Reader) -> Result<Point, StoreError> {
    let (state, log, last) = (&mut point.state, &mut point.log, &mut point.sequence);
    let replayed = &mut point.replayed;
    let (batches, sequence) = (log.size(), *last);
    reader.replay(
        batches,
        sequence,
        &mut |past| {
            let (event, at) = lookup::event(&past)?;
            *last = past.sequence;
            *replayed += 1;
            state.apply(&event, at).map(drop).map_err(|broken| StoreError::Damaged(broken.to_string()))
        },
        &mut |tree_root| log.push(batch_leaf(&tree_root)),
    )?;
    Ok(point)
}

/// Writes a snapshot so that, after a crash at any instant, the old one or the new one is there, whole.
pub fn write(path: &Path, issuer: &PartyId, point: &Point) -> Result<(), SnapshotError> {
    let beside = path.with_extension("snapshot-new");
    let file = BufWriter::with_capacity(1 << 20, File::create(&beside)?);
    let mut file = Hashing { inner: file, hash: Sha256::new() };
    file.write_all(MAGIC)?;
    let mut head = CborWriter::new();
    head.list(4);
    head.unsigned(rows::VERSION);
    issuer.write(&mut head);
    head.unsigned(point.sequence);
    point.log.write(&mut head);
    file.put(&head.into_bytes())?;
    rows::write(&point.state, |row| file.put(row))?;
    file.put(&[])?;
    let hash: [u8; 32] = file.hash.finalize().into();
    file.inner.write_all(&hash)?;
    file.inner.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(&beside, path)?;
    // The name is on the disk only when its folder is.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// What is read or written, with the hash of it. A row is its length, then its bytes; one of nothing ends them.
struct Hashing<F> {
    inner: F,
    hash: Sha256,
}

impl<F: Read> Hashing<F> {
    fn read_exact(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.inner.read_exact(bytes)?;
        self.hash.update(bytes);
        Ok(())
    }

    fn row(&mut self, row: &mut Vec<u8>) -> Result<bool, SnapshotError> {
        let mut length = [0; 4];
        self.read_exact(&mut length)?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > ROW_BYTES_MAX {
            return Err(SnapshotError::Unfit("damaged"));
        }
        row.resize(length, 0);
        self.read_exact(row)?;
        Ok(length > 0)
    }
}

impl<F: Write> Hashing<F> {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.inner.write_all(bytes)
    }

    fn put(&mut self, row: &[u8]) -> Result<(), SnapshotError> {
        let length = u32::try_from(row.len()).ok().filter(|_| row.len() <= ROW_BYTES_MAX);
        let length = length.ok_or(SnapshotError::Unfit("too large"))?;
        self.write_all(&length.to_be_bytes())?;
        self.write_all(row)?;
        Ok(())
    }
}
