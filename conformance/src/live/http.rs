//! HTTP/1.1 over TLS 1.3, one connection a request, by hand: what is sent may be wrong on purpose.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// How long a server may say nothing.
const SILENCE: Duration = Duration::from_secs(30);
/// Longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 1 << 22;

/// A server.
#[derive(Clone)]
pub(super) struct Server {
    host: String,
    port: u16,
    /// Host and port, as they stand in addresses.
    pub(super) authority: String,
    config: Arc<ClientConfig>,
    pub(super) tamper: Option<Tamper>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its header fields, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// What stands between the suite and the server in tests of the suite itself: it changes answers.
pub type Tamper = fn(&mut Response);

impl Response {
    /// The value of a header field; of several, the first.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The media type, without parameters.
    pub(super) fn media_type(&self) -> &str {
        self.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim()
    }
}

impl Server {
    /// The server of an address, `https://host:port`, under these roots.
    pub(super) fn new(url: &str, roots: &[Vec<u8>]) -> Result<Self, String> {
        let authority = url.strip_prefix("https://").ok_or_else(|| format!("{url} is no https address"))?;
        let authority = authority.trim_end_matches('/').to_owned();
        let (host, port) = match authority.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?))) {
            Some((host, port)) => (host.to_owned(), port),
            None => (authority.clone(), 443),
        };
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(root.clone().into()).map_err(|error| format!("a root is refused: {error}"))?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| error.to_string())?
            .with_root_certificates(store)
            .with_no_client_auth();
        Ok(Self { host, port, authority, config: Arc::new(config), tamper: None })
    }

    /// A request as it should be.
    pub(super) fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Response, String> {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.authority);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() || method == "POST" {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        self.raw(&[head.as_bytes(), b"\r\n", body].concat())
    }

    /// These bytes, whatever they are. An answer that ends early is read as far as it goes.
    pub(super) fn raw(&self, bytes: &[u8]) -> Result<Response, String> {
        let failed = |what: &str, error: &dyn std::fmt::Display| format!("{}: {what}: {error}", self.authority);
        let host = self.host.trim_matches(['[', ']']);
        let stream = TcpStream::connect((host, self.port)).map_err(|error| failed("no connection", &error))?;
        let timeouts = stream.set_read_timeout(Some(SILENCE)).and_then(|()| stream.set_write_timeout(Some(SILENCE)));
        timeouts.map_err(|error| failed("no time-out", &error))?;
        let name = ServerName::try_from(host.to_owned()).map_err(|error| failed("no name", &error))?;
        let connection = ClientConnection::new(Arc::clone(&self.config), name);
        let connection = connection.map_err(|error| failed("no TLS", &error))?;
        let mut stream = StreamOwned::new(connection, stream);
        // A server may answer and close before it has read all.
        let sent = stream.write_all(bytes).and_then(|()| stream.flush());
        let mut answer = Vec::new();
        let mut chunk = [0; 16_384];
        while (answer.len() as u64) < ANSWER_BYTES_MAX {
            match stream.read(&mut chunk) {
                Ok(0) | Err(_) => break,
                Ok(length) => answer.extend_from_slice(&chunk[..length]),
            }
        }
        if answer.is_empty() {
            return Err(match sent {
                Err(error) => failed("no answer", &error),
                Ok(()) => failed("no answer", &"the connection was closed"),
            });
        }
        let begin = || String::from_utf8_lossy(&answer).chars().take(80).collect::<String>();
        let mut response = read(&answer).ok_or_else(|| failed("no HTTP", &begin()))?;
        if let Some(tamper) = self.tamper {
            tamper(&mut response);
        }
        Ok(response)
    }
}

fn read(answer: &[u8]) -> Option<Response> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let rest = &answer[end + 4..];
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value.contains("chunked"));
    let body = if chunked { dechunked(rest)? } else { rest.to_vec() };
    Some(Response { status, headers, body })
}

fn dechunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let length = std::str::from_utf8(&rest[..end]).ok()?.split(';').next()?.trim();
        let length = usize::from_str_radix(length, 16).ok()?;
        rest = rest.get(end + 2..)?;
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..length)?);
        rest = rest.get(length + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_in_both_framings() {
        let plain = read(b"HTTP/1.1 200 OK\r\nContent-Type: a/b; c=d\r\n\r\nbody").unwrap();
        assert_eq!((plain.status, plain.media_type(), plain.body.as_slice()), (200, "a/b", &b"body"[..]));
        let chunked =
            read(b"HTTP/1.1 402 X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x\r\nd\r\n0\r\n\r\n").unwrap();
        assert_eq!((chunked.status, chunked.body.as_slice()), (402, &b"abcd"[..]));
        assert!(read(b"HTTP/1.1 200").is_none());
    }
}
