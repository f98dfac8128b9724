//! `[merchant]`: who it is, which issuers it takes money at, what it sells.

use std::path::PathBuf;
use std::num::NonZeroU32;

use axum::http::Method;
use purser_protocol::field::{List, UpTo};
use purser_protocol::id::{Digest, LongText, Nonce, PartyId, ShortText};
use purser_protocol::money::Money;
use purser_protocol::paper::offer::{CaptureMode, HoldSeconds, Item, Offer, OfferKind, Payee};
use purser_protocol::time::UnixSeconds;
use serde::Deserialize;

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
    /// The store's file.
    pub(super) store: PathBuf,
    /// How long an offer can be taken.
    #[serde(default = "five_minutes")]
    pub(super) offer_seconds: u64,
    /// Where it takes money.
    pub(super) issuers: Vec<IssuerEntry>,
    /// What it sells.
    pub(super) products: Vec<ProductEntry>,
}

fn five_minutes() -> u64 {
    300
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
    /// Where refunds are sent.
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
    pub(super) path: String,
    pub(super) body: String,
    price: Money,
    item: Item,
    capture: CaptureMode,
    hold_seconds: Option<HoldSeconds>,
}

impl Product {
    pub(super) fn read(entry: &ProductEntry) -> Result<Self, SetupError> {
        let wrong = |why: &str| setting("products", format!("({}): {why}", entry.path));
        let price: Money = entry.price.parse().map_err(|error| wrong(&format!("price: {error}")))?;
        let item = Item {
            id: ShortText::new(&entry.item).ok_or_else(|| wrong("item is not 1 to 64 bytes of text"))?,
            name: LongText::new(&entry.name).ok_or_else(|| wrong("name is not 1 to 256 bytes of text"))?,
            category: entry.category.map(|number| UpTo::new(number).ok_or_else(|| wrong("no such category"))).transpose()?,
            quantity: NonZeroU32::MIN,
            price: price.amount,
            line: None,
        };
        let hold_seconds = entry.hold_seconds.map(|seconds| HoldSeconds::new(seconds).ok_or_else(|| wrong("hold is too long")));
        Ok(Self {
            method: entry.method.parse().map_err(|_| wrong("no such method"))?,
            path: entry.path.clone(),
            body: entry.body.clone(),
            price,
            item,
            capture: match entry.capture {
                CaptureEntry::AtOnce => CaptureMode::AtOnce,
                CaptureEntry::ByCommand => CaptureMode::ByCommand,
            },
            hold_seconds: hold_seconds.transpose()?,
        })
    }

    /// An offer of one of it.
    pub(super) fn offer(
        &self,
        settings: &MerchantConfig,
        merchant: &PartyId,
        now: UnixSeconds,
        nonce: Nonce,
        resource: Digest,
    ) -> Option<Offer> {
        let accepts = settings.issuers.iter().map(|issuer| {
            Some(Payee { issuer: PartyId::new(&issuer.name)?, account: ShortText::new(&issuer.account)? })
        });
        Some(Offer {
            merchant: merchant.clone(),
            expires_at: now.saturating_add(settings.offer_seconds),
            issued_at: now,
            nonce,
            amount: self.price.amount,
            currency: self.price.currency,
            items: List::new(vec![self.item.clone()])?,
            accepts: List::new(accepts.collect::<Option<_>>()?)?,
            kind: OfferKind::Charge,
            capture: self.capture,
            resource: Some(resource),
            pseudonym: None,
            hold_seconds: self.hold_seconds,
        })
    }
}
