//! Where clauses are named: at the lines of code that keep them, in tests and vectors, and by other clauses.

use std::collections::{BTreeMap, BTreeSet};

use super::chapter::{Block, Kind, blocks};
use super::clauses::Clauses;
use super::csv::Csv;
use super::{Finding, Tree};

const UNTRACED: &str = "spec/untraced.csv";

/// The crates whose lines keep clauses. The suite only asks whether they do.
const ROLES: [&str; 7] = [
    "protocol/src/",
    "reference-client/ap2/src/",
    "reference-client/code/src/",
    "reference-client/src/",
    "reference-client/mcp/src/",
    "reference-client/merchant-kit/src/",
    "reference-server/src/",
];

/// The table of codes names the clause of every code, kept or not.
const CODES: &str = "protocol/src/code.rs";

/// Why a clause can have no line of code.
const CLASSES: [(&str, &str); 5] = [
    ("unobservable", "what is asked leaves no mark in any program"),
    ("peer-bound", "a party keeps it that none of the reference programs plays"),
    ("policy", "it binds people: who runs a program, or who changes the text"),
    ("later-chapter", "what it rests on comes with a later draft"),
    ("definition", "it says how the text is meant"),
];

/// An id somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Citation<'a> {
    path: &'a str,
    line: usize,
    id: &'a str,
    /// In square brackets, as a clause is cited; without them it may be the name of something else.
    bracketed: bool,
}

/// Every place that names a clause.
#[derive(Debug, Default)]
pub(super) struct Citations<'a> {
    all: Vec<Citation<'a>>,
    traced: BTreeMap<&'a str, (&'a str, usize)>,
}

impl<'a> Citations<'a> {
    pub(super) fn read(tree: &'a Tree) -> Self {
        let mut citations = Self::default();
        for (path, source) in tree.below("", ".rs") {
            citations.source(path, source);
        }
        for (path, vectors) in tree.below("", ".json") {
            citations.lines(path, 1, vectors);
        }
        for (path, chapter) in tree.chapters() {
            // What is fenced or quoted shows a form and cites nothing.
            let cites = |block: &Block<'_>| !matches!(block.kind, Kind::Fenced(_)) && !block.text.starts_with('>');
            for block in blocks(chapter).into_iter().filter(cites) {
                let own = if block.text.starts_with("**[") { block.text.find("]**").unwrap_or(0) } else { 0 };
                citations.lines(path, block.line, &block.text[own..]);
            }
        }
        citations
    }

    /// Whether a line of code bears the id.
    pub(super) fn traces(&self, id: &str) -> bool {
        self.traced.contains_key(id)
    }

    /// The first line of code that bears the id.
    pub(super) fn trace(&self, id: &str) -> Option<(&'a str, usize)> {
        self.traced.get(id).copied()
    }

    /// Citations of nothing, clauses that nothing keeps, and excuses that are none.
    pub(super) fn check(&self, tree: &Tree, clauses: &Clauses<'_>) -> Vec<Finding> {
        let prefixes: BTreeSet<_> = clauses.ids().map(|id| &id[..3]).collect();
        let mut findings = Vec::new();
        for &Citation { path, line, id, bracketed } in &self.all {
            if clauses.get(id).is_none() && (bracketed || prefixes.contains(&id[..3])) {
                let what = format!("{id} is no clause of the text");
                findings.push(Finding::new(path, line, what, "name the clause that is meant, or write it"));
            }
        }
        let excused = self.excused(tree, clauses, &mut findings);
        for (id, clause) in clauses.iter().filter(|(id, _)| !self.traces(id) && !excused.contains(id)) {
            let what = format!("no line of code bears [{id}]");
            let remedy =
                format!("put the id at the line that keeps the clause, or say in {UNTRACED} why there is none");
            findings.push(Finding::new(clause.path, clause.line, what, remedy));
        }
        findings
    }

    /// The clauses that need no line of code, by their list.
    fn excused<'t>(&self, tree: &'t Tree, clauses: &Clauses<'_>, findings: &mut Vec<Finding>) -> BTreeSet<&'t str> {
        let table = Csv::read(tree.get(UNTRACED).unwrap_or_default());
        let mut excused = BTreeSet::new();
        for (line, row) in &table.rows {
            let mut find = |what: String, remedy: &str| findings.push(Finding::new(UNTRACED, *line, what, remedy));
            let [id, class, reason] = row[..] else {
                find("a row needs three cells".into(), "write id,class,reason");
                continue;
            };
            if !excused.insert(id) {
                find(format!("{id} stands here twice"), "keep one of the rows");
            }
            if clauses.get(id).is_none() {
                find(format!("{id} is no clause of the text"), "take the row out");
            }
            if let Some((path, line)) = self.traced.get(id) {
                find(format!("{id} has a line of code, {path}:{line}"), "take the row out");
            }
            if !CLASSES.iter().any(|&(name, _)| name == class) {
                let classes: Vec<_> = CLASSES.iter().map(|(name, meaning)| format!("{name} ({meaning})")).collect();
                find(format!("{class:?} is no class"), &format!("write one of: {}", classes.join("; ")));
            }
            if reason.trim().is_empty() {
                find(format!("{id} has no reason"), "say why no line of code can keep it");
            }
        }
        excused
    }

    /// Ids in a file of Rust. Those in the comments of a role's own code, its tests left out, are traces.
    fn source(&mut self, path: &'a str, source: &'a str) {
        let is_role = ROLES.iter().any(|role| path.starts_with(role)) && path != CODES && !path.ends_with("tests.rs");
        let mut in_tests = false;
        for (at, line) in source.lines().enumerate() {
            in_tests |= line.starts_with("mod tests {");
            for (start, id) in ids(line) {
                let bracketed = line[..start].ends_with('[');
                self.all.push(Citation { path, line: at + 1, id, bracketed });
                if is_role && !in_tests && bracketed && line[..start].contains("//") {
                    self.traced.entry(id).or_insert((path, at + 1));
                }
            }
        }
    }

    fn lines(&mut self, path: &'a str, first: usize, text: &'a str) {
        for (at, line) in text.lines().enumerate() {
            for (start, id) in ids(line) {
                let bracketed = line[..start].ends_with('[');
                self.all.push(Citation { path, line: first + at, id, bracketed });
            }
        }
    }
}

/// Whether a text has the form of an id: three capitals, a hyphen, a number without leading zeros.
pub(super) fn is_id(text: &str) -> bool {
    ids(text).next().is_some_and(|(start, id)| start == 0 && id == text)
}

/// What has the form of an id in a line, and where.
pub(super) fn ids(line: &str) -> impl Iterator<Item = (usize, &str)> {
    line.match_indices('-').filter_map(|(hyphen, _)| {
        let start = hyphen.checked_sub(3)?;
        let digits = line[hyphen + 1..].bytes().take_while(u8::is_ascii_digit).count();
        let end = hyphen + 1 + digits;
        let (bytes, joins) = (line.as_bytes(), |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        let capitals = bytes[start..hyphen].iter().all(u8::is_ascii_uppercase);
        let apart = start.checked_sub(1).is_none_or(|before| !joins(&bytes[before]))
            && bytes.get(end).is_none_or(|b| !joins(b));
        (capitals && apart && digits > 0 && bytes[hyphen + 1] != b'0').then(|| (start, &line[start..end]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_three_capitals_and_a_number() {
        let line = "[ENC-1] SHA-256, \\[RCT-8\\] XENC-2 enc-3 AUT-04 AUT-5b é-1 CRT-6-7 (SIG-9)";
        let seen: Vec<_> = ids(line).map(|(_, id)| id).collect();
        assert_eq!(seen, ["ENC-1", "SHA-256", "RCT-8", "SIG-9"]);
        assert!(is_id("ENC-1") && !is_id("ENC-1 ") && !is_id(" ENC-1") && !is_id("ENC"));
    }
}
