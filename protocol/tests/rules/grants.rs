//! Grants: which is used, and which counters count.

use super::*;

fn shop_up_to(units: u64) -> Fields {
    Fields { merchants_allow: set([party("shop.example")]), amount_max: Some(minor(units)), ..none() }
}

fn grants_of(said: &Said) -> Vec<Option<u8>> {
    match &said.decision {
        Some(Decision::Grant { grants, .. }) => grants.clone(),
        other => panic!("{other:?}"),
    }
}

fn world() -> World {
    let mut world = World::new();
    world.deposit("ann", 100_000).must_be(Outcome::Recorded);
    world
}

#[test]
fn the_first_that_passes_without_asking_is_used() {
    let mut world = world();
    let asks = Fields { ask_above: UpTo::new(0), ..shop_up_to(1_000) };
    let mandate = world.conditional("ann", "agent", vec![shop_up_to(10), asks, shop_up_to(500), shop_up_to(600)]);
    let id = world.registered(&mandate, "ann");
    let used = |world: &mut World, units| grants_of(&world.buy("agent", id, "shop.example", units).1);
    assert_eq!(used(&mut world, 10), [Some(0)]);
    assert_eq!(used(&mut world, 11), [Some(2)], "the second would ask");
    assert_eq!(used(&mut world, 501), [Some(3)]);
    world.buy("agent", id, "shop.example", 601).1.must_be(Outcome::Pending);
    let said = world.buy("agent", id, "shop.example", 1_001).1;
    said.must_be_refused(Code::NoGrant);
    let detail = said.record().detail.as_ref().unwrap();
    assert_eq!((detail.link, detail.grant, detail.rule), (Some(0), None, None));
}

#[test]
fn the_first_that_asks_is_used_when_none_is_quiet_and_its_counters_count() {
    let mut world = world();
    let asks =
        |units: u64, most: u64| Fields { ask_above: UpTo::new(0), total: Some(minor(most)), ..shop_up_to(units) };
    let mandate = world.conditional("ann", "agent", vec![asks(100, 500), asks(1_000, 900)]);
    let id = world.registered(&mandate, "ann");
    let (papers, said) = world.buy("agent", id, "shop.example", 80);
    said.must_be(Outcome::Pending);
    world.confirm("ann", papers.intent.id).must_be(Outcome::Settled);
    let lineage = &world.state().lineages[&(mandate.account, mandate.lineage)];
    let counted = |grant| lineage.counters.at(Some(grant), None, at(world.now)).minor;
    assert_eq!((counted(0), counted(1)), (80, 0));
}

#[test]
fn a_grant_must_hold_wholly() {
    // Shop under 200, or taxi under 80: not the shop's merchant with the taxi's price, nor the other way.
    let mut world = world();
    let taxi = Fields { merchants_allow: set([party("taxi.example")]), amount_max: Some(minor(80)), ..none() };
    let mandate = world.conditional("ann", "agent", vec![shop_up_to(200), taxi]);
    let id = world.registered(&mandate, "ann");
    world.buy("agent", id, "shop.example", 200).1.must_be(Outcome::Settled);
    world.buy("agent", id, "shop.example", 201).1.must_be_refused(Code::NoGrant);
    world.buy("agent", id, "taxi.example", 80).1.must_be(Outcome::Settled);
    world.buy("agent", id, "taxi.example", 81).1.must_be_refused(Code::NoGrant);
    world.buy("agent", id, "mall.example", 1).1.must_be_refused(Code::NoGrant);
}

#[test]
fn caps_hold_beside_every_grant() {
    let mut world = world();
    let mut mandate = world.conditional("ann", "agent", vec![shop_up_to(1_000), shop_up_to(2_000)]);
    mandate.caps = rules(Fields { total: Some(minor(1_500)), ..none() });
    let id = world.registered(&mandate, "ann");
    world.buy("agent", id, "shop.example", 1_000).1.must_be(Outcome::Settled);
    let said = world.buy("agent", id, "shop.example", 501).1;
    said.must_be_refused(Code::RuleTotal);
    assert_eq!(said.record().detail.as_ref().unwrap().grant, None, "a cap, not a grant");
    world.buy("agent", id, "shop.example", 500).1.must_be(Outcome::Settled);
}

#[test]
fn a_spent_grant_gives_way_to_the_next_and_counters_are_apart() {
    let mut world = world();
    let up_to = |most: u64| Fields { total: Some(minor(most)), ..shop_up_to(100) };
    let mandate = world.conditional("ann", "agent", vec![up_to(150), up_to(100)]);
    let id = world.registered(&mandate, "ann");
    let buy = |world: &mut World, units| world.buy("agent", id, "shop.example", units).1;
    assert_eq!(grants_of(&buy(&mut world, 100)), [Some(0)]);
    assert_eq!(grants_of(&buy(&mut world, 100)), [Some(1)]);
    assert_eq!(grants_of(&buy(&mut world, 50)), [Some(0)]);
    buy(&mut world, 1).must_be_refused(Code::NoGrant);
}

#[test]
fn a_void_gives_back_to_the_grant_that_was_used() {
    let mut world = world();
    let up_to = |most: u64| Fields { total: Some(minor(most)), ..shop_up_to(100) };
    let mandate = world.conditional("ann", "agent", vec![up_to(100), up_to(100)]);
    let id = world.registered(&mandate, "ann");
    world.buy("agent", id, "shop.example", 100).1.must_be(Outcome::Settled);
    let (held, said) = world.hold("agent", id, "shop.example", 100);
    assert_eq!(grants_of(&said), [Some(1)]);
    world.void("shop.example", held.intent.id).must_be(Outcome::Voided);
    assert_eq!(grants_of(&world.buy("agent", id, "shop.example", 100).1), [Some(1)]);
    world.buy("agent", id, "shop.example", 1).1.must_be_refused(Code::NoGrant);
}

#[test]
fn each_link_uses_a_grant_of_its_own() {
    let mut world = world();
    let taxi = Fields { merchants_allow: set([party("taxi.example")]), ..none() };
    let root = world.conditional("ann", "a0", vec![taxi, shop_up_to(1_000)]);
    let root_id = world.registered(&root, "ann");
    let sub = world.conditional("ann", "a1", vec![shop_up_to(300)]);
    let sub = world.below(root_id, sub);
    let sub = world.registered(&sub, "a0");
    let said = world.buy("a1", sub, "shop.example", 300).1;
    assert_eq!(grants_of(&said), [Some(1), Some(0)]);
    world.buy("a1", sub, "shop.example", 301).1.must_be_refused(Code::RuleAmountMax);
    world.buy("a1", sub, "taxi.example", 1).1.must_be_refused(Code::RuleMerchant);
}

#[test]
fn a_new_version_counts_its_grants_by_place() {
    let mut world = world();
    let up_to = |most: u64| Fields { total: Some(minor(most)), ..shop_up_to(1_000) };
    let mandate = world.conditional("ann", "agent", vec![up_to(500)]);
    let id = world.registered(&mandate, "ann");
    world.buy("agent", id, "shop.example", 400).1.must_be(Outcome::Settled);
    let mut next = world.next(&mandate, id);
    let day = list([total_per(450, calendar(Unit::Year, "UTC"))]);
    next.grants = list([rules(Fields { total_per: day, ..up_to(600) }).unwrap()]);
    let next_id = world.registered(&next, "ann");
    world.buy("agent", id, "shop.example", 1).1.must_be_refused(Code::MandateSuperseded);
    // 100 more of the total, and of the new rule what history leaves: 50.
    world.buy("agent", next_id, "shop.example", 51).1.must_be_refused(Code::RuleTotalPeriod);
    world.buy("agent", next_id, "shop.example", 50).1.must_be(Outcome::Settled);
}
