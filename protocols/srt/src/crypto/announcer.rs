use tidegate_units::{Duration, Instant};

/// Sends a key announcement until the peer answers.
#[derive(Debug, Default)]
pub(super) struct Announcer {
    message: Vec<u8>,
    pending: Option<Pending>,
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    attempts: u32,
    due: Instant,
}

/// Attempts at 1.5 round-trip times; after these one every [`PAUSE`], because the key
/// must not change before the peer has it.
const QUICK_ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_secs(1);
/// However short the round-trip time, announcements are at least this far apart.
const MIN_INTERVAL: Duration = Duration::from_millis(10);

impl Announcer {
    pub(super) fn start(&mut self, now: Instant, message: Vec<u8>) {
        self.message = message;
        self.pending = Some(Pending {
            attempts: 0,
            due: now,
        });
    }

    pub(super) fn poll(&mut self, now: Instant, rtt: Duration) -> Option<&[u8]> {
        let pending = self.pending.as_mut().filter(|pending| pending.due <= now)?;
        pending.attempts += 1;
        let interval = if pending.attempts < QUICK_ATTEMPTS {
            rtt * 3 / 2
        } else {
            PAUSE
        };
        pending.due = now + interval.max(MIN_INTERVAL);
        Some(&self.message)
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.pending.map(|pending| pending.due)
    }

    /// Whether the peer owes an answer; an answer nobody asked for means nothing.
    pub(super) const fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    pub(super) fn is_echo(&self, body: &[u8]) -> bool {
        self.message == body
    }

    pub(super) fn stop(&mut self) {
        self.pending = None;
    }
}
