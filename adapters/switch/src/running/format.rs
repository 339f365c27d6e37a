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

    /// The format of a program on which this comes: what this has not got, viewers were given all
    /// the same, and go by.
    pub(crate) fn upon(self, program: Option<Self>) -> Self {
        let program = program.unwrap_or_default();
        Self {
            video: self.video.or(program.video),
            audio: self.audio.or(program.audio),
        }
    }

    /// Whether a player goes on with this where the program was like that: codecs and picture
    /// size. What `seen`, which is on air now, has not got either is not missed.
    pub(crate) fn follows(&self, program: &Self, seen: &Self) -> bool {
        let lacking = Self {
            video: program
                .video
                .filter(|_| self.video.is_some() || seen.video.is_some()),
            audio: program
                .audio
                .filter(|_| self.audio.is_some() || seen.audio.is_some()),
        };
        self.fits(&lacking)
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
    fn what_the_input_on_air_loses_is_still_asked_of_the_others_but_not_missed_in_itself() {
        let whole = Format::of(&media(1920, 50.0));
        let silent = Format::of(&MediaStatus {
            audio: Vec::new(),
            ..media(1920, 50.0)
        });
        let program = silent.upon(Some(whole));
        assert_eq!(program, whole);
        assert!(whole.follows(&program, &silent), "the backup has it all");
        assert!(silent.follows(&program, &silent), "no worse than now");
        assert!(!silent.follows(&program, &whole), "sound would be lost");
        let dark = Format::default();
        assert!(silent.follows(&program, &dark), "better than nothing");
        let other = Format::of(&media(1440, 50.0));
        assert!(!other.follows(&program, &silent) && !other.follows(&program, &dark));
        // A program that never had sound is not given any.
        assert!(!whole.follows(&silent.upon(None), &silent));
        // Another size on air is what viewers have now.
        assert!(other.follows(&other.upon(Some(whole)), &other));
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
