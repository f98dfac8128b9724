//! Bodies that do not come, that do not end, or that are too long.

use std::time::Duration;

use purser_protocol::code::Code;
use purser_server::config::Limits;
use tokio::io::AsyncWriteExt;

use crate::client::{Answer, Client, request};
use crate::scene::{SHORT_MS, Scene, patient, within};

const MAX: usize = 64 * 1024;

/// Sends `head`, then `more` again and again, until there is an answer.
async fn flood(client: &mut Client, head: &str, more: &[u8], pause: Duration) -> Answer {
    client.send(head).await;
    let Client { reader, writer } = client;
    let endless = async {
        while writer.write_all(more).await.is_ok() && writer.flush().await.is_ok() {
            tokio::time::sleep(pause).await;
        }
        std::future::pending().await
    };
    within(async {
        tokio::select! {
            answer = reader.answer() => answer.unwrap(),
            () = endless => unreachable!(),
        }
    })
    .await
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let scene = Scene::start(Limits { body_ms: SHORT_MS, ..patient() }).await;
    let head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n";
    let mut client = scene.connect().await;
    client.send(format!("{head}x")).await;
    client.answer().await.refuses(Code::BodyTimeout, "http");
    assert!(client.is_closed().await);

    // A byte now and then does not help: the whole body has its time.
    let pause = Duration::from_millis(SHORT_MS / 8);
    let mut client = scene.connect().await;
    flood(&mut client, &head.replace("100", "60000"), b"x", pause).await.refuses(Code::BodyTimeout, "http");
}

#[tokio::test]
async fn a_body_that_comes_in_pieces_is_served() {
    let scene = Scene::start(patient()).await;
    let mut client = scene.connect().await;
    let whole = request("POST /echo", "", b"hello, purser");
    for piece in whole.chunks(20) {
        client.send(piece).await;
    }
    client.answer().await.accepts("hello, purser");
}

#[tokio::test]
async fn a_body_that_says_it_is_too_long_is_not_read() {
    let scene = Scene::start(patient()).await;
    for length in [MAX + 1, 300_000_000] {
        let mut client = scene.connect().await;
        let head = format!("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
        client.send(head).await;
        let answer = client.answer().await;
        answer.refuses(Code::MessageTooLarge, "size");
        assert_eq!(answer.problem()["offset"], MAX);
        assert_eq!(answer.headers["connection"], "close");
    }
    // Nor is one that would first be asked for: no `100 Continue` comes.
    let mut client = scene.connect().await;
    let lines = "Content-Length: 70000\r\nExpect: 100-continue\r\n";
    client.exchange("POST /echo", lines, b"").await.refuses(Code::MessageTooLarge, "size");
}

#[tokio::test]
async fn a_sender_that_goes_on_after_a_refusal_is_not_reset() {
    let scene = Scene::start(patient()).await;
    let mut client = scene.connect().await;
    let head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000000\r\n\r\n";
    let answer = flood(&mut client, head, &[b'x'; 1024], Duration::ZERO).await;
    answer.refuses(Code::MessageTooLarge, "size");
    // A reset could have reached it before the answer did.
    for _ in 0..64 {
        within(client.try_send([b'x'; 1024])).await.unwrap();
    }
}

#[tokio::test]
async fn chunks_without_end_are_cut_off() {
    let scene = Scene::start(patient()).await;
    let mut client = scene.connect().await;
    let head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = [&b"400\r\n"[..], &[b'x'; 1024], b"\r\n"].concat();
    flood(&mut client, head, &chunk, Duration::ZERO).await.refuses(Code::MessageTooLarge, "size");
}

#[tokio::test]
async fn the_longest_body_is_served() {
    let scene = Scene::start(patient()).await;
    let body = vec![b'x'; MAX];
    scene.connect().await.exchange("POST /echo", "", &body).await.accepts(&body);

    let mut client = scene.connect().await;
    let head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.send([head.as_bytes(), b"10000\r\n", &body, b"\r\n0\r\n\r\n"].concat()).await;
    client.answer().await.accepts(&body);

    let mut client = scene.connect().await;
    client.send(request("POST /echo", "Expect: 100-continue\r\n", &body)).await;
    let first = client.answer().await;
    let answer = if first.status == 100 { client.answer().await } else { first };
    answer.accepts(&body);
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_not_kept() {
    let scene = Scene::start(Limits { stall_ms: SHORT_MS, connections_per_address: 1, ..patient() }).await;
    let mut deaf = scene.connect().await;
    // More than the sockets between us hold, so the server is left with the rest of it.
    deaf.request("GET /large", "", b"").await;
    // Its seat comes free once the server has let go, although it is still here.
    scene.reconnect().await.exchange("POST /echo", "", b"hello").await.accepts("hello");
    assert!(within(deaf.reader.answer()).await.is_err(), "the whole answer was there after all");
}

#[tokio::test]
async fn an_answer_that_is_taken_is_whole() {
    let scene = Scene::start(patient()).await;
    let answer = scene.connect().await.exchange("GET /large", "", b"").await;
    answer.accepts(vec![b'x'; 8 * 1024 * 1024]);
}
