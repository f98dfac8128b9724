//! Sessions and packs, and the one order in which each decides: look, keep, apply, then act.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use purser_merchant::StoreError;
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::field::{decoded, encoded};
use purser_protocol::id::{Digest, PaperId};
use purser_protocol::token::pack::{self, Pack};
use purser_protocol::token::seller::{self, Session};
use purser_protocol::token::subscription::{self, Subscription};
use purser_protocol::wire::Field;
use tokio::sync::Notify;

use super::book::{Book, Kind, Made, Taking, Took, Writing};
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
    /// The hash of the secret that speaks for it, where its records have that and no offer does.
    fn secret_hash(&self) -> Option<Digest> {
        None
    }
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

impl Fold for Subscription {
    type Record = subscription::Record;
    const KIND: Kind = Kind::Subscription;

    fn restored(records: Vec<Self::Record>) -> Option<Self> {
        Self::restore(records)
    }

    fn applies(&mut self, record: &Self::Record) {
        self.apply(record);
    }

    fn secret_hash(&self) -> Option<Digest> {
        Some(self.opened().secret_hash)
    }
}

/// The store, and what of it is in memory.
pub(super) struct Desk {
    book: Arc<Mutex<Book>>,
    pub(super) sessions: Accounts<Session>,
    pub(super) packs: Accounts<Pack>,
    pub(super) subscriptions: Accounts<Subscription>,
}

/// All of a kind. Those that other processes on the store begin are found when they are asked for, or looked for.
pub(super) struct Accounts<F: Fold> {
    book: Arc<Mutex<Book>>,
    all: Arc<Mutex<HashMap<PaperId, Arc<Live<F>>>>>,
    /// The last that was looked for.
    seen: Arc<Mutex<u64>>,
}

impl<F: Fold> Clone for Accounts<F> {
    fn clone(&self) -> Self {
        Self { book: Arc::clone(&self.book), all: Arc::clone(&self.all), seen: Arc::clone(&self.seen) }
    }
}

/// One in memory, as far as this process has read it.
pub(super) struct Live<F: Fold> {
    pub(super) id: PaperId,
    /// Whoever shows the secret speaks for it.
    pub(super) secret_hash: Digest,
    /// Woken when it changes.
    pub(super) moved: Notify,
    /// When something was last tried of it.
    pub(super) tried: Mutex<Option<Instant>>,
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
        let desk = Self {
            sessions: Accounts::new(&book),
            packs: Accounts::new(&book),
            subscriptions: Accounts::new(&book),
            book,
        };
        desk.look_round()?;
        Ok(desk)
    }

    /// Takes up what other processes have begun since.
    pub(super) fn look_round(&self) -> Result<(), StoreError> {
        self.sessions.look_round()?;
        self.packs.look_round()?;
        self.subscriptions.look_round()
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
    fn new(book: &Arc<Mutex<Book>>) -> Self {
        Self { book: Arc::clone(book), all: Arc::default(), seen: Arc::default() }
    }

    fn look_round(&self) -> Result<(), StoreError> {
        let mut seen = locked(&self.seen);
        let (begun, last) = locked(&self.book).begun(F::KIND, *seen)?;
        for id in begun {
            if !locked(&self.all).contains_key(&id) {
                let live = self.read(&id)?.ok_or_else(damaged)?;
                locked(&self.all).entry(id).or_insert(live);
            }
        }
        *seen = last;
        Ok(())
    }

    fn read(&self, id: &PaperId) -> Result<Option<Arc<Live<F>>>, StoreError> {
        let book = locked(&self.book);
        let records = book.records(F::KIND, id, 0)?;
        if records.is_empty() {
            return Ok(None);
        }
        let kept = u64::try_from(records.len()).map_err(|_| damaged())?;
        let records = records.iter().map(|record| decoded(record)).collect::<Result<Vec<_>, _>>();
        let fold = F::restored(records.map_err(|_| damaged())?).ok_or_else(damaged)?;
        let secret_hash = fold.secret_hash().map_or_else(|| book.secret_hash(id), |hash| Ok(Some(hash)))?;
        let secret_hash = secret_hash.ok_or_else(damaged)?;
        Ok(Some(Arc::new(Live::new(*id, secret_hash, fold, kept, &self.book))))
    }

    /// The one of this name, if there is one.
    pub(super) async fn find(&self, id: &PaperId) -> Result<Option<Arc<Live<F>>>, Problem> {
        if let Some(live) = locked(&self.all).get(id) {
            return Ok(Some(Arc::clone(live)));
        }
        let (accounts, id) = (self.clone(), *id);
        aside(move || {
            let Some(live) = accounts.read(&id).map_err(internal)? else { return Ok(None) };
            Ok(Some(Arc::clone(locked(&accounts.all).entry(id).or_insert(live))))
        })
        .await
    }

    /// Those that something is to be done about.
    pub(super) fn those(&self, wanted: impl Fn(&F) -> bool) -> Vec<Arc<Live<F>>> {
        let all: Vec<_> = locked(&self.all).values().cloned().collect();
        all.into_iter().filter(|live| live.look(&wanted)).collect()
    }

    /// Begins one that no offer is taken for; `None` when there is one of this name.
    pub(super) async fn begin_bare(&self, id: PaperId, first: F::Record) -> Result<Option<Arc<Live<F>>>, Problem> {
        let (book, record) = (Arc::clone(&self.book), encoded(&first));
        let fold = F::restored(vec![first]).ok_or_else(|| Problem::new(Code::Internal))?;
        let secret_hash = fold.secret_hash().ok_or_else(|| Problem::new(Code::Internal))?;
        let begun = aside(move || {
            let mut book = locked(&book);
            let writing = book.write().map_err(internal)?;
            let begun = writing.begin(F::KIND, &id).map_err(internal)?;
            if begun {
                writing.add(F::KIND, &id, 0, &record).and_then(|()| writing.keep()).map_err(internal)?;
            }
            Ok(begun)
        });
        if !begun.await? {
            return Ok(None);
        }
        Ok(Some(self.put(Live::new(id, secret_hash, fold, 1, &self.book))))
    }

    /// Begins one with the receipt that takes its offer.
    pub(super) async fn begin(&self, taking: Taking, first: F::Record) -> Result<(Took, Arc<Live<F>>), Problem> {
        let (id, secret_hash, book) = (taking.offer, taking.secret_hash, Arc::clone(&self.book));
        let record = encoded(&first);
        let took = aside(move || {
            let mut book = locked(&book);
            let writing = book.write().map_err(internal)?;
            let took = writing.take(&taking).map_err(internal)?;
            if took != Took::Nothing && writing.begin(F::KIND, &id).map_err(internal)? {
                writing.add(F::KIND, &id, 0, &record).and_then(|()| writing.keep()).map_err(internal)?;
            }
            Ok(took)
        })
        .await?;
        if took == Took::Nothing {
            return Err(Problem::new(Code::ReceiptAlreadyUsed));
        }
        let fold = F::restored(vec![first]).ok_or_else(|| Problem::new(Code::Internal))?;
        Ok((took, self.put(Live::new(id, secret_hash, fold, 1, &self.book))))
    }

    fn put(&self, live: Live<F>) -> Arc<Live<F>> {
        Arc::clone(locked(&self.all).entry(live.id).or_insert(Arc::new(live)))
    }
}

impl<F: Fold> Live<F> {
    fn new(id: PaperId, secret_hash: Digest, fold: F, kept: u64, book: &Arc<Mutex<Book>>) -> Self {
        let inner = Mutex::new(Inner { fold, kept });
        Self { id, secret_hash, moved: Notify::new(), tried: Mutex::default(), inner, book: Arc::clone(book) }
    }

    /// Looks at it as it was when this process last decided, and changes nothing.
    pub(super) fn look<T>(&self, look: impl FnOnce(&F) -> T) -> T {
        look(&locked(&self.inner).fold)
    }

    /// Decides, keeps what was decided, applies it, and only then says what it was. Nobody else decides meanwhile, in
    /// this process or in another.
    pub(super) async fn act<T: Send + 'static>(
        self: &Arc<Self>,
        decide: impl FnOnce(&F) -> Result<(Vec<F::Record>, T), Fault> + Send + 'static,
    ) -> Result<T, Problem> {
        self.decide(move |fold, _| Ok(decide(fold)?)).await
    }

    /// The same, where there is one thing to record, or nothing, and nothing to say.
    pub(super) async fn record(
        self: &Arc<Self>,
        decide: impl FnOnce(&F) -> Result<Option<F::Record>, Fault> + Send + 'static,
    ) -> Result<(), Problem> {
        self.act(|fold| Ok((decide(fold)?.into_iter().collect(), ()))).await
    }

    /// Reads what other processes have kept of it.
    pub(super) async fn refresh(self: &Arc<Self>) -> Result<(), Problem> {
        self.record(|_| Ok(None)).await
    }

    /// A further purchase, with the receipt that takes its offer.
    pub(super) async fn continue_with(
        self: &Arc<Self>,
        taking: Taking,
        decide: impl FnOnce(&F) -> Result<F::Record, Fault> + Send + 'static,
    ) -> Result<Took, Problem> {
        self.decide(move |fold, writing| {
            let record = decide(fold)?;
            match writing.take(&taking).map_err(internal)? {
                Took::Nothing => Err(Problem::new(Code::ReceiptAlreadyUsed)),
                took => Ok((vec![record], took)),
            }
        })
        .await
    }

    async fn decide<T: Send + 'static>(
        self: &Arc<Self>,
        decide: impl FnOnce(&F, &Writing<'_>) -> Result<(Vec<F::Record>, T), Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let live = Arc::clone(self);
        aside(move || {
            let (mut inner, mut book) = (locked(&live.inner), locked(&live.book));
            let writing = book.write().map_err(internal)?;
            let mut moved = live.catch_up(&mut inner, &writing)?;
            let decided = decide(&inner.fold, &writing);
            if let Ok((records, _)) = &decided
                && !records.is_empty()
            {
                for (number, record) in (inner.kept..).zip(records) {
                    writing.add(F::KIND, &live.id, number, &encoded(record)).map_err(internal)?;
                }
                writing.keep().map_err(internal)?; // [TOK-29] [TOK-23] [TOK-42]
                records.iter().for_each(|record| inner.applies(record));
                moved = true;
            }
            if moved {
                live.moved.notify_waiters();
            }
            decided.map(|(_, told)| told)
        })
        .await
    }

    /// Applies what other processes have kept. Whether there was any.
    fn catch_up(&self, inner: &mut Inner<F>, writing: &Writing<'_>) -> Result<bool, Problem> {
        let records = writing.records(F::KIND, &self.id, inner.kept).map_err(internal)?;
        for record in &records {
            inner.applies(&decoded(record).map_err(|_| internal(damaged()))?);
        }
        Ok(!records.is_empty())
    }
}

impl<F: Fold> Inner<F> {
    fn applies(&mut self, record: &F::Record) {
        self.fold.applies(record);
        self.kept += 1;
    }
}

fn damaged() -> StoreError {
    StoreError::Damaged("what happened cannot be read".into())
}

async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(internal)?
}

/// What a thread that died left behind is whole: nothing is applied before it is kept.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
