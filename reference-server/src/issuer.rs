//! The issuer: accounts, mandates, payments, receipts.

mod address;
mod checkers;
mod command;
mod config;
mod devices;
mod direct;
mod directory;
mod discovery;
mod keys;
mod log;
mod page;
mod parties;
mod passkey;
mod read;
mod statement;
mod view;
mod wallet;
mod who;

use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use purser_merchant::wire::Wire;
use purser_protocol::cert::Role;
use purser_protocol::field::KeyHolder;
use purser_protocol::flow::issuer::{Desk, pseudonym};
use purser_protocol::id::{AccountId, Digest, PartyId, Pseudonym};
use purser_protocol::ledger::event::{Event, Maybe, Thawed};
use purser_protocol::ledger::{Ledger, Settings};
use purser_protocol::paper::credential::Credential;
use purser_protocol::receipt::log::{Log, batch_leaf};
use purser_protocol::sign::SignerName;
use purser_protocol::sign::backend::AwsLc;
use tokio::sync::{Notify, mpsc};

use crate::clock::Clock;
use crate::config::Config;
use crate::head::{self, Head, HeadError, Mark};
use crate::hooks::{Hook, Hooks, Sender};
use crate::life::Life;
use crate::material::{self, Identity, IdentityFiles, SetupError, setting};
use crate::pem;
use crate::random::random;
use crate::rate::Buckets;
use crate::snapshot::{self, Keeper, Paths, Point};
use crate::store::lease::Lease;
use crate::store::notes::Notes;
use crate::store::place::aside;
use crate::store::{Reader, Store, StoreError};
use crate::writer::{Job, Seal, UnderWay, Writer};
use checkers::Checkers;
use keys::Keys;

pub(crate) use address::paper_id;
pub use config::IssuerConfig;
pub use direct::Direct;
pub(crate) use parties::RememberedParties;
pub(crate) use wallet::offers::waiting;

/// Everything that handlers share.
pub(crate) struct Issuer {
    identity: Identity,
    earlier_chains: Vec<Vec<Vec<u8>>>,
    sandbox: bool,
    url: String,
    /// Where people reach the page.
    page_url: String,
    /// Whether a browser that came another way is sent there: in a sandbox, before which no other server stands.
    sends_to_page: bool,
    /// What guards the keys of accounts.
    passkeys: passkey::Passkeys,
    pseudonym_secret: [u8; 32],
    parties: RememberedParties,
    keys: Arc<RwLock<Keys>>,
    /// How long this process may speak for the store.
    lease: Option<Lease>,
    /// The log of what is on the disk.
    log: Arc<RwLock<Log>>,
    ledger: Arc<RwLock<Ledger>>,
    jobs: mpsc::Sender<Job>,
    reader: Mutex<Box<dyn Reader>>,
    /// What wallets read.
    wallet: crate::wallet::Desk,
    /// What is remembered beside the decisions.
    notes: Mutex<Box<dyn Notes>>,
    /// What merchants have listed.
    directory: directory::Directory,
    /// What statements are read from.
    statements: Mutex<statement::Statements>,
    clock: Arc<Clock>,
    committed: Arc<Notify>,
    /// Commands that are on their way to the writer.
    under_way: UnderWay,
    /// Signatures are checked on their own threads, as many as there are cores.
    checkers: Checkers,
    /// What each agent may send, so that the flood of one is nobody else's. [HTB-27]
    agents: Buckets<SignerName>,
    started: Instant,
    life: Life,
}

impl Issuer {
    /// What messages are checked with, now.
    fn desk(&self) -> Desk<'_> {
        Desk {
            issuer: &self.identity.id,
            context: self.identity.context(),
            crypto: &AwsLc,
            parties: &self.parties,
            now: self.clock.now(),
        }
    }

    /// Where a person confirms; the short code is added to it.
    fn approval_base(&self) -> String {
        approval_base(&self.page_url)
    }

    /// Who a payer is to a merchant.
    fn pseudonym(&self, account: &AccountId, merchant: &PartyId) -> Pseudonym {
        pseudonym(&self.pseudonym_secret, account, merchant)
    }
}

/// Opens the store, starts the writer, and gives the routes.
pub fn routes(config: &Config, url: &str, life: &Life) -> Result<Router, SetupError> {
    let settings: IssuerConfig = config.table("issuer")?;
    let identity = Identity::load(
        &IdentityFiles {
            name: &settings.name,
            network: &settings.network,
            certificate: &settings.certificate,
            key: &settings.key,
        },
        config.folder(),
    )?;
    let page_url = settings.page_url.as_deref().unwrap_or(url).trim_end_matches('/');
    let register = material::register(&settings.anchors, Role::Merchant, config)?;
    let clock = Arc::new(Clock::default());
    let paths =
        Paths { store: settings.place(config), snapshot: settings.snapshot_path(config), issuer: identity.id.clone() };
    let Opened {
        store,
        reader,
        lookups,
        wallets,
        statements,
        notes,
        passkeys,
        directory,
        pseudonym_secret,
        point,
        head,
    } = aside(|| open(&paths, &settings.head_path(config), settings.lease()))?;
    let wallet_path = settings.wallet_path(config);
    let wallet = aside(|| crate::wallet::Desk::open(&wallet_path, wallets, settings.wallet_idle))?;
    let Point { state, log, replayed, sequence: _ } = point;
    let lease = store.lease();
    let keeper = Keeper::new(settings.snapshot_every, replayed, paths);
    let ledger = Ledger::from_state(ledger_settings(&settings, &identity, page_url), state);
    let edge = log.edge();
    let log = Arc::new(RwLock::new(log));
    let keys = Arc::new(RwLock::new(Keys::of(ledger.state())));
    let ledger = Arc::new(RwLock::new(ledger));
    let (committed, under_way) = (Arc::new(Notify::new()), UnderWay::default());
    let writer = Writer {
        ledger: Arc::clone(&ledger),
        reader: lookups,
        store,
        seal: seal(&identity),
        now: {
            let clock = Arc::clone(&clock);
            Box::new(move || clock.now())
        },
        fresh: Box::new(random),
        log: edge,
        committed: Arc::clone(&committed),
        under_way: under_way.clone(),
        publish: {
            let (keys, log, wallet) = (Arc::clone(&keys), Arc::clone(&log), wallet.clone());
            Box::new(move |ledger, records, batch, mark| {
                if let Ok(mut log) = log.write() {
                    log.push(batch_leaf(&batch.tree_root));
                }
                // What is on the disk is signed and stays; a mark that is behind is what it may be. [OPS-2]
                if let Err(error) = head.write(*mark) {
                    tracing::warn!(%error, "what was signed last is not marked");
                }
                keeper.decided(records.len() as u64);
                wallet.decided();
                // Payments teach nothing, and who checks them holds the keys.
                if records.iter().any(|record| Keys::learns(&record.event))
                    && let Ok(mut keys) = keys.write()
                {
                    records.iter().for_each(|record| keys.learn(&record.event, ledger.state()));
                }
            })
        },
    };
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let earlier = settings.earlier_certificates.iter().map(|path| pem::certificates(&config.path(path)));
    let parties = RememberedParties::new(register).of(identity.party(Role::Issuer));
    let issuer = Issuer {
        identity,
        earlier_chains: earlier.collect::<Result<_, _>>()?,
        sandbox: settings.sandbox,
        url: url.to_owned(),
        page_url: page_url.to_owned(),
        sends_to_page: settings.sandbox && settings.page_url.is_some(),
        passkeys,
        pseudonym_secret,
        parties,
        keys,
        lease,
        log,
        ledger,
        jobs: writer.start(),
        reader: Mutex::new(reader),
        wallet,
        notes: Mutex::new(notes),
        directory,
        statements: Mutex::new(statement::Statements::of(statements)),
        clock,
        committed,
        under_way,
        checkers: Checkers::start(cores).map_err(StoreError::Thread)?,
        agents: Buckets::new(
            settings.agent_requests,
            Duration::from_secs(settings.agent_seconds),
            settings.agents_remembered,
        ),
        started: Instant::now(),
        life: life.clone(),
    };
    hook_up(config, &settings, &issuer)?;
    life.set_ready(true);
    Ok(router(Arc::new(issuer)))
}

fn ledger_settings(settings: &IssuerConfig, identity: &Identity, url: &str) -> Settings {
    Settings {
        issuer: identity.id.clone(),
        sandbox: settings.sandbox,
        approval_base: approval_base(url),
        credential_seconds: settings.credential_days * 86_400,
    }
}

/// Starts to tell the merchants that want to be told.
fn hook_up(config: &Config, settings: &IssuerConfig, issuer: &Issuer) -> Result<(), SetupError> {
    if settings.webhooks.is_empty() {
        return Ok(());
    }
    let mut told = Vec::new();
    for hook in &settings.webhooks {
        let merchant = PartyId::new(&hook.merchant).ok_or_else(|| setting("webhooks", "names no party"))?;
        told.push(Hook { merchant, wire: Wire::to(&hook.url, &config.path(&hook.roots), "webhooks")? });
    }
    let merchants = told.iter().map(|hook| hook.merchant.clone()).collect();
    let hooks = aside(|| Hooks::open(&settings.hooks_path(config), settings.place(config).reader()?, merchants))?;
    let sender = Sender {
        hooks: Arc::new(Mutex::new(hooks)),
        identity: Arc::new(issuer.identity.clone()),
        clock: Arc::clone(&issuer.clock),
        committed: Arc::clone(&issuer.committed),
        life: issuer.life.clone(),
        twice: config.shell.hostile.is_some(),
    };
    told.into_iter().for_each(|hook| drop(tokio::spawn(sender.clone().run(hook))));
    Ok(())
}

fn approval_base(url: &str) -> String {
    format!("{url}/approve/")
}

fn router(issuer: Arc<Issuer>) -> Router {
    Router::new()
        .route("/.well-known/purser", get(discovery::document)) // [HTB-4]
        .route("/v1/accounts", post(command::enrol))
        .route("/v1/account", get(read::account))
        .route("/v1/mandates", post(command::mandate).get(read::mandates))
        .route("/v1/mandates/{id}/status", get(read::status))
        .route("/v1/commands", post(command::command))
        .route("/v1/batches", post(command::batch))
        .route("/v1/wallet/statement", get(wallet::statement))
        .route("/v1/wallet/agents", get(wallet::agents))
        .route("/v1/wallet/mandates", get(wallet::mandates))
        .route("/v1/wallet/records", get(wallet::records))
        .route("/v1/wallet/records/{id}", get(wallet::record))
        .route("/v1/wallet/spending", get(wallet::spending))
        .route("/v1/wallet/sessions", get(wallet::sessions))
        .route("/v1/wallet/packs", get(wallet::packs))
        .route("/v1/wallet/bundle", get(wallet::bundle))
        .route("/v1/wallet/keys", get(wallet::keys))
        .route("/v1/wallet/keys/offers", post(wallet::offers::offer))
        .route("/v1/wallet/keys/offers/{code}", get(wallet::offers::offered))
        .route("/v1/devices", post(devices::ask))
        .route("/v1/devices/answers", post(devices::again))
        .route("/v1/wallet/devices/{code}", get(devices::shown).post(devices::answer))
        .route("/v1/wallet/passkeys", post(passkey::guard))
        .route("/v1/wallet/passkeys/challenges", post(passkey::challenge))
        .route("/v1/wallet/passkeys/removals", post(passkey::remove))
        .route("/v1/wallet/unlock", post(passkey::unlock))
        .route("/v1/wallet/lock", post(passkey::lock))
        .route("/v1/confirmations", post(command::confirmation))
        .route("/v1/intents", post(command::pay))
        .route("/v1/intents/{id}", get(read::intent))
        .route("/v1/receipts/{id}", get(read::receipt))
        .route("/v1/log", get(log::checkpoint))
        .route("/v1/log/{batch}", get(log::inclusion))
        .route("/v1/pending", get(read::pending))
        .route("/v1/payments", get(read::payments))
        .route("/v1/pseudonyms", post(read::pseudonym))
        .route("/wallet", get(page::folder))
        .route("/wallet/", get(page::file))
        .route("/wallet/{*name}", get(page::file))
        .route("/approve/{code}", get(page::approve))
        .route("/v1/directory", post(directory::list).get(directory::search))
        .route("/v1/directory/{merchant}", get(directory::listed))
        .route("/v1/statements/{day}", post(statement::of_day))
        .route("/v1/sandbox/clock", post(discovery::set_clock).get(discovery::clock))
        .layer(DefaultBodyLimit::disable())
        .with_state(issuer)
}

/// A store, and what it holds, as an issuer begins.
struct Opened {
    store: Box<dyn Store>,
    reader: Box<dyn Reader>,
    lookups: Box<dyn Reader>,
    notes: Box<dyn Notes>,
    passkeys: passkey::Passkeys,
    wallets: Box<dyn Reader>,
    statements: Box<dyn Reader>,
    directory: directory::Directory,
    pseudonym_secret: [u8; 32],
    point: Point,
    head: Head,
}

/// Opens the store, which waits for whoever owns it, and only then reads what it holds. [OPS-4]
fn open(paths: &Paths, head: &Path, lease: Duration) -> Result<Opened, SetupError> {
    let mut store = paths.store.open(lease)?;
    let pseudonym_secret = store.pseudonym_secret(random()?)?;
    let (mut reader, lookups, wallets) = (store.reader()?, store.reader()?, store.reader()?);
    let point = snapshot::latest(&paths.snapshot, &paths.issuer, reader.as_mut())?;
    let head = open_head(head, &point.log, reader.as_mut())?;
    let mut notes = store.notes()?;
    let passkeys = passkey::Passkeys::of(notes.as_mut())?;
    let (statements, directory) = (store.reader()?, directory::Directory::of(notes.as_mut())?);
    Ok(Opened {
        store,
        reader,
        lookups,
        wallets,
        statements,
        notes,
        passkeys,
        directory,
        pseudonym_secret,
        point,
        head,
    })
}

/// Holds the store against what was last signed, and goes on from what it holds.
fn open_head(path: &Path, log: &Log, reader: &mut dyn Reader) -> Result<Head, HeadError> {
    if let Some(mark) = head::read(path)? {
        head::check(path, mark, log, reader)?;
    }
    let edge = log.edge();
    Head::open(path, Mark { log_size: edge.size(), log_root: Digest(edge.root()) })
}

/// Signs roots, and the credential that goes with an enrolment.
fn seal(identity: &Identity) -> Seal {
    let issuer = identity.clone();
    let credential = move |event: &Event, now| {
        let (account, key, expires_at) = match event {
            Event::Enrolled(enrolled) => (enrolled.account, enrolled.key, enrolled.expires_at),
            Event::Thawed(Thawed { account, key: Maybe(Some(key)), expires_at }) => (*account, *key, *expires_at),
            _ => return Ok(None),
        };
        let credential =
            Credential { issuer: issuer.id.clone(), account, expires_at, issued_at: now, key: KeyHolder(key) };
        issuer.sign(&credential).map(Some) // [SIG-17]
    };
    let signer = identity.clone();
    Seal {
        network: identity.network.clone(),
        root: Box::new(move |root| signer.sign(root)),
        credential: Box::new(credential),
    }
}
