use crate::config::MAX_BUFFER_PACKETS;
use tidegate_units::{Duration, Instant};

/// How long packets are counted for one look at their rate.
const INTERVAL: Duration = Duration::from_millis(250);
/// Room for what passes in so many times the holding time: a gap may keep all of one, and
/// what comes meanwhile is more.
const HOLDING_TIMES: u32 = 2;

/// How many packets a buffer may hold: at first what it was made for, later as much as the
/// measured rate fills in the time that packets are held, up to 64 MiB of live payloads.
///
/// This is a limit, not memory: the buffers take memory with what is in them. It never
/// shrinks, because the peer may already count on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    packets: usize,
    /// How long packets are held; `None`: the room was chosen and stays.
    held_for: Option<Duration>,
    since: Instant,
    counted: u32,
}

impl Room {
    /// Room for `packets`, until more is measured to pass in `held_for`.
    pub(crate) const fn growing(now: Instant, packets: usize, held_for: Duration) -> Self {
        Self {
            packets,
            held_for: Some(held_for),
            since: now,
            counted: 0,
        }
    }

    /// Room for `packets`, whatever passes.
    pub(crate) const fn fixed(packets: usize) -> Self {
        Self {
            packets,
            held_for: None,
            since: Instant::ZERO,
            counted: 0,
        }
    }

    pub(crate) const fn packets(&self) -> usize {
        self.packets
    }

    /// A packet passes; true if that made more room.
    pub(crate) fn on_packet(&mut self, now: Instant) -> bool {
        let Some(held_for) = self.held_for else {
            return false;
        };
        self.counted = self.counted.saturating_add(1);
        let time = now.saturating_since(self.since);
        if time < INTERVAL {
            return false;
        }
        let held = u128::from(self.counted) * (held_for * HOLDING_TIMES).as_micros();
        let wanted = held / time.as_micros().max(1);
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        let grown = wanted.min(MAX_BUFFER_PACKETS as usize);
        self.since = now;
        self.counted = 0;
        let grows = grown > self.packets;
        self.packets = self.packets.max(grown);
        grows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The room after a second of a packet each `micros`.
    fn after(mut room: Room, micros: usize) -> usize {
        for at in (0..1_000_000).step_by(micros) {
            room.on_packet(Instant::from_micros(at));
        }
        room.packets()
    }

    fn growing(held_for: Duration) -> Room {
        Room::growing(Instant::ZERO, 8192, held_for)
    }

    #[test]
    fn a_fast_stream_held_long_makes_room_for_twice_what_is_held() {
        let packets = after(growing(Duration::from_secs(1)), 50);
        assert!((40_000..=40_010).contains(&packets), "{packets}");
    }

    #[test]
    fn room_ends_at_its_limit() {
        let packets = after(growing(Duration::from_secs(8)), 50);
        assert_eq!(packets, MAX_BUFFER_PACKETS as usize);
    }

    #[test]
    fn a_slow_stream_changes_nothing_and_neither_does_a_pause() {
        let mut room = growing(Duration::from_millis(120));
        for millis in [0, 1, 2, 9000, 9001] {
            assert!(!room.on_packet(Instant::from_millis(millis)));
        }
        assert_eq!(after(room, 1700), 8192);
    }

    #[test]
    fn room_that_was_chosen_stays() {
        assert_eq!(after(Room::fixed(500), 10), 500);
    }
}
