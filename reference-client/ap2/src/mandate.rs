//! The four mandates of AP2, read closed: a member that is not known may limit, and is refused by name.

use std::collections::{BTreeMap, BTreeSet};

use purser_protocol::bind::base64url;
use purser_protocol::code::Code;
use purser_protocol::money::{Amount, Currency};
use purser_protocol::sign::{Crypto, PublicKey};

use crate::json::Json;
use crate::refusal::Refusal;

type Result<T> = std::result::Result<T, Refusal>;

/// Most entries of a list in a mandate.
const ENTRIES_MAX: usize = 64;
/// Longest text in a mandate.
const TEXT_BYTES_MAX: usize = 1_024;

/// A mandate: open ones say what may be paid, closed ones what is.
#[derive(Clone, Debug, PartialEq)]
pub enum Mandate {
    /// Delegates to a key.
    Open(Open),
    /// Is carried out.
    Closed(Closed),
}

/// An open mandate, of payment or of checkout.
#[derive(Clone, Debug, PartialEq)]
pub struct Open {
    /// Whether it is of payment, else of checkout.
    pub is_payment: bool,
    /// What it allows.
    pub constraints: Vec<Constraint>,
    /// The key that it delegates to.
    pub agent: PublicKey,
    /// Members that a closed mandate must repeat.
    pub preset: Preset,
    /// When it was made.
    pub issued_at: Option<u64>,
    /// The first second at which it no longer holds.
    pub expires_at: Option<u64>,
}

/// What a closed mandate must repeat.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preset {
    /// The merchant.
    pub payee: Option<Merchant>,
    /// The amount.
    pub amount: Option<Money>,
    /// The instrument.
    pub instrument: Option<Instrument>,
    /// The initiator of the payment.
    pub pisp: Option<Instrument>,
    /// When it is carried out.
    pub execution: Option<Instant>,
}

/// A closed mandate.
#[derive(Clone, Debug, PartialEq)]
pub struct Closed {
    /// What is done.
    pub act: Act,
    /// When it was made.
    pub issued_at: Option<u64>,
    /// The first second at which it no longer holds.
    pub expires_at: Option<u64>,
}

/// What a closed mandate does.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "there is one of it in a chain")]
pub enum Act {
    /// Pays.
    Payment {
        /// The hash of the checkout.
        transaction: Box<str>,
        /// Whom.
        payee: Merchant,
        /// How much.
        amount: Money,
        /// From what.
        instrument: Instrument,
        /// Through whom.
        pisp: Option<Instrument>,
        /// When; at once where it is absent.
        execution: Option<Instant>,
    },
    /// Buys.
    Checkout {
        /// The merchant's token.
        jwt: Box<str>,
        /// Its hash.
        hash: Box<str>,
    },
}

/// A merchant, as AP2 names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merchant {
    /// What it is known by.
    pub id: Box<str>,
    /// What it is called.
    pub name: Box<str>,
    /// Where it is.
    pub website: Option<Box<str>>,
}

/// An amount of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    /// In minor units.
    pub amount: Amount,
    /// Of this currency.
    pub currency: Currency,
}

/// An instrument or an initiator: members that are compared, each with its like.
#[derive(Clone, Debug, PartialEq)]
pub struct Instrument(pub BTreeMap<Box<str>, Json>);

impl Instrument {
    /// A member that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Json::text)
    }

    /// Whether the other has all that this says.
    pub(crate) fn is_said_by(&self, other: &Self) -> bool {
        self.0.iter().all(|(name, value)| other.0.get(name) == Some(value))
    }
}

/// A point in time of RFC 3339, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant {
    /// The second that it lies in.
    pub floor: u64,
    /// The first whole second that is not before it.
    pub ceil: u64,
}

/// What an open mandate allows. The names are AP2's, with `payment.` or `checkout.` before them.
#[derive(Clone, Debug, PartialEq)]
pub enum Constraint {
    /// `amount_range`: the least, in minor units, and the most.
    AmountRange(u64, Money),
    /// `budget`: all payments together.
    Budget(Money),
    /// `agent_recurrence`: how often, and how many times in all.
    Recurrence(Box<str>, Option<u32>),
    /// `allowed_payees`, or `allowed_merchants` of a checkout.
    Merchants(Vec<Merchant>),
    /// `allowed_payment_instruments`
    Instruments(Vec<Instrument>),
    /// `allowed_pisps`
    Pisps(Vec<Instrument>),
    /// `execution_date`: from, and up to and including.
    Execution(Option<Instant>, Option<Instant>),
    /// `reference`: the hash of the open checkout mandate.
    Reference(Box<str>),
    /// `line_items`
    Items(Vec<Requirement>),
}

/// How often a payment may recur.
pub(crate) const FREQUENCIES: [&str; 7] =
    ["ON_DEMAND", "DAILY", "WEEKLY", "BIWEEKLY", "MONTHLY", "QUARTERLY", "ANNUALLY"];

/// What a basket must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// One of these items,
    pub items: Vec<Box<str>>,
    /// so many times.
    pub quantity: u64,
}

/// What a merchant's checkout token says.
#[derive(Clone, Debug, PartialEq)]
pub struct Basket {
    /// The merchant.
    pub merchant: Merchant,
    /// The total.
    pub total: Money,
    /// Items and how many of each.
    pub lines: Vec<(Box<str>, u64)>,
}

impl Mandate {
    /// Reads the mandate of a token's claims; `is_payment` and `is_open` are those of its `vct`.
    pub(crate) fn read(json: &Json, crypto: &dyn Crypto) -> Result<Self> {
        let mut members = Members::of(json, "mandate")?;
        // A mandate without its type is not one of the type expected. [BRG-9]
        let vct = members.take("vct").ok_or_else(|| Refusal::of(Code::BridgeType, "vct"))?;
        let vct = vct.text().ok_or_else(|| Refusal::of(Code::BridgeType, "vct"))?;
        match vct {
            "mandate.payment.open.1" => Open::read(members, true, crypto).map(Self::Open),
            "mandate.checkout.open.1" => Open::read(members, false, crypto).map(Self::Open),
            "mandate.payment.1" => Closed::payment(members).map(Self::Closed),
            "mandate.checkout.1" => Closed::checkout(members).map(Self::Closed),
            other => Err(Refusal::of(Code::BridgeType, other)),
        }
    }

    /// Whether it is of payment, else of checkout.
    pub fn is_payment(&self) -> bool {
        match self {
            Self::Open(open) => open.is_payment,
            Self::Closed(closed) => matches!(closed.act, Act::Payment { .. }),
        }
    }
}

impl Open {
    fn read(mut members: Members, is_payment: bool, crypto: &dyn Crypto) -> Result<Self> {
        let listed = members.must("constraints", |json| json.list().map(<[Json]>::to_vec))?;
        if listed.len() > ENTRIES_MAX {
            return Err(Refusal::of(Code::BridgeMember, "constraints"));
        }
        let mut constraints: Vec<Constraint> = Vec::new();
        for one in &listed {
            let constraint = Constraint::read(one, is_payment)?;
            // Two of a kind would leave it to the reader which one holds.
            if constraints.iter().any(|known| known.name(is_payment) == constraint.name(is_payment)) {
                return Err(Refusal::of(Code::BridgeMember, constraint.name(is_payment)));
            }
            constraints.push(constraint);
        }
        let agent = key_of(members.take("cnf"), crypto)?;
        let mut preset = Preset::default();
        if is_payment {
            preset.payee = members.may("payee").map(|json| merchant(&json)).transpose()?;
            preset.amount = members.may("payment_amount").map(|json| money(&json)).transpose()?;
            preset.instrument = members.may("payment_instrument").map(|json| instrument(&json)).transpose()?;
            preset.pisp = members.may("pisp").map(|json| instrument(&json)).transpose()?;
            preset.execution =
                members.may("execution_date").map(|json| instant(&json, "execution_date")).transpose()?;
            members.take("risk_data");
        }
        let (issued_at, expires_at) = members.times()?;
        members.end()?;
        Ok(Self { is_payment, constraints, agent, preset, issued_at, expires_at })
    }
}

impl Closed {
    fn payment(mut members: Members) -> Result<Self> {
        let transaction = members.must("transaction_id", words)?;
        let payee = merchant(&members.must("payee", |json| Some(json.clone()))?)?;
        let amount = money(&members.must("payment_amount", |json| Some(json.clone()))?)?;
        let instrument_ = instrument(&members.must("payment_instrument", |json| Some(json.clone()))?)?;
        let pisp = members.may("pisp").map(|json| instrument(&json)).transpose()?;
        let execution = members.may("execution_date").map(|json| instant(&json, "execution_date")).transpose()?;
        members.take("risk_data");
        let (issued_at, expires_at) = members.times()?;
        members.end()?;
        let act = Act::Payment { transaction, payee, amount, instrument: instrument_, pisp, execution };
        Ok(Self { act, issued_at, expires_at })
    }

    fn checkout(mut members: Members) -> Result<Self> {
        // The merchant's token is as long as its basket.
        let jwt = members.must("checkout_jwt", |json| json.text().map(Into::into))?;
        let hash = members.must("checkout_hash", words)?;
        let (issued_at, expires_at) = members.times()?;
        members.end()?;
        Ok(Self { act: Act::Checkout { jwt, hash }, issued_at, expires_at })
    }
}

impl Constraint {
    /// Its name in AP2.
    pub fn name(&self, is_payment: bool) -> &'static str {
        match self {
            Self::AmountRange(..) => "payment.amount_range",
            Self::Budget(_) => "payment.budget",
            Self::Recurrence(..) => "payment.agent_recurrence",
            Self::Merchants(_) if is_payment => "payment.allowed_payees",
            Self::Merchants(_) => "checkout.allowed_merchants",
            Self::Instruments(_) => "payment.allowed_payment_instruments",
            Self::Pisps(_) => "payment.allowed_pisps",
            Self::Execution(..) => "payment.execution_date",
            Self::Reference(_) => "payment.reference",
            Self::Items(_) => "checkout.line_items",
        }
    }

    fn read(json: &Json, is_payment: bool) -> Result<Self> {
        let mut members = Members::of(json, "constraints")?;
        let kind = members.take("type").and_then(|kind| words(&kind));
        let kind = kind.ok_or_else(|| Refusal::of(Code::BridgeConstraint, "type"))?;
        let constraint = match (&*kind, is_payment) {
            ("payment.amount_range", true) => {
                let most = amount(members.take("max"), "max")?;
                let currency = currency(members.take("currency"))?;
                // A least of nothing limits nothing.
                let least = match members.take("min") {
                    None => 0,
                    Some(Json::Integer(0)) => 0,
                    Some(least) => amount(Some(least), "min")?.minor(),
                };
                Self::AmountRange(least, Money { amount: most, currency })
            }
            ("payment.budget", true) => {
                let currency = currency(members.take("currency"))?;
                Self::Budget(Money { amount: major(members.take("max"), currency)?, currency })
            }
            ("payment.agent_recurrence", true) => {
                let frequency = members.must("frequency", words)?;
                if !FREQUENCIES.contains(&&*frequency) {
                    return Err(Refusal::of(Code::BridgeConstraint, frequency));
                }
                let most = members.may("max_occurrences").map(|json| {
                    let most = json.integer().and_then(|most| u32::try_from(most).ok()).filter(|most| *most > 0);
                    most.ok_or_else(|| Refusal::of(Code::BridgeAmount, "max_occurrences"))
                });
                Self::Recurrence(frequency, most.transpose()?)
            }
            ("payment.allowed_payees", true) | ("checkout.allowed_merchants", false) => {
                Self::Merchants(allowed(&mut members, merchant)?)
            }
            ("payment.allowed_payment_instruments", true) => Self::Instruments(allowed(&mut members, instrument)?),
            ("payment.allowed_pisps", true) => Self::Pisps(allowed(&mut members, instrument)?),
            ("payment.execution_date", true) => {
                let mut at = |name: &'static str| members.may(name).map(|json| instant(&json, name)).transpose();
                let (from, until) = (at("not_before")?, at("not_after")?);
                if from.is_none() && until.is_none() {
                    return Err(Refusal::of(Code::BridgeMember, "payment.execution_date"));
                }
                Self::Execution(from, until)
            }
            ("payment.reference", true) => Self::Reference(members.must("conditional_transaction_id", words)?),
            ("checkout.line_items", false) => {
                let listed = members.must("items", |json| json.list().map(<[Json]>::to_vec))?;
                Self::Items(each(&listed, "items", requirement)?)
            }
            // Not known, or not of this kind of mandate: it limits, so that nothing is allowed. [BRG-12]
            _ => return Err(Refusal::of(Code::BridgeConstraint, kind)),
        };
        members.end()?;
        Ok(constraint)
    }
}

impl Basket {
    /// What the merchant's token says. It may say more: it offers, and limits nothing.
    pub(crate) fn read(json: &Json) -> Option<Self> {
        let named = |json: &Json| {
            let text = |name| json.get(name).and_then(words);
            Some(Merchant { id: text("id")?, name: text("name").unwrap_or_default(), website: text("website") })
        };
        let currency = Currency::from_code(json.get("currency")?.text()?)?;
        let mut totals = json.get("totals")?.list()?.iter();
        let total = totals.find(|total| total.get("type").and_then(Json::text) == Some("total"))?;
        let total = u64::try_from(total.get("amount")?.integer()?).ok().and_then(Amount::from_minor)?;
        let line = |line: &Json| {
            let quantity = line.get("quantity")?.integer()?;
            Some((words(line.get("item")?.get("id")?)?, u64::try_from(quantity).ok().filter(|count| *count > 0)?))
        };
        let lines = json.get("line_items")?.list()?;
        if lines.is_empty() || lines.len() > ENTRIES_MAX {
            return None;
        }
        let lines = lines.iter().map(line).collect::<Option<_>>()?;
        Some(Self { merchant: named(json.get("merchant")?)?, total: Money { amount: total, currency }, lines })
    }
}

/// The members of an object that have not been read.
struct Members {
    rest: BTreeMap<Box<str>, Json>,
    of: &'static str,
}

impl Members {
    fn of(json: &Json, of: &'static str) -> Result<Self> {
        match json {
            // Nobody can say what it would have limited. [BRG-8]
            Json::Withheld => Err(Refusal::of(Code::BridgeWithheld, of)),
            Json::Object(members) => Ok(Self { rest: members.clone(), of }),
            _ => Err(Refusal::of(Code::BridgeMember, of)),
        }
    }

    fn take(&mut self, name: &str) -> Option<Json> {
        self.rest.remove(name)
    }

    /// What is there; JSON's null is something.
    fn may(&mut self, name: &str) -> Option<Json> {
        self.take(name)
    }

    fn must<T>(&mut self, name: &'static str, read: impl FnOnce(&Json) -> Option<T>) -> Result<T> {
        match self.take(name) {
            None if self.rest.contains_key("_sd") => Err(Refusal::of(Code::BridgeWithheld, self.of)),
            None => Err(Refusal::of(Code::BridgeMember, name)),
            Some(Json::Withheld) => Err(Refusal::of(Code::BridgeWithheld, name)),
            Some(json) => read(&json).ok_or_else(|| Refusal::of(Code::BridgeMember, name)),
        }
    }

    fn times(&mut self) -> Result<(Option<u64>, Option<u64>)> {
        let mut at = |name: &'static str| self.take(name).map(|json| seconds(&json, name)).transpose();
        Ok((at("iat")?, at("exp")?))
    }

    fn end(self) -> Result<()> {
        match self.rest.into_iter().next() {
            None => Ok(()),
            Some((name, _)) if &*name == "_sd" => Err(Refusal::of(Code::BridgeWithheld, self.of)), // [BRG-8]
            Some((name, _)) => Err(Refusal::of(Code::BridgeMember, name)),                         // [BRG-10]
        }
    }
}

/// A list of what is allowed. Fewer entries allow less, so that some may be withheld; but not all: an empty list is
/// read as no list elsewhere. [BRG-8]
fn allowed<T>(members: &mut Members, read: impl Fn(&Json) -> Result<T>) -> Result<Vec<T>> {
    let listed = members.must("allowed", |json| json.list().map(<[Json]>::to_vec))?;
    each_shown(&listed, "allowed", read)
}

fn each_shown<T>(listed: &[Json], name: &'static str, read: impl Fn(&Json) -> Result<T>) -> Result<Vec<T>> {
    let shown: Vec<Json> = listed.iter().filter(|one| **one != Json::Withheld).cloned().collect();
    if shown.is_empty() && !listed.is_empty() {
        return Err(Refusal::of(Code::BridgeWithheld, name));
    }
    each(&shown, name, read)
}

fn each<T>(listed: &[Json], name: &'static str, read: impl Fn(&Json) -> Result<T>) -> Result<Vec<T>> {
    if listed.is_empty() || listed.len() > ENTRIES_MAX {
        return Err(Refusal::of(Code::BridgeMember, name));
    }
    listed.iter().map(read).collect()
}

fn requirement(json: &Json) -> Result<Requirement> {
    let mut members = Members::of(json, "items")?;
    members.must("id", words)?;
    let listed = members.must("acceptable_items", |json| json.list().map(<[Json]>::to_vec))?;
    let item = |json: &Json| {
        let mut members = Members::of(json, "acceptable_items")?;
        let id = members.must("id", words)?;
        members.take("title");
        members.end()?;
        Ok(id)
    };
    let items = each_shown(&listed, "acceptable_items", item)?;
    let quantity = members.must("quantity", Json::integer)?;
    let quantity = u64::try_from(quantity).ok().filter(|count| *count > 0);
    let quantity = quantity.ok_or_else(|| Refusal::of(Code::BridgeAmount, "quantity"))?;
    members.end()?;
    Ok(Requirement { items, quantity })
}

fn merchant(json: &Json) -> Result<Merchant> {
    let mut members = Members::of(json, "merchant")?;
    // Without an id any merchant could be it.
    let id = members.must("id", words)?;
    let name = members.must("name", words)?;
    let website =
        members.may("website").map(|json| words(&json).ok_or_else(|| Refusal::of(Code::BridgeMember, "website")));
    let website = website.transpose()?;
    members.end()?;
    Ok(Merchant { id, name, website })
}

fn instrument(json: &Json) -> Result<Instrument> {
    let members = Members::of(json, "instrument")?.rest;
    if members.is_empty() {
        return Err(Refusal::of(Code::BridgeMember, "instrument"));
    }
    if members.contains_key("_sd") {
        return Err(Refusal::of(Code::BridgeWithheld, "instrument"));
    }
    Ok(Instrument(members))
}

fn money(json: &Json) -> Result<Money> {
    let mut members = Members::of(json, "payment_amount")?;
    let amount = amount(members.take("amount"), "amount")?;
    let currency = currency(members.take("currency"))?;
    members.end()?;
    Ok(Money { amount, currency })
}

/// A whole number of minor units, of which there is at least one. [BRG-11]
fn amount(json: Option<Json>, name: &'static str) -> Result<Amount> {
    let json = json.ok_or_else(|| Refusal::of(Code::BridgeMember, name))?;
    let minor = json.integer().and_then(|minor| u64::try_from(minor).ok()).and_then(Amount::from_minor);
    minor.ok_or_else(|| Refusal::of(Code::BridgeAmount, name))
}

/// A number of major units that is a whole number of minor ones. [BRG-11]
fn major(json: Option<Json>, currency: Currency) -> Result<Amount> {
    let wrong = || Refusal::of(Code::BridgeAmount, "payment.budget");
    let written = match json.ok_or_else(|| Refusal::of(Code::BridgeMember, "max"))? {
        Json::Integer(number) => number.to_string(),
        // The shortest decimal that is read as this number: 19.99 is 19.99.
        Json::Decimal(number) if number.abs() < 9e15 => number.to_string(),
        _ => return Err(wrong()),
    };
    let (whole, fraction) = written.split_once('.').unwrap_or((&written, ""));
    let places = usize::from(currency.exponent());
    if fraction.len() > places {
        return Err(wrong());
    }
    let minor = format!("{whole}{fraction:0<places$}");
    minor.parse().ok().and_then(Amount::from_minor).ok_or_else(wrong)
}

fn currency(json: Option<Json>) -> Result<Currency> {
    let json = json.ok_or_else(|| Refusal::of(Code::BridgeMember, "currency"))?;
    json.text().and_then(Currency::from_code).ok_or_else(|| Refusal::of(Code::BridgeAmount, "currency"))
}

/// Seconds since 1970, whole.
pub(crate) fn seconds(json: &Json, name: &'static str) -> Result<u64> {
    let seconds = json.integer().and_then(|seconds| u64::try_from(seconds).ok());
    seconds.ok_or_else(|| Refusal::of(Code::BridgeMember, name))
}

fn instant(json: &Json, name: &'static str) -> Result<Instant> {
    let wrong = || Refusal::of(Code::BridgeMember, name);
    let text = json.text().ok_or_else(wrong)?;
    // With a time and an offset, or it is another instant for each reader.
    let at: jiff::Timestamp = text.parse().map_err(|_| wrong())?;
    let floor = at.as_nanosecond().div_euclid(1_000_000_000);
    let ceil = floor + i128::from(at.as_nanosecond().rem_euclid(1_000_000_000) > 0);
    match (u64::try_from(floor), u64::try_from(ceil)) {
        (Ok(floor), Ok(ceil)) => Ok(Instant { floor, ceil }),
        _ => Err(wrong()),
    }
}

/// The key of `cnf` (RFC 7800): a JWK of P-256, and nothing beside it that would be another key. [BRG-4]
fn key_of(cnf: Option<Json>, crypto: &dyn Crypto) -> Result<PublicKey> {
    let wrong = || Refusal::of(Code::BridgeKey, "cnf");
    let cnf = match cnf {
        None => return Err(Refusal::of(Code::BridgeMember, "cnf")),
        Some(Json::Withheld) => return Err(Refusal::of(Code::BridgeWithheld, "cnf")),
        Some(cnf) => cnf,
    };
    let members = cnf.object().filter(|members| members.len() == 1).ok_or_else(wrong)?;
    let key = jwk(members.get("jwk").ok_or_else(wrong)?).ok_or_else(wrong)?;
    if crypto.is_key(&key) { Ok(key) } else { Err(wrong()) }
}

/// The key of a JWK (RFC 7517) for ES256; whether it is a point of the curve is not looked at.
pub fn jwk(json: &Json) -> Option<PublicKey> {
    let members = json.object()?;
    let known: BTreeSet<&str> = ["kty", "crv", "x", "y", "kid", "alg", "use", "key_ops"].into();
    let only = |name: &str, value: &str| members.get(name).is_none_or(|json| json.text() == Some(value));
    // Another member may be a secret, or another key.
    if !members.keys().all(|name| known.contains(&**name)) || !only("alg", "ES256") || !only("use", "sig") {
        return None;
    }
    let text = |name: &str| members.get(name).and_then(Json::text);
    if text("kty") != Some("EC") || text("crv") != Some("P-256") {
        return None;
    }
    let half = |name| text(name).and_then(base64url::decode_array::<32>);
    let mut key = [0; 64];
    key[..32].copy_from_slice(&half("x")?);
    key[32..].copy_from_slice(&half("y")?);
    Some(PublicKey(key))
}

fn words(json: &Json) -> Option<Box<str>> {
    let text = json.text().filter(|text| !text.trim().is_empty() && text.len() <= TEXT_BYTES_MAX)?;
    Some(text.into())
}
