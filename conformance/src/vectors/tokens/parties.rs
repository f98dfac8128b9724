//! Seller and agent: message by message.

use purser_test_vectors::{Call, Case, Expect};
use serde_json::{Value, json};

use super::super::hex;
use super::super::sheet::{Expecting as _, accepted, call, case, refused};
use super::*;

/// Long enough that one message can go too far.
const LONG: [u64; 2] = [5_000, 500];
const LONG_HELD: u64 = 10_000;

pub(super) fn cases(sheet: &mut Sheet) {
    sheet.setup("seller", vec![open("session.open", "seller", None)]);
    openings(sheet);
    links(sheet);
    uses(sheet);
    agent(sheet);
    restarted(sheet);
}

/// Whoever is ended in between goes on with what it had said.
fn restarted(sheet: &mut Sheet) {
    let (again, id) = (call("session.restart", json!({})), offer("seller", None).1);
    let first = release(vec![reached(0, 100, link(0, 100)), reached(1, 2, link(1, 2))], id);
    let opened = open("session.open", "seller", None);
    let worth = |minor: u64| accepted().value(json!({"value_minor": minor.to_string()}));
    let title = "A seller that is ended after it took links";
    let case = of("merchant", "restart/links", title, again.clone(), worth(120));
    sheet.add(case.clauses("TOK-29").after_setup("released"));
    sheet.setup("restarted", vec![opened, first, take(5_000, 3, NOW), again]);
    let title = "A seller that is ended after it counted tokens: the rest is there, and no more";
    let rest = accepted().value(json!({"paid": 3_000}));
    let case = of("merchant", "restart/use", title, take(8_000, 3, NOW), rest);
    sheet.add(case.clauses("TOK-23 TOK-24").after_setup("restarted"));
}

/// The offer of a seller's session: its payload and its id.
fn offer(name: &str, continues: Option<[u8; 32]>) -> (Item, [u8; 32]) {
    let mut scene = metered(name);
    scene.offer(|offer| {
        let meter = match continues {
            Some(first) => meter().with(7, first),
            None => meter(),
        };
        priced(offer, LONG_HELD).with(-70, meter)
    });
    (scene.offer.clone(), scene.papers().offer.id())
}

fn long_roots(id: &[u8; 32]) -> Item {
    seq([(0, LONG[0]), (1, LONG[1])].map(|(number, length)| seq([length.into(), chain(id, number, length)[0].into()])))
}

/// What the receipt of the hold says.
fn held(id: &[u8; 32]) -> Item {
    labelled([
        (6, NOW.into()),
        (-3, (*id).into()),
        (-4, keys::thirty_two("intent of the session").into()),
        (-5, LONG_HELD.into()),
        (-6, "CNY".into()),
        (-7, keys::thirty_two("hash of the secret").into()),
        (-8, 1.into()),
        (-26, keys::sixteen("payer at the seller").into()),
        (-35, keys::sixteen("salt of the receipt").into()),
        (-37, (NOW + 7 * DAY).into()),
        (-71, long_roots(id)),
    ])
}

fn open(op: &str, name: &str, continues: Option<[u8; 32]>) -> Call {
    let (payload, id) = offer(name, continues);
    opening(op, &payload, &id, &held(&id))
}

fn opening(op: &str, offer: &Item, id: &[u8; 32], claims: &Item) -> Call {
    let input = json!({"offer": hex(&offer.encode()), "id": hex(id), "claims": hex(&claims.encode()), "now": NOW});
    call(op, input)
}

pub(super) fn of(role: &str, id: &str, title: &str, call: Call, expect: Expect) -> Case {
    case(role, id, title, call, expect).needs("core holds tokens").shows(H)
}

pub(super) fn no(code: Code) -> Expect {
    refused(code, Stage::Redeem)
}

fn openings(sheet: &mut Sheet) {
    let (payload, id) = offer("seller", None);
    let is = |claims: Item| opening("session.open", &payload, &id, &claims);
    let base = of("merchant", "open/base", "A receipt that holds the money of a session", is(held(&id)), accepted());
    sheet.add(base.clauses("TOK-19"));
    let lasts = is(held(&id).with(-37, NOW + 61));
    let case = of("merchant", "open/ends-later", "A hold that ends in a minute and a second", lasts, accepted());
    sheet.add(case.clauses("TOK-19"));
    let longer = seq([(0, LONG[0] + 1), (1, LONG[1])]
        .map(|(number, length)| seq([length.into(), chain(&id, number, length)[0].into()])));
    for (name, title, claims) in [
        ("ended", "A hold that has ended", held(&id).with(-37, NOW - 1)),
        ("currency", "A hold in another currency", held(&id).with(-6, "JPY")),
        ("dinars", "A hold in a third currency", held(&id).with(-6, "KWD")),
        ("above", "A hold of a unit more than the offer asks", held(&id).with(-5, LONG_HELD + 1).with(-71, longer)),
        ("amount-less", "Chains that come to twice what is held", held(&id).with(-5, LONG_HELD / 2)),
        (
            "third-offer",
            "A receipt for the offer of another seller",
            held(&id).with(-3, keys::thirty_two("a third offer")),
        ),
        ("settled", "A receipt that is settled", held(&id).with(-8, 2).without(-37).without(-71)),
        ("no-chains", "A receipt without chains", held(&id).without(-71)),
        ("other-offer", "A receipt for another offer", held(&id).with(-3, keys::thirty_two("another offer"))),
        ("amount", "Chains that come to more than is held", held(&id).with(-5, LONG_HELD - 1)),
        ("ends", "A hold that ends in a minute", held(&id).with(-37, NOW + 60)),
    ] {
        let expect = no(Code::ReceiptMismatch);
        let case = of("merchant", &format!("open/{name}"), title, is(claims), expect);
        let twin = if name == "ends" { "open/ends-later" } else { "open/base" };
        sheet.add(case.clauses("TOK-19").twin(twin).mutated(twin, "claims", vec![json!(name)], false));
    }
    let further = |continues| open("session.top_up", "further", continues);
    let base = of("merchant", "further/base", "A further hold", further(Some(id)), accepted());
    sheet.add(base.clauses("TOK-25").after_setup("seller"));
    let (payload, other) = offer("further", Some(id));
    let stranger = held(&other).with(-26, keys::sixteen("another payer"));
    let nobody = held(&other).with(-26, [0; 16]);
    let priced_at = |label: i64, value: Item| {
        let mut scene = metered("further");
        scene.offer(|offer| priced(offer, LONG_HELD).with(-70, meter().with(7, id).with(label, value)));
        let (payload, id) = (scene.offer.clone(), scene.papers().offer.id());
        opening("session.top_up", &payload, &id, &held(&id))
    };
    let dearer = priced_at(1, seq([seq([1.into(), 3.into()]), seq([3.into(), 16.into()])]));
    let per = priced_at(2, 999.into());
    let (itself, again) = (offer("seller", None), open("session.top_up", "seller", None));
    for (name, title, call) in [
        ("prices", "A further hold at other prices", dearer),
        ("per", "A further hold at the same prices for fewer units", per),
        ("same", "The hold that opened the session once more", again),
        ("same-continued", "The hold that opened the session once more, as if it continued itself", {
            let payload = itself.0.with(-70, meter().with(7, itself.1));
            opening("session.top_up", &payload, &itself.1, &held(&itself.1))
        }),
        ("no-payer", "A further hold of a payer of zeros", opening("session.top_up", &payload, &other, &nobody)),
        ("nothing-continued", "A further hold whose offer continues nothing", further(None)),
        (
            "other-session",
            "A further hold whose offer continues another",
            further(Some(keys::thirty_two("another offer"))),
        ),
        ("other-payer", "A further hold of another payer", opening("session.top_up", &payload, &other, &stranger)),
    ] {
        let case = of("merchant", &format!("further/{name}"), title, call, no(Code::ReceiptMismatch));
        let case = case.clauses("TOK-25").twin("further/base").after_setup("seller");
        sheet.add(case.mutated("further/base", "offer", vec![json!(name)], false));
    }
}

fn link(number: u8, place: usize) -> [u8; 32] {
    chain(&offer("seller", None).1, number, LONG[usize::from(number)])[place]
}

fn release(links: Vec<Item>, to: [u8; 32]) -> Call {
    let message = labelled([(1, Item::List(links)), (-3, to.into())]);
    call("session.release", json!({"release": hex(&message.encode()), "now": NOW}))
}

fn moved(moved: bool, minor: u64) -> Value {
    json!({"moved": moved, "value_minor": minor.to_string()})
}

fn links(sheet: &mut Sheet) {
    let id = offer("seller", None).1;
    let told = |links: Vec<Item>| release(links, id);
    let at = |number: u8, place: u64| reached(number, place, link(number, usize::try_from(place).unwrap_or(0)));
    let first = told(vec![at(0, 100), at(1, 2)]);
    let mut setup = vec![open("session.open", "seller", None)];
    setup.push(first.clone());
    sheet.setup("released", setup);
    let base =
        of("merchant", "links/base", "First links of both chains", first.clone(), accepted().value(moved(true, 120)));
    sheet.add(base.clauses("TOK-12 TOK-7 TOK-11 TOK-20 TOK-21").after_setup("seller"));
    for (name, title, call, value) in [
        ("equal", "The same links again", first, moved(false, 120)),
        ("lower", "Earlier links", told(vec![at(0, 99), at(1, 1)]), moved(false, 120)),
        ("higher", "Later links", told(vec![at(0, 101), at(1, 3)]), moved(true, 131)),
        (
            "crossed",
            "A later link of one chain and an earlier one of the other",
            told(vec![at(0, 1), at(1, 4)]),
            moved(true, 140),
        ),
    ] {
        let case = of("merchant", &format!("links/{name}"), title, call, accepted().value(value));
        sheet.add(case.clauses("TOK-21").after_setup("released"));
    }
    let furthest = of(
        "merchant",
        "links/furthest",
        "A link 4,096 places ahead",
        told(vec![at(0, 4_096)]),
        accepted().value(moved(true, 4_096)),
    );
    sheet.add(furthest.clauses("TOK-22").after_setup("seller"));
    let other = chain(&keys::thirty_two("another offer"), 0, 5)[1];
    for (name, title, call, code) in [
        ("too-far", "A link 4,097 places ahead", told(vec![at(0, 4_097)]), Code::WalkTooLong),
        (
            "behind-end",
            "A link behind the end of its chain",
            told(vec![reached(0, 5_001, link(0, 5_000))]),
            Code::LinkOutOfChain,
        ),
        ("third-chain", "A link of a third chain", told(vec![reached(2, 1, link(1, 1))]), Code::LinkOutOfChain),
        ("forged", "A link that is none", told(vec![reached(0, 100, keys::thirty_two("forged"))]), Code::LinkInvalid),
        ("place", "A link at the place behind its own", told(vec![reached(0, 101, link(0, 100))]), Code::LinkInvalid),
        ("other-session", "A link of another session", told(vec![reached(0, 1, other)]), Code::LinkInvalid),
        (
            "one-wrong",
            "A link that is right and one that is wrong",
            told(vec![at(0, 100), reached(1, 1, link(0, 1))]),
            Code::LinkInvalid,
        ),
        (
            "unknown",
            "Links for a hold that is not there",
            release(vec![at(0, 1)], keys::thirty_two("another offer")),
            Code::SessionUnknown,
        ),
    ] {
        let twin = if name == "too-far" { "links/furthest" } else { "links/base" };
        let case = of("merchant", &format!("links/{name}"), title, call, no(code));
        sheet.add(case.twin(twin).mutated(twin, "links", vec![json!(name)], false).after_setup("seller"));
    }
    let far = told(vec![at(0, 4_196)]);
    let case = of("merchant", "links/as-far-again", "A link 4,096 places ahead of the one reached", far, accepted());
    sheet.add(case.clauses("TOK-22").after_setup("released"));
    for (name, title, setup, call, code) in [
        (
            "too-far-again",
            "A link 4,097 places ahead of the one reached",
            "released",
            told(vec![at(0, 4_197)]),
            Code::WalkTooLong,
        ),
        (
            "behind-second-end",
            "A link behind the end of the second chain",
            "seller",
            told(vec![reached(1, 501, link(1, 500))]),
            Code::LinkOutOfChain,
        ),
        (
            "unknown-again",
            "Links for a hold that is not there, after some for the one that is",
            "released",
            release(vec![at(0, 101)], keys::thirty_two("another offer")),
            Code::SessionUnknown,
        ),
    ] {
        let twin = if name == "too-far-again" { "links/as-far-again" } else { "links/base" };
        let case = of("merchant", &format!("links/{name}"), title, call, no(code));
        sheet.add(case.twin(twin).mutated(twin, "links", vec![json!(name)], false).after_setup(setup));
    }
    let wrong = told(vec![reached(0, 100, link(0, 99))]);
    let case =
        of("merchant", "links/equal-place", "Another link at the place that is reached", wrong, no(Code::LinkInvalid));
    sheet.add(
        case.clauses("TOK-21")
            .twin("links/base")
            .mutated("links/base", "links", vec![json!("equal-place")], false)
            .after_setup("released"),
    );
}

fn take(count: u64, unit: u64, now: u64) -> Call {
    call("session.take", json!({"stream": 1, "unit": unit, "count": count, "now": now}))
}

fn uses(sheet: &mut Sheet) {
    // Twelve minor units are 8,000 tokens at fifteen a thousand; 120 are released.
    let paid = |count: u64| accepted().value(json!({"paid": count}));
    let base = of("merchant", "use/all", "All that is paid, and no more", take(8_001, 3, NOW), paid(8_000));
    sheet.add(base.clauses("TOK-24").after_setup("released"));
    let more =
        of("merchant", "use/all-of-more", "All that is paid, of many more", take(1_000_000, 3, NOW), paid(8_000));
    sheet.add(more.clauses("TOK-24").after_setup("released"));
    let mut used = vec![open("session.open", "seller", None)];
    let id = offer("seller", None).1;
    used.push(release(vec![reached(0, 100, link(0, 100)), reached(1, 2, link(1, 2))], id));
    let mut closed = used.clone();
    used.push(take(8_000, 3, NOW));
    sheet.setup("used", used.clone());
    for (name, title, setup) in [
        ("nothing", "A token before anything is released", "seller"),
        ("one-more", "A token more than is paid", "used"),
    ] {
        let case = of("merchant", &format!("use/{name}"), title, take(1, 3, NOW), no(Code::CreditNeeded));
        sheet.add(case.twin("use/all").mutated("use/all", "setup", vec![json!(name)], false).after_setup(setup));
    }
    let idle = of(
        "merchant",
        "use/idle-not-yet",
        "A token in the last second before the session is idle",
        take(1, 3, NOW + 599),
        paid(1),
    );
    sheet.add(idle.clauses("TOK-27").after_setup("released"));
    let late =
        of("merchant", "use/idle", "A token when the session is idle", take(1, 3, NOW + 600), no(Code::SessionClosed));
    sheet.add(
        late.clauses("TOK-27")
            .twin("use/idle-not-yet")
            .mutated("use/idle-not-yet", "now", vec![json!(600)], false)
            .after_setup("released"),
    );
    // Links keep it open too, and do not open it again.
    let links_at = |now: u64| {
        let mut call = release(vec![reached(0, 101, link(0, 101))], id);
        call.input["now"] = json!(now);
        call
    };
    let case = of(
        "merchant",
        "links/idle-not-yet",
        "A link in the last second before the session is idle",
        links_at(NOW + 599),
        accepted().value(moved(true, 121)),
    );
    sheet.add(case.clauses("TOK-27").after_setup("released"));
    let late =
        of("merchant", "links/idle", "A link when the session is idle", links_at(NOW + 600), no(Code::SessionClosed));
    sheet.add(
        late.clauses("TOK-27")
            .twin("links/idle-not-yet")
            .mutated("links/idle-not-yet", "now", vec![json!(600)], false)
            .after_setup("released"),
    );
    // A hold that ends in five minutes.
    let (payload, id) = offer("seller", None);
    let mut ending = opening("session.open", &payload, &id, &held(&id).with(-37, NOW + 300));
    ending.input["now"] = json!(NOW);
    sheet.setup("ending", vec![ending, release(vec![reached(0, 100, link(0, 100)), reached(1, 2, link(1, 2))], id)]);
    let case = of(
        "merchant",
        "use/hold-lasts",
        "A token a minute and a second before the hold ends",
        take(1, 3, NOW + 239),
        paid(1),
    );
    sheet.add(case.clauses("TOK-27").after_setup("ending"));
    let case = of(
        "merchant",
        "links/hold-lasts",
        "A link a minute and a second before the hold ends",
        links_at(NOW + 239),
        accepted(),
    );
    sheet.add(case.clauses("TOK-27").after_setup("ending"));
    for (name, title, call) in [
        ("use/hold-ends", "A token a minute before the hold ends", take(1, 3, NOW + 240)),
        ("links/hold-ends", "A link a minute before the hold ends", links_at(NOW + 240)),
    ] {
        let twin = name.replace("ends", "lasts");
        let case = of("merchant", name, title, call, no(Code::SessionClosed)).clauses("TOK-27").twin(&twin);
        sheet.add(case.mutated(&twin, "now", vec![json!(240)], false).after_setup("ending"));
    }
    let mut part = closed.clone();
    closed.push(call("session.close", json!({})));
    sheet.setup("closed", closed);
    let case =
        of("merchant", "links/closed", "A link when the session is closed", links_at(NOW), no(Code::SessionClosed));
    sheet.add(
        case.twin("links/idle-not-yet")
            .mutated("links/idle-not-yet", "setup", vec![json!("closed")], false)
            .after_setup("closed"),
    );
    part.extend([take(1_000, 3, NOW), call("session.close", json!({}))]);
    sheet.setup("used-in-part", part);
    let over =
        of("merchant", "use/closed", "A token when the session is closed", take(1, 3, NOW), no(Code::SessionClosed));
    sheet.add(over.twin("use/all").mutated("use/all", "setup", vec![json!("closed")], false).after_setup("closed"));
    used.push(call("session.close", json!({})));
    sheet.setup("used-and-closed", used);
    let settled = json!({"claims": [{"amount_minor": "120", "claim": hex(&claim_of_all().encode())}]});
    let case = of(
        "merchant",
        "settle/all",
        "The claim on a session of which all is used",
        call("session.settle", json!({"now": NOW})),
        accepted().value(settled),
    );
    sheet.add(case.clauses("TOK-15 TOK-28").after_setup("used-and-closed"));
    let links = seq([reached(0, 100, link(0, 100)), reached(1, 2, link(1, 2))]);
    let claim = labelled([(1, links), (2, seq([seq([3.into(), 1_000.into()])]))]);
    let settled = json!({"claims": [{"amount_minor": "15", "claim": hex(&claim.encode())}]});
    let case = of(
        "merchant",
        "settle/part",
        "The claim on a session of which a part is used: what the use costs",
        call("session.settle", json!({"now": NOW})),
        accepted().value(settled),
    );
    sheet.add(case.clauses("TOK-15 TOK-28").after_setup("used-in-part"));
    let nothing = json!({"claims": [{"amount_minor": "0"}]});
    let case = of(
        "merchant",
        "settle/nothing",
        "Links were released, and nothing used: all goes back",
        call("session.settle", json!({"now": NOW})),
        accepted().value(nothing),
    );
    sheet.add(case.clauses("TOK-15").after_setup("closed"));
}

fn claim_of_all() -> Item {
    labelled([
        (1, seq([reached(0, 100, link(0, 100)), reached(1, 2, link(1, 2))])),
        (2, seq([seq([3.into(), 8_000.into()])])),
    ])
}

// --- The agent.

const SPEND_HELD: u64 = 1_000;

fn spend(name: &str) -> Call {
    let (payload, id) = offer(name, None);
    let input = json!({
        "id": hex(&id), "meter": hex(&payload.get(-70).encode()), "amount_minor": SPEND_HELD.to_string(),
        "lengths": LENGTHS, "secret": hex(&keys::thirty_two("secret of the session")),
    });
    call("spend.open", input)
}

fn need(minor: u64) -> Call {
    let message = labelled([(1, minor.into()), (-3, offer("seller", None).1.into())]);
    call("spend.cover", json!({"need": hex(&message.encode())}))
}

fn agent(sheet: &mut Sheet) {
    let seen = |count: u64| call("spend.see", json!({"unit": 3, "count": count}));
    sheet.setup("spending", vec![spend("seller")]);
    sheet.setup("seen", vec![spend("seller"), need(1), seen(1_000)]);
    let released = |minor: u64| accepted().value(json!({"released_minor": minor.to_string()}));
    let first = of("agent", "cover/base", "What the seller may be ahead", need(25), released(25));
    sheet.add(first.clauses("TOK-31").after_setup("spending"));
    let more = of("agent", "cover/more", "A unit more than the seller may be ahead", need(26), no(Code::OverAsked));
    sheet.add(more.twin("cover/base").mutated("cover/base", "need", vec![json!(26)], false).after_setup("spending"));
    let after = of("agent", "cover/seen", "What the seller may be ahead of a thousand tokens", need(40), released(40));
    sheet.add(after.clauses("TOK-31").after_setup("seen"));
    let after = of(
        "agent",
        "cover/seen-part",
        "A unit more than was released, after a thousand tokens",
        need(26),
        released(40),
    );
    sheet.add(after.clauses("TOK-31").after_setup("seen"));
    let more = of("agent", "cover/seen-more", "A unit more than that", need(41), no(Code::OverAsked));
    sheet.add(more.twin("cover/seen").mutated("cover/seen", "need", vec![json!(41)], false).after_setup("seen"));
    let all = of("agent", "cover/all", "All that is held, at once", need(SPEND_HELD), no(Code::OverAsked));
    sheet.add(
        all.twin("cover/base").mutated("cover/base", "need", vec![json!(SPEND_HELD)], false).after_setup("spending"),
    );
    statements(sheet);
}

/// The agent's own chains are made of its secret in its own way; so a claim is made here of what it releases.
fn statements(sheet: &mut Sheet) {
    let id = offer("seller", None).1;
    let own = |number: u8, place: usize| {
        let secret = keys::thirty_two("secret of the session");
        let seed: [u8; 32] = Sha256::digest([&[3], &secret[..], &id[..], &[number]].concat()).into();
        let mut links = vec![seed];
        for at in (0..LENGTHS[usize::from(number)]).rev() {
            let next = links[links.len() - 1];
            let at = u32::try_from(at).unwrap_or(u32::MAX).to_be_bytes();
            links.push(Sha256::digest([&[2], &id[..16], &[number], &at[..], &next[..]].concat()).into());
        }
        links.reverse();
        links[place]
    };
    // 25 are released: two links of ten and five of one. A thousand tokens are seen: fifteen.
    let links = seq([reached(0, 5, own(0, 5)), reached(1, 2, own(1, 2))]);
    let intent = keys::thirty_two("intent of the session");
    let stated = |minor: u64, links: Item, tokens: u64| {
        let claim = labelled([(1, links), (2, seq([seq([3.into(), tokens.into()])]))]);
        let paper = capture(intent, minor, true, Some(claim));
        call("spend.check", json!({"capture": hex(&paper.payload.encode()), "intent": hex(&intent)}))
    };
    let base = of(
        "agent",
        "statement/base",
        "A claim of what was released and seen",
        stated(15, links.clone(), 1_000),
        accepted(),
    );
    sheet.add(base.clauses("TOK-34").after_setup("seen"));
    let forged = seq([reached(0, 5, keys::thirty_two("forged")), reached(1, 2, own(1, 2))]);
    let ahead = seq([reached(0, 6, own(0, 6)), reached(1, 2, own(1, 2))]);
    let further = seq([reached(0, 5, own(0, 5)), reached(1, 3, own(1, 3))]);
    let crossed = seq([reached(0, 5, own(0, 5)), reached(1, 2, own(0, 2))]);
    for (name, title, call) in [
        ("amount-of-all", "All that was released, for a thousand tokens", stated(25, links.clone(), 1_000)),
        ("use-of-more", "Ten times the tokens that were seen", stated(15, links.clone(), 10_000)),
        ("second-links", "A link of the second chain further than was released", stated(15, further, 1_000)),
        ("crossed", "A link of the first chain in the second", stated(15, crossed, 1_000)),
        (
            "no-second-link",
            "A link that is worth a unit less than the amount",
            stated(15, seq([reached(0, 4, own(0, 4)), reached(1, 1, own(1, 1))]), 1_000),
        ),
        ("amount", "A unit more than the use costs", stated(16, links.clone(), 1_000)),
        ("use", "A token more than was seen", stated(15, links, 1_001)),
        ("links", "A link further than was released", stated(15, ahead, 1_000)),
        ("forged", "A link that is none of the agent's", stated(15, forged, 1_000)),
        ("few-links", "Links that are worth less than the amount", stated(15, seq([reached(0, 5, own(0, 5))]), 1_000)),
    ] {
        let case = of("agent", &format!("statement/{name}"), title, call, no(Code::ClaimUncovered));
        sheet.add(
            case.twin("statement/base")
                .mutated("statement/base", "claim", vec![json!(name)], false)
                .after_setup("seen"),
        );
    }
}
