//! A store that is put back from a backup.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use purser_protocol::receipt::Outcome;

use crate::audit::{audit, copy};
use crate::papers::Person;
use crate::scene::Scene;

/// What the program says when it does not start.
fn refusal(scene: &Scene) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_purser-server"));
    program.args(["issuer", "--config"]).arg(scene.sandbox.path("issuer.toml")).env("PURSER_LISTEN", "127.0.0.1:0");
    let done = program.output().unwrap();
    assert_eq!((done.status.code(), done.stdout.as_slice()), (Some(1), &b""[..]));
    String::from_utf8(done.stderr).unwrap()
}

/// The store as of now, the issuer at rest.
fn backup(scene: &Scene, name: &str) -> PathBuf {
    copy(&scene.sandbox.path("issuer.sqlite"), scene.sandbox.path(name))
}

fn put_back(scene: &Scene, backup: &Path) {
    for rest in ["issuer.sqlite-wal", "issuer.sqlite-shm"] {
        let _ = fs::remove_file(scene.sandbox.path(rest));
    }
    fs::copy(backup, scene.sandbox.path("issuer.sqlite")).unwrap();
}

async fn deposit(scene: &Scene, person: &Person) {
    scene.command(&person.deposit(1)).await.is(&scene.world, Outcome::Recorded);
}

#[tokio::test]
async fn an_older_store_is_not_gone_on_from_and_the_latest_is() {
    let mut scene = Scene::new();
    let person = scene.person(100).await;
    scene.kill();
    let old = backup(&scene, "old");
    scene.start();
    deposit(&scene, &person).await;
    scene.kill();
    let latest = backup(&scene, "latest");

    put_back(&scene, &old);
    let said = refusal(&scene);
    assert!(said.contains("older than what was signed: 3 batches were, and 2 are in it"), "{said}");
    let audited = audit(&scene, &[]);
    assert_eq!((audited.status, audited.kinds()), (1, vec!["head"]), "{}", audited.report);
    // The twin.
    put_back(&scene, &latest);
    scene.start();
    deposit(&scene, &person).await;
    assert_eq!(scene.balance(&person).await, 102);
    assert_eq!(audit(&scene, &[]).status, 0);

    // Another history, as long as the first: it went on from the old backup, somewhere else.
    scene.stop();
    let head = scene.sandbox.path("issuer.head");
    let first = fs::read(&head).unwrap();
    put_back(&scene, &old);
    fs::remove_file(&head).unwrap();
    scene.start();
    for _ in 0..3 {
        deposit(&scene, &person).await;
    }
    scene.stop();
    fs::write(&head, first).unwrap();
    let said = refusal(&scene);
    assert!(said.contains("of another history: its first 4 batches"), "{said}");
}

#[tokio::test]
async fn a_mark_that_is_behind_is_good_and_one_that_says_nothing_is_not() {
    let mut scene = Scene::new();
    let head = scene.sandbox.path("issuer.head");
    let person = scene.person(100).await;
    let behind = fs::read(&head).unwrap();
    deposit(&scene, &person).await;
    scene.kill();
    let ahead = fs::read(&head).unwrap();
    assert_ne!(behind, ahead);
    fs::write(&head, behind).unwrap();
    scene.start();
    assert_eq!(fs::read(&head).unwrap(), ahead, "it catches up with the store");
    scene.kill();
    for nothing in [&b""[..], b"2", &ahead[1..], &[&ahead[..], b"\n"].concat(), &[b"x", &ahead[1..]].concat()] {
        fs::write(&head, nothing).unwrap();
        let said = refusal(&scene);
        assert!(said.contains("says nothing of what was last signed"), "{said}");
    }
}
