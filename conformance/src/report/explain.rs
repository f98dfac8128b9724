//! One case, for whoever has to mend what it found: what is asked, what is sent, what differs from its twin; and
//! the same as a folder that needs nothing else.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use purser_test_vectors::{Call, Case, Outcome};
use serde_json::{Value, json};

use crate::bytes;
use crate::clause;
use crate::run::catalogue::Catalogue;

/// The explanation.
pub fn write(case: &Case, catalogue: &Catalogue) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = explain(&mut text, case, catalogue);
    text
}

fn explain(text: &mut String, case: &Case, catalogue: &Catalogue) -> std::fmt::Result {
    let level = format!("{:?}", case.level).to_uppercase();
    writeln!(text, "{}\n{}\n", case.id, case.title)?;
    writeln!(text, "role {}, {level}, importance {:?}", case.role, case.importance)?;
    if !case.features.is_empty() {
        writeln!(text, "needs the features {}", case.features.join(", "))?;
    }
    writeln!(text, "\nexpected: {}", expected(case))?;
    for id in &case.clauses {
        let words = clause::get(id).map_or("not in this specification", |clause| clause.words.as_str());
        let chapter = clause::get(id).map(|clause| clause.chapter).unwrap_or_default();
        writeln!(text, "  {id} ({chapter}): {words}")?;
    }
    if let Some(mutation) = &case.mutation {
        let signed = if mutation.resigned { "signed again by the honest key" } else { "not signed again" };
        let args = mutation.args.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        writeln!(text, "\nmade from {} by {}({args}), {signed}", mutation.base, mutation.op)?;
    }
    if let Some(twin) = case.twin.as_deref().and_then(|twin| catalogue.get(twin)) {
        writeln!(text, "\nits twin {} must be accepted; what differs:", twin.id)?;
        differences(text, &twin.call, &case.call)?;
    }
    if let Some(setup) = &case.setup {
        let calls = catalogue.setup(case).unwrap_or_default();
        let ops: Vec<_> = calls.iter().map(|call| call.op.as_str()).collect();
        writeln!(text, "\nbefore it, {setup}: {}", ops.join(", "))?;
    }
    writeln!(text, "\ncall: {}\n{}", case.call.op, pretty(&case.call.input))?;
    if let Some(diagnostic) = &case.diagnostic {
        writeln!(text, "\nin diagnostic notation:\n{diagnostic}")?;
    }
    if let Some(signed) = &case.sig_structure {
        writeln!(text, "\nwhat its signer signed (Sig_structure):\n{signed}")?;
    }
    Ok(())
}

/// What must come of a case, in words.
pub fn expected(case: &Case) -> String {
    let expect = &case.expect;
    match expect.outcome {
        Outcome::Accept => match &expect.value {
            Some(value) => format!("accept, with {value}"),
            None => "accept".to_owned(),
        },
        Outcome::Reject => {
            let (code, stage) = (expect.code.as_deref().unwrap_or("any"), expect.stage.as_deref().unwrap_or("any"));
            let decided = match expect.decided {
                Some(true) => ", decided and signed",
                Some(false) => ", not decided",
                None => "",
            };
            format!("reject, code {code}, stage {stage}{decided}")
        }
    }
}

fn differences(text: &mut String, twin: &Call, call: &Call) -> std::fmt::Result {
    let (Some(honest), Some(faulty)) = (twin.input.as_object(), call.input.as_object()) else { return Ok(()) };
    for name in honest.keys().chain(faulty.keys().filter(|name| !honest.contains_key(*name))) {
        match (honest.get(name), faulty.get(name)) {
            (left, right) if left == right => {}
            (Some(Value::String(left)), Some(Value::String(right))) => match bytes::differ(left, right) {
                Some(difference) => writeln!(text, "  {name}: {difference}")?,
                None => writeln!(text, "  {name}: {left:?}, here {right:?}")?,
            },
            (left, right) => writeln!(text, "  {name}: {}, here {}", plain(left), plain(right))?,
        }
    }
    Ok(())
}

fn plain(value: Option<&Value>) -> String {
    let text = value.map_or_else(|| "absent".to_owned(), ToString::to_string);
    if text.chars().count() > 100 { text.chars().take(100).chain("…".chars()).collect() } else { text }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Writes a folder that shows one case without the suite: the lines to send, what must come back, the words.
pub fn repro(folder: &Path, case: &Case, catalogue: &Catalogue, command: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut lines = vec![json!({ "id": "0", "op": "reset", "input": {} })];
    let setup = catalogue.setup(case).map_err(io::Error::other)?;
    for call in setup.iter().chain([&case.call]) {
        lines.push(json!({ "id": lines.len().to_string(), "op": call.op, "input": call.input }));
    }
    let last = lines.len() - 1;
    if case.expect.after.is_some() {
        lines.push(json!({ "id": lines.len().to_string(), "op": "state.get", "input": {} }));
    }
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    fs::write(folder.join("calls.jsonl"), lines.join("\n") + "\n")?;
    fs::write(folder.join("case.json"), serde_json::to_string_pretty(case)? + "\n")?;
    fs::write(folder.join("explanation.txt"), write(case, catalogue))?;
    for (name, value) in case.call.input.as_object().into_iter().flatten() {
        let bytes = value.as_str().and_then(crate::answer::unhex).filter(|bytes| bytes.len() > 16);
        if let Some(bytes) = bytes {
            fs::write(folder.join(format!("{name}.bin")), bytes)?;
        }
    }
    let readme = format!(
        "{}\n\nRun:\n\n    {command} < calls.jsonl\n\nThe reply with id \"{last}\" must be: {}\n",
        case.id,
        expected(case)
    );
    fs::write(folder.join("README.txt"), readme)
}
