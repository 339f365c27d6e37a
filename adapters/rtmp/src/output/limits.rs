//! Every bound of an output, with the reason for its value.

use core::time::Duration;

/// Bytes of frames that wait for a slow platform: 21 s at 6 Mbit/s. Beyond, frames are left out
/// up to a key frame.
pub(crate) const QUEUE_BYTES: usize = 16 << 20;

/// Batches that wait: as long, at a batch for every frame.
pub(crate) const QUEUE_BATCHES: usize = 2048;

/// Time for each step of the connection: the name, TCP, TLS.
pub(crate) const CONNECT_TIME: Duration = Duration::from_secs(5);

/// Time from the connection to the platform's yes.
pub(crate) const PUBLISH_TIME: Duration = Duration::from_secs(10);

/// A platform that takes nothing for so long is given up, and called again.
pub(crate) const SEND_TIME: Duration = Duration::from_secs(8);

/// Time for the goodbye.
pub(crate) const GOODBYE_TIME: Duration = Duration::from_millis(500);

/// How long a track's configuration is waited for before the others go alone.
pub(crate) const TRACKS_TIME: Duration = Duration::from_secs(3);

/// Without media for so long, an output says that it waits.
pub(crate) const QUIET: Duration = Duration::from_millis(1500);

/// How often the stream is compared with what the platform takes.
pub(crate) const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Bytes taken from the platform at once; it has little to say.
pub(crate) const READ_BYTES: usize = 4096;

/// A platform that hangs up so soon after its yes has not liked what it was sent.
pub(crate) const SOON: Duration = Duration::from_secs(15);
