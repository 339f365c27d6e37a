use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::{Secret, SecretRef, Secrets, Settings, SettingsError};

/// The longest stream key. Platforms' own have fewer than 100 characters.
const KEY_BYTES_MAX: usize = 512;
/// The longest application name.
const APP_BYTES_MAX: usize = 256;

/// A feed that an encoder publishes to an RTMP listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceSettings {
    /// The listener's name.
    pub listener: String,
    /// The stream key. Whoever knows it may publish, so make it long and random.
    pub key: SecretRef,
    /// The application: the path of the encoder's URL without the key, like `live`. Without it
    /// every application is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
}

impl Settings for SourceSettings {
    fn secrets(&mut self) -> Vec<(Cow<'static, str>, &mut SecretRef)> {
        vec![("key".into(), &mut self.key)]
    }

    fn mode(&self) -> Option<&'static str> {
        Some("listener")
    }

    fn listener(&self) -> Option<&str> {
        Some(&self.listener)
    }

    /// Where every application is right, encoders are told the usual one.
    fn path_on_listener(&self) -> Option<&str> {
        Some(self.app.as_deref().unwrap_or("live"))
    }

    fn check(&self) -> Result<(), SettingsError> {
        if let Some(app) = &self.app {
            let is_plain = |c: char| !c.is_control() && !c.is_whitespace() && !"?#".contains(c);
            if app.trim_matches('/').is_empty() || !app.chars().all(is_plain) {
                let message = format!("{app:?} is no name of an application");
                return Err(SettingsError::new("app", message)
                    .advise("write the path of the encoder's URL, like `live`, or leave it out"));
            }
            if app.len() > APP_BYTES_MAX {
                let message = format!("it is longer than {APP_BYTES_MAX} bytes");
                return Err(SettingsError::new("app", message).advise("choose a shorter one"));
            }
        }
        self.key
            .reveal()
            .map_or(Ok(()), |key| check_key(key.expose()))
    }
}

/// The key itself.
pub(crate) fn resolve_key(key: &SecretRef, secrets: &dyn Secrets) -> Result<Secret, SettingsError> {
    let key = key
        .resolve(secrets)
        .map_err(|error| SettingsError::new("key", error.to_string()))?;
    check_key(key.expose())?;
    Ok(key)
}

/// Whether an encoder could send it.
fn check_key(key: &str) -> Result<(), SettingsError> {
    if key.is_empty() {
        return Err(
            SettingsError::new("key", "the stream key is empty").advise("choose a long random one")
        );
    }
    if key.len() > KEY_BYTES_MAX {
        let message = format!("the stream key is longer than {KEY_BYTES_MAX} bytes");
        return Err(SettingsError::new("key", message).advise("choose a shorter one"));
    }
    if key.chars().any(|c| c.is_control() || c.is_whitespace()) {
        let message = "the stream key contains a space or a control character";
        return Err(SettingsError::new("key", message).advise("encoders do not send those"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> SourceSettings {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn settings_are_like_those_of_every_adapter() {
        for text in [
            r#"{ "listener": "in", "key": { "secret": "studio" } }"#,
            r#"{ "listener": "in", "key": "abc", "app": "live" }"#,
        ] {
            tidegate_testkit::conformance::check_settings(&parse(text));
        }
    }

    #[test]
    fn keys_that_no_encoder_can_send_are_refused_and_not_repeated() {
        let long = "k".repeat(KEY_BYTES_MAX + 1);
        for key in ["", "a b", "tail ", &long] {
            let error = check_key(key).unwrap_err();
            assert_eq!(error.field, "key");
            assert!(!error.message.contains("a b"));
        }
        let text = r#"{ "listener": "in", "key": "a b" }"#;
        assert_eq!(parse(text).check().unwrap_err().field, "key");
    }

    #[test]
    fn an_application_is_a_path() {
        let check = |app: &str| {
            let mut settings = parse(r#"{ "listener": "in", "key": "abc" }"#);
            settings.app = Some(app.into());
            settings.check().map_err(|error| error.field)
        };
        assert_eq!(check("live"), Ok(()));
        assert_eq!(check("live/inside"), Ok(()));
        for app in ["", "/", "a b", "live?x=1"] {
            assert_eq!(check(app), Err("app"));
        }
    }
}
