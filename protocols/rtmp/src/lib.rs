//! RTMP for publishing, both sides, without sockets and clocks.
//!
//! ```text
//!  bytes ─▶ handshake ─▶ chunks ─▶ messages ─┬─▶ ServerSession ─▶ ServerEvent
//!                                            └─▶ ClientSession ─▶ ClientEvent
//!  bytes ◀─────────────── chunks ◀─ messages ◀── answers, media
//! ```
//!
//! A session is given what a socket read, gives out one event after the other, and holds what
//! is to be written. What is in the bodies of media messages is not looked at here; that is
//! FLV's matter. Nobody here waits for anything: time limits are the caller's.
//!
//! What strangers send decides about no allocation and never panics; [`limits`] bounds the rest.

mod aggregate;
pub mod amf;
mod chunk;
mod client;
mod command;
mod enhanced;
mod error;
mod handshake;
pub mod limits;
mod link;
mod media;
mod message;
mod refusal;
mod server;
mod text;

pub use amf::{AmfError, Value};
pub use chunk::{ChunkReader, ChunkWriter};
pub use client::{ClientError, ClientEvent, ClientSession, PublishTarget};
pub use enhanced::{Capabilities, PeerCapabilities, caps};
pub use error::ProtocolError;
pub use media::{Data, Media, MediaKind};
pub use message::{Message, kind};
pub use refusal::{Refusal, RefusalKind, Stage};
pub use server::{ConnectInfo, PublishRefusal, PublishRequest, ServerEvent, ServerSession};
pub use text::StreamKey;
