//! The end of a session: what is claimed of each hold.

use super::{Hold, Session, State};
use crate::field::True;
use crate::id::{Nonce, PaperId, PartyId};
use crate::money::Amount;
use crate::paper::command::{Capture, Void};
use crate::paper::meter::{Ascending, Claim, UnitCount, Used};
use crate::time::UnixSeconds;

/// What is done with a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// To be signed, kept, and then sent.
    Claim(Box<Capture>),
    /// Nothing was used: all of it goes back.
    GiveUp(Void),
    /// The command is signed and kept: it is sent until it has its receipt.
    Send(Vec<u8>),
}

impl Session {
    /// What is to be done with each hold that is not settled, and at which issuer, once the session ends; `issuer_of`
    /// says by its offer where the money of a hold is. What is signed must be kept as
    /// [`Record::Settling`](super::Record::Settling) before it is sent. [TOK-28]
    pub fn settle(
        &self,
        merchant: &PartyId,
        issuer_of: impl Fn(&PaperId) -> Option<PartyId>,
        now: UnixSeconds,
        mut nonce: impl FnMut() -> Nonce,
    ) -> Vec<(u64, PartyId, Settlement)> {
        if !matches!(self.state, State::Closing(_)) {
            return Vec::new();
        }
        let open = (0..).zip(&self.holds).filter(|(_, hold)| !hold.settled);
        open.filter_map(|(place, hold)| {
            let issuer = issuer_of(&hold.opened.offer)?;
            if let Some(command) = &hold.settling {
                return Some((place, issuer, Settlement::Send(command.clone())));
            }
            let (merchant, intent) = (merchant.clone(), hold.opened.intent);
            let settlement = match hold.claim() {
                Some((amount, claim)) => Settlement::Claim(Box::new(Capture {
                    merchant,
                    issuer: issuer.clone(),
                    issued_at: now,
                    nonce: nonce(),
                    intent,
                    amount,
                    currency: hold.opened.currency,
                    last: Some(True),
                    claim: Some(claim),
                })),
                None => {
                    let issuer = issuer.clone();
                    Settlement::GiveUp(Void { merchant, issuer, issued_at: now, nonce: nonce(), intent })
                }
            };
            Some((place, issuer, settlement))
        })
        .collect()
    }

    /// The command that settles a hold, once it is signed.
    pub fn command(&self, hold: u64) -> Option<&[u8]> {
        usize::try_from(hold).ok().and_then(|hold| self.holds.get(hold)?.settling.as_deref())
    }

    /// The commands that settle its holds, as far as they are signed: the statement of use.
    pub fn commands(&self) -> impl Iterator<Item = &[u8]> {
        self.holds.iter().filter_map(|hold| hold.settling.as_deref())
    }
}

impl Hold {
    /// The lesser of links and use. [TOK-15]
    fn claim(&self) -> Option<(Amount, Claim)> {
        let amount = Amount::from_minor(self.value_minor().min(self.cost_minor()))?;
        let used =
            self.used.iter().filter_map(|(unit, count)| Some(Used { unit: *unit, count: UnitCount::new(*count)? }));
        let claim = Claim { links: Ascending::new(self.reached.clone())?, usage: Ascending::new(used.collect())? };
        Some((amount, claim))
    }
}
