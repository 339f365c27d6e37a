//! How the world reaches what is configured here.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::OnceLock;

use serde_json::Value;

use super::App;
use crate::adapters::{Item, ListenerConfig, OutputConfig, SourceConfig};
use crate::state::{Desired, shown};

/// The host to write into addresses: `public_host`, or this machine's own address.
#[must_use]
pub(super) fn host(desired: &Desired) -> String {
    match &desired.document.public_host {
        Some(host) => host.clone(),
        None => own_address().to_string(),
    }
}

/// The host to write into the address of what is open on `ip`: somebody who opens one address
/// of several means that one.
#[must_use]
pub(super) fn host_on(ip: IpAddr, desired: &Desired) -> String {
    match &desired.document.public_host {
        None if !ip.is_unspecified() => ip.to_string(),
        _ => host(desired),
    }
}

/// A host as the authority part of a URL has it.
#[must_use]
pub(super) fn in_url(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

/// Where a sender sends to; nothing for a source that calls.
#[must_use]
pub(super) fn of_source(source: &SourceConfig, app: &App, desired: &Desired) -> Option<String> {
    on_listener(source, app, desired)
}

/// How an output is reached, or where it writes.
#[must_use]
pub(super) fn of_output(output: &OutputConfig, app: &App, desired: &Desired) -> Option<String> {
    let name = &output.name;
    match output.kind() {
        // What is pushed is not served here.
        "hls" if output.mode() == Some("push") => {
            let settings = serde_json::to_value(shown(output)).ok()?;
            let to = settings.pointer("/hls/push/url").and_then(Value::as_str)?;
            Some(to.to_owned())
        }
        "hls" => Some(format!("/hls/{name}/index.m3u8")),
        "record" => Some(format!("recordings/{name}/")),
        kind @ ("udp" | "rtp") => {
            let settings = serde_json::to_value(shown(output)).ok()?;
            let to = settings.pointer(&format!("/{kind}/to"));
            Some(format!("{kind}://{}", to.and_then(Value::as_str)?))
        }
        "rtsp" => for_players(output, app, desired),
        _ => on_listener(output, app, desired),
    }
}

/// Where callers of `item` arrive on this machine: a port of its own, one of its listener's
/// range, or its listener's; nothing if it is not called, or its listener is not open.
#[must_use]
pub(super) fn place<T: Item>(item: &T, app: &App, desired: &Desired) -> Option<SocketAddr> {
    if let Some((_, own)) = item.port() {
        return Some(own);
    }
    let (_, listener) = item.listener()?;
    let config = desired.find::<ListenerConfig>(listener)?;
    let mut bound = app.adapters.listener_status(config)?.bound?;
    if let Some(own) = item.port_on_listener() {
        bound.set_port(own);
    }
    Some(bound)
}

fn on_listener<T: Item>(item: &T, app: &App, desired: &Desired) -> Option<String> {
    let place = place(item, app, desired)?;
    let host = in_url(&host_on(place.ip(), desired));
    let port = place.port();
    let has_own_port = item.port().is_some() || item.port_on_listener().is_some();
    if has_own_port {
        return Some(format!("{}://{host}:{port}", item.kind()));
    }
    if let Some(path) = item.path_on_listener() {
        let listener = desired.find::<ListenerConfig>(item.listener()?.1)?;
        let (kind, s) = (item.kind(), if listener.is_secure() { "s" } else { "" });
        // As it stands: encoders do not decode it.
        let path = path.trim_matches('/');
        return Some(format!("{kind}{s}://{host}:{port}/{path}"));
    }
    let stream_id = query_encoded(item.stream_id().unwrap_or_default());
    Some(format!(
        "{}://{host}:{port}?streamid={stream_id}",
        item.kind()
    ))
}

/// Where RTSP players arrive for an output: on its listener, or on the first that is open.
#[must_use]
pub(super) fn players_place(
    output: &OutputConfig,
    app: &App,
    desired: &Desired,
) -> Option<SocketAddr> {
    if output.listener().is_some() {
        return place(output, app, desired);
    }
    let mut listeners = desired.document.listeners.iter();
    let bound = |listener: &ListenerConfig| app.adapters.listener_status(listener)?.bound;
    listeners
        .by_ref()
        .filter(|listener| listener.kind() == "rtsp")
        .find_map(bound)
}

/// The address of an output for RTSP players.
fn for_players(output: &OutputConfig, app: &App, desired: &Desired) -> Option<String> {
    let place = players_place(output, app, desired)?;
    let host = in_url(&host_on(place.ip(), desired));
    let path = output.stream_id()?;
    Some(format!("rtsp://{host}:{}/{path}", place.port()))
}

/// Percent-encodes what would end or split a query.
#[must_use]
pub(super) fn query_encoded(text: &str) -> String {
    percent_encoded(text, b"-._~/:,=!")
}

/// Percent-encodes all but ASCII's letters and digits, and those that are `plain`.
#[must_use]
pub(super) fn percent_encoded(text: &str, plain: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded += &format!("%{byte:02X}");
        }
    }
    encoded
}

/// The address this machine would use towards the internet. Nothing is sent to find out.
fn own_address() -> IpAddr {
    static OWN: OnceLock<IpAddr> = OnceLock::new();
    *OWN.get_or_init(|| {
        // An address kept for documentation: reached by the default route, if there is one.
        let far = SocketAddr::from(([192, 0, 2, 1], 9));
        let probe = || {
            let socket = UdpSocket::bind(("0.0.0.0", 0))?;
            socket.connect(far)?;
            socket.local_addr()
        };
        probe().map_or(IpAddr::from([127, 0, 0, 1]), |address| address.ip())
    })
}
