use tidegate_codecs::Codec;

/// Why fragments cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Fmp4Error {
    /// MP4 has no place for the codec, or browsers do not play it from there.
    #[error("{} is not carried in fragmented MP4; leave this track out or convert it", .0.name())]
    UnsupportedCodec(Codec),
    /// The stream's headers do not say what the container must say.
    #[error("the {} stream's headers are incomplete; wait for its next key frame", .0.name())]
    IncompleteHeaders(Codec),
    /// There is no track.
    #[error("fragmented MP4 needs at least one track")]
    NoTracks,
    /// The fragment would be too large for its 32-bit fields.
    #[error("the fragment is larger than the format allows; cut it more often")]
    TooLarge,
    /// A value does not fit into its box.
    #[error("a box cannot be written: {0}")]
    Box(#[from] mp4_atom::Error),
}
