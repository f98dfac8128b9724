use std::fs::{self, File};
use std::process::Stdio;
use std::sync::Arc;

use axum::http::Method;
use tokio::sync::Barrier;

use crate::issuer::Trouble;
use crate::scene::{Scene, within};

/// Whatever is lost, one payment is made and one thing is served.
async fn paid_once(scene: &Scene) {
    assert_eq!(scene.balance().await, 100_000 - 1_280);
    assert_eq!(scene.merchant.served(), 1);
    assert!(scene.open_attempts().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_reply_of_the_issuer_is_asked_for() {
    let scene = Scene::ready().await;
    scene.issuer.wire.trouble(Method::POST, "/v1/intents", Trouble::LoseReply);
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!(code, 0, "{json}");
    assert_eq!(scene.issuer.wire.count("POST /v1/intents"), 1, "it was known, and not sent again");
    paid_once(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_that_did_not_arrive_is_sent_again() {
    for trouble in [Trouble::Busy, Trouble::Stranger] {
        let scene = Scene::ready().await;
        scene.issuer.wire.trouble(Method::POST, "/v1/intents", trouble);
        let (code, json) = scene.fetch("/tea", &[]).await;
        assert_eq!(code, 0, "{trouble:?}: {json}");
        assert_eq!(scene.issuer.wire.count("POST /v1/intents"), 2);
        paid_once(&scene).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_of_another_intent_is_no_answer() {
    let scene = Scene::ready().await;
    assert_eq!(scene.fetch("/before", &[]).await.0, 0);
    scene.issuer.wire.trouble(Method::POST, "/v1/intents", Trouble::AnswerOfAnother);
    for _ in 0..3 {
        scene.issuer.wire.trouble(Method::GET, "/v1/intents/", Trouble::AnswerOfAnother);
    }
    // Patience runs out while nothing but the receipt of the other payment comes.
    let (code, json) = scene.fetch("/tea", &["--patience", "0s"]).await;
    assert_eq!((code, &json["payment"]["state"]), (4, &"unknown".into()), "{json}");
    assert!(json["payment"]["reason"].as_str().unwrap().contains("receipt-mismatch"), "{json}");
    assert_eq!((scene.merchant.served(), scene.open_attempts().len()), (1, 1));
    // The same call again takes the same payment up.
    let (code, again) = scene.fetch("/tea", &[]).await;
    assert_eq!(code, 0, "{again}");
    assert_eq!(again["payment"]["intent"], json["payment"]["intent"]);
    assert_eq!((scene.merchant.served(), scene.balance().await), (2, 100_000 - 2 * 1_280));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_delivery_is_asked_for_with_the_same_receipt() {
    let scene = Scene::ready().await;
    scene.merchant.manners(|manners| (manners.lose_replies, manners.fail) = (2, 1));
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!((code, &json["body"]["text"]), (0, &"tea for ".into()), "{json}");
    paid_once(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_is_raised_after_paying_is_not_paid() {
    let scene = Scene::ready().await;
    scene.merchant.manners(|manners| manners.asks_again = true);
    let url = scene.shop("/tea");
    // The first request is asked for the price too: that is its right.
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!(code, 4, "{json}");
    assert!(json["error"]["what"].as_str().unwrap().contains("it asks to be paid again"), "{json}");
    assert_eq!(json["error"]["retry"], "never");
    assert_eq!((scene.open_attempts().len(), scene.merchant.shown()), (1, 1), "it is not pressed");
    scene.merchant.manners(|manners| manners.price_minor = 1_500);
    assert_eq!(scene.fetch("/tea", &[]).await.0, 4);
    assert_eq!(scene.balance().await, 100_000 - 1_280, "paid once");
    assert_eq!(scene.issuer.wire.count("POST /v1/intents"), 1);
    // When it comes to its senses, what was paid for comes.
    scene.merchant.manners(|manners| manners.asks_again = false);
    assert_eq!(scene.json(&["fetch", &url, "--max", "1.00 CNY"]).await.0, 0, "nothing more is paid");
    paid_once(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_comes_can_be_let_go() {
    let scene = Scene::ready().await;
    scene.merchant.manners(|manners| manners.asks_again = true);
    assert_eq!(scene.fetch("/tea", &[]).await.0, 4);
    let listed = scene.good(&["payment", "ls"]).await;
    let id = listed["payments"][0]["intent"].as_str().unwrap();
    assert_eq!(listed["payments"][0]["delivered"], false);
    scene.good(&["payment", "close", id]).await;
    assert!(scene.open_attempts().is_empty());
    scene.merchant.manners(|manners| manners.asks_again = false);
    assert_eq!(scene.fetch("/tea", &[]).await.0, 0);
    assert_eq!(scene.balance().await, 100_000 - 2 * 1_280, "the next fetch pays anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_turned_away_is_cancelled_and_its_copy_comes_too_late() {
    let scene = Scene::ready().await;
    scene.issuer.wire.trouble(Method::POST, "/v1/intents", Trouble::TurnAway);
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!((code, &json["payment"]["state"]), (1, &"cancelled".into()), "{json}");
    assert!(json["payment"]["reason"].as_str().unwrap().contains("mandate-unknown"), "{json}");
    assert!(scene.open_attempts().is_empty());
    scene.issuer.wire.trouble(Method::GET, "/v1/account", Trouble::Late);
    assert_eq!(scene.balance().await, 100_000);
    assert_eq!(scene.fetch("/tea", &[]).await.0, 0, "the next fetch pays anew");
    paid_once(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_turned_away_stays_open_until_its_copy_has_come() {
    let scene = Scene::ready().await;
    for path in ["/v1/intents", "/v1/commands"] {
        scene.issuer.wire.trouble(Method::POST, path, Trouble::TurnAway);
    }
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!((code, &json["payment"]["state"]), (4, &"not-decided".into()), "{json}");
    assert_eq!(scene.open_attempts().len(), 1);
    // The copy of the intent comes before that of its cancel, and is paid.
    scene.issuer.wire.trouble(Method::GET, "/v1/account", Trouble::Late);
    assert_eq!(scene.balance().await, 100_000 - 1_280);
    assert_eq!(scene.fetch("/tea", &[]).await.0, 0, "the same call takes the same payment up");
    paid_once(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn giving_up_tells_which_came_first() {
    // Decided before: the money has gone, and cancelling does not bring it back.
    let scene = Scene::ready().await;
    scene.issuer.wire.trouble(Method::POST, "/v1/intents", Trouble::LoseReply);
    let (code, json) = scene.fetch("/tea", &["--patience", "0s"]).await;
    assert_eq!(code, 4, "{json}");
    let id = json["payment"]["intent"].as_str().unwrap();
    let (code, json) = scene.json(&["payment", "cancel", id]).await;
    assert_eq!((code, &json["payment"]["state"]), (0, &"settled".into()), "{json}");
    assert_eq!(scene.balance().await, 100_000 - 1_280);

    // Not decided: it never will be, even if it is sent again.
    let scene = Scene::ready().await;
    scene.issuer.wire.trouble(Method::POST, "/v1/intents", Trouble::Busy);
    let (code, json) = scene.fetch("/tea", &["--patience", "0s"]).await;
    assert_eq!(code, 4, "{json}");
    let id = json["payment"]["intent"].as_str().unwrap();
    let refused = scene.run(&["payment", "close", id]).await;
    assert_eq!(refused.code, 1, "a payment in doubt is not let go");
    let (code, json) = scene.json(&["payment", "cancel", id]).await;
    assert_eq!((code, &json["payment"]["state"]), (0, &"cancelled".into()), "{json}");
    assert_eq!(scene.balance().await, 100_000);
    let (code, json) = scene.json(&["payment", "status", id]).await;
    assert_eq!((code, &json["payment"]["state"]), (1, &"cancelled".into()), "{json}");
}

/// Both have looked for an open payment before either has an offer.
#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_ask_for_one_thing_at_once_pay_once() {
    let scene = Scene::ready().await;
    let both = Arc::new(Barrier::new(2));
    scene.merchant.manners(|manners| (manners.together, manners.asks_again) = (Some(both), true));
    let ((first, _), (second, _)) = tokio::join!(scene.fetch("/tea", &[]), scene.fetch("/tea", &[]));
    assert_eq!((first, second), (4, 4), "it does not come yet");
    assert_eq!((scene.balance().await, scene.open_attempts().len()), (100_000 - 1_280, 1));
    scene.merchant.manners(|manners| (manners.together, manners.asks_again) = (None, false));
    assert_eq!(scene.fetch("/tea", &[]).await.0, 0);
    paid_once(&scene).await;
    assert_eq!(scene.fetch("/tea", &[]).await.0, 0);
    assert_eq!(scene.balance().await, 100_000 - 2 * 1_280, "one after the other they are two");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_place_to_go_is_not_paid_for() {
    let scene = Scene::ready().await;
    let (code, json) = scene.fetch("/tea", &["--output", &scene.file("no/such/folder")]).await;
    assert_eq!(code, 1, "{json}");
    assert_eq!((scene.balance().await, scene.issuer.wire.count("POST /v1/intents")), (100_000, 0));
    // A place that was made for nothing goes again, and one that was there stays as it was.
    let (made, there) = (scene.file("made"), scene.file("there"));
    fs::write(&there, "before").unwrap();
    scene.merchant.manners(|manners| manners.price_minor = 1_000_000);
    for path in [&made, &there] {
        assert_ne!(scene.fetch("/tea", &["--output", path]).await.0, 0, "it is dearer than may be paid");
    }
    scene.merchant.manners(|manners| manners.price_minor = 1_280);
    assert!(!fs::exists(&made).unwrap());
    assert_eq!(fs::read(&there).unwrap(), b"before");
    for path in [&made, &there] {
        assert_eq!(scene.fetch("/tea", &["--output", path]).await.0, 0);
        assert_eq!(fs::read(path).unwrap(), b"tea for ");
    }
}

/// A disk that is full takes nothing, in a file and behind stdout.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_for_and_not_written_is_got_again_and_not_paid_again() {
    let scene = Scene::ready().await;
    let (code, json) = scene.fetch("/tea", &["--output", "/dev/full"]).await;
    assert_eq!(code, 4, "{json}");
    assert!(json["error"]["fix"].as_str().unwrap().contains("never pays twice"), "{json}");
    assert_eq!((scene.balance().await, scene.open_attempts().len()), (100_000 - 1_280, 1));
    let url = scene.shop("/tea");
    let mut command = scene.command(&["fetch", &url, "--max", "20.00 CNY"]);
    command.stdout(Stdio::from(File::options().write(true).open("/dev/full").unwrap()));
    let ended = within(command.spawn().unwrap().wait_with_output()).await.unwrap();
    assert_eq!(ended.status.code(), Some(4), "{}", String::from_utf8_lossy(&ended.stderr));
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!((code, &json["body"]["text"]), (0, &"tea for ".into()), "{json}");
    paid_once(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_kit_can_sell_can_be_got() {
    for (bytes, exit) in [(8 << 20, 0), ((8 << 20) + 1, 4)] {
        let scene = Scene::ready().await;
        scene.merchant.manners(|manners| manners.goods_bytes = bytes);
        let output = scene.file("out");
        let (code, json) = scene.fetch("/tea", &["--output", &output]).await;
        assert_eq!(code, exit, "{bytes}: {json}");
        assert_eq!(fs::metadata(&output).map(|file| file.len()).ok(), (exit == 0).then_some(bytes as u64));
    }
}
