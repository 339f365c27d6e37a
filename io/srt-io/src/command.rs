use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tidegate_srt::{
    CallerConfig, ConnectionId, Decision, EndpointConfig, GroupCall, KeyMaterial, ListenerConfig,
    RejectReason, RequestId, SessionKeys,
};
use tidegate_units::NetworkSet;
use tokio::sync::oneshot;

use crate::admission::Gate;
use crate::exit::OpenWay;
use crate::guest::Guest;
use crate::leg::Leg;
use crate::opener::Opener;
use crate::port_status::PortShared;
use crate::shard::LinkMap;

/// A port's name: the same on every shard that serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PortId(pub(crate) u64);

impl PortId {
    /// Every shard's own port for calls over IPv4, opened when first needed.
    pub(crate) const CALLS_V4: Self = Self(1);
    /// Likewise over IPv6.
    pub(crate) const CALLS_V6: Self = Self(2);
    /// The first number free for listeners.
    pub(crate) const FIRST_FREE: u64 = 16;
}

/// What other threads ask of a shard.
pub(crate) enum Command {
    /// Serve a socket.
    Open(Box<OpenPort>),
    /// Offer strangers something else from now on.
    Configure {
        port: PortId,
        listener: ListenerConfig,
    },
    /// Close the port's connections, then the port.
    Retire {
        port: PortId,
        done: oneshot::Sender<()>,
    },
    /// Place a call.
    Call(Box<PlaceCall>),
    /// Answer a stranger.
    Decide(Box<Answer>),
    /// Give a rendezvous the keys of its other side.
    Keys(Box<OpenedKeys>),
    /// End a connection.
    Close { port: PortId, id: ConnectionId },
    /// End those legs of a bonding group that come from there.
    CloseLegs {
        port: PortId,
        id: ConnectionId,
        from: Arc<NetworkSet>,
    },
    /// Close everything and end the thread.
    Stop { done: oneshot::Sender<()> },
}

pub(crate) struct OpenPort {
    pub(crate) id: PortId,
    /// One; for a bonding group that is called, one for each leg.
    pub(crate) ways: Vec<OpenWay>,
    pub(crate) config: EndpointConfig,
    pub(crate) gate: Option<Gate>,
    pub(crate) links: Arc<LinkMap>,
    pub(crate) shared: Arc<PortShared>,
    /// Close it when its last connection ends.
    pub(crate) for_one_call: bool,
}

pub(crate) struct PlaceCall {
    pub(crate) port: PortId,
    pub(crate) called: Called,
    pub(crate) guest: Guest,
    pub(crate) opener: Option<Opener>,
}

/// Whom a call goes to.
pub(crate) enum Called {
    One(SocketAddr, Box<CallerConfig>),
    Group(Box<GroupCall>),
}

pub(crate) struct OpenedKeys {
    pub(crate) port: PortId,
    pub(crate) id: ConnectionId,
    /// What they were opened from.
    pub(crate) material: KeyMaterial,
    pub(crate) keys: Result<SessionKeys, RejectReason>,
}

pub(crate) struct Answer {
    pub(crate) port: PortId,
    pub(crate) request: RequestId,
    pub(crate) decision: Decision,
    /// For an accepted peer: what it is for.
    pub(crate) accepted: Option<Guest>,
    /// Kept for as long as it is a leg of a group, for whoever follows that.
    pub(crate) leg: Option<Arc<Leg>>,
}

/// A datagram that arrived at the wrong shard.
pub(crate) struct Handed {
    pub(crate) port: PortId,
    pub(crate) from: SocketAddr,
    pub(crate) to: Option<IpAddr>,
    pub(crate) bytes: Box<[u8]>,
    /// It is one connection more, which the shard expects.
    pub(crate) is_expected: bool,
}
