//! Audio bytes to audio frames, each with its own time.

mod parse;
mod spans;

pub use spans::{FrameSpan, frames_in};

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};

use crate::aac::LatmReader;
use crate::opus::OpusInfo;
use crate::{AudioConfig, AudioHeaders, Codec, StreamConfig};

use self::parse::{Parse, parse_header};

/// More than the largest audio frame there is, several times over.
const MAX_BUFFER_BYTES: usize = 256 * 1024;
/// Times remembered for bytes that have not become frames yet.
const MAX_MARKS: usize = 16;
const TICKS_PER_SECOND: i64 = 90_000;

/// One audio frame without its transport framing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioFrame {
    /// Presentation time on the 90 kHz clock; `None` while none has been seen.
    pub pts: Option<i64>,
    /// The frame as a decoder takes it.
    pub data: Bytes,
    /// Duration on the 90 kHz clock, rounded down.
    pub duration: u32,
}

/// Divides one audio stream into frames, wherever the packets that carry it divide.
#[derive(Debug)]
pub struct AudioFramer {
    codec: Codec,
    buffer: BytesMut,
    /// Times of bytes in the buffer: where each begins to apply.
    marks: VecDeque<(usize, i64)>,
    /// The last given time, and the samples since, at their rate.
    clock: Option<(i64, u64, u32)>,
    latm: LatmReader,
    opus: Option<OpusInfo>,
    config: Option<Arc<StreamConfig>>,
    /// The last bytes were a frame, so the next ones start one.
    aligned: bool,
}

impl AudioFramer {
    /// A framer for a codec it knows; `None` for others, whose packets are their frames.
    /// `opus` is what the transport says about an Opus stream.
    #[must_use]
    pub fn new(codec: Codec, opus: Option<OpusInfo>) -> Option<Self> {
        matches!(
            codec,
            Codec::Aac | Codec::AacLatm | Codec::MpegAudio | Codec::Ac3 | Codec::Eac3 | Codec::Opus
        )
        .then(|| Self {
            codec,
            buffer: BytesMut::new(),
            marks: VecDeque::new(),
            clock: None,
            latm: LatmReader::default(),
            opus,
            config: None,
            aligned: false,
        })
    }

    /// The configuration, once a frame has been seen.
    #[must_use]
    pub fn config(&self) -> Option<&Arc<StreamConfig>> {
        self.config.as_ref()
    }

    /// Takes a packet; `pts` is the time of the first frame that begins in it.
    pub fn push(&mut self, pts: Option<i64>, data: &[u8]) {
        if self.buffer.len() + data.len() > MAX_BUFFER_BYTES {
            self.clear();
        }
        if let Some(pts) = pts {
            if self.marks.len() == MAX_MARKS {
                self.marks.pop_front();
            }
            self.marks.push_back((self.buffer.len(), pts));
        }
        self.buffer
            .extend_from_slice(&data[..data.len().min(MAX_BUFFER_BYTES)]);
    }

    /// The next complete frame. Call until `None` after every push.
    pub fn next_frame(&mut self) -> Option<AudioFrame> {
        loop {
            match self.parse() {
                Parse::NeedMore => return None,
                Parse::Garbage => self.skip_to_sync(),
                Parse::Frame {
                    header_bytes,
                    frame_bytes,
                    samples,
                    config,
                } => {
                    let frame = self.take(header_bytes, frame_bytes, samples, config);
                    if frame.is_some() {
                        return frame;
                    }
                }
            }
        }
    }

    /// Forgets what is half read: bytes were lost.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.marks.clear();
        self.clock = None;
        self.aligned = false;
    }

    fn take(
        &mut self,
        header_bytes: usize,
        frame_bytes: usize,
        samples: u32,
        config: AudioConfig,
    ) -> Option<AudioFrame> {
        self.aligned = true;
        let rate = config.format.sample_rate_hz;
        let pts = self.time_of_next(samples, rate);
        let bytes = self.split(frame_bytes);
        let config = StreamConfig::Audio(config);
        let (data, config) = if self.codec == Codec::AacLatm {
            let data = self.latm.frame(&bytes)?;
            let (asc, record) = self.latm.config()?;
            (
                data,
                StreamConfig::Audio(asc.stream_config(Codec::AacLatm, record.clone())),
            )
        } else {
            (bytes.slice(header_bytes..), config)
        };
        self.remember(config);
        let duration = u64::from(samples) * TICKS_PER_SECOND as u64 / u64::from(rate.max(1));
        Some(AudioFrame {
            pts,
            data,
            duration: u32::try_from(duration).unwrap_or(0),
        })
    }

    fn remember(&mut self, mut config: StreamConfig) {
        if let (Some(StreamConfig::Audio(known)), StreamConfig::Audio(new)) =
            (self.config.as_deref(), &mut config)
            && let (AudioHeaders::Eac3(known), AudioHeaders::Eac3(new)) =
                (&known.headers, &mut new.headers)
        {
            // The rate only informs; a stream of variable rate is still one stream.
            new.data_rate_kbps = known.data_rate_kbps;
        }
        if self.config.as_deref() != Some(&config) {
            self.config = Some(Arc::new(config));
        }
    }

    /// The time of the frame at the start of the buffer, and the clock moved past it.
    fn time_of_next(&mut self, samples: u32, rate: u32) -> Option<i64> {
        while let Some(&(at, pts)) = self.marks.front() {
            if at > 0 {
                break;
            }
            self.clock = Some((pts, 0, rate));
            self.marks.pop_front();
        }
        let (base, since, clock_rate) = self.clock.as_mut()?;
        if *clock_rate != rate {
            *base += ticks(*since, *clock_rate);
            (*since, *clock_rate) = (0, rate);
        }
        let pts = *base + ticks(*since, rate);
        *since += u64::from(samples);
        Some(pts)
    }

    fn split(&mut self, bytes: usize) -> Bytes {
        for (at, _) in &mut self.marks {
            // A mark inside the frame belongs to the first frame that begins behind it.
            *at = at.saturating_sub(bytes);
        }
        self.buffer.split_to(bytes).freeze()
    }

    /// Drops bytes up to the next place where a frame could begin.
    fn skip_to_sync(&mut self) {
        self.aligned = false;
        let first = match self.codec {
            Codec::AacLatm => 0x56,
            Codec::Ac3 | Codec::Eac3 => 0x0B,
            Codec::Opus => 0x7F,
            _ => 0xFF,
        };
        let skipped = self.buffer.iter().skip(1).position(|&byte| byte == first);
        let skipped = skipped.map_or(self.buffer.len(), |at| at + 1);
        for (at, _) in &mut self.marks {
            *at = at.saturating_sub(skipped);
        }
        self.buffer.advance(skipped);
    }

    fn parse(&self) -> Parse {
        let data = &self.buffer[..];
        let parsed = match parse_header(self.codec, data, self.opus, self.config.as_deref()) {
            Parse::Frame { frame_bytes, .. } if frame_bytes > data.len() => return Parse::NeedMore,
            parsed => parsed,
        };
        if let Parse::Frame { frame_bytes, .. } = parsed
            && !self.aligned
            && let rest = &data[frame_bytes..]
            && !rest.is_empty()
            && let Parse::Garbage = parse_header(self.codec, rest, self.opus, None)
        {
            return Parse::Garbage; // what looked like a header was payload
        }
        parsed
    }
}

fn ticks(samples: u64, rate: u32) -> i64 {
    i64::try_from(samples)
        .unwrap_or(i64::MAX)
        .saturating_mul(TICKS_PER_SECOND)
        / i64::from(rate.max(1))
}
