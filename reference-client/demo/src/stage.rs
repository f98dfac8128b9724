//! The folder, the processes, the people.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use purser_client::clock::{nonce, random};
use purser_client::connect::{Request, Url};
use purser_client::home::{Config, Home, IssuerConfig, KeysConfig, TimeSource};
use purser_client::issuer::{Decision, Issuer, SignedPaper};
use purser_client::keys;
use purser_client::session::Session;
use purser_protocol::flow::certificate_id;
use purser_protocol::id::{AccountId, PartyId};
use purser_protocol::money::{Currency, Money};
use purser_protocol::paper::command::Deposit;
use purser_protocol::sign::backend::AwsLcSigner;
use purser_protocol::sign::{Paper, Signer as _, sign_by_certificate};
use purser_protocol::time::UnixSeconds;
use purser_server::sandbox::{self, ISSUER, MERCHANT, NETWORK, Plan, Sandbox};
use rustls_pki_types::CertificateDer;

use crate::Failure;
use crate::program::Program;
use crate::relay::Relay;
use crate::script::DEPOSIT;

/// Everything that the rows are played with. What is declared first is dropped first: the folder last.
pub(crate) struct Stage {
    /// The issuer's process.
    pub(crate) issuer: Program,
    /// The merchant's process.
    _merchant: Program,
    /// The process of the seller of tokens.
    pub(crate) seller: Program,
    /// A wire to the issuer.
    pub(crate) relay: Relay,
    /// The person's and the agents' folder, and the issuer as they know it.
    pub(crate) session: Session,
    /// Signs mandates.
    pub(crate) person: AwsLcSigner,
    /// The person's account.
    pub(crate) account: AccountId,
    /// Pays.
    pub(crate) agent: AwsLcSigner,
    /// Pays for the agent.
    pub(crate) helper: AwsLcSigner,
    /// The merchant's back office.
    pub(crate) shop: Shop,
    /// What the servers run from.
    pub(crate) sandbox: Sandbox,
    folder: Folder,
}

impl Stage {
    /// A fresh folder, two servers, an account with money in it.
    pub(crate) async fn set(server: &Path, keep: bool) -> Result<Self, Failure> {
        let folder = Folder::new(keep)?;
        let any = ([127, 0, 0, 1], 0).into();
        let plan = Plan { dir: folder.path.clone(), issuer_listen: any, merchant_listen: any, seller_listen: any };
        let sandbox = sandbox::write(&plan)?;
        let issuer = Program::start(server, "issuer", &sandbox.dir).await?;
        let merchant = Program::start(server, "merchant", &sandbox.dir).await?;
        price_rise(&sandbox.path("seller.toml"))?;
        let seller = Program::start(server, "seller", &sandbox.dir).await?;
        let relay = Relay::start(sandbox.issuer).await?;

        let home = Home::at(sandbox.path("home"));
        home.create()?;
        let [person, agent, helper] =
            ["person", "agent", "helper"].map(|name| keys::generate(&home.path(format!("keys/{name}.pem"))));
        let (person, agent, helper) = (person?, agent?, helper?);
        fs::copy(sandbox.path("roots.pem"), home.path("roots.pem"))?;
        let mut config = config(&sandbox);
        home.save_config(&config)?;

        let session = Session::open(home.clone()).await?;
        let enrolled = session.issuer.enrol(&person, person.public_key(), None).await?;
        config.issuer.account = Some(enrolled.account.to_string());
        home.save_config(&config)?;
        let shop = Shop::of(&sandbox, MERCHANT, "merchant")?;
        let mut stage = Self {
            issuer,
            _merchant: merchant,
            seller,
            relay,
            session,
            person,
            account: enrolled.account,
            agent,
            helper,
            shop,
            sandbox,
            folder,
        };
        stage.file(&enrolled.decision)?;
        stage.deposit(DEPOSIT.parse().map_err(|error| format!("{DEPOSIT}: {error}"))?).await?;
        Ok(stage)
    }

    /// Whether the folder stays.
    pub(crate) fn is_kept(&self) -> bool {
        self.folder.keep
    }

    /// What the account has, as the issuer says.
    pub(crate) async fn balance_minor(&self) -> Result<u64, Failure> {
        let account = self.session.issuer.account(&self.person).await?;
        let yuan = account.balances.iter().find(|money| money.currency == "CNY");
        Ok(yuan.map_or(Ok(0), |money| money.amount_minor.parse())?)
    }

    /// Signs a command by the person and sends it.
    pub(crate) async fn command(&self, paper: &impl Paper) -> Result<Decision, Failure> {
        let decision = self.session.issuer.command(paper, &self.person).await?;
        self.file(&decision)?;
        Ok(decision)
    }

    /// Sends what the merchant signed.
    pub(crate) async fn merchants_command(&self, paper: &impl Paper) -> Result<Decision, Failure> {
        let decision = self.session.issuer.send_command(self.shop.sign(paper, &self.session.issuer)?).await?;
        self.file(&decision)?;
        Ok(decision)
    }

    /// Sends what the issuer itself signed: an order of its own.
    pub(crate) async fn issuers_command(&self, paper: &impl Paper) -> Result<Decision, Failure> {
        let own = Shop::of(&self.sandbox, ISSUER, "issuer")?;
        let decision = self.session.issuer.send_command(own.sign(paper, &self.session.issuer)?).await?;
        self.file(&decision)?;
        Ok(decision)
    }

    /// Keeps the receipt of a command in a file, to be verified at the end.
    pub(crate) fn file(&self, decision: &Decision) -> Result<(), Failure> {
        let command = decision.verified.claims.command.ok_or("the receipt names no command")?;
        self.session.home.keep_receipt(&command, "receipt", &decision.receipt)?;
        Ok(())
    }

    /// The issuer, on the other side of the relay.
    pub(crate) fn issuer_behind_relay(&self) -> Result<Issuer, Failure> {
        let issuer = &self.session.issuer;
        Ok(Issuer {
            id: issuer.id.clone(),
            url: Url::parse(&format!("https://{}", self.relay.addr()))?,
            connector: Arc::clone(&issuer.connector),
            trust: Arc::clone(&issuer.trust),
            clock: issuer.clock,
        })
    }

    /// An agent that holds nothing yet, in a folder of its own: for whoever tries the wallet's page. Gives its public key.
    pub(crate) fn guest(&self) -> Result<String, Failure> {
        let home = Home::at(self.sandbox.path("guest"));
        home.create()?;
        let key = keys::generate(&home.path("keys/agent.pem"))?;
        fs::copy(self.sandbox.path("roots.pem"), home.path("roots.pem"))?;
        let agent_only = KeysConfig { person: None, agent: Some("keys/agent.pem".into()) };
        home.save_config(&Config { keys: agent_only, ..config(&self.sandbox) })?;
        let pem = keys::public_pem(&key.public_key());
        Ok(pem.lines().filter(|line| !line.starts_with('-')).collect())
    }

    /// An address of the merchant's.
    pub(crate) fn product(&self, path: &str) -> Result<Url, Failure> {
        Ok(Url::parse(&format!("https://{}{path}", self.sandbox.merchant))?)
    }

    /// Puts the clocks of issuer and seller on, and believes the issuer's from then on.
    pub(crate) async fn put_clocks_on(&mut self, now: UnixSeconds) -> Result<(), Failure> {
        for at in [self.sandbox.issuer, self.sandbox.seller] {
            let url = Url::parse(&format!("https://{at}/v1/sandbox/clock"))?;
            let body = serde_json::json!({ "now": now.get() }).to_string();
            let json = HeaderValue::from_static("application/json");
            let request = Request::new(Method::POST, url).header(CONTENT_TYPE, json).body(body);
            let answer = self.session.issuer.connector.send(&Request { repeatable: true, ..request }).await?;
            if !answer.status.is_success() {
                return Err(format!("{at} does not have its clock put on: {}", answer.status).into());
            }
        }
        let home = self.session.home.clone();
        home.save_config(&Config { clock: TimeSource::Issuer, ..self.session.config.clone() })?;
        self.session = Session::open(home).await?;
        Ok(())
    }

    async fn deposit(&mut self, money: Money) -> Result<(), Failure> {
        let deposit = Deposit {
            account: self.account,
            issuer: self.session.issuer.id.clone(),
            issued_at: self.session.issuer.clock.now(),
            nonce: nonce()?,
            amount: money.amount,
            currency: money.currency,
        };
        self.command(&deposit).await.map(|_| ())
    }
}

/// The subscription costs more from 45 days on: in its third month.
fn price_rise(settings: &Path) -> Result<(), Failure> {
    let from = purser_client::clock::Clock::default().now().saturating_add(45 * 86_400).get();
    let text = fs::read_to_string(settings)?;
    let price = "price = \"5.00 CNY\"\n";
    let dearer = format!("{price}prices = [{{ from_seconds = {from}, price = \"6.00 CNY\" }}]\n");
    if !text.contains(price) {
        return Err("the sandbox's seller has another subscription".into());
    }
    Ok(fs::write(settings, text.replace(price, &dearer))?)
}

fn config(sandbox: &Sandbox) -> Config {
    Config {
        network: NETWORK.into(),
        roots: "roots.pem".into(),
        anchors: None,
        private_addresses: true,
        clock: TimeSource::Machine,
        issuer: IssuerConfig { id: ISSUER.into(), url: format!("https://{}", sandbox.issuer), account: None },
        keys: KeysConfig { person: Some("keys/person.pem".into()), agent: Some("keys/agent.pem".into()) },
    }
}

/// What the merchant captures and refunds with.
pub(crate) struct Shop {
    /// Its name.
    pub(crate) id: PartyId,
    signer: AwsLcSigner,
    chain: Vec<CertificateDer<'static>>,
}

impl Shop {
    fn of(sandbox: &Sandbox, name: &str, role: &str) -> Result<Self, Failure> {
        Ok(Self {
            id: PartyId::new(name).ok_or("not a party's name")?,
            signer: keys::load(&sandbox.path(&format!("{role}.key")))?,
            chain: keys::load_certificates(&sandbox.path(&format!("{role}.pem")))?,
        })
    }

    fn sign(&self, paper: &impl Paper, issuer: &Issuer) -> Result<Vec<u8>, Failure> {
        let chain: Vec<&[u8]> = self.chain.iter().map(AsRef::as_ref).collect();
        let leaf = certificate_id(chain.first().copied().ok_or("no certificate")?);
        Ok(sign_by_certificate(paper, issuer.trust.context(), &self.signer, leaf, &chain)?)
    }
}

/// The folder. It goes with the demo unless it is kept.
struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Folder {
    fn new(keep: bool) -> Result<Self, Failure> {
        let name = format!("purser-demo-{:08x}", u32::from_be_bytes(random()?));
        Ok(Self { path: std::env::temp_dir().join(name), keep })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// The currency of all rows.
pub(crate) fn yuan() -> Result<Currency, Failure> {
    Currency::from_code("CNY").ok_or_else(|| "no such currency".into())
}

/// The receipts of mandates are kept like those of commands.
pub(crate) async fn register(stage: &Stage, mandate: SignedPaper) -> Result<purser_protocol::id::PaperId, Failure> {
    let decision = stage.session.issuer.register(mandate.bytes).await?;
    stage.file(&decision)?;
    match decision.code() {
        None => Ok(mandate.id),
        Some(code) => Err(format!("a mandate was refused: {code}").into()),
    }
}
