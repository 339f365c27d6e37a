//! Packets as they are on the wire: bytes to typed values and back.
//!
//! Parsing borrows, never panics, and allocates nothing. Emitting writes into a slice the
//! caller sized with `wire_bytes()`.

mod ack;
mod ackack;
mod body;
mod congestion_warning;
mod control;
mod data;
mod drop_request;
mod error;
mod extension_blocks;
mod extension_control;
mod group;
mod handshake;
mod header;
mod hs_extension;
mod keep_alive;
mod key_length;
mod key_material;
mod key_material_response;
mod loss_list;
mod nak;
mod numbers;
mod packet;
mod peer_error;
mod reject_code;
mod shutdown;
mod wire_address;
mod wire_text;
mod word;

pub use ack::{Ack, AckRates, AckReport};
pub use ackack::AckAck;
pub use congestion_warning::CongestionWarning;
pub use control::{Control, ControlPacket};
pub use data::{Boundary, DataHeader, DataKey};
pub use drop_request::DropRequest;
pub use error::WireError;
pub use extension_blocks::{
    ExtensionBlock, ExtensionBlocks, ExtensionCommand, ExtensionWriter, MAX_EXTENSION_BLOCKS,
};
pub use extension_control::ExtensionControl;
pub use group::GroupExtension;
pub use handshake::{ExtensionFlags, Handshake, RequestType};
pub use header::{HEADER_BYTES, destination_of};
pub use hs_extension::{HsExtension, HsFlags, SrtVersion};
pub use keep_alive::KeepAlive;
pub use key_length::KeyLength;
pub use key_material::{
    CipherMode, KeyMaterialMessage, KeySlots, SALT_BYTES, WRAP_BYTES, key_material_bytes,
};
pub use key_material_response::{KeyMaterialResponse, KeyState};
pub use loss_list::{LossList, LossListWriter, LossRange, LossRanges};
pub use nak::Nak;
pub use numbers::{MessageNumber, SequenceNumber, SocketId, Timestamp};
pub use packet::Packet;
pub use peer_error::PeerError;
pub use reject_code::RejectCode;
pub use shutdown::Shutdown;
pub use wire_address::WireAddress;
pub use wire_text::{MAX_CONGESTION_BYTES, MAX_FILTER_BYTES, MAX_STREAM_ID_BYTES, WireText};
