//! Stores of versions before, and what is kept beside a store.

use std::fs;

use purser_protocol::code::Code;
use purser_protocol::receipt::Outcome;
use rusqlite::Connection;
use serde_json::Value;

use crate::papers::Key;
use crate::scene::Scene;

/// What version 2 had beside what there is now.
const INDICES_OF_2: &str = "
    CREATE INDEX entries_by_command ON entries (command);
    CREATE INDEX entries_by_receipt ON entries (receipt);
    CREATE INDEX entries_by_batch ON entries (batch, place);
    CREATE INDEX entries_by_payment ON entries (payment) WHERE payment IS NOT NULL;
    CREATE INDEX entries_by_payer ON entries (payer, sequence) WHERE payer IS NOT NULL;
    PRAGMA user_version = 2;
";

fn version(scene: &Scene) -> i64 {
    let store = Connection::open(scene.sandbox.path("issuer.sqlite")).unwrap();
    store.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

fn audited(scene: &Scene) -> Value {
    let program = std::process::Command::new(env!("CARGO_BIN_EXE_purser-server"))
        .args(["audit", "--config"])
        .arg(scene.sandbox.path("issuer.toml"))
        .output()
        .unwrap();
    serde_json::from_slice(&program.stdout).unwrap()
}

#[tokio::test]
async fn a_store_of_version_2_goes_on_as_one_of_this_version_and_one_of_version_1_is_left_alone() {
    let mut scene = Scene::on(None);
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 1_000)).await;
    let offer = scene.shop.offer(600);
    let intent = agent.intent(quota, &offer, 600);
    let first = scene.pay(&offer, &intent).await;
    first.is(&scene.world, Outcome::Settled);
    scene.stop();

    let store = scene.sandbox.path("issuer.sqlite");
    let now = version(&scene);
    Connection::open(&store).unwrap().execute_batch(INDICES_OF_2).unwrap();
    fs::remove_dir_all(scene.sandbox.path("issuer.found")).unwrap();
    assert_eq!((version(&scene), &audited(&scene)["verdict"]), (2, &"good".into()), "it is audited as it is");

    scene.start();
    assert_eq!(version(&scene), now);
    assert_eq!(scene.pay(&offer, &intent).await.body, first.body, "what was decided stays so [AUT-1]");
    let again = scene.shop.offer(600);
    scene.pay(&again, &agent.intent(quota, &again, 600)).await.refuses(&scene.world, Code::RuleTotal);
    scene.stop();
    assert_eq!(audited(&scene)["verdict"], "good");

    Connection::open(&store).unwrap().execute_batch("PRAGMA user_version = 1").unwrap();
    let before = fs::read(&store).unwrap();
    let refused = std::process::Command::new(env!("CARGO_BIN_EXE_purser-server"))
        .args(["issuer", "--config"])
        .arg(scene.sandbox.path("issuer.toml"))
        .env("PURSER_LISTEN", "127.0.0.1:0")
        .output()
        .unwrap();
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("schema version 1"), "it says why not");
    assert_eq!(fs::read(&store).unwrap(), before, "and nothing was changed");
}

#[tokio::test]
async fn what_decisions_are_found_by_may_be_lost_or_be_another_stores() {
    let mut scene = Scene::on(None);
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 10_000)).await;
    let mut paid = Vec::new();
    for minor in [100, 200, 300] {
        let offer = scene.shop.offer(minor);
        let intent = agent.intent(quota, &offer, minor);
        let answer = scene.pay(&offer, &intent).await;
        answer.is(&scene.world, Outcome::Settled);
        paid.push((offer, intent, answer.body));
    }
    scene.stop();
    let found = scene.sandbox.path("issuer.found");
    fs::remove_dir_all(&found).unwrap();
    scene.start();
    scene.stop();
    // A run that is none, and one that covers what this store never had.
    fs::write(found.join("00000000000000000000-00000000000000000009.run"), "no run").unwrap();
    fs::write(found.join("half.new"), "half a run").unwrap();
    scene.start();
    for (offer, intent, body) in &paid {
        assert_eq!(scene.pay(offer, intent).await.body, body);
    }
    assert_eq!(scene.balance(&person).await, 10_000 - 600);
}
