//! The end of sessions: each claim is signed, kept, and sent until its issuer has answered it.

use std::collections::HashMap;
use std::sync::Arc;

use purser_merchant::Post;
use purser_protocol::bind::http::AnswerBody;
use purser_protocol::field::Bytes;
use purser_protocol::flow::merchant::{OfferState, VerifiedReceipt, verify_receipt};
use purser_protocol::id::{Nonce, PaperId, PartyId};
use purser_protocol::receipt::Outcome;
use purser_protocol::sign::Frame;
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::sign::paper::id;
use purser_protocol::token::pack::{self, Pack};
use purser_protocol::token::seller::{Record, Session, Settlement, Settling, State};

use super::Seller;
use super::config::SellerConfig;
use super::desk::Live;
use crate::config::Config;
use crate::material::{SetupError, setting};
use crate::random::random;

/// Why something was not settled; tried again later.
type Failed = Box<dyn std::error::Error + Send + Sync>;

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
        let Some(receipt) = self.answer_to(command, issuer, post).await? else { return Ok(()) };
        if receipt.claims.outcome == Outcome::Refused {
            let code = receipt.claims.code.and_then(|code| code.code());
            tracing::error!(session = %live.id, slug = code.map(|code| code.slug()), "a claim was refused");
        }
        live.record(move |_| Ok(Some(Record::Settled(hold)))).await.map_err(|_| "the store failed".into())
    }

    /// What an issuer decided about a command; nothing when it decided nothing.
    async fn answer_to(
        &self,
        command: Vec<u8>,
        issuer: &PartyId,
        post: &Post,
    ) -> Result<Option<VerifiedReceipt>, Box<dyn std::error::Error + Send + Sync>> {
        let Some(answer) = post.send(command.clone()).await? else { return Ok(None) };
        let body = AnswerBody::read(&answer)?;
        let receipt = verify_receipt(body.receipt, self.identity.context(), &AwsLc, &self.register)?;
        let frame = Frame::read(&command)?;
        let ours = receipt.claims.command == Some(id(frame.protected, frame.payload)) && receipt.issuer == *issuer;
        Ok(ours.then_some(receipt))
    }

    /// Sends the refunds of a pack. What does not succeed is sent again, later. [TOK-45]
    pub(super) async fn send_refunds(&self, live: &Arc<Live<Pack>>) {
        let open: Vec<(u64, Vec<u8>)> =
            live.look(|pack| pack.open_refunds().map(|(purchase, command)| (purchase, command.to_vec())).collect());
        for (purchase, command) in open {
            let issuer = live.look(|pack| {
                let place = usize::try_from(purchase).unwrap_or(usize::MAX);
                pack.purchases().nth(place).map(|bought| bought.issuer.clone())
            });
            let Some((issuer, post)) = issuer.and_then(|issuer| Some((issuer.clone(), self.posts.0.get(&issuer)?)))
            else {
                continue;
            };
            match self.answer_to(command, &issuer, post).await {
                Ok(Some(receipt)) if receipt.claims.outcome == Outcome::Refunded => {
                    // What is not kept is sent again, and answered alike.
                    let _ = live.record(move |_| Ok(Some(pack::Record::Refunded(purchase)))).await;
                }
                Ok(_) => tracing::warn!(pack = %live.id, "a refund was not made yet"),
                Err(error) => tracing::warn!(pack = %live.id, %error, "a refund could not be sent"),
            }
        }
    }

    /// Keeps a command before it is sent; what was kept meanwhile by another call is what counts. [TOK-28]
    async fn signed(&self, live: &Arc<Live<Session>>, hold: u64, command: Vec<u8>) -> Result<Vec<u8>, &'static str> {
        let record = Record::Settling(Settling { hold, command: Bytes(command.clone()) });
        let kept = live.record(move |session| Ok(session.command(hold).is_none().then_some(record)));
        kept.await.map_err(|_| "the store failed")?;
        live.look(|session| session.command(hold).map(<[u8]>::to_vec)).ok_or("a claim was not kept")
    }
}
