//! Stretches of time that rules speak of: calendar and rolling periods, hours of the week, and a subscription's terms.
//!
//! The calendar is the Gregorian one, at a named place. A period begins at the first second at which the clocks there
//! show its first midnight or later: where midnight is left out, with what comes instead; where it comes twice, the
//! first time. So periods follow on each other without gap or overlap, and a clock put back does not open one again.

use std::ops::Range;

use jiff::civil::Date;
use jiff::{Span, ToSpan};

mod zone;

use zone::{Reduced, midnight};
pub use zone::{Zone, database_version};

use crate::time::UnixSeconds;

/// A unit of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// From midnight to midnight; 23 or 25 hours where clocks change.
    Day,
    /// From Monday.
    Week,
    /// From the first.
    Month,
    /// From 1 January.
    Year,
}

impl Unit {
    /// The units, in the order of their labels.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Year];

    /// The unit with this label on the wire.
    pub const fn from_label(label: u64) -> Option<Self> {
        match label {
            1 => Some(Self::Day),
            2 => Some(Self::Week),
            3 => Some(Self::Month),
            4 => Some(Self::Year),
            _ => None,
        }
    }

    /// The label on the wire.
    pub const fn label(self) -> u64 {
        match self {
            Self::Day => 1,
            Self::Week => 2,
            Self::Month => 3,
            Self::Year => 4,
        }
    }

    /// The name in English.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    fn times(self, n: i64) -> Option<Span> {
        let span = Span::new();
        match self {
            Self::Day => span.try_days(n),
            Self::Week => span.try_weeks(n),
            Self::Month => span.try_months(n),
            Self::Year => span.try_years(n),
        }
        .ok()
    }

    fn first_day(self, date: Date) -> Date {
        match self {
            Self::Day => date,
            Self::Week => date.saturating_sub(i64::from(date.weekday().to_monday_zero_offset()).days()),
            Self::Month => date.first_of_month(),
            Self::Year => date.first_of_year(),
        }
    }

    fn next(self, first_day: Date) -> Date {
        first_day.saturating_add(match self {
            Self::Day => 1.day(),
            Self::Week => 1.week(),
            Self::Month => 1.month(),
            Self::Year => 1.year(),
        })
    }
}

/// The length of a rolling period: from one second to 366 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RollingSeconds(u32);

impl RollingSeconds {
    /// The greatest length: 366 days.
    pub const MAX: u32 = 31_622_400;

    /// So many seconds, unless there are none or too many.
    pub const fn new(seconds: u32) -> Option<Self> {
        if seconds == 0 || seconds > Self::MAX { None } else { Some(Self(seconds)) }
    }

    /// The number of seconds.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// The time over which a rule's counter adds up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// The day, week, month or year that now belongs to, at a place.
    Calendar {
        /// Which.
        unit: Unit,
        /// Where.
        zone: Zone,
    },
    /// The last so many seconds: what was decided at `t` counts while `now - seconds < t <= now`.
    Rolling(RollingSeconds),
    /// The term that now belongs to.
    Terms(Terms),
}

impl Period {
    /// The Unix seconds that count at `now`; `now` is always among them.
    ///
    /// For a calendar period that is all of it, from its first second to just before the next one's; the end may lie
    /// past the year 9999, and a period that began before 1970 is given from 1970 on. For a rolling period it is the
    /// last so many seconds, `now` included, and its end moves with `now`. What is before the first of terms is one
    /// stretch.
    pub fn bounds(&self, now: UnixSeconds) -> Range<u64> {
        match self {
            Self::Calendar { unit, zone } => calendar(*unit, zone, now),
            Self::Rolling(length) => {
                let end = now.get() + 1;
                end.saturating_sub(u64::from(length.get()))..end
            }
            Self::Terms(terms) => terms.bounds(terms.number(now)),
        }
    }
}

// [RUL-22]
fn calendar(unit: Unit, zone: &Zone, now: UnixSeconds) -> Range<u64> {
    let now = Reduced::new(now);
    let first_day = unit.first_day(zone.wall(now).date());
    let next_day = unit.next(first_day);
    let (mut start, mut end) = (zone.first_instant(midnight(first_day)), zone.first_instant(midnight(next_day)));
    // Clocks that were put back over midnight show the old date again, in a period that has begun. No clock has been
    // put back by more than a day since 1970.
    if end <= now.seconds {
        (start, end) = (end, zone.first_instant(midnight(unit.next(next_day))));
    }
    let seconds = |instant: i64| u64::try_from(instant + now.cycle).unwrap_or(0);
    seconds(start)..seconds(end)
}

/// Hours of some days of the week, by the clocks of a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeWindow {
    zone: Zone,
    weekdays: u8,
    from_minute: u16,
    until_minute: u16,
}

impl TimeWindow {
    /// Minutes in a day.
    pub const DAY_MINUTES: u16 = 1440;

    /// From one minute of the day until just before another, on the days whose bit is set, bit 0 being Monday.
    ///
    /// None without a day, with a bit past Sunday's, or unless `from_minute < until_minute <= 1440`: hours that go on
    /// past midnight are two windows.
    pub fn new(zone: Zone, weekdays: u8, from_minute: u16, until_minute: u16) -> Option<Self> {
        let is_some_time = from_minute < until_minute && until_minute <= Self::DAY_MINUTES;
        (is_some_day(weekdays) && is_some_time).then_some(Self { zone, weekdays, from_minute, until_minute })
    }

    /// Where the clocks are.
    pub const fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The days: bit 0 is Monday.
    pub const fn weekdays(&self) -> u8 {
        self.weekdays
    }

    /// The first minute of the day that is within.
    pub const fn from_minute(&self) -> u16 {
        self.from_minute
    }

    /// The first minute after it that is not.
    pub const fn until_minute(&self) -> u16 {
        self.until_minute
    }

    /// Whether the clocks show a time within at `now`.
    ///
    /// An hour that comes twice is within both times, one that is left out never.
    pub fn contains(&self, now: UnixSeconds) -> bool {
        let wall = self.zone.wall(Reduced::new(now));
        let minute = i32::from(wall.hour()) * 60 + i32::from(wall.minute());
        let is_day = self.weekdays >> wall.weekday().to_monday_zero_offset() & 1 == 1;
        is_day && (i32::from(self.from_minute)..i32::from(self.until_minute)).contains(&minute)
    }
}

/// Whether bits stand for days of a week, at least one.
pub(crate) fn is_some_day(weekdays: u8) -> bool {
    (1..=0b111_1111).contains(&weekdays)
}

/// When the n-th term begins that is counted from `anchor` in days, weeks, months or years of the calendar at a place.
///
/// At the anchor's time of day, by the clocks there. From the anchor itself, not from the term before: where the day
/// is missing the month's last one stands in, and the next month has the day again (31 January, 28 February, 31
/// March). A time that is left out gives the first second after it, one that comes twice the first. None past the
/// year 9999.
pub fn anniversary(anchor: UnixSeconds, zone: &Zone, unit: Unit, n: u32) -> Option<UnixSeconds> {
    if n == 0 {
        return Some(anchor);
    }
    let reduced = Reduced::new(anchor);
    let wall = zone.wall(reduced).checked_add(unit.times(i64::from(n))?).ok()?;
    let instant = zone.first_instant(wall) + reduced.cycle;
    UnixSeconds::new(u64::try_from(instant).ok()?)
}

/// Days, weeks, months or years of a calendar, one after the other, counted from an instant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Terms {
    /// How long each is.
    pub unit: Unit,
    /// Where the clocks are.
    pub zone: Zone,
    /// When the first begins.
    pub anchor: UnixSeconds,
}

impl Terms {
    /// The number of the term that an instant belongs to: from 1, and 0 before the first. [RUL-25]
    pub fn number(&self, now: UnixSeconds) -> u32 {
        let Some(since) = now.since(self.anchor) else { return 0 };
        let mean_seconds = match self.unit {
            Unit::Day => 86_400,
            Unit::Week => 604_800,
            Unit::Month => 2_629_746,
            Unit::Year => 31_556_952,
        };
        let mut before = u32::try_from(since / mean_seconds).unwrap_or(u32::MAX - 1);
        // The mean is out by a term or two.
        while before > 0 && self.begins(before + 1).is_none_or(|begins| begins > now) {
            before -= 1;
        }
        while self.begins(before + 2).is_some_and(|begins| begins <= now) {
            before += 1;
        }
        before + 1
    }

    /// When a term begins, by its number from 1; none past the year 9999.
    pub fn begins(&self, number: u32) -> Option<UnixSeconds> {
        anniversary(self.anchor, &self.zone, self.unit, number.checked_sub(1)?)
    }

    /// From a term's first second until just before the next one's; before the first, for 0.
    pub fn bounds(&self, number: u32) -> Range<u64> {
        let after_all = UnixSeconds::MAX.get() + 1;
        let begins = |number: u32| self.begins(number).map_or(after_all, UnixSeconds::get);
        let end = number.checked_add(1).map_or(after_all, begins);
        if number == 0 { 0..end } else { begins(number)..end }
    }
}

#[cfg(test)]
mod tests;
