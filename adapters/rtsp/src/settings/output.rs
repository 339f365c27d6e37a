use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::{SecretRef, Secrets, Settings, SettingsError, check_places};

use super::Credentials;
use super::credentials;

/// The longest path.
const PATH_CHARS_MAX: usize = 200;
/// Readers of an output that does not say.
const DEFAULT_READERS: u32 = 100;
/// The most that can be asked for.
const READERS_MAX: u32 = 10_000;

/// A source, served to RTSP players.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputSettings {
    /// What players ask for: `rtsp://host:8554/PATH`.
    pub path: String,
    /// The RTSP listener that players come to; without it all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listener: Option<String>,
    /// Who may play. Without user name and password everybody on this machine and in private
    /// networks may, and nobody from a public address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The password that goes with the user name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
    /// Anybody who reaches the listener may play, without a password and from public addresses
    /// too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub open: bool,
    /// Players at a time; 100 without it.
    #[schemars(range(min = 1, max = READERS_MAX))]
    #[serde(
        default = "default_readers",
        skip_serializing_if = "is_default_readers"
    )]
    pub max_readers: u32,
}

const fn default_readers() -> u32 {
    DEFAULT_READERS
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn is_default_readers(count: &u32) -> bool {
    *count == DEFAULT_READERS
}

impl OutputSettings {
    /// An output of nothing but a path: without a password, on every listener.
    #[must_use]
    pub fn at(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            listener: None,
            username: None,
            password: None,
            open: false,
            max_readers: DEFAULT_READERS,
        }
    }

    pub(crate) fn credentials(
        &self,
        secrets: &dyn Secrets,
    ) -> Result<Option<Credentials>, SettingsError> {
        credentials::resolve(self.username.as_deref(), self.password.as_ref(), secrets)
    }
}

impl Settings for OutputSettings {
    fn secrets(&mut self) -> Vec<(Cow<'static, str>, &mut SecretRef)> {
        let password = self.password.as_mut();
        password
            .map(|at| ("password".into(), at))
            .into_iter()
            .collect()
    }

    fn mode(&self) -> Option<&'static str> {
        Some("listener")
    }

    fn listener(&self) -> Option<&str> {
        self.listener.as_deref()
    }

    fn stream_id(&self) -> Option<&str> {
        Some(&self.path)
    }

    fn check(&self) -> Result<(), SettingsError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        let is_clean = !self.path.is_empty()
            && self.path.len() <= PATH_CHARS_MAX
            && self.path.bytes().all(plain)
            && self
                .path
                .split('/')
                .all(|part| !matches!(part, "" | "." | ".."));
        if !is_clean {
            let error = SettingsError::new("path", format!("{:?} cannot be a path", self.path));
            return Err(error.advise(
                "Write letters, digits, -, ., _ and ~, with single slashes between parts, like \
                 \"live/cam1\".",
            ));
        }
        check_places("max_readers", self.max_readers, READERS_MAX)?;
        if self.open && self.password.is_some() {
            let error = SettingsError::new("open", "it contradicts the password");
            return Err(error.advise("Leave one of them out."));
        }
        credentials::check(self.username.as_deref(), self.password.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_players_can_write_are_taken() {
        for path in ["cam1", "live/cam1", "a.b-c_d~e/1"] {
            OutputSettings::at(path).check().unwrap();
        }
        for path in [
            "", "/cam", "cam/", "a//b", "a/../b", "a b", "a?b", "ä", "a%20b",
        ] {
            assert_eq!(OutputSettings::at(path).check().unwrap_err().field, "path");
        }
    }

    #[test]
    fn an_output_is_open_or_has_a_password() {
        let mut output = OutputSettings::at("cam1");
        output.open = true;
        output.check().unwrap();
        output.username = Some("alice".to_owned());
        output.password = Some(SecretRef::Named("alice".into()));
        assert_eq!(output.check().unwrap_err().field, "open");
    }
}
