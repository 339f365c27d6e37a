//! As much of a media playlist as a viewer needs (RFC 8216).

use anyhow::Context as _;
use std::time::Duration;

/// A media playlist of fragmented MP4.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Playlist {
    pub(super) target: Duration,
    /// The number of the first segment.
    pub(super) first: u64,
    /// The initialisation segment of the last segments.
    pub(super) init: String,
    pub(super) segments: Vec<String>,
}

impl Playlist {
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let mut playlist = Self::default();
        for line in text.lines() {
            if let Some(seconds) = line.strip_prefix("#EXT-X-TARGETDURATION:") {
                playlist.target = Duration::from_secs(seconds.parse()?);
            } else if let Some(number) = line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:") {
                playlist.first = number.parse()?;
            } else if let Some(map) = line.strip_prefix("#EXT-X-MAP:URI=\"") {
                playlist.init = map.trim_end_matches('"').to_owned();
            } else if !line.is_empty() && !line.starts_with('#') {
                playlist.segments.push(line.to_owned());
            }
        }
        let usable = !playlist.target.is_zero() && !playlist.segments.is_empty();
        usable
            .then_some(playlist)
            .context("the playlist has no target duration or no segments")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_playlist_tells_where_it_begins_and_what_it_lists() {
        let text = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n\
                    #EXT-X-MEDIA-SEQUENCE:41\n#EXT-X-MAP:URI=\"init-40.mp4\"\n\
                    #EXTINF:2.00000,\nseg-41.m4s\n#EXTINF:2.00000,\nseg-42.m4s\n";
        let playlist = Playlist::parse(text).unwrap();
        assert_eq!((playlist.target.as_secs(), playlist.first), (2, 41));
        assert_eq!(playlist.init, "init-40.mp4");
        assert_eq!(playlist.segments, ["seg-41.m4s", "seg-42.m4s"]);
        assert!(Playlist::parse("#EXTM3U\n").is_err());
    }
}
