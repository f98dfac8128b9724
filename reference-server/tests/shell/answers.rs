//! The form of an answer: problems, their two forms, and what the shell answers by itself.

use ciborium::Value as Cbor;
use purser_protocol::code::Code;

use crate::scene::{Scene, patient};

#[tokio::test]
async fn a_handlers_problem_is_never_stored() {
    let scene = Scene::start(patient()).await;
    let answer = scene.connect().await.exchange("GET /paid", "", b"").await;
    answer.refuses(Code::PaymentRequired, "redeem");
    assert_eq!(answer.headers["www-authenticate"], "Payment realm=\"shop.example\"");
}

#[tokio::test]
async fn a_problem_is_cbor_for_whoever_prefers_it() {
    let scene = Scene::start(patient()).await;
    let mut client = scene.connect().await;
    let lines = "Accept: application/vnd.purser.answer+cbor, */*;q=0.1\r\n";
    let answer = client.exchange("GET /paid", lines, b"").await;
    assert_eq!(answer.status, 402);
    assert_eq!(answer.headers["content-type"], "application/concise-problem-details+cbor");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["www-authenticate"], "Payment realm=\"shop.example\"");
    let Ok(Cbor::Map(body)) = ciborium::from_reader(&answer.body[..]) else { panic!("not a map") };
    let ours = body.iter().find(|(key, _)| *key == Cbor::from("urn:purser:problem")).unwrap();
    let code = ours.1.as_map().unwrap().iter().find(|(key, _)| *key == Cbor::from("code")).unwrap();
    assert_eq!(code.1, Cbor::from(Code::PaymentRequired.number()));

    // The same of a head that never reached hyper.
    let framing = "Accept: application/cbor\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n";
    let answer = client.exchange("POST /echo", framing, b"").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.headers["content-type"], "application/concise-problem-details+cbor");

    let mut client = scene.connect().await;
    client.exchange("GET /paid", "Accept: */*\r\n", b"").await.refuses(Code::PaymentRequired, "redeem");
}

#[tokio::test]
async fn what_has_no_route_has_an_answer() {
    let scene = Scene::start(patient()).await;
    let mut client = scene.connect().await;
    client.exchange("GET /nowhere", "", b"").await.refuses(Code::NotFound, "http");
    let answer = client.exchange("DELETE /echo", "", b"").await;
    answer.refuses(Code::MethodNotAllowed, "http");
    assert_eq!(answer.headers["allow"], "POST");
    client.exchange("POST /echo", "", b"hello").await.accepts("hello");
}

#[tokio::test]
async fn a_handler_that_panics_answers_all_the_same() {
    let scene = Scene::start(patient()).await;
    let mut client = scene.connect().await;
    client.exchange("GET /panic", "", b"").await.refuses(Code::Internal, "http");
    client.exchange("POST /echo", "", b"hello").await.accepts("hello");
}

#[tokio::test]
async fn health_and_readiness() {
    let scene = Scene::start(patient()).await;
    let mut client = scene.connect().await;
    client.exchange("GET /healthz", "", b"").await.accepts("ok\n");
    client.exchange("GET /readyz", "", b"").await.accepts("ready\n");
    scene.life.set_ready(false);
    client.exchange("GET /healthz", "", b"").await.accepts("ok\n");
    client.exchange("GET /readyz", "", b"").await.refuses(Code::Overloaded, "http");
}

#[tokio::test]
async fn what_is_answered_and_refused_is_counted() {
    let scene = Scene::start(patient()).await;
    let mut client = scene.connect().await;
    client.exchange("GET /v1/intents/AAAA", "", b"").await.accepts("AAAA");
    client.exchange("GET /paid", "", b"").await.refuses(Code::PaymentRequired, "redeem");
    let answer = client.exchange("GET /metrics", "", b"").await;
    assert_eq!(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = String::from_utf8(answer.body).unwrap();
    for line in [
        "purser_http_requests_total{route=\"/v1/intents/{id}\",class=\"2xx\"} ",
        "purser_http_requests_total{route=\"/paid\",class=\"4xx\"} ",
        "purser_denied_total{slug=\"payment-required\"} ",
        "purser_http_connections ",
        "purser_http_in_flight ",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("AAAA"));
}
