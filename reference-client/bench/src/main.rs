//! `purser-bench`: what `purser bench` runs.
//!
//! | module | what it is |
//! |---|---|
//! | `arguments` | what there is to type |
//! | `stage` | the folder: certificates, configuration, who may pay |
//! | `fill` | a store of many payments, through the ledger |
//! | `papers` | offers and intents, signed beforehand |
//! | `server` | the issuer as a process of its own, and what it costs |
//! | `connect`, `load` | connections; closed and open loop |
//! | `floor` | what the signatures alone cost |
//! | `run`, `report`, `chart` | the phases, their figures, a picture |

mod arguments;
mod chart;
mod connect;
mod fill;
mod floor;
mod load;
mod papers;
mod report;
mod run;
mod server;
mod stage;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

/// Why there are no figures.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The first argument with which this program is the server.
pub(crate) const SERVER: &str = "server";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_default();
    if std::env::args_os().nth(1).is_some_and(|first| first == SERVER) {
        return serve(std::iter::once(program).chain(arguments.skip(1)));
    }
    let arguments = match arguments::read() {
        Ok(arguments) => arguments,
        Err(exit) => return exit,
    };
    match run::all(&arguments) {
        Ok(exit) => exit,
        Err(error) => {
            eprintln!("purser bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The same server that `purser-server` is, with as many threads.
fn serve(arguments: impl Iterator<Item = std::ffi::OsString>) -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(purser_server::cli::run(arguments)),
        Err(error) => {
            eprintln!("purser bench: no threads: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Tells a person at a terminal how far it is; a file gets whole lines only.
pub(crate) fn progress(what: &str, is_done: bool) {
    let mut stderr = std::io::stderr();
    // A terminal that is gone is told nothing.
    let _ = match (stderr.is_terminal(), is_done) {
        (true, false) => write!(stderr, "\r\x1b[2K{what}"),
        (true, true) => writeln!(stderr, "\r\x1b[2K{what}"),
        (false, true) => writeln!(stderr, "{what}"),
        (false, false) => Ok(()),
    };
    let _ = stderr.flush();
}
