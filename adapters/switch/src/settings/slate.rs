use core::fmt;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::path::{Component, Path};
use tidegate_engine::SettingsError;

/// The longest path that Linux takes.
const PATH_BYTES_MAX: usize = 4095;

/// What viewers see while no input has media: a file alone, or with its sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum SlateSettings {
    /// A picture (PNG, JPEG) or a clip, with silence.
    File(String),
    /// The same, saying what is heard.
    Full(FullSlate),
}

/// A slate and its sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FullSlate {
    /// A picture (PNG, JPEG) or a clip.
    pub file: String,
    /// What is heard.
    #[serde(default)]
    pub sound: SlateSound,
}

/// What is heard with a slate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlateSound {
    /// Nothing.
    #[default]
    Silence,
    /// A tone of 1 kHz.
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

    /// What is heard with it.
    #[must_use]
    pub fn sound(&self) -> SlateSound {
        match self {
            Self::File(_) => SlateSound::default(),
            Self::Full(full) => full.sound,
        }
    }

    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        let file = self.file();
        let wrong = |why: &str| {
            let error = SettingsError::new("slate", format!("{file:?} {why}"));
            Err(error.advise("Write the name of a file in the media folder, or an absolute path."))
        };
        if file.is_empty() || file.ends_with('/') {
            return wrong("names no file");
        }
        if file.contains('\0') || file.len() > PATH_BYTES_MAX {
            return wrong("cannot be the path of a file");
        }
        let mut parts = Path::new(file).components();
        if parts.any(|part| part == Component::ParentDir) {
            return wrong("leads out of its folder");
        }
        Ok(())
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
