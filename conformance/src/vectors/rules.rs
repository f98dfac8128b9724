//! Every rule at its limit, and one past it.

use purser_protocol::code::Code;
use purser_test_vectors::Area;

use super::cbor::{Item, labelled, seq};
use super::issuer::Payments;
use super::keys;
use super::papers::NOW;
use super::sheet::{Build as _, Sheet, Shows};
use super::world::{DAY, HOUR, Scene, World, lined, plenty, priced, tea};

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
    periods(&mut sheet);
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

fn lists(t: &mut Payments<'_>) {
    let names = |names: &[&str]| Item::List(names.iter().map(|&name| name.into()).collect());
    let m10 = Shows("M10", "A4");
    t.beside(
        "merchants-allow",
        "merchants_allow without the merchant",
        m10,
        Code::RuleMerchant,
        [&|s| s.rule(7, names(&["tea.example"])), &|s| s.rule(7, names(&["rice.example"]))],
    );
    t.refuse(
        "merchants-allow-prefix",
        "merchants_allow with the beginning of the merchant's name",
        m10,
        Code::RuleMerchant,
        |s| s.rule(7, names(&["tea.exampl"])),
    );
    t.refuse(
        "merchants-allow-longer",
        "merchants_allow with a longer name than the merchant's",
        m10,
        Code::RuleMerchant,
        |s| s.rule(7, names(&["a.tea.example"])),
    );
    t.refuse(
        "merchants-allow-suffix",
        "merchants_allow with the end of the merchant's name",
        m10,
        Code::RuleMerchant,
        |s| s.rule(7, names(&["example"])),
    );
    t.refuse(
        "merchants-allow-look-alike",
        "merchants_allow with a name that looks like the merchant's",
        Shows("M10 M41", "A4 A23"),
        Code::RuleMerchant,
        |s| s.rule(7, names(&["tea-example"])),
    );
    t.beside(
        "merchants-deny",
        "merchants_deny with the merchant",
        m10,
        Code::RuleMerchant,
        [&|s| s.rule(8, names(&["rice.example"])), &|s| s.rule(8, names(&["tea.example"]))],
    );
    let numbers = |numbers: &[i64]| Item::List(numbers.iter().map(|&number| number.into()).collect());
    let m09 = Shows("M09", "A5");
    t.beside(
        "categories-allow",
        "categories_allow without the line's category",
        m09,
        Code::RuleCategory,
        [&|s| s.rule(9, numbers(&[5499])), &|s| s.rule(9, numbers(&[5411]))],
    );
    t.beside(
        "categories-allow-none",
        "categories_allow, and a line without a category",
        m09,
        Code::RuleCategory,
        [&|s| s.rule(9, numbers(&[5499])), &|s| {
            s.rule(9, numbers(&[5499]));
            s.offer(|o| lined(o, 3, None));
        }],
    );
    t.beside(
        "categories-allow-tips",
        "categories_allow, and an offer of nothing but a tip",
        m09,
        Code::RuleCategory,
        [&|s| s.rule(9, numbers(&[5499])), &|s| {
            s.rule(9, numbers(&[5499]));
            s.offer(|o| lined(lined(o, 3, None), 6, Some(5.into())));
        }],
    );
    t.beside(
        "categories-deny",
        "categories_deny with the line's category",
        m09,
        Code::RuleCategory,
        [&|s| s.rule(10, numbers(&[5411])), &|s| s.rule(10, numbers(&[5499]))],
    );
    t.beside(
        "categories-deny-none",
        "categories_deny, and a line without a category",
        m09,
        Code::RuleCategory,
        [&|s| s.rule(10, numbers(&[5411])), &|s| {
            s.rule(10, numbers(&[5411]));
            s.offer(|o| lined(o, 3, None));
        }],
    );
    t.accept("categories-deny-tips", "categories_deny, and an offer of nothing but a tip", m09, "RUL-8", |s| {
        s.rule(10, numbers(&[5411]));
        s.offer(|o| lined(lined(o, 3, None), 6, Some(5.into())));
    });
    let items = Shows("M09", "");
    t.beside(
        "items-allow",
        "items_allow without the line's id",
        items,
        Code::RuleItem,
        [&|s| s.rule(11, names(&["longjing-25"])), &|s| s.rule(11, names(&["longjing-50"]))],
    );
    t.beside(
        "items-allow-one-of-two",
        "items_allow, and an offer of which one line is not on it",
        items,
        Code::RuleItem,
        [
            &|s| {
                s.rule(11, names(&["gift-card", "longjing-25"]));
                s.offer(with_gift_card);
            },
            &|s| {
                s.rule(11, names(&["longjing-25"]));
                s.offer(with_gift_card);
            },
        ],
    );
    t.beside(
        "items-deny",
        "items_deny with one of two lines",
        items,
        Code::RuleItem,
        [
            &|s| {
                s.rule(12, names(&["vodka"]));
                s.offer(with_gift_card);
            },
            &|s| {
                s.rule(12, names(&["gift-card"]));
                s.offer(with_gift_card);
            },
        ],
    );
    let pin = |of: &str, key: &str| seq([seq([of.into(), keys::thumbprint(key).into()])]);
    t.beside(
        "payee-keys",
        "payee_keys with another key of the merchant's",
        Shows("X26", "A4"),
        Code::RulePayeeKey,
        [&|s| s.rule(17, pin("tea.example", "merchant")), &|s| s.rule(17, pin("tea.example", "other-merchant"))],
    );
    t.accept("payee-keys-of-another", "payee_keys with nothing about the merchant", Shows("", "A4"), "RUL-14", |s| {
        s.rule(17, pin("rice.example", "other-merchant"))
    });
    t.accept("payee-keys-two", "payee_keys with two keys of the merchant's", Shows("", "A4"), "RUL-14", |s| {
        let mut pins = [keys::thumbprint("merchant"), keys::thumbprint("thief")];
        pins.sort_unstable();
        s.rule(17, Item::List(pins.into_iter().map(|key| seq(["tea.example".into(), key.into()])).collect()));
    });
}

/// The tea and a card, for ten yuan together.
fn with_gift_card(offer: Item) -> Item {
    let line = |id: &str, price: i64| {
        labelled([(1, id.into()), (2, id.into()), (3, 5_499.into()), (4, 1.into()), (5, price.into())])
    };
    offer.with(-21, seq([line("longjing-25", 400), line("gift-card", 600)]))
}

fn prices(t: &mut Payments<'_>) {
    let price = |reference: i64, per_mille: i64| seq([seq(["longjing-25".into(), reference.into(), per_mille.into()])]);
    let shows = Shows("M08", "H5");
    t.beside(
        "price-above",
        "price_deviation of 25 per cent: a unit above",
        shows,
        Code::RulePrice,
        [&|s| s.rule(13, price(800, 250)), &|s| {
            s.rule(13, price(800, 250));
            s.offer(|o| priced(o, 1_001));
        }],
    );
    t.beside(
        "price-below",
        "price_deviation of 20 per cent: a unit below",
        shows,
        Code::RulePrice,
        [&|s| s.rule(13, price(1_250, 200)), &|s| {
            s.rule(13, price(1_250, 200));
            s.offer(|o| priced(o, 999));
        }],
    );
    t.beside(
        "price-exact",
        "price_deviation of nothing: a unit off",
        shows,
        Code::RulePrice,
        [&|s| s.rule(13, price(1_000, 0)), &|s| s.rule(13, price(1_001, 0))],
    );
    t.accept(
        "price-not-rounded",
        "A deviation that is just within: 3 of 1,003, at 3 per mille",
        shows,
        "RUL-10 ENC-23",
        |s| s.rule(13, price(1_003, 3)),
    );
    t.refuse(
        "price-rounded",
        "A deviation that is just without: 3 of 997, at 3 per mille",
        shows,
        Code::RulePrice,
        |s| s.rule(13, price(997, 3)),
    );
    t.accept("price-of-another", "price_deviation of an item that is not sold", shows, "RUL-10", |s| {
        s.rule(13, seq([seq(["longjing-50".into(), 1.into(), 0.into()])]));
    });
    t.refuse(
        "price-of-unit",
        "Two at half the reference each: the price is that of one",
        shows,
        Code::RulePrice,
        |s| {
            s.rule(13, price(1_000, 0));
            s.offer(|o| lined(lined(o, 4, Some(2.into())), 5, Some(500.into())));
        },
    );
    let greatest = (1_i64 << 53) - 1;
    t.refuse("price-overflow", "The greatest reference, at 999 per mille", shows, Code::RulePrice, |s| {
        s.rule(13, price(greatest, 999))
    });
    t.accept("price-wide", "The greatest reference, at 1,000 per mille", shows, "RUL-10 ENC-23", |s| {
        s.rule(13, price(greatest, 1_000))
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
    t.beside(
        "grant-two",
        "Two grants, and neither holds",
        Shows("M12", "A1"),
        Code::NoGrant,
        [&|s| conditional(s, &[max(999), max(1_000)]), &|s| conditional(s, &[max(999), max(998)])],
    );
    t.refuse("grant-mixed", "One rule of each of two grants holds", Shows("M12", "A1"), Code::NoGrant, |s| {
        conditional(s, &[at("tea.example", 999), at("rice.example", 1_000)])
    });
    t.last(|case| case.clauses("CND-2"));
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
    t.accept("grant-sixteen", "Sixteen grants, of which the last holds", Shows("M12", ""), "CND-3", |s| {
        let grants: Vec<Item> = (985..1_001).map(max).collect();
        conditional(s, &grants);
    });
}

/// Counters that are not empty.
fn counted(sheet: &mut Sheet) {
    let spent = |caps: Item, count: usize| {
        let mut world = World::new();
        let mut scene = Scene::new("0");
        scene.caps(caps);
        for number in 0..count {
            scene.offer = tea(&format!("earlier {number}"), 1_000);
            scene.now = NOW - HOUR + number as u64;
            scene.offer(|o| o.with(6, NOW - HOUR - 60).with(4, NOW - HOUR + 900));
            scene.intent = vec![(6, Some((NOW - HOUR - 10).into()))];
            world.pay(&scene);
            scene.known = 1;
        }
        (world, scene)
    };
    let next = |scene: &Scene, name: &str| {
        let mut scene = scene.clone();
        scene.offer = tea(name, 1_000);
        scene.now = NOW;
        scene.intent = Vec::new();
        scene
    };

    let caps = plenty().with(3, 3_000);
    let (world, scene) = spent(caps, 2);
    let base = ("quota-exact", "The rest of a quota, to the unit", "RUL-3 RUL-24");
    let mut t = Payments::new(sheet, ("two-thirds-spent", world), base, next(&scene, "third"));
    t.refuse("quota-one-above", "One unit more than the rest of a quota", Shows("M14", "A2"), Code::RuleTotal, |s| {
        s.offer(|o| priced(o, 1_001))
    });
    t.accept("quota-one-below", "One unit less than the rest of a quota", Shows("M14", "A2"), "RUL-3", |s| {
        s.offer(|o| priced(o, 999))
    });
    t.refuse("quota-greatest", "2^53 - 1 on top of what was spent", Shows("M24 M25", "A9"), Code::RuleTotal, |s| {
        s.offer(|o| priced(o, (1 << 53) - 1))
    });

    let caps = plenty().with(5, 3);
    let (world, scene) = spent(caps.clone(), 2);
    let base = ("count-last", "The last payment that count admits", "RUL-5");
    Payments::new(sheet, ("two-of-three", world), base, next(&scene, "third"));
    let (world, scene) = spent(caps, 3);
    sheet.setup("three-of-three", world.setup());
    let mut t = Payments::continuing(sheet, "three-of-three", world, next(&scene, "fourth"), "count-last");
    t.refuse("count-one-more", "One payment more than count admits", Shows("M08", "A3"), Code::RuleCount, |_| {});

    let rolling = |seconds: u64| seq([seq([2.into(), seq([2.into(), seconds.into()])])]);
    // Two payments, an hour ago and a second after: one of them is out of an hour's window at `now`.
    let (world, scene) = spent(plenty().with(6, rolling(HOUR)), 2);
    let base = ("count-per-rolling", "Two in an hour: the first was an hour ago, to the second", "RUL-6 RUL-23");
    Payments::new(sheet, ("two-in-an-hour", world), base, next(&scene, "third"));
    let (world, scene) = spent(plenty().with(6, rolling(HOUR + 1)), 2);
    sheet.setup("two-in-an-hour-and-a-second", world.setup());
    let mut t =
        Payments::continuing(sheet, "two-in-an-hour-and-a-second", world, next(&scene, "third"), "count-per-rolling");
    t.refuse(
        "count-per-rolling-full",
        "Two in an hour and a second: both are still counted",
        Shows("M16", "A22"),
        Code::RuleCountPeriod,
        |_| {},
    );
}

/// Midnights, here and there. `now` is 1:46:40 on a Monday in Shanghai, the 18th of March.
fn periods(sheet: &mut Sheet) {
    let midnight = NOW - (HOUR + 46 * 60 + 40);
    let scene_at = |minor: i64, unit: i64, zone: &str, at: u64| {
        let mut scene = Scene::new("earlier");
        let period = seq([1.into(), unit.into(), zone.into()]);
        scene.rule(4, seq([seq([minor.into(), period])]));
        scene.now = at;
        scene.offer(|o| o.with(6, at - 60).with(4, at + 840));
        scene.intent = vec![(6, Some((at - 10).into()))];
        scene.mandate(|m| m.with(5, NOW - 40 * DAY).with(6, NOW - 40 * DAY));
        scene
    };
    let rows: [(&str, &str, i64, &str, u64, u64, &str); 5] = [
        ("day", "A day in Shanghai", 1, "Asia/Shanghai", midnight - 1, midnight, "RUL-21 RUL-22"),
        ("week", "A week in Shanghai, from Monday on", 2, "Asia/Shanghai", midnight - 1, midnight, "RUL-22"),
        (
            "day-utc",
            "A day in UTC",
            1,
            "UTC",
            NOW - (17 * HOUR + 46 * 60 + 40) - 1,
            NOW - (17 * HOUR + 46 * 60 + 40),
            "RUL-22",
        ),
        ("month", "A month in Shanghai", 3, "Asia/Shanghai", midnight - 17 * DAY - 1, midnight - 17 * DAY, "RUL-22"),
        ("year", "A year in Shanghai", 4, "Asia/Shanghai", midnight - 76 * DAY - 1, midnight - 76 * DAY, "RUL-22"),
    ];
    for (id, title, unit, zone, before, after, clauses) in rows {
        let names = [format!("period/{id}-earlier"), format!("period/{id}-same")];
        let mut ids = Vec::new();
        for (setup, at) in names.iter().zip([before, after]) {
            let mut world = World::empty_at(at - DAY);
            let mut scene = scene_at(1_999, unit, zone, at);
            scene.mandate(|m| m.with(5, at - DAY).with(6, at - DAY));
            world.pay(&scene);
            let mut next = scene.clone().known();
            next.offer = tea("later", 1_000);
            next.now = NOW;
            next.intent = Vec::new();
            ids.push((setup.clone(), world, next));
        }
        let mut ids = ids.into_iter();
        let accepted_id = format!("period/{id}");
        if let Some((setup, world, next)) = ids.next() {
            let title = format!("{title}: a payment of the second before it began does not count");
            Payments::new(sheet, (&setup, world), (&accepted_id, &title, clauses), next);
            sheet.amend(|case| case.shows(Shows("M16", "A22")).clauses("RUL-4"));
        }
        if let Some((setup, world, next)) = ids.next() {
            sheet.setup(&setup, world.setup());
            let title = format!("{title}: a payment of its first second counts");
            let mut t = Payments::continuing(sheet, &setup, world, next, &accepted_id);
            t.refuse(&format!("period/{id}-full"), &title, Shows("M16", "A22"), Code::RuleTotalPeriod, |_| {});
            t.last(|case| case.clauses(clauses));
        }
    }
}
