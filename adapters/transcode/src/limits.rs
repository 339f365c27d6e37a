//! Every bound of this adapter, with the reason for its value.

use core::time::Duration;

/// How long everything but the sound is held back. ffmpeg gives sound back 30 to 100 ms after
/// it came (5.1, MP2 and AC-3 to AAC), and what comes in one PES packet, up to a tenth of a
/// second by DVB's rules, comes only when that is whole.
pub const HOLD: Duration = Duration::from_millis(250);

/// Sound that is this late beyond its place is of no use to anybody any more.
pub(crate) const LATE: Duration = Duration::from_secs(1);

/// How long a stream that begins is not passed on before its sound is: ffmpeg starts in a
/// quarter of a second, and later on a busy machine.
pub(crate) const START_WAIT: Duration = Duration::from_secs(4);

/// Bytes that are held back: a second at 250 Mbit/s. Beyond, the oldest go early.
pub(crate) const HELD_BYTES: usize = 32 << 20;

/// Frames of new sound that wait for their place: ten seconds of eight tracks.
pub(crate) const WAITING_FRAMES: usize = 4096;

/// Words of all children that wait to be heard; while nobody hears them, the children wait.
pub(crate) const SAID: usize = 256;

/// How often it looks whether anything is still coming, and says how it is doing.
pub(crate) const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// The least time between two looks at what is due, so that packets go out several at a time.
pub(crate) const TURN: Duration = Duration::from_millis(2);

/// Packets of one chunk: what fits into a datagram.
pub(crate) const CHUNK_PACKETS: usize = 7;
