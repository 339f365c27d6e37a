//! Every bound of a recording.

use core::time::Duration;

/// Bytes waiting for the disk: eight seconds at 50 Mbit/s.
pub(crate) const QUEUE_BYTES: usize = 50 << 20;

/// Batches waiting for the disk: eight seconds at two thousand a second.
pub(crate) const QUEUE_BATCHES: usize = 16_384;

/// Bytes gathered before they are written.
pub(crate) const BUFFER_BYTES: usize = 256 << 10;

/// How often the queue is looked at. Being woken for every batch would cost the media threads
/// a system call each time, and nobody waits for a recording.
pub(crate) const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// The longest that bytes are gathered. Killed, this program loses no more than that.
pub(crate) const FLUSH_INTERVAL: Duration = Duration::from_millis(200);

/// The longest between two fdatasync. A power cut loses no more than that and one write.
pub(crate) const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// How long after its time a segment waits for a key frame to end at.
pub(crate) const CUT_WAIT: Duration = Duration::from_secs(10);

/// How far before a key frame its tables are looked for, in packets.
pub(crate) const TABLES_BEFORE_KEY: usize = 64;

/// A clean while after which an alarm is cleared.
pub(crate) const CLEAN_WHILE: Duration = Duration::from_secs(5);

/// How often old segments are looked for, besides at every new one.
pub(crate) const RETENTION_INTERVAL: Duration = Duration::from_secs(600);

/// Segments begun within one second, told apart by a number.
pub(crate) const SAME_SECOND_MAX: u32 = 1000;
