//! The command line, as a function: a program that starts servers can be one.

mod code;
mod shop;
mod told;

use std::error::Error;
use std::ffi::OsString;
use std::fs::File;
use std::io::BufReader;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use purser_protocol::field::KeyHolder;
use purser_protocol::id::{AccountId, LongText, Nonce, PartyId};
use purser_protocol::paper::command::{Freeze, Thaw};
use purser_protocol::sign::{PublicKey, SignerFailed};
use purser_protocol::time::UnixSeconds;
use tokio_rustls::rustls::pki_types::SubjectPublicKeyInfoDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use crate::audit::{Acknowledged, Auditor, Beside, More, Report};
use crate::config::Config;
use crate::issuer::IssuerConfig;
use crate::life::Life;
use crate::log;
use crate::material::{Identity, IdentityFiles};
use crate::role::{self, Role};
use crate::sandbox::{self, Plan};
use crate::serve::Bound;
use crate::snapshot;
use crate::store::place::{self, Place, aside};

/// Purser's reference server: for tests and pilots, not for money.
#[derive(Parser)]
#[command(name = "purser-server", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Keeps accounts and mandates, decides, signs receipts.
    Issuer(Serve),
    /// Makes offers, redeems receipts, serves.
    Merchant(Serve),
    /// Makes a code for one sale, beside the running merchant or without it.
    Code(code::Draw),
    /// Sells tokens by the metered session, at an endpoint of the shape of OpenAI's chat API.
    Seller(Run),
    /// Checks everything that an issuer's store holds, beside the issuer or without it; changes nothing.
    ///
    /// Prints one JSON object. Exit codes: 0 all is good; 1 something is wrong, and the object says what and
    /// where; 2 the store or the configuration cannot be read.
    Audit(Check),
    /// Signs the order that nothing leaves an account, on the word of a person whom the issuer knows.
    ///
    /// Prints the paper as base64url; `purser send -` sends it. Exit codes as everywhere.
    Freeze(Order),
    /// Signs the order that money leaves an account again: for its keys, or for a new one in the place of them all.
    Thaw(Thawing),
    /// Signs the issuer's ruling in a dispute. Without --amount-minor nothing goes back.
    Rule(told::Rule),
    /// Lists the notices to merchants that were put aside after too many tries.
    Notices(told::Notices),
    /// Has a merchant listed in the directories of its issuers: its catalogue, signed as of now.
    Register(shop::Register),
    /// Holds an issuer's signed statement of a day against a merchant's own book, and names what differs.
    ///
    /// Prints one JSON object. Exit codes: 0 both say the same; 1 something differs; 2 one of them cannot be had.
    Reconcile(shop::Reconcile),
    /// Writes the snapshot of an issuer's state, beside the issuer or without it: the next start replays from there.
    Snapshot(Run),
    /// Moves an issuer's store from one place to another.
    #[command(subcommand)]
    Store(Moved),
    /// Writes an issuer and a merchant to try things with: keys, certificates, configurations.
    Sandbox(Make),
}

#[derive(clap::Args)]
struct Run {
    /// The configuration, in TOML.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[derive(clap::Args)]
struct Serve {
    #[command(flatten)]
    run: Run,
    /// Refuses, repeats and drops on purpose, within the rules, as this seed decides: to try a client with. Only in a
    /// sandbox.
    #[arg(long, value_name = "SEED")]
    hostile: Option<u64>,
}

#[derive(Subcommand)]
enum Moved {
    /// Copies everything into an empty store. The issuer is stopped meanwhile: what it signs later is not copied.
    Copy(Way),
}

#[derive(clap::Args)]
struct Way {
    /// A file, or a database as postgresql://...
    #[arg(long, value_name = "STORE")]
    from: PathBuf,
    /// The same. Tables are made; there must be nothing in them.
    #[arg(long, value_name = "STORE")]
    to: PathBuf,
}

#[derive(clap::Args)]
struct Order {
    /// The issuer's configuration: its key signs.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The account, in hexadecimal.
    #[arg(long, value_name = "ACCOUNT")]
    account: String,
    /// Why, in words.
    #[arg(long)]
    reason: Option<String>,
}

#[derive(clap::Args)]
struct Thawing {
    #[command(flatten)]
    order: Order,
    /// The account's only key from then on: a public key, in PEM. Its person compares the thumbprint that is printed.
    #[arg(long, value_name = "FILE", conflicts_with = "code")]
    key: Option<PathBuf>,
    /// The same, by the code that the person's new device shows.
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
}

#[derive(clap::Args)]
struct Check {
    /// The issuer's configuration. Its private key is not read.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Another store than the configuration's: a backup, a copy, a database as postgresql://...
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// A chain that the issuer signed with before, leaf first, in PEM.
    #[arg(long = "certificate", value_name = "FILE")]
    certificates: Vec<PathBuf>,
    /// Authorities that vouch for the issuer, in PEM; those of the configuration when not given.
    #[arg(long, value_name = "FILE")]
    anchors: Vec<PathBuf>,
    /// Receipts that were given out, base64url, one a line: each must be in the store as it was given.
    #[arg(long, value_name = "FILE")]
    receipts: Option<PathBuf>,
}

#[derive(clap::Args)]
struct Make {
    /// The folder; made if it is not there. Nothing in it is overwritten.
    #[arg(long)]
    dir: PathBuf,
    /// Where the issuer will listen; port 0 takes one that is free now.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8441")]
    issuer_listen: SocketAddr,
    /// Where the merchant will listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8442")]
    merchant_listen: SocketAddr,
    /// Where the seller of tokens will listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    seller_listen: SocketAddr,
}

/// Does what the arguments say; the first of them is the program's name.
pub async fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        // Help is no error: clap knows the stream and the status of each.
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let done = match arguments.command {
        Command::Issuer(own) => serve(Role::Issuer, &own.run, own.hostile).await,
        Command::Merchant(own) => serve(Role::Merchant, &own.run, own.hostile).await,
        Command::Seller(run) => serve(Role::Seller, &run, None).await,
        Command::Code(draw) => draw.print().await,
        Command::Snapshot(run) => aside(|| snapshot(&run).map_err(|error| error.to_string())).map_err(Into::into),
        Command::Audit(check) => return aside(|| audit(&check)),
        Command::Store(Moved::Copy(way)) => aside(|| copy(&way).map_err(|error| error.to_string())).map_err(Into::into),
        Command::Freeze(order) => order.print(|issuer, account, issued_at, nonce, reason| {
            issuer.sign(&Freeze { issuer: issuer.id.clone(), account, issued_at, nonce, reason })
        }),
        Command::Thaw(thawing) => aside(|| thawing.print().map_err(|error| error.to_string())).map_err(Into::into),
        Command::Rule(rule) => rule.print(),
        Command::Notices(notices) => aside(|| notices.print().map_err(|error| error.to_string())).map_err(Into::into),
        Command::Register(register) => register.run().await,
        Command::Reconcile(reconcile) => return reconcile.run().await,
        Command::Sandbox(make) => write(make),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("purser-server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(role: Role, run: &Run, hostile: Option<u64>) -> Result<(), Box<dyn Error>> {
    let mut config = Config::load(&run.config)?;
    config.shell.hostile = hostile;
    log::to_stderr(&config.shell);
    let life = Life::new();
    let bound = Bound::bind(&config.shell).await?;
    let app = role::app(role, &config, bound.url(), &life)?;
    let server = bound.serve(app, life);
    server.run(|server| println!("{}", server.ready_line(role.name()))).await?;
    Ok(())
}

impl Order {
    /// Signs with the issuer's key, and prints what was signed. [WAL-40]
    fn print(
        &self,
        sign: impl FnOnce(&Identity, AccountId, UnixSeconds, Nonce, Option<LongText>) -> Result<Vec<u8>, SignerFailed>,
    ) -> Result<(), Box<dyn Error>> {
        let config = Config::load(&self.config)?;
        let settings: IssuerConfig = config.table("issuer")?;
        let files = IdentityFiles {
            name: &settings.name,
            network: &settings.network,
            certificate: &settings.certificate,
            key: &settings.key,
        };
        let issuer = Identity::load(&files, config.folder())?;
        let digit = |at: usize| self.account.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let bytes = (0..16).map(|at| digit(2 * at)).collect::<Option<Vec<u8>>>();
        let bytes = bytes.filter(|_| self.account.len() == 32).and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
        let account = AccountId(bytes.ok_or("an account is 32 hexadecimal digits")?);
        let reason = self.reason.as_deref().map(|words| LongText::new(words).ok_or("the reason is too long"));
        let now = crate::clock::Clock::default().now();
        let paper = sign(&issuer, account, now, Nonce(crate::random::random()?), reason.transpose()?)?;
        println!("{}", purser_protocol::bind::base64url::encode(&paper));
        Ok(())
    }
}

/// What stands before the point in the SubjectPublicKeyInfo of a P-256 key.
const SPKI_BEFORE_POINT: usize = 26;

impl Thawing {
    /// Signs for the account's keys, or for the one that is to stand alone. [WAL-44]
    fn print(&self) -> Result<(), Box<dyn Error>> {
        let key = self.new_key()?;
        if let Some(key) = key {
            eprintln!("The person's new device must show this thumbprint:\n  {}", key.id());
        }
        self.order.print(|issuer, account, issued_at, nonce, reason| {
            let key = key.map(KeyHolder);
            issuer.sign(&Thaw { issuer: issuer.id.clone(), account, issued_at, nonce, key, reason })
        })
    }

    fn new_key(&self) -> Result<Option<PublicKey>, Box<dyn Error>> {
        if let Some(path) = &self.key {
            let der = SubjectPublicKeyInfoDer::from_pem_file(path)?;
            let point = der.get(SPKI_BEFORE_POINT..).filter(|_| der.len() == SPKI_BEFORE_POINT + 65);
            let key = point.and_then(PublicKey::from_sec1);
            return Ok(Some(key.ok_or("the file holds no public key of P-256, uncompressed")?));
        }
        let Some(code) = &self.code else { return Ok(None) };
        let config = Config::load(&self.order.config)?;
        let mut notes = config.table::<IssuerConfig>("issuer")?.place(&config).notes()?;
        let waiting = crate::issuer::waiting(notes.as_mut(), code, crate::clock::Clock::default().now())?;
        Ok(Some(waiting.ok_or("no key waits under this code, or its ten minutes are over")?.0))
    }
}

fn snapshot(run: &Run) -> Result<(), Box<dyn Error>> {
    let config = Config::load(&run.config)?;
    let settings: IssuerConfig = config.table("issuer")?;
    let issuer = PartyId::new(&settings.name).ok_or("in the configuration, name is not a party's name")?;
    let path = settings.snapshot_path(&config);
    let mut reader = settings.place(&config).reader()?;
    let renewed = snapshot::renew(&path, &issuer, reader.as_mut())?;
    let (batches, objects) = (renewed.log.size(), renewed.state.objects());
    println!("{}", serde_json::json!({ "batches": batches, "objects": objects, "snapshot": path }));
    Ok(())
}

fn copy(way: &Way) -> Result<(), Box<dyn Error>> {
    let from = Place::of(&way.from);
    let mut to = Place::of(&way.to).open(Duration::from_secs(10))?;
    let batches = place::copy(from.archive()?.as_mut(), to.as_mut())?;
    place::copy_notes(from.notes()?.as_mut(), to.notes()?.as_mut())?;
    println!("{}", serde_json::json!({ "batches": batches }));
    Ok(())
}

fn audit(check: &Check) -> ExitCode {
    let checked = || -> Result<Report, Box<dyn Error>> {
        let config = Config::load(&check.config)?;
        let settings: IssuerConfig = config.table("issuer")?;
        let more = More { certificates: check.certificates.clone(), anchors: check.anchors.clone() };
        let auditor = Auditor::load(&config, &settings, &more)?;
        let store = check.store.as_deref().map_or_else(|| settings.place(&config), Place::of);
        // A copy is older than what was signed, and is asked for as such. What is read first is not ahead of the store.
        let mut beside = match check.store {
            None => auditor.beside(&config, &settings)?,
            Some(_) => Beside::default(),
        };
        if let Some(path) = &check.receipts {
            beside.given_out = Acknowledged::read(BufReader::new(File::open(path)?))?;
        }
        Ok(auditor.audit(store.archive()?.as_mut(), beside)?)
    };
    match checked() {
        Ok(report) => {
            println!("{}", report.json());
            ExitCode::from(u8::from(!report.is_good()))
        }
        Err(error) => {
            println!("{}", serde_json::json!({ "verdict": "unreadable", "error": error.to_string() }));
            eprintln!("purser-server: {error}");
            ExitCode::from(2)
        }
    }
}

fn write(make: Make) -> Result<(), Box<dyn Error>> {
    let plan = Plan {
        dir: make.dir,
        issuer_listen: make.issuer_listen,
        merchant_listen: make.merchant_listen,
        seller_listen: make.seller_listen,
    };
    println!("{}", sandbox::write(&plan)?);
    Ok(())
}
