//! A shop that sells by the meter, and an agent that buys.

use purser_protocol::field::List;
use purser_protocol::id::{Digest, Nonce, PaperId};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::meter::{Ascending, ChainRoot, Claim, Meter, Price, SessionSeconds, Unit, UnitCount};
use purser_protocol::paper::offer::{Offer, OfferKind};
use purser_protocol::receipt::Outcome;
use purser_protocol::token::agent;
use purser_protocol::token::chain::Chain;
use purser_protocol::token::seller::{self, Session, Settlement, opened};

use crate::ledger_support::*;

pub(super) const SHOP: &str = "shop.example";
/// What ann begins with.
pub(super) const START_MINOR: u64 = 100_000;
pub(super) const IDLE: u64 = 600;
pub(super) const GRACE: u64 = 120;

pub(super) struct Scene {
    pub(super) world: World,
    pub(super) mandate: PaperId,
}

/// A hold, and what its parties know of it.
pub(super) struct Held {
    pub(super) offer: Offer,
    pub(super) offer_id: PaperId,
    pub(super) intent: Intent,
    pub(super) intent_id: PaperId,
    pub(super) chains: Vec<Chain>,
    pub(super) opening: agent::Opened,
    pub(super) said: Said,
}

pub(super) fn meter() -> Meter {
    let price = |unit, units| Price { unit, amount: minor(units) };
    Meter {
        prices: Ascending::new(vec![price(Unit::InputToken, 3), price(Unit::OutputToken, 15)]).unwrap(),
        per: UnitCount::new(1_000).unwrap(),
        steps: Ascending::new(vec![minor(1), minor(10)]).unwrap(),
        ahead: minor(25),
        idle_seconds: SessionSeconds::new(IDLE).unwrap(),
        grace_seconds: SessionSeconds::new(GRACE).unwrap(),
        continues: None,
    }
}

impl Scene {
    pub(super) fn new() -> Self {
        let mut world = World::new();
        world.deposit("ann", START_MINOR).must_be(Outcome::Recorded);
        let mandate = world.quota("ann", "agent", START_MINOR);
        let mandate = world.registered(&mandate, "ann");
        Self { world, mandate }
    }

    pub(super) fn offer(&mut self, units: u64, continues: Option<PaperId>) -> Offer {
        let mut offer = by_command(self.world.offer(SHOP, units));
        offer.kind = OfferKind::Metered;
        offer.meter = Some(Meter { continues, ..meter() });
        offer
    }

    /// An intent with these chains, whatever they are.
    pub(super) fn take(&mut self, units: u64, chains: Option<Vec<ChainRoot>>) -> Said {
        let offer = self.offer(units, None);
        let mut papers = self.world.papers("agent", self.mandate, SHOP, &offer);
        let mut intent = self.world.intent(self.mandate, &offer, papers.offer.id);
        intent.chains = chains.and_then(List::new);
        papers.intent = self.world.sign(&intent, "agent");
        self.world.pay(&papers)
    }

    pub(super) fn hold(&mut self, units: u64) -> Held {
        let held = self.try_hold(units, None);
        held.said.must_be(Outcome::Authorized);
        held
    }

    pub(super) fn try_hold(&mut self, units: u64, continues: Option<PaperId>) -> Held {
        let offer = self.offer(units, continues);
        let mut papers = self.world.papers("agent", self.mandate, SHOP, &offer);
        let meter = offer.meter.clone().unwrap();
        let lengths = agent::lengths(&meter, offer.amount).unwrap();
        let secret = Digest(self.world.draw());
        let (offer_id, amount) = (papers.offer.id, offer.amount);
        let lengths_minor: Vec<u64> = lengths.iter().map(|length| length.get()).collect();
        let opening = agent::Opened { offer: offer_id, amount, meter, lengths: List::new(lengths).unwrap(), secret };
        let chains = Held::chains_of(secret.0, offer_id, &lengths_minor);
        let mut intent = self.world.intent(self.mandate, &offer, offer_id);
        intent.chains = agent::Session::open(opening.clone()).roots(0);
        papers.intent = self.world.sign(&intent, "agent");
        let said = self.world.pay(&papers);
        Held { offer, offer_id, intent, intent_id: papers.intent.id, chains, opening, said }
    }

    pub(super) fn capture(&mut self, hold: &Held, units: u64, last: bool, claim: Option<Claim>) -> Said {
        let mut paper = self.world.capture_paper(SHOP, hold.intent_id, units, last);
        paper.claim = claim;
        let paper = self.world.certify(&paper, SHOP);
        self.world.send(&paper.bytes)
    }

    /// Settles what ends: signs, keeps, sends. What is returned is what was kept.
    pub(super) fn settle(&mut self, session: &mut Session) -> Vec<seller::Record> {
        let (shop, issuer, now) = (party(SHOP), party("issuer.example"), at(self.world.now));
        let mut drawn = Vec::new();
        for _ in 0..8 {
            drawn.push(self.world.nonce());
        }
        let mut drawn = drawn.into_iter();
        let plan = session.settle(&shop, |_| Some(issuer.clone()), now, || drawn.next().unwrap_or(Nonce([0; 16])));
        let mut kept = Vec::new();
        for (hold, _, settlement) in plan {
            let command = match settlement {
                Settlement::Claim(capture) => self.world.certify(&*capture, SHOP).bytes,
                Settlement::GiveUp(void) => self.world.certify(&void, SHOP).bytes,
                Settlement::Send(command) => command,
            };
            let bytes = purser_protocol::field::Bytes(command.clone());
            let settling = seller::Record::Settling(seller::Settling { hold, command: bytes });
            session.apply(&settling);
            self.world.send(&command);
            let settled = seller::Record::Settled(hold);
            session.apply(&settled);
            kept.extend([settling, settled]);
        }
        kept
    }
}

impl Held {
    /// The seller's session under the receipt.
    pub(super) fn seller(&self, scene: &Scene) -> Session {
        Session::open(opened(self.offer_id, &self.offer, &self.said.record().claims, at(scene.world.now)).unwrap())
    }
}
