use crate::config::CallerConfig;
use crate::group::GroupKind;
use core::net::SocketAddr;
use tidegate_units::Duration;

/// libsrt's `SRTO_GROUPMINSTABLETIMEO`.
const MIN_STABILITY: Duration = Duration::from_millis(60);

/// A call as a bonding group: several connections that carry one stream to one listener.
#[derive(Debug)]
pub struct GroupCall {
    /// How the legs share the work.
    pub kind: GroupKind,
    /// One or more connections.
    pub legs: Vec<LegCall>,
    /// What all of them say and how they behave. A group makes no rendezvous and has no packet
    /// filter.
    pub caller: CallerConfig,
    /// Backup: a leg is judged by no less silence than this.
    pub min_stability: Duration,
}

/// One connection of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegCall {
    /// Whom it calls.
    pub remote: SocketAddr,
    /// Backup: of the legs that work the one with the greatest weight carries the stream.
    pub weight: u16,
    /// Which of the endpoint's sockets it leaves by; [`crate::Run::way`] says so again.
    pub way: u8,
}

impl GroupCall {
    /// A call with libsrt's times.
    #[must_use]
    pub const fn new(kind: GroupKind, legs: Vec<LegCall>, caller: CallerConfig) -> Self {
        Self {
            kind,
            legs,
            caller,
            min_stability: MIN_STABILITY,
        }
    }
}
