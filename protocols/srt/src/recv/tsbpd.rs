use super::drift::DriftTracer;
use crate::wire::Timestamp;
use tidegate_units::{Duration, Instant, unwrap_near};

/// One turn of the wire's 32-bit microsecond counter.
const TURN_MICROS: i64 = 1 << 32;

/// Timestamp-based packet delivery: from a peer's timestamp to the moment it is due here.
///
/// ```text
/// due = base + timestamp + latency + drift
/// ```
/// `base` is where the peer's timestamp zero lies on our clock, learnt from the handshake
/// packet. A timestamp is unwrapped against what the peer's clock shows now, so no state
/// can be left behind at a wrap, however long the connection was idle.
#[derive(Debug)]
pub(crate) struct Tsbpd {
    base_micros: i64,
    drift_micros: i64,
    latency: Duration,
    tracer: DriftTracer,
    trace_drift: bool,
    /// Where the group's legs together put the peer's timestamp zero, on a leg.
    shared_micros: Option<i64>,
    /// Whether the base is this leg's own.
    base: Base,
}

/// Where the time base comes from, and what it is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    /// Measured here, from the beginning.
    Own,
    /// The group's: this leg's way is still to be measured.
    Foreign,
    /// From a single packet of this leg, off by its jitter.
    Rough,
}

impl Tsbpd {
    /// The peer's handshake, stamped `timestamp`, arrived at `arrived`.
    pub(crate) fn new(
        arrived: Instant,
        timestamp: Timestamp,
        latency: Duration,
        trace_drift: bool,
    ) -> Self {
        let stamp = i64::from(timestamp.as_micros()) + TURN_MICROS;
        Self {
            base_micros: arrived.as_micros().cast_signed() - stamp,
            drift_micros: 0,
            latency,
            tracer: DriftTracer::default(),
            trace_drift,
            shared_micros: None,
            base: Base::Own,
        }
    }

    /// Where this connection by itself sees the peer's timestamp zero.
    pub(crate) const fn offset_micros(&self) -> i64 {
        self.base_micros + self.drift_micros
    }

    /// The same, once it is the mean of many packets or was so from the beginning: only then
    /// does a change of it tell anything about the peer's clock.
    pub(crate) fn measured_micros(&self) -> Option<i64> {
        (self.base == Base::Own).then_some(self.offset_micros())
    }

    /// From now on packets are due by what all legs of a group share. This leg's own
    /// measure goes on, for the day it has to lead.
    pub(crate) const fn share(&mut self, offset_micros: i64) {
        self.shared_micros = Some(offset_micros);
    }

    /// Joins a group in mid-stream: timestamps count from the group's start, not from this
    /// leg's handshake.
    pub(crate) const fn adopt(&mut self, offset_micros: i64) {
        self.base_micros = offset_micros;
        self.drift_micros = 0;
        self.base = Base::Foreign;
        self.share(offset_micros);
    }

    pub(crate) const fn latency(&self) -> Duration {
        self.latency
    }

    /// When a packet with this timestamp is due.
    pub(crate) fn due(&self, now: Instant, timestamp: Timestamp) -> Instant {
        self.origin(now, timestamp) + self.latency
    }

    /// When a packet with this timestamp originated, on our clock (plus the transit time
    /// of the handshake).
    pub(crate) fn origin(&self, now: Instant, timestamp: Timestamp) -> Instant {
        let offset = self.shared_micros.unwrap_or(self.offset_micros());
        let micros = offset + self.unwrap(now, timestamp);
        Instant::from_micros(micros.max(0).cast_unsigned())
    }

    fn unwrap(&self, now: Instant, timestamp: Timestamp) -> i64 {
        let peer_now = now.as_micros().cast_signed() - self.base_micros;
        let reference = peer_now.max(0).cast_unsigned();
        unwrap_near(reference, u64::from(timestamp.as_micros()), Timestamp::BITS).cast_signed()
    }

    /// An ACKACK with this timestamp arrived: a sample of the clocks' drift.
    pub(crate) fn on_ackack(&mut self, now: Instant, timestamp: Timestamp, rtt: Duration) {
        if self.base == Base::Foreign {
            // This leg's way may be longer or shorter: that is no drift.
            self.base = Base::Rough;
            self.base_micros = now.as_micros().cast_signed() - self.unwrap(now, timestamp);
            return;
        }
        if !self.trace_drift {
            return;
        }
        let transit = self.base_micros + self.unwrap(now, timestamp);
        let sample = now.as_micros().cast_signed() - transit;
        if let Some(update) = self.tracer.add(sample, micros(rtt)) {
            self.base_micros += update.base_shift_micros;
            self.drift_micros = update.drift_micros;
            self.base = Base::Own;
        }
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATENCY: Duration = Duration::from_millis(120);

    #[test]
    fn a_packet_is_due_one_latency_after_its_timestamp() {
        let tsbpd = Tsbpd::new(
            Instant::from_millis(50),
            Timestamp::new(1000),
            LATENCY,
            true,
        );
        let due = tsbpd.due(Instant::from_millis(60), Timestamp::new(11_000));
        assert_eq!(due, Instant::from_millis(50 + 10 + 120));
    }

    #[test]
    fn time_runs_on_over_the_wrap_and_late_packets_stay_before_it() {
        let start = u32::MAX - 999;
        let tsbpd = Tsbpd::new(
            Instant::from_millis(50),
            Timestamp::new(start),
            LATENCY,
            true,
        );
        let now = Instant::from_millis(55);
        assert_eq!(
            tsbpd.due(now, Timestamp::new(4000)),
            Instant::from_millis(175)
        );
        assert_eq!(
            tsbpd.due(now, Timestamp::new(start)),
            Instant::from_millis(170)
        );
    }

    #[test]
    fn an_hour_of_silence_and_a_wrap_do_not_confuse_it() {
        let tsbpd = Tsbpd::new(Instant::ZERO, Timestamp::new(0), LATENCY, true);
        let hours = 5 * 3600 * 1_000_000_u64;
        let stamp = Timestamp::new(u32::try_from(hours % (1 << 32)).unwrap());
        assert_eq!(
            tsbpd.due(Instant::from_micros(hours), stamp),
            Instant::from_micros(hours) + LATENCY
        );
    }

    #[test]
    fn a_stamp_just_before_the_handshakes_is_earlier_and_not_an_hour_later() {
        let tsbpd = Tsbpd::new(Instant::from_millis(50), Timestamp::new(5), LATENCY, true);
        let due = tsbpd.due(Instant::from_millis(51), Timestamp::new(u32::MAX));
        assert_eq!(due, Instant::from_micros(50_000 - 6 + 120_000));
    }

    #[test]
    fn a_peer_whose_clock_is_slow_becomes_due_later() {
        let rtt = Duration::from_millis(20);
        let mut tsbpd = Tsbpd::new(Instant::ZERO, Timestamp::new(0), LATENCY, true);
        for step in 1..=1001_u32 {
            let now = Instant::from_millis(u64::from(step) * 10);
            tsbpd.on_ackack(now, Timestamp::new(step * 10_000 - 3000), rtt);
        }
        let now = Instant::from_millis(20_000);
        let due = tsbpd.due(now, Timestamp::new(20_000_000 - 3000));
        assert_eq!(due, now + LATENCY);
    }
}
