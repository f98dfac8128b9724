//! `[issuer]`: who it is, what it signs with, whom it trusts, where it keeps things.

use std::path::PathBuf;
use std::sync::Arc;

use purser_protocol::cert::{Role, TrustAnchors};
use purser_protocol::fault::Fault;
use purser_protocol::flow::{Register, certificate_id};
use purser_protocol::id::{CertificateId, PartyId, Text};
use purser_protocol::sign::Signer;
use purser_protocol::sign::backend::AwsLc;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::signer_from;
use crate::config::{Config, ConfigError};
use crate::pem;
use crate::store::StoreError;

/// `[issuer]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IssuerConfig {
    /// Its name, as in its certificate.
    pub(super) name: String,
    /// The network that its papers belong to.
    pub(super) network: String,
    /// Whether money is play money, and the clock may be set.
    #[serde(default)]
    pub(super) sandbox: bool,
    /// Its signing certificate and what issued it, leaf first, in PEM.
    pub(super) certificate: PathBuf,
    /// The leaf's private key: PKCS #8 in PEM.
    pub(super) key: PathBuf,
    /// Certificates of authorities whose merchants are trusted, in PEM.
    pub(super) anchors: Vec<PathBuf>,
    /// The store's file.
    pub(super) store: PathBuf,
    /// How long a credential lasts.
    #[serde(default = "days")]
    pub(super) credential_days: u64,
}

fn days() -> u64 {
    730
}

/// What the configuration names, read.
pub(super) struct Material {
    pub(super) id: PartyId,
    pub(super) network: Text<32>,
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) certificate: CertificateId,
    pub(super) signer: Arc<dyn Signer>,
    pub(super) pseudonym_secret: [u8; 32],
    pub(super) register: Register,
}

impl Material {
    pub(super) fn load(settings: &IssuerConfig, config: &Config) -> Result<Self, IssuerError> {
        let wrong = |key: &'static str, why: &str| IssuerError::Setting { key, why: why.to_owned() };
        let id = PartyId::new(&settings.name).ok_or_else(|| wrong("name", "is not a party's name"))?;
        let network = Text::new(&settings.network).ok_or_else(|| wrong("network", "is not 1 to 32 bytes of text"))?;
        let chain = pem::certificates(&config.path(&settings.certificate))?;
        let leaf = chain.first().ok_or_else(|| wrong("certificate", "holds no certificate"))?;
        let key = pem::private_key(&config.path(&settings.key))?;
        let signer = signer_from(&key).ok_or_else(|| wrong("key", "is not a P-256 key in PKCS #8"))?;
        let mut trust = TrustAnchors::new(&AwsLc);
        for path in &settings.anchors {
            for anchor in pem::certificates(&config.path(path))? {
                trust.add(&anchor, &[Role::Merchant, Role::Issuer], &[]).map_err(IssuerError::Anchor)?;
            }
        }
        let secret = Sha256::new().chain_update(b"purser pseudonym").chain_update(&key).finalize();
        Ok(Self {
            certificate: certificate_id(leaf),
            id,
            network,
            signer: Arc::new(signer),
            pseudonym_secret: secret.into(),
            register: Register::new(trust),
            chain,
        })
    }
}

/// Why the issuer cannot start.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file.
    #[error(transparent)]
    Pem(#[from] pem::PemError),
    /// A setting.
    #[error("in issuer: {key} {why}")]
    Setting {
        /// The key.
        key: &'static str,
        /// What is wrong with its value.
        why: String,
    },
    /// An anchor.
    #[error("in issuer: an anchor is refused: {0}")]
    Anchor(Fault),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}
