//! Somebody who watches the program over UDP, and notices everything.

use std::collections::HashMap;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tidegate_testkit::eventually;

/// What was seen since it was asked last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) packets: u64,
    /// Packets missing or doubled by their counters.
    pub(crate) counter_errors: u64,
    pub(crate) longest_silence: Duration,
    /// All of them, from the moment that [`Viewer::keep`] asked for it.
    pub(crate) kept: Vec<u8>,
}

#[derive(Default)]
struct Watching {
    seen: Seen,
    last: Option<Instant>,
    counters: HashMap<u16, u8>,
    keeps: bool,
}

/// A socket of its own and a thread that reads it.
pub(crate) struct Viewer {
    port: u16,
    watching: Arc<Mutex<Watching>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Viewer {
    pub(crate) fn start() -> Self {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        let glance = Duration::from_millis(100);
        socket.set_read_timeout(Some(glance)).unwrap();
        let (watching, stop) = (Arc::<Mutex<Watching>>::default(), Arc::default());
        let (inside, asked): (_, Arc<AtomicBool>) = (Arc::clone(&watching), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let mut datagram = [0; 2048];
            while !asked.load(Ordering::Acquire) {
                if let Ok(length) = socket.recv(&mut datagram) {
                    inside.lock().unwrap().take(&datagram[..length]);
                }
            }
        });
        Self {
            port,
            watching,
            stop,
            thread: Some(thread),
        }
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// What was seen since the last time.
    pub(crate) fn seen(&self) -> Seen {
        std::mem::take(&mut self.watching.lock().unwrap().seen)
    }

    /// Begins anew, and keeps what comes.
    pub(crate) fn keep(&self) {
        let mut watching = self.watching.lock().unwrap();
        (watching.seen, watching.keeps) = (Seen::default(), true);
    }

    /// Waits until so many packets more have come.
    #[track_caller]
    pub(crate) fn sees(&self, packets: u64) {
        let so_far = || self.watching.lock().unwrap().seen.packets;
        let wanted = so_far() + packets;
        eventually("the program goes on", || (so_far() >= wanted).then_some(()));
    }
}

impl Watching {
    fn take(&mut self, datagram: &[u8]) {
        let now = Instant::now();
        if let Some(last) = self.last.replace(now) {
            let silence = now - last;
            self.seen.longest_silence = self.seen.longest_silence.max(silence);
        }
        if self.keeps {
            self.seen.kept.extend_from_slice(datagram);
        }
        for packet in datagram.chunks_exact(188) {
            assert_eq!(packet[0], 0x47, "a packet begins where one should");
            self.seen.packets += 1;
            let pid = u16::from_be_bytes([packet[1], packet[2]]) & 0x1FFF;
            let (has_payload, counter) = (packet[3] & 0x10 != 0, packet[3] & 0x0F);
            if pid == 0x1FFF {
                continue;
            }
            let step = u8::from(has_payload);
            let last = self.counters.insert(pid, counter);
            let is_right = last.is_none_or(|last| (last + step) & 0x0F == counter);
            self.seen.counter_errors += u64::from(!is_right);
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}
