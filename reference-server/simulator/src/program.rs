//! The command line.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::town::{Plan, Report, run};

const USAGE: &str = "purser-simulator [--seed N] [--runs N] [--seconds N] [--payments N] [--says]

  --seed N      the first seed; 1 without it
  --runs N      so many seeds, one after the other; 1 when a seed is named, else 100
  --seconds N   no new run after so many seconds
  --payments N  payments in each run; 40 without it
  --says        tells every event on standard error";

/// What is to be run.
#[derive(Clone, Copy, Debug)]
pub struct Orders {
    /// The first seed.
    pub seed: u64,
    /// How many seeds.
    pub runs: u64,
    /// When no new one is begun.
    pub seconds: u64,
    /// Each run.
    pub plan: Plan,
    /// Whether every event is told.
    pub says: bool,
}

/// What all runs came to.
#[derive(Clone, Debug, Default)]
pub struct Sum {
    /// Runs that ended well.
    pub runs: u64,
    /// What they came to together; the trace is that of the last.
    pub report: Report,
    /// The seed that found something, and what.
    pub found: Option<(u64, String)>,
    /// How long it took.
    pub took: Duration,
}

/// Runs seeds until something is found, or the orders are done.
pub fn search(orders: &Orders) -> Sum {
    let began = Instant::now();
    let mut sum = Sum::default();
    for seed in orders.seed..orders.seed.saturating_add(orders.runs) {
        if sum.runs > 0 && began.elapsed() >= Duration::from_secs(orders.seconds) {
            break;
        }
        // A panic is a finding like any other.
        let (plan, says) = (orders.plan, orders.says);
        let ran = std::thread::spawn(move || run(seed, plan, says)).join();
        let (report, found) = match ran {
            Ok(Ok(report)) => (report, None),
            Ok(Err((finding, report))) => (report, Some(finding.0)),
            Err(panic) => {
                let said = panic.downcast_ref::<String>().cloned();
                let said = said.or_else(|| panic.downcast_ref::<&str>().map(|&said| said.to_owned()));
                (Report::default(), Some(format!("panic: {}", said.unwrap_or_default())))
            }
        };
        sum.add(report);
        if let Some(found) = found {
            sum.found = Some((seed, found));
            break;
        }
        sum.runs += 1;
    }
    sum.took = began.elapsed();
    sum
}

impl Sum {
    fn add(&mut self, run: Report) {
        let all = &mut self.report;
        all.steps += run.steps;
        all.crashes += run.crashes;
        all.batches += run.batches;
        all.payments += run.payments;
        all.made += run.made;
        all.acknowledged += run.acknowledged;
        all.revocations += run.revocations;
        all.backups_refused += run.backups_refused;
        all.trace = run.trace;
    }
}

/// The program: exit status 1 when something was found, 2 when the arguments make no sense.
pub fn main(arguments: &[String]) -> ExitCode {
    let Some(orders) = read(arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let sum = search(&orders);
    let report = &sum.report;
    println!(
        "{} runs, {} steps, {} crashes, {} batches, {} payments of which {} made, {} receipts kept by somebody, {} \
         revocations, {} older backups refused, {:.1} s, trace {}",
        sum.runs,
        report.steps,
        report.crashes,
        report.batches,
        report.payments,
        report.made,
        report.acknowledged,
        report.revocations,
        report.backups_refused,
        sum.took.as_secs_f64(),
        report.trace.get(..16).unwrap_or_default(),
    );
    match sum.found {
        None => ExitCode::SUCCESS,
        Some((seed, what)) => {
            println!("seed {seed}: {what}");
            ExitCode::FAILURE
        }
    }
}

fn read(arguments: &[String]) -> Option<Orders> {
    let mut orders = Orders { seed: 1, runs: 100, seconds: u64::MAX, plan: Plan::default(), says: false };
    let mut arguments = arguments.iter();
    let mut runs = None;
    while let Some(name) = arguments.next() {
        if name == "--says" {
            orders.says = true;
            continue;
        }
        let value = arguments.next()?.parse().ok()?;
        match name.as_str() {
            "--seed" => (orders.seed, runs) = (value, runs.or(Some(1))),
            "--runs" => runs = Some(value),
            "--seconds" => orders.seconds = value,
            "--payments" => orders.plan.payments = u32::try_from(value).ok()?,
            _ => return None,
        }
    }
    Some(Orders { runs: runs.unwrap_or(orders.runs), ..orders })
}
