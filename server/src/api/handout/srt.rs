//! SRT: the address with stream ID and passphrase in it.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Called, Direction, quoted, setting};
use crate::adapters::{Item, ListenerConfig};
use crate::api::address::query_encoded;
use crate::api::credential::{self, Placed, Wanted};
use crate::api::problem::Problem;
use crate::state::Desired;

/// Latency suggested where nothing is configured.
const LATENCY_MS: u64 = 200;

/// How to reach a source or an output over SRT, for the tools people use.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct SrtHandout {
    /// The source's or output's name.
    name: String,
    /// The host to connect to.
    host: String,
    /// The UDP port.
    port: u16,
    /// The stream ID.
    stream_id: String,
    /// The user it is for, when that was asked for.
    user: Option<String>,
    /// The passphrase, when it has one.
    passphrase: Option<String>,
    /// Which passphrase that is, as the status says by which one a connection came:
    /// `passphrase`, `passphrases/LABEL`, `users/NAME`, with `listener/` before the listener's.
    passphrase_used: Option<String>,
    /// The latency to set, in milliseconds.
    latency_ms: u64,
    /// All of it in one address, latency in milliseconds as SRT tools take it.
    url: String,
    /// For OBS: Settings → Stream → Custom → Server. (Its latency is in microseconds.)
    /// Nothing where callers must have AES-GCM, which it cannot ask for.
    obs: Option<String>,
    /// A command line. Nothing where callers must have AES-GCM, which it cannot ask for.
    ffmpeg: Option<String>,
    /// A command line.
    srt_live_transmit: String,
    /// A command line. Nothing where callers must have AES-GCM, which it cannot ask for.
    gstreamer: Option<String>,
    /// What to type into vMix, field by field. Nothing where callers must have AES-GCM, which
    /// it cannot ask for.
    vmix: Option<String>,
}

pub(super) struct Parts {
    name: String,
    host: String,
    url_host: String,
    port: u16,
    stream_id: String,
    user: Option<String>,
    passphrase: Option<Placed>,
    /// Whether a caller must have AES-GCM.
    must_have_gcm: bool,
    latency_ms: u64,
}

impl Parts {
    pub(super) fn of<T: Item>(
        called: Called<'_, T>,
        direction: Direction,
        wanted: Wanted,
    ) -> Result<Self, Problem> {
        let (item, desired) = (called.item, called.desired);
        let passphrase = credential::of(item, desired, &wanted)?;
        let stream_id = item.stream_id().unwrap_or_default();
        let has_gcm = cipher(item, desired).is_some_and(|cipher| cipher == "gcm");
        Ok(Self {
            name: item.name().to_string(),
            stream_id: stream_id_for(stream_id, direction, wanted.user.as_deref()),
            user: wanted.user,
            must_have_gcm: passphrase.is_some() && has_gcm,
            passphrase,
            latency_ms: latency_ms(item).unwrap_or(LATENCY_MS),
            url_host: called.url_host,
            host: called.host,
            port: called.port,
        })
    }

    /// The place of the passphrase it shows.
    pub(super) fn shows(&self) -> Option<String> {
        self.passphrase.as_ref().map(|(place, _)| place.clone())
    }
}

/// The stream ID that gives a user's name; without one, the plain one.
fn stream_id_for(stream_id: &str, direction: Direction, user: Option<&str>) -> String {
    let Some(user) = user else {
        return stream_id.to_owned();
    };
    // What has a meaning in this form; Tidegate decodes it.
    let written = |text: &str| text.replace('%', "%25").replace(',', "%2C");
    let mode = match direction {
        Direction::Send => "publish",
        Direction::Receive => "request",
    };
    let resource = match stream_id {
        "" => String::new(),
        stream_id => format!("r={},", written(stream_id)),
    };
    format!("#!::{resource}m={mode},u={}", written(user))
}

/// The cipher mode that callers of `item` must have: its own, otherwise its listener's.
fn cipher<T: Item>(item: &T, desired: &Desired) -> Option<serde_json::Value> {
    let own = setting(item, "cipher").filter(|cipher| cipher != "auto");
    own.or_else(|| {
        let (_, listener) = item.listener()?;
        setting(desired.find::<ListenerConfig>(listener)?, "cipher")
    })
}

fn latency_ms<T: Item>(item: &T) -> Option<u64> {
    let latency = setting(item, "latency")?;
    u64::try_from(
        humantime::parse_duration(latency.as_str()?)
            .ok()?
            .as_millis(),
    )
    .ok()
}

impl Parts {
    /// The address as a tool takes it. Tools differ in how they read a passphrase; the
    /// stream ID is understood encoded, because Tidegate decodes it.
    fn address(&self, latency: u64, written: fn(&str) -> String) -> String {
        let Self { url_host, port, .. } = self;
        let mut url = format!("srt://{url_host}:{port}?");
        if !self.stream_id.is_empty() {
            url += &format!("streamid={}&", query_encoded(&self.stream_id));
        }
        if let Some((_, passphrase)) = &self.passphrase {
            url += &format!("passphrase={}&", written(passphrase));
        }
        if self.must_have_gcm {
            url += "cryptomode=2&";
        }
        format!("{url}latency={latency}")
    }

    pub(super) fn handout(self, direction: Direction) -> SrtHandout {
        // FFmpeg, and OBS through it, count latency in microseconds and take "+" for a blank;
        // SRT's own tools take milliseconds and everything as it stands; GStreamer decodes.
        let obs = self.address(self.latency_ms * 1000, |text| text.replace(' ', "+"));
        let plain = self.address(self.latency_ms, str::to_owned);
        let millis = self.address(self.latency_ms, query_encoded);
        let (for_ffmpeg, for_srt, for_gst) = (quoted(&obs), quoted(&plain), quoted(&millis));
        let (ffmpeg, transmit, gstreamer) = match direction {
            Direction::Send => (
                format!("ffmpeg -re -i INPUT -c copy -f mpegts {for_ffmpeg}"),
                // Its messages of 1456 bytes from standard input are too long for AES-GCM.
                match self.must_have_gcm {
                    true => format!("srt-live-transmit -chunk:1316 udp://:5000 {for_srt}"),
                    false => format!("srt-live-transmit udp://:5000 {for_srt}"),
                },
                // Without the two settings it would send the file as fast as it can.
                format!(
                    "gst-launch-1.0 filesrc location=INPUT.ts ! \
                     tsparse set-timestamps=true alignment=7 ! srtsink sync=true uri={for_gst}"
                ),
            ),
            Direction::Receive => (
                format!("ffplay {for_ffmpeg}"),
                format!("srt-live-transmit {for_srt} file://con > received.ts"),
                format!("gst-launch-1.0 srtsrc uri={for_gst} ! decodebin ! autovideosink"),
            ),
        };
        let key = self
            .passphrase
            .as_ref()
            .map_or(String::new(), |(_, passphrase)| {
                format!(", Passphrase {passphrase}, Key length 128")
            });
        let vmix = format!(
            "Type SRT (Caller), Hostname {}, Port {}, Stream ID {}, Latency {}{key}",
            self.host, self.port, self.stream_id, self.latency_ms
        );
        // Of these tools only srt-live-transmit can ask for AES-GCM.
        let unless_gcm = |line: String| (!self.must_have_gcm).then_some(line);
        let (passphrase_used, passphrase) = self.passphrase.unzip();
        SrtHandout {
            name: self.name,
            host: self.host,
            port: self.port,
            stream_id: self.stream_id,
            user: self.user,
            passphrase,
            passphrase_used,
            latency_ms: self.latency_ms,
            url: millis,
            obs: unless_gcm(obs),
            ffmpeg: unless_gcm(ffmpeg),
            srt_live_transmit: transmit,
            gstreamer: unless_gcm(gstreamer),
            vmix: unless_gcm(vmix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handout(must_have_gcm: bool, direction: Direction) -> SrtHandout {
        let parts = Parts {
            name: "cam".into(),
            host: "192.0.2.1".into(),
            url_host: "192.0.2.1".into(),
            port: 9000,
            stream_id: "cam".into(),
            user: None,
            passphrase: Some(("passphrase".into(), "long enough".into())),
            must_have_gcm,
            latency_ms: 200,
        };
        parts.handout(direction)
    }

    #[test]
    fn where_callers_must_have_gcm_every_line_asks_for_it() {
        for direction in [Direction::Send, Direction::Receive] {
            let with = handout(true, direction);
            let lines = [with.obs, with.ffmpeg, with.gstreamer, with.vmix];
            assert_eq!(lines, [None, None, None, None]);
            assert!(with.url.contains("&cryptomode=2&"), "{}", with.url);
            let line = with.srt_live_transmit;
            assert!(line.contains("&cryptomode=2&"), "{line}");
            let sends = matches!(direction, Direction::Send);
            assert_eq!(line.contains(" -chunk:1316 "), sends, "{line}");

            let without = handout(false, direction);
            let lines = [without.obs, without.ffmpeg, without.gstreamer, without.vmix];
            assert!(lines.iter().all(Option::is_some), "{lines:?}");
            assert!(!without.url.contains("cryptomode"), "{}", without.url);
            let line = without.srt_live_transmit;
            assert!(!line.contains("cryptomode") && !line.contains("-chunk"));
        }
    }
}
