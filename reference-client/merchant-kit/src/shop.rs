//! The shop: who it is, what it remembers, and what it can be told to do.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use purser_protocol::bind::http::DOCUMENT;
use purser_protocol::cert::Role;
use purser_protocol::field::True;
use purser_protocol::flow::merchant::Consumed;
use purser_protocol::id::{LongText, Nonce, PaperId, PartyId};
use purser_protocol::money::{Amount, Currency, Money};
use purser_protocol::paper::command::{Capture, Payout, Refund, Void};
use purser_protocol::paper::dispute::{DisputeAnswer, Stance};
use purser_protocol::paper::document::Day;
use purser_protocol::time::UnixSeconds;
use serde_json::Value;
use tokio::sync::{Semaphore, watch};

use crate::charge::{BadCharge, Charge, Seller};
use crate::desk::Desks;
use crate::discovery::{self, Words};
use crate::error::{SetupError, StoreError};
use crate::identity::{Identity, IdentityFiles, register};
use crate::layer::{NotPriced, Price};
use crate::paid::Paid;
use crate::pem;
use crate::problem::Problem;
use crate::random::random;
use crate::reconcile::{self, Reconciled};
use crate::request::{Asked, shown};
use crate::sell::Give;
use crate::settings::{Product, Settings};
use crate::store::{self, Bounds, Order, Standing, Store};
use crate::till::{NotMade, Till};

/// How often an order is looked at by somebody who waits for it.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A shop. Clones are the same shop; several processes that open one store are, too.
#[derive(Clone)]
pub struct Shop(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) till: Arc<Till>,
    pub(crate) desks: Desks,
    pub(crate) seller: Seller,
    pub(crate) bounds: Bounds,
    pub(crate) work_seconds: u64,
    pub(crate) catalogue: BTreeMap<String, Vec<Product>>,
    pub(crate) words: Words,
    /// Signatures are made and checked on their own threads, no more at once than there are cores.
    pub(crate) signing: Semaphore,
    closed: watch::Sender<bool>,
}

/// Why an order was not given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotOrdered {
    /// No such payment was redeemed here.
    #[error("no such payment was redeemed here")]
    Unknown,
    /// The shop has no account at this issuer.
    #[error("the shop has no account at this issuer")]
    NoAccount,
    /// The words are too long, or have none.
    #[error("the reason is not 1 to 256 bytes of text")]
    Reason,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The command could not be made, or not be kept.
    #[error("{0}")]
    Failed(String),
}

impl Shop {
    /// Opens the shop of a configuration: the table `[merchant]` of a file, as `purser-server sandbox` writes it.
    ///
    /// Inside a runtime: what it owes and what it orders is sent by tasks of its own, also what an earlier process
    /// has left.
    pub fn open(config: impl AsRef<Path>) -> Result<Self, SetupError> {
        let (settings, _, folder) = Settings::read(config.as_ref())?;
        Self::with(&settings, &folder)
    }

    /// The same, of settings whose paths start in this folder.
    pub fn with(settings: &Settings, folder: &Path) -> Result<Self, SetupError> {
        Self::with_store(settings, folder, store::open(&settings.store, folder)?)
    }

    /// The same, on another store than a file or a database.
    pub fn with_store(settings: &Settings, folder: &Path, store: Box<dyn Store>) -> Result<Self, SetupError> {
        let files = IdentityFiles {
            name: &settings.name,
            network: &settings.network,
            certificate: &settings.certificate,
            key: &settings.key,
        };
        let identity = Identity::load(&files, folder)?;
        let mut register = register(&settings.anchors, Role::Issuer, folder)?;
        for issuer in &settings.issuers {
            register.keep(pem::certificates(&folder.join(&issuer.chain))?);
        }
        let seller = settings.seller(&identity.id)?;
        let catalogue = settings.catalogue(&seller)?;
        let till = Arc::new(Till::new(identity, register, store)?);
        let (closed, watched) = watch::channel(false);
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Ok(Self(Arc::new(Inner {
            desks: Desks::start(settings, folder, &till, &watched)?,
            till,
            seller,
            bounds: settings.bounds(),
            work_seconds: settings.work_seconds,
            catalogue,
            words: Words::of(settings, folder)?,
            signing: Semaphore::new(cores),
            closed,
        })))
    }

    /// What the configuration lists, by path.
    pub fn catalogue(&self) -> &BTreeMap<String, Vec<Product>> {
        &self.0.catalogue
    }

    /// Charges a route: `get(handler).route_layer(shop.price("1.00 CNY", "fortune", "A fortune")?)`.
    pub fn price(&self, price: &str, item: &str, name: &str) -> Result<Price, BadCharge> {
        self.charge(Charge::new(price, item, name)?)
    }

    /// Charges a route on these terms.
    pub fn charge(&self, charge: Charge) -> Result<Price, BadCharge> {
        charge.check(&self.0.seller)?;
        Ok(Price::new(self.clone(), Arc::new(move |_, _| Ok(charge.clone()))))
    }

    /// Charges a route by a function of the request and its body. What it refuses costs nothing: the agent is
    /// answered so, before anybody is asked to pay.
    pub fn price_by(
        &self,
        quote: impl Fn(&Parts, &Bytes) -> Result<Charge, NotPriced> + Send + Sync + 'static,
    ) -> Price {
        Price::new(self.clone(), Arc::new(quote))
    }

    /// Charges a route as the catalogue has it, at the price of the time.
    pub fn listed(&self, method: &str, path: &str) -> Result<Price, BadCharge> {
        let products = self.0.catalogue.get(path).into_iter().flatten();
        let product = products.into_iter().find(|product| product.method == method).cloned();
        let product = product.ok_or_else(|| BadCharge(format!("the catalogue has no {method} {path}")))?;
        let till = Arc::clone(&self.0.till);
        Ok(Price::new(self.clone(), Arc::new(move |_, _| Ok(product.charge(till.clock.now()).1.clone()))))
    }

    /// What a product of the catalogue costs now, and what is served for it.
    pub fn listed_now(&self, method: &str, path: &str) -> Option<(Charge, Option<String>)> {
        let product = self.0.catalogue.get(path)?.iter().find(|product| product.method == method)?;
        Some((product.charge(self.0.till.clock.now()).1.clone(), product.body.clone()))
    }

    /// Answers a request for something that the catalogue serves by itself.
    pub async fn serve_listed(&self, product: &Product, parts: &Parts, body: &Bytes) -> Response {
        let goods = Bytes::from(product.body.clone().unwrap_or_default());
        let charge = Some(product.charge(self.0.till.clock.now()).1.clone());
        let answered = async {
            let asked = Asked::of(parts, body)?;
            let format = product.format.iter().map(|format| ("content-type".to_owned(), format.clone()));
            self.sell(charge, asked, shown(&parts.headers)?, Give::Ready(goods, format.collect())).await
        };
        answered.await.unwrap_or_else(Problem::into_response)
    }

    /// The document at `/.well-known/purser`, for a shop that is known by this address. [HTB-4]
    pub fn document(&self, url: &str) -> Value {
        discovery::document(&self.0, url)
    }

    /// Routes that serve it, and the signed listing of it. [DIR-1]
    pub fn discovery(&self, url: &str) -> Router {
        discovery::routes(self, url)
    }

    /// The document, signed as of now: what is sent to an issuer's directory.
    pub fn listing(&self, url: &str) -> Result<String, NotOrdered> {
        discovery::listing(&self.0, url).map_err(|error| NotOrdered::Failed(error.to_string()))
    }

    /// Has the shop listed in an issuer's directory, under this address; until when, in Unix seconds.
    pub async fn register(&self, issuer: &PartyId, url: &str) -> Result<u64, NotOrdered> {
        let post = self.0.desks.post(issuer).ok_or(NotOrdered::NoAccount)?;
        let answer = post.ask("/v1/directory", DOCUMENT, self.listing(url)?.into_bytes()).await;
        let answer: Value = serde_json::from_slice(&answer.map_err(NotOrdered::Failed)?).unwrap_or_default();
        answer["until"].as_u64().ok_or_else(|| NotOrdered::Failed("the issuer's answer cannot be read".into()))
    }

    /// Holds what an issuer says of a day against the shop's own book.
    pub async fn reconcile(&self, issuer: &PartyId, day: Day) -> Result<Reconciled, NotOrdered> {
        reconcile::reconcile(&self.0, issuer, day).await
    }

    /// Takes held money, in whole or in part; the rest goes back with the last part. Gives the order's id.
    pub async fn capture(&self, intent: PaperId, amount: Amount, last: bool) -> Result<PaperId, NotOrdered> {
        let (by, currency) = self.payment(intent).await?;
        let order = self.0.capture(&by, amount, currency, last);
        self.give(order).await
    }

    /// Gives up what is still held. Gives the order's id.
    pub async fn void(&self, intent: PaperId) -> Result<PaperId, NotOrdered> {
        let (by, _) = self.payment(intent).await?;
        let inner = &self.0;
        let order = inner.head().and_then(|(merchant, issued_at, nonce)| {
            let issuer = by.issuer.clone();
            let void = Void { merchant, issuer, issued_at, nonce, intent };
            inner.till.order(&by.issuer, Some(intent), &void)
        });
        self.give(order).await
    }

    /// Gives money back, in whole or in part. Gives the order's id.
    pub async fn refund(&self, intent: PaperId, amount: Amount, reason: Option<&str>) -> Result<PaperId, NotOrdered> {
        let (by, currency) = self.payment(intent).await?;
        let reason = reason.map(|reason| LongText::new(reason).ok_or(NotOrdered::Reason)).transpose()?;
        let inner = &self.0;
        let order = inner.head().and_then(|(merchant, issued_at, nonce)| {
            let issuer = by.issuer.clone();
            let refund = Refund { merchant, issuer, issued_at, nonce, intent, amount, currency, reason };
            inner.till.order(&by.issuer, Some(intent), &refund)
        });
        self.give(order).await
    }

    /// Answers a dispute about a payment: gives way, or contests it and names the bytes of the delivery. Gives the order's
    /// id. A dispute that nobody answers is the payer's.
    pub async fn answer_dispute(
        &self,
        intent: PaperId,
        dispute: PaperId,
        stance: Stance,
        reason: Option<&str>,
    ) -> Result<PaperId, NotOrdered> {
        let (by, _) = self.payment(intent).await?;
        let reason = reason.map(|reason| LongText::new(reason).ok_or(NotOrdered::Reason)).transpose()?;
        let inner = &self.0;
        let order = inner.head().and_then(|(merchant, issued_at, nonce)| {
            let (issuer, delivered, exhibits) = (by.issuer.clone(), None, None);
            let answer = DisputeAnswer {
                merchant,
                issuer,
                issued_at,
                nonce,
                intent,
                reason,
                dispute,
                stance,
                delivered,
                exhibits,
            };
            inner.till.order(&by.issuer, Some(intent), &answer)
        });
        self.give(order).await
    }

    /// Takes money out of the shop's account at an issuer. Gives the order's id.
    pub async fn payout(&self, issuer: &PartyId, sum: Money) -> Result<PaperId, NotOrdered> {
        let payee = self.0.seller.accepts.iter().find(|payee| payee.issuer == *issuer);
        let account = payee.ok_or(NotOrdered::NoAccount)?.account.clone();
        let Money { amount, currency } = sum;
        let inner = &self.0;
        let order = inner.head().and_then(|(merchant, issued_at, nonce)| {
            let payout = Payout { merchant, issuer: issuer.clone(), issued_at, nonce, amount, currency, account };
            inner.till.order(issuer, None, &payout)
        });
        self.give(order).await
    }

    /// What the issuer has made of an order: `captured`, `voided`, `refunded`, `recorded`, or the slug of a refusal.
    /// It waits for as long as the issuer does not answer.
    pub async fn outcome(&self, order: PaperId) -> Result<String, NotOrdered> {
        loop {
            match self.standing(order).await? {
                Standing::Ended(end) => return Ok(end),
                Standing::Open => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    }

    /// How an order stands.
    pub async fn standing(&self, order: PaperId) -> Result<Standing, NotOrdered> {
        let found = self.0.till.look_aside(move |store| store.order_standing(&order)).await?;
        found.ok_or(NotOrdered::Unknown)
    }

    /// A payment that was redeemed here.
    pub async fn paid(&self, intent: PaperId) -> Result<Option<Paid>, StoreError> {
        let found = self.0.till.look_aside(move |store| store.paid(&intent)).await?;
        Ok(found.map(|(made, sale)| Paid::of(&sale, &made.offer.offer)))
    }

    /// The last payments that were redeemed here, the latest first.
    pub async fn payments(&self, limit: u64) -> Result<Vec<Paid>, StoreError> {
        let found = self.0.till.look_aside(move |store| store.sales(limit)).await?;
        Ok(found.iter().map(|(made, sale)| Paid::of(sale, &made.offer.offer)).collect())
    }

    /// Takes an offer back; `false` when somebody has taken it, or there is none.
    pub async fn withdraw(&self, offer: PaperId) -> Result<bool, NotOrdered> {
        let written = self.0.till.keeper.write(move |store| store.withdraw(&offer)).await;
        written.map_err(|error| NotOrdered::Failed(error.to_string()))
    }

    /// Sets the shop's clock, for a sandbox whose issuer's was set.
    pub fn set_clock(&self, now: UnixSeconds) {
        self.0.till.clock.set(now);
    }

    /// Sends nothing more; what is owed and ordered waits on the disk.
    pub fn close(&self) {
        // Nobody may be left to hear it.
        let _ = self.0.closed.send(true);
    }

    async fn payment(&self, intent: PaperId) -> Result<(Consumed, Currency), NotOrdered> {
        let found = self.0.till.look_aside(move |store| store.paid(&intent)).await?;
        found.map(|(made, sale)| (sale.by, made.offer.offer.currency)).ok_or(NotOrdered::Unknown)
    }

    async fn give(&self, order: Result<Order, NotMade>) -> Result<PaperId, NotOrdered> {
        let order = order.map_err(|error| NotOrdered::Failed(error.to_string()))?;
        let (id, issuer) = (order.id, order.issuer.clone());
        let kept = self.0.till.keeper.write(move |store| store.order(&order)).await;
        kept.map_err(|error| NotOrdered::Failed(error.to_string()))?;
        self.0.desks.wake(&issuer);
        Ok(id)
    }
}

impl Inner {
    /// What every command begins with.
    fn head(&self) -> Result<(PartyId, UnixSeconds, Nonce), NotMade> {
        Ok((self.till.identity.id.clone(), self.till.clock.now(), Nonce(random()?)))
    }

    pub(crate) fn capture(
        &self,
        by: &Consumed,
        amount: Amount,
        currency: Currency,
        last: bool,
    ) -> Result<Order, NotMade> {
        let (merchant, issued_at, nonce) = self.head()?;
        let (issuer, intent, last) = (by.issuer.clone(), by.intent, last.then_some(True));
        let capture = Capture { merchant, issuer, issued_at, nonce, intent, amount, currency, last, claim: None };
        self.till.order(&by.issuer, Some(intent), &capture)
    }
}
