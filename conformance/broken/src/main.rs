//! `purser-broken --fault NAME | --as STRUCTURE | --list | --trace`: a subject that the suite must catch.

use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    purser_broken::program::main(&arguments, io::stdin().lock(), io::stdout().lock())
}
