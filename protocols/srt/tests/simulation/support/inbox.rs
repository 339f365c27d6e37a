use core::time::Duration;

use tidegate_srt::Received;
use tidegate_units::Instant;

/// A packet that comes out this long after its play-out time is late.
const LATE: Duration = Duration::from_millis(2);

/// What one connection delivered, checked packet by packet as it comes.
#[derive(Debug, Clone, Default)]
pub struct Inbox {
    /// Packets delivered.
    pub delivered: u64,
    /// Packets of the stream that were never delivered although a later one was.
    pub missing: u64,
    /// The number of the first and of the last payload delivered.
    pub first: Option<u64>,
    pub last: Option<u64>,
    /// Play-out time minus origin, both on the true clock: the smallest and the largest.
    pub shortest_delay: Option<Duration>,
    pub longest_delay: Option<Duration>,
    /// How long after its play-out time the latest packet came out.
    pub worst_lateness: Duration,
    /// Packets that came out noticeably after their play-out time.
    pub late: u64,
    /// The longest silence between two deliveries.
    pub longest_gap: Duration,
    last_sequence: u64,
    last_delivery: Option<Instant>,
}

/// When a packet came out and when it is due, on the true clock.
pub struct Delivery {
    pub now: Instant,
    pub due: Instant,
    pub sent: Instant,
}

impl Inbox {
    /// Takes the next packet, the `number`-th of the stream.
    ///
    /// # Panics
    /// If it comes out of order, or twice, or if the losses before it are miscounted.
    pub fn take(&mut self, number: u64, received: &Received, delivery: &Delivery) {
        if let Some(last) = self.last {
            assert!(number > last, "payload {number} was delivered after {last}");
            let gap = number - last - 1;
            assert_eq!(
                received.sequence - self.last_sequence - 1,
                gap,
                "sequence of {number}"
            );
            assert_eq!(
                u64::from(received.dropped_before),
                gap,
                "drops counted before {number}"
            );
            self.missing += gap;
        }
        self.first.get_or_insert(number);
        self.last = Some(number);
        self.last_sequence = received.sequence;
        self.delivered += 1;
        self.time(delivery);
    }

    fn time(&mut self, delivery: &Delivery) {
        let delay = delivery.due.saturating_since(delivery.sent);
        self.shortest_delay = Some(self.shortest_delay.map_or(delay, |least| least.min(delay)));
        self.longest_delay = Some(self.longest_delay.map_or(delay, |most| most.max(delay)));
        let lateness = delivery.now.saturating_since(delivery.due);
        self.worst_lateness = self.worst_lateness.max(lateness);
        self.late += u64::from(lateness > LATE);
        if let Some(last) = self.last_delivery {
            self.longest_gap = self.longest_gap.max(delivery.now.saturating_since(last));
        }
        self.last_delivery = Some(delivery.now);
    }

    /// The share of the stream, up to the last packet delivered, that was lost for good.
    pub fn unrecovered_percent(&self) -> f64 {
        let all = self.delivered + self.missing;
        if all == 0 {
            0.0
        } else {
            self.missing as f64 * 100.0 / all as f64
        }
    }

    /// Forgets the times so far; for tests that let a connection settle first.
    pub fn restart_timing(&mut self) {
        self.shortest_delay = None;
        self.longest_delay = None;
        self.worst_lateness = Duration::ZERO;
        self.longest_gap = Duration::ZERO;
        self.last_delivery = None;
    }
}
