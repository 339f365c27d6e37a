use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_units::Network;

/// The part of an IPv6 address that its owner did not choose.
const V6_PREFIX_BITS: u8 = 64;

/// How many may be inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    /// In all.
    pub total: usize,
    /// From one address (IPv6: from one /64).
    pub per_address: usize,
}

/// Which limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The one on all of them.
    Total(usize),
    /// The one on a single address.
    Address(usize),
}

/// Counts who is inside, in all and by address (IPv6: by /64).
#[derive(Debug, Default)]
pub struct Turnstile {
    inside: Mutex<Inside>,
    full: AtomicU64,
    address_full: AtomicU64,
}

#[derive(Debug, Default)]
struct Inside {
    total: usize,
    by_address: BTreeMap<IpAddr, usize>,
}

/// Somebody is inside, until it is dropped.
#[derive(Debug)]
pub struct Ticket {
    turnstile: Arc<Turnstile>,
    address: IpAddr,
}

impl Turnstile {
    /// Lets somebody in.
    ///
    /// # Errors
    /// If a limit is reached, which is counted.
    pub fn enter(self: &Arc<Self>, from: IpAddr, places: Places) -> Result<Ticket, Full> {
        let address = owner(from);
        let mut inside = self.inside();
        let here = inside.by_address.get(&address).copied().unwrap_or(0);
        let full = if inside.total >= places.total {
            Some(Full::Total(places.total))
        } else if here >= places.per_address {
            Some(Full::Address(places.per_address))
        } else {
            None
        };
        if let Some(full) = full {
            let counter = match full {
                Full::Total(_) => &self.full,
                Full::Address(_) => &self.address_full,
            };
            counter.fetch_add(1, Ordering::Relaxed);
            return Err(full);
        }
        inside.total += 1;
        inside.by_address.insert(address, here + 1);
        Ok(Ticket {
            turnstile: Arc::clone(self),
            address,
        })
    }

    /// How many are inside.
    #[must_use]
    pub fn count(&self) -> usize {
        self.inside().total
    }

    /// How many were turned away because all places were taken.
    #[must_use]
    pub fn turned_away(&self) -> u64 {
        self.full.load(Ordering::Relaxed)
    }

    /// How many were turned away because their address had all of its places taken.
    #[must_use]
    pub fn turned_away_for_address(&self) -> u64 {
        self.address_full.load(Ordering::Relaxed)
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn owner(address: IpAddr) -> IpAddr {
    let address = address.to_canonical();
    let prefix = Network::new(address, V6_PREFIX_BITS).filter(|_| address.is_ipv6());
    prefix.map_or(address, |prefix| prefix.address())
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut inside = self.turnstile.inside();
        inside.total -= 1;
        if let Some(count) = inside.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                inside.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: Places = Places {
        total: 3,
        per_address: 2,
    };

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_does_not_take_all_the_room() {
        let turnstile = Arc::new(Turnstile::default());
        let enter = |address| turnstile.enter(ip(address), PLACES);
        let _inside = [enter("192.0.2.1"), enter("::ffff:192.0.2.1")].map(|t| t.ok().unwrap());
        assert_eq!(enter("192.0.2.1").err(), Some(Full::Address(2)));
        let _other = enter("192.0.2.2").ok().unwrap();
        assert_eq!(enter("192.0.2.3").err(), Some(Full::Total(3)));
        assert_eq!(turnstile.count(), 3);
        assert_eq!(turnstile.turned_away(), 1);
        assert_eq!(turnstile.turned_away_for_address(), 1);
    }

    #[test]
    fn who_leaves_makes_room() {
        let turnstile = Arc::new(Turnstile::default());
        for _ in 0..10 {
            let _one = turnstile.enter(ip("192.0.2.1"), PLACES).ok().unwrap();
            let _two = turnstile.enter(ip("192.0.2.1"), PLACES).ok().unwrap();
        }
        assert_eq!(turnstile.count(), 0);
        assert!(turnstile.inside().by_address.is_empty());
    }

    #[test]
    fn a_whole_ipv6_prefix_is_one_address() {
        let turnstile = Arc::new(Turnstile::default());
        let enter = |address| turnstile.enter(ip(address), PLACES);
        let _inside = [enter("2001:db8::1"), enter("2001:db8::2")].map(|t| t.ok().unwrap());
        assert_eq!(enter("2001:db8::3").err(), Some(Full::Address(2)));
        assert!(enter("2001:db8:0:1::3").is_ok());
    }
}
