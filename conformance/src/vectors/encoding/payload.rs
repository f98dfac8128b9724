//! The payload: its shape, one amount, other heads, limits.

use super::*;

/// The payload as a whole.
pub(super) fn shapes(t: &mut Papers<'_>) {
    let payload = t.base.payload.encode();
    let all = pairs(&t.base.payload);
    let count = all.len() as u64;
    let funded = all.iter().position(|(key, _)| *key == int(FUNDED.into())).unwrap_or_default();
    let doubled = |value: Vec<u8>| map(&[&all[..=funded], &[(int(FUNDED.into()), value)], &all[funded + 1..]].concat());
    let mut swapped = all.clone();
    swapped.swap(0, 1);
    let mut negative_first = all.clone();
    negative_first.rotate_right(1);
    let rows: [Row<'_>; 20] = [
        ("amount-twice-different", "An amount twice, different", Shows("P01", "C1"), CborDuplicateKey, doubled(int(1))),
        ("amount-twice-equal", "An amount twice, equal", Shows("P01", "C1"), CborDuplicateKey, doubled(int(20_000))),
        (
            "label-twice-two-widths",
            "A label twice, in two widths",
            Shows("P01", "C2"),
            CborNotDeterministic,
            map(&[&all[..1], &[(vec![0x18, 2], all[0].1.clone())], &all[1..]].concat()),
        ),
        ("out-of-order", "Two fields out of order", Shows("P12", "C3"), CborNotDeterministic, map(&swapped)),
        (
            "negative-first",
            "A negative label before the positive ones",
            Shows("P12", "C3"),
            CborNotDeterministic,
            map(&negative_first),
        ),
        (
            "indefinite",
            "A map without a length",
            Shows("P13", "C5"),
            CborIndefinite,
            [vec![0xbf], contents(&all), vec![0xff]].concat(),
        ),
        ("byte-after", "A byte after the map", Shows("P15", "C6"), CborTrailing, [payload.clone(), vec![0]].concat()),
        (
            "map-after",
            "The map twice, one after the other",
            Shows("P16", "C6"),
            CborTrailing,
            [payload.clone(), payload.clone()].concat(),
        ),
        (
            "self-described",
            "The mark of self-described CBOR",
            Shows("P19", "C7"),
            CborTag,
            [vec![0xd9, 0xd9, 0xf7], payload.clone()].concat(),
        ),
        (
            "embedded-tag",
            "The tag of embedded CBOR",
            Shows("P34", "C7"),
            CborTag,
            [vec![0xd8, 24], bytes(&payload)].concat(),
        ),
        ("cwt-tag", "The tag of a CWT", Shows("C03", "C7"), CborTag, [vec![0xd8, 61], payload.clone()].concat()),
        (
            "length-in-two-bytes",
            "The number of pairs in two bytes",
            Shows("P20", "C4"),
            CborNotDeterministic,
            [wide(5, count, 1), contents(&all)].concat(),
        ),
        (
            "pair-too-few",
            "One pair fewer than it says",
            Shows("P26", "C6"),
            CborTruncated,
            [head(5, count + 1), contents(&all)].concat(),
        ),
        (
            "pair-too-many",
            "One pair more than it says",
            Shows("P27", "C6"),
            CborTrailing,
            [head(5, count - 1), contents(&all)].concat(),
        ),
        ("no-byte", "No bytes", Shows("P28", "C6"), CborTruncated, Vec::new()),
        ("cut", "Cut in its last value", Shows("P28", "C6"), CborTruncated, payload[..payload.len() - 1].to_vec()),
        ("null", "Null", Shows("C34", "C8"), CborType, vec![0xf6]),
        (
            "break",
            "A break in the place of the first label",
            Shows("P13", "C8"),
            CborType,
            [payload[..1].to_vec(), vec![0xff]].concat(),
        ),
        ("pairs-2-32", "2^32 pairs", Shows("P30", "C10"), CborTruncated, [head(5, 1 << 32), contents(&all)].concat()),
        (
            "key-is-map",
            "A map as a label",
            Shows("P25", "C14"),
            CborType,
            map(&[&all[..], &[(map(&[]), int(1))]].concat()),
        ),
    ];
    for (id, title, shows, code, payload) in rows {
        let id = format!("payload/{id}");
        t.refuse(&id, &format!("Payload: {title}"), shows, (code, Encoding), |f| {
            f.payload = Item::Raw(payload.clone())
        });
        if matches!(code, CborTruncated) {
            t.last(|case| case.unpeeled());
        }
    }

    let values: Vec<_> = all.iter().map(|(_, value)| value.clone()).collect();
    let mut byte_keys: Vec<_> = all.iter().map(|(key, value)| (bytes(key), value.clone())).collect();
    byte_keys.sort();
    let rows: [Row<'_>; 5] = [
        ("list", "A list of the values", Shows("P21", ""), FieldType, list(&values)),
        ("number", "A number", Shows("P21", ""), FieldType, int(1)),
        ("text", "A text", Shows("P21", ""), FieldType, text("mandate")),
        (
            "byte-keys",
            "The labels as byte strings, which stand where every field is missing",
            Shows("P25", "C14"),
            MissingField,
            map(&byte_keys),
        ),
        ("empty-map", "An empty map", Shows("P03", ""), MissingField, map(&[])),
    ];
    for (id, title, shows, code, payload) in rows {
        let id = format!("payload/{id}");
        t.refuse(&id, &format!("Payload: {title}"), shows, (code, Schema), |f| f.payload = Item::Raw(payload.clone()));
        if id == "payload/byte-keys" {
            // What is missing and what is unknown: the first label that stands there decides.
            t.last(|case| case.clauses("ENC-22"));
        }
    }
}

/// One amount, in every form but its own.
pub(super) fn amounts(t: &mut Papers<'_>) {
    let rows: [Row<'_>; 22] = [
        ("double", "A double", Shows("P04", "A8 C8"), CborType, vec![0xfb, 0x40, 0xd3, 0x88, 0, 0, 0, 0, 0]),
        ("single", "A single", Shows("P04", "A8 C8"), CborType, vec![0xfa, 0x46, 0x9c, 0x40, 0]),
        ("half", "A half that is whole", Shows("P35", "A8 C8"), CborType, vec![0xf9, 0x74, 0xe2]),
        ("nan", "Not a number", Shows("P04", "C8"), CborType, vec![0xf9, 0x7e, 0]),
        (
            "nan-payload",
            "Not a number, with a payload",
            Shows("P04", "C8"),
            CborType,
            vec![0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 1],
        ),
        ("infinity", "Infinity", Shows("P04", "C8"), CborType, vec![0xf9, 0x7c, 0]),
        ("minus-zero", "Minus zero", Shows("P04", "C8 C15"), CborType, vec![0xf9, 0x80, 0]),
        ("null", "Null", Shows("P10", "C8"), CborType, vec![0xf6]),
        ("undefined", "Undefined", Shows("P38", "C8"), CborType, vec![0xf7]),
        ("simple-0", "simple(0)", Shows("P37", "C8"), CborType, vec![0xe0]),
        ("simple-32", "simple(32)", Shows("P37", "C8"), CborType, vec![0xf8, 32]),
        ("simple-255", "simple(255)", Shows("P37", "C8"), CborType, vec![0xf8, 255]),
        ("true-in-two-bytes", "True in two bytes", Shows("P37", "C8"), CborType, vec![0xf8, 21]),
        ("reserved", "A reserved head", Shows("P37", "C8"), CborType, vec![0x1c]),
        ("bignum", "A big number that is small", Shows("P06", "A8 C7"), CborTag, vec![0xc2, 0x42, 0x4e, 0x20]),
        (
            "bignum-wide",
            "A big number above 2^64",
            Shows("P09", "A8 C7"),
            CborTag,
            [vec![0xc2], bytes(&[1, 0, 0, 0, 0, 0, 0, 0, 0])].concat(),
        ),
        ("bignum-negative", "A negative big number", Shows("P05", "A8 C7"), CborTag, vec![0xc3, 0x42, 0x4e, 0x20]),
        (
            "decimal",
            "A decimal fraction, 200.00",
            Shows("P11", "C7"),
            CborTag,
            [vec![0xc4], list(&[int(-2), int(20_000)])].concat(),
        ),
        (
            "embedded",
            "In a tag of embedded CBOR",
            Shows("P34", "C7"),
            CborTag,
            [vec![0xd8, 24], bytes(&int(20_000))].concat(),
        ),
        ("in-four-bytes", "In four bytes for two", Shows("P07", "C4"), CborNotDeterministic, wide(0, 20_000, 4)),
        ("in-eight-bytes", "In eight bytes for two", Shows("P07", "C4"), CborNotDeterministic, wide(0, 20_000, 8)),
        ("in-no-bytes", "Its head alone, at the end", Shows("P26", "C6"), CborTruncated, vec![0x19]),
    ];
    for (id, title, shows, code, item) in rows {
        let id = format!("amount/{id}");
        t.refuse(&id, &format!("An amount: {title}"), shows, (code, Encoding), |f| {
            f.payload = f.payload.clone().with(FUNDED, Item::Raw(item.clone()))
        });
        if code == CborTruncated {
            t.last(|case| case.unpeeled());
        }
    }
    let rows: [Row<'_>; 9] = [
        ("negative", "-20000", Shows("P05 M21", "A8 C15"), FieldType, int(-20_000)),
        ("minus-one", "-1", Shows("P05 M21", "A8 C15"), FieldType, int(-1)),
        ("text", "As a text", Shows("P08", ""), FieldType, text("20000")),
        ("bytes", "As bytes", Shows("P24", ""), FieldType, bytes(&[0x4e, 0x20])),
        ("list", "A list of one", Shows("P21", ""), FieldType, list(&[int(20_000)])),
        ("true", "True", Shows("P08", ""), FieldType, vec![0xf5]),
        ("zero", "0", Shows("P36 M21", "A8"), FieldRange, int(0)),
        ("2-53", "2^53", Shows("P36 M24", "A8"), FieldRange, int(1 << 53)),
        ("2-64-less-1", "2^64 - 1", Shows("P36 M24", "A8"), FieldRange, head(0, u64::MAX)),
    ];
    for (id, title, shows, code, item) in rows {
        let id = format!("amount/{id}");
        t.refuse(&id, &format!("An amount: {title}"), shows, (code, Schema), |f| {
            f.payload = f.payload.clone().with(FUNDED, Item::Raw(item.clone()))
        });
    }
    let greatest = |f: &mut Forge| f.payload = f.payload.clone().with(FUNDED, (1_i64 << 53) - 1);
    t.accept("amount/greatest", "An amount: 2^53 - 1", Shows("M24", "A8"), "ENC-15", greatest);
    t.accept("amount/least", "An amount: 1", Shows("M21", "A8"), "ENC-15", |f| {
        f.payload = f.payload.clone().with(FUNDED, 1)
    });
}

/// Heads of other items than the amount.
pub(super) fn heads(t: &mut Papers<'_>) {
    let issuer = "issuer.example";
    let rows: [(&str, &str, Shows, Code, i64, Vec<u8>); 10] = [
        (
            "text-in-chunks",
            "A text in chunks",
            Shows("P14", "C5"),
            CborIndefinite,
            AUD,
            [vec![0x7f], text("issuer"), text(".example"), vec![0xff]].concat(),
        ),
        (
            "text-in-one-chunk",
            "A text in one chunk",
            Shows("P14", "C5"),
            CborIndefinite,
            AUD,
            [vec![0x7f], text(issuer), vec![0xff]].concat(),
        ),
        (
            "text-length-too-wide",
            "The length of a text in two bytes",
            Shows("P18", "C4"),
            CborNotDeterministic,
            AUD,
            [wide(3, 14, 1), issuer.as_bytes().to_vec()].concat(),
        ),
        (
            "bytes-in-chunks",
            "A byte string in chunks",
            Shows("P14", "C5"),
            CborIndefinite,
            -10,
            [vec![0x5f], bytes(&[1; 8]), bytes(&[1; 8]), vec![0xff]].concat(),
        ),
        (
            "bytes-nested-chunks",
            "A byte string in chunks of chunks",
            Shows("P14", "C5"),
            CborIndefinite,
            -10,
            [vec![0x5f, 0x5f], bytes(&[1; 16]), vec![0xff, 0xff]].concat(),
        ),
        ("list-indefinite", "A list without a length", Shows("P13", "C5"), CborIndefinite, -16, vec![0x9f, 0xff]),
        (
            "map-inside-indefinite",
            "A map inside without a length",
            Shows("P13", "C5"),
            CborIndefinite,
            CAPS,
            vec![0xbf, 3, 1, 0xff],
        ),
        (
            "time-tagged",
            "A time with the tag of Unix time",
            Shows("P22", "C7"),
            CborTag,
            EXP,
            [vec![0xc1], int(1_902_592_000)].concat(),
        ),
        (
            "time-as-text-tag",
            "A time as a tagged text",
            Shows("P22", "C7"),
            CborTag,
            EXP,
            [vec![0xc0], text("2030-04-16T17:46:40Z")].concat(),
        ),
        (
            "time-float",
            "A time as a float",
            Shows("P23", "C8"),
            CborType,
            EXP,
            vec![0xfb, 0x41, 0xdc, 0x59, 0xf0, 0xa0, 0, 0, 0],
        ),
    ];
    for (id, title, shows, code, label, item) in rows {
        let id = format!("head/{id}");
        t.refuse(&id, title, shows, (code, Encoding), |f| {
            f.payload = f.payload.clone().with(label, Item::Raw(item.clone()))
        });
    }
}

/// Depth, entries, lengths: at the limit the schema judges, one past it the encoding does.
pub(super) fn limits(t: &mut Papers<'_>) {
    let nested = |depth: usize| [vec![0x81; depth], vec![1]].concat();
    let maps = |depth: usize| [[0xa1, 0].repeat(depth), vec![1]].concat();
    let rows: [(&str, &str, Shows, (Code, _), Vec<u8>); 17] = [
        ("map-depth-8", "8 maps deep", Shows("P29", "C9"), (UnknownField, Schema), maps(7)),
        ("list-2048", "A list of 2,048", Shows("P30", "C10"), (CborLimit, Encoding), list(&vec![int(0); 2_048])),
        ("text-2048", "A text of 2,048 bytes", Shows("P30", "C10"), (CborLimit, Encoding), text(&"a".repeat(2_048))),
        ("depth-8", "8 deep", Shows("P29", "C9"), (UnknownField, Schema), nested(7)),
        ("depth-9", "9 deep", Shows("P29", "C9"), (CborDepth, Encoding), nested(8)),
        ("depth-3000", "3,000 deep", Shows("P29 F22", "C9"), (CborDepth, Encoding), nested(3_000)),
        ("list-1024", "A list of 1,024", Shows("P30", "C10"), (UnknownField, Schema), list(&vec![int(0); 1_024])),
        ("list-1025", "A list of 1,025", Shows("P30", "C10"), (CborLimit, Encoding), list(&vec![int(0); 1_025])),
        ("text-1024", "A text of 1,024 bytes", Shows("P30", "C10"), (UnknownField, Schema), text(&"a".repeat(1_024))),
        ("text-1025", "A text of 1,025 bytes", Shows("P30", "C10"), (CborLimit, Encoding), text(&"a".repeat(1_025))),
        (
            "list-of-2-40",
            "A list that claims 2^40 entries",
            Shows("P30", "C10"),
            (CborTruncated, Encoding),
            head(4, 1 << 40),
        ),
        (
            "map-of-2-40",
            "A map that claims 2^40 pairs",
            Shows("P30", "C10"),
            (CborTruncated, Encoding),
            head(5, 1 << 40),
        ),
        (
            "bytes-of-2-40",
            "A byte string that claims 2^40 bytes",
            Shows("P30", "C10"),
            (CborTruncated, Encoding),
            head(2, 1 << 40),
        ),
        (
            "text-of-2-63",
            "A text that claims 2^63 bytes",
            Shows("P30", "C10"),
            (CborTruncated, Encoding),
            head(3, 1 << 63),
        ),
        (
            "list-of-2-64-less-1",
            "A list that claims 2^64 - 1 entries",
            Shows("P30", "C10"),
            (CborTruncated, Encoding),
            head(4, u64::MAX),
        ),
        (
            "map-of-2-63",
            "A map of 2^63 pairs, whose entries are more than 2^64",
            Shows("P30", "C10"),
            (CborTruncated, Encoding),
            head(5, 1 << 63),
        ),
        (
            "bytes-one-short",
            "A byte string of one byte fewer than it says",
            Shows("P26", "C6"),
            (CborTruncated, Encoding),
            [head(2, 4), vec![1, 2, 3]].concat(),
        ),
    ];
    for (id, title, shows, expected, item) in rows {
        // Under the greatest label of all, so that nothing follows the item.
        let last = i64::MIN;
        let title = format!("An unknown field: {title}");
        t.refuse(&format!("limit/{id}"), &title, shows, expected, |f| {
            f.payload = f.payload.clone().with(last, Item::Raw(item.clone()))
        });
        if expected.0 == CborTruncated {
            t.last(|case| case.unpeeled());
        } else if expected.0 == UnknownField {
            t.last(|case| case.clauses("ENC-9 ENC-10"));
        }
    }
}
