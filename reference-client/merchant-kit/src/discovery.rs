//! What anybody may know of a shop. [HTB-4]
//!
//! What it lists are words: what is paid is what the signed offer says.

use std::collections::BTreeSet;

use axum::http::header::CACHE_CONTROL;
use axum::routing::get;
use axum::{Json, Router};
use purser_protocol::bind::base64url;
use purser_protocol::money::Currency;
use serde_json::{Value, json};

use crate::problem::VERSIONS;
use crate::shop::Inner;

/// `GET /.well-known/purser`
pub(crate) fn route(document: Value) -> Router {
    let answer = ([(CACHE_CONTROL, "public, max-age=3600")], Json(document));
    Router::new().route("/.well-known/purser", get(|| async move { answer }))
}

pub(crate) fn document(shop: &Inner, url: &str) -> Value {
    let identity = &shop.till.identity;
    let accepts = shop.seller.accepts.iter();
    let accepts = accepts.map(|payee| json!({ "issuer": payee.issuer.as_str(), "account": payee.account.as_str() }));
    let chain: Vec<String> = identity.chain.iter().map(|der| base64url::encode(der)).collect();
    let products = || shop.catalogue.values().flatten();
    let currencies: BTreeSet<&str> = products().map(|product| Currency::code(product.currency())).collect();
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
        })
    });
    json!({ "purser": {
        "versions": VERSIONS,
        "roles": ["merchant"],
        "id": identity.id.as_str(),
        "network": identity.network.as_str(),
        "sandbox": false,
        "base_url": url,
        "features": ["core", "holds"],
        "currencies": currencies,
        "methods": [{ "method": "purser", "intents": ["charge"] }],
        "accepts": accepts.collect::<Vec<_>>(),
        "services": services.collect::<Vec<_>>(),
        "certificates": [chain],
    }})
}
