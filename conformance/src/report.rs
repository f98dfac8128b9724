//! What is made of a run's results: for a terminal, for a build server, for a browser, for a badge.

pub mod badge;
pub mod diff;
pub mod explain;
pub mod html;
pub mod junit;
mod mend;
pub mod sarif;
pub mod text;

use std::path::Path;
use std::{fs, io};

use crate::results::{Results, RoleResult};
use crate::run::catalogue::Catalogue;

/// Writes every report into a folder.
pub fn write_all(folder: &Path, results: &Results, catalogue: &Catalogue) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("results.json"), serde_json::to_string_pretty(results)? + "\n")?;
    fs::write(folder.join("junit.xml"), junit::write(results))?;
    fs::write(folder.join("results.sarif"), sarif::write(results))?;
    fs::write(folder.join("report.html"), html::write(results, catalogue))?;
    fs::write(folder.join("badge.json"), badge::write(results))
}

/// What is said of a role in one line. Never a bare percentage.
pub fn headline(results: &Results, role: &RoleResult) -> String {
    let suite = &results.suite;
    let bound = if suite.loose_codes { "verdict-only" } else { "reason-bound" };
    let known = role.must.known_failing + role.should.known_failing;
    let part = if suite.is_whole() { "" } else { "in part: " };
    let part = if suite.minted.is_some() { format!("minted, {part}") } else { part.to_owned() };
    format!(
        "{} {}: {part}{}/{} MUST, {}/{} SHOULD, {bound}, {known} known-failing, {} not-applicable",
        role.role, suite.spec, role.must.passed, role.must.of, role.should.passed, role.should.of, role.not_applicable,
    )
}

/// What is said of the whole.
pub fn verdict(results: &Results) -> &'static str {
    match (results.exit, results.conformant) {
        (0, true) => "CONFORMANT in the roles claimed",
        (0, false) => "no new failure; not a verdict on the whole",
        (1, _) => "NOT CONFORMANT",
        _ => "INCONCLUSIVE",
    }
}
