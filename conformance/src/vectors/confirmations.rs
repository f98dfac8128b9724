//! What the person is asked, and what a yes is worth.

mod waiting;

use purser_protocol::code::{Code, Stage};
use purser_test_vectors::{Area, Call, Case, Expect};
use serde_json::json;

use self::waiting::{answers, full, waiting};
use super::cbor::{Item, labelled, seq};
use super::forge::{By, Forge};
use super::issuer::{Commands, Payments};
use super::papers::NOW;
use super::sheet::{Build as _, Expecting as _, Sheet, Shows, accepted, call, case, refused, refused_by_issuer};
use super::world::{Scene, World, account, cancel, lined, plenty, priced, receive, tea};
use super::{hex, keys};

pub(super) fn area() -> Area {
    let about = "Rules that ask, payments that wait, and confirmations: whose, for what, and when.";
    let mut sheet = Sheet::new("confirmations", about);
    asking(&mut sheet);
    known_merchants(&mut sheet);
    together(&mut sheet);
    answers(&mut sheet);
    waiting(&mut sheet);
    full(&mut sheet);
    sheet.finish()
}

const NEEDS: &str = "core confirmation";

fn asking(sheet: &mut Sheet) {
    let base = ("ask/nothing", "A payment that no rule asks about", "CNF-1");
    let mut t = Payments::new(sheet, ("account", World::new()), base, Scene::new("asking"));
    t.last(|case| case.needs(NEEDS));
    t.needs(NEEDS);
    let m08 = Shows("M08", "A10");
    t.accept("ask/above-at-limit", "ask_above: at the limit", m08, "RUL-19", |s| s.rule(21, 1_000));
    t.ask("ask/above", "ask_above: a unit above the limit", m08, "RUL-19 CNF-1 CNF-5 CNF-6 AUT-53", |s| {
        s.rule(21, 999)
    });
    t.ask("ask/above-nothing", "ask_above nothing", m08, "RUL-19 CNF-1", |s| s.rule(21, 0));
    t.ask("ask/first", "ask_first: a merchant that was never paid", Shows("", "A10"), "RUL-18 CNF-1", |s| {
        s.rule(20, true)
    });
    t.accept("ask/above-in-grant", "ask_above in a grant: at the limit", m08, "RUL-19", |s| {
        s.mandate(|m| m.without(-15).with(-12, 2).with(-16, seq([labelled([(1, 5_000.into()), (21, 1_000.into())])])))
    });
    t.ask("ask/above-by-one-in-grant", "ask_above in a grant: a unit above", m08, "RUL-19", |s| {
        s.mandate(|m| m.without(-15).with(-12, 2).with(-16, seq([labelled([(1, 5_000.into()), (21, 999.into())])])))
    });
    // Nobody is asked about what could not be made.
    t.refuse("ask/and-refuse", "A rule that asks, and one of a higher label that refuses: asking refuses nothing, and refusing needs no answer", m08, Code::RuleTotal, |s| {
        s.caps(labelled([(3, 999.into()), (20, true.into())]));
    });
    t.last(|case| case.clauses("AUT-53"));
    t.refuse("ask/and-no-money", "A rule that asks, and no money", Shows("M14", ""), Code::InsufficientFunds, |s| {
        s.caps(labelled([(3, 9_000_000.into()), (20, true.into())]));
        s.offer(|o| priced(o, 2_000_000));
    });
    t.last(|case| case.clauses("AUT-56"));
    let grants = |list: Vec<Item>| {
        move |s: &mut Scene| s.mandate(|m| m.without(-15).with(-12, 2).with(-16, Item::List(list.clone())))
    };
    let asks = || labelled([(1, 5_000.into()), (20, true.into())]);
    let quiet = || labelled([(1, 1_000.into())]);
    t.accept(
        "ask/second-grant-is-quiet",
        "Two grants that hold, of which the first asks and the second does not",
        Shows("M12", ""),
        "CND-3",
        grants(vec![asks(), quiet()]),
    );
    t.ask(
        "ask/both-grants-ask",
        "Two grants that hold, and both ask",
        Shows("M12", ""),
        "CND-3",
        grants(vec![asks(), asks().with(1, 6_000)]),
    );
    t.accept(
        "ask/third-grant-is-quiet",
        "Three grants that hold, of which the last alone does not ask",
        Shows("M12", ""),
        "CND-3",
        grants(vec![asks(), asks().with(1, 6_000), quiet()]),
    );
    t.accept(
        "ask/above-in-another-grant",
        "Two grants that hold, of which the first asks above an amount",
        Shows("M12", ""),
        "CND-3",
        grants(vec![labelled([(1, 5_000.into()), (21, 999.into())]), quiet()]),
    );
    t.needs("core confirmation delegation");
    t.ask(
        "ask/link-below",
        "A mandate below that asks, under one that does not",
        Shows("M45", "A13"),
        "AUT-50 CNF-13",
        |s| {
            let below =
                super::world::quota("sub", plenty().with(20, true)).with(8, super::papers::agent_key("sub-agent"));
            s.mandates.push((below, "agent"));
            s.agent = By::Key("sub-agent");
        },
    );
}

/// `ask_first`, after payments to this merchant and to others.
fn known_merchants(sheet: &mut Sheet) {
    let earlier = |change: &dyn Fn(&mut Scene)| {
        let mut scene = Scene::new("earlier");
        change(&mut scene);
        scene
    };
    let after = |world: &mut World| {
        // Another mandate of the same account: what is known of a merchant is the account's.
        let mut scene = Scene::new("later");
        scene.mandate(|m| m.with(-10, keys::sixteen("a lineage that asks")));
        scene.rule(20, true);
        world.register(&scene.papers().mandates[0]);
        scene.known()
    };
    let shows = Shows("", "A10");
    let rows: [(&str, &str, &dyn Fn(&mut Scene), bool); 3] = [
        ("first/paid", "ask_first: a merchant that the account has paid", &|_| {}, false),
        ("first/held", "ask_first: a merchant for whom money is held", &|s| s.offer(|o| o.with(-24, 2)), false),
        (
            "first/paid-another",
            "ask_first: another merchant was paid",
            &|s| {
                s.offer(|o| lined(o.with(1, "rice.example"), 3, Some(5_411.into())));
                s.merchant = "other-merchant";
            },
            true,
        ),
    ];
    for (id, title, change, asks) in rows {
        let mut world = World::new();
        let scene = earlier(change);
        world.pay(&scene);
        let scene = after(&mut world);
        sheet.setup(id, world.setup());
        let mut t = Payments::continuing(sheet, id, world, scene, "first/paid");
        t.needs(if id == "first/held" { "core confirmation holds" } else { NEEDS });
        if asks {
            t.ask(id, title, shows, "RUL-18 CNF-1", |_| {});
        } else {
            t.accept(id, title, shows, "RUL-18", |_| {});
        }
    }
    // A payment that was refused makes nobody known.
    let mut world = World::new();
    let refused = earlier(&|s| s.rule(1, 999));
    world.register(&refused.papers().mandates[0]);
    let refused = refused.known();
    let scene = after(&mut world);
    let mut setup = world.setup();
    let mut call = call("issuer.receive", receive("payment", &refused.body(), NOW, keys::sixteen("refused")));
    call.expect = Some(refused_by_issuer(Code::RuleAmountMax));
    setup.push(call);
    world.closed(&refused, "refused");
    let mut t = Payments::continuing(sheet, "first/refused", world, scene, "first/paid");
    t.needs(NEEDS);
    t.ask("first/refused", "ask_first: a payment to the merchant was refused", shows, "RUL-18 CNF-1", |_| {});
    sheet.setup("first/refused", setup);
}

/// A confirmation that comes with the intent.
fn together(sheet: &mut Sheet) {
    let mut scene = Scene::new("together");
    scene.rule(20, true);
    scene.confirmation = Some(Vec::new());
    let base = ("together/base", "A payment with the payer's confirmation along", "CNF-13 AUT-26 AUT-45 SIG-14");
    let mut t = Payments::new(sheet, ("account", World::new()), base, scene);
    t.last(|case| case.needs(NEEDS));
    t.needs(NEEDS);
    let says = |label: i64, value: Item| move |s: &mut Scene| s.confirmation = Some(vec![(label, Some(value.clone()))]);
    let (m05, m06, m07) = (Shows("M05 M35", "A11"), Shows("M06", "A11"), Shows("M07", "A10 A15"));
    t.beside(
        "together/old",
        "A confirmation of before its intent, by eleven seconds",
        m05,
        Code::ConfirmationStale,
        [&says(6, (NOW - 20).into()), &says(6, (NOW - 21).into())],
    );
    t.beside(
        "together/later",
        "A confirmation of eleven seconds later",
        Shows("M32 M35", "A11"),
        Code::ConfirmationStale,
        [&says(6, (NOW + 10).into()), &says(6, (NOW + 11).into())],
    );
    let aged = |age: u64| {
        move |s: &mut Scene| {
            s.offer(|o| o.with(6, NOW - 950).with(4, NOW + 60));
            s.intent(6, NOW - 930);
            s.confirmation = Some(vec![(6, Some((NOW - age).into()))]);
        }
    };
    t.beside(
        "together/quarter-of-an-hour",
        "A confirmation of 901 seconds ago",
        m05,
        Code::ConfirmationStale,
        [&aged(900), &aged(901)],
    );
    t.refuse_like(
        "together/half-an-hour",
        "A confirmation of half an hour ago",
        m05,
        Code::ConfirmationStale,
        ("together/quarter-of-an-hour-twin", &|s: &mut Scene| {
            s.offer(|o| o.with(6, NOW - 1_950).with(4, NOW + 60));
            s.intent(6, NOW - 1_930);
            s.confirmation = Some(vec![(6, Some((NOW - 1_800).into()))]);
        }),
    );
    t.refuse(
        "together/another-intent",
        "A confirmation of another intent",
        m06,
        Code::ConfirmationMismatch,
        says(-4, keys::thirty_two("another intent").into()),
    );
    t.refuse(
        "together/offer-as-intent",
        "A confirmation that names something else than the intent",
        m06,
        Code::ConfirmationMismatch,
        says(-4, keys::thirty_two("something else").into()),
    );
    t.refuse(
        "together/another-issuer",
        "A confirmation for another issuer",
        Shows("M37", "B10"),
        Code::ConfirmationMismatch,
        says(3, "other-issuer.example".into()),
    );
    t.refuse("together/by-agent", "A confirmation signed by the agent", m07, Code::CommandSigner, |s| {
        s.confirmed_by = "agent"
    });
    t.refuse("together/by-thief", "A confirmation signed by a stranger", m07, Code::CommandSigner, |s| {
        s.confirmed_by = "thief"
    });
    t.refuse(
        "together/by-another-payer",
        "A confirmation signed by another account's key",
        m07,
        Code::CommandSigner,
        |s| s.confirmed_by = "other-payer",
    );
    t.refuse(
        "together/of-another-account",
        "A confirmation of another account, signed by its key",
        m06,
        Code::ConfirmationMismatch,
        |s| {
            s.confirmed_by = "other-payer";
            s.confirmation = Some(vec![(2, Some(account("bob").into()))]);
        },
    );
    t.refuse(
        "together/issuer-prefix",
        "A confirmation for an issuer whose name begins like this one's",
        Shows("M37 M41", "B10"),
        Code::ConfirmationMismatch,
        says(3, "issuer.exampl".into()),
    );
    t.refuse(
        "together/of-another-account-and-issuer",
        "A confirmation of another account, signed by its key, when the payment is above an amount",
        m06,
        Code::ConfirmationMismatch,
        |s| {
            s.caps(plenty().with(21, 1));
            s.confirmed_by = "other-payer";
            s.confirmation = Some(vec![(2, Some(account("bob").into()))]);
        },
    );
    let spoken = |phrase: Option<&str>, evidence: bool| {
        let mut changes: Vec<(i64, Option<Item>)> = vec![(-31, Some(2.into()))];
        changes.extend(phrase.map(|phrase| (-33, Some(phrase.into()))));
        changes.extend(evidence.then(|| (-32, Some(keys::thirty_two("recording").into()))));
        move |s: &mut Scene| s.confirmation = Some(changes.clone())
    };
    t.accept("together/spoken", "A spoken confirmation", Shows("", ""), "CNF-11", spoken(Some("yes"), true));
    t.refuse_like(
        "together/spoken-without-phrase",
        "A spoken confirmation without its phrase",
        Shows("M05", ""),
        Code::FieldConflict,
        ("together/spoken", &spoken(None, true)),
    );
    t.last(|case| case.clauses("CNF-11"));
    t.refuse_like(
        "together/spoken-without-evidence",
        "A spoken confirmation without a recording",
        Shows("M05", ""),
        Code::FieldConflict,
        ("together/spoken", &spoken(Some("yes"), false)),
    );
    t.last(|case| case.clauses("CNF-11"));
    t.refuse_like(
        "together/phrase-unspoken",
        "A phrase on a screen",
        Shows("M05", ""),
        Code::FieldConflict,
        ("together/spoken", &|s| s.confirmation = Some(vec![(-33, Some("yes".into()))])),
    );
    t.last(|case| case.clauses("CNF-11"));
    t.refuse(
        "together/and-a-rule",
        "A confirmed payment above amount_max: a yes answers what asks, and nothing else",
        Shows("M02", "A1"),
        Code::RuleAmountMax,
        |s| s.rule(1, 999),
    );
    t.last(|case| case.clauses("CNF-13"));
}

/// A payment that waits.
fn pending() -> (World, Scene) {
    let mut scene = Scene::new("waiting");
    scene.rule(20, true);
    let mut world = World::new();
    world.register(&scene.papers().mandates[0]);
    let scene = scene.known();
    world.send("payment", &scene.body(), NOW);
    world.closed(&scene, "pending");
    (world, scene)
}

fn confirmation(scene: &Scene, at: u64) -> Forge {
    let mut scene = scene.clone();
    scene.confirmation = Some(vec![(6, Some(at.into()))]);
    scene.papers().confirmation.unwrap_or_else(|| super::papers::honest("confirmation"))
}
