//! The offer of a session, or of a further hold for one, and the receipt that takes it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use purser_merchant::{Asked, StoreError};
use purser_protocol::bind::http::{self, Challenge, Credential};
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::flow::merchant::{
    Consumed, OfferMade, OfferState, Redemption, VerifiedReceipt, redeem, redeem_unknown, verify_receipt,
};
use purser_protocol::id::{Digest, Nonce, PaperId};
use purser_protocol::paper::offer::Offer;
use purser_protocol::sign::Frame;
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::sign::paper::id;
use purser_protocol::time::UnixSeconds;
use purser_protocol::token::seller::{Opened, Record, Session, opened};

use super::account::{known, live, shown};
use super::book::{Book, Made, Taking};
use super::desk::Live;
use super::{Seller, internal};
use crate::random::random;
use crate::reply::{NO_STORE, Problem, Refused};

/// A request that an offer can be bound to, and the payment that it shows, if any.
pub(super) struct Call {
    pub(super) asked: Asked,
    pub(super) payment: Option<Credential>,
    pub(super) headers: HeaderMap,
}

impl<S: Send + Sync> FromRequest<S> for Call {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let whole = Request::from_parts(parts.clone(), body);
        let body = Bytes::from_request(whole, state).await.map_err(IntoResponse::into_response)?;
        let no = |fault: Fault| Problem::new(fault).into_response();
        let asked = Asked::of(&parts, &body).map_err(no)?;
        let payment = purser_merchant::shown(&parts.headers).map_err(no)?;
        Ok(Self { asked, payment, headers: parts.headers })
    }
}

/// `POST /v1/sessions`: an offer, or with a receipt the session.
pub(super) async fn session(State(seller): State<Arc<Seller>>, call: Call) -> Result<Response, Problem> {
    let Call { asked, payment, .. } = call;
    match payment {
        None => seller.ask(&asked, None).await,
        Some(credential) => {
            let (taking, opened) = match seller.judge(&asked, &credential, None).await? {
                Judged::Takes(taking, opened) => (taking, opened),
                Judged::Again(offer) => {
                    let live = known(&seller.desk.sessions, Some(offer)).await?;
                    return Ok(shown(&live));
                }
            };
            let first = Record::Opened(opened);
            let (_, live) = seller.desk.sessions.begin(taking, first).await?;
            Ok(shown(&live))
        }
    }
}

/// `POST /v1/sessions/{id}/holds`: an offer that goes on with the session, or with a receipt the further hold.
pub(super) async fn hold(
    State(seller): State<Arc<Seller>>,
    Path(id): Path<String>,
    call: Call,
) -> Result<Response, Problem> {
    let Call { asked, payment, .. } = call;
    let live = live(&seller, &id).await?;
    match payment {
        None => seller.ask(&asked, Some(live.id)).await,
        Some(credential) => match seller.judge(&asked, &credential, Some(&live)).await? {
            Judged::Again(_) => Ok(shown(&live)),
            Judged::Takes(taking, opened) => {
                live.continue_with(taking, |session| session.top_up(*opened)).await?;
                Ok(shown(&live))
            }
        },
    }
}

/// A receipt that was judged.
pub(super) struct Checked {
    pub(super) made: OfferMade,
    pub(super) receipt: VerifiedReceipt,
    pub(super) request: Digest,
    pub(super) judged: Redemption,
    pub(super) now: UnixSeconds,
}

enum Judged {
    /// It takes the offer, once that is consumed.
    Takes(Taking, Box<Opened>),
    /// It took this offer before.
    Again(PaperId),
}

impl Seller {
    async fn ask(&self, asked: &Asked, continues: Option<PaperId>) -> Result<Response, Problem> {
        let offer = |now, nonce, resource| self.terms.offer(now, nonce, resource, continues);
        self.demand(asked, offer, |book, made, now| book.offer(made, now)).await
    }

    /// Makes an offer, keeps it, and then asks for the money. [HTB-10] [INT-22]
    pub(super) async fn demand(
        &self,
        asked: &Asked,
        offer: impl FnOnce(UnixSeconds, Nonce, Digest) -> Option<Offer>,
        keep: impl FnOnce(&mut Book, &Made, u64) -> Result<Result<(), Code>, StoreError> + Send + 'static,
    ) -> Result<Response, Problem> {
        let (salt, nonce) = (Nonce(random().map_err(internal)?), Nonce(random().map_err(internal)?));
        let now = self.clock.now();
        let offer = offer(now, nonce, asked.digest(salt)).ok_or_else(|| Problem::new(Code::Internal))?;
        let paper = self.identity.sign_with_chain(&offer).map_err(internal)?;
        let frame = Frame::read(&paper).map_err(internal)?;
        let id = id(frame.protected, frame.payload);
        let made = Made { offer: OfferMade { id, offer, state: OfferState::Open }, salt };
        let challenge = Challenge::new(id, &made.offer.offer, Some(salt));
        let challenge = HeaderValue::from_str(&challenge.header_value()).map_err(internal)?;
        self.desk.book(move |book| keep(book, &made, now.get())).await?.map_err(Problem::new)?;
        let headers = [
            (WWW_AUTHENTICATE, challenge),
            (CONTENT_TYPE, HeaderValue::from_static(http::PAPER)),
            (CACHE_CONTROL, NO_STORE), // [HTB-18]
        ];
        let mut response = (StatusCode::PAYMENT_REQUIRED, headers, paper).into_response();
        response.extensions_mut().insert(Refused(Code::PaymentRequired));
        Ok(response)
    }

    /// Judges what was shown, in the order of the clauses. [HTB-11]
    pub(super) async fn check(&self, asked: &Asked, shown: &Credential) -> Result<Checked, Problem> {
        let found = self.desk.offer(shown.offer).await?;
        let Some(Made { offer: made, salt }) = found else { return Err(self.give_back_unknown(shown).await) };
        if !shown.echoes(&Challenge::new(made.id, &made.offer, Some(salt))) {
            return Err(Problem::new(Code::CredentialMalformed)); // [HTB-33]
        }
        let receipt = verify_receipt(&shown.receipt, self.identity.context(), &AwsLc, &self.register)?; // [FLW-5]
        let (request, now) = (asked.digest(salt), self.clock.now());
        let judged = redeem(&made, &receipt, &shown.secret, &request, now)?;
        Ok(Checked { made, receipt, request, judged, now })
    }

    /// The same, of an offer of a session or of a further hold. [TOK-19]
    async fn judge(
        &self,
        asked: &Asked,
        shown: &Credential,
        of: Option<&Arc<Live<Session>>>,
    ) -> Result<Judged, Problem> {
        let Checked { made, receipt, request, judged, now } = self.check(asked, shown).await?;
        match judged {
            Redemption::Repeat => Ok(Judged::Again(made.id)),
            Redemption::GiveBack(code) => Err(self.refuse_and_owe(&receipt, code).await),
            Redemption::Serve => {
                let opened = opened(made.id, &made.offer, &receipt.claims, now)?;
                // What cannot go on with this session is not taken for it.
                of.map_or(Ok(()), |live| live.look(|session| session.top_up(opened.clone())).map(drop))?;
                Ok(Judged::Takes(taking(made.id, &receipt, request)?, Box::new(opened)))
            }
        }
    }

    /// An offer that is not known may be one that was forgotten. [FLW-12]
    async fn give_back_unknown(&self, shown: &Credential) -> Problem {
        let receipt = verify_receipt(&shown.receipt, self.identity.context(), &AwsLc, &self.register);
        let Ok(receipt) = receipt else { return Problem::new(Code::OfferUnknown) };
        match redeem_unknown(&shown.offer, &receipt, &shown.secret) {
            Ok(_) => self.refuse_and_owe(&receipt, Code::OfferUnknown).await,
            Err(fault) => Problem::new(fault),
        }
    }
}

pub(super) fn taking(offer: PaperId, receipt: &VerifiedReceipt, request: Digest) -> Result<Taking, Problem> {
    let claims = &receipt.claims;
    let (Some(intent), Some(secret_hash)) = (claims.intent, claims.secret_hash) else {
        return Err(Problem::new(Code::ReceiptMismatch));
    };
    let by = Consumed { receipt: receipt.id, issuer: receipt.issuer.clone(), intent, request };
    Ok(Taking { offer, by, secret_hash, payer: None })
}
