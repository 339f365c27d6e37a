//! The pair of UDP ports that all players of a listener share: media from the even one,
//! reports from and to the odd one.
//!
//! Whatever players send there only shows that they live.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;

/// Pairs that are tried for one that is free.
const TRIES: usize = 50;
/// Enough to know who sent it.
const GLANCE_BYTES: usize = 64;

pub(super) struct Datagrams {
    media: UdpSocket,
    reports: UdpSocket,
    ports: (u16, u16),
    is_v6: bool,
    /// Players by the address that their reports come from.
    players: Mutex<HashMap<SocketAddr, Weak<AtomicBool>>>,
}

/// A player may send reports until this is dropped.
pub(super) struct Listed {
    datagrams: Arc<Datagrams>,
    address: SocketAddr,
    alive: Arc<AtomicBool>,
}

impl Datagrams {
    /// Binds a pair of ports: this one and the next, or any that are free.
    pub(super) fn bind(ip: IpAddr, port: Option<u16>) -> io::Result<Self> {
        let mut failed = io::Error::from(io::ErrorKind::AddrInUse);
        for _ in 0..TRIES {
            match pair(ip, port) {
                Ok(bound) => return Ok(bound),
                Err(error) => failed = error,
            }
            if port.is_some() {
                break;
            }
        }
        Err(failed)
    }

    pub(super) const fn ports(&self) -> (u16, u16) {
        self.ports
    }

    /// Sends one packet; a network that takes nothing loses it.
    pub(super) async fn send(&self, is_report: bool, to: SocketAddr, packet: &[u8]) -> bool {
        let socket = if is_report {
            &self.reports
        } else {
            &self.media
        };
        let to = match to.ip() {
            // A socket of IPv6 knows IPv4 in a form of its own.
            IpAddr::V4(ip) if self.is_v6 => (ip.to_ipv6_mapped(), to.port()).into(),
            _ => to,
        };
        socket.send_to(packet, to).await.is_ok()
    }

    /// Takes notice of what players send, until `closing`.
    pub(super) async fn listen(&self, closing: &CancellationToken) {
        let (mut one, mut other) = ([0; GLANCE_BYTES], [0; GLANCE_BYTES]);
        loop {
            let came = tokio::select! {
                () = closing.cancelled() => return,
                came = self.reports.recv_from(&mut one) => came,
                came = self.media.recv_from(&mut other) => came,
            };
            if let Ok((_, from)) = came {
                self.note(from);
            }
        }
    }

    fn note(&self, from: SocketAddr) {
        let players = self.players();
        if let Some(alive) = players.get(&canonical(from)).and_then(Weak::upgrade) {
            alive.store(true, Ordering::Relaxed);
        }
    }

    /// Reports from this address show that a player lives.
    pub(super) fn list(self: &Arc<Self>, address: SocketAddr, alive: &Arc<AtomicBool>) -> Listed {
        let address = canonical(address);
        self.players().insert(address, Arc::downgrade(alive));
        Listed {
            datagrams: Arc::clone(self),
            address,
            alive: Arc::clone(alive),
        }
    }

    fn players(&self) -> MutexGuard<'_, HashMap<SocketAddr, Weak<AtomicBool>>> {
        self.players.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut players = self.datagrams.players();
        let is_own = players
            .get(&self.address)
            .is_some_and(|known| core::ptr::eq(known.as_ptr(), Arc::as_ptr(&self.alive)));
        if is_own {
            players.remove(&self.address);
        }
    }
}

fn pair(ip: IpAddr, port: Option<u16>) -> io::Result<Datagrams> {
    let first = std::net::UdpSocket::bind((ip, port.unwrap_or(0)))?;
    let bound = first.local_addr()?.port();
    let (media, reports) = if bound % 2 == 0 {
        let next = bound.checked_add(1).ok_or(io::ErrorKind::AddrInUse)?;
        (first, std::net::UdpSocket::bind((ip, next))?)
    } else {
        (std::net::UdpSocket::bind((ip, bound - 1))?, first)
    };
    let ports = (media.local_addr()?.port(), reports.local_addr()?.port());
    let into_tokio = |socket: std::net::UdpSocket| {
        socket.set_nonblocking(true)?;
        UdpSocket::from_std(socket)
    };
    Ok(Datagrams {
        media: into_tokio(media)?,
        reports: into_tokio(reports)?,
        ports,
        is_v6: ip.is_ipv6(),
        players: Mutex::default(),
    })
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
