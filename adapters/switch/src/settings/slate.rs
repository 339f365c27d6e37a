use core::fmt;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::path::Path;
use tidegate_engine::{SettingsError, media_file};
use tidegate_ffmpeg::slate::program::Material;

/// What viewers see while no input has media: a file alone, or with its sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum SlateSettings {
    /// A picture (PNG, JPEG) with silence, or a clip (MP4, MPEG-TS, Matroska) with its sound.
    File(String),
    /// The same, saying what is heard.
    Full(FullSlate),
}

/// A slate and its sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FullSlate {
    /// A picture (PNG, JPEG) or a clip (MP4, MPEG-TS, Matroska; the first half minute).
    pub file: String,
    /// What is heard. Without it a clip has its own sound, and a picture none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<SlateSound>,
}

/// What is heard with a slate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlateSound {
    /// Nothing.
    Silence,
    /// A tone of 1 kHz at -20 dBFS.
    Tone,
}

impl SlateSettings {
    /// The picture or clip.
    #[must_use]
    pub fn file(&self) -> &str {
        match self {
            Self::File(file) => file,
            Self::Full(full) => &full.file,
        }
    }

    /// What is heard with it; `None`: the clip's own sound.
    #[must_use]
    pub const fn sound(&self) -> Option<SlateSound> {
        match self {
            Self::File(_) => None,
            Self::Full(full) => full.sound,
        }
    }

    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        media_file::check("slate", self.file())
    }

    /// Whether there is a file that a slate can be made of.
    pub(crate) fn look(&self, data_dir: &Path) -> Result<(), SettingsError> {
        let path = media_file::resolve(data_dir, self.file());
        let wrong = |message: String, advice: &str| {
            let error = SettingsError::new("slate", message).advise(advice);
            match self {
                Self::File(_) => error,
                Self::Full(_) => error.at("slate", &["file"]),
            }
        };
        let file = media_file::open(&path);
        let file = file.map_err(|error| wrong(error.message, &error.advice))?;
        Material::look(&file).map_err(|error| {
            let message = format!("no slate can be made of {}: {error}", path.display());
            wrong(message, error.advice())
        })
    }
}

/// By hand, for what serde makes of untagged enums says nothing of what is wrong.
impl<'de> Deserialize<'de> for SlateSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SlateVisitor)
    }
}

struct SlateVisitor;

impl<'de> Visitor<'de> for SlateVisitor {
    type Value = SlateSettings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a file, or an object with file and sound")
    }

    fn visit_str<E: de::Error>(self, file: &str) -> Result<SlateSettings, E> {
        Ok(SlateSettings::File(file.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SlateSettings, A::Error> {
        FullSlate::deserialize(MapAccessDeserializer::new(map)).map(SlateSettings::Full)
    }
}
