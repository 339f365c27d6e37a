//! What to give to whoever sends or watches: the address with its secret, ready to paste.
//!
//! This is the one place where a secret is shown again. Every use is in the journal.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Serialize;
use tidegate_engine::{EventKind, SecretRef, Subject};
use utoipa::ToSchema;

use super::address::{host, port, query_encoded, url_host};
use super::problem::Problem;
use super::{App, Shared};
use crate::adapters::{Item, ListenerConfig, OutputConfig, SourceConfig};
use crate::auth::Identity;
use crate::config::check::has_passphrases;
use crate::state::{Desired, not_found};

/// Latency suggested where nothing is configured.
const LATENCY_MS: u64 = 200;

/// How to reach one source or output, for the tools people use.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Handout {
    /// The source's or output's name.
    name: String,
    /// The host to connect to.
    host: String,
    /// The UDP port.
    port: u16,
    /// The stream ID.
    stream_id: String,
    /// The passphrase, when it has one.
    passphrase: Option<String>,
    /// The latency to set, in milliseconds.
    latency_ms: u64,
    /// All of it in one address, latency in milliseconds as SRT tools take it.
    url: String,
    /// For OBS: Settings → Stream → Custom → Server. (Its latency is in microseconds.)
    obs: String,
    /// A command line.
    ffmpeg: String,
    /// A command line.
    srt_live_transmit: String,
    /// A command line.
    gstreamer: String,
    /// What to type into vMix, field by field.
    vmix: String,
}

/// How to send to a source, with its secret. The journal keeps who asked.
#[utoipa::path(get, path = "/api/v1/handout/sources/{name}", tag = "source",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, body = Handout), (status = 401, body = Problem),
        (status = 404, body = Problem),
        (status = 409, description = "Nobody connects to it", body = Problem)))]
pub(super) async fn source(
    State(app): State<Shared>,
    Extension(identity): Extension<Identity>,
    Path(name): Path<String>,
) -> Result<Json<Handout>, Problem> {
    let subject = Subject::source(&*name);
    let parts = parts::<SourceConfig>(&app, &name)?;
    audit(&app, &identity, subject);
    Ok(Json(parts.handout(Direction::Send)))
}

/// How to watch an output, with its secret. The journal keeps who asked.
#[utoipa::path(get, path = "/api/v1/handout/outputs/{name}", tag = "output",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, body = Handout), (status = 401, body = Problem),
        (status = 404, body = Problem),
        (status = 409, description = "Nobody connects to it", body = Problem)))]
pub(super) async fn output(
    State(app): State<Shared>,
    Extension(identity): Extension<Identity>,
    Path(name): Path<String>,
) -> Result<Json<Handout>, Problem> {
    let subject = Subject::output(&*name);
    let parts = parts::<OutputConfig>(&app, &name)?;
    audit(&app, &identity, subject);
    Ok(Json(parts.handout(Direction::Receive)))
}

#[derive(Clone, Copy)]
enum Direction {
    Send,
    Receive,
}

struct Parts {
    name: String,
    host: String,
    url_host: String,
    port: u16,
    stream_id: String,
    passphrase: Option<String>,
    latency_ms: u64,
}

fn parts<T: Item>(app: &App, name: &str) -> Result<Parts, Problem> {
    let desired = app.control.current();
    let item = desired
        .find::<T>(name)
        .ok_or_else(|| not_found::<T>(&desired, name))?;
    let port = called_port(item, app, &desired)?;
    let passphrase = common_passphrase(item, &desired)?;
    Ok(Parts {
        name: name.to_owned(),
        host: host(&desired),
        url_host: url_host(&desired),
        port,
        stream_id: item.stream_id().unwrap_or_default().to_owned(),
        passphrase,
        latency_ms: latency_ms(item).unwrap_or(LATENCY_MS),
    })
}

/// The passphrase of everybody who has none of their own.
fn common_passphrase<T: Item>(item: &T, desired: &Desired) -> Result<Option<String>, Problem> {
    if has_passphrases(item) {
        return passphrase(item, desired).and_then(|common| match common {
            Some(common) => Ok(Some(common)),
            None => Err(Problem::new(
                StatusCode::CONFLICT,
                "users",
                format!(
                    "\"{}\" has no passphrase for everybody, only for its users.",
                    item.name()
                ),
            )
            .advise("Hand every user the stream ID with u=NAME, and the passphrase of its own.")),
        });
    }
    let is_open = setting(item, "open").is_some_and(|open| open == true);
    let listener = item.listener().map(|(_, listener)| listener);
    match listener.and_then(|name| desired.find::<ListenerConfig>(name)) {
        Some(listener) if !is_open => passphrase(listener, desired),
        _ => Ok(None),
    }
}

/// The port that callers of `item` are to call.
fn called_port<T: Item>(item: &T, app: &App, desired: &Desired) -> Result<u16, Problem> {
    if let Some((_, own)) = item.port() {
        return Ok(own.port());
    }
    let Some((_, listener)) = item.listener() else {
        let name = item.name();
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "no_listener",
            format!("Nobody connects to \"{name}\": it is not on a listener."),
        ));
    };
    port(listener, app, desired).ok_or_else(|| {
        let message = format!("The listener \"{listener}\" is not open.");
        Problem::new(StatusCode::CONFLICT, "not_bound", message)
            .advise("See its error, and change its bind address.")
    })
}

fn passphrase<T: Item>(item: &T, desired: &Desired) -> Result<Option<String>, Problem> {
    let mut resolved = desired
        .vault
        .resolved(item)
        .map_err(|problem| Problem::new(StatusCode::CONFLICT, "secret", problem.message))?;
    let secrets = resolved.secrets();
    // A webhook's secret is nothing to hand out.
    let is_common = |field: &str| field.contains("/passphrase") && !field.contains("/users/");
    let mut common = secrets.into_iter().filter(|(field, _)| is_common(field));
    Ok(common.find_map(|(_, secret)| match secret {
        SecretRef::Literal(secret) => Some(secret.expose().to_owned()),
        SecretRef::Named(_) | SecretRef::Unchanged => None,
    }))
}

fn setting<T: Item>(item: &T, name: &str) -> Option<serde_json::Value> {
    let settings = serde_json::to_value(crate::state::shown(item)).ok()?;
    settings.get(item.kind())?.get(name).cloned()
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
        if let Some(passphrase) = &self.passphrase {
            url += &format!("passphrase={}&", written(passphrase));
        }
        format!("{url}latency={latency}")
    }

    fn handout(self, direction: Direction) -> Handout {
        // FFmpeg, and OBS through it, count latency in microseconds and take "+" for a blank;
        // SRT's own tools take milliseconds and everything as it stands; GStreamer decodes.
        let obs = self.address(self.latency_ms * 1000, |text| text.replace(' ', "+"));
        let plain = self.address(self.latency_ms, str::to_owned);
        let millis = self.address(self.latency_ms, query_encoded);
        let (for_ffmpeg, for_srt, for_gst) = (quoted(&obs), quoted(&plain), quoted(&millis));
        let (ffmpeg, transmit, gstreamer) = match direction {
            Direction::Send => (
                format!("ffmpeg -re -i INPUT -c copy -f mpegts {for_ffmpeg}"),
                format!("srt-live-transmit udp://:5000 {for_srt}"),
                format!(
                    "gst-launch-1.0 filesrc location=INPUT.ts ! tsparse ! srtsink uri={for_gst}"
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
            .as_deref()
            .map_or(String::new(), |passphrase| {
                format!(", Passphrase {passphrase}, Key length 128")
            });
        let vmix = format!(
            "Type SRT (Caller), Hostname {}, Port {}, Stream ID {}, Latency {}{key}",
            self.host, self.port, self.stream_id, self.latency_ms
        );
        Handout {
            name: self.name,
            host: self.host,
            port: self.port,
            stream_id: self.stream_id,
            passphrase: self.passphrase,
            latency_ms: self.latency_ms,
            url: millis,
            obs,
            ffmpeg,
            srt_live_transmit: transmit,
            gstreamer,
            vmix,
        }
    }
}

/// One word for a shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn audit(app: &App, identity: &Identity, subject: Subject) {
    let by = identity.user.clone();
    app.engine.events().emit(
        subject,
        EventKind::Audit {
            by,
            action: "saw its secret".into(),
        },
    );
}
