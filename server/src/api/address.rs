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

/// The same, for the authority part of a URL.
#[must_use]
pub(super) fn url_host(desired: &Desired) -> String {
    let host = host(desired);
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host
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
        "hls" => Some(format!("/hls/{name}/index.m3u8")),
        "record" => Some(format!("recordings/{name}/")),
        "udp" => {
            let settings = serde_json::to_value(shown(output)).ok()?;
            let to = settings.pointer("/udp/to").and_then(Value::as_str)?;
            Some(format!("udp://{to}"))
        }
        _ => on_listener(output, app, desired),
    }
}

/// The port of a listener: the one it is bound to.
#[must_use]
pub(super) fn port(listener: &str, app: &App, desired: &Desired) -> Option<u16> {
    let config = desired.find::<ListenerConfig>(listener)?;
    Some(app.adapters.listener_status(config)?.bound?.port())
}

fn on_listener<T: Item>(item: &T, app: &App, desired: &Desired) -> Option<String> {
    let host = url_host(desired);
    if let Some((kind, own)) = item.port() {
        return Some(format!("{kind}://{host}:{}", own.port()));
    }
    let (kind, listener) = item.listener()?;
    if let Some(own) = item.port_on_listener() {
        return Some(format!("{kind}://{host}:{own}"));
    }
    let port = port(listener, app, desired)?;
    let stream_id = item.stream_id().unwrap_or_default();
    Some(format!(
        "{kind}://{host}:{port}?streamid={}",
        query_encoded(stream_id)
    ))
}

/// Percent-encodes what would end or split a query.
#[must_use]
pub(super) fn query_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~/:,=!".contains(&byte);
        if plain {
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
