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
use crate::config::read;
use crate::state::Vault;

pub(super) const FROM: &str = "from";
pub(super) const TO: &str = "to";

/// Options of an SRT address that mean something where we are called.
const LISTENING_OPTIONS: [&str; 5] = ["mode", "adapter", "passphrase", "latency", "rcvlatency"];

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
                drivers::udp(&from.authority(), from.option("adapter").as_deref())
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

/// The settings of an SRT end.
fn srt(address: &Address) -> anyhow::Result<Value> {
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
    let everywhere = address.host.is_empty() || address.host == "*";
    let host = match address.option("adapter") {
        Some(adapter) => adapter,
        None if everywhere => "0.0.0.0".into(),
        None => address.host.as_str().into(),
    };
    let host: IpAddr = host.parse().with_context(|| {
        format!("{address}: to listen, name an IP address of this machine, or leave it out")
    })?;
    let mut settings = json!({ "bind": SocketAddr::from((host, address.port)) });
    // The options are checked as those of a call are; what most ask for is the caller's choice.
    let options: Vec<String> = address
        .options()
        .filter(|(name, _)| !["mode", "adapter"].contains(name))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let call = format!("srt://{}:{}?{}", "caller", 1, options.join("&"));
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
    Ok(settings)
}

fn is_listener(address: &Address) -> bool {
    let is_nobody = address.host.is_empty() && address.option("mode").is_none();
    is_nobody
        || address
            .option("mode")
            .is_some_and(|mode| mode == "listener" || mode == "server")
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
    fn microseconds_written_for_ffmpeg_are_noticed_where_we_are_called_too() {
        let address = Address::parse("srt://:4201?latency=120000").unwrap();
        let error = srt(&address).unwrap_err().to_string();
        assert!(
            error.contains("ffmpeg's option counts microseconds"),
            "{error}"
        );
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
