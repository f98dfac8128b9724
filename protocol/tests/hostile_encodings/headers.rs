//! The two headers: what stands in them, and in what form.

use purser_protocol::code::Code::{
    AlgForbidden, AlgNotProtected, CborDuplicateKey, CborIndefinite, CborNotDeterministic, CborTrailing, CborTruncated,
    CborType, CritUnknown, HeaderForbidden, SignerUnnamed, TypeMismatch,
};
use purser_protocol::code::Stage::{Encoding, Headers};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::mandate::Mandate;
use purser_protocol::paper::offer::Offer;

use super::cbor::{Pairs, bytes, contents, head, int, list, map, pairs, remove, set, set_key, text, wide};
use super::forge::{Forge, key_header, x5t};
use super::keys::key;
use super::samples::Sample;
use super::table::{Row, Table};

pub(crate) fn rows() -> Vec<Row> {
    let mut t = Table::of(&Mandate::samples()[0]);
    algorithms(&mut t);
    protected_forms(&mut t);
    critical(&mut t);
    unprotected(&mut t);
    names(&mut t);
    let mut rows = t.rows;
    rows.extend(certificates());
    rows.extend(either());
    rows
}

fn algorithms(t: &mut Table) {
    t.refuse(("C12", "D1"), "alg unprotected only, protected empty", (AlgNotProtected, Headers), |f| {
        f.protected = Vec::new();
        f.unprotected = map(&[(int(1), int(-9))]);
    });
    t.refuse(("C12", "D1"), "alg unprotected only", (AlgNotProtected, Headers), |f| {
        f.protected = remove(&f.protected, 1);
        f.unprotected = map(&[(int(1), int(-9))]);
    });
    t.refuse(("C13", "D6"), "protected is an empty map", (AlgNotProtected, Headers), |f| f.protected = vec![0xa0]);
    t.refuse(("C14", "D6"), "protected is an empty map, signed as no byte", (AlgNotProtected, Headers), |f| {
        let signature = f.with(|f| f.protected = Vec::new()).signature();
        f.protected = vec![0xa0];
        f.signature_item = Some(bytes(&signature));
    });

    let numbers = [-7, -35, -36, -51, -8, -19, -47, -37, 4, 5, 0, 1, -16, -65_535, i64::MIN];
    for algorithm in numbers {
        t.refuse(("C21", "D3"), format!("alg {algorithm}"), (AlgForbidden, Headers), |f| {
            f.protected = set(&f.protected, 1, int(algorithm));
        });
    }
    for algorithm in ["ES256", "ESP256", "none", "-9"] {
        t.refuse(("C22", "D3"), format!("alg {algorithm:?}"), (AlgForbidden, Headers), |f| {
            f.protected = set(&f.protected, 1, text(algorithm));
        });
    }
    for (name, item) in [("a list", list(&[int(-9)])), ("true", vec![0xf5]), ("-2^64", wide(1, u64::MAX, 8))] {
        t.refuse(("C21", "D3"), format!("alg {name}"), (AlgForbidden, Headers), |f| {
            f.protected = set(&f.protected, 1, item);
        });
    }
}

fn protected_forms(t: &mut Table) {
    let all = pairs(&t.base.protected);
    let swapped: Pairs = all.iter().rev().cloned().collect();
    let with_first = |key: Vec<u8>, value: Vec<u8>| [&[(key, value)], &all[1..]].concat();
    let twice = |value| [&all[..1], &[(int(1), value)], &all[1..]].concat();
    let forms: [(_, _, &str, _, Vec<u8>); 13] = [
        ("C17", "D6 C4", "label in two bytes", CborNotDeterministic, map(&with_first(vec![0x18, 1], int(-9)))),
        ("C28", "D6 C4", "alg in two bytes", CborNotDeterministic, map(&with_first(int(1), wide(1, 8, 1)))),
        ("C27", "C3", "labels out of order", CborNotDeterministic, map(&swapped)),
        ("C27", "C4", "map length in two bytes", CborNotDeterministic, [vec![0xb8, 3], contents(&all)].concat()),
        ("C18", "C1", "alg twice, equal", CborDuplicateKey, map(&twice(int(-9)))),
        ("C19", "C1", "alg twice, different", CborDuplicateKey, map(&twice(int(-8)))),
        ("C20", "C6", "a byte after", CborTrailing, [map(&all), vec![0]].concat()),
        ("C26", "C5", "map without a length", CborIndefinite, [vec![0xbf], contents(&all), vec![0xff]].concat()),
        ("", "C6", "one pair too few", CborTruncated, [vec![0xa4], contents(&all)].concat()),
        ("", "C6", "one pair too many", CborTrailing, [vec![0xa2], contents(&all)].concat()),
        ("", "C8", "alg a float", CborType, map(&with_first(int(1), vec![0xf9, 0xc8, 0x80]))),
        ("", "C8", "alg null", CborType, map(&with_first(int(1), vec![0xf6]))),
        ("", "C8", "null", CborType, vec![0xf6]),
    ];
    for (class, attack, name, code, protected) in forms {
        t.refuse((class, attack), format!("protected: {name}"), (code, Encoding), |f| f.protected = protected);
    }
}

fn critical(t: &mut Table) {
    let mut refuse = |class, name: &str, code, change: fn(&mut Forge)| {
        t.refuse((class, "D4"), name, (code, Headers), change);
    };
    refuse("C23", "crit lists a label that is known and there", CritUnknown, |f| {
        f.protected = set(&f.protected, 2, list(&[int(16)]));
    });
    // Two faults: a parameter that the profile does not have comes before crit.
    refuse("C23", "crit lists a private label that is there", HeaderForbidden, |f| {
        f.protected = set(&set(&f.protected, 2, list(&[int(-70_000)])), -70_000, int(1));
    });
    refuse("C24", "crit lists a label that is absent", CritUnknown, |f| {
        f.protected = set(&f.protected, 2, list(&[int(-70_000)]));
    });
    refuse("C25", "crit lists nothing", CritUnknown, |f| f.protected = set(&f.protected, 2, list(&[])));
    refuse("C25", "crit is no list", CritUnknown, |f| f.protected = set(&f.protected, 2, int(16)));
    refuse("C33", "crit unprotected", HeaderForbidden, |f| f.unprotected = map(&[(int(2), list(&[int(16)]))]));
}

fn unprotected(t: &mut Table) {
    let kid = |name: &str| bytes(&key(name).id().0);
    let maps: [(_, _, &str, Pairs); 9] = [
        ("C29", "D2", "alg, another", vec![(int(1), int(-8))]),
        ("C29", "D2", "alg, the same", vec![(int(1), int(-9))]),
        ("C30", "D5", "kid, another", vec![(int(4), kid("agent"))]),
        ("C30", "D5", "kid, the same", vec![(int(4), kid("payer"))]),
        ("C32", "D5", "a private label", vec![(int(-70_000), int(1))]),
        ("C32", "D5", "a text label", vec![(text("note"), int(1))]),
        ("C32", "D5", "a counter-signature", vec![(int(11), list(&[]))]),
        ("C32", "D5", "typ", vec![(int(16), text("purser-mandate"))]),
        ("C32", "D5", "x5chain, of a key's paper", vec![(int(33), bytes(b"certificate"))]),
    ];
    for (class, attack, name, unprotected) in maps {
        t.refuse((class, attack), format!("unprotected: {name}"), (HeaderForbidden, Headers), |f| {
            f.unprotected = map(&unprotected);
        });
    }
    t.refuse(("C31", "C1"), "unprotected: a label twice", (CborDuplicateKey, Encoding), |f| {
        f.unprotected = map(&[(int(4), bytes(b"1")), (int(4), bytes(b"2"))]);
    });
    t.refuse(("", "C3"), "unprotected: labels out of order", (CborNotDeterministic, Encoding), |f| {
        f.unprotected = map(&[(int(-1), int(1)), (int(4), bytes(b"1"))]);
    });
    t.refuse(("", "C8"), "unprotected: null", (CborType, Encoding), |f| f.unprotected = map(&[(int(4), vec![0xf6])]));
}

fn names(t: &mut Table) {
    let mut refuse = |attack, name: &str, code, change: fn(&[u8]) -> Vec<u8>| {
        t.refuse(("", attack), name, (code, Headers), |f| f.protected = change(&f.protected));
    };
    refuse("D9", "no typ", TypeMismatch, |p| remove(p, 16));
    refuse("D9", "typ of an intent", TypeMismatch, |p| set(p, 16, text("purser-intent")));
    refuse("D9", "typ in capitals", TypeMismatch, |p| set(p, 16, text("PURSER-MANDATE")));
    refuse("D9", "typ as a media type", TypeMismatch, |p| set(p, 16, text("application/purser-mandate")));
    refuse("D9", "typ a number", TypeMismatch, |p| set(p, 16, int(61)));
    refuse("D9", "typ as bytes", TypeMismatch, |p| set(p, 16, bytes(b"purser-mandate")));
    refuse("D14", "no signer", SignerUnnamed, |p| remove(p, 4));
    refuse("D14", "kid of 31 bytes", SignerUnnamed, |p| set(p, 4, bytes(&[7; 31])));
    refuse("D14", "kid as text", SignerUnnamed, |p| set(p, 4, text("payer")));
    refuse("D14", "x5t beside kid", SignerUnnamed, |p| set(p, 34, x5t()));
    refuse("D14", "x5t in place of kid", SignerUnnamed, |p| set(&remove(p, 4), 34, x5t()));
    refuse("C12", "content type", HeaderForbidden, |p| set(p, 3, int(60)));
    refuse("C12", "a private label", HeaderForbidden, |p| set(p, -70_000, int(1)));
    refuse("C14", "a text label", HeaderForbidden, |p| set_key(p, text("alg"), int(-9)));
}

/// A paper by certificate: the chain beside it, and the certificate's name.
fn certificates() -> Vec<Row> {
    let mut t = Table::of(&Offer::samples()[0]);
    let chain = |item: Vec<u8>| move |f: &mut Forge| f.unprotected = map(&[(int(33), item)]);
    let certificate = || bytes(b"certificate");
    let one = || chain(certificate());
    let two = || chain(list(&[certificate(), certificate()]));
    let wrong = (HeaderForbidden, Headers);
    t.refuse_beside(("", "D5"), "x5chain: a list of one", wrong, chain(list(&[certificate()])), one());
    t.refuse_beside(("", "D5"), "x5chain: an empty list", wrong, chain(list(&[])), two());
    t.refuse_beside(("", "D5"), "x5chain: text", wrong, chain(text("certificate")), one());
    t.refuse_beside(("", "D5"), "x5chain: a list with text", wrong, chain(list(&[certificate(), text("c")])), two());
    t.refuse_beside(("", "D5"), "x5chain: a map", wrong, chain(map(&[])), two());
    for (name, label) in [("x5bag", 32), ("x5t", 34), ("x5u", 35), ("kid", 4)] {
        t.refuse_beside(
            ("", "D5"),
            format!("{name} in place of x5chain"),
            wrong,
            |f| f.unprotected = map(&[(int(label), certificate())]),
            one(),
        );
        t.refuse_beside(
            ("", "D5"),
            format!("{name} beside x5chain"),
            wrong,
            |f| f.unprotected = set(&map(&[(int(33), certificate())]), label, certificate()),
            one(),
        );
    }

    let hash = || bytes(&[9; 32]);
    let names: [(&str, Vec<u8>); 6] = [
        ("by SHA-384", list(&[int(-43), hash()])),
        ("of 31 bytes", list(&[int(-16), bytes(&[9; 31])])),
        ("without its algorithm", hash()),
        ("of three", list(&[int(-16), hash(), hash()])),
        ("of one", list(&[int(-16)])),
        ("by a text", list(&[text("SHA-256"), hash()])),
    ];
    for (name, item) in names {
        t.refuse(("", "D14"), format!("x5t {name}"), (SignerUnnamed, Headers), |f| {
            f.protected = set(&f.protected, 34, item);
        });
    }
    t.refuse(("", "D14"), "an offer by kid", (SignerUnnamed, Headers), |f| {
        f.protected = key_header("purser-offer", "merchant");
    });
    t.refuse(("", "D14"), "an offer by kid and x5t", (SignerUnnamed, Headers), |f| {
        f.protected = set(&f.protected, 4, bytes(&key("merchant").id().0));
    });
    t.refuse(("", "C10"), "x5chain of 2^32 certificates", (CborTruncated, Encoding), |f| {
        f.unprotected = map(&[(int(33), [head(4, 1 << 32), certificate()].concat())]);
    });
    t.rows
}

/// A paper that a key or a certificate may sign: the one or the other.
fn either() -> Vec<Row> {
    let mut t = Table::of(&Intent::samples()[0]);
    t.refuse(("", "D5"), "x5chain beside kid", (HeaderForbidden, Headers), |f| {
        f.unprotected = map(&[(int(33), bytes(b"certificate"))]);
    });
    t.refuse(("", "D14"), "kid and x5t", (SignerUnnamed, Headers), |f| f.protected = set(&f.protected, 34, x5t()));
    t.refuse(("", "D14"), "kid and an x5t of no form", (SignerUnnamed, Headers), |f| {
        f.protected = set(&f.protected, 34, text("x5t"));
    });
    t.rows
}
