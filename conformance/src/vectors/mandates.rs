//! Mandates in their lives: registered, replaced, suspended, resumed, revoked.

use purser_protocol::code::Code;
use purser_test_vectors::{Area, Call};
use serde_json::json;

use super::cbor::{Item, labelled};
use super::forge::{By, Forge};
use super::hex;
use super::issuer::{Commands, Effect, Payments};
use super::keys;
use super::papers::{NOW, agent_key};
use super::sheet::{Build as _, Expecting as _, Sheet, Shows, accepted, call, case};
use super::world::{Scene, World, account, mandate_command, plenty, priced, quota, tea};

pub(super) fn area() -> Area {
    let about = "Registration, replacement, suspension, resumption, revocation and status of mandates.";
    let mut sheet = Sheet::new("mandates", about);
    registration(&mut sheet);
    replacement(&mut sheet);
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
        "MAN-17",
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

fn replacement(sheet: &mut Sheet) {
    let one = first();
    let mut world = World::new();
    world.register(&one);
    let mut t = Commands::new(sheet, "registered", world, "core");
    let replaced = |two: &Forge| {
        let two = two.clone();
        move |w: &mut World| w.registered(&two)
    };
    let raised = signed(next(&one).with(-15, labelled([(3, 600_000.into())])), "payer");
    t.accept(
        "replace/base",
        "A second version with another limit",
        Shows::default(),
        "MAN-18 MAN-21",
        ("mandate", &raised, NOW),
        ("recorded", &replaced(&raised)),
    );
    let base = "replace/base";
    let holder = signed(next(&one).with(8, agent_key("sub-agent")), "payer");
    t.accept(
        "replace/holder",
        "A second version for another holder",
        Shows::default(),
        "MAN-21",
        ("mandate", &holder, NOW),
        ("recorded", &replaced(&holder)),
    );
    t.accept(
        "replace/again",
        "The first version once more: it is what it was",
        Shows("F01", "A19 B1"),
        "CMD-1",
        ("mandate", &one, NOW),
        ("recorded", &|_| {}),
    );
    let twin = one.but(super::signature::negate);
    t.accept(
        "replace/again-high-s",
        "The first version once more, with the other s",
        Shows("F07 C39", "A20 D11"),
        "SIG-18 CMD-1",
        ("mandate", &twin, NOW),
        ("recorded", &|_| {}),
    );
    let shows = Shows("M42", "A21");
    let skipped = signed(next(&one).with(-11, 3), "payer");
    t.refuse(
        "replace/skipped",
        "A third version that follows the first",
        shows,
        Code::LineageBroken,
        ("mandate", &skipped, NOW),
        (base, "serial"),
    );
    let stranger = signed(next(&one).with(-14, keys::thirty_two("no mandate")), "payer");
    t.refuse(
        "replace/another",
        "A second version that replaces another mandate",
        shows,
        Code::LineageBroken,
        ("mandate", &stranger, NOW),
        (base, "replaces"),
    );
    let currency = signed(next(&one).with(-6, "JPY"), "payer");
    t.refuse(
        "replace/currency",
        "A second version in another currency",
        Shows("M13", "A6"),
        Code::LineageBroken,
        ("mandate", &currency, NOW),
        (base, "currency"),
    );
    let conflict = signed(quota("main", labelled([(3, 600_000.into())])), "payer");
    t.refuse(
        "replace/same-serial",
        "Another first version of the lineage",
        shows,
        Code::MandateConflict,
        ("mandate", &conflict, NOW),
        (base, "serial"),
    );
    let by_agent = signed(next(&one), "agent");
    t.refuse(
        "replace/by-agent",
        "A second version that the agent signed",
        Shows("M07", "A15 H6"),
        Code::MandateSigner,
        ("mandate", &by_agent, NOW),
        (base, "signer"),
    );
}

/// Counters after a replacement.
fn carried(sheet: &mut Sheet) {
    let mut world = World::new();
    let mut scene = Scene::new("earlier");
    scene.caps(labelled([(3, 2_000.into())]));
    world.pay(&scene);
    let one = scene.papers().mandates.remove(0);
    let two = signed(next(&one).with(-15, labelled([(3, 2_500.into())])), "payer");
    world.send("mandate", &two.bytes(), NOW);
    world.registered(&two);
    let mut after = scene.clone().known();
    after.mandates = vec![(two.payload.clone(), "payer")];
    after.offer = tea("later", 1_500);
    let base =
        ("carried/rest", "The rest of a limit that was raised by half: what was spent stays spent", "MAN-22 RUL-20");
    let mut t = Payments::new(sheet, ("raised", world.clone()), base, after.clone());
    t.last(|case| case.shows(Shows("M14", "A20")));
    t.refuse(
        "carried/one-more",
        "A unit more than the rest of a limit that was raised",
        Shows("M14", "A20"),
        Code::RuleTotal,
        |s| s.offer(|o| priced(o, 1_501)),
    );
    t.last(|case| case.clauses("MAN-22"));
    t.refuse(
        "carried/old-version",
        "An intent under the version before",
        Shows("M42", "A20"),
        Code::MandateSuperseded,
        |s| s.mandates = vec![(one.payload.clone(), "payer")],
    );

    // A counter that the version before did not have begins with what was paid.
    let mut world = World::new();
    let scene = Scene::new("earlier");
    world.pay(&scene);
    let one = scene.papers().mandates.remove(0);
    let counted = |count: i64| signed(next(&one).with(-15, plenty().with(5, count)), "payer");
    for (id, title, count, refusal) in [
        ("seeded/two", "A count of two, set after one payment", 2, false),
        ("seeded/one", "A count of one, set after one payment", 1, true),
    ] {
        let two = counted(count);
        let mut world = world.clone();
        world.send("mandate", &two.bytes(), NOW);
        world.registered(&two);
        let mut after = scene.clone().known();
        after.mandates = vec![(two.payload.clone(), "payer")];
        after.offer = tea("later", 1_000);
        if refusal {
            sheet.setup(id, world.setup());
            let mut t = Payments::continuing(sheet, id, world, after, "seeded/two");
            t.refuse(id, title, Shows("M14", "A3"), Code::RuleCount, |_| {});
            t.last(|case| case.clauses("MAN-25"));
        } else {
            Payments::new(sheet, (id, world), (id, title, "MAN-25"), after);
        }
    }
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

fn withdrawal(sheet: &mut Sheet) {
    let Tree { world, root, sub, other, .. } = tree();
    let ids = [root.id(), sub.id(), other.id()];
    let stands = |id: [u8; 32], standing: &'static str| move |w: &mut World| w.model.stand(id, standing);
    let mut t = Commands::new(sheet, "tree", world, "core delegation");
    let rows: [(&str, &str, Shows, &'static str, &'static str, [u8; 32], &'static str); 7] = [
        ("suspend/by-payer", "A suspension by the payer", Shows("", "A18"), "suspension", "payer", ids[0], "suspended"),
        (
            "suspend/below-by-payer",
            "A suspension, by the payer, of a mandate that the agent signed",
            Shows("M48", "A18"),
            "suspension",
            "payer",
            ids[1],
            "suspended",
        ),
        (
            "suspend/below-by-agent",
            "A suspension by the agent above",
            Shows("M48", "A18"),
            "suspension",
            "agent",
            ids[1],
            "suspended",
        ),
        ("revoke/by-payer", "A revocation by the payer", Shows("", "A18"), "revocation", "payer", ids[0], "revoked"),
        (
            "revoke/below-by-agent",
            "A revocation by the agent above",
            Shows("M48", "A18"),
            "revocation",
            "agent",
            ids[1],
            "revoked",
        ),
        (
            "revoke/own-by-agent",
            "An agent that gives up its own mandate",
            Shows("", "A18"),
            "revocation",
            "agent",
            ids[0],
            "revoked",
        ),
        (
            "revoke/own-by-sub-agent",
            "A sub-agent that gives up its own mandate",
            Shows("", "A18"),
            "revocation",
            "sub-agent",
            ids[1],
            "revoked",
        ),
    ];
    for (id, title, shows, kind, by, mandate, standing) in rows {
        let command = mandate_command(kind, by, &[mandate]);
        t.accept(
            id,
            title,
            shows,
            "SIG-14 REV-1",
            ("command", &command, NOW),
            ("recorded", &stands(mandate, standing)),
        );
    }
    let all = mandate_command("suspension", "payer", &ids);
    let every: Effect<'_> = &|w| ids.iter().for_each(|id| w.model.stand(*id, "suspended"));
    t.accept(
        "suspend/three",
        "A suspension of three at once",
        Shows("F09", "A17"),
        "REV-3",
        ("command", &all, NOW),
        ("recorded", every),
    );

    let signer = Code::CommandSigner;
    let refusals: [(&str, &str, &'static str, &'static str, [u8; 32], &str); 6] = [
        (
            "suspend/own-by-agent",
            "An agent that suspends its own mandate",
            "suspension",
            "agent",
            ids[0],
            "suspend/by-payer",
        ),
        (
            "suspend/by-sub-agent",
            "A suspension by the agent below",
            "suspension",
            "sub-agent",
            ids[0],
            "suspend/by-payer",
        ),
        (
            "revoke/by-sub-agent",
            "A revocation by the agent below",
            "revocation",
            "sub-agent",
            ids[0],
            "revoke/by-payer",
        ),
        (
            "revoke/another-by-agent",
            "A revocation of a mandate beside it, by a sub-agent",
            "revocation",
            "sub-agent",
            ids[2],
            "revoke/by-payer",
        ),
        ("revoke/by-thief", "A revocation by a stranger", "revocation", "thief", ids[0], "revoke/by-payer"),
        (
            "revoke/by-another-payer",
            "A revocation by another account's key",
            "revocation",
            "other-payer",
            ids[0],
            "revoke/by-payer",
        ),
    ];
    for (id, title, kind, by, mandate, twin) in refusals {
        let command = mandate_command(kind, by, &[mandate]);
        t.refuse(id, title, Shows("M36", "A18"), signer, ("command", &command, NOW), (twin, "signer"));
    }
    let unknown = Code::MandateUnknown;
    let with_stranger = mandate_command("suspension", "payer", &[ids[0], keys::thirty_two("no mandate")]);
    t.refuse(
        "suspend/one-unknown",
        "A suspension of two, of which one is unknown: neither is suspended",
        Shows("F09", "A17"),
        unknown,
        ("command", &with_stranger, NOW),
        ("suspend/three", "mandates"),
    );
    t.at(purser_protocol::code::Stage::Mandate);
    t.last(|case| case.clauses("REV-1 REV-3"));
    let of_another = mandate_command("suspension", "other-payer", &[ids[0]]).says(|p| p.with(2, account("bob")));
    t.refuse(
        "suspend/another-account",
        "A suspension of ann's mandate in the name of bob's account",
        Shows("M36", "A18"),
        unknown,
        ("command", &of_another, NOW),
        ("suspend/by-payer", "sub"),
    );
    t.at(purser_protocol::code::Stage::Mandate);
    t.last(|case| case.clauses("REV-1"));
    let elsewhere = mandate_command("revocation", "payer", &[ids[0]]).says(|p| p.with(3, "other-issuer.example"));
    t.refuse(
        "revoke/another-issuer",
        "A revocation for another issuer",
        Shows("M37", "B10"),
        Code::AudienceMismatch,
        ("command", &elsewhere, NOW),
        ("revoke/by-payer", "aud"),
    );
    t.last(|case| case.clauses("CMD-27"));
}

/// Payments after a command.
fn withdrawn(sheet: &mut Sheet) {
    let Tree { world, scene, .. } = tree();
    let base = ("after/nothing", "A payment of the sub-agent's, before anything is withdrawn", "AUT-34 AUT-35 AUT-36");
    let mut t = Payments::new(sheet, ("tree", world), base, scene);
    t.last(|case| case.needs("core delegation"));
    let rows: [(&str, &str, &'static str, &'static str, usize, Code); 4] = [
        ("after/suspension", "A payment under a suspended mandate", "suspension", "payer", 1, Code::MandateSuspended),
        (
            "after/suspension-above",
            "A payment below a suspended mandate",
            "suspension",
            "payer",
            0,
            Code::MandateSuspended,
        ),
        ("after/revocation", "A payment under a revoked mandate", "revocation", "agent", 1, Code::MandateRevoked),
        ("after/revocation-above", "A payment below a revoked mandate", "revocation", "payer", 0, Code::MandateRevoked),
    ];
    for (id, title, kind, by, place, code) in rows {
        let Tree { mut world, root, sub, scene, .. } = tree();
        let mandate = [root.id(), sub.id()][place];
        world.send("command", &mandate_command(kind, by, &[mandate]).bytes(), NOW);
        world.model.stand(mandate, if kind == "suspension" { "suspended" } else { "revoked" });
        sheet.setup(id, world.setup());
        let mut t = Payments::continuing(sheet, id, world, scene, "after/nothing");
        t.needs("core delegation");
        t.refuse(id, title, Shows("M48 F08", "A17"), code, |_| {});
        t.last(|case| case.clauses("REV-6"));
    }

    // What was held before goes on; what is registered afterwards is not.
    let mut world = World::new();
    let mut scene = Scene::new("held");
    scene.offer(|o| o.with(-24, 2));
    let intent = world.pay(&scene);
    let mandate = scene.papers().mandates.remove(0);
    world.send("command", &mandate_command("revocation", "payer", &[mandate.id()]).bytes(), NOW);
    world.model.stand(mandate.id(), "revoked");
    let mut t = Commands::new(sheet, "held-then-revoked", world, "core holds");
    let capture =
        super::world::merchant_command("capture", "merchant", intent, &[(-5, 1_000.into()), (-6, "CNY".into())]);
    t.accept(
        "after/capture",
        "A capture of what was held before the revocation",
        Shows("F08", "A17"),
        "REV-7",
        ("command", &capture, NOW),
        ("captured", &|w| w.model.capture(intent, 1_000, false)),
    );
    let again = signed(quota("main", labelled([(3, 600_000.into())])), "payer");
    t.refuse(
        "after/registered-anew",
        "Another mandate of the revoked lineage",
        Shows("M48", "A19"),
        Code::MandateRevoked,
        ("mandate", &again, NOW),
        ("after/fresh", "lineage"),
    );
    t.last(|case| case.clauses("MAN-16 REV-5"));
    let replacing = signed(next(&mandate), "payer");
    t.refuse(
        "after/replaced",
        "The next version of the revoked lineage",
        Shows("M48", "A19"),
        Code::MandateRevoked,
        ("mandate", &replacing, NOW),
        ("after/fresh", "lineage"),
    );
    t.last(|case| case.clauses("MAN-16 REV-5"));
    let fresh = signed(quota("fresh", plenty()), "payer");
    t.accept(
        "after/fresh",
        "A mandate of a lineage of its own",
        Shows::default(),
        "MAN-16",
        ("mandate", &fresh, NOW),
        ("recorded", &|w| w.registered(&fresh)),
    );
    let below = signed(quota("below", plenty()).with(8, agent_key("sub-agent")).with(-13, mandate.id()), "agent");
    t.refuse(
        "after/below",
        "A mandate below a revoked one",
        Shows("M48", "A19"),
        Code::MandateRevoked,
        ("mandate", &below, NOW),
        ("after/fresh", "parent"),
    );
    t.last(|case| case.clauses("MAN-27"));
}

fn resumption(sheet: &mut Sheet) {
    let Tree { mut world, root, sub, .. } = tree();
    let (one, two) =
        (mandate_command("suspension", "payer", &[sub.id()]), mandate_command("suspension", "agent", &[sub.id()]));
    for command in [&one, &two] {
        world.send("command", &command.bytes(), NOW);
    }
    world.model.stand(sub.id(), "suspended");
    let mut t = Commands::new(sheet, "suspended-twice", world.clone(), "core delegation");
    let resume = |by: &'static str, suspension: &Forge, mandates: &[[u8; 32]]| {
        mandate_command("resumption", by, mandates).says(|p| p.with(-42, suspension.id()))
    };
    let none: Effect<'_> = &|_| {};
    let first = resume("payer", &one, &[sub.id()]);
    t.accept(
        "resume/one-of-two",
        "A resumption of one of two suspensions: the other stands",
        Shows("", "A18"),
        "REV-4",
        ("command", &first, NOW),
        ("recorded", none),
    );
    let of_agent = resume("agent", &two, &[sub.id()]);
    t.accept(
        "resume/by-its-signer",
        "A resumption by the agent that suspended",
        Shows("", "A18"),
        "SIG-14",
        ("command", &of_agent, NOW),
        ("recorded", none),
    );
    let from_above = resume("payer", &two, &[sub.id()]);
    t.accept(
        "resume/from-above",
        "A resumption, by the payer, of what the agent suspended",
        Shows("", "A18"),
        "SIG-14",
        ("command", &from_above, NOW),
        ("recorded", none),
    );
    let from_below = resume("agent", &one, &[sub.id()]);
    t.refuse(
        "resume/from-below",
        "A resumption, by the agent, of what the payer suspended",
        Shows("M36", "A18"),
        Code::CommandSigner,
        ("command", &from_below, NOW),
        ("resume/from-above", "signer"),
    );
    let own = resume("sub-agent", &two, &[sub.id()]);
    t.refuse(
        "resume/by-holder",
        "A resumption by the holder of the suspended mandate",
        Shows("M36", "A18"),
        Code::CommandSigner,
        ("command", &own, NOW),
        ("resume/from-above", "signer"),
    );
    let unknown = resume("payer", &mandate_command("suspension", "payer", &[root.id()]), &[sub.id()]);
    t.refuse(
        "resume/unknown",
        "A resumption of a suspension that does not stand",
        Shows("", "A18"),
        Code::SuspensionUnknown,
        ("command", &unknown, NOW),
        ("resume/from-above", "suspension"),
    );
    let of_another = resume("payer", &one, &[root.id()]);
    t.refuse(
        "resume/another-mandate",
        "A resumption of a mandate that was not suspended",
        Shows("", "A18"),
        Code::SuspensionUnknown,
        ("command", &of_another, NOW),
        ("resume/from-above", "mandates"),
    );

    world.send("command", &first.bytes(), NOW);
    let mut t = Commands::new(sheet, "suspended-once-more", world, "core delegation");
    t.accept(
        "resume/last",
        "A resumption of the last suspension",
        Shows("", "A18"),
        "REV-4",
        ("command", &of_agent, NOW),
        ("recorded", &|w| w.model.stand(sub.id(), "active")),
    );
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

/// A command and a replacement: whichever version is named, the lineage is meant.
fn versions(sheet: &mut Sheet) {
    let after = |kind: Option<&'static str>, command_first: bool| {
        let mut world = World::new();
        let one = first();
        let two = signed(next(&one), "payer");
        world.register(&one);
        let replace = |world: &mut World| {
            world.send("mandate", &two.bytes(), NOW);
            world.registered(&two);
        };
        if !command_first {
            replace(&mut world);
        }
        if let Some(kind) = kind {
            world.send("command", &mandate_command(kind, "payer", &[one.id()]).bytes(), NOW);
        }
        if command_first {
            replace(&mut world);
        }
        match kind {
            Some("suspension") => world.model.stand(two.id(), "suspended"),
            Some(_) => [one.id(), two.id()].into_iter().for_each(|id| world.model.stand(id, "revoked")),
            None => {}
        }
        let mut scene = Scene::new("versions").known();
        scene.mandates = vec![(two.payload.clone(), "payer")];
        (world, scene)
    };
    let (world, scene) = after(None, false);
    Payments::new(
        sheet,
        ("second-version", world),
        ("version/second", "A payment under a second version", "MAN-18"),
        scene,
    );
    let rows = [
        (
            "version/suspended-before",
            "A second version of a mandate that was suspended",
            "suspension",
            true,
            Code::MandateSuspended,
            "MAN-24",
        ),
        (
            "version/suspended-by-first",
            "A suspension that names the first version, after the second",
            "suspension",
            false,
            Code::MandateSuspended,
            "REV-2",
        ),
        (
            "version/revoked-by-first",
            "A revocation that names the first version, after the second",
            "revocation",
            false,
            Code::MandateRevoked,
            "REV-2",
        ),
    ];
    for (id, title, kind, before, code, clause) in rows {
        let (world, scene) = after(Some(kind), before);
        sheet.setup(id, world.setup());
        let mut t = Payments::continuing(sheet, id, world, scene, "version/second");
        t.refuse(id, title, Shows("M48", "A17"), code, |_| {});
        t.last(|case| case.clauses(clause));
    }
}

/// What was set aside comes back.
fn closing(sheet: &mut Sheet) {
    let mut world = World::new();
    let mandate = signed(quota("main", plenty()).with(-17, 2_000), "payer");
    world.register(&mandate);
    let lineage = keys::sixteen("lineage main").to_vec();
    let back: Effect<'_> = &|w| {
        w.model.stand(mandate.id(), "revoked");
        w.model.fund(account("ann"), "CNY", &lineage, None);
    };
    let mut t = Commands::new(sheet, "funded", world, "core funded");
    let revocation = mandate_command("revocation", "payer", &[mandate.id()]);
    t.accept(
        "funded/revoked",
        "A revocation of a mandate with money set aside",
        Shows("", "A17"),
        "QTA-6",
        ("command", &revocation, NOW),
        ("recorded", back),
    );
    let more = signed(next(&mandate).with(-17, 3_000), "payer");
    t.accept(
        "funded/raised",
        "A second version that sets more aside",
        Shows::default(),
        "QTA-5",
        ("mandate", &more, NOW),
        ("recorded", &|w| w.registered(&more)),
    );
    let less = signed(next(&mandate).with(-17, 500), "payer");
    t.accept(
        "funded/lowered",
        "A second version that sets less aside",
        Shows::default(),
        "QTA-5",
        ("mandate", &less, NOW),
        ("recorded", &|w| w.registered(&less)),
    );
    let none = signed(next(&mandate).without(-17), "payer");
    t.accept(
        "funded/ended",
        "A second version that sets nothing aside",
        Shows::default(),
        "QTA-5",
        ("mandate", &none, NOW),
        ("recorded", &|w| {
            w.registered(&none);
            w.model.fund(account("ann"), "CNY", &lineage, None);
        }),
    );
    let all = signed(next(&mandate).with(-17, 1_000_001), "payer");
    t.refuse(
        "funded/too-much",
        "A second version that sets a unit more aside than there is",
        Shows("M14", "A2"),
        Code::InsufficientFunds,
        ("mandate", &all, NOW),
        ("funded/raised", "funded"),
    );
    t.last(|case| case.clauses("QTA-4"));
}
