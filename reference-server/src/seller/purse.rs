//! What pays for a stream: a metered session, a pack, or a subscription.

use std::sync::Arc;

use axum::http::HeaderMap;
use purser_protocol::code::Code;
use purser_protocol::id::PaperId;
use purser_protocol::paper::meter::{Unit, UnitCount};
use purser_protocol::time::UnixSeconds;
use purser_protocol::token::message::Need;
use purser_protocol::token::pack::{self, Pack};
use purser_protocol::token::seller::{Session, State, Taken};
use purser_protocol::token::subscription::Subscription;
use tokio::sync::Notify;

use super::Seller;
use super::account::{named, spoken};
use super::desk::Live;
use crate::reply::Problem;

#[derive(Clone)]
pub(super) enum Purse {
    Session(Arc<Live<Session>>),
    Pack(Arc<Live<Pack>>),
    Subscription(Arc<Live<Subscription>>),
}

/// What comes next in a stream.
pub(super) enum Next {
    /// These events.
    Events(String),
    /// Nothing, until links come.
    Need(Need),
    /// Nothing, until a further hold comes, or a refill.
    TopUp,
    /// Nothing, until the agent goes on.
    Paused,
}

impl Purse {
    /// The session, the pack or the subscription of this id, for whoever has its secret. [TOK-35]
    pub(super) async fn spoken_for(seller: &Seller, id: &str, headers: &HeaderMap) -> Result<Self, Problem> {
        let unknown = || Problem::new(Code::SessionUnknown);
        let id = named(id).ok_or_else(unknown)?;
        if let Some(pack) = seller.desk.packs.find(&id).await? {
            return spoken(pack, headers).map(Self::Pack);
        }
        if let Some(subscription) = seller.desk.subscriptions.find(&id).await? {
            return spoken(subscription, headers).map(Self::Subscription);
        }
        spoken(seller.desk.sessions.find(&id).await?.ok_or_else(unknown)?, headers).map(Self::Session)
    }

    pub(super) fn id(&self) -> PaperId {
        match self {
            Self::Session(live) => live.id,
            Self::Pack(live) => live.id,
            Self::Subscription(live) => live.id,
        }
    }

    /// Woken when it changes.
    pub(super) fn moved(&self) -> &Notify {
        match self {
            Self::Session(live) => &live.moved,
            Self::Pack(live) => &live.moved,
            Self::Subscription(live) => &live.moved,
        }
    }

    /// What a stream has used.
    pub(super) fn used_in(&self, stream: u64, unit: Unit) -> u64 {
        match self {
            Self::Session(live) => live.look(|session| session.used_in(stream, unit)),
            Self::Pack(live) => live.look(|pack| pack.used_in(stream, unit)),
            Self::Subscription(live) => live.look(|subscription| subscription.used_in(stream, unit)),
        }
    }

    /// Takes units from a place in the stream on, as many as are paid; or says what is waited for. Where somebody else
    /// has taken them meanwhile, nothing is taken. [TOK-23] [TOK-24] [TOK-42]
    pub(super) async fn take(
        &self,
        stream: u64,
        unit: Unit,
        from: u64,
        count: UnitCount,
        now: UnixSeconds,
    ) -> Result<Option<Next>, Problem> {
        match self {
            Self::Session(live) => {
                let taken = live.act(move |session| {
                    if session.state() == State::Paused {
                        return Ok((Vec::new(), None));
                    }
                    if session.used_in(stream, unit) > from {
                        return Ok((Vec::new(), Some(Taken::Paid(0, Vec::new()))));
                    }
                    let taken = session.take(stream, unit, count, now)?;
                    let records = match &taken {
                        Taken::Paid(_, records) => records.clone(),
                        Taken::Need(_) | Taken::TopUp => Vec::new(),
                    };
                    Ok((records, Some(taken)))
                });
                Ok(match taken.await? {
                    None => Some(Next::Paused),
                    Some(Taken::Paid(..)) => None,
                    Some(Taken::Need(need)) => Some(Next::Need(need)),
                    Some(Taken::TopUp) => Some(Next::TopUp),
                })
            }
            Self::Pack(live) => {
                let consumed = live.act(move |pack| match pack.consume(stream, unit, from, count, now)? {
                    pack::Taken::Known(_) => Ok((Vec::new(), ())),
                    pack::Taken::Paid(_, records) => Ok((records, ())),
                });
                match consumed.await {
                    Ok(()) => Ok(None),
                    Err(problem) if problem.fault().code == Code::PackUsedUp => Ok(Some(Next::TopUp)),
                    Err(problem) => Err(problem),
                }
            }
            // Nobody can add to a term: what asks for more is told that nothing is left. [TOK-53]
            Self::Subscription(live) => {
                let consumed =
                    live.act(move |subscription| Ok((subscription.consume(stream, unit, from, count, now)?, ())));
                consumed.await.map(|()| None)
            }
        }
    }
}
