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
