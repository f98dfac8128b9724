//! The issuer as others meet it: the program itself, over TLS, with its store on disk.
//!
//! What decides is what is answered, and what the account and the store say afterwards. A refusal names its
//! code, and has a twin beside it that is accepted. Nothing sleeps; what must happen in the middle of
//! something is begun when enough of it has been seen.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod audit;
mod database;
mod line;
mod log;
mod papers;
mod scene;
mod snapshot;
mod storm;

mod crash;
mod devices;
mod due;
mod faults;
mod flood;
mod journey;
mod mandates;
mod many;
mod notices;
mod passkeys;
mod past;
mod reads;
mod restored;
mod together;
mod upgrade;
mod wallet;
