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

/// Midnights, here and there. `now` is 1:46:40 on a Monday in Shanghai, the 18th of March.
pub(super) fn periods(sheet: &mut Sheet) {
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
