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

/// A UDP port on 127.0.0.1 that was free a moment ago, for peers that cannot be asked
/// which port they got. Anything of ours binds port 0 instead.
///
/// # Panics
/// If the machine has no free port.
#[must_use]
pub fn free_udp_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free UDP port");
    socket
        .local_addr()
        .expect("a bound socket has an address")
        .port()
}
