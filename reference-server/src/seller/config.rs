//! `[seller]`: who it is, where it takes money, and what units cost.

use std::num::NonZeroU32;
use std::path::PathBuf;

use purser_merchant::settings::IssuerEntry;
use purser_protocol::field::List;
use purser_protocol::id::{Digest, LongText, Nonce, PaperId, PartyId, ShortText};
use purser_protocol::limits::OFFER_SECONDS_MAX;
use purser_protocol::money::{Amount, Money};
use purser_protocol::paper::meter::{Ascending, Meter, Price, SessionSeconds, Unit, UnitCount};
use purser_protocol::paper::offer::{CaptureMode, HoldSeconds, Item, Offer, OfferKind, Payee};
use purser_protocol::sign::Paper;
use purser_protocol::time::UnixSeconds;
use purser_protocol::wire::Reader;
use serde::Deserialize;

use crate::material::{SetupError, setting};

/// `[seller]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SellerConfig {
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
    /// The store's file. One process has it.
    pub(super) store: PathBuf,
    /// Where it takes money.
    pub(super) issuers: Vec<IssuerEntry>,
    /// What one hold holds.
    hold: String,
    #[serde(default = "a_day")]
    hold_seconds: u64,
    #[serde(default = "five_minutes")]
    offer_seconds: u64,
    /// In minor units of the hold's currency, for `per` tokens.
    input_price: u64,
    output_price: u64,
    per: u64,
    /// What a link of each chain is worth, ascending.
    steps: Vec<u64>,
    /// The most by which links may be ahead of use.
    ahead: u64,
    #[serde(default = "five_minutes")]
    idle_seconds: u64,
    #[serde(default = "five_minutes")]
    grace_seconds: u64,
}

fn a_day() -> u64 {
    86_400
}

fn five_minutes() -> u64 {
    300
}

/// What all offers have in common.
pub(super) struct Terms {
    merchant: PartyId,
    offer_seconds: u64,
    accepts: Vec<Payee>,
    pub(super) price: Money,
    item: Item,
    hold_seconds: HoldSeconds,
    meter: Meter,
}

impl SellerConfig {
    pub(super) fn terms(&self, merchant: &PartyId) -> Result<Terms, SetupError> {
        let price: Money = self.hold.parse().map_err(|error| setting("hold", format!("is no amount: {error}")))?;
        if !(1..=OFFER_SECONDS_MAX).contains(&self.offer_seconds) {
            return Err(setting("offer_seconds", format!("is not 1 to {OFFER_SECONDS_MAX}"))); // [AUT-28]
        }
        // A claim is addressed to the issuer that holds the money, and a receipt does not say in the session which.
        if self.issuers.len() != 1 {
            return Err(setting("issuers", "are other than one, which is all that a seller takes money at so far"));
        }
        let payee = |entry: &IssuerEntry| {
            Some(Payee { issuer: PartyId::new(&entry.name)?, account: ShortText::new(&entry.account)? })
        };
        let accepts: Option<Vec<_>> = self.issuers.iter().map(payee).collect();
        let terms = Terms {
            merchant: merchant.clone(),
            offer_seconds: self.offer_seconds,
            accepts: accepts.ok_or_else(|| setting("issuers", "have a name or an account that is none"))?,
            price,
            item: item(price.amount).ok_or_else(|| setting("hold", "cannot be offered"))?,
            hold_seconds: HoldSeconds::new(self.hold_seconds).ok_or_else(|| setting("hold_seconds", "are too many"))?,
            meter: self.meter().ok_or_else(|| setting("steps", "or prices, or times, are out of their ranges"))?,
        };
        // Better now than by every agent that reads one.
        let sample = terms.offer(UnixSeconds::MIN, Nonce([0; 16]), Digest([0; 32]), None);
        let sample = sample.ok_or_else(|| setting("issuers", "are not 1 to 8"))?;
        Offer::decode(&mut Reader::new(&sample.payload()))
            .map_err(|fault| setting("ahead", format!("and the rest make offers that cannot be read: {fault}")))?;
        Ok(terms)
    }

    fn meter(&self) -> Option<Meter> {
        let price = |unit, minor| Some(Price { unit, amount: Amount::from_minor(minor)? });
        let steps = self.steps.iter().map(|step| Amount::from_minor(*step)).collect::<Option<Vec<_>>>()?;
        let prices = vec![price(Unit::InputToken, self.input_price)?, price(Unit::OutputToken, self.output_price)?];
        Some(Meter {
            prices: Ascending::new(prices)?,
            per: UnitCount::new(self.per)?,
            steps: Ascending::new(steps)?,
            ahead: Amount::from_minor(self.ahead)?,
            idle_seconds: SessionSeconds::new(self.idle_seconds)?,
            grace_seconds: SessionSeconds::new(self.grace_seconds)?,
            continues: None,
        })
    }
}

impl Terms {
    /// An offer of a session, or of a further hold for one.
    pub(super) fn offer(
        &self,
        now: UnixSeconds,
        nonce: Nonce,
        resource: Digest,
        continues: Option<PaperId>,
    ) -> Option<Offer> {
        Some(Offer {
            merchant: self.merchant.clone(),
            expires_at: now.saturating_add(self.offer_seconds),
            issued_at: now,
            nonce,
            amount: self.price.amount,
            currency: self.price.currency,
            items: List::new(vec![self.item.clone()])?,
            accepts: List::new(self.accepts.clone())?,
            kind: OfferKind::Metered,
            capture: CaptureMode::ByCommand,
            resource: Some(resource), // [INT-8]
            pseudonym: None,
            hold_seconds: Some(self.hold_seconds),
            meter: Some(Meter { continues, ..self.meter.clone() }),
        })
    }
}

fn item(price: Amount) -> Option<Item> {
    Some(Item {
        id: ShortText::new("tokens")?,
        name: LongText::new("Tokens by the meter, up to this amount")?,
        category: None,
        quantity: NonZeroU32::MIN,
        price,
        line: None,
    })
}
