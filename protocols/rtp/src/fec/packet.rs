//! A packet that carries a sum (SMPTE 2022-1, section 8.3; RFC 2733).
//!
//! ```text
//!  RTP header: P, X, CC and M are sums of the protected packets' bits
//! |      SNBase low bits          |        length recovery        |
//! |E| PT recovery |                     mask                      |
//! |                          TS recovery                          |
//! |N|D|type |index|    offset     |      NA       |  SNBase ext   |
//! |                     sum of the payloads …                     |
//! ```

use super::Sum;
use crate::header::HEADER_BYTES;

/// Bytes of the header behind the RTP header.
pub const FEC_HEADER_BYTES: usize = 16;

/// The payload type senders give their sums.
pub const PAYLOAD_TYPE: u8 = 96;

/// Packets between the first and the last of one sum. SMPTE 2022-1 allows 100; senders with
/// larger matrices are taken, up to what the history of received packets holds.
const SPAN_MAX: usize = 512;

const VERSION_BITS: u8 = 0x80;
const RECOVERY_BITS: u8 = 0x3F;
const MARKER: u8 = 0x80;
const EXTENDED: u8 = 0x80;
const ROW: u8 = 0x40;
const TYPE_BITS: u8 = 0x38;

/// What a sum is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Columns; on the media port + 2.
    Columns,
    /// Rows; on the media port + 4.
    Rows,
}

impl Stream {
    /// How far its port lies above the media's.
    #[must_use]
    pub const fn port_offset(self) -> u16 {
        match self {
            Self::Columns => 2,
            Self::Rows => 4,
        }
    }
}

/// A received sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FecPacket<'a> {
    /// Whether it says it is of a column or of a row.
    pub stream: Stream,
    /// The sequence number of the first packet in it.
    pub base: u16,
    /// From one packet in it to the next.
    pub step: u8,
    /// Packets in it.
    pub count: u8,
    pub(crate) flags: u8,
    pub(crate) kind: u8,
    pub(crate) length: u16,
    pub(crate) timestamp: u32,
    pub(crate) body: &'a [u8],
}

/// Why a datagram is no sum that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FecError {
    /// No RTP packet, or too short for a sum.
    #[error("the packet is too short for a sum")]
    Short,
    /// Another code than XOR.
    #[error("the sum's type {0} is not XOR")]
    Type(u8),
    /// It covers nothing, or more than is remembered.
    #[error("the sum covers {count} packets, {step} apart")]
    Span {
        /// As sent.
        step: u8,
        /// As sent.
        count: u8,
    },
}

impl<'a> FecPacket<'a> {
    /// Reads a datagram from the port of columns or rows. Contributing sources and extensions
    /// are not looked for: those bits of the RTP header are sums.
    ///
    /// # Errors
    /// When it is none, or none that can be used.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, FecError> {
        let (rtp, rest) = datagram
            .split_first_chunk::<HEADER_BYTES>()
            .ok_or(FecError::Short)?;
        let (fec, body) = rest
            .split_first_chunk::<FEC_HEADER_BYTES>()
            .ok_or(FecError::Short)?;
        if rtp[0] & !RECOVERY_BITS != VERSION_BITS {
            return Err(FecError::Short);
        }
        if fec[12] & TYPE_BITS != 0 {
            return Err(FecError::Type((fec[12] & TYPE_BITS) >> 3));
        }
        let (step, count) = (fec[13], fec[14]);
        let span = usize::from(step) * usize::from(count);
        if span == 0 || span > SPAN_MAX {
            return Err(FecError::Span { step, count });
        }
        let is_row = fec[12] & ROW != 0;
        Ok(Self {
            stream: if is_row {
                Stream::Rows
            } else {
                Stream::Columns
            },
            base: u16::from_be_bytes([fec[0], fec[1]]),
            step,
            count,
            flags: rtp[0] & RECOVERY_BITS,
            kind: rtp[1] & MARKER | fec[4] & !EXTENDED,
            length: u16::from_be_bytes([fec[2], fec[3]]),
            timestamp: u32::from_be_bytes([fec[8], fec[9], fec[10], fec[11]]),
            body,
        })
    }
}

/// What a sum covers, for [`write()`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Covered {
    pub(super) stream: Stream,
    pub(super) base: u16,
    pub(super) step: u8,
    pub(super) count: u8,
}

/// The datagram that carries `sum`.
pub(super) fn write(covered: Covered, sequence: u16, timestamp: u32, sum: &Sum) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + FEC_HEADER_BYTES + sum.body.len());
    bytes.push(VERSION_BITS | sum.flags);
    bytes.push(sum.kind & MARKER | PAYLOAD_TYPE);
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(timestamp.to_be_bytes());
    // Sums have no source of their own (SMPTE 2022-1: SSRC 0, ignored by receivers).
    bytes.extend([0; 4]);
    bytes.extend(covered.base.to_be_bytes());
    bytes.extend(sum.length.to_be_bytes());
    bytes.extend([EXTENDED | sum.kind & !MARKER, 0, 0, 0]);
    bytes.extend(sum.timestamp.to_be_bytes());
    let direction = match covered.stream {
        Stream::Columns => 0,
        Stream::Rows => ROW,
    };
    bytes.extend([direction, covered.step, covered.count, 0]);
    bytes.extend(&sum.body);
    bytes
}
