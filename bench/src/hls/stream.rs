//! The stream that is published: H.264 and AAC at a constant rate, made once by ffmpeg.

use anyhow::{Context as _, bail};
use bytes::Bytes;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Bytes in one SRT packet: seven transport stream packets.
const PACKET_BYTES: usize = 7 * 188;
/// Of the whole rate, what the picture gets: the rest is sound, tables and a little filling, as
/// an encoder with a constant rate leaves it.
const PICTURE_PERCENT: u64 = 88;
/// Frames per second, and from key frame to key frame.
const FRAMES_PER_SECOND: u32 = 25;

/// A transport stream that is sent evenly, as a multiplexer with a constant rate does.
pub(super) struct Stream {
    bytes: Bytes,
    pub(super) rate_bps: u64,
}

impl Stream {
    /// Has ffmpeg make `length` of it.
    pub(super) fn make(folder: &Path, rate_bps: u64, length: Duration) -> anyhow::Result<Self> {
        let file = folder.join(format!("stream-{rate_bps}.ts"));
        let size = if rate_bps >= 3_000_000 {
            "1280x720"
        } else {
            "640x360"
        };
        // Noise, so that the picture needs the rate it is given.
        let picture = format!("testsrc2=s={size}:r={FRAMES_PER_SECOND},noise=alls=20:allf=t");
        let picture_rate = (rate_bps * PICTURE_PERCENT / 100).to_string();
        let whole_rate = rate_bps.to_string();
        let (distance, seconds) = (FRAMES_PER_SECOND.to_string(), length.as_secs().to_string());
        let status = Command::new("ffmpeg")
            .args([
                "-hide_banner",
                "-nostdin",
                "-v",
                "error",
                "-y",
                "-f",
                "lavfi",
                "-i",
                &picture,
            ])
            .args([
                "-f",
                "lavfi",
                "-i",
                "sine=frequency=440:sample_rate=48000",
                "-t",
                &seconds,
            ])
            .args([
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-tune",
                "zerolatency",
            ])
            .args(["-pix_fmt", "yuv420p", "-g", &distance, "-sc_threshold", "0"])
            .args(["-b:v", &picture_rate, "-maxrate", &picture_rate])
            .args(["-bufsize", &picture_rate, "-x264-params", "nal-hrd=cbr"])
            .args(["-c:a", "aac", "-b:a", "64k", "-ac", "2"])
            .args(["-f", "mpegts", "-muxrate", &whole_rate])
            .arg(&file)
            .stdin(Stdio::null())
            .status()
            .context("ffmpeg, which makes the stream, cannot be started")?;
        if !status.success() {
            bail!("ffmpeg could not make the stream: {status}");
        }
        let bytes = std::fs::read(&file)?.into();
        std::fs::remove_file(&file)?;
        Ok(Self { bytes, rate_bps })
    }

    /// Packets in it.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() / PACKET_BYTES
    }

    /// One of them; all publishers share the memory.
    pub(super) fn packet(&self, index: usize) -> Bytes {
        let start = index * PACKET_BYTES;
        self.bytes.slice(start..start + PACKET_BYTES)
    }

    /// When a packet is to be sent, from the first one on.
    pub(super) fn send_time(&self, index: usize) -> Duration {
        let bits = index as u64 * PACKET_BYTES as u64 * 8;
        Duration::from_nanos(
            u64::try_from(u128::from(bits) * 1_000_000_000 / u128::from(self.rate_bps))
                .unwrap_or(u64::MAX),
        )
    }
}
