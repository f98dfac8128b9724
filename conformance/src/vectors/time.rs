//! Windows and ages, to the second.

use purser_protocol::code::Code;
use purser_test_vectors::{Area, Case};

use super::cbor::Item;
use super::forge::{By, Forge};
use super::issuer::{Commands, Payments};
use super::keys;
use super::papers::{NOW, Papers, agent_key, honest};
use super::sheet::{Build as _, Sheet, Shows};
use super::world::{DAY, HOUR, Scene, World, account, deposit, enrolment, mandate_command, plenty, quota};

/// Five years of 366 days.
const LONGEST: u64 = 158_112_000;

pub(super) fn area() -> Area {
    let about = "Every time at which something begins, ends or is too old: the last second that is right and the first that is not.";
    let mut sheet = Sheet::new("time", about);
    let base = ("base", "Papers of their time", "AUT-20 AUT-21 AUT-22 AUT-23 AUT-24 AUT-25 AUT-28 ENC-24 MOD-2");
    let mut t = Payments::new(&mut sheet, ("account", World::new()), base, Scene::new("time"));
    offers(&mut t);
    intents(&mut t);
    mandates(&mut t);
    expired(&mut sheet);
    registered(&mut sheet);
    expired_in_chains(&mut sheet);
    backwards(&mut sheet);
    commands(&mut sheet);
    credentials(&mut sheet);
    lifetimes(&mut sheet);
    sheet.finish()
}

fn offers(t: &mut Payments<'_>) {
    let made = |at: u64| {
        move |s: &mut Scene| {
            s.offer(|o| o.with(6, at).with(4, at + 900));
            s.intent(6, NOW + 1);
        }
    };
    t.beside(
        "offer/made-later",
        "An offer of eleven seconds later",
        Shows("M32 M35", "B13"),
        Code::OfferNotYetValid,
        [&made(NOW + 10), &made(NOW + 11)],
    );
    t.refuse(
        "offer/made-an-hour-later",
        "An offer of an hour later",
        Shows("M32", "B13"),
        Code::OfferNotYetValid,
        |s| made(NOW + 3_600)(s),
    );
    t.accept("offer/made-now", "An offer of this second", Shows("M35", ""), "AUT-22", made(NOW));
    t.accept(
        "offer/made-a-second-later",
        "An offer of a second later",
        Shows("M35", ""),
        "AUT-22 ENC-24",
        made(NOW + 1),
    );
    t.beside(
        "offer/ends",
        "An offer that ends with this second",
        Shows("M30", "B13"),
        Code::OfferExpired,
        [&|s| s.offer(|o| o.with(4, NOW + 1)), &|s| s.offer(|o| o.with(4, NOW))],
    );
    t.refuse(
        "offer/ended",
        "An offer that ended a second ago: there is no allowance at the end",
        Shows("M30 M35", "B13"),
        Code::OfferExpired,
        |s| s.offer(|o| o.with(4, NOW - 1)),
    );
    t.last(|case| case.clauses("ENC-24"));
    t.beside(
        "offer/window",
        "An offer for longer than an hour",
        Shows("M33", ""),
        Code::LifetimeExceeded,
        [&|s| s.offer(|o| o.with(4, NOW - 60 + 3_600)), &|s| s.offer(|o| o.with(4, NOW - 60 + 3_601))],
    );
    t.accept("offer/window-held", "An offer for an hour, captured by command", Shows("M33", ""), "AUT-28", |s| {
        s.offer(|o| o.with(4, NOW - 60 + 3_600).with(-24, 2))
    });
    t.last(|case| case.needs("core holds"));
    t.refuse(
        "offer/window-before-expiry",
        "An offer for longer than an hour that has ended",
        Shows("M33", ""),
        Code::LifetimeExceeded,
        |s| {
            s.offer(|o| o.with(6, NOW - 7_300).with(4, NOW - 60));
        },
    );
    t.last(|case| case.clauses("AUT-9").unpeeled());
}

fn intents(t: &mut Payments<'_>) {
    t.beside(
        "intent/made-later",
        "An intent of eleven seconds later",
        Shows("M32 M35", ""),
        Code::IntentInFuture,
        [&|s| s.intent(6, NOW + 10), &|s| s.intent(6, NOW + 11)],
    );
    t.accept("intent/made-now", "An intent of this second", Shows("M35", ""), "AUT-24", |s| s.intent(6, NOW));
    t.beside(
        "intent/before-its-offer",
        "An intent of eleven seconds before its offer",
        Shows("M35", "B8"),
        Code::IntentStale,
        [&|s| s.intent(6, NOW - 70), &|s| s.intent(6, NOW - 71)],
    );
    t.refuse(
        "intent/hour-before",
        "An intent of an hour before its offer",
        Shows("M35", "B8"),
        Code::IntentStale,
        |s| s.intent(6, NOW - 3_600),
    );
    t.refuse("intent/days-ago", "An intent of two days before its offer", Shows("M35", "B8"), Code::IntentStale, |s| {
        s.intent(6, NOW - 2 * DAY)
    });
    t.refuse(
        "intent/milliseconds",
        "An intent whose time is in milliseconds",
        Shows("M32 M34", ""),
        Code::IntentInFuture,
        |s| s.intent(6, (NOW - 10) * 100),
    );
    let latest = 253_402_300_799_u64;
    t.refuse(
        "intent/year-9999",
        "An intent of the last second of the year 9999",
        Shows("M34", ""),
        Code::IntentInFuture,
        |s| s.intent(6, latest),
    );
}

fn mandates(t: &mut Payments<'_>) {
    t.beside(
        "mandate/begins",
        "A mandate that begins a second later",
        Shows("M30", "A16"),
        Code::MandateNotYetValid,
        [&|s| s.mandate(|m| m.with(5, NOW)), &|s| s.mandate(|m| m.with(5, NOW + 1))],
    );
    let lasts = |seconds: u64| move |s: &mut Scene| s.mandate(|m| m.with(4, NOW - DAY + seconds));
    t.accept("mandate/window-longest", "A mandate for five years", Shows("M33", ""), "AUT-28", lasts(LONGEST));
    t.refuse_registration(
        "mandate/window",
        "A mandate for five years and a second",
        Shows("M33", ""),
        Code::LifetimeExceeded,
        ("mandate/window-longest", &lasts(LONGEST + 1)),
    );
    t.refuse_registration(
        "mandate/window-of-ten-years",
        "A mandate for ten years",
        Shows("M33", ""),
        Code::LifetimeExceeded,
        ("mandate/window-longest", &lasts(2 * LONGEST)),
    );
    t.accept("mandate/last-second", "A mandate in its last second", Shows("M30", "A16"), "AUT-21", |s| {
        s.mandate(|m| m.with(4, NOW + 1))
    });
    t.refuse_registration(
        "mandate/ended-on-arrival",
        "A mandate that comes along, and ends with this second",
        Shows("M30", "A16"),
        Code::MandateExpired,
        ("mandate/last-second", &|s| s.mandate(|m| m.with(4, NOW))),
    );
    t.accept("mandate/made-ten-later", "A mandate of ten seconds later", Shows("M32 M35", ""), "MAN-15", |s| {
        s.mandate(|m| m.with(6, NOW + 10))
    });
    t.refuse_registration(
        "mandate/made-later",
        "A mandate of eleven seconds later",
        Shows("M32 M35", ""),
        Code::MandateNotYetValid,
        ("mandate/made-ten-later", &|s| s.mandate(|m| m.with(6, NOW + 11))),
    );
    t.last(|case| case.clauses("MAN-15"));
}

/// Mandates that were registered in their time.
fn expired(sheet: &mut Sheet) {
    let setup = |exp: u64| {
        let mut world = World::new();
        let mut scene = Scene::new("registered");
        scene.mandate(|m| m.with(4, exp));
        let mandate = scene.papers().mandates.remove(0);
        world.register(&mandate);
        (world, scene.known())
    };
    let (world, scene) = setup(NOW + 1);
    let base = ("mandate/registered-last-second", "A registered mandate in its last second", "AUT-21");
    Payments::new(sheet, ("ends-next-second", world), base, scene);
    let (world, scene) = setup(NOW);
    sheet.setup("ends-now", world.setup());
    let mut t = Payments::continuing(sheet, "ends-now", world, scene, "mandate/registered-last-second");
    t.refuse(
        "mandate/registered-ended",
        "A registered mandate that ends with this second",
        Shows("M30", "A16"),
        Code::MandateExpired,
        |_| {},
    );
    let (world, scene) = setup(NOW - 60);
    sheet.setup("ended-a-minute-ago", world.setup());
    let mut t = Payments::continuing(sheet, "ended-a-minute-ago", world, scene, "mandate/registered-last-second");
    t.refuse(
        "mandate/registered-ended-a-minute-ago",
        "A registered mandate that ended a minute ago",
        Shows("M30", "A16"),
        Code::MandateExpired,
        |_| {},
    );
}

/// Mandates that are registered by themselves.
fn registered(sheet: &mut Sheet) {
    let mut t = Commands::new(sheet, "before-mandates", World::new(), "core");
    let of = |exp: u64, nbf: u64, iat: u64| {
        Forge::new("mandate", quota("main", plenty()).with(4, exp).with(5, nbf).with(6, iat), By::Key("payer"))
    };
    let usual = (NOW + 30 * DAY, NOW - DAY, NOW - HOUR);
    let rows: [(&str, &str, Forge, [(&str, &str, Forge); 2], Code, &str); 3] = [
        (
            "lasts",
            "A mandate, registered in its last second",
            of(NOW + 1, usual.1, usual.2),
            [
                ("ends", "A mandate, registered in the second in which it ends", of(NOW, usual.1, usual.2)),
                ("ended", "A mandate, registered an hour after its end", of(NOW - HOUR, usual.1, usual.2)),
            ],
            Code::MandateExpired,
            "AUT-21",
        ),
        (
            "ten-later",
            "A mandate of ten seconds later, registered by itself",
            of(usual.0, usual.1, NOW + 10),
            [
                (
                    "eleven-later",
                    "A mandate of eleven seconds later, registered by itself",
                    of(usual.0, usual.1, NOW + 11),
                ),
                ("day-later", "A mandate of a day later, registered by itself", of(usual.0, usual.1, NOW + DAY)),
            ],
            Code::MandateNotYetValid,
            "MAN-15",
        ),
        (
            "longest",
            "A mandate for five years, registered by itself",
            of(usual.1 + LONGEST, usual.1, usual.2),
            [
                (
                    "too-long",
                    "A mandate for five years and a second, registered by itself",
                    of(usual.1 + LONGEST + 1, usual.1, usual.2),
                ),
                (
                    "century",
                    "A mandate for fifty years, registered by itself",
                    of(usual.1 + 10 * LONGEST, usual.1, usual.2),
                ),
            ],
            Code::LifetimeExceeded,
            "AUT-28",
        ),
    ];
    for (id, title, good, bad, code, clause) in rows {
        let twin = format!("register/{id}");
        let effect = |w: &mut World| w.registered(&good);
        t.accept(&twin, title, Shows("M30 M33", "A16"), clause, ("mandate", &good, NOW), ("recorded", &effect));
        for (id, title, paper) in bad {
            let id = format!("register/{id}");
            t.refuse(&id, title, Shows("M30 M33", "A16"), code, ("mandate", &paper, NOW), (&twin, "time"));
            t.last(|case| case.clauses(clause));
        }
    }
}

/// Chains whose mandates were registered in their time, and of which one has ended or not begun.
fn expired_in_chains(sheet: &mut Sheet) {
    let setup = |place: usize, change: &dyn Fn(Item) -> Item| {
        let mut world = World::new();
        let mut scene = Scene::new("registered");
        scene.mandates.push((quota("sub", plenty()).with(8, agent_key("sub-agent")), "agent"));
        scene.agent = By::Key("sub-agent");
        scene.mandates[place].0 = change(scene.mandates[place].0.clone());
        scene.papers().mandates.iter().for_each(|mandate| world.register(mandate));
        (world, scene.known())
    };
    let names = ["root", "last"];
    for (place, name) in names.into_iter().enumerate() {
        let rows: [(&str, &str, i64, [u64; 2], Code); 2] = [
            ("ended", "ends with this second", 4, [NOW + 1, NOW], Code::MandateExpired),
            ("begins", "begins a second later", 5, [NOW, NOW + 1], Code::MandateNotYetValid),
        ];
        for (id, words, label, [good, bad], code) in rows {
            let twin = format!("chain/{id}-{name}-twin");
            let (world, scene) = setup(place, &|m| m.with(label, good));
            let title = format!("A chain whose {name} mandate is in its first or last second");
            let mut t = Payments::new(sheet, (&twin, world), (&twin, &title, code.clause()), scene);
            t.last(|case| case.shows(Shows("M30 M45", "A16")).needs("core delegation"));
            let (world, scene) = setup(place, &|m| m.with(label, bad));
            let setup = format!("chain/{id}-{name}");
            sheet.setup(&setup, world.setup());
            let mut t = Payments::continuing(sheet, &setup, world, scene, &twin);
            t.needs("core delegation");
            let title = format!("A chain whose {name} mandate {words}");
            t.refuse(&setup, &title, Shows("M30 M45", "A16"), code, |_| {});
        }
    }
}

/// A clock that is set back opens nothing.
fn backwards(sheet: &mut Sheet) {
    let mut world = World::new();
    let scene = Scene::new("first");
    world.pay(&scene);
    let mut later = scene.known();
    later.offer = super::world::tea("second", 1_000);
    later.now = NOW - 100;
    let base = ("backwards/base", "A payment after the clock was set back by a hundred seconds", "AUT-4");
    let mut t = Payments::new(sheet, ("paid-once", world), base, later);
    t.refuse(
        "backwards/ended",
        "An offer that ended before the last decision, when the clock is set back",
        Shows("M35", "A16"),
        Code::OfferExpired,
        |s| s.offer(|o| o.with(4, NOW - 50)),
    );
    t.last(|case| case.clauses("AUT-4"));
}

fn commands(sheet: &mut Sheet) {
    let mut world = World::new();
    let mandate = Forge::new("mandate", quota("main", plenty()), By::Key("payer"));
    world.register(&mandate);
    let id = mandate.id();
    let mut t = Commands::new(sheet, "registered", world, "sandbox");
    let paid_in = |at: u64| deposit("ann", "payer", 100, "CNY", keys::sixteen("a deposit")).says(|p| p.with(6, at));
    let one = |at: u64| (at, paid_in(at));
    let grown: super::issuer::Effect<'_> = &|world| world.model.deposit(account("ann"), "CNY", 100);
    for (id, title, (_, paper)) in [
        ("command/ten-later", "A deposit of ten seconds later", one(NOW + 10)),
        ("command/day-old", "A deposit of a day ago", one(NOW - DAY)),
    ] {
        t.accept(id, title, Shows("M35", ""), "CMD-2", ("command", &paper, NOW), ("recorded", grown));
    }
    let stale = Code::CommandStale;
    t.refuse(
        "command/later",
        "A deposit of eleven seconds later",
        Shows("M32 M35", ""),
        stale,
        ("command", &paid_in(NOW + 11), NOW),
        ("command/ten-later", "iat"),
    );
    t.last(|case| case.clauses("CMD-27"));
    t.refuse(
        "command/too-old",
        "A deposit of a day and a second ago",
        Shows("M35", ""),
        stale,
        ("command", &paid_in(NOW - DAY - 1), NOW),
        ("command/day-old", "iat"),
    );
    t.last(|case| case.clauses("CMD-27"));

    let stop = |at: u64| mandate_command("suspension", "payer", &[id]).says(|p| p.with(6, at));
    t.accept(
        "suspension/day-old",
        "A suspension of a day ago",
        Shows("M35", "A17"),
        "CMD-2",
        ("command", &stop(NOW - DAY), NOW),
        ("recorded", &|world| world.model.stand(id, "suspended")),
    );
    t.refuse(
        "suspension/too-old",
        "A suspension of a day and a second ago",
        Shows("M35", ""),
        stale,
        ("command", &stop(NOW - DAY - 1), NOW),
        ("suspension/day-old", "iat"),
    );
    t.refuse(
        "suspension/later",
        "A suspension of eleven seconds later",
        Shows("M32", ""),
        stale,
        ("command", &stop(NOW + 11), NOW),
        ("suspension/day-old", "iat"),
    );
}

/// A key of the payer's is good for five years from when it was enrolled.
fn credentials(sheet: &mut Sheet) {
    let last_second = World::empty_at(NOW + 1 - LONGEST);
    let ended = World::empty_at(NOW - LONGEST);
    let shows = Shows("M30 M33", "A16");
    let scene = Scene::new("credential");
    let mandate = scene.papers().mandates.remove(0);
    let registered = |world: &World| {
        let mut world = world.clone();
        world.register(&mandate);
        world
    };
    let base = ("credential/last-second", "A payment in the last second of the payer's credential", "AUT-27");
    Payments::new(sheet, ("credential-lasts", registered(&last_second)), base, scene.clone().known());
    let known = scene.clone().known();
    sheet.setup("credential-ended", registered(&ended).setup());
    let mut t = Payments::continuing(sheet, "credential-ended", registered(&ended), known, "credential/last-second");
    t.refuse(
        "credential/ended",
        "A payment under a mandate of a key whose credential ends with this second",
        shows,
        Code::CredentialExpired,
        |_| {},
    );

    // A second key, enrolled later, signs the mandate; the first one confirms.
    let two_keys = |world: &World| {
        let mut world = world.clone();
        let nonce = world.nonce();
        let second = enrolment(Some("ann"), "payer-2", "payer", nonce);
        let second = second.says(|p| p.with(2, account("ann")));
        world.send("account", &second.bytes(), NOW - DAY);
        world
    };
    let mut asks = scene;
    asks.mandates[0].1 = "payer-2";
    asks.rule(20, true);
    asks.confirmation = Some(Vec::new());
    let world = two_keys(&last_second);
    let base = ("credential/confirms-last-second", "A yes in the last second of its key's credential", "AUT-27");
    let mut t = Payments::new(sheet, ("two-keys", world), base, asks.clone());
    t.last(|case| case.needs("core confirmation"));
    let world = two_keys(&ended);
    sheet.setup("two-keys-one-ended", world.setup());
    let mut t = Payments::continuing(sheet, "two-keys-one-ended", world, asks, "credential/confirms-last-second");
    t.needs("core confirmation");
    t.refuse(
        "credential/confirms-ended",
        "A yes of a key whose credential ends with this second",
        shows,
        Code::CredentialExpired,
        |_| {},
    );
    t.accept("credential/confirms-other", "A yes of the key that lasts", shows, "AUT-27", |s| {
        s.confirmed_by = "payer-2"
    });
}

/// Papers of an issuer that may not last longer than their kind.
fn lifetimes(sheet: &mut Sheet) {
    let too_long = (Code::LifetimeExceeded, Code::LifetimeExceeded.stages()[0]);
    for (kind, seconds, clause, title) in
        [("pseudonym", 31 * DAY, "INT-3", "A pseudonym for 31 days"), ("status", 60, "REV-9", "A status for a minute")]
    {
        let base = honest(kind).says(|p| p.with(4, NOW + seconds));
        let id = format!("{kind}/longest");
        let mut t = Papers::new(sheet, &id, title, clause, base);
        t.accept(&format!("{kind}/shorter"), &format!("{title}, less a second"), Shows("M33", ""), clause, |f| {
            f.payload = f.payload.clone().with(4, NOW + seconds - 1)
        });
        t.refuse(&format!("{kind}/too-long"), &format!("{title} and a second"), Shows("M33", ""), too_long, |f| {
            f.payload = f.payload.clone().with(4, NOW + seconds + 1)
        });
        t.last(|case| peeled(case, clause));
        t.refuse(&format!("{kind}/for-a-year"), &format!("{title} and a year"), Shows("M33", ""), too_long, |f| {
            f.payload = f.payload.clone().with(4, NOW + seconds + 365 * DAY)
        });
        t.last(|case| peeled(case, clause));
    }
}

/// The same with the clause of its kind as the one that decides.
pub(super) fn peeled(mut case: Case, clause: &str) -> Case {
    case.clauses = vec![clause.to_owned()];
    case.peel = Some(clause.to_owned());
    case
}
