//! The rules that a mandate can hold. `spec/registries/rules.csv`

use std::num::NonZeroU32;

use crate::code::Code;
use crate::fault::Fault;
use crate::field::{List, Set, True, UpTo, listed, mapped, numbered, ranged};
use crate::id::{Digest, PartyId, ShortText};
use crate::label::Label;
use crate::limits::{AMOUNT_MAX, PERIODS_MAX, RULE_LIST_MAX};
use crate::money::Amount;
use crate::period::{Period, RollingSeconds, Terms, TimeWindow, Unit, Zone, is_some_day};
use crate::time::UnixSeconds;
use crate::wire::{Field, Reader, Writer};

/// An ISO 18245 category.
pub type Category = UpTo<9_999>;

numbered! {
    /// How an agent met an offer.
    pub enum Channel {
        /// A web address.
        Online = 1, "online";
        /// A merchant's code, scanned.
        Code = 2, "code";
        /// A conversation.
        Voice = 3, "voice";
        /// A car.
        Vehicle = 4, "vehicle";
        /// Glasses.
        Glasses = 5, "glasses";
    }
}

listed! {
    /// A total in each period.
    pub struct PeriodTotal {
        /// The most, in minor units of the mandate's currency.
        amount: Amount,
        /// The period.
        period: Period,
    }
}

listed! {
    /// A number of payments in each period.
    pub struct PeriodCount {
        /// The most.
        count: NonZeroU32,
        /// The period.
        period: Period,
    }
}

listed! {
    /// How far the price of one item may lie from a reference.
    pub struct ItemPrice {
        /// The item.
        item: ShortText,
        /// The reference for the price of one.
        reference: Amount,
        /// The greatest distance, in thousandths of the reference.
        per_mille: UpTo<1_000_000>,
    }
}

listed! {
    /// The key that a merchant must sign its offers with.
    pub struct PayeeKey {
        /// The merchant.
        merchant: PartyId,
        /// The thumbprint of its key.
        key: Digest,
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $const:ident, $number:literal;)+) => {
        $(
            #[doc = concat!("The label of `", stringify!($name), "`.")]
            pub const $const: Label = Label { number: $number, name: stringify!($name) };
        )+

        /// Every rule's label, in the order of the registry.
        pub const ALL: &[Label] = &[$($const),+];

        mapped! {
            /// Rules that hold together. A rule that is absent limits nothing.
            pub struct Fields { $($(#[$doc])* optional $name: $type = $const,)+ }
        }

        impl Default for Fields {
            fn default() -> Self {
                Self { $($name: None,)+ }
            }
        }
    };
}

rules! {
    /// The most that one payment may be.
    amount_max: Amount = AMOUNT_MAX_RULE, 1;
    /// The least that one payment may be.
    amount_min: Amount = AMOUNT_MIN_RULE, 2;
    /// The most that all payments together may be.
    total: Amount = TOTAL, 3;
    /// The most in each period.
    total_per: List<PeriodTotal, PERIODS_MAX> = TOTAL_PER, 4;
    /// The most payments.
    count: NonZeroU32 = COUNT, 5;
    /// The most payments in each period.
    count_per: List<PeriodCount, PERIODS_MAX> = COUNT_PER, 6;
    /// The only merchants.
    merchants_allow: Set<PartyId, RULE_LIST_MAX> = MERCHANTS_ALLOW, 7;
    /// Merchants that are never paid.
    merchants_deny: Set<PartyId, RULE_LIST_MAX> = MERCHANTS_DENY, 8;
    /// The only categories.
    categories_allow: Set<Category, RULE_LIST_MAX> = CATEGORIES_ALLOW, 9;
    /// Categories that are never paid for.
    categories_deny: Set<Category, RULE_LIST_MAX> = CATEGORIES_DENY, 10;
    /// The only items.
    items_allow: Set<ShortText, RULE_LIST_MAX> = ITEMS_ALLOW, 11;
    /// Items that are never paid for.
    items_deny: Set<ShortText, RULE_LIST_MAX> = ITEMS_DENY, 12;
    /// How far prices may lie from references; an item without one is not limited.
    price_deviation: Set<ItemPrice, RULE_LIST_MAX> = PRICE_DEVIATION, 13;
    /// When payments are made: in one of these windows.
    times: List<TimeWindow, 16> = TIMES, 14;
    /// The only channels.
    channels: Set<Channel, 8> = CHANNELS, 15;
    /// The only devices.
    devices: Set<Digest, RULE_LIST_MAX> = DEVICES, 16;
    /// The keys of merchants that must sign with a known one.
    payee_keys: Set<PayeeKey, RULE_LIST_MAX> = PAYEE_KEYS, 17;
    /// How many mandates may stand below this one in a chain.
    depth: UpTo<8> = DEPTH, 18;
    /// How many holds may be open at once.
    open_holds: NonZeroU32 = OPEN_HOLDS, 19;
    /// The person is asked before the first payment to a merchant.
    ask_first: True = ASK_FIRST, 20;
    /// The person is asked above this.
    ask_above: UpTo<AMOUNT_MAX> = ASK_ABOVE, 21;
}

/// At least one rule; a rule that is not in the registry is refused, since it limits something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules(Fields);

impl Rules {
    /// `None` when `fields` hold no rule.
    pub fn new(fields: Fields) -> Option<Self> {
        (fields != Fields::default()).then_some(Self(fields))
    }
}

impl std::ops::Deref for Rules {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.0
    }
}

impl Field for Rules {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let read = |reader: &mut Reader<'_>| {
            Fields::read(reader).map_err(|fault| match fault.code {
                Code::UnknownField => Fault { code: Code::RuleUnknown, ..fault }, // [MAN-10]
                _ => fault,
            })
        };
        ranged(reader, read, Self::new) // [MAN-11]
    }

    fn write(&self, writer: &mut Writer) {
        self.0.write(writer);
    }
}

impl Field for Zone {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        ranged(reader, Reader::text, Self::new)
    }

    fn write(&self, writer: &mut Writer) {
        writer.text(self.name());
    }
}

impl Field for Period {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let at = reader.offset();
        let range = || Fault::new(Code::FieldRange).at(at);
        let length = ranged(reader, Reader::list, |length| (2..=4).contains(&length).then_some(length))?;
        match (length, reader.unsigned()?) {
            (3, 1) => {
                let unit = ranged(reader, Reader::unsigned, Unit::from_label)?;
                Ok(Self::Calendar { unit, zone: Zone::read(reader)? })
            }
            (2, 2) => ranged(reader, Reader::unsigned, rolling).map(Self::Rolling),
            (4, 3) => {
                let unit = ranged(reader, Reader::unsigned, Unit::from_label)?;
                let zone = Zone::read(reader)?;
                Ok(Self::Terms(Terms { unit, zone, anchor: UnixSeconds::read(reader)? }))
            }
            _ => Err(range()),
        }
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Calendar { unit, zone } => {
                writer.list(3);
                writer.unsigned(1);
                writer.unsigned(unit.label());
                zone.write(writer);
            }
            Self::Rolling(seconds) => {
                writer.list(2);
                writer.unsigned(2);
                writer.unsigned(u64::from(seconds.get()));
            }
            Self::Terms(Terms { unit, zone, anchor }) => {
                writer.list(4);
                writer.unsigned(3);
                writer.unsigned(unit.label());
                zone.write(writer);
                anchor.write(writer);
            }
        }
    }
}

fn rolling(seconds: u64) -> Option<RollingSeconds> {
    u32::try_from(seconds).ok().and_then(RollingSeconds::new)
}

impl Field for TimeWindow {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let at = reader.offset();
        ranged(reader, Reader::list, |length| (length == 4).then_some(()))?;
        let zone = Zone::read(reader)?;
        let weekdays =
            ranged(reader, Reader::unsigned, |bits| u8::try_from(bits).ok().filter(|&bits| is_some_day(bits)))?;
        let minute = |minute: u64| u16::try_from(minute).ok().filter(|&minute| minute <= Self::DAY_MINUTES);
        let from = ranged(reader, Reader::unsigned, |from| minute(from).filter(|&from| from < Self::DAY_MINUTES))?;
        let until = ranged(reader, Reader::unsigned, |until| minute(until).filter(|&until| until > 0))?;
        Self::new(zone, weekdays, from, until).ok_or_else(|| Fault::new(Code::FieldRange).at(at)) // [ENC-15]
    }

    fn write(&self, writer: &mut Writer) {
        writer.list(4);
        self.zone().write(writer);
        for number in [u64::from(self.weekdays()), u64::from(self.from_minute()), u64::from(self.until_minute())] {
            writer.unsigned(number);
        }
    }
}
