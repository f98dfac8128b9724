//! Mandates in their lives: registered, replaced, suspended, resumed, revoked.

mod replaced;
mod withdrawn;

use purser_protocol::code::Code;
use purser_test_vectors::{Area, Call};
use serde_json::json;

use self::replaced::{carried, closing, moved, replacement, third, versions};
use self::withdrawn::{resumption, withdrawal, withdrawn};
use super::cbor::{Item, labelled};
use super::forge::{By, Forge};
use super::hex;
use super::issuer::{Commands, Effect, Payments};
use super::keys;
use super::papers::{NOW, agent_key};
use super::sheet::{Build as _, Expecting as _, Sheet, Shows, accepted, call, case};
use super::world::{Scene, World, account, mandate_command, merchant_command, plenty, priced, quota, tea};

pub(super) fn area() -> Area {
    let about = "Registration, replacement, suspension, resumption, revocation and status of mandates.";
    let mut sheet = Sheet::new("mandates", about);
    registration(&mut sheet);
    replacement(&mut sheet);
    third(&mut sheet);
    chained(&mut sheet);
    moved(&mut sheet);
    carried(&mut sheet);
    withdrawal(&mut sheet);
    withdrawn(&mut sheet);
    resumption(&mut sheet);
    status(&mut sheet);
    versions(&mut sheet);
    closing(&mut sheet);
    sheet.finish()
}

fn signed(payload: Item, by: &'static str) -> Forge {
    Forge::new("mandate", payload, By::Key(by))
}

fn first() -> Forge {
    signed(quota("main", plenty()), "payer")
}

/// The version after a mandate.
fn next(before: &Forge) -> Item {
    before.payload.clone().with(-11, 2).with(-14, before.id())
}

fn registration(sheet: &mut Sheet) {
    let mut t = Commands::new(sheet, "account", World::new(), "core");
    let one = first();
    t.accept(
        "register/base",
        "A mandate",
        Shows::default(),
        "MAN-17 MAN-20 MAN-21",
        ("mandate", &one, NOW),
        ("recorded", &|w| w.registered(&one)),
    );
    t.accept(
        "register/as-command",
        "A mandate, sent to the resource of commands",
        Shows::default(),
        "SIG-9 MAN-17",
        ("command", &one, NOW),
        ("recorded", &|w| w.registered(&one)),
    );
    let base = "register/base";
    let says = |change: &dyn Fn(Item) -> Item| signed(change(quota("main", plenty())), "payer");
    let audience = says(&|m| m.with(3, "other-issuer.example"));
    t.refuse(
        "register/another-issuer",
        "A mandate for another issuer",
        Shows("M37", "B10"),
        Code::AudienceMismatch,
        ("mandate", &audience, NOW),
        (base, "aud"),
    );
    let by_agent = signed(quota("main", plenty()), "agent");
    t.refuse(
        "register/by-agent",
        "A mandate that the agent signed for itself",
        Shows("M07", "A15 H6"),
        Code::MandateSigner,
        ("mandate", &by_agent, NOW),
        (base, "signer"),
    );
    let by_other = signed(quota("main", plenty()), "other-payer");
    t.refuse(
        "register/by-another-account",
        "A mandate signed by a key of another account",
        Shows("M36", "A14 A15"),
        Code::MandateSigner,
        ("mandate", &by_other, NOW),
        (base, "signer"),
    );
    let second = says(&|m| m.with(-11, 2).with(-14, keys::thirty_two("no mandate")));
    t.refuse(
        "register/second-without-first",
        "A second version of which there is no first",
        Shows("M42", "A21"),
        Code::LineageBroken,
        ("mandate", &second, NOW),
        (base, "serial"),
    );
    let orphan = says(&|m| m.with(-13, keys::thirty_two("no mandate")));
    t.refuse(
        "register/unknown-parent",
        "A mandate below one that nobody knows",
        Shows("M47", ""),
        Code::MandateUnknown,
        ("mandate", &orphan, NOW),
        (base, "parent"),
    );
    t.last(|case| case.clauses("AUT-32"));
}

/// Mandates below each other, registered one by one.
fn chained(sheet: &mut Sheet) {
    let mut world = World::new();
    let mut scene = Scene::new("chained");
    let holders = ["agent", "sub-agent", "sub-sub-agent", "last-agent", "fifth-agent"];
    for (place, pair) in holders.windows(2).enumerate() {
        let below = quota(&format!("below {place}"), plenty()).with(8, agent_key(pair[1]));
        scene.mandates.push((below, pair[0]));
    }
    let papers = scene.papers().mandates;
    papers[..3].iter().for_each(|mandate| world.register(mandate));
    let fourth = &papers[3];
    let mut t = Commands::new(sheet, "three-below-each-other", world.clone(), "core delegation");
    t.accept(
        "chained/fourth",
        "A fourth mandate below three",
        Shows("M46", ""),
        "AUT-46",
        ("mandate", fourth, NOW),
        ("recorded", &|w: &mut World| w.registered(fourth)),
    );
    let of_bob = fourth.says(|m| m.with(2, account("bob")));
    let in_yen = fourth.says(|m| m.with(-6, "JPY"));
    for (id, title, paper, code, clause, field) in [
        (
            "another-account",
            "A fourth mandate for another account than the three above",
            &of_bob,
            Code::AccountMismatch,
            "AUT-31",
            "sub",
        ),
        (
            "another-currency",
            "A fourth mandate in another currency than the three above",
            &in_yen,
            Code::CurrencyMismatch,
            "MAN-28",
            "currency",
        ),
    ] {
        let (id, twin) = (format!("chained/{id}"), ("chained/fourth", field));
        t.refuse(&id, title, Shows("M45", "A14"), code, ("mandate", paper, NOW), twin);
        t.last(|case| case.clauses(clause));
    }
    world.register(fourth);
    let mut t = Commands::new(sheet, "four-below-each-other", world, "core delegation");
    t.refuse(
        "chained/fifth",
        "A fifth mandate below four",
        Shows("M46", ""),
        Code::ChainTooLong,
        ("mandate", &papers[4], NOW),
        ("chained/fourth", "setup"),
    );
}

/// A root held by the agent, one below it held by the sub-agent, and one of another lineage.
struct Tree {
    world: World,
    root: Forge,
    sub: Forge,
    other: Forge,
    scene: Scene,
}

fn tree() -> Tree {
    let mut world = World::new();
    let mut scene = Scene::new("tree");
    let sub = quota("sub", plenty()).with(8, agent_key("sub-agent"));
    scene.mandates.push((sub, "agent"));
    scene.agent = By::Key("sub-agent");
    let papers = scene.papers();
    let (root, sub) = (papers.mandates[0].clone(), papers.mandates[1].clone());
    let other = signed(quota("other", plenty()), "payer");
    for mandate in [&root, &sub, &other] {
        world.register(mandate);
    }
    Tree { world, root, sub, other, scene: scene.known() }
}

/// The first state of the table that holds.
fn status(sheet: &mut Sheet) {
    let put = |sheet: &mut Sheet, id: &str, title: &str, setup: Vec<Call>, mandate: [u8; 32], now: u64, state: &str| {
        sheet.setup(&format!("status/{id}"), setup);
        let input = json!({"mandate": hex(&mandate), "now": now});
        let expect = accepted().value(json!({"state": state})).unchanged();
        let case = case("issuer", &format!("status/{id}"), title, call("issuer.status", input), expect);
        let case = case.after_setup(&format!("status/{id}")).needs("core delegation").clauses("REV-8");
        sheet.add(case.shows(Shows("", "G4")));
    };
    let Tree { world, root, sub, .. } = tree();
    put(sheet, "active", "The status of a mandate that stands", world.setup(), sub.id(), NOW, "active");
    let after = |kind: &'static str, place: usize| {
        let Tree { mut world, root, sub, .. } = tree();
        world.send("command", &mandate_command(kind, "payer", &[[root.id(), sub.id()][place]]).bytes(), NOW);
        world.setup()
    };
    put(sheet, "suspended", "The status of a suspended mandate", after("suspension", 1), sub.id(), NOW, "suspended");
    put(
        sheet,
        "suspended-above",
        "The status of a mandate below a suspended one",
        after("suspension", 0),
        sub.id(),
        NOW,
        "suspended",
    );
    put(sheet, "revoked", "The status of a revoked mandate", after("revocation", 1), sub.id(), NOW, "revoked");
    put(
        sheet,
        "revoked-above",
        "The status of a mandate below a revoked one",
        after("revocation", 0),
        sub.id(),
        NOW,
        "revoked",
    );
    let end = NOW + 30 * super::world::DAY;
    put(
        sheet,
        "last-second",
        "The status of a mandate in its last second",
        world.setup(),
        root.id(),
        end - 1,
        "active",
    );
    put(
        sheet,
        "expired",
        "The status of a mandate that ends with this second",
        world.setup(),
        root.id(),
        end,
        "expired",
    );
    put(
        sheet,
        "suspended-and-expired",
        "The status of a suspended mandate that has ended",
        after("suspension", 0),
        root.id(),
        end,
        "expired",
    );
    let Tree { mut world, root, .. } = tree();
    let two = signed(next(&root), "payer");
    world.send("mandate", &two.bytes(), NOW);
    put(sheet, "superseded", "The status of the version before", world.setup(), root.id(), NOW, "superseded");
    let mut world = World::new();
    let mut scene = Scene::new("all of it");
    scene.caps(labelled([(3, 1_000.into())]));
    world.pay(&scene);
    let mandate = scene.papers().mandates.remove(0);
    put(
        sheet,
        "exhausted",
        "The status of a mandate whose total is spent",
        world.setup(),
        mandate.id(),
        NOW,
        "exhausted",
    );
}
