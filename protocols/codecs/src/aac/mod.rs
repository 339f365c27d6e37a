//! AAC: ADTS and LATM framing, the AudioSpecificConfig.

mod adts;
mod asc;
mod latm;

pub use adts::{AdtsHeader, adts_header};
pub use asc::AudioSpecificConfig;
pub use latm::{LatmReader, loas_frame_bytes};

/// A raw AAC frame has this many samples per channel.
pub const SAMPLES_PER_FRAME: u32 = 1024;

const SAMPLE_RATES_HZ: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000,
    7350,
];

/// Channels of a channel configuration; zero where the stream describes them itself.
const fn channels(configuration: u8) -> u8 {
    match configuration {
        1..=6 => configuration,
        7 | 12 | 14 => 8,
        11 => 7,
        _ => 0,
    }
}
