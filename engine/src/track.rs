use std::sync::Arc;
use tidegate_codecs::{Codec, Kind, StreamConfig};

/// One elementary stream of a feed.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Its number in the feed: the PID, where it came as a transport stream.
    pub id: u16,
    /// The program it belongs to; picture and sound of one program belong together.
    pub program: u16,
    /// What it is.
    pub codec: Codec,
    /// ISO 639 language, where the sender named one.
    pub language: Option<String>,
    /// What a decoder or a muxer needs to begin; `None` until it was read from the stream.
    pub config: Option<Arc<StreamConfig>>,
}

impl Track {
    /// Whether it carries a picture.
    #[must_use]
    pub fn is_video(&self) -> bool {
        self.codec.kind() == Kind::Video
    }

    /// Whether it carries sound.
    #[must_use]
    pub fn is_audio(&self) -> bool {
        self.codec.kind() == Kind::Audio
    }
}

/// The elementary streams of a feed, in the order of its tables.
pub type Tracks = [Track];
