//! The CDDL that chapters repeat against the files that rule.

use std::collections::BTreeSet;

use super::chapter::{Block, Kind, blocks};
use super::{Finding, Tree};

const FOLDER: &str = "spec/cddl/";

/// Blocks that are no run of lines of their file, and lines of files that no block repeats.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut repeated = BTreeSet::new();
    for (path, chapter) in tree.chapters() {
        let blocks = blocks(chapter);
        for (at, block) in blocks.iter().enumerate() {
            if block.kind != Kind::Fenced("~~~cddl") {
                continue;
            }
            let named = blocks.get(at + 1).and_then(|next| source(next));
            let found: Vec<_> = tree
                .below(FOLDER, ".cddl")
                .filter(|(file, _)| named.is_none_or(|named| file.ends_with(&format!("/{named}"))))
                .filter_map(|(file, text)| run(text, block.text).map(|first| (file, first)))
                .collect();
            for (file, first) in &found {
                repeated.extend((0..block.text.lines().count()).map(|line| (*file, first + line)));
            }
            if found.is_empty() {
                let file = named.map_or("any file of spec/cddl".to_owned(), |named| format!("{FOLDER}{named}"));
                let what = format!("this CDDL stands so in no run of lines of {file}");
                findings.push(Finding::new(path, block.line, what, "copy it from the file, which rules"));
            }
        }
    }
    for (file, text) in tree.below(FOLDER, ".cddl") {
        for (at, line) in text.lines().enumerate() {
            let says = !line.trim().is_empty() && !line.starts_with(';');
            if says && !repeated.contains(&(file, at + 1)) {
                let what = format!("no chapter repeats {:?}", line.trim());
                findings.push(Finding::new(
                    file,
                    at + 1,
                    what,
                    "repeat the definition in the chapter that explains it",
                ));
            }
        }
    }
    findings
}

/// The file that a paragraph behind a block names: `From [cddl/offer.cddl](cddl/offer.cddl).`
fn source<'a>(next: &Block<'a>) -> Option<&'a str> {
    let (name, _) = next.text.strip_prefix("From [cddl/")?.split_once(']')?;
    Some(name)
}

/// The line of a file, from 1, at which the lines of a block stand one after the other.
fn run(file: &str, block: &str) -> Option<usize> {
    let (lines, wanted): (Vec<_>, Vec<_>) = (file.lines().collect(), block.lines().collect());
    let at = lines.windows(wanted.len().max(1)).position(|run| run == wanted)?;
    Some(at + 1)
}
