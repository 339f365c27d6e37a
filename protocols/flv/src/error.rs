/// Why a message could not be used. The messages after it can be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlvError {
    /// It ends too early.
    #[error("a message ends in the middle of its header")]
    Truncated,
    /// Its codec is not carried.
    #[error("{0} is not carried; send H.264, HEVC or AV1 with AAC, MP3, Opus, AC-3 or E-AC-3")]
    UnsupportedCodec(String),
    /// It has a type that no specification lists.
    #[error("a message has the unknown {what} {value}")]
    Unknown {
        /// What has it.
        what: &'static str,
        /// Its number.
        value: u8,
    },
    /// A sequence header cannot be read.
    #[error("the sequence header of the {0} track cannot be read; restart the encoder")]
    BrokenHeader(&'static str),
    /// Frames came before the sequence header without which they mean nothing.
    #[error("{0} frames came before their sequence header; restart the encoder")]
    NoHeader(&'static str),
    /// The lengths inside a frame do not add up.
    #[error("the lengths inside a frame of {0} do not add up")]
    BrokenFrame(&'static str),
    /// Too many tracks.
    #[error("more than {max} tracks of one kind; send fewer", max = crate::TRACKS_MAX)]
    TooManyTracks,
    /// Too many packets or extensions in one message.
    #[error("one message holds more parts than anybody needs")]
    TooManyParts,
}
