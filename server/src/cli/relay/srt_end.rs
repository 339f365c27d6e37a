//! An SRT end of a relay: whether it calls or is called, and its settings.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, anyhow, bail, ensure};
use serde_json::{Value, json};
use tidegate_adapter_srt::CallUri;
use tidegate_engine::nearest;

use super::address::{Address, Scheme};
use crate::cli::say_wrong;

/// Options of an SRT address that mean something where we are called.
const LISTENING_OPTIONS: [&str; 10] = [
    "mode",
    "adapter",
    "bind",
    "bindtodevice",
    "groupconnect",
    "iptos",
    "ipttl",
    "passphrase",
    "latency",
    "rcvlatency",
];

/// What an SRT end can do, and srt-live-transmit's other names for it.
const MODES: [&str; 6] = [
    "caller",
    "listener",
    "rendezvous",
    "client",
    "server",
    "default",
];

/// Two ends that are called need a port each.
pub(super) fn refuse_one_port(from: &Address, to: &Address) -> anyhow::Result<()> {
    let called = |end: &Address| end.scheme == Scheme::Srt && is_listener(end);
    if !called(from) || !called(to) {
        return Ok(());
    }
    let (one, two) = (local(from)?, local(to)?);
    // The system gives each another port 0.
    ensure!(
        one != two || one.port() == 0,
        "both ends would listen at {one}; give each a port of its own"
    );
    Ok(())
}

/// The settings of an SRT end.
pub(super) fn srt(address: &Address) -> anyhow::Result<Value> {
    check_mode(address)?;
    let mut settings = if is_listener(address) {
        listening(address)?
    } else {
        calling(address)
    };
    if let Some(passphrase) = &address.passphrase {
        settings["passphrase"] = passphrase.expose().into();
    }
    Ok(settings)
}

/// The settings of an end that calls.
fn calling(address: &Address) -> Value {
    let mut text = format!("srt://{}", address.authority());
    if !address.query.is_empty() {
        text = text + "?" + &address.query;
    }
    json!({ "call": text })
}

/// The settings of an end that is called.
fn listening(address: &Address) -> anyhow::Result<Value> {
    let mut settings = json!({ "bind": local(address)? });
    // The options are checked as those of a call are; what most ask for is the caller's choice.
    // Bonding groups are taken anyway.
    let options = address.query_without(&["mode", "adapter", "groupconnect"]);
    let call = format!("srt://caller:1?{options}");
    let checked = call.parse::<CallUri>();
    checked.map_err(|error| anyhow!("{address}: {error}"))?;
    let ignored: Vec<&str> = address
        .options()
        .map(|(name, _)| name)
        .filter(|name| !LISTENING_OPTIONS.contains(name))
        .collect();
    if !ignored.is_empty() {
        let names = ignored.join(", ");
        say_wrong(&format!(
            "{address}: who calls decides about {names}; it is ignored here"
        ));
    }
    if let Some(passphrase) = address.option("passphrase") {
        settings["passphrase"] = passphrase.into();
    }
    let latency = address
        .option("rcvlatency")
        .or_else(|| address.option("latency"));
    if let Some(latency) = latency {
        settings["latency"] = format!("{latency}ms").into();
    }
    set_socket(&mut settings, address);
    Ok(settings)
}

/// What is set on the socket we are called at; the values have been checked as those of a call.
fn set_socket(settings: &mut Value, address: &Address) {
    let interface = address.option("bindtodevice");
    if let Some(interface) = interface.filter(|name| !name.is_empty()) {
        settings["interface"] = interface.into();
    }
    for (theirs, ours) in [("iptos", "tos"), ("ipttl", "ttl")] {
        if let Some(byte) = address.option(theirs).and_then(byte) {
            settings[ours] = byte.into();
        }
    }
}

/// In decimal or hexadecimal digits.
fn byte(text: &str) -> Option<u8> {
    match text.strip_prefix("0x") {
        Some(digits) => u8::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Where to listen.
fn local(address: &Address) -> anyhow::Result<SocketAddr> {
    let host = local_host(address);
    let host: IpAddr = host.parse().with_context(|| {
        format!("{address}: to listen, name an IP address of this machine, or leave it out")
    })?;
    Ok((host, address.port).into())
}

/// The host of it: `bind` holds before `adapter`, and that before the host.
fn local_host(address: &Address) -> &str {
    let bind = address.option("bind").unwrap_or_default();
    let host = bind.rsplit_once(':').map_or("", |(host, _)| host);
    let bind = if bind.parse::<IpAddr>().is_ok() {
        bind
    } else {
        host.trim_start_matches('[').trim_end_matches(']')
    };
    let adapter = address.option("adapter").unwrap_or_default();
    let named = [bind, adapter, &address.host];
    let first = named.into_iter().find(|host| !host.is_empty());
    first.filter(|host| *host != "*").unwrap_or("0.0.0.0")
}

fn check_mode(address: &Address) -> anyhow::Result<()> {
    let mode = address.option("mode").unwrap_or_default();
    if mode.is_empty() || MODES.contains(&mode) {
        return Ok(());
    }
    match nearest(mode, MODES) {
        Some(nearest) => bail!("{address}: there is no mode {mode:?}; did you mean {nearest:?}?"),
        None => bail!(
            "{address}: there is no mode {mode:?}; there are \"caller\", \"listener\" and \
             \"rendezvous\""
        ),
    }
}

/// Whether we are called there.
pub(super) fn is_listener(address: &Address) -> bool {
    match address.option("mode") {
        None | Some("default" | "") => address.host.is_empty(),
        Some(mode) => mode == "listener" || mode == "server",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_we_are_called_a_passphrase_is_decoded_as_in_a_call() {
        let address = Address::parse("srt://:9000?passphrase=a%26b%20c%25defgh").unwrap();
        assert_eq!(srt(&address).unwrap()["passphrase"], "a&b c%defgh");
    }

    #[test]
    fn where_we_are_called_the_socket_is_set_as_that_of_a_call() {
        let settings = |query: &str| {
            let address = Address::parse(&format!("srt://:9000?{query}")).unwrap();
            srt(&address).unwrap()
        };
        let set = settings("bindtodevice=lo&iptos=0xB8&ipttl=33");
        assert_eq!(set["interface"], "lo");
        assert_eq!((&set["tos"], &set["ttl"]), (&184.into(), &33.into()));
        assert_eq!(settings("iptos=136")["tos"], 136);
        assert_eq!(settings("ipttl=1&ipttl=64")["ttl"], 64);
        let bare = settings("bindtodevice=&latency=200");
        for field in ["interface", "tos", "ttl"] {
            assert!(bare[field].is_null(), "{bare}");
        }
    }

    #[test]
    fn microseconds_written_for_ffmpeg_are_noticed_where_we_are_called_too() {
        let address = Address::parse("srt://:4201?latency=120000").unwrap();
        let error = srt(&address).unwrap_err().to_string();
        assert!(
            error.contains("ffmpeg's option counts microseconds"),
            "{error}"
        );
    }

    #[test]
    fn an_unknown_mode_is_named_and_not_the_address_blamed() {
        for place in [":19320", "h:19320"] {
            for (mode, wanted) in [
                ("listner", "did you mean \"listener\"?"),
                ("Listener", "did you mean \"listener\"?"),
                ("calller", "did you mean \"caller\"?"),
                ("rendevous", "did you mean \"rendezvous\"?"),
                ("sever", "did you mean \"server\"?"),
                (
                    "zzz",
                    "there are \"caller\", \"listener\" and \"rendezvous\"",
                ),
            ] {
                let address = Address::parse(&format!("srt://{place}?mode={mode}")).unwrap();
                let error = srt(&address).unwrap_err().to_string();
                let unknown = format!("there is no mode {mode:?}; {wanted}");
                assert_eq!(error, format!("{address}: {unknown}"));
            }
        }
        let unset = srt(&Address::parse("srt://:9000?mode=").unwrap()).unwrap();
        assert_eq!(unset["bind"], "0.0.0.0:9000");
    }

    #[test]
    fn who_listens_and_where_is_read_as_srt_live_transmit_reads_it() {
        for (text, bind) in [
            ("srt://:9000", "0.0.0.0:9000"),
            ("srt://:9000?mode=default", "0.0.0.0:9000"),
            ("srt://*:9000?mode=listener", "0.0.0.0:9000"),
            ("srt://127.0.0.1:9000?mode=server", "127.0.0.1:9000"),
            ("srt://[::1]:9000?mode=listener", "[::1]:9000"),
            ("srt://:9000?adapter=127.0.0.2", "127.0.0.2:9000"),
            (
                "srt://:9000?adapter=127.0.0.2&bind=127.0.0.3:1",
                "127.0.0.3:9000",
            ),
            ("srt://:9000?bind=[::1]:1", "[::1]:9000"),
            ("srt://:9000?bind=127.0.0.3", "127.0.0.3:9000"),
            ("srt://:9000?bind=:1", "0.0.0.0:9000"),
        ] {
            let settings = srt(&Address::parse(text).unwrap()).unwrap();
            assert_eq!(settings["bind"], bind, "{text}");
        }
        for text in [
            "srt://h:9000",
            "srt://h:9000?mode=default",
            "srt://h:9000?mode=client",
        ] {
            let settings = srt(&Address::parse(text).unwrap()).unwrap();
            assert_eq!(settings["call"], text);
        }
    }

    #[test]
    fn two_ends_that_listen_have_a_port_each() {
        let refused = |from: &str, to: &str| {
            let (from, to) = (Address::parse(from).unwrap(), Address::parse(to).unwrap());
            refuse_one_port(&from, &to).err()
        };
        for (from, to) in [
            ("srt://:9000", "srt://:9000"),
            ("srt://:9000?latency=50", "srt://*:9000?mode=listener"),
            (
                "srt://:9000?bind=127.0.0.1",
                "srt://127.0.0.1:9000?mode=server",
            ),
        ] {
            let error = refused(from, to).unwrap().to_string();
            assert!(error.contains("both ends would listen at"), "{error}");
        }
        for (from, to) in [
            ("srt://:9000", "srt://:9001"),
            ("srt://:0", "srt://:0"),
            ("srt://:9000", "srt://h:9000"),
            ("srt://127.0.0.1:9000", "srt://127.0.0.1:9000"),
            ("srt://:9000?bind=127.0.0.1", "srt://:9000?bind=127.0.0.2"),
            ("udp://:9000", "srt://:9000"),
            ("file://con", "file://con"),
        ] {
            assert!(refused(from, to).is_none(), "{from} {to}");
        }
    }

    #[test]
    fn a_passphrase_of_the_environment_is_used_by_both_kinds_of_ends() {
        for text in ["srt://:9000", "srt://h:9000"] {
            let address = Address::parse(text).unwrap();
            let address = address.with_passphrase("NAME", Some("0123456789".into()));
            assert_eq!(srt(&address.unwrap()).unwrap()["passphrase"], "0123456789");
        }
    }
}
