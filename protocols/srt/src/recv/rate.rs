use tidegate_units::{Duration, Instant};

/// Arrival intervals remembered for the receive rate.
const ARRIVALS: usize = 16;
/// Probing pairs remembered for the link's capacity.
const PROBES: usize = 64;
/// The capacity is reckoned anew when so many pairs have come: every ACK carries it, and a
/// median of all pairs is what an ACK would cost most.
const RECKON_PROBES: usize = 8;
/// Values outside `[median / 8, median * 8]` are outliers.
const OUTLIER_FACTOR: u32 = 8;
/// Every sixteenth packet and its successor are sent back to back.
pub(crate) const PROBE_INTERVAL: u64 = 16;
/// What a probe interval is assumed to be before the first pair.
const INITIAL_PROBE_MICROS: u32 = 1000;
/// A pair's interval is scaled to the largest live payload.
const MAX_PAYLOAD_BYTES: u64 = 1456;

/// Receive rate and link capacity, as full acknowledgements report them.
///
/// Packets that one system call brought have one arrival time; they count as one arrival
/// of several packets, and say nothing about the link's capacity.
#[derive(Debug)]
pub(crate) struct LinkRate {
    arrivals: [Arrival; ARRIVALS],
    next_arrival: usize,
    current: Arrival,
    last_arrival: Option<Instant>,
    probe_micros: [u32; PROBES],
    next_probe: usize,
    probe: Option<(u64, Instant)>,
    /// What the pairs said when it was last reckoned, and how many have come since.
    capacity: u64,
    fresh_probes: usize,
}

/// What arrived at one moment, and how long after the one before.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    micros: u32,
    packets: u32,
    bytes: u32,
}

/// What the estimator reports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rates {
    pub(crate) packets_per_second: u32,
    pub(crate) bytes_per_second: u32,
    pub(crate) capacity_packets_per_second: u32,
}

impl Default for LinkRate {
    fn default() -> Self {
        let none = Arrival {
            micros: 1_000_000,
            packets: 0,
            bytes: 0,
        };
        Self {
            arrivals: [none; ARRIVALS],
            next_arrival: 0,
            current: Arrival { micros: 0, ..none },
            last_arrival: None,
            probe_micros: [INITIAL_PROBE_MICROS; PROBES],
            next_probe: 0,
            probe: None,
            capacity: 0,
            fresh_probes: RECKON_PROBES,
        }
    }
}

impl LinkRate {
    /// A data packet arrived for the first time or again.
    pub(crate) fn on_arrival(
        &mut self,
        now: Instant,
        index: u64,
        wire_bytes: u64,
        retransmitted: bool,
    ) {
        let last = self.last_arrival.replace(now);
        if last != Some(now) {
            if self.current.micros > 0 {
                self.arrivals[self.next_arrival] = self.current;
                self.next_arrival = (self.next_arrival + 1) % ARRIVALS;
            }
            let spacing = last.map_or(0, |last| micros(now.saturating_since(last)));
            self.current = Arrival {
                micros: spacing,
                packets: 0,
                bytes: 0,
            };
        }
        self.current.packets = self.current.packets.saturating_add(1);
        self.current.bytes = self.current.bytes.saturating_add(clamp(wire_bytes));
        self.on_probe(now, index, wire_bytes, retransmitted);
    }

    fn on_probe(&mut self, now: Instant, index: u64, wire_bytes: u64, retransmitted: bool) {
        if index.is_multiple_of(PROBE_INTERVAL) {
            self.probe = (!retransmitted).then_some((index, now));
            return;
        }
        let Some((first, at)) = self.probe else {
            return;
        };
        if index == first + 1 && !retransmitted && now > at {
            let payload = wire_bytes.saturating_sub(crate::send::HEADER_BYTES).max(1);
            let spacing = u64::from(micros(now.saturating_since(at)));
            self.probe_micros[self.next_probe] = clamp(spacing * MAX_PAYLOAD_BYTES / payload);
            self.next_probe = (self.next_probe + 1) % PROBES;
            self.probe = None;
            self.fresh_probes += 1;
        }
    }

    /// The current estimates.
    pub(crate) fn rates(&mut self) -> Rates {
        let (packets, bytes) = self.receive_rate();
        if self.fresh_probes >= RECKON_PROBES {
            self.fresh_probes = 0;
            self.capacity = capacity(&self.probe_micros);
        }
        Rates {
            packets_per_second: clamp(packets),
            bytes_per_second: clamp(bytes),
            capacity_packets_per_second: clamp(self.capacity.max(packets)),
        }
    }

    fn receive_rate(&self) -> (u64, u64) {
        let median = median(&self.arrivals.map(|arrival| arrival.micros));
        let inside = self
            .arrivals
            .iter()
            .filter(|arrival| in_range(arrival.micros, median));
        let (mut count, mut micros, mut packets, mut bytes) = (0, 0, 0, 0);
        for arrival in inside {
            count += 1;
            micros += u64::from(arrival.micros);
            packets += u64::from(arrival.packets);
            bytes += u64::from(arrival.bytes);
        }
        if count <= ARRIVALS / 2 || micros == 0 {
            return (0, 0);
        }
        (packets * 1_000_000 / micros, bytes * 1_000_000 / micros)
    }
}

fn capacity(probe_micros: &[u32; PROBES]) -> u64 {
    let median = median(probe_micros);
    let inside = probe_micros
        .iter()
        .filter(|interval| in_range(**interval, median));
    let (count, time) = inside.fold((1, u64::from(median)), |(count, sum), interval| {
        (count + 1, sum + u64::from(*interval))
    });
    u64::checked_div(count * 1_000_000, time).unwrap_or(0)
}

fn in_range(value: u32, median: u32) -> bool {
    value >= median / OUTLIER_FACTOR && value <= median.saturating_mul(OUTLIER_FACTOR)
}

fn median<const N: usize>(values: &[u32; N]) -> u32 {
    let mut copy = *values;
    let (_, median, _) = copy.select_nth_unstable(N / 2);
    *median
}

fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

fn clamp(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_thousand_packets_a_second_is_reported_as_such() {
        let mut link = LinkRate::default();
        for index in 0..40 {
            link.on_arrival(Instant::from_millis(index), index, 1360, false);
        }
        let rates = link.rates();
        assert_eq!(rates.packets_per_second, 1000);
        assert_eq!(rates.bytes_per_second, 1_360_000);
    }

    #[test]
    fn packets_that_arrive_in_batches_are_counted_all() {
        let mut link = LinkRate::default();
        for index in 0..400 {
            link.on_arrival(Instant::from_millis(index / 8 * 8), index, 1360, false);
        }
        let rates = link.rates();
        assert_eq!(rates.packets_per_second, 1000);
        assert_eq!(rates.capacity_packets_per_second, 1000);
    }

    #[test]
    fn probing_pairs_show_the_links_capacity() {
        let mut link = LinkRate::default();
        let mut at = 0;
        for index in 0..16 * 80 {
            at += if index % 16 == 1 { 100 } else { 1000 };
            link.on_arrival(Instant::from_micros(at), index, 1500, false);
        }
        let capacity = link.rates().capacity_packets_per_second;
        assert_eq!(capacity, 10_000);
    }

    #[test]
    fn a_repeated_first_probe_is_void() {
        let mut link = LinkRate::default();
        for index in 0..16 * 80 {
            let retransmitted = index % 16 == 0;
            link.on_arrival(
                Instant::from_micros(index * 2000),
                index,
                1500,
                retransmitted,
            );
        }
        assert_eq!(link.rates().capacity_packets_per_second, 1000);
    }

    #[test]
    fn nothing_received_is_no_rate() {
        assert_eq!(LinkRate::default().rates().bytes_per_second, 0);
    }
}
