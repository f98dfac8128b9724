//! `purser-shim`: calls on standard input, replies on standard output.

use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    match purser_shim::serve(io::stdin().lock(), io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("purser-shim: {error}");
            ExitCode::FAILURE
        }
    }
}
