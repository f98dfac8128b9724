//! Sending commands to an issuer.

use std::error::Error;
use std::path::Path;

use axum::body::Bytes;
use axum::http::StatusCode;
use purser_protocol::bind::http::{ANSWER, PAPER, PAYMENT_REQUEST};
use purser_protocol::id::PaperId;

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

    /// Sends a payment request of the merchant's own, under a mandate that it holds; gives the same.
    pub async fn pay(&self, request: Vec<u8>) -> Result<Option<Bytes>, Box<dyn Error + Send + Sync>> {
        let posted = self.0.send("/v1/intents", PAYMENT_REQUEST, request).await?;
        Ok((posted.media_type == ANSWER).then_some(posted.body))
    }

    /// How a mandate stands, as the issuer signs it; nothing where it knows none.
    pub async fn status(&self, mandate: &PaperId) -> Result<Option<Bytes>, Box<dyn Error + Send + Sync>> {
        let answer = self.0.get(&format!("/v1/mandates/{mandate}/status")).await?;
        match answer.status {
            StatusCode::OK => Ok(Some(answer.body)),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(format!("the issuer answered {status}").into()),
        }
    }
}
