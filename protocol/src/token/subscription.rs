//! A subscription at its seller: a mandate of terms, what was paid of them, and the units of each.
//!
//! A [`Subscription`] is the fold of its [`Record`]s, as a session is. What is due is asked of it with the time; it is
//! one thing at most, and what was signed is kept before it is sent. So whoever falls over sends the same again, and
//! a term is asked for as often as the seller's patience allows and paid at most once, which is the issuer's to keep.

use super::pack::{self, Bought, Consumed, Pack, Taken};
use crate::code::{Code, Stage};
use crate::fault::Fault;
use crate::field::{Bytes, UpTo, listed, tagged};
use crate::id::{Digest, PaperId, PartyId, Pseudonym, ShortText};
use crate::limits::AMOUNT_MAX;
use crate::money::{Amount, Currency};
use crate::paper::meter::{Unit, UnitCount};
use crate::period::{Period, Terms};
use crate::time::UnixSeconds;

/// How many terms in a row are missed before a subscription is given up.
pub const MISSED_MAX: u32 = 3;

listed! {
    /// A subscription begins.
    pub struct Opened {
        /// The mandate that pays it, which is its name.
        mandate: PaperId,
        /// Where it pays.
        issuer: PartyId,
        /// The plan.
        plan: ShortText,
        /// Its terms.
        terms: Period,
        /// Units of each term.
        units: UnitCount,
        /// Units until the first term begins.
        trial_units: u64,
        /// The currency of its prices.
        currency: Currency,
        /// The hash of the secret that speaks for it.
        secret_hash: Digest,
        /// When.
        at: UnixSeconds,
    }
}

listed! {
    /// A term is asked for: this is sent until it is decided. [TOK-51]
    pub struct Asked {
        /// The term.
        number: u64,
        /// The offer.
        offer: PaperId,
        /// The intent.
        intent: PaperId,
        /// The payment request with both.
        request: Bytes,
        /// The plan, and the version of its price.
        plan: ShortText,
        /// The price.
        amount: Amount,
        /// When.
        at: UnixSeconds,
    }
}

listed! {
    /// A term was paid.
    pub struct Paid {
        /// The payer.
        pseudonym: Pseudonym,
        /// When.
        at: UnixSeconds,
    }
}

tagged! {
    /// What happened to a subscription, as its seller keeps it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Record {
    /// It begins.
    Opened(Box<Opened>) = 1;
    /// A term is asked for.
    Asked(Box<Asked>) = 2;
    /// What was asked for was paid.
    Paid(Paid) = 3;
    /// What was asked for was refused, at this time.
    Refused(UnixSeconds) = 4;
    /// Units were consumed.
    Consumed(Consumed) = 5;
    /// It has ended, at this time.
    Ended(UnixSeconds) = 6;
    }
}

/// A subscription.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscription {
    opened: Box<Opened>,
    terms: Terms,
    pack: Pack,
    asked: Option<Box<Asked>>,
    refused_at: Option<UnixSeconds>,
    /// The last term that was paid.
    paid: u32,
    ended: bool,
}

/// What a subscription needs done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing, now.
    Nothing,
    /// What was signed is not decided: it is sent, the same bytes as before.
    Send(PaperId, Vec<u8>),
    /// This term is to be asked for.
    Ask(u32),
    /// Too many terms were missed.
    End,
}

/// How a subscription stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The first term has not begun.
    Trial,
    /// The term is paid.
    Paid,
    /// It is asked for.
    Asked,
    /// It is not paid, and will be asked for.
    Unpaid,
    /// It is over.
    Ended,
}

impl State {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trial => "trial",
            Self::Paid => "paid",
            Self::Asked => "asked",
            Self::Unpaid => "unpaid",
            Self::Ended => "ended",
        }
    }
}

impl Subscription {
    /// One that begins; `None` where its period is none of terms.
    pub fn open(opened: Opened) -> Option<Self> {
        let Period::Terms(terms) = opened.terms.clone() else { return None };
        let mut pack = Pack::empty();
        if let Some(units) = UnitCount::new(opened.trial_units) {
            let trial = Bought {
                offer: opened.mandate,
                intent: opened.mandate,
                issuer: opened.issuer.clone(),
                amount: UpTo::new(0)?,
                currency: opened.currency,
                plan: opened.plan.clone(),
                units,
                until: terms.anchor,
                pseudonym: Pseudonym([0; 16]),
                at: opened.at,
            };
            pack.apply(&pack::Record::Bought(Box::new(trial)));
        }
        let opened = Box::new(opened);
        Some(Self { opened, terms, pack, asked: None, refused_at: None, paid: 0, ended: false })
    }

    /// The subscription that records make; `None` when the first does not open one.
    pub fn restore(records: impl IntoIterator<Item = Record>) -> Option<Self> {
        let mut records = records.into_iter();
        let Some(Record::Opened(opened)) = records.next() else { return None };
        let mut subscription = Self::open(*opened)?;
        records.for_each(|record| subscription.apply(&record));
        Some(subscription)
    }

    /// Applies what was kept.
    pub fn apply(&mut self, record: &Record) {
        match record {
            // What is open is open.
            Record::Opened(_) => {}
            Record::Asked(asked) => self.asked = Some(asked.clone()),
            Record::Paid(paid) => {
                let Some(asked) = self.asked.take() else { return };
                let number = u32::try_from(asked.number).unwrap_or(u32::MAX);
                self.paid = self.paid.max(number);
                self.refused_at = None;
                if let Some(bought) = self.bought(&asked, number, paid) {
                    self.pack.apply(&pack::Record::Bought(Box::new(bought)));
                }
            }
            Record::Refused(at) => (self.asked, self.refused_at) = (None, Some(*at)),
            Record::Consumed(consumed) => self.pack.apply(&pack::Record::Consumed(consumed.clone())),
            Record::Ended(_) => self.ended = true,
        }
    }

    /// What it began with.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Its terms.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// What was paid, first to last; the trial, where there is one, is paid with nothing.
    pub fn purchases(&self) -> impl ExactSizeIterator<Item = &Bought> {
        self.pack.purchases()
    }

    /// What is asked for and not decided.
    pub fn asked(&self) -> Option<&Asked> {
        self.asked.as_deref()
    }

    /// How it stands.
    pub fn state(&self, now: UnixSeconds) -> State {
        match self.terms.number(now) {
            _ if self.ended => State::Ended,
            0 => State::Trial,
            number if self.paid >= number => State::Paid,
            _ if self.asked.is_some() => State::Asked,
            _ => State::Unpaid,
        }
    }

    /// What is due. A term is asked for once it has begun, never one that is over, and after a refusal not before
    /// `pause_seconds` have passed. [TOK-51] [TOK-52]
    pub fn due(&self, now: UnixSeconds, pause_seconds: u64) -> Due {
        if let Some(asked) = &self.asked {
            return Due::Send(asked.intent, asked.request.0.clone());
        }
        let number = self.terms.number(now);
        if self.ended || number <= self.paid {
            return Due::Nothing;
        }
        if number - self.paid > MISSED_MAX {
            return Due::End; // [TOK-54]
        }
        let rests = self.refused_at.is_some_and(|at| now < at.saturating_add(pause_seconds));
        if rests { Due::Nothing } else { Due::Ask(number) }
    }

    /// How many units are left.
    pub fn remaining(&self, now: UnixSeconds) -> u64 {
        if self.ended { 0 } else { self.pack.remaining(now) }
    }

    /// What a stream has consumed of a unit.
    pub fn used_in(&self, stream: u64, unit: Unit) -> u64 {
        self.pack.used_in(stream, unit)
    }

    /// What was consumed of a unit, over all streams.
    pub fn used(&self, unit: Unit) -> u64 {
        self.pack.used(unit)
    }

    /// Consumes units of a stream, of the term that was paid. [TOK-42] [TOK-53]
    pub fn consume(
        &self,
        stream: u64,
        unit: Unit,
        from: u64,
        count: UnitCount,
        now: UnixSeconds,
    ) -> Result<Vec<Record>, Fault> {
        if self.ended {
            return Err(Fault::new(Code::PackUsedUp).at_stage(Stage::Redeem));
        }
        let records = match self.pack.consume(stream, unit, from, count, now)? {
            Taken::Known(_) => Vec::new(),
            Taken::Paid(_, records) => records,
        };
        let consumed = |record| match record {
            pack::Record::Consumed(consumed) => Some(Record::Consumed(consumed)),
            pack::Record::Bought(_) | pack::Record::Refunding(_) | pack::Record::Refunded(_) => None,
        };
        Ok(records.into_iter().filter_map(consumed).collect())
    }

    fn bought(&self, asked: &Asked, number: u32, paid: &Paid) -> Option<Bought> {
        let end = self.terms.bounds(number).end;
        Some(Bought {
            offer: asked.offer,
            intent: asked.intent,
            issuer: self.opened.issuer.clone(),
            amount: UpTo::<AMOUNT_MAX>::new(asked.amount.minor())?,
            currency: self.opened.currency,
            plan: asked.plan.clone(),
            units: self.opened.units,
            until: UnixSeconds::new(end).unwrap_or(UnixSeconds::MAX),
            pseudonym: paid.pseudonym,
            at: paid.at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{decoded, encoded};
    use crate::period::{Unit as Calendar, Zone};
    use proptest::prelude::*;

    const DAY: u64 = 86_400;
    /// 31 January 2027, at noon in Berlin.
    const ANCHOR: u64 = 1_801_393_200;

    fn at(seconds: u64) -> UnixSeconds {
        UnixSeconds::new(seconds).unwrap()
    }

    fn terms() -> Terms {
        Terms { unit: Calendar::Month, zone: Zone::new("Europe/Berlin").unwrap(), anchor: at(ANCHOR) }
    }

    fn opened(trial_units: u64) -> Opened {
        Opened {
            mandate: PaperId([1; 32]),
            issuer: PartyId::new("issuer.example").unwrap(),
            plan: ShortText::new("monthly/1").unwrap(),
            terms: Period::Terms(terms()),
            units: UnitCount::new(1_000).unwrap(),
            trial_units,
            currency: Currency::from_code("CNY").unwrap(),
            secret_hash: Digest([5; 32]),
            at: at(ANCHOR - 14 * DAY),
        }
    }

    fn asked(number: u32, now: u64) -> Record {
        let id = PaperId([u8::try_from(number).unwrap(); 32]);
        Record::Asked(Box::new(Asked {
            number: number.into(),
            offer: id,
            intent: id,
            request: Bytes(vec![0; 3]),
            plan: ShortText::new("monthly/1").unwrap(),
            amount: Amount::from_minor(990).unwrap(),
            at: at(now),
        }))
    }

    fn paid(now: u64) -> Record {
        Record::Paid(Paid { pseudonym: Pseudonym([7; 16]), at: at(now) })
    }

    #[test]
    fn a_term_is_asked_for_once_it_has_begun_and_never_after_it() {
        let mut one = Subscription::open(opened(100)).unwrap();
        assert_eq!((one.state(at(ANCHOR - 1)), one.due(at(ANCHOR - 1), DAY)), (State::Trial, Due::Nothing));
        assert_eq!(
            (one.remaining(at(ANCHOR - 1)), one.remaining(at(ANCHOR))),
            (100, 0),
            "a trial ends with the anchor"
        );
        assert_eq!(one.due(at(ANCHOR), DAY), Due::Ask(1));
        one.apply(&asked(1, ANCHOR));
        assert!(matches!(one.due(at(ANCHOR + 90 * DAY), DAY), Due::Send(..)), "what was sent is found out about first");
        one.apply(&Record::Refused(at(ANCHOR + 5)));
        assert_eq!(one.due(at(ANCHOR + DAY), DAY), Due::Nothing, "a day has not passed");
        assert_eq!(one.due(at(ANCHOR + DAY + 5), DAY), Due::Ask(1));
        // 28 February at noon: January's month was missed, and is not asked for.
        let second = terms().begins(2).unwrap();
        assert_eq!(second, at(1_803_812_400));
        assert_eq!(one.due(second, DAY), Due::Ask(2));
        one.apply(&asked(2, second.get()));
        one.apply(&paid(second.get()));
        assert_eq!((one.state(second), one.due(second, DAY)), (State::Paid, Due::Nothing));
        let third = terms().begins(3).unwrap();
        assert_eq!(third, at(1_806_487_200), "31 March at noon, in summer");
        assert_eq!((one.remaining(at(third.get() - 1)), one.remaining(third)), (1_000, 0));
        assert_eq!(one.due(third, DAY), Due::Ask(3));
        assert_eq!(one.due(terms().begins(5).unwrap(), DAY), Due::Ask(5));
        assert_eq!(one.due(terms().begins(6).unwrap(), DAY), Due::End);
        one.apply(&Record::Ended(terms().begins(6).unwrap()));
        assert_eq!(one.due(terms().begins(6).unwrap(), DAY), Due::Nothing);
    }

    proptest! {
        /// Whoever falls over after any record goes on with exactly what it had, and no term is paid twice.
        #[test]
        fn it_is_the_fold_of_its_records(
            steps in prop::collection::vec((0_u64..20 * DAY, 0_u8..4), 1..60)
        ) {
            let first = Record::Opened(Box::new(opened(100)));
            let mut one = Subscription::open(opened(100)).unwrap();
            let (mut records, mut now) = (vec![first], ANCHOR - 5 * DAY);
            for (passes, choice) in steps {
                now += passes;
                let record = match one.due(at(now), DAY) {
                    Due::Nothing if choice == 0 => {
                        let count = UnitCount::new(10).unwrap();
                        let from = one.used_in(1, Unit::OutputToken);
                        let consumed = one.consume(1, Unit::OutputToken, from, count, at(now));
                        prop_assert_eq!(consumed.is_err(), one.remaining(at(now)) == 0);
                        consumed.ok().and_then(|records| records.into_iter().next())
                    }
                    Due::Nothing => None,
                    Due::Ask(number) => Some(asked(number, now)),
                    Due::Send(..) => match choice {
                        0 => None,
                        1 => Some(Record::Refused(at(now))),
                        _ => Some(paid(now)),
                    },
                    Due::End => Some(Record::Ended(at(now))),
                };
                if let Some(record) = record {
                    prop_assert_eq!(&decoded::<Record>(&encoded(&record)).unwrap(), &record);
                    one.apply(&record);
                    records.push(record);
                    prop_assert_eq!(&Subscription::restore(records.clone()).unwrap(), &one);
                }
            }
            let mut ends: Vec<u64> = one.purchases().map(|bought| bought.until.get()).collect();
            let all = ends.len();
            ends.dedup();
            prop_assert_eq!(ends.len(), all, "two payments of one term");
        }
    }
}
