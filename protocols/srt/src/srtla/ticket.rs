//! Bundle names as sealed tickets.
//!
//! ```text
//!  0     the sender's random half                                    128
//!  128   shard that owns the bundle                                    1
//!  129   masked: time of the offer (8), address it was made to (16)   24
//!  153   seal over all of that, unmasked                              16
//!  169   noise                                                        87
//! ```
//! Nothing is kept for an offer. Whoever brings it back has received it, or was told by one
//! who has; the address it was made to answers for the bundle.

use core::net::{IpAddr, Ipv6Addr, SocketAddr};

use core::hash::Hasher;
use siphasher::sip128::{Hasher128, SipHasher24};
use tidegate_units::{Duration, Instant};

use super::wire::{ID_BYTES, Message};
use crate::handshake::CookieKey;

/// How long an offer may be taken up.
const LIFETIME: Duration = Duration::from_secs(10);

const SHARD_AT: usize = 128;
const HEAD_AT: usize = SHARD_AT + 1;
const SEAL_AT: usize = HEAD_AT + HEAD_BYTES;
const NOISE_AT: usize = SEAL_AT + SEAL_BYTES;
const HEAD_BYTES: usize = 24;
const SEAL_BYTES: usize = 16;

pub(crate) type Id = [u8; ID_BYTES];
type Seal = [u8; SEAL_BYTES];

/// The secret behind the names, derived from that of the cookies.
#[derive(Clone)]
pub(crate) struct TicketKey([u8; 16]);

impl TicketKey {
    pub(crate) fn new(cookies: &CookieKey) -> Self {
        Self(cookies.derive(b"srtla tickets"))
    }

    /// The name offered to a sender at `to`.
    pub(crate) fn offer(&self, now: Instant, to: SocketAddr, shard: u8, asked: &Id) -> Id {
        let mut id = *asked;
        id[SHARD_AT] = shard;
        let (time, address) = id[HEAD_AT..SEAL_AT].split_at_mut(8);
        time.copy_from_slice(&now.as_micros().to_be_bytes());
        address.copy_from_slice(&octets(to.ip()));
        let seal = self.prf(0, &id[..SEAL_AT]);
        self.mask(&mut id[HEAD_AT..SEAL_AT], 1, &seal);
        id[SEAL_AT..NOISE_AT].copy_from_slice(&seal);
        id[NOISE_AT..].fill(0);
        self.mask(&mut id[NOISE_AT..], 2, &seal);
        id
    }

    /// The address a name was offered to, if it is ours and may still be taken up.
    pub(crate) fn open(&self, now: Instant, id: &Id) -> Option<IpAddr> {
        let seal = seal_of(id);
        let mut clear = *id;
        self.mask(&mut clear[HEAD_AT..SEAL_AT], 1, &seal);
        let ours = same(&self.prf(0, &clear[..SEAL_AT]), &seal);
        self.mask(&mut clear[NOISE_AT..], 2, &seal);
        let quiet = same(&clear[NOISE_AT..], &[0; ID_BYTES - NOISE_AT]);
        if !(ours & quiet) {
            return None;
        }
        let (time, address) = clear[HEAD_AT..SEAL_AT].split_first_chunk()?;
        let offered = Instant::from_micros(u64::from_be_bytes(*time));
        let address: [u8; 16] = address.try_into().ok()?;
        let fresh = now.saturating_since(offered) <= LIFETIME;
        fresh.then(|| Ipv6Addr::from(address).to_canonical())
    }

    fn mask(&self, bytes: &mut [u8], purpose: u8, seal: &Seal) {
        for (at, block) in bytes.chunks_mut(SEAL_BYTES).enumerate() {
            let noise = self.prf(purpose, &[&seal[..], &[at as u8]].concat());
            block
                .iter_mut()
                .zip(noise)
                .for_each(|(byte, noise)| *byte ^= noise);
        }
    }

    fn prf(&self, purpose: u8, message: &[u8]) -> Seal {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        hasher.write(&[purpose]);
        hasher.write(message);
        hasher.finish128().as_bytes()
    }
}

impl core::fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("TicketKey(…)")
    }
}

fn seal_of(id: &Id) -> Seal {
    core::array::from_fn(|at| id[SEAL_AT + at])
}

/// The shard whose bundle a REG2 names. Whether there is one, that shard knows.
#[must_use]
pub fn owner_of(datagram: &[u8]) -> Option<u8> {
    match Message::parse(datagram)? {
        Message::Join(id) => Some(owner_of_id(id)),
        Message::Register(_) | Message::KeepAlive(_) => None,
    }
}

pub(crate) const fn owner_of_id(id: &Id) -> u8 {
    id[SHARD_AT]
}

/// Compares in a time that says nothing about where two strings differ.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    let different = one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b));
    one.len() == other.len() && core::hint::black_box(different) == 0
}

fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_millis(1000);

    fn key(secret: u8) -> TicketKey {
        TicketKey::new(&CookieKey::new([secret; 16]))
    }

    fn phone() -> SocketAddr {
        "192.0.2.7:4000".parse().unwrap()
    }

    #[test]
    fn a_name_tells_whom_it_was_offered_to_for_ten_seconds() {
        let id = key(1).offer(NOW, phone(), 3, &[5; ID_BYTES]);
        assert_eq!(id[..128], [5; 128]);
        assert_eq!(
            owner_of(&super::super::wire::registration(0x9201, &id)),
            Some(3)
        );
        assert_eq!(key(1).open(NOW + LIFETIME, &id), Some(phone().ip()));
        let late = NOW + LIFETIME + Duration::from_micros(1);
        assert_eq!(key(1).open(late, &id), None);
    }

    #[test]
    fn a_name_with_a_single_changed_bit_is_not_ours() {
        let id = key(1).offer(NOW, phone(), 3, &[5; ID_BYTES]);
        for at in 0..ID_BYTES {
            let mut forged = id;
            forged[at] ^= 0x10;
            assert_eq!(key(1).open(NOW, &forged), None, "byte {at}");
        }
        assert_eq!(key(2).open(NOW, &id), None);
    }

    #[test]
    fn a_name_shows_neither_time_nor_address() {
        let early = key(1).offer(NOW, phone(), 0, &[5; ID_BYTES]);
        let late = key(1).offer(NOW + LIFETIME, phone(), 0, &[5; ID_BYTES]);
        let differing = early[129..]
            .iter()
            .zip(&late[129..])
            .filter(|(a, b)| a != b);
        assert!(differing.count() > 100);
    }
}
