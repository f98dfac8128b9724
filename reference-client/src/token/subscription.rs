//! Subscriptions: a mandate that the seller holds, and what the seller is told of it.

use std::sync::Arc;

use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use purser_protocol::bind::base64url;
use purser_protocol::code::Code;
use purser_protocol::field::{List, UpTo};
use purser_protocol::id::{AccountId, LineageId, PaperId, PartyId};
use purser_protocol::money::{Amount, Currency};
use purser_protocol::paper::mandate::{Holder, Mandate, Mode};
use purser_protocol::paper::rules::{Fields, PeriodCount, Rules};
use purser_protocol::period::{Period, Terms, Unit, Zone};
use purser_protocol::time::UnixSeconds;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::book::Subscribed;
use super::seller::{FOLDER, Seller, read};
use super::session::Session;
use crate::clock::random;
use crate::connect::{Request, Url};
use crate::error::{Error, Result};
use crate::session::Session as Account;

/// A plan of terms, as its seller tells it. Members that are not known are passed over. [VER-6]
#[derive(Clone, Debug, Deserialize)]
pub struct Plan {
    /// Its name among the seller's.
    pub plan: String,
    /// In words.
    pub name: String,
    /// Units of each term.
    pub units: u64,
    /// `day`, `week`, `month` or `year`.
    pub term: String,
    /// How long the first term may be ahead.
    #[serde(default)]
    pub trial_seconds: u64,
    /// What a term costs.
    pub price_minor: String,
    /// What each of the first terms costs.
    #[serde(default)]
    pub first_price_minor: Option<String>,
    /// How many these are.
    #[serde(default)]
    pub first_terms: Option<u32>,
    /// The currency of its prices.
    pub currency: String,
}

#[derive(Deserialize)]
struct Plans {
    #[serde(default)]
    subscriptions: Vec<Plan>,
}

impl Plan {
    /// The plan of this name, and who sells it.
    pub async fn find(account: &Account, url: &Url, name: &str) -> Result<(Self, PartyId)> {
        let connector = &account.issuer.connector;
        let told = connector.send(&Request::new(Method::GET, url.with_target("/v1/plans"))).await?;
        let plans: Plans = read(&told)?;
        let plan = plans.subscriptions.into_iter().find(|plan| plan.plan == name);
        let plan = plan.ok_or_else(|| Error::usage("the seller has no such subscription").at(name))?;
        let told = connector.send(&Request::new(Method::GET, url.with_target("/.well-known/purser"))).await?;
        let document: Value = read(&told)?;
        let seller = document["purser"]["id"].as_str().and_then(PartyId::new);
        Ok((plan, seller.ok_or_else(|| Error::failed("the seller does not say who it is"))?))
    }

    /// The price of a term.
    pub fn price(&self) -> Result<(Amount, Currency)> {
        let amount = self.price_minor.parse().ok().and_then(Amount::from_minor);
        let price = amount.zip(Currency::from_code(&self.currency));
        price.ok_or_else(|| Error::failed("the seller's price is none"))
    }

    /// Its terms from an anchor on.
    pub fn terms(&self, zone: Zone, anchor: UnixSeconds) -> Result<Terms> {
        let unit = Unit::ALL.into_iter().find(|unit| unit.name() == self.term);
        Ok(Terms { unit: unit.ok_or_else(|| Error::failed("the seller's term is none"))?, zone, anchor })
    }

    /// The mandate for it: one payment a term to this seller, and the person is asked above the price of now. [TOK-49]
    pub fn mandate(
        &self,
        account: AccountId,
        issuer: PartyId,
        seller: PartyId,
        terms: Terms,
        (now, until): (UnixSeconds, UnixSeconds),
    ) -> Result<Mandate> {
        let (price, currency) = self.price()?;
        let none = || Error::failed("the mandate cannot be written");
        let once = PeriodCount { count: std::num::NonZeroU32::MIN, period: Period::Terms(terms) };
        let caps = Fields {
            count_per: Some(List::new(vec![once]).ok_or_else(none)?),
            ask_above: Some(UpTo::new(price.minor()).ok_or_else(none)?),
            ..Fields::default()
        };
        let seller_alone = purser_protocol::field::Set::new(vec![seller.clone()]);
        let grant = Fields { merchants_allow: Some(seller_alone.ok_or_else(none)?), ..Fields::default() };
        Ok(Mandate {
            account,
            issuer,
            expires_at: until,
            not_before: now,
            issued_at: now,
            holder: Holder::Merchant(seller),
            offer: None,
            currency,
            lineage: LineageId(random()?), // [MAN-1]
            serial: std::num::NonZeroU32::MIN,
            mode: Mode::Conditional,
            parent: None,
            replaces: None,
            caps: Rules::new(caps),
            grants: List::new(vec![Rules::new(grant).ok_or_else(none)?]),
            funded: None,
            refund_returns: None,
            shown: None,
            conversation: None,
        })
    }
}

impl Seller {
    /// Tells the seller of a mandate that it holds, after it is kept here.
    pub async fn subscribe(&self, plan: &Plan, terms: &Terms) -> Result<(Arc<Session>, Value)> {
        let secret: [u8; 32] = random()?;
        let told = json!({
            "plan": plan.plan,
            "issuer": self.account.issuer.id.as_str(),
            "mandate": self.mandate.to_string(),
            "zone": terms.zone.name(),
            "unit": terms.unit.name(),
            "anchor": terms.anchor.get(),
            "secret_hash": base64url::encode(&Sha256::digest(secret)),
        });
        let subscribed = Subscribed { secret: base64url::encode(&secret), told };
        let (folder, currency) = (self.account.home.path(FOLDER), plan.price()?.1);
        let what = (plan.plan.as_str(), subscribed);
        let session = Session::create_subscription(&folder, &self.url.origin(), self.mandate, currency, what)?;
        let session = Arc::new(session);
        let told = self.tell(&session).await?;
        Ok((session, told))
    }

    /// How a subscription stands, as its seller says; one that was never told is told now.
    pub(super) async fn subscription(&self, session: &Session) -> Result<Value> {
        let target = format!("/v1/subscriptions/{}", session.id());
        match self.until_answered(&self.request(session, Method::GET, &target)?).await {
            Err(error) if error.code() == Some(Code::SessionUnknown) => self.tell(session).await,
            told => read(&told?),
        }
    }

    async fn tell(&self, session: &Session) -> Result<Value> {
        let subscribed = session.subscribed().ok_or_else(|| Error::usage("that is no subscription"))?;
        let mut request = Request::new(Method::POST, self.url.with_target("/v1/subscriptions"));
        request.repeatable = true;
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        read(&self.until_answered(&request.body(subscribed.told.to_string())).await?)
    }

    /// The subscription under this mandate that is kept here.
    pub fn kept_subscription(account: &Account, mandate: &PaperId) -> Result<Session> {
        let session = Session::open(&Self::folder(account, mandate))?;
        if session.is_subscription() { Ok(session) } else { Err(Error::usage("that is no subscription").at(mandate)) }
    }
}
