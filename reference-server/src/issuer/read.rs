//! What is read: outcomes and receipts by their ids, and what an account's or a mandate's key may see.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use purser_protocol::bind::http;
use purser_protocol::code::Code;
use purser_protocol::field::encoded;
use purser_protocol::id::{AccountId, PaperId, PartyId};
use purser_protocol::ledger::past::{Told, folded};
use purser_protocol::ledger::state::{Payment, State as LedgerState};
use purser_protocol::paper::credential::Pseudonym;
use purser_protocol::paper::mandate::Holder;
use purser_protocol::paper::status::Status;
use purser_protocol::sign::PublicKey;
use serde::Deserialize;
use serde_json::{Value, json};

use super::address::{Named, Wait, paper_id};
use super::command::{answer, claims_of};
use super::who::{Owner, Who};
use super::{Issuer, view};
use crate::lookup;
use crate::reply::Problem;
use crate::store::StoreError;

/// Longest wait for an outcome.
const WAIT_SECONDS_MAX: u64 = 20;
/// How long a status is good for.
const STATUS_SECONDS: u64 = 60;
/// How long a pseudonym is good for.
const PSEUDONYM_SECONDS: u64 = 86_400;

/// `GET /v1/intents/{id}`: who knows the id is a party to the payment; for all others there is none.
pub(super) async fn intent(
    State(issuer): State<Arc<Issuer>>,
    Named(id): Named,
    Wait(wait): Wait,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let until = tokio::time::Instant::now() + Duration::from_secs(wait.min(WAIT_SECONDS_MAX)); // [HTB-6]
    loop {
        let committed = issuer.committed.notified();
        let waits = |payment: &Payment| matches!(payment, Payment::Pending(_));
        if !issuer.with(move |state| state.payments.get(&id).is_some_and(waits)).await? {
            break;
        }
        tokio::select! {
            () = committed => {}
            () = tokio::time::sleep_until(until) => break,
            () = issuer.life.stopping() => break,
        }
    }
    let mut answered = issuer.stored(id).await?;
    // Other papers have their answers elsewhere.
    if claims_of(&answered)?.intent != Some(id) {
        return Err(Problem::new(Code::NotFound));
    }
    // A merchant knows the id too, and is not told why. [HTB-8]
    let payer = match headers.contains_key(http::PURSER_PROOF) {
        true => {
            let who = issuer.reader_of(&method, &uri, &headers).await?;
            issuer
                .with_payment(id, move |state, payment| {
                    let mandate = payment.and_then(view::mandate_of);
                    mandate.is_some_and(|mandate| view::may_see(state, &who, &mandate))
                })
                .await?
        }
        false => false,
    };
    if !payer {
        answered.detail = None; // [RCT-14]
    }
    answer(answered)
}

/// `GET /v1/receipts/{id}`
pub(super) async fn receipt(State(issuer): State<Arc<Issuer>>, Named(id): Named) -> Result<Response, Problem> {
    let found = tokio::task::spawn_blocking(move || {
        let mut reader = issuer.reader.lock().map_err(|_| Code::Internal)?;
        reader.receipt(&id).map_err(|_| Code::Internal)
    });
    let found = found.await.map_err(|_| Problem::new(Code::Internal))?.map_err(Problem::new)?;
    let receipt = found.ok_or_else(|| Problem::new(Code::NotFound))?;
    let headers = [(CONTENT_TYPE, http::RECEIPT), (CACHE_CONTROL, "private, no-store")];
    Ok((headers, encoded(&receipt)).into_response())
}

/// `GET /v1/mandates/{id}/status`
pub(super) async fn status(State(issuer): State<Arc<Issuer>>, Named(id): Named) -> Result<Response, Problem> {
    let now = issuer.clock.now();
    let standing = issuer.with(move |state| view::mandate_state(state, &id, now)).await?;
    let (state, suspensions) = standing.ok_or_else(|| Problem::new(Code::NotFound))?;
    let status = Status {
        issuer: issuer.identity.id.clone(),
        expires_at: now.saturating_add(STATUS_SECONDS),
        issued_at: now,
        mandate: id,
        state,
        suspensions: purser_protocol::field::List::new(suspensions),
    };
    issuer.signed(&status)
}

/// `GET /v1/account`
pub(super) async fn account(
    State(issuer): State<Arc<Issuer>>,
    Owner { account, .. }: Owner,
) -> Result<Json<Value>, Problem> {
    issuer.with(move |state| view::account(state, account)).await.map(Json)
}

/// `GET /v1/mandates`
pub(super) async fn mandates(State(issuer): State<Arc<Issuer>>, reader: Who) -> Result<Json<Value>, Problem> {
    let now = issuer.clock.now();
    issuer.with(move |state| view::mandates(state, &reader, now)).await.map(Json)
}

/// `GET /v1/pending`
pub(super) async fn pending(
    State(issuer): State<Arc<Issuer>>,
    Owner { account, .. }: Owner,
) -> Result<Json<Value>, Problem> {
    let approval = issuer.approval_base();
    let mut waiting = issuer.with(move |state| view::pending(state, account, &approval)).await?;
    let shown = tokio::task::spawn_blocking(move || {
        let mut reader = issuer.reader.lock().map_err(|_| Code::Internal)?;
        for (intent, shown) in &mut waiting {
            let sent = reader.evidence(intent).map_err(|_| Code::Internal)?.unwrap_or_default();
            view::show_papers(shown, &sent);
        }
        Ok(waiting.into_iter().map(|(_, shown)| shown).collect::<Vec<_>>())
    });
    let shown = shown.await.map_err(|_| Problem::new(Code::Internal))?.map_err(|code: Code| Problem::new(code))?;
    Ok(Json(json!({ "pending": shown })))
}

/// `GET /v1/payments`
pub(super) async fn payments(State(issuer): State<Arc<Issuer>>, reader: Who) -> Result<Json<Value>, Problem> {
    let told = {
        let key = reader.key;
        let mut accounts = issuer.with(move |state| view::accounts_of(state, &key)).await?;
        accounts.extend(reader.account);
        let issuer = Arc::clone(&issuer);
        let told = tokio::task::spawn_blocking(move || issuer.told_of(accounts));
        told.await.map_err(|_| Problem::new(Code::Internal))?.map_err(|_| Problem::new(Code::Internal))?
    };
    issuer.with(move |state| view::payments(state, &reader, &told)).await.map(Json)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PseudonymBody {
    mandate: String,
    merchant: String,
}

/// `POST /v1/pseudonyms`: to the holder of a mandate, or to its account.
pub(super) async fn pseudonym(
    State(issuer): State<Arc<Issuer>>,
    reader: Who,
    body: Bytes,
) -> Result<Response, Problem> {
    let body: PseudonymBody = serde_json::from_slice(&body).map_err(|_| Problem::new(Code::FieldType))?;
    let merchant = PartyId::new(&body.merchant).ok_or_else(|| Problem::new(Code::FieldRange))?;
    let mandate = paper_id(&body.mandate).ok_or_else(|| Problem::new(Code::NotFound))?;
    let account = issuer.with(move |state| {
        let record = state.mandates.get(&mandate).filter(|_| view::may_see(state, &reader, &mandate));
        record.map(|record| record.mandate.account)
    });
    let account = account.await?;
    let account = account.ok_or_else(|| Problem::new(Code::NotFound))?; // [PRV-4]
    let now = issuer.clock.now();
    issuer.signed(&Pseudonym {
        issuer: issuer.identity.id.clone(),
        pseudonym: issuer.pseudonym(&account, &merchant),
        merchant,
        expires_at: now.saturating_add(PSEUDONYM_SECONDS),
        issued_at: now,
    })
}

impl Issuer {
    /// Looks at the state between two batches. It may have to wait for one to be written, so that it has a thread
    /// of its own.
    pub(super) async fn with<T: Send + 'static>(
        self: &Arc<Self>,
        look: impl FnOnce(&LedgerState) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let issuer = Arc::clone(self);
        let looked = tokio::task::spawn_blocking(move || {
            // Who may have lost the store does not say how things stand. [OPS-6]
            if issuer.lease.as_ref().is_some_and(|lease| !lease.is_held()) {
                return Err(Problem::new(Code::Overloaded));
            }
            let ledger = issuer.ledger.read().map_err(|_| Problem::new(Code::Internal))?;
            Ok(look(ledger.state()))
        });
        looked.await.map_err(|_| Problem::new(Code::Internal))?
    }

    /// Looks at the state and at a payment, wherever it is kept.
    async fn with_payment<T: Send + 'static>(
        self: &Arc<Self>,
        intent: PaperId,
        look: impl FnOnce(&LedgerState, Option<&Payment>) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let issuer = Arc::clone(self);
        let told = tokio::task::spawn_blocking(move || {
            let mut reader = issuer.reader.lock().map_err(|_| Code::Internal)?;
            lookup::told(reader.as_mut(), &intent).map_err(|_| Code::Internal)
        });
        let told = told.await.map_err(|_| Problem::new(Code::Internal))?.map_err(Problem::new)?;
        self.with(move |state| look(state, folded(state, &told).ok().flatten().as_ref())).await
    }

    /// What happened to the payments of accounts.
    fn told_of(&self, accounts: BTreeSet<AccountId>) -> Result<Vec<(PaperId, Told)>, StoreError> {
        let poisoned = |_| StoreError::Damaged("a reader died".into());
        let mut reader = self.reader.lock().map_err(poisoned)?;
        let mut all = Vec::new();
        for account in accounts {
            for intent in reader.payments_of(&account, 0)?.into_iter().rev() {
                all.push((intent, lookup::told(reader.as_mut(), &intent)?));
            }
        }
        Ok(all)
    }

    pub(super) fn signed<T: purser_protocol::sign::Paper>(&self, paper: &T) -> Result<Response, Problem> {
        let signed = self.identity.sign_with_chain(paper);
        let signed = signed.map_err(|_| Problem::new(Code::Internal))?;
        Ok(([(CONTENT_TYPE, http::PAPER), (CACHE_CONTROL, "no-store")], signed).into_response())
    }
}

/// Whether a key holds a mandate.
pub(super) fn holds(holder: &Holder, key: &PublicKey) -> bool {
    *holder == Holder::Agent(*key)
}
