use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::{Cidr, SecretRef, Settings, SettingsError, Span, check_allow, check_places};

use super::access::{PLACES_MAX, check_only_for_callers};
use super::bonding::Bonding;
use super::cipher::{Cipher, KeyChange};
use super::filter::{FilterChoice, check_filter};
use super::listener::check_latency;
use super::passphrases::{self, Labelled, Users, WrittenPassphrases};
use super::uri::{CallUri, take_passphrase};
use super::webhook::secret_of;
use super::{KeyBytes, Repeats, SocketSettings, Way, WebhookSettings, check_way, is_false};

/// Readers of an output that does not say.
const DEFAULT_READERS: u32 = 1000;

/// A feed that leaves by SRT: to readers on a listener, or pushed by a call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, try_from = "Written")]
#[schemars(!try_from)]
pub struct OutputSettings {
    /// The listener readers call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listener: Option<String>,
    /// The stream ID readers ask for, plain or as `#!::r=…,m=request`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_id: Option<String>,
    /// Instead of a stream ID: one of the ports in the listener's `port_range`, for this stream
    /// alone, whatever stream ID the caller names, or none. For devices that know none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Instead of a listener and a stream ID: a local address and port for this stream alone,
    /// like `0.0.0.0:9101`, whatever stream ID the caller names, or none. For devices that know
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub bind: Option<SocketAddr>,
    /// With `bind`: this network interface only, by name. Needs the right `CAP_NET_RAW` on Linux
    /// before 5.7.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// With `bind`: type-of-service byte (IPv6: traffic class) of what is sent, DSCP in its upper
    /// six bits: 136 is AF41.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos: Option<u8>,
    /// With `bind`: time to live (IPv6: hop limit) of what is sent; the system's, usually 64,
    /// without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u8>,
    /// Push to this address instead: `srt://host:port?streamid=…&latency=…` (milliseconds).
    /// With `mode=rendezvous` the other side calls as well, from that port to the same one here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<CallUri>,
    /// The call is made over several networks at once; the far side must take bonding groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bonding: Option<Bonding>,
    /// 10 to 79 characters; readers need it. Without one it is the listener's.
    #[serde(skip_serializing_if = "Option::is_none")]
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
    /// Anybody who reaches the listener may read. Without it an output needs a passphrase, its
    /// own or the listener's.
    #[serde(default, skip_serializing_if = "is_false")]
    pub open: bool,
    /// The receivers' latency, at least; they may ask for more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Span>,
    /// Pass packets on as soon as they are in order, with the sender's own timing, instead of
    /// holding them for the source's latency. The receivers' latency must then cover the way to
    /// this server as well.
    #[serde(default, skip_serializing_if = "is_false")]
    pub low_delay: bool,
    /// Key length of a call; a reader chooses its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pbkeylen: Option<KeyBytes>,
    /// Only callers from these addresses and networks may come in; without it everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<Cidr>,
    /// Who decides about callers that have the right passphrase, instead of the listener's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookSettings>,
    /// Readers at a time; 1000 without it.
    #[schemars(range(min = 1, max = PLACES_MAX))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_readers: Option<u32>,
    /// Forward error correction, like `fec,cols:10,rows:5`; the other side has to agree. `none`
    /// refuses callers that want one; nothing at all lets them have theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packet_filter: Option<FilterChoice>,
    /// The cipher mode readers must have, or a call uses. Without it the listener's.
    #[serde(default, skip_serializing_if = "Cipher::is_auto")]
    pub(crate) cipher: Cipher,
    /// When the key is changed that packets are sent with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_refresh: Option<KeyChange>,
    /// What sending lost packets again may cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) repeats: Option<Repeats>,
}

/// As it is written; see [`super::SourceSettings`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    listener: Option<String>,
    stream_id: Option<String>,
    port: Option<u16>,
    bind: Option<SocketAddr>,
    interface: Option<String>,
    tos: Option<u8>,
    ttl: Option<u8>,
    call: Option<CallUri>,
    bonding: Option<Bonding>,
    passphrase: Option<SecretRef>,
    #[serde(default)]
    passphrases: Labelled,
    #[serde(default)]
    users: Users,
    #[serde(default)]
    open: bool,
    latency: Option<Span>,
    #[serde(default)]
    low_delay: bool,
    pbkeylen: Option<KeyBytes>,
    #[serde(default)]
    cipher: Cipher,
    key_refresh: Option<KeyChange>,
    #[serde(default)]
    allow: Vec<Cidr>,
    webhook: Option<WebhookSettings>,
    max_readers: Option<u32>,
    packet_filter: Option<FilterChoice>,
    repeats: Option<Repeats>,
}

impl TryFrom<Written> for OutputSettings {
    type Error = String;

    fn try_from(mut written: Written) -> Result<Self, String> {
        let passphrase = take_passphrase(written.call.as_mut(), written.passphrase)?;
        Ok(Self {
            listener: written.listener,
            stream_id: written.stream_id,
            port: written.port,
            bind: written.bind,
            interface: written.interface,
            tos: written.tos,
            ttl: written.ttl,
            call: written.call,
            bonding: written.bonding,
            passphrase,
            passphrases: written.passphrases,
            users: written.users,
            open: written.open,
            latency: written.latency,
            low_delay: written.low_delay,
            pbkeylen: written.pbkeylen,
            allow: written.allow,
            webhook: written.webhook,
            max_readers: written.max_readers,
            packet_filter: written.packet_filter,
            cipher: written.cipher,
            key_refresh: written.key_refresh,
            repeats: written.repeats,
        })
    }
}

impl Settings for OutputSettings {
    fn secrets(&mut self) -> Vec<(Cow<'static, str>, &mut SecretRef)> {
        let mut found =
            passphrases::secrets(&mut self.passphrase, &mut self.passphrases, &mut self.users);
        found.extend(secret_of(&mut self.webhook));
        found
    }

    fn mode(&self) -> Option<&'static str> {
        Some(
            self.call
                .as_ref()
                .map_or("listener", |call| call.mode().name()),
        )
    }

    fn listener(&self) -> Option<&str> {
        self.listener.as_deref()
    }

    fn stream_id(&self) -> Option<&str> {
        self.stream_id.as_deref()
    }

    fn port(&self) -> Option<SocketAddr> {
        self.bind
    }

    fn port_on_listener(&self) -> Option<u16> {
        self.port
    }

    fn without_listeners_secret(&self) -> Option<SettingsError> {
        let is_closed =
            self.listener.is_some() && !self.open && self.written_passphrases().is_empty();
        let message = "an output on a listener without a passphrase needs one of its own";
        is_closed.then(|| {
            SettingsError::new("passphrase", message)
                .advise("set one, or write `open: true` to let anybody read")
        })
    }

    fn check(&self) -> Result<(), SettingsError> {
        check_way(&Way {
            listener: self.listener.as_deref(),
            stream_id: self.stream_id.as_deref(),
            port: self.port,
            bind: self.bind,
            call: self.call.as_ref(),
        })?;
        self.socket().check(self.bind)?;
        self.check_access()?;
        self.check_callers()?;
        check_filter(self.call.as_ref(), self.packet_filter)?;
        if let Some(bonding) = &self.bonding {
            bonding.check(self.call.as_ref(), self.packet_filter)?;
        }
        self.written_passphrases().check()?;
        if self.call.is_some() {
            self.written_passphrases().check_call()?;
        }
        self.key_refresh.map_or(Ok(()), |change| change.check())?;
        self.repeats.map_or(Ok(()), Repeats::check)?;
        check_latency(self.latency)
    }
}

impl OutputSettings {
    /// Readers at a time.
    pub(crate) fn readers_max(&self) -> usize {
        let max = self.max_readers.unwrap_or(DEFAULT_READERS);
        usize::try_from(max).unwrap_or(usize::MAX)
    }

    fn check_callers(&self) -> Result<(), SettingsError> {
        let set = [
            ("allow", !self.allow.is_empty()),
            ("webhook", self.webhook.is_some()),
            ("max_readers", self.max_readers.is_some()),
        ];
        check_only_for_callers(self.call.is_some(), &set)?;
        check_allow(&self.allow)?;
        let readers = self.max_readers.unwrap_or(DEFAULT_READERS);
        check_places("max_readers", readers, PLACES_MAX)?;
        self.webhook.as_ref().map_or(Ok(()), WebhookSettings::check)
    }

    /// What is set on the socket of its own port.
    pub(crate) fn socket(&self) -> SocketSettings {
        SocketSettings {
            interface: self.interface.clone(),
            tos: self.tos,
            ttl: self.ttl,
        }
    }

    pub(crate) const fn written_passphrases(&self) -> WrittenPassphrases<'_> {
        WrittenPassphrases {
            passphrase: self.passphrase.as_ref(),
            passphrases: &self.passphrases,
            users: &self.users,
        }
    }

    /// Open reading is written explicitly.
    fn check_access(&self) -> Result<(), SettingsError> {
        let error = |message| Err(SettingsError::new("open", message));
        let has_none = self.written_passphrases().is_empty();
        if self.bind.is_some() && has_none && !self.open {
            let message = "an output on a port of its own needs a passphrase";
            return Err(SettingsError::new("passphrase", message)
                .advise("set one, or write `open: true` to let anybody read"));
        }
        match (self.call.is_none(), !has_none, self.open) {
            (true, true, true) => error("`open: true` and a passphrase contradict each other"),
            (false, _, true) => error("`open` is for outputs that readers call"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), &'static str> {
        let settings: OutputSettings = serde_json::from_str(text).unwrap();
        settings.check().map_err(|error| error.field)?;
        let lacking = settings.without_listeners_secret();
        lacking.map_or(Ok(()), |error| Err(error.field))
    }

    #[test]
    fn open_reading_is_written_explicitly() {
        let on = |rest: &str| check(&format!(r#"{{"listener":"a","stream_id":"b"{rest}}}"#));
        assert_eq!(on(""), Err("passphrase"));
        assert_eq!(on(r#","open":true"#), Ok(()));
        assert_eq!(on(r#","passphrase":{"secret":"partner"}"#), Ok(()));
        assert_eq!(
            on(r#","passphrase":{"secret":"partner"},"open":true"#),
            Err("open")
        );
        assert_eq!(check(r#"{"call":"srt://h:1","open":true}"#), Err("open"));
    }

    #[test]
    fn a_short_passphrase_is_refused_when_configured() {
        let text = r#"{"listener":"a","stream_id":"b","passphrase":"short"}"#;
        assert_eq!(check(text), Err("passphrase"));
    }
}
