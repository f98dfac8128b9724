//! Why a shop cannot open, and what a store can say.

use purser_protocol::fault::Fault;

use crate::pem::PemError;
use crate::random::NoRandomness;

/// Why a shop cannot open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// A file that is not PEM.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// The configuration cannot be read.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// A setting.
    #[error("in the configuration, {key} {why}")]
    Setting {
        /// The key.
        key: &'static str,
        /// What is wrong with its value.
        why: String,
    },
    /// An anchor.
    #[error("an anchor is refused: {0}")]
    Anchor(Fault),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gave no random bytes.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

/// A setting that cannot be used.
pub(crate) fn setting(key: &'static str, why: impl Into<String>) -> SetupError {
    SetupError::Setting { key, why: why.into() }
}

/// What a store says when it cannot.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database says so.
    #[error("the store failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// The other database says so.
    #[error("the store failed: {}", described(.0))]
    Postgres(#[from] postgres::Error),
    /// The database is on another machine, and the connection would not be private.
    #[error("the database must be reached by a local socket or on this machine: put a tunnel before another one")]
    Far,
    /// What is in it cannot be.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// It was written by another version.
    #[error("the store has schema version {found}, this program reads {expected}: run the version that wrote it")]
    Version {
        /// The version in the store.
        found: i64,
        /// The version that this program reads.
        expected: i64,
    },
    /// The system gave no thread.
    #[error("no thread for the store: {0}")]
    Thread(std::io::Error),
    /// Another kind of store failed.
    #[error("the store failed: {0}")]
    Other(String),
}

/// What a database says stands behind its error's own words.
fn described(error: &postgres::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}
