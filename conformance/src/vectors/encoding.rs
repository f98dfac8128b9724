//! The one form of the bytes inside a paper: the protected header, the unprotected header and the payload.

mod payload;
mod texts;

use purser_protocol::code::Code::{
    self, CborDepth, CborDuplicateKey, CborIndefinite, CborLimit, CborNotDeterministic, CborTag, CborTrailing,
    CborTruncated, CborType, FieldRange, FieldType, MissingField, TextInvalid, UnknownField,
};
use purser_protocol::code::Stage::{Encoding, Schema};
use purser_test_vectors::Area;

use self::payload::{amounts, heads, limits, shapes};
use self::texts::texts;
use super::cbor::{Item, bytes, contents, head, int, list, map, pairs, text, wide};
use super::forge::Forge;
use super::papers::{Papers, lean_mandate, lean_offer};
use super::sheet::{Build as _, Sheet, Shows};

const AUD: i64 = 3;
const EXP: i64 = 4;
/// The amount that a mandate has in its own map.
const FUNDED: i64 = -17;
const CAPS: i64 = -15;
const ITEMS: i64 = -21;

pub(super) fn area() -> Area {
    let about = "Deterministic CBOR, honestly signed: the stage encoding, and what it leaves to the schema.";
    let mut sheet = Sheet::new("encoding", about);
    let clauses = "ENC-19 ENC-20 ENC-2 ENC-3 ENC-4 ENC-5 ENC-6 ENC-7 ENC-8 ENC-9 ENC-10 ENC-11";
    let mut t = Papers::new(&mut sheet, "base", "An honest mandate", clauses, lean_mandate());
    protected(&mut t);
    unprotected(&mut t);
    shapes(&mut t);
    amounts(&mut t);
    heads(&mut t);
    limits(&mut t);
    order(&mut t);
    let mut t = Papers::new(&mut sheet, "text/base", "An honest offer", "ENC-11", lean_offer());
    texts(&mut t);
    sheet.finish()
}

/// A row of a table: id, words, where it belongs, code, bytes.
type Row<'r> = (&'r str, &'r str, Shows, Code, Vec<u8>);

fn protected(t: &mut Papers<'_>) {
    let all = pairs(&t.base.protected);
    let swapped: Vec<_> = all.iter().rev().cloned().collect();
    let with_first = |key: Vec<u8>, value: Vec<u8>| map(&[&[(key, value)], &all[1..]].concat());
    let twice = |value| map(&[&all[..1], &[(int(1), value)], &all[1..]].concat());
    let rows: [Row<'_>; 15] = [
        (
            "label-in-two-bytes",
            "The label alg in two bytes",
            Shows("C17", "D6 C4"),
            CborNotDeterministic,
            with_first(vec![0x18, 1], int(-9)),
        ),
        (
            "alg-in-two-bytes",
            "The algorithm in two bytes",
            Shows("C28", "D6 C4"),
            CborNotDeterministic,
            with_first(int(1), wide(1, 8, 1)),
        ),
        ("out-of-order", "Labels out of order", Shows("C27", "C3"), CborNotDeterministic, map(&swapped)),
        (
            "length-in-two-bytes",
            "The number of pairs in two bytes",
            Shows("C27", "C4"),
            CborNotDeterministic,
            [vec![0xb8, 3], contents(&all)].concat(),
        ),
        ("alg-twice-equal", "The algorithm twice, equal", Shows("C18", "C1"), CborDuplicateKey, twice(int(-9))),
        ("alg-twice-different", "The algorithm twice, different", Shows("C19", "C1"), CborDuplicateKey, twice(int(-8))),
        (
            "alg-twice-two-widths",
            "The algorithm under its label in one byte and in two",
            Shows("C17", "C2"),
            CborNotDeterministic,
            map(&[&all[..1], &[(vec![0x18, 1], int(-8))], &all[1..]].concat()),
        ),
        ("byte-after", "A byte after the map", Shows("C20", "C6"), CborTrailing, [map(&all), vec![0]].concat()),
        (
            "indefinite",
            "A map without a length",
            Shows("C26", "C5"),
            CborIndefinite,
            [vec![0xbf], contents(&all), vec![0xff]].concat(),
        ),
        (
            "pair-too-few",
            "One pair fewer than it says",
            Shows("P26", "C6"),
            CborTruncated,
            [vec![0xa4], contents(&all)].concat(),
        ),
        (
            "pair-too-many",
            "One pair more than it says",
            Shows("P27", "C6"),
            CborTrailing,
            [vec![0xa2], contents(&all)].concat(),
        ),
        (
            "alg-float",
            "The algorithm a float",
            Shows("C22", "C8"),
            CborType,
            with_first(int(1), vec![0xf9, 0xc8, 0x80]),
        ),
        ("alg-null", "The algorithm null", Shows("C22", "C8"), CborType, with_first(int(1), vec![0xf6])),
        (
            "alg-tagged",
            "A tag before the algorithm",
            Shows("C22", "C7"),
            CborTag,
            with_first(int(1), [vec![0xc1], int(-9)].concat()),
        ),
        (
            "key-is-list",
            "A list as a label",
            Shows("C27", "C14"),
            CborType,
            map(&[&all[..], &[(list(&[]), int(1))]].concat()),
        ),
    ];
    for (id, title, shows, code, protected) in rows {
        let title = format!("Protected header: {title}");
        t.refuse(&format!("protected/{id}"), &title, shows, (code, Encoding), |f| {
            f.protected = Item::Raw(protected.clone())
        });
    }
}

fn unprotected(t: &mut Papers<'_>) {
    let rows: [Row<'_>; 5] = [
        (
            "label-twice",
            "A label twice",
            Shows("C31", "C1"),
            CborDuplicateKey,
            map(&[(int(4), bytes(b"1")), (int(4), bytes(b"2"))]),
        ),
        (
            "out-of-order",
            "Labels out of order",
            Shows("C32", "C3"),
            CborNotDeterministic,
            map(&[(int(-1), int(1)), (int(4), bytes(b"1"))]),
        ),
        ("null", "A value of null", Shows("C32", "C8"), CborType, map(&[(int(4), vec![0xf6])])),
        ("tag", "A tagged value", Shows("C32", "C7"), CborTag, map(&[(int(4), vec![0xc1, 0])])),
        (
            "string-in-chunks",
            "A string in chunks",
            Shows("C32", "C5"),
            CborIndefinite,
            map(&[(int(4), vec![0x5f, 0x41, 0, 0xff])]),
        ),
    ];
    for (id, title, shows, code, unprotected) in rows {
        let title = format!("Unprotected header: {title}");
        let id = format!("unprotected/{id}");
        // Inside the map; where its own head is at fault the byte belongs to the envelope.
        t.refuse(&id, &title, shows, (code, Encoding), |f| f.unprotected = Item::Raw(unprotected.clone()));
    }
}

/// Two faults in one paper: the first byte that does not fit decides. [ENC-20]
fn order(t: &mut Papers<'_>) {
    let both = |first: (i64, Vec<u8>), second: (i64, Vec<u8>)| {
        move |f: &mut Forge| {
            let payload = f.payload.clone().with(first.0, Item::Raw(first.1.clone()));
            f.payload = payload.with(second.0, Item::Raw(second.1.clone()));
        }
    };
    let rows: [(&str, &str, Code, (i64, Vec<u8>), (i64, Vec<u8>)); 4] = [
        ("float-then-tag", "A float, then a tag", CborType, (EXP, vec![0xf9, 0, 0]), (FUNDED, vec![0xc1, 1])),
        ("tag-then-float", "A tag, then a float", CborTag, (EXP, vec![0xc1, 1]), (FUNDED, vec![0xf9, 0, 0])),
        (
            "wide-then-text",
            "A number too wide, then a text with a control character",
            CborNotDeterministic,
            (EXP, wide(0, 1_902_592_000, 8)),
            (-6, text("C\u{1}Y")),
        ),
        (
            "wide-tag",
            "A tag in a longer form than it needs",
            CborNotDeterministic,
            (EXP, vec![0xd8, 1, 1]),
            (FUNDED, vec![1]),
        ),
    ];
    for (id, title, code, first, second) in rows {
        t.refuse(&format!("order/{id}"), title, Shows::default(), (code, Encoding), both(first, second));
        t.last(|case| case.clauses("ENC-20 AUT-9").unpeeled());
    }
    t.refuse(
        "order/protected-before-payload",
        "A fault in the protected header and one in the payload",
        Shows::default(),
        (CborTag, Encoding),
        |f| {
            f.protected = f.protected.clone().with(1, Item::Raw([vec![0xc1], int(-9)].concat()));
            f.payload = f.payload.clone().with(EXP, Item::Raw(vec![0xf6]));
        },
    );
    t.last(|case| case.clauses("ENC-20 AUT-9").unpeeled());
}
