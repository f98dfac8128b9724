//! Keys and signatures: the values of r and s, what was signed, and who signed it.

mod networks;

use purser_protocol::code::Code::{KeyInvalid, MandateSigner, SignatureInvalid, VersionUnsupported};
use purser_protocol::code::Stage::{Signature, Version};
use purser_test_vectors::{Area, Importance};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::cbor::{Item, bytes, head, text};
use super::forge::{Forge, NETWORK, aad};
use super::papers::{NOW, Papers, lean_mandate, lean_offer};
use super::sheet::{Build as _, Expecting as _, Sheet, Shows, accepted, call, case, id_value, refused};
use super::{certs, hex, keys};

/// The order of the curve's group.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
    0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The prime of the curve's field.
const PRIME: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff,
];

pub(super) fn area() -> Area {
    let about =
        "ECDSA on P-256 over a Sig_structure that names kind, version and network: the stages signature and version.";
    let mut sheet = Sheet::new("signature", about);
    let clauses = "SIG-11 SIG-15 SIG-16 SIG-19 SIG-20";
    let mut t = Papers::new(&mut sheet, "base", "An honest mandate", clauses, lean_mandate());
    values(&mut t);
    contexts(&mut t);
    contents(&mut t);
    versions(&mut t);
    let mut t = Papers::new(&mut sheet, "certified/base", "An honest offer", clauses, lean_offer());
    t.refuse(
        "certified/another-key",
        "An offer signed by another key than the certificate's",
        Shows("X25", "D14 D17"),
        (SignatureInvalid, Signature),
        |f| f.signer = "thief",
    );
    t.refuse(
        "certified/issuers-key",
        "An offer signed by the issuer's key",
        Shows("X26", "D14"),
        (SignatureInvalid, Signature),
        |f| f.signer = "issuer",
    );
    t.accept("certified/high-s", "The other s of an offer", Shows("C39", "A20 D11"), "SIG-18 SIG-19", negate);
    networks::networks(&mut sheet);
    keys_given(&mut sheet);
    signing(&mut sheet);
    sheet.finish()
}

fn values(t: &mut Papers<'_>) {
    let honest = t.base.signature();
    let (r, s) = honest.split_at(32);
    let plus = |value: &[u8], one: u8| {
        let mut sum = [0; 32];
        sum.copy_from_slice(value);
        sum[31] = sum[31].wrapping_add(one);
        sum
    };
    let small = |value: u8| plus(&[0; 32], value);
    let mut flipped = honest;
    flipped[40] ^= 0x10;
    let mut reversed = honest;
    reversed.reverse();
    let rows: [(&str, &str, Shows, [&[u8]; 2]); 22] = [
        ("zero", "r = s = 0", Shows("C43 S01", "D12"), [&[0; 32], &[0; 32]]),
        ("r-zero", "r = 0", Shows("C43 S01", "D12"), [&[0; 32], s]),
        ("s-zero", "s = 0", Shows("C43 S01", "D12"), [r, &[0; 32]]),
        ("order", "r = s = n", Shows("C44 S02", "D12"), [&ORDER, &ORDER]),
        ("r-order", "r = n", Shows("C44 S02", "D12"), [&ORDER, s]),
        ("s-order", "s = n", Shows("C44 S02", "D12"), [r, &ORDER]),
        ("r-order-plus-1", "r = n + 1", Shows("C44 S03", "D12"), [&plus(&ORDER, 1), s]),
        ("s-order-plus-1", "s = n + 1", Shows("C44 S03", "D12"), [r, &plus(&ORDER, 1)]),
        ("r-prime", "r = p", Shows("S03", "D12"), [&PRIME, s]),
        ("r-s-greatest", "r = s = 2^256 - 1", Shows("C44 S04", "D12"), [&[0xff; 32], &[0xff; 32]]),
        ("r-greatest", "r = 2^256 - 1", Shows("S04", "D12"), [&[0xff; 32], s]),
        ("r-1-s-1", "r = s = 1", Shows("S05", "D12"), [&small(1), &small(1)]),
        ("r-1", "r = 1", Shows("S05", "D12"), [&small(1), s]),
        ("s-1", "s = 1", Shows("S05", "D12"), [r, &small(1)]),
        ("r-s-equal", "s = r", Shows("S06", "D12"), [r, r]),
        ("s-order-less-1", "s = n - 1", Shows("S05", "D12"), [r, &plus(&ORDER, 255)]),
        ("bit", "One bit of s flipped", Shows("C45", "D12"), [r, &flipped[32..]]),
        ("swapped", "r and s swapped", Shows("C45", "D12"), [s, r]),
        ("reversed", "The bytes reversed", Shows("C45", "D12"), [&reversed[..32], &reversed[32..]]),
        ("r-last-bit", "The last bit of r flipped", Shows("C45", "D12"), [&plus(r, 1), s]),
        ("r-negated", "r taken from n", Shows("C45", "D12"), [&negated(r), s]),
        ("both-negated", "Both taken from n", Shows("C45", "D12"), [&negated(r), &negated(s)]),
    ];
    for (id, title, shows, halves) in rows {
        let item = bytes(&halves.concat());
        t.refuse(&format!("value/{id}"), title, shows, (SignatureInvalid, Signature), |f| {
            f.signature_item = Some(item.clone())
        });
    }
    t.accept("value/high-s", "The other s: n - s", Shows("C39", "A20 D11"), "SIG-18 SIG-19", negate);
    t.last(|case| case.weighs(Importance::Critical));
}

pub(super) fn negate(f: &mut Forge) {
    let honest = f.signature();
    f.signature_item = Some(bytes(&[&honest[..32], &negated(&honest[32..])].concat()));
}

/// n - s: with it the signature verifies as well.
pub(super) fn negated(s: &[u8]) -> [u8; 32] {
    let (mut out, mut borrow) = ([0; 32], 0);
    for at in (0..32).rev() {
        let digit = i16::from(ORDER[at]) - i16::from(s[at]) - borrow;
        borrow = i16::from(digit < 0);
        out[at] = digit.rem_euclid(256).to_be_bytes()[1];
    }
    out
}

fn contexts(t: &mut Papers<'_>) {
    // Rightly signed, and the header names another key. [SIG-21]
    for (id, title, name) in [
        ("kid/of-another", "The name of another key, over the signature of the right one", keys::thumbprint("thief")),
        ("kid/of-nobody", "The name of no key, over the signature of the right one", keys::thirty_two("no key")),
        ("kid/of-the-second", "The name of the payer's second key, over the first one's", keys::thumbprint("payer-2")),
    ] {
        t.refuse(id, title, Shows("X25 M36", "A15"), (MandateSigner, Signature), |f| {
            f.protected = f.protected.clone().with(4, name)
        });
        t.last(|mut case| {
            case.peel = Some("SIG-21".to_owned());
            case.clauses("SIG-21")
        });
    }
    let two = |kind: &str, network: &str| [head(4, 2), text(kind), text(network)].concat();
    let rows: [(&str, &str, Shows, Vec<u8>); 12] = [
        ("a-third-kind", "Signed as an offer", Shows("C49 M43", "D9 D15"), aad("offer", NETWORK)),
        ("another-kind", "Signed as an intent", Shows("C49 M43", "D9 D15"), aad("intent", NETWORK)),
        ("another-network", "Signed for the network live", Shows("C49 M44", "D9 D15"), aad("mandate", "live")),
        ("no-network", "Signed for the network of no name", Shows("C49 M44", "D15"), aad("mandate", "")),
        ("network-in-capitals", "Signed for the network SANDBOX", Shows("C49 M44", "D15"), aad("mandate", "SANDBOX")),
        ("another-version", "Signed as version 2", Shows("C49 M42", "D10 D15"), two("purser-mandate/2", NETWORK)),
        ("no-version", "Signed without a version", Shows("C49 M42", "D10 D15"), two("purser-mandate", NETWORK)),
        ("swapped", "Signed for network and kind swapped", Shows("C49", "D15"), two(NETWORK, "purser-mandate/1")),
        (
            "joined",
            "Signed for one text of both",
            Shows("C49", "D15"),
            [head(4, 1), text("purser-mandate/1sandbox")].concat(),
        ),
        ("bare-kind", "Signed for the kind alone, without the list", Shows("C49", "D15"), text("purser-mandate/1")),
        ("empty", "Signed without external data", Shows("C49", "D15"), Vec::new()),
        ("empty-list", "Signed for an empty list", Shows("C49", "D15"), vec![0x80]),
    ];
    for (id, title, shows, aad) in rows {
        t.refuse(&format!("context/{id}"), title, shows, (SignatureInvalid, Signature), |f| f.aad = aad.clone());
        t.last(|case| case.clauses("SIG-16"));
    }
    for (id, title, context) in [
        ("cose-sign", "Signed as one of several signers of a COSE_Sign", "Signature"),
        ("counter-signature", "Signed as a counter-signature", "CounterSignature1"),
        ("mac0", "Signed over a MAC_structure", "MAC0"),
        ("encrypt0", "Signed over an Enc_structure", "Encrypt0"),
    ] {
        t.refuse(&format!("context/{id}"), title, Shows("C50", "D15"), (SignatureInvalid, Signature), |f| {
            f.context = context
        });
        t.last(|case| case.clauses("SIG-16"));
    }
}

/// What else could have been signed.
fn contents(t: &mut Papers<'_>) {
    let sign = |name: &str, what: &[u8]| bytes(&keys::sign(name, Sha256::digest(what).into()));
    let twice = |f: &Forge| Sha256::digest(Sha256::digest(f.sig_structure()));
    type Signing<'s> = &'s dyn Fn(&Forge) -> Vec<u8>;
    let rows: [(&str, &str, Shows, Signing<'_>); 7] = [
        ("bare-payload", "Signed over the payload alone", Shows("C51", "D15"), &|f| sign("payer", &f.payload.encode())),
        ("bare-id", "Signed over the id", Shows("C51", "D15"), &|f| bytes(&keys::sign("payer", f.id()))),
        ("hashed-twice", "Signed over the hash of the hash", Shows("C51 S07", "D15"), &|f| {
            bytes(&keys::sign("payer", twice(f).into()))
        }),
        ("hash-of-zeros", "Signed over a hash of zeros", Shows("S07", "D15"), &|_| {
            bytes(&keys::sign("payer", [0; 32]))
        }),
        ("whole-message", "Signed over the message without its signature", Shows("C51", "D15"), &|f| {
            let whole = f.but(|f| f.signature_item = Some(Vec::new())).bytes();
            sign("payer", &whole)
        }),
        (
            "payload-without-head",
            "Signed over a Sig_structure with the payload bare in it",
            Shows("C51", "D15"),
            &|f| {
                let parts = [text("Signature1"), bytes(&f.protected.encode()), bytes(&f.aad), f.payload.encode()];
                sign("payer", &super::cbor::list(&parts))
            },
        ),
        ("another-paper", "The signature of the same payer's deposit", Shows("C45 M43", "D9"), &|_| {
            bytes(&super::papers::honest("deposit").signature())
        }),
    ];
    for (id, title, shows, signature) in rows {
        t.refuse(&format!("content/{id}"), title, shows, (SignatureInvalid, Signature), |f| {
            f.signature_item = Some(signature(f))
        });
    }
    t.refuse(
        "content/another-key",
        "The payer's kid over another key's signature",
        Shows("X25", "D14 D17"),
        (SignatureInvalid, Signature),
        |f| f.signer = "thief",
    );
    let transit: [(&str, &str, Shows, &dyn Fn(Item) -> Item); 4] = [
        ("amount-in-transit", "The total raised in transit", Shows("C45", "A12"), &|p| {
            p.with(-15, super::cbor::labelled([(3, 5_000_000.into())]))
        }),
        ("mode-in-transit", "The mode changed in transit", Shows("C45 M20", "A12"), &|p| p.with(-12, 2)),
        ("caps-in-transit", "The caps taken out in transit", Shows("C45", "A12"), &|p| p.without(-15)),
        ("holder-in-transit", "The holder changed in transit", Shows("C45", "A12"), &|p| {
            p.with(8, super::papers::agent_key("thief"))
        }),
    ];
    for (id, title, shows, change) in transit {
        t.refuse(&format!("content/{id}"), title, shows, (SignatureInvalid, Signature), |f| {
            f.signature_item = Some(bytes(&f.signature()));
            f.payload = change(f.payload.clone());
        });
    }
    t.refuse(
        "content/time-in-transit",
        "The time changed in transit",
        Shows("C45", "A12"),
        (SignatureInvalid, Signature),
        |f| {
            f.signature_item = Some(bytes(&f.signature()));
            f.payload = f.payload.clone().with(6, NOW + 1);
        },
    );
}

fn versions(t: &mut Papers<'_>) {
    let rows: [(&str, Item); 5] = [
        ("0", 0.into()),
        ("2", 2.into()),
        ("minus-1", (-1).into()),
        ("text", "1".into()),
        ("2-64-less-1", Item::Raw(head(0, u64::MAX))),
    ];
    for (id, version) in rows {
        let title = format!("Version {}", id.replace('-', " "));
        t.refuse(&format!("version/{id}"), &title, Shows("M42 F23", "D10"), (VersionUnsupported, Version), |f| {
            f.payload = f.payload.clone().with(-1, version.clone())
        });
        t.last(|case| case.clauses("VER-2"));
    }
    t.refuse(
        "version/2-with-its-own-field",
        "Version 2 with a field of its own",
        Shows("M42", "D10"),
        (VersionUnsupported, Version),
        |f| {
            f.payload = f.payload.clone().with(-1, 2).with(-99, 1);
        },
    );
    t.refuse(
        "version/2-badly-signed",
        "Version 2, the number changed in transit",
        Shows("M42", "D10"),
        (SignatureInvalid, Signature),
        |f| {
            f.signature_item = Some(bytes(&f.signature()));
            f.payload = f.payload.clone().with(-1, 2);
        },
    );
    t.last(|case| case.clauses("VER-1 AUT-9").unpeeled());
}

/// Keys that the verifier was given and that are none.
fn keys_given(sheet: &mut Sheet) {
    let base = lean_mandate();
    let good = keys::public("payer").0;
    let mut off = good;
    off[63] ^= 1;
    let (mut large_x, mut large_y) = (good, good);
    large_x[..32].copy_from_slice(&PRIME);
    large_y[32..].copy_from_slice(&[0xff; 32]);
    let rows: [(&str, &str, [u8; 64]); 5] = [
        ("off-curve", "y off by one bit: no point of the curve", off),
        ("zero", "x = y = 0: infinity, as some write it", [0; 64]),
        ("x-prime", "x = p", large_x),
        ("y-greatest", "y = 2^256 - 1", large_y),
        ("swapped", "x and y swapped", [&good[32..], &good[..32]].concat().try_into().unwrap_or([1; 64])),
    ];
    for (id, title, point) in rows {
        // The header names this very key, as a signer who has only such a key would.
        let hash: [u8; 32] = purser_protocol::sign::PublicKey(point).id().0;
        let forge = base.but(|f| f.protected = f.protected.clone().with(4, hash));
        let input = json!({"kind": "mandate", "paper": hex(&forge.bytes()), "network": NETWORK, "now": NOW, "signer": {"key": hex(&point)}});
        let title = format!("The signer's key: {title}");
        let case =
            case("verifier", &format!("key/{id}"), title, call("paper.verify", input), refused(KeyInvalid, Signature));
        let edits = vec![json!(["signer_key", hex(&point)])];
        sheet.add(
            case.shows(Shows("S09", "D13")).twin("base").mutated("base", "edit", edits, true).diagnosed(&forge.bytes()),
        );
    }
    for (id, title, name) in
        [("drawn-anew", "whose secret is drawn anew", "thief"), ("agent", "that is the agent's", "agent")]
    {
        let forge = base.but(|f| {
            f.protected = super::forge::key_header("mandate", name);
            f.signer = name;
        });
        let input = json!({"kind": "mandate", "paper": hex(&forge.bytes()), "network": NETWORK, "now": NOW, "signer": {"key": hex(&keys::public(name).0)}});
        let title = format!("A signer's key {title}");
        let expect = accepted().value(id_value(&forge.id()));
        sheet.add(
            case("verifier", &format!("key/{id}"), title, call("paper.verify", input), expect)
                .clauses("SIG-15 SIG-21")
                .diagnosed(&forge.bytes()),
        );
    }
}

/// Signing: the id is that of the one header that a signer can write.
fn signing(sheet: &mut Sheet) {
    for kind in
        ["mandate", "deposit", "intent", "confirmation", "suspension", "offer", "capture", "root", "status", "delivery"]
    {
        let forge = super::papers::honest(kind);
        let certified = forge.unprotected.encode() != [0xa0];
        let mut input = json!({
            "kind": kind, "payload": hex(&forge.payload.encode()), "network": NETWORK, "key": hex(&keys::secret(forge.signer)),
        });
        if certified {
            input["certificate"] = json!(hex(&certs::leaf(forge.signer)));
        }
        let expect = accepted().value(id_value(&forge.id()));
        let title = format!("A {kind} to sign: its id is known before it is signed");
        let case = case("verifier", &format!("sign/{kind}"), title, call("paper.sign", input.clone()), expect.clone());
        sheet.add(case.clauses("SIG-15 SIG-16 SIG-20 SIG-21 ENC-19").shows(Shows("", "D16")));
        // A root names its network.
        if kind != "root" {
            input["network"] = json!("live");
            let title = format!("A {kind} to sign for the network live: its id is the same");
            let case =
                super::sheet::case("verifier", &format!("sign/{kind}-live"), title, call("paper.sign", input), expect);
            sheet.add(case.clauses("SIG-15 SIG-16 SIG-20").shows(Shows("M44", "D9 D16")));
        }
    }
}
