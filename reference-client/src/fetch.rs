//! Getting a resource that may have a price.
//!
//! The request is sent; where a 402 comes back, its offer is checked, paid under a mandate, and the request is
//! sent again with the receipt. A request for which a payment is open takes that payment up: no second one is
//! made while the outcome of the first is unknown, or while what it paid for has not come.

mod choose;
mod offer;
pub mod rails;

use std::time::Duration;

use bytes::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use purser_protocol::bind::base64url;
use purser_protocol::bind::http::{Challenge, Credential, PAYMENT_RECEIPT, PURSER_DELIVERY, PaymentTaken};
use purser_protocol::cert::Role;
use purser_protocol::code::Retry;
use purser_protocol::id::{Digest, PaperId};
use purser_protocol::money::Money;
use purser_protocol::paper::delivery::Delivery;
use purser_protocol::paper::offer::Offer;
use purser_protocol::paper::rules::Channel;
use purser_protocol::sign::{Paper as _, Signed, Signer, Verified};
use purser_protocol::wire::Reader;
use sha2::{Digest as _, Sha256};

use crate::connect::{Request, Response, Url};
use crate::error::{Class, Error, Result};
use crate::home::{Fetching, Home, Kept};
use crate::issuer::{MandateView, Problem};
use crate::pay::{Order, Payer};

pub use choose::Fit;
pub use offer::Asked;

/// The longest answer to a receipt that is read, in bytes: no merchant's kit sells a longer one. What was paid for must
/// not be too long to be got.
pub const GOODS_BYTES_MAX: usize = 8 << 20;

/// How often a receipt is shown before giving up for now.
const SHOWINGS_MAX: u32 = 5;

/// What is wanted, and at most for how much.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The method.
    pub method: Method,
    /// The address.
    pub url: Url,
    /// Headers to send along.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The most that may be paid.
    pub max: Money,
    /// The mandate to pay under; the first that fits when absent.
    pub mandate: Option<PaperId>,
    /// How the agent met the offer.
    pub channel: Option<Channel>,
    /// The device that the agent acts through.
    pub device: Option<Digest>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum Fetched {
    /// It had no price, or the server answered otherwise.
    Unpaid(Response),
    /// It was paid for, and here it is. The payment is over when [`Delivered::taken`] says so.
    Delivered(Box<Delivered>),
    /// It is not paid, or it is not known whether it is: the attempt says which.
    Open(Box<Kept>),
}

/// What something costs.
#[derive(Clone, Debug)]
pub enum Quoted {
    /// It had no price, or the server answered otherwise.
    Unpaid(Response),
    /// This.
    Price(Box<Asked>),
}

/// What was paid for.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// The answer.
    pub response: Response,
    /// The payment.
    pub payment: Kept,
    /// What the merchant signed about what it delivered.
    pub delivery: Option<Verified<Delivery>>,
    /// What the merchant should have said, and did not.
    pub warnings: Vec<String>,
}

impl Delivered {
    /// The answer is safe with the one who asked for it, or the merchant need not give it again: the payment is over.
    /// Until then the same call shows the same receipt, and pays nothing.
    pub fn taken(&self, home: &Home) -> Result<()> {
        home.attempts().taken(&self.payment)
    }
}

/// Fetches, and pays.
pub struct Fetcher<'a> {
    /// What pays.
    pub payer: Payer<'a>,
    /// The agent's key.
    pub agent: &'a dyn Signer,
}

impl Wanted {
    fn body_digest(&self) -> [u8; 32] {
        Sha256::digest(&self.body).into()
    }

    fn request(&self) -> Request {
        let mut headers = self.headers.clone();
        let any = HeaderValue::from_static("*/*");
        headers.entry(ACCEPT).or_insert(any);
        let mut request = Request::new(self.method.clone(), self.url.clone()).body(self.body.clone());
        request.headers = headers;
        request
    }
}

impl Fetcher<'_> {
    /// Gets it. An error of [`Class::Unknown`] says that money may have moved: the same call takes it up again.
    pub async fn fetch(&self, wanted: &Wanted) -> Result<Fetched> {
        if let Some(kept) = self.open_payment(wanted)? {
            return self.take_up(kept, wanted).await;
        }
        match self.quote(wanted).await? {
            Quoted::Unpaid(response) => Ok(Fetched::Unpaid(response)),
            Quoted::Price(asked) => self.pay(&asked, wanted).await,
        }
    }

    /// Asks what it costs, and pays nothing.
    pub async fn quote(&self, wanted: &Wanted) -> Result<Quoted> {
        let response = self.unpaid_answer(wanted).await?;
        if response.status != StatusCode::PAYMENT_REQUIRED {
            return Ok(Quoted::Unpaid(response));
        }
        Asked::read(&response, wanted, self.payer.issuer).map(|asked| Quoted::Price(Box::new(asked)))
    }

    /// The same for whoever is asked before anything is paid: at any price, which is then the most that `wanted` allows.
    pub async fn quote_at_any_price(&self, wanted: &mut Wanted) -> Result<Quoted> {
        let response = self.unpaid_answer(wanted).await?;
        if response.status != StatusCode::PAYMENT_REQUIRED {
            return Ok(Quoted::Unpaid(response));
        }
        // What it says is verified below; here it only takes the place of a limit.
        let read = Signed::<Offer>::read(&response.body).ok();
        if let Some(offer) = read.and_then(|signed| Offer::decode(&mut Reader::new(signed.frame.payload)).ok()) {
            wanted.max = Money { amount: offer.amount, currency: offer.currency };
        }
        Asked::read(&response, wanted, self.payer.issuer).map(|asked| Quoted::Price(Box::new(asked)))
    }

    /// Takes up the payment that is open for this request, if there is one.
    pub async fn take_up_open(&self, wanted: &Wanted) -> Result<Option<Fetched>> {
        match self.open_payment(wanted)? {
            Some(kept) => self.take_up(kept, wanted).await.map(Some),
            None => Ok(None),
        }
    }

    /// How each mandate of the agent's looks for this offer: the issuer decides, and what is sure to be refused there
    /// is known here.
    pub async fn considered(&self, wanted: &Wanted, asked: &Asked) -> Result<Vec<(MandateView, Fit)>> {
        choose::considered(self.payer.issuer, self.agent, asked, wanted).await
    }

    async fn unpaid_answer(&self, wanted: &Wanted) -> Result<Response> {
        let response = self.payer.issuer.connector.send(&wanted.request()).await;
        // Nothing is paid yet, so that an answer which is lost is no doubt about money.
        response.map_err(|error| match error.class() {
            Class::Unknown => error.class_of(Class::Unreachable),
            _ => error,
        })
    }

    /// Gets it for the price that was quoted, under a mandate that may be for that very offer.
    pub async fn fetch_quoted(&self, wanted: &Wanted, asked: &Asked) -> Result<Fetched> {
        match self.open_payment(wanted)? {
            Some(kept) => self.take_up(kept, wanted).await,
            None => self.pay(asked, wanted).await,
        }
    }

    /// Pays a quoted price, and leaves it to the caller to show the receipt: [`redemption`]. The same offer again is the
    /// same payment.
    pub async fn pay_only(&self, wanted: &Wanted, asked: &Asked) -> Result<Kept> {
        let of_offer = |kept: &Kept| kept.read_intent().is_ok_and(|intent| intent.offer == asked.offer.id());
        let before = || {
            let attempts = self.payer.home.attempts().all().into_iter().collect::<Result<Vec<_>>>()?;
            Ok(attempts.into_iter().find(|kept| of_offer(kept) && !kept.came_to_nothing()))
        };
        let mut kept = match before()? {
            Some(kept) => kept,
            None => self.signed(asked, wanted, true, before).await?,
        };
        self.payer.pursue(&mut kept).await?;
        Ok(kept)
    }

    async fn pay(&self, asked: &Asked, wanted: &Wanted) -> Result<Fetched> {
        let kept = self.signed(asked, wanted, false, || self.open_payment(wanted)).await?;
        self.take_up(kept, wanted).await
    }

    /// An intent for an offer, kept. `delivered` says that somebody else sees to it that what is paid for comes;
    /// `before` looks once more whether it is paid for already, by another process since. [FLW-4]
    async fn signed(
        &self,
        asked: &Asked,
        wanted: &Wanted,
        delivered: bool,
        before: impl Fn() -> Result<Option<Kept>>,
    ) -> Result<Kept> {
        let fetching = Fetching {
            method: wanted.method.to_string(),
            url: wanted.url.to_string(),
            body_sha256: Digest(wanted.body_digest()).to_string(),
            challenge: asked.challenge.header_value(),
            delivered,
        };
        let (issuer, home) = (self.payer.issuer, self.payer.home);
        let mandate = choose::mandate(issuer, home, self.agent, asked, wanted).await?;
        let order = Order { fetching: Some(&fetching), ..choose::order(mandate, asked, wanted) };
        let alone = home.attempts().alone()?;
        match before()? {
            Some(kept) => Ok(kept),
            None => self.payer.sign_alone(&alone, &order, self.agent),
        }
    }

    /// The payment that is open for this request, if there is one.
    fn open_payment(&self, wanted: &Wanted) -> Result<Option<Kept>> {
        let body_sha256 = Digest(wanted.body_digest()).to_string();
        self.payer.home.attempts().of_request(wanted.method.as_str(), &wanted.url.to_string(), &body_sha256)
    }

    /// Brings an open payment for a request to its end, and redeems it.
    async fn take_up(&self, mut kept: Kept, wanted: &Wanted) -> Result<Fetched> {
        self.payer.pursue(&mut kept).await?;
        if kept.is_paid() { self.redeem(kept, wanted).await } else { Ok(Fetched::Open(Box::new(kept))) }
    }

    /// Shows the receipt until an answer comes: the same receipt with the same request, however often. [HTB-17]
    async fn redeem(&self, kept: Kept, wanted: &Wanted) -> Result<Fetched> {
        let mut request = wanted.request().header(AUTHORIZATION, authorization(&kept)?); // [INT-21]
        request.answer_bytes_max = Some(GOODS_BYTES_MAX);
        let mut last = undelivered(&kept, "no answer came");
        for showing in 0..SHOWINGS_MAX {
            if showing > 0 {
                self.payer.watch.waiting("showing the receipt again");
                tokio::time::sleep(Duration::from_millis(200 << showing)).await;
            }
            let response = match self.payer.issuer.connector.send(&request).await {
                Ok(response) => response,
                Err(error) if matches!(error.class(), Class::Unknown | Class::Unreachable) => {
                    last = undelivered(&kept, &error.to_string());
                    continue;
                }
                Err(error) => return Err(refused(&kept, &error.to_string())),
            };
            if response.status.is_success() {
                return self.delivered(kept, response).map(|delivered| Fetched::Delivered(Box::new(delivered)));
            }
            let (status, problem) = (response.status, Problem::of(&response));
            // Whatever its status: a code of ours, or of a later registry, says whether the same helps. [ERR-4]
            let helps = problem.is_definite() && problem.is_worth_another_try();
            let problem = problem.into_error(&wanted.url.origin());
            if helps || status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429) {
                last = undelivered(&kept, &problem.to_string());
                continue;
            }
            // A price is paid once. Who asks again, or refuses the receipt, has the money and owes the rest.
            let asks_again = status == StatusCode::PAYMENT_REQUIRED && response.media_type() == "application/cose";
            let what = if asks_again { "it asks to be paid again" } else { problem.what() };
            return Err(refused(&kept, what));
        }
        Err(last)
    }

    fn delivered(&self, mut kept: Kept, response: Response) -> Result<Delivered> {
        let mut warnings = Vec::new();
        match response.header(PAYMENT_RECEIPT).map(|value| PaymentTaken::read_intent(value.as_bytes())) {
            Some(Some(intent)) if intent == kept.id => {}
            Some(_) => warnings.push(format!("{PAYMENT_RECEIPT} names another payment")),
            None => warnings.push(format!("{PAYMENT_RECEIPT} is missing")),
        }
        let delivery = match self.delivery(&kept, &response) {
            Ok((delivery, bytes)) => {
                self.payer.home.keep_receipt(&kept.id, "delivery", &bytes)?;
                Some(delivery)
            }
            Err(warning) => {
                warnings.push(warning);
                None
            }
        };
        // What is on the disk does not say so yet: whoever dies with the answer in hand gets it again.
        if let Some(fetching) = &mut kept.fetching {
            fetching.delivered = true;
        }
        Ok(Delivered { response, payment: kept, delivery, warnings })
    }

    /// The merchant's word about what it delivered, held against what came.
    fn delivery(&self, kept: &Kept, response: &Response) -> std::result::Result<(Verified<Delivery>, Vec<u8>), String> {
        let (trust, now) = (&self.payer.issuer.trust, self.payer.issuer.clock.now());
        let value = response.header(PURSER_DELIVERY).ok_or(format!("{PURSER_DELIVERY} is missing"))?;
        let bytes = base64url::decode(value).ok_or(format!("{PURSER_DELIVERY} cannot be read"))?;
        offer::keep_chain(trust, &kept.offer);
        let verified = trust.certified::<Delivery>(&bytes, Role::Merchant, now);
        let (delivery, party) = verified.map_err(|fault| format!("{PURSER_DELIVERY} is refused: {fault}"))?;
        let offer = kept.read_offer().map_err(|error| error.to_string())?;
        let ours = kept.read_intent().map_err(|error| error.to_string())?.offer;
        let by_merchant = party.id == offer.merchant && delivery.merchant == offer.merchant;
        let fits = by_merchant && delivery.intent == kept.id && delivery.offer == ours; // [RCT-17]
        let same = Sha256::digest(&response.body)[..] == delivery.digest.0;
        match (fits, same) {
            (false, _) => Err(format!("{PURSER_DELIVERY} is of another payment")),
            (true, false) => Err(format!("{PURSER_DELIVERY} is of another body")),
            (true, true) => Ok((delivery, bytes)),
        }
    }
}

/// What redeems a payment that is made, as the value of `Authorization`. It is for one address, and secret. [HTB-3]
pub fn redemption(kept: &Kept) -> Result<String> {
    let value = authorization(kept)?;
    value.to_str().map(str::to_owned).map_err(|_| refused(kept, "its receipt is no header"))
}

/// The header that redeems a payment.
pub(crate) fn authorization(kept: &Kept) -> Result<HeaderValue> {
    let lost = |what: &str| refused(kept, what);
    let fetching = kept.fetching.as_ref().ok_or_else(|| lost("this payment is for no request"))?;
    let challenge = Challenge::read([fetching.challenge.as_bytes()]).into_iter().find_map(std::result::Result::ok);
    let challenge = challenge.ok_or_else(|| lost("its challenge cannot be read"))?;
    let receipt = kept.receipt.clone().ok_or_else(|| lost("its receipt is missing"))?;
    let value = Credential::new(&challenge, receipt, kept.secret).header_value();
    let value = value.ok_or_else(|| lost("its receipt is too long for a header"))?;
    let mut value = HeaderValue::try_from(value).map_err(|_| lost("its receipt is no header"))?;
    value.set_sensitive(true); // [PRV-5]
    Ok(value)
}

/// Paid, and the merchant will not have it.
fn refused(kept: &Kept, what: &str) -> Error {
    let what = format!("payment {} is made, and the merchant does not give what it pays for: {what}", kept.id);
    let close = format!("the merchant owes it, or a refund; purser payment close {} lets it go", kept.id);
    Error::new(Class::Unknown, what).fix(close).retry(Retry::Never)
}

/// Paid, and nothing came for it yet.
fn undelivered(kept: &Kept, what: &str) -> Error {
    Error::new(Class::Unknown, format!("payment {} is made, and what it pays for has not come: {what}", kept.id))
        .fix("the same call again shows the same receipt; it never pays twice")
}

/// A header of its name and value, for those who take both as text.
pub fn header(text: &str) -> Result<(HeaderName, HeaderValue)> {
    let wrong = || Error::usage("not a header: \"Name: value\"").at(text);
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    let name = HeaderName::try_from(name.trim()).map_err(|_| wrong())?;
    let value = HeaderValue::try_from(value.trim()).map_err(|_| wrong())?;
    let own = [AUTHORIZATION, hyper::header::HOST, hyper::header::CONTENT_LENGTH, hyper::header::TRANSFER_ENCODING];
    if own.contains(&name) {
        return Err(Error::usage(format!("{name} is set by purser itself")).at(text));
    }
    Ok((name, value))
}
