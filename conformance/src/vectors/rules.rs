//! Every rule at its limit, and one past it.

mod calendar;
mod counted;
mod lists;
mod terms;

use purser_protocol::code::Code;
use purser_test_vectors::Area;

use self::calendar::periods;
use self::counted::{counted, given_back, grants_counted};
use self::lists::{lists, prices};
use self::terms::terms;
use super::cbor::{Item, labelled, seq};
use super::issuer::Payments;
use super::keys;
use super::papers::NOW;
use super::sheet::{Build as _, Sheet, Shows};
use super::world::{DAY, HOUR, Scene, World, lined, merchant_command, plenty, priced, tea};

pub(super) fn area() -> Area {
    let about = "The rules of a mandate: each at its limit and one past it, in caps and in grants.";
    let mut sheet = Sheet::new("rules", about);
    let base =
        ("base", "Ten yuan for tea under a quota mandate", "RUL-3 AUT-50 AUT-51 AUT-52 AUT-63 AUT-64 AUT-65 QTA-1");
    let mut t = Payments::new(&mut sheet, ("account", World::new()), base, Scene::new("rules"));
    amounts(&mut t);
    lists(&mut t);
    prices(&mut t);
    times(&mut t);
    ways(&mut t);
    grants(&mut t);
    counted(&mut sheet);
    grants_counted(&mut sheet);
    given_back(&mut sheet);
    periods(&mut sheet);
    terms(&mut sheet);
    sheet.finish()
}

fn amounts(t: &mut Payments<'_>) {
    let m08 = Shows("M08 M18", "A1");
    t.beside(
        "amount-max",
        "amount_max: one unit above",
        m08,
        Code::RuleAmountMax,
        [&|s| s.rule(1, 1_000), &|s| s.rule(1, 999)],
    );
    t.refuse("amount-max-one-less", "amount_max of 1: a place that admits nothing", m08, Code::RuleAmountMax, |s| {
        s.rule(1, 1)
    });
    t.beside(
        "amount-min",
        "amount_min: one unit below",
        Shows("M08", ""),
        Code::RuleAmountMin,
        [&|s| s.rule(2, 1_000), &|s| s.rule(2, 1_001)],
    );
    t.beside(
        "total",
        "total: one unit above",
        Shows("M14", "A1"),
        Code::RuleTotal,
        [&|s| s.caps(labelled([(3, 1_000.into())])), &|s| s.caps(labelled([(3, 999.into())]))],
    );
    let per = |minor: i64, period: Item| seq([seq([minor.into(), period])]);
    let day = || seq([1.into(), 1.into(), "Asia/Shanghai".into()]);
    t.beside(
        "total-per-day",
        "total_per of a day: one unit above",
        Shows("M14 M16", "A22"),
        Code::RuleTotalPeriod,
        [&|s| s.rule(4, per(1_000, day())), &|s| s.rule(4, per(999, day()))],
    );
    let rolling = |seconds: i64| seq([2.into(), seconds.into()]);
    t.beside(
        "total-per-rolling",
        "total_per of an hour: one unit above",
        Shows("M14 M16", "A22"),
        Code::RuleTotalPeriod,
        [&|s| s.rule(4, per(1_000, rolling(3_600))), &|s| s.rule(4, per(999, rolling(3_600)))],
    );
    let both = |a: i64, b: i64| seq([seq([a.into(), day()]), seq([b.into(), rolling(60)])]);
    t.beside(
        "total-per-second-entry",
        "total_per of two entries: the second is passed",
        Shows("M12 M14", ""),
        Code::RuleTotalPeriod,
        [&|s| s.rule(4, both(5_000, 1_000)), &|s| s.rule(4, both(5_000, 999))],
    );
    // Each entry is a limit, wherever it stands in the list.
    let week = || seq([1.into(), 2.into(), "Asia/Shanghai".into()]);
    let three =
        |a: i64, b: i64, c: i64| seq([seq([a.into(), day()]), seq([b.into(), week()]), seq([c.into(), rolling(60)])]);
    let rows: [(&str, &str, Item, Item); 3] = [
        ("first-of-two", "total_per of two entries: the first is passed", both(1_000, 5_000), both(999, 5_000)),
        (
            "first-of-three",
            "total_per of three entries: the first is passed",
            three(1_000, 5_000, 5_000),
            three(999, 5_000, 5_000),
        ),
        (
            "last-of-three",
            "total_per of three entries: the last is passed",
            three(5_000, 5_000, 1_000),
            three(5_000, 5_000, 999),
        ),
    ];
    for (id, title, good, bad) in rows {
        let id = format!("total-per-{id}");
        t.beside(
            &id,
            title,
            Shows("M12 M14", ""),
            Code::RuleTotalPeriod,
            [&|s| s.rule(4, good.clone()), &|s| s.rule(4, bad.clone())],
        );
    }
    let greatest = (1_i64 << 53) - 1;
    t.accept("amount-max-greatest", "amount_max of 2^53 - 1", Shows("M24", "A8"), "RUL-1 ENC-23", |s| {
        s.rule(1, greatest)
    });
    t.accept("total-greatest", "total of 2^53 - 1", Shows("M24", "A9"), "RUL-3 ENC-23", |s| {
        s.caps(labelled([(3, greatest.into())]))
    });
    // Two rules fail: the one of the lower label gives the code.
    t.refuse("two-fail", "amount_max and total are both passed", Shows("M12", ""), Code::RuleAmountMax, |s| {
        s.caps(labelled([(1, 999.into()), (3, 999.into())]))
    });
    t.last(|case| case.clauses("AUT-9 AUT-52").unpeeled());
    t.refuse("one-of-two-fails", "One rule holds and the next fails", Shows("M12", ""), Code::RuleMerchant, |s| {
        s.rule(1, 1_000);
        s.rule(7, seq(["rice.example".into()]));
    });
}

/// `now` is a Sunday, 17:46:40 in UTC, and Monday, 01:46:40 in Shanghai.
fn times(t: &mut Payments<'_>) {
    let window = |zone: &str, days: i64, from: i64, until: i64| {
        seq([seq([zone.into(), days.into(), from.into(), until.into()])])
    };
    let shows = Shows("M16", "A22");
    t.beside(
        "times-weekday",
        "times of Mondays, in UTC",
        shows,
        Code::RuleTime,
        [&|s| s.rule(14, window("UTC", 64, 0, 1440)), &|s| s.rule(14, window("UTC", 1, 0, 1440))],
    );
    t.beside(
        "times-zone",
        "times of Sundays, in Shanghai",
        shows,
        Code::RuleTime,
        [&|s| s.rule(14, window("Asia/Shanghai", 1, 0, 1440)), &|s| s.rule(14, window("Asia/Shanghai", 64, 0, 1440))],
    );
    t.beside(
        "times-before",
        "times that begin with the next minute",
        shows,
        Code::RuleTime,
        [&|s| s.rule(14, window("UTC", 127, 1066, 1440)), &|s| s.rule(14, window("UTC", 127, 1067, 1440))],
    );
    t.beside(
        "times-after",
        "times that end with this minute",
        shows,
        Code::RuleTime,
        [&|s| s.rule(14, window("UTC", 127, 0, 1067)), &|s| s.rule(14, window("UTC", 127, 0, 1066))],
    );
    // In New York it is 13:46, by summer time since a week.
    t.beside(
        "times-summer",
        "times that begin with the next minute, by the summer time of New York",
        shows,
        Code::RuleTime,
        [&|s| s.rule(14, window("America/New_York", 127, 826, 1440)), &|s| {
            s.rule(14, window("America/New_York", 127, 827, 1440))
        }],
    );
    t.beside(
        "times-after-in-shanghai",
        "times that end with this minute, by the clocks of Shanghai",
        shows,
        Code::RuleTime,
        [&|s| s.rule(14, window("Asia/Shanghai", 127, 0, 107)), &|s| s.rule(14, window("Asia/Shanghai", 127, 0, 106))],
    );
    t.accept("times-second-of-two", "times in two places, of which the second window is open", shows, "RUL-11", |s| {
        let window = |zone: &str, days: i64| seq([zone.into(), days.into(), 0.into(), 1440.into()]);
        s.rule(14, seq([window("Asia/Shanghai", 64), window("UTC", 64)]));
    });
    t.accept("times-one-of-two", "times of which the second window is open", shows, "RUL-11", |s| {
        let window = |days: i64| seq(["UTC".into(), days.into(), 0.into(), 1440.into()]);
        s.rule(14, seq([window(1), window(64)]));
    });
}

fn ways(t: &mut Payments<'_>) {
    let channels = |numbers: &[i64]| Item::List(numbers.iter().map(|&number| number.into()).collect());
    let device = |name: &str| seq([keys::thirty_two(name).into()]);
    let m40 = Shows("M40", "");
    t.beside(
        "channels",
        "channels without the intent's",
        m40,
        Code::RuleChannel,
        [
            &|s| {
                s.rule(15, channels(&[1, 2]));
                s.intent(-28, 2);
            },
            &|s| {
                s.rule(15, channels(&[1, 2]));
                s.intent(-28, 3);
            },
        ],
    );
    t.refuse("channels-none", "channels, and an intent that names none", m40, Code::RuleChannel, |s| {
        s.rule(15, channels(&[1, 2, 3, 4, 5]))
    });
    t.beside(
        "devices",
        "devices without the intent's",
        m40,
        Code::RuleDevice,
        [
            &|s| {
                s.rule(16, device("glasses"));
                s.intent(-29, keys::thirty_two("glasses"));
            },
            &|s| {
                s.rule(16, device("glasses"));
                s.intent(-29, keys::thirty_two("car"));
            },
        ],
    );
    t.refuse("devices-none", "devices, and an intent that names none", m40, Code::RuleDevice, |s| {
        s.rule(16, device("glasses"))
    });
}

/// A conditional mandate with these grants.
fn conditional(s: &mut Scene, grants: &[Item]) {
    let grants = Item::List(grants.to_vec());
    s.mandate(|m| m.without(-15).with(-12, 2).with(-16, grants));
}

fn grants(t: &mut Payments<'_>) {
    let max = |minor: i64| labelled([(1, minor.into())]);
    let at = |merchant: &str, minor: i64| labelled([(1, minor.into()), (7, seq([merchant.into()]))]);
    t.beside(
        "grant-one",
        "One grant, which fails by its rule",
        Shows("M08", "A1"),
        Code::RuleAmountMax,
        [&|s| conditional(s, &[max(1_000)]), &|s| conditional(s, &[max(999)])],
    );
    t.because(0, Some(0), Some(1));
    t.beside(
        "grant-two",
        "Two grants, and neither holds",
        Shows("M12", "A1"),
        Code::NoGrant,
        [&|s| conditional(s, &[max(999), max(1_000)]), &|s| conditional(s, &[max(999), max(998)])],
    );
    t.because(0, None, None);
    t.refuse("grant-mixed", "One rule of each of two grants holds", Shows("M12", "A1"), Code::NoGrant, |s| {
        conditional(s, &[at("tea.example", 999), at("rice.example", 1_000)])
    });
    t.last(|case| case.clauses("CND-2"));
    // The same rules in a grant.
    let one = |label: i64, value: Item| move |s: &mut Scene| conditional(s, &[labelled([(label, value.clone())])]);
    let names = |name: &str| seq([name.into()]);
    let rows: [(&str, &str, Code, i64, Item, Item); 6] = [
        ("amount-min", "amount_min", Code::RuleAmountMin, 2, 1_000.into(), 1_001.into()),
        ("merchants-deny", "merchants_deny", Code::RuleMerchant, 8, names("rice.example"), names("tea.example")),
        ("categories-deny", "categories_deny", Code::RuleCategory, 10, seq([5_411.into()]), seq([5_499.into()])),
        ("items-deny", "items_deny", Code::RuleItem, 12, names("gyokuro"), names("longjing-25")),
        ("channels", "channels", Code::RuleChannel, 15, seq([2.into()]), seq([3.into()])),
        (
            "devices",
            "devices",
            Code::RuleDevice,
            16,
            seq([keys::thirty_two("glasses").into()]),
            seq([keys::thirty_two("car").into()]),
        ),
    ];
    for (id, name, code, label, good, bad) in rows {
        let with = |value: Item| {
            let change = one(label, value);
            move |s: &mut Scene| {
                change(s);
                s.intent(-28, 2);
                s.intent(-29, keys::thirty_two("glasses"));
            }
        };
        let title = format!("{name} of a grant");
        t.beside(&format!("grant-{id}"), &title, Shows("M08", "A1"), code, [&with(good.clone()), &with(bad)]);
        if matches!(label, 15 | 16) {
            let title = format!("{name} of a grant, and an intent that names none");
            let twin = format!("grant-{id}-twin");
            t.refuse_like(&format!("grant-{id}-none"), &title, Shows("M40", ""), code, (&twin, &one(label, good)));
        }
    }
    t.accept("grant-first-of-two", "Two grants, and both hold", Shows("M12", ""), "CND-3 CND-4", |s| {
        conditional(s, &[max(1_000), max(2_000)])
    });
    t.refuse(
        "grant-and-caps",
        "A grant that holds, under caps that do not",
        Shows("M12", "A1"),
        Code::RuleTotal,
        |s| {
            conditional(s, &[max(1_000)]);
            s.caps(labelled([(3, 999.into())]));
        },
    );
    t.last(|case| case.clauses("AUT-51"));
    t.because(0, None, Some(3));
    t.accept("grant-sixteen", "Sixteen grants, of which the last holds", Shows("M12", ""), "CND-3", |s| {
        let grants: Vec<Item> = (985..1_001).map(max).collect();
        conditional(s, &grants);
    });
}
