//! `cargo demo [--keep] [--json]`

use std::ffi::OsString;
use std::io::Read as _;
use std::process::ExitCode;

use clap::Parser;
use purser_demo::{Options, SERVER};

/// An issuer and a merchant as processes on this machine, and an agent that pays: each row must come out as the
/// table says.
#[derive(Parser)]
#[command(name = "purser-demo", version)]
struct Arguments {
    /// Leave it running, keep its folder, and say how to go on.
    #[arg(long)]
    keep: bool,
    /// One JSON object on standard output.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_else(|| "purser-demo".into());
    let arguments: Vec<OsString> = arguments.collect();
    if let Some((first, rest)) = arguments.split_first()
        && first == SERVER
    {
        end_with_standard_input();
        return purser_server::cli::run(std::iter::once("purser-server".into()).chain(rest.iter().cloned())).await;
    }
    let Arguments { keep, json } = match Arguments::try_parse_from(std::iter::once(program).chain(arguments)) {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match std::env::current_exe() {
        Ok(server) => purser_demo::run(Options { server, keep, json }).await,
        Err(error) => {
            eprintln!("purser-demo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A server lives no longer than the demo that holds the other end of its standard input, however that ends.
fn end_with_standard_input() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
}
