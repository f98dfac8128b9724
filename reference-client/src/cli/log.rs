//! `purser log`: whether the issuer keeps one history.

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use purser_client::follow::{Follower, Seen};
use purser_client::home::Home;
use purser_client::{Class, Error, Result};
use purser_protocol::field::encoded;
use purser_protocol::flow::log::{Logged, read_proof};
use purser_protocol::receipt::log::LoggedReceipt;
use serde_json::{Value, json};

use super::done::{claims_json, code};
use super::paper::{Against, faulty};
use super::{Done, duration, read_file, session};

#[derive(Subcommand)]
pub(super) enum Log {
    /// Follow the log: exit code 6 when it forks or shrinks
    Watch {
        /// Look once, and end
        #[arg(long)]
        once: bool,
        /// How long to wait between two looks
        #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
        every: Duration,
    },
    /// Prove that a receipt is in the log
    Prove {
        /// The receipt's file; - is stdin
        receipt: PathBuf,
        /// Where to write the proof, to be verified offline
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Verify offline what prove has written
    Verify {
        /// The file; - is stdin
        file: PathBuf,
        #[command(flatten)]
        against: Against,
    },
}

impl Log {
    pub(super) async fn run(self, home: Home, json: bool) -> Result<Done> {
        match self {
            Self::Watch { once, every } => watch(home, once, every, json).await,
            Self::Prove { receipt, out } => prove(home, &read_file(&receipt)?, out).await,
            Self::Verify { file, against } => verify(&read_file(&file)?, &against, &home),
        }
    }
}

async fn watch(home: Home, once: bool, every: Duration, json: bool) -> Result<Done> {
    let session = session(home).await?;
    let follower = Follower::new(&session.home, &session.issuer);
    loop {
        match follower.follow().await {
            Ok(seen) if once => return Ok(Done::new(line(&seen), members(&seen))),
            Ok(seen) if json => println!("{}", members(&seen)),
            Ok(seen) if seen.before == Some(seen.root.root.log_size) => {}
            Ok(seen) => print!("{}", line(&seen)),
            // An issuer that is not reached shows no other history.
            Err(error) if !once && matches!(error.class(), Class::Unreachable | Class::Unknown) => {
                eprintln!("purser: {error}");
            }
            Err(error) => return Err(error),
        }
        tokio::time::sleep(every).await;
    }
}

fn line(seen: &Seen) -> String {
    let root = &seen.root.root;
    let gone_on = match seen.before {
        None => "the first that is kept",
        Some(before) if before == root.log_size => "as before",
        Some(_) => "goes on from the one before",
    };
    format!("log of {}: {} batches, {gone_on}\n  root {}\n", seen.root.issuer, root.log_size, root.log_root)
}

fn members(seen: &Seen) -> Value {
    let root = &seen.root.root;
    json!({
        "issuer": seen.root.issuer.as_str(),
        "log_size": root.log_size,
        "log_root": root.log_root.to_string(),
        "issued_at": root.issued_at.get(),
        "log_size_before": seen.before,
    })
}

async fn prove(home: Home, receipt: &[u8], out: Option<PathBuf>) -> Result<Done> {
    let session = session(home).await?;
    let (logged, proved) = Follower::new(&session.home, &session.issuer).prove(receipt).await?;
    let done = good(&proved);
    match out {
        None => Ok(done),
        Some(path) => {
            std::fs::write(&path, encoded(&logged)).map_err(|error| Error::file(&path, &error))?;
            Ok(done.note(format!("the proof is in {}", path.display())))
        }
    }
}

fn verify(bytes: &[u8], against: &Against, home: &Home) -> Result<Done> {
    let trust = against.trust(home)?;
    let verified = read_proof::<LoggedReceipt>(bytes).and_then(|logged| trust.logged(&logged));
    Ok(match verified {
        Ok(proved) => good(&proved),
        Err(fault) => faulty(bytes, &fault).exit(code::FAILED),
    })
}

fn good(proved: &Logged) -> Done {
    let (receipt, root) = (&proved.receipt, &proved.root.root);
    let text = format!(
        "receipt {}: {}, batch {} of the log of {} with {} batches\n  root {}\n",
        receipt.id,
        receipt.claims.outcome.name(),
        receipt.root.batch,
        receipt.issuer,
        root.log_size,
        root.log_root
    );
    let json = json!({
        "receipt_id": receipt.id.to_string(),
        "issuer": receipt.issuer.as_str(),
        "batch": receipt.root.batch,
        "log_size": root.log_size,
        "log_root": root.log_root.to_string(),
        "receipt": claims_json(&receipt.claims),
    });
    Done::new(text, json)
}
