//! What each kind of paper can say: fields, their types and ranges, and what contradicts what.

mod rules;

use purser_protocol::code::Code::{
    self, CurrencyUnknown, FieldConflict, FieldRange, FieldType, ItemsTotal, KeyInvalid, MissingField, RuleUnknown,
    UnknownField,
};
use purser_protocol::code::Stage::Schema;
use purser_test_vectors::Area;

use self::rules::{holders, rules};
use super::cbor::{Item, labelled, seq};
use super::forge::Forge;
use super::keys;
use super::papers::{NOW, Papers, cose_key, honest, lean_mandate, lean_offer};
use super::sheet::{Build as _, Sheet, Shows};
use super::world::{lined, plenty};

pub(super) fn area() -> Area {
    let about = "The fields of every kind of paper, honestly signed: the stage schema.";
    let mut sheet = Sheet::new("schema", about);
    kinds(&mut sheet);
    let clauses = "ENC-12 ENC-13 ENC-14 ENC-15 ENC-16 ENC-17 ENC-18 ENC-22 MAN-4 MAN-5 SGL-1 SGL-2 CND-1 QTA-1 QTA-2 MAN-10 MAN-11";
    let mut t = Papers::new(&mut sheet, "mandate/base", "An honest mandate", clauses, lean_mandate());
    mandates(&mut t);
    rules(&mut t);
    holders(&mut t);
    let clauses = "INT-4 INT-10 INT-11 INT-12 INT-13";
    let mut t = Papers::new(&mut sheet, "offer/base", "An honest offer", clauses, lean_offer());
    offers(&mut t);
    sheet.finish()
}

/// Kinds, and the labels that each must have: the first and the last of them, and one whose type is checked.
const KINDS: [(&str, i64, i64, i64); 18] = [
    ("credential", 1, 8, 4),
    ("pseudonym", 1, 4, 2),
    ("intent", 3, -7, -5),
    ("confirmation", 2, -31, -4),
    ("root", 6, -51, -47),
    ("capture", 1, -6, -5),
    ("void", 1, -4, 7),
    ("refund", 1, -6, -5),
    ("payout", 1, -55, -5),
    ("cancel", 3, -44, -44),
    ("suspension", 2, -41, -41),
    ("resumption", 2, -42, -42),
    ("revocation", 2, -41, 7),
    ("enrolment", 3, 7, 6),
    ("deposit", 2, -6, -5),
    ("proof", 3, -53, -53),
    ("status", 1, -45, -2),
    ("delivery", 1, -52, -45),
];

fn kinds(sheet: &mut Sheet) {
    for (kind, first, last, typed) in KINDS {
        let base = honest(kind);
        let certified = base.protected.labels().contains(&34);
        let id = |what: &str| format!("{kind}/{what}");
        let mut t = Papers::new(sheet, &id("base"), &format!("An honest {kind}"), "ENC-12 ENC-13 ENC-14", base);
        let (p02, p03, p08) = (Shows("P02", "C12"), Shows("P03", ""), Shows("P08 P24", "C15"));
        // Without `iss` there is nobody to compare the certificate with; the schema says so later.
        let first = if certified && first == 1 { 6 } else { first };
        if kind != "root" || first != 6 {
            t.refuse(
                &id("without-first"),
                &format!("A {kind} without its field {first}"),
                p03,
                (MissingField, Schema),
                |f| f.payload = f.payload.clone().without(first),
            );
        }
        t.refuse(
            &id("without-last"),
            &format!("A {kind} without its field {last}"),
            p03,
            (MissingField, Schema),
            |f| f.payload = f.payload.clone().without(last),
        );
        t.refuse(&id("type"), &format!("A {kind} whose field {typed} is true"), p08, (FieldType, Schema), |f| {
            f.payload = f.payload.clone().with(typed, true)
        });
        t.refuse(
            &id("unknown"),
            &format!("A {kind} with a field that it does not have"),
            p02,
            (UnknownField, Schema),
            |f| f.payload = f.payload.clone().with(-59, 1),
        );
    }
}

/// A row of a table: id, words, classes, code, change of the payload.
type Row<'r> = (&'r str, &'r str, Shows, Code, &'r dyn Fn(Item) -> Item);

fn each(t: &mut Papers<'_>, folder: &str, rows: &[Row<'_>], clauses: &str) {
    for (id, title, shows, code, change) in rows {
        t.refuse(&format!("{folder}/{id}"), title, *shows, (*code, Schema), |f| f.payload = change(f.payload.clone()));
        if !clauses.is_empty() {
            t.last(|case| case.clauses(clauses));
        }
    }
}

fn mandates(t: &mut Papers<'_>) {
    let (p36, m23, m20) = (Shows("P36", ""), Shows("M23", "A6"), Shows("M20", "A12"));
    let none = Shows::default();
    each(
        t,
        "mandate",
        &[
            ("unknown-middle", "An unknown field among the known ones", Shows("P02", "C12"), UnknownField, &|p| {
                p.with(-2, keys::thirty_two("mandate"))
            }),
            ("unknown-text", "A text as label", Shows("P02 P33", "C14"), UnknownField, &|p| {
                p.with_key("funded".into(), 1)
            }),
            ("unknown-first", "An unknown field before all others", Shows("P02", "C12"), UnknownField, &|p| {
                p.with(0, 1)
            }),
            (
                "missing-and-unknown",
                "An unknown field before one that is missing",
                Shows("P02 P03", "C12"),
                UnknownField,
                &|p| p.with(0, 1).without(6),
            ),
            ("missing-before-unknown", "A missing field before an unknown one", Shows("P03", ""), MissingField, &|p| {
                p.without(2).with(-59, 1)
            }),
        ],
        "ENC-22",
    );
    each(
        t,
        "mandate",
        &[
            ("year-10000", "A time after the year 9999", Shows("P36 M34", ""), FieldRange, &|p| {
                p.with(4, 253_402_300_800_i64)
            }),
            ("time-2-63", "A time of 2^63", Shows("P36 M34", ""), FieldRange, &|p| p.with(4, 1_u64 << 63)),
            ("account-17", "An account of 17 bytes", p36, FieldRange, &|p| p.with(2, vec![7; 17])),
            ("account-15", "An account of 15 bytes", p36, FieldRange, &|p| p.with(2, vec![7; 15])),
            ("serial-0", "Serial number 0", p36, FieldRange, &|p| p.with(-11, 0)),
            ("serial-2-32", "Serial number 2^32", p36, FieldRange, &|p| p.with(-11, 1_i64 << 32)),
            ("mode-0", "Mode 0", m20, FieldRange, &|p| p.with(-12, 0)),
            ("mode-4", "Mode 4", m20, FieldRange, &|p| p.with(-12, 4)),
            ("returns-false", "refund_returns that is false", none, FieldRange, &|p| p.with(-18, false)),
            ("issuer-capital", "An issuer with a capital", Shows("M41", "C13"), FieldRange, &|p| {
                p.with(3, "Issuer.example")
            }),
            ("issuer-cyrillic", "An issuer with a Cyrillic letter", Shows("M41", "C13 A23"), FieldRange, &|p| {
                p.with(3, "issu\u{435}r.example")
            }),
            ("issuer-two-letters", "An issuer of two letters", Shows("M41", ""), FieldRange, &|p| p.with(3, "is")),
            ("issuer-64", "An issuer of 64 letters", Shows("M41", ""), FieldRange, &|p| p.with(3, "i".repeat(64))),
            ("issuer-dot", "An issuer that ends with a dot", Shows("M41", ""), FieldRange, &|p| {
                p.with(3, "issuer.example.")
            }),
            ("shown-language", "A language that is none", none, FieldRange, &|p| {
                p.with(-19, seq(["EN".into(), keys::thirty_two("shown").into()]))
            }),
        ],
        "ENC-15",
    );
    each(
        t,
        "mandate",
        &[
            ("currency-lower", "A currency in lower case", m23, CurrencyUnknown, &|p| p.with(-6, "cny")),
            ("currency-mixed", "A currency in mixed case", m23, CurrencyUnknown, &|p| p.with(-6, "Cny")),
            ("currency-xxx", "The currency XXX", m23, CurrencyUnknown, &|p| p.with(-6, "XXX")),
            ("currency-xau", "The currency XAU", m23, CurrencyUnknown, &|p| p.with(-6, "XAU")),
            ("currency-old", "A currency that is no longer in force: DEM", m23, CurrencyUnknown, &|p| {
                p.with(-6, "DEM")
            }),
            ("currency-four", "A currency of four letters", m23, CurrencyUnknown, &|p| p.with(-6, "CNYY")),
            ("currency-empty", "A currency of no letters", m23, CurrencyUnknown, &|p| p.with(-6, "")),
        ],
        "ENC-17",
    );
    let id = || keys::thirty_two("a paper");
    each(
        t,
        "mandate",
        &[
            ("ends-as-it-begins", "exp equal to nbf", Shows("M31", ""), FieldConflict, &|p| p.with(4, NOW)),
            ("ends-before", "exp before nbf", Shows("M31", ""), FieldConflict, &|p| p.with(4, NOW - 1)),
        ],
        "MAN-4",
    );
    each(
        t,
        "mandate",
        &[
            ("first-replaces", "A first version that replaces another", Shows("M42", "A21"), FieldConflict, &|p| {
                p.with(-14, id())
            }),
            ("second-replaces-none", "A second version that replaces none", Shows("M42", "A21"), FieldConflict, &|p| {
                p.with(-11, 2)
            }),
        ],
        "MAN-5",
    );
    each(
        t,
        "mandate",
        &[("single-without-offer", "A single mandate without an offer", m20, FieldConflict, &|p| {
            p.without(-17).with(-12, 1)
        })],
        "SGL-1",
    );
    each(
        t,
        "mandate",
        &[("quota-with-offer", "A quota mandate with an offer", m20, FieldConflict, &|p| p.with(-3, id()))],
        "SGL-2",
    );
    each(
        t,
        "mandate",
        &[
            ("conditional-without-grants", "A conditional mandate without grants", m20, FieldConflict, &|p| {
                p.without(-17).with(-12, 2)
            }),
            ("quota-with-grants", "A quota mandate with grants", m20, FieldConflict, &|p| p.with(-16, seq([plenty()]))),
        ],
        "CND-1",
    );
    each(
        t,
        "mandate",
        &[
            ("quota-without-caps", "A quota mandate without caps", m20, FieldConflict, &|p| p.without(-15)),
            ("quota-without-total", "A quota mandate without a total", m20, FieldConflict, &|p| {
                p.with(-15, labelled([(1, 100.into())]))
            }),
        ],
        "QTA-1",
    );
    each(
        t,
        "mandate",
        &[
            ("single-funded", "A single mandate with money set aside", m20, FieldConflict, &|p| {
                p.with(-12, 1).with(-3, id())
            }),
            (
                "funded-below",
                "A mandate below another with money set aside",
                Shows("M45", "A13"),
                FieldConflict,
                &|p| p.with(-13, id()),
            ),
            (
                "funded-below-again",
                "The next version of a mandate below another, with money set aside",
                Shows("M45", "A13"),
                FieldConflict,
                &|p| p.with(-13, id()).with(-11, 2).with(-14, id()),
            ),
        ],
        "QTA-2",
    );
}

fn offers(t: &mut Papers<'_>) {
    let (m26, none) = (Shows("M26 M29", "H5"), Shows::default());
    each(
        t,
        "offer",
        &[
            ("total-more", "A total of a unit more than the lines", m26, ItemsTotal, &|p| p.with(-5, 1_281)),
            ("total-less", "A total of a unit less than the lines", m26, ItemsTotal, &|p| p.with(-5, 1_279)),
            ("quantity", "A second piece that the total does not have", m26, ItemsTotal, &|p| {
                lined(p, 4, Some(2.into()))
            }),
            ("total-overflow", "Lines whose sum passes 2^64", Shows("M25", "A9"), ItemsTotal, &|p| {
                lined(lined(p, 4, Some(4_294_967_295_i64.into())), 5, Some(((1_i64 << 53) - 1).into()))
            }),
            ("discount-as-goods", "A discount that is counted as goods", m26, ItemsTotal, &|p| {
                lined(lined(p, 3, None), 6, Some(2.into()))
            }),
        ],
        "INT-4",
    );
    each(
        t,
        "offer",
        &[
            ("ends-as-it-begins", "exp equal to iat", Shows("M31", ""), FieldConflict, &|p| p.with(4, NOW)),
            ("ends-before-it-begins", "exp before iat", Shows("M31", ""), FieldConflict, &|p| p.with(4, NOW - 1)),
        ],
        "INT-10",
    );
    each(
        t,
        "offer",
        &[("hold-at-once", "hold_seconds of what is captured at once", none, FieldConflict, &|p| p.with(-27, 60))],
        "INT-11",
    );
    each(
        t,
        "offer",
        &[("category-of-tip", "A tip with a category", none, FieldConflict, &|p| lined(p, 6, Some(5.into())))],
        "INT-12",
    );
    let payees = |names: &[&str]| Item::List(names.iter().map(|&name| seq([name.into(), "main".into()])).collect());
    each(
        t,
        "offer",
        &[
            ("issuer-twice", "One issuer twice", none, FieldConflict, &|p| {
                p.with(-22, payees(&["issuer.example", "issuer.example"]))
            }),
            ("issuer-among-others-twice", "One issuer twice, beside another", none, FieldConflict, &|p| {
                p.with(-22, payees(&["issuer.example", "bank.example", "issuer.example"]))
            }),
        ],
        "INT-13",
    );
    each(
        t,
        "offer",
        &[
            ("no-line", "No line", none, FieldRange, &|p| p.with(-21, seq([]))),
            ("line-unknown", "A line with a field that it does not have", Shows("P02", "C12"), UnknownField, &|p| {
                lined(p, 7, Some(1.into()))
            }),
            ("line-without-price", "A line without its price", Shows("P03", ""), MissingField, &|p| lined(p, 5, None)),
            ("quantity-0", "A quantity of nothing", Shows("M28", ""), FieldRange, &|p| lined(p, 4, Some(0.into()))),
            ("quantity-decimal", "A quantity as a text", Shows("M28", ""), FieldType, &|p| {
                lined(p, 4, Some("1.5".into()))
            }),
            ("kind-5", "A fifth kind", none, FieldRange, &|p| p.with(-23, 5)),
            ("capture-3", "A third capture mode", none, FieldRange, &|p| p.with(-24, 3)),
            ("nine-issuers", "Nine issuers", none, FieldRange, &|p| {
                p.with(
                    -22,
                    payees(&[
                        "a1.example",
                        "a2.example",
                        "a3.example",
                        "a4.example",
                        "a5.example",
                        "a6.example",
                        "a7.example",
                        "a8.example",
                        "a9.example",
                    ]),
                )
            }),
            ("name-257", "A name of 257 bytes", none, FieldRange, &|p| lined(p, 2, Some("n".repeat(257).into()))),
            ("id-65", "An id of 65 bytes", none, FieldRange, &|p| lined(p, 1, Some("i".repeat(65).into()))),
            ("id-empty", "An empty id", none, FieldRange, &|p| lined(p, 1, Some("".into()))),
            ("nonce-15", "A nonce of 15 bytes", none, FieldRange, &|p| p.with(7, vec![7; 15])),
            ("line-kind-1", "A line that says that it is goods", none, FieldRange, &|p| {
                lined(lined(p, 3, None), 6, Some(1.into()))
            }),
        ],
        "",
    );
}
