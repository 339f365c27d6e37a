use crate::Codec;

/// The widest picture taken seriously: 8K and the coding blocks that stick out of it.
pub const MAX_WIDTH: u32 = 8192;
/// The highest picture taken seriously.
pub const MAX_HEIGHT: u32 = 4352;
/// No real stream is faster than this many frames per second.
const MAX_FPS: f64 = 1000.0;

/// Frames per second as a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRate {
    /// Frames …
    pub numerator: u32,
    /// … per this many seconds.
    pub denominator: u32,
}

impl FrameRate {
    /// The rate, if it is one a stream can have.
    #[must_use]
    pub fn new(numerator: u32, denominator: u32) -> Option<Self> {
        if numerator == 0 || denominator == 0 {
            return None;
        }
        let divisor = greatest_common_divisor(numerator, denominator);
        let rate = Self {
            numerator: numerator / divisor,
            denominator: denominator / divisor,
        };
        (rate.as_f64() <= MAX_FPS).then_some(rate)
    }

    /// Frames per second.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }
}

fn greatest_common_divisor(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// What the headers of a video stream say about it.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoFormat {
    /// The codec.
    pub codec: Codec,
    /// The profile by its usual name, for example "High" or "Main 10".
    pub profile: Option<&'static str>,
    /// The level by its usual name, for example "4.1".
    pub level: Option<String>,
    /// Visible width in pixels.
    pub width: u32,
    /// Visible height in pixels.
    pub height: u32,
    /// The frame rate, where the headers declare one.
    pub fps: Option<FrameRate>,
    /// Whether fields may occur.
    pub interlaced: bool,
    /// Bits per luma sample.
    pub bit_depth: u8,
}

impl VideoFormat {
    /// Whether the picture has a size that a real picture can have.
    #[must_use]
    pub fn is_plausible(&self) -> bool {
        (1..=MAX_WIDTH).contains(&self.width) && (1..=MAX_HEIGHT).contains(&self.height)
    }
}

/// What the headers of an audio stream say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioFormat {
    /// The codec.
    pub codec: Codec,
    /// The name people use, where it says more than the codec's: "mp2", "mp3".
    pub name: &'static str,
    /// The profile by its usual name, for example "LC".
    pub profile: Option<&'static str>,
    /// Samples per second and channel.
    pub sample_rate_hz: u32,
    /// Channels, the low-frequency one included.
    pub channels: u8,
    /// Samples per channel in one frame; zero where frames differ.
    pub samples_per_frame: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_rate_is_reduced_and_impossible_ones_are_refused() {
        assert_eq!(
            FrameRate::new(50, 2),
            Some(FrameRate {
                numerator: 25,
                denominator: 1
            })
        );
        assert_eq!(FrameRate::new(25, 0), None);
        assert_eq!(FrameRate::new(u32::MAX, 1), None);
    }
}
