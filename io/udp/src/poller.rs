use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::sys;

/// Events taken per wait.
const EVENTS_PER_WAIT: usize = 64;

/// What a descriptor is watched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Something to read.
    Read,
    /// Something to read, or room to write.
    ReadWrite,
}

impl Interest {
    fn bits(self) -> u32 {
        let read = libc::EPOLLIN as u32;
        match self {
            Self::Read => read,
            Self::ReadWrite => read | libc::EPOLLOUT as u32,
        }
    }
}

/// An epoll instance, level-triggered.
pub struct Poller {
    epoll: OwnedFd,
    events: Vec<libc::epoll_event>,
    ready: usize,
}

impl Poller {
    /// A poller that watches nothing yet.
    ///
    /// # Errors
    /// Out of descriptors.
    pub fn new() -> io::Result<Self> {
        let none = libc::epoll_event { events: 0, u64: 0 };
        Ok(Self {
            epoll: sys::epoll_create()?,
            events: vec![none; EVENTS_PER_WAIT],
            ready: 0,
        })
    }

    /// Watches `target` and names it `token`.
    ///
    /// # Errors
    /// Already watched, or out of watches.
    pub fn add(&self, target: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        let (operation, bits) = (libc::EPOLL_CTL_ADD, interest.bits());
        sys::epoll_control(self.epoll.as_fd(), operation, target.as_fd(), bits, token)
    }

    /// Changes what `target` is watched for.
    ///
    /// # Errors
    /// Not watched.
    pub fn modify(&self, target: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        let (operation, bits) = (libc::EPOLL_CTL_MOD, interest.bits());
        sys::epoll_control(self.epoll.as_fd(), operation, target.as_fd(), bits, token)
    }

    /// Stops watching `target`.
    ///
    /// # Errors
    /// Not watched.
    pub fn remove(&self, target: impl AsFd) -> io::Result<()> {
        sys::epoll_control(
            self.epoll.as_fd(),
            libc::EPOLL_CTL_DEL,
            target.as_fd(),
            0,
            0,
        )
    }

    /// Waits until something is ready or `timeout` is over (`None`: for ever).
    ///
    /// # Errors
    /// What the kernel answered, other than an interruption by a signal.
    pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let timeout = timeout.map(|time| libc::timespec {
            tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(time.subsec_nanos()),
        });
        self.ready = 0;
        match sys::epoll_wait(self.epoll.as_fd(), &mut self.events, timeout) {
            Ok(ready) => self.ready = ready,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The tokens that the last wait found ready.
    pub fn ready(&self) -> impl Iterator<Item = u64> {
        self.events[..self.ready].iter().map(|event| event.u64)
    }
}

impl std::fmt::Debug for Poller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Poller")
            .field("ready", &self.ready)
            .finish_non_exhaustive()
    }
}

/// Wakes a thread that waits in a [`Poller`], from any thread.
///
/// ```text
///            rest(), then a last look at what was left
///   awake ─────────────────────────────────────────────▶ resting
///     ▲  wake(): one atomic operation                       │  wake(): the first one writes
///     └────────────────────── attend() ◀────────────────────┘  to the eventfd
/// ```
#[derive(Debug)]
pub struct Waker {
    event: OwnedFd,
    /// The sleeper is awake, or somebody has woken it.
    is_awake: AtomicBool,
}

impl Waker {
    /// A waker whose sleeper is awake; watch it for [`Interest::Read`].
    ///
    /// # Errors
    /// Out of descriptors.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            event: sys::event_create()?,
            is_awake: AtomicBool::new(true),
        })
    }

    /// Makes the sleeper look at what was left for it, now or before it rests again.
    pub fn wake(&self) {
        if !self.is_awake.swap(true, Ordering::AcqRel) {
            sys::event_write(self.event.as_fd());
        }
    }

    /// The sleeper's side: whatever is left from now on wakes. What was left before is seen by
    /// whoever looks after this, which is why the sleeper must, before it waits.
    pub fn rest(&self) {
        // It reads as well as writes: that is what makes the things left visible.
        self.is_awake.swap(false, Ordering::AcqRel);
    }

    /// The sleeper is back from the poller, which reported this waker or not.
    pub fn attend(&self, was_reported: bool) {
        self.is_awake.store(true, Ordering::Release);
        if was_reported {
            sys::event_drain(self.event.as_fd());
        }
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.event.as_fd()
    }
}
