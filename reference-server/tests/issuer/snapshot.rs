//! A start from a snapshot of the state, and from one that is not to be believed.

use std::fs;
use std::path::Path;
use std::process::Command;

use purser_protocol::receipt::Outcome;
use serde_json::Value;

use crate::audit::{audit, copy, lived, open};
use crate::papers::Key;
use crate::scene::Scene;

/// Writes the snapshot; how many batches are in it.
fn snapshot(config: &Path) -> u64 {
    let mut program = Command::new(env!("CARGO_BIN_EXE_purser-server"));
    let done = program.args(["snapshot", "--config"]).arg(config).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let said: Value = serde_json::from_slice(&done.stdout).unwrap();
    said["batches"].as_u64().unwrap()
}

/// Makes the first decision of a store unreadable: whoever replays it, fails.
fn spoil(scene: &Scene) {
    open(&scene.sandbox.path("issuer.sqlite"))
        .execute_batch("UPDATE entries SET event = x'00' WHERE sequence = 1")
        .unwrap();
}

#[tokio::test]
async fn a_start_goes_on_from_the_snapshot_and_replays_what_came_after() {
    let mut scene = Scene::new();
    scene.person(1_000).await;
    let config = scene.sandbox.path("issuer.toml");
    let first = snapshot(&config);
    let person = scene.person(5_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 1_000)).await;
    let offer = scene.shop.held_offer(600);
    let held = agent.intent(quota, &offer, 600);
    let paid = scene.pay(&offer, &held).await;
    paid.is(&scene.world, Outcome::Authorized);
    // It is made of the one before, beside the issuer.
    assert!(snapshot(&config) > first);
    let later = scene.shop.offer(100);
    scene.pay(&later, &agent.intent(quota, &later, 100)).await.is(&scene.world, Outcome::Settled);
    assert_eq!(audit(&scene, &[]).status, 0);
    scene.kill();
    spoil(&scene);
    scene.start();
    assert_eq!(scene.balance(&person).await, 5_000 - 600 - 100);
    assert_eq!(scene.pay(&offer, &held).await.body, paid.body);
    let beyond = scene.shop.offer(301);
    let beyond = scene.pay(&beyond, &agent.intent(quota, &beyond, 301)).await;
    beyond.refuses(&scene.world, purser_protocol::code::Code::RuleTotal);
}

#[tokio::test]
async fn everything_that_can_happen_is_in_a_snapshot() {
    let mut scene = Scene::new();
    lived(&scene).await;
    snapshot(&scene.sandbox.path("issuer.toml"));
    // The audit holds it against the events.
    assert_eq!(audit(&scene, &[]).status, 0);
    scene.kill();
    spoil(&scene);
    scene.start();
}

#[tokio::test]
async fn a_snapshot_that_does_not_fit_is_passed_over() {
    let mut scene = Scene::new();
    let person = scene.person(5_000).await;
    let config = scene.sandbox.path("issuer.toml");
    scene.kill();
    let store = scene.sandbox.path("issuer.sqlite");
    let before = copy(&store, scene.sandbox.path("before"));
    scene.start();
    scene.command(&person.deposit(70)).await.is(&scene.world, Outcome::Recorded);
    snapshot(&config);
    scene.kill();
    let file = scene.sandbox.path("issuer.snapshot");
    let good = fs::read(&file).unwrap();
    let foreign = {
        let other = Scene::new();
        let somebody = other.person(1).await;
        other.command(&somebody.deposit(1)).await.is(&other.world, Outcome::Recorded);
        snapshot(&other.sandbox.path("issuer.toml"));
        fs::read(other.sandbox.path("issuer.snapshot")).unwrap()
    };
    let changed = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    // The head of the file, its version, a row, the hash; a file that is cut, or longer; another issuer's store.
    let version = b"purser-snapshot\n".len() + 4 + 1;
    let middle = good.len() / 2;
    let unfit = [
        changed(0),
        changed(version),
        changed(middle),
        changed(good.len() - 1),
        good[..middle].to_vec(),
        good[..good.len() - 32].to_vec(),
        [good.as_slice(), b"\n"].concat(),
        foreign,
        Vec::new(),
    ];
    for (number, unfit) in unfit.into_iter().enumerate() {
        fs::write(&file, unfit).unwrap();
        scene.start();
        assert_eq!(scene.balance(&person).await, 5_070, "{number}");
        scene.kill();
    }
    // Newer than the store, which was put back.
    fs::write(&file, &good).unwrap();
    fs::remove_file(scene.sandbox.path("issuer.head")).unwrap();
    for rest in ["issuer.sqlite-wal", "issuer.sqlite-shm"] {
        let _ = fs::remove_file(scene.sandbox.path(rest));
    }
    fs::copy(before, &store).unwrap();
    scene.start();
    assert_eq!(scene.balance(&person).await, 5_000);
}

#[tokio::test]
async fn a_snapshot_of_another_state_is_found_by_the_audit() {
    let mut scene = Scene::new();
    scene.person(1_000).await;
    snapshot(&scene.sandbox.path("issuer.toml"));
    scene.kill();
    assert_eq!(audit(&scene, &[]).status, 0);
    // The same log, and one deposit of 1,001 in place of 1,000.
    let other = scene.sandbox.path("other.toml");
    let config = fs::read_to_string(scene.sandbox.path("issuer.toml")).unwrap();
    fs::write(&other, config.replace("issuer.sqlite", "other.sqlite")).unwrap();
    let store = copy(&scene.sandbox.path("issuer.sqlite"), scene.sandbox.path("other.sqlite"));
    let more = "UPDATE entries SET event = CAST(replace(event, x'1903E8', x'1903E9') AS BLOB)";
    open(&store).execute_batch(more).unwrap();
    snapshot(&other);
    fs::rename(scene.sandbox.path("other.snapshot"), scene.sandbox.path("issuer.snapshot")).unwrap();
    let audited = audit(&scene, &[]);
    assert_eq!((audited.status, audited.kinds()), (1, vec!["snapshot"]), "{}", audited.report);
}

#[tokio::test]
async fn the_issuer_renews_its_snapshot_by_itself() {
    let mut scene = Scene::new();
    scene.kill();
    let config = scene.sandbox.path("issuer.toml");
    let settings = fs::read_to_string(&config).unwrap();
    fs::write(&config, settings.replace("[issuer]\n", "[issuer]\nsnapshot_every = 3\n")).unwrap();
    scene.start();
    let person = scene.person(1).await;
    let file = scene.sandbox.path("issuer.snapshot");
    // The thread comes to its end some time; until then there is something to do.
    let mut deposited = 0;
    while !file.exists() {
        scene.command(&person.deposit(1)).await.is(&scene.world, Outcome::Recorded);
        deposited += 1;
    }
    scene.kill();
    spoil(&scene);
    scene.start();
    assert_eq!(scene.balance(&person).await, 1 + deposited);
}
