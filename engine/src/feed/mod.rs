//! Feeds: one writer, any number of readers, none of whom can hold up another.
//!
//! ```text
//!              seal()            one bounded queue per reader
//! FeedWriter ─────────► Arc<Batch> ─┬─► [queue] ─► Reader   (SRT viewer)
//!  (media thread)                   ├─► [queue] ─► Reader   (recorder)
//!                                   └─► [queue] ─► demux ─► frame lane ─┬─► Reader (HLS)
//!                                                  (while anyone asks)  └─► …
//! ```
//!
//! Where the source writes frames, the frame lane is written first and the TS lane made from it
//! at once ([`remux`]).
//!
//! A queue that is full loses batches for its own reader only. Which queues exist is a list
//! behind an atomic pointer: writing takes no lock, and readers come and go unnoticed.

mod beside;
mod demux;
mod inspection;
mod lane;
mod reader;
mod remux;
mod route;
mod subscription;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use beside::Beside;
pub use inspection::Signal;
pub(crate) use inspection::Watching;
pub use reader::{Gap, Reader, ReaderOptions};
pub use route::Route;
pub use writer::FeedWriter;

use crate::health::{Link, MediaStatus, Vitals};
use crate::item::{Batch, Frame, Item, Lane, TsChunk};
use crate::track::Tracks;
use arc_swap::{ArcSwap, ArcSwapOption};
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use core::time::Duration;
use inspection::{Backlog, Inspection};
use lane::LaneReaders;
use remux::Remux;
use std::sync::{Arc, Mutex, PoisonError};
use subscription::Subscription;
use tidegate_units::Instant;
use tokio::sync::Notify;

/// The media of one source. Cheap to clone; outlives its source's connections, so that
/// readers stay attached while an encoder comes back.
#[derive(Clone)]
pub struct Feed {
    pub(crate) inner: Arc<FeedInner>,
}

pub(crate) struct FeedInner {
    name: Arc<str>,
    pub(crate) ts: LaneReaders<TsChunk>,
    pub(crate) frames: LaneReaders<Frame>,
    pub(crate) tracks: ArcSwap<Box<Arc<Tracks>>>,
    native: AtomicU8,
    pub(crate) session: AtomicU32,
    /// Whether the sender is there, as [`Link`] says.
    pub(crate) link: Arc<AtomicU8>,
    pub(crate) arrivals: Arrivals,
    inspection: Inspection,
    /// Tracks that only the frame lane carries, where that is the native one.
    beside: ArcSwapOption<Vec<Beside>>,
    demux: demux::Control,
    /// Only the writer of frames takes it.
    remux: Mutex<Option<Box<Remux>>>,
    media: ArcSwapOption<MediaStatus>,
}

/// What has come in, for the bitrate and the age of the last packet.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    pub(crate) byte_count: AtomicU64,
    pub(crate) item_count: AtomicU64,
    /// Microseconds on the engine's clock plus one; zero before the first.
    pub(crate) last_micros: AtomicU64,
    /// When the last item is to be played out, in microseconds.
    pub(crate) last_due_micros: AtomicU64,
    /// Somebody waits for the next item.
    is_awaited: AtomicBool,
    came: Notify,
}

impl Arrivals {
    /// Something came.
    pub(crate) fn announce(&self) {
        if self.is_awaited.load(Ordering::Relaxed) {
            self.is_awaited.store(false, Ordering::Relaxed);
            self.came.notify_one();
        }
    }
}

/// What a feed has carried so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Payload bytes.
    pub bytes: u64,
    /// Items: packets in the TS lane, access units in the frame lane.
    pub items: u64,
    /// When the last one arrived.
    pub last_arrival: Option<Instant>,
}

impl Feed {
    /// An empty feed. Within a tokio runtime it can also demultiplex.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            inner: Arc::new(FeedInner {
                name: name.into(),
                ts: LaneReaders::default(),
                frames: LaneReaders::default(),
                tracks: ArcSwap::from_pointee(Box::new(Arc::new([]))),
                native: AtomicU8::new(Lane::Ts as u8),
                session: AtomicU32::new(0),
                link: Arc::default(),
                arrivals: Arrivals::default(),
                inspection: Inspection::default(),
                beside: ArcSwapOption::empty(),
                demux: demux::Control::default(),
                remux: Mutex::default(),
                media: ArcSwapOption::empty(),
            }),
        }
    }

    /// The name of its source.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Takes over writing transport-stream chunks. The newest writer wins: an older one that
    /// is still held finds that [`FeedWriter::is_current`] is false, and writes nothing more.
    #[must_use]
    pub fn ts_writer(&self) -> FeedWriter<TsChunk> {
        self.inner.native.store(Lane::Ts as u8, Ordering::Relaxed);
        self.inner.beside.store(None);
        if !self.inner.frames.is_empty() {
            demux::ensure_running(&self.inner);
        }
        FeedWriter::new(self.clone())
    }

    /// Takes over writing frames, for sources whose native lane is the frame lane.
    #[must_use]
    pub fn frame_writer(&self) -> FeedWriter<Frame> {
        self.inner
            .native
            .store(Lane::Frames as u8, Ordering::Relaxed);
        FeedWriter::new(self.clone())
    }

    /// A cursor in the TS lane.
    #[must_use]
    pub fn read_ts(&self, options: ReaderOptions) -> Reader<TsChunk> {
        Reader::attach(self, options)
    }

    /// A cursor in the frame lane.
    #[must_use]
    pub fn read_frames(&self, options: ReaderOptions) -> Reader<Frame> {
        Reader::attach(self, options)
    }

    /// Has its transport stream looked at, for the watcher of its source.
    pub(crate) fn inspect(&self) -> Watching {
        Watching::begin(&self.inner)
    }

    /// How it is doing, with its transport stream looked at for as long as that is asked.
    #[must_use]
    pub fn watch_signal(&self) -> Signal {
        Signal::of(&self.inner)
    }

    /// How it is doing this moment. What is in its transport stream is only known while
    /// somebody watches: the watcher of its source does, and [`Feed::watch_signal`].
    #[must_use]
    pub(crate) fn vitals(&self) -> Vitals {
        inspection::vitals(&self.inner)
    }

    /// Says whether its sender is there; [`crate::SourceReport`] does for sources of an engine.
    pub fn set_link(&self, link: Link) {
        self.inner.link.store(link as u8, Ordering::Relaxed);
    }

    /// Where it is said whether its sender is there.
    pub(crate) fn link(&self) -> Arc<AtomicU8> {
        Arc::clone(&self.inner.link)
    }

    /// The elementary streams seen last, as far as anyone has looked.
    #[must_use]
    pub fn tracks(&self) -> Arc<Tracks> {
        Arc::clone(&self.inner.tracks.load())
    }

    /// What the watcher of its source found in it last; `None` while it found nothing.
    #[must_use]
    pub fn media(&self) -> Option<Arc<MediaStatus>> {
        self.inner.media.load_full()
    }

    pub(crate) fn set_media(&self, media: Option<Arc<MediaStatus>>) {
        self.inner.media.store(media);
    }

    /// Readers of both lanes, watchers not counted.
    #[must_use]
    pub fn reader_count(&self) -> usize {
        self.inner.ts.len() + self.inner.frames.len()
    }

    /// What has come in so far.
    #[must_use]
    pub fn carried(&self) -> Carried {
        let arrivals = &self.inner.arrivals;
        let last = arrivals.last_micros.load(Ordering::Relaxed);
        Carried {
            bytes: arrivals.byte_count.load(Ordering::Relaxed),
            items: arrivals.item_count.load(Ordering::Relaxed),
            last_arrival: last.checked_sub(1).map(Instant::from_micros),
        }
    }

    /// Waits until it has carried more than that; for one at a time. On some processors an item
    /// that comes this very moment is missed, and the next one tells.
    pub(crate) async fn carries_more_than(&self, so_far: Carried) {
        let arrivals = &self.inner.arrivals;
        loop {
            arrivals.is_awaited.store(true, Ordering::SeqCst);
            if self.carried().items != so_far.items {
                return;
            }
            arrivals.came.notified().await;
        }
    }

    /// Time since the last item; `None` before the first.
    #[must_use]
    pub fn silent_for(&self, now: Instant) -> Option<Duration> {
        self.carried()
            .last_arrival
            .map(|last| now.saturating_since(last))
    }

    /// When the last item that came is to be played out: until then outputs may hold it back.
    #[must_use]
    pub fn last_due(&self) -> Instant {
        let micros = self.inner.arrivals.last_due_micros.load(Ordering::Relaxed);
        Instant::from_micros(micros)
    }

    /// Whether the frame lane is being made from the TS lane, because somebody reads it.
    #[must_use]
    pub fn is_demultiplexing(&self) -> bool {
        self.inner.demux.is_running()
    }

    /// Whether anybody else holds this feed.
    pub(crate) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.inner) > 1
    }

    /// The lane that the source writes.
    #[must_use]
    pub fn native_lane(&self) -> Lane {
        self.inner.native()
    }
}

impl FeedInner {
    fn native(&self) -> Lane {
        let ts = self.native.load(Ordering::Relaxed) == Lane::Ts as u8;
        if ts { Lane::Ts } else { Lane::Frames }
    }

    pub(crate) fn lane<T: LaneItem>(&self) -> &LaneReaders<T> {
        T::readers(self)
    }

    pub(crate) fn attach<T: LaneItem>(feed: &Arc<Self>, reader: &Arc<Subscription<T>>) {
        feed.lane::<T>().add(Arc::clone(reader));
        if T::LANE == Lane::Frames && feed.native() == Lane::Ts {
            demux::ensure_running(feed);
        }
    }

    pub(crate) fn detach<T: LaneItem>(feed: &Arc<Self>, reader: &Arc<Subscription<T>>) {
        feed.lane::<T>().remove(reader);
    }
}

/// An item whose lane's readers can be found in a feed.
pub trait LaneItem: Item {
    #[doc(hidden)]
    #[allow(
        private_interfaces,
        reason = "only feeds call it; the trait is sealed by it"
    )]
    fn readers(inner: &FeedInner) -> &LaneReaders<Self>;

    /// What follows from a batch that was just written: it is looked at, or makes the other lane.
    #[doc(hidden)]
    #[allow(private_interfaces, reason = "only feeds call it")]
    fn written(inner: &FeedInner, batch: &Arc<Batch<Self>>, backlog: &mut Backlog<Self>);
}

#[allow(private_interfaces, reason = "only feeds call it")]
impl LaneItem for TsChunk {
    fn readers(inner: &FeedInner) -> &LaneReaders<Self> {
        &inner.ts
    }

    fn written(inner: &FeedInner, batch: &Arc<Batch<Self>>, backlog: &mut Backlog<Self>) {
        inner.inspection.look(batch, backlog);
    }
}

#[allow(private_interfaces, reason = "only feeds call it")]
impl LaneItem for Frame {
    fn readers(inner: &FeedInner) -> &LaneReaders<Self> {
        &inner.frames
    }

    fn written(inner: &FeedInner, batch: &Arc<Batch<Self>>, _: &mut Backlog<Self>) {
        let mut remux = inner.remux.lock().unwrap_or_else(PoisonError::into_inner);
        remux.get_or_insert_default().take(inner, batch);
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("name", &self.inner.name)
            .field("readers", &self.reader_count())
            .finish_non_exhaustive()
    }
}
