//! More than the server will hold: requests, connections, or from one sender.

use purser_protocol::code::Code;
use purser_server::config::Limits;

use crate::client::Client;
use crate::scene::{Scene, patient};

#[tokio::test]
async fn a_full_server_says_so_and_keeps_the_reserved_lane() {
    let scene = Scene::start(Limits { requests: 2, requests_reserved: 1, ..patient() }).await;
    let mut deciding = Vec::new();
    for body in [b"one", b"two"] {
        let mut client = scene.connect().await;
        client.request("POST /v1/intents", "", body).await;
        scene.gate.entered(1).await;
        deciding.push((client, body));
    }
    let mut client = scene.connect().await;
    client.exchange("POST /v1/intents", "", b"three").await.refuses(Code::Overloaded, "http");
    client.exchange("POST /echo", "", b"hello").await.refuses(Code::Overloaded, "http");

    client.exchange("POST /v1/commands", "", b"revoke").await.accepts("revoke");
    client.exchange("GET /v1/intents/AAAA", "", b"").await.accepts("AAAA");
    client.exchange("GET /v1/intents/AAAA?wait=20", "", b"").await.accepts("AAAA");
    client.exchange("GET /healthz", "", b"").await.accepts("ok\n");

    scene.gate.open(2);
    for (mut client, body) in deciding {
        client.answer().await.accepts(body);
    }
    client.exchange("POST /echo", "", b"hello").await.accepts("hello");
}

#[tokio::test]
async fn bodies_under_way_are_bounded_too() {
    let scene = Scene::start(Limits { bodies: 1, bodies_reserved: 1, ..patient() }).await;
    let mut slow = scene.connect().await;
    // The answer to `Expect` shows that the server has begun to read the body.
    slow.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n").await;
    assert_eq!(slow.answer().await.status, 100);
    let mut client = scene.connect().await;
    client.exchange("POST /echo", "", b"hello").await.refuses(Code::Overloaded, "http");

    let mut client = scene.connect().await;
    client.exchange("POST /v1/commands", "", b"revoke").await.accepts("revoke");
    slow.send("hello").await;
    slow.answer().await.accepts("hello");
    client.exchange("POST /echo", "", b"hello").await.accepts("hello");
}

#[tokio::test]
async fn connections_beyond_the_common_ones_are_for_the_reserved_lane() {
    let limits = Limits { connections: 1, connections_reserved: 1, ..patient() };
    let scene = Scene::start(limits).await;
    let mut first = scene.connect().await;
    first.exchange("POST /echo", "", b"hello").await.accepts("hello");
    let mut second = scene.connect().await;
    second.exchange("GET /where", "", b"").await.refuses(Code::Overloaded, "http");
    second.exchange("POST /v1/commands", "", b"revoke").await.accepts("revoke");
    let third = Client::try_connect(scene.addr(), &scene.connector(b"http/1.1")).await;
    assert!(third.is_err(), "a third connection was served");

    drop(first);
    // The seat comes back when the server has seen the end of the connection.
    let mut next = scene.reconnect().await;
    next.exchange("POST /v1/commands", "", b"revoke").await.accepts("revoke");
}

#[tokio::test]
async fn one_address_has_its_share_of_connections() {
    let scene = Scene::start(Limits { connections_per_address: 2, ..patient() }).await;
    let mut both = [scene.connect().await, scene.connect().await];
    let connector = scene.connector(b"http/1.1");
    assert!(Client::try_connect(scene.addr(), &connector).await.is_err());
    for client in &mut both {
        client.exchange("POST /echo", "", b"hello").await.accepts("hello");
    }
    drop(both);
    scene.reconnect().await.exchange("POST /echo", "", b"hello").await.accepts("hello");
}

#[tokio::test]
async fn a_sender_over_its_rate_waits() {
    let scene = Scene::start(Limits { rate_requests: 2, rate_seconds: 3_600, ..patient() }).await;
    let mut client = scene.connect().await;
    for _ in 0..2 {
        client.exchange("POST /echo", "", b"hello").await.accepts("hello");
    }
    let answer = client.exchange("GET /where", "", b"").await;
    answer.refuses(Code::RateLimited, "http");
    let wait: u64 = answer.headers["retry-after"].parse().unwrap();
    assert!((1..=1_800).contains(&wait), "{wait}");
    // On another connection as well; but not on the reserved lane.
    let mut client = scene.connect().await;
    client.exchange("GET /where", "", b"").await.refuses(Code::RateLimited, "http");
    client.exchange("POST /v1/commands", "", b"revoke").await.accepts("revoke");
}
