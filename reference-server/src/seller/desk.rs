//! Sessions and packs, and the one order in which each decides: look, keep, apply, then act.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use purser_merchant::StoreError;
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::field::{decoded, encoded};
use purser_protocol::id::{Digest, PaperId};
use purser_protocol::token::pack::{self, Pack};
use purser_protocol::token::seller::{self, Session};
use purser_protocol::wire::Field;
use tokio::sync::Notify;

use super::book::{Book, Kind, Made, Taking, Took};
use super::internal;
use crate::reply::Problem;

/// What is the fold of its records.
pub(super) trait Fold: Sized + Send + 'static {
    /// What happens to it.
    type Record: Field + Clone + Send + 'static;
    /// Which records are its.
    const KIND: Kind;
    /// What records make.
    fn restored(records: Vec<Self::Record>) -> Option<Self>;
    /// Applies what was kept.
    fn applies(&mut self, record: &Self::Record);
}

impl Fold for Session {
    type Record = seller::Record;
    const KIND: Kind = Kind::Session;

    fn restored(records: Vec<Self::Record>) -> Option<Self> {
        Self::restore(records)
    }

    fn applies(&mut self, record: &Self::Record) {
        self.apply(record);
    }
}

impl Fold for Pack {
    type Record = pack::Record;
    const KIND: Kind = Kind::Pack;

    fn restored(records: Vec<Self::Record>) -> Option<Self> {
        Self::restore(records)
    }

    fn applies(&mut self, record: &Self::Record) {
        self.apply(record);
    }
}

/// The store, and what of it is in memory.
pub(super) struct Desk {
    book: Arc<Mutex<Book>>,
    pub(super) sessions: Accounts<Session>,
    pub(super) packs: Accounts<Pack>,
}

/// All of a kind.
pub(super) struct Accounts<F: Fold> {
    book: Arc<Mutex<Book>>,
    all: Mutex<HashMap<PaperId, Arc<Live<F>>>>,
}

/// One in memory.
pub(super) struct Live<F: Fold> {
    pub(super) id: PaperId,
    /// Whoever shows the secret speaks for it.
    pub(super) secret_hash: Digest,
    /// Woken when it changes.
    pub(super) moved: Notify,
    inner: Mutex<Inner<F>>,
    book: Arc<Mutex<Book>>,
}

struct Inner<F> {
    fold: F,
    /// How many records are kept.
    kept: u64,
}

impl Desk {
    /// Takes up everything that is in the store.
    pub(super) fn open(book: Book) -> Result<Self, StoreError> {
        let book = Arc::new(Mutex::new(book));
        let (sessions, packs) = (Accounts::open(&book)?, Accounts::open(&book)?);
        Ok(Self { book, sessions, packs })
    }

    /// Works on the store, on a thread that may block.
    pub(super) async fn book<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Book) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let book = Arc::clone(&self.book);
        aside(move || work(&mut locked(&book)).map_err(internal)).await
    }

    /// An offer that was made.
    pub(super) async fn offer(&self, id: PaperId) -> Result<Option<Made>, Problem> {
        self.book(move |book| book.find(&id)).await
    }
}

impl<F: Fold> Accounts<F> {
    fn open(book: &Arc<Mutex<Book>>) -> Result<Self, StoreError> {
        let damaged = || StoreError::Damaged("what happened cannot be read".into());
        let (mut all, held) = (HashMap::new(), locked(book));
        for (id, records) in held.accounts(F::KIND)? {
            let kept = u64::try_from(records.len()).map_err(|_| damaged())?;
            let records = records.iter().map(|record| decoded(record)).collect::<Result<Vec<_>, _>>();
            let fold = F::restored(records.map_err(|_| damaged())?).ok_or_else(damaged)?;
            let secret_hash = held.secret_hash(&id)?.ok_or_else(damaged)?;
            all.insert(id, Arc::new(Live::new(id, secret_hash, fold, kept, book)));
        }
        drop(held);
        Ok(Self { book: Arc::clone(book), all: Mutex::new(all) })
    }

    pub(super) fn find(&self, id: &PaperId) -> Option<Arc<Live<F>>> {
        locked(&self.all).get(id).cloned()
    }

    /// Those that something is to be done about.
    pub(super) fn those(&self, wanted: impl Fn(&F) -> bool) -> Vec<Arc<Live<F>>> {
        let all: Vec<_> = locked(&self.all).values().cloned().collect();
        all.into_iter().filter(|live| live.look(&wanted)).collect()
    }

    /// Begins one with the receipt that takes its offer.
    pub(super) async fn begin(&self, taking: Taking, first: F::Record) -> Result<(Took, Arc<Live<F>>), Problem> {
        let (id, secret_hash, book) = (taking.offer, taking.secret_hash, Arc::clone(&self.book));
        let record = encoded(&first);
        let took = aside(move || locked(&book).take(&taking, F::KIND, &id, 0, &record).map_err(internal)).await?;
        if took == Took::Nothing {
            return Err(Problem::new(Code::ReceiptAlreadyUsed));
        }
        let fold = F::restored(vec![first]).ok_or_else(|| Problem::new(Code::Internal))?;
        let live = Arc::new(Live::new(id, secret_hash, fold, 1, &self.book));
        locked(&self.all).insert(id, Arc::clone(&live));
        Ok((took, live))
    }
}

impl<F: Fold> Live<F> {
    fn new(id: PaperId, secret_hash: Digest, fold: F, kept: u64, book: &Arc<Mutex<Book>>) -> Self {
        let inner = Mutex::new(Inner { fold, kept });
        Self { id, secret_hash, moved: Notify::new(), inner, book: Arc::clone(book) }
    }

    /// Looks at it, and changes nothing.
    pub(super) fn look<T>(&self, look: impl FnOnce(&F) -> T) -> T {
        look(&locked(&self.inner).fold)
    }

    /// Decides, keeps what was decided, applies it, and only then says what it was. Nobody else decides meanwhile.
    pub(super) async fn act<T: Send + 'static>(
        self: &Arc<Self>,
        decide: impl FnOnce(&F) -> Result<(Vec<F::Record>, T), Fault> + Send + 'static,
    ) -> Result<T, Problem> {
        let live = Arc::clone(self);
        aside(move || {
            let mut inner = locked(&live.inner);
            let (records, told) = decide(&inner.fold)?;
            live.write(&mut inner, &records)?;
            Ok(told)
        })
        .await
    }

    /// The same, where there is one thing to record, or nothing, and nothing to say.
    pub(super) async fn record(
        self: &Arc<Self>,
        decide: impl FnOnce(&F) -> Result<Option<F::Record>, Fault> + Send + 'static,
    ) -> Result<(), Problem> {
        self.act(|fold| Ok((decide(fold)?.into_iter().collect(), ()))).await
    }

    /// A further purchase, with the receipt that takes its offer.
    pub(super) async fn continue_with(self: &Arc<Self>, taking: Taking, record: F::Record) -> Result<Took, Problem> {
        let live = Arc::clone(self);
        let taken = aside(move || {
            let mut inner = locked(&live.inner);
            let (kept, bytes) = (inner.kept, encoded(&record));
            let took = locked(&live.book).take(&taking, F::KIND, &live.id, kept, &bytes).map_err(internal)?;
            if took == Took::Nothing {
                return Err(Problem::new(Code::ReceiptAlreadyUsed));
            }
            inner.fold.applies(&record);
            inner.kept += 1;
            Ok(took)
        })
        .await?;
        self.moved.notify_waiters();
        Ok(taken)
    }

    fn write(&self, inner: &mut Inner<F>, records: &[F::Record]) -> Result<(), Problem> {
        if records.is_empty() {
            return Ok(());
        }
        let bytes: Vec<Vec<u8>> = records.iter().map(encoded).collect();
        locked(&self.book).keep(F::KIND, &self.id, inner.kept, &bytes).map_err(internal)?; // [TOK-29] [TOK-23] [TOK-42]
        for record in records {
            inner.fold.applies(record);
            inner.kept += 1;
        }
        self.moved.notify_waiters();
        Ok(())
    }
}

async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(internal)?
}

/// What a thread that died left behind is whole: nothing is applied before it is kept.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
