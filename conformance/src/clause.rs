//! What a clause asks, in the words of the specification.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The chapters that this program carries: file and text.
const CHAPTERS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/chapters.rs"));

/// A clause of the specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clause {
    /// The chapter's file.
    pub(crate) chapter: &'static str,
    /// Its words, on one line, without its id and its code.
    pub(crate) words: String,
}

/// The clause of this id.
pub(crate) fn get(id: &str) -> Option<&'static Clause> {
    static CLAUSES: LazyLock<BTreeMap<String, Clause>> = LazyLock::new(read);
    CLAUSES.get(id)
}

/// The features of chapter 2: the first column of the table that begins with `feature`.
pub(crate) fn features() -> Vec<&'static str> {
    let chapter = CHAPTERS.iter().find(|(name, _)| *name == "02-conventions.md").map_or("", |(_, text)| text);
    let table = chapter.lines().skip_while(|line| !line.starts_with("| feature ")).skip(2);
    let rows = table.take_while(|line| line.starts_with('|'));
    rows.filter_map(|row| row.split('`').nth(1)).collect()
}

fn read() -> BTreeMap<String, Clause> {
    let mut clauses = BTreeMap::new();
    for (chapter, text) in CHAPTERS {
        for paragraph in text.split("\n\n") {
            let Some((id, words)) = paragraph.trim_start().strip_prefix("**[").and_then(|rest| rest.split_once("]**"))
            else {
                continue;
            };
            let words = words.split("Code:").next().unwrap_or_default();
            let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
            clauses.insert(id.to_owned(), Clause { chapter, words });
        }
    }
    clauses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_at_hand() {
        assert!(features().starts_with(&["core", "holds"]), "{:?}", features());
        assert!(!features().contains(&"verifier"));
    }

    #[test]
    fn clauses_are_at_hand() {
        let clause = get("ENC-6").unwrap();
        assert_eq!(clause.chapter, "04-encoding.md");
        assert!(clause.words.contains(" MUST "), "{}", clause.words);
        assert!(!clause.words.contains("Code:"));
        assert_eq!(get("none"), None);
    }
}
