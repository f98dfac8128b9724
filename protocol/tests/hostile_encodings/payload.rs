//! The payload: its CBOR, and what its fields can say. All of it is honestly signed.

use purser_protocol::code::Code::{
    CborDepth, CborDuplicateKey, CborIndefinite, CborLimit, CborNotDeterministic, CborTag, CborTrailing, CborTruncated,
    CborType, CurrencyUnknown, FieldConflict, FieldRange, FieldType, ItemsTotal, KeyInvalid, MessageTooLarge,
    MissingField, RuleUnknown, TextInvalid, UnknownField, VersionUnsupported,
};
use purser_protocol::code::Stage::{Encoding, Schema, Size, Version};
use purser_protocol::paper::command::Suspension;
use purser_protocol::paper::mandate::Mandate;
use purser_protocol::paper::offer::Offer;
use purser_protocol::receipt::Root;

use super::cbor::{bytes, contents, get, head, int, list, map, pairs, remove, set, set_key, text, wide};
use super::forge::Forge;
use super::samples::Sample;
use super::table::{Row, Table};

const AUD: i64 = 3;
const EXP: i64 = 4;
const CNF: i64 = 8;
const VERSION: i64 = -1;
const CURRENCY: i64 = -6;
const CAPS: i64 = -15;
/// The amount that a mandate has at its top level.
const FUNDED: i64 = -17;
const ITEMS: i64 = -21;
const CAPTURE: i64 = -24;
const HOLD_SECONDS: i64 = -27;
const MANDATES: i64 = -41;
const BATCH: i64 = -48;
const LOG_SIZE: i64 = -50;

pub(crate) fn rows() -> Vec<Row> {
    let mut t = Table::of(&Mandate::samples()[0]);
    forms(&mut t);
    shapes(&mut t);
    values(&mut t);
    limits(&mut t);
    fields(&mut t);
    keys(&mut t);
    let mut rows = t.rows;
    rows.extend(texts());
    rows.extend(lists());
    rows
}

/// The map as a whole.
fn shapes(t: &mut Table) {
    let honest = t.base.payload.clone();
    let all = pairs(&honest);
    let count = all.len() as u64;
    let mut swapped = all.clone();
    swapped.swap(0, 1);
    let last = all.len() - 1;
    let doubled = |value: Vec<u8>| {
        let at = all.iter().position(|(key, _)| *key == int(FUNDED)).unwrap();
        map(&[&all[..=at], &[(int(FUNDED), value)], &all[at + 1..]].concat())
    };
    let two_widths = [&all[..1], &[(vec![0x18, 2], all[0].1.clone())], &all[1..]].concat();
    let shapes: [(_, _, &str, _, Vec<u8>); 17] = [
        ("P01", "C1", "an amount twice, different", CborDuplicateKey, doubled(int(1))),
        ("P01", "C1", "an amount twice, equal", CborDuplicateKey, doubled(get(&honest, FUNDED))),
        ("", "C2", "a label twice, in two widths", CborNotDeterministic, map(&two_widths)),
        ("P12", "C3", "fields out of order", CborNotDeterministic, map(&swapped)),
        ("P13", "C5", "map without a length", CborIndefinite, [vec![0xbf], contents(&all), vec![0xff]].concat()),
        ("P15", "C6", "a byte after", CborTrailing, [honest.clone(), vec![0]].concat()),
        ("P16", "C6", "a map after", CborTrailing, [honest.clone(), honest.clone()].concat()),
        ("P19", "C7", "self-described", CborTag, [vec![0xd9, 0xd9, 0xf7], honest.clone()].concat()),
        ("P20", "C4", "map length in two bytes", CborNotDeterministic, [wide(5, count, 1), contents(&all)].concat()),
        ("P26", "C6", "one pair too few", CborTruncated, [head(5, count + 1), contents(&all)].concat()),
        ("P27", "C6", "one pair too many", CborTrailing, [head(5, count - 1), contents(&all)].concat()),
        ("P28", "C6", "no byte", CborTruncated, Vec::new()),
        ("", "C6", "cut in its last value", CborTruncated, honest[..honest.len() - 1].to_vec()),
        ("", "C7", "an enclosed paper's tag", CborTag, [vec![0xd2], honest.clone()].concat()),
        ("", "C8", "null", CborType, vec![0xf6]),
        ("", "C8", "a break", CborType, [honest[..1].to_vec(), vec![0xff]].concat()),
        ("", "C10", "2^32 pairs", CborTruncated, [head(5, 1 << 32), contents(&all)].concat()),
    ];
    for (class, attack, name, code, payload) in shapes {
        t.refuse((class, attack), format!("payload: {name}"), (code, Encoding), |f| f.payload = payload);
    }

    let values: Vec<_> = all.iter().map(|(_, value)| value.clone()).collect();
    let byte_keys: Vec<_> = all.iter().map(|(key, value)| (bytes(key), value.clone())).collect();
    t.refuse(("P21", ""), "payload: a list of the values", (FieldType, Schema), |f| f.payload = list(&values));
    t.refuse(("", ""), "payload: a number", (FieldType, Schema), |f| f.payload = int(1));
    // They sort behind every label that a mandate must have. [ENC-22]
    t.refuse(("P25", "C14"), "payload: labels as byte strings", (MissingField, Schema), |f| {
        let mut sorted = byte_keys;
        sorted.sort();
        f.payload = map(&sorted);
    });
    t.refuse(("P03", ""), "payload: an empty map", (MissingField, Schema), |f| f.payload = map(&[]));
    t.refuse(("P03", ""), "payload: the last required field left out", (MissingField, Schema), |f| {
        assert_eq!(all[last].0, int(-20));
        f.payload = remove(&f.payload, -12);
    });
}

/// One item, in a form that is not its one form, or of a kind that papers do not have.
fn forms(t: &mut Table) {
    let amount: [(_, _, &str, _, Vec<u8>); 17] = [
        ("P04", "C8", "a double", CborType, vec![0xfb, 0x40, 0xd3, 0x88, 0, 0, 0, 0, 0]),
        ("P04", "C8", "a single", CborType, vec![0xfa, 0x46, 0x9c, 0x40, 0]),
        ("P35", "C8", "a half that is whole", CborType, vec![0xf9, 0x74, 0xe2]),
        ("", "C8", "NaN", CborType, vec![0xf9, 0x7e, 0]),
        ("", "C8", "NaN with a payload", CborType, vec![0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 1]),
        ("", "C8 C15", "minus zero", CborType, vec![0xf9, 0x80, 0]),
        ("P10", "C8", "null", CborType, vec![0xf6]),
        ("", "C8", "simple(32)", CborType, vec![0xf8, 32]),
        ("", "C8", "true in two bytes", CborType, vec![0xf8, 21]),
        ("", "C8", "a reserved head", CborType, vec![0x1c]),
        ("P06", "C7", "a bignum that fits", CborTag, vec![0xc2, 0x42, 0x4e, 0x20]),
        ("P09", "C7", "a bignum that does not fit", CborTag, [vec![0xc2], bytes(&[1; 9])].concat()),
        ("P11", "C7", "a decimal fraction", CborTag, [vec![0xc4], list(&[int(-2), int(2_000_000)])].concat()),
        ("P34", "C7", "wrapped in tag 24", CborTag, [vec![0xd8, 24], bytes(&int(20_000))].concat()),
        ("P07", "C4", "in five bytes", CborNotDeterministic, wide(0, 20_000, 4)),
        ("P07", "C4", "in nine bytes", CborNotDeterministic, wide(0, 20_000, 8)),
        ("", "C5", "a list without a length", CborIndefinite, vec![0x9f, 0xff]),
    ];
    for (class, attack, name, code, item) in amount {
        t.refuse_payload((class, attack), format!("amount: {name}"), (code, Encoding), |p| set(p, FUNDED, item));
    }

    for (greatest, width) in [(23, 1), (0xff, 2), (0xffff, 4), (0xffff_ffff, 8)] {
        let fund = |item: Vec<u8>| move |f: &mut Forge| f.payload = set(&f.payload, FUNDED, item);
        let (name, code) = (format!("amount: {greatest} in {} bytes", 1 + width), (CborNotDeterministic, Encoding));
        let (long, short) = (fund(wide(0, greatest, width)), fund(head(0, greatest)));
        t.refuse_beside(("P07", "C4"), name, code, long, short);
    }

    let others: [(_, _, &str, i64, _, Vec<u8>); 10] = [
        ("P14", "C5", "currency in chunks", CURRENCY, CborIndefinite, b"\x7f\x61C\x62NY\xff".to_vec()),
        ("P18", "C4", "currency length in two bytes", CURRENCY, CborNotDeterministic, b"\x78\x03CNY".to_vec()),
        ("", "C5", "digest in chunks of chunks", -20, CborIndefinite, b"\x5f\x5f\x41\0\xff\xff".to_vec()),
        ("P22", "C7", "exp as an epoch time", EXP, CborTag, [vec![0xc1], int(1_900_000_000)].concat()),
        ("", "C7", "exp as a date", EXP, CborTag, [vec![0xc0], text("2030-01-01T00:00:00Z")].concat()),
        ("P23", "C8", "exp a float", EXP, CborType, vec![0xfb, 0x41, 0xdc, 0x4f, 0xd3, 0x00, 0, 0, 0]),
        ("P17", "C13", "issuer not UTF-8", AUD, TextInvalid, b"\x64te\xc3\x28".to_vec()),
        ("P37", "C8", "issuer simple(0)", AUD, CborType, vec![0xe0]),
        ("P38", "C8", "issuer undefined", AUD, CborType, vec![0xf7]),
        ("", "C1", "a rule twice", CAPS, CborDuplicateKey, map(&[(int(3), int(1)), (int(3), int(2))])),
    ];
    for (class, attack, name, label, code, item) in others {
        t.refuse_payload((class, attack), name, (code, Encoding), |p| set(p, label, item));
    }
}

/// Nesting, counts and lengths.
fn limits(t: &mut Table) {
    let nested = |depth: usize| [vec![0x81; depth], vec![0]].concat();
    // The paper's own map is the first level.
    for depth in [8, 16, 257, 10_000] {
        t.refuse_payload(("P29", "C9"), format!("a field nested {depth} deep"), (CborDepth, Encoding), |p| {
            set(p, 9, nested(depth))
        });
    }
    t.refuse_payload(("P29", "C9"), "a field nested 100000 deep", (MessageTooLarge, Size), |p| {
        set(p, 9, nested(100_000))
    });
    for (major, of) in [(2, "byte string"), (3, "text"), (4, "list"), (5, "map")] {
        for (name, length) in [("2^32", 1 << 32), ("2^40", 1 << 40), ("2^63", 1 << 63), ("2^64 - 1", u64::MAX)] {
            t.refuse_payload(("P30", "C10"), format!("a {of} of {name}"), (CborTruncated, Encoding), |p| {
                set(p, 9, head(major, length))
            });
        }
    }
    t.refuse_payload(("", "C10"), "a list of 1025", (CborLimit, Encoding), |p| set(p, 9, list(&vec![int(0); 1_025])));
    t.refuse_payload(("", "C10"), "a text of 1025", (CborLimit, Encoding), |p| set(p, 9, text(&"a".repeat(1_025))));
}

/// Values that are well-formed and not allowed.
fn values(t: &mut Table) {
    let wrong: [(_, _, &str, i64, _, Vec<u8>); 29] = [
        ("P05", "C15", "amount negative", FUNDED, FieldType, int(-20_000)),
        ("", "C15", "amount -1", FUNDED, FieldType, int(-1)),
        ("P08", "", "amount as text", FUNDED, FieldType, text("20000")),
        ("P33", "", "amount a list", FUNDED, FieldType, list(&[int(20_000)])),
        ("P24", "", "issuer as bytes", AUD, FieldType, bytes(b"issuer.example")),
        ("", "C15", "exp negative", EXP, FieldType, int(-1)),
        ("", "", "caps a list", CAPS, FieldType, list(&[int(3), int(1)])),
        ("P36", "", "amount 2^64 - 1", FUNDED, FieldRange, int_max()),
        ("P36", "", "amount 2^53", FUNDED, FieldRange, int(1 << 53)),
        ("P36", "", "amount 0", FUNDED, FieldRange, int(0)),
        ("P36", "", "exp past the year 9999", EXP, FieldRange, int(253_402_300_800)),
        ("", "", "serial 0", -11, FieldRange, int(0)),
        ("", "", "serial 2^32", -11, FieldRange, int(1 << 32)),
        ("", "", "mode 4", -12, FieldRange, int(4)),
        ("", "", "refund_returns false", -18, FieldRange, vec![0xf4]),
        ("", "", "digest of 31 bytes", -20, FieldRange, bytes(&[0; 31])),
        ("", "", "digest of 33 bytes", -20, FieldRange, bytes(&[0; 33])),
        ("", "", "account of 17 bytes", 2, FieldRange, bytes(&[0; 17])),
        ("", "", "no rule", CAPS, FieldRange, map(&[])),
        ("", "", "a period of nothing", CAPS, FieldRange, of_period(&[])),
        ("", "", "a period of one entry, of another type", CAPS, FieldRange, of_period(&[text("day")])),
        ("", "", "a period of four entries", CAPS, FieldRange, of_period(&[int(1), int(1), text("UTC"), int(0)])),
        ("", "", "a period of two entries, of another type", CAPS, FieldType, of_period(&[text("day"), int(60)])),
        ("", "", "a rolling period with a zone", CAPS, FieldRange, of_period(&[int(2), int(60), text("UTC")])),
        ("", "C13", "issuer in capitals", AUD, FieldRange, text("Issuer.example")),
        ("", "C13", "issuer with a Cyrillic letter", AUD, FieldRange, text("issu\u{435}r.example")),
        ("", "C13", "issuer with a dot at its end", AUD, FieldRange, text("issuer.example.")),
        ("", "", "currency in lower case", CURRENCY, CurrencyUnknown, text("cny")),
        ("", "", "currency XXX", CURRENCY, CurrencyUnknown, text("XXX")),
    ];
    for (class, attack, name, label, code, item) in wrong {
        t.refuse_payload((class, attack), name, (code, Schema), |p| set(p, label, item));
    }
    t.refuse_payload(("P31", "C13"), "issuer with NUL", (TextInvalid, Encoding), |p| set(p, AUD, text("issuer\0.ex")));
    t.refuse_payload(("P32", "C13"), "issuer with an override", (TextInvalid, Encoding), |p| {
        set(p, AUD, text("issuer\u{202e}.example"))
    });
    t.refuse_payload(("", ""), "exp before nbf", (FieldConflict, Schema), |p| set(p, EXP, int(1)));
    for (name, version) in
        [("0", int(0)), ("2", int(2)), ("-1", int(-1)), ("\"1\"", text("1")), ("2^64 - 1", int_max())]
    {
        t.refuse_payload(("", "D10"), format!("version {name}"), (VersionUnsupported, Version), |p| {
            set(p, VERSION, version)
        });
    }
    // A field of a later version must not be judged by this one's schema.
    t.refuse_payload(("", "D10"), "version 2 with a field of its own", (VersionUnsupported, Version), |p| {
        set(&set(p, VERSION, int(2)), -99, int(1))
    });
    t.refuse_payload(("P03", "D10"), "no version", (MissingField, Schema), |p| remove(p, VERSION));
}

/// Caps with a total for this period.
fn of_period(period: &[Vec<u8>]) -> Vec<u8> {
    map(&[(int(4), list(&[list(&[int(1), list(period)])]))])
}

fn int_max() -> Vec<u8> {
    head(0, u64::MAX)
}

/// Fields that are not the paper's, wherever they sort.
fn fields(t: &mut Table) {
    for label in [0, 1, 7, 9, 1 << 40, -2, -5, -16 - 5, -59, i64::MIN] {
        t.refuse_payload(("P02", "C12"), format!("a field {label}"), (UnknownField, Schema), |p| set(p, label, int(1)));
    }
    let keys =
        [("a text", text("note")), ("a long text", text("amount_max")), ("bytes", bytes(&[1])), ("true", vec![0xf5])];
    for (name, key) in keys {
        t.refuse_payload(("P02", "C14"), format!("{name} as label"), (UnknownField, Schema), |p| {
            set_key(p, key, int(1))
        });
    }
    t.refuse_payload(("P02", "C14"), "2^64 - 1 as label", (UnknownField, Schema), |p| set_key(p, int_max(), int(1)));
    t.refuse_payload(("P33", "C14"), "amount under its name", (UnknownField, Schema), |p| {
        set_key(&remove(p, FUNDED), text("funded"), int(20_000))
    });
    t.refuse_payload(("P02", "C12"), "a list as label", (CborType, Encoding), |p| set_key(p, list(&[]), int(1)));
    t.refuse_payload(("P03", ""), "no exp", (MissingField, Schema), |p| remove(p, EXP));
    t.refuse_payload(("P02", "C12"), "a rule that is not known", (RuleUnknown, Schema), |p| {
        set(p, CAPS, set(&get(p, CAPS), 22, int(1)))
    });
    t.refuse_payload(("P02", "C12"), "a rule named in text", (RuleUnknown, Schema), |p| {
        set(p, CAPS, set_key(&get(p, CAPS), text("total"), int(1)))
    });
    t.refuse_payload(("P02", "C12"), "a holder with more than a key", (UnknownField, Schema), |p| {
        set(p, CNF, set(&get(p, CNF), 3, bytes(b"kid")))
    });
    t.refuse_payload(("P02", "C12"), "a holder that is another's kid", (UnknownField, Schema), |p| {
        set(p, CNF, map(&[(int(3), bytes(b"kid"))]))
    });
    t.refuse_payload(("", ""), "a holder that is nobody", (MissingField, Schema), |p| set(p, CNF, map(&[])));
    t.refuse_payload(("", ""), "a holder that is an agent and a merchant", (FieldConflict, Schema), |p| {
        set(p, CNF, set(&get(p, CNF), -1, text("tea.example")))
    });
}

/// Keys in other forms than the one.
fn keys(t: &mut Table) {
    let cose_key = get(&get(&t.base.payload, CNF), 1);
    let with = |label, item| set(&cose_key, label, item);
    let mut point = vec![4];
    point.extend([7; 64]);
    let forms: [(&str, Vec<u8>); 11] = [
        ("compressed", with(-3, vec![0xf5])),
        ("as a point of SEC 1", bytes(&point)),
        ("of P-384", with(-1, int(2))),
        ("of an Edwards curve", with(1, int(1))),
        ("with its kind in text", with(1, text("EC2"))),
        ("with x of 31 bytes", with(-2, bytes(&[7; 31]))),
        ("with y of 33 bytes", with(-3, bytes(&[7; 33]))),
        ("without y", remove(&cose_key, -3)),
        ("with a kid", with(2, bytes(b"kid"))),
        ("with its algorithm", with(3, int(-9))),
        ("with its secret", with(-4, bytes(&[7; 32]))),
    ];
    for (name, form) in forms {
        t.refuse_payload(("", "D13"), format!("a key {name}"), (KeyInvalid, Schema), |p| {
            set(p, CNF, map(&[(int(1), form)]))
        });
    }
}

/// Words for people, and lines, in an offer.
fn texts() -> Vec<Row> {
    let mut t = Table::of(&Offer::samples()[0]);
    let item = pairs(&t.base.payload).into_iter().find(|(key, _)| *key == int(ITEMS)).unwrap().1;
    let item = item[1..].to_vec();
    let named = |name: &str| {
        let items = list(&[set(&item, 2, text(name))]);
        move |f: &mut Forge| f.payload = set(&f.payload, ITEMS, items)
    };
    let wrong = (TextInvalid, Encoding);
    t.refuse_beside(("", "C13"), "a name not composed", wrong, named("cafe\u{301}"), named("caf\u{e9}"));
    t.refuse_beside(("", "C13"), "a name with Hangul parts", wrong, named("\u{1112}\u{1161}"), named("\u{d558}"));
    t.refuse_beside(("", "C13"), "a name with a singleton", wrong, named("\u{212b}"), named("\u{c5}"));
    for hidden in
        ['\u{1}', '\n', '\u{7f}', '\u{85}', '\u{61c}', '\u{200b}', '\u{200e}', '\u{2028}', '\u{2066}', '\u{feff}']
    {
        let (bad, good) = (format!("tea{hidden}pot"), "tea pot");
        t.refuse_beside(("P32", "C13"), format!("a name with {hidden:?}"), wrong, named(&bad), named(good));
    }
    t.refuse_beside(
        ("P17", "C13"),
        "a name with a surrogate",
        wrong,
        {
            let items = list(&[set(&item, 2, [vec![0x63], vec![0xed, 0xa0, 0x80]].concat())]);
            move |f: &mut Forge| f.payload = set(&f.payload, ITEMS, items)
        },
        named("\u{ffff}"),
    );
    for (name, change) in
        [("an unknown field", set(&item, 7, int(1))), ("a field before the rest", set(&item, 0, int(1)))]
    {
        t.refuse_payload(("P02", "C12"), format!("a line with {name}"), (UnknownField, Schema), |p| {
            set(p, ITEMS, list(&[change]))
        });
    }
    t.refuse_payload(("P03", ""), "a line without its price", (MissingField, Schema), |p| {
        set(p, ITEMS, list(&[remove(&item, 5)]))
    });
    t.refuse_payload(("", ""), "lines that do not add up", (ItemsTotal, Schema), |p| {
        set(p, ITEMS, list(&[set(&item, 5, int(12_801))]))
    });
    t.refuse_payload(("", ""), "no line", (FieldRange, Schema), |p| set(p, ITEMS, list(&[])));
    let hold = |seconds: i64| {
        let by_command = move |payload: &[u8]| set(&set(payload, CAPTURE, int(2)), HOLD_SECONDS, int(seconds));
        move |f: &mut Forge| f.payload = by_command(&f.payload)
    };
    t.refuse_beside(("", ""), "a hold of no second", (FieldRange, Schema), hold(0), hold(1));
    t.refuse_beside(("", ""), "a hold of 31 days and a second", (FieldRange, Schema), hold(2_678_401), hold(2_678_400));
    t.refuse_payload(("", ""), "a hold of what is captured at once", (FieldConflict, Schema), |p| {
        set(p, HOLD_SECONDS, int(60))
    });
    t.rows
}

/// A set has one order and holds nothing twice; the log has an entry for each batch.
fn lists() -> Vec<Row> {
    let mut t = Table::of(&Mandate::samples()[0]);
    let (digest, price) = (|n| bytes(&[n; 32]), |id| list(&[text(id), int(100), int(10)]));
    let items: [(&str, i64, [Vec<u8>; 2]); 10] = [
        ("merchants_allow", 7, [text("tea.example"), text("rice.example")]),
        ("merchants_deny", 8, [text("a.example"), text("b.example")]),
        ("categories_allow", 9, [int(5), int(5_411)]),
        ("categories_deny", 10, [int(5_411), int(5_412)]),
        ("items_allow", 11, [text("tea"), text("rice")]),
        ("items_deny", 12, [text("gift"), text("cards")]),
        ("price_deviation", 13, [price("tea"), price("rice")]),
        ("channels", 15, [int(1), int(5)]),
        ("devices", 16, [digest(1), digest(2)]),
        ("payee_keys", 17, [list(&[text("tea.example"), digest(2)]), list(&[text("rice.example"), digest(1)])]),
    ];
    for (name, label, [less, more]) in items {
        let of = |items: &[&Vec<u8>]| {
            let items: Vec<_> = items.iter().copied().cloned().collect();
            move |f: &mut Forge| {
                f.payload = set(&f.payload, CAPS, set(&get(&f.payload, CAPS), label, list(&items)));
            }
        };
        let wrong = (FieldRange, Schema);
        let name = |what: &str| format!("{name}: {what}");
        t.refuse_beside(("", ""), name("out of order"), wrong, of(&[&more, &less]), of(&[&less, &more]));
        t.refuse_beside(("", ""), name("one item twice"), wrong, of(&[&less, &less]), of(&[&less]));
    }
    let mut rows = t.rows;

    let mut t = Table::of(&Suspension::samples()[0]);
    let of = |ids: [u8; 2]| list(&ids.map(|n| bytes(&[n; 32])));
    t.refuse_payload(("", ""), "mandates out of order", (FieldRange, Schema), |p| set(p, MANDATES, of([2, 1])));
    t.refuse_payload(("", ""), "a mandate twice", (FieldRange, Schema), |p| set(p, MANDATES, of([1, 1])));
    t.refuse_payload(("", ""), "no mandate", (FieldRange, Schema), |p| set(p, MANDATES, list(&[])));
    rows.extend(t.rows);

    let mut t = Table::of(&Root::samples()[0]);
    t.refuse_payload(("", ""), "a log without its batch", (FieldConflict, Schema), |p| set(p, LOG_SIZE, get(p, BATCH)));
    t.refuse_payload(("", ""), "a batch without a next", (FieldConflict, Schema), |p| {
        set(&set(p, BATCH, int_max()), LOG_SIZE, int(0))
    });
    rows.extend(t.rows);
    rows
}
