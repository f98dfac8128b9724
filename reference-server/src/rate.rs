//! Token buckets in bounded memory.
//!
//! The shell keeps one for each address; a role may keep one for each agent, by the agent's key id.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Buckets of `burst` tokens for each key, refilled evenly over a period.
///
/// A bucket is one number: the time at which it will be full again. So one that is full needs no memory,
/// and what the table holds is only the senders of the last period. When it holds `keys_max` of them, all
/// newcomers share one bucket: a flood from very many addresses slows strangers, never the ones it met
/// under way, and never grows the table.
#[derive(Debug)]
pub struct Buckets<K> {
    /// The time that one token takes to come back; zero for no limit.
    token: Duration,
    /// The time that an empty bucket takes to fill.
    period: Duration,
    keys_max: usize,
    table: Mutex<Table<K>>,
}

#[derive(Debug)]
struct Table<K> {
    full_at: HashMap<K, Duration>,
    newcomers_full_at: Duration,
    swept_at: Duration,
}

impl<K: Hash + Eq> Buckets<K> {
    /// `burst` tokens at once, `burst` tokens a `period`. Where either is zero there is no limit.
    pub fn new(burst: u32, period: Duration, keys_max: usize) -> Self {
        let token = period.checked_div(burst).unwrap_or_default();
        let table = Table { full_at: HashMap::new(), newcomers_full_at: Duration::ZERO, swept_at: Duration::ZERO };
        Self { token, period, keys_max, table: Mutex::new(table) }
    }

    /// Takes a token, or says how long to wait for one. `now` is any clock that never goes back.
    pub fn take(&self, key: K, now: Duration) -> Result<(), Duration> {
        if self.token.is_zero() {
            return Ok(());
        }
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let table = &mut *table;
        if table.full_at.len() >= self.keys_max && !table.full_at.contains_key(&key) {
            // A sweep reads the whole table, so not at every newcomer.
            if now >= table.swept_at + self.period / 8 {
                table.full_at.retain(|_, full_at| *full_at > now);
                table.swept_at = now;
            }
            if table.full_at.len() >= self.keys_max {
                return self.take_from(&mut table.newcomers_full_at, now);
            }
        }
        self.take_from(table.full_at.entry(key).or_default(), now)
    }

    /// What [`take`](Self::take) would say, and takes nothing.
    pub fn has(&self, key: &K, now: Duration) -> Result<(), Duration> {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = table.full_at.get(key).copied().unwrap_or_default();
        let wait = (full_at.max(now) + self.token).saturating_sub(now + self.period);
        if self.token.is_zero() || wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    fn take_from(&self, full_at: &mut Duration, now: Duration) -> Result<(), Duration> {
        let after = (*full_at).max(now) + self.token;
        let wait = after.saturating_sub(now + self.period);
        if !wait.is_zero() {
            return Err(wait);
        }
        *full_at = after;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_burst_then_an_even_flow() {
        let buckets = Buckets::new(3, at(30), 10);
        for _ in 0..3 {
            assert_eq!(buckets.take("a", at(0)), Ok(()));
        }
        assert_eq!(buckets.take("a", at(0)), Err(at(10)));
        assert_eq!(buckets.take("a", at(9)), Err(at(1)));
        assert_eq!(buckets.take("a", at(10)), Ok(()));
        assert_eq!(buckets.take("a", at(10)), Err(at(10)));
        assert_eq!((buckets.has(&"a", at(10)), buckets.has(&"b", at(10))), (Err(at(10)), Ok(())));
        assert_eq!(buckets.take("b", at(10)), Ok(()), "another sender has its own");
        assert_eq!((buckets.has(&"a", at(20)), buckets.has(&"a", at(20))), (Ok(()), Ok(())), "to look takes nothing");
    }

    #[test]
    fn a_long_rest_gives_one_burst_and_no_more() {
        let buckets = Buckets::new(2, at(2), 10);
        let taken = (0..9).filter(|_| buckets.take("a", at(1_000)).is_ok()).count();
        assert_eq!(taken, 2);
    }

    #[test]
    fn zero_is_no_limit() {
        for (burst, period) in [(0, at(1)), (1, at(0))] {
            let buckets = Buckets::new(burst, period, 1);
            assert!((0..1_000).all(|_| buckets.take("a", at(0)).is_ok() && buckets.has(&"a", at(0)).is_ok()));
        }
    }

    #[test]
    fn the_table_stays_within_its_bound() {
        let buckets = Buckets::new(2, at(20), 100);
        for key in 0..100 {
            assert_eq!(buckets.take(key, at(0)), Ok(()));
        }
        let strangers = (100..10_000).filter(|&key| buckets.take(key, at(0)).is_ok()).count();
        assert_eq!(strangers, 2, "newcomers share one bucket");
        assert_eq!(buckets.take(7, at(0)), Ok(()), "those under way keep theirs");
        assert_eq!(buckets.table.lock().unwrap().full_at.len(), 100);

        assert_eq!(buckets.take(20_000, at(40)), Ok(()));
        assert_eq!(buckets.table.lock().unwrap().full_at.len(), 1, "full buckets are forgotten");
    }
}
