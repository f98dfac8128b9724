//! Areas as text: a case a line, members of inputs in the order of their names, and so the same bytes everywhere.

use purser_test_vectors::{Area, Call};
use serde::Serialize;
use serde_json::Value;

/// The text of a file.
pub(super) fn area(area: &Area) -> String {
    let setups: Vec<String> = area
        .setups
        .iter()
        .map(|(name, calls)| format!("{}:[\n{}\n]", line(name), lines(calls.iter().map(call))))
        .collect();
    let cases = lines(area.cases.iter().map(line));
    format!(
        "{{\n\"format\":{},\n\"spec\":{},\n\"area\":{},\n\"about\":{},\n\"setups\":{{{}}},\n\"cases\":[\n{cases}\n]\n}}\n",
        line(&area.format),
        line(&area.spec),
        line(&area.area),
        line(&area.about),
        if setups.is_empty() { String::new() } else { format!("\n{}\n", setups.join(",\n")) },
    )
}

/// A list with an entry a line.
pub(super) fn list(entries: &Value) -> String {
    let entries = entries.as_array().map(Vec::as_slice).unwrap_or_default();
    if entries.is_empty() { "[]\n".to_owned() } else { format!("[\n{}\n]\n", lines(entries.iter().map(line))) }
}

fn call(call: &Call) -> String {
    line(call)
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join(",\n")
}

/// What serialises only strings, numbers, lists and maps with texts as keys always does.
fn line(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
