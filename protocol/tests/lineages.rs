//! A mandate and its next versions: what goes over, what goes on, what ends.

#![allow(clippy::unwrap_used, reason = "a test that cannot build its case has failed")]

mod ledger_support;

use ledger_support::*;
use purser_protocol::authorize::Standing;
use purser_protocol::code::Code;
use purser_protocol::field::{True, UpTo};
use purser_protocol::id::PaperId;
use purser_protocol::paper::mandate::{Holder, Mandate};
use purser_protocol::paper::rules::Fields;
use purser_protocol::period::Unit;
use purser_protocol::receipt::Outcome;

fn world() -> World {
    let mut world = World::new();
    world.deposit("ann", 100_000).must_be(Outcome::Recorded);
    world
}

fn capped(mandate: Mandate, caps: Fields) -> Mandate {
    Mandate { caps: rules(caps), ..mandate }
}

fn total(units: u64) -> Fields {
    Fields { total: Some(minor(units)), ..Fields::default() }
}

#[test]
fn a_raised_limit_is_no_fresh_limit() {
    let mut world = world();
    let mandate = world.quota("ann", "agent", 1_000);
    let id = world.registered(&mandate, "ann");
    world.buy("agent", id, "shop.example", 900).1.must_be(Outcome::Settled);
    let next = capped(world.next(&mandate, id), total(1_100));
    let next_id = world.registered(&next, "ann");
    world.buy("agent", next_id, "shop.example", 201).1.must_be_refused(Code::RuleTotal);
    world.buy("agent", next_id, "shop.example", 200).1.must_be(Outcome::Settled);
}

#[test]
fn a_limit_lowered_below_what_was_spent_stops_it() {
    let mut world = world();
    let mandate = world.quota("ann", "agent", 1_000);
    let id = world.registered(&mandate, "ann");
    world.buy("agent", id, "shop.example", 900).1.must_be(Outcome::Settled);
    let next = capped(world.next(&mandate, id), total(500));
    let next_id = world.registered(&next, "ann");
    world.buy("agent", next_id, "shop.example", 1).1.must_be_refused(Code::RuleTotal);
}

#[test]
fn a_rule_that_is_new_counts_what_was_before_it() {
    let mut world = world();
    let mandate = world.quota("ann", "agent", 10_000);
    let id = world.registered(&mandate, "ann");
    world.buy("agent", id, "shop.example", 300).1.must_be(Outcome::Settled);
    world.now += DAY;
    world.buy("agent", id, "shop.example", 400).1.must_be(Outcome::Settled);
    let (held, _) = world.hold("agent", id, "shop.example", 200);
    world.void("shop.example", held.intent.id).must_be(Outcome::Voided);
    let caps = Fields {
        total_per: list([total_per(1_000, calendar(Unit::Day, "UTC")), total_per(1_000, rolling(2 * 86_400))]),
        count: Some(count(4)),
        count_per: list([count_per(3, calendar(Unit::Day, "UTC"))]),
        ..total(10_000)
    };
    let next = capped(world.next(&mandate, id), caps);
    let next_id = world.registered(&next, "ann");
    // Today 400 in two payments, in two days 700, in all three payments.
    world.buy("agent", next_id, "shop.example", 301).1.must_be_refused(Code::RuleTotalPeriod);
    world.buy("agent", next_id, "shop.example", 300).1.must_be(Outcome::Settled);
    world.now += DAY;
    world.buy("agent", next_id, "shop.example", 1).1.must_be_refused(Code::RuleCount);
}

#[test]
fn an_open_hold_goes_on_and_still_counts() {
    let mut world = world();
    let caps = Fields { open_holds: Some(count(1)), ..total(1_000) };
    let mandate = world.capped("ann", "agent", caps.clone());
    let id = world.registered(&mandate, "ann");
    let (held, _) = world.hold("agent", id, "shop.example", 600);
    let next = world.next(&mandate, id);
    let next_id = world.registered(&next, "ann");
    world.hold("agent", next_id, "shop.example", 1).1.must_be_refused(Code::RuleOpenHolds);
    world.buy("agent", next_id, "shop.example", 401).1.must_be_refused(Code::RuleTotal);
    world.capture("shop.example", held.intent.id, 100, true).must_be(Outcome::Captured);
    assert_eq!(world.spent(&next), (100, 1));
    world.hold("agent", next_id, "shop.example", 900).1.must_be(Outcome::Authorized);
}

#[test]
fn an_old_version_is_superseded_at_once_and_what_waited_under_it_is_refused() {
    let mut world = world();
    let asks = Fields { ask_above: UpTo::new(100), ..total(5_000) };
    let mandate = world.capped("ann", "agent", asks);
    let id = world.registered(&mandate, "ann");
    let (waiting, said) = world.buy("agent", id, "shop.example", 500);
    said.must_be(Outcome::Pending);
    let next = world.next(&mandate, id);
    let next_id = world.registered(&next, "ann");
    world.buy("agent", id, "shop.example", 1).1.must_be_refused(Code::MandateSuperseded);
    world.confirm("ann", waiting.intent.id).must_be_refused(Code::MandateSuperseded);
    world.buy("agent", next_id, "shop.example", 1).1.must_be(Outcome::Settled);
    // The old one sent again is the old answer, and is not the latest again.
    let old = world.sign(&mandate, "ann");
    assert!(world.send(&old.bytes).known);
    world.buy("agent", id, "shop.example", 1).1.must_be_refused(Code::MandateSuperseded);
}

/// What is wrong with a next version, how it comes to be so, and what it is told.
type Change = (&'static str, fn(&mut Mandate), Code);

#[test]
fn a_version_follows_the_latest_by_one() {
    let rows: [Change; 5] = [
        ("a version left out", |next| next.serial = count(3), Code::LineageBroken),
        ("another that it replaces", |next| next.replaces = Some(PaperId([9; 32])), Code::LineageBroken),
        ("another currency", |next| next.currency = currency("JPY"), Code::LineageBroken),
        (
            "another first version",
            |next| (next.serial, next.replaces, next.refund_returns) = (count(1), None, Some(True)),
            Code::MandateConflict,
        ),
        (
            "the next version of a lineage that is none",
            |next| next.lineage = purser_protocol::id::LineageId([9; 16]),
            Code::LineageBroken,
        ),
    ];
    for (fault, change, code) in rows {
        for faulty in [false, true] {
            let mut world = world();
            let mandate = world.quota("ann", "agent", 1_000);
            let id = world.registered(&mandate, "ann");
            let mut next = world.next(&mandate, id);
            if faulty {
                change(&mut next);
            }
            let said = world.register(&next, "ann");
            let expected =
                if faulty { Verdict::Refused(code, code.stages()[0]) } else { Verdict::Yes(Outcome::Recorded) };
            assert_eq!(said.verdict(), expected, "{fault}");
        }
    }
}

#[test]
fn a_root_becomes_no_sub_mandate_and_a_sub_mandate_no_root() {
    let mut world = world();
    let root = world.quota("ann", "a0", 1_000);
    let root_id = world.registered(&root, "ann");
    let other = world.quota("ann", "a0", 1_000);
    let other_id = world.registered(&other, "ann");
    // The agent's own root taken under another root that it holds.
    let next = Mandate { parent: Some(other_id), ..world.next(&root, root_id) };
    world.register(&next, "a0").must_be_refused(Code::LineageBroken);
    let sub = world.quota("ann", "a1", 1_000);
    let sub = world.below(root_id, sub);
    let sub_id = world.registered(&sub, "a0");
    for parent in [None, Some(other_id)] {
        let next = Mandate { parent, ..world.next(&sub, sub_id) };
        let signer = if parent.is_none() { "ann" } else { "a0" };
        world.register(&next, signer).must_be_refused(Code::LineageBroken);
    }
}

#[test]
fn a_sub_mandate_follows_its_parent_to_the_next_version() {
    let mut world = world();
    let root = world.quota("ann", "a0", 1_000);
    let root_id = world.registered(&root, "ann");
    let sub = world.quota("ann", "a1", 1_000);
    let sub = world.below(root_id, sub);
    let sub_id = world.registered(&sub, "a0");
    world.buy("a1", sub_id, "shop.example", 300).1.must_be(Outcome::Settled);
    let next_root = world.next(&root, root_id);
    let next_root_id = world.registered(&next_root, "ann");
    world.buy("a1", sub_id, "shop.example", 1).1.must_be_refused(Code::MandateSuperseded);
    let next_sub = Mandate { parent: Some(next_root_id), ..world.next(&sub, sub_id) };
    let next_sub_id = world.registered(&next_sub, "a0");
    world.buy("a1", next_sub_id, "shop.example", 701).1.must_be_refused(Code::RuleTotal);
    world.buy("a1", next_sub_id, "shop.example", 700).1.must_be(Outcome::Settled);
    assert_eq!((world.spent(&next_root), world.spent(&next_sub)), ((1_000, 2), (1_000, 2)));
}

#[test]
fn a_new_holder_takes_over_and_the_old_one_is_out() {
    let mut world = world();
    let mandate = world.quota("ann", "old", 1_000);
    let id = world.registered(&mandate, "ann");
    let next = Mandate { holder: world.agent("new"), ..world.next(&mandate, id) };
    let next_id = world.registered(&next, "ann");
    let (_, said) = world.buy("old", next_id, "shop.example", 1);
    said.must_not_be_decided(Code::AgentMismatch, purser_protocol::code::Stage::Signature);
    world.revoke("ann", "old", &[id]).must_not_be_decided(Code::CommandSigner, purser_protocol::code::Stage::Signature);
    world.buy("new", next_id, "shop.example", 1).1.must_be(Outcome::Settled);
    world.revoke("ann", "new", &[next_id]).must_be(Outcome::Recorded);
}

#[test]
fn an_expired_lineage_can_be_taken_up_and_a_revoked_one_cannot() {
    for revoked in [false, true] {
        let mut world = world();
        let mandate = world.quota("ann", "agent", 1_000);
        let id = world.registered(&mandate, "ann");
        world.buy("agent", id, "shop.example", 900).1.must_be(Outcome::Settled);
        if revoked {
            world.revoke("ann", "ann", &[id]).must_be(Outcome::Recorded);
        }
        world.pass(31 * DAY);
        let next = world.next(&mandate, id);
        let said = world.register(&next, "ann");
        if revoked {
            said.must_be_refused(Code::MandateRevoked);
        } else {
            said.must_be(Outcome::Recorded);
            assert_eq!(world.spent(&next), (900, 1), "and it goes on where it was");
        }
    }
}

#[test]
fn one_suspension_lifted_leaves_the_other() {
    let mut world = world();
    let mandate = world.quota("ann", "agent", 1_000);
    let id = world.registered(&mandate, "ann");
    let (first, _) = world.suspend("ann", "ann", &[id]);
    let (second, _) = world.suspend("ann", "ann", &[id]);
    world.resume("ann", "ann", &[id], first).must_be(Outcome::Recorded);
    world.buy("agent", id, "shop.example", 1).1.must_be_refused(Code::MandateSuspended);
    world.resume("ann", "ann", &[id], first).must_be_refused(Code::SuspensionUnknown);
    world.resume("ann", "ann", &[id], second).must_be(Outcome::Recorded);
    world.buy("agent", id, "shop.example", 1).1.must_be(Outcome::Settled);
}

#[test]
fn a_suspension_carries_over_and_is_lifted_by_any_version() {
    for named_old in [false, true] {
        let mut world = world();
        let mandate = world.quota("ann", "agent", 1_000);
        let id = world.registered(&mandate, "ann");
        let (suspension, _) = world.suspend("ann", "ann", &[id]);
        let next = world.next(&mandate, id);
        let next_id = world.registered(&next, "ann");
        world.buy("agent", next_id, "shop.example", 1).1.must_be_refused(Code::MandateSuspended);
        let record = &world.state().mandates[&next_id];
        assert_eq!(world.state().standing(&next_id, record), Standing::Suspended);
        world.resume("ann", "ann", &[if named_old { id } else { next_id }], suspension).must_be(Outcome::Recorded);
        world.buy("agent", next_id, "shop.example", 1).1.must_be(Outcome::Settled);
    }
}

#[test]
fn a_suspension_of_many_keeps_a_level_for_each() {
    // a0 stands under ann in one chain, and under a9 in another.
    let mut world = world();
    let root = world.quota("ann", "a0", 1_000);
    let root_id = world.registered(&root, "ann");
    let high = world.quota("ann", "x", 1_000);
    let high = world.below(root_id, high);
    let high_id = world.registered(&high, "a0");
    let other = world.quota("ann", "a9", 1_000);
    let other_id = world.registered(&other, "ann");
    let middle = world.quota("ann", "a0", 1_000);
    let middle = world.below(other_id, middle);
    let middle_id = world.registered(&middle, "a9");
    let low = world.quota("ann", "y", 1_000);
    let low = world.below(middle_id, low);
    let low_id = world.registered(&low, "a0");

    let (suspension, said) = world.suspend("ann", "a0", &[high_id, low_id]);
    said.must_be(Outcome::Recorded);
    // Of the second chain a9 stands above a0, and lifts what is there.
    world.resume("ann", "a9", &[low_id], suspension).must_be(Outcome::Recorded);
    world.buy("y", low_id, "shop.example", 1).1.must_be(Outcome::Settled);
    world.buy("x", high_id, "shop.example", 1).1.must_be_refused(Code::MandateSuspended);
}

#[test]
fn a_merchant_that_holds_a_mandate_asks_like_anybody() {
    let mut world = world();
    let asks = Fields { ask_above: UpTo::new(0), ..total(5_000) };
    let mandate = Mandate { holder: Holder::Merchant(party("shop.example")), ..world.capped("ann", "agent", asks) };
    let id = world.registered(&mandate, "ann");
    let offer = world.offer("shop.example", 1_000);
    let sealed = world.certify(&offer, "shop.example");
    let intent = world.intent(id, &offer, sealed.id);
    let intent = world.certify(&intent, "shop.example");
    let papers = PaymentPapers { mandates: Vec::new(), offer: sealed, intent, confirmation: None };
    world.pay(&papers).must_be(Outcome::Pending);
    world.restart();
    world.confirm("ann", papers.intent.id).must_be(Outcome::Settled);
    assert_eq!(world.spent(&mandate), (1_000, 1));
}

#[test]
fn a_key_that_is_added_is_the_accounts_and_commands_like_the_first() {
    let mut world = world();
    let account = world.account("ann");
    let mandate = world.quota("ann", "agent", 1_000);
    let id = world.registered(&mandate, "ann");
    let (suspension, _) = world.suspend("ann", "ann", &[id]);
    let second = world.enrolment(Some(account), "ann's second");
    let second = world.sign(&second, "ann");
    world.send(&second.bytes).must_be(Outcome::Recorded);
    assert_eq!(world.state().accounts[&account].keys.len(), 2);
    // All keys of an account are one signer.
    world.resume("ann", "ann's second", &[id], suspension).must_be(Outcome::Recorded);
    let next = world.next(&mandate, id);
    let next = world.registered(&next, "ann's second");
    world.buy("agent", next, "shop.example", 1).1.must_be(Outcome::Settled);
    // The same enrolment again opens nothing.
    let accounts = world.state().accounts.len();
    assert!(world.send(&second.bytes).known);
    assert_eq!(world.state().accounts.len(), accounts);
}
