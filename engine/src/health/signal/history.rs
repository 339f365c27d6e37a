//! Counters as they stood lately.

use core::time::Duration;
use std::collections::VecDeque;
use tidegate_units::{Bitrate, Instant};

/// Looks closer together than this are one sample.
const GRAIN: Duration = Duration::from_millis(50);
/// The usual bitrate is the median over so long.
const USUAL_OVER: Duration = Duration::from_secs(10);
/// With less there is none.
const USUAL_FROM: Duration = Duration::from_secs(3);
/// What has been so low for so long is the usual bitrate now.
const LOW_FOR: Duration = Duration::from_secs(30);

/// A counter that only grows, until it begins anew.
#[derive(Debug, Default)]
pub(super) struct Growth {
    samples: VecDeque<(Instant, u64)>,
    total: u64,
}

impl Growth {
    /// The counter stands at `total`; what is further back than `span` is forgotten.
    pub(super) fn note(&mut self, now: Instant, total: u64, span: Duration) {
        if total < self.total {
            self.samples.clear();
        }
        self.total = total;
        let last = self.samples.back().map(|(at, _)| *at);
        if last.is_some_and(|at| now.saturating_since(at) < GRAIN) {
            return;
        }
        self.samples.push_back((now, total));
        // One that is old enough stays, to be compared with.
        while self.samples.get(1).is_some_and(|(at, _)| *at + span <= now) {
            self.samples.pop_front();
        }
    }

    /// The newest sample that is at least so old, or the first.
    fn before(&self, then: Instant) -> Option<(Instant, u64)> {
        let old = self.samples.partition_point(|(at, _)| *at <= then);
        self.samples.get(old.saturating_sub(1)).copied()
    }

    /// By how much it grew since then.
    pub(super) fn since(&self, then: Instant) -> u64 {
        self.before(then).map_or(0, |(_, total)| self.total - total)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Bytes of media by the stream's own time: what comes now, and what usually comes.
#[derive(Debug, Default)]
pub(super) struct Rates {
    bytes: Growth,
    now: Instant,
    usual: Option<Bitrate>,
    /// The stream's time when the rate became too low.
    low_since: Option<Instant>,
}

impl Rates {
    /// So many bytes have come by now.
    pub(super) fn note(&mut self, flow: Instant, bytes: u64, window: Duration) {
        if bytes < self.bytes.total {
            self.clear();
        }
        let newest = self.bytes.samples.back().map(|(at, _)| *at);
        self.now = flow;
        self.bytes.note(flow, bytes, USUAL_OVER + window);
        let is_low = self.low_since.is_some_and(|since| since + LOW_FOR > flow);
        if self.bytes.samples.back().map(|(at, _)| *at) != newest && !is_low {
            self.usual = self.median(window);
        }
    }

    /// The rate over the last `window`, once there is so much.
    pub(super) fn over(&self, window: Duration) -> Option<Bitrate> {
        let begin = self.now.as_micros().checked_sub(micros(window))?;
        let (at, bytes) = self.bytes.before(Instant::from_micros(begin))?;
        let elapsed = self.now.saturating_since(at);
        (elapsed >= window).then(|| Bitrate::of(self.bytes.total - bytes, elapsed))
    }

    /// The usual rate, once there is one.
    pub(super) const fn usual(&self) -> Option<Bitrate> {
        self.usual
    }

    /// The rate is too low, or is not. What is too low does not become usual at once.
    pub(super) fn is_low(&mut self, is_low: bool) {
        self.low_since = is_low.then(|| self.low_since.unwrap_or(self.now));
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The median of the rates in windows one behind the other.
    fn median(&self, window: Duration) -> Option<Bitrate> {
        let (first, _) = self.bytes.samples.front()?;
        if self.now.saturating_since(*first) < USUAL_FROM.max(window * 2) {
            return None;
        }
        // A window that is too short to hold a picture would measure pictures.
        let window = window.max(Duration::from_millis(500));
        let mut rates = [0_u64; 20];
        let mut count = 0;
        let mut end = (self.now, self.bytes.total);
        while count < rates.len() {
            let begin = Instant::from_micros(end.0.as_micros().saturating_sub(micros(window)));
            let Some(before) = self.bytes.before(begin).filter(|(at, _)| *at <= begin) else {
                break;
            };
            let elapsed = end.0.saturating_since(before.0);
            rates[count] = Bitrate::of(end.1 - before.1, elapsed).as_bps();
            count += 1;
            end = before;
        }
        let rates = &mut rates[..count];
        rates.sort_unstable();
        rates.get(count / 2).copied().map(Bitrate::from_bps)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
