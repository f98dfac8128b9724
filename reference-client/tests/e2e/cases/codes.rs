//! Codes: drawn by the merchant, photographed, paid.

use purser_code::{Code, Picture};
use serde_json::Value;

use super::shop::Sandbox;

struct Table(Sandbox);

impl Table {
    /// A shop, and an agent with up to 100.00 CNY.
    async fn laid(name: &str, more: &[&str]) -> Self {
        let sandbox = Sandbox::start(name).await;
        let new = ["mandate", "new", "--mode", "quota", "--currency", "CNY", "--total", "100.00"];
        sandbox.good(&[&new[..], more].concat()).await;
        Self(sandbox)
    }

    fn file(&self, name: &str) -> String {
        self.0.folder.join(name).to_str().unwrap().to_owned()
    }

    /// What `purser-server code` draws.
    async fn code(&self, name: &str, more: &[&str]) -> String {
        let (config, png) = (self.file("merchant.toml"), self.file(name));
        let arguments = ["purser-server", "code", "--config", &config, "--path", "/coffee", "--png", &png];
        let arguments = arguments.iter().chain(more).map(Into::into);
        let exit = purser_server::cli::run(arguments).await;
        assert_eq!(format!("{exit:?}"), format!("{:?}", std::process::ExitCode::SUCCESS));
        png
    }

    /// A picture of these codes, beside each other.
    fn picture(&self, name: &str, texts: &[&str]) -> String {
        let codes: Vec<Picture> = texts.iter().map(|text| Code::of(text).unwrap().to_picture(6)).collect();
        let side = codes.iter().map(Picture::width).max().unwrap_or(400);
        let picture = Picture::from_fn(side * codes.len().max(1), side, |x, y| match codes.get(x / side) {
            Some(code) if x % side < code.width() && y < code.height() => code.level(x % side, y),
            _ => 255,
        });
        let file = self.file(name);
        std::fs::write(&file, picture.to_png().unwrap()).unwrap();
        file
    }

    async fn scan(&self, image: &str, more: &[&str]) -> (i32, Value) {
        let run = self.0.run(&[&["scan", image, "--json"], more].concat()).await;
        let json = serde_json::from_slice(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
        (run.code, json)
    }

    async fn balance(&self) -> String {
        let account = self.0.good(&["account", "show"]).await;
        account["balances"][0]["amount_minor"].as_str().unwrap().to_owned()
    }
}

const MAX: [&str; 2] = ["--max", "20.00 CNY"];

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_paid_once_and_by_whom_it_says() {
    let table = Table::laid("code", &[]).await;
    let png = table.code("code.png", &[]).await;
    // For another merchant than the person said: nothing is paid, and the person is told.
    let (exit, json) = table.scan(&png, &[&MAX[..], &["--merchant", "rice.example"]].concat()).await;
    assert_eq!((exit, &json["fault"]["code"]), (1, &"code-merchant".into()), "{json}");
    assert!(json["show"].as_str().unwrap().starts_with("This code belongs to another merchant"), "{json}");
    // To look costs nothing.
    let looked = table.0.good(&["scan", &png, "--look"]).await;
    assert_eq!((&looked["merchant"], &looked["amount_minor"]), (&"shop.example".into(), &"1280".into()));
    // Without a limit and without a terminal a yes is typed.
    assert_eq!(table.scan(&png, &[]).await.0, 2);
    assert_eq!(table.balance().await, "100000");

    let (exit, json) = table.scan(&png, &[&MAX[..], &["--merchant", "shop.example"]].concat()).await;
    assert_eq!((exit, &json["payment"]["state"]), (0, &"settled".into()), "{json}");
    assert_eq!(json["warnings"], serde_json::json!([]), "{json}");
    assert_eq!(table.balance().await, "98720");
    // The code is used up.
    let (exit, json) = table.scan(&png, &MAX).await;
    assert_eq!((exit, &json["fault"]["code"]), (1, &"code-stale".into()), "{json}");
    let (_, json) = table.scan(&png, &[&MAX[..], &["--lang", "zh"]].concat()).await;
    assert!(json["show"].as_str().unwrap().starts_with("此码已用过"), "{json}");
    assert_eq!(table.balance().await, "98720");

    // Another one, with a yes in the place of a limit.
    let again = table.code("again.png", &[]).await;
    assert_eq!(table.scan(&again, &["--yes"]).await.0, 0);
    assert_eq!(table.balance().await, "97440");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_good_code_is_refused_by_its_code() {
    let table = Table::laid("codes", &[]).await;
    let host = table.0.url.strip_prefix("https://").unwrap().to_uppercase();
    let unknown = format!("HTTPS://{host}/Q/0123456789");
    let other = format!("HTTPS://{host}/Q/1123456789");
    for (name, texts, code) in [
        ("none.png", &[][..], "code-none"),
        ("wifi.png", &["WIFI:S:TEA;;"][..], "code-form"),
        ("two.png", &[unknown.as_str(), other.as_str()][..], "code-several"),
        ("stale.png", &[unknown.as_str()][..], "code-stale"),
    ] {
        let (exit, json) = table.scan(&table.picture(name, texts), &MAX).await;
        assert_eq!((exit, &json["fault"]["code"]), (1, &code.into()), "{name}: {json}");
    }
    let text = table.file("words.png");
    std::fs::write(&text, "no picture").unwrap();
    assert_eq!(table.scan(&text, &MAX).await.1["fault"]["code"], "code-none");
    assert_eq!(table.balance().await, "100000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_whose_offer_is_another_is_refused() {
    let scene = crate::scene::Scene::ready().await;
    // That merchant makes an offer for whatever is asked.
    let host = scene.merchant.url.strip_prefix("https://").unwrap().to_uppercase();
    let png = Code::of(&format!("HTTPS://{host}/Q/0123456789")).unwrap().to_picture(6).to_png().unwrap();
    let file = scene.file("swapped.png");
    std::fs::write(&file, png).unwrap();
    let (exit, json) = scene.json(&["scan", &file, "--max", "20.00 CNY"]).await;
    assert_eq!((exit, &json["fault"]["code"]), (1, &"code-swapped".into()), "{json}");
    assert_eq!(scene.balance().await, 100_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_asked_where_the_mandate_says_so() {
    let table = Table::laid("asked", &["--ask-above", "5.00"]).await;
    let png = table.code("code.png", &[]).await;
    let (exit, json) = table.scan(&png, &MAX).await;
    assert_eq!((exit, &json["payment"]["state"]), (3, &"confirmation-required".into()), "{json}");
    let code = json["payment"]["approval"]["user_code"].as_str().unwrap();
    table.0.good(&["confirm", "approve", code, "--yes"]).await;
    // The same code again takes the same payment up.
    let (exit, json) = table.scan(&png, &MAX).await;
    assert_eq!((exit, &json["payment"]["state"]), (0, &"settled".into()), "{json}");
    assert_eq!(table.balance().await, "98720");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_is_a_code_is_paid_without_the_merchants_network() {
    let table = Table::laid("whole", &[]).await;
    let png = table.code("whole.png", &["--offline"]).await;
    let (exit, json) = table.scan(&png, &MAX).await;
    assert_eq!((exit, &json["error"]["code"]), (1, &"cert-missing".into()), "{json}");
    let chain = table.file("merchant.pem");
    let with = [&MAX[..], &["--chain", &chain]].concat();
    let (exit, json) = table.scan(&png, &[&with[..], &["--merchant", "rice.example"]].concat()).await;
    assert_eq!((exit, &json["fault"]["code"]), (1, &"code-merchant".into()), "{json}");
    let (exit, json) = table.scan(&png, &with).await;
    assert_eq!((exit, &json["payment"]["state"]), (0, &"settled".into()), "{json}");
    // The same offer is the same payment.
    let (exit, again) = table.scan(&png, &with).await;
    assert_eq!((exit, &again["payment"]["intent"]), (0, &json["payment"]["intent"]), "{again}");
    assert_eq!(table.balance().await, "98720");
}
