//! A chain of AP2 pays, within the mandate that the person gave the bridge and within its own limits.

use std::path::Path;

use purser_client::keys;
use purser_protocol::bind::base64url::encode;
use purser_protocol::sign::{PublicKey, Signer as _};
use serde_json::{Value, json};

use crate::scene::Scene;

struct Door {
    scene: Scene,
    /// The mandate that the bridge holds.
    under: String,
}

fn jwk(key: &PublicKey) -> Value {
    json!({"kty": "EC", "crv": "P-256", "x": encode(&key.0[..32]), "y": encode(&key.0[32..])})
}

impl Door {
    /// A bridge with up to 100.00 CNY.
    async fn new() -> Self {
        let scene = Scene::with_account().await;
        let terms = ["--mode", "quota", "--currency", "CNY", "--total", "100.00", "--rule", "depth=1"];
        let made = scene.good(&[&["mandate", "new"][..], &terms].concat()).await;
        keys::generate(Path::new(&scene.file("ap2.pem"))).unwrap();
        Self { under: made["mandate"].as_str().unwrap().to_owned(), scene }
    }

    fn person(&self) -> String {
        self.scene.home().join("keys/person.pem").to_str().unwrap().to_owned()
    }

    /// An open mandate of AP2's, signed by whoever has this key.
    fn open(&self, name: &str, constraints: Value, signer: &str) -> String {
        let agent = keys::load(Path::new(&self.scene.file("ap2.pem"))).unwrap().public_key();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let mandate = json!({
            "vct": "mandate.payment.open.1", "constraints": constraints, "cnf": {"jwk": jwk(&agent)},
            "iat": now - 5, "exp": now + 3600,
        });
        let signer = keys::load(Path::new(signer)).unwrap();
        let text = purser_ap2::open(&mandate, &signer, [7; 16]).unwrap();
        let file = self.scene.file(name);
        std::fs::write(&file, text).unwrap();
        file
    }

    /// Asks for the price of a cup, lets the agent of AP2 close the mandate, and pays.
    async fn buy(&self, open: &str, cup: &str, change: impl FnOnce(&mut Value)) -> (i32, Value) {
        let (quote, chain) = self.closed(open, cup, change).await;
        self.pay(cup, &quote, &chain).await
    }

    async fn closed(&self, open: &str, cup: &str, change: impl FnOnce(&mut Value)) -> (String, String) {
        let url = self.scene.shop(&format!("/tea?cup={cup}"));
        let quote = self.scene.file(&format!("{cup}.quote"));
        self.scene.good(&["fetch", &url, "--max", "20.00 CNY", "--quote", &quote]).await;
        let ask = ["ap2", "ask", &url, "--max", "20.00 CNY", "--quoted", &quote, "--under", &self.under];
        let mut asked = self.scene.good(&ask).await["asked"].clone();
        change(&mut asked);
        let file = self.scene.file(&format!("{cup}.asked"));
        std::fs::write(&file, asked.to_string()).unwrap();
        let key = self.scene.file("ap2.pem");
        let closed = self.scene.good(&["ap2", "close", open, "--asked", &file, "--key", &key]).await;
        let chain = self.scene.file(&format!("{cup}.chain"));
        std::fs::write(&chain, closed["chain"].as_str().unwrap()).unwrap();
        (quote, chain)
    }

    async fn pay(&self, cup: &str, quote: &str, chain: &str) -> (i32, Value) {
        let (url, key) = (self.scene.shop(&format!("/tea?cup={cup}")), self.person());
        let pay = ["ap2", "pay", &url, "--max", "20.00 CNY", "--quoted", quote, "--under", &self.under];
        self.scene.json(&[&pay[..], &["--chain", chain, "--key", &key]].concat()).await
    }
}

fn budget(max: &str) -> Value {
    let max: Value = serde_json::from_str(max).unwrap();
    json!([
        {"type": "payment.budget", "currency": "CNY", "max": max},
        {"type": "payment.agent_recurrence", "frequency": "ON_DEMAND"},
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_of_ap2_is_kept_by_the_ledger() {
    let door = Door::new().await;
    let open = door.open("open", budget("30.00"), &door.person());
    for cup in ["1", "2"] {
        let (code, json) = door.buy(&open, cup, |_| {}).await;
        assert_eq!(code, 0, "{json}");
        assert_eq!(json["payment"]["state"], "settled");
    }
    // The chain is right, and 4.40 are left of 30.00: the ledger says no, whatever the agent counts.
    let (code, json) = door.buy(&open, "3", |_| {}).await;
    assert_ne!(code, 0, "{json}");
    assert!(json["payment"]["reason"].as_str().unwrap().contains("rule-total"), "{json}");
    assert_eq!(door.scene.balance().await, 100_000 - 2 * 1_280);
    // The person's own view has the mandate, below the one that the bridge holds, and can end it.
    let all = door.scene.good(&["mandate", "ls"]).await;
    let made: Vec<_> =
        all["mandates"].as_array().unwrap().iter().filter(|one| one["parent"] == door.under.as_str()).collect();
    assert_eq!(made.len(), 1, "{all}");
    assert_eq!(made[0]["spent_minor"], "2560", "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_widens_nothing_that_the_bridge_may() {
    let door = Door::new().await;
    let open = door.open("open", budget("1000000.00"), &door.person());
    for cup in 0..7 {
        assert_eq!(door.buy(&open, &format!("c{cup}"), |_| {}).await.0, 0);
    }
    // 89.60 of 100.00 are spent.
    let (code, json) = door.buy(&open, "more", |_| {}).await;
    assert_ne!(code, 0, "{json}");
    assert!(json["payment"]["reason"].as_str().unwrap().contains("rule-total"), "{json}");
    assert_eq!(door.scene.balance().await, 100_000 - 7 * 1_280);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_pays_once_and_for_what_it_says() {
    let door = Door::new().await;
    let open = door.open("open", budget("50.00"), &door.person());
    let (quote, chain) = door.closed(&open, "1", |_| {}).await;
    assert_eq!(door.pay("1", &quote, &chain).await.0, 0);
    // The same chain again, and for another offer.
    let (code, json) = door.pay("1", &quote, &chain).await;
    assert_ne!(code, 0, "{json}");
    let (other, _) = door.closed(&open, "2", |_| {}).await;
    let (code, json) = door.pay("2", &other, &chain).await;
    assert_eq!((code, &json["fault"]["code"]), (1, &"bridge-nonce".into()), "{json}");
    for (cup, name, value, refused) in [
        ("3", "payment_amount", json!({"amount": 1, "currency": "CNY"}), "bridge-checkout"),
        ("4", "payee", json!({"id": "rice.example", "name": "r"}), "bridge-checkout"),
        ("5", "payment_instrument", json!({"id": "card-1", "type": "card"}), "bridge-unmapped"),
        ("6", "execution_date", json!("2100-01-01T00:00:00Z"), "bridge-unmapped"),
    ] {
        let (code, json) = door.buy(&open, cup, |asked| asked["mandate"][name] = value).await;
        assert_eq!((code, &json["fault"]["code"]), (1, &refused.into()), "{json}");
    }
    // The agent's own key opens nothing.
    let own = door.open("own", budget("50.00"), &door.scene.file("ap2.pem"));
    let (code, json) = door.buy(&own, "7", |_| {}).await;
    assert_eq!((code, &json["fault"]["code"]), (1, &"bridge-signature".into()), "{json}");
    let key = door.scene.file("ap2.pem");
    let (quote, chain) = door.closed(&own, "8", |_| {}).await;
    let url = door.scene.shop("/tea?cup=8");
    let pay = ["ap2", "pay", &url, "--max", "20.00 CNY", "--quoted", &quote, "--under", &door.under];
    let (code, json) = door.scene.json(&[&pay[..], &["--chain", &chain, "--key", &key]].concat()).await;
    assert_eq!((code, &json["fault"]["code"]), (1, &"bridge-signature".into()), "{json}");
    assert_eq!(door.scene.balance().await, 100_000 - 1_280);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mandate_is_written_out_where_it_can_be() {
    let door = Door::new().await;
    let key = door.scene.file("ap2.pem");
    let terms = ["--mode", "quota", "--currency", "CNY", "--total", "19.99", "--per-payment", "15.00", "--count", "3"];
    let made = door.scene.good(&[&["mandate", "new"][..], &terms].concat()).await;
    let written = door.scene.good(&["ap2", "open", made["mandate"].as_str().unwrap(), "--agent", &key]).await;
    let open = door.scene.file("written");
    std::fs::write(&open, written["chain"].as_str().unwrap()).unwrap();
    let verified = door.scene.good(&["ap2", "verify", &open, "--key", &door.person()]).await;
    assert_eq!(verified["fault"], Value::Null);
    assert_eq!(door.buy(&open, "1", |_| {}).await.0, 0);
    // One with a rule that AP2 does not have.
    let (code, json) = door.scene.json(&["ap2", "open", &door.under, "--agent", &key]).await;
    assert_eq!(
        (code, &json["fault"]["code"], &json["fault"]["field"]),
        (1, &"bridge-unmapped".into(), &"depth".into())
    );
}
