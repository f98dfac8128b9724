//! Runs the checks of a role, a few at a time, in an order drawn from the seed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::agent;
use crate::check::Check;
use crate::failure::{Failure, Fault};
use crate::issuer;
use crate::line::Tamper;
use crate::merchant;
use crate::wallet;

/// How many checks run at a time. One that waits for a time-out of the other side holds nobody up.
const AT_ONCE: usize = 6;

/// The part that is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// An issuer.
    Issuer,
    /// A merchant.
    Merchant,
    /// An agent.
    Agent,
    /// A wallet.
    Wallet,
}

impl Role {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::Merchant => "merchant",
            Self::Agent => "agent",
            Self::Wallet => "wallet",
        }
    }
}

/// What is asked of a run.
#[derive(Clone)]
pub struct Options {
    /// The part that is tested.
    pub role: Role,
    /// `https://host:port`; of an agent or a wallet, its command.
    pub target: String,
    /// Certificates of the authorities that vouch for the one under test, PEM.
    pub roots: PathBuf,
    /// Certificates and keys of whom the suite plays, by their names in [`crate::authority::PARTIES`].
    pub seals: BTreeMap<String, (PathBuf, PathBuf)>,
    /// Of a merchant: the path of something that has a price, captured at once.
    pub resource: String,
    /// What changes the answers on their way, in tests of the suite itself.
    pub tamper: Option<Tamper>,
    /// The checks to run, by their ids.
    pub only: BTreeSet<String>,
    /// What the order is drawn from.
    pub seed: u64,
}

/// What the one under test says of itself.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// Its party id.
    pub name: String,
    /// The versions that it reads.
    pub versions: BTreeSet<String>,
    /// The features that it claims.
    pub features: BTreeSet<String>,
}

/// One check that was run.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The check.
    pub id: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a check.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// As it must be.
    Passed,
    /// Not as it must be.
    Failed(Failure),
    /// It needs what was not given, or is not claimed.
    NotApplicable(String),
}

/// Nothing can be said: the one under test was not reached, or what was given is of no use.
#[derive(Debug)]
pub struct Broken(pub String);

/// Runs the checks.
pub fn run(options: &Options, done: &(dyn Fn(usize, usize) + Sync)) -> Result<(Subject, Vec<Ran>), Broken> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Broken(error.to_string()))?;
    runtime.block_on(async {
        match options.role {
            Role::Issuer => {
                let mut opened = issuer::Scene::open(options).await.map_err(Broken)?;
                opened.target.tamper = options.tamper.clone();
                let subject = opened.subject();
                let ran = all(options, issuer::checks(), opened, issuer::Scene::lacks, done).await;
                Ok((subject, ran))
            }
            Role::Merchant => {
                let mut opened = merchant::Scene::open(options).await.map_err(Broken)?;
                opened.target.tamper = options.tamper.clone();
                let subject = opened.subject();
                let ran = all(options, merchant::checks(), opened, merchant::Scene::lacks, done).await;
                Ok((subject, ran))
            }
            Role::Agent => {
                let opened = agent::Scene::open(options).await.map_err(Broken)?;
                let subject = opened.subject();
                let ran = all(options, agent::checks(), opened, agent::Scene::lacks, done).await;
                Ok((subject, ran))
            }
            Role::Wallet => {
                let opened = wallet::Scene::open(options).await.map_err(Broken)?;
                let subject = opened.subject();
                let ran = all(options, wallet::checks(), opened, wallet::Scene::lacks, done).await;
                Ok((subject, ran))
            }
        }
    })
}

/// Runs every check that is asked for and applies.
async fn all<S: Send + Sync + 'static>(
    options: &Options,
    checks: Vec<&'static Check<S>>,
    scene: S,
    lacks: impl Fn(&S, &str) -> Option<String>,
    done: &(dyn Fn(usize, usize) + Sync),
) -> Vec<Ran> {
    let scene = Arc::new(scene);
    let mut ran = Vec::new();
    let mut wanted = Vec::new();
    for check in checks.into_iter().filter(|check| options.only.contains(check.id)) {
        match check.needs.iter().find_map(|need| lacks(&scene, need)) {
            Some(lack) => ran.push(Ran { id: check.id.to_owned(), outcome: Outcome::NotApplicable(lack) }),
            None => wanted.push(check),
        }
    }
    shuffle(&mut wanted, options.seed);
    let (count, seats) = (wanted.len(), Arc::new(Semaphore::new(AT_ONCE)));
    let mut running = JoinSet::new();
    for check in wanted {
        let (scene, seats) = (Arc::clone(&scene), Arc::clone(&seats));
        running.spawn(async move {
            let _seat = seats.acquire().await;
            let outcome = match (check.run)(&scene).await {
                Ok(()) => Outcome::Passed,
                Err(failure) => Outcome::Failed(failure),
            };
            Ran { id: check.id.to_owned(), outcome }
        });
    }
    let mut finished = 0;
    while let Some(joined) = running.join_next().await {
        finished += 1;
        done(finished, count);
        // A check that panics is a fault of the suite, and its case is missed below.
        ran.extend(joined.ok());
    }
    let known: BTreeSet<String> = ran.iter().map(|ran| ran.id.clone()).collect();
    for id in options.only.difference(&known) {
        let failure = Failure::new(Fault::Setup, "the suite broke off in it");
        ran.push(Ran { id: id.clone(), outcome: Outcome::Failed(failure) });
    }
    ran
}

/// SplitMix64 (Steele, Lea, Flood 2014) and Fisher and Yates.
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    for last in (1..items.len()).rev() {
        let other = (next() % (last as u64 + 1)) as usize;
        items.swap(last, other);
    }
}
