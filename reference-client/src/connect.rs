//! Connections: TLS 1.3 to roots that the caller gives, and nothing that was not asked for.
//!
//! No system's trust store, no redirect followed, no compression, every wait and every length bounded. What
//! fails before a request is out is [`Class::Unreachable`]; what fails after may have been taken, and is
//! [`Class::Unknown`].

mod url;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue, LOCATION};
use hyper::{Method, StatusCode, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, version};

pub use url::{Url, is_public};

use crate::error::{Class, Error, Result};

/// Whom to believe, where to go, how long to wait.
#[derive(Clone, Debug)]
pub struct Options {
    /// Certificates of the authorities that vouch for servers.
    pub roots: Vec<CertificateDer<'static>>,
    /// Whether hosts on this machine and on private networks may be asked.
    pub private_addresses: bool,
    /// Whether this machine may be asked without TLS.
    pub plain_to_this_machine: bool,
    /// Longest wait for a connection.
    pub connect: Duration,
    /// Longest wait for a whole answer.
    pub answer: Duration,
    /// Longest body of an answer.
    pub body_bytes_max: usize,
}

impl Options {
    /// These roots, the open network only, and the usual bounds.
    pub fn new(roots: Vec<CertificateDer<'static>>) -> Self {
        Self {
            roots,
            private_addresses: false,
            plain_to_this_machine: false,
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            body_bytes_max: 1 << 20,
        }
    }
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Headers other than `Host` and `Content-Length`.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// How much longer than usual the answer may take.
    pub patience: Duration,
    /// Longest body of its answer, where that is another than usual.
    pub answer_bytes_max: Option<usize>,
    /// Whether it may arrive twice: so that it is sent again when a connection that was open already ends under it.
    pub repeatable: bool,
}

impl Request {
    /// A request without headers or body, repeatable if its method says so.
    pub fn new(method: Method, url: Url) -> Self {
        let repeatable = method.is_idempotent();
        let (headers, body, patience) = (HeaderMap::new(), Bytes::new(), Duration::ZERO);
        Self { method, url, headers, body, patience, answer_bytes_max: None, repeatable }
    }

    /// The same, with a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same, with a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Response {
    /// The one value of a header, if it is there once and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next()?;
        if values.next().is_some() { None } else { first.to_str().ok() }
    }

    /// The media type, in lower case, without parameters.
    pub fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

/// An answer that comes piece by piece.
pub struct Pieces {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    body: Incoming,
    bytes_max: usize,
    _link: Link,
}

impl Pieces {
    /// The next piece; `None` at the end. That nothing comes for so long is an end that was lost.
    pub async fn next(&mut self, longest: Duration) -> Result<Option<Bytes>> {
        loop {
            match timeout(longest, self.body.frame()).await {
                Err(_) => return Err(lost(format!("nothing came for {} s", longest.as_secs()))),
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => return Err(lost(error)),
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => return Ok(Some(data)),
                    Err(_) => continue,
                },
            }
        }
    }

    /// All of it: what is short, such as a refusal.
    pub async fn whole(self, longest: Duration) -> Result<Response> {
        let body = timeout(longest, Limited::new(self.body, self.bytes_max).collect()).await;
        let body = body.map_err(|_| lost("the answer did not end"))?;
        let body = body.map_err(|error| lost(format!("the answer was cut off or is too long: {error}")))?;
        Ok(Response { status: self.status, headers: self.headers, body: body.to_bytes() })
    }
}

/// Sends requests. Keeps one idle connection to each host.
pub struct Connector {
    options: Options,
    tls: TlsConnector,
    idle: Mutex<HashMap<String, Link>>,
}

impl Connector {
    /// Refuses what is no certificate of an authority.
    pub fn new(options: Options) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        for root in &options.roots {
            roots.add(root.clone()).map_err(|error| Error::failed(format!("a root cannot be used: {error}")))?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&version::TLS13]) // [HTB-1]
            .map_err(|error| Error::failed(format!("no TLS: {error}")))?;
        let mut tls = builder.with_root_certificates(roots).with_no_client_auth();
        tls.alpn_protocols = vec![H2.to_vec(), b"http/1.1".to_vec()];
        Ok(Self { options, tls: TlsConnector::from(Arc::new(tls)), idle: Mutex::default() })
    }

    /// Sends a request and reads its answer whole. A redirect is an error that names where it points. [HTB-3]
    pub async fn send(&self, request: &Request) -> Result<Response> {
        let place = request.url.origin();
        self.may_ask(&request.url)?;
        let longest = self.options.answer + request.patience;
        let answer = timeout(longest, self.exchange(request));
        let answer = answer.await.unwrap_or_else(|_| Err(lost(format!("no answer within {} s", longest.as_secs()))));
        let answer = answer.map_err(|error| error.at(&place))?;
        match redirect(&answer) {
            None => Ok(answer),
            Some(to) => Err(Error::failed(format!("it redirects to {to:?}, which is not followed"))
                .at(&request.url)
                .fix("if you trust that address, ask for it by name")),
        }
    }

    /// Sends a request whose answer comes piece by piece, on a connection of its own.
    pub async fn stream(&self, request: &Request) -> Result<Pieces> {
        let place = request.url.origin();
        self.may_ask(&request.url)?;
        let begun = async {
            let message = message(request)?;
            let link = self.open(&request.url).await?;
            match link.send(message).await {
                Sent::Answered(link, response) => Ok((link, response)),
                Sent::Unsent(_) => Err(unreachable("the connection was closed at once")),
                Sent::Lost(error) => Err(lost(error)),
            }
        };
        let begun = timeout(self.options.answer, begun).await;
        let begun =
            begun.unwrap_or_else(|_| Err(lost(format!("no answer within {} s", self.options.answer.as_secs()))));
        let (link, response) = begun.map_err(|error| error.at(&place))?;
        let (head, body) = response.into_parts();
        let bytes_max = self.options.body_bytes_max;
        Ok(Pieces { status: head.status, headers: head.headers, body, bytes_max, _link: link })
    }

    fn may_ask(&self, url: &Url) -> Result<()> {
        if url.is_secure() || (self.options.plain_to_this_machine && url.is_this_machine()) {
            return Ok(());
        }
        Err(Error::usage("only https is used").at(url).fix("write https:// in front of the host"))
    }

    /// On an idle connection, if there is one. That its other end was about to close it shows only now; then, if
    /// nothing left or what left may arrive twice, a new connection gets the request.
    async fn exchange(&self, request: &Request) -> Result<Response> {
        let message = message(request)?;
        let (message, taken) = match self.idle(&request.url) {
            None => (message, false),
            Some(link) => match link.send(message.clone()).await {
                Sent::Answered(link, response) => return self.read(link, response, request).await,
                Sent::Unsent(message) => (*message, false),
                Sent::Lost(error) if request.repeatable && is_closed(&error) => (message, true),
                Sent::Lost(error) => return Err(lost(error)),
            },
        };
        // Of what the idle connection took, nobody can say that it did not arrive.
        let unsent = |error: Error| if taken { lost(error.what()) } else { error };
        let link = self.open(&request.url).await.map_err(unsent)?;
        match link.send(message).await {
            Sent::Answered(link, response) => self.read(link, response, request).await,
            Sent::Unsent(_) => Err(unsent(unreachable("the connection was closed at once"))),
            Sent::Lost(error) => Err(lost(error)),
        }
    }

    async fn read(&self, mut link: Link, response: hyper::Response<Incoming>, request: &Request) -> Result<Response> {
        let (head, body) = response.into_parts();
        let bytes_max = request.answer_bytes_max.unwrap_or(self.options.body_bytes_max);
        let body = Limited::new(body, bytes_max).collect().await;
        let body = body.map_err(|error| lost(format!("the answer was cut off or is too long: {error}")))?;
        if link.is_open().await {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).insert(request.url.origin(), link);
        }
        Ok(Response { status: head.status, headers: head.headers, body: body.to_bytes() })
    }

    /// A connection that is open already.
    fn idle(&self, url: &Url) -> Option<Link> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).remove(&url.origin())
    }

    async fn open(&self, url: &Url) -> Result<Link> {
        let opened = timeout(self.options.connect, self.open_in_time(url)).await;
        opened
            .unwrap_or_else(|_| Err(unreachable(format!("no connection within {} s", self.options.connect.as_secs()))))
    }

    async fn open_in_time(&self, url: &Url) -> Result<Link> {
        let stream = self.dial(url).await?;
        if !url.is_secure() {
            return Link::one(stream).await;
        }
        let name = url.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(|_| Error::usage("not the name of a host").at(url))?;
        let stream = self.tls.connect(name, stream).await.map_err(|error| {
            unreachable(format!("TLS: {error}"))
                .fix("check that --roots holds the authority of this server's certificate")
        })?;
        if stream.get_ref().1.alpn_protocol() == Some(H2) { Link::two(stream).await } else { Link::one(stream).await }
    }

    /// The addresses are looked up once, and those that are judged are those that are used.
    async fn dial(&self, url: &Url) -> Result<TcpStream> {
        let addresses: Vec<SocketAddr> = match url.ip() {
            Some(ip) => vec![SocketAddr::new(ip, url.port())],
            None => match tokio::net::lookup_host((url.host(), url.port())).await {
                Ok(found) => found.collect(),
                Err(error) => return Err(unreachable(format!("the host is not known: {error}"))),
            },
        };
        let allowed = |address: &&SocketAddr| self.options.private_addresses || is_public(address.ip());
        let mut failed = match addresses.first() {
            None => unreachable("the host has no address"),
            Some(first) => Error::failed(format!("{} is not an address of the open network", first.ip()))
                .fix("set private_addresses = true in config.toml if this host is meant"),
        };
        for address in addresses.iter().filter(allowed) {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // A request leaves at once; otherwise its end waits for the peer's late acknowledgement.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => failed = unreachable(format!("{address}: {error}")).fix("check that the server runs"),
            }
        }
        Err(failed)
    }
}

const H2: &[u8] = b"h2";

/// A connection that can take a request.
enum Link {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

enum Sent {
    Answered(Link, hyper::Response<Incoming>),
    /// It is certain that nothing left.
    Unsent(Box<hyper::Request<Full<Bytes>>>),
    Lost(hyper::Error),
}

impl Link {
    async fn one(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Result<Self> {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(unreachable)?;
        tokio::spawn(connection);
        Ok(Self::One(sender))
    }

    async fn two(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Result<Self> {
        let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (sender, connection) = handshake.await.map_err(unreachable)?;
        tokio::spawn(connection);
        Ok(Self::Two(sender))
    }

    async fn is_open(&mut self) -> bool {
        match self {
            Self::One(sender) => sender.ready().await.is_ok(),
            Self::Two(sender) => sender.ready().await.is_ok(),
        }
    }

    async fn send(mut self, mut message: hyper::Request<Full<Bytes>>) -> Sent {
        if !self.is_open().await {
            return Sent::Unsent(Box::new(message));
        }
        let sent = match &mut self {
            Self::One(sender) => {
                // HTTP/1.1 names the host in a header, HTTP/2 in the target.
                let target = message.uri().path_and_query().map_or("/", |target| target.as_str()).parse::<Uri>();
                if let Ok(target) = target {
                    *message.uri_mut() = target;
                }
                sender.try_send_request(message).await
            }
            Self::Two(sender) => {
                message.headers_mut().remove(HOST);
                sender.try_send_request(message).await
            }
        };
        match sent {
            Ok(response) => Sent::Answered(self, response),
            Err(mut error) => match error.take_message() {
                Some(message) => Sent::Unsent(Box::new(message)),
                None => Sent::Lost(error.into_error()),
            },
        }
    }
}

fn message(request: &Request) -> Result<hyper::Request<Full<Bytes>>> {
    let mut message = hyper::Request::new(Full::new(request.body.clone()));
    *message.method_mut() = request.method.clone();
    *message.uri_mut() =
        request.url.to_string().parse().map_err(|_| Error::usage("not an address").at(&request.url))?;
    *message.headers_mut() = request.headers.clone();
    let host = HeaderValue::try_from(request.url.authority());
    message.headers_mut().insert(HOST, host.map_err(|_| Error::usage("not a host").at(&request.url))?);
    Ok(message)
}

/// Where an answer points, if it is a redirect.
fn redirect(answer: &Response) -> Option<String> {
    let redirects = matches!(answer.status.as_u16(), 300..=303 | 305..=308);
    redirects.then(|| answer.header(LOCATION.as_str()).unwrap_or_default().chars().take(256).collect())
}

/// Whether the connection ended before a byte of the answer came.
fn is_closed(error: &hyper::Error) -> bool {
    let io = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    error.is_incomplete_message() || error.is_closed() || io.is_some()
}

fn unreachable(why: impl ToString) -> Error {
    Error::new(Class::Unreachable, why.to_string())
}

fn lost(why: impl ToString) -> Error {
    Error::new(Class::Unknown, format!("no whole answer came: {}", why.to_string()))
}
