use super::bursts::Bursts;
use super::interval::Intervals;
use crate::recv::{Arrived, Fate};
use crate::send::{HEADER_BYTES, Removed, Turn};
use crate::statistics::Counters;
use tidegate_units::{Duration, Instant};

/// Averages move by an eighth with each value.
const WEIGHT: u64 = 8;

/// Counts what a connection does.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) total: Counters,
    intervals: Intervals,
    bursts: Bursts,
    average_payload: u64,
    belated_micros: u64,
    pub(crate) reorder_distance: u64,
    busy_since: Option<Instant>,
}

impl Tally {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            total: Counters::default(),
            intervals: Intervals::new(now, Counters::default()),
            bursts: Bursts::new(now),
            average_payload: 1316,
            belated_micros: 0,
            reorder_distance: 0,
            busy_since: None,
        }
    }

    /// What was counted in the last whole interval, and how long that was.
    pub(crate) fn interval(&mut self, now: Instant) -> (Counters, Duration) {
        self.intervals.last(now, &self.total)
    }

    pub(crate) fn on_sent(&mut self, payload_bytes: usize, turn: Turn) {
        let bytes = payload_bytes as u64 + HEADER_BYTES;
        self.total.packets_sent += 1;
        self.total.bytes_sent += bytes;
        if let Turn::New(_) = turn {
            self.total.packets_sent_unique += 1;
            self.total.bytes_sent_unique += bytes;
        } else {
            self.total.packets_retransmitted += 1;
            self.total.bytes_retransmitted += bytes;
        }
        if let Turn::Copy(_) = turn {
            self.total.packets_duplicated_in_advance += 1;
        }
    }

    pub(crate) const fn on_send_dropped(&mut self, removed: Removed) {
        self.total.packets_send_dropped += removed.packets;
        self.total.bytes_send_dropped += removed.payload_bytes + removed.packets * HEADER_BYTES;
    }

    /// There is (or is no longer) something that the peer has not acknowledged.
    pub(crate) fn set_busy(&mut self, now: Instant, busy: bool) {
        match (busy, self.busy_since) {
            (true, None) => self.busy_since = Some(now),
            (false, Some(_)) => {
                self.settle_busy(now);
                self.busy_since = None;
            }
            _ => {}
        }
    }

    /// Adds the time that has been busy so far.
    pub(crate) fn settle_busy(&mut self, now: Instant) {
        if let Some(since) = self.busy_since.replace(now) {
            let micros = now.saturating_since(since).as_micros();
            self.total.send_duration_micros += u64::try_from(micros).unwrap_or(0);
        } else {
            self.busy_since = None;
        }
    }

    pub(crate) fn on_arrived(&mut self, payload_bytes: usize, retransmitted: bool, it: &Arrived) {
        let bytes = payload_bytes as u64 + HEADER_BYTES;
        let total = &mut self.total;
        total.packets_received += 1;
        total.bytes_received += bytes;
        if retransmitted {
            total.packets_received_retransmitted += 1;
        }
        match it.fate {
            Fate::Unique => {
                total.packets_received_unique += 1;
                total.bytes_received_unique += bytes;
                let payload = payload_bytes as u64;
                self.average_payload = (self.average_payload * (WEIGHT - 1) + payload) / WEIGHT;
            }
            Fate::Undecryptable => {
                total.packets_undecrypted += 1;
                total.bytes_received_undecrypted += payload_bytes as u64;
                self.on_dropped(1);
            }
            Fate::NotAuthentic => {
                total.packets_undecrypted += 1;
                total.bytes_received_undecrypted += payload_bytes as u64;
            }
            Fate::Duplicate => total.packets_duplicate += 1,
            Fate::Belated(by) => {
                total.packets_belated += 1;
                let micros = u64::try_from(by.as_micros()).unwrap_or(0);
                self.belated_micros = (self.belated_micros * (WEIGHT - 1) + micros) / WEIGHT;
            }
            Fate::NoRoom => total.packets_no_room += 1,
            Fate::OutOfRange => total.control_ignored += 1,
        }
        self.on_missing(it.missing);
        self.on_dropped(it.dropped);
        if it.reordered_by > 0 {
            self.total.packets_reordered += 1;
            self.reorder_distance = it.reordered_by;
        }
    }

    /// A lost packet was rebuilt: it never came, but is there.
    pub(crate) fn on_rebuilt(&mut self, payload_bytes: usize, it: &Arrived) {
        match it.fate {
            Fate::Unique => {
                self.total.filter_packets_rebuilt += 1;
                self.total.packets_received_unique += 1;
                self.total.bytes_received_unique += payload_bytes as u64 + HEADER_BYTES;
            }
            Fate::Undecryptable => {
                self.total.packets_undecrypted += 1;
                self.total.bytes_received_undecrypted += payload_bytes as u64;
                self.on_dropped(1);
            }
            Fate::NotAuthentic => {
                self.total.packets_undecrypted += 1;
                self.total.bytes_received_undecrypted += payload_bytes as u64;
            }
            // Rebuilt too late, or come after all.
            _ => {}
        }
        self.on_missing(it.missing);
        self.on_dropped(it.dropped);
    }

    pub(crate) const fn on_fec_sent(&mut self, payload_bytes: usize) {
        self.total.filter_packets_sent += 1;
        self.total.packets_sent += 1;
        self.total.bytes_sent += payload_bytes as u64 + HEADER_BYTES;
    }

    pub(crate) const fn on_fec_arrived(&mut self, payload_bytes: usize) {
        self.total.filter_packets_received += 1;
        self.total.packets_received += 1;
        self.total.bytes_received += payload_bytes as u64 + HEADER_BYTES;
    }

    const fn on_missing(&mut self, packets: u64) {
        if packets == 0 {
            return;
        }
        self.total.packets_lost += packets;
        self.total.bytes_lost += packets * (self.average_payload + HEADER_BYTES);
    }

    /// A gap of this many packets was found, before whatever arrived.
    pub(crate) fn on_gap(&mut self, now: Instant, packets: u64) {
        if packets > 0 {
            self.total.loss_events += 1;
            self.bursts.note(now, packets);
        }
    }

    pub(crate) fn longest_burst(&mut self, now: Instant) -> u64 {
        self.bursts.longest(now)
    }

    /// Received packets were given up for good.
    pub(crate) const fn on_dropped(&mut self, packets: u64) {
        if packets == 0 {
            return;
        }
        self.total.packets_dropped += packets;
        self.total.bytes_dropped += packets * (self.average_payload + HEADER_BYTES);
    }

    pub(crate) const fn average_payload(&self) -> u64 {
        self.average_payload
    }

    pub(crate) const fn belated_average(&self) -> Duration {
        Duration::from_micros(self.belated_micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_time_is_counted_while_it_lasts() {
        let mut tally = Tally::new(Instant::ZERO);
        tally.set_busy(Instant::from_millis(10), true);
        tally.settle_busy(Instant::from_millis(15));
        tally.set_busy(Instant::from_millis(30), false);
        tally.settle_busy(Instant::from_millis(90));
        assert_eq!(tally.total.send_duration_micros, 20_000);
    }

    #[test]
    fn lost_bytes_are_estimated_from_the_average_payload() {
        let mut tally = Tally::new(Instant::ZERO);
        let arrived = Arrived {
            fate: Fate::Unique,
            missing: 2,
            reordered_by: 0,
            dropped: 0,
        };
        tally.on_arrived(1316, false, &arrived);
        assert_eq!(tally.total.bytes_lost, 2 * 1360);
        assert_eq!(tally.total.bytes_received, 1360);
    }
}
