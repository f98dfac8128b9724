//! The suite's runner: cases out, replies in, each reply held against what the specification asks.
//!
//! A subject is a process that speaks `purser-shim/1`. It cannot tell a refusal from an acceptance by anything but
//! the bytes: ids are random, the order is shuffled, and every refusal stands among the cases that differ from it
//! by the fault alone. A refusal counts only where its twin was accepted in the same run.

pub mod catalogue;
pub(crate) mod credit;
mod execute;
mod glob;
pub mod judge;
pub mod known;
mod moment;
pub mod plan;
mod rng;
pub mod scope;
pub mod settings;
mod state;
pub mod subject;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::results::{Claims, Clock, Results, Suite};
use catalogue::Catalogue;
use known::KnownFailing;
use plan::{Plan, Shard};
use scope::Scope;
use settings::Codes;
use subject::{Program, Subject};

/// What is asked of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The subject.
    pub program: Program,
    /// Only this role.
    pub role: Option<String>,
    /// Only cases that this fits: part of an id, a clause, a class, or a pattern with `*`.
    pub filter: Option<String>,
    /// Only these cases, by their ids.
    pub only: Option<BTreeSet<String>>,
    /// Only this part of the cases.
    pub shard: Option<Shard>,
    /// The version of the specification whose requirement set counts; else the newest.
    pub requirements: Option<String>,
    /// What keys, nonces and ids are drawn from, where the vectors are not the published ones.
    pub minted: Option<u64>,
    /// The second of the cases, where they are of now and not of the second of the files.
    pub made_at: Option<u64>,
    /// What the order and the ids are drawn from.
    pub seed: u64,
    /// Whether a failed SHOULD fails the run.
    pub strict: bool,
    /// Whether any code will do for a refusal.
    pub loose_codes: bool,
    /// How long a subject may say nothing.
    pub silence: Duration,
    /// How many processes at a time.
    pub jobs: usize,
    /// The subject's own names for codes.
    pub codes: Codes,
    /// What is known to fail.
    pub known: KnownFailing,
}

impl Options {
    /// The usual run of a subject.
    pub fn new(program: Program) -> Self {
        Self {
            program,
            role: None,
            filter: None,
            only: None,
            shard: None,
            requirements: None,
            minted: None,
            made_at: None,
            seed: 1,
            strict: false,
            loose_codes: false,
            silence: Duration::from_secs(5),
            jobs: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            codes: Codes::default(),
            known: KnownFailing::default(),
        }
    }
}

/// Who is told how far a run has come.
pub trait Progress: Sync {
    /// So many of all have their verdict.
    fn done(&self, done: usize, of: usize);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn done(&self, _done: usize, _of: usize) {}
}

/// Why there are no results: the suite or the shim is broken, and nothing is said of the implementation.
#[derive(Debug)]
pub struct HarnessError(pub String);

impl std::fmt::Display for HarnessError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for HarnessError {}

/// Runs every case that applies.
pub fn run(options: &Options, catalogue: &Catalogue, progress: &dyn Progress) -> Result<Results, HarnessError> {
    let began = Instant::now();
    let mut subject = Subject::start(&options.program, options.silence, options.seed)?;
    let claims = subject.hello()?;
    drop(subject);
    if claims.clock == Clock::Own && options.made_at.is_none() {
        return Err(HarnessError("it goes by a clock of its own: --minted NUMBER makes the cases as of now".into()));
    }

    let scope = Scope::of(options.requirements.as_deref()).map_err(HarnessError)?;
    let plan = Plan::new(options, catalogue, &claims)?;
    let seen = execute::all(options, &plan, &claims, progress)?;
    let judged: BTreeMap<&str, _> = plan.cases.iter().map(|case| case.case.id.as_str()).zip(seen).collect();
    let cases = credit::settle(options, catalogue, &plan, &scope, judged);
    let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let suite = Suite::of(options, catalogue, &scope, Some(crate::baseline::of(catalogue, options)));
    let mut results = Results::sum_up(suite, claims, cases, &options.known, options.strict, elapsed_ms);
    results.remarks.extend(scope.is_older());
    Ok(results)
}

/// What a subject says of itself, and nothing else.
pub fn hello(program: &Program, silence: Duration) -> Result<Claims, HarnessError> {
    Subject::start(program, silence, 1)?.hello()
}
