//! Two publishers that take a source from each other, again and again.
//!
//! ```text
//!  open ──TAKEOVERS_MAX within WINDOW──▶ latched ──nobody tried for CLEAN──▶ open
//!                                          ▲  │
//!                                          └──┘ another attempt
//! ```
//!
//! While latched, a standby bears a publisher's silence until [`GONE`]: a hiccup is no reason
//! to change once more, and a feed without media is worse than any change.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use tidegate_units::Instant;

/// Automatic takeovers of a living publisher's place that are borne within [`WINDOW`].
pub(crate) const TAKEOVERS_MAX: usize = 3;
/// The time over which they are counted.
pub(crate) const WINDOW: Duration = Duration::from_secs(300);
/// Without a further attempt for so long, the latch opens.
pub(crate) const CLEAN: Duration = Duration::from_secs(300);

/// A publisher without media for so long is as good as gone, although its connection stands;
/// SRT gives up a peer that sends nothing at all after the same time.
pub(crate) const GONE: Duration = Duration::from_secs(5);

/// One publisher stepped into another one's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Takeover {
    pub(crate) at: Instant,
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
}

/// Lets takeovers happen until they become a habit.
#[derive(Debug, Default)]
pub(crate) struct Latch {
    recent: VecDeque<Takeover>,
    /// The latest attempt, while latched.
    last_attempt: Option<Instant>,
    /// When the silence began that was counted as an attempt last.
    counted: Option<Instant>,
}

impl Latch {
    /// Notes one; true when it was one too many.
    pub(crate) fn note(&mut self, takeover: Takeover) -> bool {
        let now = takeover.at;
        let old = |first: &Takeover| now.saturating_since(first.at) > WINDOW;
        while self.recent.len() >= TAKEOVERS_MAX || self.recent.front().is_some_and(old) {
            self.recent.pop_front();
        }
        self.recent.push_back(takeover);
        if self.is_latched() {
            self.last_attempt = Some(now);
            return false;
        }
        let one_too_many = self.recent.len() >= TAKEOVERS_MAX;
        if one_too_many {
            self.last_attempt = Some(now);
        }
        one_too_many
    }

    /// Somebody would have taken over, were it not for the latch.
    pub(crate) fn attempt(&mut self, now: Instant) {
        if let Some(last) = &mut self.last_attempt {
            *last = now.max(*last);
        }
    }

    /// Whether somebody may step in for a publisher that sends nothing since `silent_since`.
    /// However often it is asked about, one silence is one attempt.
    pub(crate) fn may_step_in(&mut self, now: Instant, silent_since: Instant) -> bool {
        if !self.is_latched() || now.saturating_since(silent_since) >= GONE {
            return true;
        }
        if self.counted.replace(silent_since) != Some(silent_since) {
            self.attempt(now);
        }
        false
    }

    /// Opens after a clean period; true when it did so now.
    pub(crate) fn look(&mut self, now: Instant) -> bool {
        let clean = |last: Instant| now.saturating_since(last) >= CLEAN;
        let opens = self.last_attempt.is_some_and(clean);
        if opens {
            *self = Self::default();
        }
        opens
    }

    pub(crate) const fn is_latched(&self) -> bool {
        self.last_attempt.is_some()
    }

    /// The takeovers counted last, the oldest first.
    pub(crate) fn evidence(&self) -> impl Iterator<Item = &Takeover> {
        self.recent.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takeover(seconds: u64) -> Takeover {
        Takeover {
            at: Instant::from_millis(seconds * 1000),
            from: ([192, 0, 2, 1], 1000).into(),
            to: ([192, 0, 2, 2], 2000).into(),
        }
    }

    fn at(seconds: u64) -> Instant {
        takeover(seconds).at
    }

    #[test]
    fn the_third_takeover_within_five_minutes_latches() {
        let mut latch = Latch::default();
        assert!(!latch.note(takeover(10)));
        assert!(!latch.note(takeover(20)));
        assert!(!latch.is_latched());
        assert!(latch.note(takeover(309)));
        assert!(latch.is_latched());
        assert_eq!(latch.evidence().count(), 3);
    }

    #[test]
    fn takeovers_now_and_then_never_latch() {
        let mut latch = Latch::default();
        for seconds in (0..3600).step_by(200) {
            assert!(!latch.note(takeover(seconds)), "after {seconds} s");
        }
    }

    #[test]
    fn it_opens_five_minutes_after_the_last_attempt() {
        let mut latch = Latch::default();
        for seconds in [1, 2, 3] {
            latch.note(takeover(seconds));
        }
        latch.attempt(at(200));
        assert!(!latch.look(at(499)));
        assert!(latch.look(at(500)));
        assert!(!latch.is_latched() && !latch.look(at(501)));
        assert!(!latch.note(takeover(502)), "it counts from the beginning");
    }

    #[test]
    fn it_says_only_once_that_it_latched() {
        let mut latch = Latch::default();
        let told: Vec<bool> = (1..=5).map(|second| latch.note(takeover(second))).collect();
        assert_eq!(told, [false, false, true, false, false]);
    }

    fn latched() -> Latch {
        let mut latch = Latch::default();
        for seconds in [1, 2, 3] {
            latch.note(takeover(seconds));
        }
        latch
    }

    #[test]
    fn looking_at_one_silence_again_and_again_is_one_attempt() {
        let mut latch = latched();
        for millis in (0..4000).step_by(50) {
            let now = Instant::from_millis(100_000 + millis);
            assert!(!latch.may_step_in(now, at(99)), "after {millis} ms");
        }
        assert!(!latch.look(at(399)));
        assert!(latch.look(at(400)), "five minutes after the one attempt");
        assert!(latch.may_step_in(at(400), at(399)));
    }

    #[test]
    fn another_silence_is_another_attempt() {
        let mut latch = latched();
        assert!(!latch.may_step_in(at(100), at(99)));
        assert!(!latch.may_step_in(at(200), at(199)));
        assert!(!latch.look(at(499)));
        assert!(latch.look(at(500)));
    }

    #[test]
    fn who_is_as_good_as_gone_is_replaced_although_it_is_latched() {
        let mut latch = latched();
        assert!(!latch.may_step_in(at(104), at(100)));
        assert!(latch.may_step_in(at(105), at(100)));
        assert!(latch.is_latched());
    }

    #[test]
    fn an_attempt_without_a_latch_means_nothing() {
        let mut latch = Latch::default();
        latch.attempt(at(5));
        assert!(!latch.is_latched());
    }
}
