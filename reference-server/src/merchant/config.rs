//! `[merchant]`: who it is, which issuers it takes money at, what it sells.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;

use axum::http::Method;
use purser_protocol::field::{List, UpTo};
use purser_protocol::id::{Digest, LongText, Nonce, PartyId, ShortText};
use purser_protocol::limits::OFFER_SECONDS_MAX;
use purser_protocol::money::{Currency, Money};
use purser_protocol::paper::offer::{CaptureMode, HoldSeconds, Item, Offer, OfferKind, Payee};
use purser_protocol::sign::Paper;
use purser_protocol::time::UnixSeconds;
use purser_protocol::wire::Reader;
use serde::Deserialize;

use super::offers::Bounds;
use crate::material::{SetupError, setting};

/// `[merchant]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MerchantConfig {
    /// Its name, as in its certificate.
    pub(super) name: String,
    /// The network that its papers belong to.
    pub(super) network: String,
    /// Its signing certificate and what issued it, leaf first, in PEM.
    pub(super) certificate: PathBuf,
    /// The leaf's private key: PKCS #8 in PEM.
    pub(super) key: PathBuf,
    /// Certificates of authorities whose issuers are trusted, in PEM.
    pub(super) anchors: Vec<PathBuf>,
    /// The store's file. Several processes may share it.
    pub(super) store: PathBuf,
    /// How long an offer can be taken.
    #[serde(default = "five_minutes")]
    pub(super) offer_seconds: u64,
    /// Most offers that are remembered while nobody has taken them.
    #[serde(default = "a_hundred_thousand")]
    pub(super) offers_max: u64,
    /// How long an offer that nobody took is remembered after it has expired.
    #[serde(default = "a_day")]
    pub(super) remember_seconds: u64,
    /// Where it takes money.
    pub(super) issuers: Vec<IssuerEntry>,
    /// What it sells.
    pub(super) products: Vec<ProductEntry>,
}

fn five_minutes() -> u64 {
    300
}

fn a_hundred_thousand() -> u64 {
    100_000
}

fn a_day() -> u64 {
    86_400
}

/// `[[merchant.issuers]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IssuerEntry {
    /// The issuer's name.
    pub(super) name: String,
    /// The merchant's account there.
    pub(super) account: String,
    /// The issuer's signing chain, leaf first, in PEM: receipts verify without asking anybody.
    pub(super) chain: PathBuf,
    /// Where money that goes back is sent.
    pub(super) url: String,
    /// Whom the connection trusts, in PEM.
    pub(super) roots: PathBuf,
}

/// `[[merchant.products]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProductEntry {
    #[serde(default = "get")]
    method: String,
    path: String,
    price: String,
    item: String,
    name: String,
    category: Option<u64>,
    #[serde(default)]
    capture: CaptureEntry,
    hold_seconds: Option<u64>,
    body: String,
}

fn get() -> String {
    "GET".into()
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum CaptureEntry {
    #[default]
    AtOnce,
    ByCommand,
}

/// Something that has a price.
pub(super) struct Product {
    pub(super) method: Method,
    pub(super) body: String,
    pub(super) currency: Currency,
    terms: Terms,
}

/// What all offers of a product have in common.
struct Terms {
    merchant: PartyId,
    offer_seconds: u64,
    accepts: Vec<Payee>,
    price: Money,
    item: Item,
    capture: CaptureMode,
    hold_seconds: Option<HoldSeconds>,
}

/// Paths that are the shell's, or the role's.
const TAKEN: [&str; 4] = ["/.well-known/purser", "/healthz", "/readyz", "/metrics"];

impl MerchantConfig {
    pub(super) fn bounds(&self) -> Bounds {
        Bounds { offers_max: self.offers_max, remember_seconds: self.remember_seconds }
    }

    /// What is sold, by path; each path has a method once.
    pub(super) fn catalogue(&self, merchant: &PartyId) -> Result<BTreeMap<String, Vec<Product>>, SetupError> {
        if !(1..=OFFER_SECONDS_MAX).contains(&self.offer_seconds) {
            return Err(setting("offer_seconds", format!("is not 1 to {OFFER_SECONDS_MAX}"))); // [AUT-28]
        }
        let mut catalogue: BTreeMap<String, Vec<Product>> = BTreeMap::new();
        for entry in &self.products {
            let product = self.product(entry, merchant)?;
            let others = catalogue.entry(entry.path.clone()).or_default();
            if others.iter().any(|other| other.method == product.method) {
                return Err(setting("products", format!("have {} {} twice", product.method, entry.path)));
            }
            others.push(product);
        }
        Ok(catalogue)
    }

    fn product(&self, entry: &ProductEntry, merchant: &PartyId) -> Result<Product, SetupError> {
        let wrong = |why: &str| setting("products", format!("({}): {why}", entry.path));
        if !is_plain(&entry.path) || TAKEN.contains(&entry.path.as_str()) {
            return Err(wrong("path is not one of its own, from a slash, of letters, digits and -._~/"));
        }
        let method: Method = entry.method.parse().map_err(|_| wrong("no such method"))?;
        if [Method::HEAD, Method::OPTIONS, Method::CONNECT, Method::TRACE].contains(&method) {
            return Err(wrong("the answer to this method has no content of the resource"));
        }
        let price: Money = entry.price.parse().map_err(|error| wrong(&format!("price: {error}")))?;
        let category = entry.category.map(|number| UpTo::new(number).ok_or_else(|| wrong("no such category")));
        let item = Item {
            id: ShortText::new(&entry.item).ok_or_else(|| wrong("item is not 1 to 64 bytes of text"))?,
            name: LongText::new(&entry.name).ok_or_else(|| wrong("name is not 1 to 256 bytes of text"))?,
            category: category.transpose()?,
            quantity: NonZeroU32::MIN,
            price: price.amount,
            line: None,
        };
        let hold_seconds =
            entry.hold_seconds.map(|seconds| HoldSeconds::new(seconds).ok_or_else(|| wrong("hold is too long")));
        let terms = Terms {
            merchant: merchant.clone(),
            offer_seconds: self.offer_seconds,
            accepts: self.accepts()?,
            price,
            item,
            capture: match entry.capture {
                CaptureEntry::AtOnce => CaptureMode::AtOnce,
                CaptureEntry::ByCommand => CaptureMode::ByCommand,
            },
            hold_seconds: hold_seconds.transpose()?,
        };
        let product = Product { method, body: entry.body.clone(), currency: price.currency, terms };
        // Better now than by every agent that reads one.
        let sample = product.offer(UnixSeconds::MIN, Nonce([0; 16]), Digest([0; 32]));
        let sample = sample.ok_or_else(|| wrong("an offer accepts 1 to 8 issuers"))?;
        let read = Offer::decode(&mut Reader::new(&sample.payload()));
        read.map_err(|fault| wrong(&format!("its offers could not be read: {fault}")))?;
        Ok(product)
    }

    fn accepts(&self) -> Result<Vec<Payee>, SetupError> {
        let payee = |entry: &IssuerEntry| {
            Some(Payee { issuer: PartyId::new(&entry.name)?, account: ShortText::new(&entry.account)? })
        };
        let accepts: Option<Vec<_>> = self.issuers.iter().map(payee).collect();
        accepts.ok_or_else(|| setting("issuers", "have a name or an account that is none"))
    }
}

impl Product {
    /// An offer of one of it, for one request.
    pub(super) fn offer(&self, now: UnixSeconds, nonce: Nonce, resource: Digest) -> Option<Offer> {
        let Terms { merchant, offer_seconds, accepts, price, item, capture, hold_seconds } = &self.terms;
        Some(Offer {
            merchant: merchant.clone(),
            expires_at: now.saturating_add(*offer_seconds),
            issued_at: now,
            nonce,
            amount: price.amount,
            currency: price.currency,
            items: List::new(vec![item.clone()])?,
            accepts: List::new(accepts.clone())?,
            kind: OfferKind::Charge,
            capture: *capture,
            resource: Some(resource), // [INT-8] [PRV-7]
            pseudonym: None,
            hold_seconds: *hold_seconds,
        })
    }
}

/// A path that means itself: no pattern, no query, nothing that is escaped.
fn is_plain(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.starts_with('/') && path.bytes().all(plain)
}
