//! The time of the cases. The files are of one second for ever; for whoever has no clock that can be set, the same cases
//! are made again as of now.

use std::cell::Cell;

use purser_test_vectors::{After, Area, Case, Expect};
use serde_json::Value;

use super::papers::NOW;

/// How far from [`NOW`] a number is taken for a time of the cases, and not for another number: five years and a little.
/// The certificates that are good for all of it stand outside.
const SPAN_SECONDS: u64 = 160_000_000;
/// How long ago that happened, in cases of now, which in the files was a while ago.
const JUST_NOW_SECONDS: u64 = 5;

thread_local! {
    /// The second that stands for [`NOW`] on this thread.
    static NOW_OF_THREAD: Cell<u64> = const { Cell::new(NOW) };
}

/// Makes cases in which [`NOW`] is another second.
pub(super) fn at<T>(now: u64, make: impl FnOnce() -> T) -> T {
    NOW_OF_THREAD.set(now);
    let made = make();
    NOW_OF_THREAD.set(NOW);
    made
}

/// So long before [`NOW`], for what only has to have been before.
pub(super) fn before(seconds: u64) -> u64 {
    NOW - if NOW_OF_THREAD.get() == NOW { seconds } else { seconds.min(JUST_NOW_SECONDS) }
}

/// A number as it is written: of a time, the time that it stands for.
pub(super) fn written(number: i128) -> i128 {
    let is_time = number.abs_diff(i128::from(NOW)) <= u128::from(SPAN_SECONDS);
    if is_time { number - i128::from(NOW) + i128::from(NOW_OF_THREAD.get()) } else { number }
}

/// Writes the times that stand in JSON, in calls and in what must come of them.
pub(super) fn settle(areas: &mut [Area]) {
    for area in areas {
        area.setups.values_mut().flatten().for_each(|call| json(&mut call.input));
        for Case { call, expect, .. } in &mut area.cases {
            json(&mut call.input);
            let Expect { value, answer, after, .. } = expect;
            // What follows from the very second of the call is not known beforehand.
            forget(answer, "hold_until");
            if matches!(call.op.as_str(), "agent.offer" | "merchant.offer") {
                forget(value, "id");
            }
            value.iter_mut().chain(answer).for_each(json);
            if let Some(After::State(state)) = after {
                json(state);
            }
        }
    }
}

fn forget(value: &mut Option<Value>, name: &str) {
    if let Some(members) = value.as_mut().and_then(Value::as_object_mut) {
        members.remove(name);
    }
}

fn json(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let shifted = number.as_u64().and_then(|number| u64::try_from(written(number.into())).ok());
            if let Some(shifted) = shifted {
                *value = shifted.into();
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(json),
        Value::Object(members) => members.values_mut().for_each(json),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}
