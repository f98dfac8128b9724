//! Agents: they take offers, and bring each payment to its end with the client's own retry.

use purser_protocol::code::Code;
use purser_protocol::field::{Bytes, encoded};
use purser_protocol::flow::issuer::{PaymentRequest, Resource};
use purser_protocol::flow::merchant::verify_receipt;
use purser_protocol::flow::payer::{
    Attempt, Event as Told, Heard, Pursuit, Step, answers, answers_intent, is_lapsed, secret_hash,
};
use purser_protocol::id::PaperId;
use purser_protocol::paper::command::Cancel;
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::offer::Offer;
use purser_protocol::receipt::Outcome;
use purser_protocol::sign::{Paper as _, Signed};
use purser_protocol::wire::Reader;
use purser_server::store::Answered;

use super::{Event, Owner, Town, is_definite, is_made, is_worth_another_try, shop};
use crate::issuer::{Ask, CONTEXT, Said, seconds};
use crate::keys::Pretend;
use crate::oracle::{Checked, PaymentFacts, Subject};
use crate::papers::{Sealed, sealed};

/// Somebody wants an offer, to pay it under this mandate.
pub(super) struct Taking {
    mandate: usize,
    shop: usize,
    taken: bool,
}

/// A payment at its agent.
pub(super) struct Pay {
    mandate: usize,
    shop: usize,
    pub(super) id: PaperId,
    intent: Vec<u8>,
    offer: Vec<u8>,
    secret: [u8; 32],
    /// What is on the agent's disk.
    kept: Attempt,
    /// What is in its memory, while its process runs: what it asked last.
    live: Option<(Attempt, Pursuit, Step)>,
    cancel: Option<Sealed>,
    question: Option<u64>,
    receipt: Option<Vec<u8>>,
    served: bool,
    told_person: bool,
}

impl Pay {
    pub(super) fn is_over(&self) -> bool {
        let paid = matches!(self.kept, Attempt::Known(outcome) if is_made(outcome));
        matches!(self.kept, Attempt::Known(_) | Attempt::Dropped) && (!paid || self.served)
    }

    /// What the payer believes for ever.
    pub(super) fn believes(&self) -> Option<Outcome> {
        match self.kept {
            Attempt::Known(outcome) => Some(outcome),
            _ => None,
        }
    }
}

impl Town {
    pub(super) fn begins(&mut self) -> Checked {
        // One that is not registered yet is for nobody.
        let registered = (0..self.mandates.len()).filter(|mandate| self.oracle.is_registered(*mandate));
        let registered: Vec<usize> = registered.collect();
        if registered.is_empty() {
            return Ok(());
        }
        let mandate = registered[self.chance.index(registered.len())];
        let shop = self.chance.index(self.shops.len());
        self.takings.push(Taking { mandate, shop, taken: false });
        let ask = shop::Ask::Offer { units: self.chance.within(1, 120) };
        self.asks_shop(Owner::Offer(self.takings.len() - 1), shop, ask);
        Ok(())
    }

    /// An offer has come: one intent is signed for it, kept, and then sent.
    pub(super) fn takes(&mut self, taking: usize, offer: Vec<u8>) -> Checked {
        let Taking { mandate, shop, taken } = &mut self.takings[taking];
        if std::mem::replace(taken, true) {
            return Ok(());
        }
        let (mandate, shop) = (*mandate, *shop);
        self.sign_for(mandate, shop, offer.clone())?;
        // Now and then somebody else takes the same offer: within one account the issuer refuses one of the two; of
        // two accounts the merchant serves one.
        if self.chance.one_in(5) {
            let others = (0..self.mandates.len()).filter(|other| self.oracle.is_registered(*other));
            let others: Vec<usize> = others.collect();
            let other = others[self.chance.index(others.len())];
            self.sign_for(other, shop, offer)?;
        }
        Ok(())
    }

    fn sign_for(&mut self, mandate: usize, shop: usize, offer: Vec<u8>) -> Checked {
        let (read, offer_id) = read_offer(&offer);
        let secret: [u8; 32] = self.chance.bytes();
        let desk = self.desk(mandate);
        let intent = desk.intent(self.mandates[mandate].id, &read, offer_id, secret_hash(&secret));
        let intent = sealed(&intent, &self.mandates[mandate].agent);
        let facts = PaymentFacts {
            mandate,
            offer: offer_id,
            amount_minor: read.amount.minor(),
            offer_expires_at: read.expires_at.get(),
            by_command: read.capture == purser_protocol::paper::offer::CaptureMode::ByCommand,
            confirmed: false,
        };
        let number = self.oracle.signs(intent.id, facts);
        self.pays.push(Pay {
            mandate,
            shop,
            id: intent.id,
            intent: intent.bytes,
            offer,
            secret,
            kept: Attempt::Signed,
            live: None,
            cancel: None,
            question: None,
            receipt: None,
            served: false,
            told_person: false,
        });
        self.tell(&format!("payment {number} is signed, of {} under {mandate}", read.amount.minor()));
        if self.chance.one_in(5) {
            let after = self.chance.within(10, 30_000);
            self.put(after, Event::AgentEnds(number));
        }
        if self.chance.one_in(6) {
            let after = self.chance.within(10, 40_000);
            self.put(after, Event::GivesUp(number));
        }
        let mut attempt = Attempt::Signed;
        let (pursuit, first) = Pursuit::begin(&mut attempt);
        self.goes_on(number, attempt, pursuit, first)
    }

    /// Does what the client's machine says.
    fn goes_on(&mut self, number: usize, attempt: Attempt, pursuit: Pursuit, step: Step) -> Checked {
        self.pays[number].live = Some((attempt, pursuit, step));
        let pay = &self.pays[number];
        let ask = match step {
            Step::Over => return self.is_over(number),
            // As somebody who asks after it in a while.
            Step::Later => {
                self.pays[number].live = None;
                self.put(30_000, Event::AgentStarts(number));
                return Ok(());
            }
            Step::Rest { milliseconds } => {
                let milliseconds = milliseconds.max(1);
                self.put(milliseconds, Event::Rested(number));
                return Ok(());
            }
            Step::Send => {
                let below = self.mandates[pay.mandate].sent_along.clone();
                let mandates = below.iter().map(Vec::as_slice).collect();
                let (offer, intent) = (pay.offer.as_slice(), pay.intent.as_slice());
                Ask::Pay(PaymentRequest { mandates, offer, intent, confirmation: None }.write())
            }
            Step::Ask => Ask::Intent(pay.id),
            Step::Cancel => {
                if pay.cancel.is_none() {
                    self.cancels(number);
                }
                match &self.pays[number].cancel {
                    Some(cancel) => Ask::Post(Resource::Commands, cancel.bytes.clone()),
                    None => return Ok(()),
                }
            }
        };
        let question = self.asks(Owner::Pay(number), Subject::Payment(number), ask);
        self.pays[number].question = Some(question);
        Ok(())
    }

    pub(super) fn rested(&mut self, number: usize) -> Checked {
        match self.pays[number].live {
            Some((attempt, pursuit, Step::Rest { .. })) => self.goes_on(number, attempt, pursuit, pursuit.rested()),
            _ => Ok(()),
        }
    }

    /// What a reply is to the client: only a receipt that verifies and answers this very intent is an answer.
    pub(super) fn pay_reads(&mut self, number: usize, said: &Said) -> (Heard, Option<Answered>) {
        let pay = &self.pays[number];
        let Some((_, _, asked)) = pay.live else { return (Heard::Nothing, None) };
        match said {
            Said::Failed => (Heard::Nothing, None),
            Said::Problem(Code::NotFound) => {
                let (offer, _) = read_offer(&pay.offer);
                (Heard::NotFound { lapsed: is_lapsed(&offer, seconds(self.clock_of(number))) }, None)
            }
            Said::Problem(code) if is_definite(*code) => {
                (Heard::NotDecided { again: is_worth_another_try(*code) }, None)
            }
            Said::Problem(_) => (Heard::Nothing, None),
            Said::Answer(answered) => {
                let bytes = encoded(&answered.receipt);
                let verified = verify_receipt(&bytes, CONTEXT, &Pretend, &*self.issuer.certified);
                let Ok(verified) = verified else { return (Heard::Nothing, None) };
                let fits = match asked {
                    Step::Cancel => answers(&pay.id, &verified),
                    _ => answers_intent(&pay.id, &read_intent(&pay.intent), &verified),
                };
                match fits {
                    true => (Heard::Answer(verified.claims.outcome), Some((**answered).clone())),
                    false => (Heard::Nothing, None),
                }
            }
        }
    }

    pub(super) fn pay_hears(&mut self, number: usize, heard: Heard, answered: Option<Answered>) -> Checked {
        let Some((mut attempt, pursuit, asked)) = self.pays[number].live else { return Ok(()) };
        self.pays[number].question = None;
        if let Some(answered) = &answered {
            self.keeps(answered);
            self.pays[number].receipt = Some(encoded(&answered.receipt));
        }
        let step = pursuit.hears(&mut attempt, asked, heard);
        // Kept before anything else is done.
        self.pays[number].kept = attempt;
        self.tell(&format!("payment {number} hears {heard:?}: {attempt:?}"));
        if attempt == Attempt::Waiting && !std::mem::replace(&mut self.pays[number].told_person, true) {
            let after = self.chance.within(500, 60_000);
            self.put(after, Event::Confirms(number));
        }
        self.goes_on(number, attempt, pursuit, step)
    }

    fn is_over(&mut self, number: usize) -> Checked {
        self.pays[number].live = None;
        match self.pays[number].kept {
            Attempt::Known(outcome) if is_made(outcome) => self.redeems(number),
            _ => Ok(()),
        }
    }

    /// The agent's process ends; what it kept stays.
    pub(super) fn agent_ends(&mut self, number: usize) {
        if let Some(question) = self.pays[number].question.take() {
            self.open.remove(&question);
        }
        if self.pays[number].live.take().is_some() {
            self.tell(&format!("the agent of payment {number} ends"));
            let after = self.chance.within(100, 20_000);
            self.put(after, Event::AgentStarts(number));
        }
    }

    /// It starts, and takes up what it finds, as the client reads an attempt.
    pub(super) fn agent_starts(&mut self, number: usize) -> Checked {
        let mut attempt = self.pays[number].kept;
        if attempt == Attempt::Signed {
            attempt.handle(Told::NoAnswer);
            self.pays[number].kept = attempt;
        }
        let (pursuit, first) = Pursuit::begin(&mut attempt);
        self.goes_on(number, attempt, pursuit, first)
    }

    /// The person, or the agent, does not want it any more.
    pub(super) fn gives_up(&mut self, number: usize) -> Checked {
        let Some((mut attempt, _, _)) = self.pays[number].live else { return Ok(()) };
        self.cancels(number);
        if let Some(question) = self.pays[number].question.take() {
            self.open.remove(&question);
        }
        let (pursuit, first) = Pursuit::give_up(&mut attempt);
        self.pays[number].kept = attempt;
        self.tell(&format!("payment {number} is given up"));
        self.goes_on(number, attempt, pursuit, first)
    }

    fn cancels(&mut self, number: usize) {
        let desk = self.desk(number);
        let cancel = Cancel {
            issuer: desk.issuer,
            issued_at: seconds(desk.now),
            nonce: desk.nonce,
            intent: Bytes(self.pays[number].intent.clone()),
            offer: None,
        };
        let cancel = sealed(&cancel, &self.mandates[self.pays[number].mandate].agent);
        self.pays[number].cancel = Some(cancel);
    }

    /// Shows the receipt until it is served.
    pub(super) fn redeems(&mut self, number: usize) -> Checked {
        let pay = &self.pays[number];
        let Some(receipt) = pay.receipt.clone().filter(|_| !pay.served) else { return Ok(()) };
        let ask = shop::Ask::Redeem { receipt, secret: pay.secret };
        self.asks_shop(Owner::Redeem(number), pay.shop, ask);
        Ok(())
    }

    pub(super) fn is_served(&mut self, number: usize) {
        self.pays[number].served = true;
    }
}

fn read_offer(bytes: &[u8]) -> (Offer, PaperId) {
    let signed = Signed::<Offer>::read(bytes).expect("a shop's offer reads");
    (Offer::decode(&mut Reader::new(signed.frame.payload)).expect("an offer reads"), signed.id())
}

fn read_intent(bytes: &[u8]) -> Intent {
    let signed = Signed::<Intent>::read(bytes).expect("an agent's intent reads");
    Intent::decode(&mut Reader::new(signed.frame.payload)).expect("an intent reads")
}
