//! Rows about the chain's bytes and each certificate's shape: [CRT-1] to [CRT-5].

use purser_protocol::code::Code;
use rcgen::{DnType, IsCa, KeyPair};

use super::Row;
use super::ca::{Draft, Setup, contents, item, items};

pub(crate) const ROWS: &[Row] = &[
    // [CRT-1]
    Row::new("no certificate at hand", Code::CertMissing, &[], |_| {}, |s| s.show = |chain, _| chain.clear()),
    // [CRT-2]
    Row::new("not a certificate", Code::CertMalformed, &[], |_| {}, |s| s.leaf.damage = |der| *der = b"leaf".to_vec()),
    Row::new("a byte after the end", Code::CertMalformed, &[], |_| {}, |s| s.leaf.damage = |der| der.push(0)),
    Row::new(
        "an intermediate cut short",
        Code::CertMalformed,
        &[],
        |_| {},
        |s| s.intermediates[0].damage = |der| der.truncate(der.len() - 1),
    )
    .at("first intermediate"),
    Row::new(
        "an anchor with a byte after its end",
        Code::CertMalformed,
        &[],
        |_| {},
        |s| s.root.damage = |der| der.push(0),
    )
    .at("anchor"),
    Row::new(
        "longer than any certificate may be",
        Code::CertMalformed,
        &[],
        |s| long_name(s, 3_400),
        |s| long_name(s, 3_800),
    ),
    Row::new("version 1", Code::CertMalformed, &[], |_| {}, |s| s.leaf.edit = |tbs| *tbs[0].last_mut().unwrap() = 0),
    Row::new("version 2", Code::CertMalformed, &[], |_| {}, |s| s.leaf.edit = |tbs| *tbs[0].last_mut().unwrap() = 1),
    Row::new(
        "serial zero",
        Code::CertMalformed,
        &["X22"],
        |s| s.leaf.params.serial_number = Some(1.into()),
        |s| s.leaf.params.serial_number = Some(0.into()),
    ),
    Row::new(
        "serial negative",
        Code::CertMalformed,
        &["X22"],
        |s| s.leaf.edit = |tbs| tbs[1] = item(0x02, &[0x7f]),
        |s| s.leaf.edit = |tbs| tbs[1] = item(0x02, &[0xff]),
    ),
    Row::new(
        "serial of 21 octets",
        Code::CertMalformed,
        &["X22"],
        |s| s.leaf.edit = |tbs| tbs[1] = item(0x02, &[0x7f; 20]),
        |s| s.leaf.edit = |tbs| tbs[1] = item(0x02, &[0x7f; 21]),
    ),
    Row::new(
        "serial not in its shortest form",
        Code::CertMalformed,
        &["X22"],
        |s| s.leaf.edit = |tbs| tbs[1] = item(0x02, &[0, 0x80]),
        |s| s.leaf.edit = |tbs| tbs[1] = item(0x02, &[0, 0x7f]),
    ),
    Row::new(
        "one algorithm inside, another outside",
        Code::CertMalformed,
        &["X20"],
        |_| {},
        |s| s.leaf.damage = |der| set_outer_algorithm(der, ECDSA_WITH_SHA384),
    ),
    Row::new(
        "an algorithm that is not of the profile, inside and outside",
        Code::CertMalformed,
        &[],
        |_| {},
        |s| {
            s.leaf.edit = |tbs| tbs[2] = ECDSA_WITH_SHA384.to_vec();
            s.leaf.damage = |der| set_outer_algorithm(der, ECDSA_WITH_SHA384);
        },
    ),
    Row::new(
        "parameters of the algorithm, inside and outside",
        Code::CertMalformed,
        &[],
        |_| {},
        |s| {
            s.leaf.edit = |tbs| tbs[2] = with_null(&tbs[2]);
            s.leaf.damage = |der| {
                let algorithm = with_null(&items(contents(der))[1]);
                set_outer_algorithm(der, &algorithm);
            };
        },
    ),
    Row::new(
        "an extension twice",
        Code::CertMalformed,
        &["X13"],
        |s| s.leaf.extend(SUBJECT_KEY_IDENTIFIER, item(0x04, &[1; 20])).set_criticality(false),
        |s| {
            for _ in 0..2 {
                s.leaf.extend(SUBJECT_KEY_IDENTIFIER, item(0x04, &[1; 20]));
            }
        },
    )
    .both(|s| s.leaf.params.is_ca = IsCa::NoCa),
    Row::new(
        "a fraction of a second",
        Code::CertMalformed,
        &[],
        |s| s.leaf.edit = |tbs| set_not_after(tbs, "20500101000000Z"),
        |s| s.leaf.edit = |tbs| set_not_after(tbs, "205001010000.5Z"),
    ),
    Row::new(
        "a time before 1970",
        Code::CertMalformed,
        &[],
        |s| s.leaf.edit = |tbs| set_not_before(tbs, "700101000000Z"),
        |s| s.leaf.edit = |tbs| set_not_before(tbs, "691231235959Z"),
    ),
    Row::new(
        "a third time",
        Code::CertMalformed,
        &[],
        |_| {},
        |s| s.leaf.edit = |tbs| tbs[4] = item(0x30, &[contents(&tbs[4]), &item(0x17, b"700101000000Z")].concat()),
    ),
    Row::new(
        "a unique identifier",
        Code::CertMalformed,
        &[],
        |_| {},
        |s| s.leaf.edit = |tbs| tbs.insert(7, item(0x82, &[0, 1])),
    ),
    Row::new(
        "the default written out in basicConstraints",
        Code::CertMalformed,
        &[],
        |s| basic_constraints(s, &[0x30, 0]),
        |s| basic_constraints(s, &[0x30, 3, 1, 1, 0]),
    ),
    Row::new(
        "a path length in a leaf",
        Code::CertMalformed,
        &[],
        |s| basic_constraints(s, &[0x30, 0]),
        |s| basic_constraints(s, &[0x30, 3, 2, 1, 0]),
    ),
    Row::new(
        "a key usage of the wrong length",
        Code::CertMalformed,
        &[],
        |s| key_usage(s, &[3, 2, 7, 0x80]),
        |s| key_usage(s, &[3, 2, 0, 0x80]),
    ),
    // [CRT-3]
    Row::new(
        "four certificates",
        Code::CertChainLength,
        &["E13", "X11"],
        |s| intermediates(s, 2),
        |s| intermediates(s, 3),
    ),
    Row::new(
        "nine certificates",
        Code::CertChainLength,
        &["E13", "X11"],
        |s| intermediates(s, 2),
        |s| intermediates(s, 8),
    ),
    Row::new(
        "a thousand intermediates of one name",
        Code::CertChainLength,
        &["E13", "X11"],
        |_| {},
        |s| s.show = |chain, _| chain.resize(1_001, chain[1].clone()),
    ),
    // [CRT-4]
    Row::new("x5t names another certificate", Code::CertMismatch, &["X25"], |_| {}, |s| s.name = |x5t| x5t.0[31] ^= 1),
    Row::new("the chain in reverse", Code::CertMismatch, &["X24"], |_| {}, |s| s.show = |chain, _| chain.reverse()),
    // [CRT-5]
    Row::new(
        "a leaf on P-384",
        Code::CertKeyType,
        &["E16", "X21"],
        |_| {},
        |s| {
            subject_key(&mut s.leaf, &rcgen::PKCS_ECDSA_P384_SHA384, |key| key);
        },
    ),
    Row::new(
        "a leaf of RSA",
        Code::CertKeyType,
        &["E16", "X21"],
        |_| {},
        |s| {
            subject_key(&mut s.leaf, &rcgen::PKCS_RSA_SHA256, |key| key);
        },
    ),
    Row::new(
        "explicit parameters",
        Code::CertKeyType,
        &["X21"],
        |_| {},
        |s| s.leaf.edit = |tbs| explicit_parameters(tbs),
    ),
    Row::new("a compressed point", Code::CertKeyType, &[], same_key, |s| subject_key(&mut s.leaf, P256, compressed)),
    Row::new("a point beside the curve", Code::CertKeyType, &[], same_key, |s| subject_key(&mut s.leaf, P256, beside)),
    Row::new(
        "an intermediate with a compressed point",
        Code::CertKeyType,
        &[],
        |_| {},
        |s| {
            subject_key(&mut s.intermediates[0], P256, compressed);
        },
    )
    .at("first intermediate"),
    Row::new(
        "an anchor on P-384",
        Code::CertKeyType,
        &[],
        |_| {},
        |s| {
            subject_key(&mut s.root, &rcgen::PKCS_ECDSA_P384_SHA384, |key| key);
        },
    )
    .at("anchor"),
];

const P256: &rcgen::SignatureAlgorithm = &rcgen::PKCS_ECDSA_P256_SHA256;
const SUBJECT_KEY_IDENTIFIER: &[u64] = &[2, 5, 29, 14];
const ECDSA_WITH_SHA384: &[u8] = &[0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];

fn long_name(setup: &mut Setup, length: usize) {
    setup.leaf.params.distinguished_name.push(DnType::OrganizationName, "a".repeat(length));
}

fn set_outer_algorithm(der: &mut Vec<u8>, algorithm: &[u8]) {
    let mut parts = items(contents(der));
    parts[1] = algorithm.to_vec();
    *der = item(0x30, &parts.concat());
}

fn with_null(algorithm: &[u8]) -> Vec<u8> {
    item(0x30, &[contents(algorithm), &[5, 0]].concat())
}

fn set_not_before(tbs: &mut [Vec<u8>], utc: &str) {
    let times = items(contents(&tbs[4]));
    tbs[4] = item(0x30, &[item(0x17, utc.as_bytes()), times[1].clone()].concat());
}

fn set_not_after(tbs: &mut [Vec<u8>], generalized: &str) {
    let times = items(contents(&tbs[4]));
    tbs[4] = item(0x30, &[times[0].clone(), item(0x18, generalized.as_bytes())].concat());
}

fn basic_constraints(setup: &mut Setup, contents: &[u8]) {
    setup.leaf.params.is_ca = IsCa::NoCa;
    setup.leaf.extend(&[2, 5, 29, 19], contents.to_vec()).set_criticality(true);
}

pub(crate) fn key_usage(setup: &mut Setup, contents: &[u8]) {
    setup.leaf.params.key_usages.clear();
    setup.leaf.extend(&[2, 5, 29, 15], contents.to_vec()).set_criticality(true);
}

fn intermediates(setup: &mut Setup, count: usize) {
    setup.intermediates = (1..=count).map(|number| Draft::authority(&format!("Intermediate {number}"))).collect();
}

fn subject_key(draft: &mut Draft, algorithm: &'static rcgen::SignatureAlgorithm, change: fn(Vec<u8>) -> Vec<u8>) {
    // A P-256 row changes how its own key is written, and nothing else.
    let bytes = if algorithm == P256 {
        draft.key.public_key_raw().to_vec()
    } else {
        KeyPair::generate_for(algorithm).unwrap().public_key_raw().to_vec()
    };
    draft.subject_key = Some((algorithm, change(bytes)));
}

fn same_key(setup: &mut Setup) {
    subject_key(&mut setup.leaf, P256, |key| key);
}

fn compressed(key: Vec<u8>) -> Vec<u8> {
    [&[2 | (key[64] & 1)], &key[1..33]].concat()
}

fn beside(mut key: Vec<u8>) -> Vec<u8> {
    key[64] ^= 1;
    key
}

/// The curve by its numbers rather than by its name: a SpecifiedECDomain, shortened to its version.
fn explicit_parameters(tbs: &mut [Vec<u8>]) {
    let key = items(contents(&tbs[6]));
    let algorithm = items(contents(&key[0]));
    let explicit = item(0x30, &item(0x02, &[1]));
    tbs[6] = item(0x30, &[item(0x30, &[algorithm[0].clone(), explicit].concat()), key[1].clone()].concat());
}
