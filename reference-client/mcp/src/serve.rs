//! How a box of tools is reached: stdio, or streamable HTTP on this machine.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use purser_client::{Error, Result};
use rmcp::ServiceExt as _;
use rmcp::service::ServerInitializeError;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::toolbox::{ARGUMENTS_BYTES_MAX, Server, Toolbox};

/// Longest line on stdin.
const LINE_BYTES_MAX: usize = 4 * ARGUMENTS_BYTES_MAX;
/// Connections at once.
const CONNECTIONS_MAX: usize = 64;
/// Shortest token: 128 bits in hexadecimal.
const TOKEN_LETTERS_MIN: usize = 32;

/// Serves one client over stdin and stdout, until it is gone.
pub async fn stdio<T: Toolbox>(toolbox: Arc<T>) -> Result<()> {
    let (reading, writing) = rmcp::transport::stdio();
    let transport =
        rmcp::transport::async_rw::AsyncRwTransport::new_server(reading, writing).with_max_line_length(LINE_BYTES_MAX);
    let wrong = |what: String| Error::failed(format!("stdio: {what}"));
    let service = match Server::new(toolbox).serve(transport).await {
        Ok(service) => service,
        // A client that went before it began, or that begins anew with every request.
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(wrong(error.to_string())),
    };
    service.waiting().await.map(|_| ()).map_err(|error| wrong(error.to_string()))
}

/// Who may come by HTTP.
#[derive(Clone, Debug)]
pub struct Doors {
    /// Where to listen.
    pub listen: SocketAddr,
    /// What `Host` may say, beside this machine's own names: a name, with or without a port.
    pub hosts: Vec<String>,
    /// What `Origin` may say, if a browser says it: none when empty.
    pub origins: Vec<String>,
    /// What callers show as a bearer.
    pub token: String,
}

/// HTTP that listens.
pub struct Listening {
    /// Where.
    pub address: SocketAddr,
    listener: TcpListener,
    doors: Doors,
}

impl Listening {
    /// Listens. In the clear, and therefore on this machine only.
    pub async fn bind(doors: Doors) -> Result<Self> {
        if !doors.listen.ip().is_loopback() {
            let error = Error::usage("this is served without TLS, and therefore to this machine only");
            return Err(error.at(doors.listen).fix("listen on 127.0.0.1, and put a proxy with TLS before it"));
        }
        let is_plain = doors.token.bytes().all(|letter| letter.is_ascii_graphic());
        if doors.token.len() < TOKEN_LETTERS_MIN || !is_plain {
            let error = Error::usage(format!("a token has at least {TOKEN_LETTERS_MIN} letters, and no spaces"));
            return Err(error.fix("openssl rand -hex 32 makes one"));
        }
        let wrong = |error: std::io::Error| Error::failed(error.to_string()).at(doors.listen);
        let listener = TcpListener::bind(doors.listen).await.map_err(wrong)?;
        let address = listener.local_addr().map_err(wrong)?;
        Ok(Self { address, listener, doors })
    }

    /// Serves whoever shows the token, under a host and an origin that are known.
    pub async fn serve<T: Toolbox>(self, toolbox: Arc<T>) -> Result<()> {
        let own = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let config = StreamableHttpServerConfig::default()
            .with_allowed_hosts(own.into_iter().chain(self.doors.hosts.iter().cloned()))
            .with_allowed_origins(self.doors.origins.iter().cloned())
            .enforce_origin_validation()
            .with_max_request_body_bytes(LINE_BYTES_MAX);
        let server = Server::new(toolbox);
        let sessions = Arc::new(LocalSessionManager::default());
        let service = StreamableHttpService::new(move || Ok(server.clone()), sessions, config);
        let bearer = Arc::new(format!("Bearer {}", self.doors.token));
        let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return Ok(()) };
            // One that fails to arrive is nobody's matter but its own.
            let Ok((stream, _)) = self.listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let (service, bearer) = (service.clone(), Arc::clone(&bearer));
            tokio::spawn(async move {
                let answer = hyper::service::service_fn(move |request| {
                    let (service, bearer) = (service.clone(), Arc::clone(&bearer));
                    async move {
                        if !shows(request.headers(), &bearer) {
                            return Ok::<_, Infallible>(stranger());
                        }
                        Ok(service.handle(request).await)
                    }
                });
                let mut http = hyper::server::conn::http1::Builder::new();
                http.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10)).max_buf_size(64 << 10);
                let _ = http.serve_connection(TokioIo::new(stream), answer).await;
                drop(seat);
            });
        }
    }
}

/// Whether the one token was shown, once; the time that this takes says nothing about it.
fn shows(headers: &HeaderMap, bearer: &str) -> bool {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => {
            aws_lc_rs::constant_time::verify_slices_are_equal(value.as_bytes(), bearer.as_bytes()).is_ok()
        }
        _ => false,
    }
}

fn stranger() -> Response<BoxBody<Bytes, Infallible>> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"the token is missing or wrong\n")).boxed());
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}
