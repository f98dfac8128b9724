//! Keys and certificates without a curve: a signature is a hash of key and digest, so that a run takes milliseconds
//! and its bytes are the same each time. As on the curve, each signature has a twin that verifies as well.

use std::collections::HashMap;
use std::sync::Arc;

use purser_protocol::cert::{Party, Role};
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::flow::Parties;
use purser_protocol::id::{CertificateId, PartyId};
use purser_protocol::sign::{Crypto, Header, PublicKey, Signer, SignerFailed, SignerName};
use purser_protocol::time::UnixSeconds;
use sha2::{Digest as _, Sha256};

/// Verifies pretended signatures.
#[derive(Clone, Copy, Debug)]
pub struct Pretend;

impl Crypto for Pretend {
    fn verify(&self, key: &PublicKey, digest: &[u8; 32], signature: &[u8; 64]) -> Result<(), Code> {
        let first = pretended(key, digest);
        if *signature == first || *signature == twin_of(first) { Ok(()) } else { Err(Code::SignatureInvalid) }
    }
}

/// A key that is made from its name.
#[derive(Clone, Copy, Debug)]
pub struct Key(pub PublicKey);

impl Key {
    /// The key of this name.
    pub fn named(name: &str) -> Self {
        let mut point = [0; 64];
        point[..32].copy_from_slice(&Sha256::digest(format!("x of {name}")));
        point[32..].copy_from_slice(&Sha256::digest(format!("y of {name}")));
        Self(PublicKey(point))
    }
}

impl Signer for Key {
    fn public_key(&self) -> PublicKey {
        self.0
    }

    fn sign(&self, digest: &[u8; 32]) -> Result<[u8; 64], SignerFailed> {
        Ok(pretended(&self.0, digest))
    }
}

fn pretended(key: &PublicKey, digest: &[u8; 32]) -> [u8; 64] {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&Sha256::new().chain_update(key.0).chain_update(digest).finalize());
    signature[32..].copy_from_slice(&Sha256::new().chain_update(digest).chain_update(key.0).finalize());
    signature
}

fn twin_of(mut signature: [u8; 64]) -> [u8; 64] {
    signature[32..].iter_mut().for_each(|byte| *byte = !*byte);
    signature
}

/// The same paper with the other signature that its signer could have made.
pub fn twin(paper: &[u8]) -> Vec<u8> {
    let mut bytes = paper.to_vec();
    let half = bytes.len().saturating_sub(32);
    bytes[half..].iter_mut().for_each(|byte| *byte = !*byte);
    bytes
}

/// Parties whose certificates everybody believes.
#[derive(Debug, Default)]
pub struct Certified(HashMap<CertificateId, Arc<Party>>);

impl Certified {
    /// Adds a party of this name.
    pub fn add(&mut self, id: &PartyId, role: Role) {
        let x5t = certificate(id);
        let key = Key::named(id.as_str()).0;
        self.0.insert(x5t, Arc::new(Party::of_itself(id.clone(), role, key, x5t)));
    }
}

/// The name of a party's certificate.
pub fn certificate(id: &PartyId) -> CertificateId {
    CertificateId(Sha256::digest(format!("certificate of {}", id.as_str())).into())
}

impl Parties for Certified {
    fn party(&self, header: &Header<'_>, role: Role, _now: UnixSeconds) -> Result<Arc<Party>, Fault> {
        let SignerName::Certificate(x5t) = header.signer else { return Err(Fault::new(Code::CertMissing)) };
        let party = self.0.get(&x5t).filter(|party| party.role == role);
        party.cloned().ok_or_else(|| Fault::new(Code::CertMissing))
    }
}
