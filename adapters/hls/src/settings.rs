use crate::push::PushSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use tidegate_engine::{SecretRef, Settings, SettingsError, Span};

/// Playback in browsers and players over HTTP: served here, or pushed to an origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutputSettings {
    /// How long a segment should be. Segments end at key frames, so a multiple of the
    /// encoder's key frame distance is best.
    #[serde(skip_serializing_if = "is_default_segment")]
    pub segment: Span,
    /// How many segments the playlist lists.
    #[serde(skip_serializing_if = "is_default_window")]
    pub window: u32,
    /// Send to an origin instead of serving here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push: Option<PushSettings>,
}

const SEGMENT: Span = Span::from_secs(2);
const WINDOW: u32 = 6;

fn is_default_segment(segment: &Span) -> bool {
    *segment == SEGMENT
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_default_window(window: &u32) -> bool {
    *window == WINDOW
}

impl Default for OutputSettings {
    fn default() -> Self {
        Self {
            segment: SEGMENT,
            window: WINDOW,
            push: None,
        }
    }
}

impl Settings for OutputSettings {
    fn secrets(&mut self) -> Vec<(Cow<'static, str>, &mut SecretRef)> {
        self.push
            .as_mut()
            .map_or_else(Vec::new, PushSettings::secrets)
    }

    fn mode(&self) -> Option<&'static str> {
        self.push.as_ref().map(|_| "push")
    }

    fn check(&self) -> Result<(), SettingsError> {
        if self.segment < Span::from_secs(1) || self.segment > Span::from_secs(10) {
            let error = SettingsError::new("segment", format!("{} is out of range", self.segment));
            return Err(error.advise("Choose between 1s and 10s."));
        }
        if !(3..=60).contains(&self.window) {
            let error = SettingsError::new("window", format!("{} is out of range", self.window));
            return Err(error.advise("Choose between 3 and 60; players need at least 3."));
        }
        self.push.as_ref().map_or(Ok(()), PushSettings::check)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_need_be_said() {
        let settings: OutputSettings = serde_json::from_str("{}").unwrap();
        assert_eq!(settings, OutputSettings::default());
        assert_eq!(serde_json::to_string(&settings).unwrap(), "{}");
        assert!(settings.check().is_ok());
    }

    #[test]
    fn what_players_cannot_use_is_refused_with_the_range() {
        for (text, field) in [
            (r#"{"segment":"500ms"}"#, "segment"),
            (r#"{"segment":"1m"}"#, "segment"),
            (r#"{"window":2}"#, "window"),
        ] {
            let settings: OutputSettings = serde_json::from_str(text).unwrap();
            let error = settings.check().unwrap_err();
            assert_eq!(error.field, field);
            assert!(error.advice.unwrap().contains("between"));
        }
    }
}
