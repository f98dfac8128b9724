//! The payer's machine against a real ledger, over a network that loses everything once.
//!
//! All orders of loss, delay, refusal at the door, crash and answer are gone through, up to four sends. However
//! it goes, there is one payment or none, and the attempt comes to know which.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot build its case has failed"
)]

mod ledger_support;

use ledger_support::*;
use std::rc::Rc;

use purser_protocol::code::{Code, Retry};
use purser_protocol::field::UpTo;
use purser_protocol::field::encoded;
use purser_protocol::flow::merchant::verify_receipt;
use purser_protocol::flow::payer::{Action, Attempt, Event, answers};
use purser_protocol::id::AccountId;
use purser_protocol::ledger::Command;
use purser_protocol::ledger::books::Purse;
use purser_protocol::ledger::state::Payment;
use purser_protocol::limits::LAPSED_SECONDS;
use purser_protocol::paper::rules::Fields;
use purser_protocol::receipt::Outcome;

/// How often the intent is sent before the person gives up.
const SENDS: u32 = 4;
/// How often a cancel is lost.
const LOST_CANCELS: u32 = 2;

/// Where an exploration stands.
#[derive(Clone)]
struct Branch {
    world: World,
    intent: Rc<Sealed>,
    order: Rc<Command>,
    cancel: Rc<Command>,
    confirm: Rc<Command>,
    attempt: Attempt,
    sends: u32,
    lost_cancels: u32,
    /// Copies of the intent that are on their way and will arrive.
    delayed: u32,
    /// Whether the person will still say yes.
    yes: bool,
}

/// What became of all branches.
#[derive(Debug, Default)]
struct Ends {
    settled: u32,
    refused: u32,
    cancelled: u32,
    dropped: u32,
}

impl Branch {
    fn new(caps: Fields, units: u64, yes: bool) -> Self {
        let mut world = World::new();
        // The audit is the same for thousands of branches.
        world.audits = false;
        world.deposit("ann", 10_000).must_be(Outcome::Recorded);
        let mandate = world.capped("ann", "agent", caps);
        let id = world.registered(&mandate, "ann");
        let offer = world.offer("shop.example", units);
        let papers = world.papers("agent", id, "shop.example", &offer);
        let order = Rc::new(world.opened(&papers));
        let cancel = world.cancel_paper(&papers.intent, None);
        let cancel = world.sign(&cancel, "agent");
        let confirm = world.confirmation("ann", papers.intent.id);
        let confirm = world.sign(&confirm, "ann");
        let open = |paper: &Sealed| {
            let opened = world.desk(|desk, state| desk.open_command(&paper.bytes, state, AccountId([0; 16])));
            Rc::new(opened.unwrap())
        };
        let (cancel, confirm, intent) = (open(&cancel), open(&confirm), Rc::new(papers.intent));
        let attempt = Attempt::Signed;
        Self { world, intent, order, cancel, confirm, attempt, sends: 0, lost_cancels: 0, delayed: 0, yes }
    }

    /// Goes through all that can happen after an event.
    fn explore(mut self, event: Event, ends: &mut Ends) {
        let action = self.attempt.handle(event);
        match action {
            Action::Finish => self.end(ends),
            Action::Cancel => self.cancels(ends),
            Action::Send | Action::AskAfter { .. } if self.sends < SENDS => self.sends(ends),
            Action::Send | Action::AskAfter { .. } => self.explore(Event::GiveUp, ends),
        }
    }

    fn sends(self, ends: &mut Ends) {
        // What was delayed may arrive first, and the person may say yes.
        if self.delayed > 0 {
            let mut branch = self.clone();
            branch.delayed -= 1;
            branch.arrives();
            branch.sends(ends);
        }
        if self.yes && matches!(self.world.state().payments.get(&self.intent.id), Some(Payment::Pending(_))) {
            let mut branch = self.clone();
            branch.yes = false;
            branch.world.step(&branch.confirm);
            branch.sends(ends);
        }
        let send = |change: &dyn Fn(&mut Self) -> Event, ends: &mut Ends| {
            let mut branch = self.clone();
            branch.sends += 1;
            let event = change(&mut branch);
            branch.explore(event, ends);
        };
        // The request is lost.
        send(&|_| Event::NoAnswer, ends);
        // The answer is lost.
        send(
            &|branch| {
                branch.arrives();
                Event::NoAnswer
            },
            ends,
        );
        // The request is late.
        send(
            &|branch| {
                branch.delayed += 1;
                Event::NoAnswer
            },
            ends,
        );
        // The issuer is busy.
        send(&|_| Event::NotDecided { again: true }, ends);
        // The issuer cannot read this, now. What the network made of it comes later, when it can.
        for copies in [0, 1] {
            send(
                &move |branch| {
                    branch.delayed += copies;
                    Event::NotDecided { again: false }
                },
                ends,
            );
        }
        // The answer comes.
        send(&Self::arrives, ends);
        // The agent ends after it sent, and starts again from its disk.
        let mut branch = self.clone();
        branch.sends += 1;
        branch.arrives();
        branch.explore(Event::NoAnswer, ends);
    }

    /// The intent arrives at the issuer. Returns what its answer is to the machine.
    fn arrives(&mut self) -> Event {
        event(&self.world.step(&self.order))
    }

    fn cancels(self, ends: &mut Ends) {
        if self.delayed > 0 {
            let mut branch = self.clone();
            branch.delayed -= 1;
            branch.arrives();
            branch.cancels(ends);
        }
        // The cancel is turned away too, and the end of the offer waited for.
        if self.attempt == Attempt::TurnedAway && self.world.payment(&self.intent.id).is_none() {
            let mut branch = self.clone();
            branch.world.pass(HOUR + LAPSED_SECONDS);
            branch.explore(Event::Lapsed, ends);
        }
        if self.lost_cancels < LOST_CANCELS {
            for arrives in [false, true] {
                let mut branch = self.clone();
                branch.lost_cancels += 1;
                if arrives {
                    branch.world.step(&branch.cancel);
                }
                assert!(matches!(branch.attempt.handle(Event::NoAnswer), Action::AskAfter { .. }));
                branch.explore(Event::GiveUp, ends);
            }
        }
        let mut branch = self;
        let said = branch.world.step(&branch.cancel);
        assert!(said.fault.is_none());
        branch.explore(event(&said), ends);
    }

    fn end(mut self, ends: &mut Ends) {
        let Attempt::Known(outcome) = self.attempt else {
            assert_eq!(self.attempt, Attempt::Dropped);
            self.settles_down();
            ends.dropped += 1;
            assert_eq!(self.payments(), 0, "dropped, and paid");
            return;
        };
        assert!(!self.attempt.is_in_doubt());
        let before = self.payments();
        self.settles_down();
        assert_eq!(self.payments(), before, "something came after the outcome");
        match outcome {
            Outcome::Settled => ends.settled += 1,
            Outcome::Refused => ends.refused += 1,
            Outcome::Cancelled => ends.cancelled += 1,
            other => panic!("{other:?} is no end"),
        }
        assert_eq!(before, usize::from(outcome == Outcome::Settled), "{outcome:?}");
    }

    /// Everything that is still on its way arrives, and the person still says yes.
    fn settles_down(&mut self) {
        for _ in 0..self.delayed {
            self.arrives();
        }
        if self.yes {
            self.world.step(&self.confirm);
        }
        self.arrives_if_sent();
    }

    /// A copy that the network made of a request that arrived.
    fn arrives_if_sent(&mut self) {
        if self.world.payment(&self.intent.id).is_some() {
            self.arrives();
        }
    }

    /// How often money moved.
    fn payments(&self) -> usize {
        let paid = self.world.balance(&Purse::Payee(party("shop.example"), short("main")));
        assert_eq!(self.world.free("ann") + paid, 10_000);
        usize::try_from(paid / 1_000).unwrap()
    }
}

fn event(said: &Said) -> Event {
    match said.verdict() {
        Verdict::Yes(outcome) => Event::Receipt(outcome),
        Verdict::Refused(..) => Event::Receipt(Outcome::Refused),
        Verdict::NotDecided(code, _) => Event::NotDecided { again: matches!(code.retry(), Retry::Same | Retry::Later) },
    }
}

#[test]
fn a_payment_is_made_once_or_never_and_the_attempt_knows_which() {
    let mut ends = Ends::default();
    Branch::new(Fields::default(), 1_000, false).explore(Event::Kept, &mut ends);
    assert!(ends.settled > 500 && ends.cancelled > 100 && ends.dropped > 1, "{ends:?}");
    assert_eq!(ends.refused, 0);
}

#[test]
fn a_refusal_is_known_too() {
    let mut ends = Ends::default();
    let caps = Fields { amount_max: Some(minor(999)), ..Fields::default() };
    Branch::new(caps, 1_000, false).explore(Event::Kept, &mut ends);
    assert!(ends.refused > 500 && ends.cancelled > 100 && ends.settled == 0, "{ends:?}");
}

#[test]
fn what_waits_for_the_person_comes_to_its_end() {
    let caps = || Fields { ask_above: UpTo::new(0), ..Fields::default() };
    let mut ends = Ends::default();
    Branch::new(caps(), 1_000, true).explore(Event::Kept, &mut ends);
    assert!(ends.settled > 500 && ends.cancelled > 500, "{ends:?}");
    assert!(ends.dropped > 1, "what is turned away ends with its offer: {ends:?}");
}

#[test]
fn what_nobody_confirms_is_cancelled_or_lapses() {
    let caps = Fields { ask_above: UpTo::new(0), ..Fields::default() };
    let mut branch = Branch::new(caps, 1_000, false);
    assert_eq!(branch.attempt.handle(Event::Kept), Action::Send);
    let pending = branch.arrives();
    assert_eq!(pending, Event::Receipt(Outcome::Pending));
    assert!(matches!(branch.attempt.handle(pending), Action::AskAfter { .. }));
    branch.world.pass(HOUR);
    let lapsed = branch.arrives();
    assert_eq!(branch.attempt.handle(lapsed), Action::Finish);
    assert_eq!(branch.attempt, Attempt::Known(Outcome::Refused));
}

#[test]
fn only_the_intents_own_answer_ends_its_attempt() {
    let mut world = World::new();
    world.deposit("ann", 10_000).must_be(Outcome::Recorded);
    let mandate = world.quota("ann", "agent", 5_000);
    let id = world.registered(&mandate, "ann");
    let (held, authorized) = world.hold("agent", id, "shop.example", 1_000);
    let (other, refused) = world.buy("agent", id, "shop.example", 5_000);
    let too_much = world.capture("shop.example", held.intent.id, 1_001, false);
    too_much.must_be_refused(Code::CaptureExceedsHold);
    let captured = world.capture("shop.example", held.intent.id, 400, false);
    let refunded = world.refund("shop.example", held.intent.id, 100);
    let ended = world.pass(7 * DAY);
    let is_answer = |said: &purser_protocol::ledger::Record| {
        let receipt = encoded(&world.receipt(&said.claims, "issuer.example"));
        let authority = ledger_support::keys::Authority::shared();
        let receipt = verify_receipt(&receipt, SANDBOX, world.crypto(), authority).unwrap();
        assert!(!answers(&other.offer.id, &receipt));
        answers(&held.intent.id, &receipt)
    };
    assert!(is_answer(authorized.record()));
    for record in [refused.record(), too_much.record(), captured.record(), refunded.record(), &ended[0]] {
        assert!(!is_answer(record), "{:?}", record.claims);
    }
}
