//! A badge, in the form of shields.io's endpoint.

use serde_json::json;

use crate::results::Results;

/// The file.
pub fn write(results: &Results) -> String {
    let claimed: Vec<_> = results.roles.iter().filter(|role| role.claimed).collect();
    let (passed, of) = claimed.iter().fold((0, 0), |(passed, of), role| (passed + role.must.passed, of + role.must.of));
    let bound = if results.suite.loose_codes { "verdict-only" } else { "reason-bound" };
    let roles = claimed.iter().map(|role| role.role.as_str()).collect::<Vec<_>>().join(" ");
    let part = if results.suite.is_whole() { "" } else { "in part, " };
    let message = match (results.exit, of) {
        (2, _) | (_, 0) => "inconclusive".to_owned(),
        _ => format!("{roles}: {part}{passed}/{of} MUST, {bound}"),
    };
    let color = match (results.exit, results.conformant) {
        (0, true) => "brightgreen",
        (0, false) => "yellow",
        (1, _) => "red",
        _ => "lightgrey",
    };
    let label = format!("purser {}", results.suite.spec);
    json!({ "schemaVersion": 1, "label": label, "message": message, "color": color }).to_string() + "\n"
}
