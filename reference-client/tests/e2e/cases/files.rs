use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::scene::{Scene, command, run};

/// The papers that one payment leaves.
async fn papers(scene: &Scene) -> Vec<(&'static str, PathBuf)> {
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!(code, 0, "{json}");
    let id = json["payment"]["intent"].as_str().unwrap();
    let mandate = json["payment"]["mandate"].as_str().unwrap();
    let kept: Value =
        serde_json::from_slice(&fs::read(scene.home().join(format!("attempts/over/{id}.json"))).unwrap()).unwrap();
    // Base64url as in headers is taken too.
    for name in ["intent", "offer"] {
        fs::write(scene.folder.join(name), kept[name].as_str().unwrap()).unwrap();
    }
    vec![
        ("purser-mandate", scene.home().join(format!("mandates/{mandate}.cose"))),
        ("purser-intent", scene.folder.join("intent")),
        ("purser-offer", scene.folder.join("offer")),
        ("receipt", scene.home().join(format!("receipts/{id}.receipt"))),
        ("purser-delivery", scene.home().join(format!("receipts/{id}.delivery"))),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_paper_is_shown_and_verified() {
    let scene = Scene::ready().await;
    let papers = papers(&scene).await;
    let shop = scene.merchant.identity().certificate.to_str().unwrap().to_owned();
    for (kind, path) in papers {
        let path = path.to_str().unwrap();
        let shown = scene.good(&["paper", "show", path]).await;
        let typ = if kind == "receipt" { "purser-root" } else { kind };
        assert!(shown["notation"].as_str().unwrap().contains(typ), "{shown}");
        let key = match kind {
            "purser-mandate" => "home/keys/person.pem.pub",
            _ => "home/keys/agent.pem.pub",
        };
        let verified = scene.good(&["paper", "verify", path, "--key", &scene.file(key), "--certificates", &shop]).await;
        // The shop's chain is given for the delivery; given anchors, it is kept beside what is known.
        assert_eq!((&verified["kind"], &verified["fault"]), (&kind.into(), &Value::Null), "{verified}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_folder_what_needs_no_anchors_is_checked() {
    let scene = Scene::ready().await;
    let papers = papers(&scene).await;
    let nowhere = scene.folder.join("nowhere");
    for (kind, path) in &papers {
        let run = run(command(&nowhere, &["paper", "verify", path.to_str().unwrap(), "--json"])).await;
        let json: Value = serde_json::from_slice(&run.stdout).unwrap();
        assert_eq!((run.code, &json["signature_checked"]), (0, &false.into()), "{kind}: {json}");
    }
    let (_, receipt) = &papers[3];
    let unsure = run(command(&nowhere, &["receipt", "verify", receipt.to_str().unwrap()])).await;
    assert_eq!(unsure.code, 2, "a receipt needs anchors: {}", unsure.stderr);
    let (roots, chain) = (scene.file("ca.pem"), scene.file("issuer.example.pem"));
    let arguments = ["receipt", "verify", receipt.to_str().unwrap(), "--anchors", &roots, "--certificates", &chain];
    let sure = run(command(&nowhere, &arguments)).await;
    assert_eq!(sure.code, 0, "{}", sure.stderr);
    let (other, chain) = (scene.file("other.pem"), scene.file("issuer.example.pem"));
    let arguments = ["receipt", "verify", receipt.to_str().unwrap(), "--anchors", &other, "--certificates", &chain];
    let stranger = run(command(&nowhere, &arguments)).await;
    assert_eq!(stranger.code, 1, "{}", stranger.stderr);
    assert!(String::from_utf8_lossy(&stranger.stdout).contains("cert-untrusted"));
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_found_where_it_is() {
    let scene = Scene::ready().await;
    let papers = papers(&scene).await;
    let (_, mandate) = &papers[0];
    let bytes = fs::read(mandate).unwrap();
    let damaged = scene.folder.join("damaged");
    let verify = async |bytes: &[u8]| {
        fs::write(&damaged, bytes).unwrap();
        let path = damaged.to_str().unwrap().to_owned();
        let run = scene.run(&["paper", "verify", &path]).await;
        assert_eq!(run.code, 1, "{}", run.stderr);
        String::from_utf8(run.stdout).unwrap()
    };
    let at = bytes.windows(3).position(|window| window == b"CNY").unwrap();
    let mut bad = bytes.clone();
    bad[at] = 0x80;
    let text = verify(&bad).await;
    assert!(text.contains(&format!("text-invalid (encoding stage, at byte {}", at - 1)), "{text}");
    assert!(text.contains("^^") && text.contains(" 63 80 4e 59"), "the excerpt: {text}");
    let text = verify(&bytes[..bytes.len() - 1]).await;
    assert!(text.contains("cbor-truncated (framing stage"), "{text}");
    let text = verify(&[&bytes[..], &[0]].concat()).await;
    assert!(text.contains(&format!("cbor-trailing (framing stage, at byte {}", bytes.len())), "{text}");
    let text = verify(b"").await;
    assert!(text.contains("cbor-truncated"), "{text}");
    fs::remove_file(&damaged).unwrap();
    let missing = scene.run(&["paper", "verify", damaged.to_str().unwrap()]).await;
    assert_eq!(missing.code, 1, "{}", missing.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_flipped_bit_makes_the_command_panic() {
    let scene = Scene::ready().await;
    let papers = papers(&scene).await;
    let damaged = scene.folder.join("damaged");
    let path = damaged.to_str().unwrap();
    for (kind, paper) in [&papers[0], &papers[3]] {
        let bytes = fs::read(paper).unwrap();
        // The library's own test flips every bit; here the whole program is run for some of them.
        for place in (0..bytes.len()).step_by(bytes.len() / 24 + 1) {
            let mut bad = bytes.clone();
            bad[place] ^= 1 << (place % 8);
            fs::write(&damaged, &bad).unwrap();
            let key = scene.file("home/keys/person.pem.pub");
            let verified = scene.run(&["paper", "verify", path, "--key", &key]).await;
            assert_eq!(verified.code, 1, "{kind}, byte {place}: {}", String::from_utf8_lossy(&verified.stdout));
            let shown = scene.run(&["paper", "show", path]).await;
            assert!(matches!(shown.code, 0 | 1), "{kind}, byte {place}: {}", shown.stderr);
        }
    }
}
