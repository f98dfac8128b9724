//! HTTP/2: the same checks, and floods of frames written by hand.

use axum::http::{Request, Response};
use bytes::Bytes;
use h2::client::{self, SendRequest};
use purser_protocol::code::Code;
use purser_server::config::Limits;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::scene::{SHORT_MS, Scene, patient, within};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const CANCEL: [u8; 4] = [0, 0, 0, 8];
/// `GET /`, or `POST /` with the first byte 0x83, to `https://localhost`, in HPACK's static table.
const GET: &[u8] = b"\x82\x84\x87\x41\x09localhost";
const POST: &[u8] = b"\x83\x84\x87\x41\x09localhost";

#[tokio::test]
async fn a_request_is_served() {
    let scene = Scene::start(patient()).await;
    let mut sender = connect(&scene).await;
    let request = Request::post("https://localhost/echo").body(()).unwrap();
    let (response, body) = exchange(&mut sender, request, b"hello").await;
    assert_eq!((response.status().as_u16(), &body[..]), (200, &b"hello"[..]));

    let (response, body) = exchange(&mut sender, Request::get("https://localhost/where").body(()).unwrap(), b"").await;
    assert_eq!((response.status().as_u16(), &body[..]), (200, &b"localhost 127.0.0.1"[..]));
}

#[tokio::test]
async fn the_headers_are_checked_as_in_http_1() {
    let scene = Scene::start(patient()).await;
    let mut sender = connect(&scene).await;
    let post = || Request::post("https://localhost/echo");
    for (request, code) in [
        (post().header("idempotency-key", "1").header("idempotency-key", "1"), Code::HeaderDuplicated),
        (post().header("content-type", "a/b").header("content-type", "a/c"), Code::HeaderDuplicated),
        (post().header("host", "other.example"), Code::HeaderDuplicated),
        (post().header("content-encoding", "gzip"), Code::ContentEncoding),
        (Request::get("https://localhost/nowhere"), Code::NotFound),
    ] {
        let (response, body) = exchange(&mut sender, request.body(()).unwrap(), b"").await;
        assert_eq!(response.status(), code.status());
        assert_eq!(response.headers()["cache-control"], "no-store");
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["type"], format!("urn:purser:problem:{code}"));
    }
}

#[tokio::test]
async fn a_body_has_its_time_and_its_length() {
    let scene = Scene::start(Limits { body_ms: SHORT_MS, ..patient() }).await;
    let mut sender = connect(&scene).await;
    let post = || Request::post("https://localhost/echo").body(()).unwrap();

    let (response, mut stream) = sender.send_request(post(), false).unwrap();
    stream.send_data(Bytes::from_static(b"x"), false).unwrap();
    assert_eq!(within(response).await.unwrap().status(), Code::BodyTimeout.status());

    let long = Request::post("https://localhost/echo").header("content-length", "70000").body(()).unwrap();
    let (response, _unfinished) = sender.send_request(long, false).unwrap();
    assert_eq!(within(response).await.unwrap().status(), Code::MessageTooLarge.status());

    let (response, body) = exchange(&mut sender, post(), &vec![b'x'; 64 * 1024 + 1]).await;
    assert_eq!(response.status(), Code::MessageTooLarge.status());
    let problem: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem["stage"], "size");
}

#[tokio::test]
async fn a_connection_without_requests_is_closed() {
    let scene = Scene::start(Limits { head_ms: SHORT_MS, ..patient() }).await;
    for hello in [&b""[..], &PREFACE[..7], &[PREFACE, &frame(SETTINGS, 0, 0, b"")].concat()] {
        let mut tls = raw(&scene).await;
        tls.write_all(hello).await.unwrap();
        until_closed(&mut tls).await;
    }
    // Half a head is no request.
    let mut tls = raw(&scene).await;
    let half = [PREFACE, &frame(SETTINGS, 0, 0, b""), &frame(HEADERS, END_STREAM, 1, &GET[..2])].concat();
    tls.write_all(&half).await.unwrap();
    until_closed(&mut tls).await;
}

#[tokio::test]
async fn floods_of_small_frames_end_the_connection() {
    let scene = Scene::start(patient()).await;
    let reset =
        |id: u32| [frame(HEADERS, END_STREAM | END_HEADERS, id, GET), frame(RST_STREAM, 0, id, &CANCEL)].concat();
    flood(&scene, b"", |count| reset(count * 2 + 1)).await;

    let open = frame(HEADERS, END_STREAM, 1, &GET[..2]);
    flood(&scene, &open, |_| frame(CONTINUATION, 0, 1, b"")).await;

    let open = frame(HEADERS, END_HEADERS, 1, POST);
    flood(&scene, &open, |_| frame(DATA, 0, 1, b"")).await;

    // Others are served.
    let mut sender = connect(&scene).await;
    let request = Request::post("https://localhost/echo").body(()).unwrap();
    assert_eq!(exchange(&mut sender, request, b"hello").await.0.status(), 200);
}

#[tokio::test]
async fn frames_that_are_no_flood_are_served() {
    let scene = Scene::start(patient()).await;
    let mut tls = raw(&scene).await;
    let (first, second) = POST.split_at(3);
    let frames = [
        PREFACE,
        &frame(SETTINGS, 0, 0, b""),
        &frame(HEADERS, END_STREAM | END_HEADERS, 1, GET),
        &frame(RST_STREAM, 0, 1, &CANCEL),
        &frame(HEADERS, 0, 3, first),
        &frame(CONTINUATION, END_HEADERS, 3, second),
        &frame(DATA, 0, 3, b""),
        &frame(DATA, END_STREAM, 3, b"x"),
    ]
    .concat();
    tls.write_all(&frames).await.unwrap();
    loop {
        let (kind, id, _) = next_frame(&mut tls).await.expect("the connection was closed");
        assert_ne!(kind, GOAWAY);
        if (kind, id) == (HEADERS, 3) {
            break;
        }
    }
}

/// Sends frames without end; the server must end the connection, and say that it was too much.
async fn flood(scene: &Scene, open: &[u8], next: impl Fn(u32) -> Vec<u8>) {
    let mut tls = raw(scene).await;
    tls.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, b""), open].concat()).await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(tls);
    let endless = async {
        for batch in 0.. {
            let frames: Vec<u8> = (batch * 100..(batch + 1) * 100).flat_map(&next).collect();
            if writer.write_all(&frames).await.is_err() || writer.flush().await.is_err() {
                break;
            }
        }
        std::future::pending().await
    };
    let goaway = async {
        while let Some((kind, _, payload)) = next_frame(&mut reader).await {
            if kind == GOAWAY {
                // ENHANCE_YOUR_CALM or PROTOCOL_ERROR, but not a shutdown.
                assert_ne!(payload[4..8], [0, 0, 0, 0]);
            }
        }
    };
    within(async {
        tokio::select! {
            () = goaway => {}
            () = endless => {}
        }
    })
    .await;
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Type, stream and payload of the next frame; `None` at the end of the connection.
async fn next_frame(reader: &mut (impl AsyncReadExt + Unpin)) -> Option<(u8, u32, Vec<u8>)> {
    let mut head = [0; 9];
    within(reader.read_exact(&mut head)).await.ok()?;
    let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
    within(reader.read_exact(&mut payload)).await.ok()?;
    Some((head[3], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
}

async fn until_closed(tls: &mut TlsStream<TcpStream>) {
    while next_frame(tls).await.is_some() {}
}

async fn raw(scene: &Scene) -> TlsStream<TcpStream> {
    let tcp = TcpStream::connect(scene.addr()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    within(scene.connector(b"h2").connect(name, tcp)).await.unwrap()
}

async fn connect(scene: &Scene) -> SendRequest<Bytes> {
    let (sender, connection) = client::handshake(raw(scene).await).await.unwrap();
    tokio::spawn(connection);
    sender.ready().await.unwrap()
}

async fn exchange(sender: &mut SendRequest<Bytes>, request: Request<()>, body: &[u8]) -> (Response<()>, Vec<u8>) {
    let (response, mut stream) = sender.send_request(request, body.is_empty()).unwrap();
    if !body.is_empty() {
        stream.send_data(Bytes::copy_from_slice(body), true).unwrap();
    }
    let (response, mut answer) = within(response).await.unwrap().into_parts();
    let mut bytes = Vec::new();
    while let Some(data) = within(answer.data()).await {
        let data = data.unwrap();
        answer.flow_control().release_capacity(data.len()).unwrap();
        bytes.extend_from_slice(&data);
    }
    (Response::from_parts(response, ()), bytes)
}
