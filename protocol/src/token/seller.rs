//! The seller's side of a metered session.
//!
//! A [`Session`] is the fold of its [`Record`]s. What it decides it returns as records; the caller keeps them, applies
//! them, and then acts. A link is kept [TOK-29] before anything is served for it, and use is kept before it is delivered: so
//! after a crash the seller can claim exactly the links that it holds, and nothing is charged twice.

mod settle;

use std::collections::BTreeMap;

pub use settle::Settlement;

use super::chain::leads;
use super::message::{Need, Release};
use crate::code::{Code, Stage};
use crate::fault::Fault;
use crate::field::{Bytes, List, listed, numbered, tagged};
use crate::id::{PaperId, Pseudonym};
use crate::limits::{CHAINS_MAX, WALK_MAX};
use crate::money::{Amount, Currency};
use crate::paper::meter::{ChainRoot, Meter, Reached, Unit, UnitCount};
use crate::paper::offer::Offer;
use crate::receipt::{Claims, Outcome};
use crate::time::UnixSeconds;

/// How long before the end of a hold a session ends, so that the claim arrives in time. [TOK-27]
pub const MARGIN_SECONDS: u64 = 60;

listed! {
    /// A hold that pays a session: the first opens it, later ones go on with it.
    pub struct Opened {
        /// The offer that was taken.
        offer: PaperId,
        /// The payment.
        intent: PaperId,
        /// What is held.
        amount: Amount,
        /// Its currency.
        currency: Currency,
        /// What the offer says of prices and payment.
        meter: Meter,
        /// The chains of the intent.
        chains: List<ChainRoot, CHAINS_MAX>,
        /// The first second at which nothing is held any more.
        hold_until: UnixSeconds,
        /// The payer.
        pseudonym: Pseudonym,
        /// When it was opened.
        at: UnixSeconds,
    }
}

listed! {
    /// A link came that was ahead of those before.
    pub struct Advanced {
        /// Which hold of the session, from 0.
        hold: u64,
        /// The link.
        reached: Reached,
        /// When it came.
        at: UnixSeconds,
    }
}

listed! {
    /// Units were used, and paid for.
    pub struct Counted {
        /// The stream in which they are used.
        stream: u64,
        /// The hold that pays them, from 0.
        hold: u64,
        /// What is counted.
        unit: Unit,
        /// How many more.
        count: UnitCount,
        /// When.
        at: UnixSeconds,
    }
}

numbered! {
    /// Why a session ends.
    pub enum Why {
        /// The agent said so.
        Agent = 1, "agent";
        /// Nothing happened for too long.
        Idle = 2, "idle";
        /// Its hold is about to end.
        HoldEnds = 3, "hold-ends";
        /// The mandate was revoked.
        Revoked = 4, "revoked";
        /// The seller wants no more of it.
        Seller = 5, "seller";
    }
}

listed! {
    /// A hold is settled with this command, which is sent until it has its receipt.
    pub struct Settling {
        /// Which hold, from 0.
        hold: u64,
        /// The capture or the void.
        command: Bytes,
    }
}

tagged! {
    /// What happened in a session, as its seller keeps it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Record {
    /// A hold pays it.
    Opened(Box<Opened>) = 1;
    /// It was paid further.
    Advanced(Advanced) = 2;
    /// Something was used.
    Counted(Counted) = 3;
    /// The agent wants it to rest, since this time.
    Paused(UnixSeconds) = 4;
    /// It goes on, since this time.
    Resumed(UnixSeconds) = 5;
    /// It ends.
    Closing(Why) = 6;
    /// A hold is being settled.
    Settling(Settling) = 7;
    /// A hold has been settled.
    Settled(u64) = 8;
    /// The command for a hold came too late to be decided: another one is signed.
    Stale(u64) = 9;
    }
}

/// How a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It serves.
    Open,
    /// It rests until the agent goes on.
    Paused,
    /// It serves no more, and is being settled.
    Closing(Why),
    /// It is settled.
    Closed(Why),
}

/// A session.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    holds: Vec<Hold>,
    streams: BTreeMap<u64, Vec<(Unit, u64)>>,
    state: State,
    active_at: UnixSeconds,
}

#[derive(Clone, Debug, PartialEq)]
struct Hold {
    opened: Box<Opened>,
    reached: Vec<Reached>,
    used: Vec<(Unit, u64)>,
    settling: Option<Vec<u8>>,
    settled: bool,
}

/// What a release came to. [TOK-21]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Released {
    /// It is ahead: to be kept, and then the session can go on.
    Ahead(Vec<Record>),
    /// Nothing that was not there: nothing moves.
    Known,
}

/// What a seller makes of units that someone wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// So many are paid, at least one: to be kept, and then delivered.
    Paid(u64, Vec<Record>),
    /// None is: links are needed first.
    Need(Need),
    /// All that is held is used: a further hold is needed.
    TopUp,
}

/// The hold behind a receipt, when it can pay a session under this offer. The receipt is verified, and redeemed with
/// its secret, as any other. [TOK-19]
pub fn opened(offer_id: PaperId, offer: &Offer, claims: &Claims, at: UnixSeconds) -> Result<Opened, Fault> {
    let mismatch = || Fault::new(Code::ReceiptMismatch);
    let (Some(meter), Some(chains)) = (&offer.meter, &claims.chains) else { return Err(mismatch()) };
    let (Some(intent), Some(amount), Some(hold_until), Some(pseudonym)) =
        (claims.intent, claims.amount, claims.hold_until, claims.pseudonym)
    else {
        return Err(mismatch());
    };
    let is_this = claims.outcome == Outcome::Authorized
        && claims.offer == Some(offer_id)
        && claims.currency == Some(offer.currency)
        && amount <= offer.amount
        && meter.fits(chains, amount)
        && hold_until > at.saturating_add(MARGIN_SECONDS);
    if !is_this {
        return Err(mismatch());
    }
    Ok(Opened {
        offer: offer_id,
        intent,
        amount,
        currency: offer.currency,
        meter: meter.clone(),
        chains: chains.clone(),
        hold_until,
        pseudonym,
        at,
    })
}

impl Session {
    /// A session that its first record opens.
    pub fn open(opened: Opened) -> Self {
        let active_at = opened.at;
        let mut session = Self { holds: Vec::new(), streams: BTreeMap::new(), state: State::Open, active_at };
        session.holds.push(Hold::new(Box::new(opened)));
        session
    }

    /// The session that records make; `None` when the first does not open one.
    pub fn restore(records: impl IntoIterator<Item = Record>) -> Option<Self> {
        let mut records = records.into_iter();
        let Some(Record::Opened(opened)) = records.next() else { return None };
        let mut session = Self::open(*opened);
        records.for_each(|record| session.apply(&record));
        Some(session)
    }

    /// Applies what was kept.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Opened(opened) => {
                self.active_at = self.active_at.max(opened.at);
                self.holds.push(Hold::new(opened.clone()));
            }
            Record::Advanced(advanced) => {
                self.active_at = self.active_at.max(advanced.at);
                let Some(hold) = self.hold_mut(advanced.hold) else { return };
                match hold.reached.iter_mut().find(|known| known.chain == advanced.reached.chain) {
                    Some(known) => *known = advanced.reached.clone(),
                    None => hold.reached.push(advanced.reached.clone()),
                }
                hold.reached.sort_by_key(|known| known.chain);
            }
            Record::Counted(counted) => {
                self.active_at = self.active_at.max(counted.at);
                add(self.streams.entry(counted.stream).or_default(), counted.unit, counted.count.get());
                let Some(hold) = self.hold_mut(counted.hold) else { return };
                add(&mut hold.used, counted.unit, counted.count.get());
            }
            Record::Paused(at) => (self.state, self.active_at) = (State::Paused, self.active_at.max(*at)),
            Record::Resumed(at) => (self.state, self.active_at) = (State::Open, self.active_at.max(*at)),
            Record::Closing(why) => self.state = State::Closing(*why),
            Record::Settling(settling) => {
                let Some(hold) = self.hold_mut(settling.hold) else { return };
                hold.settling = Some(settling.command.0.clone());
            }
            Record::Stale(hold) => {
                let Some(hold) = self.hold_mut(*hold) else { return };
                hold.settling = None;
            }
            Record::Settled(hold) => {
                if let Some(hold) = self.hold_mut(*hold) {
                    hold.settled = true;
                }
                if let State::Closing(why) = self.state
                    && self.holds.iter().all(|hold| hold.settled)
                {
                    self.state = State::Closed(why);
                }
            }
        }
    }

    /// How it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// The offer that opened it, which is its name.
    pub fn id(&self) -> Option<PaperId> {
        self.holds.first().map(|hold| hold.opened.offer)
    }

    /// What pays it, first to last.
    pub fn holds(&self) -> impl ExactSizeIterator<Item = &Opened> {
        self.holds.iter().map(|hold| &*hold.opened)
    }

    /// What was released, in minor units, over all its holds.
    pub fn value_minor(&self) -> u64 {
        self.holds.iter().map(Hold::value_minor).sum()
    }

    /// What was used comes to, in minor units: each hold's part rounded up once.
    pub fn cost_minor(&self) -> u64 {
        self.holds.iter().map(Hold::cost_minor).sum()
    }

    /// What was used of a unit, over all streams.
    pub fn used(&self, unit: Unit) -> u64 {
        self.holds.iter().map(|hold| of(&hold.used, unit)).sum()
    }

    /// What a stream has used of a unit: where it goes on after a crash.
    pub fn used_in(&self, stream: u64, unit: Unit) -> u64 {
        self.streams.get(&stream).map_or(0, |used| of(used, unit))
    }

    /// A further hold goes on with the session: of the same payer, at the same prices. [TOK-25]
    pub fn top_up(&self, opened: Opened) -> Result<Record, Fault> {
        self.serves()?;
        let first = self.holds.first().ok_or_else(|| at_redeem(Code::SessionUnknown))?;
        let (was, is) = (&first.opened, &opened);
        let same = is.meter.continues == Some(was.offer)
            && is.pseudonym == was.pseudonym
            && is.currency == was.currency
            && (&is.meter.prices, is.meter.per) == (&was.meter.prices, was.meter.per)
            && self.holds.iter().all(|hold| hold.opened.offer != is.offer);
        if same { Ok(Record::Opened(Box::new(opened))) } else { Err(at_redeem(Code::ReceiptMismatch)) }
    }

    /// Takes links. Equal and lower ones move nothing; one that is wrong refuses the whole message. [TOK-21]
    pub fn release(&self, release: &Release, now: UnixSeconds) -> Result<Released, Fault> {
        let place = self.holds.iter().position(|hold| hold.opened.offer == release.offer);
        let (place, hold) = place
            .and_then(|place| Some((u64::try_from(place).ok()?, self.holds.get(place)?)))
            .ok_or_else(|| at_redeem(Code::SessionUnknown))?; // [TOK-20]
        let mut ahead = Vec::new();
        for reached in release.links.iter() {
            if hold.judge(reached)? {
                let reached = reached.clone();
                ahead.push(Record::Advanced(Advanced { hold: place, reached, at: now }));
            }
        }
        if ahead.is_empty() {
            return Ok(Released::Known);
        }
        self.serves()?;
        Ok(Released::Ahead(ahead))
    }

    /// How many units of this kind are paid and not used.
    pub fn room(&self, unit: Unit) -> u64 {
        self.holds.iter().map(|hold| hold.room(unit)).fold(0, u64::saturating_add)
    }

    /// Takes units for a stream: as many as are paid, or it says what is missing. [TOK-23] [TOK-24]
    pub fn take(&self, stream: u64, unit: Unit, count: UnitCount, now: UnixSeconds) -> Result<Taken, Fault> {
        self.serves()?;
        if self.state == State::Paused {
            return Err(at_redeem(Code::CreditNeeded));
        }
        let (mut rest, mut records) = (count.get(), Vec::new());
        for (place, hold) in (0..).zip(&self.holds) {
            if let Some(part) = UnitCount::new(rest.min(hold.room(unit))) {
                rest -= part.get();
                records.push(Record::Counted(Counted { stream, hold: place, unit, count: part, at: now }));
            }
        }
        if !records.is_empty() {
            return Ok(Taken::Paid(count.get() - rest, records));
        }
        Ok(self.need(unit).map_or(Taken::TopUp, Taken::Need))
    }

    /// What must be released so that one more unit of this kind is paid; `None` when all that is held is used.
    pub fn need(&self, unit: Unit) -> Option<Need> {
        self.holds.iter().find_map(|hold| {
            let more = hold.used.iter().copied().chain([(unit, 1)]);
            let cost = hold.opened.meter.cost_minor(more)?;
            let missing = hold.value_minor() < cost && cost <= hold.opened.amount.minor();
            missing.then(|| Amount::from_minor(cost).map(|at_least| Need { at_least, offer: hold.opened.offer }))?
        })
    }

    /// The agent wants it to rest.
    pub fn pause(&self, now: UnixSeconds) -> Result<Option<Record>, Fault> {
        self.serves()?;
        Ok((self.state == State::Open).then_some(Record::Paused(now)))
    }

    /// The agent wants it to go on.
    pub fn resume(&self, now: UnixSeconds) -> Result<Option<Record>, Fault> {
        self.serves()?;
        Ok((self.state == State::Paused).then_some(Record::Resumed(now)))
    }

    /// It ends, unless it has ended.
    pub fn close(&self, why: Why) -> Option<Record> {
        matches!(self.state, State::Open | State::Paused).then_some(Record::Closing(why))
    }

    /// What time does to it. [TOK-27]
    pub fn tick(&self, now: UnixSeconds) -> Option<Record> {
        let ends = self.holds.iter().map(|hold| hold.opened.hold_until).min();
        if ends.is_some_and(|ends| ends <= now.saturating_add(MARGIN_SECONDS)) {
            return self.close(Why::HoldEnds);
        }
        let idle = self.holds.first().map_or(0, |hold| hold.opened.meter.idle_seconds.get());
        if now.since(self.active_at).unwrap_or_default() >= idle { self.close(Why::Idle) } else { None }
    }

    fn serves(&self) -> Result<(), Fault> {
        match self.state {
            State::Open | State::Paused => Ok(()),
            State::Closing(_) | State::Closed(_) => Err(at_redeem(Code::SessionClosed)), // [TOK-26]
        }
    }

    fn hold_mut(&mut self, place: u64) -> Option<&mut Hold> {
        usize::try_from(place).ok().and_then(|place| self.holds.get_mut(place))
    }
}

impl Hold {
    fn new(opened: Box<Opened>) -> Self {
        Self { opened, reached: Vec::new(), used: Vec::new(), settling: None, settled: false }
    }

    /// Whether a link is ahead; a fault when it is none of this hold's.
    fn judge(&self, reached: &Reached) -> Result<bool, Fault> {
        let chain = usize::try_from(reached.chain).ok().and_then(|chain| self.opened.chains.get(chain));
        let chain = chain.filter(|chain| reached.index <= chain.length);
        let (Some(chain), Ok(number)) = (chain, u8::try_from(reached.chain)) else {
            return Err(at_redeem(Code::LinkOutOfChain)); // [TOK-11]
        };
        let known = self.reached.iter().find(|known| known.chain == reached.chain);
        let (from, known) = known.map_or((0, &chain.root), |known| (known.index.get(), &known.link));
        let index = reached.index.get();
        if index < from {
            return Ok(false);
        }
        if index - from > WALK_MAX {
            return Err(at_redeem(Code::WalkTooLong)); // [TOK-22]
        }
        if !leads(&self.opened.offer, number, (from, known), (index, &reached.link)) {
            return Err(at_redeem(Code::LinkInvalid)); // [TOK-12]
        }
        Ok(index > from)
    }

    fn value_minor(&self) -> u64 {
        let places = (0..).zip(self.opened.chains.iter()).map(|(chain, _)| {
            self.reached.iter().find(|known| known.chain == chain).map_or(0, |known| known.index.get())
        });
        // The chains come to the amount that is held, so that no part of them is more.
        u64::try_from(self.opened.meter.value_minor(places)).unwrap_or(0)
    }

    fn cost_minor(&self) -> u64 {
        self.opened.meter.cost_minor(self.used.iter().copied()).unwrap_or(u64::MAX)
    }

    fn room(&self, unit: Unit) -> u64 {
        if self.settling.is_some() {
            return 0;
        }
        self.opened.meter.room(self.value_minor(), self.used.iter().copied(), unit)
    }
}

fn of(used: &[(Unit, u64)], unit: Unit) -> u64 {
    used.iter().find(|(known, _)| *known == unit).map_or(0, |(_, count)| *count)
}

fn add(used: &mut Vec<(Unit, u64)>, unit: Unit, count: u64) {
    match used.iter_mut().find(|(known, _)| *known == unit) {
        Some((_, known)) => *known = known.saturating_add(count),
        None => used.push((unit, count)),
    }
    used.sort_by_key(|(unit, _)| *unit);
}

fn at_redeem(code: Code) -> Fault {
    Fault::new(code).at_stage(Stage::Redeem)
}
