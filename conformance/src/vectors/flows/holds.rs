//! Captures, voids and the end of a hold.

use super::*;

pub(super) fn captures(sheet: &mut Sheet) {
    let (world, _, intent) = held();
    let of = |own: &[(i64, Item)]| merchant_command("capture", "merchant", intent, own);
    let mut t = Commands::new(sheet, "held", world, "core holds");
    let f11 = Shows("F11", "B14");
    t.accept(
        "capture/all",
        "A capture of all that is held",
        f11,
        "CMD-19 CMD-5",
        ("command", &of(&money(1_000)), NOW),
        ("captured", &|w| w.model.capture(intent, 1_000, false)),
    );
    t.accept(
        "capture/part",
        "A capture of a part",
        f11,
        "CMD-19",
        ("command", &of(&money(400)), NOW),
        ("captured", &|w| w.model.capture(intent, 400, false)),
    );
    t.accept(
        "capture/last-part",
        "A capture of a part, which is the last: the rest goes back",
        f11,
        "CMD-19 AUT-67 MAN-23",
        ("command", &of(&last(400)), NOW),
        ("captured", &|w| w.model.capture(intent, 400, true)),
    );
    t.refuse(
        "capture/more",
        "A capture of a unit more than is held",
        f11,
        Code::CaptureExceedsHold,
        ("command", &of(&money(1_001)), NOW),
        ("capture/all", "amount"),
    );
    t.refuse(
        "capture/greatest",
        "A capture of 2^53 - 1",
        Shows("F11 M24", "B14 H1"),
        Code::CaptureExceedsHold,
        ("command", &of(&money((1 << 53) - 1)), NOW),
        ("capture/all", "amount"),
    );
    let yen = of(&[(-5, 1_000.into()), (-6, "JPY".into())]);
    t.refuse(
        "capture/currency",
        "A capture in another currency",
        Shows("M13", "A6"),
        Code::CurrencyMismatch,
        ("command", &yen, NOW),
        ("capture/all", "currency"),
    );
    t.last(|case| case.clauses("CMD-18"));
    let stranger = merchant_command("capture", "other-merchant", intent, &money(1_000));
    t.refuse(
        "capture/by-another",
        "A capture by another merchant",
        Shows("F14", "B21"),
        Code::CallerMismatch,
        ("command", &stranger, NOW),
        ("capture/all", "signer"),
    );
    let unknown = merchant_command("capture", "merchant", keys::thirty_two("no intent"), &money(1_000));
    t.refuse(
        "capture/unknown",
        "A capture of a payment that nobody made",
        Shows("F20", "B22"),
        Code::PaymentUnknown,
        ("command", &unknown, NOW),
        ("capture/all", "intent"),
    );
    let elsewhere = of(&money(1_000)).says(|p| p.with(3, "other-issuer.example"));
    t.refuse(
        "capture/another-issuer",
        "A capture for another issuer",
        Shows("M37", "B10"),
        Code::AudienceMismatch,
        ("command", &elsewhere, NOW),
        ("capture/all", "aud"),
    );
    // Two faults: the check that comes first gives the code.
    let mut two = |id: &str, title: &str, code: Code, by: &'static str, own: &[(i64, Item)]| {
        let command = merchant_command("capture", by, intent, own);
        let twin = ("capture/all", "two fields");
        t.refuse(&format!("capture/{id}"), title, Shows("F11", "B14"), code, ("command", &command, NOW), twin);
        t.last(|case| case.clauses("CMD-17").unpeeled());
    };
    let yen_and_more = [(-5, 1_001.into()), (-6, "JPY".into())];
    let (caller, currency) = (Code::CallerMismatch, Code::CurrencyMismatch);
    two("another-and-more", "More than is held, by another merchant", caller, "other-merchant", &money(1_001));
    two("another-and-yen", "Another currency, by another merchant", caller, "other-merchant", &yen_and_more);
    two("yen-and-more", "More than is held, in another currency", currency, "merchant", &yen_and_more);
    let void = merchant_command("void", "merchant", intent, &[]);
    t.accept(
        "void/all",
        "A void of all that is held",
        f11,
        "CMD-20 AUT-67 MAN-23",
        ("command", &void, NOW),
        ("voided", &|w| w.model.release(intent, "voided")),
    );
    let stranger = merchant_command("void", "other-merchant", intent, &[]);
    t.refuse(
        "void/by-another",
        "A void by another merchant",
        Shows("F14", "B21"),
        Code::CallerMismatch,
        ("command", &stranger, NOW),
        ("void/all", "signer"),
    );
    let refund = merchant_command("refund", "merchant", intent, &money(1));
    t.refuse(
        "refund/of-held",
        "A refund of what was only held",
        Shows("F12", "B16"),
        Code::RefundExceedsCapture,
        ("command", &refund, NOW),
        ("refund/of-part", "state"),
    );
}

/// What has been captured, in whole or in part, or given up.
pub(super) fn captured(sheet: &mut Sheet) {
    let after = |own: &[(i64, Item)], minor: u64, is_last: bool| {
        let (mut world, _, intent) = held();
        let first =
            merchant_command("capture", "merchant", intent, own).says(|p| p.with(7, keys::sixteen("first capture")));
        world.send("command", &first.bytes(), NOW);
        world.model.capture(intent, minor, is_last);
        (world, intent, first)
    };
    let shows = Shows("F11", "B14 B15");
    let (world, intent, first) = after(&money(400), 400, false);
    let mut setup = held().0.setup();
    setup.push(message("command", &first.bytes(), NOW, "first"));
    let mut t = Commands::new(sheet, "captured-in-part", world, "core holds");
    let of = |own: &[(i64, Item)]| merchant_command("capture", "merchant", intent, own);
    t.accept(
        "capture/rest",
        "A capture of the rest",
        shows,
        "CMD-19",
        ("command", &of(&money(600)), NOW),
        ("captured", &|w| w.model.capture(intent, 600, false)),
    );
    t.refuse(
        "capture/more-than-rest",
        "A capture of a unit more than the rest",
        shows,
        Code::CaptureExceedsHold,
        ("command", &of(&money(601)), NOW),
        ("capture/rest", "amount"),
    );
    let void = merchant_command("void", "merchant", intent, &[]);
    t.accept(
        "void/rest",
        "A void of the rest: what was captured stays captured",
        shows,
        "CMD-20",
        ("command", &void, NOW),
        ("voided", &|w| w.model.release(intent, "voided")),
    );
    let refund = |minor: u64| merchant_command("refund", "merchant", intent, &money(minor));
    t.accept(
        "refund/of-part",
        "A refund of all that was captured so far",
        Shows("F12", "B16"),
        "CMD-21",
        ("command", &refund(400), NOW),
        ("refunded", &|w| w.model.refund(intent, 400)),
    );
    t.refuse(
        "refund/more-than-part",
        "A refund of a unit more than was captured so far",
        Shows("F12", "B16"),
        Code::RefundExceedsCapture,
        ("command", &refund(401), NOW),
        ("refund/of-part", "amount"),
    );
    sheet.setup("first-capture", setup);
    sheet.add(
        same(
            "capture/again",
            "The same capture again: one capture, one answer",
            Shows("F04", "B14"),
            "first-capture",
            message("command", &first.bytes(), NOW, "again"),
            "captured",
        )
        .clauses("CMD-1")
        .needs("core holds"),
    );
    let twin = first.but(negate);
    sheet.add(
        same(
            "capture/again-high-s",
            "The same capture with the other s",
            Shows("F07", "A20 D11"),
            "first-capture",
            message("command", &twin.bytes(), NOW, "again"),
            "captured",
        )
        .clauses("CMD-1 SIG-18")
        .needs("core holds"),
    );
    sheet.add(
        same(
            "capture/again-later",
            "The same capture after two days",
            Shows("F04", "B6"),
            "first-capture",
            message("command", &first.bytes(), NOW + 2 * DAY, "again"),
            "captured",
        )
        .clauses("CMD-1")
        .needs("core holds"),
    );

    let (world, intent, _) = after(&money(1_000), 1_000, false);
    let mut t = Commands::new(sheet, "captured-in-full", world, "core holds");
    let more = merchant_command("capture", "merchant", intent, &money(1));
    t.refuse(
        "capture/after-all",
        "A capture after all was captured",
        shows,
        Code::PaymentCaptured,
        ("command", &more, NOW),
        ("capture/rest", "setup"),
    );
    let void = merchant_command("void", "merchant", intent, &[]);
    t.refuse(
        "void/after-all",
        "A void after all was captured",
        shows,
        Code::PaymentCaptured,
        ("command", &void, NOW),
        ("void/rest", "setup"),
    );
    let (world, intent, _) = after(&last(400), 400, true);
    let mut t = Commands::new(sheet, "captured-finally", world, "core holds");
    let more = merchant_command("capture", "merchant", intent, &money(1));
    t.refuse(
        "capture/after-last",
        "A capture after the last",
        shows,
        Code::PaymentCaptured,
        ("command", &more, NOW),
        ("capture/rest", "setup"),
    );

    let (mut world, scene, intent) = held();
    let void = merchant_command("void", "merchant", intent, &[]);
    world.send("command", &void.bytes(), NOW);
    world.model.release(intent, "voided");
    let mut second = scene;
    second.intent(-7, keys::thirty_two("another hash"));
    let mut t = Commands::new(sheet, "voided", world.clone(), "core holds");
    let capture = merchant_command("capture", "merchant", intent, &money(1));
    t.refuse(
        "capture/after-void",
        "A capture after the void",
        shows,
        Code::PaymentVoided,
        ("command", &capture, NOW),
        ("capture/all", "setup"),
    );
    let again = void.says(|p| p.with(7, keys::sixteen("another void")));
    t.refuse("void/again", "Another void", shows, Code::PaymentVoided, ("command", &again, NOW), ("void/all", "setup"));
    // An offer that was held and given up was an offer paid.
    let mut after = world.clone();
    after.closed(&second, "refused");
    let expect = refused_by_issuer(Code::OfferPaid).after(after.model.value());
    let case = case(
        "issuer",
        "void/offer-stays-taken",
        "A second intent for an offer whose hold was voided",
        message("payment", &second.body(), NOW, "second"),
        expect,
    );
    sheet.add(case.shows(Shows("M01", "B19")).after_setup("voided").needs("core holds").twin("cancel/not-cancelled"));

    // A payment that was refused, and one that was cancelled.
    let mut world = World::new();
    let mut scene = Scene::new("cancelled");
    scene.offer(|o| o.with(-24, 2));
    world.register(&scene.papers().mandates[0]);
    let papers = scene.known().papers();
    world.send("command", &cancel(By::Key("agent"), &papers.intent, None).bytes(), NOW);
    world.model.close(papers.intent.id(), "cancelled");
    let mut t = Commands::new(sheet, "cancelled-hold", world, "core holds");
    for (id, title, kind, own) in [
        ("capture/of-cancelled", "A capture of a payment that was cancelled", "capture", money(1)),
        ("refund/of-cancelled", "A refund of a payment that was cancelled", "refund", money(1)),
        ("void/of-cancelled", "A void of a payment that was cancelled", "void", Vec::new()),
    ] {
        let command = merchant_command(kind, "merchant", papers.intent.id(), &own);
        let twin = if kind == "capture" {
            "capture/all"
        } else if kind == "void" {
            "void/all"
        } else {
            "refund/of-part"
        };
        t.refuse(id, title, shows, Code::PaymentRefused, ("command", &command, NOW), (twin, "setup"));
    }
}

/// A hold ends by its time, whoever gets to it first.
pub(super) fn expiry(sheet: &mut Sheet) {
    let (world, _, intent) = held();
    let until = NOW + 7 * DAY;
    let capture = |at: u64| merchant_command("capture", "merchant", intent, &money(1_000)).says(|p| p.with(6, at - 5));
    let shows = Shows("F11", "B14 B24");
    let mut t = Commands::new(sheet, "held", world.clone(), "core holds");
    t.accept(
        "expiry/last-second",
        "A capture in the last second of the hold",
        shows,
        "CMD-8 AUT-68",
        ("command", &capture(until - 1), until - 1),
        ("captured", &|w| w.model.capture(intent, 1_000, false)),
    );
    let mut ended = world.clone();
    ended.model.release(intent, "expired");
    t.refuse(
        "expiry/at-end",
        "A capture in the first second after the hold",
        shows,
        Code::HoldExpired,
        ("command", &capture(until), until),
        ("expiry/last-second", "now"),
    );
    t.last(|mut case| {
        case.expect = case.expect.after(ended.model.value());
        case.clauses("FLW-11")
    });
    let mut ticked = world;
    ticked.tick(until);
    ticked.model.release(intent, "expired");
    let ask = call("issuer.ask", json!({"intent": hex(&intent), "now": until + 1, "payer": true}));
    sheet.setup("expired-by-tick", ticked.setup());
    let given_back = accepted().value(json!({"outcome": "authorized"})).after(ticked.model.value());
    let seen = super::super::sheet::case(
        "issuer",
        "expiry/given-back",
        "A hold whose time has come: the money is the account's again",
        ask,
        given_back,
    );
    sheet.add(seen.shows(shows).after_setup("expired-by-tick").needs("core holds").clauses("AUT-67 AUT-68"));
    let mut t = Commands::new(sheet, "expired", ticked, "core holds");
    t.refuse(
        "expiry/after-tick",
        "A capture after the hold was released",
        shows,
        Code::HoldExpired,
        ("command", &capture(until), until),
        ("expiry/last-second", "setup"),
    );
    let void = merchant_command("void", "merchant", intent, &[]).says(|p| p.with(6, until));
    t.refuse(
        "expiry/void",
        "A void after the hold was released",
        shows,
        Code::HoldExpired,
        ("command", &void, until),
        ("void/all", "setup"),
    );
}
