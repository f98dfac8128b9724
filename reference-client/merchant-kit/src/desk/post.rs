//! The way to an issuer: one connection for each command, and nowhere but where the configuration says.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use purser_protocol::bind::http::{ANSWER, PAPER};
use purser_protocol::limits::MESSAGE_BYTES_MAX;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::error::{SetupError, setting};
use crate::pem;
use crate::settings::IssuerEntry;

/// How long one answer may take, from the connection on.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends commands to one issuer.
pub struct Post {
    authority: String,
    host: String,
    port: u16,
    name: ServerName<'static>,
    tls: TlsConnector,
}

impl Post {
    /// The way to the issuer of a configuration, whose paths start in this folder.
    pub fn to(entry: &IssuerEntry, folder: &Path) -> Result<Self, SetupError> {
        let url: Uri = entry.url.parse().map_err(|_| setting("issuers", "have a url that is none"))?;
        let authority = url.authority().ok_or_else(|| setting("issuers", "have a url without a host"))?;
        if url.scheme_str() != Some("https") {
            return Err(setting("issuers", "have a url that is not https"));
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host.clone());
        let mut roots = RootCertStore::empty();
        for der in pem::certificates(&folder.join(&entry.roots))? {
            roots.add(CertificateDer::from(der)).map_err(|error| setting("issuers", error.to_string()))?;
        }
        let tls = ClientConfig::builder_with_protocol_versions(&[&TLS13]);
        let tls = tls.with_root_certificates(roots).with_no_client_auth();
        Ok(Self {
            authority: authority.to_string(),
            port: authority.port_u16().unwrap_or(443),
            name: name.map_err(|_| setting("issuers", "have a url with a host that has no name"))?,
            host,
            tls: TlsConnector::from(Arc::new(tls)),
        })
    }

    /// Sends a command; gives the body of the signed answer, or nothing when nothing was decided.
    pub async fn send(&self, command: Vec<u8>) -> Result<Option<Bytes>, Box<dyn Error + Send + Sync>> {
        tokio::time::timeout(PATIENCE, self.exchange(command)).await?
    }

    async fn exchange(&self, command: Vec<u8>) -> Result<Option<Bytes>, Box<dyn Error + Send + Sync>> {
        let socket = TcpStream::connect((self.host.as_str(), self.port)).await?;
        socket.set_nodelay(true)?;
        let stream = TokioIo::new(self.tls.connect(self.name.clone(), socket).await?);
        let (mut sender, connection) = http1::handshake(stream).await?;
        tokio::spawn(connection);
        let request = Request::post("/v1/commands")
            .header(HOST, &self.authority)
            .header(CONTENT_TYPE, PAPER)
            .body(Full::new(Bytes::from(command)))?;
        let response = sender.send_request(request).await?;
        if response.headers().get(CONTENT_TYPE).is_none_or(|media| media != ANSWER) {
            return Ok(None);
        }
        let body = Limited::new(response.into_body(), MESSAGE_BYTES_MAX).collect().await?;
        Ok(Some(body.to_bytes()))
    }
}
