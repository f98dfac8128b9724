//! A server on a free port, under a certification authority of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::routing::{get, post};
use axum::{Extension, http};
use purser_protocol::code::Code;
use purser_server::config::{Limits, Shell};
use purser_server::life::Life;
use purser_server::reply::Problem;
use purser_server::serve::{Authority, Peer, Server};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, version};

use crate::client::Client;

/// Longer than any test takes, for whatever must not run out.
pub(crate) const LONG_MS: u64 = 60_000;
/// Soon over, for whatever must.
pub(crate) const SHORT_MS: u64 = 200;

pub(crate) struct Scene {
    pub(crate) server: Server,
    pub(crate) life: Life,
    pub(crate) gate: Arc<Gate>,
    anchor: CertificateDer<'static>,
    _files: Files,
}

/// Holds what is sent to `/v1/intents` until a test lets it go.
pub(crate) struct Gate {
    entered: Semaphore,
    leave: Semaphore,
}

impl Gate {
    /// Waits until so many more requests are in the handler.
    pub(crate) async fn entered(&self, count: u32) {
        within(self.entered.acquire_many(count)).await.unwrap().forget();
    }

    /// Lets so many requests leave the handler.
    pub(crate) fn open(&self, count: usize) {
        self.leave.add_permits(count);
    }
}

/// Limits that no test reaches by accident.
pub(crate) fn patient() -> Limits {
    Limits { head_ms: LONG_MS, body_ms: LONG_MS, stall_ms: LONG_MS, ..Limits::default() }
}

/// Fails a test that hangs; no test passes or fails by how long this takes.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_millis(LONG_MS), future).await.expect("the test hangs")
}

impl Scene {
    pub(crate) async fn start(limits: Limits) -> Self {
        let (files, anchor) = Files::new();
        let shell = Shell { limits, ..files.shell() };
        let gate = Arc::new(Gate { entered: Semaphore::new(0), leave: Semaphore::new(0) });
        let life = Life::new();
        life.set_ready(true);
        let server = Server::start(&shell, app(Arc::clone(&gate)), life.clone()).await.unwrap();
        Self { server, life, gate, anchor, _files: files }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    pub(crate) fn connector(&self, alpn: &[u8]) -> TlsConnector {
        connector(&self.anchor, alpn)
    }

    /// A connection for HTTP/1.1.
    pub(crate) async fn connect(&self) -> Client {
        Client::connect(self.addr(), &self.connector(b"http/1.1")).await
    }

    /// A connection as soon as the server has a seat for it.
    pub(crate) async fn reconnect(&self) -> Client {
        let connector = self.connector(b"http/1.1");
        within(async {
            loop {
                if let Ok(client) = Client::try_connect(self.addr(), &connector).await {
                    return client;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }
}

pub(crate) fn connector(anchor: &CertificateDer<'static>, alpn: &[u8]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(anchor.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    TlsConnector::from(Arc::new(config))
}

/// A folder with a certificate and its key, gone when dropped.
pub(crate) struct Files {
    pub(crate) folder: PathBuf,
}

impl Files {
    pub(crate) fn new() -> (Self, CertificateDer<'static>) {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("shell-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();

        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        fs::write(folder.join("server.pem"), leaf.pem()).unwrap();
        fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
        (Self { folder }, authority.der().clone())
    }

    fn shell(&self) -> Shell {
        Shell { tls_cert: self.folder.join("server.pem"), tls_key: self.folder.join("server.key"), ..Shell::default() }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn app(gate: Arc<Gate>) -> Router {
    let decide = async move |body: Bytes| {
        gate.entered.add_permits(1);
        gate.leave.acquire().await.unwrap().forget();
        body
    };
    let where_to = async |Extension(Authority(host)): Extension<Authority>, Extension(Peer(peer)): Extension<Peer>| {
        format!("{host} {}", peer.ip())
    };
    let paid = async || {
        let challenge = http::HeaderValue::from_static("Payment realm=\"shop.example\"");
        Err::<(), _>(Problem::new(Code::PaymentRequired).header(http::header::WWW_AUTHENTICATE, challenge))
    };
    let outcome = async |Path(id): Path<String>| id;
    Router::new()
        .route("/v1/intents", post(decide))
        .route("/v1/intents/{id}", get(outcome))
        .route("/v1/commands", post(async |body: Bytes| body))
        .route("/echo", post(async |body: Bytes| body))
        .route("/where", get(where_to))
        .route("/paid", get(paid))
        .route("/large", get(async || vec![b'x'; 8 * 1024 * 1024]))
        .route(
            "/panic",
            get(async || {
                if true {
                    panic!("on purpose")
                }
            }),
        )
}
