//! Any number of payments in any order come to exactly what was allowed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot build its case has failed"
)]

mod ledger_support;

use ledger_support::*;
use purser_protocol::code::Code;
use purser_protocol::id::PaperId;
use purser_protocol::ledger::audit::audit;
use purser_protocol::paper::rules::Fields;
use purser_protocol::receipt::Outcome;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

fn world() -> World {
    let mut world = World::new();
    world.audits = false;
    world.deposit("ann", 1_000_000).must_be(Outcome::Recorded);
    world
}

/// Sends purchases in an order of chance, each at least once and some several times. Returns what was taken.
fn race(world: &mut World, purchases: &[(PaymentPapers, u64)], dice: &mut Dice) -> Vec<u64> {
    let mut order: Vec<usize> = (0..purchases.len()).chain((0..purchases.len()).step_by(3)).collect();
    for place in (1..order.len()).rev() {
        order.swap(place, usize::try_from(dice.below(place as u64 + 1)).unwrap());
    }
    let mut taken = Vec::new();
    for place in order {
        let (papers, units) = &purchases[place];
        let said = world.pay(papers);
        if !said.known && (said.is(Outcome::Settled) || said.is(Outcome::Authorized)) {
            taken.push(*units);
        }
    }
    assert_eq!(audit(world.state(), world.past()), []);
    taken
}

fn purchases(
    world: &mut World,
    payers: &[(&str, PaperId)],
    amounts: impl Iterator<Item = u64>,
) -> Vec<(PaymentPapers, u64)> {
    let purchase = |(place, units): (usize, u64)| {
        let (agent, mandate) = payers[place % payers.len()];
        let offer = world.offer("shop.example", units);
        let offer = if place % 2 == 0 { offer } else { by_command(offer) };
        (world.papers(agent, mandate, "shop.example", &offer), units)
    };
    amounts.enumerate().map(purchase).collect()
}

#[test]
fn a_thousand_equal_payments_are_as_many_as_fit() {
    for (seed, total, each) in [(1, 5_000, 7), (2, 5_000, 10), (3, 1, 1), (4, 999, 1_000), (5, 7_000, 7)] {
        let mut world = world();
        let mandate = world.quota("ann", "agent", total);
        let id = world.registered(&mandate, "ann");
        let purchases = purchases(&mut world, &[("agent", id)], (0..1_000).map(|_| each));
        let taken = race(&mut world, &purchases, &mut Dice(seed));
        assert_eq!(taken.len() as u64, (total / each).min(1_000));
        assert_eq!(world.spent(&mandate).0, total / each * each);
    }
}

#[test]
fn a_thousand_unequal_payments_come_to_the_quota_exactly() {
    for seed in 1..=3 {
        let mut dice = Dice(seed);
        let mut world = world();
        let mandate = world.quota("ann", "agent", 10_000);
        let id = world.registered(&mandate, "ann");
        let amounts: Vec<u64> = (0..900).map(|_| 1 + dice.below(100)).chain((0..100).map(|_| 1)).collect();
        let asked: u64 = amounts.iter().sum();
        assert!(asked > 40_000);
        let purchases = purchases(&mut world, &[("agent", id)], amounts.into_iter());
        let taken = race(&mut world, &purchases, &mut dice);
        // What is left is less than any payment that was refused; single units fill it up.
        let sum: u64 = taken.iter().sum();
        let rest = 10_000 - sum;
        for _ in 0..rest {
            world.buy("agent", id, "shop.example", 1).1.must_be(Outcome::Settled);
        }
        world.buy("agent", id, "shop.example", 1).1.must_be_refused(Code::RuleTotal);
        assert_eq!(world.spent(&mandate).0, 10_000);
    }
}

#[test]
fn three_agents_below_one_root_come_to_the_roots_quota() {
    let mut world = world();
    let root = world.quota("ann", "a0", 3_000);
    let root_id = world.registered(&root, "ann");
    let subs: Vec<_> = ["a1", "a2", "a3"]
        .into_iter()
        .map(|agent| {
            let sub = world.quota("ann", agent, 1_500);
            let sub = world.below(root_id, sub);
            let id = world.registered(&sub, "a0");
            (agent, id, sub)
        })
        .collect();
    let payers: Vec<_> = subs.iter().map(|(agent, id, _)| (*agent, *id)).collect();
    let purchases = purchases(&mut world, &payers, (0..1_000).map(|_| 10));
    let taken = race(&mut world, &purchases, &mut Dice(9));
    assert_eq!(taken.len(), 300);
    assert_eq!(world.spent(&root), (3_000, 300));
    let each: Vec<u64> = subs.iter().map(|(_, _, sub)| world.spent(sub).0).collect();
    assert_eq!(each.iter().sum::<u64>(), 3_000);
    assert!(each.iter().all(|spent| *spent <= 1_500));
}

#[test]
fn a_count_is_reached_and_not_passed() {
    let mut world = world();
    let mandate = world.capped("ann", "agent", Fields { count: Some(count(123)), ..Fields::default() });
    let id = world.registered(&mandate, "ann");
    let purchases = purchases(&mut world, &[("agent", id)], (0..1_000).map(|n| 1 + n % 5));
    assert_eq!(race(&mut world, &purchases, &mut Dice(4)).len(), 123);
}

#[test]
fn an_account_pays_what_it_has_under_any_number_of_mandates() {
    let mut world = World::new();
    world.audits = false;
    world.deposit("ann", 1_000).must_be(Outcome::Recorded);
    let payers: Vec<(&str, PaperId)> = ["a1", "a2", "a3", "a4"]
        .into_iter()
        .map(|agent| {
            let mandate = world.quota("ann", agent, 900);
            (agent, world.registered(&mandate, "ann"))
        })
        .collect();
    let purchases = purchases(&mut world, &payers, (0..400).map(|_| 10));
    assert_eq!(race(&mut world, &purchases, &mut Dice(8)).len(), 100);
    assert_eq!(world.free("ann"), 0);
}
