//! `purser`: the command.

use std::process::ExitCode;

mod cli;

fn main() -> ExitCode {
    let command = match cli::read() {
        Ok(command) => command,
        Err(exit) => return exit,
    };
    let json = command.json;
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("purser: no threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(cli::run(command));
    // Connections that are open have nothing left to say.
    runtime.shutdown_background();
    cli::report(done, json)
}
