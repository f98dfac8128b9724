//! Hours of the week as people type them: `mon-fri@08:00-18:00`, `sat.sun@00:00-24:00`.

use purser_protocol::period::{TimeWindow, Zone};

use crate::error::{Error, Result};

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

pub(super) fn read(text: &str, zone: &Zone) -> Result<TimeWindow> {
    let wrong = || Error::usage("not DAYS@HH:MM-HH:MM, such as mon-fri@08:00-18:00");
    let (days, hours) = text.split_once('@').ok_or_else(wrong)?;
    let (from, until) = hours.split_once('-').ok_or_else(wrong)?;
    let weekdays = weekdays(days).ok_or_else(wrong)?;
    let (from, until) = minutes(from).zip(minutes(until)).ok_or_else(wrong)?;
    TimeWindow::new(zone.clone(), weekdays, from, until).ok_or_else(|| {
        Error::usage("the hours end before they begin").fix("hours past midnight are two windows, joined by +")
    })
}

/// `all`, `mon-fri`, or days separated by dots; bit 0 is Monday.
fn weekdays(text: &str) -> Option<u8> {
    let day = |name: &str| DAYS.iter().position(|day| *day == name);
    if text == "all" {
        return Some(0x7f);
    }
    if let Some((first, last)) = text.split_once('-') {
        let (first, last) = (day(first)?, day(last)?);
        return (first <= last).then(|| (first..=last).fold(0, |days, day| days | 1 << day));
    }
    text.split('.').map(day).try_fold(0, |days, day| Some(days | 1 << day?))
}

fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |text: &str| text.parse::<u16>().ok().filter(|_| text.len() == 2 && !text.starts_with('+'));
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (minutes < 60 && (hours < 24 || (hours, minutes) == (24, 0))).then_some(hours * 60 + minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_of_the_week() {
        let zone = Zone::new("UTC").unwrap();
        for (text, weekdays, from, until) in [
            ("mon-fri@08:00-18:00", 0b1_1111, 480, 1_080),
            ("sat.sun@00:00-24:00", 0b110_0000, 0, 1_440),
            ("all@23:59-24:00", 0x7f, 1_439, 1_440),
            ("wed@00:00-00:01", 0b100, 0, 1),
            ("mon.mon@00:00-00:01", 1, 0, 1),
        ] {
            let window = read(text, &zone).unwrap();
            let found = (window.weekdays(), window.from_minute(), window.until_minute());
            assert_eq!(found, (weekdays, from, until), "{text}");
        }
        for text in [
            "",
            "mon",
            "mon@",
            "mon@8:00-18:00",
            "mon@08:00-18:60",
            "mon@08:00-24:01",
            "mon@+8:00-18:00",
            "fri-mon@08:00-18:00",
            "mo@08:00-18:00",
            "mon@18:00-08:00",
            "@08:00-18:00",
        ] {
            assert!(read(text, &zone).is_err(), "{text}");
        }
    }
}
