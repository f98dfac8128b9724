//! Refunds that are owed, sent to their issuers until each has its receipt.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{Request, Uri};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use purser_protocol::bind::http::{ANSWER, PAPER};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::config::MerchantConfig;
use super::offers::{Offers, Owed};
use crate::config::Config;
use crate::material::{SetupError, setting};
use crate::pem;

/// How long to wait for one answer, and before asking again.
const PATIENCE: Duration = Duration::from_secs(10);

/// Wakes the one that sends.
pub(super) struct Sender(Arc<Notify>);

impl Sender {
    pub(super) fn wake(&self) {
        self.0.notify_one();
    }
}

/// Where an issuer is.
struct Issuer {
    authority: String,
    host: String,
    port: u16,
    tls: TlsConnector,
}

/// Sends what is owed, now and whenever it is woken.
pub(super) fn start(settings: &MerchantConfig, config: &Config, offers: &Offers) -> Result<Sender, SetupError> {
    let mut issuers = HashMap::new();
    for entry in &settings.issuers {
        let url: Uri = entry.url.parse().map_err(|_| setting("issuers", "have a url that is none"))?;
        let authority = url.authority().ok_or_else(|| setting("issuers", "have a url without a host"))?;
        let mut roots = RootCertStore::empty();
        for der in pem::certificates(&config.path(&entry.roots))? {
            roots.add(CertificateDer::from(der)).map_err(|error| setting("issuers", error.to_string()))?;
        }
        let tls = ClientConfig::builder_with_protocol_versions(&[&tokio_rustls::rustls::version::TLS13]);
        let tls = tls.with_root_certificates(roots).with_no_client_auth();
        issuers.insert(
            entry.name.clone(),
            Issuer {
                authority: authority.to_string(),
                host: authority.host().to_owned(),
                port: authority.port_u16().unwrap_or(443),
                tls: TlsConnector::from(Arc::new(tls)),
            },
        );
    }
    let mut offers = offers.again()?;
    let wake = Arc::new(Notify::new());
    let woken = Arc::clone(&wake);
    tokio::spawn(async move {
        loop {
            for owed in offers.owed().unwrap_or_default() {
                settle(&issuers, &mut offers, &owed).await;
            }
            // What could not be sent is tried again after a while.
            let _ = tokio::time::timeout(PATIENCE, woken.notified()).await;
        }
    });
    Ok(Sender(wake))
}

async fn settle(issuers: &HashMap<String, Issuer>, offers: &mut Offers, owed: &Owed) {
    let Some(issuer) = issuers.get(&owed.issuer) else { return };
    match tokio::time::timeout(PATIENCE, issuer.send(owed.refund.clone())).await {
        Ok(Ok(true)) => {
            if let Err(error) = offers.answered(&owed.intent) {
                tracing::warn!(%error, "a refund's answer was not kept; it is sent again, and does nothing twice");
            }
        }
        Ok(Ok(false)) => tracing::warn!(intent = %owed.intent, "a refund was not decided"),
        Ok(Err(error)) => tracing::warn!(%error, "a refund could not be sent"),
        Err(_) => tracing::warn!("a refund had no answer in time"),
    }
}

impl Issuer {
    /// Whether the issuer gave a signed answer.
    async fn send(&self, paper: Vec<u8>) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
        let socket = TcpStream::connect((self.host.trim_matches(['[', ']']), self.port)).await?;
        socket.set_nodelay(true)?;
        let name = ServerName::try_from(self.host.trim_matches(['[', ']']).to_owned())?;
        let stream = TokioIo::new(self.tls.connect(name, socket).await?);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
        tokio::spawn(connection);
        let request = Request::post("/v1/commands")
            .header(HOST, &self.authority)
            .header(CONTENT_TYPE, PAPER)
            .body(Full::new(Bytes::from(paper)))?;
        let response = sender.send_request(request).await?;
        Ok(response.headers().get(CONTENT_TYPE).is_some_and(|value| value == ANSWER))
    }
}
