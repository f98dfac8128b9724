//! What changes something: a paper comes in, a signed answer goes out.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use purser_protocol::bind::base64url;
use purser_protocol::bind::http::{self, AnswerBody};
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::field::{decoded, encoded};
use purser_protocol::flow::issuer::{BatchRequest, OpenedPayment, PaymentRequest, Resource};
use purser_protocol::id::{AccountId, PaperId};
use purser_protocol::ledger::Command;
use purser_protocol::ledger::state::Payment;
use purser_protocol::paper::intent::Intent;
use purser_protocol::receipt::{Claims, Detail, Outcome};
use purser_protocol::sign::paper::id;
use purser_protocol::sign::{Frame, Kind, Signed, SignerName};
use tokio::sync::oneshot;

use super::Issuer;
use super::checkers::Turn;
use crate::lookup;
use crate::random::random;
use crate::reply::{Problem, Refused};
use crate::store::Answered;
use crate::writer::{Job, Reply};

/// A paper, whatever the parameters.
const COSE: &str = "application/cose";
/// Places in the writer's queue that payments leave to other commands.
const PLACES_KEPT: usize = 64;
/// Receipts are for the one who asked. [HTB-9]
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-store");

/// `POST /v1/accounts`
pub(super) async fn enrol(
    State(issuer): State<Arc<Issuer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    media_type(&headers, COSE)?;
    let answered = issuer.take(Resource::Accounts, &headers, body).await?;
    let made = answered.made.clone(); // [SIG-26]
    let mut response = answer(answered)?;
    if let Some(credential) = made.and_then(|paper| HeaderValue::from_str(&base64url::encode(&paper)).ok()) {
        response.headers_mut().insert(http::PURSER_CREDENTIAL, credential);
    }
    Ok(response)
}

/// `POST /v1/mandates`
pub(super) async fn mandate(
    State(issuer): State<Arc<Issuer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    media_type(&headers, COSE)?;
    answer(issuer.take(Resource::Mandates, &headers, body).await?)
}

/// `POST /v1/confirmations`
pub(super) async fn confirmation(
    State(issuer): State<Arc<Issuer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    media_type(&headers, COSE)?;
    answer(issuer.take(Resource::Confirmations, &headers, body).await?)
}

/// `POST /v1/commands`: the `typ` says what the paper is.
pub(super) async fn command(
    State(issuer): State<Arc<Issuer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    media_type(&headers, COSE)?;
    let kind = Kind::of(&body);
    let mut response = answer(issuer.take(Resource::Commands, &headers, body).await?)?;
    if kind == Some(Kind::Cancel) {
        // Whatever came to light, that is what was asked for. [CMD-26]
        *response.status_mut() = StatusCode::OK;
    }
    Ok(response)
}

/// `POST /v1/batches`
pub(super) async fn batch(
    State(issuer): State<Arc<Issuer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    media_type(&headers, http::BATCH)?;
    if let Ok(request) = BatchRequest::read(&body) {
        issuer.passkeys.admit_paper(request.batch, &headers, issuer.clock.now())?; // [WAL-50]
    }
    let opens = Arc::clone(&issuer);
    let bytes = body.clone();
    let command = issuer
        .check(Turn::First, move || {
            let keys = opens.keys.read().map_err(|_| Fault::new(Code::Internal))?;
            opens.desk().open_batch(&bytes, &*keys)
        })
        .await?;
    answer(issuer.decide(command, body.to_vec()).await?)
}

/// `POST /v1/intents`
pub(super) async fn pay(
    State(issuer): State<Arc<Issuer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    media_type(&headers, http::PAYMENT_REQUEST)?;
    answer(issuer.pay(&headers, body).await?)
}

/// A payment, opened as far as it must be.
enum Opened {
    /// It has its outcome.
    Known(PaperId),
    /// It is to be decided.
    New(Box<OpenedPayment>),
}

impl Issuer {
    /// Opens a paper and has it decided.
    async fn take(self: &Arc<Self>, resource: Resource, headers: &HeaderMap, body: Bytes) -> Result<Answered, Problem> {
        self.passkeys.admit_paper(&body, headers, self.clock.now())?; // [WAL-50]
        let fresh = AccountId(random().map_err(|_| Problem::new(Code::Internal))?);
        let issuer = Arc::clone(self);
        let bytes = body.clone();
        let command = self
            .check(Turn::First, move || {
                let keys = issuer.keys.read().map_err(|_| Fault::new(Code::Internal))?;
                issuer.desk().open_posted(resource, &bytes, &*keys, fresh)
            })
            .await?;
        // A merchant that cancels is told no more of the payer's reasons than it was told by the refusal. [RCT-14]
        let is_told = !matches!(&command, Command::Cancel(order) if !order.is_payers);
        let answered = self.decide(command, body.to_vec()).await?;
        Ok(Answered { detail: answered.detail.filter(|_| is_told), ..answered })
    }

    /// Opens a payment, registers what comes with it, and has it decided.
    async fn pay(self: &Arc<Self>, headers: &HeaderMap, body: Bytes) -> Result<Answered, Problem> {
        let _under_way = self.under_way.enter();
        let signer = signer(&body);
        // An agent that is over its rate costs no signature; but nobody is charged for what another signed.
        signer.map_or(Ok(()), |signer| self.agents.has(&signer, self.started.elapsed())).map_err(over_rate)?;
        let issuer = Arc::clone(self);
        let bytes = body.clone();
        // [AUT-11]
        let opened = self.check(Turn::Payment, move || issuer.open_payment(&bytes)).await?;
        signer.map_or(Ok(()), |signer| self.agents.take(signer, self.started.elapsed())).map_err(over_rate)?;
        let opened = match opened {
            Opened::Known(intent) => return self.stored(intent).await,
            Opened::New(opened) => *opened,
        };
        // What the person signed comes to an issuer that has not seen it: it is taken as if it came by itself. [WAL-50]
        let confirmation = PaymentRequest::read(&body).ok().and_then(|request| request.confirmation);
        let signed = opened.mandates.iter().map(|mandate| &mandate.bytes()[..]).chain(confirmation);
        let now = self.clock.now();
        for paper in signed {
            self.passkeys.admit_paper(paper, headers, now)?;
        }
        // [AUT-8]
        for mandate in opened.mandates {
            let evidence = mandate.bytes().to_vec();
            let registered = self.decide(Command::Register(Box::new(mandate)), evidence).await?;
            // A mandate that is refused ends the payment with its own refusal.
            if claims_of(&registered)?.outcome == Outcome::Refused {
                return Ok(registered);
            }
        }
        self.decide(Command::Pay(Box::new(opened.order)), body.to_vec()).await
    }

    fn open_payment(&self, bytes: &[u8]) -> Result<Opened, Fault> {
        let request = PaymentRequest::read(bytes)?;
        let keys = self.keys.read().map_err(|_| Fault::new(Code::Internal))?;
        let opened = self.desk().open_payment(
            &request,
            &*keys,
            |account, merchant| self.pseudonym(account, merchant),
            |mandate| keys.account_of(mandate),
        );
        // Whoever publishes a batch has the ledger and wants the keys: nobody may have the keys and want the ledger.
        drop(keys);
        // The writer finds out whether an intent is known; here it matters only where nothing would come to it, or
        // something else before it.
        let is_plain = opened.as_ref().is_ok_and(|opened| opened.mandates.is_empty());
        if !is_plain && self.is_decided(&request)? {
            // A known intent gets its outcome whatever has become of the rest of its message. [AUT-10]
            let keys = self.keys.read().map_err(|_| Fault::new(Code::Internal))?;
            return self.desk().intent_id(&request, &*keys).map(Opened::Known);
        }
        opened.map(Box::new).map(Opened::New)
    }

    /// Whether the intent of a request has its outcome.
    fn is_decided(&self, request: &PaymentRequest<'_>) -> Result<bool, Fault> {
        let Ok(id) = Frame::read(request.intent).map(|frame| id(frame.protected, frame.payload)) else {
            return Ok(false);
        };
        let internal = |_| Fault::new(Code::Internal);
        let ledger = self.ledger.read().map_err(|_| Fault::new(Code::Internal))?;
        let waits = ledger.state().payments.get(&id).is_some_and(|payment| matches!(payment, Payment::Pending(_)));
        drop(ledger);
        let mut reader = self.reader.lock().map_err(|_| Fault::new(Code::Internal))?;
        Ok(!waits && !lookup::told(reader.as_mut(), &id).map_err(internal)?.is_empty())
    }

    /// Runs a check on a thread for that, when it is its turn.
    pub(super) async fn check<T: Send + 'static>(
        self: &Arc<Self>,
        turn: Turn,
        check: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Problem> {
        let checked = self.checkers.run(turn, check).await;
        checked.ok_or_else(|| Problem::new(Code::Internal))?.map_err(Problem::new)
    }

    /// Has a command decided and stored, and gives its answer out of the store.
    async fn decide(self: &Arc<Self>, command: Command, evidence: Vec<u8>) -> Result<Answered, Problem> {
        let (reply, answer) = oneshot::channel();
        let job = Job { command, evidence, reply };
        // What stops money from moving still finds a place when payments do not. [HTB-26] [HTB-36]
        if matches!(job.command, Command::Pay(_)) && self.jobs.capacity() < PLACES_KEPT {
            return Err(Problem::new(Code::Overloaded));
        }
        self.jobs.try_send(job).map_err(|_| Problem::new(Code::Overloaded))?;
        match answer.await {
            Ok(Reply::NotDecided(fault)) => Err(Problem::new(fault)),
            Ok(Reply::Stored(paper)) => self.stored(paper).await,
            Ok(Reply::Decided(answered)) => Ok(*answered),
            // The writer is gone; whether it was decided, only the store knows.
            Err(_) => Err(Problem::new(Code::Internal)), // [AUT-14] [HTB-30]
        }
    }

    /// The answer to a paper that has one.
    pub(super) async fn stored(self: &Arc<Self>, paper: PaperId) -> Result<Answered, Problem> {
        let issuer = Arc::clone(self);
        let found = tokio::task::spawn_blocking(move || {
            let mut reader = issuer.reader.lock().map_err(|_| Code::Internal)?;
            reader.answer(&paper).map_err(|error| {
                tracing::error!(%error, "an answer cannot be read");
                Code::Internal
            })
        });
        let found = found.await.map_err(|_| Problem::new(Code::Internal))?.map_err(Problem::new)?;
        found.ok_or_else(|| Problem::new(Code::NotFound))
    }
}

/// The signed answer, with the status of what it says. [HTB-5]
pub(super) fn answer(answered: Answered) -> Result<Response, Problem> {
    let claims = claims_of(&answered)?;
    let code = match &answered.detail {
        Some(detail) => decoded::<Detail>(detail).ok().and_then(|detail| detail.code.code()),
        None => claims.code.and_then(|code| code.code()),
    };
    let body = AnswerBody { receipt: &encoded(&answered.receipt), detail: answered.detail.as_deref() }.write();
    let status = match (claims.outcome, code) {
        (Outcome::Pending, _) => StatusCode::ACCEPTED,
        // To the one who cancelled it this is success; to the intent itself it is not. [CMD-11]
        (Outcome::Refused | Outcome::Cancelled, Some(code)) => {
            StatusCode::from_u16(code.status()).unwrap_or(StatusCode::FORBIDDEN)
        }
        _ => StatusCode::OK,
    };
    let headers = [(CONTENT_TYPE, HeaderValue::from_static(http::ANSWER)), (CACHE_CONTROL, PRIVATE)];
    let mut response = (status, headers, body).into_response();
    if claims.outcome == Outcome::Pending {
        let place = claims.intent.and_then(|intent| HeaderValue::from_str(&format!("/v1/intents/{intent}")).ok());
        response.headers_mut().extend(place.map(|place| (LOCATION, place)));
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if let (Outcome::Refused, Some(code)) = (claims.outcome, code) {
        response.extensions_mut().insert(Refused(code));
    }
    Ok(response)
}

pub(super) fn claims_of(answered: &Answered) -> Result<Claims, Problem> {
    answered.receipt.read_claims().map_err(|_| Problem::new(Code::Internal))
}

/// Who says to have signed the intent of a payment.
fn signer(body: &[u8]) -> Option<SignerName> {
    let request = PaymentRequest::read(body).ok()?;
    Signed::<Intent>::read(request.intent).ok().map(|intent| intent.header.signer)
}

/// [HTB-27]
fn over_rate(wait: Duration) -> Problem {
    Problem::new(Code::RateLimited).retry_after(wait)
}

/// The media type that a resource takes, whatever its parameters. [HTB-25]
pub(super) fn media_type(headers: &HeaderMap, expected: &str) -> Result<(), Problem> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let given = given.split(';').next().unwrap_or_default().trim();
    if given.eq_ignore_ascii_case(expected) {
        Ok(())
    } else {
        Err(Problem::new(Code::MediaType).member("expected", expected))
    }
}
