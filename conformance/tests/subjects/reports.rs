//! What is made of a run.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use purser_conformance::report;
use purser_conformance::results::{Results, State};
use purser_conformance::run::catalogue::Catalogue;
use purser_conformance::run::{Quiet, run};
use serde_json::Value;

use super::{Test, broken, honest, program};

pub(super) const TESTS: &[Test] = &[
    ("every_report_names_what_failed", every_report_names_what_failed),
    ("results_are_read_again", results_are_read_again),
    ("a_difference_is_told", a_difference_is_told),
    ("a_case_is_explained_and_reproduced", a_case_is_explained_and_reproduced),
];

fn failing() -> Results {
    run(&broken(&["--fault", "duplicate-keys"]), &Catalogue::embedded().unwrap(), &Quiet).unwrap()
}

fn every_report_names_what_failed() {
    let (results, catalogue) = (failing(), Catalogue::embedded().unwrap());
    let failed = results.cases.iter().find(|case| case.state == State::Failed).unwrap();
    let text = report::text::write(&results);
    assert!(text.contains(&failed.id) && text.contains("ENC-6: A reader MUST refuse"), "{text}");
    assert!(text.contains("NOT CONFORMANT"));
    let junit = report::junit::write(&results);
    assert!(junit.contains("<failure") && junit.contains(&failed.id));
    let sarif: Value = serde_json::from_str(&report::sarif::write(&results)).unwrap();
    let found = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(found.len(), results.cases.iter().filter(|case| case.state == State::Failed).count());
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    let is_rule = |id: &Value| rules.iter().any(|rule| rule["id"] == *id && rule["fullDescription"]["text"] != "");
    assert!(found.iter().all(|result| is_rule(&result["ruleId"]) && result["level"] == "error"), "{sarif}");
    let html = report::html::write(&results, &catalogue);
    assert!(html.contains(&failed.id) && html.contains("<mark class=\"fault\">"), "no fault is marked");
    assert!(html.contains("to mend") && html.contains("what was done") && text.contains("to mend: Add the check"));
    for loads in ["<script", "<link", "<img", "src=", "@import", "url("] {
        assert!(!html.contains(loads), "the report loads something by {loads}");
    }
    let badge: Value = serde_json::from_str(&report::badge::write(&results)).unwrap();
    assert_eq!(badge["color"], "red");
    assert!(badge["message"].as_str().unwrap().contains("MUST, reason-bound"));
}

fn results_are_read_again() {
    let folder = std::env::temp_dir().join(format!("purser-conformance-{}", std::process::id()));
    let results = failing();
    report::write_all(&folder, &results, &Catalogue::embedded().unwrap()).unwrap();
    let text = fs::read_to_string(folder.join("results.json")).unwrap();
    let read: Results = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), serde_json::to_value(&results).unwrap());
    fits_schema(&serde_json::from_str(&text).unwrap());
    fs::remove_dir_all(folder).unwrap();
}

/// The members that the schema requires, and none that it does not have.
fn fits_schema(results: &Value) {
    let schema: Value = serde_json::from_str(include_str!("../../results.schema.json")).unwrap();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let fits = |object: &Value, schema: &Value| {
        let known = names(&schema["properties"]);
        let required = schema["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned());
        assert!(names(object).is_subset(&known), "{:?}", names(object).difference(&known));
        let required: BTreeSet<String> = required.collect();
        assert!(required.is_subset(&names(object)), "{:?}", required.difference(&names(object)));
    };
    fits(results, &schema);
    for part in ["suite", "subject"] {
        fits(&results[part], &schema["properties"][part]);
    }
    for part in ["roles", "cases"] {
        results[part].as_array().unwrap().iter().for_each(|one| fits(one, &schema["properties"][part]["items"]));
    }
}

fn a_difference_is_told() {
    let good = run(&honest(), &Catalogue::embedded().unwrap(), &Quiet).unwrap();
    let (text, is_worse) = report::diff::write(&good, &failing());
    assert!(is_worse && text.contains("! "), "{text}");
    let (text, is_worse) = report::diff::write(&good, &good);
    assert!(!is_worse && text.lines().count() == 1, "{text}");
}

fn a_case_is_explained_and_reproduced() {
    let catalogue = Catalogue::embedded().unwrap();
    let case =
        catalogue.cases().find(|case| case.clauses.iter().any(|id| id == "ENC-6") && case.twin.is_some()).unwrap();
    let text = report::explain::write(case, &catalogue);
    assert!(text.contains("cbor-duplicate-key") && text.contains("at byte"), "{text}");
    let folder = std::env::temp_dir().join(format!("purser-repro-{}", std::process::id()));
    report::explain::repro(&folder, case, &catalogue, "shim").unwrap();
    let shim = program(&["--as-shim"]);
    let calls = fs::File::open(folder.join("calls.jsonl")).unwrap();
    let said = Command::new(&shim.path).args(&shim.arguments).stdin(Stdio::from(calls)).output().unwrap();
    let last = String::from_utf8(said.stdout).unwrap();
    let last: Value = serde_json::from_str(last.lines().last().unwrap()).unwrap();
    assert_eq!(last["code"], "cbor-duplicate-key");
    fs::remove_dir_all(folder).unwrap();
}
