//! The parties as machines: bytes and events in, values out.
//!
//! [`issuer`] opens what is sent to an issuer into commands of its ledger; [`merchant`] judges what is shown
//! to a merchant; [`payer`] brings one payment to its end, whatever is lost on the way; [`log`] follows the roots
//! that an issuer signs; [`notice`] is what a merchant does with what an issuer tells it by itself; [`document`] opens
//! listings and statements.

pub mod document;
pub mod issuer;
pub mod log;
pub mod merchant;
pub mod notice;
pub mod payer;
pub mod voice;

use std::collections::HashMap;
use std::sync::Arc;

use crate::cert::{Party, Role, TrustAnchors, validate, validate_x5chain};
use crate::code::Code;
use crate::fault::Fault;
use crate::id::CertificateId;
use crate::sign::{Header, SignerName};
use crate::time::UnixSeconds;

/// Who stands behind certificates. Servers remember verdicts behind this trait.
pub trait Parties: Send + Sync {
    /// The party that signs as `role` with the certificate that the header names. Stage `certificates`.
    fn party(&self, header: &Header<'_>, role: Role, now: UnixSeconds) -> Result<Arc<Party>, Fault>;
}

/// Anchors, and chains that need not travel with each paper.
#[derive(Clone, Debug)]
pub struct Register {
    trust: TrustAnchors,
    chains: HashMap<CertificateId, Vec<Vec<u8>>>,
}

impl Register {
    /// A register that knows its anchors only.
    pub fn new(trust: TrustAnchors) -> Self {
        Self { trust, chains: HashMap::new() }
    }

    /// Keeps a chain, leaf first, for papers that come without one. It is checked when it is used.
    pub fn keep(&mut self, chain: Vec<Vec<u8>>) {
        if let Some(leaf) = chain.first() {
            self.chains.insert(certificate_id(leaf), chain);
        }
    }
}

impl Parties for Register {
    fn party(&self, header: &Header<'_>, role: Role, now: UnixSeconds) -> Result<Arc<Party>, Fault> {
        let SignerName::Certificate(x5t) = header.signer else {
            return Err(Fault::new(Code::CertMissing)); // [CRT-1]
        };
        let party = if header.x5chain.count() > 0 {
            validate_x5chain(&header.x5chain, &x5t, role, &self.trust, now.get())
        } else {
            let chain = self.chains.get(&x5t).ok_or_else(|| Fault::new(Code::CertMissing))?; // [CRT-1]
            let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
            validate(&chain, &x5t, role, &self.trust, now.get())
        };
        party.map(Arc::new)
    }
}

/// The name of a certificate in `x5t`. [SIG-22]
pub fn certificate_id(der: &[u8]) -> CertificateId {
    use sha2::Digest as _;
    CertificateId(sha2::Sha256::digest(der).into())
}
