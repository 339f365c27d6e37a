use crate::limits;
use bytes::Bytes;

/// The types of messages (RTMP 1.0, sections 5.4 and 7.1).
pub mod kind {
    /// The sender's chunks have another size from now on.
    pub const SET_CHUNK_SIZE: u8 = 1;
    /// A message in the making will not be completed.
    pub const ABORT: u8 = 2;
    /// So many bytes have been received.
    pub const ACKNOWLEDGEMENT: u8 = 3;
    /// Pings and the begin of streams.
    pub const USER_CONTROL: u8 = 4;
    /// After so many bytes an acknowledgement is wanted.
    pub const WINDOW_ACKNOWLEDGEMENT_SIZE: u8 = 5;
    /// What the peer's window should be.
    pub const SET_PEER_BANDWIDTH: u8 = 6;
    /// An audio message.
    pub const AUDIO: u8 = 8;
    /// A video message.
    pub const VIDEO: u8 = 9;
    /// Metadata, with a zero before its AMF0.
    pub const DATA_AMF3: u8 = 15;
    /// A command, with a zero before its AMF0.
    pub const COMMAND_AMF3: u8 = 17;
    /// Metadata.
    pub const DATA: u8 = 18;
    /// A command.
    pub const COMMAND: u8 = 20;
    /// Several messages in one.
    pub const AGGREGATE: u8 = 22;
}

/// One whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its type, one of [`kind`].
    pub kind: u8,
    /// Its time in milliseconds; it wraps after 49.7 days.
    pub timestamp: u32,
    /// The message stream it belongs to; 0 for the connection itself.
    pub stream_id: u32,
    /// What it says.
    pub body: Bytes,
}

impl Message {
    /// The number a control message consists of.
    pub(crate) fn number(&self) -> Option<u32> {
        let bytes = self.body.first_chunk::<4>()?;
        Some(u32::from_be_bytes(*bytes))
    }
}

/// The longest message of type `kind` that is taken.
pub(crate) const fn bytes_max(kind: u8) -> usize {
    match kind {
        0..=7 => limits::CONTROL_BYTES_MAX,
        kind::DATA | kind::DATA_AMF3 | kind::COMMAND | kind::COMMAND_AMF3 => limits::AMF_BYTES_MAX,
        _ => limits::MESSAGE_BYTES_MAX,
    }
}
