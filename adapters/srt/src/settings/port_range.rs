//! The ports of a listener that belong to one stream each, in its settings: `9100-9149`.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Ports in one range. Each that is in use costs a socket on every media thread.
pub const PORT_RANGE_MAX: u16 = 1000;

/// The first and the last port of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// All of its ports.
    #[must_use]
    pub const fn ports(self) -> RangeInclusive<u16> {
        self.first..=self.last
    }
}

impl FromStr for PortRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no range of ports; write it like `9100-9149`");
        let (first, last) = text.split_once('-').ok_or_else(wrong)?;
        let port = |text: &str| text.trim().parse::<u16>().map_err(|_| wrong());
        let (first, last) = (port(first)?, port(last)?);
        if first == 0 || last < first {
            return Err(wrong());
        }
        if last - first >= PORT_RANGE_MAX {
            return Err(format!(
                "the range {first}-{last} is too long: it may have {PORT_RANGE_MAX} ports"
            ));
        }
        Ok(Self { first, last })
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl TryFrom<String> for PortRange {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<PortRange> for String {
    fn from(range: PortRange) -> Self {
        range.to_string()
    }
}

impl JsonSchema for PortRange {
    fn schema_name() -> Cow<'static, str> {
        "PortRange".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "examples": ["9100-9149"],
            "description": "The first and the last port of a range, at most 1000 ports."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_two_ends_in_order_and_a_limit() {
        let range: PortRange = "9100-9149".parse().unwrap();
        assert_eq!(
            (range.ports().count(), range.to_string()),
            (50, "9100-9149".to_owned())
        );
        assert_eq!("9100-9100".parse::<PortRange>().unwrap().ports().count(), 1);
        assert!("1-1000".parse::<PortRange>().is_ok());
        assert!("64536-65535".parse::<PortRange>().is_ok());
        for wrong in ["", "9100", "9149-9100", "0-5", "1-1001", "1-65536", "a-b"] {
            assert!(wrong.parse::<PortRange>().is_err(), "{wrong}");
        }
    }
}
