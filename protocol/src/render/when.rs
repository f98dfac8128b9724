//! Instants, durations and hours of the week. Every instant is said in universal time, with that name beside it.

use super::Pen;
use crate::period::{Period, TimeWindow};
use crate::time::UnixSeconds;

const UNITS: [(&str, u64); 4] = [("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)];

impl Pen {
    /// An instant. [RND-9]
    pub(super) fn time(self, at: UnixSeconds) -> String {
        let (year, month, day) = date(at.get() / 86_400);
        let second = at.get() % 86_400;
        let clock = [("hour", second / 3_600), ("minute", second / 60 % 60), ("second", second % 60)];
        let [hour, minute, second] = clock.map(|(unit, number)| self.clock(unit, number));
        let holes = [
            ("year", self.year(year)),
            ("month", self.word(&format!("month.{month}"), &[])),
            ("day", self.number(day)),
            ("hour", hour),
            ("minute", minute),
            ("second", second),
        ];
        self.word("time", &holes)
    }

    /// A length of time, in whole units from the greatest down. [RND-10]
    pub(super) fn duration(self, seconds: u64) -> String {
        let mut rest = seconds;
        let mut parts = Vec::new();
        for (unit, length) in UNITS {
            if rest >= length {
                parts.push(self.counted("unit", unit, rest / length));
                rest %= length;
            }
        }
        parts.join(&self.word("unit.join", &[]))
    }

    /// The time over which a counter adds up. [RND-23]
    pub(super) fn period(self, period: &Period) -> String {
        match period {
            Period::Calendar { unit, zone } => {
                self.word(&format!("period.{}", unit.name()), &[("zone", self.aloud(zone.name()))])
            }
            Period::Rolling(length) => self.word("period.rolling", &[("duration", self.duration(length.get().into()))]),
            Period::Terms(terms) => {
                let holes = [("time", self.time(terms.anchor)), ("zone", self.aloud(terms.zone.name()))];
                self.word(&format!("term.{}", terms.unit.name()), &holes)
            }
        }
    }

    /// Hours of some days of the week. [RND-23]
    pub(super) fn window(self, window: &TimeWindow) -> String {
        let holes = [
            ("days", self.days(window.weekdays())),
            ("from", self.minute(window.from_minute())),
            ("until", self.minute(window.until_minute())),
            ("zone", self.aloud(window.zone().name())),
        ];
        self.word("window", &holes)
    }

    fn days(self, weekdays: u8) -> String {
        if weekdays == 0b111_1111 {
            return self.word("days.all", &[]);
        }
        let days = (1..=7).filter(|day| weekdays >> (day - 1) & 1 == 1);
        self.list("list", days.map(|day| self.word(&format!("day.{day}"), &[])))
    }

    fn minute(self, minute: u16) -> String {
        let (hour, minute) = (u64::from(minute / 60), u64::from(minute % 60));
        self.word("minute", &[("hour", self.clock("hour", hour)), ("minute", self.clock("minute", minute))])
    }

    /// A part of a time of day: two figures on a screen, a counted unit for a voice.
    fn clock(self, unit: &str, number: u64) -> String {
        if self.is_voice() { self.counted("clock", unit, number) } else { format!("{number:02}") }
    }

    fn counted(self, what: &str, unit: &str, number: u64) -> String {
        let many = if number == 1 { "one" } else { "many" };
        self.word(&format!("{what}.{unit}.{many}"), &[("number", self.number(number))])
    }

    /// Chinese reads a year figure by figure.
    fn year(self, year: u64) -> String {
        match (self.medium, self.language) {
            (super::Medium::Voice, super::Language::English) => self.number(year),
            _ => self.figures(&year.to_string()),
        }
    }
}

/// Year, month and day of the Gregorian calendar, so many days after 1 January 1970.
fn date(days: u64) -> (u64, u64, u64) {
    // Years that begin in March end with the leap day; 400 of them are 146,097 days.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    (era * 400 + year, month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::super::{Language, Medium};
    use super::*;

    #[test]
    fn dates_are_those_that_papers_are_printed_with() {
        for day in (0..2_932_896_u64).step_by(89).chain([0, 58, 59, 60, 11_016, 2_932_896]) {
            let (year, month, of_month) = date(day);
            let at = UnixSeconds::new(day * 86_400).unwrap();
            assert_eq!(at.to_string(), format!("{year:04}-{month:02}-{of_month:02}T00:00:00Z"));
        }
    }

    #[test]
    fn instants_and_durations() {
        let at = UnixSeconds::new(1_793_602_861).unwrap();
        for (language, medium, time, duration) in [
            (Language::English, Medium::Screen, "2 November 2026, 07:01:01 UTC", "1 day 2 hours 1 second"),
            (Language::Chinese, Medium::Screen, "2026年11月2日 07:01:01（协调世界时）", "1 天 2 小时 1 秒"),
            (
                Language::English,
                Medium::Voice,
                "November two, two thousand twenty six, seven hours, one minute, one second, universal time",
                "one day two hours one second",
            ),
            (Language::Chinese, Medium::Voice, "协调世界时二零二六年十一月二日七点一分一秒", "一天二小时一秒"),
        ] {
            let pen = Pen { language, medium };
            assert_eq!(pen.time(at), time);
            assert_eq!(pen.duration(86_400 + 7_200 + 1), duration);
        }
    }
}
