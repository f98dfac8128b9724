//! A run: an issuer, wallets, agents and merchants, and a network between them that a seed decides.

mod agent;
mod shop;
mod wallet;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use purser_protocol::cert::Role;
use purser_protocol::code::{Code, Retry, Standing};
use purser_protocol::field::encoded;
use purser_protocol::flow::issuer::PaymentRequest;
use purser_protocol::flow::payer::Heard;
use purser_protocol::id::{AccountId, Nonce, PartyId};
use purser_protocol::receipt::Outcome;
use purser_server::store::Answered;
use sha2::{Digest as _, Sha256};

use crate::chance::Chance;
use crate::disk::Fate;
use crate::issuer::{Ask, Issuer, Said, Wrote, claims};
use crate::keys::{Certified, twin};
use crate::oracle::{Checked, Finding, Oracle, Subject};
use crate::papers::Desk;
use agent::{Pay, Taking};
use shop::Shop;
use wallet::{Errand, MandateHeld, Person};

/// When every run begins, in Unix seconds.
pub const START: u64 = 1_900_000_000;
/// How long a client waits for an answer, in milliseconds.
const PATIENCE: u64 = 6_000;

/// How long and how hard a run is.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many payments are begun.
    pub payments: u32,
    /// How many events at most.
    pub steps: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self { payments: 40, steps: 20_000 }
    }
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Events.
    pub steps: u64,
    /// Crashes of the issuer.
    pub crashes: u64,
    /// Batches on the disk.
    pub batches: u64,
    /// Payments that were begun.
    pub payments: u64,
    /// Payments that were made.
    pub made: u64,
    /// Receipts that somebody got.
    pub acknowledged: u64,
    /// Revocations that took effect.
    pub revocations: u64,
    /// Older backups that an issuer was started on, and refused.
    pub backups_refused: u64,
    /// The hash of everything that happened, in order.
    pub trace: String,
}

/// What happens next.
#[derive(Debug)]
enum Event {
    ToIssuer(u64, Arc<Ask>),
    FromIssuer(u64, Said),
    ToShop(u64, usize, shop::Ask),
    FromShop(u64, shop::Said),
    TimeOut(u64),
    Rested(usize),
    AgentStarts(usize),
    Errand(usize),
    Begin,
    WalletActs,
    Confirms(usize),
    GivesUp(usize),
    AgentEnds(usize),
    Step,
    Crash,
    Start,
    ClockStep,
    Snapshot,
}

/// Who waits for an answer.
#[derive(Clone, Copy, Debug)]
enum Owner {
    Pay(usize),
    Errand(usize),
    Offer(usize),
    Redeem(usize),
}

struct Due(u64, u64, Event);

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

/// How the network and the machines are, in this run.
#[derive(Clone, Copy, Debug)]
struct Weather {
    /// One message in so many is lost.
    lost: u64,
    /// One in so many comes twice.
    doubled: u64,
    /// One in so many is very late.
    late: u64,
    /// One batch in so many ends the process.
    ends: u64,
    /// Whether signatures come back as their twins.
    twins: bool,
}

/// Everything of a run.
pub struct Town {
    chance: Chance,
    plan: Plan,
    weather: Weather,
    calm: bool,
    now: u64,
    /// How far the issuer's clock is from the time of the run, in seconds.
    clock_off: i64,
    order: u64,
    agenda: BinaryHeap<Reverse<Due>>,
    issuer: Issuer,
    snapshot: PathBuf,
    step_is_due: bool,
    oracle: Oracle,
    questions: u64,
    open: HashMap<u64, Owner>,
    subjects: HashMap<u64, Subject>,
    people: Vec<Person>,
    mandates: Vec<MandateHeld>,
    takings: Vec<Taking>,
    pays: Vec<Pay>,
    shops: Vec<Shop>,
    errands: Vec<Errand>,
    report: Report,
    trace: Sha256,
    says: bool,
}

/// Runs one seed.
pub fn run(seed: u64, plan: Plan, says: bool) -> Result<Report, (Finding, Report)> {
    let mut town = Town::new(seed, plan, says);
    let ran = town.live();
    let report = town.report();
    let _ = std::fs::remove_file(&town.snapshot);
    ran.map(|()| report.clone()).map_err(|finding| (finding, report))
}

impl Town {
    fn new(seed: u64, plan: Plan, says: bool) -> Self {
        let mut chance = Chance::new(seed);
        let mut certified = Certified::default();
        let issuer_id = PartyId::new("issuer.example").expect("a name");
        certified.add(&issuer_id, Role::Issuer);
        let shops: Vec<Shop> = ["shop.example", "taxi.example"].into_iter().map(Shop::new).collect();
        shops.iter().for_each(|shop| certified.add(&shop.id, Role::Merchant));
        let snapshot = std::env::temp_dir().join(format!(
            "purser-simulator-{}-{seed:016x}-{:?}.snapshot",
            std::process::id(),
            std::thread::current().id()
        ));
        let _ = std::fs::remove_file(&snapshot);
        let issuer = Issuer::new(issuer_id, Arc::new(certified), snapshot.clone(), chance.number());
        let people: Vec<Person> = (0..2).map(|number| Person::new(number, &mut chance)).collect();
        let weather = Weather {
            lost: chance.within(3, 20),
            doubled: chance.within(2, 12),
            late: chance.within(4, 20),
            ends: chance.within(4, 40),
            twins: chance.one_in(2),
        };
        let oracle = Oracle::new(issuer.settings(), people.len());
        Self {
            chance,
            plan,
            weather,
            calm: false,
            now: 0,
            clock_off: 0,
            order: 0,
            agenda: BinaryHeap::new(),
            issuer,
            snapshot,
            step_is_due: false,
            oracle,
            questions: 0,
            open: HashMap::new(),
            subjects: HashMap::new(),
            people,
            mandates: Vec::new(),
            takings: Vec::new(),
            pays: Vec::new(),
            shops,
            errands: Vec::new(),
            report: Report::default(),
            trace: Sha256::new(),
            says,
        }
    }

    /// The whole run: the parties are set up, everything happens, the weather clears, and all must come to its end.
    fn live(&mut self) -> Checked {
        self.tick();
        self.issuer.start().map_err(Finding)?;
        self.set_up()?;
        self.tell("begins");
        for _ in 0..self.plan.payments {
            let at = self.chance.below(240_000);
            self.put(at, Event::Begin);
        }
        for _ in 0..self.chance.within(2, 14) {
            let at = self.chance.below(260_000);
            self.put(at, Event::WalletActs);
        }
        for _ in 0..self.chance.below(6) {
            let at = self.chance.below(280_000);
            self.put(at, Event::Crash);
        }
        for _ in 0..self.chance.below(4) {
            let at = self.chance.below(280_000);
            self.put(at, Event::ClockStep);
        }
        if self.chance.one_in(3) {
            for _ in 0..self.chance.within(1, 3) {
                let at = self.chance.below(240_000);
                self.put(at, Event::Snapshot);
            }
        }
        self.put(250, Event::Step);
        while let Some(Reverse(Due(at, _, event))) = self.agenda.pop() {
            self.now = self.now.max(at);
            self.tick();
            self.report.steps += 1;
            self.calm |= self.now > 320_000;
            self.happen(event)?;
            if self.calm && self.is_quiet() {
                return self.ends();
            }
            if self.report.steps > self.plan.steps {
                let open = self.pays.iter().filter(|pay| !pay.is_over()).count();
                let errands = self.errands.iter().filter(|errand| !errand.done).count();
                return Err(Finding(format!("it does not end: {open} payments and {errands} commands are open")));
            }
        }
        Err(Finding("nothing happens any more".into()))
    }

    fn is_quiet(&self) -> bool {
        self.pays.iter().all(Pay::is_over)
            && self.errands.iter().all(|errand| errand.done)
            && self.issuer.waiting() == 0
            && self.now > 420_000
            // What is still on its way arrives first: nothing may come of it.
            && self.agenda.iter().all(|due| matches!(due.0.2, Event::Step | Event::TimeOut(_)))
    }

    fn ends(&mut self) -> Checked {
        self.oracle.sees(&self.issuer)?;
        for (number, pay) in self.pays.iter().enumerate() {
            self.oracle.believes(number, pay.believes())?;
        }
        self.oracle.is_paid_for()?;
        self.oracle.survived(&self.issuer.disk.platter())?;
        // A last start, from the disk alone.
        self.issuer.cut(0);
        self.issuer.start().map_err(Finding)?;
        self.oracle.sees(&self.issuer)?;
        self.oracle.survived(&self.issuer.disk.platter())
    }

    fn report(&self) -> Report {
        Report {
            batches: self.issuer.disk.platter().synced().len() as u64,
            payments: self.pays.len() as u64,
            made: self.oracle.made() as u64,
            acknowledged: self.oracle.acknowledged_count() as u64,
            revocations: self.oracle.revocations,
            trace: hexadecimal(&self.trace.clone().finalize()),
            ..self.report.clone()
        }
    }

    // --- Time.

    fn put(&mut self, after: u64, event: Event) {
        self.order += 1;
        self.agenda.push(Reverse(Due(self.now + after, self.order, event)));
    }

    /// The issuer's clock follows the run, however far it was stepped.
    fn tick(&self) {
        let now = (START + self.now / 1_000).saturating_add_signed(self.clock_off);
        *self.issuer.clock.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = now;
    }

    /// What somebody's clock shows; no two quite agree.
    fn clock_of(&self, number: usize) -> u64 {
        START + self.now / 1_000 + (number as u64 * 7) % 4
    }

    fn desk(&mut self, number: usize) -> Desk {
        Desk { issuer: self.issuer.id.clone(), now: self.clock_of(number), nonce: Nonce(self.chance.bytes()) }
    }

    fn tell(&mut self, what: &str) {
        let line = format!("{:>7} {what}\n", self.now);
        self.trace.update(line.as_bytes());
        if self.says {
            eprint!("{line}");
        }
    }

    fn happen(&mut self, event: Event) -> Checked {
        match event {
            Event::Step => self.steps(),
            Event::Crash => self.crashes(0),
            Event::Start => self.starts(),
            Event::ClockStep => {
                self.clock_off = if self.calm { 0 } else { self.chance.below(80) as i64 - 40 };
                self.tell(&format!("the issuer's clock is stepped to {:+} s", self.clock_off));
                Ok(())
            }
            Event::Snapshot => {
                // As of what is on the disk; it is read, and held against the store, at a start.
                if self.issuer.process.is_some() && self.issuer.disk.platter().is_synced() {
                    self.issuer.renew_snapshot().map_err(Finding)?;
                    self.tell("the snapshot is renewed");
                }
                Ok(())
            }
            Event::ToIssuer(question, ask) => self.reaches_issuer(question, &ask),
            Event::FromIssuer(question, said) => self.hears(question, &said),
            Event::ToShop(question, shop, ask) => self.reaches_shop(question, shop, &ask),
            Event::FromShop(question, said) => self.hears_shop(question, said),
            Event::TimeOut(question) => match self.open.remove(&question) {
                None => Ok(()),
                Some(Owner::Pay(pay)) => self.pay_hears(pay, Heard::Nothing, None),
                Some(Owner::Errand(errand)) => {
                    self.put(1_000, Event::Errand(errand));
                    Ok(())
                }
                Some(Owner::Offer(_)) => Ok(()),
                Some(Owner::Redeem(pay)) => self.redeems(pay),
            },
            Event::Rested(pay) => self.rested(pay),
            Event::Begin => self.begins(),
            Event::AgentStarts(pay) => self.agent_starts(pay),
            Event::AgentEnds(pay) => {
                self.agent_ends(pay);
                Ok(())
            }
            Event::GivesUp(pay) => self.gives_up(pay),
            Event::Errand(errand) => self.runs(errand),
            Event::WalletActs => self.wallet_acts(),
            Event::Confirms(pay) => self.confirms(pay),
        }
    }

    // --- The issuer's machine.

    fn steps(&mut self) -> Checked {
        self.step_is_due = false;
        // What has come due is looked for when nothing else happens.
        self.put_step(250);
        if self.issuer.process.is_none() {
            return Ok(());
        }
        let fate = match self.calm || !self.chance.one_in(self.weather.ends) {
            true => Fate::Kept,
            false => [Fate::WriteFails, Fate::SyncFails, Fate::EndsAfterSync][self.chance.index(3)],
        };
        let most = usize::try_from(self.chance.within(1, 8)).unwrap_or(1);
        let (wrote, spoken) = self.issuer.step(most, fate);
        for (question, said) in spoken {
            self.speaks(question, said)?;
        }
        match wrote {
            Wrote::Nothing => Ok(()),
            Wrote::Batch => {
                self.oracle.sees(&self.issuer)?;
                if self.issuer.waiting() > 0 {
                    self.put_step(2);
                }
                Ok(())
            }
            Wrote::Ends(error) if fate == Fate::Kept => Err(Finding(format!("the writer stops by itself: {error}"))),
            Wrote::Ends(_) => {
                let lucky = self.chance.index(2);
                self.crashes(lucky)
            }
        }
    }

    fn put_step(&mut self, after: u64) {
        if !self.step_is_due {
            self.step_is_due = true;
            self.put(after, Event::Step);
        }
    }

    fn crashes(&mut self, lucky: usize) -> Checked {
        if self.issuer.process.is_none() {
            return Ok(());
        }
        self.issuer.cut(lucky);
        self.report.crashes += 1;
        self.tell(&format!(
            "the issuer crashes, with {} batches on the disk",
            self.issuer.disk.platter().synced().len()
        ));
        self.oracle.survived(&self.issuer.disk.platter())?;
        let after = self.chance.within(10, 4_000);
        self.put(after, Event::Start);
        Ok(())
    }

    fn starts(&mut self) -> Checked {
        if self.issuer.process.is_some() {
            return Ok(());
        }
        let batches = self.issuer.marked();
        if batches > 3 && self.chance.one_in(4) {
            let older = self.issuer.disk.platter().older(batches - 1 - self.chance.index(batches / 2));
            if self.issuer.starts_on(older) {
                return Err(Finding("an issuer starts on a store that is older than what it signed".into()));
            }
            self.report.backups_refused += 1;
        }
        self.issuer.start().map_err(|error| Finding(format!("the issuer does not start: {error}")))?;
        self.tell("the issuer starts");
        self.oracle.sees(&self.issuer)?;
        self.put_step(1);
        Ok(())
    }

    // --- The network.

    /// Asks the issuer; the question is open until something comes back, or patience ends.
    fn asks(&mut self, owner: Owner, subject: Subject, ask: Ask) -> u64 {
        self.questions += 1;
        let question = self.questions;
        self.open.insert(question, owner);
        self.subjects.insert(question, subject);
        let ask = Arc::new(ask);
        if !self.calm && self.chance.one_in(8) {
            // Somebody who has seen the paper sends it with a signature of his own, and comes first.
            self.put(0, Event::ToIssuer(0, forged(&ask)));
        }
        for delay in self.arrivals() {
            let twinned = if self.weather.twins && self.chance.one_in(3) { with_twin(&ask) } else { Arc::clone(&ask) };
            self.put(delay, Event::ToIssuer(question, twinned));
        }
        self.put(PATIENCE, Event::TimeOut(question));
        question
    }

    fn asks_shop(&mut self, owner: Owner, shop: usize, ask: shop::Ask) {
        self.questions += 1;
        let question = self.questions;
        self.open.insert(question, owner);
        for delay in self.arrivals() {
            self.put(delay, Event::ToShop(question, shop, ask.clone()));
        }
        self.put(PATIENCE, Event::TimeOut(question));
    }

    /// When the copies of a message arrive.
    fn arrivals(&mut self) -> Vec<u64> {
        if self.calm {
            return vec![5];
        }
        let copies = 1 + u64::from(self.chance.one_in(self.weather.doubled));
        let mut delays = Vec::new();
        for _ in 0..copies {
            if self.chance.one_in(self.weather.lost) {
                continue;
            }
            let late = self.chance.one_in(self.weather.late);
            delays.push(if late { self.chance.within(3_000, 60_000) } else { self.chance.within(1, 400) });
        }
        delays
    }

    fn reaches_issuer(&mut self, question: u64, ask: &Ask) -> Checked {
        let fresh = AccountId(self.chance.bytes());
        if let Some(said) = self.issuer.take(question, ask, fresh) {
            self.speaks(question, said)?;
        }
        if self.issuer.waiting() > 0 {
            self.agenda.retain(|due| !matches!(due.0.2, Event::Step));
            self.step_is_due = false;
            let after = self.chance.within(1, 20);
            self.put_step(after);
        }
        Ok(())
    }

    /// An answer leaves the issuer.
    fn speaks(&mut self, question: u64, said: Said) -> Checked {
        let what = match &said {
            Said::Answer(answered) => {
                let subject = self.subjects.get(&question).copied();
                let of_mandate = claims(answered).is_some_and(|claims| self.is_of_mandate(&claims, subject));
                if let (Some(subject), false) = (subject, of_mandate) {
                    self.oracle.leaves(subject, answered)?;
                }
                if subject.is_none() {
                    return Err(Finding("an answer to a paper that nobody signed".into()));
                }
                let claims = claims(answered);
                claims.map_or_else(String::new, |claims| format!("{:?} {:?}", claims.outcome, claims.code))
            }
            Said::Problem(code) => {
                // What is asked of a payment is its outcome, once it has one.
                if let (Some(Subject::Payment(payment)), true) = (self.subjects.get(&question), code.status() < 500) {
                    self.oracle.denies(*payment, *code)?;
                }
                format!("{code}")
            }
            Said::Failed => "nothing".into(),
        };
        self.tell(&format!("the issuer answers {question}: {what}"));
        for delay in self.arrivals() {
            self.put(delay, Event::FromIssuer(question, said.clone()));
        }
        Ok(())
    }

    /// A payment may bring mandates, and be answered with the refusal of one.
    fn is_of_mandate(&self, claims: &purser_protocol::receipt::Claims, subject: Option<Subject>) -> bool {
        matches!(subject, Some(Subject::Payment(_))) && claims.intent.is_none()
    }

    fn hears(&mut self, question: u64, said: &Said) -> Checked {
        let Some(owner) = self.open.remove(&question) else { return Ok(()) };
        let subject = self.subjects.get(&question).copied();
        match owner {
            Owner::Pay(pay) => {
                let (heard, answered) = self.pay_reads(pay, said);
                self.pay_hears(pay, heard, answered)
            }
            Owner::Errand(errand) => {
                if let Said::Answer(answered) = said {
                    self.keeps(answered);
                }
                self.errand_hears(errand, said, subject)
            }
            Owner::Offer(_) | Owner::Redeem(_) => Ok(()),
        }
    }

    /// Somebody has a receipt, and will show it.
    fn keeps(&mut self, answered: &Answered) {
        self.oracle.acknowledged(answered.receipt.id(), encoded(&answered.receipt));
    }
}

/// Whether the same bytes may do better, as the client reads a problem.
fn is_worth_another_try(code: Code) -> bool {
    matches!(code.retry(), Retry::Same | Retry::Later)
}

/// Whether a problem says for certain that nothing was decided, as the client reads one.
fn is_definite(code: Code) -> bool {
    code.standing() == Standing::NotDecided && code.status() < 500
}

/// The same request with the other signature on what it says.
fn with_twin(ask: &Arc<Ask>) -> Arc<Ask> {
    match &**ask {
        Ask::Pay(body) => match PaymentRequest::read(body) {
            Ok(request) => {
                let intent = twin(request.intent);
                Arc::new(Ask::Pay(PaymentRequest { intent: &intent, ..request }.write()))
            }
            Err(_) => Arc::clone(ask),
        },
        Ask::Post(resource, body) => Arc::new(Ask::Post(*resource, twin(body))),
        Ask::Intent(_) => Arc::clone(ask),
    }
}

/// The same request, signed by nobody.
fn forged(ask: &Arc<Ask>) -> Arc<Ask> {
    let spoilt = |paper: &[u8]| {
        let mut bytes = paper.to_vec();
        bytes.iter_mut().rev().take(64).for_each(|byte| *byte ^= 0x55);
        bytes
    };
    match &**ask {
        Ask::Pay(body) => match PaymentRequest::read(body) {
            Ok(request) => {
                let intent = spoilt(request.intent);
                Arc::new(Ask::Pay(PaymentRequest { intent: &intent, ..request }.write()))
            }
            Err(_) => Arc::clone(ask),
        },
        Ask::Post(resource, body) => Arc::new(Ask::Post(*resource, spoilt(body))),
        // Whoever knows an id may ask after it.
        Ask::Intent(_) => Arc::new(Ask::Post(purser_protocol::flow::issuer::Resource::Commands, Vec::new())),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_made(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Authorized | Outcome::Settled)
}
