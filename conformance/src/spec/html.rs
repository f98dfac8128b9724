//! The text as one page: each clause with a mark that says whether cases show it, and what they are.

use std::fmt::Write as _;

use pulldown_cmark::{Options, Parser, html};
use serde::Serialize;

use super::Tree;
use super::cases::{Cases, Covered, excuses};
use super::chapter::{Kind, blocks};
use super::citations::{Citations, ids};
use super::clauses::Clauses;

/// One clause, as `coverage.json` has it.
#[derive(Serialize)]
struct Entry<'a> {
    clause: &'a str,
    chapter: &'a str,
    code: Option<&'a str>,
    /// The line of code that keeps it.
    kept_at: Option<String>,
    #[serde(flatten)]
    cases: Cases,
    #[serde(skip)]
    tested: bool,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    exempt: Option<Exempt<'a>>,
}

#[derive(Serialize)]
struct Exempt<'a> {
    class: &'a str,
    reason: &'a str,
}

/// The page, and `coverage.json`.
pub(super) fn page(tree: &Tree) -> (String, String) {
    let clauses = Clauses::read(tree);
    let (citations, covered, excuses) = (Citations::read(tree), Covered::read(tree, &clauses), excuses(tree));
    let entries: Vec<Entry<'_>> = clauses
        .iter()
        .map(|(id, clause)| Entry {
            clause: id,
            chapter: clause.path,
            code: clause.slug,
            kept_at: citations.trace(id).map(|(path, line)| format!("{path}:{line}")),
            cases: covered.get(id).cloned().unwrap_or_default(),
            tested: covered.has(id, clause.slug),
            exempt: excuses.get(id).map(|&(_, class, reason)| Exempt { class, reason }),
        })
        .collect();

    let mut body = String::new();
    let mut nav = String::new();
    for (path, chapter) in tree.chapters().filter(|(path, _)| numbered(path)) {
        let name = path.trim_start_matches("spec/").trim_end_matches(".md");
        let title = chapter.lines().next().unwrap_or_default().trim_start_matches("# ");
        let _ = write!(nav, "<li><a href=\"#{name}\">{}</a>", escaped(title));
        let text = marked(chapter, &entries);
        let _ = write!(body, "<section id=\"{name}\">");
        html::push_html(&mut body, Parser::new_ext(&text, Options::ENABLE_TABLES));
        body.push_str("</section>");
    }
    let tested = covered.count(&clauses);
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Purser</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style>\
         <nav><ol>{nav}</ol><p>{tested} of {} clauses have cases: <span class=\"mark tested\">●</span>; a reason \
         why not: <span class=\"mark exempt\">○</span>; neither: <span class=\"mark gap\">✕</span>.</nav><main>{body}</main></html>\n",
        clauses.len()
    );
    (page, serde_json::to_string_pretty(&entries).unwrap_or_default() + "\n")
}

/// `spec/04-encoding.md`, but not the folder's own page.
fn numbered(path: &str) -> bool {
    path.trim_start_matches("spec/").starts_with(|c: char| c.is_ascii_digit())
}

/// The chapter with a place for each clause to be linked to, a mark behind it, and its cases below.
fn marked(chapter: &str, entries: &[Entry<'_>]) -> String {
    let mut text = String::new();
    let mut at = 0;
    for block in blocks(chapter) {
        let start = block.text.as_ptr() as usize - chapter.as_ptr() as usize;
        text.push_str(&chapter[at..start]);
        at = start + block.text.len();
        let id = block.text.strip_prefix("**[").and_then(|rest| rest.split_once("]**")).map(|(id, _)| id);
        let entry = id.and_then(|id| entries.iter().find(|entry| entry.clause == id));
        match (block.kind, entry) {
            (Kind::Fenced(_), _) => text.push_str(block.text),
            (_, Some(entry)) => text.push_str(&clause(block.text, entry)),
            _ => text.push_str(&linked(block.text, entries)),
        }
    }
    text + &chapter[at..]
}

fn clause(block: &str, entry: &Entry<'_>) -> String {
    let id = entry.clause;
    let rest = block.trim_end().trim_start_matches(&format!("**[{id}]**"));
    let (class, mark) = match (entry.tested, &entry.exempt) {
        (true, _) => ("tested", "●"),
        (false, Some(_)) => ("exempt", "○"),
        (false, None) => ("gap", "✕"),
    };
    let mut more = String::new();
    if let Some(kept) = &entry.kept_at {
        let _ = write!(more, "<p>Kept at <code>{kept}</code>.</p>");
    }
    for (what, cases) in
        [("Refused", &entry.cases.refused), ("Accepted", &entry.cases.accepted), ("Live", &entry.cases.live)]
    {
        if !cases.is_empty() {
            let cases: Vec<_> = cases.iter().map(|case| format!("<code>{case}</code>")).collect();
            let _ = write!(more, "<p>{what}: {}.</p>", cases.join(", "));
        }
    }
    if let Some(exempt) = &entry.exempt {
        let _ = write!(more, "<p>No cases ({}): {}.</p>", exempt.class, escaped(exempt.reason));
    }
    format!(
        "<b id=\"{id}\" class=\"clause\"><a href=\"#{id}\">{id}</a></b> <span class=\"mark {class}\">{mark}</span>\
         {rest}\n\n<details><summary>what keeps and what tests {id}</summary>{more}</details>\n"
    )
}

/// Ids in brackets lead to their clauses.
fn linked(block: &str, entries: &[Entry<'_>]) -> String {
    let mut text = String::new();
    for line in block.split_inclusive('\n') {
        let mut at = 0;
        for (start, id) in ids(line) {
            let end = start + id.len();
            let bracketed = line[..start].ends_with('[') && line[end..].starts_with(']');
            if bracketed && !line[end..].starts_with("](") && entries.iter().any(|entry| entry.clause == id) {
                let _ = write!(text, "{}{id}](#{id})", &line[at..start]);
                at = end + 1;
            }
        }
        text.push_str(&line[at..]);
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

const STYLE: &str = "body{font:16px/1.5 serif;margin:0 auto;max-width:52em;padding:1em}nav{border-bottom:1px solid}\
    pre{overflow-x:auto;background:#8881;padding:.5em}table{border-collapse:collapse}td,th{border:1px solid #8888;\
    padding:.2em .5em;text-align:left;vertical-align:top}details{font-size:85%;margin:-.8em 0 1em 1em}\
    .mark{font-family:sans-serif}.tested{color:#176d2c}.exempt{color:#8a5300}.gap{color:#b00020}:target{background:#ff08}";
