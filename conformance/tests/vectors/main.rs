//! The vectors are as they are made, hold together, and are what the protocol crate does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot build its case has failed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use purser_conformance::vectors;
use purser_protocol::code::Code;
use purser_shim::Subject;
use purser_test_vectors::{After, Area, Call, Case, Expect, Level, Outcome};
use serde_json::{Value, json};

/// Made once: it takes a great many signatures.
static AREAS: LazyLock<Vec<Area>> = LazyLock::new(vectors::areas);

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[test]
fn the_files_are_as_they_are_made() {
    let differences: Vec<String> = vectors::check(root()).iter().map(ToString::to_string).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_crate_carries_every_area() {
    let carried = purser_test_vectors::load().unwrap();
    let made: Vec<String> = AREAS.iter().map(|area| area.area.clone()).collect();
    assert_eq!(carried.into_iter().map(|area| area.area).collect::<Vec<_>>(), made);
}

/// Compares a reply with what must come.
fn disagreement(expect: &Expect, reply: &Value, earlier: &[Value]) -> Option<String> {
    let shown = || Some(reply.to_string().chars().take(400).collect());
    if reply["outcome"] != expect.outcome.to_string() {
        return shown();
    }
    if expect.outcome == Outcome::Reject {
        let expected = (expect.code.as_deref(), expect.stage.as_deref());
        if (reply["code"].as_str(), reply["stage"].as_str()) != expected {
            return shown();
        }
        let decided = reply["value"].get("answer").is_some();
        if expect.decided.is_some_and(|expected| expected != decided) {
            return Some(format!("decided: {decided}"));
        }
    }
    let value = &reply["value"];
    for (name, expected) in expect.value.as_ref().and_then(Value::as_object).into_iter().flatten() {
        // Of a refusal, what is false may be left out.
        let left_out = expect.outcome == Outcome::Reject && value.get(name).is_none() && *expected == json!(false);
        if value.get(name) != Some(expected) && !left_out {
            return Some(format!("{name} is {:?}, not {expected}", value.get(name)));
        }
    }
    let like = expect.same_as.as_ref()?;
    let other = &earlier[like.call]["value"];
    let differs = like.members.iter().find(|member| value.get(*member) != other.get(*member))?;
    Some(format!("{differs} is {:?}, not {:?}", value.get(differs), other.get(differs)))
}

fn call(subject: &mut Subject, call: &Call) -> Value {
    let line = json!({"id": "1", "op": call.op, "input": call.input});
    subject.line(&line.to_string())
}

/// What `state.get` says, without what may be left out.
fn state(subject: &mut Subject) -> Value {
    let reply = call(subject, &Call { op: "state.get".into(), input: json!({}), expect: None });
    reply["value"].clone()
}

/// Runs a case; what is wrong with what came.
fn run(area: &Area, case: &Case) -> Option<String> {
    let mut subject = Subject::default();
    let mut earlier = Vec::new();
    let setup = case.setup.as_ref().and_then(|name| area.setups.get(name)).map(Vec::as_slice).unwrap_or_default();
    let simply = Expect {
        outcome: Outcome::Accept,
        code: None,
        stage: None,
        decided: None,
        value: None,
        after: None,
        answer: None,
        same_as: None,
    };
    for (at, step) in setup.iter().enumerate() {
        let reply = call(&mut subject, step);
        if let Some(wrong) = disagreement(step.expect.as_ref().unwrap_or(&simply), &reply, &earlier) {
            return Some(format!("setup call {at}, {}: {wrong}", step.op));
        }
        earlier.push(reply);
    }
    let before = case.expect.after.as_ref().map(|_| state(&mut subject));
    let reply = call(&mut subject, &case.call);
    let wrong = disagreement(&case.expect, &reply, &earlier);
    if wrong.is_some() {
        return wrong;
    }
    let should = match (case.expect.after.as_ref()?, before?) {
        (After::Unchanged, before) => before,
        (After::State(state), _) => state.clone(),
    };
    let is = state(&mut subject);
    (is != should).then(|| format!("the state is\n  {is}\nnot\n  {should}"))
}

#[test]
fn every_case_is_what_the_protocol_crate_does() {
    let mut wrong = Vec::new();
    for area in AREAS.iter() {
        for case in &area.cases {
            if let Some(what) = run(area, case) {
                let expected = case.expect.code.clone().unwrap_or_else(|| case.expect.outcome.to_string());
                wrong.push(format!("{}: expected {expected}: {what}", case.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

/// Everything that a reader of the files relies on, and that no single case shows.
#[test]
fn the_cases_hold_together() {
    let areas = &*AREAS;
    let cases: BTreeMap<&str, &Case> =
        areas.iter().flat_map(|area| &area.cases).map(|case| (case.id.as_str(), case)).collect();
    let all = areas.iter().map(|area| area.cases.len()).sum::<usize>();
    let mut wrong = Vec::new();
    if cases.len() != all {
        let mut seen = BTreeSet::new();
        let twice = areas.iter().flat_map(|area| &area.cases).filter(|case| !seen.insert(&case.id));
        wrong.extend(twice.map(|case| format!("{}: an id stands twice", case.id)));
    }
    let spec = clauses();
    for area in areas {
        for case in &area.cases {
            let mut say = |what: &str| wrong.push(format!("{}: {what}", case.id));
            if !case.id.starts_with(&format!("{}/", area.area)) {
                say("its id does not begin with its area");
            }
            if case.clauses.is_empty() {
                say("it cites no clause");
            }
            for clause in case.clauses.iter().chain(&case.peel).filter(|clause| !spec.contains(*clause)) {
                say(&format!("there is no clause {clause}"));
            }
            if case.peel.as_ref().is_some_and(|peel| !case.clauses.contains(peel)) {
                say("it peels a clause that it does not cite");
            }
            match case.expect.outcome {
                Outcome::Accept if case.twin.is_some() => say("an accepted case has a twin"),
                Outcome::Accept => {}
                Outcome::Reject => {
                    let twin = case.twin.as_deref().and_then(|twin| cases.get(twin));
                    if twin.is_none_or(|twin| twin.expect.outcome != Outcome::Accept) {
                        say("it has no accepted twin");
                    }
                    if twin.is_some_and(|twin| twin.call.op != case.call.op || twin.role != case.role) {
                        say("its twin is another call");
                    }
                    let code = case.expect.code.as_deref().and_then(Code::from_slug);
                    let stage = case.expect.stage.as_deref().unwrap_or_default();
                    if code.is_none_or(|code| code.stages().iter().all(|known| known.name() != stage)) {
                        say("the registry does not have its code at its stage");
                    }
                }
            }
            if let Some(mutation) = &case.mutation
                && !cases.contains_key(mutation.base.as_str())
            {
                say("it was made from a case that is not there");
            }
            if case.setup.as_ref().is_some_and(|setup| !area.setups.contains_key(setup)) {
                say("its setup is not there");
            }
            if case.level != Level::Must && case.expect.outcome == Outcome::Reject {
                say("a refusal is asked for by a MUST");
            }
        }
        for name in area.setups.keys().filter(|name| area.cases.iter().all(|case| case.setup.as_ref() != Some(name))) {
            wrong.push(format!("{}: no case uses the setup {name}", area.area));
        }
    }
    let mut inputs: BTreeMap<String, &str> = BTreeMap::new();
    for (case, area) in areas.iter().flat_map(|area| area.cases.iter().map(move |case| (case, area))) {
        let setup = case.setup.as_ref().and_then(|setup| area.setups.get(setup));
        // Each area has an honest paper of its own to stand beside.
        let area = (case.expect.outcome == Outcome::Accept).then_some(&area.area);
        let question = serde_json::to_string(&(area, setup, &case.call)).unwrap();
        if let Some(other) = inputs.insert(question, &case.id) {
            wrong.push(format!("{}: it asks what {other} asks", case.id));
        }
    }
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}

/// The ids of the clauses of the specification.
fn clauses() -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("spec")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let text = std::fs::read_to_string(path).unwrap();
            let marked = text.lines().filter_map(|line| line.strip_prefix("**[")?.split_once("]**"));
            ids.extend(marked.map(|(id, _)| id.to_owned()));
        }
    }
    ids
}

/// The tables beside the files say which classes and attacks have cases; the read-me says what each flag is.
#[test]
fn the_tables_are_those_of_the_cases() {
    let cases = || AREAS.iter().flat_map(|area| &area.cases);
    let shown =
        |of: fn(&Case) -> &[String]| -> BTreeSet<String> { cases().flat_map(|case| of(case).to_vec()).collect() };
    for (file, shown) in [("classes.csv", shown(|case| &case.class)), ("attacks.csv", shown(|case| &case.attacks))] {
        let text = std::fs::read_to_string(root().join("test-vectors").join(file)).unwrap();
        let rows = text.lines().skip(1).map(|line| line.splitn(3, ',').collect::<Vec<_>>());
        let said: BTreeSet<String> = rows.filter(|row| row[1] == "cases").map(|row| row[0].to_owned()).collect();
        assert_eq!(said, shown, "{file}");
    }
    let ids: BTreeSet<&str> = cases().map(|case| case.id.as_str()).collect();
    let text = std::fs::read_to_string(root().join("test-vectors/README.md")).unwrap();
    for (flag, of) in vectors::flags() {
        let missing: Vec<_> = of.iter().filter(|id| !ids.contains(*id)).collect();
        assert!(missing.is_empty(), "{flag}: no case {missing:?}");
        assert!(text.contains(&format!("| `{flag}` |")), "the read-me does not say what {flag} is");
    }
}
