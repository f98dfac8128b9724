//! Purser for those who pay: what the vendor of an agent links, and what the command `purser` is made of.
//!
//! - [`fetch::Fetcher`] gets a resource that has a price: it reads the offer, pays under a mandate, redeems the
//!   receipt, and pays once, whatever is lost on the way;
//! - [`pay::Payer`] brings one payment to its end;
//! - [`issuer::Issuer`] speaks with an issuer, and believes nothing that is not signed;
//! - [`follow::Follower`] holds an issuer to one history;
//! - [`signer`] keeps an agent's key in a process of its own;
//! - [`bridge`] pays what chains of AP2 ask for;
//! - [`token`] pays by the metered session, and stands in for a seller of tokens on this machine;
//! - [`skill`] signs and verifies skills;
//! - [`home::Home`] keeps keys, mandates, attempts and receipts in a folder.
//!
//! Keys can be anywhere: whatever signs is a [`purser_protocol::sign::Signer`].

pub mod bridge;
pub mod clock;
pub mod connect;
pub mod error;
pub mod fetch;
pub mod follow;
pub mod home;
pub mod issuer;
pub mod keys;
pub mod pay;
#[cfg(test)]
mod scratch;
pub mod session;
pub mod signer;
pub mod skill;
pub mod terms;
pub mod token;
pub mod trust;

pub use error::{Class, Error, Result};
