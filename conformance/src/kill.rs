//! The suite tested: programs with a known fault, each of which it must catch, and by the case that is about it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use purser_test_vectors::Outcome;
use serde::{Deserialize, Serialize};

use crate::results::{Results, State};
use crate::run::catalogue::Catalogue;
use crate::run::judge::Why;
use crate::run::subject::Program;
use crate::run::{HarnessError, Options, Quiet, run};

/// The format of the file.
pub const FORMAT: &str = "purser-kill/1";

/// Fewest pairs that must catch a fault.
pub const PAIRS_MIN: usize = 2;

/// What catches what.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Matrix {
    /// [`FORMAT`].
    pub format: String,
    /// The beginning of the hash of the vectors.
    pub vectors: String,
    /// By broken program.
    pub faults: Vec<Row>,
    /// Faults that fewer than two pairs catch.
    pub survivors: Vec<String>,
    /// Faults that are not caught by a case of a clause that they break.
    pub caught_elsewhere: Vec<String>,
    /// Cases that no fault fails.
    pub idle: Vec<String>,
    /// Refused cases that no fault which breaks their clause lets through.
    pub unpeeled: Vec<String>,
}

/// A broken program, and what catches it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// `fault` or `as`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What it does wrong.
    pub says: String,
    /// The clauses that it breaks.
    #[serde(default)]
    pub clauses: Vec<String>,
    /// How many pairs catch it.
    #[serde(default)]
    pub pairs: usize,
    /// What each case saw; of structures, how many did.
    #[serde(default)]
    pub killed_by: BTreeMap<String, String>,
}

/// The names of the broken programs, as the program itself lists them.
pub fn list(broken: &Program) -> Result<Vec<Row>, HarnessError> {
    let failed = |what: String| HarnessError(format!("{broken} --list: {what}"));
    let listed = Command::new(&broken.path).args(&broken.arguments).arg("--list").output();
    let listed = listed.map_err(|error| failed(error.to_string()))?;
    let rows = listed.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    rows.map(|line| serde_json::from_slice(line).map_err(|error| failed(error.to_string()))).collect()
}

/// Runs every broken program, or those with one of the words in their name, against every case. `told` hears of each row.
pub fn matrix(
    broken: &Program,
    options: &Options,
    catalogue: &Catalogue,
    only: &[String],
    mut told: impl FnMut(&Row),
) -> Result<Matrix, HarnessError> {
    let mut faults = list(broken)?;
    faults.retain(|row| only.is_empty() || only.iter().any(|word| row.name.contains(word)));
    let reached = reached(broken, options, catalogue)?;
    let mut kills: BTreeSet<String> = BTreeSet::new();
    let mut peeled: BTreeSet<String> = BTreeSet::new();
    for row in &mut faults {
        let only = (row.kind == "fault").then(|| reached.get(&row.name).cloned().unwrap_or_default());
        let options = Options { only, ..options_of(broken, row, options) };
        let failed = failures(&run(&options, catalogue, &Quiet)?);
        row.pairs = pairs(&failed, catalogue);
        if row.kind == "fault" {
            kills.extend(failed.keys().cloned());
            peeled.extend(
                failed.iter().filter(|(id, seen)| lets_through(row, id, seen, catalogue)).map(|(id, _)| id.clone()),
            );
            row.killed_by = failed;
        } else {
            row.killed_by = BTreeMap::from([("cases".to_owned(), failed.len().to_string())]);
        }
        told(row);
    }
    let of_faults = |holds: &dyn Fn(&Row) -> bool| {
        faults.iter().filter(|row| holds(row)).map(|row| row.name.clone()).collect::<Vec<_>>()
    };
    let about = |row: &Row| {
        row.killed_by
            .keys()
            .filter_map(|id| catalogue.get(id))
            .any(|case| case.clauses.iter().any(|id| row.clauses.contains(id)))
    };
    let survivors = of_faults(&|row| row.pairs < PAIRS_MIN);
    let caught_elsewhere = of_faults(&|row| row.kind == "fault" && row.pairs > 0 && !about(row));
    let idle = catalogue.cases().filter(|case| !kills.contains(&case.id)).map(|case| case.id.clone()).collect();
    let with_guard = catalogue.cases().filter(|case| case.expect.outcome == Outcome::Reject && case.peel.is_some());
    let unpeeled = with_guard.filter(|case| !peeled.contains(&case.id)).map(|case| case.id.clone()).collect();
    let (format, vectors) = (FORMAT.to_owned(), catalogue.digest().to_owned());
    Ok(Matrix { format, vectors, faults, survivors, caught_elsewhere, idle, unpeeled })
}

/// By fault, the cases in which its switch is asked for at all: no other can come out otherwise with it. That holds as
/// long as no switch stands where a process looks but once, in a table that is kept from one case to the next.
fn reached(
    broken: &Program,
    options: &Options,
    catalogue: &Catalogue,
) -> Result<BTreeMap<String, BTreeSet<String>>, HarnessError> {
    let mut program = broken.clone();
    program.arguments.push("--trace".to_owned());
    let mut reached: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for case in run(&Options { program, ..options.clone() }, catalogue, &Quiet)?.cases {
        let names = case.seen.as_ref().and_then(|seen| seen.get("reached")?.as_array());
        let Some(names) = names else {
            return Err(HarnessError(format!("{broken} --trace does not say what {} reaches", case.id)));
        };
        for name in names.iter().filter_map(|name| name.as_str()) {
            reached.entry(name.to_owned()).or_default().insert(case.id.clone());
        }
    }
    Ok(reached)
}

/// The options of a run of one broken program.
pub fn options_of(broken: &Program, row: &Row, options: &Options) -> Options {
    let mut program = broken.clone();
    program.arguments.extend([format!("--{}", row.kind), row.name.clone()]);
    Options { program, ..options.clone() }
}

/// The cases that fail for what they are about, and what each saw.
pub fn failures(results: &Results) -> BTreeMap<String, String> {
    let failed = results.cases.iter().filter(|case| case.state == State::Failed);
    let failed = failed.filter(|case| !matches!(case.why, Some(Why::Twin | Why::Controls) | None));
    let seen = failed.map(|case| {
        let why = case.why.map(Why::word).unwrap_or_default();
        let code = case.seen.as_ref().and_then(|seen| seen.get("code")?.as_str());
        (case.id.clone(), code.map_or_else(|| why.to_owned(), |code| format!("{why}: {code}")))
    });
    seen.collect()
}

/// How many pairs failed cases belong to: a refusal is one with its twin, an acceptance with what differs from it.
fn pairs(failed: &BTreeMap<String, String>, catalogue: &Catalogue) -> usize {
    failed.keys().filter_map(|id| catalogue.get(id)).count()
}

/// Whether a fault lets a case through whose guard it removes.
fn lets_through(row: &Row, id: &str, seen: &str, catalogue: &Catalogue) -> bool {
    let peel = catalogue.get(id).and_then(|case| case.peel.as_ref());
    seen == Why::Accepted.word() && peel.is_some_and(|clause| row.clauses.contains(clause))
}
