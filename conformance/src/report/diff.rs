//! What has changed between two runs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::results::{CaseResult, Results, State};

/// The difference, and whether something that passed does not pass any more.
pub fn write(old: &Results, new: &Results) -> (String, bool) {
    let (before, after) = (by_id(old), by_id(new));
    let mut text = String::new();
    let mut is_worse = false;
    let mut line = |sign: &str, case: &CaseResult, what: String| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{sign} {}: {what}", case.id);
    };
    for (id, now) in &after {
        match before.get(id) {
            None if now.state == State::Failed => line("!", now, format!("new, and {}", said(now))),
            None => line("+", now, format!("new, {}", said(now))),
            Some(was) if (was.state, was.why) == (now.state, now.why) => {}
            Some(was) => {
                let worse = was.state == State::Passed;
                is_worse |= worse;
                line(if worse { "!" } else { " " }, now, format!("{}, was {}", said(now), said(was)));
            }
        }
    }
    for (_, was) in before.iter().filter(|(id, _)| !after.contains_key(*id)) {
        line("-", was, format!("not run any more; was {}", said(was)));
    }
    let passed = |results: &Results| results.cases.iter().filter(|case| case.state == State::Passed).count();
    let (old, new) = (format!("{} of {}", passed(old), before.len()), format!("{} of {}", passed(new), after.len()));
    let _ = writeln!(text, "passed: {new}, was {old}");
    (text, is_worse)
}

fn by_id(results: &Results) -> BTreeMap<&str, &CaseResult> {
    results.cases.iter().map(|case| (case.id.as_str(), case)).collect()
}

fn said(case: &CaseResult) -> String {
    match (case.state, &case.message) {
        (State::Passed, _) => "passed".to_owned(),
        (State::NotApplicable, lack) => format!("not applicable ({})", lack.as_deref().unwrap_or_default()),
        (State::KnownFailing, message) => format!("known failing ({})", message.as_deref().unwrap_or_default()),
        (State::Failed, message) => format!("failed ({})", message.as_deref().unwrap_or_default()),
    }
}
