use crate::amf::AmfError;
use crate::limits;

/// What a peer sent that nobody can make sense of. The connection cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// It began with a TLS handshake.
    #[error("the peer speaks TLS (RTMPS), and plain RTMP was expected")]
    Tls,
    /// It began with letters, as HTTP does.
    #[error("the peer speaks HTTP or another text protocol, not RTMP")]
    Text,
    /// It wants RTMPE, which protects nothing.
    #[error("the peer wants RTMPE (version {0}), which is not supported; RTMPS is")]
    Encrypted(u8),
    /// It began with something else that is not version 3.
    #[error("the peer does not speak RTMP: its first byte is {0}, not 3")]
    Version(u8),
    /// It announced a chunk size that is not allowed.
    #[error("the peer announced chunks of {0} bytes; allowed are 1 to {max}", max = limits::CHUNK_BYTES_MAX)]
    ChunkSize(u32),
    /// It began a message that is too long.
    #[error("the peer began a message of type {kind} with {length} bytes; allowed are {max}")]
    MessageSize {
        /// The message type.
        kind: u8,
        /// Its announced length.
        length: usize,
        /// What is allowed for that type.
        max: usize,
    },
    /// It has too many messages in the making.
    #[error("the peer began more messages at once than fit in {max} bytes", max = limits::UNFINISHED_BYTES_MAX)]
    Unfinished,
    /// It used too many chunk streams.
    #[error("the peer uses more than {max} chunk streams", max = limits::CHUNK_STREAMS_MAX)]
    ChunkStreams,
    /// It referred to a chunk header that was never sent.
    #[error("the peer sent a chunk on stream {0} that refers to a header it never sent")]
    NoHeader(u32),
    /// A control message has fewer bytes than it needs.
    #[error("the peer sent a control message of type {0} that is too short")]
    ShortControl(u8),
    /// It asked for something before it said hello.
    #[error("the peer sent \"{0}\" before it sent \"connect\"")]
    Order(&'static str),
    /// It said hello twice.
    #[error("the peer sent \"connect\" a second time")]
    ConnectedTwice,
    /// A command cannot be read.
    #[error("the peer sent a command that cannot be read: {0}")]
    Command(#[from] AmfError),
}
