//! The meter of a metered session: what units cost, what a link of each chain is worth, and what is claimed at the
//! end. `spec/cddl/tokens.cddl`

use std::ops::Deref;

use crate::code::Code;
use crate::fault::Fault;
use crate::field::{List, listed, mapped, numbered, ranged};
use crate::id::{Digest, PaperId};
use crate::label::Label;
use crate::limits::{AMOUNT_MAX, CHAINS_MAX, LINKS_MAX, PRICES_MAX, SESSION_SECONDS_MAX};
use crate::money::Amount;
use crate::wire::{Field, Reader, Writer};

numbered! {
    /// What is counted. `spec/registries/units.csv`
    pub enum Unit {
        /// A token that the model reads.
        InputToken = 1, "input-token";
        /// A token that the model has read before.
        CachedToken = 2, "cached-token";
        /// A token that the model writes.
        OutputToken = 3, "output-token";
        /// A token that the model writes and nobody sees.
        ReasoningToken = 4, "reasoning-token";
        /// A call.
        Call = 5, "call";
        /// A second.
        Second = 6, "second";
        /// A byte.
        Byte = 7, "byte";
        /// An image.
        Image = 8, "image";
    }
}

/// What a list is in the order of.
pub trait Keyed {
    /// No two entries of a list have one.
    fn key(&self) -> u64;
}

/// A list of 1 to `MAX` entries whose keys ascend, so that one list has one form. [TOK-2]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ascending<T, const MAX: usize>(List<T, MAX>);

impl<T: Keyed, const MAX: usize> Ascending<T, MAX> {
    /// `None` when there are none, too many, or not in order.
    pub fn new(entries: Vec<T>) -> Option<Self> {
        let ascend = entries.windows(2).all(|pair| pair[0].key() < pair[1].key());
        if ascend { List::new(entries).map(Self) } else { None }
    }
}

impl<T, const MAX: usize> Deref for Ascending<T, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Field + Keyed + Clone, const MAX: usize> Field for Ascending<T, MAX> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        ranged(reader, List::<T, MAX>::read, |list| Self::new(list.to_vec()))
    }

    fn write(&self, writer: &mut Writer) {
        self.0.write(writer);
    }
}

/// A whole number from 1 to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OneTo<const MAX: u64>(u64);

impl<const MAX: u64> OneTo<MAX> {
    /// `None` for 0 and above `MAX`.
    pub const fn new(number: u64) -> Option<Self> {
        if number >= 1 && number <= MAX { Some(Self(number)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl<const MAX: u64> Field for OneTo<MAX> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        ranged(reader, Reader::unsigned, Self::new)
    }

    fn write(&self, writer: &mut Writer) {
        writer.unsigned(self.0);
    }
}

/// Seconds in the life of a session.
pub type SessionSeconds = OneTo<SESSION_SECONDS_MAX>;
/// How long a chain is, or the place of a link in it: the root is 0.
pub type LinkCount = OneTo<LINKS_MAX>;
/// How many units.
pub type UnitCount = OneTo<AMOUNT_MAX>;

listed! {
    /// What so many units cost.
    pub struct Price {
        /// What is counted.
        unit: Unit,
        /// In minor units of the offer's currency, for as many units as the meter says.
        amount: Amount,
    }
}

impl Keyed for Price {
    fn key(&self) -> u64 {
        self.unit.number()
    }
}

impl Keyed for Amount {
    fn key(&self) -> u64 {
        self.minor()
    }
}

const PRICES: Label = Label { number: 1, name: "prices" };
const PER: Label = Label { number: 2, name: "per" };
const STEPS: Label = Label { number: 3, name: "steps" };
const AHEAD: Label = Label { number: 4, name: "ahead" };
const IDLE_SECONDS: Label = Label { number: 5, name: "idle_seconds" };
const GRACE_SECONDS: Label = Label { number: 6, name: "grace_seconds" };
const CONTINUES: Label = Label { number: 7, name: "continues" };

mapped! {
    /// What a metered offer says of prices and payment.
    pub struct Meter {
        /// The price of each unit that is counted.
        required prices: Ascending<Price, PRICES_MAX> = PRICES,
        /// How many units a price is for.
        required per: UnitCount = PER,
        /// What a link of each chain is worth.
        required steps: Ascending<Amount, CHAINS_MAX> = STEPS,
        /// The most by which links may be ahead of use.
        required ahead: Amount = AHEAD,
        /// How long a session lasts in which nothing happens.
        required idle_seconds: SessionSeconds = IDLE_SECONDS,
        /// How long after a revocation the seller may still claim.
        required grace_seconds: SessionSeconds = GRACE_SECONDS,
        /// The first offer of the session that this one goes on with.
        optional continues: PaperId = CONTINUES,
    }
}

listed! {
    /// A chain that an intent commits to.
    pub struct ChainRoot {
        /// How many links it has.
        length: LinkCount,
        /// Its link 0.
        root: Digest,
    }
}

listed! {
    /// A link that was released.
    pub struct Reached {
        /// The chain, from 0, in the order of the meter's steps.
        chain: u64,
        /// The place of the link.
        index: LinkCount,
        /// The link.
        link: Digest,
    }
}

impl Keyed for Reached {
    fn key(&self) -> u64 {
        self.chain
    }
}

listed! {
    /// What was used of a unit.
    pub struct Used {
        /// What is counted.
        unit: Unit,
        /// How many.
        count: UnitCount,
    }
}

impl Keyed for Used {
    fn key(&self) -> u64 {
        self.unit.number()
    }
}

/// Links, at most one of each chain.
pub type Links = Ascending<Reached, CHAINS_MAX>;
/// A statement of use.
pub type Usage = Ascending<Used, PRICES_MAX>;

const LINKS: Label = Label { number: 1, name: "links" };
const USAGE: Label = Label { number: 2, name: "usage" };

mapped! {
    /// What a capture of a metered hold rests on: the last link of each chain, and what was used.
    pub struct Claim {
        /// The last link of each chain of which one was released.
        required links: Links = LINKS,
        /// What was used, since the hold was opened.
        required usage: Usage = USAGE,
    }
}

impl Meter {
    /// What a meter must be so that a session under it never stands still: neither side is ahead by less than one
    /// link and one unit. [TOK-3]
    pub(crate) fn consistent(&self) -> Result<(), Fault> {
        let step = self.steps.last().map_or(0, |step| step.minor());
        let unit = self.prices.iter().map(|price| price.amount.minor().div_ceil(self.per.get())).max().unwrap_or(0);
        if self.ahead.minor() < step.saturating_add(unit) {
            return Err(Fault::new(Code::FieldConflict).field(AHEAD.name));
        }
        Ok(())
    }

    /// What these counts cost: the sum, rounded up once. `None` where a unit has no price, or the sum is more than
    /// money goes. [TOK-4]
    pub fn cost_minor(&self, usage: impl IntoIterator<Item = (Unit, u64)>) -> Option<u64> {
        let parts = self.parts(usage)?;
        u64::try_from(parts.div_ceil(u128::from(self.per.get()))).ok().filter(|minor| *minor <= AMOUNT_MAX)
    }

    /// How many further units of this kind fit into `minor`, beside what was used.
    pub fn room(&self, minor: u64, usage: impl IntoIterator<Item = (Unit, u64)>, unit: Unit) -> u64 {
        let (Some(used), Some(price)) = (self.parts(usage), self.price(unit)) else { return 0 };
        let all = u128::from(minor) * u128::from(self.per.get());
        u64::try_from(all.saturating_sub(used) / u128::from(price)).unwrap_or(u64::MAX)
    }

    /// The sum in parts of a minor unit, of which `per` make one.
    fn parts(&self, usage: impl IntoIterator<Item = (Unit, u64)>) -> Option<u128> {
        let mut parts = 0_u128;
        for (unit, count) in usage {
            let price = if count == 0 { 0 } else { self.price(unit)? };
            parts = parts.checked_add(u128::from(count) * u128::from(price))?;
        }
        Some(parts)
    }

    fn price(&self, unit: Unit) -> Option<u64> {
        self.prices.iter().find(|price| price.unit == unit).map(|price| price.amount.minor())
    }

    /// What the links up to these places are worth, in the order of the steps.
    pub fn value_minor(&self, places: impl IntoIterator<Item = u64>) -> u128 {
        self.steps.iter().zip(places).map(|(step, place)| u128::from(step.minor()) * u128::from(place)).sum()
    }

    /// Whether the chains are those that this meter asks for, and come to the amount. [TOK-5]
    pub fn fits(&self, chains: &[ChainRoot], amount: Amount) -> bool {
        chains.len() == self.steps.len()
            && self.value_minor(chains.iter().map(|chain| chain.length.get())) == u128::from(amount.minor())
    }
}

impl Claim {
    /// What was used, unit by unit.
    pub fn counts(&self) -> impl Iterator<Item = (Unit, u64)> + '_ {
        self.usage.iter().map(|used| (used.unit, used.count.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(per: u64, prices: &[(Unit, u64)], steps: &[u64], ahead: u64) -> Meter {
        let amount = |minor| Amount::from_minor(minor).unwrap();
        let prices = prices.iter().map(|&(unit, minor)| Price { unit, amount: amount(minor) }).collect();
        Meter {
            prices: Ascending::new(prices).unwrap(),
            per: UnitCount::new(per).unwrap(),
            steps: Ascending::new(steps.iter().map(|&minor| amount(minor)).collect()).unwrap(),
            ahead: amount(ahead),
            idle_seconds: SessionSeconds::new(60).unwrap(),
            grace_seconds: SessionSeconds::new(60).unwrap(),
            continues: None,
        }
    }

    #[test]
    fn a_sum_is_rounded_once_and_up() {
        let meter = meter(1_000, &[(Unit::InputToken, 3), (Unit::OutputToken, 15)], &[1], 10);
        let cost = |input, output| meter.cost_minor([(Unit::InputToken, input), (Unit::OutputToken, output)]);
        assert_eq!(cost(0, 0), Some(0));
        assert_eq!(cost(1, 0), Some(1));
        // 0.999 and 0.015 come to 1.014: rounded apart they would be one and one as well, but not here.
        assert_eq!(cost(100, 20), Some(1));
        assert_eq!(cost(333, 1), Some(2));
        assert_eq!(meter.cost_minor([(Unit::Image, 1)]), None);
    }

    #[test]
    fn what_fits_costs_no_more_and_one_more_does() {
        let meter = meter(1_000, &[(Unit::InputToken, 3), (Unit::OutputToken, 15)], &[1], 10);
        for minor in 0..40 {
            for input in [0, 1, 99, 333, 334, 5_000] {
                let used = [(Unit::InputToken, input)];
                let room = meter.room(minor, used, Unit::OutputToken);
                let cost = |output| meter.cost_minor([(Unit::InputToken, input), (Unit::OutputToken, output)]).unwrap();
                assert!(room == 0 || cost(room) <= minor);
                assert!(cost(room + 1) > minor);
            }
        }
    }

    #[test]
    fn a_meter_that_could_stand_still_is_none() {
        let told = |ahead| meter(1_000, &[(Unit::OutputToken, 1_500)], &[1, 50], ahead).consistent();
        assert!(told(52).is_ok());
        assert_eq!(told(51).unwrap_err().code, Code::FieldConflict);
    }
}
