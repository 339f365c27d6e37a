//! After the end of the input: what is on its way still gets across.
//!
//! ```text
//!            held back until due       nothing more gets across for DRAIN_QUIET and the
//!                                      far side's latency: it drops what it has not played
//!                                      when we leave
//!  input ─▶ waiting ───────────▶ moving ─────────────────────────────────▶ done
//!  ended        │                  │
//!               └──────────────────┴── nobody there, or nothing accepted, for DRAIN_MAX ─▶ failed
//! ```

use std::time::{Duration, Instant};

/// What is due later than this has a wrong clock, and is not waited for.
const HELD_MAX: Duration = Duration::from_secs(10);
/// Once nothing is held back any more, what is on its way may take so long …
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// … but when nothing more has got across for so long, nothing more will.
const DRAIN_QUIET: Duration = Duration::from_secs(1);

/// What is known of the output at one look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// The input brought something.
    pub(super) had_input: bool,
    /// Some of it is not due yet: the output holds it back.
    pub(super) is_held: bool,
    /// The far side is there.
    pub(super) is_up: bool,
    /// The far side comes and goes as it likes, as readers on a listener do.
    pub(super) is_for_readers: bool,
    pub(super) delivered_bytes: u64,
    /// How long the far side holds back what it has received.
    pub(super) latency: Duration,
}

/// What to do after a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Wait,
    Done,
    /// Nothing at all has got across.
    Nothing,
    /// The last of it has not.
    NotAll,
}

/// Watches the last of a feed get across.
#[derive(Debug)]
pub(super) struct Drain {
    began: Instant,
    /// Since when nothing is held back any more.
    released: Option<Instant>,
    /// When something got across last, and how much it was by then.
    moved: (Instant, u64),
}

impl Drain {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began: now,
            released: None,
            moved: (now, 0),
        }
    }

    pub(super) fn look(&mut self, now: Instant, seen: Seen) -> Verdict {
        // Who has had enough and left is not waited for.
        let have_left = seen.is_for_readers && !seen.is_up && seen.delivered_bytes > 0;
        let is_held = seen.is_held && now.saturating_duration_since(self.began) < HELD_MAX;
        if seen.delivered_bytes != self.moved.1 || !(have_left || seen.is_up && !is_held) {
            self.moved = (now, seen.delivered_bytes);
        }
        if is_held && !have_left {
            return Verdict::Wait;
        }
        let released = *self.released.get_or_insert(now);
        if now.saturating_duration_since(self.moved.0) >= DRAIN_QUIET + seen.latency {
            let in_vain = seen.had_input && seen.delivered_bytes == 0;
            return if in_vain {
                Verdict::Nothing
            } else {
                Verdict::Done
            };
        }
        if now.saturating_duration_since(released) < DRAIN_MAX + seen.latency {
            return Verdict::Wait;
        }
        match (seen.delivered_bytes, seen.is_up) {
            (0, _) => Verdict::Nothing,
            (_, false) => Verdict::NotAll,
            (_, true) => Verdict::Done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: Seen = Seen {
        had_input: true,
        is_held: false,
        is_up: true,
        is_for_readers: false,
        delivered_bytes: 1000,
        latency: Duration::ZERO,
    };

    /// Looks four times a second; what comes of it, and after how many milliseconds.
    fn verdict(seen: impl Fn(u64) -> Seen) -> (Verdict, u64) {
        let began = Instant::now();
        let mut drain = Drain::new(began);
        for millis in (0..60_000).step_by(250) {
            let verdict = drain.look(began + Duration::from_millis(millis), seen(millis));
            if verdict != Verdict::Wait {
                return (verdict, millis);
            }
        }
        panic!("it never ends");
    }

    #[test]
    fn it_is_over_a_quiet_second_after_the_last_of_it() {
        assert_eq!(verdict(|_| SEEN), (Verdict::Done, 1000));
        let moving = |millis: u64| Seen {
            delivered_bytes: millis.min(3000),
            ..SEEN
        };
        assert_eq!(verdict(moving), (Verdict::Done, 4000));
    }

    #[test]
    fn what_is_not_due_yet_is_waited_for_in_silence() {
        let latency = |millis: u64| Seen {
            is_held: millis < 5000,
            delivered_bytes: if millis < 5000 { 0 } else { 1000 },
            ..SEEN
        };
        assert_eq!(verdict(latency), (Verdict::Done, 6000));
        let wrong_clock = |_| Seen {
            is_held: true,
            ..SEEN
        };
        assert_eq!(verdict(wrong_clock), (Verdict::Done, 10_750));
    }

    #[test]
    fn what_the_far_side_has_not_played_yet_is_waited_for() {
        let latency = Duration::from_secs(12);
        assert_eq!(
            verdict(|_| Seen { latency, ..SEEN }),
            (Verdict::Done, 13_000)
        );
        let gone = |_| Seen {
            is_up: false,
            ..SEEN
        };
        assert_eq!(verdict(gone), (Verdict::NotAll, 10_000));
    }

    #[test]
    fn readers_who_have_left_with_something_are_no_error() {
        let left = |delivered_bytes| Seen {
            is_up: false,
            is_for_readers: true,
            delivered_bytes,
            ..SEEN
        };
        assert_eq!(verdict(|_| left(1000)).0, Verdict::Done);
        assert_eq!(verdict(|_| left(0)), (Verdict::Nothing, 10_000));
        let in_between = |millis: u64| Seen {
            is_held: true,
            ..left(millis.min(1))
        };
        assert_eq!(verdict(in_between), (Verdict::Done, 1250));
    }

    #[test]
    fn a_far_side_that_is_gone_before_the_last_of_it_is_an_error() {
        let gone = |_| Seen {
            is_up: false,
            ..SEEN
        };
        assert_eq!(verdict(gone), (Verdict::NotAll, 10_000));
        let never = |_| Seen {
            delivered_bytes: 0,
            ..SEEN
        };
        assert_eq!(verdict(never).0, Verdict::Nothing);
    }

    #[test]
    fn an_input_without_a_byte_is_no_error() {
        let empty = |_| Seen {
            had_input: false,
            delivered_bytes: 0,
            ..SEEN
        };
        assert_eq!(verdict(empty).0, Verdict::Done);
    }
}
