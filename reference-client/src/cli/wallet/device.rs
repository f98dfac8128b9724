//! `purser wallet device`: the person's answer to a device that asks.

use clap::Args;
use purser_client::{Error, Result};
use purser_protocol::bind::base64url;
use purser_protocol::money::Currency;
use purser_protocol::sign::PublicKey;
use serde_json::json;

use super::{Owner, escaped};
use crate::cli::Done;
use crate::cli::mandate::{ForDevice, TermsArgs};
use crate::cli::shown::{self, Consent, Language};

#[derive(Args)]
pub(in crate::cli) struct Device {
    /// The code that the device shows
    code: String,
    /// Say no
    #[arg(long)]
    refuse: bool,
    /// The currency of every amount in its mandate
    #[arg(long, default_value = "CNY")]
    currency: Currency,
    #[command(flatten)]
    terms: Box<TermsArgs>,
    /// When it ends: 30d, 2027-01-01, 2027-01-01T08:00:00Z
    #[arg(long, value_name = "WHEN", default_value = "30d")]
    expires: String,
    #[command(flatten)]
    consent: Consent,
}

impl Device {
    pub(super) async fn run(mut self, owner: &Owner, lang: Language) -> Result<Done> {
        let issuer = &owner.session.issuer;
        if self.refuse {
            issuer.answer_device(&escaped(&self.code), None, &owner.person).await?;
            return Ok(Done::new("refused\n", json!({ "refused": true })));
        }
        let found = issuer.wallet(&format!("/v1/wallet/devices/{}", escaped(&self.code)), &owner.person).await?;
        let bytes = found["public"].as_str().and_then(base64url::decode);
        let bytes: Option<[u8; 64]> = bytes.and_then(|bytes| bytes.try_into().ok());
        let key = PublicKey(bytes.ok_or_else(|| Error::failed("what the issuer shows under this code is no key"))?);
        // The device's own words for itself, and nothing in them that a terminal would obey. [DEV-8]
        let name: String = found["name"].as_str().unwrap_or_default().chars().flat_map(char::escape_debug).collect();
        shown::before_asking(&format!("A device that calls itself \"{name}\" asks. Its key:\n  {}\n", key.id()))?;
        self.terms.bind(&key.id()); // [DEV-9]
        let draft = ForDevice { key, currency: self.currency, terms: &self.terms, expires: &self.expires };
        let (mandate, mut done) = draft.register(&owner.session, &owner.person, lang, self.consent).await?;
        issuer.answer_device(&escaped(&self.code), Some(mandate), &owner.person).await?;
        done.json.insert("device".into(), key.id().to_string().into());
        Ok(done)
    }
}
