//! PostgreSQL as the store: one owner at a time, and nothing by anybody else.
//!
//! `PURSER_TEST_POSTGRES` says how to reach a server, as `.ci/postgres start DIR` prints it. Without it these tests
//! skip aloud; `PURSER_REQUIRE_ALL` makes that a failure.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use purser_protocol::bind::base64url;
use purser_protocol::bind::http::{AnswerBody, PAYMENT_REQUEST};
use purser_protocol::id::{AccountId, PaperId};
use purser_protocol::receipt::Outcome;
use purser_server::sandbox::Sandbox;
use purser_server::store::postgres::Postgres;
use purser_server::store::{Batch, Entry, Store, StoreError};

use crate::audit::audit;
use crate::line::Line;
use crate::papers::{Key, id, payment};
use crate::scene::Scene;

/// A database of its own; nothing where there is no server.
pub(crate) fn fresh() -> Option<String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let Ok(server) = std::env::var("PURSER_TEST_POSTGRES") else {
        assert!(
            std::env::var_os("PURSER_REQUIRE_ALL").is_none(),
            "PURSER_TEST_POSTGRES does not say where a server is"
        );
        eprintln!("SKIPPED: PURSER_TEST_POSTGRES does not say where a server is");
        return None;
    };
    let name = format!("purser_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    psql(&format!("postgresql:///postgres?{server}"), &format!("CREATE DATABASE {name}"));
    Some(format!("postgresql:///{name}?{server}"))
}

fn psql(url: &str, sql: &str) -> String {
    let done = Command::new("psql").args(["-XAtqc", sql, url]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

/// Puts a sandbox's issuer on a database, with a lease that does not keep a test waiting.
pub(crate) fn configure(sandbox: &Sandbox, url: &str) {
    let config = sandbox.path("issuer.toml");
    let settings = fs::read_to_string(&config).unwrap();
    let store = format!("store = \"{url}\"\nlease_seconds = 2");
    fs::write(&config, settings.replace("store = \"issuer.sqlite\"", &store)).unwrap();
}

fn signal(process: u32, signal: &str) {
    assert!(Command::new("kill").args([signal, &process.to_string()]).status().unwrap().success());
}

fn batch(number: u64) -> Batch {
    let entry = |place: u8| Entry {
        command: PaperId([place; 32]),
        event: vec![1, place],
        claims: vec![2, place],
        detail: (place == 0).then(|| vec![3]),
        evidence: vec![4],
        made: (place == 1).then(|| vec![5]),
        payment: (place == 1).then_some(PaperId([0; 32])),
        payer: (place == 0).then_some(AccountId([6; 16])),
    };
    Batch { number, decided_at_seconds: 7, tree_root: [8; 32], root: vec![9], entries: vec![entry(0), entry(1)] }
}

#[test]
fn under_another_epoch_nothing_is_committed() {
    let Some(url) = fresh() else { return };
    let mut owner = Postgres::open(&url, Duration::from_secs(3_600)).unwrap();
    owner.commit(&batch(0)).unwrap();
    let mut reader = owner.reader().unwrap();
    assert_eq!(reader.payments_of(&AccountId([6; 16]), 7).unwrap(), [PaperId([0; 32])]);
    assert_eq!(reader.payments_of(&AccountId([6; 16]), 8).unwrap(), []);
    assert_eq!(reader.payment(&PaperId([0; 32])).unwrap().len(), 2);
    assert_eq!(reader.decided(&[PaperId([1; 32]), PaperId([2; 32])]).unwrap(), [PaperId([1; 32])].into());
    // Somebody else has taken it.
    psql(&url, "UPDATE owner SET epoch = epoch + 1");
    assert!(matches!(owner.commit(&batch(1)), Err(StoreError::Fenced)));
    assert_eq!(psql(&url, "SELECT count(*) FROM batches"), "1");
    assert_eq!(psql(&url, "SELECT count(*) FROM entries"), "2");
    // And has given it back.
    psql(&url, "UPDATE owner SET epoch = epoch - 1");
    owner.commit(&batch(1)).unwrap();
    assert_eq!(psql(&url, "SELECT count(*), max(sequence) FROM entries"), "4|4");
}

#[tokio::test]
async fn who_waits_takes_over_when_the_owner_is_killed() {
    let Some(url) = fresh() else { return };
    let mut scene = Scene::on(Some(url.clone()));
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 10_000)).await;
    let offers = [scene.shop.offer(1_000), scene.shop.offer(2_000)];
    let intents = offers.each_ref().map(|offer| agent.intent(quota, offer, 1_000));
    let first = scene.pay(&offers[0], &intents[0]).await;
    first.is(&scene.world, Outcome::Settled);
    let epoch: u64 = psql(&url, "SELECT epoch FROM owner").parse().unwrap();
    // It waits for the lease; when the owner dies is no matter.
    let owner = scene.process();
    let kills = std::thread::spawn(move || signal(owner, "-KILL"));
    let mut killed = scene.follow();
    kills.join().unwrap();
    killed.wait().unwrap();
    assert!(psql(&url, "SELECT epoch FROM owner").parse::<u64>().unwrap() > epoch);
    assert_eq!(scene.pay(&offers[0], &intents[0]).await.body, first.body);
    let offer = scene.shop.offer(500);
    scene.pay(&offer, &agent.intent(quota, &offer, 500)).await.is(&scene.world, Outcome::Settled);
    assert_eq!(scene.balance(&person).await, 10_000 - 1_500);
    assert_eq!(audit(&scene, &[]).status, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_was_stopped_answers_nothing_when_it_goes_on() {
    let Some(url) = fresh() else { return };
    let mut scene = Scene::on(Some(url));
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 1_000)).await;
    let (stopped, addr) = (scene.process(), scene.addr());
    let mut line = Line::open(addr, &scene.tls()).await.unwrap();
    signal(stopped, "-STOP");
    let mut stale = scene.follow();
    // The new owner takes the whole quota; the old one is asked for it a second time.
    let offers = [scene.shop.offer(1_000), scene.shop.offer(1_000)];
    let intents = offers.each_ref().map(|offer| agent.intent(quota, offer, 1_000));
    scene.pay(&offers[0], &intents[0]).await.is(&scene.world, Outcome::Settled);
    let again = tokio::spawn({
        let body = payment(&offers[1], &intents[1]);
        async move { line.post("/v1/intents", PAYMENT_REQUEST, body).await }
    });
    tokio::task::yield_now().await;
    signal(stopped, "-CONT");
    // It ends by itself, and says nothing that counts as a decision.
    assert_eq!(stale.wait().unwrap().code(), Some(70));
    if let Ok(answer) = again.await.unwrap() {
        assert!(answer.status >= 500, "{}", answer.status);
    }
    scene.pay(&offers[1], &intents[1]).await.refuses(&scene.world, purser_protocol::code::Code::RuleTotal);
    assert_eq!(scene.balance(&person).await, 9_000);
    assert_eq!(audit(&scene, &[]).status, 0);
}

#[tokio::test]
async fn a_store_moves_from_a_file_to_a_database() {
    let Some(url) = fresh() else { return };
    let mut scene = Scene::on(None);
    let person = scene.person(700).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 700)).await;
    let offer = scene.shop.held_offer(600);
    let intent = agent.intent(quota, &offer, 600);
    let held = scene.pay(&offer, &intent).await;
    let small = scene.shop.offer(50);
    let paid = scene.pay(&small, &agent.intent(quota, &small, 50)).await;
    scene.stop();
    let file = scene.sandbox.path("issuer.sqlite");
    let copy = || {
        let mut program = Command::new(env!("CARGO_BIN_EXE_purser-server"));
        program.args(["store", "copy", "--from"]).arg(&file).args(["--to", &url]).output().unwrap()
    };
    let copied = copy();
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    assert!(!copy().status.success(), "a second copy into the same store");
    // What was signed last is still held against it.
    let head = fs::read(scene.sandbox.path("issuer.head")).unwrap();
    configure(&scene.sandbox, &url);
    scene.start();
    assert_eq!(fs::read(scene.sandbox.path("issuer.head")).unwrap(), head);
    assert_eq!(scene.pay(&offer, &intent).await.body, held.body);
    scene.command(&scene.shop.capture(id(&intent), 600, false)).await.is(&scene.world, Outcome::Captured);
    let list = scene.sandbox.path("given");
    let receipts = [&held, &paid].map(|answer| base64url::encode(AnswerBody::read(&answer.body).unwrap().receipt));
    fs::write(&list, receipts.join("\n")).unwrap();
    let audited = audit(&scene, &["--receipts", list.to_str().unwrap()]);
    assert_eq!(audited.status, 0, "{}", audited.report);
    scene.kill();

    // Damage is found there as in a file, and a version that nobody knows is refused.
    psql(&url, "UPDATE entries SET evidence = '' WHERE sequence = 3");
    assert_eq!(audit(&scene, &[]).kinds(), ["evidence"]);
    psql(&url, "UPDATE owner SET schema_version = 99");
    let audited = audit(&scene, &[]);
    assert_eq!(audited.status, 2);
    assert!(audited.report["error"].as_str().unwrap().contains("schema version 99"), "{}", audited.report);
}

#[test]
fn a_database_on_another_machine_is_refused_and_one_here_is_not() {
    let far = Postgres::open("postgresql://purser@db.example/purser", Duration::from_secs(1));
    assert!(matches!(far, Err(StoreError::Far)));
    let near = Postgres::open("postgresql://purser@127.0.0.1:1/purser", Duration::from_secs(1));
    assert!(matches!(near, Err(StoreError::Postgres(_))));
}
