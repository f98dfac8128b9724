//! `[seller]`: who it is, where it takes money, and what units cost.

use std::num::NonZeroU32;
use std::path::PathBuf;

use purser_merchant::settings::IssuerEntry;
use purser_protocol::field::List;
use purser_protocol::id::{Digest, LongText, Nonce, PaperId, PartyId, Pseudonym, ShortText};
use purser_protocol::limits::OFFER_SECONDS_MAX;
use purser_protocol::money::{Amount, Currency, Money};
use purser_protocol::paper::meter::{Ascending, Meter, Price, SessionSeconds, Unit, UnitCount};
use purser_protocol::paper::offer::{CaptureMode, HoldSeconds, Item, Line, Offer, OfferKind, Payee};
use purser_protocol::period::Unit as Calendar;
use purser_protocol::sign::Paper;
use purser_protocol::time::UnixSeconds;
use purser_protocol::wire::Reader;
use serde::Deserialize;
use serde_json::{Value, json};

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
    /// The store's file. Several processes may share it.
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
    /// Packs.
    #[serde(default)]
    plans: Vec<PlanEntry>,
    /// What is taken off their prices.
    #[serde(default)]
    coupons: Vec<CouponEntry>,
    /// Plans that are paid term after term.
    #[serde(default)]
    subscriptions: Vec<SubscriptionEntry>,
    /// How long a term that was refused is not asked for again. [TOK-52]
    #[serde(default = "a_day")]
    pub(super) ask_again_seconds: u64,
    /// Whether its clock may be set: in a sandbox.
    #[serde(default)]
    pub(super) sandbox: bool,
}

/// `[[seller.subscriptions]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SubscriptionEntry {
    id: String,
    name: String,
    /// Units of each term.
    units: u64,
    /// `day`, `week`, `month` or `year`.
    term: String,
    price: String,
    /// Later prices.
    #[serde(default)]
    prices: Vec<PriceEntry>,
    #[serde(default)]
    trial_days: u64,
    #[serde(default)]
    trial_units: u64,
    /// What each of the first terms costs, and how many these are.
    first_price: Option<String>,
    #[serde(default = "once")]
    first_terms: u64,
}

/// `[[seller.plans]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanEntry {
    id: String,
    name: String,
    units: u64,
    days: u64,
    price: String,
    /// Later prices.
    #[serde(default)]
    prices: Vec<PriceEntry>,
}

/// `[[seller.plans.prices]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceEntry {
    from_seconds: u64,
    price: String,
}

/// `[[seller.coupons]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CouponEntry {
    code: String,
    plan: String,
    off: String,
    #[serde(default = "once")]
    uses: u64,
    #[serde(default)]
    first_purchase: bool,
    /// In hexadecimal.
    pseudonym: Option<String>,
    until_seconds: Option<u64>,
}

fn once() -> u64 {
    1
}

/// A plan: so many units, for so long, at the price of the time.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) id: ShortText,
    name: LongText,
    pub(super) units: UnitCount,
    pub(super) seconds: u64,
    prices: Prices,
}

/// A plan that is paid term after term.
#[derive(Clone, Debug)]
pub(super) struct SubscriptionPlan {
    pub(super) id: ShortText,
    name: LongText,
    /// Units of each term.
    pub(super) units: UnitCount,
    pub(super) unit: Calendar,
    /// How long before the first term it may begin, and with how many units.
    pub(super) trial_seconds: u64,
    pub(super) trial_units: u64,
    /// What each of so many first terms costs.
    first: Option<(u32, Amount)>,
    prices: Prices,
}

/// The first price, which holds from the beginning, and later ones with the time from which each holds.
#[derive(Clone, Debug)]
struct Prices(Vec<(UnixSeconds, Amount)>);

/// What is taken off a plan's price.
#[derive(Clone, Debug)]
pub(super) struct CouponTerms {
    pub(super) code: String,
    pub(super) plan: ShortText,
    pub(super) off: Amount,
    pub(super) uses: u64,
    pub(super) first_purchase: bool,
    pub(super) pseudonym: Option<Pseudonym>,
    pub(super) until: Option<UnixSeconds>,
}

impl Plan {
    /// What it costs now, and the number of that price, from 1. What was offered before keeps its price. [TOK-40]
    pub(super) fn price(&self, now: UnixSeconds) -> (usize, Amount) {
        self.prices.at(now)
    }

    /// The plan and the number of its price.
    pub(super) fn versioned(&self, now: UnixSeconds) -> ShortText {
        versioned(&self.id, self.price(now).0)
    }

    pub(super) fn told(&self, currency: Currency, now: UnixSeconds) -> Value {
        json!({
            "plan": self.id.as_str(),
            "version": self.price(now).0,
            "name": self.name.as_str(),
            "units": self.units.get(),
            "seconds": self.seconds,
            "price_minor": self.price(now).1.minor().to_string(),
            "currency": currency.code(),
        })
    }
}

impl SubscriptionPlan {
    /// The plan and the number of its price.
    pub(super) fn versioned(&self, now: UnixSeconds) -> ShortText {
        versioned(&self.id, self.prices.at(now).0)
    }

    pub(super) fn told(&self, currency: Currency, now: UnixSeconds) -> Value {
        let (version, price) = self.prices.at(now);
        json!({
            "plan": self.id.as_str(),
            "version": version,
            "name": self.name.as_str(),
            "units": self.units.get(),
            "term": self.unit.name(),
            "trial_seconds": self.trial_seconds,
            "trial_units": self.trial_units,
            "price_minor": price.minor().to_string(),
            "first_terms": self.first.map(|(terms, _)| terms),
            "first_price_minor": self.first.map(|(_, price)| price.minor().to_string()),
            "currency": currency.code(),
        })
    }
}

impl Prices {
    fn read(first: &str, later: &[PriceEntry], currency: Currency) -> Result<Self, &'static str> {
        let price = |text: &str| money(text, currency).ok_or("a price is no amount of the hold's currency");
        let mut versions = vec![(UnixSeconds::MIN, price(first)?)];
        for later in later {
            let from = UnixSeconds::new(later.from_seconds)
                .filter(|from| versions.last().is_some_and(|(last, _)| last < from));
            versions.push((from.ok_or("later prices are not in order")?, price(&later.price)?));
        }
        Ok(Self(versions))
    }

    fn at(&self, now: UnixSeconds) -> (usize, Amount) {
        let known = self.0.partition_point(|(from, _)| *from <= now).max(1);
        (known, self.0[known - 1].1)
    }
}

fn versioned(plan: &ShortText, version: usize) -> ShortText {
    ShortText::new(&format!("{plan}/{version}")).unwrap_or_else(|| plan.clone())
}

/// A pseudonym in hexadecimal.
pub(super) fn pseudonym(text: &str) -> Option<Pseudonym> {
    let digits = text.as_bytes().as_chunks::<2>().0.iter();
    let bytes = digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    let bytes = bytes.collect::<Option<Vec<u8>>>().filter(|_| text.len() == 32)?;
    bytes.try_into().ok().map(Pseudonym)
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
    pub(super) plans: Vec<Plan>,
    pub(super) coupons: Vec<CouponTerms>,
    pub(super) subscriptions: Vec<SubscriptionPlan>,
}

impl SellerConfig {
    pub(super) fn terms(&self, merchant: &PartyId) -> Result<Terms, SetupError> {
        let price: Money = self.hold.parse().map_err(|error| setting("hold", format!("is no amount: {error}")))?;
        if !(1..=OFFER_SECONDS_MAX).contains(&self.offer_seconds) {
            return Err(setting("offer_seconds", format!("is not 1 to {OFFER_SECONDS_MAX}"))); // [AUT-28]
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
            plans: self.plans.iter().map(|entry| plan(entry, price.currency)).collect::<Result<_, _>>()?,
            coupons: self.coupons.iter().map(|entry| coupon(entry, price.currency)).collect::<Result<_, _>>()?,
            subscriptions: self
                .subscriptions
                .iter()
                .map(|entry| subscription(entry, price.currency))
                .collect::<Result<_, _>>()?,
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

    /// An offer of a pack: plan and price version are the item's id, a coupon is a line. [TOK-40]
    pub(super) fn pack_offer(
        &self,
        plan: &Plan,
        coupon: Option<&CouponTerms>,
        pseudonym: Option<Pseudonym>,
        now: UnixSeconds,
        nonce: Nonce,
        resource: Digest,
    ) -> Option<Offer> {
        let price = plan.price(now).1;
        let mut items = vec![line(plan.versioned(now), plan.name.clone(), price, None)];
        if let Some(coupon) = coupon {
            items.push(line(ShortText::new("coupon")?, LongText::new("Coupon")?, coupon.off, Some(Line::Discount)));
        }
        let off = coupon.map_or(0, |coupon| coupon.off.minor());
        Some(Offer {
            merchant: self.merchant.clone(),
            expires_at: now.saturating_add(self.offer_seconds),
            issued_at: now,
            nonce,
            amount: price.minor().checked_sub(off).and_then(Amount::from_minor)?,
            currency: self.price.currency,
            items: List::new(items)?,
            accepts: List::new(self.accepts.clone())?,
            kind: OfferKind::Pack,
            capture: CaptureMode::AtOnce,
            resource: Some(resource),
            pseudonym,
            hold_seconds: None,
            meter: None,
        })
    }

    /// An offer of one term of a subscription, at the price of now; what the first terms cost less is a line.
    pub(super) fn term_offer(
        &self,
        plan: &SubscriptionPlan,
        number: u32,
        now: UnixSeconds,
        nonce: Nonce,
    ) -> Option<Offer> {
        let price = plan.prices.at(now).1;
        let mut items = vec![line(plan.versioned(now), plan.name.clone(), price, None)];
        let first = plan.first.filter(|(terms, _)| number <= *terms).map(|(_, first)| first);
        if let Some(off) = first.and_then(|first| price.minor().checked_sub(first.minor())).and_then(Amount::from_minor)
        {
            items.push(line(ShortText::new("first-terms")?, LongText::new("First terms")?, off, Some(Line::Discount)));
        }
        Some(Offer {
            merchant: self.merchant.clone(),
            expires_at: now.saturating_add(self.offer_seconds),
            issued_at: now,
            nonce,
            amount: first.unwrap_or(price),
            currency: self.price.currency,
            items: List::new(items)?,
            accepts: List::new(self.accepts.clone())?,
            kind: OfferKind::Subscription,
            capture: CaptureMode::AtOnce,
            resource: None,
            pseudonym: None,
            hold_seconds: None,
            meter: None,
        })
    }
}

fn line(id: ShortText, name: LongText, price: Amount, line: Option<Line>) -> Item {
    Item { id, name, category: None, quantity: NonZeroU32::MIN, price, line }
}

fn plan_id(id: &str) -> Option<ShortText> {
    ShortText::new(id).filter(|id| !id.as_str().contains('/') && id.as_str().len() <= 48)
}

fn subscription(entry: &SubscriptionEntry, currency: Currency) -> Result<SubscriptionPlan, SetupError> {
    let wrong = |why: &str| setting("subscriptions", format!("({}): {why}", entry.id));
    let first = entry.first_price.as_deref().map(|text| {
        let terms = u32::try_from(entry.first_terms).ok().filter(|terms| *terms > 0);
        terms.zip(money(text, currency)).ok_or_else(|| wrong("its first price is no amount of the hold's currency"))
    });
    let first = first.transpose()?;
    let prices = Prices::read(&entry.price, &entry.prices, currency).map_err(wrong)?;
    if first.is_some_and(|(_, first)| prices.0.iter().any(|(_, price)| first >= *price)) {
        return Err(wrong("its first price is not below the others"));
    }
    let unit = Calendar::ALL.into_iter().find(|unit| unit.name() == entry.term);
    Ok(SubscriptionPlan {
        id: plan_id(&entry.id).ok_or_else(|| wrong("its id has a slash or more than 48 bytes"))?,
        name: LongText::new(&entry.name).ok_or_else(|| wrong("its name is not 1 to 256 bytes"))?,
        units: UnitCount::new(entry.units).ok_or_else(|| wrong("it has no units"))?,
        unit: unit.ok_or_else(|| wrong("its term is no day, week, month or year"))?,
        trial_seconds: entry.trial_days.checked_mul(86_400).ok_or_else(|| wrong("its trial is too long"))?,
        trial_units: entry.trial_units,
        first,
        prices,
    })
}

fn plan(entry: &PlanEntry, currency: Currency) -> Result<Plan, SetupError> {
    let wrong = |why: &str| setting("plans", format!("({}): {why}", entry.id));
    Ok(Plan {
        id: plan_id(&entry.id).ok_or_else(|| wrong("its id has a slash or more than 48 bytes"))?,
        name: LongText::new(&entry.name).ok_or_else(|| wrong("its name is not 1 to 256 bytes"))?,
        units: UnitCount::new(entry.units).ok_or_else(|| wrong("it has no units"))?,
        seconds: entry.days.checked_mul(86_400).filter(|seconds| *seconds > 0).ok_or_else(|| wrong("no days"))?,
        prices: Prices::read(&entry.price, &entry.prices, currency).map_err(wrong)?,
    })
}

fn coupon(entry: &CouponEntry, currency: Currency) -> Result<CouponTerms, SetupError> {
    let wrong = |why: &str| setting("coupons", format!("({}): {why}", entry.code));
    let bound = entry.pseudonym.as_deref().map(|text| pseudonym(text).ok_or_else(|| wrong("that is no pseudonym")));
    Ok(CouponTerms {
        code: entry.code.clone(),
        plan: ShortText::new(&entry.plan).ok_or_else(|| wrong("its plan is none"))?,
        off: money(&entry.off, currency).ok_or_else(|| wrong("off is no amount of the hold's currency"))?,
        uses: entry.uses,
        first_purchase: entry.first_purchase,
        pseudonym: bound.transpose()?,
        until: entry.until_seconds.and_then(UnixSeconds::new),
    })
}

fn money(text: &str, currency: Currency) -> Option<Amount> {
    text.parse::<Money>().ok().filter(|money| money.currency == currency).map(|money| money.amount)
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
