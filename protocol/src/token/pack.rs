//! A pack at its seller: what was bought, what is left of it.
//!
//! A [`Pack`] is the fold of its [`Record`]s, as a session is: the caller keeps what was decided, applies it, and only
//! then acts. What is consumed is consumed once for each stream and place in it, whatever falls over in between.

use std::collections::BTreeMap;

use crate::code::{Code, Stage};
use crate::fault::Fault;
use crate::field::{Bytes, UpTo, listed, tagged};
use crate::id::{PaperId, PartyId, Pseudonym, ShortText};
use crate::limits::AMOUNT_MAX;
use crate::money::{Amount, Currency};
use crate::paper::meter::{Unit, UnitCount};
use crate::time::UnixSeconds;

listed! {
    /// Units were bought: the first time it opens the pack, later ones refill it.
    pub struct Bought {
        /// The offer that was taken.
        offer: PaperId,
        /// The payment.
        intent: PaperId,
        /// Where it was paid.
        issuer: PartyId,
        /// What was paid; nothing, for a trial.
        amount: UpTo<AMOUNT_MAX>,
        /// Its currency.
        currency: Currency,
        /// The plan, and the version of its price.
        plan: ShortText,
        /// How many units.
        units: UnitCount,
        /// The first second at which what is left is gone.
        until: UnixSeconds,
        /// The payer.
        pseudonym: Pseudonym,
        /// When.
        at: UnixSeconds,
    }
}

listed! {
    /// Units of a purchase were consumed.
    pub struct Consumed {
        /// The stream in which they were.
        stream: u64,
        /// What they were.
        unit: Unit,
        /// The purchase that pays them, from 0.
        purchase: u64,
        /// How many more.
        count: UnitCount,
        /// When.
        at: UnixSeconds,
    }
}

listed! {
    /// What is left of a purchase is given back by this command, which is sent until it has its receipt.
    pub struct Refunding {
        /// The purchase, from 0.
        purchase: u64,
        /// The refund.
        command: Bytes,
    }
}

tagged! {
    /// What happened to a pack, as its seller keeps it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Record {
    /// Units were bought.
    Bought(Box<Bought>) = 1;
    /// Units were consumed.
    Consumed(Consumed) = 2;
    /// What is left is being given back.
    Refunding(Refunding) = 3;
    /// It has been given back.
    Refunded(u64) = 4;
    }
}

/// A pack.
#[derive(Clone, Debug, PartialEq)]
pub struct Pack {
    purchases: Vec<Purchase>,
    streams: BTreeMap<(u64, Unit), u64>,
}

#[derive(Clone, Debug, PartialEq)]
struct Purchase {
    bought: Box<Bought>,
    consumed: u64,
    refunding: Option<Vec<u8>>,
    /// How many commands were signed for it.
    signed: u32,
    refunded: bool,
}

/// What came of units that someone wants to consume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// These were consumed at this place before: nothing moves. So many of the stream are.
    Known(u64),
    /// So many are there, at least one: to be kept, and then delivered.
    Paid(u64, Vec<Record>),
}

/// What is left of a purchase, and what it is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// The purchase, from 0.
    pub purchase: u64,
    /// The payment.
    pub intent: PaperId,
    /// Where it was paid.
    pub issuer: PartyId,
    /// What goes back.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
}

impl Pack {
    /// A pack that its first purchase opens.
    pub fn open(bought: Bought) -> Self {
        Self { purchases: vec![Purchase::new(Box::new(bought))], streams: BTreeMap::new() }
    }

    /// One of which nothing was bought yet.
    pub fn empty() -> Self {
        Self { purchases: Vec::new(), streams: BTreeMap::new() }
    }

    /// The pack that records make; `None` when the first does not open one.
    pub fn restore(records: impl IntoIterator<Item = Record>) -> Option<Self> {
        let mut records = records.into_iter();
        let Some(Record::Bought(bought)) = records.next() else { return None };
        let mut pack = Self::open(*bought);
        records.for_each(|record| pack.apply(&record));
        Some(pack)
    }

    /// Applies what was kept.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Bought(bought) => self.purchases.push(Purchase::new(bought.clone())),
            Record::Consumed(consumed) => {
                let used = self.streams.entry((consumed.stream, consumed.unit)).or_default();
                *used = used.saturating_add(consumed.count.get());
                if let Some(purchase) = self.purchase_mut(consumed.purchase) {
                    purchase.consumed = purchase.consumed.saturating_add(consumed.count.get());
                }
            }
            Record::Refunding(refunding) => {
                if let Some(purchase) = self.purchase_mut(refunding.purchase) {
                    purchase.refunding = Some(refunding.command.0.clone());
                    purchase.signed = purchase.signed.saturating_add(1);
                }
            }
            Record::Refunded(purchase) => {
                if let Some(purchase) = self.purchase_mut(*purchase) {
                    purchase.refunded = true;
                }
            }
        }
    }

    /// What was bought, first to last.
    pub fn purchases(&self) -> impl ExactSizeIterator<Item = &Bought> {
        self.purchases.iter().map(|purchase| &*purchase.bought)
    }

    /// How many units are left.
    pub fn remaining(&self, now: UnixSeconds) -> u64 {
        self.purchases.iter().map(|purchase| purchase.left(now)).sum()
    }

    /// What a stream has consumed of a unit: where it goes on after a crash.
    pub fn used_in(&self, stream: u64, unit: Unit) -> u64 {
        self.streams.get(&(stream, unit)).copied().unwrap_or(0)
    }

    /// What was consumed of a unit, over all streams.
    pub fn used(&self, unit: Unit) -> u64 {
        self.streams.iter().filter(|((_, known), _)| *known == unit).map(|(_, count)| count).sum()
    }

    /// Consumes units of a stream from a place in it on: as many as are there, of what ends first. A place that was
    /// consumed before is not consumed again. [TOK-41] [TOK-42] [TOK-43]
    pub fn consume(
        &self,
        stream: u64,
        unit: Unit,
        from: u64,
        count: UnitCount,
        now: UnixSeconds,
    ) -> Result<Taken, Fault> {
        let used = self.used_in(stream, unit);
        if from < used {
            return Ok(Taken::Known(used));
        }
        if from > used {
            return Err(at_redeem(Code::ConsumeConflict));
        }
        let mut order: Vec<(u64, &Purchase)> = (0..).zip(&self.purchases).collect();
        order.sort_by_key(|(_, purchase)| purchase.bought.until);
        let (mut rest, mut records) = (count.get(), Vec::new());
        for (place, purchase) in order {
            if let Some(part) = UnitCount::new(rest.min(purchase.left(now))) {
                rest -= part.get();
                let consumed = Consumed { stream, unit, purchase: place, count: part, at: now };
                records.push(Record::Consumed(consumed));
            }
        }
        if records.is_empty() { Err(at_redeem(Code::PackUsedUp)) } else { Ok(Taken::Paid(count.get() - rest, records)) }
    }

    /// A further purchase: of the same payer, in the same currency. [TOK-44]
    pub fn refill(&self, bought: Bought) -> Result<Record, Fault> {
        let same = self.purchases.first().is_some_and(|first| {
            let first = &first.bought;
            first.pseudonym == bought.pseudonym && first.currency == bought.currency && first.issuer == bought.issuer
        });
        let new = self.purchases.iter().all(|purchase| purchase.bought.offer != bought.offer);
        if same && new { Ok(Record::Bought(Box::new(bought))) } else { Err(at_redeem(Code::ReceiptMismatch)) }
    }

    /// What is left of each purchase, and its part of the price, rounded down once. [TOK-45]
    pub fn rests(&self, now: UnixSeconds) -> Vec<Rest> {
        let rest = |(place, purchase): (u64, &Purchase)| {
            let Bought { intent, issuer, amount, currency, units, .. } = &*purchase.bought;
            let part = u128::from(amount.get()) * u128::from(purchase.left(now)) / u128::from(units.get());
            let amount = u64::try_from(part).ok().and_then(Amount::from_minor)?;
            Some(Rest { purchase: place, intent: *intent, issuer: issuer.clone(), amount, currency: *currency })
        };
        (0..).zip(&self.purchases).filter_map(rest).collect()
    }

    /// The refunds that have no receipt yet.
    pub fn open_refunds(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let open = (0..).zip(&self.purchases).filter(|(_, purchase)| !purchase.refunded);
        open.filter_map(|(place, purchase)| Some((place, purchase.refunding.as_deref()?)))
    }

    /// How many refunds were signed for a purchase, each after the one before was refused or came too late.
    pub fn refunds_signed(&self, purchase: u64) -> u32 {
        let purchase = usize::try_from(purchase).ok().and_then(|place| self.purchases.get(place));
        purchase.map_or(0, |purchase| purchase.signed)
    }

    /// Whether a purchase is given back, or is being given back.
    pub fn is_given_back(&self, purchase: u64) -> bool {
        let purchase = usize::try_from(purchase).ok().and_then(|place| self.purchases.get(place));
        purchase.is_some_and(|purchase| purchase.refunding.is_some())
    }

    fn purchase_mut(&mut self, place: u64) -> Option<&mut Purchase> {
        usize::try_from(place).ok().and_then(|place| self.purchases.get_mut(place))
    }
}

impl Purchase {
    fn new(bought: Box<Bought>) -> Self {
        Self { bought, consumed: 0, refunding: None, signed: 0, refunded: false }
    }

    fn left(&self, now: UnixSeconds) -> u64 {
        if self.refunding.is_some() || now >= self.bought.until {
            return 0;
        }
        self.bought.units.get().saturating_sub(self.consumed)
    }
}

fn at_redeem(code: Code) -> Fault {
    Fault::new(code).at_stage(Stage::Redeem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{decoded, encoded};
    use proptest::prelude::*;

    const UNIT: Unit = Unit::OutputToken;

    fn at(seconds: u64) -> UnixSeconds {
        UnixSeconds::new(seconds).unwrap()
    }

    fn some(count: u64) -> UnitCount {
        UnitCount::new(count).unwrap()
    }

    fn bought(number: u8, units: u64, until: u64) -> Bought {
        Bought {
            offer: PaperId([number; 32]),
            intent: PaperId([number; 32]),
            issuer: PartyId::new("issuer.example").unwrap(),
            amount: UpTo::new(1_000).unwrap(),
            currency: Currency::from_code("CNY").unwrap(),
            plan: ShortText::new("basic/1").unwrap(),
            units: some(units),
            until: at(until),
            pseudonym: Pseudonym([7; 16]),
            at: at(0),
        }
    }

    fn take(pack: &mut Pack, stream: u64, from: u64, count: u64, now: u64) -> Result<u64, Code> {
        match pack.consume(stream, UNIT, from, some(count), at(now)).map_err(|fault| fault.code)? {
            Taken::Known(used) => Ok(used),
            Taken::Paid(paid, records) => {
                for record in &records {
                    assert_eq!(decoded::<Record>(&encoded(record)).unwrap(), *record);
                    pack.apply(record);
                }
                Ok(paid)
            }
        }
    }

    #[test]
    fn a_place_is_consumed_once_and_what_ends_first_goes_first() {
        let mut pack = Pack::open(bought(1, 10, 100));
        assert_eq!(take(&mut pack, 5, 0, 4, 0), Ok(4));
        assert_eq!(take(&mut pack, 5, 0, 4, 0), Ok(4), "the same once more");
        assert_eq!(pack.remaining(at(0)), 6);
        assert_eq!(take(&mut pack, 5, 5, 4, 0), Err(Code::ConsumeConflict), "a place is left out");
        let refill = pack.refill(bought(2, 10, 50)).unwrap();
        pack.apply(&refill);
        assert_eq!(pack.refill(bought(2, 10, 50)).unwrap_err().code, Code::ReceiptMismatch, "one offer, one refill");
        let stranger = Bought { pseudonym: Pseudonym([8; 16]), ..bought(3, 10, 50) };
        assert_eq!(pack.refill(stranger).unwrap_err().code, Code::ReceiptMismatch);
        assert_eq!(take(&mut pack, 5, 4, 12, 0), Ok(12), "ten of the second, two of the first");
        assert_eq!((pack.remaining(at(49)), pack.remaining(at(50)), pack.remaining(at(100))), (4, 4, 0));
        assert_eq!(take(&mut pack, 6, 0, 1, 100), Err(Code::PackUsedUp));
        assert_eq!(take(&mut pack, 6, 0, 9, 99), Ok(4));
        assert_eq!(take(&mut pack, 6, 4, 1, 99), Err(Code::PackUsedUp));
    }

    #[test]
    fn what_is_left_is_worth_its_part_rounded_down() {
        let mut pack = Pack::open(bought(1, 3, 100));
        assert_eq!(take(&mut pack, 1, 0, 1, 0), Ok(1));
        let rests = pack.rests(at(0));
        assert_eq!(rests.iter().map(|rest| rest.amount.minor()).collect::<Vec<_>>(), [666]);
        assert!(pack.rests(at(100)).is_empty(), "what has ended is worth nothing");
        pack.apply(&Record::Refunding(Refunding { purchase: 0, command: Bytes(vec![1]) }));
        assert!(pack.rests(at(0)).is_empty() && pack.is_given_back(0));
        assert_eq!(take(&mut pack, 1, 1, 1, 0), Err(Code::PackUsedUp), "what goes back is not consumed");
        assert_eq!((pack.open_refunds().count(), pack.refunds_signed(0)), (1, 1));
        // Another command stands in the place of one that was refused, and is of the same purchase.
        pack.apply(&Record::Refunding(Refunding { purchase: 0, command: Bytes(vec![2]) }));
        assert_eq!(pack.open_refunds().collect::<Vec<_>>(), [(0, &[2][..])]);
        assert_eq!((pack.refunds_signed(0), pack.rests(at(0)).len(), pack.remaining(at(0))), (2, 0, 0));
        pack.apply(&Record::Refunded(0));
        assert_eq!(pack.open_refunds().count(), 0);
    }

    proptest! {
        #[test]
        fn nothing_is_consumed_twice_or_beyond_what_was_bought(
            steps in prop::collection::vec((0_u64..3, 0_u64..40, 1_u64..20, 0_u64..120, any::<bool>()), 1..60)
        ) {
            let mut pack = Pack::open(bought(0, 50, 100));
            let (mut records, mut delivered, mut sold, mut clock) = (Vec::new(), 0, 50, 0);
            records.push(Record::Bought(Box::new(bought(0, 50, 100))));
            for (number, (stream, from, count, now, refill)) in (1..).zip(steps) {
                clock = clock.max(now.min(clock + 3));
                if refill && number < 5 {
                    let record = pack.refill(bought(number, 20, 60)).unwrap();
                    pack.apply(&record);
                    records.push(record);
                    sold += 20;
                }
                let before = pack.remaining(at(clock));
                match pack.consume(stream, UNIT, from, some(count), at(clock)) {
                    Ok(Taken::Known(used)) => prop_assert!(used > from),
                    Ok(Taken::Paid(paid, more)) => {
                        prop_assert!(paid >= 1 && paid <= count && paid <= before);
                        more.iter().for_each(|record| pack.apply(record));
                        records.extend(more);
                        delivered += paid;
                        prop_assert_eq!(pack.remaining(at(clock)), before - paid);
                        prop_assert_eq!(pack.used_in(stream, UNIT), from + paid);
                    }
                    Err(fault) if fault.code == Code::PackUsedUp => prop_assert_eq!(before, 0),
                    Err(fault) => prop_assert_eq!(fault.code, Code::ConsumeConflict),
                }
                prop_assert_eq!(pack.used(UNIT), delivered);
                prop_assert!(delivered <= sold);
                prop_assert_eq!(Pack::restore(records.clone()).unwrap(), pack.clone());
            }
        }
    }
}
