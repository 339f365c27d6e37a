//! One stream of a camera: what it is, and its frames as the engine wants them.

use core::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use retina::codec::{AudioFrame, ParametersRef, VideoFrame};
use tidegate_codecs::aac::AudioSpecificConfig;
use tidegate_codecs::{Codec, FrameRate, StreamConfig, StreamReader, VideoHeaders, h264, h265};
use tidegate_engine::{Frame, Track};
use tidegate_units::Instant;

use super::clock::Stamp;
use super::decode_order::DecodeOrder;

/// The first track's number; they go up from there.
const FIRST_TRACK: u16 = 0x100;
/// Picture and sound of one camera belong together.
const PROGRAM: u16 = 1;

/// A stream that is carried.
pub(super) struct Stream {
    /// Its place in the camera's description.
    pub(super) index: usize,
    pub(super) codec: Codec,
    track: u16,
    video: Option<Video>,
    config: Option<Arc<StreamConfig>>,
    /// Something is missing before the next frame.
    broken: bool,
    last_dts: Option<i64>,
    pub(super) lost_packets: u64,
    pub(super) frames: u64,
}

struct Video {
    reader: StreamReader,
    order: DecodeOrder,
}

impl Stream {
    pub(super) fn new(index: usize, number: u16, codec: Codec) -> Self {
        let video = codec.kind() == tidegate_codecs::Kind::Video;
        Self {
            index,
            codec,
            track: FIRST_TRACK + number,
            video: video.then(|| Video {
                reader: StreamReader::new(codec),
                order: DecodeOrder::default(),
            }),
            config: None,
            broken: false,
            last_dts: None,
            lost_packets: 0,
            frames: 0,
        }
    }

    pub(super) const fn is_video(&self) -> bool {
        self.video.is_some()
    }

    /// What a muxer needs before the first frame is known.
    pub(super) const fn is_known(&self) -> bool {
        self.config.is_some()
    }

    pub(super) fn track(&self) -> Track {
        Track {
            id: self.track,
            program: PROGRAM,
            codec: self.codec,
            language: None,
            config: self.config.clone(),
        }
    }

    /// What the description says about sound; whether that is enough.
    pub(super) fn learn(&mut self, parameters: Option<ParametersRef<'_>>) -> bool {
        let Some(ParametersRef::Audio(audio)) = parameters else {
            return self.is_known();
        };
        if self.codec == Codec::Aac {
            let record = Bytes::copy_from_slice(audio.extra_data());
            let config = AudioSpecificConfig::parse(&record)
                .map(|config| config.stream_config(Codec::Aac, record));
            self.config = config.map(|config| Arc::new(StreamConfig::Audio(config)));
        }
        self.is_known()
    }

    /// Its times do not continue.
    pub(super) fn moved(&mut self) {
        self.broken = true;
        if let Some(video) = &mut self.video {
            video.order.restart();
        }
    }

    /// A picture, and whether the track is another one with it. None until one can be shown.
    pub(super) fn picture(
        &mut self,
        picture: VideoFrame,
        pts: i64,
        now: Instant,
    ) -> (Option<Frame>, bool) {
        self.note_loss(picture.loss());
        let Some(video) = &mut self.video else {
            return (None, false);
        };
        let data = Bytes::from(picture.into_data());
        let info = video.reader.read(&data);
        if info.config_changed {
            self.config = video.reader.config().cloned();
            if let Some(reordered) = self.config.as_deref().and_then(reordered) {
                let video_config = self.config.as_deref().and_then(StreamConfig::video);
                let fps = video_config.and_then(|video| video.format.fps);
                video.order.expect(reordered, fps.map(FrameRate::as_f64));
            }
        }
        // Before its headers nobody can show a picture.
        if self.config.is_none() {
            return (None, false);
        }
        let dts = video.order.place(pts);
        let frame = self.frame(data, (pts, dts), info.key, now);
        (Some(frame), info.config_changed)
    }

    /// Sound, unless it belongs before what has been heard already.
    pub(super) fn sound(&mut self, sound: &AudioFrame, pts: i64, now: Instant) -> Option<Frame> {
        self.note_loss(sound.loss());
        if self.last_dts.is_some_and(|last| pts <= last) {
            self.broken = true;
            return None;
        }
        let data = Bytes::copy_from_slice(sound.data());
        Some(self.frame(data, (pts, pts), true, now))
    }

    fn note_loss(&mut self, packets: u16) {
        self.broken |= packets > 0;
        self.lost_packets += u64::from(packets);
    }

    fn frame(&mut self, data: Bytes, (pts, dts): (i64, i64), key: bool, now: Instant) -> Frame {
        self.frames += 1;
        self.last_dts = Some(dts);
        Frame {
            track: self.track,
            pts_90khz: pts,
            dts_90khz: dts,
            key,
            video: self.is_video(),
            discontinuity: core::mem::take(&mut self.broken),
            data,
            arrived: now,
            due: now,
        }
    }
}

/// A time stamp of the library's, as the clock takes it.
pub(super) fn stamp(timestamp: retina::Timestamp) -> Stamp {
    Stamp {
        at: timestamp.timestamp(),
        start: i64::from(timestamp.start()),
        rate_hz: NonZeroU32::max(timestamp.clock_rate(), NonZeroU32::MIN),
    }
}

/// The codec of a stream that can be carried.
pub(super) fn codec(media: &str, encoding: &str) -> Option<Codec> {
    match (media, encoding) {
        ("video", "h264") => Some(Codec::H264),
        ("video", "h265") => Some(Codec::H265),
        ("audio", "mpeg4-generic") => Some(Codec::Aac),
        _ => None,
    }
}

fn reordered(config: &StreamConfig) -> Option<u8> {
    match &config.video()?.headers {
        VideoHeaders::H264 { sps, .. } => h264::Sps::parse(sps.last()?)?.reordered,
        VideoHeaders::H265 { sps, .. } => h265::Sps::parse(sps.last()?)?.reordered,
        _ => None,
    }
}
