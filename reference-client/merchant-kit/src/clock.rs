//! The time. A sandbox may set it; nothing else can.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use purser_protocol::time::UnixSeconds;

/// The system's clock, and how far a sandbox has moved it.
#[derive(Debug, Default)]
pub struct Clock {
    ahead_seconds: AtomicI64,
}

impl Clock {
    /// Now. A clock before 1970 or past 9999 reads as the nearest time that can be written.
    pub fn now(&self) -> UnixSeconds {
        let ahead = self.ahead_seconds.load(Ordering::Relaxed);
        let now = system_seconds().saturating_add_signed(ahead);
        UnixSeconds::new(now).unwrap_or(UnixSeconds::MAX)
    }

    /// Sets the clock; it goes on from there.
    pub fn set(&self, now: UnixSeconds) {
        let ahead = i128::from(now.get()) - i128::from(system_seconds());
        self.ahead_seconds.store(i64::try_from(ahead).unwrap_or_default(), Ordering::Relaxed);
    }
}

fn system_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
