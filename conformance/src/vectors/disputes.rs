//! Disputes: what can be disputed, who answers and rules, and where the money goes.

use purser_protocol::code::Code;
use purser_test_vectors::Area;

use super::cbor::{Item, labelled};
use super::forge::{By, Forge};
use super::issuer::Commands;
use super::keys;
use super::papers::NOW;
use super::sheet::{Build as _, Sheet, Shows};
use super::world::{DAY, Scene, World, account, cancel, merchant_command};

const NEEDS: &str = "core disputes";
const S: Shows = Shows("F12", "B16");
/// Seconds in which a merchant answers, and an issuer rules.
const ANSWER: u64 = 7 * DAY;
const RULING: u64 = 14 * DAY;

pub(super) fn area() -> Area {
    let mut sheet = Sheet::new("disputes", "Disputes, answers and rulings: what of a payment goes back, and when.");
    opened(&mut sheet);
    held(&mut sheet);
    answered(&mut sheet);
    apart(&mut sheet);
    over(&mut sheet);
    contested(&mut sheet);
    sheet.finish()
}

/// Ann has paid 1,000 to the tea merchant.
fn paid() -> (World, [u8; 32]) {
    let mut world = World::new();
    let intent = world.pay(&Scene::new("settled"));
    (world, intent)
}

fn dispute(intent: [u8; 32], minor: u64) -> Forge {
    let payload = labelled([
        (2, account("ann").into()),
        (3, "issuer.example".into()),
        (6, (NOW - 5).into()),
        (7, keys::sixteen(&format!("dispute of {minor}")).into()),
        (-1, 1.into()),
        (-4, intent.into()),
        (-5, minor.into()),
        (-6, "CNY".into()),
        (-101, 1.into()),
    ]);
    Forge::new("dispute", payload, By::Key("payer"))
}

fn answer(by: &'static str, intent: [u8; 32], of: &Forge, stance: u64) -> Forge {
    merchant_command("dispute-answer", by, intent, &[(-100, of.id().into()), (-102, stance.into())])
}

fn ruling(intent: [u8; 32], of: &Forge, minor: Option<u64>) -> Forge {
    let payload = labelled([
        (1, "issuer.example".into()),
        (2, account("ann").into()),
        (6, (NOW - 5).into()),
        (7, keys::sixteen("ruling").into()),
        (-1, 1.into()),
        (-4, intent.into()),
        (-6, "CNY".into()),
        (-100, of.id().into()),
    ]);
    let payload = minor.into_iter().fold(payload, |payload, minor| payload.with(-5, minor));
    Forge::new("ruling", payload, By::Certificate("issuer"))
}

/// The same paper, made as many seconds later.
fn later(paper: &Forge, seconds: u64) -> Forge {
    paper.says(|payload| payload.with(6, NOW + seconds))
}

/// What can be disputed.
fn opened(sheet: &mut Sheet) {
    let (mut world, intent) = paid();
    let mut ended = Scene::new("cancelled");
    ended.mandate(|mandate| mandate.with(-10, keys::sixteen("another lineage")));
    world.register(&ended.papers().mandates[0]);
    let ended = ended.known().papers().intent;
    world.send("command", &cancel(By::Key("agent"), &ended, None).bytes(), NOW);
    world.model.close(ended.id(), "cancelled");
    let mut t = Commands::new(sheet, "paid", world, NEEDS);
    let of = |minor: u64| dispute(intent, minor);
    for (id, title, minor) in [("open/all", "All of a payment", 1_000), ("open/part", "A part of a payment", 1)] {
        t.accept(id, title, S, "DSP-6 DSP-18", ("command", &of(minor), NOW), ("recorded", &|_| {}));
    }
    let twin = |change| ("open/all", change);
    let more = of(1_001);
    t.refuse(
        "open/more",
        "A unit more than was paid",
        S,
        Code::DisputeExceedsPayment,
        ("command", &more, NOW),
        twin("amount"),
    );
    let yen = of(1_000).says(|p| p.with(-6, "JPY"));
    t.refuse(
        "open/currency",
        "In another currency",
        S,
        Code::CurrencyMismatch,
        ("command", &yen, NOW),
        twin("currency"),
    );
    t.last(|case| case.clauses("DSP-15"));
    let both = of(1_001).says(|p| p.with(-6, "JPY"));
    let title = "More than was paid, in another currency";
    t.refuse("open/currency-and-more", title, S, Code::CurrencyMismatch, ("command", &both, NOW), twin("two fields"));
    t.last(|case| case.clauses("DSP-15").unpeeled());
    let unknown = dispute(keys::thirty_two("no intent"), 1_000);
    t.refuse(
        "open/unknown",
        "Of a payment that nobody made",
        S,
        Code::PaymentUnknown,
        ("command", &unknown, NOW),
        twin("intent"),
    );
    t.last(|case| case.clauses("DSP-2"));
    let bobs = of(1_000).says(|p| p.with(2, account("bob")));
    let bobs = Forge::new("dispute", bobs.payload, By::Key("other-payer"));
    t.refuse(
        "open/of-another",
        "Of another's payment",
        S,
        Code::PaymentUnknown,
        ("command", &bobs, NOW),
        twin("signer"),
    );
    t.last(|case| case.clauses("DSP-2"));
    let closed = dispute(ended.id(), 1_000);
    t.refuse(
        "open/cancelled",
        "Of a payment that was cancelled",
        S,
        Code::PaymentRefused,
        ("command", &closed, NOW),
        twin("intent"),
    );
    t.last(|case| case.clauses("DSP-14"));
    let late = 120 * DAY;
    let (last, too_late) = (later(&of(1_000), late), later(&of(1_000), late + 1));
    let title = "In the last second in which it can be disputed";
    t.accept("open/last", title, S, "DSP-5", ("command", &last, NOW + late), ("recorded", &|_| {}));
    let message = ("command", &too_late, NOW + late + 1);
    t.refuse("open/late", "A second too late", S, Code::DisputeLate, message, ("open/last", "now"));
    let elsewhere = of(1_000).says(|p| p.with(3, "other-issuer.example"));
    t.refuse(
        "open/elsewhere",
        "For another issuer",
        S,
        Code::AudienceMismatch,
        ("command", &elsewhere, NOW),
        twin("aud"),
    );
    let early = answer("merchant", intent, &of(1_000), 1);
    let title = "An answer to a dispute that nobody has opened";
    t.refuse("open/answer", title, S, Code::DisputeUnknown, ("command", &early, NOW), ("answer/accepts", "state"));
    for (id, title, label, value) in [
        ("open/ground", "A ground that the table does not have", -101, Item::from(5)),
        ("open/ground-none", "A ground of 0", -101, Item::from(0)),
        ("open/exhibits", "No exhibits in their list", -104, Item::List(Vec::new())),
    ] {
        let odd = of(1_000).says(|p| p.with(label, value.clone()));
        t.refuse(id, title, S, Code::FieldRange, ("command", &odd, NOW), twin("value"));
        t.last(|case| case.clauses("ENC-15"));
    }
}

/// What is held is not disputed.
fn held(sheet: &mut Sheet) {
    let mut world = World::new();
    let mut scene = Scene::new("held");
    scene.offer(|offer| offer.with(-24, 2));
    let intent = world.pay(&scene);
    let part = merchant_command("capture", "merchant", intent, &[(-5, 400.into()), (-6, "CNY".into())]);
    world.send("command", &part.bytes(), NOW);
    world.model.capture(intent, 400, false);
    let mut t = Commands::new(sheet, "held", world.clone(), "core holds disputes");
    let of = dispute(intent, 400);
    let twin = ("held/ended", "state");
    t.refuse(
        "held/open",
        "What was captured, while the rest is held",
        S,
        Code::PaymentHeld,
        ("command", &of, NOW),
        twin,
    );
    let void = merchant_command("void", "merchant", intent, &[]);
    world.send("command", &void.bytes(), NOW);
    world.model.release(intent, "voided");
    let mut t = Commands::new(sheet, "given-up", world, "core holds disputes");
    let title = "What was captured, once the rest is given up";
    t.accept("held/ended", title, S, "DSP-4", ("command", &of, NOW), ("recorded", &|_| {}));
    let title = "More than was captured, and less than was held";
    let more = dispute(intent, 401);
    t.refuse("held/more", title, S, Code::DisputeExceedsPayment, ("command", &more, NOW), ("held/ended", "amount"));
}

/// A dispute of 600 that is open.
fn disputed() -> (World, [u8; 32], Forge) {
    let (mut world, intent) = paid();
    let of = dispute(intent, 600);
    world.send("command", &of.bytes(), NOW);
    (world, intent, of)
}

/// Who answers, who rules, and what they may.
fn answered(sheet: &mut Sheet) {
    let (world, intent, of) = disputed();
    let mut t = Commands::new(sheet, "disputed", world, NEEDS);
    let accepts = answer("merchant", intent, &of, 1);
    let contests = answer("merchant", intent, &of, 2);
    let back = |minor: u64| move |w: &mut World| w.model.refund(intent, minor);
    let message = |paper: &Forge| paper.clone();
    let title = "The merchant gives way: what is claimed goes back";
    t.accept("answer/accepts", title, S, "DSP-16 DSP-17", ("command", &accepts, NOW), ("refunded", &back(600)));
    let title = "The merchant contests: nothing moves";
    t.accept("answer/contests", title, S, "DSP-7", ("command", &contests, NOW), ("recorded", &|_| {}));
    for (id, title, minor) in [
        ("ruling/all", "The issuer rules that all that is claimed goes back", 600),
        ("ruling/part", "The issuer rules that a part goes back", 250),
    ] {
        let paper = ruling(intent, &of, Some(minor));
        t.accept(id, title, S, "DSP-17 DSP-10", ("command", &paper, NOW), ("refunded", &back(minor)));
    }
    let nothing = ruling(intent, &of, None);
    let title = "The issuer rules that nothing goes back";
    t.accept("ruling/nothing", title, S, "DSP-17", ("command", &nothing, NOW), ("recorded", &|_| {}));
    let last = later(&contests, ANSWER - 1);
    let title = "An answer in the last second";
    t.accept("answer/last", title, S, "DSP-12", ("command", &last, NOW + ANSWER - 1), ("recorded", &|_| {}));

    let other = dispute(intent, 599);
    let unknown: [(&str, &str, Forge, (&str, &str)); 4] = [
        (
            "answer/by-another",
            "An answer by another merchant",
            answer("other-merchant", intent, &of, 1),
            ("answer/accepts", "signer"),
        ),
        (
            "answer/other-dispute",
            "An answer to another dispute",
            answer("merchant", intent, &other, 1),
            ("answer/accepts", "dispute"),
        ),
        (
            "ruling/other-dispute",
            "A ruling on another dispute",
            ruling(intent, &other, Some(600)),
            ("ruling/all", "dispute"),
        ),
        (
            "ruling/account",
            "A ruling on another account",
            ruling(intent, &of, Some(600)).says(|p| p.with(2, account("bob"))),
            ("ruling/all", "sub"),
        ),
    ];
    for (id, title, paper, twin) in unknown {
        t.refuse(id, title, S, Code::DisputeUnknown, ("command", &message(&paper), NOW), twin);
    }
    let more = ruling(intent, &of, Some(601));
    let twin = ("ruling/all", "amount");
    t.refuse(
        "ruling/more",
        "A ruling of a unit more than is claimed",
        S,
        Code::RulingExceedsDispute,
        ("command", &more, NOW),
        twin,
    );
    let yen = ruling(intent, &of, Some(600)).says(|p| p.with(-6, "JPY"));
    let twin = ("ruling/all", "currency");
    t.refuse(
        "ruling/currency",
        "A ruling in another currency",
        S,
        Code::CurrencyMismatch,
        ("command", &yen, NOW),
        twin,
    );
    t.last(|case| case.clauses("DSP-15"));
    let again = dispute(intent, 400).says(|p| p.with(7, keys::sixteen("again")));
    let twin = ("open/part", "state");
    t.refuse("open/again", "A second dispute of one payment", S, Code::PaymentDisputed, ("command", &again, NOW), twin);
    let refund = merchant_command("refund", "merchant", intent, &[(-5, 1.into()), (-6, "CNY".into())]);
    let twin = ("over/refund", "state");
    t.refuse(
        "open/refund",
        "A refund of a payment that is disputed",
        S,
        Code::PaymentDisputed,
        ("command", &refund, NOW),
        twin,
    );
    t.last(|case| case.clauses("DSP-11"));
}

/// What is set apart cannot be taken out.
fn apart(sheet: &mut Sheet) {
    let (world, _, _) = disputed();
    let payout = |minor: u64| {
        let payload = labelled([
            (1, "tea.example".into()),
            (3, "issuer.example".into()),
            (6, (NOW - 5).into()),
            (7, keys::sixteen("payout while disputed").into()),
            (-1, 1.into()),
            (-5, minor.into()),
            (-6, "CNY".into()),
            (-55, "main".into()),
        ]);
        Forge::new("payout", payload, By::Certificate("merchant")).but(|forge| forge.unprotected = labelled([]))
    };
    let mut t = Commands::new(sheet, "apart", world, "core sandbox disputes");
    let title = "A payout of what is not disputed";
    t.accept(
        "apart/rest",
        title,
        S,
        "DSP-18",
        ("command", &payout(400), NOW),
        ("recorded", &|w| w.model.pay_out("tea.example", "CNY", 400)),
    );
    let twin = ("apart/rest", "amount");
    t.refuse(
        "apart/more",
        "A payout of a unit of what is disputed",
        S,
        Code::MerchantFunds,
        ("command", &payout(401), NOW),
        twin,
    );
    t.last(|case| case.clauses("DSP-18"));

    // The merchant has taken its money out before: what is claimed is not all there.
    let (mut world, intent) = paid();
    world.send("command", &payout(900).bytes(), NOW);
    world.model.pay_out("tea.example", "CNY", 900);
    let of = dispute(intent, 600);
    world.send("command", &of.bytes(), NOW);
    let mut t = Commands::new(sheet, "poor", world, "core sandbox disputes");
    let all = ruling(intent, &of, Some(600));
    let title = "A ruling of more than the merchant has: what there is goes back";
    t.accept("apart/poor", title, S, "DSP-17", ("command", &all, NOW), ("refunded", &|w| w.model.refund(intent, 100)));
    t.last(|mut case| {
        case.expect.answer = None;
        case
    });
}

/// A dispute that has ended.
fn over(sheet: &mut Sheet) {
    let (mut world, intent, of) = disputed();
    let ruled = ruling(intent, &of, Some(250));
    world.send("command", &ruled.bytes(), NOW);
    world.model.refund(intent, 250);
    let mut t = Commands::new(sheet, "ruled", world, NEEDS);
    let refund = |minor: u64| merchant_command("refund", "merchant", intent, &[(-5, minor.into()), (-6, "CNY".into())]);
    let title = "A refund of what is left, after the ruling";
    t.accept(
        "over/refund",
        title,
        S,
        "CMD-9",
        ("command", &refund(750), NOW),
        ("refunded", &|w| w.model.refund(intent, 750)),
    );
    let twin = ("over/refund", "amount");
    t.refuse(
        "over/refund-more",
        "A refund of more than the ruling left",
        S,
        Code::RefundExceedsCapture,
        ("command", &refund(751), NOW),
        twin,
    );
    let again = dispute(intent, 1);
    let twin = ("open/part", "state");
    t.refuse(
        "over/again",
        "A dispute of what is left, after the ruling",
        S,
        Code::PaymentDisputed,
        ("command", &again, NOW),
        twin,
    );
    t.last(|case| case.clauses("DSP-3"));
    let second = ruling(intent, &of, Some(350)).says(|p| p.with(7, keys::sixteen("second ruling")));
    let twin = ("ruling/all", "state");
    t.refuse("over/ruling", "A second ruling", S, Code::DisputeUnknown, ("command", &second, NOW), twin);

    // Nobody answered in time.
    let (mut world, intent, of) = disputed();
    world.tick(NOW + ANSWER);
    world.model.refund(intent, 600);
    let mut t = Commands::new(sheet, "unanswered", world, NEEDS);
    let late = later(&answer("merchant", intent, &of, 2), ANSWER);
    let title = "An answer when its time has come: all that is claimed has gone back";
    let twin = ("answer/last", "now");
    t.refuse("over/unanswered", title, S, Code::DisputeUnknown, ("command", &late, NOW + ANSWER), twin);
    t.last(|case| case.clauses("DSP-12"));
}

/// A dispute that the merchant contests.
fn contested(sheet: &mut Sheet) {
    let (mut world, intent, of) = disputed();
    let contests = answer("merchant", intent, &of, 2);
    world.send("command", &contests.bytes(), NOW);
    let mut t = Commands::new(sheet, "contested", world.clone(), NEEDS);
    let second = answer("merchant", intent, &of, 1).says(|p| p.with(7, keys::sixteen("second answer")));
    let twin = ("answer/accepts", "state");
    t.refuse("contested/again", "A second answer", S, Code::DisputeAnswered, ("command", &second, NOW), twin);
    let all = later(&ruling(intent, &of, Some(600)), RULING - 1);
    let title = "A ruling in the last second";
    let message = ("command", &all, NOW + RULING - 1);
    t.accept("contested/last", title, S, "DSP-13", message, ("refunded", &|w| w.model.refund(intent, 600)));
    world.tick(NOW + RULING);
    let mut t = Commands::new(sheet, "unruled", world, NEEDS);
    let late = later(&ruling(intent, &of, Some(600)), RULING);
    let title = "A ruling when its time has come: nothing has gone back";
    let twin = ("contested/last", "now");
    t.refuse("contested/unruled", title, S, Code::DisputeUnknown, ("command", &late, NOW + RULING), twin);
    t.last(|case| case.clauses("DSP-13"));
}
