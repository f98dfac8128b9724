//! The document of a listing: what an issuer reads of it, and what it refuses. [DIR-3]

use axum::http::Method;
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::id::{LongText, PartyId, ShortText};
use purser_protocol::label::IAT;
use purser_protocol::money::Money;
use purser_protocol::sign::Frame;
use purser_protocol::sign::paper::find;
use purser_protocol::time::UnixSeconds;
use serde_json::Value;

/// Longest document, in bytes.
const DOCUMENT_BYTES_MAX: usize = 32_768;
/// Most services.
const SERVICES_MAX: usize = 256;
/// Longest address or path, in bytes.
const ADDRESS_BYTES_MAX: usize = 1_024;
/// The greatest category of ISO 18245.
const CATEGORY_MAX: u64 = 9_999;

/// What a merchant says of itself.
pub(super) struct Document {
    pub(super) id: PartyId,
    pub(super) name: Option<LongText>,
    pub(super) about: Option<LongText>,
    pub(super) base_url: String,
    pub(super) services: Vec<Service>,
}

/// Something that is sold.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) item: ShortText,
    pub(super) name: LongText,
    pub(super) category: Option<u64>,
    pub(super) price: Money,
    pub(super) format: Option<ShortText>,
}

impl Document {
    /// Reads a document. What it says beyond this is nobody's business here.
    pub(super) fn read(text: &str) -> Result<Self, Fault> {
        let fault = |field: &'static str| Fault::new(Code::ListingForm).field(field);
        if text.len() > DOCUMENT_BYTES_MAX {
            return Err(fault("document"));
        }
        let document: Value = serde_json::from_str(text).map_err(|_| fault("document"))?;
        let own = &document["purser"];
        let services = own["services"].as_array().filter(|services| services.len() <= SERVICES_MAX);
        let base_url = own["base_url"].as_str().filter(|url| url.starts_with("https://") && is_address(url));
        Ok(Self {
            id: own["id"].as_str().and_then(PartyId::new).ok_or_else(|| fault("id"))?,
            name: words(&own["name"]).ok_or_else(|| fault("name"))?,
            about: words(&own["about"]).ok_or_else(|| fault("about"))?,
            base_url: base_url.ok_or_else(|| fault("base_url"))?.to_owned(),
            services: services
                .ok_or_else(|| fault("services"))?
                .iter()
                .map(|service| Service::read(service).ok_or_else(|| fault("services")))
                .collect::<Result<_, _>>()?,
        })
    }

    /// What a search looks for words in.
    pub(super) fn words_of(&self, service: &Service) -> String {
        let shop = [&self.name, &self.about].map(|words| words.as_ref().map_or("", |words| words.as_str()));
        let [name, about] = shop;
        [self.id.as_str(), name, about, &service.path, service.item.as_str(), service.name.as_str()]
            .join("\n")
            .to_lowercase()
    }
}

impl Service {
    fn read(service: &Value) -> Option<Self> {
        let method = service["method"].as_str().unwrap_or("GET");
        let path = service["path"].as_str().filter(|path| path.starts_with('/') && is_address(path))?;
        let category = match &service["category"] {
            Value::Null => None,
            category => Some(category.as_u64().filter(|category| *category <= CATEGORY_MAX)?),
        };
        let format = match &service["format"] {
            Value::Null => None,
            format => Some(ShortText::new(format.as_str()?)?),
        };
        Some(Self {
            method: Method::from_bytes(method.as_bytes()).ok()?.as_str().to_owned(),
            path: path.to_owned(),
            item: ShortText::new(service["item"].as_str()?)?,
            name: LongText::new(service["name"].as_str()?)?,
            category,
            price: service["price"].as_str()?.parse().ok()?,
            format,
        })
    }
}

/// When a listing was made, of one that was checked before.
pub(super) fn issued_at(paper: &[u8]) -> Option<UnixSeconds> {
    let frame = Frame::read(paper).ok()?;
    let (_, mut seconds) = find(frame.payload, IAT.number)?;
    UnixSeconds::new(seconds.unsigned().ok()?)
}

/// Words, where there are some: as short and as plain as those of papers are.
fn words(value: &Value) -> Option<Option<LongText>> {
    match value {
        Value::Null => Some(None),
        words => LongText::new(words.as_str()?).map(Some),
    }
}

/// Nothing that a person or a terminal would read otherwise than it is.
fn is_address(text: &str) -> bool {
    text.len() <= ADDRESS_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic())
}
