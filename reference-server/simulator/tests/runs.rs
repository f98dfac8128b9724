//! Runs of the simulator on the sources as they are.

use purser_simulator::town::{Plan, run};

#[test]
fn a_seed_is_a_run() {
    let first = run(11, Plan::default(), false);
    assert_eq!(first, run(11, Plan::default(), false));
    assert_ne!(first, run(12, Plan::default(), false));
}

#[test]
fn nothing_is_found_in_many_seeds() {
    let mut crashes = 0;
    for seed in 1..=30 {
        match run(seed, Plan::default(), false) {
            Ok(report) => crashes += report.crashes,
            Err((finding, report)) => panic!("seed {seed}: {finding:?} after {report:?}"),
        }
    }
    assert!(crashes > 30, "{crashes} crashes are no storm");
}
