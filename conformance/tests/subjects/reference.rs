//! The reference passes, whatever the order, in parts, and one call at a time or many.

use std::collections::BTreeSet;

use purser_conformance::report;
use purser_conformance::results::{Results, State};
use purser_conformance::run::catalogue::Catalogue;
use purser_conformance::run::plan::Shard;
use purser_conformance::run::{Options, Quiet, run};

use super::{Test, broken, honest, program};

pub(super) const TESTS: &[Test] = &[
    ("the_reference_does_all_that_it_must", the_reference_does_all_that_it_must),
    ("a_seed_gives_one_order_and_another_gives_the_same_verdicts", a_seed_gives_one_order),
    ("shards_are_the_whole", shards_are_the_whole),
    ("calls_in_flight_change_nothing", calls_in_flight_change_nothing),
    ("a_refusal_that_is_meant_brings_its_twin_along", a_refusal_brings_its_twin_along),
    ("what_is_not_claimed_is_not_asked", what_is_not_claimed_is_not_asked),
    ("a_shim_that_does_not_start_is_no_verdict", a_shim_that_does_not_start_is_no_verdict),
];

fn results(options: &Options) -> Results {
    run(options, &Catalogue::embedded().unwrap(), &Quiet).unwrap()
}

fn the_reference_does_all_that_it_must() {
    let results = results(&honest());
    assert!(results.exit == 0 && results.conformant, "{}", report::text::write(&results));
    assert_eq!(results.cases.len(), Catalogue::embedded().unwrap().len());
    assert!(results.cases.len() > 200);
}

fn a_seed_gives_one_order() {
    let catalogue = Catalogue::embedded().unwrap();
    let claims = results(&Options { filter: Some("framing/base".into()), ..honest() }).subject;
    let order = |seed| {
        let plan =
            purser_conformance::run::plan::Plan::new(&Options { seed, ..honest() }, &catalogue, &claims).unwrap();
        plan.cases.iter().map(|planned| planned.case.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(order(7), order(7));
    assert_ne!(order(7), order(8));
    assert!(results(&Options { seed: 8, jobs: 1, ..honest() }).conformant);
}

fn shards_are_the_whole() {
    let mut seen = BTreeSet::new();
    for part in 1..=3 {
        let results = results(&Options { shard: Some(Shard { part, of: 3 }), ..honest() });
        assert_eq!(results.exit, 0);
        assert!(!results.conformant, "a part is no verdict on the whole");
        for case in results.cases {
            assert!(seen.insert(case.id.clone()), "{} is in two parts", case.id);
        }
    }
    assert_eq!(seen.len(), Catalogue::embedded().unwrap().len());
}

fn calls_in_flight_change_nothing() {
    let results = results(&broken(&["--honest", "in-flight"]));
    assert_eq!(results.subject.in_flight_max, 8);
    assert!(results.conformant, "{}", report::text::write(&results));
}

fn a_refusal_brings_its_twin_along() {
    let catalogue = Catalogue::embedded().unwrap();
    let refusal = catalogue.cases().find(|case| case.twin.is_some()).unwrap();
    let results = results(&Options { only: Some([refusal.id.clone()].into()), ..honest() });
    assert_eq!(results.cases.iter().map(|case| &case.id).collect::<Vec<_>>(), [&refusal.id]);
    assert_eq!(results.cases[0].state, State::Passed);
}

fn what_is_not_claimed_is_not_asked() {
    let results = results(&broken(&["--honest", "verifier-only"]));
    assert_eq!(results.exit, 0, "{}", report::text::write(&results));
    let others = results.cases.iter().filter(|case| case.role != "verifier");
    assert!(others.clone().all(|case| case.state == State::NotApplicable));
    assert!(results.roles.iter().filter(|role| role.role != "verifier").all(|role| !role.claimed && role.must.of == 0));
}

fn a_shim_that_does_not_start_is_no_verdict() {
    let catalogue = Catalogue::embedded().unwrap();
    let nowhere = Options::new(purser_conformance::run::subject::Program::parse("/nowhere/shim").unwrap());
    assert!(run(&nowhere, &catalogue, &Quiet).is_err());
    // It runs, and speaks no JSON.
    let babbler = run(&Options::new(program(&["--as-broken", "--list"])), &catalogue, &Quiet);
    assert!(babbler.unwrap_err().to_string().contains("hello"));
}
