//! The system calls of the floor.
//!
//! Not `tidegate-udp`'s: that knows the local address of each datagram, steers by it and
//! lays out its message headers anew for every call. Here the headers are laid out once, no
//! call asks for more than it needs, and all destinations share one list of buffers.
#![allow(
    unsafe_code,
    reason = "system calls that the standard library does not offer"
)]

use std::io::{self, IoSlice};
use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;
use std::ptr;

/// Messages the kernel takes in one call.
const MESSAGES_PER_CALL: usize = 1024;
const NAME_BYTES: u32 = size_of::<libc::sockaddr_in>() as u32;
const CONTROL_HEADER_BYTES: usize = size_of::<libc::cmsghdr>();

/// An IPv4 address and port as the kernel lays them out, a `sockaddr_in`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C, align(4))]
pub(crate) struct Name([u8; NAME_BYTES as usize]);

impl Name {
    pub(crate) const EMPTY: Self = Self([0; NAME_BYTES as usize]);
}

/// One control message with room for an integer: a segment size.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(crate) struct Control([u8; CONTROL_HEADER_BYTES + 8]);

impl Control {
    const EMPTY: Self = Self([0; CONTROL_HEADER_BYTES + 8]);

    /// Lets the kernel cut a message into datagrams of this size.
    pub(crate) fn segments_of(bytes: u16) -> Self {
        let mut control = Self::EMPTY;
        let length = CONTROL_HEADER_BYTES + size_of::<u16>();
        control.0[..8].copy_from_slice(&length.to_ne_bytes());
        control.0[8..12].copy_from_slice(&libc::SOL_UDP.to_ne_bytes());
        control.0[12..16].copy_from_slice(&libc::UDP_SEGMENT.to_ne_bytes());
        control.0[16..18].copy_from_slice(&bytes.to_ne_bytes());
        control
    }

    /// The size of the datagrams that the kernel joined, if it says so.
    fn stride(&self, control_bytes: usize) -> Option<usize> {
        let word = |at: usize| {
            i32::from_ne_bytes([self.0[at], self.0[at + 1], self.0[at + 2], self.0[at + 3]])
        };
        let is_stride = control_bytes >= CONTROL_HEADER_BYTES + 4
            && word(8) == libc::SOL_UDP
            && word(12) == libc::UDP_GRO;
        is_stride
            .then(|| word(16))?
            .try_into()
            .ok()
            .filter(|stride| *stride > 0)
    }
}

/// Received datagrams, or runs of them.
pub(crate) struct Inbox {
    buffer: Vec<u8>,
    names: Vec<Name>,
    controls: Vec<Control>,
    /// Point into `headers`' buffers and are kept because the headers point to them.
    _vectors: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
    slot_bytes: usize,
}

/// Consecutive datagrams of one sender, all `stride` bytes long but the last, which may be
/// shorter.
pub(crate) struct Message<'a> {
    pub(crate) from: &'a Name,
    pub(crate) bytes: &'a [u8],
    pub(crate) stride: usize,
}

impl Inbox {
    pub(crate) fn new(slots: usize, slot_bytes: usize) -> Self {
        let mut buffer = vec![0; slots * slot_bytes];
        let mut names = vec![Name::EMPTY; slots];
        let mut controls = vec![Control::EMPTY; slots];
        let mut vectors: Vec<libc::iovec> = buffer
            .chunks_exact_mut(slot_bytes)
            .map(|slot| libc::iovec {
                iov_base: slot.as_mut_ptr().cast(),
                iov_len: slot_bytes,
            })
            .collect();
        let parts = vectors.iter_mut().zip(&mut names).zip(&mut controls);
        let headers = parts
            .map(|((vector, name), control)| {
                // SAFETY: all zeros is a valid mmsghdr.
                let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
                header.msg_hdr.msg_name = ptr::from_mut(name).cast();
                header.msg_hdr.msg_namelen = NAME_BYTES;
                header.msg_hdr.msg_iov = vector;
                header.msg_hdr.msg_iovlen = 1;
                header.msg_hdr.msg_control = ptr::from_mut(control).cast();
                header.msg_hdr.msg_controllen = size_of::<Control>() as _;
                header
            })
            .collect();
        Self {
            buffer,
            names,
            controls,
            _vectors: vectors,
            headers,
            slot_bytes,
        }
    }

    /// Waits for a message, takes all that wait with it as far as there is room, and says how
    /// many there are.
    pub(crate) fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        // SAFETY: the headers lead to vectors of this struct that are never resized: moving
        // the struct leaves them where they are.
        let received = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                self.headers.len() as u32,
                libc::MSG_WAITFORONE as _,
                ptr::null_mut(),
            )
        };
        count(received)
    }

    /// The messages of the last call, which received `count`.
    pub(crate) fn messages(&self, count: usize) -> impl Iterator<Item = Message<'_>> {
        let slots = self.buffer.chunks_exact(self.slot_bytes);
        let messages = self.headers[..count].iter().zip(slots);
        let from = self.names.iter().zip(&self.controls);
        messages.zip(from).map(|((header, slot), (from, control))| {
            let bytes = &slot[..(header.msg_len as usize).min(slot.len())];
            let control_bytes = header.msg_hdr.msg_controllen;
            let stride = control.stride(control_bytes).unwrap_or(bytes.len().max(1));
            Message {
                from,
                bytes,
                stride,
            }
        })
    }

    /// Makes ready for the next call what the last one, which received `count`, has changed.
    pub(crate) fn clear(&mut self, count: usize) {
        for header in &mut self.headers[..count] {
            header.msg_hdr.msg_controllen = size_of::<Control>() as _;
        }
    }
}

/// One message to send.
#[derive(Clone, Copy)]
pub(crate) struct Parcel<'a> {
    pub(crate) to: &'a Name,
    pub(crate) parts: &'a [IoSlice<'a>],
    /// From [`Control::segments_of`], when it is more than one datagram.
    pub(crate) segments: Option<&'a Control>,
}

/// Headers of messages to send, kept to be used again.
pub(crate) struct Post {
    headers: Vec<libc::mmsghdr>,
}

impl Post {
    pub(crate) fn new() -> Self {
        Self {
            headers: Vec::with_capacity(MESSAGES_PER_CALL),
        }
    }

    /// Sends parcels, as many a call as the kernel takes; waits when it has no room.
    pub(crate) fn send<'a>(
        &mut self,
        socket: &UdpSocket,
        mut parcels: impl Iterator<Item = Parcel<'a>>,
    ) -> io::Result<()> {
        loop {
            self.headers.clear();
            let some = parcels.by_ref().take(MESSAGES_PER_CALL);
            self.headers.extend(some.map(header));
            if self.headers.is_empty() {
                return Ok(());
            }
            let mut sent = 0;
            while sent < self.headers.len() {
                let rest = &mut self.headers[sent..];
                // SAFETY: the kernel only reads what the headers lead to, which the parcels
                // borrow for 'a; none of them is dropped before this function returns.
                let taken = unsafe {
                    let (list, length) = (rest.as_mut_ptr(), rest.len() as u32);
                    libc::sendmmsg(socket.as_raw_fd(), list, length, 0)
                };
                sent += count(taken)?;
            }
        }
    }
}

fn header(parcel: Parcel<'_>) -> libc::mmsghdr {
    // SAFETY: all zeros is a valid mmsghdr.
    let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
    header.msg_hdr.msg_name = ptr::from_ref(parcel.to).cast_mut().cast();
    header.msg_hdr.msg_namelen = NAME_BYTES;
    // IoSlice is laid out as iovec: the standard library promises it.
    header.msg_hdr.msg_iov = parcel.parts.as_ptr().cast_mut().cast();
    header.msg_hdr.msg_iovlen = parcel.parts.len() as _;
    if let Some(control) = parcel.segments {
        header.msg_hdr.msg_control = ptr::from_ref(control).cast_mut().cast();
        header.msg_hdr.msg_controllen = size_of::<Control>() as _;
    }
    header
}

/// Reads one datagram; `None` when there is none and it is not to wait.
pub(crate) fn receive_one(
    socket: &UdpSocket,
    buffer: &mut [u8],
    from: &mut Name,
    waits: bool,
) -> io::Result<Option<usize>> {
    let flags = if waits { 0 } else { libc::MSG_DONTWAIT };
    let mut name_bytes = NAME_BYTES;
    // SAFETY: pointers and lengths describe `buffer` and `from`.
    let received = unsafe {
        libc::recvfrom(
            socket.as_raw_fd(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            flags,
            ptr::from_mut(from).cast(),
            &raw mut name_bytes,
        )
    };
    match usize::try_from(received) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(_) => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            error => Err(error),
        },
    }
}

/// Sends one datagram.
pub(crate) fn send_one(socket: &UdpSocket, bytes: &[u8], to: &Name) -> io::Result<()> {
    // SAFETY: pointers and lengths describe `bytes` and `to`.
    let sent = unsafe {
        let (data, length) = (bytes.as_ptr().cast(), bytes.len());
        let name = ptr::from_ref(to).cast();
        libc::sendto(socket.as_raw_fd(), data, length, 0, name, NAME_BYTES)
    };
    if sent < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Asks for buffers of this size: past the system's limit where we may, up to it otherwise.
pub(crate) fn size_buffers(socket: &UdpSocket, bytes: usize) -> io::Result<()> {
    let bytes = i32::try_from(bytes).unwrap_or(i32::MAX);
    for (force, plain) in [
        (libc::SO_RCVBUFFORCE, libc::SO_RCVBUF),
        (libc::SO_SNDBUFFORCE, libc::SO_SNDBUF),
    ] {
        if set_option(socket, libc::SOL_SOCKET, force, bytes).is_err() {
            set_option(socket, libc::SOL_SOCKET, plain, bytes)?;
        }
    }
    Ok(())
}

/// Lets the kernel join consecutive datagrams of one sender.
pub(crate) fn join_datagrams(socket: &UdpSocket) -> io::Result<()> {
    set_option(socket, libc::SOL_UDP, libc::UDP_GRO, 1)
}

fn set_option(socket: &UdpSocket, level: i32, option: i32, value: i32) -> io::Result<()> {
    // SAFETY: pointer and length describe `value`.
    let result = unsafe {
        let (data, length) = ((&raw const value).cast(), size_of::<i32>() as u32);
        libc::setsockopt(socket.as_raw_fd(), level, option, data, length)
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn count(result: libc::c_int) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}
