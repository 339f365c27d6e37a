//! What is on air of each switch, and how its inputs are doing.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde_json::Value;

use super::Fraction;
use crate::api::SourceView;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Switch {
    name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Input {
    name: String,
    input: String,
}

/// How the slate is called among the inputs.
const SLATE: &str = "slate";

pub(super) fn register(registry: &mut Registry, sources: &[SourceView]) {
    let status = |source: &'_ SourceView| {
        let labels = Switch {
            name: source.name.clone(),
        };
        Some((labels, source.switch.clone().filter(Value::is_object)?))
    };
    let switches: Vec<(Switch, Value)> = sources.iter().filter_map(status).collect();
    for (figure, help) in [
        ("switches", "How often something else was put on air"),
        ("automatic_switches", "The same, where nobody had asked"),
        ("averted", "Switches whose cause went away before the cut"),
        (
            "lost_packets",
            "Packets of inputs that the switch was too slow for",
        ),
        (
            "untold",
            "Events that were not told because too many waited already",
        ),
        (
            "late_packets",
            "Packets missing on air that a twin brought too late: more latency would have saved them",
        ),
    ] {
        let family = Family::<Switch, Counter>::default();
        for (labels, status) in &switches {
            let count = status[figure].as_u64().unwrap_or_default();
            family.get_or_create(labels).inc_by(count);
        }
        registry.register(format!("switch_{figure}"), help, family);
    }
    for (figure, help) in [
        ("locked", "Whether nothing but darkness moves it"),
        ("held", "Whether it moves only when it is told to"),
        ("latched", "Whether it moved too often by itself and waits"),
    ] {
        let family = Family::<Switch, Gauge>::default();
        for (labels, status) in &switches {
            let is_so = status[figure] == true;
            family.get_or_create(labels).set(i64::from(is_so));
        }
        registry.register(format!("switch_{figure}"), help, family);
    }
    let family = Family::<Switch, Fraction>::default();
    for (labels, status) in &switches {
        let delay_ms = status["delay_ms"].as_f64().unwrap_or_default();
        family.get_or_create(labels).set(delay_ms / 1e3);
    }
    let help = "How long what is on air is held back beyond its own latency";
    registry.register("switch_delay_seconds", help, family);
    inputs(registry, &switches);
}

fn inputs(registry: &mut Registry, switches: &[(Switch, Value)]) {
    let figures = [
        ("active", "Whether it is on air"),
        ("ready", "Whether it could be on air"),
        ("queue_bytes", "What is held of it"),
    ];
    let families = figures.map(|_| Family::<Input, Gauge>::default());
    let [active, ready, queue] = &families;
    for (switch, status) in switches {
        let labels = |input: &str| Input {
            name: switch.name.clone(),
            input: input.to_owned(),
        };
        let is_on_air = |input: &str| i64::from(status["active"] == input);
        for input in status["inputs"].as_array().into_iter().flatten() {
            let name = input["name"].as_str().unwrap_or_default();
            active.get_or_create(&labels(name)).set(is_on_air(name));
            let is_ready = i64::from(input["ready"] == true);
            ready.get_or_create(&labels(name)).set(is_ready);
            let bytes = input["queue_bytes"].as_i64().unwrap_or_default();
            queue.get_or_create(&labels(name)).set(bytes);
        }
        active.get_or_create(&labels(SLATE)).set(is_on_air(SLATE));
        let has_slate = i64::from(status["slate"]["state"] == "ready");
        ready.get_or_create(&labels(SLATE)).set(has_slate);
    }
    for ((figure, help), family) in figures.into_iter().zip(families) {
        registry.register(format!("switch_input_{figure}"), help, family);
    }
}
