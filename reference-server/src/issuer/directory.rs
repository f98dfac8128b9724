//! The directory: what merchants say that they sell, as they signed it; and a search in it. Nobody pays by it: what
//! counts is the offer. [DIR-4]

mod listing;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use purser_protocol::bind::base64url;
use purser_protocol::bind::http::DOCUMENT;
use purser_protocol::code::Code;
use purser_protocol::flow::document::{OpenDocument, Reading};
use purser_protocol::id::PartyId;
use purser_protocol::paper::document::Listing;
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::time::UnixSeconds;
use serde_json::{Value, json};

use super::Issuer;
use super::checkers::Turn;
use super::command::media_type;
use super::wallet::query::{Query, Typed};
use crate::reply::Problem;
use crate::store::StoreError;
use crate::store::notes::{Note, Notes};
use listing::{Document, Service};

/// What the names of their notes begin with.
const NAME: &str = "listing/";
/// How old a listing may be when it comes. [DIR-2]
const COMES_SECONDS_MAX: u64 = 300;
/// How long it is listed.
const LISTED_SECONDS: u64 = 30 * 86_400;
/// Most merchants.
const MERCHANTS_MAX: usize = 10_000;
/// Services on a page when the query does not say, and at most.
const PAGE: usize = 50;
const PAGE_MAX: usize = 200;

/// Where a service stands: merchant, path, method. [DIR-6]
type Place = (String, String, String);

/// Everything that is listed.
#[derive(Default)]
pub(super) struct Directory(RwLock<Shelves>);

#[derive(Default)]
struct Shelves {
    merchants: BTreeMap<String, Listed>,
    services: BTreeMap<Place, Service>,
}

/// A merchant, as it signed.
struct Listed {
    body: Vec<u8>,
    issued_at: UnixSeconds,
    document: Document,
}

impl Directory {
    /// What is kept.
    pub(super) fn of(notes: &mut dyn Notes) -> Result<Self, StoreError> {
        let directory = Self::default();
        for Note { note, .. } in notes.find(NAME, 0)? {
            // It was checked when it came, and is what it was then.
            let sealed = purser_protocol::flow::document::Sealed::read(&note);
            let document = sealed.ok().and_then(|sealed| {
                let issued_at = listing::issued_at(&sealed.paper)?;
                Some((Document::read(&sealed.document).ok()?, issued_at))
            });
            let (document, issued_at) =
                document.ok_or_else(|| StoreError::Damaged("a listing cannot be read".into()))?;
            directory.put(Listed { body: note, issued_at, document });
        }
        Ok(directory)
    }

    fn put(&self, listed: Listed) {
        let mut shelves = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let id = listed.document.id.as_str().to_owned();
        shelves.services.retain(|(merchant, ..), _| *merchant != id);
        for service in &listed.document.services {
            let place = (id.clone(), service.path.clone(), service.method.clone());
            shelves.services.insert(place, service.clone());
        }
        shelves.merchants.insert(id, listed);
    }

    /// Whether a listing that was made then may take its place. [DIR-2]
    fn takes(&self, merchant: &PartyId, issued_at: UnixSeconds) -> Result<(), Code> {
        let shelves = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match shelves.merchants.get(merchant.as_str()) {
            Some(listed) if listed.issued_at > issued_at => Err(Code::ListingStale),
            None if shelves.merchants.len() >= MERCHANTS_MAX => Err(Code::Overloaded),
            _ => Ok(()),
        }
    }
}

/// `POST /v1/directory`
pub(super) async fn list(
    State(issuer): State<Arc<Issuer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    media_type(&headers, DOCUMENT)?;
    let (checked, bytes) = (Arc::clone(&issuer), body.clone());
    let opened = issuer.check(Turn::Payment, move || checked.open_listing(&bytes)).await?;
    let OpenDocument { paper, document, .. } = opened;
    let now = issuer.clock.now();
    let age = now.since(paper.issued_at).unwrap_or_default();
    if age > COMES_SECONDS_MAX || paper.issued_at.is_future(now) {
        return Err(Problem::new(Code::ListingStale)); // [DIR-2]
    }
    let document = Document::read(&document).map_err(Problem::new)?; // [DIR-3]
    if document.id != paper.merchant {
        return Err(Problem::new(Code::ListingForm).member("field", "id"));
    }
    issuer.directory.takes(&paper.merchant, paper.issued_at).map_err(Problem::new)?;
    let until = paper.issued_at.saturating_add(LISTED_SECONDS);
    let (name, kept) = (format!("{NAME}{}", paper.merchant), body.to_vec());
    issuer.noted(move |notes| notes.keep(&name, &kept, Some(until.get()))).await?;
    issuer.directory.put(Listed { body: body.to_vec(), issued_at: paper.issued_at, document });
    Ok(Json(json!({ "merchant": paper.merchant.as_str(), "until": until.get() })))
}

/// `GET /v1/directory/{merchant}`: as it was signed. [DIR-5]
pub(super) async fn listed(
    State(issuer): State<Arc<Issuer>>,
    Path(merchant): Path<String>,
) -> Result<Response, Problem> {
    let now = issuer.clock.now();
    let shelves = issuer.directory.0.read().unwrap_or_else(PoisonError::into_inner);
    let listed = shelves.merchants.get(&merchant).filter(|listed| listed.is_good(now));
    let body = listed.ok_or_else(|| Problem::new(Code::NotFound))?.body.clone();
    Ok(([(CONTENT_TYPE, DOCUMENT), (CACHE_CONTROL, "no-store")], body).into_response())
}

/// What a search asks for.
#[derive(Default)]
pub(super) struct Asked {
    words: Vec<String>,
    category: Option<u64>,
    currency: Option<String>,
    merchant: Option<String>,
    after: Option<Place>,
    limit: Option<usize>,
}

impl Typed for Asked {
    // [DIR-7]
    fn take(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "q" => self.words = value.split_whitespace().map(str::to_lowercase).collect(),
            "category" => self.category = Some(value.parse().ok()?),
            "currency" => self.currency = Some(value.to_uppercase()),
            "merchant" => self.merchant = Some(value.to_owned()),
            "after" => self.after = Some(serde_json::from_slice(&base64url::decode(value)?).ok()?),
            "limit" => self.limit = Some(value.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit))?),
            _ => return None,
        }
        Some(())
    }
}

impl Asked {
    fn wants(&self, merchant: &Listed, service: &Service) -> bool {
        self.category.is_none_or(|category| service.category == Some(category))
            && self.currency.as_ref().is_none_or(|currency| service.price.currency.code() == currency)
            && self.merchant.as_ref().is_none_or(|name| merchant.document.id.as_str() == name)
            && (self.words.is_empty() || {
                let words = merchant.document.words_of(service);
                self.words.iter().all(|word| words.contains(word))
            })
    }
}

/// `GET /v1/directory`
pub(super) async fn search(State(issuer): State<Arc<Issuer>>, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    let now = issuer.clock.now();
    let limit = asked.limit.unwrap_or(PAGE);
    let shelves = issuer.directory.0.read().unwrap_or_else(PoisonError::into_inner);
    let from = asked.after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
    let mut found = shelves.services.range((from, Bound::Unbounded)).filter_map(|(place, service)| {
        let merchant = shelves.merchants.get(&place.0).filter(|listed| listed.is_good(now))?;
        asked.wants(merchant, service).then(|| (place, merchant.shown(service)))
    });
    let mut services = Vec::new();
    let mut last = None;
    for (place, shown) in found.by_ref().take(limit) {
        services.push(shown);
        last = Some(place);
    }
    // [DIR-6]
    let next = match found.next() {
        Some(_) => last.map(|place| base64url::encode(json!(place).to_string().as_bytes())),
        None => None,
    };
    let body = json!({ "services": services, "next": next });
    Ok(([(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

impl Listed {
    fn is_good(&self, now: UnixSeconds) -> bool {
        now < self.issued_at.saturating_add(LISTED_SECONDS)
    }

    fn shown(&self, service: &Service) -> Value {
        let url = format!("{}{}", self.document.base_url.trim_end_matches('/'), service.path);
        json!({
            "merchant": self.document.id.as_str(),
            "shop": self.document.name.as_ref().map(|name| name.as_str()),
            "method": service.method,
            "url": url,
            "item": service.item.as_str(),
            "name": service.name.as_str(),
            "category": service.category,
            "price": service.price.to_string(),
            "format": service.format.as_ref().map(|format| format.as_str()),
            "listed_at": self.issued_at.get(),
        })
    }
}

impl Issuer {
    fn open_listing(&self, body: &[u8]) -> Result<OpenDocument<Listing>, purser_protocol::fault::Fault> {
        let (context, now) = (self.identity.context(), self.clock.now());
        Reading { context, crypto: &AwsLc, parties: &self.parties, now }.listing(body) // [DOC-1]
    }
}
