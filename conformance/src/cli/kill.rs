//! `kill`: what catches what.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::run::say;
use crate::kill::{self, PAIRS_MIN};
use crate::run::Options;
use crate::run::catalogue::Catalogue;
use crate::run::subject::Program;

#[derive(Args)]
pub(super) struct Kill {
    /// The command of the broken programs.
    #[arg(long, value_name = "CMD", default_value = "purser-broken")]
    broken: String,
    /// Where the matrix goes.
    #[arg(long, value_name = "FILE", default_value = "conformance/kill-matrix.json")]
    out: PathBuf,
    /// Other vectors than those that this program carries: a folder of areas.
    #[arg(long, value_name = "DIR")]
    vectors: Option<PathBuf>,
    /// Only programs whose name has this, or one of these, in it; no matrix is written.
    #[arg(long, value_name = "WORD", value_delimiter = ',')]
    only: Vec<String>,
    /// How long a program may say nothing, in milliseconds.
    #[arg(long, value_name = "MILLISECONDS", default_value = "1000")]
    silence: u64,
}

/// Exit status 1 when a fault is caught by fewer than two pairs.
pub(super) fn kill(arguments: &Kill) -> Result<ExitCode, String> {
    let broken = Program::parse(&arguments.broken)?;
    let catalogue = arguments.vectors.as_deref().map_or_else(Catalogue::embedded, Catalogue::read)?;
    let options = Options { silence: Duration::from_millis(arguments.silence), ..Options::new(broken.clone()) };
    let told = |row: &kill::Row| {
        let mark = if row.pairs < PAIRS_MIN { "SURVIVES" } else { "caught" };
        // Whoever reads may have stopped reading; the matrix is written all the same.
        let _ = say(&format!("{mark:8} {:4} {}: {}\n", row.pairs, row.name, row.says));
    };
    let matrix =
        kill::matrix(&broken, &options, &catalogue, &arguments.only, told).map_err(|error| error.to_string())?;
    if !arguments.only.is_empty() {
        let killers = matrix.faults.iter().flat_map(|row| &row.killed_by);
        return say(&killers.map(|(id, seen)| format!("  {id}: {seen}\n")).collect::<String>());
    }
    let text = serde_json::to_string_pretty(&matrix).map_err(|error| error.to_string())? + "\n";
    fs::write(&arguments.out, text).map_err(|error| format!("{}: {error}", arguments.out.display()))?;
    say(&format!(
        "{} broken programs, {} caught by fewer than {PAIRS_MIN} pairs\n\
         caught by no case of a clause that it breaks: {}\n\
         {} cases fail no fault; {} refusals are let through by no fault of their clause\n",
        matrix.faults.len(),
        matrix.survivors.len(),
        matrix.caught_elsewhere.join(", "),
        matrix.idle.len(),
        matrix.unpeeled.len(),
    ))?;
    Ok(ExitCode::from(u8::from(!matrix.survivors.is_empty())))
}
