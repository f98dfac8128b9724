use std::fs;

use purser_protocol::paper::confirmation::Confirmation;
use purser_protocol::paper::mandate::{Mandate, Shown};
use purser_protocol::sign::{Frame, Paper};
use purser_protocol::wire::Reader;
use sha2::{Digest as _, Sha256};

use crate::scene::Scene;

fn read<T: Paper>(bytes: &[u8]) -> T {
    T::decode(&mut Reader::new(Frame::read(bytes).unwrap().payload)).unwrap()
}

/// The paper says that this text was shown, in this language.
fn assert_shown(shown: Option<Shown>, language: &str, text: &str) {
    let shown = shown.expect("the paper says what was shown");
    assert_eq!((shown.language.as_str(), shown.rendering.0), (language, Sha256::digest(text).into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mandate_is_shown_before_it_is_signed_and_says_so() {
    let scene = Scene::with_account().await;
    let new = ["--lang", "zh", "mandate", "new", "--mode", "quota", "--currency", "CNY", "--total", "500.00"];
    let run = scene.run(&[&new[..], &["--per-payment", "12.80"]].concat()).await;
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stderr.contains("  每次付款最多 12.80 人民币元。\n  全部付款合计最多 500.00 人民币元。\n"),
        "{}",
        run.stderr
    );

    let made = scene.good(&["mandate", "new", "--mode", "quota", "--currency", "CNY", "--total", "7.00"]).await;
    let (id, text) = (made["mandate"].as_str().unwrap(), made["rendering"].as_str().unwrap());
    let path = scene.home().join(format!("mandates/{id}.cose"));
    assert_shown(read::<Mandate>(&fs::read(&path).unwrap()).shown, "en", text);
    assert!(text.contains("  At most 7.00 CNY for all payments together.\n"), "{text}");
    assert_eq!(scene.good(&["mandate", "show", id]).await["mandate"]["rendering"], text);
    assert_eq!(scene.good(&["paper", "show", path.to_str().unwrap()]).await["rendering"], text);
    let chinese = scene.good(&["paper", "show", path.to_str().unwrap(), "--lang", "zh"]).await;
    assert!(chinese["rendering"].as_str().unwrap().starts_with("额度付款授权。\n"), "{chinese}");

    let replaced = scene.good(&["mandate", "replace", id, "--total", "9.00"]).await;
    let text = replaced["rendering"].as_str().unwrap();
    assert!(text.contains(&format!("in place of the mandate {id}")) && text.contains("At most 9.00 CNY"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_mandate_is_signed_beside_its_offer_only() {
    let scene = Scene::with_account().await;
    let quote = scene.file("quote");
    let (_, quoted) = scene.fetch("/tea", &["--quote", &quote]).await;
    let new = ["mandate", "new", "--mode", "single", "--currency", "CNY", "--offer"];
    let unseen = scene.run(&[&new[..], &[quoted["offer"].as_str().unwrap()]].concat()).await;
    assert_eq!(unseen.code, 2, "{}", unseen.stderr);
    let seen = scene.run(&[&new[..], &[&quote]].concat()).await;
    assert_eq!(seen.code, 0, "{}", seen.stderr);
    assert!(seen.stderr.starts_with("Mandate for one payment.\n"), "{}", seen.stderr);
    assert!(seen.stderr.contains("Offer of a sale.\nThe merchant, by its certificate, is shop.example.\n"));
    assert!(seen.stderr.contains("The total is 12.80 CNY.\n"), "{}", seen.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_is_shown_before_it_is_signed_and_says_so() {
    let scene = Scene::with_account().await;
    let new = ["mandate", "new", "--mode", "quota", "--currency", "CNY", "--total", "500.00", "--ask-first"];
    scene.good(&new).await;
    assert_eq!(scene.fetch("/tea", &[]).await.0, 3);
    let listed = scene.good(&["confirm", "ls", "--lang", "zh"]).await;
    let (code, text) = (&listed["pending"][0]["user_code"], listed["pending"][0]["rendering"].as_str().unwrap());
    assert!(text.starts_with("请确认一次付款。\n付款 12.80 人民币元给商家 shop.example（以证书为准）。\n"), "{text}");

    let approve = ["confirm", "approve", code.as_str().unwrap(), "--lang", "zh"];
    let unasked = scene.run(&approve).await;
    assert_eq!(unasked.code, 2, "{}", unasked.stderr);
    assert!(unasked.stderr.contains(text), "what cannot be asked is shown all the same");
    let approved = scene.run(&[&approve[..], &["--yes"]].concat()).await;
    assert_eq!(approved.code, 0, "{}", approved.stderr);
    assert!(approved.stderr.starts_with(text), "{}", approved.stderr);
    assert_shown(read::<Confirmation>(&scene.issuer.wire.command()).shown, "zh", text);
}
