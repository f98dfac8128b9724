//! Suspended, resumed, revoked.

use super::*;

pub(super) fn withdrawal(sheet: &mut Sheet) {
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
    let refusals: [(&str, &str, &'static str, &'static str, [u8; 32], &str); 7] = [
        (
            "suspend/own-by-agent",
            "An agent that suspends its own mandate",
            "suspension",
            "agent",
            ids[0],
            "suspend/by-payer",
        ),
        (
            "suspend/own-by-sub-agent",
            "A sub-agent that suspends its own mandate",
            "suspension",
            "sub-agent",
            ids[1],
            "suspend/below-by-payer",
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
    let of_another = mandate_command("revocation", "other-payer", &[ids[1]]).says(|p| p.with(2, account("bob")));
    t.refuse(
        "revoke/another-account",
        "A revocation of a mandate below ann's in the name of bob's account",
        Shows("M36", "A18"),
        unknown,
        ("command", &of_another, NOW),
        ("revoke/below-by-agent", "sub"),
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

/// A root that is revoked, and what is registered below one that stands below it.
fn below_the_revoked(sheet: &mut Sheet) {
    let Tree { mut world, root, sub, other, .. } = tree();
    world.send("command", &mandate_command("revocation", "payer", &[root.id()]).bytes(), NOW);
    world.model.stand(root.id(), "revoked");
    let mut t = Commands::new(sheet, "tree-without-its-root", world, "core delegation");
    let below = |above: &Forge, by: &'static str| {
        signed(quota("lower", plenty()).with(8, agent_key("sub-sub-agent")).with(-13, above.id()), by)
    };
    let beside = below(&other, "agent");
    t.accept(
        "below/another",
        "A mandate below one that stands, beside one that was revoked",
        Shows("M48", "A19"),
        "MAN-27",
        ("mandate", &beside, NOW),
        ("recorded", &|w| w.registered(&beside)),
    );
    t.refuse(
        "below/revoked-above",
        "A mandate below one that stands itself, and of which the mandate above was revoked",
        Shows("M48", "A19"),
        Code::MandateRevoked,
        ("mandate", &below(&sub, "sub-agent"), NOW),
        ("below/another", "parent"),
    );
    t.last(|case| case.clauses("MAN-27"));
    t.refuse(
        "below/revoked",
        "A mandate below one that the payer revoked",
        Shows("M48", "A19"),
        Code::MandateRevoked,
        ("mandate", &below(&root, "agent"), NOW),
        ("below/another", "parent"),
    );
    t.last(|case| case.clauses("MAN-27"));
}

/// Payments after a command.
pub(super) fn withdrawn(sheet: &mut Sheet) {
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
        super::super::world::merchant_command("capture", "merchant", intent, &[(-5, 1_000.into()), (-6, "CNY".into())]);
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

pub(super) fn resumption(sheet: &mut Sheet) {
    below_the_revoked(sheet);
    of_three(sheet);
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

/// Three mandates below each other, of which the last was suspended by the agent at the top.
fn of_three(sheet: &mut Sheet) {
    let Tree { mut world, sub, .. } = tree();
    let last = signed(quota("last", plenty()).with(8, agent_key("sub-sub-agent")).with(-13, sub.id()), "sub-agent");
    world.register(&last);
    let suspension = mandate_command("suspension", "agent", &[last.id()]);
    world.send("command", &suspension.bytes(), NOW);
    world.model.stand(last.id(), "suspended");
    let mut t = Commands::new(sheet, "three-of-which-the-last-rests", world, "core delegation");
    let resume =
        |by: &'static str| mandate_command("resumption", by, &[last.id()]).says(|p| p.with(-42, suspension.id()));
    let id = last.id();
    t.accept(
        "resume/of-three-by-the-first",
        "A resumption by the agent above both, which suspended",
        Shows("", "A18"),
        "SIG-14 REV-4",
        ("command", &resume("agent"), NOW),
        ("recorded", &|w| w.model.stand(id, "active")),
    );
    t.refuse(
        "resume/of-three-by-the-second",
        "A resumption, by the agent between, of what the agent above it suspended",
        Shows("M36", "A18"),
        Code::CommandSigner,
        ("command", &resume("sub-agent"), NOW),
        ("resume/of-three-by-the-first", "signer"),
    );
}
