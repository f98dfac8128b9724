//! An issuer and a bystander, each on a port of its own, for a few tasks of the wallet.

mod books;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use purser_protocol::bind::base64url;
use purser_protocol::bind::bundle::BundleItem;
use purser_protocol::bind::http::{ANSWER, AnswerBody, PURSER_CREDENTIAL, PURSER_PROOF};
use purser_protocol::code::Code;
use purser_protocol::field::{self, KeyHolder, encoded};
use purser_protocol::id::{AccountId, Nonce, PaperId, Pseudonym};
use purser_protocol::paper::command::{Enrolment, Proof};
use purser_protocol::paper::credential::Credential;
use purser_protocol::paper::mandate::{Holder, Mandate};
use purser_protocol::receipt::{Claims, Detail, Outcome};
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::sign::{Frame, Kind, Paper, PublicKey, Signed, Verified};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Scene, Task};
use crate::failure::Failure;
use crate::papers::{Key, Order, Seal, Terms, id, now};
use crate::peer::{self, Answered, Asked, header, plain, problem};
use crate::random::random;
pub(crate) use books::{Bundles, Lists};

/// How the issuer behaves.
#[derive(Clone, Copy)]
pub(crate) struct Manners {
    /// The version that its discovery document lists.
    pub(crate) version: &'static str,
    /// What its credential is.
    pub(crate) credits: Credits,
    /// What it does with registrations and stops.
    pub(crate) reply: Reply,
    /// What it shows of the payment that waits.
    pub(crate) shows: Shows,
    /// What it says of the mandates that there are.
    pub(crate) lists: Lists,
    /// And of all records.
    pub(crate) bundles: Bundles,
    /// Whoever reads with a proof is sent elsewhere.
    pub(crate) redirects: bool,
}

impl Default for Manners {
    fn default() -> Self {
        let (credits, reply, shows) = (Credits::Own, Reply::Done, Shows::AsItIs);
        let (lists, bundles) = (Lists::Whole, Bundles::Whole);
        Self { version: "1", credits, reply, shows, lists, bundles, redirects: false }
    }
}

/// What comes beside the answer to an enrolment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credits {
    /// The key's credential.
    Own,
    /// One that somebody else signed.
    Forged,
    /// The credential of another key.
    OfAnother,
}

/// What the issuer does with a mandate, a suspension or a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// It is recorded, and answered so.
    Done,
    /// The connection ends without a byte, each time.
    Lost,
    /// The connection ends without a byte, the first time.
    LostOnce,
    /// 200, and nothing signed.
    Unsigned,
    /// The receipt is signed by somebody else.
    Forged,
    /// The receipt is of another command.
    OfAnother,
    /// No, signed.
    Refused,
}

/// What the issuer shows of the payment that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shows {
    /// What it is.
    AsItIs,
    /// A cheaper offer of the same merchant, beside the intent.
    AnotherOffer,
    /// Offer and intent of a cheaper payment, under the id of the dear one.
    AnotherPayment,
    /// The offer, its signature another's.
    ForgedOffer,
    /// An offer of a merchant whom nobody vouches for, and an intent for it.
    Stranger,
    /// The papers as they are, and beside them an amount of a hundredth and another merchant.
    SmallWords,
}

/// What the issuer saw, and what it knows.
pub(crate) struct Seen {
    /// Enrolments as they came.
    pub(crate) enrolments: Vec<Vec<u8>>,
    /// Mandates.
    pub(crate) mandates: Vec<Vec<u8>>,
    /// Suspensions, revocations, cancels.
    pub(crate) commands: Vec<Vec<u8>>,
    /// Confirmations.
    pub(crate) confirmations: Vec<Vec<u8>>,
    /// What was answered, with what it was answered to.
    pub(crate) records: Vec<BundleItem>,
    /// How often the wallet was asked for a list.
    pub(crate) lists: usize,
    /// What was wrong with a proof of a signed read.
    pub(crate) odd_proofs: Vec<String>,
    /// How many signed reads were good.
    pub(crate) reads: usize,
    /// Header fields that came to the bystander.
    pub(crate) elsewhere: Vec<(String, String)>,
    /// The key of the account.
    pub(crate) key: Option<PublicKey>,
    /// The account.
    pub(crate) account: AccountId,
    /// The agent's key.
    pub(crate) agent: PublicKey,
    /// The payment that waits, as the agent asked for it.
    pub(crate) order: Option<Order>,
    /// Whether the command said that the last thing is done.
    pub(crate) done: bool,
    /// And what it said.
    pub(crate) said: String,
    /// Whether a receipt of the last stop went out.
    pub(crate) answered: bool,
}

/// Who signs.
pub(super) struct Seals {
    pub(super) merchant: Seal,
    pub(super) stranger: Seal,
    pub(super) issuer: Seal,
}

/// The two of them.
pub(super) struct Stage {
    issuer: SocketAddr,
    state: Arc<State>,
    _servers: JoinSet<()>,
}

struct State {
    manners: Manners,
    terms: Terms,
    seals: Arc<Seals>,
    agent: Key,
    agent_pem: String,
    issuer_url: String,
    elsewhere_url: String,
    seen: Mutex<Seen>,
}

impl Stage {
    pub(super) async fn open(scene: &Scene, manners: Manners) -> Result<Self, Failure> {
        let ports = peer::ports::<2>().await?;
        let [issuer, elsewhere] = [ports[0].1, ports[1].1];
        let (agent, agent_pem) = Key::with_pem()?;
        let public = agent.public();
        let state = Arc::new(State {
            manners,
            terms: scene.terms.clone(),
            seals: Arc::clone(&scene.seals),
            agent,
            agent_pem,
            issuer_url: format!("https://{issuer}"),
            elsewhere_url: format!("https://{elsewhere}"),
            seen: Mutex::new(Seen {
                enrolments: Vec::new(),
                mandates: Vec::new(),
                commands: Vec::new(),
                confirmations: Vec::new(),
                records: Vec::new(),
                lists: 0,
                odd_proofs: Vec::new(),
                reads: 0,
                elsewhere: Vec::new(),
                key: None,
                account: AccountId(random()?),
                agent: public,
                order: None,
                done: false,
                said: String::new(),
                answered: false,
            }),
        });
        let tls = peer::acceptor(&scene.folder).map_err(Failure::of_suite)?;
        let mut servers = JoinSet::new();
        let [(of_issuer, _), (of_bystander, _)] = ports;
        let (first, second) = (Arc::clone(&state), Arc::clone(&state));
        servers.spawn(peer::serve(of_issuer, tls.clone(), move |asked| first.answer(&asked)));
        servers.spawn(peer::serve(of_bystander, tls, move |asked| {
            second.seen().elsewhere.extend(asked.fields());
            Ok(plain(200, "application/json", "{}"))
        }));
        Ok(Self { issuer, state, _servers: servers })
    }

    pub(super) fn issuer_url(&self) -> String {
        format!("https://{}", self.issuer)
    }

    pub(super) fn agent_pem(&self) -> &str {
        &self.state.agent_pem
    }

    /// The first mandate that came.
    pub(super) fn mandate(&self) -> Option<PaperId> {
        let first = self.state.seen().mandates.first().cloned();
        first.and_then(|paper| id(&paper).ok())
    }

    /// Lets a payment wait where the task is about one; its id.
    pub(super) fn prepare(&self, task: Task) -> Result<Option<PaperId>, Failure> {
        self.state.seen().lists += usize::from(task == Task::List);
        if !matches!(task, Task::Approve | Task::Refuse) {
            return Ok(None);
        }
        let (state, mandate) = (&self.state, self.mandate());
        let mandate = mandate.ok_or_else(|| Failure::of_suite("a payment without a mandate"))?;
        let merchant =
            if state.manners.shows == Shows::Stranger { &state.seals.stranger } else { &state.seals.merchant };
        let order = Order::new(&state.terms, merchant, &state.agent, mandate, 4_900)?;
        let waiting = order.id;
        state.seen().order = Some(order);
        Ok(Some(waiting))
    }

    /// Ends it, and says what was seen.
    pub(super) fn close(self, done: bool, said: String) -> Seen {
        let mut seen = self.state.seen();
        let taken = Seen {
            enrolments: std::mem::take(&mut seen.enrolments),
            mandates: std::mem::take(&mut seen.mandates),
            commands: std::mem::take(&mut seen.commands),
            confirmations: std::mem::take(&mut seen.confirmations),
            records: std::mem::take(&mut seen.records),
            odd_proofs: std::mem::take(&mut seen.odd_proofs),
            elsewhere: std::mem::take(&mut seen.elsewhere),
            order: seen.order.take(),
            done,
            said,
            ..*seen
        };
        drop(seen);
        taken
    }
}

impl State {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, asked: &Asked) -> Answered {
        let failed = |failure: Failure| -> Box<dyn std::error::Error + Send + Sync> { failure.message.into() };
        let path = asked.head.uri.path();
        match (asked.head.method.as_str(), path) {
            ("GET", "/.well-known/purser") => Ok(plain(200, "application/json", self.document())),
            ("GET", "/v1/sandbox/clock") => Ok(plain(200, "application/json", format!("{{\"now\":{}}}", now().get()))),
            ("GET", "/v1/wallet/statement" | "/v1/wallet/bundle") => match self.proven(asked) {
                Ok(()) if path.ends_with("/bundle") => self.bundle().map_err(failed),
                Ok(()) => self.statement().map_err(failed),
                Err((code, odd)) => {
                    self.seen().odd_proofs.push(odd);
                    Ok(problem(code))
                }
            },
            ("GET", "/v1/account" | "/v1/mandates" | "/v1/wallet/mandates" | "/v1/pending" | "/v1/payments") => {
                if self.manners.redirects {
                    let mut response = plain(307, "text/plain", "over there");
                    let place = format!("{}{}", self.elsewhere_url, asked.target());
                    response.headers_mut().insert("location", header(&place).map_err(failed)?);
                    return Ok(response);
                }
                match self.proven(asked) {
                    Ok(()) => self.read(path).map(|value| plain(200, "application/json", value.to_string())),
                    Err((code, odd)) => {
                        self.seen().odd_proofs.push(odd);
                        return Ok(problem(code));
                    }
                }
                .map_err(failed)
            }
            ("POST", "/v1/accounts") => self.enrol(&asked.body).map_err(failed),
            ("POST", "/v1/mandates") => {
                self.seen().mandates.push(asked.body.to_vec());
                self.recorded(&asked.body).map_err(failed)?.ok_or_else(|| "on purpose".into())
            }
            ("POST", "/v1/commands") => {
                self.seen().commands.push(asked.body.to_vec());
                match Kind::of(&asked.body) {
                    Some(Kind::Cancel) => self.refused().map_err(failed),
                    _ => self.recorded(&asked.body).map_err(failed)?.ok_or_else(|| "on purpose".into()),
                }
            }
            ("POST", "/v1/confirmations") => {
                self.seen().confirmations.push(asked.body.to_vec());
                self.settled().map_err(failed)
            }
            _ => Ok(problem(Code::NotFound)),
        }
    }

    fn document(&self) -> String {
        let chain: Vec<String> = self.seals.issuer.chain.iter().map(|der| base64url::encode(der)).collect();
        let document = json!({ "purser": {
            "versions": [self.manners.version],
            "roles": ["issuer"],
            "id": self.terms.issuer.as_str(),
            "network": self.terms.network,
            "sandbox": true,
            "base_url": self.issuer_url,
            "features": ["core", "confirmation", "sandbox"],
            "currencies": [self.terms.currency.code()],
            "certificates": [chain],
        }});
        document.to_string()
    }

    /// Whether the key of the account asks for this very address, now. [HTB-31] [HTB-32]
    fn proven(&self, asked: &Asked) -> Result<(), (Code, String)> {
        let odd = |what: String| (Code::ProofInvalid, format!("{}: {what}", asked.target()));
        let value = asked.field(PURSER_PROOF);
        let value = value.ok_or_else(|| (Code::ProofRequired, format!("{}: no Purser-Proof", asked.target())))?;
        let bytes = base64url::decode(&value).ok_or_else(|| odd("not base64url".to_owned()))?;
        let key = self.seen().key.ok_or_else(|| odd("no account was opened".to_owned()))?;
        let proof: Verified<Proof> = verified(&bytes, &self.terms, &key).map_err(odd)?;
        let target = format!("{} {}{}", asked.head.method, self.issuer_url, asked.target());
        let age = now().get().abs_diff(proof.issued_at.get());
        match () {
            () if proof.audience != self.terms.issuer => Err(odd(format!("it is for {}", proof.audience))),
            () if proof.target.as_str() != target => Err(odd(format!("it is for {}", proof.target.as_str()))),
            () if age > 60 => Err(odd(format!("its iat is {age} seconds off"))),
            () => {
                self.seen().reads += 1;
                Ok(())
            }
        }
    }

    fn read(&self, path: &str) -> Result<Value, Failure> {
        match path {
            "/v1/mandates" | "/v1/wallet/mandates" => self.mandates(),
            "/v1/pending" => self.pending(),
            "/v1/payments" => Ok(json!({ "payments": [] })),
            _ => {
                let account = self.seen().account.to_string();
                Ok(json!({ "account": account, "balances": [], "envelopes": [], "holds": [], "keys": [] }))
            }
        }
    }

    fn mandates(&self) -> Result<Value, Failure> {
        let mut list = Vec::new();
        let (shown, papers) = (self.shown(), self.seen().mandates.clone());
        for (place, wanted) in shown.iter().enumerate() {
            let Some(paper) = papers.iter().find(|paper| id(paper).is_ok_and(|id| id == *wanted)) else { continue };
            let Ok(signed) = Signed::<Mandate>::read(paper) else { continue };
            let Some(mandate) = opened::<Mandate>(signed.frame.payload) else { continue };
            let holder = match &mandate.holder {
                Holder::Agent(key) => json!({ "key": key.id().to_string() }),
                Holder::Merchant(merchant) => json!({ "merchant": merchant.as_str() }),
            };
            list.push(json!({
                "number": books::number(place),
                "id": signed.id().to_string(),
                "lineage": mandate.lineage.to_string(),
                "serial": mandate.serial.get(),
                "parent": null,
                "mode": mandate.mode.name(),
                "currency": mandate.currency.code(),
                "holder": holder,
                "state": "active",
                "suspensions": [],
                "not_before": mandate.not_before.get(),
                "expires_at": mandate.expires_at.get(),
                "spent_minor": "0",
                "payments": 0,
                "left_minor": null,
                "open_holds": 0,
                "payload": base64url::encode(&mandate.payload()),
                "paper": base64url::encode(paper),
            }));
        }
        Ok(json!({ "mandates": list, "next": null, "matching": list.len(), "listed": papers.len() }))
    }

    fn pending(&self) -> Result<Value, Failure> {
        let seen = self.seen();
        let Some(order) = &seen.order else { return Ok(json!({ "pending": [] })) };
        let cheap = |merchant: &Seal| Order::new(&self.terms, merchant, &self.agent, order.intent.mandate, 100);
        let (offer, intent) = match self.manners.shows {
            Shows::AsItIs | Shows::Stranger | Shows::SmallWords => {
                (order.offer_paper.clone(), order.intent_paper.clone())
            }
            Shows::AnotherOffer => (cheap(&self.seals.merchant)?.offer_paper, order.intent_paper.clone()),
            Shows::AnotherPayment => {
                let other = cheap(&self.seals.merchant)?;
                (other.offer_paper, other.intent_paper)
            }
            Shows::ForgedOffer => {
                let forged = self.seals.stranger.sign_as(&self.terms, &order.offer, &self.seals.merchant)?;
                (forged, order.intent_paper.clone())
            }
        };
        let small = self.manners.shows == Shows::SmallWords;
        let minor = if small { order.intent.amount.minor() / 100 } else { order.intent.amount.minor() };
        let merchant = if small { "trusted-shop.example" } else { order.offer.merchant.as_str() };
        Ok(json!({ "pending": [{
            "intent": order.id.to_string(),
            "merchant": merchant,
            "amount_minor": minor.to_string(),
            "currency": order.intent.currency.code(),
            "user_code": "KFMT-RSTB",
            "answer_by": now().saturating_add(600).get(),
            "mandate": order.intent.mandate.to_string(),
            "offer": order.intent.offer.to_string(),
            "offer_paper": base64url::encode(&offer),
            "intent_paper": base64url::encode(&intent),
        }]}))
    }

    fn enrol(&self, body: &[u8]) -> Result<Response<Full<Bytes>>, Failure> {
        self.seen().enrolments.push(body.to_vec());
        let payload = Frame::read(body).ok().and_then(|frame| opened::<Enrolment>(frame.payload));
        let Some(enrolment) = payload else { return Ok(problem(Code::FieldType)) };
        let account = self.seen().account;
        self.seen().key = Some(enrolment.key.0);
        let key = match self.manners.credits {
            Credits::OfAnother => self.agent.public(),
            Credits::Own | Credits::Forged => enrolment.key.0,
        };
        let credential = Credential {
            issuer: self.terms.issuer.clone(),
            account,
            expires_at: now().saturating_add(86_400),
            issued_at: now(),
            key: KeyHolder(key),
        };
        let signer = if self.manners.credits == Credits::Forged { &self.seals.merchant } else { &self.seals.issuer };
        let credential = signer.sign_bare_as(&self.terms, &credential, &self.seals.issuer)?;
        let mut response = self.answered(&of_command(id(body)?)?, &self.seals.issuer, None)?;
        self.remember(body, Some(&credential));
        response.headers_mut().insert(PURSER_CREDENTIAL, header(&base64url::encode(&credential))?);
        Ok(response)
    }

    /// The answer to a command or a mandate, as the manners have it; `None` ends the connection.
    fn recorded(&self, body: &[u8]) -> Result<Option<Response<Full<Bytes>>>, Failure> {
        let sendings = self.seen().commands.len();
        // What a stop rests on is registered as it should be.
        let is_stop = Kind::of(body) != Some(Kind::Mandate);
        let reply = if is_stop { self.manners.reply } else { Reply::Done };
        let command = id(body)?;
        let claims = match reply {
            Reply::Lost => return Ok(None),
            Reply::LostOnce if sendings < 2 => return Ok(None),
            Reply::Unsigned => return Ok(Some(plain(200, "application/json", r#"{"status":"done"}"#))),
            Reply::OfAnother => of_command(PaperId(random()?))?,
            Reply::Refused => {
                let detail = detail(Code::AmountOverflow)?;
                let claims = Claims {
                    outcome: Outcome::Refused,
                    code: Some(Code::AmountOverflow.into()),
                    detail: Some(detail.digest()),
                    ..of_command(command)?
                };
                return self.answered(&claims, &self.seals.issuer, Some(&detail)).map(Some);
            }
            Reply::Done | Reply::LostOnce | Reply::Forged => of_command(command)?,
        };
        let signer = if reply == Reply::Forged { &self.seals.merchant } else { &self.seals.issuer };
        self.seen().answered = is_stop && matches!(reply, Reply::Done | Reply::LostOnce);
        let answered = self.answered(&claims, signer, None)?;
        self.remember(body, None);
        Ok(Some(answered))
    }

    /// What was sent, and made, for the answer that was given last.
    fn remember(&self, sent: &[u8], made: Option<&[u8]>) {
        if let Some(last) = self.seen().records.last_mut() {
            last.sent = Some(field::Bytes(sent.to_vec()));
            last.made = made.map(|made| field::Bytes(made.to_vec()));
        }
    }

    fn settled(&self) -> Result<Response<Full<Bytes>>, Failure> {
        let claims = self.of_payment(Outcome::Settled)?;
        self.answered(&claims, &self.seals.issuer, None)
    }

    /// The person said no: the payment's outcome. [CNF-3]
    fn refused(&self) -> Result<Response<Full<Bytes>>, Failure> {
        let detail = detail(Code::ConfirmationRefused)?;
        let claims = Claims {
            code: Some(Code::Declined.into()),
            detail: Some(detail.digest()),
            ..self.of_payment(Outcome::Refused)?
        };
        self.answered(&claims, &self.seals.issuer, Some(&detail))
    }

    fn of_payment(&self, outcome: Outcome) -> Result<Claims, Failure> {
        let seen = self.seen();
        let order = seen.order.as_ref().ok_or_else(|| Failure::of_suite("no payment waits"))?;
        Ok(Claims {
            offer: Some(order.intent.offer),
            intent: Some(order.id),
            amount: Some(order.intent.amount),
            currency: Some(order.intent.currency),
            secret_hash: Some(order.intent.secret_hash),
            pseudonym: Some(Pseudonym(random()?)),
            ..Claims::new(outcome, now(), Nonce(random()?))
        })
    }

    fn answered(
        &self,
        claims: &Claims,
        signer: &Seal,
        detail: Option<&Detail>,
    ) -> Result<Response<Full<Bytes>>, Failure> {
        let receipt = signer.receipt(&self.terms, claims, &self.seals.issuer)?;
        let detail = detail.map(encoded);
        let kept = BundleItem {
            receipt: Some(field::Bytes(receipt.clone())),
            detail: detail.clone().map(field::Bytes),
            sent: None,
            made: None,
            certificates: None,
        };
        self.seen().records.push(kept);
        let body = AnswerBody { receipt: &receipt, detail: detail.as_deref() }.write();
        Ok(plain(200, ANSWER, body))
    }
}

fn of_command(command: PaperId) -> Result<Claims, Failure> {
    Ok(Claims { command: Some(command), ..Claims::new(Outcome::Recorded, now(), Nonce(random()?)) })
}

fn detail(code: Code) -> Result<Detail, Failure> {
    Ok(Detail { link: None, grant: None, rule: None, code: code.into(), salt: Nonce(random()?) })
}

fn opened<T: Paper>(payload: &[u8]) -> Option<T> {
    purser_protocol::wire::check(payload).ok()?;
    T::decode(&mut purser_protocol::wire::Reader::new(payload)).ok()
}

/// A paper of this key, read through all stages; the error says in words what is wrong with it.
pub(super) fn verified<T: Paper>(bytes: &[u8], terms: &Terms, key: &PublicKey) -> Result<Verified<T>, String> {
    let read = Signed::<T>::read(bytes).and_then(|signed| signed.verify(&AwsLc, terms.context(), key));
    let opened = read.and_then(|authentic| {
        authentic.version()?;
        authentic.open()
    });
    opened.map_err(|fault| fault.to_string())
}
