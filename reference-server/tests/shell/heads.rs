//! Heads that do not end, that say their length twice, or that are too long.

use purser_protocol::code::Code;
use purser_server::config::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Answer, Client, request};
use crate::scene::{SHORT_MS, Scene, patient, within};

fn hasty() -> Limits {
    Limits { head_ms: SHORT_MS, ..patient() }
}

#[tokio::test]
async fn a_head_that_does_not_end_ends_the_connection() {
    let scene = Scene::start(hasty()).await;
    for part in ["", "P", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\nX: "] {
        let mut client = scene.connect().await;
        client.send(part).await;
        assert!(client.is_closed().await, "{part:?}");
    }
    // The second head has no more time than the first.
    let mut client = scene.connect().await;
    client.exchange("POST /echo", "", b"hello").await.accepts("hello");
    client.send("GET / HT").await;
    assert!(client.is_closed().await);
    // Nor does sending on help: the head has its time, not each of its bytes.
    let mut client = scene.connect().await;
    client.send("GET / HTTP/1.1\r\nX: ").await;
    let Client { reader, writer } = &mut client;
    tokio::select! {
        answer = reader.answer() => assert!(answer.is_err()),
        () = drip(writer, b"x") => panic!("the server takes bytes of a head for ever"),
    }
}

#[tokio::test]
async fn a_head_that_comes_slowly_is_served() {
    let scene = Scene::start(patient()).await;
    let mut client = scene.connect().await;
    for byte in request("POST /echo", "", b"hello") {
        client.send([byte]).await;
    }
    client.answer().await.accepts("hello");
}

#[tokio::test]
async fn a_handshake_that_does_not_end_ends_the_connection() {
    let scene = Scene::start(hasty()).await;
    let mut tcp = TcpStream::connect(scene.addr()).await.unwrap();
    tcp.write_all(&[0x16, 3, 1]).await.unwrap();
    let read = within(tcp.read(&mut [0])).await;
    assert!(matches!(read, Ok(0) | Err(_)));
}

#[tokio::test]
async fn slow_heads_take_nothing_from_others() {
    let scene = Scene::start(patient()).await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut client = scene.connect().await;
        client.send("GET / HTTP/1.1\r\nHost: loc").await;
        slow.push(client);
    }
    scene.connect().await.exchange("POST /echo", "", b"hello").await.accepts("hello");
}

#[tokio::test]
async fn a_length_said_twice_is_refused() {
    let scene = Scene::start(patient()).await;
    let smuggled = "0\r\n\r\nGET /where HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let length = smuggled.len();
    let cases = [
        (
            format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
            Code::FramingAmbiguous,
            "content-length",
        ),
        (
            format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"),
            Code::FramingAmbiguous,
            "content-length",
        ),
        ("Content-Length: 5\r\nContent-Length: 5\r\n".into(), Code::HeaderDuplicated, "content-length"),
        (format!("Content-Length: 5\r\nContent-Length: {length}\r\n"), Code::HeaderDuplicated, "content-length"),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n".into(),
            Code::HeaderDuplicated,
            "transfer-encoding",
        ),
        ("Transfer-Encoding: gzip, chunked\r\n".into(), Code::FramingAmbiguous, "transfer-encoding"),
        ("Content-Length: +5\r\n".into(), Code::FramingAmbiguous, "content-length"),
    ];
    for (lines, code, field) in cases {
        // After an honest request on the same connection, so that the gate must find the second head.
        let mut client = scene.connect().await;
        let head = format!("POST /echo HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n{smuggled}");
        client.send([&request("POST /echo", "", b"first")[..], head.as_bytes()].concat()).await;
        client.answer().await.accepts("first");
        let answer: Answer = client.answer().await;
        answer.refuses(code, "http");
        assert_eq!(answer.problem()["field"], field, "{lines}");
        assert_eq!(answer.headers["connection"], "close");
        assert!(client.is_closed().await, "the smuggled request was answered: {lines}");
    }
}

#[tokio::test]
async fn a_length_said_once_is_accepted() {
    let scene = Scene::start(patient()).await;
    let mut client = scene.connect().await;
    client.exchange("POST /echo", "", b"hello").await.accepts("hello");
    client.exchange("POST /echo", "content-length: 0\r\n", b"").await.accepts("");
    let head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    let next = "GET /where HTTP/1.1\r\nHost: localhost\r\n\r\n";
    client.send(format!("{head}3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n{next}")).await;
    let answer = client.answer().await;
    answer.accepts("hello");
    // The gate cannot see where chunks end, so nothing behind them counts as a request.
    assert_eq!(answer.headers["connection"], "close");
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn requests_in_one_write_are_answered_in_order() {
    let scene = Scene::start(patient()).await;
    let mut client = scene.connect().await;
    let bodies = ["one", "two", "three"];
    let all: Vec<u8> = bodies.iter().flat_map(|body| request("POST /echo", "", body.as_bytes())).collect();
    client.send(all).await;
    for body in bodies {
        client.answer().await.accepts(body);
    }
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let scene = Scene::start(patient()).await;
    for lines in [format!("X: {}\r\n", "x".repeat(16 * 1024)), "X: x\r\n".repeat(64)] {
        let mut client = scene.connect().await;
        let answer = client.exchange("GET /where", &lines, b"").await;
        assert_eq!(answer.status, 431);
        assert!(client.is_closed().await);
    }
    for lines in [format!("X: {}\r\n", "x".repeat(15 * 1024)), "X: x\r\n".repeat(63)] {
        scene.connect().await.exchange("GET /where", &lines, b"").await.accepts("localhost 127.0.0.1");
    }
}

async fn drip(writer: &mut (impl AsyncWriteExt + Unpin), byte: &[u8]) {
    while writer.write_all(byte).await.is_ok() && writer.flush().await.is_ok() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    // The other side is gone: the reader will see it.
    std::future::pending().await
}
