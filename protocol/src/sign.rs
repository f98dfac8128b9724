//! COSE_Sign1 over the bytes received.
//!
//! [`Signed`] is what came in; [`Authentic`] is what its signer signed; [`Verified`] is what it says. Only
//! the one makes the other, in that order, and every later function asks for the last.

pub mod backend;
pub mod frame;
pub mod header;
pub mod key;
pub mod paper;

pub use frame::Frame;
pub use header::{Header, SignerName, X5Chain};
pub use key::{Crypto, PublicKey, ReadyKey, Signer, SignerFailed, Unsigned};
pub use paper::{Authentic, By, Context, Kind, Paper, Signed, Verified, sign, sign_by_certificate};
