use super::WireError;
use super::header::HEADER_BYTES;
use super::numbers::{MessageNumber, SequenceNumber, SocketId, Timestamp};
use super::word::{put_words, word};

/// Which part of its message a packet is. Live mode sends one packet per message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Boundary {
    /// Between first and last.
    Middle,
    /// The last of several.
    Last,
    /// The first of several.
    First,
    /// The whole message.
    Solo,
}

/// Which key a payload is encrypted with (the KK bits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataKey {
    /// Not encrypted.
    Clear,
    /// The key in the even slot.
    Even,
    /// The key in the odd slot.
    Odd,
    /// No media packet may carry this; a packet filter's packet carries the XOR of the
    /// flags of its group, so there it can occur.
    Both,
}

/// The 16-byte header of a data packet.
///
/// ```text
///  0|sequence (31)
///  PP|O|KK|R|message number (26)
///  timestamp, microseconds (32)
///  destination socket ID (32)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DataHeader {
    /// Position in the sender's packet stream.
    pub sequence: SequenceNumber,
    /// Which part of its message this is.
    pub boundary: Boundary,
    /// The message must not overtake earlier ones. Live senders leave it clear.
    pub in_order: bool,
    /// The key the payload is encrypted with.
    pub key: DataKey,
    /// Sent again after a loss report.
    pub retransmitted: bool,
    /// The message, or [`MessageNumber::NONE`] for the packet filter's own packets.
    pub message: MessageNumber,
    /// When the payload originated, in the sender's socket time; kept on retransmission.
    pub timestamp: Timestamp,
    /// The receiving socket.
    pub destination: SocketId,
}

const IN_ORDER: u32 = 1 << 29;
const RETRANSMITTED: u32 = 1 << 26;

impl DataHeader {
    /// Bytes of the header.
    pub const BYTES: usize = HEADER_BYTES;

    /// A live-mode packet: one whole message, in the clear, sent for the first time.
    #[must_use]
    pub const fn live(
        sequence: SequenceNumber,
        message: MessageNumber,
        timestamp: Timestamp,
        destination: SocketId,
    ) -> Self {
        Self {
            sequence,
            boundary: Boundary::Solo,
            in_order: false,
            key: DataKey::Clear,
            retransmitted: false,
            message,
            timestamp,
            destination,
        }
    }

    /// Splits a datagram into header and payload.
    ///
    /// # Errors
    /// If it is shorter than a header or is a control packet.
    pub fn parse(datagram: &[u8]) -> Result<(Self, &[u8]), WireError> {
        WireError::need("data packet", datagram, HEADER_BYTES)?;
        let first = word(datagram, 0);
        if first >> 31 != 0 {
            return Err(WireError::Forbidden {
                what: "data packet's control bit",
                value: first,
            });
        }
        let flags = word(datagram, 1);
        let header = Self {
            sequence: SequenceNumber::new(first),
            boundary: Boundary::from_bits(flags >> 30),
            in_order: flags & IN_ORDER != 0,
            key: DataKey::from_bits(flags >> 27),
            retransmitted: flags & RETRANSMITTED != 0,
            message: MessageNumber::new(flags),
            timestamp: Timestamp::new(word(datagram, 2)),
            destination: SocketId::new(word(datagram, 3)),
        };
        Ok((header, &datagram[HEADER_BYTES..]))
    }

    /// Writes the header into the first 16 bytes of `out`.
    ///
    /// # Panics
    /// If `out` is shorter.
    pub fn emit(&self, out: &mut [u8]) {
        let mut flags = self.boundary.bits() << 30 | self.key.bits() << 27 | self.message.value();
        if self.in_order {
            flags |= IN_ORDER;
        }
        if self.retransmitted {
            flags |= RETRANSMITTED;
        }
        put_words(
            out,
            &[
                self.sequence.value(),
                flags,
                self.timestamp.as_micros(),
                self.destination.value(),
            ],
        );
    }
}

impl Boundary {
    const fn from_bits(bits: u32) -> Self {
        match bits & 0b11 {
            0b00 => Self::Middle,
            0b01 => Self::Last,
            0b10 => Self::First,
            _ => Self::Solo,
        }
    }

    const fn bits(self) -> u32 {
        match self {
            Self::Middle => 0b00,
            Self::Last => 0b01,
            Self::First => 0b10,
            Self::Solo => 0b11,
        }
    }
}

impl DataKey {
    const fn from_bits(bits: u32) -> Self {
        match bits & 0b11 {
            0b00 => Self::Clear,
            0b01 => Self::Even,
            0b10 => Self::Odd,
            _ => Self::Both,
        }
    }

    const fn bits(self) -> u32 {
        match self {
            Self::Clear => 0b00,
            Self::Even => 0b01,
            Self::Odd => 0b10,
            Self::Both => 0b11,
        }
    }
}
