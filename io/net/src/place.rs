use crate::error::NetError;
use core::fmt;
use std::net::Ipv6Addr;
use url::Url;

/// Most characters of a host's name (RFC 1035).
const HOST_CHARS_MAX: usize = 253;

/// Schemes that can be called: their port, and whether TLS comes first.
const SCHEMES: [(&str, u16, bool); 6] = [
    ("http", 80, false),
    ("https", 443, true),
    ("rtmp", 1935, false),
    ("rtmps", 443, true),
    ("rtsp", 554, false),
    ("rtsps", 322, true),
];

/// Where to call: a host, a port, and whether TLS is spoken there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    host: String,
    port: u16,
    secure: bool,
}

impl Place {
    /// A name or an address (an IPv6 one with or without brackets), and a port.
    ///
    /// # Errors
    /// When the host cannot be one, or the port is 0.
    pub fn new(host: &str, port: u16, secure: bool) -> Result<Self, NetError> {
        let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        let bare = bare.unwrap_or(host);
        let is_v6 = || bare.parse::<Ipv6Addr>().is_ok();
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || "/?#@[]\\".contains(c);
        let is_host = !bare.is_empty() && bare.len() <= HOST_CHARS_MAX && !bare.contains(is_odd);
        if !is_host || (bare.contains(':') && !is_v6()) {
            return Err(NetError::configuration(
                format!("{bare:?} is no host"),
                "Write a name or an address, like live.example.com or [2001:db8::1]",
            ));
        }
        if port == 0 {
            return Err(NetError::configuration(
                format!("{bare} has port 0, where nobody listens"),
                "Write the port, or leave it out for the usual one",
            ));
        }
        Ok(Self {
            host: bare.to_ascii_lowercase(),
            port,
            secure,
        })
    }

    /// Where a URL leads; the usual port of its scheme where it has none.
    ///
    /// # Errors
    /// When it has no host, or a scheme that is not called.
    pub fn of(url: &Url) -> Result<Self, NetError> {
        let known = SCHEMES.iter().find(|(name, ..)| *name == url.scheme());
        let Some((_, usual, secure)) = known else {
            return Err(NetError::configuration(
                format!("{}:// is not called", url.scheme()),
                "Use http, https, rtmp, rtmps, rtsp or rtsps",
            ));
        };
        let port = url.port().unwrap_or(*usual);
        Self::new(url.host_str().unwrap_or_default(), port, *secure)
    }

    /// The name or address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether TLS is spoken there.
    #[must_use]
    pub const fn secure(&self) -> bool {
        self.secure
    }
}

/// `host:port`, as it stands in a URL.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Result<(String, bool), NetError> {
        let place = Place::of(&url.parse().expect("a url"))?;
        Ok((place.to_string(), place.secure()))
    }

    #[test]
    fn a_url_leads_to_the_usual_port_of_its_scheme_or_to_its_own() {
        for (url, at, secure) in [
            ("http://Live.Example/x", "live.example:80", false),
            ("https://live.example/x", "live.example:443", true),
            ("https://live.example:8443/x", "live.example:8443", true),
            ("rtmp://live.example/app", "live.example:1935", false),
            ("rtmps://live.example/app", "live.example:443", true),
            ("rtsp://[2001:db8::1]:8554/cam", "[2001:db8::1]:8554", false),
            // However an address is written, it is one address.
            ("http://2130706433/", "127.0.0.1:80", false),
        ] {
            assert_eq!(of(url), Ok((at.to_owned(), secure)), "{url}");
        }
    }

    #[test]
    fn what_cannot_be_called_is_said() {
        for url in ["file:///etc/passwd", "gopher://x/", "rtmp://host:0/app"] {
            assert!(of(url).is_err(), "{url}");
        }
        for host in ["", "a b", "a/b", "a:b", "user@host", &"x".repeat(300)] {
            assert!(Place::new(host, 1, false).is_err(), "{host}");
        }
    }
}
