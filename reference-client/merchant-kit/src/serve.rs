//! A server for a shop that has none: TLS 1.3, HTTP/1.1 and HTTP/2. [HTB-1]
//!
//! For a first shop and for tests. A shop that many come to stands behind a proxy, or is a role of `purser-server`,
//! which holds slow and greedy clients at bay.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::version::TLS13;
use tower::ServiceExt;

use crate::error::{SetupError, setting};
use crate::settings::{Settings, Shell};
use crate::shop::Shop;

/// How long the head of a request may take, and a handshake.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to leave the system alone when it has no more sockets for us.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves a shop's routes, and its document, on the address and with the certificate of the same file's `[shell]`,
/// until the process ends. Says where on standard output when it listens.
pub async fn serve(config: impl AsRef<Path>, shop: &Shop, app: Router) -> Result<(), SetupError> {
    let (_, shell, folder) = Settings::read(config.as_ref())?;
    let shell = shell.ok_or_else(|| setting("shell", "is not there"))?;
    let failed = |error: io::Error| setting("listen", error.to_string());
    let listener = TcpListener::bind(shell.listen).await.map_err(failed)?;
    let url = match &shell.url {
        Some(url) => url.clone(),
        None => format!("https://{}", listener.local_addr().map_err(failed)?),
    };
    let tls = acceptor(&shell, &folder)?;
    println!("{url}");
    let app = app.merge(shop.discovery(&url));
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                tokio::spawn(connection(socket, tls.clone(), app.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "accept");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn acceptor(shell: &Shell, folder: &Path) -> Result<TlsAcceptor, SetupError> {
    let unreadable = |error: &dyn std::fmt::Display| setting("tls_cert", format!("or tls_key: {error}"));
    let chain = CertificateDer::pem_file_iter(folder.join(&shell.tls_cert)).map_err(|error| unreadable(&error))?;
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(|error| unreadable(&error))?;
    let key = PrivateKeyDer::from_pem_file(folder.join(&shell.tls_key)).map_err(|error| unreadable(&error))?;
    let config = ServerConfig::builder_with_protocol_versions(&[&TLS13]).with_no_client_auth();
    let mut config = config.with_single_cert(chain, key).map_err(|error| unreadable(&error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn connection(socket: tokio::net::TcpStream, tls: TlsAcceptor, app: Router) {
    let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, tls.accept(socket)).await else { return };
    let service = TowerToHyperService::new(app.map_request(|request: Request<_>| request.map(axum::body::Body::new)));
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(error, "a connection ended");
    }
}
