use core::sync::atomic::{AtomicU32, Ordering};
use std::net::UdpSocket;
use std::time::{Duration, Instant};

/// How long a condition may take before the test is called failed. Generous, because a
/// loaded machine is slow and a healthy test never waits this long.
const PATIENCE: Duration = Duration::from_secs(40);

/// How often a condition is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// Waits until `look` yields something, and returns it.
///
/// # Panics
/// After forty seconds, naming `what` never happened.
#[track_caller]
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "never happened: {what}");
        std::thread::sleep(GLANCE);
    }
}

/// Where the system does not take ports from by itself: below Linux's usual range for them.
const NAMED_PORTS: std::ops::Range<u16> = 12_000..32_000;

/// A free UDP port on 127.0.0.1 for peers that cannot be asked which port they got. Nobody who
/// binds port 0 gets it before the peer does, and no test of this process gets it twice.
/// Anything of ours binds port 0 instead.
///
/// # Panics
/// If the machine has no free port.
#[must_use]
pub fn free_udp_port() -> u16 {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let count = u32::from(NAMED_PORTS.end - NAMED_PORTS.start);
    // Test programs that run at the same time begin far apart.
    let first = std::process::id().wrapping_mul(7919);
    (0..count)
        .map(|_| first.wrapping_add(ASKED.fetch_add(1, Ordering::Relaxed)) % count)
        .filter_map(|offset| u16::try_from(offset).ok())
        .map(|offset| NAMED_PORTS.start + offset)
        .find(|&port| UdpSocket::bind(("127.0.0.1", port)).is_ok())
        .expect("a free UDP port")
}
