//! What listeners, sources and outputs are told.

mod access;
mod bonding;
mod cipher;
mod filter;
mod listener;
mod output;
mod passphrase;
mod passphrases;
mod percent;
mod port_range;
mod repeats;
mod second_publisher;
mod socket;
mod source;
mod uri;
mod uri_options;
mod web_address;
mod webhook;

pub(crate) use bonding::Bonding;
pub use filter::FilterChoice;
pub use listener::ListenerSettings;
pub use output::OutputSettings;
pub(crate) use passphrase::{KeyBytes, check_passphrase, resolve};
pub(crate) use percent::percent_decoded;
pub use percent::percent_decoded_text;
pub use port_range::{PORT_RANGE_MAX, PortRange};
pub(crate) use repeats::Repeats;
pub use second_publisher::SecondPublisher;
pub(crate) use socket::SocketSettings;
pub use source::SourceSettings;
pub use uri::{CallUri, UriError};
pub(crate) use uri_options::CallMode;
pub(crate) use webhook::TIMEOUT_MAX as WEBHOOK_TIMEOUT_MAX;
pub use webhook::WebhookSettings;

use std::net::SocketAddr;

use tidegate_engine::{SecretRef, SettingsError};
use tidegate_srt::StreamId;

/// Longest stream ID that SRT carries.
const STREAM_ID_BYTES_MAX: usize = 512;

/// How a source or an output meets the other side.
struct Way<'a> {
    listener: Option<&'a str>,
    stream_id: Option<&'a str>,
    port: Option<u16>,
    bind: Option<SocketAddr>,
    call: Option<&'a CallUri>,
}

/// What sources and outputs must have right about being on a listener or a port of their own,
/// or calling.
fn check_way(way: &Way<'_>) -> Result<(), SettingsError> {
    let set = [
        ("listener", way.listener.is_some()),
        ("bind", way.bind.is_some()),
        ("call", way.call.is_some()),
    ];
    let set: Vec<_> = set
        .iter()
        .filter(|(_, set)| *set)
        .map(|(f, _)| *f)
        .collect();
    if let (Some(_), None) = (way.port, way.listener) {
        let message = "`port` is one of a listener's range";
        return Err(SettingsError::new("port", message)
            .advise("name the listener, or write the port with its address as `bind`"));
    }
    match *set {
        [] => Err(SettingsError::new(
            "listener",
            "neither `listener` nor `bind` nor `call` is set",
        )
        .advise(
            "name a listener to wait on, give it a port of its own like `bind: \"0.0.0.0:9101\"`, \
             or write `call: \"srt://host:port\"`",
        )),
        ["listener"] if way.port.is_some() => check_port(way),
        ["listener"] => check_stream_id(way.stream_id),
        ["bind"] => check_own_port(way),
        ["call"] if way.stream_id.is_some() => Err(SettingsError::new(
            "stream_id",
            "a call has its stream ID in the address",
        )
        .advise("write `call: \"srt://host:port?streamid=…\"`")),
        ["call"] => Ok(()),
        [one, other, ..] => Err(SettingsError::new(
            other,
            format!("both `{one}` and `{other}` are set"),
        )
        .advise(
            "keep `listener` to wait beside others, `bind` to wait on a port of its own, or \
             `call` to call the other side",
        )),
        [_] => Ok(()),
    }
}

fn check_port(way: &Way<'_>) -> Result<(), SettingsError> {
    match (way.port, way.stream_id) {
        (Some(0), _) => Err(SettingsError::new("port", "there is no port 0")
            .advise("choose one of the listener's `port_range`")),
        (_, Some(_)) => Err(SettingsError::new(
            "port",
            "both `stream_id` and `port` are set; a stream on a port of its own is the only one \
             there, whatever callers name",
        )
        .advise("keep one of them")),
        _ => Ok(()),
    }
}

fn check_own_port(way: &Way<'_>) -> Result<(), SettingsError> {
    if way.stream_id.is_some() {
        return Err(SettingsError::new(
            "stream_id",
            "a stream on a port of its own is the only one there, whatever callers name",
        )
        .advise("leave it out, or put the stream on a listener"));
    }
    match way.bind {
        Some(bind) if bind.port() == 0 => Err(SettingsError::new(
            "bind",
            "with port 0 nobody would know where to call",
        )
        .advise("choose a port, like `0.0.0.0:9101`")),
        _ => Ok(()),
    }
}

fn check_stream_id(stream_id: Option<&str>) -> Result<(), SettingsError> {
    let error = |message: &str| SettingsError::new("stream_id", message);
    match stream_id {
        None | Some("") => Err(error("a stream on a listener needs a stream ID")
            .advise("choose one, like `stream_id: live/cam1`; callers ask for it by that name")),
        Some(id) if id.starts_with("#!:") => Err(error(
            "this is the form callers may write; here stands the bare name",
        )
        .advise("write what follows `r=`; callers may use either form")),
        // Two that differ only so would collide when the second one starts.
        Some(id) if StreamId::from(id).names().count() > 1 => Err(error(
            "this is percent-encoded, as callers may write it; here stands the bare name",
        )
        .advise("write it decoded; callers may use either form")),
        Some(id) if id.len() > STREAM_ID_BYTES_MAX => {
            Err(error("it is longer than the 512 bytes SRT carries"))
        }
        Some(id) if id.chars().any(char::is_control) => {
            Err(error("it contains a control character"))
        }
        Some(_) => Ok(()),
    }
}

fn check_secret(passphrase: Option<&SecretRef>) -> Result<(), SettingsError> {
    match passphrase {
        Some(SecretRef::Literal(secret)) => check_passphrase(secret),
        // A name is looked up, and checked, when the driver is made.
        Some(SecretRef::Named(_) | SecretRef::Unchanged) | None => Ok(()),
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn is_false(value: &bool) -> bool {
    !*value
}
