use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::{Settings, SettingsError, Transport, check_places};

/// Connections of a listener that does not say.
const DEFAULT_CONNECTIONS: u32 = 500;
/// From one address: a wall of players behind NAT fits in.
const DEFAULT_PER_ADDRESS: u32 = 100;
/// The most that can be asked for.
const CONNECTIONS_MAX: u32 = 10_000;

/// A TCP port where RTSP players arrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListenerSettings {
    /// Local address and port, like `0.0.0.0:8554` or `[::]:8554` (IPv6 and IPv4).
    #[schemars(with = "String", example = &"0.0.0.0:8554")]
    pub bind: SocketAddr,
    /// The UDP port that media leave from, for players that want datagrams; an even one. The
    /// next one is for reports. Without it any free pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtp_port: Option<u16>,
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
fn is_default_connections(count: &u32) -> bool {
    *count == DEFAULT_CONNECTIONS
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn is_default_per_address(count: &u32) -> bool {
    *count == DEFAULT_PER_ADDRESS
}

impl ListenerSettings {
    /// A listener at this address, with the usual limits.
    #[must_use]
    pub const fn at(bind: SocketAddr) -> Self {
        Self {
            bind,
            rtp_port: None,
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

    fn check(&self) -> Result<(), SettingsError> {
        if self.rtp_port.is_some_and(|port| port == 0 || port % 2 == 1) {
            let error = SettingsError::new("rtp_port", "it is not even");
            return Err(error.advise("Write an even port; the next one is for reports."));
        }
        let (count, of_address) = (self.max_connections, self.max_connections_per_address);
        check_places("max_connections", count, CONNECTIONS_MAX)?;
        check_places("max_connections_per_address", of_address, CONNECTIONS_MAX)
    }
}
