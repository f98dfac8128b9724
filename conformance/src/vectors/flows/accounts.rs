//! Refunds, accounts and deposits.

use super::super::forge::Forge;
use super::*;

pub(super) fn refunds(sheet: &mut Sheet) {
    for (name, returns) in [("kept", false), ("returned", true)] {
        let mut world = World::new();
        let mut scene = Scene::new("settled");
        if returns {
            scene.mandate(|m| m.with(-18, true));
        }
        let intent = world.pay(&scene);
        let refund = |minor: u64| merchant_command("refund", "merchant", intent, &money(minor));
        let setup = format!("settled-{name}");
        let mut t = Commands::new(sheet, &setup, world.clone(), "core");
        let id = |what: &str| format!("refund/{what}-{name}");
        let shows = Shows("M17 F12", "B16");
        let clauses = "CMD-21 MAN-23";
        t.accept(
            &id("all"),
            "A refund of all",
            shows,
            clauses,
            ("command", &refund(1_000), NOW),
            ("refunded", &|w| w.model.refund(intent, 1_000)),
        );
        t.accept(
            &id("part"),
            "A refund of a part",
            shows,
            clauses,
            ("command", &refund(1), NOW),
            ("refunded", &|w| w.model.refund(intent, 1)),
        );
        t.refuse(
            &id("more"),
            "A refund of a unit more than was settled",
            shows,
            Code::RefundExceedsCapture,
            ("command", &refund(1_001), NOW),
            (&id("all"), "amount"),
        );
        let stranger = merchant_command("refund", "other-merchant", intent, &money(1));
        t.refuse(
            &id("by-another"),
            "A refund by another merchant",
            Shows("F14", "B16 B21"),
            Code::CallerMismatch,
            ("command", &stranger, NOW),
            (&id("all"), "signer"),
        );
        let yen = merchant_command("refund", "merchant", intent, &[(-5, 1.into()), (-6, "JPY".into())]);
        t.refuse(
            &id("currency"),
            "A refund in another currency",
            Shows("M13", "A6"),
            Code::CurrencyMismatch,
            ("command", &yen, NOW),
            (&id("all"), "currency"),
        );
        t.last(|case| case.clauses("CMD-18"));
        let two_faults = merchant_command("refund", "merchant", intent, &[(-5, 1_001.into()), (-6, "JPY".into())]);
        t.refuse(
            &id("currency-and-more"),
            "A refund of too much in another currency",
            Shows("M13 F12", "A6"),
            Code::CurrencyMismatch,
            ("command", &two_faults, NOW),
            (&id("all"), "two fields"),
        );
        t.last(|case| case.clauses("CMD-17").unpeeled());
        let capture = merchant_command("capture", "merchant", intent, &money(1));
        t.refuse(
            &id("capture-of-settled"),
            "A capture of what was settled at once",
            Shows("F11", "B14"),
            Code::PaymentCaptured,
            ("command", &capture, NOW),
            ("capture/all", "setup"),
        );
        let in_yen = merchant_command("capture", "merchant", intent, &[(-5, 1.into()), (-6, "JPY".into())]);
        t.refuse(
            &id("capture-of-settled-in-yen"),
            "A capture of what was settled at once, in another currency",
            Shows("F11 M13", "B14 A6"),
            Code::PaymentCaptured,
            ("command", &in_yen, NOW),
            ("capture/all", "setup"),
        );
        t.last(|case| case.clauses("CMD-17").unpeeled());
        t.last(|case| case.needs("core holds"));

        let first = refund(1_000).says(|p| p.with(7, keys::sixteen("first refund")));
        let mut setup = world.setup();
        setup.push(message("command", &first.bytes(), NOW, "first"));
        let name_of = format!("refunded-{name}");
        sheet.setup(&name_of, setup);
        sheet.add(
            same(
                &id("again"),
                "The same refund again: one refund, one answer",
                Shows("F13", "B16"),
                &name_of,
                message("command", &first.bytes(), NOW, "again"),
                "refunded",
            )
            .clauses("CMD-1"),
        );
        world.send("command", &first.bytes(), NOW);
        world.model.refund(intent, 1_000);
        let after = format!("refunded-before-{name}");
        let mut t = Commands::new(sheet, &after, world, "core");
        t.refuse(
            &id("second"),
            "Another refund of a unit, after all was refunded",
            Shows("F13", "B16"),
            Code::RefundExceedsCapture,
            ("command", &refund(1), NOW),
            (&id("part"), "setup"),
        );
    }
}

pub(super) fn accounts(sheet: &mut Sheet) {
    let world = World::new();
    let mut t = Commands::new(sheet, "accounts", world.clone(), "core");
    let nonce = keys::sixteen("an enrolment");
    let none: Effect<'_> = &|_| {};
    let fresh = enrolment(None, "agent", "agent", nonce);
    t.accept(
        "account/new",
        "A key that asks for an account",
        Shows::default(),
        "SIG-24 SIG-26 SIG-27",
        ("account", &fresh, NOW),
        ("recorded", none),
    );
    let vouched = enrolment(Some("ann"), "payer-2", "payer", nonce);
    t.accept(
        "account/second-key",
        "A second key, signed for by the first",
        Shows::default(),
        "SIG-25",
        ("account", &vouched, NOW),
        ("recorded", none),
    );
    let shows = Shows("M36", "A15");
    let stolen = enrolment(None, "agent", "thief", nonce);
    t.refuse(
        "account/signed-by-another",
        "A key that asks for an account, signed by another key",
        shows,
        Code::CommandSigner,
        ("account", &stolen, NOW),
        ("account/new", "signer"),
    );
    t.last(|case| case.clauses("SIG-24"));
    let intruder = enrolment(Some("ann"), "thief", "thief", nonce);
    t.refuse(
        "account/intruder",
        "A key that adds itself to ann's account",
        shows,
        Code::AccountUnknown,
        ("account", &intruder, NOW),
        ("account/second-key", "signer"),
    );
    t.last(|case| case.clauses("SIG-25"));
    let of_bob = enrolment(Some("ann"), "thief", "other-payer", nonce);
    t.refuse(
        "account/by-another-payer",
        "A key that bob's adds to ann's account",
        shows,
        Code::AccountUnknown,
        ("account", &of_bob, NOW),
        ("account/second-key", "signer"),
    );
    t.last(|case| case.clauses("SIG-25"));
    for (id, title, paper, twin) in [
        (
            "account/with-bobs-key",
            "Bob's key, which ann's adds to her account",
            enrolment(Some("ann"), "other-payer", "payer", nonce),
            "account/second-key",
        ),
        (
            "account/opened-by-bobs-key",
            "A key that has an account and asks for another",
            enrolment(None, "other-payer", "other-payer", nonce),
            "account/new",
        ),
    ] {
        t.refuse(id, title, shows, Code::KeyTaken, ("account", &paper, NOW), (twin, "cnf"));
    }
    let elsewhere = fresh.says(|p| p.with(3, "other-issuer.example"));
    t.refuse(
        "account/another-issuer",
        "An enrolment for another issuer",
        Shows("M37", "B10"),
        Code::AudienceMismatch,
        ("account", &elsewhere, NOW),
        ("account/new", "aud"),
    );

    let put = |minor: u64| deposit("ann", "payer", minor, "CNY", keys::sixteen("a deposit")).says(|p| p.with(6, NOW));
    let of_bob =
        |minor: u64| deposit("bob", "other-payer", minor, "CNY", keys::sixteen("a deposit")).says(|p| p.with(6, NOW));
    let greatest = (1_u64 << 53) - 1 - 1_000_000;
    let mut t = Commands::new(sheet, "accounts", world, "core sandbox");
    let f = Shows("M24 M25", "A9");
    let fills: [(&str, &str, &str, &dyn Fn(u64) -> Forge); 2] = [
        ("", "ann", "A deposit that fills an account to 2^53 - 1", &put),
        ("-all", "bob", "A deposit into another account that brings all money of the currency to 2^53 - 1", &of_bob),
    ];
    for (end, person, title, of) in fills {
        let fills = format!("deposit/fills{end}");
        let effect = |w: &mut World| w.model.deposit(account(person), "CNY", greatest);
        t.accept(&fills, title, f, "CMD-14", ("command", &of(greatest), NOW), ("recorded", &effect));
        let (id, title) = (format!("deposit/overflows{end}"), format!("{title}, and a unit more"));
        let twin = (fills.as_str(), "amount");
        t.refuse(&id, &title, f, Code::AmountOverflow, ("command", &of(greatest + 1), NOW), twin);
    }
    let by_bob = deposit("ann", "other-payer", 1, "CNY", keys::sixteen("a deposit")).says(|p| p.with(6, NOW));
    t.refuse(
        "deposit/by-another",
        "A deposit into ann's account, signed by bob's key",
        Shows("M36", "A14"),
        Code::AccountUnknown,
        ("command", &by_bob, NOW),
        ("deposit/fills", "signer"),
    );

    // The same issuer with real money.
    let real: Vec<Call> = {
        let mut setup = vec![start_as(false)];
        let enrol = enrolment(None, "payer", "payer", nonce);
        let mut input = receive("account", &enrol.bytes(), super::super::moment::before(DAY), nonce);
        input["account"] = json!(hex(&account("ann")));
        setup.push(call("issuer.receive", input));
        setup
    };
    sheet.setup("no-sandbox", real);
    let yen = deposit("ann", "payer", 1, "JPY", keys::sixteen("a deposit")).says(|p| p.with(6, NOW));
    for (id, title, body) in [
        ("deposit/real-money", "A deposit where money is real", put(1)),
        ("deposit/real-yen", "A deposit of another currency, where money is real", yen),
    ] {
        let expect = Expect { decided: Some(false), ..refused_by_issuer(Code::NotSandbox) }.unchanged();
        let case = case("issuer", id, title, message("command", &body.bytes(), NOW, "deposit"), expect);
        let case = case.shows(Shows("M44", "D9")).after_setup("no-sandbox").needs("core sandbox").twin("deposit/fills");
        let args: Vec<Value> = vec![json!(["sandbox", false])];
        sheet.add(case.mutated("deposit/fills", "command", args, true).diagnosed(&body.bytes()));
    }
}

/// What a refund gives back to the mandate can be spent again, where the mandate says so, and else cannot.
pub(super) fn restored(sheet: &mut Sheet) {
    let shows = Shows("M17 M14", "B16");
    let after = |returns: bool, refunded: u64| {
        let mut world = World::new();
        let mut scene = Scene::new("refunded");
        scene.caps(labelled([(3, 1_000.into())]));
        if returns {
            scene.mandate(|m| m.with(-18, true));
        }
        let intent = world.pay(&scene);
        let refund = merchant_command("refund", "merchant", intent, &money(refunded));
        world.send("command", &refund.bytes(), NOW);
        world.model.refund(intent, refunded);
        let mut next = scene.known();
        next.offer = super::super::world::priced(super::super::world::tea("next", refunded), refunded);
        (world, next)
    };
    for (name, refunded) in [("all", 1_000), ("part", 400)] {
        let (id, setup) = (format!("refund/spent-again-{name}"), format!("refunded-{name}-returned"));
        let title = format!("What was refunded, {name}, under a mandate that refunds return to");
        let (world, next) = after(true, refunded);
        let mut t = Payments::new(sheet, (&setup, world), (&id, &title, "MAN-23"), next);
        t.last(|case| case.shows(shows));
        t.refuse(&format!("{id}-more"), &format!("{title}, and a unit more"), shows, Code::RuleTotal, |s| {
            s.offer(|o| super::super::world::priced(o, refunded + 1))
        });
        t.last(|case| case.clauses("MAN-23"));
        let setup = format!("refunded-{name}-kept");
        let (world, next) = after(false, refunded);
        sheet.setup(&setup, world.setup());
        let mut t = Payments::continuing(sheet, &setup, world, next, &id);
        let title = format!("What was refunded, {name}, under a mandate that refunds do not return to");
        t.refuse(&format!("refund/spent-for-good-{name}"), &title, shows, Code::RuleTotal, |_| {});
        t.last(|case| case.clauses("MAN-23"));
    }
}
