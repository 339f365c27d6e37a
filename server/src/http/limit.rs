//! How many connections there may be, in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Most HTTP connections at a time.
pub const CONNECTIONS_MAX: usize = 4_000;
/// Most of them from one address. Viewers behind one NAT, or a proxy in front, share it.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 500;

/// Counts open connections.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    inner: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
    refused: u64,
}

/// One open connection; dropping it gives its place back.
#[derive(Debug)]
pub struct Place {
    connections: Connections,
    address: IpAddr,
}

impl Connections {
    /// A place for a connection from `address`, when there is one.
    #[must_use]
    pub fn enter(&self, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let mut open = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let same = open.by_address.get(&address).copied().unwrap_or(0);
        if open.total >= CONNECTIONS_MAX || same >= CONNECTIONS_PER_ADDRESS_MAX {
            open.refused += 1;
            return None;
        }
        open.total += 1;
        open.by_address.insert(address, same + 1);
        Some(Place {
            connections: self.clone(),
            address,
        })
    }

    /// Connections open now, and refused so far.
    #[must_use]
    pub fn counts(&self) -> (usize, u64) {
        let open = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        (open.total, open.refused)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self
            .connections
            .inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        open.total -= 1;
        match open.by_address.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.by_address.remove(&self.address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_every_place() {
        let connections = Connections::default();
        let greedy = IpAddr::from([192, 0, 2, 1]);
        let places: Vec<Option<Place>> = (0..=CONNECTIONS_PER_ADDRESS_MAX)
            .map(|_| connections.enter(greedy))
            .collect();
        assert!(places.last().unwrap().is_none());
        assert!(connections.enter(IpAddr::from([192, 0, 2, 2])).is_some());
        drop(places);
        assert!(connections.enter(greedy).is_some());
        assert_eq!(connections.counts(), (0, 1));
    }
}
