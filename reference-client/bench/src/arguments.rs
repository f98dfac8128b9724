//! What there is to type.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

/// Puts an issuer under load, and holds it against what its signatures alone would allow.
///
/// Alone it makes a folder, starts an issuer of its own on it, and ends within four minutes. Figures for people go to
/// stderr; the last line on stdout is one JSON object.
///
/// Exit codes: 0 measured; 1 not measured, or an answer was wrong; 2 wrong usage.
#[derive(Parser)]
#[command(name = "purser bench", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// The folder of issuer and store; made where it is not there, and kept. One that goes with the run when not given.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Prepares a store of so many payments in --dir, and ends.
    #[arg(long, value_name = "PAYMENTS", requires = "dir")]
    pub(crate) fill: Option<u64>,
    /// Mandates, each of an account and an agent of its own, when the folder is made.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    pub(crate) mandates: u32,
    /// Another store than a file in the folder: postgresql://...
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Option<String>,
    /// What to measure; all but the overload when not given.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<Phase>,
    /// Seconds of the main phase; the others are shorter.
    #[arg(long, default_value_t = 20)]
    pub(crate) seconds: u64,
    /// Connections of the HTTP/2 load.
    #[arg(long, default_value_t = 8)]
    pub(crate) connections: usize,
    /// Payments at once on each of them.
    #[arg(long, default_value_t = 32)]
    pub(crate) streams: usize,
    /// Connections of the HTTP/1.1 load.
    #[arg(long, default_value_t = 64)]
    pub(crate) lines: usize,
    /// Payments a second of the open loop; seven tenths of what the closed loop reached when not given.
    #[arg(long, value_name = "PER_SECOND")]
    pub(crate) rate: Option<f64>,
    /// A picture of the figures.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Phase {
    /// One payment after the other.
    Unloaded,
    /// As many as come back, over HTTP/2, and a cheap request beside them.
    Closed,
    /// The same over HTTP/1.1.
    Http1,
    /// All of them under one mandate.
    Hot,
    /// A fixed rate, whatever comes back.
    Open,
    /// Four times the peak, issuer and load on a core each.
    Overload,
}

impl Arguments {
    /// Whether a phase was asked for.
    pub(crate) fn wants(&self, phase: Phase) -> bool {
        self.only.contains(&phase) || (self.only.is_empty() && phase != Phase::Overload)
    }
}

/// Reads what was typed. The error is how to end: help is none.
pub(crate) fn read() -> Result<Arguments, ExitCode> {
    Arguments::try_parse().map_err(|error| {
        // Clap knows the stream of each.
        let _ = error.print();
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
    })
}
