//! The stream, compared with what its platform takes: before it goes live, and while it is.

use serde_json::json;
use tidegate_engine::{MediaStatus, OutputContext, Severity};
use tidegate_platforms::{Measured, check};

use super::RtmpOutput;
use super::feeder::Feeder;

/// The alarm of an output whose stream the platform may not take.
const LIMITS_ALARM: &str = "platform_limits";

impl RtmpOutput {
    /// Compares, and raises or clears the alarm.
    pub(crate) fn compare(&self, context: &OutputContext, feeder: &Feeder) {
        let Some(platform) = self.target.platform else {
            return;
        };
        let mut measured = feeder.meter.measured(feeder.selection());
        if let Some(media) = context.route.feed().media() {
            complete(&mut measured, &media);
        }
        let warnings = check(platform, &measured);
        let shown = warnings.iter().map(|warning| {
            json!({ "about": warning.about, "text": warning.text, "advice": warning.advice })
        });
        self.figures.now().warnings = shown.collect();
        if warnings.is_empty() {
            return context.report.clear(LIMITS_ALARM);
        }
        let texts: Vec<_> = warnings.iter().map(|warning| &*warning.text).collect();
        let advice: Vec<_> = warnings.iter().map(|warning| &*warning.advice).collect();
        context.report.raise(
            LIMITS_ALARM,
            Severity::Warning,
            &texts.join("; "),
            &format!("{}.", advice.join(". ")),
        );
    }
}

/// What the source's watcher has measured already, where this output has not.
fn complete(measured: &mut Measured, media: &MediaStatus) {
    if let (Some(video), Some(seen)) = (&mut measured.video, &media.video) {
        let seen_bps = Some(seen.bitrate_bps).filter(|bps| *bps > 0);
        video.bitrate_bps = video.bitrate_bps.or(seen_bps);
        video.gop_seconds = video.gop_seconds.or(seen.gop_seconds);
        video.fps = video.fps.or(seen.fps);
        video.b_frames |= seen.b_frames;
    }
    if let (Some(audio), Some(seen)) = (&mut measured.audio, media.audio.first()) {
        let seen_bps = Some(seen.bitrate_bps).filter(|bps| *bps > 0);
        audio.bitrate_bps = audio.bitrate_bps.or(seen_bps);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_engine::{AudioStatus, VideoStatus};
    use tidegate_platforms::{MeasuredAudio, MeasuredVideo, find};

    #[test]
    fn what_the_source_shows_is_enough_for_a_warning_before_going_live() {
        let mut measured = Measured {
            video: Some(MeasuredVideo {
                codec: "h264".into(),
                ..MeasuredVideo::default()
            }),
            audio: Some(MeasuredAudio {
                codec: "aac".into(),
                ..MeasuredAudio::default()
            }),
        };
        let media = MediaStatus {
            video: Some(VideoStatus {
                bitrate_bps: 9_000_000,
                gop_seconds: Some(8.0),
                ..VideoStatus::default()
            }),
            audio: vec![AudioStatus::default()],
            ..MediaStatus::default()
        };
        complete(&mut measured, &media);
        let warnings = check(find("twitch").unwrap(), &measured);
        let about: Vec<_> = warnings.iter().map(|warning| warning.about).collect();
        assert_eq!(about, ["video_bitrate", "keyframes"]);
        assert_eq!(measured.audio.unwrap().bitrate_bps, None);
    }
}
