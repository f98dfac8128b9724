//! One session: what is held, what was released, what was seen.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use purser_protocol::code::Code;
use purser_protocol::field::List;
use purser_protocol::id::PaperId;
use purser_protocol::limits::CHAINS_MAX;
use purser_protocol::money::{Currency, Money};
use purser_protocol::paper::command::Capture;
use purser_protocol::paper::meter::{ChainRoot, Unit};
use purser_protocol::token::agent::{Opened, Record, Session as Machine};
use purser_protocol::token::message::{Need, Release};
use tokio::sync::Notify;

use super::book::{Book, Ended, Line, Subscribed};
use crate::error::{Error, Result};
use crate::issuer::parse_id;

/// How long what others of the session have under way may take to be seen, before a seller asks for too much.
const OTHERS: Duration = Duration::from_secs(30);

/// A session.
#[derive(Debug)]
pub struct Session {
    id: PaperId,
    seller: String,
    mandate: PaperId,
    currency: Currency,
    plan: Option<String>,
    subscription: Option<Box<Subscribed>>,
    state: Mutex<State>,
    /// Woken when something was seen.
    seen: Notify,
    /// One further hold at a time.
    pub(super) topping_up: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State {
    book: Book,
    /// None of a pack.
    machine: Option<Machine>,
    holds: Vec<Hold>,
    streams: BTreeMap<u64, Stream>,
    /// Streams that somebody reads.
    active: HashSet<u64>,
    ended: Option<Ended>,
}

#[derive(Clone, Copy, Debug)]
struct Hold {
    offer: PaperId,
    amount_minor: u64,
    shown: bool,
    /// It was never signed, or never paid.
    nothing: bool,
}

impl Hold {
    fn new(offer: PaperId, amount_minor: u64) -> Self {
        Self { offer, amount_minor, shown: false, nothing: false }
    }
}

#[derive(Clone, Debug, Default)]
struct Stream {
    body_sha256: String,
    input: u64,
    output: u64,
    over: bool,
}

/// How much of a session is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spending {
    /// What is held, over all holds that the seller has.
    pub held_minor: u64,
    /// What was released: the most that can be claimed.
    pub released_minor: u64,
    /// Tokens read by the model.
    pub input: u64,
    /// Tokens that came.
    pub output: u64,
    /// The currency of the sums.
    pub currency: Currency,
}

impl Session {
    /// A new one. Its hold is on the disk before anything is sent. [TOK-30]
    pub(super) fn create(
        folder: &Path,
        seller: &str,
        mandate: PaperId,
        currency: Currency,
        opened: Opened,
    ) -> Result<Self> {
        let id = opened.offer;
        let mut book = Book::create(&folder.join(id.to_string()))?;
        book.add(&Line::Begun {
            seller: seller.to_owned(),
            mandate: mandate.to_string(),
            currency: currency.code().to_owned(),
            plan: None,
            subscription: None,
        })?;
        book.add_durably(&Line::Record(Record::Opened(Box::new(opened.clone()))))?;
        let holds = vec![Hold::new(id, opened.amount.minor())];
        let machine = Some(Machine::open(opened));
        let (streams, active) = (BTreeMap::new(), HashSet::new());
        let state = State { book, machine, holds, streams, active, ended: None };
        Ok(Self::with((id, mandate), seller.to_owned(), currency, (None, None), state))
    }

    /// A new pack of a plan. Its purchase is on the disk before anything is sent.
    pub(super) fn create_pack(
        folder: &Path,
        seller: &str,
        mandate: PaperId,
        plan: &str,
        offer: PaperId,
        price: Money,
    ) -> Result<Self> {
        let mut book = Book::create(&folder.join(offer.to_string()))?;
        let (currency, amount_minor) = (price.currency, price.amount.minor());
        book.add(&Line::Begun {
            seller: seller.to_owned(),
            mandate: mandate.to_string(),
            currency: currency.code().to_owned(),
            plan: Some(plan.to_owned()),
            subscription: None,
        })?;
        book.add_durably(&Line::Buying { offer: offer.to_string(), amount_minor })?;
        let holds = vec![Hold::new(offer, amount_minor)];
        let (streams, active) = (BTreeMap::new(), HashSet::new());
        let state = State { book, machine: None, holds, streams, active, ended: None };
        Ok(Self::with((offer, mandate), seller.to_owned(), currency, (Some(plan.to_owned()), None), state))
    }

    /// A new subscription. Its secret is on the disk before its seller is told of it.
    pub(super) fn create_subscription(
        folder: &Path,
        seller: &str,
        mandate: PaperId,
        currency: Currency,
        (plan, subscribed): (&str, Subscribed),
    ) -> Result<Self> {
        let mut book = Book::create(&folder.join(mandate.to_string()))?;
        let subscription = Some(Box::new(subscribed));
        book.add(&Line::Begun {
            seller: seller.to_owned(),
            mandate: mandate.to_string(),
            currency: currency.code().to_owned(),
            plan: Some(plan.to_owned()),
            subscription: subscription.clone(),
        })?;
        // Nothing is bought: its seller is paid by its issuer.
        book.add(&Line::Buying { offer: mandate.to_string(), amount_minor: 0 })?;
        book.add_durably(&Line::Shown { hold: 0 })?;
        let holds = vec![Hold { shown: true, ..Hold::new(mandate, 0) }];
        let (streams, active) = (BTreeMap::new(), HashSet::new());
        let state = State { book, machine: None, holds, streams, active, ended: None };
        let what = (Some(plan.to_owned()), subscription);
        Ok(Self::with((mandate, mandate), seller.to_owned(), currency, what, state))
    }

    /// One that is on the disk.
    pub fn open(dir: &Path) -> Result<Self> {
        let damaged = || Error::failed("this session's file lacks its beginning").at(dir.display());
        let (book, lines) = Book::open(dir)?;
        let mut begun = None;
        let (mut records, mut holds, mut ended) = (Vec::new(), Vec::new(), None);
        let mut streams = BTreeMap::<u64, Stream>::new();
        for line in lines {
            match line {
                Line::Begun { seller, mandate, currency, plan, subscription } => {
                    begun = Some((seller, mandate, currency, plan, subscription));
                }
                Line::Buying { offer, amount_minor } => {
                    holds.push(Hold::new(parse_id(&offer).ok_or_else(damaged)?, amount_minor));
                }
                Line::Record(record) => {
                    if let Record::Opened(opened) = &record {
                        holds.push(Hold::new(opened.offer, opened.amount.minor()));
                    }
                    records.push(record);
                }
                Line::Shown { hold } => holds.iter_mut().skip(hold).take(1).for_each(|hold| hold.shown = true),
                Line::Nothing { hold } => {
                    holds.iter_mut().skip(hold).take(1).for_each(|hold| hold.nothing = true);
                    records.push(Record::Nothing(u64::try_from(hold).map_err(|_| damaged())?));
                }
                Line::Asked { stream, body_sha256 } => {
                    streams.insert(stream, Stream { body_sha256, ..Stream::default() });
                }
                Line::Seen { stream, input, output } => {
                    let known = streams.entry(stream).or_default();
                    (known.input, known.output) = (known.input.max(input), known.output.max(output));
                }
                Line::Over { stream } => streams.entry(stream).or_default().over = true,
                Line::Ended(how) => ended = Some(how),
            }
        }
        let (seller, mandate, currency, plan, subscription) = begun.ok_or_else(damaged)?;
        let (mandate, currency) = parse_id(&mandate).zip(Currency::from_code(&currency)).ok_or_else(damaged)?;
        let id = holds.first().ok_or_else(damaged)?.offer;
        let machine = match plan {
            None => Some(Machine::restore(records).ok_or_else(damaged)?),
            Some(_) => None,
        };
        let mut state = State { book, machine, holds, streams, active: HashSet::new(), ended };
        state.count();
        Ok(Self::with((id, mandate), seller, currency, (plan, subscription), state))
    }

    fn with(
        (id, mandate): (PaperId, PaperId),
        seller: String,
        currency: Currency,
        (plan, subscription): (Option<String>, Option<Box<Subscribed>>),
        state: State,
    ) -> Self {
        let (state, seen) = (Mutex::new(state), Notify::new());
        let topping_up = tokio::sync::Mutex::new(());
        Self { id, seller, mandate, currency, plan, subscription, state, seen, topping_up }
    }

    /// Its name: the id of the offer that opened it.
    pub fn id(&self) -> PaperId {
        self.id
    }

    /// Where its seller is.
    pub fn seller(&self) -> &str {
        &self.seller
    }

    /// The mandate that pays.
    pub fn mandate(&self) -> PaperId {
        self.mandate
    }

    /// The plan of a pack or a subscription.
    pub fn plan(&self) -> Option<&str> {
        self.plan.as_deref()
    }

    /// Whether it is a subscription.
    pub fn is_subscription(&self) -> bool {
        self.subscription.is_some()
    }

    /// What its seller is told, of a subscription.
    pub(super) fn subscribed(&self) -> Option<&Subscribed> {
        self.subscription.as_deref()
    }

    /// How it ended, if it has.
    pub fn ended(&self) -> Option<Ended> {
        self.state().ended
    }

    /// How much of it is spent.
    pub fn spending(&self) -> Spending {
        let state = self.state();
        let held_minor = state.holds.iter().filter(|hold| hold.shown).map(|hold| hold.amount_minor).sum();
        Spending {
            held_minor,
            released_minor: state.machine.as_ref().map_or(held_minor, Machine::released_minor),
            input: state.streams.values().map(|stream| stream.input).sum(),
            output: state.streams.values().map(|stream| stream.output).sum(),
            currency: self.currency,
        }
    }

    /// The offers of its holds.
    pub fn offers(&self) -> Vec<PaperId> {
        self.state().holds.iter().map(|hold| hold.offer).collect()
    }

    /// The holds that the seller has not taken, and that may be paid.
    pub(super) fn unshown(&self) -> Vec<usize> {
        let state = self.state();
        let holds = state.holds.iter().enumerate();
        holds.filter(|(_, hold)| !hold.shown && !hold.nothing).map(|(place, _)| place).collect()
    }

    /// A hold came to nothing. What the session has of others stays.
    pub(super) fn came_to_nothing(&self, hold: usize) -> Result<()> {
        let mut state = self.state();
        state.book.add_durably(&Line::Nothing { hold })?;
        state.holds.iter_mut().skip(hold).take(1).for_each(|hold| hold.nothing = true);
        state.apply(&Record::Nothing(hold as u64));
        Ok(())
    }

    /// A further hold. It is on the disk before anything is sent. [TOK-30]
    pub(super) fn add_hold(&self, opened: Opened) -> Result<usize> {
        let mut state = self.state();
        let hold = Hold::new(opened.offer, opened.amount.minor());
        let record = Record::Opened(Box::new(opened));
        state.book.add_durably(&Line::Record(record.clone()))?;
        state.apply(&record);
        state.holds.push(hold);
        Ok(state.holds.len() - 1)
    }

    /// A pack is to be refilled. That is on the disk before anything is sent.
    pub(super) fn add_purchase(&self, offer: PaperId, price: Money) -> Result<usize> {
        let (mut state, amount_minor) = (self.state(), price.amount.minor());
        state.book.add_durably(&Line::Buying { offer: offer.to_string(), amount_minor })?;
        state.holds.push(Hold::new(offer, amount_minor));
        Ok(state.holds.len() - 1)
    }

    /// The chains of a hold.
    pub(super) fn roots(&self, hold: usize) -> Option<List<ChainRoot, CHAINS_MAX>> {
        self.state().machine.as_ref()?.roots(hold)
    }

    /// The seller has taken a hold.
    pub(super) fn shown(&self, hold: usize) -> Result<()> {
        let mut state = self.state();
        state.book.add_durably(&Line::Shown { hold })?;
        state.holds.iter_mut().skip(hold).take(1).for_each(|hold| hold.shown = true);
        Ok(())
    }

    /// Links for what the seller needs, on the disk before they are given out; none where it asks for too much.
    /// [TOK-31] [TOK-32]
    ///
    /// What other streams of the session have under way is used and not seen yet: it is waited for.
    pub(super) async fn release(&self, need: &Need) -> Result<Release> {
        loop {
            let seen = self.seen.notified();
            tokio::pin!(seen);
            seen.as_mut().enable();
            let others = {
                let mut state = self.state();
                let machine = state.machine.as_ref().ok_or_else(|| Error::failed("a pack has no links"))?;
                match machine.cover(need) {
                    Ok((record, release)) => {
                        state.book.add_durably(&Line::Record(record.clone()))?;
                        state.apply(&record);
                        return Ok(release);
                    }
                    Err(fault) if fault.code == Code::OverAsked && state.active.len() > 1 => fault,
                    Err(fault) => return Err(Error::fault("seller's need", fault)),
                }
            };
            if tokio::time::timeout(OTHERS, seen).await.is_err() {
                return Err(Error::fault("seller's need", others));
            }
        }
    }

    /// The last links of every hold once more.
    pub(super) fn again(&self) -> Vec<Release> {
        let state = self.state();
        let machine = state.machine.iter();
        machine.flat_map(|machine| state.holds.iter().filter_map(|hold| machine.again(&hold.offer))).collect()
    }

    /// A stream for what is asked: one that was left with the same question, or a new one. What was counted for it is
    /// delivered again and not counted again.
    pub(super) fn begin(&self, body: &[u8], body_sha256: &str) -> Result<u64> {
        let mut state = self.state();
        let left = |(number, stream): (&u64, &Stream)| {
            let fits = !stream.over && stream.body_sha256 == body_sha256 && !state.active.contains(number);
            fits.then_some(*number)
        };
        if let Some(number) = state.streams.iter().find_map(left) {
            state.active.insert(number);
            return Ok(number);
        }
        let number = state.streams.keys().next_back().map_or(1, |last| last + 1);
        state.book.keep_question(number, body)?;
        state.book.add(&Line::Asked { stream: number, body_sha256: body_sha256.to_owned() })?;
        let stream = Stream { body_sha256: body_sha256.to_owned(), ..Stream::default() };
        state.streams.insert(number, stream);
        state.active.insert(number);
        Ok(number)
    }

    /// What came of a stream so far.
    pub(super) fn saw(&self, number: u64, input: u64, output: u64) -> Result<()> {
        let mut state = self.state();
        let stream = state.streams.entry(number).or_default();
        if input <= stream.input && output <= stream.output {
            return Ok(());
        }
        (stream.input, stream.output) = (stream.input.max(input), stream.output.max(output));
        let (input, output) = (stream.input, stream.output);
        state.book.add(&Line::Seen { stream: number, input, output })?;
        state.count();
        drop(state);
        self.seen.notify_waiters();
        Ok(())
    }

    /// Nobody reads a stream any more; `over` where all of it came.
    pub(super) fn leave(&self, number: u64, over: bool) -> Result<()> {
        let mut state = self.state();
        state.active.remove(&number);
        if over && !state.streams.entry(number).or_default().over {
            state.book.add(&Line::Over { stream: number })?;
            state.streams.entry(number).or_default().over = true;
            state.book.forget_question(number);
        }
        drop(state);
        self.seen.notify_waiters();
        Ok(())
    }

    /// The streams that were left, each with what was asked and how many tokens of it came.
    pub(super) fn left(&self) -> Vec<(u64, Vec<u8>, u64)> {
        let state = self.state();
        let open = state.streams.iter().filter(|(_, stream)| !stream.over);
        open.filter_map(|(number, stream)| Some((*number, state.book.question(*number)?, stream.output))).collect()
    }

    /// Holds a claim against what was released and seen. [TOK-34]
    pub(super) fn check(&self, capture: &Capture, intents: &[PaperId], bytes: &[u8]) -> Result<()> {
        let mut state = self.state();
        let machine = state.machine.as_ref().ok_or_else(|| Error::failed("a pack has no claims"))?;
        let record = machine.check(capture, intents, bytes).map_err(|fault| Error::fault("claim", fault))?;
        state.book.add_durably(&Line::Record(record.clone()))?;
        state.apply(&record);
        Ok(())
    }

    /// It is over.
    pub(super) fn end(&self, how: Ended) -> Result<()> {
        let mut state = self.state();
        if state.ended.is_none() {
            state.book.add_durably(&Line::Ended(how))?;
            state.ended = Some(how);
            let open: Vec<u64> = state.streams.keys().copied().collect();
            open.into_iter().for_each(|number| state.book.forget_question(number));
        }
        Ok(())
    }

    /// What a thread that died left behind is whole: nothing is applied before it is kept.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn apply(&mut self, record: &Record) {
        if let Some(machine) = &mut self.machine {
            machine.apply(record);
        }
    }

    /// What was seen in all streams together.
    fn count(&mut self) {
        let input = self.streams.values().map(|stream| stream.input).sum();
        let output = self.streams.values().map(|stream| stream.output).sum();
        let Some(machine) = &mut self.machine else { return };
        for (unit, count) in [(Unit::InputToken, input), (Unit::OutputToken, output)] {
            if let Some(record) = machine.see(unit, count) {
                machine.apply(&record);
            }
        }
    }
}
