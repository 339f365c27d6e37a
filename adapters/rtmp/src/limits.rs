//! Every bound of the adapter, with the reason for its value.

use core::time::Duration;

use tidegate_engine::Places;

/// Time for TLS and RTMP's handshake. Encoders take a few round trips.
pub(crate) const HANDSHAKE_TIME: Duration = Duration::from_secs(5);

/// Time from the handshake, or from the end of a stream, until something is published.
pub(crate) const PUBLISH_TIME: Duration = Duration::from_secs(10);

/// A publisher from whom nothing at all comes for so long is gone. (Without media a source is
/// not healthy long before.)
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(30);

/// Time for a peer to take what little it is told.
pub(crate) const WRITE_TIME: Duration = Duration::from_secs(5);

/// How long a refused publisher waits for its answer: a stranger who tries keys tries few.
pub(crate) const REFUSAL_DELAY: Duration = Duration::from_secs(1);

/// A second publisher takes over from one that has been silent for so long.
pub(crate) const TAKEOVER_SILENCE: Duration = Duration::from_millis(700);

/// How often it is looked at whether the one before is silent.
pub(crate) const TAKEOVER_LOOK: Duration = Duration::from_millis(50);

/// Connections of one listener that do not publish yet.
pub(crate) const PENDING: Places = Places {
    total: 256,
    per_address: 32,
};

/// Bytes taken from a socket at once.
pub(crate) const READ_BYTES: usize = 64 << 10;

/// Connections that wait to be accepted.
pub(crate) const BACKLOG: u32 = 1024;

/// How long accepting rests when the system has no more file descriptors.
pub(crate) const ACCEPT_REST: Duration = Duration::from_millis(100);

/// How long a source waits for a key whose owner goes: two may have swapped theirs.
pub(crate) const RELEASE_WAIT: Duration = Duration::from_secs(2);

/// How often certificate files are looked at.
pub(crate) const CERTIFICATE_LOOK: Duration = Duration::from_secs(2);

/// The largest certificate or key file.
pub(crate) const CERTIFICATE_BYTES_MAX: u64 = 1 << 20;

/// How often figures of a connection are passed on.
pub(crate) const REPORT_INTERVAL: Duration = Duration::from_millis(250);

/// Dead connections are noticed by the kernel: first asked after …
pub(crate) const KEEPALIVE_AFTER: Duration = Duration::from_secs(5);

/// … then every …
pub(crate) const KEEPALIVE_EVERY: Duration = Duration::from_secs(3);

/// … and given up after so many questions.
pub(crate) const KEEPALIVE_TRIES: u32 = 3;

/// Time stamps that differ by more than this from one message to the next are a jump.
pub(crate) const JUMP_MS: i64 = 3000;
