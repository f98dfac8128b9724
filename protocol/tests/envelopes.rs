//! Money set aside: what goes into an envelope, what comes out, and where it goes when the mandate is changed or
//! ends.

#![allow(clippy::unwrap_used, reason = "a test that cannot build its case has failed")]

mod ledger_support;

use ledger_support::*;
use purser_protocol::code::Code;
use purser_protocol::id::PaperId;
use purser_protocol::paper::mandate::Mandate;
use purser_protocol::receipt::Outcome;

/// Ann has 1,000, of which 400 are set aside for an agent that may spend 10,000.
struct Scene {
    world: World,
    mandate: Mandate,
    id: PaperId,
}

impl Scene {
    fn new() -> Self {
        let mut world = World::new();
        world.deposit("ann", 1_000).must_be(Outcome::Recorded);
        let mut mandate = world.quota("ann", "agent", 10_000);
        mandate.funded = Some(minor(400));
        let id = world.registered(&mandate, "ann");
        Self { world, mandate, id }
    }

    /// What is free in the account and in the envelope.
    fn free(&self) -> (u64, u64) {
        (self.world.free("ann"), self.world.envelope(&self.mandate))
    }

    /// Replaces the mandate by one of another sum.
    fn funds(&mut self, units: Option<u64>) -> Said {
        let mut next = self.world.next(&self.mandate, self.id);
        next.funded = units.map(minor);
        let paper = self.world.sign(&next, "ann");
        let said = self.world.send(&paper.bytes);
        if said.is(Outcome::Recorded) {
            (self.mandate, self.id) = (next, paper.id);
        }
        said
    }

    fn buys(&mut self, units: u64) -> (PaymentPapers, Said) {
        self.world.buy("agent", self.id, "shop.example", units)
    }

    fn holds(&mut self, units: u64) -> PaperId {
        let (papers, said) = self.world.hold("agent", self.id, "shop.example", units);
        said.must_be(Outcome::Authorized);
        papers.intent.id
    }
}

#[test]
fn an_agent_spends_what_is_set_aside_and_nothing_else() {
    let mut scene = Scene::new();
    assert_eq!(scene.free(), (600, 400));
    scene.buys(401).1.must_be_refused(Code::InsufficientFunds);
    scene.buys(400).1.must_be(Outcome::Settled);
    assert_eq!(scene.free(), (600, 0));
    scene.buys(1).1.must_be_refused(Code::InsufficientFunds);
    // And nobody else spends it.
    let mut scene = Scene::new();
    let other = scene.world.quota("ann", "other", 10_000);
    let other = scene.world.registered(&other, "ann");
    scene.world.buy("other", other, "shop.example", 601).1.must_be_refused(Code::InsufficientFunds);
    scene.world.buy("other", other, "shop.example", 600).1.must_be(Outcome::Settled);
    assert_eq!(scene.free(), (0, 400));
}

#[test]
fn a_sub_agent_spends_from_the_roots_envelope() {
    let mut scene = Scene::new();
    let sub = scene.world.quota("ann", "sub", 10_000);
    let sub = scene.world.below(scene.id, sub);
    let sub = scene.world.registered(&sub, "agent");
    scene.world.buy("sub", sub, "shop.example", 401).1.must_be_refused(Code::InsufficientFunds);
    let (held, _) = scene.world.hold("sub", sub, "shop.example", 400);
    assert_eq!(scene.free(), (600, 0));
    scene.world.void("shop.example", held.intent.id).must_be(Outcome::Voided);
    assert_eq!(scene.free(), (600, 400));
}

#[test]
fn no_more_is_set_aside_than_there_is() {
    for (units, expected) in [(1_000, Ok(())), (1_001, Err(Code::InsufficientFunds))] {
        let mut world = World::new();
        world.deposit("ann", 1_000).must_be(Outcome::Recorded);
        let mut mandate = world.quota("ann", "agent", 10_000);
        mandate.funded = Some(minor(units));
        let said = world.register(&mandate, "ann");
        match expected {
            Ok(()) => said.must_be(Outcome::Recorded),
            Err(code) => said.must_be_refused(code),
        };
        assert_eq!(world.free("ann"), if expected.is_ok() { 0 } else { 1_000 });
    }
}

#[test]
fn a_sum_is_raised_and_lowered_by_the_difference() {
    let mut scene = Scene::new();
    scene.buys(100).1.must_be(Outcome::Settled);
    assert_eq!(scene.free(), (600, 300));
    scene.funds(Some(1_001)).must_be_refused(Code::InsufficientFunds);
    scene.funds(Some(1_000)).must_be(Outcome::Recorded);
    assert_eq!(scene.free(), (0, 900));
    // Down to what was spent, and not below: what is gone cannot be taken back.
    scene.funds(Some(99)).must_be_refused(Code::InsufficientFunds);
    scene.funds(Some(100)).must_be(Outcome::Recorded);
    assert_eq!(scene.free(), (900, 0));
    scene.buys(1).1.must_be_refused(Code::InsufficientFunds);
    scene.funds(None).must_be_refused(Code::InsufficientFunds);
}

#[test]
fn an_envelope_that_is_whole_can_be_given_up_and_taken_up_again() {
    let mut scene = Scene::new();
    scene.funds(None).must_be(Outcome::Recorded);
    assert_eq!(scene.free(), (1_000, 0));
    scene.buys(500).1.must_be(Outcome::Settled);
    assert_eq!(scene.free(), (500, 0), "out of the account now");
    scene.funds(Some(500)).must_be(Outcome::Recorded);
    assert_eq!(scene.free(), (0, 500));
}

#[test]
fn what_comes_back_while_it_is_open_goes_into_it() {
    let mut scene = Scene::new();
    let held = scene.holds(300);
    scene.world.capture("shop.example", held, 100, false).must_be(Outcome::Captured);
    scene.world.refund("shop.example", held, 50).must_be(Outcome::Refunded);
    assert_eq!(scene.free(), (600, 150));
    scene.world.void("shop.example", held).must_be(Outcome::Voided);
    assert_eq!(scene.free(), (600, 350));
    // A replacement does not open another: the hold of the version before is from the same.
    let held = scene.holds(100);
    scene.funds(Some(500)).must_be(Outcome::Recorded);
    scene.world.void("shop.example", held).must_be(Outcome::Voided);
    assert_eq!(scene.free(), (500, 450));
}

#[test]
fn it_closes_with_the_mandates_end_and_not_before() {
    let mut scene = Scene::new();
    let held = scene.holds(100);
    assert!(scene.world.pass(7 * DAY).len() == 1, "the hold ends first");
    let until_the_end = 30 * DAY - 7 * DAY;
    assert!(scene.world.pass(until_the_end - 1).is_empty());
    assert_eq!(scene.free(), (600, 400));
    let registered = scene.world.answer(&scene.id).cloned();
    assert_eq!(scene.world.pass(1).len(), 1);
    assert_eq!(scene.free(), (1_000, 0));
    assert_eq!(scene.world.answer(&scene.id), registered.as_ref(), "the mandate's own answer stays");
    assert!(scene.world.sweep().is_empty(), "once");
    scene.world.void("shop.example", held).must_be_refused(Code::HoldExpired);
}

#[test]
fn it_closes_with_a_revocation_and_what_comes_later_goes_to_the_account() {
    let mut scene = Scene::new();
    let (bought, _) = scene.buys(100);
    let held = scene.holds(200);
    scene.world.revoke("ann", "ann", &[scene.id]).must_be(Outcome::Recorded);
    assert_eq!(scene.free(), (700, 0));
    scene.world.capture("shop.example", held, 150, true).must_be(Outcome::Captured);
    assert_eq!(scene.free(), (750, 0));
    scene.world.refund("shop.example", bought.intent.id, 100).must_be(Outcome::Refunded);
    assert_eq!(scene.free(), (850, 0));
    assert!(scene.world.pass(40 * DAY).is_empty(), "nothing is left to close");
}

#[test]
fn a_revocation_by_an_older_version_closes_it_too() {
    let mut scene = Scene::new();
    let old = scene.id;
    scene.funds(Some(700)).must_be(Outcome::Recorded);
    scene.world.revoke("ann", "ann", &[old]).must_be(Outcome::Recorded);
    assert_eq!(scene.free(), (1_000, 0));
    assert!(scene.world.pass(40 * DAY).is_empty());
}

#[test]
fn what_left_one_envelope_does_not_come_back_into_the_next() {
    let mut scene = Scene::new();
    scene.world.now += 29 * DAY;
    let held = scene.holds(300);
    scene.world.pass(DAY);
    assert_eq!(scene.free(), (700, 0), "closed; the hold is still on");
    scene.funds(Some(500)).must_be(Outcome::Recorded);
    assert_eq!(scene.free(), (200, 500));
    scene.world.void("shop.example", held).must_be(Outcome::Voided);
    assert_eq!(scene.free(), (500, 500));
    scene.funds(None).must_be(Outcome::Recorded);
    assert_eq!(scene.free(), (1_000, 0), "and nothing is left where nobody can spend it");
}

#[test]
fn an_envelope_whose_time_has_come_is_closed_whether_or_not_anybody_looked() {
    // With and without the sweep, the next version finds the same.
    for sweeps in [true, false] {
        let mut scene = Scene::new();
        scene.buys(100).1.must_be(Outcome::Settled);
        scene.world.now += 30 * DAY;
        if sweeps {
            scene.world.sweep();
        }
        scene.funds(Some(901)).must_be_refused(Code::InsufficientFunds);
        scene.funds(Some(900)).must_be(Outcome::Recorded);
        assert_eq!(scene.free(), (0, 900), "a new one, with a sum of its own");
        assert!(scene.world.sweep().is_empty());
        scene.buys(900).1.must_be(Outcome::Settled);
        assert_eq!(&scene.world.replayed(), scene.world.state());
        assert_eq!(&scene.world.replayed_from_snapshot(), scene.world.state());
    }
}
