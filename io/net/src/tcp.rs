//! What the kernel knows of a TCP connection.
#![allow(
    unsafe_code,
    reason = "TCP_INFO and SIOCOUTQ are not in std or socket2"
)]

use core::time::Duration;
use std::io;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsFd, AsRawFd};

/// How a TCP connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpFigures {
    /// The smoothed round trip.
    pub round_trip: Duration,
    /// Segments that had to be sent again.
    pub resent: u64,
    /// Bytes written that the far side has not acknowledged.
    pub unacknowledged_bytes: u64,
}

impl TcpFigures {
    /// Of any TCP socket.
    ///
    /// # Errors
    /// When it is none.
    pub fn of(socket: &impl AsFd) -> io::Result<Self> {
        let fd = socket.as_fd().as_raw_fd();
        let mut info = MaybeUninit::<libc::tcp_info>::zeroed();
        let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
        // SAFETY: the kernel writes at most `length` bytes to `info`, which has that size; the
        // descriptor is open for as long as `socket` is borrowed.
        let failed = unsafe {
            let to = info.as_mut_ptr().cast();
            libc::getsockopt(fd, libc::IPPROTO_TCP, libc::TCP_INFO, to, &raw mut length)
        };
        if failed != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: plain numbers, zeroed before the kernel wrote what it knows.
        let info = unsafe { info.assume_init() };
        let mut queued: libc::c_int = 0;
        // SAFETY: SIOCOUTQ (which has TIOCOUTQ's number) writes one int.
        if unsafe { libc::ioctl(fd, libc::TIOCOUTQ, &raw mut queued) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self {
            round_trip: Duration::from_micros(info.tcpi_rtt.into()),
            resent: info.tcpi_total_retrans.into(),
            unacknowledged_bytes: u64::try_from(queued).unwrap_or_default(),
        })
    }
}
