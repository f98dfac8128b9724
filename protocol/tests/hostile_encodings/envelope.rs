//! The envelope: tag, array, byte strings, signature.

use p256::ecdsa::Signature;
use purser_protocol::code::Code::{
    CborIndefinite, CborNotDeterministic, CborTrailing, CborTruncated, CoseStructure, CoseTag, MessageTooLarge,
    PayloadMissing, SignatureFormat, SignatureInvalid,
};
use purser_protocol::code::Stage::{Framing, Signature as SignatureStage, Size};
use purser_protocol::limits::PAPER_BYTES_MAX;
use purser_protocol::paper::mandate::Mandate;
use purser_protocol::paper::offer::Offer;
use purser_protocol::sign::Signer;
use sha2::{Digest as _, Sha256};

use super::cbor::{bytes, bytes_in_chunks, bytes_wide, head, int, map, text};
use super::forge::{Forge, aad};
use super::keys::signer;
use super::samples::Sample;
use super::table::{Row, Table};

/// The order of the curve's group.
pub(crate) const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
    0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

pub(crate) fn rows() -> Vec<Row> {
    let mut t = Table::of(&Mandate::samples()[0]);
    opening(&mut t);
    strings(&mut t);
    ends(&mut t);
    signatures(&mut t);
    contexts(&mut t);
    let mut rows = t.rows;
    rows.extend(size());
    rows
}

fn opening(t: &mut Table) {
    let openings: [(_, _, &str, _, &[u8]); 13] = [
        ("C01", "D7", "no tag", CoseTag, &[0x84]),
        ("C02", "D7", "tag of COSE_Sign", CoseTag, &[0xd8, 98, 0x84]),
        ("C02", "D7", "tag of COSE_Mac0", CoseTag, &[0xd1, 0x84]),
        ("C02", "D7", "tag of COSE_Encrypt0", CoseTag, &[0xd0, 0x84]),
        ("C03", "D7", "tag of a CWT around", CoseTag, &[0xd8, 61, 0xd2, 0x84]),
        ("C04", "D7", "tagged twice", CoseStructure, &[0xd2, 0xd2, 0x84]),
        ("C05", "C4", "tag in two bytes", CborNotDeterministic, &[0xd8, 18, 0x84]),
        ("C06", "C4", "tag in three bytes", CborNotDeterministic, &[0xd9, 0, 18, 0x84]),
        ("C06", "C4", "tag in five bytes", CborNotDeterministic, &[0xda, 0, 0, 0, 18, 0x84]),
        ("C06", "C4", "tag in nine bytes", CborNotDeterministic, &[0xdb, 0, 0, 0, 0, 0, 0, 0, 18, 0x84]),
        ("C08", "C4", "array length in two bytes", CborNotDeterministic, &[0xd2, 0x98, 4]),
        ("C10", "", "array of a map", CoseStructure, &[0xd2, 0xa2]),
        ("", "C7", "self-described", CoseTag, &[0xd9, 0xd9, 0xf7, 0xd2, 0x84]),
    ];
    for (class, attack, name, code, opening) in openings {
        t.refuse((class, attack), name, (code, Framing), |f| f.opening = opening.to_vec());
    }
    t.refuse(("C07", "C5"), "array without a length", (CborIndefinite, Framing), |f| {
        f.opening = vec![0xd2, 0x9f];
        f.tail = vec![0xff];
    });
    t.refuse(("C09", ""), "five elements", (CoseStructure, Framing), |f| {
        f.opening = vec![0xd2, 0x85];
        f.tail = vec![0x40];
    });
    t.refuse(("C10", ""), "three elements", (CoseStructure, Framing), |f| {
        f.opening = vec![0xd2, 0x83];
        f.unprotected = Vec::new();
    });
}

fn strings(t: &mut Table) {
    t.refuse(("C11", ""), "protected as a map", (CoseStructure, Framing), |f| f.protected_item = <[u8]>::to_vec);
    t.refuse(("C11", ""), "protected as text", (CoseStructure, Framing), |f| f.protected_item = |_| text("{}"));
    t.refuse(("C11", ""), "protected holds a list", (CoseStructure, Framing), |f| f.protected = vec![0x80]);
    t.refuse(("C11", ""), "protected holds a list whose own items are wrong", (CoseStructure, Framing), |f| {
        f.protected = vec![0x82, 0x18, 1, 0xf6];
    });
    t.refuse(("", ""), "unprotected as a list", (CoseStructure, Framing), |f| f.unprotected = vec![0x80]);
    t.refuse(("", ""), "unprotected as a byte string", (CoseStructure, Framing), |f| f.unprotected = vec![0x41, 0xa0]);
    t.refuse(("", "C4"), "unprotected length in two bytes", (CborNotDeterministic, Framing), |f| {
        f.unprotected = vec![0xb8, 0];
    });
    t.refuse(("", "C5"), "unprotected without a length", (CborIndefinite, Framing), |f| {
        f.unprotected = vec![0xbf, 0xff];
    });
    t.refuse(("C34", "D8"), "payload nil", (PayloadMissing, Framing), |f| f.payload_item = |_| vec![0xf6]);
    t.refuse(("C35", ""), "payload as text", (CoseStructure, Framing), |f| f.payload_item = |_| text("payload"));
    t.refuse(("C36", ""), "payload as a bare map", (CoseStructure, Framing), |f| f.payload_item = <[u8]>::to_vec);
    t.refuse(("", "C7"), "payload in tag 24", (CoseStructure, Framing), |f| {
        f.payload_item = |payload| [vec![0xd8, 24], bytes(payload)].concat();
    });

    t.refuse(("C15", "D6 C4"), "protected length wide", (CborNotDeterministic, Framing), |f| {
        f.protected_item = bytes_wide;
    });
    t.refuse(("C16", "C5"), "protected in chunks", (CborIndefinite, Framing), |f| f.protected_item = bytes_in_chunks);
    t.refuse(("C16", "C5"), "protected in chunks of chunks", (CborIndefinite, Framing), |f| {
        f.protected_item = |protected| [vec![0x5f], bytes_in_chunks(protected), vec![0xff]].concat();
    });
    t.refuse(("C38", "C4"), "payload length wide", (CborNotDeterministic, Framing), |f| f.payload_item = bytes_wide);
    t.refuse(("C37", "C5"), "payload in chunks", (CborIndefinite, Framing), |f| f.payload_item = bytes_in_chunks);
}

fn ends(t: &mut Table) {
    t.refuse(("C47", "C6"), "a byte after", (CborTrailing, Framing), |f| f.tail = vec![0]);
    t.refuse(("C47", "C6"), "the message twice", (CborTrailing, Framing), |f| f.tail = f.bytes());
    t.refuse(("C48", "C6"), "the last byte missing", (CborTruncated, Framing), |f| {
        f.signature_item = Some([vec![0x58, 64], f.signature()[..63].to_vec()].concat());
    });
    t.refuse(("", "C6"), "nothing at all", (CborTruncated, Framing), |f| {
        (f.opening, f.unprotected, f.signature_item) = (Vec::new(), Vec::new(), Some(Vec::new()));
        f.protected_item = |_| Vec::new();
        f.payload_item = |_| Vec::new();
    });
    for (name, length) in [("2^32", 1 << 32), ("2^63", 1 << 63), ("2^64 - 1", u64::MAX)] {
        t.refuse(("", "C10"), format!("signature of {name} bytes"), (CborTruncated, Framing), |f| {
            f.signature_item = Some([head(2, length), vec![0; 64]].concat());
        });
    }
}

fn signatures(t: &mut Table) {
    let honest = t.base.signature();
    let der = Signature::from_slice(&honest).unwrap().to_der();
    let forms: [(_, &str, &[u8]); 6] = [
        ("C40", "DER", der.as_bytes()),
        ("C41", "63 bytes", &honest[..63]),
        ("C41", "63 bytes, the first left out", &honest[1..]),
        ("C42", "65 bytes", &[&honest[..], &[0]].concat()),
        ("C42", "65 bytes, a zero before", &[&[0], &honest[..]].concat()),
        ("C46", "no byte", &[]),
    ];
    for (class, name, signature) in forms {
        let item = bytes(signature);
        t.refuse((class, "D12"), name, (SignatureFormat, Framing), |f| f.signature_item = Some(item));
    }
    t.refuse(("", "D12"), "signature as text", (CoseStructure, Framing), |f| {
        f.signature_item = Some(text(&"a".repeat(64)));
    });

    let (r, s) = honest.split_at(32);
    let mut above = ORDER;
    above[31] += 1;
    let mut flipped = honest;
    flipped[40] ^= 0x10;
    let values: [(_, &str, [&[u8]; 2]); 10] = [
        ("C43", "all zero", [&[0; 32], &[0; 32]]),
        ("C43", "r = 0", [&[0; 32], s]),
        ("C43", "s = 0", [r, &[0; 32]]),
        ("C44", "r = s = n", [&ORDER, &ORDER]),
        ("C44", "r = n", [&ORDER, s]),
        ("C44", "s = n", [r, &ORDER]),
        ("C44", "r = n + 1", [&above, s]),
        ("C44", "r = s = 2^256 - 1", [&[0xff; 32], &[0xff; 32]]),
        ("C45", "one bit flipped", [&flipped[..32], &flipped[32..]]),
        ("C45", "r and s swapped", [s, r]),
    ];
    for (class, name, halves) in values {
        let item = bytes(&halves.concat());
        t.refuse((class, "D12"), name, (SignatureInvalid, SignatureStage), |f| f.signature_item = Some(item));
    }

    let twin = bytes(&[r, &negated(s)].concat());
    t.same(("C39", "D11"), "s of the other half", |f| f.signature_item = Some(twin));
}

/// n - s: with it the signature verifies as well.
pub(crate) fn negated(s: &[u8]) -> [u8; 32] {
    let (mut out, mut borrow) = ([0; 32], 0);
    for at in (0..32).rev() {
        let digit = i16::from(ORDER[at]) - i16::from(s[at]) - borrow;
        borrow = i16::from(digit < 0);
        out[at] = digit.rem_euclid(256) as u8;
    }
    out
}

fn contexts(t: &mut Table) {
    let mut refuse = |class, name: &str, change: fn(&mut Forge)| {
        t.refuse((class, "D15"), name, (SignatureInvalid, SignatureStage), change);
    };
    refuse("C49", "signed as another kind", |f| f.aad = aad("purser-intent", "sandbox"));
    refuse("C49", "signed for another network", |f| f.aad = aad("purser-mandate", "live"));
    refuse("C49", "signed for no network", |f| f.aad = Vec::new());
    refuse("C49", "signed for another version", |f| {
        f.aad = [head(4, 2), text("purser-mandate/2"), text("sandbox")].concat();
    });
    refuse("C50", "signed as part of a COSE_Sign", |f| f.context = "Signature");
    refuse("C50", "signed as a counter-signature", |f| f.context = "CounterSignature1");
    refuse("C51", "signed over the bare payload", |f| {
        f.signature_item = Some(bytes(&signer(f.signer).sign(&Sha256::digest(&f.payload).into()).unwrap()));
    });
    t.refuse(("", "D14"), "the payer's kid over another key's signature", (SignatureInvalid, SignatureStage), |f| {
        f.signer = "thief";
    });
}

/// The longest paper, and one byte more.
fn size() -> Vec<Row> {
    let mut t = Table::of(&Offer::samples()[0]);
    let long = |bytes_total: usize| {
        let bare = t.base.bytes().len();
        // {33: a certificate}: a label of two bytes and a head of three.
        let certificate = vec![0x30; bytes_total - bare - 5];
        move |f: &mut Forge| f.unprotected = map(&[(int(33), bytes(&certificate))])
    };
    let (over, just) = (long(PAPER_BYTES_MAX + 1), long(PAPER_BYTES_MAX));
    t.refuse_beside(("", "C11"), "a byte over the limit", (MessageTooLarge, Size), over, just);
    t.rows
}
