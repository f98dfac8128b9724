//! Days, weeks, months and years, each at its first second, here and there.

use super::*;

/// A calendar period: payments of the second before it began and of its first second, and one later in it.
struct Row {
    id: &'static str,
    title: &'static str,
    unit: i64,
    zone: &'static str,
    /// The first second of the period.
    begins: u64,
    /// When the later payment is made.
    now: u64,
}

const SHANGHAI: &str = "Asia/Shanghai";
const NEW_YORK: &str = "America/New_York";

/// `now` is 1:46:40 on a Monday in Shanghai, the 18th of March.
const MIDNIGHT: u64 = NOW - (HOUR + 46 * 60 + 40);

/// Periods of which each is as long as none of its kind must be: months of 31, 28 and 30 days, years of 365 and 366,
/// days of 23, 24 and 25 hours.
const ROWS: [Row; 19] = [
    Row { id: "day", title: "A day in Shanghai", unit: 1, zone: SHANGHAI, begins: MIDNIGHT, now: NOW },
    Row {
        id: "week",
        title: "A week in Shanghai, from Monday on",
        unit: 2,
        zone: SHANGHAI,
        begins: MIDNIGHT,
        now: NOW,
    },
    Row {
        id: "day-utc",
        title: "A day in UTC",
        unit: 1,
        zone: "UTC",
        begins: NOW - (17 * HOUR + 46 * 60 + 40),
        now: NOW,
    },
    Row { id: "month", title: "A month in Shanghai", unit: 3, zone: SHANGHAI, begins: MIDNIGHT - 17 * DAY, now: NOW },
    Row { id: "year", title: "A year in Shanghai", unit: 4, zone: SHANGHAI, begins: MIDNIGHT - 76 * DAY, now: NOW },
    // The later payment, too, is of the first second.
    Row {
        id: "day-first-second",
        title: "The first second of a day in Shanghai",
        unit: 1,
        zone: SHANGHAI,
        begins: MIDNIGHT,
        now: MIDNIGHT,
    },
    Row {
        id: "month-first-second",
        title: "The first second of a month in UTC",
        unit: 3,
        zone: "UTC",
        begins: 1_898_553_600,
        now: 1_898_553_600,
    },
    // The day began at 18:30 in UTC.
    Row {
        id: "day-of-half-an-hour",
        title: "A day in Kolkata",
        unit: 1,
        zone: "Asia/Kolkata",
        begins: 1_899_916_200,
        now: NOW,
    },
    // The 31st of March, at noon.
    Row {
        id: "month-last-of-31",
        title: "The last day of a month of 31, in Shanghai",
        unit: 3,
        zone: SHANGHAI,
        begins: 1_898_524_800,
        now: 1_901_160_000,
    },
    // The 1st of March, at noon, after 28 days of February.
    Row {
        id: "month-after-28",
        title: "The first day after a month of 28, in Shanghai",
        unit: 3,
        zone: SHANGHAI,
        begins: 1_898_524_800,
        now: 1_898_568_000,
    },
    // The 1st of May, at noon, after 30 days of April.
    Row {
        id: "month-after-30",
        title: "The first day after a month of 30, in Shanghai",
        unit: 3,
        zone: SHANGHAI,
        begins: 1_903_795_200,
        now: 1_903_838_400,
    },
    // The 31st of December 2028, at noon.
    Row {
        id: "year-last-of-366",
        title: "The last day of a year of 366, in Shanghai",
        unit: 4,
        zone: SHANGHAI,
        begins: 1_830_268_800,
        now: 1_861_848_000,
    },
    Row {
        id: "year-last-of-366-utc",
        title: "The last day of a year of 366, in UTC",
        unit: 4,
        zone: "UTC",
        begins: 1_830_297_600,
        now: 1_861_876_800,
    },
    // The 1st of January 2030, at noon.
    Row {
        id: "year-after-365",
        title: "The first day after a year of 365, in Shanghai",
        unit: 4,
        zone: SHANGHAI,
        begins: 1_893_427_200,
        now: 1_893_470_400,
    },
    Row {
        id: "year-after-365-utc",
        title: "The first day after a year of 365, in UTC",
        unit: 4,
        zone: "UTC",
        begins: 1_893_456_000,
        now: 1_893_499_200,
    },
    // The 3rd of November 2030, of 25 hours, at 23:30.
    Row {
        id: "day-of-25-hours",
        title: "A day of 25 hours in New York",
        unit: 1,
        zone: NEW_YORK,
        begins: 1_919_908_800,
        now: 1_919_997_000,
    },
    // The 11th of March 2030, at 0:30, after a day of 23 hours.
    Row {
        id: "day-after-23-hours",
        title: "The day after one of 23 hours, in New York",
        unit: 1,
        zone: NEW_YORK,
        begins: 1_899_432_000,
        now: 1_899_433_800,
    },
    // The week to the 3rd of November 2030, at 23:30 of its Sunday.
    Row {
        id: "week-of-169-hours",
        title: "A week of 169 hours in New York",
        unit: 2,
        zone: NEW_YORK,
        begins: 1_919_390_400,
        now: 1_919_997_000,
    },
    // Monday the 11th of March 2030, at 0:30, after a week of 167 hours.
    Row {
        id: "week-after-167-hours",
        title: "The week after one of 167 hours, in New York",
        unit: 2,
        zone: NEW_YORK,
        begins: 1_899_432_000,
        now: 1_899_433_800,
    },
];

pub(super) fn periods(sheet: &mut Sheet) {
    for row in ROWS {
        let clauses = if row.id == "day" { "RUL-21 RUL-22" } else { "RUL-22" };
        let accepted_id = format!("period/{}", row.id);
        let (world, next) = row.paid_at(row.begins - 1);
        let title = format!("{}: a payment of the second before it began does not count", row.title);
        let setup = format!("{accepted_id}-earlier");
        Payments::new(sheet, (&setup, world), (&accepted_id, &title, clauses), next);
        sheet.amend(|case| case.shows(Shows("M16", "A22")).clauses("RUL-4"));

        let (world, next) = row.paid_at(row.begins);
        let setup = format!("{accepted_id}-same");
        sheet.setup(&setup, world.setup());
        let title = format!("{}: a payment of its first second counts", row.title);
        let mut t = Payments::continuing(sheet, &setup, world, next, &accepted_id);
        t.refuse(&format!("{accepted_id}-full"), &title, Shows("M16", "A22"), Code::RuleTotalPeriod, |_| {});
        t.last(|case| case.clauses(clauses));
    }
}

impl Row {
    /// A payment at that time, under a limit of a unit less than two of them in each period, and one to follow.
    fn paid_at(&self, at: u64) -> (World, Scene) {
        let mut world = World::empty_at(at - DAY);
        let mut scene = Scene::new("earlier");
        let period = seq([1.into(), self.unit.into(), self.zone.into()]);
        scene.rule(4, seq([seq([1_999.into(), period])]));
        scene.now = at;
        scene.offer = made_at("earlier", at);
        scene.intent = vec![(6, Some((at - 10).into()))];
        let ends = self.now.max(NOW) + 30 * DAY;
        scene.mandate(|m| m.with(4, ends).with(5, at - DAY).with(6, at - DAY));
        world.pay(&scene);
        let mut next = scene.known();
        next.offer = made_at("later", self.now);
        next.now = self.now;
        next.intent = vec![(6, Some((self.now - 10).into()))];
        (world, next)
    }
}

/// Ten yuan's worth of tea, offered a minute before.
pub(super) fn made_at(name: &str, at: u64) -> Item {
    tea(name, 1_000).with(6, at - 60).with(4, at + 840)
}
