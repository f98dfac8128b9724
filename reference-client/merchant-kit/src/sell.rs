//! The answer to a request for something that has a price.
//!
//! Without a payment it is an offer. With one it is what was paid for, or why not; never a demand to pay again.
//! [FLW-9]

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt, Limited};
use purser_protocol::bind::base64url;
use purser_protocol::bind::http::{self, Challenge, Credential, PaymentTaken};
use purser_protocol::code::Code;
use purser_protocol::flow::merchant::{
    Consumed, OfferMade, OfferState, Redemption, VerifiedReceipt, redeem, redeem_unknown,
};
use purser_protocol::id::{Digest, Nonce};
use purser_protocol::paper::delivery::{Delivery, DeliveryState};
use purser_protocol::paper::offer::CaptureMode;
use purser_protocol::receipt::Outcome;
use purser_protocol::sign::Frame;
use purser_protocol::sign::paper::id;
use sha2::{Digest as _, Sha256};

use crate::charge::Charge;
use crate::keeper::NotWritten;
use crate::paid::Paid;
use crate::problem::{NO_STORE, Problem, Refused};
use crate::random::random;
use crate::request::Asked;
use crate::shop::{Inner, Shop};
use crate::store::{Debt, Goods, Made, Sale, Standing};

/// Paid answers are for the one who paid. [HTB-35]
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-store");

/// How often a receipt is judged: a second time when another request was quicker than it.
const LOOKS: usize = 2;

/// How much longer nobody else makes something than its maker has time for it.
const GRACE_SECONDS: u64 = 10;

/// The longest answer that is sold and kept, in bytes. The client reads as much.
pub const GOODS_BYTES_MAX: usize = 8 << 20;

/// What is given for a payment.
pub(crate) enum Give {
    /// This, with these fields of its header.
    Ready(Bytes, Vec<(String, String)>),
    /// What this makes of it.
    Make(Make),
}

/// Makes what was paid for.
pub(crate) type Make = Box<dyn FnOnce(Paid) -> BoxFuture<'static, Response> + Send>;

/// What a receipt is worth.
enum Judged {
    /// This, once it is consumed.
    Serve(Box<Sale>),
    /// The answer that was given before. [HTB-17]
    Repeat(Box<Sale>),
    /// Its money back, and then a refusal.
    GiveBack(Debt, Code),
}

impl Shop {
    /// The answer to a request for something that has a price, with what it shows as its payment.
    pub(crate) async fn sell(
        &self,
        charge: Option<Charge>,
        asked: Asked,
        credential: Option<Credential>,
        give: Give,
    ) -> Result<Response, Problem> {
        match (credential, charge) {
            (Some(credential), _) => self.take(asked, credential, give).await,
            (None, Some(charge)) => self.offer(charge, asked).await,
            (None, None) => Err(Problem::new(Code::Internal)),
        }
    }

    /// Makes an offer, keeps it, and then asks for the money. [HTB-10] [INT-22]
    async fn offer(&self, charge: Charge, asked: Asked) -> Result<Response, Problem> {
        let beside = charge.beside.clone();
        let (paper, made) = self.aside(move |shop| shop.make(&charge, &asked)).await?;
        let mut response = asking(&made, paper)?;
        let (now, bounds) = (self.0.till.clock.now(), self.0.bounds);
        match self.0.till.keeper.write_if_idle(move |store| store.keep(&made, now, bounds)).await {
            Ok(true) => {}
            Ok(false) | Err(NotWritten::Full) => return Err(Problem::new(Code::Overloaded)), // [HTB-26]
            Err(NotWritten::Failed) => return Err(Problem::new(Code::Internal)),
        }
        for (name, value) in beside {
            response.headers_mut().append(name, value);
        }
        Ok(response)
    }

    /// Checks a receipt offline, consumes its offer once, serves.
    async fn take(&self, asked: Asked, credential: Credential, mut give: Give) -> Result<Response, Problem> {
        let shown = Arc::new((asked, credential));
        for _ in 0..LOOKS {
            let judged = Arc::clone(&shown);
            match self.aside(move |shop| shop.judge(&judged.0, &judged.1)).await? {
                Judged::Repeat(sale) if sale.goods.is_some() => return respond(*sale),
                Judged::Repeat(sale) => return self.resume(*sale, give).await,
                Judged::GiveBack(debt, code) => return Err(self.give_back(debt, code).await),
                Judged::Serve(mut sale) => {
                    if let Give::Ready(body, headers) = &give {
                        // What is served is in the same row, so that no crash comes between the two. [FLW-6]
                        let (body, headers, begun) = (body.clone(), headers.clone(), sale.clone());
                        let goods = self.aside(move |shop| shop.goods(&begun, 200, headers, &body)).await?;
                        sale.goods = Some(goods);
                    }
                    let consumed = sale.clone();
                    let written = self.0.till.keeper.write(move |store| store.consume(&consumed)).await;
                    give = match (written.map_err(unknown)?, give) {
                        (true, Give::Ready(..)) => return respond(*sale),
                        (true, Give::Make(make)) => return self.fulfil(*sale, make).await,
                        (false, give) => give,
                    };
                }
            }
        }
        Err(Problem::new(Code::OutcomeUnknown))
    }

    /// It was paid for and not made: somebody is at it, or has died over it. [HTB-16]
    async fn resume(&self, sale: Sale, give: Give) -> Result<Response, Problem> {
        let now = self.0.till.clock.now();
        let make = match give {
            Give::Make(make) if sale.working_until <= now => make,
            _ => return Err(Problem::new(Code::OutcomeUnknown)),
        };
        let (until, before) = (self.0.working_until(), sale.clone());
        let written = self.0.till.keeper.write(move |store| store.resume(&before, until)).await;
        match written.map_err(unknown)? {
            true => self.fulfil(Sale { working_until: until, ..sale }, make).await,
            false => Err(Problem::new(Code::OutcomeUnknown)),
        }
    }

    /// Makes what was paid for, on a task of its own: it goes on when nobody waits for it any more.
    async fn fulfil(&self, sale: Sale, make: Make) -> Result<Response, Problem> {
        let shop = self.clone();
        let made = tokio::spawn(async move { shop.make_and_keep(sale, make).await }).await;
        made.unwrap_or_else(|error| Err(unknown(error)))
    }

    async fn make_and_keep(&self, sale: Sale, make: Make) -> Result<Response, Problem> {
        let begun = sale.clone();
        let found = self.0.till.look_aside(move |store| store.find(&begun.offer)).await.map_err(unknown)?;
        let made = found.ok_or_else(|| Problem::new(Code::OutcomeUnknown))?;
        let offer = &made.offer.offer;
        let paid = Paid::of(&sale, offer);
        // One that panics is one that failed.
        let work = tokio::spawn(tokio::time::timeout(Duration::from_secs(self.0.work_seconds), make(paid)));
        let whole = match work.await {
            Ok(Ok(response)) if !response.status().is_server_error() => whole(response).await,
            Ok(Ok(response)) => Err(format!("the answer is {}", response.status())),
            Ok(Err(_)) => Err("it took too long".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        let (status, headers, body) = match whole {
            Ok(whole) => whole,
            Err(why) => {
                tracing::error!(intent = %sale.by.intent, why, "what was paid for was not made; it will be tried again");
                self.0.till.keeper.write(move |store| store.release(&sale)).await.map_err(unknown)?;
                return Err(Problem::new(Code::OutcomeUnknown));
            }
        };
        let begun = sale.clone();
        let goods = self.aside(move |shop| shop.goods(&begun, status, headers, &body)).await?;
        let sale = Sale { goods: Some(goods), ..sale };
        let after = self.after(&sale, &made)?;
        let (kept, issuer) = (sale.clone(), sale.by.issuer.clone());
        let written = self.0.till.keeper.write(move |store| {
            let is_first = store.deliver(&kept)?;
            match (is_first, &after) {
                (true, After::Capture(order)) => store.order(order)?,
                (true, After::GiveBack(owed)) => store.owe(owed)?,
                (_, After::Nothing) | (false, _) => {}
            }
            Ok(is_first)
        });
        match written.await.map_err(unknown)? {
            true => {
                self.0.desks.wake(&issuer);
                respond(sale)
            }
            // Somebody else thought that we had died; what stands is what it made.
            false => Err(Problem::new(Code::OutcomeUnknown)),
        }
    }

    /// What the money does when something was made, or was not.
    fn after(&self, sale: &Sale, made: &Made) -> Result<After, Problem> {
        let offer = &made.offer.offer;
        let status = sale.goods.as_ref().map_or(0, |goods| goods.status);
        let held = offer.capture == CaptureMode::ByCommand;
        if delivered(status) == DeliveryState::Not {
            let (amount, currency) = (offer.amount, offer.currency);
            let debt = Debt { issuer: sale.by.issuer.clone(), intent: sale.by.intent, amount, currency, held };
            return self.0.till.pay_back(&debt).map(After::GiveBack).map_err(internal);
        }
        if made.captured {
            let order = self.0.capture(&sale.by, offer.amount, offer.currency, true);
            return order.map(After::Capture).map_err(internal);
        }
        Ok(After::Nothing)
    }

    /// The money is here and nothing can be given for it: it goes back, and when it has, that is said. [FLW-7]
    async fn give_back(&self, debt: Debt, code: Code) -> Problem {
        match self.stands(&debt).await {
            Ok(Standing::Ended(end)) => Problem::new(code).member("refund", end),
            Ok(Standing::Open) => Problem::new(Code::OutcomeUnknown).member("refund", "on its way"), // [HTB-16]
            Err(problem) => problem,
        }
    }

    /// How a debt stands, once it is on the disk.
    async fn stands(&self, debt: &Debt) -> Result<Standing, Problem> {
        let (issuer, intent) = (debt.issuer.clone(), debt.intent);
        let standing = self.0.till.look_aside(move |store| store.debt(&issuer, &intent)).await.map_err(unknown)?;
        if let Some(standing) = standing {
            return Ok(standing);
        }
        let owed = self.0.till.pay_back(debt).map_err(internal)?;
        self.0.till.keeper.write(move |store| store.owe(&owed)).await.map_err(unknown)?;
        self.0.desks.wake(&debt.issuer);
        Ok(Standing::Open)
    }

    /// Works on a thread that may block, when there is room for it.
    pub(crate) async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let _place = self.0.signing.acquire().await.map_err(|_| Problem::new(Code::Overloaded))?;
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || work(&inner)).await.map_err(|_| Problem::new(Code::Internal))?
    }
}

/// The demand for the money of an offer that is kept.
pub(crate) fn asking(made: &Made, paper: Vec<u8>) -> Result<Response, Problem> {
    let challenge = Challenge::new(made.offer.id, &made.offer.offer, Some(made.salt));
    let headers = [
        (WWW_AUTHENTICATE, HeaderValue::from_str(&challenge.header_value()).map_err(internal)?),
        (CONTENT_TYPE, HeaderValue::from_static(http::PAPER)),
        (CACHE_CONTROL, NO_STORE), // [HTB-18]
    ];
    let mut response = (StatusCode::PAYMENT_REQUIRED, headers, paper).into_response();
    response.extensions_mut().insert(Refused(Code::PaymentRequired));
    Ok(response)
}

/// What the money does when a sale is made.
enum After {
    Nothing,
    Capture(crate::store::Order),
    GiveBack(crate::store::Owed),
}

impl Inner {
    fn make(&self, charge: &Charge, asked: &Asked) -> Result<(Vec<u8>, Made), Problem> {
        self.make_for(charge, |_, salt| Some(asked.digest(salt)))
    }

    /// The same, for whatever `resource` says of its `cti` and its salt.
    pub(crate) fn make_for(
        &self,
        charge: &Charge,
        resource: impl FnOnce(Nonce, Nonce) -> Option<Digest>,
    ) -> Result<(Vec<u8>, Made), Problem> {
        let salt = Nonce(random().map_err(internal)?); // [INT-9]
        let nonce = Nonce(random().map_err(internal)?); // [INT-5]
        let offer = charge.offer(&self.seller, self.till.clock.now(), nonce, resource(nonce, salt));
        let offer = offer.ok_or_else(|| Problem::new(Code::Internal))?;
        let paper = self.till.identity.sign_with_chain(&offer).map_err(internal)?;
        let frame = Frame::read(&paper).map_err(internal)?;
        let id = id(frame.protected, frame.payload);
        let captured = charge.captured_when_delivered;
        Ok((paper, Made { offer: OfferMade { id, offer, state: OfferState::Open }, salt, captured }))
    }

    /// Judges what was shown, in the order of the clauses. [HTB-11]
    fn judge(&self, asked: &Asked, credential: &Credential) -> Result<Judged, Problem> {
        let found = self.till.look(|store| store.find(&credential.offer)).map_err(unknown)?;
        let Some(Made { offer, salt, .. }) = found else { return self.judge_unknown(credential) };
        if !credential.echoes(&Challenge::new(offer.id, &offer.offer, Some(salt))) {
            return Err(Problem::new(Code::CredentialMalformed)); // [HTB-33] [HTB-38]
        }
        let receipt = self.till.read_receipt(&credential.receipt)?; // [FLW-5]
        let request = asked.digest(salt);
        match (redeem(&offer, &receipt, &credential.secret, &request, self.till.clock.now())?, &offer.state) {
            (Redemption::Repeat, OfferState::Consumed(by)) => {
                let sale = self.till.look(|store| store.sale(&offer.id, by)).map_err(unknown)?;
                sale.map(Box::new).map(Judged::Repeat).ok_or_else(|| Problem::new(Code::OutcomeUnknown))
            }
            (Redemption::Repeat, _) => Err(Problem::new(Code::Internal)),
            (Redemption::GiveBack(code), _) => debt(receipt).map(|debt| Judged::GiveBack(debt, code)),
            (Redemption::Serve, _) => {
                let intent = receipt.claims.intent.ok_or_else(|| Problem::new(Code::ReceiptMismatch))?;
                let by = Consumed { receipt: receipt.id, issuer: receipt.issuer.clone(), intent, request };
                let (decided_at, receipt) = (receipt.claims.decided_at, credential.receipt.clone());
                let working_until = self.working_until();
                let sale = Sale { offer: offer.id, by, decided_at, receipt, goods: None, working_until };
                Ok(Judged::Serve(Box::new(sale)))
            }
        }
    }

    /// An offer that is not known may be one that was forgotten. [FLW-12]
    fn judge_unknown(&self, credential: &Credential) -> Result<Judged, Problem> {
        let unknown = |_| Problem::new(Code::OfferUnknown);
        let receipt = self.till.read_receipt(&credential.receipt).map_err(unknown)?;
        match redeem_unknown(&credential.offer, &receipt, &credential.secret)? {
            Redemption::GiveBack(code) if self.desks.reaches(&receipt.issuer) => {
                debt(receipt).map(|debt| Judged::GiveBack(debt, code))
            }
            _ => Err(Problem::new(Code::OfferUnknown)),
        }
    }

    /// What was given, with a signed word about it. [RCT-16]
    fn goods(&self, sale: &Sale, status: u16, headers: Vec<(String, String)>, body: &[u8]) -> Result<Goods, Problem> {
        let delivery = Delivery {
            merchant: self.till.identity.id.clone(),
            issued_at: self.till.clock.now(),
            offer: sale.offer,
            intent: sale.by.intent,
            state: delivered(status),
            digest: Digest(Sha256::digest(body).into()),
        };
        let delivery = self.till.identity.sign(&delivery).map_err(internal)?;
        Ok(Goods { status, headers, body: body.to_vec(), delivery })
    }

    /// Until when nobody else makes what is begun now.
    fn working_until(&self) -> purser_protocol::time::UnixSeconds {
        self.till.clock.now().saturating_add(self.work_seconds + GRACE_SECONDS)
    }
}

/// A refusal after the payment is no delivery.
fn delivered(status: u16) -> DeliveryState {
    if status < 400 { DeliveryState::Delivered } else { DeliveryState::Not }
}

/// What is kept of an answer: status, fields, body.
type Whole = (u16, Vec<(String, String)>, Bytes);

/// Fields that are made anew with each answer, or that a shop has no say in.
const NOT_KEPT: [&str; 7] = [
    "connection",
    "content-length",
    "date",
    "transfer-encoding",
    "cache-control",
    "payment-receipt",
    "purser-delivery",
];

async fn whole(response: Response) -> Result<Whole, String> {
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, GOODS_BYTES_MAX).collect().await.map_err(|error| error.to_string())?.to_bytes();
    let kept = |(name, value): (&HeaderName, &HeaderValue)| {
        let name = name.as_str().to_owned();
        (!NOT_KEPT.contains(&name.as_str())).then_some(())?;
        Some((name, value.to_str().ok()?.to_owned()))
    };
    Ok((parts.status.as_u16(), parts.headers.iter().filter_map(kept).collect(), body))
}

/// What must go back of a payment. Money that is still held was never ours.
fn debt(receipt: VerifiedReceipt) -> Result<Debt, Problem> {
    let claims = receipt.claims;
    let (Some(intent), Some(amount), Some(currency)) = (claims.intent, claims.amount, claims.currency) else {
        return Err(Problem::new(Code::ReceiptMismatch));
    };
    Ok(Debt { issuer: receipt.issuer, intent, amount, currency, held: claims.outcome == Outcome::Authorized })
}

/// What was paid for. The same bytes each time. [HTB-35]
fn respond(sale: Sale) -> Result<Response, Problem> {
    let goods = sale.goods.ok_or_else(|| Problem::new(Code::OutcomeUnknown))?;
    let status = StatusCode::from_u16(goods.status).map_err(internal)?;
    let mut fields = HeaderMap::new();
    for (name, value) in &goods.headers {
        fields.append(
            HeaderName::try_from(name.as_str()).map_err(internal)?,
            HeaderValue::from_str(value).map_err(internal)?,
        );
    }
    let mut response = (status, goods.body).into_response();
    let headers = response.headers_mut();
    if let Some(media) = fields.remove(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, media);
    }
    headers.extend(fields);
    headers.insert(CACHE_CONTROL, PRIVATE);
    // It says success, and nothing else. [HTB-35]
    if delivered(goods.status) == DeliveryState::Delivered {
        let taken = PaymentTaken { intent: sale.by.intent, at: sale.decided_at }.header_value();
        headers.insert(http::PAYMENT_RECEIPT, HeaderValue::from_str(&taken).map_err(internal)?);
    }
    let delivery = HeaderValue::from_str(&base64url::encode(&goods.delivery)).map_err(internal)?;
    headers.insert(http::PURSER_DELIVERY, delivery);
    Ok(response)
}

/// Nobody knows what is in the store. [HTB-16]
fn unknown(error: impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "whether something was delivered is not known");
    Problem::new(Code::OutcomeUnknown)
}

pub(crate) fn internal(error: impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "the merchant failed");
    Problem::new(Code::Internal)
}
