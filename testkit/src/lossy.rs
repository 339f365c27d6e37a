use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A UDP relay on loopback that loses a share of what passes, both ways, as its seed says.
///
/// It serves one client at a time: the address it heard from last.
#[derive(Debug)]
pub struct LossyRelay {
    port: u16,
    lost: Arc<AtomicU64>,
    cut: Arc<AtomicBool>,
    more: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// Where a relay is, and calls from unless told otherwise.
const HERE: &str = "127.0.0.1";
/// Longest silence after which a relay thread looks whether it should end.
const TICK: Duration = Duration::from_millis(50);

impl LossyRelay {
    /// Relays between whoever sends to [`Self::port`] and `server`, losing `per_mille` of
    /// a thousand datagrams each way.
    ///
    /// # Panics
    /// If no socket can be had.
    #[must_use]
    pub fn start(server: SocketAddr, per_mille: u64, seed: u64) -> Self {
        Self::between(HERE, server, |salt| Pattern::Random {
            state: seed ^ salt,
            per_mille,
        })
    }

    /// Relays without losses, and calls the server from another address of loopback.
    ///
    /// # Panics
    /// If no socket can be had.
    #[must_use]
    pub fn calling_from(address: &str, server: SocketAddr) -> Self {
        Self::between(address, server, |state| Pattern::Random {
            state,
            per_mille: 0,
        })
    }

    /// Relays in the same way, losing each `nth` datagram that is large enough to be media,
    /// each way.
    ///
    /// # Panics
    /// If no socket can be had.
    #[must_use]
    pub fn losing_each(server: SocketAddr, nth: u64) -> Self {
        Self::between(HERE, server, |_| Pattern::Each { nth, large: 0 })
    }

    fn between(address: &str, server: SocketAddr, pattern: impl Fn(u64) -> Pattern) -> Self {
        let front = UdpSocket::bind((HERE, 0)).expect("a front socket");
        let back = UdpSocket::bind((address, 0)).expect("a back socket");
        back.connect(server).expect("a connected back socket");
        for socket in [&front, &back] {
            socket.set_read_timeout(Some(TICK)).expect("a read timeout");
        }
        let port = front.local_addr().expect("an address").port();
        let lost = Arc::new(AtomicU64::new(0));
        let cut = Arc::new(AtomicBool::new(false));
        let more = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let client = Arc::new(std::sync::Mutex::new(None::<SocketAddr>));
        let dice = |salt: u64| Dice {
            pattern: pattern(salt),
            lost: Arc::clone(&lost),
            cut: Arc::clone(&cut),
            more: Arc::clone(&more),
            state: salt,
        };

        let up = {
            let (front, back) = (
                front.try_clone().expect("a clone"),
                back.try_clone().expect("a clone"),
            );
            let (client, stop, mut dice) = (Arc::clone(&client), Arc::clone(&stop), dice(0x5157));
            std::thread::spawn(move || {
                pump(&stop, |buffer| {
                    let Ok((length, from)) = front.recv_from(buffer) else {
                        return;
                    };
                    if let Ok(mut client) = client.lock() {
                        *client = Some(from);
                    }
                    if dice.passes(length) {
                        let _ = back.send(&buffer[..length]);
                    }
                });
            })
        };
        let down = {
            let (stop, mut dice) = (Arc::clone(&stop), dice(0xC3A9));
            std::thread::spawn(move || {
                pump(&stop, |buffer| {
                    let Ok(length) = back.recv(buffer) else {
                        return;
                    };
                    let to = client.lock().ok().and_then(|client| *client);
                    if let Some(to) = to
                        && dice.passes(length)
                    {
                        let _ = front.send_to(&buffer[..length], to);
                    }
                });
            })
        };
        Self {
            port,
            lost,
            cut,
            more,
            stop,
            threads: vec![up, down],
        }
    }

    /// The port clients send to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on nothing passes, until [`Self::restore`].
    pub fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }

    /// Ends a [`Self::cut`].
    pub fn restore(&self) {
        self.cut.store(false, Ordering::Relaxed);
    }

    /// From now on so many of a thousand datagrams are lost each way, beside what is lost anyway.
    pub fn lose(&self, per_mille: u64) {
        self.more.store(per_mille, Ordering::Relaxed);
    }

    /// How many datagrams were lost on purpose so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

fn pump(stop: &AtomicBool, mut step: impl FnMut(&mut [u8])) {
    let mut buffer = [0_u8; 2048];
    while !stop.load(Ordering::Relaxed) {
        step(&mut buffer);
    }
}

struct Dice {
    pattern: Pattern,
    lost: Arc<AtomicU64>,
    cut: Arc<AtomicBool>,
    /// What [`LossyRelay::lose`] asked for, and its own chance.
    more: Arc<AtomicU64>,
    state: u64,
}

/// Which datagrams are lost.
enum Pattern {
    Random { state: u64, per_mille: u64 },
    Each { nth: u64, large: u64 },
}

/// Smaller datagrams are no media.
const LARGE_BYTES: usize = 1000;

/// One of a thousand.
fn thrown(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % 1000
}

impl Dice {
    fn passes(&mut self, length: usize) -> bool {
        let passes = match &mut self.pattern {
            Pattern::Random { state, per_mille } => thrown(state) >= *per_mille,
            Pattern::Each { nth, large } => {
                *large += u64::from(length >= LARGE_BYTES);
                length < LARGE_BYTES || *large % *nth != 0
            }
        };
        let more = self.more.load(Ordering::Relaxed);
        let passes = passes && (more == 0 || thrown(&mut self.state) >= more);
        let passes = passes && !self.cut.load(Ordering::Relaxed);
        if !passes {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        passes
    }
}

impl Drop for LossyRelay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
