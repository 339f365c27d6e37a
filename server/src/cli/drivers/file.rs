use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use tidegate_engine::{
    BoxFuture, Connection, Ended, RunError, SourceContext, SourceDriver, TsChunk,
};
use tidegate_mpegts::{PACKET_BYTES, Packet, Pcr};
use tokio_util::sync::CancellationToken;

use super::CHUNK_BYTES;

/// A clock that steps further than this does not say how fast to play.
const STEP_MAX: Duration = Duration::from_secs(1);

/// A file of MPEG-TS, played in its own time from when `audience` is cancelled: somebody is
/// there. `ended` is cancelled at its end.
pub(in crate::cli) fn file(
    path: &str,
    audience: CancellationToken,
    ended: CancellationToken,
) -> anyhow::Result<Arc<dyn SourceDriver>> {
    let path = PathBuf::from(path);
    let metadata =
        std::fs::metadata(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    anyhow::ensure!(metadata.is_file(), "{} is not a file", path.display());
    Ok(Arc::new(FileFeed {
        path,
        audience,
        ended,
    }))
}

struct FileFeed {
    path: PathBuf,
    audience: CancellationToken,
    ended: CancellationToken,
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
            if !self.audience.is_cancelled() {
                let waiting = Some("waiting for the first reader".to_owned());
                context.report.connection(Connection::Disconnected, waiting);
                tokio::select! {
                    () = self.audience.cancelled() => {}
                    () = context.stop.cancelled() => return Ok(Ended::Stopped),
                }
            }
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
                if chunk.is_empty() {
                    self.ended.cancel();
                    return Ok(Ended::Finished);
                }
                if context.stop.is_cancelled() {
                    return Ok(Ended::Stopped);
                }
                tokio::time::sleep(pace.wait_before(&chunk)).await;
                let now = context.clock.now();
                let bytes = Bytes::from(chunk);
                writer.push(TsChunk::live(bytes, now));
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
