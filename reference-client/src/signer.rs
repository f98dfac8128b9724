//! An agent's key in a process of its own.
//!
//! `purser signer` has the key; who wants a signature asks over a Unix socket, and the signer signs what it has read
//! itself and found good: intents for an offer that verifies, at no more than the caller's maximum and its own
//! ceiling, and proofs for reads at its own issuer. Nothing else: no mandate for a helper, no enrolment, no command.
//!
//! What this protects: a model, and the programs around it, never have the key. They cannot carry it away, cannot
//! use it once the signer has stopped, and cannot sign with it what only persons should. What it does not: who may
//! ask the signer may have it pay, offer by offer, as far as the ceiling and the mandates at the issuer go. And where
//! both processes belong to one user of the machine, that user can read the key's file: give the signer a user of
//! its own.

mod desk;
mod remote;

use serde::{Deserialize, Serialize};

pub use desk::Desk;
pub use remote::{Paying, Remote};

/// The longest line that either side reads.
pub const LINE_BYTES_MAX: u64 = 128 << 10;

/// What is asked: one line of JSON. Bytes are base64url.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ask {
    /// Who are you?
    Hello {},
    /// Sign a proof, for a read.
    Proof {
        /// What it says.
        payload: String,
    },
    /// Sign an intent.
    Intent {
        /// What it says.
        payload: String,
        /// The offer that it takes, as the merchant signed it.
        offer: String,
        /// The most that may be paid.
        max: String,
    },
}

/// What is answered: one line of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "said", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Said {
    /// This one.
    Hello(Box<Hello>),
    /// Signed.
    Signed {
        /// r and s.
        signature: String,
    },
    /// Not signed.
    Refused {
        /// Why.
        what: String,
        /// What can be done about it.
        fix: Option<String>,
    },
}

/// Whose key it is, and where it pays: enough to make a folder that has no key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// The public key: x and y.
    pub key: String,
    /// The network of its papers.
    pub network: String,
    /// The issuer's name.
    pub issuer: String,
    /// The issuer's address.
    pub url: String,
    /// Certificates of the authorities that vouch for servers, in DER.
    pub roots: Vec<String>,
    /// Certificates of the authorities that vouch for the signers of papers; the roots when absent.
    pub anchors: Option<Vec<String>>,
    /// Whether hosts on this machine and on private networks may be asked.
    pub private_addresses: bool,
    /// The most that it signs one payment for, whoever asks.
    pub ceiling: Option<String>,
}
