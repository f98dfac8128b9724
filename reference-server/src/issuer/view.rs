//! The state as JSON, for the account that it is about and for the holders of its mandates.

use std::collections::BTreeSet;

use purser_protocol::authorize::Standing;
use purser_protocol::bind::base64url;
use purser_protocol::flow::issuer::PaymentRequest;
use purser_protocol::id::{AccountId, PaperId};
use purser_protocol::ledger::books::Purse;
use purser_protocol::ledger::past::{Told, folded};
use purser_protocol::ledger::state::{Hold, Made, MandateRecord, Payment, State};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::mandate::Holder;
use purser_protocol::paper::offer::Offer;
use purser_protocol::paper::status::MandateState;
use purser_protocol::sign::{Paper, PublicKey};
use purser_protocol::time::UnixSeconds;
use purser_protocol::wire::Reader;
use serde_json::{Value, json};

use super::read::holds;
use super::who::Who;

/// What an account has, by currency; amounts are decimal integers of minor units, in strings.
pub(super) fn account(state: &State, account: AccountId) -> Value {
    let mut balances = Vec::new();
    let mut envelopes = Vec::new();
    let mut holds = Vec::new();
    for (purse, currency, minor) in state.books.iter() {
        let money = json!({ "currency": currency.code(), "amount_minor": minor.to_string() });
        match purse {
            Purse::Account(of) if *of == account => balances.push(money),
            Purse::Envelope(of, lineage) if *of == account => {
                envelopes.push(json!({ "lineage": lineage.to_string(), "money": money }));
            }
            Purse::Hold(intent) if made(state, intent).is_some_and(|made| made.account == account) => {
                holds.push(json!({ "intent": intent.to_string(), "money": money }));
            }
            _ => {}
        }
    }
    let keys = state.accounts.get(&account).map(|record| {
        record
            .keys
            .iter()
            .map(|(id, (_, expires_at))| json!({ "key": id.to_string(), "expires_at": expires_at.get() }))
            .collect::<Vec<_>>()
    });
    json!({ "account": account.to_string(), "balances": balances, "envelopes": envelopes, "holds": holds, "keys": keys })
}

/// The mandates that a reader may see, oldest first.
pub(super) fn mandates(state: &State, who: &Who, now: UnixSeconds) -> Value {
    let mut seen: Vec<_> = state.mandates.iter().filter(|(id, _)| may_see(state, who, id)).collect();
    seen.sort_by_key(|(id, record)| (record.registered_at, **id));
    let list: Vec<Value> = seen.into_iter().map(|(id, record)| mandate(state, id, record, now)).collect();
    json!({ "mandates": list })
}

pub(super) fn mandate(state: &State, id: &PaperId, record: &MandateRecord, now: UnixSeconds) -> Value {
    let mandate = &record.mandate;
    let lineage = state.lineages.get(&(mandate.account, mandate.lineage));
    let spent = lineage.map(|lineage| lineage.counters.at(None, None, now)).unwrap_or_default();
    let total = mandate.caps.as_ref().and_then(|caps| caps.total).map(|total| total.minor());
    let holder = match &mandate.holder {
        Holder::Agent(key) => json!({ "key": key.id().to_string() }),
        Holder::Merchant(merchant) => json!({ "merchant": merchant.as_str() }),
    };
    let standing = mandate_state(state, id, now).map(|(state, _)| state.name());
    json!({
        "id": id.to_string(),
        "lineage": mandate.lineage.to_string(),
        "serial": mandate.serial.get(),
        "parent": mandate.parent.map(|parent| parent.to_string()),
        "mode": mandate.mode.name(),
        "currency": mandate.currency.code(),
        "holder": holder,
        "state": standing,
        "suspensions": suspensions(state, id).map(|id| id.to_string()).collect::<Vec<_>>(),
        "not_before": mandate.not_before.get(),
        "expires_at": mandate.expires_at.get(),
        "spent_minor": spent.minor.to_string(),
        "payments": spent.payments,
        "left_minor": total.map(|total| total.saturating_sub(spent.minor).to_string()),
        "open_holds": lineage.map_or(0, |lineage| lineage.holds_open),
        "payload": base64url::encode(&mandate.payload()),
    })
}

/// The payments of an account that wait for its person, soonest first.
pub(super) fn pending(state: &State, account: AccountId, approval: &str) -> Vec<(PaperId, Value)> {
    let waiting = state.payments.values().filter_map(|payment| match payment {
        Payment::Pending(asked) if asked.account == account => Some(asked),
        _ => None,
    });
    let mut list: Vec<_> = waiting.collect();
    list.sort_by_key(|asked| (asked.answer_by, asked.intent));
    let list = list.into_iter().filter_map(|asked| {
        let intent = Intent::decode(&mut Reader::new(&asked.intent_payload.0)).ok()?;
        let offer = Offer::decode(&mut Reader::new(&asked.offer_payload.0)).ok()?;
        let shown = json!({
            "intent": asked.intent.to_string(),
            "merchant": offer.merchant.as_str(),
            "amount_minor": intent.amount.minor().to_string(),
            "currency": intent.currency.code(),
            "user_code": asked.user_code.as_str(),
            "approval": format!("{approval}{}", asked.user_code.as_str()),
            "answer_by": asked.answer_by.get(),
            "mandate": intent.mandate.to_string(),
            "offer": asked.offer.to_string(),
        });
        Some((asked.intent, shown))
    });
    list.collect()
}

/// Adds the papers themselves, so that the person need not take the issuer's word for what is to be paid.
pub(super) fn show_papers(shown: &mut Value, sent: &[u8]) {
    if let (Ok(request), Value::Object(shown)) = (PaymentRequest::read(sent), shown) {
        shown.insert("offer_paper".into(), base64url::encode(request.offer).into());
        shown.insert("intent_paper".into(), base64url::encode(request.intent).into());
    }
}

/// The accounts whose mandates a key holds.
pub(super) fn accounts_of(state: &State, key: &PublicKey) -> BTreeSet<AccountId> {
    let held = state.mandates.values().filter(|record| holds(&record.mandate.holder, key));
    held.map(|record| record.mandate.account).collect()
}

/// The payments that a reader may see, oldest first, out of those that are told account by account,
/// each account's oldest first.
pub(super) fn payments(state: &State, who: &Who, told: &[(PaperId, Told)]) -> Value {
    let made = told.iter().filter_map(|(id, told)| match folded(state, told) {
        Ok(Some(Payment::Made(made))) => Some((id, made)),
        _ => None,
    });
    let mut seen: Vec<_> = made
        .filter(|(_, made)| {
            who.account == Some(made.account) || made.links.iter().any(|(mandate, _, _)| may_see(state, who, mandate))
        })
        .collect();
    // Each account's come in their order, which the second of a decision does not tell.
    seen.sort_by_key(|(_, made)| made.decided_at);
    let list: Vec<Value> = seen.into_iter().map(|(id, made)| payment(id, &made)).collect();
    json!({ "payments": list })
}

fn payment(id: &PaperId, made: &Made) -> Value {
    let state = match (made.hold, made.captured_minor, made.refunded_minor) {
        (Hold::Open, _, _) => "authorized",
        (Hold::Voided, 0, _) => "voided",
        (Hold::Expired, 0, _) => "expired",
        (_, captured, refunded) if refunded == captured => "refunded",
        _ => "captured",
    };
    json!({
        "intent": id.to_string(),
        "offer": made.offer.to_string(),
        "merchant": made.merchant.as_str(),
        "mandates": made.links.iter().map(|(mandate, _, _)| mandate.to_string()).collect::<Vec<_>>(),
        "amount_minor": made.amount.minor().to_string(),
        "captured_minor": made.captured_minor.to_string(),
        "refunded_minor": made.refunded_minor.to_string(),
        "currency": made.currency.code(),
        "state": state,
        "decided_at": made.decided_at.get(),
        "hold_until": made.hold_until.map(UnixSeconds::get),
    })
}

/// Most suspensions that a status names.
const SUSPENSIONS_MAX: usize = 64;

/// The suspensions that stand of a mandate's lineage, whichever version is asked for. [REV-2]
fn suspensions<'a>(state: &'a State, id: &PaperId) -> impl Iterator<Item = PaperId> + use<'a> {
    let latest = state.latest(id).map(|(_, latest)| latest.suspensions.as_slice());
    latest.unwrap_or_default().iter().map(|(suspension, _)| *suspension)
}

/// How a mandate stands, with all that is above it, and the suspensions that stand. [REV-8]
pub(super) fn mandate_state(state: &State, id: &PaperId, now: UnixSeconds) -> Option<(MandateState, Vec<PaperId>)> {
    let chain = state.chain(id)?;
    let suspensions: BTreeSet<PaperId> = chain.iter().flat_map(|(id, _)| suspensions(state, id)).collect();
    let suspensions = suspensions.into_iter().take(SUSPENSIONS_MAX).collect();
    let any = |standing: Standing| chain.iter().any(|(id, record)| state.standing(id, record) == standing);
    let exhausted = chain.iter().any(|(_, record)| {
        let total = record.mandate.caps.as_ref().and_then(|caps| caps.total);
        let lineage = state.lineages.get(&(record.mandate.account, record.mandate.lineage));
        total.zip(lineage).is_some_and(|(total, lineage)| lineage.counters.at(None, None, now).minor >= total.minor())
    });
    let expired = chain.iter().any(|(_, record)| record.mandate.expires_at <= now);
    let standing = match () {
        () if any(Standing::Revoked) => MandateState::Revoked,
        () if any(Standing::Superseded) => MandateState::Superseded,
        () if expired => MandateState::Expired,
        () if any(Standing::Suspended) => MandateState::Suspended,
        () if exhausted => MandateState::Exhausted,
        () => MandateState::Active,
    };
    Some((standing, suspensions))
}

/// The account sees all of its mandates; a holder its own, and those below.
pub(super) fn may_see(state: &State, who: &Who, mandate: &PaperId) -> bool {
    state.chain(mandate).is_some_and(|chain| {
        chain
            .iter()
            .any(|(_, record)| who.account == Some(record.mandate.account) || holds(&record.mandate.holder, &who.key))
    })
}

/// The mandate that a payment's intent names.
pub(super) fn mandate_of(payment: &Payment) -> Option<PaperId> {
    match payment {
        Payment::Made(made) => made.links.last().map(|(mandate, _, _)| *mandate),
        Payment::Pending(asked) => asked.links.last().copied(),
        Payment::Closed { mandate, .. } => Some(*mandate),
    }
}

fn made<'a>(state: &'a State, intent: &PaperId) -> Option<&'a Made> {
    match state.payments.get(intent) {
        Some(Payment::Made(made)) => Some(made),
        _ => None,
    }
}
