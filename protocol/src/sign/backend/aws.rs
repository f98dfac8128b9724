//! `aws-lc-rs`: six times as fast, and the programs' choice.

use std::sync::Arc;

use aws_lc_rs::digest::{Digest, SHA256};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
};

use crate::code::Code;
use crate::sign::key::{Crypto, PublicKey, ReadyKey, Signer, SignerFailed};

/// Verifies with `aws-lc-rs`.
#[derive(Clone, Copy, Debug, Default)]
pub struct AwsLc;

impl Crypto for AwsLc {
    fn verify(&self, key: &PublicKey, digest: &[u8; 32], signature: &[u8; 64]) -> Result<(), Code> {
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.to_sec1()).map_err(|_| Code::KeyInvalid)?;
        if key.verifies(digest, signature) { Ok(()) } else { Err(Code::SignatureInvalid) }
    }

    fn is_key(&self, key: &PublicKey) -> bool {
        // The equation of the curve, without a key being made of it: where it is there, `p256` is four times as fast.
        #[cfg(feature = "p256")]
        return super::Portable.is_key(key);
        #[cfg(not(feature = "p256"))]
        ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.to_sec1()).is_ok()
    }

    fn ready(&self, key: &PublicKey) -> Option<Arc<dyn ReadyKey>> {
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.to_sec1()).ok()?;
        Some(Arc::new(key))
    }
}

impl ReadyKey for ParsedPublicKey {
    fn verifies(&self, digest: &[u8; 32], signature: &[u8; 64]) -> bool {
        let digest = Digest::import_less_safe(digest, &SHA256);
        digest.is_ok_and(|digest| self.verify_digest_sig(&digest, signature).is_ok()) // [SIG-19]
    }
}

/// Signs with `aws-lc-rs`, with fresh randomness in each signature.
#[derive(Debug)]
pub struct AwsLcSigner {
    pair: EcdsaKeyPair,
    public: PublicKey,
}

impl AwsLcSigner {
    /// A signer from a PKCS #8 document, as key files hold it.
    pub fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).ok()?;
        let public = PublicKey::from_sec1(pair.public_key().as_ref())?;
        Some(Self { pair, public })
    }

    /// A new key, as a PKCS #8 document and its signer.
    pub fn generate() -> Option<(Vec<u8>, Self)> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()?;
        let der = pair.to_pkcs8v1().ok()?.as_ref().to_vec();
        Some((der.clone(), Self::from_pkcs8(&der)?))
    }
}

impl Signer for AwsLcSigner {
    fn public_key(&self) -> PublicKey {
        self.public
    }

    fn sign(&self, digest: &[u8; 32]) -> Result<[u8; 64], SignerFailed> {
        let digest = Digest::import_less_safe(digest, &SHA256).map_err(|_| SignerFailed)?;
        let signature = self.pair.sign_digest(&digest).map_err(|_| SignerFailed)?;
        signature.as_ref().try_into().map_err(|_| SignerFailed)
    }
}
