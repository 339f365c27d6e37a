use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};

use socket2::{Domain, Protocol, Type};

use crate::options::Options;
use crate::{steer, sys};

/// Destinations remembered as too narrow for segmentation runs.
const NARROW_PATHS_MAX: usize = 64;
/// Position of the drop counter in `SO_MEMINFO` (`SK_MEMINFO_DROPS`).
const MEMORY_INFO_DROPS: usize = 8;

/// A bound, non-blocking UDP socket.
#[derive(Debug)]
pub struct Socket {
    inner: socket2::Socket,
    local: SocketAddr,
    is_v6: bool,
    recv_buffer_bytes: usize,
    send_buffer_bytes: usize,
    /// Cleared for good when the device cannot segment.
    segmentation: AtomicBool,
    has_narrow_paths: AtomicBool,
    narrow_paths: Mutex<Vec<SocketAddr>>,
    refused: AtomicU64,
    /// What the kernel said to the last one.
    refusal: AtomicI32,
    blocked: AtomicU64,
}

/// What happened on the sending side of a socket since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketCounters {
    /// Messages the kernel refused for good (no route, not permitted …).
    pub refused: u64,
    /// Times the kernel had no room and the rest had to wait.
    pub blocked: u64,
    /// Datagrams that arrived but found the receive buffer full.
    pub drops: u64,
}

impl Socket {
    /// Opens and binds a socket; port 0 takes a free one.
    ///
    /// # Errors
    /// What the kernel answered: address in use, not a local address, no permission.
    pub fn bind(address: SocketAddr, options: &Options) -> io::Result<Self> {
        let domain = Domain::for_address(address);
        let inner = socket2::Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
        inner.set_nonblocking(true)?;
        if options.reuse_port {
            inner.set_reuse_port(true)?;
        }
        if options.reuse_address {
            inner.set_reuse_address(true)?;
        }
        let is_v6 = address.is_ipv6();
        if is_v6 {
            inner.set_only_v6(options.only_v6)?;
        }
        ask_for_packet_information(&inner, is_v6)?;
        if options.gro {
            // A kernel without it hands over datagrams one by one; nothing else changes.
            let _ = sys::set_option(inner.as_fd(), libc::SOL_UDP, libc::UDP_GRO, 1);
        }
        mark_packets(&inner, is_v6, options)?;
        size_buffer(
            &inner,
            libc::SO_RCVBUFFORCE,
            libc::SO_RCVBUF,
            options.recv_buffer_bytes,
        );
        size_buffer(
            &inner,
            libc::SO_SNDBUFFORCE,
            libc::SO_SNDBUF,
            options.send_buffer_bytes,
        );
        inner.bind(&address.into())?;
        let local = inner.local_addr()?.as_socket().unwrap_or(address);
        Ok(Self {
            // The kernel reports twice what was asked for: its own bookkeeping is in it.
            recv_buffer_bytes: inner.recv_buffer_size()? / 2,
            send_buffer_bytes: inner.send_buffer_size()? / 2,
            inner,
            local,
            is_v6,
            segmentation: AtomicBool::new(true),
            has_narrow_paths: AtomicBool::new(false),
            narrow_paths: Mutex::new(Vec::new()),
            refused: AtomicU64::new(0),
            refusal: AtomicI32::new(0),
            blocked: AtomicU64::new(0),
        })
    }

    /// The address and port it is bound to.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The receive buffer the kernel granted, comparable with what was asked for.
    #[must_use]
    pub fn recv_buffer_bytes(&self) -> usize {
        self.recv_buffer_bytes
    }

    /// The send buffer the kernel granted, comparable with what was asked for.
    #[must_use]
    pub fn send_buffer_bytes(&self) -> usize {
        self.send_buffer_bytes
    }

    /// Sends to one address only, and learns what comes back from there: a far side that
    /// refuses ("port unreachable") then shows among the refused messages.
    ///
    /// # Errors
    /// No route, or another family of addresses.
    pub fn connect(&self, to: SocketAddr) -> io::Result<()> {
        self.inner.connect(&to.into())
    }

    /// Datagrams the kernel dropped because this socket's receive buffer was full.
    #[must_use]
    pub fn drops(&self) -> u64 {
        sys::memory_info(self.as_fd()).map_or(0, |info| u64::from(info[MEMORY_INFO_DROPS]))
    }

    /// What happened so far.
    #[must_use]
    pub fn counters(&self) -> SocketCounters {
        SocketCounters {
            refused: self.refused.load(Ordering::Relaxed),
            blocked: self.blocked.load(Ordering::Relaxed),
            drops: self.drops(),
        }
    }

    pub(crate) fn socket(&self) -> &socket2::Socket {
        &self.inner
    }

    pub(crate) fn is_v6(&self) -> bool {
        self.is_v6
    }

    pub(crate) fn may_segment(&self, to: SocketAddr) -> bool {
        if !self.segmentation.load(Ordering::Relaxed) {
            return false;
        }
        if !self.has_narrow_paths.load(Ordering::Relaxed) {
            return true;
        }
        self.narrow_paths
            .lock()
            .map_or(true, |paths| !paths.contains(&to))
    }

    pub(crate) fn disable_segmentation(&self) {
        self.segmentation.store(false, Ordering::Relaxed);
    }

    /// Remembers that runs to `to` must go out as single datagrams.
    pub(crate) fn narrow_path(&self, to: SocketAddr) {
        let Ok(mut paths) = self.narrow_paths.lock() else {
            return;
        };
        if paths.len() >= NARROW_PATHS_MAX {
            paths.remove(0);
        }
        paths.push(to);
        self.has_narrow_paths.store(true, Ordering::Relaxed);
    }

    /// What the kernel said when it refused a message last, if it ever did.
    #[must_use]
    pub fn last_refusal(&self) -> Option<io::Error> {
        let code = self.refusal.load(Ordering::Relaxed);
        (code != 0).then(|| io::Error::from_raw_os_error(code))
    }

    pub(crate) fn note_refused(&self, error: &io::Error) {
        let code = error.raw_os_error().unwrap_or_default();
        self.refusal.store(code, Ordering::Relaxed);
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn note_blocked(&self) {
        self.blocked.fetch_add(1, Ordering::Relaxed);
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.inner.as_raw_fd()
    }
}

/// Opens `count` sockets on one address and port, in order, with datagrams steered to the
/// socket whose index stands in the low bits of the SRT destination socket ID. With port 0 all
/// of them get the same free port.
///
/// # Errors
/// What the kernel answered; in particular "address in use" when anybody else – another
/// program, or another group of ours – holds the port.
pub fn bind_group(address: SocketAddr, count: usize, options: &Options) -> io::Result<Vec<Socket>> {
    if address.port() != 0 {
        // SO_REUSEPORT would silently join a foreign group of the same user; a plain bind
        // tells whether the port is free.
        let alone = Options {
            reuse_port: false,
            reuse_address: false,
            ..options.clone()
        };
        drop(Socket::bind(address, &alone)?);
    }
    let shared = Options {
        reuse_port: true,
        ..options.clone()
    };
    let first = Socket::bind(address, &shared)?;
    let address = first.local_addr();
    let mut group = vec![first];
    for _ in 1..count {
        group.push(Socket::bind(address, &shared)?);
    }
    if count > 1 {
        // Without steering the hand-over between shards does all the work; slower, not wrong.
        let _ = steer::attach(&group[0]);
    }
    Ok(group)
}

fn ask_for_packet_information(socket: &socket2::Socket, is_v6: bool) -> io::Result<()> {
    if is_v6 {
        sys::set_option(
            socket.as_fd(),
            libc::IPPROTO_IPV6,
            libc::IPV6_RECVPKTINFO,
            1,
        )
    } else {
        sys::set_option(socket.as_fd(), libc::IPPROTO_IP, libc::IP_PKTINFO, 1)
    }
}

/// What everything sent carries, and over which interface. A dual-stack socket has the options
/// of both families.
fn mark_packets(socket: &socket2::Socket, is_v6: bool, options: &Options) -> io::Result<()> {
    let v6 = |option, value: u8| {
        sys::set_option(socket.as_fd(), libc::IPPROTO_IPV6, option, i32::from(value))
    };
    let v4 = |option, value: u8| {
        sys::set_option(socket.as_fd(), libc::IPPROTO_IP, option, i32::from(value))
    };
    if let Some(tos) = options.tos {
        if is_v6 {
            v6(libc::IPV6_TCLASS, tos)?;
        }
        v4(libc::IP_TOS, tos)?;
    }
    if let Some(ttl) = options.ttl {
        if is_v6 {
            v6(libc::IPV6_UNICAST_HOPS, ttl)?;
        }
        v4(libc::IP_TTL, ttl)?;
    }
    if let Some(interface) = &options.interface {
        socket.bind_device(Some(interface.as_bytes()))?;
    }
    Ok(())
}

/// Asks for a buffer: past the system's limit where we may, up to it otherwise.
fn size_buffer(socket: &socket2::Socket, force: i32, plain: i32, bytes: usize) {
    let bytes = i32::try_from(bytes).unwrap_or(i32::MAX);
    if sys::set_option(socket.as_fd(), libc::SOL_SOCKET, force, bytes).is_err() {
        // Whatever is granted is read back and reported; it is never a reason not to start.
        let _ = sys::set_option(socket.as_fd(), libc::SOL_SOCKET, plain, bytes);
    }
}
