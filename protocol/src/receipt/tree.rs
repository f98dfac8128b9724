//! The Merkle tree of RFC 9162, over the claims of a batch.

use sha2::{Digest as _, Sha256};

/// The hash of a leaf.
pub fn leaf_hash(leaf: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([0]).chain_update(leaf).finalize().into()
}

/// The hash of an inner node.
pub fn node_hash(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// A tree over the hashes of leaves, all levels kept, so that every path is a look-up.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The leaves first, the root last. A node without a sibling rises unchanged.
    levels: Vec<Vec<[u8; 32]>>,
}

impl Tree {
    /// Builds the tree of leaves that are already hashed. [RCT-5]
    pub fn new(leaves: Vec<[u8; 32]>) -> Self {
        let mut levels = vec![leaves];
        while let Some(level) = levels.last().filter(|level| level.len() > 1) {
            let above = level.chunks(2).map(|pair| match pair {
                [left, right] => node_hash(left, right),
                odd => odd.first().copied().unwrap_or_default(),
            });
            let above = above.collect();
            levels.push(above);
        }
        Self { levels }
    }

    /// How many leaves it has.
    pub fn size(&self) -> usize {
        self.levels.first().map_or(0, Vec::len)
    }

    /// Its root; of no leaves, the hash of nothing.
    pub fn root(&self) -> [u8; 32] {
        let root = self.levels.last().and_then(|level| level.first());
        root.copied().unwrap_or_else(|| Sha256::digest([]).into())
    }

    /// The siblings on the way from a leaf to the root, the lowest first.
    pub fn path(&self, index: usize) -> Vec<[u8; 32]> {
        let mut at = index;
        let mut path = Vec::new();
        for level in &self.levels {
            path.extend(level.get(at ^ 1).copied());
            at /= 2;
        }
        path
    }
}

/// A tree that grows by one leaf after the other, of which only the right edge is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    /// The roots of the full subtrees from left to right; their sizes are the ones in the binary form of `size`.
    peaks: Vec<[u8; 32]>,
    size: u64,
}

impl Frontier {
    /// Adds a leaf that is already hashed. [RCT-9]
    pub fn push(&mut self, leaf: [u8; 32]) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// One of whole subtrees: their roots from left to right, and how many leaves stand under them.
    pub(super) fn of_tiles(peaks: Vec<[u8; 32]>, size: u64) -> Self {
        Self { peaks, size }
    }

    /// How many leaves it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Its root; of no leaves, the hash of nothing.
    pub fn root(&self) -> [u8; 32] {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => Sha256::digest([]).into(),
            Some(last) => peaks.fold(*last, |right, left| node_hash(left, &right)),
        }
    }
}

/// The root that a path leads to, by RFC 9162 2.1.3.2; `None` when it is not a path of a tree of that size.
pub fn root_of_path(leaf: [u8; 32], index: u64, size: u64, path: &[[u8; 32]]) -> Option<[u8; 32]> {
    if index >= size {
        return None;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in path {
        if last == 0 {
            return None;
        }
        if at % 2 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            while at.is_multiple_of(2) && at != 0 {
                at /= 2;
                last /= 2;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        at /= 2;
        last /= 2;
    }
    (last == 0).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_of_every_small_tree_leads_to_its_root_and_to_no_other() {
        for size in 1..=33_u64 {
            let leaves: Vec<_> = (0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect();
            let tree = Tree::new(leaves.clone());
            for index in 0..size {
                let at = usize::try_from(index).unwrap();
                let path = tree.path(at);
                assert_eq!(root_of_path(leaves[at], index, size, &path), Some(tree.root()), "{index} of {size}");
                let other = leaf_hash(b"other");
                assert_ne!(root_of_path(other, index, size, &path), Some(tree.root()));
                assert_eq!(root_of_path(leaves[at], size, size, &path), None);
                if let [_, short @ ..] = path.as_slice() {
                    assert_ne!(root_of_path(leaves[at], index, size, short), Some(tree.root()));
                }
                let long = [path, vec![other]].concat();
                assert_ne!(root_of_path(leaves[at], index, size, &long), Some(tree.root()));
            }
        }
    }

    #[test]
    fn a_growing_tree_has_the_roots_of_the_whole_one() {
        let mut frontier = Frontier::default();
        let mut leaves = Vec::new();
        assert_eq!(frontier.root(), Tree::new(Vec::new()).root());
        for number in 0..70_u64 {
            leaves.push(leaf_hash(&number.to_be_bytes()));
            frontier.push(leaf_hash(&number.to_be_bytes()));
            assert_eq!(frontier.root(), Tree::new(leaves.clone()).root(), "{} leaves", leaves.len());
        }
    }

    #[test]
    fn an_inner_node_is_no_leaf() {
        let (a, b) = (leaf_hash(b"a"), leaf_hash(b"b"));
        let root = Tree::new(vec![a, b]).root();
        assert_ne!(leaf_hash(&[a, b].concat()), root);
    }
}
