//! Purser: the rules as code.
//!
//! No socket, clock, file, thread or source of randomness of its own: time, keys and random bytes are
//! arguments, and what must be done comes back as values.

pub mod code;
pub mod fault;
pub mod money;
pub mod time;
