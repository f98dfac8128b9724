//! The native half of the Python package `purser`: the client library, called from Python's threads.
//!
//! It gives JSON and bytes; the package makes objects of them. Nothing here decides anything.
#![cfg(feature = "extension")]

use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use hyper::header::HeaderMap;
use purser_client::connect::Url;
use purser_client::fetch::{Fetched, Fetcher, Wanted, header};
use purser_client::home::{Home, Kept};
use purser_client::issuer::parse_id;
use purser_client::pay::{Approval, Patience, Payer, Silent};
use purser_client::session::Session;
use purser_client::{Class, Error};
use purser_protocol::flow::payer::Attempt;
use purser_protocol::sign::backend::AwsLcSigner;
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

create_exception!(_purser, Failure, PyException, "What went wrong, as JSON.");

/// An agent's folder, opened.
#[pyclass(frozen)]
struct Client {
    runtime: Runtime,
    session: Session,
    agent: AwsLcSigner,
}

#[pymethods]
impl Client {
    #[new]
    fn new(py: Python<'_>, dir: String) -> PyResult<Self> {
        py.detach(|| {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
            let runtime = runtime.map_err(|error| Error::failed(error.to_string())).map_err(raised)?;
            let session = runtime.block_on(Session::open(Home::at(dir))).map_err(raised)?;
            let agent = session.agent().map_err(raised)?;
            Ok(Self { runtime, session, agent })
        })
    }

    /// Gets a resource, and pays its price if it is at most `max_amount`.
    #[expect(clippy::too_many_arguments, reason = "the package above it has names for them")]
    fn fetch(
        &self,
        py: Python<'_>,
        url: &str,
        max_amount: &str,
        method: &str,
        headers: Vec<String>,
        body: Vec<u8>,
        mandate: Option<String>,
        wait_seconds: u64,
    ) -> PyResult<(String, Vec<u8>)> {
        py.detach(|| {
            let wanted = wanted(url, max_amount, method, &headers, body, mandate.as_deref()).map_err(raised)?;
            let person = Duration::from_secs(wait_seconds);
            let fetcher = Fetcher { payer: self.payer(person), agent: &self.agent };
            let fetched = self.runtime.block_on(fetcher.fetch(&wanted)).map_err(raised)?;
            let (response, payment, warnings) = match fetched {
                Fetched::Unpaid(response) => (response, Value::Null, Vec::new()),
                Fetched::Delivered(delivered) => {
                    delivered.taken(&self.session.home).map_err(raised)?;
                    (delivered.response, shown(&delivered.payment), delivered.warnings)
                }
                Fetched::Open(kept) => return Err(open(&kept)),
            };
            let json = json!({
                "status": response.status.as_u16(),
                "media_type": response.header("content-type"),
                "payment": payment,
                "warnings": warnings,
            });
            Ok((json.to_string(), response.body.to_vec()))
        })
    }

    /// The mandates that this agent's key holds, the first to expire first.
    fn mandates(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| {
            let mut views = match self.runtime.block_on(self.session.issuer.mandates(&self.agent)) {
                // A key that no mandate names is not known there.
                Err(error) if error.code().is_some() => Vec::new(),
                views => views.map_err(raised)?,
            };
            views.sort_by(|one, other| (one.expires_at, &one.id).cmp(&(other.expires_at, &other.id)));
            serde_json::to_string(&views).map_err(|error| raised(Error::failed(error.to_string())))
        })
    }

    /// The payments of this folder, in the order in which they were signed; of one second, by their ids.
    fn payments(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| {
            let mut kept =
                self.session.home.attempts().all().into_iter().collect::<Result<Vec<_>, _>>().map_err(raised)?;
            kept.sort_by_key(|kept| (kept.read_intent().ok().map(|intent| intent.issued_at), kept.id));
            Ok(Value::Array(kept.iter().map(shown).collect()).to_string())
        })
    }

    /// Takes a payment up, and says how it stands.
    fn payment(&self, py: Python<'_>, payment_id: &str, wait_seconds: u64) -> PyResult<String> {
        py.detach(|| {
            let mut kept = self.session.home.attempts().find(payment_id).map_err(raised)?;
            let payer = self.payer(Duration::from_secs(wait_seconds));
            self.runtime.block_on(payer.pursue(&mut kept)).map_err(raised)?;
            Ok(shown(&kept).to_string())
        })
    }

    /// The receipt of a payment, and what it says, verified.
    fn receipt(&self, py: Python<'_>, payment_id: &str) -> PyResult<(String, Vec<u8>)> {
        py.detach(|| {
            let kept = self.session.home.attempts().find(payment_id).map_err(raised)?;
            let missing = || raised(Error::failed("this payment has no receipt yet"));
            let bytes = kept.receipt.ok_or_else(missing)?;
            Ok((self.verified(&bytes)?, bytes))
        })
    }

    /// Verifies a receipt, offline, against this folder's anchors.
    fn verify(&self, py: Python<'_>, receipt: Vec<u8>) -> PyResult<String> {
        py.detach(|| self.verified(&receipt))
    }
}

impl Client {
    fn payer(&self, person: Duration) -> Payer<'_> {
        let patience = Patience { person, ..Patience::default() };
        let (issuer, home) = (&self.session.issuer, &self.session.home);
        Payer { issuer, home, patience, watch: &Silent, asker: Some(&self.agent) }
    }

    fn verified(&self, bytes: &[u8]) -> PyResult<String> {
        let verified = self.session.issuer.trust.receipt(bytes);
        let verified = verified.map_err(|fault| raised(Error::fault("receipt", fault)))?;
        let claims = &verified.claims;
        let json = json!({
            "receipt_id": verified.id.to_string(),
            "issuer": verified.issuer.as_str(),
            "outcome": claims.outcome.name(),
            "payment_id": claims.intent.map(|id| id.to_string()),
            "offer_id": claims.offer.map(|id| id.to_string()),
            "amount_minor": claims.amount.map(|amount| amount.minor()),
            "currency": claims.currency.map(|currency| currency.code()),
            "decided_at": claims.decided_at.get(),
        });
        Ok(json.to_string())
    }
}

fn wanted(
    url: &str,
    max_amount: &str,
    method: &str,
    headers: &[String],
    body: Vec<u8>,
    mandate: Option<&str>,
) -> Result<Wanted, Error> {
    let mut map = HeaderMap::new();
    for text in headers {
        let (name, value) = header(text)?;
        map.append(name, value);
    }
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| Error::usage("method: not one of HTTP's"))?;
    let id = |text| parse_id(text).ok_or_else(|| Error::usage("mandate: not 64 hexadecimal digits"));
    Ok(Wanted {
        method,
        url: Url::parse(url)?,
        headers: map,
        body: Bytes::from(body),
        max: max_amount.parse().map_err(|error| Error::usage(format!("max_amount: {error}")))?,
        mandate: mandate.map(id).transpose()?,
        channel: None,
        device: None,
    })
}

fn shown(kept: &Kept) -> Value {
    let (intent, offer) = (kept.read_intent().ok(), kept.read_offer().ok());
    let state = match kept.state {
        Attempt::Signed | Attempt::InDoubt { .. } | Attempt::TurnedAway => "unknown",
        Attempt::Waiting => "confirmation-required",
        Attempt::Known(outcome) => outcome.name(),
        Attempt::Dropped => "not-decided",
    };
    json!({
        "payment_id": kept.id.to_string(),
        "state": state,
        "amount_minor": intent.as_ref().map(|intent| intent.amount.minor()),
        "currency": intent.as_ref().map(|intent| intent.currency.code()),
        "merchant": offer.as_ref().map(|offer| offer.merchant.as_str().to_owned()),
        "mandate": intent.as_ref().map(|intent| intent.mandate.to_string()),
        "receipt_id": kept.receipt_id().map(|id| id.to_string()),
        "reason": kept.reason,
    })
}

/// Not paid, or not known: what a caller must hear of.
fn open(kept: &Kept) -> PyErr {
    let approval = Approval::of(kept);
    let payment = shown(kept);
    let kind = match payment["state"].as_str() {
        Some("confirmation-required") => "confirmation-required",
        Some("unknown") => "unknown",
        _ => "failed",
    };
    let json = json!({
        "kind": kind,
        "what": kept.reason.as_deref().unwrap_or("it is not paid"),
        "payment": payment,
        "approval_url": approval.as_ref().and_then(|approval| approval.url.clone()),
        "user_code": approval.as_ref().and_then(|approval| approval.user_code.clone()),
    });
    Failure::new_err(json.to_string())
}

fn raised(error: Error) -> PyErr {
    let kind = match error.class() {
        Class::Usage => "usage",
        Class::Failed => "failed",
        Class::Unknown => "unknown",
        Class::Forked => "forked",
        Class::Unreachable => "unreachable",
    };
    let json = json!({
        "kind": kind,
        "what": error.what(),
        "where": error.place(),
        "fix": error.remedy(),
        "code": error.code().map(|code| code.slug()),
        "retry": error.retry_class().name(),
    });
    Failure::new_err(json.to_string())
}

/// The module.
#[pymodule]
fn _purser(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Client>()?;
    module.add("Failure", py.get_type::<Failure>())
}
