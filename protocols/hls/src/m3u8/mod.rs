//! Playlists of strangers (RFC 8216), read.
//!
//! A playlist that cannot be understood is refused whole: `m3u8-rs` reads what it can, so that
//! a byte range that is no number becomes a whole file and a broken tag an empty list, and a
//! live source must not guess. Lengths, counts and times are bounded, and what many segments
//! share (a key, an initialisation section) is held once.

mod attributes;
mod media;
mod multivariant;
#[cfg(test)]
mod tests;

pub use media::{ByteRange, Key, KeyMethod, MapSection, MediaPlaylist, Segment};
pub use multivariant::{Multivariant, Rendition, Variant};

use core::fmt;

/// Bytes of a playlist that are read.
pub const PLAYLIST_BYTES_MAX: usize = 4 << 20;
/// Segments of a playlist: half a day of two-second ones.
pub const SEGMENTS_MAX: usize = 20_000;
/// Variants and renditions of a playlist.
pub const VARIANTS_MAX: usize = 500;
/// Characters of a URI.
pub const URI_CHARS_MAX: usize = 8192;

/// Either kind of playlist.
#[derive(Clone, Debug, PartialEq)]
pub enum Playlist {
    /// Names other playlists.
    Multivariant(Multivariant),
    /// Names segments.
    Media(MediaPlaylist),
}

/// Why a playlist cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaylistError {
    /// It does not begin with `#EXTM3U`.
    NoPlaylist,
    /// It is no text.
    NoText,
    /// It has more than is read.
    TooLong(&'static str),
    /// A line cannot be understood: its number, and what it should hold.
    Line(usize, &'static str),
    /// It does not say how long segments are.
    NoTarget,
    /// It uses something that is not supported.
    Unsupported(&'static str),
}

impl fmt::Display for PlaylistError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPlaylist => write!(f, "it does not begin with #EXTM3U"),
            Self::NoText => write!(f, "it is no text"),
            Self::TooLong(what) => write!(f, "it has too many {what}"),
            Self::Line(number, what) => write!(f, "line {number} has no usable {what}"),
            Self::NoTarget => write!(f, "EXT-X-TARGETDURATION is missing"),
            Self::Unsupported(what) => write!(f, "it uses {what}, which is not supported"),
        }
    }
}

impl core::error::Error for PlaylistError {}

impl Playlist {
    /// Reads a playlist.
    ///
    /// # Errors
    /// If it is none, or not a whole one.
    pub fn read(bytes: &[u8]) -> Result<Self, PlaylistError> {
        if bytes.len() > PLAYLIST_BYTES_MAX {
            return Err(PlaylistError::TooLong("bytes"));
        }
        let text = core::str::from_utf8(bytes).map_err(|_| PlaylistError::NoText)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = Lines::of(text);
        if lines.next().is_none_or(|line| line.text != "#EXTM3U") {
            return Err(PlaylistError::NoPlaylist);
        }
        let names_variants = Lines::of(text).any(|line| {
            line.tag("EXT-X-STREAM-INF").is_some() || line.tag("EXT-X-MEDIA").is_some()
        });
        if names_variants {
            Multivariant::read(lines).map(Self::Multivariant)
        } else {
            MediaPlaylist::read(lines).map(Self::Media)
        }
    }
}

/// The lines of a playlist that say something.
#[derive(Clone, Debug)]
struct Lines<'a> {
    rest: core::iter::Enumerate<core::str::Lines<'a>>,
}

/// One of them, and its number in the file.
#[derive(Clone, Copy, Debug)]
struct Line<'a> {
    number: usize,
    text: &'a str,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            rest: text.lines().enumerate(),
        }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let (index, text) = self.rest.find(|(_, text)| !text.trim().is_empty())?;
        Some(Line {
            number: index + 1,
            text: text.trim(),
        })
    }
}

impl<'a> Line<'a> {
    /// What stands behind the tag of this name and its colon; nothing behind a bare one.
    fn tag(self, name: &str) -> Option<&'a str> {
        let rest = self.text.strip_prefix('#')?.strip_prefix(name)?;
        match rest.strip_prefix(':') {
            Some(value) => Some(value),
            None => rest.is_empty().then_some(""),
        }
    }

    fn is_comment(self) -> bool {
        self.text.starts_with('#')
    }

    fn uri(self) -> Result<String, PlaylistError> {
        uri(self.text).ok_or_else(|| self.lacks("URI"))
    }

    fn lacks(self, what: &'static str) -> PlaylistError {
        PlaylistError::Line(self.number, what)
    }
}

fn uri(text: &str) -> Option<String> {
    let fits = !text.is_empty() && text.len() <= URI_CHARS_MAX;
    (fits && !text.contains(char::is_control)).then(|| text.to_owned())
}
