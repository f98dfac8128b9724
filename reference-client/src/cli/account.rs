//! `purser account`

use std::path::PathBuf;

use clap::Subcommand;
use purser_client::clock::nonce;
use purser_client::home::Home;
use purser_client::issuer::{AccountView, Money};
use purser_client::session::Session;
use purser_client::{Error, Result, keys};
use purser_protocol::id::AccountId;
use purser_protocol::money;
use purser_protocol::paper::command::Deposit;
use purser_protocol::sign::Signer as _;
use serde_json::json;

use super::{Done, merchant, session};

#[derive(Subcommand)]
pub(super) enum Account {
    /// Open an account for the person's key
    Open,
    /// What the account has
    Show,
    /// Put play money in, in a sandbox
    Deposit {
        /// Such as "100.00 CNY"
        amount: money::Money,
    },
    /// The account's keys
    #[command(subcommand)]
    Key(Key),
}

#[derive(Subcommand)]
pub(super) enum Key {
    /// Let another key speak for the account too
    Add {
        /// The key's public half, in PEM
        key: PathBuf,
    },
}

impl Account {
    pub(super) async fn run(self, home: Home) -> Result<Done> {
        let session = session(home).await?;
        match self {
            Self::Open => open(session).await,
            Self::Show => show(&session).await,
            Self::Deposit { amount } => deposit(&session, amount).await,
            Self::Key(Key::Add { key }) => add_key(&session, key).await,
        }
    }
}

async fn open(session: Session) -> Result<Done> {
    if session.config.account()?.is_some() {
        return Err(Error::failed("config.toml names an account already").fix("purser account show"));
    }
    let person = session.person()?;
    let enrolled = session.issuer.enrol(&person, person.public_key(), None).await?; // [SIG-24]
    let mut config = session.config.clone();
    config.issuer.account = Some(enrolled.account.to_string());
    session.home.keep_receipt(&enrolled.decision.verified.id, "credential", &enrolled.credential)?;
    session.home.save_config(&config)?;
    let text = format!("account {} at {}\n", enrolled.account, session.issuer.id);
    let json = json!({ "account": enrolled.account.to_string(), "issuer": session.issuer.id.as_str() });
    Ok(Done::new(text, json).note("next: purser account deposit AMOUNT, then purser mandate new"))
}

async fn show(session: &Session) -> Result<Done> {
    let view = session.issuer.account(&session.person()?).await?;
    let json = serde_json::to_value(&view).map_err(|error| Error::failed(error.to_string()))?;
    Ok(Done::new(describe(&view), json))
}

async fn deposit(session: &Session, money: money::Money) -> Result<Done> {
    let deposit = Deposit {
        account: account(session)?,
        issuer: session.issuer.id.clone(),
        issued_at: session.issuer.clock.now(),
        nonce: nonce()?,
        amount: money.amount,
        currency: money.currency,
    };
    let signed = session.issuer.signed(&deposit, &session.person()?)?;
    merchant::send_kept(session, &format!("deposit of {money}"), signed).await
}

async fn add_key(session: &Session, path: PathBuf) -> Result<Done> {
    let key = keys::load_public(&path)?;
    let enrolled = session.issuer.enrol(&session.person()?, key, Some(account(session)?)).await?;
    session.home.keep_receipt(&enrolled.decision.verified.id, "credential", &enrolled.credential)?;
    Ok(Done::of_decision("key", &enrolled.decision, json!({ "key": key.id().to_string() })))
}

/// The account that the configuration names.
pub(super) fn account(session: &Session) -> Result<AccountId> {
    let none = || Error::failed("config.toml names no account").fix("purser account open");
    session.config.account()?.ok_or_else(none)
}

fn describe(view: &AccountView) -> String {
    let mut text = format!("account {}\n", view.account);
    for balance in &view.balances {
        text.push_str(&format!("  {}\n", shown(balance)));
    }
    for envelope in &view.envelopes {
        text.push_str(&format!("  {} in the envelope of {}\n", shown(&envelope.money), envelope.lineage));
    }
    for hold in &view.holds {
        text.push_str(&format!("  {} held for {}\n", shown(&hold.money), hold.intent));
    }
    text
}

/// An issuer's amount as people read it.
fn shown(money: &Money) -> String {
    let currency = money::Currency::from_code(&money.currency);
    match currency.zip(money.amount_minor.parse().ok()) {
        Some((currency, minor)) => currency.show(minor).to_string(),
        None => format!("{} {}", money.amount_minor, money.currency),
    }
}
