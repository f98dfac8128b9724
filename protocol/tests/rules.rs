//! Every rule of `spec/registries/rules.csv`: at its limit it holds, one past it the payment is refused with
//! the rule's code, and the decision says which link, which grant, which rule.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot build its case has failed"
)]

#[path = "rules/asking.rs"]
mod asking;
#[path = "rules/grants.rs"]
mod grants;
mod ledger_support;
#[path = "rules/periods.rs"]
mod periods;
#[path = "rules/rows.rs"]
mod rows;

use std::collections::BTreeSet;

use ledger_support::*;
use purser_protocol::authorize::{Decision, Evaluation, Place, Verdict as RuleVerdict};
use purser_protocol::code::{Code, Stage};
use purser_protocol::field::{True, UpTo};
use purser_protocol::id::PaperId;
use purser_protocol::label::Label;
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::mandate::Mandate;
use purser_protocol::paper::offer::Offer;
use purser_protocol::paper::rules::*;
use purser_protocol::period::Unit;
use purser_protocol::receipt::Outcome;
use rows::ROWS;

/// A rule, a payment that it lets through, and one that differs in what the rule reads and is refused.
struct Row {
    name: &'static str,
    rule: Label,
    code: Code,
    rules: fn(&World) -> Fields,
    /// What was paid before. The number says which of the two payments comes next.
    before: fn(&mut World, &Leaf, Side),
    /// Changes the offer and the intent of an ordinary payment of 1,000.
    payment: fn(&World, Side, &mut Offer, &mut Intent),
    /// Who sells.
    merchant: fn(Side) -> &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Within,
    Past,
}

use Side::{Past, Within};

/// The last mandate of a chain, and its holder.
struct Leaf {
    id: PaperId,
    agent: String,
}

impl Row {
    const fn new(name: &'static str, rule: Label, code: Code, rules: fn(&World) -> Fields) -> Self {
        Self { name, rule, code, rules, before: |_, _, _| {}, payment: |_, _, _, _| {}, merchant: |_| "shop.example" }
    }

    const fn before(self, before: fn(&mut World, &Leaf, Side)) -> Self {
        Self { before, ..self }
    }

    const fn payment(self, payment: fn(&World, Side, &mut Offer, &mut Intent)) -> Self {
        Self { payment, ..self }
    }

    const fn merchant(self, merchant: fn(Side) -> &'static str) -> Self {
        Self { merchant, ..self }
    }
}

fn none() -> Fields {
    Fields::default()
}

/// Where in a chain the rule stands.
#[derive(Clone, Copy, Debug)]
struct Spot {
    links: usize,
    at: usize,
    in_grant: bool,
}

impl Spot {
    fn all() -> impl Iterator<Item = Self> {
        let places = (1..=3).flat_map(|links| (0..links).map(move |at| (links, at)));
        places.flat_map(|(links, at)| [false, true].map(|in_grant| Self { links, at, in_grant }))
    }

    fn place(self, rule: Label) -> Place {
        let link = u8::try_from(self.at).unwrap();
        Place { link, grant: self.in_grant.then_some(0), rule: Some(rule) }
    }
}

/// A chain that is free but for rules at one spot. The agents are called a0, a1, a2.
fn chain(world: &mut World, spot: Spot, rules: &Fields) -> Leaf {
    let (mut above, mut signer): (Option<PaperId>, String) = (None, "ann".into());
    for link in 0..spot.links {
        let agent = format!("a{link}");
        let mandate = match (link == spot.at, spot.in_grant) {
            (true, true) => world.conditional("ann", &agent, vec![rules.clone()]),
            (true, false) => world.capped("ann", &agent, rules.clone()),
            (false, _) => world.capped("ann", &agent, none()),
        };
        let mandate = above.map_or(mandate.clone(), |above| world.below(above, mandate));
        above = Some(world.registered(&mandate, &signer));
        signer = agent;
    }
    Leaf { id: above.unwrap(), agent: signer }
}

fn attempt(row: &Row, spot: Spot, side: Side) -> Said {
    let mut world = World::new();
    world.deposit("ann", 1_000_000).must_be(Outcome::Recorded);
    let rules = (row.rules)(&world);
    let leaf = chain(&mut world, spot, &rules);
    (row.before)(&mut world, &leaf, side);
    let merchant = (row.merchant)(side);
    let mut offer = world.offer(merchant, 1_000);
    let mut intent = world.intent(leaf.id, &offer, PaperId([0; 32]));
    (row.payment)(&world, side, &mut offer, &mut intent);
    let sealed = world.certify(&offer, merchant);
    let intent = Intent { offer: sealed.id, amount: offer.amount, ..intent };
    let intent = world.sign(&intent, &leaf.agent);
    world.pay(&PaymentPapers { mandates: Vec::new(), offer: sealed, intent, confirmation: None })
}

#[test]
fn every_rule_holds_at_its_limit_and_refuses_one_past_it_at_every_link_and_in_caps_and_grants() {
    for row in ROWS {
        for spot in Spot::all() {
            let place = spot.place(row.rule);
            let within = attempt(row, spot, Within);
            assert!(
                within.is(Outcome::Settled) || within.is(Outcome::Authorized),
                "{} {spot:?}: {:?}",
                row.name,
                within.verdict()
            );
            let Some(Decision::Grant { evaluated, grants }) = &within.decision else { panic!("{}", row.name) };
            let holds = Evaluation { place, verdict: RuleVerdict::Holds };
            assert!(evaluated.contains(&holds), "{} {spot:?}: {evaluated:?}", row.name);
            assert_eq!(grants.len(), spot.links);

            let past = attempt(row, spot, Past);
            assert_eq!(past.verdict(), Verdict::Refused(row.code, Stage::Rules), "{} {spot:?}", row.name);
            let Some(Decision::Refusal { fault, place: at, evaluated }) = &past.decision else {
                panic!("{}", row.name)
            };
            assert_eq!((fault.code, fault.stage, *at), (row.code, Stage::Rules, Some(place)), "{} {spot:?}", row.name);
            let fails = Evaluation { place, verdict: RuleVerdict::Fails(row.code) };
            assert_eq!(evaluated.last(), Some(&fails), "{} {spot:?}", row.name);
            let before = evaluated.iter().rev().skip(1);
            assert!(before.clone().all(|known| known.verdict == RuleVerdict::Holds), "{} {spot:?}", row.name);

            // The payer is told where; the merchant is not.
            let record = past.record();
            let detail = record.detail.as_ref().unwrap();
            assert_eq!(detail.link, Some(spot.at as u64));
            assert_eq!(detail.grant, place.grant.map(u64::from));
            assert_eq!(detail.rule, u64::try_from(row.rule.number).ok());
            assert_eq!(record.claims.code, Some(Code::Declined.into()));
        }
    }
}

#[test]
fn every_rule_of_the_registry_has_a_row_or_a_test_of_its_own() {
    let own: BTreeSet<&str> = ["depth", "ask_first", "ask_above"].into();
    let registry = include_str!("../../spec/registries/rules.csv");
    let registry: BTreeSet<&str> = registry.lines().skip(1).filter_map(|row| row.split(',').nth(1)).collect();
    let rows: BTreeSet<&str> = ROWS.iter().map(|row| row.rule.name).collect();
    assert_eq!(rows.union(&own).copied().collect::<BTreeSet<_>>(), registry);
    assert_eq!(ALL.len(), registry.len());
    for row in ROWS {
        let clause = registry_clause(row.rule.name);
        assert_eq!(clause, row.code.slug(), "{}", row.name);
    }
}

fn registry_clause(rule: &str) -> &'static str {
    let registry = include_str!("../../spec/registries/rules.csv");
    let row = registry.lines().find(|row| row.split(',').nth(1) == Some(rule)).unwrap();
    row.rsplit(',').next().unwrap()
}

#[test]
fn depth_counts_the_mandates_below() {
    let rules = |depth: u64| Fields { depth: UpTo::new(depth), ..none() };
    for links in 1..=4_usize {
        for at in 0..links {
            let below = (links - 1 - at) as u64;
            for depth in 0..=4 {
                let row = Row::new("depth", DEPTH, Code::RuleDepth, |_| none());
                let mut world = World::new();
                world.deposit("ann", 10_000).must_be(Outcome::Recorded);
                let leaf = chain(&mut world, Spot { links, at, in_grant: false }, &rules(depth));
                let (_, said) = world.buy(&leaf.agent, leaf.id, "shop.example", 100);
                if below <= depth {
                    said.must_be(Outcome::Settled);
                } else {
                    said.must_be_refused(row.code);
                    assert_eq!(said.record().detail.as_ref().unwrap().link, Some(at as u64));
                }
            }
        }
    }
}

#[test]
fn every_link_counts_and_a_sibling_finds_the_parent_spent() {
    for links in 2..=3 {
        let mut world = World::new();
        world.deposit("ann", 100_000).must_be(Outcome::Recorded);
        let root = world.quota("ann", "a0", 1_000);
        let root_id = world.registered(&root, "ann");
        let (mut above, mut signer) = (root_id, "a0".to_owned());
        let mut leaves: Vec<(Mandate, PaperId)> = Vec::new();
        for link in 1..links {
            let agent = format!("a{link}");
            let sub = world.quota("ann", &agent, 900);
            let sub = world.below(above, sub);
            above = world.registered(&sub, &signer);
            leaves.push((sub, above));
            signer = agent;
        }
        let sibling = world.quota("ann", "other", 900);
        let sibling = world.below(root_id, sibling);
        let sibling_id = world.registered(&sibling, "a0");

        world.buy(&signer, above, "shop.example", 700).1.must_be(Outcome::Settled);
        assert_eq!(world.spent(&root), (700, 1));
        for (mandate, _) in &leaves {
            assert_eq!(world.spent(mandate), (700, 1));
        }
        let said = world.buy("other", sibling_id, "shop.example", 301).1;
        said.must_be_refused(Code::RuleTotal);
        assert_eq!(said.record().detail.as_ref().unwrap().link, Some(0), "by the root, not by the sibling");
        world.buy("other", sibling_id, "shop.example", 300).1.must_be(Outcome::Settled);
        assert_eq!(world.spent(&root), (1_000, 2));
        assert_eq!(world.spent(&sibling), (300, 1));
        world.buy(&signer, above, "shop.example", 1).1.must_be_refused(Code::RuleTotal);
    }
}

#[test]
fn a_sub_mandate_that_says_more_than_its_parent_gets_no_more() {
    // Of each pair, the parent refuses what the sub-mandate would admit.
    let wider: [(Fields, Fields, Code); 4] = [
        (
            Fields { amount_max: Some(minor(100)), ..none() },
            Fields { amount_max: Some(minor(100_000)), ..none() },
            Code::RuleAmountMax,
        ),
        (
            Fields { merchants_allow: set([party("taxi.example")]), ..none() },
            Fields { merchants_allow: set([party("shop.example")]), ..none() },
            Code::RuleMerchant,
        ),
        (
            Fields { categories_deny: set([category(5411)]), ..none() },
            Fields { categories_allow: set([category(5411)]), ..none() },
            Code::RuleCategory,
        ),
        (Fields { count: Some(count(1)), ..none() }, Fields { count: Some(count(100)), ..none() }, Code::RuleCount),
    ];
    for (parent, sub, code) in wider {
        let mut world = World::new();
        world.deposit("ann", 100_000).must_be(Outcome::Recorded);
        let parent = world.capped("ann", "a0", parent);
        let above = world.registered(&parent, "ann");
        let sub = world.capped("ann", "a1", sub);
        let sub = world.below(above, sub);
        let sub = world.registered(&sub, "a0");
        let offer = world.offer("shop.example", 1_000);
        let offer = selling(vec![goods_of("tea", 1_000, 5411)], offer);
        if code == Code::RuleCount {
            world.take("a1", sub, "shop.example", &offer).1.must_be(Outcome::Settled);
        }
        let offer = Offer { nonce: world.nonce(), ..offer };
        world.take("a1", sub, "shop.example", &offer).1.must_be_refused(code);
    }
}
