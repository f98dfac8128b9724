//! The one writer: decide, sign the root, write, sync; then answer.
//!
//! Whatever has come in while a batch was written is the next batch; under load the writer waits a moment for those
//! that are being verified, since a larger batch costs one sync all the same. An answer leaves only when its batch is
//! on the disk; when the disk fails, the process ends without answering.
//!
//! [`Writer::step`] is one batch, and has no clock, thread or randomness of its own: the simulator drives it as the
//! thread does.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use std::thread;
use std::time::Duration;

use purser_protocol::fault::Fault;
use purser_protocol::field::encoded;
use purser_protocol::id::{Digest, Nonce, PaperId, Text};
use purser_protocol::ledger::event::Event;
use purser_protocol::ledger::{Answer, Command, Ledger, Record};
use purser_protocol::receipt::log::batch_leaf;
use purser_protocol::receipt::tree::{Frontier, Tree, leaf_hash};
use purser_protocol::receipt::{Receipt, Root};
use purser_protocol::sign::SignerFailed;
use purser_protocol::time::UnixSeconds;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::head::Mark;
use crate::lookup;
use crate::random::NoRandomness;
use crate::store::{Answered, Batch, Entry, Reader, Store, StoreError};

/// Most commands of one batch, and most that comes due in one: paths stay short, and the first does not wait long.
const BATCH_MAX: usize = 256;
/// Most commands that wait for the writer; what comes beyond is told to come again.
const QUEUE_MAX: usize = 1_024;
/// How long a batch waits for more while many commands are on their way to it.
const WINDOW: Duration = Duration::from_millis(3);
/// How many are many.
const LOADED: usize = 48;
/// How often what has come due is looked for when nothing else happens.
const IDLE: Duration = Duration::from_millis(250);

/// A command and what was sent.
pub struct Job {
    /// The command.
    pub command: Command,
    /// The bytes that it came in.
    pub evidence: Vec<u8>,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Reply>,
}

/// What the writer says. It says it after its batch is on the disk.
#[derive(Debug)]
pub enum Reply {
    /// Nothing was decided.
    NotDecided(Fault),
    /// The answer is in the store, under this paper.
    Stored(PaperId),
    /// It was decided in this batch, as the store has it.
    Decided(Box<Answered>),
}

/// How many commands are on their way to the writer, those that are still being verified among them.
#[derive(Clone, Debug, Default)]
pub struct UnderWay(Arc<AtomicUsize>);

impl UnderWay {
    /// Counts one for as long as what comes back lives.
    pub fn enter(&self) -> Entered {
        self.0.fetch_add(1, Ordering::Relaxed);
        Entered(self.clone())
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// One that is under way.
#[derive(Debug)]
pub struct Entered(UnderWay);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Makes the credential of an event that is an enrolment.
pub type MakeCredential = Box<dyn Fn(&Event, UnixSeconds) -> Result<Option<Vec<u8>>, SignerFailed> + Send>;

/// Signs a root.
pub type SignRoot = Box<dyn Fn(&Root) -> Result<Vec<u8>, SignerFailed> + Send>;

/// What signs roots, and makes papers that go with an answer.
pub struct Seal {
    /// The network that the roots are of.
    pub network: Text<32>,
    /// Signs a root.
    pub root: SignRoot,
    /// Makes the credential of an enrolment.
    pub credential: MakeCredential,
}

/// Tells the time.
pub type Now = Box<dyn Fn() -> UnixSeconds + Send>;
/// Gives fresh random bytes.
pub type Fresh = Box<dyn FnMut() -> Result<[u8; 16], NoRandomness> + Send>;

/// What others are told of a batch that is on the disk.
pub type Publish = Box<dyn Fn(&Ledger, &[Record], &Batch, &Mark) + Send>;

/// The writer, ready to run.
pub struct Writer {
    /// The ledger; readers wait while a batch is decided and written, so that they see only what is stored.
    pub ledger: Arc<RwLock<Ledger>>,
    /// Where batches are kept.
    pub store: Box<dyn Store>,
    /// Looks up what the ledger does not hold any more.
    pub reader: Box<dyn Reader>,
    /// Signs.
    pub seal: Seal,
    /// The time.
    pub now: Now,
    /// What salts are made of.
    pub fresh: Fresh,
    /// The log of batches.
    pub log: Frontier,
    /// Told after each batch.
    pub committed: Arc<Notify>,
    /// What a batch may wait for.
    pub under_way: UnderWay,
    /// Called after each batch is on the disk and before it is answered.
    pub publish: Publish,
}

/// Why the writer stopped.
#[derive(Debug, thiserror::Error)]
pub enum WriterError {
    /// The store failed, or what is in it cannot be.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger's events do not fit.
    #[error(transparent)]
    Broken(#[from] purser_protocol::ledger::apply::Broken),
    /// The issuer's key did not sign.
    #[error(transparent)]
    Signer(#[from] SignerFailed),
    /// The system gave no random bytes.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// The system gave no timer.
    #[error("no timer: {0}")]
    Timer(#[from] std::io::Error),
    /// A reader died while it held the ledger.
    #[error("a thread died while it read the ledger")]
    Poisoned,
}

impl Writer {
    /// Starts the thread. It ends when every sender is gone, and ends the process when it fails: nobody then
    /// knows what is on the disk, and only a start from the disk can tell.
    pub fn start(self) -> mpsc::Sender<Job> {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        let run = move || {
            if let Err(error) = self.run(receiver) {
                tracing::error!(%error, "the writer stops, and the process with it");
                std::process::exit(70);
            }
        };
        if let Err(error) = thread::Builder::new().name("writer".into()).spawn(run) {
            tracing::error!(%error, "no thread for the writer");
            std::process::exit(70);
        }
        sender
    }

    fn run(mut self, mut jobs: mpsc::Receiver<Job>) -> Result<(), WriterError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        loop {
            let mut batch = Vec::new();
            match runtime.block_on(async { tokio::time::timeout(IDLE, jobs.recv_many(&mut batch, BATCH_MAX)).await }) {
                Ok(0) => return Ok(()),
                Ok(_) => {
                    let batch = self.gathered(batch, &mut jobs);
                    self.step(batch)?;
                }
                Err(_) => self.step(batch)?,
            }
        }
    }

    /// A batch with what comes in a moment, where many are on their way.
    fn gathered(&self, mut batch: Vec<Job>, jobs: &mut mpsc::Receiver<Job>) -> Vec<Job> {
        let coming = self.under_way.count();
        if coming >= LOADED && batch.len() < coming / 2 && batch.len() < BATCH_MAX {
            thread::sleep(WINDOW);
            while batch.len() < BATCH_MAX
                && let Ok(job) = jobs.try_recv()
            {
                batch.push(job);
            }
        }
        batch
    }

    /// One batch, from the queue to the answers. After an error there must be no other.
    pub fn step(&mut self, jobs: Vec<Job>) -> Result<(), WriterError> {
        // One that was stopped and goes on knows nothing of what was decided since. [OPS-6]
        if self.store.lease().is_some_and(|lease| !lease.is_held()) {
            return Err(StoreError::Fenced.into());
        }
        let ledger = Arc::clone(&self.ledger);
        let now = (self.now)();
        // Only this thread decides, so that what is found stays true until it does; and nobody waits meanwhile.
        let needs = {
            let ledger = ledger.read().map_err(|_| WriterError::Poisoned)?;
            jobs.iter().flat_map(|job| ledger.needs(&job.command, now)).collect::<Vec<_>>()
        };
        let found = lookup::find(self.reader.as_mut(), &needs)?;
        let mut ledger = ledger.write().map_err(|_| WriterError::Poisoned)?; // [AUT-70]
        found.into_iter().try_for_each(|found| ledger.supply(found))?; // [AUT-12]

        let mut records = self.come_due(&mut ledger, now)?;
        // A receipt goes through a header field, which bounds its path and so the batch. [HTB-2]
        while !records.is_empty() && records.len() + jobs.len() > BATCH_MAX {
            self.commit(&ledger, records, now)?;
            records = self.come_due(&mut ledger, now)?;
        }
        let mut replies = Vec::with_capacity(jobs.len());
        for job in jobs {
            // What comes before it in the batch may have changed what it needs.
            let needs = ledger.needs(&job.command, now);
            if !needs.is_empty() {
                let found = lookup::find(self.reader.as_mut(), &needs)?;
                found.into_iter().try_for_each(|found| ledger.supply(found))?;
            }
            let reply = match ledger.step(&job.command, now, Nonce((self.fresh)()?))? {
                Answer::NotDecided(fault) => Ok(Reply::NotDecided(fault)),
                Answer::Known(paper) => Ok(Reply::Stored(paper)),
                Answer::Decided(record) => {
                    records.push((*record, job.evidence));
                    Err(records.len() - 1)
                }
            };
            replies.push((job.reply, reply));
        }
        let mut answers = match records.is_empty() {
            true => Vec::new(),
            false => self.commit(&ledger, records, now)?, // [AUT-69]
        };
        ledger.forget();
        drop(ledger);
        for (to, reply) in replies {
            let reply = match reply {
                Ok(reply) => reply,
                Err(place) => match answers.get_mut(place).and_then(Option::take) {
                    Some(answered) => Reply::Decided(Box::new(answered)),
                    None => return Err(StoreError::Damaged("a decision has no answer".into()).into()),
                },
            };
            // Who asked may have gone; the answer stays in the store.
            let _ = to.send(reply);
        }
        self.committed.notify_waiters();
        Ok(())
    }

    /// What has come due, as much of it as one batch holds.
    fn come_due(&mut self, ledger: &mut Ledger, now: UnixSeconds) -> Result<Vec<(Record, Vec<u8>)>, WriterError> {
        let mut failed = None;
        let due = ledger.expire(now, BATCH_MAX, || {
            Nonce((self.fresh)().unwrap_or_else(|error| {
                failed = Some(error);
                [0; 16]
            }))
        })?;
        // Nothing is answered or kept with a salt that is not random.
        failed.map_or(Ok(()), Err)?;
        Ok(due.into_iter().map(|record| (record, Vec::new())).collect())
    }

    /// Signs and keeps what was decided; the answers, in its order.
    fn commit(
        &mut self,
        ledger: &Ledger,
        records: Vec<(Record, Vec<u8>)>,
        clock: UnixSeconds,
    ) -> Result<Vec<Option<Answered>>, WriterError> {
        let now = ledger.time(clock);
        let (records, evidence): (Vec<Record>, Vec<Vec<u8>>) = records.into_iter().unzip();
        let entries = records.iter().zip(evidence).map(|(record, evidence)| {
            Ok(Entry {
                command: record.command,
                event: encoded(&record.event),
                claims: encoded(&record.claims),
                detail: record.detail.as_ref().map(encoded),
                evidence,
                made: (self.seal.credential)(&record.event, now)?,
                payment: record.event.payment().filter(|intent| *intent != record.command),
                payer: record.event.payer(),
            })
        });
        let entries = entries.collect::<Result<Vec<Entry>, SignerFailed>>()?;
        let tree = Tree::new(entries.iter().map(|entry| leaf_hash(&entry.claims)).collect()); // [RCT-5]
        let number = self.log.size();
        self.log.push(batch_leaf(&tree.root())); // [RCT-9]
        let batch = Batch {
            number,
            decided_at_seconds: now.get(),
            tree_root: tree.root(),
            root: self.seal.sign(&tree, &self.log, number, now)?,
            entries,
        };
        self.store.write(&batch)?;
        self.store.sync()?;
        let mark = Mark { log_size: self.log.size(), log_root: Digest(self.log.root()) };
        (self.publish)(ledger, &records, &batch, &mark);
        let Batch { root, entries, .. } = batch;
        let answers = entries.into_iter().enumerate().map(|(place, entry)| {
            let receipt =
                Receipt { claims: entry.claims, index: place as u64, path: tree.path(place), root: root.clone() };
            Some(Answered { receipt, detail: entry.detail, made: entry.made }) // [RCT-7]
        });
        Ok(answers.collect())
    }
}

impl Seal {
    fn sign(&self, tree: &Tree, log: &Frontier, batch: u64, now: UnixSeconds) -> Result<Vec<u8>, WriterError> {
        let size = u32::try_from(tree.size()).ok().and_then(std::num::NonZeroU32::new);
        let root = Root {
            issued_at: now,
            tree_root: Digest(tree.root()),
            tree_size: size.ok_or_else(|| StoreError::Damaged("a batch of nothing".into()))?,
            batch,
            log_root: Digest(log.root()),
            log_size: log.size(),
            network: self.network.clone(),
        };
        Ok((self.root)(&root)?)
    }
}
