//! From settings to a socket.

use crate::interface;
use crate::settings::{OutputSettings, target};
use core::time::Duration;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tidegate_engine::RunError;
use tidegate_udp::{Options, Socket};
use tokio::time::timeout;

/// How long a name may take to be resolved.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// The address the packets go to.
pub(crate) async fn resolve(settings: &OutputSettings) -> Result<SocketAddr, RunError> {
    let (host, port) = target(&settings.to)
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
    let failed = |error: io::Error| {
        RunError::ours(
            format!("no socket can be opened ({error})"),
            "Check this machine's network and limits.",
        )
    };
    let no_interface = |error: io::Error| {
        interface::unusable(settings.interface.as_deref().unwrap_or_default(), &error)
    };
    let mut options = Options {
        // Nothing is received here.
        recv_buffer_bytes: 4096,
        gro: false,
        tos: settings.tos,
        ..Options::default()
    };
    let mut from = match to {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    if let Some(name) = settings
        .interface
        .as_deref()
        .filter(|_| !to.ip().is_multicast())
    {
        match name.parse::<IpAddr>() {
            Ok(own) => from = own,
            Err(_) => options.interface = Some(name.to_owned()),
        }
    }
    let is_bound = options.interface.is_some() || !from.is_unspecified();
    let socket = Socket::bind(SocketAddr::new(from, 0), &options);
    let socket = socket.map_err(if is_bound {
        &no_interface as &dyn Fn(_) -> _
    } else {
        &failed
    })?;
    if to.ip().is_multicast() {
        if let Some(ttl) = settings.ttl {
            socket.set_multicast_ttl(ttl).map_err(failed)?;
        }
        if let Some(name) = &settings.interface {
            let interface = interface::find(name).map_err(no_interface)?;
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
