//! The socket as hyper sees it: HTTP/1.1 heads pass the gate, and a peer that takes nothing is let go.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;
use tokio::time::Sleep;

use super::head::{Gate, Verdict};

/// Bytes taken from the socket at a time.
const READ_BYTES: usize = 8 * 1_024;

/// Where a connection's verdict is left for the request that it is about.
pub(crate) type Verdicts = Arc<Mutex<Option<Verdict>>>;

/// A stream that hyper may use up and drop, and that comes back all the same.
pub(crate) struct Stream<S> {
    /// Here until dropped.
    inner: Option<S>,
    back: Option<oneshot::Sender<S>>,
    /// None for HTTP/2, whose frames say their length once.
    gate: Option<Gate>,
    verdicts: Verdicts,
    arrived: BytesMut,
    passed: BytesMut,
    ended: bool,
    stall: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Stream<S> {
    /// Also returns where the stream comes back to once hyper drops it.
    pub(crate) fn new(inner: S, gate: Option<Gate>, stall: Duration) -> (Self, oneshot::Receiver<S>) {
        let (back, returned) = oneshot::channel();
        let stream = Self {
            inner: Some(inner),
            back: Some(back),
            gate,
            verdicts: Verdicts::default(),
            arrived: BytesMut::new(),
            passed: BytesMut::new(),
            ended: false,
            stall,
            stalled: None,
        };
        (stream, returned)
    }

    /// Where this connection's verdict will be.
    pub(crate) fn verdicts(&self) -> Verdicts {
        Arc::clone(&self.verdicts)
    }
}

impl<S> Drop for Stream<S> {
    fn drop(&mut self) {
        if let (Some(inner), Some(back)) = (self.inner.take(), self.back.take()) {
            // Nobody waits for it when the connection was cut off.
            let _ = back.send(inner);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let Some(inner) = &mut this.inner else { return Poll::Ready(Ok(())) };
        let Some(gate) = &mut this.gate else { return Pin::new(inner).poll_read(cx, buf) };
        loop {
            if this.passed.is_empty()
                && !this.arrived.is_empty()
                && let Some(verdict) = gate.admit(&mut this.arrived, &mut this.passed)
            {
                *this.verdicts.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
            }
            if !this.passed.is_empty() {
                let now = buf.remaining().min(this.passed.len());
                buf.put_slice(&this.passed.split_to(now));
                return Poll::Ready(Ok(()));
            }
            if this.ended {
                return Poll::Ready(Ok(()));
            }
            let mut bytes = [0; READ_BYTES];
            let mut read = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut *inner).poll_read(cx, &mut read))?;
            this.ended = read.filled().is_empty();
            this.arrived.extend_from_slice(read.filled());
        }
    }
}

impl<S: AsyncWrite + Unpin> Stream<S> {
    /// Polls a write; one that has waited too long fails.
    fn writing<T>(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let Some(inner) = &mut self.inner else { return Poll::Ready(Err(io::ErrorKind::NotConnected.into())) };
        let polled = write(Pin::new(inner), cx);
        if polled.is_ready() {
            self.stalled = None;
            return polled;
        }
        let stall = self.stall;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.writing(cx, |inner, cx| inner.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writing(cx, |inner, cx| inner.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writing(cx, |inner, cx| inner.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writing(cx, |inner, cx| inner.poll_shutdown(cx))
    }
}
