//! Proofs of the log, against a tree that is written as RFC 9162 defines it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::convert::Infallible;

use proptest::prelude::*;
use purser_protocol::receipt::log::{Log, TILE, is_beginning};
use purser_protocol::receipt::tree::{Frontier, leaf_hash, node_hash, root_of_path};

/// A tree by definition: RFC 9162, 2.1.1, 2.1.3.1 and 2.1.4.1.
mod naive {
    use super::{leaf_hash, node_hash};

    fn split(count: usize) -> usize {
        let mut half = 1;
        while half * 2 < count {
            half *= 2;
        }
        half
    }

    pub(super) fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
        match leaves {
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(split(leaves.len()));
                node_hash(&root(left), &root(right))
            }
        }
    }

    pub(super) fn inclusion(index: usize, leaves: &[[u8; 32]]) -> Vec<[u8; 32]> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let half = split(leaves.len());
        let (left, right) = leaves.split_at(half);
        let (mut path, sibling) = match index < half {
            true => (inclusion(index, left), root(right)),
            false => (inclusion(index - half, right), root(left)),
        };
        path.push(sibling);
        path
    }

    pub(super) fn consistency(from: usize, leaves: &[[u8; 32]]) -> Vec<[u8; 32]> {
        sub(from, leaves, true)
    }

    fn sub(from: usize, leaves: &[[u8; 32]], whole: bool) -> Vec<[u8; 32]> {
        if from == leaves.len() {
            return if whole { Vec::new() } else { vec![root(leaves)] };
        }
        let half = split(leaves.len());
        let (left, right) = leaves.split_at(half);
        let (mut path, sibling) = match from <= half {
            true => (sub(from, left, whole), root(right)),
            false => (sub(from - half, right, false), root(left)),
        };
        path.push(sibling);
        path
    }

    pub(super) fn leaves(count: usize) -> Vec<[u8; 32]> {
        (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
    }
}

/// A log, and what it asks for: each tile at most once a proof.
struct Kept {
    leaves: Vec<[u8; 32]>,
    log: Log,
}

impl Kept {
    fn new(count: usize) -> Self {
        let leaves = naive::leaves(count);
        let mut log = Log::default();
        leaves.iter().for_each(|leaf| log.push(*leaf));
        assert_eq!(log.size(), count as u64);
        let mut edge = Frontier::default();
        leaves.iter().for_each(|leaf| edge.push(*leaf));
        assert_eq!(log.edge(), edge);
        Self { leaves, log }
    }

    fn tile(&self) -> impl FnMut(u64) -> Result<Vec<[u8; 32]>, Infallible> {
        let mut asked = Vec::new();
        move |tile| {
            assert!(!asked.contains(&tile), "asked twice for one tile");
            asked.push(tile);
            assert!(asked.len() <= 2, "a proof needs the leaves of two tiles at most");
            let start = usize::try_from(tile).unwrap() * TILE;
            Ok(self.leaves[start..start + TILE].to_vec())
        }
    }

    fn inclusion(&self, index: usize, size: usize) -> Option<Vec<[u8; 32]>> {
        self.log.inclusion(index as u64, size as u64, self.tile()).unwrap()
    }

    fn consistency(&self, from: usize, size: usize) -> Option<Vec<[u8; 32]>> {
        self.log.consistency(from as u64, size as u64, self.tile()).unwrap()
    }

    fn root(&self, size: usize) -> [u8; 32] {
        self.log.root(size as u64, self.tile()).unwrap()
    }
}

/// Says what a verifier must say of a proof that is right, and of the ones beside it.
fn hold(kept: &Kept, from: usize, size: usize) {
    let path = kept.consistency(from, size).unwrap();
    let (smaller, greater) = (kept.root(from), kept.root(size));
    assert_eq!(greater, naive::root(&kept.leaves[..size]));
    assert_eq!(path, naive::consistency(from, &kept.leaves[..size]), "{from} of {size}");
    let says = |from: usize, smaller: &[u8; 32], size: usize, greater: &[u8; 32], path: &[[u8; 32]]| {
        is_beginning(from as u64, smaller, size as u64, greater, path)
    };
    assert!(says(from, &smaller, size, &greater, &path), "{from} of {size}");
    let other = leaf_hash(b"other");
    assert!(!says(from, &other, size, &greater, &path));
    assert!(!says(from, &smaller, size, &other, &path));
    assert!(!says(0, &smaller, size, &greater, &path) && !says(size + 1, &greater, size, &greater, &[]));
    assert!(!says(from, &smaller, size, &greater, &[path.as_slice(), &[other]].concat()));
    for at in 0..path.len() {
        let mut changed = path.clone();
        changed[at][0] ^= 1;
        assert!(!says(from, &smaller, size, &greater, &changed));
        let mut short = path.clone();
        short.remove(at);
        assert!(!says(from, &smaller, size, &greater, &short));
    }
}

#[test]
fn every_proof_of_every_small_log_is_the_one_that_is_defined() {
    let kept = Kept::new(40);
    for size in 1..=40 {
        for from in 1..=size {
            hold(&kept, from, size);
        }
        for index in 0..size {
            let path = kept.inclusion(index, size).unwrap();
            assert_eq!(path, naive::inclusion(index, &kept.leaves[..size]), "{index} of {size}");
            let root = root_of_path(kept.leaves[index], index as u64, size as u64, &path);
            assert_eq!(root, Some(kept.root(size)));
        }
        assert_eq!((kept.inclusion(size, size), kept.consistency(0, size)), (None, None));
    }
    assert_eq!((kept.inclusion(0, 41), kept.consistency(1, 41), kept.consistency(9, 8)), (None, None, None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Across tiles, where most hashes are kept and few leaves are asked for.
    #[test]
    fn a_proof_across_tiles_is_the_one_that_is_defined(count in 1_usize..3_000, a in 0_usize..3_000, b in 0_usize..3_000) {
        let kept = Kept::new(count);
        let size = a % count + 1;
        hold(&kept, b % size + 1, size);
        let index = b % size;
        prop_assert_eq!(kept.inclusion(index, size).unwrap(), naive::inclusion(index, &kept.leaves[..size]));
    }

    /// A log that was changed anywhere before its last common size is the beginning of no other.
    #[test]
    fn no_path_leads_from_another_history(from in 2_usize..600, more in 1_usize..600, at in 0_usize..600) {
        let kept = Kept::new(from + more);
        let mut leaves = kept.leaves[..from].to_vec();
        leaves[at % from][7] ^= 1;
        let forked = naive::root(&leaves);
        let path = kept.consistency(from, from + more).unwrap();
        let root = kept.root(from + more);
        prop_assert!(!is_beginning(from as u64, &forked, (from + more) as u64, &root, &path));
        prop_assert!(is_beginning(from as u64, &kept.root(from), (from + more) as u64, &root, &path));
    }
}
