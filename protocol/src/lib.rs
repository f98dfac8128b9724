//! Purser: the rules as code.
//!
//! No socket, clock, file, thread or source of randomness of its own: time, keys and random bytes are
//! arguments, and what must be done comes back as values.

pub mod authorize;
pub mod bind;
pub mod cert;
pub mod code;
pub mod diag;
pub mod fault;
pub mod field;
pub mod flow;
pub mod id;
pub mod label;
pub mod ledger;
pub mod limits;
pub mod money;
pub mod paper;
pub mod period;
pub mod receipt;
pub mod render;
pub mod sign;
pub mod time;
pub mod token;
pub mod wire;
