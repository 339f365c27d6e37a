use super::FeedInner;
use crate::item::{Batch, Item};
use crate::limits;
use crate::wake::{Wake, WakeHandle};
use arc_swap::ArcSwap;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
use crossbeam_queue::ArrayQueue;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tidegate_units::Instant;
use tokio::sync::Notify;

/// One reader's queue, shared between its reader and whoever writes the feed.
///
/// ```text
///             queue or byte limit full
///   following ────────────────────────► skipping
///       ▲    half empty, and a key frame     │ every batch counts as lost
///       └────(or RESYNC_WAIT has passed)─────┘
/// ```
#[derive(Debug)]
pub(crate) struct Subscription<T> {
    queue: ArrayQueue<Queued<T>>,
    queued_bytes: AtomicUsize,
    max_bytes: usize,
    pub(crate) watcher: bool,
    /// The reader found its queue empty and wants to be woken.
    idle: AtomicBool,
    wake: ArcSwap<WakeHandle>,
    pub(crate) notify: Arc<Notify>,
    skipping: AtomicBool,
    skipping_since_micros: AtomicU64,
    lost_now: AtomicU64,
    lost_total: AtomicU64,
    /// Counts the feeds it was attached to.
    attachment: AtomicU32,
    home: Mutex<Weak<FeedInner>>,
}

#[derive(Debug)]
pub(crate) struct Queued<T> {
    pub(crate) batch: Arc<Batch<T>>,
    pub(crate) lost_before: u64,
    pub(crate) attachment: u32,
}

impl<T: Item> Subscription<T> {
    pub(crate) fn new(
        max_batches: usize,
        max_bytes: usize,
        wake: Option<Arc<dyn Wake>>,
        watcher: bool,
    ) -> Self {
        let notify = Arc::new(Notify::new());
        let wake = wake.unwrap_or_else(|| Arc::clone(&notify) as Arc<dyn Wake>);
        Self {
            queue: ArrayQueue::new(max_batches.clamp(1, limits::READER_BATCHES_MAX)),
            queued_bytes: AtomicUsize::new(0),
            max_bytes: max_bytes.clamp(1, limits::READER_BYTES_MAX),
            watcher,
            idle: AtomicBool::new(true),
            wake: ArcSwap::from_pointee(WakeHandle(wake)),
            notify,
            skipping: AtomicBool::new(false),
            skipping_since_micros: AtomicU64::new(0),
            lost_now: AtomicU64::new(0),
            lost_total: AtomicU64::new(0),
            attachment: AtomicU32::new(0),
            home: Mutex::new(Weak::new()),
        }
    }

    /// The writer's side: takes the batch, or counts it as lost. Never waits.
    pub(crate) fn offer(&self, batch: &Arc<Batch<T>>) {
        if self.skipping.load(Ordering::Relaxed) && !self.may_resume(batch) {
            return self.lose(batch.items().len());
        }
        let bytes = batch.byte_count();
        let queued = self.queued_bytes.load(Ordering::Relaxed);
        if queued != 0 && queued + bytes > self.max_bytes {
            return self.start_skipping(batch);
        }
        self.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
        let entry = Queued {
            batch: Arc::clone(batch),
            lost_before: self.lost_now.swap(0, Ordering::Relaxed),
            attachment: self.attachment.load(Ordering::Relaxed),
        };
        if let Err(refused) = self.queue.push(entry) {
            self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.lost_now
                .fetch_add(refused.lost_before, Ordering::Relaxed);
            return self.start_skipping(batch);
        }
        fence(Ordering::SeqCst);
        if self.idle.load(Ordering::Relaxed) && self.idle.swap(false, Ordering::AcqRel) {
            self.wake.load().0.wake();
        }
    }

    fn may_resume(&self, batch: &Batch<T>) -> bool {
        let room = self.queue.len() <= self.queue.capacity() / 2
            && self.queued_bytes.load(Ordering::Relaxed) <= self.max_bytes / 2;
        if !room {
            return false;
        }
        let since = Instant::from_micros(self.skipping_since_micros.load(Ordering::Relaxed));
        let waited = batch
            .items()
            .last()
            .map(|item| item.arrived().saturating_since(since));
        let resume = waited >= Some(limits::RESYNC_WAIT) || T::can_enter(batch);
        if resume {
            self.skipping.store(false, Ordering::Relaxed);
        }
        resume
    }

    fn start_skipping(&self, batch: &Batch<T>) {
        let now = batch
            .items()
            .last()
            .map_or(0, |item| item.arrived().as_micros());
        self.skipping_since_micros.store(now, Ordering::Relaxed);
        self.skipping.store(true, Ordering::Relaxed);
        self.lose(batch.items().len());
    }

    fn lose(&self, items: usize) {
        self.lost_now.fetch_add(items as u64, Ordering::Relaxed);
        self.lost_total.fetch_add(items as u64, Ordering::Relaxed);
    }

    /// The reader's side. Before it says "empty" it asks to be woken and looks once more, so
    /// that a batch written in between is not slept through.
    pub(crate) fn take(&self) -> Option<Queued<T>> {
        self.take_unasked().or_else(|| {
            self.idle.store(true, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            self.take_unasked()
        })
    }

    /// The same for a reader that comes back by itself, and need not be woken.
    pub(crate) fn take_unasked(&self) -> Option<Queued<T>> {
        let entry = self.queue.pop()?;
        self.queued_bytes
            .fetch_sub(entry.batch.byte_count(), Ordering::Relaxed);
        Some(entry)
    }

    pub(crate) fn set_wake(&self, wake: Arc<dyn Wake>) {
        self.wake.store(Arc::new(WakeHandle(wake)));
        if !self.queue.is_empty() {
            self.wake.load().0.wake();
        }
    }

    pub(crate) fn lost_total(&self) -> u64 {
        self.lost_total.load(Ordering::Relaxed)
    }

    pub(crate) fn queued_batches(&self) -> usize {
        self.queue.len()
    }
}

impl<T: super::LaneItem> Subscription<T> {
    /// Moves the queue to another feed, or to its first. What is queued stays queued.
    pub(crate) fn move_to(self: &Arc<Self>, feed: &Arc<FeedInner>) {
        let mut home = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = home.upgrade() {
            FeedInner::detach(&old, self);
        }
        self.attachment.fetch_add(1, Ordering::Relaxed);
        *home = Arc::downgrade(feed);
        FeedInner::attach(feed, self);
    }

    /// Leaves its feed for good.
    pub(crate) fn leave(self: &Arc<Self>) {
        let mut home = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = home.upgrade() {
            FeedInner::detach(&old, self);
        }
        *home = Weak::new();
    }
}
