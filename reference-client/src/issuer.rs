//! The issuer's API: what is sent, what comes back, and that it answers what was asked.

mod answer;
mod device;
mod directory;
mod discovery;
mod log;
mod problem;
mod view;
mod wallet;

use std::sync::Arc;
use std::time::Duration;

use hyper::Method;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use purser_protocol::bind::base64url;
use purser_protocol::bind::http::{ANSWER, PAPER, PAYMENT_REQUEST, PURSER_CREDENTIAL, PURSER_PROOF, RECEIPT};
use purser_protocol::cert::Role;
use purser_protocol::code::Code;
use purser_protocol::flow::issuer::PaymentRequest;
use purser_protocol::flow::merchant::VerifiedReceipt;
use purser_protocol::id::{AccountId, PaperId, PartyId, Text};
use purser_protocol::paper::command::{Enrolment, Proof};
use purser_protocol::paper::credential::{Credential, Pseudonym};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::status::Status;
use purser_protocol::sign::paper::id as paper_id;
use purser_protocol::sign::{Frame, Kind, Paper, PublicKey, Signer, Verified, sign};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::clock::{Clock, nonce};
use crate::connect::{Connector, Request, Response, Url};
use crate::error::{Class, Error, Result};
use crate::trust::Trust;

pub use answer::{Decision, Question};
pub use device::{Asking, Heard};
pub use directory::{Search, ServiceView};
pub use discovery::{Discovery, sandbox_clock};
pub use problem::Problem;
pub(crate) use view::parse_hex;
pub use view::{AccountView, MandateView, Money, PaymentView, PendingView, parse_id};
pub use wallet::Parts;

/// Longest that an issuer is asked to hold an answer back.
pub const WAIT_SECONDS_MAX: u64 = 20;

/// An issuer, as its clients know it.
pub struct Issuer {
    /// Its name.
    pub id: PartyId,
    /// Where it is.
    pub url: Url,
    /// How it is reached.
    pub connector: Arc<Connector>,
    /// Whom to believe.
    pub trust: Arc<Trust>,
    /// The time.
    pub clock: Clock,
}

/// What comes of asking for a payment.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A signed answer to this very intent.
    Decided(Box<Decision>),
    /// It says that it decided nothing.
    NotDecided(Problem),
    /// It has no such intent.
    NotFound,
    /// Nothing that could be believed came. The intent may be decided.
    NoAnswer {
        /// What came in its place.
        error: Error,
        /// How long the one who answered wants to be left alone.
        retry_after: Option<Duration>,
    },
}

/// An account that was opened, or a key that was added to one.
#[derive(Clone, Debug)]
pub struct Enrolled {
    /// The account.
    pub account: AccountId,
    /// The credential's bytes.
    pub credential: Vec<u8>,
    /// The receipt.
    pub decision: Decision,
}

impl Issuer {
    /// Opens an account for a key, or, with an account, adds `key` to it by the word of a key that it has.
    pub async fn enrol(&self, signer: &dyn Signer, key: PublicKey, account: Option<AccountId>) -> Result<Enrolled> {
        let enrolment = Enrolment {
            account,
            issuer: self.id.clone(),
            issued_at: self.clock.now(),
            nonce: nonce()?,
            key: purser_protocol::field::KeyHolder(key),
        };
        let paper = self.signed(&enrolment, signer)?;
        let response = self.post("/v1/accounts", PAPER, paper.bytes).await?;
        let decision = self.decision(&response, Question::Command(paper.id)).await?;
        let credential = response.header(PURSER_CREDENTIAL).and_then(base64url::decode);
        let credential = credential.ok_or_else(|| self.odd("it sent no credential"))?;
        let read = self.trust.certified::<Credential>(&credential, Role::Issuer, self.clock.now());
        let (read, party) = read.map_err(|fault| Error::fault("credential", fault).at(self.url.origin()))?;
        read.check_lifetime().map_err(|fault| Error::fault("credential", fault).at(self.url.origin()))?; // [AUT-28]
        let fits = party.id == self.id && read.issuer == self.id && read.key.0 == key;
        if !fits || account.is_some_and(|account| account != read.account) {
            return Err(self.odd("its credential is for another key or another account"));
        }
        Ok(Enrolled { account: read.account, credential, decision })
    }

    /// Sends a mandate, to be registered.
    pub async fn register(&self, mandate: Vec<u8>) -> Result<Decision> {
        let id = self.id_of(&mandate)?;
        let response = self.post("/v1/mandates", PAPER, mandate).await?;
        self.decision(&response, Question::Command(id)).await
    }

    /// Signs a command and sends it.
    pub async fn command(&self, command: &impl Paper, signer: &dyn Signer) -> Result<Decision> {
        self.send_command(self.signed(command, signer)?.bytes).await
    }

    /// Sends a command that is signed.
    pub async fn send_command(&self, paper: Vec<u8>) -> Result<Decision> {
        let id = self.id_of(&paper)?;
        let response = self.post("/v1/commands", PAPER, paper).await?;
        self.decision(&response, Question::Command(id)).await
    }

    /// Sends a confirmation or a cancellation: the answer is the payment's.
    pub async fn settle(&self, paper: Vec<u8>, intent: PaperId) -> Result<Decision> {
        let is_yes = Kind::of(&paper) == Some(Kind::Confirmation);
        let target = if is_yes { "/v1/confirmations" } else { "/v1/commands" };
        let response = self.post(target, PAPER, paper).await?;
        self.decision(&response, Question::PaymentOf(intent)).await
    }

    /// Sends an intent with its offer. Whatever comes back, the same bytes may be sent again.
    pub async fn pay(&self, id: PaperId, intent: &Intent, request: &PaymentRequest<'_>) -> Reply {
        let response = self.post("/v1/intents", PAYMENT_REQUEST, request.write()).await;
        self.reply(response, Question::Payment(id, intent)).await
    }

    /// Asks after an intent, for at most so long. The payer's side proves that it is, and is told why not.
    pub async fn ask(&self, id: PaperId, intent: &Intent, wait: Duration, payer: Option<&dyn Signer>) -> Reply {
        let wait = wait.as_secs().min(WAIT_SECONDS_MAX);
        let mut request = self.get(&format!("/v1/intents/{id}?wait={wait}"), ANSWER);
        request.patience = Duration::from_secs(wait);
        let question = Question::Payment(id, intent);
        if let Some(proof) = payer.and_then(|payer| self.proof(&Method::GET, &request.url, payer).ok()) {
            let proven = request.clone().header(HeaderName::from_static(PURSER_PROOF), proof);
            match self.reply(self.connector.send(&proven).await, question).await {
                // The outcome is told to anybody who knows the id.
                Reply::NotDecided(problem) if problem.code() == Some(Code::ProofInvalid) => {}
                reply => return reply,
            }
        }
        self.reply(self.connector.send(&request).await, question).await
    }

    /// The outcome of a payment of which only the id is known.
    pub async fn outcome(&self, id: PaperId) -> Result<Decision> {
        let response = self.connector.send(&self.get(&format!("/v1/intents/{id}"), ANSWER)).await?;
        self.decision(&response, Question::PaymentOf(id)).await
    }

    /// How a mandate stands, signed.
    pub async fn status(&self, mandate: PaperId) -> Result<Verified<Status>> {
        let request = self.get(&format!("/v1/mandates/{mandate}/status"), PAPER);
        let response = self.good(self.connector.send(&request).await?)?;
        let now = self.clock.now();
        let (status, party) = self
            .trust
            .certified::<Status>(&response.body, Role::Issuer, now)
            .map_err(|fault| Error::fault("status", fault).at(self.url.origin()))?;
        status.check_lifetime().map_err(|fault| Error::fault("status", fault).at(self.url.origin()))?; // [REV-9]
        let fits = party.id == self.id && status.issuer == self.id && status.mandate == mandate;
        // [REV-10]
        if fits && now < status.expires_at { Ok(status) } else { Err(self.odd("its status is another's, or old")) }
    }

    /// Who the payer under a mandate is to a merchant, as the issuer signs it. The answer is the paper.
    pub async fn pseudonym(
        &self,
        mandate: PaperId,
        merchant: &PartyId,
        signer: &dyn Signer,
    ) -> Result<(Vec<u8>, Verified<Pseudonym>)> {
        let url = self.url.below("/v1/pseudonyms");
        let proof = self.proof(&Method::POST, &url, signer)?;
        let body = json!({ "mandate": mandate.to_string(), "merchant": merchant.as_str() }).to_string();
        let request = Request::new(Method::POST, url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(HeaderName::from_static(PURSER_PROOF), proof)
            .body(body);
        let response = self.good(self.connector.send(&Request { repeatable: true, ..request }).await?)?;
        let now = self.clock.now();
        let refused = |fault| Error::fault("pseudonym", fault).at(self.url.origin());
        let (paper, party) = self.trust.certified::<Pseudonym>(&response.body, Role::Issuer, now).map_err(refused)?;
        paper.check_lifetime().map_err(refused)?; // [INT-3]
        let fits = party.id == self.id && paper.issuer == self.id && paper.merchant == *merchant;
        // [INT-2]
        if fits && now < paper.expires_at {
            Ok((response.body.to_vec(), paper))
        } else {
            Err(self.odd("its pseudonym is another's, or old"))
        }
    }

    /// A receipt by its own id.
    pub async fn receipt(&self, receipt: PaperId) -> Result<(Vec<u8>, VerifiedReceipt)> {
        let request = self.get(&format!("/v1/receipts/{receipt}"), RECEIPT);
        let response = self.good(self.connector.send(&request).await?)?;
        let verified = self.trust.receipt(&response.body);
        let verified = verified.map_err(|fault| Error::fault("receipt", fault).at(self.url.origin()))?;
        if verified.id == receipt {
            Ok((response.body.to_vec(), verified))
        } else {
            Err(self.odd("another receipt came"))
        }
    }

    /// What the account has.
    pub async fn account(&self, signer: &dyn Signer) -> Result<AccountView> {
        self.read("/v1/account", signer).await
    }

    /// The mandates that a key may see, oldest first.
    pub async fn mandates(&self, signer: &dyn Signer) -> Result<Vec<MandateView>> {
        self.read::<view::Mandates>("/v1/mandates", signer).await.map(|list| list.mandates)
    }

    /// The payments that wait for the person.
    pub async fn pending(&self, signer: &dyn Signer) -> Result<Vec<PendingView>> {
        self.read::<view::Pending>("/v1/pending", signer).await.map(|list| list.pending)
    }

    /// The payments that a key may see, oldest first.
    pub async fn payments(&self, signer: &dyn Signer) -> Result<Vec<PaymentView>> {
        self.read::<view::Payments>("/v1/payments", signer).await.map(|list| list.payments)
    }

    /// Signs a paper, and says what its id is.
    pub fn signed(&self, paper: &impl Paper, signer: &dyn Signer) -> Result<SignedPaper> {
        let bytes = sign(paper, self.trust.context(), signer);
        let bytes = bytes.map_err(|failed| Error::failed(failed.to_string()))?;
        Ok(SignedPaper { id: self.id_of(&bytes)?, bytes })
    }

    /// A read by who says so. [HTB-32]
    async fn read<T: DeserializeOwned>(&self, target: &str, signer: &dyn Signer) -> Result<T> {
        let url = self.url.below(target);
        let proof = self.proof(&Method::GET, &url, signer)?;
        let request = Request::new(Method::GET, url)
            .header(ACCEPT, HeaderValue::from_static("application/json, application/problem+json"))
            .header(HeaderName::from_static(PURSER_PROOF), proof);
        let response = self.good(self.connector.send(&request).await?)?;
        serde_json::from_slice(&response.body).map_err(|error| self.odd(&format!("its answer cannot be read: {error}")))
    }

    /// A header that proves who asks, for this address and this minute.
    fn proof(&self, method: &Method, url: &Url, signer: &dyn Signer) -> Result<HeaderValue> {
        let target = Text::new(&format!("{method} {url}"));
        let proof = Proof {
            audience: self.id.clone(),
            issued_at: self.clock.now(),
            nonce: nonce()?,
            target: target.ok_or_else(|| Error::usage("the address is too long to prove").at(url))?,
        };
        let proof = base64url::encode(&self.signed(&proof, signer)?.bytes);
        HeaderValue::try_from(proof).map_err(|_| Error::failed("the proof is no header"))
    }

    fn get(&self, target: &str, media_type: &str) -> Request {
        let accept = HeaderValue::try_from(format!("{media_type}, application/problem+json"));
        let accept = accept.unwrap_or(HeaderValue::from_static("*/*"));
        Request::new(Method::GET, self.url.below(target)).header(ACCEPT, accept)
    }

    async fn post(&self, target: &str, media_type: &'static str, body: Vec<u8>) -> Result<Response> {
        let request = Request::new(Method::POST, self.url.below(target))
            .header(CONTENT_TYPE, HeaderValue::from_static(media_type))
            .header(ACCEPT, HeaderValue::from_static("application/vnd.purser.answer+cbor, application/problem+json"))
            .body(body);
        // The same paper gets the same answer. [AUT-1] [CMD-1]
        self.connector.send(&Request { repeatable: true, ..request }).await
    }

    /// A signed answer, whatever its status. [FLW-3]
    async fn decision(&self, response: &Response, question: Question<'_>) -> Result<Decision> {
        if response.media_type() != ANSWER {
            return Err(Problem::of(response).into_error(&self.url.origin()));
        }
        let mut read = Decision::read(&response.body, &self.id, question, &self.trust);
        if read.as_ref().is_err_and(|fault| fault.code == Code::CertMissing) {
            // It signs with a certificate that is new to us, and says elsewhere which.
            Discovery::ask(&self.connector, &self.url).await?.keep_chains(&self.trust);
            read = Decision::read(&response.body, &self.id, question, &self.trust);
        }
        read.map_err(|fault| {
            Error::fault("issuer's answer", fault)
                .at(self.url.origin())
                .class_of(Class::Unknown)
                .fix("check that --anchors holds the authority of the issuer's signing certificate")
        })
    }

    async fn reply(&self, response: Result<Response>, question: Question<'_>) -> Reply {
        let response = match response {
            Ok(response) => response,
            Err(error) => return Reply::NoAnswer { error, retry_after: None },
        };
        if response.media_type() == ANSWER {
            return match self.decision(&response, question).await {
                Ok(decision) => Reply::Decided(Box::new(decision)),
                Err(error) => Reply::NoAnswer { error, retry_after: None },
            };
        }
        let problem = Problem::of(&response);
        match problem.code() {
            Some(Code::NotFound) if response.status == 404 => Reply::NotFound,
            _ if problem.is_definite() => Reply::NotDecided(problem),
            _ => Reply::NoAnswer { retry_after: problem.retry_after, error: problem.into_error(&self.url.origin()) },
        }
    }

    fn good(&self, response: Response) -> Result<Response> {
        if response.status == 200 { Ok(response) } else { Err(Problem::of(&response).into_error(&self.url.origin())) }
    }

    fn id_of(&self, paper: &[u8]) -> Result<PaperId> {
        let frame = Frame::read(paper).map_err(|fault| Error::fault("paper", fault))?;
        Ok(paper_id(frame.protected, frame.payload))
    }

    fn odd(&self, what: &str) -> Error {
        Error::failed(what).at(self.url.origin())
    }
}

/// A paper that was signed here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedPaper {
    /// Its id.
    pub id: PaperId,
    /// Its bytes.
    pub bytes: Vec<u8>,
}
