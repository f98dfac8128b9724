//! Taking what issuers tell: each notice verified, once, in their order.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use purser_protocol::code::Code;
use purser_protocol::flow::notice::{Next, Receiver, next};
use purser_protocol::id::{PaperId, PartyId};
use purser_protocol::receipt::Claims;
use purser_protocol::sign::Frame;
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::sign::paper::id;
use tokio::sync::Mutex;

use crate::problem::Problem;
use crate::shop::Shop;

/// What an issuer tells.
#[derive(Clone, Debug)]
pub struct Told {
    /// By whom.
    pub issuer: PartyId,
    /// Its number.
    pub number: u64,
    /// What the receipt says.
    pub claims: Claims,
    /// The receipt's id.
    pub receipt: PaperId,
    /// The paper that it answers, of a dispute or a ruling.
    pub paper: Option<Vec<u8>>,
}

impl Told {
    /// The id of the paper that the receipt answers: of a dispute, what an answer names.
    pub fn paper_id(&self) -> Option<PaperId> {
        let frame = Frame::read(self.paper.as_deref()?).ok()?;
        Some(id(frame.protected, frame.payload))
    }
}

impl Shop {
    /// A route that takes notices, to be nested where the issuer posts them. `take` hears of each once, in their order;
    /// where it fails, the issuer tries again. Between its end and ours the process can die: then it hears of it once
    /// more, under the same number.
    pub fn notices<T, F>(&self, take: T) -> Router
    where
        T: Fn(Told) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), Box<dyn std::error::Error + Send + Sync>>> + Send,
    {
        let (shop, take, one) = (self.clone(), Arc::new(take), Arc::new(Mutex::new(())));
        Router::new().route(
            "/",
            post(move |body: Bytes| {
                let (shop, take, one) = (shop.clone(), Arc::clone(&take), Arc::clone(&one));
                async move {
                    let _alone = one.lock().await;
                    shop.take_notice(&body, take.as_ref()).await.unwrap_or_else(Problem::into_response)
                }
            }),
        )
    }

    async fn take_notice<T, F>(&self, body: &[u8], take: &T) -> Result<Response, Problem>
    where
        T: Fn(Told) -> F,
        F: Future<Output = Result<(), Box<dyn std::error::Error + Send + Sync>>>,
    {
        let till = &self.0.till;
        let receiver = Receiver {
            merchant: &till.identity.id,
            context: till.identity.context(),
            crypto: &AwsLc,
            parties: &till.register,
            now: till.clock.now(),
        };
        let opened = receiver.open(body).map_err(Problem::new)?;
        let issuer = opened.notice.issuer.clone();
        let failed = |_| Problem::new(Code::Internal);
        let asked = issuer.clone();
        let last =
            till.look_aside(move |store| store.last_notice(&asked)).await.map_err(|_| Problem::new(Code::Internal))?;
        match next(&opened.notice, last) {
            Next::Known => return Ok(StatusCode::OK.into_response()), // [NTC-6]
            Next::Wait => return Err(Problem::new(Code::NoticeEarly)),
            Next::Take => {}
        }
        let told = Told {
            issuer: issuer.clone(),
            number: opened.notice.sequence,
            claims: opened.receipt.claims,
            receipt: opened.receipt.id,
            paper: opened.notice.enclosed.as_ref().map(|paper| paper.0.clone()),
        };
        let number = told.number;
        if let Err(error) = take(told).await {
            tracing::warn!(%issuer, number, %error, "a notice was not taken");
            return Err(Problem::new(Code::Internal));
        }
        till.keeper.write(move |store| store.take_notice(&issuer, number)).await.map_err(failed)?;
        Ok(StatusCode::OK.into_response())
    }
}
