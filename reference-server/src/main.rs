//! `purser-server issuer|merchant --config FILE`, `purser-server sandbox --dir DIR`

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    purser_server::cli::run(std::env::args_os()).await
}
