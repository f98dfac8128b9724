//! Hostile encodings of honest papers: each is refused with its code at its stage, and without the fault accepted.
//!
//! The taxonomy has 51 classes of the envelope (C01-C51) and 38 of the payload (P01-P38); the catalogue of attacks
//! has 15 on the encoding (C1-C15) and 17 on the signature (D1-D17). Size, framing and encoding are one pass: the
//! first byte that does not fit gives the code. Whatever a change touches is signed again by the honest key, so that
//! nothing is refused for its signature that should be refused for its form.

#![allow(clippy::unwrap_used, reason = "a test that cannot build its case has failed")]

use std::collections::BTreeSet;
use std::path::Path;

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::{RecoveryId, Signature, VerifyingKey};
use purser_protocol::code::{Code, Stage};
use purser_protocol::paper::mandate::Mandate;
use purser_protocol::sign::backend::Portable;
use purser_protocol::sign::paper::to_be_signed;
use purser_protocol::sign::{Crypto, Kind, PublicKey, Signed};

#[path = "support/cbor.rs"]
mod cbor;
#[path = "hostile_encodings/envelope.rs"]
mod envelope;
#[path = "support/forge.rs"]
mod forge;
#[path = "hostile_encodings/headers.rs"]
mod headers;
#[path = "support/keys.rs"]
mod keys;
#[path = "hostile_encodings/payload.rs"]
mod payload;
#[path = "support/samples.rs"]
mod samples;
#[path = "hostile_encodings/table.rs"]
mod table;

use forge::Forge;
use keys::{NETWORK, judge, judge_with, key, signed};
use samples::{Sample, for_each_kind};
use table::{Expected, Judge, Row};

/// Ids that are no row of the tables, and the test that has them.
const ELSEWHERE: &[(&str, &str)] = &[
    ("S01", "tests/wycheproof.rs"),
    ("S02", "tests/wycheproof.rs"),
    ("S03", "tests/wycheproof.rs"),
    ("S04", "tests/wycheproof.rs"),
    ("S05", "tests/wycheproof.rs"),
    ("S06", "tests/wycheproof.rs"),
    ("S07", "tests/wycheproof.rs"),
    ("S08", "tests/wycheproof.rs"),
    ("S09", "tests/wycheproof.rs"),
    ("S10", "tests/wycheproof.rs"),
    ("D16", "tests/hostile_encodings.rs"), // `a_signer_never_signs_twice_differently`
    ("D17", "tests/hostile_encodings.rs"), // `another_key_for_the_same_signature_is_not_the_signer`
];

fn rows() -> Vec<Row> {
    [envelope::rows(), headers::rows(), payload::rows()].into_iter().flatten().collect()
}

#[test]
fn each_is_refused_with_its_code_at_its_stage_and_its_twin_accepted() {
    let rows = rows();
    let mut wrong = Vec::new();
    for row in &rows {
        assert_ne!(row.bytes, row.twin, "{}: no fault", row.name);
        let (verdict, twin) = ((row.judge)(&row.bytes), (row.judge)(&row.twin));
        let name = format!("{} {}: {}", row.classes, row.attacks, row.name);
        match (&row.expected, &verdict) {
            (Expected::Refused(code, stage), Err(fault)) if (fault.code, fault.stage) == (*code, *stage) => {}
            (Expected::SamePaper, Ok(id)) if Some(id) == twin.as_ref().ok() => {}
            (Expected::Refused(code, stage), got) => wrong.push(format!("{name}: {got:?}, not {code} at {stage}")),
            (Expected::SamePaper, got) => wrong.push(format!("{name}: {got:?}, not the same paper")),
        }
        if let Err(fault) = twin {
            wrong.push(format!("{name}: the twin is refused, {fault}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    let accepted = rows.iter().filter(|row| matches!(row.expected, Expected::SamePaper)).count();
    println!("{} rows: {} refused, {accepted} the same paper", rows.len(), rows.len() - accepted);
}

#[test]
fn every_id_is_covered_and_no_other() {
    let classes = (1..=51).map(|n| format!("C{n:02}"));
    let classes = classes.chain((1..=38).map(|n| format!("P{n:02}"))).chain((1..=10).map(|n| format!("S{n:02}")));
    let attacks = (1..=15).map(|n| format!("C{n}")).chain((1..=17).map(|n| format!("D{n}")));
    let rows = rows();
    let ids = |column: fn(&Row) -> &'static str| -> BTreeSet<String> {
        rows.iter().flat_map(|row| column(row).split_whitespace()).map(String::from).collect()
    };
    let elsewhere =
        |first: char| ELSEWHERE.iter().map(|(id, _)| String::from(*id)).filter(move |id| id.starts_with(first));
    let (in_rows, mut covered) = (ids(|row| row.classes), ids(|row| row.classes));
    covered.extend(elsewhere('S'));
    assert_eq!(covered, classes.collect());
    let mut attacked = ids(|row| row.attacks);
    assert!(elsewhere('D').all(|id| !attacked.contains(&id)) && elsewhere('S').all(|id| !in_rows.contains(&id)));
    attacked.extend(elsewhere('D'));
    assert_eq!(attacked, attacks.collect());
    for (_, file) in ELSEWHERE {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(file).exists(), "{file}");
    }
}

#[test]
fn every_prefix_is_truncated() {
    let whole = signed(&Mandate::samples()[0]);
    for end in 0..whole.len() {
        let fault = judge::<Mandate>(&whole[..end]).unwrap_err();
        assert_eq!(fault.code, Code::CborTruncated, "{end} bytes");
        assert_eq!(fault.stage, Stage::Framing, "{end} bytes");
    }
    assert!(judge::<Mandate>(&whole).is_ok());
}

#[test]
fn no_bit_can_flip() {
    let whole = signed(&Mandate::samples()[0]);
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(judge::<Mandate>(&flipped).is_err(), "bit {bit}");
    }
}

/// D9: every kind, each read as each other.
#[test]
fn no_kind_is_read_as_another() {
    fn papers<T: Sample>() -> (Kind, Vec<u8>, Judge) {
        (T::KIND, signed(&T::samples()[0]), judge::<T>)
    }
    let kinds = for_each_kind!(papers);
    assert_eq!(kinds.each_ref().map(|(kind, ..)| *kind).as_slice(), Kind::ALL);
    for (of, bytes, _) in &kinds {
        assert_eq!(Kind::of(bytes), Some(*of));
        for (kind, _, judge) in &kinds {
            let verdict = judge(bytes).map_err(|fault| (fault.code, fault.stage));
            let other = Err((Code::TypeMismatch, Stage::Headers));
            assert_eq!(verdict.map(drop), if of == kind { Ok(()) } else { other }, "{of:?} as {kind:?}");
        }
    }
}

/// D16: two runs give equal bytes, so that no nonce is ever used for two messages.
#[test]
fn a_signer_never_signs_twice_differently() {
    let paper = Mandate::samples().remove(0);
    assert_eq!(signed(&paper), signed(&paper));
    let other = Mandate { lineage: purser_protocol::id::LineageId([0x22; 16]), ..paper.clone() };
    let r = |bytes: Vec<u8>| bytes[bytes.len() - 64..bytes.len() - 32].to_vec();
    assert_ne!(r(signed(&paper)), r(signed(&other)));
}

/// D17: an ECDSA signature fits a second key. The name of the signer is signed, and is the key's own digest.
#[test]
fn another_key_for_the_same_signature_is_not_the_signer() {
    let bytes = signed(&Mandate::samples()[0]);
    let signed = Signed::<Mandate>::read(&bytes).unwrap();
    let digest = to_be_signed(Kind::Mandate, NETWORK, signed.frame.protected, signed.frame.payload);
    let signature = Signature::from_slice(signed.frame.signature).unwrap();
    let keys = [false, true].map(|is_y_odd| {
        let id = RecoveryId::new(is_y_odd, false);
        let key = VerifyingKey::recover_from_prehash(&digest, &signature, id).unwrap();
        assert!(key.verify_prehash(&digest, &signature).is_ok());
        PublicKey::from_sec1(key.to_sec1_point(false).as_bytes()).unwrap()
    });
    let honest = keys.iter().position(|found| *found == key("payer")).unwrap();
    let second = keys[1 - honest];
    assert_eq!(Portable.verify(&second, &digest, signed.frame.signature), Ok(()));

    let fault = judge_with::<Mandate>(&bytes, &Portable, &second).unwrap_err();
    assert_eq!((fault.code, fault.stage), (Code::SignatureInvalid, Stage::Signature));
    assert!(judge_with::<Mandate>(&bytes, &Portable, &keys[honest]).is_ok());
}

/// D13: a key that is no point of the curve verifies nothing, even where the header names it.
#[test]
fn a_key_beside_the_curve_is_no_key() {
    let honest = Forge::of(&Mandate::samples()[0]);
    let mut beside = key("payer");
    beside.0[63] ^= 1;
    for wrong in [beside, PublicKey([0; 64]), PublicKey([0xff; 64])] {
        let bytes = honest.with(|f| f.protected = cbor::set(&f.protected, 4, cbor::bytes(&wrong.id().0))).bytes();
        let fault = judge_with::<Mandate>(&bytes, &Portable, &wrong).unwrap_err();
        assert_eq!((fault.code, fault.stage), (Code::KeyInvalid, Stage::Signature));
    }
    assert!(judge::<Mandate>(&honest.bytes()).is_ok());
}
