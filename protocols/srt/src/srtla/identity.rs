use core::net::{IpAddr, Ipv6Addr, SocketAddr};

/// RFC 6666: addresses nothing is ever sent to, and no packet ever comes from.
const DISCARD_PREFIX: u64 = 0x0100_0000_0000_0000;

/// Names a bundle of one endpoint; never reused for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BundleKey {
    pub(super) shard: u8,
    pub(super) slot: u16,
    pub(super) generation: u32,
}

impl BundleKey {
    /// The address a bundle has for the SRT core, whatever link its packets come over. Cookies
    /// and repeated handshakes are bound to it.
    pub(crate) fn identity(self) -> SocketAddr {
        let host =
            u64::from(self.shard) << 48 | u64::from(self.slot) << 32 | u64::from(self.generation);
        let address = Ipv6Addr::from_bits(u128::from(DISCARD_PREFIX) << 64 | u128::from(host));
        SocketAddr::new(address.into(), 0)
    }

    /// The bundle that has this address; `None` for a real one.
    pub(crate) fn of(address: SocketAddr) -> Option<Self> {
        if !is_identity(address) {
            return None;
        }
        let IpAddr::V6(v6) = address.ip() else {
            return None;
        };
        let host = v6.to_bits() as u64;
        Some(Self {
            shard: (host >> 48) as u8,
            slot: (host >> 32) as u16,
            generation: host as u32,
        })
    }
}

/// Whether an address is of the prefix that stands for bundles. A datagram that claims to come
/// from there is forged.
pub(crate) fn is_identity(address: SocketAddr) -> bool {
    match address.ip() {
        IpAddr::V6(v6) => (v6.to_bits() >> 64) as u64 == DISCARD_PREFIX,
        IpAddr::V4(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_names_its_bundle_and_no_real_address_does() {
        let key = BundleKey {
            shard: 63,
            slot: 199,
            generation: u32::MAX,
        };
        assert_eq!(BundleKey::of(key.identity()), Some(key));
        for real in [
            "192.0.2.1:5000",
            "[2001:db8::1]:5000",
            "[::ffff:100.0.0.1]:1",
        ] {
            assert_eq!(BundleKey::of(real.parse().unwrap()), None, "{real}");
        }
        assert!(is_identity("[100::dead]:4000".parse().unwrap()));
    }
}
