//! Addresses as people write them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tidegate_engine::SettingsError;

/// Host and port of where an output sends to, apart.
pub(crate) fn target(to: &str) -> Result<(&str, u16), SettingsError> {
    let wrong = |what: &str| {
        SettingsError::new("to", format!("{to:?} {what}"))
            .advise("Write an address and a port, like \"239.1.2.3:5000\" or \"[::1]:5000\".")
    };
    let (host, port) = to.rsplit_once(':').ok_or_else(|| wrong("has no port"))?;
    let port = port
        .parse::<u16>()
        .map_err(|_| wrong("has no port that is a number"))?;
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let host = match bare {
        Some(address) => address,
        None if host.contains(':') => return Err(wrong("needs brackets around its address")),
        None => host,
    };
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Err(wrong("has no host"));
    }
    if port == 0 {
        return Err(wrong("has port 0, where nobody listens"));
    }
    Ok((host, port))
}

/// Where a source receives: `239.1.2.3:5000`, `192.0.2.1:5000`, or `:5000` for every address.
pub(super) fn local(from: &str) -> Result<SocketAddr, SettingsError> {
    let wrong = |what: &str| {
        SettingsError::new("from", format!("{from:?} {what}")).advise(
            "Write a multicast group and port, like \"239.1.2.3:5000\", or an address of this \
             machine and a port, or just the port: \":5000\".",
        )
    };
    let address = match from.strip_prefix(':') {
        Some(port) => port
            .parse()
            .map(|port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))),
        None => return from.parse().map_err(|_| wrong("is no address and port")),
    };
    address.map_err(|_| wrong("has no port that is a number"))
}

/// The one sender a source hears.
pub(super) fn sender(
    source: Option<&str>,
    at: SocketAddr,
) -> Result<Option<IpAddr>, SettingsError> {
    let Some(text) = source else {
        return Ok(None);
    };
    let wrong = |what: &str| {
        SettingsError::new("source", format!("{text:?} {what}"))
            .advise("Write the sender's address, like \"192.0.2.7\", or leave it out.")
    };
    let sender = text
        .parse::<IpAddr>()
        .map_err(|_| wrong("is no IP address"))?;
    if sender.is_ipv4() != at.is_ipv4() {
        return Err(wrong("is of another family of addresses than \"from\""));
    }
    if sender.is_multicast() || sender.is_unspecified() {
        return Err(wrong("is nobody's own address"));
    }
    Ok(Some(sender))
}
