//! The answer to a request for something that has a price.
//!
//! Without a payment it is an offer. With one it is what was paid for, or why not; never a demand to pay again.
//! [FLW-9]

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use purser_protocol::bind::base64url;
use purser_protocol::bind::http::{self, Challenge, Credential, PaymentTaken};
use purser_protocol::code::Code;
use purser_protocol::flow::merchant::{
    Consumed, OfferMade, OfferState, Redemption, Request, VerifiedReceipt, redeem, redeem_unknown,
};
use purser_protocol::id::{Digest, Nonce, PaperId};
use purser_protocol::paper::delivery::{Delivery, DeliveryState};
use purser_protocol::receipt::Outcome;
use purser_protocol::sign::Frame;
use purser_protocol::sign::paper::id;
use sha2::{Digest as _, Sha256};

use super::Merchant;
use super::config::Product;
use super::debts::{Debt, Standing};
use super::keeper::NotWritten;
use super::offers::{Made, Sale};
use crate::random::random;
use crate::reply::{NO_STORE, Problem, Refused};
use crate::serve::Authority;

/// Paid answers are for the one who paid. [HTB-35]
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-store");

/// How often a receipt is judged: a second time when another request was quicker than it.
const LOOKS: usize = 2;

/// Answers a request for the products of one path.
pub(super) async fn sell(
    State(merchant): State<Arc<Merchant>>,
    products: Arc<[Arc<Product>]>,
    method: Method,
    uri: Uri,
    Extension(Authority(authority)): Extension<Authority>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let Some(product) = products.iter().find(|product| product.method == method) else {
        return Err(not_allowed(&products));
    };
    let asked = Asked {
        method: method.to_string(),
        authority,
        target: uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        body: Sha256::digest(&body).into(),
    };
    let credential = match headers.get(AUTHORIZATION) {
        Some(value) => Credential::read(value.as_bytes()).map_err(Problem::new)?,
        None => None,
    };
    match credential {
        Some(credential) => merchant.take(product, asked, credential).await,
        None => merchant.offer(product, asked).await,
    }
}

/// A request, as offers are bound to it.
struct Asked {
    method: String,
    authority: String,
    target: String,
    body: [u8; 32],
}

impl Asked {
    fn digest(&self, salt: Nonce) -> Digest {
        let Self { method, authority, target, body } = self;
        Request { method, authority, target, body: *body }.digest(salt)
    }
}

/// What a receipt is worth.
enum Judged {
    /// This, once it is consumed.
    Serve(Box<Sale>),
    /// The answer that was given before. [HTB-17]
    Repeat(Box<Sale>),
    /// Its money back, and then a refusal.
    GiveBack(Debt, Code),
}

impl Merchant {
    /// Makes an offer, keeps it, and then asks for the money. [HTB-10] [INT-22]
    async fn offer(self: Arc<Self>, product: &Arc<Product>, asked: Asked) -> Result<Response, Problem> {
        let (merchant, product) = (Arc::clone(&self), Arc::clone(product));
        let (paper, made) = self.aside(move || merchant.make(&product, &asked)).await?;
        let challenge = Challenge::new(made.offer.id, &made.offer.offer, Some(made.salt));
        let challenge = HeaderValue::from_str(&challenge.header_value()).map_err(internal)?;

        let (now, bounds) = (self.till.clock.now(), self.bounds);
        match self.till.keeper.write_if_idle(move |offers| offers.keep(&made, now, bounds)).await {
            Ok(true) => {}
            Ok(false) | Err(NotWritten::Full) => return Err(Problem::new(Code::Overloaded)), // [HTB-26]
            Err(NotWritten::Failed) => return Err(Problem::new(Code::Internal)),
        }
        let headers = [
            (WWW_AUTHENTICATE, challenge),
            (CONTENT_TYPE, HeaderValue::from_static(http::PAPER)),
            (CACHE_CONTROL, NO_STORE), // [HTB-18]
        ];
        let mut response = (StatusCode::PAYMENT_REQUIRED, headers, paper).into_response();
        response.extensions_mut().insert(Refused(Code::PaymentRequired));
        Ok(response)
    }

    fn make(&self, product: &Product, asked: &Asked) -> Result<(Vec<u8>, Made), Problem> {
        let salt = Nonce(random().map_err(internal)?); // [INT-9]
        let nonce = Nonce(random().map_err(internal)?); // [INT-5]
        let offer = product.offer(self.till.clock.now(), nonce, asked.digest(salt));
        let offer = offer.ok_or_else(|| Problem::new(Code::Internal))?;
        let paper = self.till.identity.sign_with_chain(&offer).map_err(internal)?;
        let frame = Frame::read(&paper).map_err(internal)?;
        let id = id(frame.protected, frame.payload);
        Ok((paper, Made { offer: OfferMade { id, offer, state: OfferState::Open }, salt }))
    }

    /// Checks a receipt offline, consumes its offer once, serves.
    async fn take(
        self: Arc<Self>,
        product: &Arc<Product>,
        asked: Asked,
        credential: Credential,
    ) -> Result<Response, Problem> {
        let shown = Arc::new((asked, credential));
        for _ in 0..LOOKS {
            let (merchant, product, shown) = (Arc::clone(&self), Arc::clone(product), Arc::clone(&shown));
            match self.aside(move || merchant.judge(&product, &shown.0, &shown.1)).await? {
                Judged::Repeat(sale) => return respond(*sale),
                Judged::GiveBack(debt, code) => return Err(self.give_back(debt, code).await),
                Judged::Serve(sale) => {
                    let consumed = sale.clone();
                    // What is served is in the same row, so that no crash comes between the two. [FLW-6]
                    let written = self.till.keeper.write(move |offers| offers.consume(&consumed)).await;
                    if written.map_err(unknown)? {
                        return respond(*sale);
                    }
                }
            }
        }
        Err(Problem::new(Code::OutcomeUnknown))
    }

    /// Judges what was shown, in the order of the clauses. [HTB-11]
    fn judge(&self, product: &Product, asked: &Asked, credential: &Credential) -> Result<Judged, Problem> {
        let found = self.till.look(|offers| offers.find(&credential.offer)).map_err(unknown)?;
        let Some(Made { offer, salt }) = found else { return self.judge_unknown(credential) };
        if !credential.echoes(&Challenge::new(offer.id, &offer.offer, Some(salt))) {
            return Err(Problem::new(Code::CredentialMalformed)); // [HTB-33] [HTB-38]
        }
        let receipt = self.till.read_receipt(&credential.receipt)?; // [FLW-5]
        let request = asked.digest(salt);
        match (redeem(&offer, &receipt, &credential.secret, &request, self.till.clock.now())?, &offer.state) {
            (Redemption::Repeat, OfferState::Consumed(by)) => {
                let sale = self.till.look(|offers| offers.sale(&offer.id, by)).map_err(unknown)?;
                sale.map(Box::new).map(Judged::Repeat).ok_or_else(|| Problem::new(Code::OutcomeUnknown))
            }
            (Redemption::Repeat, _) => Err(Problem::new(Code::Internal)),
            (Redemption::GiveBack(code), _) => debt(receipt).map(|debt| Judged::GiveBack(debt, code)),
            (Redemption::Serve, _) => {
                let intent = receipt.claims.intent.ok_or_else(|| Problem::new(Code::ReceiptMismatch))?;
                let by = Consumed { receipt: receipt.id, issuer: receipt.issuer.clone(), intent, request };
                self.serve(product, offer.id, by, &receipt, credential).map(Box::new).map(Judged::Serve)
            }
        }
    }

    /// An offer that is not known may be one that was forgotten. [FLW-12]
    fn judge_unknown(&self, credential: &Credential) -> Result<Judged, Problem> {
        let unknown = |_| Problem::new(Code::OfferUnknown);
        let receipt = self.till.read_receipt(&credential.receipt).map_err(unknown)?;
        match redeem_unknown(&credential.offer, &receipt, &credential.secret)? {
            Redemption::GiveBack(code) if self.refunds.reaches(&receipt.issuer) => {
                debt(receipt).map(|debt| Judged::GiveBack(debt, code))
            }
            _ => Err(Problem::new(Code::OfferUnknown)),
        }
    }

    fn serve(
        &self,
        product: &Product,
        offer: PaperId,
        by: Consumed,
        receipt: &VerifiedReceipt,
        credential: &Credential,
    ) -> Result<Sale, Problem> {
        let body = product.body.clone().into_bytes();
        let delivery = Delivery {
            merchant: self.till.identity.id.clone(),
            issued_at: self.till.clock.now(),
            offer,
            intent: by.intent,
            state: DeliveryState::Delivered,
            digest: Digest(Sha256::digest(&body).into()), // [RCT-16]
        };
        let delivery = self.till.identity.sign(&delivery).map_err(internal)?;
        let (decided_at, receipt) = (receipt.claims.decided_at, credential.receipt.clone());
        Ok(Sale { offer, by, decided_at, receipt, delivery, body })
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
        let standing = self.till.look_aside(move |offers| offers.debt(&issuer, &intent)).await.map_err(unknown)?;
        if let Some(standing) = standing {
            return Ok(standing);
        }
        let owed = self.till.pay_back(debt).map_err(internal)?;
        self.till.keeper.write(move |offers| offers.owe(&owed)).await.map_err(unknown)?;
        self.refunds.wake(&debt.issuer);
        Ok(Standing::Open)
    }

    /// Works on a thread that may block, when there is room for it.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let _place = self.signing.acquire().await.map_err(|_| Problem::new(Code::Overloaded))?;
        tokio::task::spawn_blocking(work).await.map_err(|_| Problem::new(Code::Internal))?
    }
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
    let taken = PaymentTaken { intent: sale.by.intent, at: sale.decided_at }.header_value();
    let mut response = (StatusCode::OK, sale.body).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, PRIVATE);
    headers.insert(http::PAYMENT_RECEIPT, HeaderValue::from_str(&taken).map_err(internal)?);
    let delivery = HeaderValue::from_str(&base64url::encode(&sale.delivery)).map_err(internal)?;
    headers.insert(http::PURSER_DELIVERY, delivery);
    Ok(response)
}

/// HEAD too: its answer would have no content, and an offer would have been made for nothing. [HTB-29]
fn not_allowed(products: &[Arc<Product>]) -> Problem {
    let methods: Vec<&str> = products.iter().map(|product| product.method.as_str()).collect();
    let problem = Problem::new(Code::MethodNotAllowed);
    match HeaderValue::from_str(&methods.join(", ")) {
        Ok(methods) => problem.header(ALLOW, methods),
        Err(_) => problem,
    }
}

/// Nobody knows what is in the store. [HTB-16]
fn unknown(error: impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "whether something was delivered is not known");
    Problem::new(Code::OutcomeUnknown)
}

fn internal(error: impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "the merchant failed");
    Problem::new(Code::Internal)
}
