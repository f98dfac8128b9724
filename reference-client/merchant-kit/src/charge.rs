//! What a route costs: the terms of the offers that are made for it.

use std::num::NonZeroU32;

use axum::http::header::{HeaderName, HeaderValue, WWW_AUTHENTICATE};
use purser_protocol::bind::http::Challenge;
use purser_protocol::field::{List, UpTo};
use purser_protocol::id::{Digest, LongText, Nonce, PartyId, ShortText};
use purser_protocol::money::{Currency, Money};
use purser_protocol::paper::offer::{CaptureMode, HoldSeconds, Item, Offer, OfferKind, Payee};
use purser_protocol::sign::Paper;
use purser_protocol::time::UnixSeconds;
use purser_protocol::wire::Reader;

/// The fields in which other ways to pay ask.
const BESIDE: [&str; 3] = ["payment-required", "payment-needed", "www-authenticate"];

/// The longest value of a field. [HTB-2]
const HEADER_BYTES_MAX: usize = 2_048;

/// A price, and what it is for.
#[derive(Clone, Debug)]
pub struct Charge {
    price: Money,
    item: Item,
    capture: CaptureMode,
    hold_seconds: Option<HoldSeconds>,
    pub(crate) captured_when_delivered: bool,
    /// What other ways to pay say, as fields of the answer.
    pub(crate) beside: Vec<(HeaderName, HeaderValue)>,
}

/// Why something cannot be charged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadCharge(pub(crate) String);

impl Charge {
    /// A price such as `1.00 CNY` for an item: its id in the shop, and its name as the payer reads it.
    pub fn new(price: &str, id: &str, name: &str) -> Result<Self, BadCharge> {
        let price: Money = price.parse().map_err(|error| BadCharge(format!("price: {error}")))?;
        let item = Item {
            id: ShortText::new(id).ok_or_else(|| bad("item is not 1 to 64 bytes of text"))?,
            name: LongText::new(name).ok_or_else(|| bad("name is not 1 to 256 bytes of text"))?,
            category: None,
            quantity: NonZeroU32::MIN,
            price: price.amount,
            line: None,
        };
        let (capture, hold_seconds) = (CaptureMode::AtOnce, None);
        Ok(Self { price, item, capture, hold_seconds, captured_when_delivered: false, beside: Vec::new() })
    }

    /// The same, of a category (ISO 18245), which the merchant's certificate must allow. [AUT-43]
    pub fn category(mut self, number: u64) -> Result<Self, BadCharge> {
        self.item.category = Some(UpTo::new(number).ok_or_else(|| bad("no such category"))?);
        Ok(self)
    }

    /// The same, held for so long and captured by command.
    pub fn held(self, seconds: u64) -> Result<Self, BadCharge> {
        self.by_command().hold_seconds(seconds)
    }

    pub(crate) fn hold_seconds(mut self, seconds: u64) -> Result<Self, BadCharge> {
        self.hold_seconds = Some(HoldSeconds::new(seconds).ok_or_else(|| bad("hold is too long"))?);
        Ok(self)
    }

    /// The same, held as long as issuers hold by themselves, and captured by command.
    #[must_use]
    pub fn by_command(mut self) -> Self {
        self.capture = CaptureMode::ByCommand;
        self
    }

    /// The same, held and captured in full when it has been delivered; given up when it could not be.
    #[must_use]
    pub fn captured_when_delivered(mut self) -> Self {
        self.capture = CaptureMode::ByCommand;
        self.captured_when_delivered = true;
        self
    }

    /// The same, with what another way to pay asks beside it: `payment-required` for x402, `payment-needed` for A402,
    /// `www-authenticate` for other methods of the scheme `Payment`. Whoever pays that way is served by whatever stands
    /// before the shop, not by the shop. At most 2,048 bytes. \[HTB-2\]
    pub fn beside(mut self, name: &str, value: &str) -> Result<Self, BadCharge> {
        let name: HeaderName = name.parse().map_err(|_| bad("beside has a name that is no field's"))?;
        if !BESIDE.contains(&name.as_str()) {
            return Err(BadCharge(format!("beside has {name}, and may have {}", BESIDE.join(", "))));
        }
        // One of ours that is not for the offer would be taken for a fault of it.
        if value.len() > HEADER_BYTES_MAX || name == WWW_AUTHENTICATE && !Challenge::read([value.as_bytes()]).is_empty()
        {
            return Err(bad("beside has a value that is longer than 2,048 bytes, or a challenge of the method purser"));
        }
        let value = HeaderValue::from_str(value).map_err(|_| bad("beside has a value that is no field's"))?;
        self.beside.push((name, value));
        Ok(self)
    }

    /// The price.
    pub fn price(&self) -> Money {
        self.price
    }

    /// Its currency.
    pub fn currency(&self) -> Currency {
        self.price.currency
    }

    /// The item's name.
    pub fn name(&self) -> &str {
        self.item.name.as_str()
    }

    /// An offer of one of it: for one request, or for whoever shows its receipt at the counter.
    pub(crate) fn offer(
        &self,
        seller: &Seller,
        now: UnixSeconds,
        nonce: Nonce,
        resource: Option<Digest>,
    ) -> Option<Offer> {
        Some(Offer {
            merchant: seller.merchant.clone(),
            expires_at: now.saturating_add(seller.offer_seconds),
            issued_at: now,
            nonce,
            amount: self.price.amount,
            currency: self.price.currency,
            items: List::new(vec![self.item.clone()])?,
            accepts: List::new(seller.accepts.clone())?,
            kind: OfferKind::Charge,
            capture: self.capture,
            resource, // [INT-8] [PRV-7]
            pseudonym: None,
            hold_seconds: self.hold_seconds,
            meter: None,
        })
    }

    /// Whether its offers can be read: better now than by every agent that reads one.
    pub(crate) fn check(&self, seller: &Seller) -> Result<(), BadCharge> {
        let sample = self.offer(seller, UnixSeconds::MIN, Nonce([0; 16]), Some(Digest([0; 32])));
        let sample = sample.ok_or_else(|| bad("an offer accepts 1 to 8 issuers"))?;
        let read = Offer::decode(&mut Reader::new(&sample.payload()));
        read.map(drop).map_err(|fault| BadCharge(format!("its offers could not be read: {fault}")))
    }
}

/// What all offers of a shop have in common.
#[derive(Clone, Debug)]
pub(crate) struct Seller {
    pub(crate) merchant: PartyId,
    pub(crate) offer_seconds: u64,
    pub(crate) accepts: Vec<Payee>,
}

fn bad(why: &str) -> BadCharge {
    BadCharge(why.to_owned())
}
