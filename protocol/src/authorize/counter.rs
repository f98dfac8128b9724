//! What was spent under a lineage, by the caps or a grant, and by period.

use std::collections::{HashMap, VecDeque};

use crate::paper::rules::Rules;
use crate::period::Period;
use crate::time::UnixSeconds;

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
            Some(calendar @ Period::Calendar { .. }) => {
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
