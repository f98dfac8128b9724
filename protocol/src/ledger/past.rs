//! What the state does not hold any more: which papers have their answer, and payments that hold nothing.
//!
//! A dedup that ended would pay twice, so that this never ends; but it need not be in memory. A ledger that began with
//! nothing remembers all of it. One that goes on from a state does not: [`Ledger::needs`] says what it must be told
//! before it decides a command, whoever has the store tells it with [`Ledger::supply`], and when the batch is on the
//! disk, [`Ledger::forget`] gives it all back.

use std::collections::{HashMap, HashSet};

use super::apply::{Broken, Finished, rules_of};
use super::event::{Claimed, Event, Late, Paid};
use super::mandates::Funds;
use super::state::{Hold, LineageKey, Made, Payment, State};
use super::{BatchPart, Command, Ledger};
use crate::authorize::counter::Counted;
use crate::id::PaperId;
use crate::paper::mandate::Mandate;
use crate::sign::Verified;
use crate::time::UnixSeconds;

/// Papers that have their answer, and payments that hold nothing any more.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// Papers that have a receipt, intents among them.
    pub commands: HashSet<PaperId>,
    /// Payments that were refused, cancelled, or hold nothing any more.
    pub payments: HashMap<PaperId, Payment>, // [AUT-12]
}

/// What must be known of the past before a command is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// Whether this paper has a receipt.
    Command(PaperId),
    /// What has become of this intent.
    Payment(PaperId),
    /// What was paid under a lineage since then: a counter begins that was not counted before. [MAN-25]
    History(LineageKey, UnixSeconds),
}

/// What the store says.
#[derive(Clone, Debug)]
pub enum Found {
    /// Whether this paper has a receipt.
    Command(PaperId, bool),
    /// What happened to a payment, in order; nothing, where there is none.
    Payment(PaperId, Told),
    /// What happened to the payments of a lineage's account that were decided at the time given or later.
    History(LineageKey, UnixSeconds, Vec<(PaperId, Told)>),
}

/// Events and when they were decided.
pub type Told = Vec<(Event, UnixSeconds)>;

/// What a ledger knows beside its state.
#[derive(Clone, Debug, Default)]
pub(super) struct Beside {
    pub(super) past: Past,
    /// Whether it is all that there is, because nothing was ever forgotten.
    whole: bool,
    /// What was asked for and is not there.
    absent: HashSet<PaperId>,
    histories: HashMap<LineageKey, History>,
}

/// What was paid under a lineage since a time.
#[derive(Clone, Debug)]
struct History {
    since: UnixSeconds,
    payments: Vec<(PaperId, Payment)>,
}

impl Beside {
    pub(super) fn whole() -> Self {
        Self { whole: true, ..Self::default() }
    }

    /// Whether the payment that an event carries is the one that is known, where one is.
    pub(super) fn agrees(&self, state: &State, late: &Late) -> bool {
        let Some(known) = self.past.payments.get(&late.paid.intent) else { return true };
        let envelope = state.envelope_of(late.paid.links.first().map(|root| &root.mandate));
        let carried = Made::of_late(late, envelope).map(|made| Payment::Made(Box::new(made)));
        carried.as_ref() == Some(known)
    }

    /// Something was decided.
    pub(super) fn learn(&mut self, command: Option<PaperId>, finished: Option<Finished>) {
        self.past.commands.extend(command);
        self.past.payments.extend(finished);
    }
}

impl Ledger {
    /// What it knows of the past: all of it, as long as nothing was forgotten.
    pub fn past(&self) -> &Past {
        &self.beside.past
    }

    /// A payment, as far as it is known here.
    pub fn payment(&self, intent: &PaperId) -> Option<&Payment> {
        self.state.payments.get(intent).or_else(|| self.beside.past.payments.get(intent))
    }

    /// What must be supplied before this command is decided. Each is asked for once between two calls of
    /// [`Self::forget`]; what was decided meanwhile is known.
    pub fn needs(&self, command: &Command, clock: UnixSeconds) -> Vec<Need> {
        let mut needs = Vec::new();
        if self.beside.whole {
            return needs;
        }
        let (paper, intent) = match command {
            Command::Pay(order) => (None, Some(order.intent.id())),
            Command::Confirm(confirmation) => (None, Some(confirmation.intent)),
            Command::Cancel(order) => (None, Some(order.intent.id())),
            Command::Register(mandate) => {
                let id = mandate.id();
                needs.extend(self.history_for(mandate, Funds::OfTheAccount, clock));
                ((!self.state.mandates.contains_key(&id)).then_some(id), None)
            }
            Command::Enrol(paper, _) => (Some(paper.id()), None),
            Command::Deposit(paper) => (Some(paper.id()), None),
            Command::Capture(paper) => (Some(paper.id()), Some(paper.intent)),
            Command::Void(paper) => (Some(paper.id()), Some(paper.intent)),
            Command::Refund(paper) => (Some(paper.id()), Some(paper.intent)),
            Command::Payout(paper) => (Some(paper.id()), None),
            Command::Dispute(paper) => (Some(paper.id()), Some(paper.intent)),
            Command::AnswerDispute(paper) => (Some(paper.id()), Some(paper.intent)),
            Command::Rule(paper) => (Some(paper.id()), Some(paper.intent)),
            Command::Suspend(paper) => (Some(paper.id()), None),
            Command::Resume(paper) => (Some(paper.id()), None),
            Command::Revoke(paper) => (Some(paper.id()), None),
            Command::Retire(paper) => (Some(paper.id()), None),
            Command::Freeze(paper) => (Some(paper.id()), None),
            Command::Thaw(paper) => (Some(paper.id()), None),
            Command::Batch(order) => {
                for part in &order.parts {
                    let id = part.id();
                    let is_known = self.state.batches.contains_key(&id) || self.state.mandates.contains_key(&id);
                    needs.extend((!is_known && !self.is_settled(&id)).then_some(Need::Command(id)));
                    if let BatchPart::Mandate(mandate) = part {
                        needs.extend(self.history_for(mandate, Funds::OfTheBatch, clock));
                    }
                }
                (Some(order.batch.id()), None)
            }
        };
        let asked = |id: &PaperId| self.beside.absent.contains(id);
        needs.extend(paper.filter(|id| !self.beside.past.commands.contains(id) && !asked(id)).map(Need::Command));
        needs.extend(intent.filter(|id| self.payment(id).is_none() && !asked(id)).map(Need::Payment));
        needs
    }

    /// Whether it is known of a paper whether it has a receipt.
    fn is_settled(&self, paper: &PaperId) -> bool {
        self.beside.past.commands.contains(paper) || self.beside.absent.contains(paper)
    }

    /// Takes what the store says. The error means that the store and the state are not of one history.
    pub fn supply(&mut self, found: Found) -> Result<(), Broken> {
        match found {
            Found::Command(paper, true) => {
                self.beside.past.commands.insert(paper);
            }
            Found::Command(paper, false) => {
                self.beside.absent.insert(paper);
            }
            Found::Payment(intent, told) => match folded(&self.state, &told)? {
                None => {
                    self.beside.absent.insert(intent);
                }
                // What waits or holds something is in the state.
                Some(payment) if is_open(&payment) => return Err(Broken("an open payment is not in the state")),
                Some(payment) => {
                    self.beside.past.payments.entry(intent).or_insert(payment);
                }
            },
            Found::History(key, since, payments) => {
                // One that reaches further back is not forgotten for a shorter one.
                if self.beside.histories.get(&key).is_some_and(|known| known.since <= since) {
                    return Ok(());
                }
                let folded = payments.into_iter().map(|(intent, told)| Ok((intent, folded(&self.state, &told)?)));
                let folded = folded.collect::<Result<Vec<_>, Broken>>()?;
                let known = folded.into_iter().filter_map(|(intent, payment)| Some((intent, payment?)));
                self.beside.histories.insert(key, History { since, payments: known.collect() });
            }
        }
        Ok(())
    }

    /// Gives back what is known of the past, once the store has it all.
    pub fn forget(&mut self) -> Past {
        std::mem::take(&mut self.beside).past
    }

    /// Only what will be registered is worth a look at what was paid: anybody may send papers that will not.
    fn history_for(&self, mandate: &Verified<Mandate>, funds: Funds, clock: UnixSeconds) -> Option<Need> {
        let (key, now) = ((mandate.account, mandate.lineage), self.time(clock));
        if !self.will_register(mandate, funds, now) {
            return None;
        }
        let since = self.begins(mandate, now)?;
        let reaches = |known: &History| known.since <= since;
        (!self.beside.histories.get(&key).is_some_and(reaches)).then_some(Need::History(key, since))
    }

    /// Since when payments count in the counters that this version of its lineage begins; nothing, where it begins
    /// none that any payment could be in.
    fn begins(&self, mandate: &Mandate, now: UnixSeconds) -> Option<UnixSeconds> {
        let lineage = self.state.lineages.get(&(mandate.account, mandate.lineage))?;
        let missing = lineage.counters.missing(rules_of(mandate));
        let since = missing.iter().map(|(_, period)| period.bounds(now).start).min()?;
        Some(UnixSeconds::new(since).unwrap_or(UnixSeconds::MIN))
    }

    /// The counters that this version begins, with what was paid before it. [MAN-25]
    pub(super) fn begun(&self, mandate: &Mandate, now: UnixSeconds) -> Vec<Counted> {
        let key = (mandate.account, mandate.lineage);
        let Some((since, lineage)) = self.begins(mandate, now).zip(self.state.lineages.get(&key)) else {
            return Vec::new();
        };
        let missing = lineage.counters.missing(rules_of(mandate));
        // What was decided in this batch is newer than what the store said of it.
        let mut payments: HashMap<&PaperId, &Payment> = HashMap::new();
        let said = self.beside.histories.get(&key).map(|history| history.payments.as_slice()).unwrap_or_default();
        payments.extend(said.iter().map(|(intent, payment)| (intent, payment)));
        payments.extend(&self.beside.past.payments);
        payments.extend(&self.state.payments);
        let made = payments.into_values().filter_map(|payment| match payment {
            Payment::Made(made) if made.decided_at >= since => Some(&**made),
            _ => None,
        });
        let counted = self.state.counted(mandate, made);
        let wanted = |scope, period: Option<&_>| {
            period.is_some_and(|period| missing.iter().any(|(of, known)| *of == scope && known == period))
        };
        counted.rows(wanted)
    }
}

/// A payment out of what happened to it, in order; nothing, out of nothing.
pub fn folded(state: &State, told: &[(Event, UnixSeconds)]) -> Result<Option<Payment>, Broken> {
    let mut payment = None;
    for (event, at) in told {
        payment = match (payment, event) {
            (None, Event::Asked(asked)) => Some(Payment::Pending(asked.clone())),
            (None | Some(Payment::Pending(_)), Event::Paid(paid)) => Some(made(state, paid, *at)),
            // What a session is paid by is known while it holds something, and then it is in the state.
            (None | Some(Payment::Pending(_)), Event::MeteredPaid(metered)) => Some(made(state, &metered.paid, *at)),
            (None | Some(Payment::Pending(_)), Event::Refused(closed) | Event::Cancelled(closed)) => {
                Some(Payment::Closed { account: closed.account, mandate: closed.mandate })
            }
            (Some(Payment::Made(made)), event) => Some(Payment::Made(Box::new(after(*made, event)?))),
            _ => return Err(Broken("what is told of a payment does not follow")),
        };
    }
    Ok(payment)
}

fn made(state: &State, paid: &Paid, at: UnixSeconds) -> Payment {
    let envelope = state.envelope_of(paid.links.first().map(|root| &root.mandate));
    Payment::Made(Box::new(Made::new(paid, envelope, at)))
}

fn after(mut made: Made, event: &Event) -> Result<Made, Broken> {
    match event {
        Event::Captured(captured) | Event::Claimed(Claimed { captured, .. }) => {
            made.captured_minor += captured.amount.minor();
            made.hold = if captured.last == 1 { Hold::Captured } else { made.hold };
        }
        Event::Voided(_) => made.hold = Hold::Voided,
        Event::HoldExpired(_) => made.hold = Hold::Expired,
        Event::Refunded(refunded) => made.refunded_minor += refunded.amount.minor(),
        Event::Disputed(_) | Event::DisputeAnswered(_) => {}
        Event::Ruled(ruled) => made.refunded_minor += ruled.given_minor,
        _ => return Err(Broken("what is told of a payment does not follow")),
    }
    Ok(made)
}

fn is_open(payment: &Payment) -> bool {
    match payment {
        Payment::Pending(_) => true,
        Payment::Closed { .. } => false,
        Payment::Made(made) => made.hold == Hold::Open,
    }
}
