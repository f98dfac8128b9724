//! What is done to an account as a whole: batches, retired keys, freezing.

use purser_protocol::code::{Code, Stage, Standing};
use purser_test_vectors::{Area, Call, Expect, Importance};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::cbor::{Item, bytes, labelled, list};
use super::certs::{self, Draft as Certificate, Role};
use super::forge::{By, Forge, certificate_header};
use super::issuer::{Commands, Payments};
use super::keys;
use super::papers::{NOW, agent_key};
use super::sheet::{Build as _, Expecting as _, Sheet, Shows, accepted, call, case, refused_by_issuer};
use super::world::{
    DAY, Scene, World, account, cancel, deposit, enrolment, mandate_command, merchant_command, plenty, quota, receive,
    tea,
};

const NEEDS: &str = "core accounts";

pub(super) fn area() -> Area {
    let about = "Batches of papers under one signature, keys that are retired, accounts that are frozen and thawed.";
    let mut sheet = Sheet::new("accounts", about);
    batches(&mut sheet);
    funds(&mut sheet);
    again(&mut sheet);
    retirements(&mut sheet);
    retired(&mut sheet);
    orders(&mut sheet);
    frozen(&mut sheet);
    thaws_with_a_key(&mut sheet);
    thawed(&mut sheet);
    sheet.finish()
}

/// A mandate of ann's, of this lineage.
fn mandate(name: &str) -> Forge {
    Forge::new("mandate", quota(name, plenty()), By::Key("payer"))
}

/// A paper as a part of a batch: its protected header and its payload, without a signature.
fn part(paper: &Forge) -> Item {
    Item::Bytes(list(&[bytes(&paper.protected.encode()), bytes(&paper.payload.encode())]))
}

/// A batch of ann's that signs these papers.
fn batch(papers: &[&Forge]) -> Forge {
    let leaves: Vec<[u8; 32]> =
        papers.iter().map(|paper| Sha256::new().chain_update([0]).chain_update(paper.id()).finalize().into()).collect();
    let (root, _) = super::receipts::tree(&leaves, 0);
    let payload = labelled([
        (2, account("ann").into()),
        (3, "issuer.example".into()),
        (6, (NOW - 5).into()),
        (7, keys::sixteen("a batch").into()),
        (-1, 1.into()),
        (-120, (papers.len() as u64).into()),
        (-121, root.into()),
    ]);
    Forge::new("batch", payload, By::Key("payer"))
}

fn body(batch: &Forge, parts: Vec<Item>) -> Vec<u8> {
    labelled([(1, batch.bytes().into()), (2, Item::List(parts))]).encode()
}

/// The body of a batch that is as it should be.
fn whole(papers: &[&Forge]) -> Vec<u8> {
    body(&batch(papers), papers.iter().map(|paper| part(paper)).collect())
}

fn sent(message: &str, body: &[u8], name: &str) -> Call {
    call("issuer.receive", receive(message, body, NOW, keys::sixteen(name)))
}

/// A batch after a setup.
fn put(
    sheet: &mut Sheet,
    (id, title): (&str, &str),
    setup: &str,
    body: &[u8],
    expect: Expect,
    twin: &str,
    clauses: &str,
) {
    let id = format!("batch/{id}");
    let case = case("issuer", &id, title, sent("batch", body, &id), expect).shows(Shows("F09", "A17"));
    let mut case = case.after_setup(setup).needs(NEEDS).weighs(Importance::Critical).clauses(clauses);
    if !twin.is_empty() {
        let twin = format!("batch/{twin}");
        case = case.twin(&twin).mutated(&twin, "batch", vec![json!(title)], true);
    }
    let is_short = body.len() < 8_192;
    sheet.add(if is_short { case.diagnosed(body) } else { case });
}

fn done(world: &World) -> Expect {
    accepted().value(json!({"outcome": "recorded"})).after(world.model.value())
}

/// A refusal of the batch for the sake of one of its parts, by what the registry says of its code.
fn no(code: Code) -> Expect {
    let decided = code.standing() == Standing::Refused;
    Expect { decided: Some(decided), ..refused_by_issuer(code) }.unchanged()
}

fn batches(sheet: &mut Sheet) {
    let (other, third) = (mandate("other"), mandate("third"));
    let mut world = World::new();
    world.register(&other);
    world.register(&third);
    sheet.setup("two-mandates", world.setup());
    let fresh = mandate("fresh");
    let rest = mandate_command("suspension", "payer", &[other.id()]);
    let end = mandate_command("revocation", "payer", &[third.id()]);
    let mut after = world.clone();
    after.registered(&fresh);
    after.model.stand(other.id(), "suspended");
    let clauses = "WAL-20 WAL-21 WAL-23 WAL-24 WAL-25 WAL-27";
    let title = "A batch of a mandate and of a suspension of another";
    put(sheet, ("base", title), "two-mandates", &whole(&[&fresh, &rest]), done(&after), "", clauses);
    after.model.stand(third.id(), "revoked");
    let title = "A batch of a mandate, a suspension and a revocation";
    put(sheet, ("three", title), "two-mandates", &whole(&[&fresh, &rest, &end]), done(&after), "", "WAL-20 WAL-23");
    let mut after = world.clone();
    after.registered(&fresh);
    put(sheet, ("one", "A batch of one mandate"), "two-mandates", &whole(&[&fresh]), done(&after), "", "WAL-22");

    // What it signs.
    let honest = batch(&[&fresh, &rest]);
    let both = || vec![part(&fresh), part(&rest)];
    let of = |change: &dyn Fn(Item) -> Item| body(&honest.says(change), both());
    let mut swapped = both();
    swapped.reverse();
    let rows: [(&str, &str, Vec<u8>); 6] = [
        ("root", "A batch that signs another root", of(&|p| p.with(-121, keys::thirty_two("another root")))),
        ("more", "A batch that signs three parts, of which two came", of(&|p| p.with(-120, 3))),
        ("fewer", "A batch that signs one part, and two came", of(&|p| p.with(-120, 1))),
        ("swapped", "The parts of a batch in the other order", body(&honest, swapped)),
        ("left-out", "A batch without its second part", body(&honest, vec![part(&fresh)])),
        ("changed", "A batch of which one part was changed in transit", {
            let raised = fresh.says(|m| m.with(-15, labelled([(3, 5_000_000.into())])));
            body(&honest, vec![part(&raised), part(&rest)])
        }),
    ];
    for (id, title, body) in rows {
        put(sheet, (id, title), "two-mandates", &body, no(Code::BatchMismatch), "base", "");
    }
    put(
        sheet,
        ("none", "A batch of no parts"),
        "two-mandates",
        &body(&honest, Vec::new()),
        Expect { decided: Some(false), ..super::sheet::refused(Code::FieldRange, Stage::Schema) }.unchanged(),
        "one",
        "WAL-22",
    );
    sheet.amend(|case| super::time::peeled(case, "WAL-22"));
    // The limit of a list is the limit of parts, and comes first.
    put(
        sheet,
        ("too-many", "A batch of 1,025 parts"),
        "two-mandates",
        &body(&honest, vec![Item::Bytes(Vec::new()); 1_025]),
        Expect { decided: Some(false), ..super::sheet::refused(Code::CborLimit, Stage::Encoding) }.unchanged(),
        "one",
        "ENC-10 WAL-22",
    );
    sheet.amend(|case| super::time::peeled(case, "ENC-10"));

    // Whose they are.
    let second = fresh.but(|f| f.protected = super::forge::key_header("mandate", "payer-2"));
    let by_bob = mandate("fresh").but(|f| f.protected = super::forge::key_header("mandate", "other-payer"));
    let signer = |code| Expect { decided: Some(false), ..super::sheet::refused(code, Stage::Signature) }.unchanged();
    for (id, title, paper) in [
        ("part-of-another-key", "A batch with a part that names another key", &second),
        ("part-of-another-payer", "A batch with a part that names another payer's key", &by_bob),
    ] {
        let body = whole(&[paper, &rest]);
        put(sheet, (id, title), "two-mandates", &body, signer(Code::CommandSigner), "base", "WAL-21");
        sheet.amend(|case| super::time::peeled(case, "WAL-21"));
    }
    let signed_by = |name: &'static str| {
        let papers = [&fresh, &rest].map(|paper| paper.but(|f| f.protected = super::forge::key_header(f.kind, name)));
        let batch = batch(&[&papers[0], &papers[1]]).but(|f| {
            f.protected = super::forge::key_header("batch", name);
            f.signer = name;
        });
        body(&batch, papers.iter().map(part).collect())
    };
    for (id, title, name) in [
        ("by-agent", "A batch that the agent signed", "agent"),
        ("by-another-payer", "A batch that another account's key signed", "other-payer"),
        ("by-thief", "A batch that a stranger signed", "thief"),
    ] {
        put(sheet, (id, title), "two-mandates", &signed_by(name), signer(Code::CommandSigner), "base", "SIG-14");
    }
    let of_bob = |paper: &Forge| paper.says(|p| p.with(2, account("bob")));
    for (id, title, papers) in [
        ("part-of-another-account", "A batch with a mandate for another account", [of_bob(&fresh), rest.clone()]),
        ("command-of-another-account", "A batch with a suspension for another account", [fresh.clone(), of_bob(&rest)]),
    ] {
        let body = whole(&[&papers[0], &papers[1]]);
        put(sheet, (id, title), "two-mandates", &body, no(Code::AccountMismatch), "base", "WAL-27");
        sheet.amend(|case| super::time::peeled(case, "WAL-27"));
    }

    // All of it or nothing.
    let late = fresh.says(|m| m.with(4, NOW));
    let unknown = mandate_command("revocation", "payer", &[keys::thirty_two("no mandate")]);
    let known = Expect { decided: Some(false), ..super::sheet::refused(Code::MandateUnknown, Stage::Mandate) };
    for (id, title, papers, expect) in [
        (
            "part-expired",
            "A batch with a mandate that has ended: nothing of it is done",
            [&rest, &late],
            no(Code::MandateExpired),
        ),
        (
            "first-expired",
            "A batch whose first mandate has ended: nothing of it is done",
            [&late, &rest],
            no(Code::MandateExpired),
        ),
        (
            "part-unknown",
            "A batch with a revocation of what nobody knows: nothing of it is done",
            [&rest, &unknown],
            known.unchanged(),
        ),
    ] {
        put(sheet, (id, title), "two-mandates", &whole(&papers), expect, "base", "WAL-23");
    }
    // One lineage, one part.
    let revoked = mandate_command("revocation", "payer", &[other.id()]);
    let replaced = other.says(|m| m.with(-11, 2).with(-14, other.id()));
    let twice = fresh.says(|m| m.with(-15, plenty().with(5, 3)));
    for (id, title, papers) in [
        ("lineage-twice", "A batch with a suspension and a revocation of one mandate", [&rest, &revoked]),
        ("lineage-replaced", "A batch with a suspension and a new version of one mandate", [&rest, &replaced]),
        ("lineage-begun-twice", "A batch with two first versions of one lineage", [&fresh, &twice]),
        ("part-known", "A batch with a mandate that is registered", [&other, &end]),
    ] {
        put(sheet, (id, title), "two-mandates", &whole(&papers), no(Code::BatchConflict), "base", "");
    }
    let elsewhere = body(&honest.says(|p| p.with(3, "other-issuer.example")), both());
    let expect = Expect { decided: Some(false), ..refused_by_issuer(Code::AudienceMismatch) }.unchanged();
    put(sheet, ("another-issuer", "A batch for another issuer"), "two-mandates", &elsewhere, expect, "base", "AUT-30");
    let stale = body(&honest.says(|p| p.with(6, NOW - DAY - 1)), both());
    let expect = Expect { decided: Some(false), ..refused_by_issuer(Code::CommandStale) }.unchanged();
    put(sheet, ("stale", "A batch of a day and a second ago"), "two-mandates", &stale, expect, "base", "CMD-2");
}

/// Money goes from one envelope to another in one step.
fn funds(sheet: &mut Sheet) {
    let all = mandate("funded").says(|m| m.with(-17, 1_000_000));
    let mut world = World::new();
    world.register(&all);
    sheet.setup("all-in-one-envelope", world.setup());
    let less = all.says(|m| m.with(-11, 2).with(-14, all.id()).with(-17, 400_000));
    let new = |minor: u64| mandate("second envelope").says(|m| m.with(-17, minor));
    let mut after = world.clone();
    after.registered(&less);
    let fits = new(600_000);
    after.registered(&fits);
    for (id, title, papers) in [
        ("moves-money", "A batch that moves what one envelope gives back into another", [&less, &fits]),
        ("moves-money-first", "The same, with the envelope that takes first", [&fits, &less]),
    ] {
        let expect = done(&after);
        put(sheet, (id, title), "all-in-one-envelope", &whole(&papers), expect, "", "WAL-25 WAL-23 QTA-5");
        sheet.amend(|case| case.needs("core accounts funded"));
    }
    let ends = mandate_command("revocation", "payer", &[all.id()]);
    let more = new(600_001);
    for (id, title, papers) in [
        ("takes-a-unit-more", "A batch that takes a unit more than one envelope gives back", vec![&less, &more]),
        ("takes-alone", "A batch that takes what nothing gives back", vec![&fits]),
        ("takes-what-ends", "A batch that takes what a revocation in it would give back", vec![&ends, &fits]),
    ] {
        let expect = no(Code::InsufficientFunds);
        put(sheet, (id, title), "all-in-one-envelope", &whole(&papers), expect, "moves-money", "WAL-25");
        sheet.amend(|case| super::time::peeled(case, "WAL-25").needs("core accounts funded"));
    }
}

/// A batch that comes again, and its parts that come alone.
fn again(sheet: &mut Sheet) {
    let other = mandate("other");
    let mut world = World::new();
    world.register(&other);
    let (fresh, rest) = (mandate("fresh"), mandate_command("suspension", "payer", &[other.id()]));
    let whole = whole(&[&fresh, &rest]);
    let mut setup = world.setup();
    setup.push(sent("batch", &whole, "the batch"));
    sheet.setup("batch-done", setup);
    for (id, title, message, body, clauses) in [
        ("same", "The same batch again", "batch", whole.clone(), "CMD-1 WAL-26"),
        ("mandate", "A mandate of the batch, by itself", "mandate", fresh.bytes(), "WAL-26"),
        ("suspension", "A suspension of the batch, by itself", "command", rest.bytes(), "WAL-26"),
    ] {
        let expect = accepted().value(json!({"outcome": "recorded"})).same_as(2, "answer").unchanged();
        let id = format!("again/{id}");
        let case = case("issuer", &id, title, sent(message, &body, &id), expect).shows(Shows("F04", "B1"));
        sheet.add(case.after_setup("batch-done").needs(NEEDS).clauses(clauses).weighs(Importance::Critical));
    }
}

/// Ann's second key.
fn two_keys() -> World {
    let mut world = World::new();
    let nonce = world.nonce();
    world.send("account", &enrolment(Some("ann"), "payer-2", "payer", nonce).bytes(), super::moment::before(DAY));
    world
}

fn retirement(person: &str, by: &'static str, key: &str) -> Forge {
    let payload = labelled([
        (2, account(person).into()),
        (3, "issuer.example".into()),
        (6, (NOW - 5).into()),
        (7, keys::sixteen(&format!("retirement of {key}")).into()),
        (-1, 1.into()),
        (-124, keys::thumbprint(key).into()),
    ]);
    Forge::new("retirement", payload, By::Key(by))
}

const KEYS: Shows = Shows("M36", "A15");

fn retirements(sheet: &mut Sheet) {
    let mut t = Commands::new(sheet, "two-keys", two_keys(), NEEDS);
    for (id, title, by, key) in [
        ("retire/base", "A key that another of the account retires", "payer", "payer-2"),
        ("retire/itself", "A key that retires itself", "payer", "payer"),
        ("retire/the-first", "The first key of an account, which the second retires", "payer-2", "payer"),
    ] {
        let paper = retirement("ann", by, key);
        t.accept(id, title, KEYS, "WAL-32 WAL-33", ("command", &paper, NOW), ("recorded", &|_| {}));
    }
    let rows: [(&str, &str, Forge, Code, &str); 6] = [
        (
            "retire/unknown",
            "A key that the account does not have",
            retirement("ann", "payer", "thief"),
            Code::KeyUnknown,
            "key",
        ),
        (
            "retire/another-accounts",
            "A key of another account",
            retirement("ann", "payer", "other-payer"),
            Code::KeyUnknown,
            "key",
        ),
        (
            "retire/last",
            "The only key of an account",
            retirement("bob", "other-payer", "other-payer"),
            Code::LastKey,
            "sub",
        ),
        (
            "retire/by-another",
            "A key that another account's key retires",
            retirement("ann", "other-payer", "payer-2"),
            Code::CommandSigner,
            "signer",
        ),
        (
            "retire/by-agent",
            "A key that the agent retires",
            retirement("ann", "agent", "payer-2"),
            Code::CommandSigner,
            "signer",
        ),
        (
            "retire/another-issuer",
            "A retirement for another issuer",
            retirement("ann", "payer", "payer-2").says(|p| p.with(3, "other-issuer.example")),
            Code::AudienceMismatch,
            "aud",
        ),
    ];
    for (id, title, paper, code, change) in rows {
        t.refuse(id, title, KEYS, code, ("command", &paper, NOW), ("retire/base", change));
    }
    let mut world = two_keys();
    world.send("command", &retirement("ann", "payer", "payer-2").bytes(), NOW);
    let mut t = Commands::new(sheet, "one-key-left", world, NEEDS);
    let own = retirement("ann", "payer", "payer");
    t.refuse(
        "retire/last-that-is-left",
        "The only key that is left",
        KEYS,
        Code::LastKey,
        ("command", &own, NOW),
        ("retire/itself", "setup"),
    );
}

/// What a retired key signs, and what it had signed.
fn retired(sheet: &mut Sheet) {
    let before = Forge::new("mandate", quota("before", plenty()), By::Key("payer-2"));
    let world = |is_retired: bool| {
        let mut world = two_keys();
        world.register(&before);
        if is_retired {
            world.send("command", &retirement("ann", "payer", "payer-2").bytes(), NOW - 2);
        }
        world
    };
    let after = Forge::new("mandate", quota("after", plenty()), By::Key("payer-2"));
    let stop = mandate_command("suspension", "payer-2", &[before.id()]);
    let nonce = keys::sixteen("a third key");
    let third = enrolment(Some("ann"), "payer-3", "payer-2", nonce);
    let paid_in = deposit("ann", "payer-2", 100, "CNY", nonce);
    let mut t = Commands::new(sheet, "nothing-retired", world(false), NEEDS);
    let mut honest = |id: &str, title: &str, message: &str, paper: &Forge, effect: &dyn Fn(&mut World)| {
        t.accept(id, title, KEYS, "WAL-31", (message, paper, NOW), ("recorded", effect));
    };
    honest("retired/mandate-twin", "A mandate by the second key", "mandate", &after, &|w| w.registered(&after));
    let rests = |w: &mut World| w.model.stand(before.id(), "suspended");
    honest("retired/suspension-twin", "A suspension by the second key", "command", &stop, &rests);
    honest("retired/enrolment-twin", "A third key, by the second", "account", &third, &|_| {});
    let grows = |w: &mut World| w.model.deposit(account("ann"), "CNY", 100);
    honest("retired/deposit-twin", "A deposit by the second key", "command", &paid_in, &grows);
    let mut t = Commands::new(sheet, "second-key-retired", world(true), NEEDS);
    for (id, title, message, paper, code) in [
        ("mandate", "A mandate by a retired key", "mandate", &after, Code::MandateSigner),
        ("suspension", "A suspension by a retired key", "command", &stop, Code::CommandSigner),
        ("enrolment", "A third key, by a retired one", "account", &third, Code::AccountUnknown),
        ("deposit", "A deposit by a retired key", "command", &paid_in, Code::AccountUnknown),
    ] {
        let (id, twin) = (format!("retired/{id}"), format!("retired/{id}-twin"));
        t.refuse(&id, title, KEYS, code, (message, paper, NOW), (&twin, "setup"));
        t.last(|case| super::time::peeled(case, "WAL-31"));
    }
    // The stage signature knows the key again: it holds a mandate of another account.
    let mut world_of_holder = world(true);
    let held = Forge::new("mandate", quota("held by a retired key", plenty()), By::Key("other-payer"))
        .says(|p| p.with(2, account("bob")).with(8, agent_key("payer-2")));
    world_of_holder.register(&held);
    let mut t = Commands::new(sheet, "second-key-retired-and-holds", world_of_holder, NEEDS);
    let title = "A suspension by a retired key of what it had signed, now that it holds another's mandate";
    let twin = ("retired/suspension-twin", "setup");
    t.refuse("retired/suspension-held", title, KEYS, Code::CommandSigner, ("command", &stop, NOW), twin);
    t.last(|case| super::time::peeled(case, "WAL-31"));
    let mut scene = Scene::new("retired");
    scene.mandates = vec![(before.payload.clone(), "payer-2")];
    let base = ("retired/paid", "A payment under a mandate that a key signed before it was retired", "WAL-31");
    let mut t = Payments::new(sheet, ("second-key-retired-and-pays", world(true)), base, scene.known());
    t.last(|case| case.needs(NEEDS).shows(KEYS));
}

/// An order of the issuer's own.
fn order(kind: &'static str, person: &str) -> Forge {
    let payload = labelled([
        (1, "issuer.example".into()),
        (2, account(person).into()),
        (6, (NOW - 5).into()),
        (7, keys::sixteen(&format!("{kind} of {person}")).into()),
        (-1, 1.into()),
    ]);
    Forge::new(kind, payload, By::Certificate("issuer"))
}

fn by_bank(order: &Forge) -> Forge {
    let leaf = Certificate::leaf("thief", Role::Issuer, "bank.example", &[], "root").der();
    order.but(|f| {
        f.protected = certificate_header(f.kind, &leaf);
        f.unprotected = labelled([(33, leaf.clone().into())]);
        f.signer = "thief";
    })
}

fn by_merchant(order: &Forge) -> Forge {
    let leaf = certs::leaf("merchant");
    order.but(|f| {
        f.protected = certificate_header(f.kind, &leaf);
        f.unprotected = labelled([(33, leaf.clone().into())]);
        f.signer = "merchant";
    })
}

fn orders(sheet: &mut Sheet) {
    let shows = Shows("M36", "A17");
    for (kind, world) in [("freeze", World::new()), ("thaw", frozen_world())] {
        let setup = if kind == "freeze" { "free" } else { "frozen" };
        let mut t = Commands::new(sheet, setup, world, NEEDS);
        let honest = order(kind, "ann");
        let base = format!("{kind}/base");
        let title = format!("A {kind} by the issuer itself");
        t.accept(&base, &title, shows, "WAL-40", ("command", &honest, NOW), ("recorded", &|_| {}));
        let named = by_bank(&honest.says(|p| p.with(1, "bank.example")));
        let rows: [(&str, &str, Forge, Code, Stage); 4] = [
            ("by-another-issuer", "by another issuer, in its own name", named, Code::CommandSigner, Stage::Signature),
            (
                "in-its-name",
                "by another issuer, in this one's name",
                by_bank(&honest),
                Code::CertName,
                Stage::Certificates,
            ),
            ("by-merchant", "by a merchant", by_merchant(&honest), Code::CertRole, Stage::Certificates),
            (
                "of-nobody",
                "of an account that there is not",
                order(kind, "nobody"),
                Code::AccountUnknown,
                Stage::Ledger,
            ),
        ];
        for (id, words, paper, code, stage) in rows {
            let (id, title) = (format!("{kind}/{id}"), format!("A {kind} {words}"));
            let stage = if code == Code::AccountUnknown { code.stages()[0] } else { stage };
            t.refuse(&id, &title, shows, code, ("command", &paper, NOW), (&base, "signer"));
            t.at(stage);
            if code == Code::CommandSigner {
                t.last(|case| super::time::peeled(case, "WAL-40"));
            }
        }
    }
}

fn thaws_with_a_key(sheet: &mut Sheet) {
    let mut t = Commands::new(sheet, "frozen", frozen_world(), NEEDS);
    let naming = |key: &'static str| order("thaw", "ann").says(|p| p.with(8, agent_key(key)));
    let title = "A thaw that names a new key";
    t.accept("thaw/new-key", title, KEYS, "WAL-44", ("command", &naming("payer-3"), NOW), ("recorded", &|_| {}));
    let (title, bobs) = ("A thaw of ann's account that names bob's key", naming("other-payer"));
    t.refuse("thaw/bobs-key", title, KEYS, Code::KeyTaken, ("command", &bobs, NOW), ("thaw/new-key", "cnf"));
}

/// Ann has two keys, a mandate and a hold, and her account is frozen.
fn frozen_world() -> World {
    let (mut world, ..) = holding();
    world.send("command", &order("freeze", "ann").bytes(), NOW - 1);
    world
}

/// Ann has two keys, a registered mandate, a hold of 1,000 and a payment of 1,000.
fn holding() -> (World, Forge, [[u8; 32]; 2]) {
    let mut world = two_keys();
    let mut scene = Scene::new("held");
    scene.offer(|o| o.with(-24, 2));
    let mandate = scene.papers().mandates.remove(0);
    let held = world.pay(&scene);
    let mut scene = scene.known();
    scene.offer = tea("settled", 1_000);
    let settled = world.pay(&scene);
    (world, mandate, [held, settled])
}

fn money(minor: u64) -> Vec<(i64, Item)> {
    vec![(-5, minor.into()), (-6, "CNY".into())]
}

fn frozen(sheet: &mut Sheet) {
    let shows = Shows("F08", "A17");
    let (free, mandate_of, [held, settled]) = holding();
    let fresh = mandate("fresh");
    let nonce = keys::sixteen("a third key");
    let third = enrolment(Some("ann"), "payer-3", "payer", nonce);
    let gone = retirement("ann", "payer", "payer-2");
    let registers = |w: &mut World| w.registered(&fresh);
    let refused: [(&str, &str, &str, &Forge, &dyn Fn(&mut World)); 3] = [
        ("registration", "A mandate", "mandate", &fresh, &registers),
        ("enrolment", "A third key", "account", &third, &|_| {}),
        ("retirement", "A key that is retired", "command", &gone, &|_| {}),
    ];
    let mut t = Commands::new(sheet, "holding", free.clone(), "core accounts holds");
    for (id, title, message, paper, effect) in refused {
        let (id, title) = (format!("frozen/{id}-twin"), format!("{title}, before the freeze"));
        t.accept(&id, &title, shows, "WAL-41", (message, paper, NOW), ("recorded", effect));
    }
    let mut t = Commands::new(sheet, "holding-and-frozen", frozen_world(), "core accounts holds");
    for (id, title, message, paper, _) in refused {
        let (id, twin, title) =
            (format!("frozen/{id}"), format!("frozen/{id}-twin"), format!("{title}, of a frozen account"));
        t.refuse(&id, &title, shows, Code::AccountFrozen, (message, paper, NOW), (&twin, "setup"));
        t.last(|case| super::time::peeled(case, "WAL-41"));
    }
    // What goes on.
    let id = mandate_of.id();
    let paid_in = deposit("ann", "payer", 100, "CNY", nonce);
    let goes_on: [(&str, &str, Forge, &str, &dyn Fn(&mut World), &str); 6] = [
        ("deposit", "A deposit", paid_in, "recorded", &|w| w.model.deposit(account("ann"), "CNY", 100), "WAL-41"),
        (
            "suspension",
            "A suspension",
            mandate_command("suspension", "payer", &[id]),
            "recorded",
            &|w| w.model.stand(id, "suspended"),
            "WAL-41",
        ),
        (
            "revocation",
            "A revocation",
            mandate_command("revocation", "payer", &[id]),
            "recorded",
            &|w| w.model.stand(id, "revoked"),
            "WAL-41",
        ),
        (
            "capture",
            "A capture",
            merchant_command("capture", "merchant", held, &money(1_000)),
            "captured",
            &|w| w.model.capture(held, 1_000, false),
            "WAL-42",
        ),
        (
            "void",
            "A void",
            merchant_command("void", "merchant", held, &[]),
            "voided",
            &|w| w.model.release(held, "voided"),
            "WAL-42",
        ),
        (
            "refund",
            "A refund",
            merchant_command("refund", "merchant", settled, &money(400)),
            "refunded",
            &|w| w.model.refund(settled, 400),
            "WAL-42",
        ),
    ];
    for (id, title, paper, outcome, effect, clause) in goes_on {
        let (id, title) = (format!("frozen/{id}"), format!("{title}, while the account is frozen"));
        t.accept(&id, &title, shows, clause, ("command", &paper, NOW), (outcome, effect));
    }
    let mut scene = Scene::new("frozen").known();
    scene.mandates = vec![(mandate_of.payload.clone(), "payer")];
    let given_up = Scene { offer: tea("given up", 1_000), ..scene.clone() };
    let intent = given_up.papers().intent;
    let gives_up = cancel(By::Key("agent"), &intent, None);
    t.accept(
        "frozen/cancel",
        "A cancel, while the account is frozen",
        shows,
        "WAL-41",
        ("command", &gives_up, NOW),
        ("cancelled", &|w| w.model.close(intent.id(), "cancelled")),
    );
    let base = ("frozen/payment-twin", "A payment, before the freeze", "AUT-62");
    let mut t = Payments::new(sheet, ("holding-to-pay", free), base, scene.clone());
    t.last(|case| case.needs("core accounts holds").shows(shows));
    sheet.setup("frozen-to-pay", frozen_world().setup());
    let mut t = Payments::continuing(sheet, "frozen-to-pay", frozen_world(), scene, "frozen/payment-twin");
    t.needs("core accounts holds");
    t.refuse("frozen/payment", "A payment of a frozen account", shows, Code::AccountFrozen, |_| {});
    t.refuse("frozen/hold", "A hold of a frozen account", shows, Code::AccountFrozen, |s| s.offer(|o| o.with(-24, 2)));
}

/// An account that was frozen, and is thawed.
fn thawed(sheet: &mut Sheet) {
    let shows = Shows("F08", "A17");
    let (_, mandate_of, _) = holding();
    let new_key = order("thaw", "ann").says(|p| p.with(8, agent_key("payer-3")));
    let after = |thaw: &Forge| {
        let mut world = frozen_world();
        world.send("command", &thaw.bytes(), NOW);
        world
    };
    let mut scene = Scene::new("thawed").known();
    scene.mandates = vec![(mandate_of.payload.clone(), "payer")];
    let needs = "core accounts holds";
    for (id, title, thaw, clauses) in [
        ("thawed/payment", "A payment, after the account was thawed", order("thaw", "ann"), "WAL-43"),
        (
            "thawed/payment-new-key",
            "A payment under what an old key signed, after a thaw with a new one",
            new_key.clone(),
            "WAL-43 WAL-44",
        ),
    ] {
        let mut t = Payments::new(sheet, (id, after(&thaw)), (id, title, clauses), scene.clone());
        t.last(|case| case.needs(needs).shows(shows));
    }
    let by = |key: &'static str| Forge::new("mandate", quota("thawed", plenty()), By::Key(key));
    let (old, second, new) = (by("payer"), by("payer-2"), by("payer-3"));
    let mut t = Commands::new(sheet, "thawed", after(&order("thaw", "ann")), needs);
    for (id, title, paper) in [
        ("thawed/mandate", "A mandate by the first key, after a thaw", &old),
        ("thawed/mandate-second", "A mandate by the second key, after a thaw", &second),
    ] {
        let effect = |w: &mut World| w.registered(paper);
        t.accept(id, title, shows, "WAL-43", ("mandate", paper, NOW), ("recorded", &effect));
    }
    t.refuse(
        "thawed/mandate-third",
        "A mandate by a key that a thaw did not name",
        shows,
        Code::MandateSigner,
        ("mandate", &new, NOW),
        ("thawed/mandate", "signer"),
    );
    let mut t = Commands::new(sheet, "thawed-with-a-key", after(&new_key), needs);
    t.accept(
        "thawed/new-key",
        "A mandate by the key that a thaw named",
        shows,
        "WAL-44",
        ("mandate", &new, NOW),
        ("recorded", &|w| w.registered(&new)),
    );
    for (id, title, paper) in [
        ("thawed/old-key", "A mandate by the first key, after a thaw that named another", &old),
        ("thawed/old-second-key", "A mandate by the second key, after a thaw that named another", &second),
    ] {
        t.refuse(id, title, shows, Code::MandateSigner, ("mandate", paper, NOW), ("thawed/new-key", "signer"));
        t.last(|case| super::time::peeled(case, "WAL-44"));
    }
}
