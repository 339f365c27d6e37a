use super::rtt::Rtt;
use std::collections::VecDeque;
use tidegate_units::{Duration, Instant};

/// Full acknowledgements go out on this grid. All connections share it, so that one
/// wake-up of a shard serves them all.
const INTERVAL: Duration = Duration::from_millis(10);
/// So many packets ask for a light acknowledgement in between.
const LIGHT_PACKETS: u64 = 64;
/// Acknowledgements remembered until their ACKACK comes: ten seconds of them.
const MAX_UNANSWERED: usize = 1024;
/// Of those before one that was answered so many are: others' ACKACKs may have been overtaken.
const MAX_OVERTAKEN: usize = 32;
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
    /// The full ones that may still be answered, oldest first, no number left out.
    unanswered: VecDeque<Sent>,
    /// What the last acknowledgement of any kind said.
    last_sent: u64,
    last_full: u64,
    last_full_at: Instant,
    /// The peer is known to know this much.
    confirmed: u64,
    packets: u64,
    /// The tick on which there is progress to report, if ever.
    progress_at: Instant,
    /// The last full one is repeated then, unless the peer confirms it.
    repeat_at: Instant,
    light_due: bool,
}

#[derive(Debug, Clone, Copy)]
struct Sent {
    number: u32,
    answered: bool,
    index: u64,
    at: Instant,
}

impl Acknowledger {
    pub(crate) const fn new(first: u64, first_number: u32) -> Self {
        Self {
            next_number: first_number,
            unanswered: VecDeque::new(),
            last_sent: first,
            last_full: first,
            last_full_at: Instant::ZERO,
            confirmed: first,
            packets: 0,
            progress_at: Instant::FAR_FUTURE,
            repeat_at: Instant::FAR_FUTURE,
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
        if self.progress_at == Instant::FAR_FUTURE {
            self.progress_at = next_tick(now);
        }
    }

    /// The acknowledgement that is due, if any.
    pub(crate) fn due(&self, now: Instant) -> Option<AckKind> {
        if self.full_at() <= now {
            return Some(AckKind::Full);
        }
        self.light_due.then_some(AckKind::Light)
    }

    /// When one is due.
    pub(crate) fn due_at(&self) -> Instant {
        if self.light_due {
            return Instant::ZERO;
        }
        self.full_at()
    }

    fn full_at(&self) -> Instant {
        self.progress_at.min(self.repeat_at)
    }

    /// A full acknowledgement of `next` leaves; returns its number.
    pub(crate) fn on_full(&mut self, now: Instant, next: u64, rtt: &Rtt) -> u32 {
        let number = self.next_number;
        self.next_number = if number >= LAST_NUMBER {
            FIRST_NUMBER
        } else {
            number + 1
        };
        if self.unanswered.len() >= MAX_UNANSWERED {
            self.unanswered.pop_front();
        }
        self.unanswered.push_back(Sent {
            number,
            answered: false,
            index: next,
            at: now,
        });
        self.last_sent = next;
        self.last_full = next;
        self.last_full_at = now;
        self.packets = 0;
        self.light_due = false;
        // Repeated until the peer confirms it, but not before it can have answered.
        self.progress_at = Instant::FAR_FUTURE;
        self.repeat_at = next_tick(now + rtt.timeout());
        number
    }

    /// A light acknowledgement of `next` leaves.
    pub(crate) const fn on_light(&mut self, next: u64) {
        self.last_sent = next;
        self.packets = 0;
        self.light_due = false;
    }

    /// The peer answered acknowledgement `number`: the round-trip time, if it was ours.
    pub(crate) fn on_ackack(&mut self, now: Instant, number: u32) -> Option<Duration> {
        let oldest = self.unanswered.front()?.number;
        let place = numbers_from(oldest, number);
        let sent = self.unanswered.get_mut(place)?;
        if sent.number != number || core::mem::replace(&mut sent.answered, true) {
            return None;
        }
        let sent = *sent;
        if place > MAX_OVERTAKEN {
            self.unanswered.drain(..place - MAX_OVERTAKEN);
        }
        while self.unanswered.pop_front_if(|sent| sent.answered).is_some() {}
        self.confirmed = self.confirmed.max(sent.index);
        if self.confirmed >= self.last_full {
            self.repeat_at = Instant::FAR_FUTURE;
        }
        Some(now.saturating_since(sent.at))
    }
}

/// How many numbers after `first` `number` is given.
const fn numbers_from(first: u32, number: u32) -> usize {
    let turn = if number < first { LAST_NUMBER } else { 0 };
    (number.wrapping_add(turn).wrapping_sub(first)) as usize
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
    fn an_answer_that_others_overtook_counts_and_little_is_remembered() {
        let mut acks = Acknowledger::new(FIRST, LAST_NUMBER - 50);
        let numbers: Vec<u32> = (0..100)
            .map(|tick| acks.on_full(ms(tick * 10), FIRST + tick, &Rtt::default()))
            .collect();
        assert_eq!(numbers[51..53], [1, 2], "the numbers begin anew");
        let sample = |millis| Some(Duration::from_millis(millis));
        assert_eq!(acks.on_ackack(ms(1000), numbers[40]), sample(600));
        assert_eq!(acks.on_ackack(ms(1000), numbers[60]), sample(400));
        assert_eq!(acks.on_ackack(ms(1000), numbers[59]), sample(410));
        assert_eq!(acks.on_ackack(ms(1000), numbers[20]), None, "forgotten");
        assert_eq!(acks.on_ackack(ms(1000), numbers[99]), sample(10));
        assert!(acks.unanswered.len() <= MAX_OVERTAKEN + 1);
        for tick in 100..20_000 {
            acks.on_full(ms(tick * 10), FIRST + tick, &Rtt::default());
        }
        assert_eq!(acks.unanswered.len(), MAX_UNANSWERED);
    }

    #[test]
    fn without_progress_it_is_repeated_until_confirmed() {
        let mut acks = Acknowledger::new(FIRST, FIRST_NUMBER);
        acks.on_full(ms(20), FIRST + 5, &Rtt::default());
        assert_eq!(acks.due(ms(200)), None);
        assert_eq!(acks.due(ms(330)), Some(AckKind::Full));
        acks.on_ackack(ms(120), 1);
        assert_eq!(acks.due(ms(9999)), None);
        assert_eq!(acks.due_at(), Instant::FAR_FUTURE);
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
