//! Metered sessions: what the issuer takes and refuses, and that after any crash of anybody seller, agent and issuer
//! agree to the unit.

#![allow(clippy::unwrap_used, reason = "a test that cannot build its case has failed")]

mod ledger_support;
#[path = "metered/scene.rs"]
mod scene;
#[path = "metered/walks.rs"]
mod walks;

use ledger_support::*;
use purser_protocol::code::{Code, Stage};
use purser_protocol::id::{Digest, PaperId};
use purser_protocol::ledger::books::Purse;
use purser_protocol::paper::meter::{Ascending, ChainRoot, Claim, LinkCount, Reached, Unit, UnitCount, Used};
use purser_protocol::receipt::Outcome;
use purser_protocol::token::chain::Chain;
use purser_protocol::token::message::Release;
use purser_protocol::token::seller::{Released, Session, State, Taken, Why, opened};
use scene::*;

#[test]
fn the_receipt_of_a_metered_hold_has_its_chains() {
    let mut scene = Scene::new();
    let hold = scene.hold(1_000);
    let claims = &hold.said.record().claims;
    assert_eq!(claims.outcome, Outcome::Authorized);
    assert_eq!(claims.chains.as_ref(), hold.intent.chains.as_ref());
}

#[test]
fn chains_that_are_not_the_meters_are_refused() {
    let chain = |length, root| ChainRoot { length: LinkCount::new(length).unwrap(), root: Digest([root; 32]) };
    let rows: [(&str, Option<Vec<ChainRoot>>); 5] = [
        ("no chains", None),
        ("one chain for two steps", Some(vec![chain(1_000, 1)])),
        ("three chains for two steps", Some(vec![chain(498, 1), chain(50, 2), chain(1, 3)])),
        ("a unit more than is held", Some(vec![chain(501, 1), chain(50, 2)])),
        ("a unit less than is held", Some(vec![chain(499, 1), chain(50, 2)])),
    ];
    for (name, chains) in rows {
        let mut scene = Scene::new();
        let good = scene.take(1_000, Some(vec![chain(500, 1), chain(50, 2)]));
        assert!(good.is(Outcome::Authorized), "{name}");
        let said = scene.take(1_000, chains);
        assert_eq!(said.verdict(), Verdict::Refused(Code::ChainsMismatch, Stage::Mandate), "{name}");
    }
}

#[test]
fn chains_without_a_meter_are_refused() {
    let mut scene = Scene::new();
    let offer = by_command(scene.world.offer(SHOP, 1_000));
    let mut papers = scene.world.papers("agent", scene.mandate, SHOP, &offer);
    let mut intent = scene.world.intent(scene.mandate, &offer, papers.offer.id);
    let root = ChainRoot { length: LinkCount::new(1_000).unwrap(), root: Digest([1; 32]) };
    intent.chains = list([root]);
    papers.intent = scene.world.sign(&intent, "agent");
    scene.world.pay(&papers).must_be_refused(Code::ChainsMismatch);
}

/// A claim: places of the two chains, output tokens, amount.
struct Row(&'static str, [u64; 2], u64, u64, Option<Code>);

#[test]
fn a_capture_takes_what_links_and_use_cover() {
    // Fifteen for a thousand output tokens; links of 1 and of 10.
    let rows = [
        Row("all that both cover", [100, 5], 10_000, 150, None),
        Row("less than both", [100, 5], 10_000, 1, None),
        Row("a unit more than the links", [100, 4], 10_000, 141, Some(Code::CaptureExceedsLinks)),
        Row("a unit more than the use", [100, 5], 9_000, 136, Some(Code::CaptureExceedsUsage)),
        Row("use is rounded up", [100, 5], 9_934, 150, None),
        Row("and not further", [100, 5], 9_933, 150, Some(Code::CaptureExceedsUsage)),
        Row("a unit more than is held", [500, 50], 90_000, 1_001, Some(Code::CaptureExceedsHold)),
        Row("no link of the first chain", [0, 5], 10_000, 50, None),
        Row("a link behind the end", [501, 5], 10_000, 150, Some(Code::LinkOutOfChain)),
    ];
    for Row(name, places, tokens, amount, refused) in rows {
        let mut scene = Scene::new();
        let hold = scene.hold(1_000);
        let claim = hold.claim(places, tokens);
        let said = scene.capture(&hold, amount, true, Some(claim));
        match refused {
            None => drop(said.must_be(Outcome::Captured)),
            Some(code) => drop(said.must_be_refused(code)),
        }
        let got = if refused.is_none() { amount } else { 0 };
        assert_eq!(scene.world.got(SHOP), got, "{name}");
        let held = if refused.is_none() { 0 } else { 1_000 };
        assert_eq!(scene.world.balance(&Purse::Hold(hold.intent_id)), held, "{name}");
        assert_eq!(scene.world.free("ann"), START_MINOR - got - held, "{name}");
    }
}

#[test]
fn links_that_are_none_of_the_session_are_refused() {
    let mut scene = Scene::new();
    let other = scene.hold(1_000);
    let hold = scene.hold(1_000);
    let mut forged = hold.claim([100, 5], 10_000);
    forged.links = links(vec![reached(0, 100, Digest([9; 32]))]);
    let mut moved = hold.claim([100, 5], 10_000);
    moved.links = links(vec![reached(0, 101, hold.chains[0].link(100).unwrap())]);
    let mut swapped = hold.claim([100, 5], 10_000);
    swapped.links = links(vec![reached(1, 5, hold.chains[0].link(5).unwrap())]);
    let mut third = hold.claim([100, 5], 10_000);
    third.links = links(vec![reached(2, 5, Digest([9; 32]))]);
    for (name, claim, code) in [
        ("a forged link", forged, Code::LinkInvalid),
        ("a link at another place", moved, Code::LinkInvalid),
        ("a link of the other chain", swapped, Code::LinkInvalid),
        ("links of another session", other.claim([100, 5], 10_000), Code::LinkInvalid),
        ("a third chain", third, Code::LinkOutOfChain),
    ] {
        let said = scene.capture(&hold, 1, false, Some(claim));
        assert_eq!(said.verdict(), Verdict::Refused(code, Stage::Ledger), "{name}");
    }
    let honest = hold.claim([100, 5], 10_000);
    scene.capture(&hold, 1, false, Some(honest)).must_be(Outcome::Captured);
}

#[test]
fn a_claim_and_a_meter_go_together() {
    let mut scene = Scene::new();
    let hold = scene.hold(1_000);
    scene.capture(&hold, 1, false, None).must_be_refused(Code::ClaimMismatch);
    let claim = hold.claim([1, 1], 1_000);
    scene.capture(&hold, 1, false, Some(claim.clone())).must_be(Outcome::Captured);
    let (plain, said) = scene.world.hold("agent", scene.mandate, SHOP, 100);
    said.must_be(Outcome::Authorized);
    let mut paper = scene.world.capture_paper(SHOP, plain.intent.id, 1, false);
    paper.claim = Some(claim);
    let paper = scene.world.certify(&paper, SHOP);
    scene.world.send(&paper.bytes).must_be_refused(Code::ClaimMismatch);
}

#[test]
fn captures_in_parts_come_to_no_more_than_one() {
    let mut scene = Scene::new();
    let hold = scene.hold(1_000);
    let first = hold.claim([100, 0], 10_000);
    scene.capture(&hold, 100, false, Some(first.clone())).must_be(Outcome::Captured);
    // The same links pay once.
    scene.capture(&hold, 1, false, Some(first)).must_be_refused(Code::CaptureExceedsLinks);
    scene.world.restart();
    // A chain that is not named again keeps the link that was claimed before, and so does one that goes back.
    let second = hold.claim([0, 5], 10_000);
    scene.capture(&hold, 50, false, Some(second)).must_be(Outcome::Captured);
    let third = hold.claim([50, 6], 11_000);
    scene.capture(&hold, 11, false, Some(third.clone())).must_be_refused(Code::CaptureExceedsLinks);
    scene.capture(&hold, 10, true, Some(third)).must_be(Outcome::Captured);
    assert_eq!((scene.world.got(SHOP), scene.world.free("ann")), (160, START_MINOR - 160));
}

#[test]
fn a_revocation_leaves_a_session_its_grace() {
    for (seconds, refused) in [(GRACE - 1, false), (GRACE, true)] {
        let mut scene = Scene::new();
        let hold = scene.hold(1_000);
        // What is no session is promised until its own end. [REV-7]
        let (plain, _) = scene.world.hold("agent", scene.mandate, SHOP, 100);
        scene.world.revoke("ann", "ann", &[scene.mandate]).must_be(Outcome::Recorded);
        scene.world.restart();
        scene.world.now += seconds;
        let claim = hold.claim([100, 5], 10_000);
        let said = scene.capture(&hold, 150, true, Some(claim));
        if refused {
            said.must_be_refused(Code::HoldExpired);
            scene.world.sweep();
        } else {
            said.must_be(Outcome::Captured);
        }
        assert_eq!(scene.world.got(SHOP), if refused { 0 } else { 150 });
        scene.world.capture(SHOP, plain.intent.id, 100, true).must_be(Outcome::Captured);
        let taken = if refused { 100 } else { 250 };
        assert_eq!(scene.world.free("ann"), START_MINOR - taken);
    }
}

// --- The seller's answers, message by message.

#[test]
fn equal_lower_and_higher_links() {
    let mut scene = Scene::new();
    let hold = scene.hold(1_000);
    let mut seller = hold.seller(&scene);
    let release = |places: [u64; 2]| Release { links: hold.claim(places, 1).links, offer: hold.offer_id };
    let told = |seller: &Session, places| seller.release(&release(places), at(scene.world.now)).unwrap();

    let Released::Ahead(records) = told(&seller, [100, 2]) else { panic!("a first link moves nothing") };
    records.iter().for_each(|record| seller.apply(record));
    assert_eq!(seller.value_minor(), 120);
    assert_eq!(told(&seller, [100, 2]), Released::Known);
    assert_eq!(told(&seller, [1, 1]), Released::Known);
    assert_eq!(seller.value_minor(), 120);
    // One chain ahead and one behind: the greater of each.
    let Released::Ahead(records) = told(&seller, [50, 3]) else { panic!("a higher link moves nothing") };
    records.iter().for_each(|record| seller.apply(record));
    assert_eq!(seller.value_minor(), 130);
}

#[test]
fn what_a_seller_refuses() {
    let mut scene = Scene::new();
    let other = scene.hold(1_000);
    let hold = scene.hold(10_000);
    let mut seller = hold.seller(&scene);
    let now = at(scene.world.now);
    let release = |links: Vec<Reached>| Release { links: Ascending::new(links).unwrap(), offer: hold.offer_id };
    let link = |chain: usize, index: u64| hold.chains[chain].link(index).unwrap();
    let refused = |seller: &Session, links, code: Code| {
        let fault = seller.release(&release(links), now).unwrap_err();
        assert_eq!((fault.code, fault.stage), (code, Stage::Redeem));
    };
    refused(&seller, vec![reached(0, 1, other.chains[0].link(1).unwrap())], Code::LinkInvalid);
    refused(&seller, vec![reached(0, 2, link(0, 1))], Code::LinkInvalid);
    refused(&seller, vec![reached(2, 1, link(0, 1))], Code::LinkOutOfChain);
    refused(&seller, vec![reached(0, 5_001, link(0, 1))], Code::LinkOutOfChain);
    refused(&seller, vec![reached(0, 4_097, link(0, 4_097))], Code::WalkTooLong);
    // One wrong link, and none of the message counts.
    refused(&seller, vec![reached(0, 1, link(0, 1)), reached(1, 1, link(0, 1))], Code::LinkInvalid);
    assert_eq!(seller.value_minor(), 0);
    let stranger = Release { offer: other.offer_id, ..release(vec![reached(0, 1, link(0, 1))]) };
    assert_eq!(seller.release(&stranger, now).unwrap_err().code, Code::SessionUnknown);

    let Released::Ahead(records) = seller.release(&release(vec![reached(0, 4_096, link(0, 4_096))]), now).unwrap()
    else {
        panic!("4,096 links are allowed")
    };
    records.iter().for_each(|record| seller.apply(record));
    // A wrong link at the place that is reached is wrong, not known.
    refused(&seller, vec![reached(0, 4_096, link(0, 4_095))], Code::LinkInvalid);

    let closing = seller.close(Why::Agent).unwrap();
    seller.apply(&closing);
    refused(&seller, vec![reached(0, 4_097, link(0, 4_097))], Code::SessionClosed);
    assert_eq!(seller.release(&release(vec![reached(0, 4_096, link(0, 4_096))]), now), Ok(Released::Known));
    assert_eq!(seller.take(1, Unit::OutputToken, units(1), now).unwrap_err().code, Code::SessionClosed);
}

#[test]
fn a_seller_takes_what_is_paid_and_says_what_is_missing() {
    let mut scene = Scene::new();
    let hold = scene.hold(1_000);
    let mut seller = hold.seller(&scene);
    let now = at(scene.world.now);
    let Taken::Need(need) = seller.take(7, Unit::OutputToken, units(1), now).unwrap() else {
        panic!("nothing is paid")
    };
    assert_eq!((need.offer, need.at_least.minor()), (hold.offer_id, 1));
    let release = Release { links: hold.claim([3, 0], 1).links, offer: hold.offer_id };
    let Released::Ahead(records) = seller.release(&release, now).unwrap() else { panic!("links move") };
    records.iter().for_each(|record| seller.apply(record));
    // Three minor units are 200 output tokens at fifteen a thousand.
    assert_eq!(seller.room(Unit::OutputToken), 200);
    let taken = seller.take(7, Unit::OutputToken, units(201), now).unwrap();
    let Taken::Paid(200, records) = taken else { panic!("{taken:?}") };
    records.iter().for_each(|record| seller.apply(record));
    assert_eq!((seller.used_in(7, Unit::OutputToken), seller.used_in(8, Unit::OutputToken)), (200, 0));
    // A unit without a price is never paid.
    assert_eq!(seller.room(Unit::Image), 0);
    assert_eq!(seller.take(7, Unit::Image, units(1), now), Ok(Taken::TopUp));
}

/// Ten thousand calls in one session, under its three ledgers: the issuer has decided a hold and a capture.
#[test]
fn ten_thousand_calls_cost_the_issuer_two_commands() {
    const CALLS: u64 = 10_000;
    let mut scene = Scene::new();
    let before = scene.world.decisions();
    let hold = scene.hold(1_000);
    let mut seller = hold.seller(&scene);
    let mut agent = purser_protocol::token::agent::Session::open(hold.opening.clone());
    for call in 1..=CALLS {
        // A call reads a token and writes four.
        for (unit, count) in [(Unit::InputToken, 1), (Unit::OutputToken, 4)] {
            let mut missing = count;
            while missing > 0 {
                match seller.take(call, unit, units(missing), at(scene.world.now)).unwrap() {
                    Taken::Paid(paid, records) => {
                        records.iter().for_each(|record| seller.apply(record));
                        missing -= paid;
                    }
                    Taken::Need(need) => {
                        let (record, release) = agent.cover(&need).unwrap();
                        agent.apply(&record);
                        let released = seller.release(&release, at(scene.world.now)).unwrap();
                        let Released::Ahead(records) = released else { panic!("nothing moved") };
                        records.iter().for_each(|record| seller.apply(record));
                    }
                    Taken::TopUp => panic!("the hold is used up"),
                }
            }
            let seen = agent.see(unit, call * count);
            agent.apply(&seen.unwrap());
        }
    }
    seller.apply(&seller.close(Why::Agent).unwrap());
    scene.settle(&mut seller);
    // Three for a thousand read, fifteen for a thousand written.
    let cost = (CALLS * 3 + 4 * CALLS * 15).div_ceil(1_000);
    assert_eq!(scene.world.decisions() - before, 2, "the hold and its capture");
    assert_eq!((seller.cost_minor(), scene.world.got(SHOP)), (cost, cost), "seller and issuer");
    assert_eq!(scene.world.free("ann"), START_MINOR - cost, "the rest came back");
    assert!((cost..=cost + 25).contains(&agent.released_minor()), "the agent let no more go than it may be ahead");
}

#[test]
fn time_ends_a_session() {
    let mut scene = Scene::new();
    let hold = scene.hold(1_000);
    let mut seller = hold.seller(&scene);
    let now = scene.world.now;
    assert_eq!(seller.tick(at(now + IDLE - 1)), None);
    let record = seller.tick(at(now + IDLE)).unwrap();
    seller.apply(&record);
    assert_eq!(seller.state(), State::Closing(Why::Idle));
    assert_eq!(seller.tick(at(now + 2 * IDLE)), None);
    // Nothing was used: all of it goes back.
    scene.settle(&mut seller);
    assert_eq!(seller.state(), State::Closed(Why::Idle));
    assert_eq!(scene.world.free("ann"), START_MINOR);
}

#[test]
fn a_receipt_that_does_not_pay_this_session_opens_none() {
    let mut scene = Scene::new();
    let hold = scene.hold(1_000);
    let now = at(scene.world.now);
    let claims = hold.said.record().claims.clone();
    assert!(opened(hold.offer_id, &hold.offer, &claims, now).is_ok());
    let mut none = claims.clone();
    none.chains = None;
    let mut settled = claims.clone();
    settled.outcome = Outcome::Settled;
    let mut more = claims.clone();
    more.amount = Some(minor(1_001));
    for (name, offer_id, claims) in [
        ("no chains", hold.offer_id, none),
        ("settled", hold.offer_id, settled),
        ("another amount", hold.offer_id, more),
        ("another offer", PaperId([3; 32]), claims),
    ] {
        let fault = opened(offer_id, &hold.offer, &claims, now).unwrap_err();
        assert_eq!(fault.code, Code::ReceiptMismatch, "{name}");
    }
}

fn units(count: u64) -> UnitCount {
    UnitCount::new(count).unwrap()
}

fn reached(chain: u64, index: u64, link: Digest) -> Reached {
    Reached { chain, index: LinkCount::new(index).unwrap(), link }
}

fn links(links: Vec<Reached>) -> purser_protocol::paper::meter::Links {
    Ascending::new(links).unwrap()
}

impl Held {
    /// A claim with the links at these places; 0 names no link.
    fn claim(&self, places: [u64; 2], tokens: u64) -> Claim {
        let known = places.iter().zip(&self.chains).enumerate().filter(|(_, (place, _))| **place > 0);
        let claimed = known.map(|(chain, (place, links))| {
            reached(chain as u64, *place, links.link(*place).unwrap_or(Digest([0; 32])))
        });
        Claim {
            links: links(claimed.collect()),
            usage: Ascending::new(vec![Used { unit: Unit::OutputToken, count: units(tokens) }]).unwrap(),
        }
    }

    fn chains_of(secret: [u8; 32], offer: PaperId, lengths: &[u64]) -> Vec<Chain> {
        (0..).zip(lengths).map(|(number, length)| Chain::new(&secret, offer, number, *length)).collect()
    }
}
