//! Rules, holders and keys.

use super::*;

pub(super) fn rules(t: &mut Papers<'_>) {
    let caps = |label: i64, value: Item| move |p: Item| p.with(-15, plenty().with(label, value.clone()));
    let m11 = Shows("M11 P02", "C12");
    each(
        t,
        "rules",
        &[
            ("unknown", "A rule that there is not", m11, RuleUnknown, &caps(22, 1.into())),
            ("unknown-negative", "A rule of a negative number", m11, RuleUnknown, &caps(-1, 1.into())),
            ("unknown-text", "A rule by its name", m11, RuleUnknown, &|p| {
                p.with(-15, plenty().with_key("max_per_day".into(), 1))
            }),
        ],
        "MAN-10",
    );
    each(
        t,
        "rules",
        &[
            ("none", "No rule", Shows("M11", ""), FieldRange, &|p| p.with(-15, labelled([]))),
            ("empty-grant", "A grant without a rule", Shows("M11", ""), FieldRange, &|p| {
                p.without(-17).without(-15).with(-12, 2).with(-16, seq([labelled([])]))
            }),
        ],
        "MAN-11",
    );
    let names = |list: &[&str]| Item::List(list.iter().map(|&name| name.into()).collect());
    let none = Shows::default();
    let rows: [Row<'_>; 20] = [
        ("amount-float", "amount_max of nothing", Shows("M21", "A8"), FieldRange, &caps(1, 0.into())),
        ("total-text", "total as a text", Shows("P08", ""), FieldType, &caps(3, "100".into())),
        (
            "period-kind",
            "A period of a fourth kind",
            none,
            FieldRange,
            &caps(4, seq([seq([100.into(), seq([4.into(), 1.into()])])])),
        ),
        (
            "period-terms-no-anchor",
            "Terms that are counted from nowhere",
            none,
            FieldRange,
            &caps(4, seq([seq([100.into(), seq([3.into(), 3.into(), "UTC".into()])])])),
        ),
        (
            "period-terms-unit",
            "Terms of a fifth unit",
            none,
            FieldRange,
            &caps(4, seq([seq([100.into(), seq([3.into(), 5.into(), "UTC".into(), NOW.into()])])])),
        ),
        (
            "period-terms-anchor",
            "Terms that are counted from past the year 9999",
            none,
            FieldRange,
            &caps(4, seq([seq([100.into(), seq([3.into(), 3.into(), "UTC".into(), 253_402_300_800_u64.into()])])])),
        ),
        (
            "period-anchor-of-calendar",
            "A calendar period with an anchor",
            none,
            FieldRange,
            &caps(4, seq([seq([100.into(), seq([1.into(), 3.into(), "UTC".into(), NOW.into()])])])),
        ),
        (
            "period-unit",
            "A calendar period of a fifth unit",
            none,
            FieldRange,
            &caps(4, seq([seq([100.into(), seq([1.into(), 5.into(), "UTC".into()])])])),
        ),
        (
            "period-zone",
            "A time zone that there is not",
            Shows("M16", "A22"),
            FieldRange,
            &caps(4, seq([seq([100.into(), seq([1.into(), 1.into(), "Asia/Peking".into()])])])),
        ),
        (
            "period-zone-case",
            "A time zone in lower case",
            Shows("M16", "A22"),
            FieldRange,
            &caps(4, seq([seq([100.into(), seq([1.into(), 1.into(), "asia/shanghai".into()])])])),
        ),
        (
            "period-rolling-0",
            "A rolling period of no seconds",
            none,
            FieldRange,
            &caps(4, seq([seq([100.into(), seq([2.into(), 0.into()])])])),
        ),
        (
            "period-rolling-long",
            "A rolling period of a year and a second",
            none,
            FieldRange,
            &caps(4, seq([seq([100.into(), seq([2.into(), 31_622_401.into()])])])),
        ),
        (
            "nine-periods",
            "Nine periods",
            none,
            FieldRange,
            &caps(4, Item::List(vec![seq([100.into(), seq([2.into(), 60.into()])]); 9])),
        ),
        (
            "times-no-day",
            "Hours on no weekday",
            none,
            FieldRange,
            &caps(14, seq([seq(["UTC".into(), 0.into(), 0.into(), 60.into()])])),
        ),
        (
            "times-end",
            "Hours that end as they begin",
            Shows("M31", ""),
            FieldRange,
            &caps(14, seq([seq(["UTC".into(), 1.into(), 60.into(), 60.into()])])),
        ),
        (
            "times-midnight",
            "Hours past midnight in one window",
            none,
            FieldRange,
            &caps(14, seq([seq(["UTC".into(), 1.into(), 1_320.into(), 120.into()])])),
        ),
        ("channel-6", "A sixth channel", none, FieldRange, &caps(15, seq([6.into()]))),
        ("depth-9", "A depth of nine", Shows("M46", ""), FieldRange, &caps(18, 9.into())),
        ("ask-false", "ask_first that is false", none, FieldRange, &caps(20, false.into())),
        ("category-10000", "Category 10,000", none, FieldRange, &caps(9, seq([10_000.into()]))),
    ];
    each(t, "rules", &rows, "");
    let sets: [(&str, &str, i64, Item, Item); 5] = [
        (
            "merchants",
            "merchants_allow",
            7,
            names(&["rice.example", "tea.example"]),
            names(&["tea.example", "rice.example"]),
        ),
        ("categories", "categories_allow", 9, seq([5_411.into(), 5_499.into()]), seq([5_499.into(), 5_411.into()])),
        ("items", "items_deny", 12, names(&["gift"]), names(&["gift", "gift"])),
        ("channels", "channels", 15, seq([1.into(), 2.into()]), seq([2.into(), 1.into()])),
        ("devices", "devices", 16, seq([[1; 32].into(), [2; 32].into()]), seq([[1; 32].into(), [1; 32].into()])),
    ];
    for (id, name, label, good, bad) in sets {
        let put = |value: Item| {
            let change = caps(label, value);
            move |f: &mut Forge| f.payload = change(f.payload.clone())
        };
        // The shorter encoding stands first: by length where that is part of the head, then byte by byte.
        let (good, bad) = if id == "merchants" { (bad, good) } else { (good, bad) };
        t.beside(
            &format!("rules/set-{id}"),
            &format!("{name} out of order, or twice"),
            none,
            (FieldRange, Schema),
            [&put(bad), &put(good)],
        );
        t.last(|case| case.clauses("ENC-18"));
    }
}

/// Who holds a mandate, and keys in other forms than the one.
pub(super) fn holders(t: &mut Papers<'_>) {
    let none = Shows::default();
    let key = || cose_key("agent");
    each(
        t,
        "holder",
        &[
            ("nobody", "A holder that is nobody", none, MissingField, &|p| p.with(8, labelled([]))),
            ("both", "A holder that is an agent and a merchant", none, FieldConflict, &|p| {
                p.with(8, labelled([(1, key()), (-1, "tea.example".into())]))
            }),
            ("kid", "A holder by a key's name", Shows("P02", "C12"), UnknownField, &|p| {
                p.with(8, labelled([(3, vec![1].into())]))
            }),
            ("key-and-kid", "A key, and its name", Shows("P02", "C12"), UnknownField, &|p| {
                p.with(8, labelled([(1, key()), (3, vec![1].into())]))
            }),
            ("jwk-thumbprint", "A thumbprint in the place of the key", none, UnknownField, &|p| {
                p.with(8, labelled([(5, vec![1; 32].into())]))
            }),
        ],
        "ENC-12 ENC-13 ENC-16",
    );
    let with = |change: fn(Item) -> Item| move |p: Item| p.with(8, labelled([(1, change(cose_key("agent")))]));
    let s09 = Shows("S09", "D13");
    each(
        t,
        "key",
        &[
            ("compressed", "A compressed key", s09, KeyInvalid, &with(|k| k.with(-3, true))),
            ("without-y", "A key without y", s09, KeyInvalid, &with(|k| k.without(-3))),
            ("x-31", "A key with x of 31 bytes", s09, KeyInvalid, &with(|k| k.with(-2, vec![7; 31]))),
            ("y-33", "A key with y of 33 bytes", s09, KeyInvalid, &with(|k| k.with(-3, vec![7; 33]))),
            ("p384", "A key of P-384", s09, KeyInvalid, &with(|k| k.with(-1, 2))),
            ("okp", "A key of an Edwards curve", s09, KeyInvalid, &with(|k| k.with(1, 1))),
            ("with-alg", "A key with its algorithm", s09, KeyInvalid, &with(|k| k.with(3, -9))),
            ("with-kid", "A key with a name", s09, KeyInvalid, &with(|k| k.with(2, vec![7; 32]))),
            ("with-secret", "A key with its secret", s09, KeyInvalid, &with(|k| k.with(-4, vec![7; 32]))),
            ("sec1", "A point in the form of SEC 1", s09, KeyInvalid, &with(|_| Item::Bytes(vec![4; 65]))),
        ],
        "",
    );
}
