//! Socket addresses as the kernel lays them out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// Bytes of the larger of the two layouts, `sockaddr_in6`.
pub(crate) const NAME_BYTES: usize = 28;
const V4_BYTES: usize = 16;

const FAMILY_V4: u16 = libc::AF_INET as u16;
const FAMILY_V6: u16 = libc::AF_INET6 as u16;

/// A `sockaddr_in` or `sockaddr_in6`, aligned as the kernel wants it.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub(crate) struct Name(pub(crate) [u8; NAME_BYTES]);

impl Name {
    pub(crate) const EMPTY: Self = Self([0; NAME_BYTES]);

    /// Lays out `address` for a socket of the given family and says how long it is. A
    /// dual-stack IPv6 socket reaches IPv4 addresses in their mapped form.
    pub(crate) fn of(address: SocketAddr, socket_is_v6: bool) -> (Self, u32) {
        let mut bytes = [0; NAME_BYTES];
        let address = match address {
            SocketAddr::V4(v4) if socket_is_v6 => {
                SocketAddr::V6(SocketAddrV6::new(v4.ip().to_ipv6_mapped(), v4.port(), 0, 0))
            }
            other => other,
        };
        let length = match address {
            SocketAddr::V4(v4) => {
                bytes[0..2].copy_from_slice(&FAMILY_V4.to_ne_bytes());
                bytes[2..4].copy_from_slice(&v4.port().to_be_bytes());
                bytes[4..8].copy_from_slice(&v4.ip().octets());
                V4_BYTES
            }
            SocketAddr::V6(v6) => {
                bytes[0..2].copy_from_slice(&FAMILY_V6.to_ne_bytes());
                bytes[2..4].copy_from_slice(&v6.port().to_be_bytes());
                bytes[4..8].copy_from_slice(&v6.flowinfo().to_be_bytes());
                bytes[8..24].copy_from_slice(&v6.ip().octets());
                bytes[24..28].copy_from_slice(&v6.scope_id().to_ne_bytes());
                NAME_BYTES
            }
        };
        (Self(bytes), length as u32)
    }

    /// The address in here; an IPv4-mapped one comes out as plain IPv4.
    pub(crate) fn parse(&self) -> Option<SocketAddr> {
        let b = &self.0;
        let port = u16::from_be_bytes([b[2], b[3]]);
        match u16::from_ne_bytes([b[0], b[1]]) {
            FAMILY_V4 => {
                let ip = Ipv4Addr::new(b[4], b[5], b[6], b[7]);
                Some(SocketAddr::V4(SocketAddrV4::new(ip, port)))
            }
            FAMILY_V6 => {
                let octets: [u8; 16] = b[8..24].try_into().ok()?;
                let ip = Ipv6Addr::from(octets);
                if let Some(v4) = ip.to_ipv4_mapped() {
                    return Some(SocketAddr::V4(SocketAddrV4::new(v4, port)));
                }
                let scope = u32::from_ne_bytes([b[24], b[25], b[26], b[27]]);
                Some(SocketAddr::V6(SocketAddrV6::new(ip, port, 0, scope)))
            }
            _ => None,
        }
    }
}

/// An address with a mapped IPv4 inside as that IPv4 address.
pub(crate) fn canonical(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(address: &str, socket_is_v6: bool) -> String {
        let (name, _) = Name::of(address.parse().unwrap(), socket_is_v6);
        name.parse().unwrap().to_string()
    }

    #[test]
    fn addresses_survive_the_kernel_layout() {
        assert_eq!(there_and_back("192.0.2.7:9000", false), "192.0.2.7:9000");
        assert_eq!(
            there_and_back("[2001:db8::7]:9000", true),
            "[2001:db8::7]:9000"
        );
        assert_eq!(there_and_back("[fe80::1%3]:9000", true), "[fe80::1%3]:9000");
    }

    #[test]
    fn ipv4_on_a_dual_stack_socket_comes_back_as_ipv4() {
        let (name, length) = Name::of("192.0.2.7:9000".parse().unwrap(), true);
        assert_eq!(length, 28);
        assert_eq!(name.parse().unwrap().to_string(), "192.0.2.7:9000");
    }

    #[test]
    fn an_unknown_family_is_no_address() {
        assert!(Name::EMPTY.parse().is_none());
    }
}
