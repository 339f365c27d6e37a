//! Which of a feed's tracks go into the segments.

use std::sync::Arc;

use tidegate_codecs::{Codec, Kind, StreamConfig};
use tidegate_fmp4::{TrackSpec, can_carry};

/// A track of the feed.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Its number in the feed.
    pub id: u16,
    /// The program it belongs to; picture and sound are taken from one program.
    pub program: u16,
    /// What it is.
    pub codec: Codec,
    /// ISO 639-2 code.
    pub language: Option<[u8; 3]>,
    /// Its configuration; `None` until the stream has told it.
    pub config: Option<Arc<StreamConfig>>,
}

/// The picture and the sound that were chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Selection {
    pub(crate) video: Option<Chosen>,
    pub(crate) audio: Option<Chosen>,
}

/// One chosen track, whose configuration is known.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) id: u16,
    language: Option<[u8; 3]>,
    pub(crate) config: Arc<StreamConfig>,
}

impl PartialEq for Chosen {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
            && self.language == other.language
            && (Arc::ptr_eq(&self.config, &other.config) || self.config == other.config)
    }
}

/// What a frame is to the segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Video,
    Audio,
}

impl Selection {
    /// The first picture that can be carried, and of its program the sound that most
    /// players can play. Without a picture, sound alone.
    pub(crate) fn of(tracks: &[Track]) -> Self {
        let usable = || tracks.iter().filter(|track| can_carry(track.codec));
        let picture = usable().find(|track| track.codec.kind() == Kind::Video);
        let sound = usable()
            .filter(|track| track.codec.kind() == Kind::Audio && track.config.is_some())
            .filter(|track| picture.is_none_or(|picture| picture.program == track.program))
            .min_by_key(|track| rank(track.codec));
        Self {
            video: picture.and_then(Chosen::of),
            audio: sound.and_then(Chosen::of),
        }
    }

    /// Whether a picture was announced whose configuration is still to come.
    pub(crate) fn is_waiting_for_video(tracks: &[Track]) -> bool {
        let picture = tracks
            .iter()
            .find(|track| can_carry(track.codec) && track.codec.kind() == Kind::Video);
        picture.is_some_and(|picture| picture.config.is_none())
    }

    pub(crate) fn role(&self, track: u16) -> Option<Role> {
        let is = |chosen: &Option<Chosen>| chosen.as_ref().is_some_and(|c| c.id == track);
        if is(&self.video) {
            return Some(Role::Video);
        }
        is(&self.audio).then_some(Role::Audio)
    }

    /// The chosen tracks as they are declared: the picture first.
    pub(crate) fn specs(&self) -> Vec<TrackSpec> {
        let chosen = self.video.iter().chain(&self.audio);
        chosen
            .map(|chosen| TrackSpec {
                config: Arc::clone(&chosen.config),
                language: chosen.language,
            })
            .collect()
    }
}

impl Chosen {
    fn of(track: &Track) -> Option<Self> {
        let config = Arc::clone(track.config.as_ref()?);
        Some(Self {
            id: track.id,
            language: track.language,
            config,
        })
    }
}

/// Browsers all play AAC and nearly all Opus; few play the Dolby codecs.
const fn rank(codec: Codec) -> u8 {
    match codec {
        Codec::Aac | Codec::AacLatm => 0,
        Codec::Opus => 1,
        Codec::Eac3 => 2,
        _ => 3,
    }
}
