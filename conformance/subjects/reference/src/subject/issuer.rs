//! An issuer: the desk that opens messages, the ledger that decides them, and what was answered.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroU32;

use purser_protocol::authorize::Standing;
use purser_protocol::bind::http::AnswerBody;
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::field::{KeyHolder, List, encoded};
use purser_protocol::flow::issuer::{Desk, PaymentRequest, Resource, pseudonym};
use purser_protocol::flow::{Register, certificate_id};
use purser_protocol::id::{AccountId, Digest, Nonce, PaperId, PartyId, Pseudonym, Text};
use purser_protocol::ledger::event::Event;
use purser_protocol::ledger::state::{Payment, State};
use purser_protocol::ledger::{Answer, Command, Ledger, Record, Settings};
use purser_protocol::limits::MANDATE_SECONDS_MAX;
use purser_protocol::paper::credential::Credential;
use purser_protocol::paper::status::{MandateState, Status};
use purser_protocol::receipt::tree::{Frontier, Tree, leaf_hash};
use purser_protocol::receipt::{Claims, Detail, Outcome, Receipt, Root};
use purser_protocol::sign::backend::{Portable, PortableSigner};
use purser_protocol::sign::paper::id;
use purser_protocol::sign::{Context, Frame, Paper, sign_by_certificate};
use purser_protocol::time::UnixSeconds;
use serde_json::json;

use super::call::{Input, No, Outcome as Said, broken, decided_stage, hex};
use super::state;

/// How long a status is good for.
const STATUS_SECONDS: u64 = 60;
/// How long a new key's credential is good for.
const CREDENTIAL_SECONDS: u64 = MANDATE_SECONDS_MAX;

pub(super) struct Issuer {
    id: PartyId,
    network: Text<32>,
    signer: PortableSigner,
    chain: Vec<Vec<u8>>,
    register: Register,
    pseudonym_secret: [u8; 32],
    ledger: Ledger,
    log: Frontier,
    answers: HashMap<PaperId, Answered>,
}

/// What was answered to a paper, and is answered for ever.
#[derive(Clone)]
struct Answered {
    claims: Claims,
    receipt: Vec<u8>,
    detail: Option<Detail>,
    credential: Option<Vec<u8>>,
}

impl Issuer {
    pub(super) fn start(input: Input<'_>) -> Result<Self, No> {
        let id = input.party("issuer")?;
        let mut register = Register::new(input.trust()?);
        for chain in input.list("merchants")? {
            let certificates = chain.0.as_array().map(Vec::as_slice).unwrap_or_default();
            register.keep(certificates.iter().map(|der| Input(der).as_bytes()).collect::<Result<_, _>>()?);
        }
        let settings = Settings {
            issuer: id.clone(),
            sandbox: input.flag("sandbox"),
            approval_base: format!("https://{id}/approve/"),
            credential_seconds: CREDENTIAL_SECONDS,
        };
        Ok(Self {
            id,
            network: Text::new(input.text("network")?).ok_or_else(|| broken("network is too long"))?,
            signer: input.signer("key")?,
            chain: input.byte_strings("chain")?,
            register,
            pseudonym_secret: input.array_or_zeros("pseudonym_secret")?,
            ledger: Ledger::new(settings),
            log: Frontier::default(),
            answers: HashMap::new(),
        })
    }

    pub(super) fn receive(&mut self, input: Input<'_>) -> Said {
        let (body, now, salt) = (input.bytes("body")?, input.seconds("now")?, Nonce(input.array_or_zeros("nonce")?));
        let resource = match input.text("message")? {
            "payment" => {
                let paper = self.pay(&body, now, salt)?;
                return self.told(&paper, true, false);
            }
            "batch" => {
                let command = self.desk(now).open_batch(&body, self.ledger.state())?;
                let paper = self.decide(&command, now, salt)?;
                return self.told(&paper, true, false);
            }
            "account" => Resource::Accounts,
            "mandate" => Resource::Mandates,
            "command" => Resource::Commands,
            "confirmation" => Resource::Confirmations,
            _ => return Err(No::Unsupported),
        };
        let fresh = AccountId(input.array_or_zeros("account")?);
        let command = self.desk(now).open_posted(resource, &body, self.ledger.state(), fresh)?;
        let paper = self.decide(&command, now, salt)?;
        match command {
            // Whatever a cancel brings to light is what was asked for. [CMD-26]
            Command::Cancel(order) => self.told(&paper, order.is_payers, true),
            _ => self.told(&paper, true, false),
        }
    }

    pub(super) fn ask(&mut self, input: Input<'_>) -> Said {
        self.end_what_is_due(input.seconds("now")?)?;
        let intent = PaperId(input.array("intent")?);
        if self.ledger.payment(&intent).is_none() {
            return Err(Code::NotFound.into());
        }
        self.told(&intent, input.flag("payer"), false)
    }

    pub(super) fn tick(&mut self, input: Input<'_>) -> Said {
        self.end_what_is_due(input.seconds("now")?)?;
        Ok(json!({}))
    }

    pub(super) fn put(&mut self, input: Input<'_>) -> Said {
        for message in input.list("messages")? {
            let done = match message.get("message") {
                Some(_) => self.receive(message),
                None => self.tick(message),
            };
            if let Err(no) = done {
                return Err(broken(format!("a message that leads to the state is refused: {}", no.reply())));
            }
        }
        Ok(json!({}))
    }

    pub(super) fn state(&self) -> Said {
        let refused = |intent: &PaperId| {
            self.answers.get(intent).is_none_or(|answered| answered.claims.outcome == Outcome::Refused)
        };
        Ok(state::show(self.state_of(), self.ledger.past(), refused))
    }

    pub(super) fn status(&mut self, input: Input<'_>) -> Said {
        let (mandate, now) = (PaperId(input.array("mandate")?), input.seconds("now")?);
        let (state, suspensions) = standing(self.state_of(), &mandate, now).ok_or(Code::NotFound)?;
        let paper = Status {
            issuer: self.id.clone(),
            expires_at: now.saturating_add(STATUS_SECONDS),
            issued_at: now,
            mandate,
            state,
            suspensions: List::new(suspensions),
        };
        Ok(json!({ "paper": hex(self.sign(&paper, true)?), "state": state.name() }))
    }

    fn state_of(&self) -> &State {
        self.ledger.state()
    }

    fn desk(&self, now: UnixSeconds) -> Desk<'_> {
        let context = Context { network: self.network.as_str() };
        Desk { issuer: &self.id, context, crypto: &Portable, parties: &self.register, now }
    }

    /// Registers what came with a payment, then decides it. The paper whose answer is the payment's. [AUT-8]
    fn pay(&mut self, body: &[u8], now: UnixSeconds, salt: Nonce) -> Result<PaperId, No> {
        let request = PaymentRequest::read(body)?;
        let known = Frame::read(request.intent).map(|frame| id(frame.protected, frame.payload)).ok();
        let decided = |payment: &Payment| !matches!(payment, Payment::Pending(_));
        // A known intent gets its outcome whatever has become of the rest of its message. [AUT-10]
        if known.and_then(|intent| self.ledger.payment(&intent)).is_some_and(decided) {
            return Ok(self.desk(now).intent_id(&request, self.state_of())?);
        }
        let opened = self.desk(now).open_payment(
            &request,
            self.state_of(),
            |account, merchant| self.pseudonym(account, merchant),
            |mandate| self.state_of().mandates.get(mandate).map(|record| record.mandate.account),
        )?;
        for mandate in opened.mandates {
            let paper = self.decide(&Command::Register(Box::new(mandate)), now, salt)?;
            // A mandate that is refused ends the payment with its own refusal.
            if self.answers.get(&paper).is_some_and(|answered| answered.claims.outcome == Outcome::Refused) {
                return Ok(paper);
            }
        }
        self.decide(&Command::Pay(Box::new(opened.order)), now, salt)
    }

    /// Has a command decided; the paper under which its answer is kept.
    fn decide(&mut self, command: &Command, now: UnixSeconds, salt: Nonce) -> Result<PaperId, No> {
        self.end_what_is_due(now)?;
        match self.ledger.step(command, now, salt).map_err(|what| broken(what.to_string()))? {
            Answer::NotDecided(fault) => Err(fault.into()),
            Answer::Known(paper) => Ok(paper),
            Answer::Decided(record) => {
                self.keep(&record, now)?;
                Ok(record.command)
            }
        }
    }

    fn end_what_is_due(&mut self, now: UnixSeconds) -> Result<(), No> {
        // Nobody is told these salts before they are drawn, and no case compares them.
        let mut drawn = 0_u8;
        let due = self.ledger.expire(now, usize::MAX, || {
            drawn = drawn.wrapping_add(1);
            Nonce([drawn; 16])
        });
        due.map_err(|what| broken(what.to_string()))?.iter().try_for_each(|record| self.keep(record, now))
    }

    /// Signs a batch of one.
    fn keep(&mut self, record: &Record, clock: UnixSeconds) -> Result<(), No> {
        let now = self.ledger.time(clock);
        let claims = encoded(&record.claims);
        let tree = Tree::new(vec![leaf_hash(&claims)]);
        let batch = self.log.size();
        self.log.push(leaf_hash(&tree.root())); // [RCT-9]
        let root = Root {
            issued_at: now,
            tree_root: Digest(tree.root()),
            tree_size: NonZeroU32::MIN,
            batch,
            log_root: Digest(self.log.root()),
            log_size: self.log.size(),
            network: self.network.clone(),
        };
        let receipt = Receipt { claims, index: 0, path: Vec::new(), root: self.sign(&root, false)? };
        let enrolled = match &record.event {
            Event::Enrolled(enrolled) => Some((enrolled.account, enrolled.key, enrolled.expires_at)),
            Event::Thawed(thawed) => thawed.key.0.map(|key| (thawed.account, key, thawed.expires_at)), // [WAL-44]
            _ => None,
        };
        let credential = enrolled.map(|(account, key, expires_at)| {
            let (issuer, key) = (self.id.clone(), KeyHolder(key));
            self.sign(&Credential { issuer, account, expires_at, issued_at: now, key }, false)
        });
        let credential = credential.transpose()?;
        let (claims, receipt, detail) = (record.claims.clone(), encoded(&receipt), record.detail.clone());
        self.answers.insert(record.command, Answered { claims, receipt, detail, credential });
        Ok(())
    }

    /// The recorded answer, as the payer's side or as everybody else is told it.
    fn told(&self, paper: &PaperId, payer: bool, always_accepted: bool) -> Said {
        let answered = self.answers.get(paper).ok_or_else(|| broken("what was decided has no answer"))?;
        let detail = answered.detail.as_ref().filter(|_| payer); // [RCT-14]
        let bytes = detail.map(encoded);
        let body = AnswerBody { receipt: &answered.receipt, detail: bytes.as_deref() }.write();
        let mut value = json!({ "answer": hex(body), "outcome": answered.claims.outcome.name() });
        if let Some(credential) = &answered.credential {
            value["credential"] = json!(hex(credential)); // [SIG-26]
        }
        let said_no = matches!(answered.claims.outcome, Outcome::Refused | Outcome::Cancelled);
        let code = detail.map_or(answered.claims.code, |detail| Some(detail.code)).and_then(|code| code.code());
        match code {
            Some(code) if said_no && !always_accepted => {
                Err(No::Reject(Fault::new(code).at_stage(decided_stage(code)), value))
            }
            _ => Ok(value),
        }
    }

    fn pseudonym(&self, account: &AccountId, merchant: &PartyId) -> Pseudonym {
        pseudonym(&self.pseudonym_secret, account, merchant)
    }

    fn sign<T: Paper>(&self, paper: &T, with_chain: bool) -> Result<Vec<u8>, No> {
        let leaf = self.chain.first().ok_or_else(|| broken("the issuer was started without a chain"))?;
        let chain: Vec<&[u8]> = self.chain.iter().filter(|_| with_chain).map(Vec::as_slice).collect();
        let context = Context { network: self.network.as_str() };
        sign_by_certificate(paper, context, &self.signer, certificate_id(leaf), &chain)
            .map_err(|_| broken("the issuer's key does not sign"))
    }
}

/// How a mandate stands, those above it considered, and the suspensions that stand. [REV-9]
fn standing(state: &State, mandate: &PaperId, now: UnixSeconds) -> Option<(MandateState, Vec<PaperId>)> {
    let chain = state.chain(mandate)?;
    let is = |standing| chain.iter().any(|(id, record)| state.standing(id, record) == standing);
    let expired = chain.iter().any(|(_, record)| record.mandate.expires_at <= now);
    let exhausted = chain.iter().any(|(_, record)| {
        let total = record.mandate.caps.as_ref().and_then(|caps| caps.total);
        let lineage = state.lineages.get(&(record.mandate.account, record.mandate.lineage));
        total.zip(lineage).is_some_and(|(total, lineage)| lineage.counters.at(None, None, now).minor >= total.minor())
    });
    let said = match () {
        () if is(Standing::Revoked) => MandateState::Revoked,
        () if is(Standing::Superseded) => MandateState::Superseded,
        () if expired => MandateState::Expired,
        () if is(Standing::Suspended) => MandateState::Suspended,
        () if exhausted => MandateState::Exhausted,
        () => MandateState::Active,
    };
    let latest = chain.iter().filter_map(|(id, _)| state.latest(id));
    let standing: BTreeSet<_> = latest.flat_map(|(_, record)| record.suspensions.iter().map(|(by, _)| *by)).collect();
    Some((said, standing.into_iter().take(64).collect()))
}
