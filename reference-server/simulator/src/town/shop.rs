//! Merchants: they make offers, serve what is paid for once, and capture, give up and give back.

use std::collections::HashMap;

use purser_protocol::flow::issuer::Resource;
use purser_protocol::flow::merchant::{
    Consumed, OfferMade, OfferState, Redemption, redeem, redeem_unknown, verify_receipt,
};
use purser_protocol::id::{Digest, PaperId, PartyId};

use super::wallet::Errand;
use super::{Event, Owner, Town};
use crate::issuer::{CONTEXT, seconds};
use crate::keys::Pretend;
use crate::oracle::{Checked, CommandFacts};
use crate::papers::{Sealed, certified};

/// What a shop is asked.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    /// For an offer of so much.
    Offer {
        /// The price, in minor units.
        units: u64,
    },
    /// To serve what a receipt pays for.
    Redeem {
        /// The receipt.
        receipt: Vec<u8>,
        /// What redeems it.
        secret: [u8; 32],
    },
}

/// What it says.
#[derive(Clone, Debug)]
pub(super) enum Said {
    /// The offer.
    Offer(Vec<u8>),
    /// Served, or refused for good.
    Done,
}

/// A shop, and what is on its disk.
pub(super) struct Shop {
    /// Its name.
    pub(super) id: PartyId,
    offers: HashMap<PaperId, OfferMade>,
}

impl Shop {
    pub(super) fn new(name: &str) -> Self {
        Self { id: PartyId::new(name).expect("a name"), offers: HashMap::new() }
    }
}

impl Town {
    pub(super) fn reaches_shop(&mut self, question: u64, shop: usize, ask: &Ask) -> Checked {
        let said = match ask {
            Ask::Offer { units } => self.offers(shop, *units),
            Ask::Redeem { receipt, secret } => self.is_shown(shop, receipt, secret)?,
        };
        for delay in self.arrivals() {
            self.put(delay, Event::FromShop(question, said.clone()));
        }
        Ok(())
    }

    pub(super) fn hears_shop(&mut self, question: u64, said: Said) -> Checked {
        match (self.open.remove(&question), said) {
            (Some(Owner::Offer(taking)), Said::Offer(offer)) => self.takes(taking, offer),
            (Some(Owner::Redeem(pay)), Said::Done) => {
                self.is_served(pay);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn offers(&mut self, shop: usize, units: u64) -> Said {
        let by_command = self.chance.one_in(2);
        let (lasts, holds) = (self.chance.within(20, 300), self.chance.within(20, 120));
        let desk = self.desk(shop);
        let offer = desk.offer(&self.shops[shop].id, units, by_command, lasts, holds);
        let Sealed { id, bytes } = certified(&offer, &self.shops[shop].id);
        self.shops[shop].offers.insert(id, OfferMade { id, offer, state: OfferState::Open });
        Said::Offer(bytes)
    }

    /// A receipt is shown: judged offline, and the offer consumed before anything is served.
    fn is_shown(&mut self, shop: usize, receipt: &[u8], secret: &[u8; 32]) -> Result<Said, crate::oracle::Finding> {
        let Ok(verified) = verify_receipt(receipt, CONTEXT, &Pretend, &*self.issuer.certified) else {
            return Ok(Said::Done);
        };
        let (Some(offer), Some(intent)) = (verified.claims.offer, verified.claims.intent) else {
            return Ok(Said::Done);
        };
        let now = seconds(self.clock_of(shop));
        let request = Digest([7; 32]);
        let judged = match self.shops[shop].offers.get(&offer) {
            Some(made) => redeem(made, &verified, secret, &request, now),
            None => redeem_unknown(&offer, &verified, secret),
        };
        let units = verified.claims.amount.map_or(0, |amount| amount.minor());
        let by_command = verified.claims.hold_until.is_some();
        match judged {
            Ok(Redemption::Serve) => {
                let consumed = Consumed { receipt: verified.id, issuer: verified.issuer, intent, request };
                if let Some(made) = self.shops[shop].offers.get_mut(&offer) {
                    made.state = OfferState::Consumed(consumed);
                }
                self.oracle.serves(offer, Some(intent))?;
                self.tell(&format!("{} serves", self.shops[shop].id));
                self.goes_after(shop, intent, units, by_command);
            }
            // Nothing can be given for the money: it goes back.
            Ok(Redemption::GiveBack(_)) if by_command => self.gives_up_hold(shop, intent),
            Ok(Redemption::GiveBack(_)) => self.gives_back(shop, intent, units),
            Ok(Redemption::Repeat) | Err(_) => {}
        }
        Ok(Said::Done)
    }

    /// What a merchant does about money after it has served.
    fn goes_after(&mut self, shop: usize, intent: PaperId, units: u64, by_command: bool) {
        if !by_command {
            if self.chance.one_in(3) {
                let part = self.chance.within(1, units);
                self.gives_back(shop, intent, part);
                // Once more the whole: one of the two must be refused, or both fit.
                self.gives_back(shop, intent, units);
            }
            return;
        }
        match self.chance.below(6) {
            0 => self.captures(shop, intent, units, true),
            1 => {
                let part = self.chance.within(1, units);
                self.captures(shop, intent, part, true);
            }
            2 => {
                let part = self.chance.within(1, units);
                self.captures(shop, intent, part, false);
                self.captures(shop, intent, units, false);
                self.captures(shop, intent, units - part + 1, true);
            }
            // They race: one of the two comes first.
            3 => {
                self.captures(shop, intent, units, true);
                self.gives_up_hold(shop, intent);
            }
            4 => self.gives_up_hold(shop, intent),
            // Its time will come.
            _ => {}
        }
        if self.chance.one_in(3) {
            let part = self.chance.within(1, units);
            self.gives_back(shop, intent, part);
        }
    }

    fn captures(&mut self, shop: usize, intent: PaperId, units: u64, last: bool) {
        let desk = self.desk(shop);
        let paper = certified(&desk.capture(&self.shops[shop].id, intent, units, last), &self.shops[shop].id);
        self.sends_by_shop(intent, paper, |payment| CommandFacts::Capture(payment, units, last));
    }

    fn gives_up_hold(&mut self, shop: usize, intent: PaperId) {
        let desk = self.desk(shop);
        let paper = certified(&desk.void(&self.shops[shop].id, intent), &self.shops[shop].id);
        self.sends_by_shop(intent, paper, CommandFacts::Void);
    }

    fn gives_back(&mut self, shop: usize, intent: PaperId, units: u64) {
        let desk = self.desk(shop);
        let paper = certified(&desk.refund(&self.shops[shop].id, intent, units), &self.shops[shop].id);
        self.sends_by_shop(intent, paper, |payment| CommandFacts::Refund(payment, units));
    }

    fn sends_by_shop(&mut self, intent: PaperId, paper: Sealed, facts: impl FnOnce(usize) -> CommandFacts) {
        let Some(payment) = self.pays.iter().position(|pay| pay.id == intent) else { return };
        self.oracle.commands(paper.id, facts(payment));
        let after = self.chance.within(1, 90_000);
        self.errands.push(Errand::of(Resource::Commands, paper));
        let errand = self.errands.len() - 1;
        self.put(after, Event::Errand(errand));
    }
}
