//! The far side of RTMP outputs: takes everything, and keeps nothing but figures.
//!
//! One thread for all connections, so that receiving costs the machine little. Guests with the
//! key `slow` are read at a trickle, those with the key `stuck` not at all once they publish.

use super::guest::{Got, Guest};
use anyhow::Context as _;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tidegate_udp::{Clock, Interest, Poller};
use tidegate_units::Instant;

/// Stream keys of those that are not read as they should be.
pub(super) const SLOW: &str = "slow";
pub(super) const STUCK: &str = "stuck";
/// The key of the guest whose pictures are noted.
pub(super) const NOTED: &str = "noted";

/// How often a slow guest is read, and how much at once: 80 KB a second.
const TRICKLE: Duration = Duration::from_millis(50);
const TRICKLE_BYTES: usize = 4096;
const READ_BYTES: usize = 256 << 10;
/// Which guest is the listener.
const DOOR: u64 = u64::MAX;

/// The receiver at work. Dropping it ends it.
pub(super) struct Sink {
    pub(super) port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<anyhow::Result<Vec<Got>>>>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    publishing: AtomicU64,
    pictures: AtomicU64,
}

impl Sink {
    pub(super) fn start(tls: Option<Arc<ServerConfig>>) -> anyhow::Result<Self> {
        let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        door.set_nonblocking(true)?;
        let port = door.local_addr()?.port();
        let shared = Arc::new(Shared::default());
        let room = Room {
            poller: Poller::new()?,
            door,
            tls,
            guests: BTreeMap::new(),
            came: 0,
            gone: Vec::new(),
            slow_at: Clock.now(),
            shared: Arc::clone(&shared),
        };
        room.poller.add(&room.door, DOOR, Interest::Read)?;
        Ok(Self {
            port,
            shared,
            thread: Some(std::thread::spawn(move || room.run())),
        })
    }

    /// Guests that publish.
    pub(super) fn publishing(&self) -> u64 {
        self.shared.publishing.load(Ordering::Relaxed)
    }

    /// Pictures until now, of all guests.
    pub(super) fn pictures(&self) -> u64 {
        self.shared.pictures.load(Ordering::Relaxed)
    }

    /// Ends it: what each guest sent.
    pub(super) fn finish(mut self) -> anyhow::Result<Vec<Got>> {
        self.shared.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().context("it was ended already")?;
        let ended = thread.join();
        ended.map_err(|_| anyhow::anyhow!("the receiver crashed"))?
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // What went wrong was told by `finish`, or is of no interest.
            drop(thread.join());
        }
    }
}

struct Room {
    poller: Poller,
    door: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    guests: BTreeMap<u64, Guest>,
    came: u64,
    gone: Vec<Got>,
    slow_at: Instant,
    shared: Arc<Shared>,
}

impl Room {
    fn run(mut self) -> anyhow::Result<Vec<Got>> {
        let mut buffer = vec![0; READ_BYTES];
        while !self.shared.stop.load(Ordering::Relaxed) {
            self.poller.wait(Some(TRICKLE))?;
            let ready: Vec<u64> = self.poller.ready().collect();
            for token in ready {
                if token == DOOR {
                    self.let_in()?;
                } else {
                    self.read(token, &mut buffer)?;
                }
            }
            self.trickle(&mut buffer)?;
        }
        self.gone
            .extend(self.guests.into_values().map(|guest| guest.got));
        Ok(self.gone)
    }

    fn let_in(&mut self) -> anyhow::Result<()> {
        while let Ok((stream, _)) = self.door.accept() {
            let guest = Guest::new(stream, self.tls.as_ref())?;
            self.poller.add(guest.stream(), self.came, Interest::Read)?;
            self.guests.insert(self.came, guest);
            self.came += 1;
        }
        Ok(())
    }

    fn read(&mut self, token: u64, buffer: &mut [u8]) -> anyhow::Result<()> {
        let Some(guest) = self.guests.get_mut(&token) else {
            return Ok(());
        };
        let (pictures, was_named) = (guest.got.pictures, !guest.got.key.is_empty());
        let is_there = guest.read(buffer, NOTED)?;
        let new = guest.got.pictures - pictures;
        self.shared.pictures.fetch_add(new, Ordering::Relaxed);
        if !was_named && !guest.got.key.is_empty() {
            self.shared.publishing.fetch_add(1, Ordering::Relaxed);
            if [SLOW, STUCK].contains(&guest.got.key.as_str()) {
                self.poller.remove(guest.stream())?;
            }
        }
        if !is_there && let Some(guest) = self.guests.remove(&token) {
            self.shared.publishing.fetch_sub(1, Ordering::Relaxed);
            self.gone.push(guest.got);
        }
        Ok(())
    }

    /// Reads a little of slow guests when it is time.
    fn trickle(&mut self, buffer: &mut [u8]) -> anyhow::Result<()> {
        let now = Clock.now();
        if now < self.slow_at {
            return Ok(());
        }
        self.slow_at = now + TRICKLE;
        let is_slow = |(token, guest): (&u64, &Guest)| (guest.got.key == SLOW).then_some(*token);
        let slow: Vec<u64> = self.guests.iter().filter_map(is_slow).collect();
        for token in slow {
            self.read(token, &mut buffer[..TRICKLE_BYTES])?;
        }
        Ok(())
    }
}

/// A certificate for this machine: what the receiver uses, and the file that outputs check it
/// against.
pub(super) fn certificate(folder: &Path) -> anyhow::Result<(Arc<ServerConfig>, String)> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let file = folder.join("certificate.pem");
    std::fs::write(&file, made.cert.pem())?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())
        .map_err(|error| anyhow::anyhow!("no key: {error}"))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    Ok((Arc::new(config), file.to_string_lossy().into_owned()))
}
