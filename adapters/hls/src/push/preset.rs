//! The stream, compared with what its platform takes: before it goes live, and while it is.

use core::time::Duration;
use serde_json::json;
use tidegate_engine::{MediaStatus, OutputReport, Severity};
use tidegate_hls::CutConfig;
use tidegate_platforms::{
    Measured, MeasuredAudio, MeasuredHls, MeasuredVideo, Platform, check_hls,
};

/// The code of the alarm for streams that the platform may not take.
const LIMITS_ALARM: &str = "platform_limits";

/// Compares, and raises or clears the alarm.
pub(super) fn compare(
    platform: &Platform,
    cut: CutConfig,
    media: &MediaStatus,
    report: &OutputReport,
) {
    let warnings = check_hls(platform, &measured(media, cut));
    let shown = warnings.iter().map(
        |warning| json!({ "about": warning.about, "text": warning.text, "advice": warning.advice }),
    );
    report.detail("warnings", shown.collect());
    if warnings.is_empty() {
        return report.clear(LIMITS_ALARM);
    }
    let texts: Vec<_> = warnings.iter().map(|warning| &*warning.text).collect();
    let advice: Vec<_> = warnings.iter().map(|warning| &*warning.advice).collect();
    report.raise(
        LIMITS_ALARM,
        Severity::Warning,
        &texts.join("; "),
        &format!("{}.", advice.join(". ")),
    );
}

/// What the source's watcher has found, in a platform's terms.
fn measured(media: &MediaStatus, cut: CutConfig) -> MeasuredHls {
    let known = |bps: u64| Some(bps).filter(|bps| *bps > 0);
    let video = media.video.as_ref().map(|video| MeasuredVideo {
        codec: video.codec.into(),
        bitrate_bps: known(video.bitrate_bps),
        width: video.width,
        height: video.height,
        fps: video.fps,
        gop_seconds: video.gop_seconds,
        b_frames: video.b_frames,
        interlaced: video.interlaced,
    });
    let audio = media.audio.first().map(|audio| MeasuredAudio {
        codec: audio.codec.into(),
        bitrate_bps: known(audio.bitrate_bps),
        sample_rate_hz: audio.sample_rate,
    });
    let gop = media.video.as_ref().and_then(|video| video.gop_seconds);
    MeasuredHls {
        stream: Measured { video, audio },
        segment: segment(cut, gop.unwrap_or_default()),
        audio_tracks: media.audio.len(),
    }
}

/// How long segments become that end at key frames so many seconds apart.
fn segment(cut: CutConfig, gop_seconds: f64) -> Duration {
    let gop = Duration::try_from_secs_f64(gop_seconds).unwrap_or_default();
    if gop.is_zero() {
        return cut.target;
    }
    let mut segment = gop;
    while segment < cut.earliest() && segment < cut.longest {
        segment += gop;
    }
    segment.min(cut.longest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_engine::{AudioStatus, VideoStatus};
    use tidegate_platforms::find;

    const CUT: CutConfig = CutConfig {
        target: Duration::from_secs(2),
        longest: Duration::from_secs(6),
        segment_bytes_max: 1 << 20,
    };

    #[test]
    fn what_the_source_shows_is_enough_for_a_warning_before_going_live() {
        let media = MediaStatus {
            video: Some(VideoStatus {
                codec: "mpeg2",
                gop_seconds: Some(5.0),
                ..VideoStatus::default()
            }),
            audio: vec![
                AudioStatus {
                    codec: "ac3",
                    ..AudioStatus::default()
                };
                2
            ],
            ..MediaStatus::default()
        };
        let warnings = check_hls(find("youtube").unwrap(), &measured(&media, CUT));
        let about: Vec<_> = warnings.iter().map(|warning| warning.about).collect();
        let all = [
            "video_codec",
            "keyframes",
            "audio_codec",
            "segments",
            "audio_tracks",
        ];
        assert_eq!(about, all);
    }

    #[test]
    fn segments_end_at_the_first_key_frame_from_their_time_on() {
        let millis = |gop| segment(CUT, gop).as_millis();
        assert_eq!(
            [0.0, 0.5, 1.9, 1.5, 9.0].map(millis),
            [2000, 2000, 1900, 3000, 6000]
        );
    }
}
