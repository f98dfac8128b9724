//! The client among an issuer and a merchant that are hard to deal with, by seeds: every purchase ends exactly once,
//! and the books of all three agree.
//!
//! A few seeds by default; `PURSER_HOSTILE=1000 cargo test -p purser-demo --test hostile -- --nocapture` for a long run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hyper::Method;
use hyper::header::HeaderMap;
use purser_client::clock::{nonce, random};
use purser_client::connect::Url;
use purser_client::error::Class;
use purser_client::fetch::{Fetched, Fetcher, Wanted};
use purser_client::home::{Config as HomeConfig, Home, IssuerConfig as OfIssuer, Kept, KeysConfig, TimeSource};
use purser_client::keys;
use purser_client::pay::{Patience, Payer, Silent};
use purser_client::session::Session;
use purser_client::terms::Terms;
use purser_protocol::id::{LineageId, PaperId};
use purser_protocol::money::Currency;
use purser_protocol::paper::command::Deposit;
use purser_protocol::paper::mandate::{Holder, Mandate, Mode};
use purser_protocol::period::Zone;
use purser_protocol::sign::Signer as _;
use purser_protocol::sign::backend::AwsLcSigner;
use purser_server::audit::{Auditor, Beside, More};
use purser_server::config::Config;
use purser_server::issuer::IssuerConfig;
use purser_server::life::Life;
use purser_server::role::{self, Role};
use purser_server::sandbox::{self, ISSUER, NETWORK, Plan};
use purser_server::serve::{Bound, Server};
use purser_server::store::sqlite::SqliteArchive;

/// What is bought, one after the other.
const PURCHASES: usize = 3;
const PRICE_MINOR: u64 = 1_280;
const DEPOSIT_MINOR: u64 = 100_000;
/// Seeds at once: most of a run is waiting.
const AT_ONCE: usize = 3;
/// Longer than anything here takes; fails a run that hangs.
const LONG: Duration = Duration::from_secs(300);
/// How often a purchase is taken up before it is given up as one that never ends.
const TRIES_MAX: usize = 200;

// Servers, client and audits share the threads, and some of them wait for the disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 12)]
async fn every_purchase_ends_exactly_once_among_hostile_peers() {
    let seeds = std::env::var("PURSER_HOSTILE").ok().map_or(6, |seeds| seeds.parse().expect("a number of seeds"));
    let (mut running, mut next, mut sum) = (tokio::task::JoinSet::new(), 1_u64, Sum::default());
    loop {
        while running.len() < AT_ONCE && next <= seeds {
            let seed = next;
            running.spawn(async move {
                let run = tokio::time::timeout(LONG, run(seed)).await;
                run.unwrap_or_else(|_| panic!("seed {seed} hangs"))
            });
            next += 1;
        }
        let Some(ran) = running.join_next().await else { break };
        sum.add(&ran.expect("a run"));
    }
    println!("{seeds} seeds: {sum:?}");
    assert_eq!(sum.purchases, usize::try_from(seeds).unwrap() * PURCHASES);
    // A peer that does nothing wrong shows nothing.
    assert!(sum.tries > sum.purchases || seeds < 3, "{sum:?}");
}

/// Nothing of this is for what is no sandbox.
#[tokio::test]
async fn what_is_no_sandbox_is_not_hostile() {
    let folder = Folder::new("live");
    let sandbox = folder.sandbox();
    for (role, from, to) in [
        (Role::Issuer, "sandbox = true", "sandbox = false"),
        (Role::Issuer, "network = \"sandbox\"", "network = \"live\""),
        (Role::Merchant, "network = \"sandbox\"", "network = \"live\""),
    ] {
        let path = sandbox.dir.join(format!("{}.toml", role.name()));
        let text = fs::read_to_string(&path).unwrap();
        fs::write(sandbox.dir.join("other.toml"), text.replace(from, to)).unwrap();
        let mut config = Config::load(&sandbox.dir.join("other.toml")).unwrap();
        config.shell.hostile = Some(1);
        let refused = role::app(role, &config, "https://127.0.0.1:1", &Life::new()).map(drop).unwrap_err();
        assert!(refused.to_string().contains("sandbox"), "{refused}");
    }
}

#[derive(Debug, Default)]
struct Sum {
    purchases: usize,
    tries: usize,
    attempts: usize,
    came_to_nothing: usize,
}

impl Sum {
    fn add(&mut self, other: &Self) {
        self.purchases += other.purchases;
        self.tries += other.tries;
        self.attempts += other.attempts;
        self.came_to_nothing += other.came_to_nothing;
    }
}

async fn run(seed: u64) -> Sum {
    let folder = Folder::new(&seed.to_string());
    let sandbox = folder.sandbox();

    // The account and the mandate are made at an issuer of good manners.
    let quiet = start(Role::Issuer, &sandbox.dir, None).await;
    let home = Home::at(sandbox.dir.join("home"));
    home.create().unwrap();
    let person = keys::generate(&home.path("keys/person.pem")).unwrap();
    let agent = keys::generate(&home.path("keys/agent.pem")).unwrap();
    fs::copy(sandbox.dir.join("roots.pem"), home.path("roots.pem")).unwrap();
    home.save_config(&HomeConfig {
        network: NETWORK.into(),
        roots: "roots.pem".into(),
        anchors: None,
        private_addresses: true,
        clock: TimeSource::Machine,
        issuer: OfIssuer { id: ISSUER.into(), url: quiet.url().to_owned(), account: None },
        keys: KeysConfig { person: Some("keys/person.pem".into()), agent: Some("keys/agent.pem".into()) },
    })
    .unwrap();
    let mut session = Session::offline(home).unwrap();
    // A machine that does other things too may be slow to take the first connection.
    let began = Instant::now();
    while let Err(error) = session.discover().await {
        assert!(began.elapsed() < LONG, "seed {seed}: {error}");
    }
    let mandate = set_up(&session, &person, &agent).await;
    quiet.stop().await;

    // And now it is another.
    let issuer = start(Role::Issuer, &sandbox.dir, Some(seed)).await;
    let path = sandbox.dir.join("merchant.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(&format!("https://{}", sandbox.issuer), issuer.url())).unwrap();
    let merchant = start(Role::Merchant, &sandbox.dir, Some(seed)).await;
    session.issuer.url = Url::parse(issuer.url()).unwrap();
    // Where its interface is, only its document says.
    while session.discover().await.is_err() {}
    assert_ne!(session.issuer.url.target(), "/", "seed {seed}");

    let mut tries = 0;
    for number in 0..PURCHASES {
        let url = Url::parse(&format!("{}/coffee?number={number}", merchant.url())).unwrap();
        tries += buy(seed, &session, &agent, mandate, url).await;
    }
    merchant.stop().await;
    issuer.stop().await;

    let attempts: Vec<Kept> = session.home.attempts().all().into_iter().map(Result::unwrap).collect();
    let paid: Vec<&Kept> = attempts.iter().filter(|kept| kept.is_paid()).collect();
    assert!(attempts.iter().all(Kept::is_over), "seed {seed}: something is open");
    assert_eq!(paid.len(), PURCHASES, "seed {seed}: the client's book");
    let urls: BTreeSet<_> = paid.iter().map(|kept| kept.fetching.as_ref().unwrap().url.clone()).collect();
    assert_eq!(urls.len(), PURCHASES, "seed {seed}: each was paid once");
    let ids: BTreeSet<Vec<u8>> = paid.iter().map(|kept| kept.id.0.to_vec()).collect();
    assert_eq!(sold(&sandbox.dir), (ids, 0), "seed {seed}: the merchant's book");
    assert_eq!(
        audited(&sandbox.dir),
        (DEPOSIT_MINOR, PURCHASES as u64 * PRICE_MINOR),
        "seed {seed}: the issuer's book"
    );
    let came_to_nothing = attempts.iter().filter(|kept| kept.came_to_nothing()).count();
    Sum { purchases: paid.len(), tries, attempts: attempts.len(), came_to_nothing }
}

/// Takes a purchase up until what was paid for has come. Returns how often.
async fn buy(seed: u64, session: &Session, agent: &AwsLcSigner, mandate: PaperId, url: Url) -> usize {
    let wanted = Wanted {
        method: Method::GET,
        url,
        headers: HeaderMap::new(),
        body: Default::default(),
        max: "20.00 CNY".parse().unwrap(),
        mandate: Some(mandate),
        channel: None,
        device: None,
    };
    for tries in 1..=TRIES_MAX {
        let (issuer, home) = (&session.issuer, &session.home);
        let payer = Payer { issuer, home, patience: Patience::default(), watch: &Silent, asker: Some(agent) };
        match (Fetcher { payer, agent }).fetch(&wanted).await {
            Ok(Fetched::Delivered(delivered)) => {
                assert_eq!(delivered.warnings, [] as [String; 0], "seed {seed}");
                delivered.taken(home).unwrap();
                return tries;
            }
            // It is busy, or what was begun came to nothing or is not known yet: the same call again.
            Ok(Fetched::Unpaid(_) | Fetched::Open(_)) => {}
            Err(error) => assert_ne!(error.class(), Class::Usage, "seed {seed}: {error}"),
        }
    }
    panic!("seed {seed}: {} does not end", wanted.url);
}

async fn set_up(session: &Session, person: &AwsLcSigner, agent: &AwsLcSigner) -> PaperId {
    let issuer = &session.issuer;
    let account = issuer.enrol(person, person.public_key(), None).await.unwrap().account;
    let currency = Currency::from_code("CNY").unwrap();
    let amount = purser_protocol::money::Amount::from_minor(DEPOSIT_MINOR).unwrap();
    let (id, now) = (issuer.id.clone(), issuer.clock.now());
    let deposit = Deposit { account, issuer: id.clone(), issued_at: now, nonce: nonce().unwrap(), amount, currency };
    issuer.command(&deposit, person).await.unwrap();
    let mut terms = Terms::new(currency, Zone::new("Asia/Shanghai").unwrap());
    terms.set_all("total=500.00").unwrap();
    let mandate = Mandate {
        account,
        issuer: id,
        expires_at: now.saturating_add(86_400),
        not_before: now,
        issued_at: now,
        holder: Holder::Agent(agent.public_key()),
        offer: None,
        currency,
        lineage: LineageId(random().unwrap()),
        serial: NonZeroU32::MIN,
        mode: Mode::Quota,
        parent: None,
        replaces: None,
        caps: terms.rules(),
        grants: None,
        funded: None,
        refund_returns: None,
        shown: None,
        conversation: None,
    };
    let signed = issuer.signed(&mandate, person).unwrap();
    assert_eq!(issuer.register(signed.bytes).await.unwrap().code(), None);
    signed.id
}

/// A server of the folder, on a free port.
async fn start(role: Role, folder: &Path, hostile: Option<u64>) -> Server {
    let mut config = Config::load(&folder.join(format!("{}.toml", role.name()))).unwrap();
    config.shell.listen = ([127, 0, 0, 1], 0).into();
    config.shell.url = None;
    config.shell.hostile = hostile;
    let (began, life) = (Instant::now(), Life::new());
    let bound = Bound::bind(&config.shell).await.unwrap();
    // The one before may still be writing its last word.
    let app = loop {
        match role::app(role, &config, bound.url(), &life) {
            Ok(app) => break app,
            Err(error) => assert!(began.elapsed() < LONG, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    bound.serve(app, life)
}

/// The payments that the merchant has served for, and how many it owes money for.
fn sold(folder: &Path) -> (BTreeSet<Vec<u8>>, u64) {
    let store = rusqlite::Connection::open(folder.join("merchant.sqlite")).unwrap();
    let mut rows = store.prepare("SELECT intent FROM offers WHERE receipt_id IS NOT NULL").unwrap();
    let intents: Vec<Vec<u8>> = rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let debts = store.query_row("SELECT count(*) FROM debts", [], |row| row.get(0)).unwrap();
    let count = intents.len();
    let served: BTreeSet<_> = intents.into_iter().collect();
    assert_eq!(served.len(), count, "one payment was served for twice");
    (served, debts)
}

/// What came in, and what merchants have, by the issuer's audit.
fn audited(folder: &Path) -> (u64, u64) {
    let config = Config::load(&folder.join("issuer.toml")).unwrap();
    let settings: IssuerConfig = config.table("issuer").unwrap();
    let auditor = Auditor::load(&config, &settings, &More::default()).unwrap();
    let mut archive = SqliteArchive::open(&config.path(&settings.store)).unwrap();
    let report = auditor.audit(&mut archive, Beside::default()).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    let sums = report.sums.get("CNY").cloned().unwrap_or_default();
    let (accounts, payees) = (u64::try_from(sums.accounts_minor).unwrap(), u64::try_from(sums.payees_minor).unwrap());
    (accounts + payees, payees)
}

/// A folder that goes with its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hostile-{name}-{}", std::process::id())))
    }

    fn sandbox(&self) -> sandbox::Sandbox {
        let any = ([127, 0, 0, 1], 0).into();
        let plan = Plan { dir: self.0.clone(), issuer_listen: any, merchant_listen: any, seller_listen: any };
        sandbox::write(&plan).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
