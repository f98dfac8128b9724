//! What is answered while a payment waits, and after.

use super::*;

pub(super) fn answers(sheet: &mut Sheet) {
    let (world, scene) = pending();
    let intent = scene.papers().intent.id();
    let mut t = Commands::new(sheet, "waiting", world.clone(), NEEDS);
    let settled = |w: &mut World| {
        w.paid(&scene);
    };
    let yes = confirmation(&scene, NOW + 5);
    let none = Shows("", "A10");
    t.accept(
        "answer/yes",
        "The payer's yes",
        none,
        "CNF-12 AUT-13",
        ("confirmation", &yes, NOW + 10),
        ("settled", &settled),
    );
    t.accept(
        "answer/last-second",
        "The payer's yes in the last second before answer_by",
        none,
        "CNF-4 CNF-5",
        ("confirmation", &confirmation(&scene, NOW + 839), NOW + 839),
        ("settled", &settled),
    );
    t.refuse(
        "answer/too-late",
        "The payer's yes at answer_by",
        Shows("M05", "B13"),
        Code::ConfirmationLapsed,
        ("confirmation", &confirmation(&scene, NOW + 839), NOW + 840),
        ("answer/last-second", "now"),
    );
    t.last(|case| refused_after(case, &world, intent));
    let by = |key: &'static str| {
        let mut scene = scene.clone();
        scene.confirmed_by = key;
        confirmation(&scene, NOW + 5)
    };
    t.refuse(
        "answer/by-agent",
        "The agent's yes",
        Shows("M07", "A10 A15"),
        Code::CommandSigner,
        ("confirmation", &by("agent"), NOW + 10),
        ("answer/yes", "signer"),
    );
    t.refuse(
        "answer/by-another-payer",
        "Another account's yes",
        Shows("M07", "A14"),
        Code::CommandSigner,
        ("confirmation", &by("other-payer"), NOW + 10),
        ("answer/yes", "signer"),
    );
    // When it was said, as of one that comes along.
    for (id, title, made_at, code) in [
        ("ten-later", "The payer's yes of ten seconds later", NOW + 20, None),
        ("eleven-later", "The payer's yes of eleven seconds later", NOW + 21, Some("answer/ten-later")),
        ("ten-before", "The payer's yes of ten seconds before the intent", NOW - 20, None),
        ("eleven-before", "The payer's yes of eleven seconds before the intent", NOW - 21, Some("answer/ten-before")),
    ] {
        let (id, paper) = (format!("answer/{id}"), confirmation(&scene, made_at));
        let message = ("confirmation", &paper, NOW + 10);
        match code {
            None => t.accept(&id, title, Shows("M05 M35", "A11"), "AUT-26 ENC-24", message, ("settled", &settled)),
            Some(twin) => {
                t.refuse(&id, title, Shows("M05 M35", "A11"), Code::ConfirmationStale, message, (twin, "iat"));
                t.last(|case| refused_after(case, &world, intent));
            }
        }
    }
    let elsewhere = yes.says(|p| p.with(3, "other-issuer.example"));
    t.refuse(
        "answer/another-issuer",
        "The payer's yes to another issuer",
        Shows("M37", "B10"),
        Code::ConfirmationMismatch,
        ("confirmation", &elsewhere, NOW + 10),
        ("answer/yes", "aud"),
    );
    t.last(|case| refused_after(case, &world, intent));
    let stranger = yes.says(|p| p.with(-4, keys::thirty_two("no intent")));
    t.refuse(
        "answer/unknown-intent",
        "A yes to an intent that nobody knows",
        Shows("M06", "B22"),
        Code::PaymentUnknown,
        ("confirmation", &stranger, NOW + 10),
        ("answer/yes", "intent"),
    );
    t.last(|case| case.clauses("CMD-3"));
    let of_bob = by("other-payer").says(|p| p.with(2, account("bob")));
    t.refuse(
        "answer/of-another-account",
        "Bob's yes to ann's payment, in his own name",
        Shows("M06", "A14 B22"),
        Code::PaymentUnknown,
        ("confirmation", &of_bob, NOW + 10),
        ("answer/yes", "sub"),
    );
    t.last(|case| case.clauses("CMD-3"));
    let papers = scene.papers();
    let no = cancel(By::Key("payer"), &papers.intent, None);
    t.accept(
        "answer/no",
        "The payer's no",
        none,
        "CNF-3 CMD-25",
        ("command", &no, NOW),
        ("refused", &|w| w.model.close(intent, "refused")),
    );
    let gives_up = cancel(By::Key("agent"), &papers.intent, None);
    t.accept(
        "answer/agent-gives-up",
        "The agent cancels what waits",
        none,
        "CMD-25",
        ("command", &gives_up, NOW),
        ("cancelled", &|w| w.model.close(intent, "cancelled")),
    );

    // What has changed in between decides.
    for (id, title, ends, code) in [
        ("mandate-lasts", "A yes in the last second of the mandate", NOW + 11, None),
        ("mandate-ended", "A yes in the second in which the mandate ends", NOW + 10, Some(Code::MandateExpired)),
    ] {
        let mut scene = Scene::new("waiting");
        scene.rule(20, true);
        scene.mandate(|m| m.with(4, ends));
        let mut world = World::new();
        world.register(&scene.papers().mandates[0]);
        let scene = scene.known();
        world.send("payment", &scene.body(), NOW);
        world.closed(&scene, "pending");
        let intent = scene.papers().intent.id();
        let mut t = Commands::new(sheet, &format!("waiting-while-{id}"), world.clone(), NEEDS);
        let (message, id) = (confirmation(&scene, NOW + 5), format!("answer/{id}"));
        let now = ("confirmation", &message, NOW + 10);
        let Some(code) = code else {
            let effect = |w: &mut World| {
                w.paid(&scene);
            };
            t.accept(&id, title, Shows("M30", "A16"), "AUT-21 CNF-12", now, ("settled", &effect));
            continue;
        };
        t.refuse(&id, title, Shows("M30", "A16"), code, now, ("answer/mandate-lasts", "setup"));
        t.last(|case| refused_after(case, &world, intent).clauses("CNF-12"));
    }
    // A quarter of an hour, of a payment that waits for longer.
    for (id, title, late) in [
        ("quarter", "A yes of a quarter of an hour ago", 900),
        ("quarter-and-a-second", "A yes of a quarter of an hour and a second ago", 901),
    ] {
        let mut scene = Scene::new("waiting");
        scene.rule(20, true);
        scene.offer(|o| o.with(4, NOW + 3_000));
        let mut world = World::new();
        world.register(&scene.papers().mandates[0]);
        let scene = scene.known();
        world.send("payment", &scene.body(), NOW);
        world.closed(&scene, "pending");
        let intent = scene.papers().intent.id();
        let mut t = Commands::new(sheet, "waiting-for-long", world.clone(), NEEDS);
        let (paper, id) = (confirmation(&scene, NOW), format!("answer/{id}"));
        let message = ("confirmation", &paper, NOW + late);
        let effect = |w: &mut World| {
            w.paid(&scene);
        };
        if late == 900 {
            t.accept(&id, title, Shows("M05 M35", "A11"), "AUT-26", message, ("settled", &effect));
        } else {
            let twin = ("answer/quarter", "now");
            t.refuse(&id, title, Shows("M05 M35", "A11"), Code::ConfirmationStale, message, twin);
            t.last(|case| refused_after(case, &world, intent));
        }
    }
    let mut changed = world;
    let mandate = papers.mandates[0].id();
    changed.send("command", &super::super::world::mandate_command("revocation", "payer", &[mandate]).bytes(), NOW);
    changed.model.stand(mandate, "revoked");
    let mut t = Commands::new(sheet, "waiting-and-revoked", changed.clone(), NEEDS);
    t.refuse(
        "answer/after-revocation",
        "A yes to a payment whose mandate was revoked meanwhile",
        Shows("F08", "A17"),
        Code::MandateRevoked,
        ("confirmation", &yes, NOW + 10),
        ("answer/yes", "setup"),
    );
    t.last(|case| refused_after(case, &changed, intent).clauses("CNF-12"));
}

/// A case after which the payment is refused.
fn refused_after(mut case: Case, world: &World, intent: [u8; 32]) -> Case {
    let mut after = world.clone();
    after.model.close(intent, "refused");
    case.expect = case.expect.after(after.model.value());
    case
}

/// What is answered while a payment waits, and after.
pub(super) fn waiting(sheet: &mut Sheet) {
    let (_, scene) = pending();
    let mut world = World::new();
    world.register(&scene.papers().mandates[0]);
    let mut setup = world.setup();
    let pay =
        |name: &str, now: u64| call("issuer.receive", receive("payment", &scene.body(), now, keys::sixteen(name)));
    let mut first = pay("first", NOW);
    first.expect = Some(accepted().value(json!({"outcome": "pending"})));
    setup.push(first);
    sheet.setup("waiting-and-answered", setup.clone());
    let again = |id: &str, title: &str, call: Call| {
        let expect = accepted().value(json!({"outcome": "pending"})).same_as(2, "answer").unchanged();
        case("issuer", id, title, call, expect)
            .shows(Shows("F01", "B1"))
            .after_setup("waiting-and-answered")
            .needs(NEEDS)
    };
    sheet.add(again("wait/again", "An intent that waits, again", pay("second", NOW + 10)).clauses("CNF-7 RCT-7"));
    let ask =
        |now: u64| call("issuer.ask", json!({"intent": hex(&scene.papers().intent.id()), "now": now, "payer": true}));
    sheet.add(
        again("wait/asked", "An intent that waits, asked for in the last second", ask(NOW + 839)).clauses("CNF-7"),
    );
    let lapsed = {
        let mut after = world.clone();
        after.closed(&scene, "refused");
        refused_by_issuer(Code::ConfirmationLapsed).after(after.model.value())
    };
    let case_of = |id: &str, title: &str, call: Call| {
        case("issuer", id, title, call, lapsed.clone())
            .shows(Shows("M05", "B13"))
            .after_setup("waiting-and-answered")
            .needs(NEEDS)
    };
    sheet.add(
        case_of("wait/lapsed-asked", "An intent that waits, asked for at answer_by", ask(NOW + 840))
            .twin("wait/asked")
            .mutated("wait/asked", "input", vec![json!(["now"])], true),
    );
    sheet.add(
        case_of("wait/lapsed-again", "An intent that waited, again at answer_by", pay("late", NOW + 840))
            .twin("wait/again")
            .mutated("wait/again", "input", vec![json!(["now"])], true),
    );
    let mut said_no = setup.clone();
    let no = cancel(By::Key("payer"), &scene.papers().intent, None);
    said_no.push(call("issuer.receive", receive("command", &no.bytes(), NOW, keys::sixteen("no"))));
    sheet.setup("waited-and-refused", said_no);
    let expect = refused_by_issuer(Code::ConfirmationRefused).same_as(3, "answer").unchanged();
    let refused_again = case(
        "issuer",
        "wait/refused-again",
        "An intent that the person refused, again",
        pay("after no", NOW + 10),
        expect,
    );
    sheet.add(
        refused_again
            .shows(Shows("F01", "B1"))
            .after_setup("waited-and-refused")
            .needs(NEEDS)
            .clauses("AUT-1")
            .twin("wait/again")
            .unpeeled(),
    );
    // Who is not of the payer's side is not told that the person did not answer.
    let ask_as_merchant =
        call("issuer.ask", json!({"intent": hex(&scene.papers().intent.id()), "now": NOW + 840, "payer": false}));
    let mut after = world.clone();
    after.closed(&scene, "refused");
    let expect = Expect { decided: None, ..refused(Code::Declined, Stage::Receipt) }.after(after.model.value());
    let declined = case(
        "issuer",
        "wait/lapsed-asked-by-merchant",
        "An intent that waited, asked for by anybody",
        ask_as_merchant,
        expect,
    );
    sheet.add(
        declined
            .shows(Shows("F20", "G6"))
            .after_setup("waiting-and-answered")
            .needs(NEEDS)
            .clauses("RCT-8 RCT-14")
            .twin("wait/asked")
            .unpeeled(),
    );
}

/// Eight payments wait, and a ninth would.
pub(super) fn full(sheet: &mut Sheet) {
    let waiting = |count: usize| {
        let mut scene = Scene::new("waiting 0");
        scene.rule(20, true);
        let mut world = World::new();
        world.register(&scene.papers().mandates[0]);
        let mut scene = scene.known();
        for number in 0..count {
            scene.offer = tea(&format!("waiting {number}"), 1_000);
            world.send("payment", &scene.body(), NOW);
            world.closed(&scene, "pending");
        }
        scene.offer = tea("one more", 1_000);
        (world, scene)
    };
    for (count, refusal) in [(7, false), (8, true)] {
        let (world, scene) = waiting(count);
        let name = format!("{count}-wait");
        sheet.setup(&name, world.setup());
        let mut t = Payments::continuing(sheet, &name, world, scene, "limit/eighth");
        t.needs(NEEDS);
        if refusal {
            t.refuse("limit/ninth", "A ninth payment that would wait", Shows("M15", "A3"), Code::PendingLimit, |_| {});
        } else {
            t.ask("limit/eighth", "An eighth payment that waits", Shows("M15", "A3"), "CNF-2", |_| {});
        }
        // What waits below waits above too.
        let (mut world, mut scene) = waiting(count);
        let below = super::super::world::quota("sub", plenty()).with(8, super::super::papers::agent_key("sub-agent"));
        scene.mandates.push((below, "agent"));
        scene.agent = By::Key("sub-agent");
        world.register(&scene.papers().mandates[1]);
        let scene = scene.known();
        let name = format!("{count}-wait-above");
        sheet.setup(&name, world.setup());
        let mut t = Payments::continuing(sheet, &name, world, scene, "limit/eighth-below");
        t.needs("core confirmation delegation");
        let shows = Shows("M15 M45", "A3 A13");
        if refusal {
            let title = "A ninth payment that would wait, below a mandate of which eight do";
            t.refuse("limit/ninth-below", title, shows, Code::PendingLimit, |_| {});
            let title = "A ninth payment that would wait, two mandates below one of which eight do";
            t.refuse("limit/ninth-two-below", title, shows, Code::PendingLimit, |s| {
                let last = super::super::world::quota("last", plenty());
                s.mandates.push((last.with(8, super::super::papers::agent_key("sub-sub-agent")), "sub-agent"));
                s.agent = By::Key("sub-sub-agent");
            });
        } else {
            let title = "An eighth payment that waits, below a mandate of which seven do";
            t.ask("limit/eighth-below", title, shows, "CNF-2", |_| {});
        }
    }
    // Whoever has an answer waits no more.
    let ends: [(&str, &str, &dyn Fn(&mut World, &Scene)); 3] = [
        ("yes", "A payment that waits, after one of eight was confirmed", &|world, scene| {
            world.send("confirmation", &confirmation(scene, NOW).bytes(), NOW);
            world.paid(scene);
        }),
        ("no", "A payment that waits, after one of eight was refused", &|world, scene| {
            let no = cancel(By::Key("payer"), &scene.papers().intent, None);
            world.send("command", &no.bytes(), NOW);
            world.model.close(scene.papers().intent.id(), "refused");
        }),
        ("cancel", "A payment that waits, after the agent cancelled one of eight", &|world, scene| {
            let gives_up = cancel(By::Key("agent"), &scene.papers().intent, None);
            world.send("command", &gives_up.bytes(), NOW);
            world.model.close(scene.papers().intent.id(), "cancelled");
        }),
    ];
    for (id, title, end) in ends {
        let (mut world, scene) = waiting(8);
        let mut first = scene.clone();
        first.offer = tea("waiting 0", 1_000);
        end(&mut world, &first);
        let mut scene = scene;
        // The first payment makes the merchant known: who is not asks on.
        scene.merchant = "other-merchant";
        scene.offer = lined(tea("one more", 1_000).with(1, "rice.example"), 3, Some(5_411.into()));
        let (id, setup) = (format!("limit/after-{id}"), format!("eight-waited-and-{id}"));
        sheet.setup(&setup, world.setup());
        let mut t = Payments::continuing(sheet, &setup, world, scene.clone(), &id);
        t.needs(NEEDS);
        t.ask(&id, title, Shows("M15", "A3"), "CNF-2", |_| {});
    }
    // What the person refused can be paid by another intent.
    for (id, title, by) in [
        ("no", "An offer whose first payment the person refused, taken by another intent", By::Key("payer")),
        ("cancel", "An offer whose first payment the agent cancelled, taken by another intent", By::Key("agent")),
    ] {
        let (mut world, scene) = pending();
        let intent = scene.papers().intent;
        world.send("command", &cancel(by, &intent, None).bytes(), NOW);
        world.model.close(intent.id(), if id == "no" { "refused" } else { "cancelled" });
        let (id, setup) = (format!("taken/after-{id}"), format!("waited-and-ended-by-{id}"));
        sheet.setup(&setup, world.setup());
        let mut t = Payments::continuing(sheet, &setup, world, scene, &id);
        t.needs(NEEDS);
        t.ask(&id, title, Shows("M01", "B12"), "AUT-60", |s| s.intent(-7, keys::thirty_two("another hash")));
    }
}
