//! What a child may do.
//!
//! Everything here happens between fork and exec, where only system calls are allowed: no
//! allocation, no lock. What needs memory is made before.

use crate::limits::{FILE_BYTES, OPEN_FILES};
use core::time::Duration;
use libc::{c_int, c_long, c_ulong, rlimit, sock_filter, sock_fprog};
use std::io;
use tokio::process::Command;

/// What a child may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Memory that it may write to, in bytes. (Not address space, of which threads take a lot
    /// without using it.)
    pub memory_bytes: u64,
    /// CPU time until it is killed; `None` for one that runs as long as it is needed.
    pub cpu: Option<Duration>,
    /// How much it stands back behind others, 0 to 19.
    pub nice: u8,
}

impl Default for Bounds {
    /// Enough for sound: ffmpeg's libraries alone take 60 MB.
    fn default() -> Self {
        Self {
            memory_bytes: 512 << 20,
            cpu: None,
            nice: 5,
        }
    }
}

/// Has the child bind itself before it becomes another program.
pub(crate) fn bind(command: &mut Command, bounds: Bounds) {
    let parent = std::process::id();
    let filter = no_network();
    let limits = limits(bounds);
    let bind = move || {
        die_with_parent(parent)?;
        for (resource, value) in limits {
            limit(resource, value)?;
        }
        stand_back(bounds.nice)?;
        take_filter(&filter)
    };
    // SAFETY: between fork and exec `bind` makes system calls only; what it uses was made before.
    #[expect(
        unsafe_code,
        reason = "only the child itself can give up what it may do"
    )]
    unsafe {
        command.pre_exec(bind);
    }
}

fn limits(bounds: Bounds) -> [(libc::__rlimit_resource_t, u64); 5] {
    let cpu = bounds
        .cpu
        .map_or(libc::RLIM_INFINITY, |time| time.as_secs().max(1));
    [
        (libc::RLIMIT_DATA, bounds.memory_bytes),
        (libc::RLIMIT_CPU, cpu),
        (libc::RLIMIT_NOFILE, OPEN_FILES),
        (libc::RLIMIT_FSIZE, FILE_BYTES),
        (libc::RLIMIT_CORE, 0),
    ]
}

fn limit(resource: libc::__rlimit_resource_t, value: u64) -> io::Result<()> {
    let value = rlimit {
        rlim_cur: value,
        rlim_max: value,
    };
    // SAFETY: setrlimit(2) reads the struct it is given, which lives until it returns.
    #[expect(unsafe_code, reason = "the standard library cannot set limits")]
    let result = unsafe { libc::setrlimit(resource, &raw const value) };
    check(c_long::from(result))
}

fn die_with_parent(parent: u32) -> io::Result<()> {
    prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as c_ulong, 0)?;
    // It may have ended before this was asked for: then nobody would end us.
    if std::os::unix::process::parent_id() != parent {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    Ok(())
}

fn stand_back(nice: u8) -> io::Result<()> {
    // SAFETY: setpriority(2) takes three integers.
    #[expect(unsafe_code, reason = "the standard library cannot set priorities")]
    let result = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, c_int::from(nice.min(19))) };
    check(c_long::from(result))
}

fn take_filter(filter: &[sock_filter]) -> io::Result<()> {
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0)?;
    let program = sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_ptr().cast_mut(),
    };
    prctl(
        libc::PR_SET_SECCOMP,
        c_ulong::from(libc::SECCOMP_MODE_FILTER),
        &raw const program as c_ulong,
    )
}

fn prctl(option: c_int, first: c_ulong, second: c_ulong) -> io::Result<()> {
    // SAFETY: the options used here take integers, and once the address of a filter program
    // that lives, with its instructions, until the call returns; the kernel only reads it.
    #[expect(unsafe_code, reason = "the standard library has no prctl")]
    let result = unsafe { libc::prctl(option, first, second, 0, 0) };
    check(c_long::from(result))
}

fn check(result: c_long) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xC000_00B7;
/// The first number of x86's 32-bit variant of the same architecture.
const X32_CALLS: u32 = 0x4000_0000;
/// Calls that open a way out: sockets, and the ring that can open them unseen; other processes
/// and what they have open.
const REFUSED: [c_long; 6] = [
    libc::SYS_socket,
    libc::SYS_io_uring_setup,
    libc::SYS_ptrace,
    libc::SYS_pidfd_getfd,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
];
/// Where `struct seccomp_data` keeps the call's number and the architecture.
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;
const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const JUMP_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const JUMP_AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// A filter that refuses [`REFUSED`] with "permission denied" and ends what makes calls of
/// another architecture, whose numbers mean something else.
fn no_network() -> Vec<sock_filter> {
    let step = |code, k, jt, jf| sock_filter { code, jt, jf, k };
    let refuse = libc::SECCOMP_RET_ERRNO | libc::EACCES as u32;
    let mut filter = vec![
        step(LOAD, ARCHITECTURE_AT, 0, 0),
        step(JUMP_EQUAL, ARCHITECTURE, 1, 0),
        step(RETURN, libc::SECCOMP_RET_KILL_PROCESS, 0, 0),
        step(LOAD, NUMBER_AT, 0, 0),
        step(JUMP_AT_LEAST, X32_CALLS, 0, 1),
        step(RETURN, refuse, 0, 0),
    ];
    for call in REFUSED {
        filter.push(step(JUMP_EQUAL, call as u32, 0, 1));
        filter.push(step(RETURN, refuse, 0, 0));
    }
    filter.push(step(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0));
    filter
}
