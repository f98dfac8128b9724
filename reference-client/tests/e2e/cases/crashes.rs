use std::fs;

use axum::http::Method;

use crate::issuer::Trouble;
use crate::scene::{Scene, kill, within};

/// Fetches, and is killed when the trouble has struck; then what is on the disk is taken up again.
async fn killed(trouble: Trouble) -> Scene {
    let scene = Scene::ready().await;
    let decides = matches!(trouble, Trouble::Hang);
    scene.issuer.wire.trouble(Method::POST, "/v1/intents", trouble);
    let url = scene.shop("/tea");
    let child = scene.command(&["fetch", &url, "--max", "20.00 CNY"]).spawn().unwrap();
    within(scene.issuer.wire.struck()).await;
    // The issuer has it; that it has decided shows in the account.
    within(async { while decides && scene.balance().await == 100_000 {} }).await;
    kill(child).await;
    assert_eq!(scene.open_attempts().len(), 1, "kept before it was sent");
    scene
}

async fn taken_up(scene: &Scene) {
    let resumed = scene.good(&["payment", "resume"]).await;
    assert_eq!(resumed["payments"][0]["state"], "settled", "{resumed}");
    assert_eq!(scene.balance().await, 100_000 - 1_280);
    assert_eq!(scene.merchant.served(), 0);
    // The fetch that was killed gets what it paid for, and pays no more.
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!((code, &json["payment"]["intent"]), (0, &resumed["payments"][0]["intent"]), "{json}");
    assert_eq!((scene.balance().await, scene.merchant.served()), (100_000 - 1_280, 1));
    assert!(scene.open_attempts().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_the_issuer_had_it() {
    let scene = killed(Trouble::Swallow).await;
    assert_eq!(scene.balance().await, 100_000);
    taken_up(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_the_send_and_the_answer() {
    let scene = killed(Trouble::Hang).await;
    taken_up(&scene).await;
    assert_eq!(scene.issuer.wire.count("POST /v1/intents"), 1, "the issuer knew it");
}

/// The attempt is on the disk when the connection to the issuer is still being made.
#[tokio::test(flavor = "multi_thread")]
async fn killed_between_the_keeping_and_the_send() {
    let scene = Scene::ready().await;
    // The signed read that chooses the mandate is the last thing before the intent; a mandate that is named needs
    // none. A host that takes the connection and says nothing stands in for the issuer.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = scene.home().join("config.toml");
    let good = fs::read_to_string(&config).unwrap();
    let elsewhere = format!("https://{}", silent.local_addr().unwrap());
    fs::write(&config, good.replace(&scene.issuer.url, &elsewhere)).unwrap();
    let mandates = fs::read_dir(scene.home().join("mandates")).unwrap();
    let mandate = mandates.flatten().next().unwrap().file_name().into_string().unwrap();
    let url = scene.shop("/tea");
    let arguments = ["fetch", &url, "--max", "20.00 CNY", "--mandate", &mandate[..64]];
    let child = scene.command(&arguments).spawn().unwrap();
    let _connection = within(silent.accept()).await.unwrap();
    kill(child).await;
    assert_eq!(scene.open_attempts().len(), 1, "kept before it was sent");
    fs::write(&config, good).unwrap();
    assert_eq!(scene.issuer.wire.count("POST /v1/intents"), 0);
    taken_up(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_takes_up_what_an_earlier_one_left() {
    let scene = killed(Trouble::Hang).await;
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!(code, 0, "{json}");
    assert_eq!((scene.balance().await, scene.merchant.served()), (100_000 - 1_280, 1));
    // Another address is another purchase.
    assert_eq!(scene.fetch("/cake", &[]).await.0, 0);
    assert_eq!(scene.balance().await, 100_000 - 2 * 1_280);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_cannot_be_read_stops_every_fetch() {
    let scene = killed(Trouble::Swallow).await;
    let path = scene.open_attempts().remove(0);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    let (code, json) = scene.fetch("/cake", &[]).await;
    assert_eq!(code, 4, "{json}");
    assert!(json["error"]["fix"].as_str().unwrap().contains("purser payment status"), "{json}");
    let (code, json) = scene.json(&["payment", "ls"]).await;
    assert_eq!((code, json["unreadable"].as_array().unwrap().len()), (4, 1));
    fs::write(&path, text).unwrap();
    assert_eq!(scene.fetch("/cake", &[]).await.0, 0, "its twin");
}
