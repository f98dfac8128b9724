//! Sending commands to an issuer.

use std::error::Error;
use std::path::Path;

use axum::body::Bytes;
use purser_protocol::bind::http::{ANSWER, PAPER};

use crate::error::{SetupError, setting};
use crate::settings::IssuerEntry;
use crate::wire::Wire;

/// Sends commands to one issuer.
pub struct Post(Wire);

impl Post {
    /// The way to the issuer of a configuration, whose paths start in this folder.
    pub fn to(entry: &IssuerEntry, folder: &Path) -> Result<Self, SetupError> {
        if !entry.url.starts_with("https://") {
            return Err(setting("issuers", "have a url that is not https"));
        }
        Wire::to(&entry.url, &folder.join(&entry.roots), "issuers").map(Self)
    }

    /// Sends a command; gives the body of the signed answer, or nothing when nothing was decided.
    pub async fn send(&self, command: Vec<u8>) -> Result<Option<Bytes>, Box<dyn Error + Send + Sync>> {
        let posted = self.0.send("/v1/commands", PAPER, command).await?;
        Ok((posted.media_type == ANSWER).then_some(posted.body))
    }
}
