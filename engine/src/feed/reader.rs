use super::subscription::{Queued, Subscription};
use super::{Feed, LaneItem};
use crate::item::Batch;
use crate::limits;
use crate::wake::Wake;
use core::fmt;
use std::sync::Arc;

/// What one reader may hold, and how it is woken.
#[derive(Clone)]
pub struct ReaderOptions {
    /// Batches its queue holds.
    pub max_batches: usize,
    /// Bytes its queue holds.
    pub max_bytes: usize,
    /// Who is told when the empty queue gets something; without it, [`Reader::next`] waits.
    pub wake: Option<Arc<dyn Wake>>,
    /// It only watches, and is not counted among the feed's readers.
    pub watcher: bool,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        Self {
            max_batches: limits::READER_BATCHES,
            max_bytes: limits::READER_BYTES,
            watcher: false,
            wake: None,
        }
    }
}

impl fmt::Debug for ReaderOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReaderOptions")
            .field("max_batches", &self.max_batches)
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}

/// What is missing just before a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    /// Items this reader lost because its own queue was full.
    pub lost: u64,
    /// The batch is from another connection or another source than the one before it, so its
    /// time stamps need not continue.
    pub restarted: bool,
}

/// One consumer's cursor in a lane. Dropping it leaves the feed.
pub struct Reader<T: LaneItem> {
    subscription: Arc<Subscription<T>>,
    /// Attachment and session of the last batch.
    place: Option<(u32, u32)>,
    gap: Gap,
}

impl<T: LaneItem> Reader<T> {
    pub(super) fn attach(feed: &Feed, options: ReaderOptions) -> Self {
        let reader = Self::detached(options);
        reader.subscription.move_to(&feed.inner);
        reader
    }

    pub(super) fn detached(options: ReaderOptions) -> Self {
        let ReaderOptions {
            max_batches,
            max_bytes,
            wake,
            watcher,
        } = options;
        let subscription = Arc::new(Subscription::new(max_batches, max_bytes, wake, watcher));
        Self {
            subscription,
            place: None,
            gap: Gap::default(),
        }
    }

    pub(super) const fn subscription(&self) -> &Arc<Subscription<T>> {
        &self.subscription
    }

    /// The next batch, if there is one. After `None` the reader will be woken.
    pub fn try_next(&mut self) -> Option<Arc<Batch<T>>> {
        let entry = self.subscription.take()?;
        Some(self.accept(entry))
    }

    /// The next batch, if there is one. After `None` the reader is not woken: it has to come
    /// back by itself before its queue is full.
    pub fn try_next_unasked(&mut self) -> Option<Arc<Batch<T>>> {
        let entry = self.subscription.take_unasked()?;
        Some(self.accept(entry))
    }

    fn accept(&mut self, entry: Queued<T>) -> Arc<Batch<T>> {
        let place = (entry.attachment, entry.batch.session());
        let restarted = self.place.is_some_and(|last| last != place);
        self.gap = Gap {
            lost: entry.lost_before,
            restarted,
        };
        self.place = Some(place);
        entry.batch
    }

    /// Waits for the next batch. Only for readers without a [`Wake`] of their own. Can be
    /// cancelled without losing anything.
    pub async fn next(&mut self) -> Arc<Batch<T>> {
        loop {
            if let Some(batch) = self.try_next() {
                return batch;
            }
            self.subscription.notify.notified().await;
        }
    }

    /// What was missing just before the batch returned last.
    #[must_use]
    pub const fn gap(&self) -> Gap {
        self.gap
    }

    /// Items lost so far because this reader's queue was full.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.subscription.lost_total()
    }

    /// Batches waiting.
    #[must_use]
    pub fn queued_batches(&self) -> usize {
        self.subscription.queued_batches()
    }

    /// Changes who is woken; called at once if something is waiting already.
    pub fn set_wake(&self, wake: Arc<dyn Wake>) {
        self.subscription.set_wake(wake);
    }
}

impl<T: LaneItem> Drop for Reader<T> {
    fn drop(&mut self) {
        self.subscription.leave();
    }
}

impl<T: LaneItem> fmt::Debug for Reader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("queued_batches", &self.queued_batches())
            .field("lost", &self.lost())
            .finish_non_exhaustive()
    }
}
