//! `purser bench`: another program, that is built beside this one, since it holds a whole issuer.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use clap::Args;
use purser_client::{Error, Result};

/// The program.
const PROGRAM: &str = "purser-bench";

/// Put an issuer under load, and hold it against what its signatures alone would allow.
#[derive(Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Bench {
    /// As `purser bench --help` says.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Bench {
    /// What was typed after `purser bench`: all of it is the other program's, whatever means something here too.
    pub(crate) fn typed() -> Option<Self> {
        let mut arguments = std::env::args_os().skip(1);
        arguments.next().filter(|first| first == "bench")?;
        Some(Self { arguments: arguments.collect() })
    }

    /// Runs it, and ends as it does.
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let here = std::env::current_exe().map_err(|error| Error::failed(error.to_string()))?;
        let program = here.with_file_name(format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX));
        let ended = Command::new(&program).args(&self.arguments).status().map_err(|error| {
            Error::failed(format!("{}: {error}", program.display()))
                .fix("build it beside this program: cargo build --release -p purser-bench")
        })?;
        Ok(ended.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
    }
}
