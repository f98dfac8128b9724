use axum::http::Method;

use crate::issuer::Trouble;
use crate::scene::Scene;

async fn paid(scene: &Scene, holds: bool) -> String {
    scene.merchant.manners(|manners| manners.holds = holds);
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!(code, 0, "{json}");
    json["payment"]["intent"].as_str().unwrap().to_owned()
}

/// The merchant's own words, with its certificate and key.
async fn merchant(scene: &Scene, arguments: &[&str]) -> (i32, serde_json::Value) {
    let identity = scene.merchant.identity();
    let own = ["--certificate", identity.certificate.to_str().unwrap(), "--key", identity.key.to_str().unwrap()];
    scene.json(&[arguments, &own].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn money_is_given_back_in_parts() {
    let scene = Scene::ready().await;
    let payment = paid(&scene, false).await;
    let (code, json) = merchant(&scene, &["refund", &payment, "2.80 CNY", "--reason", "cold"]).await;
    assert_eq!((code, &json["receipt"]["outcome"]), (0, &"refunded".into()), "{json}");
    assert_eq!(scene.balance().await, 99_000);
    let (code, json) = merchant(&scene, &["refund", &payment, "10.01 CNY"]).await;
    assert_eq!((code, &json["receipt"]["code"]), (1, &"refund-exceeds-capture".into()), "{json}");
    assert_eq!(merchant(&scene, &["refund", &payment, "10.00 CNY"]).await.0, 0);
    assert_eq!(scene.balance().await, 100_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_out_cannot_be_given_back() {
    let scene = Scene::ready().await;
    let payment = paid(&scene, false).await;
    let (code, json) = merchant(&scene, &["payout", "10.00 CNY"]).await;
    assert_eq!((code, &json["receipt"]["amount_minor"]), (0, &"1000".into()), "{json}");
    let (code, json) = merchant(&scene, &["payout", "2.81 CNY"]).await;
    assert_eq!((code, &json["receipt"]["code"]), (1, &"merchant-funds".into()), "{json}");
    let (code, json) = merchant(&scene, &["refund", &payment, "2.81 CNY"]).await;
    assert_eq!((code, &json["receipt"]["code"]), (1, &"merchant-funds".into()), "{json}");
    assert_eq!(scene.balance().await, 100_000 - 1_280);
    assert_eq!(merchant(&scene, &["refund", &payment, "2.80 CNY"]).await.0, 0, "what is left covers this");
    assert_eq!(scene.balance().await, 99_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_whose_answer_is_lost_is_sent_again_not_made_again() {
    let scene = Scene::ready().await;
    let payment = paid(&scene, false).await;
    scene.issuer.wire.trouble(Method::POST, "/v1/commands", Trouble::LoseReply);
    let (code, json) = merchant(&scene, &["refund", &payment, "2.80 CNY"]).await;
    assert_eq!(code, 4, "{json}");
    let fix = json["error"]["fix"].as_str().unwrap();
    let file = fix.strip_prefix("purser send ").unwrap();
    let sent = scene.good(&["send", file]).await;
    assert_eq!(sent["receipt"]["outcome"], "refunded");
    assert_eq!(scene.balance().await, 99_000, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn held_money_is_captured_and_the_rest_given_up() {
    let scene = Scene::ready().await;
    let payment = paid(&scene, true).await;
    let (code, json) = merchant(&scene, &["capture", &payment, "10.00 CNY"]).await;
    assert_eq!((code, &json["receipt"]["outcome"]), (0, &"captured".into()), "{json}");
    assert_eq!(scene.balance().await, 100_000 - 1_280);
    let (code, json) = merchant(&scene, &["void", &payment]).await;
    assert_eq!((code, &json["receipt"]["amount_minor"]), (0, &"280".into()), "{json}");
    assert_eq!(scene.balance().await, 99_000);

    let payment = paid(&scene, true).await;
    assert_eq!(merchant(&scene, &["capture", &payment, "1.00 CNY", "--last"]).await.0, 0);
    assert_eq!(scene.balance().await, 98_900, "the rest goes back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_and_a_certificate_belong_together() {
    let scene = Scene::ready().await;
    let payment = paid(&scene, false).await;
    let certificate = scene.merchant.identity().certificate.to_str().unwrap();
    let agent = scene.file("home/keys/agent.pem");
    let (code, json) =
        scene.json(&["refund", &payment, "1.00 CNY", "--certificate", certificate, "--key", &agent]).await;
    assert_eq!(code, 1, "{json}");
    let (issuer, key) = (scene.file("issuer.example.pem"), scene.file("issuer.example.key"));
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let (code, json) = scene.json(&["refund", &payment, "1.00 CNY", "--certificate", &issuer, "--key", &key]).await;
    assert_eq!((code, &json["error"]["code"]), (1, &"cert-role".into()), "{json}");
}
