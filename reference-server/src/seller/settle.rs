//! The end of sessions: each claim is signed, kept, and sent until its issuer has answered it.

use std::collections::HashMap;
use std::sync::Arc;

use purser_merchant::Post;
use purser_protocol::bind::http::AnswerBody;
use purser_protocol::field::Bytes;
use purser_protocol::flow::merchant::verify_receipt;
use purser_protocol::id::{Nonce, PartyId};
use purser_protocol::receipt::Outcome;
use purser_protocol::sign::Frame;
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::sign::paper::id;
use purser_protocol::token::seller::{Record, Settlement, Settling};

use super::Seller;
use super::config::SellerConfig;
use super::desk::Live;
use crate::config::Config;
use crate::material::{SetupError, setting};
use crate::random::random;

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
}

impl Seller {
    /// Does what is to be done about a session that ends. What does not succeed is done again, later.
    pub(super) async fn settle(&self, live: &Arc<Live>) {
        for (issuer, post) in &self.posts.0 {
            if let Err(error) = self.settle_at(live, issuer, post).await {
                tracing::warn!(session = %live.id, %issuer, %error, "a claim was not settled");
            }
        }
    }

    async fn settle_at(
        &self,
        live: &Arc<Live>,
        issuer: &PartyId,
        post: &Post,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let (merchant, now) = (&self.identity.id, self.clock.now());
        // Without randomness nothing is signed: an empty nonce would make two commands one.
        let drawn = Nonce(random()?);
        let planned = live.look(|session| {
            let mut number = 0_u8;
            session.settle(merchant, issuer, now, || {
                number += 1;
                let mut nonce = drawn;
                nonce.0[15] ^= number;
                nonce
            })
        });
        for (hold, settlement) in planned {
            let command = match settlement {
                Settlement::Send(command) => command,
                Settlement::Claim(capture) => {
                    self.signed(live, hold, self.identity.sign_with_chain(&*capture)?).await?
                }
                Settlement::GiveUp(void) => self.signed(live, hold, self.identity.sign_with_chain(&void)?).await?,
            };
            let Some(answer) = post.send(command.clone()).await? else { continue };
            let body = AnswerBody::read(&answer)?;
            let receipt = verify_receipt(body.receipt, self.identity.context(), &AwsLc, &self.register)?;
            let frame = Frame::read(&command)?;
            if receipt.claims.command != Some(id(frame.protected, frame.payload)) || receipt.issuer != *issuer {
                continue;
            }
            if receipt.claims.outcome == Outcome::Refused {
                let code = receipt.claims.code.and_then(|code| code.code());
                tracing::error!(session = %live.id, slug = code.map(|code| code.slug()), "a claim was refused");
            }
            live.record(move |_| Ok(Some(Record::Settled(hold)))).await.map_err(|_| "the store failed")?;
        }
        Ok(())
    }

    /// Keeps a command before it is sent; what was kept meanwhile by another call is what counts. [TOK-28]
    async fn signed(&self, live: &Arc<Live>, hold: u64, command: Vec<u8>) -> Result<Vec<u8>, &'static str> {
        let record = Record::Settling(Settling { hold, command: Bytes(command.clone()) });
        let kept = live.record(move |session| Ok(session.command(hold).is_none().then_some(record)));
        kept.await.map_err(|_| "the store failed")?;
        live.look(|session| session.command(hold).map(<[u8]>::to_vec)).ok_or("a claim was not kept")
    }
}
