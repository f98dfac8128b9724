//! What the agent says and asks of its session: links, how it stands, its end.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL};
use axum::response::{IntoResponse, Response};
use purser_protocol::bind::base64url;
use purser_protocol::code::Code;
use purser_protocol::field::decoded;
use purser_protocol::id::PaperId;
use purser_protocol::paper::meter::Unit;
use purser_protocol::token::message::Release;
use purser_protocol::token::seller::{Released, Session, State as Standing, Why};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Seller;
use super::desk::{Accounts, Fold, Live};
use crate::reply::{NO_STORE, Problem};

/// `POST /v1/sessions/{id}/links`. [TOK-21]
pub(super) async fn links(
    State(seller): State<Arc<Seller>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let live = spoken_for(&seller, &id, &headers).await?;
    let (release, now): (Release, _) = (decoded(&body)?, seller.clock.now());
    let moved = live.act(move |session| {
        Ok(match session.release(&release, now)? {
            Released::Known => (Vec::new(), false),
            Released::Ahead(records) => (records, true),
        })
    });
    let moved = moved.await?;
    Ok(told(&live, |told| told["moved"] = moved.into()))
}

/// `GET /v1/sessions/{id}`
pub(super) async fn show(
    State(seller): State<Arc<Seller>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let live = spoken_for(&seller, &id, &headers).await?;
    live.refresh().await?;
    Ok(shown(&live))
}

/// `POST /v1/sessions/{id}/pause`
pub(super) async fn pause(
    State(seller): State<Arc<Seller>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (live, now) = (spoken_for(&seller, &id, &headers).await?, seller.clock.now());
    live.record(move |session| session.pause(now)).await?;
    Ok(shown(&live))
}

/// `POST /v1/sessions/{id}/resume`
pub(super) async fn resume(
    State(seller): State<Arc<Seller>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (live, now) = (spoken_for(&seller, &id, &headers).await?, seller.clock.now());
    live.record(move |session| session.resume(now)).await?;
    Ok(shown(&live))
}

/// `POST /v1/sessions/{id}/close`: ends it, and gives the claims, which are the signed statement of use.
pub(super) async fn close(
    State(seller): State<Arc<Seller>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let live = spoken_for(&seller, &id, &headers).await?;
    live.record(|session| Ok(session.close(Why::Agent))).await?;
    seller.settle(&live).await;
    Ok(shown(&live))
}

/// The session, for whoever has its secret. Whether there is one is said to nobody else. [TOK-20] [TOK-35]
pub(super) async fn spoken_for(seller: &Seller, id: &str, headers: &HeaderMap) -> Result<Arc<Live<Session>>, Problem> {
    spoken(live(seller, id).await?, headers)
}

/// The same, of a session or a pack that was found.
pub(super) fn spoken<F: Fold>(live: Arc<Live<F>>, headers: &HeaderMap) -> Result<Arc<Live<F>>, Problem> {
    let secret = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let hash: Option<[u8; 32]> = secret.and_then(base64url::decode).map(|secret| Sha256::digest(secret).into());
    if hash == Some(live.secret_hash.0) { Ok(live) } else { Err(Problem::new(Code::SessionUnknown)) }
}

pub(super) async fn live(seller: &Seller, id: &str) -> Result<Arc<Live<Session>>, Problem> {
    known(&seller.desk.sessions, named(id)).await
}

/// The one of this name.
pub(super) async fn known<F: Fold>(all: &Accounts<F>, id: Option<PaperId>) -> Result<Arc<Live<F>>, Problem> {
    let unknown = || Problem::new(Code::SessionUnknown);
    all.find(&id.ok_or_else(unknown)?).await?.ok_or_else(unknown)
}

/// An id in hexadecimal.
pub(super) fn named(id: &str) -> Option<PaperId> {
    let digits = id
        .as_bytes()
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()));
    digits.collect::<Option<Vec<u8>>>().and_then(|id| id.try_into().ok()).map(PaperId)
}

/// How a session stands.
pub(super) fn shown(live: &Live<Session>) -> Response {
    told(live, |_| {})
}

fn told(live: &Live<Session>, more: impl FnOnce(&mut Value)) -> Response {
    let mut told = live.look(|session| {
        let state = match session.state() {
            Standing::Open => "open",
            Standing::Paused => "paused",
            Standing::Closing(_) => "closing",
            Standing::Closed(_) => "closed",
        };
        let claims: Vec<String> = session.commands().map(base64url::encode).collect();
        json!({
            "session": live.id.to_string(),
            "state": state,
            "value_minor": session.value_minor().to_string(),
            "cost_minor": session.cost_minor().to_string(),
            "input_tokens": session.used(Unit::InputToken),
            "output_tokens": session.used(Unit::OutputToken),
            "claims": claims,
        })
    });
    more(&mut told);
    ([(CACHE_CONTROL, NO_STORE)], Json(told)).into_response()
}
