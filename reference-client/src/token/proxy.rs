//! A local endpoint of the shape of OpenAI's chat API: whoever is pointed at it pays by metered session and knows
//! nothing of it.
//!
//! It listens on this machine alone, in the clear, and serves whoever has its key: clients send it as the API key that
//! they are configured with.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Either, Full, Limited};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use purser_protocol::code::Code;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

use super::answer::Asking;
use super::seller::Seller;
use crate::connect;
use crate::error::{Class, Error, Result};

/// Longest question.
const BODY_BYTES_MAX: usize = 8 << 20;
/// How long a client may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pieces that wait for a client that reads slowly. Beyond them nothing is paid for.
const AHEAD: usize = 256;

type Whole = Response<Either<Full<Bytes>, Channel>>;

/// The endpoint.
pub struct Proxy {
    seller: Arc<Seller>,
    listener: TcpListener,
    address: SocketAddr,
    key: [u8; 32],
}

impl Proxy {
    /// Listens. Only this machine's own addresses are taken: what comes in the clear must not come from afar.
    pub async fn bind(seller: Arc<Seller>, listen: SocketAddr, key: &str) -> Result<Self> {
        if !listen.ip().is_loopback() {
            return Err(Error::usage("the proxy listens on this machine alone, such as 127.0.0.1").at(listen));
        }
        let wrong = |error: std::io::Error| Error::failed(error.to_string()).at(listen);
        let listener = TcpListener::bind(listen).await.map_err(wrong)?;
        let address = listener.local_addr().map_err(wrong)?;
        Ok(Self { seller, listener, address, key: Sha256::digest(key).into() })
    }

    /// What clients are pointed at.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Serves until the future is dropped.
    pub async fn serve(self) {
        let shared = Arc::new((self.seller, self.key));
        loop {
            match self.listener.accept().await {
                Ok((socket, _)) => {
                    tokio::spawn(connection(Arc::clone(&shared), socket));
                }
                // Too many files are open, or the like: it passes.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}

async fn connection(shared: Arc<(Arc<Seller>, [u8; 32])>, socket: TcpStream) {
    let _ = socket.set_nodelay(true);
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(&shared.0, &shared.1, request).await) }
    });
    // A client that is gone is told nothing.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(socket), service)
        .await;
}

async fn answer(seller: &Arc<Seller>, key: &[u8; 32], request: Request<Incoming>) -> Whole {
    let shown = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    // The hashes are compared, so that how long it takes says nothing of the key.
    if shown.map(|shown| <[u8; 32]>::from(Sha256::digest(shown))) != Some(*key) {
        return refused(
            StatusCode::UNAUTHORIZED,
            "invalid_api_key",
            "the API key is the one that purser proxy has said",
        );
    }
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/v1/models") => models(seller).await,
        (&Method::POST, "/v1/chat/completions") => {
            let body = tokio::time::timeout(PATIENCE, Limited::new(request.into_body(), BODY_BYTES_MAX).collect());
            match body.await {
                Ok(Ok(body)) => complete(seller, &body.to_bytes()).await,
                _ => refused(StatusCode::BAD_REQUEST, "invalid_request_error", "the body did not come whole"),
            }
        }
        _ => refused(StatusCode::NOT_FOUND, "not_found", "purser proxy serves /v1/chat/completions and /v1/models"),
    }
}

async fn models(seller: &Seller) -> Whole {
    let request = connect::Request::new(Method::GET, seller.url.with_target("/v1/models"));
    match seller.account.issuer.connector.send(&request).await {
        Ok(answer) if answer.status.is_success() => whole(StatusCode::OK, answer.body),
        Ok(answer) => failed(&Error::failed(format!("the seller answered {}", answer.status))),
        Err(error) => failed(&error),
    }
}

async fn complete(seller: &Arc<Seller>, body: &[u8]) -> Whole {
    let streams = serde_json::from_slice::<Value>(body).is_ok_and(|body| body["stream"] == true);
    let asking = match Asking::read(body) {
        Ok(asking) => asking,
        Err(error) => return refused(StatusCode::BAD_REQUEST, "invalid_request_error", error.what()),
    };
    let (sender, mut receiver) = mpsc::channel(AHEAD);
    tokio::spawn(relay(Arc::clone(seller), asking, sender));
    // What fails before anything came is an answer with a status.
    let first = match receiver.recv().await {
        Some(Passed::Wrong(error)) => return failed(&error),
        Some(first) => first,
        None => return failed(&Error::failed("the seller said nothing")),
    };
    if streams {
        let mut response = Response::new(Either::Right(Channel { first: Some(first), rest: receiver, over: false }));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        return response;
    }
    let (mut pieces, mut next) = (Vec::new(), Some(first));
    loop {
        match next {
            Some(Passed::Piece(_, json)) => pieces.push(json),
            Some(Passed::Wrong(error)) => return failed(&error),
            Some(Passed::End(taken)) => {
                // Whoever waited for it may be gone.
                let _ = taken.send(());
                return whole(StatusCode::OK, put_together(&pieces).to_string().into());
            }
            None => return failed(&Error::failed("the answer broke off")),
        }
        next = receiver.recv().await;
    }
}

/// What is passed on.
enum Passed {
    /// A piece.
    Piece(String, Value),
    /// That was all. Whoever has taken that says so.
    End(oneshot::Sender<()>),
    /// It goes wrong.
    Wrong(Error),
}

/// Asks, and passes on what comes for as long as somebody reads it. A session that has ended meanwhile is settled, and
/// another one is opened, as long as nothing was passed on.
async fn relay(seller: Arc<Seller>, asking: Asking, sender: mpsc::Sender<Passed>) {
    for last in [false, true] {
        let told = pass(&seller, &asking, &sender, last).await;
        match told {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => {
                let _ = sender.send(Passed::Wrong(error)).await;
                return;
            }
        }
    }
}

/// Whether it is over.
async fn pass(seller: &Seller, asking: &Asking, sender: &mpsc::Sender<Passed>, last: bool) -> Result<bool> {
    let mut answer = seller.ask_model(asking).await?;
    let mut any = false;
    loop {
        match answer.next().await {
            Ok(None) => {
                let (taken, was_taken) = oneshot::channel();
                if sender.send(Passed::End(taken)).await.is_ok() && was_taken.await.is_ok() {
                    answer.finish();
                }
                return Ok(true);
            }
            Ok(Some(piece)) => {
                any = true;
                if sender.send(Passed::Piece(piece.data, piece.json)).await.is_err() {
                    return Ok(true);
                }
            }
            Err(error) if error.code() == Some(Code::SessionClosed) && !any && !last => {
                let session = Arc::clone(answer.session());
                drop(answer);
                seller.close(&session).await?;
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
    }
}

/// The answer of a stream's pieces.
fn put_together(pieces: &[Value]) -> Value {
    let (mut text, mut finish, mut usage) = (String::new(), Value::Null, Value::Null);
    for piece in pieces {
        let choice = &piece["choices"][0];
        text.push_str(choice["delta"]["content"].as_str().unwrap_or_default());
        if !choice["finish_reason"].is_null() {
            finish = choice["finish_reason"].clone();
        }
        if !piece["usage"].is_null() {
            usage = piece["usage"].clone();
        }
    }
    let first = pieces.first().cloned().unwrap_or_default();
    let message = json!({ "role": "assistant", "content": text });
    json!({
        "id": first["id"],
        "object": "chat.completion",
        "created": first["created"],
        "model": first["model"],
        "choices": [{ "index": 0, "message": message, "finish_reason": finish, "logprobs": null }],
        "usage": usage,
    })
}

/// What went wrong, as clients of this API expect it.
fn failed(error: &Error) -> Whole {
    let status = match (error.class(), error.code()) {
        (Class::Usage, _) => StatusCode::BAD_REQUEST,
        // What a retry may do better is what stock clients try again by themselves.
        (Class::Unreachable | Class::Unknown, None) => StatusCode::BAD_GATEWAY,
        _ => StatusCode::PAYMENT_REQUIRED,
    };
    let code = error.code().map_or("purser_failed", Code::slug);
    let text = error.remedy().map_or_else(|| error.to_string(), |remedy| format!("{error} ({remedy})"));
    refused(status, code, &text)
}

fn refused(status: StatusCode, code: &str, message: &str) -> Whole {
    whole(status, told(code, message).to_string().into())
}

fn told(code: &str, message: &str) -> Value {
    json!({ "error": { "message": message, "type": code, "param": null, "code": code } })
}

fn whole(status: StatusCode, body: Bytes) -> Whole {
    let mut response = Response::new(Either::Left(Full::new(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A body that comes as it is sent to a channel.
struct Channel {
    first: Option<Passed>,
    rest: mpsc::Receiver<Passed>,
    over: bool,
}

impl Body for Channel {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, Infallible>>> {
        let event = |data: &str| Poll::Ready(Some(Ok(Frame::data(Bytes::from(format!("data: {data}\n\n"))))));
        if self.over {
            return Poll::Ready(None);
        }
        let passed = match self.first.take() {
            Some(first) => Poll::Ready(Some(first)),
            None => self.rest.poll_recv(context),
        };
        match passed {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Passed::Piece(data, _))) => event(&data),
            Poll::Ready(Some(Passed::Wrong(error))) => {
                self.over = true;
                event(&told(error.code().map_or("purser_failed", Code::slug), &error.to_string()).to_string())
            }
            Poll::Ready(Some(Passed::End(taken))) => {
                self.over = true;
                // Whoever waited for it may be gone.
                let _ = taken.send(());
                event("[DONE]")
            }
            Poll::Ready(None) => {
                self.over = true;
                event(&told("purser_failed", "the answer broke off").to_string())
            }
        }
    }
}
