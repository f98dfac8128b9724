//! The log of an issuer: roots that are followed, and receipts that are proved to be in it.

use purser_protocol::code::{Code, Stage};
use purser_test_vectors::{Area, Call, Expect, Importance};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::cbor::{Item, bytes, labelled, seq};
use super::certs::{self, Draft as Certificate, Role};
use super::forge::{By, Forge, NETWORK, aad, certificate_header};
use super::papers::NOW;
use super::receipts::{Draft, claims, tree};
use super::sheet::{Build as _, Expecting as _, Sheet, Shows, accepted, call, case, refused};
use super::{hex, keys};

const NEEDS: &str = "log";

pub(super) fn area() -> Area {
    let about = "The log of an issuer: roots held against the one that was kept, and receipts proved to be in it.";
    let mut sheet = Sheet::new("log", about);
    honest(&mut sheet);
    proofs(&mut sheet);
    histories(&mut sheet);
    signers(&mut sheet);
    logged(&mut sheet);
    sheet.finish()
}

/// A history: what its batches' trees have as roots.
#[derive(Clone)]
struct History {
    trees: Vec<[u8; 32]>,
    /// How a root is signed, and what is changed in it.
    change: fn(&mut Forge),
}

impl History {
    /// A hundred batches, of which `own`, at its place, is one.
    fn of(name: &str, own: Option<(usize, [u8; 32])>) -> Self {
        let mut trees: Vec<_> = (0..100).map(|number| keys::thirty_two(&format!("{name} {number}"))).collect();
        if let Some((place, tree)) = own {
            trees[place] = tree;
        }
        Self { trees, change: |_| {} }
    }

    /// The same up to a batch, and another from there on.
    fn forked(&self, from: usize) -> Self {
        let mut fork = self.clone();
        for (number, tree) in fork.trees.iter_mut().enumerate().skip(from) {
            *tree = keys::thirty_two(&format!("fork {number}"));
        }
        fork
    }

    fn with(&self, change: fn(&mut Forge)) -> Self {
        Self { change, ..self.clone() }
    }

    fn leaves(&self, size: usize) -> Vec<[u8; 32]> {
        let leaf = |tree: &[u8; 32]| Sha256::new().chain_update([0]).chain_update(tree).finalize().into();
        self.trees[..size].iter().map(leaf).collect()
    }

    /// The root after so many batches.
    fn root(&self, size: usize) -> Forge {
        let payload = labelled([
            (6, (NOW - 200 + size as u64).into()),
            (-1, 1.into()),
            (-46, self.trees[size - 1].into()),
            (-47, 1.into()),
            (-48, (size as u64 - 1).into()),
            (-49, tree(&self.leaves(size), 0).0.into()),
            (-50, (size as u64).into()),
            (-51, NETWORK.into()),
        ]);
        Forge::new("root", payload, By::Certificate("issuer")).but(self.change)
    }

    fn checkpoint(&self, from: usize, size: usize) -> Checkpoint {
        let proof = if from == 0 { Vec::new() } else { consistency(from, &self.leaves(size)) };
        Checkpoint { root: self.root(size), proof }
    }
}

/// The proof that the first `from` leaves are the beginning of all: RFC 9162, section 2.1.4.1.
fn consistency(from: usize, leaves: &[[u8; 32]]) -> Vec<[u8; 32]> {
    subproof(from, leaves, true)
}

fn subproof(from: usize, leaves: &[[u8; 32]], whole: bool) -> Vec<[u8; 32]> {
    if from == leaves.len() {
        return if whole { Vec::new() } else { vec![tree(leaves, 0).0] };
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut proof, other) = if from <= left.len() {
        (subproof(from, left, whole), right)
    } else {
        (subproof(from - left.len(), right, false), left)
    };
    proof.push(tree(other, 0).0);
    proof
}

/// A root and its proof, before they are shown.
#[derive(Clone)]
struct Checkpoint {
    root: Forge,
    proof: Vec<[u8; 32]>,
}

impl Checkpoint {
    fn but(&self, change: impl FnOnce(&mut Vec<[u8; 32]>)) -> Self {
        let mut checkpoint = self.clone();
        change(&mut checkpoint.proof);
        checkpoint
    }

    fn shown(&self) -> Call {
        let body = seq([self.root.bytes().into(), hashes(&self.proof)]).encode();
        let input = json!({
            "checkpoint": hex(&body), "network": NETWORK, "now": NOW, "anchors": [hex(&certs::anchor())],
            "chain": [hex(&certs::leaf("issuer"))],
        });
        call("log.follow", input)
    }
}

fn hashes(hashes: &[[u8; 32]]) -> Item {
    Item::List(hashes.iter().map(|hash| Item::from(*hash)).collect())
}

fn taken(how: &str, size: u64) -> Expect {
    accepted().value(json!({"taken": how, "log_size": size}))
}

fn put(
    sheet: &mut Sheet,
    (id, title, shows, clauses): (&str, &str, Shows, &str),
    setup: Option<&str>,
    shown: &Checkpoint,
    (expect, twin): (Expect, Option<&str>),
) {
    let case = case("verifier", &format!("follow/{id}"), title, shown.shown(), expect).shows(shows).clauses(clauses);
    let mut case = case.needs(NEEDS).weighs(Importance::High);
    case.setup = setup.map(str::to_owned);
    if let Some(twin) = twin {
        let twin = format!("follow/{twin}");
        case = case.twin(&twin).mutated(&twin, "input", vec![json!(["checkpoint"])], true);
    }
    sheet.add(case);
}

/// Names the state of a follower that has taken the root of so many batches.
fn kept(sheet: &mut Sheet, size: usize) -> String {
    let name = format!("kept-{size}");
    sheet.setup(&name, vec![History::of("batch", None).checkpoint(0, size).shown()]);
    name
}

fn honest(sheet: &mut Sheet) {
    let log = History::of("batch", None);
    let none = Shows("F17", "");
    for size in [1, 3, 100] {
        let words = (&*format!("first-{size}"), "The first root that is seen of an issuer", none, "RCT-9 RCT-25");
        put(sheet, words, None, &log.checkpoint(0, size), (taken("first", size as u64), None));
        // Not the very call that another state answers otherwise.
        sheet.amend(|mut case| {
            case.call.input["now"] = json!(NOW + 1);
            case
        });
    }
    for (from, size) in [(1, 2), (1, 100), (3, 4), (3, 7), (4, 7), (4, 8), (6, 7), (7, 8), (63, 100), (64, 100)] {
        let setup = kept(sheet, from);
        let id = format!("later-{from}-{size}");
        let title = format!("A log of {size} behind one of {from}");
        let words = (&*id, &*title, none, "RCT-21 RCT-9");
        put(sheet, words, Some(&setup), &log.checkpoint(from, size), (taken("later", size as u64), None));
    }
    for size in [1, 3, 8] {
        let setup = kept(sheet, size);
        let words = (&*format!("same-{size}"), "The root that was kept, once more", none, "RCT-21 RCT-23");
        put(sheet, words, Some(&setup), &log.checkpoint(size, size), (taken("same", size as u64), None));
    }
}

/// Proofs that prove nothing.
fn proofs(sheet: &mut Sheet) {
    let log = History::of("batch", None);
    let setup = kept(sheet, 3);
    let base = log.checkpoint(3, 7);
    let rows: [(&str, &str, Checkpoint); 8] = [
        ("no-proof", "A later root without a proof", base.but(Vec::clear)),
        ("shorter", "A proof without its last hash", base.but(|proof| _ = proof.pop())),
        ("headless", "A proof without its first hash", base.but(|proof| _ = proof.remove(0))),
        ("longer", "A proof with one hash more", base.but(|proof| proof.push(keys::thirty_two("one more")))),
        ("swapped", "The first two hashes of a proof swapped", base.but(|proof| proof.swap(0, 1))),
        ("from-another", "A proof from a log of two", log.checkpoint(2, 7)),
        ("to-another", "A proof to a log of six", Checkpoint { root: log.root(7), ..log.checkpoint(3, 6) }),
        ("hash", "A proof in which one hash is another", base.but(|proof| proof[1] = keys::thirty_two("another"))),
    ];
    let wrong = || refused(Code::ConsistencyInvalid, Stage::Receipt);
    for (id, title, shown) in rows {
        let words = (id, title, Shows("F17", ""), "RCT-21");
        put(sheet, words, Some(&setup), &shown, (wrong(), Some("later-3-7")));
    }
    let setup = kept(sheet, 4);
    let words = (
        "whole-tree-no-proof",
        "A later root of a log whose beginning is a whole tree, without a proof",
        Shows("F17", ""),
        "RCT-21",
    );
    let shown = log.checkpoint(4, 7).but(Vec::clear);
    put(sheet, words, Some(&setup), &shown, (wrong(), Some("later-4-7")));
}

/// Histories that are not the one that was seen before.
fn histories(sheet: &mut Sheet) {
    let log = History::of("batch", None);
    let setup = kept(sheet, 3);
    let shows = Shows("F17", "");
    let other = History::of("elsewhere", None);
    let (forked, shrunk) = (refused(Code::LogForked, Stage::Receipt), refused(Code::LogShrunk, Stage::Receipt));
    let wrong = refused(Code::ConsistencyInvalid, Stage::Receipt);
    let rows: [(&str, &str, &str, Checkpoint, &Expect, &str); 5] = [
        ("another-log", "A root of the same size and another log", "RCT-23", other.checkpoint(3, 3), &forked, "same-3"),
        (
            "another-last",
            "A root of the same size whose last batch is another",
            "RCT-23",
            log.forked(2).checkpoint(3, 3),
            &forked,
            "same-3",
        ),
        (
            "another-tree",
            "A root of the same log that names another tree",
            "RCT-23",
            Checkpoint { root: log.root(3).says(|p| p.with(-46, keys::thirty_two("another tree"))), proof: Vec::new() },
            &forked,
            "same-3",
        ),
        (
            "second-history",
            "A later root of a second history, with its own proof",
            "RCT-21",
            log.forked(2).checkpoint(3, 7),
            &wrong,
            "later-3-7",
        ),
        ("shrunk", "A root of the log of a batch before", "RCT-24", log.checkpoint(2, 2), &shrunk, "later-3-7"),
    ];
    for (id, title, clause, shown, expect, twin) in rows {
        put(sheet, (id, title, shows, clause), Some(&setup), &shown, (expect.clone(), Some(twin)));
    }
    let later = kept(sheet, 7);
    let words = ("shrunk-by-five", "A root of the log of five batches before", shows, "RCT-24");
    put(sheet, words, Some(&later), &log.checkpoint(2, 2), (shrunk.clone(), Some("later-7-8")));
    // Whatever was refused, the kept root stays.
    for (name, title, bad, expect) in [
        ("fork", "A second history of the same size was refused", other.checkpoint(3, 3), &forked),
        ("second-history", "A longer second history was refused", log.forked(2).checkpoint(3, 7), &wrong),
        ("shrunk", "An older root was refused", log.checkpoint(2, 2), &shrunk),
    ] {
        let mut bad = bad.shown();
        bad.expect = Some(expect.clone());
        let setup = format!("refused-{name}");
        sheet.setup(&setup, vec![log.checkpoint(0, 3).shown(), bad]);
        let good = format!("{title}, and the first goes on");
        let words = (&*format!("goes-on-after-{name}"), &*good, shows, "RCT-25");
        put(sheet, words, Some(&setup), &log.checkpoint(3, 8), (taken("later", 8), None));
        let again = format!("{title}, and goes on");
        let words = (&*format!("refused-on-after-{name}"), &*again, shows, "RCT-21 RCT-25");
        let onward = log.forked(2).checkpoint(7, 8);
        put(sheet, words, Some(&setup), &onward, (wrong.clone(), Some(&format!("goes-on-after-{name}"))));
    }
}

/// Roots that are not the issuer's.
fn signers(sheet: &mut Sheet) {
    let log = History::of("batch", None);
    let setup = kept(sheet, 3);
    let rows: [(&str, &str, Shows, (Code, Stage), fn(&mut Forge)); 3] = [
        (
            "forged",
            "A later root with a broken signature",
            Shows("F14", "B20"),
            (Code::SignatureInvalid, Stage::Signature),
            |f| f.signature_item = Some(bytes(&[1; 64])),
        ),
        (
            "another-network",
            "A later root that was signed for another network",
            Shows("M44", "D9"),
            (Code::SignatureInvalid, Stage::Signature),
            |f| f.aad = aad("root", "live"),
        ),
        (
            "by-merchant",
            "A later root that a merchant signed",
            Shows("F14 X16", "E9"),
            (Code::CertRole, Stage::Certificates),
            |f| signed_with(f, certs::leaf("merchant"), "merchant"),
        ),
    ];
    for (id, title, shows, (code, stage), change) in rows {
        let words = (id, title, shows, "RCT-1");
        put(sheet, words, Some(&setup), &log.with(change).checkpoint(3, 7), (refused(code, stage), Some("later-3-7")));
    }
    let other = History::of("elsewhere", None).with(by_bank);
    let words =
        ("another-issuer", "The first root of a second issuer, beside that of a first", Shows::default(), "RCT-25");
    put(sheet, words, Some(&setup), &other.checkpoint(0, 2), (taken("first", 2), None));
}

fn by_bank(f: &mut Forge) {
    signed_with(f, Certificate::leaf("thief", Role::Issuer, "bank.example", &[], "root").der(), "thief");
}

fn signed_with(f: &mut Forge, leaf: Vec<u8>, key: &'static str) {
    f.protected = certificate_header("root", &leaf);
    f.unprotected = labelled([(33, leaf.into())]);
    f.signer = key;
}

/// The batch of the receipts that are proved, from 0.
const PLACE: usize = 2;

/// A receipt with what proves that it is logged, before it is written.
#[derive(Clone)]
struct Proved {
    receipt: Draft,
    root: Forge,
    inclusion: Vec<[u8; 32]>,
    consistency: Vec<[u8; 32]>,
}

impl Proved {
    fn new(log: &History, size: usize) -> Self {
        Self {
            receipt: receipt(log),
            root: log.root(size),
            inclusion: tree(&log.leaves(size), PLACE).1,
            consistency: consistency(PLACE + 1, &log.leaves(size)),
        }
    }

    fn but(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut proved = self.clone();
        change(&mut proved);
        proved
    }
}

/// The receipt of that batch, under the root that its issuer signed then.
fn receipt(log: &History) -> Draft {
    let then = log.root(PLACE + 1);
    let taken_over = [-48, -49, -50].map(|label| (label, Some(then.payload.get(label))));
    Draft { root: taken_over.into(), ..Draft::of(claims(2)) }
}

fn logged(sheet: &mut Sheet) {
    let log = History::of("batch", Some((PLACE, Draft::of(claims(2)).id())));
    let put =
        |sheet: &mut Sheet, id: &str, title: &str, proved: &Proved, refusal: Option<(Code, Stage)>, clauses: &str| {
            let proof = seq([proved.root.bytes().into(), hashes(&proved.inclusion), hashes(&proved.consistency)]);
            let body = seq([proved.receipt.bytes().into(), proof]).encode();
            let input = json!({
                "logged": hex(&body), "network": NETWORK, "now": NOW + 60, "anchors": [hex(&certs::anchor())],
                "chain": [hex(&certs::leaf("issuer"))],
            });
            let size = super::world::number(&proved.root.payload.get(-50));
            let value = json!({"id": hex(&proved.receipt.id()), "outcome": "settled", "log_size": size});
            let expect = match refusal {
                Some((code, stage)) => refused(code, stage),
                None => accepted().value(value),
            };
            let case = case("verifier", &format!("receipt/{id}"), title, call("receipt.logged", input), expect);
            let mut case = case.shows(Shows("F15 F17", "B20")).clauses(clauses).needs(NEEDS).weighs(Importance::High);
            if refusal.is_some() {
                let twin = "receipt/base";
                case = case.twin(twin).mutated(twin, "input", vec![json!(["logged"])], true);
            }
            sheet.add(case);
        };
    let base = Proved::new(&log, 7);
    put(sheet, "base", "A receipt of the third batch, in the log of seven", &base, None, "RCT-26 RCT-22 RCT-21");
    for size in [3, 4, 8, 100] {
        let title = format!("A receipt of the third batch, in the log of {size}");
        put(sheet, &format!("in-{size}"), &title, &Proved::new(&log, size), None, "RCT-26 RCT-22 RCT-21");
    }
    let (mut long, mut longer) = (Proved::new(&log, 7), Proved::new(&log, 7));
    long.inclusion = vec![[7; 32]; 2_000];
    longer.consistency = vec![[7; 32]; 2_000];
    let too_large = Some((Code::MessageTooLarge, Stage::Size));
    put(sheet, "inclusion-too-large", "A logged receipt of more than 65,536 bytes", &long, too_large, "ENC-1");
    put(sheet, "consistency-too-large", "The same, by its second proof", &longer, too_large, "ENC-1");
    let (path, proof) = (Code::PathInvalid, Code::ConsistencyInvalid);
    let another = keys::thirty_two("another");
    let fork = log.forked(5);
    let rows: [(&str, &str, Code, &str, Proved); 11] = [
        (
            "inclusion-shorter",
            "An inclusion without its last hash",
            path,
            "RCT-22",
            base.but(|p| _ = p.inclusion.pop()),
        ),
        (
            "inclusion-longer",
            "An inclusion with one hash more",
            path,
            "RCT-22",
            base.but(|p| p.inclusion.push(another)),
        ),
        (
            "inclusion-swapped",
            "The first two hashes of an inclusion swapped",
            path,
            "RCT-22",
            base.but(|p| p.inclusion.swap(0, 1)),
        ),
        (
            "inclusion-of-another",
            "The inclusion of the batch before",
            path,
            "RCT-22",
            base.but(|p| p.inclusion = tree(&log.leaves(7), 1).1),
        ),
        ("inclusion-none", "No inclusion", path, "RCT-22", base.but(|p| p.inclusion.clear())),
        ("smaller-log", "A root of before the receipt", path, "RCT-22", base.but(|p| p.root = log.root(2))),
        (
            "another-log",
            "The root of another log",
            path,
            "RCT-22",
            base.but(|p| p.root = History::of("elsewhere", None).root(7)),
        ),
        ("consistency-none", "No proof of consistency", proof, "RCT-21", base.but(|p| p.consistency.clear())),
        (
            "consistency-shorter",
            "A proof of consistency without its last hash",
            proof,
            "RCT-21",
            base.but(|p| _ = p.consistency.pop()),
        ),
        (
            "consistency-hash",
            "A proof of consistency in which one hash is another",
            proof,
            "RCT-21",
            base.but(|p| p.consistency[0] = another),
        ),
        (
            "history-rewritten",
            "A log that has the batch, behind another beginning",
            proof,
            "RCT-21",
            Proved { receipt: receipt(&log), ..Proved::new(&rewritten(&log), 7) },
        ),
    ];
    for (id, title, code, clause, proved) in rows {
        put(sheet, id, title, &proved, Some((code, Stage::Receipt)), &format!("{clause} RCT-26"));
    }
    put(
        sheet,
        "in-a-fork",
        "A log that is another after the batch: it is in that one as well",
        &Proved { receipt: receipt(&log), ..Proved::new(&fork, 7) },
        None,
        "RCT-26",
    );
    let forked = base.but(|p| {
        let other = rewritten(&log);
        (p.root, p.inclusion, p.consistency) =
            (other.root(PLACE + 1), tree(&other.leaves(PLACE + 1), PLACE).1, Vec::new());
    });
    put(
        sheet,
        "forked",
        "Another root of the very size of the receipt's",
        &forked,
        Some((Code::LogForked, Stage::Receipt)),
        "RCT-23 RCT-26",
    );
    let unsigned = base.but(|p| p.root = p.root.but(|f| f.signature_item = Some(bytes(&[1; 64]))));
    put(
        sheet,
        "root-forged",
        "A later root with a broken signature",
        &unsigned,
        Some((Code::SignatureInvalid, Stage::Signature)),
        "RCT-26",
    );
    let not_in_tree = base.but(|p| p.receipt.root.push((-46, Some(another.into()))));
    put(
        sheet,
        "receipt-path",
        "A receipt that is not in its own batch",
        &not_in_tree,
        Some((path, Stage::Receipt)),
        "RCT-3 RCT-26",
    );
    let of_bank = base.but(|p| p.root = p.root.but(by_bank));
    put(
        sheet,
        "another-issuer",
        "The same log under the root of another issuer",
        &of_bank,
        Some((path, Stage::Receipt)),
        "RCT-26",
    );
}

/// A history that has the batch, and another before it.
fn rewritten(log: &History) -> History {
    let mut other = log.clone();
    other.trees[0] = keys::thirty_two("another beginning");
    other
}
