//! `srt://host:port?option=value&…`, as `srt-live-transmit` takes it.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::{REDACTED, Secret, SecretRef};
use tidegate_srt::fec::FilterError;

use super::passphrase::check_passphrase;
use super::percent::{percent_decoded_text, percent_encoded};
use super::uri_options::{CallMode, Reading, UriOptions};

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
    /// Percent codes that make no text.
    #[error("the percent codes in {option:?} or its value are not UTF-8")]
    Encoding {
        /// The option, as written.
        option: String,
    },
    /// A packet filter that cannot be.
    #[error("packetfilter={value}: {error}")]
    Filter {
        /// As written.
        value: String,
        /// What is wrong with it.
        error: FilterError,
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

    pub(crate) const fn mode(&self) -> CallMode {
        self.options.mode
    }

    /// The options as they were written, a passphrase included.
    pub(super) fn options_written(&self) -> impl Iterator<Item = &str> {
        let secret = self.passphrase.is_some().then_some("passphrase");
        self.query
            .iter()
            .map(|(option, _)| option.as_str())
            .chain(secret)
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
            let not_text = || UriError::Encoding {
                option: option.to_owned(),
            };
            let name = percent_decoded_text(option).ok_or_else(not_text)?;
            let value = percent_decoded_text(value).ok_or_else(not_text)?;
            uri.take_option(&name, &value)?;
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
    use std::time::Duration;
    use tidegate_srt::{CipherMode, KeyRefresh};

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
    fn where_a_call_leaves_from_can_be_said_as_other_programs_say_it() {
        let uri =
            parse("srt://h:1?adapter=192.0.2.5&port=9000&bindtodevice=eth1&iptos=0xb8&ipttl=12")
                .unwrap();
        let options = uri.options();
        assert_eq!(options.local_address, Some([192, 0, 2, 5].into()));
        assert_eq!(options.local_port, Some(9000));
        assert_eq!(options.interface.as_deref(), Some("eth1"));
        assert_eq!((options.tos, options.ttl), (Some(0xB8), Some(12)));
        for (bind, address, port) in [
            ("192.0.2.5:9000", true, true),
            ("192.0.2.5", true, false),
            (":9000", false, true),
            ("9000", false, true),
        ] {
            let uri = parse(&format!("srt://h:1?bind={bind}")).unwrap();
            assert_eq!(uri.options().local_address.is_some(), address, "{bind}");
            assert_eq!(uri.options().local_port.is_some(), port, "{bind}");
        }
        for wrong in ["ipttl=0", "iptos=256", "bindtodevice=a/b", "bind=here"] {
            assert!(parse(&format!("srt://h:1?{wrong}")).is_err(), "{wrong}");
        }
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

    /// What srt-live-transmit 1.5.5 sends for these, read off the wire.
    #[test]
    fn percent_codes_are_read_as_srt_live_transmit_reads_them() {
        for (query, stream_id) in [
            ("streamid=a%26b%20c%c3%a4", "a&b cä"),
            ("stream%69d=a", "a"),
            ("streamid=a%2", "a%2"),
            ("streamid=a%", "a%"),
            ("streamid=x%zzy%%41", "x%zzy%A"),
            ("streamid=a+b", "a+b"),
            ("streamid=a=b", "a=b"),
            ("streamid=%2541", "%41"),
            ("streamid=one&streamid=two", "two"),
        ] {
            let uri = parse(&format!("srt://h:1?{query}")).unwrap();
            assert_eq!(uri.options().stream_id.as_deref(), Some(stream_id));
            let again = parse(&uri.to_string()).unwrap();
            assert_eq!(again.options().stream_id.as_deref(), Some(stream_id));
            let uri = parse(&format!("srt://h:1?{query}&pass%70hrase=%3010%25456789"));
            let passphrase = uri.unwrap().passphrase.unwrap();
            assert_eq!(passphrase.expose(), "010%456789");
        }
        for query in ["streamid=%E4", "passphrase=0123456789%E4", "%E4=1"] {
            let error = parse(&format!("srt://h:1?{query}")).unwrap_err();
            assert!(matches!(error, UriError::Encoding { .. }), "{error}");
            assert!(!error.to_string().contains("0123456789"), "{error}");
        }
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
    fn a_packet_filter_is_taken_and_a_wrong_one_explained() {
        let uri = parse("srt://h:1?packetfilter=fec,cols:10,rows:-5,arq:never").unwrap();
        let filter = uri.options().packet_filter.unwrap();
        assert_eq!(filter.to_string(), "fec,cols:10,rows:-5,arq:never");
        let error = parse("srt://h:1?packetfilter=fec,cols:1").unwrap_err();
        assert!(error.to_string().contains("2 to 127"), "{error}");
    }

    #[test]
    fn options_for_what_is_not_there_say_so() {
        for text in ["mode=listener", "transtype=file"] {
            let error = parse(&format!("srt://h:1?{text}")).unwrap_err();
            assert!(matches!(error, UriError::Unsupported { .. }), "{error}");
        }
    }

    #[test]
    fn keys_are_changed_as_libsrt_would() {
        let refresh = |query: &str| {
            parse(&format!("srt://h:1?{query}"))
                .unwrap()
                .options()
                .key_refresh()
        };
        assert_eq!(refresh("kmrefreshrate=0"), KeyRefresh::DEFAULT);
        assert_eq!(refresh("kmrefreshrate=64"), KeyRefresh::new(64, 31));
        let both = "kmrefreshrate=64&kmpreannounce=16";
        assert_eq!(refresh(both), KeyRefresh::new(64, 16));
    }

    #[test]
    fn the_cipher_mode_is_libsrts_number() {
        let cipher = |value| {
            let uri = parse(&format!("srt://h:1?cryptomode={value}")).unwrap();
            uri.options().cipher
        };
        assert_eq!(cipher(0), None);
        assert_eq!(cipher(1), Some(CipherMode::Ctr));
        assert_eq!(cipher(2), Some(CipherMode::Gcm));
        assert!(parse("srt://h:1?cryptomode=3").is_err());
    }

    #[test]
    fn microseconds_written_for_ffmpeg_are_noticed() {
        assert!(parse("srt://h:1?latency=200000").is_err());
    }
}
