//! Cases: one at least for every clause, or a reason why there is none.

use purser_conformance::spec::{self, Tree};

use super::copy::{Copy, nobody};

const UNTESTED: &str = "spec/untested.csv";
const FRAMING: &str = "test-vectors/v1/framing.json";

#[test]
fn a_clause_has_cases_or_a_reason() {
    let copy = Copy::new("cases");
    // One file of vectors holds every case of SIG-1; without it nothing shows the clause.
    let text = copy.read(FRAMING);
    let chapter = "spec/05-signing.md";
    let found = |tree: &Tree| spec::check(tree).into_iter().find(|finding| finding.what.contains("cites SIG-1 "));
    let whole = Tree::read(&copy.root).unwrap();
    assert_eq!(found(&whole), None);
    std::fs::write(copy.root.join(FRAMING), text.replace("\"SIG-1\"", "\"SIG-2\"")).unwrap();
    let missing = found(&Tree::read(&copy.root).unwrap()).unwrap();
    assert_eq!(missing.path, chapter);
    // A case that is refused for another reason shows nothing of a clause with a code.
    std::fs::write(copy.root.join(FRAMING), text.replace("\"cose-tag\"", "\"cose-structure\"")).unwrap();
    assert!(found(&Tree::read(&copy.root).unwrap()).is_some());
    std::fs::write(copy.root.join(FRAMING), "{}").unwrap();
    assert!(spec::check(&Tree::read(&copy.root).unwrap()).iter().any(|finding| finding.path == FRAMING));
}

#[test]
fn a_reason_has_a_class_and_is_needed() {
    let copy = Copy::new("untested");
    let head = "id,class,reason\n";
    let row = |row: &str| format!("{head}{row}\n");
    copy.breaks(UNTESTED, head, &row("SIG-1,policy,it is so"), UNTESTED, "SIG-1 has cases");
    let id = nobody("SIG");
    let what = format!("{id} is no clause of the text");
    copy.breaks(UNTESTED, head, &row(&format!("{id},policy,it is so")), UNTESTED, &what);
    copy.breaks(UNTESTED, ",definition,", ",whim,", UNTESTED, "is no class");
}

#[test]
fn the_page_has_every_clause_once() {
    let copy = Copy::new("page");
    let tree = Tree::read(&copy.root).unwrap();
    let (page, coverage) = spec::page(&tree);
    let entries: serde_json::Value = serde_json::from_str(&coverage).unwrap();
    let entries = entries.as_array().unwrap();
    assert_eq!(entries.len(), spec::coverage(&tree).clauses);
    for entry in entries {
        let anchor = format!("<b id=\"{}\" class=\"clause\">", entry["clause"].as_str().unwrap());
        assert_eq!(page.matches(&anchor).count(), 1, "{anchor}");
    }
    assert!(!page.contains("**["), "a clause is left as it was written");
    let tested = page.matches("<span class=\"mark tested\">").count();
    assert_eq!(tested, spec::coverage(&tree).tested + 1, "each with cases has its mark, and the legend one");
}
