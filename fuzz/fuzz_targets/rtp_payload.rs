//! Access units of every payload format, cut into payloads. The first byte chooses the format,
//! the second how long payloads may be.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tidegate_codecs::{
    AudioConfig, AudioFormat, AudioHeaders, Codec, StreamConfig, VideoConfig, VideoFormat,
    VideoHeaders,
};
use tidegate_rtp::payload::Packetizer;

fuzz_target!(|input: &[u8]| {
    let [format, longest, unit @ ..] = input else {
        return;
    };
    let config = config(*format);
    let max_bytes = 64 + usize::from(*longest) * 6;
    let Some(mut packetizer) = Packetizer::new(&config, max_bytes) else {
        return;
    };
    let is_opus = config.codec() == Codec::Opus;
    let mut bytes = 0;
    for key in [false, true] {
        packetizer.packetize(unit, key, &mut |payload: &[u8], _| {
            assert!(is_opus || payload.len() <= max_bytes, "a payload too long");
            assert!(!payload.is_empty(), "an empty payload");
            bytes += payload.len();
        });
    }
    assert!(bytes <= 4 * unit.len() + 256, "bytes out of nothing");
});

fn config(format: u8) -> StreamConfig {
    let set = |bytes: &'static [u8]| vec![Bytes::from_static(bytes)];
    match format % 6 {
        0 => video(
            Codec::H264,
            VideoHeaders::H264 {
                sps: set(&[0x67, 1, 2]),
                pps: set(&[0x68, 3]),
            },
        ),
        1 => video(
            Codec::H265,
            VideoHeaders::H265 {
                vps: set(&[0x40, 1, 2]),
                sps: set(&[0x42, 1, 2]),
                pps: set(&[0x44, 1, 2]),
            },
        ),
        2 => audio(
            Codec::Aac,
            AudioHeaders::Aac {
                audio_specific_config: Bytes::from_static(&[0x11, 0x90]),
            },
        ),
        3 => audio(Codec::Opus, AudioHeaders::InBand),
        4 => audio(Codec::MpegAudio, AudioHeaders::InBand),
        _ => audio(Codec::Ac3, AudioHeaders::InBand),
    }
}

fn video(codec: Codec, headers: VideoHeaders) -> StreamConfig {
    StreamConfig::Video(VideoConfig {
        format: VideoFormat {
            codec,
            profile: None,
            level: None,
            width: 640,
            height: 360,
            fps: None,
            interlaced: false,
            bit_depth: 8,
        },
        headers,
    })
}

fn audio(codec: Codec, headers: AudioHeaders) -> StreamConfig {
    StreamConfig::Audio(AudioConfig {
        format: AudioFormat {
            codec,
            name: codec.name(),
            profile: None,
            sample_rate_hz: 48_000,
            channels: 2,
            samples_per_frame: 1024,
        },
        headers,
    })
}
