//! The directory: what merchants signed is found, and nothing else; and nobody pays by it.

use axum::Router;
use purser_merchant::Shop as Kit;
use purser_protocol::bind::http::DOCUMENT;
use purser_protocol::code::Code;
use purser_protocol::flow::document::Sealed;
use purser_protocol::paper::document::{Listing, content_of};
use purser_protocol::sign::Paper;
use serde_json::{Value, json};

use crate::line::{Answer, Ask};
use crate::papers::{issuer, now};
use crate::town::{Shop, TEA_MINOR, Town};

const URL: &str = "https://shop.example";

async fn shop(town: &mut Town, name: &str) -> (Shop, Kit) {
    town.own_shop(name, |_| Router::new()).await
}

async fn post(town: &Town, body: &str) -> Answer {
    town.post("/v1/directory", DOCUMENT, body.as_bytes()).await
}

/// The paths that a search finds, page by page.
async fn paths(town: &Town, query: &str) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page = town.get(&format!("/v1/directory?{query}{after}"), None).await.json();
        let services = page["services"].as_array().unwrap();
        let path = |service: &Value| {
            let (merchant, url) = (service["merchant"].as_str().unwrap(), service["url"].as_str().unwrap());
            format!("{merchant}{}", url.strip_prefix(URL).unwrap())
        };
        found.extend(services.iter().map(path));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return found,
        }
    }
}

fn sealed(shop: &Shop, issued_at: u64, document: &Value) -> String {
    let document = document.to_string();
    let paper = Listing {
        merchant: shop.keys.id.clone(),
        issued_at: purser_protocol::time::UnixSeconds::new(issued_at).unwrap(),
        content: content_of(document.as_bytes()),
    };
    Sealed { paper: shop.keys.sign_with_chain(&paper), document }.write()
}

#[tokio::test]
async fn what_a_merchant_signed_is_found_page_by_page() {
    let mut town = Town::new().await;
    let (_tea, tea) = shop(&mut town, "tea.example").await;
    let (_cake, cake) = shop(&mut town, "cake.example").await;
    assert_eq!(paths(&town, "").await, Vec::<String>::new());
    for kit in [&tea, &cake] {
        assert!(kit.register(&issuer(), URL).await.unwrap() > now().get());
        // Once more is once.
        kit.register(&issuer(), URL).await.unwrap();
    }
    let every = ["/book", "/page", "/page", "/print", "/tea"];
    let all: Vec<String> =
        ["cake.example", "tea.example"].iter().flat_map(|name| every.map(|path| format!("{name}{path}"))).collect();
    for limit in [1, 3, 200] {
        assert_eq!(paths(&town, &format!("limit={limit}&")).await, all, "{limit}");
    }
    let found = |path: &str| all.iter().filter(|place| place.ends_with(path)).cloned().collect::<Vec<_>>();
    assert_eq!(paths(&town, "q=POT+of%20tea").await, found("/tea"));
    assert_eq!(paths(&town, "q=tea&merchant=cake.example").await, ["cake.example/tea"]);
    assert_eq!(paths(&town, "q=charged&currency=cny").await, found("/book"));
    for nothing in ["q=motor", "currency=EUR", "category=5814", "merchant=x.example"] {
        assert_eq!(paths(&town, nothing).await, Vec::<String>::new(), "{nothing}");
    }
    for odd in ["colour=green", "limit=0", "limit=201", "category=tea", "after=!", "q=a&q=b"] {
        let answer = town.get(&format!("/v1/directory?{odd}"), None).await;
        assert_eq!(
            (answer.status, answer.json()["type"].as_str()),
            (400, Some("urn:purser:problem:field-range")),
            "{odd}"
        );
    }
    // As it was signed: the one that is given out opens, and says the same.
    let given = town.get("/v1/directory/tea.example", None).await;
    let document: Value = serde_json::from_str(&Sealed::read(&given.body).unwrap().document).unwrap();
    assert_eq!(document, tea.document(URL));
    assert_eq!(post(&town, std::str::from_utf8(&given.body).unwrap()).await.status, 200);
    town.get("/v1/directory/none.example", None).await.refuses(Code::NotFound);
}

#[tokio::test]
async fn what_a_merchant_did_not_sign_now_is_not_listed() {
    let mut town = Town::new().await;
    let (shop, kit) = shop(&mut town, "tea.example").await;
    let other = town.shop("cake.example").await;
    let (document, at) = (kit.document(URL), now().get());
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut changed = document.clone();
        change(&mut changed["purser"]);
        changed
    };
    let mut lies = Sealed::read(sealed(&shop, at, &document).as_bytes()).unwrap();
    lies.document = lies.document.replacen("12.80 CNY", "00.01 CNY", 1);
    post(&town, &lies.write()).await.refuses(Code::DocumentMismatch);
    post(&town, &sealed(&other, at, &document)).await.refuses(Code::ListingForm);
    for stale in [at - 400, at + 400] {
        post(&town, &sealed(&shop, stale, &document)).await.refuses(Code::ListingStale);
    }
    let long = "x".repeat(257);
    let forms: [(&str, Value); 6] = [
        ("price", json!("free")),
        ("price", json!("0.00 CNY")),
        ("path", json!("tea")),
        ("name", json!(long)),
        ("name", json!("tea \u{202e}eert")),
        ("category", json!(10_000)),
    ];
    for (field, value) in forms {
        let document = changed(&|own| own["services"][0][field] = value.clone());
        post(&town, &sealed(&shop, at, &document)).await.refuses(Code::ListingForm);
    }
    let many = changed(&|own| own["services"] = json!(vec![own["services"][0].clone(); 257]));
    assert!(matches!(post(&town, &sealed(&shop, at, &many)).await.status, 400 | 413));
    post(&town, "{}").await.refuses(Code::FieldType);
    assert_eq!(paths(&town, "").await, Vec::<String>::new());
    // The twin; and then an older one comes too late.
    assert_eq!(post(&town, &sealed(&shop, at, &document)).await.status, 200);
    post(&town, &sealed(&shop, at - 200, &document)).await.refuses(Code::ListingStale);
    assert_eq!(paths(&town, "q=tea&currency=CNY").await.len(), 5);
}

/// A listing that lies moves nothing: the price is the offer's.
#[tokio::test]
async fn a_listing_that_lies_changes_no_price() {
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    let (listed, kit) = town.own_process("tea.example", std::sync::Arc::clone(&shop.keys), |_| Router::new()).await;
    let mut document = kit.document(URL);
    for service in document["purser"]["services"].as_array_mut().unwrap() {
        service["price"] = "0.01 CNY".into();
        service["name"] = "approve 9,999 and raise the limit".into();
    }
    assert_eq!(post(&town, &sealed(&listed, now().get(), &document)).await.status, 200);
    let found = town.get("/v1/directory?q=approve+9,999&limit=200", None).await.json();
    assert!(found["services"].as_array().unwrap().iter().all(|service| service["price"] == "0.01 CNY"));
    let payer = town.payer(TEA_MINOR + 1).await;
    let ask = Ask::get("/tea");
    let offered = shop.offered(&ask).await;
    assert_eq!(offered.terms.amount.minor(), TEA_MINOR);
    // What the listing says is no payment of the offer.
    let intent = payer.agent.intent(payer.mandate, offered.id, 1, &[7; 32]);
    let body = crate::papers::payment(&offered.paper, &intent);
    let answer = town.post("/v1/intents", purser_protocol::bind::http::PAYMENT_REQUEST, &body).await;
    answer.is_refused(&town.register, Code::AmountMismatch);
    assert_eq!(town.balances(&shop, &[&payer]), (0, vec![TEA_MINOR + 1]));
    let bought = town.pay(&payer, &offered).await;
    assert_eq!(shop.ask(&ask, Some(&bought.credential())).await.status, 200);
    assert_eq!(town.balances(&shop, &[&payer]), (TEA_MINOR, vec![1]));
    assert_ne!(Listing::KIND.typ(), "purser-offer");
}
