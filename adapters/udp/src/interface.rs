//! Interfaces as people name them.

use std::io;
use std::net::{IpAddr, Ipv6Addr};
use tidegate_udp::Interface;

/// Where Linux lists the IPv6 addresses it has: address, index, and more, in hexadecimal.
const V6_ADDRESSES: &str = "/proc/net/if_inet6";

/// An interface by its name, or by an address it has.
pub(crate) fn find(name: &str) -> io::Result<Interface> {
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => return Ok(Interface::Address(address)),
        Ok(IpAddr::V6(address)) => {
            let list = std::fs::read_to_string(V6_ADDRESSES)?;
            let index = index_of(&list, address);
            let found = index.ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable));
            return found.map(Interface::Index);
        }
        Err(_) => {}
    }
    // The name comes from a file: it must not lead out of the folder.
    if name.contains('/') || name.starts_with('.') {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    let index = std::fs::read_to_string(format!("/sys/class/net/{name}/ifindex"))?;
    let index = index
        .trim()
        .parse()
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    Ok(Interface::Index(index))
}

fn index_of(list: &str, address: Ipv6Addr) -> Option<u32> {
    let wanted = format!("{:032x}", u128::from(address));
    let line = list.lines().find(|line| line.starts_with(&wanted))?;
    u32::from_str_radix(line.split_whitespace().nth(1)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_has_an_index() {
        assert!(matches!(find("lo").unwrap(), Interface::Index(index) if index > 0));
    }

    #[test]
    fn an_interface_name_cannot_lead_elsewhere() {
        assert!(find("../../../etc").is_err());
    }

    #[test]
    fn an_interface_is_found_by_its_ipv6_address() {
        let list = "00000000000000000000000000000001 01 80 10 80       lo\n\
                    fe80000000000000005056fffec00001 1f 40 20 80     eth0\n";
        let address = "fe80::50:56ff:fec0:1".parse().unwrap();
        assert_eq!(index_of(list, address), Some(0x1f));
        assert_eq!(index_of(list, "fe80::1".parse().unwrap()), None);
    }
}
