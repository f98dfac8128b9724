//! Whether the money is there, and the offer free.

use super::super::world::merchant_command;
use super::*;

pub(super) fn funds(t: &mut Payments<'_>) {
    let costs = |minor: u64| {
        move |s: &mut Scene| {
            s.rule(3, 9_000_000);
            s.offer(|o| priced(o, minor));
        }
    };
    t.beside(
        "funds",
        "A unit more than the account has",
        Shows("M14", "A2"),
        Code::InsufficientFunds,
        [&costs(1_000_000), &costs(1_000_001)],
    );
    let none = |s: &mut Scene| {
        s.mandate(|m| m.with(-6, "JPY"));
        s.offer(|o| o.with(-6, "JPY"));
    };
    t.refuse(
        "funds/another-currency",
        "An amount of a currency of which the account has nothing",
        Shows("M13 M22", "A6"),
        Code::InsufficientFunds,
        none,
    );
    t.refuse("funds/greatest", "2^53 - 1", Shows("M24 M25", "A9"), Code::InsufficientFunds, |s| {
        let greatest = (1_u64 << 53) - 1;
        s.rule(3, greatest);
        s.offer(|o| priced(o, greatest));
    });
}

/// Offers that were paid before.
pub(super) fn taken(sheet: &mut Sheet) {
    let mut world = World::new();
    let scene = Scene::new("taken");
    world.pay(&scene);
    let mut again = scene.clone().known();
    again.offer = tea("another", 1_000);
    let base = ("taken/another", "Another offer after the first was paid", "AUT-60");
    let mut t = Payments::new(sheet, ("paid", world), base, again);
    t.refuse(
        "taken/second-intent",
        "A second intent for an offer that was paid",
        Shows("M01 F03", "B12 B19"),
        Code::OfferPaid,
        |s| {
            s.offer = tea("taken", 1_000);
            s.intent(-7, keys::thirty_two("another hash"));
        },
    );
    let mut world = World::new();
    let mut first = Scene::new("taken");
    let id = first.papers().offer.id();
    first.mandate(|m| m.without(-15).with(-12, 1).with(-3, id));
    world.pay(&first);
    let mut t = Payments::continuing(sheet, "single-paid", world.clone(), first.clone().known(), "single-twin");
    t.refuse(
        "taken/single-twice",
        "A single mandate used for a second payment of its offer",
        Shows("M01", "A10"),
        Code::OfferPaid,
        |s| s.intent(-7, keys::thirty_two("another hash")),
    );
    sheet.setup("single-paid", world.setup());

    // A refusal takes nothing.
    let mut world = World::new();
    let mut refused = Scene::new("taken");
    refused.rule(1, 999);
    world.register(&refused.papers().mandates[0]);
    let mut allowed = Scene::new("taken");
    allowed.mandate(|m| m.with(-10, keys::sixteen("another lineage")));
    world.register(&allowed.papers().mandates[0]);
    let refused = refused.known();
    let mut setup = world.setup();
    let nonce = world.nonce();
    let body = refused.body();
    let mut call =
        super::super::sheet::call("issuer.receive", super::super::world::receive("payment", &body, NOW, nonce));
    call.expect = Some(super::super::sheet::refused_by_issuer(Code::RuleAmountMax));
    setup.push(call);
    world.closed(&refused, "refused");
    let base = ("taken/after-refusal", "An offer whose first intent was refused, taken by another", "AUT-60");
    Payments::new(sheet, ("refused-once", world), base, allowed.known());
    sheet.setup("refused-once", setup);
}

/// Money set aside.
pub(super) fn envelopes(sheet: &mut Sheet) {
    let mut world = World::new();
    let mut funded = Scene::new("funded");
    funded.mandate(|m| m.with(-17, 2_000));
    world.register(&funded.papers().mandates[0]);
    let mut base = funded.known();
    base.offer(|o| priced(o, 2_000));
    let first = ("envelope/exact", "All that was set aside", "QTA-3 QTA-5 AUT-61");
    let mut t = Payments::new(sheet, ("funded", world), first, base);
    t.last(|case| case.needs("core funded").shows(Shows("M14", "A2")));
    t.needs("core funded");
    t.refuse(
        "envelope/one-more",
        "A unit more than was set aside, though the account has it",
        Shows("M14", "A2"),
        Code::InsufficientFunds,
        |s| s.offer(|o| priced(o, 2_001)),
    );
    t.last(|case| case.clauses("QTA-3"));

    let world = World::new();
    let base = ("envelope/whole-account", "A mandate that sets the whole account aside", "QTA-4 QTA-5");
    let mut scene = Scene::new("funded");
    scene.mandate(|m| m.with(-17, 1_000_000));
    let mut t = Payments::new(sheet, ("account-for-envelopes", world), base, scene);
    t.last(|case| case.needs("core funded"));
    t.needs("core funded");
    t.refuse_registration(
        "envelope/more-than-there-is",
        "A mandate that sets aside a unit more than the account has",
        Shows("M14", "A2"),
        Code::InsufficientFunds,
        ("envelope/whole-account", &|s| s.mandate(|m| m.with(-17, 1_000_001))),
    );
    t.last(|case| case.clauses("QTA-4"));
}

/// Holds that are open, and holds that were.
pub(super) fn holds(sheet: &mut Sheet) {
    let held = |open: usize, most: i64| {
        let mut world = World::new();
        let mut scene = Scene::new("first hold");
        scene.rule(19, most);
        let mut holds = Vec::new();
        for number in 0..open {
            scene.offer = tea(&format!("hold {number}"), 1_000).with(-24, 2);
            holds.push(world.pay(&scene));
            scene.known = 1;
        }
        let mut scene = scene.known();
        scene.offer = tea("one more hold", 1_000).with(-24, 2);
        (world, scene, holds)
    };
    let m15 = Shows("M15", "");
    let rows: [(usize, i64, &str, &str, &str); 4] = [
        (1, 2, "holds/second-of-two", "A second hold, where two may be open", ""),
        (1, 1, "holds/second-of-one", "A second hold, where one may be open", "holds/second-of-two"),
        (2, 3, "holds/third-of-three", "A third hold, where three may be open", ""),
        (2, 2, "holds/third-of-two", "A third hold, where two may be open", "holds/third-of-three"),
    ];
    for (open, most, id, title, twin) in rows {
        let (world, scene, _) = held(open, most);
        let setup = format!("{open}-open-of-{most}");
        sheet.setup(&setup, world.setup());
        let twin = if twin.is_empty() { id } else { twin };
        let mut t = Payments::continuing(sheet, &setup, world, scene, twin);
        t.needs("core holds");
        if id == twin {
            t.accept(id, title, m15, "RUL-16", |_| {});
        } else {
            t.refuse(id, title, m15, Code::RuleOpenHolds, |_| {});
        }
        // What is settled at once opens no hold.
        if open == most.unsigned_abs() as usize {
            let id = format!("holds/charge-beside-{open}");
            let title = format!("A payment that is settled at once, where {most} holds are open and no more may be");
            t.accept(&id, &title, m15, "RUL-16", |s| s.offer(|o| o.with(-24, 1)));
        }
    }
    // A hold that has ended is open no more.
    let ends: [(&str, &str, &dyn Fn(&mut World, [u8; 32])); 3] = [
        ("void", "A hold, after the only one that may be open was voided", &|world, intent| {
            world.send("command", &merchant_command("void", "merchant", intent, &[]).bytes(), NOW);
            world.model.release(intent, "voided");
        }),
        ("capture", "A hold, after the only one that may be open was captured", &|world, intent| {
            let all = [(-5, 1_000.into()), (-6, "CNY".into())];
            world.send("command", &merchant_command("capture", "merchant", intent, &all).bytes(), NOW);
            world.model.capture(intent, 1_000, false);
        }),
        (
            "last-capture",
            "A hold, after a part of the only one that may be open was captured, and the rest given up",
            &|world, intent| {
                let last = [(-5, 400.into()), (-6, "CNY".into()), (-43, true.into())];
                world.send("command", &merchant_command("capture", "merchant", intent, &last).bytes(), NOW);
                world.model.capture(intent, 400, true);
            },
        ),
    ];
    for (id, title, end) in ends {
        let (mut world, scene, holds) = held(1, 1);
        end(&mut world, holds[0]);
        let setup = format!("held-once-and-{id}");
        sheet.setup(&setup, world.setup());
        let id = format!("holds/after-{id}");
        let mut t = Payments::continuing(sheet, &setup, world, scene, &id);
        t.needs("core holds");
        t.accept(&id, title, m15, "RUL-16", |_| {});
    }
    let (mut world, scene, holds) = held(1, 1);
    let part = [(-5, 400.into()), (-6, "CNY".into())];
    world.send("command", &merchant_command("capture", "merchant", holds[0], &part).bytes(), NOW);
    world.model.capture(holds[0], 400, false);
    sheet.setup("held-once-and-captured-in-part", world.setup());
    let mut t = Payments::continuing(sheet, "held-once-and-captured-in-part", world, scene, "holds/after-last-capture");
    t.needs("core holds");
    let title = "A hold, after a part of the only one that may be open was captured: it is open still";
    t.refuse("holds/after-part", title, m15, Code::RuleOpenHolds, |_| {});
}
