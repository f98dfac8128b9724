//! Terms that are counted from an anchor, each at its first second and up to its last.

use super::calendar::made_at;
use super::*;

/// A term: payments of the second before it began and of its first second, and one of its last.
struct Row {
    id: &'static str,
    title: &'static str,
    unit: i64,
    zone: &'static str,
    anchor: u64,
    /// The first second of the term, and its last.
    begins: u64,
    ends: u64,
}

const SHANGHAI: &str = "Asia/Shanghai";
const NEW_YORK: &str = "America/New_York";
/// The 31st of January 2030, at ten in Shanghai.
const LAST_OF_JANUARY: u64 = 1_896_055_200;

/// Each counted from the anchor itself: a short month's last day stands in, and the next one has the day again.
const ROWS: [Row; 9] = [
    Row {
        id: "first",
        title: "The first term",
        unit: 3,
        zone: SHANGHAI,
        anchor: 1_898_568_000,
        begins: 1_898_568_000,
        ends: 1_901_246_399,
    },
    Row {
        id: "from-31-to-28",
        title: "From 31 January, the term that begins on 28 February",
        unit: 3,
        zone: SHANGHAI,
        anchor: LAST_OF_JANUARY,
        begins: 1_898_474_400,
        ends: 1_901_152_799,
    },
    Row {
        id: "from-31-to-31",
        title: "From 31 January, the term that begins on 31 March",
        unit: 3,
        zone: SHANGHAI,
        anchor: LAST_OF_JANUARY,
        begins: 1_901_152_800,
        ends: 1_903_744_799,
    },
    Row {
        id: "from-31-to-30",
        title: "From 31 January, the term that begins on 30 April",
        unit: 3,
        zone: SHANGHAI,
        anchor: LAST_OF_JANUARY,
        begins: 1_903_744_800,
        ends: 1_906_423_199,
    },
    Row {
        id: "from-31-to-29",
        title: "From 31 January of a leap year, the term that begins on 29 February",
        unit: 3,
        zone: "UTC",
        anchor: 1_832_975_999,
        begins: 1_835_481_599,
        ends: 1_838_159_998,
    },
    Row {
        id: "year-from-29-february",
        title: "From 29 February, the year that begins on 28 February",
        unit: 4,
        zone: "UTC",
        anchor: 1_835_438_400,
        begins: 1_866_974_400,
        ends: 1_898_510_399,
    },
    // Half past two is left out on the 10th of March; its term begins at three.
    Row {
        id: "at-an-hour-left-out",
        title: "A term that begins at an hour that is left out, in New York",
        unit: 3,
        zone: NEW_YORK,
        anchor: 1_896_939_000,
        begins: 1_899_356_400,
        ends: 1_902_032_999,
    },
    // Half past one comes twice on the 3rd of November: the first time counts.
    Row {
        id: "at-an-hour-twice",
        title: "A term of 25 hours that begins at an hour that comes twice, in New York",
        unit: 1,
        zone: NEW_YORK,
        anchor: 1_919_741_400,
        begins: 1_919_914_200,
        ends: 1_920_004_199,
    },
    Row {
        id: "week",
        title: "A week that begins on a Wednesday",
        unit: 2,
        zone: SHANGHAI,
        anchor: 1_898_380_800,
        begins: 1_899_590_400,
        ends: 1_900_195_199,
    },
];

pub(super) fn terms(sheet: &mut Sheet) {
    for row in ROWS {
        let accepted_id = format!("terms/{}", row.id);
        let (world, next) = row.paid_at(row.begins - 1);
        let title = format!("{}: a payment of the second before it began does not count", row.title);
        let setup = format!("{accepted_id}-earlier");
        Payments::new(sheet, (&setup, world), (&accepted_id, &title, "RUL-25 RUL-21"), next);
        sheet.amend(|case| case.shows(Shows("M16", "A22")).clauses("RUL-4"));

        let (world, next) = row.paid_at(row.begins);
        let setup = format!("{accepted_id}-same");
        sheet.setup(&setup, world.setup());
        let title = format!("{}: a payment of its first second counts in its last", row.title);
        let mut t = Payments::continuing(sheet, &setup, world, next, &accepted_id);
        t.refuse(&format!("{accepted_id}-full"), &title, Shows("M16", "A22"), Code::RuleTotalPeriod, |_| {});
        t.last(|case| case.clauses("RUL-25"));
    }
}

impl Row {
    /// A payment at that time, under a limit of a unit less than two of them in each term, and one to follow.
    fn paid_at(&self, at: u64) -> (World, Scene) {
        let mut world = World::empty_at(at - DAY);
        let mut scene = Scene::new("earlier");
        let period = seq([3.into(), self.unit.into(), self.zone.into(), self.anchor.into()]);
        scene.rule(4, seq([seq([1_999.into(), period])]));
        scene.now = at;
        scene.offer = made_at("earlier", at);
        scene.intent = vec![(6, Some((at - 10).into()))];
        let until = self.ends.max(NOW) + 30 * DAY;
        scene.mandate(|m| m.with(4, until).with(5, at - DAY).with(6, at - DAY));
        world.pay(&scene);
        let mut next = scene.known();
        next.offer = made_at("later", self.ends);
        next.now = self.ends;
        next.intent = vec![(6, Some((self.ends - 10).into()))];
        (world, next)
    }
}
