//! The one place a source has for a publisher, and when it changes hands.

use std::net::SocketAddr;
use std::time::Duration;

use tidegate_srt_io::{Clock, ConnectionHandle, ConnectionState};
use tidegate_units::Instant;

use crate::figures::LossWindow;
use crate::sink::LastPacket;

/// A session silent for so long may be replaced: its encoder was probably killed.
const TAKEOVER_SILENCE: Duration = Duration::from_millis(700);
/// Media that still arrives this long after a second publisher came proves the first alive.
const PROOF_OF_LIFE: Duration = Duration::from_millis(100);
/// How long a second publisher is kept waiting for the verdict; it repeats itself meanwhile.
const TAKEOVER_WAIT_MAX: Duration = Duration::from_millis(1500);

/// The publisher of the moment.
pub(crate) struct Session {
    pub(crate) handle: ConnectionHandle,
    pub(crate) peer: SocketAddr,
    pub(crate) last_packet: LastPacket,
    /// Packets at the last look: what is held back by a gap counts as life, too.
    pub(crate) packets_seen: u64,
    pub(crate) announced: bool,
    pub(crate) loss: LossWindow,
}

/// Where the one publisher of a source is.
#[derive(Default)]
pub(crate) struct Place {
    pub(crate) session: Option<Session>,
    /// The source is going: nobody comes in any more.
    pub(crate) closed: bool,
}

/// What somebody meets who wants to publish.
pub(crate) enum Verdict {
    Free,
    Taken(SocketAddr),
    Unclear,
    Closed,
}

impl Place {
    /// What somebody meets who came at `asked` and wants to publish.
    pub(crate) fn judge(&self, asked: Instant) -> Verdict {
        let now = Clock::start().now();
        if self.closed {
            return Verdict::Closed;
        }
        let Some(session) = &self.session else {
            return Verdict::Free;
        };
        if matches!(session.handle.status().state, ConnectionState::Ended(_)) {
            return Verdict::Free;
        }
        let lively = session.last_packet.at() > asked + PROOF_OF_LIFE;
        let waited = now.saturating_since(asked) >= TAKEOVER_WAIT_MAX;
        if session.last_packet.silent_for(now) >= TAKEOVER_SILENCE {
            Verdict::Free
        } else if lively || waited {
            Verdict::Taken(session.peer)
        } else {
            Verdict::Unclear
        }
    }
}
