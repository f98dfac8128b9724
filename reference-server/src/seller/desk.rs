//! The sessions, and the one order in which each decides: look, keep, apply, then act.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use purser_merchant::StoreError;
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::id::{Digest, PaperId};
use purser_protocol::token::seller::{Record, Session, State};
use tokio::sync::Notify;

use super::book::{Book, Made, Taking};
use super::internal;
use crate::reply::Problem;

pub(super) struct Desk {
    book: Arc<Mutex<Book>>,
    sessions: Mutex<HashMap<PaperId, Arc<Live>>>,
}

/// A session in memory.
pub(super) struct Live {
    pub(super) id: PaperId,
    /// Whoever shows the secret speaks for it.
    pub(super) secret_hash: Digest,
    /// Woken when links come, and when it ends.
    pub(super) moved: Notify,
    inner: Mutex<Inner>,
    book: Arc<Mutex<Book>>,
}

struct Inner {
    session: Session,
    /// How many records are kept.
    kept: u64,
}

impl Desk {
    /// Takes up every session that is not over.
    pub(super) fn open(book: Book) -> Result<Self, StoreError> {
        let damaged = || StoreError::Damaged("a session cannot be read".into());
        let (mut sessions, book) = (HashMap::new(), Arc::new(Mutex::new(book)));
        let held = locked(&book);
        for (id, records) in held.sessions()? {
            let kept = u64::try_from(records.len()).map_err(|_| damaged())?;
            let session = Session::restore(records).ok_or_else(damaged)?;
            let secret_hash = held.secret_hash(&id)?.ok_or_else(damaged)?;
            sessions.insert(id, Arc::new(Live::new(id, secret_hash, session, kept, &book)));
        }
        drop(held);
        Ok(Self { book, sessions: Mutex::new(sessions) })
    }

    /// Works on the store, on a thread that may block.
    pub(super) async fn book<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Book) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let book = Arc::clone(&self.book);
        aside(move || work(&mut locked(&book)).map_err(internal)).await
    }

    pub(super) fn find(&self, id: &PaperId) -> Option<Arc<Live>> {
        locked(&self.sessions).get(id).cloned()
    }

    /// Those that something is to be done about.
    pub(super) fn open_ones(&self) -> Vec<Arc<Live>> {
        let all: Vec<_> = locked(&self.sessions).values().cloned().collect();
        all.into_iter().filter(|live| !matches!(live.look(Session::state), State::Closed(_))).collect()
    }

    /// Begins a session with the receipt that takes its offer; nothing, when another receipt was quicker.
    pub(super) async fn begin(&self, taking: Taking, first: Record) -> Result<Option<Arc<Live>>, Problem> {
        let (id, secret_hash) = (taking.offer, taking.secret_hash);
        let record = first.clone();
        if !self.book(move |book| book.take(&taking, &id, 0, &record)).await? {
            return Ok(None);
        }
        let session = Session::restore([first]).ok_or_else(|| Problem::new(Code::Internal))?;
        let live = Arc::new(Live::new(id, secret_hash, session, 1, &self.book));
        locked(&self.sessions).insert(id, Arc::clone(&live));
        Ok(Some(live))
    }

    /// An offer that was made.
    pub(super) async fn offer(&self, id: PaperId) -> Result<Option<Made>, Problem> {
        self.book(move |book| book.find(&id)).await
    }
}

impl Live {
    fn new(id: PaperId, secret_hash: Digest, session: Session, kept: u64, book: &Arc<Mutex<Book>>) -> Self {
        let inner = Mutex::new(Inner { session, kept });
        Self { id, secret_hash, moved: Notify::new(), inner, book: Arc::clone(book) }
    }

    /// Looks at it, and changes nothing.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Session) -> T) -> T {
        look(&locked(&self.inner).session)
    }

    /// Decides, keeps what was decided, applies it, and only then says what it was. Nobody else decides meanwhile.
    pub(super) async fn act<T: Send + 'static>(
        self: &Arc<Self>,
        decide: impl FnOnce(&Session) -> Result<(Vec<Record>, T), Fault> + Send + 'static,
    ) -> Result<T, Problem> {
        let live = Arc::clone(self);
        aside(move || {
            let mut inner = locked(&live.inner);
            let (records, told) = decide(&inner.session)?;
            live.write(&mut inner, &records)?;
            Ok(told)
        })
        .await
    }

    /// The same, where there is one thing to record, or nothing, and nothing to say.
    pub(super) async fn record(
        self: &Arc<Self>,
        decide: impl FnOnce(&Session) -> Result<Option<Record>, Fault> + Send + 'static,
    ) -> Result<(), Problem> {
        self.act(|session| Ok((decide(session)?.into_iter().collect(), ()))).await
    }

    /// A further hold, with the receipt that takes its offer.
    pub(super) async fn continue_with(self: &Arc<Self>, taking: Taking, record: Record) -> Result<bool, Problem> {
        let live = Arc::clone(self);
        let taken = aside(move || {
            let mut inner = locked(&live.inner);
            let kept = inner.kept;
            if !locked(&live.book).take(&taking, &live.id, kept, &record).map_err(internal)? {
                return Ok(false);
            }
            inner.session.apply(&record);
            inner.kept += 1;
            Ok(true)
        })
        .await?;
        self.moved.notify_waiters();
        Ok(taken)
    }

    fn write(&self, inner: &mut Inner, records: &[Record]) -> Result<(), Problem> {
        if records.is_empty() {
            return Ok(());
        }
        locked(&self.book).keep(&self.id, inner.kept, records).map_err(internal)?; // [TOK-29] [TOK-23]
        for record in records {
            inner.session.apply(record);
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
