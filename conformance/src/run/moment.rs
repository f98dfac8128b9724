//! Subjects that go by a clock of their own: which cases can be put to them.

use purser_test_vectors::{Call, Case};
use serde_json::Value;

use super::plan::is_meant;

/// How long before the second of the cases a call may be made and still be one of now.
const JUST_NOW_SECONDS: u64 = 5;

/// Cases of one second whose outcome another second changes, or whose times stand where they cannot be made anew: in
/// words, in a calendar, in JSON that is signed.
const OF_ONE_SECOND: &[&str] = &[
    "agent/offer/later",
    "bridge/*",
    "certificates/revoked/stale*",
    "certificates/time/*",
    "confirmations/together/half-an-hour",
    "confirmations/together/later",
    "confirmations/together/quarter-of-an-hour*",
    "http/offer/*",
    "payments/chain/later-above",
    "rules/times-*",
    "time/*",
    "tokens/open/ends*",
];

/// Whether a case needs a clock that can be set, when the cases were made as of this second.
pub(super) fn needs_a_clock(case: &Case, setup: &[Call], made_at: u64) -> bool {
    let calls = setup.iter().chain([&case.call]);
    let is_now = |time: u64| (made_at.saturating_sub(JUST_NOW_SECONDS)..=made_at).contains(&time);
    OF_ONE_SECOND.iter().any(|pattern| is_meant(case, pattern))
        || !calls.flat_map(|call| times(&call.input)).all(is_now)
}

/// What time it is, wherever an input says so.
fn times(input: &Value) -> Vec<u64> {
    match input {
        Value::Object(members) => {
            let own = members.get("now").and_then(Value::as_u64);
            own.into_iter().chain(members.values().flat_map(times)).collect()
        }
        Value::Array(entries) => entries.iter().flat_map(times).collect(),
        _ => Vec::new(),
    }
}
