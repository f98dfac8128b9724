//! The world: one issuer with a real ledger, and everybody who writes to it.

use std::collections::{BTreeMap, HashMap};

use purser_protocol::authorize::{Account, Case, Decision, Link, authorize};
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::field::{Bytes, KeyHolder, List, Set, encoded};
use purser_protocol::flow::issuer::{Desk, PaymentRequest};
use purser_protocol::id::{AccountId, Digest, LineageId, Nonce, PaperId, PartyId, Pseudonym, Text};
use purser_protocol::ledger::audit::audit;
use purser_protocol::ledger::books::Purse;
use purser_protocol::ledger::event::Event;
use purser_protocol::ledger::past::{Found, Need, Past, Told};
use purser_protocol::ledger::snapshot::{self, Restoring};
use purser_protocol::ledger::state::{Payment, State};
use purser_protocol::ledger::{Answer, Command, Ledger, PaymentOrder, Record, Settings};
use purser_protocol::money::Amount;
use purser_protocol::paper::command::{
    Cancel, Capture, Deposit, Enrolment, Payout, Refund, Resumption, Revocation, Suspension, Void,
};
use purser_protocol::paper::confirmation::{Confirmation, Modality};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::mandate::{Holder, Mandate, Mode};
use purser_protocol::paper::offer::{CaptureMode, Offer, OfferKind, Payee};
use purser_protocol::paper::rules::{Channel, Fields, Rules};
use purser_protocol::receipt::tree::{Tree, leaf_hash};
use purser_protocol::receipt::{Claims, Outcome, Receipt, Root};
use purser_protocol::sign::backend::Portable;
use purser_protocol::sign::{Context, Crypto, Paper, Signed, sign, sign_by_certificate};
use purser_protocol::time::UnixSeconds;
use sha2::{Digest as _, Sha256};

use super::build::*;
use super::forge::Forged;
use super::keys::{Authority, Key, Pretend, key};
use super::said::Said;

/// The network of all tests.
pub const SANDBOX: Context<'static> = Context { network: "sandbox" };

/// One issuer and its customers.
#[derive(Clone)]
pub struct World {
    pub ledger: Ledger,
    /// The clock, in Unix seconds.
    pub now: u64,
    /// Whether every step is followed by an audit.
    pub audits: bool,
    /// Whether signatures are on the curve.
    real: bool,
    issuer: PartyId,
    /// Accounts by the name of their first key.
    accounts: BTreeMap<String, AccountId>,
    drawn: u64,
    /// What was decided, as a store would keep it.
    kept: Vec<Kept>,
    /// The latest answer to each paper.
    answers: HashMap<PaperId, Record>,
    /// What happened to each payment, as a store would tell it.
    told: HashMap<PaperId, Told>,
    /// What the state does not hold any more.
    past: Past,
}

#[derive(Clone)]
struct Kept {
    command: PaperId,
    at: UnixSeconds,
    event: Vec<u8>,
}

/// The papers of a payment, before they are sent.
#[derive(Clone, Debug)]
pub struct PaymentPapers {
    pub mandates: Vec<Vec<u8>>,
    pub offer: Sealed,
    pub intent: Sealed,
    pub confirmation: Option<Sealed>,
}

impl PaymentPapers {
    pub fn body(&self) -> Vec<u8> {
        let request = PaymentRequest {
            mandates: self.mandates.iter().map(Vec::as_slice).collect(),
            offer: &self.offer.bytes,
            intent: &self.intent.bytes,
            confirmation: self.confirmation.as_ref().map(|paper| paper.bytes.as_slice()),
        };
        request.write()
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// A world whose signatures are pretended.
    pub fn new() -> Self {
        Self::with(false, true)
    }

    /// A world whose signatures are on the curve.
    pub fn real() -> Self {
        Self::with(true, true)
    }

    /// A world that is, or is not, a sandbox.
    pub fn with(real: bool, sandbox: bool) -> Self {
        let issuer = party("issuer.example");
        let settings = settings(sandbox);
        Self {
            ledger: Ledger::new(settings),
            now: START,
            audits: true,
            real,
            issuer,
            accounts: BTreeMap::new(),
            drawn: 0,
            kept: Vec::new(),
            answers: HashMap::new(),
            told: HashMap::new(),
            past: Past::default(),
        }
    }

    /// How many commands were decided.
    pub fn decisions(&self) -> usize {
        self.kept.len()
    }

    pub fn state(&self) -> &State {
        self.ledger.state()
    }

    pub fn key(&self, name: &str) -> Key {
        key(name, self.real)
    }

    /// Bytes that no other call gives.
    pub fn draw<const N: usize>(&mut self) -> [u8; N] {
        self.drawn += 1;
        let hash = Sha256::digest(format!("drawn {}", self.drawn));
        let mut bytes = [0; N];
        bytes.copy_from_slice(&hash[..N]);
        bytes
    }

    pub fn nonce(&mut self) -> Nonce {
        Nonce(self.draw())
    }

    // --- Signing.

    /// Signs with a key, which the paper names by its thumbprint.
    pub fn sign<T: Paper>(&self, paper: &T, by: &str) -> Sealed {
        self.sign_in(SANDBOX, paper, by)
    }

    pub fn sign_in<T: Paper>(&self, context: Context<'_>, paper: &T, by: &str) -> Sealed {
        sealed::<T>(sign(paper, context, &*self.key(by).signer).unwrap())
    }

    /// Signs with a certified party's key; the certificate goes along.
    pub fn certify<T: Paper>(&self, paper: &T, by: &str) -> Sealed {
        self.certify_in(SANDBOX, paper, by)
    }

    pub fn certify_in<T: Paper>(&self, context: Context<'_>, paper: &T, by: &str) -> Sealed {
        let party = Authority::shared().party(by);
        let signer = self.key(&party.key).signer;
        sealed::<T>(sign_by_certificate(paper, context, &*signer, party.x5t, &[&party.der]).unwrap())
    }

    // --- Papers.

    /// The account whose first key has this name; it is opened at the first call.
    pub fn account(&mut self, person: &str) -> AccountId {
        if let Some(account) = self.accounts.get(person) {
            return *account;
        }
        let account = self.open_account(person);
        self.accounts.insert(person.to_owned(), account);
        account
    }

    fn open_account(&mut self, person: &str) -> AccountId {
        let enrolment = self.enrolment(None, person);
        let enrolment = self.sign(&enrolment, person);
        self.drawn += 1;
        let fresh = self.fresh_account();
        self.send(&enrolment.bytes).must_be(Outcome::Recorded);
        fresh
    }

    /// The number that the next new account gets.
    fn fresh_account(&self) -> AccountId {
        let hash = Sha256::digest(format!("account {}", self.drawn));
        let mut id = [0; 16];
        id.copy_from_slice(&hash[..16]);
        AccountId(id)
    }

    pub fn enrolment(&mut self, account: Option<AccountId>, new: &str) -> Enrolment {
        Enrolment {
            account,
            issuer: self.issuer.clone(),
            issued_at: at(self.now),
            nonce: self.nonce(),
            key: KeyHolder(self.key(new).public),
        }
    }

    pub fn deposit(&mut self, person: &str, units: u64) -> Said {
        self.deposit_in(person, units, "CNY")
    }

    pub fn deposit_in(&mut self, person: &str, units: u64, of: &str) -> Said {
        let account = self.account(person);
        let deposit = Deposit {
            account,
            issuer: self.issuer.clone(),
            issued_at: at(self.now),
            nonce: self.nonce(),
            amount: minor(units),
            currency: currency(of),
        };
        let deposit = self.sign(&deposit, person);
        self.send(&deposit.bytes)
    }

    /// A mandate of no mode that can be used yet.
    fn mandate(&mut self, person: &str, agent: &str, mode: Mode) -> Mandate {
        Mandate {
            account: self.account(person),
            issuer: self.issuer.clone(),
            expires_at: at(self.now + 30 * DAY),
            not_before: at(self.now),
            issued_at: at(self.now),
            holder: self.agent(agent),
            offer: None,
            currency: cny(),
            lineage: LineageId(self.draw()),
            serial: count(1),
            mode,
            parent: None,
            replaces: None,
            caps: None,
            grants: None,
            funded: None,
            refund_returns: None,
            shown: None,
            conversation: None,
        }
    }

    pub fn agent(&self, name: &str) -> Holder {
        Holder::Agent(self.key(name).public)
    }

    /// A sum to spend.
    pub fn quota(&mut self, person: &str, agent: &str, total: u64) -> Mandate {
        self.capped(person, agent, Fields { total: Some(minor(total)), ..Fields::default() })
    }

    /// A quota mandate with these caps; a total that never binds where they hold none.
    pub fn capped(&mut self, person: &str, agent: &str, caps: Fields) -> Mandate {
        let total = caps.total.or(Amount::from_minor(Amount::MAX_MINOR));
        Mandate { caps: Rules::new(Fields { total, ..caps }), ..self.mandate(person, agent, Mode::Quota) }
    }

    /// The person's own rules.
    pub fn conditional(&mut self, person: &str, agent: &str, grants: Vec<Fields>) -> Mandate {
        let grants = grants.into_iter().map(|grant| Rules::new(grant).unwrap()).collect();
        Mandate { grants: List::new(grants), ..self.mandate(person, agent, Mode::Conditional) }
    }

    /// For one offer.
    pub fn single(&mut self, person: &str, agent: &str, offer: PaperId) -> Mandate {
        Mandate { offer: Some(offer), ..self.mandate(person, agent, Mode::Single) }
    }

    /// A mandate as a sub-mandate of another, in a lineage of its own.
    pub fn below(&mut self, parent: PaperId, mandate: Mandate) -> Mandate {
        Mandate { parent: Some(parent), lineage: LineageId(self.draw()), ..mandate }
    }

    /// The next version of a mandate, its window begun anew.
    pub fn next(&self, before: &Mandate, id: PaperId) -> Mandate {
        Mandate {
            serial: before.serial.checked_add(1).unwrap(),
            replaces: Some(id),
            issued_at: at(self.now),
            expires_at: at(self.now + 30 * DAY),
            ..before.clone()
        }
    }

    /// A charge, captured at once, open for an hour.
    pub fn offer(&mut self, merchant: &str, units: u64) -> Offer {
        Offer {
            merchant: party(merchant.trim_start_matches('+')),
            expires_at: at(self.now + HOUR),
            issued_at: at(self.now),
            nonce: self.nonce(),
            amount: minor(units),
            currency: cny(),
            items: List::new(vec![goods("thing", units)]).unwrap(),
            accepts: List::new(vec![Payee { issuer: self.issuer.clone(), account: short("main") }]).unwrap(),
            kind: OfferKind::Charge,
            capture: CaptureMode::AtOnce,
            resource: None,
            pseudonym: None,
            hold_seconds: None,
            meter: None,
        }
    }

    pub fn intent(&mut self, mandate: PaperId, offer: &Offer, offer_id: PaperId) -> Intent {
        Intent {
            issuer: self.issuer.clone(),
            issued_at: at(self.now),
            mandate,
            offer: offer_id,
            amount: offer.amount,
            currency: offer.currency,
            secret_hash: Digest(self.draw()),
            channel: Some(Channel::Online),
            device: None,
            period: None,
            chains: None,
        }
    }

    pub fn confirmation(&mut self, person: &str, intent: PaperId) -> Confirmation {
        Confirmation {
            account: self.account(person),
            issuer: self.issuer.clone(),
            issued_at: at(self.now),
            intent,
            shown: None,
            how: Modality::Screen,
            evidence: None,
            phrase: None,
        }
    }

    pub fn confirm(&mut self, person: &str, intent: PaperId) -> Said {
        let confirmation = self.confirmation(person, intent);
        let confirmation = self.sign(&confirmation, person);
        self.send(&confirmation.bytes)
    }

    pub fn capture(&mut self, merchant: &str, intent: PaperId, units: u64, last: bool) -> Said {
        let capture = self.capture_paper(merchant, intent, units, last);
        let capture = self.certify(&capture, merchant);
        self.send(&capture.bytes)
    }

    pub fn capture_paper(&mut self, merchant: &str, intent: PaperId, units: u64, last: bool) -> Capture {
        Capture {
            merchant: party(merchant.trim_start_matches('+')),
            issuer: self.issuer.clone(),
            issued_at: at(self.now),
            nonce: self.nonce(),
            intent,
            amount: minor(units),
            currency: cny(),
            last: last.then_some(purser_protocol::field::True),
            claim: None,
        }
    }

    pub fn void_paper(&mut self, merchant: &str, intent: PaperId) -> Void {
        Void {
            merchant: party(merchant.trim_start_matches('+')),
            issuer: self.issuer.clone(),
            issued_at: at(self.now),
            nonce: self.nonce(),
            intent,
        }
    }

    pub fn void(&mut self, merchant: &str, intent: PaperId) -> Said {
        let void = self.void_paper(merchant, intent);
        let void = self.certify(&void, merchant);
        self.send(&void.bytes)
    }

    pub fn refund_paper(&mut self, merchant: &str, intent: PaperId, units: u64) -> Refund {
        Refund {
            merchant: party(merchant.trim_start_matches('+')),
            issuer: self.issuer.clone(),
            issued_at: at(self.now),
            nonce: self.nonce(),
            intent,
            amount: minor(units),
            currency: cny(),
            reason: None,
        }
    }

    pub fn refund(&mut self, merchant: &str, intent: PaperId, units: u64) -> Said {
        let refund = self.refund_paper(merchant, intent, units);
        let refund = self.certify(&refund, merchant);
        self.send(&refund.bytes)
    }

    pub fn payout_paper(&mut self, merchant: &str, units: u64) -> Payout {
        Payout {
            merchant: party(merchant.trim_start_matches('+')),
            issuer: self.issuer.clone(),
            issued_at: at(self.now),
            nonce: self.nonce(),
            amount: minor(units),
            currency: cny(),
            account: short("main"),
        }
    }

    /// A cancel; a merchant's has the offer in it.
    pub fn cancel_paper(&mut self, intent: &Sealed, offer: Option<&Sealed>) -> Cancel {
        Cancel {
            issuer: self.issuer.clone(),
            issued_at: at(self.now),
            nonce: self.nonce(),
            intent: Bytes(intent.bytes.clone()),
            offer: offer.map(|offer| Bytes(offer.bytes.clone())),
        }
    }

    pub fn cancel(&mut self, by: &str, intent: &Sealed) -> Said {
        let cancel = self.cancel_paper(intent, None);
        let cancel = self.sign(&cancel, by);
        self.send(&cancel.bytes)
    }

    pub fn suspension(&mut self, person: &str, mandates: &[PaperId]) -> Suspension {
        Suspension {
            account: self.account(person),
            issuer: self.issuer.clone(),
            issued_at: at(self.now),
            nonce: self.nonce(),
            mandates: Set::new(mandates.to_vec()).unwrap(),
            reason: None,
        }
    }

    /// Suspends mandates of a person's account, signed by anybody.
    pub fn suspend(&mut self, person: &str, by: &str, mandates: &[PaperId]) -> (PaperId, Said) {
        let suspension = self.suspension(person, mandates);
        let suspension = self.sign(&suspension, by);
        let said = self.send(&suspension.bytes);
        (suspension.id, said)
    }

    pub fn resume(&mut self, person: &str, by: &str, mandates: &[PaperId], suspension: PaperId) -> Said {
        let resumption = Resumption {
            account: self.account(person),
            issuer: self.issuer.clone(),
            issued_at: at(self.now),
            nonce: self.nonce(),
            mandates: Set::new(mandates.to_vec()).unwrap(),
            suspension,
        };
        let resumption = self.sign(&resumption, by);
        self.send(&resumption.bytes)
    }

    pub fn revocation(&mut self, person: &str, mandates: &[PaperId]) -> Revocation {
        Revocation {
            account: self.account(person),
            issuer: self.issuer.clone(),
            issued_at: at(self.now),
            nonce: self.nonce(),
            mandates: Set::new(mandates.to_vec()).unwrap(),
            reason: None,
        }
    }

    pub fn revoke(&mut self, person: &str, by: &str, mandates: &[PaperId]) -> Said {
        let revocation = self.revocation(person, mandates);
        let revocation = self.sign(&revocation, by);
        self.send(&revocation.bytes)
    }

    // --- Sending.

    /// Sends a paper that is a command.
    pub fn send(&mut self, bytes: &[u8]) -> Said {
        let fresh = self.fresh_account();
        match self.desk(|desk, state| desk.open_command(bytes, state, fresh)) {
            Ok(command) => self.step(&command),
            Err(fault) => Said::not_decided(fault),
        }
    }

    /// Registers a mandate.
    pub fn register(&mut self, mandate: &Mandate, by: &str) -> Said {
        let mandate = self.sign(mandate, by);
        self.send(&mandate.bytes)
    }

    /// Registers bytes that should be a mandate.
    pub fn register_forged(&mut self, mandate: &Forged<Mandate>, by: &str) -> Said {
        let mandate = self.sign(mandate, by);
        self.send(&mandate.bytes)
    }

    /// Registers a mandate that must be taken.
    #[track_caller]
    pub fn registered(&mut self, mandate: &Mandate, by: &str) -> PaperId {
        let mandate = self.sign(mandate, by);
        self.send(&mandate.bytes).must_be(Outcome::Recorded);
        mandate.id
    }

    /// An agent's papers to pay an offer.
    pub fn papers(&mut self, agent: &str, mandate: PaperId, merchant: &str, offer: &Offer) -> PaymentPapers {
        let sealed = self.certify(offer, merchant);
        let intent = self.intent(mandate, offer, sealed.id);
        let intent = self.sign(&intent, agent);
        PaymentPapers { mandates: Vec::new(), offer: sealed, intent, confirmation: None }
    }

    /// A payment as the desk makes a command of it, for tests that send it thousands of times.
    pub fn opened(&self, papers: &PaymentPapers) -> Command {
        let body = papers.body();
        let request = PaymentRequest::read(&body).unwrap();
        let opened = self.desk(|desk, state| {
            let account_of = |mandate: &PaperId| state.mandates.get(mandate).map(|record| record.mandate.account);
            desk.open_payment(&request, state, pseudonym, account_of)
        });
        Command::Pay(Box::new(opened.unwrap().order))
    }

    /// Sends the papers of a payment, as [AUT-8] and [AUT-10] say.
    pub fn pay(&mut self, papers: &PaymentPapers) -> Said {
        let body = papers.body();
        let request = match PaymentRequest::read(&body) {
            Ok(request) => request,
            Err(fault) => return Said::not_decided(fault),
        };
        let opened = self.desk(|desk, state| {
            let account_of = |mandate: &PaperId| state.mandates.get(mandate).map(|record| record.mandate.account);
            desk.open_payment(&request, state, pseudonym, account_of)
        });
        let opened = match opened {
            Ok(opened) => opened,
            Err(fault) => {
                let known = self.desk(|desk, state| desk.intent_id(&request, state));
                let known = known.ok().and_then(|intent| self.answers.get(&intent));
                return match known {
                    Some(record) => Said { known: true, record: Some(record.clone()), fault: None, decision: None },
                    None => Said::not_decided(fault),
                };
            }
        };
        for mandate in opened.mandates {
            let said = self.step(&Command::Register(Box::new(mandate)));
            if said.fault.is_some() || said.record().claims.outcome == Outcome::Refused {
                return said;
            }
        }
        let decision = self.decision(&opened.order);
        Said { decision, ..self.step(&Command::Pay(Box::new(opened.order))) }
    }

    /// Pays an offer of this amount, captured at once.
    pub fn buy(&mut self, agent: &str, mandate: PaperId, merchant: &str, units: u64) -> (PaymentPapers, Said) {
        let offer = self.offer(merchant, units);
        self.take(agent, mandate, merchant, &offer)
    }

    /// Holds an amount.
    pub fn hold(&mut self, agent: &str, mandate: PaperId, merchant: &str, units: u64) -> (PaymentPapers, Said) {
        let offer = by_command(self.offer(merchant, units));
        self.take(agent, mandate, merchant, &offer)
    }

    pub fn take(&mut self, agent: &str, mandate: PaperId, merchant: &str, offer: &Offer) -> (PaymentPapers, Said) {
        let papers = self.papers(agent, mandate, merchant, offer);
        let said = self.pay(&papers);
        (papers, said)
    }

    /// Lets time pass, and sees to what has come due.
    pub fn pass(&mut self, seconds: u64) -> Vec<Record> {
        self.now += seconds;
        self.sweep()
    }

    /// Sees to what has come due.
    pub fn sweep(&mut self) -> Vec<Record> {
        let (mut drawn, clock) = (self.drawn, at(self.now));
        let records = self.ledger.expire(clock, usize::MAX, || {
            drawn += 1;
            salt(drawn)
        });
        let records = records.expect("what comes due fits the state");
        self.drawn = drawn;
        records.iter().for_each(|record| self.keep(record));
        self.examine();
        records
    }

    // --- Behind the counter.

    /// Asks the desk of the issuer, whose clock is this world's.
    pub fn desk<T>(&self, ask: impl FnOnce(&Desk<'_>, &State) -> Result<T, Fault>) -> Result<T, Fault> {
        let (crypto, parties, now) = (self.crypto(), Authority::shared(), at(self.now));
        ask(&Desk { issuer: &self.issuer, context: SANDBOX, crypto, parties, now }, self.ledger.state())
    }

    /// Has a command decided, and remembers the answer as a store would.
    pub fn step(&mut self, command: &Command) -> Said {
        self.drawn += 1;
        self.look_up(command);
        let answer = self.ledger.step(command, at(self.now), salt(self.drawn)).expect("the events fit the state");
        let said = match answer {
            Answer::NotDecided(fault) => Said::not_decided(fault),
            Answer::Known(paper) => {
                let record = self.answers.get(&paper).unwrap_or_else(|| panic!("{paper} is known and has no answer"));
                Said { known: true, record: Some(record.clone()), fault: None, decision: None }
            }
            Answer::Decided(record) => {
                self.keep(&record);
                Said { known: false, record: Some(*record), fault: None, decision: None }
            }
        };
        self.examine();
        said
    }

    /// Has commands decided as a writer does in one batch: what all of them need is looked up first, and again before
    /// each what it needs then.
    pub fn together(&mut self, commands: &[Command]) -> Vec<Said> {
        self.ledger.forget();
        self.drawn |= 1;
        let needs: Vec<Need> = commands.iter().flat_map(|command| self.ledger.needs(command, at(self.now))).collect();
        for need in needs {
            let found = self.find(need);
            self.ledger.supply(found).expect("the past fits the state");
        }
        let said = commands.iter().map(|command| {
            // Nothing is forgotten between two of a batch.
            self.drawn |= 1;
            self.drawn -= 1;
            self.step(command)
        });
        said.collect()
    }

    /// A command as the desk opens it.
    pub fn command(&mut self, bytes: &[u8]) -> Command {
        let fresh = self.fresh_account();
        self.desk(|desk, state| desk.open_command(bytes, state, fresh)).expect("the desk opens it")
    }

    fn keep(&mut self, record: &Record) {
        assert!(record.claims.are_of_outcome(), "claims that are not of their outcome: {record:?}");
        assert_eq!(record.claims.detail, record.detail.as_ref().map(|detail| detail.digest()));
        let before = self.answers.insert(record.command, record.clone());
        // Only what waits can get another answer. [AUT-1] [CMD-1]
        let waited = before.is_none_or(|before| before.claims.outcome == Outcome::Pending);
        assert!(waited, "another answer to what was decided: {record:?}");
        let at = self.ledger.state().clock.expect("something was decided");
        self.kept.push(Kept { command: record.command, at, event: encoded(&record.event) });
        self.past.commands.insert(record.command);
        let Some(intent) = record.event.payment() else { return };
        self.told.entry(intent).or_default().push((record.event.clone(), at));
        if !self.state().payments.contains_key(&intent) {
            let payment = self.ledger.payment(&intent).expect("what was just decided is known");
            self.past.payments.insert(intent, payment.clone());
        }
    }

    /// Forgets the past now and then, as after a batch, and looks up what is needed of it.
    fn look_up(&mut self, command: &Command) {
        if self.drawn.is_multiple_of(2) {
            let known = self.ledger.forget();
            assert!(known.commands.iter().all(|command| self.past.commands.contains(command)));
        }
        let needs = self.ledger.needs(command, at(self.now));
        assert!(needs.is_empty() || self.ledger.clone().step(command, at(self.now), salt(0)).is_err(), "{needs:?}");
        for need in needs {
            let found = self.find(need);
            self.ledger.supply(found).expect("the past fits the state");
        }
        assert_eq!(self.ledger.needs(command, at(self.now)), []);
    }

    /// What a store says.
    fn find(&self, need: Need) -> Found {
        match need {
            Need::Command(paper) => Found::Command(paper, self.past.commands.contains(&paper)),
            Need::Payment(intent) => Found::Payment(intent, self.told.get(&intent).cloned().unwrap_or_default()),
            Need::History(key, since) => {
                let paid = |(event, at): &(Event, UnixSeconds)| event.payer() == Some(key.0) && *at >= since;
                let told = self.told.iter().filter(|(_, told)| told.iter().any(paid));
                Found::History(key, since, told.map(|(intent, told)| (*intent, told.clone())).collect())
            }
        }
    }

    /// A payment, wherever it stands.
    pub fn payment(&self, intent: &PaperId) -> Option<&Payment> {
        self.state().payments.get(intent).or_else(|| self.past.payments.get(intent))
    }

    /// What the state does not hold any more.
    pub fn past(&self) -> &Past {
        &self.past
    }

    fn examine(&self) {
        if self.audits {
            assert_eq!(audit(self.state(), &self.past), []);
        }
    }

    /// The state that is made of the kept events alone.
    pub fn replayed(&self) -> State {
        self.replay().state().clone()
    }

    /// The state of the first half of what is kept, through a snapshot, and then the other half.
    pub fn replayed_from_snapshot(&self) -> State {
        let (before, after) = self.kept.split_at(self.kept.len() / 2);
        let half = self.apply(Self::with(self.real, true).ledger, before);
        let restored = through_snapshot(half.state());
        assert_eq!(&restored, half.state(), "a snapshot makes another state");
        let ledger = Ledger::from_state(settings(true), restored);
        self.apply(ledger, after).state().clone()
    }

    /// Goes on from what is kept, and from nothing else.
    pub fn restart(&mut self) {
        self.ledger = Ledger::from_state(settings(true), self.replayed_from_snapshot());
    }

    fn replay(&self) -> Ledger {
        self.apply(Self::with(self.real, true).ledger, &self.kept)
    }

    fn apply(&self, mut ledger: Ledger, kept: &[Kept]) -> Ledger {
        for kept in kept {
            let event = Event::read_kept(&kept.event).expect("a kept event reads");
            ledger.replay(&event, Some(kept.command), kept.at).expect("a kept event fits");
        }
        ledger
    }

    /// The answer to a paper, as a store gives it.
    pub fn answer(&self, paper: &PaperId) -> Option<&Record> {
        self.answers.get(paper)
    }

    pub fn balance(&self, purse: &Purse) -> u64 {
        self.state().books.balance(purse, cny())
    }

    /// The receipt with these claims, alone in its batch, its root signed by an issuer.
    pub fn receipt(&self, claims: &Claims, issuer: &str) -> Receipt {
        let claims = encoded(claims);
        let tree = Tree::new(vec![leaf_hash(&claims)]);
        let root = Root {
            issued_at: at(self.now),
            tree_root: Digest(tree.root()),
            tree_size: count(1),
            batch: 0,
            log_root: Digest([0; 32]),
            log_size: 1,
            network: Text::new(SANDBOX.network).unwrap(),
        };
        Receipt { claims, index: 0, path: Vec::new(), root: self.certify(&root, issuer).bytes }
    }

    pub fn crypto(&self) -> &'static dyn Crypto {
        if self.real { &Portable } else { &Pretend }
    }

    /// What a person's account has free.
    pub fn free(&self, person: &str) -> u64 {
        self.balance(&Purse::Account(self.accounts[person]))
    }

    /// What a lineage's envelope has free.
    pub fn envelope(&self, mandate: &Mandate) -> u64 {
        self.balance(&Purse::Envelope(mandate.account, mandate.lineage))
    }

    /// What a merchant has got.
    pub fn got(&self, merchant: &str) -> u64 {
        self.balance(&Purse::Payee(party(merchant), short("main")))
    }

    /// What is counted under a mandate's caps since its lineage began: sum and number.
    pub fn spent(&self, mandate: &Mandate) -> (u64, u64) {
        let lineage = &self.state().lineages[&(mandate.account, mandate.lineage)];
        let sum = lineage.counters.at(None, None, at(self.now));
        (sum.minor, sum.payments)
    }

    /// What the decision is made of, asked beside the ledger. `None` for an intent that is known.
    pub fn decision(&self, order: &PaymentOrder) -> Option<Decision> {
        let state = self.state();
        let waits = match self.payment(&order.intent.id()) {
            None => true,
            Some(Payment::Pending(asked)) => order.confirmation.is_some() && asked.answer_by > at(self.now),
            Some(_) => false,
        };
        let records = state.chain(&order.intent.mandate).filter(|_| waits)?;
        let chain: Vec<Link<'_>> = records
            .iter()
            .map(|(id, record)| {
                let lineage = &state.lineages[&(record.mandate.account, record.mandate.lineage)];
                Link {
                    id: *id,
                    mandate: &record.mandate,
                    standing: state.standing(id, record),
                    counters: &lineage.counters,
                    holds_open: lineage.holds_open,
                    pending: lineage.pending,
                }
            })
            .collect();
        let (_, root) = records.first()?;
        let id = root.mandate.account;
        let record = &state.accounts[&id];
        let envelope = state.lineages[&(id, root.mandate.lineage)].envelope;
        let purse = envelope.map_or(Purse::Account(id), |_| Purse::Envelope(id, root.mandate.lineage));
        let payee = order.offer.account_at(&self.issuer).cloned();
        let payee = payee.map(|account| Purse::Payee(order.offer.merchant.clone(), account));
        let of = order.offer.currency;
        let taken = state.taken.get(&(id, order.offer.id()));
        let account = Account {
            id,
            credential_expires_at: record.keys[&root.signer.id()].1,
            pseudonym: order.pseudonym,
            available_minor: state.books.balance(&purse, of),
            payee_minor: payee.map_or(0, |payee| state.books.balance(&payee, of)),
            frozen: record.frozen,
            knows_merchant: record.merchants.contains(&order.offer.merchant),
            offer_taken: taken.is_some_and(|intent| *intent != order.intent.id()),
        };
        Some(authorize(&Case {
            issuer: &self.issuer,
            now: self.ledger.time(at(self.now)),
            account,
            chain: &chain,
            offer: &order.offer,
            offer_id: order.offer.id(),
            merchant: &order.merchant,
            intent: &order.intent,
            intent_id: order.intent.id(),
            held_by: order.held_by.as_ref(),
            confirmation: order.confirmation.as_deref(),
        }))
    }
}

/// The payer, as a merchant knows it.
pub fn pseudonym(account: &AccountId, merchant: &PartyId) -> Pseudonym {
    let hash = Sha256::new().chain_update(account.0).chain_update(merchant.as_str()).finalize();
    let mut name = [0; 16];
    name.copy_from_slice(&hash[..16]);
    Pseudonym(name)
}

fn salt(drawn: u64) -> Nonce {
    let hash = Sha256::digest(format!("salt {drawn}"));
    let mut salt = [0; 16];
    salt.copy_from_slice(&hash[..16]);
    Nonce(salt)
}

fn sealed<T: Paper>(bytes: Vec<u8>) -> Sealed {
    // What no reader reads has no id.
    let id = Signed::<T>::read(&bytes).map_or(PaperId([0; 32]), |signed| signed.id());
    Sealed { id, bytes }
}

/// The same paper with the other signature that its signer could have made: s is n - s.
pub fn twin(paper: &Sealed) -> Sealed {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
        0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let mut bytes = paper.bytes.clone();
    let at = bytes.len() - 32;
    let mut borrow = 0_i16;
    for place in (0..32).rev() {
        let digit = i16::from(ORDER[place]) - i16::from(bytes[at + place]) - borrow;
        borrow = i16::from(digit < 0);
        bytes[at + place] = u8::try_from(digit + 256 * borrow).unwrap();
    }
    Sealed { id: paper.id, bytes }
}

/// A code and the stage that the registry gives it.
pub fn of(code: Code) -> (Code, purser_protocol::code::Stage) {
    (code, code.stages()[0])
}

fn settings(sandbox: bool) -> Settings {
    Settings {
        issuer: party("issuer.example"),
        sandbox,
        approval_base: "https://issuer.example/approve?code=".into(),
        credential_seconds: 5 * 366 * DAY,
    }
}

/// The state that the rows of a state make.
pub fn through_snapshot(state: &State) -> State {
    let mut restoring = Restoring::default();
    snapshot::write(state, |row| restoring.row(row)).expect("a row of a snapshot fits");
    restoring.finish().expect("the rows of a snapshot fit each other")
}
