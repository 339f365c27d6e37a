use crate::recv::Rtt;
use tidegate_units::{Duration, Instant};

/// Answers later than so many deviations count as lost, as a receiver sees it.
const ANSWER_VARIANCES: u32 = 2;
/// What another round trip takes longer than measured: the peer's timers and ours.
const ROUND_MARGIN_DIVISOR: u32 = 16;
/// The two copies are this part of a round trip apart, so that one burst of losses does
/// not take both …
const SPACING_DIVISOR: u32 = 4;
/// … or this part of the time that is left, if that is less.
const ROOM_DIVISOR: u32 = 2;
/// A packet that leaves at the last moment has this part of a round trip to spare.
const LAST_MOMENT_DIVISOR: u32 = 64;
/// Less time than this between two copies is no protection.
const MIN_SPACING: Duration = Duration::from_millis(1);

/// Knows from the peer's play-out delay which repetition is the last that can be in time.
///
/// ```text
///  origin             repeated   copy            origin + latency
///    ├───────────────────┼────────┼──────────────────┤ last moment to send
///                        ├────────────── RTT + margin ──────────►
///                         a further report would come too late
/// ```
/// The peer's time base holds the way of its handshake packet, so what leaves here by
/// `origin + latency` is there when it is due.
#[derive(Debug)]
pub(crate) struct LastChance {
    /// The peer's receive latency; `None`: the peer waits for whatever is missing.
    peer_latency: Option<Duration>,
    /// How much later than thought the peer was seen to do without packets.
    grace: Duration,
}

impl LastChance {
    pub(crate) const fn new(peer_latency: Option<Duration>) -> Self {
        Self {
            peer_latency,
            grace: Duration::ZERO,
        }
    }

    /// After how long the peer does without a packet.
    pub(crate) const fn latency(&self) -> Option<Duration> {
        self.peer_latency
    }

    /// A packet is repeated now: how much later a copy of it should follow, because there
    /// will be no time to ask for it once more.
    pub(crate) fn copy_after(&self, now: Instant, origin: Instant, rtt: &Rtt) -> Option<Duration> {
        let room = self.room(now, origin).filter(|_| rtt.is_known())?;
        let round = rtt.smoothed() + rtt.variance() * ANSWER_VARIANCES;
        if room >= round + rtt.smoothed() / ROUND_MARGIN_DIVISOR {
            return None;
        }
        let spacing = (rtt.smoothed() / SPACING_DIVISOR).max(MIN_SPACING);
        let spacing = spacing.min(room / ROOM_DIVISOR);
        (spacing >= MIN_SPACING).then_some(spacing)
    }

    /// The last moment at which a packet may be sent, with some time to spare; `None`: there
    /// is none, or it has passed.
    pub(crate) fn last_moment(&self, now: Instant, origin: Instant, rtt: &Rtt) -> Option<Instant> {
        let spare = rtt.smoothed() / LAST_MOMENT_DIVISOR + rtt.variance() * ANSWER_VARIANCES;
        let room = self.room(now, origin).filter(|_| rtt.is_known())?;
        Some(now + room.checked_sub(spare.max(MIN_SPACING))?)
    }

    /// The peer reports a packet missing. What it asks for later than it could still wait for
    /// it, as far as known, shows that its time base is later.
    pub(crate) fn on_named(&mut self, now: Instant, origin: Instant, rtt: &Rtt) {
        let Some(latency) = self.peer_latency.filter(|_| rtt.is_known()) else {
            return;
        };
        let expected = origin + latency + rtt.smoothed();
        self.grace = self.grace.max(now.saturating_since(expected));
    }

    /// Whether a repetition that leaves now comes too late for certain, the time of a relayed
    /// packet counting from when it was handed over.
    pub(crate) fn is_pointless(&self, now: Instant, submitted: Instant, rtt: &Rtt) -> bool {
        let spare = rtt.smoothed() / ROUND_MARGIN_DIVISOR + rtt.variance() * ANSWER_VARIANCES;
        let known = rtt.is_known();
        self.peer_latency
            .is_some_and(|latency| known && submitted + latency + self.grace + spare < now)
    }

    /// How long a packet may still be sent; `None`: for ever.
    fn room(&self, now: Instant, origin: Instant) -> Option<Duration> {
        let latency = self.peer_latency?;
        Some((origin + latency).saturating_since(now))
    }

    /// Whether what leaves now is too late.
    pub(crate) fn is_over(&self, now: Instant, origin: Instant) -> bool {
        self.room(now, origin).is_some_and(|room| room.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATENCY: Duration = Duration::from_millis(300);

    fn copy_after(millis: u64) -> Option<Duration> {
        let mut rtt = Rtt::default();
        rtt.learn(Duration::from_millis(96), Duration::from_millis(1));
        let chance = LastChance::new(Some(LATENCY));
        chance.copy_after(Instant::from_millis(millis), Instant::ZERO, &rtt)
    }

    #[test]
    fn what_can_be_asked_for_again_is_not_copied() {
        assert_eq!(copy_after(100), None);
        assert_eq!(
            copy_after(196),
            None,
            "98 + 6 ms are left for another round"
        );
    }

    #[test]
    fn the_last_repetition_in_time_is_copied_a_quarter_of_a_round_trip_later() {
        assert_eq!(copy_after(197), Some(Duration::from_millis(24)));
        assert_eq!(copy_after(250), Some(Duration::from_millis(24)));
    }

    #[test]
    fn copies_move_together_when_time_runs_out_until_there_is_none_left() {
        assert_eq!(copy_after(280), Some(Duration::from_millis(10)));
        assert_eq!(copy_after(299), None);
        assert_eq!(copy_after(400), None);
    }

    #[test]
    fn the_last_moment_leaves_some_time_to_spare() {
        let mut rtt = Rtt::default();
        rtt.learn(Duration::from_millis(128), Duration::from_millis(1));
        let chance = LastChance::new(Some(LATENCY));
        let moment = |millis| chance.last_moment(Instant::from_millis(millis), Instant::ZERO, &rtt);
        assert_eq!(moment(100), Some(Instant::from_millis(296)));
        assert_eq!(moment(299), None);
    }

    #[test]
    fn what_the_peer_has_done_without_is_not_repeated_until_it_shows_that_it_waits_longer() {
        let mut rtt = Rtt::default();
        rtt.learn(Duration::from_millis(96), Duration::from_millis(1));
        let at = Instant::from_millis;
        let mut chance = LastChance::new(Some(LATENCY));
        assert!(!chance.is_pointless(at(305), Instant::ZERO, &rtt));
        assert!(chance.is_pointless(at(315), Instant::ZERO, &rtt));
        chance.on_named(at(1000), at(590), &rtt);
        assert!(!chance.is_pointless(at(315), Instant::ZERO, &rtt));
        assert!(chance.is_pointless(at(400), Instant::ZERO, &rtt));
        let patient = LastChance::new(None);
        assert!(!patient.is_pointless(at(9000), Instant::ZERO, &rtt));
    }

    #[test]
    fn without_a_deadline_or_a_known_round_trip_time_nothing_is_copied() {
        let mut rtt = Rtt::default();
        let now = Instant::from_millis(250);
        let chance = LastChance::new(Some(LATENCY));
        assert_eq!(chance.copy_after(now, Instant::ZERO, &rtt), None);
        rtt.learn(Duration::from_millis(96), Duration::from_millis(1));
        let patient = LastChance::new(None);
        assert_eq!(patient.copy_after(now, Instant::ZERO, &rtt), None);
        assert!(!patient.is_over(now, Instant::ZERO));
    }
}
