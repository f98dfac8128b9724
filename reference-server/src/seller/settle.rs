//! The end of sessions: each claim is signed, kept, and sent until its issuer has answered it.

use std::collections::HashMap;
use std::sync::Arc;

use purser_merchant::Post;
use purser_protocol::bind::http::AnswerBody;
use purser_protocol::code::Code;
use purser_protocol::field::Bytes;
use purser_protocol::flow::merchant::{OfferState, VerifiedReceipt, verify_receipt};
use purser_protocol::id::{Nonce, PaperId, PartyId};
use purser_protocol::limits::COMMAND_SECONDS_MAX;
use purser_protocol::paper::command::{Capture, Refund, Void};
use purser_protocol::receipt::Outcome;
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::sign::paper::id;
use purser_protocol::sign::{Frame, Paper};
use purser_protocol::time::UnixSeconds;
use purser_protocol::token::pack::{self, Pack, Refunding};
use purser_protocol::token::seller::{Record, Session, Settlement, Settling, State};
use purser_protocol::wire::Reader;

use super::Seller;
use super::config::SellerConfig;
use super::desk::Live;
use crate::config::Config;
use crate::material::{SetupError, setting};
use crate::random::random;

/// Why something was not settled; tried again later.
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// The longest pause between two refunds that are refused for a reason that passes.
const PAUSE_SECONDS_MAX: u64 = 3_600;

/// What an issuer says of a command.
pub(super) enum Answer {
    /// It decided.
    Decided(Box<VerifiedReceipt>),
    /// It came too late: nothing was decided, or that would have been the answer, and nothing will be. [CMD-1] [CMD-2]
    Stale,
    /// It decided nothing yet, or nothing that could be read.
    Nothing,
}

/// The ways to the issuers.
pub(super) struct Posts(HashMap<PartyId, Post>);

impl Posts {
    pub(super) fn new(settings: &SellerConfig, config: &Config) -> Result<Self, SetupError> {
        let mut posts = HashMap::new();
        for entry in &settings.issuers {
            let issuer = PartyId::new(&entry.name).ok_or_else(|| setting("issuers", "have a name that is none"))?;
            posts.insert(issuer, Post::to(entry, config.folder())?);
        }
        Ok(Self(posts))
    }

    /// The way to an issuer.
    pub(super) fn to(&self, issuer: &PartyId) -> Option<&Post> {
        self.0.get(issuer)
    }
}

impl Seller {
    /// Does what is to be done about a session that ends. What does not succeed is done again, later.
    pub(super) async fn settle(&self, live: &Arc<Live<Session>>) {
        if let Err(error) = self.settle_all(live).await {
            tracing::warn!(session = %live.id, %error, "claims were not settled");
        }
    }

    async fn settle_all(&self, live: &Arc<Live<Session>>) -> Result<(), Failed> {
        let closing = |session: &Session| matches!(session.state(), State::Closing(_));
        let offers: Vec<PaperId> = live.look(|session| match closing(session) {
            true => session.holds().map(|opened| opened.offer).collect(),
            false => Vec::new(),
        });
        if offers.is_empty() {
            return Ok(());
        }
        let mut issuers = HashMap::new();
        for offer in offers {
            let made = self.desk.offer(offer).await.map_err(|_| "the store failed")?;
            if let Some(OfferState::Consumed(by)) = made.map(|made| made.offer.state) {
                issuers.insert(offer, by.issuer);
            }
        }
        let (merchant, now) = (&self.identity.id, self.clock.now());
        // Without randomness nothing is signed: an empty nonce would make two commands one.
        let drawn = Nonce(random()?);
        let planned = live.look(|session| {
            let mut number = 0_u8;
            session.settle(
                merchant,
                |offer| issuers.get(offer).cloned(),
                now,
                || {
                    number += 1;
                    let mut nonce = drawn;
                    nonce.0[15] ^= number;
                    nonce
                },
            )
        });
        for (hold, issuer, settlement) in planned {
            // One issuer that is away keeps none of the others waiting for long.
            if let Err(error) = self.settle_one(live, hold, &issuer, settlement).await {
                tracing::warn!(session = %live.id, %issuer, %error, "a claim was not settled");
            }
        }
        Ok(())
    }

    async fn settle_one(
        &self,
        live: &Arc<Live<Session>>,
        hold: u64,
        issuer: &PartyId,
        settlement: Settlement,
    ) -> Result<(), Failed> {
        let post = self.posts.to(issuer).ok_or("its issuer is not one of the seller's any more")?;
        let command = match settlement {
            Settlement::Send(command) => command,
            Settlement::Claim(capture) => self.signed(live, hold, self.identity.sign_with_chain(&*capture)?).await?,
            Settlement::GiveUp(void) => self.signed(live, hold, self.identity.sign_with_chain(&void)?).await?,
        };
        let receipt = match self.answer_to(&command, issuer, post).await? {
            Answer::Decided(receipt) => receipt,
            Answer::Nothing => return Ok(()),
            Answer::Stale => {
                // What another call has signed meanwhile is what counts.
                let same = move |session: &Session| session.command(hold) == Some(&*command);
                let kept = live.record(move |session| Ok(same(session).then_some(Record::Stale(hold))));
                return kept.await.map_err(|_| "the store failed".into());
            }
        };
        if receipt.claims.outcome == Outcome::Refused {
            let code = receipt.claims.code.and_then(|code| code.code());
            tracing::error!(session = %live.id, slug = code.map(|code| code.slug()), "a claim was refused");
        }
        live.record(move |_| Ok(Some(Record::Settled(hold)))).await.map_err(|_| "the store failed".into())
    }

    /// What an issuer says of a command.
    pub(super) async fn answer_to(&self, command: &[u8], issuer: &PartyId, post: &Post) -> Result<Answer, Failed> {
        let answer = match post.put(command.to_vec()).await? {
            Ok(answer) => answer,
            Err(Some(Code::CommandStale)) if is_old(command, self.clock.now()) => return Ok(Answer::Stale),
            Err(_) => return Ok(Answer::Nothing),
        };
        let body = AnswerBody::read(&answer)?;
        let receipt = verify_receipt(body.receipt, self.identity.context(), &AwsLc, &self.register)?;
        let frame = Frame::read(command)?;
        let ours = receipt.claims.command == Some(id(frame.protected, frame.payload)) && receipt.issuer == *issuer;
        Ok(if ours { Answer::Decided(Box::new(receipt)) } else { Answer::Nothing })
    }

    /// Sends the refunds of a pack. What does not succeed is sent again, later. [TOK-45]
    pub(super) async fn send_refunds(&self, live: &Arc<Live<Pack>>) {
        let open: Vec<(u64, Vec<u8>)> =
            live.look(|pack| pack.open_refunds().map(|(purchase, command)| (purchase, command.to_vec())).collect());
        for (purchase, command) in open {
            let (issuer, signed) = live.look(|pack| {
                let place = usize::try_from(purchase).unwrap_or(usize::MAX);
                (pack.purchases().nth(place).map(|bought| bought.issuer.clone()), pack.refunds_signed(purchase))
            });
            let Some((issuer, post)) = issuer.and_then(|issuer| Some((issuer.clone(), self.posts.to(&issuer)?))) else {
                continue;
            };
            match self.answer_to(&command, &issuer, post).await {
                Ok(Answer::Decided(receipt)) if receipt.claims.outcome == Outcome::Refunded => {
                    // What is not kept is sent again, and answered alike.
                    let _ = live.record(move |_| Ok(Some(pack::Record::Refunded(purchase)))).await;
                }
                Ok(answer) if self.is_to_be_renewed(&answer, &command, signed) => {
                    self.renew_refund(live, purchase, command).await;
                }
                Ok(_) => tracing::warn!(pack = %live.id, "a refund was not made yet"),
                Err(error) => tracing::warn!(pack = %live.id, %error, "a refund could not be sent"),
            }
        }
    }

    /// Whether money that goes back needs another command: this one was refused for a reason that passes, or came too
    /// late. One that may have been decided otherwise is never followed by another. [TOK-45]
    pub(super) fn is_to_be_renewed(&self, answer: &Answer, command: &[u8], signed: u32) -> bool {
        match answer {
            Answer::Stale => true,
            Answer::Nothing => false,
            Answer::Decided(receipt) => {
                let code = receipt.claims.code.and_then(|code| code.code());
                let passes = matches!(code, Some(Code::MerchantFunds | Code::PaymentDisputed));
                // Each refusal is kept by the issuer: it is not asked more and more often.
                let pause = 1_u64.checked_shl(signed).unwrap_or(u64::MAX).min(PAUSE_SECONDS_MAX);
                let rested = made_at(command).is_some_and(|at| at.saturating_add(pause) <= self.clock.now());
                receipt.claims.outcome == Outcome::Refused && passes && rested
            }
        }
    }

    /// Signs the same refund anew, and keeps it in the place of the old one.
    async fn renew_refund(&self, live: &Arc<Live<Pack>>, purchase: u64, old: Vec<u8>) {
        let renewed = match self.renewed(&old) {
            Ok(renewed) => Bytes(renewed),
            Err(error) => return tracing::error!(pack = %live.id, %error, "a refund was not signed"),
        };
        let same = move |pack: &Pack| pack.open_refunds().any(|(known, command)| known == purchase && command == old);
        let record = pack::Record::Refunding(Refunding { purchase, command: renewed });
        // What is not kept is signed again, later.
        let _ = live.record(move |pack| Ok(same(pack).then_some(record))).await;
    }

    /// What gives money back, with another time and nonce.
    pub(super) fn renewed(&self, command: &[u8]) -> Result<Vec<u8>, Failed> {
        let (issued_at, nonce) = (self.clock.now(), Nonce(random()?));
        if let Some(refund) = read::<Refund>(command) {
            return Ok(self.identity.sign_with_chain(&Refund { issued_at, nonce, ..refund })?);
        }
        let void = read::<Void>(command).ok_or("what was signed cannot be read")?;
        Ok(self.identity.sign_with_chain(&Void { issued_at, nonce, ..void })?)
    }

    /// Keeps a command before it is sent; what was kept meanwhile by another call is what counts. [TOK-28]
    async fn signed(&self, live: &Arc<Live<Session>>, hold: u64, command: Vec<u8>) -> Result<Vec<u8>, &'static str> {
        let record = Record::Settling(Settling { hold, command: Bytes(command.clone()) });
        let kept = live.record(move |session| Ok(session.command(hold).is_none().then_some(record)));
        kept.await.map_err(|_| "the store failed")?;
        live.look(|session| session.command(hold).map(<[u8]>::to_vec)).ok_or("a claim was not kept")
    }
}

/// What a command of our own says.
fn read<T: Paper>(command: &[u8]) -> Option<T> {
    let frame = Frame::read(command).ok()?;
    T::decode(&mut Reader::new(frame.payload)).ok()
}

fn made_at(command: &[u8]) -> Option<UnixSeconds> {
    let capture = read::<Capture>(command).map(|capture| capture.issued_at);
    let void = || read::<Void>(command).map(|void| void.issued_at);
    capture.or_else(void).or_else(|| read::<Refund>(command).map(|refund| refund.issued_at))
}

/// Whether it is the past in which a command is too old, not a clock that is ahead.
fn is_old(command: &[u8], now: UnixSeconds) -> bool {
    made_at(command).is_some_and(|at| at.saturating_add(COMMAND_SECONDS_MAX / 2) <= now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use purser_protocol::sign::paper::envelope;

    #[test]
    fn a_command_is_old_after_half_a_day_and_not_when_a_clock_is_ahead() {
        let issued_at = UnixSeconds::new(1_000_000).unwrap();
        let party = |name| PartyId::new(name).unwrap();
        let (merchant, issuer) = (party("model.example"), party("issuer.example"));
        let void = Void { merchant, issuer, issued_at, nonce: Nonce([1; 16]), intent: PaperId([2; 32]) };
        let command = envelope(&[0xa0], &[], &void.payload(), &[0; 64]);
        let old = |now| is_old(&command, UnixSeconds::new(now).unwrap());
        assert_eq!([900_000, 1_000_000, 1_043_199, 1_043_200].map(old), [false, false, false, true]);
        assert!(!is_old(b"none", UnixSeconds::new(2_000_000).unwrap()));
    }
}
