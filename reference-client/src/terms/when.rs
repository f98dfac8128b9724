//! Instants and durations as people and servers write them.

use purser_protocol::time::UnixSeconds;

/// A duration such as `90s`, `15m`, `24h`, `30d`, `2w`.
pub fn duration_seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return None,
    };
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse::<u64>().ok().filter(|_| digits)?.checked_mul(seconds)
}

/// An instant: so long after `now`, a day, or a second of UTC: `30d`, `2027-01-01`, `2027-01-01T08:00:00Z`.
pub fn instant(text: &str, now: UnixSeconds) -> Option<UnixSeconds> {
    if let Some(seconds) = duration_seconds(text) {
        return now.checked_add(seconds);
    }
    let (date, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
    let &[year, month, day] = date.split('-').collect::<Vec<_>>().as_slice() else { return None };
    let seconds = utc(number(year, 4)?, number(month, 2)?, number(day, 2)?, time.strip_suffix('Z')?)?;
    // What is no day, such as 30 February, is shown as another.
    let shown = seconds.to_string();
    (shown == format!("{date}T{time}")).then_some(seconds)
}

/// The `Date` header of an answer: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn http_date(text: &str) -> Option<UnixSeconds> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let parts: Vec<_> = text.split(' ').collect();
    let &[_, day, month, year, time, "GMT"] = parts.as_slice() else { return None };
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    utc(number(year, 4)?, month, number(day, 2)?, time)
}

fn utc(year: u64, month: u64, day: u64, time: &str) -> Option<UnixSeconds> {
    let &[hour, minute, second] = time.split(':').collect::<Vec<_>>().as_slice() else { return None };
    let (hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 59
    {
        return None;
    }
    // Years that begin in March end with the leap day.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    // 1970-01-01, counted from 1 March of the year 0.
    UnixSeconds::new(days.checked_sub(719_468)? * 86_400 + hour * 3_600 + minute * 60 + second)
}

fn number(text: &str, digits: usize) -> Option<u64> {
    let fits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants() {
        let now = UnixSeconds::new(1_000).unwrap();
        let seconds = |text: &str| instant(text, now).map(UnixSeconds::get);
        for (text, expected) in [
            ("90s", 1_090),
            ("2h", 8_200),
            ("1w", 605_800),
            ("1970-01-01", 0),
            ("1970-01-01T00:00:01Z", 1),
            ("2000-02-29", 951_782_400),
            ("2026-11-01T02:26:40Z", 1_793_500_000),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "d",
            "1y",
            "-1d",
            "+1d",
            "2026-02-30",
            "2026-13-01",
            "2026-1-01",
            "1969-12-31",
            "2026-11-01T24:00:00Z",
            "2026-11-01T02:26:40",
            "2026-11-01T02:26:40+00:00",
            "99999999999999999999d",
            "999999999999d",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_is_the_one_that_the_protocol_shows() {
        for day in (0..2_932_896_u64).step_by(997) {
            let midnight = UnixSeconds::new(day * 86_400).unwrap();
            assert_eq!(instant(&midnight.to_string(), UnixSeconds::MIN), Some(midnight));
        }
    }

    #[test]
    fn the_date_of_an_answer() {
        let date = |text: &str| http_date(text).map(UnixSeconds::get);
        assert_eq!(date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        for text in
            ["", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 6 Nov 1994 08:49:37 GMT"]
        {
            assert_eq!(date(text), None, "{text}");
        }
    }
}
