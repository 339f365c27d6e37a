//! The options of an address: which there are, and what they ask for.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use tidegate_engine::nearest;
use tidegate_srt::{CipherMode, KeyRefresh};

use super::uri::UriError;
use super::{FilterChoice, KeyBytes};

/// Whether the other side waits to be called, or calls as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CallMode {
    /// It listens.
    #[default]
    Caller,
    /// It calls, from the port that is called here.
    Rendezvous,
}

impl CallMode {
    /// As it is called in the status.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Rendezvous => "rendezvous",
        }
    }
}

/// What the options of an address ask for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct UriOptions {
    pub(crate) stream_id: Option<String>,
    pub(crate) latency: Option<Duration>,
    pub(crate) receive_latency: Option<Duration>,
    pub(crate) peer_latency: Option<Duration>,
    pub(crate) key_length: Option<KeyBytes>,
    pub(crate) cipher: Option<CipherMode>,
    /// Packets; 0 is libsrt's default.
    pub(crate) key_refresh_packets: u64,
    pub(crate) key_announce_packets: u64,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) local_address: Option<IpAddr>,
    pub(crate) local_port: Option<u16>,
    pub(crate) mode: CallMode,
    pub(crate) interface: Option<String>,
    pub(crate) tos: Option<u8>,
    pub(crate) ttl: Option<u8>,
    pub(crate) max_bandwidth: Option<i64>,
    pub(crate) input_bandwidth: Option<u64>,
    pub(crate) overhead_percent: Option<u8>,
    pub(crate) loss_max_ttl: Option<u32>,
    pub(crate) too_late_drop: Option<bool>,
    pub(crate) nak_report: Option<bool>,
    pub(crate) trace_drift: Option<bool>,
    pub(crate) send_drop_delay: Option<Duration>,
    pub(crate) packet_filter: Option<FilterChoice>,
}

impl UriOptions {
    /// `kmrefreshrate` and `kmpreannounce` as libsrt reads them.
    pub(crate) fn key_refresh(&self) -> KeyRefresh {
        let default = KeyRefresh::DEFAULT;
        let or = |packets: u64, default: u64| if packets == 0 { default } else { packets };
        KeyRefresh::new(
            or(self.key_refresh_packets, default.rate_packets()),
            or(self.key_announce_packets, default.preannounce_packets()),
        )
    }
}

/// Options that are taken and change nothing here: buffers size themselves, and live mode is
/// the only one.
const WITHOUT_EFFECT: [&str; 18] = [
    "adaptive",
    "blocking",
    "fc",
    "groupminstabletimeo",
    "ipv6only",
    "linger",
    "maxrexmitbw",
    "mininputbw",
    "minversion",
    "mss",
    "payloadsize",
    "pkt_size",
    "rcvbuf",
    "retransmitalgo",
    "sndbuf",
    "timeout",
    "udp_rcvbuf",
    "udp_sndbuf",
];

/// Options that are understood.
const WITH_EFFECT: [&str; 34] = [
    "adapter",
    "bind",
    "bindtodevice",
    "congestion",
    "conntimeo",
    "cryptomode",
    "drifttracer",
    "enforcedencryption",
    "groupconnect",
    "inputbw",
    "iptos",
    "ipttl",
    "kmpreannounce",
    "kmrefreshrate",
    "latency",
    "lossmaxttl",
    "maxbw",
    "messageapi",
    "mode",
    "nakreport",
    "oheadbw",
    "packetfilter",
    "passphrase",
    "pbkeylen",
    "peeridletimeo",
    "peerlatency",
    "port",
    "rcvlatency",
    "snddropdelay",
    "streamid",
    "tlpktdrop",
    "transtype",
    "tsbpd",
    "tsbpdmode",
];

/// Linux has names of network interfaces no longer than this.
const INTERFACE_BYTES_MAX: usize = 15;

/// One option being read.
pub(super) struct Reading<'a> {
    pub(super) option: &'a str,
    pub(super) value: &'a str,
}

impl Reading<'_> {
    pub(super) fn apply(&self, options: &mut UriOptions) -> Result<(), UriError> {
        match self.option {
            "streamid" => options.stream_id = Some(self.stream_id()?),
            "latency" => options.latency = Some(self.millis()?),
            "rcvlatency" => options.receive_latency = Some(self.millis()?),
            "peerlatency" => options.peer_latency = Some(self.millis()?),
            "pbkeylen" => options.key_length = self.key_length()?,
            "cryptomode" => options.cipher = self.cipher()?,
            "kmrefreshrate" => options.key_refresh_packets = self.number("a number of packets")?,
            "kmpreannounce" => options.key_announce_packets = self.number("a number of packets")?,
            "conntimeo" => options.connect_timeout = Some(self.millis()?),
            "peeridletimeo" => options.idle_timeout = Some(self.millis()?),
            "adapter" => options.local_address = Some(self.number("a local IP address")?),
            "bind" => self.local(options)?,
            "mode" => options.mode = self.mode()?,
            "bindtodevice" => options.interface = self.interface()?,
            "iptos" => options.tos = Some(self.byte("0 to 255, or 0x00 to 0xff")?),
            "ipttl" => {
                let wanted = "1 to 255";
                let ttl = self.byte(wanted)?;
                options.ttl = Some(ttl).filter(|ttl| *ttl > 0);
                options.ttl.ok_or_else(|| self.wrong(wanted))?;
            }
            "port" => options.local_port = Some(self.number("a local port")?),
            "maxbw" => options.max_bandwidth = Some(self.number("bytes per second, 0 or -1")?),
            "inputbw" => options.input_bandwidth = Some(self.number("bytes per second")?),
            "oheadbw" => options.overhead_percent = Some(self.number("5 to 100 percent")?),
            "lossmaxttl" => options.loss_max_ttl = Some(self.number("a number of packets")?),
            "tlpktdrop" => options.too_late_drop = Some(self.flag()?),
            "nakreport" => options.nak_report = Some(self.flag()?),
            "drifttracer" => options.trace_drift = Some(self.flag()?),
            "packetfilter" => options.packet_filter = self.packet_filter()?,
            "snddropdelay" => options.send_drop_delay = Some(self.millis()?),
            _ => return self.check_only(),
        }
        Ok(())
    }

    /// Options that must have the one value that is meant anyway.
    fn check_only(&self) -> Result<(), UriError> {
        let only = |fine: &[&str], why| {
            if fine.contains(&self.value) {
                Ok(())
            } else {
                Err(self.unsupported(why))
            }
        };
        let yes = ["1", "true", "yes", "on", ""];
        match self.option {
            "transtype" => only(&["live", ""], "only live transmission is"),
            "congestion" => only(&["live", ""], "only live congestion control is"),
            "messageapi" => only(&yes, "only live messages are"),
            "enforcedencryption" => only(&yes, "encryption is always enforced"),
            "groupconnect" => only(
                &["0", ""],
                "a listener here takes bonding groups without it; an output calls as one with \
                 `bonding`",
            ),
            "tsbpd" | "tsbpdmode" => only(&yes, "media always keeps its time"),
            other if WITHOUT_EFFECT.contains(&other) => Ok(()),
            _ => Err(self.unknown()),
        }
    }

    fn unknown(&self) -> UriError {
        let known = WITH_EFFECT.iter().chain(&WITHOUT_EFFECT).copied();
        let nearest = nearest(self.option, known).map(str::to_owned);
        UriError::UnknownOption {
            option: self.option.to_owned(),
            nearest,
        }
    }

    fn stream_id(&self) -> Result<String, UriError> {
        if self.value.len() > super::STREAM_ID_BYTES_MAX {
            return Err(self.wrong("a stream ID has at most 512 bytes"));
        }
        Ok(self.value.to_owned())
    }

    fn millis(&self) -> Result<Duration, UriError> {
        let wanted = "a number of milliseconds (ffmpeg's option counts microseconds, this one \
                      does not), at most 60000";
        let millis: u64 = self.number(wanted)?;
        if millis > 60_000 {
            Err(self.wrong(wanted))
        } else {
            Ok(Duration::from_millis(millis))
        }
    }

    fn key_length(&self) -> Result<Option<KeyBytes>, UriError> {
        let wanted = "16, 24 or 32, the bytes of an AES key";
        match self.number(wanted)? {
            0 => Ok(None),
            bytes => KeyBytes::parse(bytes)
                .map(Some)
                .ok_or_else(|| self.wrong(wanted)),
        }
    }

    fn cipher(&self) -> Result<Option<CipherMode>, UriError> {
        match self.value {
            "0" | "" => Ok(None),
            "1" => Ok(Some(CipherMode::Ctr)),
            "2" => Ok(Some(CipherMode::Gcm)),
            _ => Err(self.wrong("0 (AES-CTR, the default), 1 (AES-CTR) or 2 (AES-GCM)")),
        }
    }

    fn packet_filter(&self) -> Result<Option<FilterChoice>, UriError> {
        if self.value.is_empty() {
            return Ok(None);
        }
        let parsed = self.value.parse();
        parsed.map(Some).map_err(|error| UriError::Filter {
            value: self.value.to_owned(),
            error,
        })
    }

    fn mode(&self) -> Result<CallMode, UriError> {
        match self.value {
            "caller" | "client" | "default" | "" => Ok(CallMode::Caller),
            "rendezvous" => Ok(CallMode::Rendezvous),
            _ => Err(self.unsupported(
                "`call` calls; to be called, put the stream on a `listener`, or on a port of its \
                 own: `bind`",
            )),
        }
    }

    /// An address and port to call from, or one of the two.
    fn local(&self, options: &mut UriOptions) -> Result<(), UriError> {
        let wanted = "a local address and port, like 192.0.2.5:9000";
        if let Ok(port) = self.value.trim_start_matches(':').parse() {
            options.local_port = Some(port);
        } else if let Ok(address) = self.value.parse::<IpAddr>() {
            options.local_address = Some(address);
        } else {
            let place: SocketAddr = self.number(wanted)?;
            options.local_address = Some(place.ip());
            options.local_port = Some(place.port());
        }
        Ok(())
    }

    fn interface(&self) -> Result<Option<String>, UriError> {
        let fits = self.value.len() <= INTERFACE_BYTES_MAX && !self.value.contains(['/', '\0']);
        match self.value {
            "" => Ok(None),
            name if fits => Ok(Some(name.to_owned())),
            _ => Err(self.wrong("the name of a network interface, like eth1")),
        }
    }

    /// A byte, in decimal or hexadecimal digits as srt-live-transmit takes it.
    fn byte(&self, wanted: &'static str) -> Result<u8, UriError> {
        match self.value.strip_prefix("0x") {
            Some(digits) => u8::from_str_radix(digits, 16).map_err(|_| self.wrong(wanted)),
            None => self.number(wanted),
        }
    }

    fn flag(&self) -> Result<bool, UriError> {
        match self.value {
            "1" | "true" | "yes" | "on" => Ok(true),
            "0" | "false" | "no" | "off" => Ok(false),
            _ => Err(self.wrong("1 or 0")),
        }
    }

    fn number<T: FromStr>(&self, wanted: &'static str) -> Result<T, UriError> {
        self.value.parse().map_err(|_| self.wrong(wanted))
    }

    fn wrong(&self, wanted: &'static str) -> UriError {
        UriError::Value {
            option: self.option.to_owned(),
            value: self.value.to_owned(),
            wanted,
        }
    }

    fn unsupported(&self, why: &'static str) -> UriError {
        UriError::Unsupported {
            option: self.option.to_owned(),
            value: self.value.to_owned(),
            why,
        }
    }
}
