//! Each planted bug is found, and nothing is found without one.

use purser_simulator_broken::broken::{FAULTS, UNFIT, turn_on};
use purser_simulator_broken::simulator::program::{Orders, search};
use purser_simulator_broken::simulator::town::Plan;

/// Runs in which a bug must be found. Most are found in the first few.
const RUNS: u64 = 600;

fn orders(runs: u64) -> Orders {
    Orders { seed: 1, runs, seconds: u64::MAX, plan: Plan::default(), says: false }
}

/// One after the other: which bug is on is the process's.
#[test]
fn every_planted_bug_is_found_and_nothing_else() {
    assert_eq!(UNFIT, &[] as &[&str], "bugs that fit no line any more");
    assert!(FAULTS.len() >= 20);
    std::panic::set_hook(Box::new(|_| {}));
    turn_on(None);
    let honest = search(&orders(60));
    assert_eq!(honest.found, None, "without a bug");
    let mut missed = Vec::new();
    for fault in FAULTS {
        assert!(turn_on(Some(fault.name)));
        let sum = search(&orders(RUNS));
        match sum.found {
            Some((seed, what)) => println!("{}: seed {seed}, {} steps: {what}", fault.name, sum.report.steps),
            None => missed.push(fault.name),
        }
    }
    assert_eq!(missed, [] as [&str; 0], "bugs that were not found");
}
