//! What stands in the headers: algorithm, kind, signer, and nothing else.

use purser_protocol::code::Code::{
    self, AlgForbidden, AlgNotProtected, CritUnknown, HeaderForbidden, SignerUnnamed, TypeMismatch,
};
use purser_protocol::code::Stage::Headers;
use purser_test_vectors::{Area, Importance};

use super::cbor::{Item, bytes, labelled, seq, wide};
use super::forge::{Forge, certificate_header, key_header, x5t};
use super::papers::{Papers, honest, lean_mandate, lean_offer};
use super::sheet::{Build as _, Sheet, Shows};
use super::{certs, keys};

pub(super) fn area() -> Area {
    let about = "The header profile: the stage headers. What can be signed is honestly signed.";
    let mut sheet = Sheet::new("headers", about);
    let clauses = "SIG-5 SIG-6 SIG-7 SIG-8 SIG-9 SIG-10 SIG-21";
    let mut t = Papers::new(&mut sheet, "base", "An honest mandate", clauses, lean_mandate());
    algorithms(&mut t);
    critical(&mut t);
    unprotected(&mut t);
    names(&mut t);
    order(&mut t);
    let clauses = "SIG-7 SIG-10 SIG-22";
    let mut t = Papers::new(&mut sheet, "certified/base", "An honest offer", clauses, lean_offer());
    certified(&mut t);
    kinds(&mut sheet);
    sheet.finish()
}

fn algorithms(t: &mut Papers<'_>) {
    let wrong = (AlgNotProtected, Headers);
    t.refuse(
        "alg/unprotected-protected-empty",
        "The algorithm unprotected, the protected header of no bytes",
        Shows("C12", "D1"),
        wrong,
        |f| {
            f.protected = Item::Raw(Vec::new());
            f.unprotected = labelled([(1, (-9).into())]);
        },
    );
    t.refuse("alg/unprotected", "The algorithm unprotected alone", Shows("C12", "D1"), wrong, |f| {
        f.protected = f.protected.clone().without(1);
        f.unprotected = labelled([(1, (-9).into())]);
    });
    t.refuse("alg/absent", "No algorithm", Shows("C13", "D1"), wrong, |f| f.protected = f.protected.clone().without(1));
    t.refuse("alg/empty-map", "The protected header an empty map", Shows("C13", "D6"), wrong, |f| {
        f.protected = labelled([])
    });
    t.refuse(
        "alg/empty-map-signed-as-nothing",
        "The protected header an empty map, signed as no bytes",
        Shows("C14", "D6"),
        wrong,
        |f| {
            let signature = f.but(|f| f.protected = Item::Raw(Vec::new())).signature();
            f.protected = labelled([]);
            f.signature_item = Some(bytes(&signature));
        },
    );
    let numbers: [(i64, &str); 14] = [
        (-7, "ES256"),
        (-8, "EdDSA"),
        (-35, "ES384"),
        (-36, "ES512"),
        (-47, "ES256K"),
        (-51, "ESP384"),
        (-19, "Ed25519"),
        (-37, "PS256"),
        (-257, "RS256"),
        (4, "HMAC 256/64"),
        (5, "HMAC 256/256"),
        (0, "reserved"),
        (1, "A128GCM"),
        (9, "the number without its sign"),
    ];
    for (algorithm, name) in numbers {
        let id = format!(
            "alg/number-{}",
            if algorithm < 0 { format!("minus-{}", -algorithm) } else { algorithm.to_string() }
        );
        let title = format!("The algorithm {algorithm}, {name}");
        t.refuse(&id, &title, Shows("C21", "D3"), (AlgForbidden, Headers), |f| {
            f.protected = f.protected.clone().with(1, algorithm)
        });
    }
    for (id, name) in [("es256", "ES256"), ("esp256", "ESP256"), ("none", "none"), ("minus-9", "-9")] {
        let title = format!("The algorithm as a text, {name:?}");
        t.refuse(&format!("alg/text-{id}"), &title, Shows("C22", "D3"), (AlgForbidden, Headers), |f| {
            f.protected = f.protected.clone().with(1, name)
        });
    }
    let items = [
        ("list", "A list with the algorithm", seq([(-9).into()])),
        ("true", "True as the algorithm", true.into()),
        ("minus-2-64", "The algorithm -2^64", Item::Raw(wide(1, u64::MAX, 8))),
    ];
    for (id, title, item) in items {
        t.refuse(&format!("alg/{id}"), title, Shows("C21", "D3"), (AlgForbidden, Headers), |f| {
            f.protected = f.protected.clone().with(1, item.clone())
        });
    }
}

fn critical(t: &mut Papers<'_>) {
    let rows: [(&str, &str, Shows, Code, Item); 6] = [
        ("known-label", "crit lists typ, which is there", Shows("C23", "D4"), CritUnknown, seq([16.into()])),
        (
            "absent-label",
            "crit lists a private label that is absent",
            Shows("C24", "D4"),
            CritUnknown,
            seq([(-70_000).into()]),
        ),
        ("empty", "crit lists nothing", Shows("C25", "D4"), CritUnknown, seq([])),
        ("number", "crit is a number", Shows("C25", "D4"), CritUnknown, 16.into()),
        ("text-label", "crit lists a text", Shows("C24", "D4"), CritUnknown, seq(["b64".into()])),
        ("alg", "crit lists the algorithm", Shows("C23", "D4"), CritUnknown, seq([1.into()])),
    ];
    for (id, title, shows, code, item) in rows {
        t.refuse(&format!("crit/{id}"), title, shows, (code, Headers), |f| {
            f.protected = f.protected.clone().with(2, item.clone())
        });
        t.last(|case| case.weighs(Importance::Critical));
    }
    t.refuse(
        "crit/private-label",
        "crit lists a private label that is there",
        Shows("C23", "D4"),
        (HeaderForbidden, Headers),
        |f| {
            f.protected = f.protected.clone().with(2, seq([(-70_000).into()])).with(-70_000, 1);
        },
    );
    t.last(|case| case.clauses("SIG-8 AUT-9").unpeeled());
    t.refuse(
        "crit/unprotected",
        "crit in the unprotected header",
        Shows("C33", "D4"),
        (HeaderForbidden, Headers),
        |f| {
            f.unprotected = labelled([(2, seq([16.into()]))]);
        },
    );
}

fn unprotected(t: &mut Papers<'_>) {
    let kid = |name: &str| Item::from(keys::thumbprint(name));
    let rows: [(&str, &str, Shows, Item); 12] = [
        ("alg-another", "another algorithm", Shows("C29", "D2"), labelled([(1, (-8).into())])),
        ("alg-same", "the same algorithm", Shows("C29", "D2"), labelled([(1, (-9).into())])),
        ("kid-another", "another kid", Shows("C30", "D5"), labelled([(4, kid("thief"))])),
        ("kid-same", "the same kid", Shows("C30", "D5"), labelled([(4, kid("payer"))])),
        ("typ", "the same typ", Shows("C30", "D5"), labelled([(16, "purser-mandate".into())])),
        ("private-label", "a private label", Shows("C32", "D5"), labelled([(-70_000, 1.into())])),
        ("text-label", "a text as label", Shows("C32", "D5"), Item::Map(vec![("note".into(), 1.into())])),
        ("counter-signature", "a counter-signature", Shows("C32", "D5"), labelled([(11, seq([]))])),
        ("content-type", "a content type", Shows("C32", "D5"), labelled([(3, 60.into())])),
        ("iv", "an initialisation vector", Shows("C32", "D5"), labelled([(5, vec![1, 2, 3].into())])),
        (
            "x5chain",
            "a chain beside a paper by key",
            Shows("C32", "D5"),
            labelled([(33, certs::leaf("merchant").into())]),
        ),
        ("claims", "CWT claims", Shows("C32", "D5"), labelled([(15, labelled([]))])),
    ];
    for (id, title, shows, unprotected) in rows {
        let title = format!("Unprotected header: {title}");
        t.refuse(&format!("unprotected/{id}"), &title, shows, (HeaderForbidden, Headers), |f| {
            f.unprotected = unprotected.clone()
        });
    }
}

fn names(t: &mut Papers<'_>) {
    let rows: [(&str, &str, Shows, Code, &dyn Fn(Item) -> Item); 22] = [
        ("typ/absent", "No typ", Shows("M43", "D9"), TypeMismatch, &|p| p.without(16)),
        ("typ/intent", "The typ of an intent", Shows("M43", "D9"), TypeMismatch, &|p| p.with(16, "purser-intent")),
        ("typ/root", "The typ of a root", Shows("M43", "D9"), TypeMismatch, &|p| p.with(16, "purser-root")),
        ("typ/unknown", "The typ of no paper", Shows("M43", "D9"), TypeMismatch, &|p| p.with(16, "purser-mandate-v2")),
        ("typ/capitals", "The typ in capitals", Shows("M43", "D9"), TypeMismatch, &|p| p.with(16, "PURSER-MANDATE")),
        ("typ/media-type", "The typ as a media type", Shows("M43", "D9"), TypeMismatch, &|p| {
            p.with(16, "application/purser-mandate")
        }),
        ("typ/space", "A space behind the typ", Shows("M43", "D9"), TypeMismatch, &|p| p.with(16, "purser-mandate ")),
        ("typ/prefix", "The typ without its beginning", Shows("M43", "D9"), TypeMismatch, &|p| p.with(16, "mandate")),
        ("typ/number", "The typ as a number", Shows("M43", "D9"), TypeMismatch, &|p| p.with(16, 61)),
        ("typ/bytes", "The typ as bytes", Shows("M43", "D9"), TypeMismatch, &|p| {
            p.with(16, b"purser-mandate".to_vec())
        }),
        ("typ/empty", "An empty typ", Shows("M43", "D9"), TypeMismatch, &|p| p.with(16, "")),
        ("signer/absent", "No signer", Shows("X25", "D14"), SignerUnnamed, &|p| p.without(4)),
        ("signer/kid-of-31-bytes", "A kid of 31 bytes", Shows("X25", "D14"), SignerUnnamed, &|p| {
            p.with(4, vec![7; 31])
        }),
        ("signer/kid-of-33-bytes", "A kid of 33 bytes", Shows("X25", "D14"), SignerUnnamed, &|p| {
            p.with(4, vec![7; 33])
        }),
        ("signer/kid-empty", "An empty kid", Shows("X25", "D14"), SignerUnnamed, &|p| p.with(4, Vec::<u8>::new())),
        ("signer/kid-text", "A kid that is a text", Shows("X25", "D14"), SignerUnnamed, &|p| p.with(4, "payer")),
        ("signer/x5t-beside", "An x5t beside the kid", Shows("X25", "D14"), SignerUnnamed, &|p| {
            p.with(34, x5t(b"certificate"))
        }),
        ("signer/x5t-instead", "An x5t in place of the kid", Shows("X25", "D14"), SignerUnnamed, &|p| {
            p.without(4).with(34, x5t(b"certificate"))
        }),
        ("other/content-type", "A content type", Shows("C32", "C12"), HeaderForbidden, &|p| p.with(3, 60)),
        ("other/private-label", "A private label", Shows("C32", "C12"), HeaderForbidden, &|p| p.with(-70_000, 1)),
        ("other/text-label", "A text as label", Shows("C32", "C14"), HeaderForbidden, &|p| {
            p.with_key("alg".into(), -9)
        }),
        ("other/claims", "CWT claims in the header", Shows("C32", "C12"), HeaderForbidden, &|p| {
            p.with(15, labelled([]))
        }),
    ];
    for (id, title, shows, code, change) in rows {
        t.refuse(id, title, shows, (code, Headers), |f| f.protected = change(f.protected.clone()));
        if code != HeaderForbidden {
            t.last(|case| case.weighs(Importance::Critical));
        }
    }
}

/// The checks of a header are made in the order of their clauses.
fn order(t: &mut Papers<'_>) {
    let rows: [(&str, &str, Code, &dyn Fn(Item) -> Item); 4] = [
        ("alg-before-typ", "Another algorithm and another typ", AlgForbidden, &|p| {
            p.with(1, -7).with(16, "purser-intent")
        }),
        ("other-before-crit", "A label that is not known, and crit", HeaderForbidden, &|p| {
            p.with(3, 60).with(2, seq([16.into()]))
        }),
        ("crit-before-typ", "crit and another typ", CritUnknown, &|p| {
            p.with(2, seq([16.into()])).with(16, "purser-intent")
        }),
        ("typ-before-signer", "Another typ and no signer", TypeMismatch, &|p| p.with(16, "purser-intent").without(4)),
    ];
    for (id, title, code, change) in rows {
        t.refuse(&format!("order/{id}"), title, Shows::default(), (code, Headers), |f| {
            f.protected = change(f.protected.clone())
        });
        t.last(|case| case.clauses("AUT-9").unpeeled().weighs(Importance::Medium));
    }
}

/// A paper by certificate: the chain beside it, and the certificate's name.
fn certified(t: &mut Papers<'_>) {
    let leaf = certs::leaf("merchant");
    let (leaf, other) = (Item::from(leaf), Item::from(certs::anchor()));
    let rows: [(&str, &str, Item); 12] = [
        ("list-of-one", "x5chain: a list of one", labelled([(33, seq([leaf.clone()]))])),
        ("empty-list", "x5chain: an empty list", labelled([(33, seq([]))])),
        ("text", "x5chain: a text", labelled([(33, "certificate".into())])),
        ("list-with-text", "x5chain: a list with a text", labelled([(33, seq([leaf.clone(), "certificate".into()]))])),
        ("map", "x5chain: a map", labelled([(33, labelled([]))])),
        ("nested-list", "x5chain: a list in a list", labelled([(33, seq([leaf.clone(), seq([other.clone()])]))])),
        ("x5bag", "x5bag in place of x5chain", labelled([(32, leaf.clone())])),
        ("x5u", "x5u in place of x5chain", labelled([(35, "https://tea.example/chain".into())])),
        ("x5bag-beside", "x5bag beside x5chain", labelled([(33, leaf.clone()), (32, leaf.clone())])),
        (
            "x5t-beside",
            "x5t beside x5chain, both unprotected",
            labelled([(33, leaf.clone()), (34, x5t(b"certificate"))]),
        ),
        (
            "kid-beside",
            "kid beside x5chain, both unprotected",
            labelled([(33, leaf.clone()), (4, keys::thumbprint("merchant").into())]),
        ),
        ("private-label-beside", "A private label beside x5chain", labelled([(33, leaf), (-70_000, 1.into())])),
    ];
    for (id, title, unprotected) in rows {
        t.refuse(&format!("certified/{id}"), title, Shows("C32", "D5"), (HeaderForbidden, Headers), |f| {
            f.unprotected = unprotected.clone()
        });
    }
    let hash = || Item::from([9; 32]);
    let names: [(&str, &str, Item); 7] = [
        ("x5t-sha384", "x5t by SHA-384", seq([(-43).into(), hash()])),
        ("x5t-31-bytes", "x5t of 31 bytes", seq([(-16).into(), vec![9; 31].into()])),
        ("x5t-bare", "x5t without its algorithm", hash()),
        ("x5t-of-three", "x5t of three elements", seq([(-16).into(), hash(), hash()])),
        ("x5t-of-one", "x5t of one element", seq([(-16).into()])),
        ("x5t-text", "x5t whose algorithm is a text", seq(["SHA-256".into(), hash()])),
        ("x5t-sha256-64", "x5t by SHA-256 cut to 64 bits", seq([(-15).into(), vec![9; 8].into()])),
    ];
    for (id, title, item) in names {
        t.refuse(&format!("certified/{id}"), title, Shows("X25", "D14"), (SignerUnnamed, Headers), |f| {
            f.protected = f.protected.clone().with(34, item.clone())
        });
        t.last(|case| case.weighs(Importance::Critical));
    }
    let by_key = |f: &mut Forge| {
        f.protected = key_header("offer", "merchant");
        f.unprotected = labelled([]);
    };
    t.refuse(
        "certified/by-kid",
        "An offer that names its signer by kid",
        Shows("X25", "D14"),
        (SignerUnnamed, Headers),
        by_key,
    );
    t.refuse(
        "certified/kid-and-x5t",
        "An offer with kid and x5t",
        Shows("X25", "D14"),
        (SignerUnnamed, Headers),
        |f| {
            f.protected = f.protected.clone().with(4, keys::thumbprint("merchant"));
        },
    );
}

/// Every kind of paper, honest; and each one's bytes in the place of another.
fn kinds(sheet: &mut Sheet) {
    const KINDS: [&str; 20] = [
        "credential",
        "pseudonym",
        "mandate",
        "offer",
        "intent",
        "confirmation",
        "root",
        "capture",
        "void",
        "refund",
        "payout",
        "cancel",
        "suspension",
        "resumption",
        "revocation",
        "enrolment",
        "deposit",
        "proof",
        "status",
        "delivery",
    ];
    for (at, kind) in KINDS.into_iter().enumerate() {
        let base = honest(kind);
        let id = format!("kind/{kind}");
        let mut t = Papers::new(sheet, &id, &format!("An honest {kind}"), "SIG-9 SIG-10 SIG-16 SIG-20", base.clone());
        // The next kind that is signed in the same way: the header alone tells the two apart.
        let certified = |kind: &str| honest_is_certified(kind);
        let others = KINDS[at + 1..].iter().chain(&KINDS[..at]).filter(|other| certified(other) == certified(kind));
        if let Some(other) = others.into_iter().next() {
            let title = format!("A {kind} that its typ and its signature call a {other}");
            t.refuse(&format!("kind/{kind}-as-{other}"), &title, Shows("M43", "D9"), (TypeMismatch, Headers), |f| {
                f.protected = f.protected.clone().with(16, format!("purser-{other}"));
                f.aad = super::forge::aad(other, super::forge::NETWORK);
            });
            t.last(|case| case.weighs(Importance::Critical));
        }
    }
    let lean = honest("intent").says(|p| p.without(-29).without(-30));
    let mut t = Papers::new(sheet, "either/intent", "An honest intent, by key", "SIG-10", lean);
    t.refuse(
        "either/x5chain-beside-kid",
        "A chain beside an intent by key",
        Shows("C32", "D5"),
        (HeaderForbidden, Headers),
        |f| {
            f.unprotected = labelled([(33, certs::leaf("merchant").into())]);
        },
    );
    t.refuse("either/kid-and-x5t", "An intent with kid and x5t", Shows("X25", "D14"), (SignerUnnamed, Headers), |f| {
        f.protected = f.protected.clone().with(34, x5t(&certs::leaf("merchant")));
    });
    t.refuse("either/neither", "An intent with neither", Shows("X25", "D14"), (SignerUnnamed, Headers), |f| {
        f.protected = f.protected.clone().without(4)
    });
    let held = honest("intent").but(|f| {
        let leaf = certs::leaf("merchant");
        f.protected = certificate_header("intent", &leaf);
        f.unprotected = labelled([(33, leaf.into())]);
        f.signer = "merchant";
    });
    Papers::new(sheet, "either/held-intent", "An honest intent, by a merchant's certificate", "SIG-10", held);
}

fn honest_is_certified(kind: &str) -> bool {
    matches!(
        kind,
        "credential"
            | "pseudonym"
            | "offer"
            | "root"
            | "capture"
            | "void"
            | "refund"
            | "payout"
            | "status"
            | "delivery"
    )
}
