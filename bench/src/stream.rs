//! The stream that is published: H.264 and AAC at a constant rate, made once by ffmpeg.

use crate::payload::PAYLOAD_BYTES;
use bytes::Bytes;
use std::path::Path;
use std::time::Duration;
use tidegate_testkit::media;

/// Of the whole rate, what the picture gets: the rest is sound, tables and a little filling, as
/// an encoder with a constant rate leaves it.
const PICTURE_PERCENT: u64 = 88;
/// Frames per second where nothing else is said; a key frame comes every second.
pub(crate) const FRAMES_PER_SECOND: u32 = 25;

/// A transport stream that is sent evenly, as a multiplexer with a constant rate does.
pub(crate) struct Stream {
    bytes: Bytes,
    pub(crate) rate_bps: u64,
}

impl Stream {
    /// Has ffmpeg make `length` of it.
    pub(crate) fn make(folder: &Path, rate_bps: u64, length: Duration) -> anyhow::Result<Self> {
        Self::at_frame_rate(folder, rate_bps, FRAMES_PER_SECOND, length)
    }

    /// The same at another frame rate.
    pub(crate) fn at_frame_rate(
        folder: &Path,
        rate_bps: u64,
        frames_per_second: u32,
        length: Duration,
    ) -> anyhow::Result<Self> {
        let settings = "-preset ultrafast -tune zerolatency";
        Self::encoded(
            folder,
            rate_bps,
            frames_per_second,
            frames_per_second,
            settings,
            length,
        )
    }

    /// The same with a key frame every so many frames, and settings for x264.
    pub(crate) fn encoded(
        folder: &Path,
        rate_bps: u64,
        frames_per_second: u32,
        key_frame_every: u32,
        settings: &str,
        length: Duration,
    ) -> anyhow::Result<Self> {
        let file = folder.join(format!("stream-{rate_bps}.ts"));
        let size = if rate_bps >= 3_000_000 {
            "1280x720"
        } else {
            "640x360"
        };
        // Noise, so that the picture needs the rate it is given.
        let picture = format!("testsrc2=s={size}:r={frames_per_second},noise=alls=20:allf=t");
        let (picture_bps, seconds) = (rate_bps * PICTURE_PERCENT / 100, length.as_secs());
        let settings = format!(
            "-t {seconds} -c:v libx264 {settings} -pix_fmt yuv420p \
             -g {key_frame_every} -sc_threshold 0 -b:v {picture_bps} -maxrate {picture_bps} \
             -bufsize {picture_bps} -x264-params nal-hrd=cbr -c:a aac -b:a 64k -ac 2 \
             -muxrate {rate_bps}"
        );
        media::encode(&picture, &settings, &file);
        let bytes = std::fs::read(&file)?.into();
        std::fs::remove_file(&file)?;
        Ok(Self { bytes, rate_bps })
    }

    /// All of it.
    pub(crate) const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Packets in it.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() / PAYLOAD_BYTES
    }

    /// One of them; all publishers share the memory.
    pub(crate) fn packet(&self, index: usize) -> Bytes {
        let start = index * PAYLOAD_BYTES;
        self.bytes.slice(start..start + PAYLOAD_BYTES)
    }

    /// When a packet is to be sent, from the first one on.
    pub(crate) fn send_time(&self, index: usize) -> Duration {
        let bits = index as u64 * PAYLOAD_BYTES as u64 * 8;
        Duration::from_nanos(
            u64::try_from(u128::from(bits) * 1_000_000_000 / u128::from(self.rate_bps))
                .unwrap_or(u64::MAX),
        )
    }
}
