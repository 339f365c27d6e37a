//! What is in an input, as far as it matters to whoever looks at the program.

use core::fmt;
use tidegate_engine::MediaStatus;

/// The format of an input.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Format {
    video: Option<Video>,
    audio: Option<Audio>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Video {
    codec: &'static str,
    size: Option<(u32, u32)>,
    fps: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Audio {
    codec: &'static str,
    channels: Option<u8>,
}

impl Format {
    pub(crate) fn of(media: &MediaStatus) -> Self {
        let video = media.video.as_ref().map(|video| Video {
            codec: video.codec,
            size: video.width.zip(video.height),
            fps: video.fps,
        });
        let audio = media.audio.first().map(|audio| Audio {
            codec: audio.codec,
            channels: audio.channels,
        });
        Self { video, audio }
    }

    /// Whether a player goes on with the other as it is: codecs and picture size.
    pub(crate) fn fits(&self, other: &Self) -> bool {
        let video = |of: &Self| of.video.map(|video| (video.codec, video.size));
        let audio = |of: &Self| of.audio.map(|audio| audio.codec);
        video(self) == video(other) && audio(self) == audio(other)
    }

    /// Whether there is anything to compare.
    pub(crate) fn is_known(&self) -> bool {
        let is_sized = self.video.is_none_or(|video| video.size.is_some());
        (self.video.is_some() || self.audio.is_some()) && is_sized
    }
}

/// `h264 1920x1080 50 · aac stereo`.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(video) = self.video {
            f.write_str(video.codec)?;
            if let Some((width, height)) = video.size {
                write!(f, " {width}x{height}")?;
            }
            if let Some(fps) = video.fps {
                write!(f, " {}", (fps * 100.0).round() / 100.0)?;
            }
        }
        if self.video.is_some() && self.audio.is_some() {
            f.write_str(" · ")?;
        }
        let Some(audio) = self.audio else {
            return Ok(());
        };
        f.write_str(audio.codec)?;
        match audio.channels {
            Some(1) => f.write_str(" mono"),
            Some(2) => f.write_str(" stereo"),
            Some(more) => write!(f, " {more} channels"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_engine::{AudioStatus, VideoStatus};

    fn media(width: u32, fps: f64) -> MediaStatus {
        MediaStatus {
            video: Some(VideoStatus {
                codec: "h264",
                width: Some(width),
                height: Some(1080),
                fps: Some(fps),
                ..VideoStatus::default()
            }),
            audio: vec![AudioStatus {
                codec: "aac",
                channels: Some(2),
                ..AudioStatus::default()
            }],
            ..MediaStatus::default()
        }
    }

    #[test]
    fn a_format_reads_as_people_say_it_and_fits_by_codec_and_size() {
        let hd = Format::of(&media(1920, 50.0));
        assert_eq!(hd.to_string(), "h264 1920x1080 50 · aac stereo");
        assert!(hd.fits(&Format::of(&media(1920, 25.0))) && hd.is_known());
        assert!(!hd.fits(&Format::of(&media(1440, 50.0))));
        assert!(!Format::default().is_known());
    }
}
