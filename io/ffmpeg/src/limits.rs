//! Every bound of this crate that a job does not choose, with the reason for its value.

use core::time::Duration;

/// Lines of standard error that are kept.
pub(crate) const WORDS_LINES: usize = 6;

/// Bytes of a line that are kept.
pub(crate) const WORDS_LINE_BYTES: usize = 300;

/// Files that a child may have open: its libraries are open only for a moment.
pub(crate) const OPEN_FILES: u64 = 64;

/// Bytes that a child may write into a file.
pub(crate) const FILE_BYTES: u64 = 1 << 30;

/// How long a child may take to say its version.
pub(crate) const VERSION_WAIT: Duration = Duration::from_secs(10);

/// Sound that ffmpeg may have got without giving any back, in ticks of 90 kHz: ten seconds. It
/// needs a tenth of a second, and some seconds to start on a machine that is busy.
pub(crate) const UNANSWERED_TICKS: i64 = 900_000;

/// Frames between going into ffmpeg and coming out: more than [`UNANSWERED_TICKS`] have.
pub(crate) const LEDGER_FRAMES: usize = 4096;

/// Frames that wait to be written into ffmpeg, likewise.
pub(crate) const INPUT_FRAMES: usize = 4096;

/// Bytes of a child's output that are taken at once: a second of sound.
pub(crate) const READ_BYTES: usize = 16 << 10;
