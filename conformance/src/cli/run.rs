//! `run`, `list`, `explain`, `repro`, `diff`.

use std::fs;
use std::io::{self, IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use purser_test_vectors::Case;

use crate::live::{self, Peers};
use crate::profile::{PROFILES, Profile};
use crate::report;
use crate::results::{Clock, Results};
use crate::run::catalogue::Catalogue;
use crate::run::known::{Day, KnownFailing};
use crate::run::plan::{Shard, is_meant};
use crate::run::scope::Scope;
use crate::run::settings::Settings;
use crate::run::subject::Program;
use crate::run::{Options, Progress};

/// The suite or the shim is broken; nothing is said of the implementation.
pub(super) const HARNESS: u8 = 3;

#[derive(Args)]
pub(super) struct Run {
    /// The command of the shim; else `shim` of the settings.
    #[arg(long, value_name = "CMD")]
    shim: Option<String>,
    /// An issuer, or with `--role merchant` a merchant, to be put to the live checks, over TLS, in place of a shim.
    #[arg(long, value_name = "URL", conflicts_with = "shim", requires = "peers")]
    target: Option<String>,
    /// An agent, by the command that makes it fetch something once, among peers that the suite plays on this machine:
    /// {url} stands for what to fetch, {issuer} for the issuer, {roots} for whom to trust, {mandate} for the mandate to
    /// pay under, {dir} for an empty folder. Or with `--role wallet` a wallet, by the command that does one {task}:
    /// open, mandate, approve, refuse, suspend, revoke, speak, list or bundle, at {issuer}, trusting {roots}, for the key in {agent}, about
    /// {mandate} or {intent}, with {dir} to keep things in from one task to the next.
    #[arg(long, value_name = "CMD", conflicts_with_all = ["shim", "target"])]
    drive: Option<String>,
    /// For a target: roots.pem, that vouch for it; and whom it trusts, merchant.pem and merchant.key, or for a merchant
    /// issuer.pem and issuer.key. An issuer may also trust other-merchant.pem and other-merchant.key.
    #[arg(long, value_name = "DIR")]
    peers: Option<PathBuf>,
    /// These roots, and not those of --peers.
    #[arg(long, value_name = "FILE", requires = "target")]
    roots: Option<PathBuf>,
    /// Of a merchant: something that has a price, captured at once.
    #[arg(long, value_name = "PATH", default_value = "/coffee")]
    resource: String,
    /// Only this role.
    #[arg(long)]
    role: Option<String>,
    /// Only cases that fit: part of an id, a pattern with `*`, a clause such as ENC-6, a class such as P01.
    #[arg(long, value_name = "P")]
    filter: Option<String>,
    /// Only this part of the cases, such as 1/4.
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// What the order is drawn from; else the time.
    #[arg(long)]
    seed: Option<u64>,
    /// A SHOULD that is not kept fails the run.
    #[arg(long)]
    strict: bool,
    /// Any code will do for a refusal. The results say so.
    #[arg(long)]
    loose_codes: bool,
    /// Other vectors than those that this program carries: a folder of areas.
    #[arg(long, value_name = "DIR")]
    vectors: Option<PathBuf>,
    /// The same cases with fresh keys, nonces and ids, drawn from this number: against answers learnt by heart.
    #[arg(long, value_name = "NUMBER", conflicts_with = "vectors")]
    minted: Option<u64>,
    /// The requirement set of this version of the specification, and not the newest.
    #[arg(long, value_name = "VERSION")]
    requirements: Option<String>,
    /// What is known to fail, in TOML.
    #[arg(long, value_name = "FILE")]
    known_failing: Option<PathBuf>,
    /// Where results.json, junit.xml, report.html and badge.json go.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Names of codes and the shim's command.
    #[arg(long, value_name = "FILE", default_value = "purser-conformance.toml")]
    config: PathBuf,
    /// How many processes at a time; else as many as there are cores.
    #[arg(long)]
    jobs: Option<usize>,
    /// How long a shim may say nothing.
    #[arg(long, value_name = "SECONDS", default_value = "5")]
    silence: u64,
}

#[derive(Args)]
pub(super) struct List {
    /// Only this role.
    #[arg(long)]
    role: Option<String>,
    /// Only cases that fit, as for `run`.
    #[arg(long, value_name = "P")]
    filter: Option<String>,
    /// How many cases each role has, in place of the cases.
    #[arg(long)]
    roles: bool,
}

#[derive(Args)]
pub(super) struct Repro {
    /// The case.
    id: String,
    /// The folder; else the id, with hyphens.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The command of the shim.
    #[arg(long, value_name = "CMD", default_value = "./shim")]
    shim: String,
}

pub(super) fn run(arguments: &Run) -> Result<ExitCode, String> {
    let settings = match fs::read_to_string(&arguments.config) {
        Ok(text) => Settings::read(&text).map_err(|error| format!("{}: {error}", arguments.config.display()))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound && arguments.config == Path::new(CONFIG) => {
            Settings::default()
        }
        Err(error) => return Err(format!("{}: {error}", arguments.config.display())),
    };
    let live = arguments.target.as_ref().or(arguments.drive.as_ref());
    let shim = arguments.shim.as_ref().or(live).or(settings.shim.as_ref());
    let program = Program::parse(shim.ok_or("no shim: give --shim CMD, or shim in purser-conformance.toml")?)?;
    let known = match &arguments.known_failing {
        Some(path) => {
            let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
            KnownFailing::read(&text, Day::today()).map_err(|error| format!("{}: {error}", path.display()))?
        }
        None => KnownFailing::default(),
    };
    let usual = Options::new(program);
    let options = Options {
        role: arguments.role.clone(),
        filter: arguments.filter.clone(),
        shard: arguments.shard,
        requirements: arguments.requirements.clone(),
        minted: arguments.minted,
        seed: arguments.seed.unwrap_or_else(seed),
        strict: arguments.strict,
        loose_codes: arguments.loose_codes,
        silence: Duration::from_secs(arguments.silence.max(1)),
        jobs: arguments.jobs.unwrap_or(usual.jobs),
        codes: settings.codes,
        known,
        ..usual
    };
    // Who goes by a clock of its own is asked about what is so now.
    let is_shim = arguments.target.is_none() && arguments.drive.is_none();
    let claims = (arguments.minted.is_some() && is_shim).then(|| crate::run::hello(&options.program, options.silence));
    let claims = claims.transpose().map_err(|error| error.to_string())?;
    let made_at = claims.filter(|claims| claims.clock == Clock::Own).map(|_| now_seconds());
    let options = Options { made_at, ..options };
    let mut catalogue = match (arguments.minted, &arguments.vectors) {
        (Some(seed), _) => Catalogue::of(match made_at {
            Some(now) => crate::vectors::minted_at(seed, now),
            None => crate::vectors::minted(seed),
        }),
        (None, Some(folder)) => Catalogue::read(folder)?,
        (None, None) => Catalogue::embedded()?,
    };
    let progress = Bar { is_shown: io::stderr().is_terminal() };
    let results = match (&arguments.target, &arguments.peers) {
        (Some(url), Some(peers)) => {
            catalogue = live::catalogue();
            let mut peers = Peers::of(peers);
            peers.roots = arguments.roots.clone().unwrap_or(peers.roots);
            match arguments.role.as_deref() {
                None | Some("issuer") => live::run(&options, url, &peers, None),
                Some("merchant") => live::run_merchant(&options, url, &peers, &arguments.resource, None),
                Some(other) => {
                    return Err(format!("there are live checks of issuers and of merchants, and none of {other}"));
                }
            }
        }
        _ => match &arguments.drive {
            Some(command) => {
                catalogue = live::catalogue();
                match arguments.role.as_deref() {
                    None | Some("agent") => live::drive(&options, command),
                    Some("wallet") => live::drive_wallet(&options, command),
                    Some(other) => return Err(format!("what is driven is an agent or a wallet, and no {other}")),
                }
            }
            None => crate::run::run(&options, &catalogue, &progress),
        },
    };
    let results = results.map_err(|error| error.to_string())?;
    progress.clear();
    say(&report::text::write(&results))?;
    if let Some(folder) = &arguments.out {
        report::write_all(folder, &results, &catalogue).map_err(|error| format!("{}: {error}", folder.display()))?;
        say(&format!("{}\n", folder.join("report.html").display()))?;
    }
    Ok(ExitCode::from(results.exit))
}

/// Writes the folder, and says what to do with it.
pub(super) fn authority(out: &Path) -> Result<ExitCode, String> {
    purser_conformance_live::authority::write(out)?;
    let (file, out) = (out.join("authority.pem"), out.display());
    say(&format!(
        "let the one under test trust {} (purser-server: add it to `anchors`); then run with --peers {out} and --roots\n",
        file.display()
    ))
}

/// What a shim claims, and how many cases that means.
pub(super) fn hello(shim: &str) -> Result<ExitCode, String> {
    let (program, catalogue) = (Program::parse(shim)?, Catalogue::embedded()?);
    let claims = crate::run::hello(&program, Duration::from_secs(5)).map_err(|error| error.to_string())?;
    let implementation = &claims.implementation;
    let mut out = format!("{} {} ({})\n", implementation.name, implementation.version, implementation.language);
    let words = |set: &std::collections::BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" ");
    out.push_str(&format!("roles: {}\nfeatures: {}\n", words(&claims.roles), words(&claims.features)));
    for role in &claims.roles {
        let of_role = catalogue.cases().filter(|case| case.role == *role);
        let (apply, others): (Vec<_>, Vec<_>) = of_role.partition(|case| claims.lacks(case).is_none());
        out.push_str(&format!("{role}: {} cases apply, {} need features not claimed\n", apply.len(), others.len()));
    }
    for profile in claims.profiles.iter().filter_map(|name| Profile::named(name)) {
        out.push_str(&format!("{}\n", profile.said_of(catalogue.cases().filter(|case| profile.has(case)).count())));
    }
    claims.strangers().iter().for_each(|stranger| out.push_str(&format!("{stranger}\n")));
    say(&out)
}

pub(super) fn list(arguments: &List) -> Result<ExitCode, String> {
    let (vectors, live) = (Catalogue::embedded()?, live::catalogue());
    let meant = |case: &&Case| {
        arguments.role.as_ref().is_none_or(|role| *role == case.role)
            && arguments.filter.as_ref().is_none_or(|filter| is_meant(case, filter))
    };
    let cases: Vec<&Case> = vectors.cases().chain(live.cases()).filter(meant).collect();
    let mut out = String::new();
    if arguments.roles {
        let mut counts = std::collections::BTreeMap::<&str, usize>::new();
        cases.iter().for_each(|case| *counts.entry(&case.role).or_default() += 1);
        counts.iter().for_each(|(role, count)| out.push_str(&format!("{role}\t{count}\n")));
        for profile in &PROFILES {
            let count = cases.iter().filter(|case| profile.has(case)).count();
            out.push_str(&format!("{}\n", profile.said_of(count)));
        }
    } else {
        for case in cases {
            let (clauses, expected) = (case.clauses.join(" "), report::explain::expected(case));
            out.push_str(&format!("{}\t{}\t{clauses}\t{expected}\n", case.id, case.role));
        }
    }
    say(&out)
}

pub(super) fn explain(id: &str) -> Result<ExitCode, String> {
    let catalogue = if id.starts_with("live/") { live::catalogue() } else { Catalogue::embedded()? };
    say(&report::explain::write(find(&catalogue, id)?, &catalogue))
}

pub(super) fn repro(arguments: &Repro) -> Result<ExitCode, String> {
    if arguments.id.starts_with("live/") {
        return Err(format!("what is sent is made afresh each time: run --target URL --filter {}", arguments.id));
    }
    let catalogue = Catalogue::embedded()?;
    let case = find(&catalogue, &arguments.id)?;
    let folder = arguments.out.clone().unwrap_or_else(|| PathBuf::from(case.id.replace('/', "-")));
    let written = report::explain::repro(&folder, case, &catalogue, &arguments.shim);
    written.map_err(|error| format!("{}: {error}", folder.display()))?;
    say(&format!("{}\n", folder.join("README.txt").display()))
}

/// Exit status 1 when something that passed does not pass any more.
pub(super) fn diff(old: &Path, new: &Path) -> Result<ExitCode, String> {
    let read = |path: &Path| -> Result<Results, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    };
    let (text, is_worse) = report::diff::write(&read(old)?, &read(new)?);
    say(&text)?;
    Ok(ExitCode::from(u8::from(is_worse)))
}

/// Brings the requirement set up to the vectors while it is a draft.
pub(super) fn requirements(root: &Path) -> Result<ExitCode, String> {
    let path = root.join("conformance/requirements/1.toml");
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    let scope = Scope::read(&fs::read_to_string(&path).map_err(failed)?)?;
    if scope.status == "frozen" {
        return Err(format!("{} is frozen: what comes later is for the next version's set", path.display()));
    }
    fs::write(&path, scope.write(&[&Catalogue::embedded()?, &live::catalogue()])).map_err(failed)?;
    say(&format!("{}\n", path.display()))
}

/// Freezes the set: from then on each row says what its case asks, and the program knows the sum of all rows.
pub(super) fn freeze(root: &Path) -> Result<ExitCode, String> {
    let path = root.join("conformance/requirements/1.toml");
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    let scope = Scope::read(&fs::read_to_string(&path).map_err(failed)?)?;
    let frozen = scope.freeze(&[&Catalogue::embedded()?, &live::catalogue()])?;
    fs::write(&path, frozen.write(&[])).map_err(failed)?;
    let (spec, digest) = (&frozen.spec, frozen.digest());
    say(&format!("{}\nput (\"{spec}\", \"{digest}\") into FROZEN of conformance/src/run/scope.rs\n", path.display()))
}

const CONFIG: &str = "purser-conformance.toml";

fn find<'c>(catalogue: &'c Catalogue, id: &str) -> Result<&'c Case, String> {
    catalogue.get(id).ok_or_else(|| {
        let near: Vec<&str> =
            catalogue.cases().map(|case| case.id.as_str()).filter(|known| known.contains(id)).collect();
        match near.as_slice() {
            [] => format!("there is no case {id}; purser-conformance list names them all"),
            near => format!(
                "there is no case {id}; there is {}",
                near.iter().take(8).copied().collect::<Vec<_>>().join(", ")
            ),
        }
    })
}

fn seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| u64::from(since.subsec_nanos()) ^ since.as_secs())
}

fn now_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Whoever reads may have stopped reading; that is no failure.
pub(super) fn say(text: &str) -> Result<ExitCode, String> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.to_string()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// How far a run has come, on a terminal.
struct Bar {
    is_shown: bool,
}

impl Bar {
    fn clear(&self) {
        if self.is_shown {
            eprint!("\r\x1b[K");
        }
    }
}

impl Progress for Bar {
    fn done(&self, done: usize, of: usize) {
        if self.is_shown && (done.is_multiple_of(16) || done == of) {
            eprint!("\r{done} of {of}");
        }
    }
}
