use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;
use std::collections::{BTreeMap, BTreeSet};

/// An address, or all addresses that begin alike: `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`.
///
/// An IPv4 address is the same however it is written: `::ffff:192.0.2.7` is `192.0.2.7`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

/// Why a text is not a [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkError {
    /// What stands before the slash is no address.
    Address,
    /// What stands behind it is no number of bits that such an address has.
    Prefix,
    /// The address goes on behind the prefix: this network was probably meant.
    HostBits(Network),
}

impl Network {
    /// The first `prefix_bits` of `address`, or `None` if it has not so many.
    #[must_use]
    pub fn new(address: IpAddr, prefix_bits: u8) -> Option<Self> {
        let (address, prefix_bits) = match (address, address.to_canonical()) {
            // The last 32 bits of a mapped address are the IPv4 address.
            (IpAddr::V6(_), IpAddr::V4(v4)) => (v4.into(), prefix_bits.checked_sub(96)?),
            (_, same) => (same, prefix_bits),
        };
        (prefix_bits <= bits_of(address)).then(|| Self {
            address: masked(address, prefix_bits),
            prefix_bits,
        })
    }

    /// The first address of it.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// How many bits its addresses have in common.
    #[must_use]
    pub const fn prefix_bits(&self) -> u8 {
        self.prefix_bits
    }

    /// Whether `address` is one of it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4()
            && masked(address, self.prefix_bits) == self.address
    }
}

const fn bits_of(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn masked(address: IpAddr, prefix_bits: u8) -> IpAddr {
    let rest = u32::from(bits_of(address).saturating_sub(prefix_bits));
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(rest).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(rest).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self {
            address,
            prefix_bits: bits_of(address),
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let text = text.trim();
        let Some((address, prefix)) = text.split_once('/') else {
            let address: IpAddr = text.parse().map_err(|_| NetworkError::Address)?;
            return Ok(address.into());
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
        let is_number = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
        let bits = prefix.parse().ok().filter(|_| is_number);
        let network = bits
            .and_then(|bits| Self::new(address, bits))
            .ok_or(NetworkError::Prefix)?;
        if network.address == address.to_canonical() {
            Ok(network)
        } else {
            Err(NetworkError::HostBits(network))
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix_bits == bits_of(self.address) {
            return write!(f, "{}", self.address);
        }
        write!(f, "{}/{}", self.address, self.prefix_bits)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("that is not an IP address"),
            Self::Prefix => f.write_str("behind the slash stands a number of bits, like /24"),
            Self::HostBits(network) => {
                write!(
                    f,
                    "the address goes on behind its prefix; {network} is the network"
                )
            }
        }
    }
}

impl std::error::Error for NetworkError {}

/// Many networks; asking takes as many steps as there are different prefix lengths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkSet {
    v4: BTreeMap<u8, BTreeSet<IpAddr>>,
    v6: BTreeMap<u8, BTreeSet<IpAddr>>,
}

impl NetworkSet {
    /// Whether there is none in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Whether `address` is in one of them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let lengths = if address.is_ipv4() {
            &self.v4
        } else {
            &self.v6
        };
        lengths
            .iter()
            .any(|(bits, networks)| networks.contains(&masked(address, *bits)))
    }
}

impl FromIterator<Network> for NetworkSet {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        let mut set = Self::default();
        for network in networks {
            let lengths = if network.address.is_ipv4() {
                &mut set.v4
            } else {
                &mut set.v6
            };
            lengths
                .entry(network.prefix_bits)
                .or_default()
                .insert(network.address);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_holds_the_addresses_that_begin_like_it() {
        assert!(network("192.0.2.0/24").contains(ip("192.0.2.255")));
        assert!(!network("192.0.2.0/24").contains(ip("192.0.3.0")));
        assert!(network("2001:db8::/32").contains(ip("2001:db8:ffff::1")));
        assert!(!network("2001:db8::/32").contains(ip("2001:db9::")));
        assert!(network("0.0.0.0/0").contains(ip("203.0.113.9")));
        assert!(!network("0.0.0.0/0").contains(ip("2001:db8::1")));
        assert!(network("::/0").contains(ip("2001:db8::1")));
        assert!(network("198.51.100.7").contains(ip("198.51.100.7")));
    }

    #[test]
    fn an_ipv4_address_is_the_same_in_ipv6_clothes() {
        assert!(network("192.0.2.0/24").contains(ip("::ffff:192.0.2.1")));
        assert!(network("::ffff:192.0.2.0/120").contains(ip("192.0.2.1")));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        let set: NetworkSet = [network("192.0.2.0/24")].into_iter().collect();
        assert!(set.contains(ip("::ffff:192.0.2.1")));
    }

    #[test]
    fn what_is_written_reads_back() {
        for text in [
            "192.0.2.0/24",
            "192.0.2.1",
            "2001:db8::/32",
            "::1",
            "0.0.0.0/0",
        ] {
            assert_eq!(network(text).to_string(), text);
        }
        assert_eq!(network("192.0.2.1/32").to_string(), "192.0.2.1");
    }

    #[test]
    fn what_is_no_network_is_refused_with_what_was_probably_meant() {
        let error = |text: &str| text.parse::<Network>().unwrap_err();
        assert_eq!(error("localhost"), NetworkError::Address);
        assert_eq!(error("192.0.2.0/33"), NetworkError::Prefix);
        assert_eq!(error("192.0.2.0/"), NetworkError::Prefix);
        assert_eq!(error("192.0.2.0/+8"), NetworkError::Prefix);
        assert_eq!(error("::ffff:192.0.2.0/24"), NetworkError::Prefix);
        assert_eq!(
            error("192.0.2.1/24"),
            NetworkError::HostBits(network("192.0.2.0/24"))
        );
    }

    #[test]
    fn a_set_finds_addresses_by_any_of_its_prefixes() {
        let texts = ["192.0.2.0/24", "198.51.100.7", "2001:db8::/32"];
        let set: NetworkSet = texts.map(network).into_iter().collect();
        assert!(set.contains(ip("192.0.2.9")) && set.contains(ip("198.51.100.7")));
        assert!(set.contains(ip("2001:db8::5")));
        assert!(!set.contains(ip("198.51.100.8")) && !set.contains(ip("::1")));
        assert!(NetworkSet::default().is_empty() && !set.is_empty());
    }
}
