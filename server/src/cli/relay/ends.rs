//! From an address to what produces or consumes a feed.

use std::fmt;
use std::sync::Arc;

use anyhow::{anyhow, bail, ensure};
use serde_json::{Value, json};
use tidegate_engine::{OutputDriver, SourceDriver};
use tokio_util::sync::CancellationToken;

use super::address::{Address, Scheme};
use super::console::{Sink, StandardInput};
use super::srt_end::{is_listener, srt};
use crate::adapters::{Adapters, OutputConfig, SourceConfig};
use crate::cli::drivers;
use crate::config::read;
use crate::state::Vault;

pub(super) const FROM: &str = "from";
pub(super) const TO: &str = "to";

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

    /// What produces the feed. A file begins when `audience` is cancelled: somebody is there;
    /// `ended` is cancelled when there is no more of it.
    pub(super) fn driver(
        &self,
        chunk_bytes: usize,
        audience: &CancellationToken,
        ended: &CancellationToken,
        adapters: &Adapters,
    ) -> anyhow::Result<Arc<dyn SourceDriver>> {
        let from = match self {
            Self::File(name) => return drivers::file(name, audience.clone(), ended.clone()),
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

    /// Whether readers call us.
    pub(super) fn is_listener(&self) -> bool {
        matches!(self, Self::Address(to) if to.scheme == Scheme::Srt && is_listener(to))
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
        let (audience, ended) = (CancellationToken::new(), CancellationToken::new());
        from.driver(1316, &audience, &ended, &adapters)?;
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
    fn groups_are_taken_where_we_are_called_and_a_call_names_another_way() {
        assert!(ends_of("srt://:1?groupconnect=1").is_ok());
        let error = ends_of("srt://h:1?groupconnect=1").unwrap_err().to_string();
        assert!(error.contains("`bonding`"), "{error}");
    }
}
