//! RTMP: server and stream key, as encoders have their fields.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Called, Handout, Shown, for_everybody, quoted};
use crate::adapters::{Item, ListenerConfig};
use crate::api::address::percent_encoded;
use crate::api::credential::{Wanted, secret};
use crate::api::problem::Problem;

/// How to publish to a source over RTMP, for the tools people use.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct RtmpHandout {
    /// The source's name.
    name: String,
    /// The host to connect to.
    host: String,
    /// The TCP port.
    port: u16,
    /// The application: the path of the URL.
    app: String,
    /// The stream key.
    key: String,
    /// The server's address, without the key.
    url: String,
    /// For OBS: Settings → Stream → Service: Custom.
    obs: ObsFields,
    /// For vMix: Stream settings → Destination: Custom RTMP Server.
    vmix: VmixFields,
    /// For Larix and other apps with one field. Nothing where the key has characters that mean
    /// something in a URL.
    larix: Option<LarixFields>,
    /// A command line.
    ffmpeg: String,
    /// A command line.
    gstreamer: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct ObsFields {
    server: String,
    stream_key: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct VmixFields {
    url: String,
    stream_name_or_key: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct LarixFields {
    /// Address and key in one.
    url: String,
    /// Opened on the phone, it sets up the connection.
    link: String,
}

pub(super) fn handout<T: Item>(called: Called<'_, T>, wanted: &Wanted) -> Result<Shown, Problem> {
    let (item, desired) = (called.item, called.desired);
    for_everybody(wanted, item.name().as_str(), "one stream key")?;
    let listener = item.listener().map(|(_, listener)| listener);
    let listener = listener.and_then(|name| desired.find::<ListenerConfig>(name));
    let parts = Parts {
        scheme: if listener.is_some_and(Item::is_secure) {
            "rtmps"
        } else {
            "rtmp"
        },
        url_host: called.url_host,
        port: called.port,
        app: item
            .path_on_listener()
            .unwrap_or_default()
            .trim_matches('/')
            .to_owned(),
        key: secret(item, desired, "key")?.unwrap_or_default(),
    };
    let handout = parts.handout(item.name().as_str(), called.host);
    Ok((Handout::Rtmp(Box::new(handout)), Some("key".to_owned())))
}

struct Parts {
    scheme: &'static str,
    url_host: String,
    port: u16,
    app: String,
    key: String,
}

impl Parts {
    fn handout(self, name: &str, host: String) -> RtmpHandout {
        let (app, key) = (&self.app, &self.key);
        let base = format!("{}://{}:{}", self.scheme, self.url_host, self.port);
        // Encoders send the path of their URL as it stands.
        let url = format!("{base}/{app}");
        let whole = is_plain(key).then(|| format!("{url}/{key}"));
        let ffmpeg = match &whole {
            Some(whole) if !app.contains('/') => quoted(whole),
            // It would divide the path elsewhere, and take some ends for those of files.
            _ => format!(
                "-rtmp_app {} -rtmp_playpath {} {}",
                quoted(app),
                quoted(key),
                quoted(&base)
            ),
        };
        // GStreamer divides at the last slash, and takes this as it stands.
        let bare_host = host.trim_matches(['[', ']']);
        let [host_word, app_word, key_word] = [bare_host, app.as_str(), key.as_str()].map(quoted);
        let (scheme, port) = (self.scheme, self.port);
        let sink = format!(
            "rtmp2sink sync=true scheme={scheme} host={host_word} port={port} \
             application={app_word} stream={key_word}"
        );
        let link = |whole: &str| {
            let [url, name] = [whole, name].map(|part| percent_encoded(part, b"-._~"));
            format!("larix://set/v1?conn[][url]={url}&conn[][name]={name}")
        };
        RtmpHandout {
            name: name.to_owned(),
            host,
            port: self.port,
            app: app.clone(),
            key: key.clone(),
            obs: ObsFields {
                server: url.clone(),
                stream_key: key.clone(),
            },
            vmix: VmixFields {
                url: url.clone(),
                stream_name_or_key: key.clone(),
            },
            larix: whole.as_ref().map(|whole| LarixFields {
                url: whole.clone(),
                link: link(whole),
            }),
            ffmpeg: format!("ffmpeg -re -i INPUT -c copy -f flv {ffmpeg}"),
            // Without "sync" it would send the file as fast as it can.
            gstreamer: format!(
                "gst-launch-1.0 filesrc location=INPUT.ts ! tsdemux name=in \
                 flvmux name=out streamable=true ! {sink} \
                 in. ! queue ! h264parse ! out. in. ! queue ! aacparse ! out."
            ),
            url,
        }
    }
}

/// Whether every program leaves the key alone, wherever it stands in a URL.
fn is_plain(key: &str) -> bool {
    key.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_~".contains(&byte))
}
