//! How one trigger is written in settings.

use super::{Trigger, TriggerKind, TriggerSeverity};
use crate::setting::Span;
use core::fmt;
use core::time::Duration;
use serde::de::{Error, MapAccess, Visitor};
use serde_json::{Value, json};
use std::borrow::Cow;

/// How long a trigger stays fired after what it fired for is over.
const HOLD: Duration = Duration::from_secs(1);
const LONGEST_HOLD: Duration = Duration::from_secs(60);

/// A count that can be set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Count {
    default: u32,
    least: u32,
    most: u32,
    unit: &'static str,
}

/// A time that can be set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    key: &'static str,
    default: Duration,
    least: Duration,
    most: Duration,
}

/// What can be set about a trigger.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    kind: TriggerKind,
    count: Option<Count>,
    time: Option<Time>,
}

const fn count(default: u32, least: u32, most: u32, unit: &'static str) -> Option<Count> {
    Some(Count {
        default,
        least,
        most,
        unit,
    })
}

const fn time(key: &'static str, default: u64, least: u64, most: u64) -> Option<Time> {
    Some(Time {
        key,
        default: Duration::from_millis(default),
        least: Duration::from_millis(least),
        most: Duration::from_millis(most),
    })
}

impl Shape {
    pub(super) const fn of(kind: TriggerKind) -> Self {
        let (count, time) = match kind {
            TriggerKind::Disconnect => (None, time("after", 0, 0, 10_000)),
            TriggerKind::NoPackets => (None, time("after", 150, 50, 5000)),
            TriggerKind::TsSync | TriggerKind::Pat | TriggerKind::Pmt | TriggerKind::Pid => {
                (None, time("after", 500, 100, 10_000))
            }
            TriggerKind::PtsStall => (None, time("after", 700, 100, 10_000)),
            TriggerKind::UnrecoveredLoss => (
                count(20, 1, 1_000_000, "packets"),
                time("within", 5000, 1000, 60_000),
            ),
            TriggerKind::Continuity => (count(10, 1, 1_000_000, "errors per second"), None),
            TriggerKind::Bitrate => (
                count(30, 1, 90, "percent of the usual bitrate"),
                time("after", 500, 100, 5000),
            ),
        };
        Self { kind, count, time }
    }

    pub(super) fn default(&self) -> Trigger {
        Trigger {
            threshold: self.count.map_or(0, |count| count.default),
            after: self
                .time
                .map_or(Duration::from_secs(1), |time| time.default),
            hold: HOLD,
            severity: TriggerSeverity::Switch,
        }
    }

    /// As it is written in a configuration, as shortly as possible.
    pub(super) fn written(&self, trigger: Option<Trigger>) -> Value {
        let Some(trigger) = trigger else {
            return json!("off");
        };
        let default = self.default();
        let mut map = serde_json::Map::new();
        let after = Span(trigger.after).to_string();
        if self.count.is_some() {
            map.insert("threshold".into(), json!(trigger.threshold));
        }
        if let Some(time) = self.time
            && (self.count.is_none() || trigger.after != default.after)
        {
            map.insert(time.key.into(), json!(after));
        }
        if trigger.hold != default.hold {
            map.insert("hold".into(), json!(Span(trigger.hold).to_string()));
        }
        if trigger.severity != default.severity {
            map.insert("severity".into(), json!(trigger.severity));
        }
        match (map.len(), map.values().next()) {
            (1, Some(value)) => value.clone(),
            _ => Value::Object(map),
        }
    }

    pub(super) fn schema(&self) -> Value {
        let default = self.default();
        let span = |time: Duration| Span(time).to_string();
        let mut properties = serde_json::Map::new();
        let mut bare = Value::Null;
        if let Some(time) = self.time {
            let schema = json!({
                "type": "string",
                "description": format!("From {} to {}.", span(time.least), span(time.most)),
                "default": span(time.default)
            });
            bare = schema.clone();
            properties.insert(time.key.into(), schema);
        }
        if let Some(count) = self.count {
            let schema = json!({
                "type": "integer", "minimum": count.least, "maximum": count.most,
                "description": format!("In {}.", count.unit),
                "default": count.default
            });
            bare = schema.clone();
            properties.insert("threshold".into(), schema);
        }
        let hold = json!({
            "type": "string",
            "description": "How long it must be over before it is forgotten.",
            "default": span(HOLD)
        });
        properties.insert("hold".into(), hold);
        properties.insert(
            "severity".into(),
            json!({ "type": "string", "enum": ["switch", "alarm"], "default": "switch" }),
        );
        json!({
            "description": self.kind.text(),
            "default": self.written(Some(default)),
            "anyOf": [
                { "type": "string", "enum": ["off"] },
                bare,
                { "type": "object", "properties": properties, "additionalProperties": false }
            ]
        })
    }

    fn keys(&self) -> Vec<&'static str> {
        let mut keys = Vec::new();
        keys.extend(self.count.map(|_| "threshold"));
        keys.extend(self.time.map(|time| time.key));
        keys.extend(["hold", "severity"]);
        keys
    }

    fn set_time<E: Error>(&self, trigger: &mut Trigger, span: Span) -> Result<(), E> {
        let Some(time) = self.time else {
            return Err(E::custom(format_args!("{} takes no time", self.kind)));
        };
        if !(time.least..=time.most).contains(&span.0) {
            let (least, most) = (Span(time.least), Span(time.most));
            return Err(E::custom(format_args!(
                "{span} does not do for {}: from {least} to {most}",
                self.kind
            )));
        }
        trigger.after = span.0;
        Ok(())
    }

    fn set_count<E: Error>(&self, trigger: &mut Trigger, value: u64) -> Result<(), E> {
        let Some(count) = self.count else {
            return Err(E::custom(format_args!(
                "{} takes a time with its unit, like {}",
                self.kind,
                Span(self.default().after)
            )));
        };
        let fits = u32::try_from(value).ok();
        let fits = fits.filter(|value| (count.least..=count.most).contains(value));
        let Some(value) = fits else {
            return Err(E::custom(format_args!(
                "{value} does not do for {}: from {} to {} {}",
                self.kind, count.least, count.most, count.unit
            )));
        };
        trigger.threshold = value;
        Ok(())
    }
}

/// Reads `off`, a value or an object.
pub(super) struct SettingVisitor(pub(super) Shape);

impl<'de> Visitor<'de> for SettingVisitor {
    type Value = Option<Trigger>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = self.0.written(Some(self.0.default()));
        let default = default.as_str().map_or(default.to_string(), str::to_owned);
        let keys = self.0.keys().join(", ");
        write!(f, "`off`, a value like {default}, or an object with {keys}")
    }

    fn visit_bool<E: Error>(self, is_on: bool) -> Result<Self::Value, E> {
        Ok(is_on.then(|| self.0.default()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let mut trigger = self.0.default();
        match text {
            "off" => return Ok(None),
            "on" => return Ok(Some(trigger)),
            _ => {}
        }
        // Only where a bare value is a time.
        let time = humantime::parse_duration(text).ok();
        let Some(time) = time.filter(|_| self.0.count.is_none()) else {
            return Err(E::invalid_value(serde::de::Unexpected::Str(text), &self));
        };
        self.0.set_time(&mut trigger, Span(time))?;
        Ok(Some(trigger))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        let mut trigger = self.0.default();
        self.0.set_count(&mut trigger, value)?;
        Ok(Some(trigger))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        match u64::try_from(value) {
            Ok(value) => self.visit_u64(value),
            Err(_) => Err(E::invalid_value(
                serde::de::Unexpected::Signed(value),
                &self,
            )),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let shape = self.0;
        let mut trigger = shape.default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                "threshold" if shape.count.is_some() => {
                    shape.set_count(&mut trigger, map.next_value()?)?;
                }
                key if shape.time.is_some_and(|time| time.key == key) => {
                    shape.set_time(&mut trigger, map.next_value()?)?;
                }
                "hold" => {
                    let hold: Span = map.next_value()?;
                    if hold.0 > LONGEST_HOLD {
                        let most = Span(LONGEST_HOLD);
                        return Err(A::Error::custom(format_args!(
                            "{hold} is too long to hold: at most {most}"
                        )));
                    }
                    trigger.hold = hold.0;
                }
                "severity" => trigger.severity = map.next_value()?,
                other => {
                    let keys = shape.keys().join(", ");
                    return Err(A::Error::custom(format_args!(
                        "unknown field `{other}` of {}: it takes {keys}",
                        shape.kind
                    )));
                }
            }
        }
        Ok(Some(trigger))
    }
}
