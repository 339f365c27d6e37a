//! How an adapter is registered: one value in the server's list.

use crate::driver::{BoxFuture, OutputDriver, SourceDriver};
use crate::error::{RunError, SettingsError};
use crate::event::{Alarm, EventSink};
use crate::secret::{SecretRef, Secrets};
use core::ops::RangeInclusive;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

/// The typed settings of a source, an output or a listener. They generate the schema, the
/// OpenAPI part and the form, so every field carries a doc comment.
pub trait Settings:
    Clone + PartialEq + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static
{
    /// The secrets in it, with their place (`passphrase`), so that the server can keep them
    /// apart and put them back. A place stays the same while others come and go.
    fn secrets(&mut self) -> Vec<(Cow<'static, str>, &mut SecretRef)> {
        Vec::new()
    }

    /// Whether the files that it names are there, and what they have to be: for a warning, as
    /// they may come later. Reads them.
    ///
    /// # Errors
    /// If one is not.
    fn look_at_files(&self, _data_dir: &Path) -> Result<(), SettingsError> {
        Ok(())
    }

    /// How it is reached: `listener`, `caller`; `None` where there is only one way.
    fn mode(&self) -> Option<&'static str> {
        None
    }

    /// The name of the listener it lives on, if it does.
    fn listener(&self) -> Option<&str> {
        None
    }

    /// The stream ID it claims on that listener.
    fn stream_id(&self) -> Option<&str> {
        None
    }

    /// The path of its address on that listener, where addresses are URLs with paths.
    fn path_on_listener(&self) -> Option<&str> {
        None
    }

    /// Whether a listener speaks TLS, as in the address's `rtmps`.
    fn is_secure(&self) -> bool {
        false
    }

    /// What is wrong when the listener it lives on has no secret to lend it.
    fn without_listeners_secret(&self) -> Option<SettingsError> {
        None
    }

    /// The port of its listener's range that it claims instead of a stream ID.
    fn port_on_listener(&self) -> Option<u16> {
        None
    }

    /// The ports of a listener that streams may claim.
    fn port_range(&self) -> Option<RangeInclusive<u16>> {
        None
    }

    /// The local address that it alone opens, if it opens one.
    fn port(&self) -> Option<SocketAddr> {
        None
    }

    /// What speaks on the ports it opens: TCP and UDP do not get in each other's way.
    fn transport(&self) -> Transport {
        Transport::Udp
    }

    /// The field that [`Self::port`] is written in.
    fn port_field(&self) -> &'static str {
        "bind"
    }

    /// The sources that it is made out of, for a source that is made out of others' feeds,
    /// each with its place in the settings: `source`, `inputs/0`.
    fn reads(&self) -> Vec<(Cow<'static, str>, &str)> {
        Vec::new()
    }

    /// What is wrong with the settings by themselves, beyond their types. Secrets may still
    /// be references.
    ///
    /// # Errors
    /// The first thing that cannot work.
    fn check(&self) -> Result<(), SettingsError> {
        Ok(())
    }
}

/// To whom a local port belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A UDP port.
    Udp,
    /// A TCP port.
    Tcp,
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

    /// How the port is doing that an output with these settings has to itself, if it has one.
    fn port_status(&self, settings: &Self::Settings) -> Option<ListenerStatus> {
        let _ = settings;
        None
    }
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

    /// As [`OutputAdapter::port_status`].
    fn port_status(&self, settings: &Self::Settings) -> Option<ListenerStatus> {
        let _ = settings;
        None
    }
}

/// Makes listeners of one kind: local ports where strangers arrive.
pub trait ListenerAdapter: Send + Sync {
    /// What a listener of this kind is told.
    type Settings: Settings;

    /// The key in the configuration: `srt`.
    const KIND: &'static str;

    /// Opens the listener `name`, or changes it while it runs; says where it is bound.
    fn set_listener<'a>(
        &'a self,
        name: &'a str,
        settings: &'a Self::Settings,
        events: EventSink,
    ) -> BoxFuture<'a, Result<SocketAddr, RunError>>;

    /// Closes it.
    fn remove_listener<'a>(&'a self, name: &'a str) -> BoxFuture<'a, ()>;

    /// How it is doing.
    fn listener_status(&self, name: &str) -> Option<ListenerStatus>;
}

/// How a listener is doing, as the API shows it.
#[derive(Clone, Debug, Serialize)]
pub struct ListenerStatus {
    /// Where it is bound.
    pub bound: Option<SocketAddr>,
    /// Why it is not.
    pub error: Option<String>,
    /// What it counted.
    pub counters: Value,
    /// What stands in alarm.
    pub alarms: Vec<Alarm>,
}
