//! HLS playlists and segmenting (RFC 8216, fragmented MP4).
//!
//! A [`Segmenter`] takes the frames of a live feed and keeps a sliding window of segments:
//! immutable bytes with names, a media playlist that lists them, and a multivariant
//! playlist that tells a player what to expect.
//!
//! [`m3u8::Playlist`] reads playlists of strangers, and [`Follow`] decides which segments of
//! one to fetch, and when to look again. [`Cutter`] cuts a transport stream into segments for
//! an origin, and [`Listing`] is their playlist. Nothing here does input or output.

mod cutter;
mod follow;
mod listing;
pub mod m3u8;
mod open;
mod playlist;
mod segmenter;
mod selection;
mod tables;
mod window;

pub use cutter::{CutConfig, CutSegment, Cutter};
pub use follow::{Follow, Next};
pub use listing::Listing;
pub use segmenter::{Frame, Segmenter, SegmenterConfig};
pub use selection::Track;
