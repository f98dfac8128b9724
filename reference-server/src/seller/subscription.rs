//! Subscriptions: mandates that the seller holds, and asks for a term of by itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use purser_merchant::Post;
use purser_protocol::bind::base64url;
use purser_protocol::bind::http::AnswerBody;
use purser_protocol::cert::Role;
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::field::{Bytes as Bstr, decoded};
use purser_protocol::flow::Parties as _;
use purser_protocol::flow::issuer::PaymentRequest;
use purser_protocol::flow::merchant::verify_receipt;
use purser_protocol::id::{Digest, Nonce, PaperId, PartyId};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::meter::Unit;
use purser_protocol::paper::status::{MandateState, Status};
use purser_protocol::period::{Period, Terms, Zone};
use purser_protocol::receipt::{Detail, Outcome};
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::sign::paper::id;
use purser_protocol::sign::{Frame, Signed};
use purser_protocol::time::UnixSeconds;
use purser_protocol::token::subscription::{Asked, Due, Opened, Paid, Record, Subscription};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::account::{known, named, spoken};
use super::config::SubscriptionPlan;
use super::desk::Live;
use super::{Seller, internal};
use crate::random::random;
use crate::reply::{NO_STORE, Problem};

/// How long ago the anchor may be: whoever registers a mandate needs a while. [TOK-55]
const ANCHOR_AGO_SECONDS: u64 = 3_600;
/// Between two tries at what an issuer has not decided.
const PAUSE: Duration = Duration::from_secs(2);

/// Why what an issuer was asked came to nothing; tried again later.
type Failed = Box<dyn std::error::Error + Send + Sync>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    plan: String,
    issuer: String,
    /// In hexadecimal.
    mandate: String,
    zone: String,
    unit: String,
    anchor: u64,
    /// In base64url.
    secret_hash: String,
}

/// `POST /v1/subscriptions`
pub(super) async fn subscribe(
    State(seller): State<Arc<Seller>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    // What another site's form can send is none of this. [HTB-25]
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !given.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(Code::MediaType).member("expected", "application/json"));
    }
    let wanted: Wanted = serde_json::from_slice(&body).map_err(|_| Problem::new(Code::FieldType))?;
    let plan = seller.terms.subscriptions.iter().find(|plan| plan.id.as_str() == wanted.plan);
    let plan = plan.ok_or_else(|| Problem::new(Code::NotFound))?;
    let opened = seller.opened(&wanted, plan)?;
    let (mandate, secret_hash) = (opened.mandate, opened.secret_hash);
    if let Some(live) = seller.desk.subscriptions.find(&mandate).await? {
        return again(&seller, &live, secret_hash);
    }
    // A mandate that nobody knows would be asked for in vain, term after term.
    let post = seller.posts.to(&opened.issuer).ok_or_else(|| Problem::new(Code::IssuerNotAccepted))?;
    if !seller.is_active(&mandate, &opened.issuer, post).await.map_err(internal)? {
        return Err(Problem::new(Code::MandateUnknown));
    }
    match seller.desk.subscriptions.begin_bare(mandate, Record::Opened(Box::new(opened))).await? {
        Some(live) => {
            seller.renew(&live).await;
            Ok(shown(&seller, &live))
        }
        None => {
            let live = seller.desk.subscriptions.find(&mandate).await?;
            let live = live.ok_or_else(|| Problem::new(Code::MandateTaken))?;
            again(&seller, &live, secret_hash)
        }
    }
}

/// `GET /v1/subscriptions/{mandate}`. [TOK-35]
pub(super) async fn show(
    State(seller): State<Arc<Seller>>,
    Path(mandate): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let live = spoken(known(&seller.desk.subscriptions, named(&mandate)).await?, &headers)?;
    live.refresh().await?;
    Ok(shown(&seller, &live))
}

/// The same subscription is told again, or another one has its mandate. [TOK-50]
fn again(seller: &Seller, live: &Live<Subscription>, secret_hash: Digest) -> Result<Response, Problem> {
    if live.secret_hash == secret_hash { Ok(shown(seller, live)) } else { Err(Problem::new(Code::MandateTaken)) }
}

impl Seller {
    /// What is asked for, as long as it is the plan's. [TOK-55]
    fn opened(&self, wanted: &Wanted, plan: &SubscriptionPlan) -> Result<Opened, Problem> {
        let range = |field: &'static str| move || Problem::new(Fault::new(Code::FieldRange).field(field));
        let now = self.clock.now();
        let mandate = named(&wanted.mandate).ok_or_else(range("mandate"))?;
        let secret_hash: Option<[u8; 32]> =
            base64url::decode(&wanted.secret_hash).and_then(|hash| hash.try_into().ok());
        let anchor = UnixSeconds::new(wanted.anchor).ok_or_else(range("anchor"))?;
        let zone = Zone::new(&wanted.zone).ok_or_else(range("zone"))?;
        let latest = now.saturating_add(plan.trial_seconds).saturating_add(ANCHOR_AGO_SECONDS);
        let in_time = anchor.saturating_add(ANCHOR_AGO_SECONDS) >= now && anchor <= latest;
        if wanted.unit != plan.unit.name() || !in_time {
            return Err(Problem::new(Code::PlanMismatch));
        }
        Ok(Opened {
            mandate,
            issuer: PartyId::new(&wanted.issuer).ok_or_else(range("issuer"))?,
            plan: plan.versioned(now),
            terms: Period::Terms(Terms { unit: plan.unit, zone, anchor }),
            units: plan.units,
            trial_units: if anchor > now { plan.trial_units } else { 0 },
            currency: self.terms.price.currency,
            secret_hash: Digest(secret_hash.ok_or_else(range("secret_hash"))?),
            at: now,
        })
    }

    async fn is_active(&self, mandate: &PaperId, issuer: &PartyId, post: &Post) -> Result<bool, Failed> {
        let Some(bytes) = post.status(mandate).await? else { return Ok(false) };
        let signed = Signed::<Status>::read(&bytes)?;
        let party = self.register.party(&signed.header, Role::Issuer, self.clock.now())?;
        let status = signed.verify(&AwsLc, self.identity.context(), &party.key)?;
        status.version()?;
        let status = status.open()?;
        let ours = party.id == *issuer && status.issuer == *issuer && status.mandate == *mandate;
        Ok(ours && status.state == MandateState::Active)
    }

    /// Does what is due of a subscription. What does not succeed is done again, later. [TOK-51]
    pub(super) async fn renew(&self, live: &Arc<Live<Subscription>>) {
        if let Err(error) = self.renew_once(live).await {
            tracing::warn!(subscription = %live.id, %error, "a term was not asked for");
        }
    }

    async fn renew_once(&self, live: &Arc<Live<Subscription>>) -> Result<(), Failed> {
        let (now, pause) = (self.clock.now(), self.ask_again_seconds);
        let failed = |_: Problem| "the store failed";
        let due = match live.look(|subscription| subscription.due(now, pause)) {
            Due::Ask(number) => {
                let (issuer, plan) = live
                    .look(|subscription| (subscription.opened().issuer.clone(), subscription.opened().plan.clone()));
                let asked = self.sign_term(live.id, &issuer, plan.as_str(), number, now)?;
                let record = Record::Asked(Box::new(asked));
                let still = move |subscription: &Subscription| subscription.due(now, pause) == Due::Ask(number);
                live.record(move |subscription| Ok(still(subscription).then_some(record))).await.map_err(failed)?;
                live.look(|subscription| subscription.due(now, pause))
            }
            due => due,
        };
        match due {
            Due::Nothing | Due::Ask(_) => Ok(()),
            Due::End => live.record(move |_| Ok(Some(Record::Ended(now)))).await.map_err(|_| "the store failed".into()),
            Due::Send(intent, request) => self.send_term(live, intent, request).await,
        }
    }

    /// An offer of the term at the price of now, and the intent that takes it.
    fn sign_term(
        &self,
        mandate: PaperId,
        issuer: &PartyId,
        plan: &str,
        number: u32,
        now: UnixSeconds,
    ) -> Result<Asked, Failed> {
        let name = plan.split('/').next().unwrap_or_default();
        let plan = self.terms.subscriptions.iter().find(|plan| plan.id.as_str() == name);
        let plan = plan.ok_or("the plan is not sold any more")?;
        let offer = self.terms.term_offer(plan, number, now, Nonce(random()?)).ok_or("the offer cannot be made")?;
        let offer_paper = self.identity.sign_with_chain(&offer)?;
        let of = |paper: &[u8]| Frame::read(paper).map(|frame| id(frame.protected, frame.payload));
        let offer_id = of(&offer_paper)?;
        let intent = Intent {
            issuer: issuer.clone(),
            issued_at: now,
            mandate,
            offer: offer_id,
            amount: offer.amount,
            currency: offer.currency,
            // Nobody redeems it: the seller has the receipt.
            secret_hash: Digest(Sha256::digest(random::<32>()?).into()),
            channel: None,
            device: None,
            period: std::num::NonZeroU32::new(number),
            chains: None,
        };
        let intent_paper = self.identity.sign_with_chain(&intent)?;
        let request =
            PaymentRequest { mandates: Vec::new(), offer: &offer_paper, intent: &intent_paper, confirmation: None };
        Ok(Asked {
            number: number.into(),
            offer: offer_id,
            intent: of(&intent_paper)?,
            request: Bstr(request.write()),
            plan: plan.versioned(now),
            amount: offer.amount,
            at: now,
        })
    }

    /// Sends what was signed for a term, and keeps what the issuer decided.
    async fn send_term(&self, live: &Arc<Live<Subscription>>, intent: PaperId, request: Vec<u8>) -> Result<(), Failed> {
        if !live.may_try(PAUSE) {
            return Ok(());
        }
        let issuer = live.look(|subscription| subscription.opened().issuer.clone());
        let post = self.posts.to(&issuer).ok_or("its issuer is not one of the seller's any more")?;
        let Some(answer) = post.pay(request).await? else { return Err("the issuer decided nothing".into()) };
        let body = AnswerBody::read(&answer)?;
        let receipt = verify_receipt(body.receipt, self.identity.context(), &AwsLc, &self.register)?;
        if receipt.issuer != issuer || receipt.claims.intent != Some(intent) {
            return Err("the answer is about something else".into());
        }
        let now = self.clock.now();
        let detail = body.detail.and_then(|detail| decoded::<Detail>(detail).ok()?.code.code());
        let records = match (receipt.claims.outcome, receipt.claims.pseudonym) {
            (Outcome::Settled, Some(pseudonym)) => vec![Record::Paid(Paid { pseudonym, at: now })],
            // The person is asked. [CNF-1]
            (Outcome::Pending, _) => Vec::new(),
            _ if detail == Some(Code::MandateRevoked) => vec![Record::Refused(now), Record::Ended(now)], // [TOK-54]
            _ => vec![Record::Refused(now)],
        };
        let asked = move |subscription: &Subscription| subscription.asked().is_some_and(|asked| asked.intent == intent);
        let kept = live.act(move |subscription| Ok((if asked(subscription) { records } else { Vec::new() }, ())));
        kept.await.map_err(|_| "the store failed".into())
    }
}

impl<F: super::desk::Fold> Live<F> {
    /// Whether a while has passed since this was answered with yes.
    fn may_try(&self, pause: Duration) -> bool {
        let mut tried = super::desk::locked(&self.tried);
        let now = Instant::now();
        let may = tried.is_none_or(|last| now.duration_since(last) >= pause);
        if may {
            *tried = Some(now);
        }
        may
    }
}

/// How a subscription stands.
fn shown(seller: &Seller, live: &Live<Subscription>) -> Response {
    let now = seller.clock.now();
    let told = live.look(|subscription| {
        let (terms, opened) = (subscription.terms(), subscription.opened());
        let number = terms.number(now);
        let bounds = terms.bounds(number);
        let purchases: Vec<_> = subscription
            .purchases()
            .map(|bought| {
                json!({
                    "offer": bought.offer.to_string(),
                    "intent": bought.intent.to_string(),
                    "plan": bought.plan.as_str(),
                    "units": bought.units.get(),
                    "paid_minor": bought.amount.get().to_string(),
                    "currency": bought.currency.code(),
                    "until": bought.until.get(),
                })
            })
            .collect();
        json!({
            "subscription": live.id.to_string(),
            "state": subscription.state(now).name(),
            "plan": opened.plan.as_str(),
            "term": number,
            "begins": bounds.start,
            "ends": bounds.end,
            "remaining": subscription.remaining(now),
            "input_tokens": subscription.used(Unit::InputToken),
            "output_tokens": subscription.used(Unit::OutputToken),
            "asked_minor": subscription.asked().map(|asked| asked.amount.minor().to_string()),
            "purchases": purchases,
        })
    });
    ([(CACHE_CONTROL, NO_STORE)], Json(told)).into_response()
}
