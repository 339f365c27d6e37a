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
    /// Of a group at an interface that was named.
    membership: Option<Membership>,
}

#[derive(Debug)]
struct Membership {
    group: IpAddr,
    sender: Option<IpAddr>,
    name: String,
    /// `None` while the interface is not there.
    joined: Option<Interface>,
}

/// Opens all sockets of these legs. One leg of two may wait for its interface.
pub(super) fn open(legs: &[Place], fec: bool) -> Result<Vec<Port>, RunError> {
    let mut ports = Vec::new();
    for (number, leg) in legs.iter().enumerate() {
        let port = |role, above| {
            let (socket, membership) = open_one(leg, above)?;
            Ok::<_, RunError>(Port {
                socket,
                leg: number,
                role,
                membership,
            })
        };
        ports.push(port(Role::Media, 0)?);
        if fec {
            for stream in [Stream::Columns, Stream::Rows] {
                ports.push(port(Role::Sums, stream.port_offset())?);
            }
        }
    }
    let memberships = ports.iter().filter_map(|port| port.membership.as_ref());
    let waiting: Vec<_> = memberships.filter(|one| one.joined.is_none()).collect();
    match waiting.first() {
        Some(first) if waiting.len() == ports.len() => {
            let missing = io::Error::from(io::ErrorKind::NotFound);
            Err(interface::unusable(&first.name, &missing))
        }
        _ => Ok(ports),
    }
}

impl Port {
    /// Joins the group where its interface has come, or has come back as another one.
    pub(super) fn keep_joined(&mut self) {
        let Some(membership) = &mut self.membership else {
            return;
        };
        let there = interface::find(&membership.name).ok();
        if there == membership.joined {
            return;
        }
        if let Some(gone) = membership.joined.take() {
            // The kernel keeps its place among the socket's memberships until then.
            let _ = self.socket.leave(membership.group, Some(gone));
        }
        if there.is_some() && membership.join(&self.socket, there).is_ok() {
            membership.joined = there;
        }
    }
}

impl Membership {
    fn join(&self, socket: &Socket, interface: Option<Interface>) -> io::Result<()> {
        match self.sender {
            Some(sender) => socket.join_source(self.group, sender, interface),
            None => socket.join(self.group, interface),
        }
    }
}

fn open_one(leg: &Place, above: u16) -> Result<(Socket, Option<Membership>), RunError> {
    let mut at = leg.at;
    at.set_port(at.port().saturating_add(above));
    if at.ip().is_multicast() {
        return open_group(leg, at);
    }
    let mut options = Options::default();
    if let Some(name) = &leg.interface {
        interface::find(name).map_err(|error| interface::unusable(name, &error))?;
        match name.parse::<IpAddr>() {
            Ok(own) if at.ip().is_unspecified() && own.is_ipv4() == at.is_ipv4() => at.set_ip(own),
            Ok(_) => {}
            Err(_) => options.interface = Some(name.to_owned()),
        }
    }
    let socket = Socket::bind(at, &options).map_err(|error| cannot_bind(at, &error))?;
    Ok((socket, None))
}

fn open_group(leg: &Place, at: SocketAddr) -> Result<(Socket, Option<Membership>), RunError> {
    let name = leg.interface.as_deref();
    let found = name.map(interface::find).transpose();
    let options = Options {
        // Several programs of a machine may receive one group.
        reuse_address: true,
        ..Options::default()
    };
    // Bound to the group itself, so that other groups on this port stay out.
    let at = in_scope(at, found.as_ref().ok().copied().flatten());
    let socket = Socket::bind(at, &options).map_err(|error| cannot_bind(at, &error))?;
    socket.hear_own_memberships_alone();
    let mut membership = Membership {
        group: at.ip(),
        sender: leg.sender,
        name: name.unwrap_or_default().to_owned(),
        joined: None,
    };
    let joined = found.and_then(|interface| {
        membership.join(&socket, interface)?;
        Ok(interface)
    });
    match joined {
        Ok(interface) => membership.joined = interface,
        Err(error) if name.is_some() && interface::is_missing(&error) => {}
        Err(error) => {
            return Err(RunError::ours(
                format!("the group {} cannot be joined ({error})", at.ip()),
                "Name the interface the group comes in at, and check that it is up and has an \
                 address.",
            ));
        }
    }
    Ok((socket, name.is_some().then_some(membership)))
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
