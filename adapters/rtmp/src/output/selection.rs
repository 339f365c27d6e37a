//! Which tracks of a feed go out.

use std::sync::Arc;

use tidegate_codecs::StreamConfig;
use tidegate_engine::{Track, Tracks};
use tidegate_flv::Dialect;
use tidegate_platforms::Limits;

/// What goes out, and what does not.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Selection {
    /// In the order they are numbered.
    pub(crate) chosen: Vec<(u16, Arc<StreamConfig>)>,
    /// The chosen picture.
    pub(crate) video: Option<u16>,
    /// What is not carried, by codec and language.
    pub(crate) left_out: Vec<String>,
    /// A track that could go out has not told its configuration yet.
    pub(crate) is_incomplete: bool,
    /// The feed has a picture, and none that can go out.
    pub(crate) lacks_picture: bool,
    /// The same of sound.
    pub(crate) lacks_sound: bool,
}

impl Selection {
    /// The first picture and the first sound of its program that the far side can take; with
    /// `multitrack` all such sound.
    pub(crate) fn of(tracks: &Tracks, limits: Option<&Limits>, multitrack: bool) -> Self {
        let mut selection = Self::default();
        let can_go = |track: &Track| can_go(track, limits);
        let pictures = || tracks.iter().filter(|track| track.is_video());
        let picture = pictures().find(|track| can_go(track) == Some(true));
        let program = picture.map(|track| track.program);
        let mut has_sound = false;
        for track in tracks {
            let is_of_program = program.is_none_or(|program| program == track.program);
            let wanted = if track.is_video() {
                picture.is_some_and(|chosen| chosen.id == track.id)
            } else {
                track.is_audio()
                    && is_of_program
                    && (multitrack || !has_sound)
                    && can_go(track) == Some(true)
            };
            match &track.config {
                Some(config) if wanted => {
                    has_sound |= track.is_audio();
                    selection.chosen.push((track.id, Arc::clone(config)));
                }
                _ if can_go(track).is_none() => selection.is_incomplete = true,
                _ => selection.left_out.push(name(track)),
            }
        }
        selection.video = picture.map(|track| track.id);
        let none_can_go = |kind: fn(&Track) -> bool| {
            tracks.iter().any(kind)
                && !tracks
                    .iter()
                    .any(|track| kind(track) && can_go(track) != Some(false))
        };
        selection.lacks_picture = none_can_go(Track::is_video);
        selection.lacks_sound = none_can_go(Track::is_audio);
        // The picture is numbered first, whatever the order of the tables.
        let video = selection.video;
        selection.chosen.sort_by_key(|(id, _)| Some(*id) != video);
        selection
    }

    pub(crate) fn config(&self, video: bool) -> Option<&StreamConfig> {
        let mut chosen = self.chosen.iter().map(|(_, config)| &**config);
        chosen.find(|config| config.video().is_some() == video)
    }

    /// The first sound that goes out.
    pub(crate) fn sound(&self) -> Option<u16> {
        let mut chosen = self.chosen.iter();
        let sound = chosen.find(|(_, config)| config.audio().is_some());
        sound.map(|(id, _)| *id)
    }

    /// Whether the far side must understand Enhanced RTMP.
    pub(crate) fn is_enhanced(&self) -> bool {
        let sounds = self
            .chosen
            .iter()
            .filter(|(_, config)| config.audio().is_some());
        let mut chosen = self.chosen.iter();
        sounds.count() > 1
            || chosen.any(|(_, config)| Dialect::needed(config) == Some(Dialect::Enhanced))
    }

    /// The tracks for people: `h264 1920x1080`, `aac 48000 Hz`.
    pub(crate) fn shown(&self) -> Vec<String> {
        let shown = |(_, config): &(u16, Arc<StreamConfig>)| match &**config {
            StreamConfig::Video(video) => {
                let format = &video.format;
                format!("{} {}x{}", format.codec.name(), format.width, format.height)
            }
            StreamConfig::Audio(audio) => {
                format!("{} {} Hz", audio.format.name, audio.format.sample_rate_hz)
            }
        };
        self.chosen.iter().map(shown).collect()
    }
}

/// Whether a track can go out; `None` while nobody knows.
fn can_go(track: &Track, limits: Option<&Limits>) -> Option<bool> {
    if !track.is_video() && !track.is_audio() {
        return Some(false);
    }
    let config = track.config.as_deref()?;
    let Some(_) = Dialect::needed(config) else {
        return Some(false);
    };
    let (name, taken) = match config {
        StreamConfig::Video(video) => (
            video.format.codec.name(),
            limits.map(|limits| &limits.video_codecs),
        ),
        StreamConfig::Audio(audio) => {
            (audio.format.name, limits.map(|limits| &limits.audio_codecs))
        }
    };
    // A platform may end a stream for a codec that it does not know.
    Some(taken.is_none_or(|taken| taken.is_empty() || taken.iter().any(|one| one == name)))
}

fn name(track: &Track) -> String {
    let audio = track.config.as_deref().and_then(StreamConfig::audio);
    let codec = audio.map_or(track.codec.name(), |audio| audio.format.name);
    match &track.language {
        Some(language) => format!("{codec} ({language})"),
        None => codec.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_codecs::{Codec, Record};

    fn config(codec: Codec) -> Option<Arc<StreamConfig>> {
        let av1 = [
            0x81, 0x01, 0x0C, 0x00, 0x0A, 0x0C, 0x02, 0x00, 0x00, 0x0D, 0x26, 0x27, 0xFB, 0x38,
            0x05, 0xF0, 0x00, 0x80,
        ];
        let opus = b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0";
        let record = match codec {
            Codec::Av1 => &av1[..],
            Codec::Opus => opus,
            Codec::Aac => &[0x11, 0x90],
            _ => return None,
        };
        Some(Record::parse(codec, record).unwrap().config)
    }

    fn track(id: u16, codec: Codec) -> Track {
        Track {
            id,
            program: 1,
            codec,
            language: None,
            config: config(codec),
        }
    }

    fn ids(selection: &Selection) -> Vec<u16> {
        selection.chosen.iter().map(|(id, _)| *id).collect()
    }

    #[test]
    fn the_first_picture_and_the_first_sound_go_out_and_the_rest_is_named() {
        let tracks = [
            track(1, Codec::Aac),
            track(2, Codec::Av1),
            track(3, Codec::Opus),
            track(4, Codec::Scte35),
        ];
        let selection = Selection::of(&tracks, None, false);
        assert_eq!(ids(&selection), [2, 1]);
        assert_eq!(selection.left_out, ["opus", "scte35"]);
        assert!(selection.is_enhanced());
        let all = Selection::of(&tracks, None, true);
        assert_eq!(ids(&all), [2, 1, 3]);
    }

    #[test]
    fn sound_of_another_program_stays_behind() {
        let mut other = track(1, Codec::Aac);
        other.program = 2;
        let tracks = [other, track(2, Codec::Av1), track(3, Codec::Opus)];
        assert_eq!(ids(&Selection::of(&tracks, None, false)), [2, 3]);
    }

    #[test]
    fn a_picture_that_the_platform_does_not_take_does_not_go_out() {
        let tracks = [track(2, Codec::Av1), track(1, Codec::Aac)];
        let twitch = tidegate_platforms::find("twitch").map(|platform| &platform.limits);
        let selection = Selection::of(&tracks, twitch, false);
        assert_eq!(ids(&selection), [1]);
        assert!(selection.lacks_picture && !selection.is_incomplete);
    }

    #[test]
    fn a_track_that_has_not_told_its_configuration_is_waited_for() {
        let tracks = [track(2, Codec::H264), track(1, Codec::Aac)];
        let selection = Selection::of(&tracks, None, false);
        assert!(selection.is_incomplete && !selection.lacks_picture);
        let sound_alone = Selection::of(&tracks[1..], None, false);
        assert!(!sound_alone.is_incomplete && !sound_alone.lacks_picture);
    }
}
