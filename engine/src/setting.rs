//! Types for adapters' settings.

use core::fmt;
use core::time::Duration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use tidegate_units::Bitrate;

/// A time in settings, written as people do: `200ms`, `2s`, `1h 30m`, `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub Duration);

impl Span {
    /// `millis` milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// `secs` seconds.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        span.0
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&humantime::format_duration(self.0), f)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(SpanVisitor)
    }
}

struct SpanVisitor;

impl Visitor<'_> for SpanVisitor {
    type Value = Span;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time with its unit, like 200ms, 2s or 7d")
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Span, E> {
        humantime::parse_duration(value)
            .map(Span)
            .map_err(|_| E::invalid_value(de::Unexpected::Str(value), &self))
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A time with its unit: 200ms, 2s, 1h 30m, 7d.",
            "examples": ["200ms", "2s", "7d"]
        })
    }
}

/// A bitrate in settings: `8M`, `500k`, `2.5M`, or bits per second as a plain number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(pub Bitrate);

impl Rate {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (number, unit) = match text.char_indices().next_back()? {
            (at, 'k' | 'K') => (&text[..at], 1e3),
            (at, 'M') => (&text[..at], 1e6),
            (at, 'G') => (&text[..at], 1e9),
            _ => (text, 1.0),
        };
        let bps = number.trim().parse::<f64>().ok()? * unit;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked"
        )]
        (bps.is_finite() && (0.0..1e12).contains(&bps))
            .then(|| Self(Bitrate::from_bps(bps.round() as u64)))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_bps() {
            bps if bps > 0 && bps.is_multiple_of(1_000_000) => write!(f, "{}M", bps / 1_000_000),
            bps if bps > 0 && bps.is_multiple_of(1000) => write!(f, "{}k", bps / 1000),
            bps => write!(f, "{bps}"),
        }
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RateVisitor)
    }
}

struct RateVisitor;

impl Visitor<'_> for RateVisitor {
    type Value = Rate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bitrate like 8M or 500k")
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Rate, E> {
        Rate::parse(value).ok_or_else(|| E::invalid_value(de::Unexpected::Str(value), &self))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Rate, E> {
        Ok(Rate(Bitrate::from_bps(value)))
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "Bitrate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "description": "Bits per second: 8M, 500k, 2.5M.",
            "examples": ["8M", "500k"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_and_written_with_its_unit() {
        let span: Span = serde_json::from_str("\"1h 30m\"").unwrap();
        assert_eq!(span, Span::from_secs(5400));
        assert_eq!(serde_json::to_string(&span).unwrap(), "\"1h 30m\"");
    }

    #[test]
    fn a_bare_number_is_refused_with_an_example() {
        let error = serde_json::from_str::<Span>("\"200\"").unwrap_err();
        assert!(error.to_string().contains("like 200ms"), "{error}");
    }

    #[test]
    fn a_bitrate_is_read_and_written_with_its_unit() {
        for (text, bps, back) in [
            ("\"8M\"", 8_000_000, "\"8M\""),
            ("\"2.5M\"", 2_500_000, "\"2500k\""),
            ("1234", 1234, "\"1234\""),
        ] {
            let rate: Rate = serde_json::from_str(text).unwrap();
            assert_eq!(rate.0.as_bps(), bps);
            assert_eq!(serde_json::to_string(&rate).unwrap(), back);
        }
        assert!(serde_json::from_str::<Rate>("\"fast\"").is_err());
    }
}
