//! Keys that wait to be added to an account, by the short codes that their devices show. They are kept in the store: a
//! code that a person is typing is good whether or not the issuer began anew meanwhile. [WAL-30]

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use purser_protocol::bind::base64url;
use purser_protocol::code::Code;
use purser_protocol::sign::PublicKey;
use purser_protocol::time::UnixSeconds;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Issuer;
use super::super::who::Owner;
use crate::random::random;
use crate::reply::Problem;
use crate::store::StoreError;
use crate::store::notes::Notes;

/// How long a key waits.
const OFFER_SECONDS: u64 = 600;
/// Keys that wait at once.
const OFFERS_MAX: usize = 4_096;
/// Letters that are not mistaken for one another.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// What the names of their notes begin with.
const NAME: &str = "offer/";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::issuer) struct KeyBody {
    key: String,
}

/// `POST /v1/wallet/keys/offers`: a new key, which no account has, gets a code that its person types where one is.
pub(in crate::issuer) async fn offer(State(issuer): State<Arc<Issuer>>, body: Bytes) -> Result<Json<Value>, Problem> {
    let body: KeyBody = serde_json::from_slice(&body).map_err(|_| Problem::new(Code::FieldType))?;
    let bytes = base64url::decode(&body.key).and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
    let key = PublicKey(bytes.ok_or_else(|| Problem::new(Code::KeyInvalid))?);
    let code = short_code()?;
    let now = issuer.clock.now();
    let expires_at = now.saturating_add(OFFER_SECONDS);
    let name = format!("{NAME}{code}");
    let is_kept = issuer.noted(move |notes| {
        notes.clear(now.get())?;
        let has_room = notes.find(NAME, now.get())?.len() < OFFERS_MAX;
        has_room.then(|| notes.keep(&name, &key.0, Some(expires_at.get()))).transpose()
    });
    is_kept.await?.ok_or_else(|| Problem::new(Code::Overloaded))?;
    Ok(Json(json!({ "code": code, "key": key.id().to_string(), "expires_at": expires_at.get() })))
}

/// A code that a person can read from one screen and type at another.
pub(in crate::issuer) fn short_code() -> Result<String, Problem> {
    let drawn: [u8; 8] = random().map_err(|_| Problem::new(Code::Internal))?;
    let mut code: String = drawn.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect();
    code.insert(4, '-');
    Ok(code)
}

/// `GET /v1/wallet/keys/offers/{code}`: the key that waits under a code, for whoever can add it.
pub(in crate::issuer) async fn offered(
    State(issuer): State<Arc<Issuer>>,
    _: Owner,
    code: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let Path(code) = code.map_err(|_| Problem::new(Code::NotFound))?;
    let now = issuer.clock.now();
    let waiting = issuer.noted(move |notes| waiting(notes, &code, now)).await?;
    let (key, expires_at) = waiting.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(Json(json!({
        "key": key.id().to_string(),
        "public": base64url::encode(&key.0),
        "expires_at": expires_at,
    })))
}

/// The key that waits under a code, and for how long.
pub(crate) fn waiting(
    notes: &mut dyn Notes,
    code: &str,
    now: UnixSeconds,
) -> Result<Option<(PublicKey, Option<u64>)>, StoreError> {
    let name = format!("{NAME}{}", code.to_ascii_uppercase());
    let found = notes.find(&name, now.get())?.into_iter().find(|note| note.name == name);
    let key = |note: &[u8]| crate::store::place::exact(note).map(PublicKey);
    found.map(|note| Ok((key(&note.note)?, note.until_seconds))).transpose()
}
