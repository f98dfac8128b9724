//! What comes again, what comes late, and what a merchant does with the money.

mod accounts;
mod cancels;
mod holds;
mod payouts;

use purser_protocol::code::{Code, Stage};
use purser_test_vectors::{Area, Call, Case, Expect};
use serde_json::{Value, json};

use self::accounts::{accounts, refunds, restored};
use self::cancels::cancels;
use self::holds::{captured, captures, expiry};
use self::payouts::payouts;
use super::cbor::{Item, labelled};
use super::forge::By;
use super::issuer::{Commands, Effect, Payments};
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
    one_log(&mut sheet);
    again_refused(&mut sheet);
    cancels(&mut sheet);
    captures(&mut sheet);
    captured(&mut sheet);
    expiry(&mut sheet);
    refunds(&mut sheet);
    payouts(&mut sheet);
    accounts(&mut sheet);
    restored(&mut sheet);
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

    for (id, title, name, payer) in [
        (
            "ask/unknown-by-anybody",
            "Asked, by anybody, for an intent that is not known",
            keys::thirty_two("no intent"),
            false,
        ),
        ("ask/mandate", "Asked for an intent by the id of its mandate", mandate.id(), true),
        ("ask/offer", "Asked for an intent by the id of its offer", papers.offer.id(), true),
    ] {
        let asked = call("issuer.ask", json!({"intent": hex(&name), "now": NOW, "payer": payer}));
        let expect = Expect { decided: Some(false), ..refused(Code::NotFound, Stage::Http) };
        let twin = if payer { "ask/settled" } else { "ask/settled-by-anybody" };
        let case = super::sheet::case("issuer", id, title, asked, expect.unchanged());
        let case = case.shows(Shows("F20", "B22 G7")).after_setup("settled").needs("core").twin(twin);
        sheet.add(case.mutated(twin, "input", vec![json!(["intent"])], true));
    }

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

/// An issuer whose every root is seen: each goes on from those before it. [RCT-9]
fn one_log(sheet: &mut Sheet) {
    let (ann, scene) = (keys::sixteen("enrolment of ann"), Scene::new("logged"));
    let enrol = enrolment(None, "payer", "payer", ann);
    let mut first = receive("account", &enrol.bytes(), super::moment::before(DAY), ann);
    first["account"] = json!(hex(&account("ann")));
    let paid_in = deposit("ann", "payer", 1_000_000, "CNY", keys::sixteen("deposit of ann"));
    let mandate = scene.papers().mandates.remove(0);
    let setup = vec![
        super::world::start(),
        call("issuer.receive", first),
        message("command", &paid_in.bytes(), super::moment::before(DAY), "paid in"),
        message("mandate", &mandate.bytes(), NOW, "registered"),
    ];
    sheet.setup("all-seen", setup);
    let known = scene.known();
    let mut dear = known.clone();
    dear.offer(|o| super::world::priced(o, 600_000));
    for (id, title, scene, expect) in [
        ("log/goes-on", "A payment by an issuer whose every root was seen", &known, accepted()),
        (
            "log/of-refusals-too",
            "A refusal by an issuer whose every root was seen",
            &dear,
            refused_by_issuer(Code::RuleTotal),
        ),
    ] {
        let refusal = expect.code.is_some();
        let case = case("issuer", id, title, message("payment", &scene.body(), NOW, id), expect);
        let case = case.shows(Shows("F17", "")).after_setup("all-seen").needs("core").clauses("RCT-9 RCT-10 RCT-5");
        sheet.add(if refusal { case.twin("log/goes-on").unpeeled() } else { case });
    }
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
        sheet.add(case.clauses("AUT-1 RCT-7 RCT-13").twin("refused/another").unpeeled().mutated(
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
            .clauses("RCT-8 RCT-14 RCT-13 PRV-1")
            .twin("ask/settled-by-anybody")
            .unpeeled(),
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
