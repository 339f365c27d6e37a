//! The listener's port: opened, changed while it runs, closed.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use serde_json::{Value, json};
use tidegate_engine::{
    Alarm, EventSink, ListenerStatus, NoSecrets, RunError, SettingsError, Whose,
};
use tidegate_srt::{EndpointLimits, ListenerConfig};
use tidegate_srt_io::{
    Admission, ListenError, ListenOptions, ListenerHandle, PortStatus, SocketOptions,
};
use tokio::sync::Mutex;

use super::{Listening, drops};
use crate::doorman::Webhook;
use crate::passphrases::Passphrases;
use crate::questions::{ASKING_MAX, ASKING_PER_WEBHOOK_MAX};
use crate::settings::{ListenerSettings, WEBHOOK_TIMEOUT_MAX};

/// The port of a listener, if it is open.
#[derive(Default)]
pub(crate) struct Opening {
    /// Held while the port is opened, changed or closed.
    port: Mutex<Option<Port>>,
    /// What the status shows, without waiting for a change under way.
    shown: ArcSwapOption<Shown>,
    removed: AtomicBool,
    /// A stream has this port of a range, open or not.
    wanted: AtomicBool,
    /// Nobody is let in for a moment.
    held: AtomicBool,
}

/// What a listener asks of its callers; taken on as a whole or not at all.
pub(super) struct Terms {
    pub(super) settings: ListenerSettings,
    pub(super) passphrases: Passphrases,
    pub(super) webhook: Option<Arc<Webhook>>,
}

impl Terms {
    fn of(settings: &ListenerSettings) -> Result<Self, RunError> {
        let wrong =
            |error: SettingsError, advice| RunError::configuration(error.to_string(), advice);
        let passphrases = settings
            .written_passphrases()
            .resolve("listener/", &NoSecrets)
            .map_err(|error| wrong(error, "Choose another one"))?;
        let webhook = settings
            .resolved_webhook()
            .map_err(|error| wrong(error, "Correct the listener's webhook"))?;
        Ok(Self {
            settings: settings.clone(),
            passphrases,
            webhook,
        })
    }
}

/// While it lives, nobody is let in.
struct Held<'a>(&'a AtomicBool);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// The system's numbers (`ENODEV`, `EAFNOSUPPORT`) that have no kind of their own.
const NO_SUCH_DEVICE: i32 = 19;
const NO_SUCH_FAMILY: i32 = 97;

struct Port {
    /// The address and what is set on its sockets.
    asked: (SocketAddr, SocketOptions),
    handle: Arc<ListenerHandle>,
    drops: drops::Told,
}

struct Shown {
    port: Option<(Arc<ListenerHandle>, drops::Told)>,
    error: Option<String>,
}

impl Listening {
    /// Opens the port, or changes it; connections stay unless the address changes. When the
    /// new address cannot be had, the old port stays, or is opened again, as it was.
    pub(crate) async fn set(
        self: &Arc<Self>,
        settings: &ListenerSettings,
        events: EventSink,
    ) -> Result<SocketAddr, RunError> {
        self.note_runtime();
        self.events.store(Some(Arc::new(events.clone())));
        self.opening.removed.store(false, Ordering::Release);
        let mut port = self.opening.port.lock().await;
        let bound = self.set_port(&mut port, settings).await?;
        drop(port);
        self.change_range(settings, &events).await?;
        Ok(bound)
    }

    /// The same, if a stream has it: a port that could not be opened again is tried again.
    pub(super) async fn change_if_wanted(
        self: &Arc<Self>,
        settings: &ListenerSettings,
        events: &EventSink,
    ) -> Result<(), RunError> {
        let mut port = self.opening.port.lock().await;
        if !self.opening.wanted.load(Ordering::Acquire) {
            return Ok(());
        }
        self.events.store(Some(Arc::new(events.clone())));
        self.set_port(&mut port, settings).await.map(drop)
    }

    async fn set_port(
        self: &Arc<Self>,
        port: &mut Option<Port>,
        settings: &ListenerSettings,
    ) -> Result<SocketAddr, RunError> {
        let terms = Terms::of(settings)?;
        let asked = (settings.bind, settings.udp());
        if let Some(open) = port.as_ref().filter(|open| open.asked == asked) {
            open.handle.configure(&self.config(settings));
            self.adopt(terms);
            self.opening.show(Some(open), None);
            return Ok(open.handle.local_addr());
        }
        // Until it is clear whose terms hold, callers hear nothing, and repeat themselves.
        let _held = self.opening.hold();
        // Two addresses with one port may exclude each other: then the old one goes first.
        let same_port = |old: &Port| old.handle.local_addr().port() == settings.bind.port();
        let closed = if port.as_ref().is_some_and(same_port) {
            port.take()
        } else {
            None
        };
        if let Some(closed) = &closed {
            closed.handle.close().await;
        }
        match self.listen(settings, asked) {
            Ok(fresh) => {
                let local = fresh.handle.local_addr();
                self.adopt(terms);
                self.opening.show(Some(&fresh), None);
                if let Some(old) = port.replace(fresh) {
                    old.handle.close().await;
                }
                Ok(local)
            }
            Err(error) => {
                let error = explain(&error);
                if let (Some(closed), Some(old)) = (closed, self.settings.load_full()) {
                    *port = self.listen(&old, closed.asked).ok();
                }
                self.opening.show(port.as_ref(), Some(error.to_string()));
                Err(error)
            }
        }
    }

    fn listen(
        self: &Arc<Self>,
        settings: &ListenerSettings,
        asked: (SocketAddr, SocketOptions),
    ) -> Result<Port, ListenError> {
        let options = ListenOptions {
            listener: self.config(settings),
            limits: EndpointLimits {
                // As long as the slowest webhook may take, and a little longer.
                request_lifetime: WEBHOOK_TIMEOUT_MAX + Duration::from_secs(1),
                ..EndpointLimits::default()
            },
            udp: asked.1.clone(),
        };
        let admission = Arc::clone(self) as Arc<dyn Admission>;
        let handle = Arc::new(self.shards.listen(asked.0, &options, admission)?);
        let drops = drops::start(self, &handle);
        Ok(Port {
            asked,
            handle,
            drops,
        })
    }

    /// Closes the port and every connection on it.
    pub(crate) async fn remove(&self) {
        self.opening.removed.store(true, Ordering::Release);
        self.opening.wanted.store(false, Ordering::Release);
        let mut port = self.opening.port.lock().await;
        self.opening.show(None, None);
        if let Some(old) = port.take() {
            old.handle.close().await;
        }
        self.forget_terms();
    }

    /// Lets the port go, for whoever cannot wait: at once, or after the change under way.
    pub(super) fn abandon(self: &Arc<Self>) {
        self.opening.wanted.store(false, Ordering::Release);
        if let Ok(mut port) = self.opening.port.try_lock() {
            self.opening.let_go(&mut port);
        } else if let Some(runtime) = self.runtime.get() {
            let listening = Arc::clone(self);
            runtime.spawn(async move {
                let opening = &listening.opening;
                let mut port = opening.port.lock().await;
                // Meanwhile the stream may have come back.
                if !opening.wanted.load(Ordering::Acquire) {
                    opening.let_go(&mut port);
                }
            });
        }
    }

    /// Nobody from these addresses comes in any more, and who is in is sent away.
    pub(crate) async fn apply_bans(&self) {
        let port = self.opening.port.lock().await;
        if let (Some(open), Some(settings)) = (port.as_ref(), self.settings.load_full()) {
            open.handle.configure(&self.config(&settings));
        }
        drop(port);
        let banned = self.house.banned.load_full();
        for owner in self.table.load().owners() {
            owner.send_away(&banned);
        }
    }

    fn config(&self, settings: &ListenerSettings) -> ListenerConfig {
        ListenerConfig {
            banned: self.house.banned.load_full(),
            ..listener_config(settings)
        }
    }

    pub(crate) fn status(&self) -> Option<ListenerStatus> {
        if self.opening.removed.load(Ordering::Acquire) {
            return None;
        }
        let shown = self.opening.shown.load_full()?;
        let port = shown.port.as_ref();
        let told = port.and_then(|(_, drops)| drops.load_full());
        Some(ListenerStatus {
            bound: port.map(|(handle, _)| handle.local_addr()),
            error: shown.error.clone(),
            counters: port.map_or(Value::Null, |(handle, _)| self.counters(handle)),
            alarms: told.iter().map(|alarm| Alarm::clone(alarm)).collect(),
        })
    }
}

impl Opening {
    /// Lets nobody in while what it returns lives.
    fn hold(&self) -> Held<'_> {
        self.held.store(true, Ordering::Release);
        Held(&self.held)
    }

    /// Also while the port is being closed for good, and its terms with it.
    pub(super) fn lets_nobody_in(&self) -> bool {
        self.held.load(Ordering::Acquire) || self.removed.load(Ordering::Acquire)
    }

    /// From now on the port follows its listener, also when it cannot be opened at first.
    pub(super) fn want(&self) {
        self.wanted.store(true, Ordering::Release);
    }

    fn let_go(&self, port: &mut Option<Port>) {
        if port.take().is_some() {
            // With what the status shows the last one goes who holds the handle, and it closes.
            self.show(None, None);
        }
    }

    fn show(&self, port: Option<&Port>, error: Option<String>) {
        let port = port.map(|port| (Arc::clone(&port.handle), Arc::clone(&port.drops)));
        self.shown.store(Some(Arc::new(Shown { port, error })));
    }
}

fn listener_config(settings: &ListenerSettings) -> ListenerConfig {
    ListenerConfig {
        key_length_advertised: settings.pbkeylen.map(|length| length.0),
        reject_detail: settings.reject_detail,
        srtla: settings.srtla,
        ..ListenerConfig::default()
    }
}

fn explain(error: &ListenError) -> RunError {
    let ListenError::Bind { error: cause, .. } = error else {
        return RunError::ours(error.to_string(), "Try again when the load is lower");
    };
    let advice = match cause.kind() {
        _ if cause.raw_os_error() == Some(NO_SUCH_DEVICE) => {
            "This machine has no such interface: `ip link` lists them"
        }
        _ if cause.raw_os_error() == Some(NO_SUCH_FAMILY) => {
            "This machine has no IPv6: bind an IPv4 address, like 0.0.0.0"
        }
        ErrorKind::AddrInUse => {
            "Another program or listener has this port: `ss -ulpn` shows which; choose another"
        }
        ErrorKind::AddrNotAvailable => {
            "This machine has no such address: 0.0.0.0 takes all of them, [::] IPv6 as well"
        }
        ErrorKind::PermissionDenied => {
            "Ports below 1024 need the right CAP_NET_BIND_SERVICE, an interface that of \
             CAP_NET_RAW before Linux 5.7; choose a higher port, or give the server the right"
        }
        _ => "Check the address and the system's limits",
    };
    RunError {
        whose: Whose::Configuration,
        ..RunError::ours(error.to_string(), advice)
    }
}

impl Listening {
    /// What all shards counted together, and how full the listener is.
    fn counters(&self, handle: &ListenerHandle) -> Value {
        let mut counters = counters(handle);
        let (limits, asking) = (self.limits(), &self.house.asking);
        counters["connections_admitted"] = self.turnstile.count().into();
        counters["connections_max"] = limits.total.into();
        counters["connections_per_address_max"] = limits.per_address.into();
        let (full, address_full) = (
            self.turnstile.turned_away(),
            self.turnstile.turned_away_for_address(),
        );
        counters["refused_for_room"] = (full + address_full).into();
        counters["refused_max_connections"] = full.into();
        counters["refused_max_connections_per_address"] = address_full.into();
        counters["webhook_questions"] = asking.count().into();
        counters["webhook_questions_max"] = ASKING_MAX.into();
        counters["webhook_questions_per_webhook_max"] = ASKING_PER_WEBHOOK_MAX.into();
        counters["webhook_postponed"] = asking.postponed().into();
        counters
    }
}

/// The counters of all shards together.
fn counters(handle: &ListenerHandle) -> Value {
    let members = handle.status();
    let sum = |count: fn(&PortStatus) -> u64| members.iter().map(|m| count(m)).sum::<u64>();
    let mut counters = json!({
        "connections": sum(|m| m.connections as u64),
        "datagrams": sum(|m| m.endpoint.datagrams),
        "malformed": sum(|m| m.endpoint.malformed),
        "unknown_socket": sum(|m| m.endpoint.unknown_socket),
        "wrong_address": sum(|m| m.endpoint.wrong_address),
        "inductions": sum(|m| m.endpoint.inductions),
        "inductions_throttled": sum(|m| m.endpoint.inductions_throttled),
        "banned": sum(|m| m.endpoint.banned),
        "conclusions": sum(|m| m.endpoint.conclusions),
        "bad_cookies": sum(|m| m.endpoint.bad_cookies),
        "bad_handshakes": sum(|m| m.endpoint.bad_handshakes),
        "requests": sum(|m| m.endpoint.requests),
        "requests_throttled": sum(|m| m.endpoint.requests_throttled),
        "requests_expired": sum(|m| m.endpoint.expired),
        "accepted": sum(|m| m.endpoint.accepted),
        "refused": sum(|m| m.endpoint.refused),
        "connected": sum(|m| m.endpoint.connected),
        "closed": sum(|m| m.endpoint.closed),
        "srtla_senders": sum(|m| m.endpoint.srtla.bundles),
        "srtla_links": sum(|m| m.endpoint.srtla.links),
        "srtla_offered": sum(|m| m.endpoint.srtla.offered),
        "srtla_refused": sum(|m| m.endpoint.srtla.refused),
        "srtla_throttled": sum(|m| m.endpoint.srtla.throttled),
        "srtla_unknown": sum(|m| m.endpoint.srtla.unknown),
        "srtla_malformed": sum(|m| m.endpoint.srtla.malformed),
        "srtla_senders_joined": sum(|m| m.endpoint.srtla.bundles_opened),
        "srtla_senders_unproven": sum(|m| m.endpoint.srtla.bundles_unproven),
        "srtla_links_joined": sum(|m| m.endpoint.srtla.links_joined),
        "srtla_links_lost": sum(|m| m.endpoint.srtla.links_lost),
        "srtla_keepalives": sum(|m| m.endpoint.srtla.keepalives),
        "srtla_acks": sum(|m| m.endpoint.srtla.acks),
        "srtla_withheld": sum(|m| m.endpoint.srtla.withheld),
        "host_receive_drops": sum(|m| m.socket.drops),
        "send_refused": sum(|m| m.socket.refused),
        "send_blocked": sum(|m| m.socket.blocked),
        "send_given_up": sum(|m| m.outbox.given_up),
        "handed_over": sum(|m| m.handed_over),
        "hand_over_lost": sum(|m| m.hand_over_lost),
        "admission_overflow": members.first().map_or(0, |m| m.admission_overflow),
        "receive_buffer_bytes": members.first().map_or(0, |m| m.recv_buffer_bytes),
    });
    counters["groups"] = sum(|m| m.endpoint.groups.groups).into();
    counters["group_legs"] = sum(|m| m.endpoint.groups.legs).into();
    counters["groups_refused"] = sum(|m| m.endpoint.groups.groups_refused).into();
    counters["group_legs_refused"] = sum(|m| m.endpoint.groups.legs_refused).into();
    counters
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use tidegate_srt_io::{Shards, ShardsConfig};
    use tidegate_testkit::{eventually, free_udp_port};

    use super::*;
    use crate::listening::Alone;
    use crate::settings::SocketSettings;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_port_whose_stream_is_cut_off_while_it_changes_closes_as_well() {
        let shards = Shards::start(&ShardsConfig {
            threads: 1,
            ..ShardsConfig::default()
        });
        let shards = shards.unwrap();
        let bind = SocketAddr::from(([127, 0, 0, 1], free_udp_port()));
        let listening = Listening::for_one(Alone::At(bind), Arc::clone(&shards), Arc::default());
        let (socket, events) = (SocketSettings::default(), EventSink::new());
        let own = listening.open_own(None, &socket, &events).await.unwrap();
        let change = listening.opening.port.lock().await;
        drop(own);
        drop(change);
        eventually("the port is free", || UdpSocket::bind(bind).ok().map(drop));
        assert_eq!(listening.status().and_then(|status| status.bound), None);
        shards.stop().await;
    }
}
