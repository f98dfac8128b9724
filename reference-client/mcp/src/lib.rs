//! Purser over the Model Context Protocol.
//!
//! - [`agent`]: tools for an agent that pays. None of them approves, raises a limit, adds a payee or shows a key;
//! - [`merchant`]: tools for a merchant: payments to ask for, payments that came in, refunds where they are switched on;
//! - [`priced`]: a price on any tool;
//! - [`serve`]: a box of tools over stdio, or over HTTP on this machine.
//!
//! Whatever a merchant wrote is marked as the merchant's, and decides nothing: [`words`].

pub mod agent;
pub mod merchant;
pub mod priced;
pub mod reply;
pub mod serve;
pub mod toolbox;
pub mod words;
