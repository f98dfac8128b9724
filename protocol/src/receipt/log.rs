//! The log of an issuer: the tree of RFC 9162 over the roots of its batches, and what is proved of it.

use super::tree::{Frontier, Tree, leaf_hash, node_hash};
use crate::fault::Fault;
use crate::field::{Bytes, listed, ranged};
use crate::limits::LOG_PATH_MAX;
use crate::wire::{Field, Reader, Writer};

/// How many leaves a tile has. Of a full tile only its root is kept; its leaves are asked for.
pub const TILE: usize = 256;
const TILE_SIZE: u64 = TILE as u64;

/// The leaf of a batch whose tree has this root.
pub fn batch_leaf(tree_root: &[u8; 32]) -> [u8; 32] {
    leaf_hash(tree_root)
}

/// A log, to which leaves are added, and that can prove what it holds: 64 bytes for each 256 leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// The roots of the full tiles, above them those of their full pairs, and so on.
    levels: Vec<Vec<[u8; 32]>>,
    /// The leaves behind the last full tile.
    edge: Vec<[u8; 32]>,
}

impl Log {
    /// Adds a leaf. [RCT-9]
    pub fn push(&mut self, leaf: [u8; 32]) {
        self.edge.push(leaf);
        if self.edge.len() < TILE {
            return;
        }
        let mut hash = Tree::new(std::mem::take(&mut self.edge)).root();
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let Some(row) = self.levels.get_mut(level) else { return };
            row.push(hash);
            match row.as_slice() {
                [.., left, right] if row.len().is_multiple_of(2) => hash = node_hash(left, right),
                _ => return,
            }
        }
    }

    /// How many leaves it has.
    pub fn size(&self) -> u64 {
        self.full_tiles() * TILE_SIZE + self.edge.len() as u64
    }

    /// Its right edge, for whoever only adds to it.
    pub fn edge(&self) -> Frontier {
        let whole = self.levels.iter().rev().filter(|row| !row.len().is_multiple_of(2)).filter_map(|row| row.last());
        let mut edge = Frontier::of_tiles(whole.copied().collect(), self.full_tiles() * TILE_SIZE);
        self.edge.iter().for_each(|leaf| edge.push(*leaf));
        edge
    }

    /// Its root as it was when it had `size` leaves, of which at least one.
    pub fn root<E>(&self, size: u64, leaves: impl FnMut(u64) -> Result<Vec<[u8; 32]>, E>) -> Result<[u8; 32], E> {
        Prover::new(self, leaves).hash(0, size)
    }

    /// The siblings on the way from a leaf to the root of the first `size` leaves, the lowest first; `None` when
    /// there are fewer, or the leaf is not among them. `leaves` gives the leaves of a full tile by its number.
    pub fn inclusion<E>(
        &self,
        index: u64,
        size: u64,
        leaves: impl FnMut(u64) -> Result<Vec<[u8; 32]>, E>,
    ) -> Result<Option<Vec<[u8; 32]>>, E> {
        if index >= size || size > self.size() {
            return Ok(None);
        }
        let mut prover = Prover::new(self, leaves);
        let (mut start, mut end) = (0, size);
        let mut path = Vec::new();
        while end - start > 1 {
            let middle = start + half(end - start);
            if index < middle {
                path.push(prover.hash(middle, end)?);
                end = middle;
            } else {
                path.push(prover.hash(start, middle)?);
                start = middle;
            }
        }
        path.reverse();
        Ok(Some(path))
    }

    /// What shows that the first `from` leaves are the beginning of the first `size`; `None` when there are fewer,
    /// or `from` is none of 1 to `size`.
    pub fn consistency<E>(
        &self,
        from: u64,
        size: u64,
        leaves: impl FnMut(u64) -> Result<Vec<[u8; 32]>, E>,
    ) -> Result<Option<Vec<[u8; 32]>>, E> {
        if from == 0 || from > size || size > self.size() {
            return Ok(None);
        }
        let mut prover = Prover::new(self, leaves);
        let (mut start, mut end) = (0, size);
        let mut path = Vec::new();
        while end != from {
            let middle = start + half(end - start);
            if from <= middle {
                path.push(prover.hash(middle, end)?);
                end = middle;
            } else {
                path.push(prover.hash(start, middle)?);
                start = middle;
            }
        }
        // The root of the smaller log is at hand when it is a whole subtree of the other.
        if start > 0 {
            path.push(prover.hash(start, end)?);
        }
        path.reverse();
        Ok(Some(path))
    }

    fn full_tiles(&self) -> u64 {
        self.levels.first().map_or(0, |tiles| tiles.len() as u64)
    }

    /// The root of a whole subtree of full tiles.
    fn kept(&self, start: u64, end: u64) -> Option<[u8; 32]> {
        let count = end - start;
        let tiles = count / TILE_SIZE;
        if !count.is_multiple_of(TILE_SIZE) || !tiles.is_power_of_two() || !start.is_multiple_of(count) {
            return None;
        }
        let row = self.levels.get(usize::try_from(tiles.trailing_zeros()).ok()?)?;
        row.get(usize::try_from(start / count).ok()?).copied()
    }
}

/// The edge, then the levels from the tiles up, each as one string of hashes. Only this program writes it.
impl Field for Log {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let at = reader.offset();
        let count = reader.list()?;
        let rows = (0..count).map(|_| hashes(reader)).collect::<Result<Vec<_>, _>>()?;
        let mut rows = rows.into_iter();
        let edge = rows.next().filter(|edge| edge.len() < TILE);
        let log = edge.map(|edge| Self { levels: rows.collect(), edge });
        let fits = |log: &Self| {
            let pairs = log.levels.windows(2).all(|pair| pair[1].len() == pair[0].len() / 2);
            pairs && log.levels.iter().all(|row| !row.is_empty()) && log.levels.last().is_none_or(|top| top.len() == 1)
        };
        log.filter(fits).ok_or_else(|| Fault::new(crate::code::Code::FieldRange).at(at))
    }

    fn write(&self, writer: &mut Writer) {
        writer.list(self.levels.len() + 1);
        writer.bytes(self.edge.as_flattened());
        self.levels.iter().for_each(|row| writer.bytes(row.as_flattened()));
    }
}

fn hashes(reader: &mut Reader<'_>) -> Result<Vec<[u8; 32]>, Fault> {
    ranged(reader, Reader::bytes, |bytes| {
        let (hashes, rest) = bytes.as_chunks();
        rest.is_empty().then(|| hashes.to_vec())
    })
}

/// How many leaves stand to the left of the root of `count`: the greatest power of two below it.
fn half(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

/// Hashes of parts of a log.
struct Prover<'a, F> {
    log: &'a Log,
    leaves: F,
    /// The tile that was asked for last: one proof asks for the leaves of one or two tiles.
    tiles: Vec<(u64, Vec<[u8; 32]>)>,
}

impl<'a, E, F: FnMut(u64) -> Result<Vec<[u8; 32]>, E>> Prover<'a, F> {
    fn new(log: &'a Log, leaves: F) -> Self {
        Self { log, leaves, tiles: Vec::new() }
    }

    /// The root of these leaves, which are such as stand under one node.
    fn hash(&mut self, start: u64, end: u64) -> Result<[u8; 32], E> {
        if let Some(kept) = self.log.kept(start, end) {
            return Ok(kept);
        }
        if end - start <= TILE_SIZE {
            return self.within_tile(start, end);
        }
        let middle = start + half(end - start);
        Ok(node_hash(&self.hash(start, middle)?, &self.hash(middle, end)?))
    }

    fn within_tile(&mut self, start: u64, end: u64) -> Result<[u8; 32], E> {
        let tile = start / TILE_SIZE;
        let place = |at: u64| usize::try_from(at - tile * TILE_SIZE).unwrap_or(usize::MAX);
        let range = place(start)..place(end);
        if tile == self.log.full_tiles() {
            return Ok(Tree::new(self.log.edge.get(range).unwrap_or_default().to_vec()).root());
        }
        if !self.tiles.iter().any(|(number, _)| *number == tile) {
            let leaves = (self.leaves)(tile)?;
            self.tiles.push((tile, leaves));
        }
        let leaves = self.tiles.iter().find(|(number, _)| *number == tile).and_then(|(_, leaves)| leaves.get(range));
        Ok(Tree::new(leaves.unwrap_or_default().to_vec()).root())
    }
}

/// Whether the log of `from` leaves and this root is the beginning of the log of `size` leaves and that root, by
/// RFC 9162 2.1.4.2. [RCT-21]
pub fn is_beginning(from: u64, from_root: &[u8; 32], size: u64, root: &[u8; 32], path: &[[u8; 32]]) -> bool {
    if from == 0 || from > size {
        return false;
    }
    if from == size {
        return path.is_empty() && from_root == root;
    }
    // A smaller log that is a whole subtree begins with its own root.
    let (first, rest) = match path.split_first() {
        _ if from.is_power_of_two() => (from_root, path),
        Some((first, rest)) => (first, rest),
        None => return false,
    };
    let (mut at, mut last) = (from - 1, size - 1);
    let odd = at.trailing_ones();
    (at, last) = (at >> odd, last >> odd);
    let (mut smaller, mut greater) = (*first, *first);
    for hash in rest {
        if last == 0 {
            return false;
        }
        if at % 2 == 1 || at == last {
            smaller = node_hash(hash, &smaller);
            greater = node_hash(hash, &greater);
            while at != 0 && at.is_multiple_of(2) {
                (at, last) = (at / 2, last / 2);
            }
        } else {
            greater = node_hash(&greater, hash);
        }
        (at, last) = (at / 2, last / 2);
    }
    last == 0 && smaller == *from_root && greater == *root
}

/// The hashes of a proof: at most 64, as no log has more than 2^64 leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(pub Vec<[u8; 32]>);

impl Field for Path {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let length = ranged(reader, Reader::list, |length| {
            usize::try_from(length).ok().filter(|&length| length <= LOG_PATH_MAX)
        })?;
        (0..length).map(|_| reader.array()).collect::<Result<_, _>>().map(Self)
    }

    fn write(&self, writer: &mut Writer) {
        writer.list(self.0.len());
        self.0.iter().for_each(|hash| writer.bytes(hash));
    }
}

listed! {
    /// A root, and the proof that a smaller log is the beginning of its log. `spec/cddl/log.cddl`
    pub struct Checkpoint {
        /// The bytes of the root.
        root: Bytes,
        /// The proof; of nothing, empty.
        consistency: Path,
    }
}

listed! {
    /// A root, and the proofs that a batch is in its log.
    pub struct Inclusion {
        /// The bytes of the root.
        root: Bytes,
        /// From the batch to the root.
        inclusion: Path,
        /// From the log that ends with the batch to the root.
        consistency: Path,
    }
}

listed! {
    /// A receipt, and the proofs that it is in the log of a later root.
    pub struct LoggedReceipt {
        /// The bytes of the receipt.
        receipt: Bytes,
        /// The root, and the proofs for the receipt's batch.
        proof: Inclusion,
    }
}
