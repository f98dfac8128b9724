//! Random sessions: links get lost, come twice, come late; seller and agent fall over at every step; in the end the
//! three ledgers say the same.

use proptest::prelude::*;
use purser_protocol::field::{decoded, encoded};
use purser_protocol::id::PaperId;
use purser_protocol::paper::command::Capture;
use purser_protocol::paper::meter::{Unit, UnitCount};
use purser_protocol::sign::{Frame, Paper};
use purser_protocol::token::agent;
use purser_protocol::token::message::Release;
use purser_protocol::token::seller::{self, Released, Taken, Why, opened};
use purser_protocol::wire::Reader;

use super::scene::*;
use crate::ledger_support::*;

#[derive(Clone, Debug)]
enum Step {
    /// A stream wants units.
    Use {
        stream: u64,
        output: bool,
        count: u64,
    },
    /// The answer to a need is lost after the agent kept it.
    Lose,
    /// The last release comes once more.
    Again,
    /// An old release comes late.
    Late,
    /// The seller falls over: before what it decided was kept, or after.
    SellerFalls,
    /// The agent falls over.
    AgentFalls,
    /// The issuer starts again from what it keeps.
    IssuerFalls,
    /// A further hold.
    TopUp(u64),
    Pause,
    Resume,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..3_u64, any::<bool>(), 1..4_000_u64).prop_map(|(stream, output, count)| Step::Use { stream, output, count }),
        2 => Just(Step::Lose),
        1 => Just(Step::Again),
        1 => Just(Step::Late),
        2 => Just(Step::SellerFalls),
        2 => Just(Step::AgentFalls),
        1 => Just(Step::IssuerFalls),
        1 => (20..400_u64).prop_map(Step::TopUp),
        1 => Just(Step::Pause),
        1 => Just(Step::Resume),
    ]
}

/// A party: what it has in memory, and what it kept. Records pass through their bytes, as in a store.
struct Seller(seller::Session, Vec<Vec<u8>>);
struct Agent(agent::Session, Vec<Vec<u8>>);

impl Seller {
    fn keep(&mut self, record: &seller::Record) {
        self.1.push(encoded(record));
        self.0.apply(record);
    }

    fn falls(&mut self) {
        let records = self.1.iter().map(|bytes| decoded(bytes).unwrap());
        let restored = seller::Session::restore(records).unwrap();
        assert_eq!(restored, self.0, "the seller forgot something");
        self.0 = restored;
    }
}

impl Agent {
    fn keep(&mut self, record: &agent::Record) {
        self.1.push(encoded(record));
        self.0.apply(record);
    }

    fn falls(&mut self) {
        let was = (self.0.released_minor(), self.0.seen(Unit::OutputToken), self.0.seen(Unit::InputToken));
        self.0 = agent::Session::restore(self.1.iter().map(|bytes| decoded(bytes).unwrap())).unwrap();
        let is = (self.0.released_minor(), self.0.seen(Unit::OutputToken), self.0.seen(Unit::InputToken));
        assert_eq!(was, is, "the agent forgot something");
    }
}

struct Walk {
    scene: Scene,
    seller: Seller,
    agent: Agent,
    holds: Vec<PaperId>,
    held_minor: u64,
    sent: Vec<Release>,
    loses: bool,
}

impl Walk {
    fn new(units: u64) -> Self {
        let mut scene = Scene::new();
        let hold = scene.hold(units);
        let opening = seller::Record::Opened(Box::new(
            opened(hold.offer_id, &hold.offer, &hold.said.record().claims, at(scene.world.now)).unwrap(),
        ));
        let seller = Seller(hold.seller(&scene), vec![encoded(&opening)]);
        let opening = agent::Record::Opened(Box::new(hold.opening.clone()));
        let agent = Agent(agent::Session::open(hold.opening), vec![encoded(&opening)]);
        Self { scene, seller, agent, holds: vec![hold.intent_id], held_minor: units, sent: Vec::new(), loses: false }
    }

    fn now(&self) -> purser_protocol::time::UnixSeconds {
        at(self.scene.world.now)
    }

    /// Serves so many units, asking for links whenever there are none, until a message is lost or the money is out.
    fn serve(&mut self, stream: u64, unit: Unit, mut count: u64) {
        while count > 0 {
            match self.seller.0.take(stream, unit, UnitCount::new(count).unwrap(), self.now()) {
                Ok(Taken::Paid(part, records)) => {
                    records.iter().for_each(|record| self.seller.keep(record));
                    count -= part;
                    // Delivered: the agent counts what it got.
                    if let Some(seen) = self.agent.0.see(unit, self.seller.0.used(unit)) {
                        self.agent.keep(&seen);
                    }
                }
                Ok(Taken::Need(need)) => {
                    let (record, release) = self.agent.0.cover(&need).expect("an honest seller's need is covered");
                    self.agent.keep(&record);
                    self.sent.push(release.clone());
                    if std::mem::take(&mut self.loses) {
                        return;
                    }
                    self.deliver(&release);
                }
                Ok(Taken::TopUp) | Err(_) => return,
            }
            // Neither side is further ahead than the offer says.
            let ahead = self.agent.0.released_minor() - self.seller.0.cost_minor();
            let behind = 2 * self.holds.len() as u64;
            assert!(ahead <= 25 + behind, "{ahead} ahead");
            assert!(self.seller.0.cost_minor() <= self.seller.0.value_minor(), "served more than was paid");
        }
    }

    fn deliver(&mut self, release: &Release) {
        let release: Release = decoded(&encoded(release)).unwrap();
        match self.seller.0.release(&release, self.now()) {
            Ok(Released::Ahead(records)) => records.iter().for_each(|record| self.seller.keep(record)),
            Ok(Released::Known) => {}
            Err(fault) => panic!("an honest link was refused: {fault}"),
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Use { stream, output, count } => {
                let unit = if *output { Unit::OutputToken } else { Unit::InputToken };
                self.serve(*stream, unit, *count);
            }
            Step::Lose => self.loses = true,
            Step::Again => {
                let last = self.sent.last().map(|release| release.offer);
                if let Some(release) = last.and_then(|offer| self.agent.0.again(&offer)) {
                    self.deliver(&release);
                }
            }
            Step::Late => {
                if let Some(release) = self.sent.first().cloned() {
                    self.deliver(&release);
                }
            }
            Step::SellerFalls => self.seller.falls(),
            Step::AgentFalls => self.agent.falls(),
            Step::IssuerFalls => self.scene.world.restart(),
            Step::TopUp(units) => self.top_up(*units),
            Step::Pause => {
                if let Ok(Some(record)) = self.seller.0.pause(self.now()) {
                    self.seller.keep(&record);
                }
            }
            Step::Resume => {
                if let Ok(Some(record)) = self.seller.0.resume(self.now()) {
                    self.seller.keep(&record);
                }
            }
        }
    }

    fn top_up(&mut self, units: u64) {
        if self.holds.len() == 4 {
            return;
        }
        let hold = self.scene.try_hold(units, self.seller.0.id());
        self.agent.keep(&agent::Record::Opened(Box::new(hold.opening)));
        let opening = opened(hold.offer_id, &hold.offer, &hold.said.record().claims, self.now()).unwrap();
        let record = self.seller.0.top_up(opening).unwrap();
        self.seller.keep(&record);
        self.holds.push(hold.intent_id);
        self.held_minor += units;
    }

    /// Ends it, and compares.
    fn end(mut self, falls: bool) {
        let record = self.seller.0.close(Why::Agent).unwrap();
        self.seller.keep(&record);
        if falls {
            self.seller.falls();
        }
        let (value, cost) = (self.seller.0.value_minor(), self.seller.0.cost_minor());
        let mut session = self.seller.0.clone();
        let kept = self.scene.settle(&mut session);
        if falls {
            // It fell over after it kept the commands and before it knew that they arrived: it sends them again.
            for record in kept.iter().filter(|record| matches!(record, seller::Record::Settling(_))) {
                self.seller.keep(record);
            }
            self.seller.falls();
            session = self.seller.0.clone();
            self.scene.settle(&mut session);
        }
        assert!(matches!(session.state(), seller::State::Closed(Why::Agent)));

        // The agent reads each claim, and finds in it what it released and saw.
        for record in &kept {
            let seller::Record::Settling(settling) = record else { continue };
            let frame = Frame::read(&settling.command.0).unwrap();
            let Ok(capture) = Capture::decode(&mut Reader::new(frame.payload)) else { continue };
            let stated = self.agent.0.check(&capture, &self.holds, &settling.command.0).expect("an honest claim");
            self.agent.keep(&stated);
        }
        let world = &self.scene.world;
        let (got, free) = (world.got(SHOP), world.free("ann"));
        assert_eq!(got, cost, "issuer and seller differ");
        assert!(got <= value && value <= self.agent.0.released_minor() && value <= self.held_minor);
        assert_eq!(free, START_MINOR - got, "the rest did not come back");
        assert_eq!(world.replayed(), *world.state());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn three_ledgers_agree(units in 30..3_000_u64, steps in proptest::collection::vec(step(), 1..24), falls in any::<bool>()) {
        let mut walk = Walk::new(units);
        steps.iter().for_each(|step| walk.step(step));
        walk.end(falls);
    }

    #[test]
    fn chains_come_to_every_amount(units in 11..160_000_u64) {
        let lengths = agent::lengths(&meter(), minor(units)).unwrap();
        prop_assert_eq!(meter().value_minor(lengths.iter().map(|length| length.get())), u128::from(units));
    }
}

#[test]
fn a_greedy_seller_gets_no_more_than_it_may_be_ahead() {
    let mut walk = Walk::new(1_000);
    walk.serve(0, Unit::OutputToken, 1_000);
    let released = walk.agent.0.released_minor();
    // It asks for all at once, and then for a little more again and again, without serving.
    let offer = walk.sent[0].offer;
    let ask = |units| purser_protocol::token::message::Need { at_least: minor(units), offer };
    assert!(walk.agent.0.cover(&ask(1_000)).is_err());
    for more in 1..200 {
        if let Ok((record, _)) = walk.agent.0.cover(&ask(released + more)) {
            walk.agent.keep(&record);
        }
    }
    assert!(walk.agent.0.released_minor() <= 15 + 25);
}

#[test]
fn a_claim_that_says_more_than_was_seen_is_found_out() {
    let mut walk = Walk::new(1_000);
    walk.serve(0, Unit::OutputToken, 1_000);
    let record = walk.seller.0.close(Why::Agent).unwrap();
    walk.seller.keep(&record);
    let kept = walk.scene.settle(&mut walk.seller.0.clone());
    let Some(seller::Record::Settling(settling)) = kept.first() else { panic!("nothing was settled") };
    let frame = Frame::read(&settling.command.0).unwrap();
    let honest = Capture::decode(&mut Reader::new(frame.payload)).unwrap();
    let check = |capture: &Capture| walk.agent.0.check(capture, &walk.holds, b"");
    assert!(check(&honest).is_ok());
    let mut more = honest.clone();
    more.amount = minor(honest.amount.minor() + 1);
    let mut inflated = honest.clone();
    let mut counts = more.claim.clone().unwrap().usage.to_vec();
    counts[0].count = UnitCount::new(1_001).unwrap();
    inflated.claim.as_mut().unwrap().usage = purser_protocol::paper::meter::Ascending::new(counts).unwrap();
    let mut elsewhere = honest.clone();
    elsewhere.intent = PaperId([1; 32]);
    for wrong in [more, inflated, elsewhere] {
        assert_eq!(check(&wrong).unwrap_err().code, purser_protocol::code::Code::ClaimUncovered);
    }
}
