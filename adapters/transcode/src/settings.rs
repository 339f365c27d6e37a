use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use tidegate_engine::{Settings, SettingsError, nearest};
use tidegate_ffmpeg::sound::{SoundFormat, UnknownWord};

/// Another source with its sound in another codec; ffmpeg must be installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceSettings {
    /// The source that it is made out of.
    pub source: String,
    /// What its sound becomes: codec (`aac`, `mp2`, `ac3`, `opus`), `mono` or `stereo`, and
    /// bitrate, each optional: `aac stereo 128k`. Always with 48 kHz.
    pub audio: String,
}

impl SourceSettings {
    /// What its sound becomes.
    pub(crate) fn format(&self) -> Result<SoundFormat, SettingsError> {
        SoundFormat::parse(&self.audio).map_err(|UnknownWord { word, valid }| {
            let known = valid.iter().map(String::as_str);
            let advice = match nearest(&word, known) {
                Some(meant) => format!("Did you mean {meant:?}?"),
                None => format!("Known here: {}.", valid.join(", ")),
            };
            let message = format!("{word:?} means nothing for the sound");
            let advice = format!("{advice} Write it like \"aac stereo 128k\".");
            SettingsError::new("audio", message).advise(advice)
        })
    }
}

impl Settings for SourceSettings {
    fn reads(&self) -> Vec<(Cow<'static, str>, &str)> {
        vec![("source".into(), &self.source)]
    }

    fn check(&self) -> Result<(), SettingsError> {
        self.format().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(audio: &str) -> SourceSettings {
        SourceSettings {
            source: "cam1".into(),
            audio: audio.into(),
        }
    }

    #[test]
    fn a_wrong_word_is_told_with_the_nearest_right_one() {
        assert_eq!(read("aac stereo 128k").check(), Ok(()));
        for (audio, meant) in [
            ("acc stereo", "\"aac\""),
            ("aac sterio 128k", "\"stereo\""),
            ("aac 129k", "\"128k\""),
            ("vorbis", "aac, mp2, ac3, opus, mono, stereo"),
        ] {
            let error = read(audio).check().unwrap_err();
            assert_eq!(error.field, "audio");
            let advice = error.advice.unwrap();
            assert!(advice.contains(meant), "{audio}: {advice}");
        }
    }
}
