//! RTP (RFC 3550): packets, their numbers, and putting them back in order.

mod header;
pub mod payload;
pub mod rtcp;

pub use header::{CSRC_MAX, Extension, HEADER_BYTES, Header, Packet, PacketError};
