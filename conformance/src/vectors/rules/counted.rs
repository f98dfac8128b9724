//! Counters that are not empty, and midnights.

use super::*;

/// Counters that are not empty.
pub(super) fn counted(sheet: &mut Sheet) {
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
    rolled(sheet);
    entries(sheet);
}

/// count_per with several entries, of which one is full: each is a limit, wherever it stands.
fn entries(sheet: &mut Sheet) {
    let day = || seq([1.into(), 1.into(), "Asia/Shanghai".into()]);
    let week = || seq([1.into(), 2.into(), "Asia/Shanghai".into()]);
    let hour = || seq([2.into(), HOUR.into()]);
    let entry = |most: i64, period: Item| seq([most.into(), period]);
    let paid = |list: Item| {
        let mut world = World::new();
        let mut scene = Scene::new("earlier");
        scene.rule(6, list);
        scene.now = NOW - 60;
        scene.offer(|o| o.with(6, NOW - 120).with(4, NOW + 780));
        scene.intent = vec![(6, Some((NOW - 70).into()))];
        world.pay(&scene);
        let mut scene = scene.known();
        (scene.offer, scene.now, scene.intent) = (tea("last", 1_000), NOW, Vec::new());
        (world, scene)
    };
    let two = |a: i64, b: i64| seq([entry(a, day()), entry(b, hour())]);
    let three = |a: i64, b: i64, c: i64| seq([entry(a, day()), entry(b, week()), entry(c, hour())]);
    let rows: [(&str, &str, Item, Item); 4] = [
        ("first-of-two", "the first of two entries", two(2, 9), two(1, 9)),
        ("last-of-two", "the last of two entries", two(9, 2), two(9, 1)),
        ("first-of-three", "the first of three entries", three(2, 9, 9), three(1, 9, 9)),
        ("last-of-three", "the last of three entries", three(9, 9, 2), three(9, 9, 1)),
    ];
    for (id, words, good, bad) in rows {
        let (twin, full) = (format!("count-per-{id}-twin"), format!("count-per-{id}"));
        let (world, scene) = paid(good);
        let title = format!("count_per: the last payment of {words}");
        let mut t = Payments::new(sheet, (&twin, world), (&twin, &title, "RUL-6"), scene);
        t.last(|case| case.shows(Shows("M12 M16", "A3")));
        let (world, scene) = paid(bad);
        sheet.setup(&full, world.setup());
        let mut t = Payments::continuing(sheet, &full, world, scene, &twin);
        let title = format!("count_per: a payment more than {words} admits");
        t.refuse(&full, &title, Shows("M12 M16", "A3"), Code::RuleCountPeriod, |_| {});
    }
}

/// Payments that leave a rolling hour one by one: the newer ones stay until their own time has come.
fn rolled(sheet: &mut Sheet) {
    let shows = Shows("M16 M14", "A22");
    let hour = || seq([2.into(), HOUR.into()]);
    let paid = |caps: &Item, before: &[u64]| {
        let mut world = World::new();
        let mut scene = Scene::new("0");
        scene.caps(caps.clone());
        for (number, ago) in before.iter().enumerate() {
            scene.offer = tea(&format!("earlier {number}"), 1_000);
            scene.now = NOW - ago;
            let at = scene.now;
            scene.offer(|o| o.with(6, at - 60).with(4, at + 840));
            scene.intent = vec![(6, Some((at - 10).into()))];
            world.pay(&scene);
            scene.known = 1;
        }
        scene.offer = tea("last", 1_000);
        (scene.now, scene.intent) = (NOW, Vec::new());
        (world, scene)
    };
    let counts = plenty().with(6, seq([seq([2.into(), hour()])]));
    let totals = plenty().with(4, seq([seq([2_000.into(), hour()])]));
    let rows: [(&str, &str, &Item, Code, &str); 2] = [
        ("count-per-rolling", "count_per of two in an hour", &counts, Code::RuleCountPeriod, "RUL-6 RUL-23"),
        (
            "total-per-rolling",
            "total_per of two payments' worth in an hour",
            &totals,
            Code::RuleTotalPeriod,
            "RUL-4 RUL-23",
        ),
    ];
    for (id, title, caps, code, clauses) in rows {
        // The first of the two counts or not; the second, of this very second, does.
        for (part, words, first) in [("now", "one of this second", 0), ("second", "one of a second ago", 1)] {
            let twin = format!("{id}/gone-beside-{part}");
            let (world, scene) = paid(caps, &[HOUR, first]);
            let (setup, whole) = (format!("{id}-gone-{part}"), format!("{title}: {words}, and one of an hour ago"));
            let mut t = Payments::new(sheet, (&setup, world), (&twin, &whole, clauses), scene);
            t.last(|case| case.shows(shows));
            let (world, scene) = paid(caps, &[HOUR - 1, first]);
            let setup = format!("{id}-kept-{part}");
            sheet.setup(&setup, world.setup());
            let mut t = Payments::continuing(sheet, &setup, world, scene, &twin);
            let whole = format!("{title}: {words}, and one of a second less than an hour ago");
            t.refuse(&format!("{id}/kept-beside-{part}"), &whole, shows, code, |_| {});
            t.last(|case| case.clauses("RUL-23"));
        }
    }
}

/// What a refund gives back, it gives back to the period of its payment, and never a number. [MAN-23]
pub(super) fn given_back(sheet: &mut Sheet) {
    let shows = Shows("M17 M14", "B16");
    let after = |caps: &Item, before: &[u64], refunded: usize| {
        let mut world = World::empty_at(NOW - 40 * DAY);
        let mut scene = Scene::new("0");
        scene.caps(caps.clone());
        let mut refunds = Vec::new();
        scene.mandate(|m| m.with(-18, true).with(5, NOW - 40 * DAY).with(6, NOW - 40 * DAY));
        for (number, ago) in before.iter().enumerate() {
            scene.now = NOW - ago;
            let at = scene.now;
            scene.offer = tea(&format!("earlier {number}"), 1_000).with(6, at - 60).with(4, at + 840);
            scene.intent = vec![(6, Some((at - 10).into()))];
            let intent = world.pay(&scene);
            scene.known = 1;
            if number == refunded {
                let all = [(-5, 1_000.into()), (-6, "CNY".into())];
                let refund = merchant_command("refund", "merchant", intent, &all);
                refunds.push(refund.says(|p| p.with(6, NOW - 5)));
                world.model.refund(intent, 1_000);
            }
        }
        refunds.iter().for_each(|refund| world.send("command", &refund.bytes(), NOW - 1));
        scene.offer = tea("last", 1_000);
        (scene.now, scene.intent) = (NOW, Vec::new());
        (world, scene)
    };
    let per = |period: Item| plenty().with(4, seq([seq([1_000.into(), period])]));
    let day = || seq([1.into(), 1.into(), "Asia/Shanghai".into()]);
    let month = || seq([1.into(), 3.into(), "Asia/Shanghai".into()]);
    let rolling = |seconds: u64| seq([2.into(), seconds.into()]);
    let rows: [(&str, &str, Item, [u64; 2]); 4] = [
        ("period", "a day", per(day()), [2 * DAY, 60]),
        ("month", "a month", per(month()), [30 * DAY, 60]),
        ("rolling", "a rolling hour", per(rolling(HOUR)), [2 * HOUR, 60]),
        ("rolling-day", "a rolling day", per(rolling(DAY)), [2 * DAY, HOUR]),
    ];
    for (id, words, caps, before) in rows {
        let twin = format!("given-back/{id}");
        let (world, scene) = after(&caps, &before, 1);
        let title = format!("A payment of {words} was refunded: it counts there no more");
        let mut t = Payments::new(sheet, (&format!("given-back-{id}"), world), (&twin, &title, "MAN-23"), scene);
        t.last(|case| case.shows(shows));
        let (world, scene) = after(&caps, &before, 0);
        let setup = format!("given-back-before-{id}");
        sheet.setup(&setup, world.setup());
        let mut t = Payments::continuing(sheet, &setup, world, scene, &twin);
        let title = format!("A payment of before {words} was refunded in it: what was paid in it still counts");
        t.refuse(&format!("{twin}-before"), &title, shows, Code::RuleTotalPeriod, |_| {});
        t.last(|case| case.clauses("MAN-23"));
    }
    // The number stays.
    let counted = |most: i64| plenty().with(5, most);
    let counted_in = |most: i64| plenty().with(6, seq([seq([most.into(), day()])]));
    let rows: [(&str, &str, Item, Item, Code); 2] = [
        ("count", "count", counted(2), counted(1), Code::RuleCount),
        ("count-per-day", "count_per of a day", counted_in(2), counted_in(1), Code::RuleCountPeriod),
    ];
    for (id, words, two, one, code) in rows {
        let twin = format!("given-back/{id}-of-two");
        let (world, scene) = after(&two, &[60], 0);
        let title = format!("{words} of two, after one payment that was refunded");
        let setup = format!("given-back-{id}-of-two");
        let mut t = Payments::new(sheet, (&setup, world), (&twin, &title, "MAN-23"), scene);
        t.last(|case| case.shows(shows));
        let (world, scene) = after(&one, &[60], 0);
        let setup = format!("given-back-{id}-of-one");
        sheet.setup(&setup, world.setup());
        let mut t = Payments::continuing(sheet, &setup, world, scene, &twin);
        let title = format!("{words} of one, after one payment that was refunded: the number stays");
        t.refuse(&format!("given-back/{id}-of-one"), &title, shows, code, |_| {});
        t.last(|case| case.clauses("MAN-23"));
    }
}

/// The counters of two grants of one mandate: a payment is counted in the grant that took it.
pub(super) fn grants_counted(sheet: &mut Sheet) {
    let total = |minor: i64| labelled([(3, minor.into())]);
    let earlier = |grants: [Item; 2], held: bool| {
        let mut scene = Scene::new("earlier");
        conditional(&mut scene, &grants);
        if held {
            scene.offer(|o| o.with(-24, 2));
        }
        scene
    };
    let later = |scene: &Scene, minor: u64| {
        let mut scene = scene.clone().known();
        scene.offer = priced(tea("later", minor), minor);
        scene
    };
    let shows = Shows("M14 M12", "A2");

    // The first grant is spent; the second has not been touched.
    let scene = earlier([total(1_000), total(1_500)], false);
    let mut world = World::new();
    world.pay(&scene);
    let base = ("grant-counters", "All of the second grant, when the first is spent", "CND-3 CND-4 AUT-55 AUT-64");
    let mut t = Payments::new(sheet, ("first-grant-spent", world), base, later(&scene, 1_500));
    t.last(|case| case.shows(shows));
    t.refuse("grant-counters-one-more", "A unit more than the second grant has", shows, Code::NoGrant, |s| {
        s.offer(|o| priced(o, 1_501))
    });
    t.last(|case| case.clauses("CND-4"));

    // What a last capture leaves goes back to the grant that was taken, and to no other.
    let scene = earlier([total(1_000), total(1_000).with(1, 1_000).with(5, 1)], true);
    let mut world = World::new();
    let intent = world.pay(&scene);
    let last = [(-5, 400.into()), (-6, "CNY".into()), (-43, true.into())];
    world.send("command", &merchant_command("capture", "merchant", intent, &last).bytes(), NOW);
    world.model.capture(intent, 400, true);
    let mut second = later(&scene, 1_000);
    second.offer = priced(tea("second", 1_000), 1_000);
    world.pay(&second);
    let base = (
        "grant-released",
        "What a last capture gave back to the first grant, when the second is spent",
        "AUT-55 MAN-23",
    );
    let mut t = Payments::new(sheet, ("both-grants-used", world), base, later(&scene, 600));
    t.last(|case| case.shows(shows).needs("core holds"));
    t.needs("core holds");
    t.refuse("grant-released-one-more", "A unit more than was given back", shows, Code::NoGrant, |s| {
        s.offer(|o| priced(o, 601))
    });
    t.last(|case| case.clauses("AUT-55"));
}
