//! Who follows an issuer's log, and who shows that a receipt is in it: honest histories, and forged ones.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot build its case has failed"
)]

mod ledger_support;

use std::convert::Infallible;

use ledger_support::keys::Authority;
use ledger_support::*;
use purser_protocol::code::{Code, Stage};
use purser_protocol::fault::Fault;
use purser_protocol::field::{Bytes, encoded};
use purser_protocol::flow::log::{Followed, Logged, follow, open_root, read_proof, verify_logged};
use purser_protocol::id::{Digest, Nonce, PaperId, Text};
use purser_protocol::receipt::log::{Checkpoint, Inclusion, Log, LoggedReceipt, Path, batch_leaf};
use purser_protocol::receipt::tree::leaf_hash;
use purser_protocol::receipt::{Claims, Outcome, Receipt, Root};

/// An issuer that signs one receipt a batch.
struct History<'a> {
    world: &'a World,
    issuer: &'static str,
    log: Log,
    receipts: Vec<Receipt>,
    roots: Vec<Root>,
}

fn none(_: u64) -> Result<Vec<[u8; 32]>, Infallible> {
    panic!("there is no full tile")
}

impl<'a> History<'a> {
    fn new(world: &'a World) -> Self {
        Self { world, issuer: "issuer.example", log: Log::default(), receipts: Vec::new(), roots: Vec::new() }
    }

    /// Goes on for so many batches, with claims of their own for each `branch`.
    fn on(mut self, count: u8, branch: u8) -> Self {
        for _ in 0..count {
            let claims = Claims {
                command: Some(PaperId([self.receipts.len() as u8; 32])),
                ..Claims::new(Outcome::Recorded, at(self.world.now), Nonce([branch; 16]))
            };
            self.add(encoded(&claims));
        }
        self
    }

    fn add(&mut self, claims: Vec<u8>) {
        let leaf = leaf_hash(&claims);
        self.log.push(batch_leaf(&leaf));
        let size = self.log.size();
        let root = Root {
            issued_at: at(self.world.now),
            tree_root: Digest(leaf),
            tree_size: count(1),
            batch: size - 1,
            log_root: Digest(self.log.root(size, none).unwrap()),
            log_size: size,
            network: Text::new(SANDBOX.network).unwrap(),
        };
        let signed = self.world.certify(&root, self.issuer).bytes;
        self.receipts.push(Receipt { claims, index: 0, path: Vec::new(), root: signed });
        self.roots.push(root);
    }

    fn root(&self, size: usize) -> &Root {
        &self.roots[size - 1]
    }

    fn consistency(&self, from: usize, size: usize) -> Vec<[u8; 32]> {
        self.log.consistency(from as u64, size as u64, none).unwrap().unwrap()
    }

    /// That the receipt of a batch is in the log of this size.
    fn logged(&self, batch: usize, size: usize) -> LoggedReceipt {
        LoggedReceipt {
            receipt: Bytes(encoded(&self.receipts[batch])),
            proof: Inclusion {
                root: Bytes(self.receipts[size - 1].root.clone()),
                inclusion: Path(self.log.inclusion(batch as u64, size as u64, none).unwrap().unwrap()),
                consistency: Path(self.consistency(batch + 1, size)),
            },
        }
    }
}

fn of(fault: Fault) -> (Code, Stage) {
    (fault.code, fault.stage)
}

fn followed(kept: &Root, latest: &Root, proof: &[[u8; 32]]) -> Result<Followed, (Code, Stage)> {
    follow(kept, latest, proof).map_err(of)
}

#[test]
fn a_log_is_followed_as_long_as_it_goes_on() {
    let world = World::new();
    let honest = History::new(&world).on(7, 1);
    for (from, size) in [(1, 2), (3, 7), (4, 7), (6, 7)] {
        let (kept, latest) = (honest.root(from), honest.root(size));
        assert_eq!(followed(kept, latest, &honest.consistency(from, size)), Ok(Followed::Later));
        let missing = (Code::ConsistencyInvalid, Stage::Receipt);
        assert_eq!(followed(kept, latest, &[]), Err(missing), "{from} to {size}");
        assert_eq!(followed(kept, latest, &honest.consistency(from - 1 + 2, size)), Err(missing));
    }
    assert_eq!(followed(honest.root(7), honest.root(7), &[]), Ok(Followed::Same));
    assert_eq!(followed(honest.root(7), honest.root(6), &[]), Err((Code::LogShrunk, Stage::Receipt)));
}

#[test]
fn a_second_history_is_refused_by_whoever_saw_the_first() {
    let world = World::new();
    let kept = History::new(&world).on(3, 1).on(2, 2);
    // The same beginning of three, and another fourth: an old backup that went on.
    let forked = History::new(&world).on(3, 1).on(4, 3);
    let same_size = followed(kept.root(5), forked.root(5), &[]);
    assert_eq!(same_size, Err((Code::LogForked, Stage::Receipt)));
    let later = followed(kept.root(5), forked.root(7), &forked.consistency(5, 7));
    assert_eq!(later, Err((Code::ConsistencyInvalid, Stage::Receipt)));
    // Whoever kept a root of before the fork cannot tell, and goes on with the one that it is shown.
    assert_eq!(followed(kept.root(3), forked.root(7), &forked.consistency(3, 7)), Ok(Followed::Later));
    // A root of the same log whose batch is another is a second history too.
    let other = Root { tree_root: Digest([9; 32]), ..kept.root(5).clone() };
    assert_eq!(followed(kept.root(5), &other, &[]), Err((Code::LogForked, Stage::Receipt)));
}

fn verified(world: &World, logged: &LoggedReceipt) -> Result<Logged, (Code, Stage)> {
    verify_logged(logged, SANDBOX, world.crypto(), Authority::shared()).map_err(of)
}

#[test]
fn a_receipt_is_proved_to_be_in_every_later_log() {
    let world = World::new();
    let honest = History::new(&world).on(6, 1);
    for size in 1..=6 {
        for batch in 0..size {
            let logged = honest.logged(batch, size);
            let read: LoggedReceipt = read_proof(&encoded(&logged)).unwrap();
            assert_eq!(read, logged);
            let proved = verified(&world, &read).unwrap();
            assert_eq!((proved.receipt.root.batch, proved.root.root.log_size), (batch as u64, size as u64));
        }
    }
}

/// A change to what is shown, and what it comes to.
type Forged = (&'static str, fn(&mut LoggedReceipt, &History<'_>), Code);

#[test]
fn a_receipt_is_not_in_a_log_by_anything_less() {
    let world = World::new();
    let (honest, forked) = (History::new(&world).on(6, 1), History::new(&world).on(2, 2).on(4, 1));
    let rows: &[Forged] = &[
        ("no proof of inclusion", |logged, _| logged.proof.inclusion = Path::default(), Code::PathInvalid),
        ("a hash too many", |logged, _| logged.proof.inclusion.0.push([0; 32]), Code::PathInvalid),
        ("another hash", |logged, _| logged.proof.inclusion.0[0][0] ^= 1, Code::PathInvalid),
        (
            "the place of another batch",
            |logged, of| logged.proof.inclusion = of.logged(1, 6).proof.inclusion,
            Code::PathInvalid,
        ),
        ("the root of another history", |logged, of| logged.proof.root = of.logged(2, 6).proof.root, Code::PathInvalid),
        ("no proof of consistency", |logged, _| logged.proof.consistency = Path::default(), Code::ConsistencyInvalid),
        ("another beginning", |logged, _| logged.proof.consistency.0[0][0] ^= 1, Code::ConsistencyInvalid),
        ("a root that is none", |logged, _| *logged.proof.root.0.last_mut().unwrap() ^= 1, Code::SignatureInvalid),
        (
            "a receipt of another history",
            |logged, of| *logged = LoggedReceipt { receipt: of.logged(2, 6).receipt, ..logged.clone() },
            Code::ConsistencyInvalid,
        ),
    ];
    for (what, change, code) in rows {
        let mut logged = honest.logged(2, 6);
        assert!(verified(&world, &logged).is_ok());
        change(&mut logged, &forked);
        assert_eq!(verified(&world, &logged).map(drop).map_err(|fault| fault.0), Err(*code), "{what}");
    }
    // A log that ends before the batch has it at no place.
    let short = LoggedReceipt { receipt: honest.logged(5, 6).receipt, ..honest.logged(2, 3) };
    assert_eq!(verified(&world, &short).map(drop), Err((Code::PathInvalid, Stage::Receipt)));
    // The same log under another issuer's root.
    let mut other = History { issuer: "other-issuer.example", ..History::new(&world) };
    honest.receipts.iter().for_each(|receipt| other.add(receipt.claims.clone()));
    assert!(verified(&world, &other.logged(2, 6)).is_ok());
    let mixed = Inclusion { root: other.logged(2, 6).proof.root, ..honest.logged(2, 6).proof };
    let mixed = LoggedReceipt { proof: mixed, ..honest.logged(2, 6) };
    assert_eq!(verified(&world, &mixed).map(drop), Err((Code::PathInvalid, Stage::Receipt)));
}

#[test]
fn a_proof_has_its_form() {
    let world = World::new();
    let honest = History::new(&world).on(1, 1);
    let long = |count: usize| {
        let consistency = Path(vec![[0; 32]; count]);
        encoded(&Checkpoint { root: Bytes(honest.receipts[0].root.clone()), consistency })
    };
    assert!(read_proof::<Checkpoint>(&long(64)).is_ok());
    assert_eq!(read_proof::<Checkpoint>(&long(65)).map_err(|fault| fault.code), Err(Code::FieldRange));
    let trailing = [long(1), vec![0]].concat();
    assert_eq!(read_proof::<Checkpoint>(&trailing).map_err(|fault| fault.code), Err(Code::CborTrailing));
    let huge = vec![0; 65_537];
    assert_eq!(read_proof::<Checkpoint>(&huge).map_err(|fault| fault.code), Err(Code::MessageTooLarge));
    let root = open_root(&honest.receipts[0].root, SANDBOX, world.crypto(), Authority::shared()).unwrap();
    assert_eq!((root.issuer.as_str(), &root.root), ("issuer.example", honest.root(1)));
}
