//! The clauses: one sentence that binds, one key word, one code, one id that is never given again.

use std::collections::{BTreeMap, BTreeSet};

use super::chapter::{Block, Kind, blocks, key_words, sentences};
use super::citations::is_id;
use super::csv::Csv;
use super::{Finding, Tree};

const ERRORS: &str = "spec/registries/errors.csv";
const RETIRED: &str = "spec/registries/retired.csv";
const WAIVERS: &str = "spec/waivers.csv";

/// A paragraph that binds.
#[derive(Clone, Debug)]
pub(super) struct Clause<'a> {
    pub(super) path: &'a str,
    pub(super) line: usize,
    /// What stands behind `Code:`; `None` where that is not a slug.
    pub(super) slug: Option<&'a str>,
}

/// Every clause of the text, by id.
#[derive(Debug, Default)]
pub(super) struct Clauses<'a> {
    clauses: BTreeMap<&'a str, Clause<'a>>,
    findings: Vec<Finding>,
}

impl<'a> Clauses<'a> {
    /// Reads the chapters.
    pub(super) fn read(tree: &'a Tree) -> Self {
        let mut clauses = Self::default();
        let mut waivers = Waivers::read(tree);
        for (path, chapter) in tree.chapters() {
            for block in blocks(chapter) {
                match block.kind {
                    Kind::Fenced(_) => {}
                    _ if block.text.starts_with("**[") => clauses.clause(path, block),
                    _ => clauses.findings.extend(outside(path, block, &mut waivers)),
                }
            }
        }
        clauses.findings.extend(waivers.unused());
        clauses
    }

    pub(super) fn len(&self) -> usize {
        self.clauses.len()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &'a str> {
        self.clauses.keys().copied()
    }

    pub(super) fn get(&self, id: &str) -> Option<&Clause<'a>> {
        self.clauses.get(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, &Clause<'a>)> {
        self.clauses.iter().map(|(&id, clause)| (id, clause))
    }

    /// What is wrong with the clauses themselves, with their codes, and with what became of earlier ones.
    pub(super) fn check(&self, tree: &Tree) -> Vec<Finding> {
        let mut findings = self.findings.clone();
        let registry = Csv::read(tree.get(ERRORS).unwrap_or_default());
        let slugs: BTreeSet<_> = column(&registry, "slug").into_iter().map(|(_, slug)| slug).collect();
        for (id, clause) in self.iter() {
            if let Some(slug) = clause.slug.filter(|slug| !slugs.contains(slug)) {
                let what = format!("{id} has the code `{slug}`, which is not in the registry");
                findings.push(Finding::new(clause.path, clause.line, what, format!("name a slug of {ERRORS}")));
            }
        }
        for (line, id) in retired(tree) {
            if !is_id(id) {
                findings.push(Finding::new(RETIRED, line, format!("{id:?} is no id"), "write the id of a clause"));
            } else if let Some(clause) = self.get(id) {
                let what = format!("{id} was the id of another clause, which is gone");
                findings.push(Finding::new(clause.path, clause.line, what, "give the clause a number that none had"));
            }
        }
        findings
    }

    fn clause(&mut self, path: &'a str, block: Block<'a>) {
        let at = |what: String, remedy: &str| Finding::new(path, block.line, what, remedy);
        let Some((id, body)) = block.text[3..].split_once("]**").filter(|(id, _)| is_id(id)) else {
            let what = "a paragraph begins like a clause and has no id".into();
            return self.findings.push(at(what, "begin it with the id, in brackets and in bold"));
        };
        if body.contains("**[") {
            let what = format!("a second clause begins in the paragraph of {id}");
            self.findings.push(at(what, "give each clause a paragraph of its own"));
        }
        match key_words(body).as_slice() {
            [_] if body.contains("MAY NOT") => {
                let what = format!("{id} says MAY NOT, which is no key word of BCP 14");
                self.findings.push(at(what, "say MUST NOT, or what may be left undone"));
            }
            [_] => {}
            words => {
                let what = format!("{id} has {} key words of BCP 14", words.len());
                self.findings.push(at(what, "give a clause exactly one"));
            }
        }
        let slug = code(body).unwrap_or_else(|remedy| {
            self.findings.push(at(format!("{id} does not end with one code"), remedy));
            None
        });
        if let Some(first) = self.clauses.get(id) {
            let what = format!("{id} stands at {}:{} already", first.path, first.line);
            return self.findings.push(at(what, "give the clause a number that none had"));
        }
        self.clauses.insert(id, Clause { path, line: block.line, slug });
    }
}

/// The ids of clauses that were removed, with their lines.
pub(super) fn retired(tree: &Tree) -> Vec<(usize, &str)> {
    let table = Csv::read(tree.get(RETIRED).unwrap_or_default());
    column(&table, "id")
}

/// The cells of a column, with their lines.
pub(super) fn column<'a>(table: &Csv<'a>, name: &str) -> Vec<(usize, &'a str)> {
    let Some(place) = table.column(name) else { return Vec::new() };
    table.rows.iter().filter_map(|(line, cells)| cells.get(place).map(|&cell| (*line, cell))).collect()
}

/// What stands behind `Code:` at the end of a clause: a slug, or `none` and who can see.
fn code(body: &str) -> Result<Option<&str>, &'static str> {
    let mut parts = body.split("Code:");
    let (_, Some(code), None) = (parts.next(), parts.next(), parts.next()) else {
        return Err("end it with \"Code: `slug`.\" or \"Code: none.\", once");
    };
    let code = code.trim();
    if let Some(seen) = code.strip_prefix("none.") {
        let says = seen.split_whitespace().next() == Some("Seen");
        return if says { Ok(None) } else { Err("say behind \"Code: none.\" who can see it: \"Seen ...\"") };
    }
    let slug = code.strip_prefix('`').and_then(|code| code.strip_suffix("`."));
    let slug = slug.filter(|slug| slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
    slug.map(Some).ok_or("write one slug behind \"Code:\", in backticks, and end the paragraph there")
}

/// Key words where they bind nobody.
fn outside(path: &str, block: Block<'_>, waivers: &mut Waivers<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, sentence) in sentences(block) {
        if !key_words(&sentence).is_empty() && !waivers.covers(path, &sentence) {
            let what = format!("a key word of BCP 14 stands outside a clause: {sentence:?}");
            let remedy = format!("make it a clause, write it in lower case, or waive it in {WAIVERS}");
            findings.push(Finding::new(path, line, what, remedy));
        }
    }
    findings
}

/// Sentences with key words that are no clauses, each with a reason.
struct Waivers<'a> {
    rows: Vec<(usize, Vec<&'a str>, bool)>,
}

impl<'a> Waivers<'a> {
    fn read(tree: &'a Tree) -> Self {
        let table = Csv::read(tree.get(WAIVERS).unwrap_or_default());
        Self { rows: table.rows.into_iter().map(|(line, cells)| (line, cells, false)).collect() }
    }

    fn covers(&mut self, path: &str, sentence: &str) -> bool {
        let row = self.rows.iter_mut().find(|(_, cells, _)| match cells.as_slice() {
            [file, reason, waived] => path == format!("spec/{file}") && !reason.is_empty() && *waived == sentence,
            _ => false,
        });
        row.map(|(_, _, used)| *used = true).is_some()
    }

    fn unused(&self) -> impl Iterator<Item = Finding> {
        let unused = self.rows.iter().filter(|(_, _, used)| !used);
        unused.map(|&(line, ..)| {
            let what = "a waiver without a reason, or for a sentence that is not there";
            Finding::new(WAIVERS, line, what, "write \"chapter.md,reason,sentence\", or take it out")
        })
    }
}
