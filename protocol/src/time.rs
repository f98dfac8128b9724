//! Instants and windows, in Unix seconds. Nothing here reads a clock.

use std::fmt;

use jiff::SignedDuration;
use jiff::civil::DateTime;

use crate::code::Code;
use crate::fault::Fault;
use crate::limits::SKEW_SECONDS;

/// An instant, in whole seconds since 1970-01-01T00:00:00Z without leap seconds, to the end of the year 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixSeconds(u64);

impl UnixSeconds {
    /// 1970-01-01T00:00:00Z.
    pub const MIN: Self = Self(0);
    /// 9999-12-31T23:59:59Z.
    pub const MAX: Self = Self(253_402_300_799);

    /// The instant so many seconds after the epoch, unless that is past the year 9999.
    pub const fn new(seconds: u64) -> Option<Self> {
        if seconds <= Self::MAX.0 { Some(Self(seconds)) } else { None }
    }

    /// Seconds since the epoch.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The instant so much later, unless that is past the year 9999.
    pub const fn checked_add(self, seconds: u64) -> Option<Self> {
        match self.0.checked_add(seconds) {
            Some(sum) => Self::new(sum),
            None => None,
        }
    }

    /// The instant so much later, or the last one.
    #[must_use]
    pub const fn saturating_add(self, seconds: u64) -> Self {
        match self.checked_add(seconds) {
            Some(sum) => sum,
            None => Self::MAX,
        }
    }

    /// The instant so much earlier, or the first one.
    #[must_use]
    pub const fn saturating_sub(self, seconds: u64) -> Self {
        Self(self.0.saturating_sub(seconds))
    }

    /// Seconds from `earlier` to this; none when `earlier` is the later of the two.
    pub const fn since(self, earlier: Self) -> Option<u64> {
        self.0.checked_sub(earlier.0)
    }

    /// Whether a paper that says it was made at this instant was made further after `now` than clocks may differ.
    /// There is no other allowance; the ends of windows have none. [ENC-24]
    pub const fn is_future(self, now: Self) -> bool {
        self.0 > now.0 + SKEW_SECONDS
    }
}

/// Refuses a paper that is good for longer than its kind may be. Error: `lifetime-exceeded`.
pub(crate) fn lives_at_most(made_at: UnixSeconds, expires_at: UnixSeconds, most_seconds: u64) -> Result<(), Fault> {
    let seconds = expires_at.since(made_at).unwrap_or_default();
    if seconds <= most_seconds { Ok(()) } else { Err(Fault::new(Code::LifetimeExceeded)) }
}

impl TryFrom<u64> for UnixSeconds {
    type Error = OutOfRange;

    fn try_from(seconds: u64) -> Result<Self, OutOfRange> {
        Self::new(seconds).ok_or(OutOfRange)
    }
}

/// RFC 3339, in UTC: `2026-05-01T08:00:00Z`.
impl fmt::Display for UnixSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
        let elapsed = i64::try_from(self.0).map_err(|_| fmt::Error)?;
        let civil = EPOCH.checked_add(SignedDuration::from_secs(elapsed)).map_err(|_| fmt::Error)?;
        write!(f, "{civil}Z")
    }
}

/// The number of seconds is past the year 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange;

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("past the year 9999")
    }
}

impl std::error::Error for OutOfRange {}

/// From `not_before` on, until just before `expires`. Never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    not_before: UnixSeconds,
    expires: UnixSeconds,
}

/// Where an instant lies with regard to a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// The window has not begun.
    Before,
    /// The window is open.
    Within,
    /// The window is over.
    After,
}

impl Window {
    /// The window between the two, unless it would be empty.
    pub fn new(not_before: UnixSeconds, expires: UnixSeconds) -> Option<Self> {
        (not_before < expires).then_some(Self { not_before, expires })
    }

    /// The first instant within.
    pub const fn not_before(self) -> UnixSeconds {
        self.not_before
    }

    /// The first instant after it.
    pub const fn expires(self) -> UnixSeconds {
        self.expires
    }

    /// How long it is open.
    pub const fn seconds(self) -> u64 {
        self.expires.0 - self.not_before.0
    }

    /// Where `now` lies.
    pub fn position(self, now: UnixSeconds) -> Position {
        if now < self.not_before {
            Position::Before
        } else if now < self.expires {
            Position::Within
        } else {
            Position::After
        }
    }

    /// Whether the window is open at `now`.
    pub fn contains(self, now: UnixSeconds) -> bool {
        self.position(now) == Position::Within
    }

    /// Whether all of this lies within `outer`.
    pub fn is_within(self, outer: Self) -> bool {
        outer.not_before <= self.not_before && self.expires <= outer.expires
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> UnixSeconds {
        UnixSeconds::new(seconds).unwrap()
    }

    fn window(not_before: u64, expires: u64) -> Window {
        Window::new(at(not_before), at(expires)).unwrap()
    }

    #[test]
    fn the_range_ends_with_the_year_9999() {
        assert_eq!(UnixSeconds::new(253_402_300_799), Some(UnixSeconds::MAX));
        assert_eq!(UnixSeconds::new(253_402_300_800), None);
        assert_eq!(UnixSeconds::try_from(u64::MAX), Err(OutOfRange));
        assert_eq!(UnixSeconds::MAX.checked_add(1), None);
        assert_eq!(at(1).checked_add(u64::MAX), None);
        assert_eq!(at(7).checked_add(3), Some(at(10)));
        assert_eq!(UnixSeconds::MAX.saturating_add(1), UnixSeconds::MAX);
        assert_eq!(at(7).saturating_sub(8), UnixSeconds::MIN);
        assert_eq!(at(7).since(at(3)), Some(4));
        assert_eq!(at(3).since(at(7)), None);
    }

    #[test]
    fn instants_are_written_as_rfc_3339() {
        assert_eq!(UnixSeconds::MIN.to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(at(1_709_210_096).to_string(), "2024-02-29T12:34:56Z");
        assert_eq!(UnixSeconds::MAX.to_string(), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn the_skew_is_ten_seconds() {
        assert!(!at(110).is_future(at(100)));
        assert!(at(111).is_future(at(100)));
        assert!(!at(0).is_future(at(100)));
        assert!(!UnixSeconds::MAX.is_future(UnixSeconds::MAX));
    }

    #[test]
    fn a_window_holds_its_first_second_and_not_its_last() {
        let window = window(100, 200);
        assert_eq!(window.position(at(99)), Position::Before);
        assert_eq!(window.position(at(100)), Position::Within);
        assert_eq!(window.position(at(199)), Position::Within);
        assert_eq!(window.position(at(200)), Position::After);
        assert!(window.contains(at(150)) && !window.contains(at(200)));
        assert_eq!(window.seconds(), 100);
    }

    #[test]
    fn a_window_is_never_empty() {
        assert!(Window::new(at(100), at(101)).is_some());
        assert_eq!(Window::new(at(100), at(100)), None);
        assert_eq!(Window::new(at(101), at(100)), None);
    }

    #[test]
    fn a_window_lies_within_itself_and_within_any_wider_one() {
        assert!(window(100, 200).is_within(window(100, 200)));
        assert!(window(100, 200).is_within(window(99, 201)));
        assert!(!window(100, 200).is_within(window(101, 200)));
        assert!(!window(100, 200).is_within(window(100, 199)));
    }
}
