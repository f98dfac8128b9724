//! What was spent under a lineage, by the caps or a grant, and by period.

use std::collections::{HashMap, VecDeque};

use crate::field::{encoded, listed};
use crate::ledger::event::{Many, Maybe};
use crate::paper::rules::Rules;
use crate::period::Period;
use crate::time::UnixSeconds;

/// Seconds of a rolling period in one row.
const SUMS_MAX: usize = 512;

/// The caps of a mandate, or one of its grants.
pub type Scope = Option<u8>;

/// The tallies of a lineage.
///
/// A tally that is missing has counted nothing. Answering too much here refuses a payment; answering too
/// little passes a limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    tallies: HashMap<(Scope, Option<Period>), Tally>, // [RUL-20]
}

/// Payments that count: their sum and their number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// In minor units.
    pub minor: u64,
    /// How many.
    pub payments: u64,
}

listed! {
    /// One tally as it is kept.
    pub struct Counted {
        /// The caps, or the grant.
        scope: Maybe<u64>,
        /// The period; since the beginning without one.
        period: Maybe<Period>,
        /// Of a calendar period or a term, its first second; the first that counts, of a rolling one.
        start: u64,
        /// The second after its last; of a rolling one, how many seconds it has.
        end: u64,
        /// Second, sum and number; of a rolling period as many as there are, else one.
        sums: Many<SumOf>,
    }
}

listed! {
    /// What was paid in a second.
    pub struct SumOf {
        /// The second; 0 where it does not matter.
        second: u64,
        /// In minor units.
        minor: u64,
        /// How many.
        payments: u64,
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Tally {
    /// Since the beginning, or since `start` until before `end`.
    Range { start: u64, end: u64, sum: Sum },
    /// Each second's sum, oldest first.
    Rolling { seconds: u64, by_second: VecDeque<(u64, Sum)> },
}

impl Counters {
    /// What counts at `now` in a scope and a period; without a period, since the beginning.
    pub fn at(&self, scope: Scope, period: Option<&Period>, now: UnixSeconds) -> Sum {
        match self.tallies.get(&(scope, period.cloned())) {
            None => Sum::default(),
            Some(Tally::Range { start, end, sum }) if (*start..*end).contains(&now.get()) => *sum,
            Some(Tally::Range { .. }) => Sum::default(),
            Some(Tally::Rolling { seconds, by_second }) => {
                let since = now.get().saturating_sub(*seconds); // [RUL-23]
                let counting = by_second.iter().rev().take_while(|(second, _)| *second > since);
                counting.fold(Sum::default(), |total, (_, sum)| Sum {
                    minor: total.minor.saturating_add(sum.minor),
                    payments: total.payments + sum.payments,
                })
            }
        }
    }

    /// Counts a payment in every tally that `rules` read, and in the one since the beginning.
    pub fn add(&mut self, scope: Scope, rules: Option<&Rules>, decided_at: UnixSeconds, minor: u64) {
        for period in periods(rules) {
            let fresh = || Tally::new(period.as_ref(), decided_at);
            self.tallies.entry((scope, period.clone())).or_insert_with(fresh).add(period.as_ref(), decided_at, minor);
        }
    }

    /// Takes an amount back out of the tallies that still count its payment. The number of payments stays.
    pub fn give_back(&mut self, scope: Scope, rules: Option<&Rules>, decided_at: UnixSeconds, minor: u64) {
        for period in periods(rules) {
            if let Some(tally) = self.tallies.get_mut(&(scope, period)) {
                tally.give_back(decided_at, minor);
            }
        }
    }
}

/// Tallies from one version of a mandate to the next, and to where they are kept.
impl Counters {
    /// What goes over to rules: the tallies that they read, and those since the beginning. [MAN-22]
    pub fn carried<'r>(&self, rules_of: impl Fn(Scope) -> Option<&'r Rules>) -> Self {
        let reads = |(scope, period): &(Scope, Option<Period>)| periods(rules_of(*scope)).contains(period);
        let tallies = self.tallies.iter().filter(|(key, _)| reads(key));
        Self { tallies: tallies.map(|(key, tally)| (key.clone(), tally.clone())).collect() }
    }

    /// The periods that rules read and that were not counted while payments were: they begin with those. [MAN-25]
    pub fn missing<'r>(&self, rules_of: impl Fn(Scope) -> Option<&'r Rules>) -> Vec<(Scope, Period)> {
        let counted = self.tallies.keys().filter(|(_, period)| period.is_none()).map(|(scope, _)| *scope);
        let read = counted.flat_map(|scope| periods(rules_of(scope)).into_iter().map(move |period| (scope, period)));
        let missing = read.filter(|key| !self.tallies.contains_key(key));
        missing.filter_map(|(scope, period)| Some((scope, period?))).collect()
    }

    /// How many sums it holds.
    pub fn size(&self) -> usize {
        let sums = |tally: &Tally| match tally {
            Tally::Range { .. } => 1,
            Tally::Rolling { by_second, .. } => by_second.len(),
        };
        self.tallies.values().map(sums).sum()
    }

    /// What of it can still count at `now` or later.
    pub fn from(&self, now: UnixSeconds) -> Self {
        let counts = |tally: &Tally| match tally {
            Tally::Range { end, .. } => (*end > now.get()).then(|| tally.clone()),
            Tally::Rolling { seconds, by_second } => {
                let counting = by_second.iter().filter(|(second, _)| second.saturating_add(*seconds) > now.get());
                let by_second: VecDeque<_> = counting.copied().collect();
                (!by_second.is_empty()).then_some(Tally::Rolling { seconds: *seconds, by_second })
            }
        };
        let tallies = self.tallies.iter().filter_map(|(key, tally)| Some((key.clone(), counts(tally)?)));
        Self { tallies: tallies.collect() }
    }

    /// The tallies, as they are kept; some of them. A rolling one may take several rows, which stand together.
    pub fn rows(&self, wanted: impl Fn(Scope, Option<&Period>) -> bool) -> Vec<Counted> {
        let mut rows: Vec<_> =
            self.tallies.iter().filter(|((scope, period), _)| wanted(*scope, period.as_ref())).collect();
        // The same tallies are the same bytes.
        rows.sort_by_cached_key(|((scope, period), _)| (*scope, period.as_ref().map(encoded)));
        let mut kept = Vec::with_capacity(rows.len());
        for ((scope, period), tally) in rows {
            let (start, end, sums) = match tally {
                Tally::Range { start, end, sum } => (*start, *end, vec![sum_of(0, sum)]),
                Tally::Rolling { seconds, by_second } => {
                    (0, *seconds, by_second.iter().map(|(second, sum)| sum_of(*second, sum)).collect())
                }
            };
            let (scope, period) = (Maybe(scope.map(u64::from)), Maybe(period.clone()));
            for sums in sums.chunks(SUMS_MAX) {
                let (scope, period, sums) = (scope.clone(), period.clone(), Many(sums.to_vec()));
                kept.push(Counted { scope, period, start, end, sums });
            }
        }
        kept
    }

    /// Takes a row that was kept, after those before it. Nothing, where none can be so.
    pub fn keep(&mut self, row: &Counted) -> Option<()> {
        let scope = row.scope.0.map(u8::try_from).transpose().ok()?;
        let key = (scope, row.period.0.clone());
        let sum = |row: &SumOf| Sum { minor: row.minor, payments: row.payments };
        match (&row.period.0, row.sums.0.as_slice()) {
            (Some(Period::Rolling(_)), sums) => {
                let fresh = || Tally::Rolling { seconds: row.end, by_second: VecDeque::new() };
                let Tally::Rolling { by_second, .. } = self.tallies.entry(key).or_insert_with(fresh) else {
                    return None;
                };
                by_second.extend(sums.iter().map(|row| (row.second, sum(row))));
            }
            (_, [one]) => {
                self.tallies.insert(key, Tally::Range { start: row.start, end: row.end, sum: sum(one) });
            }
            _ => return None,
        }
        Some(())
    }
}

fn sum_of(second: u64, sum: &Sum) -> SumOf {
    SumOf { second, minor: sum.minor, payments: sum.payments }
}

/// The periods that rules count in, each once, and since the beginning.
fn periods(rules: Option<&Rules>) -> Vec<Option<Period>> {
    let mut periods = vec![None];
    if let Some(rules) = rules {
        let totals = rules.total_per.as_deref().unwrap_or_default().iter().map(|rule| &rule.period);
        let counts = rules.count_per.as_deref().unwrap_or_default().iter().map(|rule| &rule.period);
        for period in totals.chain(counts) {
            if !periods.iter().any(|known| known.as_ref() == Some(period)) {
                periods.push(Some(period.clone()));
            }
        }
    }
    periods
}

impl Tally {
    fn new(period: Option<&Period>, now: UnixSeconds) -> Self {
        match period {
            None => Self::Range { start: 0, end: u64::MAX, sum: Sum::default() },
            Some(Period::Rolling(seconds)) => {
                Self::Rolling { seconds: u64::from(seconds.get()), by_second: VecDeque::new() }
            }
            Some(calendar @ (Period::Calendar { .. } | Period::Terms(_))) => {
                let bounds = calendar.bounds(now);
                Self::Range { start: bounds.start, end: bounds.end, sum: Sum::default() }
            }
        }
    }

    fn add(&mut self, period: Option<&Period>, decided_at: UnixSeconds, minor: u64) {
        let at = decided_at.get();
        match self {
            Self::Range { end, .. } if at >= *end => {
                *self = Self::new(period, decided_at);
                self.add(period, decided_at, minor);
            }
            // A payment of an earlier period than the one counted no longer counts.
            Self::Range { start, sum, .. } => {
                if at >= *start {
                    sum.minor = sum.minor.saturating_add(minor);
                    sum.payments += 1;
                }
            }
            Self::Rolling { seconds, by_second } => {
                let place = by_second.partition_point(|(second, _)| *second < at);
                match by_second.get_mut(place) {
                    Some((second, sum)) if *second == at => {
                        sum.minor = sum.minor.saturating_add(minor);
                        sum.payments += 1;
                    }
                    _ => by_second.insert(place, (at, Sum { minor, payments: 1 })),
                }
                let newest = by_second.back().map_or(at, |(second, _)| *second);
                while by_second.front().is_some_and(|(second, _)| second.saturating_add(*seconds) <= newest) {
                    by_second.pop_front();
                }
            }
        }
    }

    fn give_back(&mut self, decided_at: UnixSeconds, minor: u64) {
        let at = decided_at.get();
        let sum = match self {
            Self::Range { start, end, sum } => (*start..*end).contains(&at).then_some(sum),
            Self::Rolling { by_second, .. } => {
                by_second.iter_mut().find(|(second, _)| *second == at).map(|(_, sum)| sum)
            }
        };
        if let Some(sum) = sum {
            sum.minor = sum.minor.saturating_sub(minor);
        }
    }
}
