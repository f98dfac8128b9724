//! The path, the root, and the container.

use super::*;

pub(super) fn paths(sheet: &mut Sheet) {
    for (count, index) in [(2, 0), (2, 1), (3, 2), (5, 4), (7, 3), (8, 7), (100, 63)] {
        let id = format!("path/{index}-of-{count}");
        put(
            sheet,
            &id,
            &format!("Leaf {index} of {count}"),
            Shows("F17", ""),
            &batch(count, index),
            ("settled", None),
            "RCT-3 RCT-5",
        );
    }
    let twin = "path/3-of-7";
    let wrong = (Code::PathInvalid, Stage::Receipt);
    let rows: [(&str, &str, Draft); 9] = [
        ("index", "The index of the leaf before", Draft { change: |parts| parts[1] = 2.into(), ..batch(7, 3) }),
        ("index-outside", "An index outside the tree", Draft { change: |parts| parts[1] = 7.into(), ..batch(7, 3) }),
        ("shorter", "A path without its last hash", Draft { change: |parts| cut(parts, false), ..batch(7, 3) }),
        ("longer", "A path with one hash more", Draft { change: |parts| cut(parts, true), ..batch(7, 3) }),
        ("swapped", "The first two hashes of a path swapped", Draft { change: |parts| swap(parts), ..batch(7, 3) }),
        ("size", "A tree of one leaf fewer", Draft { root: vec![(-47, Some(6.into()))], ..batch(7, 6) }),
        (
            "another-root",
            "The root of another tree",
            Draft { root: vec![(-46, Some(keys::thirty_two("another root").into()))], ..batch(7, 3) },
        ),
        (
            "leaf-as-node",
            "The root itself as the leaf's hash",
            Draft { root: vec![(-46, Some(Item::Bytes(Sha256::digest(claims(2).encode()).to_vec())))], ..batch(1, 0) },
        ),
        (
            "amount-in-transit",
            "The amount raised in transit",
            Draft { change: |parts| parts[0] = claims(2).with(-5, 128_000).encode().into(), ..batch(7, 3) },
        ),
    ];
    for (id, title, draft) in rows {
        put(sheet, &format!("path/{id}"), title, Shows("F15", "B20"), &draft, ("", Some((wrong.0, wrong.1, twin))), "");
    }
    put(sheet, "path/2-of-4", "Leaf 2 of 4", Shows("F17", ""), &batch(4, 2), ("settled", None), "RCT-3 RCT-5");
    // Hashed by what is left and right of them alone, these would lead to the root.
    let past: [(&str, &str, &str, Draft); 5] = [
        ("index-of-one", "The index 1 in a tree of one leaf", "outcome/settled", at(1, batch(1, 0))),
        (
            "index-is-size",
            "The index 2 in a tree of two, with the path of its first leaf",
            "path/0-of-2",
            at(2, batch(2, 0)),
        ),
        (
            "index-past-size",
            "The index 3 in a tree of two, with the path of its second leaf",
            "path/1-of-2",
            at(3, batch(2, 1)),
        ),
        (
            "index-six-of-four",
            "The index 6 in a tree of four, with the path of leaf 2",
            "path/2-of-4",
            at(6, batch(4, 2)),
        ),
        (
            "index-wide-open",
            "The index 2^63 in a tree of two, with the path of its first leaf",
            "path/0-of-2",
            at(1 << 63, batch(2, 0)),
        ),
    ];
    for (id, title, twin, draft) in past {
        put(sheet, &format!("path/{id}"), title, Shows("F15", "B20"), &draft, ("", Some((wrong.0, wrong.1, twin))), "");
    }
    // The root is that of a larger tree than it says, and the path goes all the way to it.
    let smaller: [(&str, &str, &str, i64, Draft); 3] = [
        (
            "longer-of-one",
            "A path of one hash, where the root says that it is of one leaf",
            "path/1-of-2",
            1,
            at(0, batch(2, 1)),
        ),
        (
            "longer-of-two",
            "A path of two hashes, where the root says that it is of two leaves",
            "path/3-of-4",
            2,
            at(1, batch(4, 3)),
        ),
        (
            "longer-of-four",
            "A path of three hashes, where the root says that it is of four leaves",
            "path/7-of-8",
            4,
            at(3, batch(8, 7)),
        ),
    ];
    put(sheet, "path/3-of-4", "Leaf 3 of 4", Shows("F17", ""), &batch(4, 3), ("settled", None), "RCT-3 RCT-5");
    for (id, title, twin, size, draft) in smaller {
        let draft = Draft { root: vec![(-47, Some(size.into()))], ..draft };
        put(sheet, &format!("path/{id}"), title, Shows("F15", "B20"), &draft, ("", Some((wrong.0, wrong.1, twin))), "");
    }
}

/// The same receipt under another index.
fn at(index: u64, draft: Draft) -> Draft {
    Draft { shown_index: Some(index), ..draft }
}

pub(super) fn cut(parts: &mut [Item], longer: bool) {
    let Item::List(mut path) = parts[2].clone() else { return };
    if longer {
        path.push(keys::thirty_two("one more").into());
    } else {
        path.pop();
    }
    parts[2] = Item::List(path);
}

pub(super) fn swap(parts: &mut [Item]) {
    if let Item::List(path) = &mut parts[2] {
        path.swap(0, 1);
    }
}

pub(super) fn roots(sheet: &mut Sheet) {
    let twin = "outcome/settled";
    let base = || Draft::of(claims(2));
    let rows: [(&str, &str, Shows, (Code, Stage), &str, Draft); 10] = [
        (
            "longer-network-inside",
            "A root that names a network whose name begins like the one it was signed for",
            Shows("M44", "D9"),
            (Code::SignatureInvalid, Stage::Signature),
            "RCT-18",
            Draft { root: vec![(-51, Some(format!("{NETWORK}-2").into()))], ..base() },
        ),
        (
            "unsigned",
            "A root with a broken signature",
            Shows("F14", "B20"),
            (Code::SignatureInvalid, Stage::Signature),
            "SIG-15",
            Draft { root_change: |f| f.signature_item = Some(super::super::cbor::bytes(&[1; 64])), ..base() },
        ),
        (
            "another-network",
            "A root signed for another network",
            Shows("M44", "D9"),
            (Code::SignatureInvalid, Stage::Signature),
            "SIG-16",
            Draft { root_change: |f| f.aad = aad("root", "live"), ..base() },
        ),
        (
            "another-network-inside",
            "A root that names another network than the one it was signed for",
            Shows("M44", "D9"),
            (Code::SignatureInvalid, Stage::Signature),
            "RCT-18",
            Draft { root: vec![(-51, Some("live".into()))], ..base() },
        ),
        (
            "by-merchant",
            "A root signed by a merchant",
            Shows("F14 X16", "E9"),
            (Code::CertMissing, Stage::Certificates),
            "CRT-1",
            Draft { root_change: by_merchant, ..base() },
        ),
        (
            "log-size",
            "A log without its batch",
            Shows("F17", ""),
            (Code::FieldConflict, Stage::Schema),
            "RCT-10",
            Draft { root: vec![(-50, Some(7.into()))], ..base() },
        ),
        (
            "log-size-more",
            "A log of a batch more",
            Shows("F17", ""),
            (Code::FieldConflict, Stage::Schema),
            "RCT-10",
            Draft { root: vec![(-50, Some(9.into()))], ..base() },
        ),
        (
            "empty-tree",
            "A tree of no leaves",
            Shows("F15", ""),
            (Code::FieldRange, Stage::Schema),
            "ENC-15",
            Draft { root: vec![(-47, Some(0.into()))], ..base() },
        ),
        (
            "status-as-root",
            "A status in the place of the root",
            Shows("M43", "D9"),
            (Code::TypeMismatch, Stage::Headers),
            "SIG-9",
            Draft { root_change: |f| f.protected = f.protected.clone().with(16, "purser-status"), ..base() },
        ),
        (
            "version",
            "A root of version 2",
            Shows("M42", "D10"),
            (Code::VersionUnsupported, Stage::Version),
            "VER-1",
            Draft { root: vec![(-1, Some(2.into()))], ..base() },
        ),
    ];
    for (id, title, shows, (code, stage), clause, draft) in rows {
        put(sheet, &format!("root/{id}"), title, shows, &draft, ("", Some((code, stage, twin))), clause);
    }
    // The certificate is judged at the time of the root.
    let short = certs::leaf_draft("issuer").but(|d| d.valid(NOW - 100, NOW + 1));
    let chain = json!([hex(&short.der())]);
    let of = |root_at: u64| {
        let mut draft = base();
        draft.root = vec![(6, Some(root_at.into()))];
        draft.root_change = |f| {
            let short = certs::leaf_draft("issuer").but(|d| d.valid(NOW - 100, NOW + 1));
            f.protected = super::super::forge::certificate_header("root", &short.der());
        };
        draft
    };
    put_at(
        sheet,
        "root/old-certificate",
        "A receipt that outlived its certificate by a year",
        Shows("", "E18"),
        (&of(NOW + 1), NOW + 31_536_000, chain.clone()),
        ("settled", None),
        "RCT-11 CRT-15",
    );
    put_at(
        sheet,
        "root/after-certificate",
        "A root of a second after its certificate",
        Shows("X01", "E1"),
        (&of(NOW + 2), NOW + 31_536_000, chain),
        ("", Some((Code::CertExpired, Stage::Certificates, "root/old-certificate"))),
        "RCT-11",
    );
    let nobody = json!([]);
    put_at(
        sheet,
        "root/no-certificate",
        "A receipt, and a reader that has no certificate of the issuer's",
        Shows("X25", ""),
        (&base(), NOW + 60, nobody),
        ("", Some((Code::CertMissing, Stage::Certificates, twin))),
        "",
    );
}

pub(super) fn by_merchant(f: &mut Forge) {
    let leaf = certs::leaf("merchant");
    f.protected = super::super::forge::certificate_header("root", &leaf);
    f.signer = "merchant";
}

pub(super) fn containers(sheet: &mut Sheet) {
    let twin = "outcome/settled";
    let base = || Draft::of(claims(2));
    let rows: [(&str, &str, (Code, Stage), Draft); 10] = [
        (
            "three",
            "A receipt of three elements",
            (Code::FieldRange, Stage::Schema),
            Draft { change: |parts| drop(parts.pop()), ..base() },
        ),
        (
            "five",
            "A receipt of five elements",
            (Code::FieldRange, Stage::Schema),
            Draft { change: |parts| parts.push(0.into()), ..base() },
        ),
        (
            "index-negative",
            "A negative index",
            (Code::FieldType, Stage::Schema),
            Draft { change: |parts| parts[1] = (-1).into(), ..base() },
        ),
        (
            "index-wide",
            "An index in more bytes than it needs",
            (Code::CborNotDeterministic, Stage::Encoding),
            Draft { change: |parts| parts[1] = Item::Raw(vec![0x18, 0]), ..base() },
        ),
        (
            "path-of-17",
            "A path of 17 hashes",
            (Code::FieldRange, Stage::Schema),
            Draft { change: |parts| parts[2] = Item::List(vec![[0; 32].into(); 17]), ..base() },
        ),
        (
            "hash-of-31",
            "A hash of 31 bytes in the path",
            (Code::FieldRange, Stage::Schema),
            Draft { change: |parts| parts[2] = seq([vec![0; 31].into()]), ..base() },
        ),
        (
            "claims-as-map",
            "The claims as a map, not in a byte string",
            (Code::FieldType, Stage::Schema),
            Draft { change: |parts| parts[0] = claims(2), ..base() },
        ),
        (
            "claims-unknown-field",
            "Claims with a field that no receipt has",
            (Code::UnknownField, Stage::Schema),
            Draft::of(claims(2).with(-10, keys::sixteen("lineage"))),
        ),
        (
            "claims-outcome-10",
            "An outcome that there is not",
            (Code::FieldRange, Stage::Schema),
            Draft::of(claims(2).with(-8, 10)),
        ),
        (
            "claims-not-deterministic",
            "Claims whose fields are out of order",
            (Code::CborNotDeterministic, Stage::Encoding),
            {
                let mut pairs = super::super::cbor::pairs(&claims(2));
                pairs.swap(0, 1);
                Draft { claims_bytes: Some(super::super::cbor::map(&pairs)), ..base() }
            },
        ),
    ];
    for (id, title, (code, stage), draft) in rows {
        put(
            sheet,
            &format!("container/{id}"),
            title,
            Shows("F15 P20", "C12"),
            &draft,
            ("", Some((code, stage, twin))),
            "ENC-21",
        );
    }
}
