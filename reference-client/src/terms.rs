//! Rules of mandates as people type them: `per-payment=200.00`, `merchant=a.example+b.example`.
//!
//! One word for each rule of the registry; lists are joined by `+`. An amount may name the mandate's currency and
//! no other.

mod hours;
pub mod when;

use std::num::NonZeroU32;

use purser_protocol::field::{List, Set, True, UpTo};
use purser_protocol::id::{Digest, PartyId, ShortText};
use purser_protocol::money::{Amount, Currency, Money};
use purser_protocol::paper::rules::{Category, Channel, Fields, ItemPrice, PayeeKey, PeriodCount, PeriodTotal, Rules};
use purser_protocol::period::{Period, RollingSeconds, Terms as Span, Unit, Zone};
use purser_protocol::time::UnixSeconds;
use purser_protocol::wire::Field;

use crate::error::{Error, Result};
use crate::issuer::parse_hex;

/// The words, and what each is for.
pub const WORDS: &[(&str, &str)] = &[
    ("per-payment", "AMOUNT: the most for one payment"),
    ("at-least", "AMOUNT: the least for one payment"),
    ("total", "AMOUNT: the most for all payments together"),
    ("per-day", "AMOUNT: the most in a day; likewise per-week, per-month, per-year"),
    ("per-rolling", "AMOUNT/DURATION: the most in any stretch of time, such as 50.00/24h"),
    ("count", "NUMBER: the most payments"),
    ("count-per-day", "NUMBER: the most payments in a day; likewise -week, -month, -year"),
    ("count-per-term", "NUMBER/UNIT/TIME: the most in each term from a time, such as 1/month/2027-01-31T08:00:00Z"),
    ("merchant", "NAME+NAME: the only merchants"),
    ("not-merchant", "NAME+NAME: merchants that are never paid"),
    ("category", "NUMBER+NUMBER: the only categories of ISO 18245"),
    ("not-category", "NUMBER+NUMBER: categories that are never paid for"),
    ("item", "ID+ID: the only items"),
    ("not-item", "ID+ID: items that are never paid for"),
    ("price", "ITEM:AMOUNT:PER-MILLE: how far an item's price may lie from a reference"),
    ("hours", "DAYS@HH:MM-HH:MM: when payments are made, such as mon-fri@08:00-18:00"),
    ("channel", "online+code+voice+vehicle+glasses: the only channels"),
    ("device", "HEX+HEX: the only devices"),
    ("payee-key", "MERCHANT:HEX: the key that a merchant must sign with"),
    ("depth", "NUMBER: how many mandates may stand below"),
    ("open-holds", "NUMBER: how many holds may be open at once"),
    ("ask-first", "yes: ask before the first payment to a merchant"),
    ("ask-above", "AMOUNT: ask above this"),
];

/// Rules on the way to a mandate.
#[derive(Clone, Debug)]
pub struct Terms {
    currency: Currency,
    zone: Zone,
    fields: Fields,
}

impl Terms {
    /// No rule yet. Amounts are of `currency`, days begin at `zone`'s midnight.
    pub fn new(currency: Currency, zone: Zone) -> Self {
        Self { currency, zone, fields: Fields::default() }
    }

    /// The rules of an earlier version, to be changed.
    #[must_use]
    pub fn from(mut self, rules: Option<&Rules>) -> Self {
        if let Some(rules) = rules {
            self.fields = (**rules).clone();
        }
        self
    }

    /// The rules; `None` when there is none.
    pub fn rules(self) -> Option<Rules> {
        Rules::new(self.fields)
    }

    /// Reads rules that stand behind each other, separated by commas.
    pub fn set_all(&mut self, text: &str) -> Result<()> {
        for term in text.split(',') {
            let (word, value) = term.split_once('=').unwrap_or((term, "yes"));
            self.set(word.trim(), value.trim())?;
        }
        Ok(())
    }

    /// Sets the rule that a word means. A period's rule is set beside those of other periods.
    pub fn set(&mut self, word: &str, value: &str) -> Result<()> {
        let set = self.try_set(word, value).map_err(|error| error.at(format!("{word}={value}")))?;
        set.ok_or_else(|| {
            let words: Vec<_> = WORDS.iter().map(|(word, _)| *word).collect();
            Error::usage("no such rule").at(word).fix(format!("the rules are {}", words.join(", ")))
        })
    }

    /// An amount of the mandate's currency.
    pub fn amount(&self, text: &str) -> Result<Amount> {
        let has_code = text.ends_with(|c: char| c.is_ascii_alphabetic());
        let whole = if has_code { text.to_owned() } else { format!("{text} {}", self.currency) };
        let money: Money = whole.parse().map_err(|error| Error::usage(format!("{error}")).at(text))?;
        if money.currency == self.currency {
            Ok(money.amount)
        } else {
            Err(Error::usage(format!("the mandate's currency is {}", self.currency)).at(text))
        }
    }

    fn try_set(&mut self, word: &str, value: &str) -> Result<Option<()>> {
        if let Some(unit) = word.strip_prefix("per-").and_then(unit) {
            return self.total_per(Period::Calendar { unit, zone: self.zone.clone() }, value).map(Some);
        }
        if let Some(unit) = word.strip_prefix("count-per-").and_then(unit) {
            return self.count_per(Period::Calendar { unit, zone: self.zone.clone() }, value).map(Some);
        }
        match word {
            "per-payment" => self.fields.amount_max = Some(self.amount(value)?),
            "at-least" => self.fields.amount_min = Some(self.amount(value)?),
            "total" => self.fields.total = Some(self.amount(value)?),
            "per-rolling" => {
                let (amount, length) = value.split_once('/').ok_or_else(|| Error::usage("not AMOUNT/DURATION"))?;
                let seconds = when::duration_seconds(length).and_then(|seconds| u32::try_from(seconds).ok());
                let seconds = seconds.and_then(RollingSeconds::new);
                let seconds = seconds.ok_or_else(|| Error::usage("not a duration of at most 366 days, such as 24h"))?;
                self.total_per(Period::Rolling(seconds), amount)?;
            }
            "count" => self.fields.count = Some(number(value)?),
            "count-per-term" => {
                let wrong = || Error::usage("not NUMBER/UNIT/TIME");
                let (count, rest) = value.split_once('/').ok_or_else(wrong)?;
                let (word, from) = rest.split_once('/').ok_or_else(wrong)?;
                let anchor = when::instant(from, UnixSeconds::MIN).ok_or_else(wrong)?;
                let terms = Span { unit: unit(word).ok_or_else(wrong)?, zone: self.zone.clone(), anchor };
                self.count_per(Period::Terms(terms), count)?;
            }
            "merchant" => self.fields.merchants_allow = Some(set(value, party)?),
            "not-merchant" => self.fields.merchants_deny = Some(set(value, party)?),
            "category" => self.fields.categories_allow = Some(set(value, category)?),
            "not-category" => self.fields.categories_deny = Some(set(value, category)?),
            "item" => self.fields.items_allow = Some(set(value, item)?),
            "not-item" => self.fields.items_deny = Some(set(value, item)?),
            "price" => self.fields.price_deviation = Some(set(value, |text| self.price(text))?),
            "hours" => self.fields.times = Some(list(value, |text| hours::read(text, &self.zone))?),
            "channel" => self.fields.channels = Some(set(value, channel)?),
            "device" => self.fields.devices = Some(set(value, digest)?),
            "payee-key" => self.fields.payee_keys = Some(set(value, payee_key)?),
            "depth" => self.fields.depth = Some(up_to(value)?),
            "open-holds" => self.fields.open_holds = Some(number(value)?),
            "ask-first" if value == "yes" => self.fields.ask_first = Some(True),
            "ask-first" => return Err(Error::usage("only yes can be said; without it nobody is asked")),
            "ask-above" => self.fields.ask_above = Some(self.up_to_amount(value)?),
            _ => return Ok(None),
        }
        Ok(Some(()))
    }

    fn total_per(&mut self, period: Period, value: &str) -> Result<()> {
        let amount = self.amount(value)?;
        let mut totals = self.fields.total_per.as_deref().unwrap_or_default().to_vec();
        totals.retain(|total| total.period != period);
        totals.push(PeriodTotal { amount, period });
        self.fields.total_per = Some(List::new(totals).ok_or_else(|| Error::usage("more than 8 periods"))?);
        Ok(())
    }

    fn count_per(&mut self, period: Period, value: &str) -> Result<()> {
        let count = number(value)?;
        let mut counts = self.fields.count_per.as_deref().unwrap_or_default().to_vec();
        counts.retain(|count| count.period != period);
        counts.push(PeriodCount { count, period });
        self.fields.count_per = Some(List::new(counts).ok_or_else(|| Error::usage("more than 8 periods"))?);
        Ok(())
    }

    fn price(&self, text: &str) -> Result<ItemPrice> {
        let parts: Vec<_> = text.split(':').collect();
        let &[name, amount, per_mille] = parts.as_slice() else {
            return Err(Error::usage("not ITEM:AMOUNT:PER-MILLE"));
        };
        Ok(ItemPrice { item: item(name)?, reference: self.amount(amount)?, per_mille: up_to(per_mille)? })
    }

    /// An amount that may be nothing: then every payment asks.
    fn up_to_amount<const MAX: u64>(&self, text: &str) -> Result<UpTo<MAX>> {
        let minor = if text == "0" { 0 } else { self.amount(text)?.minor() };
        UpTo::new(minor).ok_or_else(|| Error::usage("too much"))
    }
}

fn unit(word: &str) -> Option<Unit> {
    Unit::ALL.into_iter().find(|unit| unit.name() == word)
}

fn number(text: &str) -> Result<NonZeroU32> {
    text.parse().map_err(|_| Error::usage("not a number from 1 to 4294967295"))
}

fn up_to<const MAX: u64>(text: &str) -> Result<UpTo<MAX>> {
    text.parse().ok().and_then(UpTo::new).ok_or_else(|| Error::usage(format!("not a number from 0 to {MAX}")))
}

fn party(text: &str) -> Result<PartyId> {
    PartyId::new(text).ok_or_else(|| Error::usage("not a party's name: small letters, digits, dots, hyphens"))
}

fn category(text: &str) -> Result<Category> {
    let digits = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { up_to(text) } else { Err(Error::usage("not four digits of ISO 18245")) }
}

fn item(text: &str) -> Result<ShortText> {
    ShortText::new(text).ok_or_else(|| Error::usage("not a text of 1 to 64 bytes"))
}

fn channel(text: &str) -> Result<Channel> {
    let known = Channel::ALL.iter().find(|channel| channel.name() == text);
    known.copied().ok_or_else(|| Error::usage("not online, code, voice, vehicle or glasses"))
}

fn digest(text: &str) -> Result<Digest> {
    parse_hex(text).map(Digest).ok_or_else(|| Error::usage("not 64 hexadecimal digits"))
}

fn payee_key(text: &str) -> Result<PayeeKey> {
    let (merchant, key) = text.split_once(':').ok_or_else(|| Error::usage("not MERCHANT:HEX"))?;
    Ok(PayeeKey { merchant: party(merchant)?, key: digest(key)? })
}

fn set<T: Field, const MAX: usize>(text: &str, read: impl Fn(&str) -> Result<T>) -> Result<Set<T, MAX>> {
    let items = text.split('+').map(read).collect::<Result<Vec<_>>>()?;
    Set::new(items).ok_or_else(|| Error::usage(format!("more than {MAX}")))
}

fn list<T, const MAX: usize>(text: &str, read: impl Fn(&str) -> Result<T>) -> Result<List<T, MAX>> {
    let items = text.split('+').map(read).collect::<Result<Vec<_>>>()?;
    List::new(items).ok_or_else(|| Error::usage(format!("more than {MAX}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms() -> Terms {
        Terms::new(Currency::from_code("CNY").unwrap(), Zone::new("Asia/Shanghai").unwrap())
    }

    fn one(text: &str) -> Result<Rules> {
        let mut terms = terms();
        terms.set_all(text).map(|()| terms.rules().unwrap())
    }

    #[test]
    fn every_rule_of_the_registry_has_its_word() {
        let key = "ab".repeat(32);
        let all = [
            "per-payment=200.00",
            "at-least=0.01 CNY",
            "total=1000",
            "per-day=300CNY",
            "count=9",
            "count-per-week=3",
            "merchant=b.example+a.example",
            "not-merchant=c.example",
            "category=5812+0742",
            "not-category=7995",
            "item=tea",
            "not-item=wine",
            "price=tea:12.80:100",
            "hours=mon-fri@08:00-18:00",
            "channel=online+voice",
            &format!("device={key}"),
            &format!("payee-key=a.example:{key}"),
            "depth=2",
            "open-holds=1",
            "ask-first",
            "ask-above=0",
        ]
        .join(",");
        let rules = one(&all).unwrap();
        let encoded = purser_protocol::field::encoded(&rules);
        let mut labels = Vec::new();
        let mut reader = purser_protocol::wire::Reader::new(&encoded);
        for _ in 0..reader.map().unwrap() {
            labels.push(reader.integer().unwrap());
            reader.skip().unwrap();
        }
        let registry: Vec<_> = purser_protocol::paper::rules::ALL.iter().map(|rule| rule.number).collect();
        assert_eq!(labels, registry);
        assert_eq!(purser_protocol::field::decoded::<Rules>(&encoded), Ok(rules));
    }

    #[test]
    fn periods_stand_beside_each_other_and_a_later_word_replaces_its_own() {
        let mut terms = terms();
        terms.set_all("per-day=1.00,per-month=20.00,per-rolling=5.00/24h,per-day=2.00").unwrap();
        let rules = terms.rules().unwrap();
        let minors: Vec<_> = rules.total_per.as_deref().unwrap().iter().map(|total| total.amount.minor()).collect();
        assert_eq!(minors, [2_000, 500, 200]);
        let mut changed = self::terms().from(Some(&rules));
        changed.set("per-payment", "1.00").unwrap();
        assert_eq!(changed.rules().unwrap().total_per, rules.total_per);
    }

    #[test]
    fn what_is_not_of_its_form_is_refused_by_name() {
        for wrong in [
            "per-payment=12,80",
            "per-payment=12.8",
            "per-payment=12.80 USD",
            "per-payment=0",
            "per-payment=-1.00",
            "per-payment",
            "per-fortnight=1.00",
            "per-rolling=1.00/400d",
            "per-rolling=1.00",
            "count=0",
            "merchant=Shop",
            "merchant=",
            "category=58",
            "category=58123",
            "price=tea:1.00",
            "hours=mon@18:00-08:00",
            "channel=radio",
            "device=ab",
            "payee-key=a.example",
            "depth=9",
            "ask-first=no",
            "limit=1.00",
            "",
        ] {
            let error = one(wrong).unwrap_err();
            assert_eq!(error.class(), crate::Class::Usage, "{wrong}");
            assert!(error.place().is_some(), "{wrong}");
        }
        assert!(one("limit=1.00").unwrap_err().remedy().unwrap().contains("per-payment"));
    }
}
