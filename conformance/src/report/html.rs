//! The report for a browser: one file that loads nothing.

use std::fmt::Write as _;

use purser_test_vectors::Case;
use serde_json::Value;

use super::explain::expected;
use super::junit::escape;
use super::mend::mend;
use super::{headline, verdict};
use crate::bytes;
use crate::clause;
use crate::results::{CaseResult, Results, State};
use crate::run::catalogue::Catalogue;
use crate::run::judge::Why;

/// Longest byte string that is shown whole.
const BYTES_SHOWN: usize = 2_048;

/// The file.
pub fn write(results: &Results, catalogue: &Catalogue) -> String {
    let mut text = String::from(HEAD);
    // Writing to a string does not fail.
    let _ = body(&mut text, results, catalogue);
    text.push_str("</main></body></html>\n");
    text
}

fn body(text: &mut String, results: &Results, catalogue: &Catalogue) -> std::fmt::Result {
    let (suite, implementation) = (&results.suite, &results.subject.implementation);
    let class = match (results.exit, results.conformant) {
        (0, true) => "good",
        (1, _) => "bad",
        _ => "some",
    };
    let name = format!("{} {} ({})", implementation.name, implementation.version, implementation.language);
    writeln!(text, "<h1>{}</h1><p class=\"{}\">{}</p><ul>", escape(&name), class, verdict(results))?;
    for role in results.roles.iter().filter(|role| role.claimed) {
        writeln!(text, "<li>{}</li>", escape(&headline(results, role)))?;
    }
    for profile in results.profiles.iter().filter(|profile| profile.claimed && profile.cases > 0) {
        let (name, role, must) = (&profile.profile, &profile.role, profile.must);
        writeln!(text, "<li>{} ({} profile): {}/{} MUST</li>", escape(name), escape(role), must.passed, must.of)?;
    }
    for (lack, count) in results.not_claimed() {
        writeln!(text, "<li>not claimed: {} ({count} cases)</li>", escape(lack))?;
    }
    for remark in &results.remarks {
        writeln!(text, "<li>{}</li>", escape(remark))?;
    }
    let baseline = suite.baseline.map(|baseline| {
        let (accept_all, reject_all) = (baseline.accept_all, baseline.reject_all);
        format!(
            "; a program that accepts everything would score {accept_all}, one that refuses everything {reject_all}"
        )
    });
    writeln!(
        text,
        "</ul><p class=\"small\">suite {}, vectors {} of {} cases, requirements {} {}, seed {}, {} processes, {} ms{}; \
         <code>{}</code></p>",
        suite.version,
        suite.vectors,
        suite.cases,
        suite.spec,
        suite.requirements,
        suite.seed,
        suite.jobs,
        results.elapsed_ms,
        baseline.unwrap_or_default(),
        escape(&suite.command)
    )?;
    let of = |state: State| results.cases.iter().filter(move |case| case.state == state).collect::<Vec<_>>();
    for (title, mut cases, open) in [
        ("Failed", of(State::Failed), true),
        ("Known failing", of(State::KnownFailing), false),
        ("Passed", of(State::Passed), false),
        ("Not applicable", of(State::NotApplicable), false),
    ] {
        if cases.is_empty() {
            continue;
        }
        cases.sort_by_key(|case| (matches!(case.why, Some(Why::Twin | Why::Controls)), case.importance));
        writeln!(text, "<h2>{title} ({})</h2>", cases.len())?;
        for result in cases {
            match catalogue.get(&result.id) {
                Some(case) if open => failed(text, result, case, catalogue)?,
                _ => line(text, result)?,
            }
        }
    }
    Ok(())
}

fn line(text: &mut String, result: &CaseResult) -> std::fmt::Result {
    let message = escape(result.known_reason.as_deref().or(result.message.as_deref()).unwrap_or_default());
    let (id, title) = (escape(&result.id), escape(&result.title));
    writeln!(text, "<div class=\"line\"><code>{id}</code> {title} <i>{message}</i></div>")
}

fn failed(text: &mut String, result: &CaseResult, case: &Case, catalogue: &Catalogue) -> std::fmt::Result {
    let why = result.why.map(Why::word).unwrap_or_default();
    let level = format!("{:?}", result.level).to_uppercase();
    writeln!(
        text,
        "<details><summary><b>{why}</b> <code>{}</code> {}</summary>",
        escape(&case.id),
        escape(&case.title)
    )?;
    writeln!(text, "<p>{} {level}: {}</p>", escape(&case.role), escape(result.message.as_deref().unwrap_or_default()))?;
    for id in &case.clauses {
        let words = clause::get(id).map(|clause| escape(&clause.words)).unwrap_or_default();
        writeln!(text, "<blockquote><b>{}</b> {words}</blockquote>", escape(id))?;
    }
    let seen = result.seen.as_ref().map(|seen| seen.to_string()).unwrap_or_else(|| "no reply".to_owned());
    let seen = shortened(&seen, 600);
    writeln!(text, "<table><tr><th>expected</th><td>{}</td></tr>", escape(&expected(case)))?;
    writeln!(text, "<tr><th>seen</th><td><code>{}</code></td></tr>", escape(&seen))?;
    if let Some(mutation) = &case.mutation {
        let args = mutation.args.iter().map(|arg| shortened(&arg.to_string(), 300)).collect::<Vec<_>>().join(", ");
        let signed = if mutation.resigned { "signed again by the honest key" } else { "not signed again" };
        let (base, op) = (escape(&mutation.base), escape(&mutation.op));
        writeln!(
            text,
            "<tr><th>what was done</th><td><code>{op}({})</code> to <code>{base}</code>, {signed}</td></tr>",
            escape(&args)
        )?;
    }
    if let Some(mend) = mend(result) {
        writeln!(text, "<tr><th>to mend</th><td>{}</td></tr>", escape(&mend))?;
    }
    writeln!(text, "</table>")?;
    let twin = case.twin.as_deref().and_then(|twin| catalogue.get(twin));
    for (name, value) in case.call.input.as_object().into_iter().flatten() {
        let honest = twin.and_then(|twin| twin.call.input.get(name));
        if honest.is_some_and(|honest| honest == value) && name != "paper" && name != "body" {
            continue;
        }
        member(text, name, value, honest, result.seen.as_ref())?;
    }
    if let Some(diagnostic) = &case.diagnostic {
        writeln!(text, "<pre>{}</pre>", escape(diagnostic))?;
    }
    writeln!(
        text,
        "<p class=\"small\">purser-conformance explain {0}; purser-conformance repro {0}</p></details>",
        escape(&case.id)
    )
}

/// A member of the input; of bytes, with what differs from the twin marked, and the byte at which the subject
/// stopped.
fn member(
    text: &mut String,
    name: &str,
    value: &Value,
    honest: Option<&Value>,
    seen: Option<&Value>,
) -> std::fmt::Result {
    let Some(hex) = value.as_str().filter(|hex| crate::answer::unhex(hex).is_some_and(|bytes| bytes.len() > 16)) else {
        let shown: String = value.to_string().chars().take(400).collect();
        let was =
            honest.map(|honest| format!(" (its twin: {})", honest.to_string().chars().take(400).collect::<String>()));
        return writeln!(
            text,
            "<p>{}: <code>{}</code>{}</p>",
            escape(name),
            escape(&shown),
            escape(&was.unwrap_or_default())
        );
    };
    let difference = honest.and_then(Value::as_str).and_then(|honest| bytes::differ(honest, hex));
    let offset =
        seen.and_then(|seen| seen.get("offset")).and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok());
    let offset = offset.filter(|_| matches!(name, "paper" | "body" | "receipt"));
    // What was changed comes before the hashes and signatures that follow from it.
    let places = honest.and_then(Value::as_str).map(|honest| bytes::apart(honest, hex)).unwrap_or_default();
    let (first, follow) = places.split_first().map_or((0..0, &[][..]), |(first, follow)| (first.clone(), follow));
    writeln!(text, "<p>{}, {} bytes", escape(name), hex.len() / 2)?;
    if let (Some(difference), Some(honest)) = (&difference, honest.and_then(Value::as_str)) {
        let left = match honest.len() == hex.len() {
            true => honest.get(first.start * 2..first.end * 2).unwrap_or_default(),
            false => &difference.left,
        };
        writeln!(text, "; its twin has {} at byte {}", escape(or_nothing(left)), difference.at)?;
    }
    if !follow.is_empty() {
        writeln!(text, "; pale: what differs behind it, such as hashes and signatures")?;
    }
    if let Some(offset) = offset {
        writeln!(text, "; the subject names byte {offset}")?;
    }
    write!(text, "</p><pre class=\"hex\">")?;
    for (at, byte) in hex.as_bytes().chunks(2).map(String::from_utf8_lossy).enumerate().take(BYTES_SHOWN) {
        let class = match (first.contains(&at), offset == Some(at)) {
            (true, true) => Some("both"),
            (true, false) => Some("fault"),
            (false, true) => Some("named"),
            (false, false) => follow.iter().any(|place| place.contains(&at)).then_some("follows"),
        };
        match class {
            Some(class) => write!(text, "<mark class=\"{class}\">{byte}</mark>")?,
            None => write!(text, "{byte}")?,
        }
        write!(text, "{}", if at % 32 == 31 { "\n" } else { " " })?;
    }
    writeln!(text, "</pre>")
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.chars().count()),
        None => text.to_owned(),
    }
}

fn or_nothing(hex: &str) -> &str {
    match hex.len() {
        0 => "nothing",
        length if length > 64 => "many others",
        _ => hex,
    }
}

const HEAD: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Purser conformance</title><style>
body{font:15px/1.45 system-ui,sans-serif;margin:0;background:#fff;color:#1c1c1c}
main{max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}
code,pre{font:13px/1.4 ui-monospace,monospace}pre{background:#f5f5f2;padding:.6rem;overflow-x:auto;white-space:pre-wrap}
.good{color:#0a6b2d;font-weight:600}.bad{color:#a4161a;font-weight:600}.some{color:#7a5a00;font-weight:600}
.small,.line i{color:#666;font-size:.9em}.line{margin:.15rem 0}
details{border:1px solid #ddd;border-radius:4px;margin:.4rem 0;padding:.3rem .7rem}summary{cursor:pointer}
blockquote{border-left:3px solid #bbb;margin:.4rem 0;padding:.1rem .7rem}
th{text-align:left;vertical-align:top;padding-right:1rem}td{word-break:break-all}
mark.fault{background:#ffb0b0;font-weight:600}mark.follows{background:#f4ecec}mark.named{background:#ffe9a8}mark.both{background:#ffb257}
</style></head><body><main>
"#;
