//! `[issuer]`

use std::path::PathBuf;

use serde::Deserialize;

use crate::config::Config;

/// What an issuer is told: who it is, what it signs with, whom it trusts, where it keeps things.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// Its name, as in its certificate.
    pub name: String,
    /// The network that its papers belong to.
    pub network: String,
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
    /// The store's file.
    pub store: PathBuf,
    /// Where what was signed last is marked; beside the store when not given.
    pub head: Option<PathBuf>,
    /// After how many decisions the snapshot of the state is renewed; 0 for never.
    #[serde(default = "decisions")]
    pub snapshot_every: u64,
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

impl IssuerConfig {
    /// Where what was signed last is marked.
    pub fn head_path(&self, config: &Config) -> PathBuf {
        config.path(&self.head.clone().unwrap_or_else(|| crate::head::beside(&self.store)))
    }

    /// Where the snapshot of the state is.
    pub fn snapshot_path(&self, config: &Config) -> PathBuf {
        config.path(&crate::snapshot::beside(&self.store))
    }
}

fn decisions() -> u64 {
    250_000
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
