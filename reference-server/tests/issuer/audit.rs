//! `purser-server audit`: a good store is good, beside its issuer and after it; each damage is named.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use purser_protocol::bind::base64url;
use purser_protocol::bind::http::AnswerBody;
use purser_protocol::code::Code;
use purser_protocol::field::UpTo;
use purser_protocol::paper::mandate::{Mandate, Mode};
use purser_protocol::paper::rules::Fields;
use purser_protocol::receipt::Outcome;
use rusqlite::Connection;
use serde_json::Value;

use crate::papers::{Key, amount, id, now, rules};
use crate::scene::Scene;

/// A store in which everything that can happen has happened, and the receipts that were given out for payments.
pub(crate) async fn lived(scene: &Scene) -> Vec<Vec<u8>> {
    let (world, shop) = (&scene.world, &scene.shop);
    let person = scene.person(100_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.returning_quota(&agent, 9_000)).await;
    let caps = rules(Fields { total: Some(amount(2_000)), ..Fields::default() });
    let funded = Mandate { caps, funded: Some(amount(2_000)), ..person.draft(Mode::Quota, &agent) };
    let funded = scene.register(&person.key.sign(&funded)).await;
    let mut given_out = Vec::new();
    for (mandate, minor) in [(quota, 1_000), (quota, 2_000), (funded, 500)] {
        let offer = shop.offer(minor);
        let paid = scene.pay(&offer, &agent.intent(mandate, &offer, minor)).await;
        paid.is(world, Outcome::Settled);
        given_out.push(AnswerBody::read(&paid.body).unwrap().receipt.to_vec());
    }
    let offer = shop.offer(7_000);
    scene.pay(&offer, &agent.intent(quota, &offer, 7_000)).await.refuses(world, Code::RuleTotal);

    let [taken, left, lapsing] = [1_500, 800, 300].map(|minor| (shop.held_offer(minor), minor));
    let [taken, left, lapsing] =
        [taken, left, lapsing].map(|(offer, minor)| (agent.intent(quota, &offer, minor), offer));
    for (intent, offer) in [&taken, &left, &lapsing] {
        scene.pay(offer, intent).await.is(world, Outcome::Authorized);
    }
    scene.command(&shop.capture(id(&taken.0), 700, true)).await.is(world, Outcome::Captured);
    scene.command(&shop.refund(id(&taken.0), 200)).await.is(world, Outcome::Refunded);
    scene.command(&shop.capture(id(&left.0), 801, false)).await.refuses(world, Code::CaptureExceedsHold);
    scene.command(&shop.void(id(&left.0))).await.is(world, Outcome::Voided);

    let grants = vec![Fields { ask_above: UpTo::new(100), ..Fields::default() }];
    let asking = scene.register(&person.conditional(&agent, grants)).await;
    for confirmed in [true, false] {
        let offer = shop.offer(400);
        let intent = agent.intent(asking, &offer, 400);
        scene.pay(&offer, &intent).await.is(world, Outcome::Pending);
        let answer = if confirmed { person.confirmation(id(&intent)) } else { person.key.cancel(&intent) };
        let outcome = if confirmed { Outcome::Settled } else { Outcome::Refused };
        assert_eq!(scene.command(&answer).await.receipt(world).claims.outcome, outcome);
    }
    let offer = shop.offer(10);
    let undecided = agent.intent(quota, &offer, 10);
    scene.command(&agent.cancel(&undecided)).await.receipt(world);
    let suspension = person.suspension(quota);
    scene.command(&suspension).await.is(world, Outcome::Recorded);
    scene.command(&person.resumption(quota, id(&suspension))).await.is(world, Outcome::Recorded);
    scene.command(&person.revocation(asking)).await.is(world, Outcome::Recorded);
    // A hold, an envelope and a payment that waits end by themselves.
    scene.set_clock(now().get() + 8 * 86_400).await;
    let mut line = scene.line().await;
    loop {
        let end = line.get(&format!("/v1/intents/{}", id(&lapsing.0)), None).await.unwrap();
        end.is(world, Outcome::Authorized);
        let account = scene.read_at(&person.key, "/v1/account", 8 * 86_400).await.json();
        if account["holds"] == serde_json::json!([]) {
            return given_out;
        }
    }
}

pub(crate) struct Audited {
    pub(crate) status: i32,
    pub(crate) report: Value,
}

impl Audited {
    pub(crate) fn kinds(&self) -> Vec<&str> {
        let findings = self.report["findings"].as_array().unwrap();
        findings.iter().map(|finding| finding["kind"].as_str().unwrap()).collect()
    }
}

pub(crate) fn audit(scene: &Scene, more: &[&str]) -> Audited {
    audit_by(&scene.sandbox.path("issuer.toml"), more)
}

fn audit_by(config: &Path, more: &[&str]) -> Audited {
    let mut command = Command::new(env!("CARGO_BIN_EXE_purser-server"));
    let done = command.args(["audit", "--config"]).arg(config).args(more).output().unwrap();
    let report = serde_json::from_slice(&done.stdout).unwrap();
    Audited { status: done.status.code().unwrap(), report }
}

#[tokio::test]
async fn a_good_store_is_good_beside_its_issuer_and_every_sum_is_said() {
    let scene = Scene::new();
    let given_out = lived(&scene).await;
    let lines: Vec<String> = given_out.iter().map(|receipt| base64url::encode(receipt)).collect();
    let list = scene.sandbox.path("given-out");
    fs::write(&list, lines.join("\n")).unwrap();
    let audited = audit(&scene, &["--receipts", list.to_str().unwrap()]);
    assert_eq!((audited.status, &audited.report["findings"]), (0, &serde_json::json!([])), "{}", audited.report);
    assert_eq!(audited.report["verdict"], "good");
    assert_eq!(audited.report["acknowledged"], 3);
    assert_eq!(audited.report["log"]["size"], audited.report["batches"]);
    let counts = &audited.report["counts"];
    assert_eq!((&counts["payments_made"], &counts["payments_closed"]), (&7.into(), &3.into()), "{counts}");
    let sums = &audited.report["sums"][0];
    // 1,000 + 2,000 + 500 + 700 + 400 were captured, 200 of it refunded.
    for (name, minor) in [
        ("came_in_minor", "100000"),
        ("accounts_minor", "95600"),
        ("envelopes_minor", "0"),
        ("holds_minor", "0"),
        ("payees_minor", "4400"),
        ("captured_minor", "4600"),
        ("refunded_minor", "200"),
    ] {
        assert_eq!(sums[name], minor, "{name}");
    }
}

/// A store of one file with all that is in another.
pub(crate) fn copy(store: &Path, to: PathBuf) -> PathBuf {
    open(store).execute("VACUUM INTO ?1", [to.to_str().unwrap()]).unwrap();
    to
}

pub(crate) fn open(store: &Path) -> Connection {
    let connection = Connection::open(store).unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    connection
}

/// What is done to a store, and what the audit must find.
const DAMAGES: [(&str, &str, &str); 22] = [
    ("a batch is gone", "DELETE FROM batches WHERE number = 5", "batch"),
    (
        "a batch is gone with all it holds",
        "DELETE FROM entries WHERE batch = 5; DELETE FROM batches WHERE number = 5",
        "log",
    ),
    (
        "a signature is none",
        "UPDATE batches SET root = CAST(substr(root, 1, length(root) - 64) || zeroblob(64) AS BLOB) WHERE number = 5",
        "root",
    ),
    (
        "two roots change places",
        "UPDATE batches SET root = (SELECT other.root FROM batches AS other WHERE other.number = 11 - batches.number) WHERE number IN (5, 6)",
        "root",
    ),
    ("the time of a batch is another", "UPDATE batches SET decided_at = decided_at + 1 WHERE number = 5", "root"),
    ("a batch's tree is another", "UPDATE batches SET tree_root = zeroblob(32) WHERE number = 5", "tree"),
    ("a batch's tree is another, for the log", "UPDATE batches SET tree_root = zeroblob(32) WHERE number = 5", "log"),
    ("a decision is gone", "DELETE FROM entries WHERE sequence = 9", "tree"),
    ("a decision is in another batch", "UPDATE entries SET batch = 7 WHERE sequence = 9", "tree"),
    (
        "a decision is in no batch",
        "INSERT INTO entries SELECT 999, 999, place, command, receipt, event, claims, detail, evidence, made, payment, payer FROM entries WHERE sequence = 9",
        "entry",
    ),
    (
        "a decision is there twice",
        "INSERT INTO entries SELECT 999, (SELECT max(number) FROM batches), 9, command, receipt, event, claims, detail, evidence, made, payment, payer FROM entries WHERE sequence = 7",
        "twice",
    ),
    (
        "a receipt says another amount",
        "UPDATE entries SET claims = CAST(replace(claims, x'241903E8', x'241903E9') AS BLOB) WHERE hex(claims) LIKE '%241903E8%'",
        "tree",
    ),
    ("a receipt is no receipt", "UPDATE entries SET claims = x'A0' WHERE sequence = 9", "receipt"),
    ("a receipt stands under another id", "UPDATE entries SET receipt = zeroblob(32) WHERE sequence = 9", "receipt"),
    (
        "a reason is another",
        "UPDATE entries SET detail = CAST(substr(detail, 1, length(detail) - 16) || zeroblob(16) AS BLOB) WHERE detail IS NOT NULL",
        "detail",
    ),
    (
        "another sum was moved than the receipt says",
        "UPDATE entries SET event = CAST(replace(event, x'1903E8', x'1903E9') AS BLOB) WHERE hex(event) LIKE '%1903E8%'",
        "answer",
    ),
    ("what happened cannot be read", "UPDATE entries SET event = x'8200' WHERE sequence = 9", "event"),
    (
        "what happened cannot have happened",
        "UPDATE entries SET event = (SELECT event FROM entries WHERE hex(event) LIKE '8208%') WHERE sequence = 3",
        "event",
    ),
    ("an answer stands for another paper", "UPDATE entries SET command = zeroblob(32) WHERE sequence = 9", "answer"),
    (
        "a payment is found by no payer",
        "UPDATE entries SET payer = NULL WHERE sequence = (SELECT min(sequence) FROM entries WHERE payer IS NOT NULL)",
        "entry",
    ),
    (
        "a refund is found by another payment",
        "UPDATE entries SET payment = zeroblob(32) WHERE hex(event) LIKE '820B%'",
        "entry",
    ),
    ("what was sent is gone", "UPDATE entries SET evidence = x'' WHERE sequence = 9", "evidence"),
];

#[tokio::test]
async fn each_damage_is_named_and_its_twin_is_not() {
    let mut scene = Scene::new();
    lived(&scene).await;
    scene.stop();
    let store = scene.sandbox.path("issuer.sqlite");
    let copied = |name: &str| copy(&store, scene.sandbox.path(name));
    let check = |copy: &PathBuf| audit(&scene, &["--store", copy.to_str().unwrap()]);

    let twin = check(&copied("twin.sqlite"));
    assert_eq!((twin.status, twin.kinds()), (0, Vec::new()), "{}", twin.report);
    assert!(twin.report["batches"].as_u64() > Some(20));
    for (number, (what, damage, kind)) in DAMAGES.into_iter().enumerate() {
        let copy = copied(&format!("damaged-{number}.sqlite"));
        let connection = open(&copy);
        connection.execute_batch(damage).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(connection.total_changes() > 0, "{what}: nothing was changed");
        drop(connection);
        let audited = check(&copy);
        assert_eq!((audited.status, &audited.report["verdict"]), (1, &"wrong".into()), "{what}");
        assert!(audited.kinds().contains(&kind), "{what}: {}", audited.report);
    }
}

#[tokio::test]
async fn a_limit_that_was_passed_is_in_the_books() {
    let mut scene = Scene::new();
    let person = scene.person(10_000).await;
    let agent = Key::new();
    let quota = scene.register(&person.quota(&agent, 0x1388)).await;
    let offer = scene.shop.offer(3_000);
    scene.pay(&offer, &agent.intent(quota, &offer, 3_000)).await.is(&scene.world, Outcome::Settled);
    scene.stop();
    assert_eq!(audit(&scene, &[]).status, 0);
    // The mandate's total, 5,000, becomes 2,999.
    let lower = "UPDATE entries SET event = CAST(replace(event, x'A103191388', x'A103190BB7') AS BLOB)";
    open(&scene.sandbox.path("issuer.sqlite")).execute_batch(lower).unwrap();
    let audited = audit(&scene, &[]);
    assert_eq!(audited.status, 1);
    assert!(audited.kinds().contains(&"books"), "{}", audited.report);
}

#[tokio::test]
async fn a_receipt_that_was_given_out_is_missed() {
    let mut scene = Scene::new();
    let given_out = lived(&scene).await;
    scene.stop();
    let list = scene.sandbox.path("given-out");
    let lines = [base64url::encode(&given_out[0]), "nothing".into(), base64url::encode(&given_out[2])];
    fs::write(&list, lines.join("\n")).unwrap();
    // What was restored from before the last payments is good by itself, where nothing else is remembered.
    fs::remove_file(scene.sandbox.path("issuer.head")).unwrap();
    let store = scene.sandbox.path("issuer.sqlite");
    let cut = "DELETE FROM batches WHERE number > 5; DELETE FROM entries WHERE batch > 5";
    open(&store).execute_batch(cut).unwrap();
    assert_eq!(audit(&scene, &[]).status, 0);
    let audited = audit(&scene, &["--receipts", list.to_str().unwrap()]);
    assert_eq!((audited.status, audited.kinds()), (1, vec!["acknowledged", "acknowledged"]), "{}", audited.report);
    assert_eq!(audited.report["findings"][0]["where"], "line 2");
    fs::write(&list, &lines[0]).unwrap();
    assert_eq!(audit(&scene, &["--receipts", list.to_str().unwrap()]).status, 0);
}

#[tokio::test]
async fn a_torn_file_is_told_from_one_that_cannot_be_read() {
    let mut scene = Scene::new();
    lived(&scene).await;
    scene.stop();
    let store = scene.sandbox.path("issuer.sqlite");
    let torn = copy(&store, scene.sandbox.path("torn.sqlite"));
    let connection = open(&torn);
    let find = "SELECT (rootpage - 1) * (SELECT page_size FROM pragma_page_size) FROM sqlite_master
                WHERE name = 'sqlite_autoindex_secrets_1'";
    let at: u64 = connection.query_row(find, [], |row| row.get(0)).unwrap();
    drop(connection);
    let mut file = fs::OpenOptions::new().read(true).write(true).open(&torn).unwrap();
    let mut page = [0; 4_096];
    file.seek(SeekFrom::Start(at)).unwrap();
    file.read_exact(&mut page).unwrap();
    // The index loses its last row: the secret would not be found, and made anew.
    page[4] -= 1;
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&page).unwrap();
    drop(file);
    let audited = audit(&scene, &["--store", torn.to_str().unwrap()]);
    assert_eq!((audited.status, audited.kinds().first()), (1, Some(&"file")), "{}", audited.report);

    let text = scene.sandbox.path("text.sqlite");
    fs::write(&text, "this is no database").unwrap();
    let newer = copy(&store, scene.sandbox.path("newer.sqlite"));
    open(&newer).execute_batch("PRAGMA user_version = 99").unwrap();
    for unreadable in [&text, &newer, &scene.sandbox.path("nowhere.sqlite")] {
        let audited = audit(&scene, &["--store", unreadable.to_str().unwrap()]);
        assert_eq!((audited.status, &audited.report["verdict"]), (2, &"unreadable".into()), "{unreadable:?}");
    }
    assert_eq!(audit_by(&scene.sandbox.path("nowhere.toml"), &[]).status, 2);
    assert!(!scene.sandbox.path("nowhere.sqlite").exists());
}

#[tokio::test]
async fn a_store_is_its_issuers_and_keeps_what_an_earlier_certificate_signed() {
    let mut scene = Scene::new();
    scene.person(1_000).await;
    scene.stop();
    let other = Scene::new();
    let foreign = audit(&other, &["--store", scene.sandbox.path("issuer.sqlite").to_str().unwrap()]);
    assert_eq!((foreign.status, foreign.kinds().first()), (1, Some(&"root")), "{}", foreign.report);
    let [chain, roots] = ["issuer.pem", "roots.pem"].map(|name| scene.sandbox.path(name));
    let (chain, roots) = (chain.to_str().unwrap(), roots.to_str().unwrap());
    let store = scene.sandbox.path("issuer.sqlite");
    let known = ["--store", store.to_str().unwrap(), "--certificate", chain, "--anchors", roots];
    assert_eq!(audit(&other, &known).status, 0);
}
