use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address a handshake's sender saw its peer at. Informational.
///
/// Every 32-bit word is byte-reversed: 127.0.0.1 is `01 00 00 7f` and three zero words.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct WireAddress([u8; Self::BYTES]);

impl WireAddress {
    /// Bytes of the field.
    pub const BYTES: usize = 16;

    /// The field as it is on the wire.
    #[must_use]
    pub const fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The field as it is on the wire.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// The address, read as IPv4 when only the first word is used.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        let straight = reverse_words(self.0);
        match straight {
            [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] => {
                IpAddr::V4(Ipv4Addr::new(a, b, c, d))
            }
            _ => IpAddr::V6(Ipv6Addr::from(straight)),
        }
    }
}

impl From<IpAddr> for WireAddress {
    fn from(address: IpAddr) -> Self {
        let mut straight = [0; Self::BYTES];
        match address.to_canonical() {
            IpAddr::V4(v4) => straight[..4].copy_from_slice(&v4.octets()),
            IpAddr::V6(v6) => straight = v6.octets(),
        }
        Self(reverse_words(straight))
    }
}

fn reverse_words(mut bytes: [u8; WireAddress::BYTES]) -> [u8; WireAddress::BYTES] {
    for word in bytes.as_chunks_mut::<4>().0 {
        word.reverse();
    }
    bytes
}

impl fmt::Debug for WireAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_byte_reversed() {
        let v4 = WireAddress::from(IpAddr::from([127, 0, 0, 1]));
        assert_eq!(v4.as_bytes()[..4], [1, 0, 0, 127]);
        assert_eq!(v4.address(), IpAddr::from([127, 0, 0, 1]));
        let v6 = WireAddress::from(IpAddr::V6(Ipv6Addr::LOCALHOST));
        assert_eq!(v6.as_bytes()[12..], [1, 0, 0, 0]);
    }
}
