//! Who goes first when not everyone can.
//!
//! A request enters its lane or is answered 503 at once: nothing queues here. Taking back a mandate and
//! asking how a payment stands must work on the worst day, so they have places that nothing else can take.

use std::sync::Arc;

use axum::http::{Method, Uri};
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Which places a request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Anything.
    Common,
    /// Status, commands, discovery and health: places of their own, then the common ones.
    Reserved,
    /// A request that asks to wait for an outcome: many, since one that waits costs memory only.
    Waiting,
}

impl Lane {
    /// The lane of a request, by its method and target alone.
    pub fn of(method: &Method, uri: &Uri) -> Self {
        let path = uri.path();
        if method == Method::POST {
            return if matches!(path, "/v1/commands" | "/v1/batches") { Self::Reserved } else { Self::Common }; // [HTB-36]
        }
        if method != Method::GET && method != Method::HEAD {
            return Self::Common;
        }
        let below = |folder: &str| path.strip_prefix(folder);
        match path {
            "/.well-known/purser" | "/healthz" | "/readyz" | "/metrics" => Self::Reserved,
            _ if below("/v1/mandates/").is_some_and(|rest| rest.ends_with("/status")) => Self::Reserved,
            _ if below("/v1/intents/").is_some() => match uri.query() {
                Some(query) if query.split('&').any(|pair| pair.starts_with("wait=")) => Self::Waiting,
                _ => Self::Reserved,
            },
            "/v1/wallet/records" => match uri.query() {
                Some(query) if query.split('&').any(|pair| pair.starts_with("wait=")) => Self::Waiting,
                _ => Self::Common,
            },
            _ => Self::Common,
        }
    }
}

/// The places of each lane.
#[derive(Debug)]
pub(crate) struct Lanes {
    common: Arc<Semaphore>,
    reserved: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// A place, given back when dropped.
pub(crate) type Place = OwnedSemaphorePermit;

impl Lanes {
    pub(crate) fn new(common: usize, reserved: usize, waiting: usize) -> Self {
        let places = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        Self { common: places(common), reserved: places(reserved), waiting: places(waiting) }
    }

    /// Takes a place, or says that there is none. [HTB-26]
    pub(crate) fn enter(&self, lane: Lane) -> Result<Place, Fault> {
        let order: &[&Arc<Semaphore>] = match lane {
            Lane::Common => &[&self.common],
            Lane::Reserved => &[&self.reserved, &self.common],
            Lane::Waiting => &[&self.waiting],
        };
        order
            .iter()
            .find_map(|places| Arc::clone(places).try_acquire_owned().ok())
            .ok_or_else(|| Code::Overloaded.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_not_wait_is_reserved() {
        for (method, target, lane) in [
            (Method::POST, "/v1/commands", Lane::Reserved),
            (Method::GET, "/v1/commands", Lane::Common),
            (Method::POST, "/v1/intents", Lane::Common),
            (Method::GET, "/v1/intents/AAA", Lane::Reserved),
            (Method::GET, "/v1/intents/AAA?wait=20", Lane::Waiting),
            (Method::GET, "/v1/intents/AAA?await=20", Lane::Reserved),
            (Method::GET, "/v1/mandates/AAA/status", Lane::Reserved),
            (Method::GET, "/v1/mandates", Lane::Common),
            (Method::GET, "/v1/payments", Lane::Common),
            (Method::HEAD, "/.well-known/purser", Lane::Reserved),
            (Method::GET, "/healthz", Lane::Reserved),
            (Method::DELETE, "/healthz", Lane::Common),
            (Method::GET, "/anything", Lane::Common),
        ] {
            assert_eq!(Lane::of(&method, &target.parse().unwrap()), lane, "{method} {target}");
        }
    }

    #[test]
    fn the_common_lane_cannot_take_what_is_reserved() {
        let lanes = Lanes::new(1, 1, 1);
        let common = lanes.enter(Lane::Common).unwrap();
        assert_eq!(lanes.enter(Lane::Common).unwrap_err().code, Code::Overloaded);
        let reserved = lanes.enter(Lane::Reserved).unwrap();
        let _waiting = lanes.enter(Lane::Waiting).unwrap();
        assert!(lanes.enter(Lane::Waiting).is_err());
        assert!(lanes.enter(Lane::Reserved).is_err());
        drop(common);
        let _over = lanes.enter(Lane::Reserved).unwrap();
        drop(reserved);
        assert!(lanes.enter(Lane::Common).is_err(), "the place that came free is reserved");
    }
}
