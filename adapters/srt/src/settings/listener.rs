use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::{
    Cidr, NoSecrets, Places, SecretRef, Settings, SettingsError, Span, check_allow, check_places,
};
use tidegate_srt_io::SocketOptions;

use super::access::PLACES_MAX;
use super::cipher::Cipher;
use super::passphrases::{self, Labelled, Users, WrittenPassphrases};
use super::socket::check_ttl;
use super::webhook::secret_of;
use super::{KeyBytes, PortRange, SocketSettings, WebhookSettings, is_false};
use crate::doorman::Webhook;

/// Receive latency of a listener that does not say; libsrt's 120 ms is for a LAN.
const DEFAULT_LATENCY: Span = Span::from_millis(200);
/// Connections of a listener that does not say.
const DEFAULT_CONNECTIONS: u32 = 2000;
/// From one address: a venue behind NAT fits in, a stranger does not take every place.
const DEFAULT_PER_ADDRESS: u32 = 500;
/// The longest latency: memory is bitrate times latency.
pub(super) const LATENCY_MAX: Span = Span::from_secs(8);

/// A UDP port where SRT callers arrive: publishers for sources, readers for outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListenerSettings {
    /// Local address and port, like `0.0.0.0:9000` or `[::]:9000` (IPv6 and IPv4).
    #[schemars(with = "String", example = &"0.0.0.0:9000")]
    pub bind: SocketAddr,
    /// More ports, like `9100-9149`, at most 1000: sources and outputs may have one each
    /// (`port`), for devices that cannot name a stream. Whatever else is set here holds for
    /// them, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_range: Option<PortRange>,
    /// Receive latency of streams that do not set their own; a caller that asks for more gets
    /// more. About four times the round-trip time is a good start.
    #[serde(default = "default_latency")]
    pub latency: Span,
    /// Tell refused callers the true reason. Only for listeners that strangers cannot reach:
    /// the reasons tell which streams exist. The journal has them in any case.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reject_detail: bool,
    /// Receive SRTLA senders (several links for one feed) on the same port. They get nothing
    /// that plain SRT callers do not get, and what strangers may cost is bounded; `false`
    /// ignores them.
    #[serde(default = "on", skip_serializing_if = "is_on")]
    pub srtla: bool,
    /// Key length suggested to callers that have a passphrase and no preference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pbkeylen: Option<KeyBytes>,
    /// Serve this network interface only, by name. Needs the right `CAP_NET_RAW` on Linux before
    /// 5.7.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// Type-of-service byte (IPv6: traffic class) of what is sent, DSCP in its upper six bits:
    /// 136 is AF41.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos: Option<u8>,
    /// Time to live (IPv6: hop limit) of what is sent; the system's, usually 64, without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u8>,
    /// Only callers from these addresses and networks may come in; without it everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<Cidr>,
    /// Connections at a time; 2000 without it. A tenth of them is kept for publishers.
    #[schemars(range(min = 1, max = PLACES_MAX))]
    #[serde(
        default = "default_connections",
        skip_serializing_if = "is_default_connections"
    )]
    pub max_connections: u32,
    /// Connections at a time from one address (IPv6: from one /64 network); 500 without it.
    #[schemars(range(min = 1, max = PLACES_MAX))]
    #[serde(
        default = "default_per_address",
        skip_serializing_if = "is_default_per_address"
    )]
    pub max_connections_per_address: u32,
    /// Who decides about callers that have the right passphrase; a source or an output may
    /// have one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookSettings>,
    /// The passphrase of streams that have none of their own and are not `open`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<SecretRef>,
    /// More passphrases that are valid, by a label each: `{ old: {secret: a}, new: {secret: b} }`.
    /// The status shows by which one a connection came, so that nothing has to stop for a
    /// change. At most four at once.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) passphrases: Labelled,
    /// Passphrases of users, who give their name in the stream ID (`#!::r=…,u=alice`). Who has
    /// one here has no other.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) users: Users,
    /// The cipher mode of streams that do not set their own.
    #[serde(default, skip_serializing_if = "Cipher::is_auto")]
    pub(crate) cipher: Cipher,
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

const fn default_latency() -> Span {
    DEFAULT_LATENCY
}

const fn on() -> bool {
    true
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
const fn is_on(value: &bool) -> bool {
    *value
}

impl ListenerSettings {
    /// A listener with default settings.
    #[must_use]
    pub const fn new(bind: SocketAddr) -> Self {
        Self {
            bind,
            port_range: None,
            latency: DEFAULT_LATENCY,
            reject_detail: false,
            srtla: true,
            pbkeylen: None,
            interface: None,
            tos: None,
            ttl: None,
            allow: Vec::new(),
            max_connections: DEFAULT_CONNECTIONS,
            max_connections_per_address: DEFAULT_PER_ADDRESS,
            webhook: None,
            passphrase: None,
            passphrases: BTreeMap::new(),
            users: BTreeMap::new(),
            cipher: Cipher::Auto,
        }
    }

    pub(crate) const fn written_passphrases(&self) -> WrittenPassphrases<'_> {
        WrittenPassphrases {
            passphrase: self.passphrase.as_ref(),
            passphrases: &self.passphrases,
            users: &self.users,
        }
    }

    /// The port of one stream alone.
    pub(crate) fn for_one(bind: SocketAddr, latency: Option<Span>, socket: SocketSettings) -> Self {
        Self {
            latency: latency.unwrap_or(DEFAULT_LATENCY),
            interface: socket.interface,
            tos: socket.tos,
            ttl: socket.ttl,
            ..Self::new(bind)
        }
    }

    /// The settings of a port of its range.
    pub(crate) fn at_port(&self, port: u16) -> Self {
        Self {
            bind: SocketAddr::new(self.bind.ip(), port),
            port_range: None,
            ..self.clone()
        }
    }

    /// What is set on its sockets.
    pub(crate) fn udp(&self) -> SocketOptions {
        SocketOptions {
            interface: self.interface.clone(),
            tos: self.tos,
            ttl: self.ttl,
            ..SocketOptions::default()
        }
    }

    /// Places of a listener that has no settings yet.
    pub(crate) fn default_limits() -> Places {
        limits(DEFAULT_CONNECTIONS, DEFAULT_PER_ADDRESS)
    }

    pub(crate) fn limits(&self) -> Places {
        limits(self.max_connections, self.max_connections_per_address)
    }

    /// The webhook with its secret, which is written out by now.
    pub(crate) fn resolved_webhook(&self) -> Result<Option<Arc<Webhook>>, SettingsError> {
        let webhook = self.webhook.as_ref();
        webhook
            .map(|webhook| webhook.resolve(&NoSecrets).map(Arc::new))
            .transpose()
    }
}

impl Settings for ListenerSettings {
    fn port(&self) -> Option<SocketAddr> {
        Some(self.bind)
    }

    fn port_range(&self) -> Option<RangeInclusive<u16>> {
        self.port_range.map(PortRange::ports)
    }

    fn secrets(&mut self) -> Vec<(Cow<'static, str>, &mut SecretRef)> {
        let mut found =
            passphrases::secrets(&mut self.passphrase, &mut self.passphrases, &mut self.users);
        found.extend(secret_of(&mut self.webhook));
        found
    }

    fn check(&self) -> Result<(), SettingsError> {
        check_port_range(self.port_range, self.bind)?;
        check_allow(&self.allow)?;
        check_ttl(self.ttl)?;
        check_places("max_connections", self.max_connections, PLACES_MAX)?;
        check_places(
            "max_connections_per_address",
            self.max_connections_per_address,
            PLACES_MAX,
        )?;
        self.webhook
            .as_ref()
            .map_or(Ok(()), WebhookSettings::check)?;
        self.written_passphrases().check()?;
        check_latency(Some(self.latency))
    }
}

fn limits(total: u32, per_address: u32) -> Places {
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    Places {
        total: count(total),
        per_address: count(per_address),
    }
}

fn check_port_range(range: Option<PortRange>, bind: SocketAddr) -> Result<(), SettingsError> {
    match range {
        Some(range) if range.ports().contains(&bind.port()) => {
            let message = format!("the range {range} contains the port of `bind`");
            Err(SettingsError::new("port_range", message)
                .advise("leave that one out: it is for streams with a stream ID"))
        }
        _ => Ok(()),
    }
}

pub(super) fn check_latency(latency: Option<Span>) -> Result<(), SettingsError> {
    match latency {
        Some(latency) if latency > LATENCY_MAX => {
            let message = format!("a latency of {latency} is more than the {LATENCY_MAX} allowed");
            Err(SettingsError::new("latency", message)
                .advise("four times the round-trip time is enough on almost every path"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_refused_by_name() {
        let text = r#"{ "bind": "0.0.0.0:9000", "latancy": "200ms" }"#;
        let error = serde_json::from_str::<ListenerSettings>(text).unwrap_err();
        assert!(error.to_string().contains("latancy"), "{error}");
    }

    #[test]
    fn defaults_fill_what_is_not_written() {
        let settings: ListenerSettings =
            serde_json::from_str(r#"{ "bind": "[::]:9000", "latency": "1s" }"#).unwrap();
        assert_eq!(settings.latency, Span::from_secs(1));
        assert!(!settings.reject_detail);
        assert!(settings.srtla);
        assert!(settings.check().is_ok());
    }

    #[test]
    fn limits_are_settings_and_out_of_range_they_are_refused_by_name() {
        let check = |field: &str, count: u32| {
            let text = format!(r#"{{ "bind": "[::]:9000", "{field}": {count} }}"#);
            let settings: ListenerSettings = serde_json::from_str(&text).unwrap();
            settings.check().map_err(|error| error.field)
        };
        for field in ["max_connections", "max_connections_per_address"] {
            assert_eq!(check(field, 1), Ok(()));
            assert_eq!(check(field, 20_000), Ok(()));
            assert_eq!(check(field, 0), Err(field));
            assert_eq!(check(field, 20_001), Err(field));
        }
    }

    #[test]
    fn a_range_of_ports_lies_beside_the_listeners_own() {
        let parse = |bind: &str| {
            let text = format!(r#"{{ "bind": "{bind}", "port_range": "9100-9149" }}"#);
            serde_json::from_str::<ListenerSettings>(&text).unwrap()
        };
        let settings = parse("[::]:9000");
        assert!(settings.check().is_ok());
        assert_eq!(settings.at_port(9107).bind, "[::]:9107".parse().unwrap());
        assert_eq!(
            parse("0.0.0.0:9149").check().unwrap_err().field,
            "port_range"
        );
    }

    #[test]
    fn a_latency_that_would_eat_memory_is_refused() {
        let mut settings = ListenerSettings::new(SocketAddr::from(([0, 0, 0, 0], 0)));
        settings.latency = Span::from_secs(60);
        assert_eq!(settings.check().unwrap_err().field, "latency");
    }
}
