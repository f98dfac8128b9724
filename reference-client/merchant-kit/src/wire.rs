//! The way to one address: one connection for each message, and nowhere but where the configuration says.

use std::error::Error;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::request::Builder;
use axum::http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use purser_protocol::limits::MESSAGE_BYTES_MAX;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::error::{SetupError, setting};
use crate::pem;

/// How long one answer may take, from the connection on.
const PATIENCE: Duration = Duration::from_secs(10);

/// An address to which messages are posted.
pub struct Wire {
    authority: String,
    path: String,
    host: String,
    port: u16,
    /// None on this machine, in the clear.
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Posted {
    /// The status.
    pub status: StatusCode,
    /// The media type of the body.
    pub media_type: String,
    /// The body.
    pub body: Bytes,
}

impl Wire {
    /// An address, which must be https; `http` is for this machine alone. `key` names the setting that it stands in.
    pub fn to(url: &str, roots: &Path, key: &'static str) -> Result<Self, SetupError> {
        let url: Uri = url.parse().map_err(|_| setting(key, "have a url that is none"))?;
        let authority = url.authority().ok_or_else(|| setting(key, "have a url without a host"))?;
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let is_here = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let tls = match url.scheme_str() {
            Some("https") => {
                let name = ServerName::try_from(host.clone());
                let name = name.map_err(|_| setting(key, "have a url with a host that has no name"))?;
                Some((connector(roots, key)?, name))
            }
            Some("http") if is_here => None,
            _ => return Err(setting(key, "have a url that is not https")),
        };
        let port = authority.port_u16().unwrap_or(if tls.is_some() { 443 } else { 80 });
        let path = url.path_and_query().map_or("/", |path| path.as_str()).trim_end_matches('/').to_owned();
        Ok(Self { authority: authority.to_string(), path, host, port, tls })
    }

    /// Posts a message below the address.
    pub async fn send(&self, below: &str, media: &str, body: Vec<u8>) -> Result<Posted, Box<dyn Error + Send + Sync>> {
        let request = self.request(Method::POST, below).header(CONTENT_TYPE, media).body(Full::new(body.into()))?;
        tokio::time::timeout(PATIENCE, self.exchange(request)).await?
    }

    /// Gets what is below the address.
    pub async fn get(&self, below: &str) -> Result<Posted, Box<dyn Error + Send + Sync>> {
        let request = self.request(Method::GET, below).body(Full::default())?;
        tokio::time::timeout(PATIENCE, self.exchange(request)).await?
    }

    fn request(&self, method: Method, below: &str) -> Builder {
        let target = format!("{}{below}", self.path);
        let target = if target.is_empty() { "/" } else { &target };
        Request::builder().method(method).uri(target).header(HOST, &self.authority)
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Posted, Box<dyn Error + Send + Sync>> {
        let socket = TcpStream::connect((self.host.as_str(), self.port)).await?;
        socket.set_nodelay(true)?;
        match &self.tls {
            Some((tls, name)) => talk(TokioIo::new(tls.connect(name.clone(), socket).await?), request).await,
            None => talk(TokioIo::new(socket), request).await,
        }
    }
}

async fn talk<S: Read + Write + Unpin + Send + 'static>(
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<Posted, Box<dyn Error + Send + Sync>> {
    let (mut sender, connection) = http1::handshake(stream).await?;
    tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let status = response.status();
    let media_type = response.headers().get(CONTENT_TYPE).and_then(|media| media.to_str().ok());
    let media_type = media_type.unwrap_or_default().to_owned();
    let body = Limited::new(response.into_body(), MESSAGE_BYTES_MAX).collect().await?;
    Ok(Posted { status, media_type, body: body.to_bytes() })
}

fn connector(roots: &Path, key: &'static str) -> Result<TlsConnector, SetupError> {
    let mut store = RootCertStore::empty();
    for der in pem::certificates(roots)? {
        store.add(CertificateDer::from(der)).map_err(|error| setting(key, error.to_string()))?;
    }
    let tls = ClientConfig::builder_with_protocol_versions(&[&TLS13]);
    Ok(TlsConnector::from(Arc::new(tls.with_root_certificates(store).with_no_client_auth())))
}
