//! How an adapter is registered: one value in the server's list.

use crate::driver::{OutputDriver, SourceDriver};
use crate::error::SettingsError;
use crate::secret::{SecretRef, Secrets};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// The typed settings of a source, an output or a listener. They generate the schema, the
/// OpenAPI part and the form, so every field carries a doc comment.
pub trait Settings:
    Clone + PartialEq + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static
{
    /// The secrets in it, with their place (`passphrase`), so that the server can keep them
    /// apart and put them back.
    fn secrets(&mut self) -> Vec<(&'static str, &mut SecretRef)> {
        Vec::new()
    }
}

/// Makes outputs of one kind.
pub trait OutputAdapter: Send + Sync {
    /// What an output of this kind is told.
    type Settings: Settings;

    /// The key in the configuration: `udp`.
    const KIND: &'static str;

    /// A driver for the output `name`. Checks everything that can be checked without opening
    /// anything, so `tidegate check` calls it too.
    ///
    /// # Errors
    /// If the settings cannot work.
    fn output(
        &self,
        name: &str,
        settings: &Self::Settings,
        secrets: &dyn Secrets,
    ) -> Result<Arc<dyn OutputDriver>, SettingsError>;
}

/// Makes sources of one kind.
pub trait SourceAdapter: Send + Sync {
    /// What a source of this kind is told.
    type Settings: Settings;

    /// The key in the configuration: `srt`.
    const KIND: &'static str;

    /// A driver for the source `name`; otherwise as [`OutputAdapter::output`].
    ///
    /// # Errors
    /// If the settings cannot work.
    fn source(
        &self,
        name: &str,
        settings: &Self::Settings,
        secrets: &dyn Secrets,
    ) -> Result<Arc<dyn SourceDriver>, SettingsError>;
}
