//! Papers as they are usually written. Tests change the field that they are about.

use std::num::NonZeroU32;

use purser_protocol::field::{List, Set, UpTo};
use purser_protocol::id::{LongText, PaperId, PartyId, ShortText};
use purser_protocol::money::{Amount, Currency};
use purser_protocol::paper::offer::{CaptureMode, Item, Line, Offer};
use purser_protocol::paper::rules::{Category, Fields, PeriodCount, PeriodTotal, Rules};
use purser_protocol::period::{Period, RollingSeconds, Unit, Zone};
use purser_protocol::time::UnixSeconds;
use purser_protocol::wire::Field;

/// 17 March 2030, 17:46:40 UTC, a Sunday; in Shanghai it is Monday, 1:46:40.
pub const START: u64 = 1_900_000_000;
pub const MINUTE: u64 = 60;
pub const HOUR: u64 = 3_600;
pub const DAY: u64 = 86_400;

/// A paper that is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    pub id: PaperId,
    pub bytes: Vec<u8>,
}

pub fn at(seconds: u64) -> UnixSeconds {
    UnixSeconds::new(seconds).unwrap()
}

pub fn minor(units: u64) -> Amount {
    Amount::from_minor(units).unwrap()
}

pub fn cny() -> Currency {
    Currency::from_code("CNY").unwrap()
}

pub fn currency(code: &str) -> Currency {
    Currency::from_code(code).unwrap()
}

pub fn party(name: &str) -> PartyId {
    PartyId::new(name).unwrap()
}

pub fn short(text: &str) -> ShortText {
    ShortText::new(text).unwrap()
}

pub fn count(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

pub fn category(number: u64) -> Category {
    UpTo::new(number).unwrap()
}

pub fn rules(fields: Fields) -> Option<Rules> {
    Rules::new(fields)
}

pub fn set<T: Field, const MAX: usize>(items: impl IntoIterator<Item = T>) -> Option<Set<T, MAX>> {
    Some(Set::new(items.into_iter().collect()).expect("a set of 1 to its most"))
}

pub fn list<T, const MAX: usize>(items: impl IntoIterator<Item = T>) -> Option<List<T, MAX>> {
    Some(List::new(items.into_iter().collect()).expect("a list of 1 to its most"))
}

pub fn zone(name: &str) -> Zone {
    Zone::new(name).unwrap()
}

pub fn calendar(unit: Unit, place: &str) -> Period {
    Period::Calendar { unit, zone: zone(place) }
}

pub fn rolling(seconds: u32) -> Period {
    Period::Rolling(RollingSeconds::new(seconds).unwrap())
}

pub fn total_per(units: u64, period: Period) -> PeriodTotal {
    PeriodTotal { amount: minor(units), period }
}

pub fn count_per(number: u32, period: Period) -> PeriodCount {
    PeriodCount { count: count(number), period }
}

/// One line of goods.
pub fn goods(id: &str, price_minor: u64) -> Item {
    Item {
        id: short(id),
        name: LongText::new(id).unwrap(),
        category: None,
        quantity: count(1),
        price: minor(price_minor),
        line: None,
    }
}

/// One line of goods of a category.
pub fn goods_of(id: &str, price_minor: u64, of: u64) -> Item {
    Item { category: Some(category(of)), ..goods(id, price_minor) }
}

/// A line that is not goods.
pub fn line(kind: Line, price_minor: u64) -> Item {
    Item { line: Some(kind), ..goods(kind.name(), price_minor) }
}

/// The offer with these lines, and the sum that they come to.
pub fn selling(items: Vec<Item>, mut offer: Offer) -> Offer {
    let sum = |discounts: bool| -> u128 {
        items.iter().filter(|item| (item.line == Some(Line::Discount)) == discounts).map(Item::sum_minor).sum()
    };
    offer.amount = minor(u64::try_from(sum(false) - sum(true)).unwrap());
    offer.items = List::new(items).unwrap();
    offer
}

/// The offer, captured by command.
pub fn by_command(mut offer: Offer) -> Offer {
    offer.capture = CaptureMode::ByCommand;
    offer
}
