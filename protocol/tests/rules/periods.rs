//! Periods at their boundaries, and what comes back into them.

use super::*;

#[test]
fn a_day_ends_at_midnight_of_its_place_and_not_a_second_later() {
    // Seconds from the beginning of the world to the next period of each, by the clocks of the place.
    let shanghai = 22 * HOUR + 13 * MINUTE + 20;
    let utc = 6 * HOUR + 13 * MINUTE + 20;
    let rows: &[(Unit, &str, u64)] = &[
        (Unit::Day, "Asia/Shanghai", shanghai),
        (Unit::Day, "UTC", utc),
        (Unit::Week, "UTC", utc),
        (Unit::Week, "Asia/Shanghai", shanghai + 6 * DAY),
        (Unit::Month, "UTC", utc + 14 * DAY),
        (Unit::Month, "Asia/Shanghai", shanghai + 13 * DAY),
    ];
    for (unit, place, seconds) in rows {
        for counted in [false, true] {
            let mut world = World::new();
            world.deposit("ann", 100_000).must_be(Outcome::Recorded);
            let period = calendar(*unit, place);
            let (rule, code) = if counted {
                (Fields { count_per: list([count_per(1, period)]), ..none() }, Code::RuleCountPeriod)
            } else {
                (Fields { total_per: list([total_per(100, period)]), ..none() }, Code::RuleTotalPeriod)
            };
            let mandate = world.capped("ann", "agent", rule);
            let id = world.registered(&mandate, "ann");
            world.buy("agent", id, "shop.example", 100).1.must_be(Outcome::Settled);
            world.now = START + seconds - 1;
            world.buy("agent", id, "shop.example", 1).1.must_be_refused(code);
            world.now = START + seconds;
            world.buy("agent", id, "shop.example", 100).1.must_be(Outcome::Settled);
            world.buy("agent", id, "shop.example", 1).1.must_be_refused(code);
        }
    }
}

#[test]
fn a_day_with_an_hour_twice_is_one_day() {
    // 3 November 2030 in New York: from 4:00 UTC to 5:00 UTC of the next day, 25 hours.
    const MIDNIGHT: u64 = 1_919_908_800;
    let mut world = World::new();
    world.now = MIDNIGHT;
    world.deposit("ann", 100_000).must_be(Outcome::Recorded);
    let day = Fields { total_per: list([total_per(100, calendar(Unit::Day, "America/New_York"))]), ..none() };
    let mandate = world.capped("ann", "agent", day);
    let id = world.registered(&mandate, "ann");
    world.buy("agent", id, "shop.example", 100).1.must_be(Outcome::Settled);
    for later in [HOUR, 2 * HOUR, 24 * HOUR, 25 * HOUR - 1] {
        world.now = MIDNIGHT + later;
        world.buy("agent", id, "shop.example", 1).1.must_be_refused(Code::RuleTotalPeriod);
    }
    world.now = MIDNIGHT + 25 * HOUR;
    world.buy("agent", id, "shop.example", 100).1.must_be(Outcome::Settled);
}

#[test]
fn a_rolling_period_slides_payment_by_payment() {
    let mut world = World::new();
    world.deposit("ann", 100_000).must_be(Outcome::Recorded);
    let hour = Fields { total_per: list([total_per(1_000, rolling(3_600))]), ..none() };
    let mandate = world.capped("ann", "agent", hour);
    let id = world.registered(&mandate, "ann");
    // 400 at 0, 300 at 1,000, 300 at 2,000.
    for (second, units) in [(0, 400), (1_000, 300), (2_000, 300)] {
        world.now = START + second;
        world.buy("agent", id, "shop.example", units).1.must_be(Outcome::Settled);
    }
    for (second, free) in
        [(2_000, 0), (3_599, 0), (3_600, 400), (4_599, 400), (4_600, 700), (5_599, 700), (5_600, 1_000)]
    {
        world.now = START + second;
        world.buy("agent", id, "shop.example", free + 1).1.must_be_refused(Code::RuleTotalPeriod);
    }
    world.buy("agent", id, "shop.example", 1_000).1.must_be(Outcome::Settled);
}

#[test]
fn a_clock_set_back_opens_no_period_again() {
    let mut world = World::new();
    world.deposit("ann", 100_000).must_be(Outcome::Recorded);
    let day = Fields { total_per: list([total_per(100, calendar(Unit::Day, "UTC"))]), ..none() };
    let mandate = world.capped("ann", "agent", day);
    let id = world.registered(&mandate, "ann");
    world.buy("agent", id, "shop.example", 100).1.must_be(Outcome::Settled);
    world.now = START + DAY;
    world.buy("agent", id, "shop.example", 100).1.must_be(Outcome::Settled);
    // The ledger stays at the later time; the merchant's clock is right.
    let offer = world.offer("shop.example", 1);
    let papers = world.papers("agent", id, "shop.example", &offer);
    world.now = START;
    world.pay(&papers).must_be_refused(Code::RuleTotalPeriod);
}

#[test]
fn what_is_released_counts_no_more_and_what_is_refunded_only_where_the_mandate_says_so() {
    for returns in [false, true] {
        let mut world = World::new();
        world.deposit("ann", 100_000).must_be(Outcome::Recorded);
        let caps = Fields {
            total: Some(minor(1_000)),
            count: Some(count(4)),
            total_per: list([total_per(1_000, calendar(Unit::Day, "UTC"))]),
            ..none()
        };
        let mut mandate = world.capped("ann", "agent", caps);
        mandate.refund_returns = returns.then_some(True);
        let id = world.registered(&mandate, "ann");
        let (held, said) = world.hold("agent", id, "shop.example", 1_000);
        said.must_be(Outcome::Authorized);
        assert_eq!(world.spent(&mandate), (1_000, 1));
        world.capture("shop.example", held.intent.id, 600, false).must_be(Outcome::Captured);
        assert_eq!(world.spent(&mandate), (1_000, 1), "captured is as spent as held");
        world.void("shop.example", held.intent.id).must_be(Outcome::Voided);
        assert_eq!(world.spent(&mandate), (600, 1), "what was given up was not spent; it was a payment");
        world.refund("shop.example", held.intent.id, 200).must_be(Outcome::Refunded);
        let left = if returns { 400 } else { 600 };
        assert_eq!(world.spent(&mandate), (left, 1));
        world.buy("agent", id, "shop.example", 1_001 - left).1.must_be_refused(Code::RuleTotal);
        world.buy("agent", id, "shop.example", 1_000 - left).1.must_be(Outcome::Settled);
    }
}

#[test]
fn the_number_of_payments_is_never_given_back() {
    let mut world = World::new();
    world.deposit("ann", 100_000).must_be(Outcome::Recorded);
    let caps = Fields { count: Some(count(2)), count_per: list([count_per(9, rolling(60))]), ..none() };
    let mut mandate = world.capped("ann", "agent", caps);
    mandate.refund_returns = Some(True);
    let id = world.registered(&mandate, "ann");
    let (held, _) = world.hold("agent", id, "shop.example", 10);
    world.void("shop.example", held.intent.id).must_be(Outcome::Voided);
    let (paid, _) = world.buy("agent", id, "shop.example", 10);
    world.refund("shop.example", paid.intent.id, 10).must_be(Outcome::Refunded);
    assert_eq!(world.spent(&mandate), (0, 2));
    world.buy("agent", id, "shop.example", 10).1.must_be_refused(Code::RuleCount);
}

#[test]
fn what_comes_back_in_a_later_period_is_not_lent_to_it() {
    let mut world = World::new();
    world.deposit("ann", 100_000).must_be(Outcome::Recorded);
    let day = calendar(Unit::Day, "UTC");
    let caps = Fields { total_per: list([total_per(1_000, day), total_per(1_500, rolling(3_600))]), ..none() };
    let mut mandate = world.capped("ann", "agent", caps);
    mandate.refund_returns = Some(True);
    let id = world.registered(&mandate, "ann");
    let (first, _) = world.buy("agent", id, "shop.example", 1_000);
    world.now += DAY;
    world.buy("agent", id, "shop.example", 1_000).1.must_be(Outcome::Settled);
    world.refund("shop.example", first.intent.id, 1_000).must_be(Outcome::Refunded);
    world.buy("agent", id, "shop.example", 1).1.must_be_refused(Code::RuleTotalPeriod);
    assert_eq!(world.spent(&mandate), (1_000, 2));
}
