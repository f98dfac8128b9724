//! `purser ap2`: mandates of AP2 in files, and what they come to in rules.

mod pay;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use purser_ap2::{Asked, Chain, Checkout, Json, Mandate, Refusal, Terms, split, verify};
use purser_client::clock::Clock;
use purser_client::home::Home;
use purser_client::{Error, Result, keys};
use purser_protocol::field::encoded;
use purser_protocol::id::AccountId;
use purser_protocol::sign::PublicKey;
use purser_protocol::sign::backend::AwsLc;
use serde_json::{Value, json};

use super::Done;
use super::done::code;

#[derive(Subcommand)]
pub(super) enum Ap2 {
    /// Show the tokens of a chain; no signature is checked
    Show {
        /// The file; - is stdin
        file: PathBuf,
    },
    /// Verify a chain, up to the first fault
    Verify(Box<Verify>),
    /// Say what a closed mandate must say, to pay an offer that fetch --quote has written
    Ask(Box<pay::Ask>),
    /// Pay that offer with a chain, under the mandate that the person gave this agent for chains of AP2
    Pay(Box<pay::Pay>),
    /// Write a mandate out as an open one of AP2, signed by the person, where it can be
    Open(pay::Open),
    /// As an agent of AP2: close an open mandate with what ask has said
    Close(pay::Close),
}

#[derive(Args)]
pub(super) struct Verify {
    /// The file; - is stdin
    file: PathBuf,
    /// A key that may sign the first token, in PEM or as a JWK; may stand several times
    #[arg(long, value_name = "FILE", required = true)]
    key: Vec<PathBuf>,
    /// Whom the chain must be for
    #[arg(long, value_name = "TEXT")]
    audience: Option<String>,
    /// What the verifier asked to be repeated
    #[arg(long, value_name = "TEXT")]
    nonce: Option<String>,
    /// The chain of the checkout that a payment must be for
    #[arg(long, value_name = "FILE", requires_all = ["checkout_audience", "checkout_nonce"])]
    checkout: Option<PathBuf>,
    /// Whom that chain must be for
    #[arg(long, value_name = "TEXT")]
    checkout_audience: Option<String>,
    /// What was asked to be repeated in it
    #[arg(long, value_name = "TEXT")]
    checkout_nonce: Option<String>,
    /// The hash of the merchant's token, where there is no chain of the checkout
    #[arg(long, value_name = "HASH", conflicts_with = "checkout")]
    transaction: Option<String>,
    /// The hash of the open checkout mandate, likewise
    #[arg(long, value_name = "HASH", requires = "transaction")]
    open_checkout: Option<String>,
    /// The key of the merchant's token, in PEM or as a JWK
    #[arg(long, value_name = "FILE")]
    merchant_key: Option<PathBuf>,
    /// Say the open mandate in rules, for this account, in hexadecimal
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// The time to verify at, in seconds since 1970; that of the clock when not given
    #[arg(long, value_name = "SECONDS")]
    now: Option<u64>,
}

impl Ap2 {
    pub(super) async fn run(self, home: impl FnOnce() -> Result<Home>) -> Result<Done> {
        match self {
            Self::Show { file } => Ok(show(&text_of(&file)?)),
            Self::Verify(verify) => verify.run(),
            Self::Ask(ask) => ask.run(home()?).await,
            Self::Pay(pay) => pay.run(home()?).await,
            Self::Open(open) => open.run(home()?).await,
            Self::Close(close) => close.run(),
        }
    }
}

fn show(text: &str) -> Done {
    let tokens = match split(text) {
        Ok(tokens) => tokens,
        Err(refusal) => return refused(&refusal),
    };
    let (mut out, mut list) = (String::new(), Vec::new());
    for (at, token) in tokens.iter().enumerate() {
        let claims = match token.disclosed() {
            Ok(claims) => Value::from(&claims),
            Err(refusal) => return refused(&refusal),
        };
        let header = Value::from(token.header());
        let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
        // A text always takes more.
        let _ = writeln!(out, "token {at}, hash {}\n{}\n{}", token.sd_hash(), pretty(&header), pretty(&claims));
        list.push(json!({ "header": header, "claims": claims, "hash": token.sd_hash() }));
    }
    Done::new(out, json!({ "tokens": list })).note("no signature was checked: purser ap2 verify does that")
}

impl Verify {
    fn run(self) -> Result<Done> {
        let keys = self.key.iter().map(|path| key_of(path)).collect::<Result<Vec<_>>>()?;
        let merchant = self.merchant_key.as_deref().map(key_of).transpose()?;
        let now = match self.now {
            Some(now) => now,
            None => Clock::machine().now().get(),
        };
        let account = self.account.as_deref().map(account).transpose()?;
        let asked = Asked {
            now,
            keys: &keys,
            audience: self.audience.as_deref(),
            nonce: self.nonce.as_deref(),
            checkout: None,
            merchant: merchant.as_ref(),
        };
        let checkout = match (&self.checkout, &self.transaction) {
            (Some(path), _) => {
                let (audience, nonce) = (self.checkout_audience.as_deref(), self.checkout_nonce.as_deref());
                match verify(&text_of(path)?, Asked { audience, nonce, ..asked }, &AwsLc) {
                    Ok(chain) => Some(
                        chain
                            .checkout()
                            .ok_or_else(|| Error::usage("this is no closed checkout").at(path.display()))?,
                    ),
                    Err(refusal) => return Ok(refused(&refusal).note("the checkout is refused")),
                }
            }
            (None, Some(transaction)) => Some(Checkout {
                transaction: transaction.as_str().into(),
                open: self.open_checkout.as_deref().map(Into::into),
                basket: None,
            }),
            (None, None) => None,
        };
        let chain = match verify(&text_of(&self.file)?, Asked { checkout: checkout.as_ref(), ..asked }, &AwsLc) {
            Ok(chain) => chain,
            Err(refusal) => return Ok(refused(&refusal)),
        };
        let terms = match account.zip(chain.open()) {
            None => None,
            Some((account, open)) => match purser_ap2::terms(open, purser_ap2::Account(account)) {
                Ok(terms) => Some(terms),
                Err(refusal) => return Ok(refused(&refusal)),
            },
        };
        Ok(verified(&chain, terms.as_ref()))
    }
}

fn verified(chain: &Chain, terms: Option<&Terms>) -> Done {
    let mut text = format!("verified: {} tokens, signed by {}\n", chain.hops.len(), chain.root.id());
    let mut tokens = Vec::new();
    for (at, hop) in chain.hops.iter().enumerate() {
        let kind = match (&hop.mandate, hop.mandate.is_payment()) {
            (Mandate::Open(_), true) => "open, of payment",
            (Mandate::Open(_), false) => "open, of checkout",
            (Mandate::Closed(_), true) => "closed, of payment",
            (Mandate::Closed(_), false) => "closed, of checkout",
        };
        let limits = match &hop.mandate {
            Mandate::Open(open) => open.constraints.iter().map(|one| one.name(open.is_payment)).collect(),
            Mandate::Closed(_) => Vec::new(),
        };
        let _ = writeln!(text, "  {at}: {kind}{}", limits.iter().map(|name| format!(", {name}")).collect::<String>());
        tokens.push(json!({ "mandate": kind, "constraints": limits, "audience": hop.audience }));
    }
    let mut said = json!({
        "fault": null,
        "signer": chain.root.id().to_string(),
        "tokens": tokens,
        "open_hash": chain.open_hash,
        "expires_at": chain.expires_at,
        "merchant_signature_checked": chain.is_merchant_checked,
    });
    if chain.basket.is_some() && !chain.is_merchant_checked {
        text.push_str("  the merchant's own signature was not checked: give --merchant-key\n");
    }
    if let Some(terms) = terms {
        let rules: String = encoded(&terms.rules).iter().map(|byte| format!("{byte:02x}")).collect();
        let (mode, currency) = (terms.mode.name(), terms.currency.code());
        let _ = writeln!(text, "  in rules: {mode}, {currency}, rules {rules}");
        said["terms"] = json!({
            "agent": terms.agent.id().to_string(), "mode": mode, "currency": currency, "rules": rules,
            "from": terms.window.not_before().get(), "until": terms.window.expires().get(),
            "reference": terms.reference,
        });
    }
    Done::new(text, said)
}

fn refused(refusal: &Refusal) -> Done {
    let fault = json!({
        "code": refusal.code.slug(),
        "stage": refusal.stage().name(),
        "token": refusal.token,
        "field": refusal.name,
        "clause": refusal.code.clause(),
        "meaning": refusal.code.meaning(),
    });
    Done::new(format!("{refusal}\n"), json!({ "fault": fault })).exit(code::FAILED)
}

/// The text of a chain; what an editor put behind it is not of it.
fn text_of(path: &Path) -> Result<String> {
    let text = match path.to_str() {
        Some("-") => std::io::read_to_string(std::io::stdin()),
        _ => std::fs::read_to_string(path),
    };
    text.map(|text| text.trim().to_owned()).map_err(|error| Error::file(path, &error))
}

/// A key in PEM, or as a JWK.
fn key_of(path: &Path) -> Result<PublicKey> {
    let bytes = std::fs::read(path).map_err(|error| Error::file(path, &error))?;
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return keys::load_public(path);
    }
    let key = Json::read(&bytes).as_ref().and_then(purser_ap2::jwk);
    key.ok_or_else(|| Error::usage("this is no public JWK of P-256 for ES256").at(path.display()))
}

fn account(text: &str) -> Result<AccountId> {
    let digits = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32);
    let number = digits.ok_or_else(|| Error::usage("an account has 32 hexadecimal digits").at(text))?;
    Ok(AccountId(number.to_be_bytes()))
}
