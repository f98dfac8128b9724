//! The client against real sockets: an issuer, a merchant that can be told to misbehave, and the command itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod ca;
mod cases;
mod issuer;
mod merchant;
mod scene;
