//! Connections to the one under test: TLS 1.3 to the roots given, HTTP/1.1 byte by byte or HTTP/2.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Barrier, Mutex};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, version};

use crate::failure::{Failure, Fault};

/// Nothing that works needs so long. No verdict hangs on how much of it is used.
const HANGS: Duration = Duration::from_secs(60);
/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 1 << 22;
/// How often a sender that is told to come again does so.
const TRIES: u32 = 40;

/// Where the one under test is.
#[derive(Clone)]
pub(crate) struct Target {
    /// Host and port to connect to.
    pub(crate) address: String,
    /// The name for which the certificate must be good.
    pub(crate) host: String,
    /// What stands in `Host`.
    pub(crate) authority: String,
    roots: Arc<RootCertStore>,
    crowd: Arc<Mutex<()>>,
    pub(crate) tamper: Option<Tamper>,
}

/// A request, as its parts.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// What stands between the suite and the one under test, in tests of the suite itself: it changes answers.
pub type Tamper = Arc<dyn Fn(&mut Answer) + Send + Sync>;

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its header fields, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
    /// What was asked, for messages.
    pub asked: String,
}

impl Request {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn post(path: impl Into<String>, media: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type".to_owned(), media.to_owned())];
        Self { method: "POST", path: path.into(), headers, body: body.into() }
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The bytes of HTTP/1.1.
    pub(crate) fn bytes(&self, authority: &str) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() || self.method == "POST" {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        [head.as_bytes(), &self.body].concat()
    }
}

impl Answer {
    /// The first field of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The media type, without its parameters.
    pub(crate) fn media(&self) -> &str {
        let whole = self.header("content-type").unwrap_or("no Content-Type");
        whole.split(';').next().unwrap_or_default().trim()
    }

    /// The same status, headers that matter left out, and bytes.
    pub(crate) fn says_as(&self, other: &Self) -> bool {
        (self.status, &self.body) == (other.status, &other.body)
    }

    /// What is kept of it in the results.
    pub(crate) fn seen(&self) -> Value {
        let body = match std::str::from_utf8(&self.body) {
            Ok(text) => text.chars().take(400).collect(),
            Err(_) => self.body.iter().take(200).map(|byte| format!("{byte:02x}")).collect::<String>(),
        };
        json!({ "asked": self.asked, "status": self.status, "media": self.media(), "body": body })
    }

    pub(crate) fn fails(&self, fault: Fault, message: impl Into<String>) -> Failure {
        Failure::new(fault, format!("{}: {}", self.asked, message.into())).seeing(self.seen())
    }
}

impl Target {
    /// `https://host:port`, and whom to believe.
    pub(crate) fn new(url: &str, roots: &[Vec<u8>]) -> Result<Self, String> {
        let rest = url.strip_prefix("https://").ok_or_else(|| format!("{url}: not an https:// address"))?;
        let authority = rest.trim_end_matches('/');
        if authority.is_empty() || authority.contains(['/', '?', '#', '@']) {
            return Err(format!("{url}: give https://HOST:PORT and no path"));
        }
        let (host, address) = host_and_address(authority);
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(CertificateDer::from(root.clone())).map_err(|error| format!("a root: {error}"))?;
        }
        Ok(Self {
            address,
            host,
            authority: authority.to_owned(),
            roots: Arc::new(store),
            crowd: Arc::default(),
            tamper: None,
        })
    }

    /// Sends, and sends the same bytes again for as long as it is told to come later.
    pub(crate) async fn send(&self, request: &Request) -> Result<Answer, Failure> {
        let mut tries = 0;
        loop {
            let answer = self.send_once(request).await?;
            tries += 1;
            let waits = answer.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
            match (answer.status, waits) {
                (429 | 503, Some(seconds)) if tries < TRIES => tokio::time::sleep(Duration::from_secs(seconds)).await,
                _ => return Ok(answer),
            }
        }
    }

    /// Sends once.
    pub(crate) async fn send_once(&self, request: &Request) -> Result<Answer, Failure> {
        let asked = format!("{} {}", request.method, request.path);
        self.raw(&request.bytes(&self.authority), &asked).await
    }

    /// Sends these bytes on a connection of their own, and reads one answer.
    pub(crate) async fn raw(&self, bytes: &[u8], asked: &str) -> Result<Answer, Failure> {
        let mut stream = self.open(asked).await?;
        write(&mut stream, bytes, asked).await?;
        self.read(&mut stream, asked).await
    }

    /// Sends a head of these lines, which say everything but the request line, and a body.
    pub(crate) async fn head(&self, line: &str, fields: &str, body: &[u8]) -> Result<Answer, Failure> {
        let head = format!("{line} HTTP/1.1\r\nConnection: close\r\n{fields}\r\n");
        self.raw(&[head.as_bytes(), body].concat(), line).await
    }

    /// Reads one answer.
    pub(crate) async fn read(&self, stream: &mut TlsStream<TcpStream>, asked: &str) -> Result<Answer, Failure> {
        read(stream, asked).await.map(|answer| self.tampered(answer))
    }

    fn tampered(&self, mut answer: Answer) -> Answer {
        if let Some(tamper) = &self.tamper {
            tamper(&mut answer);
        }
        answer
    }

    /// Sends a request and does not wait for the answer: the connection is gone once the last byte is out.
    pub(crate) async fn drop_answer(&self, request: &Request) -> Result<(), Failure> {
        let asked = format!("{} {}", request.method, request.path);
        let mut stream = self.open(&asked).await?;
        write(&mut stream, &request.bytes(&self.authority), &asked).await?;
        drop(stream);
        Ok(())
    }

    /// Sends each request on a connection of its own: all connections are open before the first byte is out.
    /// Whoever is held off comes again with the same bytes.
    pub(crate) async fn at_once(&self, requests: Vec<Request>) -> Result<Vec<Answer>, Failure> {
        self.crowd(requests, true).await
    }

    /// The same, and nobody comes again.
    pub(crate) async fn at_once_once(&self, requests: Vec<Request>) -> Result<Vec<Answer>, Failure> {
        self.crowd(requests, false).await
    }

    async fn crowd(&self, requests: Vec<Request>, comes_again: bool) -> Result<Vec<Answer>, Failure> {
        // One such crowd at a time, so that no server has to hold the suite off.
        let _alone = self.crowd.lock().await;
        let start = Arc::new(Barrier::new(requests.len()));
        let mut tasks = JoinSet::new();
        for (place, request) in requests.into_iter().enumerate() {
            let (target, start) = (self.clone(), Arc::clone(&start));
            tasks.spawn(async move {
                let asked = format!("{} {}", request.method, request.path);
                let opened = target.open(&asked).await;
                start.wait().await;
                let answer = async {
                    let mut stream = opened?;
                    write(&mut stream, &request.bytes(&target.authority), &asked).await?;
                    target.read(&mut stream, &asked).await
                };
                match answer.await {
                    answer if !comes_again => (place, answer),
                    Ok(answer) if !matches!(answer.status, 429 | 503) => (place, Ok(answer)),
                    _ => (place, target.send(&request).await),
                }
            });
        }
        let mut answers = Vec::new();
        while let Some(joined) = tasks.join_next().await {
            let (place, answer) = joined.map_err(|error| Failure::of_suite(error.to_string()))?;
            answers.push((place, answer?));
        }
        answers.sort_by_key(|(place, _)| *place);
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
    }

    /// A connection for HTTP/1.1.
    pub(crate) async fn open(&self, asked: &str) -> Result<TlsStream<TcpStream>, Failure> {
        within(asked, self.connect(b"http/1.1")).await
    }

    /// The same request over HTTP/2; nothing where the other side does not speak it.
    pub(crate) async fn send_http2(&self, request: &Request) -> Result<Option<Answer>, Failure> {
        let asked = format!("{} {} over HTTP/2", request.method, request.path);
        let stream = within(&asked, self.connect(b"h2")).await?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Ok(None);
        }
        let answer = within(&asked, async {
            let shook = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
            let (mut sender, connection) = shook.map_err(|error| error.to_string())?;
            let driven = tokio::spawn(connection);
            let uri = format!("https://{}{}", self.authority, request.path);
            let mut built = hyper::Request::builder().method(request.method).uri(uri);
            for (name, value) in &request.headers {
                built = built.header(name.to_ascii_lowercase(), value);
            }
            let built = built.body(Full::new(Bytes::from(request.body.clone()))).map_err(|error| error.to_string())?;
            let response = sender.send_request(built).await.map_err(|error| error.to_string())?;
            let (head, body) = response.into_parts();
            let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes().to_vec();
            drop(sender);
            driven.abort();
            let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
            let headers = head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
            Ok(Answer { status: head.status.as_u16(), headers, body, asked: asked.clone() })
        });
        answer.await.map(|answer| Some(self.tampered(answer)))
    }

    async fn connect(&self, protocol: &[u8]) -> Result<TlsStream<TcpStream>, String> {
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&version::TLS13])
            .map_err(|error| error.to_string())?;
        let mut config = config.with_root_certificates(Arc::clone(&self.roots)).with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        let socket = self.socket().await?;
        let name = ServerName::try_from(self.host.clone()).map_err(|error| error.to_string())?;
        TlsConnector::from(Arc::new(config)).connect(name, socket).await.map_err(|error| format!("TLS: {error}"))
    }

    pub(crate) async fn socket(&self) -> Result<TcpStream, String> {
        let socket = TcpStream::connect(&self.address).await.map_err(|error| format!("{}: {error}", self.address))?;
        socket.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(socket)
    }
}

/// Host without brackets, and the address with a port.
fn host_and_address(authority: &str) -> (String, String) {
    let bare = |host: &str| host.trim_start_matches('[').trim_end_matches(']').to_owned();
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (bare(host), authority.to_owned())
        }
        _ => (bare(authority), format!("{authority}:443")),
    }
}

/// What hangs fails; so does what breaks off.
pub(crate) async fn within<T>(asked: &str, work: impl Future<Output = Result<T, String>>) -> Result<T, Failure> {
    match timeout(HANGS, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Failure::new(Fault::Crashed, format!("{asked}: {error}"))),
        Err(_) => Err(Failure::new(Fault::TimedOut, format!("{asked}: nothing came"))),
    }
}

pub(crate) async fn write(stream: &mut TlsStream<TcpStream>, bytes: &[u8], asked: &str) -> Result<(), Failure> {
    within(asked, async {
        // Whoever refuses early may not read to the end; its answer is what counts.
        let _ = stream.write_all(bytes).await;
        let _ = stream.flush().await;
        Ok(())
    })
    .await
}

async fn read(stream: &mut TlsStream<TcpStream>, asked: &str) -> Result<Answer, Failure> {
    within(asked, async {
        let mut bytes = Vec::new();
        loop {
            if let Some(answer) = parse(&bytes, asked, false)? {
                return Ok(answer);
            }
            let mut piece = [0; 16_384];
            match stream.read(&mut piece).await {
                Ok(0) | Err(_) => {
                    let whole = parse(&bytes, asked, true)?;
                    return whole.ok_or_else(|| "the connection ended without a whole answer".to_owned());
                }
                Ok(count) => bytes.extend_from_slice(&piece[..count]),
            }
            if bytes.len() > ANSWER_BYTES_MAX {
                return Err("an answer without end".to_owned());
            }
        }
    })
    .await
}

/// The answer that these bytes are; nothing while they are not all there.
fn parse(bytes: &[u8], asked: &str, ended: bool) -> Result<Option<Answer>, String> {
    let mut fields = [httparse::EMPTY_HEADER; 100];
    let mut head = httparse::Response::new(&mut fields);
    let start = match head.parse(bytes).map_err(|error| format!("no answer of HTTP/1.1: {error}"))? {
        httparse::Status::Complete(start) => start,
        httparse::Status::Partial => return Ok(None),
    };
    let status = head.code.unwrap_or_default();
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers: Vec<_> =
        head.headers.iter().map(|field| (field.name.to_ascii_lowercase(), text(field.value))).collect();
    let answer = |body: Vec<u8>| Answer { status, headers: headers.clone(), body, asked: asked.to_owned() };
    let named = |name: &str| headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let rest = &bytes[start..];
    if matches!(status, 100..=199) {
        return parse(rest, asked, ended);
    }
    if matches!(status, 204 | 304) {
        return Ok(Some(answer(Vec::new())));
    }
    if named("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        return unchunked(rest).map(|body| body.map(answer));
    }
    match named("content-length").and_then(|length| length.parse::<usize>().ok()) {
        Some(length) => Ok(rest.get(..length).map(|body| answer(body.to_vec()))),
        None => Ok(ended.then(|| answer(rest.to_vec()))),
    }
}

fn unchunked(mut rest: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let mut body = Vec::new();
    loop {
        let (start, length) = match httparse::parse_chunk_size(rest).map_err(|_| "a chunk without a size")? {
            httparse::Status::Complete((start, length)) => (start, usize::try_from(length).unwrap_or(usize::MAX)),
            httparse::Status::Partial => return Ok(None),
        };
        if length == 0 {
            return Ok(rest.windows(4).any(|end| end == b"\r\n\r\n").then_some(body));
        }
        let Some(chunk) = start.checked_add(length).and_then(|end| rest.get(start..end)) else { return Ok(None) };
        body.extend_from_slice(chunk);
        let Some(after) = rest.get(start + length + 2..) else { return Ok(None) };
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_whole_whatever_says_their_length() {
        let read = |text: &str, ended| parse(text.as_bytes(), "GET /", ended).unwrap().map(|answer| answer.body);
        let counted = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
        for whole in [counted, chunked] {
            assert_eq!(read(whole, false).unwrap(), b"hello");
            assert_eq!(read(&whole[..whole.len() - 1], false), None);
        }
        let open = "HTTP/1.1 200 OK\r\n\r\nhello";
        assert_eq!((read(open, false), read(open, true)), (None, Some(b"hello".to_vec())));
        assert_eq!(read(&format!("HTTP/1.1 100 Continue\r\n\r\n{counted}"), false).unwrap(), b"hello");
        assert!(parse(b"SSH-2.0", "GET /", true).is_err());
    }

    #[test]
    fn an_address_has_a_port() {
        assert_eq!(host_and_address("a.example"), ("a.example".into(), "a.example:443".into()));
        assert_eq!(host_and_address("127.0.0.1:8443"), ("127.0.0.1".into(), "127.0.0.1:8443".into()));
        assert_eq!(host_and_address("[::1]:8443"), ("::1".into(), "[::1]:8443".into()));
    }
}
