//! What programs that do nothing score: the judge's own test, on every run.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::results::{Baseline, CaseResult, Claims, Implementation, State};
use crate::run::Options;
use crate::run::catalogue::Catalogue;
use crate::run::judge::{Seen, judge};
use crate::run::known::KnownFailing;
use crate::run::plan::{Plan, Planned};
use crate::run::scope::Scope;

/// The scores over all cases, however few are run.
pub fn of(catalogue: &Catalogue, options: &Options) -> Baseline {
    let score = |reply: Value| passed(catalogue, options, &reply).len();
    Baseline {
        accept_all: score(json!({ "outcome": "accept", "value": {} })),
        reject_all: score(json!({ "outcome": "reject", "code": "cose-tag", "stage": "framing" })),
    }
}

/// The cases that a program passes whose every reply is this one.
pub fn passed(catalogue: &Catalogue, options: &Options, reply: &Value) -> Vec<String> {
    let everything = Options {
        role: None,
        filter: None,
        only: None,
        shard: None,
        known: KnownFailing::default(),
        ..options.clone()
    };
    let Ok(plan) = Plan::new(&everything, catalogue, &claiming_all(catalogue)) else { return Vec::new() };
    let Ok(scope) = Scope::embedded() else { return Vec::new() };
    let verdict = |planned: &Planned<'_>| {
        // Its setup is accepted by one that accepts; one that refuses does not come so far, and gets the benefit.
        let state = reply.get("value").cloned().unwrap_or_default();
        let earlier = vec![reply.clone(); planned.setup.len()];
        let seen = Seen { reply: reply.clone(), earlier, before: Some(state.clone()), after: Some(state) };
        judge(planned.case, planned.setup, &seen, &everything)
    };
    let judged: BTreeMap<&str, _> =
        plan.cases.iter().map(|planned| (planned.case.id.as_str(), verdict(planned))).collect();
    let settled = crate::run::credit::settle(&everything, catalogue, &plan, &scope, judged);
    let scores = |case: &CaseResult| case.state == State::Passed && case.not_scored.is_none();
    settled.into_iter().filter(scores).map(|case| case.id).collect()
}

fn claiming_all(catalogue: &Catalogue) -> Claims {
    Claims {
        implementation: Implementation { name: String::new(), version: String::new(), language: String::new() },
        roles: catalogue.cases().map(|case| case.role.clone()).collect(),
        spec: ["1".to_owned()].into(),
        features: catalogue.cases().flat_map(|case| case.features.clone()).collect(),
        profiles: Default::default(),
        in_flight_max: 1,
        clock: crate::results::Clock::Calls,
    }
}
