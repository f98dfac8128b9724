//! The issuer's process: the desk, the writer and the start that the server has, on a simulated disk.
//!
//! What the server does on many threads is done here in the order that chance gives: requests are opened, wait in
//! the queue, are written in batches, and answered out of the store. A process that cannot write lives on for a
//! moment, as a real one does until it is gone, and then only its disk is left.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::field::KeyHolder;
use purser_protocol::flow::issuer::{Desk, PaymentRequest, Resource, pseudonym};
use purser_protocol::id::{AccountId, Digest, PaperId, PartyId, Text};
use purser_protocol::ledger::event::Event;
use purser_protocol::ledger::state::{Payment, State};
use purser_protocol::ledger::{Command, Ledger, Settings};
use purser_protocol::paper::credential::Credential;
use purser_protocol::receipt::log::Log;
use purser_protocol::receipt::{Claims, Outcome};
use purser_protocol::sign::paper::id;
use purser_protocol::sign::{Context, Frame, sign_by_certificate};
use purser_protocol::time::UnixSeconds;
use purser_server::head::{self, Mark};
use purser_server::store::{Answered, Reader, Store, StoreError};
use purser_server::writer::{Job, Reply, Seal, UnderWay, Writer};
use purser_server::{lookup, snapshot};
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{Notify, oneshot};

use crate::chance::Chance;
use crate::disk::{Disk, Fate, Platter};
use crate::keys::{Certified, Key, Pretend, certificate};

/// The network of all runs.
pub const CONTEXT: Context<'static> = Context { network: "simulated" };
/// Most commands that wait.
const QUEUE_MAX: usize = 12;

/// What is asked of an issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// `POST /v1/intents`
    Pay(Vec<u8>),
    /// `GET /v1/intents/{id}`
    Intent(PaperId),
    /// A paper, to the resource that takes it.
    Post(Resource, Vec<u8>),
}

/// What it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A signed answer.
    Answer(Box<Answered>),
    /// Nothing was decided.
    Problem(Code),
    /// It does not say; of a server's failure nobody knows what was decided.
    Failed,
}

/// An answer, and to which question.
pub type Spoken = (u64, Said);

/// How a step of the writer went.
#[derive(Debug)]
pub enum Wrote {
    /// There was nothing to do.
    Nothing,
    /// A batch, or none, was written and answered.
    Batch,
    /// The process is ending.
    Ends(String),
}

/// Everything of an issuer that outlives its process.
pub struct Issuer {
    /// Its name.
    pub id: PartyId,
    /// Its disk.
    pub disk: Disk,
    /// Whose certificates it believes.
    pub certified: Arc<Certified>,
    /// Its clock, in Unix seconds.
    pub clock: Arc<Mutex<u64>>,
    /// What it last signed, in a file outside of its store.
    mark: Arc<Mutex<Option<Mark>>>,
    /// Where its snapshots go.
    snapshot: PathBuf,
    fresh: Arc<Mutex<Chance>>,
    /// Its process, while one runs.
    pub process: Option<Process>,
}

/// A running issuer.
pub struct Process {
    writer: Writer,
    ledger: Arc<RwLock<Ledger>>,
    reader: Disk,
    secret: [u8; 32],
    queue: VecDeque<Job>,
    tasks: Vec<Task>,
}

/// A request that is being answered.
struct Task {
    question: u64,
    rest: VecDeque<(Command, Vec<u8>)>,
    waits: oneshot::Receiver<Reply>,
    /// Whether the reasons of a refusal are told.
    is_told: bool,
}

impl Issuer {
    /// One whose disk is empty. `snapshot` is a file that nobody else writes.
    pub fn new(id: PartyId, certified: Arc<Certified>, snapshot: PathBuf, seed: u64) -> Self {
        Self {
            id,
            disk: Disk::default(),
            certified,
            clock: Arc::new(Mutex::new(0)),
            mark: Arc::default(),
            snapshot,
            fresh: Arc::new(Mutex::new(Chance::new(seed))),
            process: None,
        }
    }

    /// What its ledger is told.
    pub fn settings(&self) -> Settings {
        Settings {
            issuer: self.id.clone(),
            sandbox: true,
            approval_base: "https://issuer.example/approve/".into(),
            credential_seconds: 365 * 86_400,
        }
    }

    /// Starts a process on what the disk holds, as the server starts.
    pub fn start(&mut self) -> Result<(), String> {
        self.process = Some(self.started(&self.disk.clone())?);
        Ok(())
    }

    /// How many batches it has marked as signed. A mark may be behind the disk, and never ahead of it.
    pub fn marked(&self) -> usize {
        let mark = *self.mark.lock().unwrap_or_else(PoisonError::into_inner);
        mark.map_or(0, |mark| usize::try_from(mark.log_size).unwrap_or(usize::MAX))
    }

    /// Whether a process would start on an older backup of the store.
    pub fn starts_on(&self, older: Platter) -> bool {
        self.started(&Disk::of(older)).is_ok()
    }

    fn started(&self, disk: &Disk) -> Result<Process, String> {
        let wrong = |error: StoreError| error.to_string();
        let mut store = disk.clone();
        let fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner).bytes();
        let secret = store.pseudonym_secret(fresh).map_err(wrong)?;
        let mut reader = disk.clone();
        let point = snapshot::latest(&self.snapshot, &self.id, &mut reader).map_err(wrong)?;
        self.check_mark(&point.log, &mut reader)?;
        let edge = point.log.edge();
        let now = Mark { log_size: edge.size(), log_root: Digest(edge.root()) };
        *self.mark.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        let ledger = Arc::new(RwLock::new(Ledger::from_state(self.settings(), point.state)));
        let (clock, chance, mark) = (Arc::clone(&self.clock), Arc::clone(&self.fresh), Arc::clone(&self.mark));
        let writer = Writer {
            ledger: Arc::clone(&ledger),
            store: Box::new(store),
            reader: Box::new(disk.clone()),
            seal: self.seal(),
            now: Box::new(move || seconds(*clock.lock().unwrap_or_else(PoisonError::into_inner))),
            fresh: Box::new(move || Ok(chance.lock().unwrap_or_else(PoisonError::into_inner).bytes())),
            log: edge,
            committed: Arc::new(Notify::new()),
            under_way: UnderWay::default(),
            publish: Box::new(move |_, _, _, now| {
                *mark.lock().unwrap_or_else(PoisonError::into_inner) = Some(*now);
            }),
        };
        Ok(Process { writer, ledger, reader: disk.clone(), secret, queue: VecDeque::new(), tasks: Vec::new() })
    }

    fn check_mark(&self, log: &Log, reader: &mut dyn Reader) -> Result<(), String> {
        let mark = *self.mark.lock().unwrap_or_else(PoisonError::into_inner);
        let mark = mark.unwrap_or(Mark { log_size: 0, log_root: Digest([0; 32]) });
        head::check(&self.snapshot, mark, log, reader).map_err(|error| error.to_string())
    }

    fn seal(&self) -> Seal {
        let (key, x5t) = (Key::named(self.id.as_str()), certificate(&self.id));
        let id = self.id.clone();
        Seal {
            network: Text::new(CONTEXT.network).expect("a short name"),
            root: Box::new(move |root| sign_by_certificate(root, CONTEXT, &key, x5t, &[])),
            credential: Box::new(move |event, now| {
                let Event::Enrolled(enrolled) = event else { return Ok(None) };
                let credential = Credential {
                    issuer: id.clone(),
                    account: enrolled.account,
                    expires_at: enrolled.expires_at,
                    issued_at: now,
                    key: KeyHolder(enrolled.key),
                };
                sign_by_certificate(&credential, CONTEXT, &key, x5t, &[]).map(Some)
            }),
        }
    }

    /// Renews the snapshot, as the server does beside its work.
    pub fn renew_snapshot(&self) -> Result<(), String> {
        let mut reader = self.disk.clone();
        snapshot::renew(&self.snapshot, &self.id, &mut reader).map(drop).map_err(|error| error.to_string())
    }

    /// The power goes, and the process with it.
    pub fn cut(&mut self, lucky: usize) {
        self.process = None;
        self.disk.platter().cut(lucky);
    }

    /// Takes a request; what can be said at once is said.
    pub fn take(&mut self, question: u64, ask: &Ask, fresh: AccountId) -> Option<Said> {
        let now = seconds(*self.clock.lock().unwrap_or_else(PoisonError::into_inner));
        let process = self.process.as_mut()?;
        let desk = Desk { issuer: &self.id, context: CONTEXT, crypto: &Pretend, parties: &*self.certified, now };
        match ask {
            Ask::Pay(body) => process.pay(question, &desk, body),
            Ask::Intent(intent) => Some(process.intent(intent)),
            Ask::Post(resource, body) => process.post(question, &desk, *resource, body, fresh),
        }
    }

    /// The writer takes what waits, at most so much, and what it said is told.
    pub fn step(&mut self, most: usize, fate: Fate) -> (Wrote, Vec<Spoken>) {
        let Some(process) = self.process.as_mut() else { return (Wrote::Nothing, Vec::new()) };
        self.disk.platter().fate = fate;
        let most = most.min(process.queue.len());
        let jobs: Vec<Job> = process.queue.drain(..most).collect();
        let stepped = process.writer.step(jobs);
        let spoken = process.answer();
        match stepped {
            Ok(()) => {
                self.disk.platter().fate = Fate::Kept;
                (Wrote::Batch, spoken)
            }
            Err(error) => (Wrote::Ends(error.to_string()), spoken),
        }
    }

    /// The state of the running process.
    pub fn with_state<T>(&self, look: impl FnOnce(&State) -> T) -> Option<T> {
        let process = self.process.as_ref()?;
        let ledger = process.ledger.read().unwrap_or_else(PoisonError::into_inner);
        Some(look(ledger.state()))
    }

    /// How many commands wait.
    pub fn waiting(&self) -> usize {
        self.process.as_ref().map_or(0, |process| process.queue.len())
    }
}

impl Process {
    /// As the server's handler: opened, known before anything else is said of it, its mandates first.
    fn pay(&mut self, question: u64, desk: &Desk<'_>, body: &[u8]) -> Option<Said> {
        let request = match PaymentRequest::read(body) {
            Ok(request) => request,
            Err(fault) => return Some(Said::Problem(fault.code)),
        };
        let ledger = Arc::clone(&self.ledger);
        let ledger = ledger.read().unwrap_or_else(PoisonError::into_inner);
        let state = ledger.state();
        let opened = desk.open_payment(
            &request,
            state,
            |account, merchant| pseudonym(&self.secret, account, merchant),
            |mandate| state.mandates.get(mandate).map(|record| record.mandate.account),
        );
        let is_plain = opened.as_ref().is_ok_and(|opened| opened.mandates.is_empty());
        if !is_plain && self.is_decided(state, &request) {
            return Some(match desk.intent_id(&request, state) {
                Ok(intent) => self.stored(&intent),
                Err(fault) => Said::Problem(fault.code),
            });
        }
        let opened = match opened {
            Ok(opened) => opened,
            Err(fault) => return Some(problem(&fault)),
        };
        let mandates = opened.mandates.into_iter();
        let mut rest: VecDeque<_> = mandates
            .map(|mandate| {
                let evidence = mandate.bytes().to_vec();
                (Command::Register(Box::new(mandate)), evidence)
            })
            .collect();
        rest.push_back((Command::Pay(Box::new(opened.order)), body.to_vec()));
        self.begin(question, rest, true)
    }

    fn is_decided(&self, state: &State, request: &PaymentRequest<'_>) -> bool {
        let Ok(intent) = Frame::read(request.intent).map(|frame| id(frame.protected, frame.payload)) else {
            return false;
        };
        let waits = state.payments.get(&intent).is_some_and(|payment| matches!(payment, Payment::Pending(_)));
        let mut reader = self.reader.clone();
        !waits && lookup::told(&mut reader, &intent).is_ok_and(|told| !told.is_empty())
    }

    fn post(
        &mut self,
        question: u64,
        desk: &Desk<'_>,
        resource: Resource,
        body: &[u8],
        fresh: AccountId,
    ) -> Option<Said> {
        let opened = {
            let ledger = self.ledger.read().unwrap_or_else(PoisonError::into_inner);
            desk.open_posted(resource, body, ledger.state(), fresh)
        };
        match opened {
            Ok(command) => {
                let is_told = !matches!(&command, Command::Cancel(order) if !order.is_payers);
                self.begin(question, VecDeque::from([(command, body.to_vec())]), is_told)
            }
            Err(fault) => Some(problem(&fault)),
        }
    }

    fn intent(&self, intent: &PaperId) -> Said {
        match self.stored(intent) {
            Said::Answer(answered) if claims(&answered).and_then(|claims| claims.intent) != Some(*intent) => {
                Said::Problem(Code::NotFound)
            }
            said => said,
        }
    }

    fn stored(&self, paper: &PaperId) -> Said {
        match self.reader.clone().answer(paper) {
            Ok(Some(answered)) => Said::Answer(Box::new(answered)),
            Ok(None) => Said::Problem(Code::NotFound),
            Err(_) => Said::Failed,
        }
    }

    fn begin(&mut self, question: u64, mut rest: VecDeque<(Command, Vec<u8>)>, is_told: bool) -> Option<Said> {
        let (command, evidence) = rest.pop_front()?;
        let (reply, waits) = oneshot::channel();
        if self.queue.len() >= QUEUE_MAX {
            return Some(Said::Problem(Code::Overloaded));
        }
        self.queue.push_back(Job { command, evidence, reply });
        self.tasks.push(Task { question, rest, waits, is_told });
        None
    }

    /// Goes on with every request whose command was answered.
    fn answer(&mut self) -> Vec<Spoken> {
        let mut spoken = Vec::new();
        for mut task in std::mem::take(&mut self.tasks) {
            let reply = match task.waits.try_recv() {
                Err(TryRecvError::Empty) => {
                    self.tasks.push(task);
                    continue;
                }
                Err(TryRecvError::Closed) => {
                    spoken.push((task.question, Said::Failed));
                    continue;
                }
                Ok(Reply::NotDecided(fault)) => {
                    spoken.push((task.question, problem(&fault)));
                    continue;
                }
                Ok(Reply::Stored(paper)) => self.stored(&paper),
                Ok(Reply::Decided(answered)) => Said::Answer(answered),
            };
            let refused = match &reply {
                Said::Answer(answered) => claims(answered).is_some_and(|claims| claims.outcome == Outcome::Refused),
                Said::Problem(_) | Said::Failed => true,
            };
            if task.rest.is_empty() || refused {
                spoken.push((task.question, told(reply, task.is_told)));
            } else if let Some(said) = self.begin(task.question, task.rest, task.is_told) {
                spoken.push((task.question, said));
            }
        }
        spoken
    }
}

fn told(said: Said, is_told: bool) -> Said {
    match said {
        Said::Answer(answered) if !is_told => Said::Answer(Box::new(Answered { detail: None, ..*answered })),
        said => said,
    }
}

fn problem(fault: &Fault) -> Said {
    if fault.code.status() >= 500 && fault.code != Code::Overloaded { Said::Failed } else { Said::Problem(fault.code) }
}

/// What a receipt says.
pub fn claims(answered: &Answered) -> Option<Claims> {
    answered.receipt.read_claims().ok()
}

/// A time that can be written.
pub fn seconds(seconds: u64) -> UnixSeconds {
    UnixSeconds::new(seconds).unwrap_or(UnixSeconds::MAX)
}
