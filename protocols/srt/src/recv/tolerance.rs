use std::collections::VecDeque;
use tidegate_units::{Duration, Instant};

/// In-order packets after which the tolerance shrinks by one.
const ORDERED_TO_SHRINK: u32 = 50;
/// A fresh gap waits for so much of a round trip at the most, whatever the packet count.
const TIME_BOUND_DIVISOR: u32 = 4;
/// Fresh gaps that wait for reordered packets at the same time.
const MAX_FRESH: usize = 1024;

/// How long a gap may be mere reordering before it is reported as loss.
///
/// Counted in packets like libsrt's `LOSSMAXTTL`, and bounded in time as well: a slow
/// stream would otherwise wait for seconds. Zero reports at once.
#[derive(Debug)]
pub(crate) struct ReorderTolerance {
    max_packets: u32,
    packets: u32,
    ordered: u32,
    /// Gaps waiting: the index that makes them ripe, their first and last packet.
    fresh: VecDeque<(u64, (u64, u64))>,
}

impl ReorderTolerance {
    pub(crate) const fn new(max_packets: u32) -> Self {
        Self {
            max_packets,
            packets: max_packets,
            ordered: 0,
            fresh: VecDeque::new(),
        }
    }

    /// The packets from `first` to just before `newest`, which came now, are missing: when
    /// to report them, if no later packet makes them ripe before.
    pub(crate) fn on_gap(
        &mut self,
        now: Instant,
        first: u64,
        newest: u64,
        rtt: Duration,
    ) -> Instant {
        if self.packets == 0 || self.fresh.len() >= MAX_FRESH {
            return now;
        }
        self.fresh
            .push_back((newest + u64::from(self.packets), (first, newest - 1)));
        now + rtt / TIME_BOUND_DIVISOR
    }

    /// The oldest gap that `newest` makes ripe for a report.
    pub(crate) fn pop_ripe(&mut self, newest: u64) -> Option<(u64, u64)> {
        self.fresh
            .pop_front_if(|(ripe, _)| *ripe <= newest)
            .map(|(_, gap)| gap)
    }

    /// A packet came in its order.
    pub(crate) const fn on_ordered(&mut self) {
        self.ordered += 1;
        if self.ordered >= ORDERED_TO_SHRINK {
            self.ordered = 0;
            self.packets = self.packets.saturating_sub(1);
        }
    }

    /// A packet came `distance` places late without having been repeated.
    pub(crate) fn on_reordered(&mut self, distance: u64) {
        self.ordered = 0;
        let distance = u32::try_from(distance).unwrap_or(u32::MAX);
        self.packets = self.packets.max(distance).min(self.max_packets);
    }

    pub(crate) const fn packets(&self) -> u32 {
        self.packets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(100);

    #[test]
    fn without_tolerance_a_gap_is_reported_at_once() {
        let mut tolerance = ReorderTolerance::new(0);
        let now = Instant::from_millis(5);
        assert_eq!(tolerance.on_gap(now, 10, 12, RTT), now);
        tolerance.on_reordered(3);
        assert_eq!(tolerance.packets(), 0);
    }

    #[test]
    fn a_gap_becomes_ripe_by_packets_or_by_time() {
        let mut tolerance = ReorderTolerance::new(3);
        let now = Instant::from_millis(5);
        let latest = tolerance.on_gap(now, 10, 12, RTT);
        assert_eq!(latest, now + Duration::from_millis(25));
        assert_eq!(tolerance.pop_ripe(14), None);
        assert_eq!(tolerance.pop_ripe(15), Some((10, 11)));
        assert_eq!(tolerance.pop_ripe(99), None);
    }

    #[test]
    fn tolerance_shrinks_while_all_is_in_order_and_grows_back() {
        let mut tolerance = ReorderTolerance::new(3);
        for _ in 0..100 {
            tolerance.on_ordered();
        }
        assert_eq!(tolerance.packets(), 1);
        tolerance.on_reordered(9);
        assert_eq!(tolerance.packets(), 3);
    }
}
