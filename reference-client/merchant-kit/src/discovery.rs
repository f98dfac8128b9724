//! What anybody may know of a shop. [HTB-4]
//!
//! What it lists are words: what is paid is what the signed offer says.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use purser_protocol::bind::base64url;
use purser_protocol::bind::http::DOCUMENT;
use purser_protocol::code::Code;
use purser_protocol::flow::document::Sealed;
use purser_protocol::id::LongText;
use purser_protocol::money::Currency;
use purser_protocol::paper::document::{Listing, content_of};
use purser_protocol::sign::SignerFailed;
use purser_protocol::time::UnixSeconds;
use serde_json::{Value, json};

use crate::error::{SetupError, setting};
use crate::problem::{Problem, VERSIONS};
use crate::settings::Settings;
use crate::shop::{Inner, Shop};
use crate::skills::Skills;

/// How long one signature is given to whoever asks, in seconds.
const SIGNED_SECONDS: u64 = 60;

/// What a shop says of itself, beside its catalogue.
pub(crate) struct Words {
    title: Option<LongText>,
    about: Option<LongText>,
    pub(crate) skills: Option<Skills>,
    /// The listing that was signed last, for which address and when.
    signed: Mutex<Option<(String, UnixSeconds, String)>>,
}

impl Words {
    pub(crate) fn of(settings: &Settings, folder: &Path) -> Result<Self, SetupError> {
        let words = |key: &'static str, words: &Option<String>| {
            let read = words.as_deref().map(LongText::new);
            match read {
                Some(None) => Err(setting(key, "is not 1 to 256 bytes of text")),
                Some(read) => Ok(read),
                None => Ok(None),
            }
        };
        Ok(Self {
            title: words("title", &settings.title)?,
            about: words("about", &settings.about)?,
            skills: settings.skills.as_deref().map(|web| Skills::read(&folder.join(web))).transpose()?,
            signed: Mutex::default(),
        })
    }
}

/// `GET /.well-known/purser`, and the same signed, at `/.well-known/purser/listing`.
pub(crate) fn routes(shop: &Shop, url: &str) -> Router {
    let answer = ([(CACHE_CONTROL, "public, max-age=3600")], Json(shop.document(url)));
    let (signs, url) = (shop.clone(), url.to_owned());
    let listing = move || async move { signed(&signs, &url).await };
    let routes = Router::new()
        .route("/.well-known/purser", get(|| async move { answer }))
        .route("/.well-known/purser/listing", get(listing));
    match &shop.0.words.skills {
        Some(skills) => routes.merge(skills.routes()),
        None => routes,
    }
}

/// The listing, signed once a minute at most. [DIR-1]
async fn signed(shop: &Shop, url: &str) -> Result<Response, Problem> {
    let (shop, url) = (shop.clone(), url.to_owned());
    let listing = tokio::task::spawn_blocking(move || {
        let now = shop.0.till.clock.now();
        let mut last = shop.0.words.signed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, at, listing)) = last.as_ref()
            && *of == url
            && now.since(*at).is_some_and(|age| age < SIGNED_SECONDS)
        {
            return Ok(listing.clone());
        }
        let made = listing(&shop.0, &url)?;
        *last = Some((url, now, made.clone()));
        Ok::<_, SignerFailed>(made)
    });
    let listing = listing.await.map_err(|_| Problem::new(Code::Internal))?;
    let listing = listing.map_err(|_| Problem::new(Code::Internal))?;
    Ok(([(CONTENT_TYPE, DOCUMENT), (CACHE_CONTROL, "public, max-age=60")], listing).into_response())
}

/// The document with the paper that signs it. [DOC-1]
pub(crate) fn listing(shop: &Inner, url: &str) -> Result<String, SignerFailed> {
    let document = document(shop, url).to_string();
    let identity = &shop.till.identity;
    let paper = identity.sign_with_chain(&Listing {
        merchant: identity.id.clone(),
        issued_at: shop.till.clock.now(),
        content: content_of(document.as_bytes()),
    })?;
    Ok(Sealed { paper, document }.write())
}

pub(crate) fn document(shop: &Inner, url: &str) -> Value {
    let identity = &shop.till.identity;
    let accepts = shop.seller.accepts.iter();
    let accepts = accepts.map(|payee| json!({ "issuer": payee.issuer.as_str(), "account": payee.account.as_str() }));
    let chain: Vec<String> = identity.chain.iter().map(|der| base64url::encode(der)).collect();
    let products = || shop.catalogue.values().flatten();
    let currencies: BTreeSet<&str> = products().map(|product| Currency::code(product.currency())).collect();
    let formats: BTreeSet<&str> = products().filter_map(|product| product.format.as_deref()).collect();
    let now = shop.till.clock.now();
    let services =
        shop.catalogue.iter().flat_map(|(path, products)| products.iter().map(move |product| (path, product)));
    let services = services.map(|(path, product)| {
        let (version, charge) = product.charge(now);
        json!({
            "method": product.method.as_str(),
            "path": path,
            "item": product.item,
            "name": charge.name(),
            "category": product.category,
            "price": charge.price().to_string(),
            "price_version": version,
            "format": product.format,
        })
    });
    json!({ "purser": {
        "versions": VERSIONS,
        "roles": ["merchant"],
        "id": identity.id.as_str(),
        "name": shop.words.title.as_ref().map(|words| words.as_str()),
        "about": shop.words.about.as_ref().map(|words| words.as_str()),
        "network": identity.network.as_str(),
        "sandbox": false,
        "base_url": url,
        "features": ["core", "holds"],
        "currencies": currencies,
        "formats": formats,
        "methods": [{ "method": "purser", "intents": ["charge"] }],
        "accepts": accepts.collect::<Vec<_>>(),
        "services": services.collect::<Vec<_>>(),
        "certificates": [chain],
    }})
}
