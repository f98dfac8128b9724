//! `purser capture`, `void`, `refund`, `payout`: a merchant's commands. Each is kept before it is sent: one that is signed
//! again would be another, and move money again.

use std::path::PathBuf;

use clap::Args;
use purser_client::clock::nonce;
use purser_client::home::Home;
use purser_client::issuer::{SignedPaper, parse_id};
use purser_client::session::Session;
use purser_client::{Class, Error, Result, keys};
use purser_protocol::cert::Role;
use purser_protocol::field::True;
use purser_protocol::flow::certificate_id;
use purser_protocol::id::{PaperId, PartyId, ShortText};
use purser_protocol::money::Money;
use purser_protocol::paper::command;
use purser_protocol::sign::backend::AwsLcSigner;
use purser_protocol::sign::{Kind, Paper, Signer as _, sign_by_certificate};
use rustls_pki_types::CertificateDer;
use serde_json::json;

use super::{Done, id_of, long_text, read_file, session};

/// Who the merchant is.
#[derive(Args)]
pub(super) struct Merchant {
    /// The merchant's certificate and what issued it, leaf first, in PEM
    #[arg(long, value_name = "PEM")]
    certificate: PathBuf,
    /// The merchant's private key, in PEM
    #[arg(long, value_name = "PEM")]
    key: PathBuf,
}

#[derive(Args)]
pub(super) struct Capture {
    /// The payment: its intent's id
    #[arg(value_parser = payment)]
    payment: PaperId,
    #[command(flatten)]
    merchant: Merchant,
    /// How much, such as "12.80 CNY"
    amount: Money,
    /// Nothing more will be captured; the rest goes back
    #[arg(long)]
    last: bool,
}

#[derive(Args)]
pub(super) struct Void {
    /// The payment: its intent's id
    #[arg(value_parser = payment)]
    payment: PaperId,
    #[command(flatten)]
    merchant: Merchant,
}

#[derive(Args)]
pub(super) struct Refund {
    /// The payment: its intent's id
    #[arg(value_parser = payment)]
    payment: PaperId,
    #[command(flatten)]
    merchant: Merchant,
    /// How much, such as "12.80 CNY"
    amount: Money,
    /// Words for the payer
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Args)]
pub(super) struct Payout {
    #[command(flatten)]
    merchant: Merchant,
    /// How much, such as "12.80 CNY"
    amount: Money,
    /// The merchant's account at the issuer
    #[arg(long, default_value = "main")]
    account: String,
}

#[derive(Args)]
pub(super) struct Send {
    /// A file below commands/
    file: PathBuf,
}

impl Capture {
    pub(super) async fn run(self, home: Home) -> Result<Done> {
        let desk = Desk::open(home, &self.merchant).await?;
        let paper = command::Capture {
            merchant: desk.id.clone(),
            issuer: desk.session.issuer.id.clone(),
            issued_at: desk.session.issuer.clock.now(),
            nonce: nonce()?,
            intent: self.payment,
            amount: self.amount.amount,
            currency: self.amount.currency,
            last: self.last.then_some(True),
            claim: None,
        };
        desk.send(&format!("capture of {}", self.amount), &paper).await
    }
}

impl Void {
    pub(super) async fn run(self, home: Home) -> Result<Done> {
        let desk = Desk::open(home, &self.merchant).await?;
        let paper = command::Void {
            merchant: desk.id.clone(),
            issuer: desk.session.issuer.id.clone(),
            issued_at: desk.session.issuer.clock.now(),
            nonce: nonce()?,
            intent: self.payment,
        };
        desk.send("void", &paper).await
    }
}

impl Refund {
    pub(super) async fn run(self, home: Home) -> Result<Done> {
        let desk = Desk::open(home, &self.merchant).await?;
        let paper = command::Refund {
            merchant: desk.id.clone(),
            issuer: desk.session.issuer.id.clone(),
            issued_at: desk.session.issuer.clock.now(),
            nonce: nonce()?,
            intent: self.payment,
            amount: self.amount.amount,
            currency: self.amount.currency,
            reason: self.reason.as_deref().map(long_text).transpose()?,
        };
        desk.send(&format!("refund of {}", self.amount), &paper).await
    }
}

impl Payout {
    pub(super) async fn run(self, home: Home) -> Result<Done> {
        let desk = Desk::open(home, &self.merchant).await?;
        let account = ShortText::new(&self.account)
            .ok_or_else(|| Error::failed("the name of an account has 1 to 64 bytes").at("--account"))?;
        let paper = command::Payout {
            merchant: desk.id.clone(),
            issuer: desk.session.issuer.id.clone(),
            issued_at: desk.session.issuer.clock.now(),
            nonce: nonce()?,
            amount: self.amount.amount,
            currency: self.amount.currency,
            account,
        };
        desk.send(&format!("payout of {}", self.amount), &paper).await
    }
}

impl Send {
    pub(super) async fn run(self, home: Home) -> Result<Done> {
        let bytes = read_file(&self.file)?;
        let id = id_of(&bytes)?;
        let kind = Kind::of(&bytes).map_or("paper", Kind::typ);
        let what = kind.strip_prefix("purser-").unwrap_or(kind).to_owned();
        send_kept(&session(home).await?, &what, SignedPaper { id, bytes }).await
    }
}

/// A merchant at an issuer.
pub(super) struct Desk {
    pub(super) session: Session,
    pub(super) id: PartyId,
    signer: AwsLcSigner,
    chain: Vec<CertificateDer<'static>>,
}

impl Desk {
    pub(super) async fn open(home: Home, merchant: &Merchant) -> Result<Self> {
        let session = session(home).await?;
        let signer = keys::load(&merchant.key)?;
        let chain = keys::load_certificates(&merchant.certificate)?;
        let party = session.issuer.trust.party_of(&chain, Role::Merchant, session.issuer.clock.now());
        let party = party.map_err(|fault| Error::fault("certificate", fault).at(merchant.certificate.display()))?;
        if party.key != signer.public_key() {
            return Err(Error::failed("the key is not that of the certificate").at(merchant.key.display()));
        }
        Ok(Self { session, id: party.id.clone(), signer, chain })
    }

    pub(super) async fn send(&self, what: &str, paper: &impl Paper) -> Result<Done> {
        let chain: Vec<&[u8]> = self.chain.iter().map(AsRef::as_ref).collect();
        let leaf = certificate_id(chain.first().copied().unwrap_or_default());
        let context = self.session.issuer.trust.context();
        let bytes = sign_by_certificate(paper, context, &self.signer, leaf, &chain);
        let bytes = bytes.map_err(|failed| Error::failed(failed.to_string()))?;
        send_kept(&self.session, what, SignedPaper { id: id_of(&bytes)?, bytes }).await
    }
}

/// Keeps a command and sends it. When no answer comes, it is these bytes that must be sent again.
pub(super) async fn send_kept(session: &Session, what: &str, paper: SignedPaper) -> Result<Done> {
    let path = session.home.keep_command(&paper.id, &paper.bytes)?;
    let decision = session.issuer.send_command(paper.bytes).await.map_err(|error| match error.class() {
        Class::Unknown | Class::Unreachable => {
            error.class_of(Class::Unknown).fix(format!("purser send {}", path.display()))
        }
        _ => error,
    })?;
    session.home.keep_receipt(&paper.id, "receipt", &decision.receipt)?;
    Ok(Done::of_decision(what, &decision, json!({ "command": paper.id.to_string() })))
}

pub(super) fn payment(text: &str) -> std::result::Result<PaperId, String> {
    parse_id(text).ok_or_else(|| "not 64 hexadecimal digits".to_owned())
}
