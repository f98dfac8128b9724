//! A client that sends the bytes it is given.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;

use purser_protocol::code::Code;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::scene::within;

pub(crate) struct Client {
    pub(crate) reader: Reader,
    pub(crate) writer: WriteHalf<TlsStream<TcpStream>>,
}

pub(crate) struct Reader {
    stream: ReadHalf<TlsStream<TcpStream>>,
    bytes: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(addr: SocketAddr, connector: &TlsConnector) -> Self {
        Self::try_connect(addr, connector).await.unwrap()
    }

    pub(crate) async fn try_connect(addr: SocketAddr, connector: &TlsConnector) -> io::Result<Self> {
        let tcp = within(TcpStream::connect(addr)).await?;
        let name = ServerName::try_from("localhost").unwrap();
        let (reader, writer) = tokio::io::split(within(connector.connect(name, tcp)).await?);
        Ok(Self { reader: Reader { stream: reader, bytes: Vec::new() }, writer })
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        within(self.try_send(bytes)).await.unwrap();
    }

    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.writer.write_all(bytes.as_ref()).await?;
        self.writer.flush().await
    }

    pub(crate) async fn answer(&mut self) -> Answer {
        within(self.reader.answer()).await.unwrap()
    }

    /// Sends a request of these lines, and of this body under its `Content-Length`.
    pub(crate) async fn request(&mut self, line: &str, headers: &str, body: &[u8]) {
        self.send(request(line, headers, body)).await;
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn exchange(&mut self, line: &str, headers: &str, body: &[u8]) -> Answer {
        self.request(line, headers, body).await;
        self.answer().await
    }

    /// Whether the server ends the connection without another byte.
    pub(crate) async fn is_closed(&mut self) -> bool {
        within(self.reader.is_closed()).await
    }
}

/// A whole request. `headers` are lines with their ends.
pub(crate) fn request(line: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = match body {
        [] => String::new(),
        _ => format!("Content-Length: {}\r\n", body.len()),
    };
    let head = format!("{line} HTTP/1.1\r\nHost: localhost\r\n{length}{headers}\r\n");
    [head.as_bytes(), body].concat()
}

impl Reader {
    pub(crate) async fn answer(&mut self) -> io::Result<Answer> {
        loop {
            if let Some(answer) = self.parsed() {
                return Ok(answer);
            }
            if read_some(&mut self.stream, &mut self.bytes).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// The next answer, if all of it is here. Answers with a `Content-Length` only.
    fn parsed(&mut self) -> Option<Answer> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(start) = response.parse(&self.bytes).unwrap() else { return None };
        let status = response.code.unwrap();
        let headers: HashMap<_, _> = response
            .headers
            .iter()
            .map(|line| (line.name.to_ascii_lowercase(), String::from_utf8(line.value.to_vec()).unwrap()))
            .collect();
        let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let body = self.bytes.get(start..start + length)?.to_vec();
        self.bytes.drain(..start + length);
        Some(Answer { status, headers, body })
    }

    async fn is_closed(&mut self) -> bool {
        // An abrupt end is an end.
        let read = read_some(&mut self.stream, &mut self.bytes).await;
        matches!(read, Ok(0) | Err(_)) && self.bytes.is_empty()
    }
}

async fn read_some(stream: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>) -> io::Result<usize> {
    stream.read_buf(bytes).await
}

impl Answer {
    pub(crate) fn problem(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Checks that this refuses by `code`, at `stage`, as a problem that no cache keeps.
    #[track_caller]
    pub(crate) fn refuses(&self, code: Code, stage: &str) {
        assert_eq!(self.status, code.status(), "{self:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.headers["cache-control"], "no-store");
        let problem = self.problem();
        assert_eq!(problem["type"], format!("urn:purser:problem:{code}"));
        assert_eq!(problem["code"], code.number());
        assert_eq!(problem["stage"], stage);
        assert_eq!(problem["status"], code.status());
        let waits = matches!(self.status, 429 | 503);
        assert_eq!(self.headers.get("retry-after").is_some_and(|wait| wait.parse::<u32>().unwrap() > 0), waits);
    }

    /// Checks that this is a 200 with this body.
    #[track_caller]
    pub(crate) fn accepts(&self, body: impl AsRef<[u8]>) {
        assert_eq!((self.status, &self.body[..]), (200, body.as_ref()), "{self:?}");
    }
}
