//! `[issuer]`

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::config::Config;
use crate::store::place::Place;

/// What an issuer is told: who it is, what it signs with, whom it trusts, where it keeps things.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// Its name, as in its certificate.
    pub name: String,
    /// The network that its papers belong to.
    pub network: String,
    /// Where people reach the page, when that is another address than programs use: a passkey is for a name, never for a
    /// bare address. `https://` and a host.
    pub page_url: Option<String>,
    /// Whether money is play money, and the clock may be set.
    #[serde(default)]
    pub sandbox: bool,
    /// Its signing certificate and what issued it, leaf first, in PEM.
    pub certificate: PathBuf,
    /// Chains that it signed with before, leaf first, in PEM: receipts from then are still shown with them.
    #[serde(default)]
    pub earlier_certificates: Vec<PathBuf>,
    /// The leaf's private key: PKCS #8 in PEM.
    pub key: PathBuf,
    /// Certificates of authorities whose merchants are trusted, in PEM.
    pub anchors: Vec<PathBuf>,
    /// The store: a file, or a database of PostgreSQL by its URL, `postgresql:///name?host=/run/postgresql`.
    pub store: PathBuf,
    /// How long a database stays this process's after its last sign of life, in seconds: how long another waits.
    #[serde(default = "lease")]
    pub lease_seconds: u64,
    /// Where what was signed last is marked; beside the store when not given.
    pub head: Option<PathBuf>,
    /// Merchants that are told what is decided about their payments, and where.
    #[serde(default)]
    pub webhooks: Vec<Webhook>,
    /// After how many decisions the snapshot of the state is renewed; 0 for never.
    #[serde(default = "decisions")]
    pub snapshot_every: u64,
    /// Whether what wallets read is brought up when nothing else happens; else only when it is asked for.
    #[serde(default = "yes")]
    pub wallet_idle: bool,
    /// How long a credential lasts.
    #[serde(default = "days")]
    pub credential_days: u64,
    /// Payments that one agent may send in `agent_seconds`; 0 for any number.
    #[serde(default = "requests")]
    pub agent_requests: u32,
    /// The time over which `agent_requests` are spread; 0 for no limit at all.
    #[serde(default = "seconds")]
    pub agent_seconds: u64,
    /// Agents whose rate is remembered one by one.
    #[serde(default = "agents")]
    pub agents_remembered: usize,
}

/// A merchant that is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Its name.
    pub merchant: String,
    /// Where notices are posted: https, or http on this machine.
    pub url: String,
    /// Certificates of authorities whose servers are believed, in PEM.
    pub roots: PathBuf,
}

impl IssuerConfig {
    /// Where the store is.
    pub fn place(&self, config: &Config) -> Place {
        match Place::of(&self.store) {
            Place::Sqlite(path) => Place::Sqlite(config.path(&path)),
            database @ Place::Postgres(_) => database,
        }
    }

    /// How long the lease of a database lasts.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds.max(1))
    }

    /// Where what was signed last is marked.
    pub fn head_path(&self, config: &Config) -> PathBuf {
        config.path(&self.head.clone().unwrap_or_else(|| crate::head::beside(&self.file())))
    }

    /// Where the snapshot of the state is.
    pub fn snapshot_path(&self, config: &Config) -> PathBuf {
        config.path(&crate::snapshot::beside(&self.file()))
    }

    /// Where the wallets' view is.
    pub fn wallet_path(&self, config: &Config) -> PathBuf {
        config.path(&crate::wallet::beside(&self.file()))
    }

    /// Where it is kept what merchants are told.
    pub fn hooks_path(&self, config: &Config) -> PathBuf {
        config.path(&crate::hooks::beside(&self.file()))
    }

    /// What the files beside the store are named after; beside the configuration, where the store is no file.
    fn file(&self) -> PathBuf {
        match Place::of(&self.store) {
            Place::Sqlite(path) => path,
            Place::Postgres(_) => PathBuf::from("issuer"),
        }
    }
}

fn lease() -> u64 {
    10
}

fn decisions() -> u64 {
    250_000
}

fn yes() -> bool {
    true
}

fn days() -> u64 {
    730
}

fn requests() -> u32 {
    6_000
}

fn seconds() -> u64 {
    60
}

fn agents() -> usize {
    100_000
}
