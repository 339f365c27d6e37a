use crate::event::CloseReason;
use crate::reject::RejectReason;
use crate::statistics::Statistics;
use crate::wire::GroupExtension;
use core::net::SocketAddr;
use tidegate_units::Instant;

/// A caller asks for its connection to be a leg of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupRequest {
    /// The group's number at the caller: random, and the same for all of its legs.
    pub id: u32,
    /// How the legs share the work.
    pub kind: GroupKind,
    /// This leg's weight; of meaning to a backup group.
    pub weight: u16,
}

/// How the legs of a group share the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupKind {
    /// Every leg carries every packet.
    Broadcast,
    /// One leg carries the packets, the others wait.
    Backup,
}

impl GroupKind {
    /// The name in settings, API and URIs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Broadcast => "broadcast",
            Self::Backup => "backup",
        }
    }
}

impl GroupKind {
    /// What the handshake says.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Broadcast => GroupExtension::BROADCAST,
            Self::Backup => GroupExtension::BACKUP,
        }
    }
}

impl GroupRequest {
    /// What the handshake asks for; the kind has been checked.
    pub(crate) const fn read(extension: GroupExtension) -> Self {
        let kind = match extension.kind {
            GroupExtension::BACKUP => GroupKind::Backup,
            _ => GroupKind::Broadcast,
        };
        Self {
            id: extension.group,
            kind,
            weight: extension.weight,
        }
    }
}

/// How a leg is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LegState {
    /// Media flows over it.
    Active,
    /// Media goes over it, but the peer does not answer in time: another leg stands in.
    Unstable,
    /// It is there and carries no media.
    Idle,
    /// Nothing at all has come over it for longer than a keepalive takes.
    Silent,
    /// It was there, and is gone.
    Down,
}

impl LegState {
    /// The name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Unstable => "unstable",
            Self::Idle => "idle",
            Self::Silent => "silent",
            Self::Down => "down",
        }
    }
}

/// How a leg ended, or why it could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegEnd {
    /// It was there.
    Closed(CloseReason),
    /// We called, and it was refused or not answered.
    Refused(RejectReason),
}

/// One leg of a group, present or lost.
#[derive(Debug, Clone, PartialEq)]
pub struct LegStatus {
    /// Where it comes from or goes to.
    pub peer: SocketAddr,
    /// How it is doing.
    pub state: LegState,
    /// Its weight.
    pub weight: u16,
    /// Since when it has been there, or gone.
    pub since: Instant,
    /// How it ended, if it is down.
    pub ended: Option<LegEnd>,
    /// Its own figures; of a lost one, the last.
    pub statistics: Statistics,
}
