//! `purser-server issuer|merchant --config FILE`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use purser_server::config::Config;
use purser_server::life::Life;
use purser_server::log;
use purser_server::role::{self, Role};
use purser_server::serve::Bound;

/// Purser's reference server: for tests and pilots, not for money.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Keeps accounts and mandates, decides, signs receipts.
    Issuer(Run),
    /// Makes offers, redeems receipts, serves.
    Merchant(Run),
}

#[derive(clap::Args)]
struct Run {
    /// The configuration, in TOML.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    let (role, run) = match Arguments::parse().command {
        Command::Issuer(run) => (Role::Issuer, run),
        Command::Merchant(run) => (Role::Merchant, run),
    };
    match serve(role, &run).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("purser-server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(role: Role, run: &Run) -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::load(&run.config)?;
    log::to_stderr(&config.shell);
    let life = Life::new();
    let bound = Bound::bind(&config.shell).await?;
    let app = role::app(role, &config, bound.url(), &life)?;
    let server = bound.serve(app, life);
    println!("{}", server.ready_line(role.name()));
    server.run().await?;
    Ok(())
}
