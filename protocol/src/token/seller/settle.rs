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

#[cfg(test)]
mod tests {
    use super::super::{Opened, Record, Settling, Why};
    use super::*;
    use crate::field::{Bytes, List};
    use crate::id::{Digest, Pseudonym};
    use crate::money::Currency;
    use crate::paper::meter::{ChainRoot, LinkCount, Meter, Price, SessionSeconds, Unit};

    fn minor(minor: u64) -> Amount {
        Amount::from_minor(minor).unwrap()
    }

    fn at(seconds: u64) -> UnixSeconds {
        UnixSeconds::new(seconds).unwrap()
    }

    fn closing() -> Session {
        let mut session = Session::open(Opened {
            offer: PaperId([1; 32]),
            intent: PaperId([2; 32]),
            amount: minor(10),
            currency: Currency::from_code("CNY").unwrap(),
            meter: Meter {
                prices: Ascending::new(vec![Price { unit: Unit::Call, amount: minor(1) }]).unwrap(),
                per: UnitCount::new(1).unwrap(),
                steps: Ascending::new(vec![minor(1)]).unwrap(),
                ahead: minor(2),
                idle_seconds: SessionSeconds::new(60).unwrap(),
                grace_seconds: SessionSeconds::new(60).unwrap(),
                continues: None,
            },
            chains: List::new(vec![ChainRoot { length: LinkCount::new(10).unwrap(), root: Digest([0; 32]) }]).unwrap(),
            hold_until: at(1_000_000),
            pseudonym: Pseudonym([3; 16]),
            at: at(0),
        });
        session.apply(&Record::Closing(Why::Agent));
        session
    }

    fn settle(session: &Session, now: u64) -> Settlement {
        let party = |name| PartyId::new(name).unwrap();
        let issuer_of = |_: &PaperId| Some(party("issuer.example"));
        let mut plan = session.settle(&party("model.example"), issuer_of, at(now), || Nonce([9; 16]));
        assert_eq!((plan.len(), plan[0].0), (1, 0));
        plan.remove(0).2
    }

    /// [TOK-28]
    #[test]
    fn what_is_signed_is_sent_until_it_is_stale_and_then_another_is_signed() {
        let mut session = closing();
        assert!(matches!(settle(&session, 100), Settlement::GiveUp(void) if void.issued_at == at(100)));
        session.apply(&Record::Settling(Settling { hold: 0, command: Bytes(vec![7]) }));
        assert_eq!(settle(&session, 90_000), Settlement::Send(vec![7]), "no silence signs another");
        session.apply(&Record::Stale(0));
        assert!(matches!(settle(&session, 90_000), Settlement::GiveUp(void) if void.issued_at == at(90_000)));
        session.apply(&Record::Settling(Settling { hold: 0, command: Bytes(vec![8]) }));
        session.apply(&Record::Settled(0));
        assert_eq!(session.state(), State::Closed(Why::Agent));
    }
}
