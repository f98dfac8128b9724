//! What a wallet reads of its account: mandates, agents, records, spending, keys.
//!
//! Every read is by a key of the account. To any other key, an agent's too, there is no wallet. [WAL-1]

pub(crate) mod offers;
pub(super) mod query;
mod show;

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use purser_protocol::bind::bundle::{self, BundleItem};
use purser_protocol::bind::http;
use purser_protocol::code::Code;
use purser_protocol::field::{self, List, encoded};
use purser_protocol::id::PaperId;
use purser_protocol::ledger::state::State as LedgerState;
use purser_protocol::paper::status::{Statement, root_of};
use serde_json::{Value, json};

use super::Issuer;
use super::address::Named;
use super::who::Owner;
use crate::reply::Problem;
use crate::store::notes::Notes;
use crate::store::{Answered, StoreError};
use crate::wallet::{Page, Wallet};
use query::{MandatesAsked, PageAsked, Query, RecordsAsked, SpendingAsked};

/// How long a statement is good for.
const STATEMENT_SECONDS: u64 = 60;
/// Longest wait for a record.
const WAIT_SECONDS_MAX: u64 = 20;
/// After how long to ask again for a view that is being made.
const BEHIND: Duration = Duration::from_secs(5);
/// Records in one part of a bundle.
const BUNDLE_MAX: usize = 500;

/// `GET /v1/wallet/statement`
pub(super) async fn statement(
    State(issuer): State<Arc<Issuer>>,
    Owner { account, .. }: Owner,
) -> Result<Response, Problem> {
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
    Owner { account, .. }: Owner,
    Query(asked): Query<MandatesAsked>,
) -> Result<Json<Value>, Problem> {
    let now = issuer.clock.now();
    issuer
        .look(move |state, wallet| Ok(show::mandates(state, &wallet.mandates(&account)?, &asked, now)))
        .await
        .map(Json)
}

/// `GET /v1/wallet/agents`
pub(super) async fn agents(
    State(issuer): State<Arc<Issuer>>,
    Owner { account, .. }: Owner,
) -> Result<Json<Value>, Problem> {
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
    Owner { account, .. }: Owner,
    Query(RecordsAsked { asked, wait }): Query<RecordsAsked>,
) -> Result<Json<Value>, Problem> {
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
    Owner { account, .. }: Owner,
) -> Result<Json<Value>, Problem> {
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
    Owner { account, .. }: Owner,
    Query(SpendingAsked { by, name, zone, span }): Query<SpendingAsked>,
) -> Result<Json<Value>, Problem> {
    let spent = issuer.look(move |_, wallet| wallet.spending(&account, &by, &span)).await?;
    Ok(Json(show::spending(name, zone.as_deref(), &spent)))
}

/// `GET /v1/wallet/sessions`: metered sessions, the newest first.
pub(super) async fn sessions(
    State(issuer): State<Arc<Issuer>>,
    Owner { account, .. }: Owner,
    Query(PageAsked { after, limit }): Query<PageAsked>,
) -> Result<Json<Value>, Problem> {
    let (sessions, next) = issuer.look(move |_, wallet| wallet.sessions(&account, after, limit)).await?;
    let sessions: Vec<Value> = sessions.iter().map(show::session).collect();
    Ok(Json(json!({ "sessions": sessions, "next": next })))
}

/// `GET /v1/wallet/packs`: packs of units, the newest first.
pub(super) async fn packs(
    State(issuer): State<Arc<Issuer>>,
    Owner { account, .. }: Owner,
    Query(PageAsked { after, limit }): Query<PageAsked>,
) -> Result<Json<Value>, Problem> {
    let (packs, next) = issuer.look(move |_, wallet| wallet.packs(&account, after, limit)).await?;
    let packs: Vec<Value> = packs.iter().map(show::pack).collect();
    Ok(Json(json!({ "packs": packs, "next": next })))
}

/// `GET /v1/wallet/bundle`: records with all their papers, which verify by themselves.
pub(super) async fn bundle(
    State(issuer): State<Arc<Issuer>>,
    Owner { account, .. }: Owner,
    Query(RecordsAsked { mut asked, .. }): Query<RecordsAsked>,
) -> Result<Response, Problem> {
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
    Owner { key, account }: Owner,
) -> Result<Json<Value>, Problem> {
    let guards = Arc::clone(&issuer);
    issuer.with(move |state| show::keys(state, account, &key, &guards.passkeys)).await.map(Json)
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
        looked.map_err(|error| match error {
            StoreError::Behind => Problem::new(Code::Overloaded).retry_after(BEHIND),
            error => {
                tracing::error!(%error, "the wallet's view cannot be read");
                Problem::new(Code::Internal)
            }
        })
    }

    /// Reads and writes what is remembered beside the decisions.
    pub(super) async fn noted<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut dyn Notes) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let issuer = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            let mut notes = issuer.notes.lock().unwrap_or_else(PoisonError::into_inner);
            work(notes.as_mut())
        });
        done.await.map_err(|_| Problem::new(Code::Internal))?.map_err(|error| {
            tracing::error!(%error, "the notes cannot be read or written");
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
