use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::{Settings, SettingsError, Span};

/// A recording on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputSettings {
    /// The file format: `ts`, the transport stream as it came.
    pub format: Format,
    /// How long a file gets before the next one begins, at a key frame.
    #[serde(default = "one_hour", skip_serializing_if = "is_one_hour")]
    pub segment: Span,
    /// How long files are kept; without it, for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<Span>,
}

/// The format of recorded files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// MPEG-TS, bit by bit as it came.
    Ts,
}

const HOUR: Span = Span::from_secs(3600);

const fn one_hour() -> Span {
    HOUR
}

fn is_one_hour(span: &Span) -> bool {
    *span == HOUR
}

impl Settings for OutputSettings {
    fn check(&self) -> Result<(), SettingsError> {
        if self.segment < Span::from_secs(1) || self.segment > Span::from_secs(7 * 86_400) {
            let error = SettingsError::new("segment", format!("{} is out of range", self.segment));
            return Err(error.advise("Choose between 1s and 7d."));
        }
        if self.keep.is_some_and(|keep| keep < self.segment) {
            let error = SettingsError::new("keep", "files would be deleted while they are written");
            return Err(error.advise("Keep them longer than one segment."));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_alone_is_enough() {
        let settings: OutputSettings = serde_json::from_str(r#"{"format":"ts"}"#).unwrap();
        assert_eq!((settings.segment, settings.keep), (HOUR, None));
        assert_eq!(
            serde_json::to_string(&settings).unwrap(),
            r#"{"format":"ts"}"#
        );
    }

    #[test]
    fn keeping_less_than_one_segment_is_refused() {
        let text = r#"{"format":"ts","segment":"1h","keep":"10m"}"#;
        let settings: OutputSettings = serde_json::from_str(text).unwrap();
        assert_eq!(settings.check().unwrap_err().field, "keep");
    }

    #[test]
    fn another_format_is_refused_by_name() {
        let error = serde_json::from_str::<OutputSettings>(r#"{"format":"avi"}"#).unwrap_err();
        assert!(error.to_string().contains("avi"), "{error}");
    }
}
