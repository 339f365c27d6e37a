use core::fmt;
use core::hash::Hasher;
use core::net::{IpAddr, SocketAddr};

use siphasher::sip::SipHasher24;
use siphasher::sip128::Hasher128;
use tidegate_units::{Duration, Instant};
use zeroize::Zeroizing;

/// The secret behind the listener's cookies. All endpoints of one process share it, so
/// that a conclusion may arrive at another one than the induction did.
///
/// A cookie proves that the caller receives at the address it sends from, and the
/// listener keeps nothing for it: it is a keyed hash of the address and the minute. The
/// cookies of this minute and of the one before are valid.
#[derive(Clone)]
pub struct CookieKey(Zeroizing<[u8; Self::BYTES]>);

/// How long one epoch lasts; a cookie lives for one to two.
const EPOCH: Duration = Duration::from_secs(60);

/// What no epoch reaches: a rendezvous cookie is never valid for a caller.
const NO_EPOCH: u64 = 1 << 63;

/// Address (16), port (2), epoch (8).
const MESSAGE_BYTES: usize = 26;

impl CookieKey {
    /// Bytes of the secret.
    pub const BYTES: usize = 16;

    /// The key from random bytes.
    #[must_use]
    pub fn new(secret: [u8; Self::BYTES]) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// The cookie for a caller. Never zero, which means "none" in a handshake.
    #[must_use]
    pub fn bake(&self, now: Instant, from: SocketAddr) -> u32 {
        self.hash(epoch(now), from)
    }

    /// The cookie this side brings into a rendezvous with `peer`. Never zero. Another
    /// `attempt` has another one, so that a draw is not repeated.
    #[must_use]
    pub fn bake_for_rendezvous(&self, peer: SocketAddr, attempt: u32) -> u32 {
        self.hash(NO_EPOCH | u64::from(attempt), peer)
    }

    /// Whether a caller's cookie is one of ours for its address, and fresh.
    #[must_use]
    pub fn verify(&self, now: Instant, from: SocketAddr, cookie: u32) -> bool {
        let current = epoch(now);
        // Both are always computed: how long it takes says nothing.
        let fits_current = self.hash(current, from) == cookie;
        let fits_previous = current > 0 && self.hash(current.wrapping_sub(1), from) == cookie;
        fits_current | fits_previous
    }

    /// A secret of its own for another purpose.
    pub(crate) fn derive(&self, purpose: &[u8]) -> [u8; Self::BYTES] {
        let mut hasher = siphasher::sip128::SipHasher24::new_with_key(&self.0);
        hasher.write(purpose);
        hasher.finish128().as_bytes()
    }

    fn hash(&self, epoch: u64, from: SocketAddr) -> u32 {
        let mut message = [0; MESSAGE_BYTES];
        message[..16].copy_from_slice(&octets(from.ip()));
        message[16..18].copy_from_slice(&from.port().to_be_bytes());
        message[18..].copy_from_slice(&epoch.to_be_bytes());
        let hash = SipHasher24::new_with_key(&self.0).hash(&message);
        ((hash >> 32) as u32 ^ hash as u32).max(1)
    }
}

fn epoch(now: Instant) -> u64 {
    now.as_micros() / EPOCH.as_micros() as u64
}

/// IPv4 callers look the same on an IPv4 and on a dual-stack socket.
fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

impl fmt::Debug for CookieKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn key() -> CookieKey {
        CookieKey::new([7; 16])
    }

    #[test]
    fn a_cookie_is_valid_for_one_to_two_minutes() {
        let (caller, baked_at) = (address("192.0.2.1:4000"), Instant::from_millis(59_999));
        let cookie = key().bake(baked_at, caller);
        assert!(key().verify(baked_at, caller, cookie));
        assert!(key().verify(Instant::from_millis(119_999), caller, cookie));
        assert!(!key().verify(Instant::from_millis(120_000), caller, cookie));
    }

    #[test]
    fn a_cookie_is_for_one_address_and_port() {
        let cookie = key().bake(Instant::ZERO, address("192.0.2.1:4000"));
        assert!(!key().verify(Instant::ZERO, address("192.0.2.1:4001"), cookie));
        assert!(!key().verify(Instant::ZERO, address("192.0.2.2:4000"), cookie));
        assert!(key().verify(Instant::ZERO, address("[::ffff:192.0.2.1]:4000"), cookie));
    }

    #[test]
    fn a_rendezvous_cookie_is_new_with_each_attempt_and_lets_no_caller_in() {
        let peer = address("192.0.2.1:4000");
        let cookie = key().bake_for_rendezvous(peer, 1);
        assert_ne!(cookie, key().bake_for_rendezvous(peer, 2));
        assert!(!key().verify(Instant::ZERO, peer, cookie));
    }

    #[test]
    fn without_the_key_nobody_bakes_a_valid_cookie() {
        let caller = address("[2001:db8::1]:4000");
        let forged = CookieKey::new([8; 16]).bake(Instant::ZERO, caller);
        assert!(!key().verify(Instant::ZERO, caller, forged));
        assert!(!key().verify(Instant::ZERO, caller, 0));
    }
}
