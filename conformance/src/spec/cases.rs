//! What is put to a test: the cases of the vectors and the live checks, by the clauses that they cite.

use std::collections::{BTreeMap, BTreeSet};

use purser_protocol::code::{Code, Standing};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::live;

use super::appendix::ByRole;
use super::clauses::Clauses;
use super::csv::Csv;
use super::{Finding, Tree};

const FOLDER: &str = "test-vectors/v1/";
const UNTESTED: &str = "spec/untested.csv";
/// The outcome of a payment that waits.
const PENDING: &str = "pending";

/// Why a clause can have no case.
const CLASSES: [(&str, &str); 8] = [
    ("unobservable", "what is asked leaves no mark outside a program"),
    ("peer-bound", "it shows only in what several parties do together"),
    ("live", "it shows only over HTTP, where the suite plays the peers"),
    ("real-world-act", "it takes an act by a door that the protocol does not have"),
    ("policy", "it binds people: who runs a program, or who changes the text"),
    ("definition", "it says how the text is meant"),
    ("later-chapter", "what it rests on comes with a later draft"),
    ("pending", "its cases are yet to be written"),
];

/// The cases of one clause.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Cases {
    /// Those that are refused by it.
    pub(super) refused: BTreeSet<String>,
    /// Those that are accepted, and those that a refused one differs from.
    pub(super) accepted: BTreeSet<String>,
    /// The live checks: each sees what must come, and what must not.
    pub(super) live: BTreeSet<String>,
}

/// The cases of every clause that has some.
#[derive(Debug, Default)]
pub(super) struct Covered {
    by_clause: BTreeMap<String, Cases>,
    by_role: ByRole,
    /// By role and feature, the cases that need it.
    needing: BTreeMap<(String, String), BTreeSet<String>>,
    findings: Vec<Finding>,
}

/// What is read of a file of vectors.
#[derive(Deserialize)]
struct Area {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    role: String,
    #[serde(default)]
    features: Vec<String>,
    clauses: Vec<String>,
    twin: Option<String>,
    expect: Expect,
}

#[derive(Deserialize)]
struct Expect {
    outcome: String,
    code: Option<String>,
    value: Option<Value>,
}

impl Covered {
    pub(super) fn read(tree: &Tree, clauses: &Clauses<'_>) -> Self {
        let mut covered = Self::default();
        for (id, cited) in live::named() {
            let role = id.split('/').nth(1).unwrap_or_default().to_owned();
            for clause in cited.split_whitespace() {
                covered.of(&role, clause, |cases| _ = cases.live.insert(id.clone()));
            }
        }
        for (path, text) in tree.below(FOLDER, ".json") {
            match serde_json::from_str::<Area>(text) {
                Ok(area) => area.cases.iter().for_each(|case| covered.case(case, clauses)),
                Err(error) => {
                    let remedy = "write the files with purser-conformance vectors write";
                    covered.findings.push(Finding::new(path, error.line(), error.to_string(), remedy));
                }
            }
        }
        covered
    }

    /// A clause with a code needs a case that is refused with it and one that is not; any other needs a case. A live
    /// check is both.
    pub(super) fn has(&self, id: &str, code: Option<&str>) -> bool {
        let Some(cases) = self.by_clause.get(id) else { return false };
        match code {
            _ if !cases.live.is_empty() => true,
            Some(_) => !cases.refused.is_empty() && !cases.accepted.is_empty(),
            None => !cases.refused.is_empty() || !cases.accepted.is_empty(),
        }
    }

    pub(super) const fn by_role(&self) -> &ByRole {
        &self.by_role
    }

    /// The cases of a role that need a feature.
    pub(super) fn needing(&self, role: &str, feature: &str) -> BTreeSet<String> {
        self.needing.get(&(role.to_owned(), feature.to_owned())).cloned().unwrap_or_default()
    }

    fn of(&mut self, role: &str, clause: &str, put: impl Fn(&mut Cases)) {
        put(self.by_clause.entry(clause.to_owned()).or_default());
        put(self.by_role.entry(role.to_owned()).or_default().entry(clause.to_owned()).or_default());
    }

    pub(super) fn get(&self, id: &str) -> Option<&Cases> {
        self.by_clause.get(id)
    }

    pub(super) fn count(&self, clauses: &Clauses<'_>) -> usize {
        clauses.iter().filter(|(id, clause)| self.has(id, clause.slug)).count()
    }

    /// Clauses without cases that nothing excuses, and excuses that are none.
    pub(super) fn check(&self, tree: &Tree, clauses: &Clauses<'_>) -> Vec<Finding> {
        let mut findings = self.findings.clone();
        let excuses = excuses(tree);
        for (id, clause) in clauses.iter() {
            if !self.has(id, clause.slug) && !excuses.contains_key(id) {
                let needs = match clause.slug {
                    Some(slug) => format!("no case that is refused with {slug} cites {id} beside a twin"),
                    None => format!("no case cites {id}"),
                };
                let remedy = format!("write one, or say in {UNTESTED} why there is none");
                findings.push(Finding::new(clause.path, clause.line, needs, remedy));
            }
        }
        for (id, &(line, class, reason)) in &excuses {
            let mut find = |what: String, remedy: &str| findings.push(Finding::new(UNTESTED, line, what, remedy));
            match clauses.get(id) {
                None => find(format!("{id} is no clause of the text"), "take the row out"),
                Some(clause) if self.has(id, clause.slug) => find(format!("{id} has cases"), "take the row out"),
                Some(_) => {}
            }
            if !CLASSES.iter().any(|&(name, _)| name == class) {
                let classes: Vec<_> = CLASSES.iter().map(|(name, meaning)| format!("{name} ({meaning})")).collect();
                find(format!("{class:?} is no class"), &format!("write one of: {}", classes.join("; ")));
            }
            if reason.trim().is_empty() {
                find(format!("{id} has no reason"), "say why no case can show it");
            }
        }
        findings
    }

    fn case(&mut self, case: &Case, clauses: &Clauses<'_>) {
        for feature in &case.features {
            let needing = self.needing.entry((case.role.clone(), feature.clone())).or_default();
            needing.insert(case.id.clone());
        }
        for clause in &case.clauses {
            // What waits for the person is accepted, and is what a clause with the code of waiting asks for.
            let waits = case.expect.value.as_ref().is_some_and(|value| value["outcome"] == PENDING);
            let slug = clauses.get(clause).and_then(|clause| clause.slug);
            if waits && slug.and_then(Code::from_slug).is_some_and(|code| code.standing() == Standing::Pending) {
                self.of(&case.role, clause, |cases| _ = cases.refused.insert(case.id.clone()));
                continue;
            }
            if case.expect.outcome == "accept" {
                self.of(&case.role, clause, |cases| _ = cases.accepted.insert(case.id.clone()));
                continue;
            }
            // A refusal for another reason shows nothing of a clause that has a code of its own.
            if slug.is_none() || slug == case.expect.code.as_deref() {
                self.of(&case.role, clause, |cases| {
                    cases.refused.insert(case.id.clone());
                    cases.accepted.extend(case.twin.clone());
                });
            }
        }
    }
}

/// The list of excuses without those that are needed no more.
pub(super) fn write(tree: &Tree) -> Option<(&'static str, String)> {
    let clauses = Clauses::read(tree);
    let covered = Covered::read(tree, &clauses);
    let text = tree.get(UNTESTED)?;
    let stays = |line: &&str| {
        let id = line.split(',').next().unwrap_or_default();
        clauses.get(id).is_none_or(|clause| !covered.has(id, clause.slug))
    };
    let kept: String = text.split_inclusive('\n').filter(stays).collect();
    (kept != text).then_some((UNTESTED, kept))
}

/// The clauses that need no case, each with its line, class and reason.
pub(super) fn excuses(tree: &Tree) -> BTreeMap<&str, (usize, &str, &str)> {
    let table = Csv::read(tree.get(UNTESTED).unwrap_or_default());
    let rows = table.rows.iter().filter_map(|(line, row)| match row[..] {
        [id, class, reason] => Some((id, (*line, class, reason))),
        _ => None,
    });
    rows.collect()
}
