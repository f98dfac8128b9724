//! The time, and fresh random bytes.

use std::time::{SystemTime, UNIX_EPOCH};

use purser_protocol::id::Nonce;
use purser_protocol::time::UnixSeconds;

use crate::error::{Error, Result};

/// The machine's clock, or one that goes with an issuer's in a sandbox, where time can be set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    ahead_seconds: i64,
}

impl Clock {
    /// The machine's.
    pub fn machine() -> Self {
        Self::default()
    }

    /// One that shows `now` now.
    pub fn showing(now: UnixSeconds) -> Self {
        let ahead = i128::from(now.get()) - i128::from(machine_seconds());
        Self { ahead_seconds: i64::try_from(ahead).unwrap_or_default() }
    }

    /// Now. A clock before 1970 or past 9999 shows the nearest time that can be written.
    pub fn now(&self) -> UnixSeconds {
        let now = machine_seconds().saturating_add_signed(self.ahead_seconds);
        UnixSeconds::new(now).unwrap_or(UnixSeconds::MAX)
    }
}

fn machine_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Fresh random bytes.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    let filled = aws_lc_rs::rand::fill(&mut bytes);
    filled.map_err(|_| Error::failed("the system gave no random bytes; nothing was signed"))?;
    Ok(bytes)
}

/// A fresh nonce.
pub fn nonce() -> Result<Nonce> {
    random().map(Nonce)
}
