use crate::place;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::{Settings, SettingsError};

/// A media file, played in real time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceSettings {
    /// The file, MPEG-TS or MP4: its name in the folder `media` of the data folder, or an
    /// absolute path.
    pub path: String,
    /// Begin again at the end.
    #[serde(default, rename = "loop", skip_serializing_if = "core::ops::Not::not")]
    pub repeat: bool,
}

impl Settings for SourceSettings {
    fn check(&self) -> Result<(), SettingsError> {
        place::check(&self.path)
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
    fn a_misspelt_setting_is_refused() {
        let error = serde_json::from_str::<SourceSettings>(r#"{"path":"a","lop":true}"#);
        assert!(error.unwrap_err().to_string().contains("lop"));
    }
}
