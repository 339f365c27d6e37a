use std::sync::Arc;

use bytes::Bytes;
use tidegate_codecs::opus::{self, OpusInfo};
use tidegate_codecs::sample::{self, NAL_LENGTH_BYTES};
use tidegate_codecs::{Codec, Record, StreamConfig, StreamReader};

use crate::FlvError;
use crate::clock::Cadence;

/// One track, as it is read.
#[derive(Debug)]
pub(crate) struct TrackReader {
    pub(crate) codec: Codec,
    nal_length_bytes: u8,
    reader: StreamReader,
    /// What the last sequence header said, for codecs whose frames say nothing.
    told: Option<Arc<StreamConfig>>,
    cadence: Cadence,
}

/// A frame, as a feed holds it.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) data: Bytes,
    pub(crate) key: bool,
    /// [`TrackReader::config`] is new.
    pub(crate) config_changed: bool,
}

impl TrackReader {
    pub(crate) fn new(codec: Codec) -> Self {
        Self {
            codec,
            nal_length_bytes: NAL_LENGTH_BYTES as u8,
            reader: StreamReader::new(codec),
            told: None,
            cadence: Cadence::default(),
        }
    }

    pub(crate) fn config(&self) -> Option<&Arc<StreamConfig>> {
        self.reader.config().or(self.told.as_ref())
    }

    /// Takes a sequence header; whether it says something new.
    pub(crate) fn header(&mut self, record: &[u8]) -> Result<bool, FlvError> {
        // AC-3, E-AC-3 and MP3 say everything in each frame. ffmpeg begins AV1 with an empty
        // header, and sends the true one once its encoder has told it.
        let says_nothing = matches!(self.codec, Codec::Ac3 | Codec::Eac3 | Codec::MpegAudio);
        if says_nothing || record.is_empty() {
            return Ok(false);
        }
        let broken = FlvError::BrokenHeader(self.codec.name());
        let Record {
            config,
            nal_length_bytes,
        } = Record::parse(self.codec, record).ok_or(broken)?;
        self.nal_length_bytes = nal_length_bytes;
        // Encoders repeat their header; what the stream itself has added since then stays.
        if self.told.as_ref() == Some(&config) {
            return Ok(false);
        }
        self.told = Some(Arc::clone(&config));
        self.reader = StreamReader::with_config(config);
        Ok(true)
    }

    /// Takes a frame that the sender calls a key frame or not.
    pub(crate) fn frame(&mut self, data: &Bytes, called_key: bool) -> Result<Unit, FlvError> {
        let name = self.codec.name();
        match self.codec {
            Codec::H264 | Codec::H265 | Codec::Av1 => {
                let unit = sample::to_unit(self.codec, data, self.nal_length_bytes);
                let data = unit.ok_or(FlvError::BrokenFrame(name))?;
                let info = self.reader.read(&data);
                Ok(Unit {
                    data,
                    key: info.key || called_key,
                    config_changed: info.config_changed,
                })
            }
            Codec::Aac if self.told.is_none() => Err(FlvError::NoHeader(name)),
            Codec::Opus => {
                let config_changed = self.told.is_none();
                if config_changed {
                    let info = OpusInfo::of_packet(data);
                    self.told = Some(Arc::new(StreamConfig::Audio(info.stream_config())));
                }
                Ok(sound(data, config_changed))
            }
            Codec::Aac => Ok(sound(data, false)),
            _ => {
                let info = self.reader.read(data);
                if !info.complete {
                    return Err(FlvError::BrokenFrame(name));
                }
                Ok(sound(data, info.config_changed))
            }
        }
    }

    /// The exact time of a sound frame that was told to be at `told`.
    pub(crate) fn place(&mut self, told: i64, data: &[u8]) -> i64 {
        let Some(format) = self.config().and_then(|config| config.audio()) else {
            return told;
        };
        let (rate_hz, samples) = (
            format.format.sample_rate_hz,
            format.format.samples_per_frame,
        );
        let samples = match self.codec {
            Codec::Opus => opus::packet_samples(data).unwrap_or(0),
            _ => samples,
        };
        self.cadence.place(told, samples, rate_hz)
    }
}

fn sound(data: &Bytes, config_changed: bool) -> Unit {
    Unit {
        data: data.clone(),
        key: true,
        config_changed,
    }
}
