//! Published test keys, the network, and the whole way from bytes to a paper.

#![allow(dead_code, reason = "each test uses its part")]

use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::id::{CertificateId, PaperId};
use purser_protocol::sign::backend::{Portable, PortableSigner};
use purser_protocol::sign::{
    By, Context, Crypto, Kind, Paper, PublicKey, Signed, Signer, Verified, sign, sign_by_certificate,
};
use sha2::{Digest as _, Sha256};

pub(crate) const NETWORK: Context<'static> = Context { network: "sandbox" };

/// Stands for a certificate: nothing before the stage certificates looks inside one.
pub(crate) const CERTIFICATE: &[u8] = b"the merchant's certificate";

/// The key of this name: its secret is the name's SHA-256.
pub(crate) fn signer(name: &str) -> PortableSigner {
    PortableSigner::from_secret(&Sha256::digest(name).into()).unwrap()
}

pub(crate) fn key(name: &str) -> PublicKey {
    signer(name).public_key()
}

pub(crate) fn certificate_id() -> CertificateId {
    CertificateId(Sha256::digest(CERTIFICATE).into())
}

/// Who signs a kind of paper here.
pub(crate) fn signer_of(kind: Kind) -> &'static str {
    match kind.by() {
        By::Certificate => "merchant",
        By::Key | By::Either => "payer",
    }
}

/// An honest paper, as it travels.
pub(crate) fn signed<T: Paper>(paper: &T) -> Vec<u8> {
    let signer = signer(signer_of(T::KIND));
    match T::KIND.by() {
        By::Certificate => sign_by_certificate(paper, NETWORK, &signer, certificate_id(), &[]),
        By::Key | By::Either => sign(paper, NETWORK, &signer),
    }
    .unwrap()
}

/// Every stage that needs no other paper: size, framing, encoding, headers, signature, version, schema.
///
/// A fault at a stage that the registry does not have for its code fails the test that met it.
pub(crate) fn judge_with<T: Paper>(bytes: &[u8], crypto: &dyn Crypto, key: &PublicKey) -> Result<Verified<T>, Fault> {
    let judged = || {
        let authentic = Signed::<T>::read(bytes)?.verify(crypto, NETWORK, key)?;
        authentic.version()?;
        authentic.open()
    };
    let verdict: Result<Verified<T>, Fault> = judged();
    if let Err(fault) = &verdict {
        assert!(fault.code.stages().contains(&fault.stage), "{fault}: not a stage of this code");
        assert!(fault.offset.is_none_or(|at| at <= bytes.len()), "{fault}: past the end");
    }
    verdict
}

/// The verdict of the portable backend, which must be every other's.
pub(crate) fn judge<T: Paper>(bytes: &[u8]) -> Result<PaperId, Fault> {
    let verdict =
        |crypto: &dyn Crypto| judge_with::<T>(bytes, crypto, &key(signer_of(T::KIND))).map(|paper| paper.id());
    let portable = verdict(&Portable);
    #[cfg(feature = "aws-lc-rs")]
    assert_eq!(portable, verdict(&purser_protocol::sign::backend::AwsLc), "the backends differ");
    portable
}

/// Finds every signature good, so that hostile payloads come as far as they can.
pub(crate) struct Gullible;

impl Crypto for Gullible {
    fn verify(&self, _: &PublicKey, _: &[u8; 32], _: &[u8; 64]) -> Result<(), Code> {
        Ok(())
    }
}
