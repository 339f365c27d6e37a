use crate::{failure, kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;
use tidegate_engine::{RunError, Settings, SettingsError, media_file};
use tidegate_ffmpeg::slate::{SlateAudio, SlateFormat, SlateVideo};

/// A media file, played in real time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceSettings {
    /// The file, MPEG-TS, MP4, or a picture (PNG, JPEG): its name in the folder `media` of the
    /// data folder, or an absolute path.
    pub path: String,
    /// Begin again at the end; a picture always does.
    #[serde(default, rename = "loop", skip_serializing_if = "core::ops::Not::not")]
    pub repeat: bool,
    /// What a picture becomes: codec (`h264`, `hevc`), size and frame rate, each optional:
    /// `h264 1920x1080 50`. Without it, `h264 1280x720 25`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<String>,
    /// The silence beside a picture: codec (`aac`, `opus`, `mp2`, `ac3`), `mono` or `stereo`, and
    /// sample rate, or `none`. Without it, `aac stereo 48000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<String>,
}

impl SourceSettings {
    /// What a picture becomes.
    pub(crate) fn slate(&self) -> Result<SlateFormat, SettingsError> {
        let wrong = |field, word: String, like: &str| {
            let error = SettingsError::new(field, format!("{word:?} means nothing for a slate"));
            error.advise(format!("Write it like \"{like}\"."))
        };
        let video = SlateVideo::parse(self.video.as_deref().unwrap_or_default())
            .map_err(|word| wrong("video", word, "h264 1920x1080 50"))?;
        let audio = match self.audio.as_deref() {
            Some("none") => None,
            audio => Some(
                SlateAudio::parse(audio.unwrap_or_default())
                    .map_err(|word| wrong("audio", word, "aac stereo 48000"))?,
            ),
        };
        Ok(SlateFormat { video, audio })
    }
}

impl Settings for SourceSettings {
    fn check(&self) -> Result<(), SettingsError> {
        media_file::check("path", &self.path)?;
        self.slate().map(drop)
    }

    fn look_at_files(&self, data_dir: &Path) -> Result<(), SettingsError> {
        let wrong =
            |error: RunError| SettingsError::new("path", error.message).advise(error.advice);
        let path = media_file::resolve(data_dir, &self.path);
        let file = media_file::open(&path).map_err(wrong)?;
        let kind = kind::of(&file).map_err(|error| wrong(failure::unreadable(&path, &error)))?;
        kind.map(drop)
            .ok_or_else(|| wrong(failure::no_media(&path)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_alone_is_enough() {
        let settings: SourceSettings = serde_json::from_str(r#"{"path":"a.ts"}"#).unwrap();
        assert!(!settings.repeat);
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(text, r#"{"path":"a.ts"}"#);
        let looped: SourceSettings =
            serde_json::from_str(r#"{"path":"/media/a.mp4","loop":true}"#).unwrap();
        assert!(looped.repeat);
    }

    #[test]
    fn the_format_of_a_slate_is_checked() {
        let read = |text: &str| serde_json::from_str::<SourceSettings>(text).unwrap();
        let slate = read(r#"{"path":"a.png","video":"640x360 50","audio":"none"}"#);
        assert_eq!(slate.slate().unwrap().audio, None);
        let wrong = read(r#"{"path":"a.png","audio":"vorbis"}"#);
        assert_eq!(wrong.check().unwrap_err().field, "audio");
    }

    #[test]
    fn a_misspelt_setting_is_refused() {
        let error = serde_json::from_str::<SourceSettings>(r#"{"path":"a","lop":true}"#);
        assert!(error.unwrap_err().to_string().contains("lop"));
    }
}
