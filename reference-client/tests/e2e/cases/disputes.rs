//! `purser dispute`: a payment is disputed, contested and ruled on, and the papers of it go to somebody else.

use std::fs;

use purser_client::clock::nonce;
use purser_client::issuer::parse_id;
use purser_client::keys;
use purser_protocol::bind::base64url;
use purser_protocol::flow::certificate_id;
use purser_protocol::id::{AccountId, PartyId};
use purser_protocol::money::{Amount, Currency};
use purser_protocol::paper::dispute::Ruling;
use purser_protocol::sign::{Context, sign_by_certificate};
use purser_protocol::time::UnixSeconds;
use serde_json::Value;

use crate::scene::{Scene, command, run};

async fn merchant(scene: &Scene, arguments: &[&str]) -> (i32, Value) {
    let identity = scene.merchant.identity();
    let own = ["--certificate", identity.certificate.to_str().unwrap(), "--key", identity.key.to_str().unwrap()];
    scene.json(&[arguments, &own].concat()).await
}

/// The issuer's word, in a file.
async fn ruling(scene: &Scene, payment: &str, dispute: &str, minor: u64) -> String {
    let account = scene.good(&["account", "show"]).await["account"].as_str().unwrap().to_owned();
    let account: Vec<u8> = (0..16).map(|at| u8::from_str_radix(&account[2 * at..2 * at + 2], 16).unwrap()).collect();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let paper = Ruling {
        issuer: PartyId::new("issuer.example").unwrap(),
        account: AccountId(account.try_into().unwrap()),
        issued_at: UnixSeconds::new(now).unwrap(),
        nonce: nonce().unwrap(),
        intent: parse_id(payment).unwrap(),
        amount: Amount::from_minor(minor),
        currency: Currency::from_code("CNY").unwrap(),
        reason: None,
        dispute: parse_id(dispute).unwrap(),
    };
    let key = scene.file("issuer.example.key");
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let signer = keys::load(key.as_ref()).unwrap();
    let chain = keys::load_certificates(scene.file("issuer.example.pem").as_ref()).unwrap();
    let chain: Vec<&[u8]> = chain.iter().map(AsRef::as_ref).collect();
    let context = Context { network: "sandbox" };
    let bytes = sign_by_certificate(&paper, context, &signer, certificate_id(chain[0]), &chain).unwrap();
    let path = scene.file(&format!("ruling-{minor}"));
    fs::write(&path, base64url::encode(&bytes)).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_is_settled_from_its_papers() {
    let scene = Scene::ready().await;
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!(code, 0, "{json}");
    let payment = json["payment"]["intent"].as_str().unwrap().to_owned();
    let photo = scene.file("photo");
    fs::write(&photo, "an empty cup").unwrap();
    let open = ["dispute", "open", &payment, "12.80 CNY", "--ground", "not-as-offered", "--exhibit", &photo];
    let (code, more) = scene.json(&["dispute", "open", &payment, "12.81 CNY", "--ground", "duplicate"]).await;
    assert_eq!((code, &more["receipt"]["code"]), (1, &"dispute-exceeds-payment".into()), "{more}");
    let opened = scene.good(&open).await;
    assert_eq!(opened["receipt"]["outcome"], "recorded");
    let dispute = opened["command"].as_str().unwrap().to_owned();
    let (code, again) = scene.json(&open).await;
    assert_eq!((code, &again["receipt"]["code"]), (1, &"payment-disputed".into()), "{again}");
    let (code, json) = merchant(&scene, &["refund", &payment, "1.00 CNY"]).await;
    assert_eq!((code, &json["receipt"]["code"]), (1, &"payment-disputed".into()), "{json}");
    let (code, json) = merchant(&scene, &["payout", "0.01 CNY"]).await;
    assert_eq!((code, &json["receipt"]["code"]), (1, &"merchant-funds".into()), "{json}");

    let delivery = scene.home().join(format!("receipts/{payment}.delivery"));
    let delivery = delivery.to_str().unwrap();
    let contest = ["dispute", "answer", &payment, &dispute, "--delivery", delivery];
    let (code, json) = merchant(&scene, &contest).await;
    assert_eq!((code, &json["receipt"]["outcome"]), (0, &"recorded".into()), "{json}");
    let (code, json) = merchant(&scene, &[&contest[..], &["--accept"]].concat()).await;
    assert_eq!((code, &json["receipt"]["code"]), (1, &"dispute-answered".into()), "{json}");

    let before = scene.balance().await;
    let (code, json) = scene.json(&["send", &ruling(&scene, &payment, &dispute, 1_281).await]).await;
    assert_eq!((code, &json["receipt"]["code"]), (1, &"ruling-exceeds-dispute".into()), "{json}");
    let ruled = scene.good(&["send", &ruling(&scene, &payment, &dispute, 500).await]).await;
    assert_eq!((&ruled["receipt"]["outcome"], &ruled["receipt"]["amount_minor"]), (&"refunded".into(), &"500".into()));
    assert_eq!(scene.balance().await, before + 500);
    let (code, json) = merchant(&scene, &["payout", "7.80 CNY"]).await;
    assert_eq!(code, 0, "{json}");

    // A third party has the bundle and the anchors, and nothing else.
    scene.fetch("/tea", &[]).await;
    let bundle = scene.file("dispute.bundle");
    let written = scene.good(&["dispute", "bundle", &payment, "--out", &bundle]).await;
    let (elsewhere, anchors) = (scene.folder.join("elsewhere"), scene.file("ca.pem"));
    let verify = ["paper", "verify", "--bundle", &bundle, "--anchors", &anchors, "--json"];
    let verified = run(command(&elsewhere, &verify)).await;
    let json: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!((verified.code, &json["unsigned"]), (0, &0.into()), "{json}");
    assert_eq!(json["records"], written["records"]);
    let whole = scene.file("whole.bundle");
    let all = scene.good(&["wallet", "export", &whole, "--as", "bundle"]).await;
    assert!(json["records"].as_u64() < all["records"].as_u64(), "what is not about it stays at home: {json} {all}");
    let good = fs::read(&bundle).unwrap();
    let papers = ["offer", "intent", "dispute", "dispute-answer", "delivery", "ruling"];
    for typ in papers.map(|name| format!("purser-{name}")) {
        // Behind its name stand what it says, or whose certificate signed it.
        let found = good.windows(typ.len()).position(|part| part == typ.as_bytes());
        let at = found.unwrap_or_else(|| panic!("no {typ} in the bundle")) + typ.len() + 10;
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        fs::write(&bundle, bytes).unwrap();
        let said = run(command(&elsewhere, &verify)).await;
        assert_eq!(said.code, 1, "{typ}: {}", String::from_utf8_lossy(&said.stdout));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_that_gives_way_pays_at_once() {
    let scene = Scene::ready().await;
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!(code, 0, "{json}");
    let payment = json["payment"]["intent"].as_str().unwrap().to_owned();
    let opened = scene.good(&["dispute", "open", &payment, "10.00 CNY", "--ground", "not-delivered"]).await;
    let dispute = opened["command"].as_str().unwrap();
    let (code, json) = merchant(&scene, &["dispute", "answer", &payment, dispute, "--accept"]).await;
    assert_eq!((code, &json["receipt"]["amount_minor"]), (0, &"1000".into()), "{json}");
    assert_eq!(scene.balance().await, 100_000 - 280);
}
