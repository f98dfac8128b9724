//! Wallets: they open accounts, give mandates, take them away, and answer for the person.

use purser_protocol::field::True;
use purser_protocol::flow::issuer::Resource;
use purser_protocol::id::{AccountId, LineageId, PaperId};
use purser_protocol::paper::mandate::Mandate;
use purser_protocol::receipt::Outcome;

use super::{Event, Owner, START, Town, is_definite, is_worth_another_try};
use crate::chance::Chance;
use crate::disk::Fate;
use crate::issuer::{Ask, Said, claims};
use crate::keys::Key;
use crate::oracle::{Checked, CommandFacts, Finding, MandateFacts, Subject};
use crate::papers::{Sealed, sealed};

/// A person with an account.
pub(super) struct Person {
    key: Key,
    account: AccountId,
    /// Suspensions that were answered, by mandate.
    suspensions: Vec<(usize, PaperId)>,
}

impl Person {
    pub(super) fn new(number: usize, chance: &mut Chance) -> Self {
        Self {
            key: Key::named(&format!("person {number}")),
            account: AccountId(chance.bytes()),
            suspensions: Vec::new(),
        }
    }
}

/// A mandate, and who holds it.
pub(super) struct MandateHeld {
    pub(super) id: PaperId,
    pub(super) agent: Key,
    paper: Mandate,
    signer: Key,
    /// Mandates that go with each payment.
    pub(super) sent_along: Vec<Vec<u8>>,
}

/// A command that is sent until it is answered.
pub(super) struct Errand {
    resource: Resource,
    paper: Sealed,
    pub(super) done: bool,
    /// The payment that its answer is of, where it is not its own.
    payment: Option<usize>,
    tries: u32,
}

impl Errand {
    pub(super) fn of(resource: Resource, paper: Sealed) -> Self {
        Self { resource, paper, done: false, payment: None, tries: 0 }
    }
}

impl Town {
    /// Accounts, money and mandates, before anything goes wrong.
    pub(super) fn set_up(&mut self) -> Checked {
        for person in 0..self.people.len() {
            let (key, account) = (self.people[person].key, self.people[person].account);
            let enrolment = sealed(&self.desk(0).enrolment(&key), &key);
            self.oracle.commands(enrolment.id, CommandFacts::Enrol);
            self.settles(Resource::Accounts, &enrolment, account)?;
            let units = self.chance.within(200, 4_000);
            self.deposits(person, units)?;
            for number in 0..self.chance.within(1, 3) {
                self.gives_mandate(person, &format!("agent {person} {number}"))?;
            }
        }
        Ok(())
    }

    fn deposits(&mut self, person: usize, units: u64) -> Checked {
        let (key, account) = (self.people[person].key, self.people[person].account);
        let deposit = sealed(&self.desk(0).deposit(account, units), &key);
        self.oracle.commands(deposit.id, CommandFacts::Deposit(person, units));
        self.settles(Resource::Commands, &deposit, account)
    }

    /// A mandate of the person's, and now and then one below it.
    fn gives_mandate(&mut self, person: usize, agent: &str) -> Checked {
        let (key, agent) = (self.people[person].key, Key::named(agent));
        let facts = self.limits(person, None);
        let lineage = LineageId(self.chance.bytes());
        let paper = self.desk(0).mandate(self.people[person].account, &agent, lineage, &facts);
        let number = self.holds(facts, paper, agent, key);
        let registered = sealed(&self.mandates[number].paper, &key);
        let account = self.people[person].account;
        self.settles(Resource::Mandates, &registered, account)?;
        if self.chance.one_in(2) {
            let below = Key::named(&format!("sub-agent {number}"));
            let facts = self.limits(person, Some(number));
            let lineage = LineageId(self.chance.bytes());
            let mut paper = self.desk(0).mandate(account, &below, lineage, &facts);
            paper.parent = Some(self.mandates[number].id);
            paper.expires_at = paper.expires_at.min(self.mandates[number].paper.expires_at);
            let child = self.holds(facts, paper, below, agent);
            let registered = sealed(&self.mandates[child].paper, &agent);
            self.settles(Resource::Mandates, &registered, account)?;
            // It comes along with each payment all the same.
            if self.chance.one_in(2) {
                self.mandates[child].sent_along = vec![registered.bytes];
            }
        }
        Ok(())
    }

    fn limits(&mut self, person: usize, parent: Option<usize>) -> MandateFacts {
        let total_minor = self.chance.within(80, 900);
        MandateFacts {
            account: person,
            lineage: self.mandates.len(),
            parent,
            total_minor,
            count: self.chance.within(3, 30),
            amount_max_minor: self.chance.within(60, 150),
            ask_above_minor: self.chance.one_in(3).then(|| self.chance.within(20, 90)),
            expires_at: START + self.chance.within(150, 2_000),
        }
    }

    /// Signs a mandate and remembers it; its number.
    fn holds(&mut self, mut facts: MandateFacts, paper: Mandate, agent: Key, signer: Key) -> usize {
        facts.expires_at = paper.expires_at.get();
        let id = sealed(&paper, &signer).id;
        let number = self.oracle.mandates.len();
        self.oracle.mandates.push(facts);
        self.oracle.commands(id, CommandFacts::Register(number));
        self.mandates.push(MandateHeld { id, agent, paper, signer, sent_along: Vec::new() });
        number
    }

    /// Sends a command over a network that loses nothing, and waits.
    fn settles(&mut self, resource: Resource, paper: &Sealed, fresh: AccountId) -> Checked {
        let ask = Ask::Post(resource, paper.bytes.clone());
        let failed = |said: &Said| Finding(format!("nobody could be set up: {said:?}"));
        let mut said = self.issuer.take(0, &ask, fresh);
        if said.is_none() {
            let (_, spoken) = self.issuer.step(1, Fate::Kept);
            said = spoken.into_iter().next().map(|(_, said)| said);
        }
        let said = said.unwrap_or(Said::Failed);
        let Said::Answer(answered) = &said else { return Err(failed(&said)) };
        if claims(answered).is_none_or(|claims| claims.outcome != Outcome::Recorded) {
            return Err(failed(&said));
        }
        self.oracle.leaves(Subject::Command(paper.id), answered)?;
        self.keeps(answered);
        self.oracle.sees(&self.issuer)
    }

    /// Something that a person does.
    pub(super) fn wallet_acts(&mut self) -> Checked {
        let mandate = self.chance.index(self.mandates.len());
        let person = self.oracle.mandates[mandate].account;
        let (key, account) = (self.people[person].key, self.people[person].account);
        let desk = self.desk(person);
        match self.chance.below(8) {
            0 | 1 => {
                let paper = sealed(&desk.revocation(account, vec![self.mandates[mandate].id]), &key);
                self.sends(Resource::Commands, paper, CommandFacts::Revoke(vec![mandate]))
            }
            2 | 3 => {
                let paper = sealed(&desk.suspension(account, self.mandates[mandate].id), &key);
                self.people[person].suspensions.push((mandate, paper.id));
                self.sends(Resource::Commands, paper, CommandFacts::Suspend(mandate))
            }
            4 | 5 => {
                let Some((mandate, suspension)) = self.people[person].suspensions.pop() else { return Ok(()) };
                let paper = sealed(&desk.resumption(account, self.mandates[mandate].id, suspension), &key);
                self.sends(Resource::Commands, paper, CommandFacts::Resume(mandate, suspension))
            }
            6 => {
                let units = self.chance.within(50, 500);
                let paper = sealed(&desk.deposit(account, units), &key);
                self.sends(Resource::Commands, paper, CommandFacts::Deposit(person, units))
            }
            _ => self.limits_anew(mandate),
        }
    }

    /// The next version of a mandate: other limits, the same counters.
    fn limits_anew(&mut self, mandate: usize) -> Checked {
        let facts = self.oracle.mandates[mandate].clone();
        let newest = (0..self.mandates.len()).rfind(|other| self.oracle.mandates[*other].lineage == facts.lineage);
        let mandate = newest.unwrap_or(mandate);
        let held = &self.mandates[mandate];
        let (agent, signer, before) = (held.agent, held.signer, held.paper.clone());
        let Some(serial) = before.serial.checked_add(1) else { return Ok(()) };
        let facts =
            MandateFacts { lineage: facts.lineage, parent: facts.parent, ..self.limits(facts.account, facts.parent) };
        let now = START + self.now / 1_000;
        let facts = MandateFacts { expires_at: facts.expires_at.max(now + 30), ..facts };
        let desk = self.desk(0);
        let paper = Mandate {
            serial,
            replaces: Some(self.mandates[mandate].id),
            ..desk.mandate(before.account, &agent, before.lineage, &facts)
        };
        let paper = Mandate { parent: before.parent, refund_returns: before.refund_returns.map(|_| True), ..paper };
        let number = self.holds(facts, paper, agent, signer);
        let paper = sealed(&self.mandates[number].paper, &signer);
        self.errands.push(Errand::of(Resource::Mandates, paper));
        self.put(1, Event::Errand(self.errands.len() - 1));
        Ok(())
    }

    fn sends(&mut self, resource: Resource, paper: Sealed, facts: CommandFacts) -> Checked {
        self.oracle.commands(paper.id, facts);
        self.errands.push(Errand::of(resource, paper));
        self.runs(self.errands.len() - 1)
    }

    /// The person is asked, and mostly says yes.
    pub(super) fn confirms(&mut self, payment: usize) -> Checked {
        if self.chance.one_in(4) {
            return Ok(());
        }
        let person = self.oracle.mandates[self.oracle.payments[payment].mandate].account;
        let (key, account) = (self.people[person].key, self.people[person].account);
        let paper = sealed(&self.desk(person).confirmation(account, self.pays[payment].id), &key);
        self.oracle.payments[payment].confirmed = true;
        self.errands.push(Errand { payment: Some(payment), ..Errand::of(Resource::Confirmations, paper) });
        self.runs(self.errands.len() - 1)
    }

    /// Sends a command, or sends it again.
    pub(super) fn runs(&mut self, number: usize) -> Checked {
        let errand = &mut self.errands[number];
        if errand.done {
            return Ok(());
        }
        errand.tries += 1;
        let subject = errand.payment.map_or(Subject::Command(errand.paper.id), Subject::Payment);
        let ask = Ask::Post(errand.resource, errand.paper.bytes.clone());
        self.asks(Owner::Errand(number), subject, ask);
        Ok(())
    }

    pub(super) fn errand_hears(&mut self, number: usize, said: &Said, _subject: Option<Subject>) -> Checked {
        let errand = &mut self.errands[number];
        match said {
            Said::Answer(_) => errand.done = true,
            Said::Problem(code) if is_definite(*code) && !is_worth_another_try(*code) => errand.done = true,
            // A long wait for what time alone can change is not what this is about.
            Said::Problem(_) if errand.tries > 40 => errand.done = true,
            Said::Problem(_) | Said::Failed => {
                let after = self.chance.within(500, 3_000);
                self.put(after, Event::Errand(number));
            }
        }
        Ok(())
    }
}
