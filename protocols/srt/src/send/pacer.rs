use tidegate_units::{Bitrate, Duration, Instant};

/// UDP, IP and SRT headers: what every packet costs on the wire besides its payload.
pub(crate) const HEADER_BYTES: u64 = 44;
/// What "unlimited" means: libsrt's 1 Gbit/s.
const UNLIMITED_BYTES_PER_SECOND: u64 = 125_000_000;
/// Packets that may leave back to back after a pause, so that they can leave in one call.
const BURST_PACKETS: u64 = 10;
/// The same as time: at high rates ten packets last less than a timer can resolve.
const BURST_TIME: Duration = Duration::from_micros(500);
/// The average payload size moves by this fraction with each packet.
const AVERAGE_WEIGHT: u64 = 128;
/// Payload size assumed before the first packet.
const INITIAL_PAYLOAD_BYTES: u64 = 1316;
/// How long the input rate is measured the first time, and afterwards.
const FIRST_INPUT_PERIOD: Duration = Duration::from_millis(500);
const INPUT_PERIOD: Duration = Duration::from_secs(1);
/// So many packets end a measurement of the input rate early.
const INPUT_PERIOD_PACKETS: u64 = 2000;

/// How fast packets may leave (the live congestion control's bandwidth settings).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxBandwidth {
    /// No limit but libsrt's own 1 Gbit/s per connection.
    Unlimited,
    /// An absolute limit, headers and retransmissions included.
    Absolute(Bitrate),
    /// The rate of the input plus `overhead_percent` for retransmissions.
    Relative {
        /// The input's rate; `None`: measured.
        input: Option<Bitrate>,
        /// The least the measured input counts as.
        minimum_input: Bitrate,
        /// What retransmissions may add, 5 to 100 percent.
        overhead_percent: u8,
    },
}

/// Spaces packets in time: a token bucket of ten packets over the send period.
#[derive(Debug)]
pub(crate) struct Pacer {
    limit: MaxBandwidth,
    /// Average payload, scaled by [`AVERAGE_WEIGHT`].
    average_scaled: u64,
    interval_nanos: u64,
    /// How far ahead of time packets may leave after a pause.
    credit_nanos: u64,
    /// Nanoseconds at which the bucket would be full again (the theoretical arrival time).
    schedule_nanos: u64,
    input: InputRate,
}

impl Pacer {
    pub(crate) fn new(limit: MaxBandwidth) -> Self {
        let mut pacer = Self {
            limit,
            average_scaled: INITIAL_PAYLOAD_BYTES * AVERAGE_WEIGHT,
            interval_nanos: 0,
            credit_nanos: 0,
            schedule_nanos: 0,
            input: InputRate::default(),
        };
        pacer.update_interval();
        pacer
    }

    /// A packet was handed over for sending.
    pub(crate) fn on_input(&mut self, now: Instant, payload_bytes: usize) {
        if let MaxBandwidth::Relative { input: None, .. } = self.limit
            && self.input.add(now, payload_bytes as u64 + HEADER_BYTES)
        {
            self.update_interval();
        }
    }

    /// When the next packet may leave.
    pub(crate) fn next_slot(&self) -> Instant {
        Instant::from_micros(self.schedule_nanos.saturating_sub(self.credit_nanos) / 1000)
    }

    /// A packet leaves now.
    pub(crate) fn on_sent(&mut self, now: Instant, payload_bytes: usize) {
        let payload = payload_bytes as u64;
        let rounded = self.average_scaled / AVERAGE_WEIGHT;
        self.average_scaled = self.average_scaled - rounded + payload;
        if rounded != self.average_scaled / AVERAGE_WEIGHT {
            self.update_interval();
        }
        let now_nanos = now.as_micros().saturating_mul(1000);
        self.schedule_nanos = self.schedule_nanos.max(now_nanos) + self.interval_nanos;
    }

    /// The time between packets at the limit, in microseconds (`usPktSndPeriod`).
    #[allow(clippy::cast_precision_loss, reason = "a statistic")]
    pub(crate) fn period_micros(&self) -> f64 {
        self.interval_nanos as f64 / 1000.0
    }

    /// The limit in force.
    pub(crate) fn bandwidth(&self) -> Bitrate {
        Bitrate::from_bps(self.bytes_per_second().saturating_mul(8))
    }

    fn update_interval(&mut self) {
        let wire_bytes = self.average_scaled / AVERAGE_WEIGHT + HEADER_BYTES;
        self.interval_nanos = wire_bytes * 1_000_000_000 / self.bytes_per_second().max(1);
        self.credit_nanos = (BURST_PACKETS * self.interval_nanos)
            .max(u64::try_from(BURST_TIME.as_nanos()).unwrap_or(0))
            .saturating_sub(self.interval_nanos);
    }

    fn bytes_per_second(&self) -> u64 {
        let bytes = match self.limit {
            MaxBandwidth::Unlimited => UNLIMITED_BYTES_PER_SECOND,
            MaxBandwidth::Absolute(rate) => rate.as_bps() / 8,
            MaxBandwidth::Relative {
                input,
                minimum_input,
                overhead_percent,
            } => {
                let rate = match (input, self.input.bytes_per_second) {
                    (Some(rate), _) => rate.as_bps() / 8,
                    (None, Some(measured)) => measured.max(minimum_input.as_bps() / 8),
                    (None, None) => return UNLIMITED_BYTES_PER_SECOND,
                };
                rate * (100 + u64::from(overhead_percent.clamp(5, 100))) / 100
            }
        };
        bytes.clamp(1, UNLIMITED_BYTES_PER_SECOND * 80)
    }
}

/// Measures the rate at which packets are handed over.
#[derive(Debug, Default)]
struct InputRate {
    started: Option<Instant>,
    bytes: u64,
    packets: u64,
    bytes_per_second: Option<u64>,
}

impl InputRate {
    /// True when the measured rate changed.
    fn add(&mut self, now: Instant, wire_bytes: u64) -> bool {
        let started = *self.started.get_or_insert(now);
        self.bytes += wire_bytes;
        self.packets += 1;
        let elapsed = now.saturating_since(started);
        let first = self.bytes_per_second.is_none();
        let period = if first {
            FIRST_INPUT_PERIOD
        } else {
            INPUT_PERIOD
        };
        let early = self.packets > INPUT_PERIOD_PACKETS && !elapsed.is_zero();
        if elapsed < period && !early {
            return false;
        }
        self.bytes_per_second = Some(Bitrate::of(self.bytes, elapsed).as_bps() / 8);
        self.started = Some(now);
        self.bytes = 0;
        self.packets = 0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent_within(pacer: &mut Pacer, from: Instant, time: Duration) -> u64 {
        let mut packets = 0;
        let end = from + time;
        let mut now = from;
        while now < end {
            while pacer.next_slot() <= now {
                pacer.on_sent(now, 1316);
                packets += 1;
            }
            now += Duration::from_micros(100);
        }
        packets
    }

    #[test]
    fn an_absolute_limit_holds_over_a_second() {
        let limit = MaxBandwidth::Absolute(Bitrate::from_bps(10_880_000));
        let mut pacer = Pacer::new(limit);
        let packets = sent_within(&mut pacer, Instant::from_millis(50), Duration::from_secs(1));
        assert!(
            (1000..=1010).contains(&packets),
            "{packets} packets of 1360 bytes"
        );
    }

    #[test]
    fn a_pause_earns_ten_packets_and_no_more() {
        let limit = MaxBandwidth::Absolute(Bitrate::from_bps(10_880_000));
        let mut pacer = Pacer::new(limit);
        let now = Instant::from_millis(9000);
        let burst = sent_within(&mut pacer, now, Duration::from_micros(100));
        assert_eq!(burst, BURST_PACKETS);
    }

    #[test]
    fn unlimited_is_a_gigabit() {
        let pacer = Pacer::new(MaxBandwidth::Unlimited);
        assert_eq!(pacer.bandwidth().as_bps(), 1_000_000_000);
        assert!((pacer.period_micros() - 10.88).abs() < 0.01);
    }

    #[test]
    fn a_relative_limit_follows_the_measured_input() {
        let mut pacer = Pacer::new(MaxBandwidth::Relative {
            input: None,
            minimum_input: Bitrate::ZERO,
            overhead_percent: 25,
        });
        for millis in 0..=500 {
            pacer.on_input(Instant::from_millis(millis), 1316);
        }
        let expected = 1360 * 1000 * 8 * 125 / 100;
        let bandwidth = pacer.bandwidth().as_bps();
        assert!(
            bandwidth.abs_diff(expected) < expected / 100,
            "{bandwidth} bit/s"
        );
    }
}
