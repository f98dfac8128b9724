//! Connections to the issuer: TLS 1.3, HTTP/1.1 or HTTP/2.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::{http1, http2};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::{TokioExecutor, TokioIo};
use purser_protocol::bind::http::PAYMENT_REQUEST;
use purser_server::pem;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, version};

use crate::Failure;

/// Which HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Http {
    One,
    Two,
}

/// Whom to connect to, and whom to believe.
#[derive(Clone)]
pub(crate) struct Target {
    addr: SocketAddr,
    one: TlsConnector,
    two: TlsConnector,
}

/// A connection; of HTTP/2, one handle on it.
pub(crate) enum Line {
    One(http1::SendRequest<Full<Bytes>>, SocketAddr),
    Two(http2::SendRequest<Full<Bytes>>, SocketAddr),
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

impl Target {
    pub(crate) fn new(addr: SocketAddr, roots: &Path) -> Result<Self, Failure> {
        let mut store = RootCertStore::empty();
        for root in pem::certificates(roots)? {
            store.add(CertificateDer::from(root))?;
        }
        let connector = |alpn: &[u8]| -> Result<TlsConnector, Failure> {
            let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_protocol_versions(&[&version::TLS13])?
                .with_root_certificates(store.clone())
                .with_no_client_auth();
            config.alpn_protocols = vec![alpn.to_vec()];
            Ok(TlsConnector::from(Arc::new(config)))
        };
        Ok(Self { addr, one: connector(b"http/1.1")?, two: connector(b"h2")? })
    }

    /// Opens a connection.
    pub(crate) async fn open(&self, http: Http) -> Result<Line, Failure> {
        let socket = TcpStream::connect(self.addr).await?;
        socket.set_nodelay(true)?;
        let name = ServerName::IpAddress(self.addr.ip().into());
        let connector = if http == Http::Two { &self.two } else { &self.one };
        let stream = TokioIo::new(connector.connect(name, socket).await?);
        match http {
            Http::One => {
                let (sender, connection) = http1::handshake(stream).await?;
                tokio::spawn(connection);
                Ok(Line::One(sender, self.addr))
            }
            Http::Two => {
                let (sender, connection) = http2::Builder::new(TokioExecutor::new()).handshake(stream).await?;
                tokio::spawn(connection);
                Ok(Line::Two(sender, self.addr))
            }
        }
    }
}

impl Line {
    /// Another handle on the same connection, where it carries several requests.
    pub(crate) fn another(&self) -> Option<Self> {
        match self {
            Self::One(..) => None,
            Self::Two(sender, addr) => Some(Self::Two(sender.clone(), *addr)),
        }
    }

    pub(crate) async fn pay(&mut self, body: Bytes) -> Result<Answer, Failure> {
        self.send("/v1/intents", Some(body)).await
    }

    /// Reads something.
    pub(crate) async fn get(&mut self, path: &str) -> Result<Answer, Failure> {
        self.send(path, None).await
    }

    async fn send(&mut self, path: &str, body: Option<Bytes>) -> Result<Answer, Failure> {
        let (Self::One(_, addr) | Self::Two(_, addr)) = self;
        let request = match body.is_some() {
            true => Request::post(format!("https://{addr}{path}")).header(CONTENT_TYPE, PAYMENT_REQUEST),
            false => Request::get(format!("https://{addr}{path}")),
        };
        let body = Full::from(body.unwrap_or_default());
        let response = match self {
            Self::One(sender, addr) => {
                let mut request = request.header(HOST, addr.to_string()).body(body)?;
                *request.uri_mut() = path.parse()?;
                sender.ready().await?;
                sender.send_request(request).await?
            }
            Self::Two(sender, _) => {
                sender.ready().await?;
                sender.send_request(request.body(body)?).await?
            }
        };
        let status = response.status().as_u16();
        Ok(Answer { status, body: response.into_body().collect().await?.to_bytes() })
    }
}
