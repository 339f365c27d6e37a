//! SRT live mode, sans-IO.
//!
//! An [`Endpoint`] is one UDP port. It reads no clock, opens no socket and draws no
//! randomness of its own: time, datagrams and a seed are handed in, datagrams, events and
//! payloads are taken out.

mod adviser;
mod config;
mod connection;
pub mod crypto;
mod endpoint;
mod event;
pub mod fec;
mod group;
pub mod handshake;
mod recv;
mod reject;
mod room;
mod send;
mod slack;
pub mod srtla;
mod statistics;
#[cfg(test)]
mod testing;
mod timer;
mod transmit;
pub mod wire;

pub use adviser::{Advice, Adviser, TooEarly};
pub use config::{
    CallerConfig, ConnectionConfig, EndpointConfig, EndpointLimits, ListenerConfig, SocketIdSpace,
};
pub use connection::SendError;
pub use crypto::{KeyError, KeyMaterial, KeyRefresh, SessionKeys};
pub use endpoint::{
    ConnectError, ConnectionMap, Decision, Endpoint, EndpointCounters, GroupCounters, IdHasher,
    Newcomer,
};
pub use event::{
    CloseReason, ConnectionId, ConnectionRequest, Event, Oddity, OddityKind, RequestId,
};
pub use fec::{FilterConfig, PacketFilter};
pub use group::{
    GroupCall, GroupKind, GroupRequest, LegCall, LegEnd, LegState, LegStatus,
    MAX_GROUPS as GROUPS_MAX, MAX_LEGS as GROUP_LEGS_MAX,
};
pub use handshake::{
    AccessMode, AccessRequest, AccessType, CookieKey, Negotiated, RequestedEncryption, StreamId,
};
pub use recv::Received;
pub use reject::RejectReason;
pub use send::MaxBandwidth;
pub use statistics::{Counters, Described, Figure, Gauges, Statistics};
pub use transmit::{Run, TransmitBatch};
pub use wire::{
    CipherMode, KeyLength, KeyState, MessageNumber, RejectCode, SequenceNumber, SocketId,
    SrtVersion,
};
