//! Every figure in Prometheus' text format, read when it is asked for.
//!
//! The registry is made for each scrape: the figures live where they are counted, and the
//! labels of an object go when it goes.

mod limits;
mod srt;
mod switch;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde_json::Value;
use std::sync::atomic::AtomicU64;
use tidegate_engine::{Connection, Health};

use crate::api::{App, ListenerView, OutputView, SourceView, current_state};

/// A gauge of fractions.
type Fraction = Gauge<f64, AtomicU64>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    name: String,
    kind: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Counted {
    name: String,
    figure: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Indicator {
    name: String,
    indicator: String,
    number: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Shard {
    shard: usize,
}

/// All figures as text.
#[must_use]
pub fn text(app: &App) -> String {
    let mut registry = Registry::with_prefix("tidegate");
    let state = current_state(app);
    sources(&mut registry, &state.sources);
    switch::register(&mut registry, &state.sources);
    outputs(&mut registry, &state.outputs);
    listeners(&mut registry, &state.listeners);
    server(&mut registry, app, state.revision, state.alarms.len());
    shards(&mut registry, &app.shards.connections());
    limits::register(&mut registry);
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = encode(&mut text, &registry);
    text
}

/// Registers gauges and counters that have one value per object.
struct PerObject<'a, T> {
    registry: &'a mut Registry,
    objects: &'a [T],
    labels: fn(&T) -> Named,
}

impl<T> PerObject<'_, T> {
    fn gauge(&mut self, name: &str, help: &str, value: impl Fn(&T) -> Option<f64>) {
        let family = Family::<Named, Fraction>::default();
        for object in self.objects {
            if let Some(value) = value(object) {
                family.get_or_create(&(self.labels)(object)).set(value);
            }
        }
        self.registry.register(name, help, family);
    }

    fn counter(&mut self, name: &str, help: &str, value: impl Fn(&T) -> Option<u64>) {
        let family = Family::<Named, Counter>::default();
        for object in self.objects {
            if let Some(value) = value(object) {
                family.get_or_create(&(self.labels)(object)).inc_by(value);
            }
        }
        self.registry.register(name, help, family);
    }
}

fn flag(on: bool) -> Option<f64> {
    Some(if on { 1.0 } else { 0.0 })
}

fn sources(registry: &mut Registry, sources: &[SourceView]) {
    let labels = |source: &SourceView| Named {
        name: source.name.clone(),
        kind: source.kind.into(),
    };
    let mut each = PerObject {
        registry,
        objects: sources,
        labels,
    };
    each.gauge("source_connected", "Whether a sender is there", |s| {
        flag(s.connection == Connection::Connected)
    });
    each.gauge(
        "source_healthy",
        "Whether media arrives with nothing known to be wrong",
        |s| flag(s.health == Health::Ok),
    );
    each.gauge("source_ready", "Whether it can be taken on air now", |s| {
        flag(s.readiness.ready)
    });
    each.gauge("source_bitrate_bps", "Received over the last second", |s| {
        Some(s.bitrate_bps as f64)
    });
    each.gauge("source_readers", "Readers of the feed", |s| {
        Some(s.readers as f64)
    });
    each.gauge(
        "source_last_packet_age_seconds",
        "Time since the last packet",
        |s| s.last_packet_age_ms.map(|age| age as f64 / 1e3),
    );
    each.counter(
        "source_reconnects",
        "How often the connection was lost",
        |s| Some(s.reconnects),
    );
    each.counter(
        "source_continuity_errors",
        "TS packets missing or doubled",
        |s| s.media.as_ref()?.get("continuity_errors")?.as_u64(),
    );
    tr101290(&mut each);
    srt_figures(&mut each);
    let with_srt: Vec<(Named, &Value)> = sources
        .iter()
        .filter_map(|source| Some((labels(source), source.srt.as_ref()?)))
        .collect();
    srt::register(registry, "source", &with_srt);
    let ports = sources.iter().filter_map(|source| {
        let port = source.port.as_ref()?;
        Some((labels(source), port.bound.is_some(), &port.counters))
    });
    ports_of(registry, "source_port", ports);
}

/// What measuring instruments count, each indicator by its number and name.
fn tr101290(each: &mut PerObject<'_, SourceView>) {
    let family = Family::<Indicator, Counter>::default();
    for source in each.objects {
        for (number, name, indicator) in source.tr101290.iter().flat_map(|it| it.indicators()) {
            let labels = Indicator {
                name: source.name.clone(),
                indicator: name.into(),
                number: number.into(),
            };
            family.get_or_create(&labels).inc_by(indicator.count);
        }
    }
    let help = "Errors by the indicators of ETSI TR 101 290, since the connection began";
    each.registry
        .register("source_tr101290_errors", help, family);
}

fn srt_figures(each: &mut PerObject<'_, SourceView>) {
    each.gauge(
        "source_advised_latency_ms",
        "Latency that what was measured asks for",
        |s| figure(figure(s.srt.as_ref(), "advice"), "latency_ms")?.as_f64(),
    );
    for (name, field, help) in [
        ("source_rtt_ms", "rtt_ms", "Round-trip time"),
        (
            "source_jitter_ms",
            "jitter_ms",
            "How much packet timing varies",
        ),
        ("source_latency_ms", "latency_ms", "Latency agreed on"),
        (
            "source_receive_buffer_ms",
            "receive_buffer_ms",
            "Media in the receive buffer",
        ),
        (
            "source_loss_percent",
            "loss_percent",
            "Packets missing at first, over 10 s",
        ),
    ] {
        each.gauge(name, help, |s| figure(s.srt.as_ref(), field)?.as_f64());
    }
    for (name, field, help) in [
        (
            "source_packets_received",
            "packets_received",
            "Packets received",
        ),
        (
            "source_packets_lost",
            "packets_lost",
            "Packets missing at first",
        ),
        (
            "source_packets_retransmitted",
            "packets_retransmitted",
            "Packets sent again",
        ),
        (
            "source_packets_dropped",
            "packets_dropped",
            "Packets that never came in time",
        ),
    ] {
        each.counter(name, help, |s| figure(s.srt.as_ref(), field)?.as_u64());
    }
}

fn figure<'a>(figures: Option<&'a Value>, field: &str) -> Option<&'a Value> {
    figures?.get(field)
}

fn outputs(registry: &mut Registry, outputs: &[OutputView]) {
    let labels = |output: &OutputView| Named {
        name: output.name.clone(),
        kind: output.kind.into(),
    };
    let mut each = PerObject {
        registry,
        objects: outputs,
        labels,
    };
    each.gauge("output_delivering", "Whether the far side takes it", |o| {
        flag(o.delivering)
    });
    each.gauge("output_bitrate_bps", "Accepted over the last second", |o| {
        Some(o.bitrate_bps as f64)
    });
    each.gauge("output_readers", "Readers being served", |o| {
        Some(o.readers as f64)
    });
    each.gauge(
        "output_readers_max",
        "Readers an output on an SRT listener takes",
        |o| o.detail["srt"]["max_readers"].as_f64(),
    );
    each.counter("output_delivered_bytes", "Accepted by the far side", |o| {
        Some(o.delivered_bytes)
    });
    each.counter(
        "output_reconnects",
        "How often it had to begin again",
        |o| Some(o.reconnects),
    );
    each.counter("output_lost_packets", "Packets not taken in time", |o| {
        Some(o.lost_packets)
    });
    let with_srt: Vec<(Named, &Value)> = outputs
        .iter()
        .filter_map(|output| Some((labels(output), figure(Some(&output.detail), "srt")?)))
        .collect();
    srt::register(registry, "output", &with_srt);
    let ports = outputs.iter().filter_map(|output| {
        let port = output.port.as_ref()?;
        Some((labels(output), port.bound.is_some(), &port.counters))
    });
    ports_of(registry, "output_port", ports);
}

fn listeners(registry: &mut Registry, listeners: &[ListenerView]) {
    let labels = |listener: &ListenerView| Named {
        name: listener.name.clone(),
        kind: listener.kind.into(),
    };
    let ports = listeners.iter().map(|listener| {
        (
            labels(listener),
            listener.bound.is_some(),
            &listener.counters,
        )
    });
    ports_of(registry, "listener", ports);
}

/// What ports have counted, by the object whose they are.
fn ports_of<'a>(
    registry: &mut Registry,
    what: &str,
    ports: impl Iterator<Item = (Named, bool, &'a Value)>,
) {
    let bound = Family::<Named, Gauge>::default();
    let figures = Family::<Counted, Gauge>::default();
    for (labels, is_bound, counters) in ports {
        bound.get_or_create(&labels).set(i64::from(is_bound));
        for (figure, value) in counters.as_object().into_iter().flatten() {
            let labels = Counted {
                name: labels.name.clone(),
                figure: figure.clone(),
            };
            if let Some(value) = value.as_u64() {
                figures
                    .get_or_create(&labels)
                    .set(i64::try_from(value).unwrap_or(i64::MAX));
            }
        }
    }
    let (is_open, counted) = (format!("{what}_bound"), format!("{what}_figure"));
    registry.register(is_open, "Whether the port is open", bound);
    registry.register(counted, "What the port has counted, by name", figures);
}

/// The media threads: how many, and how many connections live on each.
fn shards(registry: &mut Registry, connections: &[usize]) {
    let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let count = Gauge::<i64>::default();
    count.set(gauge(connections.len()));
    let help = "Media threads, which share every SRT port";
    registry.register("shards", help, count);
    let family = Family::<Shard, Gauge>::default();
    for (shard, connections) in connections.iter().enumerate() {
        family
            .get_or_create(&Shard { shard })
            .set(gauge(*connections));
    }
    let help = "SRT connections of a media thread, those being made included";
    registry.register("shard_connections", help, family);
}

fn server(registry: &mut Registry, app: &App, revision: u64, alarms: usize) {
    let (connections, refused) = app.connections.counts();
    let (by_kind, by_reason, missed) = app.journal.counts();
    let gauges = [
        ("revision", "Revision of the desired state", revision),
        (
            "applied_revision",
            "Revision the engine was brought to",
            app.convergence.revision(),
        ),
        (
            "objects_in_error",
            "Objects that are not as desired",
            app.convergence.error_count() as u64,
        ),
        ("alarms", "Alarms that stand", alarms as u64),
        (
            "bans",
            "Addresses and networks banned",
            app.bans.count() as u64,
        ),
        (
            "uptime_seconds",
            "Since the program started",
            app.started.elapsed().as_secs(),
        ),
        (
            "http_connections",
            "HTTP connections open",
            connections as u64,
        ),
        (
            "store_queue",
            "Calls waiting for the store",
            app.store.queued() as u64,
        ),
    ];
    for (name, help, value) in gauges {
        let gauge = Gauge::<i64>::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        registry.register(name, help, gauge);
    }
    let counters = [
        (
            "http_connections_refused",
            "HTTP connections beyond the limits",
            refused,
        ),
        (
            "events_missed",
            "Events that came faster than they can be kept",
            missed,
        ),
    ];
    for (name, help, value) in counters {
        let counter = Counter::<u64>::default();
        counter.inc_by(value);
        registry.register(name, help, counter);
    }
    by_label(registry, "events", "Events by kind", &by_kind);
    by_label(
        registry,
        "rejections",
        "Callers turned away, by reason",
        &by_reason,
    );
}

fn by_label(
    registry: &mut Registry,
    name: &str,
    help: &str,
    counts: &std::collections::BTreeMap<String, u64>,
) {
    let family = Family::<Kind, Counter>::default();
    for (kind, count) in counts {
        family
            .get_or_create(&Kind { kind: kind.clone() })
            .inc_by(*count);
    }
    registry.register(name, help, family);
}
