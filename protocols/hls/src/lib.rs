//! HLS playlists and segmenting (RFC 8216, fragmented MP4).
//!
//! A [`Segmenter`] takes the frames of a live feed and keeps a sliding window of segments:
//! immutable bytes with names, a media playlist that lists them, and a multivariant
//! playlist that tells a player what to expect. It does no input or output.

mod open;
mod playlist;
mod segmenter;
mod selection;
mod window;

pub use segmenter::{Frame, Segmenter, SegmenterConfig};
pub use selection::Track;
