use crate::crypto::KeyMaterial;
use crate::fec::FilterConfig;
use crate::group::GroupRequest;
use crate::handshake::{Negotiated, RequestedEncryption, StreamId};
use crate::reject::RejectReason;
use crate::wire::SrtVersion;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use tidegate_units::Duration;

/// Names a connection of one endpoint; never reused for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

/// Names a request that waits for its decision; never reused for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub(crate) u64);

/// What happened, in order.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A caller proved its address and asks to be let in: decide.
    Request(ConnectionRequest),
    /// Nothing comes of a request: it was not decided in time, or was to be accepted when a
    /// limit of this endpoint forbade it.
    RequestGone(RequestId),
    /// A connection is made.
    Connected {
        /// Its name from now on (a call has had it since `connect`).
        id: ConnectionId,
        /// The request it came from; `None` for a call of ours.
        request: Option<RequestId>,
        /// What both sides agreed on.
        negotiated: Negotiated,
    },
    /// The other side of a rendezvous encrypts with this: open it and call
    /// [`crate::Endpoint::give_keys`].
    KeysWanted {
        /// The call.
        id: ConnectionId,
        /// What the passphrase opens.
        material: KeyMaterial,
    },
    /// A call of ours failed.
    Refused {
        /// The call.
        id: ConnectionId,
        /// Why.
        reason: RejectReason,
    },
    /// A connection ended.
    Closed {
        /// The connection.
        id: ConnectionId,
        /// Why.
        reason: CloseReason,
    },
    /// A bonding group, which is a connection like any other, has one leg more. The first
    /// follows [`Self::Connected`].
    LegJoined {
        /// The group.
        group: ConnectionId,
        /// The leg.
        leg: ConnectionId,
        /// The request the leg came from; `None` for a leg that we called.
        request: Option<RequestId>,
        /// Where the leg comes from, or whom we called.
        peer: SocketAddr,
    },
    /// A leg of a bonding group ended. The group goes on with the others, or ends now.
    LegLeft {
        /// The group.
        group: ConnectionId,
        /// The leg.
        leg: ConnectionId,
        /// Where the leg came from, or went to.
        peer: SocketAddr,
        /// Why.
        reason: CloseReason,
    },
    /// A leg of a group that we call as could not be made. It is called again while others are
    /// up.
    LegRefused {
        /// The group.
        group: ConnectionId,
        /// Whom we called.
        peer: SocketAddr,
        /// By which of the endpoint's sockets.
        way: u8,
        /// Why.
        reason: RejectReason,
    },
    /// Something odd, worth a line in the journal. Rate-limited: the counters have all.
    Odd(Oddity),
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// We closed it.
    Local,
    /// The peer closed it.
    Peer,
    /// Nothing came from the peer for too long.
    Idle,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "closed by this side",
            Self::Peer => "closed by the peer",
            Self::Idle => "nothing came from the peer for too long",
        })
    }
}

/// Something odd from a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oddity {
    /// Where it came from.
    pub peer: SocketAddr,
    /// What it was.
    pub kind: OddityKind,
}

/// Kinds of oddities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OddityKind {
    /// A packet for a connection from an address that is not its peer's.
    WrongAddress,
    /// A conclusion whose cookie is not ours or too old.
    BadCookie,
    /// A handshake that contradicts the protocol.
    BadHandshake(RejectReason),
    /// A clear packet in an encrypted connection.
    ClearPacket,
    /// A control packet that reports what cannot be.
    OutOfRange,
    /// Too many requests from one address.
    Throttled,
}

/// A caller that proved its address asks to be let in.
#[derive(Debug, Clone)]
pub struct ConnectionRequest {
    /// To decide it by.
    pub id: RequestId,
    /// Where the caller is; of an SRTLA sender, the link its request came over.
    pub peer: SocketAddr,
    /// It came over the links of an SRTLA sender.
    pub via_srtla: bool,
    /// The local address it called.
    pub local: Option<IpAddr>,
    /// Which stream it asks for.
    pub stream_id: StreamId,
    /// How it encrypts.
    pub encryption: RequestedEncryption,
    /// The bonding group it wants to be a leg of.
    pub group: Option<GroupRequest>,
    /// The packet filter it wants.
    pub packet_filter: Option<FilterConfig>,
    /// Its SRT version.
    pub peer_version: SrtVersion,
    /// The receive latency the caller wants for itself.
    pub peer_receive_latency: Duration,
    /// The least receive latency the caller wants us to have.
    pub peer_send_latency: Duration,
}
