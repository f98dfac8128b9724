//! A cancel, before the intent and after it.

use super::*;

pub(super) fn cancels(sheet: &mut Sheet) {
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
    let forged = papers.intent.but(|f| f.signature_item = Some(super::super::cbor::bytes(&[1; 64])));
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
    let uncancelled = super::super::sheet::case(
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
