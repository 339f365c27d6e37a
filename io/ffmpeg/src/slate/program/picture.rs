//! What the picture of a program's slate is encoded to, by what was seen of the program.

use super::super::VideoCodec;
use super::{Impossible, impossible};
use core::fmt;

/// The smallest and the largest side.
const SIDES: core::ops::RangeInclusive<u32> = 16..=4096;
/// No slate is faster.
const FPS_MAX: f64 = 120.0;
/// Measured rates this close to an exact one are that.
const RATE_TOLERANCE: f64 = 0.001;
/// The rates that MPEG-2 has a code for (ISO/IEC 13818-2, table 6-4).
const MPEG2_RATES: [(u64, u64); 8] = [
    (24_000, 1001),
    (24, 1),
    (25, 1),
    (30_000, 1001),
    (30, 1),
    (50, 1),
    (60_000, 1001),
    (60, 1),
];
/// The bitrates that slates have at most, in thousands: coarse, so that a program whose
/// bitrate differs a little from day to day finds its slate again.
const KBITS: [u64; 12] = [
    500, 700, 1000, 1400, 2000, 2800, 4000, 5600, 8000, 11_000, 16_000, 22_000,
];
/// Thousands of bits per second for a picture of so many thousand pixels per second.
const KBITS_PER_MEGAPIXEL: u64 = 80;
/// MPEG-2 needs more than that of a program which happens to be still.
const MPEG2_KBITS_MIN: u64 = 2800;

/// What was seen of a program's picture.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SeenVideo<'a> {
    /// `h264`, `hevc`, `mpeg2`, …
    pub codec: &'a str,
    /// By its usual name.
    pub profile: Option<&'a str>,
    /// By its usual name.
    pub level: Option<&'a str>,
    /// Pixels across.
    pub width: Option<u32>,
    /// Pixels down.
    pub height: Option<u32>,
    /// Frames per second, as measured.
    pub fps: Option<f64>,
    /// Fields instead of frames.
    pub interlaced: bool,
    /// Bits per second; zero: not known.
    pub bitrate_bps: u64,
}

/// How colours are sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chroma {
    /// 4:2:0 with 8 bits.
    C420,
    /// 4:2:0 with 10 bits.
    C420Ten,
    /// 4:2:2 with 8 bits.
    C422,
    /// 4:2:2 with 10 bits.
    C422Ten,
}

/// A profile: its name for the encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureProfile(pub(super) &'static str);

/// The picture of a program, as a slate has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgramPicture {
    /// The codec.
    pub codec: VideoCodec,
    /// The profile; `None`: what the encoder takes.
    pub profile: Option<PictureProfile>,
    /// The level, as major and minor number, or MPEG-2's number.
    pub level: Option<(u64, u64)>,
    /// Pixels across.
    pub width: u64,
    /// Pixels down.
    pub height: u64,
    /// Frames …
    pub rate: u64,
    /// … in so many seconds.
    pub per_seconds: u64,
    /// Fields instead of frames, the upper one first.
    pub interlaced: bool,
    /// Colours.
    pub chroma: Chroma,
    /// Thousands of bits per second at most.
    pub kbits: u64,
}

impl ProgramPicture {
    /// The format of a program that was seen so.
    ///
    /// # Errors
    /// If it was not seen well enough, or cannot be encoded.
    pub fn of(seen: &SeenVideo<'_>) -> Result<Self, Impossible> {
        let codec = match seen.codec {
            "h264" => VideoCodec::H264,
            "hevc" => VideoCodec::Hevc,
            "mpeg2" => VideoCodec::Mpeg2,
            "av1" => return Err(impossible("AV1", "a transport stream does not carry it")),
            other => return Err(impossible(other, "slates are H.264, H.265 or MPEG-2")),
        };
        let (Some(width), Some(height), Some(fps)) = (seen.width, seen.height, seen.fps) else {
            return Err(Impossible::NotSeen);
        };
        let (rate, per_seconds) = exact_rate(fps)?;
        let (profile, chroma) = profile(codec, seen.profile)?;
        check_size(width, height, seen.interlaced)?;
        if codec == VideoCodec::Mpeg2 && !MPEG2_RATES.contains(&(rate, per_seconds)) {
            let what = format!("MPEG-2 with {fps:.3} pictures per second");
            return Err(impossible(what, "MPEG-2 has no such rate"));
        }
        if codec == VideoCodec::Hevc && seen.interlaced {
            let why = "the encoder for it knows whole pictures only";
            return Err(impossible("interlaced H.265", why));
        }
        let (width, height) = (u64::from(width), u64::from(height));
        let pixels = width * height * rate / per_seconds;
        Ok(Self {
            codec,
            profile,
            level: seen.level.and_then(|level| self::level(codec, level)),
            width,
            height,
            rate,
            per_seconds,
            interlaced: seen.interlaced,
            chroma,
            kbits: kbits(codec, pixels, seen.bitrate_bps),
        })
    }

    /// The same but for its bitrate, which differs from one moment to the next.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let other = Self {
            kbits: self.kbits,
            ..*other
        };
        *self == other
    }

    /// Pictures from one key frame to the next: half a second.
    pub(super) fn group_pictures(&self) -> u64 {
        self.rate.div_ceil(2 * self.per_seconds).max(1)
    }
}

/// The exact rate that was measured as `fps`; an odd one becomes the next whole one.
fn exact_rate(fps: f64) -> Result<(u64, u64), Impossible> {
    if !(fps > 0.0 && fps <= FPS_MAX * (1.0 + RATE_TOLERANCE)) {
        let what = format!("{fps:.0} pictures per second");
        return Err(impossible(what, "slates have at most 120"));
    }
    let whole = fps.round().max(1.0);
    let drop = (fps * 1.001).round().max(1.0);
    let double = (fps * 2.0).round().max(1.0);
    let candidates = [
        (whole as u64, 1),
        (drop as u64 * 1000, 1001),
        (double as u64, 2),
    ];
    let off = |(rate, per): (u64, u64)| (rate as f64 / per as f64 / fps - 1.0).abs();
    let nearest = candidates
        .into_iter()
        .min_by(|a, b| off(*a).total_cmp(&off(*b)));
    Ok(nearest
        .filter(|&rate| off(rate) < RATE_TOLERANCE)
        .unwrap_or(candidates[0]))
}

fn check_size(width: u32, height: u32, interlaced: bool) -> Result<(), Impossible> {
    let what = || format!("{width}x{height}");
    if !(SIDES.contains(&width) && SIDES.contains(&height)) {
        return Err(impossible(what(), "slates have sides of 16 to 4096"));
    }
    let rows = if interlaced { 4 } else { 2 };
    if width.is_multiple_of(2) && height.is_multiple_of(rows) {
        return Ok(());
    }
    Err(impossible(
        what(),
        "encoders take even sides, and of interlaced pictures heights that four divides",
    ))
}

/// The encoder's name of a profile, and the colours that go with it.
fn profile(
    codec: VideoCodec,
    name: Option<&str>,
) -> Result<(Option<PictureProfile>, Chroma), Impossible> {
    let Some(name) = name else {
        return Ok((None, Chroma::C420));
    };
    let (profile, chroma) = match (codec, name) {
        (VideoCodec::H264, "Baseline" | "Constrained Baseline") => ("baseline", Chroma::C420),
        (VideoCodec::H264, "Main") => ("main", Chroma::C420),
        (VideoCodec::H264, "High") => ("high", Chroma::C420),
        (VideoCodec::H264, "High 10") => ("high10", Chroma::C420Ten),
        (VideoCodec::H264, "High 4:2:2") => ("high422", Chroma::C422Ten),
        (VideoCodec::Hevc, "Main") => ("main", Chroma::C420),
        (VideoCodec::Hevc, "Main 10") => ("main10", Chroma::C420Ten),
        (VideoCodec::Hevc, "Rext") => ("main422-10", Chroma::C422Ten),
        // By the numbers of ISO/IEC 13818-2, table 8-2; ffmpeg has one of its own for 4:2:2.
        (VideoCodec::Mpeg2, "Simple") => ("5", Chroma::C420),
        (VideoCodec::Mpeg2, "Main") => ("4", Chroma::C420),
        (VideoCodec::Mpeg2, "4:2:2") => ("0", Chroma::C422),
        (codec, name) => {
            let what = format!("{} in the profile {name}", codec.name());
            return Err(impossible(what, "there is no encoder for that profile"));
        }
    };
    Ok((Some(PictureProfile(profile)), chroma))
}

fn level(codec: VideoCodec, level: &str) -> Option<(u64, u64)> {
    if codec == VideoCodec::Mpeg2 {
        // ISO/IEC 13818-2, table 8-3.
        let number = match level {
            "High" => 4,
            "High 1440" => 6,
            "Main" => 8,
            "Low" => 10,
            _ => return None,
        };
        return Some((number, 0));
    }
    let (major, minor) = level.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// As much as a still picture of that size needs, and not more than the program has had.
fn kbits(codec: VideoCodec, pixels: u64, bitrate_bps: u64) -> u64 {
    let needed = pixels * KBITS_PER_MEGAPIXEL / 1_000_000;
    let had = match bitrate_bps / 1000 {
        0 => u64::MAX,
        had if codec == VideoCodec::Mpeg2 => had.max(MPEG2_KBITS_MIN),
        had => had,
    };
    let most = match codec {
        VideoCodec::Mpeg2 => needed * 2,
        VideoCodec::H264 | VideoCodec::Hevc => needed,
    };
    let bound = most.min(had);
    let fits = KBITS.iter().rev().find(|&&kbits| kbits <= bound);
    *fits.unwrap_or(&KBITS[0])
}

impl fmt::Display for ProgramPicture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.codec.name())?;
        if let Some(PictureProfile(profile)) = self.profile {
            write!(f, " profile {profile}")?;
        }
        if let Some((major, minor)) = self.level {
            write!(f, " level {major}.{minor}")?;
        }
        write!(f, " {}x{}", self.width, self.height)?;
        write!(f, " {}/{}", self.rate, self.per_seconds)?;
        if self.interlaced {
            write!(f, " interlaced")?;
        }
        write!(f, " {:?} {}k", self.chroma, self.kbits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> SeenVideo<'static> {
        SeenVideo {
            codec: "h264",
            profile: Some("High"),
            level: Some("4.2"),
            width: Some(1920),
            height: Some(1080),
            fps: Some(50.0),
            interlaced: false,
            bitrate_bps: 12_000_000,
        }
    }

    #[test]
    fn rates_are_exact_also_those_a_thousandth_below() {
        for (fps, rate) in [
            (24_000.0 / 1001.0, (24_000, 1001)),
            (24.0, (24, 1)),
            (25.0, (25, 1)),
            (29.97, (30_000, 1001)),
            (30.0, (30, 1)),
            (59.9401, (60_000, 1001)),
            (60.0, (60, 1)),
            (12.5, (25, 2)),
            (1.0, (1, 1)),
            (27.3, (27, 1)),
            (0.2, (1, 1)),
        ] {
            assert_eq!(exact_rate(fps), Ok(rate), "{fps}");
        }
        assert!(exact_rate(f64::NAN).is_err());
        assert!(exact_rate(240.0).is_err());
    }

    #[test]
    fn a_program_keeps_profile_level_size_and_fields() {
        let format = ProgramPicture::of(&SeenVideo {
            fps: Some(25.0),
            interlaced: true,
            ..seen()
        });
        assert_eq!(
            format.unwrap().to_string(),
            "H.264 profile high level 4.2 1920x1080 25/1 interlaced C420 4000k"
        );
        let mpeg2 = ProgramPicture::of(&SeenVideo {
            codec: "mpeg2",
            profile: Some("Main"),
            level: Some("Main"),
            width: Some(720),
            height: Some(576),
            fps: Some(25.0),
            interlaced: true,
            bitrate_bps: 0,
        });
        assert_eq!(
            mpeg2.unwrap().to_string(),
            "MPEG-2 profile 4 level 8.0 720x576 25/1 interlaced C420 1400k"
        );
    }

    #[test]
    fn a_slate_needs_no_more_than_the_program_has_had() {
        let had = |bitrate_bps| {
            let seen = SeenVideo {
                bitrate_bps,
                ..seen()
            };
            ProgramPicture::of(&seen).unwrap().kbits
        };
        assert_eq!(had(0), 8000);
        assert_eq!(had(3_000_000), 2800);
        assert_eq!(had(100_000), 500);
        let (one, other) = (ProgramPicture::of(&seen()).unwrap(), had(0));
        assert!(one.is_like(&ProgramPicture {
            kbits: other,
            ..one
        }));
    }

    #[test]
    fn what_cannot_be_encoded_is_said_with_the_reason() {
        let why = |seen: SeenVideo<'_>| ProgramPicture::of(&seen).unwrap_err().to_string();
        let av1 = SeenVideo {
            codec: "av1",
            ..seen()
        };
        assert_eq!(
            why(av1),
            "AV1 cannot be encoded: a transport stream does not carry it"
        );
        for (seen, says) in [
            (
                SeenVideo {
                    profile: Some("High 4:4:4 Predictive"),
                    ..seen()
                },
                "profile",
            ),
            (
                SeenVideo {
                    width: Some(1919),
                    ..seen()
                },
                "1919x1080",
            ),
            (
                SeenVideo {
                    width: Some(8192),
                    ..seen()
                },
                "8192x1080",
            ),
            (
                SeenVideo {
                    codec: "vvc",
                    ..seen()
                },
                "vvc",
            ),
            (
                SeenVideo {
                    fps: None,
                    ..seen()
                },
                "not known yet",
            ),
            (
                SeenVideo {
                    codec: "hevc",
                    profile: Some("Main"),
                    interlaced: true,
                    ..seen()
                },
                "interlaced H.265",
            ),
            (
                SeenVideo {
                    codec: "mpeg2",
                    profile: Some("Main"),
                    fps: Some(15.0),
                    ..seen()
                },
                "15.000",
            ),
        ] {
            let said = why(seen);
            assert!(said.contains(says), "{said}");
        }
    }
}
