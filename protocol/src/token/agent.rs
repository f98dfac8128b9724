//! The agent's side of a metered session.
//!
//! A [`Session`] is the fold of its [`Record`]s, as the seller's is. A release is kept before its links are sent: what
//! the agent may have paid is never more than its records say. Its secret is money: who has it can release all.

use super::chain::Chain;
use super::message::{Need, Release};
use crate::code::{Code, Stage};
use crate::fault::Fault;
use crate::field::{Bytes, List, listed, tagged};
use crate::id::{Digest, PaperId};
use crate::limits::{CHAINS_MAX, LINKS_MAX};
use crate::money::Amount;
use crate::paper::command::Capture;
use crate::paper::meter::{Ascending, ChainRoot, Claim, LinkCount, Meter, Reached, Unit, UnitCount};
use crate::sign::{Frame, Paper as _};
use crate::wire::Reader;

listed! {
    /// A hold that the agent opens for a session.
    pub struct Opened {
        /// The offer that it takes.
        offer: PaperId,
        /// What is held.
        amount: Amount,
        /// What the offer says of prices and payment.
        meter: Meter,
        /// How long each chain is.
        lengths: List<LinkCount, CHAINS_MAX>,
        /// What the chains are made of; told to nobody.
        secret: Digest,
    }
}

listed! {
    /// Links were released.
    pub struct Let {
        /// Of which hold, from 0.
        hold: u64,
        /// Up to which place of each chain; 0 where none was.
        places: List<u64, CHAINS_MAX>,
    }
}

listed! {
    /// The agent saw units delivered.
    pub struct Seen {
        /// What is counted.
        unit: Unit,
        /// How many so far, in the whole session.
        count: UnitCount,
    }
}

listed! {
    /// The seller's claim on a hold, which is its signed statement of use.
    pub struct Stated {
        /// On which hold, from 0.
        hold: u64,
        /// The capture's bytes.
        capture: Bytes,
    }
}

tagged! {
    /// What happened in a session, as its agent keeps it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Record {
    /// A hold was opened. It is kept before the intent is sent. [TOK-30]
    Opened(Box<Opened>) = 1;
    /// Links were released.
    Let(Let) = 2;
    /// Units were delivered.
    Seen(Seen) = 3;
    /// The seller claimed.
    Stated(Stated) = 4;
    /// A hold came to nothing: it was never signed, or never paid.
    Nothing(u64) = 5;
    }
}

/// A session.
#[derive(Clone, Debug)]
pub struct Session {
    holds: Vec<Hold>,
    seen: Vec<(Unit, u64)>,
}

#[derive(Clone, Debug)]
struct Hold {
    opened: Box<Opened>,
    chains: Vec<Chain>,
    places: Vec<u64>,
    /// What the last claim on it says.
    stated: Option<Claim>,
    nothing: bool,
}

/// How long the chains of each step are so that together they come to `amount`: the greater steps take up to half of
/// what is left, the least takes the rest. `None` where no lengths come to it.
pub fn lengths(meter: &Meter, amount: Amount) -> Option<Vec<LinkCount>> {
    let steps: Vec<u64> = meter.steps.iter().map(|step| step.minor()).collect();
    let (least, greater) = steps.split_first()?;
    let mut lengths = vec![1; steps.len()];
    let mut rest = amount.minor().checked_sub(steps.iter().sum())?;
    for (place, step) in greater.iter().enumerate().rev() {
        let links = (rest / 2 / step).min(LINKS_MAX - 1);
        lengths[place + 1] += links;
        rest -= links * step;
    }
    // What the least step cannot hold goes to the greater ones, the greatest first.
    for (place, step) in greater.iter().enumerate().rev() {
        let over = rest.saturating_sub(least * (LINKS_MAX - 1));
        let links = over.div_ceil(*step).min(LINKS_MAX - lengths[place + 1]).min(rest / step);
        lengths[place + 1] += links;
        rest -= links * step;
    }
    lengths[0] += rest / least;
    let fits = rest.is_multiple_of(*least) && lengths.iter().all(|length| *length <= LINKS_MAX);
    if fits { lengths.into_iter().map(LinkCount::new).collect() } else { None }
}

impl Session {
    /// A session that its first hold opens.
    pub fn open(opened: Opened) -> Self {
        Self { holds: vec![Hold::new(Box::new(opened))], seen: Vec::new() }
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
            Record::Opened(opened) => self.holds.push(Hold::new(opened.clone())),
            Record::Let(released) => {
                let Some(hold) = self.hold_mut(released.hold) else { return };
                for (known, place) in hold.places.iter_mut().zip(released.places.iter()) {
                    *known = (*known).max(*place);
                }
            }
            Record::Seen(seen) => match self.seen.iter_mut().find(|(unit, _)| *unit == seen.unit) {
                Some((_, count)) => *count = seen.count.get().max(*count),
                None => self.seen.push((seen.unit, seen.count.get())),
            },
            Record::Stated(stated) => {
                let Some(hold) = self.hold_mut(stated.hold) else { return };
                let capture =
                    Frame::read(&stated.capture.0).and_then(|frame| Capture::decode(&mut Reader::new(frame.payload)));
                hold.stated = capture.ok().and_then(|capture| capture.claim);
            }
            Record::Nothing(hold) => {
                let Some(hold) = self.hold_mut(*hold) else { return };
                hold.nothing = true;
            }
        }
    }

    /// The chains of a hold, as its intent carries them.
    pub fn roots(&self, hold: usize) -> Option<List<ChainRoot, CHAINS_MAX>> {
        let hold = self.holds.get(hold)?;
        let roots = hold
            .chains
            .iter()
            .map(|chain| Some(ChainRoot { length: LinkCount::new(chain.length())?, root: chain.root() }));
        roots.collect::<Option<Vec<_>>>().and_then(List::new)
    }

    /// What was released, in minor units, over all holds. The agent never pays more.
    pub fn released_minor(&self) -> u64 {
        self.holds.iter().map(|hold| hold.value_minor(&hold.places)).sum()
    }

    /// What is held and not released.
    pub fn left_minor(&self) -> u64 {
        let held: u64 = self.holds.iter().map(Hold::held_minor).sum();
        held.saturating_sub(self.released_minor())
    }

    /// What the agent saw of a unit.
    pub fn seen(&self, unit: Unit) -> u64 {
        self.seen.iter().find(|(known, _)| *known == unit).map_or(0, |(_, count)| *count)
    }

    /// Answers a need: as many links as the seller may be paid ahead. The record is kept before the links are sent.
    ///
    /// A seller that asks for more than the offer lets it be ahead of what the agent saw is refused: nothing more is
    /// released, and that is all that it can lose. [TOK-31] [TOK-32]
    pub fn cover(&self, need: &Need) -> Result<(Record, Release), Fault> {
        let place = self.holds.iter().position(|hold| hold.opened.offer == need.offer);
        let (place, hold) = place
            .and_then(|place| Some((place, self.holds.get(place)?)))
            .ok_or_else(|| at_redeem(Code::SessionUnknown))?;
        let released = hold.value_minor(&hold.places);
        let before: u64 = self.holds[..place].iter().map(Hold::held_minor).sum();
        let allowed = self.allowed_minor(place).saturating_sub(before).min(hold.held_minor());
        let at_least = need.at_least.minor();
        let places = hold.towards(released, allowed, at_least).ok_or_else(|| at_redeem(Code::OverAsked))?;
        let links = Ascending::new(hold.links(&places)).ok_or_else(|| at_redeem(Code::OverAsked))?;
        let hold_place = u64::try_from(place).map_err(|_| at_redeem(Code::SessionUnknown))?;
        let places = List::new(places).ok_or_else(|| at_redeem(Code::OverAsked))?;
        Ok((Record::Let(Let { hold: hold_place, places }), Release { links, offer: need.offer }))
    }

    /// The last release of a hold once more: after a crash, or where an answer was lost. The same links have the same
    /// answer.
    pub fn again(&self, offer: &PaperId) -> Option<Release> {
        let hold = self.holds.iter().find(|hold| hold.opened.offer == *offer)?;
        Some(Release { links: Ascending::new(hold.links(&hold.places))?, offer: *offer })
    }

    /// Units that were delivered: how many so far.
    pub fn see(&self, unit: Unit, count: u64) -> Option<Record> {
        let more = count > self.seen(unit);
        UnitCount::new(count).filter(|_| more).map(|count| Record::Seen(Seen { unit, count }))
    }

    /// Holds a claim of the seller, its signature verified, against what was released and seen. [TOK-34]
    pub fn check(&self, capture: &Capture, intents: &[PaperId], bytes: &[u8]) -> Result<Record, Fault> {
        let mismatch = || at_redeem(Code::ClaimUncovered);
        let place = intents.iter().position(|intent| *intent == capture.intent).ok_or_else(mismatch)?;
        let hold = self.holds.get(place).ok_or_else(mismatch)?;
        let claim = capture.claim.as_ref().ok_or_else(mismatch)?;
        let mut places = vec![0; hold.places.len()];
        for reached in claim.links.iter() {
            let chain = usize::try_from(reached.chain).map_err(|_| mismatch())?;
            let (known, chain) = hold.places.get(chain).zip(hold.chains.get(chain)).ok_or_else(mismatch)?;
            let index = reached.index.get();
            if index > *known || chain.link(index) != Some(reached.link) {
                return Err(mismatch());
            }
            places[usize::try_from(reached.chain).map_err(|_| mismatch())?] = index;
        }
        let cost = hold.opened.meter.cost_minor(claim.counts()).ok_or_else(mismatch)?;
        let amount = capture.amount.minor();
        // What was seen is stated once, whichever of the holds pays it.
        let others =
            |unit| self.holds.iter().filter(|other| !std::ptr::eq(*other, hold)).map(move |other| other.stated(unit));
        let seen = claim.counts().all(|(unit, count)| {
            others(unit).try_fold(count, u64::checked_add).is_some_and(|stated| stated <= self.seen(unit))
        });
        if amount > cost || amount > hold.value_minor(&places) || !seen {
            return Err(mismatch());
        }
        let hold = u64::try_from(place).map_err(|_| mismatch())?;
        Ok(Record::Stated(Stated { hold, capture: Bytes(bytes.to_vec()) }))
    }

    /// Up to what the holds so far may be released: what was seen, and what the offer lets the seller be ahead. A
    /// hold that was left behind may have kept less than the price of a unit, and its part is rounded by itself.
    fn allowed_minor(&self, place: usize) -> u64 {
        let Some(first) = self.holds.first() else { return 0 };
        let meter = &first.opened.meter;
        let unit = meter.prices.iter().map(|price| price.amount.minor().div_ceil(meter.per.get())).max().unwrap_or(0);
        let behind = u64::try_from(place).unwrap_or(u64::MAX).saturating_mul(unit.saturating_add(1));
        let cost = meter.cost_minor(self.seen.iter().copied()).unwrap_or(0);
        cost.saturating_add(meter.ahead.minor()).saturating_add(behind)
    }

    fn hold_mut(&mut self, place: u64) -> Option<&mut Hold> {
        usize::try_from(place).ok().and_then(|place| self.holds.get_mut(place))
    }
}

impl Hold {
    fn new(opened: Box<Opened>) -> Self {
        let numbered = (0..).zip(opened.lengths.iter());
        let chains = numbered.map(|(number, length)| Chain::new(&opened.secret.0, opened.offer, number, length.get()));
        let (chains, places) = (chains.collect(), vec![0; opened.lengths.len()]);
        Self { opened, chains, places, stated: None, nothing: false }
    }

    /// How many of a unit its seller has stated.
    fn stated(&self, unit: Unit) -> u64 {
        let counts = self.stated.iter().flat_map(Claim::counts);
        counts.filter(|(known, _)| *known == unit).map(|(_, count)| count).sum()
    }

    /// What is held: of one that came to nothing, nothing.
    fn held_minor(&self) -> u64 {
        if self.nothing { 0 } else { self.opened.amount.minor() }
    }

    fn value_minor(&self, places: &[u64]) -> u64 {
        u64::try_from(self.opened.meter.value_minor(places.iter().copied())).unwrap_or(u64::MAX)
    }

    /// The places at which the links come as near to `allowed` as they can, and not above it; `None` where that is
    /// less than `at_least`. The greater steps go first, so that a large sum is few hashes.
    fn towards(&self, released: u64, allowed: u64, at_least: u64) -> Option<Vec<u64>> {
        let mut places = self.places.clone();
        let mut rest = allowed.saturating_sub(released);
        for (chain, step) in self.opened.meter.steps.iter().enumerate().rev() {
            let (place, length) = (places.get_mut(chain)?, self.chains.get(chain)?.length());
            let links = (rest / step.minor()).min(length - *place);
            *place += links;
            rest -= links * step.minor();
        }
        (self.value_minor(&places) >= at_least).then_some(places)
    }

    fn links(&self, places: &[u64]) -> Vec<Reached> {
        let reached = (0..).zip(self.chains.iter().zip(places)).filter_map(|(chain, (links, place))| {
            Some(Reached { chain, index: LinkCount::new(*place)?, link: links.link(*place)? })
        });
        reached.collect()
    }
}

fn at_redeem(code: Code) -> Fault {
    Fault::new(code).at_stage(Stage::Redeem)
}

#[cfg(test)]
mod tests;
