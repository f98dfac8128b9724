//! Certificates: who an issuer or a merchant is.
//!
//! A certificate is one of a closed profile, its path is checked to an anchor that the verifier chose
//! ([`trust`]), and what comes out is a [`Party`] ([`path`]). The checks stand in the
//! order of their clauses, [CRT-1] to [CRT-19], each applied from the leaf to the anchor; the first
//! that fails gives the code. rustls-webpki verifies the path and x509-parser reads; each is asked for
//! what it does well, and the profile is ours, since neither looks at key usages, at names that are
//! URIs, at serial numbers, or at anything of the anchor but its key.

mod ecdsa;
pub mod issue;
pub mod path;
mod profile;
pub mod trust;

use std::ops::Range;

use crate::code::Code;
use crate::fault::Fault;
use crate::id::{CertificateId, PartyId};
use crate::sign::PublicKey;

pub use path::{chain_digest, revocation_id, validate, validate_x5chain};
pub use trust::{Revocations, TrustAnchors};

/// What a certificate lets its holder sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Credentials, receipts, roots, statuses.
    Issuer,
    /// Offers, captures, refunds, deliveries.
    Merchant,
}

/// A signer whose certificate has passed every check.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Party {
    /// Its name.
    pub id: PartyId,
    /// What it may sign.
    pub role: Role,
    /// The key that verifies its papers.
    pub key: PublicKey,
    /// A merchant's categories (ISO 18245), ascending. Empty when the certificate states none.
    pub categories: Vec<u16>,
    /// The leaf, by which papers name the party.
    pub x5t: CertificateId,
    /// The seconds at which the whole path is valid and the revocation list young enough: a verdict
    /// that is remembered is good for these seconds, and only while the trust stays as it was.
    pub valid: Range<u64>,
    /// When the key was retired, if it was.
    pub retired_at_seconds: Option<u64>,
}

impl Party {
    /// A party as it knows itself, without an authority that vouches for it.
    pub fn of_itself(id: PartyId, role: Role, key: PublicKey, x5t: CertificateId) -> Self {
        Self { id, role, key, categories: Vec::new(), x5t, valid: 0..u64::MAX, retired_at_seconds: None }
    }

    /// Refuses a paper made (`iat`) at or after the second in which the party's key was retired. What
    /// the key signed before stays good. [CRT-19]
    pub fn check_made_at(&self, made_at_seconds: u64) -> Result<(), Fault> {
        match self.retired_at_seconds {
            Some(retired_at_seconds) if made_at_seconds >= retired_at_seconds => {
                Err(Fault::new(Code::KeyRetired).field("iat")) // [CRT-19]
            }
            _ => Ok(()),
        }
    }
}
