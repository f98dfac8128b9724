//! What is answered to those who have not paid.

use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::{Method, Request};
use http_body_util::Full;
use purser_protocol::bind::http::PAPER;
use purser_protocol::cert::Role;
use purser_protocol::code::Code;
use purser_protocol::flow::merchant::Request as Bound;
use purser_protocol::id::Nonce;
use purser_protocol::paper::offer::{CaptureMode, Offer};
use sha2::{Digest as _, Sha256};

use crate::line::{Ask, HOST_NAME};
use crate::papers::{amount, now, yuan};
use crate::town::{BOOK_MINOR, Offered, TEA, TEA_MINOR, Town, verified};

/// The digest that an offer for this request has under this salt.
fn digest(ask: &Ask, salt: Nonce) -> purser_protocol::id::Digest {
    let (method, authority, target) = (ask.method.as_str(), ask.host, ask.target);
    Bound { method, authority, target, body: Sha256::digest(ask.body).into() }.digest(salt)
}

#[tokio::test]
async fn a_request_gets_an_offer_that_is_signed_and_bound_to_it() {
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    for (ask, minor, capture) in [
        (Ask::get("/tea"), TEA_MINOR, CaptureMode::AtOnce),
        (Ask::get("/tea?sugar=0&milk="), TEA_MINOR, CaptureMode::AtOnce),
        (Ask::get("/book"), BOOK_MINOR, CaptureMode::ByCommand),
        (Ask::post("/print", b"page"), 300, CaptureMode::AtOnce),
        (Ask { host: "other.example:8443", ..Ask::get("/tea") }, TEA_MINOR, CaptureMode::AtOnce),
    ] {
        let answer = shop.ask(&ask, None).await;
        assert_eq!(answer.header("cache-control"), "no-store", "F12");
        assert_eq!(answer.header("content-type"), PAPER);
        let Offered { challenge, id, terms, .. } = Offered::of(&answer);

        let offer = verified::<Offer>(&town.register, Role::Merchant, &answer.body);
        assert_eq!((offer.merchant.as_str(), offer.amount, offer.currency), ("tea.example", amount(minor), yuan()));
        assert_eq!(offer.capture, capture);
        assert!(offer.issued_at <= now() && offer.expires_at == offer.issued_at.saturating_add(300));
        assert_eq!(offer.pseudonym, None);

        assert_eq!((challenge.offer, &challenge.realm), (id, &offer.merchant));
        assert_eq!((challenge.amount, challenge.currency), (offer.amount, offer.currency));
        assert!(answer.header("www-authenticate").contains(&format!("expires=\"{}\"", terms.expires_at)));
        assert_eq!(offer.resource, Some(digest(&ask, challenge.salt.unwrap())), "{ask:?}");
    }
}

#[tokio::test]
async fn what_other_ways_to_pay_say_stands_beside_the_offer() {
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    let answer = shop.ask(&Ask::get("/page"), None).await;
    assert_eq!(answer.header("payment-required"), "eyJ4NDAyVmVyc2lvbiI6Mn0");
    let challenges: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
    assert_eq!(challenges.len(), 2);
    // Ours is the first, and what is signed is the same as ever.
    let offer = verified::<Offer>(&town.register, Role::Merchant, &answer.body);
    assert_eq!((offer.amount, Offered::of(&answer).terms.amount), (amount(300), amount(300)));
    // A second one of ours would be taken for a fault of the first.
    let ours = Offered::of(&answer).challenge.header_value();
    let charge = purser_merchant::Charge::new("3.00 CNY", "page", "A page").unwrap();
    assert!(charge.beside("www-authenticate", &ours).is_err());
    let alone = shop.ask(&Ask::get("/tea"), None).await;
    assert!(!alone.headers.contains_key("payment-required"));
}

#[test]
fn nothing_but_other_ways_to_pay_stands_beside_an_offer() {
    let charge = || purser_merchant::Charge::new("1.00 CNY", "tea", "Tea").unwrap();
    for (name, value) in [
        ("set-cookie", "a=b".to_owned()),
        ("payment-required", "a".repeat(2_049)),
        ("payment-needed", "a\r\nb: c".to_owned()),
    ] {
        assert!(charge().beside(name, &value).is_err(), "{name}");
    }
    assert!(charge().beside("payment-needed", &"a".repeat(2_048)).is_ok());
    assert!(charge().beside("www-authenticate", "Payment method=\"tempo\"").is_ok());
}

#[tokio::test]
async fn g3_a_digest_tells_nothing_to_whoever_tries_addresses() {
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    let ask = Ask::get("/tea");
    let (one, two) = (shop.offered(&ask).await, shop.offered(&ask).await);
    assert_ne!(one.id, two.id);
    assert_ne!(one.terms.nonce, two.terms.nonce);
    assert_ne!(one.challenge.salt, two.challenge.salt);
    assert_ne!(one.terms.resource, two.terms.resource, "the same request, and another digest");
    // An issuer has the offer and not the salt: none of what it has opens the digest of the very address.
    for salt in [Nonce([0; 16]), one.terms.nonce, two.challenge.salt.unwrap()] {
        assert_ne!(one.terms.resource, Some(digest(&ask, salt)));
    }
    assert_eq!(one.terms.resource, Some(digest(&ask, one.challenge.salt.unwrap())), "whoever has the salt can");
    let salt = one.challenge.salt.unwrap().0;
    assert!(!one.paper.windows(16).any(|window| window == salt), "the salt is beside the offer, not in it");
}

#[tokio::test]
async fn whoever_shows_something_else_gets_an_offer_too() {
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    let card = base64url_json(r#"{"challenge":{"method":"card"},"payload":{}}"#);
    let long = format!("Bearer {}", "a".repeat(3_000));
    for credential in ["Bearer abc", "Basic QTpC", &card, &long] {
        Offered::of(&shop.ask(&Ask::get("/tea"), Some(credential)).await);
    }
}

fn base64url_json(json: &str) -> String {
    format!("Payment {}", purser_protocol::bind::base64url::encode(json.as_bytes()))
}

#[tokio::test]
async fn a_product_has_its_method_and_no_other() {
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    for (method, target, allowed) in [
        (Method::OPTIONS, "/tea", "GET"),
        (Method::POST, "/tea", "GET"),
        (Method::DELETE, "/tea", "GET"),
        (Method::GET, "/print", "POST"),
    ] {
        let answer = shop.ask(&Ask { method, ..Ask::get(target) }, None).await;
        answer.refuses(Code::MethodNotAllowed);
        assert_eq!(answer.header("allow"), allowed);
    }
    // The answer to HEAD has no content: neither the offer nor what is paid for would arrive.
    let head = shop.ask(&Ask { method: Method::HEAD, ..Ask::get("/tea") }, None).await;
    assert_eq!((head.status, head.header("allow")), (405, "GET"));
    shop.ask(&Ask::get("/coffee"), None).await.refuses(Code::NotFound);
    assert_eq!(shop.number("SELECT count(*) FROM offers"), 0);
    shop.offered(&Ask::get("/tea")).await;
    shop.offered(&Ask::post("/print", b"")).await;
    assert_eq!(shop.number("SELECT count(*) FROM offers"), 2);
}

#[tokio::test]
async fn f5_headers_that_decide_stand_once() {
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    let payer = town.payer(10_000).await;
    let bought = town.pay(&payer, &shop.offered(&Ask::get("/tea")).await).await;
    let request = |host: &[&str], credentials: &[&str]| {
        let mut request = Request::get("/tea");
        for host in host {
            request = request.header(HOST, *host);
        }
        for credential in credentials {
            request = request.header(AUTHORIZATION, *credential);
        }
        request.body(Full::default()).unwrap()
    };
    let ours = bought.credential();
    for (host, credentials, code) in [
        (&[HOST_NAME][..], &[&ours[..], &ours[..]][..], Code::HeaderDuplicated),
        (&[HOST_NAME], &["Bearer abc", &ours], Code::HeaderDuplicated),
        (&[HOST_NAME, HOST_NAME], &[&ours], Code::HeaderDuplicated),
        (&[], &[&ours], Code::HostMissing),
    ] {
        shop.send(request(host, credentials)).await.refuses(code);
    }
    let served = shop.send(request(&[HOST_NAME], &[&ours])).await;
    assert_eq!((served.status, &served.body[..]), (200, TEA.as_bytes()));
}

#[tokio::test]
async fn anybody_may_know_who_the_shop_is() {
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    let document = shop.ask(&Ask::get("/.well-known/purser"), None).await.json()["purser"].clone();
    assert_eq!(document["id"], "tea.example");
    assert_eq!(document["versions"], serde_json::json!(["1"]));
    assert_eq!(document["roles"], serde_json::json!(["merchant"]));
    assert_eq!(document["features"], serde_json::json!(["core", "holds"]));
    assert_eq!(document["currencies"], serde_json::json!(["CNY"]));
    assert_eq!((&document["network"], &document["sandbox"]), (&"sandbox".into(), &false.into()));
    let certificate = purser_protocol::bind::base64url::encode(&shop.keys.chain[0]);
    assert_eq!(document["certificates"], serde_json::json!([[certificate]]));
}
