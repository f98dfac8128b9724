//! A seller of tokens, as an agent knows it: how a session is opened, topped up, paid and closed there.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::Method;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use purser_protocol::bind::base64url;
use purser_protocol::cert::Role;
use purser_protocol::code::Code;
use purser_protocol::field::{List, encoded};
use purser_protocol::id::{Digest, PaperId};
use purser_protocol::money::Money;
use purser_protocol::paper::command::{Capture, Void};
use purser_protocol::paper::offer::{Offer, OfferKind};
use purser_protocol::sign::{Signed, Signer};
use purser_protocol::token::agent::{Opened, lengths};
use purser_protocol::token::message::{Need, Release};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::book::Ended;
use super::session::{Session, Spending};
use crate::clock::random;
use crate::connect::{Request, Response, Url};
use crate::error::{Class, Error, Result};
use crate::fetch::{Asked, Wanted, authorization};
use crate::home::{Fetching, Kept};
use crate::issuer::Problem;
use crate::pay::{Order, Patience, Payer, Silent};
use crate::session::Session as Account;

pub(super) const FOLDER: &str = "tokens";
/// Between two tries at a seller that does not answer.
const PAUSE: Duration = Duration::from_millis(300);

/// A seller, and who pays there under which mandate.
pub struct Seller {
    /// The payer's side: its folder and its issuer.
    pub account: Account,
    /// The agent's key.
    pub agent: Arc<dyn Signer>,
    /// Where the seller is.
    pub url: Url,
    /// The mandate that pays.
    pub mandate: PaperId,
    /// The most that one hold may be.
    pub max: Money,
    /// How long to go on without an answer.
    pub patience: Duration,
    /// The plan of which packs pay; without one, metered sessions do.
    pub plan: Option<String>,
    /// A coupon for the first pack.
    pub coupon: Option<String>,
    /// Who the payer is to the seller, where a coupon depends on it.
    pub pseudonym: Option<String>,
    /// Is told of each change.
    pub watch: Box<dyn Fn(Spending) + Send + Sync>,
    current: tokio::sync::Mutex<Option<Arc<Session>>>,
}

/// How a session stands, as its seller says. Members that are not known are passed over. [VER-6]
#[derive(Debug, Deserialize)]
struct Standing {
    state: String,
    #[serde(default)]
    claims: Vec<String>,
}

/// How a session ended.
#[derive(Clone, Debug)]
pub struct Closed {
    /// Whether every claim is right.
    pub how: Ended,
    /// What was claimed.
    pub claimed_minor: u64,
    /// The captures, as the seller signed them.
    pub claims: Vec<Vec<u8>>,
    /// What was wrong.
    pub wrong: Vec<String>,
}

impl Seller {
    /// A seller at this address.
    pub fn new(account: Account, agent: Arc<dyn Signer>, url: &Url, mandate: PaperId, max: Money) -> Self {
        let patience = Duration::from_secs(60);
        let (url, current) = (url.with_target("/"), tokio::sync::Mutex::new(None));
        let (plan, coupon, pseudonym) = (None, None, None);
        Self { account, agent, url, mandate, max, patience, plan, coupon, pseudonym, watch: Box::new(|_| {}), current }
    }

    /// The sessions that are kept in a folder, each as its path.
    pub fn kept(account: &Account) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(account.home.path(FOLDER)).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths
    }

    /// The session that is open: of this process, of an earlier one, or a new one.
    pub async fn session(&self) -> Result<Arc<Session>> {
        let mut current = self.current.lock().await;
        if let Some(session) = current.as_ref().filter(|session| session.ended().is_none()) {
            return Ok(Arc::clone(session));
        }
        *current = None;
        if let Some(session) = self.left_open() {
            let session = Arc::new(session);
            self.take_up(&session).await?;
            if session.ended().is_none() {
                *current = Some(Arc::clone(&session));
                return Ok(session);
            }
        }
        let session = match &self.plan {
            None => self.take("/v1/sessions", None).await?,
            Some(_) => self.buy_pack().await?,
        };
        *current = Some(Arc::clone(&session));
        Ok(session)
    }

    /// The session that is open in this process, if one is.
    pub async fn opened(&self) -> Option<Arc<Session>> {
        self.current.lock().await.clone().filter(|session| session.ended().is_none())
    }

    /// What a hold of a session costs and buys.
    pub async fn quote(&self) -> Result<Asked> {
        self.ask("/v1/sessions", OfferKind::Metered).await.map(|(_, asked)| asked)
    }

    /// A further hold, unless somebody else has brought one since `holds` were there.
    pub(super) async fn top_up(&self, session: &Arc<Session>, holds: usize) -> Result<()> {
        let _one = session.topping_up.lock().await;
        if session.offers().len() > holds {
            return Ok(());
        }
        if session.is_subscription() {
            return Err(Error::failed("nothing is left of this term").coded(Some(Code::PackUsedUp)));
        }
        if let Some(plan) = session.plan() {
            let target = format!("/v1/packs/{}/refill", session.id());
            return self.buy(&target, plan, Some(session)).await.map(drop);
        }
        let target = format!("/v1/sessions/{}/holds", session.id());
        self.take(&target, Some(session)).await.map(drop)
    }

    /// Pays what the seller needs, as far as it may ask.
    pub(super) async fn pay(&self, session: &Session, need: &Need) -> Result<()> {
        let release = session.release(need).await?;
        self.send_links(session, &release).await?;
        (self.watch)(session.spending());
        Ok(())
    }

    /// Tells the seller that the session is over, and holds its claims against what was released and seen.
    ///
    /// A pack is not closed by this: it stays until it is used up.
    pub async fn close(&self, session: &Arc<Session>) -> Result<Closed> {
        for (stream, body, has) in session.left() {
            self.see_the_rest(session, stream, body, has).await?;
        }
        let path = format!("/v1/sessions/{}", session.id());
        let mut told = self.until_answered(&self.request(session, Method::POST, &format!("{path}/close"))?).await?;
        let began = Instant::now();
        let standing = loop {
            let standing: Standing = read(&told)?;
            if standing.state == "closed" {
                break standing;
            }
            if began.elapsed() > self.patience {
                let error = Error::new(Class::Unknown, "the seller has not settled the session yet");
                return Err(error.fix(format!("purser token session close {}", session.id())));
            }
            tokio::time::sleep(PAUSE).await;
            told = self.until_answered(&self.request(session, Method::GET, &path)?).await?;
        };
        let mut closed = Closed { how: Ended::Settled, claimed_minor: 0, claims: Vec::new(), wrong: Vec::new() };
        for claim in &standing.claims {
            match self.judge(session, claim) {
                Ok(0) => {}
                Ok(minor) => {
                    closed.claimed_minor += minor;
                    closed.claims.extend(base64url::decode(claim));
                }
                Err(error) => {
                    closed.how = Ended::Disputed;
                    closed.wrong.push(error.to_string());
                }
            }
        }
        session.end(closed.how)?;
        Ok(closed)
    }

    /// What a claim takes, if it is right. A void takes nothing. [TOK-34]
    fn judge(&self, session: &Session, claim: &str) -> Result<u64> {
        let bytes = base64url::decode(claim).ok_or_else(|| Error::failed("a claim cannot be read"))?;
        let (trust, now) = (&self.account.issuer.trust, self.account.issuer.clock.now());
        if Signed::<Void>::read(&bytes).is_ok() {
            let void = trust.certified::<Void>(&bytes, Role::Merchant, now);
            return void.map(|_| 0).map_err(|fault| Error::fault("void", fault));
        }
        let read = trust.certified::<Capture>(&bytes, Role::Merchant, now);
        let (capture, party) = read.map_err(|fault| Error::fault("claim", fault))?;
        let attempts = self.account.home.attempts();
        // Of one that was never signed there is nothing to claim: its offer's name is no intent's.
        let intent = |offer: &PaperId| attempts.of_offer(offer).map(|kept| kept.map_or(*offer, |kept| kept.id));
        let intents = session.offers().iter().map(intent).collect::<Result<Vec<PaperId>>>()?;
        let offer: Offer = self.attempt(&session.id())?.read_offer()?;
        if party.id != offer.merchant || capture.merchant != offer.merchant {
            return Err(Error::failed("a claim is another merchant's"));
        }
        session.check(&capture, &intents, &bytes)?;
        Ok(capture.amount.minor())
    }

    /// Reads what was counted for a stream that was left, and lets nothing more be counted.
    async fn see_the_rest(&self, session: &Arc<Session>, stream: u64, body: Vec<u8>, has: u64) -> Result<()> {
        let mut answer = super::answer::Answer::left(self, session, stream, body, has);
        while answer.next().await?.is_some() {}
        answer.finish();
        Ok(())
    }

    /// A session of this seller and mandate that an earlier process left open.
    fn left_open(&self) -> Option<Session> {
        let origin = self.url.origin();
        let kept = Self::kept(&self.account);
        // One that another process has is that one's.
        let mut open = kept.iter().filter_map(|dir| Session::open(dir).ok());
        open.find(|session| {
            let same = session.seller() == origin && session.mandate() == self.mandate;
            same && session.ended().is_none() && session.plan() == self.plan.as_deref()
        })
    }

    /// Goes on with a session of an earlier process: its payment, its links.
    async fn take_up(&self, session: &Arc<Session>) -> Result<()> {
        let mut unknown = Ok(());
        for hold in session.unshown() {
            match self.bring(session, hold).await {
                // What was refused further is refused; what was paid before, and what was paid after, is there.
                Err(error) if hold > 0 && error.class() == Class::Failed => {}
                Err(error) if hold > 0 => unknown = Err(error),
                brought => brought?,
            }
            if session.ended().is_some() {
                return Ok(());
            }
        }
        unknown?;
        for release in session.again() {
            match self.send_links(session, &release).await {
                Err(error) if error.code().is_some() => {
                    // It has ended there: what it claims is judged, and another one is opened.
                    return self.close(session).await.map(drop);
                }
                other => other?,
            }
        }
        Ok(())
    }

    /// Takes an offer of the seller's: a session, or a further hold for one.
    async fn take(&self, target: &str, session: Option<&Arc<Session>>) -> Result<Arc<Session>> {
        let (wanted, asked) = self.ask(target, OfferKind::Metered).await?;
        let meter = asked.offer.meter.clone().ok_or_else(|| Error::failed("the offer has no meter"))?;
        let of_steps = lengths(&meter, asked.offer.amount).and_then(List::new);
        let opened = Opened {
            offer: asked.offer.id(),
            amount: asked.offer.amount,
            lengths: of_steps.ok_or_else(|| Error::failed("no chains come to the offer's amount"))?,
            meter,
            secret: Digest(random()?), // [TOK-30]
        };
        let (session, hold) = match session {
            Some(session) => (Arc::clone(session), session.add_hold(opened)?),
            None => {
                let (folder, origin) = (self.account.home.path(FOLDER), self.url.origin());
                let session = Session::create(&folder, &origin, self.mandate, asked.offer.currency, opened)?;
                (Arc::new(session), 0)
            }
        };
        self.pay_for(&wanted, &asked, &session, hold).await?;
        Ok(session)
    }

    /// Buys a pack of the plan.
    pub async fn buy_pack(&self) -> Result<Arc<Session>> {
        let plan = self.plan.as_deref().ok_or_else(|| Error::usage("no plan is named"))?;
        self.buy(&format!("/v1/packs/{plan}"), plan, None).await
    }

    /// Buys a pack, or refills one, at the seller's price of now.
    async fn buy(&self, target: &str, plan: &str, session: Option<&Arc<Session>>) -> Result<Arc<Session>> {
        let (wanted, asked) = self.ask(target, OfferKind::Pack).await?;
        let (offer, price) = (asked.offer.id(), Money { amount: asked.offer.amount, currency: asked.offer.currency });
        let (session, purchase) = match session {
            Some(session) => (Arc::clone(session), session.add_purchase(offer, price)?),
            None => {
                let (folder, origin) = (self.account.home.path(FOLDER), self.url.origin());
                let session = Session::create_pack(&folder, &origin, self.mandate, plan, offer, price)?;
                (Arc::new(session), 0)
            }
        };
        self.pay_for(&wanted, &asked, &session, purchase).await?;
        Ok(session)
    }

    async fn pay_for(&self, wanted: &Wanted, asked: &Asked, session: &Arc<Session>, hold: usize) -> Result<()> {
        let fetching = Fetching {
            method: wanted.method.to_string(),
            url: wanted.url.to_string(),
            body_sha256: Digest(Sha256::digest([]).into()).to_string(),
            challenge: asked.challenge.header_value(),
            delivered: false,
        };
        let chains = session.roots(hold);
        let order = Order {
            offer: &asked.offer,
            mandate: self.mandate,
            channel: None,
            device: None,
            fetching: Some(&fetching),
            chains: chains.as_ref(),
        };
        self.payer().sign(&order, self.agent.as_ref())?;
        self.bring(session, hold).await
    }

    /// How a pack stands, as its seller says, after what was counted for it has been seen.
    pub async fn balance(&self, session: &Arc<Session>) -> Result<serde_json::Value> {
        for (stream, body, has) in session.left() {
            self.see_the_rest(session, stream, body, has).await?;
        }
        if session.is_subscription() {
            return self.subscription(session).await;
        }
        let target = format!("/v1/packs/{}", session.id());
        read(&self.until_answered(&self.request(session, Method::GET, &target)?).await?)
    }

    /// Gives back what is left of a pack.
    pub async fn give_back(&self, session: &Arc<Session>) -> Result<serde_json::Value> {
        let target = format!("/v1/packs/{}/refund", session.id());
        let told = read(&self.until_answered(&self.request(session, Method::POST, &target)?).await?)?;
        session.end(Ended::Settled)?;
        Ok(told)
    }

    /// Brings the payment of a hold to its end, and shows it to the seller.
    async fn bring(&self, session: &Arc<Session>, hold: usize) -> Result<()> {
        let offer = session.offers().get(hold).copied().ok_or_else(|| Error::failed("no such hold"))?;
        let Some(mut kept) = self.account.home.attempts().of_offer(&offer)? else {
            // It was never signed, so that nothing was ever sent. What was paid before is there.
            return if hold == 0 { session.end(Ended::Unopened) } else { session.came_to_nothing(hold) };
        };
        self.payer().pursue(&mut kept).await?;
        if kept.came_to_nothing() {
            if hold == 0 {
                session.end(Ended::Unopened)?;
            } else {
                session.came_to_nothing(hold)?;
            }
            let why = kept.reason.clone().unwrap_or_else(|| "the issuer declined".to_owned());
            return Err(Error::failed(format!("payment {} came to nothing: {why}", kept.id)));
        }
        if !kept.is_paid() {
            let error = Error::new(Class::Unknown, format!("payment {} is not decided yet", kept.id));
            return Err(error.fix(format!("purser payment status {}", kept.id)));
        }
        let url = kept.fetching.as_ref().map(|fetching| Url::parse(&fetching.url));
        let url = url.ok_or_else(|| Error::failed("this payment is for no session"))??;
        let mut request = Request::new(Method::POST, url).header(AUTHORIZATION, authorization(&kept)?); // [INT-21]
        request.repeatable = true; // [HTB-17]
        self.until_answered(&request).await?;
        session.shown(hold)?;
        if let Some(fetching) = &mut kept.fetching {
            fetching.delivered = true;
        }
        self.account.home.attempts().keep(&kept)?;
        (self.watch)(session.spending());
        Ok(())
    }

    async fn ask(&self, target: &str, kind: OfferKind) -> Result<(Wanted, Asked)> {
        let mut headers = hyper::header::HeaderMap::new();
        let coupon = self.coupon.as_ref().filter(|_| kind == OfferKind::Pack && !target.ends_with("/refill"));
        for (name, value) in [("purser-coupon", coupon), ("purser-pseudonym", self.pseudonym.as_ref())] {
            if let Some(value) = value.filter(|_| kind == OfferKind::Pack) {
                let value = HeaderValue::try_from(value).map_err(|_| Error::usage("that is no header").at(name))?;
                headers.insert(hyper::header::HeaderName::from_static(name), value);
            }
        }
        let wanted = Wanted {
            method: Method::POST,
            url: self.url.with_target(target),
            headers,
            body: bytes::Bytes::new(),
            max: self.max,
            mandate: Some(self.mandate),
            channel: None,
            device: None,
        };
        // An offer that is lost costs nothing.
        let mut request = Request::new(Method::POST, wanted.url.clone());
        request.repeatable = true;
        request.headers = wanted.headers.clone();
        let answered = self.answered(&request).await?;
        if answered.status != StatusCode::PAYMENT_REQUIRED {
            return Err(Problem::of(&answered).into_error(&self.url.origin()));
        }
        let asked = Asked::read_kind(&answered, &wanted, kind, &self.account.issuer)?;
        Ok((wanted, asked))
    }

    async fn send_links(&self, session: &Session, release: &Release) -> Result<()> {
        let path = format!("/v1/sessions/{}/links", session.id());
        let mut request = self.request(session, Method::POST, &path)?.body(encoded(release));
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/cbor"));
        self.until_answered(&request).await.map(drop)
    }

    /// A request by whoever has the session's secret. Each may arrive twice.
    pub(super) fn request(&self, session: &Session, method: Method, target: &str) -> Result<Request> {
        let secret = match session.subscribed() {
            Some(subscribed) => subscribed.secret.clone(),
            None => base64url::encode(&self.attempt(&session.id())?.secret),
        };
        let mut bearer = HeaderValue::try_from(format!("Bearer {secret}"))
            .map_err(|_| Error::failed("the session's secret is no header"))?;
        bearer.set_sensitive(true); // [PRV-5]
        let mut request = Request::new(method, self.url.with_target(target)).header(AUTHORIZATION, bearer);
        request.repeatable = true;
        Ok(request)
    }

    /// Sends until an answer comes that is no server's failure. It must be a good one.
    pub(super) async fn until_answered(&self, request: &Request) -> Result<Response> {
        let answer = self.answered(request).await?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(Problem::of(&answer).into_error(&self.url.origin()))
    }

    pub(super) async fn answered(&self, request: &Request) -> Result<Response> {
        let began = Instant::now();
        loop {
            let last = match self.account.issuer.connector.send(request).await {
                Ok(answer) if !answer.status.is_server_error() && answer.status.as_u16() != 429 => return Ok(answer),
                Ok(answer) => Problem::of(&answer).into_error(&self.url.origin()),
                Err(error) if matches!(error.class(), Class::Unknown | Class::Unreachable) => error,
                Err(error) => return Err(error),
            };
            if began.elapsed() > self.patience {
                return Err(last);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn attempt(&self, offer: &PaperId) -> Result<Kept> {
        let kept = self.account.home.attempts().of_offer(offer)?;
        kept.ok_or_else(|| Error::failed(format!("the payment for offer {offer} is not kept here")))
    }

    fn payer(&self) -> Payer<'_> {
        Payer {
            issuer: &self.account.issuer,
            home: &self.account.home,
            patience: Patience::default(),
            watch: &Silent,
            asker: Some(self.agent.as_ref()),
        }
    }

    /// The folder in which a session is kept.
    pub fn folder(account: &Account, id: &PaperId) -> PathBuf {
        account.home.path(Path::new(FOLDER).join(id.to_string()))
    }
}

pub(super) fn read<T: serde::de::DeserializeOwned>(answer: &Response) -> Result<T> {
    serde_json::from_slice(&answer.body).map_err(|error| Error::failed(format!("the seller's answer is none: {error}")))
}

#[cfg(test)]
mod tests;
