//! SARIF 2.1.0, for what shows findings beside code. A clause is a rule; a case that failed is a result.

use std::collections::BTreeMap;

use purser_test_vectors::Level;
use serde_json::{Value, json};

use super::mend::mend;
use crate::clause;
use crate::results::{CaseResult, Results, State};
use crate::run::judge::Why;

/// The file.
pub fn write(results: &Results) -> String {
    let failed: Vec<&CaseResult> = results.cases.iter().filter(|case| case.state == State::Failed).collect();
    let mut rules: BTreeMap<&str, Value> = BTreeMap::new();
    for id in failed.iter().flat_map(|case| &case.clauses) {
        let Some(clause) = clause::get(id) else { continue };
        let (text, chapter) = (&clause.words, clause.chapter);
        let rule = json!({
            "id": id,
            "shortDescription": { "text": format!("{id} ({chapter})") },
            "fullDescription": { "text": text },
        });
        rules.insert(id, rule);
    }
    let suite = &results.suite;
    let driver = json!({
        "name": "purser-conformance",
        "version": suite.version,
        "rules": rules.into_values().collect::<Vec<_>>(),
    });
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": driver },
            "invocations": [{
                "executionSuccessful": true,
                "commandLine": suite.command,
                "exitCode": results.exit,
            }],
            "properties": {
                "requirements": format!("{} {}", suite.spec, suite.requirements),
                "seed": suite.seed,
                "vectors": suite.vectors,
            },
            "results": failed.into_iter().map(result).collect::<Vec<_>>(),
        }],
    });
    serde_json::to_string_pretty(&log).unwrap_or_default() + "\n"
}

fn result(case: &CaseResult) -> Value {
    let why = case.why.map(Why::word).unwrap_or_default();
    let message = case.message.as_deref().unwrap_or_default();
    let level = match (case.level, &case.not_scored) {
        (Level::Must, None) => "error",
        (Level::Should, None) => "warning",
        _ => "note",
    };
    let mut text = format!("{why}: {}: {message}", case.title);
    if let Some(mend) = mend(case) {
        text.push_str(&format!(". To mend: {mend}"));
    }
    json!({
        "ruleId": case.clauses.first(),
        "level": level,
        "message": { "text": text },
        // There is no line of the subject's that the suite could know: the place is the case.
        "locations": [{
            "physicalLocation": { "artifactLocation": { "uri": "results.json" } },
            "logicalLocations": [{ "fullyQualifiedName": case.id, "kind": "member" }],
        }],
        "partialFingerprints": { "purserCase/v1": case.id },
    })
}
