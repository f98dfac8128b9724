//! The standard rendering: every limit is said, nothing else is, and what others wrote stays between its quotes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot build its case has failed")]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "support/any.rs"]
mod any;
#[path = "support/keys.rs"]
mod keys;
#[path = "support/mutate.rs"]
mod mutate;
#[path = "rendering/properties.rs"]
mod properties;
#[path = "support/samples.rs"]
mod samples;
#[path = "rendering/texts.rs"]
mod texts;

use purser_protocol::paper::rules::Fields;
use purser_protocol::render::{Language, Medium, Rendering};

/// Each language for each medium.
fn ways() -> impl Iterator<Item = (Language, Medium)> {
    Language::ALL.into_iter().flat_map(|language| Medium::ALL.map(|medium| (language, medium)))
}

/// The line that says a field.
fn line<'r>(rendering: &'r Rendering, key: &str) -> &'r str {
    let found = rendering.lines.iter().find(|line| line.key == key);
    found.map(|line| line.text.as_str()).unwrap_or_else(|| panic!("no line says {key}:\n{}", rendering.to_text()))
}

/// The rules that a map holds, by their names in the registry.
fn rule_names(fields: &Fields) -> Vec<&'static str> {
    let shown = format!("{fields:?}");
    let names = purser_protocol::paper::rules::ALL.iter().map(|label| label.name);
    names.filter(|name| shown.contains(&format!(" {name}: Some("))).collect()
}
