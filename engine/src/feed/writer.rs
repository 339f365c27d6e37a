use super::inspection::Backlog;
use super::{Feed, LaneItem};
use crate::item::{Batch, Frame};
use crate::limits;
use crate::track::Tracks;
use core::fmt;
use core::sync::atomic::Ordering;
use std::sync::Arc;

/// The one who fills a feed. Belongs to a media thread: pushing and sealing take no lock.
pub struct FeedWriter<T: LaneItem> {
    feed: Feed,
    session: u32,
    pending: Vec<T>,
    tracks: Option<Arc<Tracks>>,
    /// What the inspection could not look at yet.
    backlog: Backlog<T>,
}

impl<T: LaneItem> FeedWriter<T> {
    pub(super) fn new(feed: Feed) -> Self {
        let session = feed
            .inner
            .session
            .fetch_add(1, Ordering::AcqRel)
            .wrapping_add(1);
        Self {
            feed,
            session,
            pending: Vec::new(),
            tracks: None,
            backlog: Backlog::default(),
        }
    }

    /// Adds an item to the batch in the making.
    pub fn push(&mut self, item: T) {
        self.pending.push(item);
        if self.pending.len() >= limits::BATCH_ITEMS {
            self.seal();
        }
    }

    /// Hands what was pushed to every reader. False if another writer has taken over; then
    /// nothing is written any more.
    pub fn seal(&mut self) -> bool {
        if !self.is_current() {
            self.pending.clear();
            return false;
        }
        let Some(last) = self.pending.last() else {
            return true;
        };
        let (arrived, due) = (last.arrived().as_micros(), last.due().as_micros());
        // One allocation of the right size; the vector keeps its own for the next turn.
        let items: Box<[T]> = self.pending.drain(..).collect();
        let count = items.len();
        let batch = Arc::new(Batch::seal(items, self.session, self.tracks.clone()));
        if T::LANE == self.feed.native_lane() {
            let arrivals = &self.feed.inner.arrivals;
            arrivals
                .byte_count
                .fetch_add(batch.byte_count() as u64, Ordering::Relaxed);
            arrivals
                .item_count
                .fetch_add(count as u64, Ordering::Relaxed);
            arrivals
                .last_micros
                .store(arrived.saturating_add(1), Ordering::Relaxed);
            arrivals.last_due_micros.store(due, Ordering::Relaxed);
            arrivals.announce();
        }
        self.feed.inner.lane::<T>().publish(&batch);
        T::written(&self.feed.inner, &batch, &mut self.backlog);
        true
    }

    /// Whether this is still the feed's writer.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.feed.inner.session.load(Ordering::Acquire) == self.session
    }

    /// The feed it writes.
    #[must_use]
    pub const fn feed(&self) -> &Feed {
        &self.feed
    }
}

impl FeedWriter<Frame> {
    /// Says which tracks the frames pushed from now on belong to.
    pub fn set_tracks(&mut self, tracks: Arc<Tracks>) {
        self.seal();
        self.feed
            .inner
            .tracks
            .store(Arc::new(Box::new(Arc::clone(&tracks))));
        self.tracks = Some(tracks);
    }
}

impl<T: LaneItem> fmt::Debug for FeedWriter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedWriter")
            .field("feed", &self.feed.name())
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}
