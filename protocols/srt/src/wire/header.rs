use super::WireError;
use super::numbers::{SocketId, Timestamp};
use super::word::{halves, join, put_words, word};

/// Bytes of every packet's header.
pub const HEADER_BYTES: usize = 16;

/// Which socket a datagram is for, read without parsing the rest.
#[must_use]
pub fn destination_of(datagram: &[u8]) -> Option<SocketId> {
    (datagram.len() >= HEADER_BYTES).then(|| SocketId::new(word(datagram, 3)))
}

/// The 16-byte header of a control packet.
///
/// ```text
///  1|type (15)|subtype (16)
///  type-specific (32)
///  timestamp, microseconds (32)
///  destination socket ID (32)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ControlHeader {
    pub(crate) kind: u16,
    pub(crate) subtype: u16,
    pub(crate) specific: u32,
    pub(crate) timestamp: Timestamp,
    pub(crate) destination: SocketId,
}

const CONTROL_BIT: u16 = 0x8000;

impl ControlHeader {
    pub(crate) fn parse(datagram: &[u8]) -> Result<(Self, &[u8]), WireError> {
        WireError::need("control packet", datagram, HEADER_BYTES)?;
        let (kind, subtype) = halves(word(datagram, 0));
        let header = Self {
            kind: kind & !CONTROL_BIT,
            subtype,
            specific: word(datagram, 1),
            timestamp: Timestamp::new(word(datagram, 2)),
            destination: SocketId::new(word(datagram, 3)),
        };
        Ok((header, &datagram[HEADER_BYTES..]))
    }

    pub(crate) fn emit(&self, out: &mut [u8]) {
        put_words(
            out,
            &[
                join(self.kind | CONTROL_BIT, self.subtype),
                self.specific,
                self.timestamp.as_micros(),
                self.destination.value(),
            ],
        );
    }
}
