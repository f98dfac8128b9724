//! The merchant: what has a price is served for a receipt, once.
//!
//! All of it is the kit's, `purser_merchant`; here its catalogue meets the shell.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::{ALLOW, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use purser_merchant::Shop;
use purser_merchant::settings::{Product, Settings};
use purser_protocol::code::Code;

use crate::config::Config;
use crate::life::Life;
use crate::material::{SetupError, setting};
use crate::reply::Problem;

/// Opens the store, and gives the routes of the products.
pub fn routes(config: &Config, url: &str, life: &Life) -> Result<Router, SetupError> {
    let settings: Settings = config.table("merchant")?;
    let shop = Shop::with(&settings, config.folder())?;
    let mut routes = shop.discovery(url).merge(shop.codes());
    for (path, products) in shop.catalogue() {
        if products.iter().any(|product| product.body.is_none()) {
            return Err(setting("products", format!("({path}): body is missing: nobody else makes it")));
        }
        let (shop, products): (Shop, Arc<[Product]>) = (shop.clone(), products.clone().into());
        let serve = move |request: Request| sell(shop.clone(), Arc::clone(&products), request);
        routes = routes.route(path, any(serve));
    }
    let stopping = life.clone();
    tokio::spawn(async move {
        stopping.stopping().await;
        shop.close();
    });
    life.set_ready(true);
    // The shell has the one limit.
    Ok(routes.layer(DefaultBodyLimit::disable()))
}

/// Answers a request for the products of one path.
async fn sell(shop: Shop, products: Arc<[Product]>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let Some(product) = products.iter().find(|product| product.method == parts.method) else {
        return Err(not_allowed(&products));
    };
    // The shell has read all of it.
    let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.map_err(|_| Problem::new(Code::BodyTimeout))?;
    Ok(shop.serve_listed(product, &parts, &body).await.into_response())
}

/// HEAD too: its answer would have no content, and an offer would have been made for nothing. [HTB-29]
fn not_allowed(products: &[Product]) -> Problem {
    let methods: Vec<&str> = products.iter().map(|product| product.method.as_str()).collect();
    let problem = Problem::new(Code::MethodNotAllowed);
    match HeaderValue::from_str(&methods.join(", ")) {
        Ok(methods) => problem.header(ALLOW, methods),
        Err(_) => problem,
    }
}
