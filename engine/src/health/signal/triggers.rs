use super::TriggerKind;
use super::setting::{self, Shape};
use core::fmt;
use core::time::Duration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What follows when a trigger fires.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum TriggerSeverity {
    /// It is told; the source stays ready.
    Alarm,
    /// The source is not ready, and a switch leaves it.
    #[default]
    Switch,
}

/// One trigger that is not off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Where it fires, in its own unit: percent of the usual bitrate, packets, errors per
    /// second. Zero where only time counts.
    pub threshold: u32,
    /// How long it must be so; how far back is counted, where something is counted.
    pub after: Duration,
    /// How long it must be over before it is forgotten.
    pub hold: Duration,
    /// What follows.
    pub severity: TriggerSeverity,
}

/// The triggers of a switch: for each its setting, or off. In settings each is `off`, a value
/// (`150ms`, `30`), or an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Triggers {
    settings: [Option<Trigger>; TriggerKind::ALL.len()],
}

impl Default for Triggers {
    fn default() -> Self {
        let mut settings = [None; TriggerKind::ALL.len()];
        for kind in TriggerKind::ALL {
            settings[kind.index()] = Some(Shape::of(kind).default());
        }
        Self { settings }
    }
}

impl Triggers {
    /// The setting of one; `None` when it is off.
    #[must_use]
    pub const fn get(&self, kind: TriggerKind) -> Option<Trigger> {
        self.settings[kind as usize]
    }

    /// The same with another setting of one.
    #[must_use]
    pub fn with(mut self, kind: TriggerKind, trigger: Option<Trigger>) -> Self {
        self.settings[kind.index()] = trigger;
        self
    }
}

impl Serialize for Triggers {
    /// What is as it is by default is left out.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for kind in TriggerKind::ALL {
            let (shape, trigger) = (Shape::of(kind), self.get(kind));
            if trigger != Some(shape.default()) {
                map.serialize_entry(kind.as_str(), &shape.written(trigger))?;
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Triggers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TriggersVisitor)
    }
}

struct TriggersVisitor;

impl<'de> Visitor<'de> for TriggersVisitor {
    type Value = Triggers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("triggers by their names, like `no_packets: 150ms`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Triggers, A::Error> {
        let mut triggers = Triggers::default();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            let Some(kind) = TriggerKind::parse(&name) else {
                return Err(unknown(&name));
            };
            let seed = Shape::of(kind);
            triggers.settings[kind.index()] = map.next_value_seed(seed)?;
        }
        Ok(triggers)
    }
}

fn unknown<E: Error>(name: &str) -> E {
    const LATER: [&str; 3] = ["black", "frozen", "silent"];
    if LATER.contains(&name) {
        return E::custom(format_args!(
            "`{name}` needs a look at decoded pictures or sound, which does not exist yet"
        ));
    }
    const NAMES: [&str; TriggerKind::ALL.len()] = {
        let mut names = [""; TriggerKind::ALL.len()];
        let mut index = 0;
        while index < names.len() {
            names[index] = TriggerKind::ALL[index].as_str();
            index += 1;
        }
        names
    };
    E::unknown_field(name, &NAMES)
}

impl<'de> DeserializeSeed<'de> for Shape {
    type Value = Option<Trigger>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(setting::SettingVisitor(self))
    }
}

impl JsonSchema for Triggers {
    fn schema_name() -> Cow<'static, str> {
        "Triggers".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let properties: serde_json::Map<_, _> = TriggerKind::ALL
            .into_iter()
            .map(|kind| (kind.as_str().to_owned(), Shape::of(kind).schema()))
            .collect();
        json_schema!({
            "type": "object",
            "description": "When a source counts as failed. Each is `off`, a value, or an object \
                            with its threshold, hold and severity.",
            "properties": properties,
            "additionalProperties": false
        })
    }
}
