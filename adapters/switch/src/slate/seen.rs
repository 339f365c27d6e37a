//! What was seen of a program, as far as its slate has to be like it: what is remembered of it.

use crate::limits::SLATE_SOUNDS;
use serde::{Deserialize, Serialize};
use tidegate_engine::{AudioStatus, MediaStatus, VideoStatus};

/// What was seen of a program. It means nothing before [`super::Wanted`] was made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(super) picture: SeenPicture,
    #[serde(default)]
    pub(super) sounds: Vec<SeenSound>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SeenPicture {
    pub(super) codec: String,
    pub(super) profile: Option<String>,
    pub(super) level: Option<String>,
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    pub(super) fps: Option<f64>,
    pub(super) interlaced: bool,
    pub(super) bitrate_bps: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SeenSound {
    pub(super) codec: String,
    pub(super) channels: Option<u8>,
    pub(super) sample_rate_hz: Option<u32>,
    pub(super) language: Option<String>,
}

impl Seen {
    /// What is in this program; `None` without a picture.
    pub(crate) fn of(media: &MediaStatus) -> Option<Self> {
        Some(Self {
            picture: picture(media.video.as_ref()?),
            sounds: media.audio.iter().take(SLATE_SOUNDS).map(sound).collect(),
        })
    }
}

fn picture(video: &VideoStatus) -> SeenPicture {
    SeenPicture {
        codec: video.codec.to_owned(),
        profile: video.profile.clone(),
        level: video.level.clone(),
        width: video.width,
        height: video.height,
        fps: video.fps,
        interlaced: video.interlaced,
        bitrate_bps: video.bitrate_bps,
    }
}

fn sound(audio: &AudioStatus) -> SeenSound {
    SeenSound {
        codec: audio.codec.to_owned(),
        channels: audio.channels,
        sample_rate_hz: audio.sample_rate,
        language: audio.language.clone(),
    }
}
