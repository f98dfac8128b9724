//! The next version of a mandate.

use super::*;

pub(super) fn replacement(sheet: &mut Sheet) {
    let one = first();
    let mut world = World::new();
    world.register(&one);
    let mut t = Commands::new(sheet, "registered", world, "core");
    let replaced = |two: &Forge| {
        let two = two.clone();
        move |w: &mut World| w.registered(&two)
    };
    let raised = signed(next(&one).with(-15, labelled([(3, 600_000.into())])), "payer");
    t.accept(
        "replace/base",
        "A second version with another limit",
        Shows::default(),
        "MAN-18 MAN-21",
        ("mandate", &raised, NOW),
        ("recorded", &replaced(&raised)),
    );
    let base = "replace/base";
    let holder = signed(next(&one).with(8, agent_key("sub-agent")), "payer");
    t.accept(
        "replace/holder",
        "A second version for another holder",
        Shows::default(),
        "MAN-21",
        ("mandate", &holder, NOW),
        ("recorded", &replaced(&holder)),
    );
    t.accept(
        "replace/again",
        "The first version once more: it is what it was",
        Shows("F01", "A19 B1"),
        "CMD-1",
        ("mandate", &one, NOW),
        ("recorded", &|_| {}),
    );
    let twin = one.but(super::super::signature::negate);
    t.accept(
        "replace/again-high-s",
        "The first version once more, with the other s",
        Shows("F07 C39", "A20 D11"),
        "SIG-18 CMD-1",
        ("mandate", &twin, NOW),
        ("recorded", &|_| {}),
    );
    let shows = Shows("M42", "A21");
    let skipped = signed(next(&one).with(-11, 3), "payer");
    t.refuse(
        "replace/skipped",
        "A third version that follows the first",
        shows,
        Code::LineageBroken,
        ("mandate", &skipped, NOW),
        (base, "serial"),
    );
    let far = signed(next(&one).with(-11, 9), "payer");
    t.refuse(
        "replace/far-ahead",
        "A ninth version that follows the first",
        shows,
        Code::LineageBroken,
        ("mandate", &far, NOW),
        (base, "serial"),
    );
    let stranger = signed(next(&one).with(-14, keys::thirty_two("no mandate")), "payer");
    t.refuse(
        "replace/another",
        "A second version that replaces another mandate",
        shows,
        Code::LineageBroken,
        ("mandate", &stranger, NOW),
        (base, "replaces"),
    );
    let currency = signed(next(&one).with(-6, "JPY"), "payer");
    t.refuse(
        "replace/currency",
        "A second version in another currency",
        Shows("M13", "A6"),
        Code::LineageBroken,
        ("mandate", &currency, NOW),
        (base, "currency"),
    );
    let conflict = signed(quota("main", labelled([(3, 600_000.into())])), "payer");
    t.refuse(
        "replace/same-serial",
        "Another first version of the lineage",
        shows,
        Code::MandateConflict,
        ("mandate", &conflict, NOW),
        (base, "serial"),
    );
    let of_another = signed(quota("fresh", plenty()).with(-11, 2).with(-14, one.id()), "payer");
    t.refuse(
        "replace/another-lineage",
        "A second version, of a lineage of its own, that replaces the first of another",
        shows,
        Code::LineageBroken,
        ("mandate", &of_another, NOW),
        (base, "lineage"),
    );
    let by_agent = signed(next(&one), "agent");
    t.refuse(
        "replace/by-agent",
        "A second version that the agent signed",
        Shows("M07", "A15 H6"),
        Code::MandateSigner,
        ("mandate", &by_agent, NOW),
        (base, "signer"),
    );
}

/// A version that stands somewhere else than the one before.
pub(super) fn moved(sheet: &mut Sheet) {
    let Tree { world, root, sub, other, .. } = tree();
    let mut t = Commands::new(sheet, "tree", world, "core delegation");
    let stays = signed(next(&sub), "agent");
    t.accept(
        "moved/stays",
        "A second version below the mandate that the first stands below",
        Shows("M42", "A21"),
        "MAN-21",
        ("mandate", &stays, NOW),
        ("recorded", &|w: &mut World| w.registered(&stays)),
    );
    let rows: [(&str, &str, Forge); 3] = [
        (
            "below-another",
            "A second version below another mandate of the same agent's",
            signed(next(&sub).with(-13, other.id()), "agent"),
        ),
        ("to-the-top", "A second version below nothing", signed(next(&sub).without(-13), "payer")),
        (
            "below-one",
            "A second version, below a mandate, of a root",
            signed(next(&other).with(-13, root.id()), "agent"),
        ),
    ];
    for (id, title, paper) in rows {
        let (id, twin) = (format!("moved/{id}"), ("moved/stays", "parent"));
        t.refuse(&id, title, Shows("M42 M47", "A21"), Code::LineageBroken, ("mandate", &paper, NOW), twin);
    }
}

/// After the second version: what is not the third.
pub(super) fn third(sheet: &mut Sheet) {
    let (one, mut world) = (first(), World::new());
    world.register(&one);
    let two = signed(next(&one).with(-15, labelled([(3, 600_000.into())])), "payer");
    world.send("mandate", &two.bytes(), NOW);
    world.registered(&two);
    let mut t = Commands::new(sheet, "second-registered", world, "core");
    let after = |serial: i64, replaces: [u8; 32]| {
        let caps = labelled([(3, 700_000.into())]);
        signed(one.payload.clone().with(-15, caps).with(-11, serial).with(-14, replaces), "payer")
    };
    let three = after(3, two.id());
    t.accept(
        "third/base",
        "A third version, which replaces the second",
        Shows::default(),
        "MAN-18 MAN-20 MAN-21",
        ("mandate", &three, NOW),
        ("recorded", &|w: &mut World| w.registered(&three)),
    );
    let again = signed(one.payload.clone().with(-15, labelled([(3, 700_000.into())])), "payer");
    let rows: [(&str, &str, Forge, Code, &str); 5] = [
        ("first-again", "Another first version, after the second", again, Code::MandateConflict, "serial"),
        ("second-again", "Another second version, of the first", after(2, one.id()), Code::MandateConflict, "serial"),
        (
            "second-of-itself",
            "A second version that replaces the second",
            after(2, two.id()),
            Code::MandateConflict,
            "serial",
        ),
        (
            "of-the-first",
            "A third version that replaces the first",
            after(3, one.id()),
            Code::LineageBroken,
            "replaces",
        ),
        ("fourth", "A fourth version that replaces the second", after(4, two.id()), Code::LineageBroken, "serial"),
    ];
    for (id, title, paper, code, field) in rows {
        let id = format!("third/{id}");
        t.refuse(&id, title, Shows("M42", "A21"), code, ("mandate", &paper, NOW), ("third/base", field));
    }
    let yen = after(3, two.id()).says(|m| m.with(-6, "JPY"));
    t.refuse(
        "third/currency",
        "A third version in another currency",
        Shows("M13", "A6"),
        Code::LineageBroken,
        ("mandate", &yen, NOW),
        ("third/base", "currency"),
    );
}

/// Counters after a replacement.
pub(super) fn carried(sheet: &mut Sheet) {
    let mut world = World::new();
    let mut scene = Scene::new("earlier");
    scene.caps(labelled([(3, 2_000.into())]));
    world.pay(&scene);
    let one = scene.papers().mandates.remove(0);
    let two = signed(next(&one).with(-15, labelled([(3, 2_500.into())])), "payer");
    world.send("mandate", &two.bytes(), NOW);
    world.registered(&two);
    let mut after = scene.clone().known();
    after.mandates = vec![(two.payload.clone(), "payer")];
    after.offer = tea("later", 1_500);
    let base =
        ("carried/rest", "The rest of a limit that was raised by half: what was spent stays spent", "MAN-22 RUL-20");
    let mut t = Payments::new(sheet, ("raised", world.clone()), base, after.clone());
    t.last(|case| case.shows(Shows("M14", "A20")));
    t.refuse(
        "carried/one-more",
        "A unit more than the rest of a limit that was raised",
        Shows("M14", "A20"),
        Code::RuleTotal,
        |s| s.offer(|o| priced(o, 1_501)),
    );
    t.last(|case| case.clauses("MAN-22"));
    t.refuse(
        "carried/old-version",
        "An intent under the version before",
        Shows("M42", "A20"),
        Code::MandateSuperseded,
        |s| s.mandates = vec![(one.payload.clone(), "payer")],
    );

    held_on(sheet);

    // A counter that the version before did not have begins with what was paid.
    let mut world = World::new();
    let scene = Scene::new("earlier");
    world.pay(&scene);
    let one = scene.papers().mandates.remove(0);
    let counted = |count: i64| signed(next(&one).with(-15, plenty().with(5, count)), "payer");
    for (id, title, count, refusal) in [
        ("seeded/two", "A count of two, set after one payment", 2, false),
        ("seeded/one", "A count of one, set after one payment", 1, true),
    ] {
        let two = counted(count);
        let mut world = world.clone();
        world.send("mandate", &two.bytes(), NOW);
        world.registered(&two);
        let mut after = scene.clone().known();
        after.mandates = vec![(two.payload.clone(), "payer")];
        after.offer = tea("later", 1_000);
        if refusal {
            sheet.setup(id, world.setup());
            let mut t = Payments::continuing(sheet, id, world, after, "seeded/two");
            t.refuse(id, title, Shows("M14", "A3"), Code::RuleCount, |_| {});
            t.last(|case| case.clauses("MAN-25"));
        } else {
            Payments::new(sheet, (id, world), (id, title, "MAN-25"), after);
        }
    }
}

/// A hold that was open when its mandate was replaced goes on, and moves the counters of the lineage.
fn held_on(sheet: &mut Sheet) {
    let mut world = World::new();
    let mut scene = Scene::new("held");
    scene.caps(labelled([(3, 2_000.into())]));
    scene.offer(|o| o.with(-24, 2));
    let intent = world.pay(&scene);
    let one = scene.papers().mandates.remove(0);
    let two = signed(next(&one).with(-15, labelled([(3, 2_500.into())])), "payer");
    world.send("mandate", &two.bytes(), NOW);
    world.registered(&two);
    let mut after = scene.known();
    after.mandates = vec![(two.payload.clone(), "payer")];
    after.offer = priced(tea("later", 1_500), 1_500);
    let shows = Shows("M14 F11", "A20");

    let base = ("carried/held-rest", "What a raised limit leaves beside an open hold", "MAN-26 MAN-22");
    let mut t = Payments::new(sheet, ("held-and-replaced", world.clone()), base, after.clone());
    t.last(|case| case.shows(shows).needs("core holds"));
    t.needs("core holds");
    t.refuse(
        "carried/held-one-more",
        "A unit more than a raised limit leaves beside an open hold",
        shows,
        Code::RuleTotal,
        |s| s.offer(|o| priced(o, 1_501)),
    );
    t.last(|case| case.clauses("MAN-26"));

    let money = |minor: u64| -> Vec<(i64, Item)> { vec![(-5, minor.into()), (-6, "CNY".into())] };
    let capture = |own: Vec<(i64, Item)>| merchant_command("capture", "merchant", intent, &own);
    let mut t = Commands::new(sheet, "held-and-replaced", world.clone(), "core holds");
    t.accept(
        "carried/capture",
        "A capture under a mandate that was replaced since",
        shows,
        "MAN-26 CMD-19",
        ("command", &capture(money(400)), NOW),
        ("captured", &|w| w.model.capture(intent, 400, false)),
    );
    let last = [money(400), vec![(-43, true.into())]].concat();
    t.accept(
        "carried/capture-last",
        "A last capture under a mandate that was replaced since",
        shows,
        "MAN-26 MAN-23",
        ("command", &capture(last.clone()), NOW),
        ("captured", &|w| w.model.capture(intent, 400, true)),
    );
    t.refuse(
        "carried/capture-more",
        "A capture of more than is held, under a mandate that was raised since",
        shows,
        Code::CaptureExceedsHold,
        ("command", &capture(money(1_001)), NOW),
        ("carried/capture", "amount"),
    );

    // What a last capture leaves is free for the next version.
    world.send("command", &capture(last).bytes(), NOW);
    world.model.capture(intent, 400, true);
    after.offer = priced(tea("later", 2_100), 2_100);
    let base = ("carried/released-rest", "What a last capture released, under the version after", "MAN-26 MAN-23");
    let mut t = Payments::new(sheet, ("captured-and-replaced", world), base, after);
    t.last(|case| case.shows(shows).needs("core holds"));
    t.needs("core holds");
    t.refuse(
        "carried/released-one-more",
        "A unit more than a last capture released, under the version after",
        shows,
        Code::RuleTotal,
        |s| s.offer(|o| priced(o, 2_101)),
    );
    t.last(|case| case.clauses("MAN-26"));
}

/// A command and a replacement: whichever version is named, the lineage is meant.
pub(super) fn versions(sheet: &mut Sheet) {
    let after = |kind: Option<&'static str>, command_first: bool| {
        let mut world = World::new();
        let one = first();
        let two = signed(next(&one), "payer");
        world.register(&one);
        let replace = |world: &mut World| {
            world.send("mandate", &two.bytes(), NOW);
            world.registered(&two);
        };
        if !command_first {
            replace(&mut world);
        }
        if let Some(kind) = kind {
            world.send("command", &mandate_command(kind, "payer", &[one.id()]).bytes(), NOW);
        }
        if command_first {
            replace(&mut world);
        }
        match kind {
            Some("suspension") => world.model.stand(two.id(), "suspended"),
            Some(_) => [one.id(), two.id()].into_iter().for_each(|id| world.model.stand(id, "revoked")),
            None => {}
        }
        let mut scene = Scene::new("versions").known();
        scene.mandates = vec![(two.payload.clone(), "payer")];
        (world, scene)
    };
    let (world, scene) = after(None, false);
    Payments::new(
        sheet,
        ("second-version", world),
        ("version/second", "A payment under a second version", "MAN-18"),
        scene,
    );
    // The first version, and a mandate below it, after the second.
    for (id, title, below) in [
        ("version/first-after-second", "An intent under the first version, after the second", false),
        ("version/below-first", "A mandate below the first version, after the second", true),
    ] {
        let mut scene = Scene::new("versions");
        if below {
            scene.mandates.push((quota("sub", plenty()).with(8, agent_key("sub-agent")), "agent"));
            scene.agent = By::Key("sub-agent");
        }
        let mut world = World::new();
        scene.papers().mandates.iter().for_each(|mandate| world.register(mandate));
        let two = signed(next(&first()), "payer");
        world.send("mandate", &two.bytes(), NOW);
        world.registered(&two);
        sheet.setup(id, world.setup());
        let mut t = Payments::continuing(sheet, id, world, scene.known(), "version/second");
        t.needs(if below { "core delegation" } else { "core" });
        t.refuse(id, title, Shows("M42", "A20"), Code::MandateSuperseded, |_| {});
    }
    let rows = [
        (
            "version/suspended-before",
            "A second version of a mandate that was suspended",
            "suspension",
            true,
            Code::MandateSuspended,
            "MAN-24",
        ),
        (
            "version/suspended-by-first",
            "A suspension that names the first version, after the second",
            "suspension",
            false,
            Code::MandateSuspended,
            "REV-2",
        ),
        (
            "version/revoked-by-first",
            "A revocation that names the first version, after the second",
            "revocation",
            false,
            Code::MandateRevoked,
            "REV-2",
        ),
    ];
    for (id, title, kind, before, code, clause) in rows {
        let (world, scene) = after(Some(kind), before);
        sheet.setup(id, world.setup());
        let mut t = Payments::continuing(sheet, id, world, scene, "version/second");
        t.refuse(id, title, Shows("M48", "A17"), code, |_| {});
        t.last(|case| case.clauses(clause));
    }
}

/// What was set aside comes back.
pub(super) fn closing(sheet: &mut Sheet) {
    let mut world = World::new();
    let mandate = signed(quota("main", plenty()).with(-17, 2_000), "payer");
    world.register(&mandate);
    let lineage = keys::sixteen("lineage main").to_vec();
    let back: Effect<'_> = &|w| {
        w.model.stand(mandate.id(), "revoked");
        w.model.fund(account("ann"), "CNY", &lineage, None);
    };
    let mut t = Commands::new(sheet, "funded", world, "core funded");
    let revocation = mandate_command("revocation", "payer", &[mandate.id()]);
    t.accept(
        "funded/revoked",
        "A revocation of a mandate with money set aside",
        Shows("", "A17"),
        "QTA-6",
        ("command", &revocation, NOW),
        ("recorded", back),
    );
    let by_agent = mandate_command("revocation", "agent", &[mandate.id()]);
    t.accept(
        "funded/given-up",
        "An agent that gives up a mandate with money set aside",
        Shows("", "A17"),
        "QTA-6",
        ("command", &by_agent, NOW),
        ("recorded", back),
    );
    let more = signed(next(&mandate).with(-17, 3_000), "payer");
    t.accept(
        "funded/raised",
        "A second version that sets more aside",
        Shows::default(),
        "QTA-5",
        ("mandate", &more, NOW),
        ("recorded", &|w| w.registered(&more)),
    );
    let less = signed(next(&mandate).with(-17, 500), "payer");
    t.accept(
        "funded/lowered",
        "A second version that sets less aside",
        Shows::default(),
        "QTA-5",
        ("mandate", &less, NOW),
        ("recorded", &|w| w.registered(&less)),
    );
    let none = signed(next(&mandate).without(-17), "payer");
    t.accept(
        "funded/ended",
        "A second version that sets nothing aside",
        Shows::default(),
        "QTA-5",
        ("mandate", &none, NOW),
        ("recorded", &|w| {
            w.registered(&none);
            w.model.fund(account("ann"), "CNY", &lineage, None);
        }),
    );
    let all = signed(next(&mandate).with(-17, 1_000_001), "payer");
    t.refuse(
        "funded/too-much",
        "A second version that sets a unit more aside than there is",
        Shows("M14", "A2"),
        Code::InsufficientFunds,
        ("mandate", &all, NOW),
        ("funded/raised", "funded"),
    );
    t.last(|case| case.clauses("QTA-4"));

    // A part of it is spent.
    let mut world = World::new();
    let mut scene = Scene::new("spent");
    scene.mandate(|m| m.with(-17, 2_000));
    let mandate = scene.papers().mandates.remove(0);
    world.pay(&scene);
    let mut t = Commands::new(sheet, "funded-and-spent", world, "core funded");
    let revocation = mandate_command("revocation", "payer", &[mandate.id()]);
    let rest: Effect<'_> = &|w| {
        w.model.stand(mandate.id(), "revoked");
        w.model.fund(account("ann"), "CNY", &lineage, None);
    };
    t.accept(
        "funded/spent-and-revoked",
        "A revocation of a mandate of whose money a half is left",
        Shows("", "A17"),
        "QTA-6",
        ("command", &revocation, NOW),
        ("recorded", rest),
    );
    for (id, title, sum) in [
        ("spent-lowered", "A second version that sets aside half, which is left", 1_000),
        ("spent-raised", "A second version that sets aside half more, after half was spent", 3_000),
    ] {
        let two = signed(next(&mandate).with(-17, sum), "payer");
        let effect = move |w: &mut World| {
            w.model.register(two.id(), keys::sixteen("lineage main").to_vec());
            // What was set aside before, less what it is now, goes back; what is spent is spent.
            w.model.fund(account("ann"), "CNY", &keys::sixteen("lineage main"), Some(sum - 1_000));
        };
        let two = signed(next(&mandate).with(-17, sum), "payer");
        t.accept(
            &format!("funded/{id}"),
            title,
            Shows("", "A2"),
            "QTA-5",
            ("mandate", &two, NOW),
            ("recorded", &effect),
        );
    }
    for (id, title, sum) in [
        ("spent-too-low", "A second version that takes back a unit more than is left", 999),
        ("spent-to-nothing", "A second version that takes back all, of which half is spent", 1),
    ] {
        let two = signed(next(&mandate).with(-17, sum), "payer");
        t.refuse(
            &format!("funded/{id}"),
            title,
            Shows("M14", "A2"),
            Code::InsufficientFunds,
            ("mandate", &two, NOW),
            ("funded/spent-lowered", "funded"),
        );
        t.last(|case| case.clauses("QTA-4"));
    }
}
