//! Programs under test, by the one way that there is: a process, lines in, lines out.
//!
//! The programs are this one, called again: with `--as-shim` it is the reference, with `--as-broken` one of the
//! broken ones. Hence no harness but its own, which knows names to filter by and nothing else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot build its case has failed"
)]

mod broken;
mod reference;
mod reports;

use std::io::{stdin, stdout};
use std::panic::catch_unwind;
use std::process::ExitCode;

use purser_conformance::run::Options;
use purser_conformance::run::subject::Program;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--as-shim"] => {
            purser_shim::serve(stdin().lock(), stdout().lock()).unwrap();
            return ExitCode::SUCCESS;
        }
        ["--as-broken", rest @ ..] => return purser_broken::program::main(rest, stdin().lock(), stdout().lock()),
        _ => {}
    }
    let wanted = words.iter().find(|word| !word.starts_with('-'));
    let tests = [reference::TESTS, broken::TESTS, reports::TESTS].concat();
    let tests = tests.into_iter().filter(|(name, _)| wanted.is_none_or(|wanted| name.contains(wanted)));
    let (mut passed_count, mut failed) = (0, Vec::new());
    for (name, test) in tests {
        let passed = catch_unwind(test).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        passed_count += usize::from(passed);
        failed.extend((!passed).then_some(name));
    }
    println!("{passed_count} passed, {} failed", failed.len());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A test by its name.
type Test = (&'static str, fn());

fn program(arguments: &[&str]) -> Program {
    let path = std::env::current_exe().unwrap().display().to_string();
    Program { path, arguments: arguments.iter().map(|&argument| argument.to_owned()).collect() }
}

fn honest() -> Options {
    Options::new(program(&["--as-shim"]))
}

fn broken(arguments: &[&str]) -> Options {
    Options::new(program(&[&["--as-broken"], arguments].concat()))
}
