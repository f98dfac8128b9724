//! The chain's bytes and each certificate's shape: [CRT-1] to [CRT-5].

use purser_protocol::code::Code::{CertChainLength, CertKeyType, CertMalformed, CertMissing};

use super::super::certs::{BASIC_CONSTRAINTS, Draft, KEY_USAGE, SUBJECT_KEY, item, key_info, time};
use super::super::keys;
use super::super::sheet::Shows;
use super::{Chains, Setup, leaf_below};

const ECDSA_WITH_SHA384: [u8; 12] = [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];

pub(super) fn rows(t: &mut Chains<'_>) {
    t.refuse("empty", "No certificate", Shows("X24", ""), CertMissing, |s| s.show = |chain, _| chain.clear());
    bytes(t);
    fields(t);
    times(t);
    lengths(t);
    keys_of_certificates(t);
}

fn bytes(t: &mut Chains<'_>) {
    let none = Shows("X13", "E13");
    t.refuse("der/no-certificate", "A text in the place of the leaf", none, CertMalformed, |s| {
        s.leaf.damage = |_| b"leaf".to_vec()
    });
    t.refuse("der/nothing", "No bytes in the place of the leaf", none, CertMalformed, |s| {
        s.leaf.damage = |_| Vec::new()
    });
    t.refuse("der/byte-after", "A byte after the leaf", none, CertMalformed, |s| {
        s.leaf.damage = |der| [der, vec![0]].concat()
    });
    t.refuse("der/cut", "The intermediate without its last byte", none, CertMalformed, |s| {
        s.intermediates[0].damage = |der| der[..der.len() - 1].to_vec();
    });
    t.refuse("der/anchor-byte-after", "A byte after the anchor", none, CertMalformed, |s| {
        s.root.damage = |der| [der, vec![0]].concat();
    });
    t.refuse("der/indefinite", "The leaf as a sequence of indefinite length", none, CertMalformed, |s| {
        s.leaf.damage = |der| [&[0x30, 0x80], &der[4..], &[0, 0]].concat();
    });
    t.refuse("der/long-length", "The length of the leaf in more bytes", none, CertMalformed, |s| {
        s.leaf.damage = |der| [&[0x30, 0x83, 0], &der[2..]].concat();
    });
    t.beside(
        "der/too-long",
        "A leaf of more than 4,096 bytes",
        none,
        CertMalformed,
        [|s| long_name(s, 3_400), |s| long_name(s, 3_800)],
    );
}

fn long_name(s: &mut Setup, length: usize) {
    let attribute = [item(0x06, &[0x55, 4, 10]), item(0x0c, "a".repeat(length).as_bytes())].concat();
    s.leaf.subject = item(0x30, &item(0x31, &item(0x30, &attribute)));
}

fn fields(t: &mut Chains<'_>) {
    let none = Shows("X13", "");
    t.refuse("version/1", "Version 1", none, CertMalformed, |s| s.leaf.version = Vec::new());
    t.refuse("version/1-written", "Version 1, written out", none, CertMalformed, |s| {
        s.leaf.version = item(0xa0, &[2, 1, 0])
    });
    t.refuse("version/2", "Version 2", none, CertMalformed, |s| s.leaf.version = item(0xa0, &[2, 1, 1]));
    t.refuse("version/4", "Version 4", none, CertMalformed, |s| s.leaf.version = item(0xa0, &[2, 1, 3]));

    let serial = Shows("X22", "");
    t.beside(
        "serial/zero",
        "Serial number 0",
        serial,
        CertMalformed,
        [|s| s.leaf.serial = vec![1], |s| s.leaf.serial = vec![0]],
    );
    t.beside(
        "serial/negative",
        "A negative serial number",
        serial,
        CertMalformed,
        [|s| s.leaf.serial = vec![0x7f], |s| s.leaf.serial = vec![0xff]],
    );
    t.beside(
        "serial/21-octets",
        "A serial number of 21 octets",
        serial,
        CertMalformed,
        [|s| s.leaf.serial = vec![0x7f; 20], |s| s.leaf.serial = vec![0x7f; 21]],
    );
    t.beside(
        "serial/not-shortest",
        "A serial number with a zero too many",
        serial,
        CertMalformed,
        [|s| s.leaf.serial = vec![0, 0x80], |s| s.leaf.serial = vec![0, 0x7f]],
    );
    t.refuse("serial/empty", "An empty serial number", serial, CertMalformed, |s| s.leaf.serial = Vec::new());

    let algorithm = Shows("X20", "");
    t.refuse("algorithm/differs", "One algorithm inside, another outside", algorithm, CertMalformed, |s| {
        s.leaf.algorithms[1] = ECDSA_WITH_SHA384.to_vec()
    });
    t.refuse("algorithm/sha384", "ECDSA with SHA-384, inside and outside", algorithm, CertMalformed, |s| {
        s.leaf.algorithms = [ECDSA_WITH_SHA384.to_vec(), ECDSA_WITH_SHA384.to_vec()]
    });
    t.refuse("algorithm/parameters", "Parameters of null, inside and outside", algorithm, CertMalformed, |s| {
        let with_null = item(0x30, &[&s.leaf.algorithms[0][2..], &[5, 0]].concat());
        s.leaf.algorithms = [with_null.clone(), with_null];
    });
    t.refuse("unique-id", "A unique identifier of the subject", none, CertMalformed, |s| {
        s.leaf.unique_ids = item(0x82, &[0, 1])
    });
    t.beside(
        "extension/twice",
        "An extension twice",
        Shows("X13", ""),
        CertMalformed,
        [
            |s| s.leaf.extend(&SUBJECT_KEY, false, item(0x04, &[1; 20])),
            |s| {
                s.leaf.extend(&SUBJECT_KEY, false, item(0x04, &[1; 20]));
                s.leaf.extend(&SUBJECT_KEY, false, item(0x04, &[1; 20]));
            },
        ],
    );
    t.beside(
        "constraints/default-written",
        "basicConstraints with the default written out",
        none,
        CertMalformed,
        [
            |s| s.leaf.extend(&BASIC_CONSTRAINTS, true, vec![0x30, 0]),
            |s| s.leaf.extend(&BASIC_CONSTRAINTS, true, vec![0x30, 3, 1, 1, 0]),
        ],
    );
    t.refuse("constraints/leaf-path-length", "A path length in a leaf", none, CertMalformed, |s| {
        s.leaf.extend(&BASIC_CONSTRAINTS, true, vec![0x30, 3, 2, 1, 0])
    });
    t.refuse("constraints/true-as-1", "basicConstraints whose true is 01", none, CertMalformed, |s| {
        s.intermediates[0].replace(&BASIC_CONSTRAINTS, true, vec![0x30, 3, 1, 1, 1])
    });
    t.refuse("constraints/path-length-128", "A path length of 128", none, CertMalformed, |s| {
        s.intermediates[0].replace(&BASIC_CONSTRAINTS, true, vec![0x30, 7, 1, 1, 0xff, 2, 2, 0, 0x80])
    });
    t.refuse("key-usage/unused-bits", "A key usage that counts zeros as bits", none, CertMalformed, |s| {
        s.leaf.replace(&KEY_USAGE, true, vec![3, 2, 0, 0x80])
    });
    t.refuse("key-usage/no-bits", "A key usage of no bits", none, CertMalformed, |s| {
        s.leaf.replace(&KEY_USAGE, true, vec![3, 1, 0])
    });
}

fn times(t: &mut Chains<'_>) {
    let none = Shows("X03", "");
    t.refuse("time/fraction", "An end with a fraction of a second", none, CertMalformed, |s| {
        s.leaf.not_after = item(0x18, b"20501231235959.5Z")
    });
    t.refuse("time/fraction-start", "A beginning with a fraction of a second", none, CertMalformed, |s| {
        s.leaf.not_before = item(0x18, b"20250101000000.5Z")
    });
    t.refuse("time/no-seconds", "A time without seconds", none, CertMalformed, |s| {
        s.leaf.not_before = item(0x17, b"2501010000Z")
    });
    t.refuse("time/offset", "A time with an offset", none, CertMalformed, |s| {
        s.leaf.not_before = item(0x17, b"250101000000+0000")
    });
    t.beside(
        "time/before-1970",
        "A beginning before 1970",
        none,
        CertMalformed,
        [|s| s.leaf.not_before = time(0), |s| s.leaf.not_before = item(0x17, b"691231235959Z")],
    );
    t.refuse("time/february-30", "The thirtieth of February", none, CertMalformed, |s| {
        s.leaf.not_before = item(0x17, b"250230000000Z")
    });
}

fn lengths(t: &mut Chains<'_>) {
    let long = Shows("X11", "E13");
    t.accept("length/leaf-alone", "A leaf directly below the anchor", Shows::default(), "CRT-3 CRT-16", |s| {
        s.intermediates.clear();
        s.leaf = leaf_below("root");
    });
    t.beside("length/four", "Four certificates", long, CertChainLength, [|s| below(s, 2), |s| below(s, 3)]);
    t.refuse("length/nine", "Nine certificates", long, CertChainLength, |s| {
        s.show = |chain, _| chain.resize(9, chain[1].clone())
    });
    t.refuse("length/hundred", "A hundred certificates of one name", long, CertChainLength, |s| {
        s.show = |chain, _| chain.resize(100, chain[1].clone())
    });
    t.refuse("length/fourth-is-nothing", "A fourth certificate that is none", long, CertChainLength, |s| {
        s.show = |chain, _| {
            chain.resize(3, chain[1].clone());
            chain.push(b"nothing".to_vec());
        };
    });
}

fn below(s: &mut Setup, count: usize) {
    let all = [
        Draft::authority("intermediate", "root"),
        Draft::authority("intermediate-2", "intermediate"),
        Draft::authority("intermediate-3", "intermediate-2"),
    ];
    s.intermediates = all[..count].to_vec();
    s.leaf = leaf_below(if count == 2 { "intermediate-2" } else { "intermediate-3" });
}

fn keys_of_certificates(t: &mut Chains<'_>) {
    let (kind, both) = (Shows("X21", "E16"), Shows("X21 S09", "E16 D13"));
    // The generator of P-384.
    t.refuse("key/p384", "A leaf on P-384", kind, CertKeyType, |s| s.leaf.key_info = p384());
    t.refuse("key/anchor-p384", "An anchor on P-384", kind, CertKeyType, |s| s.root.key_info = p384());
    t.refuse("key/rsa", "A leaf of RSA", kind, CertKeyType, |s| {
        let algorithm = item(0x30, &[item(0x06, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]), vec![5, 0]].concat());
        let modulus = [&[0, 0xc1], &[0x5a; 255][..]].concat();
        let numbers = item(0x30, &[item(0x02, &modulus), item(0x02, &[1, 0, 1])].concat());
        s.leaf.key_info = item(0x30, &[algorithm, item(0x03, &[vec![0], numbers].concat())].concat());
    });
    t.refuse("key/ed25519", "A leaf of Ed25519", kind, CertKeyType, |s| {
        let point = item(0x03, &[&[0], &keys::thirty_two("an Ed25519 key")[..]].concat());
        s.leaf.key_info = item(0x30, &[item(0x30, &item(0x06, &[0x2b, 0x65, 0x70])), point].concat());
    });
    t.refuse("key/explicit", "A curve by its numbers", kind, CertKeyType, |s| {
        let algorithm = [item(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]), item(0x30, &item(0x02, &[1]))].concat();
        let point = [&[0, 4], &keys::public("merchant").0[..]].concat();
        s.leaf.key_info = item(0x30, &[item(0x30, &algorithm), item(0x03, &point)].concat());
    });
    t.refuse("key/compressed", "A compressed point", both, CertKeyType, |s| s.leaf.key_info = compressed("merchant"));
    t.refuse("key/intermediate-compressed", "An intermediate with a compressed point", both, CertKeyType, |s| {
        s.intermediates[0].key_info = compressed("intermediate")
    });
    t.refuse("key/off-curve", "A point off the curve", both, CertKeyType, |s| {
        let last = s.leaf.key_info.len() - 1;
        s.leaf.key_info[last] ^= 1;
    });
    t.refuse("key/infinity", "The point at infinity", both, CertKeyType, |s| {
        s.leaf.key_info = key_info(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], &[0])
    });
    t.refuse("key/secp256k1", "A point on secp256k1", kind, CertKeyType, |s| {
        s.leaf.key_info = key_info(&[0x2b, 0x81, 4, 0, 10], &[&[4], &keys::public("merchant").0[..]].concat())
    });
}

fn p384() -> Vec<u8> {
    key_info(&[0x2b, 0x81, 4, 0, 34], &[&[4], &[0x17; 96][..]].concat())
}

fn compressed(name: &str) -> Vec<u8> {
    let point = keys::public(name).0;
    key_info(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], &[&[2 | point[63] & 1], &point[..32]].concat())
}
