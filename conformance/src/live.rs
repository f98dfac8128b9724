//! Level 2: a server under test, over TLS, by a suite that plays everybody else.
//!
//! Nothing of the target is assumed but what its discovery document says. The suite brings a merchant or an issuer of
//! its own, which the target must trust, and opens a new account for every check, so that no check sees another's
//! traces and the target need not be reset.
//!
//! The checks of issuers are those of the crate `purser-conformance-live`; those of merchants are here.

mod fresh;
mod http;
mod issuer;
mod peers;
mod sale;
mod shop;

use std::collections::BTreeSet;
use std::time::Instant;

use purser_test_vectors::{Expect, Importance, Level, Outcome};

pub use http::{Response, Tamper};
pub use issuer::{IssuerPeers, catalogue, drive, drive_wallet, run, run_through};
pub use peers::Peers;
pub use purser_conformance_live::authority;
pub use shop::Shop;

use crate::results::{CaseResult, Claims, Implementation, Results, State, Suite};
use crate::run::judge::Why;
use crate::run::scope::Scope;
use crate::run::{HarnessError, Options};

/// A check of a server, made from the place of everybody else.
pub(crate) struct Check<W> {
    /// A path of words, below `live/` and the role.
    id: &'static str,
    /// What is seen.
    title: &'static str,
    /// The clauses that ask for it, with spaces between.
    clauses: &'static str,
    /// A feature that it needs, or nothing.
    feature: &'static str,
    /// Looks; the error says what is not as it must be.
    look: fn(&W) -> Result<(), String>,
}

/// Makes the rows of a table of checks.
macro_rules! checks {
    ($world:ty; $($id:literal, $title:literal, $clauses:literal, $feature:literal, $look:ident;)+) => {
        /// The checks of this file.
        pub(super) const CHECKS: &[super::Check<$world>] = &[
            $(super::Check { id: $id, title: $title, clauses: $clauses, feature: $feature, look: $look },)+
        ];
    };
}
pub(crate) use checks;

/// Every check: its id, and the clauses that it is about, with spaces between.
pub(crate) fn named() -> impl Iterator<Item = (String, String)> {
    let elsewhere = purser_conformance_live::areas().into_iter().flat_map(|area| area.cases);
    let elsewhere = elsewhere.map(|case| (case.id, case.clauses.join(" ")));
    let merchant = sale::CHECKS.iter().map(|check| (format!("live/merchant/{}", check.id), check.clauses.to_owned()));
    elsewhere.chain(merchant)
}

/// Runs every check against a merchant that asks for money at this path. The suite is the issuer, too.
pub fn run_merchant(
    options: &Options,
    url: &str,
    peers: &Peers,
    path: &str,
    tamper: Option<Tamper>,
) -> Result<Results, HarnessError> {
    let began = Instant::now();
    let mut shop = Shop::discover(url, peers, path, options.seed).map_err(HarnessError)?;
    shop.tamper(tamper);
    let who =
        Who { role: "merchant", name: shop.merchant.to_string(), versions: &shop.versions, features: &shop.features };
    let checks: Vec<_> = sale::CHECKS.iter().collect();
    look(options, url, &who, &checks, &shop, began)
}

/// Whom a run is about.
struct Who<'w> {
    role: &'static str,
    name: String,
    versions: &'w BTreeSet<String>,
    features: &'w BTreeSet<String>,
}

fn look<W>(
    options: &Options,
    url: &str,
    who: &Who<'_>,
    checks: &[&Check<W>],
    world: &W,
    began: Instant,
) -> Result<Results, HarnessError> {
    let scope = Scope::embedded().map_err(HarnessError)?;
    let claims = Claims {
        implementation: Implementation { name: who.name.clone(), version: String::new(), language: String::new() },
        roles: [who.role.to_owned()].into(),
        spec: who.versions.clone(),
        features: who.features.clone(),
        in_flight_max: 1,
    };
    let wanted = |check: &&&Check<W>| {
        options.filter.as_ref().is_none_or(|filter| {
            check.id.contains(filter.as_str()) || check.clauses.split(' ').any(|clause| clause == filter)
        })
    };
    let cases = checks.iter().filter(wanted).map(|check| judge(check, world, who, options)).collect::<Vec<_>>();
    let suite = Suite {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        vectors: "live".to_owned(),
        cases: checks.len(),
        spec: scope.spec.clone(),
        requirements: scope.status,
        command: url.to_owned(),
        seed: options.seed,
        jobs: 1,
        shard: None,
        filter: options.filter.clone(),
        role: None,
        loose_codes: false,
        baseline: Default::default(),
    };
    let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Results::sum_up(suite, claims, cases, &options.known, options.strict, elapsed_ms))
}

fn judge<W>(check: &Check<W>, world: &W, who: &Who<'_>, options: &Options) -> CaseResult {
    let id = format!("live/{}/{}", who.role, check.id);
    let mut result = CaseResult {
        title: check.title.to_owned(),
        role: who.role.to_owned(),
        level: Level::Must,
        importance: Importance::High,
        clauses: check.clauses.split(' ').map(str::to_owned).collect(),
        twin: None,
        state: State::Passed,
        not_scored: None,
        why: None,
        message: None,
        known_reason: None,
        expect: Expect {
            outcome: Outcome::Accept,
            code: None,
            stage: None,
            decided: None,
            value: None,
            after: None,
            same_as: None,
        },
        seen: None,
        id,
    };
    if !check.feature.is_empty() && !who.features.contains(check.feature) {
        result.state = State::NotApplicable;
        result.message = Some(format!("feature {}", check.feature));
        return result;
    }
    if let Err(message) = (check.look)(world) {
        let excuse = options.known.excuses(&result.id, Why::WrongValue, None).map(|entry| entry.reason.clone());
        result.state = if excuse.is_some() { State::KnownFailing } else { State::Failed };
        (result.why, result.message, result.known_reason) = (Some(Why::WrongValue), Some(message), excuse);
    }
    result
}
