//! The stream, compared with what its platform takes: before it goes live, and while it is.

use serde_json::json;
use tidegate_codecs::StreamConfig;
use tidegate_engine::{MediaStatus, OutputContext, Severity};
use tidegate_platforms::{Measured, MeasuredAudio, MeasuredVideo, check};

use super::RtmpOutput;
use super::feeder::Feeder;
use super::rates::Rates;
use super::selection::Selection;

/// The alarm of an output whose stream the platform may not take.
const LIMITS_ALARM: &str = "platform_limits";

impl RtmpOutput {
    /// Compares, and raises or clears the alarm.
    pub(crate) fn compare(&self, context: &OutputContext, feeder: &Feeder) {
        let Some(platform) = self.target.platform else {
            return;
        };
        let media = context.route.feed().media();
        let measured = measured(feeder.selection(), &feeder.rates, media.as_deref());
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

/// What is known of the picture and the first sound that go out: their headers, their rates, and
/// what the watcher of the source has seen.
fn measured(selection: &Selection, rates: &Rates, media: Option<&MediaStatus>) -> Measured {
    let video = selection.config(true).and_then(StreamConfig::video);
    let video = video.map(|video| {
        let format = &video.format;
        let codec = format.codec.name();
        // It watches the first picture, which may not be the one that goes out.
        let seen = media.and_then(|media| media.video.as_ref()).filter(|seen| {
            let size = (Some(format.width), Some(format.height));
            seen.codec == codec && (seen.width, seen.height) == size
        });
        let declared_fps = format.fps.map(|fps| fps.as_f64());
        let seen_bps = seen.map(|seen| seen.bitrate_bps).filter(|bps| *bps > 0);
        MeasuredVideo {
            codec: codec.into(),
            bitrate_bps: rates.picture_bps.or(seen_bps),
            width: Some(format.width),
            height: Some(format.height),
            fps: seen.and_then(|seen| seen.fps).or(declared_fps),
            gop_seconds: seen.and_then(|seen| seen.gop_seconds),
            b_frames: seen.is_some_and(|seen| seen.b_frames),
            interlaced: format.interlaced,
        }
    });
    let audio = selection.config(false).and_then(StreamConfig::audio);
    let audio = audio.map(|audio| MeasuredAudio {
        codec: audio.format.name.into(),
        bitrate_bps: rates.sound_bps,
        sample_rate_hz: Some(audio.format.sample_rate_hz),
    });
    Measured { video, audio }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_codecs::{Codec, Record};
    use tidegate_engine::{AudioStatus, VideoStatus};
    use tidegate_platforms::find;

    /// H.264 of 1920x1080 and AAC.
    fn selection() -> Selection {
        let avc = [
            0x01, 0x64, 0x00, 0x28, 0xFF, 0xE1, 0x00, 0x0C, 0x67, 0x64, 0x00, 0x28, 0xAC, 0xD9,
            0x40, 0x78, 0x02, 0x27, 0xE5, 0x84, 0x01, 0x00, 0x04, 0x68, 0xEB, 0xE3, 0xCB,
        ];
        let config = |codec, record: &[u8]| Record::parse(codec, record).unwrap().config;
        Selection {
            chosen: vec![
                (1, config(Codec::H264, &avc)),
                (2, config(Codec::Aac, &[0x11, 0x90])),
            ],
            video: Some(1),
            ..Selection::default()
        }
    }

    fn media(change: impl FnOnce(&mut VideoStatus)) -> MediaStatus {
        let mut video = VideoStatus {
            codec: "h264",
            width: Some(1920),
            height: Some(1080),
            ..VideoStatus::default()
        };
        change(&mut video);
        MediaStatus {
            video: Some(video),
            audio: vec![AudioStatus {
                bitrate_bps: 900_000,
                ..AudioStatus::default()
            }],
            ..MediaStatus::default()
        }
    }

    fn warnings(platform: &str, rates: &Rates, media: &MediaStatus) -> Vec<&'static str> {
        let measured = measured(&selection(), rates, Some(media));
        let warnings = check(find(platform).unwrap(), &measured).into_iter();
        warnings.map(|warning| warning.about).collect()
    }

    #[test]
    fn what_the_source_shows_is_enough_for_a_warning_before_going_live() {
        let media = media(|video| {
            video.bitrate_bps = 9_000_000;
            video.gop_seconds = Some(8.0);
            video.b_frames = true;
        });
        let rates = Rates::default();
        let about = ["video_bitrate", "keyframes"];
        assert_eq!(warnings("twitch", &rates, &media), about);
        assert!(warnings("kick", &rates, &media).contains(&"b_frames"));
    }

    #[test]
    fn what_goes_out_counts_and_not_the_headers_of_mpeg_ts() {
        let media = media(|video| video.bitrate_bps = 6_400_000);
        let mut rates = Rates::default();
        rates.picture_bps = Some(6_000_000);
        rates.sound_bps = Some(128_000);
        assert_eq!(warnings("twitch", &rates, &media), [""; 0]);
    }

    #[test]
    fn another_picture_of_the_source_is_not_taken_for_the_one_that_goes_out() {
        let media = media(|video| {
            video.codec = "mpeg2";
            video.bitrate_bps = 15_000_000;
        });
        assert_eq!(warnings("twitch", &Rates::default(), &media), [""; 0]);
    }
}
