//! What people, agents and merchants do, in any order.

use proptest::collection::vec;
use proptest::prelude::*;
use purser_protocol::field::{True, UpTo};
use purser_protocol::paper::rules::Fields;
use purser_protocol::period::Unit;

use super::ledger_support::*;

/// Rules, as chance has them.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    amount_max: Option<u64>,
    total: Option<u64>,
    day: Option<u64>,
    rolling: Option<(u64, u32)>,
    count: Option<u32>,
    count_rolling: Option<(u32, u32)>,
    open_holds: Option<u32>,
    ask_above: Option<u64>,
    ask_first: bool,
    shop_only: bool,
    depth: Option<u64>,
}

impl Limits {
    pub(super) fn fields(&self) -> Fields {
        let mut totals = Vec::new();
        totals.extend(self.day.map(|units| total_per(units, calendar(Unit::Day, "UTC"))));
        totals.extend(self.rolling.map(|(units, seconds)| total_per(units, rolling(seconds))));
        Fields {
            amount_max: self.amount_max.map(minor),
            total: self.total.map(minor),
            total_per: purser_protocol::field::List::new(totals),
            count: self.count.map(count),
            count_per: self.count_rolling.and_then(|(most, seconds)| list([count_per(most, rolling(seconds))])),
            merchants_allow: if self.shop_only { set([party("shop.example")]) } else { None },
            depth: self.depth.and_then(UpTo::new),
            open_holds: self.open_holds.map(count),
            ask_first: self.ask_first.then_some(True),
            ask_above: self.ask_above.and_then(UpTo::new),
            ..Fields::default()
        }
    }
}

/// Something that happens. Numbers that name a mandate, a payment or a message are taken modulo how many there
/// are.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Deposit { person: usize, units: u64 },
    Quota { person: usize, agent: usize, limits: Limits, funded: Option<u64>, returns: bool },
    Conditional { person: usize, agent: usize, caps: Option<Limits>, grants: Vec<Limits>, returns: bool },
    Single { person: usize, agent: usize, units: u64, hold: bool },
    Sub { parent: usize, agent: usize, limits: Limits, returns: bool },
    Replace { mandate: usize, limits: Limits, funded: Option<u64>, returns: bool, follows: bool },
    Pay { mandate: usize, merchant: usize, units: u64, hold: bool, with_yes: bool },
    PayAgain { payment: usize },
    Confirm { payment: usize },
    Cancel { payment: usize, by_person: bool },
    Capture { payment: usize, units: u64, last: bool },
    Void { payment: usize },
    Refund { payment: usize, units: u64 },
    Payout { merchant: usize, units: u64 },
    Suspend { mandates: Vec<usize>, by_person: bool },
    Resume { suspension: usize, by_person: bool },
    Revoke { mandates: Vec<usize>, by_person: bool },
    Resend { message: usize },
    Forward { seconds: u64 },
    Back { seconds: u64 },
    Restart,
}

fn limits() -> impl Strategy<Value = Limits> {
    // Each rule is there now and then, or no payment would pass them all.
    fn rarely<T: std::fmt::Debug + Clone>(values: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
        prop::option::weighted(0.25, values)
    }
    let amounts =
        (rarely(100..400_u64), rarely(300..2_000_u64), rarely(200..1_200_u64), rarely((200..1_200_u64, 30..5_000_u32)));
    let numbers = (rarely(1..8_u32), rarely((1..5_u32, 30..5_000_u32)), rarely(1..4_u32), rarely(0..300_u64));
    let rest = (prop::bool::weighted(0.1), prop::bool::weighted(0.1), prop::option::weighted(0.1, 0..3_u64));
    (amounts, numbers, rest).prop_map(|(amounts, numbers, (ask_first, shop_only, depth))| {
        let (amount_max, total, day, rolling) = amounts;
        let (count, count_rolling, open_holds, ask_above) = numbers;
        Limits {
            amount_max,
            total,
            day,
            rolling,
            count,
            count_rolling,
            open_holds,
            ask_above,
            ask_first,
            shop_only,
            depth,
        }
    })
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let any = || 0..64_usize;
    let few = || vec(0..64_usize, 1..3);
    let funded = || prop::option::weighted(0.3, 1..1_500_u64);
    prop_oneof![
        2 => (0..2_usize, 1..2_000_u64).prop_map(|(person, units)| Step::Deposit { person, units }),
        4 => (0..2_usize, 0..3_usize, limits(), funded(), any_bool()).prop_map(
            |(person, agent, limits, funded, returns)| Step::Quota { person, agent, limits, funded, returns }
        ),
        3 => (0..2_usize, 0..3_usize, prop::option::of(limits()), vec(limits(), 1..4), any_bool()).prop_map(
            |(person, agent, caps, grants, returns)| Step::Conditional { person, agent, caps, grants, returns }
        ),
        2 => (0..2_usize, 0..3_usize, 1..400_u64, any_bool())
            .prop_map(|(person, agent, units, hold)| Step::Single { person, agent, units, hold }),
        3 => (any(), 0..3_usize, limits(), any_bool())
            .prop_map(|(parent, agent, limits, returns)| Step::Sub { parent, agent, limits, returns }),
        3 => (any(), limits(), funded(), any_bool(), any_bool()).prop_map(
            |(mandate, limits, funded, returns, follows)| Step::Replace { mandate, limits, funded, returns, follows }
        ),
        24 => (any(), 0..2_usize, 1..400_u64, any_bool(), prop::bool::weighted(0.1)).prop_map(
            |(mandate, merchant, units, hold, with_yes)| Step::Pay { mandate, merchant, units, hold, with_yes }
        ),
        2 => any().prop_map(|payment| Step::PayAgain { payment }),
        4 => any().prop_map(|payment| Step::Confirm { payment }),
        2 => (any(), any_bool()).prop_map(|(payment, by_person)| Step::Cancel { payment, by_person }),
        6 => (any(), 1..400_u64, any_bool()).prop_map(|(payment, units, last)| Step::Capture { payment, units, last }),
        4 => any().prop_map(|payment| Step::Void { payment }),
        6 => (any(), 1..400_u64).prop_map(|(payment, units)| Step::Refund { payment, units }),
        2 => (0..2_usize, 1..400_u64).prop_map(|(merchant, units)| Step::Payout { merchant, units }),
        2 => (few(), any_bool()).prop_map(|(mandates, by_person)| Step::Suspend { mandates, by_person }),
        2 => (any(), any_bool()).prop_map(|(suspension, by_person)| Step::Resume { suspension, by_person }),
        1 => (few(), any_bool()).prop_map(|(mandates, by_person)| Step::Revoke { mandates, by_person }),
        4 => any().prop_map(|message| Step::Resend { message }),
        6 => prop_oneof![1..120_u64, 600..8_000_u64, Just(DAY), Just(8 * DAY)].prop_map(|seconds| Step::Forward { seconds }),
        1 => (1..7_200_u64).prop_map(|seconds| Step::Back { seconds }),
        1 => Just(Step::Restart),
    ]
}

fn any_bool() -> impl Strategy<Value = bool> {
    prop::bool::ANY
}
