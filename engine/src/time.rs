//! Times as the API writes them.

use core::time::Duration;
use serde::{Deserialize, Deserializer, Serializer};
use std::time::SystemTime;

/// A point in civil time, written as RFC 3339 in UTC with milliseconds.
pub mod rfc3339 {
    use super::{Deserialize, Deserializer, Serializer, SystemTime};

    /// Writes it.
    ///
    /// # Errors
    /// The serialiser's own.
    pub fn serialize<S: Serializer>(at: &SystemTime, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&humantime::format_rfc3339_millis(*at))
    }

    /// Reads it.
    ///
    /// # Errors
    /// If it is not RFC 3339.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SystemTime, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        super::civil(&text).map_err(serde::de::Error::custom)
    }
}

/// The same, where it may be absent.
pub mod rfc3339_option {
    use super::{Deserialize, Deserializer, Serializer, SystemTime};

    /// Writes it.
    ///
    /// # Errors
    /// The serialiser's own.
    pub fn serialize<S: Serializer>(at: &Option<SystemTime>, to: S) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => super::rfc3339::serialize(at, to),
            None => to.serialize_none(),
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// If it is not RFC 3339.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SystemTime>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        let read = text.map(|text| super::civil(&text).map_err(serde::de::Error::custom));
        read.transpose()
    }
}

/// What is said of a text that is no point in time.
pub const NO_TIME: &str = "this is no point in time";

fn civil(text: &str) -> Result<SystemTime, &'static str> {
    humantime::parse_rfc3339_weak(text).map_err(|_| NO_TIME)
}

/// Milliseconds with fractions, as the API shows short times.
#[must_use]
pub fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
