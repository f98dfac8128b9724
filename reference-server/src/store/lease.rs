//! How long a process may believe that it owns the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A lease as its holder sees it: by its own clock, which does not stop when the process does, and from before it was
/// asked for, so that it is over here before it is over in the database.
///
/// It guards nothing but words: a batch is guarded by its epoch.
#[derive(Clone, Debug)]
pub struct Lease {
    since: Instant,
    length: Duration,
    until_millis: Arc<AtomicU64>,
    given_up: Arc<AtomicBool>,
}

impl Lease {
    /// One that is asked for now.
    pub fn from_now(length: Duration) -> Self {
        let until_millis = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        Self { since: Instant::now(), length, until_millis: Arc::new(until_millis.into()), given_up: Arc::default() }
    }

    /// How long it lasts when it is renewed.
    pub fn length(&self) -> Duration {
        self.length
    }

    /// Whether it is still this process's.
    pub fn is_held(&self) -> bool {
        self.since.elapsed() < Duration::from_millis(self.until_millis.load(Ordering::Acquire))
    }

    /// It lasts as long as another that was asked for later.
    pub fn extend(&self, to: &Self) {
        let until = to.since.saturating_duration_since(self.since) + to.length;
        let until = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
        self.until_millis.fetch_max(until, Ordering::AcqRel);
    }

    /// Nobody renews it any more.
    pub fn give_up(&self) {
        self.given_up.store(true, Ordering::Release);
    }

    /// Whether it is to be renewed no more.
    pub fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_where_it_is_not_renewed_and_is_never_shortened() {
        let (over, lasting) = (Lease::from_now(Duration::ZERO), Lease::from_now(Duration::from_secs(3_600)));
        assert!(!over.is_held());
        assert!(lasting.is_held());
        lasting.extend(&over);
        assert!(lasting.is_held());
        over.extend(&lasting);
        assert!(over.is_held());
    }
}
