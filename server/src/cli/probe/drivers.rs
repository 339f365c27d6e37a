//! Feeds that only `probe` takes: a file played in its own time, and UDP.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use tidegate_engine::{BoxFuture, Ended, RunError, SourceContext, SourceDriver, TsChunk};
use tidegate_mpegts::{PACKET_BYTES, Packet, Pcr};
use tokio::net::UdpSocket;

/// As SRT and UDP carry them.
const CHUNK_BYTES: usize = 7 * PACKET_BYTES;
/// Largest datagram of IP.
const DATAGRAM_BYTES_MAX: usize = 65_536;
/// A clock that steps further than this does not say how fast to play.
const STEP_MAX: Duration = Duration::from_secs(1);

pub(super) fn file(path: &str) -> anyhow::Result<Arc<dyn SourceDriver>> {
    let path = PathBuf::from(path);
    let metadata =
        std::fs::metadata(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    anyhow::ensure!(metadata.is_file(), "{} is not a file", path.display());
    Ok(Arc::new(FileFeed { path }))
}

pub(super) fn udp(address: &str) -> anyhow::Result<Arc<dyn SourceDriver>> {
    let address = address
        .split(['?', '/'])
        .next()
        .unwrap_or_default()
        .trim_start_matches('@');
    let address: SocketAddr = address
        .parse()
        .with_context(|| format!("{address} is not an address and port"))?;
    Ok(Arc::new(UdpFeed { address }))
}

struct FileFeed {
    path: PathBuf,
}

impl SourceDriver for FileFeed {
    fn kind(&self) -> &'static str {
        "file"
    }

    fn mode(&self) -> &'static str {
        "play"
    }

    fn run(self: Arc<Self>, context: SourceContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            let unreadable = |error: std::io::Error| {
                let message = format!("{} cannot be read: {error}", self.path.display());
                RunError::configuration(message, "Name a file of MPEG-TS")
            };
            let mut file = std::fs::File::open(&self.path).map_err(unreadable)?;
            let mut writer = context.feed.ts_writer();
            let mut pace = Pace::default();
            context.report.connected(None);
            loop {
                let mut chunk = Vec::with_capacity(CHUNK_BYTES);
                // Local files are read in well under a millisecond.
                (&mut file)
                    .take(CHUNK_BYTES as u64)
                    .read_to_end(&mut chunk)
                    .map_err(unreadable)?;
                if chunk.is_empty() || context.stop.is_cancelled() {
                    return Ok(Ended::Finished);
                }
                tokio::time::sleep(pace.wait_before(&chunk)).await;
                let now = context.clock.now();
                let bytes = Bytes::from(chunk);
                writer.push(TsChunk {
                    bytes,
                    origin: now,
                    arrived: now,
                    due: now,
                    lost_before: 0,
                });
                writer.seal();
            }
        })
    }
}

/// Plays a file as fast as its first clock runs.
#[derive(Default)]
struct Pace {
    pid: Option<u16>,
    last: Option<Pcr>,
    /// How far the play-out is behind (positive) the wall clock's beginning.
    played: Duration,
    began: Option<tokio::time::Instant>,
}

impl Pace {
    fn wait_before(&mut self, chunk: &[u8]) -> Duration {
        let (packets, _) = chunk.as_chunks::<PACKET_BYTES>();
        for packet in packets.iter().filter_map(Packet::new) {
            let Some(pcr) = packet.adaptation().and_then(|adaptation| adaptation.pcr) else {
                continue;
            };
            if *self.pid.get_or_insert(packet.pid()) == packet.pid() {
                self.advance(pcr);
            }
        }
        let began = *self.began.get_or_insert_with(tokio::time::Instant::now);
        self.played.saturating_sub(began.elapsed())
    }

    fn advance(&mut self, pcr: Pcr) {
        if let Some(last) = self.last.replace(pcr) {
            let step = Duration::from_micros(pcr.since(last) / (Pcr::HERTZ / 1_000_000));
            self.played += if step > STEP_MAX {
                Duration::ZERO
            } else {
                step
            };
        }
    }
}

struct UdpFeed {
    address: SocketAddr,
}

impl SourceDriver for UdpFeed {
    fn kind(&self) -> &'static str {
        "udp"
    }

    fn mode(&self) -> &'static str {
        "receive"
    }

    fn run(self: Arc<Self>, context: SourceContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            let socket = receive_at(self.address).await.map_err(|error| {
                let message = format!("{} cannot be received: {error}", self.address);
                RunError::configuration(message, "Stop what uses the port, or choose another")
            })?;
            let mut writer = context.feed.ts_writer();
            let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
            let mut connected = false;
            loop {
                let received = tokio::select! {
                    received = socket.recv_from(&mut datagram) => received,
                    () = context.stop.cancelled() => return Ok(Ended::Stopped),
                };
                let (length, from) = received.map_err(|error| {
                    RunError::ours(format!("the socket failed: {error}"), "Try again")
                })?;
                if !connected {
                    context.report.connected(Some(from.to_string()));
                    connected = true;
                }
                let now = context.clock.now();
                let bytes = Bytes::copy_from_slice(&datagram[..length]);
                writer.push(TsChunk {
                    bytes,
                    origin: now,
                    arrived: now,
                    due: now,
                    lost_before: 0,
                });
                writer.seal();
            }
        })
    }
}

async fn receive_at(address: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address).await?;
    match address.ip() {
        IpAddr::V4(group) if group.is_multicast() => {
            socket.join_multicast_v4(group, Ipv4Addr::UNSPECIFIED)?;
        }
        IpAddr::V6(group) if group.is_multicast() => socket.join_multicast_v6(&group, 0)?,
        _ => {}
    }
    Ok(socket)
}
