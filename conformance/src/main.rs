//! `purser-conformance spec check|write [--root DIR]`

use std::process::ExitCode;

fn main() -> ExitCode {
    purser_conformance::cli::run(std::env::args_os())
}
