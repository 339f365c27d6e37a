//! Opus: the control header in front of each packet in MPEG-TS, the identification headers
//! of other containers, packet durations.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{AudioConfig, AudioFormat, AudioHeaders, Codec};

/// Opus always counts in this clock.
pub const SAMPLE_RATE_HZ: u32 = 48_000;
/// A control header's size field may be continued this often (a packet is at most 64 KiB).
const MAX_SIZE_BYTES: usize = 260;
/// The encoder's look-ahead when the stream does not say: 6.5 ms, libopus's own.
const DEFAULT_PRE_SKIP: u16 = 312;
const HEAD_MAGIC: &[u8; 8] = b"OpusHead";
/// Without a mapping table there are at most two channels.
const MAX_CHANNELS: u8 = 2;

/// What a container must be told about an Opus stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpusInfo {
    /// Output channels.
    pub channels: u8,
    /// Samples to discard at the very beginning.
    pub pre_skip: u16,
}

impl OpusInfo {
    /// From the channel configuration code of the TS descriptor; only mono and stereo
    /// (codes 1 and 2, and 0 for dual mono) need no mapping table.
    #[must_use]
    pub fn from_channel_code(code: u8) -> Option<Self> {
        let channels = match code {
            1 => 1,
            0 | 2 => 2,
            _ => return None,
        };
        Some(Self {
            channels,
            pre_skip: DEFAULT_PRE_SKIP,
        })
    }

    /// Reads the identification header (RFC 7845, section 5.1), which Enhanced RTMP sends too.
    /// Streams that need a mapping table are refused.
    #[must_use]
    pub fn parse_head(head: &[u8]) -> Option<Self> {
        let [version, channels, low, high, ..] = *head.strip_prefix(HEAD_MAGIC)? else {
            return None;
        };
        (version < 16).then_some(())?;
        Self::of_channels(channels, u16::from_le_bytes([low, high]))
    }

    /// Reads the body of `dOps`, as [`OpusInfo::parse_head`] does its own.
    #[must_use]
    pub fn parse_dops(body: &[u8]) -> Option<Self> {
        let [0, channels, high, low, _, _, _, _, _, _, _, ..] = *body else {
            return None;
        };
        Self::of_channels(channels, u16::from_be_bytes([high, low]))
    }

    fn of_channels(channels: u8, pre_skip: u16) -> Option<Self> {
        (1..=MAX_CHANNELS)
            .contains(&channels)
            .then_some(Self { channels, pre_skip })
    }

    /// What a packet alone tells: whether it is mono or stereo.
    #[must_use]
    pub fn of_packet(packet: &[u8]) -> Self {
        let stereo = packet.first().is_some_and(|toc| toc & 4 != 0);
        Self {
            channels: 1 + u8::from(stereo),
            pre_skip: DEFAULT_PRE_SKIP,
        }
    }

    /// The whole configuration.
    #[must_use]
    pub const fn stream_config(self) -> AudioConfig {
        AudioConfig {
            format: self.format(),
            headers: AudioHeaders::Opus(self),
        }
    }

    /// The stream as a format.
    #[must_use]
    pub const fn format(&self) -> AudioFormat {
        AudioFormat {
            codec: Codec::Opus,
            name: "opus",
            profile: None,
            sample_rate_hz: SAMPLE_RATE_HZ,
            channels: self.channels,
            samples_per_frame: 0,
        }
    }
}

/// The identification header (RFC 7845, section 5.1).
#[must_use]
pub fn head(info: &OpusInfo) -> Bytes {
    let mut head = BytesMut::with_capacity(19);
    head.put_slice(HEAD_MAGIC);
    head.put_u8(1);
    head.put_u8(info.channels);
    head.put_u16_le(info.pre_skip);
    head.put_u32_le(SAMPLE_RATE_HZ);
    head.put_u16_le(0); // gain
    head.put_u8(0); // no mapping table
    head.freeze()
}

/// A control header: where its packet lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control {
    /// Bytes of the control header.
    pub header_bytes: usize,
    /// Bytes of the Opus packet behind it.
    pub packet_bytes: usize,
}

/// Reads a control header; `Err(true)` when more bytes are needed, `Err(false)` when
/// this is none.
pub fn control(data: &[u8]) -> Result<Control, bool> {
    let [first, flags, ..] = *data else {
        return Err(true);
    };
    if first != 0x7F || flags & 0xE0 != 0xE0 {
        return Err(false);
    }
    let mut at = 2;
    let mut packet_bytes = 0;
    loop {
        let byte = *data.get(at).ok_or(true)?;
        at += 1;
        packet_bytes += usize::from(byte);
        if byte != 0xFF {
            break;
        }
        if at > MAX_SIZE_BYTES {
            return Err(false);
        }
    }
    at += if flags & 0x10 != 0 { 2 } else { 0 }; // start trim
    at += if flags & 0x08 != 0 { 2 } else { 0 }; // end trim
    if flags & 0x04 != 0 {
        at += 1 + usize::from(*data.get(at).ok_or(true)?); // extension
    }
    Ok(Control {
        header_bytes: at,
        packet_bytes,
    })
}

/// How many 48 kHz samples a packet lasts (RFC 6716, section 3.1).
#[must_use]
pub fn packet_samples(packet: &[u8]) -> Option<u32> {
    let toc = *packet.first()?;
    let frame = match toc >> 3 {
        config @ 0..=11 => [480, 960, 1920, 2880][usize::from(config & 3)],
        config @ 12..=15 => [480, 960][usize::from(config & 1)],
        config => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(packet.get(1)? & 0x3F),
    };
    Some(frame * frames).filter(|&samples| samples > 0 && samples <= 5760)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_header_with_a_trim_and_a_long_packet_is_measured() {
        let control = control(&[0x7F, 0xF0, 0xFF, 0x05, 0x01, 0x38]).expect("a header");
        assert_eq!(
            control,
            Control {
                header_bytes: 6,
                packet_bytes: 260
            }
        );
        assert_eq!(super::control(&[0x7F, 0xE0, 0xFF]), Err(true));
        assert_eq!(super::control(&[0x00, 0xE0, 0x01]), Err(false));
    }

    #[test]
    fn a_twenty_millisecond_packet_lasts_960_samples() {
        assert_eq!(packet_samples(&[0xFC, 0xFF]), Some(960));
        assert_eq!(packet_samples(&[]), None);
    }
}
