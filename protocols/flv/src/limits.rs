//! Every bound, with the reason for its value.

/// Tracks of one kind in one stream. Twitch, which sends the most, sends six pictures.
pub const TRACKS_MAX: usize = 16;

/// Packets in one message: each track may have a few.
pub(crate) const PACKETS_MAX: usize = 64;

/// Extensions in front of one message.
pub(crate) const EXTENSIONS_MAX: usize = 8;

/// A picture is shown at most so long after it is decoded, or before; what says otherwise is
/// shown at once.
pub const COMPOSITION_MAX_MS: i32 = 10_000;
