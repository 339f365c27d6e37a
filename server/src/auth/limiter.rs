//! Slows down guessing: failed logins per address, by token bucket.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Failed attempts an address has in hand.
pub const ATTEMPTS_MAX: u32 = 5;
/// How long one attempt takes to come back.
pub const REFILL: Duration = Duration::from_secs(12);
/// Addresses remembered; when full, those that have all attempts back are forgotten.
const ADDRESSES_MAX: usize = 10_000;

/// Counts failed logins by address alone: a limit on all together would let a stranger with
/// many addresses keep the administrator out. Successful ones cost nothing.
#[derive(Debug, Default)]
pub struct AttemptLimiter {
    addresses: Mutex<HashMap<IpAddr, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// When it will be full again.
    full_at: Instant,
}

impl AttemptLimiter {
    /// How long `address` must wait before it may try; `None` when it may now.
    #[must_use]
    pub fn wait(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let bucket = self.lock().get(&prefix(address)).copied()?;
        bucket.wait(ATTEMPTS_MAX, REFILL, now)
    }

    /// Counts one failed attempt of `address`.
    pub fn failed(&self, address: IpAddr, now: Instant) {
        let mut addresses = self.lock();
        if addresses.len() >= ADDRESSES_MAX {
            addresses.retain(|_, bucket| bucket.full_at > now);
        }
        if addresses.len() < ADDRESSES_MAX {
            let full = Bucket { full_at: now };
            addresses
                .entry(prefix(address))
                .or_insert(full)
                .take(REFILL, now);
        }
    }

    /// Gives `address` its attempts back: it knew the password.
    pub fn forgive(&self, address: IpAddr) {
        self.lock().remove(&prefix(address));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Bucket>> {
        self.addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bucket {
    fn take(&mut self, refill: Duration, now: Instant) {
        self.full_at = self.full_at.max(now) + refill;
    }

    fn wait(self, size: u32, refill: Duration, now: Instant) -> Option<Duration> {
        let until_full = self.full_at.saturating_duration_since(now);
        let wait = until_full.saturating_sub(refill * (size - 1));
        (!wait.is_zero()).then_some(wait)
    }
}

/// An IPv6 customer has a whole /64; it counts as one address.
fn prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let mut segments = address.segments();
            segments[4..].fill(0);
            IpAddr::from(segments)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_failure_in_a_row_has_to_wait() {
        let limiter = AttemptLimiter::default();
        let (address, now) = (IpAddr::from([192, 0, 2, 1]), Instant::now());
        for _ in 0..ATTEMPTS_MAX {
            assert_eq!(limiter.wait(address, now), None);
            limiter.failed(address, now);
        }
        assert_eq!(limiter.wait(address, now), Some(REFILL));
        assert_eq!(limiter.wait(address, now + REFILL), None);
    }

    #[test]
    fn one_address_does_not_lock_out_another() {
        let limiter = AttemptLimiter::default();
        let now = Instant::now();
        for _ in 0..20 {
            limiter.failed(IpAddr::from([192, 0, 2, 1]), now);
        }
        assert_eq!(limiter.wait(IpAddr::from([192, 0, 2, 2]), now), None);
    }

    #[test]
    fn an_ipv6_customer_is_one_address() {
        let limiter = AttemptLimiter::default();
        let now = Instant::now();
        for host in 0..u16::try_from(ATTEMPTS_MAX).unwrap() {
            limiter.failed(IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, host]), now);
        }
        let other = IpAddr::from([0x2001, 0xdb8, 0, 1, 9, 9, 9, 9]);
        assert!(limiter.wait(other, now).is_some());
    }
}
