//! Headers that stand twice, or not at all, or that ask for a coding.

use purser_protocol::code::Code;

use crate::scene::{Scene, patient};

#[tokio::test]
async fn a_header_that_stands_twice_is_refused() {
    let scene = Scene::start(patient()).await;
    let mut client = scene.connect().await;
    for (field, value) in [
        ("accept", "application/json"),
        ("authorization", "Payment e30"),
        ("content-type", "application/cose"),
        ("host", "localhost"),
        ("idempotency-key", "1"),
        ("purser-proof", "AAAA"),
    ] {
        let line = format!("{field}: {value}\r\n");
        // The client's own head has a `Host` already.
        let (once, twice) = if field == "host" { ("", line.clone()) } else { (&line[..], line.repeat(2)) };
        let answer = client.exchange("POST /echo", &twice, b"hello").await;
        answer.refuses(Code::HeaderDuplicated, "http");
        assert_eq!(answer.problem()["field"], field);
        assert!(client.is_closed().await, "the body was not read, so the connection is of no more use");

        client = scene.connect().await;
        client.exchange("POST /echo", once, b"hello").await.accepts("hello");
    }
    let differing = "Idempotency-Key: 1\r\nidempotency-key: 2\r\n";
    client.exchange("POST /echo", differing, b"hello").await.refuses(Code::HeaderDuplicated, "http");
}

#[tokio::test]
async fn a_request_names_its_host_once() {
    let scene = Scene::start(patient()).await;
    let mut client = scene.connect().await;
    for (line, headers) in [("/where", ""), ("/where", "Host: \r\n"), ("/where", "Host: a@localhost\r\n")] {
        client.send(format!("GET {line} HTTP/1.1\r\n{headers}\r\n")).await;
        let answer = client.answer().await;
        answer.refuses(Code::HostMissing, "http");
        assert_eq!(answer.problem()["field"], "host");
    }
    client.send("GET /where HTTP/1.0\r\n\r\n").await;
    client.answer().await.refuses(Code::HostMissing, "http");

    let mut client = scene.connect().await;
    client.send("GET https://localhost/where HTTP/1.1\r\nHost: other.example\r\n\r\n").await;
    client.answer().await.refuses(Code::HeaderDuplicated, "http");

    client.send("GET https://localhost/where HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    client.answer().await.accepts("localhost 127.0.0.1");
    client.send("GET /where HTTP/1.1\r\nHost: localhost:8443\r\n\r\n").await;
    client.answer().await.accepts("localhost:8443 127.0.0.1");
}

#[tokio::test]
async fn no_coding_is_taken() {
    let scene = Scene::start(patient()).await;
    for coding in ["gzip", "br", "zstd", "identity, gzip"] {
        let mut client = scene.connect().await;
        let lines = format!("Content-Encoding: {coding}\r\n");
        let answer = client.exchange("POST /echo", &lines, b"hello").await;
        answer.refuses(Code::ContentEncoding, "http");
        assert_eq!(answer.headers["accept-encoding"], "identity");
    }
    let mut client = scene.connect().await;
    client.exchange("POST /echo", "Content-Encoding: identity\r\n", b"hello").await.accepts("hello");
}
