use std::net::SocketAddr;
use std::time::Duration;

use tidegate_srt::{CallerConfig, GroupKind};

use crate::call::{any_of, canonical};
use crate::role::Role;

/// How a bonding group is called: several connections to one listener that carry one stream.
#[derive(Debug)]
pub struct GroupCallOptions {
    /// How the legs share the work.
    pub kind: GroupKind,
    /// One or more; each has a socket of its own.
    pub legs: Vec<LegOptions>,
    /// Backup: no leg is judged by less silence than this; `None`: libsrt's 60 ms.
    pub min_stability: Option<Duration>,
    /// What the SRT core says to the far side, on every leg.
    pub caller: CallerConfig,
    /// What the group is for.
    pub role: Role,
}

/// One connection of the group.
#[derive(Clone, Debug)]
pub struct LegOptions {
    /// Whom it calls.
    pub remote: SocketAddr,
    /// In a backup group the leg with the greatest weight carries the stream.
    pub weight: u16,
    /// Leave from this address and port.
    pub local: Option<SocketAddr>,
    /// Leave by this interface.
    pub interface: Option<String>,
    /// Type of service (IPv6: traffic class) of what is sent.
    pub tos: Option<u8>,
    /// Time to live (IPv6: hop limit) of what is sent.
    pub ttl: Option<u8>,
}

impl LegOptions {
    /// A leg with the system's defaults.
    #[must_use]
    pub const fn new(remote: SocketAddr, weight: u16) -> Self {
        Self {
            remote,
            weight,
            local: None,
            interface: None,
            tos: None,
            ttl: None,
        }
    }

    /// Where its socket is bound.
    pub(crate) fn bind(&self) -> SocketAddr {
        self.local
            .map_or_else(|| any_of(canonical(self.remote)), canonical)
    }
}
