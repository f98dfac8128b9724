//! What a wallet reads, as JSON. Amounts are whole minor units in strings; ids are hexadecimal, papers base64url.

use std::collections::BTreeMap;

use purser_protocol::bind::base64url;
use purser_protocol::code::Code;
use purser_protocol::field::encoded;
use purser_protocol::flow::issuer::{BatchRequest, PaymentRequest};
use purser_protocol::id::{AccountId, PaperId};
use purser_protocol::ledger::state::{MandateRecord, State};
use purser_protocol::paper::mandate::Holder;
use purser_protocol::paper::rules::Rules;
use purser_protocol::sign::{Kind, PublicKey};
use purser_protocol::time::UnixSeconds;
use serde_json::{Value, json};

use super::super::passkey::Passkeys;
use super::super::view;
use super::query::MandatesAsked;
use crate::store::Answered;
use crate::wallet::{Pack, Papers, Row, Session, Spent};

/// A page of the mandates of an account, in the order of their registration, from 1.
pub(super) fn mandates(state: &State, ids: &[PaperId], asked: &MandatesAsked, now: UnixSeconds) -> Value {
    let mut listed = Vec::new();
    let (mut matching, mut next) = (0_u64, None);
    let mut last = None;
    for (number, id) in (1_u64..).zip(ids) {
        let Some(record) = state.mandates.get(id) else { continue };
        if !matches(state, id, record, asked, now) {
            continue;
        }
        matching += 1;
        if number <= asked.after {
            continue;
        }
        if listed.len() == asked.limit {
            // The rest is only counted.
            next = last;
            continue;
        }
        last = Some(number);
        let mut shown = view::mandate(state, id, record, now);
        if let Value::Object(members) = &mut shown {
            members.insert("number".into(), number.into());
            members.insert("is_latest".into(), is_latest(state, id, record).into());
            members.insert("replaces".into(), record.mandate.replaces.map(|id| id.to_string()).into());
            members.insert("offer".into(), record.mandate.offer.map(|id| id.to_string()).into());
            members.insert("signer".into(), record.signer.id().to_string().into());
            members.insert("registered_at".into(), record.registered_at.get().into());
            members
                .insert("funded_minor".into(), record.mandate.funded.map(|funded| funded.minor().to_string()).into());
        }
        listed.push(shown);
    }
    json!({ "mandates": listed, "next": next, "matching": matching, "listed": ids.len() })
}

fn is_latest(state: &State, id: &PaperId, record: &MandateRecord) -> bool {
    let lineage = state.lineages.get(&(record.mandate.account, record.mandate.lineage));
    lineage.is_some_and(|lineage| lineage.latest == *id)
}

fn matches(state: &State, id: &PaperId, record: &MandateRecord, asked: &MandatesAsked, now: UnixSeconds) -> bool {
    let mandate = &record.mandate;
    let holder = name_of(&mandate.holder);
    let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
    if (asked.is_latest_only && !is_latest(state, id, record))
        || !is(&asked.mode, mandate.mode.name())
        || asked.agent.as_ref().is_some_and(|agent| !holder.starts_with(agent.as_str()))
    {
        return false;
    }
    let names = || rules_of(record).filter_map(|rules| rules.merchants_allow.as_deref()).flatten();
    if let Some(merchant) = &asked.merchant
        && holder != *merchant
        && !names().any(|name| name.as_str() == merchant)
    {
        return false;
    }
    if let Some(text) = &asked.text {
        let items = rules_of(record).filter_map(|rules| rules.items_allow.as_deref()).flatten();
        let found = [id.to_string(), mandate.lineage.to_string(), holder, mandate.currency.code().to_lowercase()]
            .into_iter()
            .chain(names().map(|name| name.as_str().to_owned()))
            .chain(items.map(|item| item.as_str().to_lowercase()));
        if !found.into_iter().any(|words| words.contains(text.as_str())) {
            return false;
        }
    }
    asked
        .state
        .as_ref()
        .is_none_or(|wanted| view::mandate_state(state, id, now).is_some_and(|(standing, _)| standing.name() == wanted))
}

fn rules_of(record: &MandateRecord) -> impl Iterator<Item = &Rules> {
    record.mandate.caps.iter().chain(record.mandate.grants())
}

fn name_of(holder: &Holder) -> String {
    match holder {
        Holder::Agent(key) => key.id().to_string(),
        Holder::Merchant(merchant) => merchant.as_str().to_owned(),
    }
}

/// Who may spend of an account, what they hold and what they have spent.
pub(super) fn agents(
    state: &State,
    ids: &[PaperId],
    spent: &BTreeMap<(String, String), Spent>,
    now: UnixSeconds,
) -> Value {
    let mut agents: BTreeMap<String, (bool, BTreeMap<&'static str, u64>)> = BTreeMap::new();
    for id in ids {
        let Some(record) = state.mandates.get(id) else { continue };
        let is_key = matches!(record.mandate.holder, Holder::Agent(_));
        let agent = agents.entry(name_of(&record.mandate.holder)).or_insert_with(|| (is_key, BTreeMap::new()));
        if let Some((standing, _)) = view::mandate_state(state, id, now).filter(|_| is_latest(state, id, record)) {
            *agent.1.entry(standing.name()).or_default() += 1;
        }
    }
    let list: Vec<Value> = agents
        .into_iter()
        .map(|(name, (is_key, standing))| {
            let spent: Vec<Value> = spent
                .iter()
                .filter(|((agent, _), _)| *agent == name)
                .map(|((_, currency), sum)| sums(currency, sum))
                .collect();
            let kind = if is_key { "key" } else { "merchant" };
            json!({ "agent": name, "holder": kind, "mandates": standing, "spent": spent })
        })
        .collect();
    json!({ "agents": list })
}

/// A record, without its papers.
pub(super) fn record(row: &Row) -> Value {
    json!({
        "number": row.number,
        "receipt": row.receipt.to_string(),
        "command": row.command.to_string(),
        "kind": row.kind,
        "outcome": row.outcome,
        "code": row.code.and_then(|code| Code::from_number(code.into())).map(Code::slug),
        "decided_at": row.decided_at_seconds,
        "amount_minor": row.amount_minor.map(|minor| minor.to_string()),
        "currency": row.currency,
        "intent": row.intent.map(|id| id.to_string()),
        "merchant": row.merchant,
        "mandate": row.mandate.map(|id| id.to_string()),
        "agent": row.agent,
        "category": row.category,
    })
}

/// A record with its receipt, its detail and every paper that was sent for it or made with it.
pub(super) fn record_with_papers(row: &Row, papers: &Papers, answered: &Answered) -> Value {
    let mut sent = Vec::new();
    let mut put = |bytes: &[u8]| {
        let kind = Kind::of(bytes).map(|kind| kind.typ().trim_start_matches("purser-"));
        sent.push(json!({ "kind": kind, "paper": base64url::encode(bytes) }));
    };
    match (PaymentRequest::read(&papers.sent), BatchRequest::read(&papers.sent)) {
        (Ok(request), _) => {
            request.mandates.iter().copied().chain([request.offer, request.intent]).for_each(&mut put);
            request.confirmation.into_iter().for_each(&mut put);
        }
        (_, Ok(request)) => put(request.batch),
        _ if papers.sent.is_empty() => {}
        _ => put(&papers.sent),
    }
    papers.made.iter().for_each(|made| put(made));
    let mut shown = record(row);
    if let Value::Object(members) = &mut shown {
        members.insert("receipt_paper".into(), base64url::encode(&encoded(&answered.receipt)).into());
        members.insert("detail".into(), answered.detail.as_deref().map(base64url::encode).into());
        members.insert("papers".into(), sent.into());
    }
    shown
}

/// A metered session. Held is what the seller may still take.
pub(super) fn session(session: &Session) -> Value {
    let state = match (session.held_minor, session.captured_minor) {
        (0, 0) => "ended",
        (0, _) => "settled",
        _ => "open",
    };
    json!({
        "number": session.number,
        "receipt": session.receipt.to_string(),
        "intent": session.intent.to_string(),
        "decided_at": session.decided_at_seconds,
        "agent": session.agent,
        "merchant": session.merchant,
        "currency": session.currency,
        "captured_minor": session.captured_minor.to_string(),
        "held_minor": session.held_minor.to_string(),
        "state": state,
    })
}

/// A pack. How much of it is used the seller knows alone.
pub(super) fn pack(pack: &Pack) -> Value {
    json!({
        "number": pack.number,
        "receipt": pack.receipt.to_string(),
        "intent": pack.intent.to_string(),
        "plan": pack.plan,
        "decided_at": pack.decided_at_seconds,
        "agent": pack.agent,
        "merchant": pack.merchant,
        "currency": pack.currency,
        "paid_minor": pack.paid_minor.to_string(),
        "refunded_minor": pack.refunded_minor.to_string(),
    })
}

/// What was spent, by key and currency.
pub(super) fn spending(by: &str, zone: Option<&str>, spent: &BTreeMap<(String, String), Spent>) -> Value {
    let rows: Vec<Value> = spent
        .iter()
        .map(|((key, currency), sum)| {
            let mut row = sums(currency, sum);
            row["key"] = json!(key);
            row
        })
        .collect();
    json!({ "by": by, "zone": zone, "spending": rows })
}

fn sums(currency: &str, sum: &Spent) -> Value {
    json!({
        "currency": currency,
        "spent_minor": sum.spent_minor.to_string(),
        "refunded_minor": sum.refunded_minor.to_string(),
        "held_minor": sum.held_minor.to_string(),
        "payments": sum.payments,
    })
}

/// The keys of an account.
pub(super) fn keys(state: &State, account: AccountId, asks: &PublicKey, passkeys: &Passkeys) -> Value {
    let record = state.accounts.get(&account);
    let mut keys: Vec<_> = record.iter().flat_map(|record| record.keys.iter()).collect();
    keys.sort_by_key(|(id, (_, expires_at))| (*expires_at, **id));
    let keys: Vec<Value> = keys
        .into_iter()
        .map(|(id, (key, expires_at))| {
            json!({
                "key": id.to_string(),
                "public": base64url::encode(&key.0),
                "expires_at": expires_at.get(),
                "asks": key == asks,
                "passkeys": passkeys.ids(id),
            })
        })
        .collect();
    json!({
        "account": account.to_string(),
        "is_frozen": record.is_some_and(|record| record.frozen),
        "keys": keys,
    })
}
