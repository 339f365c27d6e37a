use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_queue::ArrayQueue;
use tidegate_srt::ConnectionId;
use tidegate_udp::Waker;

use crate::command::{Command, Handed, PlaceCall, PortId};

/// Commands a shard has not taken yet.
pub const COMMANDS_MAX: usize = 1024;
/// Datagrams handed over by other shards and not taken yet.
pub const HANDED_MAX: usize = 4096;
/// Fountains woken and not looked at yet; beyond that all of them are looked at.
pub const WOKEN_MAX: usize = 4096;
/// A shard that moves more datagrams a second, in either direction, is no company for newcomers:
/// a tenth of what one core can do, or 100 Mbit/s to two readers.
const COMPANY_PER_SECOND_MAX: u32 = 30_000;
/// How often a thread with a command for a full queue tries again, a millisecond apart.
const PUSH_ATTEMPTS: u32 = 1000;

/// A shard seen from other threads: bounded lock-free queues and one waker.
pub(crate) struct Door {
    index: u8,
    packed_connections: usize,
    waker: Waker,
    pub(super) commands: ArrayQueue<Command>,
    pub(super) handed: ArrayQueue<Handed>,
    pub(super) woken: ArrayQueue<(PortId, ConnectionId)>,
    /// More fountains were woken than the queue holds.
    pub(super) all_woken: AtomicBool,
    shut: AtomicBool,
    /// As of the last turn, in one word: connections and callers that wait for an answer in
    /// the upper half, and in the lower how many of those ever sent here have been taken.
    counted: AtomicU64,
    /// How many were ever sent here.
    sent: AtomicU32,
    /// Datagrams a second that it moved lately.
    datagrams_per_second: AtomicU32,
}

/// The shard takes no more commands.
#[derive(Debug)]
pub(crate) struct Shut;

impl Door {
    pub(crate) fn new(index: usize, packed_connections: usize) -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            index: u8::try_from(index).map_err(io::Error::other)?,
            packed_connections,
            waker: Waker::new()?,
            commands: ArrayQueue::new(COMMANDS_MAX),
            handed: ArrayQueue::new(HANDED_MAX),
            woken: ArrayQueue::new(WOKEN_MAX),
            all_woken: AtomicBool::new(false),
            shut: AtomicBool::new(false),
            counted: AtomicU64::new(0),
            sent: AtomicU32::new(0),
            datagrams_per_second: AtomicU32::new(0),
        }))
    }

    pub(crate) fn index(&self) -> u8 {
        self.index
    }

    pub(super) fn waker(&self) -> &Waker {
        &self.waker
    }

    /// How many connections live here, or are about to: none where the thread has ended.
    pub(crate) fn connections(&self) -> usize {
        if self.is_shut() { 0 } else { self.load() }
    }

    /// The same for placement: nobody is sent where the thread has ended.
    pub(crate) fn load(&self) -> usize {
        if self.is_shut() {
            return usize::MAX;
        }
        let counted = self.counted.load(Ordering::Acquire);
        let (connections, taken) = ((counted >> 32) as usize, counted as u32);
        let on_their_way = self.sent.load(Ordering::Acquire).wrapping_sub(taken);
        connections + on_their_way as usize
    }

    /// Whether a newcomer shares the wake-ups of those here rather than having others wake.
    pub(crate) fn takes_company(&self) -> bool {
        let load = self.load();
        let is_busy = self.datagrams_per_second.load(Ordering::Relaxed) > COMPANY_PER_SECOND_MAX;
        load < self.packed_connections && (load == 0 || !is_busy)
    }

    /// The shard has seen how busy it is.
    pub(super) fn set_rate(&self, datagrams_per_second: u32) {
        self.datagrams_per_second
            .store(datagrams_per_second, Ordering::Relaxed);
    }

    /// The shard has counted its connections, and has `taken` of those ever sent to it.
    pub(super) fn set_load(&self, connections: usize, taken: u32) {
        let counted = (connections as u64) << 32 | u64::from(taken);
        self.counted.store(counted, Ordering::Release);
    }

    /// One more is on its way.
    pub(super) fn expect_one(&self) {
        self.sent.fetch_add(1, Ordering::AcqRel);
    }

    /// It was, and did not get in.
    fn expect_one_less(&self) {
        self.sent.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether something was left that the shard has not taken.
    pub(super) fn is_waited_at(&self) -> bool {
        let queued = !self.commands.is_empty() || !self.handed.is_empty();
        queued || !self.woken.is_empty() || self.all_woken.load(Ordering::Acquire)
    }

    /// Asks something of the shard. Waits, for at most a second, when it is far behind; never
    /// called on a shard.
    pub(crate) fn push(&self, mut command: Command) -> Result<(), Shut> {
        for _ in 0..PUSH_ATTEMPTS {
            if self.is_shut() {
                return Err(Shut);
            }
            match self.commands.push(command) {
                Ok(()) => {
                    self.waker.wake();
                    // It may have shut just now, and looked at its queue before.
                    self.forget_if_shut();
                    return Ok(());
                }
                Err(back) => command = back,
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Err(Shut)
    }

    /// Asks for a call to be made, which counts as a connection from now on.
    pub(crate) fn push_call(&self, call: PlaceCall) -> Result<(), Shut> {
        self.expect_one();
        let pushed = self.push(Command::Call(Box::new(call)));
        if pushed.is_err() {
            self.expect_one_less();
        }
        pushed
    }

    /// Asks something of the shard without ever waiting; false when the queue is full.
    pub(crate) fn try_push(&self, command: Command) -> bool {
        let taken = self.commands.push(command).is_ok();
        self.waker.wake();
        taken
    }

    /// Hands over a datagram; false when the queue is full.
    pub(super) fn hand(&self, handed: Handed) -> bool {
        let pushed = self.handed.push(handed);
        self.waker.wake();
        if let Err(lost) = &pushed
            && lost.is_expected
        {
            self.expect_one_less();
        }
        pushed.is_ok()
    }

    /// Notes that a fountain has something new.
    pub(super) fn note_woken(&self, port: PortId, id: ConnectionId) {
        if self.woken.push((port, id)).is_err() {
            self.all_woken.store(true, Ordering::Release);
        }
        self.waker.wake();
    }

    /// The thread has ended: nobody waits for answers any more.
    fn shut(&self) {
        self.shut.store(true, Ordering::SeqCst);
        self.forget_if_shut();
    }

    fn is_shut(&self) -> bool {
        self.shut.load(Ordering::SeqCst)
    }

    /// Whoever waits for a command to be done learns by its being dropped that it never is.
    fn forget_if_shut(&self) {
        if self.is_shut() {
            while let Some(command) = self.commands.pop() {
                drop(command);
            }
        }
    }
}

/// Shuts the door when its thread ends, however it ends.
pub(super) struct ShutAtEnd(pub(super) Arc<Door>);

impl Drop for ShutAtEnd {
    fn drop(&mut self) {
        self.0.shut();
        if std::thread::panicking() {
            tracing::error!(
                shard = self.0.index,
                "a media thread has failed and its connections are lost; please report it"
            );
        }
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Door({})", self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Called;
    use crate::connection::{ConnectionShared, EndReason};
    use crate::guest::Guest;
    use crate::role::{Role, Sink};
    use tidegate_srt::Received;
    use tidegate_units::Instant;

    struct Nothing;

    impl Sink for Nothing {
        fn receive(&mut self, _packet: Received) {}
        fn end_of_turn(&mut self, _now: Instant) {}
        fn closed(&mut self, _reason: &EndReason) {}
    }

    fn call() -> PlaceCall {
        let remote = ([192, 0, 2, 1], 4000).into();
        let shared = ConnectionShared::new(remote, Instant::ZERO);
        PlaceCall {
            port: PortId::CALLS_V4,
            called: Called::One(remote, Box::default()),
            guest: Guest::new(
                Role::Publisher(Box::new(Nothing)),
                shared,
                EndReason::Stopping,
            ),
            opener: None,
        }
    }

    #[test]
    fn a_call_counts_from_when_it_is_asked_for_unless_the_shard_does_not_take_it() {
        let door = Door::new(0, 0).expect("a door");
        door.push_call(call()).expect("there is room");
        assert_eq!(door.connections(), 1);
        door.shut.store(true, Ordering::SeqCst);
        door.push_call(call()).expect_err("it is shut");
        door.shut.store(false, Ordering::SeqCst);
        assert_eq!(door.connections(), 1);
    }

    #[test]
    fn a_shard_that_has_ended_has_no_connections_and_gets_none() {
        let (ended, busy) = (
            Door::new(0, 0).expect("a door"),
            Door::new(1, 0).expect("a door"),
        );
        ended.set_load(7, 0);
        busy.set_load(1000, 0);
        ended.shut();
        assert_eq!(ended.connections(), 0);
        let doors = [ended, busy];
        assert_eq!(crate::shard::best_for_one_more(&doors, 0).index(), 1);
    }
}
