//! `purser-mcp`: the command.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use purser_client::{Error, Result};
use purser_mcp::agent::Agent;
use purser_mcp::merchant::{Allowed, Merchant, Orders, counter};
use purser_mcp::serve::{Doors, Listening, stdio};
use purser_mcp::toolbox::Toolbox;
use purser_merchant::Shop;
use purser_protocol::money::Money;

/// Purser over the Model Context Protocol.
///
/// Serves one client over stdin and stdout, or, with --http, clients on this machine.
#[derive(Parser)]
#[command(name = "purser-mcp", version, max_term_width = 100)]
struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Tools for an agent that pays. The agent's key stays with `purser signer`
    Agent {
        /// The socket of the signer that has the agent's key
        #[arg(long, env = "PURSER_SIGNER", value_name = "PATH")]
        signer: PathBuf,
        /// Where attempts and receipts are kept, without any key; made when it is not there
        #[arg(long, env = "PURSER_MCP_DIR", value_name = "DIR")]
        dir: PathBuf,
        #[command(flatten)]
        transport: Transport,
    },
    /// Tools for a merchant, over its own configuration and store
    Merchant {
        /// The merchant's configuration, in TOML
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// A folder for what is asked for and given back; shared with the counter
        #[arg(long, value_name = "DIR")]
        orders: PathBuf,
        /// Where the counter is, such as https://shop.example:8443
        #[arg(long, value_name = "URL")]
        counter: String,
        /// The only tools, by name, with commas between; all but refunds when not given
        #[arg(long, value_name = "NAMES", value_delimiter = ',')]
        tools: Vec<String>,
        /// Switch refunds on, of at most so much each, such as "20.00 CNY"
        #[arg(long, value_name = "AMOUNT")]
        refund_max: Option<Money>,
        #[command(flatten)]
        transport: Transport,
    },
    /// The counter where orders of create_payment are paid: HTTPS, as the configuration's [shell] says
    Counter {
        /// The merchant's configuration, in TOML
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The folder of orders
        #[arg(long, value_name = "DIR")]
        orders: PathBuf,
    },
}

#[derive(Args)]
struct Transport {
    /// Serve streamable HTTP at this address of this machine, such as 127.0.0.1:0, not stdio
    #[arg(long, value_name = "ADDR", requires = "token_file")]
    http: Option<SocketAddr>,
    /// A file with the token that callers show as a bearer
    #[arg(long, value_name = "FILE", requires = "http")]
    token_file: Option<PathBuf>,
    /// A name that Host may say beside this machine's own, such as that of a proxy; may stand several times
    #[arg(long, value_name = "HOST", requires = "http")]
    allowed_host: Vec<String>,
    /// An origin whose pages may call, such as https://app.example:443; may stand several times
    #[arg(long, value_name = "ORIGIN", requires = "http")]
    allowed_origin: Vec<String>,
}

fn main() -> ExitCode {
    let command = Command::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("purser-mcp: no threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(run(command));
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("purser-mcp: {error}");
            if let Some(fix) = error.remedy() {
                eprintln!("  fix: {fix}");
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<()> {
    match command.what {
        What::Agent { signer, dir, transport } => transport.serve(Arc::new(Agent::open(&dir, &signer)?)).await,
        What::Merchant { config, orders, counter, tools, refund_max, transport } => {
            let allowed = Allowed { tools: tools.into_iter().collect(), refund_max };
            transport.serve(Arc::new(Merchant::open(&config, orders, &counter, allowed)?)).await
        }
        What::Counter { config, orders } => {
            let failed = |error: purser_merchant::SetupError| Error::failed(error.to_string()).at(config.display());
            let shop = Shop::open(&config).map_err(failed)?;
            purser_merchant::serve(&config, &shop, counter(&shop, Orders::open(orders)?)).await.map_err(failed)
        }
    }
}

impl Transport {
    async fn serve<T: Toolbox>(self, toolbox: Arc<T>) -> Result<()> {
        let (Some(listen), Some(file)) = (self.http, &self.token_file) else { return stdio(toolbox).await };
        let doors = Doors { listen, hosts: self.allowed_host, origins: self.allowed_origin, token: token(file)? };
        let listening = Listening::bind(doors).await?;
        // One line, for who started it.
        println!("{{\"ready\":true,\"url\":\"http://{}/mcp\"}}", listening.address);
        listening.serve(toolbox).await
    }
}

fn token(file: &Path) -> Result<String> {
    let text = std::fs::read_to_string(file).map_err(|error| Error::file(file, &error))?;
    Ok(text.trim().to_owned())
}
