//! Interfaces as people name them.

use std::io;
use std::net::{IpAddr, Ipv6Addr};
use tidegate_engine::{RunError, nearest};
use tidegate_udp::Interface;

/// Where Linux lists its interfaces.
const INTERFACES: &str = "/sys/class/net";

/// No such device.
const ENODEV: i32 = 19;

/// Interfaces that an error names.
const NAMED_MAX: usize = 8;

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
    let index = std::fs::read_to_string(format!("{INTERFACES}/{name}/ifindex"))?;
    let index = index
        .trim()
        .parse()
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    Ok(Interface::Index(index))
}

/// Why an interface cannot be used, and which one may be meant. It may come yet, so this is tried
/// again.
pub(crate) fn unusable(name: &str, error: &io::Error) -> RunError {
    explain(name, error, &names())
}

/// Whether this says that there is no such interface, and nothing else.
pub(crate) fn is_missing(error: &io::Error) -> bool {
    let is_unknown = matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::AddrNotAvailable | io::ErrorKind::InvalidInput
    );
    // So says who joins a group at an address that no interface has.
    is_unknown || error.raw_os_error() == Some(ENODEV)
}

fn explain(name: &str, error: &io::Error, there: &[String]) -> RunError {
    let is_missing = is_missing(error);
    let is_address = name.parse::<IpAddr>().is_ok();
    let message = match (is_missing, is_address) {
        (true, true) => format!("no interface of this machine has the address {name}"),
        (true, false) => format!("this machine has no interface {name:?}"),
        (false, _) => format!("the interface {name:?} cannot be used ({error})"),
    };
    let near = nearest(name, there.iter().map(String::as_str));
    let advice = match near.filter(|near| is_missing && *near != name) {
        Some(near) => format!("Did you mean {near:?}?"),
        None if is_address => "Write an address that `ip address` shows.".to_owned(),
        None => format!("Choose one of {}.", there.join(", ")),
    };
    RunError::ours(message, advice)
}

/// What interfaces there are.
fn names() -> Vec<String> {
    let entries = std::fs::read_dir(INTERFACES)
        .into_iter()
        .flatten()
        .flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names.truncate(NAMED_MAX);
    names
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
    fn a_name_that_nobody_has_is_told_the_one_that_is_meant() {
        let there = ["eth0".to_owned(), "eth1".to_owned(), "lo".to_owned()];
        let told = |name: &str| {
            let missing = io::Error::from(io::ErrorKind::NotFound);
            let error = explain(name, &missing, &there);
            (error.message, error.advice)
        };
        let (what, advice) = told("ehh1");
        assert_eq!(what, "this machine has no interface \"ehh1\"");
        assert_eq!(advice, "Did you mean \"eth1\"?");
        assert_eq!(told("bond7").1, "Choose one of eth0, eth1, lo.");
        let (what, advice) = told("10.9.9.9");
        assert_eq!(
            what,
            "no interface of this machine has the address 10.9.9.9"
        );
        assert!(advice.contains("ip address"), "{advice}");
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
