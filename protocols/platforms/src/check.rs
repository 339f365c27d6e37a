use crate::platform::Platform;

/// Encoders do not hit their bitrate exactly.
const BITRATE_TOLERANCE: f64 = 1.05;
/// Nor do measured rates and distances come out even.
const RATE_TOLERANCE: f64 = 1.02;

/// A stream as it was measured; `None` is what is not known yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    /// Its picture.
    pub video: Option<MeasuredVideo>,
    /// Its sound, the first track.
    pub audio: Option<MeasuredAudio>,
}

/// A picture as it was measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeasuredVideo {
    /// `h264`, `hevc`, `av1` …
    pub codec: String,
    /// Bits per second.
    pub bitrate_bps: Option<u64>,
    /// Width in pixels.
    pub width: Option<u32>,
    /// Height in pixels.
    pub height: Option<u32>,
    /// Pictures per second.
    pub fps: Option<f64>,
    /// Seconds between key frames.
    pub gop_seconds: Option<f64>,
    /// Whether pictures are reordered.
    pub b_frames: bool,
    /// Fields instead of frames.
    pub interlaced: bool,
}

/// Sound as it was measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeasuredAudio {
    /// `aac`, `mp2`, `opus` …
    pub codec: String,
    /// Bits per second.
    pub bitrate_bps: Option<u64>,
    /// Samples per second.
    pub sample_rate_hz: Option<u32>,
}

/// What will not do, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What it is about: `video_bitrate`, `keyframes` …
    pub about: &'static str,
    /// What is the matter.
    pub text: String,
    /// What to do.
    pub advice: String,
}

/// Compares a stream with what a platform takes.
#[must_use]
pub fn check(platform: &Platform, measured: &Measured) -> Vec<Warning> {
    let mut found = Found {
        platform,
        warnings: Vec::new(),
    };
    if let Some(video) = &measured.video {
        found.picture(video);
    }
    if let Some(audio) = &measured.audio {
        found.sound(audio);
    }
    let wants_sound = !platform.limits.audio_codecs.is_empty();
    if wants_sound && measured.video.is_some() && measured.audio.is_none() {
        let text = format!("{} may not show a stream without sound", platform.name);
        found.warn("sound", text, "Send sound too, even silence");
    }
    found.warnings
}

struct Found<'a> {
    platform: &'a Platform,
    warnings: Vec<Warning>,
}

impl Found<'_> {
    fn warn(&mut self, about: &'static str, text: String, advice: impl Into<String>) {
        self.warnings.push(Warning {
            about,
            text,
            advice: advice.into(),
        });
    }

    fn picture(&mut self, video: &MeasuredVideo) {
        let (limits, name) = (&self.platform.limits, &self.platform.name);
        let codec = shown(&video.codec);
        if !limits.video_codecs.is_empty() && !limits.video_codecs.contains(&video.codec) {
            let text = format!("{name} does not take {codec}");
            let advice = format!("Encode the picture as {}", list(&limits.video_codecs));
            self.warn("video_codec", text, advice);
        }
        self.bitrate(
            "video_bitrate",
            "picture",
            video.bitrate_bps,
            limits.video_kbps,
        );
        if let (Some(fps), Some(max)) = (video.fps, limits.max_fps)
            && fps > max * RATE_TOLERANCE
        {
            let text = format!("{name} takes {max} pictures a second, and {fps:.0} come");
            self.warn(
                "frame_rate",
                text,
                format!("Encode {max} pictures a second"),
            );
        }
        self.keyframes(video);
        self.size(video);
        if video.b_frames && limits.b_frames == Some(false) {
            let text = format!("{name} does not want B-frames");
            self.warn("b_frames", text, "Set the encoder's B-frames to 0");
        }
        if video.interlaced {
            let text = format!("The picture is interlaced, and {name} expects whole pictures");
            self.warn("interlaced", text, "Let the encoder deinterlace");
        }
    }

    fn keyframes(&mut self, video: &MeasuredVideo) {
        let (limits, name) = (&self.platform.limits, &self.platform.name);
        if let (Some(seconds), Some(max)) = (video.gop_seconds, limits.keyframe_seconds)
            && seconds > max * RATE_TOLERANCE
        {
            let text = format!(
                "{name} takes a key frame at least every {max} s, and one comes every {seconds:.1} s"
            );
            let best = limits.best_keyframe_seconds.unwrap_or(max);
            self.warn(
                "keyframes",
                text,
                format!("Set the encoder's key-frame interval to {best} s"),
            );
        }
    }

    fn size(&mut self, video: &MeasuredVideo) {
        let (limits, name) = (&self.platform.limits, &self.platform.name);
        let (Some(width), Some(height)) = (video.width, video.height) else {
            return;
        };
        if let Some(max) = limits.max_height
            && width.min(height) > max
        {
            let text =
                format!("{name} takes at most {max} lines, and the picture is {width}×{height}");
            self.warn("size", text, format!("Encode at most {max} lines"));
        }
        if limits.portrait == Some(true) && width > height {
            let text = format!("{name} shows upright pictures, and this one is {width}×{height}");
            self.warn("portrait", text, "Send 1080×1920 or 720×1280");
        }
    }

    fn sound(&mut self, audio: &MeasuredAudio) {
        let (limits, name) = (&self.platform.limits, &self.platform.name);
        if !limits.audio_codecs.is_empty() && !limits.audio_codecs.contains(&audio.codec) {
            let text = format!("{name} does not take {} sound", shown(&audio.codec));
            let advice = format!("Encode the sound as {}", list(&limits.audio_codecs));
            self.warn("audio_codec", text, advice);
        }
        self.bitrate(
            "audio_bitrate",
            "sound",
            audio.bitrate_bps,
            limits.audio_kbps,
        );
        if let Some(rate) = audio.sample_rate_hz
            && !limits.sample_rates_hz.is_empty()
            && !limits.sample_rates_hz.contains(&rate)
        {
            let text = format!("{name} does not take sound with {rate} samples a second");
            self.warn("sample_rate", text, "Encode the sound at 48 000 Hz");
        }
    }

    fn bitrate(&mut self, about: &'static str, what: &str, bps: Option<u64>, max: Option<u32>) {
        let (Some(bps), Some(max)) = (bps, max) else {
            return;
        };
        let kbps = bps as f64 / 1000.0;
        if kbps > f64::from(max) * BITRATE_TOLERANCE {
            let name = &self.platform.name;
            let text = format!("{name} takes {max} kbit/s of {what}, and {kbps:.0} kbit/s come");
            self.warn(
                about,
                text,
                format!("Set the encoder to at most {max} kbit/s"),
            );
        }
    }
}

fn list(codecs: &[String]) -> String {
    let names: Vec<_> = codecs.iter().map(|codec| shown(codec)).collect();
    match names.split_last() {
        Some((last, [])) => last.to_string(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

fn shown(codec: &str) -> &str {
    match codec {
        "h264" => "H.264",
        "hevc" => "HEVC",
        "av1" => "AV1",
        "mpeg2" => "MPEG-2",
        "aac" => "AAC",
        "mp2" => "MP2",
        "mp3" => "MP3",
        "ac3" => "AC-3",
        "eac3" => "E-AC-3",
        "opus" => "Opus",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::find;

    fn good() -> Measured {
        Measured {
            video: Some(MeasuredVideo {
                codec: "h264".into(),
                bitrate_bps: Some(5_900_000),
                width: Some(1920),
                height: Some(1080),
                fps: Some(59.94),
                gop_seconds: Some(2.0),
                b_frames: true,
                interlaced: false,
            }),
            audio: Some(MeasuredAudio {
                codec: "aac".into(),
                bitrate_bps: Some(128_000),
                sample_rate_hz: Some(48_000),
            }),
        }
    }

    fn about(
        platform: &str,
        change: impl FnOnce(&mut MeasuredVideo, &mut MeasuredAudio),
    ) -> Vec<&'static str> {
        let mut measured = good();
        if let (Some(video), Some(audio)) = (&mut measured.video, &mut measured.audio) {
            change(video, audio);
        }
        let warnings = check(find(platform).unwrap(), &measured);
        warnings.iter().map(|warning| warning.about).collect()
    }

    #[test]
    fn a_stream_within_the_limits_gets_no_warning() {
        for platform in ["youtube", "twitch", "facebook", "trovo", "custom"] {
            assert_eq!(about(platform, |_, _| {}), [""; 0], "{platform}");
        }
    }

    #[test]
    fn every_limit_that_is_broken_is_named() {
        assert_eq!(
            about("twitch", |video, _| video.bitrate_bps = Some(8_000_000)),
            ["video_bitrate"]
        );
        assert_eq!(
            about("twitch", |video, _| video.codec = "hevc".into()),
            ["video_codec"]
        );
        assert_eq!(
            about("youtube", |video, _| video.codec = "hevc".into()),
            [""; 0]
        );
        assert_eq!(
            about("twitch", |video, _| video.gop_seconds = Some(10.0)),
            ["keyframes"]
        );
        assert_eq!(
            about("twitch", |video, _| video.fps = Some(120.0)),
            ["frame_rate"]
        );
        assert_eq!(about("x", |video, _| video.height = Some(1440)), ["size"]);
        assert_eq!(about("kick", |_, _| {}), ["b_frames"]);
        assert_eq!(about("tiktok", |_, _| {}), ["portrait"]);
        assert_eq!(
            about("twitch", |video, _| video.interlaced = true),
            ["interlaced"]
        );
        assert_eq!(
            about("youtube", |_, audio| audio.codec = "mp2".into()),
            ["audio_codec"]
        );
        assert_eq!(
            about("facebook", |_, audio| audio.bitrate_bps = Some(256_000)),
            ["audio_bitrate"]
        );
        assert_eq!(
            about("youtube", |_, audio| audio.sample_rate_hz = Some(32_000)),
            ["sample_rate"]
        );
    }

    #[test]
    fn a_warning_says_what_is_wrong_and_what_to_do() {
        let mut measured = good();
        if let Some(video) = &mut measured.video {
            video.bitrate_bps = Some(8_000_000);
        }
        let warnings = check(find("twitch").unwrap(), &measured);
        assert_eq!(
            warnings[0].text,
            "Twitch takes 6000 kbit/s of picture, and 8000 kbit/s come"
        );
        assert_eq!(warnings[0].advice, "Set the encoder to at most 6000 kbit/s");
    }

    #[test]
    fn a_missing_sound_is_named_where_it_matters() {
        let mut measured = good();
        measured.audio = None;
        let warnings = check(find("facebook").unwrap(), &measured);
        assert_eq!(warnings[0].about, "sound");
        assert_eq!(check(find("custom").unwrap(), &measured), []);
    }
}
