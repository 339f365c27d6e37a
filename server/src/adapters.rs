//! The list of adapters: one line each, from which every typed object follows.
//!
//! An object of the configuration has one optional field per adapter that can be it. (With
//! serde's `flatten` a misspelt key would be swallowed, and errors would lose their place.)

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tidegate_engine::{
    EventSink, Expect, ListenerAdapter, ListenerStatus, OutputAdapter, OutputDriver, RunError,
    SecretRef, Secrets, Settings, SettingsError, SourceAdapter, SourceDriver, Transport,
};
use tidegate_srt_io::Shards;
use tidegate_units::NetworkSet;

use crate::config::problem::sentence;
use crate::config::{ConfigProblem, Document, Name};

/// What adapters share.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The media threads.
    pub shards: Arc<Shards>,
}

/// Makes the configuration's types and [`Adapters`] from the list.
///
/// Each line is sorted by what the adapter can be, then the three kinds of objects are
/// written out with one field per adapter.
macro_rules! adapters {
    ($($kind:ident: $adapter:ty = $make:expr => { $($role:ident)+ })*) => {
        /// Every adapter, made once per process.
        #[derive(Debug)]
        pub struct Adapters {
            $($kind: $adapter,)*
        }

        impl Adapters {
            /// The adapters, sharing the media threads.
            #[must_use]
            pub fn new(shared: &Shared) -> Self {
                $(let $kind = { let make: fn(&Shared) -> $adapter = $make; make(shared) };)*
                let _ = shared;
                Self { $($kind,)* }
            }
        }

        adapters!(@sort [] [] [] $($kind $adapter [$($role)+])*);
    };

    (@sort $l:tt $s:tt $o:tt $kind:ident $adapter:ty [] $($rest:tt)*) => {
        adapters!(@sort $l $s $o $($rest)*);
    };
    (@sort [$($l:tt)*] $s:tt $o:tt $kind:ident $adapter:ty [listener $($role:ident)*] $($rest:tt)*) => {
        adapters!(@sort [$($l)* ($kind $adapter)] $s $o $kind $adapter [$($role)*] $($rest)*);
    };
    (@sort $l:tt [$($s:tt)*] $o:tt $kind:ident $adapter:ty [source $($role:ident)*] $($rest:tt)*) => {
        adapters!(@sort $l [$($s)* ($kind $adapter)] $o $kind $adapter [$($role)*] $($rest)*);
    };
    (@sort $l:tt $s:tt [$($o:tt)*] $kind:ident $adapter:ty [output $($role:ident)*] $($rest:tt)*) => {
        adapters!(@sort $l $s [$($o)* ($kind $adapter)] $kind $adapter [$($role)*] $($rest)*);
    };
    (@sort [$(($lk:ident $la:ty))*] [$(($sk:ident $sa:ty))*] [$(($ok:ident $oa:ty))*]) => {
        adapters! { @item "listener" listeners ListenerAdapter
            /// A port where strangers arrive.
            ListenerConfig {} [$(($lk $la))*] }
        adapters! { @item "source" sources SourceAdapter
            /// Something that produces a feed.
            SourceConfig {
                /// What should be in the feed; compared with what is.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub expect: Option<Expect>,
            } [$(($sk $sa))*] }
        adapters! { @item "output" outputs OutputAdapter
            /// Something that consumes a feed.
            OutputConfig {
                /// The source it delivers.
                pub source: Name,
            } [$(($ok $oa))*] }

        impl Adapters {
            /// Opens a listener or changes the open one.
            ///
            /// # Errors
            /// Why it cannot be open, such as a port in use.
            pub async fn set_listener(
                &self,
                config: &ListenerConfig,
                events: &EventSink,
            ) -> Result<SocketAddr, RunError> {
                $(if let Some(settings) = &config.$lk {
                    return self.$lk.set_listener(&config.name, settings, events.clone()).await;
                })*
                let _ = events;
                Err(unknown_kind(&config.name))
            }

            /// Closes a listener.
            pub async fn remove_listener(&self, config: &ListenerConfig) {
                $(if config.$lk.is_some() {
                    self.$lk.remove_listener(&config.name).await;
                })*
            }

            /// Where a listener is bound and what it counts; `None` while it is not open.
            #[must_use]
            pub fn listener_status(&self, config: &ListenerConfig) -> Option<ListenerStatus> {
                $(if config.$lk.is_some() {
                    return self.$lk.listener_status(&config.name);
                })*
                None
            }

            /// What produces a source's feed.
            ///
            /// # Errors
            /// When its settings cannot work.
            pub fn source(
                &self,
                config: &SourceConfig,
                secrets: &dyn Secrets,
            ) -> Result<Arc<dyn SourceDriver>, RunError> {
                $(if let Some(settings) = &config.$sk {
                    let driver = self.$sk.source(&config.name, settings, secrets);
                    return driver.map_err(cannot_work);
                })*
                let _ = secrets;
                Err(unknown_kind(&config.name))
            }

            /// How the port is doing that a source has to itself, if it has one.
            #[must_use]
            pub fn source_port(&self, config: &SourceConfig) -> Option<ListenerStatus> {
                $(if let Some(settings) = &config.$sk {
                    return SourceAdapter::port_status(&self.$sk, settings);
                })*
                None
            }

            /// The same of an output.
            #[must_use]
            pub fn output_port(&self, config: &OutputConfig) -> Option<ListenerStatus> {
                $(if let Some(settings) = &config.$ok {
                    return OutputAdapter::port_status(&self.$ok, settings);
                })*
                None
            }

            /// What consumes a feed for an output.
            ///
            /// # Errors
            /// When its settings cannot work.
            pub fn output(
                &self,
                config: &OutputConfig,
                secrets: &dyn Secrets,
            ) -> Result<Arc<dyn OutputDriver>, RunError> {
                $(if let Some(settings) = &config.$ok {
                    let driver = self.$ok.output(&config.name, settings, secrets);
                    return driver.map_err(cannot_work);
                })*
                let _ = secrets;
                Err(unknown_kind(&config.name))
            }
        }
    };

    (@item $what:literal $list:ident $Trait:ident $(#[$doc:meta])* $Config:ident
        { $($field:tt)* } [$(($kind:ident $adapter:ty))*]
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $Config {
            /// Its name, unique among its like.
            pub name: Name,
            $($field)*
            $(
                #[doc = concat!("Settings of the `", stringify!($kind), "` adapter.")]
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $kind: Option<<$adapter as $Trait>::Settings>,
            )*
        }

        impl Item for $Config {
            const WHAT: &'static str = $what;
            const KINDS: &'static [&'static str] = &[$(stringify!($kind)),*];

            fn name(&self) -> &Name {
                &self.name
            }

            fn kinds(&self) -> Vec<&'static str> {
                let named: &[Option<&'static str>] =
                    &[$(self.$kind.as_ref().map(|_| stringify!($kind)),)*];
                named.iter().copied().flatten().collect()
            }

            fn mode(&self) -> Option<&'static str> {
                $(if let Some(settings) = &self.$kind {
                    return settings.mode();
                })*
                None
            }

            fn listener(&self) -> Option<(&'static str, &str)> {
                $(if let Some(settings) = &self.$kind {
                    return settings.listener().map(|listener| (stringify!($kind), listener));
                })*
                None
            }

            fn stream_id(&self) -> Option<&str> {
                $(if let Some(settings) = &self.$kind {
                    return settings.stream_id();
                })*
                None
            }

            fn port(&self) -> Option<(&'static str, SocketAddr)> {
                $(if let Some(settings) = &self.$kind {
                    return settings.port().map(|port| (stringify!($kind), port));
                })*
                None
            }

            fn path_on_listener(&self) -> Option<&str> {
                $(if let Some(settings) = &self.$kind {
                    return settings.path_on_listener();
                })*
                None
            }

            fn is_secure(&self) -> bool {
                $(if let Some(settings) = &self.$kind {
                    return settings.is_secure();
                })*
                false
            }

            fn transport(&self) -> Transport {
                $(if let Some(settings) = &self.$kind {
                    return settings.transport();
                })*
                Transport::Udp
            }

            fn reads(&self) -> Vec<(String, &str)> {
                $(if let Some(settings) = &self.$kind {
                    let kind = stringify!($kind);
                    let reads = settings.reads().into_iter();
                    return reads.map(|(at, source)| (format!("{kind}/{at}"), source)).collect();
                })*
                Vec::new()
            }

            fn port_field(&self) -> &'static str {
                $(if let Some(settings) = &self.$kind {
                    return settings.port_field();
                })*
                "bind"
            }

            fn port_on_listener(&self) -> Option<u16> {
                $(if let Some(settings) = &self.$kind {
                    return settings.port_on_listener();
                })*
                None
            }

            fn port_range(&self) -> Option<RangeInclusive<u16>> {
                $(if let Some(settings) = &self.$kind {
                    return settings.port_range();
                })*
                None
            }

            fn secrets(&mut self) -> Vec<(String, &mut SecretRef)> {
                #[allow(unused_mut, reason = "no adapter of this list may have secrets")]
                let mut found = Vec::new();
                $(if let Some(settings) = &mut self.$kind {
                    let kind = stringify!($kind);
                    let secrets = settings.secrets().into_iter();
                    found.extend(secrets.map(|(field, at)| (format!("{kind}/{field}"), at)));
                })*
                found
            }

            fn without_listeners_secret(&self) -> Option<ConfigProblem> {
                $(if let Some(settings) = &self.$kind {
                    let error = settings.without_listeners_secret()?;
                    return Some(problem_of(stringify!($kind), &error));
                })*
                None
            }

            fn check(&self) -> Vec<ConfigProblem> {
                $(if let Some(settings) = &self.$kind
                    && let Err(error) = settings.check()
                {
                    return vec![problem_of(stringify!($kind), &error)];
                })*
                Vec::new()
            }

            fn look_at_files(&self, data_dir: &Path) -> Option<ConfigProblem> {
                $(if let Some(settings) = &self.$kind {
                    let looked = settings.look_at_files(data_dir);
                    return looked.err().map(|error| problem_of(stringify!($kind), &error));
                })*
                None
            }

            fn list(document: &Document) -> &Vec<Self> {
                &document.$list
            }

            fn list_mut(document: &mut Document) -> &mut Vec<Self> {
                &mut document.$list
            }
        }
    };
}

adapters! {
    srt: tidegate_adapter_srt::Adapter
        = |shared| tidegate_adapter_srt::Adapter::new(shared.shards.clone())
            .with_doorman(Arc::new(crate::webhook::Webhooks))
        => { listener source output }
    udp: tidegate_adapter_udp::Adapter = |_| tidegate_adapter_udp::Adapter::new()
        => { source output }
    rtp: tidegate_adapter_udp::RtpAdapter = |_| tidegate_adapter_udp::RtpAdapter::new()
        => { source output }
    hls: tidegate_adapter_hls::Adapter = |_| tidegate_adapter_hls::Adapter::new() => { source output }
    rtmp: tidegate_adapter_rtmp::Adapter = |_| tidegate_adapter_rtmp::Adapter::new()
        => { listener source output }
    record: tidegate_adapter_record::Adapter = |_| tidegate_adapter_record::Adapter::new()
        => { output }
    file: tidegate_adapter_file::Adapter = |_| tidegate_adapter_file::Adapter::new() => { source }
    rtsp: tidegate_adapter_rtsp::Adapter = |_| tidegate_adapter_rtsp::Adapter::new()
        => { listener source output }
    transcode: tidegate_adapter_transcode::Adapter
        = |_| tidegate_adapter_transcode::Adapter::new() => { source }
    switch: tidegate_adapter_switch::Adapter = |_| tidegate_adapter_switch::Adapter::new()
        => { source }
}

impl Adapters {
    /// A source is no more, and whatever is remembered of it beside its settings goes too.
    pub fn forget_source(&self, data_dir: &Path, name: &str) {
        if let Err(error) = tidegate_adapter_switch::forget(data_dir, name) {
            tracing::warn!("source {name}: what was locked stays remembered: {error}");
        }
    }

    /// From these addresses nobody comes in any more, and who is in is sent away.
    pub async fn set_bans(&self, banned: NetworkSet) {
        self.rtmp.set_bans(banned.clone());
        self.rtsp.set_bans(banned.clone());
        self.srt.set_bans(banned).await;
    }
}

/// What listeners, sources and outputs have in common.
pub trait Item:
    Clone + PartialEq + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static
{
    /// `listener`, `source` or `output`.
    const WHAT: &'static str;
    /// The adapters that can be one.
    const KINDS: &'static [&'static str];

    /// Its name, unique among its like.
    fn name(&self) -> &Name;
    /// The adapters it names; exactly one in a valid object.
    fn kinds(&self) -> Vec<&'static str>;
    /// `listener`, `caller` … where the adapter has several ways.
    fn mode(&self) -> Option<&'static str>;
    /// The adapter and the listener it lives on.
    fn listener(&self) -> Option<(&'static str, &str)>;
    /// The stream ID it claims on that listener.
    fn stream_id(&self) -> Option<&str>;
    /// The adapter and the local address that it alone opens.
    fn port(&self) -> Option<(&'static str, SocketAddr)>;
    /// The path of its address on its listener, where addresses are URLs with paths.
    fn path_on_listener(&self) -> Option<&str>;
    /// Whether a listener speaks TLS.
    fn is_secure(&self) -> bool;
    /// What speaks on the ports it opens.
    fn transport(&self) -> Transport;
    /// The sources that it is made out of, each with its field (`switch/inputs/0`).
    fn reads(&self) -> Vec<(String, &str)>;
    /// The field that address is written in.
    fn port_field(&self) -> &'static str;
    /// The port of its listener's range that it claims instead of a stream ID.
    fn port_on_listener(&self) -> Option<u16>;
    /// The ports of a listener that sources and outputs may claim.
    fn port_range(&self) -> Option<RangeInclusive<u16>>;
    /// Where it refers to secrets, each with its field (`srt/passphrase`).
    fn secrets(&mut self) -> Vec<(String, &mut SecretRef)>;
    /// What is wrong with it when its listener has no secret to lend it.
    fn without_listeners_secret(&self) -> Option<ConfigProblem>;
    /// What is wrong with it by itself.
    fn check(&self) -> Vec<ConfigProblem>;
    /// What is wrong with the files that it names, as they are now.
    fn look_at_files(&self, data_dir: &Path) -> Option<ConfigProblem>;
    /// Its like in a whole configuration.
    fn list(document: &Document) -> &Vec<Self>;
    /// The same, to change.
    fn list_mut(document: &mut Document) -> &mut Vec<Self>;

    /// The adapter it is for, or `unknown` while it names none.
    fn kind(&self) -> &'static str {
        self.kinds().first().copied().unwrap_or("unknown")
    }
}

fn problem_of(kind: &str, error: &SettingsError) -> ConfigProblem {
    let mut problem = ConfigProblem::new(sentence(&error.message));
    problem.advice = error.advice.as_deref().map(sentence);
    problem.at(format!("/{kind}{}", error.pointer()))
}

fn cannot_work(error: SettingsError) -> RunError {
    let advice = error.advice.clone();
    let advice = advice.unwrap_or_else(|| format!("Change its \"{}\"", error.place()));
    RunError::configuration(sentence(&error.message), sentence(&advice))
}

fn unknown_kind(name: &Name) -> RunError {
    RunError::configuration(
        format!("\"{name}\" does not say what it is"),
        "Add the settings of one adapter.",
    )
}
