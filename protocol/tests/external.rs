//! The field's published vectors: COSE examples of the COSE working group, and RFC 8949's appendix A.
//!
//! They are not ours to keep and not in the repository. Tests look for them in `PURSER_EXTERNAL`, else beside the
//! workspace; where there are none they say so loudly, and fail if `PURSER_REQUIRE_ALL=1`. What we make of each is
//! in the tables here: a case without an entry fails, and so does an entry without a case.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot build its case has failed")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use ciborium::Value;
use coset::{ProtectedHeader, SignatureContext, sig_structure_data};
use purser_protocol::code::{Code, Stage};
use purser_protocol::fault::Fault;
use purser_protocol::paper::mandate::Mandate;
#[cfg(feature = "aws-lc-rs")]
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::sign::backend::Portable;
use purser_protocol::sign::{Crypto, Frame, Header, Kind, PublicKey, Signed};
use purser_protocol::wire::check;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256, Sha512};

/// What we make of a COSE example.
struct Expected {
    file: &'static str,
    /// Of the message as it is. All but one have a payload that is no CBOR, which comes before any header.
    message: (Code, Stage),
    /// Of its headers alone.
    headers: Code,
    /// Of its signature alone.
    signature: Raw,
}

enum Raw {
    Verifies,
    /// Over the SHA-512 that its alg names, cut to 32 bytes: alg is all that refuses it.
    VerifiesCut,
    Fails,
    /// Of another curve.
    OtherCurve,
}

const TRUNCATED: (Code, Stage) = (Code::CborTruncated, Stage::Encoding);
const TAG: (Code, Stage) = (Code::CoseTag, Stage::Framing);

const COSE: &[Expected] = &[
    // The registered algorithm -7 does not fix its curve; -9 does.
    row("CWT/A_3.json", (Code::AlgForbidden, Stage::Headers), Code::AlgForbidden, Raw::Verifies),
    row("RFC8152/Appendix_C_2_1.json", TRUNCATED, Code::AlgForbidden, Raw::Verifies),
    row("ecdsa-examples/ecdsa-sig-01.json", TRUNCATED, Code::AlgForbidden, Raw::Verifies),
    row("ecdsa-examples/ecdsa-sig-02.json", TRUNCATED, Code::AlgForbidden, Raw::OtherCurve),
    row("ecdsa-examples/ecdsa-sig-03.json", TRUNCATED, Code::AlgForbidden, Raw::OtherCurve),
    row("ecdsa-examples/ecdsa-sig-04.json", TRUNCATED, Code::AlgForbidden, Raw::VerifiesCut),
    row("sign1-tests/sign-fail-01.json", TAG, Code::AlgForbidden, Raw::Verifies),
    row("sign1-tests/sign-fail-02.json", TRUNCATED, Code::AlgForbidden, Raw::Fails),
    row("sign1-tests/sign-fail-03.json", TRUNCATED, Code::AlgForbidden, Raw::Fails),
    row("sign1-tests/sign-fail-04.json", TRUNCATED, Code::AlgForbidden, Raw::Fails),
    row("sign1-tests/sign-fail-06.json", TRUNCATED, Code::AlgForbidden, Raw::Fails),
    row("sign1-tests/sign-fail-07.json", TRUNCATED, Code::AlgForbidden, Raw::Fails),
    // On the wire h'a0', signed as h'': the two forms of no header. We sign over what is on the wire.
    row("sign1-tests/sign-pass-01.json", TRUNCATED, Code::AlgNotProtected, Raw::Fails),
    row("sign1-tests/sign-pass-02.json", TRUNCATED, Code::AlgForbidden, Raw::Verifies),
    row("sign1-tests/sign-pass-03.json", TAG, Code::AlgForbidden, Raw::Verifies),
];

const fn row(file: &'static str, message: (Code, Stage), headers: Code, signature: Raw) -> Expected {
    Expected { file, message, headers, signature }
}

/// What we make of the items of appendix A, by their bytes.
const CBOR: &[(Option<Code>, &str)] = &[
    (
        None,
        "00 01 0a 17 1818 1819 1864 1903e8 1a000f4240 1b000000e8d4a51000 1bffffffffffffffff 3bffffffffffffffff 20 29 3863 \
         3903e7 f4 f5 40 4401020304 60 6161 6449455446 62225c 62c3bc 63e6b0b4 64f0908591 80 83010203 8301820203820405 \
         98190102030405060708090a0b0c0d0e0f101112131415161718181819 a0 a201020304 a26161016162820203 826161a161626163 \
         a56161614161626142616361436164614461656145",
    ),
    (
        // Floats, null, undefined, simple values. `f818` is no simple value at all: an error of the file.
        Some(Code::CborType),
        "f90000 f98000 f93c00 fb3ff199999999999a f93e00 f97bff fa47c35000 fa7f7fffff fb7e37e43c8800759c f90001 f90400 f9c400 \
         fbc010666666666666 f97c00 f97e00 f9fc00 fa7f800000 fa7fc00000 faff800000 fb7ff0000000000000 fb7ff8000000000000 \
         fbfff0000000000000 f6 f7 f0 f818 f8ff",
    ),
    (
        Some(Code::CborTag),
        "c249010000000000000000 c349010000000000000000 c074323031332d30332d32315432303a30343a30305a c11a514b67b0 \
         c1fb41d452d9ec200000 d74401020304 d818456449455446 d82076687474703a2f2f7777772e6578616d706c652e636f6d",
    ),
    (
        Some(Code::CborIndefinite),
        "5f42010243030405ff 7f657374726561646d696e67ff 9fff 9f018202039f0405ffff 9f01820203820405ff 83018202039f0405ff \
         83019f0203ff820405 9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff bf61610161629f0203ffff \
         826161bf61626163ff bf6346756ef563416d7421ff",
    ),
];

#[test]
fn cose_examples_are_each_refused_for_their_reason() {
    let Some(folder) = external("cose-wg") else { return };
    let found = json_files(&folder, &folder);
    let listed: Vec<_> = COSE.iter().map(|row| row.file.to_owned()).collect();
    assert_eq!(found.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(), listed, "cases and entries differ");
    for (row, (name, json)) in COSE.iter().zip(&found) {
        let message = hex(json["output"]["cbor"].as_str().unwrap());
        let verdict = Signed::<Mandate>::read(&message).unwrap_err();
        assert_eq!((verdict.code, verdict.stage), row.message, "{name}");

        let parts = Parts::of(&message);
        let fault = parts.headers().unwrap_err();
        assert_eq!((fault.code, fault.stage), (row.headers, Stage::Headers), "{name}: its headers");
        raw_signature(row, json, &parts);
    }
    println!("{} COSE examples: all refused, each by its code; {} signatures verified raw", COSE.len(), raw_verified());
}

fn raw_verified() -> usize {
    COSE.iter().filter(|row| matches!(row.signature, Raw::Verifies | Raw::VerifiesCut)).count()
}

/// The parts of a COSE_Sign1 as ciborium reads them, whatever the tag.
struct Parts {
    protected: Vec<u8>,
    unprotected: Vec<u8>,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl Parts {
    fn of(message: &[u8]) -> Self {
        let mut value: Value = ciborium::from_reader(message).unwrap();
        if let Value::Tag(_, inside) = value {
            value = *inside;
        }
        let parts = value.into_array().unwrap();
        let mut unprotected = Vec::new();
        ciborium::into_writer(&parts[1], &mut unprotected).unwrap();
        let bytes = |at: usize| parts[at].as_bytes().unwrap().clone();
        Self { protected: bytes(0), unprotected, payload: bytes(2), signature: bytes(3) }
    }

    /// The stage headers alone.
    fn headers(&self) -> Result<(), Fault> {
        let Self { protected, unprotected, payload, .. } = self;
        let frame = Frame { bytes: &[], protected, unprotected, payload, signature: &[0; 64] };
        Header::read(&frame, Kind::Mandate).map(drop)
    }

    /// What is signed, by coset.
    fn to_be_signed(&self, external: &[u8]) -> Vec<u8> {
        let protected = ProtectedHeader { original_data: Some(self.protected.clone()), ..Default::default() };
        sig_structure_data(SignatureContext::CoseSign1, protected, None, external, &self.payload)
    }
}

fn raw_signature(row: &Expected, json: &Json, parts: &Parts) {
    let sign = &json["input"]["sign0"];
    let data = parts.to_be_signed(&hex(sign["external"].as_str().unwrap_or_default()));
    let as_printed = data == hex(json["intermediates"]["ToBeSign_hex"].as_str().unwrap());
    let digest: [u8; 32] = match row.signature {
        Raw::OtherCurve => {
            assert_ne!(sign["key"]["crv"], "P-256", "{}", row.file);
            return;
        }
        Raw::VerifiesCut => Sha512::digest(&data)[..32].try_into().unwrap(),
        Raw::Verifies | Raw::Fails => Sha256::digest(&data).into(),
    };
    // Where something was changed after signing, what is signed is not what was.
    assert!(as_printed || matches!(row.signature, Raw::Fails), "{}: another Sig_structure", row.file);
    let key = PublicKey([coordinate(sign, "x"), coordinate(sign, "y")].concat().try_into().unwrap());
    let signature = parts.signature.as_slice().try_into().unwrap();
    let expected = if matches!(row.signature, Raw::Fails) { Err(Code::SignatureInvalid) } else { Ok(()) };
    assert_eq!(Portable.verify(&key, &digest, signature), expected, "{}: p256", row.file);
    #[cfg(feature = "aws-lc-rs")]
    assert_eq!(AwsLc.verify(&key, &digest, signature), expected, "{}: aws-lc-rs", row.file);
}

fn coordinate(sign: &Json, name: &str) -> Vec<u8> {
    let key = &sign["key"];
    match key[format!("{name}_hex")].as_str() {
        Some(digits) => hex(digits),
        None => purser_protocol::bind::base64url::decode(key[name].as_str().unwrap()).unwrap(),
    }
}

#[test]
fn items_of_appendix_a_are_each_accepted_or_refused_for_their_reason() {
    let Some(folder) = external("cbor") else { return };
    let json: Json = serde_json::from_slice(&fs::read(folder.join("appendix_a.json")).unwrap()).unwrap();
    let mut entries = BTreeMap::new();
    for (code, items) in CBOR {
        for item in items.split_whitespace() {
            assert!(entries.insert(item, *code).is_none(), "{item} has two entries");
        }
    }
    let cases = json.as_array().unwrap();
    let (mut accepted, mut refused) = (0, 0);
    for case in cases {
        let digits = case["hex"].as_str().unwrap();
        let expected = entries.remove(digits).unwrap_or_else(|| panic!("{digits} has no entry"));
        let item = hex(digits);
        match (check(&item), expected) {
            (Ok(()), None) => {
                let value: Value = ciborium::from_reader(item.as_slice()).unwrap();
                assert!(says(&value, &case["decoded"]), "{digits}: {value:?}, not {}", case["decoded"]);
                assert!(case["roundtrip"].as_bool().unwrap(), "{digits}: not in its one form");
                accepted += 1;
            }
            (Err(fault), Some(code)) => {
                assert_eq!((fault.code, fault.stage), (code, Stage::Encoding), "{digits}");
                refused += 1;
            }
            (verdict, expected) => panic!("{digits}: {verdict:?}, not {expected:?}"),
        }
    }
    assert!(entries.is_empty(), "entries without a case: {entries:?}");
    println!("{} items of appendix A: {accepted} accepted, {refused} refused", cases.len());
}

/// Whether an item says what the file says in JSON.
fn says(value: &Value, json: &Json) -> bool {
    match (value, json) {
        (Value::Integer(number), Json::Number(digits)) => i128::from(*number).to_string() == exact(digits),
        (Value::Text(text), Json::String(other)) => text == other,
        (Value::Bool(truth), Json::Bool(other)) => truth == other,
        (Value::Array(items), Json::Array(others)) => {
            items.len() == others.len() && items.iter().zip(others).all(|(item, other)| says(item, other))
        }
        (Value::Map(pairs), Json::Object(others)) => {
            let named = |key: &Value| key.as_text().and_then(|key| others.get(key));
            pairs.len() == others.len() && pairs.iter().all(|(key, v)| named(key).is_some_and(|other| says(v, other)))
        }
        // Byte strings and maps with other keys are given in diagnostic notation.
        (Value::Bytes(_) | Value::Map(_), Json::Null) => true,
        _ => false,
    }
}

/// JSON's reader keeps whole numbers up to 64 bits; -2^64 becomes a float.
fn exact(digits: &serde_json::Number) -> String {
    if digits.as_f64() == Some(-18_446_744_073_709_551_616.0) {
        (-(1_i128 << 64)).to_string()
    } else {
        digits.to_string()
    }
}

/// The folder, when it is there.
fn external(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/external");
    let folder = env::var_os("PURSER_EXTERNAL").map_or_else(beside, PathBuf::from).join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    assert_ne!(env::var("PURSER_REQUIRE_ALL").as_deref(), Ok("1"), "no external vectors at {}", folder.display());
    // Past `eprintln!`, whose words a passing test keeps to itself.
    let words = format!("SKIPPED external vectors: no {} (set PURSER_EXTERNAL)\n", folder.display());
    io::stderr().write_all(words.as_bytes()).unwrap();
    None
}

/// Every JSON file below a folder, by its name from there, in order.
fn json_files(root: &Path, folder: &Path) -> Vec<(String, Json)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(json_files(root, &path));
        } else if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            files.push((name, serde_json::from_slice(&fs::read(&path).unwrap()).unwrap()));
        }
    }
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files
}

fn hex(digits: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(digit).collect()
}
