use std::sync::atomic::{AtomicU64, Ordering};

/// Something to count.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a listener counts besides its places.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) accepted: Counter,
    pub(crate) banned: Counter,
    pub(crate) not_allowed: Counter,
    /// Connections that came and went without a word, as load balancers' do.
    pub(crate) silent: Counter,
    pub(crate) tls_failed: Counter,
    /// What they sent was not RTMP, or broke a limit.
    pub(crate) malformed: Counter,
    pub(crate) timed_out: Counter,
    /// Wrong key, wrong application, taken.
    pub(crate) refused: Counter,
    pub(crate) published: Counter,
    pub(crate) received_bytes: Counter,
    pub(crate) accept_failed: Counter,
}
