use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tidegate_srt::CallerConfig;
use zeroize::Zeroizing;

use crate::role::Role;

/// How a call is placed.
#[derive(Debug)]
pub struct CallOptions {
    /// What the SRT core says to the far side.
    pub caller: CallerConfig,
    /// What the connection is for.
    pub role: Role,
    /// Leave from this address and port; otherwise from a socket shared with other calls.
    pub local: Option<SocketAddr>,
    /// Leave by this interface; the call has a socket of its own then.
    pub interface: Option<String>,
    /// Type of service (IPv6: traffic class) of what is sent; likewise.
    pub tos: Option<u8>,
    /// Time to live (IPv6: hop limit) of what is sent; likewise.
    pub ttl: Option<u8>,
    /// For a rendezvous ([`CallerConfig::rendezvous`]), which the other side may come to with
    /// keys of its own: what opens them.
    pub passphrase: Option<Zeroizing<Vec<u8>>>,
}

impl CallOptions {
    /// A call from any address, with the system's defaults.
    #[must_use]
    pub const fn new(caller: CallerConfig, role: Role) -> Self {
        Self {
            caller,
            role,
            local: None,
            interface: None,
            tos: None,
            ttl: None,
            passphrase: None,
        }
    }

    /// Where the call's own socket is bound; `None`: it can share one.
    pub(crate) fn own_port(&self, remote: SocketAddr) -> Option<SocketAddr> {
        let unlike_others = self.interface.is_some() || self.tos.is_some() || self.ttl.is_some();
        let any = || any_of(remote);
        // Both sides of a rendezvous call the port they are called from.
        let met_at = || SocketAddr::new(any().ip(), remote.port());
        self.local
            .map(canonical)
            .or_else(|| self.caller.rendezvous.then(met_at))
            .or_else(|| unlike_others.then(any))
    }
}

/// Any address that `remote` can be called from.
pub(crate) const fn any_of(remote: SocketAddr) -> SocketAddr {
    match remote {
        SocketAddr::V4(_) => SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
        SocketAddr::V6(_) => SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0),
    }
}

/// An IPv4 address written as IPv6 is an IPv4 address.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// A call could not be placed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The local address cannot be used.
    #[error("cannot send from {address}{}: {error}", by(.interface.as_ref()))]
    Local {
        /// What was asked for.
        address: SocketAddr,
        /// The interface that was asked for.
        interface: Option<String>,
        /// What the system said.
        error: io::Error,
    },
    /// A bonding group without legs.
    #[error("a bonding group needs at least one leg")]
    NoLegs,
    /// The system has no random numbers.
    #[error("this system gives no random numbers: {0}")]
    Random(io::Error),
    /// The shards are stopping or hopelessly behind.
    #[error("the media threads take no more work; the server is stopping or overloaded")]
    Busy,
}

fn by(interface: Option<&String>) -> String {
    interface.map_or_else(String::new, |interface| format!(" on {interface}"))
}
