//! What is shown and written, and signs nothing.

use std::path::Path;

use purser_client::home::write_durably;
use purser_client::{Error, Result};
use purser_protocol::money::Currency;
use serde_json::{Value, json};

use super::{By, Filter, Owner, escaped};
use crate::cli::Done;

/// The list, and whether it is the one that the issuer has signed for.
pub(super) async fn ls(owner: &Owner, filter: &Filter) -> Result<Done> {
    let issuer = &owner.session.issuer;
    let (all, statement) = issuer.whole_list(owner.account, &owner.person).await?;
    remember(owner, statement.sequence, statement.listed)?;
    let views = if filter.is_empty() { all } else { issuer.mandates_of(&filter.query(), &owner.person).await? };
    let mut text = String::new();
    for view in &views {
        let left = view.left_minor.as_deref().map(|left| format!(", {} left", money(left, &view.currency)));
        let spent = money(&view.spent_minor, &view.currency);
        text.push_str(&format!(
            "{} {} {}: spent {spent}{}\n",
            view.id,
            view.mode,
            view.state,
            left.unwrap_or_default()
        ));
    }
    text.push_str(&format!("{} of {} mandates, as the issuer has signed\n", views.len(), statement.listed));
    let mandates = serde_json::to_value(&views).map_err(|error| Error::failed(error.to_string()))?;
    let signed = json!({ "sequence": statement.sequence, "listed": statement.listed });
    Ok(Done::new(text, json!({ "mandates": mandates, "statement": signed })))
}

/// Nothing that was counted before may be gone.
fn remember(owner: &Owner, sequence: u64, listed: u64) -> Result<()> {
    let path = owner.session.home.path(format!("statement-{}.json", owner.account));
    let seen: Option<Value> = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let number = |name: &str| seen.as_ref().and_then(|seen| seen[name].as_u64()).unwrap_or_default();
    if sequence < number("sequence") || listed < number("listed") {
        let error = Error::failed("the issuer signs for less than it did before: something was taken away"); // [WAL-5]
        return Err(error.coded(Some(purser_protocol::code::Code::StatementMismatch)).at(path.display()));
    }
    write_durably(&path, json!({ "sequence": sequence, "listed": listed }).to_string().as_bytes(), 0o600)
}

pub(super) async fn agents(owner: &Owner) -> Result<Done> {
    let read = owner.session.issuer.wallet("/v1/wallet/agents", &owner.person).await?;
    let mut text = String::new();
    for agent in list(&read, "agents") {
        let held = agent["mandates"].as_object().into_iter().flatten();
        let held: Vec<String> = held.map(|(state, count)| format!("{count} {state}")).collect();
        text.push_str(&format!("{}: {}\n", word(&agent["agent"]), held.join(", ")));
        for sum in list(agent, "spent") {
            text.push_str(&format!("  {}\n", spent(sum)));
        }
    }
    Ok(Done::new(text, read))
}

pub(super) async fn show(owner: &Owner, receipt: &str) -> Result<Done> {
    let target = format!("/v1/wallet/records/{}", escaped(receipt));
    let read = owner.session.issuer.wallet(&target, &owner.person).await?;
    let mut text = line(&read);
    for paper in list(&read, "papers") {
        let bytes = paper["paper"].as_str().and_then(purser_protocol::bind::base64url::decode).unwrap_or_default();
        let shown = purser_protocol::diag::show(&bytes).unwrap_or_else(|fault| format!("{fault}\n"));
        text.push_str(&shown);
    }
    Ok(Done::new(text, json!({ "record": read })))
}

pub(super) async fn records(owner: &Owner, query: &str) -> Result<Done> {
    let read = owner.session.issuer.wallet(&format!("/v1/wallet/records?{query}"), &owner.person).await?;
    let text: String = list(&read, "records").iter().map(line).collect();
    let next = read["next"].as_u64().map(|next| format!("to go on: purser wallet records --before {next}"));
    let done = Done::new(text, read);
    Ok(next.into_iter().fold(done, Done::note))
}

/// All metered sessions and all packs, page by page, the newest first.
pub(super) async fn tokens(owner: &Owner) -> Result<Done> {
    let sessions = all(owner, "sessions").await?;
    let packs = all(owner, "packs").await?;
    let amount = |row: &Value, name: &str| money(word(&row[name]), word(&row["currency"]));
    let mut text = String::new();
    for one in &sessions {
        let (taken, held) = (amount(one, "captured_minor"), amount(one, "held_minor"));
        text.push_str(&format!(
            "session {} at {}: {}, {taken} taken, {held} held\n",
            word(&one["intent"]),
            word(&one["merchant"]),
            word(&one["state"])
        ));
    }
    for one in &packs {
        let (paid, back) = (amount(one, "paid_minor"), amount(one, "refunded_minor"));
        text.push_str(&format!(
            "pack {} at {}: {paid} paid, {back} given back\n",
            word(&one["intent"]),
            word(&one["merchant"])
        ));
    }
    Ok(Done::new(text, json!({ "sessions": sessions, "packs": packs })))
}

async fn all(owner: &Owner, kind: &str) -> Result<Vec<Value>> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let behind = after.map(|after: u64| format!("&after={after}")).unwrap_or_default();
        let page = owner.session.issuer.wallet(&format!("/v1/wallet/{kind}?limit=200{behind}"), &owner.person).await?;
        found.extend(list(&page, kind).iter().cloned());
        match page["next"].as_u64() {
            Some(next) if after.is_none_or(|after| next < after) => after = Some(next),
            _ => return Ok(found),
        }
    }
}

pub(super) async fn spending(owner: &Owner, by: By, zone: &str) -> Result<Done> {
    let by = match by {
        By::Agent => "agent",
        By::Merchant => "merchant",
        By::Category => "category",
        By::Day => "day",
        By::Month => "month",
    };
    let target = format!("/v1/wallet/spending?by={by}&zone={}", escaped(zone));
    let read = owner.session.issuer.wallet(&target, &owner.person).await?;
    let row = |row: &Value| {
        let key = row["key"].as_str().filter(|key| !key.is_empty()).unwrap_or("none");
        format!("{key}: {}\n", spent(row))
    };
    Ok(Done::new(list(&read, "spending").iter().map(row).collect::<String>(), read))
}

pub(super) async fn watch(owner: &Owner, after: Option<u64>, wait: u64) -> Result<Done> {
    let issuer = &owner.session.issuer;
    let after = match after {
        Some(after) => after,
        None => issuer.statement(owner.account, &owner.person).await?.sequence,
    };
    let target = format!("/v1/wallet/records?after={after}&wait={wait}");
    let read = issuer.wallet(&target, &owner.person).await?;
    let text: String = list(&read, "records").iter().map(line).collect();
    let last = list(&read, "records").last().and_then(|record| record["number"].as_u64()).unwrap_or(after);
    Ok(Done::new(text, read).note(format!("to go on: purser wallet watch --after {last}")))
}

const COLUMNS: [&str; 14] = [
    "number",
    "decided_at",
    "kind",
    "outcome",
    "code",
    "amount_minor",
    "currency",
    "merchant",
    "category",
    "agent",
    "mandate",
    "intent",
    "command",
    "receipt",
];

/// All records, page by page, oldest first.
pub(super) async fn csv(owner: &Owner, out: &Path) -> Result<Done> {
    let mut text = COLUMNS.join(",") + "\r\n";
    let (mut after, mut count) = (0, 0_u64);
    loop {
        let target = format!("/v1/wallet/records?limit=200&after={after}");
        let read = owner.session.issuer.wallet(&target, &owner.person).await?;
        for record in list(&read, "records") {
            let fields: Vec<String> = COLUMNS.iter().map(|column| field(&record[*column])).collect();
            text.push_str(&(fields.join(",") + "\r\n"));
            count += 1;
        }
        match read["next"].as_u64() {
            Some(next) if next > after => after = next,
            _ => break,
        }
    }
    write_durably(out, text.as_bytes(), 0o600)?;
    Ok(Done::new(format!("{count} records\n"), json!({ "records": count, "file": out.display().to_string() })))
}

/// A field as RFC 4180 has it. What a program that reads tables would take for a formula is a text.
fn field(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

fn line(record: &Value) -> String {
    let amount = record["amount_minor"].as_str().map(|minor| money(minor, word(&record["currency"])));
    format!(
        "{} {} {} {}{}{}{}\n  receipt {}\n",
        record["number"],
        record["decided_at"],
        word(&record["kind"]),
        word(&record["outcome"]),
        record["code"].as_str().map(|code| format!(" ({code})")).unwrap_or_default(),
        amount.map(|amount| format!(" {amount}")).unwrap_or_default(),
        record["merchant"].as_str().map(|merchant| format!(" {merchant}")).unwrap_or_default(),
        word(&record["receipt"]),
    )
}

fn spent(sum: &Value) -> String {
    let currency = word(&sum["currency"]);
    let of = |name: &str| money(word(&sum[name]), currency);
    format!(
        "{} spent, {} held, {} given back, {} payments",
        of("spent_minor"),
        of("held_minor"),
        of("refunded_minor"),
        sum["payments"]
    )
}

fn money(minor: &str, currency: &str) -> String {
    match Currency::from_code(currency).zip(minor.parse().ok()) {
        Some((currency, minor)) => currency.show(minor).to_string(),
        None => format!("{minor} {currency}"),
    }
}
