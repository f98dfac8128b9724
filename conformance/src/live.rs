//! Level 2: a server, an agent or a wallet under test, by a suite that plays everybody else.
//!
//! Nothing of the target is assumed but what its discovery document says. Keys, accounts, mandates and offers are new
//! for every check, so that no check sees another's traces and the target need not be reset. The checks are made in
//! the crate `purser-conformance-live`; here they come to results like those of the vectors.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use purser_conformance_live as live;
use purser_test_vectors::Case;
use serde_json::json;

pub use purser_conformance_live::{Answer, authority};

use crate::results::{Claims, Implementation, Results, State, Suite};
use crate::run::catalogue::Catalogue;
use crate::run::credit;
use crate::run::judge::{Verdict, Why};
use crate::run::plan::{Plan, Planned, is_asked_for};
use crate::run::scope::Scope;
use crate::run::{HarnessError, Options};

/// What changes answers on their way, in tests of the suite itself.
pub type Tamper = fn(&mut Answer);

/// Whom the suite plays towards a server, and whom it trusts.
#[derive(Clone, Debug)]
pub struct Peers {
    /// Certificates of the authorities that vouch for the one under test.
    pub roots: PathBuf,
    /// Certificates and keys of parties that it trusts, by their names in [`authority::PARTIES`].
    pub seals: BTreeMap<String, (PathBuf, PathBuf)>,
}

impl Peers {
    /// A folder with `roots.pem`, and, where they are there, the parties as `.pem` and `.key`.
    pub fn of(folder: &Path) -> Self {
        let pair = |name: &str| (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
        let there = |name: &&str| folder.join(format!("{name}.pem")).exists();
        let seals = authority::PARTIES.iter().map(|(name, _, _)| *name).filter(there);
        Self { roots: folder.join("roots.pem"), seals: seals.map(|name| (name.to_owned(), pair(name))).collect() }
    }
}

/// Every check: its id, and the clauses that it is about, with spaces between.
pub(crate) fn named() -> impl Iterator<Item = (String, String)> {
    let cases = live::areas().into_iter().flat_map(|area| area.cases);
    cases.map(|case| (case.id, case.clauses.join(" ")))
}

/// The checks, in the form of the vectors.
pub fn catalogue() -> Catalogue {
    Catalogue::of(live::areas())
}

/// Runs every check of an issuer that is asked for, with what changes its answers, where the suite itself is tested.
pub fn run(options: &Options, url: &str, peers: &Peers, tamper: Option<Tamper>) -> Result<Results, HarnessError> {
    served(options, live::Role::Issuer, url, peers, "", tamper)
}

/// The same of a merchant that asks for money at this path. The suite is the issuer, too.
pub fn run_merchant(
    options: &Options,
    url: &str,
    peers: &Peers,
    path: &str,
    tamper: Option<Tamper>,
) -> Result<Results, HarnessError> {
    served(options, live::Role::Merchant, url, peers, path, tamper)
}

fn served(
    options: &Options,
    role: live::Role,
    url: &str,
    peers: &Peers,
    resource: &str,
    tamper: Option<Tamper>,
) -> Result<Results, HarnessError> {
    let asked = live::Options {
        role,
        target: url.to_owned(),
        roots: peers.roots.clone(),
        seals: peers.seals.clone(),
        resource: resource.to_owned(),
        tamper: tamper.map(|tamper| Arc::new(tamper) as live::Tamper),
        only: BTreeSet::new(),
        seed: options.seed,
    };
    look(options, asked)
}

/// Runs every check of an agent, by the command that makes it fetch something once: `{url}` stands for what to fetch,
/// `{issuer}` for the issuer, `{roots}` for the file of certificates to trust, `{mandate}` for the mandate to pay
/// under, and `{dir}` for an empty folder.
pub fn drive(options: &Options, command: &str) -> Result<Results, HarnessError> {
    driven(options, live::Role::Agent, command)
}

/// Runs every check of a wallet, by the command that makes it do one thing: `{task}` stands for `open`, `mandate`,
/// `approve`, `refuse`, `suspend`, `revoke`, `speak`, `list` or `bundle`, `{issuer}` for the issuer, `{roots}` for the file of certificates to
/// trust, `{dir}` for a folder that is this check's own, `{agent}` for the file of the agent's public key, `{mandate}`
/// and `{intent}` for the ids that the thing is about.
pub fn drive_wallet(options: &Options, command: &str) -> Result<Results, HarnessError> {
    driven(options, live::Role::Wallet, command)
}

fn driven(options: &Options, role: live::Role, command: &str) -> Result<Results, HarnessError> {
    let asked = live::Options {
        role,
        target: command.to_owned(),
        roots: PathBuf::new(),
        seals: BTreeMap::new(),
        resource: String::new(),
        tamper: None,
        only: BTreeSet::new(),
        seed: options.seed,
    };
    look(options, asked)
}

fn look(options: &Options, asked: live::Options) -> Result<Results, HarnessError> {
    let began = Instant::now();
    let catalogue = catalogue();
    let role = asked.role.word();
    // One role is the whole.
    let options = &Options { role: None, ..options.clone() };
    let of_role = Options { role: Some(role.to_owned()), ..options.clone() };
    let chosen: BTreeSet<&str> =
        catalogue.cases().filter(|case| is_asked_for(&of_role, &catalogue, case)).map(|case| &*case.id).collect();
    let twins = catalogue.cases().filter(|case| chosen.contains(&*case.id)).filter_map(|case| case.twin.as_deref());
    let only = chosen.iter().copied().chain(twins).map(ToOwned::to_owned).collect();
    let asked = live::Options { only, ..asked };
    let ran = live::run(&asked, &|_, _| ());
    let (subject, ran) = ran.map_err(|broken| HarnessError(broken.0))?;

    let outcomes: BTreeMap<&str, &live::Outcome> = ran.iter().map(|ran| (ran.id.as_str(), &ran.outcome)).collect();
    let lack = |id: &str| match outcomes.get(id) {
        Some(live::Outcome::NotApplicable(lack)) => Some(lack.clone()),
        _ => None,
    };
    let mut plan = Plan::default();
    let mut judged = BTreeMap::new();
    for case in catalogue.cases().filter(|case| outcomes.contains_key(case.id.as_str())) {
        let is_control = !chosen.contains(&*case.id);
        // What cannot be held against its twin shows nothing.
        match lack(&case.id).or_else(|| case.twin.as_deref().and_then(lack)) {
            Some(lack) if is_control => drop(lack),
            Some(lack) => plan.not_applicable.push((case, lack)),
            None => {
                plan.cases.push(Planned { case, setup: &[], is_control });
                judged.extend(outcomes.get(case.id.as_str()).map(|outcome| (case.id.as_str(), verdict(case, outcome))));
            }
        }
    }
    let scope = Scope::of(options.requirements.as_deref()).map_err(HarnessError)?;
    let cases = credit::settle(options, &catalogue, &plan, &scope, judged);
    let claims = Claims {
        implementation: Implementation { name: subject.name, version: String::new(), language: String::new() },
        roles: [role.to_owned()].into(),
        spec: subject.versions,
        features: subject.features,
        profiles: BTreeSet::new(),
        in_flight_max: 1,
        clock: crate::results::Clock::Calls,
    };
    let suite = Suite { command: asked.target.clone(), ..Suite::of(options, &catalogue, &scope, None) };
    let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut results = Results::sum_up(suite, claims, cases, &options.known, options.strict, elapsed_ms);
    results.remarks.extend(scope.is_older());
    withhold(&mut results);
    Ok(results)
}

/// Nobody is called conformant by what the operator did not give.
fn withhold(results: &mut Results) {
    let not_given = |case: &&crate::results::CaseResult| {
        case.state == State::NotApplicable && !case.message.as_deref().unwrap_or_default().starts_with("feature ")
    };
    let count = results.cases.iter().filter(not_given).count();
    if count > 0 {
        results.conformant = false;
        results.remarks.push(format!("{count} checks could not be made for want of what they need"));
    }
}

fn verdict(case: &Case, outcome: &live::Outcome) -> Verdict {
    match outcome {
        live::Outcome::Failed(failure) => {
            let verdict = Verdict::failed(why(failure.fault), failure.message.clone());
            match &failure.seen {
                Some(seen) => verdict.seeing(seen.clone()),
                None => verdict,
            }
        }
        live::Outcome::Passed | live::Outcome::NotApplicable(_) => {
            Verdict::passed().seeing(json!({ "outcome": case.expect.outcome.to_string() }))
        }
    }
}

fn why(fault: live::Fault) -> Why {
    match fault {
        live::Fault::Accepted => Why::Accepted,
        live::Fault::Refused => Why::Refused,
        live::Fault::WrongCode => Why::WrongCode,
        live::Fault::WrongStage => Why::WrongStage,
        live::Fault::WrongDecision => Why::WrongDecision,
        live::Fault::WrongValue => Why::WrongValue,
        live::Fault::WrongState => Why::WrongState,
        live::Fault::WrongAnswer => Why::WrongAnswer,
        live::Fault::TimedOut => Why::TimedOut,
        live::Fault::Crashed => Why::Crashed,
        live::Fault::Setup => Why::Setup,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_cites_clauses_that_there_are() {
        let catalogue = catalogue();
        for case in catalogue.cases() {
            assert!(!case.clauses.is_empty(), "{}", case.id);
            let stranger = case.clauses.iter().find(|id| crate::clause::get(id).is_none());
            assert_eq!(stranger, None, "{}", case.id);
        }
    }
}
