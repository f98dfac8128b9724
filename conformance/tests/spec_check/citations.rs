//! Citations: of clauses that are there, and a line of code for every clause.

use purser_conformance::spec::{self, Tree};

use super::copy::{Copy, nobody};

/// A clause that one line of one file keeps, and the clauses without any that are excused.
const PATH: &str = "protocol/src/wire/map.rs";
const UNTRACED: &str = "spec/untraced.csv";

#[test]
fn what_is_cited_is_there() {
    let copy = Copy::new("cited");
    let id = nobody("ENC");
    let what = format!("{id} is no clause of the text");
    copy.breaks(PATH, "impl Field for u64 {", &format!("// [{id}]\nimpl Field for u64 {{"), PATH, &what);
    copy.breaks(PATH, "impl Field for u64 {", &format!("/// \\[{id}\\]\nimpl Field for u64 {{"), PATH, &what);
    let test = "reference-server/tests/sandbox.rs";
    copy.breaks(test, "use std", &format!("const ROW: &str = \"{id}\";\nuse std"), test, &what);
    let chapter = "spec/17-security.md";
    copy.breaks(chapter, "## Load", &format!("See [{id}].\n\n## Load"), chapter, &what);
    copy.breaks(chapter, "## Load", &format!("| {id} |\n\n## Load"), chapter, &what);
    copy.breaks(
        "spec/04-encoding.md",
        "**[ENC-3]** A",
        &format!("**[ENC-3]** By [{id}] a"),
        "spec/04-encoding.md",
        &what,
    );

    // With an unknown prefix only brackets make a citation.
    let other = nobody("ZZZ");
    copy.breaks(chapter, "## Load", &format!("See [{other}].\n\n## Load"), chapter, &format!("{other} is no clause"));
    copy.keeps(chapter, "## Load", &format!("See {other}.\n\n## Load"));
    copy.keeps(chapter, "## Load", "See [ENC-3] and AUT-1.\n\n## Load");
    copy.keeps(chapter, "## Load", &format!("> **\\[{id}]**\n\n~~~text\n[{id}]\n~~~\n\n## Load"));
}

#[test]
fn vectors_cite_what_is_there() {
    let copy = Copy::new("vectors");
    let file = "protocol/tests/some.json";
    std::fs::write(copy.root.join(file), "{\"clause\": \"ENC-3\"}\n").unwrap();
    copy.keeps(file, "ENC-3", "ENC-4");
    copy.breaks(file, "ENC-3", &nobody("ENC"), &format!("{file}:1"), "is no clause of the text");
}

#[test]
fn a_clause_has_a_line_of_code() {
    let copy = Copy::new("traced");
    // ENC-13 stands in several files; taken out of all of them but the table of codes, nothing keeps it.
    let files: Vec<_> = traces(&copy, "ENC-13");
    assert!(!files.is_empty());
    for file in &files {
        let text = copy.read(file).replace("[ENC-13]", "").replace("[ENC-13\\]", "");
        std::fs::write(copy.root.join(file), text).unwrap();
    }
    let what = "no line of code bears [ENC-13]";
    let missing = |tree: &Tree| spec::check(tree).iter().any(|finding| finding.what == what);
    assert!(missing(&Tree::read(&copy.root).unwrap()));

    let mark = "impl Field for u64 {";
    let marked = |comment: &str| copy.with(PATH, mark, &format!("{comment}\n{mark}"), missing);
    assert!(!marked("// [ENC-13]"), "a comment traces");
    assert!(!marked("/// [ENC-13]"), "so does a doc comment");
    assert!(marked("const ID: &str = \"[ENC-13]\";"), "a string does not");
    assert!(marked("// ENC-13"), "nor does a name without brackets");
    assert!(
        copy.with(PATH, mark, &format!("#[cfg(test)]\nmod tests {{\n// [ENC-13]\n}}\n{mark}"), missing),
        "nor a test"
    );
    let test = "reference-server/tests/sandbox.rs";
    assert!(copy.with(test, "use std", "// [ENC-13]\nuse std", missing), "nor a file of tests");
    let suite = "conformance/src/lib.rs";
    assert!(copy.with(suite, "pub mod spec;", "pub mod spec; // [ENC-13]", missing), "nor the suite");
    let excused = copy.with(UNTRACED, "id,class,reason\n", "id,class,reason\nENC-13,policy,people keep it\n", missing);
    assert!(!excused, "an excuse takes the place of a trace");
}

#[test]
fn an_excuse_is_needed_and_gives_a_reason() {
    let copy = Copy::new("excuses");
    let rows = [
        ("ENC-13,policy,people keep it", "ENC-13 has a line of code, protocol/src/"),
        ("ENC-13;policy", "a row needs three cells"),
        ("ENC-13,later,it comes later", "\"later\" is no class"),
        ("ENC-13,policy, ", "ENC-13 has no reason"),
    ];
    let head = "id,class,reason\n";
    for (row, what) in rows {
        copy.breaks(UNTRACED, head, &format!("{head}{row}\n"), &format!("{UNTRACED}:2"), what);
    }
    let id = nobody("ENC");
    copy.breaks(
        UNTRACED,
        head,
        &format!("{head}{id},policy,x\n"),
        &format!("{UNTRACED}:2"),
        "is no clause of the text",
    );
    let text = copy.read(UNTRACED);
    let first = text.lines().nth(1).unwrap();
    copy.breaks(UNTRACED, head, &format!("{head}{first}\n"), &format!("{UNTRACED}:3"), "stands here twice");
}

#[test]
fn coverage_only_grows() {
    let copy = Copy::new("coverage");
    let lock = "spec/coverage.lock";
    let now = spec::coverage(&Tree::read(&copy.root).unwrap());
    let text = copy.read(lock);
    let with_tested = |clauses: usize, traced: usize, tested: usize| {
        format!("clauses = {clauses}\nretired = {}\ntraced = {traced}\ntested = {tested}\n", now.retired)
    };
    let with = |clauses, traced| with_tested(clauses, traced, now.tested);

    copy.breaks(lock, &text, &with(now.clauses, now.traced + 1), &format!("{lock}:3"), "had a line of code");
    copy.breaks(lock, &text, &with(now.clauses + 1, now.traced), &format!("{lock}:1"), "retired ones included");
    copy.breaks(lock, &text, "clauses = many\n", &format!("{lock}:1"), "the counts do not read");
    copy.keeps(lock, &text, &with(now.clauses, now.traced));
    copy.keeps(lock, &text, &with(now.clauses, now.traced - 1));
    let more = with_tested(now.clauses, now.traced, now.tested + 1);
    copy.breaks(lock, &text, &more, &format!("{lock}:4"), "clauses had cases");

    // What is written is never less than what was kept.
    let written = |text_now: &str| {
        copy.with(lock, &text, text_now, |tree| {
            spec::write(tree).into_iter().find(|(path, _)| *path == lock).map(|(_, text)| text)
        })
    };
    assert_eq!(written(&with(now.clauses, now.traced)), None);
    assert_eq!(written(&with(now.clauses, now.traced - 1)), Some(with(now.clauses, now.traced)));
    assert_eq!(written(&with(now.clauses, now.traced + 1)), None);
    assert_eq!(written(&with(now.clauses + 1, now.traced)), None);

    std::fs::remove_file(copy.root.join(lock)).unwrap();
    let found = spec::check(&Tree::read(&copy.root).unwrap());
    assert!(found.iter().any(|finding| finding.path == lock && finding.what == "the counts are not there"));
}

/// The files of the roles that bear an id in brackets.
fn traces(copy: &Copy, id: &str) -> Vec<String> {
    let mut folders: Vec<_> = ["protocol/src", "reference-server/src", "reference-client/src"].map(String::from).into();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(copy.root.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path != "protocol/src/code.rs" && copy.read(&path).contains(&format!("[{id}")) {
                found.push(path);
            }
        }
    }
    found
}
