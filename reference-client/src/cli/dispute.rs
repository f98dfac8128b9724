//! `purser dispute`: claiming money of a payment back, answering as a merchant, and the papers of it all for somebody
//! else to judge.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use purser_client::clock::nonce;
use purser_client::home::{Home, write_durably};
use purser_client::{Error, Result};
use purser_protocol::bind::bundle::{self, BundleItem};
use purser_protocol::field::{Bytes, Set};
use purser_protocol::flow::issuer::PaymentRequest;
use purser_protocol::id::{Digest, PaperId};
use purser_protocol::label::{INTENT, MANDATE};
use purser_protocol::money::Money;
use purser_protocol::paper::dispute::{Dispute as Paper, DisputeAnswer, Ground, Stance};
use purser_protocol::sign::paper::{find, id};
use purser_protocol::sign::{Frame, Kind};
use sha2::{Digest as _, Sha256};

use super::account;
use super::merchant::{Desk, Merchant, payment, send_kept};
use super::{Done, long_text, read_file, session};

#[derive(Subcommand)]
pub(super) enum Dispute {
    /// Claim money of a payment back: the merchant has seven days to answer, then the issuer rules
    Open(Open),
    /// As a merchant: give way, or contest. A dispute that is not answered is the payer's
    Answer(Answer),
    /// Write the papers of a disputed payment, and no others, for somebody else to judge
    Bundle {
        /// The payment: its intent's id
        #[arg(value_parser = payment)]
        payment: PaperId,
        /// Where to
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

#[derive(Args)]
pub(super) struct Open {
    /// The payment: its intent's id
    #[arg(value_parser = payment)]
    payment: PaperId,
    /// How much, such as "12.80 CNY"
    amount: Money,
    /// Why: not-delivered, not-as-offered, duplicate, not-meant
    #[arg(long, value_parser = ground)]
    ground: Ground,
    /// Words, which decide nothing
    #[arg(long)]
    reason: Option<String>,
    /// A file that you can show; its digest goes along
    #[arg(long = "exhibit", value_name = "FILE")]
    exhibits: Vec<PathBuf>,
}

#[derive(Args)]
pub(super) struct Answer {
    /// The payment: its intent's id
    #[arg(value_parser = payment)]
    payment: PaperId,
    /// The dispute's id
    #[arg(value_parser = payment)]
    dispute: PaperId,
    #[command(flatten)]
    merchant: Merchant,
    /// The payer shall have it back; without it the dispute is contested
    #[arg(long)]
    accept: bool,
    /// The delivery that was signed, in a file
    #[arg(long, value_name = "FILE")]
    delivery: Option<PathBuf>,
    /// Words, which decide nothing
    #[arg(long)]
    reason: Option<String>,
    /// A file that you can show; its digest goes along
    #[arg(long = "exhibit", value_name = "FILE")]
    exhibits: Vec<PathBuf>,
}

impl Dispute {
    pub(super) async fn run(self, home: Home) -> Result<Done> {
        match self {
            Self::Open(open) => open.run(home).await,
            Self::Answer(answer) => answer.run(home).await,
            Self::Bundle { payment, out } => export(home, payment, &out).await,
        }
    }
}

impl Open {
    async fn run(self, home: Home) -> Result<Done> {
        let session = session(home).await?;
        let paper = Paper {
            account: account::account(&session)?,
            issuer: session.issuer.id.clone(),
            issued_at: session.issuer.clock.now(),
            nonce: nonce()?,
            intent: self.payment,
            amount: self.amount.amount,
            currency: self.amount.currency,
            reason: self.reason.as_deref().map(long_text).transpose()?,
            ground: self.ground,
            exhibits: digests(&self.exhibits)?,
        };
        let signed = session.issuer.signed(&paper, &session.person()?)?;
        send_kept(&session, &format!("dispute of {}", self.amount), signed).await
    }
}

impl Answer {
    async fn run(self, home: Home) -> Result<Done> {
        let desk = Desk::open(home, &self.merchant).await?;
        let paper = DisputeAnswer {
            merchant: desk.id.clone(),
            issuer: desk.session.issuer.id.clone(),
            issued_at: desk.session.issuer.clock.now(),
            nonce: nonce()?,
            intent: self.payment,
            reason: self.reason.as_deref().map(long_text).transpose()?,
            dispute: self.dispute,
            stance: if self.accept { Stance::Accepts } else { Stance::Contests },
            delivered: self.delivery.as_deref().map(read_file).transpose()?.map(Bytes),
            exhibits: digests(&self.exhibits)?,
        };
        desk.send("answer to a dispute", &paper).await
    }
}

async fn export(home: Home, payment: PaperId, out: &Path) -> Result<Done> {
    let session = session(home).await?;
    let person = session.person()?;
    let (mut items, mut after) = (Vec::new(), 0);
    loop {
        let (part, next) = session.issuer.bundle(after, &person).await?;
        for item in bundle::read(&part) {
            items.push(item.map_err(|fault| Error::fault("bundle", fault))?);
        }
        match next {
            Some(next) if next > after => after = next,
            _ => break,
        }
    }
    let mandate = items.iter().find_map(|item| mandate_of(item, payment));
    let mut bytes = Vec::new();
    items.iter().filter(|item| belongs(item, payment, mandate)).for_each(|item| bundle::write(item, &mut bytes));
    write_durably(out, &bytes, 0o600)?;
    let done = super::wallet::verify_bundle(&bytes, &session.issuer.trust, &session.config.network)?;
    Ok(done.note(format!("purser paper verify --bundle {} checks it, anywhere", out.display())))
}

/// The mandate that a payment was made under.
fn mandate_of(item: &BundleItem, payment: PaperId) -> Option<PaperId> {
    let request = PaymentRequest::read(&item.sent.as_ref()?.0).ok()?;
    let intent = Frame::read(request.intent).ok().filter(|frame| id(frame.protected, frame.payload) == payment)?;
    find(intent.payload, MANDATE.number).and_then(|(_, mut mandate)| mandate.array().ok()).map(PaperId)
}

/// What is about the payment, and what its signatures rest on: certificates, the account's keys, the mandate.
fn belongs(item: &BundleItem, payment: PaperId, mandate: Option<PaperId>) -> bool {
    let Some(Bytes(receipt)) = &item.receipt else { return true };
    let claims = purser_protocol::receipt::Receipt::from_bytes(receipt).and_then(|receipt| receipt.read_claims());
    if claims.is_ok_and(|claims| claims.intent == Some(payment)) {
        return true;
    }
    let Some(Bytes(sent)) = &item.sent else { return false };
    let Ok(frame) = Frame::read(sent) else { return false };
    match Kind::of(sent) {
        Some(Kind::Enrolment) => true,
        Some(Kind::Mandate) => mandate == Some(id(frame.protected, frame.payload)),
        _ => {
            let named = find(frame.payload, INTENT.number).and_then(|(_, mut intent)| intent.array().ok());
            named.map(PaperId) == Some(payment)
        }
    }
}

fn digests(files: &[PathBuf]) -> Result<Option<Set<Digest, { purser_protocol::limits::EXHIBITS_MAX }>>> {
    if files.is_empty() {
        return Ok(None);
    }
    let digests = files.iter().map(|file| {
        let bytes = std::fs::read(file).map_err(|error| Error::file(file, &error))?;
        Ok(Digest(Sha256::digest(&bytes).into()))
    });
    let digests = digests.collect::<Result<Vec<_>>>()?;
    Set::new(digests).map(Some).ok_or_else(|| Error::usage("at most 16 exhibits"))
}

fn ground(text: &str) -> std::result::Result<Ground, String> {
    Ground::ALL.iter().copied().find(|ground| ground.name() == text).ok_or_else(|| {
        let names: Vec<_> = Ground::ALL.iter().map(|ground| ground.name()).collect();
        format!("one of {}", names.join(", "))
    })
}
