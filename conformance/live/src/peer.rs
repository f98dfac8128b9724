//! Servers that the suite plays on this machine, for one visit of the one under test.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use purser_protocol::code::Code;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, version};

use crate::answer::{PROBLEM, urn};
use crate::failure::Failure;
use crate::line::within;
use crate::pem;

/// What a server does with a request; an error ends the connection without an answer.
pub(crate) type Answered = Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>>;

/// A request, read whole.
pub(crate) struct Asked {
    pub(crate) head: hyper::http::request::Parts,
    pub(crate) body: Bytes,
}

impl Asked {
    /// Path and query.
    pub(crate) fn target(&self) -> &str {
        self.head.uri.path_and_query().map_or("/", |target| target.as_str())
    }

    pub(crate) fn field(&self, name: &str) -> Option<String> {
        self.head.headers.get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned)
    }

    /// What a bystander sees of it.
    pub(crate) fn fields(&self) -> Vec<(String, String)> {
        let mut seen = vec![("request".to_owned(), format!("{} {}", self.head.method, self.target()))];
        for (name, value) in &self.head.headers {
            seen.push((name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        }
        seen
    }
}

/// A port of this machine for each of `N` servers.
pub(crate) async fn ports<const N: usize>() -> Result<[(TcpListener, SocketAddr); N], Failure> {
    let broken = |error: std::io::Error| Failure::of_suite(error.to_string());
    let mut open = Vec::new();
    for _ in 0..N {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(broken)?;
        let address = listener.local_addr().map_err(broken)?;
        open.push((listener, address));
    }
    open.try_into().map_err(|_| Failure::of_suite("no ports"))
}

/// The certificate for TLS of a folder that [`crate::authority::write`] made.
pub(crate) fn acceptor(folder: &Path) -> Result<TlsAcceptor, String> {
    let chain = pem::certificates(&folder.join("tls.pem"))?.into_iter().map(CertificateDer::from).collect();
    let key = PrivateKeyDer::Pkcs8(pem::private_key(&folder.join("tls.key"))?.into());
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&version::TLS13])
        .map_err(|error| error.to_string())?;
    let config = config.with_no_client_auth().with_single_cert(chain, key).map_err(|error| error.to_string())?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves until it is dropped.
pub(crate) async fn serve<A>(listener: TcpListener, tls: TlsAcceptor, answer: A)
where
    A: Fn(Asked) -> Answered + Clone + Send + Sync + 'static,
{
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let (tls, answer) = (tls.clone(), answer.clone());
        connections.spawn(async move {
            let Ok(stream) = tls.accept(socket).await else { return };
            let service = service_fn(move |request| whole(request, answer.clone()));
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn whole(request: Request<Incoming>, answer: impl Fn(Asked) -> Answered) -> Answered {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    answer(Asked { head, body })
}

pub(crate) fn plain(status: u16, media: &str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    if let Ok(media) = media.parse() {
        response.headers_mut().insert("content-type", media);
    }
    response
}

pub(crate) fn problem(code: Code) -> Response<Full<Bytes>> {
    let body = serde_json::json!({
        "type": urn(code),
        "title": code.meaning(),
        "status": code.status(),
        "code": code.number(),
        "stage": code.stages().first().map(|stage| stage.name()),
        "retry": code.retry().name(),
        "resolver": code.resolver().name(),
    });
    let mut response = plain(code.status(), PROBLEM, body.to_string());
    if code.status() == 503 {
        response.headers_mut().insert("retry-after", 0.into());
    }
    response
}

pub(crate) fn header(value: &str) -> Result<HeaderValue, Failure> {
    value.parse().map_err(|_| Failure::of_suite("a header field that is none"))
}

/// What a command came to.
pub(crate) struct Ended {
    /// Whether it says that it is done.
    pub(crate) done: bool,
    /// The end of what it said.
    pub(crate) said: String,
}

/// Runs a command of the one under test by the shell, with `{name}` replaced.
pub(crate) async fn command(template: &str, values: &[(&str, String)]) -> Result<Ended, Failure> {
    let line = values.iter().fold(template.to_owned(), |line, (name, value)| line.replace(name, value));
    let mut command = Command::new("sh");
    command.arg("-c").arg(&line).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    let output = within(&line, async { command.output().await.map_err(|error| error.to_string()) }).await?;
    let end = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let skipped = text.chars().count().saturating_sub(300);
        text.chars().skip(skipped).collect::<String>()
    };
    Ok(Ended { done: output.status.success(), said: format!("{} {}", end(&output.stdout), end(&output.stderr)) })
}
