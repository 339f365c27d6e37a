//! Which addresses a webhook may have.
//!
//! Whoever configures a webhook is the operator, and webhooks usually live next door: private
//! addresses and loopback are asked. What is refused are addresses that no webhook has, and
//! those where clouds keep credentials, so that a name that suddenly points there (DNS
//! rebinding) reaches nothing. The name is looked up once, and what was judged is connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where clouds keep metadata besides 169.254.169.254, which is link-local.
const METADATA: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

/// Why the address is not asked, if it is not.
pub(super) fn refusal(address: IpAddr, allow_link_local: bool) -> Option<&'static str> {
    let address = meant(address);
    if address.is_unspecified() || address.is_multicast() || is_broadcast(address) {
        return Some("is nobody's address");
    }
    if allow_link_local {
        return None;
    }
    if METADATA.contains(&address) {
        return Some("is where a cloud keeps its metadata");
    }
    is_link_local(address).then_some("is link-local, where clouds keep their metadata")
}

/// The IPv4 address that an IPv6 one stands for: mapped, or by NAT64 (RFC 6052).
fn meant(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    match v6.octets() {
        [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] => {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> bool {
        refusal(text.parse().expect("an address"), false).is_some()
    }

    #[test]
    fn neighbours_and_the_internet_are_asked() {
        for address in [
            "127.0.0.1",
            "::1",
            "10.0.0.5",
            "192.168.1.9",
            "203.0.113.7",
            "fd12::1",
        ] {
            assert!(!refused(address), "{address}");
        }
    }

    #[test]
    fn metadata_is_not_asked_however_it_is_written() {
        for address in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "fd00:ec2::254",
            "100.100.100.200",
            "fe80::1",
            "0.0.0.0",
            "::",
            "255.255.255.255",
            "224.0.0.1",
            "ff02::1",
        ] {
            assert!(refused(address), "{address}");
        }
    }

    #[test]
    fn link_local_can_be_allowed_but_nobody_cannot() {
        let refusal = |text: &str| refusal(text.parse().expect("an address"), true);
        assert_eq!(refusal("169.254.7.7"), None);
        assert!(refusal("0.0.0.0").is_some());
    }
}
