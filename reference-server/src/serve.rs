//! Sockets: our own accept loop, its limits, and its end.
//!
//! ```text
//! accept -> seat -> TLS -> gate (HTTP/1.1 heads) -> hyper -> shell -> the role's routes
//! ```

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::config;
use crate::life::Life;
use crate::metrics;
use crate::tls::{self, TlsError};

mod activity;
mod body;
mod connection;
mod guard;
mod head;
mod lane;
mod seats;
mod shell;
mod stream;

pub use guard::Authority;
pub use lane::Lane;
pub use shell::Peer;

use connection::Connection;
use seats::{Origin, Seats};
use shell::Shell;

/// How long to leave the system alone when it has no more sockets for us.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A server that is listening.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    url: String,
    life: Life,
    task: JoinHandle<()>,
}

/// Why a server did not start, or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The certificate or its key.
    #[error("tls: {0}")]
    Tls(#[from] TlsError),
    /// The address.
    #[error("listen on {addr}: {source}")]
    Listen {
        /// The address of the configuration.
        addr: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Signals cannot be caught.
    #[error("signals: {0}")]
    Signals(#[source] io::Error),
}

/// An address that is taken, on which nothing is served yet.
pub struct Bound {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    addr: SocketAddr,
    url: String,
    limits: config::Limits,
}

impl Bound {
    /// Takes the address of the configuration.
    pub async fn bind(config: &config::Shell) -> Result<Self, ServeError> {
        metrics::install();
        let acceptor = TlsAcceptor::from(Arc::new(tls::server_config(&config.tls_cert, &config.tls_key)?));
        let failed = |source| ServeError::Listen { addr: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let url = config.url.clone().unwrap_or_else(|| format!("https://{addr}"));
        Ok(Self { listener, acceptor, addr, url, limits: config.limits.clone() })
    }

    /// The address that others know it by.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Serves `app` and the shell's own routes until [`Life::stop`].
    pub fn serve(self, app: Router, life: Life) -> Server {
        let shell = Arc::new(Shell::new(app, life.clone(), self.limits));
        let task = tokio::spawn(accept(self.listener, self.acceptor, shell));
        tracing::info!(addr = %self.addr, "listening");
        Server { addr: self.addr, url: self.url, life, task }
    }
}

impl Server {
    /// Takes the address of the configuration and serves `app` on it.
    pub async fn start(config: &config::Shell, app: Router, life: Life) -> Result<Self, ServeError> {
        Ok(Bound::bind(config).await?.serve(app, life))
    }

    /// The address that it listens on.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The address that others know it by.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// One line for whoever started the process, who must not have to read logs.
    pub fn ready_line(&self, role: &str) -> String {
        let addr = self.addr.to_string();
        serde_json::json!({"ready": true, "role": role, "addr": addr, "url": self.url}).to_string()
    }

    /// Serves until SIGTERM or SIGINT, then stops.
    ///
    /// `ready` is called when signals are waited for: whoever is told so may send one at once.
    pub async fn run(self, ready: impl FnOnce(&Self)) -> Result<(), ServeError> {
        let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signals)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signals)?;
        ready(&self);
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = self.life.stopping() => {}
        }
        self.stop().await;
        Ok(())
    }

    /// Stops: no new connections, and `drain_ms` for what is under way.
    pub async fn stop(self) {
        self.life.stop();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the accept loop failed");
        }
        tracing::info!("stopped");
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, shell: Arc<Shell>) {
    let seats = Seats::new(shell.limits());
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = shell.life().stopping() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, peer)) => match seats.take(Origin::from(peer.ip())) {
                Some(seat) => {
                    let shell = Arc::clone(&shell);
                    connections.spawn(Connection { peer, seat, shell }.serve(tcp, tls.clone()));
                }
                // Not a word: an answer would cost a handshake.
                None => metrics::dropped("no-seat"),
            },
            Err(error) => {
                tracing::warn!(%error, "accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(shell.limits().drain(), drained).await.is_err() {
        tracing::warn!(connections = connections.len(), "cut off while stopping");
    }
    connections.shutdown().await;
}
