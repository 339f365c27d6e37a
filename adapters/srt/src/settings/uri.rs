//! `srt://host:port?option=value&…`, as `srt-live-transmit` takes it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::{REDACTED, Secret, SecretRef};

use super::KeyBytes;
use super::passphrase::check_passphrase;

/// The address of a call, with its options. Never holds a passphrase for long:
/// it moves to the settings' own field.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct CallUri {
    host: String,
    port: u16,
    /// Options as they were written, the passphrase taken out.
    query: Vec<(String, String)>,
    options: UriOptions,
    passphrase: Option<Secret>,
}

/// What the options of an address ask for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct UriOptions {
    pub(crate) stream_id: Option<String>,
    pub(crate) latency: Option<Duration>,
    pub(crate) receive_latency: Option<Duration>,
    pub(crate) peer_latency: Option<Duration>,
    pub(crate) key_length: Option<KeyBytes>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) local_address: Option<IpAddr>,
    pub(crate) local_port: Option<u16>,
    pub(crate) max_bandwidth: Option<i64>,
    pub(crate) input_bandwidth: Option<u64>,
    pub(crate) overhead_percent: Option<u8>,
    pub(crate) loss_max_ttl: Option<u32>,
    pub(crate) too_late_drop: Option<bool>,
    pub(crate) nak_report: Option<bool>,
    pub(crate) trace_drift: Option<bool>,
    pub(crate) send_drop_delay: Option<Duration>,
}

/// An address that cannot be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// It is not `srt://host:port`.
    #[error("{0:?} is not an SRT address; write srt://host:port, like srt://198.51.100.7:9000")]
    Form(String),
    /// An option nobody knows.
    #[error("there is no option {option:?}{}", nearest_hint(.nearest.as_deref()))]
    UnknownOption {
        /// As written.
        option: String,
        /// The option that looks most like it.
        nearest: Option<String>,
    },
    /// An option with a value it cannot have.
    #[error("{option}={value}: {wanted}")]
    Value {
        /// The option.
        option: String,
        /// As written.
        value: String,
        /// What it can have.
        wanted: &'static str,
    },
    /// An option that asks for something that is not here.
    #[error("{option}={value} is not supported: {why}")]
    Unsupported {
        /// The option.
        option: String,
        /// As written.
        value: String,
        /// What is possible instead.
        why: &'static str,
    },
}

fn nearest_hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| {
        format!("; did you mean {nearest:?}?")
    })
}

/// Options that are taken and change nothing here: buffers size themselves, and live mode is
/// the only one.
const WITHOUT_EFFECT: [&str; 22] = [
    "adaptive",
    "blocking",
    "fc",
    "groupminstabletimeo",
    "iptos",
    "ipttl",
    "ipv6only",
    "kmpreannounce",
    "kmrefreshrate",
    "linger",
    "maxrexmitbw",
    "mininputbw",
    "minversion",
    "mss",
    "payloadsize",
    "pkt_size",
    "rcvbuf",
    "retransmitalgo",
    "sndbuf",
    "timeout",
    "udp_rcvbuf",
    "udp_sndbuf",
];

/// Options that are understood.
const WITH_EFFECT: [&str; 27] = [
    "adapter",
    "bindtodevice",
    "congestion",
    "conntimeo",
    "cryptomode",
    "drifttracer",
    "enforcedencryption",
    "groupconnect",
    "inputbw",
    "latency",
    "lossmaxttl",
    "maxbw",
    "messageapi",
    "mode",
    "nakreport",
    "oheadbw",
    "packetfilter",
    "passphrase",
    "pbkeylen",
    "peeridletimeo",
    "peerlatency",
    "port",
    "rcvlatency",
    "snddropdelay",
    "streamid",
    "tlpktdrop",
    "transtype",
];

impl CallUri {
    /// The host to call: a name or an address.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port to call.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) const fn options(&self) -> &UriOptions {
        &self.options
    }
}

/// Moves a passphrase out of the address; one in both places is refused.
pub(super) fn take_passphrase(
    call: Option<&mut CallUri>,
    own: Option<SecretRef>,
) -> Result<Option<SecretRef>, String> {
    let Some(inside) = call.and_then(|call| call.passphrase.take()) else {
        return Ok(own);
    };
    if inside.expose() == REDACTED {
        return Ok(own.or(Some(SecretRef::Unchanged)));
    }
    match own {
        None => Ok(Some(SecretRef::Literal(inside))),
        Some(_) => Err(
            "the passphrase is given twice; keep the `passphrase` field and take it \
                        out of the address"
                .into(),
        ),
    }
}

impl FromStr for CallUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        // The text may hold a passphrase: errors show only what comes before the options.
        let (address, query) = text.split_once('?').unwrap_or((text, ""));
        let form = || UriError::Form(address.to_owned());
        let place = address
            .strip_prefix("srt://")
            .ok_or_else(form)?
            .trim_end_matches('/');
        let (host, port) = place.rsplit_once(':').ok_or_else(form)?;
        let port = port
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(form)?;
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        if host.is_empty() || host.contains(['/', '@', ' ', '[', ']']) {
            return Err(form());
        }
        let mut uri = Self {
            host: host.to_owned(),
            port,
            query: Vec::new(),
            options: UriOptions::default(),
            passphrase: None,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (option, value) = pair.split_once('=').unwrap_or((pair, ""));
            uri.take_option(option, &percent_decoded(value))?;
        }
        Ok(uri)
    }
}

impl CallUri {
    fn take_option(&mut self, option: &str, value: &str) -> Result<(), UriError> {
        if option == "passphrase" {
            let secret = Secret::new(value);
            if value != REDACTED {
                check_passphrase(&secret).map_err(|_| UriError::Value {
                    option: option.to_owned(),
                    value: REDACTED.to_owned(),
                    wanted: "a passphrase has 10 to 79 bytes",
                })?;
            }
            self.passphrase = Some(secret);
            return Ok(());
        }
        Reading { option, value }.apply(&mut self.options)?;
        self.query.push((option.to_owned(), value.to_owned()));
        Ok(())
    }
}

/// One option being read.
struct Reading<'a> {
    option: &'a str,
    value: &'a str,
}

impl Reading<'_> {
    fn apply(&self, options: &mut UriOptions) -> Result<(), UriError> {
        match self.option {
            "streamid" => options.stream_id = Some(self.stream_id()?),
            "latency" => options.latency = Some(self.millis()?),
            "rcvlatency" => options.receive_latency = Some(self.millis()?),
            "peerlatency" => options.peer_latency = Some(self.millis()?),
            "pbkeylen" => options.key_length = self.key_length()?,
            "conntimeo" => options.connect_timeout = Some(self.millis()?),
            "peeridletimeo" => options.idle_timeout = Some(self.millis()?),
            "adapter" => options.local_address = Some(self.number("a local IP address")?),
            "port" => options.local_port = Some(self.number("a local port")?),
            "maxbw" => options.max_bandwidth = Some(self.number("bytes per second, 0 or -1")?),
            "inputbw" => options.input_bandwidth = Some(self.number("bytes per second")?),
            "oheadbw" => options.overhead_percent = Some(self.number("5 to 100 percent")?),
            "lossmaxttl" => options.loss_max_ttl = Some(self.number("a number of packets")?),
            "tlpktdrop" => options.too_late_drop = Some(self.flag()?),
            "nakreport" => options.nak_report = Some(self.flag()?),
            "drifttracer" => options.trace_drift = Some(self.flag()?),
            "snddropdelay" => options.send_drop_delay = Some(self.millis()?),
            _ => return self.check_only(),
        }
        Ok(())
    }

    /// Options that must have the one value that is meant anyway.
    fn check_only(&self) -> Result<(), UriError> {
        let only = |fine: &[&str], why| {
            if fine.contains(&self.value) {
                Ok(())
            } else {
                Err(self.unsupported(why))
            }
        };
        let yes = ["1", "true", "yes", "on", ""];
        match self.option {
            "mode" => only(
                &["caller", "client", "default", ""],
                "`call` calls; to be called, put the stream on a `listener`",
            ),
            "transtype" => only(&["live", ""], "only live transmission is"),
            "congestion" => only(&["live", ""], "only live congestion control is"),
            "messageapi" => only(&yes, "only live messages are"),
            "enforcedencryption" => only(&yes, "encryption is always enforced"),
            "cryptomode" => only(&["0", "1", ""], "only AES-CTR is"),
            "packetfilter" => only(&[""], "forward error correction is not there yet"),
            "groupconnect" => only(&["0", ""], "bonding is not there yet"),
            "bindtodevice" => only(&[""], "choose the interface by its address: adapter=…"),
            other if WITHOUT_EFFECT.contains(&other) => Ok(()),
            _ => Err(self.unknown()),
        }
    }

    fn unknown(&self) -> UriError {
        let near = |known: &&&str| strsim::damerau_levenshtein(known, self.option);
        let nearest = WITH_EFFECT.iter().chain(&WITHOUT_EFFECT).min_by_key(near);
        let nearest = nearest
            .filter(|known| near(known) <= 3)
            .map(|known| (*known).to_owned());
        UriError::UnknownOption {
            option: self.option.to_owned(),
            nearest,
        }
    }

    fn stream_id(&self) -> Result<String, UriError> {
        if self.value.len() > super::STREAM_ID_BYTES_MAX {
            return Err(self.wrong("a stream ID has at most 512 bytes"));
        }
        Ok(self.value.to_owned())
    }

    fn millis(&self) -> Result<Duration, UriError> {
        let wanted = "a number of milliseconds (ffmpeg's option counts microseconds, this one \
                      does not), at most 60000";
        let millis: u64 = self.number(wanted)?;
        if millis > 60_000 {
            Err(self.wrong(wanted))
        } else {
            Ok(Duration::from_millis(millis))
        }
    }

    fn key_length(&self) -> Result<Option<KeyBytes>, UriError> {
        let wanted = "16, 24 or 32, the bytes of an AES key";
        match self.number(wanted)? {
            0 => Ok(None),
            bytes => KeyBytes::parse(bytes)
                .map(Some)
                .ok_or_else(|| self.wrong(wanted)),
        }
    }

    fn flag(&self) -> Result<bool, UriError> {
        match self.value {
            "1" | "true" | "yes" | "on" => Ok(true),
            "0" | "false" | "no" | "off" => Ok(false),
            _ => Err(self.wrong("1 or 0")),
        }
    }

    fn number<T: FromStr>(&self, wanted: &'static str) -> Result<T, UriError> {
        self.value.parse().map_err(|_| self.wrong(wanted))
    }

    fn wrong(&self, wanted: &'static str) -> UriError {
        UriError::Value {
            option: self.option.to_owned(),
            value: self.value.to_owned(),
            wanted,
        }
    }

    fn unsupported(&self, why: &'static str) -> UriError {
        UriError::Unsupported {
            option: self.option.to_owned(),
            value: self.value.to_owned(),
            why,
        }
    }
}

/// `%41` as `A`; what is no such code stays as it is.
pub(crate) fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = bytes.get(at + 1..at + 3).filter(|_| byte == b'%');
        let value = code
            .and_then(|code| std::str::from_utf8(code).ok())
            .filter(|code| code.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        decoded.push(value.unwrap_or(byte));
        at += if value.is_some() { 3 } else { 1 };
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

/// What a query cannot hold as it is.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '%' | '+' | ' ' | '"' | '<' | '>' => {
                encoded.push_str(&format!("%{:02X}", u32::from(c)));
            }
            c => encoded.push(c),
        }
    }
    encoded
}

impl fmt::Display for CallUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        if host.contains(':') {
            write!(f, "srt://[{host}]:{port}")?;
        } else {
            write!(f, "srt://{host}:{port}")?;
        }
        for (index, (option, value)) in self.query.iter().enumerate() {
            let mark = if index == 0 { '?' } else { '&' };
            write!(f, "{mark}{option}={}", percent_encoded(value))?;
        }
        Ok(())
    }
}

impl fmt::Debug for CallUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for CallUri {
    type Error = UriError;

    fn try_from(text: String) -> Result<Self, UriError> {
        text.parse()
    }
}

impl From<CallUri> for String {
    fn from(uri: CallUri) -> Self {
        uri.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<CallUri, UriError> {
        text.parse()
    }

    #[test]
    fn the_options_of_srt_live_transmit_are_taken() {
        let uri = parse(
            "srt://srt.example.net:9000?mode=caller&streamid=#!::r=live/a,m=request&latency=250\
             &pbkeylen=32&rcvbuf=1000000&tlpktdrop=0&maxbw=-1&transtype=live&conntimeo=5000",
        )
        .unwrap();
        let options = uri.options();
        assert_eq!((uri.host(), uri.port()), ("srt.example.net", 9000));
        assert_eq!(options.stream_id.as_deref(), Some("#!::r=live/a,m=request"));
        assert_eq!(options.latency, Some(Duration::from_millis(250)));
        assert_eq!(options.too_late_drop, Some(false));
        assert_eq!(options.connect_timeout, Some(Duration::from_secs(5)));
    }

    #[test]
    fn a_misspelt_option_gets_a_suggestion() {
        let error = parse("srt://h:1?latancy=5").unwrap_err();
        assert!(
            error.to_string().contains("did you mean \"latency\""),
            "{error}"
        );
        let error = parse("srt://h:1?colour=blue").unwrap_err();
        assert!(!error.to_string().contains("did you mean"), "{error}");
    }

    #[test]
    fn addresses_come_back_as_they_were_meant() {
        for text in [
            "srt://[2001:db8::1]:9000",
            "srt://h:1?streamid=a%26b%25&latency=20",
        ] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            parse("srt://h:1?streamid=a%26b")
                .unwrap()
                .options()
                .stream_id
                .as_deref(),
            Some("a&b")
        );
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_a_secret() {
        for text in [
            "srt://:9000",
            "udp://h:1",
            "srt://h",
            "srt://h:0",
            "srt://h:x",
            "h:1",
            "",
        ] {
            assert!(matches!(parse(text), Err(UriError::Form(_))), "{text}");
        }
        let error = parse("rtmp://h:1?passphrase=0123456789x")
            .unwrap_err()
            .to_string();
        assert!(!error.contains("0123456789x"), "{error}");
        let error = parse("srt://h:1?passphrase=short").unwrap_err().to_string();
        assert!(!error.contains("short"), "{error}");
    }

    #[test]
    fn options_for_what_is_not_there_say_so() {
        for text in [
            "mode=listener",
            "transtype=file",
            "packetfilter=fec,cols:10",
            "cryptomode=2",
        ] {
            let error = parse(&format!("srt://h:1?{text}")).unwrap_err();
            assert!(matches!(error, UriError::Unsupported { .. }), "{error}");
        }
    }

    #[test]
    fn microseconds_written_for_ffmpeg_are_noticed() {
        assert!(parse("srt://h:1?latency=200000").is_err());
    }
}
