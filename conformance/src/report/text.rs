//! The report for a terminal: what failed and what to mend, then where the subject stands.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::mend::mend;
use super::{headline, verdict};
use crate::clause;
use crate::results::{CaseResult, Results, State};
use crate::run::judge::Why;

/// Most failures that are told in full; all of them are in `results.json`.
const TOLD_MAX: usize = 25;

/// The report.
pub fn write(results: &Results) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = failures(&mut text, results);
    let _ = summary(&mut text, results);
    text
}

fn failures(text: &mut String, results: &Results) -> std::fmt::Result {
    let mut failed: Vec<&CaseResult> = results.cases.iter().filter(|case| case.state == State::Failed).collect();
    let counts_only = |case: &&CaseResult| matches!(case.why, Some(Why::Twin | Why::Controls));
    let mut hanging: BTreeMap<&str, usize> = BTreeMap::new();
    for case in failed.iter().filter(|case| counts_only(case)) {
        *hanging.entry(case.twin.as_deref().unwrap_or(&case.id)).or_default() += 1;
    }
    failed.retain(|case| !counts_only(case));
    // What is not written yet is one piece of news a role, however many cases wait for it.
    let mut unwritten: BTreeMap<&str, Vec<&CaseResult>> = BTreeMap::new();
    for case in failed.iter().filter(|case| case.why == Some(Why::Unsupported)) {
        unwritten.entry(&case.role).or_default().push(case);
    }
    failed.retain(|case| case.why != Some(Why::Unsupported));
    for (role, cases) in unwritten {
        writeln!(
            text,
            "not implemented: {} cases of {role} answer `unsupported`, and hello claims the role",
            cases.len()
        )?;
        let some: Vec<&str> = cases.iter().take(3).map(|case| case.id.as_str()).collect();
        writeln!(text, "    such as {}; `explain ID` says what is called", some.join(", "))?;
        writeln!(text, "    to mend: implement the call (shim.md), or take the role out of hello\n")?;
    }
    // What others hang on comes first, then what costs money.
    failed.sort_by_key(|case| (std::cmp::Reverse(hanging.get(case.id.as_str())), case.importance));
    for case in failed.iter().take(TOLD_MAX) {
        tell(text, case)?;
        if let Some(count) = hanging.get(case.id.as_str()) {
            writeln!(text, "    {count} refusals do not count until this is accepted")?;
        }
        writeln!(text)?;
    }
    if failed.len() > TOLD_MAX {
        writeln!(text, "... and {} more, in results.json and report.html (--out DIR)\n", failed.len() - TOLD_MAX)?;
    }
    let alone = hanging.iter().filter(|(id, _)| !failed.iter().any(|case| case.id == **id));
    for (id, count) in alone {
        writeln!(
            text,
            "{count} cases do not count: of {id} and what differs from it by one fault, all had one answer\n"
        )?;
    }
    Ok(())
}

fn tell(text: &mut String, case: &CaseResult) -> std::fmt::Result {
    let why = case.why.map(Why::word).unwrap_or_default();
    let level = format!("{:?}", case.level).to_uppercase();
    let scored = case.not_scored.as_ref().map(|reason| format!(", not scored: {reason}")).unwrap_or_default();
    writeln!(text, "{why}: {}  ({} {level}{scored})", case.id, case.role)?;
    writeln!(text, "    {}", case.title)?;
    writeln!(text, "    {}", case.message.as_deref().unwrap_or_default())?;
    // A process that fails says nothing of the clause.
    let is_about = !case.why.is_some_and(|why| why.is_crash() || why == Why::Setup);
    if let Some((id, clause)) = case.clauses.iter().find_map(|id| Some((id, clause::get(id)?)))
        && is_about
    {
        writeln!(text, "    {id}: {}", clause.words)?;
    }
    if let Some(mend) = mend(case) {
        writeln!(text, "    to mend: {mend}")?;
    }
    Ok(())
}

fn summary(text: &mut String, results: &Results) -> std::fmt::Result {
    let (suite, subject) = (&results.suite, &results.subject);
    let implementation = &subject.implementation;
    for (lack, count) in results.not_claimed() {
        writeln!(text, "not claimed: {lack} ({count} cases)")?;
    }
    for case in results.cases.iter().filter(|case| case.state == State::KnownFailing) {
        writeln!(text, "known failing: {}: {}", case.id, case.known_reason.as_deref().unwrap_or_default())?;
    }
    for case in &results.cases {
        let applies = case.state != State::NotApplicable;
        if let Some(reason) = case.not_scored.as_ref().filter(|reason| applies && *reason != "added-after-release") {
            writeln!(text, "not scored: {}: {reason}", case.id)?;
        }
    }
    for remark in &results.remarks {
        writeln!(text, "remark: {remark}")?;
    }
    writeln!(text)?;
    for role in results.roles.iter().filter(|role| role.claimed) {
        writeln!(text, "{}", headline(results, role))?;
    }
    for profile in results.profiles.iter().filter(|profile| profile.claimed && profile.cases > 0) {
        let (name, role, must) = (&profile.profile, &profile.role, profile.must);
        writeln!(text, "{name} ({role} profile): {}/{} MUST", must.passed, must.of)?;
    }
    let seconds = results.elapsed_ms as f64 / 1_000.0;
    writeln!(
        text,
        "{} {} ({}), suite {}, vectors {} of {} cases, requirements {} {}, seed {}, {} processes, {seconds:.1} s",
        implementation.name,
        implementation.version,
        implementation.language,
        suite.version,
        suite.vectors,
        suite.cases,
        suite.spec,
        suite.requirements,
        suite.seed,
        suite.jobs,
    )?;
    if let Some(baseline) = suite.baseline {
        writeln!(
            text,
            "a program that accepts everything would score {}, one that refuses everything {}",
            baseline.accept_all, baseline.reject_all
        )?;
    }
    writeln!(text, "{}", verdict(results))
}
