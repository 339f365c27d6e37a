//! What a slate has to be like, by what was seen of the program.

use super::seen::{Seen, SeenPicture, SeenSound};
use crate::limits::SLATE_SOUNDS;
use tidegate_ffmpeg::slate::program::{
    Impossible, ProgramPicture, ProgramSound, SeenAudio, SeenVideo,
};
use tidegate_mpegts::Language;

/// Picture and sounds of a program, as a slate is to have them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) picture: Result<ProgramPicture, Impossible>,
    pub(crate) sounds: Vec<WantedSound>,
}

/// One of its sounds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WantedSound {
    pub(crate) format: Result<ProgramSound, Impossible>,
    pub(crate) language: Option<Language>,
}

impl Wanted {
    /// What this program consists of; `None` as long as something of it is not known.
    pub(crate) fn of(seen: &Seen) -> Option<Self> {
        let sounds = seen.sounds.iter().take(SLATE_SOUNDS).map(sound);
        let wanted = Self {
            picture: picture(&seen.picture),
            sounds: sounds.collect(),
        };
        let is_unknown = wanted.picture == Err(Impossible::NotSeen)
            || (wanted.sounds.iter()).any(|sound| sound.format == Err(Impossible::NotSeen));
        (!is_unknown).then_some(wanted)
    }

    /// Whether a slate that was made for the other does for this one, whose bitrate may differ.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let is_picture_like = match (&self.picture, &other.picture) {
            (Ok(one), Ok(other)) => one.is_like(other),
            (one, other) => one == other,
        };
        is_picture_like && self.sounds == other.sounds
    }
}

fn picture(video: &SeenPicture) -> Result<ProgramPicture, Impossible> {
    ProgramPicture::of(&SeenVideo {
        codec: &video.codec,
        profile: video.profile.as_deref(),
        level: video.level.as_deref(),
        width: video.width,
        height: video.height,
        fps: video.fps,
        interlaced: video.interlaced,
        bitrate_bps: video.bitrate_bps,
    })
}

fn sound(audio: &SeenSound) -> WantedSound {
    let format = ProgramSound::of(&SeenAudio {
        codec: &audio.codec,
        channels: audio.channels,
        sample_rate_hz: audio.sample_rate_hz,
    });
    let code = audio.language.as_deref().unwrap_or_default().as_bytes();
    WantedSound {
        format,
        language: code.try_into().ok().and_then(Language::new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_engine::{AudioStatus, MediaStatus, VideoStatus};

    fn wanted_of(media: &MediaStatus) -> Option<Wanted> {
        Wanted::of(&Seen::of(media)?)
    }

    fn media() -> MediaStatus {
        MediaStatus {
            video: Some(VideoStatus {
                codec: "h264",
                profile: Some("High".into()),
                level: Some("4.2".into()),
                width: Some(1920),
                height: Some(1080),
                fps: Some(59.94),
                bitrate_bps: 8_000_000,
                ..VideoStatus::default()
            }),
            audio: vec![
                AudioStatus {
                    codec: "aac",
                    channels: Some(2),
                    sample_rate: Some(48_000),
                    language: Some("deu".into()),
                    ..AudioStatus::default()
                },
                AudioStatus {
                    codec: "dts",
                    ..AudioStatus::default()
                },
            ],
            ..MediaStatus::default()
        }
    }

    #[test]
    fn a_slate_has_what_the_program_has_as_far_as_it_can_be_encoded() {
        let wanted = wanted_of(&media()).unwrap();
        let picture = wanted.picture.clone().unwrap();
        assert_eq!((picture.rate, picture.per_seconds), (60_000, 1001));
        assert_eq!(wanted.sounds[0].language, Language::new(*b"deu"));
        let why = wanted.sounds[1].format.clone().unwrap_err();
        assert!(why.to_string().contains("dts cannot be encoded"), "{why}");
        let mut later = media();
        later.video.as_mut().unwrap().bitrate_bps = 900_000;
        assert!(wanted.is_like(&wanted_of(&later).unwrap()));
        later.audio[0].channels = Some(1);
        assert!(!wanted.is_like(&wanted_of(&later).unwrap()));
    }

    #[test]
    fn nothing_is_made_before_all_is_known() {
        assert_eq!(wanted_of(&MediaStatus::default()), None);
        let mut young = media();
        young.audio[0].channels = None;
        assert_eq!(wanted_of(&young), None);
        let mut young = media();
        young.video.as_mut().unwrap().fps = None;
        assert_eq!(wanted_of(&young), None);
    }

    #[test]
    fn what_was_remembered_leads_to_the_same_slate_and_what_makes_no_sense_to_none() {
        let mut full = media();
        full.audio = vec![full.audio[0].clone(); 64];
        let seen = Seen::of(&full).unwrap();
        let text = serde_json::to_string(&seen).unwrap();
        assert!(
            text.len() < 2048,
            "it has its place in a small file: {text}"
        );
        let read: Seen = serde_json::from_str(&text).unwrap();
        assert_eq!(Wanted::of(&read), wanted_of(&full));
        assert_eq!(Wanted::of(&read).unwrap().sounds.len(), SLATE_SOUNDS);
        let bent = |from: &str, to: &str| {
            let read: Seen = serde_json::from_str(&text.replace(from, to)).unwrap();
            Wanted::of(&read).map(|wanted| wanted.picture)
        };
        for (from, to) in [
            ("1920", "4000000000"),
            ("59.94", "1e300"),
            ("59.94", "-5.0"),
            ("h264", "rm -rf"),
            ("High", "Low"),
        ] {
            let picture = bent(from, to).expect("it is known");
            assert!(picture.is_err(), "{to} is no format: {picture:?}");
        }
        assert_eq!(bent("1920", "null"), None);
    }
}
