//! Which cases are run, in which order, and why the others are not.

use std::collections::BTreeSet;
use std::str::FromStr;

use purser_test_vectors::{Call, Case, Outcome};
use sha2::{Digest as _, Sha256};

use super::catalogue::Catalogue;
use super::glob;
use super::moment::needs_a_clock;
use super::rng::Rng;
use super::{HarnessError, Options};
use crate::results::{Claims, Clock};

/// A part of the cases: the `part`-th of `of`, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which.
    pub part: u64,
    /// Of how many.
    pub of: u64,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(part, of)| Some((part.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((part, of)) if (1..=of).contains(&part) => Ok(Self { part, of }),
            _ => Err(format!("{text} is not a shard such as 1/4")),
        }
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.part, self.of)
    }
}

/// A case that is run.
#[derive(Clone, Copy, Debug)]
pub struct Planned<'c> {
    /// The case.
    pub case: &'c Case,
    /// What is done before.
    pub setup: &'c [Call],
    /// Whether it is run only to see whether another one counts.
    pub is_control: bool,
}

/// What is run.
#[derive(Debug, Default)]
pub struct Plan<'c> {
    /// The cases, in the order in which they are sent.
    pub cases: Vec<Planned<'c>>,
    /// Cases that were asked for and do not apply, with why not.
    pub not_applicable: Vec<(&'c Case, String)>,
}

impl<'c> Plan<'c> {
    /// Chooses and shuffles. Whatever a chosen case is credited by comes along as a control.
    pub fn new(options: &Options, catalogue: &'c Catalogue, claims: &Claims) -> Result<Self, HarnessError> {
        let mut plan = Self::default();
        let mut chosen = BTreeSet::new();
        for case in catalogue.cases().filter(|case| is_asked_for(options, catalogue, case)) {
            match lacks(case, catalogue, claims, options)? {
                Some(lack) => plan.not_applicable.push((case, lack)),
                None => {
                    chosen.insert(case.id.as_str());
                }
            }
        }
        let mut controls = BTreeSet::new();
        for id in &chosen {
            let Some(case) = catalogue.get(id) else { continue };
            controls.extend(case.twin.as_deref());
            // An acceptance that shows nothing else is told from accepting everything by one refusal beside it.
            let beside = catalogue
                .refusals_of(id)
                .iter()
                .find(|id| catalogue.get(id).is_some_and(|refusal| claims.lacks(refusal).is_none()));
            let beside = beside.filter(|id| options.made_at.is_none() || chosen.contains(id.as_str()));
            if case.expect.outcome == Outcome::Accept && !shows_something(case) {
                controls.extend(beside.map(String::as_str));
            }
        }
        for case in catalogue.cases() {
            let (is_chosen, is_control) = (chosen.contains(case.id.as_str()), controls.contains(case.id.as_str()));
            if is_chosen || is_control {
                let setup = catalogue.setup(case).map_err(HarnessError)?;
                plan.cases.push(Planned { case, setup, is_control: !is_chosen });
            }
        }
        Rng::new(options.seed).shuffle(&mut plan.cases);
        Ok(plan)
    }
}

/// What a case needs and the subject does not claim, or cannot do.
fn lacks(
    case: &Case,
    catalogue: &Catalogue,
    claims: &Claims,
    options: &Options,
) -> Result<Option<String>, HarnessError> {
    let lack = claims.lacks(case);
    match (claims.clock, options.made_at) {
        (Clock::Own, Some(made_at)) if lack.is_none() => {
            let setup = catalogue.setup(case).map_err(HarnessError)?;
            let twin = case.twin.as_deref().and_then(|twin| catalogue.get(twin));
            let twins = twin.map(|twin| catalogue.setup(twin).map(|setup| needs_a_clock(twin, setup, made_at)));
            // What cannot be held against its twin shows nothing.
            let does = needs_a_clock(case, setup, made_at) || twins.transpose().map_err(HarnessError)?.unwrap_or(false);
            Ok(does.then(|| "a clock that can be set".to_owned()))
        }
        _ => Ok(lack),
    }
}

/// Whether the reply to an accepted case has something in it that only a subject at work can say.
pub(super) fn shows_something(case: &Case) -> bool {
    let says = case.expect.value.as_ref().and_then(|value| value.as_object()).is_some_and(|value| !value.is_empty());
    let is_state = matches!(case.expect.after, Some(purser_test_vectors::After::State(_)));
    says || is_state || case.expect.same_as.is_some()
}

pub(crate) fn is_asked_for(options: &Options, catalogue: &Catalogue, case: &Case) -> bool {
    options.role.as_ref().is_none_or(|role| *role == case.role)
        && options.only.as_ref().is_none_or(|only| only.contains(&case.id))
        && options.filter.as_ref().is_none_or(|filter| is_meant(case, filter))
        && options.shard.is_none_or(|shard| shard_of(catalogue.root_of(case), shard.of) == shard.part)
}

/// Whether a case is meant by a filter: part of its id, a pattern, a clause, or a class.
pub fn is_meant(case: &Case, filter: &str) -> bool {
    case.clauses.iter().chain(&case.class).any(|name| name == filter)
        || if filter.contains('*') { glob::fits(filter, &case.id) } else { case.id.contains(filter) }
}

/// Pairs stay together. The parts do not change when cases are added.
fn shard_of(root: &str, of: u64) -> u64 {
    let hash = Sha256::digest(root);
    let number = hash.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    number % of + 1
}
