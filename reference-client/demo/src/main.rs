//! `cargo demo [--keep] [--json]`

use std::ffi::OsString;
use std::io::Read as _;
use std::process::ExitCode;

use clap::Parser;
use purser_demo::{Failure, MERCHANT_TOOLS, Options, PRICED_TOOL, SERVER, tool};

/// An issuer and a merchant as processes on this machine, and an agent that pays: each row must come out as the
/// table says.
#[derive(Parser)]
#[command(name = "purser-demo", version)]
struct Arguments {
    /// Leave it running, keep its folder, and say how to go on. The rows that put the clocks on are left out.
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
    if let Some(done) = mcp_server(&arguments).await {
        return done.map_or_else(failed, |()| ExitCode::SUCCESS);
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
        Err(error) => failed(error.into()),
    }
}

/// The program as one of its MCP servers.
async fn mcp_server(arguments: &[OsString]) -> Option<Result<(), Failure>> {
    match arguments {
        [what, config] if what == PRICED_TOOL => Some(tool::priced(config.as_ref()).await),
        [what, config, orders, max] if what == MERCHANT_TOOLS => {
            Some(tool::merchant(config.as_ref(), orders.into(), &max.to_string_lossy()).await)
        }
        _ => None,
    }
}

fn failed(error: Failure) -> ExitCode {
    eprintln!("purser-demo: {error}");
    ExitCode::FAILURE
}

/// A server lives no longer than the demo that holds the other end of its standard input, however that ends.
fn end_with_standard_input() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
}
