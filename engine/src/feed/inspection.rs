//! What is in a transport stream, looked at as it is written.
//!
//! The writer looks, because the bytes are still in its core's cache: keeping them for a
//! watcher that comes later costs several times as much, and the memory until then. The
//! watcher only asks what was seen.
//!
//! ```text
//!               look(batch)                       report(now), four times a second
//!  FeedWriter ───────────────► [ Inspector ] ◄──────────────────────────────────── watcher
//!       │                            ▲ renew(vitals), a hundred times a second
//!       │                            └────────────────────────────────────────────── switch
//!       └── somebody else is at it just now: the batch waits for the writer's next turn
//! ```
//!
//! The watcher holds the lock while it makes a report, and that allocates. Media threads, the writer's
//! and a switch's, therefore only try it.

use super::FeedInner;
use super::beside::Beside;
use crate::health::{Link, Vitals};
use crate::item::{Batch, TsChunk};
use crate::limits;
use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use tidegate_mpegts::{Inspector, MediaReport};
use tidegate_units::Instant;

/// The inspector of one feed. Nothing is looked at while nobody watches.
#[derive(Debug, Default)]
pub(crate) struct Inspection {
    watchers: AtomicUsize,
    seen: Mutex<Seen>,
}

/// What has been looked at.
#[derive(Debug, Default)]
struct Seen {
    inspector: Inspector,
    session: u32,
    passed_over: u64,
    /// Packets lost for good on this connection.
    lost_packets: u64,
}

/// Batches that wait to be looked at, on the writer's side.
#[derive(Debug)]
pub(crate) struct Backlog<T> {
    batches: Vec<Arc<Batch<T>>>,
    overflowed: bool,
}

impl Inspection {
    /// Looks at a batch, after those that wait. Called on media threads, so it does not wait
    /// for the watcher: what cannot be looked at now is looked at with the next batch.
    pub(super) fn look(&self, batch: &Arc<Batch<TsChunk>>, backlog: &mut Backlog<TsChunk>) {
        if self.watchers.load(Ordering::Relaxed) == 0 {
            return backlog.forget();
        }
        let mut seen = match self.seen.try_lock() {
            Ok(seen) => seen,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return backlog.keep(batch),
        };
        if core::mem::take(&mut backlog.overflowed) {
            seen.inspector.reset();
            seen.passed_over += 1;
        }
        for waiting in backlog.batches.drain(..) {
            seen.look(&waiting);
        }
        seen.look(batch);
    }
}

impl Seen {
    fn look(&mut self, batch: &Batch<TsChunk>) {
        if self.session != batch.session() {
            self.session = batch.session();
            self.inspector.reset();
            self.lost_packets = 0;
        }
        for chunk in batch.items() {
            self.lost_packets += u64::from(chunk.lost_before);
            self.inspector.push(chunk.arrived, &chunk.bytes);
        }
    }

    /// All three are about one connection.
    fn tell(&self, vitals: &mut Vitals) {
        vitals.session = self.session;
        vitals.lost_packets = self.lost_packets;
        vitals.stream = self.inspector.pulse();
    }
}

impl<T> Default for Backlog<T> {
    fn default() -> Self {
        Self {
            batches: Vec::new(),
            overflowed: false,
        }
    }
}

impl<T> Backlog<T> {
    fn keep(&mut self, batch: &Arc<Batch<T>>) {
        if self.batches.len() >= limits::INSPECTION_BACKLOG {
            self.batches.clear();
            self.overflowed = true;
        }
        self.batches.push(Arc::clone(batch));
    }

    /// Nobody wants to know any more.
    fn forget(&mut self) {
        self.batches.clear();
        self.overflowed = false;
    }
}

/// What a watcher is told.
pub(crate) struct Inspected {
    pub(crate) report: MediaReport,
    /// Tracks that the transport stream does not carry.
    pub(crate) beside: Option<Arc<Vec<Beside>>>,
    /// The connection it is about.
    pub(crate) session: u32,
    /// How often something was passed over, and the looking began anew.
    pub(crate) passed_over: u64,
}

/// Has a feed's transport stream looked at for as long as it lives.
pub(crate) struct Watching {
    feed: Arc<FeedInner>,
}

impl Watching {
    pub(super) fn begin(feed: &Arc<FeedInner>) -> Self {
        feed.inspection.watchers.fetch_add(1, Ordering::Relaxed);
        Self {
            feed: Arc::clone(feed),
        }
    }

    /// What is known at `now`.
    pub(crate) fn look(&self, now: Instant) -> Inspected {
        let seen = &self.feed.inspection.seen;
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        Inspected {
            report: seen.inspector.report(now),
            beside: self.feed.beside.load_full(),
            session: seen.session,
            passed_over: seen.passed_over,
        }
    }
}

/// Has a feed's transport stream looked at for as long as it lives, for those who ask often
/// how it is doing.
pub struct Signal {
    watching: Watching,
}

impl Signal {
    pub(super) fn of(feed: &Arc<FeedInner>) -> Self {
        Self {
            watching: Watching::begin(feed),
        }
    }

    /// Brings up to date how the feed is doing. For media threads, so it waits for nobody: while
    /// the watcher asks, or the writer looks, what is in the stream stays what it was.
    pub fn renew(&self, vitals: &mut Vitals) {
        let feed = &self.watching.feed;
        match feed.inspection.seen.try_lock() {
            Ok(seen) => seen.tell(vitals),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().tell(vitals),
            Err(TryLockError::WouldBlock) => {}
        }
        outside(feed, vitals);
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signal").finish_non_exhaustive()
    }
}

/// The same for the watcher, which may wait for the writer.
pub(super) fn vitals(feed: &FeedInner) -> Vitals {
    let mut vitals = Vitals::default();
    let seen = &feed.inspection.seen;
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    seen.tell(&mut vitals);
    drop(seen);
    outside(feed, &mut vitals);
    vitals
}

/// What is known without looking into the stream. Last, so that nothing arrived before what was
/// looked at.
fn outside(feed: &FeedInner, vitals: &mut Vitals) {
    let beside = feed.beside.load();
    let tracks = beside.iter().flat_map(|tracks| tracks.iter());
    vitals.key_beside = tracks.filter_map(|track| track.last_key).max();
    vitals.link = Link::from_u8(feed.link.load(Ordering::Relaxed));
    let arrivals = &feed.arrivals;
    let last = arrivals.last_micros.load(Ordering::Relaxed);
    vitals.last_arrival = last.checked_sub(1).map(Instant::from_micros);
    let due = arrivals.last_due_micros.load(Ordering::Relaxed);
    vitals.last_due = vitals.last_arrival.map(|_| Instant::from_micros(due));
}

impl Drop for Watching {
    fn drop(&mut self) {
        let inspection = &self.feed.inspection;
        if inspection.watchers.fetch_sub(1, Ordering::Relaxed) == 1 {
            // What passes from now on is not seen, so what was seen is worth nothing later.
            let mut seen = inspection
                .seen
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *seen = Seen::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Feed, FeedWriter};
    use super::*;
    use bytes::Bytes;

    fn write(writer: &mut FeedWriter<TsChunk>, count: usize) {
        for _ in 0..count {
            let mut packet = vec![0xFF; 188];
            packet[..4].copy_from_slice(&[0x47, 0x01, 0x00, 0x10]);
            writer.push(TsChunk::live(packet.into(), Instant::ZERO));
            assert!(writer.seal());
        }
    }

    fn packets(watching: &Watching) -> u64 {
        watching.look(Instant::ZERO).report.packets
    }

    #[test]
    fn what_is_written_while_the_watcher_asks_is_looked_at_with_the_next_batch() {
        let feed = Feed::new("cam1");
        let watching = feed.inspect();
        let mut writer = feed.ts_writer();
        write(&mut writer, 1);
        let asking = feed.inner.inspection.seen.lock().unwrap();
        write(&mut writer, 3);
        drop(asking);
        assert_eq!(packets(&watching), 1);
        write(&mut writer, 1);
        assert_eq!(packets(&watching), 5);
        assert_eq!(watching.look(Instant::ZERO).passed_over, 0);
    }

    #[test]
    fn a_signal_waits_for_no_watcher_that_is_asking() {
        let feed = Feed::new("cam1");
        let signal = feed.watch_signal();
        let mut writer = feed.ts_writer();
        let mut vitals = Vitals::default();
        write(&mut writer, 1);
        signal.renew(&mut vitals);
        let before = vitals;
        assert_eq!(before.stream.packets, 1);

        let asking = feed.inner.inspection.seen.lock().unwrap();
        let mut writer = feed.ts_writer();
        write(&mut writer, 2);
        feed.set_link(Link::Down);
        signal.renew(&mut vitals);
        drop(asking);
        assert_eq!(vitals.link, Link::Down);
        let stream = |vitals: &Vitals| (vitals.session, vitals.lost_packets, vitals.stream);
        assert_eq!(stream(&vitals), stream(&before));

        write(&mut writer, 1);
        signal.renew(&mut vitals);
        assert_eq!(vitals.stream.packets, 3);
        assert_ne!(vitals.session, before.session);
    }

    #[test]
    fn a_watcher_that_asks_for_ever_costs_no_more_than_the_backlog() {
        let feed = Feed::new("cam1");
        let watching = feed.inspect();
        let mut writer = feed.ts_writer();
        write(&mut writer, 1);
        let asking = feed.inner.inspection.seen.lock().unwrap();
        write(&mut writer, limits::INSPECTION_BACKLOG + 2);
        drop(asking);
        write(&mut writer, 1);
        // The looking begins anew with what came after the overflow.
        assert_eq!(packets(&watching), 3);
        assert_eq!(watching.look(Instant::ZERO).passed_over, 1);
    }

    #[test]
    fn nothing_is_kept_of_what_was_looked_at_and_nothing_is_looked_at_without_a_watcher() {
        let feed = Feed::new("cam1");
        let mut writer = feed.ts_writer();
        write(&mut writer, 1);
        let watching = feed.inspect();
        assert_eq!(packets(&watching), 0);
        let bytes = Bytes::from(vec![0x47; 188]);
        writer.push(TsChunk::live(bytes.clone(), Instant::ZERO));
        writer.seal();
        assert_eq!(packets(&watching), 1);
        assert!(bytes.is_unique());
    }

    #[test]
    fn what_waits_to_be_looked_at_is_let_go_when_the_watcher_leaves() {
        let feed = Feed::new("cam1");
        let watching = feed.inspect();
        let mut writer = feed.ts_writer();
        let bytes = Bytes::from(vec![0x47; 188]);
        let asking = feed.inner.inspection.seen.lock().unwrap();
        writer.push(TsChunk::live(bytes.clone(), Instant::ZERO));
        writer.seal();
        drop(asking);
        drop(watching);
        write(&mut writer, 1);
        assert!(bytes.is_unique());
        let watching = feed.inspect();
        write(&mut writer, 1);
        assert_eq!(packets(&watching), 1);
    }

    #[test]
    fn another_connection_is_looked_at_afresh() {
        let feed = Feed::new("cam1");
        let watching = feed.inspect();
        write(&mut feed.ts_writer(), 2);
        let before = watching.look(Instant::ZERO);
        write(&mut feed.ts_writer(), 1);
        let after = watching.look(Instant::ZERO);
        assert_eq!((before.report.packets, after.report.packets), (2, 1));
        assert_eq!(after.report.continuity_errors, 0);
        assert_ne!(before.session, after.session);
    }
}
