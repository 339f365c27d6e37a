use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tidegate_engine::{
    BoxFuture, EventSink, ListenerAdapter, ListenerStatus, OutputAdapter, OutputDriver, RunError,
    Secret, Secrets, Settings, SettingsError, SourceAdapter, SourceDriver, Span,
};
use tidegate_srt_io::Shards;
use tidegate_units::NetworkSet;

use crate::call::Target;
use crate::doorman::{Doorman, Webhook};
use crate::fountain::Release;
use crate::house::House;
use crate::listening::{Alone, Listening};
use crate::lock::{Asked, Lock, Without};
use crate::publisher::ListenerSource;
use crate::pull::CallerSource;
use crate::push::CallerOutput;
use crate::readers::ListenerOutput;
use crate::rules::Rules;
use crate::settings::{
    CallUri, KeyBytes, ListenerSettings, OutputSettings, Repeats, SourceSettings, WebhookSettings,
    resolve,
};

/// SRT for the engine: listeners, sources and outputs. Clones are the same adapter.
#[derive(Clone)]
pub struct Adapter {
    shards: Arc<Shards>,
    listeners: Arc<Mutex<BTreeMap<String, Arc<Listening>>>>,
    /// Ports of one stream alone, for as long as a driver has them.
    own_ports: Arc<Mutex<BTreeMap<Spot, Weak<Listening>>>>,
    house: Arc<House>,
}

impl Adapter {
    /// An adapter whose connections live on `shards`.
    #[must_use]
    pub fn new(shards: Arc<Shards>) -> Self {
        Self {
            shards,
            listeners: Arc::default(),
            own_ports: Arc::default(),
            house: Arc::default(),
        }
    }

    /// The same, with somebody who asks webhooks about callers.
    #[must_use]
    pub fn with_doorman(self, doorman: Arc<dyn Doorman>) -> Self {
        // The first one stays: an adapter is made once.
        let _ = self.house.doorman.set(doorman);
        self
    }

    /// From these addresses nobody comes in any more, on any listener; who is in is sent away.
    pub async fn set_bans(&self, banned: NetworkSet) {
        self.house.banned.store(Arc::new(banned));
        let mut listeners: Vec<_> = {
            let listeners = self.listeners.lock();
            let listeners = listeners.unwrap_or_else(PoisonError::into_inner);
            listeners.values().cloned().collect()
        };
        listeners.extend(self.own_ports().values().filter_map(Weak::upgrade));
        for listening in listeners {
            listening.apply_bans().await;
        }
    }

    /// The listener of that name, open or not.
    fn listening(&self, name: &str) -> Arc<Listening> {
        let mut listeners = self
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let fresh = || Listening::new(name, Arc::clone(&self.shards), Arc::clone(&self.house));
        Arc::clone(listeners.entry(name.to_owned()).or_insert_with(fresh))
    }

    fn own_ports(&self) -> MutexGuard<'_, BTreeMap<Spot, Weak<Listening>>> {
        self.own_ports
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Where callers of a stream arrive: on a port of its own, or on a listener.
    fn arrival(&self, spot: Option<Spot>, listener: Option<&str>) -> Arc<Listening> {
        let Some(spot) = spot else {
            return self.listening(listener.unwrap_or_default());
        };
        let alone = match &spot {
            Spot::At(bind) => Alone::At(*bind),
            Spot::Of(listener, port) => Alone::Of(self.listening(listener), *port),
        };
        let mut ports = self.own_ports();
        if let Some(listening) = ports.get(&spot).and_then(Weak::upgrade) {
            return listening;
        }
        ports.retain(|_, port| port.strong_count() > 0);
        let (shards, house) = (Arc::clone(&self.shards), Arc::clone(&self.house));
        let listening = Listening::for_one(alone, shards, house);
        ports.insert(spot, Arc::downgrade(&listening));
        listening
    }

    fn status_at(&self, spot: Option<Spot>) -> Option<ListenerStatus> {
        let listening = self.own_ports().get(&spot?).and_then(Weak::upgrade)?;
        listening.status()
    }

    fn target(
        &self,
        uri: &CallUri,
        passphrase: Option<Secret>,
        key_length: Option<KeyBytes>,
        latency: Option<Span>,
    ) -> Target {
        Target {
            shards: Arc::clone(&self.shards),
            key_length: key_length
                .or(uri.options().key_length)
                .unwrap_or_default()
                .0,
            cipher: uri.options().cipher.unwrap_or_default(),
            key_refresh: None,
            repeats: Repeats::default(),
            uri: uri.clone(),
            passphrase,
            latency: latency.map(|latency| latency.0),
            packet_filter: None,
            bonding: None,
            attempts: AtomicUsize::new(0),
        }
    }
}

/// The port of one stream alone, as the settings have it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Spot {
    At(SocketAddr),
    /// In the range of the listener of this name.
    Of(String, u16),
}

impl Spot {
    fn of_source(settings: &SourceSettings) -> Option<Self> {
        Self::new(settings.bind, settings.listener.as_deref(), settings.port)
    }

    fn of_output(settings: &OutputSettings) -> Option<Self> {
        Self::new(settings.bind, settings.listener.as_deref(), settings.port)
    }

    fn new(bind: Option<SocketAddr>, listener: Option<&str>, port: Option<u16>) -> Option<Self> {
        bind.map(Self::At)
            .or_else(|| Some(Self::Of(listener?.to_owned(), port?)))
    }
}

/// A webhook with its secret.
fn webhook(
    settings: Option<&WebhookSettings>,
    secrets: &dyn Secrets,
) -> Result<Option<Arc<Webhook>>, SettingsError> {
    let resolved = settings.map(|webhook| webhook.resolve(secrets));
    Ok(resolved.transpose()?.map(Arc::new))
}

impl SourceAdapter for Adapter {
    type Settings = SourceSettings;

    const KIND: &'static str = "srt";

    fn source(
        &self,
        _name: &str,
        settings: &SourceSettings,
        secrets: &dyn Secrets,
    ) -> Result<Arc<dyn SourceDriver>, SettingsError> {
        settings.check()?;
        if let Some(uri) = &settings.call {
            let passphrase = resolve(settings.passphrase.as_ref(), secrets)?;
            let mut target = self
                .target(uri, passphrase, settings.pbkeylen, settings.latency)
                .with_filter(settings.packet_filter);
            target.cipher = settings.cipher.mode().unwrap_or(target.cipher);
            return Ok(Arc::new(CallerSource { target }));
        }
        let own = settings.written_passphrases().resolve("", secrets)?;
        let cipher = settings.cipher.mode();
        let asked = Asked {
            own: Arc::new(own),
            without: Without::ListenersOrOpen,
            rules: Rules {
                allow: settings.allow.as_slice().into(),
                webhook: webhook(settings.webhook.as_ref(), secrets)?,
                second_publisher: settings.second_publisher,
                ..Rules::default()
            },
        };
        Ok(Arc::new(ListenerSource {
            listening: self.arrival(Spot::of_source(settings), settings.listener.as_deref()),
            stream_id: settings.stream_id.clone().unwrap_or_default(),
            lock: Arc::new(Lock::new(asked, cipher)),
            latency: settings.latency.map(|latency| latency.0),
            socket: settings.socket(),
            packet_filter: settings.packet_filter,
        }))
    }

    fn port_status(&self, settings: &SourceSettings) -> Option<ListenerStatus> {
        self.status_at(Spot::of_source(settings))
    }
}

impl OutputAdapter for Adapter {
    type Settings = OutputSettings;

    const KIND: &'static str = "srt";

    fn output(
        &self,
        _name: &str,
        settings: &OutputSettings,
        secrets: &dyn Secrets,
    ) -> Result<Arc<dyn OutputDriver>, SettingsError> {
        settings.check()?;
        let release = Release::new(settings.low_delay);
        if let Some(uri) = &settings.call {
            let passphrase = resolve(settings.passphrase.as_ref(), secrets)?;
            let mut target = self
                .target(uri, passphrase, settings.pbkeylen, settings.latency)
                .with_filter(settings.packet_filter);
            target.cipher = settings.cipher.mode().unwrap_or(target.cipher);
            target.key_refresh = settings.key_refresh.map(|change| change.to_refresh());
            target.repeats = settings.repeats.unwrap_or_default();
            target.bonding.clone_from(&settings.bonding);
            return Ok(Arc::new(CallerOutput { target, release }));
        }
        let own = settings.written_passphrases().resolve("", secrets)?;
        let without = if settings.open {
            Without::Open
        } else {
            Without::ListenersOrClosed
        };
        let asked = Asked {
            own: Arc::new(own),
            without,
            rules: Rules {
                allow: settings.allow.as_slice().into(),
                webhook: webhook(settings.webhook.as_ref(), secrets)?,
                max_readers: settings.readers_max(),
                ..Rules::default()
            },
        };
        Ok(Arc::new(ListenerOutput {
            listening: self.arrival(Spot::of_output(settings), settings.listener.as_deref()),
            stream_id: settings.stream_id.clone().unwrap_or_default(),
            lock: Arc::new(Lock::new(asked, settings.cipher.mode())),
            key_refresh: settings.key_refresh.map(|change| change.to_refresh()),
            repeats: settings.repeats.unwrap_or_default(),
            latency: settings.latency.map(|latency| latency.0),
            socket: settings.socket(),
            packet_filter: settings.packet_filter,
            release,
        }))
    }

    fn port_status(&self, settings: &OutputSettings) -> Option<ListenerStatus> {
        self.status_at(Spot::of_output(settings))
    }
}

impl ListenerAdapter for Adapter {
    type Settings = ListenerSettings;

    const KIND: &'static str = "srt";

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
        f.debug_struct("Adapter")
            .field("shards", &self.shards)
            .finish_non_exhaustive()
    }
}
