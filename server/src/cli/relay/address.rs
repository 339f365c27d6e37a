use std::ffi::OsString;
use std::fmt;

use anyhow::{Context, bail, ensure};
use tidegate_adapter_srt::percent_decoded_text;
use tidegate_engine::Secret;

/// One end of a relay, as srt-live-transmit writes it: `scheme://host:port?option=value`.
pub(super) struct Address {
    pub(super) scheme: Scheme,
    /// Empty: every local address.
    pub(super) host: String,
    pub(super) port: u16,
    /// What follows the question mark, as written.
    pub(super) query: String,
    /// The options in it, decoded.
    options: Vec<(String, String)>,
    /// The passphrase, if it is not among the options.
    pub(super) passphrase: Option<Secret>,
}

/// What an end can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// `srt://`
    Srt,
    /// `udp://`
    Udp,
    /// `file://con`: standard input or output.
    Console,
}

impl Address {
    pub(super) const CONSOLE: Self = Self {
        scheme: Scheme::Console,
        host: String::new(),
        port: 0,
        query: String::new(),
        options: Vec::new(),
        passphrase: None,
    };

    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        // Options may hold a passphrase: errors show only what comes before them.
        let (place, query) = text.split_once('?').unwrap_or((text, ""));
        let wrong = || {
            format!(
                "{place:?} is not an address; write srt://HOST:PORT, srt://:PORT to listen, \
                 udp://HOST:PORT, or file://con for standard input or output"
            )
        };
        let (scheme, rest) = place.split_once("://").with_context(wrong)?;
        let scheme = match scheme {
            "srt" => Scheme::Srt,
            "udp" => Scheme::Udp,
            "file" if rest.trim_end_matches('/') == "con" => {
                return Ok(Self::CONSOLE);
            }
            "file" => bail!(
                "a relay takes no files but file://con; use `tidegate send FILE TO` or \
                 `tidegate receive FROM FILE`"
            ),
            _ => bail!(wrong()),
        };
        let (host, port) = rest
            .trim_end_matches('/')
            .rsplit_once(':')
            .with_context(wrong)?;
        let host = host.trim_start_matches('@');
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        let port: u16 = port.parse().ok().with_context(wrong)?;
        ensure!(port != 0 || scheme == Scheme::Srt, wrong());
        Ok(Self {
            scheme,
            host: host.to_owned(),
            port,
            query: query.to_owned(),
            options: pairs(query).map(decoded).collect::<Result<_, _>>()?,
            passphrase: None,
        })
    }

    /// The same with the passphrase of the environment variable `name`, if that is set.
    pub(super) fn with_passphrase(
        mut self,
        name: &str,
        value: Option<OsString>,
    ) -> anyhow::Result<Self> {
        let Some(value) = value else {
            return Ok(self);
        };
        let value = value.into_string().ok();
        let value = value.with_context(|| format!("{name} is no text"))?;
        ensure!(
            self.scheme == Scheme::Srt,
            "{name} is set, but {self} cannot be encrypted: unset it, or name an srt:// address"
        );
        ensure!(
            self.option("passphrase").is_none(),
            "{self} has a passphrase, and {name} is set as well: keep one of them"
        );
        self.passphrase = Some(Secret::new(value));
        Ok(self)
    }

    /// The value of an option: the last one, as srt-live-transmit has it.
    pub(super) fn option(&self, name: &str) -> Option<&str> {
        let found = self.options.iter().rfind(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn options(&self) -> impl Iterator<Item = (&str, &str)> {
        let options = self.options.iter();
        options.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The query as written, without the options of these names.
    pub(super) fn query_without(&self, names: &[&str]) -> String {
        let named = pairs(&self.query).zip(&self.options);
        let rest = named.filter(|(_, (name, _))| !names.contains(&name.as_str()));
        rest.map(|(pair, _)| pair).collect::<Vec<_>>().join("&")
    }

    /// Host and port, as an address is written.
    pub(super) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

fn pairs(query: &str) -> impl Iterator<Item = &str> {
    query.split('&').filter(|pair| !pair.is_empty())
}

fn decoded(pair: &str) -> anyhow::Result<(String, String)> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let not_text = || format!("the percent codes in {name:?} or its value are not UTF-8");
    let value = percent_decoded_text(value).with_context(not_text)?;
    let name = percent_decoded_text(name).with_context(not_text)?;
    Ok((name, value))
}

/// Without its options, which may hold a passphrase.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scheme {
            Scheme::Srt => write!(f, "srt://{}", self.authority()),
            Scheme::Udp => write!(f, "udp://{}", self.authority()),
            Scheme::Console => f.write_str("file://con"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn addresses_are_read_as_srt_live_transmit_writes_them() {
        let it = parse("srt://:4201?mode=listener&latency=200");
        assert_eq!(
            (it.scheme, it.host.as_str(), it.port),
            (Scheme::Srt, "", 4201)
        );
        assert_eq!(
            it.options().collect::<Vec<_>>(),
            [("mode", "listener"), ("latency", "200")]
        );
        assert_eq!(parse("udp://@239.1.2.3:5000").host, "239.1.2.3");
        assert_eq!(parse("srt://[::1]:9000").authority(), "[::1]:9000");
        assert_eq!(parse("file://con").scheme, Scheme::Console);
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_a_secret() {
        for text in [
            "",
            "x",
            "srt://h",
            "udp://:0",
            "rtmp://h:1",
            "file:///a.ts",
            "srt://h:99999",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
        let refused = Address::parse("srt://h?passphrase=0123456789");
        let error = refused.err().unwrap();
        assert!(!error.to_string().contains("0123456789"), "{error}");
    }

    #[test]
    fn options_are_decoded_and_the_last_of_a_name_holds() {
        let it = parse("srt://:1?pass%70hrase=a%26b%20c%25d&x=1&x=%zz%3&&x%2");
        assert_eq!(it.option("passphrase").unwrap(), "a&b c%d");
        assert_eq!(it.option("x").unwrap(), "%zz%3");
        assert!(it.option("y").is_none());
        assert_eq!(it.query_without(&["passphrase", "x"]), "x%2");
        let error = Address::parse("srt://:1?passphrase=0123456789%E4").err();
        let error = error.unwrap().to_string();
        assert!(
            error.contains("not UTF-8") && !error.contains("0123"),
            "{error}"
        );
    }

    #[test]
    fn a_passphrase_of_the_environment_is_for_srt_and_stands_alone() {
        let with = |text| parse(text).with_passphrase("NAME", Some("0123456789".into()));
        assert_eq!(
            with("srt://h:1").unwrap().passphrase.unwrap().expose(),
            "0123456789"
        );
        assert!(parse("srt://h:1").with_passphrase("NAME", None).is_ok());
        for text in ["udp://h:1", "srt://h:1?passphrase=9876543210"] {
            let error = with(text).err().unwrap().to_string();
            assert!(error.contains("NAME"), "{error}");
            assert!(!error.contains("0123456789"), "{error}");
        }
    }
}
