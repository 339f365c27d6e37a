use super::rtt::Rtt;
use tidegate_units::{Duration, Instant};

/// Full acknowledgements go out on this grid. All connections share it, so that one
/// wake-up of a shard serves them all.
const INTERVAL: Duration = Duration::from_millis(10);
/// So many packets ask for a light acknowledgement in between.
const LIGHT_PACKETS: u64 = 64;
/// Acknowledgements remembered until their ACKACK comes.
const HISTORY: usize = 1024;
/// What it grows by until then.
const INITIAL_HISTORY: usize = 32;
/// The number of the first acknowledgement.
pub(crate) const FIRST_NUMBER: u32 = 1;
/// The number before the first one comes again: peers keep it in a signed word, as libsrt does.
const LAST_NUMBER: u32 = 0x7FFF_FFFF;

/// Which acknowledgement is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AckKind {
    Full,
    Light,
}

/// Decides when to acknowledge, and matches ACKACKs to acknowledgements.
#[derive(Debug)]
pub(crate) struct Acknowledger {
    next_number: u32,
    history: Vec<Sent>,
    /// What the last acknowledgement of any kind said.
    last_sent: u64,
    last_full: u64,
    last_full_at: Instant,
    /// The peer is known to know this much.
    confirmed: u64,
    packets: u64,
    /// There is progress to report on this tick.
    progress_at: Option<Instant>,
    /// The last full one is repeated then, unless the peer confirms it.
    repeat_at: Option<Instant>,
    light_due: bool,
}

#[derive(Debug, Clone, Copy)]
struct Sent {
    number: u32,
    index: u64,
    at: Instant,
}

impl Acknowledger {
    pub(crate) const fn new(first: u64, first_number: u32) -> Self {
        Self {
            next_number: first_number,
            history: Vec::new(),
            last_sent: first,
            last_full: first,
            last_full_at: Instant::ZERO,
            confirmed: first,
            packets: 0,
            progress_at: None,
            repeat_at: None,
            light_due: false,
        }
    }

    /// A packet arrived; everything before `next` is here or given up.
    pub(crate) fn on_packet(&mut self, now: Instant, next: u64) {
        self.packets += 1;
        if self.packets >= LIGHT_PACKETS && next > self.last_sent {
            self.light_due = true;
        }
        if next > self.last_full {
            self.plan(now);
        }
    }

    /// Something changed that the peer should hear of with the next acknowledgement.
    pub(crate) fn plan(&mut self, now: Instant) {
        self.progress_at.get_or_insert(next_tick(now));
    }

    /// The acknowledgement that is due, if any.
    pub(crate) fn due(&self, now: Instant) -> Option<AckKind> {
        if self.due_at().is_some_and(|at| at <= now) {
            return Some(AckKind::Full);
        }
        self.light_due.then_some(AckKind::Light)
    }

    pub(crate) fn due_at(&self) -> Option<Instant> {
        self.progress_at.into_iter().chain(self.repeat_at).min()
    }

    /// A full acknowledgement of `next` leaves; returns its number.
    pub(crate) fn on_full(&mut self, now: Instant, next: u64, rtt: &Rtt) -> u32 {
        let number = self.next_number;
        self.next_number = if number >= LAST_NUMBER {
            FIRST_NUMBER
        } else {
            number + 1
        };
        self.remember(Sent {
            number,
            index: next,
            at: now,
        });
        self.last_sent = next;
        self.last_full = next;
        self.last_full_at = now;
        self.packets = 0;
        self.light_due = false;
        // Repeated until the peer confirms it, but not before it can have answered.
        self.progress_at = None;
        self.repeat_at = Some(next_tick(now + rtt.timeout()));
        number
    }

    fn remember(&mut self, sent: Sent) {
        let slot = sent.number as usize % HISTORY;
        while self.history.len() <= slot {
            // Number zero is never sent, so an empty entry matches nothing.
            let grown = (self.history.len() * 2).clamp(INITIAL_HISTORY, HISTORY);
            let empty = Sent {
                number: 0,
                index: 0,
                at: Instant::ZERO,
            };
            self.history.resize(grown, empty);
        }
        self.history[slot] = sent;
    }

    /// A light acknowledgement of `next` leaves.
    pub(crate) const fn on_light(&mut self, next: u64) {
        self.last_sent = next;
        self.packets = 0;
        self.light_due = false;
    }

    /// The peer answered acknowledgement `number`: the round-trip time, if it was ours.
    pub(crate) fn on_ackack(&mut self, now: Instant, number: u32) -> Option<Duration> {
        let slot = self.history.get_mut(number as usize % HISTORY)?;
        if number == 0 || slot.number != number {
            return None;
        }
        let sent = *slot;
        slot.number = 0;
        self.confirmed = self.confirmed.max(sent.index);
        if self.confirmed >= self.last_full {
            self.repeat_at = None;
        }
        Some(now.saturating_since(sent.at))
    }
}

/// The next moment of the acknowledgement grid after `now`.
fn next_tick(now: Instant) -> Instant {
    let interval = u64::try_from(INTERVAL.as_micros()).unwrap_or(1);
    Instant::from_micros((now.as_micros() / interval + 1) * interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: u64 = 1 << 31;

    fn ms(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn progress_is_acknowledged_on_the_next_tick() {
        let mut acks = Acknowledger::new(FIRST, FIRST_NUMBER);
        acks.on_packet(ms(13), FIRST + 1);
        assert_eq!(acks.due(ms(19)), None);
        assert_eq!(acks.due(ms(20)), Some(AckKind::Full));
    }

    #[test]
    fn numbers_begin_with_one_and_an_ackack_gives_the_round_trip_time() {
        let mut acks = Acknowledger::new(FIRST, FIRST_NUMBER);
        assert_eq!(acks.on_full(ms(20), FIRST + 5, &Rtt::default()), 1);
        assert_eq!(acks.on_full(ms(30), FIRST + 9, &Rtt::default()), 2);
        assert_eq!(acks.on_ackack(ms(65), 2), Some(Duration::from_millis(35)));
        assert_eq!(acks.on_ackack(ms(66), 2), None, "only once");
        assert_eq!(acks.on_ackack(ms(66), 0), None);
        assert_eq!(acks.on_ackack(ms(66), 77), None);
    }

    #[test]
    fn without_progress_it_is_repeated_until_confirmed() {
        let mut acks = Acknowledger::new(FIRST, FIRST_NUMBER);
        acks.on_full(ms(20), FIRST + 5, &Rtt::default());
        assert_eq!(acks.due(ms(200)), None);
        assert_eq!(acks.due(ms(330)), Some(AckKind::Full));
        acks.on_ackack(ms(120), 1);
        assert_eq!(acks.due(ms(9999)), None);
        assert_eq!(acks.due_at(), None);
    }

    #[test]
    fn sixty_four_packets_in_one_interval_get_a_light_one() {
        let mut acks = Acknowledger::new(FIRST, FIRST_NUMBER);
        for packet in 1..=LIGHT_PACKETS {
            acks.on_packet(ms(1), FIRST + packet);
        }
        assert_eq!(acks.due(ms(1)), Some(AckKind::Light));
        acks.on_light(FIRST + LIGHT_PACKETS);
        assert_eq!(acks.due(ms(1)), None);
        assert_eq!(acks.due(ms(10)), Some(AckKind::Full));
    }
}
