//! What a role signs with and whom it trusts, read from the files that its configuration names.

use std::path::PathBuf;

use purser_merchant::SetupError as KitError;
use purser_protocol::cert::Role;
use purser_protocol::flow::Register;

pub use purser_merchant::identity::{Identity, IdentityFiles};

use crate::config::{Config, ConfigError};
use crate::head::HeadError;
use crate::pem;
use crate::store::StoreError;

/// A register that trusts the authorities in these files for one role.
pub fn register(anchors: &[PathBuf], role: Role, config: &Config) -> Result<Register, SetupError> {
    Ok(purser_merchant::identity::register(anchors, role, config.folder())?)
}

/// A setting that cannot be used.
pub fn setting(key: &'static str, why: impl Into<String>) -> SetupError {
    SetupError::Setting { key, why: why.into() }
}

/// Why a role cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file.
    #[error(transparent)]
    Pem(#[from] pem::PemError),
    /// A setting.
    #[error("in the configuration, {key} {why}")]
    Setting {
        /// The key.
        key: &'static str,
        /// What is wrong with its value.
        why: String,
    },
    /// What any server of the binding needs.
    #[error(transparent)]
    Kit(#[from] KitError),
    /// The store is not the one that was signed from last.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gave no random bytes.
    #[error(transparent)]
    Random(#[from] crate::random::NoRandomness),
}
