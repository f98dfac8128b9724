//! An issuer's directory: what merchants say that they sell. Nobody pays by it: what counts is the offer. [DIR-4]

use purser_protocol::bind::http::DOCUMENT;
use purser_protocol::flow::document::{OpenDocument, Reading};
use purser_protocol::id::PartyId;
use purser_protocol::paper::document::Listing;
use purser_protocol::sign::backend::AwsLc;
use serde::{Deserialize, Serialize};

use super::Issuer;
use crate::error::{Error, Result};

/// What to look for.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Words, all of which stand in what is found.
    pub words: Option<String>,
    /// A category of ISO 18245.
    pub category: Option<u64>,
    /// The currency of the price.
    pub currency: Option<String>,
    /// The merchant.
    pub merchant: Option<String>,
}

/// Something that a merchant says that it sells.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ServiceView {
    /// The merchant.
    pub merchant: String,
    /// What people call it.
    pub shop: Option<String>,
    /// The method of its resource.
    pub method: String,
    /// Its address.
    pub url: String,
    /// Its id in the shop.
    pub item: String,
    /// Its name.
    pub name: String,
    /// Its category.
    pub category: Option<u64>,
    /// Its price as it is advertised. The offer says what it is.
    pub price: String,
    /// The media type of what is served.
    pub format: Option<String>,
    /// When the merchant said so.
    pub listed_at: u64,
}

#[derive(Deserialize)]
struct Page {
    services: Vec<ServiceView>,
    next: Option<String>,
}

impl Search {
    fn query(&self) -> String {
        let members = [
            ("q", self.words.clone()),
            ("category", self.category.map(|category| category.to_string())),
            ("currency", self.currency.clone()),
            ("merchant", self.merchant.clone()),
        ];
        let members = members.iter().filter_map(|(name, value)| Some(format!("{name}={}", escaped(value.as_ref()?))));
        members.collect::<Vec<_>>().join("&")
    }
}

impl Issuer {
    /// What a search finds, page by page, at most so many.
    pub async fn search(&self, search: &Search, most: usize) -> Result<Vec<ServiceView>> {
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let limit = (most - found.len()).clamp(1, 200);
            let target = format!("/v1/directory?limit={limit}{after}&{}", search.query());
            let response = self.good(self.connector.send(&self.get(target.trim_end_matches('&'), JSON)).await?)?;
            let page: Page = serde_json::from_slice(&response.body)
                .map_err(|error| self.odd(&format!("its answer cannot be read: {error}")))?;
            let none = page.services.is_empty();
            found.extend(page.services);
            found.truncate(most);
            match page.next {
                Some(next) if !none && found.len() < most => after = format!("&after={}", escaped(&next)),
                _ => return Ok(found),
            }
        }
    }

    /// What a merchant has signed of itself: verified, and the document as it was signed.
    pub async fn listing(&self, merchant: &PartyId) -> Result<OpenDocument<Listing>> {
        let response = self.get(&format!("/v1/directory/{merchant}"), DOCUMENT);
        let response = self.good(self.connector.send(&response).await?)?;
        let (context, parties, now) = (self.trust.context(), self.trust.as_ref(), self.clock.now());
        let opened = Reading { context, crypto: &AwsLc, parties, now }.listing(&response.body); // [DOC-1]
        let opened = opened.map_err(|fault| Error::fault("listing", fault).at(self.url.origin()))?;
        if opened.paper.merchant == *merchant { Ok(opened) } else { Err(self.odd("its listing is another merchant's")) }
    }
}

const JSON: &str = "application/json";

fn escaped(value: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    value.bytes().map(|byte| if plain(&byte) { char::from(byte).into() } else { format!("%{byte:02X}") }).collect()
}
