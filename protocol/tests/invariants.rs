//! Whatever happens, in whatever order: no limit of any link is passed, no money is made or lost, no answer
//! changes, and the events alone make the same state again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot build its case has failed"
)]

mod ledger_support;
#[path = "invariants/oracle.rs"]
mod oracle;
#[path = "invariants/steps.rs"]
mod steps;

use ledger_support::*;
use oracle::{Asked, Oracle};
use proptest::prelude::*;
use purser_protocol::authorize::Standing;
use purser_protocol::code::{Code, Stage};
use purser_protocol::field::{List, True};
use purser_protocol::id::PaperId;
use purser_protocol::ledger::books::Purse;
use purser_protocol::ledger::event::Event;
use purser_protocol::ledger::state::{Hold, Payment};
use purser_protocol::limits::PENDING_MAX;
use purser_protocol::money::Amount;
use purser_protocol::paper::mandate::{Mandate, Mode};
use purser_protocol::paper::rules::{Fields, Rules};
use purser_protocol::receipt::Outcome;
use steps::{Step, step};

const PEOPLE: [&str; 2] = ["ann", "bob"];
const AGENTS: [&str; 3] = ["x", "y", "z"];
const MERCHANTS: [&str; 2] = ["shop.example", "taxi.example"];

/// A mandate that was registered.
#[derive(Clone)]
struct Held {
    id: PaperId,
    mandate: Mandate,
    person: &'static str,
    agent: &'static str,
    signer: &'static str,
}

/// A message that was sent.
enum Message {
    Payment(PaymentPapers),
    Command(Vec<u8>),
}

/// A payment that was tried.
struct Tried {
    papers: PaymentPapers,
    mandate: PaperId,
    merchant: &'static str,
    person: &'static str,
    agent: &'static str,
}

struct Run {
    world: World,
    oracle: Oracle,
    mandates: Vec<Held>,
    tried: Vec<Tried>,
    suspensions: Vec<(PaperId, Vec<Held>)>,
    sent: Vec<(Message, PaperId)>,
    seen: Seen,
}

/// How much of it happened, so that a test that tests nothing is seen.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    paid: u32,
    refused: u32,
    pending: u32,
    confirmed: u32,
    captured: u32,
    refunded: u32,
    replaced: u32,
    resent: u32,
}

impl Run {
    fn new() -> Self {
        let mut world = World::new();
        for person in PEOPLE {
            world.account(person);
        }
        let (mandates, tried, suspensions, sent) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut run =
            Self { world, oracle: Oracle::default(), mandates, tried, suspensions, sent, seen: Seen::default() };
        for person in PEOPLE {
            run.deposit(person, 8_000);
        }
        run
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Deposit { person, units } => self.deposit(PEOPLE[*person], *units),
            Step::Quota { person, agent, limits, funded, returns } => {
                let (person, agent) = (PEOPLE[*person], AGENTS[*agent]);
                let mut mandate = self.world.capped(person, agent, limits.fields());
                mandate.funded = funded.map(minor);
                self.register(mandate, *returns, person, agent, person);
            }
            Step::Conditional { person, agent, caps, grants, returns } => {
                let (person, agent) = (PEOPLE[*person], AGENTS[*agent]);
                let grants = grants.iter().map(steps::Limits::fields).map(some).collect();
                let mut mandate = self.world.conditional(person, agent, grants);
                mandate.caps = caps.as_ref().and_then(|caps| Rules::new(caps.fields()));
                self.register(mandate, *returns, person, agent, person);
            }
            Step::Single { person, agent, units, hold } => self.single(PEOPLE[*person], AGENTS[*agent], *units, *hold),
            Step::Sub { parent, agent, limits, returns } => {
                let Some(parent) = self.mandate(*parent).cloned() else { return };
                let agent = AGENTS[*agent];
                let mandate = self.world.capped(parent.person, agent, limits.fields());
                let mandate = self.world.below(parent.id, mandate);
                self.register(mandate, *returns, parent.person, agent, parent.agent);
            }
            Step::Replace { mandate, limits, funded, returns, follows } => {
                self.replace(*mandate, &limits.fields(), *funded, *returns, *follows);
            }
            Step::Pay { mandate, merchant, units, hold, with_yes } => {
                self.pay(*mandate, MERCHANTS[*merchant], *units, *hold, *with_yes);
            }
            Step::PayAgain { payment } => self.pay_again(*payment),
            Step::Confirm { payment } => {
                let Some(tried) = self.waiting(*payment) else { return };
                let (person, intent) = (tried.person, tried.papers.intent.id);
                let asked = Asked { mandate: tried.mandate, offer: tried.papers.offer.id, confirmed: true };
                let confirmation = self.world.confirmation(person, intent);
                let confirmation = self.world.sign(&confirmation, person);
                self.send(&confirmation, Some(&asked));
            }
            Step::Cancel { payment, by_person } => {
                let Some(tried) = self.waiting(*payment) else { return };
                let by = if *by_person { tried.person } else { tried.agent };
                let intent = tried.papers.intent.clone();
                let cancel = self.world.cancel_paper(&intent, None);
                let cancel = self.world.sign(&cancel, by);
                self.send(&cancel, None);
            }
            Step::Capture { payment, units, last } => {
                let Some((merchant, intent)) = self.held(*payment) else { return };
                let capture = self.world.capture_paper(merchant, intent, *units, *last);
                let capture = self.world.certify(&capture, merchant);
                self.send(&capture, None);
            }
            Step::Void { payment } => {
                let Some((merchant, intent)) = self.held(*payment) else { return };
                let void = self.world.void_paper(merchant, intent);
                let void = self.world.certify(&void, merchant);
                self.send(&void, None);
            }
            Step::Refund { payment, units } => {
                let Some((merchant, intent)) = self.captured(*payment) else { return };
                let refund = self.world.refund_paper(merchant, intent, *units);
                let refund = self.world.certify(&refund, merchant);
                self.send(&refund, None);
            }
            Step::Payout { merchant, units } => {
                let merchant = MERCHANTS[merchant % MERCHANTS.len()];
                let payout = self.world.payout_paper(merchant, *units);
                let payout = self.world.certify(&payout, merchant);
                self.send(&payout, None);
            }
            Step::Suspend { mandates, by_person } => self.suspend(mandates, *by_person),
            Step::Resume { suspension, by_person } => self.resume(*suspension, *by_person),
            Step::Revoke { mandates, by_person } => self.revoke(mandates, *by_person),
            Step::Resend { message } => self.resend(*message),
            Step::Forward { seconds } => {
                self.world.now += seconds;
                for record in self.world.sweep() {
                    self.oracle.decided(&record, None);
                }
            }
            Step::Back { seconds } => self.world.now -= seconds,
            Step::Restart => {
                let before = self.world.state().clone();
                self.world.restart();
                assert_eq!(self.world.state(), &before, "the events make another state");
            }
        }
        self.money();
    }

    fn deposit(&mut self, person: &str, units: u64) {
        let account = self.world.account(person);
        self.world.deposit(person, units).must_be(Outcome::Recorded);
        self.oracle.deposited(account, units);
    }

    fn register(
        &mut self,
        mut mandate: Mandate,
        returns: bool,
        person: &'static str,
        agent: &'static str,
        signer: &'static str,
    ) -> bool {
        mandate.refund_returns = returns.then_some(True);
        let paper = self.world.sign(&mandate, signer);
        let said = self.world.send(&paper.bytes);
        if said.record.is_some() {
            self.sent.push((Message::Command(paper.bytes.clone()), paper.id));
        }
        let registered = said.fault.is_none() && said.is(Outcome::Recorded);
        if registered && !said.known {
            self.oracle.knows_mandate(paper.id, &mandate);
            self.mandates.push(Held { id: paper.id, mandate, person, agent, signer });
        }
        registered
    }

    fn replace(&mut self, which: usize, limits: &Fields, funded: Option<u64>, returns: bool, follows: bool) {
        let Some(old) = self.mandate(which).cloned() else { return };
        let mut next = self.world.next(&old.mandate, old.id);
        let caps = Rules::new(limits.clone());
        match next.mode {
            Mode::Quota => {
                let total = limits.total.or(Amount::from_minor(5_000));
                next.caps = Rules::new(Fields { total, ..limits.clone() });
                next.funded = funded.filter(|_| next.parent.is_none()).map(minor);
            }
            Mode::Conditional | Mode::Single => next.caps = caps,
        }
        // Where the mandate above was replaced, the next version may follow it.
        let above = next.parent.and_then(|parent| self.world.state().latest(&parent).map(|(latest, _)| latest));
        if follows {
            next.parent = above;
        }
        if self.register(next, returns, old.person, old.agent, old.signer) {
            self.seen.replaced += 1;
        }
    }

    fn single(&mut self, person: &'static str, agent: &'static str, units: u64, hold: bool) {
        let offer = self.world.offer(MERCHANTS[0], units);
        let offer = if hold { by_command(offer) } else { offer };
        let sealed = self.world.certify(&offer, MERCHANTS[0]);
        let mandate = self.world.single(person, agent, sealed.id);
        if !self.register(mandate, false, person, agent, person) {
            return;
        }
        let id = self.mandates.last().unwrap().id;
        let papers = self.world.papers(agent, id, MERCHANTS[0], &offer);
        self.try_payment(Tried { papers, mandate: id, merchant: MERCHANTS[0], person, agent });
    }

    fn pay(&mut self, mandate: usize, merchant: &'static str, units: u64, hold: bool, with_yes: bool) {
        let Some(held) = self.mandate(mandate).cloned() else { return };
        let offer = self.world.offer(merchant, units);
        let offer = if hold { by_command(offer) } else { offer };
        let mut papers = self.world.papers(held.agent, held.id, merchant, &offer);
        if with_yes {
            let confirmation = self.world.confirmation(held.person, papers.intent.id);
            papers.confirmation = Some(self.world.sign(&confirmation, held.person));
        }
        self.try_payment(Tried { papers, mandate: held.id, merchant, person: held.person, agent: held.agent });
    }

    /// Another intent for an offer that was tried before.
    fn pay_again(&mut self, payment: usize) {
        let Some(tried) = pick(&self.tried, payment) else { return };
        let (mandate, merchant, person, agent) = (tried.mandate, tried.merchant, tried.person, tried.agent);
        let mut papers = tried.papers.clone();
        papers.confirmation = None;
        let offer = purser_protocol::sign::Signed::<purser_protocol::paper::offer::Offer>::read(&papers.offer.bytes);
        let payload = offer.unwrap().frame.payload.to_vec();
        let offer = {
            use purser_protocol::sign::Paper as _;
            purser_protocol::paper::offer::Offer::decode(&mut purser_protocol::wire::Reader::new(&payload)).unwrap()
        };
        let intent = self.world.intent(mandate, &offer, papers.offer.id);
        papers.intent = self.world.sign(&intent, agent);
        self.try_payment(Tried { papers, mandate, merchant, person, agent });
    }

    fn try_payment(&mut self, tried: Tried) {
        let confirmed = tried.papers.confirmation.is_some();
        let said = self.world.pay(&tried.papers);
        if let Some(record) = said.record.as_ref().filter(|_| !said.known) {
            let asked = Asked { mandate: tried.mandate, offer: tried.papers.offer.id, confirmed };
            self.oracle.decided(record, Some(&asked));
            self.seen.paid += u32::from(Oracle::paid(record.claims.outcome));
            self.seen.refused += u32::from(record.claims.outcome == Outcome::Refused);
            self.seen.pending += u32::from(record.claims.outcome == Outcome::Pending);
        }
        self.sent.push((Message::Payment(tried.papers.clone()), tried.papers.intent.id));
        self.tried.push(tried);
    }

    /// A payment of a kind, mostly; now and then any.
    fn tried(&self, place: usize, of_kind: impl Fn(&Payment) -> bool) -> Option<&Tried> {
        let kind: Vec<&Tried> = self
            .tried
            .iter()
            .filter(|tried| self.world.payment(&tried.papers.intent.id).is_some_and(&of_kind))
            .collect();
        if place.is_multiple_of(8) || kind.is_empty() { pick(&self.tried, place) } else { pick(&kind, place).copied() }
    }

    fn waiting(&self, place: usize) -> Option<&Tried> {
        self.tried(place, |payment| matches!(payment, Payment::Pending(_)))
    }

    fn held(&self, place: usize) -> Option<(&'static str, PaperId)> {
        let open = |payment: &Payment| matches!(payment, Payment::Made(made) if made.hold == Hold::Open);
        self.tried(place, open).map(|tried| (tried.merchant, tried.papers.intent.id))
    }

    fn captured(&self, place: usize) -> Option<(&'static str, PaperId)> {
        let got =
            |payment: &Payment| matches!(payment, Payment::Made(made) if made.captured_minor > made.refunded_minor);
        self.tried(place, got).map(|tried| (tried.merchant, tried.papers.intent.id))
    }

    /// A mandate that can be spent or replaced, mostly; now and then any.
    fn mandate(&self, place: usize) -> Option<&Held> {
        let state = self.world.state();
        let live: Vec<&Held> = self
            .mandates
            .iter()
            .filter(|held| {
                let chain = state.chain(&held.id).unwrap();
                chain.iter().all(|(id, record)| state.standing(id, record) == Standing::Active)
            })
            .collect();
        if place.is_multiple_of(8) || live.is_empty() {
            pick(&self.mandates, place)
        } else {
            pick(&live, place).copied()
        }
    }

    fn send(&mut self, paper: &Sealed, asked: Option<&Asked>) -> Said {
        let said = self.world.send(&paper.bytes);
        if let Some(record) = said.record.as_ref().filter(|_| !said.known) {
            self.oracle.decided(record, asked);
            let confirmed = asked.is_some() && Oracle::paid(record.claims.outcome);
            self.seen.confirmed += u32::from(confirmed);
            self.seen.captured += u32::from(record.claims.outcome == Outcome::Captured);
            self.seen.refunded += u32::from(record.claims.outcome == Outcome::Refunded);
            self.sent.push((Message::Command(paper.bytes.clone()), record.command));
        }
        said
    }

    /// Mandates of one person, and who gives the command about them.
    fn picked(&self, which: &[usize], by_person: bool) -> Option<(Vec<Held>, &'static str)> {
        let picked: Vec<Held> = which.iter().filter_map(|place| self.mandate(*place)).cloned().collect();
        let first = picked.first()?.clone();
        let of_one = picked.into_iter().filter(|held| held.person == first.person).collect();
        Some((of_one, if by_person { first.person } else { first.signer }))
    }

    fn suspend(&mut self, which: &[usize], by_person: bool) {
        let Some((picked, by)) = self.picked(which, by_person) else { return };
        let ids: Vec<PaperId> = picked.iter().map(|held| held.id).collect();
        let suspension = self.world.suspension(picked[0].person, &ids);
        let suspension = self.world.sign(&suspension, by);
        let said = self.send(&suspension, None);
        if said.record.is_some() {
            ids.iter().for_each(|id| self.oracle.suspended(id, suspension.id));
            self.suspensions.push((suspension.id, picked));
        }
    }

    fn resume(&mut self, which: usize, by_person: bool) {
        let Some((suspension, picked)) = pick(&self.suspensions, which).cloned() else { return };
        let by = if by_person { picked[0].person } else { picked[0].signer };
        let ids: Vec<PaperId> = picked.iter().map(|held| held.id).collect();
        let said = self.world.resume(picked[0].person, by, &ids, suspension);
        if said.fault.is_none() && said.is(Outcome::Recorded) {
            let lineages: std::collections::BTreeSet<_> = picked.iter().map(|held| held.mandate.lineage).collect();
            for lineage in lineages {
                let held = picked.iter().find(|held| held.mandate.lineage == lineage).unwrap();
                self.oracle.resumed(&held.id, &suspension);
            }
        }
    }

    fn revoke(&mut self, which: &[usize], by_person: bool) {
        let Some((picked, by)) = self.picked(which, by_person) else { return };
        let ids: Vec<PaperId> = picked.iter().map(|held| held.id).collect();
        let revocation = self.world.revocation(picked[0].person, &ids);
        let revocation = self.world.sign(&revocation, by);
        if self.send(&revocation, None).record.is_some() {
            ids.iter().for_each(|id| self.oracle.revoked(id));
        }
    }

    /// What was answered is answered the same; what waited may have ended.
    fn resend(&mut self, message: usize) {
        let Some((message, answers)) = pick(&self.sent, message) else { return };
        let Some(before) = self.world.answer(answers).cloned() else { return };
        let answers = *answers;
        let said = match message {
            Message::Payment(papers) => {
                let papers = PaymentPapers { confirmation: None, ..papers.clone() };
                self.world.pay(&papers)
            }
            Message::Command(bytes) => {
                let bytes = bytes.clone();
                self.world.send(&bytes)
            }
        };
        self.seen.resent += 1;
        if before.claims.outcome == Outcome::Pending {
            if let Some(record) = said.record.as_ref().filter(|_| !said.known) {
                self.oracle.decided(record, None);
            }
            return;
        }
        assert!(said.known, "decided twice: {answers} {:?}", said.verdict());
        assert_eq!(said.record(), &before, "another answer");
    }

    /// Money is where the list of payments says.
    fn money(&self) {
        let state = self.world.state();
        for person in PEOPLE {
            let account = *state.accounts.keys().find(|id| **id == self.account(person)).unwrap();
            let envelopes =
                state.books.iter().filter(|(purse, ..)| matches!(purse, Purse::Envelope(of, _) if *of == account));
            let envelopes: u64 = envelopes.map(|(_, _, minor)| minor).sum();
            assert_eq!(self.world.free(person) + envelopes, self.oracle.has(account), "{person}");
        }
        for merchant in MERCHANTS {
            assert_eq!(self.world.got(merchant), self.oracle.got(&party(merchant)), "{merchant}");
        }
        assert!(state.lineages.values().all(|lineage| lineage.pending <= PENDING_MAX));
    }

    fn account(&self, person: &str) -> purser_protocol::id::AccountId {
        let key = self.world.key(person).public.id();
        let found = self.world.state().accounts.iter().find(|(_, record)| record.keys.contains_key(&key));
        *found.unwrap().0
    }

    /// At the end, everything is sent once more, and everything that waits comes to its end.
    fn ends(mut self) -> Seen {
        assert_eq!(&self.world.replayed(), self.world.state(), "the events make another state");
        assert_eq!(&self.world.replayed_from_snapshot(), self.world.state(), "a snapshot makes another state");
        for message in 0..self.sent.len() {
            self.resend(message);
        }
        self.world.now = self.world.now.max(self.world.state().clock.unwrap().get()) + 40 * DAY;
        for record in self.world.sweep() {
            self.oracle.decided(&record, None);
        }
        self.money();
        let state = self.world.state();
        let open = |payment: &Payment| matches!(payment, Payment::Pending(_));
        assert!(!state.payments.values().any(open), "a payment waits for ever");
        assert!(
            state.books.iter().all(|(purse, ..)| !matches!(purse, Purse::Hold(_) | Purse::Envelope(..))),
            "money is stuck"
        );
        assert!(state.due.is_empty());
        for message in 0..self.sent.len() {
            self.resend(message);
        }
        assert_eq!(&self.world.replayed(), self.world.state(), "the events make another state");
        assert_eq!(&self.world.replayed_from_snapshot(), self.world.state(), "a snapshot makes another state");
        self.seen
    }
}

/// Rules that hold at least one.
fn some(fields: Fields) -> Fields {
    if fields == Fields::default() { Fields { amount_max: Some(minor(300)), ..fields } } else { fields }
}

fn pick<T>(list: &[T], place: usize) -> Option<&T> {
    if list.is_empty() { None } else { list.get(place % list.len()) }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_limits_money_and_answers_hold(steps in prop::collection::vec(step(), 1..120)) {
        let mut run = Run::new();
        for step in &steps {
            run.take(step);
        }
        run.ends();
    }
}

/// The strategy reaches what it is there for: else its silence would mean nothing.
#[test]
fn chance_reaches_every_kind_of_step() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut seen = Seen::default();
    for _ in 0..24 {
        let steps = prop::collection::vec(step(), 100).new_tree(&mut runner).unwrap().current();
        let mut run = Run::new();
        steps.iter().for_each(|step| run.take(step));
        let of_run = run.ends();
        seen.paid += of_run.paid;
        seen.refused += of_run.refused;
        seen.pending += of_run.pending;
        seen.confirmed += of_run.confirmed;
        seen.captured += of_run.captured;
        seen.refunded += of_run.refunded;
        seen.replaced += of_run.replaced;
        seen.resent += of_run.resent;
    }
    assert!(seen.paid > 100 && seen.refused > 100 && seen.pending > 20 && seen.confirmed > 3, "{seen:?}");
    assert!(seen.captured > 10 && seen.refunded > 10 && seen.replaced > 20 && seen.resent > 1_000, "{seen:?}");
}

/// A decided event reads back from its own bytes, and from no others.
#[test]
fn an_event_that_is_cut_short_or_goes_on_is_none() {
    let mut run = Run::new();
    run.deposit("ann", 5);
    let event = Event::Voided(PaperId([1; 32]));
    let bytes = purser_protocol::field::encoded(&event);
    assert_eq!(purser_protocol::field::decoded::<Event>(&bytes), Ok(event));
    for end in 0..bytes.len() {
        assert!(purser_protocol::field::decoded::<Event>(&bytes[..end]).is_err());
    }
    let longer = [&bytes[..], &[0]].concat();
    let fault = purser_protocol::field::decoded::<Event>(&longer).unwrap_err();
    assert_eq!((fault.code, fault.stage), (Code::CborTrailing, Stage::Encoding));
    let unknown = [&[0x82, 0x18, 0x63], &bytes[2..]].concat();
    assert!(purser_protocol::field::decoded::<Event>(&unknown).is_err());
    assert!(List::<PaperId, 4>::new(Vec::new()).is_none());
}
