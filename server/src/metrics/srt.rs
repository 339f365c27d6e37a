//! SRT's full list of figures, for sources and outputs.
//!
//! One series per figure and object, never per reader: an output's counters are the sum over
//! its readers, those that have left included. The API has the readers one by one.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use serde_json::Value;
use tidegate_adapter_srt::{Counters, Described, Gauges};

use super::{Fraction, Named};

/// Sources, and outputs, that are shown with the full list; the others have the main figures
/// only. A list is about seventy series.
pub(super) const FULL_LISTS_MAX: usize = 500;

/// Registers the figures of `objects`, which are all sources or all outputs.
pub(super) fn register(registry: &mut Registry, what: &str, objects: &[(Named, &Value)]) {
    let objects = &objects[..objects.len().min(FULL_LISTS_MAX)];
    for one in Counters::ALL {
        counter(registry, what, one.name, help(one), objects, |srt| {
            srt.get("total")?.get(one.name)?.as_u64()
        });
    }
    counter(
        registry,
        what,
        "host_drops_packets",
        "Packets this host dropped unread, on the socket the connection shares with others",
        objects,
        |srt| srt.get("host_drops_packets")?.as_u64(),
    );
    for one in Gauges::ALL {
        let family = Family::<Named, Fraction>::default();
        for (labels, srt) in objects {
            let value = srt.get("instant").and_then(|instant| instant.get(one.name));
            if let Some(value) = value.and_then(Value::as_f64) {
                family.get_or_create(labels).set(value);
            }
        }
        registry.register(format!("srt_{what}_{}", one.name), help(one), family);
    }
}

fn counter(
    registry: &mut Registry,
    what: &str,
    name: &str,
    help: &str,
    objects: &[(Named, &Value)],
    value: impl Fn(&Value) -> Option<u64>,
) {
    let family = Family::<Named, Counter>::default();
    for (labels, srt) in objects {
        if let Some(value) = value(srt) {
            family.get_or_create(labels).inc_by(value);
        }
    }
    registry.register(format!("srt_{what}_{name}"), help, family);
}

/// The registry ends the sentence itself.
fn help(one: &Described) -> &'static str {
    one.meaning().trim_end_matches('.')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;
    use serde_json::{Map, json};

    fn named(name: &str) -> Named {
        Named {
            name: name.into(),
            kind: "srt".into(),
        }
    }

    fn text(objects: &[(Named, &Value)]) -> String {
        let mut registry = Registry::with_prefix("tidegate");
        register(&mut registry, "source", objects);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn every_figure_has_a_series() {
        let all = |list: &[Described]| -> Map<String, Value> {
            list.iter().map(|one| (one.name.into(), json!(3))).collect()
        };
        let srt = json!({
            "total": all(Counters::ALL), "instant": all(Gauges::ALL), "host_drops_packets": 2
        });
        let text = text(&[(named("cam1"), &srt)]);
        let labels = "{name=\"cam1\",kind=\"srt\"}";
        for one in Counters::ALL {
            let line = format!("tidegate_srt_source_{}_total{labels} 3\n", one.name);
            assert!(text.contains(&line), "{line} is missing");
        }
        for one in Gauges::ALL {
            let line = format!("tidegate_srt_source_{}{labels} 3.0\n", one.name);
            assert!(text.contains(&line), "{line} is missing");
        }
        let line = format!("tidegate_srt_source_host_drops_packets_total{labels} 2\n");
        assert!(text.contains(&line));
    }

    #[test]
    fn the_number_of_series_has_a_limit() {
        let srt = json!({ "total": { "packets_sent": 1 } });
        let many: Vec<_> = (0..FULL_LISTS_MAX + 3)
            .map(|number| (named(&format!("cam{number}")), &srt))
            .collect();
        let series = text(&many).matches("packets_sent_total{").count();
        assert_eq!(series, FULL_LISTS_MAX);
    }
}
