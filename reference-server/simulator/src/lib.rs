//! A simulator: the issuer's own writer and the payer's own retry, under a clock, a network and a store that a seed
//! decides.
//!
//! | module | what it is |
//! |---|---|
//! | [`town`] | a run: who does what when, and what the network does to it |
//! | [`issuer`] | the server's desk, writer and start, one step at a time |
//! | [`disk`] | a store behind the server's own trait, that loses what was not synced |
//! | [`oracle`] | what must be true after every step |
//! | [`papers`], [`keys`], [`chance`] | what is signed, by whom, and what happens to happen |
//!
//! A seed is a run: the same events in the same order with the same bytes. `cargo run -p purser-simulator -- --seed 7
//! --says` tells one; without `--seed` it runs one after the other until something is found.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "no program that serves anybody links this; a run that cannot be set up has failed"
)]

pub mod chance;
pub mod disk;
pub mod issuer;
pub mod keys;
pub mod oracle;
pub mod papers;
pub mod program;
pub mod town;
