//! `purser-simulator-broken`: the simulator, and how soon it finds each planted bug.
//!
//! `--bugs` runs each bug until it is found, at most a minute, and writes a table. `--bug NAME` turns one on; what
//! follows is the simulator's own.

use std::process::ExitCode;

use purser_simulator_broken::broken::{FAULTS, turn_on};
use purser_simulator_broken::simulator::program::{self, Orders, search};
use purser_simulator_broken::simulator::town::Plan;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--bugs"] => table(),
        ["--bug", name, ..] if turn_on(Some(name)) => program::main(&arguments[2..]),
        ["--bug", ..] => ExitCode::from(2),
        _ => program::main(&arguments),
    }
}

fn table() -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    println!("| bug | seed | steps | seconds | found |\n|---|---|---|---|---|");
    let mut missed = 0;
    for fault in FAULTS {
        turn_on(Some(fault.name));
        let orders = Orders { seed: 1, runs: u64::MAX - 1, seconds: 60, plan: Plan::default(), says: false };
        let sum = search(&orders);
        let (steps, seconds) = (sum.report.steps, sum.took.as_secs_f64());
        match sum.found {
            Some((seed, what)) => println!("| {} | {seed} | {steps} | {seconds:.2} | {what} |", fault.name),
            None => {
                missed += 1;
                println!("| {} | - | {steps} | {seconds:.2} | not found |", fault.name);
            }
        }
    }
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
