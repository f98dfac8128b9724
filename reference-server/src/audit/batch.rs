//! One batch: its root, its tree, its place in the log, its decisions.

use purser_protocol::flow::log::open_root;
use purser_protocol::id::PaperId;
use purser_protocol::ledger::event::Event;
use purser_protocol::ledger::state::Payment;
use purser_protocol::receipt::log::batch_leaf;
use purser_protocol::receipt::tree::{Tree, leaf_hash};
use purser_protocol::receipt::{Claims, Receipt, Root};
use purser_protocol::sign::Context;
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::time::UnixSeconds;

use super::{Kind, Walk, answer};
use crate::store::{KeptBatch, KeptEntry};

impl Walk<'_> {
    /// Checks a batch, and goes on from it as if it were good.
    pub(super) fn batch(&mut self, batch: KeptBatch) {
        let place = format!("batch {}", batch.number);
        if batch.number != self.batches {
            let what = format!("batch {} should come here: what was between is missing", self.batches);
            self.report.find(Kind::Batch, &place, what);
        }
        if batch.decided_at_seconds < self.decided_at_seconds {
            self.report.find(Kind::Batch, &place, "it was decided before the one before it");
        }
        let leaves: Vec<[u8; 32]> = batch.entries.iter().map(|entry| leaf_hash(&entry.claims)).collect();
        let tree = Tree::new(leaves.clone());
        if batch.tree_root != tree.root() {
            self.report.find(Kind::Tree, &place, "its receipts are not the leaves of its root");
        }
        // The log has what the batch says that it is, as a restart would have it.
        let entry = <[u8; 32]>::try_from(batch.tree_root.as_slice()).unwrap_or_default();
        self.log.push(batch_leaf(&entry)); // [RCT-9]
        let now = (self.log.size(), self.log.root());
        self.signed = self.signed.filter(|mark| (mark.log_size, mark.log_root.0) != now);
        self.root(&batch, &tree, &place);

        for (index, (entry, leaf)) in batch.entries.iter().zip(leaves).enumerate() {
            let place = format!("batch {}, decision {index}", batch.number);
            if entry.place != index as u64 || entry.sequence <= self.sequence {
                self.report.find(Kind::Entry, &place, "a decision is missing or out of its place before it");
            }
            self.sequence = self.sequence.max(entry.sequence);
            self.entry(entry, leaf, batch.decided_at_seconds, &place);
        }
        self.entries += batch.entries.len() as u64;
        if let Some(point) = self.snapshot.take_if(|point| point.log.size() == now.0)
            && self.applies
            && (point.state != *self.ledger.state() || point.sequence != self.sequence || point.log.edge() != self.log)
        {
            self.report.find(Kind::Snapshot, &place, "the snapshot is not the state as of this batch");
        }
        self.batches = batch.number + 1;
        self.decided_at_seconds = self.decided_at_seconds.max(batch.decided_at_seconds);
    }

    /// The signed root says what the store says.
    fn root(&mut self, batch: &KeptBatch, tree: &Tree, place: &str) {
        let context = Context { network: self.auditor.network.as_str() };
        let signed = match open_root(&batch.root, context, &AwsLc, &self.auditor.parties) {
            Ok(signed) => signed,
            Err(fault) => return self.report.find(Kind::Root, place, fault.to_string()),
        };
        if signed.issuer != self.auditor.issuer {
            return self.report.find(Kind::Root, place, format!("{} signed it", signed.issuer));
        }
        let Root { issued_at, tree_root, tree_size, batch: number, log_root, log_size, network: _ } = signed.root;
        let size = u64::from(tree_size.get());
        if (number, issued_at.get(), tree_root.0.as_slice())
            != (batch.number, batch.decided_at_seconds, &batch.tree_root)
        {
            self.report.find(Kind::Root, place, "number, time or tree of the signed root are others");
        }
        if size != tree.size() as u64 || tree_root.0 != tree.root() {
            let what = format!("{} receipts are there, {size} were signed", tree.size());
            self.report.find(Kind::Tree, place, what);
        }
        if (log_size, log_root.0) != (self.log.size(), self.log.root()) {
            self.report.find(Kind::Log, place, "the log that was signed is not that of the batches up to here");
        }
    }

    fn entry(&mut self, entry: &KeptEntry, leaf: [u8; 32], decided_at_seconds: u64, place: &str) {
        if entry.receipt != leaf {
            self.report.find(Kind::Receipt, place, "its receipt stands under another id");
        }
        let Ok(command) = <[u8; 32]>::try_from(entry.command.as_slice()).map(PaperId) else {
            return self.skip(Kind::Answer, place, "what it answers is no id".to_owned());
        };
        // A payment that waits has one answer, and then its last.
        let waits = matches!(self.ledger.state().payments.get(&command), Some(Payment::Pending(_)));
        if self.ledger.past().commands.contains(&command) && !waits {
            return self.report.find(Kind::Twice, place, format!("{command} was decided before"));
        }
        let claims = match claims(&entry.claims) {
            Ok(claims) => claims,
            Err(fault) => return self.skip(Kind::Receipt, place, fault.to_string()),
        };
        let Some(at) = UnixSeconds::new(decided_at_seconds).filter(|at| *at == claims.decided_at) else {
            return self.skip(Kind::Receipt, place, "it was decided at another time than its batch".to_owned());
        };
        let event = match Event::read_kept(&entry.event) {
            Ok(event) => event,
            Err(fault) => return self.skip(Kind::Event, place, fault.to_string()),
        };
        let payment = event.payment().filter(|intent| *intent != command).map(|intent| intent.0.to_vec());
        if entry.payment != payment || entry.payer != event.payer().map(|payer| payer.0.to_vec()) {
            self.report.find(Kind::Entry, place, "it is found by another payment or payer than its own");
        }
        let state = self.ledger.state();
        for (kind, what) in answer::faults(entry, &event, &claims, &command, PaperId(leaf), state) {
            self.report.find(kind, place, what);
        }
        if self.applies
            && let Err(broken) = self.ledger.replay(&event, Some(command), at)
        {
            self.skip(Kind::Event, place, broken.0.to_owned());
        }
    }

    /// A decision that cannot be applied: what comes after it means nothing in sums.
    fn skip(&mut self, kind: Kind, place: &str, what: String) {
        self.applies = false;
        self.report.find(kind, place, what);
    }
}

fn claims(bytes: &[u8]) -> Result<Claims, purser_protocol::fault::Fault> {
    let receipt = Receipt { claims: bytes.to_vec(), index: 0, path: Vec::new(), root: Vec::new() };
    receipt.read_claims()
}
