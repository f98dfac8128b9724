//! `results.json`: what came of a run. Every report is made of it, and of nothing else.

use std::collections::{BTreeMap, BTreeSet};

use purser_test_vectors::{Case, Expect, Importance, Level};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clause;
use crate::profile::{PROFILES, Profile};
use crate::run::Options;
use crate::run::catalogue::Catalogue;
use crate::run::judge::Why;
use crate::run::known::KnownFailing;
use crate::run::scope::Scope;

/// The format of the file.
pub const FORMAT: &str = "purser-results/1";

/// A run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Results {
    /// [`FORMAT`].
    pub format: String,
    /// What was run, and how.
    pub suite: Suite,
    /// What the subject said of itself.
    pub subject: Claims,
    /// Whether the subject does all that it must in the roles that it claims, and all of that was run.
    pub conformant: bool,
    /// 0 for no failure, 1 for a failure, 2 where nothing can be said.
    pub exit: u8,
    /// Why the exit status is what it is, where that is not plain.
    pub remarks: Vec<String>,
    /// By role.
    pub roles: Vec<RoleResult>,
    /// By profile. One without cases is here, and says nothing.
    #[serde(default)]
    pub profiles: Vec<ProfileResult>,
    /// Every case.
    pub cases: Vec<CaseResult>,
    /// How long it took.
    pub elapsed_ms: u64,
}

/// What was run, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Suite {
    /// The version of this program.
    pub version: String,
    /// The beginning of the hash of its vectors.
    pub vectors: String,
    /// How many cases they have.
    pub cases: usize,
    /// The version of the specification.
    pub spec: String,
    /// Whether its requirement set is a draft or frozen.
    pub requirements: String,
    /// The command of the shim.
    pub command: String,
    /// What order and ids were drawn from.
    pub seed: u64,
    /// How many processes there were.
    pub jobs: usize,
    /// The part that was run.
    pub shard: Option<String>,
    /// The cases that were meant.
    pub filter: Option<String>,
    /// The role that was meant.
    pub role: Option<String>,
    /// Whether any code would do.
    pub loose_codes: bool,
    /// The number that keys, nonces and ids were drawn from, where they are not the published ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minted: Option<u64>,
    /// What a program that accepts everything would score, and one that refuses everything, where that can be said
    /// without another run.
    #[serde(default)]
    pub baseline: Option<Baseline>,
}

/// The score of programs that do nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// Of one that accepts everything.
    pub accept_all: usize,
    /// Of one that refuses everything.
    pub reject_all: usize,
}

/// What a subject says of itself in `hello`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// Its name, version and language.
    pub implementation: Implementation,
    /// The roles that it plays.
    pub roles: BTreeSet<String>,
    /// The versions of the specification that it keeps.
    pub spec: BTreeSet<String>,
    /// The features of chapter 2 that it has.
    #[serde(default)]
    pub features: BTreeSet<String>,
    /// The profiles that it keeps: each claims its feature.
    #[serde(default)]
    pub profiles: BTreeSet<String>,
    /// How many calls it takes at a time.
    #[serde(default = "one")]
    pub in_flight_max: usize,
    /// Whose clock it goes by: `calls`, which say what time it is, or its `own`.
    #[serde(default)]
    pub clock: Clock,
}

/// Whose clock a subject goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// Each call's.
    #[default]
    Calls,
    /// Its own, which nobody can set.
    Own,
}

/// An implementation's name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Implementation {
    /// Its name.
    pub name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// The language it is written in.
    #[serde(default)]
    pub language: String,
}

/// What came of the cases of a role.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoleResult {
    /// The role.
    pub role: String,
    /// Whether the subject claims it.
    pub claimed: bool,
    /// Of what binds.
    pub must: Count,
    /// Of what should be.
    pub should: Count,
    /// How many do not apply.
    pub not_applicable: usize,
    /// How many were run and do not count.
    pub not_scored: usize,
}

/// What came of the cases of a profile.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProfileResult {
    /// The profile.
    pub profile: String,
    /// The role that plays it.
    pub role: String,
    /// Whether the subject claims it.
    pub claimed: bool,
    /// How many cases it has in what was asked for. Of none, nothing follows.
    pub cases: usize,
    /// Of what binds.
    pub must: Count,
}

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// As they must be.
    pub passed: usize,
    /// Known to fail.
    pub known_failing: usize,
    /// All.
    pub of: usize,
}

/// What came of a case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CaseResult {
    /// The case.
    pub id: String,
    /// What is special about it.
    pub title: String,
    /// Its role.
    pub role: String,
    /// How binding it is.
    pub level: Level,
    /// What is lost where it fails.
    pub importance: Importance,
    /// The clauses that ask for it.
    pub clauses: Vec<String>,
    /// The features that it needs.
    #[serde(default)]
    pub features: Vec<String>,
    /// The accepted case beside it.
    pub twin: Option<String>,
    /// What came of it.
    pub state: State,
    /// Why it does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_scored: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// What is to be said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why it is known to fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_reason: Option<String>,
    /// What must come of it.
    pub expect: Expect,
    /// The reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Value>,
}

/// What came of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// As it must be.
    Passed,
    /// Not as it must be.
    Failed,
    /// Not as it must be, as is known.
    KnownFailing,
    /// Not run: its role or its feature is not claimed.
    NotApplicable,
}

impl CaseResult {
    /// A case that is as it must be.
    pub fn of(case: &Case) -> Self {
        Self {
            id: case.id.clone(),
            title: case.title.clone(),
            role: case.role.clone(),
            level: case.level,
            importance: case.importance,
            clauses: case.clauses.clone(),
            features: case.features.clone(),
            twin: case.twin.clone(),
            state: State::Passed,
            not_scored: None,
            why: None,
            message: None,
            known_reason: None,
            expect: case.expect.clone(),
            seen: None,
        }
    }

    /// Whether it fails a run. What is known to fail does not; `strict` lets a SHOULD do so.
    pub fn fails(&self, strict: bool) -> bool {
        self.state == State::Failed
            && self.not_scored.is_none()
            && (self.level == Level::Must || (strict && self.level == Level::Should))
    }
}

/// The roles of `shim.md`.
const ROLES: &[&str] = &["verifier", "issuer", "agent", "merchant", "wallet"];
impl Claims {
    /// What is claimed and nobody knows: most likely mistyped.
    pub fn strangers(&self) -> Vec<String> {
        let unknown = |what: &'static str, claimed: &BTreeSet<String>, known: Vec<&str>| {
            let strange = claimed.iter().filter(|name| !known.contains(&name.as_str()));
            let said = strange.map(|name| format!("hello claims the {what} {name}, which nobody knows"));
            said.collect::<Vec<_>>()
        };
        let profiles = PROFILES.iter().map(|profile| profile.name).collect();
        let mut said = unknown("role", &self.roles, ROLES.to_vec());
        said.extend(unknown("feature", &self.features, clause::features()));
        said.extend(unknown("profile", &self.profiles, profiles));
        let homeless = self.profiles.iter().filter_map(|name| Profile::named(name));
        let homeless = homeless.filter(|profile| !self.roles.contains(profile.role));
        said.extend(
            homeless.map(|profile| {
                format!("hello claims the profile {}, and not its role, {}", profile.name, profile.role)
            }),
        );
        said
    }

    fn has(&self, feature: &str) -> bool {
        let by_profile = || self.profiles.iter().filter_map(|name| Profile::named(name));
        self.features.contains(feature) || by_profile().any(|profile| profile.feature == feature)
    }

    /// What a case needs and the subject does not claim.
    pub fn lacks(&self, case: &Case) -> Option<String> {
        if !self.roles.contains(&case.role) {
            return Some(format!("role {}", case.role));
        }
        let feature = case.features.iter().find(|feature| !self.has(feature));
        feature.map(|feature| format!("feature {feature}"))
    }
}

impl Suite {
    /// What is run with these options.
    pub fn of(options: &Options, catalogue: &Catalogue, scope: &Scope, baseline: Option<Baseline>) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            vectors: catalogue.digest().to_owned(),
            cases: catalogue.len(),
            spec: scope.spec.clone(),
            requirements: scope.status.clone(),
            command: options.program.to_string(),
            seed: options.seed,
            jobs: options.jobs,
            shard: options.shard.map(|shard| shard.to_string()),
            filter: options.filter.clone(),
            role: options.role.clone(),
            loose_codes: options.loose_codes,
            minted: options.minted,
            baseline,
        }
    }

    /// Whether every case was meant.
    pub fn is_whole(&self) -> bool {
        self.shard.is_none() && self.filter.is_none() && self.role.is_none()
    }
}

impl Results {
    /// Sums up the results of cases.
    pub fn sum_up(
        suite: Suite,
        subject: Claims,
        cases: Vec<CaseResult>,
        known: &KnownFailing,
        strict: bool,
        elapsed_ms: u64,
    ) -> Self {
        let run = cases.iter().filter(|case| case.state != State::NotApplicable);
        let mut remarks = known.problems(run.clone().map(|case| (case.id.as_str(), case.state == State::Passed)));
        let has_list_problems = !remarks.is_empty();
        let failed = cases.iter().any(|case| case.fails(strict));
        let counted = run.clone().filter(|case| case.not_scored.is_none()).count();
        remarks.extend(subject.strangers());
        let profiles = Self::by_profile(&subject, &cases);
        for profile in profiles.iter().filter(|profile| profile.claimed && profile.cases == 0) {
            remarks.extend(Profile::named(&profile.profile).map(|profile| profile.said_of(0)));
        }
        if !subject.spec.contains(&suite.spec) {
            remarks.push(format!("the subject does not claim version {} of the specification", suite.spec));
        }
        if counted == 0 {
            remarks.push("no case that counts was run".to_owned());
        }
        let nothing_said = counted == 0 || !subject.spec.contains(&suite.spec);
        let exit = if failed || has_list_problems { 1 } else { u8::from(nothing_said) * 2 };
        let all_met = run
            .clone()
            .all(|case| case.level != Level::Must || case.not_scored.is_some() || case.state == State::Passed);
        let conformant = exit == 0 && all_met && suite.is_whole() && !suite.loose_codes;
        let roles = Self::by_role(&subject, &cases);
        let format = FORMAT.to_owned();
        Self { format, suite, subject, conformant, exit, remarks, roles, profiles, cases, elapsed_ms }
    }

    /// The features that cases need and that the subject does not claim, with how many cases each.
    pub fn not_claimed(&self) -> BTreeMap<&str, usize> {
        let mut lacks = BTreeMap::new();
        for case in self.cases.iter().filter(|case| case.state == State::NotApplicable) {
            *lacks.entry(case.message.as_deref().unwrap_or_default()).or_default() += 1;
        }
        lacks
    }

    fn by_profile(subject: &Claims, cases: &[CaseResult]) -> Vec<ProfileResult> {
        let of = |profile: &Profile| {
            let of_it = cases.iter().filter(|case| case.role == profile.role);
            let of_it: Vec<_> = of_it.filter(|case| case.features.iter().any(|name| name == profile.feature)).collect();
            let counted = of_it.iter().filter(|case| {
                case.level == Level::Must && case.not_scored.is_none() && case.state != State::NotApplicable
            });
            let mut must = Count::default();
            for case in counted {
                must.of += 1;
                must.passed += usize::from(case.state == State::Passed);
                must.known_failing += usize::from(case.state == State::KnownFailing);
            }
            ProfileResult {
                profile: profile.name.to_owned(),
                role: profile.role.to_owned(),
                claimed: subject.profiles.contains(profile.name),
                cases: of_it.len(),
                must,
            }
        };
        PROFILES.iter().map(of).collect()
    }

    fn by_role(subject: &Claims, cases: &[CaseResult]) -> Vec<RoleResult> {
        let mut roles: BTreeMap<&str, RoleResult> = BTreeMap::new();
        for case in cases {
            let claimed = subject.roles.contains(&case.role);
            let role = roles.entry(&case.role).or_insert_with(|| RoleResult {
                role: case.role.clone(),
                claimed,
                must: Count::default(),
                should: Count::default(),
                not_applicable: 0,
                not_scored: 0,
            });
            if case.state == State::NotApplicable {
                role.not_applicable += 1;
                continue;
            }
            if case.not_scored.is_some() {
                role.not_scored += 1;
                continue;
            }
            let count = match case.level {
                Level::Must => &mut role.must,
                Level::Should => &mut role.should,
                Level::May => continue,
            };
            count.of += 1;
            count.passed += usize::from(case.state == State::Passed);
            count.known_failing += usize::from(case.state == State::KnownFailing);
        }
        roles.into_values().collect()
    }
}

fn one() -> usize {
    1
}
