use crate::address;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::path::PathBuf;
use tidegate_engine::{Rate, SecretRef, Settings, SettingsError};

/// A stream that somebody else serves over HTTP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceSettings {
    /// The playlist: `https://live.example.com/cam1/index.m3u8`. `{key}` stands for the key.
    pub url: String,
    /// What is secret in the url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<SecretRef>,
    /// Take no variant that needs more; without it, the best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bitrate: Option<Rate>,
    /// Also follow redirects and playlist entries into private networks. The address in `url`
    /// may be private without this.
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_private: bool,
    /// A file of certificates (PEM) to check against instead of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Settings for SourceSettings {
    fn secrets(&mut self) -> Vec<(Cow<'static, str>, &mut SecretRef)> {
        self.key.iter_mut().map(|key| ("key".into(), key)).collect()
    }

    fn check(&self) -> Result<(), SettingsError> {
        address::check(&self.url, self.key.as_ref())
    }
}
