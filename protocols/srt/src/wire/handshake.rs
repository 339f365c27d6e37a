use super::WireError;
use super::body::ControlBody;
use super::extension_blocks::ExtensionBlocks;
use super::header::ControlHeader;
use super::numbers::{SequenceNumber, SocketId};
use super::reject_code::RejectCode;
use super::wire_address::WireAddress;
use super::word::{WORD_BYTES, halves, join, put_words, word};

/// A handshake packet: twelve fixed words, then extension blocks.
///
/// ```text
///  version
///  encryption field | extension field
///  initial sequence number
///  maximum segment size, bytes
///  flow window, packets
///  request type
///  sender's socket ID
///  cookie
///  peer's IP address (4 words)
///  extension blocks …
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshake<'a> {
    /// 4 in a caller's induction, 5 otherwise.
    pub version: u32,
    /// The advertised key length, see [`super::KeyLength::from_advertised`].
    pub encryption_field: u16,
    /// Socket type, [`Handshake::MAGIC`] or [`ExtensionFlags`] bits, by request type.
    pub extension_field: u16,
    /// The first sequence number the sender will use.
    pub initial_sequence: SequenceNumber,
    /// Largest packet, IP header included.
    pub segment_bytes: u32,
    /// Packets the sender is ready to have in flight towards it.
    pub flow_window_packets: u32,
    /// What this handshake is.
    pub request: RequestType,
    /// The sender's socket.
    pub socket: SocketId,
    /// Proves that the caller receives at the address it sends from.
    pub cookie: u32,
    /// The address the sender sees its peer at.
    pub peer_address: WireAddress,
    /// What follows the fixed part.
    pub extensions: ExtensionBlocks<'a>,
}

/// What a handshake is (the request type field).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestType {
    /// Rendezvous: "are you there?"
    WaveAHand,
    /// Caller: asks for a cookie. Listener: here it is.
    Induction,
    /// The request proper, and the answer to it.
    Conclusion,
    /// Rendezvous: done.
    Agreement,
    /// Refused.
    Rejected(RejectCode),
}

/// Which kinds of extension blocks follow a conclusion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct ExtensionFlags(u16);

const FIXED_WORDS: usize = 12;
const ADDRESS_WORD: usize = 8;

const WAVE_A_HAND: u32 = 0;
const INDUCTION: u32 = 1;
const CONCLUSION: u32 = -1_i32 as u32;
const AGREEMENT: u32 = -2_i32 as u32;

impl Handshake<'_> {
    /// Bytes of the fixed part.
    pub const FIXED_BYTES: usize = FIXED_WORDS * WORD_BYTES;
    /// The version of a caller's induction, which every listener ever made understands.
    pub const VERSION_4: u32 = 4;
    /// The version of everything else.
    pub const VERSION_5: u32 = 5;
    /// The extension field of a version 4 induction: a datagram socket.
    pub const DATAGRAM_SOCKET: u16 = 2;
    /// The extension field of a listener's induction: "I speak SRT".
    pub const MAGIC: u16 = 0x4A17;
    /// Smallest segment size a peer may ask for.
    pub const MIN_SEGMENT_BYTES: u32 = 32;
    /// Smallest flow window a peer may have.
    pub const MIN_FLOW_WINDOW_PACKETS: u32 = 2;

    /// The extension field as flags, which it is in a version 5 conclusion.
    #[must_use]
    pub const fn extension_flags(&self) -> ExtensionFlags {
        ExtensionFlags(self.extension_field)
    }
}

impl<'a> ControlBody<'a> for Handshake<'a> {
    const KIND: u16 = 0;

    fn parse(_header: &ControlHeader, body: &'a [u8]) -> Result<Self, WireError> {
        WireError::need("handshake", body, Self::FIXED_BYTES)?;
        let (encryption_field, extension_field) = halves(word(body, 1));
        let mut peer_address = [0; WireAddress::BYTES];
        peer_address.copy_from_slice(&body[ADDRESS_WORD * WORD_BYTES..Self::FIXED_BYTES]);
        Ok(Self {
            version: at_least("handshake version", word(body, 0), Self::VERSION_4)?,
            encryption_field,
            extension_field,
            initial_sequence: initial_sequence(word(body, 2))?,
            segment_bytes: at_least("segment size", word(body, 3), Self::MIN_SEGMENT_BYTES)?,
            flow_window_packets: at_least(
                "flow window",
                word(body, 4),
                Self::MIN_FLOW_WINDOW_PACKETS,
            )?,
            request: RequestType::from_word(word(body, 5))?,
            socket: SocketId::new(word(body, 6)),
            cookie: word(body, 7),
            peer_address: WireAddress::new(peer_address),
            extensions: ExtensionBlocks::new(&body[Self::FIXED_BYTES..]),
        })
    }

    fn body_bytes(&self) -> usize {
        Self::FIXED_BYTES + self.extensions.as_bytes().len()
    }

    fn emit_body(&self, out: &mut [u8]) {
        put_words(
            out,
            &[
                self.version,
                join(self.encryption_field, self.extension_field),
                self.initial_sequence.value(),
                self.segment_bytes,
                self.flow_window_packets,
                self.request.to_word(),
                self.socket.value(),
                self.cookie,
            ],
        );
        out[ADDRESS_WORD * WORD_BYTES..Self::FIXED_BYTES]
            .copy_from_slice(self.peer_address.as_bytes());
        out[Self::FIXED_BYTES..].copy_from_slice(self.extensions.as_bytes());
    }
}

const fn at_least(what: &'static str, value: u32, least: u32) -> Result<u32, WireError> {
    // A negative number in a signed field is as forbidden as a small one.
    if value < least || value >> 31 != 0 {
        Err(WireError::Forbidden { what, value })
    } else {
        Ok(value)
    }
}

const fn initial_sequence(value: u32) -> Result<SequenceNumber, WireError> {
    if value >= SequenceNumber::MAX.value() {
        Err(WireError::Forbidden {
            what: "initial sequence number",
            value,
        })
    } else {
        Ok(SequenceNumber::new(value))
    }
}

impl RequestType {
    const fn from_word(value: u32) -> Result<Self, WireError> {
        match value {
            WAVE_A_HAND => Ok(Self::WaveAHand),
            INDUCTION => Ok(Self::Induction),
            CONCLUSION => Ok(Self::Conclusion),
            AGREEMENT => Ok(Self::Agreement),
            RejectCode::REQUEST_BASE..0x8000_0000 => Ok(Self::Rejected(RejectCode::new(
                value - RejectCode::REQUEST_BASE,
            ))),
            _ => Err(WireError::Forbidden {
                what: "handshake request type",
                value,
            }),
        }
    }

    const fn to_word(self) -> u32 {
        match self {
            Self::WaveAHand => WAVE_A_HAND,
            Self::Induction => INDUCTION,
            Self::Conclusion => CONCLUSION,
            Self::Agreement => AGREEMENT,
            Self::Rejected(code) => code.value().saturating_add(RejectCode::REQUEST_BASE),
        }
    }
}

impl ExtensionFlags {
    /// A handshake request or response block follows.
    pub const HANDSHAKE: Self = Self(1);
    /// A key material request or response block follows.
    pub const KEY_MATERIAL: Self = Self(2);
    /// Stream ID, congestion control, packet filter or group blocks follow.
    pub const CONFIGURATION: Self = Self(4);

    /// The value of the extension field.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Both sets.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}
