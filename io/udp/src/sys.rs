//! The system calls behind this crate, each wrapped so that its contract holds by type.
#![allow(unsafe_code, reason = "system calls that std and socket2 do not offer")]

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::time::Duration;

use crate::control::{CONTROL_BYTES, Control};
use crate::name::{NAME_BYTES, Name};

/// Microseconds of `CLOCK_MONOTONIC`.
pub(crate) fn monotonic_micros() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid timespec for the length of the call.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    debug_assert_eq!(result, 0, "the monotonic clock always exists on Linux");
    time.tv_sec.unsigned_abs() * 1_000_000 + time.tv_nsec.unsigned_abs() / 1000
}

/// One received message: its length, control bytes, and whether it was cut.
#[derive(Clone, Copy)]
pub(crate) struct Filled {
    pub(crate) bytes: usize,
    pub(crate) control_bytes: usize,
    pub(crate) truncated: bool,
}

/// Reads up to `N` messages without waiting; message `i` goes to slot `i` of `buffer`.
pub(crate) fn receive<const N: usize>(
    socket: BorrowedFd<'_>,
    buffer: &mut [u8],
    slot_bytes: usize,
    names: &mut [Name; N],
    controls: &mut [Control; N],
    filled: &mut [Filled; N],
) -> io::Result<usize> {
    assert!(buffer.len() >= N * slot_bytes, "one slot per message");
    let base = buffer.as_mut_ptr();
    let mut vectors: [libc::iovec; N] = std::array::from_fn(|slot| libc::iovec {
        // SAFETY: the assertion above keeps every slot inside the buffer.
        iov_base: unsafe { base.add(slot * slot_bytes) }.cast(),
        iov_len: slot_bytes,
    });
    let (name, control) = (names.as_mut_ptr(), controls.as_mut_ptr());
    let vector = vectors.as_mut_ptr();
    let mut messages: [libc::mmsghdr; N] = std::array::from_fn(|slot| {
        // SAFETY: mmsghdr is plain old data, and the three arrays have N elements.
        unsafe {
            let mut message: libc::mmsghdr = std::mem::zeroed();
            message.msg_hdr.msg_name = name.add(slot).cast();
            message.msg_hdr.msg_namelen = NAME_BYTES as u32;
            message.msg_hdr.msg_iov = vector.add(slot);
            message.msg_hdr.msg_iovlen = 1;
            message.msg_hdr.msg_control = control.add(slot).cast();
            message.msg_hdr.msg_controllen = CONTROL_BYTES as _;
            message
        }
    });
    // SAFETY: all pointers lead to arrays that live until the end of this function.
    let received = unsafe {
        let wait = ptr::null_mut();
        let flags = libc::MSG_DONTWAIT;
        libc::recvmmsg(
            socket.as_raw_fd(),
            messages.as_mut_ptr(),
            N as u32,
            flags as _,
            wait,
        )
    };
    let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
    for (slot, message) in filled.iter_mut().zip(&messages).take(received) {
        slot.bytes = message.msg_len as usize;
        slot.control_bytes = message.msg_hdr.msg_controllen;
        slot.truncated = message.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
    }
    Ok(received)
}

/// One message to send.
#[derive(Clone, Copy)]
pub(crate) struct Outgoing<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) name: Name,
    pub(crate) name_bytes: u32,
    pub(crate) control: Control,
    pub(crate) control_bytes: usize,
}

/// Hands messages to the kernel without waiting and says how many it took.
pub(crate) fn send(socket: BorrowedFd<'_>, outgoing: &[Outgoing<'_>]) -> io::Result<usize> {
    const MAX: usize = crate::send::MESSAGES_PER_CALL;
    assert!(outgoing.len() <= MAX, "one call's worth of messages");
    // SAFETY: iovec and mmsghdr are plain old data; unused ones stay zero.
    let (mut vectors, mut messages): ([libc::iovec; MAX], [libc::mmsghdr; MAX]) =
        unsafe { std::mem::zeroed() };
    for (slot, message) in outgoing.iter().enumerate() {
        vectors[slot].iov_base = message.bytes.as_ptr().cast_mut().cast();
        vectors[slot].iov_len = message.bytes.len();
        let header = &mut messages[slot].msg_hdr;
        header.msg_name = (&raw const message.name).cast_mut().cast();
        header.msg_namelen = message.name_bytes;
        header.msg_iov = &raw mut vectors[slot];
        header.msg_iovlen = 1;
        if message.control_bytes > 0 {
            header.msg_control = (&raw const message.control).cast_mut().cast();
            header.msg_controllen = message.control_bytes as _;
        }
    }
    // SAFETY: the kernel only reads through these pointers (the casts to mutable are what the
    // C interface asks for), and everything they lead to outlives the call.
    let sent = unsafe {
        let count = outgoing.len() as u32;
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        libc::sendmmsg(socket.as_raw_fd(), messages.as_mut_ptr(), count, flags as _)
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Sets an integer socket option.
pub(crate) fn set_option(
    socket: BorrowedFd<'_>,
    level: i32,
    option: i32,
    value: i32,
) -> io::Result<()> {
    // SAFETY: the pointer and length describe `value`.
    let result = unsafe {
        let length = size_of::<i32>() as u32;
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            length,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// What `MCAST_JOIN_SOURCE_GROUP` takes (ip(7), RFC 3678): `struct group_source_req`.
#[repr(C)]
struct GroupSource {
    interface: u32,
    group: Storage,
    source: Storage,
}

/// A `sockaddr_storage`: 128 bytes that begin with an address.
#[repr(C, align(8))]
struct Storage([u8; 128]);

impl Storage {
    fn of(address: IpAddr) -> Self {
        let mut bytes = [0; 128];
        let (name, _) = Name::of(SocketAddr::new(address, 0), address.is_ipv6());
        bytes[..NAME_BYTES].copy_from_slice(&name.0);
        Self(bytes)
    }
}

/// Joins a multicast group as far as it comes from one source. `level` tells the family of both.
pub(crate) fn join_source(
    socket: BorrowedFd<'_>,
    level: i32,
    interface: u32,
    group: IpAddr,
    source: IpAddr,
) -> io::Result<()> {
    let request = GroupSource {
        interface,
        group: Storage::of(group),
        source: Storage::of(source),
    };
    // SAFETY: pointer and length describe `request`, which the kernel only reads.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            libc::MCAST_JOIN_SOURCE_GROUP,
            (&raw const request).cast(),
            size_of::<GroupSource>() as u32,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Sets how much later than asked the calling thread may be woken.
pub(crate) fn set_timer_slack(nanos: u64) -> io::Result<()> {
    // SAFETY: no pointers; it concerns the calling thread alone.
    let result = unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, nanos) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The kernel's memory and drop counters of a socket (`SO_MEMINFO`).
pub(crate) fn memory_info(socket: BorrowedFd<'_>) -> io::Result<[u32; 9]> {
    let mut info = [0_u32; 9];
    let mut length = size_of_val(&info) as u32;
    // SAFETY: pointer and length describe `info`; the kernel writes no more than that.
    let result = unsafe {
        let value = (&raw mut info).cast();
        let (level, option) = (libc::SOL_SOCKET, libc::SO_MEMINFO);
        libc::getsockopt(socket.as_raw_fd(), level, option, value, &raw mut length)
    };
    if result == 0 {
        Ok(info)
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Attaches a classic BPF program that picks a socket of the reuseport group.
pub(crate) fn attach_reuseport_filter(
    socket: BorrowedFd<'_>,
    program: &[libc::sock_filter],
) -> io::Result<()> {
    let description = libc::sock_fprog {
        len: u16::try_from(program.len()).map_err(io::Error::other)?,
        filter: program.as_ptr().cast_mut(),
    };
    // SAFETY: the kernel copies the program during the call and only reads it.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_REUSEPORT_CBPF,
            (&raw const description).cast(),
            size_of::<libc::sock_fprog>() as u32,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Sets the nice value of the calling thread (on Linux each thread has its own).
pub(crate) fn set_niceness(nice: i32) -> io::Result<()> {
    // SAFETY: no pointers; zero names the calling thread.
    let result = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// A new epoll instance.
pub(crate) fn epoll_create() -> io::Result<OwnedFd> {
    // SAFETY: no pointers; a non-negative result is a descriptor nobody else owns.
    unsafe { owned(libc::epoll_create1(libc::EPOLL_CLOEXEC)) }
}

/// A new non-blocking eventfd at zero.
pub(crate) fn event_create() -> io::Result<OwnedFd> {
    // SAFETY: no pointers; a non-negative result is a descriptor nobody else owns.
    unsafe { owned(libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK)) }
}

/// # Safety
/// `descriptor`, if not negative, must be open and owned by nobody.
unsafe fn owned(descriptor: i32) -> io::Result<OwnedFd> {
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the caller guarantees it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Adds, changes or removes a descriptor of an epoll instance.
pub(crate) fn epoll_control(
    epoll: BorrowedFd<'_>,
    operation: i32,
    target: BorrowedFd<'_>,
    events: u32,
    token: u64,
) -> io::Result<()> {
    let mut event = libc::epoll_event { events, u64: token };
    // SAFETY: `event` is valid for the length of the call.
    let result = unsafe {
        libc::epoll_ctl(
            epoll.as_raw_fd(),
            operation,
            target.as_raw_fd(),
            &raw mut event,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Waits for events up to `timeout`, to the nanosecond (`None`: for ever). Linux has this since
/// 5.11; it is called by its number, since C libraries of that time do not name it.
pub(crate) fn epoll_wait_precisely(
    epoll: BorrowedFd<'_>,
    events: &mut [libc::epoll_event],
    timeout: Option<Duration>,
) -> io::Result<usize> {
    let timeout = timeout.map(|time| libc::timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(time.subsec_nanos()),
    });
    let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
    let signals: *const libc::sigset_t = ptr::null();
    // SAFETY: the events slice and the timeout live until the call returns.
    let ready = unsafe {
        let (list, room) = (events.as_mut_ptr(), events.len());
        let call = libc::SYS_epoll_pwait2;
        libc::syscall(
            call,
            epoll.as_raw_fd(),
            list,
            room,
            timeout,
            signals,
            0_usize,
        )
    };
    usize::try_from(ready).map_err(|_| io::Error::last_os_error())
}

/// Waits for events up to `timeout` in whole milliseconds, rounded up (`None`: for ever).
pub(crate) fn epoll_wait(
    epoll: BorrowedFd<'_>,
    events: &mut [libc::epoll_event],
    timeout: Option<Duration>,
) -> io::Result<usize> {
    let timeout = timeout.map_or(-1, |time| {
        i32::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
    });
    // SAFETY: the events slice lives until the call returns.
    let ready = unsafe {
        let (list, room) = (events.as_mut_ptr(), events.len() as i32);
        libc::epoll_wait(epoll.as_raw_fd(), list, room, timeout)
    };
    usize::try_from(ready).map_err(|_| io::Error::last_os_error())
}

/// Has the kernel refuse a system call to the calling thread, for good, as one that lacks it or
/// a container that forbids it does.
#[cfg(test)]
pub(crate) fn refuse_to_this_thread(call: libc::c_long, errno: i32) {
    let (number, refusal) = (call as u32, libc::SECCOMP_RET_ERRNO | errno as u32);
    let statement = |code: u32, jt, jf, k| libc::sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    };
    // The number of the call is the first word of what a filter sees.
    let filter = [
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, number),
        statement(libc::BPF_RET | libc::BPF_K, 0, 0, refusal),
        statement(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let description = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_ptr().cast_mut(),
    };
    // SAFETY: the kernel copies the filter during the call and only reads it.
    let results = unsafe {
        let (mode, program) = (libc::SECCOMP_MODE_FILTER, &raw const description);
        [
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1_u64, 0_u64, 0_u64, 0_u64),
            libc::prctl(libc::PR_SET_SECCOMP, u64::from(mode), program),
        ]
    };
    assert_eq!(results, [0, 0], "{}", io::Error::last_os_error());
}

/// Adds one to an eventfd; a full counter is already a wake-up.
pub(crate) fn event_write(event: BorrowedFd<'_>) {
    let one = 1_u64;
    // SAFETY: the pointer and length describe `one`.
    let _ = unsafe { libc::write(event.as_raw_fd(), (&raw const one).cast(), 8) };
}

/// Empties an eventfd.
pub(crate) fn event_drain(event: BorrowedFd<'_>) {
    let mut count = 0_u64;
    // SAFETY: the pointer and length describe `count`.
    let _ = unsafe { libc::read(event.as_raw_fd(), (&raw mut count).cast(), 8) };
}
