//! The ledger: every decision, and the money.
//!
//! [`Ledger::step`] takes a command whose papers have verified and says what comes of it. It decides on the
//! state, purely; what it decided is an [`Event`], which alone changes the state. The state is the fold of its
//! events, so that a restart finds what was there.

pub mod apply;
pub mod audit;
mod batch;
pub mod books;
mod dispute;
pub mod event;
mod mandates;
mod metered;
pub mod past;
mod pay;
mod settle;
pub mod snapshot;
pub mod state;

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::cert::Party;
use crate::code::{Code, Public, Stage, Standing};
use crate::fault::{Fault, Part};
use crate::field::encoded;
use crate::id::{AccountId, Nonce, PaperId, PartyId, Pseudonym};
use crate::limits::{COMMAND_SECONDS_MAX, MANDATE_SECONDS_MAX};
use crate::money::{Amount, Currency};
use crate::paper::command::{
    Batch, Cancel, Capture, Deposit, Enrolment, Freeze, Payout, Refund, Resumption, Retirement, Revocation, Suspension,
    Thaw, Void,
};
use crate::paper::confirmation::Confirmation;
use crate::paper::dispute::{Dispute, DisputeAnswer, Ruling};
use crate::paper::intent::Intent;
use crate::paper::mandate::Mandate;
use crate::paper::offer::Offer;
use crate::receipt::tree::leaf_hash;
use crate::receipt::{Claims, CodeNumber, Detail, Outcome};
use crate::sign::Verified;
use crate::time::UnixSeconds;
use apply::Broken;
use event::{Deposited, Enrolled, Event};
use past::Beside;
use state::{Due, State};

/// What an issuer is, as far as its ledger must know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name.
    pub issuer: PartyId,
    /// Whether money is play money: only then are deposits taken.
    pub sandbox: bool,
    /// Where a person confirms; the short code is added to it.
    pub approval_base: String,
    /// How long the credential of an enrolled key lasts.
    pub credential_seconds: u64,
}

/// A command, its papers verified.
#[derive(Clone, Debug)]
pub enum Command {
    /// Open an account, which then gets this number, or add a key to one.
    Enrol(Verified<Enrolment>, AccountId),
    /// Put money into an account.
    Deposit(Verified<Deposit>),
    /// Register a mandate.
    Register(Box<Verified<Mandate>>),
    /// Pay.
    Pay(Box<PaymentOrder>),
    /// Say yes to a payment that waits.
    Confirm(Verified<Confirmation>),
    /// Do not decide an intent any more.
    Cancel(Box<CancelOrder>),
    /// Take held money.
    Capture(Verified<Capture>),
    /// Give held money up.
    Void(Verified<Void>),
    /// Give captured money back.
    Refund(Verified<Refund>),
    /// Take money out.
    Payout(Verified<Payout>),
    /// Claim money of a payment back.
    Dispute(Verified<Dispute>),
    /// Say something to a dispute.
    AnswerDispute(Verified<DisputeAnswer>),
    /// Decide a dispute.
    Rule(Verified<Ruling>),
    /// Let mandates rest.
    Suspend(Verified<Suspension>),
    /// Lift a suspension.
    Resume(Verified<Resumption>),
    /// End mandates.
    Revoke(Verified<Revocation>),
    /// Many papers at once.
    Batch(Box<BatchOrder>),
    /// Take a key from its account.
    Retire(Verified<Retirement>),
    /// Let nothing leave an account.
    Freeze(Verified<Freeze>),
    /// Let money leave it again.
    Thaw(Verified<Thaw>),
}

/// A batch and the papers that it signs.
#[derive(Clone, Debug)]
pub struct BatchOrder {
    /// The batch.
    pub batch: Verified<Batch>,
    /// Its parts, in their order.
    pub parts: Vec<BatchPart>,
}

/// A paper in a batch.
#[derive(Clone, Debug)]
pub enum BatchPart {
    /// A mandate to be registered.
    Mandate(Box<Verified<Mandate>>),
    /// Mandates that shall rest.
    Suspension(Verified<Suspension>),
    /// A suspension to be lifted.
    Resumption(Verified<Resumption>),
    /// Mandates that shall end.
    Revocation(Verified<Revocation>),
}

/// The papers of a payment.
#[derive(Clone, Debug)]
pub struct PaymentOrder {
    /// The intent.
    pub intent: Verified<Intent>,
    /// The merchant that signed the intent, when no agent did.
    pub held_by: Option<PartyId>,
    /// The offer.
    pub offer: Verified<Offer>,
    /// Who signed the offer.
    pub merchant: Arc<Party>,
    /// The person's yes, where it came along.
    pub confirmation: Option<Verified<Confirmation>>,
    /// The payer, as this merchant knows it.
    pub pseudonym: Pseudonym,
}

/// The papers of a cancellation.
#[derive(Clone, Debug)]
pub struct CancelOrder {
    /// The command.
    pub cancel: Verified<Cancel>,
    /// The intent that it encloses.
    pub intent: Verified<Intent>,
    /// The merchant that signed it, when no key did: the one whose offer the intent takes.
    pub merchant: Option<PartyId>,
    /// Whether its signer is of the payer's side, which is told why the intent was refused. [RCT-14]
    pub is_payers: bool,
}

/// What comes of a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It has its receipt already: the one of this paper. [AUT-1]
    Known(PaperId),
    /// Nothing was decided, and nothing is recorded.
    NotDecided(Fault),
    /// It is decided, and applied to the state.
    Decided(Box<Record>),
}

/// A decision, as it must be stored before it is answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The paper that the receipt answers; of an intent, its id. What came due by itself answers no paper, and
    /// stands under the id of its own receipt, so that it takes no answer's place.
    pub command: PaperId,
    /// What the receipt says.
    pub claims: Claims,
    /// What only the payer is told.
    pub detail: Option<Detail>,
    /// What happened.
    pub event: Event,
}

/// Decisions on a state.
#[derive(Clone, Debug)]
pub struct Ledger {
    settings: Settings,
    state: State,
    beside: Beside,
}

impl Ledger {
    /// A ledger in which nothing has happened. It remembers all that will.
    pub fn new(settings: Settings) -> Self {
        Self { settings, state: State::default(), beside: Beside::whole() }
    }

    /// A ledger that goes on from a state, and must be told of the past: [`Self::needs`].
    pub fn from_state(settings: Settings, state: State) -> Self {
        Self { settings, state, beside: Beside::default() }
    }

    /// What it remembers.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Applies an event of the past.
    pub fn replay(&mut self, event: &Event, command: Option<PaperId>, at: UnixSeconds) -> Result<(), Broken> {
        let carried = match event {
            Event::Refunded(refunded) => refunded.late.0.as_ref(),
            Event::Disputed(disputed) => Some(&disputed.late),
            _ => None,
        };
        if carried.is_some_and(|late| !self.beside.agrees(&self.state, late)) {
            return Err(Broken("an event carries another payment than was made"));
        }
        let finished = self.state.apply(event, at)?;
        self.beside.learn(command, finished);
        Ok(())
    }

    /// The time at which the next decision is made: the clock, but never before the last one. [AUT-4]
    pub fn time(&self, clock: UnixSeconds) -> UnixSeconds {
        self.state.clock.map_or(clock, |last| last.max(clock))
    }

    /// Decides a command and applies what was decided. `salt` must be fresh random bytes, and told to nobody:
    /// what hides the claims and what hides their detail are both drawn from it.
    ///
    /// What [`Self::needs`] must have been supplied: a paper that nobody looked up would be decided twice. The error means that nothing more may be decided or answered.
    pub fn step(&mut self, command: &Command, clock: UnixSeconds, salt: Nonce) -> Result<Answer, Broken> {
        let now = self.time(clock);
        if !self.needs(command, clock).is_empty() {
            return Err(Broken("what was decided before was not looked up"));
        }
        let draft = match self.decide(command, now, salt) {
            Ok(Draft::Known(paper)) => return Ok(Answer::Known(paper)),
            Ok(Draft::Decided(draft)) => draft,
            Err(fault) => return Ok(Answer::NotDecided(fault)),
        };
        self.record(draft.salted(), now).map(|record| Answer::Decided(Box::new(record)))
    }

    /// What has come due, decided and applied: holds that end, payments that nobody confirmed, envelopes.
    ///
    /// At most so many at once, since a batch is of bounded size: where as many came, there may be more.
    pub fn expire(
        &mut self,
        clock: UnixSeconds,
        most: usize,
        mut salt: impl FnMut() -> Nonce,
    ) -> Result<Vec<Record>, Broken> {
        let now = self.time(clock);
        let mut records = Vec::new();
        let due = |state: &State| state.due.first().copied().filter(|(at, _)| *at <= now);
        while let Some((_, due)) = due(&self.state).filter(|_| records.len() < most) {
            let draft = match due {
                Due::Hold(intent) => self.hold_ends(intent, now, salt()).map(Record::named_by_itself),
                Due::Answer(intent) => self.answer_lapses(intent, now, salt()).map(Record::salted),
                Due::Dispute(intent) => self.dispute_ends(intent, now, salt()).map(Record::named_by_itself),
                Due::Envelope(mandate) => Some(Draft::envelope_closes(mandate, now, salt()).named_by_itself()),
            };
            match draft {
                Some(draft) => records.push(self.record(draft, now)?),
                None => return Err(Broken("what comes due does not stand")),
            }
        }
        Ok(records)
    }

    fn record(&mut self, draft: Record, now: UnixSeconds) -> Result<Record, Broken> {
        let finished = self.state.apply(&draft.event, now)?; // [AUT-63]
        self.beside.learn(Some(draft.command), finished);
        Ok(draft)
    }

    fn decide(&self, command: &Command, now: UnixSeconds, salt: Nonce) -> Result<Draft, Fault> {
        match command {
            Command::Pay(order) => self.pay(order, now, salt),
            Command::Confirm(confirmation) => self.confirm(confirmation, now, salt),
            Command::Cancel(order) => self.cancel(order, now, salt),
            Command::Register(mandate) => self.register(mandate, now, salt),
            Command::Enrol(paper, account) => self.once(paper.id(), |desk| desk.enrol(paper, *account, now, salt)),
            Command::Deposit(paper) => self.once(paper.id(), |desk| desk.deposit(paper, now, salt)),
            Command::Capture(paper) => self.once(paper.id(), |desk| desk.capture(paper, now, salt)),
            Command::Void(paper) => self.once(paper.id(), |desk| desk.void(paper, now, salt)),
            Command::Refund(paper) => self.once(paper.id(), |desk| desk.refund(paper, now, salt)),
            Command::Payout(paper) => self.once(paper.id(), |desk| desk.payout(paper, now, salt)),
            Command::Dispute(paper) => self.once(paper.id(), |desk| desk.dispute(paper, now, salt)),
            Command::AnswerDispute(paper) => self.once(paper.id(), |desk| desk.answer_dispute(paper, now, salt)),
            Command::Rule(paper) => self.once(paper.id(), |desk| desk.rule(paper, now, salt)),
            Command::Suspend(paper) => self.once(paper.id(), |desk| desk.suspend(paper, now, salt)),
            Command::Resume(paper) => self.once(paper.id(), |desk| desk.resume(paper, now, salt)),
            Command::Revoke(paper) => self.once(paper.id(), |desk| desk.revoke(paper, now, salt)),
            Command::Batch(order) => self.batch(order, now, salt),
            Command::Retire(paper) => self.once(paper.id(), |desk| desk.retire(paper, now, salt)),
            Command::Freeze(paper) => self.once(paper.id(), |desk| desk.freeze(paper, now, salt)),
            Command::Thaw(paper) => self.once(paper.id(), |desk| desk.thaw(paper, now, salt)),
        }
    }

    /// A command that has its receipt gets that one, before any check. [CMD-1]
    fn once(&self, id: PaperId, decide: impl FnOnce(&Self) -> Result<Record, Fault>) -> Result<Draft, Fault> {
        if let Some(answer) = self.answer_to(&id) {
            return Ok(Draft::Known(answer));
        }
        decide(self).map(|record| Draft::Decided(Box::new(record)))
    }

    fn enrol(
        &self,
        paper: &Verified<Enrolment>,
        fresh: AccountId,
        now: UnixSeconds,
        salt: Nonce,
    ) -> Result<Record, Fault> {
        self.command_in_time(&paper.issuer, paper.issued_at, now)?;
        paper.account.map_or(Ok(()), |account| self.is_still_of(account, &paper.key()))?; // [SIG-25]
        let account = paper.account.unwrap_or(fresh);
        if paper.account.is_none() && self.state.accounts.contains_key(&fresh) {
            return Err(Fault::new(Code::Internal)); // [SIG-27]
        }
        if paper.account.is_some() && self.is_frozen(account) {
            return Ok(Record::command_refused(paper.id(), Code::AccountFrozen, now, salt)); // [WAL-41]
        }
        if self.is_taken(&paper.key.0, account) {
            return Ok(Record::command_refused(paper.id(), Code::KeyTaken, now, salt)); // [SIG-28]
        }
        let seconds = self.settings.credential_seconds.min(MANDATE_SECONDS_MAX); // [AUT-28]
        let expires_at = now.saturating_add(seconds);
        let event = Event::Enrolled(Enrolled { account, key: paper.key.0, expires_at });
        Ok(Record::done(paper.id(), event, now, salt))
    }

    /// Whether a key is, or was, another account's.
    pub(super) fn is_taken(&self, key: &crate::sign::PublicKey, account: AccountId) -> bool {
        self.state.owners.get(&key.id()).is_some_and(|owner| *owner != account)
    }

    pub(super) fn is_frozen(&self, account: AccountId) -> bool {
        self.state.accounts.get(&account).is_some_and(|account| account.frozen)
    }

    fn deposit(&self, paper: &Verified<Deposit>, now: UnixSeconds, salt: Nonce) -> Result<Record, Fault> {
        self.command_in_time(&paper.issuer, paper.issued_at, now)?;
        if !self.settings.sandbox {
            return Err(Fault::new(Code::NotSandbox)); // [CMD-13]
        }
        self.is_still_of(paper.account, &paper.key())?;
        let purse = books::Purse::Account(paper.account);
        let sums = [self.state.books.balance(&purse, paper.currency), self.state.books.given(paper.currency)];
        if sums.iter().any(|sum| sum + paper.amount.minor() > crate::limits::AMOUNT_MAX) {
            return Ok(Record::command_refused(paper.id(), Code::AmountOverflow, now, salt)); // [CMD-14]
        }
        let event =
            Event::Deposited(Deposited { account: paper.account, amount: paper.amount, currency: paper.currency });
        Ok(Record::done(paper.id(), event, now, salt).with_amount(paper.amount, paper.currency))
    }

    /// A command is for this issuer, and was made in the time in which it is taken. [AUT-30] [CMD-2]
    ///
    /// One that is not may be put right by its sender, so that it is not recorded. [CMD-27]
    fn command_in_time(&self, issuer: &PartyId, made_at: UnixSeconds, now: UnixSeconds) -> Result<(), Fault> {
        let old = now.since(made_at).unwrap_or_default() > COMMAND_SECONDS_MAX;
        if old || made_at.is_future(now) {
            return Err(Fault::new(Code::CommandStale).within(Part::Command));
        }
        if *issuer != self.settings.issuer {
            return Err(Fault::new(Code::AudienceMismatch).within(Part::Command));
        }
        Ok(())
    }
}

/// What a decision comes to, before it is applied.
enum Draft {
    Known(PaperId),
    Decided(Box<Record>),
}

impl Draft {
    fn envelope_closes(mandate: PaperId, now: UnixSeconds, salt: Nonce) -> Record {
        Record::done(mandate, Event::EnvelopeClosed(mandate), now, salt)
    }
}

impl Record {
    /// A command that moves no payment is done.
    fn done(command: PaperId, event: Event, now: UnixSeconds, salt: Nonce) -> Self {
        let claims = Claims { command: Some(command), ..Claims::new(Outcome::Recorded, now, salt) };
        Self { command, claims, detail: None, event }
    }

    /// A command other than a payment is refused, and changes nothing.
    fn command_refused(command: PaperId, code: Code, now: UnixSeconds, salt: Nonce) -> Self {
        let event = Event::CommandRefused(code.into());
        Self { command, claims: Claims::new(Outcome::Refused, now, salt), detail: None, event }
            .about(command)
            .refused(code, None)
    }

    fn about(mut self, command: PaperId) -> Self {
        self.claims.command = Some(command);
        self
    }

    fn with_amount(mut self, amount: Amount, currency: Currency) -> Self {
        self.claims.amount = Some(amount);
        self.claims.currency = Some(currency);
        self
    }

    /// Says why not: to the merchant what it may know, to the payer all. [RCT-8]
    fn refused(mut self, code: Code, place: Option<crate::authorize::Place>) -> Self {
        let told = if code.public() == Public::Same { code } else { Code::Declined };
        // [RCT-12]
        let detail = Detail {
            link: place.map(|place| u64::from(place.link)),
            grant: place.and_then(|place| place.grant).map(u64::from),
            rule: place.and_then(|place| place.rule).and_then(|rule| u64::try_from(rule.number).ok()),
            code: CodeNumber::from(code),
            salt: self.claims.salt,
        };
        self.claims.code = Some(told.into());
        self.detail = Some(detail);
        self
    }

    /// Draws two salts from the one that was given: a detail whose salt stood in the claims would be found by
    /// whoever tries the few details that there can be. [RCT-6]
    fn salted(mut self) -> Self {
        let given = self.claims.salt;
        self.claims.salt = drawn(given, b"claims");
        if let Some(detail) = &mut self.detail {
            detail.salt = drawn(given, b"detail");
            self.claims.detail = Some(detail.digest()); // [RCT-13]
        }
        self
    }

    /// The answer to a paper stays what it was when something comes due later. [AUT-1] [CMD-1]
    fn named_by_itself(self) -> Self {
        let salted = self.salted();
        Self { command: PaperId(leaf_hash(&encoded(&salted.claims))), ..salted }
    }
}

/// Sixteen bytes that tell nothing of what they are drawn from.
fn drawn(from: Nonce, what: &[u8]) -> Nonce {
    let hash: [u8; 32] = Sha256::new().chain_update(what).chain_update(from.0).finalize().into();
    let mut drawn = [0; 16];
    drawn.copy_from_slice(&hash[..16]);
    Nonce(drawn)
}

/// A fault that is decided and recorded, by the registry.
fn is_decided(fault: &Fault) -> bool {
    fault.stage >= Stage::Time && fault.code.standing() == Standing::Refused
}
