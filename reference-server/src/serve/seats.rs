//! How many connections there may be: in all, and from one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::Limits;

/// What one sender is known by: an IPv4 address, or the /64 that an IPv6 host picks its addresses from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin(IpAddr);

impl From<IpAddr> for Origin {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.into()),
            IpAddr::V6(address) => {
                let network = u128::from(address) & !u128::from(u64::MAX);
                Self(Ipv6Addr::from(network).into())
            }
        }
    }
}

/// Counts connections.
#[derive(Clone, Debug)]
pub(crate) struct Seats {
    taken: Arc<Mutex<Taken>>,
    common: usize,
    reserved: usize,
    per_origin: usize,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_origin: HashMap<Origin, usize>,
}

/// One connection's seat, given back when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    taken: Arc<Mutex<Taken>>,
    origin: Origin,
    /// Whether the common seats were gone, so that this one is for the reserved lane only.
    pub(crate) reserved_only: bool,
}

impl Seats {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            taken: Arc::default(),
            common: limits.connections,
            reserved: limits.connections_reserved,
            per_origin: limits.connections_per_address,
        }
    }

    /// Takes a seat, if there is one for this origin.
    pub(crate) fn take(&self, origin: Origin) -> Option<Seat> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.common.saturating_add(self.reserved) {
            return None;
        }
        // An origin without a connection has no entry, so the map is never longer than the seats are many.
        let of_origin = taken.by_origin.get(&origin).copied().unwrap_or_default();
        if of_origin >= self.per_origin {
            return None;
        }
        let reserved_only = taken.all >= self.common;
        taken.by_origin.insert(origin, of_origin + 1);
        taken.all += 1;
        Some(Seat { taken: Arc::clone(&self.taken), origin, reserved_only })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(count) = taken.by_origin.get_mut(&self.origin) {
            *count -= 1;
            if *count == 0 {
                taken.by_origin.remove(&self.origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(address: &str) -> Origin {
        address.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn an_origin_is_an_address_or_a_network() {
        assert_eq!(origin("192.0.2.1"), origin("::ffff:192.0.2.1"));
        assert_ne!(origin("192.0.2.1"), origin("192.0.2.2"));
        assert_eq!(origin("2001:db8::1"), origin("2001:db8::2:3:4:5"));
        assert_ne!(origin("2001:db8::1"), origin("2001:db8:0:1::1"));
    }

    #[test]
    fn seats_run_out_and_come_back() {
        let limits =
            Limits { connections: 3, connections_reserved: 1, connections_per_address: 2, ..Limits::default() };
        let seats = Seats::new(&limits);
        let [a, b] = [(); 2].map(|()| seats.take(origin("192.0.2.1")).unwrap());
        assert!(seats.take(origin("192.0.2.1")).is_none(), "two from one address");
        let c = seats.take(origin("192.0.2.2")).unwrap();
        assert!(![&a, &b, &c].iter().any(|seat| seat.reserved_only));
        let d = seats.take(origin("192.0.2.3")).unwrap();
        assert!(d.reserved_only);
        assert!(seats.take(origin("192.0.2.4")).is_none(), "four in all");
        drop(a);
        assert!(seats.take(origin("192.0.2.4")).unwrap().reserved_only);
        drop((b, c, d));
        assert!(seats.taken.lock().unwrap().by_origin.is_empty());
    }
}
