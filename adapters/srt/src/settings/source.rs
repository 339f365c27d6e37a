use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::{Cidr, SecretRef, Settings, SettingsError, Span, check_allow};

use super::access::check_only_for_callers;
use super::cipher::Cipher;
use super::filter::{FilterChoice, check_filter};
use super::listener::check_latency;
use super::passphrases::{self, Labelled, Users, WrittenPassphrases};
use super::uri::{CallUri, take_passphrase};
use super::webhook::secret_of;
use super::{KeyBytes, SecondPublisher, SocketSettings, Way, WebhookSettings, check_way};

/// A feed that arrives by SRT: a publisher on a listener, or a call that pulls it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, try_from = "Written")]
#[schemars(!try_from)]
pub struct SourceSettings {
    /// The listener the publisher calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listener: Option<String>,
    /// The stream ID the publisher names, plain or as `#!::r=…,m=publish`.
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
    /// Call this address instead: `srt://host:port?streamid=…&latency=…` (milliseconds).
    /// With `mode=rendezvous` the other side calls as well, from that port to the same one here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<CallUri>,
    /// 10 to 79 characters; with it, unencrypted and wrongly encrypted senders are refused.
    /// Without one it is the listener's, if that has one.
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
    /// Receive latency; the other side may ask for more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Span>,
    /// Key length of a call; a publisher chooses its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pbkeylen: Option<KeyBytes>,
    /// Forward error correction, like `fec,cols:10,rows:5`; the other side has to agree. `none`
    /// refuses callers that want one; nothing at all lets them have theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packet_filter: Option<FilterChoice>,
    /// The cipher mode a publisher must have, or a call uses. Without it the listener's.
    #[serde(default, skip_serializing_if = "Cipher::is_auto")]
    pub(crate) cipher: Cipher,
    /// What happens to a second publisher while the first one sends: it is refused, takes over,
    /// or stands by.
    #[serde(default, skip_serializing_if = "SecondPublisher::is_default")]
    pub second_publisher: SecondPublisher,
    /// Only callers from these addresses and networks may come in; without it everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<Cidr>,
    /// Who decides about callers that have the right passphrase, instead of the listener's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookSettings>,
}

/// As it is written; a passphrase in the address then moves to its own field, so that no
/// secret is ever part of an address that is shown.
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
    passphrase: Option<SecretRef>,
    #[serde(default)]
    passphrases: Labelled,
    #[serde(default)]
    users: Users,
    latency: Option<Span>,
    pbkeylen: Option<KeyBytes>,
    packet_filter: Option<FilterChoice>,
    #[serde(default)]
    cipher: Cipher,
    #[serde(default)]
    second_publisher: SecondPublisher,
    #[serde(default)]
    allow: Vec<Cidr>,
    webhook: Option<WebhookSettings>,
}

impl TryFrom<Written> for SourceSettings {
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
            passphrase,
            passphrases: written.passphrases,
            users: written.users,
            latency: written.latency,
            pbkeylen: written.pbkeylen,
            packet_filter: written.packet_filter,
            cipher: written.cipher,
            second_publisher: written.second_publisher,
            allow: written.allow,
            webhook: written.webhook,
        })
    }
}

impl Settings for SourceSettings {
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

    fn check(&self) -> Result<(), SettingsError> {
        check_way(&Way {
            listener: self.listener.as_deref(),
            stream_id: self.stream_id.as_deref(),
            port: self.port,
            bind: self.bind,
            call: self.call.as_ref(),
        })?;
        self.socket().check(self.bind)?;
        self.written_passphrases().check()?;
        if self.call.is_some() {
            self.written_passphrases().check_call()?;
        }
        self.check_callers()?;
        check_filter(self.call.as_ref(), self.packet_filter)?;
        check_latency(self.latency)
    }
}

impl SourceSettings {
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

    fn check_callers(&self) -> Result<(), SettingsError> {
        let set = [
            ("second_publisher", !self.second_publisher.is_default()),
            ("allow", !self.allow.is_empty()),
            ("webhook", self.webhook.is_some()),
        ];
        check_only_for_callers(self.call.is_some(), &set)?;
        check_allow(&self.allow)?;
        self.webhook.as_ref().map_or(Ok(()), WebhookSettings::check)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> SourceSettings {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_passphrase_in_the_address_moves_to_its_field_and_is_not_shown() {
        let text = r#"{ "call": "srt://192.0.2.1:7001?streamid=a&passphrase=correct-horse" }"#;
        let mut settings = parse(text);
        assert_eq!(settings.secrets()[0].0, "passphrase");
        assert!(settings.check().is_ok());
        let shown = serde_json::to_string(&settings).unwrap();
        assert!(!shown.contains("horse"), "{shown}");
        assert!(!format!("{settings:?}").contains("horse"));
        let SecretRef::Literal(secret) = settings.passphrase.unwrap() else {
            panic!()
        };
        assert_eq!(secret.expose(), "correct-horse");
    }

    #[test]
    fn what_is_shown_can_be_written_back() {
        let text = r#"{"listener":"ingest","stream_id":"live/a","passphrase":{"secret":"a"},"latency":"300ms"}"#;
        assert_eq!(serde_json::to_string(&parse(text)).unwrap(), text);
    }

    #[test]
    fn it_waits_or_calls_and_never_both_or_neither() {
        let field = |text| parse(text).check().unwrap_err().field;
        assert_eq!(field("{}"), "listener");
        assert_eq!(
            field(r#"{"listener":"a","stream_id":"b","call":"srt://h:1"}"#),
            "call"
        );
        assert_eq!(field(r#"{"listener":"a"}"#), "stream_id");
        assert_eq!(
            field(r##"{"listener":"a","stream_id":"#!::r=x"}"##),
            "stream_id"
        );
        assert_eq!(
            field(r#"{"listener":"a","stream_id":"live%2Fx"}"#),
            "stream_id"
        );
        assert_eq!(
            field(r#"{"stream_id":"b","call":"srt://h:1"}"#),
            "stream_id"
        );
    }

    #[test]
    fn a_second_publisher_is_refused_unless_something_else_is_written() {
        let source = parse(r#"{"listener":"a","stream_id":"b"}"#);
        assert_eq!(source.second_publisher, SecondPublisher::Reject);
        let text = r#"{"listener":"a","stream_id":"b","second_publisher":"stand_by"}"#;
        assert_eq!(serde_json::to_string(&parse(text)).unwrap(), text);
        let call = parse(r#"{"call":"srt://h:1","second_publisher":"take_over"}"#);
        assert_eq!(call.check().unwrap_err().field, "second_publisher");
        let call = parse(r#"{"call":"srt://h:1","allow":["192.0.2.0/24"]}"#);
        assert_eq!(call.check().unwrap_err().field, "allow");
    }

    #[test]
    fn a_port_of_its_own_stands_alone() {
        let own = parse(r#"{"bind":"0.0.0.0:9101"}"#);
        assert!(own.check().is_ok());
        assert_eq!(own.mode(), Some("listener"));
        let field = |text| parse(text).check().unwrap_err().field;
        assert_eq!(field(r#"{"bind":"0.0.0.0:0"}"#), "bind");
        assert_eq!(
            field(r#"{"bind":"0.0.0.0:9101","stream_id":"a"}"#),
            "stream_id"
        );
        assert_eq!(
            field(r#"{"bind":"0.0.0.0:9101","listener":"a","stream_id":"a"}"#),
            "bind"
        );
        assert_eq!(
            field(r#"{"bind":"0.0.0.0:9101","call":"srt://h:1"}"#),
            "call"
        );
    }

    #[test]
    fn what_is_set_on_a_socket_is_set_where_the_socket_is() {
        let field = |text: &str| parse(text).check().map_err(|error| error.field);
        let own = |rest| field(&format!(r#"{{"bind":"0.0.0.0:9101",{rest}}}"#));
        assert_eq!(own(r#""interface":"eth1","tos":136,"ttl":32"#), Ok(()));
        assert_eq!(own(r#""ttl":0"#), Err("ttl"));
        let ranged = r#"{"listener":"a","port":9107,"tos":136}"#;
        assert_eq!(field(ranged), Err("tos"));
        let listed = r#"{"listener":"a","stream_id":"b","ttl":3}"#;
        assert_eq!(field(listed), Err("ttl"));
        let call = r#"{"call":"srt://h:1","interface":"eth1"}"#;
        assert_eq!(field(call), Err("interface"));
        let text = r#"{"bind":"0.0.0.0:9101","interface":"eth1","tos":136,"ttl":32}"#;
        assert_eq!(serde_json::to_string(&parse(text)).unwrap(), text);
    }

    #[test]
    fn a_port_of_a_listeners_range_stands_in_for_the_stream_id() {
        let source = parse(r#"{"listener":"devices","port":9107}"#);
        assert!(source.check().is_ok());
        let field = |text| parse(text).check().unwrap_err().field;
        assert_eq!(field(r#"{"listener":"a","port":0}"#), "port");
        assert_eq!(
            field(r#"{"listener":"a","port":1,"stream_id":"b"}"#),
            "port"
        );
        assert_eq!(field(r#"{"bind":"0.0.0.0:1","port":2}"#), "port");
        assert_eq!(field(r#"{"call":"srt://h:1","port":2}"#), "port");
    }

    #[test]
    fn a_rendezvous_is_a_call_that_is_called_as_well() {
        let call = r#"{"call":"srt://192.0.2.1:9000?mode=rendezvous&port=9000"}"#;
        assert_eq!(parse(call).mode(), Some("rendezvous"));
        assert!(parse(call).check().is_ok());
        assert_eq!(serde_json::to_string(&parse(call)).unwrap(), call);
    }

    #[test]
    fn two_passphrases_are_one_too_many() {
        let text = r#"{"call":"srt://h:1?passphrase=0123456789","passphrase":"9876543210"}"#;
        let error = serde_json::from_str::<SourceSettings>(text).unwrap_err();
        assert!(error.to_string().contains("passphrase"), "{error}");
    }
}
