use core::fmt;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_engine::{
    BoxFuture, EventSink, ListenerAdapter, ListenerStatus, OutputAdapter, OutputDriver, RunError,
    Secrets, Settings as _, SettingsError, SourceAdapter, SourceDriver,
};
use tidegate_units::NetworkSet;

use crate::house::House;
use crate::listening::{Listening, random};
use crate::output::PathOutput;
use crate::settings::{ListenerSettings, OutputSettings, SourceSettings};
use crate::source::CameraSource;

/// Makes RTSP listeners, sources and outputs.
#[derive(Clone, Default)]
pub struct Adapter {
    house: Arc<House>,
    listeners: Arc<Mutex<BTreeMap<String, Arc<Listening>>>>,
}

impl Adapter {
    /// The adapter; its clones are the same.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From these addresses nobody comes in any more, on any listener; who is in is sent away.
    pub fn set_bans(&self, banned: NetworkSet) {
        self.house.ban(banned);
    }

    fn listening(&self, name: &str) -> Arc<Listening> {
        let mut listeners = self
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let fresh = || {
            let key = (u128::from(random()) << 64 | u128::from(random())).to_ne_bytes();
            Arc::new(Listening::new(name, Arc::clone(&self.house), key))
        };
        Arc::clone(listeners.entry(name.to_owned()).or_insert_with(fresh))
    }
}

impl SourceAdapter for Adapter {
    type Settings = SourceSettings;

    const KIND: &'static str = "rtsp";

    fn source(
        &self,
        _name: &str,
        settings: &SourceSettings,
        secrets: &dyn Secrets,
    ) -> Result<Arc<dyn SourceDriver>, SettingsError> {
        settings.check()?;
        Ok(Arc::new(CameraSource {
            url: settings.address()?,
            transport: settings.transport,
            credentials: settings.credentials(secrets)?,
            has_played: AtomicBool::new(false),
        }))
    }
}

impl OutputAdapter for Adapter {
    type Settings = OutputSettings;

    const KIND: &'static str = "rtsp";

    fn output(
        &self,
        _name: &str,
        settings: &OutputSettings,
        secrets: &dyn Secrets,
    ) -> Result<Arc<dyn OutputDriver>, SettingsError> {
        settings.check()?;
        Ok(Arc::new(PathOutput {
            house: Arc::clone(&self.house),
            credentials: settings.credentials(secrets)?,
            settings: settings.clone(),
        }))
    }
}

impl ListenerAdapter for Adapter {
    type Settings = ListenerSettings;

    const KIND: &'static str = "rtsp";

    fn set_listener<'a>(
        &'a self,
        name: &'a str,
        settings: &'a ListenerSettings,
        events: EventSink,
    ) -> BoxFuture<'a, Result<SocketAddr, RunError>> {
        Box::pin(async move { self.listening(name).set(settings, events).await })
    }

    fn remove_listener<'a>(&'a self, name: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.listening(name).remove().await })
    }

    fn listener_status(&self, name: &str) -> Option<ListenerStatus> {
        let listeners = self
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Asking about a listener does not make one.
        listeners.get(name)?.status()
    }
}

impl fmt::Debug for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adapter").finish_non_exhaustive()
    }
}
