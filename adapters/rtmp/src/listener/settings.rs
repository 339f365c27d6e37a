use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::{Cidr, Settings, SettingsError, Transport, check_allow, check_places};

/// Connections of a listener that does not say.
const DEFAULT_CONNECTIONS: u32 = 500;
/// From one address: a venue behind NAT fits in, a stranger does not take every place.
const DEFAULT_PER_ADDRESS: u32 = 100;
/// Connections that can be allowed; each may have a message of 8 MB in the making.
const CONNECTIONS_MAX: u32 = 5000;

/// A TCP port where RTMP publishers arrive: OBS, ffmpeg, GStreamer, phones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListenerSettings {
    /// Local address and port, like `0.0.0.0:1935` or `[::]:1935` (IPv6 and IPv4).
    #[schemars(with = "String", example = &"0.0.0.0:1935")]
    pub bind: SocketAddr,
    /// Certificate and key for RTMPS; with it the port takes RTMPS only. The files are read
    /// again when they change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFiles>,
    /// Only publishers from these addresses and networks may come in; without it everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<Cidr>,
    /// Connections at a time; 500 without it.
    #[schemars(range(min = 1, max = CONNECTIONS_MAX))]
    #[serde(
        default = "default_connections",
        skip_serializing_if = "is_default_connections"
    )]
    pub max_connections: u32,
    /// Connections at a time from one address (IPv6: from one /64 network); 100 without it.
    #[schemars(range(min = 1, max = CONNECTIONS_MAX))]
    #[serde(
        default = "default_per_address",
        skip_serializing_if = "is_default_per_address"
    )]
    pub max_connections_per_address: u32,
}

/// Where a certificate is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The certificate and those that vouch for it, in PEM.
    pub cert: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

const fn default_connections() -> u32 {
    DEFAULT_CONNECTIONS
}

const fn default_per_address() -> u32 {
    DEFAULT_PER_ADDRESS
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
const fn is_default_connections(count: &u32) -> bool {
    *count == DEFAULT_CONNECTIONS
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
const fn is_default_per_address(count: &u32) -> bool {
    *count == DEFAULT_PER_ADDRESS
}

impl ListenerSettings {
    /// A listener with default settings.
    #[must_use]
    pub const fn new(bind: SocketAddr) -> Self {
        Self {
            bind,
            tls: None,
            allow: Vec::new(),
            max_connections: DEFAULT_CONNECTIONS,
            max_connections_per_address: DEFAULT_PER_ADDRESS,
        }
    }
}

impl Settings for ListenerSettings {
    fn port(&self) -> Option<SocketAddr> {
        Some(self.bind)
    }

    fn transport(&self) -> Transport {
        Transport::Tcp
    }

    fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    fn check(&self) -> Result<(), SettingsError> {
        check_allow(&self.allow)?;
        let (count, of_address) = (self.max_connections, self.max_connections_per_address);
        check_places("max_connections", count, CONNECTIONS_MAX)?;
        check_places("max_connections_per_address", of_address, CONNECTIONS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> ListenerSettings {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_bind_address_is_enough() {
        let settings = parse(r#"{ "bind": "0.0.0.0:1935" }"#);
        assert_eq!(settings, ListenerSettings::new(settings.bind));
        assert!(settings.check().is_ok());
        let written = serde_json::to_string(&settings).unwrap();
        assert_eq!(written, r#"{"bind":"0.0.0.0:1935"}"#);
    }

    #[test]
    fn settings_are_like_those_of_every_adapter() {
        tidegate_testkit::conformance::check_settings(&parse(
            r#"{ "bind": "[::]:1936", "tls": { "cert": "c.pem", "key": "k.pem" },
                 "allow": ["192.0.2.0/24"], "max_connections": 7 }"#,
        ));
    }

    #[test]
    fn limits_out_of_range_are_refused_by_name() {
        for field in ["max_connections", "max_connections_per_address"] {
            for count in [0, 5001] {
                let text = format!(r#"{{ "bind": "[::]:1935", "{field}": {count} }}"#);
                assert_eq!(parse(&text).check().unwrap_err().field, field);
            }
        }
    }
}
