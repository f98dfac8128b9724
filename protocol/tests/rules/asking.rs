//! Rules that ask: the person is asked, and their yes pays.

use super::*;

fn asks_above(units: u64) -> Fields {
    Fields { ask_above: UpTo::new(units), ..none() }
}

#[test]
fn above_its_amount_the_person_is_asked_and_the_yes_pays() {
    for spot in Spot::all() {
        let mut world = World::new();
        world.deposit("ann", 10_000).must_be(Outcome::Recorded);
        let leaf = chain(&mut world, spot, &asks_above(500));
        let (_, at) = world.buy(&leaf.agent, leaf.id, "shop.example", 500);
        at.must_be(Outcome::Settled);
        let free = world.free("ann");
        let (papers, said) = world.buy(&leaf.agent, leaf.id, "shop.example", 501);
        said.must_be(Outcome::Pending);
        let Some(Decision::NeedsConfirmation { evaluated }) = &said.decision else { panic!("{spot:?}") };
        let asks = Evaluation { place: spot.place(ASK_ABOVE), verdict: RuleVerdict::Asks };
        assert!(evaluated.contains(&asks), "{evaluated:?}");
        assert_eq!(world.free("ann"), free, "nothing is held");
        let again = world.pay(&papers);
        assert!(again.known);
        assert_eq!(again.record(), said.record(), "the same pending receipt");
        world.confirm("ann", papers.intent.id).must_be(Outcome::Settled);
        assert_eq!(world.free("ann"), free - 501);
        assert_eq!(world.got("shop.example"), 1_001);
    }
}

#[test]
fn nothing_is_quiet_where_zero_is_the_limit() {
    let mut world = World::new();
    world.deposit("ann", 10_000).must_be(Outcome::Recorded);
    let mandate = world.capped("ann", "agent", asks_above(0));
    let id = world.registered(&mandate, "ann");
    world.buy("agent", id, "shop.example", 1).1.must_be(Outcome::Pending);
}

#[test]
fn a_merchant_is_new_until_the_account_has_paid_it() {
    for spot in Spot::all() {
        let mut world = World::new();
        world.deposit("ann", 10_000).must_be(Outcome::Recorded);
        let leaf = chain(&mut world, spot, &Fields { ask_first: Some(True), ..none() });
        let (papers, said) = world.buy(&leaf.agent, leaf.id, "shop.example", 10);
        said.must_be(Outcome::Pending);
        world.confirm("ann", papers.intent.id).must_be(Outcome::Settled);
        world.buy(&leaf.agent, leaf.id, "shop.example", 10).1.must_be(Outcome::Settled);
        world.buy(&leaf.agent, leaf.id, "taxi.example", 10).1.must_be(Outcome::Pending);
        world.buy(&leaf.agent, leaf.id, "sh0p.example", 10).1.must_be(Outcome::Pending);
    }
}

#[test]
fn asking_refuses_nothing_and_what_refuses_is_not_asked() {
    let mut world = World::new();
    world.deposit("ann", 400).must_be(Outcome::Recorded);
    let caps = Fields { amount_max: Some(minor(600)), ..asks_above(0) };
    let mandate = world.capped("ann", "agent", caps);
    let id = world.registered(&mandate, "ann");
    world.buy("agent", id, "shop.example", 601).1.must_be_refused(Code::RuleAmountMax);
    // Nobody is asked about a payment that is not covered. [AUT-56]
    world.buy("agent", id, "shop.example", 401).1.must_be_refused(Code::InsufficientFunds);
    world.buy("agent", id, "shop.example", 400).1.must_be(Outcome::Pending);
}

#[test]
fn a_yes_that_comes_along_is_a_yes() {
    let mut world = World::new();
    world.deposit("ann", 1_000).must_be(Outcome::Recorded);
    let mandate = world.capped("ann", "agent", asks_above(0));
    let id = world.registered(&mandate, "ann");
    let offer = world.offer("shop.example", 100);
    let mut papers = world.papers("agent", id, "shop.example", &offer);
    let confirmation = world.confirmation("ann", papers.intent.id);
    papers.confirmation = Some(world.sign(&confirmation, "ann"));
    world.pay(&papers).must_be(Outcome::Settled);
}

#[test]
fn everything_is_checked_again_when_the_yes_comes() {
    let mut world = World::new();
    world.deposit("ann", 1_000).must_be(Outcome::Recorded);
    let caps = Fields { total: Some(minor(1_000)), ..asks_above(100) };
    let mandate = world.capped("ann", "agent", caps);
    let id = world.registered(&mandate, "ann");
    let (papers, said) = world.buy("agent", id, "shop.example", 950);
    said.must_be(Outcome::Pending);
    world.buy("agent", id, "shop.example", 51).1.must_be(Outcome::Settled);
    world.confirm("ann", papers.intent.id).must_be_refused(Code::RuleTotal);
    let late = world.confirm("ann", papers.intent.id);
    assert!(late.known, "refused for ever");
}

#[test]
fn a_single_mandate_is_the_persons_yes_and_a_sub_agents_is_not() {
    let mut world = World::new();
    world.deposit("ann", 10_000).must_be(Outcome::Recorded);
    let offer = world.offer("shop.example", 900);
    let offer_id = world.certify(&offer, "shop.example").id;
    let mut single = world.single("ann", "agent", offer_id);
    single.caps = rules(asks_above(0));
    let id = world.registered(&single, "ann");
    world.take("agent", id, "shop.example", &offer).1.must_be(Outcome::Settled);

    let offer = world.offer("shop.example", 900);
    let offer_id = world.certify(&offer, "shop.example").id;
    let root = world.capped("ann", "a0", asks_above(0));
    let root = world.registered(&root, "ann");
    let single = world.single("ann", "a1", offer_id);
    let single = world.below(root, single);
    let single = world.registered(&single, "a0");
    world.take("a1", single, "shop.example", &offer).1.must_be(Outcome::Pending);
}

#[test]
fn eight_may_wait_and_a_ninth_is_refused_at_each_link() {
    let mut world = World::new();
    world.deposit("ann", 10_000).must_be(Outcome::Recorded);
    let root = world.capped("ann", "a0", asks_above(0));
    let root_id = world.registered(&root, "ann");
    let subs: Vec<PaperId> = (1..=2)
        .map(|n| {
            let sub = world.capped("ann", &format!("a{n}"), none());
            let sub = world.below(root_id, sub);
            world.registered(&sub, "a0")
        })
        .collect();
    let mut waiting = Vec::new();
    for n in 0..8 {
        let (agent, id) = if n % 2 == 0 { ("a1", subs[0]) } else { ("a2", subs[1]) };
        let (papers, said) = world.buy(agent, id, "shop.example", 1);
        said.must_be(Outcome::Pending);
        waiting.push((agent, papers));
    }
    for (agent, id) in [("a1", subs[0]), ("a2", subs[1]), ("a0", root_id)] {
        world.buy(agent, id, "shop.example", 1).1.must_be_refused(Code::PendingLimit);
    }
    let (agent, papers) = waiting.pop().unwrap();
    world.cancel(agent, &papers.intent).must_be(Outcome::Cancelled);
    world.buy("a0", root_id, "shop.example", 1).1.must_be(Outcome::Pending);
}
