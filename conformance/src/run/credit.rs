//! Which verdicts count. To refuse everything is not to keep the rules, and neither is to accept everything.

use std::collections::BTreeMap;

use purser_test_vectors::{Case, Outcome};

use super::Options;
use super::catalogue::Catalogue;
use super::judge::{Verdict, Why};
use super::plan::{Plan, shows_something};
use super::scope::Scope;
use crate::results::{CaseResult, State};

/// The result of every case of a run, in the order of the vectors.
pub(crate) fn settle(
    options: &Options,
    catalogue: &Catalogue,
    plan: &Plan<'_>,
    scope: &Scope,
    mut judged: BTreeMap<&str, Verdict>,
) -> Vec<CaseResult> {
    let passed: BTreeMap<String, bool> =
        judged.iter().map(|(id, verdict)| ((*id).to_owned(), verdict.is_passed())).collect();
    for planned in &plan.cases {
        let case = planned.case;
        let Some(verdict) = judged.get_mut(case.id.as_str()).filter(|verdict| verdict.is_passed()) else { continue };
        if let Some((why, message)) = uncredited(case, catalogue, &passed) {
            verdict.failure = Some((why, message));
        }
    }
    let mut results = Vec::new();
    for planned in plan.cases.iter().filter(|planned| !planned.is_control) {
        let id = planned.case.id.as_str();
        let Some(verdict) = judged.remove(id) else { continue };
        let mut result = CaseResult::of(planned.case);
        result.not_scored = scope.excuse(&planned.case.role, id).or_else(|| {
            let is_alone = catalogue.refusals_of(id).is_empty() && !shows_something(planned.case);
            let is_alone = is_alone && planned.case.expect.outcome == Outcome::Accept;
            is_alone.then(|| "nothing tells it from accepting everything".to_owned())
        });
        result.seen = verdict.reply;
        if let Some((why, message)) = verdict.failure {
            let code = result.seen.as_ref().and_then(|reply| reply.get("code")?.as_str());
            let code = code.map(|code| options.codes.slug(code));
            let excuse = options.known.excuses(id, why, code).map(|entry| entry.reason.clone());
            result.state = if excuse.is_some() { State::KnownFailing } else { State::Failed };
            (result.why, result.message, result.known_reason) = (Some(why), Some(message), excuse);
        }
        results.push(result);
    }
    for (case, lack) in &plan.not_applicable {
        let mut result = CaseResult::of(case);
        (result.state, result.message) = (State::NotApplicable, Some(lack.clone()));
        results.push(result);
    }
    let place: BTreeMap<&str, usize> = catalogue.cases().enumerate().map(|(at, case)| (case.id.as_str(), at)).collect();
    results.sort_by_key(|result| place.get(result.id.as_str()).copied());
    results
}

/// Why a reply that is as it must be counts for nothing.
fn uncredited(case: &Case, catalogue: &Catalogue, passed: &BTreeMap<String, bool>) -> Option<(Why, String)> {
    match (case.expect.outcome, &case.twin) {
        (Outcome::Reject, Some(twin)) if !passed.get(twin).copied().unwrap_or_default() => {
            let said =
                format!("refused as it must be; but so much cannot be told apart from refusing all: {twin} failed");
            Some((Why::Twin, said))
        }
        (Outcome::Accept, _) if !shows_something(case) => {
            let beside = catalogue.refusals_of(&case.id).iter().filter_map(|id| passed.get(id)).collect::<Vec<_>>();
            let told_apart = beside.is_empty() || beside.contains(&&true);
            // One with nothing beside it does not count at all.
            (!told_apart).then(|| (Why::Controls, "accepted as it must be; but so was all that must be refused".into()))
        }
        _ => None,
    }
}
