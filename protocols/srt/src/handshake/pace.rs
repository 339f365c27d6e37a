use tidegate_units::{Duration, Instant};

/// How often a handshake is repeated.
const RETRY: Duration = Duration::from_millis(250);

/// How soon after the last handshake another one answers what proves nothing, or is asked for
/// again: whoever sends waves in the peer's name makes us send no more than this.
const ANSWER_PAUSE: Duration = Duration::from_millis(50);

/// When a rendezvous sends its next handshake.
///
/// The first wave is answered at once. Of several, all but one are forged, or from a peer that
/// has started anew: then answers are [`ANSWER_PAUSE`] apart, and as long as none of the
/// authors has proven itself this side also goes on waving, so that the true peer can.
#[derive(Debug)]
pub(super) struct Pace {
    is_contested: bool,
    next_send: Instant,
    last_send: Instant,
    last_wave: Instant,
}

impl Pace {
    /// The first handshake is due at once.
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            is_contested: false,
            next_send: now,
            last_send: now,
            last_wave: now,
        }
    }

    pub(super) const fn next_send(&self) -> Instant {
        self.next_send
    }

    /// What proved that the peer hears us is answered at once.
    pub(super) const fn answer(&mut self, now: Instant) {
        self.next_send = now;
    }

    /// What has been answered before may be answered again soon.
    pub(super) fn answer_again(&mut self, now: Instant) {
        let soon = now.max(self.last_send + ANSWER_PAUSE);
        self.next_send = self.next_send.min(soon);
    }

    /// Somebody waved: the first one, or another than before.
    pub(super) fn on_wave(&mut self, now: Instant, is_first: bool) {
        self.is_contested = !is_first;
        if is_first {
            self.answer(now);
        } else {
            self.answer_again(now);
        }
    }

    pub(super) const fn on_proof(&mut self) {
        self.is_contested = false;
    }

    /// We wave now, to nobody in particular.
    pub(super) fn wave(&mut self, now: Instant) {
        self.sent(now);
        self.last_wave = now;
    }

    /// Whether it is a wave's turn although somebody has waved; otherwise he is answered now.
    pub(super) fn waves_again(&mut self, now: Instant) -> bool {
        let again = self.is_contested && now >= self.last_wave + RETRY;
        if again {
            self.wave(now);
            self.next_send = now + ANSWER_PAUSE;
        } else {
            self.sent(now);
        }
        again
    }

    fn sent(&mut self, now: Instant) {
        self.last_send = now;
        self.next_send = now + RETRY;
    }
}
