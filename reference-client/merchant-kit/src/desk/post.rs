//! Sending commands to an issuer.

use std::error::Error;
use std::path::Path;

use axum::body::Bytes;
use axum::http::StatusCode;
use purser_protocol::bind::http::{ANSWER, PAPER, PAYMENT_REQUEST};
use purser_protocol::code::Code;
use purser_protocol::id::PaperId;

use crate::error::{SetupError, setting};
use crate::settings::IssuerEntry;
use crate::wire::Wire;

/// Sends commands to one issuer.
pub struct Post {
    wire: Wire,
    url: String,
}

impl Post {
    /// The way to the issuer of a configuration, whose paths start in this folder.
    pub fn to(entry: &IssuerEntry, folder: &Path) -> Result<Self, SetupError> {
        if !entry.url.starts_with("https://") {
            return Err(setting("issuers", "have a url that is not https"));
        }
        let wire = Wire::to(&entry.url, &folder.join(&entry.roots), "issuers")?;
        let url = entry.base_url.as_ref().unwrap_or(&entry.url).trim_end_matches('/').to_owned();
        Ok(Self { wire, url })
    }

    /// The address of a path there, as a proof names it.
    pub(crate) fn target(&self, below: &str) -> String {
        format!("POST {}{below}", self.url)
    }

    /// Posts what is no command; gives the body of a 200, or the words of a refusal.
    pub(crate) async fn ask(&self, below: &str, media: &str, body: Vec<u8>) -> Result<Bytes, String> {
        let posted = self.wire.send(below, media, body).await.map_err(|error| error.to_string())?;
        match posted.status {
            StatusCode::OK => Ok(posted.body),
            status => Err(format!("{status}: {}", String::from_utf8_lossy(&posted.body))),
        }
    }

    /// Sends a command; gives the body of the signed answer, or why nothing was decided, as far as the issuer says.
    pub async fn put(&self, command: Vec<u8>) -> Result<Result<Bytes, Option<Code>>, Box<dyn Error + Send + Sync>> {
        let posted = self.wire.send("/v1/commands", PAPER, command).await?;
        if posted.media_type == ANSWER {
            return Ok(Ok(posted.body));
        }
        let problem = serde_json::from_slice::<serde_json::Value>(&posted.body).unwrap_or_default();
        let slug = problem["type"].as_str().and_then(|name| name.strip_prefix("urn:purser:problem:"));
        Ok(Err(slug.and_then(Code::from_slug)))
    }

    /// Sends a command; gives the body of the signed answer, or nothing when nothing was decided.
    pub async fn send(&self, command: Vec<u8>) -> Result<Option<Bytes>, Box<dyn Error + Send + Sync>> {
        Ok(self.put(command).await?.ok())
    }

    /// Sends a payment request of the merchant's own, under a mandate that it holds; gives the same.
    pub async fn pay(&self, request: Vec<u8>) -> Result<Option<Bytes>, Box<dyn Error + Send + Sync>> {
        let posted = self.wire.send("/v1/intents", PAYMENT_REQUEST, request).await?;
        Ok((posted.media_type == ANSWER).then_some(posted.body))
    }

    /// How a mandate stands, as the issuer signs it; nothing where it knows none.
    pub async fn status(&self, mandate: &PaperId) -> Result<Option<Bytes>, Box<dyn Error + Send + Sync>> {
        let answer = self.wire.get(&format!("/v1/mandates/{mandate}/status")).await?;
        match answer.status {
            StatusCode::OK => Ok(Some(answer.body)),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(format!("the issuer answered {status}").into()),
        }
    }
}
