//! The merchant: what has a price is served for a receipt, once.
//!
//! | module | what it is |
//! |---|---|
//! | `sell` | the answer to a request: an offer, what was paid for, or why not |
//! | `offers`, `debts`, `keeper` | the store: what was made, taken, and must go back; the thread that writes it |
//! | `refunds` | sends money back until its issuer has answered |
//! | `till` | what these share |

mod config;
mod debts;
mod keeper;
mod offers;
mod refunds;
mod sell;
mod till;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use purser_protocol::bind::base64url;
use purser_protocol::cert::Role;
use purser_protocol::money::Currency;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::life::Life;
use crate::material::{self, Identity, IdentityFiles, SetupError};
use crate::pem;
use crate::reply::VERSIONS;
use config::{MerchantConfig, Product};
use offers::{Bounds, Offers};
use refunds::Refunds;
use till::Till;

/// Everything that handlers share.
struct Merchant {
    till: Arc<Till>,
    refunds: Refunds,
    bounds: Bounds,
    document: Value,
    /// Signatures are made and checked on their own threads, no more at once than there are cores.
    signing: Semaphore,
}

/// Opens the store, and gives the routes of the products.
pub fn routes(config: &Config, url: &str, life: &Life) -> Result<Router, SetupError> {
    let settings: MerchantConfig = config.table("merchant")?;
    let files = IdentityFiles {
        name: &settings.name,
        network: &settings.network,
        certificate: &settings.certificate,
        key: &settings.key,
    };
    let identity = Identity::load(&files, config)?;
    let mut register = material::register(&settings.anchors, Role::Issuer, config)?;
    for issuer in &settings.issuers {
        register.keep(pem::certificates(&config.path(&issuer.chain))?);
    }
    let catalogue = settings.catalogue(&identity.id)?;
    let document = document(&settings, &identity, url, catalogue.values().flatten());
    let till = Arc::new(Till::new(identity, register, Offers::open(&config.path(&settings.store))?)?);
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let merchant = Arc::new(Merchant {
        refunds: Refunds::start(&settings, config, &till, life)?,
        till,
        bounds: settings.bounds(),
        document,
        signing: Semaphore::new(cores),
    });
    let mut routes = Router::new().route("/.well-known/purser", get(discovery));
    for (path, products) in catalogue {
        let products: Arc<[Arc<Product>]> = products.into_iter().map(Arc::new).collect();
        let serve = move |state, method, uri, authority, headers, body| {
            sell::sell(state, Arc::clone(&products), method, uri, authority, headers, body)
        };
        routes = routes.route(&path, any(serve));
    }
    life.set_ready(true);
    // The shell has the one limit.
    Ok(routes.layer(DefaultBodyLimit::disable()).with_state(merchant))
}

/// `GET /.well-known/purser`
async fn discovery(State(merchant): State<Arc<Merchant>>) -> Response {
    ([(CACHE_CONTROL, "public, max-age=3600")], Json(merchant.document.clone())).into_response()
}

/// What anybody may know. [HTB-4]
fn document<'a>(
    settings: &MerchantConfig,
    identity: &Identity,
    url: &str,
    products: impl Iterator<Item = &'a Product>,
) -> Value {
    let accepts: Vec<_> =
        settings.issuers.iter().map(|issuer| json!({ "issuer": issuer.name, "account": issuer.account })).collect();
    let chain: Vec<String> = identity.chain.iter().map(|der| base64url::encode(der)).collect();
    let currencies: BTreeSet<&str> = products.map(|product| Currency::code(product.currency)).collect();
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
        "accepts": accepts,
        "certificates": [chain],
    }})
}
