//! One payment, brought to its end: kept, sent, asked after, sent again; never signed twice.

use std::fmt;
use std::time::{Duration, Instant};

use purser_protocol::code::Retry;
use purser_protocol::field::List;
use purser_protocol::flow::issuer::PaymentRequest;
use purser_protocol::flow::payer::{Attempt, Heard, Pursuit, Step, is_lapsed, secret_hash};
use purser_protocol::id::{Digest, PaperId};
use purser_protocol::limits::CHAINS_MAX;
use purser_protocol::paper::command::Cancel;
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::meter::ChainRoot;
use purser_protocol::paper::offer::Offer;
use purser_protocol::paper::rules::Channel;
use purser_protocol::receipt::{Outcome, Receipt};
use purser_protocol::sign::{Signer, Verified};
use purser_protocol::time::UnixSeconds;

use crate::clock::{nonce, random};
use crate::error::{Class, Error, Result};
use crate::home::{Alone, Fetching, Home, Kept};
use crate::issuer::{Issuer, Reply};

/// What is told of what goes on while one waits.
pub trait Watch: Send + Sync {
    /// Something is waited for, in words.
    fn waiting(&self, what: &str);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Watch for Silent {
    fn waiting(&self, _what: &str) {}
}

/// How long to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For an outcome that is not known.
    pub doubt: Duration,
    /// For a person's answer.
    pub person: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { doubt: Duration::from_secs(30), person: Duration::ZERO }
    }
}

/// Pays at one issuer, and keeps its attempts in one folder.
pub struct Payer<'a> {
    /// The issuer.
    pub issuer: &'a Issuer,
    /// Where attempts and receipts are kept.
    pub home: &'a Home,
    /// How long to go on.
    pub patience: Patience,
    /// Who is told what is waited for.
    pub watch: &'a dyn Watch,
    /// A key of the payer's side, to which an issuer says why it refused.
    pub asker: Option<&'a dyn Signer>,
}

/// An offer that has verified, to be paid under a mandate.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The offer.
    pub offer: &'a Verified<Offer>,
    /// The mandate.
    pub mandate: PaperId,
    /// How the agent met the offer.
    pub channel: Option<Channel>,
    /// The device that the agent acted through.
    pub device: Option<Digest>,
    /// The request that is paid for.
    pub fetching: Option<&'a Fetching>,
    /// The chains of a metered session.
    pub chains: Option<&'a List<ChainRoot, CHAINS_MAX>>,
}

impl Payer<'_> {
    /// Signs an intent and keeps it. Nothing is sent yet. Refuses an offer that was taken before, unless nothing came
    /// of it.
    pub fn sign(&self, order: &Order<'_>, agent: &dyn Signer) -> Result<Kept> {
        let alone = self.home.attempts().alone()?;
        self.sign_alone(&alone, order, agent)
    }

    /// The same, by the one who has looked whether it is paid for already and has let nobody sign since.
    pub(crate) fn sign_alone(&self, _alone: &Alone, order: &Order<'_>, agent: &dyn Signer) -> Result<Kept> {
        let secret = random()?; // [INT-16]
        let intent = intent_of(order, self.issuer, &secret);
        let signed = self.issuer.signed(&intent, agent)?;
        let kept = Kept {
            id: signed.id,
            state: Attempt::Signed,
            intent: signed.bytes,
            offer: order.offer.bytes().to_vec(),
            secret,
            receipt: None,
            reason: None,
            fetching: order.fetching.cloned(),
        };
        self.home.attempts().begin(&kept, &order.offer.id())?; // [INT-17] [INT-19]
        Ok(kept)
    }

    /// Brings an attempt as far as patience goes. Afterwards its state says how far that was; an error is one of
    /// this machine, and leaves the attempt where it can be taken up again.
    pub async fn pursue(&self, kept: &mut Kept) -> Result<()> {
        let (pursuit, first) = Pursuit::begin(&mut kept.state);
        if first == Step::Over {
            return Ok(());
        }
        self.run(kept, pursuit, first, None).await
    }

    /// Gives up: asks the issuer not to decide the intent any more, and learns which of the two came first.
    pub async fn cancel(&self, kept: &mut Kept, signer: &dyn Signer) -> Result<()> {
        let (pursuit, first) = Pursuit::give_up(&mut kept.state);
        // One cancel, however often it is sent.
        let cancel = cancel_paper(self.issuer, &kept.intent, signer)?;
        self.run(kept, pursuit, first, Some(cancel)).await
    }

    /// Brings every attempt that was left in doubt as far as patience goes.
    pub async fn resume(&self) -> Result<Vec<Kept>> {
        let mut open = self.home.attempts().in_doubt()?;
        for kept in &mut open {
            self.pursue(kept).await?;
        }
        Ok(open)
    }

    async fn run(&self, kept: &mut Kept, pursuit: Pursuit, first: Step, mut cancel: Option<Vec<u8>>) -> Result<()> {
        let began = Instant::now();
        let mut step = first;
        let mut rest = Duration::ZERO;
        // What is of an earlier run is asked after once, however short patience is.
        let mut left = Duration::ZERO;
        loop {
            let (heard, wanted) = match step {
                Step::Over | Step::Later => return self.keep(kept),
                Step::Rest { milliseconds } => {
                    left = match self.left(kept, began) {
                        Some(left) => left,
                        None => return self.keep(kept),
                    };
                    self.watch.waiting(&waiting_for(kept));
                    tokio::time::sleep(Duration::from_millis(milliseconds).max(rest).min(left)).await;
                    step = pursuit.rested();
                    continue;
                }
                Step::Send => self.send(kept).await?,
                Step::Ask => self.ask(kept, left).await?,
                Step::Cancel => {
                    if cancel.is_none() {
                        cancel = self.own_cancel(kept);
                    }
                    match &cancel {
                        Some(cancel) => self.send_cancel(kept, cancel).await,
                        // It is turned away, and its time will be over.
                        None => return self.keep(kept),
                    }
                }
            };
            rest = wanted;
            step = pursuit.hears(&mut kept.state, step, heard);
            self.keep(kept)?;
        }
    }

    async fn send(&self, kept: &mut Kept) -> Result<(Heard, Duration)> {
        let intent = kept.read_intent()?;
        // [INT-18]
        let request = PaymentRequest { offer: &kept.offer, intent: &kept.intent, ..PaymentRequest::default() };
        let reply = self.issuer.pay(kept.id, &intent, &request).await;
        Ok(self.heard(kept, reply))
    }

    async fn ask(&self, kept: &mut Kept, left: Duration) -> Result<(Heard, Duration)> {
        let intent = kept.read_intent()?;
        let wait = if kept.state == Attempt::Waiting { left } else { Duration::ZERO };
        let reply = self.issuer.ask(kept.id, &intent, wait, self.asker).await;
        Ok(self.heard(kept, reply))
    }

    async fn send_cancel(&self, kept: &mut Kept, cancel: &[u8]) -> (Heard, Duration) {
        let (turned_away, why) = (kept.state == Attempt::TurnedAway, kept.reason.clone());
        let (heard, rest) = match self.issuer.settle(cancel.to_vec(), kept.id).await {
            Ok(decision) => self.heard(kept, Reply::Decided(Box::new(decision))),
            Err(error) => {
                // What is wrong with the intent is wrong with its cancel.
                let for_good =
                    error.class() == Class::Failed && !matches!(error.retry_class(), Retry::Same | Retry::Later);
                let nothing = note(kept, &error);
                (if for_good { Heard::NotDecided { again: false } } else { nothing }, Duration::ZERO)
            }
        };
        // Why it was turned away says more than that it was cancelled for it.
        let in_vain = !matches!(heard, Heard::Answer(outcome) if outcome != Outcome::Cancelled);
        if turned_away && in_vain {
            kept.reason = why.or(kept.reason.take());
        }
        (heard, rest)
    }

    /// The cancel of one who does not give up, where there is a key at hand that signs one.
    fn own_cancel(&self, kept: &Kept) -> Option<Vec<u8>> {
        cancel_paper(self.issuer, &kept.intent, self.asker?).ok()
    }

    /// What a reply says, and how long the one who answered wants to be left alone.
    fn heard(&self, kept: &mut Kept, reply: Reply) -> (Heard, Duration) {
        match reply {
            Reply::Decided(decision) => {
                kept.reason = decision.reason();
                kept.receipt = Some(decision.receipt.clone());
                (Heard::Answer(decision.outcome()), Duration::ZERO)
            }
            Reply::NotDecided(problem) => {
                let (again, rest) = (problem.is_worth_another_try(), problem.retry_after);
                note(kept, &problem.into_error(&self.issuer.url.origin()));
                (Heard::NotDecided { again }, rest.unwrap_or_default())
            }
            Reply::NotFound => {
                let lapsed = kept.read_offer().is_ok_and(|offer| is_lapsed(&offer, self.issuer.clock.now()));
                (Heard::NotFound { lapsed }, Duration::ZERO)
            }
            Reply::NoAnswer { error, retry_after } => (note(kept, &error), retry_after.unwrap_or_default()),
        }
    }

    /// What is left of patience; `None` when none is.
    fn left(&self, kept: &Kept, began: Instant) -> Option<Duration> {
        let whole = if kept.state == Attempt::Waiting { self.patience.person } else { self.patience.doubt };
        whole.checked_sub(began.elapsed()).filter(|left| !left.is_zero())
    }

    fn keep(&self, kept: &Kept) -> Result<()> {
        if let (Attempt::Known(_), Some(receipt)) = (kept.state, &kept.receipt) {
            self.home.keep_receipt(&kept.id, "receipt", receipt)?;
        }
        self.home.attempts().keep(kept)
    }
}

/// A command that an intent shall not be decided any more.
pub fn cancel_paper(issuer: &Issuer, intent: &[u8], signer: &dyn Signer) -> Result<Vec<u8>> {
    let cancel = Cancel {
        issuer: issuer.id.clone(),
        issued_at: issuer.clock.now(),
        nonce: nonce()?,
        intent: purser_protocol::field::Bytes(intent.to_vec()),
        offer: None,
    };
    issuer.signed(&cancel, signer).map(|signed| signed.bytes)
}

/// What the person must see to answer: where, by which code, until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Where.
    pub url: Option<String>,
    /// The short code to compare.
    pub user_code: Option<String>,
    /// The first second at which it is too late.
    pub answer_by_seconds: Option<u64>,
}

/// The code, the address and the deadline, as a person reads them.
impl fmt::Display for Approval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, url) = (self.user_code.as_deref().unwrap_or_default(), self.url.as_deref().unwrap_or_default());
        write!(f, "code {code} at {url}")?;
        let until = self.answer_by_seconds.and_then(UnixSeconds::new);
        until.map_or(Ok(()), |until| write!(f, ", until {until}"))
    }
}

impl Approval {
    /// What a receipt says that is pending.
    pub fn of(kept: &Kept) -> Option<Self> {
        let claims = Receipt::from_bytes(kept.receipt.as_deref()?).ok()?.read_claims().ok()?;
        (claims.outcome == Outcome::Pending).then(|| Self {
            url: claims.approval.map(|url| url.to_string()),
            user_code: claims.user_code.map(|code| code.to_string()),
            answer_by_seconds: claims.answer_by.map(|seconds| seconds.get()),
        })
    }
}

/// The intent that takes an offer.
pub(crate) fn intent_of(order: &Order<'_>, issuer: &Issuer, secret: &[u8; 32]) -> Intent {
    Intent {
        issuer: issuer.id.clone(),
        issued_at: issuer.clock.now().max(order.offer.issued_at), // [INT-20]
        mandate: order.mandate,
        offer: order.offer.id(),
        amount: order.offer.amount, // [INT-15]
        currency: order.offer.currency,
        secret_hash: secret_hash(secret),
        channel: order.channel,
        device: order.device,
        period: None,
        chains: order.chains.cloned(),
    }
}

fn note(kept: &mut Kept, error: &Error) -> Heard {
    kept.reason = Some(error.to_string());
    Heard::Nothing
}

fn waiting_for(kept: &Kept) -> String {
    match (kept.state, Approval::of(kept)) {
        (Attempt::Waiting, Some(approval)) => format!("waiting for the person: {approval}"),
        _ => format!("waiting for the issuer: {}", kept.reason.as_deref().unwrap_or("no answer yet")),
    }
}
