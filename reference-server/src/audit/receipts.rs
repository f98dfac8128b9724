//! Receipts that were given out, held against the store.

use std::collections::BTreeMap;
use std::io::BufRead;

use purser_protocol::bind::base64url;
use purser_protocol::field::decoded;
use purser_protocol::receipt::Receipt;
use purser_protocol::receipt::tree::Tree;

use super::report::{Kind, Report};
use crate::store::KeptBatch;

/// Receipts that somebody was answered with.
#[derive(Clone, Debug, Default)]
pub struct Acknowledged {
    missing: BTreeMap<[u8; 32], Receipt>,
    changed: Vec<[u8; 32]>,
    unreadable: Vec<usize>,
    count: u64,
}

impl Acknowledged {
    /// Reads base64url, a receipt a line. A line that is none is found wrong in the report.
    pub fn read(lines: impl BufRead) -> std::io::Result<Self> {
        let mut read = Self::default();
        for (number, line) in lines.lines().enumerate() {
            let line = line?;
            if line.trim().is_empty() {
                continue;
            }
            read.count += 1;
            let receipt = base64url::decode(line.trim()).and_then(|bytes| decoded::<Receipt>(&bytes).ok());
            match receipt {
                Some(receipt) => {
                    read.missing.insert(receipt.id().0, receipt);
                }
                None => read.unreadable.push(number + 1),
            }
        }
        Ok(read)
    }

    /// Looks for receipts in a batch. [RCT-7]
    pub(super) fn meet(&mut self, batch: &KeptBatch) {
        if self.missing.is_empty() {
            return;
        }
        let leaves =
            batch.entries.iter().map(|entry| <[u8; 32]>::try_from(entry.receipt.as_slice()).unwrap_or_default());
        let leaves: Vec<[u8; 32]> = leaves.collect();
        let mut tree = None;
        for (index, leaf) in leaves.iter().enumerate() {
            let Some(given) = self.missing.remove(leaf) else { continue };
            let tree = tree.get_or_insert_with(|| Tree::new(leaves.clone()));
            let same = given.index == index as u64 && given.path == tree.path(index) && given.root == batch.root;
            if !same || batch.entries.get(index).is_none_or(|entry| entry.claims != given.claims) {
                self.changed.push(*leaf);
            }
        }
    }

    pub(super) fn report(self, report: &mut Report) {
        report.acknowledged = self.count;
        for line in self.unreadable {
            report.find(Kind::Acknowledged, &format!("line {line}"), "it holds no receipt");
        }
        let name = |id: &[u8; 32]| format!("receipt {}", purser_protocol::id::PaperId(*id));
        for id in self.missing.keys() {
            report.find(Kind::Acknowledged, &name(id), "it was given out and is not in the store");
        }
        for id in &self.changed {
            report.find(Kind::Acknowledged, &name(id), "the store would give another answer now");
        }
    }
}
