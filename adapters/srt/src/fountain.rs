//! A reader's end of a route, on the shard.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crossbeam_queue::ArrayQueue;
use tidegate_engine::{Batch, OutputReport, Reader, ReaderOptions, Route, TsChunk};
use tidegate_srt_io::{EndReason, Fountain, Wake};
use tidegate_units::Instant;

use crate::low_delay::SourceLatency;

/// Packets due this soon leave together with the one that is due now, and with the answer to an
/// acknowledgement, of which one comes every ten milliseconds: one system call carries them
/// all, and the far side's latency evens it out.
const RELEASE_AHEAD: Duration = Duration::from_millis(12);
/// So many packets leave together at the most, unless more are due: whoever carries them must
/// not see floods.
const RUN_PACKETS_MAX: u32 = 10;
/// How long a reader that holds packets back leaves its queue alone.
const TAKE_IN_INTERVAL: Duration = Duration::from_millis(20);
/// The same while the queue fills fast, or nobody knows yet how fast it does.
const TAKE_IN_SOON: Duration = Duration::from_millis(5);
/// Batches found at once that make a queue one that fills fast.
const FAST_BATCHES: usize = QUEUE_BATCHES / 8;
/// A packet due later than this has a wrong clock, and leaves at once.
const DUE_AT_MOST: Duration = Duration::from_secs(10);
/// Batches a reader holds back until they are due: eight seconds at 4000 a second.
const WAITING_BATCHES_MAX: usize = 32_768;
/// Bytes a reader holds back until they are due: eight seconds at 64 Mbit/s.
const WAITING_BYTES_MAX: usize = 64 << 20;
/// The queue between the writing and the reading shard: short, since it is emptied every
/// [`TAKE_IN_INTERVAL`] at the least.
const QUEUE_BATCHES: usize = 256;
/// Cursors waiting to be let go outside the shard.
const DISCARDED_MAX: usize = 256;

/// Whether what a fountain gives counts as delivered at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// A reader on a listener: the bitrate of the output is what leaves.
    Given,
    /// A push: only what the far side acknowledged counts, and that is counted elsewhere.
    Nothing,
}

/// When packets leave, and with which time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Release {
    /// Each packet when it is due, stamped so: the source's latency is spent here, and the far
    /// side begins anew.
    #[default]
    WhenDue,
    /// Each packet as soon as it is in order, stamped with the time it originated: the far
    /// side's latency runs from there, and covers the way to us as well.
    AtOnce,
}

impl Release {
    /// As the setting `low_delay` says it.
    pub(crate) const fn new(low_delay: bool) -> Self {
        if low_delay {
            Self::AtOnce
        } else {
            Self::WhenDue
        }
    }

    pub(crate) fn is_at_once(self) -> bool {
        self == Self::AtOnce
    }

    /// When a packet may leave.
    fn at(self, chunk: &TsChunk) -> Instant {
        match self {
            Self::WhenDue => chunk.due.min(chunk.arrived + DUE_AT_MOST),
            Self::AtOnce => chunk.arrived,
        }
    }

    /// What a packet is stamped with. A time that lies absurdly far ahead comes from a wrong
    /// clock; one that lies far back the connection itself limits.
    fn stamp(self, chunk: &TsChunk) -> Instant {
        match self {
            Self::WhenDue => self.at(chunk),
            Self::AtOnce => chunk.origin.min(chunk.arrived + DUE_AT_MOST),
        }
    }
}

/// Where cursors go that a shard is done with: leaving a feed takes a lock, which is nothing
/// for a shard.
#[derive(Clone)]
pub(crate) struct Discard(Arc<ArrayQueue<Reader<TsChunk>>>);

impl Discard {
    pub(crate) fn new() -> Self {
        Self(Arc::new(ArrayQueue::new(DISCARDED_MAX)))
    }

    /// Lets go what has come in; called off the shards.
    pub(crate) fn empty(&self) {
        while self.0.pop().is_some() {}
    }
}

/// Gives one peer what a route carries, each packet when it is due or at once.
pub(crate) struct RouteFountain {
    reader: Option<Reader<TsChunk>>,
    waiting: VecDeque<(Arc<Batch<TsChunk>>, usize)>,
    waiting_bytes: usize,
    /// The queue fills fast, or may do so.
    fills_fast: bool,
    look: Look,
    report: OutputReport,
    release: Release,
    source_latency: SourceLatency,
    count: Count,
    discard: Discard,
}

/// A shard's latest look at a fountain.
#[derive(Default)]
struct Look {
    at: Instant,
    /// Packets given since.
    given: u32,
}

impl Look {
    /// Whether another one begins.
    fn begins(&mut self, now: Instant) -> bool {
        let begins = self.at != now;
        if begins {
            *self = Self { at: now, given: 0 };
        }
        begins
    }

    /// How far ahead of its time a packet may leave.
    fn ahead(&self) -> Duration {
        if self.given < RUN_PACKETS_MAX {
            RELEASE_AHEAD
        } else {
            Duration::ZERO
        }
    }
}

impl RouteFountain {
    pub(crate) fn new(
        route: &Route,
        report: OutputReport,
        release: Release,
        count: Count,
        discard: Discard,
    ) -> Self {
        let options = ReaderOptions {
            max_batches: QUEUE_BATCHES,
            ..ReaderOptions::default()
        };
        Self {
            reader: Some(route.read_ts(options)),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            fills_fast: true,
            look: Look::default(),
            report,
            release,
            source_latency: SourceLatency::default(),
            count,
            discard,
        }
    }

    /// Where the latency of the source can be read, once packets flow.
    pub(crate) fn source_latency(&self) -> SourceLatency {
        self.source_latency.clone()
    }

    /// Takes over what the feed has for us, as far as there is room. Only who has nothing to
    /// wait for asks to be woken by what comes next.
    fn take_in(&mut self) {
        let Some(reader) = &mut self.reader else {
            return;
        };
        let before = self.waiting.len();
        while self.waiting.len() < WAITING_BATCHES_MAX && self.waiting_bytes < WAITING_BYTES_MAX {
            let next = if self.waiting.is_empty() {
                reader.try_next()
            } else {
                reader.try_next_unasked()
            };
            let Some(batch) = next else {
                break;
            };
            let lost = reader.gap().lost;
            if lost > 0 {
                self.report.lost(lost);
            }
            self.waiting_bytes += batch.byte_count();
            self.waiting.push_back((batch, 0));
        }
        let taken = self.waiting.len() - before;
        self.fills_fast = before == 0 || taken > FAST_BATCHES;
    }

    fn front(&self) -> Option<&TsChunk> {
        let (batch, at) = self.waiting.front()?;
        batch.get(*at)
    }
}

impl Fountain for RouteFountain {
    fn next(&mut self, now: Instant) -> Option<(Bytes, Instant)> {
        if self.look.begins(now) || self.waiting.is_empty() {
            self.take_in();
        }
        let chunk = self.front()?;
        if self.release.at(chunk) > now + self.look.ahead() {
            return None;
        }
        let stamp = self.release.stamp(chunk);
        self.source_latency
            .note(chunk.due.saturating_since(chunk.origin));
        let payload = chunk.bytes.clone();
        self.look.given += 1;
        if let Some((batch, at)) = self.waiting.front_mut() {
            *at += 1;
            if *at == batch.len() {
                self.waiting_bytes -= batch.byte_count();
                self.waiting.pop_front();
            }
        }
        if self.count == Count::Given {
            self.report.delivered(payload.len() as u64);
        }
        Some((payload, stamp))
    }

    fn next_due(&self) -> Option<Instant> {
        let front = self.release.at(self.front()?);
        let interval = if self.fills_fast {
            TAKE_IN_SOON
        } else {
            TAKE_IN_INTERVAL
        };
        Some(front.min(self.look.at + interval))
    }

    fn is_urgent(&self) -> bool {
        self.release.is_at_once()
    }

    fn attach(&mut self, waker: Arc<dyn Wake>) {
        if let Some(reader) = &self.reader {
            reader.set_wake(Arc::new(Bridge(waker)));
        }
    }

    fn closed(&mut self, _reason: &EndReason) {
        self.waiting.clear();
        if let Some(reader) = self.reader.take() {
            // A full queue means that it is let go here after all.
            drop(self.discard.0.push(reader));
        }
    }
}

/// The engine's way of waking, onto the shard's.
struct Bridge(Arc<dyn Wake>);

impl tidegate_engine::Wake for Bridge {
    fn wake(&self) {
        self.0.wake();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tidegate_engine::{EventSink, Feed};

    fn chunk(number: u8, due_millis: u64) -> TsChunk {
        TsChunk {
            bytes: Bytes::from(vec![number; 188]),
            origin: Instant::from_millis(due_millis.saturating_sub(120)),
            arrived: Instant::from_millis(1000),
            due: Instant::from_millis(due_millis),
            lost_before: 0,
        }
    }

    fn fountain(feed: &Feed) -> RouteFountain {
        releasing(feed, Release::WhenDue)
    }

    fn releasing(feed: &Feed, release: Release) -> RouteFountain {
        let report = OutputReport::new("out", EventSink::new());
        RouteFountain::new(
            &Route::new(feed.clone()),
            report,
            release,
            Count::Given,
            Discard::new(),
        )
    }

    fn given(fountain: &mut RouteFountain, millis: u64) -> Vec<u8> {
        let now = Instant::from_millis(millis);
        std::iter::from_fn(|| fountain.next(now))
            .map(|(bytes, _)| bytes[0])
            .collect()
    }

    #[test]
    fn packets_leave_when_they_are_due_with_those_due_just_after() {
        let feed = Feed::new("cam1");
        let mut fountain = fountain(&feed);
        let mut writer = feed.ts_writer();
        for (number, due) in [(1, 1100), (2, 1110), (3, 1150)] {
            writer.push(chunk(number, due));
        }
        writer.seal();
        assert!(given(&mut fountain, 1080).is_empty());
        assert!(given(&mut fountain, 1085).is_empty());
        assert_eq!(fountain.next_due(), Some(Instant::from_millis(1100)));
        assert_eq!(given(&mut fountain, 1100), [1, 2]);
        assert!(given(&mut fountain, 1135).is_empty());
        assert_eq!(fountain.next_due(), Some(Instant::from_millis(1150)));
        assert_eq!(given(&mut fountain, 1150), [3]);
        assert_eq!(fountain.next_due(), None);
        assert_eq!(fountain.report.delivered_bytes(), 3 * 188);
    }

    #[test]
    fn ten_packets_leave_together_and_more_only_when_they_are_due() {
        let feed = Feed::new("cam1");
        let mut fountain = fountain(&feed);
        let mut writer = feed.ts_writer();
        for number in 0..40 {
            writer.push(chunk(1, if number < 15 { 1100 } else { 1105 }));
        }
        writer.seal();
        assert_eq!(given(&mut fountain, 1095).len(), 10);
        assert_eq!(given(&mut fountain, 1100).len(), 10);
        assert_eq!(given(&mut fountain, 1105).len(), 20, "late is worse");
    }

    #[test]
    fn who_holds_packets_back_is_not_woken_by_more_but_looks_again_by_itself() {
        #[derive(Default)]
        struct Count(AtomicUsize);
        impl Wake for Count {
            fn wake(&self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let feed = Feed::new("cam1");
        let mut fountain = fountain(&feed);
        let wakes = Arc::new(Count::default());
        fountain.attach(Arc::clone(&wakes) as _);
        let mut writer = feed.ts_writer();
        let mut write = |due| {
            writer.push(chunk(1, due));
            writer.seal();
        };
        write(8000);
        assert!(given(&mut fountain, 1000).is_empty());
        assert_eq!(fountain.next_due(), Some(Instant::from_millis(1005)));
        assert!(given(&mut fountain, 1005).is_empty());
        assert_eq!(fountain.next_due(), Some(Instant::from_millis(1025)));
        write(8001);
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1, "when it had nothing");
        assert_eq!(given(&mut fountain, 8000).len(), 2);
        write(8002);
        assert_eq!(wakes.0.load(Ordering::Relaxed), 2, "it had nothing again");
    }

    #[test]
    fn who_holds_packets_back_looks_again_before_its_queue_is_full() {
        let feed = Feed::new("cam1");
        let mut fountain = fountain(&feed);
        let mut writer = feed.ts_writer();
        // 200 Mbit/s, nothing of which is due in its first 120 ms.
        let (packets, spacing_micros) = (2280, 52);
        for number in 0..packets {
            let now = Instant::from_micros(1_000_000 + number * spacing_micros);
            writer.push(TsChunk {
                arrived: now,
                ..chunk(1, 1140)
            });
            writer.seal();
            if fountain.next_due().is_none_or(|due| due <= now) {
                assert!(fountain.next(now).is_none());
            }
        }
        assert_eq!(given(&mut fountain, 1140).len() as u64, packets);
        assert_eq!(fountain.report.lost_packets(), 0);
    }

    #[test]
    fn with_low_delay_packets_leave_on_arrival_with_the_time_they_originated() {
        let feed = Feed::new("cam1");
        let mut fountain = releasing(&feed, Release::AtOnce);
        let mut writer = feed.ts_writer();
        // The second originated before the first's arrival, and came late.
        for (number, due) in [(1, 1110), (2, 1115), (3, 1250)] {
            writer.push(chunk(number, due));
        }
        writer.seal();
        let now = Instant::from_millis(1000);
        let stamps: Vec<_> = std::iter::from_fn(|| fountain.next(now))
            .map(|(bytes, stamp)| (bytes[0], stamp.as_micros() / 1000))
            .collect();
        assert_eq!(stamps, [(1, 990), (2, 995), (3, 1130)]);
        let status = crate::details::tests::status();
        let advice = fountain.source_latency().advice(&status).unwrap();
        assert_eq!(
            advice["latency_ms"], 130,
            "120 ms of the source, no round trip, and the margin"
        );
        assert_eq!(advice["enough_now"], false);
        assert!(fountain.is_urgent());
    }

    #[test]
    fn with_low_delay_an_absurd_time_is_not_passed_on() {
        let feed = Feed::new("cam1");
        let mut fountain = releasing(&feed, Release::AtOnce);
        let mut writer = feed.ts_writer();
        writer.push(chunk(1, 10_000_000));
        writer.seal();
        let (_, stamp) = fountain.next(Instant::from_millis(1000)).unwrap();
        assert_eq!(stamp, Instant::from_millis(11_000));
    }

    #[test]
    fn a_packet_with_an_absurd_due_time_is_not_held_for_ever() {
        let feed = Feed::new("cam1");
        let mut fountain = fountain(&feed);
        let mut writer = feed.ts_writer();
        writer.push(chunk(1, 10_000_000));
        writer.seal();
        assert!(given(&mut fountain, 1000).is_empty());
        assert_eq!(given(&mut fountain, 11_000), [1]);
    }

    #[test]
    fn long_latency_does_not_overflow_the_queue() {
        let feed = Feed::new("cam1");
        let mut fountain = fountain(&feed);
        let mut writer = feed.ts_writer();
        for number in 0..2000_u64 {
            writer.push(chunk(1, 6000 + number));
            writer.seal();
            assert!(given(&mut fountain, 1000 + number).is_empty());
        }
        assert_eq!(given(&mut fountain, 9000).len(), 2000);
        assert_eq!(fountain.report.lost_packets(), 0);
    }
}
