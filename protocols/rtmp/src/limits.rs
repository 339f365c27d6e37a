//! Every bound of the protocol, with the reason for its value.

/// The largest chunk a peer may announce. Encoders that never divide a message announce up to
/// so much; what a chunk costs is bounded by its message.
pub const CHUNK_BYTES_MAX: usize = 128 << 20;

/// The chunk size of a connection until one is announced (RTMP 1.0, section 5.4.1).
pub const CHUNK_BYTES_DEFAULT: usize = 128;

/// The chunk size we announce: what ffmpeg announces, so every platform has met it.
pub const CHUNK_BYTES_SENT: usize = 60_000;

/// The largest message: a key frame at 100 Mbit/s is about 4 MB.
pub const MESSAGE_BYTES_MAX: usize = 8 << 20;

/// The largest command or data message, and any message of a peer that may not publish (yet):
/// a stranger is worth no more memory. Real ones take a few hundred bytes.
pub const AMF_BYTES_MAX: usize = 64 << 10;

/// The largest protocol control message; the longest one defined has 14 bytes.
pub const CONTROL_BYTES_MAX: usize = 64;

/// Chunk streams of one connection. Encoders use three to six.
pub const CHUNK_STREAMS_MAX: usize = 32;

/// Bytes of messages that are begun but not complete, over all chunk streams.
pub const UNFINISHED_BYTES_MAX: usize = 16 << 20;

/// How deep AMF objects may be nested.
pub const AMF_DEPTH_MAX: usize = 16;

/// Keys of one AMF object, or elements of one array.
pub const AMF_KEYS_MAX: usize = 256;

/// AMF values of one message, at all depths.
pub const AMF_VALUES_MAX: usize = 1024;

/// The acknowledgement window we announce, in bytes, and assume until the peer says otherwise.
pub const WINDOW_BYTES: u32 = 2_500_000;

/// The smallest window we honour: who asks for an acknowledgement of every byte gets one for
/// every so many.
pub const WINDOW_BYTES_MIN: u32 = 4096;

/// Bytes that wait to be written while pings and the like are still answered: a peer that asks
/// and asks, and takes no answer, costs no more.
pub const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Characters of a peer's words that are kept for people to read.
pub const WORDS_MAX: usize = 256;
