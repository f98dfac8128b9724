//! The end: every receipt from its file, and the audit of the issuer's store.

use std::fs;
use std::path::{Path, PathBuf};

use purser_client::issuer::Discovery;
use purser_client::keys;
use purser_client::trust::Trust;
use purser_protocol::bind::base64url;
use purser_protocol::flow::merchant::VerifiedReceipt;
use purser_protocol::money::Money;
use purser_protocol::receipt::Outcome;
use purser_server::audit::{Acknowledged, Auditor, Beside, More, Report};
use purser_server::config::Config;
use purser_server::issuer::IssuerConfig;
use purser_server::sandbox::{ISSUER, NETWORK};
use purser_server::store::sqlite::SqliteArchive;

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
    /// What accounts have in the issuer's store, by its audit.
    pub(crate) account_in_store_minor: u64,
    /// What merchants have there.
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

/// Verifies and compares.
pub(crate) async fn check(stage: &Stage) -> Result<Books, Failure> {
    let account_minor = stage.balance_minor().await?;
    let receipts = verified(&stage.session.home.path("receipts"), &stage.sandbox.path("roots.pem"), || {
        Ok(serde_json::from_slice(&fs::read(stage.session.home.path("issuer.json"))?)?)
    })?;
    let report = audited(stage)?;
    let sums = report.sums.get(yuan()?.code()).cloned().unwrap_or_default();
    let deposit: Money = DEPOSIT.parse().map_err(|error| format!("{DEPOSIT}: {error}"))?;
    Ok(Books {
        receipts: receipts.len(),
        deposit_minor: deposit.amount.minor(),
        account_minor,
        merchant_by_receipts_minor: receipts.iter().map(to_merchant_minor).sum(),
        account_in_store_minor: u64::try_from(sums.accounts_minor)?,
        merchant_in_store_minor: u64::try_from(sums.payees_minor)?,
        findings: report.findings.iter().map(ToString::to_string).collect(),
    })
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
    for path in receipt_files(folder)? {
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

fn receipt_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let paths = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let paths = paths.collect::<Result<Vec<_>, _>>()?;
    Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "receipt")).collect())
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

/// The issuer's store, audited as `purser-server audit` does it, beside the issuer; every receipt of the folder must
/// be in it as it was given out.
fn audited(stage: &Stage) -> Result<Report, Failure> {
    let config = Config::load(&stage.sandbox.path("issuer.toml"))?;
    let settings: IssuerConfig = config.table("issuer")?;
    let auditor = Auditor::load(&config, &settings, &More::default())?;
    let mut lines = Vec::new();
    for path in receipt_files(&stage.session.home.path("receipts"))? {
        lines.push(base64url::encode(&fs::read(path)?));
    }
    let given_out = Acknowledged::read(lines.join("\n").as_bytes())?;
    let beside = Beside { given_out, ..auditor.beside(&config, &settings)? };
    Ok(auditor.audit(&mut SqliteArchive::open(&config.path(&settings.store))?, beside)?)
}
