//! What comes again, what comes late, and what a merchant does with the money.

use purser_protocol::code::{Code, Stage};
use purser_test_vectors::{Area, Call, Case, Expect};
use serde_json::{Value, json};

use super::cbor::{Item, labelled};
use super::forge::By;
use super::issuer::{Commands, Effect};
use super::papers::NOW;
use super::sheet::{Build as _, Expecting as _, Sheet, Shows, accepted, call, case, refused, refused_by_issuer};
use super::signature::negate;
use super::world::{
    DAY, Scene, World, account, cancel, deposit, enrolment, mandate_command, merchant_command, receive, start_as,
};
use super::{hex, keys};

pub(super) fn area() -> Area {
    let about = "One intent, one outcome, for ever; captures, voids, refunds and cancels; accounts and deposits.";
    let mut sheet = Sheet::new("flows", about);
    again(&mut sheet);
    again_refused(&mut sheet);
    cancels(&mut sheet);
    captures(&mut sheet);
    captured(&mut sheet);
    expiry(&mut sheet);
    refunds(&mut sheet);
    accounts(&mut sheet);
    sheet.finish()
}

fn message(kind: &str, body: &[u8], now: u64, name: &str) -> Call {
    call("issuer.receive", receive(kind, body, now, keys::sixteen(name)))
}

/// A case that is called after a setup whose third call was answered, and gets that answer.
fn same(id: &str, title: &str, shows: Shows, setup: &str, call: Call, outcome: &str) -> Case {
    let expect = accepted().value(json!({"outcome": outcome})).same_as(2, "answer").unchanged();
    case("issuer", id, title, call, expect).shows(shows).after_setup(setup).needs("core").clauses("AUT-1 RCT-7")
}

/// A payment that was settled comes again.
fn again(sheet: &mut Sheet) {
    let mut world = World::new();
    let scene = Scene::new("once");
    let mandate = scene.papers().mandates.remove(0);
    world.register(&mandate);
    let scene = scene.known();
    let papers = scene.papers();
    let settled = |world: &World| -> Vec<Call> {
        let mut setup = world.setup();
        setup.push(message("payment", &scene.body(), NOW, "first"));
        setup
    };
    sheet.setup("settled", settled(&world));
    let pay = |body: &[u8], now: u64| message("payment", body, now, "second");
    let f01 = Shows("F01", "B1 B2");
    sheet.add(same("again/same", "The same bytes again", f01, "settled", pay(&scene.body(), NOW), "settled"));
    let high = |change: &dyn Fn(&mut super::world::Papers)| {
        let mut papers = scene.papers();
        change(&mut papers);
        papers.body(1)
    };
    let twin = high(&|p| p.intent = p.intent.but(negate));
    sheet.add(
        same(
            "again/intent-high-s",
            "The same intent with the other s",
            Shows("F07 C39", "A20 D11"),
            "settled",
            pay(&twin, NOW),
            "settled",
        )
        .clauses("SIG-18"),
    );
    let twin = high(&|p| p.offer = p.offer.but(negate));
    sheet.add(
        same(
            "again/offer-high-s",
            "The same intent beside the offer with the other s",
            Shows("F07 C39", "A20 D11"),
            "settled",
            pay(&twin, NOW),
            "settled",
        )
        .clauses("SIG-18"),
    );
    for (id, title, later) in [
        ("again/after-offer", "The same bytes after the offer has ended", 900),
        ("again/after-a-day", "The same bytes after a day", DAY + 1),
        ("again/after-two-days", "The same bytes after two days", 2 * DAY),
        ("again/after-mandate", "The same bytes after the mandate has ended", 31 * DAY),
        ("again/after-ten-years", "The same bytes after ten years", 3_650 * DAY),
    ] {
        sheet.add(
            same(id, title, Shows("F01", "B6 B7"), "settled", pay(&scene.body(), NOW + later), "settled")
                .clauses("AUT-12"),
        );
    }
    let faulty: [(&str, &str, Vec<u8>); 4] = [
        ("again/beside-garbage", "The same intent beside bytes that are no offer", {
            let body = labelled([
                (1, Item::List(Vec::new())),
                (2, b"no offer".to_vec().into()),
                (3, papers.intent.bytes().into()),
            ]);
            body.encode()
        }),
        (
            "again/beside-bad-offer",
            "The same intent beside its offer with a broken signature",
            high(&|p| p.offer = p.offer.but(|f| f.signature_item = Some(super::cbor::bytes(&[1; 64])))),
        ),
        ("again/beside-expired-certificate", "The same intent beside an offer whose certificate has ended", {
            let mut papers = scene.papers();
            let leaf = super::certs::leaf_draft("merchant").but(|d| d.valid(super::certs::NOT_BEFORE, NOW - 1)).der();
            papers.offer = papers.offer.but(|f| {
                f.protected = super::forge::certificate_header("offer", &leaf);
                f.unprotected = labelled([(33, leaf.clone().into())]);
            });
            papers.body(1)
        }),
        ("again/with-mandate", "The same intent with its mandate along", papers.body(0)),
    ];
    for (id, title, body) in faulty {
        sheet.add(same(id, title, Shows("F01 F15", "B7"), "settled", pay(&body, NOW), "settled").clauses("AUT-10"));
    }
    // What happened meanwhile changes nothing.
    let revoked = mandate_command("revocation", "payer", &[mandate.id()]);
    let suspended = mandate_command("suspension", "payer", &[mandate.id()]);
    for (id, title, between) in [
        ("again/after-revocation", "The same bytes after the mandate was revoked", revoked),
        ("again/after-suspension", "The same bytes after the mandate was suspended", suspended),
    ] {
        let mut setup = settled(&world);
        setup.push(message("command", &between.bytes(), NOW, "between"));
        sheet.setup(id, setup);
        sheet.add(same(id, title, Shows("F01 F08", "B6 A17"), id, pay(&scene.body(), NOW), "settled"));
    }
    let ask = |now: u64, payer: bool| {
        call("issuer.ask", json!({"intent": hex(&papers.intent.id()), "now": now, "payer": payer}))
    };
    sheet.add(same(
        "ask/settled",
        "Asked for by the payer's side",
        Shows("F01", "B7"),
        "settled",
        ask(NOW, true),
        "settled",
    ));
    sheet.add(same(
        "ask/settled-by-anybody",
        "Asked for by anybody",
        Shows("F01", "B22"),
        "settled",
        ask(NOW + DAY, false),
        "settled",
    ));
    let unknown = call("issuer.ask", json!({"intent": hex(&keys::thirty_two("no intent")), "now": NOW, "payer": true}));
    let expect = Expect { decided: Some(false), ..refused(Code::NotFound, Stage::Http) };
    let case = case("issuer", "ask/unknown", "Asked for an intent that is not known", unknown, expect.unchanged());
    sheet.add(case.shows(Shows("F20", "B22 G7")).after_setup("settled").needs("core").twin("ask/settled").mutated(
        "ask/settled",
        "input",
        vec![json!(["intent"])],
        true,
    ));

    // What was not decided is decided when it is mended.
    let mut undecided = world.setup();
    let broken = high(&|p| p.offer = p.offer.but(|f| f.signature_item = Some(super::cbor::bytes(&[1; 64]))));
    let mut first = message("payment", &broken, NOW, "broken");
    first.expect = Some(refused(Code::SignatureInvalid, Stage::Signature));
    undecided.push(first);
    sheet.setup("not-decided", undecided);
    let mut after = world.clone();
    after.paid(&scene);
    let expect = accepted().value(json!({"outcome": "settled"})).after(after.model.value());
    let mended = super::sheet::case(
        "issuer",
        "again/mended",
        "An intent that came beside a broken offer, beside a good one",
        pay(&scene.body(), NOW),
        expect,
    );
    sheet.add(mended.shows(Shows("F04", "B7 B24")).after_setup("not-decided").needs("core").clauses("AUT-11"));

    // The same mandate in other bytes has the same counters.
    let mut setup = settled(&world);
    let twin = mandate.but(negate);
    setup.push(message("mandate", &twin.bytes(), NOW, "twin"));
    sheet.setup("settled-and-twin", setup);
    sheet.add(same(
        "again/mandate-twin",
        "The same bytes after the mandate came with the other s",
        Shows("F07 C39", "A20 D11"),
        "settled-and-twin",
        pay(&scene.body(), NOW),
        "settled",
    ));
}

/// A refusal is for good, though its reason has gone.
fn again_refused(sheet: &mut Sheet) {
    let world = World::new();
    let mut scene = Scene::new("dear");
    scene.rule(3, 9_000_000);
    scene.offer(|o| super::world::priced(o, 1_500_000));
    let mut setup = world.setup();
    let mut first = message("payment", &scene.body(), NOW, "first");
    first.expect = Some(refused_by_issuer(Code::InsufficientFunds));
    setup.push(first);
    sheet.setup("refused", setup.clone());
    let more = deposit("ann", "payer", 1_000_000, "CNY", keys::sixteen("more")).says(|p| p.with(6, NOW));
    setup.push(message("command", &more.bytes(), NOW, "more"));
    sheet.setup("refused-then-funded", setup);
    for (id, title, name) in [
        ("refused/again", "An intent that was refused, again", "refused"),
        (
            "refused/again-funded",
            "An intent that was refused for want of funds, when there are funds",
            "refused-then-funded",
        ),
    ] {
        let expect = refused_by_issuer(Code::InsufficientFunds).same_as(2, "answer").unchanged();
        let again = message("payment", &scene.body(), NOW, "second");
        let case = case("issuer", id, title, again, expect).shows(Shows("F01", "B1")).after_setup(name).needs("core");
        sheet.add(case.clauses("AUT-1 RCT-7").twin("refused/another").unpeeled().mutated(
            "refused/another",
            "papers",
            vec![json!(["setup", name])],
            true,
        ));
    }
    // Another intent for the same offer is decided by itself.
    let mut another = scene.clone().known();
    another.intent(-7, keys::thirty_two("another hash"));
    let mut after = World::new();
    after.deposit("ann", "payer", 1_000_000, "CNY");
    after.registered(&scene.papers().mandates[0]);
    after.model.close(scene.papers().intent.id(), "refused");
    after.paid(&another);
    let expect = accepted().value(json!({"outcome": "settled"})).after(after.model.value());
    let fresh = message("payment", &another.body(), NOW, "third");
    let case = case("issuer", "refused/another", "Another intent for that offer, when there are funds", fresh, expect);
    sheet.add(case.shows(Shows("F01", "B1")).after_setup("refused-then-funded").needs("core").clauses("AUT-60 INT-19"));
    // Who is not of the payer's side learns that it was declined.
    let ask = call("issuer.ask", json!({"intent": hex(&scene.papers().intent.id()), "now": NOW, "payer": false}));
    let expect = refused(Code::Declined, Stage::Receipt).unchanged();
    let declined = super::sheet::case(
        "issuer",
        "refused/asked-by-merchant",
        "A refusal for want of funds, asked for by anybody",
        ask,
        expect,
    );
    sheet.add(
        declined
            .shows(Shows("F20", "G6 B22"))
            .after_setup("refused")
            .needs("core")
            .clauses("RCT-8 RCT-14")
            .twin("ask/settled-by-anybody")
            .unpeeled(),
    );
}

fn cancels(sheet: &mut Sheet) {
    let mut world = World::new();
    let scene = Scene::new("cancelled");
    world.register(&scene.papers().mandates[0]);
    let scene = scene.known();
    let papers = scene.papers();
    let intent = papers.intent.id();
    let mut t = Commands::new(sheet, "registered", world.clone(), "core");
    let gone: Effect<'_> = &|w| w.model.close(intent, "cancelled");
    let by = |key: &'static str| cancel(By::Key(key), &papers.intent, None);
    let f = Shows("", "B17 B24");
    t.accept(
        "cancel/by-agent",
        "A cancel, by the agent, of an intent that the issuer has not seen",
        f,
        "CMD-25",
        ("command", &by("agent"), NOW),
        ("cancelled", gone),
    );
    t.accept(
        "cancel/by-payer",
        "A cancel by the payer of an intent that the issuer has not seen",
        f,
        "CMD-25",
        ("command", &by("payer"), NOW),
        ("cancelled", gone),
    );
    let by_merchant = cancel(By::Certificate("merchant"), &papers.intent, Some(&papers.offer));
    t.accept(
        "cancel/by-merchant",
        "A cancel by the merchant, with its offer",
        f,
        "CMD-25 SIG-14",
        ("command", &by_merchant, NOW),
        ("cancelled", gone),
    );
    let signer = Code::CommandSigner;
    let wrong = Shows("M36", "B21 A18");
    t.refuse(
        "cancel/by-thief",
        "A cancel by a stranger",
        wrong,
        signer,
        ("command", &by("thief"), NOW),
        ("cancel/by-agent", "signer"),
    );
    t.refuse(
        "cancel/by-another-payer",
        "A cancel by another account's key",
        wrong,
        signer,
        ("command", &by("other-payer"), NOW),
        ("cancel/by-payer", "signer"),
    );
    let bare = cancel(By::Certificate("merchant"), &papers.intent, None);
    t.refuse(
        "cancel/merchant-without-offer",
        "A cancel by the merchant, without its offer",
        wrong,
        signer,
        ("command", &bare, NOW),
        ("cancel/by-merchant", "offered"),
    );
    let other = cancel(By::Certificate("other-merchant"), &papers.intent, Some(&papers.offer));
    t.refuse(
        "cancel/by-another-merchant",
        "A cancel by another merchant, with this one's offer",
        wrong,
        signer,
        ("command", &other, NOW),
        ("cancel/by-merchant", "signer"),
    );
    let of_another = Scene::new("another").papers().offer;
    let unrelated = cancel(By::Certificate("merchant"), &papers.intent, Some(&of_another));
    t.refuse(
        "cancel/another-offer",
        "A cancel by the merchant, with an offer that the intent does not take",
        wrong,
        signer,
        ("command", &unrelated, NOW),
        ("cancel/by-merchant", "offered"),
    );
    let elsewhere = by("agent").says(|p| p.with(3, "other-issuer.example"));
    t.refuse(
        "cancel/another-issuer",
        "A cancel for another issuer",
        Shows("M37", "B10"),
        Code::AudienceMismatch,
        ("command", &elsewhere, NOW),
        ("cancel/by-agent", "aud"),
    );
    let forged = papers.intent.but(|f| f.signature_item = Some(super::cbor::bytes(&[1; 64])));
    let of_forged = cancel(By::Key("agent"), &forged, None);
    t.refuse(
        "cancel/forged-intent",
        "A cancel of an intent whose signature is broken",
        Shows("C45", "B17"),
        Code::SignatureInvalid,
        ("command", &of_forged, NOW),
        ("cancel/by-agent", "enclosed"),
    );

    let mut cancelled = world.setup();
    cancelled.push(message("command", &by("agent").bytes(), NOW, "cancel"));
    sheet.setup("cancelled", cancelled);
    let late = message("payment", &scene.body(), NOW, "late");
    let expect = refused_by_issuer(Code::PaymentCancelled)
        .value(json!({"outcome": "cancelled"}))
        .same_as(2, "answer")
        .unchanged();
    let case = case("issuer", "cancel/late-intent", "The intent comes after its cancel", late, expect)
        .shows(f)
        .after_setup("cancelled")
        .needs("core");
    sheet.add(case.clauses("CMD-11").twin("cancel/not-cancelled").mutated(
        "cancel/not-cancelled",
        "papers",
        vec![json!(["setup", "cancelled"])],
        true,
    ));
    let mut paid = world.clone();
    paid.paid(&scene);
    let expect = accepted().value(json!({"outcome": "settled"})).after(paid.model.value());
    let uncancelled = super::sheet::case(
        "issuer",
        "cancel/not-cancelled",
        "The intent comes, and was not cancelled",
        message("payment", &scene.body(), NOW, "late"),
        expect,
    );
    sheet.add(uncancelled.after_setup("registered").needs("core").clauses("CMD-25"));
    let second = by("agent").says(|p| p.with(7, keys::sixteen("another cancel")));
    sheet.add(
        same(
            "cancel/another",
            "Another cancel of the same intent",
            f,
            "cancelled",
            message("command", &second.bytes(), NOW, "again"),
            "cancelled",
        )
        .clauses("CMD-26"),
    );
    let mut settled = world.setup();
    settled.push(message("payment", &scene.body(), NOW, "first"));
    sheet.setup("settled-uncancelled", settled);
    sheet.add(
        same(
            "cancel/too-late",
            "A cancel of a payment that was settled: its receipt, and nothing is moved",
            f,
            "settled-uncancelled",
            message("command", &by("agent").bytes(), NOW, "cancel"),
            "settled",
        )
        .clauses("CMD-26"),
    );
    sheet.add(
        same(
            "cancel/too-late-and-old",
            "The same, made two days ago",
            f,
            "settled-uncancelled",
            message("command", &by("agent").says(|p| p.with(6, NOW - 2 * DAY)).bytes(), NOW, "cancel"),
            "settled",
        )
        .clauses("CMD-26"),
    );
}

/// A hold of ten yuan.
fn held() -> (World, Scene, [u8; 32]) {
    let mut world = World::new();
    let mut scene = Scene::new("held");
    scene.offer(|o| o.with(-24, 2));
    let intent = world.pay(&scene);
    (world, scene.known(), intent)
}

fn money(minor: u64) -> Vec<(i64, Item)> {
    vec![(-5, minor.into()), (-6, "CNY".into())]
}

fn last(minor: u64) -> Vec<(i64, Item)> {
    vec![(-5, minor.into()), (-6, "CNY".into()), (-43, true.into())]
}

fn captures(sheet: &mut Sheet) {
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
fn captured(sheet: &mut Sheet) {
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
fn expiry(sheet: &mut Sheet) {
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

fn refunds(sheet: &mut Sheet) {
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
        let capture = merchant_command("capture", "merchant", intent, &money(1));
        t.refuse(
            &id("capture-of-settled"),
            "A capture of what was settled at once",
            Shows("F11", "B14"),
            Code::PaymentCaptured,
            ("command", &capture, NOW),
            ("capture/all", "setup"),
        );
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

fn accounts(sheet: &mut Sheet) {
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
    let greatest = (1_u64 << 53) - 1 - 1_000_000;
    let mut t = Commands::new(sheet, "accounts", world, "core sandbox");
    let f = Shows("M24 M25", "A9");
    t.accept(
        "deposit/fills",
        "A deposit that fills an account to 2^53 - 1",
        f,
        "CMD-14",
        ("command", &put(greatest), NOW),
        ("recorded", &|w| w.model.deposit(account("ann"), "CNY", greatest)),
    );
    t.refuse(
        "deposit/overflows",
        "A deposit of a unit more",
        f,
        Code::AmountOverflow,
        ("command", &put(greatest + 1), NOW),
        ("deposit/fills", "amount"),
    );
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
        let mut input = receive("account", &enrol.bytes(), NOW - DAY, nonce);
        input["account"] = json!(hex(&account("ann")));
        setup.push(call("issuer.receive", input));
        setup
    };
    sheet.setup("no-sandbox", real);
    let expect = Expect { decided: Some(false), ..refused_by_issuer(Code::NotSandbox) }.unchanged();
    let body = put(1);
    let case = case(
        "issuer",
        "deposit/real-money",
        "A deposit where money is real",
        message("command", &body.bytes(), NOW, "deposit"),
        expect,
    );
    let case = case.shows(Shows("M44", "D9")).after_setup("no-sandbox").needs("core sandbox").twin("deposit/fills");
    let args: Vec<Value> = vec![json!(["sandbox", false])];
    sheet.add(case.mutated("deposit/fills", "command", args, true).diagnosed(&body.bytes()));
}
