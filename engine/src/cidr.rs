use core::fmt;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use tidegate_units::Network;

/// Addresses in settings, written as people do: `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr(pub Network);

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Cidr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Cidr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(CidrVisitor)
    }
}

struct CidrVisitor;

impl Visitor<'_> for CidrVisitor {
    type Value = Cidr;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address or a network, like 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32")
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Cidr, E> {
        let named = |error| E::custom(format!("{value:?} is no address or network: {error}"));
        value.parse().map(Cidr).map_err(named)
    }
}

impl JsonSchema for Cidr {
    fn schema_name() -> Cow<'static, str> {
        "Network".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "An address, or a network with the length of its prefix.",
            "examples": ["192.0.2.7", "192.0.2.0/24", "2001:db8::/32"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_read_and_written_as_people_do() {
        let read: Cidr = serde_json::from_str("\"192.0.2.0/24\"").unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), "\"192.0.2.0/24\"");
    }

    #[test]
    fn a_network_with_a_host_in_it_is_refused_with_the_one_that_was_meant() {
        let error = serde_json::from_str::<Cidr>("\"192.0.2.9/24\"").unwrap_err();
        assert!(
            error.to_string().contains("192.0.2.0/24 is the network"),
            "{error}"
        );
    }
}
