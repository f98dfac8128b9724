//! Purser at work, in a few seconds, on loopback and with TLS: an issuer and a merchant as processes of their
//! own, from a fresh sandbox, and an agent that pays through the client library.
//!
//! | module | what it is |
//! |---|---|
//! | [`script`] | the rows, and how each must come out |
//! | [`rows`] | what is done for each row |
//! | [`stage`] | the folder, the processes, the people |
//! | [`program`], [`relay`] | a process that can be killed; a wire that can swallow an answer |
//! | [`stock`], [`tool`] | a client of the Model Context Protocol that we did not write, and two servers for it |
//! | [`books`] | receipts from files, against the anchors alone; the issuer's store, audited |
//! | [`table`] | what is printed |

mod books;
mod program;
mod relay;
mod rows;
pub mod script;
mod stage;
mod stock;
mod table;
pub mod tool;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use tokio::signal::unix::{SignalKind, signal};

use script::Expected;
use stage::Stage;
use table::Report;

/// The first argument with which the program is a server instead.
pub const SERVER: &str = "__server";
/// The first argument with which it is an MCP server whose tool has a price.
pub const PRICED_TOOL: &str = "__priced-tool";
/// The first argument with which it is the merchant's MCP server.
pub const MERCHANT_TOOLS: &str = "__merchant-tools";

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program that is a server when its first argument is [`SERVER`].
    pub server: PathBuf,
    /// Leave it running afterwards, until Ctrl-C, and keep the folder.
    pub keep: bool,
    /// Print one JSON object.
    pub json: bool,
}

/// Anything that ends the demo before its end.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Plays every row. Success is that each came out as the script says, and that the books agree.
pub async fn run(options: Options) -> ExitCode {
    let script = if options.keep { script::of_today() } else { script::rows() };
    run_against(options, script).await
}

/// The same against another script, to see that a row that comes out otherwise is a failure.
#[doc(hidden)]
pub async fn run_against(options: Options, script: Vec<Expected>) -> ExitCode {
    let mut stop = match interrupted() {
        Ok(stop) => stop,
        Err(error) => return failed(&error.into()),
    };
    tokio::select! {
        // Whatever is dropped here is ended with it: the processes, and their folder.
        outcome = whole(&options, script) => outcome.unwrap_or_else(|error| failed(&error)),
        () = stop.wait() => ExitCode::from(130),
    }
}

async fn whole(options: &Options, script: Vec<Expected>) -> Result<ExitCode, Failure> {
    let began = Instant::now();
    let mut stage = Stage::set(&options.server, options.keep).await?;
    if !options.json {
        print!("{}", table::head(&stage));
    }
    let rows = rows::play(&mut stage, script, |row| {
        if !options.json {
            print!("{row}");
        }
    })
    .await?;
    let books = books::check(&stage).await?;
    let report = Report { rows, books, ms: began.elapsed().as_millis() };
    print!("{}", if options.json { report.json(&stage) } else { report.foot() });
    if options.keep {
        eprint!("{}", table::how_to_go_on(&stage, &stage.guest()?));
        std::future::pending::<()>().await;
    }
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn failed(error: &Failure) -> ExitCode {
    eprintln!("purser-demo: {error}");
    ExitCode::FAILURE
}

/// Ctrl-C, or being told to end.
struct Interrupts([tokio::signal::unix::Signal; 2]);

fn interrupted() -> std::io::Result<Interrupts> {
    Ok(Interrupts([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?]))
}

impl Interrupts {
    async fn wait(&mut self) {
        let [interrupt, terminate] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}
