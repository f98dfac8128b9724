//! Metered sessions: what offers and intents say of them, what a capture rests on, and what seller and agent ask of
//! each other.

mod packs;
mod parties;
mod subscriptions;

use purser_protocol::code::{Code, Stage};
use purser_test_vectors::Area;
use sha2::{Digest as _, Sha256};

use super::cbor::{Item, labelled, seq};
use super::issuer::{Commands, Payments};
use super::keys;
use super::papers::NOW;
use super::sheet::{Build as _, Sheet, Shows};
use super::world::{DAY, Scene, World, mandate_command, merchant_command, priced};

/// Money of the holds, and the lengths of their chains under steps of 1 and of 10.
const HELD: u64 = 1_000;
const LENGTHS: [u64; 2] = [500, 50];
const GRACE: u64 = 120;
const H: Shows = Shows("", "H1");

pub(super) fn area() -> Area {
    let about = "Metered sessions: meters and chains, claims on a hold, links and use; and subscriptions.";
    let mut sheet = Sheet::new("tokens", about);
    offers(&mut sheet);
    claims(&mut sheet);
    grace(&mut sheet);
    short_hold(&mut sheet);
    subscriptions::cases(&mut sheet);
    parties::cases(&mut sheet);
    packs::cases(&mut sheet);
    sheet.finish()
}

/// Three for a thousand tokens read, fifteen for a thousand written.
fn meter() -> Item {
    labelled([
        (1, seq([seq([1.into(), 3.into()]), seq([3.into(), 15.into()])])),
        (2, 1_000.into()),
        (3, seq([1.into(), 10.into()])),
        (4, 25.into()),
        (5, 600.into()),
        (6, GRACE.into()),
    ])
}

fn metered(name: &str) -> Scene {
    let mut scene = Scene::new(name);
    scene.offer(|offer| priced(offer, HELD).with(-23, 2).with(-24, 2).with(-70, meter()));
    let chains = roots(&scene.papers().offer.id());
    scene.intent(-71, chains);
    scene
}

/// The links of a chain, from the root on, made link by link.
fn chain(offer: &[u8; 32], number: u8, length: u64) -> Vec<[u8; 32]> {
    let mut links = vec![keys::thirty_two(&format!("seed of chain {number}"))];
    for place in (0..length).rev() {
        let next = links[links.len() - 1];
        let place = u32::try_from(place).unwrap_or(u32::MAX).to_be_bytes();
        let input = [&[2], &offer[..16], &[number], &place[..], &next[..]].concat();
        links.push(Sha256::digest(input).into());
    }
    links.reverse();
    links
}

fn roots(offer: &[u8; 32]) -> Item {
    seq([(0, LENGTHS[0]), (1, LENGTHS[1])]
        .map(|(number, length)| seq([length.into(), chain(offer, number, length)[0].into()])))
}

/// A claim: the links at these places of both chains, and tokens written. A place of 0 names no link.
fn claim(offer: &[u8; 32], places: [u64; 2], tokens: u64) -> Item {
    let named = (0_u8..).zip(places).zip(LENGTHS).filter(|((_, place), _)| *place > 0);
    let links = named.map(|((number, place), length)| {
        let links = chain(offer, number, length);
        let link = usize::try_from(place).ok().and_then(|place| links.get(place)).copied();
        reached(number, place, link.unwrap_or([0; 32]))
    });
    labelled([(1, Item::List(links.collect())), (2, seq([seq([3.into(), tokens.into()])]))])
}

fn reached(number: u8, place: u64, link: [u8; 32]) -> Item {
    seq([u64::from(number).into(), place.into(), link.into()])
}

/// What an offer, and the intent that takes it, say of a session.
fn offers(sheet: &mut Sheet) {
    let base = ("base", "An intent for a metered offer, with its chains", "TOK-5 TOK-3 TOK-6 TOK-2 TOK-8");
    let mut t = Payments::new(sheet, ("account", World::new()), base, metered("metered"));
    t.last(|case| case.needs("core holds tokens"));
    t.needs("core holds tokens");
    t.refuse("dearer", "A hold that the mandate does not allow: its receipt has no chains", H, Code::RuleTotal, |s| {
        s.caps(labelled([(3, (HELD - 1).into())]));
    });
    t.last(|case| case.clauses("TOK-8"));
    t.needs("core holds tokens confirmation");
    t.ask("waits", "A hold that waits for the person: its receipt has no chains", H, "TOK-8 CNF-1", |s| {
        s.rule(21, HELD - 1);
    });
    t.needs("core holds tokens");
    let root = |length: u64| seq([length.into(), keys::thirty_two("a root").into()]);
    for (id, title, chains) in [
        ("chains/none", "No chains for an offer with a meter", None),
        ("chains/one", "One chain for two steps", Some(seq([root(1_000)]))),
        ("chains/three", "Three chains for two steps", Some(seq([root(490), root(50), root(1)]))),
        ("chains/more", "Chains that come to a unit more than is held", Some(seq([root(501), root(50)]))),
        ("chains/less", "Chains that come to a unit less than is held", Some(seq([root(499), root(50)]))),
        ("chains/swapped", "The lengths of the two chains the other way round", Some(seq([root(50), root(500)]))),
    ] {
        t.refuse(id, title, H, Code::ChainsMismatch, |s| s.intent.push((-71, chains.clone())));
    }
    t.refuse("chains/no-meter", "Chains for an offer without a meter", H, Code::ChainsMismatch, |s| {
        s.offer(|offer| offer.without(-70));
    });
    for (id, title, chains) in [
        ("chains/five", "Five chains", seq([root(1), root(1), root(1), root(1), root(1)])),
        ("chains/too-long", "A chain of 16,385 links", seq([root(16_385), root(50)])),
        ("chains/no-links", "A chain of no links", seq([root(0), root(50)])),
    ] {
        t.refuse(id, title, H, Code::FieldRange, |s| s.intent(-71, chains.clone()));
        t.last(|case| case.clauses("TOK-1"));
    }
    let changed =
        |label: i64, value: Item| move |s: &mut Scene| s.offer(|o| o.with(-70, meter().with(label, value.clone())));
    let price = |unit: u64, minor: u64| seq([unit.into(), minor.into()]);
    for (id, title, label, value) in [
        ("meter/prices-down", "Prices in the other order", 1, seq([price(3, 15), price(1, 3)])),
        ("meter/prices-twice", "Two prices of one unit", 1, seq([price(3, 3), price(3, 15)])),
        ("meter/steps-down", "Steps in the other order", 3, seq([10.into(), 1.into()])),
        ("meter/steps-equal", "Two steps that are one", 3, seq([10.into(), 10.into()])),
        ("meter/unit", "A unit that the registry does not have", 1, seq([price(1, 3), price(9, 15)])),
    ] {
        t.refuse(id, title, H, Code::FieldRange, changed(label, value));
        t.last(|case| case.clauses("TOK-2"));
    }
    t.accept("meter/least-ahead", "The least that can be ahead", H, "TOK-3 TOK-8", |s| {
        changed(4, 11.into())(s);
        let id = s.papers().offer.id();
        s.intent(-71, roots(&id));
    });
    t.refuse("meter/ahead", "A unit less than a step and a token", H, Code::FieldConflict, changed(4, 10.into()));
    t.last(|case| case.clauses("TOK-3"));
    t.refuse("meter/charge", "A meter in an offer that is not metered", H, Code::FieldConflict, |s| {
        s.offer(|offer| offer.with(-23, 1));
    });
    t.last(|case| case.clauses("TOK-6"));
    t.refuse("meter/at-once", "A meter in an offer that is captured at once", H, Code::FieldConflict, |s| {
        s.offer(|offer| offer.with(-24, 1));
    });
    t.last(|case| case.clauses("TOK-6"));
}

/// A capture of a part, or the last.
fn capture(intent: [u8; 32], minor: u64, is_last: bool, claim: Option<Item>) -> super::forge::Forge {
    let mut own = vec![(-5, minor.into()), (-6, "CNY".into())];
    own.extend(is_last.then_some((-43, true.into())));
    own.extend(claim.map(|claim| (-72, claim)));
    merchant_command("capture", "merchant", intent, &own)
}

fn claims(sheet: &mut Sheet) {
    let mut world = World::new();
    let (other, scene) = (metered("other-session"), metered("session"));
    world.pay(&other);
    let scene = scene.known();
    let intent = world.pay(&scene);
    let (offer, stranger) = (scene.papers().offer.id(), other.papers().offer.id());
    let mut plain = Scene::new("plain").known();
    plain.offer(|o| o.with(-24, 2));
    let plain_intent = world.pay(&plain);
    let mut t = Commands::new(sheet, "session", world.clone(), "core holds tokens");
    let of = |minor: u64, claim: Item| capture(intent, minor, true, Some(claim));
    let taken = |minor: u64| move |w: &mut World| w.model.capture(intent, minor, true);
    for (id, title, minor, claim, clauses) in [
        (
            "claim/all",
            "A capture of what links and use both cover",
            150,
            claim(&offer, [100, 5], 10_000),
            "TOK-13 TOK-14 TOK-10 TOK-12 TOK-15 TOK-8",
        ),
        ("claim/less", "A capture of less than both", 1, claim(&offer, [100, 5], 10_000), "TOK-13 TOK-14"),
        ("claim/rounded", "A statement of use that is rounded up", 150, claim(&offer, [100, 5], 9_934), "TOK-4 TOK-14"),
        (
            "claim/one-chain",
            "A claim with a link of the second chain alone",
            50,
            claim(&offer, [0, 5], 10_000),
            "TOK-11 TOK-13",
        ),
        ("claim/end", "The last link of both chains", 1_000, claim(&offer, [500, 50], 70_000), "TOK-11 TOK-12"),
    ] {
        t.accept(id, title, H, clauses, ("command", &of(minor, claim), NOW), ("captured", &taken(minor)));
    }
    let moved = |number: u8, place: u64, from: u8, at: usize| {
        let link = chain(&offer, from, LENGTHS[usize::from(from)])[at];
        claim(&offer, [100, 5], 10_000).with(1, seq([reached(number, place, link)]))
    };
    for (id, title, minor, claim, code, change) in [
        (
            "claim/more-than-links",
            "A unit more than the links are worth",
            141,
            claim(&offer, [100, 4], 10_000),
            Code::CaptureExceedsLinks,
            "links",
        ),
        (
            "claim/more-than-use",
            "A unit more than the use costs",
            136,
            claim(&offer, [100, 5], 9_000),
            Code::CaptureExceedsUsage,
            "usage",
        ),
        (
            "claim/rounded-once",
            "A statement that would have to be rounded twice",
            150,
            claim(&offer, [100, 5], 9_933),
            Code::CaptureExceedsUsage,
            "usage",
        ),
        (
            "claim/unpriced",
            "A statement with a unit that has no price",
            1,
            claim(&offer, [100, 5], 10_000).with(2, seq([seq([3.into(), 10_000.into()]), seq([8.into(), 1.into()])])),
            Code::CaptureExceedsUsage,
            "usage",
        ),
        (
            "claim/more-than-hold",
            "A unit more than is held",
            1_001,
            claim(&offer, [500, 50], 90_000),
            Code::CaptureExceedsHold,
            "amount",
        ),
        (
            "claim/behind-end",
            "A link behind the end of its chain",
            1,
            claim(&offer, [501, 5], 10_000),
            Code::LinkOutOfChain,
            "links",
        ),
        ("claim/third-chain", "A link of a third chain", 1, moved(2, 5, 1, 5), Code::LinkOutOfChain, "links"),
        (
            "claim/forged",
            "A link that nobody released",
            1,
            claim(&offer, [100, 5], 10_000).with(1, seq([reached(0, 100, keys::thirty_two("forged"))])),
            Code::LinkInvalid,
            "links",
        ),
        ("claim/place", "A link at the place behind its own", 1, moved(0, 101, 0, 100), Code::LinkInvalid, "links"),
        ("claim/before", "A link at the place before its own", 1, moved(0, 99, 0, 100), Code::LinkInvalid, "links"),
        (
            "claim/other-chain",
            "A link of the first chain in the second",
            1,
            moved(1, 5, 0, 5),
            Code::LinkInvalid,
            "links",
        ),
        (
            "claim/other-session",
            "The links of another session",
            1,
            claim(&stranger, [100, 5], 10_000),
            Code::LinkInvalid,
            "links",
        ),
    ] {
        t.refuse(id, title, H, code, ("command", &of(minor, claim), NOW), ("claim/all", change));
        if id == "claim/rounded-once" {
            t.last(|case| case.clauses("TOK-4"));
        }
    }
    t.refuse(
        "claim/none",
        "A capture of a metered hold without a claim",
        H,
        Code::ClaimMismatch,
        ("command", &capture(intent, 1, true, None), NOW),
        ("claim/all", "claim"),
    );
    let beside = capture(plain_intent, 1, true, Some(claim(&offer, [100, 5], 10_000)));
    t.refuse(
        "claim/no-meter",
        "A claim on a hold that is not metered",
        H,
        Code::ClaimMismatch,
        ("command", &beside, NOW),
        ("claim/all", "intent"),
    );
    let down = claim(&offer, [100, 5], 10_000);
    let Item::List(mut links) = down.get(1) else { return };
    links.reverse();
    let down = of(1, down.with(1, Item::List(links)));
    t.refuse(
        "claim/links-down",
        "Links in the other order",
        H,
        Code::FieldRange,
        ("command", &down, NOW),
        ("claim/all", "links"),
    );
    t.last(|case| case.clauses("TOK-2"));

    // A second claim on the same hold.
    let first = capture(intent, 100, false, Some(claim(&offer, [100, 0], 10_000)));
    let first = first.says(|p| p.with(7, keys::sixteen("first claim")));
    world.send("command", &first.bytes(), NOW);
    world.model.capture(intent, 100, false);
    let mut t = Commands::new(sheet, "claimed", world, "core holds tokens");
    let part = |minor: u64, claim: Item| capture(intent, minor, false, Some(claim));
    let taken = |minor: u64| move |w: &mut World| w.model.capture(intent, minor, false);
    t.accept(
        "again/other-chain",
        "A second claim with the other chain: the first keeps its link",
        H,
        "TOK-9",
        ("command", &part(50, claim(&offer, [0, 5], 10_000)), NOW),
        ("captured", &taken(50)),
    );
    t.accept(
        "again/lower",
        "A second claim with an earlier link beside a later one",
        H,
        "TOK-9",
        ("command", &part(50, claim(&offer, [50, 5], 10_000)), NOW),
        ("captured", &taken(50)),
    );
    t.refuse(
        "again/same-links",
        "A second claim with the same links",
        H,
        Code::CaptureExceedsLinks,
        ("command", &part(1, claim(&offer, [100, 0], 10_000)), NOW),
        ("again/other-chain", "links"),
    );
    t.refuse(
        "again/same-use",
        "A second claim for what was used and claimed",
        H,
        Code::CaptureExceedsUsage,
        ("command", &part(51, claim(&offer, [200, 5], 10_000)), NOW),
        ("again/other-chain", "usage"),
    );
}

/// A revocation, and how long the seller may still claim.
fn grace(sheet: &mut Sheet) {
    let mut world = World::new();
    let scene = metered("revoked");
    let intent = world.pay(&scene);
    let offer = scene.papers().offer.id();
    let mandate = scene.papers().mandates.remove(0);
    world.send("command", &mandate_command("revocation", "payer", &[mandate.id()]).bytes(), NOW);
    world.model.stand(mandate.id(), "revoked");
    let claimed =
        |at: u64| capture(intent, 150, true, Some(claim(&offer, [100, 5], 10_000))).says(|p| p.with(6, at - 5));
    let mut t = Commands::new(sheet, "revoked", world.clone(), "core holds tokens");
    let shows = Shows("F08", "A17 H2");
    let (last, over) = (NOW + GRACE - 1, NOW + GRACE);
    t.accept(
        "grace/last-second",
        "A claim in the last second of the grace",
        shows,
        "TOK-16",
        ("command", &claimed(last), last),
        ("captured", &|w| w.model.capture(intent, 150, true)),
    );
    let mut ended = world;
    ended.model.release(intent, "expired");
    t.refuse(
        "grace/over",
        "A claim in the first second after the grace",
        shows,
        Code::HoldExpired,
        ("command", &claimed(over), over),
        ("grace/last-second", "now"),
    );
    t.last(|mut case| {
        use super::sheet::Expecting as _;
        case.expect = case.expect.after(ended.model.value());
        case.clauses("TOK-16")
    });
}

/// A hold that ends before the grace of a revocation does.
fn short_hold(sheet: &mut Sheet) {
    const HELD_SECONDS: u64 = 60;
    let mut world = World::new();
    let mut scene = metered("short");
    scene.offer(|offer| offer.with(-27, HELD_SECONDS));
    let offer = scene.papers().offer.id();
    scene.intent(-71, roots(&offer));
    let intent = world.pay(&scene);
    let mandate = scene.papers().mandates.remove(0);
    world.send("command", &mandate_command("revocation", "payer", &[mandate.id()]).bytes(), NOW);
    world.model.stand(mandate.id(), "revoked");
    let claimed =
        |at: u64| capture(intent, 150, true, Some(claim(&offer, [100, 5], 10_000))).says(|p| p.with(6, at - 5));
    let mut t = Commands::new(sheet, "revoked-short", world.clone(), "core holds tokens");
    let (shows, last) = (Shows("F08", "A17 H2"), NOW + HELD_SECONDS - 1);
    t.accept(
        "grace/of-a-short-hold",
        "A claim in the last second of a hold that is shorter than the grace",
        shows,
        "TOK-16",
        ("command", &claimed(last), last),
        ("captured", &|w| w.model.capture(intent, 150, true)),
    );
    world.model.release(intent, "expired");
    for (id, title, at) in [
        ("ended", "A claim when the hold has ended and the grace has not", NOW + HELD_SECONDS),
        ("long-ended", "A claim in the last second of a grace that is longer than the hold", NOW + GRACE - 1),
    ] {
        t.refuse(
            &format!("grace/{id}"),
            title,
            shows,
            Code::HoldExpired,
            ("command", &claimed(at), at),
            ("grace/of-a-short-hold", "now"),
        );
        t.last(|mut case| {
            use super::sheet::Expecting as _;
            case.expect = case.expect.after(world.model.value());
            case.clauses("TOK-16")
        });
    }
}
