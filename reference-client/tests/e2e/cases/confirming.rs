use axum::http::Method;
use serde_json::Value;

use crate::issuer::Trouble;
use crate::scene::{Scene, within};

async fn asking() -> Scene {
    let scene = Scene::with_account().await;
    let new = ["mandate", "new", "--mode", "quota", "--currency", "CNY", "--total", "500.00", "--ask-above", "5.00"];
    scene.good(&new).await;
    scene
}

/// Shows of each of two payments that wait a paper of the other.
fn swap(json: &mut Value, paper: &str) {
    let [one, other] = [0, 1].map(|at| json["pending"][at][paper].clone());
    (json["pending"][0][paper], json["pending"][1][paper]) = (other, one);
}

async fn pending(scene: &Scene) -> (String, Value) {
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!((code, &json["payment"]["state"]), (3, &"confirmation-required".into()), "{json}");
    let code = json["payment"]["approval"]["user_code"].as_str().unwrap().to_owned();
    (code, json)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_person_approves_is_paid() {
    let scene = asking().await;
    let (user_code, json) = pending(&scene).await;
    assert!(json["payment"]["approval"]["url"].as_str().unwrap().ends_with(&user_code));
    assert_eq!(scene.balance().await, 100_000);
    // Asked again, it is the same payment that waits.
    assert_eq!(pending(&scene).await.1["payment"]["intent"], json["payment"]["intent"]);

    let listed = scene.good(&["confirm", "ls"]).await;
    assert_eq!(listed["pending"][0]["user_code"], user_code);
    // In words too: by which code, where, until when; and what the agent was told is the same.
    let (url, until) = (&json["payment"]["approval"]["url"], &json["payment"]["approval"]["answer_by"]);
    assert_eq!((&listed["pending"][0]["approval"], &listed["pending"][0]["answer_by"]), (url, until));
    let words = String::from_utf8(scene.run(&["confirm", "ls"]).await.stdout).unwrap();
    let until = purser_protocol::time::UnixSeconds::new(until.as_u64().unwrap()).unwrap();
    let wanted = format!("code {user_code} at {}, until {until}", url.as_str().unwrap());
    assert!(words.contains(&wanted), "{wanted} is not in {words}");
    let unasked = scene.run(&["confirm", "approve", &user_code]).await;
    assert_eq!(unasked.code, 2, "without a terminal a yes is typed: {}", unasked.stderr);
    let approved = scene.good(&["confirm", "approve", &user_code, "--yes"]).await;
    assert_eq!(approved["receipt"]["outcome"], "settled");
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!(code, 0, "{json}");
    assert_eq!((scene.balance().await, scene.merchant.served()), (100_000 - 1_280, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_can_wait_for_the_person() {
    let scene = asking().await;
    let url = scene.shop("/tea");
    let arguments = ["fetch", &url, "--max", "20.00 CNY", "--wait", "2m", "--json"];
    let child = scene.command(&arguments).spawn().unwrap();
    let user_code = within(async {
        loop {
            let listed = scene.good(&["confirm", "ls"]).await;
            if let Some(code) = listed["pending"][0]["user_code"].as_str() {
                return code.to_owned();
            }
        }
    })
    .await;
    scene.good(&["confirm", "approve", &user_code, "--yes"]).await;
    let output = within(child.wait_with_output()).await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["payment"]["state"], "settled");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_person_refuses_is_not_paid() {
    let scene = asking().await;
    let (user_code, json) = pending(&scene).await;
    let refused = scene.good(&["confirm", "refuse", &user_code, "--yes"]).await;
    assert_eq!(refused["receipt"]["outcome"], "refused");
    let id = json["payment"]["intent"].as_str().unwrap();
    let (code, json) = scene.json(&["payment", "status", id]).await;
    assert_eq!((code, &json["payment"]["state"]), (1, &"refused".into()), "{json}");
    assert!(json["payment"]["reason"].as_str().unwrap().contains("confirmation-refused"), "{json}");
    assert_eq!(scene.balance().await, 100_000);
    let (code, _) = scene.json(&["confirm", "approve", &user_code, "--yes"]).await;
    assert_eq!(code, 1, "it waits no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_person_confirms_what_the_merchant_and_the_agent_signed() {
    let scene = asking().await;
    let (first, _) = pending(&scene).await;
    let (code, _) = scene.fetch("/coffee", &[]).await;
    assert_eq!(code, 3);
    // The other payment's offer, though for the same money; and the other payment's intent.
    for lie in [|json: &mut Value| swap(json, "offer_paper"), |json: &mut Value| swap(json, "intent_paper")] {
        scene.issuer.wire.trouble(Method::GET, "/v1/pending", Trouble::Lie(lie));
        let (code, json) = scene.json(&["confirm", "approve", &first, "--yes"]).await;
        assert_eq!(code, 1, "{json}");
        assert!(json["error"].to_string().contains("contradicts itself; nothing is signed"), "{json}");
    }
    assert_eq!(scene.balance().await, 100_000);
    let approved = scene.good(&["confirm", "approve", &first, "--yes"]).await;
    assert_eq!(approved["receipt"]["outcome"], "settled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_says_no_where_the_agent_is_not() {
    let scene = asking().await;
    let (user_code, json) = pending(&scene).await;
    let id = json["payment"]["intent"].as_str().unwrap();
    std::fs::remove_file(scene.home().join(format!("attempts/{id}.json"))).unwrap();
    let refused = scene.good(&["confirm", "refuse", &user_code, "--yes"]).await;
    assert_eq!(refused["receipt"]["outcome"], "refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_gives_up_what_waits() {
    let scene = asking().await;
    let (_, json) = pending(&scene).await;
    let id = json["payment"]["intent"].as_str().unwrap();
    let (code, json) = scene.json(&["payment", "cancel", id]).await;
    assert_eq!((code, &json["payment"]["state"]), (0, &"cancelled".into()), "{json}");
    assert_eq!(scene.good(&["confirm", "ls"]).await["pending"], serde_json::json!([]));
}
