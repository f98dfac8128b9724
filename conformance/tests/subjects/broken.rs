//! What is broken is caught, and whoever does nothing gets nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use purser_conformance::kill::{self, Matrix, PAIRS_MIN};
use purser_conformance::report;
use purser_conformance::results::{CaseResult, Results, State};
use purser_conformance::run::catalogue::Catalogue;
use purser_conformance::run::judge::Why;
use purser_conformance::run::known::{Day, KnownFailing};
use purser_conformance::run::plan::Shard;
use purser_conformance::run::settings::Settings;
use purser_conformance::run::{Options, Quiet, run};
use purser_conformance::vectors;
use purser_protocol::code::Code;

use super::{Test, broken, honest, program};

pub(super) const TESTS: &[Test] = &[
    ("every_fault_fits_its_line", every_fault_fits_its_line),
    ("accepting_and_refusing_everything_score_nothing", doing_nothing_scores_nothing),
    ("every_structure_is_caught", every_structure_is_caught),
    ("to_know_the_vectors_by_heart_does_not_help", to_know_the_vectors_does_not_help),
    ("a_clock_that_nobody_sets_is_met_with_cases_of_now", a_clock_that_nobody_sets),
    ("crashes_lose_their_own_case_and_no_other", crashes_lose_their_own_case),
    ("the_kill_matrix_still_holds", the_kill_matrix_still_holds),
    ("own_names_of_codes_are_mapped", own_names_of_codes_are_mapped),
    ("known_failures_pass_the_run_and_not_the_requirements", known_failures_pass_the_run),
];

fn results(options: &Options) -> Results {
    run(options, &Catalogue::embedded().unwrap(), &Quiet).unwrap()
}

fn every_fault_fits_its_line() {
    assert_eq!(purser_broken::broken::UNFIT, [""; 0], "mend conformance/broken/faults.toml");
    let names: BTreeSet<_> = purser_broken::broken::FAULTS.iter().map(|fault| fault.name).collect();
    assert_eq!(names.len(), purser_broken::broken::FAULTS.len(), "two faults have one name");
    assert!(names.len() >= 40);
}

fn doing_nothing_scores_nothing() {
    for name in ["accept-all", "reject-all", "echo"] {
        let results = results(&broken(&["--as", name]));
        let passed =
            results.cases.iter().filter(|case| case.state == State::Passed && case.not_scored.is_none()).count();
        assert_eq!((passed, results.exit), (0, 1), "{name}");
        let baseline = results.suite.baseline.unwrap();
        assert_eq!((baseline.accept_all, baseline.reject_all), (0, 0));
    }
}

fn every_structure_is_caught() {
    let catalogue = Catalogue::embedded().unwrap();
    let has_states = catalogue.cases().any(|case| case.expect.after.is_some());
    for (name, _) in purser_broken::program::STRUCTURES {
        // Who loses its state is seen by cases that have one.
        if !has_states && *name == "no-state" {
            continue;
        }
        let silence = Duration::from_millis(if *name == "sleep" { 300 } else { 5_000 });
        // A part of the cases is enough to see what has no honest core.
        let shard = Some(Shard { part: 1, of: 6 });
        let results = results(&Options { silence, shard, ..broken(&["--as", name]) });
        assert_eq!(results.exit, 1, "{name}: {}", report::text::write(&results));
    }
}

fn to_know_the_vectors_does_not_help() {
    let memoriser = Options { role: Some("verifier".into()), ..broken(&["--as", "memoriser"]) };
    let published = results(&memoriser);
    // A signature is made anew, so that nobody knows it by heart.
    let catalogue = Catalogue::embedded().unwrap();
    let mut failed = published.cases.iter().filter(|case| case.state == State::Failed);
    let is_signing = |case: &CaseResult| catalogue.get(&case.id).unwrap().call.op == "paper.sign";
    assert!(failed.all(is_signing), "{}", report::text::write(&published));
    let minted = Catalogue::of(vectors::minted(memoriser.seed));
    let caught = run(&memoriser, &minted, &Quiet).unwrap();
    assert!(caught.roles.iter().all(|role| role.must.passed == 0), "{}", report::text::write(&caught));
    let honest = run(&honest(), &minted, &Quiet).unwrap();
    assert!(honest.conformant, "{}", report::text::write(&honest));
}

/// Who reads a clock and passes over the time of a call is put to the cases as of now.
fn a_clock_that_nobody_sets() {
    let own = broken(&["--honest", "own-clock"]);
    let refused = run(&own, &Catalogue::embedded().unwrap(), &Quiet).unwrap_err();
    assert!(refused.to_string().contains("--minted"), "{refused}");
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let of_now = Catalogue::of(vectors::minted_at(7, now));
    // However long the run takes.
    for clock in ["own-clock", "late-clock"] {
        let options = Options { minted: Some(7), made_at: Some(now), ..broken(&["--honest", clock]) };
        let results = run(&options, &of_now, &Quiet).unwrap();
        assert_eq!(results.exit, 0, "{clock}: {}", report::text::write(&results));
        for (role, least) in [("verifier", 900), ("issuer", 600), ("agent", 40), ("merchant", 40), ("wallet", 200)] {
            let of_role = results.roles.iter().find(|known| known.role == role).unwrap();
            assert!(of_role.must.of >= least, "{role}: {} cases of now", of_role.must.of);
        }
    }
    // Of now as well, nobody knows the answers by heart.
    let learnt = broken(&["--as", "memoriser"]);
    let learnt = Options { minted: Some(7), made_at: Some(now), role: Some("verifier".into()), ..learnt };
    let caught = run(&learnt, &of_now, &Quiet).unwrap();
    assert!(caught.roles.iter().all(|role| role.must.passed == 0), "{}", report::text::write(&caught));
}

fn crashes_lose_their_own_case() {
    for (name, why) in [("crash-one-in-fifty", Why::Crashed), ("sleep", Why::TimedOut)] {
        let silence = Duration::from_millis(if name == "sleep" { 300 } else { 5_000 });
        let shard = Some(Shard { part: 2, of: 6 });
        let results = results(&Options { silence, shard, jobs: 1, ..broken(&["--as", name]) });
        let failed: Vec<_> = results.cases.iter().filter(|case| case.state == State::Failed).collect();
        assert!(
            failed.iter().all(|case| matches!(case.why, Some(w) if w == why || w == Why::Twin || w == Why::Controls))
        );
        let direct = failed.iter().filter(|case| case.why == Some(why)).count();
        assert!(direct > 0 && direct < results.cases.len() / 5, "{name}: {direct} of {}", results.cases.len());
    }
}

/// Of every fault that the matrix says is caught, the first cases that catch it are run again.
fn the_kill_matrix_still_holds() {
    let text = include_str!("../../kill-matrix.json");
    let matrix: Matrix = serde_json::from_str(text).unwrap();
    let catalogue = Catalogue::embedded().unwrap();
    let mut lost = Vec::new();
    let all: BTreeMap<_, _> = matrix.faults.iter().map(|row| (row.name.as_str(), row)).collect();
    for fault in purser_broken::broken::FAULTS {
        let Some(row) = all.get(fault.name) else { continue };
        let by: BTreeSet<String> =
            row.killed_by.keys().filter(|id| catalogue.get(id).is_some()).take(3).cloned().collect();
        if by.len() < PAIRS_MIN {
            continue;
        }
        let options = kill::options_of(&program(&["--as-broken"]), row, &Options::new(program(&[])));
        let results = run(&Options { only: Some(by), jobs: 1, ..options }, &catalogue, &Quiet).unwrap();
        if kill::failures(&results).len() < PAIRS_MIN {
            lost.push(fault.name);
        }
    }
    assert!(lost.is_empty(), "not caught any more: {lost:?}; purser-conformance kill makes the matrix anew");
}

fn own_names_of_codes_are_mapped() {
    let own = broken(&["--honest", "own-codes"]);
    let strange = results(&own);
    assert_eq!(strange.exit, 1);
    let lines: String = Code::ALL.iter().map(|code| format!("\"E_{0}\" = \"{0}\"\n", code.slug())).collect();
    let settings = Settings::read(&format!("[codes]\n{lines}")).unwrap();
    let mapped = results(&Options { codes: settings.codes, ..own.clone() });
    assert!(mapped.conformant, "{}", report::text::write(&mapped));
    let loose = results(&Options { loose_codes: true, ..own });
    assert_eq!(loose.exit, 0);
    assert!(!loose.conformant, "any code is less than the right code");
}

fn known_failures_pass_the_run() {
    let broken = broken(&["--fault", "duplicate-keys"]);
    let failed = results(&broken);
    assert_eq!(failed.exit, 1);
    let ids = failed.cases.iter().filter(|case| case.state == State::Failed).map(|case| case.id.clone());
    let entries =
        ids.map(|id| format!("[[case]]\npattern = \"{id}\"\nreason = \"being mended\"\nuntil = \"2099-01-01\"\n"));
    let list = entries.collect::<String>();
    let with = |list: &str| {
        let known = KnownFailing::read(list, Day::read("2030-01-01").unwrap()).unwrap();
        results(&Options { known, ..broken.clone() })
    };
    let excused = with(&list);
    assert_eq!(excused.exit, 0, "{}", report::text::write(&excused));
    assert!(!excused.conformant);
    let stale = with(&format!("{list}[[case]]\npattern = \"framing/base\"\nreason = \"was never broken\"\n"));
    assert_eq!(stale.exit, 1);
}
