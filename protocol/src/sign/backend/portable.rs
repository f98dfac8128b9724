//! `p256`: portable, in Rust throughout, deterministic when it signs (RFC 6979).

use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};

use crate::code::Code;
use crate::sign::key::{Crypto, PublicKey, Signer, SignerFailed};

/// Verifies with `p256`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Portable;

impl Crypto for Portable {
    fn verify(&self, key: &PublicKey, digest: &[u8; 32], signature: &[u8; 64]) -> Result<(), Code> {
        let key = VerifyingKey::from_sec1_bytes(&key.to_sec1()).map_err(|_| Code::KeyInvalid)?;
        let signature = Signature::from_slice(signature).map_err(|_| Code::SignatureInvalid)?;
        key.verify_prehash(digest, &signature).map_err(|_| Code::SignatureInvalid) // [SIG-19]
    }
}

/// Signs with `p256`: the same digest always gets the same signature.
#[derive(Clone, Debug)]
pub struct PortableSigner {
    key: SigningKey,
}

impl PortableSigner {
    /// A signer from the 32 bytes of its secret; `None` when they are zero or not below the curve's order.
    pub fn from_secret(secret: &[u8; 32]) -> Option<Self> {
        SigningKey::from_slice(secret).ok().map(|key| Self { key })
    }
}

impl Signer for PortableSigner {
    fn public_key(&self) -> PublicKey {
        let point = self.key.verifying_key().to_sec1_point(false);
        // An uncompressed point has 65 bytes; a key that never verifies stands for the impossible rest.
        PublicKey::from_sec1(point.as_bytes()).unwrap_or(PublicKey([0; 64]))
    }

    fn sign(&self, digest: &[u8; 32]) -> Result<[u8; 64], SignerFailed> {
        let signature: Signature = self.key.sign_prehash(digest).map_err(|_| SignerFailed)?;
        Ok(signature.to_bytes().into())
    }
}
