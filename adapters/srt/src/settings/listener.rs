use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::{Settings, SettingsError, Span};

use super::{KeyBytes, is_false};

/// Receive latency of a listener that does not say; libsrt's 120 ms is for a LAN.
const DEFAULT_LATENCY: Span = Span::from_millis(200);
/// The longest latency: memory is bitrate times latency.
pub(super) const LATENCY_MAX: Span = Span::from_secs(8);

/// A UDP port where SRT callers arrive: publishers for sources, readers for outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListenerSettings {
    /// Local address and port, like `0.0.0.0:9000` or `[::]:9000` (IPv6 and IPv4).
    #[schemars(with = "String", example = &"0.0.0.0:9000")]
    pub bind: SocketAddr,
    /// Receive latency of streams that do not set their own; a caller that asks for more gets
    /// more. About four times the round-trip time is a good start.
    #[serde(default = "default_latency")]
    pub latency: Span,
    /// Tell refused callers the true reason. Only for listeners that strangers cannot reach:
    /// the reasons tell which streams exist. The journal has them in any case.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reject_detail: bool,
    /// Key length suggested to callers that have a passphrase and no preference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pbkeylen: Option<KeyBytes>,
}

const fn default_latency() -> Span {
    DEFAULT_LATENCY
}

impl ListenerSettings {
    /// A listener with default settings.
    #[must_use]
    pub const fn new(bind: SocketAddr) -> Self {
        Self {
            bind,
            latency: DEFAULT_LATENCY,
            reject_detail: false,
            pbkeylen: None,
        }
    }
}

impl Settings for ListenerSettings {
    fn check(&self) -> Result<(), SettingsError> {
        check_latency(Some(self.latency))
    }
}

pub(super) fn check_latency(latency: Option<Span>) -> Result<(), SettingsError> {
    match latency {
        Some(latency) if latency > LATENCY_MAX => {
            let message = format!("a latency of {latency} is more than the {LATENCY_MAX} allowed");
            Err(SettingsError::new("latency", message)
                .advise("four times the round-trip time is enough on almost every path"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_refused_by_name() {
        let text = r#"{ "bind": "0.0.0.0:9000", "latancy": "200ms" }"#;
        let error = serde_json::from_str::<ListenerSettings>(text).unwrap_err();
        assert!(error.to_string().contains("latancy"), "{error}");
    }

    #[test]
    fn defaults_fill_what_is_not_written() {
        let settings: ListenerSettings =
            serde_json::from_str(r#"{ "bind": "[::]:9000", "latency": "1s" }"#).unwrap();
        assert_eq!(settings.latency, Span::from_secs(1));
        assert!(!settings.reject_detail);
        assert!(settings.check().is_ok());
    }

    #[test]
    fn a_latency_that_would_eat_memory_is_refused() {
        let mut settings = ListenerSettings::new(SocketAddr::from(([0, 0, 0, 0], 0)));
        settings.latency = Span::from_secs(60);
        assert_eq!(settings.check().unwrap_err().field, "latency");
    }
}
