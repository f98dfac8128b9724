//! A sorted run: keys and places, in a file that does not change any more.
//!
//! ```text
//! magic, count, mark, then 16 bytes each of key and place in their order, then SHA-256 of all before it
//! ```

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

const MAGIC: [u8; 16] = *b"purser-finder-1\n";
const HEAD_BYTES: u64 = 32;
const RECORD_BYTES: usize = 16;
/// Records that are read at once; the first key of each such block is in memory.
const BLOCK: usize = 256;
/// Bits of the filter for each record, and how many of them are set.
const BITS: usize = 8;
const PROBES: u32 = 4;

type Record = (u64, u64);

/// What a run is to cover.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    pub(super) from: u64,
    pub(super) until: u64,
    pub(super) mark: u64,
    pub(super) count: u64,
}

/// A run that is open.
#[derive(Debug)]
pub(super) struct Run {
    /// It covers the decisions after this one,
    pub(super) from: u64,
    /// up to this one,
    pub(super) until: u64,
    /// which is marked so.
    pub(super) mark: u64,
    pub(super) count: u64,
    file: File,
    path: PathBuf,
    /// The first key of each block.
    fences: Vec<u64>,
    filter: Filter,
}

impl Run {
    /// Which decisions a file covers, by its name.
    pub(super) fn span(path: &Path) -> Option<(u64, u64)> {
        let name = path.file_name()?.to_str()?.strip_suffix(".run")?;
        let (from, until) = name.split_once('-')?;
        Some((from.parse().ok()?, until.parse().ok()?)).filter(|(from, until)| from < until)
    }

    /// Reads all of a file, and refuses one that is not as it was written.
    pub(super) fn open(path: &Path, from: u64, until: u64) -> io::Result<Self> {
        let file = File::open(path)?;
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a run is damaged");
        let count = file.metadata()?.len().checked_sub(HEAD_BYTES + 32).ok_or_else(damaged)? / RECORD_BYTES as u64;
        let mut index = Indexed::new(count);
        let mut reader = BufReader::with_capacity(1 << 18, &file);
        let mut hash = Sha256::new();
        let mut head = [0; HEAD_BYTES as usize];
        reader.read_exact(&mut head)?;
        hash.update(head);
        let mark = super::key(head.get(24..).unwrap_or_default());
        if head != Self::head(count, mark) {
            return Err(damaged());
        }
        let mut block = vec![0; BLOCK * RECORD_BYTES];
        let mut left = count;
        while left > 0 {
            let records = left.min(BLOCK as u64);
            let bytes = block.get_mut(..records as usize * RECORD_BYTES).unwrap_or_default();
            reader.read_exact(bytes)?;
            hash.update(&*bytes);
            bytes.chunks_exact(RECORD_BYTES).for_each(|bytes| index.take(record(bytes).0));
            left -= records;
        }
        let mut trailer = [0; 32];
        reader.read_exact(&mut trailer)?;
        let expected: [u8; 32] = hash.finalize().into();
        if trailer != expected || reader.read(&mut [0])? != 0 {
            return Err(damaged());
        }
        let Indexed { fences, filter, .. } = index;
        Ok(Self { from, until, mark, count, file, path: path.to_owned(), fences, filter })
    }

    /// Writes a run of records that come sorted.
    pub(super) fn write(
        folder: &Path,
        named: Named,
        records: impl Iterator<Item = io::Result<Record>>,
    ) -> io::Result<Self> {
        let Named { from, until, mark, count } = named;
        let path = folder.join(format!("{from:020}-{until:020}.run"));
        let beside = path.with_extension("new");
        let mut index = Indexed::new(count);
        let mut hash = Sha256::new();
        let file = File::options().create(true).truncate(true).write(true).read(true).open(&beside)?;
        let mut writer = BufWriter::with_capacity(1 << 18, &file);
        hash.update(Self::head(count, mark));
        writer.write_all(&Self::head(count, mark))?;
        let mut block = Vec::with_capacity(BLOCK * RECORD_BYTES);
        for next in records {
            let (key, place) = next?;
            index.take(key);
            block.extend(key.to_be_bytes());
            block.extend(place.to_be_bytes());
            if block.len() == block.capacity() {
                hash.update(&block);
                writer.write_all(&block)?;
                block.clear();
            }
        }
        hash.update(&block);
        writer.write_all(&block)?;
        let hash: [u8; 32] = hash.finalize().into();
        writer.write_all(&hash)?;
        writer.flush()?;
        drop(writer);
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        File::open(folder)?.sync_all()?;
        let Indexed { fences, filter, .. } = index;
        Ok(Self { from, until, mark, count, file, path, fences, filter })
    }

    fn head(count: u64, mark: u64) -> [u8; HEAD_BYTES as usize] {
        let mut head = [0; HEAD_BYTES as usize];
        let parts = MAGIC.into_iter().chain(count.to_be_bytes()).chain(mark.to_be_bytes());
        head.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        head
    }

    /// How long it is, roughly: runs of one rank are merged.
    pub(super) fn rank(&self) -> u32 {
        (self.until - self.from).max(1).ilog2() / 3
    }

    /// Takes the file away. Whoever has it open reads on.
    pub(super) fn remove(&self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }

    /// Whether it is worth a look.
    pub(super) fn may_have(&self, key: u64) -> bool {
        self.filter.may_have(key)
    }

    /// The places of a key, the latest first; whether `each` would have more.
    pub(super) fn latest_first<E: From<io::Error>>(
        &self,
        key: u64,
        each: &mut dyn FnMut(u64) -> Result<bool, E>,
    ) -> Result<bool, E> {
        // The last block that begins at the key or before it is the last that may have it.
        let Some(mut block) = self.fences.partition_point(|first| *first <= key).checked_sub(1) else {
            return Ok(true);
        };
        loop {
            let records = self.block(block)?;
            for (_, place) in records.iter().rev().filter(|(of, _)| *of == key) {
                if !each(*place)? {
                    return Ok(false);
                }
            }
            // One that begins below the key has the first of it.
            if block == 0 || self.fences.get(block).is_none_or(|first| *first < key) {
                return Ok(true);
            }
            block -= 1;
        }
    }

    fn block(&self, number: usize) -> io::Result<Vec<Record>> {
        let first = (number * BLOCK) as u64;
        let records = (self.count - first).min(BLOCK as u64) as usize;
        let mut bytes = vec![0; records * RECORD_BYTES];
        self.file.read_exact_at(&mut bytes, HEAD_BYTES + first * RECORD_BYTES as u64)?;
        Ok(bytes.chunks_exact(RECORD_BYTES).map(record).collect())
    }
}

fn record(bytes: &[u8]) -> Record {
    let (key, place) = bytes.split_at(8);
    (super::key(key), super::key(place))
}

/// The records of several runs in one order.
pub(super) fn merged(runs: &[Arc<Run>]) -> io::Result<impl Iterator<Item = io::Result<Record>>> {
    let mut readers = Vec::with_capacity(runs.len());
    for run in runs {
        let mut reader = BufReader::with_capacity(1 << 16, File::open(&run.path)?);
        reader.seek_relative(HEAD_BYTES as i64)?;
        readers.push((reader, run.count));
    }
    let mut next = move |at: usize| -> io::Result<Option<Record>> {
        let Some((reader, left)) = readers.get_mut(at).filter(|(_, left)| *left > 0) else { return Ok(None) };
        *left -= 1;
        let mut bytes = [0; RECORD_BYTES];
        reader.read_exact(&mut bytes)?;
        Ok(Some(record(&bytes)))
    };
    let mut heads = BinaryHeap::new();
    for at in 0..runs.len() {
        heads.extend(next(at)?.map(|record| Reverse((record, at))));
    }
    Ok(std::iter::from_fn(move || {
        let Reverse((least, at)) = heads.pop()?;
        match next(at) {
            Ok(following) => heads.extend(following.map(|record| Reverse((record, at)))),
            Err(error) => return Some(Err(error)),
        }
        Some(Ok(least))
    }))
}

/// What of a run is in memory.
struct Indexed {
    fences: Vec<u64>,
    filter: Filter,
    taken: usize,
}

impl Indexed {
    fn new(count: u64) -> Self {
        Self { fences: Vec::new(), filter: Filter::new(count as usize), taken: 0 }
    }

    fn take(&mut self, key: u64) {
        if self.taken.is_multiple_of(BLOCK) {
            self.fences.push(key);
        }
        self.taken += 1;
        self.filter.add(key);
    }
}

/// Says no to most keys that are not there, and never to one that is. The bits of a key are in one line of memory.
#[derive(Debug)]
struct Filter {
    lines: Vec<[u64; 8]>,
}

impl Filter {
    fn new(keys: usize) -> Self {
        Self { lines: vec![[0; 8]; (keys * BITS).div_ceil(512).max(1)] }
    }

    fn add(&mut self, key: u64) {
        let (line, bits) = self.place(key);
        if let Some(line) = self.lines.get_mut(line) {
            for bit in bits {
                line[bit / 64 % 8] |= 1 << (bit % 64);
            }
        }
    }

    fn may_have(&self, key: u64) -> bool {
        let (line, mut bits) = self.place(key);
        self.lines.get(line).is_none_or(|line| bits.all(|bit| line[bit / 64 % 8] & (1 << (bit % 64)) != 0))
    }

    /// The line of a key, and its bits there. Keys are hashes already, but for those that share one.
    fn place(&self, key: u64) -> (usize, impl Iterator<Item = usize> + use<>) {
        let mixed = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let line = ((u128::from(mixed) * self.lines.len() as u128) >> 64) as usize;
        let bits = key.rotate_left(32).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
        (line, (0..PROBES).map(move |probe| (bits >> (probe * 9 + 20)) as usize % 512))
    }
}
