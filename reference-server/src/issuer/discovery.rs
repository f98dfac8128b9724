//! What anybody may know of the issuer; and a sandbox's clock.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use purser_protocol::bind::base64url;
use purser_protocol::code::Code;
use purser_protocol::money::Currency;
use purser_protocol::time::UnixSeconds;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Issuer;
use super::command::media_type;
use crate::reply::{Problem, VERSIONS};

/// `GET /.well-known/purser`
pub(super) async fn document(State(issuer): State<Arc<Issuer>>) -> Response {
    // [OPS-3]
    let chains = std::iter::once(&issuer.identity.chain).chain(&issuer.earlier_chains);
    let chains: Vec<Vec<String>> =
        chains.map(|chain| chain.iter().map(|der| base64url::encode(der)).collect()).collect();
    let currencies: Vec<&str> = Currency::all().map(Currency::code).collect();
    let document = json!({ "purser": {
        "versions": VERSIONS,
        "roles": ["issuer"],
        "id": issuer.identity.id.as_str(),
        "network": issuer.identity.network.as_str(),
        "sandbox": issuer.sandbox,
        "base_url": issuer.url,
        "features": features(issuer.sandbox),
        "currencies": currencies,
        "certificates": chains,
        "time_zones": purser_protocol::period::database_version(),
    }});
    ([(CACHE_CONTROL, "public, max-age=3600")], Json(document)).into_response()
}

/// What it claims beyond a role's core. [CNV-3]
fn features(sandbox: bool) -> Vec<&'static str> {
    let always =
        ["core", "holds", "funded", "delegation", "confirmation", "held-mandates", "tokens", "disputes", "directory"];
    always.into_iter().chain(sandbox.then_some("sandbox")).collect()
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClockBody {
    /// Unix seconds.
    now: u64,
}

/// `GET /v1/sandbox/clock`
pub(super) async fn clock(State(issuer): State<Arc<Issuer>>) -> Result<Json<ClockBody>, Problem> {
    sandbox_only(&issuer)?;
    Ok(Json(ClockBody { now: issuer.clock.now().get() }))
}

/// `POST /v1/sandbox/clock`
pub(super) async fn set_clock(
    State(issuer): State<Arc<Issuer>>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Result<Json<ClockBody>, Problem> {
    sandbox_only(&issuer)?;
    // What another site's form can send is none of this. [HTB-25]
    media_type(&headers, "application/json")?;
    let asked: ClockBody = serde_json::from_slice(&body).map_err(|_| Problem::new(Code::FieldType))?;
    let now = UnixSeconds::new(asked.now).ok_or_else(|| Problem::new(Code::FieldRange))?;
    issuer.clock.set(now);
    clock(State(issuer)).await
}

fn sandbox_only(issuer: &Issuer) -> Result<(), Problem> {
    if issuer.sandbox { Ok(()) } else { Err(Problem::new(Code::NotSandbox)) }
}
