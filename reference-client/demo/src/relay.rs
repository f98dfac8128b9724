//! A wire between a client and the issuer that can swallow what the issuer answers.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The relay. It carries bytes and understands none of them: TLS goes through it end to end.
pub(crate) struct Relay {
    addr: SocketAddr,
    withhold: watch::Sender<bool>,
    withheld: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Relay {
    /// A relay to `issuer` on a free port.
    pub(crate) async fn start(issuer: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind((issuer.ip(), 0)).await?;
        let addr = listener.local_addr()?;
        let (withhold, withholding) = watch::channel(false);
        let (swallowed, withheld) = watch::channel(0);
        let swallowed = Arc::new(swallowed);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (withholding, swallowed) = (withholding.clone(), Arc::clone(&swallowed));
                tokio::spawn(carry(client, issuer, withholding, swallowed));
            }
        });
        Ok(Self { addr, withhold, withheld, task })
    }

    /// Where clients find it.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// From now on nothing of what the issuer says comes through.
    pub(crate) fn withhold(&self) {
        self.withhold.send_replace(true);
    }

    /// New connections carry everything again.
    pub(crate) fn let_through(&self) {
        self.withhold.send_replace(false);
    }

    /// Returns once the issuer has said something that did not come through.
    pub(crate) async fn has_withheld(&self) {
        // The sender lives in the task, which lives as long as this.
        let _ = self.withheld.clone().wait_for(|bytes| *bytes > 0).await;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(
    client: TcpStream,
    issuer: SocketAddr,
    withholding: watch::Receiver<bool>,
    swallowed: Arc<watch::Sender<usize>>,
) {
    // Without the issuer the client's connection is closed as it came.
    let Ok(issuer) = TcpStream::connect(issuer).await else { return };
    if client.set_nodelay(true).and(issuer.set_nodelay(true)).is_err() {
        return;
    }
    let (from_client, to_client) = client.into_split();
    let (from_issuer, to_issuer) = issuer.into_split();
    // When one side ends, both are dropped, and with them the other side.
    tokio::select! {
        () = up(from_client, to_issuer) => {}
        () = down(from_issuer, to_client, withholding, swallowed) => {}
    }
}

async fn up(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let _ = tokio::io::copy(&mut from, &mut to).await;
}

async fn down(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    withholding: watch::Receiver<bool>,
    swallowed: Arc<watch::Sender<usize>>,
) {
    let mut buffer = [0; 4_096];
    // After a gap the rest would mean nothing: what is withheld once is withheld to the end.
    let mut broken = false;
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        broken |= *withholding.borrow();
        if broken {
            swallowed.send_modify(|bytes| *bytes += length);
        } else if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
