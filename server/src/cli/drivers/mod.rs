//! Feeds and outputs that only the command line takes: files, the console, and UDP.

mod file;
mod udp;

pub(super) use file::file;
pub(super) use udp::udp;

use tidegate_mpegts::PACKET_BYTES;

/// As SRT and UDP carry them.
pub(super) const CHUNK_BYTES: usize = 7 * PACKET_BYTES;
