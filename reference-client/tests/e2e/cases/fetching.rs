use crate::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn a_price_is_paid_and_what_it_pays_for_comes() {
    let scene = Scene::ready().await;
    let (code, json) = scene.fetch("/tea?cup=1", &[]).await;
    assert_eq!(code, 0, "{json}");
    assert_eq!(json["body"]["text"], "tea for ");
    assert_eq!(json["payment"]["state"], "settled");
    assert_eq!(json["payment"]["delivered"], true);
    assert_eq!(json["warnings"], serde_json::json!([]));
    assert_eq!(scene.balance().await, 100_000 - 1_280);
    assert_eq!(scene.merchant.served(), 1);
    assert!(scene.open_attempts().is_empty());

    // Its papers verify offline, and say what was paid.
    let id = json["payment"]["intent"].as_str().unwrap();
    let receipt = scene.home().join(format!("receipts/{id}.receipt"));
    let verified = scene.good(&["receipt", "verify", receipt.to_str().unwrap()]).await;
    assert_eq!(verified["receipt"]["amount_minor"], "1280");
    assert!(scene.home().join(format!("receipts/{id}.delivery")).exists());
    let shown = scene.good(&["payment", "show", &id[..8]]).await;
    assert!(shown["receipt_notation"].as_str().unwrap().contains("/ outcome / -8: 2 / settled /"));
    let listed = scene.good(&["payment", "ls", "--issuer"]).await;
    assert_eq!(listed["payments"][0]["intent"], id);
    assert_eq!(listed["payments"][0]["state"], "captured");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fetch_is_a_payment_of_its_own() {
    let scene = Scene::ready().await;
    for _ in 0..2 {
        assert_eq!(scene.fetch("/tea", &[]).await.0, 0);
    }
    assert_eq!((scene.merchant.served(), scene.balance().await), (2, 100_000 - 2 * 1_280));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_sent_and_bound_and_comes_out_on_stdout() {
    let scene = Scene::ready().await;
    let body = scene.file("body");
    std::fs::write(&body, "two").unwrap();
    let url = scene.shop("/tea");
    let arguments = ["fetch", &url, "--max", "12.80 CNY", "--method", "POST", "--body", &body, "--header", "X-A: b"];
    let run = scene.run(&arguments).await;
    assert_eq!((run.code, &run.stdout[..]), (0, &b"tea for two"[..]), "{}", run.stderr);
    assert!(run.stderr.contains("paid 12.80 CNY, payment "), "{}", run.stderr);
    assert!(!run.stderr.contains("waiting"), "progress is for terminals");

    let output = scene.file("out");
    let run = scene.run(&["fetch", &url, "--max", "12.80 CNY", "-o", &output]).await;
    assert_eq!((run.code, run.stdout.len(), std::fs::read(&output).unwrap()), (0, 0, b"tea for ".to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_price_is_not_paid_for() {
    let scene = Scene::ready().await;
    let (code, json) = scene.fetch("/free", &[]).await;
    assert_eq!((code, &json["body"]["text"], &json["payment"]), (0, &"free".into(), &serde_json::Value::Null));
    assert_eq!(scene.balance().await, 100_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_issuer_is_final_and_says_which_rule() {
    let scene = Scene::with_account().await;
    let new = ["mandate", "new", "--mode", "quota", "--currency", "CNY", "--total", "20.00"];
    let mandate = scene.good(&new).await["mandate"].as_str().unwrap().to_owned();
    assert_eq!(scene.fetch("/tea", &[]).await.0, 0);
    // What is left is seen before anything is signed.
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!(code, 1, "{json}");
    assert_eq!(json["error"]["retry"], "after-change");
    assert_eq!(scene.issuer.wire.count("POST /v1/intents"), 1);
    // Named all the same, the issuer says no, and signs it.
    let (code, json) = scene.fetch("/tea", &["--mandate", &mandate]).await;
    assert_eq!((code, &json["payment"]["state"]), (1, &"refused".into()), "{json}");
    assert!(json["payment"]["reason"].as_str().unwrap().contains("rule-total (rule total)"), "{json}");
    assert!(scene.open_attempts().is_empty());
    assert_eq!((scene.merchant.served(), scene.balance().await), (1, 100_000 - 1_280));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_mandate_that_fits_pays() {
    let scene = Scene::with_account().await;
    let new = async |terms: &[&str]| {
        let mandate = scene.good(&[&["mandate", "new", "--currency", "CNY"], terms].concat()).await;
        mandate["mandate"].as_str().unwrap().to_owned()
    };
    new(&["--mode", "quota", "--total", "500.00", "--merchant", "other.example"]).await;
    new(&["--mode", "quota", "--total", "500.00", "--ask-above", "1.00"]).await;
    new(&["--mode", "conditional", "--grant", "per-payment=5.00", "--grant", "merchant=other.example"]).await;
    let fits = new(&["--mode", "conditional", "--grant", "per-payment=5.00", "--grant", "merchant=shop.example"]).await;
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!((code, &json["payment"]["mandate"]), (0, &fits.clone().into()), "{json}");
    // Suspended, it pays nothing; the next that fits asks the person.
    scene.good(&["mandate", "suspend", &fits[..12]]).await;
    let (code, _) = scene.fetch("/tea", &[]).await;
    assert_eq!(code, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_without_a_mandate_is_told_what_to_do() {
    let scene = Scene::with_account().await;
    let (code, json) = scene.fetch("/tea", &[]).await;
    assert_eq!(code, 1, "{json}");
    assert!(json["error"]["fix"].as_str().unwrap().contains("purser mandate new"), "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_mandate_pays_its_offer_only() {
    let scene = Scene::with_account().await;
    let (quote, other) = (scene.file("quote"), scene.file("other"));
    let quoted = scene.fetch("/tea", &["--quote", &quote]).await.1;
    assert_eq!((&quoted["merchant"], &quoted["amount_minor"]), (&"shop.example".into(), &"1280".into()), "{quoted}");
    assert_eq!(scene.fetch("/tea", &["--quote", &other]).await.0, 0);
    assert_eq!((scene.balance().await, scene.issuer.wire.count("POST /v1/intents")), (100_000, 0));
    let new = ["mandate", "new", "--mode", "single", "--currency", "CNY", "--offer", &quote];
    let mandate = scene.good(&new).await["mandate"].as_str().unwrap().to_owned();

    let named = ["--mandate", &mandate[..8]];
    for not_its_own in [&named[..], &[&named[..], &["--quoted", &other]].concat()] {
        let (code, json) = scene.fetch("/tea", not_its_own).await;
        assert_eq!((code, &json["error"]["code"]), (1, &"offer-mismatch".into()), "{json}");
    }
    let (code, json) = scene.fetch("/cake", &["--quoted", &quote]).await;
    assert_eq!((code, &json["error"]["code"]), (1, &"request-mismatch".into()), "{json}");
    let (code, json) = scene.fetch("/tea", &["--quoted", &quote]).await;
    assert_eq!((code, &json["payment"]["offer"]), (0, &quoted["offer"]), "{json}");
    let (code, json) = scene.fetch("/tea", &["--quoted", &quote, "--mandate", &mandate]).await;
    assert_eq!(code, 4, "no second intent is signed for an offer: {json}");
    assert!(json["error"]["what"].as_str().unwrap().ends_with("takes this offer already"), "{json}");
    assert_eq!((scene.balance().await, scene.issuer.wire.count("POST /v1/intents")), (100_000 - 1_280, 1));
}
