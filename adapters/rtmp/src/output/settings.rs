use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::path::PathBuf;
use tidegate_engine::{SecretRef, Settings, SettingsError};

use super::target::Target;

/// RTMP or RTMPS to a platform or any other server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputSettings {
    /// Where to, without the stream key: `rtmp://host/app` or `rtmps://host/app`. Not needed for a
    /// platform whose address is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A platform by its name, such as `youtube` or `twitch`; `GET /api/v1/platforms` lists them.
    /// The stream is compared with what it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The platform's region, for those that have regions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// To the platform's backup address, beside an output to its main one.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub backup: bool,
    /// The stream key.
    pub key: SecretRef,
    /// Send every sound track instead of the first, by Enhanced RTMP. Only for receivers that
    /// understand it.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub multitrack: bool,
    /// A file of certificates (PEM) to check the server's against, instead of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

impl Settings for OutputSettings {
    fn secrets(&mut self) -> Vec<(Cow<'static, str>, &mut SecretRef)> {
        vec![("key".into(), &mut self.key)]
    }

    fn check(&self) -> Result<(), SettingsError> {
        Target::of(self)?;
        let empty = self.key.reveal().is_some_and(|key| key.expose().is_empty());
        if empty {
            return Err(SettingsError::new("key", "the stream key is empty")
                .advise("Write the stream key that the platform shows."));
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) fn to(url: Option<&str>, platform: Option<&str>) -> OutputSettings {
    OutputSettings {
        url: url.map(str::to_owned),
        platform: platform.map(str::to_owned),
        region: None,
        backup: false,
        key: SecretRef::literal(tidegate_engine::Secret::new("key")),
        multitrack: false,
        ca: None,
    }
}
