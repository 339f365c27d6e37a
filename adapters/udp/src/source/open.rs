//! From settings to sockets.

use crate::interface;
use crate::settings::Place;
use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use tidegate_engine::RunError;
use tidegate_rtp::fec::Stream;
use tidegate_udp::{Interface, Options, Socket};

/// What a socket receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The stream.
    Media,
    /// Its sums.
    Sums,
}

/// A socket and what comes in at it.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) socket: Socket,
    pub(super) leg: usize,
    pub(super) role: Role,
}

/// Opens all sockets of these legs.
pub(super) fn open(legs: &[Place], fec: bool) -> Result<Vec<Port>, RunError> {
    let mut ports = Vec::new();
    for (number, leg) in legs.iter().enumerate() {
        let port = |role, above| {
            let socket = open_one(leg, above)?;
            Ok::<_, RunError>(Port {
                socket,
                leg: number,
                role,
            })
        };
        ports.push(port(Role::Media, 0)?);
        if fec {
            for stream in [Stream::Columns, Stream::Rows] {
                ports.push(port(Role::Sums, stream.port_offset())?);
            }
        }
    }
    Ok(ports)
}

fn open_one(leg: &Place, above: u16) -> Result<Socket, RunError> {
    let mut at = leg.at;
    at.set_port(at.port().saturating_add(above));
    let is_group = at.ip().is_multicast();
    let name = leg.interface.as_deref();
    let no_interface = |error: io::Error| {
        let name = name.unwrap_or_default();
        RunError::ours(
            format!("the interface {name:?} cannot be used ({error})"),
            "Choose one that `ip link` shows.",
        )
    };
    let interface = name.map(interface::find).transpose();
    let interface = interface.map_err(no_interface)?;
    let mut options = Options {
        // Several programs of a machine may receive one group.
        reuse_address: is_group,
        ..Options::default()
    };
    if is_group {
        // Bound to the group itself, so that other groups on this port stay out.
        at = in_scope(at, interface);
    } else if let Some(name) = name {
        match name.parse::<IpAddr>() {
            Ok(own) if at.ip().is_unspecified() && own.is_ipv4() == at.is_ipv4() => at.set_ip(own),
            Ok(_) => {}
            Err(_) => options.interface = Some(name.to_owned()),
        }
    }
    let socket = Socket::bind(at, &options).map_err(|error| cannot_bind(at, &error))?;
    if is_group {
        let group = at.ip();
        let joined = match leg.sender {
            Some(sender) => socket.join_source(group, sender, interface),
            None => socket.join(group, interface),
        };
        joined.map_err(|error| {
            RunError::ours(
                format!("the group {group} cannot be joined ({error})"),
                "Name the interface the group comes in at, and check that it is up and has an \
                 address.",
            )
        })?;
    }
    Ok(socket)
}

/// Groups of a link are bound together with their interface.
fn in_scope(at: SocketAddr, interface: Option<Interface>) -> SocketAddr {
    match (at, interface) {
        (SocketAddr::V6(group), Some(Interface::Index(index))) => {
            SocketAddrV6::new(*group.ip(), group.port(), 0, index).into()
        }
        _ => at,
    }
}

fn cannot_bind(at: SocketAddr, error: &io::Error) -> RunError {
    match error.kind() {
        io::ErrorKind::AddrInUse => RunError::ours(
            format!("UDP port {} is used by another program", at.port()),
            "End that program, or choose another port.",
        ),
        io::ErrorKind::AddrNotAvailable => RunError::ours(
            format!("this machine has no address {}", at.ip()),
            "Write one that `ip address` shows, or only the port.",
        ),
        _ => RunError::ours(
            format!("{at} cannot be opened ({error})"),
            "Check this machine's network and limits.",
        ),
    }
}
