//! The merchant as others meet it: both roles as real servers over TLS, with their stores on disk.
//!
//! What decides is what is answered, what the stores say afterwards, and what the issuer's books come to. A refusal
//! names status, code and stage, and has a twin beside it that is accepted. Nothing sleeps to decide anything; what
//! must happen in the middle of something is begun when enough of it has been seen.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod authority;
mod line;
mod mint;
mod papers;
mod store;
mod town;

mod back;
mod bounds;
mod directory;
mod logs;
mod made;
mod metered;
mod offered;
mod once;
mod packs;
mod privacy;
mod processes;
mod redeemed;
mod settled;
mod sizes;
mod statement;
