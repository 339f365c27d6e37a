//! Every bound of this adapter, with the reason for its value.

use core::time::Duration;

/// How far ahead packets are handed over: each carries the moment it is due, and outputs that
/// pace keep to it. Five milliseconds are 200 wake-ups a second.
pub(crate) const AHEAD: Duration = Duration::from_millis(5);

/// A file that is later than this (the disk hung, the machine slept) goes on from there instead
/// of hurrying after its time.
pub(crate) const LATE_MAX: Duration = Duration::from_millis(100);

/// The longest wait before looking whether to stop.
pub(crate) const NAP: Duration = Duration::from_secs(1);

/// Bytes that are read from a transport stream at a time.
pub(crate) const READ_BYTES: usize = 64 << 10;

/// Packets of 188 bytes that travel together, as many as fit into a datagram.
pub(crate) const CHUNK_PACKETS: usize = 7;

/// The shortest file that can be played, by its own clock.
pub(crate) const SHORTEST: Duration = Duration::from_millis(100);
