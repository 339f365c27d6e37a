use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use tidegate_engine::{
    BoxFuture, EventSink, ListenerAdapter, ListenerStatus, RunError, Secrets, Settings,
    SettingsError, SourceAdapter, SourceDriver,
};
use tidegate_units::NetworkSet;

use crate::key::KeyPrint;
use crate::listener::{ListenerSettings, Listening};
use crate::source::{ListenerSource, SourceSettings, resolve_key};

/// RTMP for the engine: listeners and sources. Clones are the same adapter.
#[derive(Clone, Default)]
pub struct Adapter {
    listeners: Arc<Mutex<BTreeMap<String, Arc<Listening>>>>,
    banned: Arc<ArcSwap<NetworkSet>>,
}

impl Adapter {
    /// The adapter, with no listener open.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From these addresses nobody comes in any more, on any listener; who is in is sent away.
    pub fn set_bans(&self, banned: NetworkSet) {
        self.banned.store(Arc::new(banned));
        for listening in self.listeners().values() {
            listening.apply_bans();
        }
    }

    /// The listener of that name, open or not.
    fn listening(&self, name: &str) -> Arc<Listening> {
        let mut listeners = self.listeners();
        let fresh = || Listening::new(name, Arc::clone(&self.banned));
        Arc::clone(listeners.entry(name.to_owned()).or_insert_with(fresh))
    }

    fn listeners(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Listening>>> {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl SourceAdapter for Adapter {
    type Settings = SourceSettings;

    const KIND: &'static str = "rtmp";

    fn source(
        &self,
        _name: &str,
        settings: &SourceSettings,
        secrets: &dyn Secrets,
    ) -> Result<Arc<dyn SourceDriver>, SettingsError> {
        settings.check()?;
        let key = resolve_key(&settings.key, secrets)?;
        Ok(Arc::new(ListenerSource {
            listening: self.listening(&settings.listener),
            app: settings
                .app
                .as_deref()
                .map(|app| app.trim_matches('/').into()),
            key: KeyPrint::of(key.expose()),
        }))
    }
}

impl ListenerAdapter for Adapter {
    type Settings = ListenerSettings;

    const KIND: &'static str = "rtmp";

    fn set_listener<'a>(
        &'a self,
        name: &'a str,
        settings: &'a ListenerSettings,
        events: EventSink,
    ) -> BoxFuture<'a, Result<SocketAddr, RunError>> {
        Box::pin(async move {
            settings.check().map_err(|error| {
                RunError::configuration(error.to_string(), error.advice.unwrap_or_default())
            })?;
            self.listening(name).set(settings, events).await
        })
    }

    fn remove_listener<'a>(&'a self, name: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.listening(name).remove().await })
    }

    fn listener_status(&self, name: &str) -> Option<ListenerStatus> {
        // Asking about a listener does not make one.
        self.listeners().get(name)?.status()
    }
}

impl fmt::Debug for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adapter").finish_non_exhaustive()
    }
}
