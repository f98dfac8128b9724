//! The reference issuer, with trouble on its wire when a test asks for it.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use purser_server::config::Config;
use purser_server::life::Life;
use purser_server::role::{self, Role};
use purser_server::serve::{Bound, Server};
use tokio::sync::Semaphore;

/// What happens to one request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    /// It is answered, and the answer breaks off.
    LoseReply,
    /// It is never handed on, and never answered.
    Swallow,
    /// It is handed on, and never answered.
    Hang,
    /// 503.
    Busy,
    /// It is refused as nothing that can be decided, and a copy of it is on its way.
    TurnAway,
    /// The copies that are on their way come first.
    Late,
    /// The answer to the payment before it comes again.
    AnswerOfAnother,
    /// 400 by a machine in between that knows nothing of payments.
    Stranger,
    /// The JSON of the answer says something else.
    Lie(fn(&mut serde_json::Value)),
}

/// What is to come, and what has been.
#[derive(Default)]
pub(crate) struct Wire {
    troubles: Mutex<Vec<(Method, &'static str, Trouble)>>,
    last_answer: Mutex<Option<Bytes>>,
    last_command: Mutex<Option<Bytes>>,
    late: Mutex<Vec<(Next, axum::http::request::Parts, Bytes)>>,
    seen: Mutex<Vec<String>>,
    struck: Option<Semaphore>,
}

impl Wire {
    fn new() -> Self {
        Self { struck: Some(Semaphore::new(0)), ..Self::default() }
    }

    /// The next such request meets this trouble.
    pub(crate) fn trouble(&self, method: Method, path: &'static str, trouble: Trouble) {
        self.troubles.lock().unwrap().push((method, path, trouble));
    }

    /// Waits until a trouble has struck.
    pub(crate) async fn struck(&self) {
        self.struck.as_ref().unwrap().acquire().await.unwrap().forget();
    }

    /// How often something like `POST /v1/intents` was asked.
    pub(crate) fn count(&self, line: &str) -> usize {
        self.seen.lock().unwrap().iter().filter(|seen| seen.starts_with(line)).count()
    }

    /// The last command that came, a confirmation or another.
    pub(crate) fn command(&self) -> Bytes {
        self.last_command.lock().unwrap().clone().expect("a command")
    }

    fn next(&self, method: &Method, path: &str) -> Option<Trouble> {
        self.seen.lock().unwrap().push(format!("{method} {path}"));
        let mut troubles = self.troubles.lock().unwrap();
        let at = troubles.iter().position(|(of, prefix, _)| of == method && path.starts_with(prefix))?;
        self.struck.as_ref().unwrap().add_permits(1);
        Some(troubles.remove(at).2)
    }
}

pub(crate) struct Issuer {
    pub(crate) url: String,
    pub(crate) wire: Arc<Wire>,
    pub(crate) life: Life,
    _server: Server,
}

impl Issuer {
    /// Starts it on a free port, with the files that the authority has made.
    pub(crate) async fn start(folder: &Path, listen: &str) -> Self {
        let config = format!(
            "[shell]\nlisten = \"{listen}\"\ntls_cert = \"server.pem\"\ntls_key = \"server.key\"\n\
             [issuer]\nname = \"issuer.example\"\nnetwork = \"sandbox\"\nsandbox = true\n\
             certificate = \"issuer.example.pem\"\nkey = \"issuer.example.key\"\nanchors = [\"ca.pem\"]\n\
             store = \"issuer.db\"\n"
        );
        let path = folder.join("issuer.toml");
        fs::write(&path, config).unwrap();
        let config = Config::load(&path).unwrap();
        let life = Life::new();
        let bound = Bound::bind(&config.shell).await.unwrap();
        let url = bound.url().to_owned();
        let wire = Arc::new(Wire::new());
        let app = role::app(Role::Issuer, &config, &url, &life).unwrap();
        let app = app.layer(middleware::from_fn_with_state(Arc::clone(&wire), trouble));
        Self { url, wire, life: life.clone(), _server: bound.serve(app, life) }
    }
}

async fn trouble(State(wire): State<Arc<Wire>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let pays = request.method() == Method::POST && path == "/v1/intents";
    match wire.next(request.method(), &path) {
        None if pays => {
            let (head, body) = next.run(request).await.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            *wire.last_answer.lock().unwrap() = Some(body.clone());
            Response::from_parts(head, Body::from(body))
        }
        None if path == "/v1/confirmations" || path == "/v1/commands" => {
            let (head, body) = request.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            *wire.last_command.lock().unwrap() = Some(body.clone());
            next.run(Request::from_parts(head, Body::from(body))).await
        }
        None => next.run(request).await,
        Some(Trouble::LoseReply) => {
            let (head, _) = next.run(request).await.into_parts();
            let broken = futures_util::stream::iter([Err::<Bytes, _>(std::io::Error::other("on purpose"))]);
            let mut response = Response::from_parts(head, Body::from_stream(broken));
            response.headers_mut().remove("content-length");
            response
        }
        Some(Trouble::Swallow) => std::future::pending().await,
        Some(Trouble::Hang) => {
            next.run(request).await;
            std::future::pending().await
        }
        Some(Trouble::Busy) => {
            purser_server::reply::Problem::new(purser_protocol::code::Code::Overloaded).into_response()
        }
        Some(Trouble::TurnAway) => {
            let (head, body) = request.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            wire.late.lock().unwrap().push((next, head, body));
            purser_server::reply::Problem::new(purser_protocol::code::Code::MandateUnknown).into_response()
        }
        Some(Trouble::Late) => {
            let late = std::mem::take(&mut *wire.late.lock().unwrap());
            for (next, head, body) in late {
                next.run(Request::from_parts(head, Body::from(body))).await;
            }
            next.run(request).await
        }
        Some(Trouble::AnswerOfAnother) => {
            let body = wire.last_answer.lock().unwrap().clone().expect("a payment before");
            ([("content-type", "application/vnd.purser.answer+cbor")], body).into_response()
        }
        Some(Trouble::Stranger) => (StatusCode::BAD_REQUEST, "no").into_response(),
        Some(Trouble::Lie(lie)) => {
            let (mut head, body) = next.run(request).await.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let mut json = serde_json::from_slice(&body).unwrap();
            lie(&mut json);
            head.headers.remove("content-length");
            Response::from_parts(head, Body::from(json.to_string()))
        }
    }
}
