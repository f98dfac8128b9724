//! Looking: mandates, payments, confirmations, receipts. Nothing here is decided.

use std::time::Duration;

use purser_client::issuer::{PaymentView, parse_id};
use purser_client::{Error, Result};
use purser_protocol::bind::base64url;
use purser_protocol::flow::payer::Attempt;
use purser_protocol::id::PaperId;
use purser_protocol::money::Currency;
use purser_protocol::receipt::Outcome;
use purser_protocol::time::UnixSeconds;
use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Agent, pay, shown};
use crate::reply::Reply;

/// Longest wait for a person's answer in one call.
const WAIT_SECONDS_MAX: u64 = 20;
/// Most payments of one answer.
const PAYMENTS_MAX: usize = 100;

/// No arguments.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// One payment.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Payment {
    /// The payment's id: 64 hexadecimal digits.
    payment_id: String,
    /// How long to wait for a change, at most 20.
    wait_seconds: Option<u64>,
}

/// The newest payments.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    /// How many, at most 100; 20 when not given.
    limit: Option<usize>,
}

/// The receipt of a payment.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Receipt {
    /// The payment's id: 64 hexadecimal digits.
    payment_id: String,
}

impl Agent {
    pub(super) async fn list_mandates(&self) -> Result<Reply> {
        let session = self.session().await?;
        let views = match session.issuer.mandates(&self.signer).await {
            Ok(views) => views,
            // A key that no mandate names is not known there.
            Err(error) if error.code().is_some() => Vec::new(),
            Err(error) => return Err(error),
        };
        let active = views.iter().filter(|view| view.state == "active").count();
        let listed: Vec<Value> = views.iter().map(shown::mandate).collect();
        let summary = match active {
            0 => "This agent has no active mandate; request_mandate writes what a person signs to give it one".into(),
            active => format!("{active} active of {} mandates", views.len()),
        };
        Ok(Reply::new(summary, json!({ "status": "ok", "mandates": listed })))
    }

    pub(super) async fn payment_status(&self, asked: Payment) -> Result<Reply> {
        let id = id(&asked.payment_id)?;
        let wait = Duration::from_secs(asked.wait_seconds.unwrap_or(0).min(WAIT_SECONDS_MAX));
        let session = self.session().await?;
        if self.home.attempts().ids().contains(&id) {
            let _alone = self.paying.lock().await;
            let mut kept = self.home.attempts().load(&id)?;
            self.payer(session, wait).pursue(&mut kept).await?;
            return Ok(status_reply(&kept));
        }
        // One that was made elsewhere: the issuer knows its outcome.
        let decision = session.issuer.outcome(id).await?;
        let claims = shown::claims(&decision.verified.claims);
        let summary = format!("Payment {id}: {}", decision.outcome().name());
        Ok(Reply::new(summary, json!({ "status": decision.outcome().name(), "receipt": claims })))
    }

    pub(super) async fn confirmation_status(&self, asked: Payment) -> Result<Reply> {
        let id = id(&asked.payment_id)?;
        let wait = Duration::from_secs(asked.wait_seconds.unwrap_or(0).min(WAIT_SECONDS_MAX));
        let session = self.session().await?;
        let _alone = self.paying.lock().await;
        let mut kept = self.home.attempts().load(&id)?;
        let was_waiting = kept.state == Attempt::Waiting;
        self.payer(session, wait).pursue(&mut kept).await?;
        let state = match kept.state {
            Attempt::Waiting => "waiting",
            Attempt::Known(Outcome::Settled | Outcome::Authorized) if was_waiting => "confirmed",
            Attempt::Known(Outcome::Settled | Outcome::Authorized) => "not-needed",
            Attempt::Known(_) if was_waiting => "not-confirmed",
            Attempt::Known(_) | Attempt::Dropped => "over",
            Attempt::Signed | Attempt::InDoubt { .. } | Attempt::TurnedAway => "unknown",
        };
        let summary = format!("Confirmation of payment {id}: {state}");
        Ok(Reply::new(summary, json!({ "status": state, "payment": shown::payment(&kept) })))
    }

    pub(super) async fn list_payments(&self, list: List) -> Result<Reply> {
        let limit = list.limit.unwrap_or(20).min(PAYMENTS_MAX);
        let kept: Vec<_> = self.home.attempts().all().into_iter().filter_map(Result::ok).collect();
        let session = self.session().await?;
        let views = match session.issuer.payments(&self.signer).await {
            Ok(views) => views,
            Err(error) if error.code().is_some() => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut listed: Vec<Value> = kept
            .iter()
            .filter(|kept| views.iter().all(|view| view.intent != kept.id.to_string()))
            .map(shown::payment)
            .collect();
        listed.extend(views.iter().rev().map(|view| {
            let here = kept.iter().find(|kept| kept.id.to_string() == view.intent);
            viewed(view, here.map(shown::payment))
        }));
        let total = listed.len();
        listed.truncate(limit);
        let summary = format!("{} of {total} payments", listed.len());
        Ok(Reply::new(summary, json!({ "status": "ok", "total": total, "payments": listed })))
    }

    pub(super) async fn get_receipt(&self, asked: Receipt) -> Result<Reply> {
        let id = id(&asked.payment_id)?;
        let session = self.session().await?;
        let kept = self.home.attempts().load(&id).ok().and_then(|kept| kept.receipt);
        let bytes = match kept {
            Some(bytes) => bytes,
            None => session.issuer.outcome(id).await?.receipt,
        };
        let verified = session.issuer.trust.receipt(&bytes).map_err(|fault| Error::fault("receipt", fault))?;
        if verified.claims.intent != Some(id) {
            return Err(Error::failed("the receipt that is kept is another payment's"));
        }
        let data = json!({
            "status": "ok",
            "verified": true,
            "receipt_id": verified.id.to_string(),
            "issuer": session.issuer.id.as_str(),
            "claims": shown::claims(&verified.claims),
            "receipt": base64url::encode(&bytes),
        });
        Ok(Reply::new(
            format!("Receipt of payment {id}: {}, signed by {}", verified.claims.outcome.name(), session.issuer.id),
            data,
        ))
    }
}

fn status_reply(kept: &purser_client::home::Kept) -> Reply {
    if kept.is_paid() {
        let state = shown::standing(kept);
        let data = json!({ "status": state, "payment": shown::payment(kept), "what_to_do": shown::what_to_do(kept) });
        return Reply::new(format!("Payment {}: {state}; {}", kept.id, shown::what_to_do(kept)), data);
    }
    pay::open(kept)
}

/// A payment as the issuer counts it, and what is known of it here.
fn viewed(view: &PaymentView, here: Option<Value>) -> Value {
    let currency = Currency::from_code(&view.currency);
    let show = |minor: &str| currency.zip(minor.parse().ok()).map(|(currency, minor)| currency.show(minor).to_string());
    json!({
        "payment_id": view.intent,
        "state": view.state,
        "merchant": view.merchant,
        "amount": show(&view.amount_minor),
        "captured": show(&view.captured_minor),
        "refunded": show(&view.refunded_minor),
        "decided_at": UnixSeconds::new(view.decided_at).map(|at| at.to_string()),
        "here": here,
    })
}

fn id(text: &str) -> Result<PaperId> {
    parse_id(text).ok_or_else(|| {
        let error = Error::usage("payment_id: not 64 hexadecimal digits");
        error.fix("pay, fetch_paid and list_payments give the ids")
    })
}
