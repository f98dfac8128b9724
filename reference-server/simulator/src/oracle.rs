//! What must be true after every step, whatever the schedule: counted afresh from the signed claims on the disk and
//! from what the parties know that they asked for, and not from the ledger's own books. Beside it, the ledger's own
//! audit on a state that is replayed from the disk.

use std::collections::{HashMap, HashSet};

use purser_protocol::code::Code;
use purser_protocol::field::encoded;
use purser_protocol::flow::merchant::{VerifiedReceipt, verify_receipt};
use purser_protocol::id::{Digest, PaperId};
use purser_protocol::ledger::audit::audit;
use purser_protocol::ledger::event::Event;
use purser_protocol::ledger::{Ledger, Settings};
use purser_protocol::receipt::log::batch_leaf;
use purser_protocol::receipt::tree::{Frontier, Tree, leaf_hash};
use purser_protocol::receipt::{Outcome, Receipt};
use purser_server::store::{Answered, Batch, Entry};

use crate::disk::Platter;
use crate::issuer::{CONTEXT, Issuer, claims, seconds};
use crate::keys::{Certified, Pretend};

/// A sentence that should be true and is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding(pub String);

/// The outcome of a check.
pub type Checked = Result<(), Finding>;

fn wrong(what: impl Into<String>) -> Finding {
    Finding(what.into())
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Finding(what())) }
}

/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A payment, by its number here.
    Payment(usize),
    /// A command, by its id.
    Command(PaperId),
}

/// A mandate as its signer wrote it.
#[derive(Clone, Debug)]
pub struct MandateFacts {
    /// Whose money it is.
    pub account: usize,
    /// Which lineage.
    pub lineage: usize,
    /// The mandate above.
    pub parent: Option<usize>,
    /// Most in all, in minor units.
    pub total_minor: u64,
    /// Most payments.
    pub count: u64,
    /// Most for one payment.
    pub amount_max_minor: u64,
    /// Above this the person is asked.
    pub ask_above_minor: Option<u64>,
    /// The first second at which it is over.
    pub expires_at: u64,
}

/// A payment as its agent asked for it.
#[derive(Clone, Debug)]
pub struct PaymentFacts {
    /// Under which mandate.
    pub mandate: usize,
    /// Which offer.
    pub offer: PaperId,
    /// How much.
    pub amount_minor: u64,
    /// When the offer is over.
    pub offer_expires_at: u64,
    /// Whether it is captured by command.
    pub by_command: bool,
    /// Whether the person has said yes.
    pub confirmed: bool,
}

/// A command as its signer wrote it.
#[derive(Clone, Debug)]
pub enum CommandFacts {
    /// An account is opened.
    Enrol,
    /// Money comes in.
    Deposit(usize, u64),
    /// A mandate is registered, by its number.
    Register(usize),
    /// Mandates end.
    Revoke(Vec<usize>),
    /// Mandates rest.
    Suspend(usize),
    /// A suspension is lifted.
    Resume(usize, PaperId),
    /// Held money is taken: how much, and whether nothing more will be.
    Capture(usize, u64, bool),
    /// Held money is given up.
    Void(usize),
    /// Captured money is given back.
    Refund(usize, u64),
}

/// How a payment stands by its receipts.
#[derive(Clone, Debug, Default)]
struct Standing {
    outcome: Option<Outcome>,
    captured_minor: u64,
    refunded_minor: u64,
    /// What is still held.
    held_minor: u64,
    hold_until: u64,
}

/// Watches a run.
pub struct Oracle {
    /// Mandates, by their numbers.
    pub mandates: Vec<MandateFacts>,
    /// Payments, by their numbers.
    pub payments: Vec<PaymentFacts>,
    by_intent: HashMap<PaperId, usize>,
    commands: HashMap<PaperId, CommandFacts>,
    shadow: Ledger,
    seen: usize,
    log: Frontier,
    clock: u64,
    answered: HashSet<PaperId>,
    standings: Vec<Standing>,
    /// Money of each account.
    accounts: Vec<u64>,
    /// By lineage: what was spent, in how many payments.
    spent: HashMap<usize, (u64, u64)>,
    latest: HashMap<usize, usize>,
    registered: HashSet<usize>,
    revoked: HashSet<usize>,
    suspended: HashMap<usize, HashSet<PaperId>>,
    taken: HashMap<(usize, PaperId), usize>,
    said: HashMap<Subject, (bool, Vec<u8>)>,
    acknowledged: HashMap<PaperId, Vec<u8>>,
    served: HashMap<PaperId, usize>,
    /// How many payments were made after the answer to a revocation was on the disk: must stay 0.
    pub revocations: u64,
}

impl Oracle {
    /// One that has seen nothing.
    pub fn new(settings: Settings, accounts: usize) -> Self {
        Self {
            mandates: Vec::new(),
            payments: Vec::new(),
            by_intent: HashMap::new(),
            commands: HashMap::new(),
            shadow: Ledger::new(settings),
            seen: 0,
            log: Frontier::default(),
            clock: 0,
            answered: HashSet::new(),
            standings: Vec::new(),
            accounts: vec![0; accounts],
            spent: HashMap::new(),
            latest: HashMap::new(),
            registered: HashSet::new(),
            revoked: HashSet::new(),
            suspended: HashMap::new(),
            taken: HashMap::new(),
            said: HashMap::new(),
            acknowledged: HashMap::new(),
            served: HashMap::new(),
            revocations: 0,
        }
    }

    /// A payment is signed.
    pub fn signs(&mut self, intent: PaperId, facts: PaymentFacts) -> usize {
        let number = self.payments.len();
        self.payments.push(facts);
        self.standings.push(Standing::default());
        self.by_intent.insert(intent, number);
        number
    }

    /// A command is signed.
    pub fn commands(&mut self, id: PaperId, facts: CommandFacts) {
        self.commands.insert(id, facts);
    }

    /// Whether a mandate is on the disk.
    pub fn is_registered(&self, mandate: usize) -> bool {
        self.registered.contains(&mandate)
    }

    /// How many payments were made, by their receipts.
    pub fn made(&self) -> usize {
        self.standings.iter().filter(|standing| is_made(standing.outcome)).count()
    }

    /// How many receipts somebody got.
    pub fn acknowledged_count(&self) -> usize {
        self.acknowledged.len()
    }

    // --- Answers.

    /// An answer leaves the issuer. [`Subject`]s have one for ever, but for what waits.
    pub fn leaves(&mut self, subject: Subject, answered: &Answered) -> Checked {
        let said = claims(answered).ok_or_else(|| wrong("an answer that cannot be read"))?;
        let is_final = said.outcome != Outcome::Pending;
        let receipt = encoded(&answered.receipt);
        match self.said.get(&subject) {
            Some((true, before)) if *before != receipt => {
                Err(wrong(format!("two answers to {subject:?}: now {:?}", said.outcome)))
            }
            _ => {
                self.said.insert(subject, (is_final, receipt));
                Ok(())
            }
        }
    }

    /// The issuer says that it decided nothing, or knows nothing: then there must be nothing.
    pub fn denies(&self, payment: usize, code: Code) -> Checked {
        let is = self.standings[payment].outcome;
        let is_final = is.is_some_and(|outcome| outcome != Outcome::Pending);
        ensure(!is_final, || format!("payment {payment} is {is:?}, and who asks is told {code}"))
    }

    /// Somebody has a receipt.
    pub fn acknowledged(&mut self, receipt: PaperId, bytes: Vec<u8>) {
        self.acknowledged.insert(receipt, bytes);
    }

    /// A merchant serves what an offer is for.
    pub fn serves(&mut self, offer: PaperId, payment: Option<PaperId>) -> Checked {
        let payment = payment.and_then(|intent| self.by_intent.get(&intent).copied());
        let payment = payment.ok_or_else(|| wrong("a merchant serves for a payment that nobody signed"))?;
        ensure(self.served.insert(offer, payment).is_none(), || format!("offer {offer} is served twice"))
    }

    /// After a crash: what somebody has is still there.
    pub fn survived(&self, platter: &Platter) -> Checked {
        for (id, bytes) in &self.acknowledged {
            let kept = platter.receipt(id).map(|answered| encoded(&answered.receipt));
            ensure(kept.as_ref() == Some(bytes), || format!("receipt {id} was acknowledged and is lost or changed"))?;
        }
        ensure(self.seen <= platter.synced().len(), || "batches are gone that were there".into())
    }

    // --- The disk.

    /// After a step: everything on the disk, from where it was left.
    pub fn sees(&mut self, issuer: &Issuer) -> Checked {
        let batches: Vec<Batch> = issuer.disk.platter().synced().iter().skip(self.seen).cloned().collect();
        for batch in &batches {
            self.batch(batch, &issuer.certified)?;
            self.seen += 1;
        }
        if !batches.is_empty() {
            let findings = audit(self.shadow.state(), self.shadow.past());
            ensure(findings.is_empty(), || format!("the audit finds {findings:?}"))?;
        }
        let same = issuer.with_state(|state| *state == *self.shadow.state());
        let is_synced = issuer.disk.platter().is_synced();
        ensure(!is_synced || same != Some(false), || "memory is not what the disk says".into())
    }

    fn batch(&mut self, batch: &Batch, certified: &Certified) -> Checked {
        ensure(batch.number == self.log.size(), || format!("batch {} follows {}", batch.number, self.log.size()))?;
        let leaves: Vec<_> = batch.entries.iter().map(|entry| leaf_hash(&entry.claims)).collect();
        let tree = Tree::new(leaves);
        ensure(tree.root() == batch.tree_root, || "a batch whose tree is another's".into())?;
        self.log.push(batch_leaf(&batch.tree_root));
        for (index, entry) in batch.entries.iter().enumerate() {
            let receipt = Receipt {
                claims: entry.claims.clone(),
                index: index as u64,
                path: tree.path(index),
                root: batch.root.clone(),
            };
            let verified = verify_receipt(&encoded(&receipt), CONTEXT, &Pretend, certified);
            let verified = verified.map_err(|fault| wrong(format!("a receipt that does not verify: {fault}")))?;
            let root = &verified.root;
            let logged = root.log_size == self.log.size() && root.log_root == Digest(self.log.root());
            ensure(logged, || "a root signs another log than that of the roots".into())?;
            self.entry(entry, &verified, batch.decided_at_seconds)?;
        }
        Ok(())
    }

    fn entry(&mut self, entry: &Entry, receipt: &VerifiedReceipt, decided_at: u64) -> Checked {
        let event = Event::read_kept(&entry.event).map_err(|fault| wrong(format!("an event: {fault}")))?;
        let replayed = self.shadow.replay(&event, Some(entry.command), seconds(decided_at));
        replayed.map_err(|broken| wrong(broken.to_string()))?;
        let at = receipt.claims.decided_at.get();
        ensure(at >= self.clock, || format!("decided at {at}, after {}", self.clock))?;
        self.clock = at;
        let subject = receipt.claims.command.or(receipt.claims.intent);
        ensure(!entry.evidence.is_empty() || subject.is_some(), || "a decision that rests on nothing".into())?;
        match (receipt.claims.command, receipt.claims.intent.map(|intent| self.by_intent.get(&intent).copied())) {
            (Some(command), payment) => self.command(command, payment.flatten(), receipt),
            (None, Some(Some(payment))) => self.payment(payment, receipt),
            (None, Some(None)) => Err(wrong("a receipt for an intent that nobody signed")),
            (None, None) => Err(wrong("a receipt for nothing")),
        }
    }

    fn payment(&mut self, number: usize, receipt: &VerifiedReceipt) -> Checked {
        let (claims, facts) = (&receipt.claims, self.payments[number].clone());
        let before = self.standings[number].outcome;
        let at = claims.decided_at.get();
        if claims.outcome == Outcome::Voided {
            // Its time had come: nobody asked for it.
            let standing = &self.standings[number];
            let due = standing.held_minor > 0 && standing.hold_until <= at;
            ensure(due, || format!("the hold of payment {number} ends before its time"))?;
            return self.release(number);
        }
        let waits = matches!(before, None | Some(Outcome::Pending));
        ensure(waits, || format!("payment {number} was {before:?} and is decided again: {:?}", claims.outcome))?;
        ensure(before.is_none() || claims.outcome != Outcome::Pending, || {
            format!("payment {number} waits a second time")
        })?;
        self.standings[number].outcome = Some(claims.outcome);
        if is_made(Some(claims.outcome)) { self.makes(number, &facts, receipt) } else { Ok(()) }
    }

    fn makes(&mut self, number: usize, facts: &PaymentFacts, receipt: &VerifiedReceipt) -> Checked {
        let (claims, at) = (&receipt.claims, receipt.claims.decided_at.get());
        let amount = claims.amount.map(|amount| amount.minor());
        ensure(amount == Some(facts.amount_minor), || format!("payment {number} is of another amount"))?;
        ensure(claims.offer == Some(facts.offer), || format!("payment {number} is of another offer"))?;
        ensure(at < facts.offer_expires_at, || format!("payment {number} takes an offer that is over"))?;
        let settled = claims.outcome == Outcome::Settled;
        ensure(settled != facts.by_command, || format!("payment {number} is captured as its offer does not say"))?;
        let mut next = Some(facts.mandate);
        while let Some(mandate) = next {
            self.link(number, mandate, facts, at)?;
            next = self.mandates[mandate].parent;
        }
        let account = self.mandates[facts.mandate].account;
        let before = self.taken.insert((account, facts.offer), number);
        ensure(before.is_none(), || format!("offer {} is paid twice by one account", facts.offer))?;
        let money = self.accounts[account].checked_sub(facts.amount_minor);
        self.accounts[account] = money.ok_or_else(|| wrong(format!("account {account} pays what it does not have")))?;
        let standing = &mut self.standings[number];
        standing.hold_until = claims.hold_until.map_or(0, |until| until.get());
        if settled {
            standing.captured_minor = facts.amount_minor;
        } else {
            standing.held_minor = facts.amount_minor;
        }
        Ok(())
    }

    /// A payment against one mandate of its chain.
    fn link(&mut self, number: usize, mandate: usize, payment: &PaymentFacts, at: u64) -> Checked {
        let facts = self.mandates[mandate].clone();
        let told = |what: &str| format!("payment {number} is made under mandate {mandate}, which {what}");
        ensure(!self.revoked.contains(&facts.lineage), || told("was revoked"))?;
        let rests = self.suspended.get(&facts.lineage).is_some_and(|by| !by.is_empty());
        ensure(!rests, || told("is suspended"))?;
        ensure(self.latest.get(&facts.lineage) == Some(&mandate), || told("is not the latest of its lineage"))?;
        ensure(at < facts.expires_at, || told("is over"))?;
        ensure(payment.amount_minor <= facts.amount_max_minor, || told("allows less for one payment"))?;
        let asks = facts.ask_above_minor.is_some_and(|above| payment.amount_minor > above);
        ensure(!asks || payment.confirmed, || told("asks the person, who has not said yes"))?;
        let (sum, payments) = self.spent.entry(facts.lineage).or_default();
        *sum += payment.amount_minor;
        *payments += 1;
        let over = *sum > facts.total_minor || *payments > facts.count;
        ensure(!over, || told("allows less in all"))
    }

    fn command(&mut self, id: PaperId, payment: Option<usize>, receipt: &VerifiedReceipt) -> Checked {
        let outcome = receipt.claims.outcome;
        ensure(self.answered.insert(id), || format!("command {id} is decided twice: {outcome:?}"))?;
        let facts = self.commands.get(&id).cloned();
        let facts = facts.ok_or_else(|| wrong(format!("a receipt for command {id}, which nobody signed")))?;
        if outcome == Outcome::Refused {
            return Ok(());
        }
        let at = receipt.claims.decided_at.get();
        let amount = receipt.claims.amount.map_or(0, |amount| amount.minor());
        let same = |of: usize| ensure(payment == Some(of), || format!("command {id} is of another payment"));
        match facts {
            CommandFacts::Enrol => {}
            CommandFacts::Deposit(account, units) => self.accounts[account] += units,
            CommandFacts::Register(mandate) => {
                let lineage = self.mandates[mandate].lineage;
                ensure(!self.revoked.contains(&lineage), || "a mandate that was revoked is registered anew".into())?;
                self.latest.insert(lineage, mandate);
                self.registered.insert(mandate);
            }
            CommandFacts::Revoke(mandates) => {
                self.revocations += 1;
                self.revoked.extend(mandates.iter().map(|mandate| self.mandates[*mandate].lineage));
            }
            CommandFacts::Suspend(mandate) => {
                self.suspended.entry(self.mandates[mandate].lineage).or_default().insert(id);
            }
            CommandFacts::Resume(mandate, suspension) => {
                let by = self.suspended.entry(self.mandates[mandate].lineage).or_default();
                ensure(by.remove(&suspension), || "a suspension is lifted that does not stand".into())?;
            }
            CommandFacts::Capture(of, units, last) => {
                same(of)?;
                let standing = &mut self.standings[of];
                let fits = units == amount && units <= standing.held_minor && at < standing.hold_until;
                ensure(fits, || format!("capture of {amount} from payment {of}, which holds {standing:?}"))?;
                standing.held_minor -= units;
                standing.captured_minor += units;
                if last {
                    self.release(of)?;
                }
            }
            CommandFacts::Void(of) => {
                same(of)?;
                let standing = &self.standings[of];
                let fits = standing.held_minor > 0 && at < standing.hold_until;
                ensure(fits, || format!("payment {of} is given up, and holds {standing:?}"))?;
                self.release(of)?;
            }
            CommandFacts::Refund(of, units) => {
                same(of)?;
                let standing = &mut self.standings[of];
                standing.refunded_minor += units;
                let fits = standing.refunded_minor <= standing.captured_minor && units == amount;
                ensure(fits, || format!("payment {of} is given back {amount}: {standing:?}"))?;
                let account = self.mandates[self.payments[of].mandate].account;
                self.accounts[account] += units;
            }
        }
        Ok(())
    }

    /// What is still held goes back, to the account and to every limit.
    fn release(&mut self, number: usize) -> Checked {
        let rest = std::mem::take(&mut self.standings[number].held_minor);
        let mut next = Some(self.payments[number].mandate);
        self.accounts[self.mandates[self.payments[number].mandate].account] += rest;
        while let Some(mandate) = next {
            let facts = &self.mandates[mandate];
            let (sum, _) = self.spent.entry(facts.lineage).or_default();
            *sum = sum.checked_sub(rest).ok_or_else(|| wrong("more comes back than was spent"))?;
            next = facts.parent;
        }
        Ok(())
    }

    // --- The end.

    /// When all is quiet: what a payer believes of a payment is what the disk says of it.
    pub fn believes(&self, number: usize, believed: Option<Outcome>) -> Checked {
        let is = self.standings[number].outcome;
        let agrees = match believed {
            Some(outcome) => is == Some(outcome),
            // Dropped: nothing was made of it, and nothing will be.
            None => !is_made(is) && is != Some(Outcome::Pending),
        };
        ensure(agrees, || format!("payment {number} is {is:?}, and its payer believes {believed:?}"))
    }

    /// When all is quiet: whatever was served is paid for.
    pub fn is_paid_for(&self) -> Checked {
        for (offer, payment) in &self.served {
            let paid = is_made(self.standings[*payment].outcome);
            ensure(paid, || format!("offer {offer} was served and is not paid for"))?;
        }
        Ok(())
    }
}

fn is_made(outcome: Option<Outcome>) -> bool {
    matches!(outcome, Some(Outcome::Authorized | Outcome::Settled))
}
