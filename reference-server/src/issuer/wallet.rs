//! What a wallet reads of its account: mandates, agents, records, spending, keys.
//!
//! Every read is by a key of the account. To any other key, an agent's too, there is no wallet. [WAL-1]

mod query;
mod show;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use purser_protocol::bind::bundle::{self, BundleItem};
use purser_protocol::bind::{base64url, http};
use purser_protocol::code::Code;
use purser_protocol::field::{self, List, encoded};
use purser_protocol::id::PaperId;
use purser_protocol::ledger::state::State as LedgerState;
use purser_protocol::paper::status::{Statement, root_of};
use purser_protocol::sign::PublicKey;
use purser_protocol::time::UnixSeconds;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Issuer;
use super::address::Named;
use crate::random::random;
use crate::reply::Problem;
use crate::store::{Answered, StoreError};
use crate::wallet::{Page, Wallet};
use query::{MandatesAsked, RecordsAsked, SpendingAsked, Typed};

/// How long a statement is good for.
const STATEMENT_SECONDS: u64 = 60;
/// Longest wait for a record.
const WAIT_SECONDS_MAX: u64 = 20;
/// Records in one part of a bundle.
const BUNDLE_MAX: usize = 500;

/// `GET /v1/wallet/statement`
pub(super) async fn statement(
    State(issuer): State<Arc<Issuer>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let account = issuer.owner(&method, &uri, &headers).await?;
    let now = issuer.clock.now();
    let found = issuer.look(move |_, wallet| Ok((wallet.counts(&account)?, wallet.mandates(&account)?))).await?;
    let ((sequence, _), mandates) = found;
    issuer.signed(&Statement {
        issuer: issuer.identity.id.clone(),
        account,
        expires_at: now.saturating_add(STATEMENT_SECONDS),
        issued_at: now,
        sequence,
        listed: mandates.len() as u64,
        root: root_of(&mandates), // [WAL-2]
    })
}

/// `GET /v1/wallet/mandates`
pub(super) async fn mandates(
    State(issuer): State<Arc<Issuer>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let account = issuer.owner(&method, &uri, &headers).await?;
    let asked = MandatesAsked::of(&uri)?;
    let now = issuer.clock.now();
    issuer
        .look(move |state, wallet| Ok(show::mandates(state, &wallet.mandates(&account)?, &asked, now)))
        .await
        .map(Json)
}

/// `GET /v1/wallet/agents`
pub(super) async fn agents(
    State(issuer): State<Arc<Issuer>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let account = issuer.owner(&method, &uri, &headers).await?;
    let now = issuer.clock.now();
    issuer
        .look(move |state, wallet| {
            let spent = wallet.spending(&account, &crate::wallet::By::Agent, &crate::wallet::Span::default())?;
            Ok(show::agents(state, &wallet.mandates(&account)?, &spent, now))
        })
        .await
        .map(Json)
}

/// `GET /v1/wallet/records`
pub(super) async fn records(
    State(issuer): State<Arc<Issuer>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let account = issuer.owner(&method, &uri, &headers).await?;
    let RecordsAsked { asked, wait } = RecordsAsked::of(&uri)?;
    let until = tokio::time::Instant::now() + Duration::from_secs(wait.min(WAIT_SECONDS_MAX));
    loop {
        let committed = issuer.committed.notified();
        let asked = asked.clone();
        let (page, counts) =
            issuer.look(move |_, wallet| Ok((wallet.records(&account, &asked)?, wallet.counts(&account)?))).await?;
        if !page.rows.is_empty() || tokio::time::Instant::now() >= until {
            return Ok(Json(listed(&page, counts.0)));
        }
        tokio::select! {
            () = committed => {} // [WAL-9]
            () = tokio::time::sleep_until(until) => {}
            () = issuer.life.stopping() => return Ok(Json(listed(&page, counts.0))),
        }
    }
}

fn listed(page: &Page, sequence: u64) -> Value {
    let records: Vec<Value> = page.rows.iter().map(show::record).collect();
    json!({ "records": records, "next": page.next, "sequence": sequence })
}

/// `GET /v1/wallet/records/{id}`: one record with all its papers.
pub(super) async fn record(
    State(issuer): State<Arc<Issuer>>,
    Named(id): Named,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let account = issuer.owner(&method, &uri, &headers).await?;
    let found = issuer.look(move |_, wallet| {
        let Some(row) = wallet.record(&account, &id)? else { return Ok(None) };
        let papers = wallet.papers(&row)?;
        Ok(Some((row, papers)))
    });
    let (row, papers) = found.await?.ok_or_else(|| Problem::new(Code::NotFound))?;
    let answered = issuer.answered_with(row.receipt).await?;
    Ok(Json(show::record_with_papers(&row, &papers, &answered)))
}

/// `GET /v1/wallet/spending`
pub(super) async fn spending(
    State(issuer): State<Arc<Issuer>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let account = issuer.owner(&method, &uri, &headers).await?;
    let SpendingAsked { by, name, zone, span } = SpendingAsked::of(&uri)?;
    let spent = issuer.look(move |_, wallet| wallet.spending(&account, &by, &span)).await?;
    Ok(Json(show::spending(name, zone.as_deref(), &spent)))
}

/// `GET /v1/wallet/bundle`: records with all their papers, which verify by themselves.
pub(super) async fn bundle(
    State(issuer): State<Arc<Issuer>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let account = issuer.owner(&method, &uri, &headers).await?;
    let RecordsAsked { mut asked, .. } = RecordsAsked::of(&uri)?;
    asked.limit = asked.limit.min(BUNDLE_MAX);
    let found = issuer.look(move |_, wallet| {
        let page = wallet.records(&account, &asked)?;
        let papers = page.rows.iter().map(|row| wallet.papers(row)).collect::<Result<Vec<_>, _>>()?;
        Ok((page, papers))
    });
    let (page, papers) = found.await?;
    let mut body = Vec::new();
    for chain in std::iter::once(&issuer.identity.chain).chain(&issuer.earlier_chains) {
        let certificates = List::new(chain.iter().map(|der| field::Bytes(der.clone())).collect());
        let none = BundleItem { receipt: None, detail: None, sent: None, made: None, certificates: None };
        bundle::write(&BundleItem { certificates, ..none }, &mut body);
    }
    for (row, papers) in page.rows.iter().zip(papers) {
        let answered = issuer.answered_with(row.receipt).await?;
        let item = BundleItem {
            receipt: Some(field::Bytes(encoded(&answered.receipt))),
            detail: answered.detail.map(field::Bytes),
            sent: Some(papers.sent).filter(|sent| !sent.is_empty()).map(field::Bytes),
            made: papers.made.map(field::Bytes),
            certificates: None,
        };
        bundle::write(&item, &mut body); // [WAL-14]
    }
    let mut response = ([(CONTENT_TYPE, http::BUNDLE), (CACHE_CONTROL, "private, no-store")], body).into_response();
    let next = page.next.map(axum::http::HeaderValue::from);
    response.headers_mut().extend(next.map(|next| (axum::http::HeaderName::from_static("purser-next"), next)));
    Ok(response)
}

/// `GET /v1/wallet/keys`
pub(super) async fn keys(
    State(issuer): State<Arc<Issuer>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let who = issuer.reader_of(&method, &uri, &headers).await?;
    let account = who.account.ok_or_else(|| Problem::new(Code::ProofInvalid))?;
    issuer.with(move |state| show::keys(state, account, &who.key)).await.map(Json)
}

/// Keys that wait to be added, by their short codes.
#[derive(Debug, Default)]
pub(super) struct OfferedKeys(Mutex<HashMap<String, (PublicKey, UnixSeconds)>>);

/// How long a key waits.
const OFFER_SECONDS: u64 = 600;
/// Keys that wait at once.
const OFFERS_MAX: usize = 4_096;
/// Letters that are not mistaken for one another.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyBody {
    key: String,
}

/// `POST /v1/wallet/keys/offers`: a new key, which no account has, gets a code that its person types where one is.
pub(super) async fn offer_key(State(issuer): State<Arc<Issuer>>, body: Bytes) -> Result<Json<Value>, Problem> {
    let body: KeyBody = serde_json::from_slice(&body).map_err(|_| Problem::new(Code::FieldType))?;
    let bytes = base64url::decode(&body.key).and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
    let key = PublicKey(bytes.ok_or_else(|| Problem::new(Code::KeyInvalid))?);
    let drawn: [u8; 8] = random().map_err(|_| Problem::new(Code::Internal))?;
    let mut code: String = drawn.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect();
    code.insert(4, '-');
    let now = issuer.clock.now();
    let expires_at = now.saturating_add(OFFER_SECONDS); // [WAL-30]
    let mut offered = issuer.offered_keys.0.lock().unwrap_or_else(PoisonError::into_inner);
    offered.retain(|_, (_, expires_at)| now < *expires_at);
    if offered.len() >= OFFERS_MAX {
        return Err(Problem::new(Code::Overloaded));
    }
    offered.insert(code.clone(), (key, expires_at));
    Ok(Json(json!({ "code": code, "key": key.id().to_string(), "expires_at": expires_at.get() })))
}

/// `GET /v1/wallet/keys/offers/{code}`: the key that waits under a code, for whoever can add it.
pub(super) async fn offered_key(
    State(issuer): State<Arc<Issuer>>,
    code: Result<Path<String>, axum::extract::rejection::PathRejection>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    issuer.owner(&method, &uri, &headers).await?;
    let code = code.map(|Path(code)| code.to_ascii_uppercase()).map_err(|_| Problem::new(Code::NotFound))?;
    let now = issuer.clock.now();
    let offered = issuer.offered_keys.0.lock().unwrap_or_else(PoisonError::into_inner);
    let found = offered.get(&code).filter(|(_, expires_at)| now < *expires_at);
    let (key, expires_at) = found.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(Json(json!({
        "key": key.id().to_string(),
        "public": base64url::encode(&key.0),
        "expires_at": expires_at.get(),
    })))
}

impl Issuer {
    /// Looks at the state and at the view of the same moment.
    async fn look<T: Send + 'static>(
        self: &Arc<Self>,
        look: impl FnOnce(&LedgerState, &Wallet) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let issuer = Arc::clone(self);
        let looked = tokio::task::spawn_blocking(move || {
            // What is behind by much is brought up while decisions go on; the rest while they wait.
            issuer.wallet.read(|_| Ok(()))?;
            let Ok(ledger) = issuer.ledger.read() else {
                return Err(StoreError::Damaged("the ledger cannot be read".into()));
            };
            issuer.wallet.read(|wallet| look(ledger.state(), wallet))
        });
        let looked = looked.await.map_err(|_| Problem::new(Code::Internal))?;
        looked.map_err(|error| {
            tracing::error!(%error, "the wallet's view cannot be read");
            Problem::new(Code::Internal)
        })
    }

    /// The answer that has this receipt.
    async fn answered_with(self: &Arc<Self>, receipt: PaperId) -> Result<Answered, Problem> {
        let issuer = Arc::clone(self);
        let found = tokio::task::spawn_blocking(move || {
            let mut reader = issuer.reader.lock().map_err(|_| Code::Internal)?;
            reader.answer_with(&receipt).map_err(|_| Code::Internal)
        });
        let found = found.await.map_err(|_| Problem::new(Code::Internal))?.map_err(Problem::new)?;
        found.ok_or_else(|| Problem::new(Code::NotFound))
    }
}
