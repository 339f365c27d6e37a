//! From settings to a socket.

use crate::settings::OutputSettings;
use core::time::Duration;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tidegate_engine::RunError;
use tidegate_udp::{Interface, Options, Socket};
use tokio::time::timeout;

/// How long a name may take to be resolved.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// The address the packets go to.
pub(crate) async fn resolve(settings: &OutputSettings) -> Result<SocketAddr, RunError> {
    let (host, port) = settings
        .target()
        .map_err(|error| RunError::configuration(error.to_string(), "Correct it."))?;
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(SocketAddr::new(address, port));
    }
    let unknown = |why: String| {
        RunError::theirs(
            format!("the name {host:?} cannot be resolved ({why})"),
            "Check the name and this machine's DNS.",
        )
    };
    let found = timeout(RESOLVE_TIMEOUT, tokio::net::lookup_host((host, port))).await;
    let mut found = found
        .map_err(|_| unknown("no answer in 5 s".into()))?
        .map_err(|error| unknown(error.to_string()))?;
    found
        .next()
        .ok_or_else(|| unknown("it has no address".into()))
}

/// A socket that sends there.
pub(crate) fn open(settings: &OutputSettings, to: SocketAddr) -> Result<Socket, RunError> {
    let any = match to {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let options = Options {
        // Nothing is received here.
        recv_buffer_bytes: 4096,
        gro: false,
        ..Options::default()
    };
    let failed = |error: io::Error| {
        RunError::ours(
            format!("no socket can be opened ({error})"),
            "Check this machine's network and limits.",
        )
    };
    let socket = Socket::bind(SocketAddr::new(any, 0), &options).map_err(failed)?;
    if to.ip().is_multicast() {
        if let Some(ttl) = settings.ttl {
            socket.set_multicast_ttl(ttl).map_err(failed)?;
        }
        if let Some(name) = &settings.interface {
            let no_interface = |error: io::Error| {
                RunError::ours(
                    format!("the interface {name:?} cannot be used ({error})"),
                    "Choose one that `ip link` shows.",
                )
            };
            let interface = interface(name).map_err(no_interface)?;
            socket
                .set_multicast_interface(interface)
                .map_err(no_interface)?;
        }
        return Ok(socket);
    }
    if let Some(ttl) = settings.ttl {
        socket.set_ttl(ttl).map_err(failed)?;
    }
    socket.connect(to).map_err(|error| {
        RunError::ours(
            format!("there is no way to {to} ({error})"),
            "Check this machine's routes.",
        )
    })?;
    Ok(socket)
}

/// An interface by its name, or by an IPv4 address it has.
fn interface(name: &str) -> io::Result<Interface> {
    if let Ok(address) = name.parse::<Ipv4Addr>() {
        return Ok(Interface::Address(address));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_has_an_index() {
        assert!(matches!(interface("lo").unwrap(), Interface::Index(index) if index > 0));
    }

    #[test]
    fn an_interface_name_cannot_lead_elsewhere() {
        assert!(interface("../../../etc").is_err());
    }
}
