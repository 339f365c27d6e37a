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
    /// Waits end to the nanosecond; otherwise to the millisecond.
    is_precise: bool,
}

impl Poller {
    /// A poller that watches nothing yet. Before Linux 5.11, and in containers whose system calls
    /// are filtered by a list older than that, its waits last up to a millisecond longer.
    ///
    /// # Errors
    /// Out of descriptors.
    pub fn new() -> io::Result<Self> {
        let none = libc::epoll_event { events: 0, u64: 0 };
        let mut events = vec![none; EVENTS_PER_WAIT];
        let epoll = sys::epoll_create()?;
        let tried = sys::epoll_wait_precisely(epoll.as_fd(), &mut events, Some(Duration::ZERO));
        // The answers of a kernel that lacks the call, and of a container that forbids it.
        let refusals = [Some(libc::ENOSYS), Some(libc::EPERM)];
        let is_refused = tried.is_err_and(|error| refusals.contains(&error.raw_os_error()));
        Ok(Self {
            epoll,
            events,
            ready: 0,
            is_precise: !is_refused,
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
        let wait = if self.is_precise {
            sys::epoll_wait_precisely
        } else {
            sys::epoll_wait
        };
        self.ready = 0;
        match wait(self.epoll.as_fd(), &mut self.events, timeout) {
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
        // A plain store here would come between a wake and the next rest, and hide from that what
        // the waker had left.
        self.is_awake.swap(true, Ordering::AcqRel);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

    use super::*;
    use std::time::Instant;

    /// What becomes of a poller made where the kernel refuses precise waits with `errno`.
    fn where_refused(errno: i32, then: impl FnOnce(Poller) + Send + 'static) {
        let thread = std::thread::spawn(move || {
            sys::refuse_to_this_thread(libc::SYS_epoll_pwait2, errno);
            then(Poller::new().unwrap());
        });
        thread.join().unwrap();
    }

    #[test]
    fn a_kernel_that_can_waits_to_the_nanosecond() {
        let mut poller = Poller::new().unwrap();
        let at_once = Some(Duration::ZERO);
        let epoll = poller.epoll.as_fd();
        let can = sys::epoll_wait_precisely(epoll, &mut poller.events, at_once).is_ok();
        assert_eq!(poller.is_precise, can);
    }

    #[test]
    fn an_old_kernel_and_an_old_container_still_find_what_is_ready() {
        for errno in [libc::ENOSYS, libc::EPERM] {
            where_refused(errno, |mut poller| {
                let waker = Waker::new().unwrap();
                poller.add(&waker, 7, Interest::Read).unwrap();
                waker.rest();
                waker.wake();
                poller.wait(None).unwrap();
                assert_eq!(poller.ready().collect::<Vec<_>>(), [7]);
            });
        }
    }

    #[test]
    fn an_old_kernel_waits_no_less_than_it_was_told() {
        where_refused(libc::ENOSYS, |mut poller| {
            let time = Duration::from_micros(1300);
            let begun = Instant::now();
            poller.wait(Some(time)).unwrap();
            assert!(begun.elapsed() >= time, "{:?}", begun.elapsed());
            assert_eq!(poller.ready().count(), 0);
        });
    }
}
