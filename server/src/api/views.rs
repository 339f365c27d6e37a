//! Sources, outputs and listeners as the API shows them: settings and state together.

use serde::Serialize;
use serde_json::Value;
use tidegate_engine::{
    Alarm, Connection, Expect, Health, ListenerStatus, OutputState, OutputStatus, Readiness,
    Reason, SourceState, SourceStatus, StandingAlarm, Subject, Tr101290Status,
};
use utoipa::ToSchema;

use super::App;
use super::address;
use crate::adapters::{Item, ListenerConfig, OutputConfig, SourceConfig};
use crate::config::ports;
use crate::reconcile::ObjectError;
use crate::state::{Desired, shown};
use crate::time::rfc3339;

/// A source: its settings, its connection, and what is in its feed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SourceView {
    /// Its name.
    pub name: String,
    /// The revision that last changed it.
    pub revision: u64,
    /// The adapter: `srt`.
    pub kind: &'static str,
    /// `listener` or `caller`, where the adapter has several ways.
    pub mode: Option<&'static str>,
    /// Its settings, as in the file. A secret is a reference or `"•••"`.
    #[schema(value_type = SourceConfig)]
    pub config: Value,
    /// The one word for it.
    #[schema(value_type = String, example = "live")]
    pub state: SourceState,
    /// Where the connection stands.
    #[schema(value_type = super::schema::ConnectionWord)]
    pub connection: Connection,
    /// Why it stands there.
    pub connection_reason: Option<String>,
    /// Since when the sender is there.
    pub connected_at: Option<String>,
    /// Whether media arrives with nothing known to be wrong.
    #[schema(value_type = super::schema::HealthWord)]
    pub health: Health,
    /// What is known to be wrong.
    #[schema(value_type = Vec<super::schema::ReasonView>)]
    pub reasons: Vec<Reason>,
    /// Whether it can be taken on air now, and what speaks against it.
    #[schema(value_type = super::schema::ReadinessView)]
    pub readiness: Readiness,
    /// What measuring instruments count in it (ETSI TR 101 290), since the connection began;
    /// absent before there was anything.
    #[schema(value_type = Option<super::schema::Tr101290View>)]
    pub tr101290: Option<Tr101290Status>,
    /// Received over the last second.
    pub bitrate_bps: u64,
    /// Time since the last packet; absent before the first.
    pub last_packet_age_ms: Option<u64>,
    /// The sender's address.
    pub peer: Option<String>,
    /// Readers of it.
    pub readers: usize,
    /// How often the connection was lost.
    pub reconnects: u64,
    /// Why the last run failed.
    pub last_error: Option<String>,
    /// Where a sender sends to.
    pub url: Option<String>,
    /// The port it has to itself, if it has one.
    pub port: Option<PortView>,
    /// What SRT measures.
    #[schema(value_type = Option<super::schema::SrtFigures>)]
    pub srt: Option<Value>,
    /// Which of its inputs is on air, and how all of them are doing, where it is a switch.
    #[schema(value_type = Option<super::schema::SwitchView>)]
    pub switch: Option<Value>,
    /// What other adapters add, each under a name of its own.
    #[schema(value_type = Object)]
    pub detail: Value,
    /// What is in the feed.
    #[schema(value_type = Option<super::schema::MediaView>)]
    pub media: Option<Value>,
    /// What should be in it.
    #[schema(value_type = Option<Object>)]
    pub expect: Option<Expect>,
    /// Why it is not what its settings say.
    pub error: Option<ObjectError>,
}

/// An output: its settings, and whether it delivers.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OutputView {
    /// Its name.
    pub name: String,
    /// The revision that last changed it.
    pub revision: u64,
    /// The adapter: `srt`, `udp`, `hls`, `record`.
    pub kind: &'static str,
    /// `listener` or `caller`, where the adapter has several ways.
    pub mode: Option<&'static str>,
    /// Its settings, as in the file. A secret is a reference or `"•••"`.
    #[schema(value_type = OutputConfig)]
    pub config: Value,
    /// The source it delivers.
    pub source: String,
    /// Where it stands.
    #[schema(value_type = super::schema::OutputWord)]
    pub state: OutputState,
    /// Why it stands there.
    pub state_reason: Option<String>,
    /// Bytes were accepted within the last second, or at least one reader is served.
    pub delivering: bool,
    /// Accepted by the far side over the last second.
    pub bitrate_bps: u64,
    /// Accepted by the far side since the start.
    pub delivered_bytes: u64,
    /// Readers being served.
    pub readers: u64,
    /// How often it had to begin again.
    pub reconnects: u64,
    /// Packets it could not take in time.
    pub lost_packets: u64,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// How it is reached, or where it writes.
    pub url: Option<String>,
    /// The port it has to itself, if it has one.
    pub port: Option<PortView>,
    /// What the adapter adds.
    #[schema(value_type = Object)]
    pub detail: Value,
    /// Why it is not what its settings say.
    pub error: Option<ObjectError>,
}

/// A port that a source or an output has to itself, as a listener's.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PortView {
    /// The address it is bound to, once it is.
    pub bound: Option<String>,
    /// What it has counted.
    #[schema(value_type = Object)]
    pub counters: Value,
    /// Why it is not open.
    pub error: Option<String>,
    /// What stands in alarm; shown with everybody's.
    #[serde(skip)]
    alarms: Vec<Alarm>,
}

impl From<ListenerStatus> for PortView {
    fn from(status: ListenerStatus) -> Self {
        Self {
            bound: status.bound.map(|bound| bound.to_string()),
            counters: status.counters,
            error: status.error,
            alarms: status.alarms,
        }
    }
}

/// A listener: its settings, and where it is bound.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ListenerView {
    /// Its name.
    pub name: String,
    /// The revision that last changed it.
    pub revision: u64,
    /// The adapter: `srt`.
    pub kind: &'static str,
    /// Its settings, as in the file.
    #[schema(value_type = ListenerConfig)]
    pub config: Value,
    /// The address it is bound to, once it is.
    pub bound: Option<String>,
    /// What it has counted.
    #[schema(value_type = Object)]
    pub counters: Value,
    /// The next port of its range that no source and no output has.
    pub next_port: Option<u16>,
    /// Why it is not open.
    pub error: Option<ObjectError>,
    /// What stands in alarm; shown with everybody's.
    #[serde(skip)]
    alarms: Vec<Alarm>,
}

/// Everything that moves, once a second.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StateMessage {
    /// When.
    pub now: String,
    /// The desired state's revision.
    pub revision: u64,
    /// All sources.
    pub sources: Vec<SourceView>,
    /// All outputs.
    pub outputs: Vec<OutputView>,
    /// All listeners.
    pub listeners: Vec<ListenerView>,
    /// What stands in alarm.
    #[schema(value_type = Vec<super::schema::AlarmView>)]
    pub alarms: Vec<StandingAlarm>,
}

/// An object that has a view of its own.
pub(super) trait Viewed: Item {
    /// The view.
    type View: Serialize + Send;
    /// Makes it.
    fn view(&self, app: &App, desired: &Desired) -> Self::View;
}

/// Everything as it is now.
#[must_use]
pub fn state(app: &App) -> StateMessage {
    let desired = app.control.current();
    let document = &desired.document;
    let mut alarms = app.alarms.standing();
    alarms.extend(app.convergence.alarms());
    alarms.extend(app.engine.alarms());
    let sources = views(&document.sources, app, &desired);
    let outputs = views(&document.outputs, app, &desired);
    let listeners = views(&document.listeners, app, &desired);
    alarms.extend(port_alarms(&sources, &outputs, &listeners));
    StateMessage {
        now: rfc3339(std::time::SystemTime::now()),
        revision: desired.revision,
        sources,
        outputs,
        listeners,
        alarms,
    }
}

fn views<T: Viewed>(items: &[T], app: &App, desired: &Desired) -> Vec<T::View> {
    items.iter().map(|item| item.view(app, desired)).collect()
}

/// The alarms of ports, each whose port it is.
fn port_alarms(
    sources: &[SourceView],
    outputs: &[OutputView],
    listeners: &[ListenerView],
) -> Vec<StandingAlarm> {
    let of = |port: &Option<PortView>| port.iter().flat_map(|port| port.alarms.clone()).collect();
    let of_sources = sources
        .iter()
        .map(|view| (Subject::source(&*view.name), of(&view.port)));
    let of_outputs = outputs
        .iter()
        .map(|view| (Subject::output(&*view.name), of(&view.port)));
    let of_listeners = listeners
        .iter()
        .map(|view| (Subject::listener(&*view.name), view.alarms.clone()));
    let all = of_sources.chain(of_outputs).chain(of_listeners);
    let standing = |(subject, alarms): (Subject, Vec<Alarm>)| {
        alarms.into_iter().map(move |alarm| StandingAlarm {
            subject: subject.clone(),
            alarm,
        })
    };
    all.flat_map(standing).collect()
}

impl Viewed for SourceConfig {
    type View = SourceView;

    fn view(&self, app: &App, desired: &Desired) -> SourceView {
        let own_error = app.convergence.error(Self::WHAT, &self.name);
        let closed_door = listener_error(self, app);
        let error = own_error.or_else(|| closed_door.clone());
        let base = SourceView {
            name: self.name.to_string(),
            revision: desired.revision_of::<Self>(&self.name),
            kind: self.kind(),
            mode: self.mode(),
            config: settings(self),
            state: SourceState::Waiting,
            connection: Connection::Disconnected,
            connection_reason: None,
            connected_at: None,
            health: Health::Error,
            reasons: Vec::new(),
            readiness: Readiness::default(),
            tr101290: None,
            bitrate_bps: 0,
            last_packet_age_ms: None,
            peer: None,
            readers: 0,
            reconnects: 0,
            last_error: None,
            url: address::of_source(self, app, desired),
            port: app.adapters.source_port(self).map(PortView::from),
            srt: None,
            switch: None,
            detail: Value::Object(serde_json::Map::new()),
            media: None,
            expect: self.expect.clone(),
            error,
        };
        match app.engine.source_status(&self.name) {
            // Nobody can connect, so nobody need be told to start the sender.
            Some(status) if closed_door.is_some() && status.connection != Connection::Connected => {
                failed_source(base)
            }
            // What could not be changed goes on as it was.
            Some(status) => with_source_status(base, status),
            None if base.error.is_some() => failed_source(base),
            None => base,
        }
    }
}

/// Why the listener that an object lives on is not open.
fn listener_error<T: Item>(item: &T, app: &App) -> Option<ObjectError> {
    let (_, listener) = item.listener()?;
    app.convergence.error(ListenerConfig::WHAT, listener)
}

fn with_source_status(base: SourceView, mut status: SourceStatus) -> SourceView {
    SourceView {
        state: status.state,
        connection: status.connection,
        connection_reason: status.connection_reason,
        connected_at: status.connected_at.map(rfc3339),
        health: status.health,
        reasons: status.reasons,
        readiness: status.readiness,
        tr101290: status.tr101290,
        bitrate_bps: status.bitrate_bps,
        last_packet_age_ms: status.last_packet_age_ms,
        peer: status.peer,
        readers: status.readers,
        reconnects: status.reconnects,
        last_error: status.last_error,
        srt: status.details.remove("srt"),
        switch: status.details.remove("switch"),
        detail: serde_json::to_value(status.details).unwrap_or_default(),
        media: status
            .media
            .and_then(|media| serde_json::to_value(media).ok()),
        ..base
    }
}

fn failed_source(base: SourceView) -> SourceView {
    let why = base.error.as_ref().map(|error| error.message.clone());
    SourceView {
        state: SourceState::Failed,
        connection: Connection::Failed,
        connection_reason: why.clone(),
        last_error: why,
        ..base
    }
}

impl Viewed for OutputConfig {
    type View = OutputView;

    fn view(&self, app: &App, desired: &Desired) -> OutputView {
        let error = app.convergence.error(Self::WHAT, &self.name);
        let base = OutputView {
            name: self.name.to_string(),
            revision: desired.revision_of::<Self>(&self.name),
            kind: self.kind(),
            mode: self.mode(),
            config: settings(self),
            source: self.source.to_string(),
            state: OutputState::Connecting,
            state_reason: None,
            delivering: false,
            bitrate_bps: 0,
            delivered_bytes: 0,
            readers: 0,
            reconnects: 0,
            lost_packets: 0,
            last_error: None,
            url: address::of_output(self, app, desired),
            port: app.adapters.output_port(self).map(PortView::from),
            detail: Value::Object(serde_json::Map::new()),
            error,
        };
        match app.engine.output_status(&self.name) {
            Some(status) => with_output_status(base, status),
            None if base.error.is_some() => {
                let last_error = base.error.as_ref().map(|error| error.message.clone());
                OutputView {
                    state: OutputState::Failed,
                    last_error,
                    ..base
                }
            }
            None => base,
        }
    }
}

fn with_output_status(base: OutputView, status: OutputStatus) -> OutputView {
    OutputView {
        state: status.state,
        state_reason: status.state_reason,
        delivering: status.delivering,
        bitrate_bps: status.bitrate_bps,
        delivered_bytes: status.delivered_bytes,
        readers: status.readers,
        reconnects: status.reconnects,
        lost_packets: status.lost_packets,
        last_error: status.last_error,
        detail: serde_json::to_value(status.detail).unwrap_or_default(),
        ..base
    }
}

impl Viewed for ListenerConfig {
    type View = ListenerView;

    fn view(&self, app: &App, desired: &Desired) -> ListenerView {
        let status = app.adapters.listener_status(self);
        let error = app.convergence.error(Self::WHAT, &self.name);
        let (bound, counters, alarms) = match status {
            Some(status) => (status.bound, status.counters, status.alarms),
            None => (None, serde_json::json!({}), Vec::new()),
        };
        ListenerView {
            name: self.name.to_string(),
            revision: desired.revision_of::<Self>(&self.name),
            kind: self.kind(),
            config: settings(self),
            bound: bound.map(|bound| bound.to_string()),
            counters,
            next_port: ports::next_free(&desired.document, self),
            error,
            alarms,
        }
    }
}

fn settings<T: Item>(item: &T) -> Value {
    serde_json::to_value(shown(item)).unwrap_or_default()
}
