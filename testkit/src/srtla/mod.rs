//! Our own model of an SRTLA sender on real sockets: an SRT caller calls it on a local port,
//! and it spreads the caller's packets over several sockets to the server.
//!
//! No SRTLA sender is packaged, so this stands for one. It was made from the protocol's
//! description; what it proves is that both sides understand that alike.

pub mod model;

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant as WallInstant};

use tidegate_units::Instant;

use model::{LinkFigures, Out, Sender};

/// How often timers, and the end, are looked at.
const TICK: Duration = Duration::from_millis(20);

/// A running sender; it ends when it is dropped.
#[derive(Debug)]
pub struct SrtlaSender {
    shared: Arc<Shared>,
    port: u16,
    threads: Vec<thread::JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    server: SocketAddr,
    started: WallInstant,
    local: UdpSocket,
    stop: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    sender: Sender,
    /// Where the SRT caller is, once it has called.
    caller: Option<SocketAddr>,
    links: Vec<Arc<UdpSocket>>,
    /// What is cut loses everything in both directions, and nobody is told.
    cut: Vec<bool>,
}

impl SrtlaSender {
    /// Starts a sender to `server` with links from `127.0.0.LINK+first_host`.
    ///
    /// # Panics
    /// If sockets cannot be opened.
    #[must_use]
    pub fn start(server: SocketAddr, links: usize, first_host: u8) -> Self {
        let local = bind(1);
        let port = local.local_addr().expect("a bound socket has one").port();
        let mut own_half = [0; 256];
        own_half[..2].copy_from_slice(&port.to_be_bytes());
        let sockets = (0..links)
            .map(|link| Arc::new(bind(first_host + link as u8)))
            .collect();
        let state = State {
            sender: Sender::new(Instant::ZERO, links, own_half),
            caller: None,
            links: sockets,
            cut: vec![false; links],
        };
        let shared = Arc::new(Shared {
            server,
            started: WallInstant::now(),
            local,
            stop: AtomicBool::new(false),
            state: Mutex::new(state),
        });
        let mut threads = vec![shared.spawn(Shared::listen_to_caller)];
        for link in 0..links {
            threads.push(shared.spawn(move |shared| shared.listen_to_server(link)));
        }
        Self {
            shared,
            port,
            threads,
        }
    }

    /// Where the SRT caller finds it, with options.
    #[must_use]
    pub fn url(&self, options: &str) -> String {
        format!("srt://127.0.0.1:{}?{options}", self.port)
    }

    /// The address of a link.
    ///
    /// # Panics
    /// If there is no such link.
    #[must_use]
    pub fn address(&self, link: usize) -> SocketAddr {
        let socket = Arc::clone(&self.shared.state().links[link]);
        socket.local_addr().expect("a bound socket has one")
    }

    /// Whether the server has taken all links.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        let state = self.shared.state();
        (0..state.links.len()).all(|link| state.sender.is_in_use(link))
    }

    /// Answers of the server that were no welcome.
    #[must_use]
    pub fn refusals(&self) -> u64 {
        self.shared.state().sender.refusals()
    }

    /// What a link has seen.
    #[must_use]
    pub fn figures(&self, link: usize) -> LinkFigures {
        self.shared.state().sender.figures(link)
    }

    /// Cuts a link, as if its cable were pulled.
    pub fn cut(&self, link: usize) {
        self.shared.state().cut[link] = true;
    }

    /// Gives a cut link a new address, as a phone that comes into another network has.
    pub fn reconnect(&self, link: usize, host: u8) {
        let mut state = self.shared.state();
        state.links[link] = Arc::new(bind(host));
        state.cut[link] = false;
        state.sender.renew(self.shared.now(), link);
        self.shared.flush(&mut state);
    }
}

impl Shared {
    fn spawn(self: &Arc<Self>, run: impl Fn(&Self) + Send + 'static) -> thread::JoinHandle<()> {
        let shared = Arc::clone(self);
        thread::spawn(move || {
            while !shared.stop.load(Ordering::Relaxed) {
                run(&shared);
            }
        })
    }

    fn listen_to_caller(&self) {
        let mut buffer = [0; 2048];
        let heard = self.local.recv_from(&mut buffer);
        let mut state = self.state();
        if let Ok((length, caller)) = heard {
            state.caller = Some(caller);
            state.sender.hear_caller(&buffer[..length]);
        }
        state.sender.handle_timeout(self.now());
        self.flush(&mut state);
    }

    fn listen_to_server(&self, link: usize) {
        let socket = Arc::clone(&self.state().links[link]);
        let mut buffer = [0; 2048];
        let Ok(length) = socket.recv(&mut buffer) else {
            return;
        };
        let mut state = self.state();
        if !state.cut[link] {
            let now = self.now();
            state.sender.hear_server(now, link, &buffer[..length]);
            self.flush(&mut state);
        }
    }

    fn flush(&self, state: &mut State) {
        while let Some(out) = state.sender.poll_output() {
            // What cannot be sent is lost, as on any network.
            let _ = match out {
                Out::Server(link, _) if state.cut[link] => continue,
                Out::Server(link, bytes) => state.links[link].send_to(&bytes, self.server),
                Out::Caller(bytes) => {
                    let Some(caller) = state.caller else { continue };
                    self.local.send_to(&bytes, caller)
                }
            };
        }
    }

    fn now(&self) -> Instant {
        Instant::ZERO + self.started.elapsed()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SrtlaSender {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // One that panicked has failed the test already.
            let _ = thread.join();
        }
    }
}

fn bind(host: u8) -> UdpSocket {
    let socket = UdpSocket::bind(SocketAddr::from(([127, 0, 0, host], 0))).expect("a free port");
    socket.set_read_timeout(Some(TICK)).expect("a read timeout");
    socket
}
