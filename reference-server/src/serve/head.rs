//! What HTTP/1.1 leaves to the bytes: how long a request says it is.
//!
//! hyper answers a request that gives its length in two ways as if it had given one: beside a
//! `Transfer-Encoding` it drops every `Content-Length`, and of equal ones it keeps the first. No handler can
//! see that anything was there. So each head is judged here before hyper gets it, with the parser that hyper
//! uses; one that is refused is replaced by a bare request whose only answer is the refusal, and nothing
//! after it on the connection is read. [HTB-20] [HTB-21]

use axum::http::HeaderValue;
use bytes::{Buf, BytesMut};
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;

/// Longest head of a request, and hyper's buffer for it.
pub(crate) const HEAD_BYTES_MAX: usize = 16 * 1_024;
/// Most header lines of a request.
pub(crate) const HEADERS_MAX: usize = 64;

/// Stands in for a head that was refused.
const SUBSTITUTE: &[u8] = b"GET / HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n";

/// Why a head was not let through.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// Which request of the connection, counted from 0.
    pub(crate) ordinal: u64,
    /// What was wrong with it.
    pub(crate) fault: Fault,
    /// Its `Accept`, for the form of the answer.
    pub(crate) accept: Option<HeaderValue>,
}

/// Follows one connection from head to head.
#[derive(Debug)]
pub(crate) struct Gate {
    state: State,
    ordinal: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A head comes next.
    Head,
    /// So many bytes of a body come next, then a head.
    Body(u64),
    /// All that comes is one body: its end is hyper's to find, and the connection ends with its answer.
    Last,
    /// Nothing more is let through.
    Shut,
}

impl Gate {
    pub(crate) const fn new() -> Self {
        Self { state: State::Head, ordinal: 0 }
    }

    /// Moves from `arrived` to `passed` what may pass, at most one head; returns a verdict when it is refused.
    ///
    /// Leaves `passed` empty when more bytes are needed.
    pub(crate) fn admit(&mut self, arrived: &mut BytesMut, passed: &mut BytesMut) -> Option<Verdict> {
        match self.state {
            State::Head => return self.head(arrived, passed),
            State::Body(left) => {
                let now = usize::try_from(left).unwrap_or(usize::MAX).min(arrived.len());
                passed.unsplit(arrived.split_to(now));
                self.state = match left - now as u64 {
                    0 => State::Head,
                    left => State::Body(left),
                };
            }
            State::Last => passed.unsplit(arrived.split()),
            State::Shut => arrived.advance(arrived.len()),
        }
        None
    }

    fn head(&mut self, arrived: &mut BytesMut, passed: &mut BytesMut) -> Option<Verdict> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut headers);
        let judged = match request.parse(arrived) {
            Ok(httparse::Status::Partial) if arrived.len() <= HEAD_BYTES_MAX => return None,
            Ok(httparse::Status::Complete(length)) => match framing(&request) {
                Ok(next) => {
                    passed.unsplit(arrived.split_to(length));
                    self.state = next;
                    None
                }
                Err(fault) => Some((fault, accept(&request), SUBSTITUTE.into())),
            },
            // Too long, or no request at all: hyper says so by itself, and if it ever finds
            // a request in it, that is refused.
            Ok(httparse::Status::Partial) | Err(_) => Some((Code::FramingAmbiguous.into(), None, arrived.split())),
        };
        let ordinal = self.ordinal;
        self.ordinal += 1;
        let (fault, accept, instead): (_, _, BytesMut) = judged?;
        self.state = State::Shut;
        arrived.clear();
        passed.unsplit(instead);
        Some(Verdict { ordinal, fault, accept })
    }
}

/// What follows this head, if the head says it once.
fn framing(request: &httparse::Request<'_, '_>) -> Result<State, Fault> {
    let values = |name: &str| {
        let mut lines = request.headers.iter().filter(|line| line.name.eq_ignore_ascii_case(name));
        (lines.next().map(|line| line.value), lines.next().is_some())
    };
    let (length, length_twice) = values("content-length");
    let (coding, coding_twice) = values("transfer-encoding");
    let ambiguous = |field| Err(Fault::new(Code::FramingAmbiguous).field(field));
    if length.is_some() && coding.is_some() {
        return ambiguous("content-length");
    }
    if length_twice {
        return Err(Fault::new(Code::HeaderDuplicated).field("content-length"));
    }
    if coding_twice {
        return Err(Fault::new(Code::HeaderDuplicated).field("transfer-encoding"));
    }
    match (length.map(digits), coding) {
        (None, None) | (Some(Some(0)), _) => Ok(State::Head),
        (Some(Some(length)), _) => Ok(State::Body(length)),
        (Some(None), _) => ambiguous("content-length"),
        // Another coding under or over `chunked` would leave the body's end to the reader's taste,
        // and HTTP/1.0 has no chunks.
        (None, Some(coding)) if coding.eq_ignore_ascii_case(b"chunked") && request.version == Some(1) => {
            Ok(State::Last)
        }
        (None, Some(_)) => ambiguous("transfer-encoding"),
    }
}

fn digits(value: &[u8]) -> Option<u64> {
    let all = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    all.then(|| str::from_utf8(value).ok()?.parse().ok())?
}

fn accept(request: &httparse::Request<'_, '_>) -> Option<HeaderValue> {
    let line = request.headers.iter().find(|line| line.name.eq_ignore_ascii_case("accept"))?;
    HeaderValue::from_bytes(line.value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends `bytes` in pieces of `piece`; returns what passed and the verdict.
    fn send(bytes: &[u8], piece: usize) -> (Vec<u8>, Option<Verdict>) {
        let mut gate = Gate::new();
        let (mut arrived, mut passed, mut out) = (BytesMut::new(), BytesMut::new(), Vec::new());
        let mut verdict = None;
        for piece in bytes.chunks(piece) {
            arrived.extend_from_slice(piece);
            loop {
                let found = gate.admit(&mut arrived, &mut passed);
                verdict = verdict.or(found);
                if passed.is_empty() {
                    break;
                }
                out.extend_from_slice(&passed.split());
            }
        }
        (out, verdict)
    }

    fn head(lines: &str) -> Vec<u8> {
        format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n").into_bytes()
    }

    #[test]
    fn whatever_is_framed_once_passes_as_it_came() {
        let mut all = head("");
        all.extend([head("Content-Length: 5\r\n"), b"GET /".to_vec()].concat());
        all.extend([head("content-length: 0\r\n"), head("Connection: close\r\n")].concat());
        all.extend([head("Transfer-Encoding: Chunked\r\n"), b"1\r\nx\r\n0\r\n\r\nGET / H".to_vec()].concat());
        for piece in 1..all.len() {
            let (out, verdict) = send(&all, piece);
            assert!(verdict.is_none(), "{verdict:?}");
            assert_eq!(out, all, "in pieces of {piece}");
        }
    }

    #[test]
    fn whatever_is_framed_twice_does_not() {
        let cases = [
            ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", Code::FramingAmbiguous),
            ("transfer-encoding: chunked\r\ncontent-length: 3\r\n", Code::FramingAmbiguous),
            ("Content-Length: 3\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n", Code::FramingAmbiguous),
            ("Content-Length: 3\r\ncontent-length: 3\r\n", Code::HeaderDuplicated),
            ("Content-Length: 3\r\ncontent-length: 4\r\n", Code::HeaderDuplicated),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Code::HeaderDuplicated),
            ("Transfer-Encoding: gzip, chunked\r\n", Code::FramingAmbiguous),
            ("Transfer-Encoding: identity\r\n", Code::FramingAmbiguous),
            ("Content-Length: +3\r\n", Code::FramingAmbiguous),
            ("Content-Length: 3, 3\r\n", Code::FramingAmbiguous),
            ("Content-Length:\r\n", Code::FramingAmbiguous),
            ("Content-Length: 18446744073709551616\r\n", Code::FramingAmbiguous),
        ];
        for (lines, code) in cases {
            let first = head("Content-Length: 2\r\n");
            let all = [&first, &b"xy"[..], &head(lines), b"xyzGET /next HTTP/1.1\r\n\r\n"].concat();
            for piece in [1, 7, all.len()] {
                let (out, verdict) = send(&all, piece);
                let verdict = verdict.unwrap();
                assert_eq!((verdict.fault.code, verdict.ordinal), (code, 1), "{lines}");
                assert_eq!(out, [&first, &b"xy"[..], SUBSTITUTE].concat(), "{lines}");
            }
        }
        let (_, verdict) = send(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 100);
        assert_eq!(verdict.unwrap().fault.code, Code::FramingAmbiguous);
    }

    #[test]
    fn what_is_no_request_is_left_to_hyper_and_marked() {
        let long = [&b"GET / HTTP/1.1\r\nX: "[..], &[b'x'; HEAD_BYTES_MAX]].concat();
        for bytes in [&b"\x16\x03\x01\n"[..], b"PRI * HTTP/2.0\r\n\r\n", &long] {
            let (out, verdict) = send(bytes, bytes.len());
            assert_eq!(out, bytes);
            assert!(verdict.is_some());
        }
    }

    #[test]
    fn the_form_of_the_answer_is_the_refused_requests_own() {
        let (_, verdict) = send(&head("Accept: application/cbor\r\nContent-Length: x\r\n"), 9);
        assert_eq!(verdict.unwrap().accept.unwrap(), "application/cbor");
    }
}
