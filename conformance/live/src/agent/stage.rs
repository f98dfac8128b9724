//! A merchant, an issuer and a bystander, each on a port of its own, for one visit of the agent.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use purser_protocol::bind::base64url;
use purser_protocol::bind::http::{
    ANSWER, AnswerBody, Challenge, Credential, PAPER, PAYMENT_RECEIPT, PURSER_DELIVERY, PaymentTaken,
};
use purser_protocol::code::Code;
use purser_protocol::flow::issuer::PaymentRequest;
use purser_protocol::flow::merchant::Request as Bound;
use purser_protocol::id::{Digest, LongText, Nonce, PaperId, Pseudonym};
use purser_protocol::money::Amount;
use purser_protocol::paper::delivery::{Delivery, DeliveryState};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::offer::{CaptureMode, Offer};
use purser_protocol::receipt::{Claims, Outcome};
use purser_protocol::sign::{Paper as _, Signed};
use purser_protocol::wire::Reader;
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;

use super::Scene;
use crate::failure::Failure;
use crate::papers::{Seal, Terms, given, id, now};
use crate::peer::{self, Answered, Asked, header, plain, problem};
use crate::random::random;

/// How the merchant and the issuer behave.
#[derive(Clone)]
pub(crate) struct Manners {
    /// The offer whose copies stand in the challenge, made from the one in the body.
    pub(crate) challenge: fn(&mut Offer),
    /// The challenge names another offer.
    pub(crate) other_id: bool,
    /// The offer is bound to another request.
    pub(crate) other_resource: bool,
    /// The offer is not signed by whom it names.
    pub(crate) forged_offer: bool,
    /// Whoever shows a receipt is sent elsewhere.
    pub(crate) redirects: bool,
    /// Whoever shows a receipt is asked for twice as much.
    pub(crate) asks_again: bool,
    /// What the thing is called.
    pub(crate) words: &'static str,
    /// What the issuer does with one sending after the other; in the end it answers.
    pub(crate) replies: Vec<Reply>,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            challenge: |_| (),
            other_id: false,
            other_resource: false,
            forged_offer: false,
            redirects: false,
            asks_again: false,
            words: "A thing",
            replies: Vec::new(),
        }
    }
}

/// What the issuer does with one sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// It decides, and the connection ends without a byte.
    Lost,
    /// It decides, and answers 503.
    Busy,
    /// Somebody in between answers 403, and nothing is signed.
    Stranger,
    /// It answers with the receipt of another payment.
    OfAnother,
    /// It answers with a receipt whose root somebody else has signed.
    Forged,
}

/// What the peers saw.
#[derive(Default)]
pub(crate) struct Seen {
    /// Intents as they came, sendings of the same one too.
    pub(crate) intents: Vec<Vec<u8>>,
    /// Offers that were made.
    pub(crate) offers: Vec<(PaperId, Offer)>,
    /// Receipts and secrets that were shown to the merchant.
    pub(crate) shown: Vec<(Vec<u8>, [u8; 32])>,
    /// Receipts that are good, by their intent.
    pub(crate) receipts: Vec<(PaperId, Vec<u8>)>,
    /// Header fields that came to the bystander.
    pub(crate) elsewhere: Vec<(String, String)>,
    /// What the agent said in the end.
    pub(crate) said: String,
    /// The mandate that it was given.
    pub(crate) mandate: Option<PaperId>,
}

/// The three of them.
pub(crate) struct Stage {
    pub(crate) mandate: PaperId,
    addresses: [SocketAddr; 3],
    state: Arc<State>,
    _servers: JoinSet<()>,
}

struct State {
    manners: Manners,
    replies: Mutex<VecDeque<Reply>>,
    seen: Mutex<Seen>,
    terms: Terms,
    elsewhere: String,
    issuer_url: String,
    document: String,
    papers: Arc<Papers>,
}

/// Who signs.
pub(crate) struct Papers {
    pub(crate) merchant: Seal,
    pub(crate) other_merchant: Seal,
    pub(crate) issuer: Seal,
}

impl Stage {
    pub(crate) async fn open(scene: &Scene, manners: Manners) -> Result<Self, Failure> {
        let ports = peer::ports::<3>().await?;
        let addresses = [0, 1, 2].map(|place: usize| ports[place].1);
        let [_, issuer, elsewhere] = addresses.map(|address| format!("https://{address}"));
        let chain: Vec<String> = scene.papers.issuer.chain.iter().map(|der| base64url::encode(der)).collect();
        let document = serde_json::json!({ "purser": {
            "versions": ["1"],
            "roles": ["issuer"],
            "id": scene.terms.issuer.as_str(),
            "network": scene.terms.network,
            "sandbox": true,
            "base_url": issuer,
            "features": ["core", "sandbox"],
            "currencies": [scene.terms.currency.code()],
            "certificates": [chain],
        }});
        let mandate = PaperId(random()?);
        let state = Arc::new(State {
            replies: Mutex::new(manners.replies.iter().copied().collect()),
            manners,
            seen: Mutex::new(Seen { mandate: Some(mandate), ..Seen::default() }),
            terms: scene.terms.clone(),
            elsewhere,
            issuer_url: issuer,
            document: document.to_string(),
            papers: Arc::clone(&scene.papers),
        });
        let tls = peer::acceptor(&scene.folder).map_err(Failure::of_suite)?;
        let mut servers = JoinSet::new();
        for (part, (listener, _)) in [Part::Shop, Part::Issuer, Part::Elsewhere].into_iter().zip(ports) {
            let state = Arc::clone(&state);
            servers.spawn(peer::serve(listener, tls.clone(), move |asked| answer(&state, part, &asked)));
        }
        Ok(Self { mandate, addresses, state, _servers: servers })
    }

    pub(crate) fn shop_url(&self, target: &str) -> String {
        format!("https://{}{target}", self.addresses[0])
    }

    pub(crate) fn issuer_url(&self) -> String {
        self.state.issuer_url.clone()
    }

    /// Ends it, and says what was seen.
    pub(crate) fn close(self, said: String) -> Seen {
        let mut seen = self.state.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Seen { said, ..std::mem::take(&mut *seen) }
    }
}

#[derive(Clone, Copy)]
enum Part {
    Shop,
    Issuer,
    Elsewhere,
}

fn answer(state: &State, part: Part, asked: &Asked) -> Answered {
    let failed = |failure: Failure| failure.message.into();
    match part {
        Part::Elsewhere => {
            state.seen().elsewhere.extend(asked.fields());
            Ok(plain(200, "text/plain", "elsewhere"))
        }
        Part::Shop => {
            let authority = asked.field("host").unwrap_or_default();
            let bound = Bound {
                method: asked.head.method.as_str(),
                authority: &authority,
                target: asked.target(),
                body: Sha256::digest(&asked.body).into(),
            };
            match asked.field("authorization") {
                Some(value) => state.redeem(&value, &bound).map_err(failed),
                None => state.ask(&bound, 1_280).map_err(failed),
            }
        }
        Part::Issuer => match (asked.head.method.as_str(), asked.head.uri.path()) {
            ("GET", "/.well-known/purser") => Ok(plain(200, "application/json", state.document.clone())),
            ("GET", "/v1/sandbox/clock") => Ok(plain(200, "application/json", format!("{{\"now\":{}}}", now().get()))),
            ("POST", "/v1/intents") => state.decide(&asked.body).map_err(failed)?.ok_or_else(|| "on purpose".into()),
            ("GET", path) if path.starts_with("/v1/intents/") => Ok(state.tell(&path["/v1/intents/".len()..])),
            _ => Ok(problem(Code::NotFound)),
        },
    }
}

impl State {
    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// 402, with an offer of so much.
    fn ask(&self, bound: &Bound<'_>, minor: u64) -> Result<Response<Full<Bytes>>, Failure> {
        let papers = &self.papers;
        let salt = Nonce(random()?);
        let mut offer = papers.merchant.draft(&self.terms, minor, CaptureMode::AtOnce)?;
        let elsewhere = Bound { authority: "other.example", ..*bound };
        offer.resource = Some(if self.manners.other_resource { elsewhere.digest(salt) } else { bound.digest(salt) });
        if let Some(name) = LongText::new(self.manners.words) {
            offer.items = given(purser_protocol::field::List::new(
                offer
                    .items
                    .iter()
                    .map(|item| purser_protocol::paper::offer::Item { name: name.clone(), ..item.clone() })
                    .collect(),
            ))?;
        }
        let signer = if self.manners.forged_offer { &papers.other_merchant } else { &papers.merchant };
        let paper = signer.sign_as(&self.terms, &offer, &papers.merchant)?;
        let of_paper = id(&paper)?;
        let mut copied = offer.clone();
        (self.manners.challenge)(&mut copied);
        let named = if self.manners.other_id { PaperId(random()?) } else { of_paper };
        let challenge = Challenge::new(named, &copied, Some(salt)).header_value();
        self.seen().offers.push((of_paper, offer));
        let mut response = plain(402, PAPER, paper);
        let fields = response.headers_mut();
        fields.insert("cache-control", hyper::header::HeaderValue::from_static("no-store"));
        fields.insert("www-authenticate", header(&challenge)?);
        Ok(response)
    }

    fn redeem(&self, value: &str, bound: &Bound<'_>) -> Result<Response<Full<Bytes>>, Failure> {
        let Ok(Some(credential)) = Credential::read(value.as_bytes()) else {
            return Ok(problem(Code::CredentialMalformed));
        };
        self.seen().shown.push((credential.receipt.clone(), credential.secret));
        if self.manners.redirects {
            let mut response = plain(302, "text/plain", "over there");
            response.headers_mut().insert("location", header(&format!("{}/tea", self.elsewhere))?);
            return Ok(response);
        }
        if self.manners.asks_again {
            return self.ask(bound, 2_560);
        }
        let found = self.seen().receipts.iter().find(|(_, receipt)| *receipt == credential.receipt).map(|(id, _)| *id);
        let Some(intent) = found else { return Ok(problem(Code::ReceiptMismatch)) };
        let goods = "tea";
        let delivery = Delivery {
            merchant: self.papers.merchant.name.clone(),
            issued_at: now(),
            offer: credential.offer,
            intent,
            state: DeliveryState::Delivered,
            digest: Digest(Sha256::digest(goods).into()),
        };
        let delivery = self.papers.merchant.sign_bare(&self.terms, &delivery)?;
        let mut response = plain(200, "text/plain", goods);
        let fields = response.headers_mut();
        fields.insert(PAYMENT_RECEIPT, header(&PaymentTaken { intent, at: now() }.header_value())?);
        fields.insert(PURSER_DELIVERY, header(&base64url::encode(&delivery))?);
        Ok(response)
    }

    /// Decides, and answers as the manners have it; `None` ends the connection.
    fn decide(&self, body: &[u8]) -> Result<Option<Response<Full<Bytes>>>, Failure> {
        let Ok(request) = PaymentRequest::read(body) else { return Ok(Some(problem(Code::FieldType))) };
        self.seen().intents.push(request.intent.to_vec());
        let reply = self.replies.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        if reply == Some(Reply::Stranger) {
            return Ok(Some(plain(403, "text/html", "<h1>Forbidden</h1>")));
        }
        let intent = id(request.intent)?;
        let known = self.seen().receipts.iter().find(|(known, _)| *known == intent).map(|(_, receipt)| receipt.clone());
        let receipt = match known {
            Some(receipt) => receipt,
            None => {
                let receipt = self.receipt(request.intent, intent, &self.papers.issuer)?;
                self.seen().receipts.push((intent, receipt.clone()));
                receipt
            }
        };
        let receipt = match reply {
            Some(Reply::Lost) => return Ok(None),
            Some(Reply::Busy) => return Ok(Some(problem(Code::Overloaded))),
            Some(Reply::OfAnother) => self.receipt(request.intent, PaperId(random()?), &self.papers.issuer)?,
            Some(Reply::Forged) => self.receipt(request.intent, intent, &self.papers.merchant)?,
            _ => receipt,
        };
        Ok(Some(answered(&receipt)))
    }

    fn tell(&self, id: &str) -> Response<Full<Bytes>> {
        let id = id.split('?').next().unwrap_or_default();
        let found =
            self.seen().receipts.iter().find(|(known, _)| known.to_string() == id).map(|(_, receipt)| receipt.clone());
        found.map_or_else(|| problem(Code::NotFound), |receipt| answered(&receipt))
    }

    /// A receipt of a payment that was made, signed with this key in the issuer's name.
    fn receipt(&self, intent: &[u8], intent_id: PaperId, signer: &Seal) -> Result<Vec<u8>, Failure> {
        let read = Signed::<Intent>::read(intent).map_err(|fault| Failure::of_suite(fault.to_string()))?;
        let read = Intent::decode(&mut Reader::new(read.frame.payload));
        let intent = read.map_err(|fault| Failure::of_suite(format!("the agent's intent: {fault}")))?;
        let claims = Claims {
            offer: Some(intent.offer),
            intent: Some(intent_id),
            amount: Some(intent.amount),
            currency: Some(intent.currency),
            secret_hash: Some(intent.secret_hash),
            pseudonym: Some(Pseudonym(random()?)),
            ..Claims::new(Outcome::Settled, now(), Nonce(random()?))
        };
        signer.receipt(&self.terms, &claims, &self.papers.issuer)
    }
}

fn answered(receipt: &[u8]) -> Response<Full<Bytes>> {
    plain(200, ANSWER, AnswerBody { receipt, detail: None }.write())
}

/// An amount that is another.
pub(super) fn less(amount: Amount) -> Amount {
    Amount::from_minor(amount.minor() / 2).unwrap_or(amount)
}
