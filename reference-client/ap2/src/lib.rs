//! The bridge to AP2, version 0.2: chains of mandates as SD-JWTs, verified, and said in rules of Purser.
//!
//! ```text
//! text -> token -> chain -> checks -> terms
//!         form,    keys,    limits    what our
//!         JSON     hashes   kept?     ledger keeps
//! ```
//!
//! No socket, clock or file: time, keys and what the verifier asked for are arguments. AP2's own library lets pass
//! what it does not understand in several places; here whatever limits is understood or the chain is refused, by
//! name. `spec/23-bridges.md`

mod chain;
mod check;
mod due;
mod flow;
mod json;
mod mandate;
mod mint;
mod refusal;
mod terms;
mod token;

/// The crate whose types stand in the interface.
pub use purser_protocol as protocol;

pub use chain::{Asked, Chain, Checkout, Hop, verify};
pub use due::{Due, mandate};
pub use json::Json;
pub use mandate::{Act, Basket, Closed, Constraint, Instrument, Mandate, Merchant, Money, Open, Requirement, jwk};
pub use mint::{close, open, written};
pub use refusal::Refusal;
pub use terms::{Account, Terms, terms};
pub use token::{Token, split};
