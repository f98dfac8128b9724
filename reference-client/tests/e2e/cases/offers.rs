use purser_client::home::Home;

use crate::scene::Scene;

/// What a merchant may not do: nothing is paid, and nothing is sent to the issuer.
async fn refused(scene: &Scene, code: i32, words: &str) {
    let (exit, json) = scene.fetch("/tea", &[]).await;
    assert_eq!(exit, code, "{json}");
    assert!(json["error"].to_string().contains(words), "{words} in {json}");
    assert_eq!(scene.issuer.wire.count("POST /v1/intents"), 0);
    assert_eq!(scene.balance().await, 100_000);
    assert!(scene.open_attempts().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_for_another_host_is_refused() {
    let scene = Scene::ready().await;
    scene.merchant.manners(|manners| manners.bound_to = Some("other.example".into()));
    refused(&scene, 1, "request-mismatch").await;
    let own = scene.merchant.url.strip_prefix("https://").unwrap().to_owned();
    scene.merchant.manners(|manners| manners.bound_to = Some(own));
    assert_eq!(scene.fetch("/tea", &[]).await.0, 0, "its twin");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_above_the_most_is_refused() {
    let scene = Scene::ready().await;
    scene.merchant.manners(|manners| manners.price_minor = 2_001);
    refused(&scene, 1, "the price is 20.01 CNY, and at most 20.00 CNY may be paid").await;
    scene.merchant.manners(|manners| manners.price_minor = 2_000);
    assert_eq!(scene.fetch("/tea", &[]).await.0, 0, "its twin");
    let url = scene.shop("/tea");
    let (code, json) = scene.json(&["fetch", &url, "--max", "2000 JPY"]).await;
    assert_eq!(code, 1, "another currency: {json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_says_another_price_is_refused() {
    let scene = Scene::ready().await;
    scene.merchant.manners(|manners| manners.header_minor = Some(1));
    refused(&scene, 1, "another price").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_says_another_end_is_refused() {
    let scene = Scene::ready().await;
    scene.merchant.manners(|manners| manners.header_later = true);
    refused(&scene, 1, "another price, merchant or end").await;
    scene.merchant.manners(|manners| manners.header_later = false);
    assert_eq!(scene.fetch("/tea", &[]).await.0, 0, "its twin");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_is_never_made_before_its_offer() {
    let scene = Scene::ready().await;
    scene.merchant.manners(|manners| manners.ahead_seconds = 5);
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!(code, 0, "{json}");
    let [Ok(kept)] = &Home::at(scene.home()).attempts().all()[..] else { panic!("one attempt") };
    let (intent, offer) = (kept.read_intent().unwrap(), kept.read_offer().unwrap());
    assert!(intent.issued_at >= offer.issued_at, "{} {}", intent.issued_at, offer.issued_at);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_takes_no_money_of_ours_is_refused() {
    let scene = Scene::ready().await;
    scene.merchant.manners(|manners| manners.other_issuer = true);
    refused(&scene, 1, "issuer-not-accepted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_refused_by_name() {
    let scene = Scene::ready().await;
    scene.merchant.manners(|manners| manners.redirect = Some("https://elsewhere.example/tea"));
    refused(&scene, 1, "elsewhere.example").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_schemes_are_passed_over() {
    let scene = Scene::ready().await;
    scene.merchant.manners(|manners| {
        manners.schemes = vec![
            "Bearer realm=\"x, Payment id=\\\"y\\\"\", error=invalid_token",
            "Payment id=\"a\", realm=\"b\", method=\"card\", intent=\"charge\", request=\"e30\", Negotiate",
            "Basic realm=",
            "Payment realm=\"shop.example\"",
        ];
    });
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!(code, 0, "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_of_a_stranger_is_refused() {
    let scene = Scene::ready().await;
    // Papers are believed under another authority than servers.
    std::fs::copy(scene.file("other.pem"), scene.home().join("anchors.pem")).unwrap();
    let config = scene.home().join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(
        &config,
        text.replacen("roots = \"roots.pem\"", "roots = \"roots.pem\"\nanchors = \"anchors.pem\"", 1),
    )
    .unwrap();
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!((code, &json["error"]["code"]), (1, &"cert-untrusted".into()), "{json}");
    assert_eq!(scene.issuer.wire.count("POST /v1/intents"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_of_something_else_is_a_warning() {
    let scene = Scene::ready().await;
    scene.merchant.manners(|manners| manners.delivers_else = true);
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!((code, &json["warnings"][0]), (0, &"purser-delivery is of another body".into()), "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_for_another_offer_is_a_warning() {
    let scene = Scene::ready().await;
    scene.merchant.manners(|manners| manners.delivers_for_else = true);
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!((code, &json["warnings"][0]), (0, &"purser-delivery is of another payment".into()), "{json}");
}
