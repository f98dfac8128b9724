//! What changes between the check of a command's signature and its turn, and what stands in one batch with it.

#![allow(clippy::unwrap_used, reason = "a test that cannot build its case has failed")]

mod ledger_support;

use ledger_support::*;
use purser_protocol::code::{Code, Stage};
use purser_protocol::field::UpTo;
use purser_protocol::id::{Digest, Nonce, PaperId};
use purser_protocol::paper::command::Retirement;
use purser_protocol::paper::mandate::Mandate;
use purser_protocol::paper::rules::Fields;
use purser_protocol::period::Unit;
use purser_protocol::receipt::Outcome;

/// An account that has spent 900 under a quota a day ago, a month's limit not being among its rules.
fn spent() -> (World, Mandate, PaperId) {
    let mut world = World::new();
    world.deposit("ann", 100_000).must_be(Outcome::Recorded);
    let mandate = world.quota("ann", "agent", 10_000);
    let id = world.registered(&mandate, "ann");
    world.buy("agent", id, "shop.example", 900).1.must_be(Outcome::Settled);
    world.now += 3_600;
    (world, mandate, id)
}

fn with(mandate: Mandate, periods: Fields) -> Mandate {
    Mandate { caps: rules(Fields { total: Some(minor(10_000)), ..periods }), ..mandate }
}

fn a_year(units: u64) -> Fields {
    Fields { total_per: list([total_per(units, calendar(Unit::Year, "UTC"))]), ..Fields::default() }
}

fn a_second(units: u64) -> Fields {
    Fields { total_per: list([total_per(units, rolling(1))]), ..Fields::default() }
}

#[test]
fn a_strangers_paper_in_the_batch_does_not_shorten_what_a_new_limit_counts() {
    let (mut world, mandate, id) = spent();
    world.deposit("mallory", 1_000).must_be(Outcome::Recorded);
    let own = world.quota("mallory", "mallory-agent", 100);
    let own_id = world.registered(&own, "mallory");
    let next = with(world.next(&mandate, id), a_year(1_000));
    let below = world.quota("mallory", "mallory-agent", 100);
    let below = world.below(own_id, below);
    let junk = with(Mandate { account: mandate.account, lineage: mandate.lineage, ..below }, a_second(1));
    let next = world.sign(&next, "ann");
    let junk = world.sign(&junk, "mallory-agent");
    let commands = [world.command(&next.bytes), world.command(&junk.bytes)];
    let said = world.together(&commands);
    said[0].must_be(Outcome::Recorded);
    said[1].must_be_refused(Code::AccountMismatch);
    world.buy("agent", next.id, "shop.example", 101).1.must_be_refused(Code::RuleTotalPeriod);
    world.buy("agent", next.id, "shop.example", 100).1.must_be(Outcome::Settled);
}

#[test]
fn two_versions_in_one_batch_each_count_from_where_their_periods_begin() {
    let (mut world, mandate, id) = spent();
    let second = with(world.next(&mandate, id), a_second(1_000));
    let second_sealed = world.sign(&second, "ann");
    let third = with(world.next(&second, second_sealed.id), a_year(1_000));
    let third = world.sign(&third, "ann");
    let commands = [world.command(&second_sealed.bytes), world.command(&third.bytes)];
    world.together(&commands).iter().for_each(|said| {
        said.must_be(Outcome::Recorded);
    });
    world.buy("agent", third.id, "shop.example", 101).1.must_be_refused(Code::RuleTotalPeriod);
    world.buy("agent", third.id, "shop.example", 100).1.must_be(Outcome::Settled);
}

/// A second key for ann's account, by which what follows is signed, and the paper that retires it.
fn with_a_second_key(world: &mut World) -> Sealed {
    let account = world.account("ann");
    let enrolment = world.enrolment(Some(account), "second");
    let enrolment = world.sign(&enrolment, "ann");
    world.send(&enrolment.bytes).must_be(Outcome::Recorded);
    let retirement = Retirement {
        account,
        issuer: party("issuer.example"),
        issued_at: at(world.now),
        nonce: world.nonce(),
        reason: None,
        retired: Digest(world.key("second").public.id().0),
    };
    world.sign(&retirement, "ann")
}

#[test]
fn a_key_that_is_retired_while_its_enrolment_waits_enrols_nobody() {
    for is_retired in [false, true] {
        let mut world = World::new();
        let retirement = with_a_second_key(&mut world);
        let account = world.account("ann");
        let enrolment = world.enrolment(Some(account), "third");
        let enrolment = world.sign(&enrolment, "second");
        let waiting = world.command(&enrolment.bytes);
        if is_retired {
            world.send(&retirement.bytes).must_be(Outcome::Recorded);
            world.step(&waiting).must_not_be_decided(Code::AccountUnknown, Stage::Signature);
        } else {
            world.step(&waiting).must_be(Outcome::Recorded);
        }
    }
}

#[test]
fn a_key_that_is_retired_while_its_confirmation_waits_confirms_nothing() {
    for is_retired in [false, true] {
        let mut world = World::new();
        world.deposit("ann", 1_000).must_be(Outcome::Recorded);
        let retirement = with_a_second_key(&mut world);
        let asks = Fields { total: Some(minor(1_000)), ask_above: UpTo::new(100), ..Fields::default() };
        let mandate = world.capped("ann", "agent", asks);
        let id = world.registered(&mandate, "ann");
        let (papers, said) = world.buy("agent", id, "shop.example", 500);
        said.must_be(Outcome::Pending);
        let yes = world.confirmation("ann", papers.intent.id);
        let yes = world.sign(&yes, "second");
        let waiting = world.command(&yes.bytes);
        if is_retired {
            world.send(&retirement.bytes).must_be(Outcome::Recorded);
            world.step(&waiting).must_not_be_decided(Code::CommandSigner, Stage::Signature);
            world.confirm("ann", papers.intent.id).must_be(Outcome::Settled);
        } else {
            world.step(&waiting).must_be(Outcome::Settled);
        }
    }
}

#[test]
fn a_retired_key_lifts_no_suspension_of_what_it_had_signed() {
    for is_retired in [false, true] {
        let mut world = World::new();
        let retirement = with_a_second_key(&mut world);
        let mandate = world.quota("ann", "agent", 100);
        let id = world.registered(&mandate, "second");
        let (suspension, said) = world.suspend("ann", "ann", &[id]);
        said.must_be(Outcome::Recorded);
        // Somebody else's mandate names the key as its holder, so that it is a key known.
        let others = world.quota("mallory", "second", 1);
        world.registered(&others, "mallory");
        if is_retired {
            world.send(&retirement.bytes).must_be(Outcome::Recorded);
            let said = world.resume("ann", "second", &[id], suspension);
            said.must_not_be_decided(Code::CommandSigner, Stage::Signature);
        } else {
            world.resume("ann", "second", &[id], suspension).must_be(Outcome::Recorded);
        }
    }
}

#[test]
fn a_key_is_of_one_account_and_stays_so_when_it_is_retired() {
    let mut world = World::new();
    let retirement = with_a_second_key(&mut world);
    let mallory = world.account("mallory");
    for is_retired in [false, true] {
        let added = world.enrolment(Some(mallory), "second");
        let added = world.sign(&added, "mallory");
        world.send(&added.bytes).must_be_refused(Code::KeyTaken);
        let opened = world.enrolment(None, "second");
        let opened = world.sign(&opened, "second");
        world.send(&opened.bytes).must_be_refused(Code::KeyTaken);
        if !is_retired {
            world.send(&retirement.bytes).must_be(Outcome::Recorded);
            world.restart();
        }
    }
    let again = world.account("ann");
    let again = world.enrolment(Some(again), "second");
    let again = world.sign(&again, "ann");
    world.send(&again.bytes).must_be(Outcome::Recorded);
}

#[test]
fn no_more_comes_due_at_once_than_a_batch_holds() {
    let mut world = World::new();
    world.deposit("ann", 1_000).must_be(Outcome::Recorded);
    let mandate = world.quota("ann", "agent", 1_000);
    let id = world.registered(&mandate, "ann");
    for _ in 0..3 {
        world.hold("agent", id, "shop.example", 10).1.must_be(Outcome::Authorized);
    }
    let later = at(world.now + 30 * DAY);
    let mut ledger = world.ledger.clone();
    let mut drawn = 0;
    let mut due = || {
        ledger.expire(later, 2, || {
            drawn += 1;
            Nonce([drawn; 16])
        })
    };
    assert_eq!([due(), due(), due()].map(|records| records.unwrap().len()), [2, 1, 0]);
}
