use crate::statistics::{Counters, Statistics};
use std::collections::VecDeque;
use tidegate_units::{Bitrate, Duration, Instant};

/// How long one slice is, and how many make the window: ten minutes.
const SLICE: Duration = Duration::from_secs(10);
const SLICES_MAX: usize = 60;

/// The last ten minutes, in slices.
#[derive(Debug, Default)]
pub(super) struct Window {
    slices: VecDeque<Slice>,
    /// What was counted at the last look.
    before: Option<Counters>,
    began: Option<Instant>,
}

/// The worst of ten seconds, and what was counted in them.
#[derive(Debug, Clone, Copy, Default)]
struct Slice {
    from: Instant,
    rtt: Duration,
    jitter: Duration,
    burst: Duration,
    counted: Counters,
}

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Observed {
    /// How long was measured.
    pub(super) span: Duration,
    /// Packets that came, or were given up.
    pub(super) packets: u64,
    /// The 95th percentile of the slices' worst.
    pub(super) rtt: Duration,
    pub(super) jitter: Duration,
    pub(super) burst: Duration,
    /// The longest of all: an outage, where the percentile says much less.
    pub(super) longest_burst: Duration,
    /// Share of the packets lost on the way; those that only overtook each other are not.
    pub(super) loss: f64,
    /// Lost for good.
    pub(super) unrecovered: u64,
    /// Came after they had been given up.
    pub(super) belated: u64,
    /// The stream without repetitions, headers included.
    pub(super) rate: Bitrate,
}

impl Window {
    pub(super) fn note(&mut self, statistics: &Statistics) {
        // Before the first round trip the gauge shows a guess, which is far off on most links.
        if !statistics.rtt_known {
            return;
        }
        let now = statistics.at;
        let before = self.before.replace(statistics.total).unwrap_or_default();
        self.began.get_or_insert(now);
        let fresh = self
            .slices
            .back()
            .is_none_or(|last| now >= last.from + SLICE);
        if fresh {
            if self.slices.len() == SLICES_MAX {
                self.slices.pop_front();
                self.began = self.slices.front().map(|first| first.from);
            }
            self.slices.push_back(Slice {
                from: now,
                ..Slice::default()
            });
        }
        let Some(slice) = self.slices.back_mut() else {
            return;
        };
        let instant = &statistics.instant;
        slice.rtt = slice.rtt.max(instant.rtt);
        slice.jitter = slice.jitter.max(instant.jitter);
        let per_second = instant.receive_packets_per_second.max(1);
        let burst_micros = instant.loss_burst_longest_packets * 1_000_000 / per_second;
        slice.burst = slice.burst.max(Duration::from_micros(burst_micros));
        slice.counted = slice.counted.plus(&statistics.total.since(&before));
    }

    /// How long has been measured.
    pub(super) fn span(&self, now: Instant) -> Duration {
        self.began
            .map_or(Duration::ZERO, |began| now.saturating_since(began))
    }

    #[allow(clippy::cast_precision_loss, reason = "a share")]
    pub(super) fn observed(&self, now: Instant) -> Option<Observed> {
        let span = self.span(now);
        let total = self
            .slices
            .iter()
            .fold(Counters::default(), |sum, slice| sum.plus(&slice.counted));
        let packets = total.packets_received_unique + total.packets_dropped;
        let lost = total
            .packets_lost
            .saturating_sub(total.packets_reordered)
            .max(total.packets_dropped);
        if packets == 0 {
            return None;
        }
        let longest = self.slices.iter().map(|slice| slice.burst).max();
        Some(Observed {
            span,
            packets,
            rtt: self.percentile(|slice| slice.rtt),
            jitter: self.percentile(|slice| slice.jitter),
            burst: self.percentile(|slice| slice.burst),
            longest_burst: longest.unwrap_or_default(),
            loss: (lost as f64 / packets as f64).min(1.0),
            unrecovered: total.packets_dropped,
            belated: total.packets_belated,
            rate: Bitrate::of(total.bytes_received_unique, span),
        })
    }

    /// The 95th percentile of a figure: of few slices the largest.
    fn percentile(&self, figure: impl Fn(&Slice) -> Duration) -> Duration {
        let mut figures: Vec<Duration> = self.slices.iter().map(figure).collect();
        figures.sort_unstable();
        let index = (figures.len() * 95).div_ceil(100).saturating_sub(1);
        figures.get(index).copied().unwrap_or_default()
    }
}
