use super::subscription::Subscription;
use super::{Feed, LaneItem, Reader, ReaderOptions};
use crate::item::{Frame, TsChunk};
use core::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::watch;

/// One output's link to a source. Its readers follow when it is pointed at another source:
/// they see [`super::Gap::restarted`], and nothing else about them changes.
#[derive(Clone)]
pub struct Route {
    inner: Arc<RouteInner>,
}

struct RouteInner {
    feed: watch::Sender<Feed>,
    readers: Mutex<Readers>,
}

#[derive(Default)]
struct Readers {
    ts: Vec<Weak<Subscription<TsChunk>>>,
    frames: Vec<Weak<Subscription<Frame>>>,
}

impl Route {
    /// A route to `feed`.
    #[must_use]
    pub fn new(feed: Feed) -> Self {
        let (feed, _) = watch::channel(feed);
        Self {
            inner: Arc::new(RouteInner {
                feed,
                readers: Mutex::default(),
            }),
        }
    }

    /// The feed it points at now.
    #[must_use]
    pub fn feed(&self) -> Feed {
        self.inner.feed.borrow().clone()
    }

    /// Says when it is pointed at another feed. Readers follow by themselves; this is for
    /// those who show the source's name.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Feed> {
        self.inner.feed.subscribe()
    }

    /// A cursor in the TS lane of whatever the route points at.
    #[must_use]
    pub fn read_ts(&self, options: ReaderOptions) -> Reader<TsChunk> {
        self.read(options, |readers| &mut readers.ts)
    }

    /// A cursor in the frame lane of whatever the route points at.
    #[must_use]
    pub fn read_frames(&self, options: ReaderOptions) -> Reader<Frame> {
        self.read(options, |readers| &mut readers.frames)
    }

    /// Points the route, and with it all its readers, at another feed.
    pub fn point_at(&self, feed: &Feed) {
        let mut readers = self
            .inner
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&self.feed().inner, &feed.inner) {
            return;
        }
        self.inner.feed.send_replace(feed.clone());
        move_all(&mut readers.ts, feed);
        move_all(&mut readers.frames, feed);
    }

    fn read<T: LaneItem>(
        &self,
        options: ReaderOptions,
        list: impl FnOnce(&mut Readers) -> &mut Vec<Weak<Subscription<T>>>,
    ) -> Reader<T> {
        let reader = Reader::detached(options);
        let mut readers = self
            .inner
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let list = list(&mut readers);
        list.retain(|other| other.strong_count() > 0);
        list.push(Arc::downgrade(reader.subscription()));
        reader.subscription().move_to(&self.feed().inner);
        reader
    }
}

fn move_all<T: LaneItem>(list: &mut Vec<Weak<Subscription<T>>>, feed: &Feed) {
    list.retain(|reader| match reader.upgrade() {
        Some(reader) => {
            reader.move_to(&feed.inner);
            true
        }
        None => false,
    });
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("feed", &self.feed())
            .finish_non_exhaustive()
    }
}
