use crate::limits;
use std::sync::Arc;
use tidegate_engine::{
    Batch, Checks, Feed, Feeds, Fired, Link, MediaStatus, Reader, ReaderOptions, Signal, Triggers,
    TsChunk, Vitals, Wake,
};
use tidegate_switch::Piece;
use tidegate_units::{Duration, Instant};

/// One input: its feed, how it is doing, and its lane in the program.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) name: Arc<str>,
    /// Its lane in the program, which stays when others come and go.
    pub(crate) lane: usize,
    feed: Feed,
    reader: Reader<TsChunk>,
    signal: Signal,
    pub(crate) checks: Checks,
    pub(crate) vitals: Vitals,
    /// The program was told that it has ended.
    is_ended: bool,
}

impl Input {
    pub(crate) fn new(
        name: &str,
        lane: usize,
        feeds: &Feeds,
        triggers: Triggers,
        wake: Arc<dyn Wake>,
    ) -> Self {
        let feed = feeds.get(name);
        let reader = feed.read_ts(ReaderOptions {
            max_batches: limits::QUEUE_BATCHES,
            max_bytes: limits::QUEUE_BYTES,
            wake: Some(wake),
            watcher: false,
        });
        Self {
            name: name.into(),
            lane,
            signal: feed.watch_signal(),
            feed,
            reader,
            checks: Checks::new(triggers),
            vitals: Vitals::default(),
            is_ended: true,
        }
    }

    /// The next batch, and whether what it carries begins anew. A standby comes back by itself,
    /// on the turns that what is on air makes.
    pub(crate) fn next(&mut self, is_awaited: bool) -> Option<Came> {
        let batch = if is_awaited {
            self.reader.try_next()
        } else {
            self.reader.try_next_unasked()
        }?;
        let gap = self.reader.gap();
        let restarted = gap.restarted || self.is_ended;
        self.is_ended = false;
        Some(Came {
            batch,
            restarted,
            lost: gap.lost,
        })
    }

    /// Looks at its vital signs; whether its sender has just gone.
    pub(crate) fn look(&mut self, now: Instant) -> bool {
        self.vitals = self.signal.vitals();
        self.checks.look(now, &self.vitals);
        let is_gone = self.vitals.link == Link::Down && self.reader.queued_batches() == 0;
        is_gone && !core::mem::replace(&mut self.is_ended, true)
    }

    pub(crate) fn fired(&self) -> &[Fired] {
        self.checks.fired()
    }

    pub(crate) fn silent_for(&self, now: Instant) -> Option<Duration> {
        let last = self.vitals.last_arrival?;
        Some(now.saturating_since(last))
    }

    pub(crate) fn media(&self) -> Option<Arc<MediaStatus>> {
        self.feed.media()
    }

    /// Packets that it lost because this switch was too slow.
    pub(crate) fn lost(&self) -> u64 {
        self.reader.lost()
    }
}

/// Something that came of an input.
#[derive(Debug)]
pub(crate) struct Came {
    batch: Arc<Batch<TsChunk>>,
    pub(crate) restarted: bool,
    lost: u64,
}

impl Came {
    pub(crate) fn pieces(&self) -> impl Iterator<Item = Piece> {
        let chunks = self.batch.iter().enumerate();
        chunks.map(|(index, chunk)| Piece {
            bytes: chunk.bytes.clone(),
            arrived: chunk.arrived,
            due: chunk.due,
            lost_before: u64::from(chunk.lost_before) + if index == 0 { self.lost } else { 0 },
        })
    }
}
