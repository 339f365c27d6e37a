//! RTP (RFC 3550): packets, and putting them back in order; payload formats; forward error
//! correction (SMPTE 2022-1); merging of two legs (SMPTE 2022-7).

pub mod fec;
mod header;
pub mod payload;
mod receive;
pub mod rtcp;

pub use header::{CSRC_MAX, Extension, HEADER_BYTES, Header, Packet, PacketError};
pub use receive::{Counters, Delivered, LEGS_MAX, LegCounters, Receiver, ReceiverConfig};
