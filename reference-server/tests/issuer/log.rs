//! The log as anybody is shown it.

use std::collections::BTreeMap;

use purser_protocol::bind::http::{CHECKPOINT, INCLUSION, PAPER};
use purser_protocol::code::Code;
use purser_protocol::flow::log::{open_root, read_proof, verify_logged};
use purser_protocol::receipt::Outcome;
use purser_protocol::receipt::log::{Checkpoint, Inclusion, LoggedReceipt, batch_leaf, is_beginning};
use purser_protocol::receipt::tree::root_of_path;
use purser_protocol::sign::Signed;
use purser_protocol::sign::backend::AwsLc;

use crate::papers::{CONTEXT, Key, World};
use crate::scene::Scene;

/// What every size of the log was, by those who asked in time.
struct Seen {
    world: World,
    roots: BTreeMap<u64, [u8; 32]>,
}

pub(crate) async fn checkpoint(scene: &Scene, query: &str) -> (purser_protocol::receipt::Root, Vec<[u8; 32]>) {
    let answer = scene.get(&format!("/v1/log{query}")).await;
    assert_eq!((answer.status, &answer.headers["content-type"]), (200, &CHECKPOINT.parse().unwrap()));
    let shown: Checkpoint = read_proof(&answer.body).unwrap();
    let signed = Signed::<purser_protocol::receipt::Root>::read(&shown.root.0).unwrap();
    assert_eq!(signed.header.x5chain.count(), 1, "a root in a body has its certificates [SIG-17]");
    let root = open_root(&shown.root.0, CONTEXT, &AwsLc, &scene.world.register).unwrap();
    (root.root, shown.consistency.0)
}

#[tokio::test]
async fn every_size_is_the_beginning_of_every_later_one_and_every_receipt_is_in_them() {
    let mut scene = Scene::new();
    scene.get("/v1/log").await.decides_nothing(Code::NotFound);
    scene.get("/v1/log/0").await.decides_nothing(Code::NotFound);
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 5_000)).await;
    let mut seen = Seen { world: World::of(&scene.sandbox), roots: BTreeMap::new() };
    let mut receipts = Vec::new();
    for round in 0..2 {
        for _ in 0..3 {
            let offer = scene.shop.offer(100);
            let paid = scene.pay(&offer, &agent.intent(quota, &offer, 100)).await;
            let receipt = paid.is(&seen.world, Outcome::Settled);
            let (latest, proof) = checkpoint(&scene, "").await;
            assert_eq!(proof, Vec::<[u8; 32]>::new());
            assert_eq!(receipt.root, latest, "a receipt's root is a checkpoint");
            seen.roots.insert(latest.log_size, latest.log_root.0);
            let id = receipt.id;
            receipts.push(scene.get(&format!("/v1/receipts/{id}")).await.body.to_vec());
        }
        if round == 0 {
            // What is on the disk is what was shown.
            scene.kill();
            scene.start();
        }
    }
    for (from, smaller) in &seen.roots {
        for (size, greater) in seen.roots.range(from..) {
            let (root, proof) = checkpoint(&scene, &format!("?from={from}&size={size}")).await;
            assert_eq!((root.log_size, &root.log_root.0), (*size, greater));
            assert!(is_beginning(*from, smaller, *size, greater, &proof), "{from} of {size}");
        }
    }
    let (size, _) = seen.roots.last_key_value().unwrap();
    for receipt in receipts {
        let read = purser_protocol::receipt::Receipt::from_bytes(&receipt).unwrap();
        let own = open_root(&read.root, CONTEXT, &AwsLc, &seen.world.register).unwrap().root;
        let answer = scene.get(&format!("/v1/log/{}", own.batch)).await;
        assert_eq!((answer.status, &answer.headers["content-type"]), (200, &INCLUSION.parse().unwrap()));
        let receipt = purser_protocol::field::Bytes(receipt);
        let logged = LoggedReceipt { receipt, proof: read_proof(&answer.body).unwrap() };
        let proved = verify_logged(&logged, CONTEXT, &AwsLc, &seen.world.register).unwrap();
        assert_eq!(proved.root.root.log_size, *size);
    }
}

/// A full tile's leaves come from the disk; the rest from memory.
#[tokio::test]
async fn proofs_go_across_what_is_kept_of_a_long_log() {
    let mut scene = Scene::new();
    let person = scene.person(1).await;
    let mut line = scene.line().await;
    let mut roots = BTreeMap::new();
    for _ in 0..300 {
        let deposited = line.post("/v1/commands", PAPER, person.deposit(1)).await.unwrap();
        let root = deposited.is(&scene.world, Outcome::Recorded).root;
        roots.insert(root.log_size, root.log_root.0);
    }
    let size = *roots.last_key_value().unwrap().0;
    assert!(size > 300);
    for restarted in [false, true] {
        if restarted {
            scene.stop();
            scene.start();
        }
        for (from, to) in [(3, 255), (3, 256), (100, 257), (256, size), (257, size), (299, size), (300, 301)] {
            let (root, proof) = checkpoint(&scene, &format!("?from={from}&size={to}")).await;
            assert_eq!(root.log_root.0, roots[&to]);
            assert!(is_beginning(from, &roots[&from], to, &roots[&to], &proof), "{from} of {to}");
        }
        for (batch, to) in [(0, size), (255, 256), (255, size), (256, 257), (3, 300)] {
            let answer = scene.get(&format!("/v1/log/{batch}?size={to}")).await;
            let shown: Inclusion = read_proof(&answer.body).unwrap();
            let (own, _) = checkpoint(&scene, &format!("?size={}", batch + 1)).await;
            let leaf = batch_leaf(&own.tree_root.0);
            assert_eq!(root_of_path(leaf, batch, to, &shown.inclusion.0), Some(roots[&to]), "{batch} of {to}");
        }
    }
}

#[tokio::test]
async fn what_the_log_does_not_have_is_not_found() {
    let scene = Scene::new();
    scene.person(10_000).await;
    let (latest, _) = checkpoint(&scene, "").await;
    let size = latest.log_size;
    for good in ["?from=1".into(), format!("?from={size}&size={size}"), format!("?size={size}&other=1")] {
        checkpoint(&scene, &good).await;
    }
    for none in ["?from=0".into(), format!("?from={}", size + 1), "?from=2&size=1".into(), "?size=0".into()] {
        scene.get(&format!("/v1/log{none}")).await.decides_nothing(Code::NotFound);
    }
    assert_eq!(scene.get(&format!("/v1/log/{}", size - 1)).await.status, 200);
    for none in [format!("/{size}"), "/1?size=1".into(), "/-1".into(), "/x".into(), format!("/{}", u64::MAX)] {
        scene.get(&format!("/v1/log{none}")).await.decides_nothing(Code::NotFound);
    }
    for bad in ["?from=x", "?size=-1", "?size=1.5", "/0?size=x", "?size=99999999999999999999"] {
        scene.get(&format!("/v1/log{bad}")).await.decides_nothing(Code::FieldType);
    }
}
