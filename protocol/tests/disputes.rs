//! Disputes: each way in which one ends, and that the books hold in every order of disputes, answers, rulings, refunds
//! and payouts.

#![allow(clippy::unwrap_used, reason = "a test that cannot build its case has failed")]

mod ledger_support;

use ledger_support::*;
use purser_protocol::code::Code;
use purser_protocol::id::PaperId;
use purser_protocol::ledger::books::Purse;
use purser_protocol::ledger::event::Event;
use purser_protocol::limits::{DISPUTE_ANSWER_SECONDS, RULING_SECONDS};
use purser_protocol::paper::dispute::{Dispute, DisputeAnswer, Ground, Ruling, Stance};
use purser_protocol::receipt::Outcome;

const SHOP: &str = "shop.example";

struct Scene {
    world: World,
    mandate: PaperId,
}

impl Scene {
    fn new() -> Self {
        let mut world = World::new();
        world.account("ann");
        world.deposit("ann", 100_000);
        let mut mandate = world.quota("ann", "agent", 100_000);
        mandate.expires_at = at(START + 1_000 * DAY);
        let mandate = world.registered(&mandate, "ann");
        Self { world, mandate }
    }

    fn buy(&mut self, units: u64) -> PaperId {
        let (papers, said) = self.world.buy("agent", self.mandate, SHOP, units);
        said.must_be(Outcome::Settled);
        papers.intent.id
    }

    fn dispute(&mut self, intent: PaperId, units: u64) -> (PaperId, Said) {
        let paper = Dispute {
            account: self.world.account("ann"),
            issuer: party("issuer.example"),
            issued_at: at(self.world.now),
            nonce: self.world.nonce(),
            intent,
            amount: minor(units),
            currency: cny(),
            reason: None,
            ground: Ground::NotDelivered,
            exhibits: None,
        };
        let paper = self.world.sign(&paper, "ann");
        (paper.id, self.world.send(&paper.bytes))
    }

    fn open(&mut self, intent: PaperId, units: u64) -> PaperId {
        let (dispute, said) = self.dispute(intent, units);
        said.must_be(Outcome::Recorded);
        dispute
    }

    fn answer(&mut self, intent: PaperId, dispute: PaperId, stance: Stance) -> Said {
        let paper = DisputeAnswer {
            merchant: party(SHOP),
            issuer: party("issuer.example"),
            issued_at: at(self.world.now),
            nonce: self.world.nonce(),
            intent,
            reason: None,
            dispute,
            stance,
            delivered: None,
            exhibits: None,
        };
        let paper = self.world.certify(&paper, SHOP);
        self.world.send(&paper.bytes)
    }

    fn rule(&mut self, intent: PaperId, dispute: PaperId, units: u64) -> Said {
        let paper = Ruling {
            issuer: party("issuer.example"),
            account: self.world.account("ann"),
            issued_at: at(self.world.now),
            nonce: self.world.nonce(),
            intent,
            amount: (units > 0).then(|| minor(units)),
            currency: cny(),
            reason: None,
            dispute,
        };
        let paper = self.world.certify(&paper, "issuer.example");
        self.world.send(&paper.bytes)
    }

    fn payout(&mut self, units: u64) -> Said {
        let paper = self.world.payout_paper(SHOP, units);
        let paper = self.world.certify(&paper, SHOP);
        self.world.send(&paper.bytes)
    }

    /// What ann has, what the shop has, and what is set apart of it.
    fn sums(&self, intent: PaperId) -> (u64, u64, u64) {
        (self.world.free("ann"), self.world.got(SHOP), self.world.balance(&Purse::Contested(intent)))
    }

    /// A restart at this moment, from events and by way of a snapshot, makes the same state.
    fn same_after_a_crash(&self) {
        assert_eq!(&self.world.replayed(), self.world.state());
        assert_eq!(&self.world.replayed_from_snapshot(), self.world.state());
        assert_eq!(&through_snapshot(self.world.state()), self.world.state());
    }
}

#[test]
fn the_money_follows_however_a_dispute_ends() {
    type End = fn(&mut Scene, PaperId, PaperId);
    let ends: [(&str, End, u64); 6] = [
        (
            "the merchant gives way",
            |s, intent, of| {
                s.answer(intent, of, Stance::Accepts).must_be(Outcome::Refunded);
            },
            600,
        ),
        (
            "a part is awarded",
            |s, intent, of| {
                s.rule(intent, of, 250).must_be(Outcome::Refunded);
            },
            250,
        ),
        (
            "nothing is awarded",
            |s, intent, of| {
                s.rule(intent, of, 0).must_be(Outcome::Recorded);
            },
            0,
        ),
        ("nobody answers", |s, _, _| assert_eq!(s.world.pass(DISPUTE_ANSWER_SECONDS).len(), 1), 600),
        (
            "nobody rules",
            |s, intent, of| {
                s.answer(intent, of, Stance::Contests).must_be(Outcome::Recorded);
                assert!(s.world.pass(RULING_SECONDS - 1).is_empty());
                assert_eq!(s.world.pass(1).len(), 1);
            },
            0,
        ),
        (
            "all is awarded after an answer",
            |s, intent, of| {
                s.answer(intent, of, Stance::Contests).must_be(Outcome::Recorded);
                s.answer(intent, of, Stance::Accepts).must_be_refused(Code::DisputeAnswered);
                s.rule(intent, of, 600).must_be(Outcome::Refunded);
            },
            600,
        ),
    ];
    for (name, end, back) in ends {
        let mut scene = Scene::new();
        let intent = scene.buy(1_000);
        let of = scene.open(intent, 600);
        assert_eq!(scene.sums(intent), (99_000, 400, 600), "{name}");
        scene.same_after_a_crash();
        scene.world.refund(SHOP, intent, 1).must_be_refused(Code::PaymentDisputed);
        scene.world.restart();
        end(&mut scene, intent, of);
        assert_eq!(scene.sums(intent), (99_000 + back, 1_000 - back, 0), "{name}");
        scene.same_after_a_crash();
        scene.world.restart();
        scene.dispute(intent, 1).1.must_be_refused(Code::PaymentDisputed);
        scene.rule(intent, of, 1).must_be_refused(Code::DisputeUnknown);
        scene.world.refund(SHOP, intent, 1_001 - back).must_be_refused(Code::RefundExceedsCapture);
        scene.world.refund(SHOP, intent, 1_000 - back).must_be(Outcome::Refunded);
        assert_eq!(scene.sums(intent), (100_000, 0, 0), "{name}");
    }
}

#[test]
fn what_is_set_apart_is_there_when_it_is_awarded() {
    let mut scene = Scene::new();
    let (first, second) = (scene.buy(1_000), scene.buy(500));
    let of = scene.open(first, 1_000);
    scene.payout(501).must_be_refused(Code::MerchantFunds);
    scene.payout(500).must_be(Outcome::Recorded);
    assert_eq!(scene.sums(first), (98_500, 0, 1_000));
    // For the second there is nothing any more; what comes in later serves it.
    let other = scene.open(second, 500);
    assert_eq!(scene.sums(second), (98_500, 0, 0));
    scene.rule(first, of, 1_000).must_be(Outcome::Refunded);
    scene.buy(200);
    let said = scene.rule(second, other, 500);
    said.must_be(Outcome::Refunded);
    assert_eq!(said.record().claims.amount, Some(minor(200)));
    assert_eq!(scene.sums(second), (99_500, 0, 0));
    scene.same_after_a_crash();
}

#[test]
fn a_receipt_that_comes_by_itself_answers_the_dispute() {
    let mut scene = Scene::new();
    let intent = scene.buy(1_000);
    let of = scene.open(intent, 600);
    let records = scene.world.pass(DISPUTE_ANSWER_SECONDS);
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((record.claims.outcome, record.claims.command), (Outcome::Refunded, Some(of)));
    assert_ne!(record.command, of, "the dispute keeps its own answer");
    assert!(matches!(&record.event, Event::Ruled(ruled) if ruled.by.0.is_none() && ruled.given_minor == 600));
}

/// Any order of everything. Each step is audited; what was decided makes the same state again.
#[test]
fn the_books_hold_in_any_order() {
    for seed in 0..24_u64 {
        let mut scene = Scene::new();
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        let mut payments: Vec<(PaperId, Option<PaperId>)> = Vec::new();
        for _ in 0..40 {
            let at = usize::try_from(next(payments.len().max(1) as u64)).unwrap();
            let (kind, units) = (next(9), 1 + next(1_200));
            match (kind, payments.get(at).copied()) {
                (0 | 1, _) | (_, None) => {
                    let intent = scene.buy(1 + units % 1_000);
                    payments.push((intent, None));
                }
                (2 | 3, Some((intent, _))) => {
                    let (dispute, said) = scene.dispute(intent, units);
                    if said.is(Outcome::Recorded) {
                        payments[at].1 = Some(dispute);
                    }
                }
                (4, Some((intent, Some(of)))) => {
                    let stance = if units.is_multiple_of(2) { Stance::Accepts } else { Stance::Contests };
                    scene.answer(intent, of, stance);
                }
                (5, Some((intent, Some(of)))) => drop(scene.rule(intent, of, units % 700)),
                (6, Some((intent, _))) => drop(scene.world.refund(SHOP, intent, units % 300 + 1)),
                (7, _) => drop(scene.payout(units)),
                (_, Some(_)) => drop(scene.world.pass(next(4) * DAY)),
            }
        }
        let all = scene.world.free("ann") + scene.world.got(SHOP);
        let apart: u64 = payments.iter().map(|(intent, _)| scene.world.balance(&Purse::Contested(*intent))).sum();
        assert_eq!(all + apart, scene.world.state().books.given(cny()), "seed {seed}");
        scene.same_after_a_crash();
        scene.world.pass(DISPUTE_ANSWER_SECONDS + RULING_SECONDS);
        assert!(scene.world.state().disputes.is_empty(), "seed {seed}: every dispute ends");
    }
}
