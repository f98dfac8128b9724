//! `POST /v1/statements/{day}`: what moved a merchant's money on a day that is over, signed. [STM-1]

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use purser_protocol::bind::base64url;
use purser_protocol::bind::http::DOCUMENT;
use purser_protocol::code::Code;
use purser_protocol::flow::document::Sealed;
use purser_protocol::id::PartyId;
use purser_protocol::paper::document::{DailyStatement, Day, content_of};
use serde_json::{Value, json};

use super::Issuer;
use super::checkers::Turn;
use super::command::media_type;
use super::wallet::query::{Query, Typed};
use crate::reply::Problem;
use crate::statement::{Line, moved};
use crate::store::{Reader, StoreError};

/// Most lines in one part.
const LINES_MAX: usize = 1_000;

/// What statements are read from, and the last one: whoever asks for its parts asks for it several times.
pub(super) struct Statements {
    reader: Box<dyn Reader>,
    last: Option<(PartyId, Day, Arc<Vec<Line>>)>,
}

impl Statements {
    pub(super) fn of(reader: Box<dyn Reader>) -> Self {
        Self { reader, last: None }
    }

    fn lines(&mut self, merchant: &PartyId, day: Day) -> Result<Arc<Vec<Line>>, StoreError> {
        if let Some((of, on, lines)) = &self.last
            && (of, *on) == (merchant, day)
        {
            return Ok(Arc::clone(lines));
        }
        let (Some(from), Some(until)) = (day.first(), day.end()) else { return Ok(Arc::default()) };
        let lines = Arc::new(moved(self.reader.as_mut(), merchant, from.get(), until.get())?);
        self.last = Some((merchant.clone(), day, Arc::clone(&lines)));
        Ok(lines)
    }
}

#[derive(Default)]
pub(super) struct Asked {
    part: Option<usize>,
}

impl Typed for Asked {
    fn take(&mut self, name: &str, value: &str) -> Option<()> {
        self.part = Some(value.parse().ok().filter(|part| name == "part" && *part > 0)?);
        Some(())
    }
}

pub(super) async fn of_day(
    State(issuer): State<Arc<Issuer>>,
    Path(day): Path<String>,
    Query(asked): Query<Asked>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    media_type(&headers, "application/cose")?;
    let target = format!("POST {}{}", issuer.url, uri.path_and_query().map_or("", |path| path.as_str()));
    let checked = Arc::clone(&issuer);
    let proven = move || checked.desk().open_merchant_proof(&body, &target); // [STM-3]
    let merchant = issuer.check(Turn::First, proven).await?.id.clone();
    let day = Day::read(&day).ok_or_else(|| Problem::new(Code::NotFound))?;
    if day.end().is_none_or(|end| issuer.clock.now() < end) {
        return Err(Problem::new(Code::StatementEarly)); // [STM-2]
    }
    let (reads, of) = (Arc::clone(&issuer), merchant.clone());
    let read = tokio::task::spawn_blocking(move || {
        reads.statements.lock().unwrap_or_else(PoisonError::into_inner).lines(&of, day)
    });
    let lines = read.await.map_err(|_| Problem::new(Code::Internal))?.map_err(|error| {
        tracing::error!(%error, "a statement cannot be read");
        Problem::new(Code::Internal)
    })?;
    let parts = lines.len().div_ceil(LINES_MAX).max(1);
    let part = asked.part.unwrap_or(1);
    if part > parts {
        return Err(Problem::new(Code::NotFound));
    }
    let from = (part - 1) * LINES_MAX;
    let shown = (1_u64..).zip(lines.iter()).skip(from).take(LINES_MAX).map(|(n, line)| line.shown(n));
    let chain: Vec<String> = issuer.identity.chain.iter().map(|der| base64url::encode(der)).collect();
    let document = json!({ "statement": {
        "issuer": issuer.identity.id.as_str(),
        "merchant": merchant.as_str(),
        "network": issuer.identity.network.as_str(),
        "day": day.to_string(),
        "part": part,
        "parts": parts,
        "lines": shown.collect::<Vec<Value>>(),
        "sums": sums(&lines),
        "certificates": [chain],
    }});
    let document = document.to_string();
    let paper = issuer.identity.sign_with_chain(&DailyStatement {
        issuer: issuer.identity.id.clone(),
        merchant,
        issued_at: issuer.clock.now(),
        content: content_of(document.as_bytes()),
    });
    let paper = paper.map_err(|_| Problem::new(Code::Internal))?;
    let body = Sealed { paper, document }.write();
    Ok(([(CONTENT_TYPE, DOCUMENT), (CACHE_CONTROL, "no-store")], body).into_response())
}

/// What came in and went out in all, by account and currency.
fn sums(lines: &[Line]) -> Vec<Value> {
    let mut sums: BTreeMap<(&str, &str), (u64, u64, u64)> = BTreeMap::new();
    for line in lines {
        let sum = sums.entry((line.account.as_str(), line.currency.code())).or_default();
        *sum = (sum.0 + line.in_minor, sum.1 + line.out_minor, sum.2 + 1);
    }
    let shown = sums.into_iter().map(|((account, currency), (came, went, lines))| {
        json!({ "account": account, "currency": currency, "in_minor": came, "out_minor": went, "lines": lines })
    });
    shown.collect()
}
