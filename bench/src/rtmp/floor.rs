//! The floor: the same bytes into plain TCP connections, without any protocol.
//!
//! One write a picture and connection, as large as pictures are; whoever receives discards it.
//! On the loopback interface a sender pays for the delivery as well.

use crate::stream::{FRAMES_PER_SECOND, Stream};
use crate::usage;
use anyhow::Context as _;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tidegate_udp::{Interest, Poller};

/// The share of its schedule that must have been kept.
const IN_TIME_MIN: f64 = 0.97;
const LOOK: Duration = Duration::from_millis(100);
const READ_BYTES: usize = 256 << 10;

/// CPU time of the sender, of one core.
pub(super) fn measure(stream: &Stream, outputs: usize, time: Duration) -> anyhow::Result<f64> {
    let drain = Drain::start(outputs)?;
    let port = drain.port;
    let connect = |_| -> anyhow::Result<TcpStream> {
        let to = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        to.set_nodelay(true)?;
        Ok(to)
    };
    let mut connections: Vec<TcpStream> =
        (0..outputs).map(connect).collect::<anyhow::Result<_>>()?;
    let step = Duration::from_secs(1) / FRAMES_PER_SECOND;
    let bytes = stream.rate_bps / 8 / u64::from(FRAMES_PER_SECOND);
    let picture = stream.bytes().slice(..usize::try_from(bytes)?);
    let (began, cpu) = (Instant::now(), usage::own_thread_cpu());
    let (mut due, mut pictures) = (began, 0_u32);
    while began.elapsed() < time {
        for connection in &mut connections {
            connection.write_all(&picture)?;
        }
        pictures += 1;
        due += step;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    let cpu = usage::own_thread_cpu().saturating_sub(cpu);
    let took = began.elapsed();
    anyhow::ensure!(
        due >= began + took.mul_f64(IN_TIME_MIN),
        "only {pictures} pictures were written in {took:?}"
    );
    Ok(cpu.as_secs_f64() / took.as_secs_f64())
}

/// Takes all and keeps nothing, on a thread of its own.
struct Drain {
    port: u16,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Drain {
    fn start(connections: usize) -> anyhow::Result<Self> {
        let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = door.local_addr()?.port();
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let thread = std::thread::spawn(move || drain(&door, connections, &asked));
        Ok(Self {
            port,
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A sender whose bytes are not taken says so itself.
            drop(thread.join());
        }
    }
}

fn drain(door: &TcpListener, count: usize, stop: &AtomicBool) -> anyhow::Result<()> {
    let mut poller = Poller::new()?;
    let mut streams = Vec::new();
    for number in 0..count {
        let (stream, _) = door.accept()?;
        stream.set_nonblocking(true)?;
        poller.add(&stream, number as u64, Interest::Read)?;
        streams.push(stream);
    }
    let mut buffer = vec![0; READ_BYTES];
    while !stop.load(Ordering::Relaxed) {
        poller.wait(Some(LOOK))?;
        for token in poller.ready() {
            let stream = streams.get_mut(usize::try_from(token)?);
            let stream = stream.context("a connection that was made")?;
            if stream.read(&mut buffer).is_ok_and(|count| count == 0) {
                return Ok(());
            }
        }
    }
    Ok(())
}
