use crate::check::{Measured, Warning, check};
use crate::platform::Platform;
use core::time::Duration;

/// Segments end at key frames, which do not come to the millisecond.
const SEGMENT_TOLERANCE: f64 = 1.1;

/// A stream that goes out by HLS, as it was measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeasuredHls {
    /// Picture and sound.
    pub stream: Measured,
    /// How long its segments become.
    pub segment: Duration,
    /// Tracks of sound.
    pub audio_tracks: usize,
}

/// Compares a stream with what a platform takes by HLS.
#[must_use]
pub fn check_hls(platform: &Platform, measured: &MeasuredHls) -> Vec<Warning> {
    let Some(limits) = &platform.hls_limits else {
        return check(platform, &measured.stream);
    };
    let mut narrower = platform.clone();
    if !limits.video_codecs.is_empty() {
        narrower
            .limits
            .video_codecs
            .clone_from(&limits.video_codecs);
    }
    let mut warnings = check(&narrower, &measured.stream);
    let name = &platform.name;
    let seconds = measured.segment.as_secs_f64();
    if let Some(most) = limits.segment_seconds
        && seconds > most * SEGMENT_TOLERANCE
    {
        warnings.push(Warning {
            about: "segments",
            text: format!("{name} takes segments of {most} s, and these have {seconds:.1} s"),
            advice: "Set a shorter segment, and a key-frame interval that fits it".to_owned(),
        });
    }
    if let Some(most) = limits.audio_tracks
        && measured.audio_tracks > most as usize
    {
        let tracks = measured.audio_tracks;
        warnings.push(Warning {
            about: "audio_tracks",
            text: format!("{name} takes {most} track of sound, and {tracks} are sent"),
            advice: "Send one track of sound only".to_owned(),
        });
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MeasuredAudio, MeasuredVideo, find};

    fn about(codec: &str, segment_millis: u64, audio_tracks: usize) -> Vec<&'static str> {
        let measured = MeasuredHls {
            stream: Measured {
                video: Some(MeasuredVideo {
                    codec: codec.into(),
                    ..MeasuredVideo::default()
                }),
                audio: Some(MeasuredAudio {
                    codec: "aac".into(),
                    ..MeasuredAudio::default()
                }),
            },
            segment: Duration::from_millis(segment_millis),
            audio_tracks,
        };
        let warnings = check_hls(find("youtube").unwrap(), &measured);
        warnings.iter().map(|warning| warning.about).collect()
    }

    #[test]
    fn what_only_hls_limits_is_named_besides_what_is_always_limited() {
        assert_eq!(about("hevc", 4040, 1), [""; 0]);
        assert_eq!(about("av1", 2000, 1), ["video_codec"]);
        assert_eq!(
            about("mpeg2", 6000, 2),
            ["video_codec", "segments", "audio_tracks"]
        );
    }
}
