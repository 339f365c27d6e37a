//! From an address to what produces or consumes a feed.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail, ensure};
use serde_json::{Value, json};
use tidegate_adapter_srt::CallUri;
use tidegate_engine::{OutputDriver, SourceDriver};
use tokio_util::sync::CancellationToken;

use super::address::{Address, Scheme};
use super::console::{Sink, StandardInput};
use crate::adapters::{Adapters, OutputConfig, SourceConfig};
use crate::cli::{drivers, say_wrong};
use crate::config::problem::nearest;
use crate::config::read;
use crate::state::Vault;

pub(super) const FROM: &str = "from";
pub(super) const TO: &str = "to";

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

/// Options of UDP addresses that srt-live-transmit has, and what they are here.
const UDP_OUTPUT_OPTIONS: [(&str, &str); 2] = [("ttl", "ttl"), ("adapter", "interface")];

/// Where a feed comes from.
pub(super) enum Input {
    Address(Address),
    /// A file of MPEG-TS, played in its own time.
    File(String),
}

impl Input {
    /// A file by its name; `-` is standard input.
    pub(super) fn file(name: &str) -> Self {
        match name {
            "-" => Self::Address(Address::CONSOLE),
            _ => Self::File(name.to_owned()),
        }
    }

    /// What produces the feed; `ended` is cancelled when there is no more of it.
    pub(super) fn driver(
        &self,
        chunk_bytes: usize,
        ended: &CancellationToken,
        adapters: &Adapters,
    ) -> anyhow::Result<Arc<dyn SourceDriver>> {
        let from = match self {
            Self::File(name) => return drivers::file(name, ended.clone()),
            Self::Address(from) => from,
        };
        match from.scheme {
            Scheme::Console => Ok(Arc::new(StandardInput {
                chunk_bytes,
                ended: ended.clone(),
            })),
            Scheme::Udp => {
                refuse_options(from, &["adapter"])?;
                drivers::udp(&from.authority(), from.option("adapter"))
            }
            Scheme::Srt => {
                let config = json!({ "name": FROM, "srt": srt(from)? });
                let mut config: SourceConfig = read::json(config.to_string().as_bytes())
                    .map_err(|errors| anyhow!("{from}: {}", errors.first()))?;
                let mut vault = Vault::default();
                vault.absorb(&mut config, None);
                Ok(adapters.source(&config, &vault)?)
            }
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) if address.scheme == Scheme::Console => {
                f.write_str("standard input")
            }
            Self::Address(address) => address.fmt(f),
            Self::File(name) => f.write_str(name),
        }
    }
}

/// Where a feed goes.
pub(super) enum Output {
    Address(Address),
    /// A file, made anew.
    File(String),
}

impl Output {
    /// A file by its name; `-` is standard output.
    pub(super) fn file(name: &str) -> Self {
        match name {
            "-" => Self::Address(Address::CONSOLE),
            _ => Self::File(name.to_owned()),
        }
    }

    /// Standard output carries the feed, so nothing else may be printed there.
    pub(super) fn is_standard_output(&self) -> bool {
        matches!(self, Self::Address(address) if address.scheme == Scheme::Console)
    }

    /// What consumes the feed.
    pub(super) fn driver(
        &self,
        low_delay: bool,
        adapters: &Adapters,
    ) -> anyhow::Result<Arc<dyn OutputDriver>> {
        let to = match self {
            Self::File(name) => return Ok(Arc::new(Sink::File(name.into()))),
            Self::Address(to) => to,
        };
        let config = match to.scheme {
            Scheme::Console => return Ok(Arc::new(Sink::Console)),
            Scheme::Udp => json!({ "name": TO, "source": FROM, "udp": udp(to)? }),
            Scheme::Srt => {
                let mut settings = srt(to)?;
                if is_listener(to) {
                    settings["open"] = settings["passphrase"].is_null().into();
                }
                if low_delay {
                    settings["low_delay"] = true.into();
                }
                json!({ "name": TO, "source": FROM, "srt": settings })
            }
        };
        let mut config: OutputConfig = read::json(config.to_string().as_bytes())
            .map_err(|errors| anyhow!("{to}: {}", errors.first()))?;
        let mut vault = Vault::default();
        vault.absorb(&mut config, None);
        Ok(adapters.output(&config, &vault)?)
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) if address.scheme == Scheme::Console => {
                f.write_str("standard output")
            }
            Self::Address(address) => address.fmt(f),
            Self::File(name) => f.write_str(name),
        }
    }
}

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
fn srt(address: &Address) -> anyhow::Result<Value> {
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

fn is_listener(address: &Address) -> bool {
    match address.option("mode") {
        None | Some("default" | "") => address.host.is_empty(),
        Some(mode) => mode == "listener" || mode == "server",
    }
}

/// The settings of a UDP output.
fn udp(to: &Address) -> anyhow::Result<Value> {
    refuse_options(to, &UDP_OUTPUT_OPTIONS.map(|(theirs, _)| theirs))?;
    ensure!(!to.host.is_empty(), "{to} names no host to send to");
    let mut settings = json!({ "to": to.authority() });
    for (theirs, ours) in UDP_OUTPUT_OPTIONS {
        if let Some(value) = to.option(theirs) {
            settings[ours] = match value.parse::<u8>() {
                Ok(number) if ours == "ttl" => number.into(),
                _ => value.into(),
            };
        }
    }
    Ok(settings)
}

fn refuse_options(address: &Address, known: &[&str]) -> anyhow::Result<()> {
    for (name, _) in address.options() {
        if !known.contains(&name) {
            bail!(
                "{address} takes no option {name:?} here; it takes {}",
                known.join(", ")
            );
        }
    }
    Ok(())
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

    /// What srt-live-transmit 1.5.5 knows, each with a value it is used with.
    const OPTIONS: &str = "adapter=127.0.0.1 bind=127.0.0.1:0 bindtodevice=lo blocking=1 \
        congestion=live conntimeo=3000 cryptomode=0 drifttracer=1 enforcedencryption=true fc=25600 \
        groupconnect=0 groupminstabletimeo=60 inputbw=1000000 iptos=0xB8 ipttl=64 ipv6only=1 \
        kmpreannounce=4096 kmrefreshrate=16777216 latency=120 linger=0 lossmaxttl=40 maxbw=-1 \
        maxrexmitbw=-1 messageapi=1 minversion=0x010300 mininputbw=0 mode=default mss=1500 \
        nakreport=yes oheadbw=25 packetfilter=fec,cols:10 passphrase=0123456789 payloadsize=1316 \
        pbkeylen=16 peeridletimeo=5000 peerlatency=200 port=0 rcvbuf=12058624 rcvlatency=200 \
        retransmitalgo=1 snddropdelay=0 sndbuf=12058624 streamid=a timeout=1000 tlpktdrop=no \
        transtype=live tsbpd=1 tsbpdmode=on";

    fn ends_of(text: &str) -> anyhow::Result<()> {
        let shards = tidegate_srt_io::Shards::start(&tidegate_srt_io::ShardsConfig {
            threads: 1,
            ..Default::default()
        })?;
        let adapters = Adapters::new(&crate::adapters::Shared { shards });
        let from = Input::Address(Address::parse(text)?);
        from.driver(1316, &CancellationToken::new(), &adapters)?;
        let to = Output::Address(Address::parse(text)?);
        to.driver(false, &adapters)?;
        Ok(())
    }

    #[test]
    fn every_option_of_srt_live_transmit_is_taken_and_misspelt_it_is_named() {
        for option in OPTIONS.split_whitespace() {
            for (place, mode) in [
                ("h", ""),
                ("h", "&mode=rendezvous"),
                ("", ""),
                ("127.0.0.1", "&mode=server"),
            ] {
                let taken = ends_of(&format!("srt://{place}:1?{option}{mode}"));
                assert!(taken.is_ok(), "{place} {mode} {option}: {taken:?}");
            }
            let (name, value) = option.split_once('=').unwrap();
            let misspelt = format!("{name}q={value}");
            for place in ["h:1?", ":1?"] {
                let error = ends_of(&format!("srt://{place}{misspelt}")).unwrap_err();
                let wanted = format!("did you mean {name:?}");
                assert!(error.to_string().contains(&wanted), "{misspelt}: {error}");
            }
        }
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
    fn groups_are_taken_where_we_are_called_and_a_call_names_another_way() {
        assert!(ends_of("srt://:1?groupconnect=1").is_ok());
        let error = ends_of("srt://h:1?groupconnect=1").unwrap_err().to_string();
        assert!(error.contains("`bonding`"), "{error}");
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
