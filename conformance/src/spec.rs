//! Everything that is written twice in `spec/` and the code, compared; and each clause with the line that keeps it.
//!
//! All of it is a function of file contents: a [`Tree`] is read once, and nothing else is looked at.

mod appendix;
mod cases;
mod cddl;
mod chapter;
mod citations;
mod clauses;
mod csv;
mod edn;
mod examples;
mod html;
mod lock;
mod printed;
mod registries;
mod rendered;
mod tree;

use std::fmt;

pub use edn::{EdnError, to_cbor};
pub use lock::Coverage;
pub use tree::Tree;

use cases::Covered;
use citations::Citations;
use clauses::Clauses;

/// Something that disagrees: where, what is wrong, and what would make it good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, from the root.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { path: path.into(), line, what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.what, self.remedy)
    }
}

/// Everything that disagrees, in the order of files and lines.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let (clauses, citations) = (Clauses::read(tree), Citations::read(tree));
    let mut findings = clauses.check(tree);
    findings.extend(registries::check(tree, &clauses));
    findings.extend(printed::check(tree));
    findings.extend(citations.check(tree, &clauses));
    findings.extend(Covered::read(tree, &clauses).check(tree, &clauses));
    findings.extend(appendix::check(tree));
    findings.extend(lock::check(tree, &coverage(tree)));
    findings.extend(cddl::check(tree));
    findings.extend(examples::check(tree));
    findings.extend(rendered::check(tree));
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    findings
}

/// How many clauses there are, and how many have a line of code, and cases.
pub fn coverage(tree: &Tree) -> Coverage {
    let clauses = Clauses::read(tree);
    let citations = Citations::read(tree);
    Coverage {
        clauses: clauses.len(),
        retired: clauses::retired(tree).len(),
        traced: clauses.ids().filter(|id| citations.traces(id)).count(),
        tested: Covered::read(tree, &clauses).count(&clauses),
    }
}

/// The text as one page, each clause with what keeps and what tests it; and the same for programs.
pub fn page(tree: &Tree) -> (String, String) {
    html::page(tree)
}

/// The examples that can be read: name and bytes.
pub fn examples(tree: &Tree) -> impl Iterator<Item = (&str, Vec<u8>)> {
    examples::bytes(tree)
}

/// The files that are made from others and are not as they should be, with what they should hold.
pub fn write(tree: &Tree) -> Vec<(&'static str, String)> {
    let made = printed::write(tree).into_iter().chain(cases::write(tree)).chain(appendix::write(tree));
    made.chain(lock::write(tree, &coverage(tree))).collect()
}
