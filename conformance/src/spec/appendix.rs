//! Appendix C: which cases show which clause, by role and by profile. It is made, and held against what would be made.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::cases::{Cases, Covered, excuses};
use super::clauses::Clauses;
use super::{Finding, Tree};
use crate::profile::PROFILES;

/// The appendix. It is no chapter: no clause begins in it.
pub(super) const PATH: &str = "spec/C-conformance.md";

/// Where the appendix is not what would be made.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(text) = tree.get(PATH) else {
        return vec![Finding::new(PATH, 1, "the appendix is not there", "run purser-conformance spec write")];
    };
    let made = make(tree);
    let place = text.lines().zip(made.lines()).position(|(is, must)| is != must);
    let shorter = text.lines().count().min(made.lines().count());
    match text == made {
        true => Vec::new(),
        false => {
            let line = place.unwrap_or(shorter) + 1;
            vec![Finding::new(PATH, line, "it is not what the cases say", "run purser-conformance spec write")]
        }
    }
}

/// The appendix, where it has changed.
pub(super) fn write(tree: &Tree) -> Option<(&'static str, String)> {
    let made = make(tree);
    (tree.get(PATH) != Some(&made)).then_some((PATH, made))
}

fn make(tree: &Tree) -> String {
    let clauses = Clauses::read(tree);
    let covered = Covered::read(tree, &clauses);
    let mut text = HEAD.to_owned();
    for (role, of_role) in covered.by_role() {
        let cases: BTreeSet<&str> = of_role.values().flat_map(ids).collect();
        let _ = write!(text, "\n## {role}\n\n{} clauses, {} cases.\n\n", of_role.len(), cases.len());
        of_role.iter().for_each(|(clause, cases)| line(&mut text, clause, cases));
    }
    text.push_str("\n## Profiles\n\n");
    for profile in &PROFILES {
        let cases = covered.needing(profile.role, profile.feature);
        let _ = write!(text, "**{}** ({}; {}): ", profile.name, profile.role, profile.about);
        text.push_str(&match cases.is_empty() {
            true => "no case yet. Nothing is asked, and nobody is said to keep it.\n\n".to_owned(),
            false => format!("{}.\n\n", quoted(&cases)),
        });
    }
    text.push_str("## Clauses without cases\n\n| clause | class | reason |\n|---|---|---|\n");
    for (clause, (_, class, reason)) in excuses(tree) {
        let _ = writeln!(text, "| {clause} | {class} | {reason} |");
    }
    text
}

fn ids(cases: &Cases) -> impl Iterator<Item = &str> {
    cases.refused.iter().chain(&cases.accepted).chain(&cases.live).map(String::as_str)
}

fn line(text: &mut String, clause: &str, cases: &Cases) {
    let _ = write!(text, "- {clause}");
    for (what, cases) in [("refused", &cases.refused), ("accepted", &cases.accepted), ("live", &cases.live)] {
        if !cases.is_empty() {
            let _ = write!(text, "; {what}: {}", quoted(cases));
        }
    }
    text.push('\n');
}

fn quoted(cases: &BTreeSet<String>) -> String {
    cases.iter().map(|case| format!("`{case}`")).collect::<Vec<_>>().join(", ")
}

/// By role and clause.
pub(super) type ByRole = BTreeMap<String, BTreeMap<String, Cases>>;

const HEAD: &str = "\
# Appendix C. Conformance

Which cases show which clause. This text is made from the vectors and the live checks by `purser-conformance spec
write`, and held against them by `spec check`; it rules nothing. `purser-conformance explain ID` says what a case asks.

An implementation conforms in a role when it does, in one run, all that the requirement set of the version counts for
that role. The sets are in `conformance/requirements/`.

The same for programs, with the line of code that keeps each clause, is the `coverage.json` of `purser-conformance spec
html`. That file is not kept here: lines of code move with every change.
";
