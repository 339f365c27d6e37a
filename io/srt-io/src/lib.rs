//! Runs the SRT core on shards.
//!
//! A *shard* is a plain thread that owns sockets and every connection on them: nobody else
//! touches them, so the media path has no locks. All shards listen on the same port
//! (`SO_REUSEPORT`); the kernel steers a connection's datagrams to the shard that owns it, and
//! what still lands on the wrong one is handed over.
//!
//! ```text
//!             ┌────────────────────── shard 0 ─────────────────────┐
//!   udp  ───▶ │ recv batch → Endpoint → Sink (source) ─ end_of_turn │ ──▶ feed
//!             │ Fountain (reader) → Endpoint → transmit batch → GSO │ ◀── feed, waker
//!             └───▲ commands (bounded) ────────────┬─ hand-over ────┘
//!   control ──────┘                                ▼
//!                                        shard 1, the same again
//! ```
//!
//! One turn of a shard: take commands, read all sockets, one `now`, timers, deliver to
//! [`Sink`]s, poll [`Fountain`]s that were woken or are due, transmit. Whether a stranger may
//! connect is decided elsewhere ([`Admission`]), and key derivation has threads of its own
//! ([`KeyPool`]); until they answer the stranger hears nothing.

mod admission;
mod call;
mod command;
mod config;
mod connection;
mod exit;
mod group_call;
mod guest;
mod key_pool;
mod leg;
mod listener;
mod opener;
mod port_status;
mod role;
mod shard;
mod shards;

pub use admission::{Admission, AdmissionReply};
pub use call::{CallError, CallOptions};
pub use config::{ListenOptions, SHARDS_MAX, ShardsConfig};
pub use connection::{ConnectionHandle, ConnectionState, ConnectionStatus, EndReason};
pub use group_call::{GroupCallOptions, LegOptions};
pub use key_pool::{KeyPool, KeyPoolBusy};
pub use leg::LegHandle;
pub use listener::{ListenError, ListenerHandle};
pub use port_status::PortStatus;
pub use role::{Fountain, Role, Sink, Wake};
pub use shards::Shards;

/// What the queues of one shard hold.
pub mod limits {
    pub use crate::shard::{COMMANDS_MAX, HANDED_MAX, PLACED_MAX, WOKEN_MAX};
}

pub use tidegate_udp::{Clock, Options as SocketOptions};
