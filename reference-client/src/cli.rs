//! The command line: what there is to type. One file a command; data goes to stdout, all else to stderr.

mod account;
mod ap2;
mod bench;
mod confirm;
mod device;
mod directory;
mod dispute;
mod doctor;
mod done;
mod fetch;
mod init;
mod log;
mod mandate;
mod merchant;
mod output;
mod paper;
mod payment;
mod scan;
mod shown;
mod signer;
mod skill;
mod token;
mod wallet;
mod webhook;

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use purser_client::home::Home;
use purser_client::pay::{Patience, Watch};
use purser_client::session::Session;
use purser_client::terms::when;
use purser_client::{Error, Result};
use purser_protocol::id::{LongText, PaperId};
use purser_protocol::sign::Frame;
use purser_protocol::sign::paper::id as paper_id;

pub(crate) use done::{Done, report};

/// Purser: let an agent pay, within what you have signed.
///
/// Exit codes: 0 done; 1 failed or denied; 2 wrong usage; 3 the person must confirm; 4 pending or not known, run
/// the same again; 5 the peer was not reached; 6 the issuer shows another history than before.
#[derive(Parser)]
#[command(name = "purser", version, max_term_width = 100)]
pub(crate) struct Command {
    /// The data folder; ~/.purser when not given.
    #[arg(long, global = true, env = "PURSER_DIR", value_name = "DIR", hide_env_values = true)]
    dir: Option<PathBuf>,
    /// One JSON object on stdout, whatever happens.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The language in which mandates, offers and confirmations are shown.
    #[arg(long, global = true, value_enum, default_value = "en", env = "PURSER_LANG", value_name = "LANGUAGE")]
    lang: shown::Language,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Make a data folder: keys of a person and of an agent, and the configuration.
    Init(init::Init),
    /// Open an account, look at it, add a key.
    #[command(subcommand)]
    Account(account::Account),
    /// Say what an agent may spend, and take it back.
    #[command(subcommand)]
    Mandate(mandate::Mandate),
    /// All agents and mandates of the account: look, change many with one signature, export.
    #[command(subcommand)]
    Wallet(wallet::Wallet),
    /// Answer payments that wait for the person.
    #[command(subcommand)]
    Confirm(confirm::Confirm),
    /// Look for what merchants sell, in the issuer's directory.
    #[command(subcommand)]
    Directory(directory::Directory),
    /// As a device: ask for a mandate of its own.
    #[command(subcommand)]
    Device(device::Device),
    /// Get a resource, and pay its price.
    Fetch(fetch::Fetch),
    /// Read a merchant's code in a photograph, and pay it.
    Scan(scan::Scan),
    /// Look at payments, take up those in doubt, give one up.
    #[command(subcommand)]
    Payment(payment::Payment),
    /// As a merchant: take held money.
    Capture(merchant::Capture),
    /// As a merchant: give held money up.
    Void(merchant::Void),
    /// As a merchant: give captured money back.
    Refund(merchant::Refund),
    /// Take money out of the merchant's account at the issuer.
    Payout(merchant::Payout),
    /// Claim money of a payment back, and what follows from it.
    #[command(subcommand)]
    Dispute(dispute::Dispute),
    /// See what an issuer tells a merchant by itself.
    #[command(subcommand)]
    Webhook(webhook::Webhook),
    /// Send a command that was signed before, such as a refund whose answer was lost.
    Send(merchant::Send),
    /// Show and check mandates of AP2, and say them in rules.
    #[command(subcommand)]
    Ap2(ap2::Ap2),
    /// Show and check papers and receipts in files.
    #[command(subcommand)]
    Paper(paper::Paper),
    /// Check receipts.
    #[command(subcommand)]
    Receipt(paper::Receipt),
    /// See whether the issuer keeps one history, and prove receipts to be in it.
    #[command(subcommand)]
    Log(log::Log),
    /// Keep the agent's key in this process, and sign for others what they may have signed.
    Signer(signer::Signer),
    /// Stand in for a seller of tokens on this machine: clients of OpenAI's chat API pay by metered session.
    Proxy(token::ProxyArgs),
    /// Metered sessions: prices, what was spent, their end.
    #[command(subcommand)]
    Token(token::Token),
    /// Sign, check, pack and publish skills.
    #[command(subcommand)]
    Skill(skill::Skill),
    /// Check the folder, the keys, the clock and the issuer.
    Doctor,
    /// Put an issuer under load, and hold it against what its signatures alone would allow.
    Bench(bench::Bench),
}

/// Reads what was typed. The error is how to end: help and versions are no errors, and programs that asked for
/// JSON get it whatever they typed.
pub(crate) fn read() -> std::result::Result<Command, ExitCode> {
    if let Some(bench) = bench::Bench::typed() {
        return Err(bench.run().unwrap_or_else(|error| report(Err(error), false)));
    }
    Command::try_parse().map_err(|error| {
        let asks_for_json = std::env::args_os().any(|argument| argument == "--json");
        if error.use_stderr() && asks_for_json {
            let what = error.render().to_string();
            let what = what.trim().strip_prefix("error: ").unwrap_or(what.trim()).to_owned();
            return report(Err(Error::usage(what)), true);
        }
        // Clap knows the stream of each.
        let _ = error.print();
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
    })
}

/// Does what was typed.
pub(crate) async fn run(command: Command) -> Result<Done> {
    let (home, lang) = (|| Home::locate(command.dir.as_deref()), command.lang);
    match command.what {
        What::Init(init) => init.run(home()?).await,
        What::Account(account) => account.run(home()?).await,
        What::Wallet(wallet) => wallet.run(home()?, lang).await,
        What::Mandate(mandate) => mandate.run(home()?, lang).await,
        What::Confirm(confirm) => confirm.run(home()?, lang).await,
        What::Device(device) => device.run(home()?).await,
        What::Fetch(fetch) => fetch.run(home()?).await,
        What::Scan(scan) => scan.run(home()?, lang).await,
        What::Payment(payment) => payment.run(home()?).await,
        What::Capture(capture) => capture.run(home()?).await,
        What::Void(void) => void.run(home()?).await,
        What::Refund(refund) => refund.run(home()?).await,
        What::Payout(payout) => payout.run(home()?).await,
        What::Directory(directory) => directory.run(home()?).await,
        What::Dispute(dispute) => dispute.run(home()?).await,
        What::Webhook(webhook) => webhook.run(home()?).await,
        What::Send(send) => send.run(home()?).await,
        What::Ap2(ap2) => ap2.run(home).await,
        What::Paper(paper) => paper.run(&home()?, lang),
        What::Receipt(receipt) => receipt.run(&home()?),
        What::Log(log) => log.run(home()?, command.json).await,
        What::Signer(signer) => signer.run(home()?).await,
        What::Proxy(proxy) => proxy.run(home()?).await,
        What::Token(token) => token.run(home()?, lang).await,
        What::Skill(skill) => skill.run(),
        What::Doctor => doctor::run(home()?).await,
        What::Bench(_) => Err(Error::usage("`bench` is typed first, and all else after it")),
    }
}

/// How long to go on waiting.
#[derive(Args, Clone, Copy)]
struct Waiting {
    /// How long to wait for a person who must confirm, such as 5m; not at all when not given.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    wait: Option<Duration>,
    /// How long to go on while the outcome is not known.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    patience: Duration,
}

impl Waiting {
    fn patience(self) -> Patience {
        Patience { doubt: self.patience, person: self.wait.unwrap_or_default() }
    }
}

/// Tells a person at a terminal what is waited for, and a file nothing.
struct Terminal;

impl Watch for Terminal {
    fn waiting(&self, what: &str) {
        let mut stderr = std::io::stderr();
        if stderr.is_terminal() {
            // A terminal that is gone is told nothing.
            let _ = writeln!(stderr, "{what}");
        }
    }
}

/// Asks at the terminal; without one, only `--yes` is a yes.
fn ask(question: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Error::usage("this must be confirmed, and there is no terminal to ask at").fix("add --yes"));
    }
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(|error| Error::failed(error.to_string()))?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(Error::failed("not confirmed; nothing was signed"))
    }
}

async fn session(home: Home) -> Result<Session> {
    Session::open(home).await
}

/// A file's bytes, or those of stdin; base64url, as in headers, is taken as well.
fn read_file(path: &Path) -> Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let read = match path.to_str() {
        Some("-") => std::io::stdin().read_to_end(&mut bytes).map(|_| ()),
        _ => std::fs::read(path).map(|found| bytes = found),
    };
    read.map_err(|error| Error::file(path, &error))?;
    // No paper and no receipt begins with a letter.
    let text = std::str::from_utf8(&bytes).ok().map(str::trim);
    Ok(text.and_then(purser_protocol::bind::base64url::decode).filter(|found| !found.is_empty()).unwrap_or(bytes))
}

fn id_of(paper: &[u8]) -> Result<PaperId> {
    let frame = Frame::read(paper).map_err(|fault| Error::fault("paper", fault))?;
    Ok(paper_id(frame.protected, frame.payload))
}

fn long_text(text: &str) -> Result<LongText> {
    LongText::new(text).ok_or_else(|| Error::usage("not a text of 1 to 256 bytes without control characters").at(text))
}

fn duration(text: &str) -> std::result::Result<Duration, String> {
    let seconds = when::duration_seconds(text).ok_or("not a duration such as 30s, 5m or 2h")?;
    Ok(Duration::from_secs(seconds))
}
