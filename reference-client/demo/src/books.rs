//! The end: every receipt from its file, and the issuer's own books.

use std::fs;
use std::path::Path;

use purser_client::issuer::Discovery;
use purser_client::keys;
use purser_client::trust::Trust;
use purser_protocol::field::decoded;
use purser_protocol::flow::merchant::VerifiedReceipt;
use purser_protocol::id::{PartyId, ShortText};
use purser_protocol::ledger::audit::audit;
use purser_protocol::ledger::books::Purse;
use purser_protocol::ledger::event::Event;
use purser_protocol::ledger::{Ledger, Settings};
use purser_protocol::money::Money;
use purser_protocol::receipt::Outcome;
use purser_protocol::time::UnixSeconds;
use purser_server::sandbox::{ACCOUNT, ISSUER, MERCHANT, NETWORK};
use purser_server::store::sqlite::Sqlite;
use purser_server::store::{Store, StoreError};

use crate::Failure;
use crate::script::DEPOSIT;
use crate::stage::{Stage, yuan};

/// What the receipts add up to, and what the books say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Books {
    /// How many receipts verified, from files and against the anchors alone.
    pub(crate) receipts: usize,
    /// What was put in, by the script.
    pub(crate) deposit_minor: u64,
    /// What the account has, as the issuer said over HTTP.
    pub(crate) account_minor: u64,
    /// What the merchant must have, by the receipts.
    pub(crate) merchant_by_receipts_minor: i64,
    /// What the account has in the issuer's store, replayed.
    pub(crate) account_in_store_minor: u64,
    /// What the merchant has there.
    pub(crate) merchant_in_store_minor: u64,
    /// What its audit found.
    pub(crate) findings: Vec<String>,
}

impl Books {
    /// Whether all of it agrees, to the cent.
    pub(crate) fn agree(&self) -> bool {
        let merchant = u64::try_from(self.merchant_by_receipts_minor);
        self.findings.is_empty()
            && self.receipts > 0
            && merchant == Ok(self.merchant_in_store_minor)
            && self.account_minor == self.account_in_store_minor
            && self.account_minor + self.merchant_in_store_minor == self.deposit_minor
    }
}

/// Verifies and compares. The issuer is killed for it, and its store read as the next start would read it.
pub(crate) async fn check(stage: &mut Stage) -> Result<Books, Failure> {
    let account_minor = stage.balance_minor().await?;
    stage.issuer.kill()?;
    let receipts = verified(&stage.session.home.path("receipts"), &stage.sandbox.path("roots.pem"), || {
        Ok(serde_json::from_slice(&fs::read(stage.session.home.path("issuer.json"))?)?)
    })?;
    let ledger = replayed(&stage.sandbox.path("issuer.sqlite"))?;
    let state = ledger.state();
    let merchant = PartyId::new(MERCHANT).zip(ShortText::new(ACCOUNT)).ok_or("no such merchant")?;
    let deposit: Money = DEPOSIT.parse().map_err(|error| format!("{DEPOSIT}: {error}"))?;
    let books = Books {
        receipts: receipts.len(),
        deposit_minor: deposit.amount.minor(),
        account_minor,
        merchant_by_receipts_minor: receipts.iter().map(to_merchant_minor).sum(),
        account_in_store_minor: state.books.balance(&Purse::Account(stage.account), yuan()?),
        merchant_in_store_minor: state.books.balance(&Purse::Payee(merchant.0, merchant.1), yuan()?),
        findings: audit(state).into_iter().map(|finding| finding.0).collect(),
    };
    drop(ledger);
    stage.issuer.restart().await?;
    Ok(books)
}

/// Reads every receipt of a folder, and verifies it with nothing but the anchors of this file. The issuer's own
/// chain is among what was kept, and believed as far as the anchors vouch for it.
fn verified(
    folder: &Path,
    anchors: &Path,
    discovery: impl FnOnce() -> Result<Discovery, Failure>,
) -> Result<Vec<VerifiedReceipt>, Failure> {
    let trust = Trust::new(NETWORK, &keys::load_certificates(anchors)?)?;
    discovery()?.keep_chains(&trust);
    let mut receipts = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|kind| kind != "receipt") {
            continue;
        }
        let bad = |why: String| format!("{}: {why}", path.display());
        let receipt = trust.receipt(&fs::read(&path)?).map_err(|fault| bad(fault.to_string()))?;
        let claims = &receipt.claims;
        let answers = [claims.intent, claims.command].into_iter().flatten().map(|id| id.to_string());
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if receipt.issuer.as_str() != ISSUER || answers.into_iter().all(|id| id != name) {
            return Err(bad("it answers something else".into()).into());
        }
        receipts.push(receipt);
    }
    Ok(receipts)
}

/// What a receipt moves to the merchant, in minor units. What is authorized is held, and not the merchant's yet.
fn to_merchant_minor(receipt: &VerifiedReceipt) -> i64 {
    let minor = receipt.claims.amount.map_or(0, |amount| amount.minor().cast_signed());
    match receipt.claims.outcome {
        Outcome::Settled | Outcome::Captured => minor,
        Outcome::Refunded => -minor,
        _ => 0,
    }
}

/// The issuer's state as the fold of its past.
fn replayed(store: &Path) -> Result<Ledger, Failure> {
    let damaged = |what: &dyn std::fmt::Display| StoreError::Damaged(what.to_string());
    let mut ledger = Ledger::new(Settings {
        issuer: PartyId::new(ISSUER).ok_or("no such issuer")?,
        sandbox: true,
        approval_base: String::new(),
        credential_seconds: 0,
    });
    let mut store = Sqlite::open(store)?;
    store.replay(
        &mut |past| {
            let event: Event = decoded(&past.event).map_err(|fault| damaged(&fault))?;
            let at = UnixSeconds::new(past.decided_at_seconds).ok_or_else(|| damaged(&"a time past the year 9999"))?;
            ledger.replay(&event, Some(past.command), at).map_err(|broken| damaged(&broken))
        },
        &mut |_| {},
    )?;
    Ok(ledger)
}
