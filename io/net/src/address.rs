//! Which addresses may be called.
//!
//! An operator who writes an address himself often means one next door: private addresses and
//! loopback are called. Where somebody else leads – a redirect, an entry of a playlist – they
//! are not, or a stranger would see what only this machine can see. What is refused either way
//! are addresses that nobody has, and those where clouds keep credentials, so that a name that
//! suddenly points there (DNS rebinding) reaches nothing.
//!
//! The judgement is about what a name or a number was resolved to, so that every way of
//! writing an address (`2130706433`, `0x7f.1`, `::ffff:127.0.0.1`) is judged alike.

use core::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where clouds keep metadata besides 169.254.169.254, which is link-local.
const METADATA: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

/// IPv4 networks besides those of RFC 1918 and loopback that are nobody's on the internet:
/// shared by a carrier's customers, protocol assignments, benchmarks, reserved.
const PRIVATE_V4: [(Ipv4Addr, u32); 5] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Which addresses may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Also loopback and private networks.
    pub private: bool,
    /// Also link-local addresses and where clouds keep their metadata.
    pub link_local: bool,
}

impl Policy {
    /// For an address that the operator wrote himself.
    pub const WRITTEN: Self = Self {
        private: true,
        link_local: false,
    };
    /// For an address that somebody else leads to.
    pub const LED: Self = Self {
        private: false,
        link_local: false,
    };

    /// Why the address is not called, if it is not.
    #[must_use]
    pub fn refusal(self, address: IpAddr) -> Option<Refusal> {
        let address = meant(address);
        if address.is_unspecified() || address.is_multicast() || is_broadcast(address) {
            Some(Refusal::Nobody)
        } else if METADATA.contains(&address) {
            (!self.link_local).then_some(Refusal::Metadata)
        } else if is_link_local(address) {
            (!self.link_local).then_some(Refusal::LinkLocal)
        } else if is_private(address) {
            (!self.private).then_some(Refusal::Private)
        } else {
            None
        }
    }
}

/// Why an address is not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is unspecified, multicast or broadcast.
    Nobody,
    /// A cloud's metadata service.
    Metadata,
    /// Link-local.
    LinkLocal,
    /// Loopback or private, and not written by the operator.
    Private,
}

impl Refusal {
    /// What to do about it, without a full stop.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Nobody => "Use another address",
            Self::Metadata | Self::LinkLocal => "Use an address outside 169.254.0.0/16 and fe80::",
            Self::Private => {
                "If that is meant to be, set allow_private where the setting exists, or write \
                 the address it leads to as the url"
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "is nobody's address",
            Self::Metadata => "is where a cloud keeps its metadata",
            Self::LinkLocal => "is link-local, where clouds keep their metadata",
            Self::Private => "is in a private network, and the operator did not write it",
        })
    }
}

/// The IPv4 address that an IPv6 one stands for: mapped, compatible, translated (RFC 2765), by
/// NAT64 (RFC 6052), by 6to4 (RFC 3056), or the far end of a Teredo tunnel (RFC 4380).
fn meant(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    match v6.octets() {
        [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d]
        | [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, a, b, c, d]
        | [0x20, 0x02, a, b, c, d, ..] => Ipv4Addr::new(a, b, c, d).into(),
        [0x20, 0x01, 0, 0, .., a, b, c, d] => Ipv4Addr::new(!a, !b, !c, !d).into(),
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] if a != 0 => {
            Ipv4Addr::new(a, b, c, d).into()
        }
        _ => address.to_canonical(),
    }
}

fn is_broadcast(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if v4.is_broadcast())
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let within = |(network, bits): &(Ipv4Addr, u32)| {
                (v4.to_bits() ^ network.to_bits()) >> (32 - bits) == 0
            };
            v4.is_loopback() || v4.is_private() || PRIVATE_V4.iter().any(within)
        }
        IpAddr::V6(v6) => {
            // fec0::/10 was site-local; 64:ff9b:1::/48 is NAT64 of a network's own (RFC 8215).
            let is_site_local = v6.segments()[0] & 0xffc0 == 0xfec0;
            let is_local_nat64 = v6.octets().starts_with(&[0, 0x64, 0xff, 0x9b, 0, 1]);
            v6.is_loopback() || v6.is_unique_local() || is_site_local || is_local_nat64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(policy: Policy, text: &str) -> Option<Refusal> {
        policy.refusal(text.parse().expect("an address"))
    }

    const NEIGHBOURS: [&str; 13] = [
        "127.0.0.1",
        "::1",
        "10.0.0.5",
        "192.168.1.9",
        "172.31.255.1",
        "100.64.0.1",
        "fd12::1",
        "::ffff:127.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "::127.0.0.1",
        "::ffff:0:10.0.0.1",
        "2001:0:1234::80ff:fffe",
    ];

    #[test]
    fn neighbours_are_called_when_the_operator_wrote_them_and_not_otherwise() {
        for address in NEIGHBOURS {
            assert_eq!(refusal(Policy::WRITTEN, address), None, "{address}");
            assert_eq!(
                refusal(Policy::LED, address),
                Some(Refusal::Private),
                "{address}"
            );
        }
    }

    #[test]
    fn the_internet_is_called_whoever_leads_there() {
        for address in [
            "203.0.113.7",
            "8.8.8.8",
            "2a00::1",
            "172.32.0.1",
            "100.128.0.1",
        ] {
            assert_eq!(refusal(Policy::LED, address), None, "{address}");
        }
    }

    #[test]
    fn metadata_is_not_called_however_it_is_written() {
        for address in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::",
            "fd00:ec2::254",
            "100.100.100.200",
            "fe80::1",
            "0.0.0.0",
            "::",
            "255.255.255.255",
            "224.0.0.1",
            "ff02::1",
        ] {
            assert!(refusal(Policy::WRITTEN, address).is_some(), "{address}");
        }
    }

    #[test]
    fn link_local_can_be_allowed_but_nobody_cannot() {
        let all = Policy {
            private: true,
            link_local: true,
        };
        assert_eq!(refusal(all, "169.254.7.7"), None);
        assert_eq!(refusal(all, "100.100.100.200"), None);
        assert_eq!(refusal(all, "0.0.0.0"), Some(Refusal::Nobody));
    }
}
