use std::fs;
use std::path::PathBuf;

use rusqlite::Connection;

use crate::issuer::Issuer;
use crate::scene::Scene;

/// A backup of the issuer's store, as of now, with all that an issuer starts from.
fn backup(scene: &Scene, name: &str) -> PathBuf {
    let folder = scene.folder.join(name);
    fs::create_dir_all(&folder).unwrap();
    for file in ["ca.pem", "server.pem", "server.key", "issuer.example.pem", "issuer.example.key"] {
        fs::copy(scene.folder.join(file), folder.join(file)).unwrap();
    }
    let store = Connection::open(scene.folder.join("issuer.db")).unwrap();
    store.execute("VACUUM INTO ?1", [folder.join("issuer.db").to_str().unwrap()]).unwrap();
    folder
}

/// The issuer that is set up again from a backup, in place of the one before.
async fn restored(scene: &Scene, folder: &std::path::Path) -> Issuer {
    let issuer = Issuer::start(folder, "127.0.0.1:0").await;
    let config = scene.home().join("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    let before = text.lines().find(|line| line.starts_with("url = ")).unwrap();
    fs::write(&config, text.replace(before, &format!("url = {:?}", issuer.url))).unwrap();
    issuer
}

/// Pays once; the receipt's file.
async fn paid(scene: &Scene, target: &str) -> String {
    let (code, json) = scene.fetch(target, &[]).await;
    assert_eq!(code, 0, "{json}");
    let intent = json["payment"]["intent"].as_str().unwrap();
    scene.home().join(format!("receipts/{intent}.receipt")).to_str().unwrap().to_owned()
}

async fn deposit(scene: &Scene) {
    scene.good(&["account", "deposit", "1.00 CNY"]).await;
}

fn size(json: &serde_json::Value) -> u64 {
    json["log_size"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_followed_and_a_second_one_is_refused() {
    let scene = Scene::ready().await;
    let first = scene.good(&["log", "watch", "--once"]).await;
    assert_eq!(first["log_size_before"], serde_json::Value::Null);
    paid(&scene, "/tea").await;
    let second = scene.good(&["log", "watch", "--once"]).await;
    assert_eq!(second["log_size_before"], first["log_size"]);
    assert!(size(&second) > size(&first));

    let old = backup(&scene, "old");
    let lost = paid(&scene, "/cake").await;
    let latest = scene.good(&["log", "watch", "--once"]).await;
    let new = backup(&scene, "new");
    scene.good(&["log", "prove", &lost]).await;
    let kept = scene.home().join("log/issuer.example.root");
    let trusted = fs::read(&kept).unwrap();

    // Set up again from the old backup: it shows less than it showed before.
    let forked = restored(&scene, &old).await;
    let (code, shrunk) = scene.json(&["log", "watch", "--once"]).await;
    assert_eq!((code, &shrunk["error"]["code"]), (6, &"log-shrunk".into()), "{shrunk}");
    let (code, gone) = scene.json(&["log", "prove", &lost]).await;
    assert_eq!((code, &gone["error"]["code"]), (6, &"log-shrunk".into()), "{gone}");
    // It goes on, past what it has forgotten: two histories.
    for _ in size(&second)..=size(&latest) {
        deposit(&scene).await;
    }
    for again in 0..2 {
        let (code, fork) = scene.json(&["log", "watch", "--once"]).await;
        assert_eq!((code, &fork["error"]["code"]), (6, &"log-forked".into()), "{again}: {fork}");
        assert_eq!(fs::read(&kept).unwrap(), trusted, "what was kept stays [RCT-25]");
    }
    // The two papers of one size that prove it to everybody.
    let same_size = format!("issuer.example.{}.", size(&latest));
    let beside = fs::read_dir(scene.home().join("log")).unwrap().flatten().map(|entry| entry.path());
    let mut proof: Vec<PathBuf> =
        beside.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(&same_size)).collect();
    assert_eq!(proof.len(), 1, "{proof:?}");
    proof.push(kept.clone());
    for paper in &proof {
        let verified = scene.good(&["paper", "verify", paper.to_str().unwrap()]).await;
        assert_eq!(verified["signature_checked"], true);
    }
    drop(forked);

    // The twin: the same, from a backup that has everything.
    let twin = restored(&scene, &new).await;
    deposit(&scene).await;
    let gone_on = scene.good(&["log", "watch", "--once"]).await;
    assert_eq!((&gone_on["log_size_before"], size(&gone_on)), (&latest["log_size"], size(&latest) + 1));
    scene.good(&["log", "prove", &lost]).await;
    drop(twin);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_that_was_written_is_verified_offline() {
    let scene = Scene::ready().await;
    let receipt = paid(&scene, "/tea").await;
    for _ in 0..3 {
        deposit(&scene).await;
    }
    let proof = scene.file("proof");
    let proved = scene.good(&["log", "prove", &receipt, "--out", &proof]).await;
    // The issuer is gone for good, and so is what the folder remembers of it.
    scene.issuer.life.stop();
    let anchors = scene.file("ca.pem");
    let elsewhere = scene.file("elsewhere");
    let offline = ["--dir", &elsewhere, "log", "verify", &proof, "--anchors", &anchors];
    let verified = scene.good(&offline).await;
    for member in ["receipt_id", "batch", "log_size", "log_root", "issuer"] {
        assert_eq!(verified[member], proved[member], "{member}");
    }
    assert!(size(&verified) > verified["batch"].as_u64().unwrap() + 2);

    let mut changed = fs::read(&proof).unwrap();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(&proof, changed).unwrap();
    let (code, json) = scene.json(&offline).await;
    assert_eq!((code, &json["fault"]["code"]), (1, &"consistency-invalid".into()), "{json}");
    let other = scene.file("other.pem");
    let (code, json) = scene.json(&["--dir", &elsewhere, "log", "verify", &proof, "--anchors", &other]).await;
    assert_eq!((code, &json["fault"]["stage"]), (1, &"certificates".into()), "{json}");
    let (code, _) = scene.json(&["--dir", &elsewhere, "log", "verify", &proof]).await;
    assert_eq!(code, 2, "without anchors nothing is proved");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_is_not_reached_shows_no_other_history() {
    let scene = Scene::ready().await;
    scene.good(&["log", "watch", "--once"]).await;
    let config = scene.home().join("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace(&scene.issuer.url, "https://127.0.0.1:9")).unwrap();
    assert_eq!(scene.json(&["log", "watch", "--once"]).await.0, 5);
    fs::write(&config, text).unwrap();
    scene.good(&["log", "watch", "--once"]).await;
}
