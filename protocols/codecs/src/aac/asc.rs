use bytes::Bytes;

use super::{SAMPLE_RATES_HZ, SAMPLES_PER_FRAME, channels};
use crate::bits::BitReader;
use crate::{AudioConfig, AudioFormat, AudioHeaders, Codec};

const MAIN: u8 = 1;
const LC: u8 = 2;
const SBR: u8 = 5;
const PARAMETRIC_STEREO: u8 = 29;
const ESCAPE: u8 = 31;
const EXPLICIT_RATE: u8 = 15;

/// The AudioSpecificConfig of MPEG-4, as far as it identifies the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioSpecificConfig {
    /// The audio object type that is signalled first: 2 LC, 5 HE, 29 HE v2.
    pub object_type: u8,
    /// The object type of the core: 2 for HE too.
    pub core_object_type: u8,
    /// samplingFrequencyIndex of the core.
    pub rate_index: u8,
    /// Samples per second of the core.
    pub sample_rate_hz: u32,
    /// Samples per second of the output, where spectral band replication is signalled.
    pub extension_rate_hz: Option<u32>,
    /// channelConfiguration.
    pub channel_configuration: u8,
    /// Channels; zero where only the stream itself describes them.
    pub channels: u8,
}

impl AudioSpecificConfig {
    /// The configuration an ADTS header implies.
    #[must_use]
    pub fn plain(object_type: u8, rate_index: u8, channel_configuration: u8) -> Option<Self> {
        Some(Self {
            object_type,
            core_object_type: object_type,
            rate_index,
            sample_rate_hz: *SAMPLE_RATES_HZ.get(usize::from(rate_index))?,
            extension_rate_hz: None,
            channel_configuration,
            channels: channels(channel_configuration),
        })
    }

    /// Reads the record as it stands in `esds`.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        Self::read(&mut BitReader::new(data))
    }

    /// Reads up to, but not including, the part that depends on the object type.
    pub(super) fn read(reader: &mut BitReader<'_>) -> Option<Self> {
        let object_type = read_object_type(reader)?;
        let (rate_index, sample_rate_hz) = read_rate(reader)?;
        let channel_configuration = reader.byte(4)?;
        let mut config = Self {
            object_type,
            core_object_type: object_type,
            rate_index,
            sample_rate_hz,
            extension_rate_hz: None,
            channel_configuration,
            channels: channels(channel_configuration),
        };
        if matches!(object_type, SBR | PARAMETRIC_STEREO) {
            config.extension_rate_hz = Some(read_rate(reader)?.1);
            config.core_object_type = read_object_type(reader)?;
        }
        Some(config)
    }

    /// The two bytes that say this in `esds`; for configurations read from ADTS.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let first = self.object_type << 3 | self.rate_index >> 1;
        let second = self.rate_index << 7 | self.channel_configuration << 3;
        Bytes::copy_from_slice(&[first, second])
    }

    /// The profile by its usual name.
    #[must_use]
    pub const fn profile(&self) -> Option<&'static str> {
        match self.object_type {
            MAIN => Some("Main"),
            LC => Some("LC"),
            3 => Some("SSR"),
            4 => Some("LTP"),
            SBR => Some("HE-AAC"),
            PARAMETRIC_STEREO => Some("HE-AACv2"),
            23 => Some("LD"),
            39 => Some("ELD"),
            _ => None,
        }
    }

    /// The whole configuration of a stream of `codec`, whose record is `record`.
    #[must_use]
    pub fn stream_config(&self, codec: Codec, record: Bytes) -> AudioConfig {
        AudioConfig {
            format: AudioFormat {
                codec,
                name: codec.name(),
                profile: self.profile(),
                sample_rate_hz: self.extension_rate_hz.unwrap_or(self.sample_rate_hz),
                channels: self.output_channels(),
                samples_per_frame: self.samples_per_frame(),
            },
            headers: AudioHeaders::Aac {
                audio_specific_config: record,
            },
        }
    }

    /// Parametric stereo makes two channels of one.
    fn output_channels(&self) -> u8 {
        if self.object_type == PARAMETRIC_STEREO {
            2
        } else {
            self.channels
        }
    }

    /// Output samples per channel in one frame.
    fn samples_per_frame(&self) -> u32 {
        let doubled = self
            .extension_rate_hz
            .is_some_and(|rate| rate == 2 * self.sample_rate_hz);
        SAMPLES_PER_FRAME << u32::from(doubled)
    }
}

fn read_object_type(reader: &mut BitReader<'_>) -> Option<u8> {
    let object_type = reader.byte(5)?;
    if object_type == ESCAPE {
        Some(32 + reader.byte(6)?)
    } else {
        Some(object_type)
    }
}

fn read_rate(reader: &mut BitReader<'_>) -> Option<(u8, u32)> {
    let index = reader.byte(4)?;
    let rate = if index == EXPLICIT_RATE {
        reader.bits(24)?
    } else {
        *SAMPLE_RATES_HZ.get(usize::from(index))?
    };
    (7000..=192_000).contains(&rate).then_some((index, rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_adts_implies_reads_back_from_its_record() {
        let config = AudioSpecificConfig::plain(LC, 3, 2).expect("a valid rate");
        assert_eq!(config.to_bytes()[..], [0x11, 0x90]);
        assert_eq!(AudioSpecificConfig::parse(&config.to_bytes()), Some(config));
    }

    #[test]
    fn signalled_band_replication_doubles_the_rate() {
        // HE-AAC: type 5, core 24 kHz, stereo, output 48 kHz, core type 2
        let config = AudioSpecificConfig::parse(&[0x2B, 0x11, 0x88, 0x00]).expect("valid");
        assert_eq!(config.sample_rate_hz, 24_000);
        assert_eq!(config.extension_rate_hz, Some(48_000));
        assert_eq!(config.profile(), Some("HE-AAC"));
    }
}
