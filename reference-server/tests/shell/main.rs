//! The transport shell over real sockets and TLS, with requests written by hand.
//!
//! A refusal names its code and stage, and has a twin beside it that is accepted. What decides is what is
//! seen: an answer, or the end of the connection. Limits of time are made short where they should be
//! reached and long where they should not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod client;
mod scene;

mod answers;
mod bodies;
mod headers;
mod heads;
mod http2;
mod overload;
mod process;
mod tls;
