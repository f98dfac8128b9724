//! `purser-simulator`: runs seeds until something is found.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    purser_simulator::program::main(&arguments)
}
