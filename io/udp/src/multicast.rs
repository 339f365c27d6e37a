//! Multicast membership and sending options.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd;

use socket2::InterfaceIndexOrAddress;

use crate::socket::Socket;
use crate::sys;

/// A network interface, by index or by an IPv4 address it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface {
    /// Its index, as in `ip link`.
    Index(u32),
    /// One of its IPv4 addresses.
    Address(Ipv4Addr),
}

impl Interface {
    fn index(self) -> u32 {
        match self {
            Self::Index(index) => index,
            Self::Address(_) => 0,
        }
    }
}

impl From<Interface> for InterfaceIndexOrAddress {
    fn from(interface: Interface) -> Self {
        match interface {
            Interface::Index(index) => Self::Index(index),
            Interface::Address(address) => Self::Address(address),
        }
    }
}

/// Lets the routing table choose.
const ANY: Interface = Interface::Index(0);

impl Socket {
    /// Receives what is sent to `group`, on one interface or the routing table's choice.
    ///
    /// # Errors
    /// Not a multicast address, no such interface, too many memberships.
    pub fn join(&self, group: IpAddr, interface: Option<Interface>) -> io::Result<()> {
        let interface = interface.unwrap_or(ANY);
        match group {
            IpAddr::V4(group) => self.socket().join_multicast_v4_n(&group, &interface.into()),
            IpAddr::V6(group) => self.socket().join_multicast_v6(&group, interface.index()),
        }
    }

    /// Receives what `source` sends to `group` and nobody else's (source-specific multicast),
    /// on one interface or the routing table's choice.
    ///
    /// # Errors
    /// As [`join`](Self::join); group and source of different families.
    pub fn join_source(
        &self,
        group: IpAddr,
        source: IpAddr,
        interface: Option<Interface>,
    ) -> io::Result<()> {
        let interface = interface.unwrap_or(ANY);
        match (group, source, interface) {
            (IpAddr::V4(group), IpAddr::V4(source), Interface::Address(interface)) => {
                self.socket().join_ssm_v4(&source, &group, &interface)
            }
            (IpAddr::V4(_), IpAddr::V4(_), _) => {
                let (level, index) = (libc::IPPROTO_IP, interface.index());
                sys::join_source(self.as_fd(), level, index, group, source)
            }
            (IpAddr::V6(_), IpAddr::V6(_), _) => {
                let (level, index) = (libc::IPPROTO_IPV6, interface.index());
                sys::join_source(self.as_fd(), level, index, group, source)
            }
            _ => Err(io::Error::from(io::ErrorKind::InvalidInput)),
        }
    }

    /// Receives of groups what it has joined itself, where it has joined it. Otherwise Linux hands
    /// a socket also what comes in at another interface, once anybody has joined the group there:
    /// two legs of one group would hear each other, and a leg that is dead would seem to live. A
    /// kernel without it (IPv6 before Linux 4.20) goes on as before.
    pub fn hear_own_memberships_alone(&self) {
        let _ = if self.is_v6() {
            self.socket().set_multicast_all_v6(false)
        } else {
            self.socket().set_multicast_all_v4(false)
        };
    }

    /// Stops receiving what is sent to `group`.
    ///
    /// # Errors
    /// Not a member.
    pub fn leave(&self, group: IpAddr, interface: Option<Interface>) -> io::Result<()> {
        let interface = interface.unwrap_or(ANY);
        match group {
            IpAddr::V4(group) => self
                .socket()
                .leave_multicast_v4_n(&group, &interface.into()),
            IpAddr::V6(group) => self.socket().leave_multicast_v6(&group, interface.index()),
        }
    }

    /// Routers a sent multicast datagram may pass.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn set_multicast_ttl(&self, hops: u8) -> io::Result<()> {
        if self.is_v6() {
            self.socket().set_multicast_hops_v6(u32::from(hops))
        } else {
            self.socket().set_multicast_ttl_v4(u32::from(hops))
        }
    }

    /// Routers a sent unicast datagram may pass.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn set_ttl(&self, hops: u8) -> io::Result<()> {
        if self.is_v6() {
            self.socket().set_unicast_hops_v6(u32::from(hops))
        } else {
            self.socket().set_ttl_v4(u32::from(hops))
        }
    }

    /// The interface multicast datagrams leave from.
    ///
    /// # Errors
    /// No such interface.
    pub fn set_multicast_interface(&self, interface: Interface) -> io::Result<()> {
        match interface {
            Interface::Index(index) if self.is_v6() => self.socket().set_multicast_if_v6(index),
            Interface::Address(address) => self.socket().set_multicast_if_v4(&address),
            // IPv4 takes an index as the address 0.0.0.x (ip(7): an ip_mreqn in disguise).
            Interface::Index(index) => self.socket().set_multicast_if_v4(&Ipv4Addr::from(index)),
        }
    }

    /// Whether this machine's own members of the group get what is sent here.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn set_multicast_loop(&self, on: bool) -> io::Result<()> {
        if self.is_v6() {
            self.socket().set_multicast_loop_v6(on)
        } else {
            self.socket().set_multicast_loop_v4(on)
        }
    }
}
