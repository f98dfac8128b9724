//! Subscriptions: a merchant that holds a mandate of terms is paid for the one that now belongs to, once.

use purser_protocol::code::Code;

use crate::vectors::cbor::{Item, labelled, seq};
use crate::vectors::forge::By;
use crate::vectors::issuer::Payments;
use crate::vectors::papers::NOW;
use crate::vectors::sheet::{Build as _, Sheet, Shows};
use crate::vectors::world::{DAY, Scene, World, mandate_command, merchant_command, plenty, priced, tea};

/// The 31st of January 2030, at ten in Shanghai; the second term from there began on the 28th of February.
const ANCHOR: u64 = 1_896_055_200;
const SECOND: u64 = 1_898_474_400;
const THIRD: u64 = 1_901_152_800;
const H: Shows = Shows("M16", "H2");

pub(super) fn cases(sheet: &mut Sheet) {
    terms(sheet);
    once(sheet);
    given_back(sheet);
    stopped(sheet);
}

/// One payment in each month from the anchor, and the person is asked above ten yuan.
fn caps(anchor: u64) -> Item {
    let period = seq([3.into(), 3.into(), "Asia/Shanghai".into(), anchor.into()]);
    plenty().with(6, seq([seq([1.into(), period])])).with(21, 1_000)
}

/// Ten yuan for the second month, by the merchant's own intent.
fn subscribed(name: &str) -> Scene {
    let mut scene = Scene::new(name);
    scene.caps(caps(ANCHOR));
    scene.mandate(|m| m.with(8, labelled([(-1, "tea.example".into())])).with(5, ANCHOR - DAY).with(6, ANCHOR - DAY));
    scene.offer(|o| o.with(-23, 3));
    scene.agent = By::Certificate("merchant");
    scene.intent(-30, 2);
    scene
}

/// The same, at another time.
fn at(mut scene: Scene, name: &str, now: u64, number: u64) -> Scene {
    scene.now = now;
    scene.offer = tea(name, 1_000).with(-23, 3).with(6, now - 60).with(4, now + 840);
    scene.intent = vec![(6, Some((now - 10).into())), (-30, Some(number.into()))];
    scene
}

fn terms(sheet: &mut Sheet) {
    let base = ("subscription/base", "The second month, in it", "TOK-48 AUT-47 RUL-6 RUL-19 RUL-25");
    let world = World::empty_at(ANCHOR - DAY);
    let mut t = Payments::new(sheet, ("subscribed", world), base, subscribed("subscription"));
    t.last(|case| case.needs("core held-mandates"));
    t.needs("core held-mandates");
    let wrong = |t: &mut Payments<'_>, id: &str, title: &str, change: &dyn Fn(&mut Scene)| {
        t.refuse(id, title, H, Code::PeriodMismatch, change);
        t.last(|case| case.clauses("TOK-48"));
    };
    wrong(&mut t, "subscription/missed", "The first month, in the second", &|s| s.intent(-30, 1));
    wrong(&mut t, "subscription/ahead", "The third month, in the second", &|s| s.intent(-30, 3));
    wrong(&mut t, "subscription/charge", "An offer that is no subscription, by the same mandate", &|s| {
        s.offer(|o| o.with(-23, 1));
        s.intent.push((-30, None));
    });
    t.accept("subscription/anchor", "The first month, in its first second", H, "TOK-48", |s| {
        s.caps(caps(NOW));
        s.intent(-30, 1);
    });
    t.refuse_like(
        "subscription/trial",
        "The first month, in the second before it: a trial ends where the terms begin",
        H,
        Code::PeriodMismatch,
        ("subscription/anchor", &|s| {
            s.caps(caps(NOW + 1));
            s.intent(-30, 1);
        }),
    );
    t.last(|case| case.clauses("TOK-48"));
    t.accept("subscription/agent", "An agent's mandate of terms, and another number", H, "AUT-47", |s| {
        s.mandate(|m| m.with(8, crate::vectors::papers::agent_key("agent")));
        s.agent = By::Key("agent");
        s.intent(-30, 7);
    });
    t.ask("subscription/rise", "A price above the one that was agreed", H, "RUL-19", |s| {
        s.offer(|o| priced(o, 1_001));
    });
    t.accept("subscription/less", "A price below the one that was agreed", H, "RUL-19", |s| {
        s.offer(|o| priced(o, 500));
    });
}

/// One charge a term, and no piling up of those that were missed.
fn once(sheet: &mut Sheet) {
    let mut world = World::empty_at(ANCHOR - DAY);
    let first = at(subscribed("january"), "january", ANCHOR, 1);
    world.pay(&first);
    let next = at(first.known(), "february", THIRD - 1, 2);
    let base = ("subscription/next", "The next month, in its last second", "TOK-48 RUL-6 RUL-25");
    let mut t = Payments::new(sheet, ("january-paid", world.clone()), base, next.clone());
    t.last(|case| case.needs("core held-mandates"));
    let after_gap = at(next.clone(), "march", THIRD, 3);
    let base = ("subscription/after-a-gap", "The third month, where the second was never paid", "TOK-48 RUL-6");
    let mut t = Payments::new(sheet, ("february-missed", world.clone()), base, after_gap.clone());
    t.last(|case| case.needs("core held-mandates"));

    world.pay(&after_gap);
    sheet.setup("march-paid", world.setup());
    let again = at(after_gap, "march again", THIRD + DAY, 3);
    let mut t = Payments::continuing(sheet, "march-paid", world, again, "subscription/after-a-gap");
    t.needs("core held-mandates");
    t.refuse("subscription/twice", "A month for the second time", H, Code::RuleCountPeriod, |_| {});
    t.refuse_like(
        "subscription/pile",
        "A month that was missed, after the next one was paid",
        H,
        Code::PeriodMismatch,
        ("subscription/after-a-gap", &|s| s.intent(-30, 2)),
    );
    t.last(|case| case.clauses("TOK-48"));
}

/// A charge that went back was one.
fn given_back(sheet: &mut Sheet) {
    let mut world = World::empty_at(ANCHOR - DAY);
    let mut first = at(subscribed("february"), "february", SECOND, 2);
    first.mandate(|m| m.with(-18, true));
    let intent = world.pay(&first);
    let all = [(-5, 1_000.into()), (-6, "CNY".into())];
    let refund = merchant_command("refund", "merchant", intent, &all).says(|p| p.with(6, SECOND + 50));
    world.send("command", &refund.bytes(), SECOND + 60);
    world.model.refund(intent, 1_000);
    sheet.setup("february-given-back", world.setup());
    let again = at(first.known(), "february again", THIRD - 1, 2);
    let mut t = Payments::continuing(sheet, "february-given-back", world, again, "subscription/next");
    t.needs("core held-mandates");
    let title = "A month that was paid and given back";
    t.refuse("subscription/given-back", title, H, Code::RuleCountPeriod, |_| {});
    t.last(|case| case.clauses("MAN-23"));
}

/// The payer pauses it, and ends it.
fn stopped(sheet: &mut Sheet) {
    for (id, command, title, code) in [
        ("paused", "suspension", "A month under a mandate that rests", Code::MandateSuspended),
        ("ended", "revocation", "A month under a mandate that has ended", Code::MandateRevoked),
    ] {
        let mut world = World::empty_at(ANCHOR - DAY);
        let first = at(subscribed("january"), "january", ANCHOR, 1);
        world.pay(&first);
        let mandate = first.papers().mandates.remove(0).id();
        let paper = mandate_command(command, "payer", &[mandate]).says(|p| p.with(6, SECOND - 10));
        world.send("command", &paper.bytes(), SECOND - 5);
        world.model.stand(mandate, if command == "suspension" { "suspended" } else { "revoked" });
        let setup = format!("subscription-{id}");
        sheet.setup(&setup, world.setup());
        let next = at(first.known(), "february", SECOND, 2);
        let mut t = Payments::continuing(sheet, &setup, world, next, "subscription/next");
        t.needs("core held-mandates");
        t.refuse(&format!("subscription/{id}"), title, H, code, |_| {});
    }
}
