use core::fmt;
use std::sync::Arc;

/// How a reader is told that its queue is no longer empty.
///
/// Called on the media thread that wrote the batch, so it must return at once. A reader is
/// woken when its empty queue gets something, not for every batch; an implementation that
/// serves many readers (a shard) should further reduce many calls to one wake-up.
pub trait Wake: Send + Sync {
    /// There is something to read.
    fn wake(&self);
}

impl Wake for tokio::sync::Notify {
    fn wake(&self) {
        self.notify_one();
    }
}

/// For readers that look at their queue by themselves, on a timer.
#[derive(Debug)]
pub struct NoWake;

impl Wake for NoWake {
    fn wake(&self) {}
}

/// A sized handle, as `arc-swap` wants it.
pub(crate) struct WakeHandle(pub(crate) Arc<dyn Wake>);

impl fmt::Debug for WakeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WakeHandle")
    }
}
