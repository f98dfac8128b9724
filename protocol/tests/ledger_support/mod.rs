//! A pretend world around a real ledger: parties with keys and certificates, a clock that tests move, and the
//! way that every message takes: bytes, [`Desk`](purser_protocol::flow::issuer::Desk), ledger.

#![allow(dead_code, unreachable_pub, missing_docs, unused_imports, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot build its case has failed"
)]

pub mod build;
pub mod forge;
pub mod keys;
pub mod rows;
pub mod said;
pub mod world;

pub use build::*;
pub use said::*;
pub use world::*;
