//! One connection, from its handshake to its last byte.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::activity::Activity;
use super::head::{Gate, HEAD_BYTES_MAX, HEADERS_MAX};
use super::seats::Seat;
use super::shell::{Arrival, Refusal, Shell};
use super::stream::{Stream, Verdicts};
use crate::metrics::{self, Counted};
use crate::tls::H2;

/// Streams that a peer may open and reset before we have looked at them.
const RESET_STREAMS_MAX: usize = 20;
/// Streams that a peer may make us reset, over the life of a connection.
const ERROR_STREAMS_MAX: usize = 256;
/// What an HTTP/2 stream, and a connection with all its streams, may send before we have read it.
const STREAM_WINDOW_BYTES: u32 = 64 * 1_024;
const WINDOW_BYTES: u32 = 256 * 1_024;
/// What one answer may take of memory on its way out.
const SEND_BYTES_MAX: usize = 128 * 1_024;
/// How long, and for how many bytes, a peer is listened to after the last answer.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES_MAX: usize = 1_024 * 1_024;

/// A connection that has a seat.
pub(super) struct Connection {
    pub(super) peer: SocketAddr,
    pub(super) seat: Seat,
    pub(super) shell: Arc<Shell>,
}

impl Connection {
    /// Serves it to its end, and only then gives its seat back.
    pub(super) async fn serve(self, tcp: TcpStream, acceptor: TlsAcceptor) {
        let _counted = Counted::connection();
        // Without it small answers wait for the peer's acknowledgements; a failure costs only time.
        let _ = tcp.set_nodelay(true);
        let limits = self.shell.limits().clone();
        let Ok(Ok(tls)) = tokio::time::timeout(limits.head(), acceptor.accept(tcp)).await else {
            metrics::dropped("no-tls");
            return;
        };
        let is_h2 = tls.get_ref().1.alpn_protocol() == Some(H2);
        let (stream, returned) = Stream::new(tls, (!is_h2).then(Gate::new), limits.stall());
        let activity = Activity::new();
        let requests = Arc::new(Requests {
            peer: self.peer,
            reserved_only: self.seat.reserved_only,
            shell: Arc::clone(&self.shell),
            verdicts: stream.verdicts(),
            activity: activity.clone(),
            next: AtomicU64::new(0),
        });
        let service = service_fn(move |request| Arc::clone(&requests).answer(request));
        let ended = Ended { shell: &self.shell, activity: &activity };
        if is_h2 {
            let connection = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_concurrent_streams(limits.streams_per_connection)
                .max_pending_accept_reset_streams(RESET_STREAMS_MAX)
                .max_local_error_reset_streams(ERROR_STREAMS_MAX)
                .max_header_list_size(HEAD_BYTES_MAX as u32)
                .initial_stream_window_size(STREAM_WINDOW_BYTES)
                .initial_connection_window_size(WINDOW_BYTES)
                .max_send_buf_size(SEND_BYTES_MAX)
                .serve_connection(TokioIo::new(stream), service);
            ended.of(connection, http2::Connection::graceful_shutdown).await;
        } else {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits.head())
                .max_headers(HEADERS_MAX)
                .max_buf_size(HEAD_BYTES_MAX)
                .serve_connection(TokioIo::new(stream), service);
            if ended.of(connection, http1::Connection::graceful_shutdown).await {
                linger(returned).await;
            }
        }
    }
}

/// The requests of one connection, in their order.
struct Requests {
    peer: SocketAddr,
    reserved_only: bool,
    shell: Arc<Shell>,
    verdicts: Verdicts,
    activity: Activity,
    next: AtomicU64,
}

impl Requests {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        // hyper calls for the requests of an HTTP/1.1 connection one after the other, as they came.
        let ordinal = self.next.fetch_add(1, Ordering::Relaxed);
        let under_way = self.activity.begin();
        let arrival = Arrival { peer: self.peer, reserved_only: self.reserved_only, refused: self.verdict(ordinal) };
        let response = self.shell.answer(arrival, request).await;
        if response.body().size_hint().exact().is_some() {
            return Ok(response);
        }
        // A stream is under way until its end, however long nothing comes.
        Ok(response.map(|body| {
            Body::new(body.map_frame(move |frame| {
                let _ = &under_way;
                frame
            }))
        }))
    }

    fn verdict(&self, ordinal: u64) -> Option<Refusal> {
        let verdict = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = verdict.as_ref().filter(|verdict| ordinal >= verdict.ordinal)?;
        Some((verdict.fault.clone(), verdict.accept.clone()))
    }
}

/// The ends of a connection other than its own.
struct Ended<'a> {
    shell: &'a Shell,
    activity: &'a Activity,
}

impl Ended<'_> {
    /// Drives `connection` until it ends, is idle too long, or has finished after the server began to stop;
    /// returns whether it ended well.
    async fn of<C>(self, connection: C, shut_down: impl Fn(Pin<&mut C>)) -> bool
    where
        C: Future<Output = hyper::Result<()>>,
    {
        let limits = self.shell.limits();
        let mut connection = pin!(connection);
        let mut stopping = pin!(self.shell.life().stopping());
        let mut told = false;
        loop {
            tokio::select! {
                ended = connection.as_mut() => return ended.is_ok(),
                () = &mut stopping, if !told => {
                    shut_down(connection.as_mut());
                    told = true;
                }
                () = self.activity.idle(limits.head(), limits.idle()) => return false,
            }
        }
    }
}

/// Reads on for a moment after the last answer.
///
/// A peer that was refused while it was still sending would otherwise be reset, and might never see why.
async fn linger(returned: oneshot::Receiver<TlsStream<TcpStream>>) {
    let Ok(tls) = returned.await else { return };
    let (mut tcp, _) = tls.into_inner();
    let drained = async {
        let mut left = LINGER_BYTES_MAX;
        let mut bytes = [0; 4_096];
        tcp.shutdown().await?;
        while left > 0 {
            match tcp.read(&mut bytes).await? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        std::io::Result::Ok(())
    };
    // Whatever happens now, the answer is sent.
    let _ = tokio::time::timeout(LINGER, drained).await;
}
