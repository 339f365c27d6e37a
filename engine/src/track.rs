/// One elementary stream of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Its number in the feed: the PID, where it came as a transport stream.
    pub id: u16,
    /// ISO 639 language, where the sender named one.
    pub language: Option<String>,
}

/// The elementary streams of a feed, in the order of its tables.
pub type Tracks = [Track];
