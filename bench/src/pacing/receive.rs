//! Datagrams, with the moment the kernel got them.
//!
//! On the loopback interface that is the moment they were sent: how late this program is woken
//! does not count.

use anyhow::Context as _;
use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tidegate_mpegts::{PACKET_BYTES, Packet, Pcr};

const LOOK: Duration = Duration::from_millis(200);
const BUFFER_BYTES: usize = 4 << 20;
/// Room for the kernel's time, which takes 32.
const CONTROL_WORDS: usize = 16;

/// A datagram.
#[derive(Debug)]
pub(super) struct Came {
    /// When, in microseconds of any clock.
    pub(super) at_micros: i64,
    /// For each transport packet, its clock reference.
    pub(super) packets: Vec<Option<Pcr>>,
}

/// A socket of this machine whose datagrams the kernel stamps.
pub(super) fn open() -> anyhow::Result<UdpSocket> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(LOOK))?;
    socket2::SockRef::from(&socket).set_recv_buffer_size(BUFFER_BYTES)?;
    let on: libc::c_int = 1;
    let bytes = libc::socklen_t::try_from(size_of_val(&on))?;
    // SAFETY: the option is an int, which lives as long as the call.
    #[expect(unsafe_code, reason = "the standard library has no such option")]
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_TIMESTAMPNS,
            (&raw const on).cast(),
            bytes,
        )
    };
    anyhow::ensure!(done == 0, "the kernel does not stamp datagrams");
    Ok(socket)
}

/// Everything that comes until `stop`.
pub(super) fn receive(socket: &UdpSocket, stop: &AtomicBool) -> anyhow::Result<Vec<Came>> {
    let (mut buffer, mut all) = (vec![0; 65_536], Vec::new());
    while !stop.load(Ordering::Relaxed) {
        let Some((bytes, at_micros)) = next(socket, &mut buffer)? else {
            continue;
        };
        let (packets, _) = buffer[..bytes].as_chunks::<PACKET_BYTES>();
        let packets = packets.iter().map(pcr).collect();
        all.push(Came { at_micros, packets });
    }
    Ok(all)
}

fn pcr(packet: &[u8; PACKET_BYTES]) -> Option<Pcr> {
    Packet::new(packet)?.adaptation()?.pcr
}

/// One datagram: its length, and when the kernel got it. `None` if nothing came for a while.
fn next(socket: &UdpSocket, buffer: &mut [u8]) -> anyhow::Result<Option<(usize, i64)>> {
    let mut control = [0_u64; CONTROL_WORDS];
    let mut part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: all of msghdr may be zero; the pointers put in are to what lives as long as the
    // call, with its lengths. The control messages are read as cmsg(3) says, and time is copied
    // out from where the kernel put it.
    #[expect(unsafe_code, reason = "the standard library does not tell the time")]
    unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = size_of_val(&control);
        let count = libc::recvmsg(socket.as_raw_fd(), &raw mut message, 0);
        let Ok(bytes) = usize::try_from(count) else {
            return Ok(None);
        };
        let mut header = libc::CMSG_FIRSTHDR(&raw const message);
        while !header.is_null() {
            let kind = ((*header).cmsg_level, (*header).cmsg_type);
            if kind == (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) {
                let time: libc::timespec = std::ptr::read_unaligned(libc::CMSG_DATA(header).cast());
                let micros = time.tv_sec * 1_000_000 + time.tv_nsec / 1000;
                return Ok(Some((bytes, micros)));
            }
            header = libc::CMSG_NXTHDR(&raw const message, header);
        }
    }
    None.context("the kernel did not stamp a datagram")
}
