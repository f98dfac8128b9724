//! Codes that a camera reads, each for one offer.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use purser_code::form::text_of_offer;
use purser_code::{Address, Code as Drawing, Short};
use purser_protocol::code::Code;
use purser_protocol::flow::merchant::OfferState;
use purser_protocol::id::{Nonce, PaperId};
use purser_protocol::time::UnixSeconds;

use crate::charge::Charge;
use crate::keeper::NotWritten;
use crate::problem::Problem;
use crate::request::{Asked, shown};
use crate::sell::{Give, asking, internal};
use crate::shop::{Inner, NotOrdered, Shop};
use crate::store::{Coded, Made};

/// The longest body of a request for a code's offer: it has none.
const BODY_BYTES_MAX: usize = 1 << 10;

/// A code for one offer.
#[derive(Clone, Debug)]
pub struct OfferCode {
    /// The offer.
    pub offer: PaperId,
    /// Until when it can be taken.
    pub expires_at: UnixSeconds,
    /// What stands in the code.
    pub text: String,
    /// The code, to be drawn.
    pub drawing: Drawing,
}

impl Shop {
    /// A code for one sale, which [`Shop::codes`] serves at this host: `shop.example`, with a port where it is not 443.
    /// Whoever pays gets `goods`. The code is on the disk before it is shown. [COD-1] [INT-22]
    pub async fn code(&self, charge: &Charge, host: &str, goods: &str) -> Result<OfferCode, NotOrdered> {
        let no_code = || NotOrdered::Failed("the address is too long for a small code, or is none".into());
        let host = host.to_ascii_lowercase();
        // Only the length of the short id counts here.
        Address::new(&host, Short::of(Nonce([0; 16]))).ok_or_else(no_code)?;
        let (charge, goods, authority) = (charge.clone(), goods.to_owned().into_bytes(), host.clone());
        let make = move |shop: &Inner| {
            shop.make_for(&charge, |nonce, salt| Some(Asked::get(&authority, &Short::of(nonce).target()).digest(salt)))
        };
        let (_, made) = self.aside(make).await.map_err(not_made)?;
        let short = Short::of(made.offer.offer.nonce);
        let text = Address::new(&host, short).ok_or_else(no_code)?.text();
        let coded = Coded { short: short.to_string(), offer: made.offer.id, goods };
        self.keep_coded(text, made, Some(coded)).await
    }

    /// A code that is the signed offer itself, for where there is no network: whoever has paid it shows the receipt at
    /// the counter. `None` where it does not fit into a code of version 10. [COD-2]
    pub async fn code_offline(&self, charge: &Charge) -> Result<Option<OfferCode>, NotOrdered> {
        let charge = charge.clone();
        let make = move |shop: &Inner| {
            let (_, made) = shop.make_for(&charge, |_, _| None)?;
            // Without its certificates, which those who pay know or ask for.
            let paper = shop.till.identity.sign(&made.offer.offer).map_err(internal)?;
            Ok((paper, made))
        };
        let (paper, made) = self.aside(make).await.map_err(not_made)?;
        match text_of_offer(&paper) {
            Some(text) => self.keep_coded(text, made, None).await.map(Some),
            None => Ok(None),
        }
    }

    /// A route that serves the offers of codes, and what is given for them.
    pub fn codes(&self) -> Router {
        let shop = self.clone();
        let serve = move |request: Request| {
            let shop = shop.clone();
            async move { shop.serve_code(request).await.unwrap_or_else(Problem::into_response) }
        };
        Router::new().route("/Q/{short}", any(serve))
    }

    async fn keep_coded(&self, text: String, made: Made, coded: Option<Coded>) -> Result<OfferCode, NotOrdered> {
        let drawing = Drawing::of(&text).ok_or_else(|| NotOrdered::Failed("no code holds that text".into()))?;
        let (offer, expires_at) = (made.offer.id, made.offer.offer.expires_at);
        let (now, bounds) = (self.0.till.clock.now(), self.0.bounds);
        let kept = self.0.till.keeper.write(move |store| {
            let kept = store.keep(&made, now, bounds)?;
            match &coded {
                Some(coded) if kept => store.keep_code(coded).map(|()| true),
                _ => Ok(kept),
            }
        });
        match kept.await {
            Ok(true) => Ok(OfferCode { offer, expires_at, text, drawing }),
            Ok(false) | Err(NotWritten::Full) => Err(NotOrdered::Failed("there are too many offers".into())),
            Err(error) => Err(NotOrdered::Failed(error.to_string())),
        }
    }

    async fn serve_code(&self, request: Request) -> Result<Response, Problem> {
        let (parts, body) = request.into_parts();
        if parts.method != Method::GET {
            return Err(Problem::new(Code::MethodNotAllowed)); // [HTB-29]
        }
        let body = read(body).await?;
        let asked = Asked::of(&parts, &body)?;
        let short = parts.uri.path().rsplit('/').next().and_then(Short::read);
        let found = match short {
            Some(short) => {
                self.0.till.look_aside(move |store| store.code(&short.to_string())).await.map_err(internal)?
            }
            None => None,
        };
        if let Some(credential) = shown(&parts.headers)? {
            // Without a code its offer is gone as well, and the money goes back. [FLW-12]
            let goods = found.map(|coded| coded.goods).unwrap_or_default();
            return self.sell(None, asked, Some(credential), Give::Ready(goods.into(), Vec::new())).await;
        }
        let stale = || Problem::new(Code::CodeStale); // [COD-7]
        let offer = found.ok_or_else(stale)?.offer;
        let made = self.0.till.look_aside(move |store| store.find(&offer)).await.map_err(internal)?;
        let now = self.0.till.clock.now();
        let open = |made: &Made| made.offer.state == OfferState::Open && now < made.offer.offer.expires_at;
        let made = made.filter(open).ok_or_else(stale)?;
        if made.offer.offer.resource != Some(asked.digest(made.salt)) {
            return Err(Problem::new(Code::RequestMismatch)); // [HTB-13]
        }
        let made = Arc::new(made);
        let terms = Arc::clone(&made);
        // Another signature over the same bytes: the offer's id is the same.
        let sign = move |shop: &Inner| shop.till.identity.sign_with_chain(&terms.offer.offer).map_err(internal);
        let paper = self.aside(sign).await?;
        asking(&made, paper)
    }
}

async fn read(body: Body) -> Result<Bytes, Problem> {
    axum::body::to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| Problem::new(Code::MessageTooLarge))
}

fn not_made(_: Problem) -> NotOrdered {
    NotOrdered::Failed("the offer was not made".into())
}
